"""The sandbox's journal: what came in, what is being answered, which faults and limits are still to come."""

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from starlette.types import ASGIApp

from pica_mcp.sandbox.faults import Fault, Stage

RATE_LIMIT = 500
KEPT_REQUESTS = 10_000


@dataclass(slots=True)
class Recorded:
    """One request as it arrived: `path` still percent-encoded, `query` decoded, header names in lower case.

    `body` is empty until it has come in, and a part of it if the client left meanwhile.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass(slots=True)
class Plan:
    """What is to go wrong: past `skip` requests, `times` of them (None: all) get a bent answer.

    It is `instead` or, with None, the real one, through the faults. ValueError if one of them would undo what stands
    before it, or a number is below zero.
    """

    prefix: str
    method: str | None
    skip: int
    times: int | None
    faults: tuple[Fault, ...]
    instead: ASGIApp | None

    def __post_init__(self) -> None:
        _check_counts(times=self.times, skip=self.skip)
        stages = [fault.stage for fault in self.faults]
        if stages != sorted(stages) or stages.count(Stage.MAKING) + (self.instead is not None) > 1:
            told = ["the answer as told"] if self.instead else []
            raise ValueError(
                "An answer is made once, then bent in what it says, then in how it is sent. Order likewise: "
                + ", ".join((*told, *(f"{fault} ({fault.stage.name.lower()})" for fault in self.faults)))
            )

    def takes(self, request: Recorded) -> bool:
        """Whether this plan is for the request, which counts against it."""
        if self.times == 0 or not request.path.startswith(self.prefix) or self.method not in {None, request.method}:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Limit:
    """So many requests under a path prefix in a window, then so many refusals (None: all), then a new window.

    Windows are counted in requests, not in seconds, so that two runs show the same numbers. ValueError for numbers
    below zero.
    """

    prefix: str
    requests: int
    refusals: int | None
    seen: int = 0

    def __post_init__(self) -> None:
        _check_counts(requests=self.requests, refusals=self.refusals)

    def allows(self) -> bool:
        """Count one request and say whether it is within the limit."""
        if self.refusals is not None and self.seen >= self.requests + self.refusals:
            self.seen = 0
        self.seen += 1
        return self.seen <= self.requests

    @property
    def remaining(self) -> int:
        """How many more requests the window takes."""
        return max(0, self.requests - self.seen)


@dataclass(slots=True)
class Visit:
    """One request while it comes in and is answered."""

    answered: bool = False


class Bell:
    """Wakes whoever waits for it now, as often as it is rung, in any event loop."""

    def __init__(self) -> None:
        self._waiting: set[anyio.Event] = set()

    def ring(self) -> None:
        """Wake everybody who waits."""
        for event in self._waiting:
            event.set()

    async def wait(self) -> None:
        """Wait for the next ring."""
        event = anyio.Event()
        self._waiting.add(event)
        try:
            await event.wait()
        finally:
            self._waiting.discard(event)


@dataclass(slots=True)
class Journal:
    """Everything the door knows; requests and plans oldest first, of requests the newest 10,000."""

    requests: list[Recorded] = field(default_factory=list[Recorded])
    abandoned: list[Recorded] = field(default_factory=list[Recorded])
    pending: int = 0
    plans: list[Plan] = field(default_factory=list[Plan])
    limits: list[Limit] = field(default_factory=list[Limit])
    heals: int = 0
    _usual: Limit = field(default_factory=lambda: Limit("", RATE_LIMIT, refusals=0))
    _reached: defaultdict[int, Bell] = field(default_factory=lambda: defaultdict(Bell))
    _healed: Bell = field(default_factory=Bell)

    def plan(self, request: Recorded) -> Plan | None:
        """The first plan for the request, now used up once."""
        return next((plan for plan in self.plans if plan.takes(request)), None)

    def limit(self, request: Recorded) -> Limit:
        """The newest limit on the request's path; the usual one is only shown."""
        return next((one for one in reversed(self.limits) if request.path.startswith(one.prefix)), self._usual)

    def heal(self) -> None:
        """Forget plans and limits, and let those who pause go on."""
        self.plans.clear()
        self.limits.clear()
        self.heals += 1
        self._healed.ring()

    async def pause(self, seconds: float, heals: int) -> None:
        """Wait so long, but no longer than the box stays as often healed as it was."""
        with anyio.move_on_after(seconds):
            while self.heals == heals:
                await self._healed.wait()

    @contextmanager
    def visit(self, request: Recorded) -> Generator[Visit]:
        """Write the request down, and count it as pending as long as this lasts."""
        visit = Visit()
        _keep(self.requests, request)
        self._count(1)
        try:
            yield visit
        finally:
            if not visit.answered:
                _keep(self.abandoned, request)
            self._count(-1)

    async def until_pending(self, count: int) -> None:
        """Wait until exactly so many requests are pending, be it only for a moment."""
        if self.pending != count:
            await self._reached[count].wait()

    def _count(self, change: int) -> None:
        self.pending += change
        self._reached[self.pending].ring()


def _keep(requests: list[Recorded], request: Recorded) -> None:
    requests.append(request)
    del requests[:-KEPT_REQUESTS]  # a sandbox may be served for days


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 0:
            raise ValueError(f"{name} must be 0 or more, not {count}")
