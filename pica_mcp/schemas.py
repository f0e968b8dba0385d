"""The room of arguments: an action's documentation as portable JSON Schema, and messages a model can act on.

An action's groups (path, query, headers, body) become one flat object, since models otherwise put query parameters
into the body; `Parameters.places` is the way back. Sources: the placeholders of the path, always; the groups of
`ioSchema` where it has them, else an open object. What the server fixes itself (`connectionKey`) is not in the schema.

Schemas come from outside. Only keywords that every client takes are kept, so no `$ref` is ever followed and no
`pattern` ever run; whatever cannot be read degrades to "anything".
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pica_mcp import text
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import CONNECTION_KEY, ActionDetails, as_list, as_object
from pica_mcp.passthrough import BODILESS, may_set_header, placeholders
from pica_mcp.tools import CONNECTION, Encoding, Group, Parameters, Place

_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array"})
_KEY = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_KEY_CHARS = 64
_MAX_DEPTH = 6
_MAX_PROPERTIES = 100
_MAX_ENUM = 50
_DESCRIPTION_CHARS = 160
_OUTLINE_CHARS = 1_000
_MAX_FAULTS = 5
_MAX_NUMBER = 10**18
_OPEN: Mapping[Group, str] = {
    "query": "Query parameters by name, as the action documents them.",
    "body": "Fields of the request body by name, as the action documents them.",
}
_BODY_KIND = r"(application/json|application/x-www-form-urlencoded|multipart/form-data)"
_BODY_HEADING = re.compile(rf"^#+ .*\b{_BODY_KIND}", re.IGNORECASE | re.MULTILINE)
_BODY_HEADER = re.compile(rf"content-type[\"'`]?\s*[:|]\s*[\"'`]?{_BODY_KIND}", re.IGNORECASE)


def derive(action: ActionDetails) -> Parameters:
    """Return the action's flat arguments. Never raises: what cannot be understood is left open."""
    found = list(_arguments(action))
    names = _names([place for place, _, _ in found])
    properties = {name: schema for name, (_, schema, _) in zip(names, found, strict=True)}
    required = [name for name, (_, _, needed) in zip(names, found, strict=True) if needed]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    places = {name: place for name, (place, _, _) in zip(names, found, strict=True)}
    return Parameters(schema, places, _encoding(action))


def _arguments(action: ActionDetails) -> Iterator[tuple[Place, dict[str, Any], bool]]:
    """Yield place, schema and whether it is required, for every argument of the action."""
    groups = action.groups
    described = as_object(as_object(groups.get("path")).get("properties"))
    for name in placeholders(action)[:_MAX_PROPERTIES]:
        schema = portable(described.get(name))
        yield Place("path", name), schema if "type" in schema else {"type": "string", **schema}, True
    for group in ("query", "headers", "body"):
        if group == "body" and action.method.upper() in BODILESS:
            continue
        yield from _group(action, group, as_object(groups.get(group)))


def _group(
    action: ActionDetails, group: Group, schema: Mapping[str, Any]
) -> Iterator[tuple[Place, dict[str, Any], bool]]:
    properties = as_object(schema.get("properties"))
    required = frozenset(_strings(schema.get("required")))
    for key in _most_wanted(properties, required):
        if not _fixed(group, key):
            yield Place(group, key), portable(properties[key]), key in required
    if not properties and group in _open_groups(action, schema):
        yield Place(group, None), {"type": "object", **portable(schema), "description": _OPEN[group]}, False


def _most_wanted(properties: Mapping[str, Any], required: frozenset[str]) -> list[str]:
    """Return the keys in their order, or where there are too many, what is required and then the first of the rest."""
    if len(properties) <= _MAX_PROPERTIES:
        return list(properties)
    return sorted(properties, key=lambda key: key not in required)[:_MAX_PROPERTIES]


def _open_groups(action: ActionDetails, schema: Mapping[str, Any]) -> tuple[Group, ...]:
    """Where nothing is documented, query and body stay open; where a schema speaks, only a body that it leaves open."""
    return ("query", "body") if not action.groups else ("body",) if schema else ()


def _fixed(group: Group, key: str) -> bool:
    return (group in ("body", "query") and key == CONNECTION_KEY) or (
        group == "headers" and not may_set_header(key, documented=True)
    )


def _names(places: list[Place]) -> list[str]:
    """Return a flat name for each place: its own key, made safe for every client, prefixed by its group on a clash."""
    names: list[str] = []
    taken = {CONNECTION}
    for place in places:
        plain = _KEY.sub("_", place.key or place.group).strip("_") or "value"
        name = plain[:_MAX_KEY_CHARS]
        if name in taken:
            name = f"{place.group}_{plain}"[:_MAX_KEY_CHARS]
        number = 2
        while name in taken:
            name = f"{place.group}_{plain}"[: _MAX_KEY_CHARS - 4] + f"_{number}"
            number += 1
        taken.add(name)
        names.append(name)
    return names


def _encoding(action: ActionDetails) -> Encoding:
    """Return how the document says that a body is written: by a heading of its fields, else by its first header."""
    found = _BODY_HEADING.search(action.knowledge) or _BODY_HEADER.search(action.knowledge)
    kind = found[1].lower() if found else ""
    return "multipart" if kind.startswith("multipart") else "form" if "form" in kind else "json"


def portable(schema: Any, depth: int = 0) -> dict[str, Any]:
    """Return what every client takes of a JSON Schema from outside; {} where nothing can be kept."""
    source = as_object(schema)
    kind = _kind(source)
    kept: dict[str, Any] = {"type": kind} if kind else {}
    if note := _description(source):
        kept["description"] = note
    if (values := _enum(source)) and kind in (None, "string"):
        kept |= {"type": "string", "enum": values}
    if kind == "array":
        kept["items"] = portable(source.get("items"), depth + 1) if depth < _MAX_DEPTH else {}
    if kind == "object" and depth < _MAX_DEPTH:
        kept |= _object(source, depth)
    return kept


def _object(source: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = as_object(source.get("properties"))
    wanted = frozenset(_strings(source.get("required")))
    safe = {
        key: portable(value, depth + 1)
        for key, value in ((key, properties[key]) for key in _most_wanted(properties, wanted))
        if key and len(key) <= _MAX_KEY_CHARS and not _KEY.search(key)
    }
    required = [key for key in safe if key in wanted]
    return ({"properties": safe} if safe else {}) | ({"required": required} if required else {})


def _kind(source: Mapping[str, Any]) -> str | None:
    kind = source.get("type")
    if isinstance(kind, list):  # ["string", "null"]: the first that is a type and not null
        kind = next((k for k in _strings(kind) if k in _TYPES), None)
    if isinstance(kind, str) and kind in _TYPES:
        return kind
    return "object" if "properties" in source else "array" if "items" in source else None


def _enum(source: Mapping[str, Any]) -> list[str]:
    values = [source["const"]] if "const" in source else as_list(source.get("enum"))
    if len(values) > _MAX_ENUM or not all(isinstance(value, str) and text.clean(value) == value for value in values):
        return []
    return list(dict.fromkeys(values))


def _description(source: Mapping[str, Any]) -> str:
    note = source.get("description")
    return text.line(note, _DESCRIPTION_CHARS) if isinstance(note, str) else ""


def _strings(value: Any) -> list[str]:
    return [item for item in as_list(value) if isinstance(item, str)]


def check(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the schema means them, or raise `InvalidArguments` that names each fault.

    Null for an argument that is not required counts as not given; a number or boolean written as a string, and a
    string written as a number, are taken as what they mean, and so is an object or list written as JSON text.
    """
    properties = as_object(schema.get("properties"))
    required = _strings(schema.get("required"))
    given = {
        name: coerce(value, as_object(properties.get(name)))
        for name, value in arguments.items()
        if value is not None or name in required
    }
    faults = list(islice(_faults(properties, required, given), _MAX_FAULTS))
    if faults:
        raise InvalidArguments(" ".join(faults), "Nothing was sent; correct the arguments and call again.")
    return given


def _faults(properties: Mapping[str, Any], required: list[str], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong, one sentence each, found only as far as they are asked for."""
    yield from (_unknown(name, properties) for name in given if name not in properties)
    yield from (_missing(name, properties) for name in required if name not in given)
    known = {name: value for name, value in given.items() if name in properties}
    validator = Draft202012Validator({"type": "object", "properties": properties})
    errors: Iterator[ValidationError] = validator.iter_errors(known)  # pyright: ignore[reportUnknownMemberType]
    yield from map(_fault, errors)


def coerce(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value as the schema's type where nothing can be lost by it, else unchanged."""
    kind = schema.get("type")
    if kind == "string" and isinstance(value, float | int) and abs(value) < _MAX_NUMBER:
        return str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        return value
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("object", "array") and value.lstrip()[:1] == ("{" if kind == "object" else "["):
        return _parsed(value)
    if kind in ("integer", "number") and re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?(0|[1-9]\d{0,17})\.\d{1,18}", value):
        return float(value)
    return value


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def outline(parameters: Parameters, names: Mapping[Group, str]) -> str:
    """Return in one bounded line which arguments go where, required ones with a star.

    `names` says what each group is called.
    """
    required = _strings(parameters.schema.get("required"))
    groups: dict[str, list[str]] = {}
    for name, place in parameters.places.items():
        star = "*" if name in required else ""
        key = text.line(place.key, _MAX_KEY_CHARS) + star if place.key else "as documented"
        groups.setdefault(names[place.group], []).append(key)
    listed = "; ".join(f"{group}: {', '.join(keys)}" for group, keys in groups.items())
    return text.cap(listed, _OUTLINE_CHARS) or "no arguments"


def _unknown(name: str, properties: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name[:_MAX_KEY_CHARS], properties, n=1)
    inside = [group for group, note in _OPEN.items() if as_object(properties.get(group)).get("description") == note]
    hint = f"it takes: {', '.join(properties) or 'none'}."
    if near or inside:
        hint = f"did you mean '{near[0]}'?" if near else f"put it into '{inside[-1]}'."
    return f"There is no argument {text.line(repr(name), 60)}; {text.cap(hint, 400)}"


def _missing(name: str, properties: Mapping[str, Any]) -> str:
    note = _description(as_object(properties.get(name)))
    return f"The argument '{name}' is required{f' ({note})' if note else ''}."


def _fault(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path))
    expected: Any = error.validator_value
    match error.validator:
        case "enum":
            near = difflib.get_close_matches(str(error.instance)[:_MAX_KEY_CHARS], _strings(expected), n=1)
            hint = f"; nearest: {near[0]}" if near else ""
            return f"The argument '{where}' must be one of {', '.join(_strings(expected))}{hint}."
        case "type":
            return f"The argument '{where}' must be of type {expected}, not {_type_name(error.instance)}."
        case "required":
            absent = [key for key in _strings(expected) if key not in as_object(error.instance)]
            return f"The argument '{where}' lacks {', '.join(absent)}."
        case _:
            return f"The argument '{where}' does not fit: {error.validator} {expected}."


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "list": "array"}
    return names.get(type(value).__name__, "object")
