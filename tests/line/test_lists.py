"""The list of tools from one start to the next: the same at once, whoever answers, and anew when it is due."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.app import App
from pica_mcp.sandbox import Sandbox
from pica_mcp.toolbox import Toolbox
from pica_mcp.toolbox.budget import Survey

from .conftest import Serve

Start = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
def start(serve: Serve, tmp_path: Path) -> Start:
    """Open the application on the cache that all starts of this test share."""

    @asynccontextmanager
    async def start(**variables: str) -> AsyncGenerator[App]:
        async with serve(PICA_CACHE=str(tmp_path), **variables) as app:
            yield app

    return start


def down(box: Sandbox) -> None:
    box.fail("/v1/", status=503, times=None)


async def listed(app: App) -> tuple[list[str], bool]:
    listing = await app.pipeline.toolbox.list(app.caller)
    return [tool.name for tool in listing.tools], listing.complete


def kept_in(folder: Path) -> list[bytes]:
    (file,) = folder.glob("*.db")
    with sqlite3.connect(file) as database:
        found = database.execute("SELECT body FROM kept WHERE what LIKE 'list:%'").fetchall()
    return [zlib.decompress(body) for (body,) in found]


async def settled(app: App) -> None:
    """Wait until the connections are known."""
    await app.catalog.connections(app.caller.identity)


async def test_a_start_without_pica_lists_what_was_listed_last(start: Start, box: Sandbox) -> None:
    async with start() as app:
        before, complete = await listed(app)
        assert complete
        whole = (await app.pipeline.toolbox.list(app.caller)).tools
    down(box)
    async with start() as app:
        listing = await app.pipeline.toolbox.list(app.caller)
    assert [tool.name for tool in listing.tools] == before
    assert listing.tools == whole
    assert not listing.complete  # nobody knows yet


async def test_once_the_connections_are_known_the_same_list_is_complete_and_nothing_is_loaded(
    start: Start, box: Sandbox
) -> None:
    async with start() as app:
        before, _ = await listed(app)
    asked = len(box.requests)
    async with start() as app:
        assert (await listed(app))[0] == before
        await settled(app)
        assert await listed(app) == (before, True)
    assert {request.path for request in box.requests[asked:]} == {"/v1/vault/connections"}


async def test_what_changed_while_nobody_looked_is_seen(start: Start, box: Sandbox) -> None:
    async with start() as app:
        before, _ = await listed(app)
    box.connect("linear", identity="ada", identity_type="user", name="Roadmap")
    async with start() as app:
        assert (await listed(app))[0] == before
        await settled(app)
        after, complete = await listed(app)
    assert complete
    assert {name.partition("_")[0] for name in after} - {name.partition("_")[0] for name in before} == {"linear"}


@pytest.mark.parametrize(
    "other",
    [
        {"PICA_PERMISSIONS": "read"},
        {"PICA_IDENTITY": "growth", "PICA_IDENTITY_TYPE": "team"},
        {"PICA_PLATFORMS": "gmail"},
        {"PICA_CONNECTION_NAMES": "Büro=gmail/Work"},
        {"PICA_EXCLUDE": "slack"},
        {"PICA_SCHEMA_PROFILE": "openai-strict"},
        {"PICA_TOOL_NAME_MAX": "24"},
        {"PICA_SECRET": "sk_live_another"},
        {"PICA_BASE_URL": "https://elsewhere.test"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_list_is_nobody_elses_and_of_no_other_settings(
    start: Start, box: Sandbox, other: dict[str, str]
) -> None:
    async with start() as app:
        await listed(app)
    down(box)
    async with start(**other) as app:
        names, complete = await listed(app)
    assert all("pica" in name for name in names)
    assert not complete


async def test_a_list_that_lacks_something_is_not_kept(start: Start, box: Sandbox) -> None:
    box.fail("/v1/available-actions/gmail", status=400, times=None)
    async with start() as app:
        assert not (await listed(app))[1]
    down(box)
    async with start() as app:
        assert all("pica" in name for name in (await listed(app))[0])


async def test_as_long_as_nothing_changes_the_list_is_not_worked_out_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as app:
        worked_out: list[Any] = []
        survey = Toolbox.survey

        async def watched(*given: Any) -> Survey:
            worked_out.append(given)
            return await survey(*given)

        monkeypatch.setattr(Toolbox, "survey", watched)
        lists = [await listed(app) for _ in range(3)]
    assert lists[0] == lists[1] == lists[2]
    assert len(worked_out) == 1


async def test_a_kept_list_tells_no_key(start: Start, box: Sandbox, tmp_path: Path) -> None:
    async with start() as app:
        await listed(app)
        keys = [one.key for one in await app.catalog.connections(app.caller.identity)]
    bodies = kept_in(tmp_path)
    assert len(bodies) == 1
    assert b"gmail" in bodies[0]
    assert b"Work" in bodies[0]
    assert not any(key.encode() in bodies[0] or key.split("::")[-1].encode() in bodies[0] for key in keys)


async def test_without_pica_what_is_known_can_be_searched_and_read_about_and_nothing_runs(
    start: Start, box: Sandbox, told: Any, said: Any
) -> None:
    async with start() as app:
        await listed(app)
    down(box)
    async with start() as app:
        search = {"query": "send an email"}
        found = told(await app.pipeline.call(app.caller, "search_pica_platform_actions", search))
        assert found["actions"][0]["title"] in ("Send Email", "Send Message")
        assert "What is connected cannot be told now: Pica" in found["note"]
        one = told(await app.pipeline.call(app.caller, "search_pica_platform_actions", {**search, "platform": "gmail"}))
        assert one["actions"][0]["title"] in ("Send Email", "Send Message")
        read = await app.pipeline.call(app.caller, "get_pica_action_knowledge", {"actionId": "gmail_send_email"})
        assert "Send Email (gmail)" in said(read)
        ran = await app.pipeline.call(app.caller, "gmail_list_labels", {"userId": "me"})
        assert ran.is_error
    assert not any(request.path.startswith("/v1/passthrough") for request in box.requests)


async def test_without_pica_and_without_a_cache_a_search_says_why_there_is_nothing(
    start: Start, box: Sandbox, said: Any
) -> None:
    down(box)
    async with start() as app:
        result = await app.pipeline.call(app.caller, "search_pica_platform_actions", {"query": "send"})
    assert result.is_error
    assert "Pica is out of order (HTTP 503)" in said(result)
