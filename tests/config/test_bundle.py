"""The bundle for Claude Desktop says the truth and holds what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import bundle
import pytest

from pica_mcp import __version__
from pica_mcp.settings import OPTIONS

MANIFEST: dict[str, Any] = json.loads((bundle.ROOT / "config/mcpb/manifest.json").read_text(encoding="utf-8"))
SETTINGS = {option.variable: option for option in OPTIONS}
CONFIG = MANIFEST["server"]["mcp_config"]


def test_the_manifest_says_what_the_project_says() -> None:
    project = tomllib.loads((bundle.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert MANIFEST["version"] == __version__
    assert {name: MANIFEST[name] for name in ("name", "description", "license", "keywords")} == {
        name: project[name] for name in ("name", "description", "license", "keywords")
    }
    assert MANIFEST["author"] in project["authors"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == project["requires-python"]


def test_the_manifest_has_what_the_format_wants() -> None:
    """As in the schema of the manifest, version 0.4."""
    assert MANIFEST["manifest_version"] == "0.4"
    assert MANIFEST["server"].keys() == {"type", "entry_point", "mcp_config"}
    assert MANIFEST["server"]["type"] == "uv"
    assert CONFIG["args"][0] == "run", "Claude Desktop gives these to a uv of its own"
    for field in MANIFEST["user_config"].values():
        assert field["type"] == "string"
        assert field["title"]
        assert field["description"]


def test_what_the_form_asks_for_is_what_the_server_is_told() -> None:
    asked = {f"PICA_{name.upper()}": f"${{user_config.{name}}}" for name in MANIFEST["user_config"]}
    assert CONFIG["env"] == asked
    assert CONFIG["env"].keys() - {"PICA_SECRET"} <= SETTINGS.keys()


def test_the_form_hides_the_secret_and_begins_with_the_servers_defaults() -> None:
    fields = {f"PICA_{name.upper()}": field for name, field in MANIFEST["user_config"].items()}
    secret = fields.pop("PICA_SECRET")
    assert (secret["sensitive"], secret["required"], "default" in secret) == (True, True, False)
    assert {name: field["default"] for name, field in fields.items()} == {
        name: SETTINGS[name].default for name in fields
    }


def test_the_bundle_holds_the_package_and_what_it_is_installed_with(tmp_path: Path) -> None:
    with ZipFile(bundle.pack(tmp_path)) as packed:
        names = set(packed.namelist())
        assert json.loads(packed.read("manifest.json")) == MANIFEST
    project = tomllib.loads((bundle.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"pyproject.toml", project["readme"], *project["license-files"]} <= names
    assert {MANIFEST["server"]["entry_point"], CONFIG["args"][-1]} <= names
    modules = {path.relative_to(bundle.ROOT).as_posix() for path in (bundle.ROOT / "pica_mcp").rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "config/", "."))]


def test_the_same_files_make_the_same_bundle(tmp_path: Path) -> None:
    first, second = ((tmp_path / name) for name in ("first", "second"))
    first.mkdir()
    second.mkdir()
    assert bundle.pack(first).read_bytes() == bundle.pack(second).read_bytes()


@pytest.mark.parametrize(("permissions", "code"), [("admin", 0), ("", 2)])
def test_a_blank_field_is_no_setting_unless_it_would_open_something(permissions: str, code: int) -> None:
    blank = {"PICA_IDENTITY": "${user_config.identity}", "PICA_IDENTITY_TYPE": "", "PICA_PERMISSIONS": permissions}
    environ = {"PATH": os.environ["PATH"], "PICA_SECRET": "sk_live_abcdefgh", "PICA_CACHE": "off", **blank}
    start = [sys.executable, str(bundle.ROOT / "config/mcpb/start.py"), "--log-level", "info"]
    done = subprocess.run(
        start, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False, text=True
    )
    assert done.returncode == code, done.stderr
    assert "user_config" not in done.stderr
    assert ("PICA_PERMISSIONS" in done.stderr) == bool(code)
