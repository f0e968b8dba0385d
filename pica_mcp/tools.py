"""The room that says what a `Tool` is: its definition, and how its arguments become a call.

A fixed tool answers by itself; an action tool is one action of a platform. Both travel the same line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import mcp_types as mcp

from pica_mcp.models import ActionDetails, as_object

Group: TypeAlias = Literal["path", "query", "headers", "body"]
"""Where an argument belongs in the HTTP request."""

Encoding: TypeAlias = Literal["json", "form", "multipart"]
"""How a body is written; the action decides, not the model."""

CONNECTION = "connection"
"""The argument that names the connection, where there is a choice. Reserved: an action's own is renamed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flat argument goes: a key of a group, or with no key the whole body."""

    group: Group
    key: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call, sorted by where they belong."""

    path: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Any = None
    connection: str | None = None
    encoding: Encoding | None = None
    """None: as the action is documented."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The flat arguments of an action as JSON Schema, and the way back to where each belongs."""

    schema: Mapping[str, Any]
    places: Mapping[str, Place]
    encoding: Encoding = "json"

    @property
    def headers(self) -> frozenset[str]:
        """The headers that the action documents, lower case."""
        return frozenset(p.key.lower() for p in self.places.values() if p.group == "headers" and p.key)

    def call(self, arguments: Mapping[str, Any], rest: Call | None = None) -> Call:
        """Return the call that these flat arguments mean, laid over what `rest` holds besides them."""
        call = rest or Call()
        for name, place in self.places.items():
            if name in arguments:
                group = _put(getattr(call, place.group), place, arguments[name])
                call = replace(call, **{place.group: group})
        return call if call.encoding else replace(call, encoding=self.encoding)

    def flat(self, call: Call) -> dict[str, Any]:
        """Return the call's values under their flat names; what the action does not document is left out."""
        flat: dict[str, Any] = {}
        for name, place in self.places.items():
            group = getattr(call, place.group)
            if place.key is None and group:
                flat[name] = group
            elif place.key is not None and (key := _spelling(group, place)) is not None:
                flat[name] = as_object(group)[key]
        return flat


def _spelling(group: Any, place: Place) -> str | None:
    """Return how the group spells the place's key, None if it is not there. Headers are the same in any case."""
    if place.group != "headers":
        return place.key if place.key in as_object(group) else None
    return next((key for key in as_object(group) if key.lower() == str(place.key).lower()), None)


def _put(group: Any, place: Place, value: Any) -> Any:
    """Return the group with the value under the place's key, or with no key as the whole group."""
    if place.key is None:
        return value
    spelt = _spelling(group, place)
    return {**{k: v for k, v in as_object(group).items() if k != spelt}, place.key: value}


@dataclass(frozen=True, slots=True)
class FixedTool:
    """A tool of ours. `run` takes the caller and the arguments as they came, and checks them."""

    definition: mcp.Tool
    run: Callable[[Any, Mapping[str, Any]], Awaitable[mcp.CallToolResult]]


@dataclass(frozen=True, slots=True)
class ActionTool:
    """One action of a platform as a tool."""

    definition: mcp.Tool
    action: ActionDetails
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class AnyActionTool:
    """Runs any action. `read` checks the arguments as they came, and tells platform, id or name, and the call."""

    definition: mcp.Tool
    read: Callable[[Mapping[str, Any]], tuple[str, str, Call]]


Tool: TypeAlias = FixedTool | ActionTool | AnyActionTool
