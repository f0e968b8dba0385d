"""The room of the fixed tools: what is connected, which action fits, what it needs, and running any action by id.

They carry the names and arguments of Pica's official server, so that prompts written for it keep working. They work
on live data, so a client that never hears of list changes loses nothing by them.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import mcp_types as mcp

from pica_mcp import results, schemas, text
from pica_mcp.access import Caller, admit, admit_platform, effect, how_to_connect, offered, usable, visible
from pica_mcp.accounts import by_platform, not_connected, withheld
from pica_mcp.catalog import Actions, Catalog, Connections
from pica_mcp.errors import PicaError, Reason, Refused
from pica_mcp.kept import Known
from pica_mcp.models import Action, ActionDetails, Connection, Platform, action_id
from pica_mcp.naming import prefix, tool_names
from pica_mcp.tools import CONNECTION, AnyActionTool, Call, FixedTool, Group, Parameters

LIST, SEARCH, KNOWLEDGE, EXECUTE = FIXED_NAMES = (
    "list_pica_integrations",
    "search_pica_platform_actions",
    "get_pica_action_knowledge",
    "execute_pica_action",
)
_MAX_FOUND = 8
_MAX_PLATFORMS = 20
_MAX_CONNECTIONS = 50
_MAX_KNOWLEDGE_CHARS = 20_000

_PLATFORM = {"type": "string", "description": "Platform name, e.g. 'gmail', as in list_pica_integrations."}
_ACTION_ID = {"type": "string", "description": "Action id or tool name from search_pica_platform_actions."}
_GROUPS: Mapping[Group, str] = {
    "path": "pathVariables",
    "query": "queryParams",
    "headers": "headers",
    "body": "data",
}
"""What execute_pica_action calls the groups of arguments."""


class Names:
    """Tool name → action for a platform's whole catalogue, worked out once for each listing of it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._named: dict[str, tuple[Actions, Mapping[str, Action]]] = {}

    async def of(self, platform: str) -> Mapping[str, Action]:
        """Return the names of everything the platform has, whether offered to agents or not."""
        actions = await self._catalog.actions(platform)
        if not actions.known:
            return {}
        known = self._named.get(platform)
        if known is None or known[0] is not actions:
            known = self._named[platform] = (actions, tool_names(actions.known, frozenset(FIXED_NAMES)))
        return known[1]

    def platform_of(self, name: str) -> str | None:
        """Return the platform that has a tool of this name, among those whose names were asked for."""
        return next((platform for platform, (_, named) in self._named.items() if name in named), None)


def apart(own: Iterable[Connection]) -> list[str]:
    """Return the platforms whose tools cannot be taken for another's: no two may spell the beginning alike."""
    platforms = {connection.platform for connection in own}
    spelt = Counter(map(prefix, platforms))
    return sorted(platform for platform in platforms if spelt[prefix(platform)] == 1)


def callable_by_name(caller: Caller, connections: Connections, platform: str) -> bool:
    """Tell if the platform's tools have names for this caller, whose connections are among these."""
    connected = any(connection.platform == platform for connection in usable(caller, connections))
    return connected and not caller.grant.knowledge_only and platform in apart(visible(caller, connections))


def fixed_tools(catalog: Catalog, names: Names) -> tuple[FixedTool | AnyActionTool, ...]:
    """Return the four tools."""
    return (
        _list_tool(catalog),
        _search_tool(catalog, names),
        _knowledge_tool(catalog, names),
        _execute_tool(),
    )


def _tool(
    name: str,
    title: str,
    description: str,
    properties: Mapping[str, Any],
    required: Iterable[str],
    run: Callable[[Caller, Mapping[str, Any]], Awaitable[mcp.CallToolResult]],
) -> FixedTool:
    """Return a tool that reads, and whose arguments are checked first."""
    definition = _definition(name, title, description, properties, required, reads=True)

    async def checked_run(caller: Caller, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        return await run(caller, schemas.check(definition.input_schema, arguments))

    return FixedTool(definition, checked_run)


def _definition(
    name: str,
    title: str,
    description: str,
    properties: Mapping[str, Any],
    required: Iterable[str],
    *,
    reads: bool,
) -> mcp.Tool:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    hints = mcp.ToolAnnotations(
        title=title, read_only_hint=reads, destructive_hint=not reads, idempotent_hint=reads, open_world_hint=True
    )
    return mcp.Tool(name=name, title=title, description=description, input_schema=schema, annotations=hints)


# What is connected


def _list_tool(catalog: Catalog) -> FixedTool:
    async def run(caller: Caller, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        known = await catalog.known_connections(caller.identity, fresh=True)
        lines = [*_connection_lines(caller, visible(caller, known.value))]
        notes = [outdated(known)]
        answer: dict[str, Any] = {}
        if query := str(arguments.get("query", "")).lower().split():
            states = _states(visible(caller, known.value))
            matching, why = await _matching(catalog, caller, query, states)
            lines = [line for line in lines if line["platform"] in matching or _fits(query, line["platform"])]
            shown = islice(matching.values(), _MAX_PLATFORMS)
            answer = {"platforms": [_platform_line(caller, platform, states, known.value) for platform in shown]}
            notes.append(why)
        elif not lines:
            notes.append(nothing(caller, known.value))
        if more := lines[_MAX_CONNECTIONS:]:
            notes.append(f"{len(more)} more are connected; pass a platform's name as `query`.")
        answer = {"connections": lines[:_MAX_CONNECTIONS], **answer}
        return results.said(text.compact(answer | ({"note": note} if (note := " ".join(filter(None, notes))) else {})))

    return _tool(
        LIST,
        "List connected platforms",
        "List the accounts (Gmail, Slack, ...) connected through Pica that you can act on, with their state. "
        "With `query`, those of the platforms that match, and what a person could connect.",
        {"query": {"type": "string", "description": "Part of the name of a platform to look for."}},
        (),
        run,
    )


def nothing(caller: Caller, connections: Iterable[Connection]) -> str:
    """Return why nothing is connected, and what to do."""
    if count := withheld(caller, connections):
        return (
            f"{count} accounts of {caller.identity} are connected, but none of them is on PICA_CONNECTION_KEYS and "
            "PICA_PLATFORMS. Ask the operator to change that; another account would not be on them either."
        )
    return (
        f"Nothing is connected for {caller.identity}. A person can connect accounts: {how_to_connect(caller.identity)}"
    )


def _connection_lines(caller: Caller, own: Iterable[Connection]) -> Iterable[dict[str, str]]:
    for platform, labels in by_platform(caller, own).items():
        for label, connection in labels.items():
            line = {"platform": platform, "connection": label, "state": connection.state}
            if not caller.identity.id and connection.owner:  # whose it is goes without saying for an identity
                line["identity"] = text.line(f"{connection.identity_type or ''} {connection.owner}")
            if not connection.works:
                line["reconnect"] = how_to_connect(caller.identity, platform)
            yield line


def _states(own: Iterable[Connection]) -> Mapping[str, str]:
    """Return connected platform → whether any account of it works."""
    states: dict[str, str] = {}
    for connection in own:
        states[connection.platform] = "connected" if connection.works else states.get(connection.platform, "failed")
    return states


async def _matching(
    catalog: Catalog, caller: Caller, words: list[str], connected: Iterable[str]
) -> tuple[Mapping[str, Platform], str]:
    """Return the platforms that match, by name, and a note if nothing does or they cannot be told now."""
    try:
        platforms = await _platforms(catalog, caller)
    except PicaError as error:
        return {}, str(error)
    fitting = {p.platform: p for p in platforms if _fits(words, f"{p.platform} {p.name} {p.category}")}
    if fitting or any(_fits(words, platform) for platform in connected):
        return fitting, ""
    return {}, _near("-".join(words), [p.platform for p in platforms])


async def _platforms(catalog: Catalog, caller: Caller) -> list[Platform]:
    return [p for p in await catalog.platforms() if not admit_platform(caller, p.platform)]


def _near(wanted: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "Try another part of its name."
    return f"There is no platform {text.line(repr(wanted), 60)}. {hint}"


def _fits(words: Iterable[str], name: str) -> bool:
    return all(word in name.lower() for word in words)


def _platform_line(
    caller: Caller, platform: Platform, states: Mapping[str, str], connections: Connections
) -> dict[str, str]:
    line = {"platform": platform.platform, "name": text.line(platform.name)}
    if platform.platform in states:
        return {**line, "state": states[platform.platform]}
    if withheld(caller, connections, platform.platform):
        return {**line, "state": "connected, but left out by the operator's lists"}
    return {**line, "connect": how_to_connect(caller.identity, platform.platform)}


def outdated(known: Known[Connections]) -> str:
    """Return why the connections may not be what they are now, empty if nothing speaks against them."""
    if known.failure is None:
        return ""
    why = f": {known.failure}" if isinstance(known.failure, PicaError) else "."
    return f"This is as of {known.as_of:%Y-%m-%d %H:%M} UTC, since Pica cannot tell now{why}"


# Which action fits


def _search_tool(catalog: Catalog, names: Names) -> FixedTool:
    async def run(caller: Caller, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        platform = str(arguments["platform"]).strip().lower()
        if refusal := admit_platform(caller, platform):
            raise refusal
        executes = not caller.grant.knowledge_only and arguments.get("agentType", "execute") == "execute"
        matching = await catalog.search(platform, str(arguments["query"]), execute=executes)
        fitting = [a for a in matching if (offered(caller, a) if executes else admit(caller, a) is None)]
        known = (await catalog.known_connections(caller.identity)).value
        connected = any(c.platform == platform for c in usable(caller, known))
        by_name = executes and callable_by_name(caller, known, platform)
        tool = await _tool_of(catalog, names, platform) if by_name else _no_tool
        answer: dict[str, Any] = {
            "platform": platform,
            "actions": [found(caller, action, tool(action)) for action in fitting[:_MAX_FOUND]],
        }
        if not connected and executes:
            answer["note"] = await _not_connected(catalog, caller, platform, known)
        elif not fitting and matching:
            answer["note"] = (
                f"{len(matching)} actions match, but this server may use none of them. Try other words, or ask the "
                "operator: PICA_PERMISSIONS and PICA_ACTION_IDS decide."
            )
        elif not fitting:
            answer["note"] = "No action matches. Try other words, fewer of them."
        return results.said(text.compact(answer))

    return _tool(
        SEARCH,
        "Search actions",
        "Find a platform's API actions by what they do. Call one by its `tool` name if that is among your tools, "
        "else run its `actionId` with execute_pica_action.",
        {
            "platform": _PLATFORM,
            "query": {"type": "string", "description": "What the action should do, e.g. 'send an email'."},
            "agentType": {
                "type": "string",
                "enum": ["execute", "knowledge"],
                "description": "'knowledge' searches to write code, not to run.",
            },
        },
        ("platform", "query"),
        run,
    )


async def _tool_of(catalog: Catalog, names: Names, platform: str) -> Callable[[Action], str | None]:
    """Return what tells a found action's tool; None where there is no single one, or it cannot be told now."""
    try:
        listed = await catalog.actions(platform)
        named = await names.of(platform)
    except PicaError:
        return _no_tool  # what was found is of use without

    def tool(found: Action) -> str | None:
        fitting = [name for name, row in named.items() if listed.fits(row, found)]
        return fitting[0] if len(fitting) == 1 else None

    return tool


def _no_tool(_: Action) -> None:
    return None


async def _not_connected(catalog: Catalog, caller: Caller, platform: str, connections: Connections) -> str:
    if withheld(caller, connections, platform):
        return str(not_connected(caller, platform, connections))
    if platform in _states(visible(caller, connections)):
        return f"The {platform} connection has failed. A person can connect it again: " + how_to_connect(
            caller.identity, platform
        )
    try:
        known = [p.platform for p in await _platforms(catalog, caller)]
    except PicaError:
        known = [platform]
    if platform in known:
        return f"{platform} is not connected. A person can connect it: {how_to_connect(caller.identity, platform)}"
    return _near(platform, known)


def found(caller: Caller, action: Action, tool: str | None) -> dict[str, str]:
    """Return an action as a line of a list."""
    return {
        **({"tool": tool} if tool else {}),
        "title": text.line(action.title) or "(untitled)",
        **({"actionId": text.line(action.id)} if action.id else {}),
        "request": text.line(f"{action.method} {action.path}"),
        "effect": effect(caller, action),
    }


# What it needs


def _knowledge_tool(catalog: Catalog, names: Names) -> FixedTool:
    async def run(caller: Caller, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        platform = str(arguments["platform"]).strip().lower()
        action = await find_action(catalog, names, platform, str(arguments["actionId"]))
        if refusal := admit(caller, action):
            raise refusal
        return results.said(knowledge(caller, action))

    return _tool(
        KNOWLEDGE,
        "Read about an action",
        "Read how an action works: its arguments, request, response and rules.",
        {"actionId": _ACTION_ID, "platform": _PLATFORM},
        ("actionId", "platform"),
        run,
    )


def knowledge(caller: Caller, action: ActionDetails) -> str:
    """Return how the action works, its document fenced, at most `results.MAX_CHARS`."""
    request = text.line(f"{action.method} {action.path}")
    head = f"{text.line(action.title)} ({action.platform}): {request}, effect: {effect(caller, action)}."
    parameters = schemas.derive(action)
    run = f"{EXECUTE} takes platform '{action.platform}', actionId '{text.line(action.id)}', {where(parameters)}"
    arguments = f"Arguments of its own tool: {text.compact(parameters.schema)}"
    if not action.knowledge.strip():
        return f"{head}\n{run}\n{arguments}\nPica has no document of this action."
    document = text.fence(text.cap(action.knowledge, _MAX_KNOWLEDGE_CHARS), "Pica's document of this action")
    room = results.MAX_CHARS - _MAX_KNOWLEDGE_CHARS - 2_000
    return f"{head}\n{text.cap(run, 1_000)}\n{text.cap(arguments, room)}\n{document}"


def where(parameters: Parameters) -> str:
    """Return where execute_pica_action takes the action's arguments; a star marks what is required."""
    return schemas.outline(parameters, _GROUPS)


async def find_action(catalog: Catalog, names: Names, platform: str, id_or_name: str) -> ActionDetails:
    """Return the platform's action by its id, or by the name of its tool. Raises `UnknownAction`.

    Raises `Refused` if the action is another platform's: a caller must not be led astray by an id.
    """
    wanted = action_id(id_or_name)
    if "::" not in wanted and (named := (await names.of(platform)).get(wanted)):
        return await catalog.details(named)
    action = await catalog.by_id(platform, wanted)
    if action.platform != platform:
        raise Refused(
            f"This action is of {text.line(action.platform, 60)}, not of {text.line(repr(platform), 60)}.",
            "Pass its own platform, or search for another action.",
            reason=Reason.PLATFORM,
        )
    return action


# Running any action


def _execute_tool() -> AnyActionTool:
    definition = _definition(
        EXECUTE,
        "Run an action",
        "Run any action by its id, for those that have no tool of their own. Read get_pica_action_knowledge first "
        "if you do not know its arguments.",
        {
            "platform": _PLATFORM,
            "actionId": _ACTION_ID,
            "connectionKey": {
                "type": "string",
                "description": "Which connection, by its label; only needed if the platform has several.",
            },
            "data": {"type": "object", "description": "Request body; null is sent as null."},
            "pathVariables": {"type": "object", "description": "Values for {{placeholders}} of the path."},
            "queryParams": {"type": "object", "description": "Query parameters; a list repeats its key."},
            "headers": {"type": "object", "description": "Further request headers, if the action documents any."},
            "isFormData": {"type": "boolean", "description": "Send data as multipart/form-data."},
            "isFormUrlEncoded": {"type": "boolean", "description": "Send data as a URL-encoded form."},
        },
        ("platform", "actionId"),
        reads=False,
    )
    # Bodies may be lists or text too, and the connection may be called as the named tools call it.
    tolerated: dict[str, Any] = {"data": {}, CONNECTION: {"type": "string"}}
    accepted = {**definition.input_schema, "properties": {**definition.input_schema["properties"], **tolerated}}

    def read(written: Mapping[str, Any]) -> tuple[str, str, Call]:
        arguments = schemas.check(accepted, written)
        data = schemas.coerce(schemas.coerce(arguments.get("data"), {"type": "object"}), {"type": "array"})
        form, multipart = arguments.get("isFormUrlEncoded"), arguments.get("isFormData")
        call = Call(
            path=arguments.get("pathVariables", {}),
            query=arguments.get("queryParams", {}),
            headers=arguments.get("headers", {}),
            body=data,
            connection=arguments.get("connectionKey") or arguments.get(CONNECTION),
            encoding="multipart" if multipart else "form" if form else None,
        )
        return str(arguments["platform"]).strip().lower(), str(arguments["actionId"]), call

    return AnyActionTool(definition, read)
