"""The catalogue on disk: served at once, loaded anew behind, shared, and never a reason for anything to fail."""

# ruff: noqa: ASYNC240 - the disk is what these tests are about

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from mcp import Client

from pica_mcp.access import Identity
from pica_mcp.api import Endpoint, open_api
from pica_mcp.catalog import Actions, Catalog, Disk, prepare, tables
from pica_mcp.catalog.disk import looking, remove
from pica_mcp.discovery import naming
from pica_mcp.errors import PicaError
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.secret import Fixed, Secret

from .conftest import Clock, Converse

HOUR = 3600.0
PLATFORMS = ("gmail", "slack", "github", "stripe")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "a.db"


@asynccontextmanager
async def remembering(
    pica: Any,
    file: Path | None,
    clock: Clock | None = None,
    max_bytes: int = 1 << 30,
    making: Callable[[sqlite3.Connection], None] = prepare,
) -> AsyncGenerator[Catalog]:
    """Open a catalogue that is kept in the file."""

    async def at_once(seconds: float) -> None:
        await checkpoint()

    async def place() -> Path | None:
        return file

    endpoint = Endpoint("https://pica.test", Secret(Fixed(LIVE_SECRET)))
    disk = Disk(place, making)
    with anyio.fail_after(30):
        try:
            async with (
                open_api(endpoint, pica.app, sleep=at_once, chance=lambda: 0.5) as api,
                anyio.create_task_group() as tasks,
            ):
                yield Catalog(api, disk, tasks, naming(), clock or Clock(), max_bytes)
                tasks.cancel_scope.cancel()
        finally:
            disk.close()


def change(file: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(statement, values)


def ask(file: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as db:
        return db.execute(question).fetchall()


def grow_old(file: Path, seconds: float = 2 * HOUR) -> None:
    change(file, "UPDATE kept SET as_of = as_of - ?", seconds)


def titles(actions: Actions) -> list[str]:
    return [action.title for action in actions.known]


async def served_at_once(catalog: Catalog, platform: str) -> Actions:
    """Return what is known of the platform's actions, when they have been loaded anew behind as well."""
    kept = catalog._listed(platform)
    actions = await catalog.actions(platform)
    if kept._flight:
        await kept._flight.done.wait()
    return actions


def is_young(file: Path, what: str) -> bool:
    """Tell if what is kept by this name was loaded or confirmed just now."""
    with looking(file) as db:
        return bool(db.execute("SELECT 1 FROM kept WHERE what = ? AND as_of > ?", (what, time.time() - 600)).fetchone())


# From one start to the next


async def test_what_was_loaded_once_is_served_to_the_next_one_without_the_network(file: Path) -> None:
    box, dark = Sandbox(), Sandbox()
    async with remembering(box, file) as catalog:
        platforms, actions = await catalog.platforms(), await catalog.actions("gmail")
        details = await catalog.details(actions.known[0])
    dark.fail("/", times=None)
    async with remembering(dark, file) as catalog:
        assert await catalog.platforms() == platforms
        assert await catalog.actions("gmail") == actions
        assert await catalog.details(actions.known[0]) == details
        assert await catalog.by_id("gmail", details.id) == details
        assert await catalog.revisions(["gmail"]) == {"gmail": actions.listing.revision}
        assert [row.action.title for row in await catalog.find(["gmail"], [["send"]], 1)] == ["Send Email"]
    assert dark.requests == []


async def test_what_is_older_than_an_hour_is_served_at_once_and_confirmed_behind(file: Path) -> None:
    box = Sandbox()
    async with remembering(box, file) as catalog:
        before = await catalog.actions("gmail")
    grow_old(file)
    asked = len(box.requests)
    async with remembering(box, file) as catalog:
        assert await served_at_once(catalog, "gmail") == before
        assert is_young(file, "listing:gmail")
        assert catalog.outdated_since("gmail") is None
        assert await catalog.actions("gmail") == before
    new = box.requests[asked:]
    asked_again = {request.path: request.header("if-none-match") for request in new}
    assert asked_again.keys() == {"/v1/available-actions/gmail", "/v1/knowledge"}
    assert asked_again["/v1/knowledge"]
    assert len(new) == 2


async def test_what_pica_changed_is_told_after_it_was_loaded_behind(file: Path) -> None:
    box = Sandbox()
    async with remembering(box, file) as catalog:
        before = await catalog.actions("gmail")
    change(file, "UPDATE actions SET title = 'Old'")
    grow_old(file)
    change(
        file,
        "UPDATE kept SET etags = '[\"old\"]', body = ? WHERE what = 'listing:gmail'",
        zlib.compress(json.dumps(["old", 1, 0, True, [], [], [], []]).encode()),
    )
    async with remembering(box, file) as catalog:
        assert set(titles(await served_at_once(catalog, "gmail"))) == {"Old"}
        assert await catalog.actions("gmail") == before


async def test_what_is_known_is_kept_while_pica_is_down_and_told_to_be_old(file: Path) -> None:
    box, down = Sandbox(), Sandbox()
    async with remembering(box, file) as catalog:
        before = await catalog.actions("gmail")
    grow_old(file)
    down.fail("/", times=None, status=503)
    async with remembering(down, file) as catalog:
        assert await served_at_once(catalog, "gmail") == before
        assert catalog.outdated_since("gmail")
        assert await catalog.actions("gmail") == before
    async with remembering(down, file) as catalog:
        assert await catalog.actions("gmail") == before


async def test_what_another_process_loaded_meanwhile_is_taken_from_the_disk(file: Path, clock: Clock) -> None:
    one, other = Sandbox(), Sandbox()
    async with remembering(one, file) as first:
        before = await first.actions("gmail")
    grow_old(file, HOUR / 2)
    async with remembering(one, file, clock) as mine, remembering(other, file) as theirs:
        assert await mine.actions("gmail") == before
        asked = len(one.requests)
        await theirs.refresh("gmail")
        clock.now += HOUR
        assert await served_at_once(mine, "gmail") == before
        assert len(one.requests) == asked
        known = mine._listings["gmail"].at_hand
        assert known
        assert time.time() - known.as_of.timestamp() < HOUR / 4


# Damage


def spoil_all(file: Path) -> None:
    with suppress(FileNotFoundError), file.open("r+b") as stream:
        stream.write(os.urandom(file.stat().st_size))


async def works(box: Sandbox, file: Path) -> None:
    async with remembering(box, file) as catalog:
        assert await catalog.platforms()
        for platform in PLATFORMS:
            actions = await catalog.actions(platform)
            assert actions.known
            assert (await catalog.details(actions.known[0])).id


OTHER_SHAPES: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    [1, 2],
    [[1]],
    {"title": []},
    [None] * 8,
    [1, 2, 3, 4, 5, 6, 7, 8],
    ["", 1, 0, True, [], [], [1], [2]],
]


@pytest.mark.parametrize("value", OTHER_SHAPES, ids=json.dumps)
@pytest.mark.parametrize("old", [False, True])
async def test_what_was_kept_in_another_shape_is_loaded_anew(file: Path, value: Any, *, old: bool) -> None:
    box = Sandbox()
    await works(box, file)
    empty = value in ([], {})  # which is a list of platforms
    where = "WHERE what != 'platforms'" if empty else ""
    change(file, f"UPDATE kept SET body = ? {where}", zlib.compress(json.dumps(value).encode()))  # noqa: S608
    if old:
        grow_old(file)
    await works(box, file)
    await works(box, file)
    async with remembering(box, file) as catalog:
        await served_at_once(catalog, "gmail")
    assert is_young(file, "listing:gmail")
    dark = Sandbox()
    dark.fail("/", times=None)
    await works(dark, file)


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version=99",
        "DROP TABLE kept",
        "DROP TABLE actions",
        "DROP TABLE found",
        "UPDATE kept SET body = 'text'",
        "UPDATE kept SET as_of = 'soon'",
        "UPDATE kept SET as_of = 1e300",
        "UPDATE kept SET etags = '5'",
        "UPDATE actions SET tags = '[1'",
        "UPDATE actions SET title = x'00ff'",
        "DELETE FROM kept WHERE what LIKE 'document:%'",
        "DELETE FROM kept WHERE what LIKE 'listing:%'",
    ],
)
async def test_whatever_was_done_to_its_tables_it_works_and_has_a_good_file_again(
    file: Path, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = Sandbox()
    await works(box, file)
    change(file, statement)
    await works(box, file)
    await works(box, file)
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) <= 1
    dark = Sandbox()
    dark.fail("/", times=None)
    await works(dark, file)


async def test_many_who_ask_while_it_is_lost_get_all_there_is_or_an_error_of_ours(file: Path) -> None:
    box = Sandbox()
    await works(box, file)
    wrong: list[Any] = []
    spoiling = dict[str, Callable[[Path], None]](zip(PLATFORMS, (remove, spoil_all) * 2, strict=True))
    async with remembering(box, file) as catalog:
        full = {platform: await catalog.actions(platform) for platform in PLATFORMS}
        documents = {platform: await catalog.documents(platform) for platform in PLATFORMS}

        async def look(platform: str) -> None:
            for number in range(15):
                if number % 5 == 4:
                    spoiling[platform](file)
                try:
                    row = full[platform].known[0]
                    if await catalog.actions(platform) != full[platform]:
                        wrong.append(await catalog.actions(platform))
                    if await catalog.documents(platform) != documents[platform]:
                        wrong.append(await catalog.documents(platform))
                    wrong.extend([] if await catalog.named(platform, full[platform].rows[0].name) == row else [row])
                    await catalog.details(row)
                except PicaError:
                    pass

        async with anyio.create_task_group() as tasks:
            for platform in PLATFORMS * 4:
                tasks.start_soon(look, platform)
    assert wrong == []
    await works(box, file)


@dataclass
class Losing:
    """A Pica at whose answers for a path the file gets lost."""

    box: Sandbox
    file: Path
    path: str

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == self.path:
            remove(self.file)
        await self.box.app(scope, receive, send)


@pytest.mark.parametrize("path", ["/v1/available-actions/gmail", "/v1/knowledge"])
async def test_what_is_lost_while_pica_is_asked_if_it_changed_is_all_loaded_again(file: Path, path: str) -> None:
    box = Sandbox()
    async with remembering(box, file) as catalog:
        before = await catalog.actions("gmail")
    grow_old(file)
    async with remembering(Losing(box, file, path), file) as catalog:
        assert await served_at_once(catalog, "gmail") == before
        assert is_young(file, "listing:gmail")
        assert await catalog.actions("gmail") == before
    async with remembering(Sandbox(), file) as catalog:
        assert (await catalog.actions("gmail")).rows == before.rows


async def test_a_disk_that_is_too_small_costs_nobody_anything(file: Path) -> None:
    def on_a_small_disk(db: sqlite3.Connection) -> None:
        prepare(db)
        if db.execute("PRAGMA database_list").fetchone()[2]:
            db.execute("PRAGMA max_page_count=25")

    async with remembering(Sandbox(), file, making=on_a_small_disk) as catalog:
        for platform in PLATFORMS * 2:
            assert (await catalog.actions(platform)).known
        assert catalog.file is None


# Room


async def test_what_had_to_make_room_is_loaded_again_when_it_is_asked_for(file: Path) -> None:
    box, bound = Sandbox(), 150_000
    async with remembering(Sandbox(), None) as catalog:
        full = {platform: await catalog.actions(platform) for platform in PLATFORMS}
    async with remembering(box, file, max_bytes=bound) as catalog:
        for platform in PLATFORMS * 3:
            assert await catalog.actions(platform) == full[platform]
            with closing(sqlite3.connect(file)) as db:
                assert tables.used_bytes(db) <= bound


async def test_whatever_else_is_remembered_makes_room_as_well(file: Path) -> None:
    bound = 150_000
    async with remembering(Sandbox(), file, max_bytes=bound) as catalog:
        for number in range(30):
            noise = [f"{number * one * 7919 % 104729:x}" for one in range(5_000)]
            await catalog.remember(f"list:{number}", noise)
            last = await catalog.remembered(f"list:{number}")
            assert last
            assert last.value == noise
    with looking(file) as db:
        assert tables.used_bytes(db) <= bound


# Secrets


def everything_in(folder: Path) -> bytes:
    """All bytes of all files, and what is compressed in them."""
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for file in folder.glob("*.db"):
        found.extend(zlib.decompress(body) for (body,) in ask(file, "SELECT body FROM kept"))
        found.extend(repr(row).encode() for row in ask(file, "SELECT what, grouped, etags FROM kept"))
    return b"\n".join(found)


async def test_neither_the_secret_nor_any_connection_key_is_ever_on_disk(
    box: Sandbox, converse: Converse, tmp_path: Path, told: Callable[[Any], Any]
) -> None:
    folder = tmp_path / "cache"

    async def talk(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert "gmail_send_email" in tools
        mail = {"connection": "Work", "to": "grace@example.com", "subject": "canary-subject", "body": "canary-body"}
        assert not (await client.call_tool("gmail_send_email", mail)).is_error
        told(await client.call_tool("list_pica_integrations", {}))
        arguments = {"platform": "gmail", "query": "send a mail"}
        assert not (await client.call_tool("search_pica_platform_actions", arguments)).is_error
        assert not (await client.call_tool("gmail_get_emails", {"connection": "Work"})).is_error
        for resource in (await client.list_resources()).resources[:5]:
            await client.read_resource(resource.uri)

    keys = await all_keys(box)
    assert len(keys) > 5
    for _ in range(2):
        async with converse(PICA_CACHE=str(folder)) as client:
            await talk(client)
            on_disk = [everything_in(folder)]
        on_disk.append(everything_in(folder))
        for bytes_ in on_disk:
            assert b"gmail_send_email" in bytes_
            for secret in (LIVE_SECRET, "canary-subject", "canary-body", *keys):
                assert secret.encode() not in bytes_


async def all_keys(box: Sandbox) -> list[str]:
    async with remembering(box, None) as catalog:
        return [connection.key for connection in await catalog.connections(Identity())]


async def test_of_each_account_and_its_settings_of_names_there_is_a_file(serve: Any, tmp_path: Path) -> None:
    for variables in ({}, {"PICA_TOOL_NAME_MAX": "50"}, {"PICA_BASE_URL": "https://other.test"}):
        async with serve(PICA_CACHE=str(tmp_path), **variables) as app:
            assert (await app.catalog.actions("gmail")).known
    assert len(list(tmp_path.glob("*.db"))) == 3
