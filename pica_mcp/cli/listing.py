"""Listings for people: a table where the window holds one, and a paragraph for each row where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.terminal import cell, screen

_READABLE = 12
"""Narrower than that, a column is a heap of pieces of words, unless it has nothing longer."""

_NAME = 64
"""No tool's name is longer; up to that a name is never broken, since what is copied has to be what it says."""

_GAP = 2


def print_listing(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print the rows, whose first cells are names."""
    console, cells = screen(), [[_text(value) for value in row] for row in rows]
    widths = [max(cell_len(one.plain) for one in column) for column in zip(map(Text, columns), *cells, strict=True)]
    bounds = (_NAME, *(max(cell_len(column), _READABLE) for column in columns[1:]))
    least = [min(width, most) for width, most in zip(widths, bounds, strict=True)]
    if sum(least) + _GAP * (len(columns) - 1) > console.width:
        print_rows(_paragraphs(columns, cells))
    else:
        console.print(_table(columns, cells, least))


def _table(columns: Sequence[str], rows: Iterable[Iterable[Text]], least: Iterable[int]) -> Table:
    """Return a table without lines, whose cells are folded where the window is narrow."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for column, width in zip(columns, least, strict=True):
        made.add_column(column, overflow="fold", min_width=width)
    made.columns[0].width = made.columns[0].min_width  # or it would shrink and grow again, over the window's edge
    for row in rows:
        made.add_row(*row)
    return made


def _paragraphs(columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> Iterator[Row]:
    width = max(map(len, columns))
    for name, *rest in rows:
        yield Row(name.plain, whole=cell_len(name.plain) <= _NAME, style="bold")
        for column, value in zip(columns[1:], rest, strict=True):
            if value.plain:
                yield Row(f"  {column:<{width}}  ", value.plain)


def _text(value: object) -> Text:
    return value if isinstance(value, Text) else cell(value)
