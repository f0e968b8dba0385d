"""`pica-mcp actions`: which actions fit what somebody wants to do, found as models find them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rich.text import Text

from pica_mcp.access import effect
from pica_mcp.app import App
from pica_mcp.cli.answer import by_hand, taken_apart
from pica_mcp.cli.asking import answer
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.streams import fail
from pica_mcp.cli.terminal import cell, filled, print_json, screen
from pica_mcp.discovery import SEARCH, find_action
from pica_mcp.errors import PicaError, UnknownTool, Unreachable
from pica_mcp.models import as_list, as_object
from pica_mcp.tools import CONNECTION, FixedTool

_USUAL = 10
_NOTE_CHARS = 2_000
_WIDE = 80
_COLUMNS = ("tool", "effect", "title", "platform", "request")
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


def run(arguments: argparse.Namespace) -> int:
    """Print the actions that fit: 1 if Pica does not tell, 2 if there is no such platform."""
    settings = settings_of(arguments)
    wanted = {"query": " ".join(arguments.words), "platform": arguments.platform, "limit": arguments.limit}
    found = answer(settings, lambda app: _found(app, wanted))
    if isinstance(found, PicaError):
        return fail(found)
    if as_json(arguments):
        print_json(found)
        return 0
    console = screen()
    columns = [column for column in _COLUMNS if column != "platform" or not arguments.platform]
    made = filled(columns, ([_cell(hit, column) for column in columns] for hit in found["actions"]))
    made.columns[0].no_wrap = console.width >= _WIDE  # so that it can be copied
    if found["actions"]:
        console.print(made)
    if found["note"]:
        console.print(cell(found["note"], max_chars=_NOTE_CHARS))
    return 0


def _cell(hit: Mapping[str, Any], column: str) -> Text:
    told = hit[column] or (hit["id"] if column == "tool" else "")
    return cell(told, _STYLES.get(told, "") if column == "effect" else "")


async def _found(app: App, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the search tells."""
    told = await _told(app, wanted)
    hits = [await _detailed(app, as_object(hit), wanted["platform"]) for hit in as_list(told["actions"])]
    note = by_hand(str(told.get("note", ""))).replace("`platform`", "--platform")
    return {"actions": hits, "note": note}


async def _told(app: App, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the search tells models."""
    tool = await app.pipeline.toolbox.find(app.caller, SEARCH)
    if not isinstance(tool, FixedTool):
        raise UnknownTool(f"{SEARCH} is not there.")
    answer = taken_apart(await tool.run(app.caller, wanted))
    if answer.kind != "json":
        raise Unreachable("This is too much to show.", "Ask for fewer with --limit.")
    return as_object(answer.value)


async def _detailed(app: App, hit: Mapping[str, Any], platform: str | None) -> dict[str, Any]:
    """Return the hit with what models need not be told: they read it off the name, or ask."""
    wanted, platform = hit.get("tool") or hit.get("actionId", ""), hit.get("platform") or platform
    known = {"tool": hit.get("tool"), "id": hit.get("actionId"), "platform": platform, "title": hit.get("title", "")}
    known |= {"effect": hit.get("effect", "read"), "request": ""}
    with suppress(PicaError):  # what was found is of use without
        action = await find_action(app.catalog, app.pipeline.names, platform, wanted, app.caller)
        known |= {"id": action.id, "platform": action.platform, "title": action.title}
        # Of a platform that is not connected the name can be read about, too, and it is shorter than the id.
        known["tool"] = known["tool"] or await app.pipeline.names.name_of(action)
        known |= {"effect": effect(app.caller, action), "request": f"{action.method} {action.path}"}
    accounts = hit.get(CONNECTION) or hit.get("connectionKey")
    return known | {"arguments": hit.get("arguments")} | ({"connections": accounts} if accounts else {})
