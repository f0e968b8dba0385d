"""The room that knows, for each caller, which tools there are and what a name means.

The list depends on the caller's connections and the settings, never on what a call did. Every action of a connected
platform is callable by its name; a budget decides which of them are listed, since models choose worse among more than
thirty to fifty tools and clients cut the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Literal

import anyio
import mcp_types as mcp

from pica_mcp import schemas, text
from pica_mcp.access import Caller, admit_platform, effect, offered, promising, usable, visible
from pica_mcp.accounts import choices, not_connected
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import EXECUTE, KNOWLEDGE, Names, apart
from pica_mcp.errors import CallError, PicaError, UnknownTool
from pica_mcp.models import Action, ActionDetails, Connection, Effect, as_object
from pica_mcp.naming import prefix
from pica_mcp.tools import CONNECTION, ActionTool, AnyActionTool, FixedTool, Parameters, Tool

LIST_WAIT_SECONDS = 8.0
"""A host gives a server about ten seconds to start."""

_CHARS_PER_TOKEN = 4
_MAX_LOADS = 8
_MAX_LOOKED_UP = 64
_BUILD_SECONDS = 2.0
_SPARE_SECONDS = 0.5
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_FIRST = ("send", "list", "get", "create", "search")
"""Verbs of the everyday actions, most wanted first."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a model's context the list may take; the fixed tools are counted in."""

    mode: Literal["auto", "all", "none"] = "auto"
    max_tools: int = 32
    max_tokens: int = 7_000


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
        self._fixed = {tool.definition.name: tool for tool in fixed}
        self._budget = budget

    def fixed(self, caller: Caller) -> tuple[FixedTool | AnyActionTool, ...]:
        """Return the tools that are always there, whatever is connected."""
        hidden = {EXECUTE} if caller.grant.knowledge_only else set[str]()
        return tuple(tool for name, tool in self._fixed.items() if name not in hidden)

    async def list(self, caller: Caller) -> Listing:
        """Return the fixed tools, then as many actions as the budget holds.

        Waits at most `LIST_WAIT_SECONDS` for Pica and never raises for its sake: what is there by then is the list,
        and loading goes on behind it.
        """
        fixed = self.fixed(caller)
        if self._budget.mode == "none" or caller.grant.knowledge_only:
            return Listing(fixed, complete=True)
        deadline = anyio.current_time() + LIST_WAIT_SECONDS
        with anyio.CancelScope(deadline=deadline):
            try:
                own = visible(caller, (await self._catalog.known_connections(caller.identity)).value)
            except PicaError:
                return Listing(fixed, complete=False)
            offers = await self._offers(caller, own, deadline)
            wanted = tuple(islice(_in_turn(offers.values()), self._reach()))
            tools, whole = await self._built(caller, own, wanted, deadline)
            chosen = tools if self._budget.mode == "all" else tuple(self._within_budget(fixed, tools))
            return Listing((*fixed, *chosen), complete=whole and None not in offers.values())
        return Listing(fixed, complete=False)

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
        for platform in apart(own):
            if name.startswith(f"{prefix(platform)}_"):
                listed = (await self._names.of(platform)).get(name)
                # A big platform's rows tell no tags, so it is the details that say whether agents may be offered it.
                if listed and not (action := await self._catalog.details(listed)).hidden:
                    return _build(caller, own, name, action)
        return None

    def _reach(self) -> int | None:
        """How many actions to look at: some are skipped for their size or because they cannot be identified."""
        return None if self._budget.mode == "all" else 2 * self._budget.max_tools

    async def _offers(
        self, caller: Caller, own: tuple[Connection, ...], deadline: float
    ) -> Mapping[str, tuple[tuple[str, Action], ...] | None]:
        """Return platform → what it offers the caller, best first; None for a platform that could not be loaded."""
        offers: dict[str, tuple[tuple[str, Action], ...] | None] = dict.fromkeys(
            platform for platform in apart(own) if any(c.platform == platform for c in usable(caller, own))
        )

        async def load(platform: str) -> None:
            with suppress(PicaError):
                offers[platform] = tuple(sorted(await self._promising(caller, platform), key=_rank))

        with anyio.CancelScope(deadline=deadline - _BUILD_SECONDS):
            async with anyio.create_task_group() as tasks:
                for platform in offers:
                    tasks.start_soon(load, platform)
        return offers

    async def _promising(self, caller: Caller, platform: str) -> list[tuple[str, Action]]:
        """Return what may be offered there. A big platform's rows tell no ids, so the allowed ids are looked up."""
        named = [(n, a) for n, a in (await self._names.of(platform)).items() if promising(caller, a)]
        allowed = caller.grant.actions or ()
        if not any(pattern.id for pattern in allowed) or all(action.id for _, action in named):
            return named
        listed, wanted = await self._catalog.actions(platform), list[Action]()

        async def look_up(action_id: str) -> None:
            with suppress(PicaError):  # of no platform, or of one that cannot be told: it is not offered then
                found = await self._catalog.by_id(platform, action_id)
                wanted.extend([found] if found.platform == platform else [])

        async with anyio.create_task_group() as tasks:
            for pattern in islice((pattern for pattern in allowed if pattern.id), _MAX_LOOKED_UP):
                tasks.start_soon(look_up, pattern.id)
        by_shape = [pattern for pattern in allowed if not pattern.id]
        return [
            (name, row)
            for name, row in named
            if any(pattern.matches(row) is not False for pattern in by_shape)
            or any(listed.fits(row, w) for w in wanted)
        ]

    async def _built(
        self, caller: Caller, own: tuple[Connection, ...], wanted: tuple[tuple[str, Action], ...], deadline: float
    ) -> tuple[tuple[ActionTool, ...], bool]:
        """Build the tools, in order; one that cannot be identified or loaded is left out, and the rest stands."""
        built: dict[str, ActionTool] = {}
        whole = True
        limiter = anyio.Semaphore(_MAX_LOADS)

        async def build(name: str, action: Action) -> None:
            nonlocal whole
            async with limiter:
                try:
                    details = await self._catalog.details(action)
                    if offered(caller, details):
                        built[name] = _build(caller, own, name, details)
                except CallError:
                    return  # it cannot be told from another, and asking again would not change that
                except PicaError:
                    whole = False

        with anyio.CancelScope(deadline=deadline - _SPARE_SECONDS) as scope:
            async with anyio.create_task_group() as tasks:
                for name, action in wanted:
                    tasks.start_soon(build, name, action)
        return tuple(built[name] for name, _ in wanted if name in built), whole and not scope.cancelled_caught

    def _within_budget(self, fixed: Iterable[Tool], tools: Iterable[ActionTool]) -> Iterator[ActionTool]:
        costs = [tokens(tool.definition) for tool in fixed]
        count, left = self._budget.max_tools - len(costs), self._budget.max_tokens - sum(costs)
        for tool in tools:
            cost = tokens(tool.definition)
            if count > 0 and cost <= left:
                count, left = count - 1, left - cost
                yield tool


def tokens(definition: mcp.Tool) -> int:
    """Return about how many tokens the definition takes of a model's context."""
    written = definition.model_dump(by_alias=True, exclude_none=True, include={"name", "description", "input_schema"})
    return len(text.compact(written)) // _CHARS_PER_TOKEN


def _in_turn(offers: Iterable[tuple[tuple[str, Action], ...] | None]) -> Iterator[tuple[str, Action]]:
    """Yield the best of every platform, then the second best of every platform, and so on."""
    for turn in zip_longest(*(best or () for best in offers)):
        yield from (offer for offer in turn if offer is not None)


def _rank(offer: tuple[str, Action]) -> tuple[Any, ...]:
    """Order a platform's actions: Pica's own agent-made ones, then everyday verbs, then short paths, then by name."""
    name, action = offer
    verb = next(iter(action.title.lower().split()), "")
    return (
        not action.custom,
        _FIRST.index(verb) if verb in _FIRST else len(_FIRST),
        action.path.count("/"),
        name,
    )


def _build(caller: Caller, own: tuple[Connection, ...], name: str, action: ActionDetails) -> ActionTool:
    """Return the action as a tool of the caller, whose own connections these are."""
    parameters, does = schemas.derive(action), effect(caller, action)
    title = text.line(action.title, 100) or name
    definition = mcp.Tool(
        name=name,
        title=title,
        description=_description(action, name, title, parameters),
        input_schema=_with_choice(parameters, *choices(caller, own, action.platform)),
        annotations=mcp.ToolAnnotations(
            title=title,
            read_only_hint=does is Effect.READ,
            destructive_hint=does is Effect.DESTRUCTIVE,
            idempotent_hint=action.method.upper() in _IDEMPOTENT,
            open_world_hint=True,
        ),
    )
    return ActionTool(definition, action, parameters)


def _description(action: ActionDetails, name: str, title: str, parameters: Parameters) -> str:
    note = as_object(action.io_schema.get("inputSchema")).get("description")
    more = f" {text.line(note, 200)}" if isinstance(note, str) and note.strip() else ""
    if action.knowledge.strip() and any(place.key is None for place in parameters.places.values()):
        more += f" Its fields are not listed here: read {KNOWLEDGE} with actionId '{name}' first."
    return f"{title} ({action.platform}).{more}"


def _with_choice(parameters: Parameters, labels: list[str], default: str | None) -> dict[str, Any]:
    """Return the schema, with the argument that names the connection only where there is a choice."""
    if not labels or labels == [default]:
        return dict(parameters.schema)
    means = f" Without it: {default}." if default else ""
    choice = {"type": "string", "enum": labels, "description": f"Which account to use.{means}"}
    properties = {CONNECTION: choice, **parameters.schema["properties"]}
    schema = {**parameters.schema, "properties": properties}
    return schema if default else schema | {"required": [CONNECTION, *parameters.schema.get("required", ())]}
