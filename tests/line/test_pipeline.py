"""The line that every call travels, from arguments to what the model reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pica_mcp.sandbox import Sandbox

EXECUTE = "execute_pica_action"


async def test_a_named_tool_and_execute_send_the_same_request(serve: Any, passed: Any) -> None:
    async with serve() as app:
        tool = await app.pipeline.toolbox.find(app.caller, "github_create_issue")
        named = {"owner": "ada", "repo": "notes", "title": "T", "body": "B"}
        await app.pipeline.call(app.caller, "github_create_issue", named)
        by_id = {
            "platform": "github",
            "actionId": tool.action.id,
            "pathVariables": {"owner": "ada", "repo": "notes"},
            "data": {"title": "T", "body": "B"},
        }
        await app.pipeline.call(app.caller, EXECUTE, by_id)
        await app.pipeline.call(app.caller, EXECUTE, by_id | {"data": json.dumps(by_id["data"])})
    one, two, three = passed()
    assert one == two == three
    assert json.loads(one.body) == {"title": "T", "body": "B"}


async def test_wrong_arguments_are_told_before_anything_is_sent(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        result = await app.pipeline.call(
            app.caller, "gmail_send_email", {"connection": "Work", "subjct": "a", "cc": 5.5, "body": []}
        )
        assert result.is_error
        words = said(result)
        assert "There is no argument 'subjct'; did you mean 'subject'?" in words
        assert "The argument 'subject' is required" in words
        assert "The argument 'body' must be a string, not an array (" in words
        assert "Nothing was sent" in words
        result = await app.pipeline.call(app.caller, EXECUTE, {"platform": "gmail"})
        assert "The argument 'actionId' is required" in said(result)
        result = await app.pipeline.call(app.caller, "gmail_send_email", {"connection": 5})
        assert "There is no gmail connection '5'" in said(result)
    assert passed() == []


async def test_execute_sends_what_a_document_forgot(serve: Any, told: Any, passed: Any) -> None:
    async with serve() as app:
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_get_emails")
        arguments = {"platform": "gmail", "actionId": tool.action.id, "connectionKey": "Work"}
        await app.pipeline.call(
            app.caller, EXECUTE, arguments | {"data": {"numberOfEmails": "1", "undocumented": True}}
        )
    (sent,) = passed()
    assert json.loads(sent.body) == {
        "numberOfEmails": 1,
        "undocumented": True,
        "connectionKey": sent.header("x-pica-connection-key"),
    }


async def test_execute_checks_what_is_documented(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        tool = await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        arguments = {"platform": "gmail", "actionId": tool.action.id, "connectionKey": "Work", "data": {"to": "a"}}
        result = await app.pipeline.call(app.caller, EXECUTE, arguments)
        assert result.is_error
        assert "The argument 'subject' is required" in said(result)
    assert passed() == []


async def test_an_ambiguous_call_answers_with_the_choices(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        result = await app.pipeline.call(app.caller, "gmail_get_emails", {})
        assert result.is_error
        assert (
            said(result)
            == "Several gmail accounts are connected. Pass one of these as the connection: 'Personal', 'Work'."
        )
    assert passed() == []


@pytest.mark.parametrize("account", [{}, {"connection": "Holiday"}])
async def test_what_else_is_wrong_is_said_with_the_account_that_is_missing(
    serve: Any, said: Any, account: dict[str, str]
) -> None:
    async with serve() as app:
        result = await app.pipeline.call(app.caller, "gmail_send_email", {"to": "grace@example.com", **account})
    assert "Pass one of these as the connection: 'Personal', 'Work'." in said(result)
    assert "The argument 'subject' is required" in said(result)


async def test_a_connection_made_meanwhile_is_found_by_looking_once_more(box: Sandbox, serve: Any, told: Any) -> None:
    async with serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as app:
        await app.pipeline.toolbox.list(app.caller)
        box.connect("gmail", identity="growth", identity_type="team", name="Second")
        assert "emails" in told(await app.pipeline.call(app.caller, "gmail_get_emails", {"connection": "Second"}))
    listings = [request for request in box.requests if request.path == "/v1/vault/connections"]
    assert len(listings) == 2


async def test_a_lost_write_is_not_repeated_and_the_model_is_told_to_check(
    box: Sandbox, serve: Any, said: Any, passed: Any
) -> None:
    box.fail("/v1/passthrough/gmail/send-email", status=504, times=None)
    async with serve() as app:
        mail = {"connection": "Work", "to": "a@b.example", "subject": "S", "body": "B"}
        result = await app.pipeline.call(app.caller, "gmail_send_email", mail)
    assert result.is_error
    assert said(result).startswith("The request was sent, but no usable answer came: it may have been applied.")
    assert len(passed()) == 1


async def test_a_read_is_repeated_and_recovers(box: Sandbox, serve: Any, told: Any, passed: Any) -> None:
    box.fail("/v1/passthrough/users/me/labels", status=503)
    async with serve() as app:
        assert "labels" in told(
            await app.pipeline.call(app.caller, "gmail_list_labels", {"connection": "Work", "userId": "me"})
        )
    assert len(passed()) == 2


async def test_what_reaches_the_model_is_bounded_and_clean(box: Sandbox, serve: Any, said: Any) -> None:
    hostile = '{"text":"' + "x" * 100_000 + '","half":"\\ud800","hidden":"a\\u200b\\u202eb"}'
    box.fail("/v1/passthrough/users/me/labels", status=200, body=hostile, times=None)
    async with serve() as app:
        result = await app.pipeline.call(app.caller, "gmail_list_labels", {"connection": "Work", "userId": "me"})
    words = said(result)
    assert len(words) <= 24_000
    assert "of 100,000 characters of text. The rest: get_pica_result(id=" in words
    words.encode()


async def test_two_accounts_of_one_platform_are_kept_apart(serve: Any, told: Any) -> None:
    async with serve() as app:
        mail = {"to": "a@b.example", "subject": "Only at work", "body": "B"}
        await app.pipeline.call(app.caller, "gmail_send_email", mail | {"connection": "Work"})
        for label, expected in (("Work", True), ("Personal", False)):
            emails = told(await app.pipeline.call(app.caller, "gmail_get_emails", {"connection": label}))["emails"]
            assert any(email["subject"] == "Only at work" for email in emails) is expected


def listings(box: Sandbox) -> int:
    """How many times the connections were asked for."""
    return len([request for request in box.requests if request.path == "/v1/vault/connections"])


async def test_an_account_that_was_connected_again_works_at_once(
    box: Sandbox, serve: Any, told: Any, passed: Any
) -> None:
    old = box.connect("gmail", identity="ada", identity_type="user", name="Third")
    async with serve() as app:
        await app.pipeline.toolbox.list(app.caller)
        box.disconnect(old)
        new = box.connect("gmail", identity="ada", identity_type="user", name="Third")
        assert new != old
        assert "emails" in told(await app.pipeline.call(app.caller, "gmail_get_emails", {"connection": "Third"}))
    first, second = passed()
    assert [one.header("x-pica-connection-key") for one in (first, second)] == [old, new]
    assert json.loads(second.body)["connectionKey"] == new
    assert listings(box) == 2


async def test_a_key_that_pica_keeps_refusing_is_sent_once(box: Sandbox, serve: Any, said: Any, passed: Any) -> None:
    refusal = {"type": "NotFound", "key": "err::x", "status": 404, "message": "Connection not found"}
    box.fail("/v1/passthrough", status=404, body=refusal, times=None)
    async with serve() as app:
        result = await app.pipeline.call(app.caller, "gmail_get_emails", {"connection": "Work"})
    assert result.is_error
    assert said(result).startswith("Pica does not know this connection any more.")
    assert len(passed()) == 1


async def test_a_refused_permission_is_told_without_asking_for_the_connections_again(
    box: Sandbox, serve: Any, said: Any, passed: Any
) -> None:
    async with serve(PICA_PERMISSIONS="write") as app:
        arguments = {"connection": "Work", "userId": "me", "id": "1"}
        for _ in range(2):
            result = await app.pipeline.call(app.caller, "gmail_delete_message", arguments)
            assert result.is_error
            assert said(result) == (
                "The effect of this action is 'destructive', and this server's permission is 'write'. "
                "Choose an action with less effect, or ask the operator to change PICA_PERMISSIONS."
            )
    assert listings(box) == 1
    assert passed() == []


async def test_a_failure_that_slack_tells_with_http_200_is_an_error(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        arguments = {"channel": "#nowhere", "message": "Hello"}
        result = await app.pipeline.call(app.caller, "slack_send_message", arguments)
    assert len(passed()) == 1
    assert result.is_error
    assert said(result).startswith("slack answered with a failure. Correct the arguments and call again.")
    assert "channel_not_found" in said(result)


async def test_an_account_under_the_same_label_but_of_somebody_else_is_no_successor(
    box: Sandbox, converse: Any, told: Any, said: Any
) -> None:
    async with converse(PICA_IDENTITY=None, PICA_IDENTITY_TYPE=None) as client:
        team = box.connect("slack", identity="growth", identity_type="team", name="Shared wiki")
        label = {"connection": "Shared wiki"}
        await client.call_tool("list_pica_integrations", {})
        told(await client.call_tool("slack_list_conversations", label))
        box.disconnect(team)
        mallory = box.connect("slack", identity="mallory", identity_type="user", name="Shared wiki")
        refused = await client.call_tool("slack_list_conversations", label)
        assert refused.is_error
        assert "Pica does not know this connection any more" in said(refused)
    assert mallory not in [dict(request.headers).get("x-pica-connection-key") for request in box.requests]


# What models write that have read Pica's documents, or the other tools' schemas


async def test_what_is_fixed_may_be_passed_as_the_document_says(serve: Any, said: Any, passed: Any) -> None:
    page = {"page_id": "11111111-2222-3333-4444-555555555555"}
    async with serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as app:
        for name, given in (("Notion-Version", "2022-06-28"), ("notion-version", "2022-06-28")):
            await app.pipeline.call(app.caller, "notion_retrieve_page", page | {name: given})
        by_id = {"actionId": "notion_retrieve_page", "arguments": page | {"Notion_Version": "2022-06-28"}}
        await app.pipeline.call(app.caller, EXECUTE, by_id)
        one, two, three = passed()
        assert one == two == three
        assert one.header("notion-version") == "2022-06-28"
        result = await app.pipeline.call(app.caller, "notion_retrieve_page", page | {"Notion-Version": "2021-01-01"})
        assert result.is_error
        assert "'Notion-Version' is always '2022-06-28' here; leave it out." in said(result)
    assert len(passed()) == 3


async def test_arguments_of_a_named_tool_may_be_wrapped_as_those_of_any_action(
    serve: Any, said: Any, passed: Any
) -> None:
    mail = {"to": "a@b.example", "subject": "S", "body": "B"}
    async with serve() as app:
        for given in (
            mail | {"connection": "Work"},
            {"arguments": mail | {"connection": "Work"}},
            {"arguments": json.dumps(mail), "connection": "Work", "cc": None},
        ):
            await app.pipeline.call(app.caller, "gmail_send_email", given)
        one, two, three = passed()
        assert one == two == three
        for unclear in ({"arguments": mail, "cc": "x"}, {"arguments": [mail]}):
            result = await app.pipeline.call(app.caller, "gmail_send_email", unclear | {"connection": "Work"})
            assert "There is no argument 'arguments'" in said(result)
    assert len(passed()) == 3


async def test_the_connection_may_be_called_as_pica_calls_it(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        for given in (
            {"connection": "Work"},
            {"connectionKey": "Work"},
            {"connection": "Work", "connectionKey": "Work"},
            {"connection": "Work", "connectionKey": None},
        ):
            await app.pipeline.call(app.caller, "gmail_get_emails", given)
        by_id = {"actionId": "gmail_get_emails", "arguments": {"connectionKey": "Work"}}
        await app.pipeline.call(app.caller, EXECUTE, by_id)
        assert len(passed()) == 5
        assert all(one == passed()[0] for one in passed())
        two = "The call names two connections. Nothing was sent; give one of them."
        both = {"connection": "Work", "connectionKey": "Personal"}
        assert said(await app.pipeline.call(app.caller, "gmail_get_emails", both)) == two
        assert said(await app.pipeline.call(app.caller, EXECUTE, by_id | {"connectionKey": "Personal"})) == two
    assert len(passed()) == 5


async def test_a_content_type_that_is_sent_anyway_refuses_no_call(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        call = {
            "platform": "github",
            "actionId": "github_create_issue",
            "pathVariables": {"owner": "ada", "repo": "notes"},
            "data": {"title": "T"},
        }
        await app.pipeline.call(app.caller, EXECUTE, call)
        await app.pipeline.call(app.caller, EXECUTE, call | {"headers": {"Content-Type": "application/json"}})
        one, two = passed()
        assert one == two
        for name in ("Authorization", "Content-Type"):
            result = await app.pipeline.call(app.caller, EXECUTE, call | {"headers": {name: "Bearer x"}})
            assert said(result).startswith(f"The header '{name}' may not be set. Leave it out; Pica adds its own.")
    assert len(passed()) == 2


async def test_the_tool_that_reads_says_which_one_writes(serve: Any, said: Any, passed: Any) -> None:
    async with serve() as app:
        mail = {"to": "a@b.example", "subject": "S", "body": "B"}
        call = {"actionId": "gmail_send_email", "connectionKey": "Work", "arguments": mail}
        result = await app.pipeline.call(app.caller, "read_pica_action", call)
    assert result.is_error
    assert said(result) == (
        "read_pica_action only reads, and this call's effect is 'write'; nothing was sent. "
        "Call execute_pica_action, or its own tool."
    )
    assert passed() == []
