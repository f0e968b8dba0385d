"""The fixed tools: short answers that are enough to act on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pica_mcp import catalog as catalog_room
from pica_mcp.errors import UnknownTool
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import Hang
from pica_mcp.schemas import derive
from pica_mcp.text import compact

LIST, SEARCH, KNOWLEDGE = "list_pica_integrations", "search_pica_platform_actions", "get_pica_action_knowledge"
EXECUTE = "execute_pica_action"


async def test_list_tells_labels_and_states_and_no_keys(box: Sandbox, serve: Any, told: Any, said: Any) -> None:
    async with serve() as app:
        result = await app.pipeline.call(app.caller, LIST, {})
    assert [(c["platform"], c["connection"], c["state"]) for c in told(result)["connections"]] == [
        ("github", "oss", "operational"),
        ("gmail", "Personal", "operational"),
        ("gmail", "Work", "operational"),
        ("slack", "Engines", "operational"),
        ("slack", "Old workspace", "failed"),
        ("stripe", "Engines billing", "operational"),
    ]
    assert "::" not in said(result)


async def test_list_never_dumps_all_platforms_but_finds_some(serve: Any, told: Any) -> None:
    async with serve() as app:
        assert "platforms" not in told(await app.pipeline.call(app.caller, LIST, {}))
        found = told(await app.pipeline.call(app.caller, LIST, {"query": "Slack"}))["platforms"]
        assert found == [{"platform": "slack", "name": "Slack", "state": "connected"}]
        found = told(await app.pipeline.call(app.caller, LIST, {"query": "Notion"}))["platforms"]
    how = "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    assert found == [{"platform": "notion", "name": "Notion", "connect": how}]


async def test_list_with_a_query_tells_only_what_matches(serve: Any, told: Any) -> None:
    async with serve() as app:
        slack = told(await app.pipeline.call(app.caller, LIST, {"query": "slack"}))
        calendar = told(await app.pipeline.call(app.caller, LIST, {"query": "Calendar"}))
    assert [line["connection"] for line in slack["connections"]] == ["Engines", "Old workspace"]
    assert (calendar["connections"], "note" in calendar) == ([], False)
    assert [found["platform"] for found in calendar["platforms"]] == ["google-calendar"]


async def test_search_names_the_tool_to_call(serve: Any, told: Any) -> None:
    async with serve() as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "Gmail", "query": "send email"}))
        best = found["actions"][0]
        assert best["tool"] == "gmail_send_email"
        assert best["request"] == "POST /gmail/send-email"
        assert best["effect"] == "write"
        assert (await app.pipeline.toolbox.find(app.caller, best["tool"])).action.id == best["actionId"]


async def test_search_of_a_platform_that_is_not_connected_says_so(serve: Any, told: Any) -> None:
    async with serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "stripe", "query": "customer"}))
    assert found["actions"]
    assert not [action for action in found["actions"] if "tool" in action]
    assert found["note"].startswith("stripe is not connected.")


async def test_search_shows_only_what_may_be_done(serve: Any, told: Any) -> None:
    async with serve(PICA_PERMISSIONS="read") as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "gmail", "query": "message delete send"}))
    assert found["actions"]
    assert {action["effect"] for action in found["actions"]} == {"read"}


async def test_knowledge_is_fenced_as_data_with_the_arguments_of_the_tool(serve: Any, said: Any) -> None:
    async with serve() as app:
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"platform": "gmail", "actionId": tool.action.id}))
    request, run, arguments, document = words.split("\n", 3)
    assert request == "Send Email (gmail): POST /gmail/send-email, effect: write."
    assert run.startswith(f"execute_pica_action takes platform 'gmail', actionId '{tool.action.id}', data: to*, ")
    assert arguments == f"Arguments of its own tool: {compact(derive(tool.action).schema)}"
    assert document.startswith('<data source="Pica\'s document of this action">\n# ')
    assert words.endswith("</data>")


async def test_an_action_without_a_document_still_tells_its_request(serve: Any, told: Any, said: Any) -> None:
    async with serve(PICA_TOOLS="all") as app:
        tools = (await app.pipeline.toolbox.list(app.caller)).tools[4:]
        (bare, *_) = [tool.action for tool in tools if not tool.action.knowledge]
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"platform": bare.platform, "actionId": bare.id}))
    assert f"{bare.method} {bare.path}" in words
    assert "no document" in words


@pytest.mark.parametrize(
    "unknown", ["conn_mod_def::AAAAAAAAAAA::BBBBBBBBBBBBBBBBBBBBBB", "gmail", "", "a::b", "x" * 5000]
)
async def test_an_invented_id_is_told_with_where_to_find_real_ones(serve: Any, said: Any, unknown: str) -> None:
    async with serve() as app:
        for name in (KNOWLEDGE, "execute_pica_action"):
            result = await app.pipeline.call(app.caller, name, {"platform": "gmail", "actionId": unknown})
            assert result.is_error
            assert "search_pica_platform_actions" in said(result)
            assert len(said(result)) < 300


async def test_whose_an_account_is_goes_without_saying_only_for_an_identity(serve: Any, told: Any) -> None:
    async with serve() as app:
        lines = told(await app.pipeline.call(app.caller, LIST, {}))["connections"]
        assert not [line for line in lines if "identity" in line]
    async with serve(PICA_IDENTITY=None, PICA_IDENTITY_TYPE=None) as app:
        lines = told(await app.pipeline.call(app.caller, LIST, {"query": "github"}))["connections"]
    assert {line["connection"]: line.get("identity") for line in lines} == {
        "Dashboard": None,
        "acme-bot": "organization acme",
        "apollo-bot": "project apollo",
        "oss": "user ada",
    }


async def test_a_platform_whose_account_failed_is_neither_connected_nor_unknown(
    box: Sandbox, serve: Any, told: Any
) -> None:
    box.connect("linear", identity="ada", identity_type="user", state="failed")
    how = "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    async with serve() as app:
        answer = told(await app.pipeline.call(app.caller, LIST, {"query": "linear"}))
        searched = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "linear", "query": "issue"}))
        read = json.loads((await app.resources.read(app.caller, "pica://platforms")).text)
    line = {"platform": "linear", "connection": "linear", "state": "failed", "reconnect": how}
    assert answer == {"connections": [line], "platforms": [{"platform": "linear", "name": "Linear", "state": "failed"}]}
    assert searched["note"] == f"The linear connection has failed. A person can connect it again: {how}"
    assert {"platform": "linear", "connected": False}.items() <= next(
        one for one in read["platforms"] if one["platform"] == "linear"
    ).items()


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("hubspott", "There is no platform 'hubspott'. Did you mean hub-spot?"),
        ("zzz", "There is no platform 'zzz'. Try another part of its name."),
        ("gmail", None),
    ],
)
async def test_a_query_that_finds_nothing_says_so(serve: Any, told: Any, query: str, note: str | None) -> None:
    async with serve() as app:
        assert told(await app.pipeline.call(app.caller, LIST, {"query": query})).get("note") == note


async def test_what_hangs_is_left_out_after_a_moment(
    box: Sandbox, serve: Any, told: Any, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_room, "_WAIT_SECONDS", 1.05)
    async with serve() as app:
        box.fail("/v1/available-connectors", Hang(), times=None)
        answer = told(await app.pipeline.call(app.caller, LIST, {"query": "gmail"}))
        assert {line["connection"] for line in answer["connections"]} == {"Work", "Personal"}
        assert answer["note"] == "Pica did not answer in time. Try again in a minute."
    async with serve() as app:
        box.fail("/v1/vault/connections", Hang(), times=None)
        result = await app.pipeline.call(app.caller, LIST, {})
        assert (result.is_error, said(result)) == (True, "Pica did not answer in time. Try again in a minute.")


async def test_execute_takes_the_connection_under_the_name_that_tools_have_for_it(serve: Any, told: Any) -> None:
    async with serve() as app:
        action = next(a for a in (await app.catalog.actions("gmail")).known if a.title == "Get Profile")
        call = {"platform": "gmail", "actionId": action.id, "pathVariables": {"userId": "me"}, "connection": "Work"}
        assert told(await app.pipeline.call(app.caller, EXECUTE, call))["emailAddress"]


async def test_a_tool_that_was_listed_and_is_gone_says_why(box: Sandbox, serve: Any, said: Any) -> None:
    async with serve() as app:
        await app.pipeline.toolbox.list(app.caller)
        box.disconnect(next(key for key in box.keys("ada") if "stripe" in key))
        await app.catalog.connections(app.caller.identity, fresh=True)
        result = await app.pipeline.call(app.caller, "stripe_list_customers", {})
        assert said(result).startswith("stripe is not connected. Ask the person to connect it: ")
        with pytest.raises(UnknownTool):
            await app.pipeline.call(app.caller, "stripe_never_was", {})
