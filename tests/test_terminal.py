"""What every command does alike: how it is found, how it ends, and what a terminal is given."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from pica_mcp.cli import commands, main
from pica_mcp.cli.commands import COMMANDS, command, parser, spelt_out
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.rows import Row, lines
from pica_mcp.cli.terminal import cell, screen
from pica_mcp.clients.shell import spelt
from pica_mcp.errors import CallError, InvalidSettings, OutcomeUnknown, PicaError, Unreachable


class Broken:
    """A command that ends as it is told to."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def add(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--debug", action="store_true")

    def run(self, arguments: argparse.Namespace) -> int:
        raise self.error


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str]]:
    """Run a command that raises this; returns the exit code and what was said."""

    def end(error: BaseException, *flags: str) -> tuple[Any, str]:
        broken = Broken(error)
        for room in (main, commands):
            monkeypatch.setattr(room, "command", {"demo": broken}.__getitem__)
        with pytest.raises(SystemExit) as left:
            main.main(["demo", *flags])
        return left.value.code, capsys.readouterr().err

    return end


# Commands


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["serve"]),
        (["--sandbox"], ["serve", "--sandbox"]),
        (["--help"], ["--help"]),
        (["explain", "gmail"], ["explain", "gmail"]),
        (["--sandbox", "--version"], ["--version"]),
        (["cache"], ["cache", "show"]),
        (["cache", "--json"], ["cache", "show", "--json"]),
        (["cache", "refresh"], ["cache", "refresh"]),
        (["cache", "-h"], ["cache", "-h"]),
    ],
)
def test_commands_may_be_left_out(given: list[str], expected: list[str]) -> None:
    assert spelt_out(given) == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for_and_shows_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = argparse.ArgumentParser(f"pica-mcp {name}")
    command(name).add(made)
    assert made.description
    assert made.epilog is None or f"pica-mcp {name}" in made.epilog or name == "serve"
    with pytest.raises(SystemExit) as end:
        parser(name).parse_args([name, "--help"])
    assert end.value.code == 0
    assert made.description.split()[0] in capsys.readouterr().out


def test_only_the_named_command_is_imported() -> None:
    code = "import sys; from pica_mcp.cli.commands import parser; parser('serve'); print([m for m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pica_mcp.cli.serve" in done.stdout
    assert "pica_mcp.cli.demo" not in done.stdout
    assert "'rich" not in done.stdout


# Ends


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSettings("That is wrong.", "Correct it."), 2),
        (CallError("So not."), 2),
        (OutcomeUnknown("Sent.", "Check."), 1),
    ],
)
def test_what_is_known_to_go_wrong_is_one_line(end: Any, error: PicaError, code: int) -> None:
    assert end(error) == (code, f"pica-mcp: {error}\n")


def test_whoever_does_not_reach_pica_is_told_where_to_ask_why(end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"))
    assert end(Unreachable("Away."))[1] == "pica-mcp: Away. `pica-mcp doctor` tells why.\n"


def test_a_command_is_told_as_it_runs_in_the_persons_shell(end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    program = spelt({"PATH": "/nowhere"}, Path.cwd())
    assert end(InvalidSettings("It is not set.", "Run pica-mcp tools."))[1] == (
        f"pica-mcp: It is not set. Run {program} tools.\n"
    )
    assert program != "pica-mcp"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_output_that_nobody_can_write_is_told_as_such() -> None:
    with Path("/dev/full").open("w") as full:
        told = [sys.executable, "-m", "pica_mcp", "completion", "bash"]
        done = subprocess.run(told, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "pica-mcp: The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["conections"], "'conections' is no command. Did you mean connections? See: pica-mcp --help"),
        (["install", "cursr"], "'cursr' is no client. Did you mean cursor? See: pica-mcp install --help"),
        (["--sandbox", "whoami"], "The command comes first: pica-mcp whoami ... See: pica-mcp --help"),
        (["--permission=read"], "There is no --permission=read. Did you mean --permissions? See: pica-mcp --help"),
        (["--max-tools"], "Argument --max-tools: expected one argument. See: pica-mcp serve --help"),
    ],
)
def test_a_slip_is_told_in_one_line_with_what_may_be_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(words)
    assert (left.value.code, capsys.readouterr().err) == (2, f"pica-mcp: {said}\n")


@pytest.mark.parametrize("words", [["sk_live_1_canary"], ["whoami", "--permisions", "sk_live_1_canary"]])
def test_a_key_that_slipped_into_the_line_is_not_shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(words)
    assert left.value.code == 2
    assert "canary" not in capsys.readouterr().err


def test_what_should_not_have_happened_is_one_line_that_says_how_to_see_more(end: Any) -> None:
    code, said = end(ValueError("sk_live_secret"))
    assert (code, len(said.splitlines())) == (1, 1)
    assert "ValueError" in said
    assert "--debug" in said
    assert "sk_live_secret" not in said


def test_with_debug_it_tells_where_but_not_with_which_values(end: Any) -> None:
    code, said = end(ValueError("sk_live_secret"), "--debug")
    assert code == 1
    assert "test_terminal.py" in said
    assert "sk_live_secret" not in said


def test_whoever_interrupts_it_is_told_nothing_more(end: Any) -> None:
    assert end(KeyboardInterrupt()) == (130, "")


# Completion


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("pica-mcp exp", "explain"),
        ("pica-mcp explain --perm", "--permissions"),
        ("pica-mcp serve --consent ", "always"),
        ("pica-mcp install claude-d", "claude-desktop"),
        ("pica-mcp whoami --client cu", "cursor"),
    ],
)
def test_a_shell_is_told_what_could_come_next(line: str, completed: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
        "PATH": "/usr/bin:/bin",
    }
    subprocess.run([sys.executable, "-m", "pica_mcp"], env=asked, capture_output=True, check=True, timeout=60)
    assert completed in answer.read_text().split("\n")


# What a terminal is given


@given(st.text(st.characters(exclude_characters="`"), max_size=200), st.integers(40, 120))
def test_a_row_fits_its_window_and_loses_no_word(body: str, columns: int) -> None:
    told = list(lines([Row("  Name  ", body)], columns))
    assert all(cell_len(line) <= columns for line in told)


@pytest.mark.parametrize("words", ["日本語" * 30, "日本 " * 40, "x" * 300, "a b " * 60])
def test_wide_and_long_words_are_wrapped_within_the_window(words: str) -> None:
    told = list(lines([Row("  Name  ", words)], 44))
    assert all(cell_len(line) <= 44 for line in told)
    assert "".join("".join(told).split()) == "Name" + "".join(words.split())


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_command_is_in_one_line_whatever_stands_before_it(columns: int) -> None:
    command = "`pica-mcp install cursor`"
    for before in range(40):
        told = list(lines([Row("  -> ", f"{'x ' * before}Run {command}, or `pica-mcp doctor`.")], columns))
        assert any(command in line for line in told)
        assert any("`pica-mcp doctor`." in line for line in told)
        assert all(cell_len(line) <= columns for line in told)
    long = f"`pica-mcp{' --flag' * 20}`"
    assert list(lines([Row("  -> ", f"Run {long} now.")], columns)) == ["  -> Run", f"     {long}", "     now."]


def test_words_from_outside_are_neither_markup_nor_commands_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_listing(["name"], [["[red]x[/red] :smile: \x1b]0;title\x07\x1b[31m"], [Text("ours")]])
    printed = capsys.readouterr().out
    assert "[red]x[/red] :smile:" in printed
    assert "\x1b" not in printed
    assert "\x07" not in printed


@pytest.mark.parametrize("columns", range(40, 160, 10))
@pytest.mark.parametrize("longest", [30, 50, 64])
def test_a_listing_breaks_no_name_and_loses_no_word(
    columns: int, longest: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    names, words = ["gmail_send_email", "x" * longest], [f"word{number}" for number in range(30)]
    print_listing(["tool", "effect", "what it does"], [[name, "destructive", " ".join(words)] for name in names])
    shown = capsys.readouterr().out
    assert {line.split()[0] for line in shown.splitlines()} >= set(names)
    assert [shown.split().count(word) for word in words] == [2] * len(words)


def test_a_cell_is_bounded() -> None:
    assert len(cell("x" * 10_000).plain) <= 300


@pytest.mark.parametrize(("unwanted", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_and_for_those_who_want_them(
    unwanted: str,
    coloured: bool,  # noqa: FBT001 - what is expected
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", unwanted)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    screen().print(Text("red", "red"))
    assert ("\x1b[31m" in terminal.getvalue()) is coloured
