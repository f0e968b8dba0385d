"""How a client is to start this program: by which command, with which settings, and where it gets the secret."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which

import anyio

from pica_mcp.cli.safekeeping import PLUMBING, WAYS, Place, Way, best_way, place
from pica_mcp.clients import Client
from pica_mcp.clients.entries import Entry, kind_of
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Fixed
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, Settings, load

_THROWAWAY = re.compile(r"(archive|environments|builds)-v\d+")
"""Folders of uv's cache, which holds what uvx runs until somebody cleans it."""

_NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_KNOWN = {option.variable: option for option in (CONFIG, *OPTIONS)}
_NEEDS_FULL_PATH = ("PICA_CONFIG", "PICA_FILES", "PICA_CACHE", "PICA_AUDIT", "PICA_SECRET_FILE")
_WORDS = ("off", "stderr")
"""What may stand where a path may."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a client would run: the machine, and what the person has set there."""

    system: str
    environ: Mapping[str, str]
    executable: str
    """The Python that runs this."""


@dataclass(frozen=True, slots=True)
class Launch:
    """An entry to be written, and what has to be done for its secret."""

    entry: Entry
    place: Place | None
    """None if it needs no secret."""
    key: str | None = None
    """The key, if somebody gave it already."""
    had_key: bool = False
    """Whether the entry that was there held the key itself."""


def plan(client: Client, arguments: Namespace, around: Surroundings, before: Entry | None) -> Launch:
    """Return how the client is to start the server, given the entry of that name that is there already.

    What an entry of ours was set to, or one of Pica's official server, holds on unless it is set anew: to forget an
    identity or a permission would open what somebody has closed. Raises `InvalidSettings`.
    """
    kept = _kept(before)
    settings, env = _settings(arguments, kept, around)
    if arguments.sandbox:
        command, args = program(around)
        return Launch(Entry(command, (*args, "--sandbox"), env), None)
    where, key = _secret(client, arguments, around, settings, before)
    command, args = program(around, with_keyring="PICA_SECRET_KEYRING" in where.env)
    others = _passed_before(before) if before else ()
    entry = Entry(command, args, {**env, **where.env}, tuple(sorted({*others, *where.passed})))
    found = _key_of(before)
    return Launch(entry, where, key or found, had_key=bool(found))


def program(around: Surroundings, *, with_keyring: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return a command that starts this program from anywhere: desktop programs have a short PATH.

    A virtual environment's links are not followed, since Python tells by them which environment it is.
    """
    python = Path(around.executable)
    if any(_THROWAWAY.fullmatch(part) for part in python.parts):
        return _uvx(around), ("--from", "pica-mcp[keyring]", "pica-mcp") if with_keyring else ("pica-mcp",)
    script = python.parent / ("pica-mcp.exe" if around.system == "win32" else "pica-mcp")
    return (str(script), ()) if script.is_file() else (str(python), ("-m", "pica_mcp"))


def _uvx(around: Surroundings) -> str:
    beside = Path(around.environ.get("UV", "")).with_name("uvx") if around.environ.get("UV") else None
    found = which("uvx", path=around.environ.get("PATH", "")) or (str(beside) if beside and beside.exists() else None)
    if not found:
        raise InvalidSettings("Nobody knows where uvx is, which runs this.", "Put it on your PATH, then try again.")
    return str(Path(found).absolute())


# Settings


def _kept(before: Entry | None) -> dict[str, str]:
    """Return the variables of the entry before that hold on."""
    if before is None or (kind := kind_of(before)) == "other":
        return {}
    if kind == "ours":
        return {name: value for name, value in {**before.env, **_flags(before)}.items() if name not in PLUMBING}
    given = {**_assigned(before), **before.env}
    return {name: value for name, value in given.items() if name in _KNOWN or name.upper() in _NETWORK}


def _assigned(entry: Entry) -> dict[str, str]:
    """Return the variables that a container's command line sets."""
    pairs = (word.removeprefix("--env=").partition("=") for word in entry.args)
    return {name: value for name, _, value in pairs if name.startswith("PICA_") and value}


def _flags(entry: Entry) -> dict[str, str]:
    """Return the settings that the entry gives as flags, as variables."""
    by_flag = {option.flag: option.variable for option in _KNOWN.values()}
    words, found = iter(entry.args), dict[str, str]()
    for word in words:
        flag, has_value, value = word.partition("=")
        if variable := by_flag.get(flag):
            found[variable] = value if has_value else next(words, "")
    return found


def _settings(arguments: Namespace, kept: Mapping[str, str], around: Surroundings) -> tuple[Settings, dict[str, str]]:
    """Return the settings, which are checked now rather than when nobody looks, and the variables for the entry."""
    flags = {option.name: getattr(arguments, option.name) for option in _KNOWN.values()}
    settings = load(flags, around.environ, sandbox=arguments.sandbox, keyless=True)
    if kept:
        settings = _with_kept(flags, {**kept, **around.environ}, sandbox=arguments.sandbox)
    set_here = {name: value for name, value in around.environ.items() if name in _KNOWN}
    flagged = {option.variable: flag for option in _KNOWN.values() if (flag := flags[option.name]) is not None}
    env = {**kept, **set_here, **flagged}
    return settings, {name: _in_full(name, value.strip()) for name, value in env.items()}


def _with_kept(flags: Mapping[str, str | None], variables: Mapping[str, str], *, sandbox: bool) -> Settings:
    try:
        return load(flags, variables, sandbox=sandbox, keyless=True)
    except InvalidSettings as error:
        problem = f"What the entry that is there sets does not hold: {error}"
        raise InvalidSettings(problem, "Correct it there, or give it anew as a flag.") from None


def _in_full(variable: str, value: str) -> str:
    """Return the value as it holds in any folder."""
    if variable not in _NEEDS_FULL_PATH or value.lower() in _WORDS:
        return value
    try:
        return str(Path(value).expanduser().absolute())
    except RuntimeError:  # no such home; whoever reads it says so
        return value


# The secret


def _secret(
    client: Client, arguments: Namespace, around: Surroundings, settings: Settings, before: Entry | None
) -> tuple[Place, str | None]:
    """Return how the entry comes by the secret, and the key if it is at hand."""
    here = {name: value.strip() for name, value in around.environ.items() if name in SECRETS}
    key = settings.secret.text if isinstance(settings.secret, Fixed) and "PICA_SECRET" in here else None
    name = arguments.name
    if arguments.secret:
        return _placed(arguments.secret, client, name, around), key or _read(arguments, settings)
    if here and key is None:
        env = {variable: _in_full(variable, value) for variable, value in here.items()}
        return replace(_as_before(Entry("", env=env)), told=f"what {next(iter(here))} names"), None
    if settings.origins["secret"].kind == "file":
        return Place(f"what {settings.config} says"), None
    if before and kind_of(before) != "other":
        ways = (_placed(way, client, name, around) for way in _ways(client))
        if same := next((way for way in ways if way.is_of(before)), None):
            return same, key
        if (as_before := _as_before(before)).passed or not as_before.env.keys().isdisjoint(SECRETS):
            return as_before, None
    has_key = bool(key or _key_of(before))
    way = best_way(
        client,
        has_key=has_key,
        is_shared=arguments.scope == "project",
        system=around.system,
        environ=around.environ,
    )
    return _placed(way, client, name, around), key


def _read(arguments: Namespace, settings: Settings) -> str | None:
    """Return the key from where it is now, if it is to be moved from there."""
    is_moved = arguments.secret in ("keyring", "file") and not (arguments.dry_run or arguments.print)
    return anyio.run(settings.secret.read) or None if is_moved else None


def _placed(way: Way, client: Client, name: str, around: Surroundings) -> Place:
    return place(way, client, name, around.system, around.environ)


def _ways(client: Client) -> tuple[Way, ...]:
    """Return the ways that the client has."""
    can_refer = bool(client.reference) or client.form == "toml"
    return tuple(
        way
        for way in WAYS
        if not (way == "prompt" and client.name != "vscode") and not (way == "env" and not can_refer)
    )


def _as_before(entry: Entry) -> Place:
    """Return the entry's own way to a secret that it does not hold itself."""
    env = {name: value for name, value in entry.env.items() if name in PLUMBING and name != "PICA_SECRET"}
    passed = tuple(name for name in entry.passed if name in SECRETS)
    return Place("where it was before", env, passed)


def _key_of(entry: Entry | None) -> str | None:
    """Return the key, if the entry holds it in plain text."""
    if entry is None or kind_of(entry) == "other":
        return None
    value = {**_assigned(entry), **entry.env}.get("PICA_SECRET", "").strip()
    return value if value and "$" not in value else None


def _passed_before(entry: Entry) -> tuple[str, ...]:
    return tuple(name for name in entry.passed if name not in SECRETS) if kind_of(entry) == "ours" else ()
