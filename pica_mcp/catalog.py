"""The room of what exists now: platforms and actions, shared by all; connections, kept per identity and only briefly.

Who wants to act gets connections that are at most a minute old or a refusal. Who only wants to look, and whoever asks
for the catalogue, gets what is known, and it is loaded anew behind.

From a listed action to its id: a row's own id if it has one; else the knowledge documents of platforms up to a few
hundred actions, which schemas and tags need anyway; else, for the actions that are wanted, a search by title. What
stays ambiguous is not callable by name, counted and logged.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.api import PicaAPI
from pica_mcp.errors import UnknownAction, Unreachable
from pica_mcp.kept import Kept, Known
from pica_mcp.models import Action, ActionDetails, Connection, Platform

logger = logging.getLogger(__name__)

CONNECTIONS_TTL_SECONDS = 60.0
_CATALOGUE_TTL_SECONDS = 3600.0
_WAIT_SECONDS = 9.0
_MAX_KEPT = 4_096
_MAX_ACTIONS_BY_KNOWLEDGE = 400
"""Up to here a platform's documents are fetched whole; beyond, only those of the actions that are wanted."""

ValueT = TypeVar("ValueT")
KeyT = TypeVar("KeyT", bound=Hashable)
Connections = tuple[Connection, ...]
Heard = Callable[[Connections | None, Connections], None]
"""Told of an identity's connections before and after; before is None if they could not be loaded till then."""
ActionT = TypeVar("ActionT", bound=Action)


@dataclass(frozen=True, slots=True)
class Actions:
    """A platform's actions. Those without an id can be told by `Catalog.details` if they are wanted."""

    known: tuple[Action, ...]
    ambiguous: int = 0
    """Rows that are left out: no document or several fit, or it is listed twice, or row and document disagree."""
    documents: Mapping[str, ActionDetails] | None = field(default=None, repr=False)
    """All that Pica has of these actions, by id; None where they are fetched one by one."""
    shared: frozenset[tuple[str, str]] = frozenset()
    """Titles and methods that several rows have."""
    disputed: frozenset[str] = frozenset()
    """Ids of rows whose documents say another method."""

    def fits(self, row: Action, other: Action) -> bool:
        """Tell if what is found elsewhere is this row."""
        return row.id == other.id if row.id else _same(row, other, alone=_name(row) not in self.shared)


class Catalog:
    """What exists, as Pica tells it. `tasks` outlives every caller; `clock` counts seconds."""

    def __init__(self, api: PicaAPI, tasks: TaskGroup, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._tasks = tasks
        self._clock = clock
        self._connections: dict[Identity, Kept[Connections]] = {}
        self._followers: defaultdict[Identity, list[Heard]] = defaultdict(list)
        self._actions: dict[str, Kept[Actions]] = {}
        self._documents: dict[str, Kept[ActionDetails | None]] = {}
        self._found: dict[tuple[str, ...], Kept[Action | None]] = {}
        self._platforms = Kept(api.platforms, _CATALOGUE_TTL_SECONDS, tasks, clock)

    async def connections(self, identity: Identity, *, fresh: bool = False) -> Connections:
        """Return the identity's connections for acting, at most a minute old, or raise why they cannot be told.

        They may hold others': `access` decides.
        """
        return await self._connected(identity).get(fresh=fresh)

    async def known_connections(self, identity: Identity, *, fresh: bool = False) -> Known[Connections]:
        """Return the identity's connections for looking: those last known if Pica does not answer now.

        `fresh` waits a moment for newer ones. Raises why there are none, or `Unreachable` after that moment.
        """
        with _in_time():
            patience_seconds = _WAIT_SECONDS - 1 if fresh else 0
            return await self._connected(identity).known(patience_seconds=patience_seconds)

    def follow(self, identity: Identity, heard: Heard) -> None:
        """Call `heard` whenever a load shows that the identity's connections changed."""
        self._followers[identity].append(heard)

    def outdated(self, identity: Identity) -> bool:
        """Tell if the last try to load the identity's connections failed."""
        return identity in self._connections and self._connections[identity].failed

    def was_asked(self, identity: Identity) -> bool:
        """Tell if anybody wanted to know the identity's connections."""
        return identity in self._connections

    def _connected(self, identity: Identity) -> Kept[Connections]:
        def changed(before: Connections | None, after: Connections) -> None:
            for heard in self._followers.get(identity, ()):
                heard(before, after)

        def open_() -> Kept[Connections]:
            load = partial(self._api.connections, identity)
            return Kept(load, CONNECTIONS_TTL_SECONDS, self._tasks, self._clock, changed)

        return _opened(self._connections, identity, open_)

    async def platforms(self) -> tuple[Platform, ...]:
        """Return every platform that can be connected. Raises `Unreachable` if that takes more than a moment."""
        with _in_time():
            return (await self._platforms.known()).value

    async def actions(self, platform: str) -> Actions:
        """Return the platform's actions, with ids as far as they are known."""
        return await self._kept(self._actions, platform, partial(self._identified, platform))

    async def details(self, action: Action) -> ActionDetails:
        """Return the listed action with its document and its id. Raises `UnknownAction` if no single id fits."""
        listed = await self.actions(action.platform)
        if not action.id:
            key = (action.platform, action.key, action.path, action.model, *_name(action))
            found = await self._kept(self._found, key, partial(self._by_search, action, listed))
            if found is None:
                raise UnknownAction(
                    f"No single action of {action.platform} fits this name.",
                    "Search for the action and call it by its id.",
                )
            action = found
        document = await self._document(action.id) if listed.documents is None else listed.documents.get(action.id)
        return _usable(action, document)

    async def by_id(self, platform: str | None, action_id: str) -> ActionDetails:
        """Return the action with this id, as its name would mean it. Raises `UnknownAction` if Pica has none.

        An action of another platform is returned as its document tells it. Without a platform it is the document's.
        """
        if platform is None:
            document = await self._document(action_id) if action_id else None
            platform = document.platform if document else ""
        if action_id and platform:
            listed = await self.actions(platform)
            document = (listed.documents or {}).get(action_id) or await self._document(action_id)
            if document and document.platform not in ("", platform):
                return document
            rows = [row for row in listed.known if row.id == action_id]
            rows = rows or [row for row in listed.known if document and not row.id and listed.fits(row, document)]
            if len(rows) > 1 or action_id in listed.disputed:
                raise UnknownAction("Pica tells different things of this action.", "Choose another action.")
            if rows:
                return _usable(rows[0].model_copy(update={"id": action_id}), document)
            if document and document.platform:
                return document
        self._documents.pop(action_id, None)  # an id that a caller made up, perhaps; it may exist tomorrow
        raise UnknownAction(
            f"No action has the id {text.line(repr(action_id), 80)}.",
            "Use an id from search_pica_platform_actions, exactly as it is written.",
        )

    async def search(self, platform: str, query: str, *, execute: bool) -> tuple[Action, ...]:
        """Return the actions that Pica finds for the words, best first."""
        return await self._api.search(platform, query, execute=execute)

    async def _document(self, action_id: str) -> ActionDetails | None:
        return await self._kept(self._documents, action_id, partial(self._api.knowledge, action_id))

    async def _kept(self, kept: dict[KeyT, Kept[ValueT]], key: KeyT, load: Callable[[], Awaitable[ValueT]]) -> ValueT:
        opened = _opened(kept, key, lambda: Kept(load, _CATALOGUE_TTL_SECONDS, self._tasks, self._clock))
        return (await opened.known()).value

    async def _identified(self, platform: str) -> Actions:
        rows = await self._api.actions(platform)
        documents = await self._api.knowledge_of(platform) if 0 < len(rows) <= _MAX_ACTIONS_BY_KNOWLEDGE else None
        actions = _join(rows, documents)
        if actions.ambiguous:
            logger.info(
                "%s: %d of %d actions are left out, since they cannot be told apart",
                platform,
                actions.ambiguous,
                len(rows),
            )
        return actions

    async def _by_search(self, action: Action, listed: Actions) -> Action | None:
        found = await self._api.search(action.platform, action.title, execute=False)
        fitting = [other for other in found if listed.fits(action, other)]
        if len(fitting) != 1:
            return None
        return _merged(Action, action, fitting[0])


@contextmanager
def _in_time() -> Generator[None]:
    """Bound the wait of who only looks; the load goes on for the next one who asks."""
    try:
        with anyio.fail_after(_WAIT_SECONDS):
            yield
    except TimeoutError:
        raise Unreachable("Pica did not answer in time.", "Try again in a minute.") from None


def _opened(kept: dict[KeyT, Kept[ValueT]], key: KeyT, open_: Callable[[], Kept[ValueT]]) -> Kept[ValueT]:
    """Return what is kept for the key. At most so many are, the oldest go: callers may name any number."""
    if key not in kept:
        while len(kept) >= _MAX_KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = open_()
    return kept[key]


def _name(action: Action) -> tuple[str, str]:
    return action.title, action.method.upper()


def _same(row: Action, other: Action, *, alone: bool) -> bool:
    """Tell if what is found elsewhere is the listed action. Called by another's name, it would do the other's deed.

    Title and method must be equal, path and key where both tell them. Where several rows share title and method (not
    `alone`), one of path, key or model must say which is which.
    """
    told = [(mine, its) for mine, its in ((row.path, other.path), (row.key, other.key)) if mine and its]
    if not alone and row.model and other.model:
        told.append((row.model, other.model))
    return _name(row) == _name(other) and all(mine == its for mine, its in told) and (alone or bool(told))


def _join(rows: Sequence[Action], documents: Sequence[ActionDetails] | None) -> Actions:
    """Give each row its document's facts: by its own id, else by what both tell. Without documents, rows stay.

    What cannot be told from another is counted and left out, and so is a row whose document says another method.
    """
    by_name: defaultdict[tuple[str, str], list[ActionDetails]] = defaultdict(list)
    for document in documents or ():
        by_name[_name(document)].append(document)
    by_id = None if documents is None else {document.id: document for document in documents}
    counts = Counter(_name(row) for row in rows)
    shared = frozenset(name for name, count in counts.items() if count > 1)
    disputed = frozenset(row.id for row in rows if row.id and not _agree(row, (by_id or {}).get(row.id)))
    known: dict[str, Action] = {}
    claims = Counter[str]()
    for row in rows:
        if row.id or by_id is None:
            document = (by_id or {}).get(row.id)
            if _agree(row, document):
                known[row.id or repr(row)] = _merged(Action, row, document)
            continue
        fitting = [d for d in by_name[_name(row)] if _same(row, d, alone=_name(row) not in shared)]
        if len(fitting) == 1:
            known[fitting[0].id] = _merged(Action, row, fitting[0])
            claims[fitting[0].id] += 1
    for contested in (action_id for action_id, rows_of_it in claims.items() if rows_of_it > 1):
        del known[contested]
    return Actions(tuple(known.values()), len(rows) - len(known), by_id, shared, disputed)


def _agree(row: Action, document: Action | None) -> bool:
    """Tell if row and document can be of one action: what deletes must not pass for what sends."""
    return document is None or not document.method or document.method.upper() == row.method.upper()


def _usable(row: Action, document: ActionDetails | None) -> ActionDetails:
    if not _agree(row, document):
        raise UnknownAction("Pica tells two different methods for this action.", "Choose another action.")
    return _merged(ActionDetails, row, document)


def _merged(kind: type[ActionT], row: Action, document: Action | None) -> ActionT:
    """Return what the listing says; what it leaves empty is the document's to say. Tags count wherever they stand."""
    told = {name: value for name, value in row.model_dump().items() if value}
    both = dict.fromkeys((*row.tags, *(document.tags if document else ())))
    return kind.model_validate(
        {**(document.model_dump() if document else {}), **told, "tags": list(both)}, by_name=True
    )
