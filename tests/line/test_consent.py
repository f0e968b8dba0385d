"""A person is asked before something is destroyed: the same conversation in both protocol eras, for each policy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types as mcp
import pytest
from mcp import Client, MCPError
from mcp_types import InputRequiredResult

from pica_mcp.limits import Limits
from pica_mcp.sandbox import Sandbox
from pica_mcp.server import build

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
DELETE = "gmail_delete_message"
EXECUTE = "execute_pica_action"


@dataclass
class Someone:
    """A person who always gives the same answer, once they are let; keeps what they were asked."""

    action: Any = "accept"
    heard: list[str] = field(default_factory=list[str])
    asked: anyio.Event = field(default_factory=anyio.Event)
    let: anyio.Event | None = None

    async def __call__(self, context: Any, params: mcp.ElicitRequestParams) -> mcp.ElicitResult | mcp.ErrorData:
        self.heard.append(params.message)
        self.asked.set()
        if self.let:
            await self.let.wait()
        if self.action == "error":
            return mcp.ErrorData(code=-32603, message="no window to ask in: sk_live_hush")
        return mcp.ElicitResult(action=self.action, content={} if self.action == "accept" else None)


@pytest.fixture
def deletions(passed: Callable[[], list[Any]]) -> Callable[[], list[str]]:
    """The paths of what was deleted at the provider."""
    return lambda: [request.path for request in passed() if request.method == "DELETE"]


async def a_message(client: Client, told: Any) -> dict[str, str]:
    """Return the arguments that mean one of Ada's messages, in the first of her mailboxes."""
    labels = [
        c["connection"]
        for c in told(await client.call_tool("list_pica_integrations", {}))["connections"]
        if c["platform"] == "gmail"
    ]
    given = {"connection": labels[0], "userId": "me"} if len(labels) > 1 else {"userId": "me"}
    found = told(await client.call_tool("gmail_list_messages", given))
    return given | {"id": found["messages"][0]["id"]}


@asynccontextmanager
async def deleting(
    client: Client, arguments: dict[str, str], person: Someone
) -> AsyncGenerator[list[mcp.CallToolResult]]:
    """Delete a message, from when the person is asked until they are let answer at the end; the result comes later."""
    results: list[mcp.CallToolResult] = []

    async def delete() -> None:
        results.append(await client.call_tool(DELETE, arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(delete)
        await person.asked.wait()
        yield results
        assert person.let
        person.let.set()


@ERAS
@pytest.mark.parametrize("policy", ["auto", "always"])
async def test_a_person_who_agrees_is_asked_once_and_the_call_is_made(
    converse: Any, told: Any, said: Any, deletions: Any, mode: str, policy: str
) -> None:
    ada = Someone()
    async with converse(mode, person=ada, PICA_CONSENT=policy) as client:
        arguments = await a_message(client, told)
        result = await client.call_tool(DELETE, arguments)
    assert not result.is_error, said(result)
    assert len(deletions()) == 1
    (question,) = ada.heard
    assert question.splitlines()[:3] == [
        "An agent wants to do something that may not be undone. Allow it?",
        "Action: Delete Message",
        f"Account: {arguments['connection']} (gmail), of user ada",
    ]
    assert f"DELETE /users/me/messages/{arguments['id']}" in question


@ERAS
@pytest.mark.parametrize("action", ["decline", "cancel"])
@pytest.mark.parametrize("policy", ["auto", "always"])
async def test_a_person_who_does_not_agree_stops_the_call(
    converse: Any, told: Any, said: Any, deletions: Any, mode: str, action: str, policy: str
) -> None:
    async with converse(mode, person=Someone(action), PICA_CONSENT=policy) as client:
        result = await client.call_tool(DELETE, await a_message(client, told))
    assert result.is_error
    assert said(result) == (
        "The person was asked and did not agree; nothing was sent. "
        "Do not try it again or by other means; ask them what they want instead."
    )
    assert deletions() == []


@ERAS
@pytest.mark.parametrize(("policy", "made"), [("auto", True), ("always", False), ("off", True)])
async def test_where_nobody_can_be_asked_the_policy_decides(
    converse: Any,
    told: Any,
    said: Any,
    deletions: Any,
    mode: str,
    policy: str,
    made: bool,  # noqa: FBT001 - a table's column
) -> None:
    async with converse(mode, PICA_CONSENT=policy) as client:
        result = await client.call_tool(DELETE, await a_message(client, told))
    assert result.is_error is not made
    assert len(deletions()) == made
    if not made:
        assert "this client cannot ask one; nothing was sent" in said(result)


@ERAS
async def test_nobody_is_asked_where_consent_is_off_nor_before_what_destroys_nothing(
    converse: Any, told: Any, deletions: Any, mode: str
) -> None:
    ada = Someone("decline")
    async with converse(mode, person=ada, PICA_CONSENT="off") as client:
        assert not (await client.call_tool(DELETE, await a_message(client, told))).is_error
    async with converse(mode, person=ada, PICA_CONSENT="always") as client:
        mail = {"to": "a@example.com", "subject": "s", "body": "b"}
        assert not (await client.call_tool("gmail_send_email", await a_mailbox(client, told) | mail)).is_error
    assert ada.heard == []
    assert len(deletions()) == 1


async def a_mailbox(client: Client, told: Any) -> dict[str, str]:
    return {k: v for k, v in (await a_message(client, told)).items() if k == "connection"}


@ERAS
async def test_running_by_id_is_asked_about_like_running_by_name(
    converse: Any, told: Any, said: Any, deletions: Any, mode: str
) -> None:
    ada = Someone()
    async with converse(mode, person=ada) as client:
        arguments = await a_message(client, told)
        path = {name: value for name, value in arguments.items() if name != "connection"}
        by_id = {"platform": "gmail", "actionId": DELETE, "pathVariables": path}
        account = {"connectionKey": arguments["connection"]} if "connection" in arguments else {}
        result = await client.call_tool(EXECUTE, by_id | account)
    assert not result.is_error, said(result)
    assert (len(ada.heard), len(deletions())) == (1, 1)


@ERAS
@pytest.mark.parametrize("name", ["confirm", "confirmed", "consent", "approved"])
async def test_no_argument_takes_the_persons_place(
    converse: Any, told: Any, deletions: Any, mode: str, name: str
) -> None:
    async with converse(mode, person=Someone("decline")) as client:
        assert (await client.call_tool(DELETE, await a_message(client, told) | {name: True})).is_error
    assert deletions() == []


async def test_a_client_that_fails_to_ask_is_refused_though_it_said_it_could(
    converse: Any, told: Any, said: Any, deletions: Any
) -> None:
    async with converse("legacy", person=Someone("error")) as client:
        result = await client.call_tool(DELETE, await a_message(client, told))
    assert result.is_error
    assert "the client failed to ask the person; nothing was sent" in said(result)
    assert "sk_live" not in said(result)
    assert deletions() == []


@ERAS
async def test_a_waiting_question_blocks_no_other_call_and_has_no_deadline(
    converse: Any, told: Any, deletions: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pica_mcp.pipeline.DEADLINE_SECONDS", 2.0)
    monkeypatch.setattr("pica_mcp.api._SPARE_SECONDS", 0.1)
    monkeypatch.setattr("pica_mcp.app.Limits", lambda: Limits(slots=1))
    ada = Someone(let=anyio.Event())
    async with converse(mode, person=ada) as client:
        arguments = await a_message(client, told)
        async with deleting(client, arguments, ada) as results:
            told(await client.call_tool("gmail_list_messages", {k: v for k, v in arguments.items() if k != "id"}))
            with anyio.move_on_after(2.2) as waited:
                await anyio.Event().wait()
            assert waited.cancelled_caught
            assert (results, deletions()) == ([], [])
    assert not results[0].is_error
    assert len(deletions()) == 1


async def test_more_questions_than_a_person_can_answer_are_not_asked(
    converse: Any, told: Any, said: Any, deletions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pica_mcp.person._MAX_WAITING", 2)
    ada = Someone("decline", let=anyio.Event())
    results: list[str] = []
    async with converse("legacy", person=ada) as client, anyio.create_task_group() as tasks:
        arguments = await a_message(client, told)

        async def delete() -> None:
            results.append(said(await client.call_tool(DELETE, arguments)))

        for _ in range(2):
            tasks.start_soon(delete)
        while len(ada.heard) < 2:
            await anyio.lowlevel.checkpoint()
        assert "Too many questions wait" in said(await client.call_tool(DELETE, arguments))
        assert ada.let
        ada.let.set()
        with anyio.fail_after(10):
            while len(results) < 2:
                await anyio.lowlevel.checkpoint()
        assert "did not agree" in said(await client.call_tool(DELETE, arguments))
    assert deletions() == []


async def test_a_connection_that_went_while_the_person_thought_is_not_used(
    box: Sandbox, converse: Any, told: Any, said: Any, deletions: Any
) -> None:
    ada = Someone(let=anyio.Event())
    async with (
        converse("legacy", person=ada, PICA_POLL_SECONDS="1") as client,
        deleting(client, await a_message(client, told), ada) as results,
    ):
        for gone in [k for k in box.keys("ada") if "::gmail::" in k]:
            box.disconnect(gone)
        told(await client.call_tool("list_pica_integrations", {}))  # looks anew
    assert results[0].is_error
    assert "not connected" in said(results[0]) or "no gmail connection" in said(results[0])
    assert deletions() == []


# The state that a client of the newer era carries back


async def ask(client: Client, arguments: dict[str, str], tool: str = DELETE) -> InputRequiredResult:
    result = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    return result


async def answer(
    client: Client, asked: InputRequiredResult, arguments: dict[str, str], tool: str = DELETE, **changed: Any
) -> Any:
    given: dict[str, Any] = {
        "input_responses": {"consent": mcp.ElicitResult(action="accept", content={})},
        "request_state": asked.request_state,
    }
    return await client.session.call_tool(tool, arguments, allow_input_required=True, **given | changed)


async def test_the_state_is_sealed_and_shows_nothing(converse: Any, told: Any) -> None:
    async with converse(person=Someone()) as client:
        asked = await ask(client, await a_message(client, told))
    assert asked.request_state
    assert not any(word in asked.request_state for word in ("subject", "gmail", "live::"))
    assert list(asked.input_requests or {}) == ["consent"]
    request = (asked.input_requests or {})["consent"]
    assert isinstance(request, mcp.ElicitRequest)
    assert isinstance(request.params, mcp.ElicitRequestFormParams)
    assert request.params.requested_schema == {"type": "object", "properties": {}}


async def test_an_answer_counts_once(converse: Any, told: Any, deletions: Any) -> None:
    async with converse(person=Someone()) as client:
        arguments = await a_message(client, told)
        asked = await ask(client, arguments)
        assert not (await answer(client, asked, arguments)).is_error
        again = await answer(client, asked, arguments)
    assert isinstance(again, InputRequiredResult)
    assert len(deletions()) == 1


async def test_a_no_cannot_be_made_a_yes_afterwards(converse: Any, told: Any, said: Any, deletions: Any) -> None:
    async with converse(person=Someone()) as client:
        arguments = await a_message(client, told)
        asked = await ask(client, arguments)
        no = {"consent": mcp.ElicitResult(action="decline")}
        assert "did not agree" in said(await answer(client, asked, arguments, input_responses=no))
        assert isinstance(await answer(client, asked, arguments), InputRequiredResult)
    assert deletions() == []


@pytest.mark.parametrize("changed", ["arguments", "tool", "state", "forged"])
async def test_an_answer_to_another_question_is_refused(converse: Any, told: Any, deletions: Any, changed: str) -> None:
    async with converse(person=Someone()) as client:
        arguments = await a_message(client, told)
        asked = await ask(client, arguments)
        state = {"state": f"{(asked.request_state or '')[:-4]}AAAA", "forged": '{"subject": "x", "once": "y"}'}
        given = arguments | ({"id": "another"} if changed == "arguments" else {})
        tool = "gmail_trash_message" if changed == "tool" else DELETE
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await answer(client, asked, given, tool, request_state=state.get(changed, asked.request_state))
    assert deletions() == []


async def test_a_state_without_an_answer_and_an_answer_without_a_state_are_asked_again(
    converse: Any, told: Any, deletions: Any
) -> None:
    async with converse(person=Someone()) as client:
        arguments = await a_message(client, told)
        asked = await ask(client, arguments)
        parts: list[dict[str, Any]] = [
            {"input_responses": None},
            {"input_responses": {"other": mcp.ElicitResult(action="accept")}},
            {"request_state": None},
        ]
        for part in parts:
            assert isinstance(await answer(client, asked, arguments, **part), InputRequiredResult)
    assert deletions() == []


async def test_an_answer_for_one_connection_is_none_for_its_successor(
    box: Sandbox, converse: Any, told: Any, deletions: Any
) -> None:
    async with converse(person=Someone(), PICA_POLL_SECONDS="1") as client:
        arguments = await a_message(client, told)
        asked = await ask(client, arguments)
        for key in [k for k in box.keys("ada") if "::gmail::" in k]:
            box.reauthorize(key)
        told(await client.call_tool("list_pica_integrations", {}))
        assert isinstance(await answer(client, asked, arguments), InputRequiredResult)
    assert deletions() == []


async def test_one_callers_answer_is_nobody_elses(serve: Any, told: Any, deletions: Any) -> None:
    async with serve() as mine, serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as other:
        async with Client(build(mine), elicitation_callback=Someone()) as client:
            arguments = await a_message(client, told)
            asked = await ask(client, arguments)
        async with Client(build(other), elicitation_callback=Someone()) as client:
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await answer(client, asked, arguments)
    assert deletions() == []


@ERAS
@pytest.mark.parametrize("change", ["reauthorised", "another"])
async def test_what_a_person_agreed_to_goes_through_no_other_connection(
    box: Sandbox, converse: Any, told: Any, said: Any, passed: Any, mode: str, change: str
) -> None:
    """The list of connections is a minute old at most: Pica itself says that the old one is gone."""
    ada = Someone(let=anyio.Event())
    async with converse(mode, person=ada) as client, deleting(client, await a_message(client, told), ada) as results:
        for key in [k for k in box.keys("ada") if "::gmail::" in k]:
            if change == "reauthorised":
                box.reauthorize(key)
            else:
                box.disconnect(key)
        for name in ("Personal", "Work") if change == "another" else ():
            box.connect("gmail", identity="ada", identity_type="user", name=name)
    (result,) = results
    assert result.is_error
    assert "Pica does not know this connection any more" in said(result)
    assert len(ada.heard) == 1
    assert len(passed()) == 2  # the listing before, and one to the old connection, where nothing was done
