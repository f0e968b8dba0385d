"""The sandbox's ioSchema: an action's inputs as the JSON Schema that Pica publishes beside its Markdown."""

from collections.abc import Iterable
from typing import Any, cast

from pica_mcp.sandbox.catalog import Action, Field, Place
from pica_mcp.sandbox.documents import examples
from pica_mcp.sandbox.upstream import Json

_PLACES: tuple[Place, ...] = ("path", "query", "headers", "body")
_TYPES = ("string", "integer", "number", "boolean", "object")


def io_schema(action: Action) -> Json | None:
    """The action's ioSchema; None where only Markdown describes it, or nothing does."""
    if action.shape not in {"both", "schema"}:
        return None
    return {
        "inputSchema": {
            "description": action.about,
            "required": [place for place in _PLACES if _is_required(action, place)],
            "properties": {place: group for place in _PLACES if (group := _described(action, place))},
        },
        "outputSchema": {"description": f"What {action.title} answers."},
        "ioExample": {"input": _example(action), "output": action.output},
    }


def _is_required(action: Action, place: Place) -> bool:
    own = action.schemas.get(place)
    if own is not None:
        return bool(own.get("required")) or own.get("type") == "array"
    return any(field.required and not field.option for field in action.of(place))


def _described(action: Action, place: Place) -> Json | None:
    if place in action.schemas:
        return action.schemas[place]
    fields = action.of(place)
    return _group(fields) if fields else None


def _group(fields: Iterable[Field]) -> Json:
    group = _object()
    for field in fields:
        _graft(group, field)
    return group


def _object() -> Json:
    return {"type": "object", "required": [], "properties": {}}


def _graft(group: Json, field: Field) -> None:
    # Only in a body do dots and brackets open something; a query's belong to the name.
    *parents, last = field.name.split(".") if field.place == "body" else [field.name]
    node = group
    for parent in parents:
        node = _inside(node, parent)
    name = last.removesuffix("[]") if field.place == "body" else last
    node["properties"][name] = _leaf(field)
    if field.required and not field.option:
        node["required"].append(name)


def _inside(node: Json, parent: str) -> Json:
    name = parent.removesuffix("[]")
    inner: Json = node["properties"].setdefault(name, {"type": "object" if name == parent else "array"})
    if name != parent:
        inner = inner.setdefault("items", {"type": "object"})
    inner.setdefault("required", [])
    inner.setdefault("properties", {})
    return inner


def _leaf(field: Field) -> Json:
    leaf: Json = {**_schema(field.kind), "description": field.about}
    return {**leaf, "enum": list(field.values)} if field.values else leaf


def _schema(kind: str) -> Json:
    if kind.endswith("[]"):
        return {"type": "array", "items": _schema(kind.removesuffix("[]"))}
    kinds = [one.strip() for one in kind.split("|")]
    if not all(one in _TYPES for one in kinds):
        return {}  # Markdown has kinds in prose that a schema has no word for
    return {"type": kinds[0] if len(kinds) == 1 else kinds}


def _example(action: Action) -> Json:
    # Pica's examples carry its own headers and a placeholder key; a client has to take both out.
    headers = {
        "Authorization": "Bearer YOUR_TOKEN",
        "x-pica-secret": "YOUR_PICA_SECRET",
        "x-pica-connection-key": f"live::{action.platform}::default::your-connection-key",
        "x-pica-action-id": action.id,
    }
    groups: Json = {place: _samples(action, place) for place in _PLACES if action.of(place) or place in action.schemas}
    own: Json = groups.pop("headers", {})
    if isinstance(groups.get("query"), dict):
        groups["query"] = {name: _text(value) for name, value in groups["query"].items()}
    return {"headers": {**headers, **own}, **groups}


def _samples(action: Action, place: Place) -> Any:
    fields = action.of(place)
    if not fields:
        given = cast("list[Any]", action.schemas[place].get("examples", []))
        return given[0] if given else {}
    if place == "body":
        return examples(fields)
    return {field.name: field.sample for field in fields if field.sample is not None}


def _text(value: Any) -> Any:
    # Examples write every query value as text, and a repeated key as an array.
    return cast("Any", value) if isinstance(value, list) else str(value)
