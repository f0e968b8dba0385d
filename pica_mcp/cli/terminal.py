"""What is printed for a person: colours and widths as their terminal has them, words from outside made harmless."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pica_mcp import text
from pica_mcp.cli.streams import print_anything

_MAX_CELL_CHARS = 300


def screen() -> Console:
    """Return where results are printed."""
    print_anything()
    return _console(sys.stdout)


def notes() -> Console:
    """Return where a person is told how it goes, apart from results."""
    return _console(sys.stderr)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the command end as any other failure to write ends it."""
        raise BrokenPipeError


def _console(stream: TextIO) -> Console:
    """Return a console that colours on terminals only, unless `NO_COLOR`, and takes nothing it prints for markup."""
    return _Console(file=stream, markup=False, highlight=False, emoji=False)


def cell(value: object, style: str = "", max_chars: int = _MAX_CELL_CHARS) -> Text:
    """Return words from outside as one harmless line."""
    return Text(text.line(str(value), max_chars), style=style)


def table(*columns: str) -> Table:
    """Return a table without lines, whose cells are folded where a window is narrow."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def filled(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """Return a table of these rows, whose values may come from outside."""
    made = table(*columns)
    for row in rows:
        made.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return made


def print_json(document: Any) -> None:
    """Print the document in ASCII, which every code page can show."""
    print_anything()
    print(json.dumps(document, indent=2))
