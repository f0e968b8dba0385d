"""The room of answers too long to show at once, kept for a while under names that nobody can guess.

In memory only, bounded in number and bytes; those that were not asked for the longest time go first, of an identity
that would hold more than half its own. An answer is its identity's: to anybody else it is as if it were not there.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from pica_mcp.access import Identity
from pica_mcp.errors import UnknownResult

_MAX_BYTES = 64 * 1024 * 1024
_MAX_COUNT = 256
_TTL_SECONDS = 3600.0
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Stored:
    """The body of an answer: from which platform, of what type, and what a file of it would be called."""

    source: str
    media_type: str
    body: bytes = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    identity: Identity
    answer: Stored
    until: float


class Store:
    """Keeps answers. Its bounds are for all identities together; `ttl_seconds` run from when an answer was kept."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        max_bytes: int = _MAX_BYTES,
        max_count: int = _MAX_COUNT,
        ttl_seconds: float = _TTL_SECONDS,
    ) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._ttl_seconds = ttl_seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def put(self, identity: Identity, answer: Stored) -> str | None:
        """Return the id under which the identity finds the answer, or None if it is too big to be kept at all."""
        size = len(answer.body)
        if size > self._max_bytes or self._max_count < 1:
            return None
        self._expire()
        while self._bytes + size > self._max_bytes or len(self._kept) >= self._max_count:
            self._forget(self._next_to_go(identity, size))
        result_id = f"r_{secrets.token_urlsafe(_ID_BYTES)}"
        self._kept[result_id] = _Kept(identity, answer, self._clock() + self._ttl_seconds)
        self._bytes += size
        return result_id

    def get(self, identity: Identity, result_id: str) -> Stored:
        """Return the identity's answer of this id. Raises `UnknownResult`, whatever the reason that it has none."""
        self._expire()
        kept = self._kept.get(result_id)
        if kept is None or kept.identity != identity:
            raise UnknownResult("There is no result of this id; it may have expired.", "Make the call again.")
        self._kept.move_to_end(result_id)
        return kept.answer

    def _next_to_go(self, identity: Identity, size: int) -> str:
        """Return which answer makes room: one of the identity's own if it would hold more than half of everything."""
        own = {result_id: len(kept.answer.body) for result_id, kept in self._kept.items() if kept.identity == identity}
        greedy = 2 * (len(own) + 1) > self._max_count or 2 * (sum(own.values()) + size) > self._max_bytes
        return next(iter(own if own and greedy else self._kept))

    def _expire(self) -> None:
        now = self._clock()
        for result_id in [result_id for result_id, kept in self._kept.items() if kept.until <= now]:
            self._forget(result_id)

    def _forget(self, result_id: str) -> None:
        self._bytes -= len(self._kept.pop(result_id).answer.body)
