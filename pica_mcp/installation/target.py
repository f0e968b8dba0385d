"""The room of installing, what it is about: a file of a client, and the name of an entry in it."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pica_mcp import text
from pica_mcp.clients import CLIENTS, USUAL_NAME, Client, Machine, Scope, files, is_here, project_file, user_file
from pica_mcp.clients.edits import MISSING, Unparsable, at
from pica_mcp.clients.entries import Entry, Kind, entries_of, form_of, kind_of, path_of
from pica_mcp.clients.shell import install_words
from pica_mcp.errors import InvalidSettings, OperatorError
from pica_mcp.settings import CONFIG, flags_in

Deed = Literal["", "--replace", "--uninstall"]
"""What is to be done with an entry, as a person says it; plainly installing it needs no word."""

KINDS: Mapping[Kind, str] = {"ours": "pica-mcp", "official": "Pica's official server", "other": "another server"}
"""What to call what an entry starts."""

_WHOSE = ("PICA_IDENTITY", "PICA_IDENTITY_TYPE", CONFIG.variable)
"""Variables that may say whose accounts an entry serves."""
_MAX_COMMANDS = 10


@dataclass(frozen=True, slots=True)
class Target:
    """A file of a client, and the name of the entry that it is about."""

    client: Client
    scope: Scope
    file: Path
    name: str = USUAL_NAME

    @property
    def path(self) -> tuple[str, ...]:
        """Where in the file the entry is."""
        return path_of(self.client, self.name)

    @property
    def is_shared(self) -> bool:
        """Whether others may have the file, too."""
        return self.scope == "project"

    def command(self, program: str, *more: str) -> str:
        """Return what installs the entry, where a shell is to be told to run that program."""
        return f"{program} {install_words(self.client, self.scope, self.name, *more)}"

    def read(self) -> tuple[str | None, dict[str, Any]]:
        """Return the text of the file, None if there is none, and what it says. Raises `OperatorError`."""
        written = files.load(self.file)
        try:
            return written, form_of(self.client).read(written or "")
        except Unparsable as error:
            where = f"{str(self.file)!r}, line {error.line}, column {error.column}"
            problem = text.line(f"{where}: {error.problem}", 400)
            raise OperatorError(problem, "Put it right in an editor; nothing was changed.") from None


def target_of(client: Client, scope: Scope, name: str, machine: Machine, *, is_there: bool = False) -> Target:
    """Return what it is about; an entry that is there already has the name it has. Raises `InvalidSettings`."""
    if not is_there and not client.takes(name):
        problem = f"--name is {name!r}, which {client.title} would not take."
        raise InvalidSettings(problem, "Use up to 40 letters, digits and hyphens.")
    file = user_file(client, machine) if scope == "user" else project_file(client, machine)
    if file is None:
        raise InvalidSettings(f"{client.title} has no file for a project.", "Leave --scope project out.")
    target = Target(client, scope, file, name)
    if target.is_shared:
        _refuse_outside(file, machine)
    return target


def meant(target: Target, program: str, deed: Deed) -> Target:
    """Return the entry that is meant where nobody names one: the usual one if it is there, else the only candidate.

    If one is to be replaced, that is the entry of Pica's official server, else one of ours. Raises `InvalidSettings`
    where there are several, or one is beside another server of the usual name; `program` is what to run.
    """
    _, document = target.read()
    kinds = {name: kind_of(entry) for name, entry in entries_of(target.client, document).items()}
    is_there, replaces = at(document, target.path) is not MISSING, deed == "--replace"
    if is_there and not (replaces and kinds.get(target.name, "other") == "other"):
        return target
    official, ours = (
        [replace(target, name=name) for name, one in kinds.items() if one == kind and target.client.takes(name)]
        for kind in ("official", "ours")
    )
    known = [*kinds.values()]
    is_official = replaces and "official" in known
    count, found = (known.count("official"), official) if is_official else (known.count("ours"), ours)
    is_passed_over = "ours" in known and not found  # its restrictions would be lost
    if count > 1 or is_passed_over or (count == 1 and is_there):
        commands = " or ".join(f"`{one.command(program, *filter(None, [deed]))}`" for one in found[:_MAX_COMMANDS])
        remedy = f"Say which one: {commands}." if commands else "Say which one with --name."
        remedy += f" For {target.name}, which is another server's, that is --name {target.name}." if is_there else ""
        entries = "several entries" if count > 1 or is_there else "an entry of ours"
        raise InvalidSettings(f"{target.client.title} has {entries} that may be meant.", remedy)
    return found[0] if found and not is_there else target


def _refuse_outside(file: Path, machine: Machine) -> None:
    """Raise if a link in a project, which anybody may have written, leads out of it."""
    if not files.real(file).is_relative_to(files.real(machine.folder)):
        problem = f"{str(file)!r} is a link that leads out of this folder."
        raise InvalidSettings(problem, "Look at it, and take it away, or leave --scope project out.")


# What is there already


@dataclass(frozen=True, slots=True)
class Standing:
    """A file of a client that is on the machine, and what it has of Pica's servers."""

    target: Target
    entries: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    """By name; of others' servers only one that has the usual name."""
    problem: str = ""
    """Why the file cannot be read."""


def survey(machine: Machine) -> Iterator[Standing]:
    """Yield what the clients of the machine have, and those of the project that a person is in."""
    for client in CLIENTS:
        mine = user_file(client, machine)
        if is_here(client, machine):
            yield _standing(Target(client, "user", mine), machine)
        shared = project_file(client, machine)
        if shared and shared != mine and os.path.isfile(shared):  # noqa: PTH113 - of what may not be looked at, too
            yield _standing(Target(client, "project", shared), machine)


def _standing(target: Target, machine: Machine) -> Standing:
    try:
        if target.is_shared:
            _refuse_outside(target.file, machine)
        _, document = target.read()
    except OperatorError as error:
        return Standing(target, problem=str(error))
    found = {text.line(name, 60): entry for name, entry in entries_of(target.client, document).items()}
    ours = {name: entry for name, entry in found.items() if kind_of(entry) != "other" or name == target.name}
    return Standing(target, ours)


def about(entry: Entry, target: Target) -> Iterator[str]:
    """Yield what tells an entry of ours from another: whom it serves, and why it would not start."""
    if kind_of(entry) != "ours":
        return
    told = {**dict.fromkeys(entry.passed, ""), **entry.env, **flags_in(entry.args)}
    if "--sandbox" in entry.args:
        yield "sandbox"
    if identity := told.get("PICA_IDENTITY"):
        yield text.masked(text.line(f"{told.get('PICA_IDENTITY_TYPE') or 'identity'} {identity}", 80))
    elif "--sandbox" not in entry.args and told.keys().isdisjoint(_WHOSE):
        yield "the whole account"
    if not entry.is_enabled:
        yield "switched off"
    # Only of the user's own file: whoever wrote a project may have named a program of another machine.
    if not target.is_shared and Path(entry.command).is_absolute() and not os.path.isfile(entry.command):  # noqa: PTH113
        yield "its program is missing"
