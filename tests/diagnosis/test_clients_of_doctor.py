"""Clients on this machine: files that cannot be read, entries that do not start, and which are never started."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from setups import Findings, Machine

from pica_mcp.clients import find
from pica_mcp.diagnosis import Group, Result, Status
from pica_mcp.diagnosis.tools import excesses
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

OURS = {"command": sys.executable, "args": ["-m", "pica_mcp"]}
FAKE = {"command": "/nowhere/pica-mcp"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")


def put(folder: Path, path: str, document: Any) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def cursor(machine: Machine, **entries: Any) -> Path:
    return put(machine.home, ".cursor/mcp.json", {"mcpServers": entries})


async def clients(machine: Machine, **case: Any) -> Findings:
    """Return what is told without asking Pica."""
    machine.environ.pop("PICA_SECRET")
    return await machine.doctor(sandbox=True, **case)


async def told(machine: Machine, name: str, **case: Any) -> Result:
    return (await clients(machine, **case)).of(Group.CLIENTS, name)[0]


# Files


async def test_where_there_is_no_client_one_line_says_so(machine: Machine) -> None:
    (result,) = (await clients(machine)).of(Group.CLIENTS)
    assert result.found.startswith("not found on this machine: Cursor, Windsurf, Claude Desktop, ")


async def test_a_broken_file_is_told_with_its_line(machine: Machine) -> None:
    file = put(machine.home, ".cursor/mcp.json", '{\n  "mcpServers": {\n    "pica" = {}\n  }\n}\n')
    result = await told(machine, "Cursor")
    assert result.status is Status.FAILURE
    assert f"{file}: Line 3, column" in result.found
    assert "editor" in result.cure


async def test_a_broken_file_of_toml_is_told_with_its_line(machine: Machine) -> None:
    put(machine.home, ".codex/config.toml", "[mcp_servers.pica\ncommand = 1\n")
    result = await told(machine, "Codex")
    assert (result.status, "line 1" in result.found.lower()) == (Status.FAILURE, True)


async def test_a_file_that_is_none_is_told(machine: Machine) -> None:
    (machine.home / ".cursor" / "mcp.json").mkdir(parents=True)
    result = await told(machine, "Cursor")
    assert (result.status, "is a folder, not a file" in result.found) == (Status.FAILURE, True)


async def test_a_client_without_an_entry_is_told_how_to_get_one(machine: Machine) -> None:
    cursor(machine, other={"command": "/bin/false"})
    result = await told(machine, "Cursor")
    assert (result.status, result.cure) == (Status.NOTE, "Run `pica-mcp install cursor`.")


async def test_an_entry_of_the_official_server_is_told_how_to_switch(machine: Machine) -> None:
    cursor(machine, pica={"command": "npx", "args": ["-y", "@picahq/mcp"]})
    result = await told(machine, "Cursor/pica")
    assert (result.status, "official server" in result.found) == (Status.WARNING, True)
    assert result.cure == "To switch to this one, run `pica-mcp install cursor --replace`."


@POSIX
async def test_a_file_with_the_secret_in_it_that_others_may_read_is_told(machine: Machine) -> None:
    file = cursor(machine, pica={**FAKE, "env": {"PICA_SECRET": LIVE_SECRET}})
    file.chmod(0o644)
    found = await clients(machine, starts=False)
    result = found.of(Group.CLIENTS, "Cursor/pica")[0]
    assert (result.status, "others here may read it" in result.found) == (Status.WARNING, True)
    assert LIVE_SECRET not in found.text


async def test_a_projects_file_with_the_secret_in_it_is_told(machine: Machine) -> None:
    file = put(machine.project, ".mcp.json", {"mcpServers": {"pica": {**FAKE, "env": {"PICA_SECRET": LIVE_SECRET}}}})
    file.chmod(0o600)
    result = await told(machine, "Claude Code/pica of this folder")
    assert (result.status, "whoever has this project has it" in result.found) == (Status.WARNING, True)
    assert result.cure.endswith("`pica-mcp install claude-code --scope project --secret file`.")


@pytest.mark.parametrize(
    "document",
    [
        {"mcpServers": [1]},
        {"mcpServers": {"pica": None, "a": [], "b": 3, "c": {"command": 3, "args": "x", "env": []}}},
        {"mcpServers": {"\u202eevil\x1b[31m\n": {"command": "npx", "args": ["@picahq/mcp"]}}},
        {"mcpServers": {"x": {"command": "pica-mcp", "url": "http://x", "env": {"A": {}}, "args": [None]}}},
    ],
)
async def test_whatever_stands_in_a_file_is_told_harmlessly(machine: Machine, document: Any) -> None:
    cursor(machine)
    put(machine.home, ".cursor/mcp.json", document)
    found = await clients(machine)
    assert found.of(Group.CLIENTS)
    assert not any(char in found.text for char in "\u202e\x1b")


# Starting


async def test_an_entry_that_starts_is_told_with_its_seconds_and_its_tools(machine: Machine) -> None:
    audit = machine.home / "audit.log"
    machine.environ["SHARED"] = "yes"
    entry = {"args": [*OURS["args"], "--sandbox", f"--audit={audit}"], "env": {"MINE": "${env:SHARED}"}}
    cursor(machine, pica={**OURS, **entry})
    found = await clients(machine)
    result, note = found.of(Group.CLIENTS, "Cursor/pica")
    assert result.status is Status.OK
    assert "tells 32 tools after" in result.found
    assert (note.status, note.found) == (
        Status.NOTE,
        "takes SHARED from this shell; Cursor may not have it, started from a menu",
    )
    assert [path.name for path in machine.home.rglob("*")] == [".cursor", "mcp.json"]


async def test_a_server_that_is_started_keeps_nothing_on_disk(machine: Machine) -> None:
    async with Sandbox().listening() as url:
        env = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}
        file = cursor(machine, pica={**OURS, "env": env})
        file.chmod(0o600)
        found = await clients(machine)
    assert found.one(Group.CLIENTS, "Cursor/pica").status is Status.OK
    assert [path.name for path in machine.home.rglob("*")] == [".cursor", "mcp.json"]


async def test_a_server_that_takes_longer_than_its_client_waits_is_told_with_the_seconds(
    machine: Machine, tmp_path: Path
) -> None:
    script = put(tmp_path, "bin/pica-mcp", "#!/bin/sh\nwhile read line; do :; done\n")
    script.chmod(0o755)
    put(machine.home, ".codex/config.toml", f'[mcp_servers.pica]\ncommand = "{script}"\nstartup_timeout_sec = 1\n')
    result = await told(machine, "Codex/pica")
    assert (result.status, "it did not answer within 1 s" in result.found) == (Status.FAILURE, True)


async def test_a_file_that_is_the_users_and_the_projects_is_told_once_as_the_users(machine: Machine) -> None:
    cursor(machine, pica=FAKE)
    machine.project = machine.home
    found = await clients(machine)
    assert [one.name for one in found.of(Group.CLIENTS) if "Cursor/" in one.name] == ["Cursor/pica"]


async def test_a_command_that_is_gone_is_told_to_be_installed_anew(machine: Machine) -> None:
    put(machine.home, ".codeium/windsurf/mcp_config.json", {"mcpServers": {"pica": FAKE}})
    result = await told(machine, "Windsurf/pica")
    assert (result.status, "there is no such command" in result.found) == (Status.FAILURE, True)
    assert result.cure == "The program has moved: run `pica-mcp install windsurf`."


async def test_a_folder_that_is_gone_is_told(machine: Machine) -> None:
    cursor(machine, pica={**OURS, "cwd": "/nowhere/at/all"})
    result = await told(machine, "Cursor/pica")
    assert (result.status, "there is no folder /nowhere/at/all" in result.found) == (Status.FAILURE, True)


async def test_an_entry_without_a_secret_is_told_by_its_last_words(machine: Machine) -> None:
    put(
        machine.home,
        ".codex/config.toml",
        f'[mcp_servers.pica]\ncommand = "{sys.executable}"\nargs = ["-m", "pica_mcp"]\n',
    )
    result = await told(machine, "Codex/pica")
    assert (result.status, "PICA_SECRET is not set." in result.found) == (Status.FAILURE, True)
    assert "pica-mcp install codex" in result.cure


async def test_a_variable_that_the_client_does_not_have_is_told(machine: Machine) -> None:
    cursor(machine, pica={**OURS, "env": {"PICA_SECRET": "${env:PICA_SECRET}"}})
    result = await told(machine, "Cursor/pica")
    assert result.status is Status.FAILURE
    assert result.cure.startswith("Set PICA_SECRET where Cursor is started, or keep the secret elsewhere")


async def test_the_shells_path_and_variables_are_not_the_desktops(machine: Machine, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = put(tmp_path, "bin/pica-mcp", f"#!/bin/sh\n(pwd; env) > {seen}\n")
    script.chmod(0o755)
    cursor(machine, pica={"command": str(script), "env": {"MINE": "${env:SHARED}"}})
    machine.environ |= {"PATH": "/shells/own", "PICA_TOOLS": "none", "SHARED": "yes"}
    found = await clients(machine)
    lines = seen.read_text().splitlines()
    variables = {name: value for name, _, value in (line.partition("=") for line in lines[1:])}
    assert lines[0] == "/"
    assert (variables["PATH"], variables["MINE"], variables["HOME"]) == (
        "/usr/local/bin:/usr/bin:/bin",
        "yes",
        str(machine.home),
    )
    assert not {"PICA_TOOLS", "PICA_IDENTITY", "SHARED"} & variables.keys()
    assert "it ended before it answered" in found.one(Group.CLIENTS, "Cursor/pica").found


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"command": "uvx", "args": ["pica-mcp"]}, "uvx runs it, which may do more than that"),
        ({"command": "/bin/rm", "args": ["-rf", "-m", "pica_mcp"]}, "rm runs it, which may do more than that"),
        ({"command": "sh", "args": ["-c", "-m", "pica_mcp"]}, "sh runs it, which may do more than that"),
        ({**OURS, "disabled": True}, "it is switched off in Cursor"),
        ({"command": "pica-mcp", "url": "https://example.org"}, "it is a server elsewhere"),
    ],
)
async def test_what_is_not_started_is_told_with_why(machine: Machine, entry: dict[str, Any], why: str) -> None:
    cursor(machine, pica=entry)
    result = await told(machine, "Cursor/pica")
    assert (result.status, result.found.endswith(f"not started: {why}")) == (Status.SKIPPED, True)


async def test_what_others_start_is_never_started(machine: Machine, tmp_path: Path) -> None:
    script = put(tmp_path, "bin/other-server", f"#!/bin/sh\n: > {tmp_path}/ran\n")
    script.chmod(0o755)
    cursor(machine, other={"command": str(script)}, pica={"command": str(script), "args": ["@picahq/mcp"]})
    await clients(machine)
    assert not (tmp_path / "ran").exists()


async def test_nothing_is_started_where_that_is_not_wanted(machine: Machine) -> None:
    cursor(machine, pica=FAKE)
    result = await told(machine, "Cursor/pica", starts=False)
    assert (result.status, "--no-start" in result.found) == (Status.SKIPPED, True)


async def test_a_projects_entry_is_started_only_if_asked_for(machine: Machine, tmp_path: Path) -> None:
    script = put(tmp_path, "bin/pica-mcp", f"#!/bin/sh\n: > {tmp_path}/ran\n")
    script.chmod(0o755)
    put(machine.project, ".mcp.json", {"mcpServers": {"pica": {"command": str(script)}}})
    machine.environ["PICA_SECRET"] = LIVE_SECRET
    result = await told(machine, "Claude Code/pica of this folder")
    assert (result.status, "--project starts it" in result.found) == (Status.SKIPPED, True)
    assert not (tmp_path / "ran").exists()
    machine.environ["PICA_SECRET"] = LIVE_SECRET
    result = await told(machine, "Claude Code/pica of this folder", projects=True)
    assert (result.status, (tmp_path / "ran").exists()) == (Status.FAILURE, True)
    assert result.cure.endswith("`pica-mcp install claude-code --scope project`.")


async def test_what_a_person_is_asked_for_is_answered_by_the_secret_that_is_known_or_not_at_all(
    machine: Machine,
) -> None:
    entry = {**OURS, "env": {"PICA_SECRET": "${input:pica_secret}", "PICA_TOOLS": "wrong"}}
    put(machine.home, ".config/Code/User/mcp.json", {"servers": {"pica": entry}})
    result = await told(machine, "VS Code/pica")
    assert (result.status, "asks a person for pica_secret first" in result.found) == (Status.SKIPPED, True)
    machine.environ["PICA_SECRET"] = LIVE_SECRET
    found = await machine.doctor(sandbox=True)
    result = found.one(Group.CLIENTS, "VS Code/pica")
    assert "PICA_TOOLS is 'wrong'" in result.found  # so its secret was there
    assert LIVE_SECRET not in found.text


async def test_a_server_that_starts_and_whose_secret_is_refused_is_a_failure(machine: Machine) -> None:
    async with Sandbox().listening() as url:
        env = {"PICA_SECRET": "sk_live_of_yesterday", "PICA_BASE_URL": url}
        cursor(machine, pica={**OURS, "env": env})
        found = await clients(machine)
    result = found.of(Group.CLIENTS, "Cursor/pica")[0]
    assert (result.status, "but says: Pica refuses the secret" in result.found) == (Status.FAILURE, True)
    assert result.cure == "Run `pica-mcp install cursor --replace` and paste a new key."
    assert not any(word in found.text for word in ("yesterday", "operator"))


# Limits


def test_too_many_tools_and_too_long_names_are_told_with_the_setting_that_cures_them() -> None:
    windsurf, claude_code = find("windsurf"), find("claude-code")
    assert windsurf
    assert claude_code
    ((wrong, cure),) = excesses(windsurf, "pica", [f"tool_{number}" for number in range(101)])
    assert "101 tools are more than the 100" in wrong
    assert "PICA_MAX_TOOLS to less than 100" in cure
    assert [*excesses(windsurf, "pica", ["tool"] * 100)] == []
    ((wrong, cure),) = excesses(claude_code, "pica", ["x" * 53, "x" * 54, "x" * 60])
    assert ("2 names of tools are longer than the 53 characters" in wrong, "PICA_TOOL_NAME_MAX to 53" in cure) == (
        True,
        True,
    )
    ((_, cure),) = excesses(claude_code, "s" * 50, ["x" * 30])
    assert "give the server a shorter name" in cure


async def test_a_list_that_is_too_long_for_an_installed_client_is_a_warning(machine: Machine) -> None:
    cursor(machine)
    machine.environ |= {"PICA_TOOLS": "all", "PICA_IDENTITY": "growth", "PICA_IDENTITY_TYPE": "team"}
    found = await clients(machine)
    result = found.one(Group.TOOLS, "Cursor")
    assert (result.status, "more than the 40 that it takes" in result.found) == (Status.WARNING, True)
    assert result.cure == "For this client, set PICA_MAX_TOOLS to less than 40, with PICA_TOOLS at auto."
    assert "Windsurf" in found.one(Group.TOOLS, "clients not installed").found
