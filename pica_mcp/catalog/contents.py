"""What is kept of the catalogue on disk, counted and in words: for people who ask, while servers may be using it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pica_mcp.catalog.disk import looking
from pica_mcp.catalog.folder import File, files

MB = 1024 * 1024
_AGES = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


@dataclass(frozen=True, slots=True)
class Contents:
    """What is kept of an account, and since when the oldest and the newest of its platforms are known to be so."""

    platforms: frozenset[str]
    actions: int
    documents: int
    lists: int
    """Lists of tools, as clients were shown them last."""
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the folder: the account's own file, what it holds or why that cannot be read, and the other files."""

    own: File | None = None
    inside: Contents | None = None
    others: tuple[File, ...] = ()
    damage: str = ""


class Unreadable(Exception):
    """The file is none of ours, or damaged."""


def look(folder: Path, name: str) -> Kept:
    """Return what is in the folder, changing nothing; `name` is that of the account's own file.

    Raises `OSError` if the folder cannot be read.
    """
    there = files(folder)
    own = next((file for file in there if file.path.name == name), None)
    others = tuple(file for file in there if file is not own)
    try:
        return Kept(own, own and contents(own.path), others)
    except Unreadable as error:
        return Kept(own, None, others, str(error))


def contents(file: Path) -> Contents:
    """Count what is kept in the file, changing nothing. Raises `Unreadable`."""
    try:
        with looking(file) as db:
            return _counted(db)
    except sqlite3.Error as error:
        raise Unreadable(str(error)) from None


def _counted(db: sqlite3.Connection) -> Contents:
    listings = db.execute("SELECT grouped, as_of FROM kept WHERE what > 'listing:' AND what < 'listing;'").fetchall()
    (actions,) = db.execute("SELECT count(*) FROM actions").fetchone()
    moments = sorted(filter(None, (_moment(as_of) for _, as_of in listings)))
    return Contents(
        frozenset(str(platform) for platform, _ in listings),
        actions,
        _count(db, "document"),
        _count(db, "list"),
        *((moments[0], moments[-1]) if moments else ()),
    )


def _count(db: sqlite3.Connection, kind: str) -> int:
    """Return how much is kept by names like `kind:...`, which are next to each other in their index."""
    names = f"{kind}:", f"{kind};"
    return db.execute("SELECT count(*) FROM kept WHERE what > ? AND what < ?", names).fetchone()[0]


def why_off(*, sandbox: bool) -> str:
    """Return why nothing is kept where no folder is set."""
    return "the sandbox is new every time" if sandbox else "PICA_CACHE is off, or nobody knows your folder"


def size(size_bytes: int) -> str:
    """Return how big it is, in words."""
    return f"{size_bytes / MB:,.1f} MB" if size_bytes >= MB else f"{size_bytes / 1024:,.0f} kB"


def share(file: File, max_mb: int) -> str:
    """Return how much of the room that there is the file takes, in words."""
    return f"{size(file.size_bytes)} of at most {max_mb:,} MB"


def age(moment: datetime) -> str:
    """Return how long ago that was, in words."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, name in _AGES:
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name} ago"
    return "just now"


def _moment(as_of: Any) -> datetime | None:
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(as_of, UTC)
    return None
