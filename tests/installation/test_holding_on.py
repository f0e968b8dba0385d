"""What of an entry that is there holds on when it is installed again or replaced, and what is said of the rest."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.clients import find
from pica_mcp.clients.entries import Entry, entries_of, form_of
from pica_mcp.errors import InvalidSettings, SecretUnavailable
from pica_mcp.installation.program import source_of

SECRET = "sk_live_1_canary"
ANOTHER = "sk_live_1_another"


def pica(machine: Any, client: str) -> Entry:
    found = find(client)
    assert found
    text = machine.file(client).read_text(encoding="utf-8")
    return entries_of(found, form_of(found).read(text))["pica"]


def another(prompt: str) -> str:
    """A person who types another key, if they are asked for the key."""
    assert prompt.startswith("Pica API key")
    return ANOTHER


def enter(prompt: str) -> str:
    """A person who keeps the key that is there."""
    assert "Enter takes the one in the file " in prompt
    return ""


def write(machine: Any, client: str = "cursor", **entry: Any) -> Path:
    key = "servers" if client == "vscode" else "mcpServers"
    return machine.write(client, json.dumps({key: {"pica": {"command": "pica-mcp", **entry}}}))


# Settings


@pytest.mark.parametrize("client", ["cursor", "codex"])
def test_a_flag_goes_before_a_variable_that_the_entry_passes_on(machine: Any, client: str) -> None:
    names = ("PICA_IDENTITY", "PICA_PERMISSIONS", "PICA_PLATFORMS")
    if client == "codex":
        machine.write("codex", f'[mcp_servers.pica]\ncommand = "pica-mcp"\nenv_vars = {json.dumps(names)}\n')
    else:
        write(machine, env={name: f"${{env:{name}}}" for name in names})
    machine.install(client, "--permissions", "read", "--identity", "ada", PICA_SECRET=SECRET)
    entry = pica(machine, client)
    assert {"PICA_IDENTITY": "ada", "PICA_PERMISSIONS": "read"}.items() <= entry.env.items()
    assert "PICA_PLATFORMS" in entry.passed
    assert set(entry.passed).isdisjoint(entry.env)


def test_values_that_refer_to_something_are_left_as_they_are(machine: Any) -> None:
    env = {"PICA_AUDIT": "${userHome}/audit.jsonl", "PICA_PERMISSIONS": "${env:MINE}"}
    write(machine, env=env)
    machine.install("cursor", PICA_SECRET=SECRET)
    assert env.items() <= pica(machine, "cursor").env.items()


def test_a_relative_path_belongs_to_the_folder_that_the_entry_names(machine: Any) -> None:
    write(machine, env={"PICA_AUDIT": "./a.jsonl"}, cwd=str(machine.home))
    machine.install("cursor", PICA_SECRET=SECRET)
    assert pica(machine, "cursor").env["PICA_AUDIT"] == str(machine.home / "a.jsonl")
    write(machine, env={"PICA_AUDIT": "./a.jsonl"})
    machine.install("cursor", PICA_SECRET=SECRET)
    assert pica(machine, "cursor").env["PICA_AUDIT"] == "./a.jsonl"


def test_variables_of_the_newer_official_server_hold_on_by_our_names(machine: Any) -> None:
    env = {"ONE_SECRET": SECRET, "ONE_PERMISSIONS": "read", "ONE_IDENTITY": "${env:ONE_IDENTITY}", "ONE_FOO": "x"}
    write(machine, command="npx", args=["@withone/mcp"], env=env)
    done = machine.install("cursor", "--replace")
    wanted = {"PICA_PERMISSIONS": "read", "PICA_IDENTITY": "${env:ONE_IDENTITY}"}
    assert wanted.items() <= pica(machine, "cursor").env.items()
    assert (machine.home / ".config/pica-mcp/secret").read_text(encoding="utf-8") == f"{SECRET}\n"
    assert "The file held the key in plain text" in done.out
    assert "Left out of the entry: PICA_FOO." in done.out


def test_a_variable_that_the_official_entry_passes_on_holds_on(machine: Any) -> None:
    write(machine, command="npx", args=["@picahq/mcp"], env={"PICA_PERMISSIONS": "${env:PICA_PERMISSIONS}"})
    done = machine.install("cursor", "--replace", PICA_SECRET=SECRET)
    assert pica(machine, "cursor").passed == ("PICA_PERMISSIONS",)
    assert "whose settings it keeps: PICA_PERMISSIONS." in done.out


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"command": "docker", "args": ["run", "--env-file", ".env", "mcp/pica"]}, "reads variables from a file"),
        ({"command": "docker", "args": ["run", "--env-file=.env", "mcp/pica"]}, "reads variables from a file"),
        ({"command": "uv", "args": ["run", "--env-file", ".env", "pica-mcp"]}, "reads variables from a file"),
        ({"command": "npx", "args": ["@picahq/mcp"], "envFile": ".env"}, "variables are in the file .env"),
        ({"envFile": ".env"}, "variables are in the file .env"),
        ({"command": "uv", "args": ["run", "pica-mcp"], "env": {"UV_ENV_FILE": ".env"}}, "reads variables from a file"),
        ({"command": "docker", "args": ["run", "-e", "PICA_TOOLS=1", "python", "-m", "pica_mcp"]}, "sets PICA_TOOLS"),
        ({"command": "node", "args": ["-r", "./x.js", "/x/@picahq/mcp/index.js"]}, "node runs it, which may do more"),
        ({"command": "docker", "args": ["run", "-e", "PICA_IDENTITY=ada", "pica-mcp"]}, "with PICA_IDENTITY"),
        ({"command": "sh", "args": ["-c", "ONE_PERMISSIONS=read npx x"]}, "with PICA_PERMISSIONS"),
        ({"command": "x", "env": {"PICA_SECRET": SECRET}}, "another program is started, with PICA_SECRET"),
        ({"command": "env", "args": ["PICA_IDENTITY=u1", "python3", "-m", "pica_mcp"]}, "sets PICA_IDENTITY in a way"),
        ({"command": "cmd", "args": ["/c", "set PICA_IDENTITY=u1&& npx @picahq/mcp"]}, "sets PICA_IDENTITY in a way"),
        (
            {"command": "bash", "args": ["-c", f"PICA_SECRET={SECRET} PICA_IDENTITY=u1 npx @picahq/mcp"]},
            "bash runs it, which may do more than that",
        ),
        (
            {"command": "/bin/sh", "args": ["-c", 'export PICA_IDENTITY=u1; exec "$@"', "x", "npx", "@picahq/mcp"]},
            "sets PICA_IDENTITY in a way",
        ),
        ({"command": "dotenv", "args": ["-f", ".env", "run", "python", "-m", "pica_mcp"]}, "dotenv runs it"),
        ({"command": "sh", "args": ["-c", ". ~/.pica.env; exec npx @picahq/mcp"]}, "sh runs it"),
    ],
)
def test_settings_that_would_be_lost_unseen_are_refused(machine: Any, entry: dict[str, Any], why: str) -> None:
    write(machine, **entry)
    before = machine.files()
    with pytest.raises(InvalidSettings, match=f"{why}.*Take it out by hand, then install with those settings as flags"):
        machine.install("cursor", "--replace", PICA_SECRET=SECRET)
    assert machine.files() == before


def test_what_launchers_are_usually_told_before_a_server_is_no_reason_to_refuse(machine: Any) -> None:
    ours = [("uv", "--directory", "/x", "run", "pica-mcp"), ("/x/python3", "-m", "pica_mcp"), ("uvx", "-q", "pica-mcp")]
    official = [("cmd", "/c", "npx", "-y", "@picahq/mcp"), ("docker", "run", "-i", "--rm", "mcp/pica")]
    by_node = ("node", "--no-warnings", "/x/node_modules/@picahq/mcp/build/index.js")
    for command, *args in (*ours, *official, by_node):
        write(machine, command=command, args=args, env={"PICA_PERMISSIONS": "read"})
        machine.install("cursor", "--replace", PICA_SECRET=SECRET)
        assert pica(machine, "cursor").env["PICA_PERMISSIONS"] == "read"


def test_a_container_may_be_told_its_variables_in_any_of_dockers_ways(machine: Any) -> None:
    words = ["-ePICA_IDENTITY=ada", "--env=PICA_PLATFORMS=gmail", "-e", "PICA_PERMISSIONS=read", "-ePICA_TOOLS"]
    write(machine, command="docker", args=["run", "-i", *words, "mcp/pica"])
    machine.install("cursor", "--replace", PICA_SECRET=SECRET)
    wanted = {"PICA_IDENTITY": "ada", "PICA_PLATFORMS": "gmail", "PICA_PERMISSIONS": "read"}
    assert wanted.items() <= pica(machine, "cursor").env.items()


def test_a_misspelt_setting_goes_only_where_the_right_one_is_given(machine: Any) -> None:
    write(machine, "gemini", env={"PICA_IDENTIY": "ada", "OTHER": "x"})
    for words in ([], ["--replace"], ["--replace", "--permissions", "read"]):
        with pytest.raises(InvalidSettings, match=r"Did you mean PICA_IDENTITY\? Correct it there, or give the right"):
            machine.install("gemini", *words, PICA_SECRET=SECRET)
    done = machine.install("gemini", "--identity", "ada")
    assert pica(machine, "gemini").env == {"PICA_IDENTITY": "ada", "OTHER": "x"}
    assert "Left out of the entry: PICA_IDENTIY." in done.out


@pytest.mark.parametrize("scope", ["user", "project"])
@pytest.mark.parametrize("command", [["pica-mcp"], ["npx", "@picahq/mcp"]])
@pytest.mark.parametrize("env", [{"PICA_READ_ONLY": "true"}, {"PICA_PERMISSION": "${env:PICA_PERMISSION}"}])
def test_a_restriction_that_is_no_setting_is_never_left_out(
    machine: Any, scope: str, command: list[str], env: dict[str, str]
) -> None:
    entry = {"command": command[0], "args": command[1:], "env": env}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": entry}}), scope)
    before = machine.files()
    with pytest.raises(InvalidSettings, match=f"{next(iter(env))} is no setting"):
        machine.install("cursor", "--scope", scope, "--replace", PICA_SECRET=SECRET)
    assert machine.files() == before


def test_tool_filters_of_an_entry_that_is_replaced_are_named_as_lost(machine: Any) -> None:
    write(machine, "gemini", command="npx", args=["@picahq/mcp"], excludeTools=["execute_pica_action"], trust=False)
    done = machine.install("gemini", "--replace", PICA_SECRET=SECRET)
    assert "Left out of the entry: excludeTools, trust." in done.out
    entry = '[mcp_servers.pica]\ncommand = "npx"\nargs = ["@picahq/mcp"]\nenabled = false\nenabled_tools = ["x"]\n'
    machine.write("codex", entry)
    done = machine.install("codex", "--replace", PICA_SECRET=SECRET)
    assert "Left out of the entry: enabled, enabled_tools." in done.out


def test_an_entry_that_turns_to_the_sandbox_keeps_the_way_to_its_key_and_what_it_passes_on(machine: Any) -> None:
    custom = machine.home / "custom"
    custom.write_text(f"{SECRET}\n")
    env = {"PICA_IDENTITY": "${env:PICA_IDENTITY}", "PICA_SECRET_FILE": str(custom)}
    write(machine, env=env)
    machine.install("cursor", "--sandbox")
    entry = pica(machine, "cursor")
    assert (entry.args, entry.passed) == (("--sandbox",), ("PICA_IDENTITY",))
    assert entry.env == {"PICA_SECRET_FILE": str(custom)}
    machine.install("cursor")
    entry = pica(machine, "cursor")
    assert (entry.args, entry.env) == ((), {"PICA_SECRET_FILE": str(custom)})


# The key


@pytest.mark.parametrize("value", ["sk live 1", "short", "sk_live_1_\u00e9\u00e9\u00e9"])
def test_what_cannot_be_a_key_is_not_kept_as_one(machine: Any, value: str) -> None:
    write(machine, env={"PICA_SECRET": value})
    with pytest.raises(InvalidSettings, match="There is no key"):
        machine.install("cursor", "--secret", "file")
    assert not (machine.home / ".config").exists()


def test_a_new_key_is_never_ignored_for_a_file_of_ones_own(machine: Any) -> None:
    custom, file = machine.home / "custom", machine.home / ".config/pica-mcp/secret"
    custom.write_text("sk_live_1_old\n")
    for client, words, given in (("cursor", [], {"PICA_SECRET": SECRET}), ("windsurf", ["--replace"], {})):
        machine.ask = None if given else another
        write(machine, client, env={"PICA_SECRET_FILE": str(custom)})
        machine.install(client, *words, **given)
        assert pica(machine, client).env == {"PICA_SECRET_FILE": str(file)}
        assert file.read_text(encoding="utf-8") == f"{SECRET if given else ANOTHER}\n"
    assert custom.read_text() == "sk_live_1_old\n"


def test_a_variable_with_the_key_gives_way_to_a_key_that_is_typed(machine: Any) -> None:
    write(machine, env={"PICA_SECRET": "${env:PICA_SECRET}"})
    assert "The key comes from PICA_SECRET" in machine.install("cursor", "--replace", PICA_SECRET=SECRET).out
    machine.ask = another
    assert "The key comes from PICA_SECRET" in machine.install("cursor").out
    machine.install("cursor", "--replace")
    entry, file = pica(machine, "cursor"), machine.home / ".config/pica-mcp/secret"
    assert (entry.passed, entry.env) == ((), {"PICA_SECRET_FILE": str(file)})
    assert file.read_text(encoding="utf-8") == f"{ANOTHER}\n"


def test_a_mistyped_key_can_be_put_right_and_enter_keeps_the_one_that_is_there(machine: Any) -> None:
    prompts: list[str] = []
    answers = iter([SECRET, ANOTHER, ""])

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(answers)

    machine.ask = ask
    machine.install("cursor")
    assert "as before; another one: --replace." in machine.install("cursor").out
    machine.ask = None
    assert "secret, as before." in machine.install("cursor", "--replace").out, "which it was just told"
    machine.ask = ask
    file = machine.home / ".config/pica-mcp/secret"
    told = machine.install("cursor", "--replace").out
    assert "which other entries may use" in told
    assert "nothing was changed" not in told, "only the file of the client was not"
    assert file.read_text(encoding="utf-8") == f"{ANOTHER}\n"
    machine.install("cursor", "--replace")
    assert file.read_text(encoding="utf-8") == f"{ANOTHER}\n"
    assert ["Enter takes" in prompt for prompt in prompts] == [False, True, True]


def test_a_key_that_only_the_entry_holds_never_takes_anothers_place_unasked(machine: Any) -> None:
    machine.install("windsurf", PICA_SECRET=SECRET)
    write(machine, command="npx", args=["@picahq/mcp"], env={"PICA_SECRET": ANOTHER})
    before, file = machine.files(), machine.home / ".config/pica-mcp/secret"
    for words in ([], ["--dry-run"], ["--secret", "file"]):
        with pytest.raises(
            InvalidSettings, match=r"has another key than the file .* Set PICA_SECRET to the one to use"
        ):
            machine.install("cursor", "--replace", *words)
    assert machine.files() == before
    machine.ask = enter
    assert "as before" in machine.install("cursor", "--replace").out
    assert file.read_text(encoding="utf-8") == f"{SECRET}\n"
    write(machine, command="npx", args=["@picahq/mcp"], env={"PICA_SECRET": ANOTHER})
    done = machine.install("cursor", "--replace", PICA_SECRET=ANOTHER)
    assert "It replaces another one, which other entries may use" in done.out
    assert file.read_text(encoding="utf-8") == f"{ANOTHER}\n"


@pytest.mark.parametrize("client", ["cursor", "codex", "vscode"])
def test_a_new_key_is_asked_for_in_place_of_one_that_an_entry_of_ours_holds(machine: Any, client: str) -> None:
    if client == "codex":
        table = f'[mcp_servers.pica]\ncommand = "pica-mcp"\nenv = {{ PICA_SECRET = "{SECRET}" }}\n'
        machine.write(client, table)
    else:
        write(machine, client, env={"PICA_SECRET": SECRET})
    machine.ask = another
    machine.install(client, "--replace")
    file = machine.home / ".config/pica-mcp/secret"
    assert pica(machine, client).env == {"PICA_SECRET_FILE": str(file)}
    assert file.read_text(encoding="utf-8") == f"{ANOTHER}\n"


@pytest.mark.parametrize("client", ["codex", "claude-code", "vscode"])
def test_a_key_that_only_the_replaced_entry_holds_goes_on_to_work(machine: Any, client: str) -> None:
    def replaced(**variables: str) -> Entry:
        if client == "codex":
            table = (
                f'[mcp_servers.pica]\ncommand = "npx"\nargs = ["@picahq/mcp"]\nenv = {{ PICA_SECRET = "{SECRET}" }}\n'
            )
            machine.write(client, table)
        else:
            write(machine, client, command="npx", args=["@picahq/mcp"], env={"PICA_SECRET": SECRET})
        machine.install(client, "--replace", **variables)
        assert SECRET not in machine.file(client).read_text(encoding="utf-8")
        return pica(machine, client)

    file = machine.home / ".config/pica-mcp/secret"
    assert "PICA_SECRET_FILE" not in replaced(PICA_SECRET=SECRET).env, "it is at hand where the client is started"
    assert not file.exists()
    for given in ({}, {"PICA_SECRET": ANOTHER}):
        assert replaced(**given).env == {"PICA_SECRET_FILE": str(file)}
        assert file.read_text(encoding="utf-8") == f"{given.get('PICA_SECRET', SECRET)}\n"


def test_a_file_of_the_key_that_is_gone_is_noticed(machine: Any) -> None:
    write(machine, "kiro", env={"PICA_SECRET_FILE": str(machine.home / "gone")})
    with pytest.raises(InvalidSettings, match="There is no key"):
        machine.install("kiro")
    machine.install("kiro", PICA_SECRET=SECRET)
    file = machine.home / ".config/pica-mcp/secret"
    assert pica(machine, "kiro").env == {"PICA_SECRET_FILE": str(file)}
    assert file.read_text(encoding="utf-8") == f"{SECRET}\n"


def test_a_dry_run_foresees_another_key_and_tells_nobody_to_restart(machine: Any) -> None:
    assert "Restart" not in machine.install("cursor", "--dry-run", PICA_SECRET=SECRET).out
    machine.install("cursor", PICA_SECRET=SECRET)
    with pytest.raises(InvalidSettings, match="There is another key in the file"):
        machine.install("windsurf", "--dry-run", PICA_SECRET=ANOTHER)
    done = machine.install("windsurf", "--dry-run", "--replace", PICA_SECRET=ANOTHER)
    assert "in place of what is there now" in done.out
    assert (machine.home / ".config/pica-mcp/secret").read_text(encoding="utf-8") == f"{SECRET}\n"


def test_a_key_that_cannot_be_put_in_place_leaves_no_draft(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(SecretUnavailable, match="No space left"):
            machine.install("cursor", PICA_SECRET=SECRET)
    assert not list((machine.home / ".config").rglob("*secret*"))


# Copies, and other entries


def test_anothers_server_that_is_alone_in_a_file_is_kept_when_it_is_replaced(machine: Any) -> None:
    machine.install("cursor", "--sandbox")
    alone = machine.file("cursor").read_text(encoding="utf-8").replace(machine.python.rpartition("python")[0], "/x/")
    machine.install("cursor", "--uninstall")
    path = machine.write("cursor", alone.replace("pica-mcp", "theirs"))
    before = path.read_text()
    done = machine.install("cursor", "--sandbox", "--replace")
    copy = Path(f"{path}.before-pica-mcp")
    assert copy.read_text() == before
    assert f"kept in {copy}." in done.out


def test_a_file_that_an_older_copy_does_not_hold_is_kept_beside_it(machine: Any) -> None:
    path = machine.write("cursor", '{"a": 1}')
    machine.install("cursor", "--sandbox")
    official = json.dumps({"mcpServers": {"pica": {"command": "npx", "args": ["@picahq/mcp"]}}})
    path.write_text(official)
    done = machine.install("cursor", "--sandbox", "--replace")
    first, second = (Path(f"{path}.before-pica-mcp{more}") for more in ("", ".2"))
    assert [one.read_text() for one in (first, second)] == ['{"a": 1}', official]
    assert f"kept in {second}; {first} is older" in done.out
    gone = machine.install("cursor", "--uninstall")
    told = "Pica's official server, which had that name before, does not come back by itself: its entry is in"
    assert f"{told} {second}.\nEarlier states of the file are in {first}." in gone.out


def test_nothing_is_said_to_be_kept_that_is_not(machine: Any) -> None:
    path = machine.write("cursor", '{"a": 1}')
    assert f"is kept in {path}.before-pica-mcp." in machine.install("cursor", "--sandbox").out
    assert "is kept in" not in machine.install("cursor", "--sandbox", "--permissions", "read").out


def test_other_entries_of_the_official_server_are_named(machine: Any) -> None:
    official = {"command": "npx", "args": ["@picahq/mcp"]}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": official, "old\u001b": official}}))
    done = machine.install("cursor", "--sandbox", "--replace")
    assert "Pica's official server is in this file too, as old:" in done.out


@pytest.mark.parametrize("words", [[], ["--replace"], ["--dry-run"]])
def test_what_replaces_an_entry_of_the_official_server_beside_ours_is_told(machine: Any, words: list[str]) -> None:
    machine.program = ".venv/bin/pica-mcp"
    official = {"command": "npx", "args": ["@picahq/mcp"], "env": {"PICA_SECRET": SECRET}}
    servers = {"pica": {"command": "pica-mcp"}, "pica-official": official, "; rm": official}
    machine.write("cursor", json.dumps({"mcpServers": servers}))
    told = machine.install("cursor", *words, "--secret", "env").out
    assert "in this file too, as pica-official, ; rm: take out what you do not need.\n" in told
    command = ".venv/bin/pica-mcp install cursor --name pica-official --replace"
    assert f"To replace pica-official: `{command}`." in told
    assert told.count("To replace ") == 1
    assert "To replace " not in machine.install("cursor", "--uninstall").out


def test_the_only_entry_of_ours_is_found_again_whatever_it_is_called(machine: Any) -> None:
    machine.install("cursor", "--name", "pica-official", "--identity", "ada", PICA_SECRET=SECRET)
    told = machine.install("cursor", "--permissions", "read").out
    assert "This program has other entries" not in told
    (entry,) = json.loads(machine.file("cursor").read_text(encoding="utf-8"))["mcpServers"].items()
    assert entry[0] == "pica-official"
    assert {"PICA_IDENTITY": "ada", "PICA_PERMISSIONS": "read"}.items() <= entry[1]["env"].items()


@pytest.mark.parametrize("deed", ["", "--replace", "--uninstall"])
def test_of_several_entries_of_ours_of_which_none_has_the_usual_name_a_person_chooses(machine: Any, deed: str) -> None:
    for name in ("work", "home"):
        told = machine.install("cursor", "--sandbox", "--name", name).out
    assert "This program has other entries in this file, which stay as they are: work.\n" in told
    before, words = machine.files(), [deed] if deed else []
    command = " ".join(("pica-mcp install cursor --name {}", *words))
    with pytest.raises(InvalidSettings) as refused:
        machine.install("cursor", *words)
    assert f"Say which one: `{command.format('work')}` or `{command.format('home')}`." in str(refused.value)
    assert machine.files() == before
    assert "stay as they are: home." in machine.install("cursor", "--sandbox", "--name", "work", *words).out
    if deed == "--uninstall":
        assert "stay as they are" not in machine.install("cursor", deed).out, "it was the only one left"


@pytest.mark.parametrize("words", [[], ["--replace"], ["--uninstall"]])
def test_an_entry_of_ours_whose_name_is_not_plain_is_not_passed_over(machine: Any, words: list[str]) -> None:
    servers = {"my work!": {"command": "pica-mcp", "env": {"PICA_PERMISSIONS": "read"}}}
    if words == ["--replace"]:
        servers = {"work": servers["my work!"], "my old!": {"command": "npx", "args": ["@picahq/mcp"]}}
    machine.write("cursor", json.dumps({"mcpServers": servers}))
    before = machine.files()
    with pytest.raises(InvalidSettings, match=r"an entry of ours that may be meant\. Say which one with --name"):
        machine.install("cursor", *words, PICA_SECRET=SECRET)
    assert machine.files() == before


def test_who_looks_around_first_gets_an_entry_for_that_and_keeps_their_own(machine: Any) -> None:
    machine.install("cursor", "--name", "work", "--identity", "ada", PICA_SECRET=SECRET)
    machine.install("cursor", "--sandbox")
    servers = json.loads(machine.file("cursor").read_text(encoding="utf-8"))["mcpServers"]
    assert sorted(servers) == ["pica", "work"]
    assert servers["work"]["env"]["PICA_IDENTITY"] == "ada"


@pytest.mark.parametrize("name", ["pica-work", "my pica"])
def test_another_servers_entry_is_not_replaced_where_ours_may_be_meant(machine: Any, name: str) -> None:
    servers = {"pica": {"command": "picasso"}, name: {"command": "pica-mcp", "env": {"PICA_PERMISSIONS": "read"}}}
    machine.write("cursor", json.dumps({"mcpServers": servers}))
    with pytest.raises(InvalidSettings, match=r"several entries .* For pica, which .* that is --name pica\."):
        machine.install("cursor", "--replace", PICA_SECRET=SECRET)


def test_an_entry_of_the_usual_name_goes_before_others_of_ours(machine: Any) -> None:
    for name in ("work", "home", "pica"):
        machine.install("cursor", "--sandbox", "--name", name)
    for deed in ("--replace", "--dry-run", "--uninstall"):
        assert "the entry pica" in machine.install("cursor", "--sandbox", deed).out.replace("no entry", "the entry")


def test_another_servers_entry_of_the_usual_name_stays_where_ours_has_another(machine: Any) -> None:
    ours, other = {"command": "pica-mcp"}, {"command": "x"}
    path = machine.write("cursor", json.dumps({"mcpServers": {"pica": other, "work": ours}}))
    for words in ([], ["--uninstall"]):
        with pytest.raises(InvalidSettings):
            machine.install("cursor", "--sandbox", *words)
    assert json.loads(path.read_text(encoding="utf-8")) == {"mcpServers": {"pica": other, "work": ours}}


def test_the_only_entry_of_the_official_server_is_replaced_under_its_name(machine: Any) -> None:
    entry = {"command": "npx", "args": ["@picahq/mcp"], "env": {"PICA_SECRET": SECRET}}
    path = machine.write(
        "claude-desktop", json.dumps({"mcpServers": {"x": {"command": "y"}, "pica-mcp-server": entry}})
    )
    machine.install("claude-desktop", "--replace")
    file = machine.home / ".config/pica-mcp/secret-pica-mcp-server"
    for _ in range(2):  # the second time, it is ours
        servers = json.loads(path.read_text(encoding="utf-8"))["mcpServers"]
        assert list(servers) == ["x", "pica-mcp-server"]
        assert servers["pica-mcp-server"]["env"] == {"PICA_SECRET_FILE": str(file)}
        machine.install("claude-desktop", "--replace")
    assert file.read_text(encoding="utf-8") == f"{SECRET}\n"
    machine.install("claude-desktop", "--uninstall")
    assert list(json.loads(path.read_text(encoding="utf-8"))["mcpServers"]) == ["x"]


def test_an_entry_is_replaced_under_another_name_only_where_nobody_names_one_and_it_would_be_taken(
    machine: Any,
) -> None:
    official = {"command": "npx", "args": ["@picahq/mcp"]}
    for words, names in (
        (["--replace", "--name", "pica"], ["old", "pica"]),
        ([], ["old", "pica"]),
        (["--replace"], ["old"]),
    ):
        path = machine.write("cursor", json.dumps({"mcpServers": {"old": official}}))
        machine.install("cursor", *words, PICA_SECRET=SECRET)
        assert list(json.loads(path.read_text(encoding="utf-8"))["mcpServers"]) == names
    path = machine.write("cursor", json.dumps({"mcpServers": {"../x": official}}))
    machine.install("cursor", "--replace", PICA_SECRET=SECRET)
    assert list(json.loads(path.read_text(encoding="utf-8"))["mcpServers"]) == ["../x", "pica"]


def test_of_several_entries_of_the_official_server_a_person_chooses(machine: Any) -> None:
    official = {"command": "npx", "args": ["@picahq/mcp"]}
    machine.program = ".venv/bin/pica-mcp"
    machine.write("cursor", json.dumps({"mcpServers": {"one": official, "two": official, "; rm": official}}), "project")
    before = machine.files()
    command = ".venv/bin/pica-mcp install cursor --scope project --name {} --replace"
    wanted = f"may be meant. Say which one: `{command.format('one')}` or `{command.format('two')}`."
    with pytest.raises(InvalidSettings) as refused:
        machine.install("cursor", "--scope", "project", "--replace")
    assert wanted in str(refused.value)
    assert machine.files() == before


def test_another_servers_entry_is_not_replaced_where_the_official_one_may_be_meant(machine: Any) -> None:
    official, other = {"command": "npx", "args": ["@picahq/mcp"]}, {"command": "x"}
    for servers in ({"pica": other, "one": official}, {"one": official, "my pica": official}):
        path = machine.write("cursor", json.dumps({"mcpServers": servers}))
        with pytest.raises(InvalidSettings, match=r"Say which .*`pica-mcp install cursor --name one --replace`\."):
            machine.install("cursor", "--replace", "--sandbox")
        assert json.loads(path.read_text(encoding="utf-8")) == {"mcpServers": servers}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": other, "my pica": official}}))
    with pytest.raises(InvalidSettings, match=r"Say which one with --name\."):
        machine.install("cursor", "--replace", "--sandbox")
    machine.install("cursor", "--replace", "--sandbox", "--name", "pica")
    assert pica(machine, "cursor").args == ("--sandbox",)


@pytest.mark.parametrize("words", [["--uninstall"], ["--print"]])
def test_without_a_client_it_asks_for_one(machine: Any, words: list[str]) -> None:
    with pytest.raises(InvalidSettings, match=r"Which client is it about.*cursor, windsurf"):
        machine.install(*words)


def test_paths_are_whole_in_a_pipe(machine: Any) -> None:
    machine.project = machine.project / ("long" * 20)
    machine.project.mkdir()
    machine.install("cursor", "--scope", "project", "--sandbox")
    assert str(machine.file("cursor", "project")) in machine.install().out


def test_a_folder_that_may_not_be_looked_at_is_no_reason_to_end(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def stat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if ".kiro" in str(path) or ".vscode" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)

    machine.install("cursor", "--sandbox")
    monkeypatch.setattr(os, "stat", stat)
    assert [row["client"] for row in machine.install("--json").told] == ["cursor"]


# Where the program came from


@pytest.mark.parametrize(
    ("record", "source"),
    [
        ({"url": "file:///x/clone", "dir_info": {}}, "file:///x/clone"),
        ({"url": "https://x.io/y", "vcs_info": {"vcs": "git", "commit_id": "abc"}}, "git+https://x.io/y@abc"),
        ({"url": "file:///x", "dir_info": {}, "subdirectory": "a"}, "file:///x#subdirectory=a"),
    ],
)
def test_uvx_is_to_take_what_it_took_and_never_a_namesake(machine: Any, record: dict[str, Any], source: str) -> None:
    assert source_of(json.dumps(record)) == source
    machine.record = json.dumps(record)
    machine.python = str(machine.home / ".cache/uv/archive-v0/abc/bin/python")
    uvx = machine.home / "bin" / ("uvx.exe" if sys.platform == "win32" else "uvx")
    uvx.parent.mkdir()
    uvx.touch(mode=0o755)
    machine.install("cursor", PATH=str(uvx.parent), PICA_SECRET=SECRET)
    assert pica(machine, "cursor").args == ("--from", f"pica-mcp @ {source}", "pica-mcp")
    assert "as before" in machine.install("cursor", PATH=str(uvx.parent)).out, "it is an entry of ours"
    machine.record = json.dumps({"url": "https://me:pass@x.io/y.whl", "archive_info": {}})
    with pytest.raises(InvalidSettings, match="holds a password"):
        machine.install("cursor", PATH=str(uvx.parent))


@pytest.mark.parametrize("record", ["{", "[]", "{}", '{"url": "x", "vcs_info": 1}', "null"])
def test_a_record_that_nobody_can_read_is_told(record: str) -> None:
    with pytest.raises(InvalidSettings, match=r"its record is malformed. Install it again"):
        source_of(record)
