"""A small server for the tests of stdio: `echo_server.py ours|sdk`. On stderr it tells what happens to it."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from pica_mcp.hosting.stdio import stdio

NAMES = ("echo", "hang", "hold_on", "surrogate", "surrogate_error", "big", "print_to_stdout", "spawn_child")


def tell(text: str) -> None:
    os.write(2, f"{text}\n".encode())


async def list_tools(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in NAMES])


async def call_tool(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
    text = await answer(params.name, params.arguments or {})
    return types.CallToolResult(content=[types.TextContent(text=text)])


async def answer(name: str, arguments: dict[str, Any]) -> str:
    match name:
        case "hang":
            tell("hanging")
            try:
                await anyio.sleep_forever()
            finally:
                tell("cleaned up")
        case "hold_on":
            with anyio.CancelScope(shield=True):
                tell("holding on")
                await anyio.sleep_forever()
        case "surrogate":
            return "half \ud83d an emoji"
        case "surrogate_error":
            raise MCPError(code=-32001, message="half \ud83d an emoji")
        case "big":
            tell("made")
            return "x" * arguments["size"]
        case "print_to_stdout":
            print("printed, not flushed")  # noqa: T201 - the very thing under test
            os.write(1, b"written to fd 1\n")
            return repr(sys.stdin.read())
        case "spawn_child":
            program = "import sys; print('a child found', repr(sys.stdin.read()))"
            subprocess.run([sys.executable, "-c", program], check=True)  # noqa: ASYNC221 - a child that inherits
            return "spawned"
        case _:
            return json.dumps(arguments)
    raise AssertionError


@asynccontextmanager
async def lifespan(_: Server[None]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        tell("closed")


async def main() -> None:
    server: Server[None] = Server("echo", lifespan=lifespan, on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() if sys.argv[1:] == ["sdk"] else stdio() as (read, write):
        tell("serving")
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
