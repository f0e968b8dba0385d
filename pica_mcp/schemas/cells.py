"""The room of a table's cells: what a row says of one argument, its name, type, values and default, as JSON Schema.

Cells are from outside: what cannot be understood is left open, and no cell costs more than its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pica_mcp import text
from pica_mcp.models import as_object

NAME_CHARS = 200
CELL_CHARS = 1_000
_DESCRIPTION_CHARS = 2_000
_MAX_VALUES = 100
_MAX_TYPE_DEPTH = 4

_NO_NAMES = frozenset({"-", "—", "\u2013", "none", "n/a", "...", "…", "no"})
REQUIRED = re.compile(r"\brequired\b")
OPTIONAL = re.compile(r"\boptional\b|\bnot required\b|\bnon-required\b")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")

MARKED = re.compile(
    r"(?:\*\*|__|\()?(required|optional)\s?+[.:,;]?+\s?+(?:\*\*|__|\))?+(?!\s?(?-i:if|when|unless|only|for)\b)\s?[.:,;\u2013—-]?\s*",
    re.IGNORECASE,
)
_VALUES = re.compile(
    r"(?:(?:^|[.;:,(\u2013—-]\s?|\b(?:be|is|either)\s)one\sof|\b(?:allowed|possible|valid|accepted|permitted)\svalues(?:\sare)?)"
    r"(?P<colon>:?)\s*",
    re.IGNORECASE,
)
_VALUE = re.compile(r"(?:`([^`\n]{1,200})`|\"([^\"\n]{1,200})\"|'([^'\n]{1,200})')(?:\s?\([^()\n]{0,100}\))?")
_BETWEEN = re.compile(r"\s?(?:[,|/]\s?(?:or\s|and\s)?|or\s|and\s)")
_BARE_VALUES = re.compile(r"[^;)\n.]{0,1000}(?:\.(?=\S)[^;)\n.]{0,200}){0,50}")
_BARE_BETWEEN = re.compile(r"\s?[,|/]\s?(?:or\s|and\s)?|\sor\s|\sand\s")
_BARE_VALUE = re.compile(r"[\w:/+.-]{1,60}")
_OPEN_END = re.compile(r"[,\s]{0,3}(?:(?:and|or)\s)?(?:etc\b|…|\.\.\.|more\b|others?\b)")
_DEFAULT = re.compile(
    r"\bdefault(?P<said>s\sto|ed\sto|\svalue\sis|\sis|\svalue)?(?P<colon>\s?[:=])?\s?"
    r"(?:`([^`\n]{1,200})`|\"([^\"\n]{1,200})\"|(?P<bare>[\w+-][\w.+-]{0,60}?)(?=[,;)]|\.?(?:\s?$|\s?\()|\.\s))",
    re.IGNORECASE,
)
_SELF = re.compile(r"(?:\bvalue|\bkeyword|\buse(?:\sthe)?|\bor)\s[`\"'“](me|primary)[`\"'”]", re.IGNORECASE)

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("string", "str", "text", "id", "uuid", "guid", "url", "uri", "email", "enum", "char"), "string"),
    **dict.fromkeys(("date", "datetime", "date-time", "date time", "time", "timestamp", "password"), "string"),
    **dict.fromkeys(("integer", "int", "int32", "int64", "long", "bigint"), "integer"),
    **dict.fromkeys(("number", "float", "double", "decimal", "numeric"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("object", "map", "dict", "dictionary", "hash", "json object"), "object"),
    **dict.fromkeys(("array", "list"), "array"),
}
_FILES = frozenset({"file", "binary", "bytes", "blob"})
_NOTHING = frozenset({"", "null", "none", "nil", "undefined", '""', "''", "empty string"})
_UNION = re.compile(r"\s?\|\s?|\sor\s|\s?/\s?")
_ARRAY_OF = re.compile(r"(?:array|list)(?:\sof\s|\s?[<(\[])([^<>()]+)[>)\]]?$|\[([^\[\]]+)\]$")
_LITERAL_TYPE = re.compile(r"\"[^\"]+\"$|'[^']+'$")
_ASIDE = re.compile(r"\([^()]*\)")
_SCALARS: Mapping[str, re.Pattern[str]] = {
    "integer": re.compile(r"-?(0|[1-9][0-9]{0,17})$"),
    "number": re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"),
    "boolean": re.compile(r"true$|false$"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. `place` is the group that it names itself; `is_required` is None if it does not say."""

    name: str
    kind: str
    description: str
    default: str
    place: str
    is_required: bool | None


def names_in(cell: str) -> tuple[list[str], str]:
    """Return the names in a cell, in backticks or one bare word, and `required` or `optional` if it says so."""
    cell = cell[:CELL_CHARS]
    if "](" in cell:
        cell = _LINK.sub(r"\1", cell)
    head, _, aside = cell.partition("(")
    spans = _SPAN.findall(head)
    rest = (_SPAN.sub("", head) if spans else " ".join(cell.replace("**", "").split()[1:])) + aside
    mark = marked(rest) or ("required" if rest.strip(" ,/") == "*" else "")
    if not spans:
        word, *others = cell.replace("**", "").split() or [""]
        spans = [_ESCAPED.sub(r"\1", word)] if not others or mark or others[0].startswith("(") else []
        if spans and word.endswith("*") and not word.endswith((".*", "\\*", "[*")):
            spans, mark = [spans[0].rstrip("*")], mark or "required"
    return [name for name in spans if _is_name(name)], mark


def _is_name(name: str) -> bool:
    return 0 < len(name) <= NAME_CHARS and not re.search(r"\s", name) and name.lower() not in _NO_NAMES


def marked(written: str) -> str:
    """Return whether it says `required` or `optional`, "" for neither."""
    lower = written.lower()
    return "optional" if OPTIONAL.search(lower) else "required" if REQUIRED.search(lower) else ""


def described(row: Row, group: str) -> dict[str, Any]:
    """Return the row as JSON Schema: its type, and what its description says besides."""
    schema = type_of(row.kind)
    note = text.line(row.description, _DESCRIPTION_CHARS)
    if note:
        schema["description"] = note
    values = _enum(row.description)
    if values and schema.get("type") == "array":
        schema["items"] = _with_values(as_object(schema.get("items")), values)
    else:
        schema = _with_values(schema, values)
    if (default := _default(row, schema, group)) is not None:
        schema["default"] = default
    return schema


def _with_values(schema: Mapping[str, Any], values: list[str]) -> dict[str, Any]:
    """Return the schema with the values it is limited to, if all of them are of its type."""
    typed = [_scalar(value, schema) for value in values]
    if not typed or None in typed or "format" in schema or schema.get("type") == "boolean":
        return dict(schema)
    return {"type": "string", **schema, "enum": list(dict.fromkeys(typed))}


def _scalar(written: str, schema: Mapping[str, Any]) -> Any:
    """Return what is written as a value of the schema's type, None if it is none."""
    said = schema.get("type", "string")
    kinds = cast("list[str]", said) if isinstance(said, list) else [said]
    if any(test.match(written.lower()) for kind, test in _SCALARS.items() if kind in kinds):
        return json.loads(written.lower())
    return written if "string" in kinds else None


def _enum(description: str) -> list[str]:
    """Return the values that the description limits it to, [] if it does not say, or not all of them."""
    found = _VALUES.search(description)
    if not found:
        return []
    values: list[str] = []
    place = found.end()
    while value := _VALUE.match(description, place):
        values.append(next(filter(None, value.groups())))
        place = value.end()
        if len(values) > _MAX_VALUES or not (gap := _BETWEEN.match(description, place)):
            break
        if not _VALUE.match(description, gap.end()):
            break
        place = gap.end()
    if not values and found["colon"]:
        return _bare_values(description, place)
    return values if len(values) <= _MAX_VALUES and not _OPEN_END.match(description, place) else []


def _bare_values(description: str, place: int) -> list[str]:
    listed = _BARE_VALUES.match(description, place)
    values = _BARE_BETWEEN.split(listed[0].strip(" .")) if listed else []
    is_list = 1 < len(values) <= _MAX_VALUES and all(map(_BARE_VALUE.fullmatch, values))
    return values if is_list and not {"etc", "..."} & set(values) else []


def _default(row: Row, schema: Mapping[str, Any], group: str) -> Any:
    """Return the value that counts where none is given, None if there is none that is of the type."""
    written = row.default.strip('` "*')
    found = _DEFAULT.search(row.description)
    if not written and found:
        is_said = found["colon"] or (found["said"] or "").lower().endswith("to")
        written = found[3] or found[4] or (found["bare"] if is_said else "") or ""
    if not written and group == "path" and (own := _SELF.search(row.description)):
        written = own[1].lower()
    value = _scalar(written.strip("\"'"), schema) if written.lower() not in _NO_NAMES | _NOTHING else None
    return value if value in schema.get("enum", [value]) else None


def type_of(written: str) -> dict[str, Any]:
    """Return the type as JSON Schema, {} for one that is not known."""
    plain = " ".join(_ASIDE.sub("", written.replace("`", "").replace("**", "")).split())
    parts = _UNION.split(re.sub(r"(?i)[,;]?\s?\b(not )?(required|optional|nullable)\b", "", plain).strip(" ,;"))
    if len(parts) > 1 and all(map(_LITERAL_TYPE.match, parts)):
        return {"type": "string", "enum": list(dict.fromkeys(part[1:-1] for part in parts))}
    parts = [part.strip().lower() for part in parts if part.strip().lower() not in _NOTHING]
    schemas = [_single(part) for part in parts]
    if not schemas or not all(schemas):
        return {}
    kinds = list(dict.fromkeys(str(schema["type"]) for schema in schemas))
    if len(kinds) == 1:
        return schemas[0]
    items = [schema["items"] for schema in schemas if "items" in schema]
    return {"type": kinds, "items": items[0]} if items else {"type": kinds}


def _single(plain: str, depth: int = 0) -> dict[str, Any]:
    """Return one type, without its alternatives."""
    plain = plain.strip().removesuffix("!").removeprefix("nullable ")
    if depth > _MAX_TYPE_DEPTH:
        return {}
    if plain in _FILES:
        return {"type": "string", "format": "binary"}
    if plain in _KINDS:
        return {"type": _KINDS[plain]}
    if plain.endswith(("[]", " array", " list")):
        return _array(plain.removesuffix("[]").removesuffix(" array").removesuffix(" list"), depth)
    if inner := _ARRAY_OF.match(plain):
        return _array(inner[1] or inner[2], depth)
    words = re.split(r"[\s<:,]", plain, maxsplit=1)
    if words[0] in ("enum", "map", "object", "record", "dict"):
        return {"type": "string" if words[0] == "enum" else "object"}
    return {"type": "string"} if plain.endswith(" string") or plain.startswith("string ") else {}


def _array(inner: str, depth: int) -> dict[str, Any]:
    singular = inner if _single(inner, depth + 1) else inner.removesuffix("s")
    items = _single(singular, depth + 1)
    return {"type": "array", "items": items} if items else {"type": "array"}
