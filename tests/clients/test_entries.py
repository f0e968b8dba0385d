"""What an entry looks like in each client's file, and what the client makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.clients import CLIENTS, Client, Machine, find
from pica_mcp.clients.entries import (
    Entry,
    asked,
    entries_of,
    environment,
    form_of,
    kind_of,
    missing,
    text_of,
    unread,
    value_of,
)

ENTRY = Entry("/bin/pica-mcp", ("--sandbox",), {"PICA_IDENTITY": "ada"})
NAMES = [client.name for client in CLIENTS]


def named(name: str) -> Client:
    client = find(name)
    assert client
    return client


def machine(system: str) -> Machine:
    return Machine(system, SHELL, Path())


def read_back(client: Client, text: str) -> Mapping[str, Entry]:
    return entries_of(client, form_of(client).read(text))


@pytest.mark.parametrize("client", CLIENTS, ids=NAMES)
def test_an_entry_reads_back_as_it_was_written(client: Client) -> None:
    for passed in ((), ("PICA_SECRET",)) if client.can_refer else ((),):
        entry = Entry(ENTRY.command, ENTRY.args, ENTRY.env, passed)
        assert read_back(client, text_of(client, entry, "my-pica")) == {"my-pica": entry}


def test_a_number_that_nobody_can_write_out_is_left_out() -> None:
    text = f'[mcp_servers.pica]\ncommand = "pica-mcp"\n[mcp_servers.pica.env]\nX = 0x{"f" * 5000}\nY = 7\nZ = 1.5\n'
    assert read_back(named("codex"), text)["pica"].env == {"Y": "7", "Z": "1.5"}


PLAIN: Mapping[str, Any] = {"command": "/bin/pica-mcp", "args": [], "env": {"PICA_IDENTITY": "ada"}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", {**PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "${env:PICA_SECRET}"}}),
        ("windsurf", {**PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "${env:PICA_SECRET}"}}),
        ("kiro", {**PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "${PICA_SECRET}"}}),
        ("gemini", {**PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "$PICA_SECRET"}}),
        ("claude-code", {"type": "stdio", **PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "${PICA_SECRET}"}}),
        ("vscode", {"type": "stdio", **PLAIN, "env": {"PICA_IDENTITY": "ada", "PICA_SECRET": "${env:PICA_SECRET}"}}),
        ("codex", {**PLAIN, "env_vars": ["PICA_SECRET"], "startup_timeout_sec": 60, "tool_timeout_sec": 120}),
    ],
)
def test_each_client_refers_to_a_variable_in_its_own_words(name: str, value: Mapping[str, Any]) -> None:
    entry = Entry("/bin/pica-mcp", env={"PICA_IDENTITY": "ada"}, passed=("PICA_SECRET",))
    assert value_of(named(name), entry) == value


@pytest.mark.parametrize(
    ("kind", "command", "args"),
    [
        ("ours", "/home/ada/.venv/bin/pica-mcp", []),
        ("ours", r"C:\Users\ada\.venv\Scripts\pica-mcp.EXE", []),
        ("ours", "/usr/bin/python3", ["-m", "pica_mcp", "serve"]),
        ("ours", "uvx", ["pica-mcp"]),
        ("ours", "/x/uvx", ["--from", "pica-mcp[keyring]", "pica-mcp"]),
        ("ours", "uvx.exe", ["pica-mcp==0.1.0"]),
        ("official", "npx", ["-y", "@picahq/mcp"]),
        ("official", "npx", ["@picahq/mcp@2.1.3"]),
        ("official", "npx", ["-y", "@picahq/pica-mcp"]),
        ("official", "cmd", ["/c", "npx", "-y", "@picahq/mcp"]),
        ("other", "uvx", ["mcp-server-fetch"]),
        ("other", "npx", ["-y", "pica-mcp-something"]),
        ("other", "", []),
    ],
)
def test_whose_server_it_is_is_told_by_how_it_is_started(kind: str, command: str, args: list[str]) -> None:
    assert kind_of(Entry(command, tuple(args))) == kind


@pytest.mark.parametrize(
    ("known", "command"),
    [
        (True, "/home/ada/.venv/bin/pica-mcp --sandbox"),
        (True, r"C:\Scripts\python.exe -P -m pica_mcp"),
        (True, "uv --directory /x run /x/python3.12 -m pica_mcp"),
        (True, "uvx --from pica-mcp[keyring] pica-mcp"),
        (True, "npx.cmd -y @picahq/mcp@2.1.3"),
        (True, "cmd /C npx @picahq/mcp"),
        (True, "docker run -i --rm -e PICA_SECRET --network host mcp/pica"),
        (True, "node --no-warnings /x/node_modules/@picahq/mcp/build/index.js"),
        (True, "pica-mcp --config /x/PICA_CONFIG.toml"),
        (False, "dotenv -f /x/.env run python -m pica_mcp"),
        (False, "infisical run -- python -m pica_mcp"),
        (False, "npx -y dotenv-cli -e .env -- npx @picahq/mcp"),
        (False, "npx -c @picahq/mcp"),
        (False, "npx --call @picahq/mcp"),
        (False, "cmd /C @picahq/mcp"),
        (False, "sh -c @picahq/mcp"),
        (False, "env -S @picahq/mcp"),
        (False, "uvx --from pica-mcp dotenv run pica-mcp"),
        (False, "python wrapper.py -m pica_mcp"),
        (False, "node -r ./x.js /x/@picahq/mcp/index.js"),
        (False, "node --require=./x.js /x/@picahq/mcp/index.js"),
        (False, "npx --node-options=--require=./x.js @picahq/mcp"),
        (False, "node --import=./x.js /x/@picahq/mcp/index.js"),
        (False, "node --env-file-if-exists=.env /x/@picahq/mcp/index.js"),
        (False, "uv run --env-file=/x/p.env pica-mcp"),
        (False, "uv run --env-file /x/p.env python -m pica_mcp"),
        (False, "docker run -e PICA_PERMISSIONS=read python -m pica_mcp"),
        (False, "docker run -ePICA_PERMISSIONS python -m pica_mcp"),
    ],
)
def test_an_entrys_settings_are_known_only_where_a_mere_launcher_stands_before_the_server(
    command: str, *, known: bool
) -> None:
    program, *args = command.split()
    entry = Entry(program, tuple(args))
    assert kind_of(entry) != "other"
    assert (unread(entry) == "") is known


@pytest.mark.parametrize("entry", [{"env": {"UV_ENV_FILE": "/x.env"}}, {"env_vars": ["UV_ENV_FILE"]}])
def test_variables_of_a_file_that_uv_reads_are_not_known(entry: dict[str, Any]) -> None:
    document = {"mcp_servers": {"pica": {"command": "uv", "args": ["run", "pica-mcp"], **entry}}}
    assert "from a file" in unread(entries_of(named("codex"), document)["pica"])


def test_what_is_told_of_a_file_of_variables_is_bounded_and_harmless() -> None:
    why = unread(Entry("pica-mcp", env_file="\x1b[2J" + "x" * 500))
    assert "its variables are in the file" in why
    assert len(why) < 200
    assert "\x1b" not in why


# What a client starts it with

SHELL: Mapping[str, str] = {
    "PATH": "/opt/bin:/usr/bin",
    "HOME": "/home/ada",
    "PICA_SECRET": "its-key",
    "OTHER": "x",
    "TOKEN": "t",
}


@pytest.mark.parametrize("name", ["cursor", "windsurf", "claude-desktop", "vscode", "kiro"])
def test_a_desktop_program_gives_a_short_path_and_no_variables_of_a_shell(name: str) -> None:
    given = environment(named(name), ENTRY, machine("darwin"))
    assert given == {"HOME": "/home/ada", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PICA_IDENTITY": "ada"}


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini"])
def test_a_program_of_a_terminal_gives_the_shells_path(name: str) -> None:
    assert environment(named(name), ENTRY, machine("linux"))["PATH"] == SHELL["PATH"]


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("cursor", "a ${env:TOKEN} b", "a t b"),
        ("cursor", "${TOKEN} $TOKEN ${userHome}", "${TOKEN} $TOKEN ${userHome}"),
        ("claude-code", "${TOKEN}${NONE:-d}", "td"),
        ("claude-code", "${a:-${TOKEN}", "${a:-t"),  # what stands for it reaches no further, or reading takes for ever
        ("claude-code", "$TOKEN ${env:TOKEN}", "$TOKEN ${env:TOKEN}"),
        ("gemini", "$TOKEN ${TOKEN} $NONE", "t t "),
        ("kiro", "${TOKEN}", "t"),
        ("vscode", "${env:TOKEN} ${input:key}", "t typed"),
        ("claude-desktop", "${TOKEN} ${env:TOKEN} $TOKEN", "${TOKEN} ${env:TOKEN} $TOKEN"),
        ("codex", "${TOKEN}", "${TOKEN}"),
    ],
)
def test_a_reference_is_resolved_where_the_client_resolves_it(name: str, written: str, meant: str) -> None:
    entry = Entry("x", env={"X": written})
    assert environment(named(name), entry, machine("linux"), {"key": "typed"})["X"] == meant


def test_a_variable_that_the_client_does_not_have_is_missing() -> None:
    entry = Entry("x", env={"X": "${NONE} ${TOKEN} ${ELSE:-y}"}, passed=("PICA_SECRET", "GONE"))
    assert missing(named("claude-code"), entry, SHELL) == ("GONE", "NONE")
    assert missing(named("claude-desktop"), Entry("x", env={"X": "${NONE}"}), SHELL) == ()


def test_what_a_person_is_asked_for_is_told() -> None:
    entry = Entry("x", env={"X": "${input:a}", "Y": "${input:b} ${input:a}"})
    assert asked(named("vscode"), entry) == ("a", "b")
    assert asked(named("cursor"), entry) == ()


# Files are written by anybody


def test_an_entry_of_another_make_is_read_as_far_as_it_goes() -> None:
    document: Mapping[str, Any] = {
        "mcpServers": {
            "remote": {"url": "https://x.example/mcp"},
            "other": {"serverUrl": "https://y.example"},
            "off": {"command": "x", "disabled": True, "cwd": "/p", "env": {"N": 1, "L": [], "B": True}},
            "odd": {"command": ["x"], "args": "--all", "env": "none"},
            "none": None,
            "empty": {},
        }
    }
    found = entries_of(named("cursor"), document)
    assert found == {
        "remote": Entry("", url="https://x.example/mcp"),
        "other": Entry("", url="https://y.example"),
        "off": Entry("x", env={"N": "1", "B": "True"}, folder="/p", is_enabled=False),
        "odd": Entry(""),
    }
    assert (
        entries_of(named("codex"), {"mcp_servers": {"x": {"command": "y", "enabled": False}}})["x"].is_enabled is False
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ("command", "args", "env", "env_vars", "url", "cwd", "disabled", "enabled")
ENTRIES = st.dictionaries(st.sampled_from(FIELDS), JSON)
ENVS = st.dictionaries(st.text(max_size=5), st.text("${}:-envinput_X", max_size=12), max_size=3)


@given(ENTRIES, ENVS, st.sampled_from(CLIENTS))
def test_whatever_a_file_holds_is_read_and_resolved(value: dict[str, Any], env: dict[str, str], client: Client) -> None:
    for document in ({client.key: value}, {client.key: {"pica": {**value, "env": env}}}, {client.key: {"pica": value}}):
        for entry in entries_of(client, document).values():
            assert kind_of(entry) in ("ours", "official", "other")
            assert all(
                isinstance(one, str) for one in environment(client, entry, Machine("linux", {}, Path())).values()
            )
            assert not missing(client, entry, dict.fromkeys(missing(client, entry, {}), ""))
