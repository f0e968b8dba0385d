"""The MCP SDK's own client sends a mail and looks for it: no framework, no model."""

# ruff: noqa: T201 - a program for people
# pyright: basic, reportAttributeAccessIssue=false

import asyncio

from mcp import Client, StdioServerParameters

# A real account (import os): "args": [], "env": {"PICA_SECRET": os.environ["PICA_SECRET"]}
PICA = {"command": ".venv/bin/pica-mcp", "args": ["--sandbox"], "env": {}}
MAIL = {"connection": "Work", "to": "grace@example.com", "subject": "The figures", "body": "They are in."}


async def main() -> None:
    async with Client(StdioServerParameters(**PICA)) as pica:
        print([tool.name for tool in (await pica.list_tools()).tools])
        sent = await pica.call_tool("gmail_send_email", MAIL)
        print("refused:" if sent.is_error else "sent:", sent.content[0].text)
        found = await pica.call_tool("gmail_get_emails", {"connection": "Work", "query": MAIL["subject"]})
        print("refused:" if found.is_error else "found:", found.content[0].text)


if __name__ == "__main__":
    asyncio.run(main())
