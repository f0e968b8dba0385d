"""The room of what a result consists of: the answer, and what is said of it, for whoever is no model. Pure.

It goes by marks, and results are written with the same ones.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any, Literal

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.files import RESULTS
from pica_mcp.results import media
from pica_mcp.results.selection import compiled
from pica_mcp.store import Stored

CUT = "[Shown: "
"""How the note begins that says what is missing."""

SAVED, KEPT = "saved as ", f"kept as {RESULTS}"
"""Before the path of a file, and before the id of an answer."""

AGAIN = 'get_pica_result(id="'
"""How the call is written that shows more of what is kept; the id follows."""

REST, CHOOSE = f"The rest: {AGAIN}", f" Choose from {AGAIN}"

FENCED = re.compile(r'<data source="([^"\n]*)">\n(.*?)\n</data>', re.DOTALL)
"""Words of others, as `text.fence` marks them: whose, and what."""

_ID = r"r_[\w-]{1,60}"
_SAVED, _KEPT = rf"(?:, {SAVED}(?P<path>.+?))?", rf"(?:(?:,| and) {KEPT}(?P<kept>{_ID}))?"
_FILE = re.compile(rf'(?P<what>File ".*" \([^()]+, [\d,]+ bytes\){_SAVED})(?:{_KEPT}\.|(?<=bytes\))[.:] .*)')
_CALL = re.compile(f"{re.escape(AGAIN)}({_ID})")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, taken apart. `told` is what a model reads, `kept` the id under which it finds more.

    `value` is of JSON, a `str` of text, and what is said of a file, `content` its bytes, `path` where it was saved.
    """

    kind: Literal["json", "text", "file", "error"]
    told: str
    value: Any = None
    content: bytes = b""
    path: str = ""
    notes: tuple[str, ...] = ()
    kept: str = ""

    @property
    def is_cut(self) -> bool:
        """Tell if only a part of it is shown."""
        return any(note.startswith(CUT) for note in self.notes)


def taken_apart(result: mcp.CallToolResult) -> Answer:
    """Return what the result says, the answer apart from what is said of it."""
    told = "\n".join(block.text for block in result.content if isinstance(block, mcp.TextContent))
    if result.is_error:
        return Answer("error", told)
    if file := _FILE.fullmatch(told):
        return Answer("file", told, file["what"], _bytes(result), file["path"] or "", kept=file["kept"] or "")
    if fenced := FENCED.match(told):
        return _noted(Answer("text", told, fenced[2]), told[fenced.end() :])
    first, _, rest = told.partition("\n")
    try:
        return _noted(Answer("json", told, json.loads(first)), rest)
    except (ValueError, RecursionError):
        return Answer("text", told, told)


def _noted(answer: Answer, rest: str) -> Answer:
    """Return the answer with what is said below it. The last id that is named there is written by us for sure."""
    ids = _CALL.findall(rest)
    return replace(answer, notes=tuple(line for line in rest.splitlines() if line), kept=ids[-1] if ids else "")


def _bytes(result: mcp.CallToolResult) -> bytes:
    """Return the file where the result brings it along."""
    for block in result.content:
        if isinstance(block, mcp.ImageContent | mcp.AudioContent):
            return b64decode(block.data)
    return b""


def whole(answer: Answer, kept: Stored, fields: str) -> Answer:
    """Return the answer as it was kept: the bytes of a file; else all of it, or all that the JMESPath selects."""
    if answer.kind == "file":
        return replace(answer, content=kept.body)
    notes = tuple(note for note in answer.notes if not note.startswith(CUT))
    body = media.read(kept.media_type, kept.body)
    if body.kind == "text":
        told = text.clean(body.text)
        return replace(answer, told=told, value=told, notes=notes)
    told = text.clean(text.compact(compiled(fields).of(body.value).value))
    return replace(answer, told=told, value=json.loads(told), notes=notes)
