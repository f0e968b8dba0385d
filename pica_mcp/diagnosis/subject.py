"""Whose settings are looked into: those given here, or those of a client's entry, as the client would start it.

After `pica-mcp install` the shell knows nothing of Pica, and what works does so by a client's entry. A project's entry
is taken only if that is asked for: its settings say where a secret is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pica_mcp.clients import Machine, entries, find
from pica_mcp.diagnosis.found import Found
from pica_mcp.diagnosis.launch import placed
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.settings import KEYS_PAGE, flags_in


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked into."""

    environ: Mapping[str, str] = field(repr=False)
    sandbox: bool = False
    entry: Found | None = None
    told: tuple[Result, ...] = ()
    """What people should know of that."""
    missing: tuple[str, ...] = ()
    """Variables that the entry refers to and that are not there."""
    is_known: bool = True

    @property
    def origin(self) -> str:
        """What to call the place of its settings; empty if each has its own."""
        return f"{self.entry.client.title}'s entry" if self.entry else ""

    @property
    def keyless(self) -> Result:
        """What is told where no key is set."""
        one, status, found = self.entry, Status.FAILURE, "PICA_SECRET is not set."
        if one is None:
            cure = f"Run `pica-mcp install CLIENT`, or set PICA_SECRET to a key from {KEYS_PAGE}; "
            cure += "`pica-mcp doctor CLIENT` looks at what a client has."
        elif entries.asked(one.client, one.entry):
            status, found = Status.SKIPPED, f"{one.client.title} asks a person for it, so nobody knows it here"
            cure = f"To have the rest looked into, set PICA_SECRET to it and run `pica-mcp doctor {one.client.name}`."
        elif self.missing:
            cure = one.without(self.missing)
        else:
            cure = one.another_key
        return Result(Group.SETTINGS, "secret", status, found, cure)

    @property
    def another_key(self) -> str:
        """What to do about a key that Pica refuses; empty where that is for whoever set it to know."""
        return self.entry.another_key if self.entry else ""


def given(machine: Machine, *, sandbox: bool) -> Subject:
    """Return what is set here."""
    return Subject(machine.environ, sandbox)


def says_nothing(machine: Machine, flags: Mapping[str, str | None], *, sandbox: bool) -> bool:
    """Tell if nothing at all is set here."""
    is_flagged = sandbox or any(value is not None for value in flags.values())
    return not is_flagged and not any(name.startswith("PICA_") for name in machine.environ)


def choose(
    found: Sequence[Found], machine: Machine, client: str, *, sandbox: bool = False, projects: bool = False
) -> Subject:
    """Return the entry to look into: the first that has settings, or any of the named client."""
    usable = [
        one
        for one in found
        if (one.serves or one.words is None)  # as uvx may, which is not started
        and (one.entry.is_enabled and not one.entry.url)
        and (projects or one.scope == "user")
    ]
    own = [one for one in usable if (one.client.name == client if client else _has_settings(one))]
    own.sort(key=lambda one: bool(entries.asked(one.client, one.entry)))  # what a person is asked for is not known here
    if own:
        is_only = bool(client) or all(one.client == own[0].client for one in usable)
        return _of(own[0], machine, "" if is_only else "; name another client to look at its", sandbox=sandbox)
    if not client:
        return given(machine, sandbox=sandbox)
    known = find(client)
    told = f"{known.title if known else client} has no entry of this program to look into"
    is_here = any(one.client.name == client and one.scope == "project" for one in found)
    cure = f"Run `pica-mcp install {client}`{', or look into that of this folder with --project' if is_here else ''}."
    failure = Result(Group.SETTINGS, "settings", Status.FAILURE, told, cure)
    return Subject(machine.environ, sandbox, told=(failure,), is_known=False)


def _of(one: Found, machine: Machine, more: str, *, sandbox: bool) -> Subject:
    answers = {
        name: key for name in entries.asked(one.client, one.entry) if (key := machine.environ.get("PICA_SECRET"))
    }
    given = {**entries.environment(one.client, one.entry, machine, answers), **flags_in(one.entry.args)}
    environ = placed(given, one, machine)
    told = f"those of {one.client.title}'s entry {one.name}{more}"
    well = Result(Group.SETTINGS, "settings", Status.OK, told)
    missing = entries.missing(one.client, one.entry, machine.environ)
    return Subject(environ, sandbox or "--sandbox" in one.entry.args, one, (well,), missing)


def _has_settings(one: Found) -> bool:
    names = (*one.entry.env, *one.entry.passed, *flags_in(one.entry.args))
    return "--sandbox" in one.entry.args or any(name.startswith("PICA_") for name in names)
