"""The folder of the catalogue's databases: which files in it are ours, how big they are, and when they were used."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_OURS = re.compile(r"([0-9a-f]{24}-\d+p?-\d+\.db)(-wal|-shm|-journal)?")
"""What `tables.catalogue_file` names, and what SQLite puts beside it."""


@dataclass(frozen=True, slots=True)
class File:
    """A database, with what lies beside it."""

    path: Path
    size_bytes: int
    used_at: float
    """When it was last opened or written, in seconds since 1970."""

    @property
    def is_there(self) -> bool:
        """Whether it has not been removed since."""
        return os.path.lexists(self.path)


def files(folder: Path) -> tuple[File, ...]:
    """Return the databases in the folder that are ours, by name; links are not. Raises `OSError`."""
    found: defaultdict[str, dict[str, os.stat_result]] = defaultdict(dict)
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            named = _OURS.fullmatch(entry.name)
            with suppress(FileNotFoundError):  # its user closed it just now
                if named and entry.is_file(follow_symlinks=False):
                    found[named[1]][named[2] or ""] = entry.stat(follow_symlinks=False)
    return tuple(_file(folder / name, found[name]) for name in sorted(found))


def _file(path: Path, parts: dict[str, os.stat_result]) -> File:
    used_at = (0.0, *(part.st_mtime for beside, part in parts.items() if beside != "-shm"))  # to look changes that
    return File(path, sum(part.st_size for part in parts.values()), max(used_at))
