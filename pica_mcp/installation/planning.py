"""The room of installing, the entry: which command, which settings, and where it gets the secret."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from pica_mcp.audit import files_of
from pica_mcp.clients import Machine
from pica_mcp.clients.entries import Entry
from pica_mcp.errors import InvalidSettings
from pica_mcp.installation.before import SETTINGS, Before, before_of, checkable, wrong
from pica_mcp.installation.keeping import PLUMBING, Ask, Place, Way, best_way, chosen, place, ways_of
from pica_mcp.installation.program import program
from pica_mcp.installation.target import Target
from pica_mcp.secret import Fixed
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, Settings, in_full, load

_VARIABLES = {option.name: option.variable for option in (CONFIG, *OPTIONS)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants of an entry."""

    python: str
    """The Python that is to run this program."""
    record: str = ""
    """What its installer wrote down of where it came from (PEP 610), empty if it came from a registry by its name."""
    program: str = "pica-mcp"
    """What a shell is to be told to run it."""
    flags: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Settings by their options' names, None for what is not given."""
    sandbox: bool = False
    way: Way | None = None
    """Where the key is to be, None for whatever suits."""
    ask: Ask | None = None
    """Asks them for the key; None where nobody is there."""
    may_replace: bool = False
    """Whether it may take the place of another server's entry, or of another key."""
    is_dry: bool = False
    """Whether they only want to see it: nothing is written then."""


@dataclass(frozen=True, slots=True)
class Launch:
    """An entry to be written, and what has to be done for its secret."""

    entry: Entry
    place: Place | None
    """None if it needs no secret."""
    settings: Settings
    """What the entry comes to, as far as that is known: the client settles what refers to something else."""
    before: Before = field(default_factory=Before)
    """What there was."""
    key: str | None = field(default=None, repr=False)
    """The key, if somebody gave it already."""
    found: str | None = field(default=None, repr=False)
    """Else the key that was in the entry, if that holds on."""


def plan(target: Target, wanted: Wanted, machine: Machine, there: Entry | None = None) -> Launch:
    """Return how the client is to start the server, given the entry of that name that is there already.

    What an entry of ours was set to, or one of Pica's official server, holds on unless it is set anew: to forget an
    identity or a permission would open what somebody has closed. Raises `InvalidSettings`.
    """
    now = _set_now(wanted, machine)
    before = before_of(target, there, now)
    here = load(wanted.flags, machine.environ, sandbox=wanted.sandbox, keyless=True)
    if not before.is_trusted:  # variables go before a settings file, and whoever wrote a project not before the user's
        before = before.without(_in_own_file(here))
    settings = _with_kept(target, wanted, machine, before) if before.env else here
    _refuse_nowhere(settings)
    if wanted.sandbox:
        is_own = before.is_trusted and before.kind == "ours"
        where, key, found = _as_before(before.entry) if is_own else Place(""), None, None
    else:
        where, key, found = _secret(target, wanted, machine, here, settings, before)
    command, args = program(wanted.python, machine, wanted.record, with_keyring="PICA_SECRET_KEYRING" in where.env)
    env = {**before.env, **now, **where.env}
    passed = tuple(sorted({*(name for name in before.passed if name not in env), *where.passed}))
    entry = Entry(command, (*args, "--sandbox") if wanted.sandbox else args, env, passed)
    return Launch(entry, None if wanted.sandbox else where, settings, before, key, found)


# Settings


def _set_now(wanted: Wanted, machine: Machine) -> dict[str, str]:
    """Return the variables for what is given as flags or set here, with paths in full."""
    set_here = {name: value for name, value in machine.environ.items() if name in SETTINGS}
    given = wanted.flags.items()
    flagged = {variable: flag for name, flag in given if flag is not None and (variable := _VARIABLES.get(name))}
    return {name: in_full(name, value.strip(), machine.folder) for name, value in {**set_here, **flagged}.items()}


def _in_own_file(settings: Settings) -> frozenset[str]:
    """Return the variables for what the user's own settings file sets."""
    return frozenset(name for option, name in _VARIABLES.items() if _is_in_file(settings, option))


def _is_in_file(settings: Settings, option: str) -> bool:
    found = settings.origins.get(option)
    return found is not None and found.kind == "file"


def _with_kept(target: Target, wanted: Wanted, machine: Machine, before: Before) -> Settings:
    """Return the settings with those that hold on, checked now rather than when nobody looks."""
    variables = {**checkable(target.client, before.env), **machine.environ}
    try:
        return load(wanted.flags, variables, sandbox=wanted.sandbox, keyless=True)
    except InvalidSettings as error:
        raise wrong(error) from None


def _refuse_nowhere(settings: Settings) -> None:
    """Raise if the record of calls is to go where no server would write it, which would not start then."""
    if settings.audit in ("stderr", "off"):
        return
    try:
        with suppress(RuntimeError):  # no such home; whoever writes there says so
            files_of(settings.audit)
    except ValueError:  # a bare word, or what no file can be called
        problem = f"{settings.named('audit')} is {settings.audit!r}, but must be stderr, off, or the path of a file"
        raise InvalidSettings(f"{problem} with its folder.") from None


# The secret


def _secret(
    target: Target, wanted: Wanted, machine: Machine, here: Settings, settings: Settings, before: Before
) -> tuple[Place, str | None, str | None]:
    """Return how the entry comes by the secret, the key if it is given, and else the one that was in the entry.

    `here` is what is set here and now. A settings file that only the entry names is looked into, never read from: who
    wrote it may have named a command.
    """
    key = here.secret.text if isinstance(here.secret, Fixed) and "PICA_SECRET" in machine.environ else None
    found = before.found_key if before.is_trusted else None
    if wanted.way:
        return chosen(wanted.way, target, machine), key or _read(wanted, here), found
    if not key and (elsewhere := _elsewhere(machine, settings)):
        return elsewhere, None, None
    has_key, is_only_there = bool(key or found or wanted.ask), found is not None and found != key
    best = place(best_way(target, machine, has_key=has_key, must_hold=is_only_there), target, machine)
    is_asked_for = bool(not key and wanted.ask and wanted.may_replace and before.kind == "ours" and best.source)
    if own := _own_way(target, machine, before, is_given=bool(key), is_asked_for=is_asked_for):
        return own, key, None
    return best, key, None if is_asked_for else found


def _elsewhere(machine: Machine, settings: Settings) -> Place | None:
    """Return where the secret is said to be here and now, or in a settings file; None if nowhere."""
    if named := {name: value.strip() for name, value in machine.environ.items() if name in SECRETS}:
        env = {variable: in_full(variable, value, machine.folder) for variable, value in named.items()}
        return replace(_as_before(Entry("", env=env)), told=f"what {next(iter(named))} names")
    return Place(f"what {settings.config} says") if settings.origins["secret"].kind == "file" else None


def _own_way(target: Target, machine: Machine, before: Before, *, is_given: bool, is_asked_for: bool) -> Place | None:
    """Return how the entry that is there comes by the secret, None if that does not hold on.

    A key that is given anew, or asked for, is put where the entry finds it, and never ignored for an older one.
    """
    ways = (place(way, target, machine) for way in ways_of(target.client))
    same = next((way for way in ways if way.is_of(before.entry)), None) if before.kind != "other" else None
    if same and (same.source or not is_asked_for):
        return same
    as_before = _as_before(before.entry)
    holds = before.is_trusted and _leads_somewhere(as_before) and not (is_given or is_asked_for)
    return as_before if holds else None


def _read(wanted: Wanted, here: Settings) -> str | None:
    """Return the key from where it is now, if it is to be moved from there."""
    is_moved = wanted.way in ("keyring", "file") and not wanted.is_dry
    return anyio.run(here.secret.read) or None if is_moved else None


def _as_before(entry: Entry) -> Place:
    """Return the entry's own way to a secret that it does not hold itself."""
    env = {name: value for name, value in entry.env.items() if name in PLUMBING and name != "PICA_SECRET"}
    passed = tuple(name for name in entry.passed if name in SECRETS)
    return Place("where it was before", env, passed)


def _leads_somewhere(where: Place) -> bool:
    """Tell if there may be a key; a file that is gone holds none."""
    file = where.env.get("PICA_SECRET_FILE", "")
    with suppress(RuntimeError):  # no such home
        path = Path(file).expanduser()
        if path.is_absolute() and "$" not in file and not os.path.isfile(path):  # noqa: PTH113 - nor what is forbidden
            return False
    return bool(where.passed) or not where.env.keys().isdisjoint(SECRETS)
