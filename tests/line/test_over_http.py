"""A server in memory behind the SDK's streamable HTTP, without a socket."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2

from pica_mcp.server import build

URL, VERSION, TOOL = "http://127.0.0.1:8000/mcp", "2026-07-28", "list_pica_integrations"
META = "io.modelcontextprotocol/"
CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": TOOL,
        "arguments": {"query": "mail"},
        "_meta": {
            f"{META}protocolVersion": VERSION,
            f"{META}clientInfo": {"name": "t", "version": "1"},
            f"{META}clientCapabilities": {},
        },
    },
}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": VERSION,
    "mcp-method": "tools/call",
    "mcp-name": TOOL,
}


async def test_a_call_over_http_does_not_list_all_tools_first(serve: Any) -> None:
    """The SDK's client would list them itself, so the request is written by hand."""
    async with serve() as app:
        server = build(app)
        transport = httpx2.ASGITransport(server.streamable_http_app(stateless_http=True))
        async with server.session_manager.run(), httpx2.AsyncClient(transport=transport) as http:
            with anyio.fail_after(20):
                response = await http.post(URL, json=CALL, headers=HEADERS)
        assert response.status_code == 200, response.text
        assert "gmail" in response.text
        assert app.watch._shown == []  # the lists of tools that were told
