"""Broken set-ups, each on a machine of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from setups import Authority, Machine, authority_in

from pica_mcp import retries
from pica_mcp.sandbox import LIVE_SECRET

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def unproxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of the machine that runs the tests come in between."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be tried again without a pause."""
    monkeypatch.setattr(retries, "_BASE_SECONDS", 0.0)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose user is ada, with a secret that Pica takes; no action is a tool, which takes half the time."""
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    settings = {"PICA_SECRET": LIVE_SECRET, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user", "PICA_TOOLS": "none"}
    return Machine(tmp_path / "home", tmp_path / "project", settings)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A company's certificate authority."""
    return authority_in(tmp_path)
