"""Enough of GraphQL for the sandbox's providers: one operation, its variables, and what it selects of an answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pica_mcp.sandbox.upstream import Json, MalformedError, json_value

_TOKEN = re.compile(
    r'(?:[\s,]|#[^\n]*)*([A-Za-z_]\w*|\$\w+|-?\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*"|\.\.\.|[{}()\[\]:!=@])?'
)
_LITERALS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_END = ""


class GraphError(Exception):
    """What is wrong with an operation, in words for its `errors` and with their `code`."""

    def __init__(self, message: str, code: str = "GRAPHQL_VALIDATION_FAILED") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Selection:
    """One field that is asked for: under which name, with which arguments, and what of it."""

    key: str
    name: str
    arguments: Json
    fields: tuple["Selection", ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A query or a mutation with its root fields, the variables already put in."""

    kind: str
    fields: tuple[Selection, ...]


def parse(document: str, variables: Mapping[str, Any]) -> Operation:
    """The document's one operation; GraphError for what is not GraphQL, or more of it than this knows."""
    try:
        return _Reader(document, variables).operation()
    except RecursionError as error:
        raise _unreadable("a document nested too deeply") from error


def select(value: Any, fields: tuple[Selection, ...], kind: str = "Object") -> Any:
    """What the fields ask for of a value; GraphError for a field that it does not have."""
    if isinstance(value, list):
        return [select(item, fields, kind) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        if fields and value is not None:
            raise GraphError(f"Selection of subfields on a scalar in {kind}.")
        return value
    row = cast("Json", value)
    if not fields:
        raise GraphError(f"A field of type {kind} must have a selection of subfields.")
    for field in fields:
        if field.name not in row:
            raise GraphError(f'Cannot query field "{field.name}" on type "{kind}".')
    return {field.key: select(row[field.name], field.fields, _type(field.name)) for field in fields}


def _type(name: str) -> str:
    return name[:1].upper() + name[1:]


class _Reader:
    """A cursor over the tokens of one document."""

    def __init__(self, document: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _tokens(document)
        self._at = 0
        self._given = variables
        self._variables: Json = {}
        self._defined: set[str] = set()

    def operation(self) -> Operation:
        kind = "query"
        if self._peek() != "{":
            kind = self._next()
            if kind not in {"query", "mutation"}:
                raise _unreadable(kind)
            if self._peek() not in {"(", "{"}:
                self._name()
            self._variables = self._definitions()
        fields = self._fields()
        if self._peek() != _END:
            raise _unreadable(self._peek())
        return Operation(kind, fields)

    def _definitions(self) -> Json:
        values: Json = {}
        if not self._take("("):
            return values
        while not self._take(")"):
            name = self._next()
            self._expect(":")
            self._defined.add(name)
            needed = self._needs_value()
            if self._take("="):
                values[name] = self._value()
            if name[1:] in self._given:
                values[name] = self._given[name[1:]]
            if needed and values.get(name) is None:
                raise GraphError(f'Variable "{name}" of a required type was not provided.', "BAD_USER_INPUT")
        return values

    def _needs_value(self) -> bool:
        if self._take("["):
            self._needs_value()
            self._expect("]")
        else:
            self._name()
        return self._take("!")

    def _fields(self) -> tuple[Selection, ...]:
        self._expect("{")
        fields: list[Selection] = []
        while not self._take("}"):
            fields.append(self._field())
        if not fields:
            raise _unreadable("}")
        return tuple(fields)

    def _field(self) -> Selection:
        key = name = self._name()
        if self._take(":"):
            name = self._name()
        arguments = self._members(")") if self._take("(") else {}
        return Selection(key, name, arguments, self._fields() if self._peek() == "{" else ())

    def _members(self, closing: str) -> Json:
        members: Json = {}
        while not self._take(closing):
            name = self._name()
            self._expect(":")
            token = self._peek()
            value = self._value()
            # A nullable variable that nobody gave leaves its argument out, which differs from null.
            if not (token.startswith("$") and token[1:] not in self._given and value is None):
                members[name] = value
        return members

    def _value(self) -> Any:
        token = self._next()
        match token:
            case "{":
                return self._members("}")
            case "[":
                return self._list()
            case _:
                return self._plain(token)

    def _plain(self, token: str) -> Any:
        if token.startswith("$"):
            return self._variable(token)
        if token.startswith('"') or token.lstrip("-")[:1].isdigit():
            return _scalar(token)
        if not token.isidentifier():
            raise _unreadable(token)
        return _LITERALS.get(token, token)  # any other bare word is an enumeration's value

    def _list(self) -> list[Any]:
        items: list[Any] = []
        while not self._take("]"):
            items.append(self._value())
        return items

    def _variable(self, token: str) -> Any:
        if token not in self._defined:
            raise GraphError(f'Variable "{token}" is not defined.')
        return self._variables.get(token)

    def _name(self) -> str:
        token = self._next()
        if not token.isidentifier():
            raise _unreadable(token)
        return token

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise _unreadable(found)

    def _take(self, token: str) -> bool:
        if self._peek() == _END:
            raise _unreadable(_END)
        taken = self._peek() == token
        self._at += taken
        return taken

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _tokens(document: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(document):
        found = _TOKEN.match(document, at)
        if found is None or (found[1] is None and found.end() < len(document)):
            raise _unreadable(document[found.end() if found else at])
        at = found.end()
        tokens += [found[1]] if found[1] else []
    return tokens


def _scalar(token: str) -> Any:
    try:
        return json_value(token.encode())
    except (MalformedError, UnicodeEncodeError) as error:
        raise _unreadable(token) from error


def _unreadable(token: str) -> GraphError:
    what = f"Unexpected {token[:40]!r}" if token else "Unexpected end of the document"
    return GraphError(f"Syntax Error: {what}.", "GRAPHQL_PARSE_FAILED")
