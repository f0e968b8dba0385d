"""`pica-mcp install`, for every client, system and scope: what it writes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pica_mcp.clients import CLIENTS, Client, find
from pica_mcp.clients.entries import Entry, entries_of, form_of, kind_of
from pica_mcp.errors import InvalidSettings, OperatorError, PicaError, SecretUnavailable

SECRET = "sk_live_1_canary"
SYSTEMS = ("darwin", "linux", "win32")
PLACES = [
    (client, system, scope)
    for client in CLIENTS
    for system in SYSTEMS
    for scope in ("user", "project")
    if scope == "user" or client.project
]
IDS = [f"{client.name}-{system}-{scope}" for client, system, scope in PLACES]

JSON = """{
  // what I use
  "mcpServers": {
    "files": {"command": "npx", "args": ["-y", "files", "--token", "ghp_hidden"]}, /* old: ghp_hidden */
    "remote": {
      "url": "https://x.example/mcp?key=ghp_hidden",
      "headers": {"Authorization": "Bearer ghp_hidden"},
    }
  },
  "theme": "dark"
}
"""
VSCODE = JSON.replace('"mcpServers"', '"servers"').replace(
    '"theme": "dark"', '"inputs": [\n    {"id": "x", "description": "ghp_hidden"} // mine\n  ]'
)
TOML = """# what I use
model = "gpt-5"   # ghp_hidden

[mcp_servers.files]
command = 'npx'
args = ["-y", "files", "--token", "ghp_hidden"]
env = { TOKEN = "ghp_hidden" }

[projects."/home/ada/x"]
trust_level = "trusted"
"""
OFFICIAL = {
    "command": "npx",
    "args": ["-y", "@picahq/mcp"],
    "env": {"PICA_SECRET": SECRET, "PICA_IDENTITY": "ada", "PICA_PERMISSIONS": "read", "NODE_ENV": "production"},
}


def text_for(client: Client) -> str:
    return TOML if client.form == "toml" else VSCODE if client.name == "vscode" else JSON


def entries(client: str, path: Path) -> Mapping[str, Entry]:
    found = find(client)
    assert found
    return entries_of(found, form_of(found).read(path.read_text(encoding="utf-8")))


def pica(machine: Any, client: str, scope: str = "user") -> Entry:
    return entries(client, machine.file(client, scope))["pica"]


# Every client, on every system


@pytest.mark.parametrize(("client", "system", "scope"), PLACES, ids=IDS)
def test_an_empty_machine_gets_an_entry_and_loses_it_again(
    machine_of: Callable[[str], Any], client: Client, system: str, scope: str
) -> None:
    machine = machine_of(system)
    before = machine.files()
    machine.install(client.name, "--scope", scope, "--sandbox", "--identity", "ada")
    entry = pica(machine, client.name, scope)
    assert (kind_of(entry), Path(entry.command).is_absolute()) == ("ours", True)
    assert (entry.args, entry.env) == (("--sandbox",), {"PICA_IDENTITY": "ada"})
    installed = machine.files()
    again = machine.install(client.name, "--scope", scope, "--sandbox", "--identity", "ada")
    assert "which stays as it is" in again.out
    assert machine.files() == installed
    machine.install(client.name, "--scope", scope, "--uninstall")
    assert machine.files() == before


@pytest.mark.parametrize(("client", "system", "scope"), PLACES, ids=IDS)
def test_others_servers_and_comments_stay_and_uninstalling_gives_every_byte_back(
    machine_of: Callable[[str], Any], client: Client, system: str, scope: str
) -> None:
    machine = machine_of(system)
    written = text_for(client)
    path = machine.write(client.name, written.replace("\n", "\r\n") if system == "win32" else written, scope)
    before, others = machine.files(), entries(client.name, path)
    done = machine.install(client.name, "--scope", scope, PICA_SECRET=SECRET)
    after = entries(client.name, path)
    assert {**after} == {**others, "pica": after["pica"]}
    rest = iter(path.read_text(encoding="utf-8"))
    assert all(char in rest for char in before[str(path)].decode().replace("\r\n", "\n")), "in their order"
    assert "ghp_hidden" not in done.out + done.err
    assert SECRET not in path.read_text(encoding="utf-8") + done.out + done.err
    kept = {where for where, content in machine.files().items() if content == before[str(path)]}
    assert kept == {f"{path}.before-pica-mcp"}
    installed = machine.files()
    machine.install(client.name, "--scope", scope, PICA_SECRET=SECRET)
    assert machine.files() == installed
    gone = machine.install(client.name, "--scope", scope, "--uninstall")
    assert "ghp_hidden" not in gone.out
    left = {where: content for where, content in machine.files().items() if Path(where).name != "secret"}
    assert left == before


def test_a_file_that_cannot_be_edited_safely_is_refused_by_name_and_left_alone(machine: Any) -> None:
    path = machine.write("codex", 'mcp_servers = { files = { command = "npx" } }\n')
    before = machine.files()
    with pytest.raises(OperatorError, match=r"config\.toml' stays as it is: .* inline table, in line 1\. Write it as"):
        machine.install("codex", "--sandbox")
    assert (machine.files(), path.exists()) == (before, True)


def test_installed_with_other_settings_it_is_taken_out_again_whole(machine: Any) -> None:
    before = machine.files()
    machine.install("vscode", "--permissions", "read")
    machine.install("vscode", "--permissions", "write")
    assert pica(machine, "vscode").env["PICA_PERMISSIONS"] == "write"
    machine.install("vscode", "--uninstall")
    assert machine.files() == before


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("deed", [[], ["--uninstall"], ["--dry-run"]], ids=["install", "uninstall", "dry run"])
def test_a_file_that_cannot_be_parsed_is_refused_with_line_and_column_and_left_alone(
    machine: Any, client: Client, deed: list[str]
) -> None:
    path = machine.write(client.name, "a = [\n!" if client.form == "toml" else '{\n  "a": 1,\n  b\n}')
    before = machine.files()
    with pytest.raises(OperatorError, match=r"line \d, column \d.*editor; nothing was changed") as refused:
        machine.install(client.name, *deed, PICA_SECRET=SECRET)
    assert str(path) in str(refused.value)
    assert machine.files() == before


@pytest.mark.parametrize("name", ["windsurf", "claude-desktop"])
def test_a_client_without_a_file_for_projects_says_so(machine: Any, name: str) -> None:
    with pytest.raises(InvalidSettings, match="no file for a project"):
        machine.install(name, "--scope", "project", "--sandbox")


# Looking only


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_dry_run_shows_the_difference_and_changes_nothing(machine: Any, client: Client) -> None:
    machine.write(client.name, text_for(client))
    before = machine.files()
    done = machine.install(client.name, "--dry-run", "--identity", "ada", PICA_SECRET=SECRET)
    added = [line for line in done.out.splitlines() if line.startswith("+")]
    assert any("PICA_IDENTITY" in line and "ada" in line for line in added)
    assert "would" in done.out
    assert machine.files() == before
    machine.install(client.name, "--identity", "ada", PICA_SECRET=SECRET)
    installed = machine.files()
    assert "would lose" in machine.install(client.name, "--uninstall", "--dry-run").out
    assert machine.files() == installed


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_printing_prints_a_file_that_is_ready_and_nothing_else(machine: Any, client: Client) -> None:
    machine.write(client.name, "broken {")
    before = machine.files()
    done = machine.install(client.name, "--print", PICA_SECRET=SECRET)
    assert list(entries_of(client, form_of(client).read(done.out))) == ["pica"]
    assert SECRET not in done.out + done.err
    assert machine.files() == before


def test_json_tells_a_machine_what_was_done(machine: Any) -> None:
    told = machine.install("cursor", "--sandbox", "--json").told
    assert (told["client"], told["state"], told["file"]) == ("Cursor", "written", str(machine.file("cursor")))
    assert told["next"] == "Restart Cursor, then ask it: What is connected through Pica?"
    assert machine.install("cursor", "--sandbox", "--json").told["state"] == "unchanged"
    assert machine.install("cursor", "--uninstall", "--json").told["state"] == "removed"
    assert machine.install("cursor", "--uninstall", "--json").told["state"] == "absent"


def test_alone_it_lists_the_clients_that_are_here_and_what_each_has(machine: Any) -> None:
    assert "No client was found" in machine.install().out
    machine.install("cursor", "--sandbox", "--name", "my-pica")
    machine.write("windsurf", json.dumps({"mcpServers": {"Pica": OFFICIAL, "x": {"command": "y"}}}))
    machine.write("gemini", "{")
    machine.install("vscode", "--sandbox", "--scope", "project")
    (machine.home / ".kiro").mkdir()
    rows = {(row["client"], row["scope"]): row for row in machine.install("--json").told}
    assert {place: row["entries"] for place, row in rows.items()} == {
        ("cursor", "user"): [{"name": "my-pica", "is": "ours", "about": ["sandbox"]}],
        ("windsurf", "user"): [{"name": "Pica", "is": "official", "about": []}],
        ("vscode", "project"): [{"name": "pica", "is": "ours", "about": ["sandbox"]}],
        ("gemini", "user"): [],
        ("kiro", "user"): [],
    }
    assert "line 1" in rows["gemini", "user"]["problem"]
    listed = machine.install()
    assert "my-pica: pica-mcp" in listed.out
    assert SECRET not in listed.out


def test_the_users_own_file_is_no_projects_file_in_their_home(machine: Any) -> None:
    machine.install("cursor", "--sandbox")
    machine.project = machine.home
    assert [row["scope"] for row in machine.install("--json").told] == ["user"]


# Another server's entry


def test_another_servers_entry_is_refused_and_told_without_its_arguments(machine: Any) -> None:
    machine.write("cursor", json.dumps({"mcpServers": {"pica": {"command": "/x/docker", "args": ["-e", "K=ghp_x"]}}}))
    before = machine.files()
    with pytest.raises(InvalidSettings, match=r"another server, started by docker.*--replace") as refused:
        machine.install("cursor", "--sandbox")
    assert "ghp_x" not in str(refused.value)
    with pytest.raises(InvalidSettings, match="not this program's"):
        machine.install("cursor", "--uninstall")
    assert machine.files() == before
    done = machine.install("cursor", "--sandbox", "--replace")
    assert pica(machine, "cursor").args == ("--sandbox",)
    assert "ghp_x" not in done.out


@pytest.mark.parametrize("there", [None, 7, "x", [], {}, {"args": ["x"]}])
def test_what_is_no_entry_at_all_is_not_replaced_unasked(machine: Any, there: Any) -> None:
    machine.write("cursor", json.dumps({"mcpServers": {"pica": there}}))
    with pytest.raises(InvalidSettings, match="--replace"):
        machine.install("cursor", "--sandbox")
    machine.install("cursor", "--sandbox", "--replace")
    assert kind_of(pica(machine, "cursor")) == "ours"


def test_the_official_servers_settings_are_kept_and_its_key_leaves_the_file(machine: Any) -> None:
    path = machine.write("cursor", json.dumps({"mcpServers": {"pica": OFFICIAL}}, indent=2))
    with pytest.raises(InvalidSettings, match="Pica's official server, started by npx"):
        machine.install("cursor")
    done = machine.install("cursor", "--replace", "--permissions", "write")
    file = machine.home / ".config/pica-mcp/secret"
    settings = {"PICA_IDENTITY": "ada", "PICA_PERMISSIONS": "write"}
    assert pica(machine, "cursor").env == {**settings, "PICA_SECRET_FILE": str(file)}
    assert file.read_text(encoding="utf-8").strip() == SECRET
    assert "The file held the key in plain text" in done.out
    assert "whose settings it keeps: PICA_IDENTITY, PICA_PERMISSIONS" in done.out
    assert SECRET not in path.read_text(encoding="utf-8") + done.out + done.err


def test_a_container_of_the_official_server_gives_its_settings_too(machine: Any) -> None:
    args = ["run", "-i", "-e", f"PICA_SECRET={SECRET}", "--env=PICA_IDENTITY=ada", "mcp/pica"]
    machine.write("kiro", json.dumps({"mcpServers": {"pica": {"command": "docker", "args": args}}}))
    done = machine.install("kiro", "--replace")
    assert pica(machine, "kiro").env["PICA_IDENTITY"] == "ada"
    assert (machine.home / ".config/pica-mcp/secret").read_text(encoding="utf-8").strip() == SECRET
    assert SECRET not in done.out


def test_an_empty_list_of_the_official_server_means_everything_there_and_is_not_guessed_at(machine: Any) -> None:
    env = {"PICA_SECRET": SECRET, "PICA_CONNECTION_KEYS": ""}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": {**OFFICIAL, "env": env}}}))
    before = machine.files()
    with pytest.raises(InvalidSettings, match=r"PICA_CONNECTION_KEYS is set but empty.*as a flag"):
        machine.install("cursor", "--replace")
    assert machine.files() == before
    machine.install("cursor", "--replace", "--connection-keys", "*")
    assert pica(machine, "cursor").env["PICA_CONNECTION_KEYS"] == "*"


# An entry of ours


def test_what_an_entry_was_set_to_holds_on_unless_it_is_set_anew(machine: Any) -> None:
    machine.install("cursor", "--identity", "ada", "--permissions", "read", PICA_SECRET=SECRET)
    machine.install("cursor", "--permissions", "write")
    env = pica(machine, "cursor").env
    assert (env["PICA_IDENTITY"], env["PICA_PERMISSIONS"]) == ("ada", "write")
    assert env["PICA_SECRET_FILE"] == str(machine.home / ".config/pica-mcp/secret")


def test_flags_of_an_entry_that_somebody_wrote_by_hand_hold_on(machine: Any) -> None:
    args = ["pica-mcp", "--permissions", "read", "--platforms=gmail"]
    entry = {"command": "uvx", "args": args, "env": {"PICA_SECRET": SECRET, "HTTPS_PROXY": "http://u:p@proxy"}}
    path = machine.write("claude-desktop", json.dumps({"mcpServers": {"pica": {**entry, "disabled": False}}}))
    done = machine.install("claude-desktop")
    after = pica(machine, "claude-desktop")
    assert after.args == ()
    assert {"PICA_PERMISSIONS": "read", "PICA_PLATFORMS": "gmail", "HTTPS_PROXY": "http://u:p@proxy"}.items() <= (
        after.env.items()
    )
    assert json.loads(path.read_text(encoding="utf-8"))["mcpServers"]["pica"]["disabled"] is False
    assert SECRET not in path.read_text(encoding="utf-8")
    assert "u:p@proxy" not in done.out


def test_what_people_have_added_to_an_entry_stays(machine: Any) -> None:
    text = TOML + '\n[mcp_servers.pica]\ncommand = "/old/pica-mcp"\nstartup_timeout_sec = 90\n'
    text += 'env_vars = ["HTTPS_PROXY", "PICA_SECRET"]\n'
    text += '[mcp_servers.pica.tools.gmail_delete_message]\napproval_mode = "prompt"\n'
    machine.write("codex", text)
    machine.install("codex", "--sandbox")
    entry = form_of(CLIENTS[5]).read(machine.file("codex").read_text(encoding="utf-8"))["mcp_servers"]["pica"]
    assert (entry["startup_timeout_sec"], entry["tool_timeout_sec"]) == (90, 120)
    assert entry["tools"] == {"gmail_delete_message": {"approval_mode": "prompt"}}
    assert (entry["args"], entry.get("env_vars")) == (["--sandbox"], ["HTTPS_PROXY", "PICA_SECRET"])
    machine.write("codex", text)
    machine.install("codex")
    assert pica(machine, "codex").passed == ("HTTPS_PROXY", "PICA_SECRET")


def test_an_entry_that_is_switched_off_stays_so_and_that_is_told(machine: Any) -> None:
    path = machine.write("cursor", json.dumps({"mcpServers": {"pica": {"command": "pica-mcp", "disabled": True}}}))
    told = machine.install("cursor", "--sandbox").out
    assert json.loads(path.read_text(encoding="utf-8"))["mcpServers"]["pica"]["disabled"] is True
    assert "Switch the entry on in Cursor, where it is off, then ask it" in told
    assert "Restart" not in told


def test_two_entries_stand_side_by_side_with_a_key_each(machine: Any) -> None:
    machine.install("cursor", PICA_SECRET=SECRET)
    machine.install("cursor", "--name", "work", PICA_SECRET="sk_live_1_work_key")
    found = entries("cursor", machine.file("cursor"))
    files = [Path(found[name].env["PICA_SECRET_FILE"]).read_text(encoding="utf-8") for name in ("pica", "work")]
    assert files == [f"{SECRET}\n", "sk_live_1_work_key\n"]
    machine.install("cursor", "--uninstall")
    assert list(entries("cursor", machine.file("cursor"))) == ["work"]


# Settings


def test_settings_come_from_flags_then_from_the_environment_and_paths_are_made_full(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.project)
    (machine.project / "pica.toml").write_text('platforms = ["gmail"]\n')
    variables = {"PICA_IDENTITY": "bob", "PICA_MAX_TOOLS": "12", "PICA_AUDIT": "./log.jsonl"}
    words = ("--identity", "ada", "--config", "pica.toml", "--sandbox")
    machine.install("claude-code", *words, **variables)
    assert pica(machine, "claude-code").env == {
        "PICA_IDENTITY": "ada",
        "PICA_MAX_TOOLS": "12",
        "PICA_AUDIT": str(machine.project / "log.jsonl"),
        "PICA_CONFIG": str(machine.project / "pica.toml"),
    }


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["cursor", "--permissions", "all"], "--permissions is 'all'"),
        (["cursor", "--config", "/nowhere.toml"], "nowhere.toml"),
        (["cursor", "--audit", "sdterr"], "--audit is 'sdterr', but must be stderr, off, or the path"),
        (["cursor", "--name", "a b"], "--name is 'a b'"),
        (["gemini", "--name", "a_b"], "Gemini CLI would not take"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(machine: Any, words: list[str], problem: str) -> None:
    before = machine.files()
    with pytest.raises(InvalidSettings, match=problem):
        machine.install(*words, PICA_SECRET=SECRET)
    assert machine.files() == before


def test_a_misspelt_word_is_no_path_when_the_entry_is_only_printed_either(machine: Any) -> None:
    with pytest.raises(InvalidSettings, match="PICA_AUDIT is 'sdterr'"):
        machine.install("cursor", "--print", PICA_AUDIT="sdterr")
    assert '"PICA_AUDIT": "off"' in machine.install("cursor", "--print", PICA_AUDIT="off").out


def test_a_record_where_no_file_can_be_is_told(machine: Any) -> None:
    entry = {"command": "pica-mcp", "env": {"PICA_AUDIT": "./b"}, "cwd": "/a\0"}
    machine.write("cursor", json.dumps({"mcpServers": {"pica": entry}}))
    with pytest.raises(InvalidSettings, match=r"PICA_AUDIT is .*, but must be stderr, off, or the path"):
        machine.install("cursor", "--sandbox")


def test_a_client_that_nobody_knows_is_an_argument_that_is_wrong(machine: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        machine.install("curser", "--sandbox")


# The secret


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_way_of_the_secret_is_the_clients_own(machine: Any, client: Client) -> None:
    machine.install(client.name, PICA_SECRET=SECRET)
    entry = pica(machine, client.name)
    told = {name: value for name, value in entry.env.items() if name.startswith("PICA_SECRET")}
    if client.name == "vscode":
        assert told == {"PICA_SECRET": "${input:pica_secret}"}
    elif client.is_desktop:
        assert told == {"PICA_SECRET_FILE": str(machine.home / ".config/pica-mcp/secret")}
    else:
        assert (told, entry.passed) == ({}, ("PICA_SECRET",))


def test_a_projects_file_refers_to_everybodys_own_environment(machine: Any) -> None:
    done = machine.install("cursor", "--scope", "project", PICA_SECRET=SECRET)
    assert pica(machine, "cursor", "project").passed == ("PICA_SECRET",)
    assert "may be shared" in done.out
    assert not (machine.home / ".config").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_private_file_is_its_owners_alone(machine: Any) -> None:
    machine.install("cursor", PICA_SECRET=SECRET)
    file = machine.home / ".config/pica-mcp/secret"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)] == [0o600, 0o700]


def test_another_key_is_not_replaced_unasked(machine: Any) -> None:
    machine.install("cursor", PICA_SECRET=SECRET)
    before = machine.files()
    with pytest.raises(InvalidSettings, match="There is another key in the file"):
        machine.install("windsurf", PICA_SECRET="sk_live_1_another")
    assert machine.files() == before
    with pytest.raises(InvalidSettings, match="There is another key in the file"):
        machine.install("cursor", PICA_SECRET="sk_live_1_another")
    machine.install("windsurf", "--replace", PICA_SECRET="sk_live_1_another")
    file = machine.home / ".config/pica-mcp/secret"
    assert file.read_text(encoding="utf-8") == "sk_live_1_another\n"


def test_a_private_file_that_holds_something_else_is_not_replaced_unasked(machine: Any) -> None:
    file = machine.home / ".config/pica-mcp/secret"
    file.parent.mkdir(parents=True)
    file.write_text("my diary")
    for variables in ({}, {"PICA_SECRET": SECRET}):
        with pytest.raises(InvalidSettings, match="or something else"):
            machine.install("cursor", **variables)
    assert file.read_text() == "my diary"


def test_a_private_file_that_cannot_be_written_is_told_and_nothing_is_installed(machine: Any) -> None:
    (machine.home / ".config").touch()
    before = machine.files()
    with pytest.raises(SecretUnavailable, match="The key cannot be written"):
        machine.install("cursor", PICA_SECRET=SECRET)
    assert machine.files() == before


def test_the_next_client_needs_no_key_any_more(machine: Any) -> None:
    machine.install("cursor", PICA_SECRET=SECRET)
    assert "as before" in machine.install("windsurf").out


def test_without_a_key_and_without_a_terminal_the_ways_are_told(machine: Any) -> None:
    before = machine.files()
    with pytest.raises(InvalidSettings, match=r"no key to put into.*PICA_SECRET.*--sandbox"):
        machine.install("cursor")
    assert machine.files() == before


def test_a_person_at_a_terminal_is_asked_for_the_key(machine: Any) -> None:
    prompts: list[str] = []
    answers = iter([f" {SECRET}\n", "no"])

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(answers)

    machine.ask = ask
    done = machine.install("cursor")
    assert (machine.home / ".config/pica-mcp/secret").read_text(encoding="utf-8") == f"{SECRET}\n"
    assert SECRET not in done.out + done.err
    with pytest.raises(InvalidSettings, match="That is no API key"):
        machine.install("cursor", "--name", "other")
    assert all("https://app.picaos.com/settings/api-keys" in prompt for prompt in prompts)


def test_a_person_who_gives_no_key_gets_no_entry(machine: Any) -> None:
    def leave(prompt: str) -> str:
        raise EOFError

    def press_enter(prompt: str) -> str:
        assert prompt
        return ""

    before = machine.files()
    for machine.ask in (leave, press_enter):
        with pytest.raises(InvalidSettings, match=r"Nothing was typed\. Copy a key"):
            machine.install("cursor")
    assert machine.files() == before


@pytest.mark.parametrize(
    ("variable", "value"), [("PICA_SECRET_COMMAND", "op read op://x/y"), ("PICA_SECRET_KEYRING", "mine/me")]
)
def test_another_source_of_the_secret_is_passed_on_as_it_is(machine: Any, variable: str, value: str) -> None:
    done = machine.install("claude-desktop", **{variable: value})
    assert pica(machine, "claude-desktop").env == {variable: value}
    assert "op://x/y" not in done.out
    machine.install("claude-desktop", "--identity", "ada")
    assert pica(machine, "claude-desktop").env == {variable: value, "PICA_IDENTITY": "ada"}


def test_a_key_is_moved_from_where_it_is_to_where_it_is_wanted(machine: Any) -> None:
    (machine.home / "key").write_text(SECRET)
    machine.install("codex", "--secret", "file", PICA_SECRET_FILE=str(machine.home / "key"))
    file = machine.home / ".config/pica-mcp/secret"
    assert pica(machine, "codex").env == {"PICA_SECRET_FILE": str(file)}
    assert file.read_text(encoding="utf-8") == f"{SECRET}\n"


def test_a_settings_file_that_says_where_the_secret_is_is_enough(machine: Any) -> None:
    config = machine.project / "pica.toml"
    config.write_text('secret_keyring = "mine/me"\n')
    machine.install("cursor", "--config", str(config))
    assert pica(machine, "cursor").env == {"PICA_CONFIG": str(config)}


@pytest.mark.parametrize(
    ("client", "way", "reason"),
    [
        ("claude-desktop", "env", "cannot refer to variables.*keyring or file"),
        ("cursor", "prompt", "Cursor asks nobody.*keyring or file or env"),
    ],
)
def test_a_way_that_the_client_has_not_is_refused_with_the_reason(
    machine: Any, client: str, way: str, reason: str
) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        machine.install(client, "--secret", way, PICA_SECRET=SECRET)


def test_a_variable_that_is_not_set_is_told_where_the_entry_refers_to_it(machine: Any) -> None:
    told = machine.install("codex").out
    assert "The key comes from PICA_SECRET in the environment that Codex is started in; it is not set here." in told
    assert told.count("PICA_SECRET in the environment") == told.count("not set here") == 1
    assert "not set here" not in machine.install("gemini", PICA_SECRET=SECRET).out


def test_a_client_that_is_not_here_is_told_of(machine: Any) -> None:
    said = "Cursor was not found on this machine"
    assert said not in machine.install("cursor", "--scope", "project", "--sandbox").out
    for words in (["--dry-run"], []):
        assert said in machine.install("cursor", "--sandbox", *words).out
    assert said not in machine.install("cursor", "--sandbox").out
    (machine.home / ".kiro").mkdir()
    assert "not found" not in machine.install("kiro", "--sandbox").out


class Ring:
    """What the package keyring is to its users, with a keyring in memory."""

    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        package: Any = ModuleType("keyring")
        package.get_keyring = lambda: self
        package.get_password = lambda service, username: self.kept.get((service, username))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        package.set_password = lambda service, username, key: self.kept.update({(service, username): key})  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        monkeypatch.setitem(sys.modules, "keyring", package)


@pytest.mark.parametrize("client", ["cursor", "claude-desktop", "codex"])
def test_a_keyring_takes_the_key_where_there_is_one(
    machine_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    machine, ring = machine_of("darwin"), Ring()
    ring.use(monkeypatch)
    done = machine.install(client, PICA_SECRET=SECRET)
    assert ring.kept == {("pica-mcp", "pica"): SECRET}
    assert pica(machine, client).env == {"PICA_SECRET_KEYRING": "pica-mcp/pica"}
    installed = machine.files()
    machine.install(client)
    assert machine.files() == installed
    gone = machine.install(client, "--uninstall")
    assert "still in the system's keyring, as pica-mcp/pica" in gone.out
    assert ring.kept == {("pica-mcp", "pica"): SECRET}
    assert SECRET not in done.out + gone.out


def test_a_linux_keyring_is_used_if_a_clients_child_can_reach_it_tomorrow_too(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ring().use(monkeypatch)
    machine.install("cursor", PICA_SECRET=SECRET, DBUS_SESSION_BUS_ADDRESS="unix:abstract=/tmp/dbus-xyz")
    assert list(pica(machine, "cursor").env) == ["PICA_SECRET_FILE"]
    bus = "unix:path=/run/user/1000/bus"
    machine.install("kiro", PICA_SECRET=SECRET, DBUS_SESSION_BUS_ADDRESS=bus)
    wanted = {"PICA_SECRET_KEYRING": "pica-mcp/pica", "DBUS_SESSION_BUS_ADDRESS": bus}
    assert pica(machine, "kiro").env == wanted


def test_a_keyring_that_refuses_is_told_by_the_kind_of_its_error_only(
    machine_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(service: str, username: str, key: str) -> None:
        raise PermissionError(key)

    machine = machine_of("darwin")
    Ring().use(monkeypatch)
    monkeypatch.setattr(sys.modules["keyring"], "set_password", refuse)
    before = machine.files()
    with pytest.raises(SecretUnavailable, match="put into the keyring: PermissionError") as refused:
        machine.install("cursor", PICA_SECRET=SECRET)
    assert SECRET not in str(refused.value)
    assert machine.files() == before


def test_a_keyring_that_nothing_can_be_put_into_is_told_before_anybody_is_asked(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(prompt: str) -> str:
        raise AssertionError(prompt)

    machine.ask, ring = ask, Ring()
    ring.priority = 0
    for use in (lambda: None, lambda: ring.use(monkeypatch)):  # without the package, and with it
        use()
        with pytest.raises(InvalidSettings, match=r"There is no keyring .* Use --secret file\."):
            machine.install("cursor", "--secret", "keyring")


@pytest.mark.parametrize("priority", [0, 0.5])
def test_a_keyring_that_is_a_plain_file_or_none_at_all_is_not_used(
    machine_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, priority: float
) -> None:
    machine, ring = machine_of("darwin"), Ring()
    ring.priority = priority
    ring.use(monkeypatch)
    machine.install("cursor", PICA_SECRET=SECRET)
    assert ring.kept == {}


# VS Code asks for the key itself


def test_an_input_that_another_server_uses_stays_when_ours_goes(machine: Any) -> None:
    machine.install("vscode", PICA_SECRET=SECRET)
    path = machine.file("vscode")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["servers"]["x"] = {"command": "x", "env": {"K": "${input:pica_secret}"}}
    path.write_text(json.dumps(document))
    machine.install("vscode", "--uninstall")
    assert [one["id"] for one in json.loads(path.read_text(encoding="utf-8"))["inputs"]] == ["pica_secret"]


def test_an_input_of_that_name_which_is_there_already_is_used(machine: Any) -> None:
    theirs = {"id": "pica_secret", "type": "promptString", "description": "theirs"}
    path = machine.write("vscode", json.dumps({"inputs": [theirs]}))
    machine.install("vscode")
    assert json.loads(path.read_text(encoding="utf-8"))["inputs"] == [theirs]
    machine.install("vscode", "--uninstall")
    assert json.loads(path.read_text(encoding="utf-8")) == {"inputs": [theirs]}


# How the program is started


def test_a_program_without_a_script_of_its_own_is_run_as_a_module(machine: Any) -> None:
    (machine.home / "venv/bin/pica-mcp").unlink()
    machine.install("cursor", "--sandbox")
    entry = pica(machine, "cursor")
    assert (entry.command, entry.args) == (machine.python, ("-P", "-m", "pica_mcp", "--sandbox"))


def test_npms_server_of_the_same_name_is_never_taken_for_this_program(machine: Any) -> None:
    (machine.home / "venv/bin/pica-mcp").write_text("#!/usr/bin/env node\n")
    machine.install("cursor", "--sandbox")
    assert pica(machine, "cursor").command == machine.python


def test_a_program_in_uvs_cache_is_run_by_uvx(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.python = str(machine.home / ".cache/uv/archive-v0/abc/bin/python")
    with pytest.raises(InvalidSettings, match="where uvx is"):
        machine.install("cursor", "--sandbox")
    uvx = machine.home / "bin" / ("uvx.exe" if sys.platform == "win32" else "uvx")
    uvx.parent.mkdir()
    uvx.touch(mode=0o755)
    machine.install("cursor", "--sandbox", PATH=str(uvx.parent))
    entry = pica(machine, "cursor")
    assert (Path(entry.command), entry.args) == (uvx, ("pica-mcp", "--sandbox"))
    Ring().use(monkeypatch)
    machine.install("kiro", "--secret", "keyring", PICA_SECRET=SECRET, PATH=str(uvx.parent))
    assert pica(machine, "kiro").args == ("--from", "pica-mcp[keyring]", "pica-mcp")


def test_uvx_is_never_taken_from_the_project_that_a_person_is_in(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.python = str(machine.home / ".cache/uv/archive-v0/abc/bin/python")
    name = "uvx.exe" if sys.platform == "win32" else "uvx"
    theirs, mine = machine.project / "bin" / name, machine.home / "bin" / name
    for uvx in (theirs, mine):
        uvx.parent.mkdir()
        uvx.touch(mode=0o755)
    monkeypatch.chdir(theirs.parent)
    in_project = os.pathsep.join(["", ".", str(theirs.parent), f"{machine.home}/../project/bin"])
    with pytest.raises(InvalidSettings, match="where uvx is"):
        machine.install("cursor", "--sandbox", PATH=in_project)
    machine.install("cursor", "--sandbox", PATH=os.pathsep.join([in_project, str(mine.parent)]))
    assert Path(pica(machine, "cursor").command) == mine
    machine.project = machine.home
    machine.install("kiro", "--sandbox", PATH=str(mine.parent))
    assert Path(pica(machine, "kiro").command) == mine, "a person's home is no project"


# Anybody's files


HOSTILE = [
    "[]",
    "null",
    '"x"',
    '{"mcpServers": [], "servers": 1}',
    '{"mcpServers": {"pica": [[[]]]}, "servers": {"pica": "\\u001b[2J"}}',
    '{"mcpServers": {"pica": {"command": {}, "env": [1], "args": {"a": 1}}}}',
    "[" * 100_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    '{"mcpServers": {"pica": {"command": "\\ud800", "args": ["\\u202e"]}}}',
    '{"inputs": [[]], "servers": {"pica": {"command": "pica-mcp", "env": {"PICA_SECRET": "${input:pica_secret}"}}}}',
    '{"mcpServers": {"pica": {"command": "pica-mcp", "env": {"PICA_IDENTITY": "\\u001b[2J"}}}}',
    "x = " + "[" * 20_000,
    'mcp_servers = "x"',
    "[mcp_servers]\npica = { command = 'npx', env = { A = 1 } }\n",
    "\x00",
    "9" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
@pytest.mark.parametrize("client", ["cursor", "vscode", "codex"])
def test_a_file_that_means_harm_is_refused_or_edited_and_never_breaks_anything(
    machine: Any, client: str, text: str
) -> None:
    machine.write(client, text)
    for words in (["--json"], [client, "--sandbox"], [client, "--sandbox", "--replace"], [client, "--uninstall"]):
        try:
            told = machine.install(*words).out
        except PicaError as error:
            told = str(error)
        assert "\x1b" not in told


def test_a_file_that_is_too_large_or_no_file_is_refused(machine: Any) -> None:
    path = machine.write("cursor", " " * (11 * 1024 * 1024))
    with pytest.raises(OperatorError, match="larger than"):
        machine.install("cursor", "--sandbox")
    path.unlink()
    path.mkdir()
    with pytest.raises(OperatorError, match="not a file"):
        machine.install("cursor", "--sandbox")
    assert "not a file" in machine.install("--json").out
