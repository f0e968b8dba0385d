"""`pica-mcp platforms`: what could be connected, and what is."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from pica_mcp import text
from pica_mcp.access import Caller, how_to_connect, usable, visible
from pica_mcp.accounts import withheld
from pica_mcp.app import App
from pica_mcp.catalog import Connections
from pica_mcp.cli.asking import ask
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.streams import fail
from pica_mcp.cli.terminal import cell, notes, print_json
from pica_mcp.discovery import near
from pica_mcp.discovery.connected import platforms_of, states_of
from pica_mcp.errors import PicaError
from pica_mcp.models import Platform

_WITHHELD = "withheld"
_TOLD = {"connected": ("yes", "green"), "failed": ("failed", "red"), _WITHHELD: ("not to be used", "yellow")}
"""How a state is shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """A platform as it is listed."""

    platform: str
    title: str
    category: str
    state: str | None
    """`connected`; `failed`, if none of its accounts works; `withheld` by the operator's lists; None for not at all."""
    connections: int
    """How many of the caller's there are."""
    working: int
    """How many of them may be used."""
    actions: int | None
    """None if Pica does not tell."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "List the platforms that could be connected, and say which are. With words, only those with all of them in "
        "their name, title or category. It changes nothing.",
        "pica-mcp platforms",
        "pica-mcp platforms google mail",
        "pica-mcp platforms --connected --sandbox",
    )
    parser.add_argument("words", nargs="*", metavar="WORDS", help="parts of a name, title or category")
    parser.add_argument("--connected", action="store_true", help="list only those that are connected")
    add_format(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the platforms: 0 also if none is like that."""
    settings = settings_of(arguments)
    found = ask(settings, _found)
    if isinstance(found, PicaError):
        return fail(found)
    caller, everything = found
    words = " ".join(arguments.words).lower().split()
    lines = [line for line in everything if _fits(words, line) and (line.connections or not arguments.connected)]
    if as_json(arguments):
        print_json({"platforms": [asdict(line) for line in lines]})
    elif lines:
        _print_table(lines)
    if not lines:
        notes().print(_nothing(caller, words, everything), soft_wrap=True)
    return 0


def _fits(words: Sequence[str], line: Line) -> bool:
    """Tell as `list_pica_integrations` does."""
    return all(word in f"{line.platform} {line.title} {line.category}".lower() for word in words)


async def _found(app: App) -> tuple[Caller, list[Line]]:
    caller, catalog = app.caller, app.catalog
    own = await catalog.connections(caller.identity)
    known = {one.platform: one for one in await platforms_of(catalog, caller)}
    unlisted = {c.platform for c in visible(caller, own)} - known.keys()
    platforms = [*known.values(), *(Platform(platform=name) for name in unlisted)]
    return caller, list(_lines(caller, own, sorted(platforms, key=lambda one: one.platform)))


def _lines(caller: Caller, own: Connections, platforms: Iterable[Platform]) -> Iterator[Line]:
    seen = visible(caller, own)
    held = {name: withheld(caller, own, name) for name in {c.platform for c in own}}
    states, mine = states_of(seen), Counter(c.platform for c in seen)
    working = Counter(c.platform for c in usable(caller, seen))
    for one in platforms:
        name, left_out = one.platform, held.get(one.platform, 0)
        state = states.get(name) or (_WITHHELD if left_out else None)
        title, category = text.line(one.name), text.line(one.category)
        yield Line(name, title, category, state, mine[name] + left_out, working[name], one.actions)


def _print_table(lines: Sequence[Line]) -> None:
    counted = any(line.actions is not None for line in lines)
    columns = ["platform", "title", "category", "connected", *["actions"] * counted]
    print_listing(columns, [[*_cells(line, counted=counted)] for line in lines])


def _cells(line: Line, *, counted: bool) -> Iterator[object]:
    yield cell(line.platform, "bold")
    yield line.title
    yield line.category
    yield cell(*_connected(line))
    if counted:
        yield "" if line.actions is None else f"{line.actions:,}"


def _connected(line: Line) -> tuple[str, str]:
    """Return how it is told that it is connected, and in which style."""
    if line.working and line.connections > 1:
        some = f"{line.working:,} of " if line.working < line.connections else ""
        return f"{some}{line.connections:,} accounts", "green"
    return _TOLD.get(line.state or "", ("", ""))


def _nothing(caller: Caller, words: Sequence[str], among: Sequence[Line]) -> str:
    who = text.line(str(caller.identity), 100)
    if any(_fits(words, line) for line in among):
        what = f"Nothing {'like that ' if words else ''}is connected for {who}."
        return f"{what} Connect it: {how_to_connect(caller.identity)}."
    if not among:
        return "Pica lists no platform that these settings allow. See PICA_PLATFORMS, or try again later."
    return near("-".join(words), [line.platform for line in among])
