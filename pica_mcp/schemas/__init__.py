"""The room where an action's documentation becomes one flat object of arguments, each with where it belongs.

An action's groups (path, query, headers, body) become one flat object, since models otherwise put query parameters
into the body; `Parameters.places` is the way back. The placeholders of the path are arguments, always. For the other
groups `ioSchema` and the tables of the Markdown speak together; where neither does, the example; where nothing is
documented at all, the group stays open. What the server fixes itself is not an argument, and put in last.

Documentation comes from outside: whatever cannot be read degrades to "anything", and nothing here raises because of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from typing import Any

from pica_mcp import arguments, documents, text
from pica_mcp.documents import Passage
from pica_mcp.models import CONNECTION_KEY, ActionDetails, as_list, as_object
from pica_mcp.passthrough import BODILESS, may_set_header, placeholders
from pica_mcp.schemas import sources, tables
from pica_mcp.schemas.dialect import Schema, strings
from pica_mcp.schemas.sources import joined
from pica_mcp.tools import RESERVED, Encoding, Group, Parameters, Place

_MAX_ARGUMENTS = sources.MAX_FIELDS
_NOT_OF_A_NAME = re.compile(r"[\W_]+")
_SENDS_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_OPEN: Mapping[Group, str] = {
    "query": "Query parameters by name, as the action documents them.",
    "body": "Fields of the request body by name, as the action documents them.",
}
_WHOLE: Mapping[str, Schema] = {
    "binary": {"type": "string", "format": "binary", "description": "The file to send."},
    "text": {"type": "string", "description": "The text to send."},
}
_VARIABLE = re.compile(r"\$([_A-Za-z]\w{0,63})\s*:\s*((?:\[\s*)*)([_A-Za-z]\w{0,99})([\]!\s]*)(=?)", re.ASCII)
_MAX_VARIABLES = 100
_GRAPHQL_TYPES = {"String": "string", "ID": "string", "Int": "integer", "Float": "number", "Boolean": "boolean"}
_HARMS = re.compile(r"^(delete|put|patch) |delete|trash|clear|remove|purge|revoke")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_CHARS = 64
_FEW_VALUES = 6
_FEW_KEYS = 8
_VALUES_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument before it has a name.

    `fixed` is the one value that it can have, `default` the value without which nothing can be sent; None if there is
    none.
    """

    place: Place
    schema: Schema
    required: bool = False
    fixed: Any = None
    default: Any = None


def derive(action: ActionDetails) -> Parameters:
    """Return the action's flat arguments. Never raises: what cannot be understood is left open."""
    passages = documents.passages(action.knowledge)
    groups, said = sources.groups(action, passages), documents.encoding(passages)
    encoding = _encoding(action, groups.get("body", {}), said)
    found = [
        *_path(action, groups.get("path", {})),
        *_named("query", groups.get("query", {})),
        *_named("headers", groups.get("headers", {})),
    ]
    if operation := _operation(action, groups, passages):
        found += [*_variables(groups, operation), _Argument(Place("body", "query"), {}, fixed=operation)]
    else:
        if action.method.upper() not in BODILESS:
            found += _body(_graphql_body(groups), encoding)
        found += _opened(action, groups, {one.place.group for one in found}, is_said=said is not None)
    return _parameters([*_with_headers(tables.fixed_headers(passages), found)], encoding)


def _parameters(found: Sequence[_Argument], encoding: Encoding) -> Parameters:
    """Return the arguments under flat names, those required first, what is fixed apart from them."""
    left = _most_wanted([one for one in found if one.fixed is None])
    named = dict(zip(_names([one.place for one in left]), left, strict=True))
    files = frozenset(name for name, one in named.items() if _takes_file(one, encoding))
    required = [name for name, one in named.items() if one.required]
    ordered = {name: named[name].schema for name in (*required, *named)}
    properties = {name: schema if name in files else _as_text(schema) for name, schema in ordered.items()}
    return Parameters(
        {"type": "object", "properties": properties, **({"required": required} if required else {})},
        {name: one.place for name, one in named.items()},
        encoding,
        fixed=tuple((one.place, one.fixed) for one in found if one.fixed is not None),
        files=files,
        defaults={name: one.default for name, one in named.items() if one.default is not None},
    )


def _takes_file(argument: _Argument, encoding: Encoding) -> bool:
    can_carry = encoding in ("multipart", "binary") and argument.place.group == "body"
    return can_carry and (_is_binary(argument.schema) or _is_binary(as_object(argument.schema.get("items"))))


def _is_binary(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "binary"


def _as_text(schema: Mapping[str, Any]) -> Schema:
    """Return the schema without files in it: only fields of a body can be one, elsewhere it is encoded text."""
    plain = {word: value for word, value in schema.items() if word not in ("format", "const")}
    if "items" in plain:
        plain["items"] = _as_text(as_object(plain["items"]))
    if "properties" in plain:
        plain["properties"] = {key: _as_text(value) for key, value in as_object(plain["properties"]).items()}
    return plain


def _as_file(argument: _Argument) -> _Argument:
    """Return a text field of a multipart body that is named `file` as the file that it is."""
    is_plain = argument.schema.keys() <= {"type", "description"} and argument.schema.get("type") in (None, "string")
    if not is_plain or str(argument.place.key).lower() != "file":
        return argument
    return replace(argument, schema={"type": "string", **argument.schema, "format": "binary"})


def _most_wanted(found: list[_Argument]) -> list[_Argument]:
    """Return the arguments in their order, or where there are too many, the required and then the first others."""
    if len(found) <= _MAX_ARGUMENTS:
        return found
    return sorted(found, key=lambda one: not one.required)[:_MAX_ARGUMENTS]


# The arguments of each group


def _path(action: ActionDetails, group: Mapping[str, Any]) -> Iterator[_Argument]:
    """Yield the placeholders of the path, whether they are documented or not; what is not in the path is none.

    What changes or ends something has no defaults: a model that forgets the id of one must not mean its own account.
    """
    described = {_letters(key): schema for key, schema in as_object(group.get("properties")).items()}
    may_be_left_out = not _HARMS.search(f"{action.method.lower()} {action.path.rpartition('/')[2].lower()}")
    for name in placeholders(action)[:_MAX_ARGUMENTS]:
        schema = as_object(described.get(_letters(name)))
        words = ("description", "enum", *(("default",) if may_be_left_out else ()))
        kept = {word: schema[word] for word in words if word in schema}
        kind = schema.get("type")
        kept = {"type": "string" if kind in (None, "object", "array") else kind, **kept}
        default = arguments.coerce(kept.get("default"), kept)
        yield _Argument(Place("path", name), kept, default is None, schema.get("const"), default)


def _letters(name: str) -> str:
    return _NOT_OF_A_NAME.sub("", name).lower() or name


def _named(group: Group, documented: Mapping[str, Any], inside: tuple[str, ...] = ()) -> Iterator[_Argument]:
    """Yield the documented fields of a group, or of an object inside it, without what is not for an argument to set."""
    required = frozenset(strings(documented.get("required")))
    for key, schema in as_object(documented.get("properties")).items():
        if not _is_ours(group, key):
            kept = {word: value for word, value in schema.items() if word != "const"}
            fixed = schema.get("const") if key in required else None
            yield _Argument(Place(group, key, inside), kept, key in required, fixed)


def _is_ours(group: Group, key: str) -> bool:
    """Tell if the server puts this in itself, or nobody may."""
    if group == "headers":
        return not may_set_header(key, documented=True)
    return key == CONNECTION_KEY


def _body(documented: Mapping[str, Any], encoding: Encoding) -> Iterator[_Argument]:
    fields = list(_named("body", documented))
    if encoding not in _WHOLE:
        yield from map(_as_file, fields) if encoding == "multipart" else fields
        return
    said = fields[0].schema if fields else documented
    note = {"description": said["description"]} if "description" in said else {}
    yield _Argument(Place("body", None), {**_WHOLE[encoding], **note}, required=True)


def _opened(
    action: ActionDetails, groups: Mapping[str, Schema], has: set[Group], *, is_said: bool
) -> Iterator[_Argument]:
    """Yield a whole group as one argument, where its fields are not documented but it may have some.

    `is_said`: the document tells how a body is written. An example speaks for all groups: those that it does not show
    have no fields.
    """
    if not groups and "query" not in has:
        yield _Argument(Place("query", None), {"type": "object", "description": _OPEN["query"]})
    body = groups.get("body", {})
    if "body" not in has and "properties" not in body and _may_have_body(action, groups, is_said=is_said):
        known: Schema = body if body.keys() & {"type", "anyOf"} else {"type": "object", **body}
        is_object = known.get("type") == "object"
        schema = {"description": _OPEN["body"] if is_object else "The request body.", **known}
        needed = strings(as_object(action.io_schema.get("inputSchema")).get("required"))
        yield _Argument(Place("body", None), schema, not is_object and "body" in needed)


def _may_have_body(action: ActionDetails, groups: Mapping[str, Schema], *, is_said: bool) -> bool:
    """Tell if a body whose fields are not documented may have some."""
    method = action.method.upper()
    if method in BODILESS:
        return False
    if action.groups or groups.get("body"):
        return bool(groups.get("body") or as_object(action.groups.get("body")))
    sends = method in _SENDS_A_BODY
    if groups:  # which tell of others, but none of a body
        return sends and is_said
    return sends or is_said or not action.knowledge.strip()


def _with_headers(written: Mapping[str, str], found: Iterable[_Argument]) -> Iterator[_Argument]:
    """Yield the arguments, each header once whatever its letter case, and those that the document has a value for."""
    fixed = {
        name.lower(): _Argument(Place("headers", name), {}, fixed=value)
        for name, value in written.items()
        if may_set_header(name, documented=True) and value.isascii() and value.isprintable()
    }
    taken: set[str] = set()
    for one in found:
        name = str(one.place.key).lower() if one.place.group == "headers" else ""
        if name in fixed and len(one.schema.get("enum", ())) > 1:
            del fixed[name]  # a choice, of which the document shows one
        if name not in taken and name not in fixed:
            yield one
        taken |= {name} if name else set()
    yield from fixed.values()


def _encoding(action: ActionDetails, body: Mapping[str, Any], said: Encoding | None) -> Encoding:
    """Return how the body is written: as the document has `said`, unless its fields say otherwise."""
    if action.method.upper() in BODILESS:
        return "json"
    fields = as_object(body.get("properties")).values()
    if said in _WHOLE and (len(fields) > 1 or body.get("type") == "array"):
        said = None
    return said or ("multipart" if any(_is_binary(schema) for schema in fields) else "json")


# GraphQL


def _operation(action: ActionDetails, groups: Mapping[str, Schema], passages: Sequence[Passage]) -> str:
    """Return the GraphQL document that the action runs, empty if it is none of GraphQL or does not tell."""
    fields = as_object(groups.get("body", {}).get("properties"))
    path = action.path.partition("?")[0].lower()
    is_graphql = "graphql" in path or "gql" in path or "query" in fields or "variables" in groups
    return documents.operation(passages) if is_graphql and action.method.upper() not in BODILESS else ""


def _graphql_body(groups: Mapping[str, Schema]) -> Schema:
    """Return the body's fields; of GraphQL whose document is not told, the document and its variables are two."""
    body = groups.get("body", {})
    if "variables" not in groups or "properties" in body:
        return body
    query = {"type": "string", "description": "The GraphQL document to run."}
    fields = {"query": query, "variables": {"type": "object", **groups["variables"]}}
    return {"type": "object", "properties": fields, "required": ["query"]}


def _variables(groups: Mapping[str, Schema], operation: str) -> Iterator[_Argument]:
    """Yield the operation's variables, of the documents and of its own declarations; those of an input object flat."""
    fields = as_object(groups.get("body", {}).get("properties"))
    declared = _declared(operation)
    known = _input(joined(as_object(fields.get("variables")), groups.get("variables", {})), declared["properties"])
    both = joined(known, declared)
    needed = list(dict.fromkeys([*strings(known.get("required")), *declared["required"]]))
    for one in _named("body", {**both, "required": needed}, ("variables",)):
        if "properties" in one.schema and (one.place.key == "input" or len(both["properties"]) == 1):
            required = strings(one.schema.get("required")) if one.required else []
            yield from _named("body", {**one.schema, "required": required}, ("variables", str(one.place.key)))
        else:
            yield one


def _input(known: Schema, declared: Mapping[str, Any]) -> Schema:
    """Return the variables that are known; where they are not the one declared, they are what is in that."""
    fields = as_object(known.get("properties"))
    if len(declared) == 1 and fields and not fields.keys() & declared.keys():
        return {"type": "object", "properties": dict.fromkeys(declared, known)}
    return known if fields else {}


def _declared(operation: str) -> Schema:
    """Return the variables that a GraphQL document declares, as an object schema."""
    found = {one[1]: one for one in islice(_VARIABLE.finditer(operation), _MAX_VARIABLES)}
    return {
        "type": "object",
        "properties": {name: _graphql_type(one[3], one[2].count("[")) for name, one in found.items()},
        "required": [name for name, one in found.items() if one[4].rstrip().endswith("!") and not one[5]],
    }


def _graphql_type(name: str, depth: int) -> Schema:
    if depth:
        return {"type": "array", "items": _graphql_type(name, min(depth, 3) - 1)}
    kind = "object" if name.endswith(("Input", "Filter")) else _GRAPHQL_TYPES.get(name)
    return {"type": kind} if kind else {}  # an enumeration, or a scalar of the provider's own


# Names


def _names(places: Iterable[Place]) -> list[str]:
    """Return a flat name for each place: its own key, made safe for every client, prefixed by its group on a clash."""
    names: list[str] = []
    taken, counts = set(RESERVED), dict[str, int]()
    for place in places:
        key = place.key or place.group
        plain = _UNSAFE.sub("_", key).strip("_.-") or "value" if _UNSAFE.search(key) else key
        name = plain[:_NAME_CHARS]
        if name in taken:
            name = first = f"{place.group}_{plain}"[: _NAME_CHARS - 5]
            while name in taken:
                counts[first] = counts.get(first, 1) + 1
                name = f"{first}_{counts[first]}"
        taken.add(name)
        names.append(name)
    return names


# In words


def outline(parameters: Parameters, max_chars: int = 1_000) -> str:
    """Return in one line of at most `max_chars` the flat arguments, required ones first and with a star.

    Each has its type where that is not plain text. Where there is no room, what is inside of them goes first, then
    types, and names last.
    """
    required = frozenset(strings(parameters.schema.get("required")))
    properties = as_object(parameters.schema.get("properties"))
    ordered = sorted(properties, key=lambda name: name not in required)
    entries = [_entry(name + "*" * (name in required), as_object(properties[name])) for name in ordered]
    return _fitted(entries, len(required), max_chars) or "no arguments"


def _fitted(entries: list[tuple[str, ...]], required: int, max_chars: int) -> str:
    """Return the entries, as many and each as long as there is room for, and how many are left out."""
    if len(_admitted(entries, max_chars)) == len(entries):
        return _lengthened(entries, max_chars)
    room = max_chars - len(" (10,000 more optional)")
    # A bare name looks like plain text: what has to be given has its type before optional arguments are named.
    typed = [(short, short, whole) for _, short, whole in entries[:required]]
    kept = _admitted([*typed, *entries[required:]], room)
    kept = kept if len(kept) >= required else _admitted(entries, room)
    left = f"{len(entries) - len(kept)} more{' optional' if len(kept) >= required else ''}"
    return text.cap(f"{_lengthened(kept, room)} ({left})".strip(), max_chars)


def _admitted(entries: list[tuple[str, ...]], room: int) -> list[tuple[str, ...]]:
    """Return the first entries, as many as there is room for in their shortest form."""
    ends = accumulate(len(shortest) + 2 for shortest, *_ in entries)
    return entries[: sum(1 for end in ends if end - 2 <= room)]


def _lengthened(entries: list[tuple[str, ...]], room: int) -> str:
    """Return the entries, lengthened while there is room: all have their types before one has what is inside."""
    words = [shortest for shortest, *_ in entries]
    room -= len(", ".join(words))
    for form in (1, 2):
        for index, entry in enumerate(entries):
            added = len(entry[form]) - len(words[index])
            if added <= room:
                words[index], room = entry[form], room - added
    return ", ".join(words)


def _entry(name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the argument in words, shortest first: its name, with its type, and with what is inside."""
    plain = text.line(name, _NAME_CHARS + 1)
    short = _kind({word: value for word, value in schema.items() if word != "enum"}, depth=1)
    return plain, *(f"{plain}: {kind}" if kind else plain for kind in (short, _kind(schema)))


def _kind(schema: Mapping[str, Any], depth: int = 0) -> str:
    """Return the type in a word, empty for plain text."""
    kind, values = schema.get("type"), strings(schema.get("enum"))
    choice = "|".join(text.line(value, _VALUES_CHARS) for value in values)
    if values and len(values) <= _FEW_VALUES and len(choice) <= _VALUES_CHARS:
        return choice
    if kind == "string":
        return "file" if _is_binary(schema) else ""
    if kind == "array":
        items = as_object(schema.get("items"))
        inner = _kind(items, depth) or ("string" if items else "any")
        is_one = "|" not in inner or inner.startswith("{") or (inner[0], inner[-1]) == ("(", "]")
        return f"{inner}[]" if is_one else f"({inner})[]"
    if kind == "object" and depth == 0 and (keys := as_object(schema.get("properties"))):
        return f"{{{_keys(keys, strings(schema.get('required')))}}}"
    meant = [as_object(one) for one in as_list(schema.get("anyOf"))]
    return str(kind or "|".join(_kind(one, depth) or "string" for one in meant) or "any")


def _keys(properties: Mapping[str, Any], required: list[str]) -> str:
    ordered = sorted(properties, key=lambda key: key not in required)
    shown = [text.line(key, _NAME_CHARS) + ("*" if key in required else "") for key in ordered[:_FEW_KEYS]]
    return ", ".join([*shown, *(["…"] if len(ordered) > _FEW_KEYS else [])])
