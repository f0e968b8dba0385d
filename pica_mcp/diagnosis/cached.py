"""What is kept of the catalogue on this disk, looked at and never touched: a server makes it, and makes it anew."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from pica_mcp.catalog import catalogue_file
from pica_mcp.catalog.contents import Contents, Unreadable, contents
from pica_mcp.catalog.folder import File, files
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.settings import Settings

_MB = 1024 * 1024
_SLOW = "Until then every start asks Pica for all of it, and there is nothing to show while Pica is down."


def cached(settings: Settings, secret: str | None) -> list[Result]:
    """Return how the cache is; without the secret nobody knows which of its files is this account's."""
    folder = settings.cache
    if folder is None:
        why = "the sandbox is new every time" if settings.sandbox else "PICA_CACHE is off, or nobody knows your folder"
        return [_told(Status.NOTE, f"nothing is kept: {why}")]
    if obstacle := _obstacle(folder):
        cure = f"Let the user who runs the server write there, or name another folder with PICA_CACHE. {_SLOW}"
        return [_told(Status.WARNING, f"nothing can be kept in {folder}: {obstacle}", cure)]
    try:
        there = files(folder)
    except OSError as error:
        cure = "Correct PICA_CACHE, or the folder's mode."
        return [_told(Status.WARNING, f"{folder} cannot be read: {error.strerror}", cure)]
    if secret is None:
        return [_told(Status.OK, f"{folder}, {len(there):,} files; which is this account's only the secret tells")]
    name = catalogue_file(settings.base_url, secret, settings.tool_name_max)
    own = next((file for file in there if file.path.name == name), None)
    return [
        _of_file(settings, own) if own else _told(Status.OK, f"{folder}: nothing of this account is kept there yet")
    ]


def _of_file(settings: Settings, file: File) -> Result:
    size = f"{file.size_bytes / _MB:,.1f} MB of at most {settings.cache_mb:,} MB"
    try:
        held = contents(file.path)
    except Unreadable as error:
        cure = "Run `pica-mcp cache clear`, or let the next server make it anew."
        return _told(Status.WARNING, f"{file.path} is damaged ({error})", cure)
    if not os.access(file.path, os.W_OK):
        return _told(
            Status.WARNING, f"{file.path} cannot be written to", "Let the user who runs the server write there."
        )
    return _told(Status.OK, f"{file.path}, {size}, {_held(held)}")


def _held(held: Contents) -> str:
    age = f", {_age(held.newest)}" if held.newest else ""
    return f"{held.actions:,} actions of {len(held.platforms):,} platforms{age}"


def _age(moment: datetime) -> str:
    hours = (datetime.now(UTC) - moment).total_seconds() / 3600
    return f"loaded {hours / 24:,.0f} days ago" if hours >= 48 else f"loaded {max(0, hours):,.0f} hours ago"


def _told(status: Status, found: str, cure: str = "") -> Result:
    return Result(Group.CACHE, "catalogue", status, found, cure)


def _obstacle(folder: Path) -> str:
    """Return what keeps a server that this user starts from writing there, empty for nothing."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to"
