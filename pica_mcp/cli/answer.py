"""What a tool answered, as people and programs want it: printed, or written into a file."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from textwrap import indent

from pica_mcp import text
from pica_mcp.cli.streams import complain, print_anything
from pica_mcp.cli.terminal import print_json
from pica_mcp.discovery import EXECUTE, KNOWLEDGE, LIST, READ, SEARCH
from pica_mcp.errors import for_operators
from pica_mcp.results.apart import CHOOSE, FENCED, REST, Answer

_REST = re.compile(rf"{re.escape(REST)}.*\)")
_CHOOSE = re.compile(rf"{re.escape(CHOOSE)}[^)]*\)\.")
_COMMANDS = {
    SEARCH: "pica-mcp actions",
    KNOWLEDGE: "pica-mcp knowledge",
    LIST: "pica-mcp connections",
    EXECUTE: "pica-mcp call",
    READ: "pica-mcp call",
}


def by_hand(words: str) -> str:
    """Return what is said to a model in words for a person at a terminal: commands for tools, flags for calls.

    What a provider says is set in, instead of between marks, and left as it is.
    """
    ours, *others = FENCED.split(words)
    quotes = zip(others[::3], others[1::3], others[2::3], strict=True)
    told = [f"{whose}:\n{indent(said, '  ')}{_in_commands(more)}" for whose, said, more in quotes]
    return "".join([_in_commands(ours), *told])


def _in_commands(words: str) -> str:
    words = _CHOOSE.sub("", _REST.sub("--all shows the rest.", words))
    for tool, command in _COMMANDS.items():
        words = words.replace(tool, command)
    return for_operators(words)


def show(answer: Answer, output: str | None, *, raw: bool, as_json: bool) -> int:
    """Print the answer, or write it into the file `output`, and return the exit code."""
    if answer.kind == "error":
        complain(by_hand(answer.told))
        return 1
    if raw and answer.kind != "file":
        return _written(f"{answer.told}\n".encode(), output) if output else _printed(answer.told)
    for note in answer.notes:
        complain(by_hand(note.removeprefix("[").removesuffix("]")))
    if answer.kind == "file":
        return _show_file(answer, output)
    pretty = answer.kind == "json" or as_json
    if output:
        words = json.dumps(answer.value, indent=2, ensure_ascii=False) if pretty else answer.value
        return _written(f"{words}\n".encode() if pretty else words.encode(), output)
    if pretty and (as_json or not sys.stdout.isatty()):
        print_json(answer.value)
        return 0
    return _printed(json.dumps(answer.value, indent=2, ensure_ascii=False) if pretty else answer.value)


def _printed(words: str) -> int:
    print_anything()
    print(words)
    return 0


def _show_file(answer: Answer, output: str | None) -> int:
    """Write the file, or hand it to whoever reads our output. Bytes could do anything to a terminal."""
    if not answer.content:
        complain(answer.told)
        return 1
    if output:
        return _written(answer.content, output)
    if sys.stdout.isatty():
        is_not = "" if answer.path else " is not for a terminal. Call again with --output FILE"
        complain(f"{answer.value}{is_not}.")
        return 0 if answer.path else 1
    sys.stdout.buffer.write(answer.content)
    sys.stdout.flush()
    return 0


def _written(content: bytes, output: str) -> int:
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        where = text.line(output, 200)
        complain(f"The call was made, but '{where}' cannot be written: {error.strerror}. Give another --output.")
        return 1
    complain(f"Saved {len(content):,} bytes as {text.line(output, 200)}.")
    return 0
