"""Several servers that share one cache, each a process of its own, on one pretend Pica."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

CATALOGUE = ("/v1/available-actions", "/v1/available-connectors", "/v1/knowledge")


@pytest.fixture
def account(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The variables of a server for Ada, with a cache."""

    def account(url: str) -> dict[str, str]:
        ada = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user"}
        return {**ada, "PICA_CACHE": str(tmp_path / "cache")}

    return account


async def works(client: Any) -> list[str]:
    """Do with the client what agents do, and return the names of its tools."""
    names = [tool.name for tool in (await client.list_tools()).tools]
    assert {"gmail_send_email", "list_pica_integrations"} <= {*names}
    query = {"platform": "gmail", "query": "send a mail"}
    assert not (await client.call_tool("search_pica_platform_actions", query)).is_error
    assert not (await client.call_tool("gmail_get_emails", {"connection": "Work"})).is_error
    return names


async def test_servers_that_start_at_one_moment_share_a_cache(
    connect: Any, account: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    box, lists = Sandbox(), list[list[str]]()
    async with box.listening() as url:

        async def serve() -> None:
            async with connect(env=account(url)) as client:
                lists.append(await works(client))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(serve)
        assert len(lists) == 8
        assert all(one == lists[0] for one in lists)
        (file,) = (tmp_path / "cache").glob("*.db")
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            twice = "SELECT platform, place FROM actions GROUP BY platform, place HAVING count(*) > 1"
            assert db.execute(twice).fetchall() == []
        asked = len(box.requests)
        async with connect(env=account(url)) as client:
            assert await works(client) == lists[0]
        again = {request.path for request in box.requests[asked:]}
    assert not any(path.startswith(CATALOGUE) for path in again)


async def test_a_cache_that_is_cleared_while_it_is_used_costs_nothing(
    connect: Any, program: list[str], account: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    async with Sandbox().listening() as url, connect(env=account(url)) as client:
        names = await works(client)
        await anyio.run_process([*program, "cache", "clear"], env={"PATH": os.environ["PATH"], **account(url)})
        assert list((tmp_path / "cache").glob("*.db")) == []
        assert await works(client) == names


@pytest.mark.parametrize(
    "more",
    [{"PICA_CACHE": "plain/below"}, {"PICA_CACHE": "off"}, {"HOME": "plain"}, {"HOME": ""}],
    ids=["below a file", "off", "a home that is a file", "no home"],
)
async def test_wherever_nothing_can_be_kept_a_server_works(
    connect: Any, account: Callable[..., dict[str, str]], tmp_path: Path, more: Mapping[str, str]
) -> None:
    (tmp_path / "plain").write_text("")
    told = {name: str(tmp_path / value) if value.startswith("plain") else value for name, value in more.items()}
    async with Sandbox().listening() as url:
        variables = {name: value for name, value in account(url).items() if name != "PICA_CACHE"}
        async with connect(env=variables | told) as client:
            assert await works(client)
    assert os.listdir(tmp_path) == ["plain"]  # noqa: PTH208
