"""Pictures of what commands print, for the README: `python tests/pictures.py` draws them anew in config/pictures/."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from platform import platform, system
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

FOLDER = Path(__file__).parents[1] / "config/pictures"

_FRAME = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""A window that needs nothing from anywhere: the font is whichever monospaced one the reader has."""

_NEEDLESS = re.compile(r'<text [^>]*>\n</text>| clip-path="[^"]*"')
_SECONDS = re.compile(r"\d+\.\d s")
_PIECE = re.compile(r'<text [^>]*?\bx="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
_CHAR_WIDTH = 12.2
"""What rich gives a character: 61 % of the 20 that it is high."""

_COLUMNS = 100
_HOME = "/home/lovelace"


def _entry(command: str, *args: str) -> str:
    """Return a client's file with an entry that starts this."""
    return json.dumps({"mcpServers": {"pica": {"command": command, "args": args}}})


@dataclass(frozen=True, slots=True)
class Picture:
    """What a command prints for a user who has these files in their home, ~ being that home."""

    name: str
    words: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}.svg"

    @property
    def title(self) -> str:
        """What stands above it."""
        return " ".join(("pica-mcp", *self.words))


PICTURES = (
    Picture("demo", ("demo",)),
    Picture(
        "doctor",
        ("doctor", "--sandbox"),
        {
            ".cursor/mcp.json": _entry("~/.venv/bin/pica-mcp", "--sandbox"),
            ".config/Claude/claude_desktop_config.json": _entry("pica-mcp"),
        },
    ),
)


def printed(picture: Picture) -> str:
    """Run the command on a terminal and return what it printed, colours included."""
    with TemporaryDirectory(prefix="p", dir="/tmp") as home:
        _furnish(Path(home), picture.files)
        command = [f"{home}/.venv/bin/python", "-m", "pica_mcp", *picture.words]
        environ = {"PATH": f"{home}/.venv/bin", "HOME": home, "TERM": "xterm-256color", "COLUMNS": f"{_COLUMNS}"}
        return _steady(_on_a_terminal(command, environ), home)


def _furnish(home: Path, files: Mapping[str, str]) -> None:
    """Make the home of somebody who has this program in a virtual environment there."""
    (home / ".venv").symlink_to(sys.prefix)
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("~", str(home)), encoding="utf-8")


def _on_a_terminal(command: Sequence[str], environ: Mapping[str, str]) -> str:
    from pty import openpty  # Windows has none, and still can look at the pictures

    ours, its = openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.DEVNULL),
    ):
        os.close(its)
        seen = bytearray()
        try:
            while some := screen.read(65_536):
                seen += some
        except OSError:  # how Linux tells that nobody writes any more
            pass
    return seen.decode().replace("\r\n", "\n")


def _steady(text: str, home: str) -> str:
    """Replace what is this machine's; the home by one whose name is as long, so that lines end where they did."""
    assert len(home) == len(_HOME)
    text = text.replace(home, _HOME).replace(str(FOLDER.parents[1]), f"{_HOME}/pica-mcp")
    return text.replace(platform(), system())


def lines(text: str) -> list[str]:
    """Return what a terminal shows, without colours and without what is left blank at the ends."""
    return [line.rstrip() for line in Text.from_ansi(text).plain.rstrip().split("\n")]


def drawn(picture: Picture, text: str) -> str:
    """Return the picture as SVG."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), markup=False, highlight=False)
    console.print(Text.from_ansi(text.rstrip()), no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title=picture.title, theme=MONOKAI, code_format=_FRAME, unique_id=picture.name)
    svg = _NEEDLESS.sub("", svg).replace("&#160;", "\u00a0").replace("</text>", "</text>\n")
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"


def shown(svg: str) -> list[str]:
    """Return the lines of text that the picture shows, without blank ones."""
    rows: dict[float, str] = {}
    for x, y, text in _PIECE.findall(svg.partition('-matrix">')[2]):
        column = round(float(x) / _CHAR_WIDTH)
        rows[float(y)] = rows.get(float(y), "").ljust(column) + unescape(text).replace("\u00a0", " ")
    return [row.rstrip() for row in rows.values()]


def lasting(shown: list[str]) -> Iterator[str]:
    """Yield those lines that are alike on every machine, without the seconds that something took."""
    is_own = False
    for line in filter(None, shown):
        is_own = line == "This program" if not line.startswith(" ") else is_own
        if not is_own:
            yield _SECONDS.sub("… s", line)


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        picture.path.write_text(drawn(picture, printed(picture)), encoding="utf-8")
        print(f"{picture.path.relative_to(Path.cwd())}  {picture.path.stat().st_size:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
