"""What ten everyday tasks take of a model's context stays within its bounds: see `tests/benchmarks/context.py`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest

from pica_mcp.discovery import FIXED_NAMES


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark, whose modules import each other as scripts do."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[1] / "benchmarks"), *sys.path])
    return import_module("context")


@pytest.mark.parametrize(("way", "max_tokens", "max_calls"), [("auto", 9_500, 12), ("none", 5_500, 22)])
async def test_ten_tasks_are_done_within_their_budget(program: Any, way: str, max_tokens: int, max_calls: int) -> None:
    with anyio.fail_after(60):
        meter = await program.measured(way)
    assert meter.calls <= max_calls, program.table({way: meter})
    assert meter.tokens <= max_tokens, program.table({way: meter})


@pytest.mark.parametrize(("way", "max_tokens", "max_calls"), [("auto", 12_350, 22), ("none", 7_150, 28)])
async def test_ten_tasks_that_nobody_tuned_for_take_little_more(
    program: Any, way: str, max_tokens: int, max_calls: int
) -> None:
    with anyio.fail_after(60):
        meter = await program.measured(way, program.CONTROL)
    assert len(program.CONTROL) == len(program.TASKS)
    assert meter.calls <= max_calls, program.table({way: meter}, program.CONTROL)
    assert meter.tokens <= max_tokens, program.table({way: meter}, program.CONTROL)


async def test_definitions_are_short(program: Any) -> None:
    with anyio.fail_after(60):
        costs = {name: chars / 4 for name, chars in (await program.measured("all")).definitions.items()}
    fixed = {name: cost for name, cost in costs.items() if name in FIXED_NAMES}
    direct = [cost for name, cost in costs.items() if name not in fixed]
    assert len(fixed) == len(FIXED_NAMES)
    assert sum(fixed.values()) <= 1_800
    assert max(direct) <= 400
    assert sum(direct) <= 200 * len(direct)
    assert len(direct) > 100


async def test_the_official_flow_takes_more_of_both(program: Any) -> None:
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


async def test_a_task_that_cannot_be_done_is_told_aloud(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "PLATFORMS", tuple(one for one in program.PLATFORMS if one != "stripe"))
    with anyio.fail_after(60), pytest.raises(program.LostError, match="add a customer in Stripe"):
        await program.measured("auto")
