"""The fixed tools: short answers that are enough to act on."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from pica_mcp import catalog as catalog_room
from pica_mcp.discovery import EXECUTING, FIXED_NAMES, Names, find_action, searching
from pica_mcp.discovery.names import meant, platform_meant
from pica_mcp.discovery.reading import digest_without_request
from pica_mcp.documents import passages
from pica_mcp.errors import Refused, UnknownAction, UnknownTool
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import Hang
from pica_mcp.sandbox.growth import grow
from pica_mcp.schemas import outline
from pica_mcp.text import compact

LIST, SEARCH, KNOWLEDGE = "list_pica_integrations", "search_pica_platform_actions", "get_pica_action_knowledge"
EXECUTE, READ, RESULT, BUILD = "execute_pica_action", "read_pica_action", "get_pica_result", "build_pica_request"


async def test_list_tells_labels_and_states_and_no_keys(box: Sandbox, serve: Any, told: Any, said: Any) -> None:
    async with serve() as app:
        result = await app.pipeline.call(app.caller, LIST, {})
    how = "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    assert told(result)["connections"] == [
        {"platform": "github", "connection": "oss"},
        {"platform": "gmail", "connection": "Personal"},
        {"platform": "gmail", "connection": "Work"},
        {"platform": "slack", "connection": "Engines"},
        {"platform": "slack", "connection": "Old workspace", "state": "failed", "reconnect": how},
        {"platform": "stripe", "connection": "Engines billing"},
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
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
    assert found["actions"][0] == {
        "tool": "gmail_send_email",
        "arguments": outline(tool.parameters),
        "connection": ["Personal", "Work"],
        "effect": "write",
    }


async def test_a_hit_tells_the_accounts_only_where_one_has_to_be_named(box: Sandbox, serve: Any, told: Any) -> None:
    async def named(query: str, **settings: Any) -> list[Any]:
        async with serve(**settings) as app:
            hits = told(await app.pipeline.call(app.caller, SEARCH, {"query": query}))["actions"]
        return [hit.get("connection") or hit.get("connectionKey") for hit in hits]

    assert (await named("send an email"))[0] == ["Personal", "Work"]
    assert (await named("send an email", PICA_DEFAULT_CONNECTIONS="gmail=Work"))[0] is None
    assert (await named("send an email", PICA_DEFAULT_CONNECTIONS="gmail=Gone"))[0] == ["Personal", "Work"]
    assert (await named("send an email", PICA_KNOWLEDGE_AGENT="true"))[0] is None
    assert set(await named("list channels in slack")) == {None}  # of its two accounts, one has failed
    for number in range(10):
        box.connect("gmail", identity="ada", identity_type="user", name=f"Account {number}")
    assert len((await named("send an email"))[0]) == 8


async def test_a_call_with_an_account_of_the_hit_succeeds(serve: Any, told: Any) -> None:
    async with serve() as app:
        (hit,) = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list my gmail labels", "limit": 1}))[
            "actions"
        ]
        call = {"actionId": hit["tool"], "arguments": {"userId": "me"}, "connection": hit["connection"][0]}
        assert told(await app.pipeline.call(app.caller, READ, call))["labels"]
        assert told(await app.pipeline.call(app.caller, hit["tool"], {"connection": "Work", "userId": "me"}))["labels"]


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
    assert not [action for action in found["actions"] if "effect" in action]


async def test_knowledge_begins_with_the_arguments_and_is_fenced_as_data(serve: Any, said: Any) -> None:
    async with serve() as app:
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"platform": "gmail", "actionId": tool.action.id}))
        by_name = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": "gmail_send_email"}))
    request, arguments, call, document = words.split("\n", 3)
    assert request == "Send Email (gmail): POST /gmail/send-email, effect: write."
    takes = f"{outline(tool.parameters)}; `connection`*, one of 'Personal', 'Work'"
    assert arguments == f"Arguments (* required): {takes}"
    assert call == (
        "Call: the tool gmail_send_email with these or, where it is not listed, "
        f"{EXECUTE} with actionId 'gmail_send_email' and these as `arguments`."
    )
    assert document.startswith('<data source="Pica\'s document of this action">\n# ')
    assert words.endswith("</data>")
    assert by_name == words


async def test_knowledge_says_which_tool_runs_it_and_by_what_name(serve: Any, said: Any) -> None:
    async def call(name: str, **settings: Any) -> str:
        async with serve(**settings) as app:
            action = await find_action(app.catalog, Names(app.catalog), None, name, app.caller)
            words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": action.id}))
            return words.split("\n")[2].replace(action.id, "ID")

    assert f"{READ} with actionId 'gmail_list_labels' " in await call("gmail_list_labels")
    assert (await call("notion_create_page")).startswith(f"Call: {EXECUTE} with actionId 'ID' ")
    assert (await call("gmail_list_labels", PICA_KNOWLEDGE_AGENT="true")).startswith(
        f"Call: {BUILD} with actionId 'ID' "
    )


async def test_knowledge_leaves_out_of_the_document_what_its_head_tells(serve: Any, said: Any) -> None:
    async with serve() as app:
        digest = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": "gmail_list_labels"}))
        whole = said(
            await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": "gmail_list_labels", "section": "full"})
        )
        part = {"actionId": "gmail_list_labels", "section": "headers"}
        headers = said(await app.pipeline.call(app.caller, KNOWLEDGE, part))
    for heading in ("## Method", "## URL", "## Headers"):
        assert (heading in digest, heading in whole) == (False, True)
    assert "## Description" in digest
    assert "## Headers" in headers


async def test_a_long_document_is_a_digest_with_its_contents_and_each_section_can_be_read(
    serve: Any, said: Any
) -> None:
    name = "googledrive_list_files"
    async with serve() as app:
        digest = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": name}))
        whole = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": name, "section": "full"}))
        action = await find_action(app.catalog, Names(app.catalog), None, name, app.caller)
        slugs = [passage.slug for passage in passages(action.knowledge)]
        for slug in slugs:
            result = await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": name, "section": slug})
            assert not result.is_error
            assert len(said(result)) <= 24_000
        wrong = await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": name, "section": "nowhere"})
    assert len(action.knowledge) > 24_000
    assert 6_000 < len(digest) <= 8_000
    assert 20_000 < len(whole) <= 24_000
    assert "\ndata-models-chunk-4: " in digest
    assert wrong.is_error
    assert slugs[0] in said(wrong)


async def test_an_action_without_a_document_still_tells_its_request(serve: Any, said: Any) -> None:
    async with serve() as app:
        rows = [row for platform in ("hub-spot", "stripe") for row in (await app.catalog.actions(platform)).known]
        (bare, *_) = [d for row in rows if not (d := await app.catalog.details(row)).knowledge.strip()]
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": bare.id}))
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


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("gmail_send_emial", "gmail_send_email"), ("github_create_isue", "github_create_issue")],
)
async def test_a_name_that_nothing_has_is_told_with_those_like_it(
    serve: Any, said: Any, wrong: str, meant: str
) -> None:
    async with serve() as app:
        for tool in (EXECUTE, KNOWLEDGE, BUILD):
            words = said(await app.pipeline.call(app.caller, tool, {"actionId": wrong}))
            assert words.startswith(f"No action is named '{wrong}'. Did you mean {meant}")
    async with serve(PICA_PERMISSIONS="read") as app:
        assert meant not in said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": wrong}))


async def test_a_name_of_a_platform_that_is_not_connected_says_so(serve: Any, said: Any) -> None:
    async with serve() as app:
        words = said(await app.pipeline.call(app.caller, EXECUTE, {"actionId": "notion_create_paeg"}))
    assert words.startswith("No action is named 'notion_create_paeg', and notion is not connected. A person can")
    async with serve(PICA_KNOWLEDGE_AGENT="true") as app:
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, {"actionId": "notion_create_paeg"}))
    assert "Did you mean notion_create_page" in words
    async with serve(PICA_PLATFORMS="gmail") as app:
        words = said(await app.pipeline.call(app.caller, EXECUTE, {"actionId": "notion_create_paeg"}))
    assert words.startswith("No action has the id 'notion_create_paeg'.")


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


# The definitions


async def test_the_fixed_tools_are_few_and_short(serve: Any) -> None:
    async with serve() as app:
        definitions = [tool.definition for tool in app.pipeline.toolbox.fixed(app.caller)]
    shown = [
        compact(one.model_dump(by_alias=True, exclude_none=True, include={"name", "description", "input_schema"}))
        for one in definitions
    ]
    assert tuple(one.name for one in definitions) == FIXED_NAMES
    assert sum(map(len, shown)) / 4 <= 1_350
    in_view = {one.name for one in definitions if one.meta == {"anthropic/alwaysLoad": True}}
    assert in_view == {LIST, SEARCH, EXECUTE, READ}
    assert {one.name for one in definitions if not (one.annotations and one.annotations.read_only_hint)} == {EXECUTE}


async def test_only_what_executes_speaks_of_executing(serve: Any) -> None:
    async with serve() as app:
        for tool in app.pipeline.toolbox.fixed(app.caller):
            if tool.definition.name not in EXECUTING:
                told = tool.definition.model_dump_json()
                assert not [name for name in EXECUTING if name in told]


async def test_where_nothing_is_executed_no_answer_speaks_of_it(serve: Any, said: Any) -> None:
    calls = [
        (LIST, {"query": "gmail"}),
        (SEARCH, {"query": "send an email"}),
        (SEARCH, {"query": "refund", "platform": "stripe", "detail": True}),
        (SEARCH, {"query": "create a page in notion"}),
        (KNOWLEDGE, {"actionId": "gmail_send_email"}),
        (KNOWLEDGE, {"actionId": "nowhere_at_all"}),
        *((BUILD, {"actionId": "gmail_send_email", "mode": mode}) for mode in ("code", "preview", "mock")),
    ]
    async with serve(PICA_KNOWLEDGE_AGENT="true") as app:
        for name, arguments in calls:
            words = said(await app.pipeline.call(app.caller, name, arguments))
            assert words
            assert not [one for one in EXECUTING if one in words]


# Search


async def test_search_without_a_platform_looks_through_all_that_is_connected(serve: Any, told: Any) -> None:
    async with serve() as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send a message"}))["actions"]
        issue = told(await app.pipeline.call(app.caller, SEARCH, {"query": "create an issue"}))["actions"]
        refund = told(await app.pipeline.call(app.caller, SEARCH, {"query": "refund a payment"}))["actions"]
    assert {hit["tool"].partition("_")[0] for hit in found} == {"gmail", "slack"}
    assert issue[0]["tool"] == "github_create_issue"
    assert refund[0]["tool"] == "stripe_create_refund"


@pytest.mark.parametrize(
    ("query", "prefix"), [("send an email with gmail", "gmail_"), ("slack message", "slack_"), ("issues", "github_")]
)
async def test_a_platform_that_is_named_comes_first(serve: Any, told: Any, query: str, prefix: str) -> None:
    async with serve() as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"query": query}))["actions"]
    assert found[0]["tool"].startswith(prefix)


async def test_a_hit_is_enough_to_call_it(serve: Any, told: Any) -> None:
    async with serve() as app:
        call = {"query": "create an issue", "platform": "github", "limit": 1}
        (hit,) = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
        assert {"owner*", "repo*", "title*"} <= set(hit["arguments"].replace(",", "").split())
        arguments = {"owner": "ada", "repo": "engine", "title": "From a hit"}
        made = told(await app.pipeline.call(app.caller, EXECUTE, {"actionId": hit["tool"], "arguments": arguments}))
    assert made["title"] == "From a hit"


async def test_hits_are_short(serve: Any, told: Any) -> None:
    queries = (
        "send an email", "list my emails", "post a message to a channel", "create an issue", "list issues of a repo",
        "create a customer", "refund a payment", "list channels", "find a user", "delete a message",
    )  # fmt: skip
    async with serve() as app:
        answers = [told(await app.pipeline.call(app.caller, SEARCH, {"query": query})) for query in queries]
    hits = [hit for answer in answers for hit in answer["actions"]]
    assert len(hits) > 20
    assert sum(len(compact(hit)) for hit in hits) / 4 / len(hits) <= 60
    assert max(len(compact(hit)) for hit in hits) / 4 <= 90


async def test_what_may_not_be_done_does_not_take_the_place_of_what_may(serve: Any, told: Any) -> None:
    query = {"query": "delete or update or create or send a message", "platform": "gmail", "limit": 1}
    async with serve(PICA_PERMISSIONS="read") as app:
        (hit,) = told(await app.pipeline.call(app.caller, SEARCH, query))["actions"]
    assert "effect" not in hit


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (None, 5), ("2", 2), (100, 20), (-1, 1)])
async def test_as_many_are_shown_as_are_wanted(serve: Any, told: Any, limit: Any, most: int) -> None:
    call = {"query": "list", "platform": "hub-spot", "agentType": "knowledge", "limit": limit}
    async with serve() as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
    assert min(most, 5) <= len(found) <= most


async def test_with_detail_a_hit_has_its_input_schema(serve: Any, told: Any) -> None:
    async with serve() as app:
        call = {"query": "send an email", "platform": "gmail", "detail": True, "limit": 1}
        (hit,) = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
    assert "arguments" not in hit
    assert set(hit["inputSchema"]["required"]) == {"to", "subject", "body"}


async def test_schemas_of_many_hits_stay_whole_json(serve: Any, told: Any, said: Any) -> None:
    async with serve() as app:
        call = {"query": "create", "platform": "openai", "detail": True, "limit": 20, "agentType": "knowledge"}
        result = await app.pipeline.call(app.caller, SEARCH, call)
    assert len(told(result)["actions"]) > 3
    assert len(said(result)) < 24_000


async def test_a_platform_that_cannot_be_searched_is_noted_and_the_others_are_shown(
    box: Sandbox, serve: Any, told: Any, said: Any
) -> None:
    for path in ("search/slack", "slack"):
        box.fail(f"/v1/available-actions/{path}", status=403, body={"message": "no"}, times=None)
    async with serve() as app:
        answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send a message"}))
        alone = await app.pipeline.call(app.caller, SEARCH, {"query": "send a message", "platform": "slack"})
    assert answer["actions"][0]["tool"].startswith("gmail_")
    assert answer["note"].startswith("slack was not searched: Pica refused the request (HTTP 403)")
    assert alone.is_error
    assert said(alone).startswith("Pica refused the request (HTTP 403)")


async def test_a_platform_that_hangs_does_not_hold_up_the_others(
    box: Sandbox, serve: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_SEARCH_SECONDS", 3.5)
    for path in ("search/slack", "slack"):
        box.fail(f"/v1/available-actions/{path}", Hang(), times=None)
    async with serve() as app:
        await app.catalog.actions("gmail")
        answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send an email"}))
    assert answer["actions"][0]["tool"] == "gmail_send_email"
    assert answer["note"].startswith("slack was not searched: Pica did not answer in time")


async def test_of_ten_platforms_the_one_that_hangs_is_noted_in_time(
    box: Sandbox, serve: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_SEARCH_SECONDS", 3.5)
    platforms = ("gmail", "slack", "stripe", "github", "notion", "linear", "exa", "openai", "attio", "supabase")
    for platform in platforms:
        box.connect(platform, identity="bea", identity_type="user")
    for path in ("search/notion", "notion"):
        box.fail(f"/v1/available-actions/{path}", Hang(), times=None)
    async with serve(PICA_IDENTITY="bea") as app:
        for platform in platforms:
            if platform != "notion":
                await app.catalog.actions(platform)
        with anyio.fail_after(6):
            answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "create an issue"}))
    assert [hit["tool"] for hit in answer["actions"][:2]] == ["github_create_issue", "linear_create_issue"]
    assert answer["note"].startswith("notion was not searched: Pica did not answer in time")


async def test_a_narrow_grant_finds_what_picas_own_search_leaves_out(serve: Any, told: Any) -> None:
    async with serve() as app:
        labels = (await find_action(app.catalog, Names(app.catalog), None, "gmail_list_labels", app.caller)).id
        profile = (await find_action(app.catalog, Names(app.catalog), None, "gmail_get_profile", app.caller)).id
    async with serve(PICA_ACTION_IDS=f"{labels},{profile}") as app:
        call = {"query": "send a message", "platform": "gmail"}
        hits = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
    assert {hit["tool"] for hit in hits} == {"gmail_list_labels", "gmail_get_profile"}


@pytest.mark.parametrize("change", [{"tags": ["hidden:agents"]}, {"method": "DELETE"}])
async def test_a_hit_whose_document_tells_worse_is_not_shown(
    box: Sandbox, serve: Any, told: Any, change: dict[str, Any]
) -> None:
    call = {"query": "list labels", "platform": "gmail"}
    async with serve(PICA_PERMISSIONS="read") as app:
        assert told(await app.pipeline.call(app.caller, SEARCH, call))["actions"][0]["tool"] == "gmail_list_labels"
        action = await find_action(app.catalog, Names(app.catalog), None, "gmail_list_labels", app.caller)

    async def worse(scope: Any, receive: Any, send: Any) -> None:
        async def changed(message: Any) -> None:
            if message["type"] == "http.response.body" and scope["path"] == "/v1/knowledge":
                answer = json.loads(message["body"])
                answer["rows"] = [row | change if row["_id"] == action.id else row for row in answer["rows"]]
                message = {**message, "body": json.dumps(answer).encode()}
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name != b"content-length"]
                message = {**message, "headers": headers}
            await send(message)

        await box.app(scope, receive, changed)

    async with serve(worse, PICA_PERMISSIONS="read") as app:
        hits = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
    assert hits
    assert not [hit for hit in hits if hit.get("actionId") == action.id or hit.get("tool") == "gmail_list_labels"]


async def test_a_document_that_hangs_costs_only_the_outline(
    box: Sandbox, serve: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_SEARCH_SECONDS", 3.5)
    monkeypatch.setattr(searching, "_READ_SECONDS", 0.3)
    box.fail("/v1/knowledge", Hang(), times=None)
    async with serve() as app:
        (hit, *_) = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send email", "platform": "gmail"}))[
            "actions"
        ]
    assert hit["title"] == "Send Email"
    assert hit["actionId"].startswith("conn_mod_def::")
    assert hit["arguments"] == f"see {KNOWLEDGE}"


async def test_a_platform_that_is_named_and_not_connected_is_told_of(serve: Any, told: Any) -> None:
    async with serve() as app:
        answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list hubspot deals"}))
    assert answer["note"].endswith("hub-spot is not connected; pass it as `platform` to search it.")


async def test_to_write_code_nothing_has_to_be_connected(serve: Any, told: Any) -> None:
    async with serve(PICA_IDENTITY="nobody", PICA_KNOWLEDGE_AGENT="true") as app:
        answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list hubspot deals"}))
        nowhere = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list deals"}))
    assert (answer["actions"][0]["title"], answer["actions"][0]["platform"]) == ("List Deals", "hub-spot")
    assert "note" not in answer
    assert nowhere == {"actions": [], "note": "Name a platform, as `platform`."}


async def test_with_nothing_connected_search_says_so(serve: Any, told: Any) -> None:
    async with serve(PICA_IDENTITY="nobody") as app:
        answer = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send"}))
    assert answer["actions"] == []
    assert answer["note"].startswith("Nothing is connected for user nobody.")


async def test_a_big_platforms_hits_have_names_and_arguments(serve: Any, told: Any) -> None:
    big = Sandbox(extra=grow(500, 1, document_chars=200))
    big.connect("amber-anvil", identity="ada", identity_type="user")
    async with serve(big.app) as app:
        call = {"query": "archive an account", "platform": "amber-anvil"}
        hits = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"]
        for hit in hits:
            found = await find_action(
                app.catalog, Names(app.catalog), None, hit.get("tool", hit.get("actionId")), app.caller
            )
            assert hit["arguments"] != f"see {KNOWLEDGE}"
            assert hit.get("title", found.title) == found.title
            assert found.platform == "amber-anvil"
    assert len(hits) == 5


async def test_what_the_tools_name_says_is_not_said_again(serve: Any, told: Any) -> None:
    async with serve() as app:
        send = told(await app.pipeline.call(app.caller, SEARCH, {"query": "send email", "platform": "gmail"}))
        comments = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list issue comments"}))
        foreign = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list deals", "platform": "hub-spot"}))
    assert "title" not in send["actions"][0]
    assert foreign["actions"][0]["title"] == "List Deals"
    first, second = (hit["does"] for hit in comments["actions"][:2])
    assert {first[:31], second[:31]} == {"Lists the comments of one issue", "Lists the comments of all issue"}
    assert "GET /repos/{{owner}}/{{repo}}/issues" in first


@pytest.mark.parametrize("written", ["hubspot", "HubSpot", "Hub Spot", "hub_spot", "HUB-SPOT"])
async def test_a_platform_is_meant_however_it_is_spaced(box: Sandbox, serve: Any, told: Any, written: str) -> None:
    box.connect("hub-spot", identity="ada", identity_type="user")
    async with serve() as app:
        (hit, *_) = told(await app.pipeline.call(app.caller, SEARCH, {"query": "list contacts", "platform": written}))[
            "actions"
        ]
        named = {"platform": written, "actionId": hit["tool"]}
        results = [await app.pipeline.call(app.caller, tool, named) for tool in (KNOWLEDGE, BUILD, READ, EXECUTE)]
    assert hit["tool"] == "hubspot_list_contacts"
    assert not [result for result in results if result.is_error]


@pytest.mark.parametrize(
    ("wanted", "platform"),
    [
        ("Google Calendar", "google-calendar"),
        ("hubspot", "hub-spot"),
        ("Wise", "transferwise"),
        ("a-b", "a-b"),
        ("A B", None),
        ("calendar", None),
        ("--", None),
    ],
)
def test_no_platform_is_guessed(wanted: str, platform: str | None) -> None:
    known = {"google-calendar": ("Google Calendar",), "hub-spot": (), "transferwise": ("Wise",), "a-b": (), "ab": ()}
    assert meant(known, wanted) == platform


async def test_a_platform_that_nobody_knows_stays_as_it_was_given(serve: Any) -> None:
    async with serve() as app:
        assert [await platform_meant(app.catalog, one, app.caller) for one in ("nowhere", "--", "", None)] == [
            "nowhere", "--", None, None,
        ]  # fmt: skip


# What a name means


async def test_a_name_is_of_what_is_connected_before_it_is_anothers(serve: Any) -> None:
    async with serve() as app:
        names = Names(app.catalog)
        ours = await find_action(app.catalog, names, None, "gmail_send_email", app.caller)
        others = await find_action(app.catalog, names, None, "hubspot_list_deals", app.caller)
        given = await find_action(app.catalog, names, "gmail", "gmail_send_email", app.caller)
        by_id = await find_action(app.catalog, names, None, ours.id, app.caller)
        for elsewhere in (ours.id, "gmail_send_email"):
            with pytest.raises(Refused, match="This action is of gmail, not of 'slack'"):
                await find_action(app.catalog, names, "slack", elsewhere, app.caller)
        for unknown in ("gmail_never_was", "gmail", "never_was", "_", "gmail_"):
            with pytest.raises(UnknownAction):
                await find_action(app.catalog, names, None, unknown, app.caller)
    assert (ours.title, given.id, by_id.id) == ("Send Email", ours.id, ours.id)
    assert others.platform == "hub-spot"


async def test_a_hit_whose_short_name_hides_its_platform_tells_it(box: Sandbox, serve: Any, told: Any) -> None:
    box.connect("google-calendar", identity="ada", identity_type="user")
    call = {"query": "list calendar events"}
    async with serve(PICA_TOOL_NAME_MAX="20") as app:
        hit = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"][0]
        there = told(await app.pipeline.call(app.caller, SEARCH, {**call, "platform": "google-calendar"}))["actions"][0]
    async with serve() as app:
        long = told(await app.pipeline.call(app.caller, SEARCH, call))["actions"][0]
    assert hit["platform"] == "google-calendar"
    assert "platform" not in there
    assert "platform" not in long


async def test_short_names_are_found_as_well(serve: Any) -> None:
    async with serve(PICA_TOOL_NAME_MAX="20") as app:
        names = Names(app.catalog, max_chars=20)
        for platform in ("google-calendar", "gmail"):
            for name, row in (await names.of(platform)).items():
                assert len(name) <= 20
                if not row.hidden:
                    assert (await find_action(app.catalog, names, None, name, app.caller)).title == row.title


# Running


@pytest.mark.parametrize(
    ("beside", "shown"),
    [
        ("```json\n{}\n```", False),
        ("`x`", False),
        ("```json\n{}\n```\n\nNever send this twice.", True),
        ("```json\n{}\n\n## Rules\n\nNever send this twice.", True),
    ],
)
def test_a_digest_loses_no_rule_that_stands_beside_what_the_head_tells(beside: str, shown: object) -> None:
    document = f"# Send\n\n## Headers\n\n{beside}\n\n## Description\n\nSends.\n"
    told = digest_without_request(document, 1_000)
    assert ("## Headers" in told) is shown
    assert "Sends." in told
    assert ("Never send this twice." in told) is ("Never" in beside)


@pytest.mark.parametrize("tool", [EXECUTE, READ])
async def test_arguments_beside_the_action_are_its_own(serve: Any, told: Any, said: Any, tool: str) -> None:
    flat = {"userId": "me", "maxResults": 1, "labelIds": None}
    async with serve() as app:
        call = {"actionId": "gmail_list_messages", "connection": "Work"}
        beside = told(await app.pipeline.call(app.caller, tool, {**call, **flat}))
        inside = told(await app.pipeline.call(app.caller, tool, {**call, "arguments": flat}))
        both = told(await app.pipeline.call(app.caller, tool, {**call, "maxResults": 1, "arguments": flat}))
        twice = said(await app.pipeline.call(app.caller, tool, {**call, "maxResults": 2, "arguments": flat}))
        wrong = said(await app.pipeline.call(app.caller, tool, {**call, **flat, "maxResult": 1}))
        ours = said(await app.pipeline.call(app.caller, tool, {"action_id": "gmail_list_messages"}))
    assert beside == inside == both
    assert twice == "'maxResults' is given twice. Nothing was sent; give it once."
    assert "There is no argument 'maxResult'; did you mean 'maxResults'?" in wrong
    assert "did you mean 'actionId'?" in ours


async def test_flat_arguments_by_name_send_what_the_official_arguments_send(serve: Any, told: Any, passed: Any) -> None:
    flat = {"userId": "me", "maxResults": 2, "labelIds": ["INBOX", "WORK"]}
    async with serve() as app:
        action = await find_action(app.catalog, Names(app.catalog), None, "gmail_list_messages", app.caller)
        for call in (
            {"actionId": "gmail_list_messages", "arguments": flat, "connectionKey": "Work"},
            {"actionId": "gmail_list_messages", "arguments": {**flat, "connection": "Work"}},
            {"actionId": action.id, "arguments": json.dumps(flat), "connectionKey": "Work"},
            {
                "platform": "gmail",
                "actionId": action.id,
                "connectionKey": "Work",
                "pathVariables": {"userId": "me"},
                "queryParams": {"maxResults": 2, "labelIds": ["INBOX", "WORK"]},
            },
        ):
            told(await app.pipeline.call(app.caller, EXECUTE, call))
    sent = [(one.method, one.path, one.query) for one in passed()]
    assert len(sent) == 4
    assert len(set(map(str, sent))) == 1


async def test_the_twin_runs_what_reads_and_nothing_else(serve: Any, told: Any, said: Any, passed: Any) -> None:
    labels = {"actionId": "gmail_list_labels", "arguments": {"userId": "me"}, "connectionKey": "Work"}
    async with serve() as app:
        whole = told(await app.pipeline.call(app.caller, READ, labels))
        part = told(await app.pipeline.call(app.caller, READ, {**labels, "result_fields": "length(labels)"}))
        before = len(passed())
        mail = {"to": "a@b.example", "subject": "s", "body": "b"}
        call = {"actionId": "gmail_send_email", "arguments": mail, "connectionKey": "Work"}
        refused = await app.pipeline.call(app.caller, READ, call)
    assert part == len(whole["labels"])
    assert refused.is_error
    assert EXECUTE in said(refused)
    assert len(passed()) == before


async def test_more_of_an_answer_is_its_identitys_alone(box: Sandbox, serve: Any, said: Any) -> None:
    box.fail("/v1/passthrough/users/me/labels", status=200, body={"text": "x" * 50_000}, times=None)
    call = {"actionId": "gmail_list_labels", "arguments": {"userId": "me"}, "connectionKey": "Work"}
    async with serve() as app:
        cut = said(await app.pipeline.call(app.caller, READ, call))
        kept = cut[cut.index('id="') + 4 :].partition('"')[0]
        more = await app.pipeline.call(app.caller, RESULT, {"id": kept, "offset": 100, "max_result_tokens": 300})
        as_uri = await app.pipeline.call(app.caller, RESULT, {"id": f"pica://results/{kept}"})
        unknown = await app.pipeline.call(app.caller, RESULT, {"id": "r_none"})
    assert not more.is_error
    assert len(said(more)) <= 1_200
    assert not as_uri.is_error
    assert unknown.is_error
