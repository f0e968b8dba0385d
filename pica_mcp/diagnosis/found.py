"""What is in the files of the clients on this machine: whether they can be read, and the entries of this program.

They are read aside and for a bounded time: a file may be large, or on a disk that does not answer. One of a project may
have been written by anybody.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pica_mcp import text
from pica_mcp.clients import CLIENTS, Client, Machine, Scope, entries, files, is_here, project_file, user_file
from pica_mcp.clients.entries import Entry, program_of
from pica_mcp.clients.shell import install_words
from pica_mcp.diagnosis.report import Group, Result, Status, parted
from pica_mcp.errors import OperatorError
from pica_mcp.models import as_object
from pica_mcp.settings import CONFIG, SECRETS, flags_in

_MAX_PROJECT_BYTES = 1024 * 1024
_MAX_OFFICIAL = 10
"""Of one client; whoever has more knows what they are."""
_READ_SECONDS = 15.0
_START_SECONDS = 30.0
_PYTHON = re.compile(r"(python|pypy)[\d.]*w?|py")
_PYTHONS_FLAGS = frozenset({"-B", "-E", "-I", "-P", "-s", "-u"})


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a client's file."""

    client: Client
    scope: Scope
    file: Path
    name: str
    entry: Entry
    patience: float
    """For how many seconds the client waits for it."""

    @property
    def title(self) -> str:
        """What to call it."""
        return f"{self.client.title}/{self.name}{'' if self.scope == 'user' else ' of this folder'}"

    @property
    def argument(self) -> str:
        """What doctor is told to look into it; its client, if the name is not plain: people paste commands."""
        return f"{self.client.name}/{self.name}" if self.client.takes(self.name) else self.client.name

    @property
    def words(self) -> tuple[str, ...] | None:
        """The arguments of this program, None if something else is started, which may do more."""
        program = program_of(self.entry)
        if program == "pica-mcp":
            return self.entry.args
        words = tuple(dropwhile(_PYTHONS_FLAGS.__contains__, self.entry.args))
        return words[2:] if _PYTHON.fullmatch(program) and words[:2] == ("-m", "pica_mcp") else None

    @property
    def serves(self) -> bool:
        """Whether it is a server of this program: a bare one has flags and no command, and any other has its own."""
        words = self._launched if self.words is None else self.words
        return not words or words[0] == "serve" or words[0].startswith("-")

    @property
    def _launched(self) -> tuple[str, ...]:
        """The words after this program's name, where a launcher such as uvx has it among its own."""
        names = [at for at, word in enumerate(self.entry.args) if entries.kind_of(Entry("uvx", (word,))) == "ours"]
        return self.entry.args[names[-1] + 1 :] if names else ()

    @property
    def unread(self) -> str:
        """Why nobody knows here what it sets, empty if that stands in the entry."""
        asked = ", ".join(name for name in entries.asked(self.client, self.entry) if name != self.asked_key)
        return entries.unread(self.entry) or (f"{self.client.title} asks a person for {asked}" if asked else "")

    @property
    def asked_key(self) -> str:
        """The input that a person gives as the key, and nothing but that; empty if there is none."""
        key = self.entry.env.get("PICA_SECRET")
        return next((one for one in entries.asked(self.client, self.entry) if key == self.client.asks.format(one)), "")

    def environment(self, machine: Machine) -> Mapping[str, str]:
        """Return what the client starts it with, if a person who is asked for the key gives the one set here."""
        answers = {self.asked_key: machine.environ.get("PICA_SECRET", "")}
        return entries.environment(self.client, self.entry, machine, answers)

    def missing(self, environ: Mapping[str, str], besides: Container[str] = ()) -> tuple[str, ...]:
        """Return the variables that its settings, `besides` some, refer to and that are not there."""
        names = [one for one in (*self.entry.env, *self.entry.passed) if one.startswith("PICA_") and one not in besides]
        env = {name: self.entry.env[name] for name in names if name in self.entry.env}
        ours = replace(self.entry, env=env, passed=tuple(name for name in names if name not in env))
        return entries.missing(self.client, ours, environ)

    def install(self, *more: str) -> str:
        """Return the command that writes the entry anew."""
        return f"`pica-mcp {install_words(self.client, self.scope, self.name, *more)}`"

    def by_hand(self, command: str) -> str:
        """Return the command with the entry's settings, of which commands by hand take none of a project's."""
        return f"`pica-mcp {command}{f' --client {self.argument}' if self.scope == 'user' else ''}`"

    @property
    def doctor(self) -> str:
        """The command that looks into it."""
        return f"`pica-mcp doctor {self.argument}{' --project' if self.scope == 'project' else ''}`"

    @property
    def another_key(self) -> str:
        """What to do about a key that Pica refuses, or that is not there."""
        of_key = replace(self.entry, env={"PICA_SECRET": self.entry.env.get("PICA_SECRET", "")})
        of_key = replace(of_key, passed=tuple({"PICA_SECRET"}.intersection(self.entry.passed)))
        if entries.asked(self.client, of_key):
            return f"In {self.client.title}, clear the stored input (MCP: List Servers), and start it again."
        if named := entries.missing(self.client, of_key, {}):
            return f"Set {', '.join(named)} where {self.client.title} is started."
        if elsewhere := self._elsewhere:
            return f"Correct what {elsewhere} says."
        return f"Run {self.install('--replace')} and paste a new key."

    @property
    def _elsewhere(self) -> str:
        """Return the setting that says where the key is, if that is no place that `install` puts one."""
        told = {**dict.fromkeys(self.entry.passed, ""), **self.entry.env, **flags_in(self.entry.args)}
        if told.get("PICA_SECRET"):
            return ""
        name = next((name for name in (*SECRETS, CONFIG.variable) if name in told), "")
        own = "secret" if self.name == "pica" else f"secret-{self.name}"
        is_own = name == "PICA_SECRET_KEYRING" and told[name] == f"pica-mcp/{self.name}"
        is_own |= name == "PICA_SECRET_FILE" and Path(told[name]).parts[-2:] == ("pica-mcp", own)
        return "" if is_own else name

    def without(self, missing: Sequence[str]) -> str:
        """Return what to do about variables that the entry refers to and that the client does not have."""
        where = f"Set {', '.join(missing)} where {self.client.title} is started"
        return f"{where}, or keep the secret elsewhere: {self.install('--secret', 'file')}."


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking into all files."""

    results: tuple[Result, ...]
    entries: tuple[Found, ...]
    official: tuple[Found, ...] = ()
    """Entries of Pica's official server."""
    absent: tuple[str, ...] = ()
    """The titles of clients that are not here."""


def here(machine: Machine) -> frozenset[str]:
    """Return the names of the clients that are on this machine."""
    return frozenset(client.name for client in CLIENTS if _is_here(client, machine))


def _is_here(client: Client, machine: Machine) -> bool:
    with suppress(OperatorError, OSError):
        return is_here(client, machine) or len(_files(client, machine)) > 0
    return False


async def look(machine: Machine, asked: str = "") -> Looked:
    """Read the files of all clients, side by side. That one is without an entry is told by whoever `asked` about it."""
    present = [client for client in CLIENTS if _is_here(client, machine)]
    told: dict[str, Looked] = {}

    async def one(client: Client) -> None:
        late = f"its files could not be read within {_READ_SECONDS:.0f} s"
        slow = Result(Group.CLIENTS, client.title, Status.FAILURE, late, "See what makes them slow.")
        told[client.name] = Looked((slow,), ())
        with anyio.move_on_after(_READ_SECONDS):
            told[client.name] = await anyio.to_thread.run_sync(look_at, client, machine, abandon_on_cancel=True)

    async with anyio.create_task_group() as tasks:
        for client in present:
            tasks.start_soon(one, client)
    results = [
        result
        for client in present
        for result in told[client.name].results
        if client.name != asked or result.status is not Status.NOTE
    ]
    ours = tuple(one for client in present for one in told[client.name].entries)
    official = tuple(one for client in present for one in told[client.name].official)
    return Looked(tuple(results), ours, official, tuple(one.title for one in CLIENTS if one not in present))


def _files(client: Client, machine: Machine) -> dict[Path, Scope]:
    """Return the client's files that there are; what is both the user's and a project's is the user's own."""
    named: list[tuple[Path | None, Scope]] = []
    with suppress(OperatorError):
        named.append((user_file(client, machine), "user"))
    named.append((project_file(client, machine), "project"))
    found: dict[Path, Scope] = {}
    for path, scope in named:
        if path and os.path.lexists(path):
            found.setdefault(files.real(path), scope)
    return found


def look_at(client: Client, machine: Machine, *, projects: bool = True) -> Looked:
    """Return what is wrong with the client's files or missing from them, and the entries of Pica's servers.

    Without `projects`, only the user's own file is read.
    """
    results: list[Result] = []
    found: list[Found] = []
    official: list[Found] = []
    for path, scope in _files(client, machine).items():
        if scope == "project" and not projects:
            continue
        if scope == "project" and (odd := _odd(path, machine)):
            results.append(Result(Group.CLIENTS, client.title, Status.WARNING, *odd))
            continue
        try:
            document = entries.form_of(client).read(files.load(path) or "")
        except OperatorError as error:
            wrong, cure = parted(error)
            told = f"{path}: {wrong}" if str(path) not in wrong else wrong
            results.append(Result(Group.CLIENTS, client.title, Status.FAILURE, told, cure))
            continue
        for name, entry in entries.entries_of(client, document).items():
            one = Found(client, scope, path, text.line(name, 60), entry, _patience(client, document, name))
            kind = entries.kind_of(one.entry)
            found += [one] if kind == "ours" else []
            official += [one] if kind == "official" else []
    results += map(_official, official[:_MAX_OFFICIAL])
    if not found and not results:
        told, cure = "has no entry of this program", f"Run `pica-mcp install {client.name}`."
        results.append(Result(Group.CLIENTS, client.title, Status.NOTE, told, cure))
    return Looked(tuple(results), tuple(found), tuple(official))


def others_read(file: Path) -> bool:
    """Tell if others on this machine may read the file. Raises `OSError`."""
    return os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _odd(path: Path, machine: Machine) -> tuple[str, str] | None:
    """Return why a project's file is not read, which anybody may have written, and what to do; None if it is."""
    if not path.is_relative_to(files.real(machine.folder)):
        return f"a link of this folder leads out of it, to {path}, which was not read", "Look at it, and take it away."
    with suppress(OSError):
        if path.stat().st_size > _MAX_PROJECT_BYTES:
            told = f"{path} is larger than {_MAX_PROJECT_BYTES // 1024**2} MB, and was not read"
            return told, "See who wrote it: no list of servers is as long as that."
    return None


def _patience(client: Client, document: Mapping[str, Any], name: str) -> float:
    """Return how many seconds the client waits for the server, or those that anybody would."""
    told = as_object(as_object(document.get(client.key)).get(name)).get("startup_timeout_sec")
    seconds = told if isinstance(told, int | float) and told > 0 else client.start_seconds
    return float(min(seconds or _START_SECONDS, _START_SECONDS))  # a whole number may be too long for a float


def _official(one: Found) -> Result:
    told = f"{one.file} starts Pica's official server under that name"
    cure = f"To switch to this one, run {one.install('--replace')}."
    return Result(Group.CLIENTS, one.title, Status.WARNING, told, cure)
