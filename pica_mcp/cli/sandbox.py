"""`pica-mcp sandbox`: the pretend Pica as a server on a loopback port."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

import uvicorn

from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox

_HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Says where it listens once it does, since port 0 means any free one."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(
            f"A pretend Pica listens on http://{_HOST}:{port}\n"
            f"  PICA_BASE_URL=http://{_HOST}:{port}\n"
            f"  PICA_SECRET={LIVE_SECRET}   (live)\n"
            f"  PICA_SECRET={TEST_SECRET}   (test)\n"
            "  PICA_IDENTITY=ada PICA_IDENTITY_TYPE=user   (or growth, a team; acme, an organization)",
            flush=True,
        )


def sandbox(port: int) -> int:
    """Serve until a signal comes; 1 if the port is taken."""
    try:
        listener = socket.create_server((_HOST, port))
    except OSError as error:
        print(f"pica-mcp: port {port} cannot be used ({error.strerror}). Try --port 0.", file=sys.stderr)
        return 1
    config = uvicorn.Config(Sandbox().app, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
    with listener, suppress(KeyboardInterrupt):
        _Server(config).run([listener])
    return 0
