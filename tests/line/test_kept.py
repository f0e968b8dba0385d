"""One value from upstream: loaded once for everybody, kept for a while, and known for longer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pica_mcp.errors import Unreachable
from pica_mcp.kept import Kept, Turns

from .conftest import Clock


@dataclass
class Source:
    """Something to load from: counts its loads, and holds them until it is let go."""

    loads: int = 0
    failure: Exception | None = None
    hold: bool = False
    go: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self) -> int:
        self.loads += 1
        if self.hold:
            await self.go.wait()
        await checkpoint()
        if self.failure:
            raise self.failure
        return self.loads


Open = Callable[[Callable[[], Awaitable[int]]], Kept[int]]


@asynccontextmanager
async def keeping(clock: Clock) -> AsyncGenerator[Open]:
    """Open a place for values that are kept for ten seconds."""
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            yield lambda load: Kept(load, 10.0, tasks, clock)
            tasks.cancel_scope.cancel()


async def test_twenty_who_ask_at_once_share_one_load(clock: Clock) -> None:
    source = Source(hold=True)
    got: list[int] = []
    async with keeping(clock) as keep:
        kept = keep(source)

        async def ask() -> None:
            got.append(await kept.get())

        async with anyio.create_task_group() as callers:
            for _ in range(20):
                callers.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            source.go.set()
    assert got == [1] * 20
    assert source.loads == 1


async def test_a_value_is_kept_until_its_time_is_over(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
        assert await kept.get() == 1
        clock.now += 9.999
        assert await kept.get() == 1
        clock.now += 0.001
        assert await kept.get() == 2


async def test_the_time_counts_from_the_start_of_the_load_since_the_answer_may_be_that_old(clock: Clock) -> None:
    source = Source(hold=True)
    async with keeping(clock) as keep:
        kept = keep(source)
        async with anyio.create_task_group() as callers:
            callers.start_soon(kept.get)
            await anyio.wait_all_tasks_blocked()
            clock.now += 9
            source.go.set()
        clock.now += 0.999
        assert await kept.get() == 1
        clock.now += 0.001
        assert await kept.get() == 2


async def test_a_fresh_value_is_loaded_though_one_is_kept_and_is_kept_in_its_place(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
        assert await kept.get() == 1
        assert await kept.get(fresh=True) == 2
        assert await kept.get() == 2


async def test_a_failed_load_is_told_to_all_who_waited_and_the_next_who_asks_loads_again(clock: Clock) -> None:
    source = Source(hold=True, failure=Unreachable("Pica is out of order."))
    told: list[str] = []
    async with keeping(clock) as keep:
        kept = keep(source)

        async def ask() -> None:
            with pytest.raises(Unreachable) as caught:
                await kept.get()
            told.append(str(caught.value))

        async with anyio.create_task_group() as callers:
            for _ in range(5):
                callers.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            source.go.set()
        assert told == ["Pica is out of order."] * 5
        assert source.loads == 1
        source.failure = None
        assert await kept.get() == 2


async def test_an_unexpected_failure_reaches_the_one_who_waits_and_stops_nobody_else(clock: Clock) -> None:
    async with keeping(clock) as keep:
        broken, other = keep(Source(failure=ZeroDivisionError())), keep(Source())
        with pytest.raises(ZeroDivisionError):
            await broken.get()
        assert await other.get() == 1


async def test_a_failed_refresh_leaves_what_is_kept(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        assert await kept.get() == 1
        source.failure = Unreachable("Pica is out of order.")
        with pytest.raises(Unreachable):
            await kept.get(fresh=True)
        assert await kept.get() == 1


async def test_one_who_gives_up_does_not_spoil_the_load_for_the_others(clock: Clock) -> None:
    source = Source(hold=True)
    got: list[int] = []
    async with keeping(clock) as keep:
        kept = keep(source)

        async def ask() -> None:
            got.append(await kept.get())

        async with anyio.create_task_group() as patient, anyio.create_task_group() as impatient:
            impatient.start_soon(ask)
            await anyio.wait_all_tasks_blocked()  # so that it is the first who asks that gives up
            patient.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
            source.go.set()
    assert got == [1]
    assert source.loads == 1


async def test_a_load_that_nobody_waits_for_any_more_is_kept_all_the_same(clock: Clock) -> None:
    source = Source(hold=True)
    async with keeping(clock) as keep:
        kept = keep(source)
        async with anyio.create_task_group() as callers:
            callers.start_soon(kept.get)
            await anyio.wait_all_tasks_blocked()
            callers.cancel_scope.cancel()
        source.go.set()
        assert await kept.get() == 1
        assert source.loads == 1


async def test_a_load_that_is_stopped_at_the_end_is_an_error_and_no_value(clock: Clock) -> None:
    told: list[str] = []
    async with anyio.create_task_group() as callers:
        async with anyio.create_task_group() as tasks:
            kept = Kept(Source(hold=True), 10.0, tasks, clock)

            async def ask() -> None:
                with pytest.raises(Unreachable) as caught:
                    await kept.get()
                told.append(str(caught.value))

            callers.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        callers.cancel_scope.cancel()
    assert told == ["The server is closing."]


async def test_asking_after_the_end_is_an_error_every_time_and_never_hangs(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
    for _ in range(2):
        with anyio.fail_after(1), pytest.raises((RuntimeError, Unreachable)):
            await kept.get()


async def test_a_fresh_value_is_never_one_whose_load_began_before(clock: Clock) -> None:
    source = Source(hold=True)
    got: dict[str, int] = {}
    async with keeping(clock) as keep:
        kept = keep(source)

        async def ask(name: str, *, fresh: bool) -> None:
            got[name] = await kept.get(fresh=fresh)

        async with anyio.create_task_group() as callers:
            callers.start_soon(lambda: ask("plain", fresh=False))
            await anyio.wait_all_tasks_blocked()
            for name in ("one", "two", "three"):
                callers.start_soon(lambda name=name: ask(name, fresh=True))
            await anyio.wait_all_tasks_blocked()
            source.go.set()
    assert got == {"plain": 1, "one": 2, "two": 2, "three": 2}
    assert source.loads == 2


# What is known, current or not


async def test_what_is_too_old_is_told_at_once_and_loaded_behind(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
        assert (await kept.known()).value == 1
        clock.now += 10
        assert (await kept.known()).value == 1
        await anyio.wait_all_tasks_blocked()
        assert (await kept.known()).value == 2


async def test_what_is_current_is_not_loaded_again_by_looking(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        for _ in range(3):
            await kept.known()
            await anyio.wait_all_tasks_blocked()
    assert source.loads == 1


async def test_after_a_failure_the_old_value_stays_known_and_says_why_until_a_load_succeeds(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        first = await kept.known()
        assert first.failure is None
        source.failure = Unreachable("Pica is out of order.")
        clock.now += 10
        await kept.known()
        await anyio.wait_all_tasks_blocked()
        stale = await kept.known()
        assert (stale.value, stale.as_of, str(stale.failure)) == (1, first.as_of, "Pica is out of order.")
        with pytest.raises(Unreachable):
            await kept.get()
        source.failure = None
        await kept.get()
        renewed = await kept.known()
        assert renewed.failure is None
        assert renewed.value > 1
        assert renewed.as_of >= first.as_of


async def test_what_was_never_loaded_is_told_as_the_failure_it_was(clock: Clock) -> None:
    async with keeping(clock) as keep:
        with pytest.raises(Unreachable):
            await keep(Source(failure=Unreachable("Pica is out of order."))).known()


async def test_patience_gets_a_fresh_value_though_the_old_one_is_current(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
        await kept.get()
        assert (await kept.known(patience_seconds=5)).value == 2


async def test_patience_ends_with_what_is_known(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        await kept.get()
        source.hold = True
        assert (await kept.known(patience_seconds=0.01)).value == 1
        source.go.set()
        await anyio.wait_all_tasks_blocked()
        assert (await kept.known()).value == 2


async def test_patience_does_not_hide_an_unexpected_failure(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        await kept.get()
        source.failure = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await kept.known(patience_seconds=5)


async def test_patience_that_ends_says_so_though_nothing_failed(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        await kept.get()
        source.hold = True
        late = await kept.known(patience_seconds=0.01)
        assert (late.value, str(late.failure)) == (1, "Pica did not answer in time.")
        source.go.set()


async def test_what_is_far_too_old_says_so_while_it_is_loaded(clock: Clock) -> None:
    source = Source()
    async with keeping(clock) as keep:
        kept = keep(source)
        await kept.get()
        source.hold = True
        clock.now += 21
        assert (await kept.known()).failure is None  # nobody has asked till now
        await anyio.wait_all_tasks_blocked()
        assert str((await kept.known()).failure) == "Pica did not answer in time."
        source.go.set()


async def test_a_value_from_before_the_machine_slept_is_too_old_for_acting(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
        await kept.get()
        assert kept._known
        kept._known = replace(kept._known, as_of=kept._known.as_of - timedelta(seconds=11))
        assert await kept.get() == 2


async def test_a_load_that_never_ends_ends_with_the_time_that_its_value_would_be_good_for(clock: Clock) -> None:
    source = Source(hold=True)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            kept = Kept(source, 0.05, tasks, clock)
            with pytest.raises(Unreachable, match="in time"):
                await kept.get()


async def test_a_load_that_cannot_begin_does_not_block_the_next_one(clock: Clock) -> None:
    async with keeping(clock) as keep:
        kept = keep(Source())
    kept._tasks.cancel_scope = anyio.CancelScope()  # the group is over, though nothing says that it was cancelled
    for _ in range(2):
        with anyio.fail_after(1), pytest.raises((RuntimeError, AttributeError)):
            await kept.get()


# Taking turns


async def test_of_those_that_wait_for_their_turn_the_one_that_was_asked_for_last_is_loaded_next(clock: Clock) -> None:
    sources = [Source(hold=True) for _ in range(3)]
    turns = Turns(1)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            kept = [Kept(source, 10.0, tasks, clock, turns=turns) for source in sources]
            for one in kept:
                await one.look()
                await anyio.wait_all_tasks_blocked()
            for one in kept[1:]:
                tasks.start_soon(one.get)
                await anyio.wait_all_tasks_blocked()
            assert [source.loads for source in sources] == [1, 0, 0]
            sources[0].go.set()
            await anyio.wait_all_tasks_blocked()
            assert [source.loads for source in sources] == [1, 0, 1]
            tasks.cancel_scope.cancel()


async def refused(kept: Kept[int]) -> None:
    with pytest.raises(Unreachable):
        await kept.get()


async def test_a_load_that_fails_lets_the_next_one_have_its_turn(clock: Clock) -> None:
    turns = Turns(1)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            failing = Kept(Source(failure=Unreachable("Pica is out of order.")), 10.0, tasks, clock, turns=turns)
            other = Kept(Source(), 10.0, tasks, clock, turns=turns)
            tasks.start_soon(refused, failing)
            assert await other.get() == 1
            assert await other.get(fresh=True) == 2


async def test_waiting_for_a_turn_takes_nothing_of_the_time_that_a_load_has(clock: Clock) -> None:
    turns = Turns(1)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                await Kept(Source(hold=True), 0.05, tasks, clock, turns=turns).look()
            await anyio.wait_all_tasks_blocked()
            assert await Kept(Source(), 0.05, tasks, clock, turns=turns).get() == 1


# What changed


@dataclass
class Told:
    """A source of the same value until it is changed, and what was told of it."""

    value: int = 1
    failure: Exception | None = None
    changes: list[tuple[int | None, int]] = field(default_factory=list[tuple[int | None, int]])

    async def load(self) -> int:
        await checkpoint()
        if self.failure:
            raise self.failure
        return self.value

    def heard(self, before: int | None, after: int) -> None:
        self.changes.append((before, after))


async def test_only_a_different_value_is_a_change(clock: Clock) -> None:
    told = Told()
    async with anyio.create_task_group() as tasks:
        kept = Kept(told.load, 10.0, tasks, clock, told.heard)
        for value in (1, 1, 2, 2, 1):
            told.value = value
            await kept.get(fresh=True)
    assert told.changes == [(1, 2), (2, 1)]


async def test_the_first_value_after_failures_is_a_change_since_somebody_was_told_of_none(clock: Clock) -> None:
    told = Told(failure=Unreachable("Pica is out of order."))
    async with anyio.create_task_group() as tasks:
        kept = Kept(told.load, 10.0, tasks, clock, told.heard)
        with pytest.raises(Unreachable):
            await kept.get()
        told.failure = None
        await kept.get()
        told.failure = Unreachable("Pica is out of order.")
        with pytest.raises(Unreachable):
            await kept.get(fresh=True)
        told.failure = None
        await kept.get(fresh=True)
    assert told.changes == [(None, 1)]


async def test_the_first_value_after_somebody_gave_up_is_a_change_for_him(clock: Clock) -> None:
    told = Told()
    async with anyio.create_task_group() as tasks:
        kept = Kept(told.load, 10.0, tasks, clock, told.heard)
        with anyio.move_on_after(0):
            await kept.get()
        await anyio.wait_all_tasks_blocked()
    assert told.changes == [(None, 1)]
