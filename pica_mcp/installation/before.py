"""The room of installing, the entry that was there: what of it holds on, and what does not.

A user's own file is the user's word. A project's file is anybody's who wrote the project: of an entry there only that
holds on which narrows what may be done, and neither a key nor a way to one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pica_mcp import text
from pica_mcp.clients import Client
from pica_mcp.clients.entries import Entry, Kind, assigned, kind_of, unread
from pica_mcp.errors import InvalidSettings
from pica_mcp.installation.keeping import PLUMBING
from pica_mcp.installation.target import Target
from pica_mcp.secret import is_well_formed
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, flags_in, in_full, load
from pica_mcp.settings.sources import nearest, refuse_misspelt

SETTINGS = frozenset(option.variable for option in (CONFIG, *OPTIONS))
"""Every variable of ours that is no secret."""

_NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_NARROWING = frozenset(
    f"PICA_{name}"
    for name in (
        *("IDENTITY", "IDENTITY_TYPE", "PERMISSIONS", "CONNECTION_KEYS", "PLATFORMS", "ACTION_IDS", "KNOWLEDGE_AGENT"),
        *("CONSENT", "EXCLUDE", "TOOLS", "MAX_TOOLS", "MAX_TOOL_TOKENS", "MAX_RESULT_TOKENS", "TOOL_NAME_MAX"),
    )
)
_NAMED = re.compile(r"(?<![A-Z_])(?:PICA|ONE)_([A-Z_]+)")
_LIKENESS = 0.9
"""From which on a name is taken for another one that is misspelt."""
_MAX_NAMES = 30


@dataclass(frozen=True, slots=True)
class Before:
    """What there was, in this program's words. Of another server's entry nothing is taken over."""

    entry: Entry = field(default_factory=lambda: Entry(""))
    kind: Kind = "other"
    is_trusted: bool = True
    """Whether it is in a file of the user's own."""
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Variables that hold on, the secret's aside."""
    passed: tuple[str, ...] = ()
    """Variables that are passed on still, the secret's aside."""

    @property
    def found_key(self) -> str | None:
        """The key, if the entry holds one in plain text."""
        value = self.entry.env.get("PICA_SECRET", "").strip()
        return value if is_well_formed(value) and "$" not in value else None

    def without(self, names: Container[str]) -> Before:
        """Return the same, of which these variables hold on no more."""
        env = {name: value for name, value in self.env.items() if name not in names}
        return replace(self, env=env, passed=tuple(name for name in self.passed if name not in names))

    def left_out(self, after: Entry) -> Iterator[str]:
        """Yield the names of the variables that hold on no more."""
        kept = {*after.env, *after.passed, *(PLUMBING if self.is_trusted else ())}
        yield from sorted({*self.entry.env, *self.entry.passed} - kept)


def before_of(target: Target, there: Entry | None, given: Collection[str]) -> Before:
    """Return what there was, where these variables are given anew.

    Raises `InvalidSettings` if it was set where nobody can look, or by another's command, or is misspelt.
    """
    if there is None:
        return Before()
    kind = kind_of(there)
    if why := _unread(there, kind):
        problem = f"Not all that the entry {target.name!r} sets would hold on: {why}."
        raise InvalidSettings(problem, "Take it out by hand, then install with those settings as flags.")
    if kind == "other":
        return Before()
    entry = _in_our_words(target.client, there) if kind == "official" else there
    whole = replace(entry, env={**entry.env, **flags_in(entry.args)})
    before = Before(whole, kind, not target.is_shared)
    corrected = _corrected({*whole.env, *whole.passed}, given)
    env = {name: _placed(whole, name, value) for name, value in whole.env.items() if _holds(before, name, value)}
    passed = tuple(name for name in whole.passed if _holds(before, name, ""))
    return replace(before, env=env, passed=passed).without(corrected)


def _corrected(names: set[str], given: Collection[str]) -> set[str]:
    """Return the misspelt names whose right ones are given; any other raises, since it was meant to restrict."""
    corrected = {name for name in names - SETTINGS if nearest(name, given, _LIKENESS)}
    try:
        refuse_misspelt(dict.fromkeys(sorted(names - corrected), ""))
    except InvalidSettings as error:
        raise wrong(error) from None
    return corrected


def wrong(error: InvalidSettings) -> InvalidSettings:
    """Return what to tell of a setting that is wrong in the entry."""
    problem = f"What the entry that is there sets does not hold: {error}"
    return InvalidSettings(problem, "Correct it there, or give the right one as a flag.")


def _unread(entry: Entry, kind: Kind) -> str:
    """Return what of the entry's settings cannot be read, empty if all can."""
    names = sorted(_named(entry)) if kind == "other" else ()
    return unread(entry) or (f"another program is started, with {', '.join(names)}" if names else "")


def _named(entry: Entry) -> Iterator[str]:
    """Yield the settings of ours that an entry speaks of anywhere."""
    words = (*entry.args, *entry.env, *entry.passed)
    found = {f"PICA_{one[1]}" for word in words for one in _NAMED.finditer(word)}
    yield from found & (SETTINGS | SECRETS.keys())


def _in_our_words(client: Client, entry: Entry) -> Entry:
    """Return the official server's entry with the variables of a container's command line, and ONE_X as PICA_X."""
    older = {name: client.refer(name) for name in entry.passed if name.startswith("ONE_") and client.reference}
    env = {**assigned(entry), **entry.env, **older}
    passed = tuple(name for name in entry.passed if name not in older)
    return replace(entry, env={re.sub("^ONE_", "PICA_", name): value for name, value in env.items()}, passed=passed)


def _holds(before: Before, name: str, value: str) -> bool:
    """Tell if a variable of the entry holds on."""
    if name in PLUMBING:
        return False
    if not before.is_trusted:
        return name in _NARROWING and "$" not in value and not _is_wide(name, value)
    return before.kind == "ours" or name in SETTINGS or name.upper() in _NETWORK


def _is_wide(name: str, value: str) -> bool:
    """Tell if the setting's value takes nothing away from what holds by default. One that is wrong is told later."""
    try:
        meant = load({}, {name: value}, sandbox=True)
    except InvalidSettings:
        return False
    return meant in (load({}, {}, sandbox=True), load({}, {"PICA_CONSENT": "off"}, sandbox=True))


def _placed(entry: Entry, name: str, value: str) -> str:
    """Return the value with its path in full where that is known: from the folder that the entry is started in."""
    folder = Path(entry.folder)
    is_known = folder.is_absolute() and "$" not in f"{value}{entry.folder}"
    return in_full(name, value.strip(), folder) if is_known and name in SETTINGS else value.strip()


def checkable(client: Client, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose values are known here: what refers to something else is settled by the client."""
    return {name: value for name, value in env.items() if not (client.reference and "$" in value)}


def listed(names: Iterable[str]) -> str:
    """Return the names, which come from a file, as a list to be read."""
    shown = [text.line(name, 60) for name in names]
    more = len(shown) - _MAX_NAMES
    return ", ".join(shown[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
