"""`pica-mcp cache refresh`: platforms loaded onto the disk anew, before a server needs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio

from pica_mcp import text
from pica_mcp.access import visible
from pica_mcp.app import App, open_app
from pica_mcp.catalog import Catalog
from pica_mcp.catalog.contents import Kept, look, share
from pica_mcp.cli.cache import counts, off
from pica_mcp.cli.progress import Progress
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import complain, fail
from pica_mcp.cli.terminal import notes, print_json
from pica_mcp.errors import InvalidArguments, OperatorError, PicaError
from pica_mcp.settings import Settings

_MAX_LOADS = 8
_MAX_TOLD = 10
_NO_ROOM = "There is no room for all of it. Raise PICA_CACHE_MB."
_NO_LIST = "Pica does not tell all of it now. Run it again in a minute."


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be loaded: these platforms, those that are connected if there are none, or `everything`."""

    platforms: tuple[str, ...]
    everything: bool


@dataclass(slots=True)
class _Outcome:
    """What was loaded, what was not, and where it is now."""

    file: Path | None = None
    kept: Kept = field(default_factory=Kept)
    loaded: dict[str, int] = field(default_factory=dict[str, int])
    """Platform → how many actions it has."""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """What could not be loaded, and why."""
    tools: int | None = None


def refresh(settings: Settings, platforms: Collection[str], *, everything: bool, as_json: bool) -> int:
    """Load the platforms anew: those that are named, or connected, or `everything` with all documents.

    1 if something could not be loaded or kept, 2 if there is no such platform or no cache.
    """
    if settings.cache is None:
        complain(f"{off(settings)} Set PICA_CACHE to a folder, and leave --sandbox out.")
        return 2
    wanted = _Wanted(tuple(dict.fromkeys(platform.strip().lower() for platform in platforms)), everything)
    try:
        with Progress(notes(), shown=not as_json) as progress:
            outcome = anyio.run(_refreshed, settings, wanted, progress)
    except KeyboardInterrupt:
        complain("Stopped. What was loaded by then is kept.")
        raise
    if isinstance(outcome, PicaError):
        return fail(outcome)
    if as_json:
        print_json(_outcome_json(outcome))
    else:
        print_rows(_outcome_rows(settings, outcome))
    for failure in _failures(outcome.failed):
        complain(failure)
    return 1 if outcome.failed else 0


async def _refreshed(settings: Settings, wanted: _Wanted, progress: Progress) -> _Outcome | PicaError:
    """Return what became of it, when everything is closed. A failure of all of it is returned, not raised."""
    async with open_app(replace(settings, audit="off")) as app:
        try:
            await _expect_a_file(settings, app.catalog)
            platforms = await _platforms(app, wanted)
        except PicaError as error:
            return error
        outcome = _Outcome(app.catalog.file)
        await _load(app.catalog, platforms, outcome, progress, whole=wanted.everything)
        if not wanted.platforms:
            await _list(app, outcome)
        if app.catalog.file is None:
            return _unkept(settings)
    outcome.kept = _kept(outcome.file)
    _miss(outcome)
    return outcome


def _kept(file: Path | None) -> Kept:
    """Return what is in the file now, nothing if it cannot be read."""
    with suppress(OSError):
        return look(file.parent, file.name) if file else Kept()
    return Kept()


async def _expect_a_file(settings: Settings, catalog: Catalog) -> None:
    """Raise if nothing could be kept, before anything is loaded in vain."""
    await catalog.remembered("")
    if catalog.file is None:
        raise _unkept(settings)


def _unkept(settings: Settings) -> PicaError:
    return OperatorError(f"Nothing can be kept in {settings.cache}.", "Make room there, or correct PICA_CACHE.")


async def _platforms(app: App, wanted: _Wanted) -> list[str]:
    """Return the platforms to load. Raises `InvalidArguments` for one that there is not, or why it cannot be told."""
    own = await app.catalog.connections(app.caller.identity)
    connected = {connection.platform for connection in visible(app.caller, own)}
    if not wanted.everything and connected.issuperset(wanted.platforms):
        return sorted(wanted.platforms or connected)
    existing = connected.union(platform.platform for platform in await app.catalog.refresh_platforms())
    for platform in wanted.platforms:
        if platform not in existing:
            raise InvalidArguments(
                f"Pica has no platform named {text.line(repr(platform), 60)}.",
                "Run explain to see what is connected, or refresh without names.",
            )
    return sorted(existing if wanted.everything else wanted.platforms)


async def _load(
    catalog: Catalog, platforms: Collection[str], outcome: _Outcome, progress: Progress, *, whole: bool
) -> None:
    limiter = anyio.Semaphore(_MAX_LOADS)

    async def load(platform: str) -> None:
        async with limiter:
            progress.began(platform)
            try:
                outcome.loaded[platform] = (await catalog.refresh(platform, whole=whole)).count
            except PicaError as error:
                outcome.failed[platform] = str(error)
            progress.ended(platform, outcome.loaded.get(platform))

    progress.expect(len(platforms))
    async with anyio.create_task_group() as tasks:
        for platform in platforms:
            tasks.start_soon(load, platform)


async def _list(app: App, outcome: _Outcome) -> None:
    """Have the list of tools kept, which a server shows at once. It comes in some seconds, or it is asked for again."""
    toolbox = app.pipeline.toolbox
    try:
        survey = await (toolbox.settled(app.caller, 1) if outcome.failed else toolbox.settled(app.caller))
    except PicaError as error:
        outcome.failed["the list of tools"] = str(error)
        return
    if survey.complete:
        outcome.tools = len(survey.tools)
    else:
        outcome.failed["the list of tools"] = _NO_LIST


def _miss(outcome: _Outcome) -> None:
    """Find what had to make room for the rest."""
    inside = outcome.kept.inside
    kept = inside.platforms if inside else frozenset[str]()
    for platform in [platform for platform in outcome.loaded if platform not in kept]:
        del outcome.loaded[platform]
        outcome.failed[platform] = _NO_ROOM


def _failures(failed: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each reason: there may be hundreds of platforms."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for what, problem in failed.items():
        alike[problem].append(text.line(what, 60))
    for problem, names in alike.items():
        more = f" and {len(names) - _MAX_TOLD:,} more" if len(names) > _MAX_TOLD else ""
        yield f"{', '.join(sorted(names)[:_MAX_TOLD])}{more}: not kept. {problem}"


def _outcome_rows(settings: Settings, outcome: _Outcome) -> Iterator[Row]:
    loaded = outcome.loaded
    yield Row("Loaded  ", counts(len(loaded), sum(loaded.values())))
    if outcome.tools is not None:
        yield Row("Listed  ", f"{text.some(outcome.tools, 'tool')}, which a server shows before Pica answers")
    if file := outcome.kept.own:
        yield Row("Kept    ", share(file, settings.cache_mb))
        yield Row("in      ", str(file.path), whole=True)


def _outcome_json(outcome: _Outcome) -> dict[str, Any]:
    return {
        "file": outcome.file and str(outcome.file),
        "platforms": [{"platform": name, "actions": outcome.loaded[name]} for name in sorted(outcome.loaded)],
        "tools": outcome.tools,
        "failed": [{"what": what, "problem": problem} for what, problem in sorted(outcome.failed.items())],
    }
