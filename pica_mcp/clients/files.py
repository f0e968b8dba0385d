"""The room of clients' files on disk: read whole, changed all at once or not at all, and given back as they were.

The first change of a file leaves a copy beside it, of how it was before it had an entry of ours. No later change
touches that copy: clients lose files too, and it may be all that is left. It goes when the file is again what it holds.
If it is too old to be of use, one more is made, which nothing touches again.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

from pica_mcp.clients.edits import MISSING, Uneditable, Unparsable, at
from pica_mcp.errors import OperatorError

MAX_BYTES = 10 * 1024 * 1024
SUFFIX = ".before-pica-mcp"
_MAX_COPIES = 9
_MAX_SCRIPT_BYTES = 4_096

Parts = Mapping[tuple[str, ...], Mapping[str, Any]]
"""What belongs to an entry, by its path in the file: the entry itself, then what else it needs there."""


class Unusable(OperatorError):
    """The file cannot be read or written; it is as it was."""


class Form(Protocol):
    """The format of a file, which is one of the rooms `jsonc` and `toml`."""

    def read(self, text: str) -> dict[str, Any]:
        """Return what the text says."""
        ...

    def put(self, text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
        """Return the text with the value at the path."""
        ...

    def remove(self, text: str, path: Sequence[str]) -> str:
        """Return the text without the value at the path."""
        ...


# What is to be done


@dataclass(frozen=True, slots=True)
class Change:
    """The text of a file before and after, and of the copy beside it; None where there is no such file."""

    before: str | None
    after: str | None
    copy_before: str | None
    copy_after: str | None
    is_kept_apart: bool = False
    """Whether the file as it is goes into one more copy, since the first one holds something else."""

    @property
    def is_none(self) -> bool:
        """Whether nothing is to be done."""
        return (self.before, self.copy_before) == (self.after, self.copy_after)


def plan_install(form: Form, parts: Parts, before: str | None, copy: str | None, *, is_strange: bool = False) -> Change:
    """Return the change that puts an entry into a file, which is copied first unless it holds an entry of ours alone.

    Where there is a copy already, it stays, and a file that has no entry of ours (or one that `is_strange`) is kept
    apart unless that copy holds the same. Raises `Unparsable` and `Uneditable`.
    """
    after = _with(form, before or "", parts)
    if before is None or after == before or (not is_strange and _is_ours_alone(form, before, tuple(parts))):
        return Change(before, after, copy, copy)
    if copy is None:
        return Change(before, after, copy, before)
    is_new = is_strange or at(form.read(before), next(iter(parts))) is MISSING
    return Change(before, after, copy, copy, is_kept_apart=is_new and copy != before)


def plan_removal(form: Form, paths: Sequence[tuple[str, ...]], before: str | None, copy: str | None) -> Change:
    """Return the change that takes an entry out again; the first path is that of the entry.

    Where the file is what the entry makes of the copy, the copy is given back byte for byte; where it is what the entry
    makes of nothing, the file goes. Else only the entry goes, and the copy stays. Raises `Unparsable`, `Uneditable`.
    """
    if before is None or at(form.read(before), paths[0]) is MISSING:
        return Change(before, before, copy, copy)
    if copy is None and _is_ours_alone(form, before, paths):
        return Change(before, None, None, None)
    is_as_left = copy is not None and _came_from(form, before, copy, paths)
    after = copy if is_as_left else reduce(form.remove, paths, before)
    return Change(before, after, copy, None if copy == after else copy)


def _with(form: Form, text: str, parts: Parts) -> str:
    return reduce(lambda so_far, part: form.put(so_far, *part), parts.items(), text)


def _is_ours_alone(form: Form, text: str, paths: Sequence[tuple[str, ...]]) -> bool:
    return _came_from(form, text, "", paths)


def _came_from(form: Form, text: str, origin: str, paths: Sequence[tuple[str, ...]]) -> bool:
    """Tell if the text is what putting its own entry into `origin`, which has none, makes of it."""
    document = form.read(text)
    parts = {path: value for path in paths if (value := at(document, path)) is not MISSING}
    if not all(isinstance(value, dict) for value in parts.values()):
        return False
    try:
        return at(form.read(origin), paths[0]) is MISSING and bool(parts) and _with(form, origin, parts) == text
    except (Unparsable, Uneditable):  # somebody has changed the copy
        return False


# On disk


def copy_of(path: Path) -> Path:
    """Return where the copy of a file is kept: beside it, wherever a link leads."""
    path = real(path)
    return path.with_name(path.name + SUFFIX)


def load_copy(path: Path) -> str | None:
    """Return the text of the file's copy, None if there is none. Raises `Unusable`, also if it is a link."""
    _refuse_link(copy_of(path))
    return load(copy_of(path))


def further_copy_of(path: Path, text: str) -> Path:
    """Return where one more copy of the file is kept, which is where one of that text is already. Raises `Unusable`."""
    for copy in _names_of_copies(path)[1:]:
        if not os.path.lexists(copy):
            return copy
        with suppress(Unusable):
            if not copy.is_symlink() and load(copy) == text:
                return copy
    raise Unusable(f"There are too many copies beside {str(path)!r}.", "Take away those that you do not need.")


def copies_of(path: Path) -> list[Path]:
    """Return the copies of the file that there are, the first one first."""
    return [copy for copy in _names_of_copies(path) if os.path.lexists(copy)]


def _names_of_copies(path: Path) -> list[Path]:
    first = copy_of(path)
    return [first, *(first.with_name(f"{first.name}.{number}") for number in range(2, _MAX_COPIES + 1))]


def _refuse_link(copy: Path) -> None:
    """Raise if somebody has laid a link where a copy is to be: whatever it leads to would be written or removed."""
    if copy.is_symlink():
        problem = f"{str(copy)!r} is a link, and no copy that was made here."
        raise Unusable(problem, "Look at it, and take it away.")


def is_by_npm(file: Path) -> bool:
    """Tell if npm put the program there, a link into its packages or a script that calls node: it is none of ours."""
    with suppress(OSError):
        if "node_modules" in real(file).parts:
            return True
        with file.open("rb") as opened:
            return b"node" in opened.read(_MAX_SCRIPT_BYTES)
    return False


def real(path: Path) -> Path:
    """Return the file that the path leads to; the path itself if it leads in a circle."""
    return Path(os.path.realpath(path))


def load(path: Path) -> str | None:
    """Return the text of the file, a byte order mark and all; None if there is no file. Raises `Unusable`."""
    path = real(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would never end
            raise Unusable(f"{str(path)!r} is {_kind(mode)}, not a file.", "Move it away, then try again.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable("read", path, error) from None
    if len(content) > MAX_BYTES:
        raise Unusable(f"{str(path)!r} is larger than {MAX_BYTES // 1024**2} MB.", "Edit it by hand.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise Unusable(f"{str(path)!r} is not UTF-8, in line {number}.", "Save it as UTF-8, then try again.") from None


def carry_out(path: Path, change: Change) -> None:
    """Do what was planned, the copy first. Raises `Unusable`; the file is then as it was."""
    copy = copy_of(path)
    _refuse_link(copy)
    if change.is_kept_apart and change.before is not None:
        further = further_copy_of(path, change.before)
        if not further.exists():
            write(further, change.before, before=None, like=path)
    if change.copy_after is not None and change.copy_before is None:
        write(copy, change.copy_after, before=None, like=path)
    if change.after is None and change.before is not None:
        _delete(path, change.before)
    elif change.after is not None and change.after != change.before:
        write(path, change.after, before=change.before)
    if change.copy_after is None and change.copy_before is not None:
        _delete(copy, change.copy_before)


def write(path: Path, text: str, *, before: str | None, like: Path | None = None) -> None:
    """Write the file at once, or leave it: with the mode that it had, or that another has, or for its owner alone.

    Folders are made. Raises `Unusable`, also if the file is not what it was `before`.
    """
    path = real(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _make_alike(descriptor, real(like) if like else path)
                file.write(text.encode())
                file.flush()
                os.fsync(descriptor)
            _check_unchanged(path, before)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable("written", path, error) from None


def _delete(path: Path, before: str) -> None:
    path = real(path)
    _check_unchanged(path, before)
    try:
        path.unlink()
    except OSError as error:
        raise _unusable("removed", path, error) from None


def _make_alike(descriptor: int, path: Path) -> None:
    """Give a new file the mode and, where that is allowed, the owner of that one, if it is there."""
    if not path.exists():
        return
    if not os.access(path, os.W_OK):  # replacing asks the folder only
        raise PermissionError(errno.EACCES, "it is read-only")
    its = path.stat()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.fchown(descriptor, its.st_uid, its.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(its.st_mode))


def _check_unchanged(path: Path, before: str | None) -> None:
    if load(path) != before:
        raise Unusable(f"{str(path)!r} has changed in the meantime.", "Try again, best with the client closed.")


def _kind(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"


def _unusable(done: str, path: Path, error: OSError) -> Unusable:
    remedy = "Put that right, then try again."
    if isinstance(error, PermissionError):  # on Windows also for a file that somebody has open
        remedy = "Close the client, and check who may change the file and its folder."
    return Unusable(f"{str(path)!r} cannot be {done}: {error.strerror or type(error).__name__}.", remedy)
