"""Whatever happens to an answer on its way: one right answer to the model, the right number of attempts, and go on."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import Busy, Delay, Drip, Fault, GzipBomb, Gzipped, Huge, NotHttp, Reset, Truncated
from pica_mcp.sandbox.lists import Altered, Drifting, Repeating

PASSTHROUGH, CONNECTIONS = "/v1/passthrough", "/v1/vault/connections"
READ: tuple[str, dict[str, Any]] = ("github_get_authenticated_user", {})
WRITE: tuple[str, dict[str, Any]] = ("slack_post_message", {"channel": "general", "text": "Hi"})
LOST = "may have been applied"


def sent(box: Sandbox) -> int:
    return sum(request.path.startswith(PASSTHROUGH) for request in box.requests)


@pytest.mark.parametrize(
    ("faults", "told", "read", "write"),
    [
        ((Delay(0.05),), {}, ("login", 1), ('"ok":true', 1)),
        ((Drip(64, 0.001),), {}, ("login", 1), ('"ok":true', 1)),
        ((Gzipped(),), {}, ("login", 1), ('"ok":true', 1)),
        ((Reset(),), {}, ("login", 2), (LOST, 1)),
        ((Reset(after_bytes=5),), {}, ("login", 2), (LOST, 1)),
        ((Truncated(5),), {}, ("login", 2), (LOST, 1)),
        ((NotHttp(b"garbage\r\n\r\n"),), {}, ("login", 2), (LOST, 1)),
        ((Busy(0),), {}, ("login", 2), ('"ok":true', 2)),
        ((Huge(50_000_000),), {}, ("[The answer is longer than", 1), ("[The answer is longer than", 1)),
        ((GzipBomb(500_000_000),), {}, ("[The answer is longer than", 1), ("[The answer is longer than", 1)),
        ((), {"status": 503}, ("login", 2), (LOST, 1)),
        ((), {"status": 500}, ("login", 2), (LOST, 1)),
        ((), {"status": 429}, ("login", 2), ('"ok":true', 2)),
        ((), {"status": 200, "body": "<p>"}, ("<p>", 1), ("<p>", 1)),
        ((), {"status": 200, "body": b"\xff\x00"}, ("octet-stream, 2 bytes", 1), ("octet-stream, 2 bytes", 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_fault_of_one_answer(
    box: Sandbox,
    over_http: Any,
    said: Any,
    kind: str,
    faults: tuple[Fault, ...],
    told: dict[str, Any],
    read: tuple[str, int],
    write: tuple[str, int],
) -> None:
    (tool, arguments), (says, attempts) = (READ, read) if kind == "read" else (WRITE, write)
    async with over_http() as client:
        box.fail(PASSTHROUGH, *faults, **told)
        result = await client.call_tool(tool, arguments)
        assert says in said(result)
        assert sent(box) == attempts
        assert bool(result.is_error) is (says == LOST)
        box.heal()
        assert not (await client.call_tool(tool, arguments)).is_error
        with anyio.fail_after(2):
            await box.until_pending(0)


@pytest.mark.parametrize(
    "fault",
    [
        Altered({"total": 0, "pages": 0}),
        Altered({"total": 10_000, "pages": 500}),
        Repeating(3),
        Drifting(1),
        Drifting(-1),
    ],
    ids=repr,
)
async def test_a_list_that_lies_about_itself_still_ends_and_repeats_nothing(
    box: Sandbox, over_http: Any, told: Any, fault: Fault
) -> None:
    for number in range(30):
        box.connect("discord", identity="ada", identity_type="user", name=f"Guild {number:02}")
    box.fail(CONNECTIONS, fault, times=None)
    async with over_http() as client:
        answer = told(await client.call_tool("list_pica_integrations", {"query": "discord"}))
    labels = [line["connection"] for line in answer["connections"]]
    assert len(labels) == len(set(labels))
    assert len(labels) >= 20
    assert sum(request.path == CONNECTIONS for request in box.requests) < 60


async def test_a_list_without_rows_is_no_empty_account(box: Sandbox, over_http: Any, said: Any) -> None:
    box.fail(CONNECTIONS, Altered({"rows": None}), times=None)
    async with over_http() as client:
        result = await client.call_tool("list_pica_integrations", {})
    assert result.is_error
    assert "Nothing is connected" not in said(result)


async def test_picas_own_limit_is_waited_out_or_told(box: Sandbox, over_http: Any, said: Any) -> None:
    async with over_http() as client:
        box.limit(1, path_prefix=PASSTHROUGH, refusals=1)
        for tool in (READ, WRITE):
            assert not (await client.call_tool(*tool)).is_error
        assert sent(box) == 3
        box.heal()
        box.limit(0, path_prefix=PASSTHROUGH)
        result = await client.call_tool(*READ)
    assert result.is_error
    assert "limit" in said(result)
