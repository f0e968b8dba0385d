"""What config/ tells clients and the registry is what the code says, and links lead clients to it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import generated
import pytest
from generated import CONFIG, OWNER, REGISTRY_NAME, documents, links, project, server

from pica_mcp import __version__
from pica_mcp.clients import CLIENTS, Client, Machine
from pica_mcp.clients.entries import entries_of, environment, form_of, kind_of
from pica_mcp.settings import OPTIONS, load

SETTINGS = {option.variable: option for option in OPTIONS}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_the_file_is_the_codes(path: Path) -> None:
    """Otherwise: python tests/config/generated.py."""
    assert path.read_text(encoding="utf-8") == documents()[path]


def test_there_is_a_file_for_each_client_and_for_nothing_else() -> None:
    assert {path.name for path in (CONFIG / "clients").iterdir()} == {f"{one.name}.{one.form}" for one in CLIENTS}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_clients_file_starts_the_server_with_settings_that_it_takes(client: Client) -> None:
    text = (CONFIG / f"clients/{client.name}.{client.form}").read_text(encoding="utf-8")
    entry = entries_of(client, form_of(client).read(text))["pica"]
    key = "sk_live_abcdefgh"
    machine = Machine("linux", {"PICA_SECRET": key, "HOME": "/home/you"}, Path("/home/you"))
    told = environment(client, entry, machine, {"pica_secret": key})
    assert kind_of(entry) == "ours"
    assert load({}, told).identity.id == "user_123"
    assert key not in text


# The registry


def test_the_registry_is_told_what_its_schema_takes() -> None:
    """As in the schema of 2025-12-11, which tells of no other limits."""
    told = server()
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", told["name"])
    assert 1 <= len(told["title"]) <= 100
    assert 1 <= len(told["description"]) <= 100
    (package,) = told["packages"]
    assert package.keys() >= {"registryType", "identifier", "transport"}
    allowed = {"name", "description", "default", "choices", "format", "isRequired", "isSecret"}
    for variable in package["environmentVariables"]:
        assert variable.keys() <= allowed
        assert variable["format"] in ("string", "number", "boolean", "filepath")


def test_the_registry_is_told_of_this_version_of_this_project() -> None:
    told = server()
    (package,) = told["packages"]
    assert told["description"] == project()["description"]
    assert {told["version"], package["version"]} == {__version__}
    assert {package["identifier"], told["name"].split("/")[1]} == {project()["name"]}


def test_only_the_secret_is_asked_for_without_a_default() -> None:
    """VS Code asks for each of them, and passes on what a person leaves empty; the server refuses that."""
    secret, *others = server()["packages"][0]["environmentVariables"]
    assert (secret["name"], secret["isSecret"], secret["isRequired"]) == ("PICA_SECRET", True, True)
    assert all(variable["default"] == SETTINGS[variable["name"]].default != "" for variable in others)


def test_every_setting_can_be_told_to_the_registry() -> None:
    told = {name: generated.variable(option) for name, option in SETTINGS.items()}
    assert told["PICA_KNOWLEDGE_AGENT"]["format"] == "boolean"
    assert told["PICA_MAX_TOOLS"]["format"] == "number"
    assert told["PICA_PERMISSIONS"]["choices"] == ["read", "write", "admin"]
    for name, variable in told.items():
        assert variable.get("default", "") == SETTINGS[name].default
        if "choices" in variable and "default" in variable:
            assert variable["default"] in variable["choices"]


# Links


def opened_by_cursor(link: str) -> tuple[str, Any]:
    """The name and the entry, as Cursor reads them out of its link."""
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    return query["name"][0], json.loads(b64decode(query["config"][0], validate=True))


def opened_by_code(link: str) -> tuple[str, Any]:
    """The name and the rest, as VS Code reads them; its parser of URIs decodes once, and its handler once more."""
    document = json.loads(unquote(unquote(link.partition("?")[2])))
    return document.pop("name"), document


def led_on(link: str) -> tuple[str, Any]:
    """The same, as the page reads them that leads to VS Code."""
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    return query["name"][0], {**json.loads(query["config"][0]), "inputs": json.loads(query["inputs"][0])}


def test_a_link_for_cursor_holds_the_entry() -> None:
    entry = {"command": "uvx", "args": ["pica-mcp"], "env": {"PICA_SECRET": "${env:PICA_SECRET}"}}
    for name, start in (("Cursor", "https://cursor.com/en/install-mcp?"), ("Cursor itself", "cursor://anysphere.")):
        assert links()[name].startswith(start)
        assert opened_by_cursor(links()[name]) == ("pica", entry)


def test_a_link_for_code_holds_the_entry_and_has_it_ask_for_the_key() -> None:
    asked = {"type": "promptString", "id": "pica_secret", "description": "Pica API key", "password": True}
    entry = {"type": "stdio", "command": "uvx", "args": ["pica-mcp"], "env": {"PICA_SECRET": "${input:pica_secret}"}}
    told: Mapping[str, Any] = {**entry, "inputs": [asked]}
    assert links()["VS Code itself"].startswith("vscode:mcp/install?%7B")
    assert opened_by_code(links()["VS Code itself"]) == ("pica", told)
    assert links()["VS Code"].startswith("https://insiders.vscode.dev/redirect/mcp/install?")
    assert led_on(links()["VS Code"]) == ("pica", told)


@pytest.mark.parametrize("link", links().values(), ids=links())
def test_a_link_can_stand_in_markdown(link: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~:/?&=%+-]+", link)


def test_a_page_with_a_place_for_links_gets_those_that_a_browser_opens(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Before\n<!-- links -->\nold ones\n<!-- /links -->\nAfter\n")
    written = generated.with_links(page)[page]
    assert re.findall(r"\]\((.+?)\)", written) == [links()["Cursor"], links()["VS Code"]]
    assert (written.startswith("# Before\n"), "old" in written, written.endswith("\nAfter\n")) == (True, False, True)
    page.write_text("# No place\n")
    assert generated.with_links(page) == {}


# What is to be filled in before anything is published


def test_the_owner_is_missing_only_where_the_page_says() -> None:
    page = (CONFIG / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\]\((\S+)\)", page.partition("## Before it is published")[2]))
    files = [path for path in CONFIG.rglob("*") if path.is_file() and path.name != "README.md"]
    own = Path(generated.__file__)
    named = {path for path in (*files, own) if re.search(rf"\b{OWNER}\b", path.read_text(encoding="utf-8"))}
    assert named <= {(CONFIG / name).resolve() for name in told}
    assert REGISTRY_NAME in page
