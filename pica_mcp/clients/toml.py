"""The room of TOML as Codex keeps it: read by the standard library, and edited without touching the rest.

A table can be spread over a text: sections, dotted keys, several lines. Each statement is found with its whole key;
those of an entry are taken out, and a new entry is written as sections. Within inline tables nothing is edited.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from pica_mcp.clients.edits import MAX_DEPTH, MISSING, Uneditable, Unparsable, at, checked, line_end, place, same
from pica_mcp.text import line

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*+")
_REST = re.compile(r"[ \t]*+(?:#[^\n]*)?+(?:\n|\Z)|[ \t]*\r\n")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*'""")
_TOKEN = re.compile(
    r'''"{3}(?:[^"\\]++|\\.|"(?!""))*+"{3,5}|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"'''
    r"""|'{3}(?:[^']++|'(?!''))*+'{3,5}|'(?!'')[^'\n]*+'|\#[^\n]*+|[\[\]{}\n]|[^\[\]{}\n"'\#]++|.""",
    re.DOTALL,
)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAX_BITS = 64
"""Of a number; Python reads longer ones, and refuses to write out those of thousands of digits."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A header or a key with its value, with all its lines and the comment on the last of them."""

    start: int
    end: int
    key: tuple[str, ...]
    """Its whole key, the header's included."""
    is_header: bool
    section: int
    """Which section it belongs to, counted from 0; those before the first header to none, which is -1."""


def read(text: str) -> dict[str, Any]:
    """Return what the text says. Raises `Unparsable`."""
    body = text.removeprefix("\ufeff")
    list(_Scanner(text).statements())  # its limits come first: the standard library has none
    try:
        document = tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
        found = _PLACE.search(problem)
        where = (int(found[1]), int(found[2])) if found and found[1] else place(text, len(text))
        raise Unparsable(f"{line(_PLACE.sub('', problem))}.", *where) from None
    except ValueError:  # and nothing about where
        raise Unparsable("a number or a date in it is out of bounds.", 1, 1) from None
    _refuse_depth(document)
    return document


def _refuse_depth(document: dict[str, Any]) -> None:
    """Raise if it is nested too deeply: a dotted key in an inline table can do that without a bracket."""
    level: list[object] = [document]
    for _ in range(2 * MAX_DEPTH + 1):  # what brackets and dotted keys may each
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise Unparsable("a key in it has too many parts.", 1, 1)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast(dict[str, object], value).values()
    return cast(list[object], value) if isinstance(value, list) else ()


def put(text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return the text with the table at the path, made or replaced, written as sections of its own.

    All else stays byte for byte; so does the whole text if the table is there already. Raises `Unparsable`, and
    `Uneditable` where it stands in an inline table, a parent is no table, or the value cannot be written.
    """
    before = read(text)
    if same(at(before, path), value):
        return text
    whole, ending = _whole(text), line_end(text)
    ours = _ours(whole, before, path)
    section = next((span for span in ours if span.is_header), None)
    written = "".join(f"{line}{ending}" for line in _sections(path, value))
    after = _cut(whole, ours, section, written)
    if section is None:
        after += (ending if after.removeprefix("\ufeff") else "") + written
    return checked(_as_ended(after, text), read, before, path, value)


def remove(text: str, path: Sequence[str]) -> str:
    """Return the text without the table at the path; unchanged if there is none.

    Comments stay, but for those between its lines. Raises `Unparsable`, and `Uneditable` where it stands in an
    inline table.
    """
    before = read(text)
    if at(before, path) is MISSING:
        return text
    whole = _whole(text)
    return checked(_as_ended(_cut(whole, _ours(whole, before, path)), text), read, before, path)


def _whole(text: str) -> str:
    """Return the text with an end to its last line, so that all lines are alike; `_as_ended` takes it away again."""
    return text if text.endswith("\n") or not text.removeprefix("\ufeff") else text + line_end(text)


def _as_ended(after: str, text: str) -> str:
    return after if _whole(text) == text else after.removesuffix(line_end(text))


# Taking out and putting in


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    is_header: bool


def _ours(text: str, document: Mapping[str, Any], path: Sequence[str]) -> list[_Span]:
    """Return what belongs to the path: its sections from header to last value, and single statements elsewhere."""
    statements = list(_Scanner(text).statements())
    _check_parents(text, document, statements, path)
    spans: dict[int, _Span] = {}
    for number, statement in enumerate(statements):
        if statement.key[: len(path)] == tuple(path):
            its = statement.section if statement.section in spans or statement.is_header else -2 - number
            start = spans[its].start if its in spans else statement.start
            spans[its] = _Span(start, statement.end, its >= 0)
    return list(spans.values())


def _check_parents(
    text: str, document: Mapping[str, Any], statements: Sequence[_Statement], path: Sequence[str]
) -> None:
    for depth in range(1, len(path)):
        name, value = ".".join(path[:depth]), at(document, path[:depth])
        if value is not MISSING and not isinstance(value, dict):
            raise Uneditable(f"{name} is no table.", "Put that right in an editor, then try again.")
        found = next((s for s in statements if s.key == tuple(path[:depth]) and not s.is_header), None)
        if found:
            raise Uneditable(
                f"{name} is an inline table, in line {place(text, found.start)[0]}.",
                f"Write it as sections, such as [{'.'.join(path)}], then try again.",
            )


def _cut(text: str, spans: Sequence[_Span], instead_of: _Span | None = None, written: str = "") -> str:
    """Return the text without the spans, and with something else instead of one of them.

    With a section goes one blank line before it.
    """
    for span in reversed(spans):
        if span is instead_of:
            text = text[: span.start] + written + text[span.end :]
        else:
            start = _blank_line_before(text, span.start) if span.is_header else span.start
            text = text[:start] + text[span.end :]
    return text


def _blank_line_before(text: str, start: int) -> int:
    found = next((ending for ending in ("\r\n", "\n") if text.endswith(f"\n{ending}", 0, start)), "")
    return start - len(found)


# Writing


def _sections(path: Sequence[str], value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table and of those in it."""
    tables = {key: cast(Mapping[str, Any], inner) for key, inner in value.items() if isinstance(inner, Mapping)}
    is_shown = len(tables) < len(value) or not tables
    if is_shown:
        yield f"[{'.'.join(map(_key, path))}]"
    yield from (f"{_key(key)} = {_written(inner)}" for key, inner in value.items() if key not in tables)
    for number, (key, inner) in enumerate(tables.items()):
        if number or is_shown:
            yield ""
        yield from _sections([*path, key], inner)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise Uneditable("TOML has no number as large as one in the entry.", "Leave it out.")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        members = [f"{_key(key)} = {_written(inner)}" for key, inner in cast(Mapping[str, Any], value).items()]
        return f"{{ {', '.join(members)} }}" if members else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_written, cast(Sequence[Any], value)))}]"
    raise Uneditable(f"TOML has no value for {type(value).__name__}.", "Leave it out.")


def _string(value: str) -> str:
    """Return the string as TOML: literal where it holds a backslash, so that paths of Windows can be read."""
    if _SURROGATE.search(value):
        raise Uneditable("TOML has no string with half of a character in it.", "Leave it out.")
    if "\\" in value and _LITERAL.fullmatch(value):
        return f"'{value}'"
    # JSON's escapes are TOML's too, but that DEL must be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# Where things stand


class _Scanner:
    """One text, read statement by statement. What it lets pass, the standard library judges."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0

    def statements(self) -> Iterator[_Statement]:
        """Yield them in order."""
        section, header = -1, ()
        while not self._is_end():
            start = self._line_start()
            is_header = self._text[self._at] == "["
            if is_header:
                section, header = section + 1, self._header()
                key = header
            else:
                key = (*header, *self._keys("="))
                self._value()
            self._end_of_line()
            if len(key) > MAX_DEPTH:
                self._fail("this key has too many parts.", start)
            yield _Statement(start, self._at, key, is_header, section)

    def _is_end(self) -> bool:
        self._at = _end(_BETWEEN, self._text, self._at)
        return self._at == len(self._text)

    def _line_start(self) -> int:
        start = self._text.rfind("\n", 0, self._at) + 1
        return start + self._text.startswith("\ufeff", start)

    def _header(self) -> tuple[str, ...]:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        return self._keys("]" * brackets)

    def _keys(self, end: str) -> tuple[str, ...]:
        """Return the parts of a dotted key, and go behind what must follow it."""
        keys: list[str] = []
        while True:
            self._blanks()
            found = _KEY.match(self._text, self._at)
            if not found:
                self._fail("a key is missing here.")
            keys.append(self._unquoted(found[0]))
            self._at = found.end()
            self._blanks()
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
        if not self._text.startswith(end, self._at):
            self._fail(f"{end} is missing here.")
        self._at += len(end)
        return tuple(keys)

    def _unquoted(self, key: str) -> str:
        if key[0] not in "\"'":
            return key
        try:
            return tomllib.loads(f"key = {key}")["key"]
        except tomllib.TOMLDecodeError:
            self._fail("this key is malformed.")

    def _value(self) -> None:
        """Go behind a value."""
        depth = 0
        while self._at < len(self._text):
            token = _TOKEN.match(self._text, self._at)
            assert token  # noqa: S101 - its last branch takes any character
            if depth == 0 and token[0][0] in "\n#":
                break
            if token[0] in ('"', "'"):
                self._fail("this string has no end.")
            depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
            if depth > MAX_DEPTH:
                self._fail("this is nested too deeply.")
            self._at = token.end()

    def _end_of_line(self) -> None:
        rest = _REST.match(self._text, self._at)
        if not rest:
            self._fail("this line should end here.")
        self._at = rest.end()

    def _blanks(self) -> None:
        self._at = _end(_BLANK, self._text, self._at)

    def _fail(self, problem: str, position: int | None = None) -> NoReturn:
        raise Unparsable(problem, *place(self._text, self._at if position is None else position))


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
