"""A machine of any system, with a home of its own, on which `pica-mcp install` is run without a process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.cli.commands import parser
from pica_mcp.cli.install import install
from pica_mcp.cli.launch import Surroundings
from pica_mcp.clients import find, project_file, user_file


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


@dataclass
class Machine:
    """A home and a project, on a system of one's choice, with a program installed in a virtual environment."""

    home: Path
    project: Path
    system: str
    capture: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict[str, str])
    executable: str = ""

    def __post_init__(self) -> None:
        name = "Scripts/python.exe" if self.system == "win32" else "bin/python"
        python = self.home / "venv" / name
        python.parent.mkdir(parents=True)
        (python.parent / ("pica-mcp.exe" if self.system == "win32" else "pica-mcp")).touch()
        self.executable = str(python)

    @property
    def environ(self) -> Mapping[str, str]:
        home = {"USERPROFILE": str(self.home), "APPDATA": str(self.home / "AppData" / "Roaming")}
        return {**(home if self.system == "win32" else {"HOME": str(self.home)}), "PATH": "", **self.variables}

    def file(self, client: str, scope: str = "user") -> Path:
        found = find(client)
        assert found
        path = project_file(found, self.project) if scope == "project" else user_file(found, self.system, self.environ)
        assert path
        return path

    def write(self, client: str, text: str, scope: str = "user") -> Path:
        path = self.file(client, scope)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def install(self, *words: str, **variables: str) -> Done:
        """Run `pica-mcp install`, which has to succeed; what it refuses is raised."""
        around = Surroundings(self.system, {**self.environ, **variables}, self.executable)
        self.capture.readouterr()
        assert install(parser("install").parse_args(["install", *words]), around, self.project) == 0
        printed = self.capture.readouterr()
        return Done(printed.out, printed.err)

    def files(self) -> dict[str, bytes]:
        """Every file in home and project."""
        roots = (self.home, self.project)
        return {str(path): path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def nobody_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is neither a keyring nor a person at a terminal, whoever runs the tests."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def machine_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Machine]:
    """Build a machine of the system."""

    def build(system: str) -> Machine:
        home, project = tmp_path / "home", tmp_path / "project"
        project.mkdir()
        return Machine(home, project, system, capsys)

    return build


@pytest.fixture
def machine(machine_of: Callable[[str], Machine]) -> Machine:
    """A Linux machine."""
    return machine_of("linux")
