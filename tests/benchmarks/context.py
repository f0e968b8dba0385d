"""What ten everyday tasks take of a model's context: `python tests/benchmarks/context.py [--json]`.

Characters of JSON and text divided by four, tool list and instructions included, what providers answered left out.
The same tasks with direct tools, with none, and through the steps of Pica's official server, each on a sandbox of its
own; whether a task is done is asked of the sandbox. Ten other tasks are the control.

The official flow is replayed, not run: the same requests to Pica, and answers of the shape that its source has. It
costs 13,000 tokens here because the sandbox's documents are short. Half of Pica's own documents are longer than 8,000
characters, and the last column counts each as that long at least. Pica's list of platforms is longer than the
sandbox's as well, which no column shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anyio
import httpx2 as httpx
from control import CONTROL
from meter import Meter, compact, tokens
from official import Official
from ours import Ours
from reader import LostError
from tasks import TASKS, Act, Look, Task

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

IDENTITY = "bea"
PLATFORMS = (
    "gmail",
    "slack",
    "stripe",
    "github",
    "google-calendar",
    "google-sheets",
    "google-drive",
    "hub-spot",
    "notion",
    "linear",
)
WAYS = ("auto", "none", "official", "official-long")
USUAL_DOCUMENT_CHARS = 8_000
"""What half of Pica's own documents are longer than."""


async def measured(way: str, tasks: Sequence[Task] = TASKS) -> Meter:
    """Do the tasks in one conversation of this way. Raises `LostError` if one cannot be done, or was not."""
    box, meter = Sandbox(), Meter()
    keys = {one: box.connect(one, identity=IDENTITY, identity_type="user") for one in PLATFORMS}
    if way.startswith("official"):
        chars = USUAL_DOCUMENT_CHARS if way == "official-long" else 0
        lost = await _lost(Official(box.app, IDENTITY, meter, chars).act, tasks, meter, _look(box, keys))
    else:
        async with Ours.open(box.app, IDENTITY, meter, PICA_TOOLS=way) as ours:
            lost = await _lost(ours.act, tasks, meter, _look(box, keys))
    if lost:
        raise lost
    return meter


async def _lost(act: Act, tasks: Sequence[Task], meter: Meter, look: Look) -> LostError | None:
    """Do the tasks, and return why one was not done; an error would come out of the server in a group."""
    for task in tasks:
        meter.task = task.name
        try:
            answer = await task.run(act)
        except LostError as lost:
            return LostError(f"{task.name}: {lost}")
        if not await task.holds(look, answer):
            return LostError(f"{task.name}: not done, although everything was answered; at last {compact(answer)}")
    return None


def _look(box: Sandbox, keys: Mapping[str, str]) -> Look:
    pica = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=box.app), base_url="https://pica.test", headers={"x-pica-secret": LIVE_SECRET}
    )

    async def look(
        platform: str,
        title: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        listed = await pica.get("/v1/knowledge", params={"connectionPlatform": platform, "limit": 100})
        action = next(row for row in listed.json()["rows"] if row["title"] == title)
        url = action["path"]
        for name, value in (path or {}).items():
            url = url.replace(f"{{{{{name}}}}}", value)
        own = {"connectionKey": keys[platform]} if "custom" in action["tags"] else {}
        answer = await pica.request(
            action["method"],
            f"/v1/passthrough{url}",
            params=query,
            headers={"x-pica-connection-key": keys[platform], "x-pica-action-id": action["_id"]},
            json=None if body is None else body | own,
        )
        answer.raise_for_status()
        return answer.json()

    return look


def figures(meter: Meter, tasks: Sequence[Task] = TASKS) -> dict[str, Any]:
    """What was counted, as JSON."""
    done = {
        task.name: {
            "calls": [one.tool for one in meter.of(task.name)],
            "asked": tokens(sum(one.asked_chars for one in meter.of(task.name))),
            "told": tokens(sum(one.told_chars for one in meter.of(task.name))),
        }
        for task in tasks
    }
    before, listed = ({k: tokens(v) for k, v in one.items()} for one in (meter.before, meter.definitions))
    return {"tokens": meter.tokens, "calls": meter.calls, "before": before, "definitions": listed, "tasks": done}


def table(meters: Mapping[str, Meter], tasks: Sequence[Task] = TASKS) -> str:
    """The figures of every way beside each other: tokens, and calls in brackets."""
    heads = {
        "auto": "default budget",
        "none": "no direct tools",
        "official": "official flow",
        "official-long": "same, long docs",
    }
    lines = [_row("tokens (calls)", (heads[way] for way in meters))]
    lines += [
        _row(name, (f"{tokens(meter.before.get(name, 0)):,}     " for meter in meters.values()))
        for name in ("tool list", "instructions")
    ]
    for task in tasks:
        cells = [meter.of(task.name) for meter in meters.values()]
        sums = [(tokens(sum(one.asked_chars + one.told_chars for one in cell)), len(cell)) for cell in cells]
        lines.append(_row(task.name, (f"{cost:,} ({calls:>2})" for cost, calls in sums)))
    lines.append(_row("all", (f"{meter.tokens:,} ({meter.calls:>2})" for meter in meters.values())))
    return "\n".join(lines)


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{name:34}" + "".join(f"{cell:>18}" for cell in cells)


async def main() -> None:
    sets = {"everyday": TASKS, "control": CONTROL}
    done = {name: {way: await measured(way, tasks) for way in WAYS} for name, tasks in sets.items()}
    if "--json" in sys.argv[1:]:
        told = {name: {way: figures(one, sets[name]) for way, one in meters.items()} for name, meters in done.items()}
        print(json.dumps(told["everyday"] | {"control": told["control"]}, indent=2))  # noqa: T201
        return
    for name, meters in done.items():
        print(table(meters, sets[name]), end="\n\n")  # noqa: T201


if __name__ == "__main__":
    anyio.run(main)
