"""A1 notation in the sandbox: which cells of which sheet a text such as `'Bob''s data'!A2:C` means."""

import re
from dataclasses import dataclass

_SHEET = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))(?:!(.*))?", re.DOTALL)
_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9][0-9]{0,6})?")


class RangeError(ValueError):
    """A text that names no range."""


@dataclass(frozen=True, slots=True)
class Range:
    """Cells of a sheet, counted from zero, ends excluded; None is the first sheet, or as far as the sheet goes."""

    sheet: str | None
    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None

    @property
    def is_cell(self) -> bool:
        """Whether it is written as a single cell."""
        return (self.bottom, self.right) == (self.top + 1, self.left + 1)


def parse(text: str) -> Range:
    """The range that the text means: a sheet, cells, or both joined by `!`. Raises RangeError."""
    cells = None if "!" in text else _cells(text, None)
    if cells:
        return cells
    match = _SHEET.fullmatch(text)
    if not match:
        raise RangeError(text)
    sheet = match[1].replace("''", "'") if match[1] else match[2]
    if match[3] is None:
        return Range(sheet)
    cells = _cells(match[3], sheet)
    if cells is None:
        raise RangeError(text)
    return cells


def write(title: str, top: int, left: int, bottom: int, right: int) -> str:
    """The range as Google writes it back: the title quoted where it has to be, a single cell without an end."""
    name = title if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", title) else quoted(title)
    first, last = f"{letters(left)}{top + 1}", f"{letters(right - 1)}{bottom}"
    return f"{name}!{first}" if first == last else f"{name}!{first}:{last}"


def quoted(title: str) -> str:
    """A sheet's title as a range that means the whole of it, whatever is in the title."""
    return "'" + title.replace("'", "''") + "'"


def letters(column: int) -> str:
    """The name of a column counted from zero: A, B, ... Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _cells(text: str, sheet: str | None) -> Range | None:
    first, colon, last = text.partition(":")
    start, end = _corner(first), _corner(last if colon else first)
    if start is None or end is None or (not colon and None in start):
        return None
    (top, left), (bottom, right) = start, end
    (top, bottom), (left, right) = _span(top, bottom), _span(left, right)
    return Range(sheet, top, left, bottom, right)


def _corner(text: str) -> tuple[int | None, int | None] | None:
    match = _CORNER.fullmatch(text)
    if not text or not match or not any(match.groups()):
        return None
    column = _number(match[1]) - 1 if match[1] else None
    return int(match[2]) - 1 if match[2] else None, column


def _span(first: int | None, last: int | None) -> tuple[int, int | None]:
    # `B2:A1` is `A1:B2`; where one end is missing it is the sheet's own, as in `A2:A` or `A:A`.
    if first is None or last is None:
        return first or 0, None if last is None else last + 1
    return min(first, last), max(first, last) + 1


def _number(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
