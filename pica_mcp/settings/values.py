"""The room of settings, its values: what each must be. All of it is pure but for a look at the folders that are named.

A function returns what the value means, or raises a `ValueError` that completes "PICA_X is '...', but must be ...".
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pica_mcp import text
from pica_mcp.effects import Rule, parse_rule
from pica_mcp.patterns import Pattern, ToolPattern, parse, parse_tools

_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_.-]*")

Raw = str | tuple[str, ...]
"""What was written: a text, which is a list if there are commas in it, or the items of a list."""

ValueT = TypeVar("ValueT")


class BadItem(ValueError):
    """One of a list is wrong: it is told by itself, since the list may be long and hold keys."""

    def __init__(self, item: str, allowed: str, must: str = "must") -> None:
        super().__init__(allowed)
        self.item = item
        self.must = must


# Words and numbers


def one_of(value: str, choices: object) -> str:
    """Return the choice, in whatever letter case it is written."""
    words = [str(choice) for choice in cast(tuple[object, ...], choices)]
    if value.lower() in words:
        return value.lower()
    raise ValueError(f"one of {', '.join(words)}")


def switch(value: str) -> bool:
    """Return whether it is on."""
    return one_of(value, ("true", "false", "1", "0")) in ("true", "1")


def count(value: str) -> int:
    """Return the number."""
    if not re.fullmatch(r"[1-9]\d{0,6}", value):
        raise ValueError("a whole number above 0")
    return int(value)


def within(value: str, least: int, most: int) -> int:
    """Return the number."""
    if not re.fullmatch(r"[1-9]\d{0,6}", value) or not least <= int(value) <= most:
        raise ValueError(f"a whole number from {least} to {most}")
    return int(value)


# Folders


def folder(value: str) -> Path | None:
    """Return the folder, None for none. It has to be there: made here, a slip would make another one."""
    if not value:
        return None
    path = _expanded(value)
    if not path.is_absolute() or not os.path.isdir(path):  # noqa: PTH112 - nor what is too long, or forbidden
        raise ValueError("the full path of a folder that exists")
    return path.resolve()


def cache(value: str, environ: Mapping[str, str]) -> Path | None:
    """Return the folder, which is made when it is needed; None for none, and where nobody knows a user's folder."""
    if value.lower() == "off":
        return None
    if not value:
        place = _users_cache(environ)
        return place and place / "pica-mcp"
    path = _expanded(value)
    try:
        wrong = not path.is_absolute() or not stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:  # what is not there is made, and what cannot be reached is done without
        wrong = error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP)
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError("off, or the full path of a folder")
    return path


def _users_cache(environ: Mapping[str, str]) -> Path | None:
    """Return where programs of the user keep what they can make anew."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    places = {"win32": environ.get("LOCALAPPDATA"), "darwin": home and f"{home}/Library/Caches"}
    place = Path(environ.get("XDG_CACHE_HOME") or places.get(sys.platform) or (f"{home}/.cache" if home else ""))
    return place if place.is_absolute() else None


def _expanded(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a folder whose home there is") from None


# Lists


def rules(value: Raw) -> tuple[Rule, ...]:
    """Return the operator's own words on what actions do."""
    return tuple(_each(_rule, _listed(value)))


def tool_patterns(value: Raw) -> tuple[ToolPattern, ...]:
    """Return which tools are meant."""
    return tuple(_each(parse_tools, _listed(value)))


def allowed_connections(value: Raw) -> frozenset[str] | None:
    """Return the keys, None for all."""
    keys = _allowed(value, "connection keys like live::gmail::…", lambda key: "::" in key)
    return None if keys is None else frozenset(keys)


def allowed_platforms(value: Raw) -> frozenset[str] | None:
    """Return the names in small letters, None for all."""
    names = _allowed(value, "names like gmail", lambda name: _PLATFORM.fullmatch(name.lower()))
    return None if names is None else frozenset(map(str.lower, names))


def allowed_actions(value: Raw) -> tuple[Pattern, ...] | None:
    """Return which actions are meant, None for all."""
    written = _allowed(value, "action ids, or patterns like 'gmail GET /gmail/*',", bool)
    return None if written is None else tuple(_each(parse, written))


def connection_names(value: Raw) -> Mapping[str, str]:
    """Return connection → what it is called. A name is one clean line, and no two are alike, letter case aside."""
    called: dict[str, str] = {}
    for written in _listed(value):
        ((name, connection),) = _each(_pair, [written])
        if name != text.line(name, 60) or "::" in name or "(" in name:
            raise BadItem(written, "names of at most 60 plain characters, without brackets or ::")
        if "::" not in connection and not re.fullmatch(r"[\w.-]+/.+", connection):
            raise BadItem(written, "names of connections, each given by its key or as platform/label")
        if connection in called or name.casefold() in map(str.casefold, called.values()):
            raise BadItem(written, "one name for each connection, and one connection for each name")
        called[connection] = name
    return called


def default_connections(value: Raw) -> Mapping[str, str]:
    """Return platform → the label or key of the connection to use."""
    defaults: dict[str, str] = {}
    for written in _listed(value):
        ((platform, name),) = _each(_pair, [written])
        if not _PLATFORM.fullmatch(platform.lower()) or platform.lower() in defaults:
            raise BadItem(written, "platforms like gmail, each once, with the label or key of one of its connections")
        defaults[platform.lower()] = name
    return defaults


def _rule(written: str) -> Rule:
    if written.startswith("="):
        raise ValueError("PATTERN=EFFECT like gmail POST /search=read; there is no pattern before the =")
    return parse_rule(written)


def _pair(written: str) -> tuple[str, str]:
    left, found, right = map(str.strip, written.partition("="))
    if not (left and found and right):
        raise ValueError("pairs like Work=live::gmail::… or gmail=Work, parted by commas")
    return left, right


def _allowed(value: Raw, what: str, fits: Callable[[str], object]) -> list[str] | None:
    """Return the allowlist, None for all. What can match nothing, such as a label, is told at once."""
    names = _items(value)
    if names == ["*"]:
        return None
    must_be = f"* alone, or {what} parted by commas"
    if not names:
        raise ValueError(must_be)
    if wrong := next((name for name in names if name == "*" or not fits(name)), None):
        raise BadItem(wrong, must_be)
    return names


def _listed(value: Raw) -> list[str]:
    """Return the items; to take nothing but commas for nothing would hide a slip."""
    items = _items(value)
    if value and not items:
        raise ValueError("parted by commas, not commas alone")
    return items


def _items(value: Raw) -> list[str]:
    if isinstance(value, str):
        value = tuple(value.split(","))
    return [item.strip() for item in value if item.strip()]


def _each(parse: Callable[[str], ValueT], items: Iterable[str]) -> Iterator[ValueT]:
    for item in items:
        try:
            yield parse(item)
        except ValueError as error:
            raise BadItem(item, str(error), "each item must") from error
