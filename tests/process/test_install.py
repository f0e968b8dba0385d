"""What `pica-mcp install` wrote, started as each client starts it: its command, its environment, in another folder."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import pytest
from anyio import to_thread
from anyio.streams.text import TextReceiveStream

from pica_mcp.cli.commands import parser
from pica_mcp.cli.install import install, wanted_of
from pica_mcp.clients import CLIENTS, Client, Machine, user_file
from pica_mcp.clients.entries import asked, entries_of, environment, form_of, missing
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

SHAKE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
_OF_WINDOWS = ("SYSTEMROOT", "PATHEXT", "TEMP")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "home"


def machine_of(home: Path, **variables: str) -> Machine:
    """What is set on a machine where nothing else is installed."""
    folder = str(home)
    kept = {name: os.environ[name] for name in _OF_WINDOWS if name in os.environ}
    environ = {**kept, "HOME": folder, "USERPROFILE": folder, "PATH": "/usr/bin:/bin", **variables}
    return Machine.of(sys.platform, environ, Path.cwd())


def put_in(client: Client, machine: Machine, *words: str) -> None:
    arguments = parser("install").parse_args(["install", client.name, *words])
    assert install(arguments, machine, wanted_of(arguments, sys.executable)) == 0


@asynccontextmanager
async def started(client: Client, machine: Machine, folder: Path) -> AsyncGenerator[Any]:
    """Start the entry in the client's file as the client does, and yield a function that asks it something."""
    text = user_file(client, machine).read_text(encoding="utf-8")
    entry = entries_of(client, form_of(client).read(text))["pica"]
    assert Path(entry.command).is_absolute()
    assert not missing(client, entry, machine.environ)
    answers = dict.fromkeys(asked(client, entry), LIVE_SECRET)  # a person types the key
    env = environment(client, entry, machine, answers)
    async with await anyio.open_process([entry.command, *entry.args], env=env, cwd=folder, stderr=PIPE) as process:
        assert process.stdin
        assert process.stdout
        lines = Lines(TextReceiveStream(process.stdout))

        async def ask(method: str, **params: Any) -> Any:
            assert process.stdin
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            await process.stdin.send(f"{json.dumps(request)}\n".encode())
            while "id" not in (answer := json.loads(await lines.next())):
                pass
            return answer["result"]

        assert (await ask("initialize", **SHAKE))["serverInfo"]["name"] == "pica-mcp"
        yield ask
        await process.stdin.aclose()
        assert await process.wait() == 0


class Lines:
    """Lines of a stream."""

    def __init__(self, stream: TextReceiveStream) -> None:
        self._stream = stream
        self._rest = ""

    async def next(self) -> str:
        while "\n" not in self._rest:
            self._rest += await self._stream.receive()
        line, _, self._rest = self._rest.partition("\n")
        return line


def test_the_program_that_these_tests_install_is_the_one_beside_their_python() -> None:
    name = "pica-mcp.exe" if sys.platform == "win32" else "pica-mcp"
    assert (Path(sysconfig.get_path("scripts")) / name).exists()


async def test_an_entry_of_the_embedded_sandbox_starts_without_a_key(home: Path) -> None:
    machine = machine_of(home)
    put_in(CLIENTS[0], machine, "--sandbox")
    with anyio.fail_after(60):
        async with started(CLIENTS[0], machine, home.parent / "elsewhere") as ask:
            assert len((await ask("tools/list"))["tools"]) > 7  # more than the fixed ones


async def test_every_clients_entry_finds_the_key_in_the_clients_own_way(home: Path) -> None:
    box = Sandbox()
    counts = dict[str, int]()
    with anyio.fail_after(120):
        async with box.listening() as url:
            machine = machine_of(home, PICA_SECRET=LIVE_SECRET, PICA_CACHE="off")
            for client in CLIENTS:  # in a thread, as a program of its own would
                await to_thread.run_sync(put_in, client, machine, "--identity", "ada", "--base-url", url)

            async def try_out(client: Client) -> None:
                assert LIVE_SECRET not in user_file(client, machine).read_text(encoding="utf-8")
                async with started(client, machine, home.parent / "elsewhere") as ask:
                    found = await ask("tools/call", name="list_pica_integrations", arguments={})
                    assert "gmail" in found["content"][0]["text"]
                    counts[client.name] = len((await ask("tools/list"))["tools"])

            async with anyio.create_task_group() as tasks:
                for client in CLIENTS:
                    tasks.start_soon(try_out, client)
    assert min(counts[client.name] for client in CLIENTS) > 7
