"""`pica-mcp demo`: readable at a glance, and green only if it happened."""

from __future__ import annotations

import subprocess
from argparse import Namespace
from collections.abc import Callable

import pytest
from mcp_types import CallToolResult, TextContent

from pica_mcp.cli import demo as command

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_demo_shows_every_step_and_fits_a_terminal_that_does_not_know_every_character(run: Run) -> None:
    done = run("demo", COLUMNS="80", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
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
