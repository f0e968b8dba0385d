"""Entries that doctor starts: never what the folder that it runs in holds, and nothing in an entry ends the whole."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from setups import Findings, Machine

from pica_mcp import clients
from pica_mcp.diagnosis import Group, Result, Status
from pica_mcp.diagnosis.found import look
from pica_mcp.diagnosis.launch import environment_of, placed

POSIX = pytest.mark.skipif(os.name != "posix", reason="of scripts")
MODULE = {"args": ["-m", "pica_mcp", "--sandbox"]}


@pytest.fixture
def clone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that somebody else wrote, with a program and a module of its own, which doctor runs in."""
    for path, text in (("pica_mcp/__init__.py", ""), ("pica_mcp/__main__.py", f"open({_mark(machine)!r}, 'w')")):
        file = machine.project / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    script(machine.project / "bin", machine)
    monkeypatch.chdir(machine.project)
    return machine.project


def script(folder: Path, machine: Machine) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pica-mcp").write_text(f"#!/bin/sh\n: > {_mark(machine)}\n")
    (folder / "pica-mcp").chmod(0o755)
    return str(folder / "pica-mcp")


def _mark(machine: Machine) -> str:
    return str(machine.home / "ran")


def ran(machine: Machine) -> bool:
    """Tell if a program of the clone was started."""
    return Path(_mark(machine)).exists()


def gemini(machine: Machine, **entries: Any) -> None:
    (machine.home / ".gemini").mkdir(exist_ok=True)
    (machine.home / ".gemini" / "settings.json").write_text(json.dumps({"mcpServers": entries}))


async def doctor(machine: Machine, **case: Any) -> Findings:
    machine.environ.pop("PICA_SECRET", None)
    return await machine.doctor(sandbox=True, **case)


async def told(machine: Machine, **entry: Any) -> Result:
    gemini(machine, pica=entry)
    return (await doctor(machine)).of(Group.CLIENTS, "Gemini CLI/pica")[0]


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"command": sys.executable, **MODULE, "cwd": "."}, "not started: its cwd is ., "),
        ({"command": "./bin/pica-mcp"}, "not started: its command is ./bin/pica-mcp, "),
        ({"command": "bin/pica-mcp", "cwd": os.sep}, "not started: its command is bin/pica-mcp, "),
    ],
)
async def test_what_means_something_else_in_each_folder_is_not_started(
    machine: Machine, entry: dict[str, Any], why: str
) -> None:
    result = await told(machine, **entry)
    assert (result.status, why in result.found, "give it in full" in result.found) == (Status.SKIPPED, True, True)
    assert not ran(machine)


@POSIX
@pytest.mark.parametrize("path", [".", "bin", "{clone}/bin", "{clone}/../project/bin"])
async def test_a_command_that_only_this_folder_has_is_not_started(machine: Machine, clone: Path, path: str) -> None:
    script(clone, machine)
    machine.environ["PATH"] = path.format(clone=clone)
    result = await told(machine, command="pica-mcp")
    why = "not started: PATH finds its command pica-mcp in this folder only; give it in full"
    assert (result.status, result.found.endswith(why)) == (Status.SKIPPED, True)
    assert not ran(machine)


@POSIX
async def test_a_command_is_found_behind_that_of_this_folder(machine: Machine, clone: Path, tmp_path: Path) -> None:
    own = tmp_path / "own" / "pica-mcp"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\necho 'PICA_TOOLS is the own one' >&2\n")
    own.chmod(0o755)
    machine.environ["PATH"] = f"{clone}/bin{os.pathsep}{own.parent}"
    assert "the own one" in (await told(machine, command="pica-mcp")).found
    assert not ran(machine)


@POSIX
async def test_a_command_for_the_secret_of_a_server_that_is_started_is_none_of_this_folder(
    machine: Machine, clone: Path
) -> None:
    (clone / "bin" / "pica-mcp").rename(clone / "bin" / "op")
    machine.environ["PATH"] = f"{clone}/bin{os.pathsep}/usr/bin"
    env = {"PICA_SECRET_COMMAND": "op read key", "PICA_BASE_URL": "http://127.0.0.1:9"}
    result = await told(machine, command=sys.executable, args=["-m", "pica_mcp"], env=env)
    assert (result.status, "PICA_SECRET_COMMAND" in result.found) == (Status.FAILURE, True)
    assert not ran(machine)


@POSIX
async def test_the_systems_programs_count_though_doctor_runs_among_them(machine: Machine) -> None:
    gemini(machine, pica={"command": "pica-mcp"})
    for folder in ("/usr", "/usr/bin"):
        place = clients.Machine("linux", {"HOME": str(machine.home), "PATH": "/usr/bin"}, Path(folder))
        (one,) = (await look(place)).entries
        assert environment_of(one, place)["PATH"] == "/usr/bin"


@POSIX
async def test_the_programs_below_a_home_count_though_doctor_runs_there(machine: Machine) -> None:
    machine.project = machine.home
    script(machine.home / ".local" / "bin", machine)
    machine.environ["PATH"] = str(machine.home / ".local" / "bin")
    assert (await told(machine, command="pica-mcp")).status is Status.FAILURE
    assert ran(machine)


async def test_a_command_that_is_nowhere_has_moved(machine: Machine) -> None:
    machine.environ["PATH"] = str(machine.home)
    result = await told(machine, command="pica-mcp")
    assert (result.status, "there is no such command" in result.found) == (Status.FAILURE, True)
    assert result.cure.startswith("The program has moved: run ")


@pytest.mark.usefixtures("clone")
async def test_a_module_is_started_out_of_the_way_of_this_folder(machine: Machine) -> None:
    result = await told(machine, command=sys.executable, **MODULE)
    assert (result.status, ran(machine)) == (Status.OK, False)


@POSIX
async def test_a_projects_entry_is_started_from_its_folder_if_that_is_asked_for(machine: Machine, clone: Path) -> None:
    file = clone / ".gemini" / "settings.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"mcpServers": {"pica": {"command": "./pica-mcp", "cwd": "bin"}}}))
    await doctor(machine, projects=True)
    assert ran(machine)


async def test_the_words_of_a_command_for_the_secret_stay_as_each_system_reads_them(machine: Machine) -> None:
    words = "./op.exe read C:\\Ada\\key"
    gemini(machine, pica={"command": "pica-mcp"})
    place = clients.Machine("win32", {"USERPROFILE": str(machine.home)}, machine.project)
    (one,) = (await look(place)).entries
    assert placed({"PICA_SECRET_COMMAND": words}, one, place)["PICA_SECRET_COMMAND"] == words


# What ends nothing else


async def test_a_number_that_no_float_can_hold_is_as_long_as_anybody_waits(machine: Machine) -> None:
    folder = machine.project / ".codex"
    folder.mkdir()
    wait = f"startup_timeout_sec = 1{'0' * 400}"
    (folder / "config.toml").write_text(f'[mcp_servers.pica]\ncommand = "/nowhere/pica-mcp"\n{wait}\n')
    result = (await doctor(machine)).one(Group.CLIENTS, "Codex/pica of this folder")
    assert result.status is Status.SKIPPED


@pytest.mark.parametrize("value", ["/a\0b", "a\0b", "/\ud800", "~\0", f"/{'x' * 5_000}"])
@pytest.mark.parametrize(
    "entry",
    [
        {"env": {"PICA_CONFIG": "{}"}},
        {"env": {"PICA_CACHE": "{}", "PICA_SECRET": "sk_live_something"}},
        {"env": {"PICA_SECRET_FILE": "{}"}},
        {"env": {"SSL_CERT_FILE": "{}"}},
        {"env": {"PATH": "{}"}, "command": "pica-mcp"},
        {"cwd": "{}"},
        {"command": "{}/pica-mcp"},
    ],
)
async def test_a_path_that_no_file_can_have_is_told_as_a_result(machine: Machine, entry: Any, value: str) -> None:
    filled = {"command": "/nowhere/pica-mcp", **json.loads(json.dumps(entry).replace("{}", json.dumps(value)[1:-1]))}
    gemini(machine, pica=filled, plain={"command": "/nowhere/pica-mcp"})
    results = await doctor(machine)
    assert results.of(Group.CLIENTS, "Gemini CLI/pica")
    assert results.one(Group.CLIENTS, "Gemini CLI/plain").status is Status.FAILURE


@pytest.mark.parametrize("value", ["/a\0b", "/\ud800", f"/{'x' * 5_000}"])
@pytest.mark.parametrize("name", ["PICA_CONFIG", "PICA_CACHE", "PICA_SECRET_FILE"])
async def test_a_setting_that_no_variable_can_hold_or_whose_path_is_too_long_is_a_failure_of_its_own(
    machine: Machine, name: str, value: str
) -> None:
    machine.environ = {}
    gemini(machine, pica={"command": "/nowhere/pica-mcp", "env": {"PICA_BASE_URL": "http://127.0.0.1:9", name: value}})
    results = await machine.doctor(starts=False)
    group = Group.SECRET if name == "PICA_SECRET_FILE" and "x" in value else Group.SETTINGS
    assert any(one.status is Status.FAILURE and "not set" not in one.found for one in results.of(group))
