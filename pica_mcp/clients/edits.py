"""The room of what every edit of a client's file has in common: how it is checked, and how it is refused.

An edit is trusted for what its result reads as, never for how it was made: the same document with one value changed,
or it is refused and the file stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any, cast

from pica_mcp.errors import OperatorError

MAX_DEPTH = 100
"""How deep a file may be nested; what people write stays below twenty."""

MISSING = object()

_LINE_END = re.compile(r"\r?\n")


class Item(str):
    """The last key of a path that means, in a list of objects, the one whose `id` it is."""

    __slots__ = ()


class Unparsable(OperatorError):
    """The text is not what its format allows; `line` and `column` (both from 1) are where that shows."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"Line {line}, column {column}: {problem}", "Put it right in an editor, then try again.")
        self.problem, self.line, self.column = problem, line, column


class Uneditable(OperatorError):
    """The text can be read, but nobody could say for sure that editing it does no harm."""


def place(text: str, position: int) -> tuple[int, int]:
    """Return line and column of the position, both from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def line_end(text: str) -> str:
    r"""Return how the text's lines end; `\n` if it has but one."""
    found = _LINE_END.search(text)
    return found[0] if found else "\n"


def at(document: Any, path: Sequence[str]) -> Any:
    """Return the value at the path, or `MISSING`. Of several items with one `id` it is the last."""
    for key in path:
        document = _members(document, key).get(key, MISSING)
    return document


def identity(item: Any) -> str | None:
    """Return the `id` of an item of a list, if it has one."""
    found = cast(dict[str, Any], item).get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None


def _members(document: Any, key: str) -> Mapping[str, Any]:
    """Return by their keys what is in the document, if it is of the kind that such a key is for."""
    if isinstance(document, list) and isinstance(key, Item):
        return {name: item for item in cast(list[Any], document) if (name := identity(item)) is not None}
    return cast(dict[str, Any], document) if isinstance(document, dict) and not isinstance(key, Item) else {}


def same(one: Any, other: Any) -> bool:
    """Tell if both are the same document: `1`, `1.0` and `true` are three, and NaN is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        ours, theirs = cast(dict[str, Any], one), cast(dict[str, Any], other)
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(one, list):
        items, others = cast(list[Any], one), cast(list[Any], other)
        return len(items) == len(others) and all(map(same, items, others))
    return one == other or (isinstance(one, float) and isnan(one) and isnan(other))


def checked(
    text: str,
    read: Callable[[str], dict[str, Any]],
    before: Mapping[str, Any],
    path: Sequence[str],
    value: Any = MISSING,
) -> str:
    """Return the edited text, or raise `Uneditable` unless it reads as `before` with just this value at the path.

    No value is one that was removed. Parents of it that hold nothing else do not count: not every format has those.
    """
    try:
        after = read(text)
        is_right = same(at(after, path), value) and same(_without(after, path), _without(before, path))
    except (Unparsable, RecursionError):  # a dotted key in an inline table of TOML nests without bounds
        is_right = False
    if not is_right:
        raise Uneditable(
            f"Nobody can put {'.'.join(path)} in or out without harm to the rest of the file; nothing was changed.",
            "Edit the file by hand.",
        )
    return text


def _without(document: Any, path: Sequence[str]) -> Any:
    """Return the document without the value at the path and without parents that are empty then."""
    key, *rest = path
    members = _members(document, key)
    if key not in members:
        return document
    kept = _without(members[key], rest) if rest else None
    if isinstance(document, list):
        return [item for item in cast(list[Any], document) if identity(item) != key]
    others = {name: value for name, value in members.items() if name != key}
    return others if kept in ({}, [], None) else {**others, key: kept}
