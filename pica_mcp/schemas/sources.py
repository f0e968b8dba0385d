"""The room of what an action documents: `ioSchema`, the tables of its Markdown and its example, joined by group.

Where both the schema and the tables speak of a group, the fields of both count, with the schema's types first; where
neither does, what can be told from the example. All of it comes from outside, and is handed on in the dialect
of that name; what cannot be read is left open, and nothing here raises because of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pica_mcp import text
from pica_mcp.documents import Passage
from pica_mcp.models import ActionDetails, as_list, as_object
from pica_mcp.schemas import tables
from pica_mcp.schemas.dialect import Schema, accepted, accepted_each, strings
from pica_mcp.tools import Group

MAX_FIELDS = 2_000
"""How many fields of a group are read."""

GROUPS: tuple[Group, ...] = ("path", "query", "headers", "body")

_MAX_READ = 100  # fields of a group that are read with what is inside them
_MAX_SAMPLE_DEPTH = 4
_EXAMPLE_CHARS = 60
_DEFINITIONS = ("$defs", "definitions", "components")
_INSIDE = frozenset({"properties", "items", "prefixItems", "allOf", "anyOf", "oneOf", "$ref"})
_CELL = ({"type": "string"}, {"type": "number"}, {"type": "boolean"})
_JSON_TYPES = ((bool, "boolean"), (int | float, "number"), (str, "string"))


def groups(action: ActionDetails, passages: Sequence[Passage]) -> Mapping[str, Schema]:
    """Return what is documented of each group, and of a GraphQL operation's `variables`, in our dialect.

    `passages` are those of its document. The keys of a group are as the provider has them. A group that nothing is said
    of is absent.
    """
    root = as_object(action.io_schema.get("inputSchema"))
    example = as_object(as_object(action.io_schema.get("ioExample")).get("input"))
    written = tables.groups(passages)
    found: dict[str, Schema] = {}
    for group in (*GROUPS, "variables"):
        said = _read(action.groups.get(group) if group in GROUPS else None, root)
        both = joined(said, _spelt_alike(_read(written.get(group), {}), said))
        if example.get(group) and both.keys() <= {"type", "description"} and both.get("type", "object") == "object":
            both = joined(both, _read(_sample(example[group]), {}))
        if both or group in action.groups:
            found[group] = _filled(both, example.get(group))
    return found


def _read(group: Any, root: Mapping[str, Any]) -> Schema:
    """Return a group in our dialect, all of its own fields kept, whatever their names; {} if it says nothing."""
    source = as_object(group)
    root = {**{word: source[word] for word in _DEFINITIONS if word in source}, **root}
    rest = accepted({word: value for word, value in source.items() if word not in ("properties", "required")}, root)
    required = dict.fromkeys([*strings(source.get("required")), *strings(rest.get("required"))])
    own = _fields(as_object(source.get("properties")), required, root)
    properties = {**as_object(rest.get("properties")), **own}
    kept = {word: value for word, value in rest.items() if word not in ("properties", "required")}
    if not properties:
        return kept
    kept.pop("anyOf", None)
    return {
        **kept,
        "type": "object",
        "properties": properties,
        "required": [key for key in required if key in properties],
    }


def _fields(own: Mapping[str, Any], required: Mapping[str, None], root: Mapping[str, Any]) -> dict[str, Schema]:
    """Return fields in our dialect; if they are many, the required ones first, and the last without their insides."""
    keys = list(own) if len(own) <= _MAX_READ else sorted(own, key=lambda key: key not in required)
    found = accepted_each({key: own[key] for key in keys[:_MAX_READ]}, root)
    for begin in range(_MAX_READ, min(len(keys), MAX_FIELDS), _MAX_READ):
        found |= accepted_each({key: _shallow(own[key]) for key in keys[begin : begin + _MAX_READ]}, root)
    for key, schema in found.items():
        if (only := _only(as_object(own[key]))) is not None:
            schema["const"] = only  # not of the dialect: taken out again where it is decided what is fixed
    return found


def _shallow(schema: Any) -> dict[str, Any]:
    return {word: value for word, value in as_object(schema).items() if word not in _INSIDE}


def _only(schema: Mapping[str, Any]) -> str | float | None:
    """Return the one value that a schema from outside allows, None if there are others."""
    values = [schema["const"]] if "const" in schema else as_list(schema.get("enum"))
    value = values[0] if len(values) == 1 else None
    return value if isinstance(value, str | int | float) and text.clean(str(value)) == str(value) else None


def joined(said: Mapping[str, Any], table: Mapping[str, Any]) -> Schema:
    """Return what schema and table say together: all fields, of what both have the schema's types first.

    Required is what both require; where only one has fields, what that one does.
    """
    if not said or not table or said.get("type", table.get("type")) != table.get("type", said.get("type")):
        return {**{word: table[word] for word in ("description",) if word in table}, **(said or table)}
    both: Schema = {**table, **said}
    if "anyOf" in said:
        both = {word: value for word, value in both.items() if word in said or word == "description"}
    elif "type" in both:
        both.pop("anyOf", None)
    if "properties" in said and "properties" in table:
        ours, theirs = as_object(said["properties"]), as_object(table["properties"])
        both["properties"] = {key: joined(ours.get(key, {}), theirs.get(key, {})) for key in {**ours, **theirs}}
        wanted = frozenset(strings(table.get("required")))
        both["required"] = [key for key in strings(said.get("required")) if key in wanted]
    if "items" in said and "items" in table:
        both["items"] = joined(said["items"], table["items"])
    for word in ("default", "const"):
        if word in both and both[word] not in both.get("enum", [both[word]]):
            del both[word]
    if len(both.get("enum", ())) > 1:
        both.pop("const", None)
    return both


def _spelt_alike(table: Schema, said: Schema) -> Schema:
    """Return the table with its keys as the schema spells them, which may differ in letter case and brackets."""
    properties = as_object(table.get("properties"))
    known = {_plain(key): key for key in as_object(said.get("properties"))}
    spelt = {key: key if key in known.values() else known.get(_plain(key), key) for key in properties}
    if not properties or len(set(spelt.values())) < len(spelt):
        return table
    required = [spelt[key] for key in strings(table.get("required")) if key in spelt]
    return {**table, "properties": {spelt[key]: schema for key, schema in properties.items()}, "required": required}


def _plain(key: str) -> str:
    return key.lower().removesuffix("[]").lstrip("$")


def _filled(schema: Schema, value: Any, lists: int = 0) -> Schema:
    """Return the schema with the types of an example where it has none.

    What is one word in the example may be another in a call, and of cells in rows each may be of another type: so the
    type of a scalar is what is meant, never all that is taken.
    """
    if not schema.keys() & {"type", "anyOf"}:
        told = _sample(value, lists=lists)
        meant = isinstance(value, str | int | float) and "type" in told
        return {**schema, "anyOf": [{"type": told["type"]}]} if meant else {**told, **schema}
    if "items" in schema and (items := as_list(value)):
        return {**schema, "items": _filled(schema["items"], items[0], lists + 1)}
    given = as_object(value)
    if "properties" not in schema or not given:
        return schema
    properties = {key: _filled(one, given.get(key)) for key, one in schema["properties"].items()}
    return {**schema, "properties": properties}


def _sample(value: Any, depth: int = 0, lists: int = 0) -> dict[str, Any]:
    """Return the JSON Schema that a value of an example tells, as far as one example can."""
    if isinstance(value, Mapping):
        if depth >= _MAX_SAMPLE_DEPTH:
            return {"type": "object"}
        keys = list(islice(as_object(value), _MAX_READ))
        return {"type": "object", "properties": {key: _sample(as_object(value)[key], depth + 1) for key in keys}}
    if isinstance(value, list):
        items = _sample(as_list(value)[0], depth + 1, lists + 1) if value and depth < _MAX_SAMPLE_DEPTH else {}
        return {"type": "array", "items": items}
    if lists > 1:  # cells, of which each may be of another type
        return {"anyOf": [dict(kind) for kind in _CELL]}
    kind = next((kind for one, kind in _JSON_TYPES if isinstance(value, one)), None)
    note = f"For example {text.line(str(value)[:_EXAMPLE_CHARS], _EXAMPLE_CHARS)}." if kind and value != "" else ""
    return ({"type": kind} if kind else {}) | ({"description": note} if note else {})
