"""How far a long load is, for the person who waits for it: a bar on a terminal, a line for each platform elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

from pica_mcp import text

_MAX_NAME_CHARS = 40


class Progress:
    """Tells of platforms as they are loaded, on a console that is not for results. Leaving wipes the bar away."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._console = console
        self._lines = shown and not console.is_terminal
        self._bar = progress.Progress(
            progress.BarColumn(20),
            progress.TextColumn(
                "{task.completed:,.0f} of {task.total:,.0f} platforms, {task.fields[actions]:,} actions"
            ),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not shown or not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=0, actions=0)
        self._done = self._expected = self._actions = 0
        self._under_way: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Begin."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, also when the person has waited long enough."""
        self._bar.stop()

    def expect(self, platforms: int) -> None:
        """Begin to load so many."""
        self._expected = platforms
        self._tell()

    def began(self, platform: str) -> None:
        """Tell that it is being loaded."""
        self._under_way[text.line(platform, _MAX_NAME_CHARS)] = None
        self._tell()

    def ended(self, platform: str, actions: int | None) -> None:
        """Tell that it is loaded with so many actions, or with None that it could not be."""
        name = text.line(platform, _MAX_NAME_CHARS)
        self._under_way.pop(name, None)
        self._done += 1
        self._actions += actions or 0
        self._tell()
        if self._lines:
            told = "not loaded" if actions is None else text.some(actions, "action")
            self._console.print(f"{self._done:,} of {self._expected:,}  {name}: {told}", soft_wrap=True)

    def _tell(self) -> None:
        self._bar.update(
            self._task,
            description=", ".join(self._under_way),
            total=self._expected,
            completed=self._done,
            actions=self._actions,
        )
