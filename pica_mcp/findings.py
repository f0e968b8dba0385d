"""The room of what is set in vain: parts of settings that fit nothing there is, or change nothing.

A restriction that fits nothing restricts more than was meant, a permission that fits nothing allows less, and neither
is an error that a server could stop for: what is connected changes. Keys of connections are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import islice
from typing import TypeAlias

from pica_mcp import text
from pica_mcp.access import Caller, Preferences, admit, admit_platform, visible
from pica_mcp.accounts import by_platform, choices
from pica_mcp.effects import rule_of
from pica_mcp.errors import Reason
from pica_mcp.models import Action, Connection
from pica_mcp.patterns import ANY, Pattern, ToolPattern

_KEY = re.compile(r"(?:live|test)::[a-z0-9][a-z0-9_.-]{0,60}::…", re.IGNORECASE)
_HASH_DIGITS = 8
_MAX_LABELS = 20
_MAX_LIKENED = 3_000
_MARK = "\n"
"""What no label holds."""
_WHY = {Reason.PLATFORM_NOT_ALLOWED: "PICA_PLATFORMS", Reason.PERMISSION: "PICA_PERMISSIONS"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A setting of which a part does nothing, and why."""

    setting: str
    part: str
    problem: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to hold settings against.

    `own`: connections as a call of the caller gets them. `everyone`: all of the account's. `actions`: of the connected
    platforms; one that has only a platform stands for all that cannot be told. `existing`: the platforms that can be
    connected. Of these, None is for what Pica does not tell.
    """

    own: Sequence[Connection]
    everyone: Sequence[Connection] | None
    actions: Sequence[Action]
    existing: frozenset[str] | None = None
    names: Mapping[str, Action] = field(default_factory=dict[str, Action])
    """Name of a tool → its action."""

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All that are told."""
        return (*(self.everyone or ()), *self.own)


Lists: TypeAlias = Mapping[str, Sequence[ToolPattern]]
"""Setting → the tools that it means."""


def lists(pins: Sequence[ToolPattern], exclusions: Sequence[ToolPattern]) -> Lists:
    """Return the settings that say which tools are listed."""
    return {"PICA_PIN": pins, "PICA_EXCLUDE": exclusions}


def find(caller: Caller, seen: Seen, listing: Lists | None = None) -> tuple[Finding, ...]:
    """Return what is set in vain, in the order of the settings and of their parts; `listing` last."""
    return (
        *_identity(caller, seen),
        *_keys(caller, seen),
        *_platforms(caller, seen),
        *_patterns(caller, seen),
        *_rules(caller, seen),
        *_names(caller, seen),
        *_defaults(caller, seen),
        *_lists(caller, seen, listing or {}),
    )


def owner(connection: Connection) -> str:
    """Return whose the connection is, as people say it: `team growth`; empty for the account's as a whole."""
    if not connection.owner:
        return ""
    return f"{text.line(connection.identity_type or 'identity', 20)} {text.line(connection.owner, 60)}"


def meant(identity: str, connections: Iterable[Connection]) -> list[str]:
    """Return who may be meant by an identity that has no connection, as people say it, of those who have one."""
    owners = {connection.owner: owner(connection) for connection in connections if connection.owner}
    return [owners[one] for one in get_close_matches(identity, sorted(owners), n=3)]


def _connected(caller: Caller, seen: Seen) -> frozenset[str]:
    return frozenset(connection.platform for connection in visible(caller, seen.own))


def _absence(caller: Caller, seen: Seen, platform: str) -> str:
    """Return why the caller has no connection of the platform, empty if there is one."""
    if platform in _connected(caller, seen):
        return ""
    if admit_platform(caller, platform):
        return f"{platform} is not on PICA_PLATFORMS"
    refusals = [admit(caller, connection=c) for c in seen.own if c.platform == platform]
    if any(refusal and refusal.reason is Reason.CONNECTION_NOT_ALLOWED for refusal in refusals):
        return f"no {platform} connection is on PICA_CONNECTION_KEYS"
    return f"{platform} is not connected"


# Whose connections, and which


def _identity(caller: Caller, seen: Seen) -> Iterator[Finding]:
    """A misspelt identity is served as one that has connected nothing."""
    rows = seen.connections
    if not caller.identity.id or any(caller.identity.owns(connection) for connection in rows):
        return
    near = meant(caller.identity.id, rows)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    yield Finding("PICA_IDENTITY", text.line(caller.identity.id, 60), f"has no connection{hint}")


def _keys(caller: Caller, seen: Seen) -> Iterator[Finding]:
    rows = {connection.key: connection for connection in seen.connections}
    among = "" if seen.everyone is not None else f" of {text.line(str(caller.identity), 80)}"
    problems: list[tuple[str, str]] = []
    for key in caller.grant.connection_keys or ():
        row = rows.get(key)
        environment = key.partition("::")[0]
        if row is None and environment in ("live", "test") and environment != caller.environment():
            problems.append((_masked(key), f"is of {environment}, but the secret is of {caller.environment()}"))
        elif row is None:
            problem = f"no connection{among} has this key; connecting an account anew makes a new one"
            problems.append((_masked(key), problem))
        elif not caller.identity.owns(row):
            whose = owner(row) or "no identity"
            problems.append((_masked(key), f"is a connection of {whose}, not of {text.line(str(caller.identity), 80)}"))
    yield from (Finding("PICA_CONNECTION_KEYS", *problem) for problem in sorted(problems))


def _masked(written: str) -> str:
    """Return what tells which key is meant, for those who have it."""
    told = text.masked(written)
    if "::" not in written:
        return text.line(told, 60)
    kind = told if _KEY.fullmatch(told) else "…::…"
    return f"{kind} (its SHA-256 begins with {text.short_hash(written, _HASH_DIGITS)})"


def _platforms(caller: Caller, seen: Seen) -> Iterator[Finding]:
    for platform in sorted((caller.grant.platforms or frozenset()) - _connected(caller, seen)):
        if seen.existing is not None and platform not in seen.existing:
            near = get_close_matches(platform, sorted(seen.existing), n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            yield Finding("PICA_PLATFORMS", platform, f"Pica has no such platform{hint}")
        else:
            yield Finding("PICA_PLATFORMS", platform, f"allowed, but {_absence(caller, seen, platform)}")


# Which actions


def _patterns(caller: Caller, seen: Seen) -> Iterator[Finding]:
    for pattern in caller.grant.actions or ():
        fitting = [action for action in seen.actions if pattern.matches(action)]
        refusals = [refusal for action in fitting if (refusal := admit(caller, action))]
        if not fitting:
            yield Finding("PICA_ACTION_IDS", str(pattern), _unfit(caller, seen, pattern))
        elif len(refusals) == len(fitting):
            settings = " and ".join(sorted({_WHY.get(refusal.reason, refusal.reason) for refusal in refusals}))
            problem = f"allows nothing: {settings} refuses all {len(fitting):,} actions that it fits"
            yield Finding("PICA_ACTION_IDS", str(pattern), problem)


def _rules(caller: Caller, seen: Seen) -> Iterator[Finding]:
    rules = caller.grant.effects
    applied = [rule_of(action, rules) for action in seen.actions]
    for rule in rules:
        if any(one is rule for one in applied):
            continue
        fits = any(rule.pattern.matches(action) for action in seen.actions)
        problem = "never applies: rules before it fit the same actions" if fits else _unfit(caller, seen, rule.pattern)
        yield Finding("PICA_EFFECTS", str(rule), problem)


def _unfit(caller: Caller, seen: Seen, pattern: Pattern) -> str:
    """Return why the pattern fits no action."""
    platform = "" if pattern.id or ANY in pattern.platform else pattern.platform
    if platform and (absence := _absence(caller, seen, platform)):
        return f"fits nothing: {absence}"
    if unsure := sum(pattern.matches(action) is None for action in seen.actions):
        return f"applied when actions are called: of {unsure:,} that it may fit, Pica's lists tell too little"
    return "fits no action of a connected platform"


def _lists(caller: Caller, seen: Seen, listing: Lists) -> Iterator[Finding]:
    """Which tools are listed: a pattern of names that is misspelt means none."""
    untold = any(not (action.id or action.path or action.title) for action in seen.actions)
    for setting, patterns in listing.items():
        for pattern in patterns:
            if pattern.actions is not None:
                if not any(pattern.actions.matches(action) for action in seen.actions):
                    yield Finding(setting, str(pattern), _unfit(caller, seen, pattern.actions))
            elif not untold and not any(pattern.matches(name, action) for name, action in seen.names.items()):
                near = get_close_matches(str(pattern), islice(seen.names, _MAX_LIKENED), n=2)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                yield Finding(setting, str(pattern), f"no tool of a connected platform is named so{hint}")


# What connections are called


def _names(caller: Caller, seen: Seen) -> Iterator[Finding]:
    own = visible(caller, seen.own)
    called = by_platform(caller, own)
    for meant, name in caller.preferences.names.items():
        alone = by_platform(replace(caller, preferences=Preferences(names={meant: _MARK})), own)
        found = next((labels[_MARK] for labels in alone.values() if _MARK in labels), None)
        part = f"{name}={_masked(meant)}"
        if found is None:
            yield Finding("PICA_CONNECTION_NAMES", part, f"names nothing: {_unnamed(caller, seen, meant)}")
        elif called[found.platform].get(name) is not found:
            yield Finding("PICA_CONNECTION_NAMES", part, "names nothing: the connection has another name already")


def _unnamed(caller: Caller, seen: Seen, meant: str) -> str:
    """Return why no connection is meant. The labels that there are come as the settings have to spell them."""
    if "::" in meant:
        return "there is no such connection"
    platform = meant.partition("/")[0].lower()
    if absence := _absence(caller, seen, platform):
        return absence
    plain = by_platform(replace(caller, preferences=Preferences()), visible(caller, seen.own))
    return f"there is no such connection; {platform} has {_some(plain[platform])}"


def _some(labels: Iterable[str]) -> str:
    labels = list(labels)
    more = f" and {len(labels) - _MAX_LABELS:,} more" if len(labels) > _MAX_LABELS else ""
    return f"{', '.join(labels[:_MAX_LABELS])}{more}"


def _defaults(caller: Caller, seen: Seen) -> Iterator[Finding]:
    own = visible(caller, seen.own)
    for platform, wanted in sorted(caller.preferences.defaults.items()):
        working, default = choices(caller, own, platform)
        if default is None:
            others = f"that works is called so; there are {_some(working)}" if working else "works"
            known = f"no {platform} connection {others}"
            problem = f"means nothing: {_absence(caller, seen, platform) or known}"
            yield Finding("PICA_DEFAULT_CONNECTIONS", f"{platform}={_masked(wanted)}", problem)
