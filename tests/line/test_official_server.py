"""The cases that Pica's official server (`@picahq/mcp` 2.1.3) gets wrong, by their numbers in our list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

pytestmark = pytest.mark.usefixtures("box")

SEARCH, KNOWLEDGE, EXECUTE = "search_pica_platform_actions", "get_pica_action_knowledge", "execute_pica_action"


@pytest.fixture
def find(told: Callable[..., Any]) -> Callable[..., Any]:
    """Find an action's id by its title, as a model would."""

    async def find(client: Any, platform: str, title: str) -> str:
        found = told(await client.call_tool(SEARCH, {"platform": platform, "query": title}))
        return next(action["actionId"] for action in found["actions"] if action["title"] == title)

    return find


@pytest.fixture
def foreign(box: Sandbox) -> str:
    return box.connect("gmail", identity="mallory", identity_type="user", name="Mallory's")


async def test_entry_01_headers_cannot_replace_secret_connection_or_action(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse() as client:
        action = await find(client, "slack", "List Conversations")
        for header in ("x-pica-secret", "X-Pica-Connection-Key", "x-pica-action-id", "Content-Type", "X-One-Secret"):
            arguments = {"platform": "slack", "actionId": action, "headers": {header: foreign}}
            refused = await client.call_tool(EXECUTE, arguments)
            assert refused.is_error
            assert header in said(refused)
            assert foreign not in said(refused)
        assert passed() == []
        await client.call_tool(EXECUTE, {"platform": "slack", "actionId": action})
    (sent,) = passed()
    for name, value in (("x-pica-secret", LIVE_SECRET), ("x-pica-action-id", action)):
        assert [v for n, v in sent.headers if n == name] == [value]
    assert len([n for n, _ in sent.headers if n == "x-pica-connection-key"]) == 1


async def test_entry_02_another_identitys_key_is_refused_when_executing(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        for key in (foreign, "live::gmail::default::00000000000000000000000000000000"):
            refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, "connectionKey": key})
            assert refused.is_error
            assert "no gmail connection" in said(refused)
        named = await client.call_tool("gmail_get_emails", {"connection": foreign})
        assert named.is_error
    assert passed() == []


async def test_entry_02_not_even_if_pica_ignores_the_identity_filter(
    box: Sandbox, converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    rows = [
        {"key": foreign, "platform": "gmail", "environment": "live", "identity": "mallory", "identityType": "user"},
        {"key": "live::gmail::default::1", "platform": "gmail", "environment": "live", "identity": "ada"},
        {
            "key": "test::gmail::default::2",
            "platform": "gmail",
            "environment": "test",
            "identity": "ada",
            "identityType": "user",
        },
    ]
    box.fail("/v1/vault/connections", status=200, body={"rows": rows, "total": 3, "pages": 1}, times=None)
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        for key in (row["key"] for row in rows):
            refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, "connectionKey": key})
            assert refused.is_error
        listed = said(await client.call_tool("list_pica_integrations", {}))
        assert "gmail" not in listed
    assert passed() == []


async def test_entry_03_a_platform_cannot_change_the_path_of_a_search(box: Sandbox, converse: Any, said: Any) -> None:
    async with converse() as client:
        for platform in ("../../knowledge?x=", "..", ".", "gmail/../stripe", "gmail%2f..", "gmail#", "\\gmail"):
            refused = await client.call_tool(SEARCH, {"platform": platform, "query": "send"})
            assert refused.is_error
            assert "not the name of a platform" in said(refused)
    assert [r.path for r in box.requests if "search" in r.path or "knowledge" in r.path] == []


async def test_entry_04_a_path_value_cannot_leave_its_segment(converse: Any, find: Any, said: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "List Messages")
        for value in ("..", ".", "%2e%2e", "%252e%252e", "me/../..", "a\\..\\b", "{{secret}}", "a\nb", ""):
            arguments = {
                "platform": "gmail",
                "actionId": action,
                "connectionKey": "Work",
                "pathVariables": {"userId": value},
            }
            refused = await client.call_tool(EXECUTE, arguments)
            assert refused.is_error, value
            assert "userId" in said(refused)
        assert passed() == []
        arguments["pathVariables"] = {"userId": "a/b?c#d"}
        await client.call_tool(EXECUTE, arguments)
    (sent,) = passed()
    assert sent.path == "/v1/passthrough/users/a%2Fb%3Fc%23d/messages"
    assert sent.query == ()


async def test_entry_05_platform_action_and_connection_must_belong_together(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse() as client:
        action = await find(client, "github", "Get a Repository")
        variables = {"pathVariables": {"owner": "a", "repo": "b"}}
        for platform, connection in (
            ("stripe", "Work"),
            ("gmail", "Work"),
            ("github", "Work"),
            ("github", "Engines billing"),
        ):
            arguments = {"platform": platform, "actionId": action, "connectionKey": connection, **variables}
            refused = await client.call_tool(EXECUTE, arguments)
            assert refused.is_error, platform
        lied = await client.call_tool(KNOWLEDGE, {"platform": "gmail", "actionId": action})
        assert lied.is_error
        assert "of github" in said(lied)
    assert passed() == []


async def test_entry_05_knowledge_obeys_the_permission(converse: Any, find: Any, said: Any) -> None:
    async with converse() as client:
        delete = await find(client, "gmail", "Delete Message")
    async with converse(PICA_PERMISSIONS="read") as client:
        refused = await client.call_tool(KNOWLEDGE, {"platform": "gmail", "actionId": delete})
        assert refused.is_error
        assert "permission" in said(refused)


@pytest.mark.parametrize("variable", ["PICA_CONNECTION_KEYS", "PICA_ACTION_IDS", "PICA_IDENTITY_TYPE", "PICA_IDENTITY"])
async def test_entry_06_an_empty_setting_is_an_error_not_everything(serve: Any, variable: str) -> None:
    with pytest.raises(Exception, match=f"{variable} is set but empty"):
        async with serve(**{variable: " "}):
            pass


async def test_entry_08_an_answer_does_not_echo_the_request(converse: Any, said: Any) -> None:
    async with converse() as client:
        answer = said(await client.call_tool("gmail_get_emails", {"connection": "Work"}))
        assert LIVE_SECRET not in answer
        assert "::default::" not in answer
        assert "passthrough" not in answer


async def test_entry_09_a_failed_connection_is_shown_as_such_and_not_used(
    converse: Any, find: Any, said: Any, told: Any, passed: Any
) -> None:
    async with converse() as client:
        connections = told(await client.call_tool("list_pica_integrations", {}))["connections"]
        (broken,) = [c for c in connections if c["connection"] == "Old workspace"]
        assert (broken["state"], broken["reconnect"]) == (
            "failed",
            "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard",
        )
        action = await find(client, "slack", "List Conversations")
        arguments = {"platform": "slack", "actionId": action, "connectionKey": "Old workspace"}
        refused = await client.call_tool(EXECUTE, arguments)
        assert refused.is_error
        assert "has failed" in said(refused)
    assert passed() == []


async def test_entry_11_a_failed_first_load_is_told_and_the_next_one_works(
    box: Sandbox, converse: Any, said: Any, told: Any
) -> None:
    box.fail("/v1/vault/connections", status=500, times=2)  # the first try and its one repetition
    async with converse() as client:
        down = await client.call_tool("list_pica_integrations", {})
        assert down.is_error
        assert "out of order" in said(down)
        assert len(told(await client.call_tool("list_pica_integrations", {}))["connections"]) == 6


async def test_entry_11_a_new_connection_works_and_a_removed_one_does_not(
    box: Sandbox, converse: Any, said: Any, told: Any, passed: Any
) -> None:
    async with converse() as client:
        await client.list_tools()
        key = box.connect("gmail", identity="ada", identity_type="user", name="Brand new")
        assert "emails" in told(await client.call_tool("gmail_get_emails", {"connection": "Brand new"}))
        box.disconnect(key)
        gone = await client.call_tool("gmail_get_emails", {"connection": "Brand new"})
        assert gone.is_error
        assert len(passed()) == 2  # it was sent once more, to learn from Pica that the connection is gone
        assert said(gone) == (
            "There is no gmail connection 'Brand new'. Pass one of these as the connection: 'Personal', 'Work'."
        )


async def test_entry_12_an_empty_page_ends_a_listing_whatever_the_total_says(
    box: Sandbox, converse: Any, told: Any
) -> None:
    box.fail("/v1/vault/connections", status=200, body={"rows": [], "total": 3}, times=None)
    async with converse() as client:
        answer = told(await client.call_tool("list_pica_integrations", {}))
    assert answer["connections"] == []
    assert "Nothing is connected for user ada" in answer["note"]
    assert len(box.requests) == 1


async def test_entry_13_an_empty_search_is_an_answer_with_advice(converse: Any, told: Any) -> None:
    async with converse() as client:
        answer = told(await client.call_tool(SEARCH, {"platform": "gmail", "query": "zzzz qqqq"}))
    assert answer["actions"] == []
    assert "Try other words" in answer["note"]


async def test_entry_14_no_placeholder_is_ever_sent_and_colons_stay(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "List Messages")
        arguments: dict[str, Any] = {"platform": "gmail", "actionId": action, "connectionKey": "Work"}
        given: list[dict[str, Any]] = [{}, {"pathVariables": {}}, {"pathVariables": {"userID": "me"}}]
        for variables in (*given, {"pathVariables": {"userId": None}}):
            refused = await client.call_tool(EXECUTE, arguments | variables)
            assert refused.is_error
            assert "userId" in said(refused)
        assert passed() == []
        await client.call_tool(EXECUTE, arguments | {"pathVariables": {"userId": "urn:user:1"}})
    assert passed()[0].path == "/v1/passthrough/users/urn:user:1/messages"


async def test_entry_15_query_lists_repeat_their_key(converse: Any, find: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "List Messages")
        query = {"labelIds": ["INBOX", "UNREAD"], "maxResults": 5, "q": "a&b=c#d", "pageToken": None}
        variables = {"pathVariables": {"userId": "me"}, "queryParams": query, "connectionKey": "Work"}
        await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, **variables})
        named = {"connection": "Work", "userId": "me", "labelIds": ["INBOX", "UNREAD"], "maxResults": 5, "q": "a&b=c#d"}
        await client.call_tool("gmail_list_messages", named)
    pairs = {("labelIds", "INBOX"), ("labelIds", "UNREAD"), ("maxResults", "5"), ("q", "a&b=c#d")}
    assert [set(sent.query) for sent in passed()] == [pairs, pairs]
    assert [len(sent.query) for sent in passed()] == [4, 4]


async def test_entry_16_form_bodies_are_written_in_brackets(converse: Any, find: Any, told: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "stripe", "Create a Customer")
        data = {"email": "a@b.example", "address": {"city": "Łódź"}, "metadata": {"k": "v"}}
        customer = told(await client.call_tool(EXECUTE, {"platform": "stripe", "actionId": action, "data": data}))
    (sent,) = passed()
    assert sent.header("content-type") == "application/x-www-form-urlencoded"
    assert customer["address"]["city"] == "Łódź"
    assert customer["metadata"] == {"k": "v"}


async def test_entry_19_the_key_of_a_custom_action_is_ours_and_never_the_models(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        arguments = {"platform": "gmail", "actionId": action, "connectionKey": "Work"}
        await client.call_tool(EXECUTE, arguments | {"data": {"connectionKey": foreign}})
        listed = await client.call_tool(EXECUTE, arguments | {"data": [1, 2]})
        assert listed.is_error
        assert "must be an object" in said(listed)
    (sent,) = passed()
    assert json.loads(sent.body) == {"connectionKey": sent.header("x-pica-connection-key")}
    assert foreign not in str(sent)


async def test_entry_22_the_providers_own_message_reaches_the_model(converse: Any, find: Any, said: Any) -> None:
    async with converse() as client:
        action = await find(client, "stripe", "Create a Payment Intent")
        failed = await client.call_tool(EXECUTE, {"platform": "stripe", "actionId": action, "data": {"amount": 5}})
        assert failed.is_error
        assert "currency" in said(failed)


async def test_entry_26_an_id_without_its_prefix_is_understood(converse: Any, find: Any, told: Any) -> None:
    async with converse() as client:
        action = (await find(client, "slack", "List Conversations")).removeprefix("conn_mod_def::")
        assert told(await client.call_tool(EXECUTE, {"platform": "slack", "actionId": action}))["ok"]


async def test_entry_27_a_warm_call_makes_one_request(box: Sandbox, converse: Any) -> None:
    async with converse() as client:
        await client.call_tool("gmail_get_emails", {"connection": "Work"})
        before = len(box.requests)
        await client.call_tool("gmail_get_emails", {"connection": "Work"})
        assert len(box.requests) == before + 1


async def test_entry_32_hidden_actions_are_not_offered_for_running(box: Sandbox, converse: Any, told: Any) -> None:
    hidden = "Find a User by Email"

    async def careless(scope: Any, receive: Any, send: Any) -> None:
        """Search like the sandbox, but find what agents should only read about for running it, too."""
        words = scope.get("query_string", b"").replace(b"executeAgent", b"knowledgeAgent")
        await box.app({**scope, "query_string": words}, receive, send)

    async with converse(pica=careless) as client:
        finds = {"platform": "slack", "query": hidden}
        read = told(await client.call_tool(SEARCH, finds | {"agentType": "knowledge"}))["actions"]
        run = told(await client.call_tool(SEARCH, finds))["actions"]
        assert hidden in [action["title"] for action in read]
        assert hidden not in [action["title"] for action in run]
