"""The room of the record: one JSON line per call, always, also when it was refused, cancelled or crashed.

    time, request        when the call came (UTC), and the client's id of the request
    caller, identity_type  whom it was for: the identity's id, hashed on request; null for the whole account
    tool, action, platform, connection, effect   what was called, through which account (always hashed)
    decision, reason     what access and the person said; why it ended as it did, in a word
    outcome, status      how it ended; the HTTP status, if there was an answer
    attempts, sent, received, ms   requests, bytes and milliseconds that it took

Never in it: arguments, bodies, messages of errors, keys, secrets. What a model wrote may be any of these, so a name
enters only once it was found: a call of an unknown tool has `tool` null.

Lines are written at once and in place. That takes microseconds; by way of a thread it would take ten times as long, and
a crash or a cancelled call, which is when the line is needed, would lose it.
"""

from __future__ import annotations

import errno
import hmac
import json
import logging
import os
import re
import select
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Literal

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.errors import Busy, CallError, OutcomeUnknown, PicaError, Reason, Refused, TimedOut
from pica_mcp.models import Effect

logger = logging.getLogger(__name__)

# Six fields as long as can be fit into the 4,096 bytes that Linux writes to a pipe as a whole or not at all.
_MAX_CHARS = 200
_MAX_WRITTEN_CHARS = 400
_SHORT_CHARS = 32
_MAX_FILE_BYTES = 10_000_000
_KEPT_FILES = 5
_HASH_DIGITS = 16
_MAX_DIGESTS = 1_024


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    ERROR = "error"  # the provider or Pica answered with an error, or could not be reached
    INVALID = "invalid"  # the arguments, or the name of the tool or action
    DENIED = "denied"
    BUSY = "busy"
    ASKED = "asked"  # the person is being asked; the client comes back with the answer
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a write was sent, and may have been applied
    CRASHED = "crashed"


# The first that fits an exception.
_OUTCOMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (Refused, Outcome.DENIED),
    (CallError, Outcome.INVALID),
    (Busy, Outcome.BUSY),
    (OutcomeUnknown, Outcome.UNKNOWN),
    (TimedOut, Outcome.TIMEOUT),
    (PicaError, Outcome.ERROR),
    (Exception, Outcome.CRASHED),
    (BaseException, Outcome.CANCELLED),  # what is no Exception is no failure: somebody ended the call
)

Decision = Literal["", "allowed", "refused", "confirmed", "declined"]
"""Empty: it never came to that. The last two are the person's."""


@dataclass(slots=True)
class Entry:
    """What is known of a call, filled in as the line learns it: by what was found, never by what the client said."""

    request_id: str | int | None
    caller: Identity = field(repr=False)
    tool: str = ""
    action: str = ""
    platform: str = ""
    connection: str = field(default="", repr=False)
    """The connection's key; only its hash is written."""

    effect: Effect | None = None
    decision: Decision = ""
    reason: Reason | str = ""
    outcome: Outcome | None = None
    status: int | None = None
    attempts: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0

    def failed(self, error: BaseException) -> None:
        """Note how the call ended, by the kind of error and never its text, where that is not known better already."""
        self.outcome = self.outcome or next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
        if isinstance(error, Refused):
            self.decision = self.decision or ("declined" if error.reason is Reason.DECLINED else "refused")
            self.reason = self.reason or error.reason
        if isinstance(error, PicaError):
            self.status, self.attempts = self.status or error.status, max(self.attempts, error.attempts)
        # Its class as a word of the record: `UnknownTool` is `unknown_tool`.
        word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
        self.reason = self.reason or ("cancelled" if self.outcome is Outcome.CANCELLED else word)


class Audit:
    """Writes one line for each call, to nowhere if `sink` is None.

    `key` is what connections are hashed with, and callers with `hash_callers`; as long as it is empty, such fields are
    null. It must not raise. `clock` counts seconds, `now` tells the time in UTC.
    """

    def __init__(
        self,
        sink: Stream | File | None,
        *,
        key: Callable[[], bytes],
        hash_callers: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.failures = 0
        """How often the sink failed."""
        self._failures_in_a_row = 0
        self._sink = sink
        self._key = key
        self._hash_callers = hash_callers
        self._clock = clock
        self._now = now
        self._digest = lru_cache(_MAX_DIGESTS)(_digest)

    @contextmanager
    def call(self, request_id: str | int | None, caller: Identity) -> Generator[Entry]:
        """Write one line at the end of the block, however it ends; raises and swallows nothing itself."""
        entry, came, began = Entry(request_id, caller), self._now(), self._clock()
        try:
            yield entry
        except BaseException as error:
            entry.failed(error)
            raise
        finally:
            if self._sink:
                self._write(self._sink, self._line(entry, came, (self._clock() - began) * 1000))

    def shown_caller(self, caller: Identity) -> str | None:
        """Return what lines tell of the caller."""
        who = caller.id or ""
        return self._digest(self._key(), "caller", who) if self._hash_callers else _bounded(who)

    def shown_connection(self, key: str) -> str | None:
        """Return what lines tell of the connection with this key."""
        return self._digest(self._key(), "connection", key)

    def close(self) -> None:
        """Let go of the sink."""
        if self._sink:
            self._sink.close()

    def _line(self, entry: Entry, came: datetime, ms: float) -> bytes:
        fields = {
            "time": came.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request": _bounded(_spelt(entry.request_id)),
            "caller": self.shown_caller(entry.caller),
            "identity_type": entry.caller.type,
            "tool": _bounded(entry.tool),
            "action": _bounded(entry.action),
            "platform": _bounded(entry.platform),
            "connection": self.shown_connection(entry.connection),
            "effect": entry.effect,
            "decision": entry.decision or None,
            "reason": _bounded(entry.reason),
            "outcome": entry.outcome or (Outcome.ERROR if (entry.status or 0) >= 400 else Outcome.OK),
            "status": entry.status,
            "attempts": entry.attempts,
            "sent": entry.bytes_sent,
            "received": entry.bytes_received,
            "ms": round(ms, 1),
        }
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"

    def _write(self, sink: Stream | File, line: bytes) -> None:
        try:
            sink.write(line)
        except OSError as error:
            self.failures += 1
            self._failures_in_a_row += 1
            # Nobody reads what is full: to tell it there would wait for ever.
            if self._failures_in_a_row == 1 and not isinstance(error, BlockingIOError):
                logger.error("recording calls fails: %s", error)  # noqa: TRY400 - the traceback tells nothing
        else:
            if self._failures_in_a_row:
                logger.warning("recording calls works again; it failed %d times", self._failures_in_a_row)
            self._failures_in_a_row = 0


def _bounded(value: str) -> str | None:
    """Return the text, cut so that its JSON is short as well: an emoji is twelve characters there. Null if empty."""
    value = text.cap(value, _MAX_CHARS)
    while len(value) > _SHORT_CHARS and len(json.dumps(value)) > _MAX_WRITTEN_CHARS:
        value = text.cap(value, len(value) // 2)
    return value or None


def _spelt(request_id: str | int | None) -> str:
    if isinstance(request_id, int) and request_id.bit_length() > 64:
        return hex(request_id)  # Python refuses to spell thousands of digits in decimals
    return "" if request_id is None else str(request_id)


def _digest(key: bytes, what: str, value: str) -> str | None:
    """Return a keyed hash, which nobody without the key can find by trying; `what` keeps kinds of values apart."""
    if not key or not value:
        return None
    return hmac.digest(key, f"{what}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()[:_HASH_DIGITS]


class Stream:
    """A descriptor, such as standard error, to which nothing is written that would have to wait."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._torn = False

    def write(self, line: bytes) -> None:
        """Write the line as a whole, or raise `OSError`; one that a full disk tore is ended before the next."""
        # Many a client never reads our standard error. Once that is full, a write would stop the server for good.
        if hasattr(select, "poll"):
            ready = select.poll()
            ready.register(self.descriptor, select.POLLOUT)
            if not ready.poll(0):
                raise BlockingIOError(errno.EAGAIN, "nobody reads")
        whole = b"\n" + line if self._torn else line
        self._torn = os.write(self.descriptor, whole) < len(whole)
        if self._torn:
            raise OSError(errno.ENOSPC, "a line was written in part")

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)


class File:
    """A file, put aside once it is full, under its name with a time; several processes may write to the same one.

    Every line is one appending write, so they do not mix. Names aside are unique, so that no file replaces another even
    where two processes put it aside at once; one that still holds the old file notices with its next line.
    """

    def __init__(self, path: Path, max_bytes: int = _MAX_FILE_BYTES, kept: int = _KEPT_FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._stream: Stream | None = self._open()

    def write(self, line: bytes) -> None:
        """Write the line as a whole, or raise `OSError`; also if the file is full and cannot be put aside."""
        if not self._stream or not self._in_place(self._stream):
            self.close()
            self._stream = self._open()
        self._stream.write(line)
        full = os.fstat(self._stream.descriptor).st_size >= self._max_bytes
        if full and self._in_place(self._stream):
            self._put_aside()

    def close(self) -> None:
        """Close the file."""
        if self._stream:
            self._stream.close()
        self._stream = None

    def _open(self) -> Stream:
        with suppress(FileNotFoundError):
            if not S_ISREG(self._path.stat().st_mode):
                raise OSError(errno.EINVAL, "not a plain file")  # to open a pipe would wait for its reader
        # No line end of Windows', and no link that somebody else has put there.
        flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        return Stream(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | flags, 0o600))

    def _in_place(self, stream: Stream) -> bool:
        """Tell if the file at the path is still the one that is open: others put it aside or delete it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(stream.descriptor))
        except FileNotFoundError:
            return False

    def _put_aside(self) -> None:
        self.close()  # Windows renames no open file
        with suppress(FileNotFoundError):
            self._path.rename(f"{self._path}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{os.getpid()}")
        for path in _aside(self._path)[: -self._kept]:
            path.unlink(missing_ok=True)


def _aside(path: Path) -> list[Path]:
    """Return the files that were put aside, the oldest first. Raises `OSError`."""
    ours = re.compile(re.escape(path.name) + r"\.\d{8}T\d{12}Z-\d+")
    return sorted(one for one in path.parent.iterdir() if ours.fullmatch(one.name))


def open_sink(where: str) -> Stream | File | None:
    """Return the sink for `stderr`, `off` (None) or a file's path. Raises `ValueError`, which says what it must be."""
    if where == "off":
        return None
    try:
        if where == "stderr":
            # A copy: a number that somebody closes may be given to a socket next.
            return Stream(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else -1))
        return File(_path(where))
    except (OSError, RuntimeError) as error:
        raise ValueError(f"something that can be written to: {error}") from error


def files_of(where: str) -> list[Path]:
    """Return the file that calls are recorded in, after those that were put aside, the oldest first.

    Raises `ValueError`, which says what it must be, and `RuntimeError` where there is no home for `~`.
    """
    path = _path(where)
    try:
        return [*_aside(path), path]
    except OSError:  # no such folder, or one that may not be looked into: the file itself tells
        return [path]


def _path(where: str) -> Path:
    """Return the file that is meant. Raises as `files_of` does."""
    check(where)
    return Path(where).expanduser().absolute()


def check(where: str) -> None:
    """Raise `ValueError`, which says what it must be, for a word that means nothing."""
    # A bare word is a misspelt one, and the folder that a client starts us in is anybody's guess.
    if where not in ("stderr", "off") and Path(where).name == where:
        raise ValueError("stderr, off, or the path of a file with its folder")


def obstacle(where: str) -> str:
    """Return what keeps a server that is started now from recording there, as far as can be told; makes nothing.

    Empty if there is nothing. A server of another user may fare otherwise.
    """
    if where in ("stderr", "off"):
        return ""
    try:
        path = _path(where)
        if not path.parent.is_dir():
            return "its folder does not exist"
        if path.is_symlink():
            return "it is a link"
        if path.exists() and not path.is_file():
            return "it is not a plain file"
        if path.exists() and not os.access(path, os.W_OK):
            return "it cannot be written to"
    except ValueError as error:
        return f"it must be {error}"
    except (OSError, RuntimeError) as error:
        return str(error)
    if os.access(path.parent, os.W_OK | os.X_OK):
        return ""
    problem = "its folder cannot be written to"
    return f"{problem}, so it cannot be put aside when it is full" if path.exists() else problem
