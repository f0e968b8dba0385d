"""The room where the arguments of a call are checked: read kindly, refused in words that a model can act on. Pure.

What is meant is told by the internal schema, whatever part of it a client was shown. A value of another type is taken
where nothing can be lost by it ("7" for 7, JSON text for an object, one tag for a list of tags), at any depth; null
for what may be left out counts as left out. Of objects only what is documented is checked: documents have gaps.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pica_mcp import text
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import as_list, as_object

SCALARS = frozenset({"string", "integer", "number", "boolean"})
"""The types of JSON Schema whose values hold no others."""

_MAX_FAULTS = 5
_MAX_NUMBER = 10**18
_MAX_LIKENED = 300
_NAME_CHARS = 60
_WHERE_CHARS = 100
_NOTE_CHARS = 160
_LIST_CHARS = 400
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,17})\.\d{1,18}")
_SAYS_JSON = re.compile(r"\bJSON\b", re.IGNORECASE)
_NOT_A_LETTER = re.compile(r"[\W_]+")
_OPENS = {"object": ("{",), "array": ("[",)}
_OPENS_EITHER = ("{", "[")
_ARTICLES = {"integer": "an", "object": "an", "array": "an"}


def check(
    schema: Mapping[str, Any],
    arguments: Mapping[str, Any],
    *,
    keep_null: bool = False,
    constants: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Return the arguments as the schema means them, or raise `InvalidArguments` that tells up to five faults.

    With `keep_null`, null for what may be left out is kept as it is: some APIs clear a field by it. `constants` are no
    arguments, but documents tell models to pass them: they may be given with the value that they have.
    """
    # Clients send every name that they have seen; where there is no value, a wrong name does no harm.
    known = as_object(schema.get("properties"))
    named = {name: value for name, value in arguments.items() if value is not None or name in known}
    always = _Constants(constants)
    others = {name: value for name, value in named.items() if name in known or not always.are(name, value)}
    given = _object(others, schema, keep_null=keep_null)
    faults = list(islice(_faults(schema, given, always), _MAX_FAULTS))
    if faults:
        raise InvalidArguments(" ".join(faults), "Nothing was sent; correct the arguments and call again.")
    return given


# Reading


def coerce(value: Any, schema: Mapping[str, Any], *, keep_null: bool = False) -> Any:
    """Return the value as the schema's type where nothing can be lost by it, else unchanged."""
    kind = _kind(schema)
    opens = _OPENS_EITHER if "contentMediaType" in schema else _OPENS.get(kind, ())
    if isinstance(value, str) and value.lstrip().startswith(opens):
        value = _parsed(value)
    if kind == "array":
        return _list(value, as_object(schema.get("items")), keep_null=keep_null)
    if _is_json_text(schema) and not isinstance(value, str):
        return _as_json(value)
    if isinstance(value, Mapping):
        return _object(as_object(value), schema, keep_null=keep_null)
    return _scalar(value, kind, schema)


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], *, keep_null: bool) -> dict[str, Any]:
    """Return the object with what it documents coerced, and without what is null there and may be left out."""
    properties, needed = as_object(schema.get("properties")), _needed(schema)
    return {
        name: coerce(item, as_object(properties[name]), keep_null=keep_null) if name in properties else item
        for name, item in value.items()
        if item is not None or keep_null or name in needed or name not in properties
    }


def _list(value: Any, items: Mapping[str, Any], *, keep_null: bool) -> Any:
    """Return the list with its items coerced; a single scalar, where scalars are wanted, is a list of one."""
    if isinstance(value, list):
        return [coerce(item, items, keep_null=keep_null) for item in as_list(value)] if items else as_list(value)
    if _kind(items) not in SCALARS or not isinstance(value, str | int | float):
        return value
    if isinstance(value, str) and value.lstrip()[:1] == "[":  # a list that is broken, not an item
        return value
    item = coerce(value, items)
    return [item] if _is(_kind(items), item) else value


def _scalar(value: Any, kind: str, schema: Mapping[str, Any]) -> Any:
    if kind == "string":
        return _spelt(_text(value), as_list(schema.get("enum")))
    if kind == "integer" and isinstance(value, float) and value.is_integer() and abs(value) < _MAX_NUMBER:
        return int(value)
    if not isinstance(value, str):
        return value
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("integer", "number") and _INTEGER.fullmatch(value):
        return int(value)
    if kind == "number" and _DECIMAL.fullmatch(value):
        return float(value)
    return value


def _is_json_text(schema: Mapping[str, Any]) -> bool:
    """Tell if JSON is wanted as text, by the description; a file is none, nor is one of a few words."""
    if _kind(schema) != "string" or schema.keys() & {"enum", "format"}:
        return False
    note = schema.get("description")
    return isinstance(note, str) and bool(_SAYS_JSON.search(note))


def _as_json(value: Any) -> Any:
    """Return what is no text as JSON, or unchanged where it cannot be written."""
    try:
        return value if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) and abs(value) < _MAX_NUMBER else value


def _spelt(value: Any, allowed: list[Any]) -> Any:
    """Return the value as it is spelt among those allowed, where only one differs by no more than letter case."""
    if not isinstance(value, str) or value in allowed:
        return value
    alike = [one for one in allowed if isinstance(one, str) and one.casefold() == value[:_LIST_CHARS].casefold()]
    return alike[0] if len(alike) == 1 else value


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


class _Constants:
    """What always has the same value, found by its name in any spelling."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {_plain(name): (name, _text(value)) for name, value in values.items() if _plain(name)}

    def are(self, name: str, value: Any) -> bool:
        """Tell if one of them has this name and this value."""
        known, constant = self._values.get(_plain(name), ("", None))
        return bool(known) and _text(value) == constant

    def contradicted(self, name: str) -> str:
        """Return what the one of this name always is, empty if there is none."""
        known, constant = self._values.get(_plain(name), ("", None))
        always = text.line(repr(constant), _NAME_CHARS)
        return f"'{text.line(known, _NAME_CHARS)}' is always {always} here; leave it out." if known else ""


# Faults
def _faults(schema: Mapping[str, Any], given: Mapping[str, Any], always: _Constants) -> Iterator[str]:
    """Yield what is wrong, one sentence each, found only as far as they are asked for."""
    properties, needed = as_object(schema.get("properties")), _needed(schema)
    yield from (always.contradicted(name) or _unknown(name, schema) for name in given if name not in properties)
    yield from (_missing(name, properties) for name in needed if name not in given)
    for name, value in given.items():
        if name in properties and (value is not None or name in needed):
            yield from _wrong(value, as_object(properties[name]), name)


def _wrong(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield what is wrong with a value and with all that is in it, as far as the schema goes."""
    kind, allowed = _kind(schema), as_list(schema.get("enum"))
    if not _is(kind, value):
        yield f"{_argument(where)} must be {_a(kind)}, not {_a(_type_name(value))}{_note(schema)}."
    elif allowed and value not in allowed:
        yield _not_allowed(value, allowed, where)
    elif isinstance(value, list) and (items := as_object(schema.get("items"))):
        for index, item in enumerate(as_list(value)):
            yield from _wrong(item, items, f"{where}[{index}]")
    elif isinstance(value, Mapping):
        yield from _wrong_inside(as_object(value), schema, where)
    elif isinstance(value, int | float) and (limit := _limit(value, schema)):
        yield f"{_argument(where)} must be {limit}."


def _wrong_inside(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    properties, needed = as_object(schema.get("properties")), _needed(schema)
    yield from (_lacking(name, value, properties, where) for name in needed if name not in value)
    for name, item in value.items():
        if name in properties and (item is not None or name in needed):
            yield from _wrong(item, as_object(properties[name]), f"{where}.{name[:_NAME_CHARS]}")


def _is(kind: str, value: Any) -> bool:
    """Tell if the value is of the type, as JSON Schema has it."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "number":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and (kind == "number" or isinstance(value, int) or value.is_integer())
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return True


def _limit(value: float, schema: Mapping[str, Any]) -> str:
    """Return the limit that a number breaks in words, empty if it breaks none."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        return f"{least} or more"
    return f"{most} or less" if most is not None and value > most else ""


# Words


def _unknown(name: str, schema: Mapping[str, Any]) -> str:
    properties = as_object(schema.get("properties"))
    near = _nearest(name, properties)
    inside = [group for group in ("query", "body") if _is_open(as_object(properties.get(group)))]
    hint = f"it takes: {_all(schema) or 'none'}."
    if near or inside:
        hint = f"did you mean '{near}'?" if near else f"put it into '{inside[-1]}'."
    return f"There is no argument {text.line(repr(name[:_NAME_CHARS]), _NAME_CHARS)}; {text.cap(hint, _LIST_CHARS)}"


def _is_open(schema: Mapping[str, Any]) -> bool:
    return _kind(schema) == "object" and "properties" not in schema


def _all(schema: Mapping[str, Any]) -> str:
    """Return all names, those required first and with a star."""
    needed = _needed(schema)
    others = (name for name in as_object(schema.get("properties")) if name not in needed)
    return ", ".join([*(f"{name}*" for name in needed), *others])


def _missing(name: str, properties: Mapping[str, Any]) -> str:
    return f"{_argument(name)} is required{_note(properties.get(name))}."


def _lacking(name: str, value: Mapping[str, Any], properties: Mapping[str, Any], where: str) -> str:
    instead = _alike(name, (given for given in value if given not in properties))
    hint = f"; it has '{text.line(instead, _NAME_CHARS)}' instead" if instead else ""
    return f"{_argument(where)} lacks '{text.line(name, _NAME_CHARS)}'{_note(properties.get(name))}{hint}."


def _not_allowed(value: Any, allowed: list[Any], where: str) -> str:
    names = [str(one) for one in allowed]
    near = _nearest(str(value)[:_NAME_CHARS], names)
    hint = f"; nearest: {near}" if near else ""
    return f"{_argument(where)} must be one of {text.line(', '.join(names), _LIST_CHARS)}{hint}."


def _nearest(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """Return the known word that is most like this one, empty if none is like it."""
    some = list(islice(known, _MAX_LIKENED))
    near = _alike(word, some) or next(iter(difflib.get_close_matches(word[:_NAME_CHARS], some, n=1)), "")
    return text.line(near, _NAME_CHARS)


def _alike(name: str, known: Iterable[str]) -> str:
    """Return the known name of the same letters and digits, as `dateTime` is for `date_time`; empty if none is."""
    plain = _plain(name)
    return next((one for one in islice(known, _MAX_LIKENED) if plain and _plain(one) == plain), "")


def _plain(name: str) -> str:
    return _NOT_A_LETTER.sub("", name[:_NAME_CHARS]).casefold()


def _argument(where: str) -> str:
    return f"The argument '{text.line(where, _WHERE_CHARS)}'"


def _note(schema: Any) -> str:
    note = as_object(schema).get("description")
    return f" ({text.line(note, _NOTE_CHARS)})" if isinstance(note, str) and note else ""


def _needed(schema: Mapping[str, Any]) -> Mapping[str, None]:
    """Return what the schema requires, in its order."""
    return {name: None for name in as_list(schema.get("required")) if isinstance(name, str)}


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the schema's type, empty if it takes anything."""
    kind = schema.get("type")
    return kind if isinstance(kind, str) else ""


def _a(kind: str) -> str:
    return kind if kind == "null" else f"{_ARTICLES.get(kind, 'a')} {kind}"


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "list": "array"}
    return names.get(type(value).__name__, "object")
