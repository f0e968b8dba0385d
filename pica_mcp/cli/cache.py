"""`pica-mcp cache`: what is kept of the catalogue on disk, shown or cleared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from pica_mcp import text
from pica_mcp.catalog import catalogue_file
from pica_mcp.catalog.contents import MB, Contents, Kept, age, look, share, size, why_off
from pica_mcp.catalog.disk import remove
from pica_mcp.catalog.folder import File, files
from pica_mcp.cli.options import add_settings, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import complain, log_to_stderr
from pica_mcp.cli.terminal import print_json
from pica_mcp.errors import SecretUnavailable
from pica_mcp.settings import Settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its own commands."""
    describe(parser, "Tell what is kept of the catalogue on disk; refresh it, or clear it.")
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="COMMAND", title="commands")
    showing = deeds.add_parser("show", help="what is kept, where, and how old it is (the default)", allow_abbrev=False)
    describe(
        showing,
        "Tell what is kept of this account's catalogue, where, and how old it is. It asks nobody and changes nothing.",
        "pica-mcp cache",
        "pica-mcp cache --json",
    )
    showing.add_argument("--json", action="store_true", help="print JSON")
    loading = deeds.add_parser(
        "refresh", help="load it anew, so that a server's start needs no network", allow_abbrev=False
    )
    describe(
        loading,
        "Load the platforms that are connected anew, and the list of tools, so that a server's start needs no network.",
        "pica-mcp cache refresh",
        "pica-mcp cache refresh gmail slack",
    )
    which = loading.add_mutually_exclusive_group()
    which.add_argument("platform", nargs="*", default=[], metavar="PLATFORM", help="load these platforms instead")
    which.add_argument("--all", action="store_true", help="load every platform of Pica's, with all documents")
    loading.add_argument("--json", action="store_true", help="print JSON")
    clearing = deeds.add_parser("clear", help="remove it", allow_abbrev=False)
    describe(clearing, "Remove what is kept of this account's catalogue. Servers that use it go on.")
    clearing.add_argument("--all", action="store_true", help="remove what is kept of every account")
    for deed in (showing, loading, clearing):
        add_settings(deed)


def run(arguments: argparse.Namespace) -> int:
    """Show, refresh or clear it."""
    settings = settings_of(arguments, keyless=arguments.deed != "refresh")
    log_to_stderr(settings.log_level)
    match arguments.deed:
        case "refresh":
            from pica_mcp.cli.refresh import refresh

            return refresh(settings, arguments.platform, everything=arguments.all, as_json=arguments.json)
        case "clear":
            return _clear(settings, everything=arguments.all)
        case _:
            return _show(settings, as_json=arguments.json)


# Showing


@dataclass(frozen=True, slots=True)
class _Found:
    """The name of this account's file, what is in the folder, and why not all of it is told."""

    name: str = ""
    kept: Kept = field(default_factory=Kept)
    problem: str = ""


def _show(settings: Settings, *, as_json: bool) -> int:
    """Print what is kept, changing nothing and asking nobody but for the secret: 1 if not all of it can be told."""
    found = _Found() if settings.cache is None else _look(settings, settings.cache)
    if as_json:
        print_json(_document(settings, found))
    else:
        print_rows(_rows(settings, found))
    if found.problem:
        complain(found.problem)
    return 1 if found.problem else 0


def _look(settings: Settings, folder: Path) -> _Found:
    name, problem = "", ""
    try:
        name = _name(settings)
    except SecretUnavailable as error:
        problem = f"Which file is this account's cannot be told. {error}"
    try:
        kept = look(folder, name)
    except OSError as error:
        return _Found(problem=f"{folder} cannot be read: {error.strerror}. Correct PICA_CACHE, or its mode.")
    if kept.damage:
        problem = f"{name} cannot be read ({kept.damage}). A server makes it anew, or clear it."
    return _Found(name, kept, problem)


def _name(settings: Settings) -> str:
    """Return the name of this account's file. Raises `SecretUnavailable`."""
    secret = anyio.run(settings.secret.read)
    if not secret:
        raise SecretUnavailable("No secret is configured.", "Set PICA_SECRET.")
    return catalogue_file(settings.base_url, secret, settings.tool_name_max)


def _account(name: str) -> str:
    """Return what the names of all files of the account begin with."""
    return f"{name.partition('-')[0]}-"


def _rows(settings: Settings, found: _Found) -> Iterator[Row]:
    if settings.cache is None:
        yield Row("", off(settings))
        return
    yield Row("", "What is kept of the catalogue")
    yield Row("")
    yield Row("  Folder     ", str(settings.cache), whole=True)
    kept = found.kept
    if kept.own:
        yield Row("  File       ", f"{found.name}, {share(kept.own, settings.cache_mb)}")
    elif found.name:
        yield Row("  File       ", "nothing is kept of this account; a server keeps what it loads, as does refresh")
    if kept.inside:
        yield from _inside_rows(kept.inside)
    if kept.others:
        yield Row("")
        yield Row("", "Other files, which nobody reads with these settings; those unused for 90 days are removed")
    for file in kept.others:
        whose = " of this account" if found.name and file.path.name.startswith(_account(found.name)) else ""
        yield Row(f"  {file.path.name}  ", f"{size(file.size_bytes)}{whose}, last used {_day(file.used_at)}")


def _inside_rows(inside: Contents) -> Iterator[Row]:
    yield Row("  Holds      ", counts(len(inside.platforms), inside.actions, inside.documents))
    if inside.oldest and inside.newest:
        ages = age(inside.newest), age(inside.oldest)
        yield Row("  Loaded     ", ages[0] if ages[0] == ages[1] else f"{ages[0]}, the oldest {ages[1]}")
    yield Row("  Tools      ", f"{text.some(inside.lists, 'list')} of them, as clients were shown them last")


def _document(settings: Settings, found: _Found) -> dict[str, Any]:
    return {
        "folder": settings.cache and str(settings.cache),
        "max_bytes": settings.cache_mb * MB,
        "file": found.name or None,
        "bytes": found.kept.own.size_bytes if found.kept.own else 0,
        "contents": found.kept.inside and _inside_json(found.kept.inside),
        "others": [
            {"file": file.path.name, "bytes": file.size_bytes, "last_used": _moment(file.used_at).isoformat()}
            for file in found.kept.others
        ],
        "problem": found.problem or None,
    }


def _inside_json(inside: Contents) -> dict[str, Any]:
    return {
        "platforms": sorted(inside.platforms),
        "actions": inside.actions,
        "documents": inside.documents,
        "lists": inside.lists,
        "oldest": inside.oldest and inside.oldest.isoformat(),
        "newest": inside.newest and inside.newest.isoformat(),
    }


# Clearing


def _clear(settings: Settings, *, everything: bool) -> int:
    """Remove this account's files, or those of all accounts: 1 if one of them stays."""
    if settings.cache is None:
        print(off(settings))
        return 0
    try:
        begin = "" if everything else _account(_name(settings))
        doomed = [file for file in files(settings.cache) if file.path.name.startswith(begin)]
    except SecretUnavailable as error:
        complain(f"{error} Or clear all accounts' files: pica-mcp cache clear --all")
        return 1
    except OSError as error:
        complain(f"{settings.cache} cannot be read: {error.strerror}. Correct PICA_CACHE.")
        return 1
    freed = [file.size_bytes for file in doomed if _removed(file)]
    print(f"Removed {text.some(len(freed), 'file')}, {size(sum(freed))}." if freed else "There is nothing to remove.")
    return 1 if len(freed) < len(doomed) else 0


def _removed(file: File) -> bool:
    remove(file.path)
    if file.is_there:
        complain(f"{file.path} cannot be removed. End whoever uses it, then try again.")
    return not file.is_there


# Words


def off(settings: Settings) -> str:
    """Return why nothing is kept."""
    return f"Nothing is kept on disk: {why_off(sandbox=settings.sandbox)}."


def counts(platforms: int, actions: int, documents: int | None = None) -> str:
    """Return how much of the catalogue it is."""
    known = "" if documents is None else f", {text.some(documents, 'document')}"
    return f"{text.some(platforms, 'platform')}, {text.some(actions, 'action')}{known}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(seconds: float) -> str:
    return f"{_moment(seconds):%Y-%m-%d}"
