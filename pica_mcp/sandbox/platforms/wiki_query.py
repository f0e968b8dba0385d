"""Notion's queries in the sandbox: filters that nest, and sorts, over the pages of one database."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.platforms.wiki_objects import content, fault, rows
from pica_mcp.sandbox.upstream import Json

_DEPTH = 2
TIMES = ("created_time", "last_edited_time")


def select(pages: list[Json], columns: Json, body: Json) -> list[Json]:
    """The pages that the body of a query asks for, in its order; `columns` are the database's properties."""
    wanted: Any = body.get("filter")
    found = [page for page in pages if wanted is None or _holds(page, columns, wanted, 0)]
    for sort in reversed(rows(body.get("sorts"), "sorts")):
        found = sorted(found, key=_by(columns, sort), reverse=sort.get("direction") == "descending")
    return found


def _holds(page: Json, columns: Json, wanted: Any, depth: int) -> bool:
    if not isinstance(wanted, dict):
        raise fault("body failed validation: body.filter should be an object.")
    sent = cast("Json", wanted)
    for word, together in (("and", all), ("or", any)):
        if word in sent:
            if depth >= _DEPTH:
                raise fault("body failed validation: body.filter nests deeper than two levels.")
            # All of them are looked at, so that a wrong one is refused whatever stands before it.
            return together([_holds(page, columns, one, depth + 1) for one in rows(sent[word], f"filter.{word}")])
    return _one_holds(page, columns, sent)


def _one_holds(page: Json, columns: Json, sent: Json) -> bool:
    if "timestamp" in sent:
        name = _moment(sent["timestamp"])
        return _test("date", page[name], sent.get(name))
    column = _column(columns, sent.get("property"))
    kind = next((one for one in OPERATORS if one in sent), "")
    if column["type"] != kind:
        raise fault(f"database property {column['name']} is a {column['type']}: filter it by that kind.")
    return _test(kind, content(page["properties"].get(column["name"])), sent[kind])


def _test(kind: str, have: Any, condition: Any) -> bool:
    if not isinstance(condition, dict) or len(cast("Json", condition)) != 1:
        raise fault(f"body failed validation: a {kind} filter takes exactly one condition.")
    ((word, want),) = cast("Json", condition).items()
    if word not in OPERATORS[kind]:
        raise fault(f"body failed validation: {kind} has no condition {word}; try {', '.join(OPERATORS[kind])}.")
    if not word.startswith("is_") and not isinstance(want, _wanted(kind)):
        raise fault(f"body failed validation: filter.{kind}.{word} has the wrong type.")
    return _CONDITIONS[word](have, want)


def _wanted(kind: str) -> Any:
    return {"number": int | float, "checkbox": bool}.get(kind, str)


def _by(columns: Json, sort: Json) -> Callable[[Json], tuple[bool, Any]]:
    if "timestamp" in sort:
        moment = _moment(sort["timestamp"])
        return lambda page: (True, page[moment])
    name = _column(columns, sort.get("property"))["name"]

    def rank(page: Json) -> tuple[bool, Any]:
        held = content(page["properties"].get(name))
        return held is not None, "" if held is None else held

    return rank


def _column(columns: Json, wanted: Any) -> Json:
    for column in columns.values():
        if wanted in (column["name"], column["id"]):
            return column
    raise fault(f"Could not find property with name or id: {wanted}")


def _moment(name: Any) -> str:
    if name not in TIMES:
        raise fault(f"body failed validation: timestamp should be one of {', '.join(TIMES)}.")
    return str(name)


# --- conditions -----------------------------------------------------------------------------------------------------

_TEXT = ("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with")
_EMPTY = ("is_empty", "is_not_empty")
_ORDER = ("greater_than", "less_than", "greater_than_or_equal_to", "less_than_or_equal_to")
_CHOICE = ("equals", "does_not_equal", *_EMPTY)

OPERATORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "title": (*_TEXT, *_EMPTY),
        "rich_text": (*_TEXT, *_EMPTY),
        "url": (*_TEXT, *_EMPTY),
        "email": (*_TEXT, *_EMPTY),
        "number": (*_CHOICE, *_ORDER),
        "checkbox": ("equals", "does_not_equal"),
        "select": _CHOICE,
        "status": _CHOICE,
        "multi_select": ("contains", "does_not_contain", *_EMPTY),
        "date": ("equals", "before", "after", "on_or_before", "on_or_after", *_EMPTY),
    }
)


def _low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _contains(have: Any, want: Any) -> bool:
    names = cast("list[Any]", have) if isinstance(have, list) else _low(have)
    return have is not None and (want if isinstance(have, list) else _low(want)) in names


def _when(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda have, want: have is not None and test(have, want)


_CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "equals": lambda have, want: _low(have) == _low(want),
        "does_not_equal": lambda have, want: _low(have) != _low(want),
        "contains": _contains,
        "does_not_contain": lambda have, want: not _contains(have, want),
        "starts_with": _when(lambda have, want: have.lower().startswith(want.lower())),
        "ends_with": _when(lambda have, want: have.lower().endswith(want.lower())),
        "greater_than": _when(lambda have, want: have > want),
        "less_than": _when(lambda have, want: have < want),
        "greater_than_or_equal_to": _when(lambda have, want: have >= want),
        "less_than_or_equal_to": _when(lambda have, want: have <= want),
        "before": _when(lambda have, want: have < want),
        "after": _when(lambda have, want: have > want),
        "on_or_before": _when(lambda have, want: have <= want),
        "on_or_after": _when(lambda have, want: have >= want),
        "is_empty": lambda have, want: (have is None) is (want is True),
        "is_not_empty": lambda have, want: (have is not None) is (want is True),
    }
)
