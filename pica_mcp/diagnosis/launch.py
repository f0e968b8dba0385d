"""Where a client's entry is started and its command found: by nothing in the folder that doctor happens to run in.

A client starts a user's own entry from elsewhere, and a project that was cloned may have a `python` or a `pica_mcp` of
its own, which would get the entry's secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import which

from pica_mcp import text
from pica_mcp.clients import Machine
from pica_mcp.diagnosis.found import Found
from pica_mcp.errors import OperatorError
from pica_mcp.settings import in_full

_GIVE = "which means another wherever it is started; give it in full"


def folder_of(one: Found, machine: Machine) -> Path:
    """Return the folder that the entry is started in: a user's own in the top one, nobody's project, or as it says."""
    top = machine.folder if one.scope == "project" else Path(Path(sys.executable).anchor)
    return top / one.entry.folder


def environment_of(one: Found, machine: Machine) -> Mapping[str, str]:
    """Return the variables that the entry is started with; no PATH of a user's own finds a program of this folder."""
    environ = one.environment(machine)
    return environ if one.scope == "project" else {**environ, "PATH": _usable(environ.get("PATH", ""), machine)}


def placed(environ: Mapping[str, str], one: Found, machine: Machine) -> Mapping[str, str]:
    """Return the variables with their paths as the entry means them, never from the folder that doctor is run in."""
    folder = folder_of(one, machine)
    return {name: in_full(name, value, folder) for name, value in environ.items()}


def command_of(one: Found, machine: Machine) -> str:
    """Return the command as it is started, empty if there is none of that name."""
    command = one.entry.command
    return command if one.scope == "project" or not _is_bare(command) else _found(command, one, machine)


def unclear(one: Found, machine: Machine) -> str:
    """Return why nobody knows what the user's own entry starts, empty if that is plain."""
    if one.scope == "project":
        return ""
    command, folder = one.entry.command, one.entry.folder
    if folder and not Path(folder).is_absolute():
        return f"its cwd is {text.line(folder, 40)}, {_GIVE}"
    if not _is_bare(command):
        return "" if Path(command).is_absolute() else f"its command is {text.line(command, 40)}, {_GIVE}"
    is_only_here = not _found(command, one, machine) and which(command, path=one.environment(machine).get("PATH", ""))
    return (
        f"PATH finds its command {text.line(command, 40)} in this folder only; give it in full" if is_only_here else ""
    )


def _is_bare(command: str) -> bool:
    """Tell if the command is a name that is looked for on a PATH."""
    return not os.path.dirname(command)  # noqa: PTH120 - a Path drops the dot of ./name


def _found(command: str, one: Found, machine: Machine) -> str:
    """Return where the command is on the PATH, as far as that is usable."""
    usable = _usable(one.environment(machine).get("PATH", ""), machine)
    found = which(command, path=usable) if usable else None
    # Windows looks into the working folder first, whatever the PATH is.
    return found if found and Path(found).is_absolute() and not _is_ours(str(Path(found).parent), machine) else ""


def _usable(path: str, machine: Machine) -> str:
    """Return of a PATH the folders that are given in full and are elsewhere than in this one."""
    folders = path.split(os.pathsep)
    return os.pathsep.join(one for one in folders if Path(one).is_absolute() and not _is_ours(one, machine))


def _is_ours(folder: str, machine: Machine) -> bool:
    """Tell if the folder is below the one that doctor runs in, unless that has the user's home or the system in it."""
    others = [Path(one) for one in os.defpath.split(os.pathsep) if Path(one).is_absolute()]
    try:
        here, there = os.path.realpath(machine.folder), os.path.realpath(folder)
        with suppress(OperatorError):
            others.append(machine.home())
        if any(Path(os.path.realpath(one)).is_relative_to(here) for one in others):
            return False
    except (OSError, ValueError):  # no folder has a NUL in its name
        return True
    return Path(there).is_relative_to(here)
