"""What the record of calls tells, and that whoever wrote something else into it changes nothing but a count."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pica_mcp import usage as room
from pica_mcp.access import Identity, IdentityType
from pica_mcp.audit import Audit, File, Outcome, files_of
from pica_mcp.errors import Reason, Refused, Unreachable
from pica_mcp.usage import OTHERS, Usage, lines_of, read_line

LINE: dict[str, Any] = {
    "time": "2026-11-21T08:30:10.151Z",
    "request": "4",
    "caller": "ada",
    "identity_type": "user",
    "tool": "gmail_list_messages",
    "action": "conn_mod_def::1",
    "platform": "gmail",
    "connection": "eceb9331664582cc",
    "effect": "read",
    "decision": "allowed",
    "reason": None,
    "outcome": "ok",
    "status": 200,
    "attempts": 1,
    "sent": 0,
    "received": 412,
    "ms": 6.1,
}


def written(**facts: Any) -> bytes:
    return json.dumps(LINE | facts).encode() + b"\n"


def counted(*lines: bytes, **options: Any) -> Usage:
    usage = Usage(**options)
    usage.read(lines)
    return usage


def calls(usage: Usage, side: Any) -> dict[str, int]:
    return {name: share.calls for name, share in usage.shares(side)}


def test_a_line_is_what_the_record_says_of_a_call() -> None:
    call = read_line(written())
    assert call is not None
    assert call.time == datetime(2026, 11, 21, 8, 30, 10, 151_000, UTC)
    assert (call.caller, call.platform, call.tool) == ("user ada", "gmail", "gmail_list_messages")
    assert (call.connection, call.outcome, call.ms) == ("eceb9331664582cc", Outcome.OK, 6.1)
    assert (call.failed, call.refused, call.why) == (False, False, "")


def test_what_the_server_writes_is_read_whatever_became_of_the_call(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    sink = File(path)
    audit = Audit(sink, key=lambda: b"key")
    whole, ada = Identity(), Identity("ada", IdentityType.USER)
    errors = [Refused("No.", reason=Reason.PERMISSION), Unreachable("Away."), ValueError(), KeyboardInterrupt()]
    with audit.call(1, whole):
        pass
    for error in errors:
        with suppress(BaseException), audit.call("2", ada) as entry:
            entry.tool, entry.platform, entry.connection = "gmail_send_email", "gmail", "live::gmail::default::1"
            raise error
    audit.close()
    usage = Usage()
    with path.open("rb") as file:
        usage.read(lines_of(file))
    assert (usage.malformed, usage.calls, calls(usage, "caller")) == (0, 5, {"user ada": 4, "the whole account": 1})
    told = {(trouble.outcome, trouble.why): share.calls for trouble, share in usage.worst()}
    assert told == {("denied", "permission"): 1, ("error", "unreachable"): 1, ("crashed", "value_error"): 1}


def test_the_files_that_the_server_put_aside_are_found(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    sink = File(path, max_bytes=1)
    for _ in range(3):
        sink.write(written())
    sink.close()
    (tmp_path / "calls.jsonl.bak").touch()
    *found, last = files_of(str(path))
    assert (len(found), found, last) == (3, sorted(found), path)
    assert {one.name.partition(".jsonl.")[0] for one in found} == {"calls"}
    nowhere = tmp_path / "nowhere" / "calls.jsonl"
    assert files_of(str(nowhere)) == [nowhere]


@pytest.mark.parametrize(
    ("outcome", "failed", "refused"),
    [
        ("ok", 0, 0),
        ("cancelled", 0, 0),
        ("denied", 0, 1),
        *((outcome, 1, 0) for outcome in ("error", "invalid", "busy", "timeout", "unknown", "crashed")),
    ],
)
def test_what_did_not_end_well_failed_or_was_refused(outcome: str, failed: int, refused: int) -> None:
    ((_, share),) = counted(written(outcome=outcome)).shares("platform")
    assert (share.calls, share.failed, share.refused) == (1, failed, refused)


def test_a_question_to_a_person_is_no_call() -> None:
    usage = counted(written(outcome="asked"), written(decision="confirmed"))
    assert (usage.calls, usage.asked, calls(usage, "tool")) == (1, 1, {"gmail_list_messages": 1})


def test_failures_are_told_by_platform_with_their_reasons_most_of_them_first() -> None:
    usage = counted(
        written(outcome="error", status=404),
        *[written(outcome="error", status=500)] * 2,
        written(outcome="denied", reason="permission", platform="exa", tool="exa_search"),
        written(outcome="timeout", reason="timed_out", status=None, platform=None),
        written(),
    )
    assert [(trouble.platform, trouble.outcome, trouble.why, share.calls) for trouble, share in usage.worst()] == [
        ("", "timeout", "timed_out", 1),
        ("exa", "denied", "permission", 1),
        ("gmail", "error", "HTTP 500", 2),
        ("gmail", "error", "HTTP 404", 1),
    ]


def test_shares_are_in_the_order_of_their_calls_and_then_of_their_names() -> None:
    usage = counted(*(written(tool=tool) for tool in "cbbaab"), written(tool=None))
    assert list(calls(usage, "tool").items()) == [("b", 3), ("a", 2), ("", 1), ("c", 1)]


def test_the_time_that_calls_took_is_counted_and_the_slowest_are_told() -> None:
    usage = counted(*(written(ms=ms, tool=f"t{ms}") for ms in [*range(20), 7]))
    ((_, share),) = usage.shares("platform")
    assert (share.ms, share.longest_ms) == (197, 19)
    assert [call.ms for call in usage.slowest] == list(range(19, 9, -1))


def test_what_is_older_is_left_out_and_counted() -> None:
    usage = counted(written(time="2026-11-21T08:30:00Z"), written(), since=datetime(2026, 11, 21, 8, 30, 1, tzinfo=UTC))
    assert (usage.calls, usage.older, usage.lines) == (1, 1, 2)
    assert usage.first == usage.last == datetime(2026, 11, 21, 8, 30, 10, 151_000, UTC)


def test_the_time_span_does_not_depend_on_the_order_of_lines() -> None:
    times = ["2026-11-03T00:00:00Z", "2026-11-01T00:00:00+02:00", "2026-11-02T00:00:00Z"]
    usage = counted(*(written(time=time) for time in times))
    assert (usage.first, usage.last) == (datetime(2026, 10, 31, 22, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))


def test_failures_alone_leave_out_what_ended_well_but_for_the_totals() -> None:
    usage = counted(written(), written(outcome="error"), written(outcome="cancelled"), troubles_only=True)
    assert (usage.calls, calls(usage, "caller"), len(usage.slowest)) == (3, {"user ada": 1}, 1)


@pytest.mark.parametrize(
    "line",
    [
        b"warning: something else\n",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        written()[:100],
        written(time="yesterday"),
        written(time="2026-11-21T08:30:10"),
        written(time="0001-01-01T00:00:00+14:00"),
        written(time=7),
        written(outcome="fine"),
        written(outcome=None),
        written(caller=["ada"]),
        written(identity_type="robot"),
        written(status=7),
        written(status=True),
        written(status="200"),
        written(ms=-1),
        written(ms=True),
        written(ms=float("nan")),
        written(ms=float("inf")),
        written(ms=None),
        written(tool={"name": "x"}),
    ],
)
def test_what_is_no_line_of_the_record_is_counted_and_changes_nothing_else(line: bytes) -> None:
    usage = counted(written(), line)
    assert (usage.lines, usage.malformed, usage.calls, len(usage.shares("caller"))) == (2, 1, 1, 1)


def test_fields_that_are_missing_or_new_do_no_harm() -> None:
    bare = {"time": LINE["time"], "outcome": "ok", "invented": {"later": [1]}}
    call = read_line(json.dumps(bare).encode())
    assert call is not None
    assert (call.caller, call.platform, call.status, call.ms) == ("the whole account", "", None, 0)
    assert counted(b"\n", b"  \r\n").lines == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(LINE)), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(LINE)), JSON))
@example({"tool": "\ud800\x1b[31m\u202e", "caller": "a\nb"})
def test_whatever_a_line_holds_it_is_a_call_in_harmless_words_or_none(facts: dict[str, Any]) -> None:
    call = read_line(written(**facts))
    if call:
        words = f"{call.caller}{call.platform}{call.tool}{call.connection}{call.why}"
        assert words.encode().decode().isprintable()
        assert call.time.tzinfo is UTC


@given(st.binary(max_size=300))
def test_whatever_is_in_the_file_nothing_is_raised(content: bytes) -> None:
    usage = counted(*lines_of(io.BytesIO(content)))
    assert usage.malformed == usage.lines <= content.count(b"\n") + 1


def test_of_a_line_without_an_end_only_a_bounded_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MAX_LINE_BYTES", 1_000)
    sizes: list[int] = []

    class Watched(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            read = super().readline(size)
            sizes.append(len(read))
            return read

    lines = list(lines_of(Watched(b"x" * 5_500 + b"\n" + written() + b"y" * 1_000)))
    assert [len(line) for line in lines] == [1_000, len(written()), 1_000]
    assert max(sizes) == 1_000


def test_of_too_many_names_the_rest_have_one_share_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MAX_NAMES", 3)
    usage = counted(*(written(tool=f"t{number}", outcome="error") for number in [*range(6), 0]))
    assert calls(usage, "tool") == {"t0": 2, "t1": 1, "t2": 1, OTHERS: 3}
    assert sum(share.calls for share in usage.troubles.values()) == 7
    assert len(usage.troubles) == 4
