"""A server that runs while the account behind it changes, as a child process on its pipes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.faults import Hang

pytestmark = pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")

TOOLS, RESOURCES = "tools/list_changed", "resources/list_changed"
INDEX, BOOKS, PLATFORM = "pica://connections", "pica://connections/stripe/Books", "pica://platforms/stripe"
GRACE: Any = {"identity": "grace", "identity_type": "user"}


class Notices:
    """What the client was told, to be waited for."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[str](100)

    async def __call__(self, message: Any) -> None:
        self._send.send_nowait(getattr(message.params, "uri", message.method.removeprefix("notifications/")))

    async def are(self, *expected: str) -> None:
        """Take as many as are expected: more of them would be in the way of the next ones."""
        told = [await self._receive.receive() for _ in expected]
        assert sorted(told) == sorted(expected)

    def none_is_left(self) -> bool:
        return self._receive.statistics().current_buffer_used == 0

    async def aclose(self) -> None:
        await self._send.aclose()
        await self._receive.aclose()


@asynccontextmanager
async def watching(client: Any, mode: str) -> AsyncGenerator[None]:
    uris = (INDEX, BOOKS)
    if mode == "legacy":
        await client.subscribe_resource(INDEX)
        yield
    else:
        async with client.listen(tools_list_changed=True, resources_list_changed=True, resource_subscriptions=uris):
            yield


async def lists(client: Any) -> tuple[set[str], set[str]]:
    tools = {tool.name for tool in (await client.list_tools()).tools if "_pica_" not in tool.name}
    return tools, {resource.uri for resource in (await client.list_resources()).resources}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_connections_that_come_fail_are_renewed_and_go(connect: Any, mode: str) -> None:
    box, notices = Sandbox(), Notices()
    watched = [BOOKS] if mode == "auto" else []  # the older era has to subscribe to what is there already
    async with box.listening() as url:
        account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "grace"}
        env = {**account, "PICA_IDENTITY_TYPE": "user", "PICA_POLL_SECONDS": "1"}
        async with connect(mode=mode, env=env, hear=notices) as client, watching(client, mode):
            empty = await lists(client)
            assert empty == (set(), {INDEX, "pica://platforms"})

            key = box.connect("stripe", **GRACE, name="Books")
            await notices.are(TOOLS, RESOURCES, INDEX, *watched)
            full = await lists(client)
            assert "stripe_create_customer" in full[0]
            assert full[1] - empty[1] == {BOOKS, PLATFORM}
            if mode == "legacy":
                await client.subscribe_resource(BOOKS)

            box.set_state(key, "failed")
            await notices.are(TOOLS, RESOURCES, INDEX, BOOKS)
            assert await lists(client) == (set(), full[1])
            refused = await client.call_tool("stripe_list_customers", {})
            assert "has failed" in refused.content[0].text

            renewed = box.reauthorize(key)
            await notices.are(TOOLS, RESOURCES, INDEX, BOOKS)
            assert await lists(client) == full
            assert not (await client.call_tool("stripe_list_customers", {})).is_error
            assert box.requests[-1].header("x-pica-connection-key") == renewed

            box.disconnect(renewed)
            await notices.are(TOOLS, RESOURCES, INDEX, BOOKS)
            assert await lists(client) == empty

            box.connect("gmail", **GRACE)
            await notices.are(TOOLS, RESOURCES, INDEX)
            box.fail("/v1/vault/connections", Hang())
            await box.until_pending(1)  # the next look
            box.heal()
            await lists(client)
            assert notices.none_is_left()
    await notices.aclose()
