"""`pica-mcp sandbox`: the pretend Pica as a server on a loopback port."""

from __future__ import annotations

import argparse
import os
from contextlib import AsyncExitStack

import anyio

from pica_mcp.cli.options import describe
from pica_mcp.cli.streams import complain
from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Serve the embedded sandbox, a pretend Pica, on a loopback port, and print the settings to reach it with.",
        "pica-mcp sandbox",
        "pica-mcp sandbox --port 0",
    )
    parser.add_argument("--port", type=_port, default=8765, help="default 8765; 0 for any free one")


def _port(written: str) -> int:
    if not written.isdecimal() or int(written) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(written)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes; 1 if the port is taken."""
    try:
        anyio.run(_serve, Sandbox(), arguments.port)
    except KeyboardInterrupt:
        return 0
    return 1


async def _serve(box: Sandbox, port: int) -> None:
    async with AsyncExitStack() as stack:
        try:
            base_url = await stack.enter_async_context(box.listening(port))
        except OSError as error:
            complain(f"port {port} cannot be used ({os.strerror(error.errno or 0)}). Try --port 0.")
            return
        print(
            f"A pretend Pica listens on {base_url}\n"
            f"  export PICA_BASE_URL={base_url} PICA_SECRET={LIVE_SECRET}\n"
            "  export PICA_IDENTITY=ada PICA_IDENTITY_TYPE=user\n"
            f"  The secret of its test environment: {TEST_SECRET}\n"
            "  Others: growth, a team; acme, an organization; apollo, a project; mallory, a user who means no good.",
            flush=True,
        )
        await anyio.sleep_forever()
