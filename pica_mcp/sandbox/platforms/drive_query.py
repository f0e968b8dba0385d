"""Drive's query language in the sandbox: `name contains 'gear' and 'root' in parents and not trashed = true`."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.platforms.google import fault
from pica_mcp.sandbox.upstream import Json, ProviderError

Test = Callable[[Json], bool]

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([()]|!=|<=|>=|=|<|>)|([A-Za-z]+))", re.DOTALL)
_MAX_TOKENS = 120
_TIMES = ("modifiedTime", "createdTime")
_TRUTHS = ("trashed", "starred")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "=": lambda one, other: one == other,
        "!=": lambda one, other: one != other,
        "<": lambda one, other: one < other,
        "<=": lambda one, other: one <= other,
        ">": lambda one, other: one > other,
        ">=": lambda one, other: one >= other,
    }
)


def parse(text: str) -> Test:
    """What the query asks of a file's facts, nothing if it is empty; refused if it is no query."""
    if not text:
        return lambda _: True
    reader = _Reader(_tokens(text))
    test = reader.either()
    if reader.left:
        raise _refusal()
    return test


def arranged(rows: list[Json], order: str) -> list[Json]:
    """The rows in an order such as `folder,modifiedTime desc,name`."""
    for key in reversed([one.strip() for one in order.split(",") if one.strip()]):
        name, _, direction = key.partition(" ")
        if name not in ("folder", "name", *_TIMES) or direction not in ("", "desc"):
            raise fault(400, f"Invalid value for orderBy: {key}", "invalid")
        rows = sorted(rows, key=lambda row: _rank(row, name), reverse=direction == "desc")
    return rows


def _rank(row: Json, name: str) -> Any:
    return not row["mimeType"].endswith(".folder") if name == "folder" else row[name].lower()


def _refusal() -> ProviderError:
    return fault(400, "Invalid Value", "invalid")


def _tokens(text: str) -> list[tuple[str, str]]:
    # Kinds: text in quotes, a sign, a word. The number is bounded because parentheses nest.
    tokens: list[tuple[str, str]] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found or len(tokens) >= _MAX_TOKENS:
            raise _refusal()
        tokens.append(_token(found))
        place = found.end()
    return tokens


def _token(found: re.Match[str]) -> tuple[str, str]:
    if found[1] is not None:
        return "text", re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
    return ("sign", found[2]) if found[2] else ("word", found[3])


class _Reader:
    """The tokens that are left, and a method for each level of the grammar."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def either(self) -> Test:
        tests = [self.both()]
        while self._takes("word", "or"):
            tests.append(self.both())
        return lambda file: any(test(file) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self._takes("word", "and"):
            tests.append(self.one())
        return lambda file: all(test(file) for test in tests)

    def one(self) -> Test:
        if self._takes("word", "not"):
            test = self.one()
            return lambda file: not test(file)
        if self._takes("sign", "("):
            test = self.either()
            if not self._takes("sign", ")"):
                raise _refusal()
            return test
        kind, value = self._next()
        return self._member(value) if kind == "text" else self._comparison(value)

    def _member(self, value: str) -> Test:
        (_, word), (_, group) = self._next(), self._next()
        if word != "in" or group not in ("parents", "owners"):
            raise _refusal()
        return lambda file: value in file[group]

    def _comparison(self, name: str) -> Test:
        (_, operator), (kind, value) = self._next(), self._next()
        if name in _TRUTHS and operator in ("=", "!=") and kind == "word" and value in ("true", "false"):
            return lambda file: file[name] is ((value == "true") is (operator == "="))
        if kind != "text":
            raise _refusal()
        if name in _TIMES and operator in _COMPARE:
            moment = _moment(value)
            return lambda file: _COMPARE[operator](_moment(file[name]), moment)
        return _words(name, operator, value)

    def _takes(self, kind: str, value: str) -> bool:
        if self.left[:1] != [(kind, value)]:
            return False
        self.left = self.left[1:]
        return True

    def _next(self) -> tuple[str, str]:
        if not self.left:
            raise _refusal()
        token, *self.left = self.left
        return token


def _words(name: str, operator: str, value: str) -> Test:
    if operator == "contains" and name in ("name", "fullText", "mimeType"):
        return lambda file: value.lower() in file[name].lower()
    if operator in ("=", "!=") and name in ("name", "mimeType"):
        return lambda file: _COMPARE[operator](file[name], value)
    raise _refusal()


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refusal() from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
