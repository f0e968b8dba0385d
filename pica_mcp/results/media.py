"""The room of what an answer's bytes are: JSON, text in some charset, or a file with a type and a name. Pure.

Pica labels what it passes on as `application/octet-stream`, and providers mislabel: bytes that say what they are win.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from pica_mcp import text

Kind = Literal["json", "text", "file", "nothing"]

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The images that models take."""

AUDIO = frozenset({"audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm"})
"""The sounds that models take."""

_ANY = "application/octet-stream"
_MAX_BLANK = 1_000
_MAX_NAME_CHARS = 80
_MAX_HEADER_CHARS = 2_000
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
_TEXT_TYPE = re.compile(
    r"text/|message/|application/(.*[+])?(json|xml|javascript|csv|yaml|x-yaml|html|sql|graphql|x-ndjson)\b|.*[+](json|xml)"
    r"|application/x-www-form-urlencoded"
)
_BINARY_TYPE = re.compile(r"image/|audio/|video/|font/")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# Not every codec: some are no charsets, some take quadratic time, utf-7 hides what it says.
_CHARSETS = re.compile(
    r"utf[-_]?8([-_]sig)?|utf[-_]?(16|32)([-_]?[lb]e)?|(us-)?ascii|latin-?1|iso[-_]8859[-_]\d{1,2}|(windows|cp)-?125\d|koi8-[ru]"
    r"|shift[-_]jis|euc-(jp|kr)|iso-2022-jp|gb2312|gbk|gb18030|big5|macintosh",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_EXTENSIONS = {
    "application/gzip": ".gz", "application/json": ".json", "application/msword": ".doc", "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx", "application/zip": ".zip",
    "audio/flac": ".flac", "audio/mp4": ".m4a", "audio/mpeg": ".mp3", "audio/ogg": ".ogg", "audio/wav": ".wav",
    "image/avif": ".avif", "image/gif": ".gif", "image/heic": ".heic", "image/jpeg": ".jpg", "image/png": ".png",
    "image/tiff": ".tiff", "image/webp": ".webp", "text/calendar": ".ics", "text/csv": ".csv", "text/html": ".html",
    "text/plain": ".txt", "video/mp4": ".mp4", "video/webm": ".webm",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """A body, read once. `value` is of JSON, `text` of text; `media_type` is what it really is."""

    kind: Kind
    media_type: str
    value: Any = None
    text: str = ""
    charset: str = ""

    @property
    def label(self) -> str:
        """The type with what it takes to read the bytes again."""
        return f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type


def read(content_type: str, content: bytes) -> Body:
    """Return what the bytes are; never raises."""
    content_type = content_type[:_MAX_HEADER_CHARS]
    declared = _declared(content_type)
    magic = sniff(content)
    if magic and not (declared.startswith("text/") and _plain(content)):
        return Body("file", declared if _agrees(declared, magic) else magic)
    if declared in IMAGES | AUDIO:  # which it would say itself
        declared = _ANY
    try:
        return Body("json", "application/json", json.loads(content))
    except (ValueError, RecursionError):
        pass
    charset = _charset(content_type)
    words = _decoded(charset, declared, content)
    if words is None:
        return Body("file", _ANY if _TEXT_TYPE.match(declared) else declared)
    if len(words) <= _MAX_BLANK and not text.clean(words).strip():
        return Body("nothing", declared)
    if not content.isascii() and words.lstrip()[:1] in ("{", "["):
        try:
            return Body("json", "application/json", json.loads(words), charset=charset)
        except (ValueError, RecursionError):
            pass
    return Body("text", "text/plain" if declared == _ANY else declared, text=words, charset=charset)


def _declared(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else _ANY


def _agrees(declared: str, magic: str) -> bool:
    """Tell if the declared type can be told by these first bytes: containers hold many types."""
    match magic:
        case "application/zip" | "application/gzip":
            return declared.startswith("application/") and declared not in (_ANY, "application/pdf")
        case "video/mp4" | "audio/mp4" | "audio/ogg" | "video/webm":
            return declared.startswith(("audio/", "video/"))
        case _:
            return False


def _charset(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    return _known(found[1]) if found else ""


def _known(charset: str) -> str:
    """Return the charset if it is one, in small letters, else ""."""
    try:
        codecs.lookup(charset)
    except LookupError:  # windows-1259 only looks like one
        return ""
    return charset.lower() if _CHARSETS.fullmatch(charset) else ""


def _decoded(charset: str, declared: str, content: bytes) -> str | None:
    """Return the text, by the charset that is declared if it is right, None if it is none."""
    is_text = bool(_TEXT_TYPE.match(declared))
    if not is_text:
        return _plain(content) if declared == _ANY or not _BINARY_TYPE.match(declared) else None
    bom = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for name in (*([charset] if charset else ()), "utf-8-sig", "utf-16" if bom else "latin-1"):
        try:
            words = content.decode(name).removeprefix("\ufeff")
        except (UnicodeError, LookupError):
            continue
        if "\x00" not in words:
            return words
    return None


def _plain(content: bytes) -> str | None:
    """Return the bytes as text that says of itself that it is, None if they are none."""
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        words = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeError:
        return None
    return None if _CONTROL.search(words) else words


def sniff(content: bytes) -> str:
    """Return the type that the first bytes tell, "" if they tell none that is known."""
    for start, kind in _MAGIC:
        if content.startswith(start):
            return kind if kind not in IMAGES or _is_image(kind, content) else ""
    if content[:4] == b"RIFF":
        kind = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12], "")
        return kind if kind not in IMAGES or _is_image(kind, content) else ""
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "video/mp4")
    # The frames of an MP3: eleven bits, then a version and a layer that exist.
    return "audio/mpeg" if content[:1] == b"\xff" and content[1:2] in (b"\xfb", b"\xf3", b"\xf2", b"\xfa") else ""


def _is_image(kind: str, content: bytes) -> bool:
    """Tell if the header is an image's: with one that cannot be read, some clients lose the whole conversation."""
    match kind:
        case "image/png":
            return content[8:16] == b"\x00\x00\x00\rIHDR" and len(content) > 33 and _has_size(content[16:24], 4)
        case "image/gif":
            table = 3 << ((content[10] & 7) + 1) if content[10:11] >= b"\x80" else 0
            return _has_size(content[6:10], 2) and content[13 + table : 14 + table] in (b"!", b",")
        case "image/webp":
            size = int.from_bytes(content[4:8], "little")
            return content[12:16] in (b"VP8 ", b"VP8L", b"VP8X") and 12 < size <= len(content) - 8
        case _:
            return len(content) > 4 and 0xC0 <= content[3] < 0xFF


def _has_size(numbers: bytes, each: int) -> bool:
    """Tell if width and height are there and not zero."""
    return len(numbers) == 2 * each and any(numbers[:each]) and any(numbers[each:])


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)
_BRANDS = {b"M4A ": "audio/mp4", b"heic": "image/heic", b"heix": "image/heic", b"avif": "image/avif"}


# Names

_PART = r"(?:^|;)\s*filename"
_EXTENDED = re.compile(_PART + r"\*\s*=\s*([\w-]{1,20})'[\w-]{0,20}'([^;\s]{1,1000})", re.IGNORECASE)
_QUOTED = re.compile(_PART + r"\s*=\s*\"((?:[^\"\\]|\\.){1,1000})\"", re.IGNORECASE)
_TOKEN = re.compile(_PART + r"\s*=\s*([^\";\s][^;]{0,1000})", re.IGNORECASE)
_UNFIT = re.compile(r"[^\w .,()\[\]+=@~&#-]+")


def name_of(headers: Mapping[str, str], title: str, media_type: str) -> str:
    """Return the file's name as the provider tells it (RFC 6266), else one from the title; never a path."""
    for given in _given_names(headers.get("content-disposition", "")):
        if name := _file_name(given):
            return name
    return (_file_name(title.replace("/", " ")) or "file") + _EXTENSIONS.get(media_type, ".bin")


def _given_names(header: str) -> Iterable[str]:
    header = header[:_MAX_HEADER_CHARS]
    if (found := _EXTENDED.search(header)) and (charset := _known(found[1])):
        yield unquote_to_bytes(found[2]).decode(charset, "replace")
    if found := _QUOTED.search(header):
        yield re.sub(r"\\(.)", r"\1", found[1]) if not re.match(r"[A-Za-z]:\\|\\\\", found[1]) else found[1]
    elif found := _TOKEN.search(header):
        yield found[1]


def _file_name(name: str) -> str:
    """Return the last part of the path, of plain characters, not hidden, and short, with its extension."""
    last = text.line(name, _MAX_HEADER_CHARS).replace("\\", "/").rpartition("/")[2]
    plain = _UNFIT.sub("_", last).strip(" .")
    stem, dot, extension = plain.rpartition(".")
    if not dot or not stem or len(extension) > 10:
        return plain[:_MAX_NAME_CHARS].strip(" .")
    return f"{stem[: _MAX_NAME_CHARS - len(extension) - 1].strip(' .')}.{extension}"
