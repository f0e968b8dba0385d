"""The room of what exists now: platforms and actions, shared by all; connections, kept per identity and only briefly.

Everything is loaded once however many ask at the same time, in a task of its own, so that a caller who gives up does
not spoil it for the others. A failed load is told to those who waited and never kept: it is not an empty account.

From a listed action to its id: a row's own id if it has one; else the knowledge documents of platforms up to a few
hundred actions, which schemas need anyway; else, for the actions that are wanted, a search by title. What stays
ambiguous is not callable by name, counted and said.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.api import PicaAPI
from pica_mcp.errors import UnknownAction
from pica_mcp.models import Action, ActionDetails, Connection, Platform

CONNECTIONS_TTL_SECONDS = 60.0
_CATALOGUE_TTL_SECONDS = 3600.0
_MAX_ACTIONS_BY_KNOWLEDGE = 400
"""Up to here a platform's documents are fetched whole; beyond, only those of the actions that are wanted."""

ValueT = TypeVar("ValueT")


class Kept(Generic[ValueT]):
    """A value loaded from upstream by one task at a time and kept for `ttl_seconds`; failures are not kept."""

    def __init__(
        self, load: Callable[[], Awaitable[ValueT]], ttl_seconds: float, tasks: TaskGroup, clock: Callable[[], float]
    ) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._tasks = tasks
        self._clock = clock
        self._flight: _Flight[ValueT] | None = None
        self._value: tuple[ValueT, float] | None = None

    async def get(self, *, fresh: bool = False) -> ValueT:
        """Return the value, loading it if it is missing, too old or not `fresh` enough. Raises what loading raised."""
        if self._value and not fresh and self._clock() - self._value[1] < self._ttl_seconds:
            return self._value[0]
        if self._flight is None:
            self._flight = _Flight()
            self._tasks.start_soon(self._fly, self._flight)
        return await self._flight.landed()

    async def _fly(self, flight: _Flight[ValueT]) -> None:
        try:
            value = await self._load()
            self._value = (value, self._clock())
            flight.outcome = value
        except Exception as error:  # noqa: BLE001 - carried to every waiter, where a boundary deals with it
            flight.failure = error
        finally:
            self._flight = None
            flight.done.set()


class _Flight(Generic[ValueT]):
    """One load under way; everyone who waits gets its outcome or its failure."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: ValueT | None = None
        self.failure: Exception | None = None

    async def landed(self) -> ValueT:
        await self.done.wait()
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        return self.outcome  # pyright: ignore[reportReturnType] - set whenever failure is not


@dataclass(frozen=True, slots=True)
class Actions:
    """A platform's actions. Those without an id can be told by `Catalog.details` if they are wanted."""

    known: tuple[Action, ...]
    ambiguous: int = 0
    """Rows that several actions match, so that they can only be called by id."""


class Catalog:
    """What exists, as Pica tells it. `tasks` outlives every caller; `clock` counts seconds."""

    def __init__(self, api: PicaAPI, tasks: TaskGroup, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._tasks = tasks
        self._clock = clock
        self._connections: dict[Identity, Kept[tuple[Connection, ...]]] = {}
        self._actions: dict[str, Kept[Actions]] = {}
        self._details: dict[str, Kept[ActionDetails | None]] = {}
        self._documents: dict[str, ActionDetails] = {}
        self._platforms = self._keep(api.platforms, _CATALOGUE_TTL_SECONDS)

    def _keep(self, load: Callable[[], Awaitable[ValueT]], ttl_seconds: float) -> Kept[ValueT]:
        return Kept(load, ttl_seconds, self._tasks, self._clock)

    async def connections(self, identity: Identity, *, fresh: bool = False) -> tuple[Connection, ...]:
        """Return the identity's connections, at most a minute old. They may hold others': `access` decides."""
        kept = self._connections.get(identity)
        if kept is None:
            kept = self._keep(lambda: self._api.connections(identity), CONNECTIONS_TTL_SECONDS)
            self._connections[identity] = kept
        return await kept.get(fresh=fresh)

    async def platforms(self) -> tuple[Platform, ...]:
        """Return every platform that can be connected."""
        return await self._platforms.get()

    async def actions(self, platform: str) -> Actions:
        """Return the platform's actions, with ids as far as they are known."""
        kept = self._actions.get(platform)
        if kept is None:
            kept = self._actions[platform] = self._keep(lambda: self._identified(platform), _CATALOGUE_TTL_SECONDS)
        return await kept.get()

    async def details(self, action: Action) -> ActionDetails:
        """Return the listed action with its documents and its id. Raises `UnknownAction` if no single id fits."""
        identified = action if action.id else await self._by_search(action)
        found = await self._document(identified.id)
        return ActionDetails.model_validate({**(found.model_dump() if found else {}), **_told(identified)})

    async def by_id(self, platform: str, action_id: str) -> ActionDetails:
        """Return the action with this id, whatever its platform. Raises `UnknownAction` if Pica has none."""
        if found := await self._document(action_id):
            return found
        for action in (await self.actions(platform)).known:  # an action can be listed and have no document
            if action.id == action_id:
                return await self.details(action)
        raise UnknownAction(
            f"No action has the id {text.line(repr(action_id), 80)}.",
            "Use an id from search_pica_platform_actions, exactly as it is written.",
        )

    async def search(self, platform: str, query: str, *, execute: bool) -> tuple[Action, ...]:
        """Return the actions that Pica finds for the words, best first."""
        return await self._api.search(platform, query, execute=execute)

    async def _document(self, action_id: str) -> ActionDetails | None:
        if known := self._documents.get(action_id):
            return known
        kept = self._details.get(action_id)
        if kept is None:
            kept = self._keep(lambda: self._api.knowledge(action_id), _CATALOGUE_TTL_SECONDS)
        found = await kept.get()
        if found is not None:  # ids that do not exist are not remembered: a caller could ask for any number of them
            self._details[action_id] = kept
        return found

    async def _identified(self, platform: str) -> Actions:
        rows = await self._api.actions(platform)
        if all(row.id and row.path for row in rows) or len(rows) > _MAX_ACTIONS_BY_KNOWLEDGE:
            return Actions(rows)
        documents = await self._api.knowledge_of(platform)
        self._documents |= {document.id: document for document in documents}
        return _join(rows, documents)

    async def _by_search(self, action: Action) -> Action:
        found = await self._api.search(action.platform, action.title, execute=False)
        fitting = [f for f in found if _same_name(f, action) and f.key in ("", action.key)]
        if len(fitting) != 1:
            raise UnknownAction(
                f"{len(fitting) or 'No'} actions of {action.platform} fit this name.",
                "Search for the action and call it by its id.",
            )
        return action.model_copy(update={"id": fitting[0].id, "path": fitting[0].path, "tags": fitting[0].tags})


def _told(action: Action) -> Mapping[str, object]:
    """Return what the listing says; what it leaves empty is the document's to say."""
    return {name: value for name, value in action.model_dump().items() if value}


def _same_name(one: Action, other: Action) -> bool:
    return one.title == other.title and one.method.upper() == other.method.upper()


def _join(rows: Iterable[Action], documents: Iterable[ActionDetails]) -> Actions:
    """Give each row the id of the one document that has its title and method, and its model where both tell it."""
    by_name: defaultdict[tuple[str, str], list[ActionDetails]] = defaultdict(list)
    by_id: dict[str, ActionDetails] = {}
    for document in documents:
        by_name[document.title, document.method.upper()].append(document)
        by_id[document.id] = document
    known: dict[str, Action] = {}
    ambiguous = 0
    for row in rows:
        named = [by_id[row.id]] if row.id in by_id else by_name[row.title, row.method.upper()]
        fitting = (
            [d for d in named if not d.model or not row.model or d.model == row.model] if len(named) > 1 else named
        )
        if len(fitting) == 1:
            known[fitting[0].id] = Action.model_validate({**fitting[0].model_dump(), **_told(row)})
        else:
            ambiguous += 1
    return Actions(tuple(known.values()), ambiguous)
