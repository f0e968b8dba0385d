from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import audit as room
from pica_mcp.access import Identity, IdentityType
from pica_mcp.audit import Audit, Entry, File, Outcome, Stream, open_sink
from pica_mcp.errors import (
    Busy,
    InvalidArguments,
    InvalidSettings,
    OutcomeUnknown,
    RateLimited,
    Reason,
    Refused,
    SecretRefused,
    TimedOut,
    UnknownAction,
    UnknownTool,
    Unreachable,
    UpstreamRefused,
)
from pica_mcp.models import Effect

KEY = "live::gmail::default::0123|canary"
CANARY = "canary sk_live_123"
ADA = Identity("ada", IdentityType.USER)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)

posix = pytest.mark.skipif(os.name != "posix", reason="descriptors, modes and pipes are POSIX's here")


class Record:
    """An audit into a file, and the lines in it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.sink = File(path)
        ticks = iter(range(10_000))
        self.audit = Audit(
            self.sink,
            key=options.get("key", lambda: b"key"),
            hash_callers=options.get("hash_callers", False),
            clock=lambda: next(ticks) / 81,
            now=lambda: datetime(2026, 3, 1, 12, 0, 0, 7_000, tzinfo=UTC),
        )

    def text(self) -> str:
        return self.path.read_text()

    def only(self) -> dict[str, Any]:
        """The one line there is."""
        (line,) = self.text().splitlines(keepends=True)
        assert line.endswith("\n")
        return json.loads(line)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    record = Record(tmp_path / "calls.jsonl")
    yield record
    record.sink.close()


def fill(entry: Entry) -> None:
    entry.tool, entry.action, entry.platform = "gmail_send_email", "conn_mod_def::one::1", "gmail"
    entry.connection, entry.effect, entry.decision = KEY, Effect.WRITE, "confirmed"
    entry.status, entry.attempts, entry.bytes_sent, entry.bytes_received = 200, 2, 400, 1_200


def test_a_line_says_who_called_what_and_how_it_ended(record: Record) -> None:
    with record.audit.call(7, ADA) as entry:
        fill(entry)
    assert record.text() == (
        '{"time":"2026-03-01T12:00:00.007Z","request":"7","caller":"ada","identity_type":"user",'
        '"tool":"gmail_send_email","action":"conn_mod_def::one::1","platform":"gmail","connection":"73d39373fb3b40af",'
        '"effect":"write","decision":"confirmed","reason":null,"outcome":"ok","status":200,"attempts":2,"sent":400,'
        '"received":1200,"ms":12.3}\n'
    )


def test_a_call_of_which_nothing_is_known_has_a_line_all_the_same(record: Record) -> None:
    with record.audit.call(None, Identity()):
        pass
    assert record.text() == (
        '{"time":"2026-03-01T12:00:00.007Z","request":null,"caller":null,"identity_type":null,"tool":null,"action":null,'
        '"platform":null,"connection":null,"effect":null,"decision":null,"reason":null,"outcome":"ok","status":null,'
        '"attempts":0,"sent":0,"received":0,"ms":12.3}\n'
    )


def test_the_order_of_the_fields_is_the_documented_one(record: Record) -> None:
    with record.audit.call(1, ADA):
        pass
    table = re.findall(r"^    (\w+(?:, \w+)*)  ", room.__doc__ or "", re.MULTILINE)
    assert [name for names in table for name in names.split(", ")] == list(record.only())


ENDINGS = [
    (UnknownTool(CANARY), "invalid", None, "unknown_tool", None),
    (UnknownAction(CANARY), "invalid", None, "unknown_action", None),
    (InvalidArguments(CANARY, CANARY), "invalid", None, "invalid_arguments", None),
    (Refused(CANARY, reason=Reason.PERMISSION), "denied", "refused", "permission", None),
    (Refused(CANARY, reason=Reason.DECLINED), "denied", "declined", "declined", None),
    (Busy(3), "busy", None, "busy", None),
    (OutcomeUnknown(CANARY), "unknown", None, "outcome_unknown", None),
    (Unreachable(CANARY), "error", None, "unreachable", None),
    (RateLimited(CANARY), "error", None, "rate_limited", None),
    (SecretRefused(CANARY), "error", None, "secret_refused", None),
    (InvalidSettings(CANARY), "error", None, "invalid_settings", None),
    (UpstreamRefused(CANARY).after(1, 403), "error", None, "upstream_refused", 403),
    (TimedOut(CANARY), "timeout", None, "timed_out", None),
    (TimeoutError(CANARY), "crashed", None, "timeout_error", None),
    (ZeroDivisionError(CANARY), "crashed", None, "zero_division_error", None),
    (StopIteration(CANARY), "crashed", None, "stop_iteration", None),
    (RecursionError(CANARY), "crashed", None, "recursion_error", None),
    (ExceptionGroup(CANARY, [ValueError(CANARY)]), "crashed", None, "exception_group", None),
    (KeyboardInterrupt(CANARY), "cancelled", None, "cancelled", None),
    (SystemExit(CANARY), "cancelled", None, "cancelled", None),
    (asyncio.CancelledError(CANARY), "cancelled", None, "cancelled", None),
]


@pytest.mark.parametrize(
    ("error", "outcome", "decision", "reason", "status"), ENDINGS, ids=[type(row[0]).__name__ for row in ENDINGS]
)
def test_an_error_is_told_by_its_kind_never_by_its_words_and_goes_on(
    record: Record, error: BaseException, outcome: str, decision: str | None, reason: str, status: int | None
) -> None:
    with pytest.raises(type(error)) as raised, record.audit.call(7, ADA):
        raise error
    assert raised.value is error
    line = record.only()
    assert [line[field] for field in ("outcome", "decision", "reason", "status")] == [outcome, decision, reason, status]
    assert "canary" not in record.text()


def test_every_outcome_but_being_asked_comes_of_itself() -> None:
    assert {row[1] for row in ENDINGS} | {"ok"} == set(Outcome) - {"asked"}


@pytest.mark.parametrize("way", ["scope", "task"])
async def test_a_cancelled_call_is_recorded_and_stays_cancelled(record: Record, way: str) -> None:
    async def call() -> None:
        with record.audit.call(7, ADA) as entry:
            entry.attempts = 1
            await anyio.sleep_forever()

    task = asyncio.ensure_future(call()) if way == "task" else None
    if task:
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.move_on_after(0) as scope:
            await call()
        assert scope.cancelled_caught
    assert (record.only()["outcome"], record.only()["attempts"]) == ("cancelled", 1)


@pytest.mark.parametrize("outcome", [*Outcome])
def test_what_the_line_knows_better_goes_before_what_the_error_says(record: Record, outcome: Outcome) -> None:
    with suppress(Refused), record.audit.call(7, ADA) as entry:
        entry.outcome, entry.decision, entry.reason = outcome, "allowed", Reason.EFFECT
        raise Refused("No.", reason=Reason.UNKNOWN_CONNECTION)
    line = record.only()
    assert [line[field] for field in ("outcome", "decision", "reason")] == [outcome, "allowed", "effect"]


def test_an_error_that_became_an_answer_is_told_as_one_that_was_raised(record: Record) -> None:
    with record.audit.call(7, ADA) as entry:
        entry.failed(Refused(CANARY, reason=Reason.IDENTITY))
    assert (record.only()["outcome"], record.only()["reason"]) == ("denied", "identity")


@pytest.mark.parametrize(
    ("status", "outcome"), [(None, "ok"), (200, "ok"), (302, "ok"), (400, "error"), (503, "error")]
)
def test_a_status_from_400_on_is_an_error(record: Record, status: int | None, outcome: str) -> None:
    with record.audit.call(7, ADA) as entry:
        entry.status = status
    assert record.only()["outcome"] == outcome


def test_a_connection_is_written_as_a_keyed_hash_and_never_shown(tmp_path: Path) -> None:
    hashes: set[str] = set()
    for number, secret in enumerate((b"key", b"another")):
        record = Record(tmp_path / str(number), key=lambda secret=secret: secret)
        with record.audit.call(7, ADA) as entry:
            entry.connection = KEY
        hashes.add(record.only()["connection"])
        assert "canary" not in record.text() + repr(entry)
    assert len(hashes) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in hashes)


def test_callers_are_hashed_on_request_apart_from_connections(tmp_path: Path) -> None:
    record = Record(tmp_path / "calls", hash_callers=True)
    with record.audit.call(7, ADA) as entry:
        entry.connection = "ada"
    line = record.only()
    assert re.fullmatch("[0-9a-f]{16}", line["caller"])
    assert line["caller"] != line["connection"]
    assert line["identity_type"] == "user"
    assert "ada" not in record.text() + repr(entry)


def test_without_a_key_nothing_is_hashed_and_nothing_shown(tmp_path: Path) -> None:
    record = Record(tmp_path / "calls", hash_callers=True, key=lambda: b"")
    with record.audit.call(7, ADA) as entry:
        entry.connection = KEY
    assert (record.only()["caller"], record.only()["connection"]) == (None, None)


@given(fields=st.lists(ANY_TEXT, min_size=7, max_size=7), number=st.none() | st.integers() | ANY_TEXT)
def test_whatever_the_text_a_line_is_one_short_line_of_json(
    tmp_path_factory: pytest.TempPathFactory, fields: list[str], number: str | int | None
) -> None:
    record = Record(tmp_path_factory.mktemp("calls") / "calls")
    identity, *rest = fields
    with record.audit.call(number, Identity(identity)) as entry:
        entry.tool, entry.action, entry.platform, entry.connection, entry.reason, _ = rest
    record.sink.close()
    line = record.only()
    assert record.text().isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", record.text())
    assert len(record.text()) <= 4_096
    for name, given_text in zip(("caller", "tool", "action", "platform"), fields[:4], strict=True):
        written = line[name] or ""
        assert len(written) <= 200
        assert written == given_text or given_text.startswith(written.removesuffix("…"))
        assert written == given_text or len(given_text) > 32


@pytest.mark.parametrize("text", ["x", '"', "\n", "\x00", "\ud800", "\u2028", "é", "👋"])
def test_the_longest_line_is_written_to_a_pipe_as_a_whole(tmp_path: Path, text: str) -> None:
    record = Record(tmp_path / "calls")
    with record.audit.call(text * 9_999, Identity(text * 9_999, IdentityType.ORGANIZATION)) as entry:
        entry.tool = entry.action = entry.platform = entry.connection = entry.reason = text * 9_999
        entry.status = entry.attempts = entry.bytes_sent = entry.bytes_received = 10**9
    assert 1_000 < len(record.text()) <= 4_096
    assert record.only()["tool"].endswith("…")


@pytest.mark.parametrize(
    ("number", "written"), [(0, "0"), (-3, "-3"), (2**64 - 1, str(2**64 - 1)), ("", None), ("a", "a")]
)
def test_the_request_is_written_as_the_client_spelt_it(record: Record, number: str | int, written: str | None) -> None:
    with record.audit.call(number, ADA):
        pass
    assert record.only()["request"] == written


def test_a_number_that_python_refuses_to_spell_is_no_obstacle(record: Record) -> None:
    with record.audit.call(10**5_000, ADA):
        pass
    assert len(record.only()["request"]) == 200


def test_off_records_nothing_and_changes_nothing() -> None:
    audit = Audit(open_sink("off"), key=lambda: b"key")
    with audit.call(7, ADA) as entry:
        fill(entry)
    with pytest.raises(ZeroDivisionError), audit.call(7, ADA):
        raise ZeroDivisionError
    assert audit.failures == 0


@posix
def test_a_new_file_is_for_its_owner_only_and_an_old_one_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    for line in (b"one\n", b"two\n"):
        sink = open_sink(str(path))
        assert sink
        sink.write(line)
        sink.close()
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["", "stdout", "STDERR", "calls.jsonl", "{tmp}", "{tmp}/missing/calls", "{tmp}/a\0b"])
def test_what_cannot_be_written_to_is_told_at_the_start(tmp_path: Path, where: str) -> None:
    with pytest.raises(ValueError, match=r"^(stderr, off|something that|embedded null)"):
        open_sink(where.replace("{tmp}", str(tmp_path)))
    assert not list(tmp_path.iterdir())


@posix
def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="not a plain file"):
        open_sink(str(tmp_path / "fifo"))


def test_a_home_is_found_for_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    sink = open_sink("~/calls.jsonl")
    assert sink
    sink.close()
    assert (tmp_path / "calls.jsonl").exists()


def every_line(path: Path) -> list[str]:
    """The lines of the file and of all that were put aside, the oldest first."""
    aside = sorted(each for each in path.parent.iterdir() if each != path)
    return [line for each in (*aside, path) if each.exists() for line in each.read_text().splitlines()]


def test_a_full_file_is_put_aside_without_losing_a_line(tmp_path: Path) -> None:
    sink = File(tmp_path / "calls", max_bytes=100, kept=1_000)
    for number in range(500):
        sink.write(b"%09d\n" % number)
    sink.close()
    assert every_line(tmp_path / "calls") == [f"{number:09d}" for number in range(500)]
    assert len(list(tmp_path.iterdir())) == 50
    assert all(each.stat().st_size == 100 for each in tmp_path.iterdir())


def test_of_the_files_put_aside_the_newest_are_kept_and_nobody_elses_is_touched(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl.gz").touch()
    (tmp_path / "other.20200101T000000000000Z-1").touch()
    sink = File(tmp_path / "calls", max_bytes=10, kept=5)
    for number in range(50):
        sink.write(b"%09d\n" % number)
    sink.close()
    assert every_line(tmp_path / "calls") == [f"{number:09d}" for number in range(45, 50)]
    assert len(list(tmp_path.iterdir())) == 2 + 5


@posix
@pytest.mark.parametrize("way", ["deleted", "renamed"])
def test_a_file_that_somebody_takes_away_is_made_anew(tmp_path: Path, way: str) -> None:
    path = tmp_path / "calls"
    sink = File(path)
    sink.write(b"one\n")
    path.unlink() if way == "deleted" else path.rename(tmp_path / "old")
    sink.write(b"two\n")
    sink.close()
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("meanwhile", ["put aside", "deleted"])
def test_a_full_file_that_another_process_puts_aside_in_the_same_moment_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    path, write = tmp_path / "calls", os.write
    sink = File(path, max_bytes=10)

    def interrupted(descriptor: int, line: bytes) -> int:
        written = write(descriptor, line)
        path.rename(tmp_path / "aside")
        if meanwhile == "put aside":
            path.write_text("new\n")
        return written

    monkeypatch.setattr(os, "write", interrupted)
    if meanwhile == "deleted":
        monkeypatch.setattr(File, "_in_place", lambda _file, _stream: True)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    sink.write(b"123456789\n")
    sink.close()
    assert {each.name for each in tmp_path.iterdir()} == ({"aside", "calls"} if meanwhile == "put aside" else {"aside"})


WRITER = """
import sys
from pathlib import Path
from pica_mcp.audit import File

sink = File(Path(sys.argv[1]), max_bytes=int(sys.argv[2]), kept=1_000)
print("ready", flush=True)
sys.stdin.readline()
for number in range(2_000):
    sink.write(f"{sys.argv[3]} {number} {'x' * (number % 90)}.\\n".encode())
"""


@pytest.mark.parametrize("max_bytes", [10_000_000, 2_000])
def test_two_processes_write_to_one_file_and_lose_and_mix_nothing(tmp_path: Path, max_bytes: int) -> None:
    path = tmp_path / "calls"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(max_bytes), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    try:
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("\n")
            child.stdin.flush()
        for child in children:
            child.communicate(timeout=60)
            assert child.returncode == 0
    finally:
        for child in children:
            child.kill()
            child.communicate()
    wanted = Counter(f"{name} {number} {'x' * (number % 90)}." for name in "ab" for number in range(2_000))
    assert Counter(every_line(path)) == wanted


@posix
def test_a_sink_that_fails_fails_no_call_is_told_once_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    record = Record(folder / "calls")

    def call() -> str:
        with record.audit.call(7, ADA):
            return "answer"

    (folder / "calls").unlink()
    folder.rmdir()
    with caplog.at_level(logging.WARNING, "pica_mcp"):
        assert [call() for _ in range(3)] == ["answer"] * 3
        assert [entry.levelname for entry in caplog.records] == ["ERROR"]
        assert record.audit.failures == 3
        folder.mkdir()
        assert [call() for _ in range(2)] == ["answer"] * 2
    assert [entry.levelname for entry in caplog.records] == ["ERROR", "WARNING"]
    assert "3 times" in caplog.text
    assert len(record.text().splitlines()) == 2


@posix
def test_a_full_file_that_cannot_be_put_aside_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = File(tmp_path / "calls", max_bytes=10)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refuse)
    for number in range(5):
        with pytest.raises(PermissionError):
            sink.write(b"%09d\n" % number)
    sink.close()
    assert every_line(tmp_path / "calls") == [f"{number:09d}" for number in range(5)]


@posix
def test_a_client_that_never_reads_our_standard_error_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    audit = Audit(Stream(writing), key=lambda: b"key")
    with caplog.at_level(logging.INFO, "pica_mcp"):
        for _ in range(1_000):
            with audit.call(7, ADA) as entry:
                fill(entry)
        assert 0 < audit.failures < 1_000
        assert not caplog.records  # it would go to the same standard error
        held = os.read(reading, 1_000_000)
        assert held.endswith(b"\n")
        assert all(json.loads(line) for line in held.splitlines())
        with audit.call(8, ADA):
            pass
        assert json.loads(os.read(reading, 1_000_000))["request"] == "8"
        assert f"{audit.failures} times" in caplog.text
    os.close(reading)
    os.close(writing)


@posix
def test_a_client_that_closed_our_standard_error_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    audit = Audit(Stream(writing), key=lambda: b"key")
    with audit.call(7, ADA):
        pass
    with pytest.raises(ZeroDivisionError), audit.call(7, ADA):
        raise ZeroDivisionError
    os.close(writing)
    assert audit.failures == 2
    assert [entry.levelname for entry in caplog.records] == ["ERROR"]


TORN = """
import resource, signal, sys
from pathlib import Path
from pica_mcp.audit import File

sink = File(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (15, resource.RLIM_INFINITY))
for line in (b"the first\\n", b"the second\\n", b"the third\\n"):
    try:
        sink.write(line)
    except OSError as error:
        print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.write(b"the fourth\\n")
sink.write(b"the fifth\\n")
"""


@posix
def test_a_line_that_a_full_disk_tore_does_not_spoil_the_next(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", TORN, str(tmp_path / "calls")], capture_output=True, text=True, timeout=60, check=True
    )
    assert child.stdout.splitlines() == ["a line was written in part", "File too large"]
    assert (tmp_path / "calls").read_text().splitlines() == ["the first", "the s", "the fourth", "the fifth"]


STDERR = """
import os, sys
from pica_mcp.access import Identity
from pica_mcp.audit import Audit, open_sink

try:
    sink = open_sink("stderr")
except ValueError as error:
    sys.exit(str(print(error)) and 3)
os.close(2)
other = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
assert other == 2
with Audit(sink, key=lambda: b"key").call(7, Identity("ada")):
    pass
"""


@posix
def test_lines_go_to_standard_error_and_never_to_what_took_its_number(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", STDERR, str(tmp_path / "other")], stderr=subprocess.PIPE, timeout=60, check=True
    )
    assert json.loads(child.stderr)["caller"] == "ada"
    assert (tmp_path / "other").read_bytes() == b""


@posix
def test_a_closed_standard_error_is_told_at_the_start(tmp_path: Path) -> None:
    child = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" x 2>&-', sys.executable, STDERR],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (child.returncode, child.stdout[:30]) == (3, b"something that can be written ")
