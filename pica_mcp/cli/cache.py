"""`pica-mcp cache`: what is kept of the catalogue on disk, shown or cleared."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import anyio

from pica_mcp.catalog import catalogue_file
from pica_mcp.catalog.contents import Contents, Unreadable, contents
from pica_mcp.catalog.disk import remove
from pica_mcp.catalog.folder import File, files
from pica_mcp.cli.streams import log_to_stderr, print_anything
from pica_mcp.cli.told import Row, lines
from pica_mcp.errors import SecretUnavailable
from pica_mcp.settings import Settings

MB = 1024 * 1024
_OFF = "Nothing is kept on disk: {}."
_AGES = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


# Showing


@dataclass(frozen=True, slots=True)
class _Found:
    """What is in the folder: this account's file, what it holds, the other files, and why not all of it is told."""

    name: str = ""
    own: File | None = None
    inside: Contents | None = None
    others: tuple[File, ...] = ()
    problem: str = ""


def show(settings: Settings, *, as_json: bool) -> int:
    """Print what is kept, changing nothing and asking nobody but for the secret: 1 if not all of it can be told."""
    log_to_stderr(settings.log_level)
    print_anything()
    found = _Found() if settings.cache is None else _look(settings, settings.cache)
    if as_json:
        print(json.dumps(_document(settings, found), indent=2))
    else:
        print("\n".join(lines(_rows(settings, found), get_terminal_size().columns)))
    if found.problem:
        print(f"pica-mcp: {found.problem}", file=sys.stderr)
    return 1 if found.problem else 0


def _look(settings: Settings, folder: Path) -> _Found:
    name, problem = "", ""
    try:
        name = _name(settings)
    except SecretUnavailable as error:
        problem = f"Which file is this account's cannot be told. {error}"
    try:
        there = files(folder)
    except OSError as error:
        return _Found(problem=f"{folder} cannot be read: {error.strerror}. Correct PICA_CACHE, or its mode.")
    own = next((file for file in there if file.path.name == name), None)
    held = None
    try:
        held = own and contents(own.path)
    except Unreadable as error:
        problem = f"{name} cannot be read ({error}). A server makes it anew, or clear it."
    return _Found(name, own, held, tuple(file for file in there if file is not own), problem)


def _name(settings: Settings) -> str:
    """Return the name of this account's file. Raises `SecretUnavailable`."""
    secret = anyio.run(settings.secret.read)
    if not secret:
        raise SecretUnavailable("No secret is configured.", "Set PICA_SECRET.")
    return catalogue_file(settings.base_url, secret, settings.tool_name_max)


def _account(name: str) -> str:
    """Return what the names of all files of the account begin with."""
    return f"{name.partition('-')[0]}-"


def _rows(settings: Settings, found: _Found) -> Iterator[Row]:
    if settings.cache is None:
        yield Row("", off(settings))
        return
    yield Row("", "What is kept of the catalogue")
    yield Row("")
    yield Row("  Folder     ", str(settings.cache), whole=True)
    if found.own:
        yield Row("  File       ", f"{found.name}, {share(settings, found.own)}")
    elif found.name:
        yield Row("  File       ", "nothing is kept of this account; a server keeps what it loads, as does refresh")
    if found.inside:
        yield from _inside_rows(found.inside)
    if found.others:
        yield Row("")
        yield Row("", "Other files, which nobody reads with these settings; those unused for 90 days are removed")
    for file in found.others:
        whose = " of this account" if found.name and file.path.name.startswith(_account(found.name)) else ""
        yield Row(f"  {file.path.name}  ", f"{_size(file.size_bytes)}{whose}, last used {_day(file.used_at)}")


def _inside_rows(inside: Contents) -> Iterator[Row]:
    now = datetime.now(UTC)
    yield Row("  Holds      ", counts(len(inside.platforms), inside.actions, inside.documents))
    if inside.oldest and inside.newest:
        ages = [_age((now - moment).total_seconds()) for moment in (inside.newest, inside.oldest)]
        yield Row("  Loaded     ", ages[0] if ages[0] == ages[1] else f"{ages[0]}, the oldest {ages[1]}")
    yield Row("  Tools      ", f"{some(inside.lists, 'list')} of them, as clients were shown them last")


def _document(settings: Settings, found: _Found) -> dict[str, Any]:
    return {
        "folder": settings.cache and str(settings.cache),
        "max_bytes": settings.cache_mb * MB,
        "file": found.name or None,
        "bytes": found.own.size_bytes if found.own else 0,
        "contents": found.inside and _inside_json(found.inside),
        "others": [
            {"file": file.path.name, "bytes": file.size_bytes, "last_used": _moment(file.used_at).isoformat()}
            for file in found.others
        ],
        "problem": found.problem or None,
    }


def _inside_json(inside: Contents) -> dict[str, Any]:
    return {
        "platforms": sorted(inside.platforms),
        "actions": inside.actions,
        "documents": inside.documents,
        "lists": inside.lists,
        "oldest": inside.oldest and inside.oldest.isoformat(),
        "newest": inside.newest and inside.newest.isoformat(),
    }


# Clearing


def clear(settings: Settings, *, everything: bool) -> int:
    """Remove this account's files, or those of all accounts: 1 if one of them stays."""
    log_to_stderr(settings.log_level)
    print_anything()
    if settings.cache is None:
        print(off(settings))
        return 0
    try:
        begin = "" if everything else _account(_name(settings))
        doomed = [file for file in files(settings.cache) if file.path.name.startswith(begin)]
    except SecretUnavailable as error:
        print(f"pica-mcp: {error} Or clear all accounts' files: pica-mcp cache clear --all", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"pica-mcp: {settings.cache} cannot be read: {error.strerror}. Correct PICA_CACHE.", file=sys.stderr)
        return 1
    freed = [file.size_bytes for file in doomed if _removed(file)]
    print(f"Removed {some(len(freed), 'file')}, {_size(sum(freed))}." if freed else "There is nothing to remove.")
    return 1 if len(freed) < len(doomed) else 0


def _removed(file: File) -> bool:
    remove(file.path)
    if file.is_there:
        print(f"pica-mcp: {file.path} cannot be removed. End whoever uses it, then try again.", file=sys.stderr)
    return not file.is_there


# Words


def off(settings: Settings) -> str:
    """Return why nothing is kept."""
    return _OFF.format(
        "the sandbox is new every time" if settings.sandbox else "PICA_CACHE is off, or nobody knows your folder"
    )


def some(count: int, noun: str) -> str:
    """Return so many of them, in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counts(platforms: int, actions: int, documents: int | None = None) -> str:
    """Return how much of the catalogue it is."""
    known = "" if documents is None else f", {some(documents, 'document')}"
    return f"{some(platforms, 'platform')}, {some(actions, 'action')}{known}"


def share(settings: Settings, file: File) -> str:
    """Return how much of the room that there is the file takes."""
    return f"{_size(file.size_bytes)} of at most {settings.cache_mb:,} MB"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MB:,.1f} MB" if size_bytes >= MB else f"{size_bytes / 1024:,.0f} kB"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(seconds: float) -> str:
    return f"{_moment(seconds):%Y-%m-%d}"


def _age(seconds: float) -> str:
    for unit, name in _AGES:
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name} ago"
    return "just now"
