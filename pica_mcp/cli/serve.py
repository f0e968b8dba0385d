"""`pica-mcp serve`: the server over stdio, for one identity."""

from __future__ import annotations

import logging
import sys

import anyio

from pica_mcp.hosting import serve_stdio
from pica_mcp.settings import Settings


def serve(settings: Settings) -> int:
    """Serve until the client goes away or a signal comes. Logs go to stderr; stdout belongs to the protocol."""
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level.upper(), format="pica-mcp %(levelname)s %(name)s: %(message)s"
    )
    anyio.run(serve_stdio, settings)
    return 0
