"""That a call still goes on, and for how long, for the person who waits before a terminal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
from rich.console import Console
from rich.status import Status
from rich.text import Text

from pica_mcp import text
from pica_mcp.cli.terminal import notes

_PATIENCE_SECONDS = 1.0
_NAME_CHARS = 60


class Waiting:
    """Shows what is waited for once that takes a moment; on anything but a terminal, nothing."""

    def __init__(self, what: str, console: Console) -> None:
        self._what = text.line(what, _NAME_CHARS)
        self._console = console
        self._status = Status("", console=console, spinner="line")  # in ASCII, for any code page
        self._paused = False

    @contextmanager
    def paused(self) -> Generator[None]:
        """Leave the terminal to a question."""
        self._paused = True
        self._status.stop()
        try:
            yield
        finally:
            self._paused = False

    async def show(self) -> None:
        """Tell how long it takes, until cancelled."""
        started = anyio.current_time()
        try:
            while self._console.is_terminal and not self._console.is_dumb_terminal:
                await anyio.sleep(_PATIENCE_SECONDS)
                if not self._paused:
                    seconds = anyio.current_time() - started
                    self._status.update(Text(f"{self._what}: {seconds:.0f} s, Ctrl-C ends it"))
                    self._status.start()
        finally:
            self._status.stop()


@asynccontextmanager
async def waiting(what: str) -> AsyncGenerator[Waiting]:
    """Show that this goes on. What fails meanwhile has to be returned: here it would come in a group."""
    shown = Waiting(what, notes())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shown.show)
        try:
            yield shown
        finally:
            tasks.cancel_scope.cancel()
