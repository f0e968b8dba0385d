"""Whose settings are looked into: those given here, or those of a client's entry, as the client would start it.

After `pica-mcp install` the shell knows nothing of Pica, and what works does so by a client's entry, whose settings
commands by hand may take too. A project's entry is taken only if that is asked for: its settings say where a secret is
sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pica_mcp.clients import CLIENTS, Client, Machine, entries, find
from pica_mcp.diagnosis.found import Found, look_at
from pica_mcp.diagnosis.launch import folder_of, placed
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.diagnosis.settings import is_keyless, judge
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Command
from pica_mcp.settings import KEYS_PAGE, Settings, flags_in, load

_NETWORK = ("HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE")


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
    unshared: tuple[Result, ...] = ()
    """What the way to Pica has here that the entry does not have."""
    folder: Path | None = None
    """Where a command for the secret is run, None for where doctor is."""
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
            status, found = Status.SKIPPED, f"{one.client.title} asks a person for the key, so nobody knows it here"
            name = one.client.name
            cure = f"Set PICA_SECRET to it, and name the client: `pica-mcp doctor {name}`, or --client {name}."
        elif self.missing:
            cure = one.without(self.missing)
        else:
            cure = one.another_key
        return Result(Group.SETTINGS, "secret", status, found, cure)

    def located(self, settings: Settings) -> Settings:
        """Return the settings that came of it, whose secret's command is run where the entry is started."""
        secret = settings.secret
        return replace(settings, secret=replace(secret, folder=self.folder) if isinstance(secret, Command) else secret)

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
    own = {name: value for name, value in machine.environ.items() if name.startswith("PICA_")}
    try:
        origins = load({}, own, keyless=True).origins.values()
    except (InvalidSettings, OSError):  # of which people are to be told
        return False
    return not is_flagged and all(origin.kind == "default" for origin in origins)


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
    own.sort(key=_is_unknown)
    if own:
        is_only = bool(client) or all(one.client == own[0].client for one in usable)
        return _of(own[0], machine, "" if is_only else "; name another client to look at its", sandbox=sandbox)
    if not client:
        return given(machine, sandbox=sandbox)
    return Subject(machine.environ, sandbox, told=_without_entry(found, client), is_known=False)


def _is_unknown(one: Found) -> bool:
    """Tell if some of its variables are not known here, but in another file or by a person who is asked."""
    return bool(one.unread or entries.asked(one.client, one.entry))


def _without_entry(found: Sequence[Found], client: str) -> tuple[Result, Result]:
    """Return that the client has no entry to look into: no setting is wrong, but the client."""
    known = find(client)
    title = known.title if known else client
    own = [one for one in found if one.client.name == client]
    told = "has no entry of this program to look into"
    cure = f"Run `pica-mcp install {client}`"
    if any(one.scope == "project" for one in own):
        cure += ", or look into that of this folder with --project"
    if off := next((one for one in own if not one.entry.is_enabled), None):
        told, cure = f"its entry {off.name} is switched off", f"Switch it on in {title}"
    skipped = Result(Group.SETTINGS, "settings", Status.SKIPPED, f"{title}: {told}")
    return skipped, Result(Group.CLIENTS, title, Status.FAILURE, told, f"{cure}.")


def _of(one: Found, machine: Machine, more: str, *, sandbox: bool) -> Subject:
    if one.unread:
        told = f"{one.client.title}'s entry {one.name} cannot be looked into: {one.unread}"
        skipped = Result(Group.SETTINGS, "settings", Status.SKIPPED, told, "Give its settings here.")
        return Subject(machine.environ, sandbox, one, (skipped,), is_known=False)
    answers = {
        name: key for name in entries.asked(one.client, one.entry) if (key := machine.environ.get("PICA_SECRET"))
    }
    given = {**entries.environment(one.client, one.entry, machine, answers), **flags_in(one.entry.args)}
    environ, folder = placed(given, one, machine), folder_of(one, machine)
    told = f"those of {one.client.title}'s entry {one.name}{more}"
    well = Result(Group.SETTINGS, "settings", Status.OK, told)
    missing = entries.missing(one.client, one.entry, machine.environ)
    is_sandbox = sandbox or "--sandbox" in one.entry.args
    unshared = () if is_sandbox else tuple(_unshared(one, environ, machine))
    return Subject(environ, is_sandbox, one, (well,), missing, unshared, folder)


def _unshared(one: Found, environ: Mapping[str, str], machine: Machine) -> Iterator[Result]:
    """Yield the variables of the network that this shell has and the entry has not: it is started without them."""
    here, there = ({name.upper() for name, value in each.items() if value} for each in (machine.environ, environ))
    if names := " and ".join(name for name in _NETWORK if name in here - there):
        found = f"this shell has {names}, which {one.client.title}'s entry has not"
        cure = f"If the network needs that, put {names} into the env of the entry, in {one.file}."
        yield Result(Group.NETWORK, "variables", Status.NOTE, found, cure)


def _has_settings(one: Found) -> bool:
    names = (*one.entry.env, *one.entry.passed, *flags_in(one.entry.args))
    return bool(one.unread) or "--sandbox" in one.entry.args or any(name.startswith("PICA_") for name in names)


# For commands by hand


def settings_of(
    client: Client, machine: Machine, flags: Mapping[str, str | None], *, sandbox: bool, keyless: bool
) -> Settings:
    """Return the settings of the client's entry; flags go before them. With `keyless`, there need be no secret.

    Raises `InvalidSettings` that says why they cannot be had here. An entry of a project is not taken.
    """
    results, found = look_at(client, machine)
    subject = _lent(client, found, machine, sandbox=sandbox)
    if not subject.is_known:
        broken = [one for one in results if one.status is Status.FAILURE and not subject.entry]
        raise _wrong((broken or subject.told)[0].found, (broken or subject.told)[-1].cure)
    judged = judge(flags, subject.environ, sandbox=subject.sandbox)
    if judged.settings is None or judged.problems:
        raise InvalidSettings(f"With {subject.origin}: {next(iter(judged.problems.values()))}")
    if not keyless and is_keyless(judged.settings):
        raise _wrong(f"With {subject.origin}: {subject.keyless.found}", subject.keyless.cure)
    return subject.located(judged.settings)


def lender(machine: Machine) -> str:
    """Return the name of a client whose entry's settings can be had here, empty if there is none."""
    lent = (_lent(client, look_at(client, machine)[1], machine, sandbox=False) for client in CLIENTS)
    usable = (one.entry for one in lent if one.entry and not (_is_unknown(one.entry) or one.missing))
    return next((entry.client.name for entry in usable), "")


def _lent(client: Client, found: Sequence[Found], machine: Machine, *, sandbox: bool) -> Subject:
    return choose([one for one in found if one.scope == "user"], machine, client.name, sandbox=sandbox)


def _wrong(found: str, cure: str) -> InvalidSettings:
    return InvalidSettings(f"{found.removesuffix('.')}.", cure)
