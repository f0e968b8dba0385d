"""What the names of tools mean: which action of which platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache, partial
from itertools import islice

from pica_mcp import text
from pica_mcp.access import Caller, admit_platform, how_to_connect, offered, usable, visible
from pica_mcp.catalog import Catalog, Connections, Naming
from pica_mcp.discovery.tool import FIXED_NAMES, SEARCH
from pica_mcp.discovery.wording import squeezed
from pica_mcp.errors import PicaError, Reason, Refused, UnknownAction
from pica_mcp.models import Action, ActionDetails, Connection, action_id
from pica_mcp.naming import MAX_CHARS, prefix, tool_names

_MAX_BEGINNINGS = 4_096
_MAX_LIKENED = 2_000
_MAX_LIKENED_CHARS = 100


def naming(max_chars: int = MAX_CHARS) -> Naming:
    """Return how the actions of a platform are named as tools: so that none is taken for a fixed one."""
    return lambda actions: tool_names(actions, frozenset(FIXED_NAMES), max_chars)


class Names:
    """What the names of tools mean. `max_chars` is the longest name that they were made with."""

    def __init__(self, catalog: Catalog, max_chars: int = MAX_CHARS) -> None:
        self._catalog = catalog
        self.max_chars = max_chars
        self.beginning = lru_cache(_MAX_BEGINNINGS)(partial(prefix, max_chars=max_chars))
        """What the names of all tools of a platform begin with, up to the first underscore."""

    async def of(self, platform: str) -> Mapping[str, Action]:
        """Return the names of everything the platform has, whether offered to agents or not."""
        return (await self._catalog.actions(platform)).named

    async def action(self, platform: str, name: str) -> Action | None:
        """Return the platform's action of this name, whether offered to agents or not."""
        return await self._catalog.named(platform, name)

    async def platform_of(self, name: str) -> str | None:
        """Return the single platform that has a tool of this name, among those whose actions are known."""
        return await self._catalog.platform_of(name)

    def spell_alike(self, name: str, platforms: Iterable[str]) -> list[str]:
        """Return those platforms whose tools' names begin as this one does."""
        beginning, _, rest = name.partition("_")
        return sorted({p for p in platforms if rest and self.beginning(p) == beginning})

    def apart(self, own: Iterable[Connection]) -> list[str]:
        """Return the platforms whose tools cannot be taken for another's: no two may spell the beginning alike."""
        platforms = {connection.platform for connection in own}
        spelt = Counter(map(self.beginning, platforms))
        return sorted(platform for platform in platforms if spelt[self.beginning(platform)] == 1)

    def mean_tools(self, caller: Caller, connections: Connections, platform: str) -> bool:
        """Tell if the platform's tools have names for this caller, whose connections are among these."""
        connected = any(connection.platform == platform for connection in usable(caller, connections))
        runs = not caller.grant.knowledge_only
        return connected and runs and platform in self.apart(visible(caller, connections))

    async def tool_of(self, caller: Caller, connections: Connections, action: Action) -> str | None:
        """Return the name of the action's tool, None if there is no single one. Raises what loading the list raised."""
        return await self.name_of(action) if self.mean_tools(caller, connections, action.platform) else None

    async def name_of(self, action: Action) -> str | None:
        """Return what the action's tool is called wherever its platform's tools have names, as `tool_of` does."""
        if action.hidden:
            return None
        fitting = [row for row in await self._catalog.rows_of(action) if row.name]
        # A big platform's rows tell no ids: that the name can be called, and calls this, is known by asking.
        if len(fitting) == 1 and (await self._catalog.details(fitting[0].action)).id == action.id:
            return fitting[0].name
        return None


async def platform_meant(catalog: Catalog, wanted: str | None, caller: Caller) -> str | None:
    """Return the platform that is meant: letter case, blanks and dashes aside, and by its brand's name as well.

    What the caller has connected goes first. As it was given where several are spelt so, or none: nothing is guessed.
    """
    if not wanted or not squeezed(wanted):
        return wanted or None
    try:
        own = visible(caller, (await catalog.known_connections(caller.identity)).value)
        if found := meant({connection.platform: () for connection in own}, wanted):
            return found
        return meant({row.platform: (row.name,) for row in await catalog.platforms()}, wanted) or wanted
    except PicaError:
        return wanted


def meant(platforms: Mapping[str, Iterable[str]], wanted: str) -> str | None:
    """Return the platform of that spelling, if there is a single one. `platforms`: → other names of each."""
    if wanted in platforms:
        return wanted
    bare = squeezed(wanted)
    alike = [one for one, others in platforms.items() if bare in {squeezed(name) for name in (one, *others)}]
    return alike[0] if len(alike) == 1 else None


async def find_action(
    catalog: Catalog, names: Names, platform: str | None, id_or_name: str, caller: Caller
) -> ActionDetails:
    """Return the action by its id, or by the name of its tool. Raises `UnknownAction`.

    Without a platform, a name means what it means as a tool of the caller; else the one platform that has it. Raises
    `Refused` if the action is of another platform than the one given: a caller must not be led astray by an id.
    """
    wanted, platform = action_id(id_or_name), await platform_meant(catalog, platform, caller)
    named = None if "::" in wanted else await _named(catalog, names, platform, wanted, caller)
    try:
        action = await (catalog.details(named) if named else catalog.by_id(platform, wanted))
    except UnknownAction as error:
        raise (await _unknown(catalog, names, wanted, caller) if "_" in wanted else None) or error from None
    # What is hidden from agents has no tool, so to those who run actions it has no name either.
    if named and not caller.grant.knowledge_only and (named.hidden or action.hidden):
        action = await catalog.by_id(platform, wanted)
    if platform and action.platform != platform:
        raise Refused(
            f"This action is of {text.line(action.platform, 60)}, not of {text.line(repr(platform), 60)}.",
            "Leave the platform out, or search for another action.",
            reason=Reason.PLATFORM,
        )
    return action


async def _named(catalog: Catalog, names: Names, platform: str | None, wanted: str, caller: Caller) -> Action | None:
    """Return the action of this name, on that platform if it has one; None if no platform has."""
    if platform and (row := await names.action(platform, wanted)):
        return row
    async for alike in _candidates(catalog, names, wanted, caller):
        found = {one: row for one in alike if (row := await names.action(one, wanted))}
        if len(found) > 1:
            raise UnknownAction(
                f"{text.cap(' and '.join(found), 200)} both have an action of this name.", "Pass the platform, too."
            )
        if found:
            return next(iter(found.values()))
    return None


async def _candidates(catalog: Catalog, names: Names, wanted: str, caller: Caller) -> AsyncIterator[list[str]]:
    """Yield the platforms whose names begin so: those that are connected, then all others.

    A name of something connected is never another platform's: that one would be refused anyway.
    """
    try:
        own = visible(caller, (await catalog.known_connections(caller.identity)).value)
    except PicaError:
        if (platform := await names.platform_of(wanted)) is None:
            raise
        yield [platform]  # what was listed can be read about, though nobody can tell now what is connected
        return
    yield (connected := names.spell_alike(wanted, (connection.platform for connection in own)))
    if "_" in wanted:
        others = names.spell_alike(wanted, (row.platform for row in await catalog.platforms()))
        yield [platform for platform in others if platform not in connected]


async def _unknown(catalog: Catalog, names: Names, wanted: str, caller: Caller) -> UnknownAction | None:
    """Return what to say of a name that nothing has: what is like it, or that its platform is not connected, or None.

    Only what the caller may see is named.
    """
    rest = wanted[:_MAX_LIKENED_CHARS].partition("_")[2]
    problem = f"No action is named {text.line(repr(wanted), 80)}"
    with suppress(PicaError):
        own = visible(caller, (await catalog.known_connections(caller.identity)).value)
        everything = [p.platform for p in await catalog.platforms() if not admit_platform(caller, p.platform)]
        reads = caller.grant.knowledge_only
        among = everything if reads else [connection.platform for connection in own]
        alike = names.spell_alike(wanted, among)
        offers = [name for p in alike for name, row in (await names.of(p)).items() if offered(caller, row)]
        likened = {name.partition("_")[2]: name for name in islice(offers, _MAX_LIKENED)}
        if near := [likened[one] for one in get_close_matches(rest, likened, n=3)]:
            return UnknownAction(f"{problem}.", f"Did you mean {' or '.join(near)}? If not, use {SEARCH}.")
        if not alike and (others := names.spell_alike(wanted, everything)):
            how = how_to_connect(caller.identity, others[0])
            return UnknownAction(f"{problem}, and {others[0]} is not connected.", f"A person can connect it: {how}")
    return None
