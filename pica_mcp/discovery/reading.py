"""The tool that tells what an action needs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import mcp_types as mcp

from pica_mcp import documents, results, schemas, text
from pica_mcp.access import Caller, admit, effect
from pica_mcp.catalog import Catalog
from pica_mcp.discovery.names import Names, find_action
from pica_mcp.discovery.tool import ACTION_ID, BUILD, EXECUTE, KNOWLEDGE, Definition, platform_of, tool
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import ActionDetails
from pica_mcp.tools import FixedTool, Parameters, Profile

_USUAL_CHARS = 8_000
_FENCE_CHARS = 100
_MAX_HEAD_CHARS = 2_500
_MAX_SLUGS = 60
_FULL = "full"
_SOURCE = "Pica's document of this action"

_KNOWLEDGE = Definition(
    KNOWLEDGE,
    "Read about an action",
    "Read an action's document (fields, rules, examples) where search did not tell enough. Long ones come as a digest "
    "with a table of contents.",
    {
        "actionId": ACTION_ID,
        "section": {"type": "string", "description": f"One of the contents, or '{_FULL}'."},
    },
    ("actionId",),
    {"platform": {"type": "string"}},
)


def knowledge_tool(catalog: Catalog, names: Names, profile: Profile) -> FixedTool:
    """Return the tool that reads documents."""

    async def run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        action = await find_action(catalog, names, platform_of(given), str(given["actionId"]), caller)
        if refusal := admit(caller, action):
            raise refusal
        return results.said(knowledge(caller, action, str(given.get("section") or "")))

    return tool(_KNOWLEDGE, profile, run)


def knowledge(caller: Caller, action: ActionDetails, section: str = "") -> str:
    """Return how the action is called, then a digest of its document, that section, or `full`; bounded and fenced."""
    if section and section.strip().lower() != _FULL:
        return text.fence(_section(action, section), _SOURCE, results.MAX_CHARS - _FENCE_CHARS)
    head = _head(caller, action)
    if not action.knowledge.strip():
        return f"{head}\nPica has no document of this action."
    room = (results.MAX_CHARS if section else _USUAL_CHARS) - len(head) - _FENCE_CHARS
    document = text.cap(action.knowledge, room) if section else documents.digest(action.knowledge, room)
    return f"{head}\n{text.fence(document, _SOURCE, room)}"


def _head(caller: Caller, action: ActionDetails) -> str:
    """Return what the action is, what it takes and how to call it."""
    request = text.line(f"{action.method} {action.path}")
    title = f"{text.line(action.title)} ({action.platform}): {request}, effect: {effect(caller, action)}."
    name = BUILD if caller.grant.knowledge_only else EXECUTE
    call = f"Call: {name} with actionId {text.line(repr(action.id), 100)} and these as `arguments`."
    return f"{title}\nArguments (* required): {where(schemas.derive(action))}\n{call}"


def where(parameters: Parameters) -> str:
    """Return the action's flat arguments with their types; a star marks what is required."""
    return schemas.outline(parameters, max_chars=_MAX_HEAD_CHARS)


def _section(action: ActionDetails, wanted: str) -> str:
    """Return that section of the document, or raise `InvalidArguments` with those that there are."""
    if (found := documents.section(action.knowledge, wanted)) is not None:
        return found
    slugs = list(islice((section.slug for section in documents.sections(action.knowledge)), _MAX_SLUGS))
    there = f"There are: {text.line(', '.join(slugs), 1_500)}." if slugs else "It has none."
    raise InvalidArguments(f"The document has no section {text.line(repr(wanted), 60)}.", there)
