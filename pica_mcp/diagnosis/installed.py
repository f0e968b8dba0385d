"""The clients on this machine: whether the entries of this program start.

Only servers of this program are started, and those of a project's folder only if that is asked for: who wrote the
project wrote the command, and the settings that a secret would be sent by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from math import ceil

import anyio

from pica_mcp import text
from pica_mcp.audit import obstacle
from pica_mcp.catalog import catalogue_file
from pica_mcp.catalog.folder import files
from pica_mcp.clients import Machine, entries
from pica_mcp.clients.entries import program_of
from pica_mcp.diagnosis.found import Found, Looked, others_read
from pica_mcp.diagnosis.launch import command_of, environment_of, folder_of, placed, unclear
from pica_mcp.diagnosis.report import Group, Report, Result, Status, parted
from pica_mcp.diagnosis.settings import judge
from pica_mcp.diagnosis.starting import MISSING, Command, Started, start
from pica_mcp.diagnosis.tools import excesses, of_client
from pica_mcp.errors import SecretUnavailable
from pica_mcp.secret import File, Fixed
from pica_mcp.settings import CONFIG, OPTIONS, Settings, flags_in

_MAX_ENTRIES = 20
_AT_ONCE = 3
_ALL_SECONDS = 40.0
"""What all entries have together, if none of them answers."""
_SETTING = re.compile(r"\bPICA_[A-Z_]+")
_SECRET = re.compile(r"PICA_SECRET|refuses the secret")
_NETWORK = re.compile(r"cannot be reached|did not answer|out of order|answer could not be read")


async def examine(looked: Looked, machine: Machine, report: Report, *, starts: bool, projects: bool) -> None:
    """Add what is found of each client; entries are started if that is wanted, a few at a time."""
    report.add(*looked.results)
    limiter = anyio.Semaphore(_AT_ONCE)
    ours = sorted(looked.entries, key=lambda one: one.scope == "project")  # which may have any number
    reasons = [(one, _unstarted(one, machine, starts=starts, projects=projects)) for one in ours[:_MAX_ENTRIES]]
    most = _share(sum(not why for _, why in reasons))

    async def run(one: Found) -> None:
        async with limiter:
            report.add(*await _tried(one, machine, most), *_exposed(one))

    async with anyio.create_task_group() as tasks:
        for one, why in reasons:
            if why:
                skipped = Result(Group.CLIENTS, one.title, Status.SKIPPED, f"in {one.file}; not started: {why}")
                report.add(*_exposed(one), skipped)
            else:
                tasks.start_soon(run, one)
    if len(ours) > _MAX_ENTRIES:
        told = f"{len(ours) - _MAX_ENTRIES:,} more entries of this program, which are not looked at"
        report.add(Result(Group.CLIENTS, "more", Status.SKIPPED, told))
    if looked.absent:
        told = f"not found on this machine: {', '.join(looked.absent)}"
        report.add(Result(Group.CLIENTS, "others", Status.NOTE, told))


def _share(count: int) -> float:
    """Return how many seconds each of so many entries may take at most, so that all are tried in time."""
    return _ALL_SECONDS / max(1, ceil(count / _AT_ONCE))


def _exposed(one: Found) -> Iterator[Result]:
    """Yield a warning if the secret stands in a file that others have, too."""
    secret = one.entry.env.get("PICA_SECRET", "")
    if not secret or "$" in secret:
        return
    whose = "whoever has this project has it" if one.scope == "project" else ""
    with suppress(OSError):
        if not whose and others_read(one.file):
            whose = "others here may read it"
    if whose:
        cure = f"Keep the secret elsewhere: {one.install('--secret', 'file')}."
        yield Result(Group.CLIENTS, one.title, Status.WARNING, f"{one.file} holds the secret, and {whose}", cure)


def _unstarted(one: Found, machine: Machine, *, starts: bool, projects: bool) -> str:
    """Return why the entry is not started, empty if it is."""
    if one.entry.url:
        return "it is a server elsewhere"
    if not one.entry.is_enabled:
        return f"it is switched off in {one.client.title}"
    if one.unread:
        return one.unread
    if not starts:
        return "--no-start"
    if one.scope == "project" and not projects:
        return "whoever wrote this project wrote it; --project starts it"
    if one.words is None:
        return f"{program_of(one.entry)} runs it, which may do more than that"
    if not one.serves:
        return f"it is no server, but runs the command {text.line(one.words[0], 40)}"
    if why := unclear(one, machine):
        return why
    if one.asked_key and not machine.environ.get("PICA_SECRET"):
        return f"{one.client.title} asks a person for {one.asked_key} first"
    return ""


# Starting


async def _tried(one: Found, machine: Machine, most: float) -> list[Result]:
    program = command_of(one, machine)
    started = await start(await _command(program, one, machine, most)) if program else MISSING
    return [*_outcome(one, machine, started)]


async def _command(program: str, one: Found, machine: Machine, most: float) -> Command:
    """Return what the client would run, except that it makes no file for the record of calls or the catalogue.

    A catalogue that is there is used, since starting takes long without it, and brought up to date as always.
    """
    environment = environment_of(one, machine)
    settings = judge({}, placed({**environment, **flags_in(one.entry.args)}, one, machine), sandbox=False).settings
    off: tuple[str, ...] = ()
    if settings and not obstacle(settings.audit):
        off = ("--audit", "off")
    if settings and not await _is_kept(settings):
        off = (*off, "--cache", "off")
    folder = folder_of(one, machine)
    return Command((program, *one.entry.args, *off), environment, folder, min(one.patience, most))


async def _is_kept(settings: Settings) -> bool:
    """Tell if there is a catalogue of the entry's account; of a key that only the server is to read, nobody knows."""
    if settings.cache is None or not isinstance(settings.secret, Fixed | File):
        return False
    with suppress(OSError, ValueError, SecretUnavailable):
        name = catalogue_file(settings.base_url, await settings.secret.read(), settings.tool_name_max)
        return any(file.path.name == name for file in files(settings.cache))
    return False


def _outcome(one: Found, machine: Machine, started: Started) -> Iterator[Result]:
    group, title = Group.CLIENTS, one.title
    if started.greeted is None or started.listed is None:
        said = f": {started.last_words}" if started.last_words else ""
        told = f"does not start as {one.file} says: {started.problem}{said}"
        yield Result(group, title, Status.FAILURE, told, _cure(one, machine, started))
        return
    told = f"starts in {started.greeted:.1f} s, and tells {len(started.tools):,} tools after {started.listed:.1f} s"
    if started.complaint:
        said, _ = parted(started.complaint)  # what a model is told to do next is nothing for whoever reads this
        yield Result(group, title, Status.FAILURE, f"{told}, but says: {said}", _said(one, said))
    elif started.nothing:
        said, _ = parted(started.nothing)
        yield Result(group, title, Status.WARNING, f"{told}, but says: {said}", f"{one.doctor} tells why.")
    else:
        yield Result(group, title, Status.OK, told)
    if excess := [*excesses(one.client, one.name, started.tools)]:
        yield of_client(group, title, excess, "")
    if one.client.is_desktop and (named := entries.missing(one.client, one.entry, {})):
        shell = f"takes {', '.join(named)} from this shell; {one.client.title} may not have it, started from a menu"
        cure = f"If its tools then miss the secret, run {one.install('--secret', 'file')}."
        yield Result(group, title, Status.NOTE, shell, cure)


def _cure(one: Found, machine: Machine, started: Started) -> str:
    """Return what to do about one that does not start; what it says of itself goes before what may be amiss."""
    missing = entries.missing(one.client, one.entry, machine.environ)
    named = _SETTING.findall(started.last_words)
    if missing and (not started.last_words or _SECRET.search(started.last_words) or set(named) & set(missing)):
        return one.without(missing)
    if started.is_missing:
        return f"The program has moved: run {one.install()}."
    if started.greeted is not None:
        return f"Load the catalogue once, so that starting needs no network: {one.by_hand('cache refresh')}."
    return _said(one, started.last_words)


def _said(one: Found, said: str) -> str:
    """Return what to do about what a server says."""
    if _SECRET.search(said):
        return one.another_key
    if _NETWORK.search(said):
        return f"The group Network tells why: {one.doctor} looks at that of this entry."
    if named := _SETTING.search(said):
        flag = next((option.flag for option in (CONFIG, *OPTIONS) if option.variable == named[0]), "")
        anew = f", or give it anew: {one.install(flag, 'VALUE')}" if flag else ""
        return f"Correct {named[0]} in {one.file}{anew}."
    return f"Correct what the entry sets, or have it written anew: {one.install()}."
