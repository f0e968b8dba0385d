"""The picture of the rooms is the code's: who imports whom, who reads the environment, who prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pica_mcp

ROOT = Path(pica_mcp.__file__).parent
RULE = "    " + "-" * 11


def the_map() -> dict[str, set[str]]:
    """Room → what it may import, read from the package's docstring."""
    lines = (pica_mcp.__doc__ or "").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(RULE))
    column = lines[start].rindex("  ") + 2
    return {line[4:].split()[0]: set(line[column:].split()) for line in lines[start + 1 :] if line.strip()}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if room_of(path) not in ("__init__", "__main__")]


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports(path) if name.startswith("pica_mcp.")}
    return names - {room_of(path), "__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_the_map_allows(path: Path) -> None:
    assert rooms_imported(path) <= the_map()[room_of(path)]


def test_the_map_allows_nothing_that_no_room_uses() -> None:
    used: dict[str, set[str]] = {room: set() for room in the_map()}
    for path in modules():
        used[room_of(path)] |= rooms_imported(path)
    assert used == the_map()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_below_the_size_at_which_it_has_a_seam(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 550


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_settings_reads_the_environment_and_only_cli_prints(path: Path) -> None:
    source = ast.parse(path.read_text())
    names = {
        f"{n.value.id}.{n.attr}"
        for n in ast.walk(source)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    }
    calls = {n.func.id for n in ast.walk(source) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    room = room_of(path)
    assert room == "settings" or not names & {"os.environ", "os.getenv"}
    assert room == "cli" or "print" not in calls
    assert room in ("cli", "hosting") or "sys.stdout" not in names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_in_its_first_sentence_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
