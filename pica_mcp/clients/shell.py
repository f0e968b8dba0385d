"""The room of clients, a person's shell: what runs this program there, and what they are told to type."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import which

from pica_mcp.clients import USUAL_NAME, Client, Scope

NAME = "pica-mcp"


def spelt(environ: Mapping[str, str], folder: Path, scripts: Path | None = None) -> str:
    """Return what runs this program in a shell: its name where that means it, else its path, from the folder if below.

    `scripts` is where this program's own is.
    """
    own = which(NAME, path=str(scripts or sysconfig.get_path("scripts")))
    if own is None:
        return f"{quoted(sys.executable)} -P -m pica_mcp"  # without -P, the folder may have a pica_mcp of its own
    found = which(NAME, path=environ.get("PATH", ""))
    if found and is_same(Path(found), Path(own)):
        return NAME
    path = Path(own)
    return quoted(str(path.relative_to(folder)) if folder in path.parent.parents else own)


def install_words(client: Client, scope: Scope, name: str, *more: str) -> str:
    """Return what comes after the program to install the entry. A name that is not plain stays out: people paste it."""
    named = ("--name", name) if name != USUAL_NAME and client.takes(name) else ()
    scoped = ("--scope", "project") if scope == "project" else ()
    return " ".join(("install", client.name, *scoped, *named, *more))


def quoted(path: str) -> str:
    """Return the path as a shell takes it for one word."""
    if os.name == "nt":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)


def is_same(one: Path, other: Path) -> bool:
    """Tell if both are there, and one file."""
    with suppress(OSError):
        return one.samefile(other)
    return False
