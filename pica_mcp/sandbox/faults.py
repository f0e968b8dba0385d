"""The sandbox's faults: what can go wrong with an answer on its way to the client, as values for `Sandbox.fail`.

A fault bends the answer that it is given: the real one, whose work has been done by then, or the one that `fail` was
told to give. Several bend it one after another, the first one first, and `fail` refuses an order in which one would
undo another. First stands at most one of those marked *, which make an answer of their own and ask for no other, so
that nothing has been done. Then come those marked ~, which bend what an answer says, if it has a body; then the rest,
which bend how it is sent. Those marked + need a connection to break, thus `Sandbox.listening`.

| fault | what the client meets |
|---|---|
| `Delay(seconds)` | nothing for so long, then the answer |
| `Hang()` | nothing until it leaves, or until the box is healed, then the answer |
| `Drip(bytes, seconds)` | the body in pieces of so many bytes with a pause after each |
| `Reset()`, `Reset(after_bytes=n)` + | a TCP reset instead of an answer, or after headers and n bytes of the body |
| `Truncated(bytes)` + | the headers, so many bytes of the body (a shorter one is whole), the end of the connection |
| `NotHttp(data)` *+ | these bytes instead of HTTP, the end of the connection |
| `Gzipped()` ~ | the body compressed, and said to be |
| `Huge(bytes)` * | a JSON array so long, 2 at least, made while it is sent, in chunks |
| `GzipBomb(bytes)` * | the same at a thousandth of its size, compressed |
| `Busy(retry_after_seconds)` * | a provider's 429 in Pica's wrapping |
| `Altered(changes)` ~ | a JSON object with other values at some keys, such as `{"total": 0}` or `{"rows": None}` |
| `Repeating(rows)` ~ | a list whose pages begin with the last rows of the page before |
| `Drifting(rows)` ~ | a list that grows at its top by so many rows before each further page; below zero, shrinks |

The last three are in `pica_mcp.sandbox.lists`. What needs no fault: a status, garbage instead of JSON
(`fail(path, status=200, body="<p>")`), a limit of requests (`limit`).
"""

import gzip
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, takewhile
from math import inf
from typing import ClassVar

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer, header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def having(self, **headers: str | None) -> "Head":
        """The same with other values of some headers, `_` for `-`; None leaves one out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(name, value) for name, value in self.headers if name not in changed]
        return Head(self.status, (*kept, *((name, value) for name, value in changed.items() if value is not None)))


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so long, or until the box is healed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of the connection, with or without a TCP reset, after bytes that are no HTTP."""

    reset: bool
    noise: bytes = b""


Step = Head | bytes | Pause | Cut
Steps = Iterable[Step]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One request as a fault meets it; it can be asked again with other query parameters."""

    method: str
    query: Query
    ask: Callable[[Query], Awaitable[Steps]]

    async def answer(self, **changes: str) -> Steps:
        """The answer to the request, or to one that differs in these query parameters."""
        kept = ((name, value) for name, value in self.query if name not in changes)
        return await self.ask((*kept, *changes.items()))


class Stage(IntEnum):
    """What a fault does: makes an answer, bends what it says, or bends how it is sent."""

    MAKING = 0
    SAYING = 1
    SENDING = 2


class Fault(ABC):
    """One way for an answer to go wrong; ValueError for a number below its least."""

    __slots__ = ()
    stage: ClassVar[Stage] = Stage.SENDING
    needs_socket: ClassVar[bool] = False
    least: ClassVar[tuple[tuple[str, int], ...]] = ()

    def __post_init__(self) -> None:
        for name, least in self.least:
            value: float | None = getattr(self, name)
            if value is not None and not value >= least:  # not a number is not enough either
                raise ValueError(f"{name} must be {least} or more: {self}")

    @abstractmethod
    async def steps(self, question: Question) -> Steps:
        """What is sent instead of the answer to the question."""


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """The answer, so many seconds late."""

    seconds: float
    least = (("seconds", 0),)

    async def steps(self, question: Question) -> Steps:
        return chain([Pause(self.seconds)], await question.answer())


@dataclass(frozen=True, slots=True)
class Hang(Fault):
    """The answer, never unless healed."""

    async def steps(self, question: Question) -> Steps:
        return chain([Pause(inf)], await question.answer())


@dataclass(frozen=True, slots=True)
class Drip(Fault):
    """The body in pieces of so many bytes, and so many seconds after each."""

    bytes: int
    seconds: float
    least = (("bytes", 1), ("seconds", 0))

    async def steps(self, question: Question) -> Steps:
        return self._slowly(await question.answer())

    def _slowly(self, steps: Steps) -> Iterator[Step]:
        for step in steps:
            if not isinstance(step, bytes):
                yield step
                continue
            for start in range(0, len(step), self.bytes):
                yield step[start : start + self.bytes]
                yield Pause(self.seconds)


@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """A TCP reset after so many bytes of the body, 0 for after the headers, None for before them."""

    after_bytes: int | None = None
    needs_socket = True
    least = (("after_bytes", 0),)

    async def steps(self, question: Question) -> Steps:
        answer = await question.answer()
        before_head = takewhile(lambda step: not isinstance(step, Head), answer)
        begun = before_head if self.after_bytes is None else _first(answer, self.after_bytes)
        return chain(begun, [Cut(reset=True)])


@dataclass(frozen=True, slots=True)
class Truncated(Fault):
    """The end of the connection after so many bytes of the body, whatever the headers promised."""

    bytes: int
    needs_socket = True
    least = (("bytes", 0),)

    async def steps(self, question: Question) -> Steps:
        return chain(_first(await question.answer(), self.bytes), [Cut(reset=False)])


@dataclass(frozen=True, slots=True)
class NotHttp(Fault):
    """Bytes of another protocol, and the end of the connection."""

    data: bytes = b"SSH-2.0-sandbox\r\n"
    stage = Stage.MAKING
    needs_socket = True

    async def steps(self, question: Question) -> Steps:
        del question
        return [Cut(reset=False, noise=self.data)]


@dataclass(frozen=True, slots=True)
class Gzipped(Fault):
    """The answer compressed, as an edge does for whoever accepts it; here whether accepted or not."""

    stage = Stage.SAYING

    async def steps(self, question: Question) -> Steps:
        answer = tuple(await question.answer())
        body = content(answer)
        return saying(answer, gzip.compress(body, mtime=0), content_encoding=_packing(answer)) if body else answer


@dataclass(frozen=True, slots=True)
class Huge(Fault):
    """200 with an empty JSON array of so many bytes, mostly blanks; its length is not announced."""

    bytes: int
    stage = Stage.MAKING
    least = (("bytes", 2),)

    async def steps(self, question: Question) -> Steps:
        del question
        return chain([_JSON], _blanks(self.bytes))


@dataclass(frozen=True, slots=True)
class GzipBomb(Huge):
    """`Huge` on the client's side of the decoder, about a thousandth of that on the wire."""

    async def steps(self, question: Question) -> Steps:
        del question
        return chain([_JSON.having(content_encoding="gzip")], _packed(_blanks(self.bytes)))


@dataclass(frozen=True, slots=True)
class Busy(Fault):
    """A provider's 429 as the passthrough hands it on: its headers renamed, its body as it was."""

    retry_after_seconds: int
    stage = Stage.MAKING
    least = (("retry_after_seconds", 0),)

    async def steps(self, question: Question) -> Steps:
        del question
        body = b'{"error": {"code": 429, "message": "Too many requests"}}'
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(len(body)),
            "x-pica-passthrough-content-type": "application/json",
            "x-pica-passthrough-retry-after": str(self.retry_after_seconds),
        }
        return Head(429, tuple(headers.items())), body


_JSON = Head(200, (("content-type", "application/json"),))


def content(answer: Steps) -> bytes:
    """The whole body of an answer that is not yet bent in how it is sent."""
    return b"".join(step for step in answer if isinstance(step, bytes))


def saying(answer: Steps, body: bytes, **headers: str | None) -> Steps:
    """The answer with another body, its length, and other headers."""
    head = next(step for step in answer if isinstance(step, Head))
    return head.having(content_length=str(len(body)), **headers), body


def _packing(answer: Steps) -> str:
    headers = (header for step in answer if isinstance(step, Head) for header in step.headers)
    return ", ".join([*(value for name, value in headers if name == "content-encoding"), "gzip"])


def _first(steps: Steps, limit: int) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, bytes):
            yield step
            continue
        yield step[:limit]
        if (limit := limit - len(step)) <= 0:
            return


def _blanks(length: int) -> Iterator[bytes]:
    chunk = b" " * _CHUNK_BYTES
    full, rest = divmod(length - 2, _CHUNK_BYTES)
    yield b"["
    for _ in range(full):
        yield chunk
    yield b" " * rest + b"]"


def _packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip member. Equal chunks are compressed once: a full flush leaves blocks that know nothing of each other."""
    blocks: dict[bytes, bytes] = {}
    checksum = length = 0
    yield b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    for chunk in chunks:
        checksum, length = zlib.crc32(chunk, checksum), length + len(chunk)
        yield blocks.get(chunk) or blocks.setdefault(chunk, _block(chunk))
    yield b"\x03\x00" + struct.pack("<II", checksum, length % (1 << 32))


def _block(chunk: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(chunk) + deflate.flush(zlib.Z_FULL_FLUSH)
