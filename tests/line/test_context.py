"""What ten everyday tasks take of a model's context stays within its bounds: see `tests/benchmarks/context.py`."""

from __future__ import annotations

import anyio
import context as program
import pytest


@pytest.mark.parametrize(("way", "max_tokens", "max_calls"), [("auto", 9_500, 12), ("none", 5_500, 22)])
async def test_ten_tasks_are_done_within_their_budget(way: str, max_tokens: int, max_calls: int) -> None:
    with anyio.fail_after(60):
        meter = await program.measured(way)
    assert meter.calls <= max_calls, program.table({way: meter})
    assert meter.tokens <= max_tokens, program.table({way: meter})


@pytest.mark.parametrize(("way", "max_tokens", "max_calls"), [("auto", 12_350, 22), ("none", 7_150, 28)])
async def test_the_ten_tasks_of_the_control_take_little_more(way: str, max_tokens: int, max_calls: int) -> None:
    with anyio.fail_after(60):
        meter = await program.measured(way, program.CONTROL)
    assert len(program.CONTROL) == len(program.TASKS)
    assert meter.calls <= max_calls, program.table({way: meter}, program.CONTROL)
    assert meter.tokens <= max_tokens, program.table({way: meter}, program.CONTROL)


async def test_the_official_flow_takes_more_of_both() -> None:
    with anyio.fail_after(60):
        official, ours = await program.measured("official"), await program.measured("auto")
    assert official.calls > 2 * ours.calls
    assert official.tokens > ours.tokens
    with anyio.fail_after(60):
        usual = await program.measured("official-long")
        control, searched = [await program.measured(way, program.CONTROL) for way in ("official", "none")]
    assert usual.tokens > 2 * official.tokens
    assert usual.calls == official.calls
    assert control.tokens > 4 * searched.tokens


async def test_a_task_that_cannot_be_done_is_told_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "PLATFORMS", tuple(one for one in program.PLATFORMS if one != "stripe"))
    with anyio.fail_after(60), pytest.raises(program.LostError, match="add a customer in Stripe"):
        await program.measured("auto")
