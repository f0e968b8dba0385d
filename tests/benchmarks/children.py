"""The processes that benchmarks measure: an MCP server as a client starts it, and the Pica behind it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from threading import Thread
from time import perf_counter, sleep
from typing import Any

from pica_mcp.sandbox import LIVE_SECRET

PROGRAMS = Path(__file__).parents[1] / "programs"
OURS = (sys.executable, "-m", "pica_mcp")
IDENTITY = "bench"
"""Who has the connections of the programs' Pica."""

_NEWEST = "io.modelcontextprotocol/"
_CLIENT = {"name": "benchmark", "version": "1"}
_ENVELOPE = {
    "_meta": {
        f"{_NEWEST}protocolVersion": "2026-07-28",
        f"{_NEWEST}clientInfo": _CLIENT,
        f"{_NEWEST}clientCapabilities": {},
    }
}
_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT}
_QUIET_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_WARM_SECONDS = 900.0
_TOLD_CHARS = 2_000


class Server:
    """A server over stdio. Its clock starts when it is spawned."""

    def __init__(self, process: Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self._spawned, self._last = perf_counter(), 0

    @property
    def age_seconds(self) -> float:
        """How long ago it was spawned."""
        return perf_counter() - self._spawned

    def hello(self) -> None:
        """Shake hands as clients have done up to now."""
        self.ask("initialize", _HELLO)
        self._write(_line("notifications/initialized", {}))

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result, or raise `AssertionError` for an error."""
        self._last += 1
        self._write(_line(method, params, self._last))
        return _result(self._answer(self._last))

    def tools(self, *, newest: bool = False) -> dict[str, Any]:
        """Return the answer to `tools/list`, in the newest era on request: only that one says how long it holds."""
        return self.ask("tools/list", _ENVELOPE if newest else {})

    def complete_tools(self) -> list[Any]:
        """Ask in the newest era until the list says that it may be kept, so is complete, and return its tools."""
        while self.age_seconds < _WARM_SECONDS:
            found = self.tools(newest=True)
            if found["ttlMs"]:
                return found["tools"]
            sleep(_LOOK_SECONDS)
        raise AssertionError("the list of tools never became complete")

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None) -> float:
        """Return how many seconds a call takes."""
        begun = perf_counter()
        result = self.ask("tools/call", {"name": tool, "arguments": arguments or {}})
        seconds = perf_counter() - begun
        assert not result.get("isError"), result
        return seconds

    def calls(self, tool: str, count: int, arguments: Mapping[str, Any] | None = None) -> tuple[float, int]:
        """Call so often at once; return how many seconds it takes and how many are answered without an error."""
        params = {"name": tool, "arguments": arguments or {}}
        first = self._last + 1
        self._last += count
        lines = b"".join(_line("tools/call", params, number) for number in range(first, self._last + 1))
        begun = perf_counter()
        writing = Thread(target=self._write, args=(lines,))
        writing.start()
        waited, good = set(range(first, self._last + 1)), 0
        while waited:
            answer = self._next()
            if answer.get("id") in waited:
                waited.remove(answer["id"])
                good += "error" not in answer and not answer["result"].get("isError")
        seconds = perf_counter() - begun
        writing.join()
        return seconds, good

    @property
    def cpu_ms(self) -> float:
        """How long a processor has worked for it, which tells less of how busy the machine is otherwise."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mb(self) -> float:
        """What it has in memory."""
        return _proc_mb(self._process.pid, "smaps_rollup", "Rss")

    @property
    def private_mb(self) -> float:
        """What it has in memory and shares with no other process."""
        return _proc_mb(self._process.pid, "smaps_rollup", "Private_Clean", "Private_Dirty")

    @property
    def peak_mb(self) -> float:
        """The most it ever had in memory."""
        return _proc_mb(self._process.pid, "status", "VmHWM")

    def _write(self, data: bytes) -> None:
        self._in.write(data)
        self._in.flush()

    def _answer(self, id_: int) -> dict[str, Any]:
        while (answer := self._next()).get("id") != id_:
            pass
        return answer

    def _next(self) -> dict[str, Any]:
        line = self._out.readline()
        assert line, "the server ended"
        return json.loads(line)


class Pica:
    """The programs' Pica, in a process of its own."""

    def __init__(self, process: Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, process.stdout
        self.url: str = json.loads(self._out.readline())

    def delay(self, seconds: float) -> None:
        """Hold every answer back for so long."""
        self._tell(f"delay {seconds}")

    def reset(self) -> None:
        """Count anew."""
        self._tell("reset")

    def counts(self) -> dict[str, int]:
        """Return what was counted since the last reset, by name."""
        return self._tell("counts")

    def seen(self) -> list[str]:
        """Return the requests since the last reset, without those of passthrough, as `METHOD target`."""
        return self._tell("seen")["requests"]

    def last(self) -> dict[str, Any]:
        """Return the request that came last: method, url, headers, body."""
        last = self._tell("seen")["last"]
        return {**last, "url": self.url + last["target"]}

    def until_quiet(self) -> None:
        """Wait until nothing was asked for a while."""
        before = -1
        while (now := self.counts())["pending"] or now["requests"] != before:
            before = now["requests"]
            sleep(_QUIET_SECONDS)

    def _tell(self, command: str) -> Any:
        self._in.write(f"{command}\n".encode())
        self._in.flush()
        return json.loads(self._out.readline())


@contextmanager
def server(command: Iterable[str], environment: Mapping[str, str] | None = None) -> Generator[Server]:
    """Spawn a server with few variables; at the end its stdin is closed, and it has left."""
    with _child(command, environment or {}) as process:
        yield Server(process)


@contextmanager
def pica(actions: int, platforms: int, *, chars: int | None = None, imitated: str = "") -> Generator[Pica]:
    """Start a Pica with so many actions on so many grown platforms, all connected; `imitated` adds written ones."""
    told = ["--chars", str(chars)] if chars else []
    command = [sys.executable, str(PROGRAMS / "pica_server.py"), str(actions), str(platforms), *told]
    with _child([*command, "--imitated", imitated], {}) as process:
        yield Pica(process)


def floor(transport: str, request: Mapping[str, Any] | None = None) -> list[str]:
    """The command of a bare server on the `sdk`'s transport or on `ours`, whose tool `request` makes the request."""
    asked = [json.dumps(request)] if request else []
    return [sys.executable, str(PROGRAMS / "floor_server.py"), transport, *asked]


def settings(url: str, cache: Path, **more: str) -> dict[str, str]:
    """The variables that let ours serve the account at the URL, with its cache in that folder."""
    account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": IDENTITY}
    return {**account, "PICA_CACHE": str(cache), **more}


def warm(api: Pica, environment: Mapping[str, str]) -> list[Any]:
    """Serve once until the list of tools is complete and nothing more is loaded; return the tools."""
    with server(OURS, environment) as ours:
        tools = ours.complete_tools()
        api.until_quiet()
    return tools


@contextmanager
def _child(command: Iterable[str], environment: Mapping[str, str]) -> Generator[Popen[bytes]]:
    variables = {"PATH": os.environ["PATH"], **environment}
    with (
        TemporaryFile() as told,
        Popen(list(command), stdin=PIPE, stdout=PIPE, stderr=told, env=variables) as process,
    ):
        try:
            yield process
        except BaseException as error:
            process.kill()
            told.seek(0)
            error.add_note(told.read().decode(errors="replace")[-_TOLD_CHARS:])
            raise


def _line(method: str, params: Mapping[str, Any], id_: int | None = None) -> bytes:
    numbered = {} if id_ is None else {"id": id_}
    return json.dumps({"jsonrpc": "2.0", **numbered, "method": method, "params": params}).encode() + b"\n"


def _result(answer: Mapping[str, Any]) -> dict[str, Any]:
    assert "result" in answer, answer
    return answer["result"]


def _proc_mb(pid: int, name: str, *rows: str) -> float:
    lines: Sequence[Sequence[str]] = [line.split() for line in Path(f"/proc/{pid}/{name}").read_text().splitlines()]
    return sum(int(line[1]) for line in lines if line and line[0].rstrip(":") in rows) / 1024
