"""The sandbox on a loopback port, inside the caller's event loop; only whoever listens pays for uvicorn."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
import uvicorn
from anyio.lowlevel import checkpoint
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HOST = "127.0.0.1"


class _Wire:
    """The transport as the faults use it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        # Lingering for no time at all is what makes closing a reset.
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class _Connection(H11Protocol):
    """Uvicorn's own, except that requests can reach what they came through."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app = _wired(self.app, _Wire(transport))


def _wired(app: ASGIApp, wire: _Wire) -> ASGIApp:
    async def wired(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), "pica.wire": wire}
        await app({**scope, "extensions": extensions}, receive, send)

    return wired


@asynccontextmanager
async def listen(app: ASGIApp, port: int) -> AsyncGenerator[str]:
    """Serve on a loopback port, 0 for a free one, and yield the base URL; OSError if the port cannot be used.

    Signal handlers and logging stay as they are. Leaving ends every connection at once, whatever it waits for.
    """
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listener = socket.create_server((HOST, port))
    # Inherited by what it accepts. asyncio forgets it for a socket made like this, and Nagle then holds every answer
    # back until the client's delayed acknowledgement, for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Not uvicorn.Server, which takes over the signals and stops in steps of a tenth of a second.
    server = await loop.create_server(lambda: _Connection(config, state, {}), sock=listener)
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        with suppress(NotImplementedError):  # on Windows
            loop.remove_reader(listener)
        with anyio.CancelScope(shield=True):
            await _hang_up(server, state)


async def _hang_up(server: asyncio.Server, state: ServerState) -> None:
    # A connection accepted just now is made two turns of the loop later. Closing the server before would leak it:
    # asyncio asserts, where nobody sees it, that the server is still there.
    await checkpoint()
    await checkpoint()
    server.close()
    while state.connections or state.tasks:
        for connection in state.connections:
            connection.transport.abort()
        await checkpoint()
