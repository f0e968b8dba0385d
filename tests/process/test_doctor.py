"""`pica-mcp doctor` as a person runs it: what it prints, for machines too, its exit codes, and servers it starts."""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.cli import doctor
from pica_mcp.diagnosis import Group, Status
from pica_mcp.errors import InvalidSettings
from pica_mcp.settings import load

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The variables of a home with nothing in it."""
    return {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    return document


def test_every_group_is_printed_under_its_heading_with_a_word_for_each_status(run: Run, home: dict[str, str]) -> None:
    done = run("doctor", "--sandbox", **home)
    assert (done.returncode, done.stderr) == (0, "")
    headings = [line for line in done.stdout.splitlines() if line and not line.startswith(" ")]
    assert headings == [
        "This program",
        "Settings",
        "Network",
        "Secret",
        "Identity",
        "Connections",
        "Catalogue on disk",
        "List of tools",
        "Clients on this machine",
        "No failures, 1 warning.",
    ]
    assert re.search(r"^  ok    gmail/Work: +operational$", done.stdout, re.MULTILINE)
    assert re.search(r"^  warn  slack/Old workspace: .*\n +-> Connect it again: ", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout


def test_it_is_printed_where_not_every_character_can_be_shown(run: Run, home: dict[str, str]) -> None:
    settings = {"PICA_CONNECTION_NAMES": "Büro=gmail/Work", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run("doctor", "--sandbox", **home, **settings)
    assert (done.returncode, done.stderr, "gmail/B?ro" in done.stdout) == (0, "", True)


def test_json_is_the_same_for_machines(run: Run, home: dict[str, str]) -> None:
    document = told(run("doctor", "--sandbox", "--json", **home))
    assert document["counts"]["warning"] == 1
    assert {result["group"] for result in document["results"]} == set(Group)
    assert {result["status"] for result in document["results"]} <= set(Status)
    assert all(result.keys() == {"group", "name", "status", "found", "cure"} for result in document["results"])


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"PICA_PERMISSIONS": "all"}, 2),
        ({"PICA_SECRET": "sk_live_something"}, 1),
    ],
)
def test_the_exit_code_says_what_is_wrong(run: Run, home: dict[str, str], variables: dict[str, str], code: int) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = run("doctor", "--json", **home, PICA_BASE_URL=url, **variables)
    assert (done.returncode, done.stderr) == (code, "")
    assert told(done)["counts"]["failure"] > 0
    assert "something" not in done.stdout


def test_a_server_that_was_installed_starts_as_its_client_would_start_it(
    run: Run, home: dict[str, str], tmp_path: Path
) -> None:
    assert run("install", "claude-code", "--sandbox", **home).returncode == 0
    before = sorted(tmp_path.rglob("*"))
    document = told(run("doctor", "--json", **home))  # nothing is set in this shell
    assert document["exit_code"] == 0
    (whose,) = [one["found"] for one in document["results"] if (one["group"], one["name"]) == ("settings", "settings")]
    assert whose == "those of Claude Code's entry pica"
    (found,) = [one for one in document["results"] if one["name"] == "Claude Code/pica"]
    assert (found["status"], "tells 32 tools" in found["found"]) == ("ok", True)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_broken_entry_prints_does_not_disturb(run: Run, home: dict[str, str], tmp_path: Path) -> None:
    code = "print('not a message'); import sys; sys.exit('\\x1b[31mno such module')"
    program = tmp_path / "bin" / ("pica-mcp.py" if os.name == "nt" else "pica-mcp")
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o755)
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"mcpServers": {"pica": {"command": str(program)}}}))
    done = run("doctor", "--sandbox", **home)
    assert (done.returncode, done.stderr, "\x1b" in done.stdout) == (1, "", False)
    assert "FAIL  Cursor/pica:" in done.stdout
    assert "no such module" in done.stdout
    assert "1 failure, 1 warning." in done.stdout.splitlines()


def test_a_name_server_that_never_answers_does_not_hold_up_the_end(home: dict[str, str]) -> None:
    code = (
        "import socket, threading\n"
        "from pica_mcp.cli.main import main; from pica_mcp.diagnosis import account, network\n"
        "socket.getaddrinfo = lambda *_, **__: threading.Event().wait(); "
        "network._STEP_SECONDS = account._ANSWER_SECONDS = 0.1; main(['doctor', '--no-start'])"
    )
    variables = {**home, "PATH": os.environ["PATH"], "PICA_SECRET": "sk_live_something"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "the name server does not tell within" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 failure, ")


@pytest.mark.skipif(os.name != "posix", reason="no other system lets a folder go that somebody is in")
def test_a_folder_that_is_gone_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    parser = argparse.ArgumentParser()
    doctor.add(parser)
    arguments = parser.parse_args(["--sandbox"])
    gone = r"^The folder that you are in is gone\. Go to another one"
    with pytest.raises(InvalidSettings, match=gone):
        doctor._case(arguments)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(InvalidSettings, match=gone):
        load({"config": "pica.toml"}, {}, sandbox=True)


@pytest.mark.parametrize("name", ["a\0b", "~\0", "/\ud800"])
def test_a_settings_file_that_no_file_can_be_called_is_told_as_such(name: str) -> None:
    with pytest.raises(InvalidSettings, match="no file has such a name"):
        load({"config": name}, {}, sandbox=True)
