"""Attio's queries in the sandbox: filters in operators with dollars, and sorts, over the records of one object."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.platforms.rolodex_values import contents, fault, rows
from pica_mcp.sandbox.upstream import Json

_DEPTH = 5


def select(records: list[Json], attributes: Mapping[str, Json], wanted: Any, sorts: Any) -> list[Json]:
    """The records that pass the filter, in the order of the sorts."""
    found = [one for one in records if wanted is None or _holds(one, attributes, wanted, 0)]
    for sort in reversed(rows(sorts, "sorts")):
        by = _by(_slug(attributes, sort.get("attribute")))
        found = sorted(found, key=by, reverse=sort.get("direction") == "desc")
    return found


def _holds(record: Json, attributes: Mapping[str, Json], wanted: Any, depth: int) -> bool:
    if not isinstance(wanted, dict) or depth > _DEPTH:
        raise fault("filter: expected objects, nested at most five levels.", "filter_error")
    # All of them are looked at, so that a wrong one is refused whatever stands before it.
    held = [_one(record, attributes, name, sent, depth) for name, sent in cast("Json", wanted).items()]
    return all(held)


def _one(record: Json, attributes: Mapping[str, Json], name: str, sent: Any, depth: int) -> bool:
    if name in {"$and", "$or"}:
        held = [_holds(record, attributes, inner, depth + 1) for inner in rows(sent, name)]
        return all(held) if name == "$and" else any(held)
    if name == "$not":
        return not _holds(record, attributes, sent, depth + 1)
    have = contents(record["values"].get(_slug(attributes, name), []))
    # Without an operator, a bare value means equality.
    conditions = cast("Json", sent) if isinstance(sent, dict) else {"$eq": sent}
    held = [_test(have, word, want) for word, want in conditions.items()]
    return all(held)


def _test(have: list[Any], word: str, want: Any) -> bool:
    if word == "$not_empty":
        return bool(have) is (want is True)
    if word == "$in":
        return any(_compare("$eq", value, one) for value in have for one in cast("list[Any]", _list(want)))
    if word not in OPERATORS:
        raise fault(f"filter: no operator {word}; try {', '.join(OPERATORS)}.", "filter_error")
    return any(_compare(word, value, want) for value in have)


def _list(want: Any) -> Any:
    if not isinstance(want, list):
        raise fault("filter: $in takes a list.", "filter_error")
    return cast("Any", want)


def _compare(word: str, have: Any, want: Any) -> bool:
    have, want = _low(have), _low(want)
    text = word in {"$contains", "$starts_with", "$ends_with"}
    if isinstance(have, str) is not isinstance(want, str) or not isinstance(want, str if text else str | int | float):
        raise fault(f"filter: {want!r} is of the wrong type for {word}.", "filter_error")
    return OPERATORS[word](have, want)


def _low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _slug(attributes: Mapping[str, Json], name: Any) -> str:
    if not isinstance(name, str) or name not in attributes:
        raise fault(f"Cannot find attribute with slug {name!r}.", "unknown_filter_attribute_slug")
    return name


def _by(slug: str) -> Callable[[Json], tuple[bool, Any]]:
    def rank(record: Json) -> tuple[bool, Any]:
        held = contents(record["values"].get(slug, []))
        return bool(held), held[0] if held else ""

    return rank


OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "$eq": lambda have, want: have == want,
        "$contains": lambda have, want: want in have,
        "$starts_with": lambda have, want: have.startswith(want),
        "$ends_with": lambda have, want: have.endswith(want),
        "$lt": lambda have, want: have < want,
        "$lte": lambda have, want: have <= want,
        "$gt": lambda have, want: have > want,
        "$gte": lambda have, want: have >= want,
    }
)
