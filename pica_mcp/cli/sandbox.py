"""`pica-mcp sandbox`: the pretend Pica as a server on a loopback port."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

import anyio

from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox


def sandbox(port: int) -> int:
    """Serve until a signal comes; 1 if the port is taken."""
    try:
        anyio.run(_serve, Sandbox(), port)
    except KeyboardInterrupt:
        return 0
    return 1


async def _serve(box: Sandbox, port: int) -> None:
    async with AsyncExitStack() as stack:
        try:
            base_url = await stack.enter_async_context(box.listening(port))
        except OSError as error:
            print(f"pica-mcp: port {port} cannot be used ({error.strerror}). Try --port 0.", file=sys.stderr)
            return
        print(
            f"A pretend Pica listens on {base_url}\n"
            f"  PICA_BASE_URL={base_url}\n"
            f"  PICA_SECRET={LIVE_SECRET}   (live)\n"
            f"  PICA_SECRET={TEST_SECRET}   (test)\n"
            "  PICA_IDENTITY=ada PICA_IDENTITY_TYPE=user\n"
            "  Others: growth, a team; acme, an organization; apollo, a project; mallory, a user who means no good.",
            flush=True,
        )
        await anyio.sleep_forever()
