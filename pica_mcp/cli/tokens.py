"""`pica-mcp tokens`: which tools a client is shown, what each costs, why it is there, and what is left to search."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pica_mcp import explanation, findings, text
from pica_mcp.access import Caller
from pica_mcp.app import App
from pica_mcp.cli.asking import ask
from pica_mcp.cli.options import add_settings, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import complain, fail
from pica_mcp.cli.terminal import print_json
from pica_mcp.errors import PicaError
from pica_mcp.findings import Finding
from pica_mcp.settings import Settings
from pica_mcp.toolbox.budget import Choice, Survey
from pica_mcp.tools import ActionTool

_FIXED = "fixed"
_NOT_LOADED = "Pica does not tell its actions now"
_FOOT = (
    "A token is taken for four characters of a tool's name, description and input schema. What is left to search is "
    "found by search_pica_platform_actions and runs by name or id; what is not allowed or not offered is not found."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell which tools a server with these settings lists, what the definition of each costs a model, why it is "
        "listed, and what is left to search. It asks Pica for the account and its catalogue, and changes nothing.",
        "pica-mcp tokens",
        "pica-mcp tokens --sandbox --pin 'gmail POST' --max-tools 20",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the tools with their cost: 0 if all is told, 1 if Pica does not tell all of it."""
    settings = settings_of(arguments)
    found = ask(settings, partial(_found, settings))
    if isinstance(found, PicaError):
        return fail(found)
    caller, survey, vain = found
    if arguments.json:
        print_json(_document(settings, caller, survey, vain))
    else:
        print_rows(_rows(settings, caller, survey, vain))
    if not survey.complete:
        complain("Pica did not tell all of it. Run it again in a minute.")
    return 0 if survey.complete else 1


async def _found(settings: Settings, app: App) -> tuple[Caller, Survey, tuple[Finding, ...]]:
    """Return the caller, their tools, and what is set in vain."""
    survey = await app.pipeline.toolbox.settled(app.caller)
    return app.caller, survey, await _in_vain(settings, app)


async def _in_vain(settings: Settings, app: App) -> tuple[Finding, ...]:
    """Return what of the settings that list tools means none; nothing where Pica does not tell."""
    lists = findings.lists(settings.pins, settings.exclusions)
    if not any(lists.values()):
        return ()
    try:
        found = await explanation.in_vain(app.caller, app.catalog, app.pipeline.names, lists)
    except PicaError:
        return ()
    return tuple(one for one in found if one.setting in lists)


def _rows(settings: Settings, caller: Caller, survey: Survey, vain: Sequence[Finding]) -> Iterator[Row]:
    yield Row("", f"What a client of {text.line(str(caller.identity), 100)} is shown")
    yield Row("")
    yield from _total_rows(settings, survey)
    yield Row("")
    yield from _tool_rows(survey)
    yield from _idle_rows(settings, survey)
    if vain:
        yield Row("")
        yield Row("", "Settings that mean nothing")
    for one in vain:
        yield Row("  ", text.line(f"{one.setting}: {one.part}: {one.problem}", 300))
    yield from _left_rows(settings, caller, survey)
    yield Row("")
    yield Row("", _FOOT)


def _tool_rows(survey: Survey) -> Iterator[Row]:
    width = max(len(tool.definition.name) for tool in survey.tools)
    yield Row(f"  {'tool':<{width}}  ", "tokens  why")
    for choice in (*survey.fixed, *survey.direct):
        yield Row(f"  {choice.tool.definition.name:<{width}}  ", f"{choice.tokens:>6,}  {choice.why or _FIXED}")


def _total_rows(settings: Settings, survey: Survey) -> Iterator[Row]:
    fixed, direct = _cost(survey.fixed), _cost(survey.direct)
    limit = {
        "auto": f"{settings.max_tools:,} tools, {settings.max_tool_tokens:,} tokens",
        "all": "none: PICA_TOOLS is all",
        "none": "fixed tools only: PICA_TOOLS is none",
    }
    average = f", {direct // len(survey.direct):,} each" if survey.direct else ""
    yield Row("  Listed   ", f"{len(survey.tools):,} tools, {fixed + direct:,} tokens")
    yield Row("  Fixed    ", f"{len(survey.fixed):,} tools, {fixed:,} tokens")
    yield Row("  Actions  ", f"{len(survey.direct):,} tools, {direct:,} tokens{average}")
    yield Row("  Budget   ", limit[settings.tools])
    if settings.tools == "auto" and (len(survey.fixed) > settings.max_tools or fixed > settings.max_tool_tokens):
        yield Row("", "The fixed tools alone take more than the budget: no action is a tool.")


def _idle_rows(settings: Settings, survey: Survey) -> Iterator[Row]:
    if idle := _idle_pins(settings, survey):
        yield Row("")
        yield Row("", "Pins that list nothing: nothing that may be listed fits, or it is beyond the budget")
    for pattern in idle:
        yield Row("  ", text.line(pattern))


def _left_rows(settings: Settings, caller: Caller, survey: Survey) -> Iterator[Row]:
    yield Row("")
    if caller.grant.knowledge_only or settings.tools == "none":
        setting = "PICA_KNOWLEDGE_AGENT is true" if caller.grant.knowledge_only else "PICA_TOOLS is none"
        yield Row("", f"No action is a tool: {setting}")
        return
    yield Row("", "Not listed" if survey.left else "No platform is connected that works")
    width = min(24, max(map(len, survey.left), default=0))
    for platform, counts in survey.left.items():
        told = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        nothing = "nothing" if survey.complete else _NOT_LOADED
        yield Row(f"  {platform:<{width}}  ", told or nothing)


def _cost(choices: Iterable[Choice]) -> int:
    return sum(choice.tokens for choice in choices)


def _idle_pins(settings: Settings, survey: Survey) -> list[str]:
    """Return the pins that brought nothing into the list."""
    listed = [choice.tool for choice in survey.direct if isinstance(choice.tool, ActionTool)]
    return [
        str(pattern)
        for pattern in settings.pins
        if not any(pattern.matches(tool.definition.name, tool.action) for tool in listed)
    ]


def _document(settings: Settings, caller: Caller, survey: Survey, vain: Sequence[Finding]) -> dict[str, Any]:
    return {
        "identity": caller.identity.id,
        "identity_type": caller.identity.type,
        "mode": settings.tools,
        "knowledge_only": caller.grant.knowledge_only,
        "profile": settings.schema_profile,
        "budget": {"tools": settings.max_tools, "tokens": settings.max_tool_tokens},
        "listed": {"tools": len(survey.tools), "tokens": _cost((*survey.fixed, *survey.direct))},
        "fixed": [{"tool": choice.tool.definition.name, "tokens": choice.tokens} for choice in survey.fixed],
        "direct": [_line(choice) for choice in survey.direct],
        "left": [{"platform": platform, "actions": counts} for platform, counts in survey.left.items()],
        "idle_pins": _idle_pins(settings, survey),
        "findings": [asdict(one) for one in vain],
        "complete": survey.complete,
    }


def _line(choice: Choice) -> dict[str, Any]:
    action = choice.tool.action if isinstance(choice.tool, ActionTool) else None
    told = {"platform": action.platform, "action": action.id} if action else {}
    return {"tool": choice.tool.definition.name, **told, "tokens": choice.tokens, "why": choice.why}
