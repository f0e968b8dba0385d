"""The clients on this machine: whether their files can be read, and whether the entries of this program start.

Only entries of this program are started, and those of a project's folder only if that is asked for: who wrote the
project wrote the command, and the settings that a secret would be sent by.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio

from pica_mcp import text
from pica_mcp.audit import obstacle
from pica_mcp.clients import CLIENTS, Client, entries, files, is_here, project_file, user_file
from pica_mcp.clients.entries import Entry, program_of
from pica_mcp.diagnosis.configured import judge
from pica_mcp.diagnosis.report import Group, Report, Result, Status, parted
from pica_mcp.diagnosis.shown import excesses, of_client
from pica_mcp.diagnosis.starting import Command, Started, start
from pica_mcp.errors import OperatorError
from pica_mcp.models import as_object
from pica_mcp.settings import CONFIG, OPTIONS

_MAX_ENTRIES = 20
_AT_ONCE = 3
_START_SECONDS = 30.0
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_PYTHON = re.compile(r"(python|pypy)[\d.]*w?|py")

Scope = Literal["user", "project"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where this runs, as clients see it."""

    system: str
    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    """The project's, perhaps."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a client's file."""

    client: Client
    scope: Scope
    file: Path
    name: str
    entry: Entry
    patience: float

    @property
    def title(self) -> str:
        """What to call it."""
        return f"{self.client.title}/{self.name}{'' if self.scope == 'user' else ' of this folder'}"

    def install(self, *more: str) -> str:
        """Return the command that writes the entry anew."""
        name = () if self.name == "pica" else ("--name", self.name)
        scope = () if self.scope == "user" else ("--scope", "project")
        return f"`{' '.join(('pica-mcp install', self.client.name, *scope, *name, *more))}`"


def here(place: Place) -> frozenset[str]:
    """Return the names of the clients that are on this machine."""
    return frozenset(client.name for client in CLIENTS if _is_here(client, place))


def _is_here(client: Client, place: Place) -> bool:
    with suppress(OperatorError, OSError):
        return is_here(client, place.system, place.environ) or len(_files(client, place)) > 0
    return False


async def examine(place: Place, report: Report, *, starts: bool, projects: bool) -> None:
    """Add what is found of each client; entries are started if that is wanted, a few at a time."""
    found: list[Found] = []
    absent: list[str] = []
    for client in CLIENTS:
        if _is_here(client, place):
            results, own = _look(client, place)
            report.add(*results)
            found += own
        else:
            absent.append(client.title)
    limiter = anyio.Semaphore(_AT_ONCE)

    async def run(one: Found) -> None:
        async with limiter:
            report.add(*await _tried(one, place, starts=starts, projects=projects))

    async with anyio.create_task_group() as tasks:
        for one in found[:_MAX_ENTRIES]:
            tasks.start_soon(run, one)
    if absent:
        report.add(Result(Group.CLIENTS, "others", Status.NOTE, f"not found on this machine: {', '.join(absent)}"))


# What is in the files


def _files(client: Client, place: Place) -> dict[Path, Scope]:
    """Return the client's files that there are; what is both the user's and a project's is the user's own."""
    named: list[tuple[Path | None, Scope]] = []
    with suppress(OperatorError):
        named.append((user_file(client, place.system, place.environ), "user"))
    named.append((project_file(client, place.folder), "project"))
    found: dict[Path, Scope] = {}
    for path, scope in named:
        if path and os.path.lexists(path):
            found.setdefault(files.real(path), scope)
    return found


def _look(client: Client, place: Place) -> tuple[list[Result], list[Found]]:
    """Return what is wrong with the client's files or missing from them, and the entries of this program."""
    results: list[Result] = []
    found: list[Found] = []
    for path, scope in _files(client, place).items():
        try:
            document = entries.form_of(client).read(files.load(path) or "")
        except OperatorError as error:
            wrong, cure = parted(error)
            told = f"{path}: {wrong}" if str(path) not in wrong else wrong
            results.append(Result(Group.CLIENTS, client.title, Status.FAILURE, told, cure))
            continue
        for name, entry in entries.entries_of(client, document).items():
            one = Found(client, scope, path, text.line(name, 60), entry, _patience(client, document, name))
            results += _official(one)
            found += [one] if entries.kind_of(entry) == "ours" else []
    if not found and not results:
        told, cure = "has no entry of this program", f"Run `pica-mcp install {client.name}`."
        results.append(Result(Group.CLIENTS, client.title, Status.NOTE, told, cure))
    return results, found


def _patience(client: Client, document: Mapping[str, Any], name: str) -> float:
    """Return how many seconds the client waits for the server, or those that anybody would."""
    told = as_object(as_object(document.get(client.key)).get(name)).get("startup_timeout_sec")
    seconds = told if isinstance(told, int | float) and told > 0 else client.start_seconds
    return min(float(seconds or _START_SECONDS), _START_SECONDS)


def _official(one: Found) -> list[Result]:
    if entries.kind_of(one.entry) != "official":
        return []
    told = f"{one.file} starts Pica's official server under that name"
    cure = f"To switch to this one, run {one.install('--replace')}."
    return [Result(Group.CLIENTS, one.title, Status.WARNING, told, cure)]


# Whether they start


async def _tried(one: Found, place: Place, *, starts: bool, projects: bool) -> list[Result]:
    results = list(_exposed(one))
    if why := _unstarted(one, place, starts=starts, projects=projects):
        return [*results, Result(Group.CLIENTS, one.title, Status.SKIPPED, f"in {one.file}; not started: {why}")]
    started = await start(_command(one, place))
    return [*_outcome(one, place, started), *results]


def _exposed(one: Found) -> Iterator[Result]:
    """Yield a warning if the secret stands in a file that others have, too."""
    secret = one.entry.env.get("PICA_SECRET", "")
    if not secret or "$" in secret:
        return
    whose = "whoever has this project has it" if one.scope == "project" else ""
    with suppress(OSError):
        if not whose and os.name == "posix" and one.file.stat().st_mode & _OTHERS_READ:
            whose = "others here may read it"
    if whose:
        cure = f"Keep the secret elsewhere: {one.install('--secret', 'file')}."
        yield Result(Group.CLIENTS, one.title, Status.WARNING, f"{one.file} holds the secret, and {whose}", cure)


def _unstarted(one: Found, place: Place, *, starts: bool, projects: bool) -> str:
    """Return why the entry is not started, empty if it is."""
    if one.entry.url:
        return "it is a server elsewhere"
    if not one.entry.is_enabled:
        return f"it is switched off in {one.client.title}"
    if not starts:
        return "--no-start"
    if one.scope == "project" and not projects:
        return "whoever wrote this project wrote it; --project starts it"
    if not _is_this_program(one.entry):
        return f"{program_of(one.entry)} runs it, which may do more than that"
    if _asks_more(one, place):
        return f"{one.client.title} asks a person for {', '.join(entries.asked(one.client, one.entry))} first"
    return ""


def _is_this_program(entry: Entry) -> bool:
    """Tell if the command is a `pica-mcp`, or a Python told to run it as a module."""
    program = program_of(entry)
    if program == "pica-mcp":
        return True
    words = [word for word in entry.args if word not in ("-I", "-E", "-s", "-u", "-B")]
    return bool(_PYTHON.fullmatch(program)) and words[:2] == ["-m", "pica_mcp"]


def _asks_more(one: Found, place: Place) -> bool:
    """Tell if the client asks for something that is not known here."""
    asked = entries.asked(one.client, one.entry)
    is_secret = one.entry.env.get("PICA_SECRET", "") in [entries.INPUT_REFERENCE.format(name) for name in asked]
    return bool(asked) and not (len(asked) == 1 and is_secret and place.environ.get("PICA_SECRET"))


def _command(one: Found, place: Place) -> Command:
    """Return what the client would run, except that no file is made for the record of calls or the catalogue."""
    answers = dict.fromkeys(entries.asked(one.client, one.entry), place.environ.get("PICA_SECRET", ""))
    environment = entries.environment(one.client, one.entry, place.system, place.environ, answers)
    settings = judge(_flags(one.entry), environment, sandbox=False).settings
    off: tuple[str, ...] = ()
    if settings and not obstacle(settings.audit):
        off = ("--audit", "off")
    if settings and not (settings.cache and settings.cache.is_dir()):
        off = (*off, "--cache", "off")
    folder = one.entry.folder or (place.folder if one.scope == "project" else Path(sys.executable).anchor)
    return Command((one.entry.command, *one.entry.args, *off), environment, Path(folder), one.patience)


def _flags(entry: Entry) -> dict[str, str | None]:
    """Return the settings that the entry gives as flags."""
    by_flag = {option.flag: option.name for option in (CONFIG, *OPTIONS)}
    words, found = iter(entry.args), dict[str, str | None]()
    for word in words:
        flag, has_value, value = word.partition("=")
        if name := by_flag.get(flag):
            found[name] = value if has_value else next(words, "")
    return found


def _outcome(one: Found, place: Place, started: Started) -> Iterator[Result]:
    group, title = Group.CLIENTS, one.title
    if started.greeted is None or started.listed is None:
        said = f": {started.last_words}" if started.last_words else ""
        told = f"does not start as {one.file} says: {started.problem}{said}"
        yield Result(group, title, Status.FAILURE, told, _cure(one, place, started))
        return
    told = f"starts in {started.greeted:.1f} s, and tells {len(started.tools):,} tools after {started.listed:.1f} s"
    if started.complaint:
        yield Result(group, title, Status.FAILURE, f"{told}, but says: {started.complaint}", _anew(one))
    else:
        yield Result(group, title, Status.OK, told)
    if excess := [*excesses(one.client, one.name, started.tools)]:
        yield of_client(group, title, excess, "")
    if one.client.is_desktop and (named := entries.missing(one.client, one.entry, {})):
        shell = f"takes {', '.join(named)} from this shell; {one.client.title} may not have it, started from a menu"
        cure = f"If its tools then miss the secret, run {one.install('--secret', 'file')}."
        yield Result(group, title, Status.NOTE, shell, cure)


def _anew(one: Found) -> str:
    return f"Correct what the entry sets, or have it written anew: {one.install()}."


def _cure(one: Found, place: Place, started: Started) -> str:
    if missing := entries.missing(one.client, one.entry, place.environ):
        where = f"Set {', '.join(missing)} where {one.client.title} is started"
        return f"{where}, or keep the secret elsewhere: {one.install('--secret', 'file')}."
    if started.is_missing:
        return f"The program has moved: run {one.install()}."
    if started.greeted is not None:
        return "Load the catalogue once, so that starting needs no network: `pica-mcp cache refresh`."
    return _anew(one)
