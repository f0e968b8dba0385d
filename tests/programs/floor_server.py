"""The least an MCP server can be: `floor_server.py sdk|ours [REQUEST]`, on the SDK's stdio transport or on ours.

It has one tool. With a REQUEST (JSON: url, method, headers), a call makes it with httpx2 and returns the body.
"""

import json
import sys
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

TOOL = types.Tool(name="request", description="Makes one request.", input_schema={"type": "object"})


async def list_tools(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[TOOL])


def transport() -> Any:
    if sys.argv[1] == "ours":
        from pica_mcp.hosting.stdio import stdio

        return stdio()
    from mcp.server.stdio import stdio_server

    return stdio_server()


async def serve(**handlers: Any) -> None:
    server: Server[Any] = Server("floor", on_list_tools=list_tools, **handlers)
    async with transport() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def serve_calls(asked: dict[str, Any]) -> None:
    import httpx2 as httpx

    limits = httpx.Limits(max_connections=128, max_keepalive_connections=128)
    timeout = httpx.Timeout(35, pool=None)
    async with httpx.AsyncClient(trust_env=False, verify=False, limits=limits, timeout=timeout) as client:

        async def call_tool(_: ServerRequestContext[Any], __: types.CallToolRequestParams) -> types.CallToolResult:
            response = await client.request(asked["method"], asked["url"], headers=asked["headers"])
            response.raise_for_status()
            return types.CallToolResult(content=[types.TextContent(text=response.text)])

        await serve(on_call_tool=call_tool)


async def main() -> None:
    if len(sys.argv) > 2:
        await serve_calls(json.loads(sys.argv[2]))
    else:
        await serve()


if __name__ == "__main__":
    anyio.run(main)
