"""The room of JSON Schema from outside, made ours: any schema that an action documents, in a small dialect.

A schema of the dialect has at most one `type` (none: anything goes), a one-line `description`, an `enum` of strings, a
scalar `default`, `format: binary` for a file, `items` (always, if it is an array), `properties` and `required` (if it
is an object, which stays open for what it does not name). Where anything goes, a bare `anyOf` may say which types are
meant. Null is no value of it, but stands for what is left out. Otherwise what came in is rather widened than narrowed,
since the provider checks again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from pica_mcp import text
from pica_mcp.arguments import SCALARS
from pica_mcp.models import as_list, as_object

Schema: TypeAlias = dict[str, Any]

NOTE_CHARS = 160
"""The longest description that is kept."""

_KINDS = {kind: kind for kind in ("string", "integer", "number", "boolean", "object", "array")} | {
    "file": "string",  # Swagger 2
    "text": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
}
_PYTHON = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_MAX_PROPERTIES = 100
_MAX_NODES = 2_000
_DEPTHS = (8, 4, 2, 1)  # if so deep is too much, the whole is read again less deep, not its end left out
_MAX_HOPS = 32
_MAX_BRANCHES = 20
_MAX_ENUM = 50
_VALUE_CHARS = 100
_MAX_NUMBER = 10**18
_CHOICES_CHARS = 80
_MAX_REFERENCE_CHARS = 300
_NO_MORE_THAN = 4 * NOTE_CHARS  # of a text from outside, before it is cleaned


def accepted(schema: Any, root: Any = None) -> Schema:
    """Return a JSON Schema from outside in the dialect inside; {} where nothing can be made of it. Never raises.

    Local `$ref`s are relative to `root`, or without one to the schema itself. At most 8 deep and 2,000 schemas in all.
    Accepting what is accepted already changes nothing.
    """
    found: Schema = {}
    for depth in _DEPTHS:
        reading = _Reading(schema if root is None else root, depth)
        found = reading.read(schema)
        if not reading.exhausted:
            break
    return found


def accepted_each(schemas: Mapping[str, Any], root: Any = None) -> dict[str, Schema]:
    """Return each of these arguments as `accepted` would, but all within one budget, so that many cost no more.

    Keys may be any text. Beyond the first 100 they are left out.
    """
    keys = list(schemas)[:_MAX_PROPERTIES]
    numbered = {"type": "object", "properties": {str(n): schemas[key] for n, key in enumerate(keys)}}
    found = as_object(accepted(numbered, schemas if root is None else root).get("properties"))
    return {key: found.get(str(n), {}) for n, key in enumerate(keys)}


class _Reading:
    """One walk over a schema from outside, with a budget that no reference, branch or width gets round."""

    def __init__(self, root: Any, max_depth: int) -> None:
        self.exhausted = False
        self._root = root
        self._max_depth = max_depth
        self._left = _MAX_NODES

    def read(self, schema: Any, depth: int = 0, hops: int = 0, seen: frozenset[str] = frozenset()) -> Schema:
        """Return the schema in our dialect. `seen` are the references that led here: a cycle ends in {}."""
        source = as_object(schema)
        if not self._spend(_cost(source)) or depth > self._max_depth or hops > _MAX_HOPS:
            return {}
        parts = [self._own(source, depth, hops, seen)]
        if "$ref" in source:
            parts.append(self._referred(source["$ref"], depth, hops, seen))
        parts += [self.read(part, depth, hops + 1, seen) for part in as_list(source.get("allOf"))[:_MAX_BRANCHES]]
        for branches in (_by_type(source), as_list(source.get("oneOf")), as_list(source.get("anyOf"))):
            parts.append(self._branches(branches, depth, hops, seen))
        return _merged(parts)

    def _spend(self, cost: int) -> bool:
        self.exhausted = self.exhausted or self._left < cost
        self._left -= cost
        return not self.exhausted

    def _own(self, source: Mapping[str, Any], depth: int, hops: int, seen: frozenset[str]) -> Schema:
        """Return what the schema says itself, without what it refers to."""
        kind = _kind(source)
        if kind in (None, "string") and _is_file(source):
            return {"type": "string", **_described(source), "format": "binary"}
        values, choices = _choices(source, kind)
        kept: Schema = {"type": kind} if kind else {}
        kept |= _described(source, choices) | ({"enum": values} if values else {})
        if (default := _default(source)) is not None:
            kept["default"] = default
        if kind == "array":
            kept["items"] = self._items(source, depth, hops, seen)
        if kind == "object" and depth < self._max_depth:
            kept |= self._properties(source, depth, hops, seen)
        return kept

    def _items(self, source: Mapping[str, Any], depth: int, hops: int, seen: frozenset[str]) -> Schema:
        items = source.get("items", source.get("prefixItems"))
        if isinstance(items, list):  # one for each place of a tuple
            return self._branches(as_list(items), depth + 1, hops, seen)
        return self.read(items, depth + 1, hops, seen)

    def _properties(self, source: Mapping[str, Any], depth: int, hops: int, seen: frozenset[str]) -> Schema:
        properties = as_object(source.get("properties"))
        required = strings(source.get("required"))
        return _object(
            {
                key: self.read(properties[key], depth + 1, hops, seen)
                for key in _most_wanted([key for key in properties if _NAME.fullmatch(key)], required)
            },
            required,
        )

    def _referred(self, reference: Any, depth: int, hops: int, seen: frozenset[str]) -> Schema:
        if not isinstance(reference, str) or reference in seen:
            return {}
        return self.read(_target(self._root, reference), depth, hops + 1, seen | {reference})

    def _branches(self, branches: Sequence[Any], depth: int, hops: int, seen: frozenset[str]) -> Schema:
        """Return what is common to schemas of which one holds, null left out; {} where nothing is."""
        useful = [branch for branch in branches[: _MAX_BRANCHES + 1] if not _is_null(as_object(branch))]
        if len(useful) > _MAX_BRANCHES:
            return {}
        return _either([self.read(branch, depth, hops + 1, seen) for branch in useful])


def _cost(source: Mapping[str, Any]) -> int:
    """Return how many plain schemas it counts for, being so wide."""
    width = len(as_object(source.get("properties"))) + len(as_list(source.get("required")))
    return 1 + width // _MAX_PROPERTIES + min(len(as_list(source.get("enum"))), _MAX_ENUM) // 10


def _target(root: Any, reference: str) -> Any:
    """Return what a JSON Pointer of this document means, None for nothing. Nothing is ever fetched."""
    if not reference.startswith("#") or len(reference) > _MAX_REFERENCE_CHARS:
        return None
    found = root
    for step in unquote(reference[1:]).split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            place = int(key) if re.fullmatch(r"[0-9]{1,6}", key) else -1
            found = as_list(found)[place] if 0 <= place < len(as_list(found)) else None
        else:
            found = as_object(found).get(key)
    return found


def _kinds(source: Mapping[str, Any]) -> list[str]:
    named = source.get("type")
    words = [named] if isinstance(named, str) else strings(named)[:_MAX_BRANCHES]
    return list(dict.fromkeys(_KINDS[word.lower()] for word in words if word.lower() in _KINDS))


def _kind(source: Mapping[str, Any]) -> str | None:
    """Return the one type that holds whatever is allowed, None for any; text holds any scalar, as it is coerced."""
    kinds = _kinds(source)
    if len(kinds) > 1 and SCALARS.issuperset(kinds):
        return "string" if "string" in kinds else None if "boolean" in kinds else "number"
    if kinds:
        return kinds[0] if len(kinds) == 1 else None
    valued = {_PYTHON.get(type(value).__name__) for value in _values(source)}
    if valued and (len(valued) == 1 or valued == {"integer", "number"}):
        return valued.pop() if len(valued) == 1 else "number"
    return "object" if "properties" in source else "array" if "items" in source else None


def _by_type(source: Mapping[str, Any]) -> list[Schema]:
    """Return a schema that names several types, not all of them scalars, as one for each."""
    kinds = _kinds(source)
    if len(kinds) < 2 or SCALARS.issuperset(kinds):
        return []
    items = source.get("items", {"type": [kind for kind in kinds if kind in SCALARS]})
    return [{"type": kind, "items": items} if kind == "array" else {"type": kind} for kind in kinds]


def _is_file(source: Mapping[str, Any]) -> bool:
    return source.get("type") == "file" or source.get("format") == "binary" or source.get("contentEncoding") == "base64"


def _is_null(source: Mapping[str, Any]) -> bool:
    return source.get("type") in ("null", ["null"]) or source.get("enum") == [None] or source.get("const", "") is None


def _choices(source: Mapping[str, Any], kind: str | None) -> tuple[list[str], str]:
    """Return an enumeration of strings, or else what to say about one that has to be sent as other types.

    Numbers are enumerated as text only if the value is text. Texts that cannot be shown as they are end an
    enumeration: a value that looks the same would be refused.
    """
    few = _values(source)
    written = [as_query_text(value) for value in few]
    values = list(dict.fromkeys(value for value in written if value is not None))
    # Of nothing but an empty text, which clients do not take in an enumeration, nobody could choose.
    if not any(values) or None in written or kind in ("boolean", "object", "array"):
        return [], ""
    if len(few) <= _MAX_ENUM and kind == "string":
        return values, ""
    return [], text.line(f"One of: {', '.join(values[:_MAX_BRANCHES])}.", _CHOICES_CHARS)


def _values(source: Mapping[str, Any]) -> list[Any]:
    """Return what is enumerated, null aside; if it is too much, one more than may be kept."""
    given = [source["const"]] if "const" in source else as_list(source.get("enum"))
    return [value for value in given[: _MAX_ENUM + 1] if value is not None]


def as_query_text(value: Any) -> str | None:
    """Return a scalar as it is written in a query, None for what is no scalar or cannot be shown as it is."""
    if isinstance(value, str):
        return value if len(value) <= _VALUE_CHARS and text.clean(value) == value else None
    if isinstance(value, bool | int | float) and abs(value) < _MAX_NUMBER:  # which no NaN is either
        return json.dumps(value)
    return None


def _default(source: Mapping[str, Any]) -> str | float | None:
    value = source.get("default")
    return value if value != "" and as_query_text(value) is not None else None


def _described(source: Mapping[str, Any], addition: str = "") -> Schema:
    note = source.get("description")
    own = text.line(note[:_NO_MORE_THAN], NOTE_CHARS) if isinstance(note, str) else ""
    if addition and own:
        own = text.cap(own, NOTE_CHARS - len(addition) - 1) + " "
    return {"description": own + addition} if own or addition else {}


def strings(value: Any) -> list[str]:
    """Return the strings of a JSON list, none for anything else."""
    return [item for item in as_list(value) if isinstance(item, str)]


def _most_wanted(keys: list[str], required: Iterable[str]) -> list[str]:
    """Return the keys in their order, or where there are too many, what is required and then the first of the rest."""
    if len(keys) <= _MAX_PROPERTIES:
        return keys
    needed = frozenset(required)
    return sorted(keys, key=lambda key: key not in needed)[:_MAX_PROPERTIES]


def _object(properties: Mapping[str, Schema], required: Iterable[str]) -> Schema:
    """Return `properties` and `required` as far as there are any, not more than an object may have."""
    needed = frozenset(required)
    kept = {key: properties[key] for key in _most_wanted(list(properties), needed)}
    wanted = [key for key in kept if key in needed]
    return ({"properties": kept} if kept else {}) | ({"required": wanted} if wanted else {})


def _merged(parts: Sequence[Schema]) -> Schema:
    """Return one schema for accepted ones that all hold; of those that contradict each other, the first counts."""
    kind = next((part["type"] for part in parts if "type" in part), None)
    fitting = [part for part in parts if part.get("type", kind) == kind]
    meant = [part for part in parts if "anyOf" in part]
    merged: Schema = {"type": kind} if kind else {"anyOf": meant[0]["anyOf"]} if meant else {}
    if notes := list(dict.fromkeys(part["description"] for part in parts if "description" in part)):
        merged["description"] = notes[0] if kind else text.cap(" ".join(notes), NOTE_CHARS)
    if any("format" in part for part in fitting):
        return merged | {"format": "binary"}
    if defaults := [part["default"] for part in fitting if "default" in part]:
        merged["default"] = defaults[0]
    if enums := [part["enum"] for part in fitting if "enum" in part]:
        merged["enum"] = [value for value in enums[0] if all(value in enum for enum in enums)] or enums[0]
    if kind == "array":
        merged["items"] = _merged([part["items"] for part in fitting if "items" in part])
    properties: dict[str, Schema] = {}
    for key, value in (pair for part in fitting for pair in part.get("properties", {}).items()):
        properties[key] = _merged([properties[key], value]) if key in properties else value
    return merged | _object(properties, (key for part in fitting for key in part.get("required", ())))


def _either(branches: Sequence[Schema]) -> Schema:
    """Return one schema for accepted ones of which any may hold."""
    branches = [one for branch in branches for one in branch.get("anyOf", (branch,))]
    if not branches or all(branch == branches[0] for branch in branches):
        return branches[0] if branches else {}
    kinds = {branch.get("type") for branch in branches}
    if kinds == {"integer", "number"}:
        return {"type": "number"}
    if "array" in kinds and SCALARS.issuperset(kinds - {"array"}):
        return _one_or_many(branches)
    if len(kinds) > 1 or None in kinds:
        return {} if None in kinds else _mixed(branches)
    joined: Schema = {"type": branches[0]["type"]}
    if all("enum" in branch for branch in branches):
        values = list(dict.fromkeys(value for branch in branches for value in branch["enum"]))
        joined |= {"enum": values} if len(values) <= _MAX_ENUM else {}
    return joined | _either_object(branches)


def _one_or_many(branches: Sequence[Schema]) -> Schema:
    """Return lists, for one alone is taken as a list of one where scalars are wanted; else anything."""
    item = _either([branch.get("items", branch) for branch in branches])
    if item.get("type") in SCALARS or all("items" in branch for branch in branches):
        return {"type": "array", "items": item}
    return _mixed(branches)


def _mixed(branches: Sequence[Schema]) -> Schema:
    """Return anything, with the types that are meant, each once."""
    return {"anyOf": list({branch["type"]: _bare(branch) for branch in reversed(branches)}.values())[::-1]}


def _bare(branch: Schema) -> Schema:
    """Return the type and of a list what its items are, without a word."""
    bare: Schema = {"type": branch["type"]} if "type" in branch else {}
    return bare | ({"items": _bare(branch["items"])} if "items" in branch else {})


def _either_object(branches: Sequence[Schema]) -> Schema:
    found: dict[str, list[Schema]] = {}
    for key, value in (pair for branch in branches for pair in branch.get("properties", {}).items()):
        found.setdefault(key, []).append(value)
    shared = frozenset[str].intersection(*(frozenset(branch.get("required", ())) for branch in branches))
    return _object({key: _either(values) for key, values in found.items()}, shared)
