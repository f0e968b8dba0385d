"""A Pydantic AI agent with the tools of a Pica account."""

# ruff: noqa: T201 - a program for people
# pyright: basic, reportMissingImports=false

import asyncio

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset

MODEL = "openai:gpt-5.5"  # any of Pydantic AI's
# A real account (import os): "args": [], "env": {"PICA_SECRET": os.environ["PICA_SECRET"]}
PICA = {"command": ".venv/bin/pica-mcp", "args": ["--sandbox"], "env": {}}
TASK = "Mail grace@example.com from Work that the figures are in, then check that the mail is there."


async def main() -> None:
    server = StdioTransport(**PICA)
    pica = MCPToolset(server, tool_error_behavior="failed")  # by default a tool's second refusal ends the run
    async with Agent(MODEL, toolsets=[pica]) as agent:
        done = await agent.run(TASK)
    print(done.output)


if __name__ == "__main__":
    asyncio.run(main())
