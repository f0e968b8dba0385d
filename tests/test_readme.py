"""What the README says is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pica_mcp.cli.commands import COMMANDS
from pica_mcp.discovery import FIXED_NAMES
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS
from pica_mcp.settings.file import read

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_codes() -> None:
    secrets = [(variable, sentence, "") for variable, sentence in SECRETS.items()]
    secrets[0] = (*secrets[0][:2], "this, or one of the next three")
    options = [
        (option.variable, option.help, f"`{option.default}`" if option.default else "") for option in (CONFIG, *OPTIONS)
    ]
    expected = [f"| `{variable}` | {what} | {default} |" for variable, what, default in (*secrets, *options)]
    assert [line for line in README.splitlines() if re.match(r"\| `PICA_[A-Z_]+` \|", line)] == expected


def test_the_entry_for_clients_is_the_file_in_config() -> None:
    (shown,) = re.findall(r"<!-- entry: cursor -->\n```json\n(.+?)\n```", README, re.DOTALL)
    assert json.loads(shown) == json.loads((ROOT / "config/clients/cursor.json").read_text())


def test_every_relative_link_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_fixed_tool_is_described() -> None:
    assert [name for name in FIXED_NAMES if f"| `{name}` |" not in README] == []


def test_every_command_is_told_of() -> None:
    assert [name for name in COMMANDS if not re.search(rf"pica-mcp\s+{name}\b", README) and name != "serve"] == []


def test_the_settings_file_that_is_shown_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.+?)\n```", README, re.DOTALL)
    (tmp_path / "pica.toml").write_text(shown)
    assert len(read(str(tmp_path / "pica.toml"), "PICA_CONFIG").values) == 7


def test_every_anchor_is_a_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors
