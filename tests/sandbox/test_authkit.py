"""Pica's own Python client for AuthKit against the sandbox: what it gets right shows what the sandbox gets right.

It keeps its mistakes until its next release; each is asserted, so that a release that mends one is noticed.
"""

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from authkit_token import AuthKitToken
from authkit_token.types import ClientConfig

from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox
from pica_mcp.sandbox.lists import Altered

AUTHKIT = "/v1/authkit"
ADA = {"identity": "ada", "identity_type": "user"}

Create = Callable[..., Any]


async def create(box: Sandbox, secret: str = LIVE_SECRET, **said: Any) -> Any:
    """What the client's blocking call returns."""
    with anyio.fail_after(20):
        async with box.listening() as url:
            client = AuthKitToken(secret, ClientConfig(base_url=url))
            return await anyio.to_thread.run_sync(lambda: client.create(**said))


async def create_async(box: Sandbox, secret: str = LIVE_SECRET, **said: Any) -> Any:
    """What the client's other call returns."""
    with anyio.fail_after(20):
        async with box.listening() as url:
            return await AuthKitToken(secret, ClientConfig(base_url=url)).create_async(**said)


@pytest.fixture(params=[create, create_async])
def token(request: pytest.FixtureRequest) -> Create:
    return request.param


async def test_it_gets_a_page_of_what_can_be_connected(box: Sandbox, token: Create) -> None:
    answer = await token(box, **ADA)
    assert (answer["total"], answer["pages"], answer["page"]) == (len(answer["rows"]), 1, 1)
    assert {"Gmail", "Slack"} <= {row["title"] for row in answer["rows"]}
    assert {row["environment"] for row in answer["rows"]} == {"live"}


async def test_the_secret_decides_on_the_environment(box: Sandbox, token: Create) -> None:
    answer = await token(box, TEST_SECRET, **ADA)
    assert {row["environment"] for row in answer["rows"]} == {"test"}


async def test_what_it_sends(box: Sandbox, token: Create) -> None:
    await token(box, **ADA)
    (request,) = box.requests
    assert (request.method, request.path) == ("POST", AUTHKIT)
    assert request.query == (("limit", "100"), ("page", "1"))
    assert json.loads(request.body) == ADA


async def test_its_tokens_have_no_type_because_it_spells_the_type_wrong(box: Sandbox, token: Create) -> None:
    typed, untyped = await token(box, **ADA), await token(box, identity="ada")
    assert typed["requestId"] == untyped["requestId"]
    other = await token(box, identity="bo")
    assert other["requestId"] != untyped["requestId"]


async def test_it_may_say_nothing_about_whom_the_token_is_for(box: Sandbox, token: Create) -> None:
    assert (await token(box))["rows"]
    assert box.requests[0].body == b"{}"


async def test_several_pages_are_nothing_to_it(box: Sandbox, token: Create) -> None:
    box.fail(AUTHKIT, Altered({"pages": 2}))
    assert await token(box, **ADA) is None
    assert [dict(request.query)["page"] for request in box.requests] == ["1", "2"]


async def test_a_refusal_looks_like_a_token_to_it(box: Sandbox, token: Create) -> None:
    answer = await token(box, "sk_live_1_other", **ADA)
    assert (answer["type"], answer["status"]) == ("Unauthorized", 401)


async def test_a_refusal_in_plain_text_is_an_exception_it_does_not_promise(token: Create) -> None:
    with pytest.raises(json.JSONDecodeError):
        await token(Sandbox(bare_errors=True), "sk_live_1_other", **ADA)
