"""Reports line by line, for a window that may be narrow and words that may be wide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from pica_mcp import text
from pica_mcp.cli.terminal import screen

_COLUMNS = (40, 100)
_WORD = re.compile(r"(?:`[^`]*`|\S)+")
"""What stands between backticks is one word: of a command in two lines, half would be pasted, and run."""


class Row(NamedTuple):
    """A line, or several: what the first begins with, and what is wrapped beside it, or `whole` below it if need be."""

    head: str
    body: str = ""
    whole: bool = False
    style: str = ""


def print_rows(rows: Iterable[Row]) -> None:
    """Print them, as wide as the window allows and eyes like."""
    console = screen()
    for row in rows:
        for line in lines([row], console.width):
            console.print(Text(line, style=row.style), soft_wrap=True)


def lines(rows: Iterable[Row], columns: int) -> Iterator[str]:
    """Yield the lines for a window of so many columns, or of what is still readable."""
    fewest, most = _COLUMNS
    for row in rows:
        yield from _wrapped(row.head, text.clean(row.body), max(fewest, min(columns, most)), whole=row.whole)


def _wrapped(head: str, body: str, columns: int, *, whole: bool) -> list[str]:
    if cell_len(head) + cell_len(body) <= columns:
        return [f"{head}{body}".rstrip()]
    margin = " " * (len(head) - len(head.lstrip()))
    if whole:  # the terminal may break it: what is copied has to be what it says
        return [head.rstrip(), *([f"{margin}    {body}"] if body else [])]
    if cell_len(head) <= columns // 2:
        return list(_wrap(body, columns, head, " " * cell_len(head)))
    return [*_wrap(head.strip(), columns, margin, f"{margin}  "), *_wrap(body, columns, f"{margin}    ")]


def _wrap(words: str, columns: int, first: str, rest: str | None = None) -> Iterator[str]:
    """Yield the words in lines that fit, the first after `first`, the others after `rest`; like it by default.

    A command that fits no line has one of its own, which the terminal may break.
    """
    rest = first if rest is None else rest
    line, indent = first, first
    for word in _WORD.findall(" ".join(words.split())):
        gap = " " if line != indent else ""
        if cell_len(line) + len(gap) + cell_len(word) <= columns:
            line = f"{line}{gap}{word}"
            continue
        if line != indent:
            yield line
            line, indent = rest, rest
        *full, last = [word] if " " in word else chop_cells(word, columns - cell_len(line))
        for piece in full:
            yield f"{line}{piece}"
            line, indent = rest, rest
        line = f"{line}{last}"
    yield line.rstrip()
