"""The room of settings, its file: TOML, read where it is named and nowhere else, and checked key by key.

What comes out is what a variable would hold, or the items of a list, so that values mean the same wherever they are
written. No error shows a value, since any line may hold the secret.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pica_mcp import text
from pica_mcp.errors import InvalidSettings
from pica_mcp.settings.options import FORMS, OPTIONS, Form, in_full
from pica_mcp.settings.sources import Written, nearest
from pica_mcp.settings.values import Raw

_MAX_BYTES = 256 * 1024
_PLACE = re.compile(r"(.+) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_MUST_BE: Mapping[Form, str] = {
    "text": "text in quotes",
    "path": "text in quotes",
    "number": "a whole number without quotes",
    "switch": "true or false without quotes",
    "list": "a list of texts in quotes, or one text",
    "pairs": "a table or a list of texts in quotes, or one text",
}
_SECRETS_EXAMPLES = {
    "secret": '"YOUR-PICA-SECRET"',
    "secret_file": '"pica-secret.txt"',
    "secret_command": '["op", "read", "op://Private/Pica/key"]',
    "secret_keyring": '"pica-mcp/ada"',
}


def read(named: str, name: str) -> Written:
    """Return what the file says. `name` is what errors call the setting that names it.

    Raises `InvalidSettings` if it cannot be read, is no TOML, or has a key or a kind of value that is no setting's.
    """
    try:
        path = Path(named).expanduser().absolute()
    except RuntimeError:
        raise InvalidSettings(f"{name} is {named!r}, but there is no such home.", "Give a full path.") from None
    except ValueError:
        raise InvalidSettings(f"{name} is {named!r}, but no file has such a name.", "Correct the path.") from None
    except OSError:
        raise InvalidSettings("The folder that you are in is gone.", "Go to another one, then try again.") from None
    content, mode = _content(path, name)
    said = _parsed(content, path)
    found = {key: _placed(key, _checked(key, value, path), path.parent) for key, value in said.items()}
    exposed = "secret" in found and os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH)
    warning = f"{path} holds the secret, and others may read it. Run: chmod 600 {shlex.quote(str(path))}"
    return Written(path, found, (warning,) if exposed else ())


def _content(path: Path, name: str) -> tuple[bytes, int]:
    """Return the content and the file's mode. Only of a plain file: a pipe may have no end, or nobody who writes."""
    wrong = f"{name} is {str(path)!r}, but"
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InvalidSettings(f"{wrong} that is a folder.", "Name the file in it.")
        if not stat.S_ISREG(mode):
            raise InvalidSettings(f"{wrong} that is no plain file.", "Name one that is.")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidSettings(f"{wrong} there is no such file.", "Correct the path.") from None
    except (OSError, ValueError) as error:  # a path with a NUL in it, or with half a character
        reason = getattr(error, "strerror", None) or "no file has such a name"
        problem = f"{wrong} it cannot be read: {reason}."
        raise InvalidSettings(problem, "Correct the path, or the file's mode.") from None
    if len(content) > _MAX_BYTES:
        raise InvalidSettings(f"{wrong} it is longer than {_MAX_BYTES // 1024} kB.", "Name a settings file.")
    return content, mode


def _parsed(content: bytes, path: Path) -> Mapping[str, Any]:
    """Return what is written. Errors are raised unchained, since those that come from below hold the whole file."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # editors of Windows put a mark before it
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem, remedy = f"{path} is not UTF-8 text: see line {line}.", "Save it as UTF-8."
    except tomllib.TOMLDecodeError as error:
        problem, remedy = _malformed(str(error), path)
    except (ValueError, RecursionError):
        problem, remedy = f"{path} has a number that is too long, or brackets nested too deeply.", "Correct it."
    raise InvalidSettings(problem, remedy)


def _malformed(told: str, path: Path) -> tuple[str, str]:
    """Return what is wrong, as far as the reader of TOML tells, and what to do."""
    found = _PLACE.fullmatch(told)
    why, line, column = found.groups() if found else ("it cannot be read", None, None)
    place = f"line {line}, column {column}" if line else "its end"
    remedy = "Correct it; texts stand in quotes."
    if "hex" in why or "scape" in why:
        remedy = "In double quotes a backslash is written twice; single quotes take text as it is."
    if why == "Cannot overwrite a value":
        why, remedy = "the same is said twice", "Remove one of them."
    return f"{path} is no TOML at {place}: {why[:1].lower()}{text.line(why[1:], 100)}.", remedy


# What it says


def _checked(key: str, value: Any, path: Path) -> Raw:
    """Return the value as a variable would hold it, or as items. It may be empty, which matters only if it is used."""
    if key not in FORMS:
        near = _near(key, 0.7)
        hint = f"Did you mean {near}?" if near else "Remove it, or use one of those that pica-mcp serve --help lists."
        raise InvalidSettings(f"{text.line(key, 60)} in {path} is no setting.", hint)
    if isinstance(value, dict) and FORMS[key] == "pairs":
        _refuse_strays(key, cast(dict[str, Any], value), path)
    try:
        return _raw(FORMS[key], value)
    except ValueError as error:
        problem = f"{key} in {path} is {error}, but must be {_MUST_BE[FORMS[key]]}."
        raise InvalidSettings(problem, f"Write it like this: {line_of(key)}") from None


def _near(key: str, likeness: float) -> str:
    """Return the key that is most like this one, which may be spelt like a variable."""
    return nearest(key.lower().removeprefix("pica_"), FORMS, likeness)


def _refuse_strays(key: str, table: Mapping[str, Any], path: Path) -> None:
    """Raise for what is no line of the table: a setting that slipped under its heading would do nothing there."""
    for left in table:
        if meant := _near(left, 0.9):
            problem = f"{text.line(left, 60)} stands in the table {key} of {path}."
            raise InvalidSettings(problem, f"Put {meant} before the table, or write {key} as a list.")
        if "=" in left and key != "effects":  # as a list has it, the pair would be parted there
            raise InvalidSettings(f"{text.line(left, 60)} in {key} of {path} has a = in it.", "Choose another name.")


def _raw(form: Form, value: Any) -> Raw:
    """Return the value of this form. Raises `ValueError`, which tells what it is instead, never what it says."""
    match value:
        case bool() if form == "switch":
            return "true" if value else "false"
        case int() if form == "number" and not isinstance(value, bool) and abs(value) < 2**63:
            return str(value)
        case str() if form in ("text", "path", "list", "pairs"):
            return _text(value)
        case list() if form in ("list", "pairs"):
            return tuple(_items(cast(list[Any], value)))
        case dict() if form == "pairs":
            return tuple(_pairs(cast(dict[str, Any], value)))
        case _:
            raise ValueError(_kind(value))


def _text(value: str) -> str:
    if "\0" in value:  # which no variable can hold, nor the path of a file
        raise ValueError("text with a NUL in it")
    return value.strip()


def _items(values: list[Any]) -> Iterator[str]:
    for item in values:
        if not isinstance(item, str):
            raise ValueError(f"a list with {_kind(item)} in it")  # noqa: TRY004 - as every other fault here
        if not item.strip():
            raise ValueError("a list with an empty text in it")
        yield _text(item)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    """Return the table's lines as `left=right`, as they are written in a list."""
    for left, right in table.items():
        if not isinstance(right, str):
            raise ValueError(f"a table with {_kind(right)} in it")  # noqa: TRY004 - likewise
        if not left.strip() or not right.strip():
            raise ValueError("a table with an empty text in it")
        yield f"{_text(left)}={_text(right)}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text in quotes"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _placed(key: str, value: Raw, folder: Path) -> Raw:
    return in_full(key, value, folder) if isinstance(value, str) else value


# How it is written


def line_of(key: str) -> str:
    """Return how the key is written, with its default or an example."""
    if key in _SECRETS_EXAMPLES:
        return f"{key} = {_SECRETS_EXAMPLES[key]}"
    option = next(option for option in OPTIONS if option.name == key)
    return f"{key} = {_toml(option.default or option.example, option.form)}"


def _toml(value: str, form: Form) -> str:
    match form:
        case "number" | "switch":
            return value
        case "list":
            return f"[{', '.join(map(_quoted, value.split(',')))}]"
        case "pairs":
            left, _, right = value.rpartition("=")
            return f"{{ {left if left.isalnum() else _quoted(left)} = {_quoted(right)} }}"
        case "text" | "path":
            return _quoted(value)


def _quoted(value: str) -> str:
    return f'"{value}"'
