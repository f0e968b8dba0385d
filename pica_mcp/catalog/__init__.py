"""The room of what exists now: platforms and actions, shared by all; connections, kept per identity and only briefly.

Who wants to act gets connections that are at most a minute old or a refusal. Who only wants to look, and whoever asks
for the catalogue, gets what is known, and it is loaded anew behind. The catalogue is kept on disk, so that a start
needs no network; of connections nothing is.

From a listed action to its id: a row's own id if it has one; else the knowledge documents of platforms up to a few
hundred actions, which schemas and tags need anyway; else, for the actions that are wanted, a search by title. What
stays ambiguous is not callable by name, counted and logged.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup

from pica_mcp import text
from pica_mcp.access import Identity
from pica_mcp.api import NotModified, PicaAPI
from pica_mcp.catalog import tables
from pica_mcp.catalog.disk import Disk, Job, Lost
from pica_mcp.catalog.listings import Listing, Naming, agree, joined, merged, usable
from pica_mcp.catalog.tables import Entry, Row, catalogue_file, document_key, prepare
from pica_mcp.errors import UnknownAction, Unreachable
from pica_mcp.kept import Kept, Known, Turns
from pica_mcp.models import Action, ActionDetails, Connection, Platform

__all__ = [
    "CONNECTIONS_TTL_SECONDS",
    "Actions",
    "Catalog",
    "Connections",
    "Disk",
    "Listing",
    "Naming",
    "Row",
    "catalogue_file",
    "prepare",
]

CONNECTIONS_TTL_SECONDS = 60.0
_CATALOGUE_TTL_SECONDS = 3600.0
_WAIT_SECONDS = 9.0
_MAX_KEPT = 4_096
_MAX_AHEAD_SECONDS = 60.0
_MAX_RECENT = 64
_MAX_RECENT_CHARS = 64_000
_MAX_ACTIONS_BY_KNOWLEDGE = 400
"""Up to here a platform's documents are fetched whole; beyond, only those of the actions that are wanted."""

_MAX_LOADS = 8
"""Listings at once: each has all its rows and documents in memory."""

_PLATFORMS = "platforms"
_TRIES = 3

ValueT = TypeVar("ValueT")
ResultT = TypeVar("ResultT")
KeyT = TypeVar("KeyT", bound=Hashable)
Connections = tuple[Connection, ...]
Heard = Callable[[Connections | None, Connections], None]
"""Told of an identity's connections before and after; before is None if they could not be loaded till then."""


@dataclass(frozen=True, slots=True)
class Actions:
    """A platform's actions. Those without an id can be told by `Catalog.details` if they are wanted."""

    rows: tuple[Row, ...]
    listing: Listing

    @property
    def known(self) -> tuple[Action, ...]:
        """The actions in Pica's order."""
        return tuple(row.action for row in self.rows)

    @property
    def named(self) -> Mapping[str, Action]:
        """The actions by the names of their tools."""
        return {row.name: row.action for row in self.rows if row.name}


class Catalog:
    """What exists, as Pica tells it. `tasks` outlives every caller; `clock` counts seconds."""

    def __init__(
        self,
        api: PicaAPI,
        disk: Disk,
        tasks: TaskGroup,
        naming: Naming,
        clock: Callable[[], float] = time.monotonic,
        max_bytes: int = 1 << 30,
    ) -> None:
        self._api = api
        self._disk = disk
        self._tasks = tasks
        self._naming = naming
        self._clock = clock
        self._max_bytes = max_bytes
        self._connections: dict[Identity, Kept[Connections]] = {}
        self._followers: defaultdict[Identity, list[Heard]] = defaultdict(list)
        self._listings: dict[str, Kept[Listing]] = {}
        self._turns = Turns(_MAX_LOADS)
        self._documents: dict[str, Kept[ActionDetails | None]] = {}
        self._found: dict[str, Kept[Action | None]] = {}
        self._platforms: dict[str, Kept[tuple[Platform, ...]]] = {}
        self._recent: dict[tuple[str, str, str], tuple[str, Any]] = {}

    # Connections

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

    async def at_hand(self, identity: Identity) -> Connections | None:
        """Return the identity's connections as they were loaded last, None if never; then they are loaded behind."""
        known = await self._connected(identity).look()
        return known and known.value

    def _connected(self, identity: Identity) -> Kept[Connections]:
        def changed(before: Connections | None, after: Connections) -> None:
            for heard in self._followers.get(identity, ()):
                heard(before, after)

        def open_() -> Kept[Connections]:
            load = partial(self._api.connections, identity)
            return Kept(load, CONNECTIONS_TTL_SECONDS, self._tasks, self._clock, changed)

        return _opened(self._connections, identity, open_)

    # Platforms and their listings

    async def platforms(self) -> tuple[Platform, ...]:
        """Return every platform that can be connected. Raises `Unreachable` if that takes more than a moment."""
        with _in_time():
            open_ = partial(self._kept, _PLATFORMS, self._load_platforms, _platforms)
            return (await _opened(self._platforms, _PLATFORMS, open_).known()).value

    async def listing(self, platform: str) -> Listing:
        """Return what is known of the platform's actions as a whole, without the rows."""
        return (await self._listed(platform).known()).value

    async def revisions(self, platforms: Iterable[str]) -> Mapping[str, str] | None:
        """Return the revisions of these platforms' listings; None if one is not at hand, and is loaded behind."""
        found = {platform: await self._listed(platform).look() for platform in platforms}
        known = {platform: listing.value.revision for platform, listing in found.items() if listing}
        return known if len(known) == len(found) else None

    async def actions(self, platform: str) -> Actions:
        """Return the platform's actions, with ids as far as they are known. Nobody keeps them: there may be many."""
        rows, listing = await self._of(platform, lambda db: tables.listed(db, platform))
        return Actions(rows, listing)

    async def named(self, platform: str, name: str) -> Action | None:
        """Return the platform's action whose tool has this name."""
        return await self._recently(platform, ("name", name), lambda db: tables.named(db, platform, name))

    async def platform_of(self, name: str) -> str | None:
        """Return the single platform that has a tool of this name, among those that are at hand."""
        return await self._read(lambda db: tables.platform_of(db, name))

    async def rows_of(self, action: Action) -> tuple[Row, ...]:
        """Return the rows of its platform that this action may be."""
        rows, listing = await self._of(action.platform, lambda db: tables.like(db, action.platform, action))
        return tuple(row for row in rows if listing.fits(row.action, action))

    async def twins(self, action: Action) -> int:
        """Return how many rows of its platform have its title."""
        return (await self._of(action.platform, lambda db: tables.titled(db, action)))[0]

    async def documents(self, platform: str) -> Mapping[str, ActionDetails]:
        """Return the documents of the platform's actions that are at hand, by id."""
        found, _ = await self._of(platform, lambda db: tables.documents(db, platform))
        return {document.id: document for document in found}

    # Single actions

    async def details(self, action: Action) -> ActionDetails:
        """Return the listed action with its document and its id. Raises `UnknownAction` if no single id fits."""
        listing = await self.listing(action.platform)
        if not action.id:
            told = (action.platform, action.key, action.path, action.model, action.title, action.method)
            what = f"found:{text.compact(told)}"
            open_ = partial(self._kept, what, partial(self._by_search, what, action, listing), _action)
            found = (await _opened(self._found, what, open_).known()).value
            if found is None:
                raise UnknownAction(
                    f"No single action of {action.platform} fits this name.",
                    "Search for the action and call it by its id.",
                )
            action = found
        return usable(action, await self._document(action.id, action.platform))

    async def at_once(self, actions: Sequence[Action]) -> list[ActionDetails | None]:
        """Return the listed actions, all read in one go, with those documents that came with their listings, or None.

        What is not at hand is not waited for.
        """
        known = {platform: self._listed(platform).at_hand for platform in {one.platform for one in actions}}
        whole = {platform for platform, listing in known.items() if listing and listing.value.whole}

        def read(db: sqlite3.Connection) -> list[ActionDetails | None]:
            return [
                tables.document(db, one.platform, one.id) if one.id and one.platform in whole else None
                for one in actions
            ]

        found = zip(actions, await self._read(read), strict=True)
        return [usable(one, document) if document and _is_about(document, one) else None for one, document in found]

    async def by_id(self, platform: str | None, action_id: str) -> ActionDetails:
        """Return the action with this id, as its name would mean it. Raises `UnknownAction` if Pica has none.

        An action of another platform is returned as its document tells it. Without a platform it is the document's.
        """
        if platform is None:
            document = await self._document(action_id) if action_id else None
            platform = document.platform if document else ""
        if action_id and platform:
            document = await self._document(action_id, platform)
            if document and document.platform not in ("", platform):
                return document
            sought = document or Action.model_validate({"platform": platform, "id": action_id}, by_name=True)
            rows, listing = await self._of(platform, lambda db: tables.like(db, platform, sought))
            fitting = [row.action for row in rows if row.action.id == action_id]
            fitting = fitting or [row.action for row in rows if document and listing.fits(row.action, document)]
            if len(fitting) > 1 or action_id in listing.disputed:
                raise UnknownAction("Pica tells different things of this action.", "Choose another action.")
            if fitting:
                return usable(fitting[0].model_copy(update={"id": action_id}), document)
            if document and document.platform:
                return document
        for key in (document_key("", action_id), document_key(platform, action_id)):
            self._documents.pop(key, None)  # an id that a caller made up, perhaps; it may exist tomorrow
        raise UnknownAction(
            f"No action has the id {text.line(repr(action_id), 80)}.",
            "Use an id from search_pica_platform_actions, exactly as it is written.",
        )

    # Searching

    async def search(self, platform: str, query: str, *, execute: bool) -> tuple[Action, ...]:
        """Return the actions that Pica finds for the words, best first."""
        return await self._api.search(platform, query, execute=execute)

    async def ready(self, platforms: Collection[str]) -> frozenset[str]:
        """Return those whose actions can be searched here now; the others are loaded behind."""
        return frozenset([platform for platform in platforms if await self._listed(platform).look()])

    async def find(
        self,
        platforms: Collection[str],
        terms: Sequence[Collection[str]],
        limit: int,
        wanted: Callable[[Action], bool] = lambda _: True,
    ) -> tuple[Row, ...]:
        """Return the rows of these platforms whose words fit best, best first, of those that are `wanted`."""
        among, words = sorted(platforms), [[*alike] for alike in terms]

        def look(db: sqlite3.Connection) -> tuple[tuple[Row, ...], Mapping[str, str | None]]:
            rows = tables.found(db, among, words, limit, wanted)
            return rows, {one: tables.revision(db, _listing_key(one)) for one in {row.action.platform for row in rows}}

        rows, revisions = await self._read(look)
        for platform, revision in revisions.items():  # what is shown is what is called by name from now on
            kept = self._listings.get(platform)
            if kept and kept.at_hand and kept.at_hand.value.revision != revision:
                del self._listings[platform]
        return rows

    async def platforms_at_hand(self) -> tuple[str, ...]:
        """Return the platforms whose actions are at hand."""
        return await self._read(tables.platforms)

    async def spellings(self, words: Collection[str]) -> Mapping[str, Any]:
        """Return, for words that nothing here has, those that are most like them."""
        return await self._read(lambda db: tables.index.spellings(db, words))

    def outdated_since(self, platform: str) -> datetime | None:
        """Return since when the platform's actions could not be loaded anew, None if they are as they should be."""
        kept = self._listings.get(platform)
        known = kept and kept.at_hand
        return known.as_of if known and known.failure else None

    # Whatever else is to be remembered

    async def remembered(self, what: str) -> Entry | None:
        """Return what was remembered by this name for at most as long as the database lives."""
        return await self._read(tables.entry(what))

    async def remember(self, what: str, value: Any) -> None:
        """Remember a value of JSON by this name."""
        await self._write(lambda db: tables.keep(db, what, Entry(value, time.time())), what)

    # Loading

    @property
    def file(self) -> Path | None:
        """The file in which all this is kept, None as long as there is none."""
        return self._disk.file

    async def refresh_platforms(self) -> tuple[Platform, ...]:
        """Load every platform that can be connected, however new those are that are known."""
        found = await self._anew(self._load_platforms)
        self._platforms.clear()
        return found

    async def refresh(self, platform: str, *, whole: bool = False) -> Listing:
        """Load the platform's actions, however new those are that are known; if `whole`, with all their documents."""
        found = await self._anew(partial(self._load_listing, platform, whole=whole))
        self._listings.pop(platform, None)
        return found

    async def _anew(self, load: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Return what is loaded now, in the time that any load has."""
        return await Kept(load, _CATALOGUE_TTL_SECONDS, self._tasks, self._clock, turns=self._turns).get()

    def _listed(self, platform: str) -> Kept[Listing]:
        load, what = partial(self._load_listing, platform), _listing_key(platform)
        return _opened(self._listings, platform, lambda: self._kept(what, load, Listing.of_json, self._turns))

    def _kept(
        self,
        what: str,
        load: Callable[[], Awaitable[ValueT]],
        read: Callable[[Any], ValueT],
        turns: Turns | None = None,
    ) -> Kept[ValueT]:
        """Return what is loaded anew every hour and, from one process to the next, remembered by this name."""

        async def recall() -> Known[ValueT] | None:
            entry = await self._read(tables.entry(what, read))
            if entry is None or entry.as_of > time.time() + _MAX_AHEAD_SECONDS:  # by a clock that was wrong
                return None
            return Known(entry.value, datetime.fromtimestamp(entry.as_of, UTC))

        return Kept(load, _CATALOGUE_TTL_SECONDS, self._tasks, self._clock, recall=recall, turns=turns)

    async def _of(self, platform: str, job: Job[ResultT]) -> tuple[ResultT, Listing]:
        """Return what the job reads of the platform's rows, when they are there, and their listing."""
        for _ in range(_TRIES):
            kept = self._listed(platform)
            listing = (await kept.known()).value
            found, revision = await self._read(lambda db: (job(db), tables.revision(db, _listing_key(platform))))
            if revision == listing.revision:
                return found, listing
            if self._listings.get(platform) is kept:  # it made room for another, or another process has loaded it anew
                del self._listings[platform]
        raise Unreachable("The catalogue could not be read.", "Try again in a minute.")

    async def _recently(self, platform: str, what: tuple[str, str], job: Job[ResultT | None]) -> ResultT | None:
        """Return what the job reads of the platform, from memory if it is what was read recently."""
        key, listing = (platform, *what), await self.listing(platform)
        revision, found = self._recent.pop(key, ("", None))
        if revision != listing.revision:
            found, listing = await self._of(platform, job)
        if _is_small(found):
            while len(self._recent) >= _MAX_RECENT:
                self._recent.pop(next(iter(self._recent)))
            self._recent[key] = listing.revision, found
        return found

    async def _read(self, job: Job[ResultT]) -> ResultT:
        return await self._on_disk(partial(self._disk.read, job))

    async def _write(self, job: Job[ResultT], spared: str = "") -> ResultT:
        """Write, and make room for it if need be, though not at the cost of what is `spared`."""

        def bounded(db: sqlite3.Connection) -> ResultT:
            written = job(db)
            tables.make_room(db, self._max_bytes, spared)
            return written

        return await self._on_disk(partial(self._disk.write, bounded))

    async def _on_disk(self, run: Callable[[], Awaitable[ResultT]]) -> ResultT:
        for _ in range(_TRIES):
            try:
                return await run()
            except Lost:
                for kept in (self._listings, self._documents, self._found, self._platforms, self._recent):
                    kept.clear()
        raise Unreachable("The catalogue could not be read.", "Try again in a minute.")

    async def _load_platforms(self) -> tuple[Platform, ...]:
        found, now = await self._api.platforms(), time.time()
        kept = Entry([one.model_dump() for one in found], now)
        await self._write(lambda db: tables.keep(db, _PLATFORMS, kept), _PLATFORMS)
        return found

    async def _load_listing(self, platform: str, *, whole: bool = False) -> Listing:
        """Load the rows, and the documents of a platform that has not too many, unless they are what is known."""
        what, now = _listing_key(platform), time.time()
        read = tables.entry(what, Listing.of_json)
        before = await self._read(read)
        known: Listing = before.value if before else Listing()
        row_etags, document_etags = [*known.row_etags], [*known.document_etags]
        rows = documents = None
        with suppress(NotModified):
            rows = await self._api.actions(platform, row_etags)
        few = known.whole if rows is None else 0 < len(rows) <= _MAX_ACTIONS_BY_KNOWLEDGE
        whole = whole or few or (known.whole and bool(document_etags))  # to ask again for many is cheap by ETags alone
        with suppress(NotModified):
            documents = await self._api.knowledge_of(platform, document_etags) if whole else ()
        if rows is None and (documents is None or not whole):
            await self._write(lambda db: tables.confirm(db, what, now), platform)
            return known
        rows = await self._api.actions(platform) if rows is None else rows

        def write(db: sqlite3.Connection) -> Listing | None:
            there = read(db)
            if there and now < there.as_of <= time.time():
                return there.value  # loaded by another process meanwhile
            if documents is None and (there is None or there.value != known):
                return None  # what has not changed is not there any more
            told = tables.documents(db, platform) if documents is None else documents
            told = told if whole or not rows else None
            listing, found = joined(platform, rows, told, self._naming)
            listing = listing.with_etags(row_etags, document_etags)
            if there is None or listing.revision != there.value.revision:
                tables.replace(db, platform, found, told, now)
            tables.keep(db, what, Entry(listing.as_json(), now, (listing.revision,)), platform)
            return listing

        return await self._write(write, platform) or await self._load_listing(platform, whole=whole)

    async def _document(self, action_id: str, platform: str = "") -> ActionDetails | None:
        """Return the action's document: of the listing, where it has them all, else as it was loaded by itself."""
        if platform and (await self.listing(platform)).whole:
            read = partial(tables.document, platform=platform, action_id=action_id)
            if found := await self._recently(platform, ("document", action_id), read):
                return found
        what = document_key(platform, action_id)
        open_ = partial(self._kept, what, partial(self._load_document, what, action_id, platform), _details)
        return (await _opened(self._documents, what, open_, _MAX_RECENT).known()).value

    async def _load_document(self, what: str, action_id: str, platform: str) -> ActionDetails | None:
        now = time.time()
        before = await self._read(tables.entry(what, _details))
        etags = [*before.etags] if before else []
        try:
            found = await self._api.knowledge(action_id, etags)
        except NotModified:
            await self._write(lambda db: tables.confirm(db, what, now), platform)
            return before and before.value
        if found:
            kept, group = Entry(tables.dumped(found), now, tuple(etags)), platform or found.platform
            await self._write(lambda db: tables.keep(db, what, kept, group), group or what)
        elif before:  # ids that callers make up are not to fill the disk
            await self._write(lambda db: tables.drop(db, what))
        return found

    async def _by_search(self, what: str, action: Action, listing: Listing) -> Action | None:
        rows, now = await self._api.search(action.platform, action.title, execute=False), time.time()
        fitting = [other for other in rows if listing.fits(action, other)]
        found = merged(action, fitting[0]) if len(fitting) == 1 else None
        kept = Entry(found and found.model_dump(), now)
        await self._write(lambda db: tables.keep(db, what, kept, action.platform), action.platform)
        return found


@contextmanager
def _in_time() -> Generator[None]:
    """Bound the wait of who only looks; the load goes on for the next one who asks."""
    try:
        with anyio.fail_after(_WAIT_SECONDS):
            yield
    except TimeoutError:
        raise Unreachable("Pica did not answer in time.", "Try again in a minute.") from None


def _opened(
    kept: dict[KeyT, Kept[ValueT]], key: KeyT, open_: Callable[[], Kept[ValueT]], most: int | None = None
) -> Kept[ValueT]:
    """Return what is kept for the key. At most so many are, the oldest go: callers may name any number."""
    if key not in kept:
        while len(kept) >= (most or _MAX_KEPT):
            kept.pop(next(iter(kept)))
        kept[key] = open_()
    return kept[key]


def _is_about(document: ActionDetails, row: Action) -> bool:
    return document.platform in ("", row.platform) and agree(row, document)


def _is_small(found: Any) -> bool:
    """Tell if it may be held in memory."""
    return found is not None and len(getattr(found, "knowledge", "")) <= _MAX_RECENT_CHARS


def _listing_key(platform: str) -> str:
    return f"listing:{platform}"


def _platforms(value: Any) -> tuple[Platform, ...]:
    return tuple(Platform.model_validate(one) for one in value)


def _action(value: Any) -> Action | None:
    return value and Action.model_validate(value, by_name=True)


def _details(value: Any) -> ActionDetails | None:
    return ActionDetails.model_validate(value, by_name=True)
