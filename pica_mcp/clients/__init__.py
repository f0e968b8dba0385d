"""The room of MCP clients: which there are, where each keeps its servers, what an entry looks like there, its limits.

What differs between clients is told by their table, and by no other room asking for a client's name. Paths follow from
a machine that is given, so any machine's can be told on any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Literal

from pica_mcp.clients.machine import Machine

__all__ = [
    "CLIENTS",
    "USUAL_NAME",
    "Client",
    "Form",
    "Machine",
    "Scope",
    "find",
    "is_here",
    "project_file",
    "user_file",
]

Form = Literal["json", "toml"]
Scope = Literal["user", "project"]

USUAL_NAME = "pica"
"""What an entry is called unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that people run MCP servers in.

    Limits are None where none is known. They are of the strictest version that is still in use.
    """

    name: str
    title: str
    program: str
    """What it is called on a PATH."""

    user: str
    """Its file of servers below the user's home; `{data}` stands for where the system keeps programs' data."""
    project: str = ""
    """The same below a project's folder; empty where there is none."""
    moved: tuple[str, str] = ("", "")
    """A variable that names another folder for the user's file, and what the file is called below that one."""
    package: str = ""
    """Where the data of one that Windows runs in a package is, below %LOCALAPPDATA%; it reads no other then."""

    form: Form = "json"
    key: str = "mcpServers"
    """Under which the file has its servers."""
    names: str = "[A-Za-z0-9][A-Za-z0-9_-]{0,39}"
    """The pattern of what an entry may be called."""
    is_typed: bool = False
    """Whether an entry says that it is to be started here."""
    waits: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """For how many seconds an entry has it wait, by the keys that say so; it would not wait long enough unasked."""
    reference: str = ""
    """How a value refers to a variable of the client's own environment, `{}` being its name; empty where it cannot."""
    passes: str = ""
    """The key under which an entry names variables that are passed on from there instead; empty where it has none."""
    asks: str = ""
    """How a value refers to what a person is asked for, `{}` being the input's id; empty where nobody is."""
    elicits: bool | None = None
    """Whether a server can have it ask a person something before a call is made, None where nobody knows."""
    is_desktop: bool = True
    """Whether it is started from a dock or a menu: with a short PATH, and without a shell's variables."""

    max_tools: int | None = None
    """More are cut, refused or complained of; of all servers together."""
    prefix: str = ""
    """What it puts before a tool's name, `{}` being the server's."""
    max_name_chars: int | None = None
    """The longest name of a tool, with that prefix."""
    max_prefix_chars: int | None = None
    start_seconds: int | None = None
    """How long it waits for a server to start, unless the entry says otherwise."""
    hint: str = ""
    """What a person does there to have a new entry read."""
    project_hint: str = ""
    """What else it takes for an entry of a project."""

    def room_for_name(self, server: str) -> int | None:
        """Return how many characters a tool's name may have there, if this server has that name."""
        if self.max_name_chars is None:
            return None
        return self.max_name_chars - len(self.prefix.format(server)[: self.max_prefix_chars])

    @property
    def can_refer(self) -> bool:
        """Whether an entry can have a variable of the client's own environment."""
        return bool(self.reference or self.passes)

    def refer(self, variable: str) -> str:
        """Return what refers to the variable; empty where values cannot."""
        return self.reference.format(variable)

    def takes(self, name: str) -> bool:
        """Tell if an entry may have that name."""
        return bool(re.fullmatch(self.names, name))


CLIENTS = (
    Client(
        "cursor",
        "Cursor",
        "cursor",
        user=".cursor/mcp.json",
        project=".cursor/mcp.json",
        reference="${{env:{}}}",
        elicits=True,
        max_tools=40,  # newer versions defer tools, and have no limit
        prefix="{}-",
        max_name_chars=59,
        hint="Restart Cursor",
    ),
    Client(
        "windsurf",
        "Windsurf",
        "windsurf",
        user=".codeium/windsurf/mcp_config.json",
        reference="${{env:{}}}",
        elicits=False,
        max_tools=100,
        prefix="mcp0_",
        max_name_chars=64,
        hint="Restart Windsurf, or refresh its list of MCP servers",
    ),
    Client(
        "claude-desktop",
        "Claude Desktop",
        "claude-desktop",
        user="{data}/Claude/claude_desktop_config.json",
        # See https://github.com/anthropics/claude-code/issues/26073; since February 2026 the usual one is packaged.
        package="Packages/Claude_*/LocalCache/Roaming",
        elicits=False,
        max_tools=100,
        max_name_chars=64,
        start_seconds=60,
        hint="Quit Claude Desktop entirely and start it again",
    ),
    Client(
        "claude-code",
        "Claude Code",
        "claude",
        user=".claude.json",
        project=".mcp.json",
        moved=("CLAUDE_CONFIG_DIR", ".claude.json"),
        is_typed=True,
        reference="${{{}}}",
        elicits=True,
        is_desktop=False,
        prefix="mcp__{}__",
        max_name_chars=64,
        start_seconds=30,
        hint="Start a new session of claude",
        project_hint="Claude Code asks each person once to approve it.",
    ),
    Client(
        "vscode",
        "VS Code",
        "code",
        user="{data}/Code/User/mcp.json",
        project=".vscode/mcp.json",
        key="servers",
        is_typed=True,
        reference="${{env:{}}}",
        asks="${{input:{}}}",
        elicits=True,
        max_tools=128,
        prefix="mcp_{}_",
        max_prefix_chars=18,
        max_name_chars=64,
        hint="Start the server from the command palette of VS Code (MCP: List Servers)",
    ),
    Client(
        "codex",
        "Codex",
        "codex",
        user=".codex/config.toml",
        project=".codex/config.toml",
        moved=("CODEX_HOME", "config.toml"),
        form="toml",
        key="mcp_servers",
        waits={"startup_timeout_sec": 60, "tool_timeout_sec": 120},
        passes="env_vars",
        elicits=True,
        is_desktop=False,
        max_tools=128,
        prefix="mcp__{}__",
        max_name_chars=64,
        start_seconds=10,
        hint="Start a new session of codex",
        project_hint="Codex reads it only in projects that are trusted.",
    ),
    Client(
        "gemini",
        "Gemini CLI",
        "gemini",
        user=".gemini/settings.json",
        project=".gemini/settings.json",
        moved=("GEMINI_CLI_HOME", ".gemini/settings.json"),
        names="[A-Za-z0-9][A-Za-z0-9-]{0,39}",
        reference="${}",
        elicits=False,
        is_desktop=False,
        prefix="mcp_{}_",
        max_name_chars=63,
        hint="Start a new session of gemini",
        project_hint="Gemini CLI reads it only in folders that are trusted.",
    ),
    Client(
        "kiro",
        "Kiro",
        "kiro",
        user=".kiro/settings/mcp.json",
        project=".kiro/settings/mcp.json",
        reference="${{{}}}",
        prefix="mcp_{}_",
        max_name_chars=64,
        hint="Restart Kiro",
    ),
)
"""Every client that is known here."""


def find(name: str) -> Client | None:
    """Return the client of that name."""
    return next((client for client in CLIENTS if client.name == name), None)


def user_file(client: Client, machine: Machine) -> Path:
    """Return where the client keeps the servers of this user, whether or not the file is there.

    Raises `OperatorError` where nobody knows the user's home.
    """
    if packaged := _packaged(client, machine):
        return packaged
    variable, file = client.moved
    if variable and (folder := machine.environ.get(variable)):
        return Path(folder) / file
    if client.user.startswith("{data}/"):
        return machine.data() / client.user.removeprefix("{data}/")
    return machine.home() / client.user


def project_file(client: Client, machine: Machine) -> Path | None:
    """Return where the client keeps the servers of the project that a person is in, None where it has no such file."""
    return machine.folder / client.project if client.project else None


def is_here(client: Client, machine: Machine) -> bool:
    """Tell if the client seems to be on this machine: its file is there, or its folder, or its program."""
    if _packaged(client, machine) or which(client.program, path=machine.environ.get("PATH", "")):
        return True
    file = user_file(client, machine)
    own = file.parent.parent if file.parent.name in ("settings", "User") else file.parent
    return os.path.exists(file if own == machine.home() else own)  # noqa: PTH110 - of what may not be looked at, too


def _packaged(client: Client, machine: Machine) -> Path | None:
    """Return the file of a client that runs in a package, None if it runs in none."""
    local = machine.environ.get("LOCALAPPDATA")
    if not client.package or machine.system != "win32" or not local:
        return None
    usual = client.user.removeprefix("{data}/")
    files = list[Path]()
    with suppress(OSError):
        files = [folder / usual for folder in sorted(Path(local).glob(client.package))]
    return next((file for file in files if os.path.exists(file)), files[0] if files else None)  # noqa: PTH110 - likewise
