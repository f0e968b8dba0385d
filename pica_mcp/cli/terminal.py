"""What is printed for a person: colours and widths as their terminal has them, words from outside made harmless."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from rich.console import Console
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


def print_json(document: Any) -> None:
    """Print the document in ASCII, which every code page can show."""
    print_anything()
    print(json.dumps(document, indent=2))
