"""The room that decides whether to try again, and how long to wait first. Pure: chance is an argument.

A write is never repeated unless it provably did nothing: an agent that books twice is worse than one that asks.

    what happened                               reads       PUT, DELETE   POST, PATCH
    never sent                                  yes         yes           yes
    429 from Pica itself                        yes         yes           yes
    429 from the provider, delay known          yes         yes           once
    429 from the provider, delay unknown        yes         once          no
    502, 503, 504                               yes         once          no
    500                                         once        no            no
    timeout or broken connection after sending  yes         no            no
    anything else                               no          no            no

Reads are GET, HEAD and OPTIONS.

Anchors: RFC 9110 9.2.2 (idempotent methods), 10.2.3 (Retry-After); botocore's standard mode (full jitter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import isfinite

MAX_ATTEMPTS = 3
MAX_WAIT_SECONDS = 10.0
"""A longer wait is the caller's to decide on, so it is reported instead of slept."""

_MONTH_SECONDS = 31 * 24 * 3600.0
_BASE_SECONDS = 0.5
_THROTTLED_BASE_SECONDS = 1.0
_CAP_SECONDS = 8.0


class Failure(Enum):
    """What a failed attempt proves."""

    UNSENT = auto()
    BROKEN = auto()
    OWN_LIMIT = auto()
    PROVIDER_LIMIT = auto()
    UNAVAILABLE = auto()
    SERVER_ERROR = auto()
    FINAL = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; `delay_seconds` is what the provider asked us to wait."""

    failure: Failure
    delay_seconds: float | None = None


# Extra attempts for reads, for idempotent writes, for other writes.
_ALWAYS = MAX_ATTEMPTS - 1
_EXTRA: Mapping[Failure, tuple[int, int, int]] = {
    Failure.UNSENT: (_ALWAYS, _ALWAYS, _ALWAYS),
    Failure.OWN_LIMIT: (_ALWAYS, _ALWAYS, _ALWAYS),
    Failure.PROVIDER_LIMIT: (_ALWAYS, 1, 0),
    Failure.UNAVAILABLE: (_ALWAYS, 1, 0),
    Failure.SERVER_ERROR: (1, 0, 0),
    Failure.BROKEN: (_ALWAYS, 0, 0),
    Failure.FINAL: (0, 0, 0),
}
_EXTRA_PROVIDER_LIMIT_KNOWN = (_ALWAYS, _ALWAYS, 1)


def status_outcome(status: int, *, by_provider: bool, delay_seconds: float | None) -> Outcome:
    """Return what an HTTP status means for trying again."""
    if status == 429:
        # Pica's own limit claims 60 seconds whatever is true, so its delay is not believed.
        return Outcome(Failure.PROVIDER_LIMIT, delay_seconds) if by_provider else Outcome(Failure.OWN_LIMIT)
    if status in (502, 503, 504):
        return Outcome(Failure.UNAVAILABLE, delay_seconds)
    return Outcome(Failure.SERVER_ERROR if status == 500 else Failure.FINAL)


def wait_seconds(attempt: int, method: str, outcome: Outcome, chance: float) -> float | None:
    """Return how long to wait before the next attempt, None to stop.

    `attempt` counts from 1, `chance` is in [0, 1). A delay that the provider asked for is obeyed, up to
    `MAX_WAIT_SECONDS`; beyond that, stop and report it.
    """
    if attempt > _extra(method, outcome):
        return None
    if outcome.delay_seconds is not None:
        return outcome.delay_seconds if outcome.delay_seconds <= MAX_WAIT_SECONDS else None
    limited = outcome.failure in (Failure.OWN_LIMIT, Failure.PROVIDER_LIMIT)
    base = _THROTTLED_BASE_SECONDS if limited else _BASE_SECONDS
    return chance * min(_CAP_SECONDS, base * 2.0 ** (attempt - 1))


def _extra(method: str, outcome: Outcome) -> int:
    kind = 0 if method in ("GET", "HEAD", "OPTIONS") else 1 if method in ("PUT", "DELETE") else 2
    known = outcome.failure is Failure.PROVIDER_LIMIT and outcome.delay_seconds is not None
    return (_EXTRA_PROVIDER_LIMIT_KNOWN if known else _EXTRA[outcome.failure])[kind]


def delay_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the delay that a response asks for, None if it says nothing that can be believed.

    Reads `retry-after-ms`, `retry-after` (seconds or HTTP date), then `x-ratelimit-reset` and `ratelimit-reset`:
    above 1e12 they are epoch milliseconds, above 1e9 epoch seconds, else a delay. `headers` are lower case. Nobody is
    told to wait for more than a month.
    """
    told = _told_seconds(headers, now)
    return None if told is None or told > _MONTH_SECONDS else told


def _told_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    after = headers.get("retry-after")
    if (seconds := _number(after)) is not None:
        return seconds
    if after and (date := _date(after)):
        return max(0.0, (date - now).total_seconds())
    resets = (_number(headers.get(name)) for name in ("x-ratelimit-reset", "ratelimit-reset"))
    reset = next((number for number in resets if number is not None), None)
    if reset is None:
        return None
    epoch = reset / 1000 if reset > 1e12 else reset
    return max(0.0, epoch - now.timestamp()) if reset > 1e9 else reset


def _number(value: str | None) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
