"""Connections as resources: the caller's own, without keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pica_mcp.errors import UnknownResource
from pica_mcp.sandbox import Sandbox


async def test_every_own_connection_is_a_resource_and_no_other(serve: Any) -> None:
    async with serve() as app:
        assert [resource.uri for resource in await app.resources.list(app.caller)] == [
            "pica://connections",
            "pica://connections/github/oss",
            "pica://connections/gmail/Personal",
            "pica://connections/gmail/Work",
            "pica://connections/slack/Engines",
            "pica://connections/slack/Old%20workspace",
            "pica://connections/stripe/Engines%20billing",
            "pica://platforms",
            "pica://platforms/github",
            "pica://platforms/gmail",
            "pica://platforms/slack",
            "pica://platforms/stripe",
        ]


async def test_every_listed_uri_can_be_read_and_tells_no_key(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        for resource in await app.resources.list(app.caller):
            content = await app.resources.read(app.caller, resource.uri)
            assert json.loads(content.text)
            assert not [key for key in (*box.keys("ada"), *box.keys("growth")) if key in content.text]


async def test_a_failed_connection_says_how_to_connect_it_again(serve: Any) -> None:
    async with serve() as app:
        content = await app.resources.read(app.caller, "pica://connections/slack/Old%20workspace")
    facts = json.loads(content.text)
    assert (facts["state"], facts["reconnect"]) == ("failed", "https://app.picaos.com/connections#open=slack")


@pytest.mark.parametrize(
    "uri",
    [
        "pica://connections/gmail/Growth%20inbox",
        "pica://connections/gmail",
        "pica://nothing",
        "",
        "pica://connections/../x",
    ],
)
async def test_anothers_connection_and_no_connection_are_told_alike(serve: Any, uri: str) -> None:
    async with serve() as app:
        with pytest.raises(UnknownResource, match="There is no resource"):
            await app.resources.read(app.caller, uri)


async def test_a_hostile_name_is_cleaned_and_can_be_read_by_its_uri(box: Sandbox, serve: Any) -> None:
    box.connect("gmail", identity="ada", identity_type="user", name="a/b?c#d%41\u202e\u200b\n{x} \U000e0041")
    async with serve() as app:
        (listed,) = [r for r in await app.resources.list(app.caller) if "a%2Fb" in r.uri]
        assert listed.name == "gmail: a/b?c#d%41 {x}"
        assert json.loads((await app.resources.read(app.caller, listed.uri)).text)["connection"] == "a/b?c#d%41 {x}"
