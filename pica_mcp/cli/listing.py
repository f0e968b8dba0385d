"""Listings for people: a table where the window holds one, and a paragraph for each row where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.terminal import cell, filled, screen

_READABLE = 12
"""Narrower than that, a column is a heap of pieces of words, unless it has nothing longer."""

_READABLE_NAME = 24
_GAP = 2


def print_listing(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print the rows, whose first cells are names."""
    console, cells = screen(), [[_text(value) for value in row] for row in rows]
    widths = [max(cell_len(one.plain) for one in column) for column in zip(map(Text, columns), *cells, strict=True)]
    wide, *others = [
        max(cell_len(name), min(width, _READABLE if place else _READABLE_NAME))
        for place, (name, width) in enumerate(zip(columns, widths, strict=True))
    ]
    rest = sum(others) + _GAP * len(others)
    if wide + rest > console.width:
        print_rows(_paragraphs(columns, cells))
        return
    table = filled(columns, cells)
    table.columns[0].no_wrap = widths[0] + rest <= console.width  # what is copied has to be what it says
    for column, width in zip(table.columns, (wide, *others), strict=True):
        column.min_width = width
    console.print(table)


def _paragraphs(columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> Iterator[Row]:
    width = max(map(len, columns))
    for name, *rest in rows:
        yield Row(name.plain, style="bold")
        for column, value in zip(columns[1:], rest, strict=True):
            if value.plain:
                yield Row(f"  {column:<{width}}  ", value.plain)


def _text(value: object) -> Text:
    return value if isinstance(value, Text) else cell(value)
