"""What is asked of every framework, and how a scripted model goes about it; it runs in each framework's environment.

The script is offered tools, calls them, errs as models do, and ends with a sentence that it can know only from the last
answer. It stands in for a model, so no network is needed, and none is allowed.
"""

# ruff: noqa: T201 - a part of programs for people

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any, cast

MAIL = {"to": "grace@example.com", "subject": "The figures", "body": "They are in."}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool, its arguments, and what its answer has to contain."""

    tool: str
    arguments: dict[str, Any]
    answer: str


CALLS = (
    Call("gmail_send_email", MAIL, "connection"),  # forgotten, and the model has to be told
    Call("gmail_send_email", {"connection": "Holiday", **MAIL}, "'Work'"),  # there is none, but there are others
    Call("gmail_send_email", {"connection": "Work", **MAIL}, "success"),
    Call("gmail_get_emails", {"connection": "Work", "query": MAIL["subject"]}, MAIL["body"]),
)


@dataclass(slots=True)
class Script:
    """A model that knows its lines, and notes what happens; `told` is what it ended with."""

    told: str = ""
    notes: list[str] = field(default_factory=list[str])

    def reply(self, offered: Collection[str], answers: Sequence[str]) -> Call | str:
        """Return the next call, or after the last answer a sentence; AssertionError if it is not as it should be."""
        assert {call.tool for call in CALLS} <= set(offered), f"It was offered {sorted(offered)} only."
        if answers:
            self.notes.append(f"   {answers[-1]}")
            assert CALLS[len(answers) - 1].answer in answers[-1], answers[-1]
        if len(answers) < len(CALLS):
            call = CALLS[len(answers)]
            self.notes.append(f"{call.tool} {json.dumps(call.arguments)}")
            return call
        (found,) = (mail for mail in json.loads(answers[-1])["emails"] if mail["subject"] == MAIL["subject"])
        self.told = f"{found['from']} wrote to {found['to']}: {found['body']}"
        return self.told


def run(example: Any) -> str:
    """Run the program that people copy, and return what it printed.

    Which server it starts is told by the first argument as JSON, else by the program. RuntimeError if anything but this
    machine was to be reached.
    """
    if sys.argv[1:]:
        example.PICA |= json.loads(sys.argv[1])
    tried = _watch_network()
    with redirect_stdout(io.StringIO()) as printed:
        asyncio.run(example.main())
    if tried:
        raise RuntimeError(f"It tried to reach {', '.join(tried)}.")
    return printed.getvalue()


def conclude(script: Script, printed: str) -> None:
    """Show what happened; AssertionError unless the script's last words are what the program printed."""
    show([*script.notes, printed.strip()])
    assert script.told, "The script did not come to its end."
    assert printed.strip() == script.told, "The program printed something else."


def show(lines: Sequence[str]) -> None:
    """Print each in a line of its own that fits."""
    for line in lines:
        print(line if len(line) <= 100 else f"{line[:99]}…")


def _watch_network() -> list[str]:
    """Refuse to look up other machines or connect to them from now on; the list fills with what was tried."""
    tried: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host: Any = arguments[0]
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            host = cast(tuple[Any, ...], arguments[1])[0]
        else:
            return
        if host not in ("localhost", "127.0.0.1", "::1"):
            tried.append(str(host))
            raise OSError(f"An example must not reach {host}.")

    sys.addaudithook(listen)
    return tried
