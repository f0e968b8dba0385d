"""`pica-mcp tools`: the tools as a client is shown them, and the whole definition of one."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import visible
from pica_mcp.app import App
from pica_mcp.cli.asking import ask
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import complain, fail
from pica_mcp.cli.terminal import cell, print_json
from pica_mcp.errors import PicaError, UnknownTool
from pica_mcp.models import Effect, as_list, as_object
from pica_mcp.settings import Settings
from pica_mcp.toolbox.budget import Survey
from pica_mcp.toolbox.definitions import action_tool
from pica_mcp.tools import Runnable

_MAX_DESCRIPTION_CHARS = 2_000
_MAX_CHOICES = 8
_STYLES = {Effect.READ: "green", Effect.WRITE: "yellow", Effect.DESTRUCTIVE: "red"}


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "List the tools as a client of a server with these settings is shown them, or show the whole definition of "
        "one. A tool that is not listed is shown too, since it runs by its name all the same.",
        "pica-mcp tools",
        "pica-mcp tools gmail_send_email --sandbox",
        "pica-mcp tools --permissions read --json",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="show this tool's definition")
    add_format(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print them: 0 if all is told, 1 if Pica does not tell all of it, 2 if there is no tool of that name."""
    settings = settings_of(arguments)
    if arguments.name:
        return _one(settings, arguments.name.strip(), in_json=as_json(arguments))
    return _all(settings, in_json=as_json(arguments))


def _all(settings: Settings, *, in_json: bool) -> int:
    survey = ask(settings, _survey)
    if isinstance(survey, PicaError):
        return fail(survey)
    tools = [tool.definition for tool in survey.tools]
    if in_json:
        print_json({"tools": [_line(tool) for tool in tools], "complete": survey.complete})
    else:
        print_listing(["tool", "effect", "what it does"], [[*_cells(tool)] for tool in tools])
    if not survey.complete:
        complain("Pica did not tell all of it. Run it again in a minute.")
    return 0 if survey.complete else 1


async def _survey(app: App) -> Survey:
    return await app.pipeline.toolbox.settled(app.caller)


def _effect(tool: mcp.Tool) -> Effect:
    hints = tool.annotations or mcp.ToolAnnotations()
    if hints.read_only_hint:
        return Effect.READ
    return Effect.WRITE if hints.destructive_hint is False else Effect.DESTRUCTIVE


def _line(tool: mcp.Tool) -> dict[str, Any]:
    return {"tool": tool.name, "title": tool.title, "effect": _effect(tool), "description": tool.description}


def _cells(tool: mcp.Tool) -> Iterator[object]:
    does = _effect(tool)
    yield cell(tool.name, "bold")
    yield cell(does, _STYLES[does])
    yield _first(tool.description or tool.title or "")


def _first(description: str) -> str:
    """Return the first sentence."""
    sentence, end, _ = text.line(description, _MAX_DESCRIPTION_CHARS).partition(". ")
    return f"{sentence}." if end else sentence


def _one(settings: Settings, name: str, *, in_json: bool) -> int:
    found = ask(settings, partial(_definition, settings, name))
    if isinstance(found, PicaError):
        return fail(found)
    if in_json:
        print_json(found.model_dump(mode="json", by_alias=True, exclude_none=True))
    else:
        _print_definition(found)
    return 0


async def _definition(settings: Settings, name: str, app: App) -> mcp.Tool:
    """Return the tool's definition as it is listed, or would be if the budget held it."""
    caller, toolbox = app.caller, app.pipeline.toolbox
    try:
        found = await toolbox.find(caller, name)
    except UnknownTool:
        listed = [tool.definition.name for tool in (await _survey(app)).tools]
        near = difflib.get_close_matches(name, listed, n=3)
        hint = f"Did you mean {', '.join(near)}?" if near else "pica-mcp tools lists them; pica-mcp actions finds more."
        raise UnknownTool(f"There is no tool named {text.line(repr(name), 80)}.", hint) from None
    if not isinstance(found, Runnable):
        return found.definition
    own = visible(caller, await app.catalog.connections(caller.identity))
    parameters = toolbox.derived.parameters(found.action)
    return action_tool(caller, own, name, found.action, parameters, settings.schema_profile).definition


def _print_definition(tool: mcp.Tool) -> None:
    arguments = list(_arguments(tool.input_schema))
    print_rows(_heading(tool))
    if arguments:
        print_listing(["argument", "type", "required", "what it is"], arguments)
    else:
        print_rows([Row("", "It takes no arguments.")])


def _heading(tool: mcp.Tool) -> Iterator[Row]:
    does = _effect(tool)
    yield Row("", f"{tool.name}: {does}", style=f"bold {_STYLES[does]}")
    yield Row("", text.line(tool.title or tool.name))
    yield Row("")
    for line in text.clean(tool.description or "", _MAX_DESCRIPTION_CHARS).splitlines():
        yield Row("", line)
    yield Row("")


def _arguments(schema: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    """Yield name, type, whether it is required and what it is; those that are required come first."""
    required = as_list(schema.get("required"))
    properties = as_object(schema.get("properties"))
    for name in sorted(properties, key=lambda name: name not in required):
        facts = as_object(properties[name])
        what = cell(facts.get("description", ""), max_chars=_MAX_DESCRIPTION_CHARS)
        yield cell(name, "bold"), kind(facts), "yes" if name in required else "", what


def kind(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, in a few words: `string or null`, `list of integer`, `one of a, b`."""
    choices = as_list(schema.get("enum"))
    if "const" in schema or choices:
        choices = choices or [schema["const"]]
        more = f" and {len(choices) - _MAX_CHOICES:,} more" if len(choices) > _MAX_CHOICES else ""
        return f"one of {', '.join(map(str, choices[:_MAX_CHOICES]))}{more}"
    if among := as_list(schema.get("anyOf")) or as_list(schema.get("oneOf")):
        return " or ".join(dict.fromkeys(kind(as_object(one)) for one in among))
    told = schema.get("type")
    words = cast(list[Any], told) if isinstance(told, list) else [told or "any"]
    inner = f" of {kind(as_object(schema['items']))}" if "array" in words and schema.get("items") else ""
    return " or ".join("list" + inner if word == "array" else str(word) for word in words)
