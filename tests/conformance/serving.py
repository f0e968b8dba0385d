"""Our server on the pretend Pica: in memory for tests, on a loopback port for the suite."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import uvicorn
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel.server import Server
from pretend import LABEL, SECRET, Pica

from pica_mcp import answers as room
from pica_mcp.app import open_app
from pica_mcp.server import build
from pica_mcp.settings import load

BEAT_SECONDS = 0.05
"""The suite wants three notes of progress, and nobody to wait fifteen seconds for them."""

POLL_SECONDS = 0.2
"""The suite waits one and a half seconds for a notice; nobody may set less than one second, so the test does."""

URIS = {
    "test://static-text": "pica://connections",
    "test://template/123/data": f"pica://connections/test/{LABEL}",
    "test://watched-resource": f"pica://connections/test/{LABEL}",
}
"""What the suite reads and watches, and where ours is of that kind: a server's URIs are its own to choose."""

_TEMPLATE = {"type": "ref/resource", "uri": "pica://connections/{platform}/{label}"}
_COMPLETED = {"arg1": "platform"}

_VARIABLES = {
    "PICA_SECRET": SECRET,
    "PICA_BASE_URL": "https://pica.test",
    "PICA_IDENTITY": "ada",
    "PICA_IDENTITY_TYPE": "user",
    "PICA_MAX_TOOLS": "200",
    "PICA_MAX_TOOL_TOKENS": "100000",
    "PICA_POLL_SECONDS": "1",
}


@asynccontextmanager
async def open_server(pica: Pica | None = None) -> AsyncGenerator[Server[Any]]:
    """Open our application on the pretend Pica. Every fixture is listed, changes are told at once."""
    usual = room._BEAT_SECONDS
    room._BEAT_SECONDS = BEAT_SECONDS
    try:
        async with open_app(load({}, _VARIABLES), pica or Pica()) as app:
            app.watch.poll_seconds = POLL_SECONDS
            server = build(app)
            server.middleware.append(_translated)
            yield server
    finally:
        room._BEAT_SECONDS = usual


async def _translated(ctx: room.Context, call_next: CallNext) -> HandlerResult:
    """Hand the request on with our names in place of the suite's. Tools need none of this: they bear its names."""
    params = dict(ctx.params or {})
    if params.get("uri") in URIS:
        params["uri"] = URIS[params["uri"]]
    if ctx.method == "completion/complete" and params["argument"]["name"] in _COMPLETED:
        params["ref"] = _TEMPLATE
        params["argument"] = {**params["argument"], "name": _COMPLETED[params["argument"]["name"]]}
    return await call_next(replace(ctx, params=params) if params else ctx)


@asynccontextmanager
async def open_endpoint() -> AsyncGenerator[str]:
    """Serve it over streamable HTTP, both eras, on a free loopback port; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with open_server() as server, anyio.create_task_group() as tasks:
            web = uvicorn.Server(
                uvicorn.Config(server.streamable_http_app(), log_config=None, timeout_graceful_shutdown=2)
            )
            tasks.start_soon(web.serve, [listening])
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
            finally:
                web.should_exit = True
