"""The tool that tells which action fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import documents, results, schemas, text
from pica_mcp.access import Caller, admit, admit_platform, effect, how_to_connect, offered, usable, visible
from pica_mcp.accounts import choices, not_connected, withheld
from pica_mcp.catalog import Actions, Catalog, Connections
from pica_mcp.discovery import wording
from pica_mcp.discovery.connected import near, nothing, platforms_of, states_of
from pica_mcp.discovery.names import Names, platform_meant
from pica_mcp.discovery.ranking import Ranking, everyday, fits, is_asked_for
from pica_mcp.discovery.tool import KNOWLEDGE, SEARCH, Definition, platform_of, tool
from pica_mcp.errors import PicaError
from pica_mcp.models import Action, ActionDetails, Effect
from pica_mcp.schemas import portable
from pica_mcp.tools import CONNECTION, FixedTool, Profile

_USUAL, _MOST = 5, 20
_SPARE, _MOST_ROUNDS = 2, 3
"""Some are hidden from agents, or more than they may do: more are looked into than are shown, in so many rounds."""

_MAX_PLATFORMS = 24
_MAX_ACCOUNTS = 8
_AT_ONCE = 8
_SEARCH_SECONDS = 9.0
_READ_SECONDS = 3.0
_TITLE_CHARS = 80
_OUTLINE_CHARS = 120
_DOES_CHARS = 80
_SCHEMAS_CHARS = 16_000
_UNREAD = f"see {KNOWLEDGE}"

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
    ranking = Ranking()

    async def run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        platform = await platform_meant(catalog, platform_of(given), caller)
        if platform and (refusal := admit_platform(caller, platform)):
            raise refusal
        executes = not caller.grant.knowledge_only and given.get("agentType", "execute") == "execute"
        known = (await catalog.known_connections(caller.identity)).value
        search = _Search(catalog, names, ranking, caller, known, str(given["query"]), platform, executes=executes)
        most = min(max(given.get("limit") or _USUAL, 1), _MOST)
        return results.said(await search.answer(most, detail=given.get("detail") is True))

    return tool(_SEARCH, profile, run)


@dataclass
class _Search:
    """One search under way."""

    catalog: Catalog
    names: Names
    ranking: Ranking
    caller: Caller
    connections: Connections
    query: str
    platform: str | None
    executes: bool
    _notes: list[str] = field(default_factory=list[str])
    _listed: dict[str, Actions] = field(default_factory=dict[str, Actions])
    _hits: dict[str, Sequence[Action]] = field(default_factory=dict[str, Sequence[Action]])
    _failure: PicaError | None = None

    async def answer(self, most: int, *, detail: bool) -> str:
        """Return the best few as JSON, with notes on what was not searched, or is not connected."""
        platforms = await self._platforms()
        found = await self._found(platforms)
        if self.platform and not any(found.values()) and self._failure:
            raise self._failure
        hits = await self._looked_into(self._best(found), most)
        if not hits and (everyday := self._everyday()):
            hits = await self._looked_into(everyday, most)
            self._notes += ["No action fits these words; these are the everyday ones."] if hits else []
        else:
            hits = self._by_fitness(hits[:most])
        shown = await self._shown(hits[:most])
        if detail:
            self._add_schemas(shown, hits)
        await self._explain(platforms, found, shown)
        return text.compact({"actions": shown} | ({"note": " ".join(self._notes)} if self._notes else {}))

    def _best(self, found: Mapping[str, Sequence[Action]]) -> list[Action]:
        """Return what fits best of what was found and what else is known."""
        listed = {platform: actions.known for platform, actions in self._listed.items()}
        return self.ranking.best(
            self.query, found, listed, self._described, offered=self._is_new, destroys=self._destroys
        )

    def _by_fitness(self, hits: list[Action]) -> list[Action]:
        """Return the hits; where none does what is wanted, that is noted, and what destroys unasked comes last."""
        if not hits or any(fits(self.query, hit) for hit in hits):
            return hits
        self._notes.append("None fits well; these are the nearest.")
        return sorted(hits, key=lambda hit: self._destroys(hit) and not is_asked_for(self.query, hit))

    def _everyday(self) -> list[Action]:
        """Return what most people do on the platform that was asked for; nothing if none was."""
        listed = self._listed.get(self.platform or "")
        return everyday(filter(self._fits, listed.known), self._destroys) if listed else []

    async def _looked_into(self, best: Sequence[Action], most: int) -> list[Action]:
        """Return so many of them with their documents, without what these show to be more than the caller may do."""
        hits: list[Action] = []
        size = most + _SPARE
        with anyio.move_on_after(2 * _READ_SECONDS):
            for at in range(0, min(len(best), _MOST_ROUNDS * size), size):
                hits += await self._read(best[at : at + size])
                if len(hits) >= most:
                    break
        return hits

    def _is_new(self, action: Action) -> bool:
        """Tell if the caller may do it, and it is not a row of what was found as well."""
        hits, listed = self._hits.get(action.platform, ()), self._listed.get(action.platform)
        if listed and not any(hit is action for hit in hits):
            return self._fits(action) and not any(h.title == action.title and listed.fits(action, h) for h in hits)
        return self._fits(action)

    def _described(self, action: Action) -> str:
        """Return the first line of the action's description, if its document is at hand."""
        listed = self._listed.get(action.platform)
        document = ((listed and listed.documents) or {}).get(action.id)
        return documents.description(document.knowledge) if document else ""

    def _destroys(self, action: Action) -> bool:
        return effect(self.caller, action) is Effect.DESTRUCTIVE

    async def _platforms(self) -> list[str]:
        """Return where to search: there, or wherever something is connected, first what the query names.

        To read about actions nothing has to be connected: then the query may name any platform.
        """
        if self.platform:
            return [self.platform]
        own = usable(self.caller, self.connections) if self.executes else visible(self.caller, self.connections)
        connected = sorted({connection.platform for connection in own})
        named = [name for name in connected if wording.names(self.query, name)]
        if not named and not self.executes and (besides := await self._named_besides(())):
            named = [besides]
        platforms = list(dict.fromkeys((*named, *connected)))
        if more := platforms[_MAX_PLATFORMS:]:
            self._notes.append(f"{len(more)} platforms were not searched; pass one as `platform`.")
        return platforms[:_MAX_PLATFORMS]

    async def _found(self, platforms: Sequence[str]) -> dict[str, Sequence[Action]]:
        """Return platform → what was found there, so many at once; whatever fails or takes too long is noted."""
        found: dict[str, Sequence[Action]] = {}
        failed: dict[str, str] = dict.fromkeys(platforms, "Pica did not answer in time.")
        limiter = anyio.Semaphore(_AT_ONCE)

        async def search(platform: str) -> None:
            async with limiter:
                try:
                    found[platform] = self._hits[platform] = await self.catalog.search(
                        platform, self.query, execute=self.executes
                    )
                except PicaError as error:
                    self._failure, failed[platform] = error, str(error)
                    return
                del failed[platform]
                with anyio.move_on_after(_READ_SECONDS), suppress(PicaError):  # what was found is of use without
                    self._listed[platform] = await self.catalog.actions(platform)

        with anyio.move_on_after(_SEARCH_SECONDS):
            async with anyio.create_task_group() as tasks:
                for platform in platforms:
                    tasks.start_soon(search, platform)
        self._notes += [f"{name} was not searched: {why}" for name, why in failed.items()]
        return found

    def _fits(self, action: Action) -> bool:
        """Tell if the caller may do it; what only is to be read about may be hidden from agents."""
        return offered(self.caller, action) if self.executes else admit(self.caller, action) is None

    async def _read(self, best: Sequence[Action]) -> list[Action]:
        """Return the actions with their documents, as far as they are there in time."""
        read: dict[int, Action | None] = {}
        limiter = anyio.Semaphore(_AT_ONCE)

        async def load(action: Action) -> None:
            with suppress(PicaError):  # a hit without a document may still be called by name
                async with limiter:
                    details = await (
                        self.catalog.by_id(action.platform, action.id) if action.id else self.catalog.details(action)
                    )
                same = details.platform == action.platform  # or its name and its document would be two actions
                read[id(action)] = details if same and self._fits(details) else None

        with anyio.move_on_after(_READ_SECONDS):
            async with anyio.create_task_group() as tasks:
                for action in best:
                    tasks.start_soon(load, action)
        return [found for action in best if (found := read.get(id(action), action if action.id else None))]

    async def _shown(self, hits: Sequence[Action]) -> list[dict[str, Any]]:
        """Return what is told of each; on big platforms each name takes a question of its own."""
        shown: list[dict[str, Any]] = [{} for _ in hits]

        async def tell(place: int, action: Action) -> None:
            shown[place] = await self._hit(action)

        async with anyio.create_task_group() as tasks:
            for place, action in enumerate(hits):
                tasks.start_soon(tell, place, action)
        return shown

    async def _hit(self, action: Action) -> dict[str, Any]:
        """Return what is needed to call the action."""
        name = await self._name(action)
        hit: dict[str, Any] = {"tool": name} if name else {"actionId": text.line(action.id)}
        # A short name may begin with a part of the platform only.
        if not self.platform and (name or "").partition("_")[0] != wording.squeezed(action.platform):
            hit["platform"] = action.platform
        hit |= self._about(action, name or "")
        hit["arguments"] = _outline(action)
        if accounts := self._accounts(action.platform):
            hit[CONNECTION if name else "connectionKey"] = accounts  # as that which runs it calls it
        does = effect(self.caller, action)
        return hit | ({} if does is Effect.READ else {"effect": does})

    def _about(self, action: Action, name: str) -> dict[str, str]:
        """Return what the action is, as far as its tool's name does not say it.

        Where another one has the same title, what tells them apart is in the description, or else in the path.
        """
        title = text.line(action.title, _TITLE_CHARS)
        told = {} if title and _says(name, title) else {"title": title or "(untitled)"}
        listed = self._listed.get(action.platform)
        sources = (self._hits.get(action.platform, ()), listed.known if listed else ())
        alike = max(sum(row.title == action.title for row in rows) for rows in sources) > 1
        return told | ({"does": _described(action)} if alike or not title else {})

    def _accounts(self, platform: str) -> list[str]:
        """Return the accounts of which a call has to name one; none where it need not."""
        if not self.executes:
            return []
        labels, default = choices(self.caller, visible(self.caller, self.connections), platform)
        return labels[:_MAX_ACCOUNTS] if default is None else []

    async def _name(self, action: Action) -> str | None:
        """Return the action's tool, None if there is no single one, or it cannot be told now."""
        if not self.executes:
            return None
        with anyio.move_on_after(_READ_SECONDS), suppress(PicaError):  # what was found is of use without
            return await self.names.tool_of(self.caller, self.connections, action)
        return None

    def _add_schemas(self, shown: Sequence[dict[str, Any]], hits: Sequence[Action]) -> None:
        """Put the input schemas in the place of the outlines: whole if there is room for all, else each cut."""
        room = _SCHEMAS_CHARS // max(len(shown), 1)
        for hit, action in zip(shown, hits, strict=False):
            schema = schemas.derive(action).schema if isinstance(action, ActionDetails) else None
            if schema and (told := portable.fitted(schema, room)) is not None:
                hit["inputSchema"] = told
                del hit["arguments"]

    async def _explain(
        self, platforms: Sequence[str], found: Mapping[str, Sequence[Action]], shown: Sequence[Any]
    ) -> None:
        """Note why something is not there, or cannot be run."""
        if self.platform and self.executes and not self._is_connected(self.platform):
            self._notes.append(await self._not_connected(self.platform))
        elif not platforms:
            what = nothing(self.caller, self.connections) if self.executes else "Name a platform, as `platform`."
            self._notes.append(what)
        elif not shown and (matching := len({action.id for rows in found.values() for action in rows})):
            self._notes.append(
                f"{matching} actions match, but this server may use none of them. Try other words, or ask the "
                "operator: PICA_PERMISSIONS and PICA_ACTION_IDS decide."
            )
        elif not shown and len(found) == len(platforms):
            self._notes.append("No action matches. Try other words, fewer of them.")
        if not self.platform and (named := await self._named_besides(platforms)):
            self._notes.append(f"{named} is not connected; pass it as `platform` to search it.")

    async def _named_besides(self, platforms: Sequence[str]) -> str | None:
        """Return the platform that the query names, if that is not among these."""
        if any(wording.names(self.query, platform) for platform in platforms):
            return None
        try:
            known = await platforms_of(self.catalog, self.caller)
        except PicaError:
            return None
        return next((p.platform for p in known if wording.names(self.query, p.platform, p.name)), None)

    def _is_connected(self, platform: str) -> bool:
        return any(connection.platform == platform for connection in usable(self.caller, self.connections))

    async def _not_connected(self, platform: str) -> str:
        caller, connections = self.caller, self.connections
        if withheld(caller, connections, platform):
            return str(not_connected(caller, platform, connections))
        how = how_to_connect(caller.identity, platform)
        if platform in states_of(visible(caller, connections)):
            return f"The {platform} connection has failed. A person can connect it again: {how}"
        try:
            known = [p.platform for p in await platforms_of(self.catalog, caller)]
        except PicaError:
            known = [platform]
        if platform in known:
            return f"{platform} is not connected. A person can connect it: {how}"
        return near(platform, known)


def _says(name: str, title: str) -> bool:
    """Tell if the tool's name has all words of the title that say something."""
    return set(wording.substantial(wording.words(title))) <= set(wording.words(name.partition("_")[2]))


def _described(action: Action) -> str:
    """Return the request, and before it how its description begins, if there is one."""
    about = text.line(documents.description(action.knowledge), _DOES_CHARS) if isinstance(action, ActionDetails) else ""
    return f"{about} {text.line(f'{action.method} {action.path}', _DOES_CHARS)}".strip()


def _outline(action: Action) -> str:
    """Return the action's arguments in short, if its document is there."""
    if not isinstance(action, ActionDetails):
        return _UNREAD
    return schemas.outline(schemas.derive(action), max_chars=_OUTLINE_CHARS)
