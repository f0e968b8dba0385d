"""What happens before a client is greeted: as little as can be, and nothing that could be waited for."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GREETING: dict[str, Any] = {
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
LISTING: dict[str, Any] = {"id": 1, "method": "tools/list"}
LATE = {
    "answers",
    "app",
    "watch",
    "pipeline",
    "toolbox",
    "discovery",
    "resources",
    "prompts",
    "completions",
    "person",
    "results",
    "schemas",
    "catalog",
    "kept",
    "files",
    "store",
    "api",
    "retries",
    "hiding",
    "limits",
    "accounts",
    "arguments",
    "documents",
    "naming",
    "passthrough",
}
"""The rooms that no greeting needs."""

WATCHED = """
import os, sys
def hook(event, arguments):
    told = event if event in {"socket.connect", "subprocess.Popen", "sqlite3.connect"} else ""
    if event in {"open", "os.listdir", "os.scandir", "os.mkdir"} and str(arguments[0]).startswith(sys.argv[1]):
        told = "folder"
    if told:
        os.write(2, f"did {told}\\n".encode())
sys.addaudithook(hook)
from pica_mcp.cli.main import main
main([])
"""
"""The program, telling on stderr when it reaches for the network, another process or the folder of the cache."""

SWEPT = """
import atexit, gc, os
count = lambda: os.write(2, f"{gc.isenabled()} {gc.get_freeze_count() > 50_000}\\n".encode())
atexit.register(count)
from pica_mcp.cli.main import main
main([])
"""
"""The program, telling on stderr at its end whether garbage is looked for, and not among what was imported."""

Run = Callable[..., str]


@pytest.fixture
def told(tmp_path: Path) -> Run:
    """Start the server, have these messages answered and close its input; returns what it said on stderr."""

    def told(command: list[str], *messages: dict[str, Any]) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "PICA_BASE_URL": "http://127.0.0.1:1",
            "PICA_SECRET_COMMAND": shlex.join([sys.executable, "-c", "print('sk_live_told')"]),
            "PICA_CACHE": str(tmp_path / "cache"),
        }
        with subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdin
            assert server.stdout
            for message in messages:
                server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
                server.stdin.flush()
                assert "result" in json.loads(server.stdout.readline())
            return server.communicate(timeout=60)[1]

    return told


def imported(told: str) -> set[str]:
    """The modules that `-X importtime` told of."""
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", told, re.MULTILINE))


def test_a_client_is_greeted_before_what_it_may_ask_for_is_imported(told: Run) -> None:
    modules = imported(told(["-X", "importtime", "-m", "pica_mcp"], GREETING))
    assert "pica_mcp.server" in modules
    assert not {name for name in modules if name.startswith("pica_mcp.") and name.split(".")[1] in LATE}
    assert not {"sqlite3", "jmespath", "difflib"} & modules


def test_what_the_greeting_left_out_is_there_when_something_is_asked(told: Run) -> None:
    modules = imported(told(["-X", "importtime", "-m", "pica_mcp"], GREETING, LISTING))
    assert {f"pica_mcp.{room}" for room in LATE} <= modules


def test_before_a_client_is_greeted_nothing_is_reached_for(told: Run, tmp_path: Path) -> None:
    assert told(["-c", WATCHED, str(tmp_path / "cache")], GREETING) == ""
    assert not (tmp_path / "cache").exists()


def test_what_is_not_reached_for_before_is_reached_for_then(told: Run, tmp_path: Path) -> None:
    """Or the test before this one would see nothing whatever happened."""
    done = told(["-c", WATCHED, str(tmp_path / "cache")], GREETING, LISTING)
    assert {"did subprocess.Popen", "did socket.connect", "did sqlite3.connect"} <= set(done.splitlines())


def test_garbage_is_looked_for_while_serving_but_not_among_what_was_imported(told: Run) -> None:
    assert told(["-c", SWEPT], GREETING, LISTING).splitlines()[-1] == "True True"
