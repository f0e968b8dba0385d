"""`pica-mcp demo`: readable at a glance, and green only if it happened."""

from __future__ import annotations

import os
import subprocess
from argparse import Namespace

import pytest
from mcp_types import CallToolResult, TextContent

from pica_mcp.cli import demo as command


def test_the_demo_shows_every_step_and_fits_a_terminal(program: list[str]) -> None:
    env = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([*program, "demo"], capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == 0, done.stderr
    for shown in (
        "user ada",
        "Old workspace",
        "send_email*",
        "delete_customer!",
        "Lunch on Friday?",
        "refused:",
        "pica://connections/",
        "linear is not connected",
        "list_changed:",
        "Every step happened.",
    ):
        assert shown in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout
    assert "sk_live" not in done.stdout


def test_the_demo_fails_if_a_step_did_not_happen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def pretend(*_: object) -> CallToolResult:
        return CallToolResult(content=[TextContent(text="looks fine")], is_error=False)

    monkeypatch.setattr(command, "_call", pretend)
    assert command.run(Namespace()) == 1
    assert "The demo failed. It did not happen that the mail can be read" in capsys.readouterr().err
