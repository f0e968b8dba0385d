"""The catalogue's tables: what is kept of the account, as jobs on a database.

`kept` holds whatever is loaded as a whole (the platforms, an action's document, what is known of a listing), by name,
as compressed JSON. `actions` holds the rows of the listings, one by one, so that none has to be read for the sake of
another; `index` finds them by words.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any, cast

from pica_mcp.catalog import index
from pica_mcp.models import Action, ActionDetails

logger = logging.getLogger(__name__)

FORMAT = 1
"""Counts up when the tables change, or what is worked out for them from the same answers of Pica's: names, words."""

_MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 200
_MAX_LOOKED_AT = 10_000
_KEEP_SHARE = 0.8
_YEAR_10000 = 253_402_300_800.0
_COLUMNS = "name, about, platform, id, title, key, method, path, model, tags"
_SCHEMA = (
    """CREATE TABLE kept (what TEXT PRIMARY KEY, grouped TEXT NOT NULL, as_of REAL NOT NULL, etags TEXT NOT NULL,
    body BLOB NOT NULL)""",
    "CREATE INDEX kept_group ON kept (grouped, as_of)",
    """CREATE TABLE actions (row INTEGER PRIMARY KEY, platform TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL,
    name TEXT NOT NULL, title TEXT NOT NULL, key TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    model TEXT NOT NULL, tags TEXT NOT NULL, about TEXT NOT NULL)""",
    "CREATE INDEX actions_place ON actions (platform, place)",
    "CREATE INDEX actions_name ON actions (name, platform)",
    "CREATE INDEX actions_id ON actions (platform, id)",
    "CREATE INDEX actions_title ON actions (platform, title)",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is kept: its JSON, since when it is true, and by which ETags it may be asked for again."""

    value: Any
    as_of: float
    """Seconds since 1970."""
    etags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """An action of a listing: the name of its tool, and the first line of its description."""

    action: Action
    name: str
    about: str = ""


def catalogue_file(base_url: str, secret: str, name_max: int) -> str:
    """Return the name of an account's file, which tells nothing of its secret; `name_max` as names were made with."""
    told = f"{base_url}\0{secret}".encode("utf-8", "surrogatepass")
    account = blake2b(told, digest_size=12, person=b"pica-mcp cache").hexdigest()
    kind = "" if index.is_available() else "p"  # neither could use what the other makes
    return f"{account}-{FORMAT}{kind}-{name_max}.db"


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables of an empty database. Raises `sqlite3.DatabaseError` if it is of another format."""
    if not index.is_available():
        logger.warning("the SQLite of this Python has no FTS5: searches take longer")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == FORMAT:
        return
    if version or db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise sqlite3.DatabaseError("it is of another format")
    for statement in _SCHEMA:
        db.execute(statement)
    index.create(db)
    db.execute(f"PRAGMA user_version={FORMAT}")


# Whatever is kept by name


def entry(what: str, read: Callable[[Any], Any] = lambda value: value) -> Callable[[sqlite3.Connection], Entry | None]:
    """Return the job that reads what is kept by this name; `read` makes of its JSON what it stands for.

    What `read` refuses with `ValueError`, `TypeError` or `LookupError` is damage.
    """

    def job(db: sqlite3.Connection) -> Entry | None:
        found = db.execute("SELECT body, as_of, etags FROM kept WHERE what = ?", (writable(what),)).fetchone()
        with _as_it_was_written():
            return found and Entry(read(_unpacked(found[0])), _moment(found[1]), _words(found[2]))

    return job


def keep(db: sqlite3.Connection, what: str, kept: Entry, group: str = "") -> None:
    """Keep it in the place of what was kept by this name. A group is forgotten as one: a platform, or one thing."""
    values = (writable(what), writable(group or what), kept.as_of, json.dumps(kept.etags), _packed(kept.value))
    db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", values)


def confirm(db: sqlite3.Connection, what: str, as_of: float) -> None:
    """Note that what is kept is still true."""
    db.execute("UPDATE kept SET as_of = max(as_of, ?) WHERE what = ?", (as_of, writable(what)))


def drop(db: sqlite3.Connection, what: str) -> None:
    """Forget what is kept by this name."""
    db.execute("DELETE FROM kept WHERE what = ?", (writable(what),))


def forget(db: sqlite3.Connection, platform: str) -> None:
    """Forget the platform's listing and documents."""
    _forget_rows(db, platform)
    db.execute("DELETE FROM kept WHERE grouped = ?", (writable(platform),))


def _forget_rows(db: sqlite3.Connection, platform: str) -> None:
    index.remove(db, writable(platform))
    db.execute("DELETE FROM actions WHERE platform = ?", (writable(platform),))


def writable(words: str) -> str:
    """Return the words without half characters, which no database takes."""
    return words.encode("utf-8", "replace").decode()


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode())


def _unpacked(body: bytes) -> Any:
    return json.loads(zlib.decompressobj().decompress(body, _MAX_BODY_BYTES))


def _moment(as_of: Any) -> float:
    if not 0 <= as_of < _YEAR_10000:
        raise ValueError
    return float(as_of)


def _words(written: str) -> tuple[str, ...]:
    words = cast(object, json.loads(written))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in cast(list[object], words)):
        raise ValueError
    return tuple(cast(list[str], words))


@contextmanager
def _as_it_was_written() -> Generator[None]:
    """Tell what was never written so as damage, which costs the file and nobody's request."""
    try:
        yield
    except (zlib.error, ValueError, TypeError, LookupError, RecursionError):
        raise sqlite3.DatabaseError("what is kept cannot be read") from None


# The rows of listings


def add(db: sqlite3.Connection, platform: str, rows: Iterable[Row]) -> None:
    """Write the rows of a platform that has none."""
    numbered: list[tuple[int, Action, str]] = []
    for place, row in enumerate(rows):
        one = row.action
        words = (one.id, row.name, one.title, one.key, one.method, one.path, one.model, json.dumps(one.tags), row.about)
        cursor = db.execute(
            "INSERT INTO actions (platform, place, id, name, title, key, method, path, model, tags, about)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (writable(platform), place, *map(writable, words)),
        )
        numbered.append((cursor.lastrowid or 0, one, row.about))
    index.add(db, numbered)


def listed(db: sqlite3.Connection, platform: str) -> tuple[Row, ...]:
    """Return the platform's rows in Pica's order."""
    return _rows(db, "platform = ? ORDER BY place", platform)


def named(db: sqlite3.Connection, platform: str, name: str) -> Action | None:
    """Return the platform's action of this name."""
    return next((row.action for row in _rows(db, "name = ? AND platform = ?", name, platform)), None)


def platform_of(db: sqlite3.Connection, name: str) -> str | None:
    """Return the platform that has an action of this name, if it is a single one."""
    found = [row.action.platform for row in _rows(db, "name = ? LIMIT 2", name)]
    return found[0] if len(found) == 1 else None


def platforms(db: sqlite3.Connection) -> tuple[str, ...]:
    """Return the platforms that have actions here, in order."""
    with _as_it_was_written():
        return tuple(str(name) for (name,) in db.execute("SELECT DISTINCT platform FROM actions ORDER BY platform"))


def like(db: sqlite3.Connection, platform: str, action: Action) -> tuple[Row, ...]:
    """Return the platform's rows that may be the action: of its id, or without one and of its title."""
    same_id = _rows(db, "platform = ? AND id = ? AND id != ''", platform, action.id)
    return same_id + _rows(db, "platform = ? AND title = ? AND id = ''", platform, action.title)


def titled(db: sqlite3.Connection, action: Action) -> int:
    """Return how many rows of its platform have its title."""
    values = writable(action.platform), writable(action.title)
    return db.execute("SELECT count(*) FROM actions WHERE platform = ? AND title = ?", values).fetchone()[0]


def found(
    db: sqlite3.Connection,
    platforms: Sequence[str],
    terms: Sequence[Sequence[str]],
    limit: int,
    wanted: Callable[[Action], bool] = lambda _: True,
) -> tuple[Row, ...]:
    """Return the rows whose words fit best, best first, of those that are `wanted`."""
    numbers = islice(index.find(db, platforms, terms), _MAX_LOOKED_AT)
    rows = (row for number in numbers for row in _rows(db, "row = ?", number))
    return tuple(islice((row for row in rows if wanted(row.action)), limit))


def _rows(db: sqlite3.Connection, where: str, *values: str | int) -> tuple[Row, ...]:
    given = tuple(writable(value) if isinstance(value, str) else value for value in values)
    with _as_it_was_written():
        return tuple(map(_row, db.execute(f"SELECT {_COLUMNS} FROM actions WHERE {where}", given)))  # noqa: S608


def _row(columns: Sequence[Any]) -> Row:
    if not all(isinstance(one, str) for one in columns):
        raise TypeError
    name, about, platform, action_id, title, key, method, path, model, tags = columns
    action = Action.model_construct(  # it was checked when it came from Pica
        platform=platform,
        id=action_id,
        title=title,
        key=key,
        method=method,
        path=path,
        model=model,
        tags=_words(tags),
    )
    return Row(action, name, about)


# Documents


def replace(
    db: sqlite3.Connection,
    platform: str,
    rows: Iterable[Row],
    documents: Iterable[ActionDetails] | None,
    as_of: float,
) -> None:
    """Write the platform's rows in the place of those that were known, and so its documents, if these are all."""
    if documents is None:
        _forget_rows(db, platform)
    else:
        forget(db, platform)
    add(db, platform, rows)
    for one in documents or ():
        keep(db, document_key(platform, one.id), Entry(dumped(one), as_of), platform)


def document_key(platform: str, action_id: str) -> str:
    """Return the name by which a document is kept: whatever another platform says, it is not about this action."""
    return f"document:{platform}:{action_id}"


def dumped(document: ActionDetails) -> dict[str, Any]:
    """Return the document as JSON; a schema that is too deep for whoever writes or reads it is left out."""
    facts = {name: getattr(document, name) for name in ActionDetails.model_fields}
    return {**facts, "io_schema": {}} if _is_deep(document.io_schema) else facts


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast(dict[Any, Any], value).values()
    return cast(list[Any], value) if isinstance(value, list) else ()


def document(db: sqlite3.Connection, platform: str, action_id: str) -> ActionDetails | None:
    """Return the document of an action that is listed, if it is at hand."""
    listed = "SELECT 1 FROM actions WHERE platform = ? AND id = ?"
    if db.execute(listed, (writable(platform), writable(action_id))).fetchone() is None:
        return None
    found = entry(document_key(platform, action_id))(db)
    with _as_it_was_written():
        return found and ActionDetails.model_validate(found.value, by_name=True)


def revision(db: sqlite3.Connection, what: str) -> str | None:
    """Return the revision of the listing that is kept by this name, None if there is none."""
    found = db.execute("SELECT etags FROM kept WHERE what = ?", (writable(what),)).fetchone()
    with _as_it_was_written():
        return next(iter(_words(found[0])), "") if found else None


def documents(db: sqlite3.Connection, platform: str) -> tuple[ActionDetails, ...]:
    """Return the documents that are at hand of the platform's actions."""
    found = db.execute("SELECT body FROM kept WHERE grouped = ? AND what LIKE 'document:%'", (writable(platform),))
    with _as_it_was_written():
        return tuple(ActionDetails.model_validate(_unpacked(body), by_name=True) for (body,) in found)


# Room


def make_room(db: sqlite3.Connection, max_bytes: int, spared: str = "") -> None:
    """If the database holds more than this, forget what was not confirmed for longest: nobody has used it since.

    What is `spared` was just written, and may be of an older load than what was written before.
    """
    if used_bytes(db) <= max_bytes:
        return
    groups = db.execute("SELECT grouped FROM kept GROUP BY grouped ORDER BY max(as_of)").fetchall()
    for group in (group for (group,) in groups if group != writable(spared)):
        if used_bytes(db) <= max_bytes * _KEEP_SHARE:
            break
        forget(db, group)
    for _ in range(_pragma(db, "freelist_count")):
        db.execute("PRAGMA incremental_vacuum(1)")  # which this driver never does more than once


def used_bytes(db: sqlite3.Connection) -> int:
    """Return how much of the database is in use."""
    return (_pragma(db, "page_count") - _pragma(db, "freelist_count")) * _pragma(db, "page_size")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return db.execute(f"PRAGMA {name}").fetchone()[0]
