"""What a database of the catalogue holds, counted: for people who ask, while servers may be using it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pica_mcp.catalog.disk import looking


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


class Unreadable(Exception):
    """The file is none of ours, or damaged."""


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


def _moment(as_of: Any) -> datetime | None:
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(as_of, UTC)
    return None
