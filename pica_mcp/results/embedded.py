"""The room of files inside JSON: which strings of an answer are base64, and what their bytes are. Pure.

Base64 is of no use to a model, but a token, a cursor or a signature may look just like it and has to stay as it is. So
a string is opened for what its bytes prove to be, or because what stands beside it says so, or because it is too long
to be anything but a file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pica_mcp.models import as_list, as_object
from pica_mcp.results import media

_MIN_CHARS = 64
_MIN_SIZED_CHARS = 12
_MAX_LEFT_CHARS = 1_000
"""Longer base64 is shown only to those who ask for exactly that string."""

_MIN_FRAMES_BYTES = 1_000
_MIN_LINE_CHARS = 40
_MAX_HEAD_CHARS = 200
_MAX_READ_CHARS = 16 * 1024 * 1024
_MAX_NODES = 200_000
_MAX_DEPTH = 60
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]++|[A-Za-z0-9_-]++)={0,2}")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_CONTENT = frozenset({"blob", "body", "bytes", "content", "contents", "data", "file", "payload", "text", "value"})
_ENCODING = frozenset({"contentencoding", "contenttransferencoding", "encoding", "transferencoding"})
_NAMES = ("filename", "fileName", "file_name", "name", "path")
_OPAQUE = ("cursor", "digest", "etag", "hash", "id", "key", "secret", "sig", "signature", "state", "token")
"""How the names of strings end that are only to be given back as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What a string is in truth: text, or else bytes of some type. `name` is what the answer calls them."""

    content: bytes = field(repr=False)
    media_type: str
    chars: int
    is_file: bool = True
    name: str = ""
    text: str = ""


def found(answer: Any) -> dict[str, Part]:
    """Return what strings of the answer are base64 of, in their order; so many and so long ones as time allows."""
    parts: dict[str, Part] = {}
    left = _MAX_READ_CHARS
    for holder, key, value in _strings(answer):
        if len(value) > left or value in parts:
            continue
        left -= len(value)
        if part := _part(value, key, holder):
            parts[value] = part
    return parts


def within(value: Any, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Return those of the parts that the value has, in its order."""
    return {string: parts[string] for _, _, string in _strings(value) if string in parts}


def replaced(value: Any, words: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    """Return the value with these words, and these decoded texts, in the place of those strings.

    Where a text is decoded, what said that it is base64 says `utf-8`, lest it be decoded again.
    """
    return _Replacing(words, texts).of(value)


class _Replacing:
    def __init__(self, words: Mapping[str, str], texts: Mapping[str, str]) -> None:
        self._words = {**words, **texts}
        self._texts = texts
        self._done: dict[int, Any] = {}
        self._left = _MAX_NODES

    def of(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if isinstance(value, str):
            return self._words.get(value, value)
        if depth >= _MAX_DEPTH or not _has_parts(value):
            return value
        # What is shared, as by `[@, @]`, may occur more often than anybody could count.
        if id(value) not in self._done:
            self._done[id(value)] = self._inside(value, depth + 1)
        return self._done[id(value)]

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            items = as_list(value)
            near = items[: max(0, self._left)]
            return [*(self.of(item, depth) for item in near), *items[len(near) :]]
        members = as_object(value)
        is_decoded = any(isinstance(inner, str) and inner in self._texts for inner in members.values())
        return {
            key: "utf-8" if is_decoded and _says_base64(key, inner) else self.of(inner, depth)
            for key, inner in members.items()
        }


def _strings(answer: Any) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Yield the strings with the object and the key that they are in, of what is shared each only once."""
    levels: list[tuple[Mapping[str, Any], Iterator[tuple[str, Any]]]] = [({}, iter([("", answer)]))]
    seen: set[int] = set()
    for _ in range(_MAX_NODES):
        holder, members = levels[-1]
        member = next(members, None)
        if member is None:
            levels.pop()
            if not levels:
                return
            continue
        key, value = member
        if isinstance(value, str):
            yield holder, key, value
        elif _has_parts(value) and len(levels) <= _MAX_DEPTH and id(value) not in seen:
            seen.add(id(value))
            levels.append((as_object(value), _members(value, key)))


def _has_parts(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _members(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield what is inside, with its key; items of a list have the list's."""
    if isinstance(value, list):
        return ((key, item) for item in as_list(value))
    return iter(as_object(value).items())


# One string


def _part(value: str, key: str, holder: Mapping[str, Any]) -> Part | None:
    is_content = key.lower() in _CONTENT
    is_told = is_content and any(_says_base64(name, inner) for name, inner in [*holder.items()][:100])
    is_sized = is_content and type(holder.get("size")) is int and len(value) >= _MIN_SIZED_CHARS
    written = _of_uri(value)
    is_sure = is_told or bool(written)
    if not is_sure and not is_sized and len(value) < _MIN_CHARS:
        return None
    content = _decoded(written or _joined(value))
    if not content:
        return None
    name = next((given for given in map(holder.get, _NAMES) if isinstance(given, str)), "")
    if kind := _shown_as(content, is_sure=is_sure):
        return Part(content, kind, len(value), name=name)
    if is_told or (is_sized and holder.get("size") == len(content)):
        words = media.plain(content)
        if words:
            return Part(content, "text/plain", len(value), is_file=False, text=words)
    is_likely = is_sure or (_is_mixed(value) and not key.lower().endswith(_OPAQUE))
    return _other(content, len(value), name) if is_likely and len(value) > _MAX_LEFT_CHARS else None


def _says_base64(key: str, value: Any) -> bool:
    if not isinstance(value, str) or value.lower() not in ("base64", "base64url"):
        return False
    return re.sub("[_-]", "", key[:40].lower()) in _ENCODING


def _of_uri(value: str) -> str:
    """Return the base64 of a `data:` URI, "" if it is none."""
    if value[:5].lower() != "data:":
        return ""
    head, comma, written = value[: _MAX_HEAD_CHARS + 1].partition(",")
    if not comma or not written or not head.lower().endswith(";base64"):
        return ""
    return value[len(head) + 1 :]


def _joined(value: str) -> str:
    """Return the lines as one, "" if they are not of the one length that lines of base64 have."""
    if "\n" not in value:
        return value
    lines = value.replace("\r\n", "\n").strip("\n").split("\n")
    width = len(lines[0])
    is_even = all(len(line) == width for line in lines[:-1]) and len(lines[-1]) <= width
    return "".join(lines) if is_even and (width >= _MIN_LINE_CHARS or len(lines) == 1) else ""


def _decoded(written: str) -> bytes:
    """Return the bytes, none if it is no base64."""
    if not _BASE64.fullmatch(written):
        return b""
    plain = written.rstrip("=").encode().translate(_FROM_URL)
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return b""


def _is_mixed(written: str) -> bool:
    """Tell if it has letters of both cases and digits, as long base64 has, and hex, a word or a sequence has not."""
    return all(re.search(some, written) for some in ("[A-Z]", "[a-z]", "[0-9]"))


def _shown_as(content: bytes, *, is_sure: bool) -> str:
    """Return the type of image or sound that it is, "" for anything else."""
    kind = media.sniff(content)
    # The first two bytes of an MP3 are no proof by themselves.
    if kind == "audio/mpeg" and not content.startswith(b"ID3") and not is_sure and len(content) < _MIN_FRAMES_BYTES:
        return ""
    return kind if kind in media.IMAGES | media.AUDIO else ""


def _other(content: bytes, chars: int, name: str) -> Part | None:
    body = media.read("", content)
    return None if body.kind == "nothing" else Part(content, body.label, chars, body.kind == "file", name)
