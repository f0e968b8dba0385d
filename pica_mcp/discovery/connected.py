"""The tool that tells what is connected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import mcp_types as mcp

from pica_mcp import results, text
from pica_mcp.access import Caller, admit_platform, how_to_connect, how_to_reconnect, visible
from pica_mcp.accounts import by_platform, withheld
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.discovery.tool import LIST, Definition, tool
from pica_mcp.errors import PicaError
from pica_mcp.kept import Known
from pica_mcp.models import Connection, Platform
from pica_mcp.tools import FixedTool, Profile

_MAX_PLATFORMS = 20
_MAX_CONNECTIONS = 50
_FINE = "operational"
_LIST = Definition(
    LIST,
    "List connected accounts",
    "List the connected accounts that you can act on, by platform and label; those that fail say how a person mends "
    "them. With `query`, also matching platforms that a person could connect.",
    {"query": {"type": "string", "description": "Part of a platform's name."}},
    in_view=True,
)


def list_tool(catalog: Catalog, profile: Profile) -> FixedTool:
    """Return the tool that tells the caller's connections."""

    async def run(caller: Caller, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        known = await catalog.known_connections(caller.identity, fresh=True)
        lines = [*_connection_lines(caller, visible(caller, known.value))]
        notes = [outdated(known)]
        answer: dict[str, Any] = {}
        if query := str(arguments.get("query", "")).lower().split():
            states = states_of(visible(caller, known.value))
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

    return tool(_LIST, profile, run)


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
            line = {"platform": platform, "connection": label}
            if connection.state != _FINE or not connection.works:
                line["state"] = text.line(connection.state, 40)
            if not caller.identity.id and connection.owner:  # whose it is goes without saying for an identity
                line["identity"] = text.line(f"{connection.identity_type or ''} {connection.owner}")
            if not connection.works:
                line["reconnect"] = how_to_reconnect(caller.identity, connection)
            yield line


def states_of(own: Iterable[Connection]) -> Mapping[str, str]:
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
        platforms = await platforms_of(catalog, caller)
    except PicaError as error:
        return {}, str(error)
    fitting = {p.platform: p for p in platforms if _fits(words, f"{p.platform} {p.name} {p.category}")}
    if fitting or any(_fits(words, platform) for platform in connected):
        return fitting, ""
    return {}, near("-".join(words), [p.platform for p in platforms])


async def platforms_of(catalog: Catalog, caller: Caller) -> list[Platform]:
    """Return the platforms that the caller may know of."""
    return [p for p in await catalog.platforms() if not admit_platform(caller, p.platform)]


def near(wanted: str, known: Iterable[str], otherwise: str = "Try another part of its name.") -> str:
    """Return that there is no such platform, and which names are like it; `otherwise`, if none is, what to do."""
    near = difflib.get_close_matches(wanted, known, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else otherwise
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
