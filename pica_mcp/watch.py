"""The room that follows the account: looks at it again and again, and tells what changed for the caller.

Connections are asked for every `poll_seconds`, and every five seconds at most for five minutes after a person was sent
to connect something, or after the tools could not all be told. Whoever else loads newer connections is followed as
well. Nothing is told unless something that a client was or could have been shown is different now.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import mcp_types as mcp

from pica_mcp.access import Caller
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.errors import PicaError, trace
from pica_mcp.resources import Resources
from pica_mcp.toolbox import Listing, Toolbox

logger = logging.getLogger(__name__)

_HURRY_SECONDS = 300.0
_HURRIED_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What a client that showed the caller's tools and resources should fetch again."""

    tools: bool = False
    resources: bool = False
    updated: frozenset[str] = frozenset()
    """URIs of the resources whose content is different now for a connection's sake, come and gone ones included."""


class Watch:
    """Follows the account for one caller, once somebody was shown something of it."""

    def __init__(
        self, caller: Caller, catalog: Catalog, toolbox: Toolbox, resources: Resources, poll_seconds: float
    ) -> None:
        self._caller = caller
        self._catalog = catalog
        self._toolbox = toolbox
        self._resources = resources
        self.poll_seconds = poll_seconds
        self._looked_at = anyio.current_time()
        self._hurry_until = self._looked_at
        self._wake = anyio.Event()
        self._heard: list[tuple[Connections | None, Connections]] = []
        self._begun = False
        self._shown: list[tuple[mcp.Tool, ...]] = []
        self._complete = True
        self._listeners: list[Callable[[Changes], Awaitable[None]]] = []
        catalog.follow(caller.identity, self._hear)

    def tell(self, listener: Callable[[Changes], Awaitable[None]]) -> None:
        """Let the listener know of every change from now on."""
        self._listeners.append(listener)

    def hurry(self) -> None:
        """Look more often for a while: a person may be connecting something."""
        self._hurry_until = anyio.current_time() + _HURRY_SECONDS
        self._wake.set()

    def shown(self, listing: Listing) -> None:
        """Remember what a client sees: a notice is due when that is no longer the list."""
        tools = self._definitions(listing)
        if tools not in self._shown:
            self._shown.append(tools)
        if len(self._shown) > 1:
            self._wake.set()

    def begin(self) -> None:
        """Follow though nothing was shown: the client may know it from before."""
        self._begun = True
        self._wake.set()

    async def run(self) -> None:
        """Follow for ever. A failed look is logged, once for each reason, and the next one comes in its time."""
        problem = ""
        while True:
            try:
                await self._look()
                problem = ""
            except PicaError as error:
                if str(error) != problem:
                    logger.warning("the account cannot be looked at: %s", error)
                problem = str(error)
            except Exception as error:  # noqa: BLE001 - the boundary: following must not end, whatever is wrong with one look
                logger.error("following the account failed once\n%s", trace(error))  # noqa: TRY400 - without its words

    async def _look(self) -> None:
        """Wait until it is time or somebody loaded something new; then tell what is different."""
        with anyio.CancelScope(deadline=self._looked_at + self.pause_seconds()):
            await self._wake.wait()
        if anyio.current_time() >= self._looked_at + self.pause_seconds():
            self._looked_at = anyio.current_time()
            if self._begun or self._catalog.was_asked(self._caller.identity):
                await self._catalog.connections(self._caller.identity, fresh=True)
        self._wake = anyio.Event()
        tools = await self._relisted()
        changes = Changes(tools, *self._changed())
        if changes != Changes():
            for listener in self._listeners:
                await listener(changes)

    def pause_seconds(self) -> float:
        """Return how long it is from one look to the next."""
        hurried = anyio.current_time() < self._hurry_until
        return min(_HURRIED_POLL_SECONDS, self.poll_seconds) if hurried else self.poll_seconds

    def _hear(self, before: Connections | None, after: Connections) -> None:
        self._heard.append((before, after))
        self._wake.set()

    def _changed(self) -> tuple[bool, frozenset[str]]:
        """Return if the list of resources changed, and which of them did, step by step: each may have been read."""
        heard, self._heard = self._heard, []
        caller, resources = self._caller, self._resources
        listed = any(b is None or resources.names(caller, b) != resources.names(caller, a) for b, a in heard)
        return listed, frozenset[str]().union(*(resources.differing(caller, b or (), a) for b, a in heard))

    async def _relisted(self) -> bool:
        """Tell if the tools are no longer what some client saw."""
        if not self._shown and not self._begun:
            return False
        now = self._definitions(await self._toolbox.list(self._caller))
        shown, self._shown = self._shown, [now]
        return any(tools != now for tools in shown)

    def _definitions(self, listing: Listing) -> tuple[mcp.Tool, ...]:
        """Return what a client sees of the list. One that begins to be incomplete is worth a hurry, once."""
        if self._complete and not listing.complete:
            self.hurry()
        self._complete = listing.complete
        return listing.tools
