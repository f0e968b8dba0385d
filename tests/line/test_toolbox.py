"""Which tools a caller has, within which budget, and what a name means."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from pica_mcp import toolbox as room
from pica_mcp.effects import of_action
from pica_mcp.errors import UnknownTool
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.toolbox import _rank, tokens  # pyright: ignore[reportPrivateUsage]


def names(listing: Any) -> list[str]:
    return [tool.definition.name for tool in listing.tools]


async def test_the_budget_counts_tools_fixed_ones_included(serve: Any) -> None:
    for count in (5, 12, 32):
        async with serve(PICA_MAX_TOOLS=str(count)) as app:
            assert len((await app.pipeline.toolbox.list(app.caller)).tools) == count


async def test_the_budget_counts_tokens(serve: Any) -> None:
    async with serve(PICA_MAX_TOOL_TOKENS="1500", PICA_MAX_TOOLS="100") as app:
        tools = (await app.pipeline.toolbox.list(app.caller)).tools
    spent = sum(tokens(tool.definition) for tool in tools)
    assert 1200 < spent <= 1500
    assert len(tools) > 4


async def test_platforms_share_the_budget_and_everyday_actions_come_first(serve: Any) -> None:
    async with serve(PICA_MAX_TOOLS="8") as app:
        listed = names(await app.pipeline.toolbox.list(app.caller))
    assert listed[4].startswith("github_list_repositories_for_")
    assert listed[5:] == ["gmail_send_email", "slack_send_message", "stripe_list_customers"]


async def test_none_lists_the_fixed_tools_and_all_lists_every_action(serve: Any) -> None:
    async with serve(PICA_TOOLS="none") as app:
        assert len((await app.pipeline.toolbox.list(app.caller)).tools) == 4
    async with serve(PICA_TOOLS="all", PICA_MAX_TOOLS="5") as app:
        assert len((await app.pipeline.toolbox.list(app.caller)).tools) > 30


async def test_an_unlisted_action_is_callable_by_its_name(serve: Any) -> None:
    async with serve(PICA_TOOLS="none") as app:
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        assert tool.definition.name == "gmail_send_email"
        assert tool.action.path == "/gmail/send-email"


async def test_a_call_never_changes_the_list(serve: Any) -> None:
    async with serve() as app:
        before = await app.pipeline.toolbox.list(app.caller)
        await app.pipeline.call(app.caller, "search_pica_platform_actions", {"platform": "gmail", "query": "labels"})
        await app.pipeline.call(app.caller, "gmail_list_labels", {"connection": "Work", "userId": "me"})
        assert await app.pipeline.toolbox.list(app.caller) == before


async def test_only_platforms_with_a_working_connection_are_listed(box: Sandbox, serve: Any) -> None:
    for key in box.keys("ada"):
        if "stripe" in key:
            box.set_state(key, "failed")
    async with serve() as app:
        listed = names(await app.pipeline.toolbox.list(app.caller))
        assert not [name for name in listed if name.startswith("stripe_")]
        assert [name for name in listed if name.startswith("slack_")]  # one of two slack accounts still works
        assert (await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")).action.platform == "stripe"


async def test_the_choice_of_a_connection_is_among_working_ones(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        gmail = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        assert gmail.definition.input_schema["properties"]["connection"]["enum"] == ["Personal", "Work"]
        assert "connection" in gmail.definition.input_schema["required"]
        slack = await app.pipeline.toolbox.find(app.caller, "slack_send_message")
        assert "connection" not in slack.definition.input_schema["properties"]


async def test_permission_and_lists_decide_what_is_listed(serve: Any) -> None:
    async with serve(PICA_PERMISSIONS="read", PICA_TOOLS="all") as app:
        tools = (await app.pipeline.toolbox.list(app.caller)).tools[4:]
        assert tools
        assert {of_action(tool.action) for tool in tools} == {"read"}
        allowed = tools[0].action.id
    async with serve(PICA_ACTION_IDS=allowed, PICA_TOOLS="all") as app:
        assert [tool.action.id for tool in (await app.pipeline.toolbox.list(app.caller)).tools[4:]] == [allowed]


async def test_allowed_ids_are_listed_however_big_their_platform_is_and_wherever_they_rank_there(
    serve: Any,
) -> None:
    big = grow(500, 1, document_chars=200)
    box = Sandbox(extra=big)
    platform = big[0].connector.platform
    box.connect(platform, identity="ada", identity_type="user")
    async with serve(box.app) as app:
        rows = (await app.catalog.actions(platform)).known
        assert not any(row.id for row in rows)
        last = max(((name, row) for name, row in (await app.pipeline.toolbox._names.of(platform)).items()), key=_rank)
        allowed = (await app.catalog.details(last[1])).id
    gmail = "conn_mod_def::of::nobody"
    async with serve(box.app, PICA_ACTION_IDS=f"{allowed},{gmail}") as app:
        listing = await app.pipeline.toolbox.list(app.caller)
        assert [tool.action.id for tool in listing.tools[4:]] == [allowed]
        assert listing.complete


async def test_a_name_of_a_platform_that_is_not_connected_is_unknown(box: Sandbox, serve: Any) -> None:
    async with serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as app:
        await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        with pytest.raises(UnknownTool):
            await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")
        box.connect("stripe", identity="growth", identity_type="team")
        await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")


async def test_a_slow_platform_does_not_hold_up_the_list(
    box: Sandbox, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = anyio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/available-actions/stripe":
            await released.wait()
        await box.app(scope, receive, send)

    monkeypatch.setattr(room, "LIST_WAIT_SECONDS", 2.3)  # the last two are for building the tools
    async with serve(pica=slow) as app:
        partial = await app.pipeline.toolbox.list(app.caller)
        assert not partial.complete
        assert [name for name in names(partial) if name.startswith("gmail_")]
        assert not [name for name in names(partial) if name.startswith("stripe_")]
        released.set()
        monkeypatch.setattr(room, "LIST_WAIT_SECONDS", 30.0)
        whole = await app.pipeline.toolbox.list(app.caller)
        assert whole.complete
        assert [name for name in names(whole) if name.startswith("stripe_")]
    loads = [request for request in box.requests if request.path == "/v1/available-actions/stripe"]
    assert len(loads) == 1  # the load went on behind the first list


def test_picas_own_actions_come_first_then_everyday_ones(action: Any) -> None:
    offers = [
        ("gmail_aaa", action(title="Aaa", path="/a")),
        ("gmail_send", action(title="Send Message", path="/a/b/c")),
        ("gmail_zzz", action(title="Zzz", path="/a/b/c/d", tags=["custom"])),
        ("gmail_deep", action(title="Aaa", path="/a/b")),
    ]
    assert [name for name, _ in sorted(offers, key=_rank)] == ["gmail_zzz", "gmail_send", "gmail_aaa", "gmail_deep"]
