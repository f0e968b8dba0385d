"""`pica-mcp serve`: the server over stdio, for one identity."""

from __future__ import annotations

import gc
import sys

import anyio

from pica_mcp.cli.streams import log_to_stderr
from pica_mcp.hosting import serve_stdio
from pica_mcp.settings import Settings


def serve(settings: Settings) -> int:
    """Serve until the client goes away or a signal comes. Logs go to stderr; stdout belongs to the protocol."""
    log_to_stderr(settings.log_level)
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - closed by the parent
        print("pica-mcp: stdin and stdout must be open, since the client talks through them.", file=sys.stderr)
        return 1
    if sys.stdin.isatty():
        print("pica-mcp: waiting for an MCP client on stdin. To see it work: pica-mcp demo", file=sys.stderr)
    gc.freeze()  # what was imported stays, and is not looked through again while calls wait
    gc.enable()
    anyio.run(serve_stdio, settings)
    return 0
