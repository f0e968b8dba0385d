"""What runs: the versions of this program and of what it stands on, and whether another of its name is found first."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which

from pica_mcp import __version__
from pica_mcp.diagnosis.report import Group, Result, Status

_PACKAGES = ("mcp", "httpx2", "pydantic", "anyio")
_NAME = "pica-mcp"
_MAX_BYTES = 4_096


def versions(environ: Mapping[str, str]) -> Iterator[Result]:
    """Yield what runs, and what a bare `pica-mcp` would run."""
    group = Group.PROGRAM
    yield Result(group, _NAME, Status.OK, f"{__version__}, in {Path(__file__).parents[1]}")
    yield Result(group, "Python", Status.OK, f"{platform.python_version()}, {sys.executable}")
    yield Result(group, "system", Status.OK, platform.platform(terse=True))
    for package in _PACKAGES:
        try:
            yield Result(group, package, Status.OK, version(package))
        except PackageNotFoundError:
            yield Result(
                group,
                package,
                Status.FAILURE,
                "is not installed properly",
                f"Run: {_quoted(sys.executable)} -m pip install {package}",
            )
    yield on_path(environ, Path(sysconfig.get_path("scripts")))


def spelt(environ: Mapping[str, str], folder: Path, scripts: Path | None = None) -> str:
    """Return what runs this program in a shell: its name where that means it, else its path, from the folder if below.

    `scripts` is where this program's own is.
    """
    own = which(_NAME, path=str(scripts or sysconfig.get_path("scripts")))
    if own is None:
        return f"{_quoted(sys.executable)} -m pica_mcp"
    found = which(_NAME, path=environ.get("PATH", ""))
    if found and _is_same(Path(found), Path(own)):
        return _NAME
    path = Path(own)
    return _quoted(str(path.relative_to(folder)) if folder in path.parent.parents else own)


def _quoted(path: str) -> str:
    """Return the path as a shell takes it for one word."""
    if os.name == "nt":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)


def on_path(environ: Mapping[str, str], scripts: Path) -> Result:
    """Tell what a bare `pica-mcp` means, where this program's own is in `scripts`."""
    found, own = which(_NAME, path=environ.get("PATH", "")), which(_NAME, path=str(scripts))
    path = f"{_NAME} on PATH"
    if found is None:
        told = f"there is none; this one is {own}" if own else "there is none"
        return Result(Group.PROGRAM, path, Status.NOTE, told)
    if own and _is_same(Path(found), Path(own)):
        return Result(Group.PROGRAM, path, Status.OK, f"this one, {found}")
    instead = (
        f"Start this one by its full path, {own}." if own else f"Start this one with {sys.executable} -m pica_mcp."
    )
    if _runs_by_node(Path(found)):
        told = f"{found} is the older server of npm, @picahq/pica-mcp, and not this program"
        cure = f"Remove it with `npm uninstall -g @picahq/pica-mcp`, or s{instead[1:]}"
        return Result(Group.PROGRAM, path, Status.WARNING, told, cure)
    return Result(Group.PROGRAM, path, Status.WARNING, f"{found} is another installation than this one", instead)


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return False


def _runs_by_node(file: Path) -> bool:
    """Tell if npm put it there: a link into its packages, or a script that calls node."""
    with suppress(OSError):
        if "node_modules" in file.resolve().parts:
            return True
        with file.open("rb") as opened:
            return b"node" in opened.read(_MAX_BYTES)
    return False
