"""The room of usage: what the record of calls tells of who used what, how often, and what became of it.

Whoever may write the file may write anything into it, so nothing of a line is trusted: what is no line of the record is
counted and left out, words are cleaned, and what there may be any number of is bounded.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

from pica_mcp import text
from pica_mcp.access import Identity, IdentityType
from pica_mcp.audit import Outcome
from pica_mcp.models import as_object

Side: TypeAlias = Literal["caller", "platform", "tool", "connection"]
"""What calls are counted by."""

SIDES: tuple[Side, ...] = get_args(Side)
OTHERS = "(others)"
"""What stands for all whose names came when there were too many already."""

_MAX_LINE_BYTES = 64 * 1024
_MAX_NAMES = 10_000
_MAX_SLOWEST = 10
_MAX_WORD_CHARS = 200
_MAX_MS = 1e9
_STATUSES = range(100, 600)
_FINE = frozenset({Outcome.OK, Outcome.CANCELLED})


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the record. What was not found when it was written is empty."""

    time: datetime
    outcome: Outcome
    caller: str
    platform: str
    tool: str
    connection: str
    reason: str
    status: int | None
    ms: float

    @property
    def refused(self) -> bool:
        """Tell if the rules or the person said no."""
        return self.outcome is Outcome.DENIED

    @property
    def failed(self) -> bool:
        """Tell if it did not end well for any other reason; a call that somebody ended did not fail."""
        return self.outcome not in _FINE and not self.refused

    @property
    def why(self) -> str:
        """Why it did not end well, in a word or two; empty if it did."""
        status = f"HTTP {self.status}" if self.status and (self.failed or self.refused) else ""
        return self.reason or status


@dataclass(slots=True)
class Share:
    """The calls that have something in common."""

    calls: int = 0
    failed: int = 0
    refused: int = 0
    ms: float = 0.0
    """Of all of them together."""
    longest_ms: float = 0.0
    last: datetime | None = None

    def add(self, call: Call) -> None:
        """Count the call in."""
        self.calls += 1
        self.failed += call.failed
        self.refused += call.refused
        self.ms += call.ms
        self.longest_ms = max(self.longest_ms, call.ms)
        self.last = max(self.last or call.time, call.time)


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """A way in which calls fail or are refused."""

    platform: str
    tool: str
    outcome: Outcome
    why: str


@dataclass(slots=True)
class Usage:
    """What is counted so far; `since` leaves out what is older, `troubles_only` what ended well."""

    since: datetime | None = None
    troubles_only: bool = False
    lines: int = 0
    malformed: int = 0
    older: int = 0
    asked: int = 0
    """Questions to a person. Their answers come as calls of their own."""
    first: datetime | None = None
    last: datetime | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter[Outcome])
    """Of all calls, those that ended well included."""
    by: Mapping[Side, dict[str, Share]] = field(default_factory=lambda: {side: {} for side in SIDES})
    troubles: dict[Trouble, Share] = field(default_factory=dict[Trouble, Share])
    _slowest: list[tuple[float, int, Call]] = field(default_factory=list[tuple[float, int, Call]])

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self.outcomes.total()

    @property
    def slowest(self) -> list[Call]:
        """The calls that took longest, the longest first."""
        return [call for *_, call in sorted(self._slowest, reverse=True)]

    def shares(self, side: Side) -> list[tuple[str, Share]]:
        """Return who or what the calls were of, most calls first."""
        return sorted(self.by[side].items(), key=lambda one: (-one[1].calls, one[0]))

    def worst(self) -> list[tuple[Trouble, Share]]:
        """Return in which ways calls failed, by platform, most calls first."""
        return sorted(self.troubles.items(), key=lambda one: (one[0].platform, -one[1].calls, one[0]))

    def read(self, lines: Iterable[bytes]) -> None:
        """Count what these lines tell."""
        for line in lines:
            if not line.strip():
                continue
            self.lines += 1
            if call := read_line(line):
                self._count(call)
            else:
                self.malformed += 1

    def _count(self, call: Call) -> None:
        if self.since and call.time < self.since:
            self.older += 1
            return
        self.first = min(self.first or call.time, call.time)
        self.last = max(self.last or call.time, call.time)
        if call.outcome is Outcome.ASKED:
            self.asked += 1
            return
        self.outcomes[call.outcome] += 1
        troubled = call.failed or call.refused
        if self.troubles_only and not troubled:
            return
        for side, shares in self.by.items():
            _share(shares, str(getattr(call, side)), OTHERS).add(call)
        if troubled:
            trouble = Trouble(call.platform, call.tool, call.outcome, call.why)
            _share(self.troubles, trouble, Trouble(OTHERS, OTHERS, call.outcome, OTHERS)).add(call)
        push = heapq.heappush if len(self._slowest) < _MAX_SLOWEST else heapq.heappushpop
        push(self._slowest, (call.ms, -self.lines, call))


def _share(shares: dict[Any, Share], name: Any, others: Any) -> Share:
    """Return the share of that name; of too many names, the rest have one share together."""
    if name not in shares and len(shares) >= _MAX_NAMES:
        name = others
    return shares.setdefault(name, Share())


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file's lines, of one that is longer than any of the record only its beginning."""
    while line := file.readline(_MAX_LINE_BYTES):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_MAX_LINE_BYTES)


def read_line(line: bytes) -> Call | None:
    """Return the call that the line tells of, None if it is no line of the record."""
    try:
        row = json.loads(line.decode())
        return _call(as_object(row))
    except (ValueError, OverflowError, RecursionError):
        return None


def _call(row: Mapping[str, Any]) -> Call:
    """Raise `ValueError` or `OverflowError` for what is no call."""
    return Call(
        time=_time(_word(row, "time")),
        outcome=Outcome(_word(row, "outcome")),
        caller=_caller(row),
        platform=_word(row, "platform"),
        tool=_word(row, "tool"),
        connection=_word(row, "connection"),
        reason=_word(row, "reason"),
        status=_status(row.get("status")),
        ms=_ms(row.get("ms", 0)),
    )


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str | None):
        raise ValueError(name)  # noqa: TRY004 - one kind of error for all that a line should not be
    return text.line(value or "", _MAX_WORD_CHARS)


def _time(written: str) -> datetime:
    time = datetime.fromisoformat(written)
    if time.tzinfo is None:
        raise ValueError("time")
    return time.astimezone(UTC)


def _caller(row: Mapping[str, Any]) -> str:
    kind = _word(row, "identity_type")
    return str(Identity(_word(row, "caller") or None, IdentityType(kind) if kind else None))


def _status(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value not in _STATUSES:
        raise ValueError("status")
    return value


def _ms(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_MS:
        raise ValueError("ms")
    return float(value)
