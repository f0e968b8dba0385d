"""Which clients are on this machine, and what each has of this server."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pica_mcp import text
from pica_mcp.cli.launch import Surroundings
from pica_mcp.cli.terminal import filled, print_json, screen
from pica_mcp.clients import CLIENTS, Client, files, is_here, project_file, user_file
from pica_mcp.clients.edits import Unparsable
from pica_mcp.clients.entries import Kind, entries_of, form_of, kind_of, path_of
from pica_mcp.errors import InvalidSettings, OperatorError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

KINDS: Mapping[Kind, str] = {"ours": "pica-mcp", "official": "Pica's official server", "other": "another server"}
"""What to call what an entry starts."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file of a client, and the name of the entry that it is about."""

    client: Client
    file: Path
    name: str
    is_shared: bool

    @property
    def path(self) -> tuple[str, ...]:
        """Where in the file the entry is."""
        return path_of(self.client, self.name)

    def read(self) -> tuple[str | None, dict[str, Any]]:
        """Return the text of the file, None if there is none, and what it says. Raises `OperatorError`."""
        written = files.load(self.file)
        try:
            return written, form_of(self.client).read(written or "")
        except Unparsable as error:
            where = f"{str(self.file)!r}, line {error.line}, column {error.column}"
            problem = text.line(f"{where}: {error.problem}", 400)
            raise OperatorError(problem, "Put it right in an editor; nothing was changed.") from None


def target_of(arguments: Namespace, around: Surroundings, folder: Path) -> Target:
    """Return what the arguments are about. Raises `InvalidSettings` if there is no such thing."""
    client = next(client for client in CLIENTS if client.name == arguments.client)
    is_taken = _NAME.fullmatch(arguments.name) and not (client.name == "gemini" and "_" in arguments.name)
    if not is_taken and not arguments.uninstall:
        problem = f"--name is {arguments.name!r}, which {client.title} would not take."
        raise InvalidSettings(problem, "Use up to 40 letters, digits and hyphens.")
    if arguments.scope == "user":
        file = user_file(client, around.system, around.environ)
    else:
        file = project_file(client, folder)
    if file is None:
        raise InvalidSettings(f"{client.title} has no file for a project.", "Leave --scope project out.")
    return Target(client, file, arguments.name, arguments.scope == "project")


def list_clients(around: Surroundings, folder: Path, *, as_json: bool) -> int:
    """Print the clients of the machine, and of the project in the folder."""
    found = [row for client in CLIENTS for row in _rows(client, around, folder)]
    if as_json:
        print_json(found)
        return 0
    out = screen()
    if found:
        out.print(filled(("client", "entry", "file"), ([row["title"], _summary(row), row["file"]] for row in found)))
    names = ", ".join(client.name for client in CLIENTS)
    out.print("" if found else "No client was found on this machine.")
    out.print(f"pica-mcp install CLIENT puts the server into one: {names}.")
    return 0


def _rows(client: Client, around: Surroundings, folder: Path) -> Iterator[dict[str, Any]]:
    mine = user_file(client, around.system, around.environ)
    places = {"user": mine} if is_here(client, around.system, around.environ) else {}
    if (shared := project_file(client, folder)) and shared != mine and shared.is_file():
        places["project"] = shared
    for scope, file in places.items():
        row = {"client": client.name, "title": client.title, "scope": scope, "file": str(file)}
        yield row | _state(Target(client, file, "pica", scope == "project"))


def _state(target: Target) -> dict[str, Any]:
    try:
        _, document = target.read()
    except OperatorError as error:
        return {"entries": [], "problem": str(error)}
    kinds = {name: kind_of(entry) for name, entry in entries_of(target.client, document).items()}
    ours = {name: kind for name, kind in kinds.items() if kind != "other" or name == target.name}
    return {"entries": [{"name": text.line(name, 60), "is": kind} for name, kind in ours.items()], "problem": None}


def _summary(row: Mapping[str, Any]) -> str:
    if row["problem"]:
        return f"cannot be read: {row['problem']}"
    return ", ".join(f"{one['name']}: {KINDS[one['is']]}" for one in row["entries"]) or "none"
