"""The room of installing, the program: which command starts it from anywhere, and where it was installed from."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, cast

from pica_mcp import text
from pica_mcp.clients import Machine
from pica_mcp.clients.files import is_by_npm, real
from pica_mcp.errors import InvalidSettings

_THROWAWAY = re.compile(r"(archive|environments|builds)-v\d+")
"""Folders of uv's cache, which holds what uvx runs until somebody cleans it."""


def program(python: str, machine: Machine, record: str, *, with_keyring: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return a command that starts this program from anywhere: desktop programs have a short PATH.

    A virtual environment's links are not followed, since Python tells by them which environment it is. `record` is what
    its installer wrote down of where it came from, empty for a registry: uvx is to take that again, and no namesake.
    """
    path = Path(python)
    if any(_THROWAWAY.fullmatch(part) for part in path.parts):
        return _uvx(machine), _wanted_of_uvx(source_of(record), with_keyring=with_keyring)
    script = path.parent / ("pica-mcp.exe" if machine.system == "win32" else "pica-mcp")
    if os.path.isfile(script) and not is_by_npm(script):  # noqa: PTH113 - of what may not be looked at, too
        return str(script), ()
    return str(path), ("-P", "-m", "pica_mcp")  # without -P, a project's folder may have a pica_mcp of its own


def _wanted_of_uvx(source: str, *, with_keyring: bool) -> tuple[str, ...]:
    if text.masked(source) != source:
        problem = "The URL that this program was installed from holds a password, which no client's file is to have."
        raise InvalidSettings(problem, "Install it into an environment of its own, and run this from there.")
    package = "pica-mcp[keyring]" if with_keyring else "pica-mcp"
    wanted = f"{package} @ {source}" if source else package
    return ("pica-mcp",) if wanted == "pica-mcp" else ("--from", wanted, "pica-mcp")


def _uvx(machine: Machine) -> str:
    """Return where uvx is. What a project has in its own folders is passed over: anybody may have written it."""
    uv, folders = machine.environ.get("UV"), machine.environ.get("PATH", "").split(os.pathsep)
    name = "uvx.exe" if sys.platform == "win32" else "uvx"
    places = [
        *(Path(os.path.normpath(folder)) / name for folder in folders),
        *([Path(uv).with_name(name)] if uv else []),
    ]
    for place in places:  # unlike shutil.which, which looks into the current folder first on Windows
        if place.is_absolute() and not _is_of_project(place, machine) and _is_program(place):
            return str(place)
    raise InvalidSettings("Nobody knows where uvx is, which runs this.", "Put it on your PATH, then try again.")


def _is_program(path: Path) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113 - likewise


def _is_of_project(path: Path, machine: Machine) -> bool:
    """Tell if it is below the folder that a person is in, unless their home is, too."""
    folders = (machine.folder, real(machine.folder))
    is_within = any(one.is_relative_to(folder) for one in (path, real(path)) for folder in folders)
    return is_within and not real(machine.home()).is_relative_to(folders[1])


def record() -> str:
    """Return what the installer wrote down of where this program came from, empty if it was asked for by its name."""
    try:
        return distribution("pica-mcp").read_text("direct_url.json") or ""
    except PackageNotFoundError:  # it runs from a folder, uninstalled
        return ""


def source_of(record: str) -> str:
    """Return the URL that such a record tells (PEP 610), as a requirement has it. Raises `InvalidSettings`."""
    if not record:
        return ""
    try:
        told = cast(dict[str, Any], json.loads(record))
        url, vcs, folder = told["url"], told.get("vcs_info"), told.get("subdirectory")
        whole = f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else str(url)
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = "Nobody knows where this program was installed from: its record is malformed."
        raise InvalidSettings(problem, "Install it again.") from None
    return f"{whole}#subdirectory={folder}" if folder else whole
