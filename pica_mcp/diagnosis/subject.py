"""Whose settings are looked into: those given here, or those of a client's entry, as the client would start it.

After `pica-mcp install` the shell knows nothing of Pica, and what works does so by a client's entry, whose settings
commands by hand may take too. A project's entry is taken only if that is asked for: its settings say where a secret is
sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pica_mcp import text
from pica_mcp.clients import CLIENTS, Client, Machine, entries, find
from pica_mcp.diagnosis.found import Found, Looked, look_at
from pica_mcp.diagnosis.launch import environment_of, folder_of, placed
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.diagnosis.settings import is_keyless, judge
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Command
from pica_mcp.settings import KEYS_PAGE, SECRETS, Settings, flags_in, load

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
    why_not: Result | None = None
    """Why nobody knows its settings, None if they are known."""

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
        elif one.asked_key:
            status, found = Status.SKIPPED, f"{one.client.title} asks a person for the key, so nobody knows it here"
            cure = f"Set PICA_SECRET here to the key, and run {one.doctor}."
        elif self.missing:
            cure = one.without(self.missing)
        else:
            cure = one.another_key
        return Result(Group.SETTINGS, "secret", status, found, cure)

    def by_hand(self, command: str) -> str:
        """Return the command of this program with the settings that are looked into, as far as a word gives it them."""
        return self.entry.by_hand(command) if self.entry else f"`pica-mcp {command}`"

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


def choose(looked: Looked, machine: Machine, asked: str, *, sandbox: bool = False, projects: bool = False) -> Subject:
    """Return the entry to look into: the first that has settings, or what is asked for, CLIENT or CLIENT/NAME."""
    usable = [one for one in looked.entries if _is_usable(one) and (projects or one.scope == "user")]
    own = [one for one in usable if _is_asked(one, asked) and (asked or _has_settings(one))]
    own.sort(key=lambda one: (bool(asked) and one.scope == "user", _is_unknown(one)))  # what --project asks for
    if own:
        return _of(own[0], machine, _others(own[0], usable, asked), sandbox=sandbox)
    if not asked:
        return given(machine, sandbox=sandbox)
    return _without_entry(looked, machine, asked, sandbox=sandbox)


def _is_usable(one: Found) -> bool:
    """Tell if it is a server that its client starts."""
    return one.serves and one.entry.is_enabled and not one.entry.url


def _is_asked(one: Found, asked: str) -> bool:
    return asked in ("", one.client.name, f"{one.client.name}/{one.name}")


def _is_unknown(one: Found) -> bool:
    """Tell if some of its variables are not known here, but in another file or by a person who is asked."""
    return bool(one.unread or one.asked_key)


def _others(one: Found, usable: Sequence[Found], asked: str) -> str:
    """Return that there are others that might have been meant, empty if there are none."""
    own = [other.name for other in usable if other.client == one.client and other.name != one.name]
    if own and "/" not in asked:
        return f"; {one.client.name}/NAME looks into another: {', '.join(own)}"
    is_only = all(other.client == one.client for other in usable)
    return "" if asked or is_only else "; name another client to look at its"


def _without_entry(looked: Looked, machine: Machine, asked: str, *, sandbox: bool) -> Subject:
    """Return that the client has no such entry to look into: no setting is wrong, but the client."""
    client, _, name = asked.partition("/")
    known = find(client)
    title = known.title if known else client
    own = [one for one in looked.entries if _is_asked(one, asked)]
    told, cure = "has no entry of this program to look into", f"Run `pica-mcp install {client}`"
    if name:
        told, cure = f"has no entry {name} to look into", "Run `pica-mcp install`, which lists what there is"
    if official := next((one for one in looked.official if _is_asked(one, asked)), None):
        cure = f"Run {official.install('--replace')}"
    if any(one.scope == "project" for one in own):
        cure += ", or look into that of this folder with --project"
    if off := next((one for one in own if not one.entry.is_enabled), None):
        told, cure = f"its entry {off.name} is switched off", f"Switch it on in {title}"
    skipped = Result(Group.SETTINGS, "settings", Status.SKIPPED, f"{title}: {told}")
    failed = Result(Group.CLIENTS, title, Status.FAILURE, told, f"{cure}.")
    why_not = replace(skipped, cure=failed.cure)
    return Subject(machine.environ, sandbox, told=(skipped, failed), why_not=why_not)


def _of(one: Found, machine: Machine, more: str, *, sandbox: bool) -> Subject:
    if one.unread:
        told = f"{one.client.title}'s entry {one.name} cannot be looked into: {one.unread}{more}"
        skipped = Result(Group.SETTINGS, "settings", Status.SKIPPED, told, "Give its settings here.")
        return Subject(machine.environ, sandbox, one, (skipped,), why_not=skipped)
    given = {**environment_of(one, machine), **flags_in(one.entry.args)}
    environ, folder = placed(given, one, machine), folder_of(one, machine)
    told = [Result(Group.SETTINGS, "settings", Status.OK, f"those of {one.client.title}'s entry {one.name}{more}")]
    if names := ", ".join(one.missing(machine.environ, SECRETS)):
        unset = f"the entry takes {names} from where {one.client.title} is started, and here that is not set"
        told.append(Result(Group.SETTINGS, "variables", Status.WARNING, unset, f"Set {names} here, too."))
    missing = entries.missing(one.client, one.entry, machine.environ)
    is_sandbox = sandbox or "--sandbox" in one.entry.args
    unshared = () if is_sandbox else tuple(_unshared(one, environ, machine))
    return Subject(environ, is_sandbox, one, tuple(told), missing, unshared, folder)


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


def settings_of_entry(
    asked: str, machine: Machine, flags: Mapping[str, str | None], *, sandbox: bool = False, keyless: bool = False
) -> Settings:
    """Return the settings of a client's only entry, or of the one `asked` for by its name too; flags go before them.

    With `keyless`, there need be no secret. Raises `InvalidSettings` that says why they cannot be had here. An entry of
    a project is not taken.
    """
    client = next(one for one in CLIENTS if one.name == asked.partition("/")[0])
    looked = look_at(client, machine, projects=False)
    several = [one.name for one in looked.entries if _is_usable(one) and _is_asked(one, asked)]
    if len(several) > 1:
        problem = f"{client.title} has {len(several)} entries of this program: {_listed(several)}."
        raise InvalidSettings(problem, f"Name one of them: --client {client.name}/NAME.")
    subject = choose(looked, machine, asked, sandbox=sandbox)
    if subject.why_not:
        why = next((one for one in looked.results if one.status is Status.FAILURE), subject.why_not)  # a broken file
        raise _wrong(why.found, why.cure)
    besides = SECRETS if keyless or subject.sandbox else ()
    if subject.entry and (missing := subject.entry.missing(machine.environ, besides)):
        problem = f"{subject.origin} takes {_listed(missing)} from where {client.title} is started."
        raise InvalidSettings(problem, f"Set {_listed(missing)} here, too.")
    judged = judge(flags, subject.environ, sandbox=subject.sandbox)
    if judged.settings is None or judged.problems:
        raise InvalidSettings(f"With {subject.origin}: {next(iter(judged.problems.values()))}")
    if not keyless and is_keyless(judged.settings):
        is_asked = subject.entry and subject.entry.asked_key
        cure = "Set PICA_SECRET here to the key." if is_asked else subject.keyless.cure
        raise _wrong(f"With {subject.origin}: {subject.keyless.found}", cure)
    return subject.located(judged.settings)


def usable_client(machine: Machine) -> str:
    """Return the name of a client whose only entry has a key to an account here, empty if there is none."""
    return next((client.name for client in CLIENTS if _has_key(client, machine)), "")


def _has_key(client: Client, machine: Machine) -> bool:
    try:
        return not settings_of_entry(client.name, machine, {}).sandbox
    except InvalidSettings:
        return False


def _listed(names: Sequence[str]) -> str:
    """Return the names, which come from a file, as a list to be read."""
    return text.line(", ".join(names), 200)


def _wrong(found: str, cure: str) -> InvalidSettings:
    return InvalidSettings(f"{found.removesuffix('.')}.", cure)
