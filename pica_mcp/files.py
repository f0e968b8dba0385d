"""The room of files: what an argument that takes one means, and where files of answers are saved.

It is a model that names the file. So there is one folder and nothing outside it is opened, whatever links lead there;
only plain files are read, within a size; and what is saved gets a harmless name and replaces nothing. A name costs a
model nothing, and a file memory: so only so much is held at once.
"""

from __future__ import annotations

import base64
import logging
import mimetypes
import os
import re
import stat
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import anyio
import anyio.to_thread

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.errors import Busy, CallError, InvalidArguments
from pica_mcp.models import as_list
from pica_mcp.passthrough import MAX_FILE_BYTES
from pica_mcp.store import Store
from pica_mcp.tools import File

logger = logging.getLogger(__name__)

RESULTS = "pica://results/"
"""How the address of a kept answer begins; its id follows."""

_MAX_PATH_CHARS = 4_000
_MAX_HEAD_CHARS = 1_000
_MAX_NAME_BYTES = 150
_MAX_SUFFIX_CHARS = 16
_MAX_COPIES = 1_000
_MAX_HELD_BYTES = 256 * 1024 * 1024
_MAX_READERS = 4
_RETRY_SECONDS = 5
_SAVED = "pica-"  # or an answer could be a `CLAUDE.md`, a `conftest.py`, or whatever else is obeyed for its name

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}", re.ASCII)
_TOKEN = re.compile(r"[\w.+-]{1,40}", re.ASCII)
_ANY_BYTES = "application/octet-stream"
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

_NOT_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])[ .]*(\..*)?", re.IGNORECASE)
"""Names that are devices to Windows, with any extension."""

# What a system does not know is left out: Windows has none of the first three.
_AS_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_AS_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_AS_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_NOT_SENT = "Nothing was sent; check the path, or send the content as a data: URI."
_WRITE_DATA = "Nothing was sent; write data:text/plain;name=note.txt;base64,SGVsbG8= with a type and name of your own."


class Files:
    """Files of one folder, of `data:` URIs and of kept answers. Without a folder nothing on disk is read or written."""

    def __init__(self, folder: Path | None, store: Store, max_held_bytes: int = _MAX_HELD_BYTES) -> None:
        self._folder = folder
        self._store = store
        self._held = _Held(max_held_bytes)
        self._readers = anyio.CapacityLimiter(_MAX_READERS)

    @asynccontextmanager
    async def resolved(
        self, identity: Identity, names: frozenset[str], arguments: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """Hold the arguments with a `File` for what the named ones refer to, each or in a list.

        Raises `InvalidArguments`, naming the argument, if one cannot be read or all together are too much to send, and
        `Busy` while others hold too much. Who holds them drops them at the end.
        """
        with self._held.by(identity) as hold:
            yield await self._resolved(identity, names, arguments, hold)

    async def _resolved(
        self, identity: Identity, names: frozenset[str], arguments: Mapping[str, Any], hold: Callable[[int], None]
    ) -> dict[str, Any]:
        found = dict(arguments)
        left_bytes = MAX_FILE_BYTES
        for name in [name for name in arguments if name in names]:
            value, files = arguments[name], list[File]()
            try:
                for reference in as_list(value) if isinstance(value, list) else [value]:
                    files.append(await self._file(identity, reference))
                    left_bytes -= len(files[-1].content)
                    if left_bytes < 0:
                        raise _too_big()
                    hold(len(files[-1].content))
            except CallError as error:
                raise InvalidArguments(f"The argument '{name}':", str(error)) from None
            found[name] = files if isinstance(value, list) else files[0]
        return found

    async def _file(self, identity: Identity, reference: Any) -> File:
        if isinstance(reference, File):
            return reference
        if not isinstance(reference, str):
            raise InvalidArguments("A file is given by its path or URI.", _WRITE_DATA)
        return await self.read(identity, reference)

    async def read(self, identity: Identity, reference: str) -> File:
        """Return the file at a path below the folder, in a `data:` URI, or kept as `pica://results/{id}`.

        Raises `InvalidArguments`, and `UnknownResult` for an answer that is not kept for this identity.
        """
        scheme = reference[:16].lower()
        if scheme.startswith("data:"):
            return await anyio.to_thread.run_sync(_from_data, reference, limiter=self._readers)
        if scheme.startswith(RESULTS):
            return self._kept(identity, reference[len(RESULTS) :].partition("?")[0])
        path = _path_of(reference) if scheme.startswith("file:") else reference
        if _ADDRESS.match(path):
            problem = "Nothing is fetched from other addresses."
            raise InvalidArguments(problem, "Nothing was sent; use a path, a data: URI or pica://results/.")
        if self._folder is None:
            problem = "This server reads no files from disk, since no folder is allowed."
            raise InvalidArguments(problem, "Send the content as a data: URI, or ask the operator to set PICA_FILES.")
        return await anyio.to_thread.run_sync(
            _from_disk, self._folder, path, abandon_on_cancel=True, limiter=self._readers
        )

    def _kept(self, identity: Identity, result_id: str) -> File:
        kept = self._store.get(identity, result_id)
        return File(kept.name or _named(result_id, kept.media_type), kept.media_type, kept.body)

    async def save(self, name: str, media_type: str, content: bytes) -> Path | None:
        """Write a new file into the folder, readable by its owner only, and return where it is.

        Returns None without a folder, and if the file cannot be written, which is logged.
        """
        if self._folder is None:
            return None
        return await anyio.to_thread.run_sync(_write, self._folder, _SAVED + safe_name(name, media_type), content)


class _Held:
    """How many bytes of files are held: at most `max_bytes`, and three quarters of that by one identity."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes: dict[Identity, int] = {}

    @contextmanager
    def by(self, identity: Identity) -> Generator[Callable[[int], None]]:
        """Yield what counts bytes or raises `Busy`; those counted are free again at the end."""
        counted = 0

        def hold(size_bytes: int) -> None:
            nonlocal counted
            own = self._bytes.get(identity, 0) + size_bytes
            if sum(self._bytes.values()) + size_bytes > self._max_bytes or own > self._max_bytes * 3 // 4:
                raise Busy(_RETRY_SECONDS)
            self._bytes[identity] = own
            counted += size_bytes

        try:
            yield hold
        finally:
            self._bytes[identity] = self._bytes.get(identity, 0) - counted
            if not self._bytes[identity]:
                del self._bytes[identity]


def _too_big() -> InvalidArguments:
    return InvalidArguments(f"Files have at most {MAX_FILE_BYTES:,} bytes together.", "Nothing was sent; send less.")


def _media_type(name: str) -> str:
    kind, compression = mimetypes.guess_type(name)
    return (_COMPRESSED.get(compression) if compression else kind) or _ANY_BYTES


def _named(stem: str, media_type: str) -> str:
    return stem + (mimetypes.guess_extension(media_type.partition(";")[0].strip()) or "")


# Reading


def _path_of(uri: str) -> str:
    """Return the path of a `file:` URI on this machine."""
    rest = uri[len("file:") :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise _outside(uri)
        rest = slash + path
    path = unquote(rest)
    return path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path


def _outside(path: str) -> InvalidArguments:
    return InvalidArguments(f"{_shown(path)} is not in the folder that files may be sent from.", _NOT_SENT)


def _shown(path: str) -> str:
    return f"'{text.line(path, 100)}'"


def _from_disk(folder: Path, path: str) -> File:
    root = os.path.realpath(folder)
    inside = _inside(root, path)
    try:
        opened = _open(root, inside)
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidArguments(f"There is no file {_shown(path)} in the folder for files.", _NOT_SENT) from None
    except OSError:
        raise InvalidArguments(f"The file {_shown(path)} cannot be read.", _NOT_SENT) from None
    try:
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidArguments(f"{_shown(path)} is no plain file.", _NOT_SENT)
        if facts.st_size > MAX_FILE_BYTES:
            raise _too_big()
        content = _content(opened)
    except OSError:
        raise InvalidArguments(f"The file {_shown(path)} cannot be read.", _NOT_SENT) from None
    finally:
        os.close(opened)
    return File(inside[-1], _media_type(inside[-1]), content)


def _inside(root: str, path: str) -> tuple[str, ...]:
    """Return the steps from the folder to where the path leads, all links followed."""
    # Windows would ask another machine, with the user's credentials, or a device.
    if len(path) > _MAX_PATH_CHARS or (os.name == "nt" and re.match(r"[\\/]{2}", path)):
        raise _outside(path)
    try:
        steps = Path(os.path.realpath(os.path.join(root, path))).relative_to(root).parts  # noqa: PTH118 - as realpath
    except (ValueError, OSError):  # outside, or no path at all
        raise _outside(path) from None
    if not steps:
        raise InvalidArguments(f"{_shown(path)} is no plain file.", _NOT_SENT)
    return steps


def _open(root: str, steps: tuple[str, ...]) -> int:
    """Open the file without following any link: the steps had none, so one that is met now was put there meanwhile."""
    if os.open not in os.supports_dir_fd:
        path = Path(root, *steps)
        opened = os.open(path, _AS_FILE)
        if not os.path.samestat(os.fstat(opened), path.lstat()):
            os.close(opened)
            raise OSError
        return opened
    folder = os.open(root, _AS_FOLDER)
    try:
        for step in steps[:-1]:
            inner = os.open(step, _AS_FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(steps[-1], _AS_FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _content(opened: int) -> bytes:
    """Return all bytes of an open file, however many it said that it has."""
    with open(opened, "rb", closefd=False) as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise _too_big()
    return content


def _from_data(uri: str) -> File:
    head, comma, written = uri[len("data:") :].partition(",")
    if not comma or len(head) > _MAX_HEAD_CHARS:
        raise InvalidArguments("This data: URI has no content.", _WRITE_DATA)
    if len(written) > 4 * MAX_FILE_BYTES:
        raise _too_big()
    kind, *rest = (part.strip() for part in head.split(";"))
    facts = {key.strip().lower(): value.strip().strip('"') for key, _, value in (part.partition("=") for part in rest)}
    try:
        content = _base64(written) if "base64" in facts else unquote_to_bytes(written)
    except ValueError:
        raise InvalidArguments("The content of this data: URI cannot be read.", _WRITE_DATA) from None
    if len(content) > MAX_FILE_BYTES:
        raise _too_big()
    name = re.split(r"[/\\]", unquote(facts.get("name") or facts.get("filename") or ""))[-1]
    media_type = _declared(kind, facts.get("charset", ""), name)
    return File(name or _named("file", media_type), media_type, content)


def _base64(written: str) -> bytes:
    plain = "".join((unquote(written) if "%" in written else written).split())
    plain = plain.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _declared(kind: str, charset: str, name: str) -> str:
    """Return the media type that a `data:` URI means: text if it says none and its name does not either."""
    if not kind:
        kind = _media_type(name) if name else "text/plain"
    if not _TYPE.fullmatch(kind):
        return _ANY_BYTES
    return f"{kind}; charset={charset}" if _TOKEN.fullmatch(charset) else kind


# Saving


def safe_name(name: str, media_type: str) -> str:
    """Return a name for a file that is only a name on any system, hides nothing and keeps its extension."""
    last = re.split(r"[/\\]", text.clean(name))[-1]
    plain = _NOT_IN_NAMES.sub("_", text.line(last, _MAX_PATH_CHARS)).strip(". ").lstrip(".-~ ")
    stem, suffix = os.path.splitext(plain)  # noqa: PTH122 - no path, and a Path would read more into it
    if not suffix or len(suffix) > _MAX_SUFFIX_CHARS:
        stem, suffix = plain, _named("", media_type)
    stem = stem.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip(". ") or "file"
    return f"_{stem}{suffix}" if _RESERVED.fullmatch(stem) else stem + suffix


def _write(folder: Path, name: str, content: bytes) -> Path | None:
    try:
        path, opened = _created(folder, name)
        with os.fdopen(opened, "wb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        logger.warning("A file of an answer was not saved in %s: %s", folder, error.strerror or type(error).__name__)
        return None
    return path


def _created(folder: Path, name: str) -> tuple[Path, int]:
    """Create a file under this name, or the next one that nothing has."""
    plain = Path(name)
    for number in range(1, _MAX_COPIES + 1):
        path = folder / (name if number == 1 else f"{plain.stem}-{number}{plain.suffix}")
        try:
            return path, os.open(path, _AS_NEW, 0o600)
        except FileExistsError:
            continue
    raise FileExistsError
