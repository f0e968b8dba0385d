"""What the line writes into the record: one line for each call, whatever becomes of it, and true in every field."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import mcp_types as mcp
import pytest
from mcp import Client, MCPError

from pica_mcp.access import Identity, IdentityType
from pica_mcp.app import App
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import Hang
from pica_mcp.server import build

SEARCH, KNOWLEDGE, EXECUTE = "search_pica_platform_actions", "get_pica_action_knowledge", "execute_pica_action"
MESSAGE = {"connection": "Work", "userId": "me", "id": "nothing"}
ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])

Recorded = Callable[..., Any]


@pytest.fixture
def recorded(serve: Any, tmp_path: Path) -> Recorded:
    """Converse with a record in a file; the function that comes with the client returns its lines so far."""
    path = tmp_path / "audit.jsonl"

    @asynccontextmanager
    async def recorded(mode: str = "auto", person: Any = None, **variables: str) -> AsyncGenerator[Any]:
        def lines() -> list[dict[str, Any]]:
            return [json.loads(line) for line in path.read_text().splitlines()]

        async with (
            serve(PICA_AUDIT=str(path), **variables) as app,
            Client(build(app), mode=mode, elicitation_callback=person) as client,  # pyright: ignore[reportArgumentType]
        ):
            yield client, lines

    return recorded


def told(line: dict[str, Any], *fields: str) -> tuple[Any, ...]:
    return tuple(line[field] for field in fields)


FATE = ("tool", "platform", "effect", "decision", "reason", "outcome", "status", "attempts")


@pytest.mark.parametrize(
    ("tool", "arguments", "settings", "fate"),
    [
        ("gmail_list_messages", {"connection": "Work", "userId": "me"}, {},
         ("gmail", "read", "allowed", None, "ok", 200, 1)),
        ("list_pica_integrations", {}, {}, (None, None, "allowed", None, "ok", None, 0)),
        ("gmail_get_message", MESSAGE, {}, ("gmail", "read", "allowed", None, "error", 404, 1)),
        ("gmail_list_messages", {"userId": "me"}, {}, ("gmail", "read", "refused", "ambiguous", "denied", None, 0)),
        ("gmail_list_messages", {"connection": "Work", "userId": "me", "colour": 1}, {},
         ("gmail", "read", None, "invalid_arguments", "invalid", None, 0)),
        ("gmail_delete_message", MESSAGE, {"PICA_PERMISSIONS": "write"},
         ("gmail", "destructive", "refused", "permission", "denied", None, 0)),
        ("gmail_delete_message", MESSAGE, {"PICA_CONSENT": "always"},
         ("gmail", "destructive", "refused", "cannot_ask", "denied", None, 0)),
        ("slack_list_users", {"connection": "Old workspace"}, {},
         ("slack", "read", "refused", "failed", "denied", None, 0)),
        (SEARCH, {"platform": "slack", "query": "send"}, {"PICA_PLATFORMS": "gmail"},
         (None, None, "refused", "platform_not_allowed", "denied", None, 0)),
        (KNOWLEDGE, {"platform": "gmail", "actionId": "gmail_send_email"}, {"PICA_ACTION_IDS": "gmail GET"},
         (None, None, "refused", "action_not_allowed", "denied", None, 0)),
    ],
)  # fmt: skip
async def test_a_call_is_recorded_as_what_became_of_it(
    recorded: Recorded, tool: str, arguments: dict[str, Any], settings: dict[str, str], fate: tuple[Any, ...]
) -> None:
    async with recorded(**settings) as (client, lines):
        await client.call_tool(tool, arguments)
        (line,) = lines()
    assert told(line, *FATE) == (tool, *fate)
    assert told(line, "caller", "identity_type") == ("ada", "user")
    assert (line["connection"] is None) == (
        line["platform"] is None or line["reason"] in ("ambiguous", "permission", "failed")
    )
    assert (line["action"] is None) == (line["platform"] is None)


async def test_an_unknown_tool_is_recorded_without_its_name(recorded: Recorded) -> None:
    async with recorded() as (client, lines):
        with pytest.raises(MCPError):
            await client.call_tool("sk_live_hush", {})
        (line,) = lines()
    assert told(line, "tool", "outcome", "reason") == (None, "invalid", "unknown_tool")


@pytest.mark.parametrize("way", ["state", "params"])
async def test_a_call_that_is_turned_away_before_the_line_is_recorded(recorded: Recorded, way: str) -> None:
    async with recorded() as (client, lines):
        if way == "state":
            forged = client.session.call_tool("gmail_delete_message", MESSAGE, request_state="forged")
        else:
            nameless = mcp.CallToolRequestParams.model_construct(arguments={})
            forged = client.session.send_request(mcp.CallToolRequest(params=nameless), mcp.CallToolResult)
        with pytest.raises(MCPError):
            await forged
        (line,) = lines()
    assert told(line, "tool", "decision", "outcome", "reason") == (None, None, "invalid", "turned_away")


@ERAS
@pytest.mark.parametrize(("answer", "end"), [
    ("accept", ("confirmed", None, "error", 404, 1)), ("decline", ("declined", "declined", "denied", None, 0)),
])  # fmt: skip
async def test_what_a_person_says_is_recorded(recorded: Recorded, mode: str, answer: Any, end: tuple[Any, ...]) -> None:
    async def person(context: Any, params: mcp.ElicitRequestParams) -> mcp.ElicitResult:
        return mcp.ElicitResult(action=answer)

    async with recorded(mode, person) as (client, lines):
        await client.call_tool("gmail_delete_message", MESSAGE)
        *asked, line = lines()
    assert told(line, "decision", "reason", "outcome", "status", "attempts") == end
    assert [told(first, "decision", "outcome", "attempts") for first in asked] == (
        [] if mode == "legacy" else [(None, "asked", 0)]
    )
    assert {one["connection"] for one in (*asked, line)} == {line["connection"]} != {None}


async def test_attempts_status_and_bytes_are_those_that_there_were(box: Sandbox, recorded: Recorded) -> None:
    mail = {"connection": "Work", "to": "a@example.com", "subject": "s", "body": "b"}
    async with recorded() as (client, lines):
        await client.list_tools()
        box.fail("/v1/passthrough", status=503, body={"key": "err::x", "message": "down"}, times=3)
        await client.call_tool("gmail_list_messages", {"connection": "Work", "userId": "me"})
        assert told(lines()[-1], "attempts", "status", "outcome", "reason") == (3, 503, "error", "unreachable")
        box.heal()
        await client.call_tool("gmail_send_email", mail)
        line = lines()[-1]
        assert line["sent"] > len(json.dumps(mail)) - 40
        assert line["received"] > 10
        box.fail("/v1/passthrough", status=401, body={"error": "no"})
        await client.call_tool("gmail_list_labels", {"connection": "Work", "userId": "me"})
        assert told(lines()[-1], "outcome", "reason", "status") in (
            ("error", "secret_refused", 401), ("error", None, 401),
        )  # fmt: skip


async def test_a_connection_that_was_renewed_meanwhile_is_recorded_with_both_requests(
    box: Sandbox, recorded: Recorded
) -> None:
    async with recorded() as (client, lines):
        await client.call_tool("gmail_list_messages", {"connection": "Work", "userId": "me"})
        old = next(key for key in box.keys("ada") if "::gmail::" in key and box_name(box, key) == "Work")
        box.reauthorize(old)
        await client.call_tool("gmail_list_messages", {"connection": "Work", "userId": "me"})
        before, after = lines()
    assert told(after, "outcome", "attempts") == ("ok", 2)
    assert None not in (before["connection"], after["connection"])
    assert before["connection"] != after["connection"]


def box_name(box: Sandbox, key: str) -> str | None:
    return next(c.name for c in box._account.within("live") if c.key == key)


async def test_a_call_that_is_cancelled_while_it_is_sent_says_that_something_was(
    box: Sandbox, serve: Any, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"
    mail = {"connection": "Work", "to": "a@example.com", "subject": "s", "body": "b"}
    async with serve(PICA_AUDIT=str(path)) as app, anyio.create_task_group() as tasks:
        await app.pipeline.toolbox.list(app.caller)
        box.fail("/v1/passthrough", Hang())
        tasks.start_soon(app.pipeline.call, app.caller, "gmail_send_email", mail)
        await box.until_pending(1)
        tasks.cancel_scope.cancel()
    (line,) = map(json.loads, path.read_text().splitlines())
    assert told(line, "outcome", "reason", "attempts") == ("cancelled", "cancelled", 1)
    assert line["sent"] > 0


async def test_many_callers_in_one_process_are_told_apart(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with serve(PICA_AUDIT=str(path), PICA_AUDIT_HASH_CALLERS="true") as app:
        await both(app)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({line["caller"] for line in lines}) == 2
    assert not {line["caller"] for line in lines} & {"ada", "growth"}


async def both(app: App) -> None:
    team = replace(app.caller, identity=Identity("growth", IdentityType.TEAM))
    for caller in (app.caller, team):
        for _ in range(2):
            await app.pipeline.call(caller, "list_pica_integrations", {})
