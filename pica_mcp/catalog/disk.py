"""The catalogue's database: one SQLite file for an account, shared by all processes that serve it, or none at all.

Whoever asks gets what is there, and never an error for the file's sake: one that is damaged is made anew, and where
none can be kept (nowhere to write, a full disk) the same tables live in memory, which is said once in the log. Threads
do the reading and writing of a file, so that a slow disk keeps nobody else waiting.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from pica_mcp.catalog.folder import files

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 10.0
_PATIENCE_SECONDS = 30.0
_CLOSE_SECONDS = 1.0
_MAX_JOURNAL_BYTES = 16 * 1024 * 1024
_MAX_IDLE_SECONDS = 90 * 86_400.0
_BESIDE = ("", "-wal", "-shm", "-journal")

# What lies in the place, where a new file would be no better. Whatever else goes wrong, the file is to blame.
_PLACE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_FILE = frozenset({sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_READONLY_DBMOVED})

ResultT = TypeVar("ResultT")
Job = Callable[[sqlite3.Connection], ResultT]


class Lost(Exception):
    """What was in the database is gone; it goes on empty. Load it anew, and ask again."""


class Disk:
    """The database of one account.

    `place` tells its file each time, or None for memory: if it is another one than before, that is let go of. `prepare`
    makes the tables of an empty one, and raises `sqlite3.DatabaseError` for one of another format.
    """

    def __init__(self, place: Callable[[], Awaitable[Path | None]], prepare: Job[None]) -> None:
        self._place = place
        self._prepare = prepare
        self._opening = anyio.Lock()
        self._database: _Database | None = None
        self._asked: Path | None = None
        self._reading = anyio.Lock()
        self._writing = anyio.Lock()

    @property
    def file(self) -> Path | None:
        """The file that is used, None as long as there is none."""
        return self._database and self._database.file

    async def read(self, job: Job[ResultT]) -> ResultT:
        """Return what the job reads, all of it as it was at one moment. Raises `Lost`."""
        async with self._reading:
            return await self._run(_Database.read, job)

    async def write(self, job: Job[ResultT]) -> ResultT:
        """Return the job's result when all that it changed is written, or nothing of it. Raises `Lost`."""
        async with self._writing:
            return await self._run(_Database.write, job)

    def close(self) -> None:
        """Let go of the file. A thread that is still at work lets go of it when it ends."""
        if self._database:
            self._database.close()
        self._database = None

    async def _run(self, run: Callable[[_Database, Job[ResultT]], ResultT], job: Job[ResultT]) -> ResultT:
        database = await self._opened()
        try:
            if database.file is None:
                return run(database, job)
            with anyio.fail_after(_PATIENCE_SECONDS):
                return await anyio.to_thread.run_sync(run, database, job, abandon_on_cancel=True)
        except (sqlite3.Error, TimeoutError) as error:
            await self._lose(database, error)
            raise Lost from None

    async def _opened(self) -> _Database:
        place = await self._place()
        if self._database and place == self._asked:
            return self._database
        async with self._opening:
            moved = self._database is not None and place != self._asked
            if moved:  # the secret is another account's
                self.close()
            if self._database is None:
                self._asked = place
                self._database = await self._open(place, _from_file)
        if moved:
            raise Lost
        return self._database

    async def _lose(self, database: _Database, error: Exception) -> None:
        """Go on with an empty database, for all who ask from now on; whoever comes late has nothing to lose."""
        async with self._opening:
            if database is not self._database:
                return
            self._database = None
            if _lies_in_the_place(error):
                _say_nothing_is_kept(database.file, error)
                await anyio.to_thread.run_sync(database.close)
                self._database = _in_memory(self._prepare)
            else:
                _say_it_is_made_anew(database.file, error)
                self._database = await self._open(database.file, database.replaced)

    async def _open(self, file: Path | None, open_: Callable[[Path, Job[None]], _Database]) -> _Database:
        try:
            if file:
                return await anyio.to_thread.run_sync(open_, file, self._prepare)
        except (sqlite3.Error, OSError) as error:
            _say_nothing_is_kept(file, error)
        return _in_memory(self._prepare)


class _Line:
    """A connection that one thread at a time may use."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._ended = False

    def run(self, job: Job[ResultT], begin: str) -> ResultT:
        with self._lock:
            try:
                with _transaction(self._connection, begin):
                    return job(self._connection)
            finally:
                if self._ended:
                    self._connection.close()

    def close(self) -> None:
        taken = self._lock.acquire(blocking=False)
        if not taken:
            self._connection.interrupt()
            self._ended = True  # it is the thread's to close, should it hang on a disk that does not answer
            taken = self._lock.acquire(timeout=_CLOSE_SECONDS)
        if taken:
            self._connection.close()
            self._lock.release()


class _Database:
    """A database that is open, with a line to read by while somebody writes; in memory, one does for both."""

    def __init__(self, reader: _Line, writer: _Line, file: Path | None = None) -> None:
        self.file = file
        self._reader = reader
        self._writer = writer
        self._inode = file and _inode(file)

    def read(self, job: Job[ResultT]) -> ResultT:
        return self._reader.run(job, "BEGIN")

    def write(self, job: Job[ResultT]) -> ResultT:
        if self._has_moved():  # what is written now would be nobody's
            raise sqlite3.DatabaseError("it was removed")
        return self._writer.run(job, "BEGIN IMMEDIATE")

    def replaced(self, file: Path, prepare: Job[None]) -> _Database:
        """Return a new one in the place of this one, unless somebody else has put one there already."""
        with _alone(file):
            has_moved = self._has_moved()  # as long as this is open, its number is no other file's
            self.close()
            if not has_moved:
                _unlink(file)
            return _prepared(file, prepare)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def _has_moved(self) -> bool:
        return self.file is not None and _inode(self.file) != self._inode


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


# Opening and removing


def _in_memory(prepare: Job[None]) -> _Database:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    prepare(connection)
    line = _Line(connection)
    return _Database(line, line)


def _from_file(file: Path, prepare: Job[None]) -> _Database:
    """Open the file, or a new one where that cannot be used. Only its owner may look into it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_idle_beside(file)
    with _alone(file):
        try:
            return _prepared(file, prepare)
        except sqlite3.Error as error:
            if _lies_in_the_place(error):
                raise
            _say_it_is_made_anew(file, error)
            _unlink(file)
            return _prepared(file, prepare)


def _prepared(file: Path, prepare: Job[None]) -> _Database:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise sqlite3.DatabaseError("it is no file") from None
        with suppress(OSError):
            os.utime(file)  # reading alone would leave no trace of its use
    with ExitStack() as failing:
        writer, reader = (failing.enter_context(closing(connected(file))) for _ in range(2))
        if not writer.execute("PRAGMA page_count").fetchone()[0]:  # later it would only take the lock
            writer.execute("PRAGMA auto_vacuum=INCREMENTAL")
        writer.execute("PRAGMA journal_mode=WAL")  # readers go on while somebody writes
        with _transaction(writer, "BEGIN"):
            prepare(writer)
        reader.execute("SELECT 1 FROM sqlite_master").fetchone()  # from here on it has its journal open
        failing.pop_all()
        return _Database(_Line(reader), _Line(writer), file)


def connected(file: Path) -> sqlite3.Connection:
    """Return a connection that waits a while for others."""
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with ExitStack() as failing:
        failing.callback(connection.close)
        connection.execute(f"PRAGMA journal_size_limit={_MAX_JOURNAL_BYTES}")
        connection.execute("PRAGMA synchronous=NORMAL")  # what a power cut takes is loaded again
        connection.execute("PRAGMA cache_size=-1024")
        failing.pop_all()
        return connection


def remove(file: Path) -> None:
    """Remove a database with what lies beside it, as far as that is possible; who uses it goes on with a new one."""
    with suppress(sqlite3.Error, OSError), _alone(file):
        _unlink(file)


def _remove_idle_beside(file: Path) -> None:
    """Remove the other files that nobody has used for long: once a secret is another one, so is its file."""
    with suppress(OSError):
        for other in files(file.parent):
            if other.path != file and other.used_at < time.time() - _MAX_IDLE_SECONDS:
                remove(other.path)


def _unlink(file: Path) -> None:
    for suffix in _BESIDE:
        with suppress(OSError):
            file.with_name(file.name + suffix).unlink(missing_ok=True)


@contextmanager
def _alone(file: Path) -> Generator[None]:
    """Keep out the other processes that open or remove: no database may get the journal of another of its name."""
    lock = file.with_suffix(".lock")
    if lock.exists() and lock.stat().st_size:  # nobody has ever written there
        lock.unlink()
    with closing(sqlite3.connect(lock, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def looking(file: Path) -> Generator[sqlite3.Connection]:
    """Look into a database that some process may be using, changing nothing. Raises `sqlite3.Error`."""
    # Where no journal is, nobody uses it, and SQLite would make one even to read.
    unused = not file.with_name(f"{file.name}-wal").exists()
    uri = f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if unused else ''}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection


def _inode(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lies_in_the_place(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return not isinstance(error, sqlite3.Error) or (code & 0xFF in _PLACE and code not in _FILE)


def _say_it_is_made_anew(file: Path | None, error: Exception) -> None:
    if file:
        logger.warning("%s cannot be used (%s); it is made anew", file, error)


def _say_nothing_is_kept(file: Path | None, error: Exception) -> None:
    if file:
        logger.warning("nothing is kept in %s (%s); the server works from memory only", file, error)
