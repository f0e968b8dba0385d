"""HubSpot's search in the sandbox: filter groups, free text and sorts over the records of one kind."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.platforms.portal_records import Kind, fault, rows
from pica_mcp.sandbox.upstream import Json, strings

Rank = tuple[int, float, str]


def select(kind: Kind, records: list[Json], body: Json) -> list[Json]:
    """The records that the body of a search asks for, in its order.

    A record passes if one group holds, a group if all of its filters hold; no group at all passes everything.
    """
    groups = [_filters(kind, group) for group in rows(body.get("filterGroups"), "filterGroups")]
    if len(groups) > 5:
        raise fault("The maximum number of filterGroups is 5.")
    found = [one for one in records if not groups or any(_all_hold(one, group) for group in groups)]
    text = str(body.get("query") or "").lower()
    found = [one for one in found if text in _words(kind, one)]
    return _arranged(kind, found, body)


def _filters(kind: Kind, group: Json) -> list[Json]:
    filters = rows(group.get("filters"), "filters")
    if not 1 <= len(filters) <= 6:
        raise fault("A filterGroup takes 1 to 6 filters.")
    for one in filters:
        _check(kind, one)
    return filters


def _check(kind: Kind, sent: Json) -> None:
    name, operator = sent.get("propertyName"), sent.get("operator")
    _known(kind, name)
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise fault(f"Invalid operator {operator!r}; must be one of {sorted(OPERATORS)}.")
    if operator in {"IN", "NOT_IN"}:
        if not strings(sent.get("values")):
            raise fault(f"The operator {operator} needs `values`.")
    elif not operator.endswith("HAS_PROPERTY") and sent.get("value") is None:
        raise fault(f"The operator {operator} needs a `value`.")
    if operator == "BETWEEN" and sent.get("highValue") is None:
        raise fault("The operator BETWEEN needs a `highValue`.")


def _known(kind: Kind, name: Any) -> str:
    if name in (*kind.properties, "hs_object_id", "createdate", kind.modified):
        return name
    raise fault(f"There was a problem with the request: property {name!r} does not exist.")


def _all_hold(record: Json, filters: list[Json]) -> bool:
    return all(OPERATORS[one["operator"]](record["properties"].get(one["propertyName"]) or "", one) for one in filters)


def _words(kind: Kind, record: Json) -> str:
    return " ".join(record["properties"].get(name) or "" for name in kind.properties).lower()


def _arranged(kind: Kind, found: list[Json], body: Json) -> list[Json]:
    for sort in reversed(rows(body.get("sorts"), "sorts")):
        backwards = sort.get("direction", "ASCENDING") == "DESCENDING"
        found = sorted(found, key=_by(_known(kind, sort.get("propertyName"))), reverse=backwards)
    return found


def _by(name: str) -> Callable[[Json], Rank]:
    return lambda record: _rank(record["properties"].get(name) or "")


# --- operators ------------------------------------------------------------------------------------------------------


def _rank(value: Any) -> Rank:
    # HubSpot keeps strings; those that are numbers are compared as numbers.
    text = str(value)
    return (0, float(text), "") if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text) else (1, 0.0, text.lower())


def _compare(test: Callable[[Rank, Rank], bool]) -> Callable[[str, Json], bool]:
    return lambda have, sent: bool(have) and test(_rank(have), _rank(sent["value"]))


def _token(have: str, sent: Json) -> bool:
    wanted = str(sent["value"]).lower().split("*")
    return any(_like(token, wanted) for token in (have.lower(), *re.split(r"[^\w]+", have.lower())) if token)


def _like(token: str, pieces: list[str]) -> bool:
    """Whether the token is made of these pieces in their order, with anything between them."""
    # Searched piece by piece: as a regular expression, a value of many stars would take for ever.
    first, *rest = pieces
    if not rest:
        return token == first
    *inner, last = rest
    place, end = len(first), len(token) - len(last)
    if place > end or not token.startswith(first) or not token.endswith(last):
        return False
    for piece in inner:
        found = token.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _within(have: str, sent: Json) -> bool:
    return have.lower() in {value.lower() for value in strings(sent["values"])}


OPERATORS: Mapping[str, Callable[[str, Json], bool]] = MappingProxyType(
    {
        "EQ": _compare(lambda have, want: have == want),
        "NEQ": lambda have, sent: _rank(have) != _rank(sent["value"]),
        "LT": _compare(lambda have, want: have < want),
        "LTE": _compare(lambda have, want: have <= want),
        "GT": _compare(lambda have, want: have > want),
        "GTE": _compare(lambda have, want: have >= want),
        "BETWEEN": lambda have, sent: bool(have) and _rank(sent["value"]) <= _rank(have) <= _rank(sent["highValue"]),
        "IN": _within,
        "NOT_IN": lambda have, sent: not _within(have, sent),
        "HAS_PROPERTY": lambda have, _: bool(have),
        "NOT_HAS_PROPERTY": lambda have, _: not have,
        "CONTAINS_TOKEN": _token,
        "NOT_CONTAINS_TOKEN": lambda have, sent: not _token(have, sent),
    }
)
