"""What runs: the versions of this program and of what it stands on, and whether another of its name is found first."""

from __future__ import annotations

import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which

from pica_mcp import __version__
from pica_mcp.clients.files import is_by_npm
from pica_mcp.clients.shell import NAME, is_same, quoted
from pica_mcp.diagnosis.report import Group, Result, Status

_PACKAGES = ("mcp", "httpx2", "pydantic", "anyio")


def versions(environ: Mapping[str, str]) -> Iterator[Result]:
    """Yield what runs, and what a bare `pica-mcp` would run."""
    group = Group.PROGRAM
    yield Result(group, NAME, Status.OK, f"{__version__}, in {Path(__file__).parents[1]}")
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
                f"Run: {quoted(sys.executable)} -m pip install {package}",
            )
    yield on_path(environ, Path(sysconfig.get_path("scripts")))


def on_path(environ: Mapping[str, str], scripts: Path) -> Result:
    """Tell what a bare `pica-mcp` means, where this program's own is in `scripts`."""
    found, own = which(NAME, path=environ.get("PATH", "")), which(NAME, path=str(scripts))
    path = f"{NAME} on PATH"
    if found is None:
        told = f"there is none; this one is {own}" if own else "there is none"
        return Result(Group.PROGRAM, path, Status.NOTE, told)
    if own and is_same(Path(found), Path(own)):
        return Result(Group.PROGRAM, path, Status.OK, f"this one, {found}")
    instead = (
        f"Start this one by its full path, {own}." if own else f"Start this one with {sys.executable} -P -m pica_mcp."
    )
    if is_by_npm(Path(found)):
        told = f"{found} is the older server of npm, @picahq/pica-mcp, and not this program"
        cure = f"Remove it with `npm uninstall -g @picahq/pica-mcp`, or s{instead[1:]}"
        return Result(Group.PROGRAM, path, Status.WARNING, told, cure)
    return Result(Group.PROGRAM, path, Status.WARNING, f"{found} is another installation than this one", instead)
