"""`key=value` on a command line: the arguments of a call, out of words as a shell hands them over. Pure.

    key=text                text; a tool that wants a number, true or false, or JSON there reads it as that
    key:=json               JSON as it is written
    key=@file, key:=@file   the text, or the JSON, of a file; - is stdin
    key@file                a file to send, with its name
    key[inner]=text         inside of an object
    key[0]=, key[]=         in a list: at this place, or at its end
    key=1 key=2             a list of both

Files are read by a function that is handed in.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias
from urllib.parse import quote

from pica_mcp import text
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import as_list, as_object

Read: TypeAlias = Callable[[str], bytes]
"""Returns what is in the file; - is stdin. Raises `InvalidArguments` if it cannot be read."""

STDIN = "-"

_WORD = re.compile(r"(?P<name>[^\[\]=@]+?)(?P<inside>(?:\[[^\[\]]*\])*)(?P<sign>:=@|:=|=@|=|@)(?P<value>.*)", re.DOTALL)
_INNER = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"0|[1-9][0-9]{0,8}")
_MAX_DEPTH = 20
_SHOWN_CHARS = 60
_NOTHING = object()
_FORMS = "Write key=text, key:=JSON or key=@file, without blanks around the sign."


def parse(words: Iterable[str], read: Read) -> dict[str, Any]:
    """Return the arguments that the words give. Raises `InvalidArguments` for what could mean this or that."""
    given: Any = {}
    for word in words:
        found = _WORD.fullmatch(word)
        if not found:
            raise InvalidArguments(f"{_shown(word)} is no argument.", _FORMS)
        steps = [found["name"], *map(_step, _INNER.findall(found["inside"]))]
        if len(steps) > _MAX_DEPTH:
            raise InvalidArguments(f"{_shown(word)} is nested too deeply.", "Write the object as key:=JSON.")
        value = _value(found["sign"], found["value"], word, read)
        given = _laid(given, steps, value, _shown(found["name"] + found["inside"]))
    return dict(as_object(given))


def whole(written: str, read: Read) -> dict[str, Any]:
    """Return all arguments as one object: JSON, or after @ the name of a file of it, or - for stdin."""
    if written.startswith("@") or written == STDIN:
        return _object(_text(written.removeprefix("@"), read), f"what is in {_shown(written)}")
    return _object(written, _shown(written))


def _object(written: str, where: str) -> dict[str, Any]:
    value = _json(written, where)
    if not isinstance(value, dict):
        raise InvalidArguments(f"The arguments have to be one JSON object, which {where} is not.", "Write '{...}'.")
    return dict(as_object(value))


def _step(written: str) -> str | int | None:
    """Return the key of an object, the place in a list, or None for the end of one."""
    return int(written) if _PLACE.fullmatch(written) else written or None


def _value(sign: str, written: str, word: str, read: Read) -> Any:
    match sign:
        case ":=":
            return _json(written, _shown(word))
        case ":=@":
            return _json(_text(written, read), f"what is in {_shown(written)}")
        case "=@":
            return _text(written, read)
        case "@":
            return _file(written, read(written))
        case _:
            return written


def _json(written: str, where: str) -> Any:
    try:
        return json.loads(written, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidArguments(f"There is no JSON in {where}.", "For text, write key=text.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(path: str, read: Read) -> str:
    try:
        return read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidArguments(
            f"{_shown(path)} is no text in UTF-8.", "To send it as a file, write key@file."
        ) from None


def _file(path: str, content: bytes) -> str:
    """Return the file as the line takes it: as a `data:` URI, whose type is told by its name."""
    head = "application/octet-stream" if path == STDIN else f";name={quote(PurePath(path).name, safe='')}"
    return f"data:{head};base64,{b64encode(content).decode()}"


def _laid(node: Any, steps: Sequence[str | int | None], value: Any, where: str) -> Any:
    """Return what is there already with the value in its place."""
    if not steps:
        return _joined(node, value, where)
    step, *rest = steps
    if isinstance(step, str):
        if node is not _NOTHING and not isinstance(node, dict):
            raise _unclear(where)
        members = as_object({} if node is _NOTHING else node)
        return {**members, step: _laid(members.get(step, _NOTHING), rest, value, where)}
    if node is not _NOTHING and not isinstance(node, list):
        raise _unclear(where)
    items = as_list([] if node is _NOTHING else node)
    place = len(items) if step is None else step
    if place > len(items):
        raise InvalidArguments(f"{where} leaves places of the list out.", "Begin at [0], or write [] for the next one.")
    inner = items[place] if place < len(items) else _NOTHING
    return [*items[:place], _laid(inner, rest, value, where), *items[place + 1 :]]


def _joined(node: Any, value: Any, where: str) -> Any:
    """Return the value, in a list with what was given under the same key before."""
    if node is _NOTHING:
        return value
    if isinstance(node, dict) or isinstance(value, dict | list):
        raise _unclear(where)
    return [*(as_list(node) if isinstance(node, list) else [node]), value]


def _unclear(where: str) -> InvalidArguments:
    return InvalidArguments(
        f"{where} is given in two ways.", "Give it once, as key:=JSON where it holds several values."
    )


def _shown(words: str) -> str:
    return f"'{text.line(words, _SHOWN_CHARS)}'"
