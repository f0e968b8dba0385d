"""The room of what is loaded from upstream and kept for a while, one load at a time however many ask.

A load runs in a task of its own, so that a caller who gives up does not spoil it for the others. A failed load is told
to those who waited for it and never kept: what was known before stays known, with the time that it is of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp.errors import PicaError, Unreachable

_CLOSING = "The server is closing."

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Known(Generic[ValueT]):
    """A value as it was last loaded, and why it could not be loaded anew since, if that was tried."""

    value: ValueT
    as_of: datetime
    failure: Exception | None = None


class Kept(Generic[ValueT]):
    """A value that is loaded when it is asked for and current for `ttl_seconds`.

    `changed` is called with the value before and the new one whenever they differ. The first value changes nothing,
    except that after failures it comes as a change from None.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[ValueT]],
        ttl_seconds: float,
        tasks: TaskGroup,
        clock: Callable[[], float],
        changed: Callable[[ValueT | None, ValueT], None] | None = None,
    ) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._tasks = tasks
        self._clock = clock
        self._changed = changed
        self._known: Known[ValueT] | None = None
        self._loaded_at = 0.0
        self._flight: _Flight[ValueT] | None = None
        self._failed = False

    async def get(self, *, fresh: bool = False) -> ValueT:
        """Return a current value, loading it if need be; `fresh` takes no load that began before.

        Raises what loading raised.
        """
        if fresh and self._flight:
            await self._flight.done.wait()
        if self._known and not fresh and self._current():
            return self._known.value
        return await self._depart().landed()

    async def known(self, *, patience_seconds: float = 0) -> Known[ValueT]:
        """Return the value as it is known, at once if it was ever loaded; one that is too old is loaded behind.

        With patience, wait so long for a fresh one. Raises what the very first loading raised.
        """
        if self._known is None:
            await self.get()
        elif patience_seconds:
            with anyio.move_on_after(patience_seconds), suppress(PicaError):
                await self.get(fresh=True)
        elif not self._current():
            self._depart()
        assert self._known is not None  # noqa: S101 - a load that succeeded has set it
        return self._known

    def _current(self) -> bool:
        return self._clock() - self._loaded_at < self._ttl_seconds

    def _depart(self) -> _Flight[ValueT]:
        """Return the load under way, or a new one."""
        if self._tasks.cancel_scope.cancel_called:
            raise Unreachable(_CLOSING)
        if self._flight is None:
            self._flight = _Flight()
            self._tasks.start_soon(self._fly, self._flight)
        return self._flight

    async def _fly(self, flight: _Flight[ValueT]) -> None:
        started, as_of = self._clock(), datetime.now(UTC)
        try:
            value = await self._load()
            self._keep(Known(value, as_of), started)
            flight.outcome.append(value)
        except Exception as error:  # noqa: BLE001 - carried to every waiter, where a boundary deals with it
            flight.failure = error
            self._failed = True
            self._known = self._known and replace(self._known, failure=error)
        finally:
            self._flight = None
            flight.done.set()

    def _keep(self, known: Known[ValueT], started: float) -> None:
        before, self._known, self._loaded_at = self._known, known, started
        if self._changed and (self._failed if before is None else before.value != known.value):
            self._changed(before and before.value, known.value)
        self._failed = False


class _Flight(Generic[ValueT]):
    """One load under way; everyone who waits gets its outcome or its failure."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: list[ValueT] = []
        self.failure: Exception = Unreachable(_CLOSING)

    async def landed(self) -> ValueT:
        await self.done.wait()
        for outcome in self.outcome:
            return outcome
        raise self.failure.with_traceback(None)
