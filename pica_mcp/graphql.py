"""The room of GraphQL, as far as it takes to tell what a document does.

The language is https://spec.graphql.org/October2021/. This room says no more than it is sure of: what is no GraphQL, or
looks like it to one server and not to another, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_VALUE = '"'
_SKELETON = frozenset({"{", "}", "...", "@"})
_PAIRS = {")": "(", "]": "[", "}": "{"}
# Control characters and Unicode's line ends are in no token: servers disagree on whether they end a comment. What is
# possessive (`*+`) must not be tried again shorter: an open string would close at an escaped quote.
_UNSEEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
_TOKEN = re.compile(
    rf"""(?P<none>[ \t\r\n,\ufeff]+|\#[^\r\n{_UNSEEN}]*)
    |(?P<value>\"\"\"(?:[^"\\{_UNSEEN}]|\\\"\"\"|\\|"(?!""))*+\"\"\"
        |"(?!"")(?:[^"\\\r\n{_UNSEEN}]|\\[^\r\n{_UNSEEN}])*+"
        |-?[0-9][0-9.eE+-]*)
    |(?P<name>[_A-Za-z][_0-9A-Za-z]*)
    |(?P<mark>\.\.\.|[!$&()=:@\[\]{{|}}])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """The outline of a definition of a GraphQL document: what it selects and spreads at its top.

    `inner` are the fields below the top, `called` those at any depth that take arguments.
    """

    kind: str
    name: str
    fields: list[str]
    spreads: list[str]
    inner: list[str]
    called: list[str]


def mutated(document: str) -> tuple[str, ...] | None:
    """Return the names of what the document mutates (or subscribes to) at its top, None if it only queries.

    What is spread there and not in the document is `...name`. Below, a field that takes arguments may be a mutation
    of a namespace (`pages { delete(id: 1) }`) and is named like one at the top; one without them is `.name`, since it
    mostly is what the mutation answers (`issue { canDelete }`). Raises `ValueError` for what is not well-formed or runs
    nothing.
    """
    parts = [_part(tokens) for tokens in _definitions(_tokens(document))]
    acting = [part for part in parts if part.kind in ("mutation", "subscription")]
    if not acting:
        if not any(part.kind == "query" for part in parts):
            raise ValueError("nothing that runs")
        return None
    # What is spread may spread more; to look into all fragments is as safe as to find out which.
    fragments = [part for part in parts if part.kind == "fragment"]
    looked_into = [*acting, *fragments] if any(part.spreads for part in acting) else acting
    missing = {spread for part in looked_into for spread in part.spreads} - {part.name for part in fragments}
    inside = [*acting, *fragments]
    return (
        *(field for part in looked_into for field in part.fields),
        *(f"...{name}" for name in missing),
        *(field for part in inside for field in part.called),
        *(f".{field}" for part in inside for field in (*part.fields, *part.inner)),
    )


def documents(knowledge: str) -> Iterator[str]:
    """Yield the fenced blocks of Markdown that are GraphQL, by their own label or by the heading they are under."""
    fence: list[str] | None = None
    is_under_operation = is_document = False
    for line in knowledge.splitlines():
        if line.startswith("```") and fence is None:
            fence, is_document = [], is_under_operation or line.strip("` ").lower() in ("graphql", "gql")
        elif line.startswith("```"):
            if is_document:
                yield "\n".join(fence or ())
            fence = None
        elif fence is not None:
            fence.append(line)
        elif line.startswith("#"):
            is_under_operation = "graphql operation" in line.lower()


def _tokens(document: str) -> Iterator[str]:
    """Yield names and marks as they are, values as `"`; ValueError for what is no GraphQL."""
    position = 0
    while position < len(document):
        found = _TOKEN.match(document, position)
        if not found:
            raise ValueError("no token")
        position = found.end()
        if found.lastgroup != "none":
            yield _VALUE if found.lastgroup == "value" else found[0]


def _definitions(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Yield the document's definitions, each up to the brace that closes it."""
    definition: list[str] = []
    opened: list[str] = []
    for piece in pieces:
        definition.append(piece)
        if piece in _PAIRS.values():
            opened.append(piece)
        elif piece in _PAIRS and (not opened or opened.pop() != _PAIRS[piece]):
            raise ValueError("not balanced")
        if definition[-1] == "}" and not opened:
            yield definition
            definition = []
    if definition:
        raise ValueError("not closed")


def _part(definition: list[str]) -> _Part:
    """Return the outline of a definition; ValueError if it is none that runs or is spread."""
    plain = _without_arguments(definition)
    head = plain[: plain.index("{")]
    body = definition[definition.index("{") :]
    called = [
        name for before, name, mark in zip(body, body[1:], body[2:], strict=False)
        if mark == "(" and before != "@" and name.isidentifier()
    ]  # fmt: skip
    outline = (*_selected(plain[len(head) :]), called)
    match head:
        case []:
            return _Part("query", "", *outline)
        case ["query" | "mutation" | "subscription" as kind, *name] if len(name) <= 1:
            return _Part(kind, "", *outline)
        case ["fragment", name, "on", _]:
            return _Part("fragment", name, *outline)
        case _:
            raise ValueError("no executable definition")


def _without_arguments(definition: list[str]) -> list[str]:
    """Return its names, braces and dots: no arguments, no variables, no directives, and fields instead of aliases."""
    plain: list[str] = []
    depth = 0
    for piece in definition:
        depth += (piece in ("(", "[")) - (piece in (")", "]"))
        if depth or piece in (")", "]"):
            continue
        last = plain[-1] if plain else ""
        if (last == "@" and piece.isidentifier()) or (last.isidentifier() and piece == ":"):
            plain.pop()
        elif piece in _SKELETON or piece.isidentifier():
            plain.append(piece)
        else:
            raise ValueError("a value where none can be")
    if "@" in plain:
        raise ValueError("a directive without a name")
    return plain


def _selected(plain: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the fields at the top of a selection, inline fragments opened up, what it spreads there, other fields."""
    fields: list[str] = []
    spreads: list[str] = []
    inner: list[str] = []
    at_top: list[bool] = []  # of each brace that is open
    in_fragment = False  # from its dots to its brace
    for before_last, last, piece in zip(["", "", *plain], ["", *plain], plain, strict=False):
        if piece == "{":
            at_top.append(not at_top or (in_fragment and at_top[-1]))
        elif piece == "}":
            at_top.pop()
        elif piece.isidentifier() and last == "...":
            spreads += [piece] if piece != "on" and at_top[-1] else []
        elif piece.isidentifier() and (before_last, last) != ("...", "on"):
            (fields if at_top[-1] else inner).append(piece)
        in_fragment = piece == "..." or (in_fragment and (piece == "on" or last == "on"))
    return fields, spreads, inner
