"""A machine of any system, with a home of its own, on which `pica-mcp install` is run without a process."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.cli.commands import parser
from pica_mcp.cli.install import install, wanted_of
from pica_mcp.clients import Machine, find, project_file, user_file
from pica_mcp.installation.keeping import Ask


@cache
def command() -> ArgumentParser:
    """The program's, which takes longer to build than most of these tests take."""
    return parser("install")


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


@dataclass
class StandIn:
    """A home and a project, on a system of one's choice, with a program installed in a virtual environment."""

    home: Path
    project: Path
    system: str
    capture: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict[str, str])
    python: str = ""
    record: str = ""
    """What its installer wrote down of where the program came from."""
    program: str = "pica-mcp"
    """What its shell runs the program by."""
    ask: Ask | None = None
    """The person at its terminal, if there is one."""

    def __post_init__(self) -> None:
        name = "Scripts/python.exe" if self.system == "win32" else "bin/python"
        python = self.home / "venv" / name
        python.parent.mkdir(parents=True)
        (python.parent / ("pica-mcp.exe" if self.system == "win32" else "pica-mcp")).touch()
        self.python = str(python)

    @property
    def environ(self) -> Mapping[str, str]:
        home = {"USERPROFILE": str(self.home), "APPDATA": str(self.home / "AppData" / "Roaming")}
        return {**(home if self.system == "win32" else {"HOME": str(self.home)}), "PATH": "", **self.variables}

    def with_set(self, **variables: str) -> Machine:
        """The machine, with these variables set, too."""
        return Machine.of(self.system, {**self.environ, **variables}, self.project)

    def file(self, client: str, scope: str = "user") -> Path:
        found = find(client)
        assert found
        path = (project_file if scope == "project" else user_file)(found, self.with_set())
        assert path
        return path

    def write(self, client: str, text: str, scope: str = "user") -> Path:
        path = self.file(client, scope)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def install(self, *words: str, **variables: str) -> Done:
        """Run `pica-mcp install`, which has to succeed; what it refuses is raised."""
        arguments = command().parse_args(["install", *words])
        order = replace(wanted_of(arguments, self.python, self.record), ask=self.ask, program=self.program)
        self.capture.readouterr()
        assert install(arguments, self.with_set(**variables), order) == 0
        printed = self.capture.readouterr()
        return Done(printed.out, printed.err)

    def files(self) -> dict[str, bytes]:
        """Every file in home and project."""
        roots = (self.home, self.project)
        return {str(path): path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no keyring, whoever runs the tests."""
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def machine_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], StandIn]:
    """Build a machine of the system."""

    def build(system: str) -> StandIn:
        home, project = tmp_path / "home", tmp_path / "project"
        project.mkdir()
        return StandIn(home, project, system, capsys)

    return build


@pytest.fixture
def machine(machine_of: Callable[[str], StandIn]) -> StandIn:
    """A Linux machine."""
    return machine_of("linux")
