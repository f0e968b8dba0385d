"""The room that says what a `Tool` is: its definition, and how its arguments become a call.

A fixed tool answers by itself; an action tool is one action of a platform. Both travel the same line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import mcp_types as mcp

from pica_mcp import brackets
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import ActionDetails, Effect, as_object

Group: TypeAlias = Literal["path", "query", "headers", "body"]
"""Where an argument belongs in the HTTP request."""

Encoding: TypeAlias = Literal["json", "form", "multipart", "text", "binary"]
"""How a body is written; the action decides, not the model. GraphQL is JSON, its document a fixed value."""

Profile: TypeAlias = Literal["portable", "openai-strict", "raw"]
"""For whom a schema is written: any client, OpenAI's strict mode, or as Pica has it."""

CONNECTION = "connection"
"""The argument that names the connection, where there is a choice."""

RESULT_FIELDS = "result_fields"
"""The argument that says which part of an answer to show, in JMESPath; of tools that read."""

MAX_RESULT_TOKENS = "max_result_tokens"
"""The argument that says how long an answer may be. Taken by every tool, listed only by fixed ones."""

RESERVED = frozenset({CONNECTION, RESULT_FIELDS, MAX_RESULT_TOKENS})
"""Arguments of ours: an action's own of the same name are renamed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: a key of a group, or of an object `inside` it, outermost first; no key: the whole body."""

    group: Group
    key: str | None
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: what an argument that takes one means once it is read."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


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


@dataclass(frozen=True)
class Parameters:
    """The flat arguments of an action as JSON Schema, and the way back to where each belongs.

    `schema` has all that is accepted; a definition may show less of it. `fixed` values are put in last, whatever an
    argument says; `defaults`, by name, where the argument is absent. `files` are the arguments that take a file.
    """

    schema: Mapping[str, Any]
    places: Mapping[str, Place]
    encoding: Encoding = "json"
    fixed: tuple[tuple[Place, Any], ...] = ()
    files: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def headers(self) -> frozenset[str]:
        """The headers that the action documents, lower case."""
        places = (*self.places.values(), *(place for place, _ in self.fixed))
        return frozenset(place.key.lower() for place in places if place.group == "headers" and place.key)

    @cached_property
    def constants(self) -> Mapping[str, Any]:
        """What is fixed, by the name that the documents have for it, except where an argument has that name."""
        return {place.key: value for place, value in self.fixed if place.key and place.key not in self.places}

    def call(self, arguments: Mapping[str, Any], rest: Call | None = None) -> Call:
        """Return the call that these flat arguments mean, laid over what `rest` holds besides them.

        What is fixed goes over both; only a GraphQL document that `rest` writes itself stays. Raises `InvalidArguments`
        where a value belongs into an object, and `rest` has something else there.
        """
        call = rest or Call()
        has_own_document = self._writes_document(call)
        given = {**self.defaults, **arguments}
        for name, place in self.places.items():
            if name in given:
                call = _laid(call, place, given[name])
        for place, value in self.fixed:
            if not (has_own_document and _is_document(place, value)):
                call = _laid(call, place, value, is_fixed=True)
        return call if call.encoding else replace(call, encoding=self.encoding)

    def beside(self, call: Call) -> Parameters:
        """Return the parameters as they are for a call that is written by group, to be handed to `call` with it.

        A body with a GraphQL document of its own has variables of its own; none of those documented applies.
        """
        if not self._writes_document(call):
            return self
        places = {name: place for name, place in self.places.items() if not place.inside}
        kept = {name: schema for name, schema in self.schema["properties"].items() if name in places}
        required = [name for name in self.schema.get("required", ()) if name in places]
        return replace(self, schema={**self.schema, "properties": kept, "required": required}, places=places)

    def _writes_document(self, call: Call) -> bool:
        """Tell if the call has a GraphQL document of its own, where the action has a fixed one."""
        own = as_object(call.body).get("query")
        return own is not None and any(_is_document(place, value) for place, value in self.fixed)

    def flat(self, call: Call) -> dict[str, Any]:
        """Return the call's values under their flat names; what the action does not document is left out."""
        flat: dict[str, Any] = {}
        for name, place in self.places.items():
            group = getattr(call, place.group)
            for key in place.inside:
                group = as_object(group).get(key)
            if place.key is None and (group is not None if place.group == "body" else group):
                flat[name] = group
            elif place.key is not None and (key := _spelling(group, place)) is not None:
                flat[name] = as_object(group)[key]
        return flat


def _is_document(place: Place, value: Any) -> bool:
    """Tell a GraphQL document from any other value that is fixed: a selection in braces is a part of each."""
    return place == Place("body", "query") and "{" in str(value)


def _laid(call: Call, place: Place, value: Any, *, is_fixed: bool = False) -> Call:
    """Return the call with the value in its place; null for all but a body is as good as nothing."""
    if place.key is None and place.group != "body" and value is None:
        return call
    return replace(call, **{place.group: _put(getattr(call, place.group), place, value, is_fixed=is_fixed)})


def _spelling(group: Any, place: Place) -> str | None:
    """Return how the group spells the place's key, None if it is not there. Headers are the same in any case."""
    if place.group != "headers":
        return place.key if place.key in as_object(group) else None
    return next((key for key in as_object(group) if key.lower() == str(place.key).lower()), None)


def _put(group: Any, place: Place, value: Any, *, is_fixed: bool) -> Any:
    """Return the group with the value under the place's key, or with no key as the whole group.

    What is fixed goes in alone: a key that a provider may read as the same is left out.
    """
    if place.key is None:
        return {**as_object(group), **as_object(value)} if isinstance(value, Mapping) else value
    if not isinstance(group, Mapping | None):
        problem = "This action has fields of its own in an object of the body, where a list or text was given."
        raise InvalidArguments(problem, "Nothing was sent; give an object, or each field by its name.")
    if place.inside:
        outer, *within = place.inside
        inner = _put(as_object(group).get(outer), replace(place, inside=tuple(within)), value, is_fixed=is_fixed)
        return {**as_object(group), outer: inner}
    spelt = _spelling(group, place)
    kept = {k: v for k, v in as_object(group).items() if k != spelt and not (is_fixed and brackets.alike(k, place.key))}
    return {**kept, place.key: value}


@dataclass(frozen=True, slots=True)
class FixedTool:
    """A tool of ours. `run` takes the caller and the arguments as they came, and checks them."""

    definition: mcp.Tool
    run: Callable[[Any, Mapping[str, Any]], Awaitable[mcp.CallToolResult]]


@dataclass(frozen=True, slots=True)
class Runnable:
    """One action of a platform, with what can be worked out before a call. `told`: its effect by all but rules."""

    action: ActionDetails
    parameters: Parameters
    told: Effect


@dataclass(frozen=True, slots=True)
class ActionTool(Runnable):
    """One action of a platform as a tool."""

    definition: mcp.Tool


@dataclass(frozen=True, slots=True)
class View:
    """How much of an answer is wanted: a part of it in JMESPath, so many tokens, beginning at a character."""

    fields: str = ""
    max_tokens: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AnyCall:
    """A call of any action: which one, by id or by the name of its tool, and with what.

    `arguments` are flat, as the action's own tool has them; `call` holds what is given by group.
    """

    platform: str | None
    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    call: Call = Call()
    view: View = View()


@dataclass(frozen=True, slots=True)
class AnyActionTool:
    """Runs any action, or with `reads` any that only reads. `read` checks the arguments as they came."""

    definition: mcp.Tool
    read: Callable[[Mapping[str, Any]], AnyCall]
    reads: bool = False


Tool: TypeAlias = FixedTool | ActionTool | AnyActionTool
