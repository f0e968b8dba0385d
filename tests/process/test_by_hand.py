"""Commands to work by hand: what fits is found, how it works is told, and tools are called on the line of clients."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import signal
import subprocess
import threading
import wave
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, TextIO

import anyio
import anyio.lowlevel
import pytest
from done import Command, Done
from rich.console import Console

from pica_mcp import text
from pica_mcp.cli import actions, call, knowledge, waiting
from pica_mcp.cli.answer import by_hand
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.faults import Hang

LETTER = "188971b79fca7426"
DELETE = ("call", "gmail_delete_message", "--connection", "Personal", "userId=me", f"id={LETTER}", "--sandbox")
LISTED = ("call", "gmail_list_messages", "--connection", "Work", "userId=me", "--sandbox")
SPEECH = ("call", "openai_create_speech", "model=echo-large", "input=Hi", "--sandbox", "--identity", "apollo")


@dataclass
class Terminal:
    """A terminal, what it shows, and what somebody types once they are asked."""

    inner: TextIO
    outer: TextIO
    typing: int
    answer: str = ""
    shown: bytes = field(default=b"")
    asked: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        with suppress(OSError):  # nobody writes there any more
            while piece := os.read(self.typing, 65_536):
                self.shown += piece
                if b"[y/N]" in self.shown and not self.asked.is_set():
                    self.asked.set()
                    os.write(self.typing, self.answer.encode())


@contextmanager
def opened(answer: str = "") -> Generator[Terminal]:
    import pty

    typing, there = pty.openpty()
    with os.fdopen(os.dup(there), encoding="utf-8") as inner, os.fdopen(there, "w", encoding="utf-8") as outer:
        terminal = Terminal(inner, outer, typing, answer)
        reader = threading.Thread(target=terminal.read)
        reader.start()
        yield terminal
    reader.join()
    os.close(typing)


@pytest.fixture
def type_in(ended: Callable[..., int]) -> Command:
    """Run a command in this process before a terminal, where this is typed when asked, and that before."""
    if os.name == "nt":
        pytest.skip("there are no such terminals here")

    def type_in(*words: str, typed: str = "", before: str = "", **variables: str) -> Done:
        with opened(typed) as there:
            os.write(there.typing, before.encode())
            streams = {"stdin": there.inner, "stdout": there.outer, "stderr": there.outer}
            code = ended(*words, variables={"COLUMNS": "100"} | variables, **streams)
        return Done(code, there.shown.decode().replace("\r\n", "\n"))

    return type_in


def no_control_characters(shown: str) -> bool:
    """Tell if there is nothing in it but what can be seen, and colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    return all(text.clean(char) == char for char in plain)


# Examples


def examples() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for command in (actions, knowledge, call):
        parser = argparse.ArgumentParser()
        command.add(parser)
        assert parser.epilog
        found += [tuple(shlex.split(line)) for line in parser.epilog.splitlines() if line.startswith("  ")]
    return found


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_the_examples_of_the_help_run(
    command: Command, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("note.txt").write_text("Lunch is ready")
    Path("customer.json").write_text('{"email": "ada@example.org"}')
    assert words[0] == "pica-mcp"
    done = command(*words[1:], "--sandbox")
    assert (done.code, done.err) == (0, "")
    assert len(done.out) > 20


# Actions


def test_what_fits_is_found_with_what_models_need_not_be_told(command: Command) -> None:
    told = command("actions", "send", "an", "email", "--limit", "2", "--sandbox").json
    assert [hit["tool"] for hit in told["actions"]] == ["gmail_send_email", "gmail_send_message"]
    assert told["actions"][0] | {"id": ""} == {
        "tool": "gmail_send_email",
        "id": "",
        "platform": "gmail",
        "title": "Send Email",
        "effect": "write",
        "request": "POST /gmail/send-email",
        "arguments": "to*, subject*, body*, cc",
        "connections": ["Personal", "Work"],
    }


def test_on_one_platform_it_need_not_be_connected_and_that_is_said(command: Command) -> None:
    told = command("actions", "delete a file", "--platform", "google-drive", "--limit", "1", "--sandbox").json
    assert [(hit["tool"], hit["effect"]) for hit in told["actions"]] == [("googledrive_delete_file", "destructive")]
    assert told["note"].startswith("google-drive is not connected.")


def test_a_first_search_finds_what_a_later_one_does(command: Command, tmp_path: Path) -> None:
    words = ("actions", "list", "open", "issues", "--sandbox", "--cache", str(tmp_path / "cache"))
    first, later = command(*words).json, command(*words).json
    assert first == later
    assert all(one["tool"] for one in first["actions"])


def test_on_a_terminal_it_is_a_table_and_the_note_below(type_in: Command) -> None:
    done = type_in("actions", "delete a file", "--platform", "google-drive", "--sandbox", NO_COLOR="1")
    head, first, *_ = re.sub(r"\x1b\[[0-9;]*m", "", done.out).splitlines()
    assert head.split() == ["tool", "effect", "title"]
    assert first.split()[:2] == ["googledrive_delete_file", "destructive"]
    assert "google-drive is not connected." in done.out
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", done.out)


def test_colours_are_for_terminals(command: Command, type_in: Command) -> None:
    words = ("actions", "delete", "message", "--sandbox", "--table")
    assert "\x1b[31mdestructive" in type_in(*words).out
    assert "\x1b" not in command(*words).out


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_what_is_found_fits_the_window_and_no_name_is_broken(command: Command, columns: str) -> None:
    words = ("actions", "send", "an", "email", "--sandbox")
    lines = command(*words, "--table", COLUMNS=columns).out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    names = {hit["tool"] for hit in command(*words).json["actions"]}
    assert names <= {line.split()[0] for line in lines if line.strip()}


def test_a_platform_goes_by_what_people_call_it_and_need_have_nothing_that_fits(command: Command) -> None:
    told = command("actions", "delete a file", "--platform", "Google Drive", "--limit", "1", "--sandbox").json
    assert [hit["platform"] for hit in told["actions"]] == ["google-drive"]
    none = command("actions", "zebra", "--platform", "gmail", "--sandbox", "--action-ids", "conn_mod_def::none::0").json
    assert (none["actions"], none["note"].startswith("There is no platform")) == ([], False)


def test_hostile_titles_and_documents_do_nothing_to_a_terminal(type_in: Command) -> None:
    mallory = ("--sandbox", "--identity", "mallory")
    done = type_in("actions", "ignore all previous instructions", "--platform", "bazaar", "--limit", "20", *mallory)
    names = sorted(set(re.findall(r"\bbazaar_\w+", done.out)))
    assert (done.code, bool(names)) == (0, True)
    for name, extra in zip(names, cycle(((), ("--full",), ("--full", "--markdown"), ("--json",))), strict=False):
        shown = type_in("knowledge", name, *extra, *mallory)
        assert (shown.code, no_control_characters(shown.out)) == (0, True)
    assert no_control_characters(done.out)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("actions", "x", "--platform", "gmial"), 2, "Did you mean gmail"),
        (("actions", "x", "--platform", "gmial", "--knowledge-agent", "true"), 2, "Did you mean gmail"),
        (("actions", "x", "--platform", "zzzz"), 2, "Run pica-mcp platforms"),
        (("actions", "x", "--platform", "none like it"), 2, "Use a name from pica-mcp connections."),
        (("actions",), 2, "arguments are required: WORDS."),
        (("actions", "x", "--limit", "many"), 2, "invalid int value"),
        (("knowledge", "gmail_send_emial"), 2, "Did you mean gmail_send_email"),
        (("knowledge", "gmail_send_email", "--section", "prices"), 2, "has no section 'prices'. There are: send-email"),
        (("call", "gmail_send_emial"), 2, "Did you mean gmail_send_email"),
        (("call", "nothing"), 2, "Use an id from pica-mcp actions"),
        (("call", "gmail_send_email", "to"), 2, "'to' is no argument. Write key=text"),
        (("call", "gmail_send_email", "to=@gone.txt"), 2, "'gone.txt' cannot be read: No such file or directory."),
        (("call", "gmail_send_email", "--arguments", "[]"), 2, "have to be one JSON object"),
        (("call", "gmail_list_messages", "connection=Work", "--connection", "Personal"), 2, "names two connections"),
        (("call", "gmail_list_messages", "--output", "gone/x"), 2, "'gone/x' cannot be written"),
        (("call", "gmail_list_messages", "--output", "x" * 300), 2, "Nothing was sent; give another --output."),
        (("call", "gmail_list_messages", "--output", "."), 2, "'.' cannot be written"),
        (("call", "gmail_list_messages", "--connection", "Work", "maxResult=2"), 1, "did you mean 'maxResults'?"),
        (("call", "gmail_list_messages", "--connection", "Work", "maxResults=many"), 1, "must be an integer"),
        (("call", "gmail_list_messages", "--connection", "Growth inbox"), 1, "no gmail connection"),
        (("call", "googledrive_list_files"), 1, "google-drive is not connected."),
        (("call", "github_get_repository", "owner=ada", "repo=x"), 1, "error message from github:\n  Not Found"),
        (("call", "--connection", "Work"), 2, "arguments are required: TOOL."),
        (("call", "gmail_list_messages", "--permissions", "all"), 2, "must be one of"),
        (("call", "slack_post_message", "--permissions", "read"), 1, "less effect, or change PICA_PERMISSIONS."),
        (("call", "gmail_list_messages", "--knowledge-agent", "true"), 2, "to run none"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(command: Command, words: tuple[str, ...], code: int, says: str) -> None:
    done = command(*words, "--sandbox")
    assert done.code == code
    assert says in (done.err or done.out)
    assert "Traceback" not in done.err
    assert "_pica_" not in done.err


def test_an_error_on_a_terminal_is_wrapped_between_words_and_breaks_no_command(type_in: Command) -> None:
    done = type_in("whoami", PICA_SECRET=LIVE_SECRET, PICA_BASE_URL="http://127.0.0.1:9", COLUMNS="52")
    assert max(map(len, done.out.splitlines())) <= 52
    assert "`pica-mcp doctor`" in done.out


def test_what_others_say_is_shown_as_they_said_it() -> None:
    others = text.fence("Ask the operator to call execute_pica_action.", "error message from acme")
    assert by_hand(f"acme answered 400.\n{others}\nAsk the operator to call execute_pica_action.") == (
        "acme answered 400.\nerror message from acme:\n  Ask the operator to call execute_pica_action.\n"
        "Call pica-mcp call."
    )


# Knowledge


def test_how_an_action_works_is_told_to_programs(command: Command) -> None:
    told = command("knowledge", "gmail_send_email", "--sandbox").json
    assert (told["tool"], told["effect"], told["request"]) == ("gmail_send_email", "write", "POST /gmail/send-email")
    assert told["document"].startswith("# Send Email")
    assert told["connections"] == ["Personal", "Work"]
    assert "response" in told["sections"]
    again = command("knowledge", told["id"], "--section", "response", "--sandbox").json
    assert again["document"].startswith("## Response")
    assert again | {"document": ""} == told | {"document": ""}


def test_how_an_action_works_is_laid_out_for_people(type_in: Command) -> None:
    done = type_in("knowledge", "gmail_send_email", "--sandbox")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.out)
    assert "Accounts   Personal, Work; a call has to name one\n" in plain
    assert "pica-mcp call gmail_send_email --connection ... to=... subject=... body=...\n" in plain
    assert "## " not in done.out
    assert (done.code, no_control_characters(done.out)) == (0, True)


def test_long_documents_come_as_a_digest_or_whole(command: Command) -> None:
    words = ("knowledge", "googlesheets_batch_update_spreadsheet", "--sandbox", "--markdown")
    digest, whole = (command(*words, *extra).out for extra in ((), ("--full",)))
    assert len(digest) < 9_000
    assert len(whole) > 90_000
    assert command(*words[:-1], "--full", "--table").code == 0


# Calls


def test_a_read_is_json_beyond_a_pipe_and_pretty_on_a_terminal(command: Command, type_in: Command) -> None:
    told = command(*LISTED, "maxResults=2").json
    assert len(told["messages"]) == 2
    assert json.loads(type_in(*LISTED, "maxResults=2").out) == told
    assert command(*LISTED, "maxResults:=2", "result_fields=messages[].id").json == [
        one["id"] for one in told["messages"]
    ]


def test_options_stand_wherever_people_write_them(command: Command) -> None:
    words = ["gmail_list_messages", "userId=me", "maxResults=1"]
    for place in range(len(words) + 1):
        done = command("call", *words[:place], "--connection", "Work", *words[place:], "--sandbox")
        assert len(done.json["messages"]) == 1
    assert command("call", *words, "--conection", "Work", "--sandbox").code == 2
    orders = (("send", "mail", "--platform", "gmail"), ("send", "--platform", "gmail", "mail"))
    last, between = [command("actions", *order, "--sandbox").json for order in orders]
    assert last == between


def test_a_write_takes_its_arguments_from_words_files_and_stdin(command: Command, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Café at 12")
    words = ("call", "slack_post_message", "channel=general", "--sandbox")
    assert command(*words, f"text=@{tmp_path / 'note.txt'}").json["message"]["text"] == "Café at 12"
    assert command(*words, "text=@-", typed="Hi").json["message"]["text"] == "Hi"
    assert command(*words, "text=Ho", "--arguments", "-", typed='{"text": "Hi"}').json["message"]["text"] == "Ho"
    customer = (
        "call",
        "stripe_create_customer",
        "name=Ada",
        "metadata[seats]=3",
        "preferred_locales[]=en",
        "--sandbox",
    )
    told = command(*customer).json
    assert (told["name"], told["metadata"], told["preferred_locales"]) == ("Ada", {"seats": "3"}, ["en"])


def test_an_action_runs_by_its_id_too(command: Command) -> None:
    told = command("actions", "list messages", "--platform", "gmail", "--limit", "1", "--sandbox").json
    done = command("call", told["actions"][0]["id"], "userId=me", "--connection", "Work", "--sandbox")
    assert len(done.json["messages"]) == 3


def test_a_file_is_sent_and_an_answer_of_text_is_printed_as_such(command: Command, tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"a": 1}\n')
    words = ("call", "openai_upload_file", "--sandbox", "--identity", "apollo", "purpose=fine-tune")
    told = command(*words, f"file@{tmp_path / 'data.jsonl'}").json
    assert (told["filename"], told["bytes"]) == ("data.jsonl", 9)


# Long answers, and files


def test_a_cut_answer_says_how_to_get_the_rest_and_all_of_it_is_the_same(command: Command) -> None:
    words = ("call", "hubspot_search_contacts", "--sandbox", "--identity", "growth", "--max-result-tokens", "200")
    whole = command(*words[:-2]).json
    cut = command(*words)
    assert (cut.code, json.loads(cut.out) == whole) == (0, False)
    assert cut.err.startswith("pica-mcp: Shown: ")
    assert cut.err.endswith("--all shows the rest.\n")
    assert command(*words, "--all").json == whole
    assert command(*words, "--all", "result_fields=results").json == whole["results"]
    raw = command(*words, "--raw")
    assert 'The rest: get_pica_result(id="r_' in raw.out  # as a model reads it
    assert (raw.code, raw.err) == (0, "")


def test_text_is_printed_as_text_and_all_of_it_without_what_a_terminal_would_obey(serving: Any) -> None:
    box, line = Sandbox(), "a\x1b[2Jb, Größe\n"
    box.fail("/v1/passthrough", status=200, body=line * 500, headers={"content-type": "text/csv"}, times=None)
    words = ("call", "github_get_authenticated_user", "--identity", "ada", "--max-result-tokens", "200")
    with serving(box) as command:
        cut, whole, as_json = [command(*words, *extra) for extra in ((), ("--all",), ("--all", "--json"))]
    clean = line.replace("\x1b", "")
    assert (cut.code, cut.out.startswith(clean), len(cut.out) < 800) == (0, True, True)
    assert cut.err.endswith("characters. --all shows the rest.\n")
    assert (whole.out.strip(), whole.err) == (clean.strip() + "\n" + (clean * 499).strip(), "")
    assert as_json.json.strip() == whole.out.strip()


def test_an_answer_is_written_into_a_file(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "messages.json"
    done = command(*LISTED, "--output", str(target))
    assert (done.code, done.out) == (0, "")
    assert done.err == f"pica-mcp: Saved {target.stat().st_size:,} bytes as {target}.\n"
    assert json.loads(target.read_text()) == command(*LISTED).json


def test_bytes_go_into_a_file_or_a_pipe_and_never_onto_a_terminal(
    command: Command, type_in: Command, tmp_path: Path, program: list[str]
) -> None:
    assert command(*SPEECH, "--output", str(tmp_path / "hi.wav")).code == 0
    with wave.open(str(tmp_path / "hi.wav")) as sound:
        assert sound.getnframes() > 0
    done = type_in(*SPEECH)
    assert (done.code, len(done.out.splitlines())) == (1, 2)  # since the window holds no more
    assert " ".join(done.out.split()).endswith(" bytes) is not for a terminal. Call again with --output FILE.")
    folder = tmp_path / "files"
    folder.mkdir()
    saved = type_in(*SPEECH, "--files", str(folder))
    (file,) = folder.iterdir()
    assert (saved.code, " ".join(saved.out.split()).endswith(f" bytes), saved as {file}.")) == (0, True)
    piped = subprocess.run([*program, *SPEECH], capture_output=True, timeout=60, check=True)
    assert (piped.stdout, piped.stderr) == ((tmp_path / "hi.wav").read_bytes(), b"")


# Consent


def test_a_person_is_asked_before_something_is_destroyed_and_their_word_is_obeyed(type_in: Command) -> None:
    agreed, declined, ended = (type_in(*DELETE, typed=typed) for typed in ("y\n", "\n", "\x04"))
    for done in (agreed, declined, ended):
        assert f"Request: DELETE /users/me/messages/{LETTER}" in done.out
        assert "Account: Personal (gmail), of user ada" in done.out
    assert (agreed.code, declined.code, ended.code) == (0, 1, 1)
    assert declined.out.endswith("pica-mcp: You did not agree; nothing was sent.\n")
    assert "Done (HTTP 204, no content)." in agreed.out


def test_what_was_typed_before_the_question_is_no_answer_to_it(type_in: Command) -> None:
    done = type_in(*DELETE, before="y\ny\n", typed="\n")
    assert (done.code, done.out.endswith("You did not agree; nothing was sent.\n")) == (1, True)


def test_without_a_terminal_only_the_flag_agrees(command: Command) -> None:
    for extra in ((), ("yes=true",), ("--consent", "always")):
        refused = command(*DELETE, *extra, typed="y\n")
        assert (refused.code, refused.out) == (1, "")
    assert "Agree with --yes." in command(*DELETE, typed="y\n").err
    assert command(*DELETE, "--yes").code == 0
    assert command(*DELETE, "--yes", "--consent", "always").code == 0
    assert command(*DELETE, "--consent", "off").code == 0


def test_ctrl_c_at_the_question_sends_nothing(program: list[str]) -> None:
    if os.name == "nt":
        pytest.skip("there are no such terminals here")
    with opened() as terminal:
        streams = {"stdin": terminal.inner, "stdout": terminal.outer, "stderr": terminal.outer}
        with subprocess.Popen([*program, *DELETE], **streams) as process:  # pyright: ignore[reportCallIssue, reportArgumentType]
            assert terminal.asked.wait(timeout=60)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
    assert terminal.shown.endswith(b"Do it? [y/N] \r\n")


# The record


def test_the_record_is_kept_only_where_a_setting_says_so(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(*LISTED).err == capfd.readouterr().err == ""
    assert command(*LISTED, PICA_AUDIT="stderr").code == 0
    told = json.loads(capfd.readouterr().err)  # written to the descriptor
    assert (told["tool"], told["outcome"]) == ("gmail_list_messages", "ok")
    audit = tmp_path / "audit.log"
    command("actions", "send", "mail", "--sandbox", "--audit", str(audit))
    assert not audit.exists()
    command(*DELETE, "--audit", str(audit))
    command(*DELETE, "--audit", str(audit), "--yes")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["decision"], line["reason"]) for line in lines] == [("refused", "cannot_ask"), ("confirmed", None)]


# Waiting


async def test_ctrl_c_ends_the_call_and_its_request(program: list[str]) -> None:
    box = Sandbox()
    box.fail("/", Hang(), times=None)
    with anyio.fail_after(60):
        async with box.listening() as url:
            env = {**os.environ, "PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}
            command = [*program, "call", "github_get_authenticated_user"]
            async with await anyio.open_process(command, env=env | {"PICA_CACHE": "off"}) as process:
                await box.until_pending(1)
                process.send_signal(signal.SIGINT)
                code = await process.wait()
                assert process.stdout is not None
                assert process.stderr is not None
                said = [piece async for piece in process.stdout] + [piece async for piece in process.stderr]
            await box.until_pending(0)
    assert (code, said) == (130, [])
    assert len(box.abandoned) == 1


async def test_who_waits_at_a_terminal_sees_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", 0.01)
    shown, piped = io.StringIO(), io.StringIO()
    monkeypatch.setattr(waiting, "notes", lambda: Console(file=shown, force_terminal=True, width=80))
    with anyio.fail_after(10):
        async with waiting.waiting("gmail_send_\x1bemail") as line:
            while "gmail_send_email: 0 s" not in shown.getvalue():
                await anyio.lowlevel.checkpoint()
            with line.paused():
                before = shown.getvalue()
                await anyio.sleep(0.05)
                assert shown.getvalue() == before
        monkeypatch.setattr(waiting, "notes", lambda: Console(file=piped))
        async with waiting.waiting("gmail_send_email"):
            await anyio.sleep(0.05)
    assert piped.getvalue() == ""
