"""A first start without a cache: `python tests/benchmarks/cold.py [--runs N]`.

Pica answers after 50 ms. Ten platforms are connected, one of them with 1,100 actions and documents of 8 kB. The floors
are bare httpx2 loops that make the same requests: one after another, and as many at once as ours had at its peak.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import children
import figures
import httpx2 as httpx

from pica_mcp.sandbox import LIVE_SECRET

LATENCY_SECONDS = 0.05
ACTIONS, DOCUMENT_CHARS = 1_100, 8_000
OTHERS = "gmail,slack,google-calendar,google-drive,github,notion,stripe,linear,hub-spot"
HEADERS = {"x-pica-secret": LIVE_SECRET, "user-agent": "floor", "accept": "application/json"}


def started(api: children.Pica) -> tuple[float, float, int]:
    """Return how many seconds it takes to the first list and to the complete one, and how many tools that has."""
    with (
        TemporaryDirectory() as folder,
        children.server(children.OURS, children.settings(api.url, Path(folder))) as ours,
    ):
        ours.tools(newest=True)
        first = ours.age_seconds
        tools = ours.complete_tools()
        return first, ours.age_seconds, len(tools)


async def fetched(url: str, targets: Sequence[str], at_once: int) -> float:
    """Return how many seconds a bare loop takes."""
    limiter = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, trust_env=False, verify=False) as client:

        async def fetch(target: str) -> None:
            async with limiter:
                (await client.get(target)).json()

        begun = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(fetch(target))
        return perf_counter() - begun


def main() -> int:
    runs = figures.runs(__doc__)
    firsts: list[float] = []
    wholes: list[float] = []
    in_turn: list[float] = []
    at_once: list[float] = []
    with children.pica(ACTIONS, 1, chars=DOCUMENT_CHARS, imitated=OTHERS) as api:
        started(api)  # the sandbox behind it is slow, and asked only once
        api.delay(LATENCY_SECONDS)
        counts: list[dict[str, int]] = []
        tools = 0
        for _ in range(runs):
            api.reset()
            first, whole, tools = started(api)
            firsts.append(first)
            wholes.append(whole)
            counts.append(api.counts())
            targets = [line.partition(" ")[2] for line in api.seen()]
            in_turn.append(asyncio.run(fetched(api.url, targets, 1)))
            at_once.append(asyncio.run(fetched(api.url, targets, counts[-1]["most_pending"])))
    last = counts[-1]
    rows = [
        figures.ratio("spawn to a first tools/list", firsts, at_once, "s"),
        figures.ratio("spawn to the complete tools/list", wholes, at_once, "s"),
        figures.alone("  the same in seconds", figures.median(wholes), "s", most=4),
        figures.alone("  tools in it", tools, ""),
        figures.alone("  requests", last["requests"], ""),
        figures.alone("  at once, at most", last["most_pending"], ""),
        figures.alone("  bytes of answers", last["body_bytes"] / 1e6, "MB"),
        figures.ratio("the same against one request after another", wholes, in_turn, "s"),
    ]
    return figures.report(
        f"A first start without a cache, ten platforms, API at 50 ms, medians of {runs} runs",
        rows,
        "floor: a bare httpx2 loop that makes the same requests, as many at once as ours; in the last row in turn",
    )


if __name__ == "__main__":
    sys.exit(main())
