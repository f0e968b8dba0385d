"""What is in the files of the clients on this machine: whether they can be read, and the entries of this program.

They are read aside and for a bounded time: a file may be large, or on a disk that does not answer. One of a project may
have been written by anybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread

from pica_mcp import text
from pica_mcp.clients import CLIENTS, Client, Machine, entries, files, is_here, project_file, user_file
from pica_mcp.clients.entries import Entry, program_of
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

Scope = Literal["user", "project"]


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
        words = self.words
        return words is not None and (not words or words[0] == "serve" or words[0].startswith("-"))

    @property
    def unread(self) -> str:
        """Why nobody knows here what it sets, empty if that stands in the entry."""
        if entries.is_wrapped(self.entry):
            return f"{program_of(self.entry)} runs it, which may do more than that"
        return f"its variables are in the file {text.line(self.entry.env_file, 100)}" if self.entry.env_file else ""

    def install(self, *more: str) -> str:
        """Return the command that writes the entry anew. A name that is not plain stays out: people paste commands."""
        name = ("--name", self.name) if self.name != "pica" and self.client.takes(self.name) else ()
        scope = () if self.scope == "user" else ("--scope", "project")
        return f"`{' '.join(('pica-mcp install', self.client.name, *scope, *name, *more))}`"

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
    absent: tuple[str, ...]
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
    told: dict[str, tuple[list[Result], list[Found]]] = {}

    async def one(client: Client) -> None:
        late = f"its files could not be read within {_READ_SECONDS:.0f} s"
        told[client.name] = [Result(Group.CLIENTS, client.title, Status.FAILURE, late, "See what makes them slow.")], []
        with anyio.move_on_after(_READ_SECONDS):
            told[client.name] = await anyio.to_thread.run_sync(look_at, client, machine, abandon_on_cancel=True)

    async with anyio.create_task_group() as tasks:
        for client in present:
            tasks.start_soon(one, client)
    results = [
        result
        for client in present
        for result in told[client.name][0]
        if client.name != asked or result.status is not Status.NOTE
    ]
    found = [entry for client in present for entry in told[client.name][1]]
    return Looked(tuple(results), tuple(found), tuple(one.title for one in CLIENTS if one not in present))


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


def look_at(client: Client, machine: Machine) -> tuple[list[Result], list[Found]]:
    """Return what is wrong with the client's files or missing from them, and the entries of this program."""
    results: list[Result] = []
    found: list[Found] = []
    official: list[Found] = []
    for path, scope in _files(client, machine).items():
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
            kind = entries.kind_of(entry)
            found += [one] if kind == "ours" else []
            official += [one] if kind == "official" else []
    results += map(_official, official[:_MAX_OFFICIAL])
    if not found and not results:
        told, cure = "has no entry of this program", f"Run `pica-mcp install {client.name}`."
        results.append(Result(Group.CLIENTS, client.title, Status.NOTE, told, cure))
    return results, found


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
