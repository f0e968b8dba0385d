"""`pica-mcp call`: a tool called by hand, on the very line that the calls of clients travel."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as mcp
from rich.text import Text

from pica_mcp import text
from pica_mcp.app import App, open_app
from pica_mcp.cli import assignments
from pica_mcp.cli.answer import show
from pica_mcp.cli.options import add_settings, describe, settings_of, take_options_anywhere
from pica_mcp.cli.streams import fail, log_to_stderr
from pica_mcp.cli.terminal import notes
from pica_mcp.cli.waiting import Waiting, waiting
from pica_mcp.consent import Person, Question
from pica_mcp.discovery import EXECUTE, find_action
from pica_mcp.errors import InvalidArguments, PicaError, Reason, Refused, UnknownAction, UnknownTool
from pica_mcp.results.apart import Answer, taken_apart
from pica_mcp.settings import Settings
from pica_mcp.tools import CONNECTION, RESULT_FIELDS

_MAX_FILE_BYTES = 64 * 1024 * 1024
_ABOUT = """\
Call a tool as a client would, under the same rules. An argument is key=text (the tool reads it as a number, true, false
or JSON where it wants that), key:=JSON, key=@file for a file's text, key:=@file for its JSON, or key@file for a file to
send; "-" in place of a file is stdin. key[inner]=text goes inside of an object, key[]=text or the same key again into
a list. Before something is destroyed you are asked."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        _ABOUT.replace("\n", " "),
        "pica-mcp call gmail_list_messages --connection Work userId=me maxResults=5",
        "pica-mcp call gmail_list_messages --connection Work userId=me 'result_fields=messages[].id'",
        "pica-mcp call slack_post_message channel=general text='Lunch is ready'",
        "pica-mcp call slack_post_message channel=general text=@note.txt",
        "pica-mcp call github_create_issue owner=ada repo=engine title='It leaks' labels[]=bug",
        "pica-mcp call stripe_create_customer --arguments @customer.json name='Ada Lovelace'",
        "pica-mcp call gmail_delete_message --connection Personal userId=me id=188971b79fca7426 --yes",
    )
    parser.add_argument("tool", metavar="TOOL", help="a tool's name, or an action's id")
    parser.add_argument("words", nargs="*", default=[], metavar="KEY=VALUE", help="an argument of the tool")
    parser.add_argument(
        "--arguments", metavar="JSON", help="all arguments as one object, @file or -; others go over it"
    )
    parser.add_argument("--connection", metavar="LABEL", help="through which account, where there are several")
    parser.add_argument("--yes", action="store_true", help="agree beforehand to what may not be undone")
    parser.add_argument("--all", action="store_true", help="show all of a long answer")
    parser.add_argument("--output", metavar="FILE", help="write the answer there; needed for images and other files")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--raw", action="store_true", help="print the answer as a model reads it")
    form.add_argument("--json", action="store_true", help="print JSON, also where the answer is text")
    add_settings(parser)
    take_options_anywhere(parser)


def run(arguments: argparse.Namespace) -> int:
    """Call the tool and print its answer: 1 if it is an error or was not agreed to, 2 if it could not be read."""
    settings = settings_of(arguments)
    log_to_stderr(settings.log_level)
    given = _given(arguments)
    _check_output(arguments.output)
    if settings.origins["audit"].kind == "default":  # its lines would stand among the answer
        settings = replace(settings, audit="off")
    answer = anyio.run(_answered, settings, arguments, given)
    if isinstance(answer, PicaError):
        return fail(answer)
    return show(answer, arguments.output, raw=arguments.raw, as_json=arguments.json)


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    read = cache(_content)  # stdin can be read but once
    whole = {} if arguments.arguments is None else assignments.whole(arguments.arguments, read)
    given = {**whole, **assignments.parse(arguments.words, read)}
    if arguments.connection is None:
        return given
    if given.get(CONNECTION, arguments.connection) != arguments.connection:
        raise InvalidArguments("The call names two connections.", "Give one of them, with --connection.")
    return {**given, CONNECTION: arguments.connection}


def _check_output(output: str | None) -> None:
    """Raise `InvalidArguments` where the answer could not be written: after the call it would be lost."""
    if output is not None and not _may_be_written(output):
        problem = f"'{text.line(output, 100)}' cannot be written: it is a folder, or in none that takes it."
        raise InvalidArguments(problem, "Nothing was sent; give another --output.")


def _may_be_written(output: str) -> bool:
    try:
        return not S_ISDIR(Path(output).stat().st_mode) and os.access(output, os.W_OK)
    except FileNotFoundError:
        folder = Path(output).parent
        return folder.is_dir() and os.access(folder, os.W_OK)
    except (OSError, ValueError):
        return False


def _content(path: str) -> bytes:
    try:
        if path == assignments.STDIN:
            content = sys.stdin.buffer.read(_MAX_FILE_BYTES + 1)
        else:
            with Path(path).expanduser().open("rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, RuntimeError, ValueError, AttributeError) as error:  # nobody's home, no path, stdin is closed
        why = getattr(error, "strerror", None) or "it is not there"
        problem = f"'{text.line(path, 100)}' cannot be read: {why}."
        raise InvalidArguments(problem, "Text that begins with @ is written as JSON: key:='\"@...\"'.") from None
    if len(content) > _MAX_FILE_BYTES:
        raise InvalidArguments(f"'{text.line(path, 100)}' has more than {_MAX_FILE_BYTES:,} bytes.", "Send less.")
    return content


async def _answered(settings: Settings, arguments: argparse.Namespace, given: Mapping[str, Any]) -> Answer | PicaError:
    """Return the answer when everything is closed. A failure is returned, or it would come in a group."""
    async with open_app(settings) as app, waiting(arguments.tool) as shown:
        person = _Person(shown, agrees_to_all=arguments.yes)
        try:
            answer = taken_apart(await _called(app, arguments.tool, given, person))
            if person.has_declined:
                return replace(answer, told="You did not agree; nothing was sent.")
            fields = str(given.get(RESULT_FIELDS) or "")
            return app.pipeline.results.completed(app.caller, answer, fields, everything=arguments.all)
        except PicaError as error:
            return error


async def _called(app: App, tool: str, given: Mapping[str, Any], person: Person) -> mcp.CallToolResult:
    """Call the tool of this name; what is no name of a tool may be an action's all the same, or its id."""
    if "::" not in tool:
        try:
            return await app.pipeline.call(app.caller, tool, given, person)
        except UnknownTool:
            try:
                await find_action(app.catalog, app.pipeline.names, None, tool, app.caller)
            except UnknownAction as error:  # which tells what is like it
                raise UnknownTool(str(error)) from None
    if app.caller.grant.knowledge_only:  # then there is not even the tool that would say so
        problem = "These settings allow to read about actions, and to run none."
        raise Refused(problem, "Run it without PICA_KNOWLEDGE_AGENT.", reason=Reason.KNOWLEDGE_ONLY)
    # Of a platform that is not connected, say: the line knows why it may not run.
    return await app.pipeline.call(app.caller, EXECUTE, {"actionId": tool, "arguments": given}, person)


class _Person:
    """Whoever sits before the terminal, or has agreed to all with `--yes`."""

    reachable = True

    def __init__(self, shown: Waiting, *, agrees_to_all: bool) -> None:
        self._shown = shown
        self._agrees_to_all = agrees_to_all
        self.has_declined = False

    async def agrees(self, question: Question) -> bool:
        """Return the answer. Raises `Refused` where there is nobody to ask: here no client approves calls besides."""
        if self._agrees_to_all:
            return True
        if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            raise Refused(
                "This call may not be undone, so somebody has to agree, and there is no terminal; nothing was sent.",
                "Agree with --yes.",
                reason=Reason.CANNOT_ASK,
            )
        with self._shown.paused():
            console = notes()
            console.print("This may not be undone.", style="bold")
            console.print(Text(question.message.partition("\n")[2]), soft_wrap=True)
            _forget_typed()
            console.print("Do it? [y/N] ", end="")
            try:
                typed = await _typed()
            except anyio.get_cancelled_exc_class():
                console.print()
                raise
            if not typed:
                console.print()
            self.has_declined = typed.strip().lower() not in ("y", "yes")
        return not self.has_declined


def _forget_typed() -> None:
    """Drop what was typed or pasted before there was a question."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


async def _typed() -> str:
    """Return the line that is typed. Ctrl-C ends the waiting."""
    if os.name == "nt":
        return await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    await anyio.wait_readable(sys.stdin)  # a thread that reads would be waited for at the end
    return sys.stdin.readline()
