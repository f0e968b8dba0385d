"""A Pica that costs a benchmark next to nothing: `pica_server.py ACTIONS PLATFORMS [--chars N] [--imitated all]`.

What the sandbox says of a catalogue is asked of it once and then replayed byte for byte; every passthrough request gets
one fixed answer. `--imitated` adds platforms written by hand, all or those named.

On stdout it tells its base URL, then answers each command of stdin with a line of JSON: `delay SECONDS` (before every
answer), `reset` (of what is counted), `counts`, `seen` (the requests, and the last one whole).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.types import Message

from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.sandbox.platforms import imitated

IDENTITY = "bench"
PASSTHROUGH = b"/v1/passthrough/"
ROWS = [{"id": f"4f1c{number}", "name": f"Spring {number}", "status": "open"} for number in range(10)]


@dataclass
class Counts:
    """What was there and what went out since the last reset."""

    sockets: int = 0
    most_sockets: int = 0
    pending: int = 0
    most_pending: int = 0
    requests: int = 0
    body_bytes: int = 0

    def open(self, change: int) -> None:
        self.sockets += change
        self.most_sockets = max(self.most_sockets, self.sockets)

    def wait(self, change: int) -> None:
        self.pending += change
        self.most_pending = max(self.most_pending, self.pending)

    def reset(self) -> None:
        self.most_sockets, self.most_pending, self.requests, self.body_bytes = self.sockets, self.pending, 0, 0


@dataclass(frozen=True)
class Asked:
    """One request as it came in; names of headers are in lower case."""

    method: bytes
    target: bytes
    headers: Mapping[bytes, bytes]
    body: bytes

    def told(self) -> dict[str, Any]:
        headers = {name.decode(): value.decode() for name, value in self.headers.items()}
        return {
            "method": self.method.decode(),
            "target": self.target.decode(),
            "headers": headers,
            "body": self.body.decode(),
        }


@dataclass
class Pica:
    """The answers, and how long each is held back."""

    sandbox: Sandbox
    delay_seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    seen: list[str] = field(default_factory=list[str])
    last: Asked | None = None
    _said: dict[tuple[bytes, bytes, bytes], bytes] = field(default_factory=dict[tuple[bytes, bytes, bytes], bytes])

    async def answer(self, asked: Asked) -> bytes:
        if asked.target.startswith(PASSTHROUGH):
            return PROVIDER
        key = asked.method, asked.target, asked.headers.get(b"if-none-match", b"")
        if key not in self._said:
            self._said[key] = await self._from_sandbox(asked)
        return self._said[key]

    async def _from_sandbox(self, asked: Asked) -> bytes:
        path, _, query = asked.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": asked.method.decode(),
            "scheme": "http",
            "path": path.decode(),
            "raw_path": path,
            "query_string": query,
            "headers": list(asked.headers.items()),
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.sandbox.app(scope, receive, send)
        headers = [pair for pair in sent[0]["headers"] if pair[0].lower() != b"content-length"]
        return written(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))

    def told(self, command: str) -> Any:
        match command.split():
            case ["delay", seconds]:
                self.delay_seconds = float(seconds)
            case ["reset"]:
                self.counts.reset()
                self.seen.clear()
            case ["seen"]:
                return {"requests": self.seen, "last": self.last.told() if self.last else None}
            case _:
                pass
        return asdict(self.counts)


class Connection(asyncio.Protocol):
    """HTTP/1.1, kept alive, one request after another, each with a length or without a body."""

    def __init__(self, pica: Pica) -> None:
        self._pica, self._came, self._tasks = pica, bytearray(), set[asyncio.Task[None]]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._pica.counts.open(1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pica.counts.open(-1)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, rest = self._came.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = bytes(head).split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        length = int(headers.get(b"content-length", b"0"))
        if len(rest) < length:
            return
        method, target, _ = first.split(b" ")
        self._came = rest[length:]
        self._begin(Asked(method, target, headers, bytes(rest[:length])))

    def _begin(self, asked: Asked) -> None:
        pica = self._pica
        pica.counts.requests += 1
        pica.counts.wait(1)
        pica.last = asked
        if asked.target.startswith(PASSTHROUGH):
            self._later(PROVIDER)
            return
        pica.seen.append(f"{asked.method.decode()} {asked.target.decode()}")
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Asked) -> None:
        self._later(await self._pica.answer(asked))

    def _later(self, answer: bytes) -> None:
        if self._pica.delay_seconds:
            asyncio.get_running_loop().call_later(self._pica.delay_seconds, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        self._pica.counts.wait(-1)
        self._pica.counts.body_bytes += len(answer) - answer.index(b"\r\n\r\n") - 4
        self._transport.write(answer)


def written(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """An answer as it goes over the wire."""
    told = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"HTTP/1.1 %d Said\r\n%bcontent-length: %d\r\n\r\n%b" % (status, told, len(body), body)


PROVIDER = written(
    200,
    [(b"content-type", b"application/octet-stream"), (b"x-pica-passthrough-content-type", b"application/json")],
    json.dumps({"data": ROWS}).encode(),
)


def furnished(actions: int, platforms: int, chars: int | None, names: str) -> Sandbox:
    """A sandbox in which one user has that many actions, all connected; the written platforms named are among them."""
    written_ones = [one for one in imitated() if names == "all" or one.name in names.split(",")]
    rest = actions - sum(len(one.actions) for one in written_ones if names == "all")
    grown = grow(rest, platforms, document_chars=chars)
    sandbox = Sandbox(extra=grown)
    for platform in (*written_ones, *grown):
        sandbox.connect(platform.name, identity=IDENTITY, identity_type="user", name=f"{platform.name} of all")
    return sandbox


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("actions", type=int)
    parser.add_argument("platforms", type=int)
    parser.add_argument("--chars", type=int)
    parser.add_argument("--imitated", default="")
    given = parser.parse_args()
    pica = Pica(furnished(given.actions, given.platforms, given.chars, given.imitated))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pica), "127.0.0.1", 0, backlog=4096)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(json.dumps(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), flush=True)  # noqa: T201
    while command := await commands.readline():
        print(json.dumps(pica.told(command.decode())), flush=True)  # noqa: T201
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
