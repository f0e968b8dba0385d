"""What is asked of Pica to be explained: connections as a call would get them, and the actions of their platforms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from pica_mcp.access import Caller, Identity, visible
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.discovery import Names, near
from pica_mcp.errors import InvalidArguments, PicaError
from pica_mcp.models import Action, ActionDetails

_MAX_LOADS = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """A platform's actions, each with its tool's name, empty where it runs by id only."""

    actions: tuple[tuple[str, Action], ...] = ()
    left_out: int = 0
    """Rows of Pica's list that cannot be told apart."""
    problem: str = ""
    """Why the actions cannot be told."""


@dataclass(frozen=True, slots=True)
class Account:
    """What Pica tells: the identity's connections as a call would get them, everybody's, and the actions."""

    own: Connections
    everyone: Connections
    offers: Mapping[str, Offer]
    existing: frozenset[str] | None = None
    """The platforms that can be connected, None if that is not known."""
    problem: str = ""
    """Why everybody's connections cannot be told."""


async def look(caller: Caller, catalog: Catalog, names: Names) -> Account:
    """Return what there is to explain. Raises why that cannot be told."""
    own = await catalog.connections(caller.identity)
    everyone, problem = own, ""
    try:
        everyone = await catalog.connections(Identity())
    except PicaError as error:
        problem = str(error)
    connected = {connection.platform for connection in visible(caller, own)}
    offers = dict.fromkeys(sorted(connected), Offer())
    limiter = anyio.Semaphore(_MAX_LOADS)

    async def load(platform: str) -> None:
        async with limiter:
            offers[platform] = await _offer(caller, own, catalog, names, platform)

    async with anyio.create_task_group() as tasks:
        for platform in offers:
            tasks.start_soon(load, platform)
    unconnected = (caller.grant.platforms or frozenset()) - connected
    return Account(own, everyone, offers, await _existing(catalog) if unconnected else None, problem)


async def look_at(caller: Caller, catalog: Catalog, names: Names, platform: str) -> Account:
    """Return what there is to explain of one platform. Raises why that cannot be told, or that there is none."""
    own = await catalog.connections(caller.identity)
    if all(connection.platform != platform for connection in own):
        existing = sorted(known.platform for known in await catalog.platforms())
        if platform not in existing:
            raise InvalidArguments(near(platform, existing, "Run explain without it to see what is connected."))
    return Account(own, own, {platform: await _offer(caller, own, catalog, names, platform)})


async def _offer(caller: Caller, own: Connections, catalog: Catalog, names: Names, platform: str) -> Offer:
    try:
        listed = await catalog.actions(platform)
        documents = await catalog.documents(platform) if listed.listing.whole else dict[str, ActionDetails]()
        shown = visible(caller, own)
        crowded = any(c.platform == platform for c in shown) and platform not in names.apart(shown)
        named = {} if crowded else {row.action: row.name for row in listed.rows}
        found = [(row, await catalog.details(row) if listed.listing.whole else row) for row in listed.known]
    except PicaError as error:
        return Offer(problem=str(error))
    actions = [("" if row.hidden else named.get(row, ""), action) for row, action in found]
    known = {row.id for row in listed.known} | listed.listing.disputed
    others = (d for d in documents.values() if d.id not in known and d.platform == platform)
    return Offer((*actions, *(("", document) for document in others)), listed.listing.ambiguous)


async def _existing(catalog: Catalog) -> frozenset[str] | None:
    try:
        return frozenset(platform.platform for platform in await catalog.platforms())
    except PicaError:
        return None
