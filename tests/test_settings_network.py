from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from pica_mcp.errors import InvalidSettings
from pica_mcp.settings import load
from pica_mcp.settings.network import proxy

PICA = "https://api.picaos.com"


def test_an_environment_without_a_proxy_is_not_given_that_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ours.example:1")
    assert proxy(PICA, {"PATH": "/usr/bin"}) is None
    assert load({}, keyless=True).proxy == "http://ours.example:1"


@pytest.mark.parametrize("system", ["registry", "macosx_sysconf"])
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "http://system.example:3128"),
        ({"HTTPS_PROXY": ""}, "http://system.example:3128"),
        ({"HTTPS_PROXY": "http://own.example:1"}, "http://own.example:1"),
        ({"NO_PROXY": "other.example"}, None),
    ],
)
def test_the_systems_own_proxy_holds_where_no_variable_says_anything(
    monkeypatch: pytest.MonkeyPatch, system: str, environ: dict[str, str], expected: str | None
) -> None:
    """As Python has them on Windows and macOS."""
    monkeypatch.setenv("HTTPS_PROXY", "http://ours.example:1")
    told: dict[str, Any] = {
        f"getproxies_{system}": lambda: {"https": "http://system.example:3128"},
        f"proxy_bypass_{system}": "excepted.example".__eq__,
    }
    for name, function in told.items():
        monkeypatch.setattr(urllib.request, name, function, raising=False)
    assert proxy(PICA, environ) == expected
    assert proxy("https://excepted.example", {}) is None


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_file_of_certificates_that_no_file_can_be_called_is_told_as_such(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^SSL_CERT_FILE is '.*', but holds no certificates that can be"):
        load({}, {"SSL_CERT_FILE": name}, keyless=True)
