"""`pica-mcp actions`: which actions fit what somebody wants to do, found as models find them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
from rich.text import Text

from pica_mcp import text
from pica_mcp.access import visible
from pica_mcp.app import App
from pica_mcp.cli.answer import by_hand
from pica_mcp.cli.asking import ask, name_of
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of, take_options_anywhere
from pica_mcp.cli.streams import fail
from pica_mcp.cli.terminal import cell, print_json, screen
from pica_mcp.discovery import Hit, Searches, near
from pica_mcp.discovery.connected import platforms_of
from pica_mcp.discovery.names import platform_meant
from pica_mcp.errors import InvalidArguments, PicaError

_USUAL = 10
_LOAD_SECONDS = 20.0
_NOTE_CHARS = 2_000
_REQUEST_CHARS = 1_000
_COLUMNS = ("tool", "effect", "title", "platform")
_STYLES = {"write": "yellow", "destructive": "red"}


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Find actions by what they do, over all connected platforms or on one, connected or not.",
        "pica-mcp actions send an email",
        "pica-mcp actions list open issues --platform github --limit 3",
        "pica-mcp actions delete a file --platform google-drive --json",
    )
    parser.add_argument("words", nargs="+", metavar="WORDS", help="what the action does, such as: send an email")
    parser.add_argument("--platform", metavar="PLATFORM", help="only on this one, connected or not")
    parser.add_argument("--limit", type=int, default=_USUAL, metavar="N", help=f"how many, at most 20 ({_USUAL})")
    add_format(parser)
    add_settings(parser)
    take_options_anywhere(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the actions that fit: 1 if Pica does not tell, 2 if there is no such platform."""
    settings = settings_of(arguments)
    platform = (arguments.platform or "").strip().lower() or None
    found = ask(settings, partial(_found, " ".join(arguments.words), platform, arguments.limit))
    if isinstance(found, PicaError):
        return fail(found)
    if as_json(arguments):
        print_json(found)
        return 0
    if found["actions"]:
        columns = [column for column in _COLUMNS if column != "platform" or not platform]
        print_listing(columns, [[_cell(hit, column) for column in columns] for hit in found["actions"]])
    if found["note"]:
        screen().print(cell(found["note"], max_chars=_NOTE_CHARS))
    return 0


def _cell(hit: Mapping[str, Any], column: str) -> Text:
    told = hit[column] or (hit["id"] if column == "tool" else "")
    return cell(told, _STYLES.get(told, "") if column == "effect" else "")


async def _found(query: str, platform: str | None, limit: int, app: App) -> dict[str, Any]:
    """Return what the search tells. Raises `InvalidArguments` if there is no such platform."""
    await _loaded(app, platform)
    found = await Searches(app.catalog, app.pipeline.names).find(app.caller, query, platform, limit)
    if found.platform and not found.hits:
        await _check_platform(app, found.platform)
    note = by_hand(text.clean(found.note)).replace("`platform`", "--platform")
    return {"actions": [await _told(app, hit) for hit in found.hits], "note": note}


async def _loaded(app: App, platform: str | None) -> None:
    """Wait a while for what is searched: what is found is not to hang on what was asked before."""
    with anyio.move_on_after(_LOAD_SECONDS), suppress(PicaError):  # the search tells what is wrong
        meant = await platform_meant(app.catalog, platform, app.caller)
        own = () if meant else visible(app.caller, await app.catalog.connections(app.caller.identity))
        async with anyio.create_task_group() as tasks:
            for one in {meant} if meant else {connection.platform for connection in own}:
                tasks.start_soon(_load, app, one)


async def _load(app: App, platform: str) -> None:
    with suppress(PicaError):
        await app.catalog.listing(platform)


async def _check_platform(app: App, platform: str) -> None:
    """Raise `InvalidArguments` if there is no such platform. Where nobody can tell now, the note says so."""
    try:
        own = visible(app.caller, (await app.catalog.known_connections(app.caller.identity)).value)
        listed = await platforms_of(app.catalog, app.caller)
    except PicaError:
        return
    known = {one.platform for one in (*own, *listed)}
    if platform not in known:
        raise InvalidArguments(near(platform, sorted(known), "Run pica-mcp platforms to see what there is."))


async def _told(app: App, hit: Hit) -> dict[str, Any]:
    """Return what is told of the hit; more than models are told, who can read it off the name, or ask."""
    action = hit.action
    return {
        "tool": hit.tool or await name_of(app, hit.action) or None,
        "id": action.id,
        "platform": action.platform,
        "title": text.line(action.title),
        "effect": hit.effect,
        "request": text.line(f"{action.method} {action.path}", _REQUEST_CHARS),
        "arguments": by_hand(hit.arguments),
    } | ({"connections": list(hit.connections)} if hit.connections else {})
