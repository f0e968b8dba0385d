"""The container file and the units of systemd name what is there, and what they start works as they start it."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from generated import CONFIG, REGISTRY_NAME, ROOT, project

from pica_mcp import __version__
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.settings import OPTIONS

CONTAINERFILE = (CONFIG / "Containerfile").read_text(encoding="utf-8")
UNITS = {path.name: path.read_text(encoding="utf-8") for path in sorted((CONFIG / "systemd").iterdir())}
SERVICE = UNITS["pica-mcp@.service"]
PROGRAM = "/opt/pica-mcp/bin/pica-mcp"
VARIABLES = {"PICA_SECRET_FILE", "PICA_CONFIG", *(option.variable for option in OPTIONS)}


# The container


def instructions(name: str) -> list[str]:
    """Every instruction of that name in the container file, without the name."""
    joined = re.sub(r"\\\n\s*", "", CONTAINERFILE)
    return [line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def copied() -> list[str]:
    sources = [words.split()[:-1] for words in instructions("COPY") if not words.startswith("--from")]
    return [name for names in sources for name in names]


def test_what_is_copied_is_there_and_enough_to_install_the_package() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    needed = {"pyproject.toml", "pica_mcp", project()["readme"], *project()["license-files"]}
    assert set(copied()) == needed


def test_the_context_holds_what_is_copied_and_nothing_else_of_the_folder() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = [path.name for path in ROOT.iterdir() if is_kept(path.name, patterns)]
    assert set(kept) == set(copied())


def is_kept(name: str, patterns: list[str]) -> bool:
    """The last pattern that fits decides."""
    fitting = [pattern for pattern in patterns if fnmatch(name, pattern.removeprefix("!"))]
    return not fitting or fitting[-1].startswith("!")


def test_the_image_is_not_roots_and_tells_the_registry_who_it_is() -> None:
    assert instructions("USER") == ["10001"]
    (label,) = instructions("LABEL")
    told = dict(pair.split("=", 1) for pair in shlex.split(label))
    assert told["io.modelcontextprotocol.server.name"] == REGISTRY_NAME
    assert told["org.opencontainers.image.description"] == project()["description"]


def test_the_image_starts_the_program_with_its_catalogue_in_a_volume() -> None:
    (entry,) = (json.loads(words) for words in instructions("ENTRYPOINT"))
    assert entry == [PROGRAM]
    assert PROGRAM.removesuffix("/bin/pica-mcp") in instructions("COPY")[-1].split()
    (volume,) = instructions("VOLUME")
    assert f"PICA_CACHE={volume}" in instructions("ENV")[0].split()


@pytest.mark.parametrize("text", [CONTAINERFILE, *UNITS.values()], ids=["Containerfile", *UNITS])
def test_every_variable_that_is_named_is_a_setting(text: str) -> None:
    assert set(re.findall(r"PICA_[A-Z_]+", text)) <= VARIABLES


# The units of systemd


def values(name: str) -> Iterator[str]:
    for line in SERVICE.splitlines():
        if line.startswith(f"{name}="):
            yield line.partition("=")[2]


def test_the_units_name_files_that_there_are() -> None:
    named = re.findall(r"(?<=\s)config/\S+", UNITS["pica-mcp.socket"])
    assert len(named) >= 2
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text.replace(PROGRAM, sys.executable))
    check = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert [complaint for complaint in done.stderr.splitlines() if "pica-mcp" in complaint] == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such connections")
async def test_a_server_that_is_started_on_a_connection_serves_it_and_ends_with_it(tmp_path: Path) -> None:
    box = Sandbox()
    (tmp_path / "secret").write_text(f"{LIVE_SECRET}\n")
    async with asyncio.timeout(60), box.listening() as url:
        (tmp_path / "settings").write_text(f'base_url = "{url}"\nidentity = "ada"\n')
        ours, its = socket.socketpair()
        with its:
            server = await asyncio.create_subprocess_exec(
                *command(), stdin=its.fileno(), stdout=its.fileno(), env=environ(tmp_path)
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        greeting = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        writer.writelines(map(line, (asked(1, "initialize", greeting), INITIALIZED, asked(2, "tools/list"))))
        answers = {answer["id"]: answer["result"] for answer in [json.loads(await reader.readline()) for _ in range(2)]}
        assert answers[1]["serverInfo"]["version"] == __version__
        assert "gmail_send_email" in {tool["name"] for tool in answers[2]["tools"]}
        writer.write_eof()
        assert await server.wait() == 0
        writer.close()
    assert list((tmp_path / "pica-mcp").glob("*.db")), "the catalogue is kept where the unit says"


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def command() -> list[str]:
    """What the unit starts, of this interpreter's."""
    (start,) = values("ExecStart")
    program, *arguments = start.split()
    assert program == PROGRAM
    return [sys.executable, "-m", "pica_mcp", *arguments]


def environ(folder: Path) -> dict[str, str]:
    """The variables that the unit sets, %d and %C being this folder; and systemd's PATH."""
    assert {name.split(":")[0] for name in values("LoadCredential")} == {"secret", "settings"}
    pairs = [pair for line in values("Environment") for pair in line.split()]
    told = dict(pair.replace("%d", str(folder)).replace("%C", str(folder)).split("=", 1) for pair in pairs)
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **told}


def asked(number: int, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
