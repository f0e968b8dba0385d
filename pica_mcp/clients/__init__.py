"""The room of MCP clients: which there are, where each keeps its servers, what an entry looks like there, its limits.

Paths follow from a system and an environment that are given, so any machine's can be told on any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Literal

from pica_mcp.errors import OperatorError

Form = Literal["json", "toml"]


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
    home: str = ""
    """A variable that names another folder for that file."""

    form: Form = "json"
    key: str = "mcpServers"
    """Under which the file has its servers."""
    reference: str = ""
    """How a value refers to a variable of the client's own environment, `{}` being its name; empty where it cannot."""
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

    def refer(self, variable: str) -> str:
        """Return what refers to the variable; empty where values cannot."""
        return self.reference.format(variable)


CLIENTS = (
    Client(
        "cursor",
        "Cursor",
        "cursor",
        user=".cursor/mcp.json",
        project=".cursor/mcp.json",
        reference="${{env:{}}}",
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
        home="CLAUDE_CONFIG_DIR",
        reference="${{{}}}",
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
        reference="${{env:{}}}",
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
        home="CODEX_HOME",
        form="toml",
        key="mcp_servers",
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
        home="GEMINI_CLI_HOME",
        reference="${}",
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

_KEEPS_FOLDER = frozenset({"GEMINI_CLI_HOME"})
"""Variables that stand for the home and not for the client's folder in it."""


def find(name: str) -> Client | None:
    """Return the client of that name."""
    return next((client for client in CLIENTS if client.name == name), None)


def user_file(client: Client, system: str, environ: Mapping[str, str]) -> Path:
    """Return where the client keeps the servers of this user, whether or not the file is there.

    Raises `OperatorError` where nobody knows the user's home.
    """
    if packaged := _packaged(client, system, environ):
        return packaged
    if client.home and (folder := environ.get(client.home)):
        return Path(folder) / (client.user if client.home in _KEEPS_FOLDER else Path(client.user).name)
    if client.user.startswith("{data}/"):
        return data_folder(system, environ) / client.user.removeprefix("{data}/")
    return home_folder(system, environ) / client.user


def project_file(client: Client, folder: Path) -> Path | None:
    """Return where the client keeps the servers of the project in that folder, None where it has no such file."""
    return folder / client.project if client.project else None


def is_here(client: Client, system: str, environ: Mapping[str, str]) -> bool:
    """Tell if the client seems to be on this machine: its file is there, or its folder, or its program."""
    if _packaged(client, system, environ) or which(client.program, path=environ.get("PATH", "")):
        return True
    file = user_file(client, system, environ)
    own = file.parent.parent if file.parent.name in ("settings", "User") else file.parent
    return file.exists() if own == home_folder(system, environ) else own.exists()


def home_folder(system: str, environ: Mapping[str, str]) -> Path:
    """Return the user's home. Raises `OperatorError`."""
    names = ("USERPROFILE", "HOME") if system == "win32" else ("HOME",)
    home = next((environ[name] for name in names if environ.get(name)), "")
    if not Path(home).is_absolute():
        raise OperatorError(f"Nobody knows where your home is: {names[0]} is not set.", "Set it to a full path.")
    return Path(home)


def data_folder(system: str, environ: Mapping[str, str]) -> Path:
    """Return where programs of the user keep their data and settings. Raises `OperatorError`."""
    if system == "darwin":
        return home_folder(system, environ) / "Library" / "Application Support"
    name, usual = ("APPDATA", "AppData/Roaming") if system == "win32" else ("XDG_CONFIG_HOME", ".config")
    told = Path(environ.get(name) or "")
    return told if told.is_absolute() else home_folder(system, environ) / usual


def _packaged(client: Client, system: str, environ: Mapping[str, str]) -> Path | None:
    """Return the file of a Claude Desktop that Windows runs in a package: it reads no other.

    See https://github.com/anthropics/claude-code/issues/26073; since February 2026 the usual one is packaged.
    """
    local = environ.get("LOCALAPPDATA")
    if client.name != "claude-desktop" or system != "win32" or not local:
        return None
    found = sorted(Path(local).glob("Packages/Claude_*/LocalCache/Roaming"))
    files = [folder / "Claude" / Path(client.user).name for folder in found]
    return next((file for file in files if file.exists()), files[0] if files else None)
