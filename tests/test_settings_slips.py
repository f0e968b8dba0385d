"""A key that has slipped into the wrong place is shown by nothing that tells of the slip."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.cli.main import main
from pica_mcp.errors import InvalidSettings, PicaError, SecretUnavailable
from pica_mcp.front import open_front
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, environment, load
from pica_mcp.settings.options import FORMS, key_of

KEY = "sk_live_1_canary-Zm9v_YmFy"
SLIPS = {
    "in a header": f"Bearer {KEY}",
    "in a list": f"gmail, {KEY}",
    "in a pair": f"gmail={KEY}",
    "in a path": f"./none/{KEY}/x",
    "behind a line end": f"x\n{KEY}",
    "of a connection": "live::gmail::default::canary|ada",
    "a password": "https://ada:canary@a.example/x?y",
    "a password with a slash": "https://ada:can/canary@a.example",
}
WRONG_PLACES = [variable for variable in SECRETS if variable != "PICA_SECRET"]

Way = tuple[dict[str, str | None], dict[str, str]]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in an empty folder, where no proxy is set."""
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def start(way: Way) -> None:
    """Settle all that is settled before a client is greeted."""
    flags, environ = way
    with open_front(load(flags, environ, keyless=True)):
        pass


def said_of(way: Way) -> str:
    """All that is said of what is wrong, if anything is."""
    try:
        start(way)
    except InvalidSettings as error:
        return shown(error)
    return ""


def shown(error: BaseException) -> str:
    """The error as a traceback would show it."""
    return "".join(traceback.format_exception(error))


def in_file(content: str, folder: Path) -> Way:
    folder.mkdir(exist_ok=True)
    file = folder / "pica.toml"
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    return {"config": str(file)}, {}


def ways(name: str, value: str, folder: Path) -> Iterator[Way]:
    """The setting by flag, by variable, and in a file as a text and in a list."""
    yield {name: value}, {}
    yield {}, {f"PICA_{name.upper()}": value}
    if name in FORMS:
        yield in_file(f"{name} = {json.dumps(value)}", folder)
        yield in_file(f"{name} = {json.dumps([value])}", folder)


@pytest.mark.parametrize("key", [KEY, "id_live_1_canaryZm9vYmFy0123456789"], ids=["project", "identity"])
@pytest.mark.parametrize("option", [CONFIG, *OPTIONS], ids=lambda option: option.name)
def test_an_api_key_is_no_value_of_any_other_setting_and_not_shown(option: Any, key: str, tmp_path: Path) -> None:
    for way in ways(option.name, key, tmp_path):
        with pytest.raises(InvalidSettings, match=f"^({option.flag}|{option.variable}|{option.name} in .*) ") as caught:
            start(way)
        assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
@pytest.mark.parametrize("option", [CONFIG, *OPTIONS], ids=lambda option: option.name)
def test_no_error_of_a_setting_shows_a_key_or_a_password(option: Any, slip: str, tmp_path: Path) -> None:
    for way in ways(option.name, slip, tmp_path):
        assert "canary" not in said_of(way)


@pytest.mark.parametrize("variable", WRONG_PLACES)
async def test_a_key_in_the_place_of_where_it_is_to_be_found_is_not_shown(variable: str, tmp_path: Path) -> None:
    for flags, environ in (({}, {variable: KEY}), in_file(f"{key_of(variable)} = {json.dumps(KEY)}", tmp_path)):
        with pytest.raises((InvalidSettings, SecretUnavailable)) as caught:
            await load(flags, environ).secret.read()
        assert "canary" not in shown(caught.value)


def test_of_what_is_no_setting_the_name_is_shown_and_not_the_value(tmp_path: Path) -> None:
    slips: dict[str, Way] = {
        "PICA_PERMISSION": ({}, {"PICA_PERMISSION": KEY}),
        "permisions": in_file(f'permisions = "{KEY}"', tmp_path / "one"),
        "identity": in_file(f'effects = {{ identity = "{KEY}" }}', tmp_path / "other"),
    }
    for name, way in slips.items():
        with pytest.raises(InvalidSettings, match=rf"^{name}\b") as caught:
            start(way)
        assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("variable", ["PICA_PERMISSIONS", "PICA_CACHE", "PICA_SECRET_KEYRING"])
def test_a_command_stops_for_it_and_does_not_show_it(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in environment() if name.startswith("PICA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PICA_SECRET_KEYRING", "pica/ada")
    monkeypatch.setenv(variable, KEY)
    with pytest.raises(SystemExit) as caught:
        main(["whoami"])
    printed = "".join(capsys.readouterr())
    assert caught.value.code == 2
    assert printed.startswith(f"pica-mcp: {variable} ")
    assert "canary" not in printed


def test_no_error_of_any_kind_holds_a_key() -> None:
    for slip in SLIPS.values():
        error = PicaError(f"There is no {slip}.", f"Look at {slip!r}.")
        assert "canary" not in shown(error)
        assert str(error).startswith("There is no ")
