"""The room of parameter tables: what an action's document says of its arguments in tables, as JSON Schema.

The heading over a table says which group it is of and whether its names are required; names with dots and brackets
open objects and arrays. What is about answers, errors and examples is not read. Documents are from outside: number,
depth and length of names are bounded, every line is read once, and what cannot be understood is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from pica_mcp import documents
from pica_mcp.documents import Passage
from pica_mcp.models import as_object
from pica_mcp.schemas import cells

_MAX_PROPERTIES = 1_000  # of one group, those inside others included
_MAX_DEPTH = 12  # counting names and brackets
_TYPE_CHARS = 200
_LINE_CHARS = 20_000
_MAX_OPTIONS = 20
_ITEMS = "[]"

_COLUMNS: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(
        r"([a-z]+ )?(param(eter)?s?|fields?|propert(y|ies)|keys?|variables?|arg(ument)?s?|attributes?|headers?)"
        r"( name)?$|name$"
    ),
    "type": re.compile(r"(data ?)?types?$"),
    "required": re.compile(r"(is )?(required|mandatory)\??$"),
    "optional": re.compile(r"(is )?optional\??$"),
    "description": re.compile(r"descriptions?$|details?$|notes?$|meaning$"),
    "default": re.compile(r"defaults?( value)?$"),
    "place": re.compile(r"in$|location$|where$"),
}
_YES = frozenset({"yes", "true", "required", "y", "x", "✓", "✔", "✅", "always", "mandatory"})

_GROUPS: Mapping[str, re.Pattern[str]] = {
    "path": re.compile(r"\bpath\b|\b(url|route) (param|variable|field)"),
    "variables": re.compile(r"\bvariables?\b|\bgraphql (arg|param|input)"),
    "query": re.compile(r"\bquery (param|string|field|arg|option)|^((required|optional) )?query$"),
    "headers": re.compile(r"\bheaders?\b"),
    "body": re.compile(r"\b(body|payload|form (fields|data|param\w*)|multipart (fields|parts|form))\b"),
}
_UNPLACED = re.compile(
    r"((required|optional|request|input|all|other|additional) )*(param\w*|arg\w*|inputs?|fields?)( fields)?$"
)
_ADDRESS = re.compile(r"(url|endpoint|method)$")
_METHOD = re.compile(r"\b(GET|HEAD|DELETE|POST|PUT|PATCH)\b")
_PLACEHOLDER = re.compile(r"\{\{?\s?([^{}\s]{1,200})\s?\}")
_OPTION = re.compile(r"(option|variant|alternative) [a-z0-9]{1,20}\b")
_CHOICE = re.compile(r"\b(one|either|any)\b")

_PIPE = re.compile(r"(?<!\\)\|")
_STEP = re.compile(r"[^.\[\]]*@odata\.[^.\[\]]+|[^.\[\]]+|\[[^\[\]]*\]")
_EVERY = re.compile(r"\[(\d*|\*|n|i|index)\]$")
_ANY_NAME = re.compile(r"\*$|\{.*\}$|<.*>$")

_VERSION_HEADER = re.compile(r"[a-z0-9-]{1,100}-version$|accept$", re.IGNORECASE)
_HEADER = re.compile(r"(?<![A-Za-z0-9-])([A-Za-z0-9-]{1,100})[\"'`]?\s?:\s?(?:\"([^\"\n]{1,300})\"|([^\"\n]{1,300}))")
_LITERAL = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?$")
_NO_LITERAL = re.compile(r"[{}<>\[\]$]|\.\.\.|\byour\b|your[_-]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Table:
    """What the headings over a table say; with no group, each name's depends on the request's address."""

    group: str
    is_required: bool
    option: str


@dataclass(slots=True)
class _Node:
    """A name while its tables are read: what its own row says, if it is listed, and what is inside it.

    What the items of an array are is inside under `[]`.
    """

    schema: dict[str, Any] = field(default_factory=dict[str, Any])
    is_required: bool = False
    is_listed: bool = False
    inner: dict[str, _Node] = field(default_factory=dict[str, "_Node"])


class _Tree:
    """The names of a group while its tables are read, apart for each option there is; "" is for what all have."""

    def __init__(self, group: str, options: Iterable[str]) -> None:
        self._group = group
        self._options = {option: _Node() for option in ("", *options)}
        self._spare = _MAX_PROPERTIES

    def add(self, row: cells.Row, table: _Table) -> None:
        """Take in the row; of rows with one name the first counts, and what is too deep or too much does not."""
        steps = _steps(row.name, row.kind) if self._group in ("body", "variables") else [row.name]
        if not 0 < len(steps) <= _MAX_DEPTH or steps[0] == _ITEMS:
            return
        node = self._options[table.option]
        for depth, step in enumerate(steps):
            if _ANY_NAME.match(step):  # stands for any name
                return
            if step not in node.inner:
                if not self._spare:
                    return
                self._spare -= 1
                # All that a section says may be what is inside a name: then it is the name that is required.
                node.inner[step] = _Node(is_required=table.is_required and depth == 0)
            node = node.inner[step]
        if not node.is_listed:
            node.is_listed = True
            node.schema = cells.described(row, self._group)
            is_top = len(steps) == 1
            node.is_required = table.is_required and is_top if row.is_required is None else row.is_required

    def schema(self) -> dict[str, Any]:
        """Return the group as JSON Schema."""
        common, *options = self._options.values()
        if any(option.inner for option in options):
            common = _joined(common, reduce(lambda one, other: _joined(one, other, every=True), options))
        return _written(common)


def groups(found: Sequence[Passage]) -> Mapping[str, Any]:
    """Return an object schema for each group that has a table: path, query, headers, body, variables.

    Where a body can be written in several ways, it has the names of all and requires what all of them do.
    """
    labels, address = _labels(found), _Address.of(found)
    trees: dict[str, _Tree] = {}
    for passage in found:
        if "|" not in passage.text or documents.is_no_input(passage) or not (table := _table(passage, labels)):
            continue
        for row in _rows(passage.text):
            group = row.place or table.group or address.group(row.name)
            trees.setdefault(group, _Tree(group, labels)).add(row, table)
    schemas = {group: trees[group].schema() for group in _GROUPS if group in trees}
    return {group: schema for group, schema in schemas.items() if schema.get("properties")}


@dataclass(frozen=True, slots=True)
class _Address:
    """What tells the group of a parameter that no heading places: method and placeholders, and if it is GraphQL."""

    names: frozenset[str]
    rest: str

    @classmethod
    def of(cls, found: Sequence[Passage]) -> _Address:
        """Return the address that the document gives."""
        said = "\n".join(
            one.text[: cells.CELL_CHARS] for one in found if any(_ADDRESS.match(kind) for kind in one.kinds[:1])
        )
        method = _METHOD.search(said)
        is_graphql = any(kind.startswith("graphql") for one in found for kind in one.kinds[:1])
        has_body = method is None or method[1] in ("POST", "PUT", "PATCH")
        rest = "variables" if is_graphql else "body" if has_body else "query"
        return cls(frozenset(_PLACEHOLDER.findall(said)), rest)

    def group(self, name: str) -> str:
        """Return the group of a parameter with this name."""
        return "path" if name in self.names else self.rest


def _table(passage: Passage, labels: list[str]) -> _Table | None:
    """Return what the headings say of a table, the nearest first; None if they say of no group."""
    kinds = passage.kinds
    named = (group for kind in kinds for group, test in _GROUPS.items() if test.search(kind))
    group = next(named, "")
    if not group and not (kinds and _UNPLACED.match(kinds[0])):
        return None
    said = (kind for kind in kinds if cells.REQUIRED.search(kind) or cells.OPTIONAL.search(kind))
    nearest = next(said, "required" if group == "path" else "")
    aside = documents.aside(passage.headings[-1])
    is_required = (
        bool(cells.REQUIRED.search(nearest)) and not cells.OPTIONAL.search(nearest) and not _CHOICE.search(aside)
    )
    option = next((kind for kind in kinds if _OPTION.match(kind)), aside)
    return _Table(group, is_required, option if option in labels else "")


def _labels(found: Sequence[Passage]) -> list[str]:
    """Return what the options of the document are called: headings, or what tells apart headings that are alike."""
    headed = [kind for passage in found for kind in passage.kinds[:1] if _OPTION.match(kind)]
    asides: dict[str, list[str]] = {}
    for passage in found:
        if (
            passage.kinds
            and cells.REQUIRED.search(passage.kinds[0])
            and (aside := documents.aside(passage.headings[-1]))
        ):
            asides.setdefault(passage.kinds[0], []).append(aside)
    alike = [aside for several in asides.values() if len(set(several)) > 1 for aside in several]
    return list(dict.fromkeys(headed or alike))[:_MAX_OPTIONS]


def _rows(passage: str) -> Iterator[cells.Row]:
    """Yield the rows of the passage's tables, as far as their head says what is in which column."""
    columns: list[str] | None = None
    before = ""
    for line in documents.unfenced(passage).split("\n"):
        if "|" not in line or len(line) > _LINE_CHARS:
            columns = None
        elif columns is None and _is_rule(line):
            columns = _columns(_cells(before))
        elif columns:
            yield from _read(columns, line)
        before = line


def _is_rule(line: str) -> bool:
    return all(cell and not cell.strip(":").strip("-") and "-" in cell for cell in _cells(line))


def _cells(line: str, count: int | None = None) -> list[str]:
    """Return the cells of a row; where there are too many, a pipe in code or in the last one ends none."""
    parts = _PIPE.split(line.strip().removeprefix("|"))
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    if count and len(parts) > count:
        parts = _whole_code(parts)
        parts = [*parts[: count - 1], "|".join(parts[count - 1 :])]
    return [cell.strip().replace("\\|", "|") for cell in parts]


def _whole_code(parts: Iterable[str]) -> list[str]:
    """Return the cells with those put together again that a pipe within code parted."""
    whole: list[list[str]] = []
    is_open = False
    for cell in parts:
        if is_open:
            whole[-1].append(cell)
        else:
            whole.append([cell])
        is_open ^= cell.count("`") % 2 == 1
    return ["|".join(cell) for cell in whole]


def _columns(heads: list[str]) -> list[str]:
    """Return what each column holds, [] for a table that is not of parameters."""
    plain = [" ".join(head.lower().replace("*", "").replace("`", "").split())[: cells.NAME_CHARS] for head in heads]
    columns = [next((column for column, test in _COLUMNS.items() if test.match(head)), "") for head in plain]
    if "name" in columns:
        first = columns.index("name")
        return [column if column != "name" or place == first else "" for place, column in enumerate(columns)]
    return ["name", *columns[1:]] if columns[:1] == [""] and "type" in columns else []


def _read(columns: list[str], line: str) -> Iterator[cells.Row]:
    """Yield what the line says, of each name in its first cell."""
    told = dict(zip(columns, _cells(line, len(columns)), strict=False))
    names, marked = cells.names_in(told.get("name", ""))
    written, description = told.get("type", "")[:_TYPE_CHARS], told.get("description", "")
    mark = cells.MARKED.match(description)
    if mark and any(sign in mark[0] for sign in "*_(.:"):
        description = description[mark.end() :]
        marked = mark[1].lower()
    said = _said(told) or (marked or cells.marked(written))
    for name in names:
        is_required = None if not said else said == "required"
        yield cells.Row(name, written, description, told.get("default", ""), _place(told.get("place", "")), is_required)


def _said(told: Mapping[str, str]) -> str:
    """Return what the table's own column says, "" if it has none or nothing in it."""
    if word := told.get("required", "").strip("*`. ").lower():
        return "required" if re.split(r"[\s*,;(.]", word, maxsplit=1)[0] in _YES else "optional"
    if word := told.get("optional", "").strip("*`. ").lower():
        return "optional" if word in _YES else "required"
    return ""


def _place(word: str) -> str:
    plain = word.strip("*`. ").lower()
    return next((group for group in _GROUPS if plain in (group, group.removesuffix("s"))), "")


def _steps(name: str, kind: str) -> list[str]:
    """Return the names and `[]` that a name goes through; one that is not written so is a name as it is."""
    steps = _STEP.findall(name)
    if "".join(step if step[0] == "[" else f".{step}" for step in steps).removeprefix(".") != name.replace(".[", "["):
        return [name]
    steps = [_ITEMS if _EVERY.match(step) else step.strip("[]\"'") for step in steps]
    # `tags[]` of type string[] is the array itself, not one of its items.
    while len(steps) > 1 and steps[-1] == _ITEMS and cells.type_of(kind).get("type") == "array":
        steps.pop()
    return steps if all(steps) else [name]


def _joined(one: _Node, other: _Node, *, every: bool = False) -> _Node:
    """Return both nodes as one; a name inside is required if either says so, or with `every` only if both do."""
    inner = dict(one.inner)
    for name, node in other.inner.items():
        inner[name] = _joined(inner[name], node, every=every) if name in inner else node
    if every:
        alone = one.inner.keys() ^ other.inner.keys()
        inner = {name: replace(node, is_required=False) if name in alone else node for name, node in inner.items()}
    listed = one if one.is_listed or not other.is_listed else other
    is_required = one.is_required and other.is_required if every else one.is_required or other.is_required
    return _Node(listed.schema, is_required, listed.is_listed, inner)


def _written(node: _Node, above: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the node as JSON Schema, over what its own row says."""
    own = dict(node.schema or above or {})
    fields = {name: inner for name, inner in node.inner.items() if name != _ITEMS}
    if _ITEMS in node.inner or (fields and own.get("type") == "array"):
        within = _joined(node.inner.get(_ITEMS, _Node()), _Node(inner=fields))
        return {**_of(own, "array"), "items": _written(within, as_object(own.get("items")))}
    if not fields and above is not None:
        return own
    required = [name for name, inner in fields.items() if inner.is_required]
    properties = {name: _written(inner, {}) for name, inner in fields.items()}
    return {**_of(own, "object"), "properties": properties, **({"required": required} if required else {})}


def _of(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the schema as one of this type, unless that is one of its types already."""
    kinds = schema.get("type")
    if isinstance(kinds, list) and kind in kinds:
        return dict(schema)
    return {"type": kind, **{key: value for key, value in schema.items() if key not in ("type", "enum", "default")}}


def fixed_headers(passages: Iterable[Passage]) -> Mapping[str, str]:
    """Return the headers that the document shows with their values and that are the same for every call.

    These are versions and `Accept`, in the fence under Headers; what is a placeholder, a key or a token is none.
    """
    found: dict[str, str] = {}
    for passage in passages:
        if passage.kinds[:1] in (("headers",), ("required headers",), ("request headers",)):
            for block in documents.fences(passage.text):
                found = {**_literals(block.text[:_LINE_CHARS]), **found}
    return found


def _literals(block: str) -> dict[str, str]:
    pairs = ((found[1], (found[2] or found[3]).strip(" \t,'`")) for found in _HEADER.finditer(block))
    return {
        name: value
        for name, value in pairs
        if _VERSION_HEADER.match(name) and _LITERAL.match(value) and not _NO_LITERAL.search(value)
    }
