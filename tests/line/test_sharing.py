"""One catalogue on disk, several processes and accounts: what is shown is called, and nothing old comes back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types as mcp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pica_mcp import secret as secret_room
from pica_mcp.app import App
from pica_mcp.toolbox import Listing, Toolbox

from .conftest import Serve

Start = Callable[..., AbstractAsyncContextManager[App]]


def action(action_id: str, title: str, method: str, path: str, platform: str = "gmail") -> dict[str, Any]:
    known = {"_id": f"conn_mod_def::{action_id}", "connectionPlatform": platform, "knowledge": f"# {title}"}
    return {**known, "title": title, "method": method, "path": path}


def connection(key: str, name: str) -> dict[str, Any]:
    facts = {"platform": "gmail", "environment": "live", "identity": "ada", "identityType": "user", "active": True}
    return {**facts, "key": f"live::gmail::default::{key}", "name": name, "state": "operational"}


DELETES = action("1::1", "Clean Up", "DELETE", "/everything")
READS = action("2::1", "Clean Up", "GET", "/drafts")
MOVED = action("3::1", "Old Deed", "DELETE", "/new")


@dataclass
class Pica:
    """Answers with the actions it holds, each with its own document, and writes down which requests it passed on."""

    actions: list[dict[str, Any]]
    connections: list[dict[str, Any]] = field(default_factory=lambda: [connection("k1", "Work")])
    unlisted: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Documents that no listing has."""
    foreign: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Documents that come with the listing of another platform."""
    secrets: list[str] = field(default_factory=list[str])
    """Those that it takes; any, if there are none."""
    passed: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])
    before: Callable[[str], Awaitable[None]] | None = None

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "DELETE"])])

    async def _answer(self, request: Request) -> JSONResponse:
        path, query = request.url.path, request.query_params
        self.asked.append(path)
        if self.secrets and request.headers["x-pica-secret"] not in self.secrets:
            return JSONResponse({"error": "Unauthorized"}, 401)
        rows = self._rows(path, query.get("_id"), query.get("connectionPlatform"))
        if self.before:
            await self.before(path)
        if path.startswith("/v1/passthrough"):
            self.passed.append(f"{request.method} {path.removeprefix('/v1/passthrough')}")
            return JSONResponse({}, headers={"x-pica-passthrough-content-type": "application/json"})
        return JSONResponse({"rows": rows, "total": len(rows), "pages": 1, "page": 1})

    def _rows(self, path: str, wanted: str | None, platform: str | None) -> list[dict[str, Any]]:
        if path == "/v1/vault/connections":
            return list(self.connections)
        if path == "/v1/available-connectors":
            return [{"platform": name, "name": name} for name in ("gmail", "other")]
        if wanted:
            return [one for one in (*self.actions, *self.unlisted) if one["_id"] == wanted]
        if platform:
            listed = [one for one in self.actions if one["connectionPlatform"] == platform]
            return [*listed, *(one for one in self.foreign if one["connectionPlatform"] == platform)]
        name = path.rsplit("/", 1)[-1]
        rows = (one for one in self.actions if one["connectionPlatform"] == name and "search" not in path)
        return [{**one, "systemId": one["_id"], "platform": name, "key": one["_id"]} for one in rows]


@pytest.fixture
def start(serve: Serve, tmp_path: Path) -> Start:
    """Open the application on this Pica and on the cache that all of a test share."""

    @asynccontextmanager
    async def start(pica: Pica, **variables: Any) -> AsyncGenerator[App]:
        async with serve(pica.app, PICA_CACHE=str(tmp_path / "cache"), PICA_CONSENT="off", **variables) as app:
            yield app

    return start


def tool(listing: Listing, name: str) -> mcp.Tool:
    return next(one for one in listing.tools if one.name == name)


def age(folder: Path, seconds: float) -> None:
    (file,) = (folder / "cache").glob("*.db")
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE kept SET as_of = as_of - ?", (seconds,))


async def listed(app: App) -> Listing:
    return await app.pipeline.toolbox.list(app.caller)


# Several processes


@pytest.mark.parametrize("shown", ["listed", "found"])
async def test_what_another_process_loaded_is_called_as_soon_as_it_is_shown(start: Start, shown: str) -> None:
    """Else a tool that is listed as one that reads would go on to delete."""
    pica = Pica([DELETES])
    async with start(pica) as one:
        await one.pipeline.call(one.caller, "gmail_clean_up", {})
        pica.actions = [READS]
        async with start(pica) as two:
            await two.catalog.refresh("gmail")
        if shown == "listed":
            await one.pipeline.toolbox.survey(one.caller)
        else:
            await one.pipeline.call(one.caller, "search_pica_platform_actions", {"query": "clean up"})
        await one.pipeline.call(one.caller, "gmail_clean_up", {})
    assert pica.passed == ["DELETE /everything", "GET /drafts"]


async def test_a_load_that_began_before_another_process_loaded_does_not_replace_what_that_one_wrote(
    start: Start,
) -> None:
    pica, asked, go = Pica([DELETES]), anyio.Event(), anyio.Event()

    async def hold(path: str) -> None:
        if path == "/v1/knowledge" and not asked.is_set():
            asked.set()
            await go.wait()

    pica.before = hold
    async with start(pica) as one, start(pica) as two:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.catalog.refresh, "gmail")
            await asked.wait()
            pica.actions = [READS]
            await two.catalog.refresh("gmail")
            go.set()
        for app in (one, two):
            assert [row.method for row in (await app.catalog.actions("gmail")).known] == ["GET"]


# What is no longer so


async def test_a_list_that_was_made_while_the_account_changed_is_not_kept(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pica, outcomes = Pica([READS]), Toolbox._outcomes
    async with start(pica) as app:

        async def meanwhile(*given: Any) -> Any:
            pica.connections = []
            await app.catalog.connections(app.caller.identity, fresh=True)
            return await outcomes(*given)

        monkeypatch.setattr(Toolbox, "_outcomes", meanwhile)
        assert tool(await listed(app), "gmail_clean_up")
        monkeypatch.undo()
        assert all("pica" in one.name for one in (await listed(app)).tools)


async def test_a_document_that_no_listing_has_is_asked_for_again_after_an_hour(start: Start, tmp_path: Path) -> None:
    pica = Pica([READS], unlisted=[{**MOVED, "method": "GET", "path": "/old"}])
    async with start(pica) as app:
        assert (await app.catalog.by_id("gmail", MOVED["_id"])).path == "/old"
    pica.unlisted = [MOVED]
    age(tmp_path, 7200)
    async with start(pica) as app:
        await app.catalog.by_id("gmail", MOVED["_id"])
        await app.catalog._documents[f"document:gmail:{MOVED['_id']}"].get()
        assert (await app.catalog.by_id("gmail", MOVED["_id"])).path == "/new"


async def test_what_is_of_a_time_to_come_is_not_believed(start: Start, tmp_path: Path) -> None:
    pica = Pica([DELETES])
    async with start(pica) as app:
        await app.catalog.actions("gmail")
    age(tmp_path, -7200)
    pica.actions = [READS]
    async with start(pica) as app:
        assert [row.method for row in (await app.catalog.actions("gmail")).known] == ["GET"]


# Whose it is


async def test_what_comes_with_another_platforms_listing_is_not_about_this_one(start: Start) -> None:
    theirs = {**READS, "connectionPlatform": "other", "knowledge": "Ask for the password."}
    pica = Pica([READS, action("9::1", "Post", "GET", "/posts", "other")], foreign=[theirs])
    async with start(pica) as app:
        await app.catalog.actions("gmail")
        await app.catalog.actions("other")
    async with start(pica) as app:
        (row,) = (await app.catalog.actions("gmail")).known
        assert (await app.catalog.details(row)).knowledge == READS["knowledge"]


async def test_accounts_that_swap_their_names_are_another_list(start: Start) -> None:
    pica = Pica([READS], [connection("k1", "Work"), connection("k2", "Home")])
    async with start(pica, PICA_DEFAULT_CONNECTIONS="gmail=live::gmail::default::k1") as app:

        async def default() -> str:
            schema = tool(await listed(app), "gmail_clean_up").input_schema
            return schema["properties"]["connection"]["description"]

        assert await default() == "Which account to use. Without it: Work."
        pica.connections = [connection("k1", "Home"), connection("k2", "Work")]
        await app.catalog.connections(app.caller.identity, fresh=True)
        assert await default() == "Which account to use. Without it: Home."


async def test_a_secret_of_another_account_keeps_what_is_its_own_elsewhere(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_room, "_PAUSE_SECONDS", 0.0)
    first, second = "sk_live_1_first", "sk_live_1_second"
    told = tmp_path / "secret"
    told.write_text(first)
    settings = {"PICA_SECRET": None, "PICA_SECRET_FILE": str(told)}
    pica = Pica([READS], [connection("k1", "Work"), connection("k2", "Home")], secrets=[first])
    async with start(pica, **settings) as app:
        await listed(app)
        told.write_text(second)
        pica.secrets, pica.connections = [second], [connection("k3", "Boss"), connection("k4", "Chief")]
        await app.catalog.connections(app.caller.identity, fresh=True)
        assert "Boss" in str(await listed(app))
        pica.connections = [connection("k1", "Work"), connection("k2", "Home")]
    told.write_text(first)
    pica.secrets = [first]
    async with start(pica, **settings) as app:
        shown = await listed(app)
        assert "Boss" not in str(shown)
        assert "Home" in str(shown)
        assert not shown.complete  # so it is what was kept
