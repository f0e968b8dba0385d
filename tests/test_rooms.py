"""The picture of the rooms is the code's: who imports whom, who reads the environment, who prints."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pica_mcp

ROOT = Path(pica_mcp.__file__).parent
RULE = "    " + "-" * 11
ANYWHERE = ({"pica_mcp", "anyio", "mcp_types"} | sys.stdlib_module_names) - {"sqlite3"}
ONLY_IN = {
    "argcomplete": {"cli"},
    "cryptography": {"diagnosis"},
    "httpx2": {"api"},
    "jmespath": {"results"},
    "keyring": {"secret"},
    "mcp": {"server", "answers", "person", "hosting", "diagnosis", "cli"},
    "pydantic": {"models", "hosting"},
    "pydantic_core": {"hosting"},
    "rich": {"cli"},
    "sqlite3": {"catalog"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
}


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
    """Every module that the file imports, at the top or inside a function; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, level):
                yield from (f"{'.' * level}{module or ''}.{alias.name}" for alias in names)
            case ast.Call(ast.Name("import_module"), [ast.Constant(str(name))]):
                yield name
            case _:
                pass


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


def test_the_sandbox_imports_nothing_of_ours() -> None:
    """A fake that shares our models agrees with our mistakes."""
    assert the_map()["sandbox"] == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_others_wrote_is_imported_only_where_it_belongs(path: Path) -> None:
    """A room may import what `ONLY_IN` gives it and what is in `ANYWHERE`; what is in neither belongs nowhere.

    This is a test and no contract of import-linter's, which would name every room that may not, and so forget each
    new one. import-linter still holds the layers, see pyproject.toml.
    """
    others = {name.split(".")[0] for name in imports(path)} - ANYWHERE
    assert others <= {name for name, rooms in ONLY_IN.items() if room_of(path) in rooms}


def test_nothing_that_others_wrote_belongs_where_it_is_not_used() -> None:
    used: dict[str, set[str]] = {}
    for path in modules():
        for name in {name.split(".")[0] for name in imports(path)} - ANYWHERE:
            used.setdefault(name, set()).add(room_of(path))
    assert used == ONLY_IN


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
