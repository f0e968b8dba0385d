"""The room of JSON as clients keep it, with comments and trailing commas: read, and edited without touching the rest.

An edit is a splice: the room `places` tells where everything stands, and only the bytes of one member come or go. What
`put` added, `remove` takes away byte for byte, so each way of adding leaves a trace by which it can be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pica_mcp.clients.edits import MISSING, Item, Uneditable, at, checked, line_end, place, same
from pica_mcp.clients.places import COMMENT, Member, Value, kind_of, scan

_SURROGATE = re.compile("[\ud800-\udfff]")
_INDENT = "  "


def read(text: str) -> dict[str, Any]:
    """Return what the text says; nothing at all is an empty object, and of equal keys the last one counts.

    Raises `Unparsable`.
    """
    root = scan(text, ())
    return {} if root is None else root.data


def put(text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return the text with the value at the path, made or replaced, and missing parents made.

    All else stays byte for byte; so does the whole text if the value is there already. Raises `Unparsable`, and
    `Uneditable` if a parent is no object, a key of the path is there twice, or the value is no JSON.
    """
    root = scan(text, path)
    before: dict[str, Any] = {} if root is None else root.data
    if same(at(before, path), value):
        return text
    return checked(_with(text, root, path, value), read, before, path, value)


def remove(text: str, path: Sequence[str]) -> str:
    """Return the text without the value at the path; unchanged if there is none.

    Comments stay, but for those inside of it. Raises `Unparsable`, and `Uneditable` if a key of the path is there
    twice.
    """
    root = scan(text, path)
    if root is None or at(root.data, path) is MISSING:
        return text
    return checked(_taken_out(text, *_find(text, root, path)), read, root.data, path)


# Adding and replacing


@dataclass(frozen=True, slots=True)
class _Style:
    """How a text is written."""

    line_end: str
    indent: str
    colon: str

    @classmethod
    def of(cls, text: str, root: Value | None) -> _Style:
        if root is None or not root.members:
            return cls(line_end(text), _INDENT, ": ")
        first = root.members[0]
        indent = (_own_line(text, first.start) or "").removeprefix(_indent(text, root.start))
        return cls(line_end(text), indent or _INDENT, ":" if text[first.value.start - 1] == ":" else ": ")

    def flat(self, value: Any) -> str:
        """Return the value on one line."""
        return _escaped(json.dumps(value, ensure_ascii=False, separators=("," + self.colon[1:], self.colon)))

    def spread(self, value: Any, indent: str) -> str:
        """Return the value over several lines, which are indented by what its own line is."""
        written = json.dumps(value, ensure_ascii=False, indent=self.indent, separators=(",", self.colon))
        return _escaped(written).replace("\n", self.line_end + indent)


def _escaped(written: str) -> str:
    return _SURROGATE.sub(lambda char: f"\\u{ord(char[0]):04x}", written)


def _with(text: str, root: Value | None, path: Sequence[str], value: Any) -> str:
    style = _Style.of(text, root)
    if root is None:
        gap = style.line_end if text.strip("\ufeff \t\r\n") and not text.endswith(("\n", "\r")) else ""
        return text + gap + style.spread(_nested(path, value), "") + style.line_end
    parent, depth = root, 0
    while (member := _member(text, parent, path[depth])) is not None:
        depth += 1
        if depth == len(path):
            return _replaced(text, style, member, value)
        parent = member.value
        _checkkind_of(text, path, depth, parent)
    added = _nested(path[depth:], value)
    if parent.members:
        return _appended(text, style, parent, parent.members[-1], added)
    return _filled(text, style, root, parent, added)


def _nested(path: Sequence[str], value: Any) -> Any:
    for key in reversed(path):
        value = [value] if isinstance(key, Item) else {key: value}
    return value


def _replaced(text: str, style: _Style, member: Member, value: Any) -> str:
    start, end = member.value.start, member.value.end
    indent = _own_line(text, member.start)
    if indent is None and "\n" in text[start:end]:
        indent = _indent(text, member.start)
    written = style.flat(value) if indent is None else style.spread(value, indent)
    return text[:start] + written + text[end:]


def _appended(text: str, style: _Style, parent: Value, last: Member, added: Any) -> str:
    """Add after the last member, and after the comments that follow it."""
    indent = _own_line(text, last.start)
    if indent is None and "\n" in text[parent.rest : parent.end]:  # the comment before it may end with its line
        indent = _indent(text, parent.start) + style.indent
    member = " " * len(style.colon[1:]) + style.flat(added)[1:-1]
    if indent is not None:
        member = style.line_end + indent + _inside(style, added, indent)
    if last.comma is not None:
        return text[: parent.rest] + member + "," + text[parent.rest :]
    return text[: last.value.end] + "," + text[last.value.end : parent.rest] + member + text[parent.rest :]


def _filled(text: str, style: _Style, root: Value, parent: Value, added: Any) -> str:
    """Add the first member. `_room_made` tells by the space around it what there was before."""
    space = text[parent.rest : parent.end - 1]
    is_commented = parent.rest > parent.start + 1
    is_flat = "\n" not in space if is_commented else parent is not root and "\n" not in text[root.start : root.end]
    base = _indent(text, parent.start)
    if is_flat:
        member = " " * is_commented + style.flat(added)[1:-1]
    else:
        member = style.line_end + base + style.indent + _inside(style, added, base + style.indent)
        if not is_commented:
            member += style.line_end + ("" if "\n" in space else base)
    return text[: parent.rest] + member + text[parent.rest :]


def _inside(style: _Style, added: Any, indent: str) -> str:
    """Return the only member of what is added, over several lines."""
    if isinstance(added, list):
        return style.spread(cast(list[Any], added)[0], indent)
    ((key, value),) = cast(dict[str, Any], added).items()
    return _escaped(json.dumps(key, ensure_ascii=False)) + style.colon + style.spread(value, indent)


# Removing


def _find(text: str, root: Value, path: Sequence[str]) -> tuple[Value, Member]:
    parent, member = root, None
    for key in path:
        parent = member.value if member else parent
        member = _member(text, parent, key)
        assert member  # noqa: S101 - the caller has seen the value
    assert member  # noqa: S101 - likewise
    return parent, member


def _taken_out(text: str, parent: Value, member: Member) -> str:
    members = parent.members
    index = members.index(member)
    start, end = _stretch(text, parent, index)
    if len(members) == 1:
        end += _room_made(text, parent, text[start : member.start], end)
    before = text[:start]
    if member.comma is None and index:
        comma = members[index - 1].comma
        assert comma is not None  # noqa: S101 - another member follows it
        before = text[:comma] + text[comma + 1 : start]
    return before + text[end:]


def _stretch(text: str, parent: Value, index: int) -> tuple[int, int]:
    """Return from where to where a member goes: with the space before it, unless what follows needs that."""
    member, is_last = parent.members[index], index == len(parent.members) - 1
    next_at = _blanks(text, member.end)
    shares_line = text[next_at] not in "\r\n"
    is_own_line = "\n" in text[member.gap : member.start]
    before = parent.members[index - 1].end if index else parent.start + 1
    needs_break = is_own_line and (not is_last or _ends_in_line_comment(text[before : member.gap]))
    if shares_line and (needs_break or COMMENT.match(text, next_at)):
        return member.start, next_at
    return member.gap, next_at if member.gap == member.start and not is_last else member.end


def _room_made(text: str, parent: Value, gap: str, end: int) -> int:
    """Return how much of the space after an only member, which goes with the gap before it, `_filled` has made."""
    space = text[end : parent.end - 1]
    is_first = parent.members[0].gap == parent.start + 1
    if "\n" not in gap or not is_first or space.strip(" \t\r\n"):
        return 0
    made = len(line_end(space)) + (0 if space.count("\n") > 1 else len(_indent(text, parent.start)))
    return min(made, len(space))


# Where things stand


def _member(text: str, parent: Value, key: str) -> Member | None:
    found = [member for member in parent.members if member.key == key]
    if len(found) > 1:
        lines = " and ".join(str(place(text, member.start)[0]) for member in found[-2:])
        raise Uneditable(f"{json.dumps(key)} is there more than once, in lines {lines}.", "Take one of them out first.")
    return found[0] if found else None


def _checkkind_of(text: str, path: Sequence[str], depth: int, value: Value) -> None:
    """Raise `Uneditable` if the value, which is at so much of the path, cannot hold the next key."""
    wanted, kind = (list, "a list") if isinstance(path[depth], Item) else (dict, "an object")
    if not isinstance(value.data, wanted):
        line, _ = place(text, value.start)
        raise Uneditable(
            f"{json.dumps(path[depth - 1])} in line {line} is {kind_of(value.data)}, where {kind} is needed.",
            "Put that right in an editor, then try again.",
        )


def _indent(text: str, position: int) -> str:
    """Return what the line of the position is indented by."""
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    return text[start : _blanks(text, start)]


def _own_line(text: str, position: int) -> str | None:
    """Return what stands before the position on its line, if that is nothing but an indentation."""
    indent = _indent(text, position)
    is_own = text[position - len(indent) - 1 : position - len(indent)] in {"\n", "\r"}
    return indent if is_own and text[position - len(indent) : position] == indent else None


def _blanks(text: str, position: int) -> int:
    while text[position : position + 1] in {" ", "\t"}:
        position += 1
    return position


def _ends_in_line_comment(between: str) -> bool:
    """Tell if the last of these comments ends with its line."""
    comments = COMMENT.findall(between)
    return bool(comments) and comments[-1].startswith("//")
