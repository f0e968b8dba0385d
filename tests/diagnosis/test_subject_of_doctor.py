"""Whose settings doctor looks into: those given, a named client's, or where nothing is given the first entry's."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from setups import Authority, Findings, Machine, says, serving

from pica_mcp import clients
from pica_mcp.diagnosis import Group, Status
from pica_mcp.diagnosis.found import look
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

CURSOR, WINDSURF = ".cursor/mcp.json", ".codeium/windsurf/mcp_config.json"
VSCODE = ".config/Code/User/mcp.json"
REPLACE = "Run `pica-mcp install cursor --replace` and paste a new key."
CLEAR = "In VS Code, clear the stored input (MCP: List Servers), and start it again."
ADA = {"PICA_SECRET": LIVE_SECRET, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user", "PICA_TOOLS": "none"}


def put(folder: Path, path: str, env: dict[str, str], *flags: str, key: str = "mcpServers", **more: Any) -> None:
    entry = {"command": sys.executable, "args": ["-m", "pica_mcp", *flags], "env": env, **more}
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({key: {"pica": entry}}))
    file.chmod(0o600)


async def looked(machine: Machine, **case: Any) -> Findings:
    return await machine.doctor(starts=False, **case)


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """A machine whose shell knows nothing of Pica, and which has no way to the real one."""
    machine.environ = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    return machine


async def test_where_nothing_is_given_the_entry_that_there_is_is_looked_into(machine: Machine) -> None:
    async with Sandbox().listening() as url:
        put(machine.home, CURSOR, {**ADA, "PICA_BASE_URL": url}, "--permissions", "read")
        found = await looked(machine)
    assert (found.failures, found.code) == ([], 0)
    told = {one.name: one.found for one in found.of(Group.SETTINGS)}
    assert told["settings"] == "those of Cursor's entry pica"
    assert (told["identity"], told["permissions"]) == ("ada, by Cursor's entry", "read, by Cursor's entry")
    assert found.one(Group.IDENTITY, "identity").found == "user ada has 6 connections"
    assert LIVE_SECRET not in found.text


async def test_the_first_of_several_is_and_another_can_be_named(machine: Machine) -> None:
    put(machine.home, CURSOR, {}, "--sandbox", "--identity=ada")
    put(machine.home, WINDSURF, {"PICA_IDENTITY": "growth"}, "--sandbox")
    found = await looked(machine)
    told = found.one(Group.SETTINGS, "settings").found
    assert told == "those of Cursor's entry pica; name another client to look at its"
    assert found.one(Group.SETTINGS, "identity").found == "ada, by Cursor's entry"
    assert found.one(Group.NETWORK, "Pica").found == "the embedded sandbox answers"
    found = await looked(machine, client="windsurf", flags={"permissions": "read"})
    told = {one.name: one.found for one in found.of(Group.SETTINGS)}
    assert (told["identity"], told["permissions"]) == ("growth, by Windsurf's entry", "read, by --permissions")


async def test_one_of_a_clients_several_entries_can_be_named_and_the_others_are_told(machine: Machine) -> None:
    entry = {"command": sys.executable, "args": ["-m", "pica_mcp", "--sandbox"]}
    put(machine.home, CURSOR, {})
    file = machine.home / CURSOR
    narrow = {**entry, "env": {"PICA_PERMISSIONS": "read"}}
    file.write_text(json.dumps({"mcpServers": {"wide": entry, "narrow": narrow, "off": {**entry, "disabled": True}}}))
    for client in ("", "cursor"):
        told = (await looked(machine, client=client)).one(Group.SETTINGS, "settings").found
        assert told == "those of Cursor's entry wide; cursor/NAME looks into another: narrow"
    found = await looked(machine, client="cursor/narrow")
    assert found.one(Group.SETTINGS, "settings").found == "those of Cursor's entry narrow"
    assert found.one(Group.SETTINGS, "permissions").found == "read, by Cursor's entry"
    wrong = (await looked(machine, client="cursor/pica")).one(Group.CLIENTS, "Cursor")
    assert (wrong.status, wrong.found) == (Status.FAILURE, "has no entry pica to look into")


async def test_a_setting_that_is_only_where_the_client_is_started_is_told(machine: Machine) -> None:
    put(machine.home, CURSOR, {"PICA_PERMISSIONS": "${env:PICA_PERMISSIONS}"}, "--sandbox")
    (told,) = (await looked(machine)).of(Group.SETTINGS, "variables")
    assert (told.status, told.cure) == (Status.WARNING, "Set PICA_PERMISSIONS here, too.")
    machine.environ["PICA_PERMISSIONS"] = "read"
    assert (await looked(machine, client="cursor")).of(Group.SETTINGS, "variables") == []


@pytest.mark.parametrize("name", ["my pica", "pica" * 20])
async def test_what_corrects_an_identity_never_writes_another_entry_than_that(machine: Machine, name: str) -> None:
    async with Sandbox().listening() as url:
        put(machine.home, CURSOR, {**ADA, "PICA_IDENTITY": "adaa", "PICA_BASE_URL": url})
        file = machine.home / CURSOR
        file.write_text(file.read_text().replace('"pica": ', f'"{name}": '))
        cure = (await looked(machine)).one(Group.IDENTITY, "identity").cure
    assert cure == f"If that is meant, set PICA_IDENTITY and PICA_IDENTITY_TYPE to it in {file}: user ada."


@pytest.mark.parametrize(
    ("identity", "cure"),
    [
        ("adaa", "If user ada is meant, run `pica-mcp install cursor --identity ada --identity-type user`."),
        ("growht", "If team growth is meant, run `pica-mcp install cursor --identity growth --identity-type team`."),
    ],
)
async def test_a_misspelt_identity_of_an_entry_is_corrected_there(machine: Machine, identity: str, cure: str) -> None:
    async with Sandbox().listening() as url:
        put(machine.home, CURSOR, {**ADA, "PICA_IDENTITY": identity, "PICA_BASE_URL": url})
        found = await machine.doctor()
        here = await looked(machine, client="cursor", flags={"identity": identity})
    assert found.one(Group.IDENTITY, "identity").cure == cure
    assert here.one(Group.IDENTITY, "identity").cure.startswith("If that is meant, set PICA_IDENTITY and ")
    entry = found.one(Group.CLIENTS, "Cursor/pica")
    assert (entry.status, entry.cure) == (Status.WARNING, "`pica-mcp doctor cursor/pica` tells why.")
    assert entry.found.endswith(f"but says: Nothing is connected for user {identity}.")


async def test_an_owner_whose_name_is_no_plain_word_is_in_no_command(machine: Machine) -> None:
    box = Sandbox()
    async with box.listening() as url:
        put(machine.home, CURSOR, {**ADA, "PICA_IDENTITY": "$(id", "PICA_BASE_URL": url})
        box.move(box.keys("ada")[0], "$(id)", "user")
        cure = (await looked(machine)).one(Group.IDENTITY, "identity").cure
    where = machine.home / CURSOR
    assert cure == f"If that is meant, set PICA_IDENTITY and PICA_IDENTITY_TYPE to it in {where}: user $(id)."


async def test_what_an_entry_means_is_never_taken_from_the_folder_that_doctor_is_run_in(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "pica.toml").write_text('identity = "mallory"')
    (clone / "op").write_text(f"#!/bin/sh\ntouch {clone}/ran\n")
    (clone / "op").chmod(0o700)
    (clone / "keyring.py").write_text(f"open('{clone}/ran', 'w')")
    machine.project = clone
    monkeypatch.chdir(clone)
    python = shlex.quote(sys.executable)
    for words in ("./op", "op", "sh op", "sh ./op", f"{python} keyring.py", f"{python} -m keyring"):
        for more in ({}, {"cwd": "."}):
            env = {"PICA_SECRET_COMMAND": words, "PICA_BASE_URL": "http://127.0.0.1:9"}
            for path in (f".{os.pathsep}{os.environ['PATH']}", f"{clone}{os.pathsep}{os.environ['PATH']}"):
                put(machine.home, CURSOR, {**env, "PATH": path}, **more)
                assert (Group.SECRET, "source") in (await looked(machine)).failures
    assert not (clone / "ran").exists()
    put(machine.home, CURSOR, {"PICA_CONFIG": "pica.toml", "PICA_BASE_URL": "http://127.0.0.1:9"})
    assert "mallory" not in (await looked(machine)).text


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
async def test_a_command_for_the_secret_runs_where_the_entry_does_with_what_that_sets(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "key.sh").write_text('#!/bin/sh\n. ./prefix\nprintf %s "$start$REST"\n')
    (tmp_path / "own" / "prefix").write_text(f"start={LIVE_SECRET[:12]}\n")
    (tmp_path / "own" / "key.sh").chmod(0o700)
    async with Sandbox().listening() as url:
        env = {"PICA_SECRET_COMMAND": "./key.sh", "REST": LIVE_SECRET[12:], "PICA_BASE_URL": url}
        put(machine.home, CURSOR, env, cwd=str(tmp_path / "own"))
        found = await looked(machine)
    assert found.one(Group.SECRET, "accepted").status is Status.OK


async def test_a_folder_that_nothing_can_be_called_is_told_where_the_secrets_command_would_run(
    machine: Machine,
) -> None:
    env = {"PICA_SECRET_COMMAND": f"{shlex.quote(sys.executable)} -V", "PICA_BASE_URL": "http://127.0.0.1:9"}
    put(machine.home, CURSOR, env, cwd="a\0b")
    found = (await looked(machine)).one(Group.SECRET, "source").found
    assert found == "PICA_SECRET_COMMAND cannot be run: no folder has such a name."


async def test_an_entry_is_judged_without_the_network_of_this_shell_which_is_told(
    machine: Machine, authority: Authority
) -> None:
    machine.environ = {"https_proxy": "http://127.0.0.1:9", "SSL_CERT_FILE": authority.file}
    async with serving(says(b""), authority.server()) as port:
        put(machine.home, CURSOR, {**ADA, "PICA_BASE_URL": f"https://localhost:{port}"})
        found = await looked(machine)
    note = found.one(Group.NETWORK, "variables")
    told = "this shell has HTTPS_PROXY and SSL_CERT_FILE, which Cursor's entry has not"
    where = f"put HTTPS_PROXY and SSL_CERT_FILE into the env of the entry, in {machine.home / CURSOR}."
    assert (note.status, note.found) == (Status.NOTE, told)
    assert note.cure == f"If the network needs that, {where}"
    assert found.one(Group.NETWORK, "proxy").found == "none is used"
    assert "set SSL_CERT_FILE in the env of Cursor's entry to a file" in found.one(Group.NETWORK, "certificate").cure
    machine.environ = {}
    put(machine.home, CURSOR, {**ADA, "PICA_BASE_URL": "http://127.0.0.1:9"})
    assert (await looked(machine)).of(Group.NETWORK, "variables") == []


async def test_an_entry_that_another_program_runs_is_not_judged_without_what_that_sets(machine: Machine) -> None:
    put(machine.home, CURSOR, ADA, command="dotenv", args=["-f", "x.env", "run", "python", "-m", "pica_mcp"])
    found = await looked(machine, client="cursor")
    told = "Cursor's entry pica cannot be looked into: dotenv runs it, which may do more than that"
    assert (found.one(Group.SETTINGS, "settings").found, found.code) == (told, 0)


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (["run", "--env-file=/home/ada/pica.env", "pica-mcp"], {}),
        (["run", "--env-file", "/home/ada/pica.env", "python", "-m", "pica_mcp"], {}),
        (["run", "pica-mcp"], {"UV_ENV_FILE": "/home/ada/pica.env"}),
    ],
)
async def test_an_entry_that_a_launcher_reads_variables_for_is_not_judged_without_them(
    machine: Machine, args: list[str], env: dict[str, str]
) -> None:
    put(machine.home, CURSOR, {**ADA, **env}, command="uv", args=args)
    settings = (await looked(machine)).one(Group.SETTINGS, "settings")
    assert (settings.status, settings.found.endswith(" from a file")) == (Status.SKIPPED, True)


async def test_an_entry_whose_variables_are_in_another_file_is_not_judged_without_them(machine: Machine) -> None:
    put(machine.home, CURSOR, {}, envFile="/home/ada/pica.env")
    found = await machine.doctor(client="cursor")
    why = "its variables are in the file /home/ada/pica.env"
    settings, entry = found.one(Group.SETTINGS, "settings"), found.one(Group.CLIENTS, "Cursor/pica")
    assert (settings.status, settings.found.endswith(why)) == (Status.SKIPPED, True)
    assert (entry.status, entry.found.endswith(f"not started: {why}")) == (Status.SKIPPED, True)
    assert (found.failures, found.code) == ([], 0)
    put(machine.home, WINDSURF, {"PICA_IDENTITY": "growth"}, "--sandbox")
    found = await looked(machine)
    assert found.one(Group.SETTINGS, "identity").found == "growth, by Windsurf's entry"


async def test_a_key_of_a_persons_own_code_says_nothing_but_a_slip_does(machine: Machine) -> None:
    put(machine.home, CURSOR, {"PICA_IDENTITY": "growth"}, "--sandbox")
    machine.environ["PICA_GMAIL_CONNECTION_KEY"] = "live::gmail::default::0123"
    found = await looked(machine)
    assert found.one(Group.SETTINGS, "identity").found == "growth, by Cursor's entry"
    machine.environ["PICA_PERMISSION"] = "read"
    found = await looked(machine)
    assert found.failures[0] == (Group.SETTINGS, "PICA_PERMISSION")


async def test_commands_that_are_told_take_the_settings_that_were_looked_into(machine: Machine) -> None:
    env = {**ADA, "PICA_PIN": "gmail_send_emial"}
    for folder, file, words in ((machine.home, CURSOR, " --client cursor/pica"), (machine.project, ".mcp.json", "")):
        async with Sandbox().listening() as url:
            put(folder, file, {**env, "PICA_BASE_URL": url})
            found = await looked(
                machine, client="claude-code" if folder == machine.project else "cursor", projects=True
            )
        (vain,) = found.of(Group.TOOLS, "PICA_PIN")
        assert vain.cure == f"Correct it or take it out; `pica-mcp explain{words}` tells what these settings allow."


async def test_an_entry_of_this_folder_hides_the_users_of_that_name(machine: Machine) -> None:
    for folder, identity in ((machine.home, "ada"), (machine.project, "growth")):
        put(folder, CURSOR, {"PICA_IDENTITY": identity}, "--sandbox")
    for client in ("cursor", "cursor/pica"):
        found = await looked(machine, client=client, projects=True)
        assert found.one(Group.SETTINGS, "identity").found == "growth, by Cursor's entry"
        assert found.one(Group.SETTINGS, "settings").found == "those of Cursor's entry pica"
    assert (await looked(machine, client="cursor")).one(Group.SETTINGS, "identity").found == "ada, by Cursor's entry"


async def test_where_only_the_official_server_is_there_one_command_is_told(machine: Machine) -> None:
    put(machine.home, CURSOR, {})
    official = {"command": "npx", "args": ["@picahq/mcp"]}
    (machine.home / CURSOR).write_text(json.dumps({"mcpServers": {"pica-official": official}}))
    command = "`pica-mcp install cursor --name pica-official --replace`"
    for client in ("cursor", "cursor/pica-official"):
        found = await looked(machine, client=client)
        assert found.one(Group.CLIENTS, "Cursor").cure == f"Run {command}."
        assert found.one(Group.CLIENTS, "Cursor/pica-official").cure == f"To switch to this one, run {command}."


async def test_what_is_given_goes_before_any_entry(machine: Machine) -> None:
    put(machine.home, CURSOR, {"PICA_IDENTITY": "growth"}, "--sandbox")
    machine.environ["PICA_IDENTITY"] = "ada"
    found = await looked(machine, sandbox=True)
    assert found.one(Group.SETTINGS, "identity").found == "ada, by PICA_IDENTITY"
    assert found.of(Group.SETTINGS, "settings") == []
    found = await looked(machine)
    assert found.failures[0] == (Group.SETTINGS, "secret")
    machine.environ = {}
    found = await looked(machine, flags={"identity": ""})
    assert found.failures[0] == (Group.SETTINGS, "--identity")


async def test_an_entry_of_a_project_is_looked_into_only_if_that_is_asked_for(machine: Machine) -> None:
    put(machine.project, ".mcp.json", {"PICA_IDENTITY": "ada"}, "--sandbox")
    found = await looked(machine)
    assert (found.failures[0], found.code) == ((Group.SETTINGS, "secret"), 2)
    assert found.one(Group.SETTINGS, "secret").cure.startswith("Run `pica-mcp install CLIENT`, or set PICA_SECRET to")
    found = await looked(machine, client="claude-code")
    assert (found.failures, found.code) == ([(Group.CLIENTS, "Claude Code")], 1)
    cure = "Run `pica-mcp install claude-code`, or look into that of this folder with --project."
    assert found.one(Group.CLIENTS, "Claude Code").cure == cure
    found = await looked(machine, projects=True)
    assert found.one(Group.SETTINGS, "identity").found == "ada, by Claude Code's entry"


async def test_an_entry_that_uvx_runs_is_looked_into_though_it_is_not_started(machine: Machine) -> None:
    put(machine.home, CURSOR, {}, command="uvx", args=["pica-mcp", "--sandbox", "--identity", "ada"])
    found = await machine.doctor()
    assert found.one(Group.SETTINGS, "identity").found == "ada, by Cursor's entry"
    assert found.one(Group.CLIENTS, "Cursor/pica").status is Status.SKIPPED


@pytest.mark.parametrize(
    ("more", "cure"),
    [
        ({"disabled": True}, "Switch it on in Cursor."),
        ({"url": "https://example.org"}, "Run `pica-mcp install cursor`."),
        ({"args": ["-m", "pica_mcp", "call"]}, "Run `pica-mcp install cursor`."),
        ({"command": "uvx", "args": ["--from", "pica-mcp", "pica-mcp", "sandbox"]}, "Run `pica-mcp install cursor`."),
        ({"command": "other", "args": []}, "Run `pica-mcp install cursor`."),
    ],
)
async def test_an_entry_that_starts_no_server_is_not_looked_into(
    machine: Machine, more: dict[str, Any], cure: str
) -> None:
    put(machine.home, CURSOR, ADA, **more)
    found = await looked(machine, client="cursor")
    assert (found.failures, found.code) == ([(Group.CLIENTS, "Cursor")], 1)
    assert found.one(Group.CLIENTS, "Cursor").cure == cure


async def test_a_key_that_a_person_is_asked_for_is_skipped_and_fails_nothing(machine: Machine) -> None:
    env = {"PICA_SECRET": "${input:pica_secret}", "PICA_BASE_URL": "http://127.0.0.1:9"}
    put(machine.home, ".config/Code/User/mcp.json", env, key="servers")
    secret = (await looked(machine)).one(Group.SETTINGS, "secret")
    assert (secret.status, "asks a person" in secret.found) == (Status.SKIPPED, True)
    assert secret.cure == "Set PICA_SECRET here to the key, and run `pica-mcp doctor vscode/pica`."
    async with Sandbox().listening() as url:
        put(machine.home, ".config/Code/User/mcp.json", {**env, "PICA_BASE_URL": url}, key="servers")
        machine.environ["PICA_SECRET"] = LIVE_SECRET
        found = await looked(machine, client="vscode")
    assert (found.failures, found.one(Group.SECRET, "accepted").status) == ([], Status.OK)


@pytest.mark.parametrize(
    ("env", "cure"),
    [
        (
            {"PICA_SECRET": "${env:PICA_SECRET}"},
            "Set PICA_SECRET where Cursor is started, or keep the secret elsewhere: ",
        ),
        ({"PICA_IDENTITY": "ada"}, "Run `pica-mcp install cursor --replace` and paste a new key."),
    ],
)
async def test_an_entry_without_a_key_is_told_how_to_get_one(machine: Machine, env: dict[str, str], cure: str) -> None:
    put(machine.home, CURSOR, {**env, "PICA_BASE_URL": "http://127.0.0.1:9"})
    result = (await looked(machine)).one(Group.SETTINGS, "secret")
    assert (result.status, result.found, result.cure.startswith(cure)) == (
        Status.FAILURE,
        "PICA_SECRET is not set.",
        True,
    )


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
async def test_the_key_is_never_given_to_what_a_client_asks_a_person_for_besides(
    machine: Machine, tmp_path: Path
) -> None:
    machine.environ = {"PICA_SECRET": LIVE_SECRET}
    program = tmp_path / "vault"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/ran\n')
    program.chmod(0o700)
    put(machine.home, VSCODE, {"PICA_SECRET_COMMAND": f"{program} ${{input:vault_token}}"}, key="servers")
    found = await machine.doctor(client="vscode")
    why = "VS Code asks a person for vault_token"
    assert found.one(Group.SETTINGS, "settings").found == f"VS Code's entry pica cannot be looked into: {why}"
    assert found.one(Group.CLIENTS, "VS Code/pica").found.endswith(f"not started: {why}")
    assert not (tmp_path / "ran").exists()


async def test_an_entry_whose_key_is_refused_is_told_how_to_get_another(machine: Machine) -> None:
    async with Sandbox().listening() as url:
        put(machine.home, CURSOR, {"PICA_SECRET": "sk_live_of_yesterday", "PICA_BASE_URL": url})
        found = await looked(machine)
    result = found.one(Group.SECRET, "accepted")
    assert (result.status, result.cure) == (
        Status.FAILURE,
        "Run `pica-mcp install cursor --replace` and paste a new key.",
    )


@pytest.mark.parametrize(
    ("path", "env", "cure"),
    [
        (CURSOR, {"PICA_SECRET": "${env:MY_KEY}"}, "Set MY_KEY where Cursor is started."),
        (CURSOR, {"PICA_SECRET": "${env:PICA_SECRET}"}, "Set PICA_SECRET where Cursor is started."),
        (CURSOR, {"PICA_SECRET_FILE": "/home/ada/key"}, "Correct what PICA_SECRET_FILE says."),
        (CURSOR, {"PICA_SECRET_COMMAND": "op read key"}, "Correct what PICA_SECRET_COMMAND says."),
        (CURSOR, {"PICA_SECRET_KEYRING": "other/ada"}, "Correct what PICA_SECRET_KEYRING says."),
        (CURSOR, {"PICA_CONFIG": "/x.toml"}, "Correct what PICA_CONFIG says."),
        (CURSOR, {"PICA_SECRET_FILE": "/home/ada/.config/pica-mcp/secret"}, REPLACE),
        (CURSOR, {"PICA_SECRET_KEYRING": "pica-mcp/pica"}, REPLACE),
        (VSCODE, {"PICA_SECRET": "${input:pica_secret}"}, CLEAR),
    ],
)
async def test_what_is_to_be_done_about_a_refused_key_is_where_the_key_is(
    machine: Machine, path: str, env: dict[str, str], cure: str
) -> None:
    put(machine.home, path, env, key="servers" if path == VSCODE else "mcpServers")
    (one,) = (await look(clients.Machine("linux", {"HOME": str(machine.home)}, machine.project))).entries
    assert one.another_key == cure
