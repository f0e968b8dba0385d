"""The room of installing, the difference that a person sees: whatever others have in the file stays covered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from itertools import islice

from pica_mcp import text
from pica_mcp.clients import Form

_MAX_LINES = 400
_MAX_CHARS = 500
_CONTEXT_LINES = 2
_COVER = '"…"'

_STRING = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_HEAD = re.compile(r"\s*(?:\[{1,2}[\w.-]+|[\w.-]+\s*=(?!=))")
_ANY = re.compile(r"[^\r\n]+")
# What is in brackets stays.
_LONG: Mapping[Form, re.Pattern[str]] = {
    "json": re.compile(r"""("(?:[^"\\\n]|\\.)*+")|//[^\r\n]*|/\*.*?\*/""", re.DOTALL),
    "toml": re.compile(
        r"""\"{3}(?:[^"\\]|\\.|"(?!""))*+"{3,5}|'{3}(?:[^']|'(?!''))*+'{3,5}|("(?:[^"\\\n]|\\.)*"|'[^'\n]*')|\#[^\n]*""",
        re.DOTALL,
    ),
}
_PLACE = re.compile(r"@@ -(\d+)")
_WORDS = re.compile(r"[^\s{}\[\],:=]+(?: +[^\s{}\[\],:=]+)*")
_PLAIN = re.compile(r"true|false|null|\d{1,6}")


def difference(before: str, after: str, form: Form, shown: Iterable[str]) -> list[str]:
    """Return the difference as lines. Of the values in it, those that are `shown` are, if they are no secrets.

    Keys are shown, other servers' commands, arguments and variables are not, nor comments: any of them may be secret.
    """
    spelt = {_spelt(one) for one in shown}
    one, other = (without_comments(each, form).splitlines() for each in (before, after))
    covered = [
        line if line.startswith("@@") else line[0] + covered_line(line[1:], form, spelt)
        for line in _changed(one, other)
    ]
    more = len(covered) - _MAX_LINES
    return covered[:_MAX_LINES] + ([f"({more} more lines)"] if more > 0 else [])


def without_comments(text: str, form: Form) -> str:
    """Return the text with its comments, and its strings of several lines, covered: they may look like anything."""
    return _LONG[form].sub(lambda found: found[0] if found[1] else _ANY.sub("…", found[0]), text)


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Yield the difference. What is alike at both ends is left out first, since files may be long."""
    alike = _alike(before, after)
    rest = _alike(before[alike:][::-1], after[alike:][::-1])
    start = max(0, alike - _CONTEXT_LINES)
    one, other = (lines[start : len(lines) - max(0, rest - _CONTEXT_LINES)] for lines in (before, after))
    for line in islice(unified_diff(one, other, lineterm="", n=_CONTEXT_LINES), 2, None):
        found = _PLACE.match(line)
        yield f"@@ line {max(1, int(found[1]) + start)} @@" if found else line


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def covered_line(line: str, form: Form, shown: Iterable[str]) -> str:
    """Return a line of a file with everything covered but its keys and the values that are shown."""
    head = _HEAD.match(line) if form == "toml" else None
    at = head.end() if head else 0
    pieces = [line[:at]]
    for found in _STRING.finditer(line, at):
        is_key = form == "json" and line[found.end() :].lstrip().startswith(":")
        is_shown = is_key or found[0][1:-1] in shown
        pieces += [_outside(line[at : found.start()]), found[0] if is_shown else _COVER]
        at = found.end()
    return _shown("".join([*pieces, _outside(line[at:])]))


def _outside(piece: str) -> str:
    """Return what stands outside of strings: marks, numbers and the like; comments are covered."""
    return _WORDS.sub(lambda words: words[0] if _PLAIN.fullmatch(words[0]) else "…", piece)


def _shown(line: str) -> str:
    return text.cap(text.masked(text.clean(line)), _MAX_CHARS)


def _spelt(value: str) -> str:
    """Return the value as it stands between its quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]
