"""A LangChain agent with the tools of a Pica account."""

# ruff: noqa: T201 - a program for people
# pyright: basic, reportMissingImports=false, reportArgumentType=false

import asyncio

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

MODEL = "openai:gpt-5.5"  # any of LangChain's
# A real account (import os): "args": [], "env": {"PICA_SECRET": os.environ["PICA_SECRET"]}
PICA = {"transport": "stdio", "command": ".venv/bin/pica-mcp", "args": ["--sandbox"], "env": {}}
TASK = "Mail grace@example.com from Work that the figures are in, then check that the mail is there."


async def main() -> None:
    async with MultiServerMCPClient({"pica": PICA}).session("pica") as session:  # one server for the whole run
        agent = create_agent(MODEL, await load_mcp_tools(session))
        done = await agent.ainvoke({"messages": [("user", TASK)]})
    print(done["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main())
