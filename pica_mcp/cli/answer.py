"""What a tool answered, as people and programs want it: JSON, text or a file, and apart from it what is said of it."""

from __future__ import annotations

import json
import re
import sys
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent
from typing import Any, Literal

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.app import App
from pica_mcp.cli.streams import complain, print_anything
from pica_mcp.cli.terminal import print_json
from pica_mcp.discovery import EXECUTE, KNOWLEDGE, LIST, READ, SEARCH
from pica_mcp.files import RESULTS
from pica_mcp.results import media
from pica_mcp.results.selection import compiled

_CUT = "[Shown: "
_KEPT = re.compile(rf'(?:get_pica_result\(id="|kept as {RESULTS})(r_[\w-]{{1,60}})')
_REST = re.compile(r"The rest: get_pica_result\(.*\)")
_CHOOSE = re.compile(r" Choose from get_pica_result\([^)]*\)\.")
_FILE = re.compile(r'File ".*" \([^()]+, [\d,]+ bytes\), .*')
_KEPT_AS = re.compile(rf"(,| and) kept as {RESULTS}\S+$")
_SAVED = re.compile(r" bytes\), saved as ")
_FENCED = re.compile(r'<data source="([^"\n]*)">\n(.*?)\n</data>', re.DOTALL)
_FENCE_END = "\n</data>"
_COMMANDS = {
    SEARCH: "pica-mcp actions",
    KNOWLEDGE: "pica-mcp knowledge",
    LIST: "pica-mcp connections",
    EXECUTE: "pica-mcp call",
    READ: "pica-mcp call",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, taken apart. `value` is of JSON and a `str` of text; `told` is what a model reads, `kept` its id."""

    kind: Literal["json", "text", "file", "error"]
    told: str
    value: Any = None
    content: bytes = b""
    notes: tuple[str, ...] = ()
    kept: str = ""

    @property
    def is_cut(self) -> bool:
        """Tell if only a part of it is shown."""
        return any(note.startswith(_CUT) for note in self.notes)


def taken_apart(result: mcp.CallToolResult) -> Answer:
    """Return what the result says, the answer apart from what is said of it."""
    told = "\n".join(block.text for block in result.content if isinstance(block, mcp.TextContent))
    if result.is_error:
        return Answer("error", told)
    if _FILE.fullmatch(told):
        return Answer("file", told, content=_bytes(result), kept=_kept(told))
    if told.startswith("<data ") and _FENCE_END in told:
        words, _, rest = told.partition("\n")[2].rpartition(_FENCE_END)
        return Answer("text", told, words, notes=_notes(rest), kept=_kept(rest))
    first, _, rest = told.partition("\n")
    try:
        return Answer("json", told, json.loads(first), notes=_notes(rest), kept=_kept(rest))
    except (ValueError, RecursionError):
        return Answer("text", told, told)


def _notes(rest: str) -> tuple[str, ...]:
    return tuple(line for line in rest.splitlines() if line)


def _kept(words: str) -> str:
    """Return under which id the answer is kept: the last that is named, since names of files are others' words."""
    return found[-1] if (found := _KEPT.findall(words)) else ""


def _bytes(result: mcp.CallToolResult) -> bytes:
    """Return the file where the result brings it along."""
    for block in result.content:
        if isinstance(block, mcp.ImageContent | mcp.AudioContent):
            return b64decode(block.data)
    return b""


async def completed(app: App, answer: Answer, fields: str, *, everything: bool) -> Answer:
    """Return the answer with the bytes of a file; with `everything`, all of it, or all that the JMESPath selects.

    What is cut is kept here as it came, so nobody is asked again.
    """
    if not answer.kept or answer.content or not (answer.kind == "file" or (everything and answer.is_cut)):
        return answer
    content = await app.resources.read(app.caller, f"{RESULTS}{answer.kept}")
    is_text = isinstance(content, mcp.TextResourceContents)
    body = content.text.encode() if is_text else b64decode(content.blob)
    if answer.kind == "file":
        return replace(answer, content=body)
    notes = tuple(note for note in answer.notes if not note.startswith(_CUT))
    whole = media.read("text/plain; charset=utf-8" if is_text else str(content.mime_type), body)
    if whole.kind == "text":
        told = text.clean(whole.text)
        return replace(answer, told=told, value=told, notes=notes)
    told = text.clean(text.compact(compiled(fields).of(whole.value).value))
    return replace(answer, told=told, value=json.loads(told), notes=notes)


def by_hand(words: str) -> str:
    """Return what is said to a model in words for a person at a terminal: commands for tools, flags for calls.

    What a provider says is set in, instead of between marks.
    """
    words = _FENCED.sub(lambda found: f"{found[1]}:\n{indent(found[2], '  ')}", words)
    words = _CHOOSE.sub("", _REST.sub("--all shows the rest.", words))
    for tool, command in _COMMANDS.items():
        words = words.replace(tool, command)
    return words


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
    told = _KEPT_AS.sub("", answer.told)
    if not answer.content:
        complain(told)
        return 1
    if output:
        return _written(answer.content, output)
    if sys.stdout.isatty():
        is_saved = bool(_SAVED.search(told))
        complain(f"{told}." if is_saved else f"{told} is not for a terminal. Call again with --output FILE.")
        return 0 if is_saved else 1
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
