"""The room that knows, for each caller, which tools there are and what a name means.

The list depends on the caller's connections and the settings, never on what a call did. Every action of a connected
platform is callable by its name; a budget decides which of them are listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

import anyio
from anyio.lowlevel import checkpoint

from pica_mcp import text
from pica_mcp.access import Caller, Permission, admit_platform, offered, promising, usable, visible
from pica_mcp.accounts import not_connected
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import EXECUTE, EXECUTING, Names, permitted
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
)
from pica_mcp.toolbox.definitions import Derived, action_tool
from pica_mcp.tools import ActionTool, AnyActionTool, FixedTool, Tool

__all__ = ["LIST_WAIT_SECONDS", "Listing", "Toolbox"]

LIST_WAIT_SECONDS = 8.0
"""A host gives a server about ten seconds to start."""

_MAX_LOADS = 8
_MAX_LOOKED_UP = 64
_BUILD_SECONDS = 2.0
_SPARE_SECONDS = 0.5

_Outcome: TypeAlias = tuple[Candidate, Choice] | Left
"""An action as a tool, with what its document tells of it, or why it is none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The caller's tools. Not `complete` if a part of the account could not be loaded: ask again soon."""

    tools: tuple[Tool, ...]
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
        self._derived = Derived()

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
        and loading goes on behind it.
        """
        survey = await self.survey(caller)
        return Listing(survey.tools, survey.complete)

    async def survey(self, caller: Caller) -> Survey:
        """Return what `list` lists, with the cost of each tool and the reason for it, and what is left to search."""
        fixed = tuple(Choice(tool, tokens(tool.definition)) for tool in self._listed(caller))
        if self._budget.mode == "none" or caller.grant.knowledge_only:
            return Survey(fixed)
        deadline = anyio.current_time() + LIST_WAIT_SECONDS
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
            return Survey(fixed, direct, left, whole)
        return Survey(fixed, complete=False)

    async def find(self, caller: Caller, name: str) -> Tool:
        """Return the tool of this name, listed or not. Raises `UnknownTool`, or what loading the catalogue raised."""
        for tool in self.fixed(caller):
            if tool.definition.name == name:
                return tool
        # A connection may be newer than what is kept; a broken one keeps its names, so that the refusal says why.
        kept, own = (), ()
        for fresh in (False, True):
            kept = await self._catalog.connections(caller.identity, fresh=fresh)
            own = visible(caller, kept)
            if not caller.grant.knowledge_only and (found := await self._named(caller, own, name)):
                return found
        platform = None if caller.grant.knowledge_only else self._names.platform_of(name)
        if platform and all(connection.platform != platform for connection in own):
            # The client may not have heard that it went.
            raise admit_platform(caller, platform) or not_connected(caller, platform, kept)
        raise UnknownTool(
            f"There is no tool named {text.line(repr(name), 80)}.", "List the tools, or search for an action."
        )

    async def _named(self, caller: Caller, own: tuple[Connection, ...], name: str) -> ActionTool | None:
        for platform in self._names.spell_alike(name, self._names.apart(own)):
            listed = (await self._names.of(platform)).get(name)
            # A big platform's rows tell no tags, so it is the details that say whether agents may be offered it.
            if listed and not (action := await self._catalog.details(listed)).hidden:
                return self._tool(caller, own, name, action)
        return None

    async def _shelves(
        self, caller: Caller, own: tuple[Connection, ...], deadline: float
    ) -> Mapping[str, Shelf | None]:
        """Return platform → what it offers the caller, best first; None for a platform that could not be loaded."""
        shelves: dict[str, Shelf | None] = dict.fromkeys(
            platform for platform in self._names.apart(own) if any(c.platform == platform for c in usable(caller, own))
        )

        async def load(platform: str) -> None:
            with suppress(PicaError):
                shelves[platform] = await self._shelf(caller, platform)

        with anyio.CancelScope(deadline=deadline - _BUILD_SECONDS):
            async with anyio.create_task_group() as tasks:
                for platform in shelves:
                    tasks.start_soon(load, platform)
        return shelves

    async def _shelf(self, caller: Caller, platform: str) -> Shelf:
        candidates: list[Candidate] = []
        left = Counter[Left]()
        for name, row in await self._rows(caller, platform):
            if row.hidden:
                left[Left.HIDDEN] += 1
            elif not _may_be_allowed(caller, row):
                left[Left.REFUSED] += 1
            elif is_excluded(self._budget, name, row):
                left[Left.EXCLUDED] += 1
            else:
                candidates.append(Candidate(name, row, *pin_of(self._budget, name, row)))
        left[Left.UNCLEAR] += (await self._catalog.actions(platform)).ambiguous
        return Shelf(tuple(ranked(candidates)), left)

    async def _rows(self, caller: Caller, platform: str) -> list[tuple[str, Action]]:
        """Return the platform's actions by name. A big one's tell no ids: those that settings name are looked up."""
        named = list((await self._names.of(platform)).items())
        allowed = [pattern.id for pattern in caller.grant.actions or () if pattern.id]
        wanted = dict.fromkeys([*allowed, *ids(self._budget.pins)])
        if not wanted or all(row.id for _, row in named):
            return named
        listed, found = await self._catalog.actions(platform), list[Action]()

        async def look_up(action_id: str) -> None:
            with suppress(PicaError):  # of no platform, or of one that cannot be told: it is not offered then
                action = await self._catalog.by_id(platform, action_id)
                found.extend([action] if action.platform == platform else [])

        async with anyio.create_task_group() as tasks:
            for action_id in islice(wanted, _MAX_LOOKED_UP):
                tasks.start_soon(look_up, action_id)
        told = {name: other.id for other in found for name, row in named if listed.fits(row, other)}
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
        return action_tool(caller, own, name, action, self._derived.parameters(action), self._budget.profile)


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
    for candidate in shelf.candidates:
        if candidate.name not in listed:
            outcome = outcomes.get(candidate.name, Left.BUDGET)
            left[outcome if isinstance(outcome, Left) else Left.BUDGET] += 1
    return {reason: left[reason] for reason in Left if left[reason]}
