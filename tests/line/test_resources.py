"""What can be read and completed: the caller's own connections without keys, platforms and actions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import mcp_types as mcp
import pytest
from mcp.shared.exceptions import MCPError

from pica_mcp.errors import PicaError, UnknownResource
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow


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
            assert content.mime_type == "application/json"
            assert not [key for key in (*box.keys("ada"), *box.keys("growth")) if key in content.text]


async def test_a_failed_connection_says_how_to_connect_it_again(serve: Any) -> None:
    async with serve() as app:
        content = await app.resources.read(app.caller, "pica://connections/slack/Old%20workspace")
    facts = json.loads(content.text)
    assert (facts["state"], facts["reconnect"]) == (
        "failed",
        "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard",
    )


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


# Platforms and actions


async def test_the_platforms_say_which_of_them_are_connected(serve: Any) -> None:
    async with serve() as app:
        content = await app.resources.read(app.caller, "pica://platforms")
    platforms = {one["platform"]: one for one in json.loads(content.text)["platforms"]}
    assert platforms["gmail"] == {
        "platform": "gmail",
        "name": "Gmail",
        "category": "Communication",
        "connected": True,
    }
    assert not platforms["discord"]["connected"]


async def test_a_platform_tells_its_accounts_and_what_it_can_do_by_the_names_of_tools(serve: Any) -> None:
    async with serve() as app:
        content = json.loads((await app.resources.read(app.caller, "pica://platforms/gmail")).text)
        listed = {tool.definition.name: tool for tool in (await app.pipeline.toolbox.survey(app.caller)).tools}
    assert [(one["connection"], one["uri"]) for one in content["connections"]] == [
        ("Personal", "pica://connections/gmail/Personal"),
        ("Work", "pica://connections/gmail/Work"),
    ]
    assert "connect" not in content
    send = next(action for action in content["actions"] if action["title"] == "Send Email")
    assert listed[send["tool"]].action.id == send["actionId"]
    assert send["effect"] == "write"


async def test_a_platform_that_is_not_connected_says_how_to_connect_it(serve: Any) -> None:
    async with serve() as app:
        content = json.loads((await app.resources.read(app.caller, "pica://platforms/discord")).text)
    assert (content["connections"], content["actions"]) == ([], [])
    assert (
        content["connect"]
        == "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    )


@pytest.mark.parametrize(("platform", "settings"), [("hub-spot", {}), ("gmail", {"PICA_KNOWLEDGE_AGENT": "true"})])
async def test_what_cannot_be_called_by_name_is_told_without_one(
    serve: Any, platform: str, settings: dict[str, str]
) -> None:
    async with serve(**settings) as app:
        content = json.loads((await app.resources.read(app.caller, f"pica://platforms/{platform}")).text)
    assert content["actions"]
    assert not [action for action in content["actions"] if "tool" in action]


async def test_a_platform_is_told_though_the_list_of_all_is_not(box: Sandbox, serve: Any) -> None:
    box.fail("/v1/available-connectors", status=401, times=None)
    async with serve() as app:
        content = json.loads((await app.resources.read(app.caller, "pica://platforms/gmail")).text)
        assert (content["name"], len(content["connections"])) == ("gmail", 2)
        with pytest.raises(PicaError):
            await app.resources.read(app.caller, "pica://platforms/discord")


async def test_an_action_is_a_document_in_markdown_that_is_fenced(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        platform = json.loads((await app.resources.read(app.caller, "pica://platforms/gmail")).text)
        send = next(action for action in platform["actions"] if action["title"] == "Send Email")
        content = await app.resources.read(app.caller, f"pica://actions/{send['actionId']}")
        encoded = await app.resources.read(app.caller, f"pica://actions/{quote(send['actionId'], safe='')}")
        named = await app.resources.read(app.caller, "pica://actions/gmail_send_email")
        with pytest.raises(UnknownResource):
            await app.resources.read(app.caller, "pica://actions/gmail_send_emial")
    assert content.mime_type == "text/markdown"
    assert content.text == encoded.text == named.text
    assert content.text.startswith("Send Email (gmail): POST /gmail/send-email, effect: write.")
    assert '<data source="Pica\'s document of this action">\n# Send Email' in content.text


async def test_what_the_operator_withholds_is_neither_listed_nor_read(serve: Any) -> None:
    async with serve() as app:
        platform = json.loads((await app.resources.read(app.caller, "pica://platforms/gmail")).text)
    sends = next(action["actionId"] for action in platform["actions"] if action["title"] == "Send Email")
    reads = next(action["actionId"] for action in platform["actions"] if action["title"] == "List Messages")
    for setting in ({"PICA_PERMISSIONS": "read"}, {"PICA_ACTION_IDS": reads}):
        async with serve(**setting) as app:
            platform = json.loads((await app.resources.read(app.caller, "pica://platforms/gmail")).text)
            assert sends not in [action["actionId"] for action in platform["actions"]]
            assert (await app.resources.read(app.caller, f"pica://actions/{reads}")).text
            with pytest.raises(UnknownResource):
                await app.resources.read(app.caller, f"pica://actions/{sends}")


async def test_what_is_hidden_from_agents_is_not_listed_and_can_be_read(serve: Any) -> None:
    async with serve() as app:
        content = json.loads((await app.resources.read(app.caller, "pica://platforms/slack")).text)
        hidden = next(a for a in (await app.resources._catalog.actions("slack")).known if a.hidden)
        assert hidden.id not in str(content)
        assert hidden.title in (await app.resources.read(app.caller, f"pica://actions/{hidden.id}")).text


async def test_a_connection_is_dated_and_what_is_connected_comes_first(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        listed = {one.uri: one.annotations for one in await app.resources.list(app.caller)}
        rows = await app.resources._catalog.connections(app.caller.identity)
    work = next(row for row in rows if row.name == "Work")
    assert listed["pica://connections/gmail/Work"].last_modified == work.created_at
    assert listed["pica://connections"].last_modified == max(row.created_at for row in rows)
    priorities = [annotations.priority for annotations in listed.values()]
    assert max(priorities) == listed["pica://connections"].priority == 1.0
    assert min(priorities) == listed["pica://platforms"].priority


async def test_every_template_is_one_that_can_be_read(serve: Any) -> None:
    async with serve() as app:
        values = {"platform": "gmail", "label": "Work", "id": "conn_mod_def::none::none"}
        for template in app.resources.templates():
            assert template.annotations.priority
            uri = template.uri_template.format(**values)
            if "actions" in uri or "results" in uri:
                with pytest.raises(UnknownResource):
                    await app.resources.read(app.caller, uri)
            else:
                assert (await app.resources.read(app.caller, uri)).mime_type == template.mime_type


async def test_what_is_read_is_bounded_and_says_what_is_left_out(box: Sandbox, serve: Any) -> None:
    for number in range(510):
        box.connect("discord", identity="grace", identity_type="user", name=f"{number:03}", tags=["t" * 500] * 30)
    async with serve(PICA_IDENTITY="grace") as app:
        for uri in ("pica://connections", "pica://platforms/discord"):
            content = json.loads((await app.resources.read(app.caller, uri)).text)
            assert (len(content["connections"]), content["more"]) == (500, "10 more connections; the tools find them.")
            assert {len(one["tags"]) for one in content["connections"]} == {20}
            assert max(len(tag) for one in content["connections"] for tag in one["tags"]) == 60
        assert len(await app.resources.list(app.caller)) == 503
        last = json.loads((await app.resources.read(app.caller, "pica://connections/discord/509")).text)
    assert last["connection"] == "509"


async def test_the_secret_part_of_a_key_is_not_shown_as_an_identity(box: Sandbox, serve: Any) -> None:
    async with serve(PICA_IDENTITY=None, PICA_IDENTITY_TYPE=None) as app:
        content = json.loads((await app.resources.read(app.caller, "pica://connections/github/Dashboard")).text)
        rows = await app.catalog.connections(app.caller.identity)
    (row,) = (row for row in rows if row.name == "Dashboard")
    assert row.identity
    assert row.key.endswith(row.identity)
    assert content["identity"] is None


@pytest.mark.parametrize(
    "uri",
    ["connections", "http://connections", "pica://connections//gmail//Work", "pica://connections///", "PICA://x"]
    + [f"pica://actions/{wanted}" for wanted in ("\ud800", "x" * 300_000, "", "..", "%00", "a/b")],
)
async def test_what_is_no_uri_of_ours_is_unknown(serve: Any, uri: str) -> None:
    async with serve() as app:
        with pytest.raises(UnknownResource) as caught:
            await app.resources.read(app.caller, uri)
    assert len(str(caught.value)) < 300


# When Pica cannot tell


async def test_what_was_known_is_read_with_its_time_while_pica_cannot_tell(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        for uri in ("pica://connections", "pica://connections/gmail/Work", "pica://platforms/gmail"):
            fresh = json.loads((await app.resources.read(app.caller, uri)).text)
            assert not {"asOf", "note"} & set(fresh)
            box.fail("/v1/vault/connections", status=401, times=1)
            await app.resources._catalog.known_connections(app.caller.identity, fresh=True)
            stale = json.loads((await app.resources.read(app.caller, uri)).text)
            assert datetime.fromisoformat(stale.pop("asOf")) <= datetime.now(UTC)
            assert stale.pop("note").startswith("This is as of 2")
            assert stale == fresh
            await app.resources._catalog.connections(app.caller.identity, fresh=True)


async def test_the_list_of_integrations_says_as_of_when_it_is(box: Sandbox, converse: Any, told: Any) -> None:
    async with converse() as client:
        fresh = told(await client.call_tool("list_pica_integrations", {}))
        assert "note" not in fresh
        box.fail("/v1/vault/connections", status=401, times=None)
        stale = told(await client.call_tool("list_pica_integrations", {}))
        assert stale["connections"] == fresh["connections"]
        assert re.match(r"This is as of 20\d\d-\d\d-\d\d \d\d:\d\d UTC, since Pica cannot tell now: .+", stale["note"])
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "gmail_send_email" in names
        box.heal()
        assert told(await client.call_tool("list_pica_integrations", {})) == fresh


async def test_the_list_of_integrations_is_never_older_than_the_question(
    box: Sandbox, converse: Any, told: Any
) -> None:
    async with converse() as client:
        await client.call_tool("list_pica_integrations", {})
        box.connect("notion", identity="ada", identity_type="user", name="Wiki")
        answer = told(await client.call_tool("list_pica_integrations", {}))
    assert {"platform": "notion", "connection": "Wiki"} in answer["connections"]


@pytest.mark.parametrize("query", ["communication", "gmail", "Gm", "mail"])
async def test_a_query_finds_connections_as_it_finds_platforms(converse: Any, told: Any, query: str) -> None:
    async with converse() as client:
        answer = told(await client.call_tool("list_pica_integrations", {"query": query}))
    assert {"Work", "Personal"} <= {line["connection"] for line in answer["connections"]}
    assert {"platform": "gmail", "name": "Gmail", "state": "connected"} in answer["platforms"]


# Completions


@pytest.mark.parametrize(
    ("template", "variable", "typed", "given", "values"),
    [
        ("connections/{platform}/{label}", "platform", "", {}, ["github", "gmail", "slack", "stripe"]),
        ("connections/{platform}/{label}", "platform", "G", {}, ["github", "gmail"]),
        ("connections/{platform}/{label}", "platform", "mai", {}, ["gmail"]),
        ("connections/{platform}/{label}", "platform", "discord", {}, []),
        ("connections/{platform}/{label}", "label", "", {"platform": "gmail"}, ["Personal", "Work"]),
        ("connections/{platform}/{label}", "label", "work", {}, ["Work", "Old workspace"]),
        ("connections/{platform}/{label}", "label", "", {"platform": "discord"}, []),
        ("connections/{platform}/{label}", "label", "Growth", {}, []),
        ("connections/{platform}/{label}", "nothing", "", {}, []),
        ("platforms/{platform}", "platform", "disc", {}, ["discord"]),
        ("platforms/{platform}", "platform", "str", {}, ["stripe"]),
    ],
)
async def test_completions_are_what_the_caller_may_see_and_begin_best(
    converse: Any, template: str, variable: str, typed: str, given: dict[str, str], values: list[str]
) -> None:
    async with converse() as client:
        ref = mcp.ResourceTemplateReference(uri=f"pica://{template}")
        found = (await client.complete(ref, {"name": variable, "value": typed}, given)).completion
    assert (found.values, found.total, found.has_more) == (values, len(values), False)


async def test_an_action_is_completed_by_its_words_as_far_as_the_caller_may_run_it(converse: Any, serve: Any) -> None:
    ref = mcp.ResourceTemplateReference(uri="pica://actions/{id}")
    found: dict[str, list[str]] = {}
    for permission in ("admin", "read"):
        async with converse(PICA_PERMISSIONS=permission) as client:
            found[permission] = (await client.complete(ref, {"name": "id", "value": "message"})).completion.values
    async with serve() as app:
        known = [a for p in ("gmail", "slack") for a in (await app.resources._catalog.actions(p)).known]
    titles = {permission: {a.title for a in known if a.id in ids} for permission, ids in found.items()}
    assert titles["admin"] >= {"List Messages", "Get Message", "Send Message", "Post a Message", "Delete a Message"}
    assert titles["read"] == {"List Messages", "Get Message"}


async def test_an_action_whose_id_cannot_be_shown_is_not_offered(box: Sandbox, converse: Any) -> None:
    rows = [
        {"systemId": f"conn_mod_def::{part}::x", "title": f"Find {n}", "method": "GET", "path": f"/{n}", "key": f"k{n}"}
        for n, part in enumerate(["\ud800\u202e", "x" * 5_000, "fine"])
    ]
    page = json.dumps({"rows": rows, "total": 3, "pages": 1, "page": 1})
    box.fail("/v1/available-actions/gmail", status=200, body=page, times=None)
    box.fail("/v1/knowledge", status=200, body=json.dumps({"rows": [], "total": 0, "pages": 0}), times=None)
    async with converse() as client:
        ref = mcp.ResourceTemplateReference(uri="pica://actions/{id}")
        values = (await client.complete(ref, {"name": "id", "value": "find"})).completion.values
    assert values == ["conn_mod_def::fine::x"]


async def test_a_platform_that_cannot_be_told_does_not_hide_the_others(box: Sandbox, converse: Any) -> None:
    box.fail("/v1/available-actions/github", status=400, times=None)
    async with converse() as client:
        ref = mcp.ResourceTemplateReference(uri="pica://actions/{id}")
        assert (await client.complete(ref, {"name": "id", "value": "send"})).completion.values


async def test_no_more_ids_are_looked_for_than_can_be_shown(converse: Any) -> None:
    big = grow(300, 3, document_chars=200)
    box = Sandbox(extra=big)
    for platform in big:
        box.connect(platform.name, identity="ada", identity_type="user")
    async with converse(pica=box.app) as client:
        ref = mcp.ResourceTemplateReference(uri="pica://actions/{id}")
        found = (await client.complete(ref, {"name": "id", "value": ""})).completion
    assert (len(found.values), found.total, found.has_more) == (100, None, True)
    listings = {one.path for one in box.requests if one.path.startswith("/v1/available-actions/")}
    assert 0 < len(listings) < len(big)


async def test_completions_end_at_the_protocols_limit(box: Sandbox, converse: Any) -> None:
    for number in range(130):
        box.connect("notion", identity="grace", identity_type="user", name=f"Wiki {number:03}")
    async with converse(PICA_IDENTITY="grace") as client:
        ref = mcp.ResourceTemplateReference(uri="pica://connections/{platform}/{label}")
        found = (await client.complete(ref, {"name": "label", "value": "wiki"})).completion
    assert (len(found.values), found.total, found.has_more) == (100, 130, True)


async def test_completions_of_what_is_no_template_are_a_protocol_error(converse: Any) -> None:
    async with converse() as client:
        for ref, what in (
            (mcp.ResourceTemplateReference(uri="pica://secrets/{id}"), "no resource template 'pica://secrets/{id}'"),
            (mcp.PromptReference(name="anything"), "no prompt 'anything'"),
        ):
            with pytest.raises(MCPError, match=re.escape(what)) as caught:
                await client.complete(ref, {"name": "id", "value": ""})
            assert caught.value.error.code == mcp.INVALID_PARAMS


async def test_completions_are_empty_while_pica_cannot_tell(box: Sandbox, converse: Any) -> None:
    box.fail("/v1/vault/connections", status=401, times=None)
    async with converse() as client:
        ref = mcp.ResourceTemplateReference(uri="pica://platforms/{platform}")
        assert (await client.complete(ref, {"name": "platform", "value": "g"})).completion.values == []
