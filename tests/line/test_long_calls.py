"""Calls that take long, against a Pica on a real socket: they show that they live, end when told to, and always end."""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types as mcp
import pytest

from pica_mcp import answers as room
from pica_mcp import api, pipeline
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import Drip, Hang

PASSTHROUGH = "/v1/passthrough"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_that_gave_a_token_hears_that_its_call_is_alive(
    box: Sandbox, over_http: Any, told: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_BEAT_SECONDS", 0.01)
    box.fail(PASSTHROUGH, Hang())
    beats: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        assert total is None
        beats.append((done, message))
        if len(beats) == 3:
            box.heal()

    async with over_http(mode) as client:
        answer = told(await client.call_tool("github_get_authenticated_user", {}, progress_callback=progress))
        assert "login" in answer
        await anyio.wait_all_tasks_blocked()
        heard = len(beats)
        await client.call_tool("github_get_authenticated_user", {})
        assert len(beats) == heard  # the call is over
    assert [done for done, _ in beats] == sorted({done for done, _ in beats})
    assert all(message and message.startswith("Waiting for the answer") for _, message in beats)


@pytest.mark.parametrize("fault", [Hang(), Drip(1, 0.05)], ids=["no answer", "an answer in drops"])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_that_is_cancelled_frees_its_connection_to_pica(
    box: Sandbox, over_http: Any, mode: str, fault: Any
) -> None:
    async with over_http(mode) as client:
        box.fail(PASSTHROUGH, fault)
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "github_get_authenticated_user")
            await box.until_pending(1)
            calls.cancel_scope.cancel()
        with anyio.fail_after(2):
            await box.until_pending(0)
        assert len(box.abandoned) == 1
        assert not (await client.call_tool("github_get_authenticated_user", {})).is_error


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("github_get_authenticated_user", {}, "Pica"),
        ("slack_post_message", {"connection": "Engines", "channel": "general", "text": "Hi"}, "may have been applied"),
    ],
    ids=["a read", "a write"],
)
async def test_a_call_that_hangs_is_answered_by_its_deadline(
    box: Sandbox,
    over_http: Any,
    said: Any,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    arguments: dict[str, Any],
    says: str,
) -> None:
    monkeypatch.setattr(api, "DEADLINE_SECONDS", 0.3)
    box.fail(PASSTHROUGH, Hang(), times=None)
    async with over_http("auto") as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert says in said(result)


async def test_what_comes_before_the_call_has_the_same_deadline(
    box: Sandbox, over_http: Any, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "DEADLINE_SECONDS", 0.3)
    monkeypatch.setattr(api, "_SPARE_SECONDS", 0.0)
    async with over_http("auto") as client:
        box.fail("/v1/available-actions/search", Hang(), times=None)
        result: mcp.CallToolResult = await client.call_tool(
            "search_pica_platform_actions", {"platform": "discord", "query": "send"}
        )
        assert any(request.path.startswith("/v1/available-actions/search") for request in box.requests)
    assert result.is_error
    assert "Pica" in said(result)
