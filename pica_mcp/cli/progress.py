"""How far a long load is, for the person who waits for it: a bar on a terminal, a line for each platform elsewhere."""

from __future__ import annotations

from shutil import get_terminal_size
from types import TracebackType
from typing import Self, TextIO

from pica_mcp import text

_WIDTH = 20
_MAX_NAME_CHARS = 40


class Progress:
    """Tells of platforms as they are loaded, on a stream that is not for results. Leaving wipes the bar away."""

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream = stream
        self._shown = shown
        self._bar = shown and stream.isatty()
        self._expected = self._done = self._actions = 0
        self._under_way: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, also when the person has waited long enough."""
        self._draw("")

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
        if self._shown and not self._bar:
            told = "not loaded" if actions is None else f"{actions:,} action{'' if actions == 1 else 's'}"
            print(f"{self._done:,} of {self._expected:,}  {name}: {told}", file=self._stream, flush=True)

    def _tell(self) -> None:
        filled = _WIDTH * self._done // self._expected if self._expected else _WIDTH
        bar = f"{'#' * filled}{'.' * (_WIDTH - filled)}"
        counts = f"{self._done:,} of {self._expected:,} platforms, {self._actions:,} actions"
        self._draw(f"[{bar}] {counts}  {', '.join(self._under_way)}")

    def _draw(self, line: str) -> None:
        """Replace the line by another one, or by nothing. It never reaches the window's edge, where it would wrap."""
        if self._bar:
            columns = max(1, get_terminal_size().columns - 1)
            wiped = f"\r{' ' * columns}\r"
            print(f"{wiped}{line[:columns]}", end="", file=self._stream, flush=True)
