"""What in config/ is made from the code: `python tests/config/generated.py` writes it anew."""

from __future__ import annotations

import json
import tomllib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

import settings_file

from pica_mcp import __version__
from pica_mcp.clients import CLIENTS, Client, Machine, find
from pica_mcp.clients.entries import Entry, asked, input_id, input_of, value_of
from pica_mcp.installation import USUAL_NAME, Wanted, target_of, written
from pica_mcp.installation.keeping import secret_file
from pica_mcp.settings import OPTIONS
from pica_mcp.settings.options import Option

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"

OWNER = "OWNER"
"""Whose repository it is on GitHub, as long as nobody knows. config/README.md lists where else it stands."""

PROGRAM = "/absolute/path/to/.venv/bin/pica-mcp"

REGISTRY_NAME = f"io.github.{OWNER}/pica-mcp"

_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_ASKED_FOR = ("permissions",)
"""The settings that the registry tells of. Its clients ask for each of them and pass on what was left empty, as VS
Code does, which the server refuses: so these have defaults, and are few."""


def documents() -> dict[Path, str]:
    """Return every file with what has to be in it."""
    server_json = json.dumps(server(), indent=2, ensure_ascii=False) + "\n"
    settings = {CONFIG / "pica-mcp.toml": settings_file.example()}
    return {**clients(), **settings, CONFIG / "server.json": server_json, **with_links(ROOT / "README.md")}


def clients() -> dict[Path, str]:
    """Return each client's file as `pica-mcp install --print` prints it, with words for what is each person's own."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        program = home / "pica-mcp"
        program.touch()
        machine = Machine("linux", {"HOME": folder, "PICA_IDENTITY": "user_123", "PICA_IDENTITY_TYPE": "user"}, home)
        words = {program: PROGRAM, secret_file(USUAL_NAME, machine): "/absolute/path/to/a/file/with/the/key"}
        return {CONFIG / f"clients/{one.name}.{one.form}": _printed(one, machine, words) for one in CLIENTS}


def _printed(client: Client, machine: Machine, words: Mapping[Path, str]) -> str:
    target = target_of(client, "user", USUAL_NAME, machine)
    text, _ = written(target, Wanted(str(machine.folder / "python")), machine)
    for path, instead in words.items():
        text = text.replace(json.dumps(str(path)), json.dumps(instead))
    return text


def with_links(page: Path) -> dict[Path, str]:
    """Return the page with the links where it has a place for them."""
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition("<!-- links -->\n")
    _, end, after = rest.partition("<!-- /links -->")
    if not end:
        return {}
    shown = " · ".join(f"[{name}]({link})" for name, link in links().items() if link.startswith("https:"))
    return {page: f"{before}{start}{shown}\n{end}{after}"}


# For the registry of MCP servers


def server() -> dict[str, Any]:
    """Return what the registry is told of this server."""
    return {
        "$schema": _SCHEMA,
        "name": REGISTRY_NAME,
        "title": "Pica",
        "description": project()["description"],
        "repository": {"url": f"https://github.com/{OWNER}/pica-mcp", "source": "github"},
        "version": __version__,
        "packages": [
            {
                "registryType": "pypi",
                "identifier": "pica-mcp",
                "version": __version__,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [_secret(), *(variable(_option(name)) for name in _ASKED_FOR)],
            }
        ],
    }


def _secret() -> dict[str, Any]:
    about = "A key from https://app.picaos.com/settings/api-keys"
    return {"name": "PICA_SECRET", "description": about, "isRequired": True, "isSecret": True, "format": "string"}


def variable(option: Option) -> dict[str, Any]:
    """Return the setting as the registry has it."""
    formats = {"number": "number", "switch": "boolean"}
    told: dict[str, Any] = {"name": option.variable, "description": option.help, "isRequired": False, "isSecret": False}
    told |= {"format": formats.get(option.form, "string")}
    told |= {"choices": option.metavar.split("|")} if "|" in option.metavar else {}
    return told | ({"default": option.default} if option.default else {})


def _option(name: str) -> Option:
    return next(option for option in OPTIONS if option.name == name)


def project() -> dict[str, Any]:
    """Return what pyproject.toml says of the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


# Links that install it. They start the published package, and are of no use before there is one.


def links() -> dict[str, str]:
    """Return every link, by what it is for: the client itself opens two, and pages on the web lead there."""
    cursor, vscode = _cursor(), _vscode()
    config = {"name": "pica", "config": b64encode(_compact(cursor).encode()).decode()}
    inputs = vscode.pop("inputs")
    parts = {"name": "pica", "config": _compact(vscode), "inputs": _compact(inputs)}
    whole = _compact({"name": "pica", **vscode, "inputs": inputs})
    return {
        "Cursor": f"https://cursor.com/en/install-mcp?{_query(config)}",
        "Cursor itself": f"cursor://anysphere.cursor-deeplink/mcp/install?{_query(config)}",
        "VS Code": f"https://insiders.vscode.dev/redirect/mcp/install?{_query(parts)}",
        "VS Code itself": f"vscode:mcp/install?{quote(whole, safe='')}",
    }


def _cursor() -> dict[str, Any]:
    """Return the entry, which has Cursor take the key from its own environment."""
    return value_of(_client("cursor"), Entry("uvx", ("pica-mcp",), passed=("PICA_SECRET",)))


def _vscode() -> dict[str, Any]:
    """Return the entry, which has VS Code ask for the key and keep it encrypted."""
    client = _client("vscode")
    entry = Entry("uvx", ("pica-mcp",), {"PICA_SECRET": client.asks.format(input_id("pica"))})
    return {**value_of(client, entry), "inputs": [input_of(one) for one in asked(client, entry)]}


def _client(name: str) -> Client:
    client = find(name)
    assert client
    return client


def _query(parts: dict[str, str]) -> str:
    return urlencode(parts, quote_via=quote, safe="")


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def main() -> None:
    """Write them all."""
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))  # noqa: T201


if __name__ == "__main__":
    main()
