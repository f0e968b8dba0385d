"""A server started as a client would start it: greeted, asked for its tools, called once, and ended."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, cast

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from pica_mcp import text
from pica_mcp.models import as_object

_MAX_STDERR_BYTES = 64 * 1024
_CALL = "list_pica_integrations"
_CALL_SECONDS = 10.0
_NO_COMMAND = "there is no such command"
_BROKEN = (MCPError, OSError, ValueError, RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError)


@dataclass(frozen=True, slots=True)
class Command:
    """What is started, where, and for how long at most."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Started:
    """What came of it."""

    greeted: float | None = None
    """After how many seconds it answered its greeting, None for never."""
    listed: float | None = None
    """After how many seconds it told its tools, None for never."""
    tools: tuple[str, ...] = ()
    complaint: str = ""
    """What it says when it is asked what is connected and cannot tell."""
    nothing: str = ""
    """What it says if nothing is."""
    problem: str = ""
    """Why it did not get as far as its tools."""
    last_words: str = ""
    """The last line of its standard error, if it did not."""
    is_missing: bool = False
    """There is no such command."""


MISSING = Started(problem=_NO_COMMAND, is_missing=True)
"""What comes of a command that is nowhere."""


async def start(command: Command) -> Started:
    """Start it and return what came of it; it is gone afterwards, whatever it did."""
    talk = _Talk(command)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        problem, is_missing = "", False
        with anyio.move_on_after(command.seconds) as limit:
            try:
                await talk.hold(errors)
            except (*_BROKEN, BaseExceptionGroup) as error:
                problem = _why(_innermost(error), command)
                is_missing = problem == _NO_COMMAND
        if limit.cancelled_caught:
            lacking = "answer" if talk.came_to.greeted is None else "tell its tools"
            problem = f"it did not {lacking} within {command.seconds:.0f} s"
        if talk.came_to.listed is not None:  # how it ends after that matters to nobody
            return talk.came_to
        last = _last_line(errors)
        return replace(talk.came_to, problem=problem, last_words=last, is_missing=is_missing)


class _Talk:
    """A conversation, and how far it came."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self.came_to = Started()

    async def hold(self, errors: IO[str]) -> None:
        words = self._command.words
        server = StdioServerParameters(
            command=words[0],
            args=list(words[1:]),
            env=dict(self._command.environment),
            cwd=self._command.folder,
            encoding_error_handler="replace",
        )
        begun = anyio.current_time()
        # The older greeting is the one that every client in use can send.
        async with Client(stdio_client(server, errlog=errors), mode="legacy") as client:  # pyright: ignore[reportArgumentType]
            self.came_to = Started(greeted=anyio.current_time() - begun)
            tools = tuple(tool.name for tool in (await client.list_tools()).tools)
            self.came_to = replace(self.came_to, listed=anyio.current_time() - begun, tools=tools)
            if _CALL in tools:
                await self._ask(client)

    async def _ask(self, client: Client) -> None:
        """Ask what is connected."""
        with anyio.move_on_after(_CALL_SECONDS):
            answer = await client.call_tool(_CALL, {})
            words = " ".join(getattr(part, "text", "") for part in answer.content)
            told = {"complaint": words} if answer.is_error else {"nothing": _nothing(words)}
            self.came_to = replace(self.came_to, **told)


def _nothing(words: str) -> str:
    """Return what an answer says if nothing is connected, empty if something is."""
    with suppress(ValueError, RecursionError):
        told = as_object(json.loads(words))
        return str(told.get("note", "")) if told.get("connections") == [] else ""
    return ""


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[Exception], error).exceptions[0]
    return error


def _why(error: BaseException, command: Command) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _NO_COMMAND if command.folder.is_dir() else f"there is no folder {command.folder}"
    if isinstance(error, PermissionError):
        return "the command may not be run"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it ended before it answered" if isinstance(error, MCPError) else text.line(str(error), 200)


def _last_line(errors: IO[str]) -> str:
    errors.flush()
    errors.seek(max(0, errors.seek(0, 2) - _MAX_STDERR_BYTES))
    lines = [line for line in errors.read().splitlines() if line.strip()]
    return text.line(lines[-1], 300) if lines else ""
