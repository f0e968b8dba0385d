"""What a person sees of doctor: in any window, with and without colours, whatever the findings hold."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from pica_mcp.cli.doctor import Printer
from pica_mcp.diagnosis import Group, Result, Status
from pica_mcp.diagnosis.report import parted

LONG = "/home/ada/" + "a-very-long-name/" * 12
RESULTS = (
    Result(Group.PROGRAM, "Python", Status.OK, "3.13"),
    Result(Group.NETWORK, "certificate", Status.FAILURE, f"that of {LONG} has expired", "Check this computer's date."),
    Result(Group.CONNECTIONS, "notion/会議の議事録と予定表", Status.WARNING, "degraded: calls may fail", "Wait."),
    Result(Group.CONNECTIONS, "gmail/[red]Work[/red] :smile:", Status.OK, "operational\x1b[31m\u202e"),
    Result(Group.CLIENTS, "Cursor/pica", Status.SKIPPED, "not started: --no-start"),
)


def printed(results: Sequence[Result], width: int, *, colours: bool = False) -> str:
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
        legacy_windows=False,
    )
    printer = Printer(console)
    for result in results:
        printer.show(result)
    printer.conclude(results)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 300])
def test_it_fits_the_window(width: int) -> None:
    lines = printed(RESULTS, width).splitlines()
    assert max(map(cell_len, lines)) <= min(max(width, 40), 100)


def test_each_group_has_its_heading_once_and_each_cure_stands_below_what_it_cures() -> None:
    lines = printed(RESULTS, 60).splitlines()
    assert [line for line in lines if line and line[0] != " "] == [
        "This program",
        "Network",
        "Connections",
        "Clients on this machine",
        "1 failure, 1 warning.",
    ]
    at = next(number for number, line in enumerate(lines) if line.startswith("  FAIL  certificate:"))
    assert any(line.strip() == "-> Check this computer's date." for line in lines[at + 1 : at + 8])


def test_what_comes_from_outside_is_printed_as_it_is_and_controls_nothing() -> None:
    shown = printed(RESULTS, 80)
    assert "gmail/[red]Work[/red] :smile:" in shown
    assert not any(char in shown for char in "\x1b\u202e")


def test_the_status_is_a_word_and_a_colour_and_where_there_are_none_a_word() -> None:
    assert "\x1b[1;31mFAIL" in printed(RESULTS, 60, colours=True)
    assert "\x1b" not in printed(RESULTS, 60)
    words = {"ok", "note", "warn", "FAIL", "skip"}
    for status in Status:
        assert printed([Result(Group.PROGRAM, "x", status, "y")], 60).splitlines()[1].split()[0] in words


@pytest.mark.parametrize(
    ("statuses", "last"),
    [
        ([Status.OK, Status.NOTE, Status.SKIPPED], "No failures, no warnings."),
        ([Status.FAILURE, Status.FAILURE, Status.WARNING], "2 failures, 1 warning."),
    ],
)
def test_the_last_line_counts_what_is_wrong(statuses: list[Status], last: str) -> None:
    shown = printed([Result(Group.PROGRAM, "x", status, "y") for status in statuses], 60)
    assert shown.splitlines()[-1] == last


def test_a_finding_is_one_clean_line_of_bounded_length() -> None:
    result = Result(Group.PROGRAM, "a\nb\x1b[2J", Status.OK, "x\u202e" * 10_000, "do\r\nthis")
    assert (result.name, len(result.found), result.cure) == ("a b[2J", 400, "do this")


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("Pica refuses. Ask the operator to check PICA_SECRET.", ("Pica refuses.", "Check PICA_SECRET.")),
        ("Pica refuses. Tell the operator.", ("Pica refuses.", "Wait.")),
        (
            "It is not on it. Use another, or ask the operator to add it.",
            ("It is not on it.", "Use another, or add it."),
        ),
        ("Pica refuses.", ("Pica refuses.", "Wait.")),
    ],
)
def test_what_is_said_to_models_is_said_to_operators(said: str, parts: tuple[str, str]) -> None:
    assert parted(said, "Wait.") == parts


def test_what_looks_like_a_key_or_a_password_is_never_shown() -> None:
    keys = "sk_live_abc-1 id_test_0123456789abcdef live::gmail::default::k1|e2"
    found = f"{keys} http://ada:p4ss@proxy:1 and PICA_X=test::a.b::c9"
    (result,) = (Result(Group.PROGRAM, "x", Status.OK, found),)
    assert result.found == "sk_live_… id_test_… live::gmail::… http://…@proxy:1 and PICA_X=test::a.b::…"
