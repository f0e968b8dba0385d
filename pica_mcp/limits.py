"""The room of how much runs at once: slots, a queue before them, and turns, so that nobody starves anybody.

No caller and no platform holds more than three quarters of the slots, nor of the queue; and of what a caller may hold,
no platform has more than three quarters, so that one which hangs does not starve an only caller either. Slots that
become free go round the callers in turn, and for one caller round his platforms; calls of one caller for one platform
are first in, first out. Nobody waits who could have a slot, so a newcomer who can have one overtakes nobody.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import TypeVar

import anyio

from pica_mcp.errors import Busy

_FIRST_GUESS_SECONDS = 1.0
_WEIGHT = 1 / 16
"""Of the latest call, in the moving average of how long one takes."""

_MIN_RETRY_SECONDS = 1
_MAX_RETRY_SECONDS = 60

KeyT = TypeVar("KeyT")


class Limits:
    """Lets calls through: at most `slots` at once, while at most `queue` wait."""

    def __init__(self, slots: int = 128, queue: int = 4_096, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._flying = _Places(slots)
        self._queued = _Places(queue)
        self._lines: dict[str, OrderedDict[Hashable, _Waiting]] = {}
        """Platform → those who wait for it; each line is in the order of turns."""
        self._callers: dict[Hashable, OrderedDict[str, _Waiting]] = {}
        """The same by caller; his platforms are in the order in which it is their turn."""
        self._turn = 0
        self._mean_seconds = _FIRST_GUESS_SECONDS

    @asynccontextmanager
    async def slot(self, caller: Hashable, platform: str) -> AsyncGenerator[None]:
        """Hold a slot, after waiting for it if need be. Raises `Busy` at once where the queue has no place either."""
        if self._flying.admits(caller, platform):
            self._flying.take(caller, platform)
        else:
            await self._wait(caller, platform)
        since = self._clock()
        try:
            yield
        finally:
            self._mean_seconds += _WEIGHT * (self._clock() - since - self._mean_seconds)
            self._free(caller, platform)

    async def _wait(self, caller: Hashable, platform: str) -> None:
        if not self._queued.admits(caller, platform):
            raise Busy(self._retry_seconds())
        called = anyio.Event()
        self._join(caller, platform, called)
        try:
            await called.wait()
        except BaseException:
            # Given up in the very moment of being called: the slot is his already.
            if called.is_set():
                self._free(caller, platform)
            else:
                self._leave(caller, platform, called)
            raise

    def _retry_seconds(self) -> int:
        """Return how long a full queue takes; a full share of it takes as long, having that share of the slots."""
        seconds = self._mean_seconds * self._queued.size / self._flying.size
        return min(max(_MIN_RETRY_SECONDS, ceil(seconds)), _MAX_RETRY_SECONDS)

    def _free(self, caller: Hashable, platform: str) -> None:
        """Give the slot back, and call whoever can have one now: two, if both the caller and the platform were full."""
        self._flying.give_back(caller, platform)
        while self._queued.taken and self._flying.taken < self._flying.size and (following := self._following()):
            self._call(*following)

    def _following(self) -> tuple[Hashable, str] | None:
        """Return who is to have a free slot, None if all who wait are held back by their shares.

        A look at each platform that is waited for. While a slot is free, two shares of three quarters cannot both be
        full: at most one platform is passed over, and at most two callers at the head of each line.
        """
        heads: list[tuple[int, Hashable, str]] = []
        for platform, line in self._lines.items():
            if self._flying.platform_full(platform):
                continue
            for caller, waiting in line.items():
                if not self._flying.caller_full(caller, platform):
                    heads.append((waiting.turn, caller, platform))
                    break
        return min(heads)[1:] if heads else None

    def _join(self, caller: Hashable, platform: str, called: anyio.Event) -> None:
        self._queued.take(caller, platform)
        waiting = self._lines.setdefault(platform, OrderedDict()).get(caller)
        if waiting is None:
            waiting = _Waiting(self._next_turn())
            self._lines[platform][caller] = waiting
            self._callers.setdefault(caller, OrderedDict())[platform] = waiting
        waiting.calls[called] = None

    def _call(self, caller: Hashable, platform: str) -> None:
        """Give a slot to the caller's first call for the platform; then it is everybody else's turn."""
        self._flying.take(caller, platform)
        called = next(iter(self._lines[platform][caller].calls))
        called.set()
        self._callers[caller].move_to_end(platform)
        for other, waiting in self._callers[caller].items():
            waiting.turn = self._next_turn()
            self._lines[other].move_to_end(caller)
        self._leave(caller, platform, called)

    def _leave(self, caller: Hashable, platform: str, called: anyio.Event) -> None:
        self._queued.give_back(caller, platform)
        line, platforms = self._lines[platform], self._callers[caller]
        del line[caller].calls[called]
        if not line[caller].calls:
            del line[caller], platforms[platform]
        if not line:
            del self._lines[platform]
        if not platforms:
            del self._callers[caller]

    def _next_turn(self) -> int:
        self._turn += 1
        return self._turn


class _Places:
    """How many of `size` places are taken, in all, by each caller, on each platform, and by each on each."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self._share = max(1, size * 3 // 4)
        self._share_of_share = max(1, self._share * 3 // 4)
        self._callers: dict[Hashable, int] = {}
        self._platforms: dict[str, int] = {}
        self._both: dict[tuple[Hashable, str], int] = {}

    def admits(self, caller: Hashable, platform: str) -> bool:
        """Tell if there is a place for the caller on the platform."""
        return self.taken < self.size and not (self.caller_full(caller, platform) or self.platform_full(platform))

    def caller_full(self, caller: Hashable, platform: str) -> bool:
        """Tell if the caller has his share, or this platform its share of that."""
        on_platform = self._both.get((caller, platform), 0)
        return self._callers.get(caller, 0) >= self._share or on_platform >= self._share_of_share

    def platform_full(self, platform: str) -> bool:
        """Tell if the platform has its share."""
        return self._platforms.get(platform, 0) >= self._share

    def take(self, caller: Hashable, platform: str) -> None:
        """Take a place."""
        self.taken += 1
        self._callers[caller] = self._callers.get(caller, 0) + 1
        self._platforms[platform] = self._platforms.get(platform, 0) + 1
        self._both[caller, platform] = self._both.get((caller, platform), 0) + 1

    def give_back(self, caller: Hashable, platform: str) -> None:
        """Give a place back; who has none left is forgotten."""
        self.taken -= 1
        _count_down(self._callers, caller)
        _count_down(self._platforms, platform)
        _count_down(self._both, (caller, platform))


def _count_down(counts: dict[KeyT, int], key: KeyT) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


@dataclass(slots=True)
class _Waiting:
    """The calls of one caller for one platform, first in, first out; the lowest turn of all is the next."""

    turn: int
    calls: OrderedDict[anyio.Event, None] = field(default_factory=OrderedDict[anyio.Event, None])
