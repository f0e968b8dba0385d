"""An agent of the OpenAI Agents SDK with the tools of a Pica account."""

# ruff: noqa: T201 - a program for people
# pyright: basic, reportMissingImports=false, reportArgumentType=false

import asyncio

from agents import Agent, Runner
from agents.mcp import MCPServerStdio

MODEL = "gpt-5.5"  # any that the SDK takes
# A real account (import os): "args": [], "env": {"PICA_SECRET": os.environ["PICA_SECRET"]}
PICA = {"command": ".venv/bin/pica-mcp", "args": ["--sandbox"], "env": {}}
TASK = "Mail grace@example.com from Work that the figures are in, then check that the mail is there."


async def main() -> None:
    pica = MCPServerStdio(
        PICA,
        client_session_timeout_seconds=60,  # by default 5
        failure_error_function=lambda _, error: str(error),  # by default the model is not told what is missing
    )
    async with pica:
        done = await Runner.run(Agent("Assistant", model=MODEL, mcp_servers=[pica]), TASK)
    print(done.final_output)


if __name__ == "__main__":
    asyncio.run(main())
