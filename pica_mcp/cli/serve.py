"""`pica-mcp serve`: the server over stdio, for one identity."""

from __future__ import annotations

import logging
import sys

import anyio

from pica_mcp.hosting import serve_stdio
from pica_mcp.settings import Settings


def serve(settings: Settings) -> int:
    """Serve until the client goes away or a signal comes. Logs go to stderr; stdout belongs to the protocol."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="pica-mcp %(levelname)s %(name)s: %(message)s")
    # Ours only: at these levels the HTTP library writes down URLs and headers, which hold other people's data.
    logging.getLogger("pica_mcp").setLevel(settings.log_level.upper())
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - closed by the parent
        print("pica-mcp: stdin and stdout must be open, since the client talks through them.", file=sys.stderr)
        return 1
    if sys.stdin.isatty():
        print("pica-mcp: waiting for an MCP client on stdin. To see it work: pica-mcp demo", file=sys.stderr)
    anyio.run(serve_stdio, settings)
    return 0
