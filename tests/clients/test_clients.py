"""Where each client keeps its servers, on every system, and how much it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pica_mcp.clients import CLIENTS, Client, Machine, find, is_here, project_file, user_file
from pica_mcp.errors import OperatorError

HOMES = {"darwin": {"HOME": "/Users/ada"}, "linux": {"HOME": "/home/ada"}, "win32": {"USERPROFILE": "/U/ada"}}
SUPPORT = "/Users/ada/Library/Application Support"


def machine(system: str, **environ: str) -> Machine:
    return Machine.of(system, environ, Path("/p"))


def named(name: str) -> Client:
    client = find(name)
    assert client
    return client


@pytest.mark.parametrize(
    ("name", "system", "path"),
    [
        ("cursor", "darwin", "/Users/ada/.cursor/mcp.json"),
        ("cursor", "win32", "/U/ada/.cursor/mcp.json"),
        ("windsurf", "linux", "/home/ada/.codeium/windsurf/mcp_config.json"),
        ("claude-desktop", "darwin", f"{SUPPORT}/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", "/U/ada/AppData/Roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", "/home/ada/.config/Claude/claude_desktop_config.json"),
        ("claude-code", "linux", "/home/ada/.claude.json"),
        ("vscode", "darwin", f"{SUPPORT}/Code/User/mcp.json"),
        ("vscode", "win32", "/U/ada/AppData/Roaming/Code/User/mcp.json"),
        ("vscode", "linux", "/home/ada/.config/Code/User/mcp.json"),
        ("codex", "darwin", "/Users/ada/.codex/config.toml"),
        ("gemini", "win32", "/U/ada/.gemini/settings.json"),
        ("kiro", "linux", "/home/ada/.kiro/settings/mcp.json"),
    ],
)
def test_each_client_has_its_file_on_each_system(name: str, system: str, path: str) -> None:
    assert user_file(named(name), machine(system, **HOMES[system])) == Path(path)


@pytest.mark.parametrize(
    ("name", "variable", "path"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "/else/.claude.json"),
        ("codex", "CODEX_HOME", "/else/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "/else/.gemini/settings.json"),
        ("vscode", "XDG_CONFIG_HOME", "/else/Code/User/mcp.json"),
    ],
)
def test_a_client_that_was_told_another_folder_has_its_file_there(name: str, variable: str, path: str) -> None:
    assert user_file(named(name), machine("linux", **HOMES["linux"], **{variable: "/else"})) == Path(path)


def test_a_system_that_nobody_knows_keeps_files_as_linux_does() -> None:
    home = HOMES["linux"]
    assert machine("freebsd14", **home) == machine("linux", **home) != machine("darwin", **home)


def test_a_packaged_claude_desktop_of_windows_reads_the_file_of_its_package(tmp_path: Path) -> None:
    windows = machine("win32", USERPROFILE=str(tmp_path), LOCALAPPDATA=str(tmp_path / "Local"))
    folder = tmp_path / "Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming"
    folder.mkdir(parents=True)
    (tmp_path / "Local/Packages/Claude_another/LocalCache/Roaming").mkdir(parents=True)
    usual = named("claude-desktop").user.removeprefix("{data}/")
    (folder / usual).parent.mkdir()
    (folder / usual).touch()
    assert user_file(named("claude-desktop"), windows) == folder / usual
    assert is_here(named("claude-desktop"), windows)
    assert user_file(named("cursor"), windows) == tmp_path / ".cursor/mcp.json"


def test_projects_have_a_file_of_their_own_where_the_client_reads_one() -> None:
    found = {client.name: project_file(client, machine("linux")) for client in CLIENTS}
    assert found == {
        "cursor": Path("/p/.cursor/mcp.json"),
        "windsurf": None,
        "claude-desktop": None,
        "claude-code": Path("/p/.mcp.json"),
        "vscode": Path("/p/.vscode/mcp.json"),
        "codex": Path("/p/.codex/config.toml"),
        "gemini": Path("/p/.gemini/settings.json"),
        "kiro": Path("/p/.kiro/settings/mcp.json"),
    }


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_a_home_that_nobody_knows_is_told(environ: dict[str, str]) -> None:
    with pytest.raises(OperatorError, match="HOME is not set"):
        user_file(named("cursor"), machine("linux", **environ))


def test_a_client_is_here_if_its_file_is_or_its_folder_or_its_program(tmp_path: Path) -> None:
    mine = machine("linux", HOME=str(tmp_path), PATH=str(tmp_path / "bin"))
    assert not [client for client in CLIENTS if is_here(client, mine)]
    (tmp_path / ".kiro").mkdir()
    (tmp_path / ".claude.json").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/codex").touch(mode=0o755)
    found = [client.name for client in CLIENTS if is_here(client, mine)]
    assert found == ["claude-code", "codex", "kiro"]


@pytest.mark.parametrize(
    ("name", "server", "room"),
    [
        ("cursor", "pica", 54),
        ("claude-code", "pica", 53),
        ("codex", "pica", 53),
        ("gemini", "pica", 54),
        ("vscode", "pica", 55),
        ("vscode", "a-server-with-a-long-name", 46),
    ],
)
def test_a_name_of_a_tool_has_the_room_that_the_clients_prefix_leaves(name: str, server: str, room: int) -> None:
    assert named(name).room_for_name(server) == room


def test_the_longest_names_of_ours_fit_everywhere() -> None:
    room = [client.room_for_name("pica") or 64 for client in CLIENTS]
    assert min(room) >= 50
