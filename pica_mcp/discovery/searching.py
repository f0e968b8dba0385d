"""The tool that tells which action fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import results, text
from pica_mcp.access import (
    Caller,
    admit,
    admit_platform,
    effect,
    how_to_connect,
    offered,
    promising,
    usable,
    visible,
)
from pica_mcp.accounts import not_connected, to_choose_from, withheld
from pica_mcp.catalog import Catalog, Connections, Row
from pica_mcp.discovery import wording
from pica_mcp.discovery.connected import near, nothing, platforms_of, states_of
from pica_mcp.discovery.hits import Hit, Outlines, told
from pica_mcp.discovery.names import Names, platform_meant
from pica_mcp.discovery.ranking import Test, best, everyday, fits, is_asked_for
from pica_mcp.discovery.tool import SEARCH, Definition, platform_of, tool
from pica_mcp.errors import PicaError, UnknownAction
from pica_mcp.models import Action, ActionDetails, Effect
from pica_mcp.tools import FixedTool, Profile

_USUAL, _MOST = 5, 20
_MOST_ROUNDS = 4
"""Some are hidden from agents, or more than they may do: more are looked into than are shown, in so many rounds."""

_CANDIDATES, _CANDIDATES_ACROSS = 60, 100
"""So many rows are compared closely, on one platform and over all."""

_FITTING = 10
"""So many of the best are looked at for one that does what is wanted."""

_MAX_UNREADY, _MAX_ASKED_BESIDES = 24, 4
"""Pica's own search is asked about so many platforms whose actions are not known here, or where nothing fits."""

_AT_ONCE = 8
_SEARCH_SECONDS = 9.0
_READ_SECONDS = 3.0
_SILENT = "Pica did not answer in time."

_SEARCH = Definition(
    SEARCH,
    "Search actions",
    "Find actions (send, list, create, ...) by what they do, over all connected platforms or on one. A hit has the "
    "`tool` or the `actionId` to call and its arguments (* required): usually enough to call it.",
    {
        "query": {"type": "string", "description": "E.g. 'send an email'."},
        "platform": {"type": "string", "description": "Only this one, connected or not, e.g. 'gmail'."},
        "agentType": {
            "type": "string",
            "enum": ["execute", "knowledge"],
            "description": "'knowledge' to write code, not to run.",
        },
        "detail": {"type": "boolean", "description": "With full input schemas."},
        "limit": {"type": "integer", "description": f"{_USUAL} if left out, at most {_MOST}."},
    },
    ("query",),
    in_view=True,
)


def search_tool(catalog: Catalog, names: Names, profile: Profile) -> FixedTool:
    """Return the tool that finds actions."""
    searches = Searches(catalog, names)

    async def run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        query, limit = str(given["query"]), given.get("limit") or _USUAL
        executes = given.get("agentType", "execute") == "execute"
        found = await searches.find(caller, query, platform_of(given), limit, executes=executes)
        actions = told(found.hits, across=found.platform is None, detail=given.get("detail") is True)
        return results.said(text.compact({"actions": actions} | ({"note": found.note} if found.note else {})))

    return tool(_SEARCH, profile, run)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the best first, and what is to be said of it: what was not searched, or is not connected.

    `platform` is the only one that was searched; None for all that are connected.
    """

    hits: tuple[Hit, ...]
    note: str
    platform: str | None


class Searches:
    """Finds actions by what they do."""

    def __init__(self, catalog: Catalog, names: Names) -> None:
        self._catalog = catalog
        self._names = names
        self._outlines = Outlines()

    async def find(
        self, caller: Caller, query: str, platform: str | None, limit: int, *, executes: bool = True
    ) -> Found:
        """Return at most so many actions that fit, none if there is no such platform.

        `executes`: to run them; else to read about them. Raises `Refused` for a platform that the caller may not use.
        """
        platform = await platform_meant(self._catalog, platform, caller)
        if platform and (refusal := admit_platform(caller, platform)):
            raise refusal
        executes = executes and not caller.grant.knowledge_only
        known, untold = (), None
        try:
            known = (await self._catalog.known_connections(caller.identity)).value
        except PicaError as error:
            untold = error
        outline = self._outlines.of
        search = _Search(self._catalog, self._names, caller, known, query, platform, outline, executes, untold)
        return await search.found(min(max(limit, 1), _MOST))


@dataclass
class _Search:
    """One search under way."""

    catalog: Catalog
    names: Names
    caller: Caller
    connections: Connections
    query: str
    platform: str | None
    outline: Callable[[Action], str]
    executes: bool
    untold: PicaError | None
    """Why nobody can tell now what is connected: then all is searched that is at hand."""
    _spelt: str = ""
    """The query as its words are spelt here, once that is known."""
    _notes: list[str] = field(default_factory=list[str])
    _ready: frozenset[str] = frozenset()
    _known: Sequence[Row] = ()
    _tools: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """What the tools of hits are called, by platform and id, as far as the listings tell."""
    _lost: list[str] = field(default_factory=list[str])
    """Platforms with rows that fit, of which only Pica's own search can tell the ids."""
    _namings: dict[str, tuple[bool, frozenset[str]]] = field(default_factory=dict[str, tuple[bool, frozenset[str]]])
    _hits: dict[str, Sequence[Action]] = field(default_factory=dict[str, Sequence[Action]])
    _failures: dict[str, PicaError | None] = field(default_factory=dict[str, PicaError | None])

    async def found(self, most: int) -> Found:
        """Return the best few, with notes on what was not searched, or is not connected."""
        platforms = await self._platforms()
        best = await self._fitting(platforms)
        hits = await self._looked_into(best, most)
        if self._lost or not hits:
            fitting = () if hits else (action.platform for action in best)
            if await self._ask_besides((*self._lost, *fitting)):
                hits = await self._looked_into(self._best(), most)
        if not hits and (everyday := await self._everyday()):
            hits = await self._looked_into(everyday, most)
            self._notes += ["No action fits these words; these are the everyday ones."] if hits else []
        else:
            hits = self._by_fitness(hits[:most])
        shown = await self._shown(hits[:most])
        await self._explain(platforms, hits[:most])
        return Found(shown, " ".join(self._notes), self.platform)

    async def _fitting(self, platforms: Sequence[str]) -> list[Action]:
        """Return what fits best of the actions that are known here, and where none does, of what Pica finds."""
        self._ready = await self.catalog.ready(platforms)
        await self._ask_about_unready([platform for platform in platforms if platform not in self._ready])
        await self._look()
        best = self._best()
        if not fits(self.query, *best[:_FITTING]):
            near = (*self._named(platforms), *(action.platform for action in best), *platforms)
            if await self._ask_besides(near):
                best = self._best()
        return best

    async def _ask_besides(self, near: Iterable[str]) -> bool:
        """Ask Pica about the first few of these that it was not asked about, and tell if it found anything."""
        besides = [one for one in dict.fromkeys(near) if one not in self._hits and one not in self._failures]
        return await self._ask(besides[:_MAX_ASKED_BESIDES])

    async def _look(self) -> None:
        """Look for the query among the actions that are known here, its words spelt as they are there."""
        if not self._ready:
            return
        own = frozenset[str]().union(*(self._naming(platform)[1] for platform in self._ready))
        odd = wording.unknown(self.query, own)
        forms = frozenset(odd).union(*odd.values())
        near: Mapping[str, Sequence[str]] = await self.catalog.spellings(forms) if odd else {}
        self._spelt = wording.spelt(self.query, odd, forms.difference(near).union(*near.values()))
        terms = [wording.wanted(term) for term in wording.terms(self._spelt)]
        self._known = await self._candidates(terms, lambda _: True)
        if not any(self._may_fit(row.action) for row in self._known):
            self._known = await self._candidates(terms, self._may_fit) or self._known

    async def _candidates(self, terms: Sequence[Sequence[str]], wanted: Test) -> Sequence[Row]:
        """Return the rows whose words fit best, those of platforms that the query names before all others."""
        most = _CANDIDATES if self.platform else _CANDIDATES_ACROSS
        named = frozenset(self._named(self._ready))
        first = await self.catalog.find(named, terms, most, wanted) if named else ()
        if named == self._ready or len(first) == most:
            return first
        others = await self.catalog.find(self._ready, terms, most - len(first), wanted)
        return (*first, *(row for row in others if row.action.platform not in named))

    def _best(self) -> list[Action]:
        """Return what fits best of what is known and what Pica found; what is both is what Pica found."""
        titles = {(hit.platform, hit.title): hit for hits in self._hits.values() for hit in hits}
        known = (
            (row.action, row.about)
            for row in self._known
            if (row.action.platform, row.action.title) not in titles
            or not any(_same(row.action, hit) for hit in self._hits.get(row.action.platform, ()))
        )
        return best(self._spelt or self.query, self._hits, known, offered=self._may_fit, destroys=self._destroys)

    def _named(self, platforms: Iterable[str]) -> list[str]:
        return [platform for platform in platforms if self._naming(platform)[0]]

    def _naming(self, platform: str) -> tuple[bool, frozenset[str]]:
        """Tell if the query names the platform, and which of its words do that."""
        if platform not in self._namings:
            self._namings[platform] = wording.named(self._spans, [platform])
        return self._namings[platform]

    @cached_property
    def _spans(self) -> Mapping[str, frozenset[str]]:
        return wording.spans(self.query)

    @cached_property
    def _own(self) -> Connections:
        return visible(self.caller, self.connections)

    @cached_property
    def _usable(self) -> Connections:
        return usable(self.caller, self.connections)

    @cached_property
    def _with_tools(self) -> frozenset[str]:
        """The platforms whose tools have names for the caller."""
        connected = {connection.platform for connection in self._usable}
        return frozenset(self.names.apart(self._own)).intersection(connected)

    def _by_fitness(self, hits: list[Action]) -> list[Action]:
        """Return the hits; where none does what is wanted, that is noted, and what destroys unasked comes last."""
        if not hits or fits(self.query, *hits):
            return hits
        self._notes.append("None fits well; these are the nearest.")
        return sorted(hits, key=lambda hit: self._destroys(hit) and not is_asked_for(self.query, hit))

    async def _everyday(self) -> list[Action]:
        """Return what most people do on the platform that was asked for; nothing if none was."""
        if self.platform not in self._ready:
            return []
        return everyday(filter(self._fits, (await self.catalog.actions(self.platform)).known), self._destroys)

    async def _looked_into(self, best: Sequence[Action], most: int) -> list[Action]:
        """Return so many of them with their documents, without what these show to be more than the caller may do."""
        hits: list[Action] = []
        self._lost.clear()
        with anyio.move_on_after(2 * _READ_SECONDS):
            for at in range(0, min(len(best), _MOST_ROUNDS * most), most):
                hits += await self._read(best[at : at + most])
                if len(hits) >= most:
                    break
        return hits

    def _destroys(self, action: Action) -> bool:
        return effect(self.caller, action) is Effect.DESTRUCTIVE

    async def _platforms(self) -> list[str]:
        """Return where to search: there, or wherever something is connected, first what the query names.

        To read about actions nothing has to be connected: then the query may name any platform.
        """
        if self.platform:
            return [self.platform]
        if self.untold:
            at_hand = await self.catalog.platforms_at_hand()
            if not at_hand:
                raise self.untold
            return [platform for platform in at_hand if not admit_platform(self.caller, platform)]
        own = self._usable if self.executes else self._own
        connected = sorted({connection.platform for connection in own})
        named = self._named(connected)
        if not named and not self.executes and (besides := await self._named_besides(())):
            named = [besides]
        return list(dict.fromkeys((*named, *connected)))

    async def _ask_about_unready(self, platforms: Sequence[str]) -> None:
        """Ask Pica about platforms whose actions are not known here; meanwhile these are loaded, and may be in time."""
        if not platforms:
            return
        asked, more = platforms[:_MAX_UNREADY], platforms[_MAX_UNREADY:]
        await self._ask(asked)
        self._ready |= await self.catalog.ready(platforms)
        unsearched = [platform for platform in asked if platform in self._failures and platform not in self._ready]
        if self.platform in unsearched and (failure := self._failures[self.platform]):
            raise failure
        for platform in unsearched:
            self._notes.append(f"{platform} was not searched: {self._failures[platform] or _SILENT}")
        if more := [platform for platform in more if platform not in self._ready]:
            self._notes.append(f"{len(more)} platforms were not searched yet; pass one as `platform`.")

    async def _ask(self, platforms: Sequence[str]) -> bool:
        """Ask Pica's own search, about so many platforms at once, and tell if it found anything."""
        self._failures |= dict.fromkeys(platforms)
        limiter = anyio.Semaphore(_AT_ONCE)

        async def ask(platform: str) -> None:
            async with limiter:
                try:
                    self._hits[platform] = await self.catalog.search(platform, self.query, execute=self.executes)
                except PicaError as error:
                    self._failures[platform] = error
                else:
                    del self._failures[platform]
                if platform not in self._ready:
                    with anyio.move_on_after(_READ_SECONDS), suppress(PicaError):  # what was found is of use without
                        await self.catalog.listing(platform)

        with anyio.move_on_after(_SEARCH_SECONDS):
            async with anyio.create_task_group() as tasks:
                for platform in platforms:
                    tasks.start_soon(ask, platform)
        return any(self._hits.get(platform) for platform in platforms)

    def _fits(self, action: Action) -> bool:
        """Tell if the caller may do it; what only is to be read about may be hidden from agents."""
        return offered(self.caller, action) if self.executes else admit(self.caller, action) is None

    def _may_fit(self, row: Action) -> bool:
        """Tell if the caller may do it, as far as that can be told without its document."""
        return promising(self.caller, row) or self._fits(row)

    async def _read(self, best: Sequence[Action]) -> list[Action]:
        """Return the actions with their documents, as far as they are there in time."""
        rows = {id(row.action): row for row in self._known}
        read: dict[int, ActionDetails] = {}
        limiter = anyio.Semaphore(_AT_ONCE)

        async def load(action: Action) -> None:
            try:
                async with limiter:
                    read[id(action)] = await (
                        self.catalog.by_id(action.platform, action.id) if action.id else self.catalog.details(action)
                    )
            except UnknownAction:
                self._lost += [] if action.id else [action.platform]
            except PicaError:
                pass  # a hit without a document may still be called by name

        with anyio.move_on_after(_READ_SECONDS):
            listed = [action for action in best if id(action) in rows]
            at_once = zip(listed, await self.catalog.at_once(listed), strict=True)
            read |= {id(action): details for action, details in at_once if details}
            async with anyio.create_task_group() as tasks:
                for action in (action for action in best if id(action) not in read):
                    tasks.start_soon(load, action)
        hits: list[Action] = []
        for action in best:
            hit = read.get(id(action), action)
            same = hit.platform == action.platform  # or its name and its document would be two actions
            if hit.id and same and self._fits(hit):
                hits.append(hit)
                if row := rows.get(id(action)):
                    self._tools[hit.platform, hit.id] = row.name
        return hits

    async def _shown(self, actions: Sequence[Action]) -> tuple[Hit, ...]:
        """Return the actions with what is told of each; on big platforms each name takes a question of its own."""
        shown: dict[int, Hit] = {}

        async def tell(place: int, action: Action) -> None:
            shown[place] = await self._hit(action)

        async with anyio.create_task_group() as tasks:
            for place, action in enumerate(actions):
                tasks.start_soon(tell, place, action)
        return tuple(shown[place] for place in range(len(actions)))

    async def _hit(self, action: Action) -> Hit:
        name, has_twins = await self._name(action), await self._has_twins(action)
        accounts = self._accounts(action.platform)
        return Hit(action, name, effect(self.caller, action), self.outline(action), accounts, has_twins)

    async def _has_twins(self, action: Action) -> bool:
        """Tell if another action of its platform has its title; one that was looked for has those beside it."""
        hits = self._hits.get(action.platform, ())
        known = [row.action for row in self._known if row.action.platform == action.platform]
        for rows in (hits, known):
            if sum(row.title == action.title for row in rows) > 1:
                return True
        if action.platform not in self._ready or any(row.title == action.title for row in known):
            return False
        return await self.catalog.twins(action) > 1

    def _accounts(self, platform: str) -> tuple[str, ...]:
        """Return the accounts of which a call has to name one; none where it need not."""
        return to_choose_from(self.caller, self.connections, platform) if self.executes else ()

    async def _name(self, action: Action) -> str | None:
        """Return the action's tool, None if there is no single one, or it cannot be told now."""
        if not self.executes or action.platform not in self._with_tools:
            return None
        if name := self._tools.get((action.platform, action.id)):
            return name
        with anyio.move_on_after(_READ_SECONDS), suppress(PicaError):  # what was found is of use without
            return await self.names.name_of(action)
        return None

    async def _explain(self, platforms: Sequence[str], shown: Sequence[Action]) -> None:
        """Note why something is not there, cannot be run, or is not as it is now."""
        if self.untold:
            self._notes.append(f"What is connected cannot be told now: {self.untold}")
        elif self.platform and self.executes and not self._is_connected(self.platform):
            self._notes.append(await self._not_connected(self.platform))
        elif not platforms:
            what = nothing(self.caller, self.connections) if self.executes else "Name a platform, as `platform`."
            self._notes.append(what)
        elif not shown and (matching := self._matching()):
            self._notes.append(
                f"{matching} actions match, but this server may use none of them. Try other words, or ask the "
                "operator to change PICA_PERMISSIONS or PICA_ACTION_IDS."
            )
        elif not shown and self._ready.union(self._hits).issuperset(platforms):
            self._notes.append("No action matches. Try other words, fewer of them.")
        self._notes += self._outdated({action.platform for action in shown})
        if not self.platform and (named := await self._named_besides(platforms)):
            self._notes.append(f"{named} is not connected; pass it as `platform` to search it.")

    def _matching(self) -> int:
        """Return how many actions do what is wanted, or were found by Pica, whoever may use them."""
        found = [hit for hits in self._hits.values() for hit in hits]
        return len(
            {
                action.id or repr(action)
                for action in (*found, *(row.action for row in self._known if fits(self.query, row.action)))
            }
        )

    def _outdated(self, platforms: Iterable[str]) -> list[str]:
        since = {platform: self.catalog.outdated_since(platform) for platform in sorted(platforms)}
        return [
            f"The actions of {platform} are as of {at:%Y-%m-%d %H:%M} UTC, since Pica cannot tell now."
            for platform, at in since.items()
            if at
        ]

    async def _named_besides(self, platforms: Sequence[str]) -> str | None:
        """Return the platform that the query names, if that is not among these."""
        if self._named(platforms):
            return None
        try:
            known = await platforms_of(self.catalog, self.caller)
        except PicaError:
            return None
        named = (p.platform for p in known if wording.named(self._spans, [p.platform, p.name])[0])
        return next(named, None)

    def _is_connected(self, platform: str) -> bool:
        return any(connection.platform == platform for connection in self._usable)

    async def _not_connected(self, platform: str) -> str:
        caller, connections = self.caller, self.connections
        if withheld(caller, connections, platform):
            return str(not_connected(caller, platform, connections))
        how = how_to_connect(caller.identity, platform)
        if platform in states_of(self._own):
            return f"The {platform} connection has failed. A person can connect it again: {how}"
        try:
            known = [p.platform for p in await platforms_of(self.catalog, caller)]
        except PicaError:
            known = [platform]
        if platform in known:
            return f"{platform} is not connected. A person can connect it: {how}"
        return near(platform, known)


def _same(row: Action, hit: Action) -> bool:
    """Tell if what Pica found is the listed action."""
    if row.id and hit.id:
        return row.id == hit.id
    told = [(mine, its) for mine, its in ((row.path, hit.path), (row.key, hit.key)) if mine and its]
    alike = row.title == hit.title and row.method.upper() == hit.method.upper()
    return alike and all(mine == its for mine, its in told)
