"""The room of what exists now: platforms and actions, shared by all; connections, kept per identity and only briefly.

Everything is loaded once however many ask at the same time, in a task of its own, so that a caller who gives up does
not spoil it for the others. A failed load is told to those who waited and never kept: it is not an empty account.

From a listed action to its id: a row's own id if it has one; else the knowledge documents of platforms up to a few
hundred actions, which schemas and tags need anyway; else, for the actions that are wanted, a search by title. What
stays ambiguous is not callable by name, counted and said.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.api import PicaAPI
from pica_mcp.errors import UnknownAction, Unreachable
from pica_mcp.models import Action, ActionDetails, Connection, Platform

logger = logging.getLogger(__name__)

CONNECTIONS_TTL_SECONDS = 60.0
_CATALOGUE_TTL_SECONDS = 3600.0
_CLOSING = "The server is closing."
_MAX_ACTIONS_BY_KNOWLEDGE = 400
"""Up to here a platform's documents are fetched whole; beyond, only those of the actions that are wanted."""

ValueT = TypeVar("ValueT")
KeyT = TypeVar("KeyT", bound=Hashable)
ActionT = TypeVar("ActionT", bound=Action)


class Kept(Generic[ValueT]):
    """A value loaded from upstream by one task at a time and kept for `ttl_seconds`.

    A failure is not kept, and neither is a value that says that there is nothing; `forget` is called for both.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[ValueT]],
        ttl_seconds: float,
        tasks: TaskGroup,
        clock: Callable[[], float],
        forget: Callable[[], object] = lambda: None,
    ) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._tasks = tasks
        self._clock = clock
        self._forget = forget
        self._flight: _Flight[ValueT] | None = None
        self._value: tuple[ValueT, float] | None = None

    async def get(self, *, fresh: bool = False) -> ValueT:
        """Return the value, loading it if it is missing, too old or not `fresh` enough. Raises what loading raised."""
        if self._value and not fresh and self._clock() - self._value[1] < self._ttl_seconds:
            return self._value[0]
        if self._tasks.cancel_scope.cancel_called:
            raise Unreachable(_CLOSING)
        if self._flight is None:
            self._flight = _Flight()
            self._tasks.start_soon(self._fly, self._flight)
        return await self._flight.landed()

    async def _fly(self, flight: _Flight[ValueT]) -> None:
        try:
            value = await self._load()
            self._value = (value, self._clock())
            flight.outcome.append(value)
        except Exception as error:  # noqa: BLE001 - carried to every waiter, where a boundary deals with it
            flight.failure = error
        finally:
            self._flight = None
            if flight.outcome in ([], [None], [Actions(())]):
                self._forget()
            flight.done.set()


class _Flight(Generic[ValueT]):
    """One load under way; everyone who waits gets its outcome or its failure."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: list[ValueT] = []
        self.failure: Exception = Unreachable(_CLOSING)

    async def landed(self) -> ValueT:
        await self.done.wait()
        for outcome in self.outcome:
            return outcome
        raise self.failure.with_traceback(None)


@dataclass(frozen=True, slots=True)
class Actions:
    """A platform's actions. Those without an id can be told by `Catalog.details` if they are wanted."""

    known: tuple[Action, ...]
    ambiguous: int = 0
    """Rows that no document, or several, fit, so that they can only be called by id."""
    documents: Mapping[str, ActionDetails] = field(default_factory=dict[str, ActionDetails], repr=False)
    """What came along with the ids."""


class Catalog:
    """What exists, as Pica tells it. `tasks` outlives every caller; `clock` counts seconds."""

    def __init__(self, api: PicaAPI, tasks: TaskGroup, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._tasks = tasks
        self._clock = clock
        self._connections: dict[Identity, Kept[tuple[Connection, ...]]] = {}
        self._actions: dict[str, Kept[Actions]] = {}
        self._documents: dict[str, Kept[ActionDetails | None]] = {}
        self._found: dict[tuple[str, ...], Kept[Action]] = {}
        self._platforms = Kept(api.platforms, _CATALOGUE_TTL_SECONDS, tasks, clock)

    async def connections(self, identity: Identity, *, fresh: bool = False) -> tuple[Connection, ...]:
        """Return the identity's connections, at most a minute old. They may hold others': `access` decides."""
        kept = self._connections.get(identity)
        if kept is None:
            load = partial(self._api.connections, identity)
            kept = self._connections[identity] = Kept(load, CONNECTIONS_TTL_SECONDS, self._tasks, self._clock)
        return await kept.get(fresh=fresh)

    async def platforms(self) -> tuple[Platform, ...]:
        """Return every platform that can be connected."""
        return await self._platforms.get()

    async def actions(self, platform: str) -> Actions:
        """Return the platform's actions, with ids as far as they are known."""
        return await self._remembered(self._actions, platform, partial(self._identified, platform))

    async def details(self, action: Action) -> ActionDetails:
        """Return the listed action with its document and its id. Raises `UnknownAction` if no single id fits."""
        if not action.id:
            listed = action
            action = await self._remembered(
                self._found, (listed.platform, listed.key, *_name(listed)), partial(self._by_search, listed)
            )
        document = (await self.actions(action.platform)).documents.get(action.id) or await self._document(action.id)
        return _merged(ActionDetails, action, document)

    async def by_id(self, platform: str, action_id: str) -> ActionDetails:
        """Return the action with this id, whatever its platform. Raises `UnknownAction` if Pica has none."""
        if action_id:
            listed = await self.actions(platform) if platform in self._actions else Actions(())
            if found := listed.documents.get(action_id) or await self._document(action_id):
                return found
            for action in (await self.actions(platform)).known:  # an action can be listed and have no document
                if action.id == action_id:
                    return _merged(ActionDetails, action, None)
        raise UnknownAction(
            f"No action has the id {text.line(repr(action_id), 80)}.",
            "Use an id from search_pica_platform_actions, exactly as it is written.",
        )

    async def search(self, platform: str, query: str, *, execute: bool) -> tuple[Action, ...]:
        """Return the actions that Pica finds for the words, best first."""
        return await self._api.search(platform, query, execute=execute)

    async def _document(self, action_id: str) -> ActionDetails | None:
        return await self._remembered(self._documents, action_id, partial(self._api.knowledge, action_id))

    async def _remembered(
        self, kept: dict[KeyT, Kept[ValueT]], key: KeyT, load: Callable[[], Awaitable[ValueT]]
    ) -> ValueT:
        """Return the value of the key. What does not exist is forgotten, since a caller could name any number of it."""
        if key not in kept:
            kept[key] = Kept(load, _CATALOGUE_TTL_SECONDS, self._tasks, self._clock, lambda: kept.pop(key, None))
        return await kept[key].get()

    async def _identified(self, platform: str) -> Actions:
        rows = await self._api.actions(platform)
        if not rows or len(rows) > _MAX_ACTIONS_BY_KNOWLEDGE:
            return Actions(rows)
        actions = _join(rows, await self._api.knowledge_of(platform))
        if actions.ambiguous:
            logger.info("%s: %d of %d actions can only be called by id", platform, actions.ambiguous, len(rows))
        return actions

    async def _by_search(self, action: Action) -> Action:
        found = await self._api.search(action.platform, action.title, execute=False)
        fitting = [f for f in found if f.id and _name(f) == _name(action) and f.key in ("", action.key)]
        if len(fitting) != 1:
            raise UnknownAction(
                f"{len(fitting) or 'No'} actions of {action.platform} fit this name.",
                "Search for the action and call it by its id.",
            )
        return action.model_copy(update={"id": fitting[0].id, "path": fitting[0].path, "tags": fitting[0].tags})


def _name(action: Action) -> tuple[str, str]:
    return action.title, action.method.upper()


def _join(rows: Sequence[Action], documents: Sequence[ActionDetails]) -> Actions:
    """Give each row its document's facts: by its own id, else by title and method.

    Where several rows or documents share these, path or model must say which is which: an action that is called by
    another's name would do the other's deed.
    """
    by_id = {document.id: document for document in documents}
    by_name: defaultdict[tuple[str, str], list[ActionDetails]] = defaultdict(list)
    for document in documents:
        by_name[_name(document)].append(document)
    sharing = Counter(_name(row) for row in rows)
    known: dict[str, Action] = {}
    for row in rows:
        if row.id:
            known[row.id] = _merged(Action, row, by_id.get(row.id))
        elif found := _fitting(row, by_name[_name(row)], alone=sharing[_name(row)] == 1):
            known[found.id] = _merged(Action, row, found)
    return Actions(tuple(known.values()), len(rows) - len(known), by_id)


def _fitting(row: Action, named: Sequence[ActionDetails], *, alone: bool) -> ActionDetails | None:
    if alone and len(named) == 1:
        return named[0]
    same_path = [document for document in named if row.path and document.path == row.path]
    same_model = [document for document in named if row.model and document.model == row.model]
    fitting = same_path or same_model
    return fitting[0] if len(fitting) == 1 else None


def _merged(kind: type[ActionT], row: Action, document: ActionDetails | None) -> ActionT:
    """Return what the listing says; what it leaves empty is the document's to say."""
    told = {name: value for name, value in row.model_dump().items() if value}
    return kind.model_validate({**(document.model_dump() if document else {}), **told}, by_name=True)
