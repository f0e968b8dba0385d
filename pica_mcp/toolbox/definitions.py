"""The room where an action becomes a tool as a client sees it: short enough to be one of many.

What a definition shows is cut to its size; what is accepted (`ActionTool.parameters`) never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import mcp_types as mcp

from pica_mcp import documents, effects, schemas, text
from pica_mcp.access import Caller, effect
from pica_mcp.accounts import choices
from pica_mcp.models import ActionDetails, Connection, Effect, as_list, as_object
from pica_mcp.schemas import portable
from pica_mcp.toolbox.budget import CHARS_PER_TOKEN, MAX_DEFINITION_TOKENS
from pica_mcp.tools import CONNECTION, RESULT_FIELDS, ActionTool, Parameters, Profile, Runnable

SEARCH_HINT = "anthropic/searchHint"
"""What a client that searches tools takes for an index, besides name and description."""

_MAX_CHARS = MAX_DEFINITION_TOKENS * CHARS_PER_TOKEN
_MAX_LABELS_CHARS = 400
_MAX_NOTE_CHARS = 1_000
_NOTE_CHARS = 140
_HINT_CHARS = 80
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_WORD = re.compile(r"[^\W_]{2,30}")
_NO_WORD = re.compile(r"\{[^{}]*\}|/v\d{1,3}(?=/)")
_SENTENCE = re.compile(r"[.!?](?= )")
_FIELDS = {"type": "string", "description": "JMESPath."}
_OPEN = "Its fields are not listed here: see get_pica_action_knowledge."
_MORE = "More arguments: see get_pica_action_knowledge."


class Derived:
    """What is derived from the documents of called actions, once for all callers until the document changes."""

    def __init__(self, profile: Profile = "portable", max_count: int = 128) -> None:
        self._profile: Profile = profile
        self._max_count = max_count
        self._kept: dict[str, tuple[Parameters, Runnable]] = {}

    def parameters(self, action: ActionDetails) -> Parameters:
        """Return the action's arguments, as they are shown. They are not kept: what is listed may never be called."""
        kept = self._kept.get(action.id)
        return kept[0] if kept and _same(kept[1].action, action) else schemas.derive(action)

    def runnable(self, action: ActionDetails) -> Runnable:
        """Return the action as it is called. For at most `max_count` it is kept, those that were asked for last."""
        kept = self._kept.pop(action.id, None)
        if kept is None or not _same(kept[1].action, action):
            parameters = schemas.derive(action)
            kept = parameters, _runnable(action, parameters, self._profile)
        self._kept[action.id] = kept
        if len(self._kept) > self._max_count:
            del self._kept[next(iter(self._kept))]
        return kept[1]


def _runnable(action: ActionDetails, parameters: Parameters, profile: Profile) -> Runnable:
    taken = replace(parameters, schema=portable.taken(parameters.schema, profile))
    return Runnable(action, taken, effects.told(action))


def _same(one: ActionDetails, other: ActionDetails) -> bool:
    try:
        return one is other or one == other
    except RecursionError:  # schemas that are too deep to compare
        return False


def action_tool(
    caller: Caller,
    own: Iterable[Connection],
    name: str,
    action: ActionDetails,
    parameters: Parameters,
    profile: Profile = "portable",
) -> ActionTool:
    """Return the action, which takes these parameters, as a tool of the caller, whose own connections these are.

    Its definition is cut to `MAX_DEFINITION_TOKENS`; one that cannot be is longer, and is not to be listed.
    """
    does = effect(caller, action)
    title = text.line(action.title, 100) or name
    ours = _ours(*choices(caller, own, action.platform), reads=does is Effect.READ)
    description, schema = _shown(action, title, name, parameters, ours, profile)
    definition = mcp.Tool(
        name=name,
        title=title,
        description=description,
        input_schema=schema,
        annotations=mcp.ToolAnnotations(
            title=title,
            read_only_hint=does is Effect.READ,
            destructive_hint=does is Effect.DESTRUCTIVE,
            idempotent_hint=action.method.upper() in _IDEMPOTENT,
            open_world_hint=True,
        ),
        _meta={SEARCH_HINT: _hint(action, description)},
    )
    runnable = _runnable(action, parameters, profile)
    return ActionTool(action, runnable.parameters, runnable.told, definition)


def _shown(
    action: ActionDetails, title: str, name: str, parameters: Parameters, ours: Mapping[str, Any], profile: Profile
) -> tuple[str, dict[str, Any]]:
    """Return description and schema: whole if they fit, else the description shorter, else the schema cut as well."""
    first = f"{title} ({text.line(action.platform, 60)})."
    opened = f" {_OPEN}" if _is_open(action, parameters) else ""
    schema, added = parameters.schema, portable.shown(ours, profile)
    whole = _joined(portable.shown(schema, profile), added)
    brief = f"{first}{opened}"
    for description in (f"{first}{_note(action)}{opened}", brief):
        if _room(name, description) >= len(text.compact(whole)):
            return description, whole
    told_more = brief if opened else f"{first} {_MORE}"
    room = _room(name, told_more) - len(text.compact(added))
    cut = portable.fitted(schema, room, profile)
    if cut is None:
        return brief, whole
    lost = len(as_object(cut.get("properties"))) < len(as_object(schema.get("properties")))
    return told_more if lost else brief, _joined(cut, added)


def _room(name: str, description: str) -> int:
    """Return how many characters are left for the schema."""
    return _MAX_CHARS - len(text.compact({"name": name, "description": description, "inputSchema": {}}))


def _joined(schema: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with our own arguments: the connection first, since it says where, the rest last."""
    mine = as_object(ours.get("properties"))
    if not mine:
        return dict(schema)
    head = {name: value for name, value in mine.items() if name == CONNECTION}
    properties = {**head, **as_object(schema.get("properties")), **mine}
    needed = {*as_list(schema.get("required")), *as_list(ours.get("required"))}
    required = [name for name in properties if name in needed]
    rest = {key: value for key, value in schema.items() if key != "required"}
    return {**rest, "properties": properties, **({"required": required} if required else {})}


def _ours(labels: list[str], default: str | None, *, reads: bool) -> dict[str, Any]:
    """Return our own arguments: which connection, where there is a choice, and for what reads, how much of it."""
    asks = bool(labels) and labels != [default]
    properties = ({CONNECTION: _choice(labels, default)} if asks else {}) | ({RESULT_FIELDS: _FIELDS} if reads else {})
    needed = {"required": [CONNECTION]} if asks and not default else {}
    return {"type": "object", "properties": properties, **needed}


def _choice(labels: list[str], default: str | None) -> dict[str, Any]:
    means = f" Without it: {default}." if default else ""
    if len(text.compact(labels)) > _MAX_LABELS_CHARS:
        return {"type": "string", "description": f"Which account to use: list_pica_integrations has them.{means}"}
    return {"type": "string", "enum": labels, "description": f"Which account to use.{means}"}


def _is_open(action: ActionDetails, parameters: Parameters) -> bool:
    """Tell if some of the fields are only known to the document."""
    groups = (name for name, place in parameters.places.items() if place.key is None)
    given = [as_object(as_object(parameters.schema.get("properties")).get(name)) for name in groups]
    return bool(action.knowledge.strip()) and any(schema.get("type", "object") == "object" for schema in given)


def _note(action: ActionDetails) -> str:
    """Return the first sentence of what the action is documented to do, after a space; empty if nothing is."""
    note = as_object(action.io_schema.get("inputSchema")).get("description")
    note = note if isinstance(note, str) and note.strip() else documents.description(action.knowledge)
    words = text.line(note[:_MAX_NOTE_CHARS], _MAX_NOTE_CHARS)
    end = _SENTENCE.search(words)
    return f" {text.cap(words[: end.end()] if end else words, _NOTE_CHARS)}" if words else ""


def _hint(action: ActionDetails, description: str) -> str:
    """Return the words that somebody may search for, and that the description does not have."""
    path = _NO_WORD.sub(" ", action.path[:_MAX_NOTE_CHARS])
    found = _WORD.findall(text.line(f"{action.model[:_HINT_CHARS]} {path}", _MAX_NOTE_CHARS).lower())
    platform = text.line(action.platform.replace("-", " "), 60)
    told = {_stem(word) for word in _WORD.findall(f"{platform} {description}".lower())}
    news = {_stem(word): word for word in reversed(found) if _stem(word) not in told}
    return text.line(" ".join([platform, *reversed(news.values())]), _HINT_CHARS)


def _stem(word: str) -> str:
    return word.rstrip("es")
