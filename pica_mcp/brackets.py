"""The room of names with brackets: which parameter or field a provider takes `mail[trashed]` or ` _method` for. Pure.

Rack drops brackets before a name, PHP blanks, and to PHP dots are underscores; an index or `[]` only makes a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pica_mcp.models import as_list, as_object

_BRACKETS = re.compile(r"[\[\]]")
_BETWEEN_PIECES = re.compile(r"[\[\].\s]+")


def first(name: str) -> str:
    """Return the parameter that a name is a part of, in lower case; empty if of none."""
    return next(filter(None, (_plain(piece) for piece in _BRACKETS.split(name))), "")


def _plain(piece: str) -> str:
    return re.sub(r"[. ]", "_", piece.strip()).lower()


def pieces(name: str) -> list[str]:
    """Return what a name consists of, dots between as well, in lower case and without indices."""
    if name.isidentifier():
        return [name.lower()]
    return [piece for piece in _BETWEEN_PIECES.split(name.lower()) if piece and not piece.isdecimal()]


def last(name: str) -> str:
    """Return the field that a name ends at, in lower case; empty if it names nothing itself."""
    return (pieces(name) or [""])[-1]


def alike(one: str, other: str) -> bool:
    """Tell if a provider may take one name for the other."""
    return one == other or _read(one) == _read(other) != []


def _read(name: str) -> list[str]:
    plain = (_plain(piece) for piece in _BRACKETS.split(name))
    return [piece for piece in plain if piece and not piece.isdecimal()]


def leaves(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield every scalar of a group whose objects are written in brackets, with the field that its name ends at."""
    left = [("", group)]
    while left:
        around, one = left.pop()
        left += [(around, item) for item in as_list(one)]
        left += [(last(key) or around, value) for key, value in as_object(one).items()]
        if isinstance(one, str | int | float):
            yield around, one
