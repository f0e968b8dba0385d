"""What a call costs over stdio: `python tests/benchmarks/calls.py [--runs N]`.

The floor is a bare low-level `Server` whose one tool makes the equal request with httpx2 to the same Pica: one call
after another on the SDK's own stdio transport, in turns with ours; a thousand at once on our transport.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import children
import figures

TOOL, FLOOR_TOOL = "amberanvil_list_accounts", "request"
ACTIONS, PLATFORMS = 2_000, 10
INSTANT_CALLS, SLOW_CALLS = 100, 10
"""After one another in each run."""

SLOW_SECONDS = 0.05
MANY, MOST = 1_000, 3_000
MOST_SECONDS, MOST_RUNS = 0.2, 3


def request_of(api: children.Pica, environment: Mapping[str, str]) -> dict[str, Any]:
    """The request that ours makes for a call, without what httpx2 adds by itself."""
    children.warm(api, environment)
    with children.server(children.OURS, environment) as ours:
        ours.hello()
        ours.call(TOOL)
        last = api.last()
    headers = {name: value for name, value in last["headers"].items() if name.startswith(("x-", "accept", "user-"))}
    return {"method": last["method"], "url": last["url"], "headers": headers}


class Calls:
    """Milliseconds: of one call, of many at once, and what a processor takes for one of many."""

    def __init__(self) -> None:
        self.instant_ms: list[float] = []
        self.slow_ms: list[float] = []
        self.together_ms: list[float] = []
        self.cpu_ms: list[float] = []

    def add_together(self, server: children.Server, tool: str) -> int:
        """Call many at once, of a server that is warm; return how many are answered."""
        before = server.cpu_ms
        seconds, answered = server.calls(tool, MANY)
        self.together_ms.append(seconds * 1000)
        self.cpu_ms.append((server.cpu_ms - before) / MANY)
        return answered


def one_after_another(
    runs: int, api: children.Pica, environment: Mapping[str, str], request: Mapping[str, Any]
) -> list[figures.Figure]:
    """Both servers stay up for a run, and each of their calls is followed by one of the other's."""
    ours, floor = Calls(), Calls()
    for _ in range(runs):
        with (
            children.server(children.OURS, environment) as mine,
            children.server(children.floor("sdk", request)) as bare,
        ):
            for server, tool in (mine, TOOL), (bare, FLOOR_TOOL):
                server.hello()
                server.call(tool)
            for _ in range(INSTANT_CALLS):
                ours.instant_ms.append(mine.call(TOOL) * 1000)
                floor.instant_ms.append(bare.call(FLOOR_TOOL) * 1000)
            api.delay(SLOW_SECONDS)
            for _ in range(SLOW_CALLS):
                ours.slow_ms.append(mine.call(TOOL) * 1000)
                floor.slow_ms.append(bare.call(FLOOR_TOOL) * 1000)
            api.delay(0)
    late = [figures.percentile(calls.instant_ms, 0.99) for calls in (ours, floor)]
    return [
        figures.ratio("one call, API at 0 ms", ours.instant_ms, floor.instant_ms, "ms", 1.15),
        figures.ratio("  the slowest of a hundred", late[:1], late[1:], "ms"),
        figures.above("one call, API at 50 ms", ours.slow_ms, floor.slow_ms, "ms", 1.5),
    ]


def at_once(
    runs: int, api: children.Pica, environment: Mapping[str, str], request: Mapping[str, Any]
) -> list[figures.Figure]:
    """Each server is alone while it is measured, so that what is counted at the API is its own."""
    ours, floor = Calls(), Calls()
    sockets: list[int] = []
    answered: list[int] = []
    for _ in range(runs):
        with children.server(children.OURS, environment) as server:
            server.hello()
            server.call(TOOL)
            api.reset()
            answered.append(ours.add_together(server, TOOL))
            sockets.append(api.counts()["most_sockets"])
        with children.server(children.floor("ours", request)) as server:
            server.hello()
            server.call(FLOOR_TOOL)
            floor.add_together(server, FLOOR_TOOL)
    return [
        figures.ratio(f"{MANY:,} calls at once, API at 0 ms", ours.together_ms, floor.together_ms, "ms", 1.25),
        figures.ratio("  processor time of one", ours.cpu_ms, floor.cpu_ms, "ms"),
        figures.alone("  answered, at least", min(answered), "", least=MANY),
        figures.alone("  sockets at the API, at most", max(sockets), "", most=128),
    ]


def very_many(runs: int, api: children.Pica, environment: Mapping[str, str]) -> list[figures.Figure]:
    """Only ours: whether all are answered, and what that takes of memory."""
    seconds: list[float] = []
    answered: list[int] = []
    peaks_mb: list[float] = []
    sockets: list[int] = []
    for _ in range(runs):
        with children.server(children.OURS, environment) as server:
            server.hello()
            server.call(TOOL)
            api.delay(MOST_SECONDS)
            api.reset()
            took, good = server.calls(TOOL, MOST)
            api.delay(0)
            seconds.append(took)
            answered.append(good)
            peaks_mb.append(server.peak_mb)
            sockets.append(api.counts()["most_sockets"])
    return [
        figures.alone(f"{MOST:,} calls at once, API at 200 ms", max(seconds), "s"),
        figures.alone("  answered, at least", min(answered), "", least=MOST),
        figures.alone("  sockets at the API, at most", max(sockets), "", most=128),
        figures.alone("  memory at its peak, at most", max(peaks_mb), "MB", most=150),
    ]


def main() -> int:
    runs = figures.runs(__doc__)
    with TemporaryDirectory() as folder, children.pica(ACTIONS, PLATFORMS) as api:
        environment = children.settings(api.url, Path(folder))
        request = request_of(api, environment)
        rows = [
            *one_after_another(runs, api, environment, request),
            *at_once(runs, api, environment, request),
            *very_many(min(runs, MOST_RUNS), api, environment),
        ]
    title = (
        f"Calls over stdio, medians of {runs} runs with {INSTANT_CALLS} calls at 0 ms and {SLOW_CALLS} at 50 ms each"
    )
    return figures.report(
        title,
        rows,
        "floor: a bare low-level Server that makes the equal request with httpx2, one call after another on the SDK's",
        f"stdio transport, {MANY:,} at once on ours; {MOST:,} at once are the worst of {min(runs, MOST_RUNS)} runs",
    )


if __name__ == "__main__":
    sys.exit(main())
