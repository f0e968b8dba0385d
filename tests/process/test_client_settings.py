"""Commands by hand with the settings of a client's entry, as its server would have them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from done import Command

from pica_mcp.clients import Machine, find, project_file, user_file
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

POSIX = pytest.mark.skipif(os.name != "posix", reason="of scripts")
OURS = {"command": sys.executable, "args": ["-P", "-m", "pica_mcp"]}
Put = Callable[..., Path]


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    """Where a sandbox listens."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Sandbox().listening()) as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a person who is in a project."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


@pytest.fixture
def known(home: Path) -> dict[str, str]:
    """What a shell knows: no more than where that home is."""
    data = str(home / ".config")
    return {"HOME": str(home), "USERPROFILE": str(home), "XDG_CONFIG_HOME": data, "APPDATA": data}


@pytest.fixture
def shell(command: Command, known: dict[str, str]) -> Command:
    """Run a command in such a shell."""
    return lambda *words, **more: command(*words, **(known | more))


@pytest.fixture
def put(home: Path, known: dict[str, str], url: str) -> Put:
    """Put an entry of this program into a client's file, for ada unless told otherwise, and return the file."""
    machine = Machine.of(sys.platform, known, home / "project")

    def put(name: str = "cursor", env: dict[str, str] | None = None, *, project: bool = False, **entry: Any) -> Path:
        client = find(name)
        assert client
        file = project_file(client, machine) if project else user_file(client, machine)
        assert file
        file.parent.mkdir(parents=True, exist_ok=True)
        ada = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}
        file.write_text(json.dumps({client.key: {"pica": {**OURS, "env": {**ada, **(env or {})}, **entry}}}))
        return file

    return put


def test_a_command_takes_the_settings_of_a_clients_entry_and_flags_go_before_them(shell: Command, put: Put) -> None:
    put(args=[*OURS["args"], "--permissions", "read"])
    served = shell("whoami", "--client", "cursor").json
    assert (served["identity"], served["permission"]) == ("ada", "read")
    assert shell("whoami", "--client", "cursor", "--permissions", "write").json["permission"] == "write"


@POSIX
def test_paths_and_commands_of_an_entry_mean_what_they_do_to_its_client(shell: Command, put: Put, home: Path) -> None:
    own = home / "own"
    own.mkdir()
    (own / "key.sh").write_text(f"#!/bin/sh\necho {LIVE_SECRET}\n")
    (own / "key.sh").chmod(0o700)
    (own / "pica.toml").write_text("permissions = 'read'\nsecret_command = ['./key.sh']\n")
    file = put(env={"PICA_CONFIG": "pica.toml"}, cwd=str(own))
    file.write_text(file.read_text().replace('"PICA_SECRET"', '"OTHER"'))
    assert shell("whoami", "--client", "cursor").json["permission"] == "read"


def test_what_is_set_in_the_shell_is_no_part_of_an_entry(shell: Command, put: Put) -> None:
    put()
    others = {"PICA_IDENTITY": "growth", "PICA_PERMISSIONS": "read"}
    served = shell("whoami", "--client", "cursor", **others).json
    assert (served["identity"], served["permission"]) == ("ada", "admin")


@pytest.mark.parametrize(
    ("where", "entry", "said"),
    [
        ({}, {"envFile": "/x.env"}, "Cursor's entry pica cannot be looked into: its variables are in the file /x"),
        ({}, {"command": "sh", "args": ["-c", "-m", "pica_mcp"]}, "Cursor's entry pica cannot be looked into: sh "),
        ({}, {"disabled": True}, "Cursor: its entry pica is switched off. Switch it on in Cursor."),
        ({}, {"env": {"PICA_TOOLS": "x"}}, "With Cursor's entry: PICA_TOOLS is 'x', but must be one of auto, all"),
        ({}, {"env": {}}, "With Cursor's entry: PICA_SECRET is not set. Run `pica-mcp install cursor --replace`"),
        (
            {},
            {"env": {"PICA_SECRET": "${env:MY_KEY}"}},
            "Cursor's entry takes MY_KEY from where Cursor is started. Set MY_KEY here, too.",
        ),
        (
            {},
            {"env": {"PICA_PERMISSIONS": "${env:PICA_PERMISSIONS}", "PICA_IDENTITY": "${env:WHOSE}"}},
            "Cursor's entry takes PICA_PERMISSIONS, WHOSE from where Cursor is started. Set PICA_PERMISSIONS, WHOSE",
        ),
        ({}, {"command": "uvx", "args": ["pica-mcp", "sandbox"]}, "Cursor: has no entry of this program to look into."),
        (
            {},
            {"command": "npx", "args": ["@picahq/mcp"]},
            "Cursor: has no entry of this program to look into. Run `pica-mcp install cursor --replace`.",
        ),
        ({"project": True}, {}, "Cursor: has no entry of this program to look into. Run `pica-mcp install"),
        ({}, None, "mcp.json: Line 1, column"),
    ],
)
def test_settings_that_cannot_be_had_are_told_in_one_error(
    shell: Command, put: Put, where: dict[str, bool], entry: dict[str, Any] | None, said: str
) -> None:
    put(**where).write_text(json.dumps({"mcpServers": {"pica": {**OURS, **entry}}}) if entry is not None else "{broken")
    done = shell("whoami", "--client", "cursor")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_of_several_entries_none_is_taken_until_it_is_named(shell: Command, put: Put) -> None:
    file = put(env={"PICA_PERMISSIONS": "read"})
    entries = json.loads(file.read_text())["mcpServers"]
    wide = {**entries["pica"], "env": {**entries["pica"]["env"], "PICA_PERMISSIONS": "admin"}}
    more = {"wide": wide, **entries, "off": {**wide, "disabled": True}}
    file.write_text(json.dumps({"mcpServers": more}))
    done = shell("whoami", "--client", "cursor")
    told = "Cursor has 2 entries of this program: wide, pica. Name one of them: --client cursor/NAME.\n"
    assert (done.code, done.out, done.err) == (2, "", f"pica-mcp: {told}")
    assert shell("whoami", "--client", "cursor/pica").json["permission"] == "read"
    assert "has no entry other to look into" in shell("whoami", "--client", "cursor/other").err
    assert "--client" not in shell("whoami").err
    more["wide"]["disabled"] = True
    file.write_text(json.dumps({"mcpServers": more}))
    assert shell("whoami", "--client", "cursor").json["permission"] == "read"


@pytest.mark.parametrize("client", ["other", "cursor/", "/pica"])
def test_what_is_no_client_is_refused(shell: Command, client: str) -> None:
    done = shell("whoami", "--client", client)
    assert (done.code, f"'{client}' is no --client." in done.err) == (2, True)


def test_a_broken_file_of_a_project_keeps_nobody_from_taking_the_users_own(shell: Command, put: Put) -> None:
    put(project=True).write_text("{broken")
    assert "has no entry of this program to look into" in shell("whoami", "--client", "cursor").err
    put()
    assert shell("whoami", "--client", "cursor").json["identity"] == "ada"


def test_a_key_that_a_client_asks_a_person_for_is_taken_from_here(shell: Command, put: Put) -> None:
    put("vscode", {"PICA_SECRET": "${input:pica_secret}"})
    done = shell("whoami", "--client", "vscode")
    why = "With VS Code's entry: VS Code asks a person for the key, so nobody knows it here."
    assert (done.code, done.err) == (2, f"pica-mcp: {why} Set PICA_SECRET here to the key.\n")
    assert shell("whoami", "--client", "vscode", PICA_SECRET=LIVE_SECRET).json["identity"] == "ada"


def test_where_the_key_is_missing_a_client_that_has_one_is_named(shell: Command, put: Put) -> None:
    missing, hint = "PICA_SECRET is not set. Set it to a key from ", " Or take a client's: --client claude-code.\n"
    assert missing in (alone := shell("whoami").err)
    assert "--client" not in alone
    put("claude-code", project=True)
    put("vscode", {"PICA_SECRET": "${input:pica_secret}"})
    put("cursor", {"PICA_SECRET": "${env:MY_KEY}"})
    put("gemini", args=[*OURS["args"], "--sandbox"])
    put("kiro").write_text(json.dumps({"mcpServers": {"pica": OURS}}))
    assert shell("whoami").err == alone
    put("claude-code")
    done = shell("whoami")
    assert (done.code, done.err) == (2, f"{alone.removesuffix(chr(10))}{hint}")
    assert "--client" not in shell("whoami", "--permissions", "all").err
    assert "--client" not in shell("serve").err


def test_a_command_without_need_of_a_key_takes_an_entry_without_one(shell: Command, put: Put, home: Path) -> None:
    put(env={"PICA_SECRET": "${env:MY_KEY}", "PICA_AUDIT": str(home / "calls.jsonl")})
    (home / "calls.jsonl").touch()
    assert shell("audit", "--client", "cursor", "--json").code == 0
    put(env={"PICA_AUDIT": "${env:PICA_AUDIT}"})
    assert "Set PICA_AUDIT here, too." in shell("audit", "--client", "cursor", "--json").err


TAKING = (
    *("whoami", "connections", "platforms", "tools", "actions", "knowledge", "call", "audit", "explain", "tokens"),
    *("cache show", "cache refresh", "cache clear"),
)


@pytest.mark.parametrize("name", [*TAKING, "serve", "install", "doctor", "sandbox"])
def test_every_command_that_takes_settings_from_here_takes_those_of_a_client(shell: Command, name: str) -> None:
    assert ("--client CLIENT" in shell(*name.split(), "--help").out) is (name in TAKING)
