"""What is kept of the catalogue on this disk, looked at and never touched: a server makes it, and makes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from pica_mcp import text
from pica_mcp.catalog import catalogue_file
from pica_mcp.catalog.contents import Contents, Kept, age, look, share, why_off
from pica_mcp.catalog.folder import File
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.settings import Settings

_SLOW = "Until then every start asks Pica for all of it, and there is nothing to show while Pica is down."


def cached(settings: Settings, secret: str | None, clear: str) -> Result:
    """Return how the cache is; without the secret nobody knows which of its files is this account's.

    `clear` is the command that empties it.
    """
    folder = settings.cache
    if folder is None:
        return _told(Status.NOTE, f"nothing is kept: {why_off(sandbox=settings.sandbox)}")
    if obstacle := _obstacle(folder):
        cure = f"Let the user who runs the server write there, or name another folder with PICA_CACHE. {_SLOW}"
        return _told(Status.WARNING, f"nothing can be kept in {folder}: {obstacle}", cure)
    name = "" if secret is None else catalogue_file(settings.base_url, secret, settings.tool_name_max)
    try:
        kept = look(folder, name)
    except OSError as error:
        cure = "Correct PICA_CACHE, or the folder's mode."
        return _told(Status.WARNING, f"{folder} cannot be read: {error.strerror}", cure)
    if secret is None and not kept.others:
        return _told(Status.OK, f"{folder}: nothing is kept yet")
    if secret is None:
        files = text.some(len(kept.others), "file")
        return _told(Status.OK, f"{folder}, {files}; which is this account's only the secret tells")
    if kept.own is None:
        return _told(Status.OK, f"{folder}: nothing of this account is kept there yet")
    return _of_file(settings, kept.own, kept, clear)


def _of_file(settings: Settings, file: File, kept: Kept, clear: str) -> Result:
    if kept.inside is None:
        cure = f"Run {clear}, or let the next server make it anew."
        return _told(Status.WARNING, f"{file.path} is damaged ({kept.damage})", cure)
    if not os.access(file.path, os.W_OK):
        cure = "Let the user who runs the server write there."
        return _told(Status.WARNING, f"{file.path} cannot be written to", cure)
    return _told(Status.OK, f"{file.path}, {share(file, settings.cache_mb)}, {_held(kept.inside)}")


def _held(held: Contents) -> str:
    known = f", loaded {age(held.newest)}" if held.newest else ""
    return f"{held.actions:,} actions of {len(held.platforms):,} platforms{known}"


def _told(status: Status, found: str, cure: str = "") -> Result:
    return Result(Group.CACHE, "catalogue", status, found, cure)


def _obstacle(folder: Path) -> str:
    """Return what keeps a server that this user starts from writing there, empty for nothing."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to"
