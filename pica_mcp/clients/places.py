"""The room of where everything stands in JSON with comments and trailing commas: read once, from beginning to end."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from pica_mcp.clients.edits import MAX_DEPTH, Unparsable, identity, place

_SPACE = re.compile(r"[ \t\r\n]*")
COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?![\w.+-])", re.ASCII)
_WORD = re.compile(r"(true|false|null)(?!\w)")
_WORDS = {"true": True, "false": False, "null": None}
_MAX_DIGITS = 4000
"""Of an integer: Python does not read longer ones, and no client reads them exactly."""


class Value(NamedTuple):
    """A value, and from where to where it stands."""

    start: int
    end: int
    data: Any
    members: Sequence[Member] = ()
    """Those of an object or a list in their order, if it is on the path; of others there may be millions."""
    rest: int = 0
    """Where the space before the closing bracket begins."""


class Member(NamedTuple):
    """A value of an object or a list, and what belongs to it there."""

    key: str | None
    """In a list, the `id` of the item, if it has one."""
    gap: int
    """Where the space before it begins."""
    start: int
    value: Value
    comma: int | None
    """Where the comma after it stands."""

    @property
    def end(self) -> int:
        """Where it ends, its comma included."""
        return self.value.end if self.comma is None else self.comma + 1


def scan(text: str, path: Sequence[str]) -> Value | None:
    """Return the object that the text holds, or nothing if it has but space and comments. Raises `Unparsable`.

    Where members stand is told on the path only.
    """
    return _Scanner(text).document(path)


def kind_of(data: Any) -> str:
    """Return what to call a value of this kind."""
    kinds = ((type(None), "null"), (bool, "true or false"), (str, "a string"), (list, "a list"), (dict, "an object"))
    return next((name for kind, name in kinds if isinstance(data, kind)), "a number")


class _Scanner:
    """One text, read from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0
        self._gap = 0
        """Where the space before the position begins: after the last comment, or the last token."""

    def document(self, path: Sequence[str]) -> Value | None:
        self._skip()
        if self._at == len(self._text):
            return None
        start = self._at
        root = self._value(path, 0)
        if not isinstance(root.data, dict):
            self._fail(f"the file holds {kind_of(root.data)}, where an object is needed.", start)
        self._skip()
        if self._at < len(self._text):
            self._fail("something follows after the end of the object.")
        return root

    def _value(self, path: Sequence[str], depth: int) -> Value:
        if depth > MAX_DEPTH:
            self._fail("this is nested too deeply.")
        start = self._at
        char = self._text[start : start + 1]
        if char == "{":
            return self._object(path, depth)
        if char == "[":
            return self._list(path, depth)
        data = self._string() if char == '"' else self._plain()
        return Value(start, self._at, data)

    def _object(self, path: Sequence[str], depth: int) -> Value:
        start, data = self._at, dict[str, Any]()
        members: list[Member] = []
        self._at += 1
        comma: int | None = start  # none is missing before the first
        while not self._ends("}", comma):
            gap, begin = self._gap, self._at
            key = self._key()
            value = self._value(path[1:] if path and key == path[0] else (), depth + 1)
            data[key], comma = value.data, self._comma()
            if path:
                members.append(Member(key, gap, begin, value, comma))
        return self._closed(start, data, members)

    def _list(self, path: Sequence[str], depth: int) -> Value:
        start, data = self._at, list[Any]()
        members: list[Member] = []
        self._at += 1
        comma: int | None = start
        while not self._ends("]", comma):
            gap = self._gap
            value = self._value((), depth + 1)
            data.append(value.data)
            comma = self._comma()
            if path:
                members.append(Member(identity(value.data), gap, value.start, value, comma))
        return self._closed(start, data, members)

    def _ends(self, bracket: str, comma: int | None) -> bool:
        """Tell if the bracket is next, after space and comments."""
        self._skip()
        if self._at == len(self._text):
            self._fail(f"the text ends where a {bracket} is missing.")
        if self._text[self._at] == bracket:
            return True
        if comma is None:
            self._fail("a comma is missing before this.")
        return False

    def _closed(self, start: int, data: Any, members: Sequence[Member]) -> Value:
        rest = self._gap
        self._at += 1
        return Value(start, self._at, data, members, rest)

    def _key(self) -> str:
        """Return the key, and go behind the colon."""
        if self._text[self._at] != '"':
            self._fail("a key in double quotes is missing here.")
        key = self._string()
        self._skip()
        if self._text[self._at : self._at + 1] != ":":
            self._fail("a colon is missing after the key.")
        self._at += 1
        self._skip()
        return key

    def _comma(self) -> int | None:
        """Return where the comma after a value stands, and go behind it; else stay right after the value."""
        end = self._at
        self._skip()
        if self._text[self._at : self._at + 1] == ",":
            self._at += 1
            return self._at - 1
        self._at = end
        return None

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if not found:
            self._fail("this string has no end, or holds what a string cannot.")
        self._at = found.end()
        return json.loads(found[0])

    def _plain(self) -> Any:
        if word := _WORD.match(self._text, self._at):
            self._at = word.end()
            return _WORDS[word[0]]
        number = _NUMBER.match(self._text, self._at)
        if not number:
            self._fail("a value is missing here.")
        self._at = number.end()
        is_whole = number[1] is None and number[2] is None and len(number[0]) <= _MAX_DIGITS
        return int(number[0]) if is_whole else float(number[0])

    def _skip(self) -> None:
        """Go behind space and comments."""
        self._gap = self._at
        while True:
            self._at = _space_end(self._text, self._at)
            if self._text[self._at : self._at + 1] != "/":
                return
            comment = COMMENT.match(self._text, self._at)
            if not comment:
                self._fail("this comment has no end.")
            self._at = self._gap = comment.end()

    def _fail(self, problem: str, position: int | None = None) -> NoReturn:
        raise Unparsable(problem, *place(self._text, self._at if position is None else position))


def _space_end(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
