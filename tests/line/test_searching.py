"""Where a search looks: among the actions that are known here, and when it asks Pica's own search."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pica_mcp.discovery import wording
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow

SEARCH = "search_pica_platform_actions"
SEARCHING = "/v1/available-actions/search/"


@pytest.fixture
def asked(box: Sandbox) -> Callable[[], list[str]]:
    """The platforms that Pica's own search was asked about."""
    return lambda: [
        request.path.removeprefix(SEARCHING) for request in box.requests if request.path.startswith(SEARCHING)
    ]


async def search(app: Any, told: Any, query: str, **others: Any) -> Any:
    return told(await app.pipeline.call(app.caller, SEARCH, {"query": query, **others}))


async def test_where_the_actions_are_known_and_one_fits_pica_is_not_asked(serve: Any, told: Any, asked: Any) -> None:
    async with serve() as app:
        for platform in ("gmail", "slack"):
            await app.catalog.actions(platform)
        answer = await search(app, told, "sned an emial", platform="gmail")
    assert answer["actions"][0]["tool"] == "gmail_send_email"
    assert asked() == []


async def test_what_is_not_known_yet_is_asked_of_pica_and_known_the_next_time(
    serve: Any, told: Any, asked: Any
) -> None:
    async with serve() as app:
        first = await search(app, told, "send an email", platform="gmail")
        second = await search(app, told, "send an email", platform="gmail")
    assert first["actions"][0] == second["actions"][0]
    assert asked() == ["gmail"]


async def test_where_nothing_fits_pica_is_asked_about_a_few(box: Sandbox, serve: Any, told: Any, asked: Any) -> None:
    platforms = ("attio", "exa", "github", "gmail", "linear", "notion", "openai", "slack", "stripe", "supabase")
    for platform in platforms:
        box.connect(platform, identity="bea", identity_type="user")
    async with serve(PICA_IDENTITY="bea") as app:
        for platform in platforms:
            await app.catalog.actions(platform)
        await search(app, told, "order a pizza with slack")
    assert asked()[0] == "slack"
    assert len(asked()) == len(set(asked())) == 4


async def test_what_pica_finds_besides_is_shown(serve: Any, told: Any, box: Sandbox) -> None:
    async with serve() as app:
        known = (await app.catalog.actions("gmail")).known
        row = next(row for row in known if row.title == "List Labels").model_dump(by_alias=False)
        found = json.dumps([{**row, "_id": row["id"]}]).encode()
        box.fail(f"{SEARCHING}gmail", status=200, body=found)
        answer = await search(app, told, "zebra", platform="gmail")
    assert [hit["tool"] for hit in answer["actions"]] == ["gmail_list_labels"]
    assert answer["note"] == "None fits well; these are the nearest."


async def test_nothing_is_shown_twice_that_is_known_and_found(serve: Any, told: Any) -> None:
    async with serve() as app:
        for _ in range(2):
            hits = (await search(app, told, "labels", platform="gmail", limit=20))["actions"]
            tools = [hit.get("tool") or hit["actionId"] for hit in hits]
            assert len(tools) == len(set(tools))


async def test_that_pica_cannot_tell_now_is_no_obstacle_where_actions_are_known(
    box: Sandbox, serve: Any, told: Any
) -> None:
    async with serve() as app:
        await app.catalog.actions("gmail")
        box.fail("/v1/available-actions", status=503, times=None)
        answer = await search(app, told, "zebra mail", platform="gmail")
    assert [hit["tool"] for hit in answer["actions"]][:1]


async def test_what_the_caller_may_use_is_found_however_much_else_fits_better(serve: Any, told: Any) -> None:
    grown, platform = Sandbox(extra=grow(300, 1, document_chars=200)), "amber-anvil"
    grown.fail(f"{SEARCHING}{platform}", status=503, times=None)
    async with serve(grown.app) as app:
        await app.catalog.listing(platform)
        rows = await app.catalog.find([platform], [*map(wording.wanted, wording.terms("get list"))], 1_000)
    last = [row.action for row in rows[60:] if row.action.title.startswith(("Get", "List"))][-1]
    async with serve(grown.app, PICA_ACTION_IDS=last.id) as app:
        await app.catalog.listing(platform)
        answer = await search(app, told, "get list", platform=platform, agentType="knowledge")
    assert [hit["actionId"] for hit in answer["actions"]] == [last.id]
    assert "everyday" not in answer.get("note", "")


@pytest.mark.parametrize("query", ['"', "'; DROP TABLE found; --", "title: * NEAR(", "\x00\ud800", "a" * 100_000, "()"])
async def test_whatever_is_searched_for_is_words_and_nothing_else(serve: Any, told: Any, query: str) -> None:
    async with serve() as app:
        await app.catalog.actions("gmail")
        await search(app, told, query)
        assert (await search(app, told, "send an email"))["actions"][0]["tool"] == "gmail_send_email"
