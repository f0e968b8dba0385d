"""The room of transports: how a client reaches the server."""

from __future__ import annotations

from pica_mcp.app import open_app
from pica_mcp.hosting.stdio import stdio
from pica_mcp.server import build
from pica_mcp.settings import Settings


async def serve_stdio(settings: Settings) -> None:
    """Serve one client over stdin and stdout until it goes away or a signal comes."""
    async with open_app(settings) as app:
        server = build(app)
        async with stdio() as (read, write):
            await server.run(read, write, server.create_initialization_options())
