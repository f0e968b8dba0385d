"""`pica-mcp sandbox`: the pretend Pica as a server on a loopback port."""

from __future__ import annotations

import uvicorn

from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox

_HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Says where it listens once it does, since port 0 means any free one."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
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
    """Serve until a signal comes."""
    config = uvicorn.Config(
        Sandbox().app, host=_HOST, port=port, log_level="warning", timeout_graceful_shutdown=2, server_header=False
    )
    _Server(config).run()
    return 0
