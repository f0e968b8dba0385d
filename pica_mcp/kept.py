"""The room of what is loaded from upstream and kept for a while, one load at a time however many ask.

A load runs in a task of its own, so that a caller who gives up does not spoil it for the others. A failed load is told
to those who waited for it and never kept: what was known before stays known, with the time that it is of.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp.errors import PicaError, Unreachable, trace

logger = logging.getLogger(__name__)

_CLOSING = "The server is closing."
_LATE = "Pica did not answer in time."
_MAX_LOAD_SECONDS = 300.0

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Known(Generic[ValueT]):
    """A value as it was last loaded, and why it could not be loaded anew since, if that was due."""

    value: ValueT
    as_of: datetime
    failure: Exception | None = None


class Turns:
    """So many loads at once. Of those that wait, the one that somebody asked for last goes next."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: list[tuple[_Flight[Any], anyio.Event]] = []

    @asynccontextmanager
    async def taken(self, flight: _Flight[Any]) -> AsyncGenerator[None]:
        """Wait for a turn, and have it."""
        if self._free:
            self._free -= 1
        else:
            turn = anyio.Event()
            self._line.append((flight, turn))
            await turn.wait()
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._line:
            following = max(self._line, key=lambda waiting: waiting[0].asked_at)
            self._line.remove(following)
            following[1].set()
        else:
            self._free += 1


class Kept(Generic[ValueT]):
    """A value that is loaded when it is asked for and current for `ttl_seconds` from the beginning of its load.

    `recall` returns what is remembered of it from elsewhere, since when; it is asked first, and before each load, since
    others may have loaded it meanwhile. `turns` bound how many are loaded at once; waiting for one's turn takes nothing
    of the time that a load has.

    `changed` is called with the value before and the new one whenever they differ. The first value changes nothing,
    except for those who were told of none or went away: for them it comes as a change from None.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[ValueT]],
        ttl_seconds: float,
        tasks: TaskGroup,
        clock: Callable[[], float],
        changed: Callable[[ValueT | None, ValueT], None] | None = None,
        recall: Callable[[], Awaitable[Known[ValueT] | None]] | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._tasks = tasks
        self._clock = clock
        self._changed = changed
        self._recall = recall
        self._turns = turns
        self._known: Known[ValueT] | None = None
        self._loaded_at = 0.0
        self._flight: _Flight[ValueT] | None = None
        self._missed = False

    @property
    def at_hand(self) -> Known[ValueT] | None:
        """What is known without asking anybody."""
        return self._known

    @property
    def failed(self) -> bool:
        """Tell if the last load failed."""
        return self._missed if self._known is None else self._known.failure is not None

    async def get(self, *, fresh: bool = False) -> ValueT:
        """Return a current value, loading it if need be; `fresh` takes no load that began before.

        Raises what loading raised.
        """
        if fresh and self._flight:
            await self._flight.done.wait()
        if self._known and not fresh and self._age_seconds() < self._ttl_seconds:
            return self._known.value
        flight = self._depart()
        try:
            return await flight.landed()
        finally:
            self._missed |= not flight.outcome

    async def known(self, *, patience_seconds: float = 0) -> Known[ValueT]:
        """Return the value as it is known, at once if it was ever loaded; one that is too old is loaded behind.

        With patience, wait so long for a fresh one. Raises what the very first loading raised.
        """
        await self._remember()
        if self._known is None:
            await self.get()
        elif patience_seconds:
            with anyio.move_on_after(patience_seconds), suppress(PicaError):
                await self.get(fresh=True)
                return self._told(late=False)
            return self._told(late=True)
        age_seconds, under_way = self._age_seconds(), self._flight is not None
        if age_seconds >= self._ttl_seconds:
            self._depart()
        return self._told(late=under_way and age_seconds > 2 * self._ttl_seconds)

    async def look(self) -> Known[ValueT] | None:
        """Return what is known or remembered, waiting for no load; one that is due begins behind."""
        await self._remember()
        if self._age_seconds() >= self._ttl_seconds:
            with suppress(Unreachable):
                self._depart()
        return self._known

    def _told(self, *, late: bool) -> Known[ValueT]:
        assert self._known is not None  # noqa: S101 - a load that succeeded has set it
        return replace(self._known, failure=Unreachable(_LATE)) if late and not self._known.failure else self._known

    def _age_seconds(self) -> float:
        """Return how old the value is; the steady clock stands still while a laptop sleeps, the other one jumps."""
        return math.inf if self._known is None else max(self._clock() - self._loaded_at, _age_seconds(self._known))

    async def _remember(self) -> None:
        """Take what is remembered, if nothing is known."""
        recalled = await self._recall() if self._known is None and self._recall else None
        if recalled and self._known is None:
            self._known, self._loaded_at = recalled, self._clock() - max(0.0, _age_seconds(recalled))

    def _depart(self) -> _Flight[ValueT]:
        """Return the load under way, or a new one."""
        if self._tasks.cancel_scope.cancel_called:
            raise Unreachable(_CLOSING)
        if self._flight is None:
            flight = _Flight[ValueT]()
            self._tasks.start_soon(self._fly, flight)
            self._flight = flight
        return self._flight

    async def _fly(self, flight: _Flight[ValueT]) -> None:
        try:
            async with AsyncExitStack() as turn:
                if self._turns:
                    await turn.enter_async_context(self._turns.taken(flight))
                await self._carry(flight)
        except TimeoutError:
            self._fail(flight, Unreachable(_LATE))
        except Exception as error:  # noqa: BLE001 - carried to every waiter, where a boundary deals with it
            if not isinstance(error, PicaError):  # which does not learn where it was
                logger.error("a load failed inside\n%s", trace(error))  # noqa: TRY400 - without its words
            self._fail(flight, error)
        finally:
            self._flight = None
            flight.done.set()

    async def _carry(self, flight: _Flight[ValueT]) -> None:
        started, as_of = self._clock(), datetime.now(UTC)
        with anyio.fail_after(min(self._ttl_seconds, _MAX_LOAD_SECONDS)):
            known = self._recall and await self._recall()
            if known is None or _age_seconds(known) >= self._ttl_seconds or not self._is_news(known):
                known = Known(await self._load(), as_of)
        self._keep(known, started)
        flight.outcome.append(known.value)

    def _is_news(self, recalled: Known[ValueT]) -> bool:
        """Tell if others have loaded it since; what was remembered by this load itself is as old as it."""
        return self._known is None or (recalled.as_of - self._known.as_of).total_seconds() > _MAX_LOAD_SECONDS

    def _fail(self, flight: _Flight[ValueT], error: Exception) -> None:
        flight.failure = error
        self._missed = True
        self._known = self._known and replace(self._known, failure=error)

    def _keep(self, known: Known[ValueT], started: float) -> None:
        before, self._known, self._loaded_at = self._known, known, started
        if self._changed and (self._missed if before is None else before.value != known.value):
            self._changed(before and before.value, known.value)
        self._missed = False


def _age_seconds(known: Known[Any]) -> float:
    return (datetime.now(UTC) - known.as_of).total_seconds()


class _Flight(Generic[ValueT]):
    """One load under way; everyone who waits gets its outcome or its failure."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: list[ValueT] = []
        self.failure: Exception = Unreachable(_CLOSING)
        self.asked_at = 0.0
        """When somebody wanted to wait for it last."""

    async def landed(self) -> ValueT:
        self.asked_at = anyio.current_time()
        await self.done.wait()
        for outcome in self.outcome:
            return outcome
        raise self.failure.with_traceback(None)
