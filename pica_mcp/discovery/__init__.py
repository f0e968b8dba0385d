"""The room of the fixed tools: what is connected, which action fits, what it needs, running it, and writing it as code.

They carry the names of Pica's official server and take its arguments, so that prompts written for it keep working. They
work on live data, so a client that never hears of list changes loses nothing by them. Few and short: they are in view
in every conversation.
"""

from __future__ import annotations

from pica_mcp.catalog import Catalog
from pica_mcp.discovery.building import build_tool
from pica_mcp.discovery.connected import list_tool, near, nothing, outdated
from pica_mcp.discovery.hits import Hit
from pica_mcp.discovery.names import Names, find_action, naming
from pica_mcp.discovery.reading import knowledge, knowledge_tool
from pica_mcp.discovery.running import execute_tool, permitted, read_tool, result_tool
from pica_mcp.discovery.searching import Searches, search_tool
from pica_mcp.discovery.snippets import LANGUAGES
from pica_mcp.discovery.tool import BUILD, EXECUTE, EXECUTING, FIXED_NAMES, KNOWLEDGE, LIST, READ, RESULT, SEARCH
from pica_mcp.results import Results
from pica_mcp.tools import AnyActionTool, FixedTool, Profile

__all__ = [
    "BUILD",
    "EXECUTE",
    "EXECUTING",
    "FIXED_NAMES",
    "KNOWLEDGE",
    "LANGUAGES",
    "LIST",
    "READ",
    "RESULT",
    "SEARCH",
    "Hit",
    "Names",
    "Searches",
    "find_action",
    "fixed_tools",
    "knowledge",
    "naming",
    "near",
    "nothing",
    "outdated",
    "permitted",
]


def fixed_tools(
    catalog: Catalog,
    names: Names,
    results: Results,
    *,
    base_url: str = "https://api.picaos.com",
    family: str = "pica",
    profile: Profile = "portable",
) -> tuple[FixedTool | AnyActionTool, ...]:
    """Return the seven tools. `base_url` and `family`, as in the headers' names, are for code that calls Pica."""
    return (
        list_tool(catalog, profile),
        search_tool(catalog, names, profile),
        knowledge_tool(catalog, names, profile),
        execute_tool(profile),
        read_tool(profile),
        result_tool(results, profile),
        build_tool(catalog, names, profile, base_url, family),
    )
