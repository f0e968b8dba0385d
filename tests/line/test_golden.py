"""What a client is shown, to the letter: the fixed tools, and eight actions of different shapes in each profile.

If a change is meant, write the files anew and read the difference:

    PICA_GOLDEN=write pytest tests/line/test_golden.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.sandbox import Sandbox
from pica_mcp.toolbox.budget import MAX_DEFINITION_TOKENS

GOLDEN = Path(__file__).parents[1] / "golden"

ACTIONS = {
    "slack_send_message": "custom: the connection's key is injected",
    "stripe_create_customer": "documented by tables only, sent as a form",
    "googlesheets_append_values": "a list of lists in the body, query parameters beside it",
    "github_create_issue": "placeholders of the path beside fields of the body",
    "linear_create_issue": "GraphQL",
    "googledrive_upload_file": "a file beside its metadata, in parts",
    "gmail_list_messages": "reads, with a list in the query and a choice of accounts",
    "openai_create_chat_completion": "deep, and far too big to be shown whole",
}
"""Name → its shape."""


@pytest.fixture
def everywhere(box: Sandbox) -> Sandbox:
    """A sandbox in which Ada has connected every platform."""
    connected = {key.split("::")[1] for key in box.keys("ada")}
    for platform in PLATFORMS:
        if platform not in connected:
            box.connect(platform, identity="ada", identity_type="user")
    return box


PLATFORMS = (
    *("attio", "bazaar", "exa", "github", "gmail", "google-calendar", "google-drive", "google-sheets", "hub-spot"),
    *("linear", "notion", "openai", "quickbooks", "slack", "stripe", "supabase"),
)


async def test_every_platform_of_the_sandbox_that_has_actions_is_connected_here(serve: Any) -> None:
    async with serve() as app:
        platforms = [platform.platform for platform in await app.catalog.platforms()]
        assert sorted(PLATFORMS) == [p for p in sorted(platforms) if (await app.catalog.actions(p)).known]


async def shown(converse: Any, **variables: str) -> dict[str, Any]:
    async with converse(**variables) as client:
        tools = (await client.list_tools()).tools
    return {tool.name: written(tool.model_dump(mode="json", by_alias=True, exclude_none=True)) for tool in tools}


def written(told: dict[str, Any]) -> dict[str, Any]:
    """The definition in one order: each era's SDK has its own for the first words of a schema."""
    return {**told, "inputSchema": dict(sorted(told["inputSchema"].items(), reverse=True))}


def compare(name: str, told: Any) -> None:
    path = GOLDEN / f"{name}.json"
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("PICA_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} is another; see above how to write it anew"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_fixed_tools_are_what_they_were(converse: Any, mode: str) -> None:
    compare("fixed_tools", list((await shown(converse, mode=mode, PICA_TOOLS="none")).values()))


@pytest.mark.parametrize("profile", ["portable", "openai-strict", "raw"])
async def test_actions_of_every_shape_are_what_they_were(everywhere: Sandbox, converse: Any, profile: str) -> None:
    tools = await shown(converse, PICA_TOOLS="all", PICA_SCHEMA_PROFILE=profile)
    compare(profile, [tools[name] for name in ACTIONS])


async def test_definitions_are_small_over_the_whole_catalogue(everywhere: Sandbox, serve: Any) -> None:
    async with serve(PICA_TOOLS="all") as app:
        survey = await app.pipeline.toolbox.survey(app.caller)
    costs = [choice.tokens for choice in survey.direct]
    assert survey.complete
    assert len(costs) > 200
    assert sum(costs) / len(costs) <= 200
    assert max(costs) <= MAX_DEFINITION_TOKENS
    assert sum(choice.tokens for choice in survey.fixed) <= 1_800
