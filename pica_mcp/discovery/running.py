"""The tools that run any action, and the one that shows more of what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import mcp_types as mcp

from pica_mcp.access import Caller, Permission
from pica_mcp.discovery.tool import (
    ACTION_ID,
    ARGUMENTS,
    EXECUTE,
    FIELDS,
    OFFICIAL,
    READ,
    RESULT,
    SEARCH,
    TOKENS,
    Definition,
    parts,
    platform_of,
    tool,
    view,
)
from pica_mcp.files import RESULTS
from pica_mcp.results import Results
from pica_mcp.tools import MAX_RESULT_TOKENS, RESULT_FIELDS, AnyActionTool, AnyCall, FixedTool, Profile

_ACCOUNT = {"type": "string", "description": "Label of the account; only if there are several."}
_FIND = f"For actions that are no tool of yours: find them with {SEARCH} first."
_WRITES = f"Run any action, also one that changes something; none that deletes. {_FIND}"
_READS = f"Run any action that only reads; others are refused. {_FIND}"
_EXECUTE = Definition(
    EXECUTE,
    "Run an action",
    f"Run any action, also one that changes or deletes. {_FIND}",
    {"actionId": ACTION_ID, "arguments": ARGUMENTS, "connectionKey": _ACCOUNT, MAX_RESULT_TOKENS: TOKENS},
    ("actionId",),
    OFFICIAL,
    reads=False,
    in_view=True,
    has_loose=True,
)
_READ = Definition(
    READ,
    "Run an action that reads",
    "Run any action that only reads; others are refused. Prefer it to execute_pica_action for reading.",
    {
        "actionId": ACTION_ID,
        "arguments": ARGUMENTS,
        "connectionKey": _ACCOUNT,
        RESULT_FIELDS: FIELDS,
        MAX_RESULT_TOKENS: TOKENS,
    },
    ("actionId",),
    OFFICIAL,
    in_view=True,
    has_loose=True,
)
_RESULT = Definition(
    RESULT,
    "Get more of a result",
    "Get more of an answer that was cut, by the id that it names.",
    {
        "id": {"type": "string"},
        RESULT_FIELDS: FIELDS,
        "offset": {"type": "integer", "description": "Where to begin: the number that the answer names."},
        MAX_RESULT_TOKENS: TOKENS,
    },
    ("id",),
)


def execute_tool(profile: Profile) -> AnyActionTool:
    """Return the tool that runs any action."""
    return _any_action_tool(_EXECUTE, profile)


def read_tool(profile: Profile) -> AnyActionTool:
    """Return its twin that only runs actions that read, so that clients can approve it once for all."""
    return _any_action_tool(_READ, profile)


def permitted(tool: FixedTool | AnyActionTool, permission: Permission) -> FixedTool | AnyActionTool:
    """Return the tool as its definition is for who may do no more than this: it does not offer what is refused."""
    hints = tool.definition.annotations
    if permission is Permission.WRITE and tool.definition.name == EXECUTE and hints:
        told = {"description": _WRITES, "annotations": hints.model_copy(update={"destructive_hint": False})}
    elif permission is Permission.READ and tool.definition.name == READ:
        told = {"description": _READS}
    else:
        return tool
    return replace(tool, definition=tool.definition.model_copy(update=told))


def _any_action_tool(definition: Definition, profile: Profile) -> AnyActionTool:
    def read(written: Mapping[str, Any]) -> AnyCall:
        given = definition.checked(written)
        flat, call, wanted = parts(given)
        return AnyCall(platform_of(given), str(given["actionId"]), flat, call, wanted)

    return AnyActionTool(definition.told(profile), read, reads=definition.reads)


def result_tool(results: Results, profile: Profile) -> FixedTool:
    """Return the tool that shows more of an answer."""

    async def run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        return await results.more(caller, str(given["id"]).strip().removeprefix(RESULTS), view(given))

    return tool(_RESULT, profile, run)
