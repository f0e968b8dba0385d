"""The room of the account's secret: where it comes from, when it is read, and when again.

It is read when it is first needed, never before, and anew when Pica refuses it, so that it can be rotated while the
server runs. No error, log or repr of this room holds it, and no error is chained to one that could.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from subprocess import DEVNULL
from threading import Thread
from typing import Any

import anyio
from anyio.abc import Process

from pica_mcp.errors import SecretUnavailable

logger = logging.getLogger(__name__)

_DEADLINE_SECONDS = 20.0
_PAUSE_SECONDS = 10.0
_MAX_RENEWALS = 3
"""In one pause. Two secrets may follow each other quickly; more are a command that makes a new one each time."""

_MAX_BYTES = 8 * 1024
_FORM = re.compile(r"[\x21-\x7e]{8,}")
_REMEDY = "Ask the operator to put it right."
_ENDINGS = (".com", ".exe", ".bat", ".cmd", "") if os.name == "nt" else ("",)
"""What may follow the name of a program in its file's name."""


def is_well_formed(value: str) -> bool:
    """Tell if the value can be a secret, which travels in a header."""
    return bool(_FORM.fullmatch(value))


# Where it comes from. Each tells which variable, or which line of which file, says so; none shows what it holds.


@dataclass(frozen=True, slots=True)
class Fixed:
    """The secret itself."""

    text: str = field(repr=False)
    variable: str = field(default="PICA_SECRET", compare=False)

    async def read(self) -> str:
        """Return it."""
        return self.text


@dataclass(frozen=True, slots=True)
class File:
    """A file with nothing else in it."""

    path: Path
    variable: str = field(default="PICA_SECRET_FILE", compare=False)

    async def read(self) -> str:
        """Return what the file holds, without the spaces around it. Raises `SecretUnavailable`."""
        return _formed(await _aside(self._read, self.variable), f"{self.variable}, {str(self.path)!r},")

    def _read(self) -> bytes:
        try:
            # Only a plain file: a pipe has no end, or gives what is in it only once.
            if self.path.exists() and not self.path.is_file():
                raise _unavailable(f"{self.variable} is {str(self.path)!r}, which is not a file.")
            with self.path.open("rb") as file:
                return file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise _unavailable(
                f"{self.variable} is {str(self.path)!r}, which cannot be read: {error.strerror}."
            ) from None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that prints it as its first line. It runs without a shell, without input, and not for long."""

    words: tuple[str, ...] = field(repr=False)
    variable: str = field(default="PICA_SECRET_COMMAND", compare=False)
    environment: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    """What it runs with, None for what this process has."""
    folder: Path | None = field(default=None, compare=False)
    """Where it runs, None for where this process does."""

    async def read(self) -> str:
        """Return what the command prints. Raises `SecretUnavailable`; whatever ends this ends the command."""
        try:
            with anyio.fail_after(_DEADLINE_SECONDS):
                code, printed = await _run(self)
        except TimeoutError:
            raise _unavailable(f"{self.variable} took longer than {_DEADLINE_SECONDS:.0f} s.") from None
        except (OSError, ValueError) as error:  # the latter, for a folder that nothing can be called
            reason = getattr(error, "strerror", None) or "no folder has such a name"
            raise _unavailable(f"{self.variable} cannot be run: {reason}.") from None
        if code:
            raise _unavailable(f"{self.variable} failed with exit code {code}.")
        first = printed if len(printed) > _MAX_BYTES else printed.partition(b"\n")[0]
        return _formed(first, f"What {self.variable} prints")


@dataclass(frozen=True, slots=True)
class Keyring:
    """An entry of the system's keyring."""

    service: str
    username: str
    variable: str = field(default="PICA_SECRET_KEYRING", compare=False)

    async def read(self) -> str:
        """Return the entry. Raises `SecretUnavailable`."""
        return _formed(await _aside(self._read, self.variable), f"What {self.variable} names")

    def _read(self) -> bytes:
        found: str | None = self._ask("read from", "get_password", self.service, self.username)
        return (found or "").encode()

    def keep(self, value: str) -> None:
        """Put the secret there, in place of what is there. Raises `SecretUnavailable`."""
        self._ask("put into", "set_password", self.service, self.username, value)

    def _ask(self, what: str, name: str, *values: str) -> Any:
        try:
            keyring = import_module("keyring")
        except ImportError:
            raise SecretUnavailable(
                f"{self.variable} needs a package that is not installed.",
                "Ask the operator to install the package keyring beside pica-mcp.",
            ) from None
        try:
            return getattr(keyring, name)(*values)
        except Exception as error:  # noqa: BLE001 - a boundary: keyrings are plugins, and raise what they like
            failure = type(error).__name__  # no more, and unchained: nobody knows what such an error holds
        raise _unavailable(f"{self.variable} cannot be {what} the keyring: {failure}.")


Source = Fixed | File | Command | Keyring


def has_keyring() -> bool:
    """Tell if there is a keyring of the system's to keep a secret in; plain files and the like are none."""
    try:
        return bool(import_module("keyring").get_keyring().priority >= 1)
    except Exception:  # noqa: BLE001 - a boundary: keyrings are plugins, and raise what they like
        return False


# When it is read


class Secret:
    """The account's secret. However many ask for it, it is read once."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._reading = anyio.Lock()
        self._values: tuple[str, ...] = (source.text,) if isinstance(source, Fixed) else ()
        self._failure = ""
        self._failed_at = 0.0
        self._renewed: dict[str, float] = {}
        """Refused secret → when it was read anew for that."""

    @property
    def variable(self) -> str:
        """The setting that it comes from."""
        return self._source.variable

    @property
    def environment(self) -> str:
        """The environment that it opens, which must be the connection's too; empty while it has not been read."""
        if not self._values:
            return ""
        return "test" if self._values[0].startswith(("sk_test_", "id_test_")) else "live"

    @property
    def values(self) -> tuple[str, ...]:
        """The secret and the one before it: what must not be shown, wherever it comes from."""
        return self._values

    async def get(self) -> str:
        """Return the secret, reading it if that was not done yet.

        Raises `SecretUnavailable`, for ten seconds without another try: a command may take its time, a keyring ask.
        """
        if not self._values:
            async with self._reading:
                if not self._values:
                    self._values = (await self._first(),)
        return self._values[0]

    async def _first(self) -> str:
        if self._failure and self._clock() < self._failed_at + _PAUSE_SECONDS:
            raise SecretUnavailable(self._failure)
        try:
            return await self._source.read()
        except SecretUnavailable as error:
            self._failure, self._failed_at = str(error), self._clock()
            raise

    async def renew(self, refused: str) -> bool:
        """Read it anew, since Pica refused this one, and tell if there is another one now.

        For one refused secret that is done once in ten seconds: a wrong one must not run a command with each call.
        """
        async with self._reading:
            if self._values[:1] != (refused,):  # another one knows by now
                return True
            now = self._clock()
            self._renewed = {value: at for value, at in self._renewed.items() if now < at + _PAUSE_SECONDS}
            if refused in self._renewed or len(self._renewed) >= _MAX_RENEWALS:
                return False
            try:
                value = await self._source.read()
            except SecretUnavailable as error:
                logger.warning("Pica refuses the secret, and it cannot be read anew: %s", error)
                value = refused
            self._renewed[refused] = self._clock()
            if value == refused:
                return False
            self._values = (value, refused)
            logger.info("Pica refused the secret, and there is another one now")
            return True


# How it is read


def _unavailable(problem: str) -> SecretUnavailable:
    return SecretUnavailable(problem, _REMEDY)


def _formed(raw: bytes, what: str) -> str:
    """Return the secret. Decoding never raises: its error would hold what could not be decoded."""
    if len(raw) > _MAX_BYTES:
        raise _unavailable(f"{what} is longer than {_MAX_BYTES // 1024} kB.")
    value = raw.decode("utf-8-sig", "replace").strip()  # editors of Windows put a mark before it
    if not value:
        raise _unavailable(f"{what} is empty.")
    if not is_well_formed(value):
        raise _unavailable(f"{what} is malformed.")
    return value


async def _aside(read: Callable[[], bytes], variable: str) -> bytes:
    """Read in a thread that holds up nobody, not even the end of the program: disks hang, and keyrings ask people."""
    ours, its = socket.socketpair()
    outcome: list[bytes | SecretUnavailable] = []

    def run() -> None:
        with its:  # closing it wakes us
            try:
                outcome.append(read())
            except SecretUnavailable as error:
                outcome.append(error.with_traceback(None))

    Thread(target=run, daemon=True).start()
    with ours, anyio.move_on_after(_DEADLINE_SECONDS):
        await anyio.wait_readable(ours)
    if not outcome:
        raise _unavailable(f"{variable} took longer than {_DEADLINE_SECONDS:.0f} s to read.")
    if isinstance(outcome[0], SecretUnavailable):
        raise outcome[0]
    return outcome[0]


async def _run(command: Command) -> tuple[int, bytes]:
    """Return the command's exit code and what it printed, or the first bytes of too much."""
    process = await anyio.open_process(
        [_program(command), *command.words[1:]],
        stdin=DEVNULL,
        stderr=DEVNULL,
        cwd=command.folder,
        env=command.environment,
        start_new_session=True,  # so that it can be ended with all that it has started
    )
    async with process:
        printed, code = b"", None
        try:
            assert process.stdout  # noqa: S101 - it is a pipe unless told otherwise
            async for chunk in process.stdout:
                printed += chunk
                if len(printed) > _MAX_BYTES:
                    return 0, printed
            code = await process.wait()
            return code, printed
        finally:
            if code is None:
                _kill(process)


def _program(command: Command) -> str:
    """Return the path of the program. Raises `OSError` if there is none of that name.

    One named without a path is looked for in those folders of the PATH that are given in full, and nowhere else: the
    folder that it runs in may be a project of anybody's.
    """
    name = command.words[0]
    if os.path.dirname(name):  # noqa: PTH120 - a Path drops the dot of ./name
        place = str(((command.folder or Path()) / name).absolute())
        return shutil.which(place) or place  # on Windows, not everything that runs ends in .exe
    folders = [Path(folder) for folder in os.get_exec_path(command.environment) if Path(folder).is_absolute()]
    places = (str(folder / f"{name}{ending}") for folder in folders for ending in _ENDINGS)
    found = next(filter(None, map(shutil.which, places)), None)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return found


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone; macOS says that it may not be killed
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
