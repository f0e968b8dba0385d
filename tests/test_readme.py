"""What the README says is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pica_mcp.discovery import FIXED_NAMES
from pica_mcp.settings import OPTIONS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_codes() -> None:
    defaults = {option: f"`{option.default}`" if option.default else "" for option in OPTIONS}
    expected = [f"| `{option.variable}` | {option.help} | {default} |" for option, default in defaults.items()]
    assert [line for line in README.splitlines() if re.match(r"\| `PICA_(?!SECRET)", line)] == expected


def test_the_entry_for_clients_is_the_file_in_config() -> None:
    (shown,) = re.findall(r"```json\n(.+?)\n```", README, re.DOTALL)
    assert json.loads(shown) == json.loads((ROOT / "config/mcp.json").read_text())


def test_every_relative_link_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_fixed_tool_is_described() -> None:
    assert [name for name in FIXED_NAMES if f"| `{name}` |" not in README] == []
