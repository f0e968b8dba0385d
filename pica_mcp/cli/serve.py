"""`pica-mcp serve`: the server over stdio, for one identity."""

from __future__ import annotations

import argparse
import gc
import sys

from pica_mcp.cli.options import add_settings, describe, settings_of
from pica_mcp.cli.streams import complain, log_to_stderr


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Serve MCP over stdio. The secret comes from PICA_SECRET, or from what PICA_SECRET_FILE, PICA_SECRET_COMMAND "
        "or PICA_SECRET_KEYRING names; every other setting has a flag, a variable and a key of the settings file.",
        "pica-mcp --sandbox",
        "PICA_SECRET=sk_live_... pica-mcp --identity user_123 --identity-type user",
        "pica-mcp --config /etc/pica-mcp.toml --permissions read",
    )
    add_settings(parser, in_help=True)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client goes away or a signal comes. Logs go to stderr; stdout belongs to the protocol."""
    settings = settings_of(arguments, is_server=True)
    import anyio

    from pica_mcp.hosting import serve_stdio

    log_to_stderr(settings.log_level)
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - closed by the parent
        complain("stdin and stdout must be open, since the client talks through them. Start it from an MCP client.")
        return 1
    if sys.stdin.isatty():
        complain("waiting for an MCP client on stdin. To see it work: pica-mcp demo")
    gc.freeze()  # what was imported stays, and is not looked through again while calls wait
    gc.enable()
    anyio.run(serve_stdio, settings)
    return 0
