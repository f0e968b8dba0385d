from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pica_mcp.errors import Busy
from pica_mcp.limits import Limits

ALPHABET = "abcd"
PLATFORMS = ("x", "y", "z")


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(40):
        await anyio.lowlevel.checkpoint()


class Visit:
    """One call: it waits, holds its slot until it is let go, and knows how it ended."""

    def __init__(self, caller: str, platform: str) -> None:
        self.caller = caller
        self.platform = platform
        self.state = "waiting"
        self.started = 0
        self.go = anyio.Event()
        self._scope = anyio.CancelScope()
        self._task: asyncio.Task[None] | None = None

    async def run(self, limits: Limits, clock: Iterator[int]) -> None:
        self._task = asyncio.current_task()
        with suppress(asyncio.CancelledError), self._scope:
            try:
                async with limits.slot(self.caller, self.platform):
                    self.state, self.started = "running", next(clock)
                    await self.go.wait()
                    self.state = "done"
            except Busy:
                self.state = "busy"
        if self.state in ("waiting", "running"):
            self.state = "cancelled"

    def give_up(self, way: str = "scope") -> None:
        """Be cancelled by anyio's scope, or by asyncio itself, which also cancels what has just been woken up."""
        if way == "scope":
            self._scope.cancel()
        elif self._task:
            self._task.cancel()


class Floor:
    """Limits with visits that a test lets in and out, one move at a time."""

    def __init__(self, limits: Limits, tasks: anyio.abc.TaskGroup) -> None:
        self.limits = limits
        self.visits: list[Visit] = []
        self._tasks = tasks
        self._clock = count(1)

    async def arrive(self, caller: str, platform: str, times: int = 1) -> list[Visit]:
        visits = [Visit(caller, platform) for _ in range(times)]
        for visit in visits:
            self._tasks.start_soon(visit.run, self.limits, self._clock)
        self.visits += visits
        await settle()
        return visits

    async def leave(self, visits: Iterable[Visit]) -> None:
        for visit in visits:
            visit.go.set()
        await settle()

    def running(self, caller: str | None = None, platform: str | None = None) -> int:
        return sum(
            visit.state == "running" and caller in (None, visit.caller) and platform in (None, visit.platform)
            for visit in self.visits
        )


@asynccontextmanager
async def floor(slots: int = 128, queue: int = 4_096) -> AsyncGenerator[Floor]:
    limits = Limits(slots, queue)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            yield Floor(limits, tasks)
            tasks.cancel_scope.cancel()
    assert_empty(limits)


def assert_empty(limits: Limits) -> None:
    assert (limits._flying.taken, limits._queued.taken) == (0, 0)
    for leftover in (limits._lines, limits._callers):
        assert not leftover
    for places in (limits._flying, limits._queued):
        assert not places._callers
        assert not places._platforms


def states(visits: Iterable[Visit]) -> dict[str, int]:
    return dict(Counter(visit.state for visit in visits))


async def test_as_many_calls_run_as_there_are_slots_and_the_rest_wait() -> None:
    async with floor(slots=8) as here:
        for number in range(10):
            await here.arrive(f"caller {number}", f"platform {number}")
        assert states(here.visits) == {"running": 8, "waiting": 2}
        await here.leave(here.visits[:1])
        assert states(here.visits) == {"done": 1, "running": 8, "waiting": 1}


@pytest.mark.parametrize(("slots", "share"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (128, 96)])
async def test_a_caller_and_a_platform_hold_three_quarters_at_most(slots: int, share: int) -> None:
    async with floor(slots) as here:
        for number in range(slots):
            await here.arrive("noisy", f"platform {number}")
        assert here.running() == share
    async with floor(slots) as here:
        for number in range(slots):
            await here.arrive(f"caller {number}", "hanging")
        assert here.running() == share


@pytest.mark.parametrize(("caller", "platform"), [("noisy", None), (None, "hanging")])
async def test_a_slot_that_others_give_back_is_not_given_beyond_the_share(
    caller: str | None, platform: str | None
) -> None:
    async with floor(slots=8) as here:
        for number in range(10):
            await here.arrive(caller or f"caller {number}", platform or f"platform {number}")
        others = await here.arrive("other", "other platform", 2)
        await here.leave(others)
        assert here.running() == 6


async def test_a_quiet_caller_gets_his_slot_before_a_noisy_one_gets_another() -> None:
    quiet = [f"quiet {number}" for number in range(9)]
    async with floor() as here:
        noisy = await here.arrive("noisy", "gmail", 72) + await here.arrive("noisy", "slack", 24)
        await here.arrive("other", "slack", 32)
        await here.arrive("noisy", "gmail", 2_000)
        waiting = [visit for caller in quiet for visit in await here.arrive(caller, "gmail")]
        assert states(waiting) == {"waiting": 9}
        await here.leave(noisy[:10])
        assert states(waiting) == {"running": 9}
        assert here.running("noisy") == 96 - 10 + 1


async def test_a_hanging_platform_holds_its_share_while_the_others_flow() -> None:
    async with floor() as here:
        hanging = [visit for n in range(20) for visit in await here.arrive(f"caller {n}", "hanging", 50)]
        assert here.running(platform="hanging") == 96
        for n in range(20):
            visits = await here.arrive(f"caller {n}", "gmail", 10)
            assert states(visits)["running"] >= 1
            while any(visit.state != "done" for visit in visits):
                await here.leave(visits)
        assert states(hanging) == {"running": 96, "waiting": 904}


async def test_a_hanging_platform_leaves_its_only_caller_slots_for_the_others() -> None:
    async with floor() as here:
        hanging = await here.arrive("ada", "hanging", 3_000)
        assert states(hanging) == {"running": 72, "waiting": 2_304, "busy": 624}
        for _ in range(100):
            visits = await here.arrive("ada", "gmail", 24)
            assert states(visits) == {"running": 24}
            await here.leave(visits)


async def test_a_slot_of_a_hanging_platform_goes_to_whose_turn_it_is_on_any_platform() -> None:
    async with floor(slots=8) as here:
        hanging = [visit for caller in "abc" for visit in await here.arrive(caller, "hanging", 3)]
        await here.arrive("d", "gmail", 2)
        late = await here.arrive("e", "gmail")
        assert (here.running(platform="hanging"), states(late)) == (6, {"waiting": 1})
        await here.leave(hanging[:2])
        assert (here.running(platform="hanging"), states(late)) == (5, {"running": 1})


async def test_one_slot_can_let_two_in_if_both_the_caller_and_the_platform_had_their_share() -> None:
    async with floor() as here:
        running = await here.arrive("noisy", "hanging", 72) + await here.arrive("noisy", "slack", 24)
        await here.arrive("other", "hanging", 24)
        held_back = await here.arrive("noisy", "gmail") + await here.arrive("quiet", "hanging")
        assert states(held_back) == {"waiting": 2}
        await here.leave(running[:1])
        assert states(held_back) == {"running": 2}


async def test_a_newcomer_goes_in_at_once_if_only_such_wait_as_may_not() -> None:
    async with floor(slots=8) as here:
        await here.arrive("noisy", "gmail", 50)
        assert states(await here.arrive("quiet", "slack")) == {"running": 1}


async def test_going_in_takes_no_turn_of_the_event_loop() -> None:
    limits = Limits()
    visit = limits.slot("ada", "gmail")
    with pytest.raises(StopIteration):
        visit.__aenter__().send(None)  # one that waited would yield to the loop instead
    await visit.__aexit__(None, None, None)
    assert_empty(limits)


def in_turn(arrivals: list[tuple[str, str]]) -> Iterator[int]:
    """Round the callers, and for each round his platforms: the order as it is meant."""
    ring: OrderedDict[str, OrderedDict[str, deque[int]]] = OrderedDict()
    for number, (caller, platform) in enumerate(arrivals):
        ring.setdefault(caller, OrderedDict()).setdefault(platform, deque()).append(number)
    while ring:
        caller, platforms = ring.popitem(last=False)
        platform, calls = platforms.popitem(last=False)
        yield calls.popleft()
        if calls:
            platforms[platform] = calls
        if platforms:
            ring[caller] = platforms


@given(st.lists(st.tuples(st.sampled_from(ALPHABET), st.sampled_from(PLATFORMS)), max_size=30))
def test_free_slots_go_round_the_callers_and_for_each_round_his_platforms(arrivals: list[tuple[str, str]]) -> None:
    async def served() -> list[int]:
        async with floor(slots=2) as here:
            blocking = [visit for n in range(2) for visit in await here.arrive(f"blocking {n}", f"platform {n}")]
            visits = [visit for arrival in arrivals for visit in await here.arrive(*arrival)]
            await here.leave(blocking[:1])
            while running := [visit for visit in visits if visit.state == "running"]:
                await here.leave(running)
            return sorted(range(len(visits)), key=lambda number: visits[number].started)

    assert anyio.run(served) == list(in_turn(arrivals))


async def test_beyond_the_queue_a_caller_is_told_at_once() -> None:
    async with floor(slots=4, queue=4) as here:
        for number in range(8):
            await here.arrive(f"caller {number}", f"platform {number}")
        assert states(here.visits) == {"running": 4, "waiting": 4}
        with pytest.raises(Busy):
            async with here.limits.slot("one more", "gmail"):
                pass


async def test_without_a_queue_nobody_waits() -> None:
    async with floor(slots=1, queue=0) as here:
        assert states(await here.arrive("ada", "gmail", 2)) == {"running": 1, "busy": 1}
        with pytest.raises(Busy, match="in 1 s"):
            async with here.limits.slot("ada", "gmail"):
                pass


@pytest.mark.parametrize(("caller", "platform"), [("noisy", None), (None, "hanging")])
async def test_neither_a_caller_nor_a_platform_fills_the_queue_for_the_others(
    caller: str | None, platform: str | None
) -> None:
    async with floor(slots=8, queue=16) as here:
        for number in range(40):
            await here.arrive(caller or f"caller {number}", platform or f"platform {number}")
        assert states(here.visits) == {"running": 6, "waiting": 12, "busy": 22}
        for number in range(7):
            await here.arrive(f"quiet {number}", f"quiet platform {number}")
        assert states(here.visits[40:]) == {"running": 2, "waiting": 4, "busy": 1}


async def test_whoever_held_back_no_longer_waits_after_leaving_the_queue() -> None:
    async with floor(slots=1, queue=2) as here:
        await here.arrive("a", "x")
        (waiting,) = await here.arrive("b", "y")
        assert states(await here.arrive("b", "z")) == {"busy": 1}
        waiting.give_up()
        assert states(await here.arrive("b", "z")) == {"waiting": 1}


@pytest.mark.parametrize(
    ("call_seconds", "calls", "retry_seconds"),
    [(0.0, 0, 32), (0.2, 200, 7), (0.001, 200, 1), (55.0, 200, 60), (2.0, 1, 34), (10.0, 1, 50)],
)
async def test_how_long_to_wait_is_told_by_how_long_calls_take(
    call_seconds: float, calls: int, retry_seconds: int
) -> None:
    now = 0.0
    limits = Limits(slots=4, queue=128, clock=lambda: now)
    for _ in range(calls):
        async with limits.slot("ada", "gmail"):
            now += call_seconds
    async with anyio.create_task_group() as tasks:
        for _ in range(3 + 96):
            tasks.start_soon(Visit("ada", "gmail").run, limits, count())
        await settle()
        with pytest.raises(Busy, match=f" {retry_seconds} s") as busy:
            async with limits.slot("ada", "gmail"):
                pass
        assert busy.value.retry_after_seconds == retry_seconds
        tasks.cancel_scope.cancel()


async def test_a_call_that_fails_gives_its_slot_back() -> None:
    limits = Limits(slots=1)
    with pytest.raises(ZeroDivisionError):
        async with limits.slot("ada", "gmail"):
            raise ZeroDivisionError
    assert_empty(limits)


@pytest.mark.parametrize("way", ["scope", "task"])
@pytest.mark.parametrize("called_first", [True, False])
async def test_who_gives_up_in_the_moment_of_being_called_loses_no_slot(way: str, called_first: bool) -> None:  # noqa: FBT001 - a table's column
    async with floor(slots=1) as here:
        (running,), (giving_up,), (next_one,) = [await here.arrive(caller, "x") for caller in "abc"]
        running.go.set()
        if called_first:
            await anyio.lowlevel.checkpoint()
            assert (running.state, giving_up.state, here.limits._queued.taken) == ("done", "waiting", 1)
        giving_up.give_up(way)
        await settle()
        assert (giving_up.state, next_one.state) == ("cancelled", "running")


async def test_who_is_cancelled_before_he_asks_leaves_no_trace() -> None:
    limits = Limits(slots=1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        async with limits.slot("ada", "gmail"):
            await anyio.lowlevel.checkpoint()
    assert_empty(limits)


async def test_a_thousand_strangers_who_wait_give_up_or_are_turned_away_are_forgotten() -> None:
    async with floor(slots=2, queue=8) as here:
        for number in range(1_000):
            (visit,) = await here.arrive(f"caller {number}", f"platform {number}")
            if number % 3:
                visit.give_up()
            elif number % 2:
                visit.go.set()
        remembered = (here.limits._lines, here.limits._callers, here.limits._flying._callers)
        assert all(len(each) <= 10 for each in remembered)
        for visit in here.visits:
            visit.go.set()
        await settle()
        assert_empty(here.limits)


class Traffic(RuleBasedStateMachine):
    """Callers come, go and give up in any order, several in the same moment."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.tasks: list[asyncio.Task[None]] = []
        self.visits: list[Visit] = []
        self.clock = count(1)

    @initialize(slots=st.integers(1, 9), queue=st.integers(0, 12))
    def open(self, slots: int, queue: int) -> None:
        self.slots, self.queue = slots, queue
        self.limits = Limits(slots, queue)

    def settle(self) -> None:
        self.runner.run(settle())

    def of(self, state: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.state == state]

    @rule(arrivals=st.lists(st.tuples(st.sampled_from(ALPHABET), st.sampled_from(PLATFORMS)), min_size=1, max_size=4))
    def arrive(self, arrivals: list[tuple[str, str]]) -> None:
        for caller, platform in arrivals:
            may_wait = self.has_room(self.of("waiting"), self.queue, caller, platform)
            wanted = "running" if self.may_run(caller, platform) else "waiting" if may_wait else "busy"
            self.runner.run(self.start(caller, platform))
            self.settle()
            assert self.visits[-1].state == wanted

    async def start(self, caller: str, platform: str) -> None:
        self.visits.append(Visit(caller, platform))
        self.tasks.append(asyncio.create_task(self.visits[-1].run(self.limits, self.clock)))

    @precondition(lambda self: self.of("running") or self.of("waiting"))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        """Let some go and let some give up, in an order of chance, before anybody else runs."""
        live = self.of("running") + self.of("waiting")
        ways = st.sampled_from(["go", "scope", "task"])
        moves = data.draw(st.lists(st.tuples(st.integers(0, len(live) - 1), ways), min_size=1, max_size=4))

        async def act() -> None:
            for index, way in moves:
                live[index].go.set() if way == "go" else live[index].give_up(way)
                if data.draw(st.booleans()):
                    await asyncio.sleep(0)

        self.runner.run(act())
        self.settle()

    @staticmethod
    def has_room(visits: list[Visit], size: int, caller: str, platform: str) -> bool:
        share = max(1, size * 3 // 4)
        callers, platforms = Counter(v.caller for v in visits), Counter(v.platform for v in visits)
        both = Counter((v.caller, v.platform) for v in visits)[caller, platform] < max(1, share * 3 // 4)
        return len(visits) < size and callers[caller] < share and platforms[platform] < share and both

    def may_run(self, caller: str, platform: str) -> bool:
        return self.has_room(self.of("running"), self.slots, caller, platform)

    @invariant()
    def shares_are_kept(self) -> None:
        if not self.visits:
            return
        for visits, size in ((self.of("running"), self.slots), (self.of("waiting"), self.queue)):
            assert len(visits) <= size
            for holders in (Counter(v.caller for v in visits), Counter(v.platform for v in visits)):
                assert max(holders.values(), default=0) <= max(1, size * 3 // 4)
            both = Counter((v.caller, v.platform) for v in visits)
            assert max(both.values(), default=0) <= max(1, max(1, size * 3 // 4) * 3 // 4)

    @invariant()
    def nobody_waits_who_could_have_a_slot(self) -> None:
        assert not any(self.may_run(visit.caller, visit.platform) for visit in self.of("waiting"))

    @invariant()
    def first_in_is_first_out(self) -> None:
        for caller in ALPHABET:
            for platform in PLATFORMS:
                visits = [v for v in self.visits if (v.caller, v.platform) == (caller, platform)]
                started = [v.started for v in visits if v.started]
                assert started == sorted(started)
                live = [v.state for v in visits if v.state in ("running", "waiting")]
                assert live == sorted(live)

    @invariant()
    def who_is_counted_is_there(self) -> None:
        if not self.visits:
            return
        limits, waiting = self.limits, Counter((v.caller, v.platform) for v in self.of("waiting"))
        assert (limits._flying.taken, limits._queued.taken) == (len(self.of("running")), len(self.of("waiting")))
        assert waiting == {(c, p): len(w.calls) for p, line in limits._lines.items() for c, w in line.items()}
        assert waiting == {(c, p): len(w.calls) for c, line in limits._callers.items() for p, w in line.items()}
        for line in (*limits._lines.values(), *limits._callers.values()):
            turns = [waiting.turn for waiting in line.values()]
            assert turns == sorted(set(turns))

    def teardown(self) -> None:
        with self.runner:
            while live := self.of("running") + self.of("waiting"):
                for visit in live:
                    visit.go.set()
                self.settle()
            for task in self.tasks:
                task.result()
        if self.visits:
            assert_empty(self.limits)


test_whatever_the_traffic_the_rules_hold = Traffic.TestCase
test_whatever_the_traffic_the_rules_hold.settings = settings(stateful_step_count=25)
