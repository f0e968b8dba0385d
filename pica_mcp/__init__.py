"""pica-mcp: the actions of a Pica account as MCP tools, scoped to one identity."""

__version__ = "0.1.0"
