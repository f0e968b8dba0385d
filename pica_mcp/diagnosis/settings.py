"""What is set, and where: each setting judged by itself, so that one that is malformed hides nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pica_mcp import text
from pica_mcp.audit import obstacle
from pica_mcp.diagnosis.report import Group, Result, Status, parted
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Fixed
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, Settings, load

_CERTIFICATES = "SSL_CERT_FILE"
_CORRECT = "Correct it, or take it away: `pica-mcp serve --help` lists what it may be."
_NAMES = (CONFIG.name, *(option.name for option in OPTIONS))


@dataclass(frozen=True, slots=True)
class Judged:
    """What holds of the settings, as if the rest were not set, and what is wrong with the rest, by name."""

    settings: Settings | None
    """None if not even the rest can be had."""
    problems: Mapping[str, InvalidSettings]


def judge(flags: Mapping[str, str | None], environ: Mapping[str, str], *, sandbox: bool) -> Judged:
    """Load the settings; if something is wrong, everything that is right of them."""
    if impossible := [name for name, value in environ.items() if not _can_be(f"{name}{value}")]:
        judged = judge(flags, {name: environ[name] for name in environ if name not in impossible}, sandbox=sandbox)
        unheld = {name: InvalidSettings(f"{name} has a character that no variable can hold.") for name in impossible}
        return replace(judged, problems={**unheld, **judged.problems})
    try:
        return Judged(_loaded(flags, environ, sandbox=sandbox), {})
    except InvalidSettings:
        given = {name: value for name, value in flags.items() if value is not None}
        return _each(given, environ, sandbox=sandbox)


def _loaded(flags: Mapping[str, str | None], environ: Mapping[str, str], *, sandbox: bool) -> Settings:
    try:
        return load(flags, environ, sandbox=sandbox, keyless=True)
    except OSError as error:  # a path may be too long for the system
        raise InvalidSettings(f"Its path cannot be looked at: {error.strerror}.") from None


def _can_be(words: str) -> bool:
    """Tell if an environment can hold the words; a client's file may have any."""
    try:
        return b"\0" not in os.fsencode(words)
    except UnicodeEncodeError:
        return False


def _each(flags: Mapping[str, str], environ: Mapping[str, str], *, sandbox: bool) -> Judged:
    """Judge each setting by itself, and go on with those that hold."""
    problems: dict[str, InvalidSettings] = {}

    def holds(name: str, flags: Mapping[str, str], environ: Mapping[str, str]) -> bool:
        try:
            _loaded(flags, environ, sandbox=sandbox)
        except InvalidSettings as error:
            problems[name] = error
            return False
        return True

    plain = {name: value for name, value in environ.items() if not name.startswith("PICA_")}
    if not holds(_CERTIFICATES, {}, plain):
        plain.pop(_CERTIFICATES, None)
        if not holds("proxy", {}, plain):
            return Judged(None, {"proxy": problems["proxy"]})
    own = sorted(name for name in environ if name.startswith("PICA_"))
    right = {name: environ[name] for name in own if holds(name, {}, {**plain, name: environ[name]})}
    given = {name: value for name, value in flags.items() if holds(_flag(name), {name: value}, plain)}
    return _together(given, {**plain, **right}, problems, sandbox=sandbox)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _together(
    flags: Mapping[str, str], environ: Mapping[str, str], problems: dict[str, InvalidSettings], *, sandbox: bool
) -> Judged:
    """Load what holds each by itself: together it may not, as two secrets do not."""
    try:
        return Judged(_loaded(flags, environ, sandbox=sandbox), problems)
    except InvalidSettings as error:
        first = error
    keyless = {name: value for name, value in environ.items() if name not in SECRETS}
    try:
        settings = _loaded(flags, keyless, sandbox=sandbox)
    except InvalidSettings as error:
        return Judged(None, problems or {"settings": error})
    if problems.keys().isdisjoint(SECRETS):
        problems["secret"] = first
    return Judged(settings, problems)


def configured(judged: Judged, keyless: Result, whose: str = "") -> Iterator[Result]:
    """Yield what is wrong with the settings, then each that is not its default with where it comes from.

    `keyless` is told where no key is set. Variables are those of `whose`, if it is given, and not of this shell.
    """
    group, settings = Group.SETTINGS, judged.settings
    for name, problem in judged.problems.items():
        yield Result(group, name, Status.FAILURE, *parted(problem, _CORRECT))
    if settings is None:
        return
    if is_missing := is_keyless(settings) and judged.problems.keys().isdisjoint(("secret", *SECRETS)):
        yield keyless
    for warning in settings.warnings:
        found, _, cure = warning.rpartition(". ")
        yield Result(group, "settings file", Status.WARNING, found or cure, cure if found else "")
    given = [name for name in _NAMES if name in settings.origins and settings.origins[name].kind != "default"]
    for name in given:
        origin = settings.origins[name]
        told = whose if whose and origin.kind == "environment" else origin.told
        status, cure, found = Status.OK, "", f"{_shown(settings, name)}, by {told}"
        if name == "audit" and (problem := obstacle(settings.audit)):
            status, cure = Status.FAILURE, "Correct it, or the folder that it names."
            found += f": no call can be recorded there, {problem}"
        yield Result(group, name, status, found, cure)
    if not (given or judged.problems or is_missing or whose):
        yield Result(group, "settings", Status.OK, "all are at their defaults")


def is_keyless(settings: Settings) -> bool:
    """Tell if nothing says what the secret is, though one is needed."""
    return not settings.sandbox and isinstance(settings.secret, Fixed) and not settings.secret.text


def _shown(settings: Settings, name: str) -> str:
    """Return what the setting means, in which no key is."""
    shown = _SHOWN.get(name)
    value = shown(settings) if shown else getattr(settings, name)
    return str(value).lower() if isinstance(value, bool) else "off" if value is None else str(value)


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


_SHOWN: Mapping[str, Callable[[Settings], object]] = {
    "header_family": lambda settings: settings.family,
    "identity": lambda settings: settings.identity.id,
    "identity_type": lambda settings: settings.identity.type,
    "permissions": lambda settings: settings.grant.permission,
    "connection_keys": lambda settings: (
        "*" if settings.grant.connection_keys is None else text.some(len(settings.grant.connection_keys), "key")
    ),
    "platforms": lambda settings: (
        "*" if settings.grant.platforms is None else _listed(sorted(settings.grant.platforms))
    ),
    "action_ids": lambda settings: "*" if settings.grant.actions is None else _listed(settings.grant.actions),
    "effects": lambda settings: _listed(settings.grant.effects),
    "knowledge_agent": lambda settings: settings.grant.knowledge_only,
    "connection_names": lambda settings: _listed(list(settings.preferences.names.values())),
    "default_connections": lambda settings: _listed([f"{on}={to}" for on, to in settings.preferences.defaults.items()]),
    "pin": lambda settings: _listed(settings.pins),
    "exclude": lambda settings: _listed(settings.exclusions),
}
"""What settings are called in the room of settings is not always what people call them."""
