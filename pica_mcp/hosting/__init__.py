"""The room of transports: how a client reaches the server."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from pica_mcp.front import Front, open_front
from pica_mcp.hosting.stdio import stdio
from pica_mcp.server import build_early
from pica_mcp.settings import Settings

if TYPE_CHECKING:
    from pica_mcp.app import App


async def serve_stdio(settings: Settings) -> None:
    """Serve one client over stdin and stdout until it goes away or a signal comes."""
    with open_front(settings) as front:
        async with _opened_later(front) as opened, stdio() as (read, write):
            server = build_early(front.caller, opened, names_tools=settings.tools != "none")
            await server.run(read, write, server.create_initialization_options())


@asynccontextmanager
async def _opened_later(front: Front) -> AsyncGenerator[Callable[[], Awaitable[App]]]:
    """What opens the application when it is first awaited, and gives it to whoever awaits it. It is closed at the end.

    Even its import is not for the greeting to wait for.
    """
    wanted, ready = anyio.Event(), anyio.Event()
    apps: list[App] = []

    async def keep_open() -> None:
        await wanted.wait()
        from pica_mcp.app import open_rooms  # noqa: PLC0415 - see above

        async with open_rooms(front) as app:
            gc.freeze()  # the modules stay as long as the process does
            apps.append(app)
            ready.set()
            await anyio.sleep_forever()

    async def opened() -> App:
        wanted.set()
        await ready.wait()
        return apps[0]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_open)
        yield opened
        tasks.cancel_scope.cancel()
