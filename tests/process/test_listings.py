"""`connections`, `platforms`, `whoami`, `tools` and `audit` as a person runs them, and as a program reads them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from done import Command, Done
from rich.cells import cell_len

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

ASKING = ("connections", "platforms", "whoami", "tools")
LISTINGS = (*ASKING, "audit")
ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[(\d+;)*[349]\d")
SEARCH = "pica-mcp tools lists them; pica-mcp actions finds more."
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f\u202e\u200b]")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no file of whoever runs the tests be found."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sandbox(command: Command) -> Command:
    """Run a command on the embedded sandbox."""
    return lambda *words, **options: command(*words, "--sandbox", **options)


ADA = {"PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user"}


def names(done: Done) -> list[tuple[str, str]]:
    return [(one["platform"], one["connection"]) for one in done.json["connections"]]


# Connections


def test_connections_are_listed_with_what_may_be_used(sandbox: Command) -> None:
    found = sandbox("connections").json
    assert (found["identity"], found["identity_type"], found["environment"]) == ("ada", "user", "live")
    by_name = {(one["platform"], one["connection"]): one for one in found["connections"]}
    assert sorted(by_name) == [
        ("github", "oss"),
        ("gmail", "Personal"),
        ("gmail", "Work"),
        ("slack", "Engines"),
        ("slack", "Old workspace"),
        ("stripe", "Engines billing"),
    ]
    fine, failed = by_name["slack", "Engines"], by_name["slack", "Old workspace"]
    assert (fine["usable"], fine["reason"], fine["why"], fine["default"]) == (True, None, "", True)
    assert (failed["usable"], failed["reason"], failed["state"], failed["default"]) == (
        False,
        "failed",
        "failed",
        False,
    )
    assert failed["why"].startswith("connect it again: in the application")
    assert (by_name["github", "oss"]["tags"], fine["environment"], fine["owner"]) == (["oss"], "live", "ada")
    assert [by_name["gmail", label]["default"] for label in ("Personal", "Work")] == [False, False]


def test_they_are_what_explain_says_of_them(sandbox: Command) -> None:
    settings = ("--connection-names", "Mail=gmail/Work", "--default-connections", "gmail=Mail", "--platforms", "gmail")
    listed = sandbox("connections", *settings).json["connections"]
    links = [
        (view["platform"], link["label"], link["reason"], link["default"], link["why"])
        for view in sandbox("explain", *settings, "--json").json["platforms"]
        for link in view["connections"]
    ]
    told = [(one["platform"], one["connection"], one["reason"], one["default"], one["why"]) for one in listed]
    assert sorted(told) == sorted(links)
    assert ("gmail", "Mail", None, True, "") in told
    assert ("stripe", "Engines billing", "platform_not_allowed", False, "not on PICA_PLATFORMS") in told


def test_a_table_tells_why_and_which_is_the_default(sandbox: Command) -> None:
    done = sandbox("connections", "--table", "--default-connections", "gmail=Work", "--platforms", "gmail,github")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^gmail +Work +operational +yes, by default *$", done.out, re.MULTILINE)
    assert re.search(r"^gmail +Personal +operational +yes *$", done.out, re.MULTILINE)
    assert re.search(r"^github +oss +operational +yes +oss *$", done.out, re.MULTILINE)
    assert re.search(r"^stripe +Engines billing +operational +no: not on", done.out, re.MULTILINE)


def test_keys_are_shown_on_request_only(sandbox: Command) -> None:
    box = Sandbox()
    secrets = [key.split("::")[-1] for key in box.keys("ada")]
    for words in (("connections",), ("platforms",), ("whoami",), ("tools",), ("tools", "gmail_send_email")):
        for form in ("--json", "--table"):
            shown = sandbox(*words, form).out
            assert [key for key in secrets if key in shown] == []
    told = {one["key"] for one in sandbox("connections", "--keys").json["connections"]}
    assert told == set(box.keys("ada"))


def test_a_key_is_never_broken_into_lines(sandbox: Command) -> None:
    done = sandbox("connections", "--keys", "--table", COLUMNS="40")
    assert all(key in (line.strip() for line in done.out.splitlines()) for key in Sandbox().keys("ada"))


def test_a_key_that_was_shown_is_one_that_settings_take(sandbox: Command) -> None:
    (key,) = (one["key"] for one in sandbox("connections", "stripe", "--keys").json["connections"])
    used = [one for one in sandbox("connections", "--connection-keys", key).json["connections"] if one["usable"]]
    assert [(one["platform"], one["connection"]) for one in used] == [("stripe", "Engines billing")]


def test_only_a_platform_is_listed_if_it_is_named(sandbox: Command) -> None:
    assert names(sandbox("connections", " Gmail ")) == [("gmail", "Personal"), ("gmail", "Work")]


def test_what_is_not_connected_says_how_to_connect_it(sandbox: Command) -> None:
    done = sandbox("connections", "notion")
    assert (done.code, json.loads(done.out)["connections"]) == (0, [])
    assert done.err.startswith("notion is not connected for user ada. Connect it: in the application that connects")
    done = sandbox("connections", "--identity", "nobody", "--table")
    assert (done.code, done.out) == (0, "")
    assert "Nothing is connected for identity nobody." in done.err
    assert "--identity" in done.err


def test_a_platform_that_there_is_not_is_exit_code_2_with_those_that_are_like_it(sandbox: Command) -> None:
    done = sandbox("connections", "gmial")
    assert (done.code, done.out) == (2, "")
    assert done.err == "pica-mcp: There is no platform 'gmial'. Did you mean gmail?\n"


def test_of_the_whole_account_each_connections_owner_is_told(serving: Any) -> None:
    with serving(Sandbox()) as command:
        owners = {(one["owner"], one["owner_type"]) for one in command("connections").json["connections"]}
        assert {("ada", "user"), ("growth", "team"), ("apollo", "project"), (None, None)} <= owners
        table = command("connections", "--table", COLUMNS="100").out
        assert re.search(r"^gmail +Growth inbox .* team growth *$", table, re.MULTILINE)
        own = command("connections", PICA_IDENTITY="growth").json["connections"]
        assert {one["owner"] for one in own} == {"growth"}


# Platforms


def test_platforms_tell_what_could_be_connected_and_what_is(sandbox: Command) -> None:
    found = {one["platform"]: one for one in sandbox("platforms").json["platforms"]}
    assert len(found) == 20
    facts = ("title", "category", "state", "connections", "working", "actions")
    assert {one: [found[one][fact] for fact in facts] for one in ("gmail", "slack", "notion")} == {
        "gmail": ["Gmail", "Communication", "connected", 2, 2, 11],
        "slack": ["Slack", "Communication", "connected", 2, 1, 9],
        "notion": ["Notion", "Documents", None, 0, 0, 16],
    }
    table = sandbox("platforms", "--table").out
    assert re.search(r"^slack +Slack +Communication +1 of 2 accounts +9 *$", table, re.MULTILINE)
    assert re.search(r"^notion +Notion +Documents +16 *$", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "platforms"),
    [
        (["google"], ["google-calendar", "google-drive", "google-sheets"]),
        (["Google", "doc"], ["google-sheets"]),
        (["google doc"], ["google-sheets"]),
        (["--connected"], ["github", "gmail", "slack", "stripe"]),
        (["commun", "--connected"], ["gmail", "slack"]),
    ],
)
def test_words_have_to_be_in_the_name_title_or_category(
    sandbox: Command, words: list[str], platforms: list[str]
) -> None:
    assert [one["platform"] for one in sandbox("platforms", *words).json["platforms"]] == platforms


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["notoin"], "There is no platform 'notoin'. Did you mean notion?"),
        (["notion", "--connected"], "Nothing like that is connected for user ada. Connect it: in the application"),
        (["--connected", "--identity=nobody"], "Nothing is connected for identity nobody. Connect it:"),
        (["--platforms=nowhere"], "Pica lists no platform that these settings allow. See PICA_PLATFORMS"),
    ],
)
def test_where_no_platform_fits_it_says_what_to_do(sandbox: Command, words: list[str], said: str) -> None:
    done = sandbox("platforms", *words)
    assert (done.code, json.loads(done.out)) == (0, {"platforms": []})
    assert done.err.startswith(said)


def test_what_the_operators_lists_leave_out_is_told(sandbox: Command) -> None:
    found = {
        one["platform"]: one
        for one in sandbox("platforms", "--connection-keys", "live::gmail::default::0").json["platforms"]
    }
    assert [found["gmail"][fact] for fact in ("state", "connections", "working")] == ["withheld", 2, 0]
    assert (
        "not to be used" in sandbox("platforms", "gmail", "--connection-keys", "live::gmail::default::0", "--table").out
    )
    assert [one["platform"] for one in sandbox("platforms", "--platforms", "gmail").json["platforms"]] == ["gmail"]


# Who am I


def test_whoami_tells_whose_the_secret_is_and_who_is_served(sandbox: Command) -> None:
    found = sandbox("whoami", "--permissions", "read").json
    assert found["user"] == {"name": "Ada", "email": "ada@acme.example", "id": "usr_sandbox_ada"}
    assert (found["organization"]["name"], found["project"]) == ("Acme", None)
    assert (found["environment"], found["pica"], found["permission"]) == ("live", "sandbox", "read")
    assert (found["identity"], found["identity_type"], found["knowledge_only"]) == ("ada", "user", False)
    assert found["secret"] == {"source": "sandbox", "setting": None}
    assert found["connections"] == len(sandbox("connections").json["connections"])
    assert "Connected     nothing\n" in sandbox("whoami", "--table", "--identity", "nobody").out
    text = sandbox("whoami", "--table", "--knowledge-agent", "true").out
    assert "User          Ada, ada@acme.example, usr_sandbox_ada\n" in text
    assert "Serves        user ada, and nobody else\n" in text
    assert "Permission    none: PICA_KNOWLEDGE_AGENT is true\n" in text


def test_whoami_tells_where_the_secret_comes_from_and_never_what_it_is(
    serving: Any, command: Command, tmp_path: Path
) -> None:
    with serving(Sandbox()) as asking:
        assert asking("whoami").json["secret"] == {"source": "environment", "setting": "PICA_SECRET"}
        text = asking("whoami", "--table")
        assert "Secret        accepted; from PICA_SECRET\n" in text.out
        assert "Serves        the whole account\n" in text.out
        assert LIVE_SECRET not in text.out + text.err
        (tmp_path / "secret").write_text(LIVE_SECRET)
        (tmp_path / "pica.toml").write_text('secret_file = "secret"\n'.replace('"secret"', f'"{tmp_path / "secret"}"'))
        base_url = json.loads(asking("whoami").out)["pica"]
        done = command("whoami", "--config", "pica.toml", "--base-url", base_url)
        assert done.json["secret"]["source"] == "file"
        assert LIVE_SECRET not in done.out


def test_a_secret_that_is_refused_is_exit_code_1(serving: Any) -> None:
    with serving(Sandbox()) as command:
        done = command("whoami", PICA_SECRET="sk_live_nobodys")
    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1
    assert "sk_live_nobodys" not in done.err


# Tools


def test_tools_are_those_that_a_client_is_shown(sandbox: Command) -> None:
    found = sandbox("tools").json
    costs = sandbox("tokens", "--json").json
    assert [one["tool"] for one in found["tools"]] == [one["tool"] for one in (*costs["fixed"], *costs["direct"])]
    assert found["complete"] is True
    effects = {one["tool"]: one["effect"] for one in found["tools"]}
    assert [effects[name] for name in ("gmail_list_messages", "gmail_send_email", "slack_delete_message")] == [
        "read",
        "write",
        "destructive",
    ]
    table = sandbox("tools", "--table").out
    assert re.search(r"^gmail_send_email +write +Send Email \(gmail\)\.", table, re.MULTILINE)
    assert "execute_pica_action" not in sandbox("tools", "--permissions", "read", "--table").out


def test_of_one_tool_the_whole_definition_is_shown(sandbox: Command) -> None:
    found = sandbox("tools", "gmail_send_email").json
    assert (found["name"], found["annotations"]["readOnlyHint"]) == ("gmail_send_email", False)
    assert {"connection", "to", "subject", "body"} == set(found["inputSchema"]["required"])
    table = sandbox("tools", "gmail_send_email", "--table").out
    assert table.startswith("gmail_send_email: write\nSend Email\n")
    assert re.search(r"^connection +one of Personal, Work +yes +Which account to use\. *$", table, re.MULTILINE)
    assert re.search(r"^cc +string +Who else gets a copy\. *$", table, re.MULTILINE)


def test_a_tool_that_is_not_listed_is_shown_all_the_same(sandbox: Command) -> None:
    listed = [one["tool"] for one in sandbox("tools").json["tools"]]
    assert "gmail_delete_message" not in listed
    assert sandbox("tools", "gmail_delete_message").json["annotations"]["destructiveHint"] is True
    assert sandbox("tools", "get_pica_result").json["name"] == "get_pica_result"


def test_a_tool_that_there_is_not_is_exit_code_2_with_those_that_are_like_it(sandbox: Command) -> None:
    done = sandbox("tools", "gmail_sent_email")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("pica-mcp: There is no tool named 'gmail_sent_email'. Did you mean gmail_send_email")
    done = sandbox("tools", "zzz")
    assert (done.code, done.err) == (2, f"pica-mcp: There is no tool named 'zzz'. {SEARCH}\n")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
        ({"type": "array"}, "list"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({"enum": list(range(10))}, "one of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"),
        ({"const": 7}, "one of 7"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({}, "any"),
        ({"type": 7, "items": 8, "anyOf": 9}, "7"),
    ],
)
def test_what_an_argument_may_be_is_told_in_words(schema: dict[str, Any], told: str) -> None:
    assert import_module("pica_mcp.cli.tools").kind(schema) == told


# What all of them have in common


def parser_of(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    import_module(f"pica_mcp.cli.{name}").add(parser)
    return parser


@pytest.mark.parametrize("name", LISTINGS)
def test_every_example_of_the_help_runs(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "calls.jsonl").write_text("")
    examples = re.findall(r"^  pica-mcp (.*)$", parser_of(name).epilog or "", re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        assert example.split()[0] == name
        done = command(*dict.fromkeys([*shlex.split(example), "--sandbox"]))
        assert done.code == 0, (example, done.err)
    assert f"  pica-mcp {examples[0]}\n" in command(name, "--help").out


@pytest.mark.parametrize("name", ASKING)
def test_a_table_is_for_terminals_and_json_for_pipes_unless_told(sandbox: Command, name: str) -> None:
    piped, shown = sandbox(name), sandbox(name, terminal=True)
    assert isinstance(piped.json, dict)
    assert re.sub(r"\x1b\[[\d;]*m", "", shown.out) == sandbox(name, "--table").out
    assert sandbox(name, "--json", terminal=True).out == piped.out


@pytest.mark.parametrize("name", ["connections", "platforms", "tools"])
def test_colours_are_for_terminals_that_want_them(sandbox: Command, name: str) -> None:
    assert COLOUR.search(sandbox(name, terminal=True).out)
    assert not COLOUR.search(sandbox(name, terminal=True, NO_COLOR="1").out)
    assert ESCAPE not in sandbox(name, terminal=True, TERM="dumb").out
    assert ESCAPE not in sandbox(name, "--table").out


HOSTILE = f"[red]{ESCAPE}[2J\u202edaolyap [bold]日本語\u200b :smile:\r\n{'x' * 300}"


def hostile() -> Sandbox:
    """A sandbox in which everything that others wrote is meant to do harm."""
    box = Sandbox()
    box.connect("gmail", identity="ada", identity_type="user", name=HOSTILE, tags=(HOSTILE,), state="degraded")
    box.connect("notion", identity=HOSTILE, identity_type="user", name="Wiki")
    box.connect("bazaar", identity="ada", identity_type="user", name="Stall")
    rows = [{"platform": "gmail", "name": HOSTILE, "category": HOSTILE}]
    box.fail("/v1/available-connectors", status=200, body={"rows": rows, "total": 1, "pages": 1, "page": 1}, times=None)
    person = {"id": HOSTILE, "name": HOSTILE, "email": 7}
    box.fail("/v1/users/whoami", status=200, body={"user": person, "organization": [HOSTILE]}, times=None)
    return box


def test_what_others_wrote_is_shown_as_it_is_written_and_does_nothing(serving: Any) -> None:
    with serving(hostile()) as command:
        for words in (("connections", "--keys"), ("platforms",), ("whoami",), ("tools",)):
            identity = ADA if words == ("tools",) else {}
            for columns in ("40", "120"):
                done = command(*words, "--table", COLUMNS=columns, **identity)
                assert (done.code, done.err) == (0, "")
                assert not UNSEEN.search(done.out)
            assert not UNSEEN.search(json.dumps(command(*words, "--json", **identity).json, ensure_ascii=False))
        assert "[red][2Jdaolyap [bold]日本語 :smile:\n" in command("whoami", "--table", COLUMNS="400").out


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_it_fits_the_window_with_wide_characters_too(serving: Any, columns: str) -> None:
    with serving(hostile()) as command:
        for words in (("connections",), ("platforms",), ("whoami",), ("tools",), ("tools", "gmail_send_email")):
            done = command(*words, "--table", COLUMNS=columns, **ADA)
            assert (done.code, done.err) == (0, "")
            assert max(map(cell_len, done.out.splitlines())) <= int(columns)


@pytest.mark.parametrize("name", ["connections", "platforms", "tools"])
def test_what_pica_does_not_tell_is_one_sentence_and_exit_code_1(serving: Any, name: str) -> None:
    box = Sandbox()
    box.fail("/v1/vault/connections", status=403, times=None)
    with serving(box) as command:
        done = command(name)
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert done.err.startswith("pica-mcp: ")


@pytest.mark.parametrize("name", ASKING)
def test_without_a_secret_it_says_what_to_set(command: Command, name: str) -> None:
    done = command(name)
    assert (done.code, done.out) == (2, "")
    assert "PICA_SECRET is not set." in done.err


def test_the_record_of_calls_is_left_alone(sandbox: Command, tmp_path: Path) -> None:
    for name in (*ASKING, "explain", "tokens"):
        assert sandbox(name, "--audit", str(tmp_path / "calls.jsonl")).code == 0
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["--table", "--json"])
def test_whoever_has_seen_enough_may_go(program: list[str], form: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        words = [*program, "platforms", "--sandbox", form]
        done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


# The record of calls


LINE = {
    "time": "2026-11-21T08:30:10.151Z",
    "caller": "ada",
    "identity_type": "user",
    "tool": "gmail_send_email",
    "platform": "gmail",
    "connection": "eceb9331664582cc",
    "outcome": "ok",
    "status": 200,
    "ms": 6.1,
}


def record(path: Path, *lines: dict[str, Any] | str) -> None:
    """Write a record of these calls."""
    told = (line if isinstance(line, str) else json.dumps(LINE | line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in told))


def test_the_record_is_the_one_that_is_set_with_what_was_put_aside(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    record(path, {"caller": "grace"})
    record(tmp_path / "calls.jsonl.20261101T083010151000Z-7", {}, {"time": "2026-11-01T08:30:10.151Z"})
    record(tmp_path / "calls.jsonl.bak", {}, {}, {})
    record(tmp_path / "other.jsonl.20261101T083010151000Z-7", {})
    found = command("audit", PICA_AUDIT=str(path)).json
    assert [Path(name).name for name in found["files"]] == ["calls.jsonl.20261101T083010151000Z-7", "calls.jsonl"]
    assert {one["caller"]: one["calls"] for one in found["by"]["caller"]} == {"user ada": 2, "user grace": 1}
    assert (found["first"], found["last"]) == ("2026-11-01T08:30:10.151Z", "2026-11-21T08:30:10.151Z")


def test_it_needs_neither_a_secret_nor_a_network_and_reads_the_servers_own_lines(
    run: Callable[..., subprocess.CompletedProcess[str]], sandbox: Command, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    for words, code in ((("connection=Work", "userId=me"), 0), (("userId=me",), 1)):
        assert sandbox("call", "gmail_list_messages", *words, "--audit", str(path)).code == code
    found = json.loads(run("audit", "--audit", str(path)).stdout)
    assert (found["calls"], found["malformed"]) == (2, 0)
    assert {one: count for one, count in found["outcomes"].items() if count} == {"ok": 1, "denied": 1}
    (failure,) = found["failures"]
    assert (failure["platform"], failure["outcome"], failure["why"]) == ("gmail", "denied", "ambiguous")


def test_the_report_tells_callers_platforms_tools_failures_and_the_slowest(command: Command, tmp_path: Path) -> None:
    record(
        tmp_path / "calls.jsonl",
        {},
        {"ms": 2500.0, "caller": None, "identity_type": None},
        {"outcome": "error", "status": 404},
        {"outcome": "error", "status": 404},
        {"outcome": "denied", "reason": "permission", "platform": "slack", "tool": "slack_delete_message"},
        {"outcome": "asked"},
        {"platform": None, "tool": "list_pica_integrations"},
        "warning: no line of the record",
    )
    done = command("audit", "calls.jsonl", "--table")
    assert done.err == "pica-mcp: 1 of 8 lines left out: they tell of no call.\n"
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[:3] == [
        "Calls 6: 3 ok, 2 error, 1 denied",
        "Time 2026-11-21 08:30 to 2026-11-21 08:30 UTC",
        "Asked 1 more, until a person answers; the answer is a call of its own",
    ]
    assert "user ada 5 2 1 6 ms 6 ms 2026-11-21" in lines
    assert "the whole account 1 2.5 s 2.5 s 2026-11-21" in lines
    assert "gmail gmail_send_email error HTTP 404 2" in lines
    assert "slack slack_delete_message denied permission 1" in lines
    assert lines[lines.index("Slowest") + 2] == "gmail_send_email 2.5 s ok the whole account 2026-11-21 08:30"


def test_one_kind_can_be_listed_whole_and_failures_alone(command: Command, tmp_path: Path) -> None:
    tools = [{"tool": f"gmail_tool_{number:02}", "outcome": "ok" if number else "timeout"} for number in range(15)]
    record(tmp_path / "calls.jsonl", *tools)
    overview = command("audit", "calls.jsonl", "--table").out
    assert "By tool (5 more; --by tool lists all)" in overview
    assert len(re.findall(r"gmail_tool_\d+", command("audit", "calls.jsonl", "--table", "--by", "tool").out)) == 15
    failures = command("audit", "calls.jsonl", "--failures", "--by", "tool").json
    assert [one["tool"] for one in failures["by"]["tool"]] == ["gmail_tool_00"]
    assert (failures["calls"], failures["failures_only"], list(failures["by"])) == (15, True, ["tool"])
    hashes = command("audit", "calls.jsonl", "--by", "connection", "--table").out
    assert "A connection is told by its hash; pica-mcp explain tells" in hashes


def test_what_is_older_can_be_left_out(command: Command, tmp_path: Path) -> None:
    record(tmp_path / "calls.jsonl", {"time": "2026-11-01T00:00:00Z"}, {"time": "2026-10-31T23:59:59Z"})
    found = command("audit", "calls.jsonl", "--since", "2026-11-01").json
    assert (found["calls"], found["older"], found["since"]) == (1, 1, "2026-11-01T00:00:00.000Z")
    assert command("audit", "calls.jsonl", "--since", "2026-11-01T02:00+02:00").json["calls"] == 1
    assert command("audit", "calls.jsonl", "--since", "99999w").json["calls"] == 2
    done = command("audit", "calls.jsonl", "--since", "2027-01-01", "--table")
    assert (done.code, done.err) == (0, "Nothing is recorded since 2027-01-01 00:00 UTC; 2 calls are older.\n")


@pytest.mark.parametrize(
    "since", ["soon", "7", "7y", "d", "2026-13-01", "999999d", "0001-01-01T00:00+14:00", "-1d", ""]
)
def test_a_time_that_is_none_is_exit_code_2(command: Command, since: str) -> None:
    done = command("audit", "calls.jsonl", f"--since={since}")
    assert (done.code, done.out) == (2, "")
    assert "must be a time such as 7d, 12h, 2026-11-01" in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "PICA_AUDIT is stderr, so no file holds the record of calls. Set PICA_AUDIT to a file"),
        (["--audit=off"], 2, "--audit is off, so calls are not recorded. Set PICA_AUDIT to a file"),
        (["--audit=calls"], 2, "--audit is 'calls', but must be stderr, off, or the path of a file"),
        (["none.jsonl"], 2, "There is no file 'none.jsonl'. Name one"),
        (["."], 1, "'.' cannot be read: Is a directory. Correct that"),
    ],
)
def test_where_there_is_no_record_it_says_what_to_do(command: Command, words: list[str], code: int, said: str) -> None:
    done = command("audit", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (code, "", 1)
    assert done.err.startswith(f"pica-mcp: {said}")


def test_a_server_may_not_have_begun_to_record(command: Command, tmp_path: Path) -> None:
    done = command("audit", "--audit", str(tmp_path / "nowhere" / "calls.jsonl"))
    assert (done.code, json.loads(done.out)["calls"]) == (0, 0)
    assert done.err.startswith(f"Nothing is recorded in {tmp_path}")


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_record_that_anybody_wrote_is_shown_and_does_nothing(command: Command, tmp_path: Path, columns: str) -> None:
    words = dict.fromkeys(("caller", "tool", "platform", "connection", "reason"), HOSTILE)
    record(tmp_path / "calls.jsonl", words | {"outcome": "error"}, "[" * 100_000, "\x00", '{"time": 7}')
    for by in ("caller", "tool", "platform", "connection"):
        done = command("audit", "calls.jsonl", "--table", "--by", by, COLUMNS=columns)
        assert done.err.startswith("pica-mcp: 3 of 4 lines")
        assert not UNSEEN.search(done.out)
        assert max(map(cell_len, done.out.splitlines())) <= int(columns)
    done = command("audit", "calls.jsonl", "--failures", "--table", COLUMNS=columns)
    assert max(map(cell_len, done.out.splitlines())) <= int(columns)
