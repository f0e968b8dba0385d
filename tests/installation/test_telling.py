"""What `pica-mcp install` tells people: how far an entry reaches, what is left to do, and what is there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.cli.commands import parser
from pica_mcp.cli.install import run

SECRET = "sk_live_1_canary"
EVERYBODY = "It acts through the accounts of everybody, and may destroy what is there."
PROGRAM = ".venv/bin/pica-mcp"


@pytest.fixture
def machine(machine: Any) -> Any:
    """A machine in whose shell the bare name runs nothing."""
    machine.program = PROGRAM
    return machine


# How far it reaches


@pytest.mark.parametrize("words", [[], ["--permissions", "admin"], ["--platforms", "*"], ["--dry-run"]])
def test_an_entry_that_serves_everybody_and_may_destroy_says_so_and_what_narrows_it(
    machine: Any, words: list[str]
) -> None:
    done = machine.install("cursor", "--scope", "project", "--name", "my-pica", *words, PICA_SECRET=SECRET)
    narrower = "install cursor --scope project --name my-pica --identity ID --identity-type user --permissions write"
    assert f"{EVERYBODY} To narrow it: `{PROGRAM} {narrower}`." in done.out


@pytest.mark.parametrize(
    "words",
    [
        *(["--identity", "ada"], ["--permissions", "write"], ["--knowledge-agent", "true"], ["--sandbox"]),
        *(["--connection-keys", "live::gmail::default::abc"], ["--platforms", "gmail"], ["--action-ids", "gmail GET"]),
    ],
)
def test_an_entry_that_is_narrowed_has_nothing_said_of_everybody(machine: Any, words: list[str]) -> None:
    for _ in range(2):  # the second time, by what holds on
        assert "everybody" not in machine.install("cursor", *words, PICA_SECRET=SECRET).out
        words = words if "--sandbox" in words else []


@pytest.mark.parametrize(
    "env",
    [
        {"PICA_IDENTITY": "${env:PICA_IDENTITY}"},
        {"PICA_PERMISSIONS": "${env:MINE}"},
        {"PICA_PLATFORMS": "${env:PICA_PLATFORMS}"},
    ],
)
def test_of_what_the_client_settles_nothing_is_said(machine: Any, env: dict[str, str]) -> None:
    machine.write("cursor", json.dumps({"mcpServers": {"pica": {"command": "pica-mcp", "env": env}}}))
    assert "everybody" not in machine.install("cursor", PICA_SECRET=SECRET).out


def test_a_settings_file_narrows_too(machine: Any) -> None:
    config = machine.project / "pica.toml"
    config.write_text('permissions = "read"\n')
    assert "everybody" not in machine.install("cursor", "--config", str(config), PICA_SECRET=SECRET).out


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("cursor", []),
        ("kiro", []),  # of which nobody knows
        ("claude-desktop", ["--permissions", "write"]),
        ("claude-desktop", ["--consent", "always"]),
        ("claude-desktop", ["--consent", "off"]),
        ("claude-desktop", ["--sandbox"]),
    ],
)
def test_whether_a_client_can_ask_a_person_is_said_only_where_that_matters(
    machine: Any, client: str, words: list[str]
) -> None:
    assert "cannot ask you" not in machine.install(client, *words, PICA_SECRET=SECRET).out


@pytest.mark.parametrize("client", ["claude-desktop", "gemini"])
@pytest.mark.parametrize("words", [[], ["--identity", "ada"]])
def test_of_a_client_that_cannot_ask_a_person_it_is_said_what_to_do(
    machine: Any, client: str, words: list[str]
) -> None:
    told = machine.install(client, *words, PICA_SECRET=SECRET).out
    assert "cannot ask you before something is destroyed" in told
    assert f"PICA_CONSENT=always has it refused instead: `{PROGRAM} install {client} --consent always`." in told


def test_of_the_sandbox_it_is_said_that_it_is_pretend_and_what_is_not(machine: Any) -> None:
    assert f"pretend, and so are the accounts. For your own: `{PROGRAM} install cursor`." in (
        machine.install("cursor", "--sandbox").out
    )
    assert "pretend" not in machine.install("cursor", PICA_SECRET=SECRET).out


# What is left to do


def test_what_checks_it_is_said_last_and_what_is_next_stands_apart(machine: Any) -> None:
    *_, apart, following, last = machine.install("cursor", PICA_SECRET=SECRET).out.splitlines()
    assert (apart, following) == ("", "Restart Cursor, then ask it: What is connected through Pica?")
    assert last == f"To check the entry and its key: `{PROGRAM} doctor cursor`."
    assert machine.install("cursor", "--scope", "project").out.endswith(f"`{PROGRAM} doctor cursor --project`.\n")
    assert machine.install("kiro", "--sandbox").out.endswith(f"To check the entry: `{PROGRAM} doctor kiro`.\n")
    for words in (["--dry-run"], ["--uninstall"]):
        assert "doctor" not in machine.install("cursor", *words).out


def test_what_checks_one_of_several_entries_names_it(machine: Any) -> None:
    machine.install("cursor", "--sandbox", "--name", "a")
    assert machine.install("cursor", "--name", "b", PICA_SECRET=SECRET).out.endswith(f"`{PROGRAM} doctor cursor/b`.\n")
    project = ("--scope", "project", "--sandbox", "--name")
    machine.install("cursor", *project, "a")
    assert machine.install("cursor", *project, "b").out.endswith(f"`{PROGRAM} doctor cursor/b --project`.\n")
    others = {"a": {"command": "npx", "args": ["@picahq/mcp"]}, "x": {"command": "y"}}
    machine.write("kiro", json.dumps({"mcpServers": others}))
    assert machine.install("kiro", "--sandbox").out.endswith(f"`{PROGRAM} doctor kiro`.\n")


def test_sentences_are_wrapped_on_a_terminal_and_whole_in_a_pipe(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EVERYBODY in machine.install("cursor", PICA_SECRET=SECRET).out
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    shown = machine.install("cursor").out
    assert EVERYBODY not in shown
    assert EVERYBODY in " ".join(shown.split())
    assert "\x1b[1mRestart Cursor" in shown


def test_a_command_has_a_line_of_its_own_on_a_terminal_and_is_never_broken(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program = "'/a long way/to/.venv/bin/pica-mcp'"
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)
    lines = machine.install("cursor", "--name", "work", PICA_SECRET=SECRET).out.splitlines()
    words = "--identity ID --identity-type user --permissions write"
    at = lines.index(f"`{machine.program} install cursor --name work {words}`.")
    assert lines[at - 1].endswith("To narrow it:")
    assert lines[-2:] == ["To check the entry and its key:", f"`{machine.program} doctor cursor`."]


def test_the_program_is_called_what_this_shell_runs_it_by(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("USERPROFILE", str(machine.home))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(machine.project)
    assert run(parser("install").parse_args(["install"])) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "install CLIENT puts" in shown
    assert " pica-mcp install CLIENT" not in f" {shown}"


# What is there


def test_what_tells_entries_apart_is_listed(machine: Any) -> None:
    machine.install("cursor", "--sandbox")
    machine.install("cursor", "--name", "hers", "--identity", "ada", "--identity-type", "user", PICA_SECRET=SECRET)
    machine.install("kiro", "--name", "all", PICA_SECRET=SECRET)
    path = machine.file("kiro")
    path.write_text(path.read_text(encoding="utf-8").replace('"args"', '"disabled": true, "args"'))
    listed = machine.install().out
    assert "pica: pica-mcp, sandbox; hers: pica-mcp, user ada\n" in listed
    assert "all: pica-mcp, the whole account, switched off\n" in listed
    Path(machine.python).with_name("pica-mcp").unlink()
    assert "all: pica-mcp, the whole account, switched off, its program is missing\n" in machine.install().out


def test_of_a_projects_entry_the_program_is_not_looked_for(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"command": "//elsewhere/pica-mcp", "env": {"PICA_IDENTITY": "sk_live_1_canary\x1b[2J"}}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": entry}}), "project")
    told = machine.install("--json").out
    assert json.loads(told)[0]["entries"] == [{"name": "pica", "is": "ours", "about": ["identity sk_live_…[2J"]}]
