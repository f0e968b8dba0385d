"""The room of portable schemas: a schema of our dialect as each kind of client takes it, cut to the room there is.

What a client is shown may be less than what is taken, since arguments are checked against the schema of the dialect.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pica_mcp import text
from pica_mcp.arguments import SCALARS
from pica_mcp.models import as_list, as_object
from pica_mcp.schemas.dialect import Schema, as_query_text, strings
from pica_mcp.tools import Profile

_FILE_NOTE = "A data: URI, pica://results/… or, if the server allows a folder, a path in it."
_DEFAULT_CHARS = 40
_ANYTHING: tuple[Schema, ...] = (
    *({"type": kind} for kind in ("string", "number", "boolean", "object")),
    {"type": "array", "items": {"anyOf": [{"type": kind} for kind in ("string", "number", "object")]}},
)
_AS_TEXT = {
    "object": "An object as JSON text.",
    "array": "A list as JSON text.",
    None: "Objects and lists as JSON text.",
}
_JSON_TEXT = {"contentMediaType": "application/json"}
_STRICT_DEPTH = 5
_STRICT_LIMITS = (5_000, 1_000, 120_000)  # properties, enumerated values, and characters of both, in all


def shown(schema: Mapping[str, Any], profile: Profile = "portable") -> Schema:
    """Return a root object of the dialect inside as clients of the profile take it.

    `portable` is what Anthropic, Gemini and OpenAI all take: no keywords but type, description, enum, properties,
    required and items, or a bare `anyOf` where anything goes. `openai-strict` closes every object, requires every
    property, null for optional ones, and takes JSON text for what it cannot describe: see `taken`. `raw` hides nothing.
    """
    if profile == "openai-strict":
        return _strict(_within_limits(schema))
    root: Schema = {"type": "object", "properties": {}}
    whole: Schema = {**root, **schema}
    return whole if profile == "raw" else {**root, **_plain(whole)}


def taken(schema: Mapping[str, Any], profile: Profile) -> Schema:
    """Return the schema by which to check what clients of the profile send.

    In strict mode, a text may hold JSON wherever `shown` asks for it.
    """
    read = dict(schema)
    if profile != "openai-strict":
        return read
    if "items" in schema:
        read["items"] = taken(schema["items"], profile)
    if properties := as_object(schema.get("properties")):
        read["properties"] = {key: taken(value, profile) for key, value in properties.items()}
    return read | (_JSON_TEXT if "type" not in schema and _takes_json(schema) else {})


def _takes_json(schema: Mapping[str, Any]) -> bool:
    """Tell if what is of no one type may be an object or a list."""
    return any(branch.get("type") not in SCALARS for branch in schema.get("anyOf", _ANYTHING))


def _plain(schema: Mapping[str, Any], lists: int = 0) -> Schema:
    """Return the schema, inside of so many lists, without a keyword that any client refuses."""
    kind = schema.get("type")
    if kind is None:
        return _any_of(schema, lists)
    plain: Schema = {"type": kind} | _noted(schema)
    if values := _shown_values(schema):
        plain["enum"] = values
    if kind == "array":
        plain["items"] = _plain(schema["items"], lists + 1)
    if properties := as_object(schema.get("properties")):
        plain["properties"] = {key: _plain(value) for key, value in properties.items()}
    return plain | ({"required": list(schema["required"])} if schema.get("required") else {})


def _any_of(schema: Mapping[str, Any], lists: int) -> Schema:
    """Return the types that are meant; items of lists are rarely lists, and cells of rows are scalars.

    Gemini refuses what has no type, and any word beside an `anyOf`: so the first branch has them.
    """
    branches = schema.get("anyOf") or _ANYTHING[: max(len(_ANYTHING) - lists, 3)]
    first, *others = [_plain(branch, lists) for branch in branches]
    first |= _noted(schema)
    return {"anyOf": [first, *others]} if others else first


def _shown_values(schema: Mapping[str, Any]) -> list[str]:
    """Return the enumeration; an empty text in it, which Gemini refuses, may still be sent."""
    return [value for value in as_list(schema.get("enum")) if value]


def _noted(schema: Mapping[str, Any], addition: str = "") -> Schema:
    """Return a description that says in words what the keywords left out said."""
    own: str = schema.get("description", "")
    notes = [own, addition, _FILE_NOTE if schema.get("format") == "binary" else ""]
    default = as_query_text(schema.get("default")) or ""
    is_told = default in own and "default" in own.lower()
    if default and not is_told and text.line(default, _DEFAULT_CHARS) == default:
        notes.append(f"Default: {default}.")
    note = " ".join(note for note in notes if note)
    return {"description": note} if note else {}


def _strict(schema: Mapping[str, Any], level: int = 1, *, optional: bool = False) -> Schema:
    """Return the schema as OpenAI's strict mode takes it: closed, all required, everything of a known form."""
    kind = schema.get("type")
    if kind is None:
        return _strict_any_of(schema, optional=optional)
    if level > 1 and not _is_strict(schema, level):
        return {"type": ["string", "null"] if optional else "string"} | _noted(schema, _AS_TEXT[kind])
    strict: Schema = {"type": [kind, "null"] if optional else kind} | _noted(schema)
    if values := _shown_values(schema):
        strict["enum"] = [*values, None] if optional else values
    if kind == "array":
        strict["items"] = _strict(schema["items"], level + 1)
    if kind == "object":
        properties, required = as_object(schema.get("properties")), frozenset(schema.get("required", ()))
        strict["properties"] = {
            key: _strict(value, level + 1, optional=key not in required) for key, value in properties.items()
        }
        strict |= {"required": list(properties), "additionalProperties": False}
    return strict


def _strict_any_of(schema: Mapping[str, Any], *, optional: bool) -> Schema:
    """Return the scalars that are meant, text for all that is none."""
    kinds = [branch["type"] for branch in schema.get("anyOf", _ANYTHING)]
    note = _noted(schema, _AS_TEXT[None] if _takes_json(schema) else "")
    kept = dict.fromkeys([kind if kind in SCALARS else "string" for kind in kinds] + ["null"] * optional)
    if len(kept) - optional > 1:
        return note | {"anyOf": [{"type": kind} for kind in kept]}
    return {"type": list(kept) if optional else next(iter(kept))} | note


def _is_strict(schema: Mapping[str, Any], level: int) -> bool:
    """Tell if strict mode can describe it: not if it may hold names of which nothing is known."""
    kind = schema.get("type")
    if kind in ("object", "array") and level > _STRICT_DEPTH:
        return False
    return kind != "object" or "properties" in schema


def _within_limits(schema: Mapping[str, Any]) -> Schema:
    """Return the schema with not more properties, names and values than strict mode takes in all."""
    limits = _Limits()
    required = frozenset(schema.get("required", ()))
    properties = {
        key: value
        for key, value in as_object(schema.get("properties")).items()
        if limits.admit((key,)) or key in required
    }
    return {**schema, "type": "object", "properties": {key: limits.cut(value) for key, value in properties.items()}}


class _Limits:
    """What is left of strict mode's limits over one whole schema."""

    def __init__(self) -> None:
        self._left: tuple[int, ...] = _STRICT_LIMITS

    def admit(self, names: Iterable[str]) -> bool:
        """Take these names of properties in, all or none."""
        sizes = [len(name) for name in names]
        return self._take(len(sizes), 0, sum(sizes))

    def _take(self, *sizes: int) -> bool:
        left = tuple(have - size for have, size in zip(self._left, sizes, strict=True))
        self._left = left if min(left) >= 0 else self._left
        return self._left == left

    def cut(self, schema: Mapping[str, Any]) -> Schema:
        """Return the schema without enumerations and inner properties for which there is no room."""
        kept = dict(schema)
        sizes = [len(value) for value in strings(schema.get("enum"))]
        if not self._take(0, len(sizes) + 1, sum(sizes)):
            kept.pop("enum", None)
        properties = as_object(kept.pop("properties", None))
        required = kept.pop("required", [])
        if properties and self.admit(properties):
            kept["properties"] = {key: self.cut(value) for key, value in properties.items()}
            kept["required"] = required
        return kept | ({"items": self.cut(schema["items"])} if "items" in schema else {})


# What there is room for


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing to leave out. `path`: the argument's name, then the names inside, `[]` for items.

    It is what is over `note_chars` of each description there, with 0 the defaults as well; or the properties inside; or
    the argument.
    """

    kind: Literal["note", "inside", "argument"]
    path: tuple[str, ...]
    note_chars: int = 0


def fitted(schema: Mapping[str, Any], room_chars: int, profile: Profile = "portable") -> Schema | None:
    """Return the schema as `shown`, cut until its compact JSON has at most so many characters; None if it cannot be.

    Left out are, as far as needed and the last always first: descriptions of optional arguments; properties of inner
    objects, the deepest first; optional arguments, which stay accepted; descriptions of required arguments, shortened
    before they go. More room never shows less.
    """
    whole = _within_limits(schema) if profile == "openai-strict" else schema
    uncut = shown(whole, profile)
    if _fits(uncut, room_chars):
        return uncut
    steps = _steps(whole)
    count = bisect_left(
        range(len(steps) + 1), 1, key=lambda n: _fits(shown(_without(whole, steps[:n]), profile), room_chars)
    )
    return shown(_without(whole, steps[:count]), profile) if count <= len(steps) else None


def _fits(schema: Schema, room_chars: int) -> bool:
    return len(text.compact(schema)) <= room_chars


def _steps(schema: Mapping[str, Any]) -> list[_Step]:
    """Return what to leave out, in order."""
    required = frozenset(schema.get("required", ()))
    names = list(as_object(schema.get("properties")))[::-1]
    optional = [name for name in names if name not in required]
    needed = [name for name in names if name in required]
    objects = [path for name in (*needed, *optional) for path in _objects(schema["properties"][name], (name,))]
    objects.sort(key=lambda path: (-len(path), path[0] in required))
    return [
        *(_Step("note", (name,)) for name in optional),
        *(_Step("inside", path) for path in objects),
        *(_Step("argument", (name,)) for name in optional),
        *(_Step("note", (name,), chars) for chars in (80, 40, 0) for name in needed),
    ]


def _objects(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield where objects with properties are, the last first."""
    if "items" in schema:
        yield from _objects(schema["items"], (*path, "[]"))
    if properties := as_object(schema.get("properties")):
        for key in list(properties)[::-1]:
            yield from _objects(properties[key], (*path, key))
        yield path


def _without(schema: Mapping[str, Any], steps: Sequence[_Step]) -> Schema:
    """Return the schema with these steps taken, which are some first ones of its `_steps`."""
    opened = frozenset(step.path for step in steps if step.kind == "inside")
    gone = frozenset(step.path[0] for step in steps if step.kind == "argument")
    note_chars = {step.path[0]: step.note_chars for step in steps if step.kind == "note"}
    kept = {
        name: _trimmed(value, (name,), opened, note_chars.get(name))
        for name, value in as_object(schema.get("properties")).items()
        if name not in gone
    }
    return {**schema, "properties": kept}


def _trimmed(
    schema: Mapping[str, Any], path: tuple[str, ...], opened: frozenset[tuple[str, ...]], note_chars: int | None
) -> Schema:
    left_out = {"properties", "required"} if path in opened else set[str]()
    if note_chars == 0:
        left_out |= {"description", "default"}
    kept = {word: value for word, value in schema.items() if word not in left_out}
    if note_chars and "description" in kept:
        kept["description"] = text.cap(kept["description"], note_chars)
    if "items" in kept:
        kept["items"] = _trimmed(kept["items"], (*path, "[]"), opened, note_chars)
    if "properties" in kept:
        inner = as_object(kept["properties"])
        kept["properties"] = {key: _trimmed(value, (*path, key), opened, note_chars) for key, value in inner.items()}
    return kept
