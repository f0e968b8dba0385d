"""`pica-mcp doctor`: what is wrong with a set-up, and what to do."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import anyio
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pica_mcp import __version__, text
from pica_mcp.cli.options import Entries, add_settings, describe, flags_of, this_machine
from pica_mcp.cli.rows import Row, lines
from pica_mcp.cli.streams import log_to_stderr
from pica_mcp.cli.terminal import print_json, screen
from pica_mcp.clients import CLIENTS
from pica_mcp.diagnosis import Case, Group, Result, Status, counts, diagnose, exit_code

_HEADINGS = {
    Group.PROGRAM: "This program",
    Group.SETTINGS: "Settings",
    Group.NETWORK: "Network",
    Group.SECRET: "Secret",
    Group.IDENTITY: "Identity",
    Group.CONNECTIONS: "Connections",
    Group.CACHE: "Catalogue on disk",
    Group.TOOLS: "List of tools",
    Group.CLIENTS: "Clients on this machine",
}
_MARKS = {
    Status.OK: ("ok", "green"),
    Status.NOTE: ("note", "cyan"),
    Status.WARNING: ("warn", "yellow"),
    Status.FAILURE: ("FAIL", "bold red"),
    Status.SKIPPED: ("skip", "dim"),
}
_MARK_CHARS = 4
_NAME_CHARS = 24
_WIDE = 80
"""From here on, what is found stands in a column of its own."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell what is wrong with a set-up and what to do: this program, settings and where each comes from, network, "
        "secret, identity, connections, the catalogue on disk, the list of tools, and the clients on this machine, "
        "whose entries of this program are started. With a client, the settings are those of its entry; without one, "
        "those given here, or of the first client that has an entry if nothing is given. It changes nothing, except "
        "that a server that it starts brings up to date what is kept of the catalogue. It tells all within a minute, "
        "and ends with 0 if nothing fails, 1 if something does, 2 if a setting is malformed.",
        "pica-mcp doctor",
        "pica-mcp doctor cursor",
        "pica-mcp doctor --identity ada --identity-type user",
        "pica-mcp doctor --no-start --json",
    )
    names = Entries(client.name for client in CLIENTS)
    about = f"look into what its entry sets; one of {', '.join(names)}, or CLIENT/NAME for one entry of several"
    parser.add_argument("client", nargs="?", choices=names, metavar="CLIENT", help=about)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-start", dest="starts", action="store_false", help="start no client's entry")
    parser.add_argument(
        "--project", action="store_true", help="take the entries of this folder's files, too; whoever wrote them"
    )
    add_settings(parser, with_client=False)


def run(arguments: argparse.Namespace) -> int:
    """Print what is found as it comes, or JSON at the end."""
    log_to_stderr("debug" if arguments.log_level == "debug" else "error")
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what an entry that is broken writes is told as a finding
    return anyio.run(_told, _case(arguments), arguments.json)


async def _told(case: Case, as_json: bool) -> int:  # noqa: FBT001 - anyio takes no keywords
    """Print all, and return the exit code, or end with it at once where a thread is left, as nearly always.

    Idle ones would end by themselves. One may look a name up, though, which nothing can end, and everybody would wait
    for it.
    """
    if as_json:
        results = await diagnose(case, _nothing)
        print_json(_document(results))
    else:
        printer = Printer(screen())
        results = await diagnose(case, printer.show)
        printer.conclude(results)
    sys.stdout.flush()
    if any(not (one is threading.main_thread() or one.daemon) for one in threading.enumerate()):
        os._exit(exit_code(results))
    return exit_code(results)


def _nothing(result: Result) -> None:
    del result


def _case(arguments: argparse.Namespace) -> Case:
    asked = arguments.client or ""
    return Case(
        this_machine(), flags_of(arguments), arguments.sandbox, arguments.starts, arguments.project, client=asked
    )


def _document(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "version": __version__,
        "exit_code": exit_code(tuple(results)),
        "counts": counts(tuple(results)),
        "results": [asdict(result) for result in results],
    }


class Printer:
    """Prints results as they come, each group under its heading."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._group: Group | None = None

    def show(self, result: Result) -> None:
        """Print one."""
        if result.group is not self._group:
            self._print(Text("" if self._group is None else "\n", end="").append(_HEADINGS[result.group], "bold"))
            self._group = result.group
        mark, style = _MARKS[result.status]
        first, *rest = self._wrapped(result)
        self._print(Text("  ").append(mark.ljust(_MARK_CHARS), style).append(first[_MARK_CHARS + 2 :]))
        for line in rest:
            self._print(Text(line))

    def conclude(self, results: Sequence[Result]) -> None:
        """Print how many there are of what is wrong."""
        found = counts(tuple(results))
        failures, warnings = found[Status.FAILURE], found[Status.WARNING]
        style = _MARKS[Status.FAILURE if failures else Status.WARNING if warnings else Status.OK][1]
        told = f"{_some(failures, 'failure')}, {_some(warnings, 'warning')}."
        self._print(Text("\n").append(told.capitalize(), style))

    def _wrapped(self, result: Result) -> Iterator[str]:
        margin, name = " " * (_MARK_CHARS + 4), f"{result.name}: "
        column = " " * (_NAME_CHARS - cell_len(name))
        is_wide = self._console.width >= _WIDE
        rows = [Row(f"{margin}{name}{column}", result.found) if is_wide else Row(margin, f"{name}{result.found}")]
        rows += [Row(f"{margin}  -> ", result.cure)] if result.cure else []
        return lines(rows, self._console.width)

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def _some(count: int, noun: str) -> str:
    return text.some(count, noun) if count else f"no {noun}s"
