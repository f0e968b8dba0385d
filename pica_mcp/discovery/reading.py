"""The tool that tells what an action needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import documents, results, schemas, text
from pica_mcp.access import Caller, admit, effect
from pica_mcp.accounts import to_choose_from
from pica_mcp.catalog import Catalog
from pica_mcp.discovery.names import Names, find_action
from pica_mcp.discovery.tool import ACTION_ID, BUILD, EXECUTE, KNOWLEDGE, READ, Definition, platform_of, tool
from pica_mcp.documents import Passage
from pica_mcp.errors import InvalidArguments, PicaError
from pica_mcp.models import CONNECTION_KEY, ActionDetails, Effect
from pica_mcp.tools import CONNECTION, FixedTool, Profile

_USUAL_CHARS = 8_000
_WAIT_SECONDS = 3.0
_FENCE_CHARS = 100
_MAX_HEAD_CHARS = 2_500
_MAX_SLUGS = 60
_TOLD = (("method",), ("url",), ("endpoint",), ("headers",))
_FULL = "full"
_BARE = re.compile(r"`[^`\n]{0,500}`|```\w{0,20}\n[^`]{0,2000}\n```")
"""One code span, or one closed fence."""

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
        return results.said(await knowledge(catalog, names, caller, action, str(given.get("section") or "")))

    return tool(_KNOWLEDGE, profile, run)


async def _called_as(
    catalog: Catalog, names: Names, caller: Caller, action: ActionDetails
) -> tuple[str, Sequence[str]]:
    """Return the name of the action's tool, empty if it has none, and the accounts of which a call has to name one.

    Nothing of either that cannot be told in a moment.
    """
    name, accounts = "", ()
    with anyio.move_on_after(_WAIT_SECONDS), suppress(PicaError):
        connections = (await catalog.known_connections(caller.identity)).value
        accounts = to_choose_from(caller, connections, action.platform)
        name = await names.tool_of(caller, connections, action) or ""
    return name, () if caller.grant.knowledge_only else accounts


async def knowledge(catalog: Catalog, names: Names, caller: Caller, action: ActionDetails, section: str = "") -> str:
    """Return how the action is called, then a digest of its document, that section, or `full`; bounded and fenced."""
    if section and section.strip().lower() != _FULL:
        return text.fence(_section(action, section), _SOURCE, results.MAX_CHARS - _FENCE_CHARS)
    head = _head(caller, action, *await _called_as(catalog, names, caller, action))
    if not action.knowledge.strip():
        return f"{head}\nPica has no document of this action."
    room = (results.MAX_CHARS if section else _USUAL_CHARS) - len(head) - _FENCE_CHARS
    document = text.cap(action.knowledge, room) if section else digest_without_request(action.knowledge, room)
    return f"{head}\n{text.fence(document, _SOURCE, room)}"


def digest_without_request(document: str, max_chars: int) -> str:
    """Return a digest of the document, without the request: its headers are those of Pica's own API, no call's."""
    passages = documents.passages(document)
    untold = "".join(passage.text for passage in passages if not _is_told(passage))
    return documents.digest(untold or document, max_chars)


def _is_told(passage: Passage) -> bool:
    """Tell if there is nothing in the section but that: a rule that stands beside it is not to be lost."""
    is_leaf = passage.end == passage.begin + len(passage.text)
    body = passage.text.partition("\n")[2].strip()
    return is_leaf and passage.kinds[:1] in _TOLD and bool(_BARE.fullmatch(body))


def _head(caller: Caller, action: ActionDetails, name: str, accounts: Sequence[str]) -> str:
    """Return what the action is, what it takes and how to call it."""
    request = text.line(f"{action.method} {action.path}")
    does = effect(caller, action)
    title = f"{text.line(action.title)} ({action.platform}): {request}, effect: {does}."
    runs = BUILD if caller.grant.knowledge_only else READ if does is Effect.READ else EXECUTE
    by_id = f"{runs} with actionId {text.line(repr(name or action.id), 100)} and these as `arguments`"
    call = f"Call: the tool {name} with these or, where it is not listed, {by_id}." if name else f"Call: {by_id}."
    outlined = schemas.outline(schemas.derive(action), max_chars=_MAX_HEAD_CHARS)
    labels = ", ".join(map(repr, accounts))
    through = f"; `{CONNECTION if name else CONNECTION_KEY}`*, one of {labels}" if labels else ""
    return f"{title}\nArguments (* required): {outlined}{through}\n{call}"


def _section(action: ActionDetails, wanted: str) -> str:
    """Return that section of the document, or raise `InvalidArguments` with those that there are."""
    if (found := documents.section(action.knowledge, wanted)) is not None:
        return found
    slugs = list(islice((passage.slug for passage in documents.passages(action.knowledge)), _MAX_SLUGS))
    there = f"There are: {text.line(', '.join(slugs), 1_500)}." if slugs else "It has none."
    raise InvalidArguments(f"The document has no section {text.line(repr(wanted), 60)}.", there)
