"""What a fixed tool is made of: its name, the arguments that several share, its definition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types as mcp

from pica_mcp import arguments, text
from pica_mcp.access import Caller
from pica_mcp.discovery.wording import squeezed
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import as_object
from pica_mcp.schemas import portable
from pica_mcp.tools import CONNECTION, MAX_RESULT_TOKENS, RESULT_FIELDS, Call, FixedTool, Profile, View

LIST, SEARCH, KNOWLEDGE, EXECUTE, READ, RESULT, BUILD = FIXED_NAMES = (
    "list_pica_integrations",
    "search_pica_platform_actions",
    "get_pica_action_knowledge",
    "execute_pica_action",
    "read_pica_action",
    "get_pica_result",
    "build_pica_request",
)

EXECUTING = frozenset({EXECUTE, READ, RESULT})
"""The tools that there are not for a caller who executes nothing. No other tool names one of them."""

ALWAYS_LOAD = "anthropic/alwaysLoad"
"""Where a client defers tools until it searches them, these are in view from the start."""

ACTION_ID = {"type": "string", "description": "Tool name or action id."}
ARGUMENTS = {"type": "object", "description": "The action's, flat, as search shows them."}
FIELDS = {"type": "string", "description": "JMESPath: the part to return."}
TOKENS = {"type": "integer"}

OFFICIAL: Mapping[str, Any] = {
    "platform": {"type": "string"},
    CONNECTION: {"type": "string"},
    "connectionKey": {"type": "string"},
    "data": {},  # a body may be a list or text too
    "pathVariables": {"type": "object"},
    "queryParams": {"type": "object"},
    "headers": {"type": "object"},
    "isFormData": {"type": "boolean"},
    "isFormUrlEncoded": {"type": "boolean"},
    "arguments": {"type": "object"},
    RESULT_FIELDS: {"type": "string"},
    MAX_RESULT_TOKENS: {"type": "integer"},
}
"""What is taken besides what is listed: the arguments of Pica's official server keep working."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a client is told of a fixed tool, and what the tool takes: `also` is taken without being listed."""

    name: str
    title: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...] = ()
    also: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reads: bool = True
    in_view: bool = False
    has_loose: bool = False
    """Whether an action's arguments may also stand beside ours."""

    @property
    def schema(self) -> dict[str, Any]:
        """The input schema that is listed."""
        listed: dict[str, Any] = {"type": "object", "properties": dict(self.properties)}
        return listed | ({"required": list(self.required)} if self.required else {})

    def told(self, profile: Profile) -> mcp.Tool:
        """Return the definition as clients of this profile take it."""
        hints = mcp.ToolAnnotations(
            title=self.title,
            read_only_hint=self.reads,
            destructive_hint=not self.reads,
            idempotent_hint=self.reads,
            open_world_hint=True,
        )
        return mcp.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=portable.shown(self.schema, profile),
            annotations=hints,
            _meta={ALWAYS_LOAD: True} if self.in_view else None,
        )

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as they are meant, or raise `InvalidArguments`."""
        # The action's own are checked by the action's schema: null may mean something there.
        loose = self._loose(given) if self.has_loose else {}
        given = {name: value for name, value in given.items() if name not in loose}
        raw = {name: given[name] for name in ("arguments", "data") if given.get(name) is not None}
        accepted = {**self.schema, "properties": {**self.also, **self.properties}}
        read = arguments.check(accepted, given)
        read |= {name: arguments.coerce(value, {"type": "object"}, keep_null=True) for name, value in raw.items()}
        own = as_object(read.get("arguments"))
        if twice := next((name for name in loose if name in own and own[name] != loose[name]), None):
            raise InvalidArguments(f"{text.line(repr(twice), 60)} is given twice.", "Nothing was sent; give it once.")
        return read | {"arguments": {**loose, **own}} if loose else read

    def _loose(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is none of ours, nor ours in another spelling."""
        ours = {squeezed(name) for name in (*self.also, *self.properties)}
        return {name: value for name, value in given.items() if value is not None and squeezed(name) not in ours}


def tool(
    definition: Definition,
    profile: Profile,
    run: Callable[[Caller, Mapping[str, Any]], Awaitable[mcp.CallToolResult]],
) -> FixedTool:
    """Return a tool whose arguments are checked before it runs."""

    async def checked_run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        return await run(caller, definition.checked(given))

    return FixedTool(definition.told(profile), checked_run)


def platform_of(given: Mapping[str, Any]) -> str | None:
    """Return the platform that is asked for, None if none is."""
    return str(given.get("platform") or "").strip().lower() or None


# What several tools take: an action's arguments, flat or in the way of Pica's official server


def parts(given: Mapping[str, Any]) -> tuple[dict[str, Any], Call, View]:
    """Return the flat arguments, what is given by group, and how much of the answer is wanted.

    What belongs to us may stand among the flat arguments, as a tool of its own has it there.
    """
    flat = dict(as_object(given.get("arguments")))
    own = {name: flat.pop(name) for name in (CONNECTION, RESULT_FIELDS, MAX_RESULT_TOKENS) if name in flat}
    own = {**arguments.check({"properties": OFFICIAL}, own), **given}
    data = arguments.coerce(given.get("data"), {"type": "array"}, keep_null=True)
    call = Call(
        path=given.get("pathVariables", {}),
        query=given.get("queryParams", {}),
        headers=given.get("headers", {}),
        body=data,
        connection=given.get("connectionKey") or own.get(CONNECTION),
        encoding="multipart" if given.get("isFormData") else "form" if given.get("isFormUrlEncoded") else None,
    )
    return flat, call, view(own)


def view(given: Mapping[str, Any]) -> View:
    """Return how much of an answer is wanted."""
    return View(given.get(RESULT_FIELDS) or "", given.get(MAX_RESULT_TOKENS), given.get("offset") or 0)
