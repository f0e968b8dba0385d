"""Hosting on stdin and stdout: one JSON-RPC message a line, for the one client that started this process."""

import os
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from signal import SIGINT, SIGTERM
from typing import TypeAlias

import anyio.abc
from mcp.server.stdio import stdio_server
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage

from pica_mcp.hosting import lines

_CHUNK_BYTES = 64 * 1024
_MAX_UNSENT_BYTES = 8 * 1024 * 1024
_FLUSH_SECONDS = 0.5

_Streams: TypeAlias = tuple[ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]]


@asynccontextmanager
async def stdio(*, max_line_bytes: int = 4 * 1024 * 1024) -> AsyncGenerator[_Streams, None]:
    """The streams for `Server.run`. Reading ends when the client closes a pipe, and with the first SIGINT or SIGTERM.

    Prints and children miss the wire. Where it cannot be claimed and waited on (a file, Windows), the SDK's serves.
    """
    async with AsyncExitStack() as stack:
        try:
            streams = await stack.enter_async_context(_served(max_line_bytes))
        except (ImportError, OSError, TypeError):
            streams = await stack.enter_async_context(stdio_server())
        yield streams


@contextmanager
def _claimed() -> Generator[list[int], None, None]:
    """Private, non-blocking duplicates of stdin and stdout, which are diverted until the end."""
    from fcntl import F_DUPFD_CLOEXEC, fcntl  # noqa: PLC0415 - Windows has none, and falls back

    private: list[int] = []
    with ExitStack() as undo:
        undo.callback(os.close, empty := os.open(os.devnull, os.O_RDONLY))
        for stream, diversion in (sys.stdin, empty), (sys.stdout, 2):
            private.append(fd := fcntl(stream, F_DUPFD_CLOEXEC, 3))
            undo.callback(os.close, fd)
            undo.callback(os.dup2, fd, stream.fileno())
            undo.callback(os.set_blocking, fd, os.get_blocking(fd))  # the user's shell has the same open file
            undo.callback(stream.flush)  # or prints would reach the wire when the interpreter ends
            os.dup2(diversion, stream.fileno())
            os.set_blocking(fd, False)
        yield private


@asynccontextmanager
async def _served(max_line_bytes: int) -> AsyncGenerator[_Streams, None]:
    with _claimed() as (stdin, stdout):
        with anyio.move_on_after(0):
            await anyio.wait_readable(stdin)  # epoll refuses plain files and the null device
        inbox, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outbox = _Outbox(stdout)
        async with anyio.create_task_group() as tasks, inbox, incoming:
            tasks.start_soon(_read, stdin, inbox, outbox, max_line_bytes)
            await tasks.start(_heed_signals, outbox.reading)
            yield incoming, outbox
            with anyio.move_on_after(_FLUSH_SECONDS):  # what is left may go out
                await outbox.flush()
            tasks.cancel_scope.cancel()


async def _heed_signals(reading: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(SIGINT, SIGTERM) as signals:
        task_status.started()
        await anext(signals)
    reading.cancel()


class _Outbox(anyio.abc.ObjectSendStream[SessionMessage]):
    """Senders write for themselves, in turn; a cancelled one leaves its bytes to the next, so that no line is torn."""

    def __init__(self, fd: int) -> None:
        self.unsent, self.reading = bytearray(), anyio.CancelScope()
        self._fd, self._written, self._turn = fd, 0, anyio.Lock()

    async def send(self, item: SessionMessage) -> None:
        self.unsent += lines.write(item.message)
        if not self.reading.cancel_called:  # the end waits for no sender: what is left is flushed once, for a moment
            await self.flush()

    async def flush(self) -> None:
        end = self._written + len(self.unsent)  # not on and on for later senders: the earlier ones hold their results
        async with self._turn:
            while self.unsent and self._written < end:
                try:
                    self._written += (count := os.write(self._fd, self.unsent))
                    del self.unsent[:count]
                except BlockingIOError:
                    await anyio.wait_writable(self._fd)
                except OSError:  # a closed pipe, a reset socket, a terminal hung up
                    self.unsent.clear()
                    self.reading.cancel()

    async def aclose(self) -> None: ...


async def _chunk(fd: int) -> bytes:
    while True:
        await anyio.wait_readable(fd)
        with suppress(BlockingIOError):  # another holder of the open file was quicker
            return os.read(fd, _CHUNK_BYTES)


async def _read(fd: int, inbox: anyio.abc.ObjectSendStream[SessionMessage], outbox: _Outbox, max_bytes: int) -> None:
    """Deliver or refuse line by line until the input ends. What a line has too much is dropped as it comes in."""
    rest = bytearray()
    with outbox.reading, suppress(OSError, anyio.BrokenResourceError):  # a terminal hung up, a server gone
        while chunk := await _chunk(fd):
            *ends, start = chunk.split(b"\n")
            for end in ends:
                rest += end[: max_bytes + 1 - len(rest)]
                if rest.strip():
                    message = lines.read(bytes(rest), max_bytes)
                    await (outbox if isinstance(message, lines.Refusal) else inbox).send(SessionMessage(message))
                rest.clear()
                if len(outbox.unsent) > _MAX_UNSENT_BYTES:  # a client that takes no answers is asked to wait
                    await outbox.flush()
            rest += start[: max_bytes + 1 - len(rest)]
    outbox.reading.cancel()
    await inbox.aclose()
