"""How fast and how well actions are found: `python tests/benchmarks/search.py [--runs N]`.

25,000 actions on eighty platforms, all connected, are searched through the real tool, within one platform and across
all. The floor is a bare query of the same words on the same index. Whether the right action is among the first five is
told for two hundred paraphrases, those that were held out apart, and of them nobody is told which were missed.

All of the paraphrases mean actions of the platforms written by hand. The grown ones have hundreds of actions that do
the same (dozens of `Create an Invoice`), so across all of them there is no single right one, and no limit.
"""

import json
import re
import sqlite3
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import anyio
import children
import figures
from mcp_types import TextContent

from pica_mcp import text
from pica_mcp.app import App, open_app
from pica_mcp.discovery import Names, find_action
from pica_mcp.sandbox.platforms import imitated
from pica_mcp.settings import load

sys.path.append(str(Path(__file__).parents[1] / "shared"))

from paraphrases import PARAPHRASES, Paraphrase

ACTIONS, PLATFORMS = 25_000, 60
_SEARCH = "search_pica_platform_actions"
_BEST = 5
_BARE = "SELECT rowid FROM found WHERE found MATCH ? ORDER BY rank LIMIT 20"


class Searches:
    """Milliseconds of every search, and the paraphrases whose action was not among the best."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.floor_ms: list[float] = []
        self.missed: dict[str, list[str]] = {}
        self.unlike: set[str] = set()
        """Of these not even an action of the right title was among them, on whatever platform."""

    def judge(self, paraphrase: Paraphrase, names: Sequence[str]) -> None:
        """Note whether the right action is among these."""
        if not paraphrase.answers.intersection(names):
            self.missed[paraphrase.query] = [*names]
        if not set(map(title_of, paraphrase.answers)).intersection(map(title_of, names)):
            self.unlike.add(paraphrase.query)


def percentage(missed: Collection[str], *, held_out: bool) -> float:
    """The percentage that was found."""
    asked = [paraphrase for paraphrase in PARAPHRASES if paraphrase.held_out is held_out]
    return 100 * sum(paraphrase.query not in missed for paraphrase in asked) / max(len(asked), 1)


async def found(app: App, query: Mapping[str, Any]) -> tuple[float, float, list[dict[str, Any]]]:
    """Return how many milliseconds a search takes, by the clock and of a processor, and its hits."""
    begun, begun_cpu = perf_counter(), process_time()
    result = await app.pipeline.call(app.caller, _SEARCH, query)
    ms, cpu_ms = (perf_counter() - begun) * 1000, (process_time() - begun_cpu) * 1000
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert not result.is_error, block.text
    return ms, cpu_ms, json.loads(block.text)["actions"]


async def titled(app: App, hit: Mapping[str, Any]) -> str:
    """Return what a hit is, as `platform/title`."""
    named = hit.get("tool") or hit["actionId"]
    action = await find_action(app.catalog, Names(app.catalog), None, named, app.caller)
    return f"{action.platform}/{action.title}"


def title_of(name: str) -> str:
    """Return the title of `platform/title`."""
    return name.partition("/")[2]


def platform_of(paraphrase: Paraphrase) -> str:
    """Return the platform that is meant."""
    return min(paraphrase.answers).partition("/")[0]


class Index:
    """The index of the cache, asked without any of ours around it. There is none in memory or without FTS5."""

    def __init__(self, folder: Path) -> None:
        files = (path for path in folder.rglob("*.db") if path.read_bytes()[:15] == b"SQLite format 3")
        self._files = [sqlite3.connect(f"file:{path}?mode=ro", uri=True) for path in files]

    def ms(self, query: str) -> list[float]:
        """Return how many milliseconds a bare query for any of the words takes; nothing where there is no index."""
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query.lower()))
        begun = perf_counter()
        try:
            for file in self._files:
                file.execute(_BARE, (words,)).fetchall()
        except sqlite3.OperationalError:
            return []
        return [(perf_counter() - begun) * 1000] if self._files else []


async def searched(app: App, index: Index, runs: int, *, within: bool) -> Searches:
    """Search for every paraphrase, so often, each search followed by the floor's; the first round is not timed."""
    searches = Searches()
    for run in range(runs + 1):
        for paraphrase in PARAPHRASES:
            platform = platform_of(paraphrase) if within else None
            ms, cpu_ms, hits = await found(
                app, {"query": paraphrase.query} | ({"platform": platform} if platform else {})
            )
            if run:
                searches.ms.append(ms)
                searches.cpu_ms.append(cpu_ms)
                searches.floor_ms += index.ms(paraphrase.query)
            else:
                searches.judge(paraphrase, [await titled(app, hit) for hit in hits[:_BEST]])
    return searches


def rows_of(name: str, searches: Searches, most_ms: float | None, least: float | None) -> list[figures.Figure]:
    """Return the rows of one kind of search."""
    rows: list[figures.Figure] = []
    for share, told in (0.5, "median"), (0.95, "95 of 100"):
        ms, most = figures.percentile(searches.ms, share), most_ms if share > 0.5 else None
        bare = figures.percentile(searches.floor_ms, share) if searches.floor_ms else None
        rows.append(figures.alone(f"{name}, {told}", ms, "ms", most=most, floor=bare))
    rows.append(figures.alone("  processor time, 95 of 100", figures.percentile(searches.cpu_ms, 0.95), "ms"))
    judged: list[tuple[str, Collection[str], float | None]] = [("right one", searches.missed, least)]
    judged += [("right title", searches.unlike, None)] if least is None else []
    for what, missed, limit in judged:
        for half, held_out in ("open", False), ("held-out", True):
            found_percent = percentage(missed, held_out=held_out)
            rows.append(figures.alone(f"  {what} among five, {half} half", found_percent, "%", least=limit))
    return rows


async def main() -> int:
    runs = figures.runs(__doc__)
    with TemporaryDirectory() as folder, children.pica(ACTIONS, PLATFORMS, imitated="all") as api:
        environment = children.settings(api.url, Path(folder), PICA_AUDIT="off", PICA_LOG_LEVEL="error")
        children.warm(api, environment)
        index = Index(Path(folder))
        async with open_app(load({}, environment)) as app:
            await app.pipeline.toolbox.list(app.caller)
            within = await searched(app, index, runs, within=True)
            across = await searched(app, index, runs, within=False)
        written = {"PICA_PLATFORMS": ",".join(platform.name for platform in imitated())}
        async with open_app(load({}, {**environment, **written})) as app:
            by_hand = await searched(app, index, 1, within=False)
    rows = [
        *rows_of("within a platform", within, 10, 90),
        *rows_of("across those written by hand", by_hand, None, 90),
        *rows_of("across all platforms", across, 40, None),
    ]
    code = figures.report(
        f"Search over {ACTIONS:,} actions through the tool, {len(PARAPHRASES)} queries, {runs} runs",
        rows,
        "floor: a bare FTS5 query for any of the same words on the same file, over all platforms",
        "across all: grown platforms have actions of the same titles, so there is no single right one, and no limit",
    )
    tell("within a platform", within)
    tell("across those written by hand", by_hand)
    return code


def tell(name: str, searches: Searches) -> None:
    """Print what was not found, and what instead; not of the half that is held out."""
    print(f"\nNot found {name}, and what instead")  # noqa: T201
    for paraphrase in PARAPHRASES:
        if not paraphrase.held_out and paraphrase.query in searches.missed:
            names = (text.line(name, 40) for name in searches.missed[paraphrase.query])
            print(f"  {paraphrase.query}: {', '.join(names)}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(anyio.run(main))
