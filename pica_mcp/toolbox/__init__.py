"""The room that knows, for each caller, which tools there are and what a name means.

The list depends on the caller's connections and the settings, never on what a call did. Every action of a connected
platform is callable by its name; a budget decides which of them are listed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

import anyio
import mcp_types as mcp
from anyio.lowlevel import checkpoint

from pica_mcp import __version__, text
from pica_mcp.access import Caller, Permission, admit_platform, offered, promising, usable, visible
from pica_mcp.accounts import by_platform, not_connected
from pica_mcp.catalog import Actions, Catalog, Connections
from pica_mcp.discovery import EXECUTE, EXECUTING, FIXED_NAMES, Names, permitted
from pica_mcp.errors import CallError, PicaError, UnknownTool
from pica_mcp.models import Action, ActionDetails, Connection
from pica_mcp.toolbox.budget import (
    MAX_DEFINITION_TOKENS,
    Budget,
    Candidate,
    Choice,
    Left,
    Shelf,
    Survey,
    ids,
    is_excluded,
    ordered,
    pin_of,
    ranked,
    shared,
    tokens,
    within,
    within_reach,
)
from pica_mcp.toolbox.definitions import Derived, action_tool
from pica_mcp.toolbox.lists import Lists, Shown, stamped
from pica_mcp.tools import ActionTool, AnyActionTool, FixedTool, Runnable

__all__ = ["LIST_WAIT_SECONDS", "Listing", "Toolbox"]

LIST_WAIT_SECONDS = 8.0
"""A host gives a server about ten seconds to start."""

_MAX_LOADS = 8
_MAX_READ = 4
"""Platforms at once whose rows are in memory."""

_MAX_LOOKED_UP = 64
_MAX_CALLED = 128
_BUILD_SECONDS = 2.0
_SPARE_SECONDS = 0.5
_MAX_TRIES = 6
_HOUR_SECONDS = 3_600

_Outcome: TypeAlias = tuple[Candidate, Choice] | Left
"""An action as a tool, with what its document tells of it, or why it is none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The caller's tools. Not `complete` if a part of the account could not be loaded: ask again soon."""

    tools: tuple[mcp.Tool, ...]
    complete: bool


class Toolbox:
    """The tools of every caller."""

    def __init__(
        self, catalog: Catalog, names: Names, fixed: Iterable[FixedTool | AnyActionTool], budget: Budget
    ) -> None:
        self._catalog = catalog
        self._names = names
        self._fixed = tuple(fixed)
        self._budget = budget
        self.derived = Derived(budget.profile)
        self._called: dict[tuple[str, str], tuple[str, Runnable]] = {}
        self._lists = Lists(catalog, (__version__, names.max_chars, budget))

    @property
    def lists_actions(self) -> bool:
        """Whether actions may be listed as tools; a setting."""
        return self._budget.mode != "none"

    def fixed(self, caller: Caller) -> tuple[FixedTool | AnyActionTool, ...]:
        """Return the tools that are always there, whatever is connected."""
        runs, permission = not caller.grant.knowledge_only, caller.grant.permission
        tools = (tool for tool in self._fixed if runs or tool.definition.name not in EXECUTING)
        return tuple(permitted(tool, permission) for tool in tools)

    def _listed(self, caller: Caller) -> list[FixedTool | AnyActionTool]:
        """Return the fixed tools without the one that could do no more than its twin; it runs all the same."""
        twin = EXECUTE if caller.grant.permission is Permission.READ else ""
        return [tool for tool in self.fixed(caller) if tool.definition.name != twin]

    async def list(self, caller: Caller) -> Listing:
        """Return the fixed tools, then as many actions as the budget holds.

        Waits at most `LIST_WAIT_SECONDS` for Pica and never raises for its sake: what is there by then is the list,
        and loading goes on behind it. Until it is known what is connected, it is what was listed last, not `complete`.
        """
        if not self._chooses(caller):
            return Listing(_definitions(await self.survey(caller)), complete=True)
        deadline = anyio.current_time() + LIST_WAIT_SECONDS
        with anyio.CancelScope(deadline=deadline), suppress(PicaError):
            if shown := await self._shown(caller):
                return shown
        survey = await self.survey(caller, deadline)
        with anyio.CancelScope(deadline=deadline):
            await self._keep(caller, survey)
        return Listing(_definitions(survey), survey.complete)

    async def settled(self, caller: Caller, tries: int = _MAX_TRIES) -> Survey:
        """Return what is listed when Pica has told all of it, or has failed to so many times.

        `list` waits a few seconds at most, and loading goes on behind it; this is for whoever asks once and can wait.
        Raises why it cannot be told what is connected.
        """
        await self._catalog.connections(caller.identity)
        survey = await self.survey(caller)
        for _ in range(tries - 1):
            if not survey.complete:
                survey = await self.survey(caller)
        await self._keep(caller, survey)
        return survey

    async def _keep(self, caller: Caller, survey: Survey) -> None:
        """Have what is listed shown at once the next time, if it is all that there is."""
        if survey.complete and self._chooses(caller):
            with suppress(PicaError):
                await self._lists.keep(caller, Shown(survey.stamp, _definitions(survey)))

    async def _shown(self, caller: Caller) -> Listing | None:
        """Return what was listed last, if it is what would be listed now, or what is connected is not known yet."""
        last = await self._lists.last(caller)
        connections = await self._catalog.at_hand(caller.identity)
        if last is None or connections is None:
            return last and Listing(last.tools, complete=False)
        own = visible(caller, connections)
        revisions = await self._catalog.revisions(self._platforms(caller, own))
        due = revisions is None or last.stamp != _stamp(caller, own, revisions)
        return None if due else Listing(last.tools, complete=True)

    def _chooses(self, caller: Caller) -> bool:
        return self.lists_actions and not caller.grant.knowledge_only

    def _platforms(self, caller: Caller, own: Iterable[Connection]) -> list[str]:
        """Return the platforms whose actions may be listed."""
        working = {connection.platform for connection in usable(caller, own)}
        return [platform for platform in self._names.apart(own) if platform in working]

    async def survey(self, caller: Caller, deadline: float | None = None) -> Survey:
        """Return what `list` lists, with the cost of each tool and the reason for it, and what is left to search."""
        fixed = tuple(Choice(tool, tokens(tool.definition)) for tool in self._listed(caller))
        if not self._chooses(caller):
            return Survey(fixed)
        deadline = deadline or anyio.current_time() + LIST_WAIT_SECONDS
        with anyio.CancelScope(deadline=deadline):
            try:
                own = visible(caller, (await self._catalog.known_connections(caller.identity)).value)
            except PicaError:
                return Survey(fixed, complete=False)
            shelves = await self._shelves(caller, own, deadline)
            wanted = ordered(self._budget, [shelf.candidates for shelf in shelves.values() if shelf])
            outcomes = await self._outcomes(caller, own, wanted, deadline)
            direct = within(self._budget, fixed, _best(outcomes.values()))
            left = {platform: _left(shelf, direct, outcomes) for platform, shelf in shelves.items()}
            whole = None not in shelves.values() and Left.UNKNOWN not in outcomes.values()
            revisions = {platform: shelf.revision for platform, shelf in shelves.items() if shelf}
            return Survey(fixed, direct, left, whole, _stamp(caller, own, revisions))
        return Survey(fixed, complete=False)

    async def find(self, caller: Caller, name: str) -> FixedTool | AnyActionTool | Runnable:
        """Return the tool of this name, listed or not. Raises `UnknownTool`, or what loading the catalogue raised."""
        if name in FIXED_NAMES:
            for tool in self.fixed(caller):
                if tool.definition.name == name:
                    return tool
        # A connection may be newer than what is kept; a broken one keeps its names, so that the refusal says why.
        kept: Connections = ()
        for fresh in (False, True):
            kept = await self._catalog.connections(caller.identity, fresh=fresh)
            if not caller.grant.knowledge_only and (found := await self._named(caller, kept, name)):
                return found
        platform = None if caller.grant.knowledge_only else await self._names.platform_of(name)
        if platform and all(connection.platform != platform for connection in visible(caller, kept)):
            # The client may not have heard that it went.
            raise admit_platform(caller, platform) or not_connected(caller, platform, kept)
        raise UnknownTool(
            f"There is no tool named {text.line(repr(name), 80)}.", "List the tools, or search for an action."
        )

    async def _named(self, caller: Caller, connections: Connections, name: str) -> Runnable | None:
        beginning = name.partition("_")[0]
        alike = visible(caller, (c for c in connections if self._names.beginning(c.platform) == beginning))
        for platform in self._names.apart(alike):
            listing = await self._catalog.listing(platform)
            revision, found = self._called.get((platform, name), ("", None))
            if found and revision == listing.revision:
                return found
            listed = await self._names.action(platform, name)
            # A big platform's rows tell no tags, so it is the details that say whether agents may be offered it.
            if listed and not (action := await self._catalog.details(listed)).hidden:
                found = self.derived.runnable(action)
                if listing.whole:  # else its document may change alone
                    self._called[platform, name] = listing.revision, found
                while len(self._called) > _MAX_CALLED:
                    del self._called[next(iter(self._called))]
                return found
        return None

    async def _shelves(
        self, caller: Caller, own: tuple[Connection, ...], deadline: float
    ) -> Mapping[str, Shelf | None]:
        """Return platform → what it offers the caller, best first; None for a platform that could not be loaded."""
        shelves: dict[str, Shelf | None] = dict.fromkeys(self._platforms(caller, own))
        limiter = anyio.Semaphore(_MAX_READ)

        async def load(platform: str) -> None:
            with suppress(PicaError):
                await self._catalog.listing(platform)
                async with limiter:
                    shelves[platform] = await self._shelf(caller, platform)

        with anyio.CancelScope(deadline=deadline - _BUILD_SECONDS):
            async with anyio.create_task_group() as tasks:
                for platform in shelves:
                    tasks.start_soon(load, platform)
        return shelves

    async def _shelf(self, caller: Caller, platform: str) -> Shelf:
        candidates: list[Candidate] = []
        actions = await self._catalog.actions(platform)
        left = Counter({Left.UNCLEAR: actions.listing.ambiguous})
        for name, row in await self._rows(caller, platform, actions):
            if row.hidden:
                left[Left.HIDDEN] += 1
            elif not _may_be_allowed(caller, row):
                left[Left.REFUSED] += 1
            elif is_excluded(self._budget, name, row):
                left[Left.EXCLUDED] += 1
            else:
                candidates.append(Candidate(name, row, *pin_of(self._budget, name, row)))
        best = within_reach(self._budget, ranked(candidates))
        return Shelf(best, len(candidates), left, actions.listing.revision)

    async def _rows(self, caller: Caller, platform: str, actions: Actions) -> list[tuple[str, Action]]:
        """Return the platform's actions by name. A big one's tell no ids: those that settings name are looked up."""
        named = list(actions.named.items())
        allowed = [pattern.id for pattern in caller.grant.actions or () if pattern.id]
        wanted = dict.fromkeys([*allowed, *ids(self._budget.pins)])
        if not wanted or all(row.id for _, row in named):
            return named
        found = list[Action]()

        async def look_up(action_id: str) -> None:
            with suppress(PicaError):  # of no platform, or of one that cannot be told: it is not offered then
                action = await self._catalog.by_id(platform, action_id)
                found.extend([action] if action.platform == platform else [])

        async with anyio.create_task_group() as tasks:
            for action_id in islice(wanted, _MAX_LOOKED_UP):
                tasks.start_soon(look_up, action_id)
        told = {name: other.id for other in found for name, row in named if actions.listing.fits(row, other)}
        return [(name, row.model_copy(update={"id": told[name]}) if name in told else row) for name, row in named]

    async def _outcomes(
        self, caller: Caller, own: tuple[Connection, ...], wanted: Iterable[Candidate], deadline: float
    ) -> Mapping[str, _Outcome]:
        """Return name → what becomes of it, in order; what is not told in time is unknown, and the rest stands."""
        wanted = tuple(wanted)
        outcomes: dict[str, _Outcome] = dict.fromkeys((candidate.name for candidate in wanted), Left.UNKNOWN)
        limiter = anyio.Semaphore(_MAX_LOADS)

        async def build(candidate: Candidate) -> None:
            async with limiter:
                outcomes[candidate.name] = await self._outcome(caller, own, candidate)

        with anyio.CancelScope(deadline=deadline - _SPARE_SECONDS):
            async with anyio.create_task_group() as tasks:
                for candidate in wanted:
                    tasks.start_soon(build, candidate)
        return outcomes

    async def _outcome(self, caller: Caller, own: tuple[Connection, ...], candidate: Candidate) -> _Outcome:
        try:
            action = await self._catalog.details(candidate.action)
        except CallError:
            return Left.UNCLEAR  # asking again would not change that
        except PicaError:
            return Left.UNKNOWN
        if not offered(caller, action):
            return Left.HIDDEN if action.hidden else Left.REFUSED
        if is_excluded(self._budget, candidate.name, action):
            return Left.EXCLUDED
        await checkpoint()  # documents may be long, and time may be up
        tool = self._tool(caller, own, candidate.name, action)
        cost = tokens(tool.definition)
        if cost > MAX_DEFINITION_TOKENS:
            return Left.TOO_BIG
        told = replace(candidate, action=action, pin=pin_of(self._budget, candidate.name, action)[0])
        return told, Choice(tool, cost, told.why)

    def _tool(self, caller: Caller, own: tuple[Connection, ...], name: str, action: ActionDetails) -> ActionTool:
        return action_tool(caller, own, name, action, self.derived.parameters(action), self._budget.profile)


def _stamp(caller: Caller, own: Iterable[Connection], revisions: Mapping[str, str]) -> str:
    """Return what is another one as soon as another list may be due: every hour, since single documents may change."""
    connected = by_platform(caller, own).items()
    accounts = {platform: {label: (c.key, c.works) for label, c in labels.items()} for platform, labels in connected}
    return stamped((accounts, revisions, int(time.time() // _HOUR_SECONDS)))


def _definitions(survey: Survey) -> tuple[mcp.Tool, ...]:
    return tuple(tool.definition for tool in survey.tools)


def _may_be_allowed(caller: Caller, row: Action) -> bool:
    """Tell if the action may be offered. Those that are allowed by id have theirs, so a row without is none of them."""
    if not promising(caller, row):
        return False
    allowed = caller.grant.actions
    return bool(row.id) or allowed is None or any(p.matches(row) is not False for p in allowed if not p.id)


def _best(outcomes: Iterable[_Outcome]) -> list[Choice]:
    """Return the tools in the order in which they are wanted, now that it is known which are pinned."""
    built = [outcome for outcome in outcomes if not isinstance(outcome, Left)]
    choices = {told.name: choice for told, choice in built}
    return [choices[told.name] for told in shared(told for told, _ in built)]


def _left(shelf: Shelf | None, direct: Iterable[Choice], outcomes: Mapping[str, _Outcome]) -> Mapping[Left, int]:
    """Return how many of a platform's actions are not listed, by reason."""
    if shelf is None:
        return {}
    listed = {choice.tool.definition.name for choice in direct}
    left = Counter(shelf.left)
    left[Left.BUDGET] += shelf.count
    for candidate in shelf.candidates:
        outcome = outcomes.get(candidate.name)
        if candidate.name in listed or isinstance(outcome, Left):
            left[Left.BUDGET] -= 1
        if candidate.name not in listed and isinstance(outcome, Left):
            left[outcome] += 1
    return {reason: left[reason] for reason in Left if left[reason]}
