"""Our stdio transport, over real pipes, files and terminals, in a process of its own."""

import io
import json
import os
import re
import signal
import sys
import tempfile
import tty
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Literal

import anyio
import anyio.abc
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, MCPError, StdioServerParameters
from mcp.shared.message import SessionMessage
from mcp_types import TextContent

from pica_mcp.hosting.stdio import stdio

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the SDK's transport serves there")

PROGRAM = Path(__file__).parent / "programs" / "echo_server.py"
LIMIT = 4 * 1024 * 1024
PATIENCE_SECONDS = 30  # a bound for a busy machine, never a time that is waited for
END_SECONDS = 2  # an end takes 0.2 s; it is promised within 1 s on a machine that does nothing else
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def call(name: str, id_: int | str = 1, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params}


def encoded(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def text(answer: dict[str, Any]) -> str:
    return answer["result"]["content"][0]["text"]


class Child:
    """The server's process, seen from the client."""

    def __init__(self, process: anyio.abc.Process) -> None:
        self.process = process
        self.out = BufferedByteReceiveStream(process.stdout) if process.stdout else None
        self.err = BufferedByteReceiveStream(process.stderr) if process.stderr else None

    async def write(self, data: bytes) -> None:
        assert self.process.stdin
        await self.process.stdin.send(data)

    async def read(self) -> dict[str, Any]:
        assert self.out
        return json.loads(await self.out.receive_until(b"\n", 64 * LIMIT))

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        await self.write(encoded(message))
        return await self.read()

    async def heard(self) -> str:
        assert self.err
        return (await self.err.receive_until(b"\n", LIMIT)).decode()

    async def hears(self, told: str) -> None:
        while await self.heard() != told:
            pass

    async def ends(self) -> tuple[int, str]:
        """The exit code, and what stderr still said."""
        assert self.err
        with anyio.fail_after(END_SECONDS):
            code = await self.process.wait()
        return code, b"".join([chunk async for chunk in self.err]).decode()

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


@asynccontextmanager
async def started(*, stdin: int = PIPE, stdout: int = PIPE, initialized: bool = True) -> AsyncGenerator[Child, None]:
    command = [sys.executable, str(PROGRAM), "ours"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # prints wait
    with anyio.fail_after(PATIENCE_SECONDS):
        async with await anyio.open_process(command, stdin=stdin, stdout=stdout, env=environment) as process:
            child = Child(process)
            try:
                await child.hears("serving")
                if initialized and stdin == stdout == PIPE:
                    assert (await child.ask(INITIALIZE))["id"] == "hello"
                yield child
            finally:
                if process.returncode is None:
                    process.kill()


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_eras_are_served(mode: Literal["auto", "legacy"]) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(PROGRAM), "ours"])
    with anyio.fail_after(PATIENCE_SECONDS):
        async with Client(parameters, mode=mode) as client:
            assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool("echo", {"word": "hé 😀"})
            assert isinstance(result.content[0], TextContent)
            assert json.loads(result.content[0].text) == {"word": "hé 😀"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_lone_surrogate_is_replaced_in_results_and_errors_and_kills_nothing(
    mode: Literal["auto", "legacy"],
) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(PROGRAM), "ours"])
    with anyio.fail_after(PATIENCE_SECONDS):
        async with Client(parameters, mode=mode) as client:
            result = await client.call_tool("surrogate", {})
            assert isinstance(result.content[0], TextContent)
            assert result.content[0].text == "half \ufffd an emoji"
            with pytest.raises(MCPError, match="half \ufffd an emoji"):
                await client.call_tool("surrogate_error", {})
            assert not (await client.call_tool("echo", {})).is_error


async def test_many_messages_come_in_one_write_and_one_message_in_many() -> None:
    async with started() as child:
        await child.write(encoded(*[call("echo", i, n=i) for i in range(500)]))
        answers = [await child.read() for _ in range(500)]
        assert sorted(answer["id"] for answer in answers) == list(range(500))
        assert all(json.loads(text(answer)) == {"n": answer["id"]} for answer in answers)
        for byte in encoded(call("echo", "slow", word="hé")):
            await child.write(bytes([byte]))
        assert (await child.read())["id"] == "slow"


async def test_only_a_line_feed_ends_a_line() -> None:
    async with started() as child:
        word = "a\u2028b\u2029c\x85d"
        line = json.dumps(call("echo", word=word), ensure_ascii=False).encode()
        await child.write(line.replace(b', "method"', b',\r"method"') + b"\r\n")
        assert json.loads(text(await child.read())) == {"word": word}


async def test_blank_lines_are_nothing() -> None:
    async with started() as child:
        await child.write(b"\n \r\n\n")
        assert (await child.ask(call("echo")))["id"] == 1


@pytest.mark.parametrize(
    ("line", "id_", "code"),
    [
        (b"hello", None, -32700),
        (b'{"jsonrpc": "2.0", "id": 7, "method": ', None, -32700),
        (b"[" * 100_000, None, -32700),
        (b"[]", None, -32600),
        (b"17", None, -32600),
        (b'{"id": 7, "method": "ping"}', 7, -32600),
        (b'{"jsonrpc": "2.0", "id": "seven", "method": "ping", "params": [1]}', "seven", -32600),
        (b'{"jsonrpc": "2.0", "id": "seven", "method": "ping", "params": {"a": "\\ud83d"}}', "seven", -32600),
        (b'{"jsonrpc": "2.0", "id": "seven", "method": "ping", "params": {"a": "\xff"}}', "seven", -32600),
        (b'{"jsonrpc": "2.0", "id": 7, "result": 5}', None, -32600),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_line_that_is_no_message_is_refused_and_the_session_lives_on(
    line: bytes, id_: int | str | None, code: int
) -> None:
    async with started() as child:
        await child.write(line + b"\n")
        refusal = await child.read()
        assert refusal["id"] == id_
        assert refusal["error"]["code"] == code
        assert (await child.ask(call("echo")))["id"] == 1


async def test_a_line_at_the_limit_is_served_and_one_beyond_it_is_refused() -> None:
    async with started() as child:
        overhead = len(encoded(call("echo", pad=""))) - 1
        served = await child.ask(call("echo", pad="x" * (LIMIT - overhead)))
        assert len(text(served)) > LIMIT - overhead
        refusal = await child.ask(call("echo", pad="x" * (LIMIT - overhead + 1)))
        assert refusal["error"]["code"] == -32600
        assert str(LIMIT) in refusal["error"]["message"]
        assert (await child.ask(call("echo")))["id"] == 1


@pytest.mark.parametrize(
    ("start", "id_"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"', 7),
        (b'{"jsonrpc":"2.0","id":"seven","method":"tools/call","params":{"a":"', "seven"),
        (b'{"jsonrpc":"2.0","id":7,"result":{"a":"', None),
        (b'{"method":"tools/call","params":{"id":8,"a":"', None),
        (b"", None),
    ],
)
async def test_the_refusal_of_a_long_line_names_the_request_where_its_beginning_does(
    start: bytes, id_: int | str | None
) -> None:
    async with started() as child:
        await child.write(start + b"x" * 5_000_000 + b'"}}\n')
        refusal = await child.read()
        assert refusal["id"] == id_
        assert refusal["error"]["code"] == -32600
        assert (await child.ask(call("echo")))["id"] == 1


@needs_proc
async def test_a_line_of_50_mb_takes_no_memory() -> None:
    async with started() as child:
        before = child.peak_bytes()
        await child.write(b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"')
        for _ in range(50):
            await child.write(b"x" * 1_000_000)
        await child.write(b'"}}\n')
        assert (await child.read())["id"] == 7
        assert (await child.ask(call("echo")))["id"] == 1
        assert child.peak_bytes() - before < 20_000_000


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, None], ids=["SIGTERM", "SIGINT", "end of input"])
async def test_an_end_with_a_call_in_flight_is_clean(how: signal.Signals | None) -> None:
    async with started() as child:
        await child.write(encoded(call("hang", "pending")))
        await child.hears("hanging")
        if how:
            child.process.send_signal(how)
        else:
            assert child.process.stdin
            await child.process.stdin.aclose()
        assert (await child.read())["error"]["message"] == "Connection closed"
        assert await child.ends() == (0, "cleaned up\nclosed\n")


async def test_what_was_asked_right_before_the_end_of_input_is_answered() -> None:
    async with started(initialized=False) as child:
        await child.write(encoded(INITIALIZE, call("hang")))
        assert child.process.stdin
        await child.process.stdin.aclose()
        assert [(await child.read())["id"] for _ in range(2)] == ["hello", 1]
        assert (await child.ends())[0] == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_an_idle_server(how: signal.Signals) -> None:
    async with started(initialized=False) as child:
        child.process.send_signal(how)
        assert await child.ends() == (0, "closed\n")


async def test_a_second_signal_kills_a_server_that_cannot_end() -> None:
    async with started() as child:
        await child.write(encoded(call("hang", "marker"), call("hold_on")))
        await child.hears("holding on")
        child.process.terminate()
        await child.hears("cleaned up")
        child.process.terminate()
        assert (await child.ends())[0] == -signal.SIGTERM


async def quiet(child: Child) -> None:
    """Return once the server makes no results any more."""
    with anyio.move_on_after(1) as pause:
        while True:
            await child.heard()
            pause.deadline = anyio.current_time() + 1


@needs_proc
async def test_a_client_that_does_not_read_fills_no_memory_and_gets_everything_later() -> None:
    async with started() as child:
        before = child.peak_bytes()
        await child.write(encoded(*[call("big", i, size=200_000) for i in range(500)]))
        await quiet(child)
        answers = [await child.read() for _ in range(500)]
        assert sorted(answer["id"] for answer in answers) == list(range(500))
        assert {len(text(answer)) for answer in answers} == {200_000}
        assert child.peak_bytes() - before < 60_000_000  # of 100 MB


async def test_a_client_may_ask_thousands_of_things_before_it_reads_an_answer() -> None:
    async with started() as child:
        await child.write(encoded(*[call("echo", i) for i in range(5_000)]))
        assert sorted([(await child.read())["id"] for _ in range(5_000)]) == list(range(5_000))


@pytest.mark.parametrize("how", [signal.SIGTERM, None], ids=["SIGTERM", "end of input"])
async def test_a_client_that_does_not_read_cannot_hold_up_the_end(how: signal.Signals | None) -> None:
    async with started() as child:
        await child.write(encoded(call("big", size=2_000_000), call("hang")))
        await child.hears("hanging")
        if how:
            child.process.send_signal(how)
        else:
            assert child.process.stdin
            await child.process.stdin.aclose()
        assert await child.ends() == (0, "cleaned up\nclosed\n")


async def test_a_call_cancelled_while_its_answer_is_written_tears_no_line() -> None:
    async with started() as child:
        await child.write(encoded(call("big", 1, size=2_000_000)))
        await child.hears("made")
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        await child.write(encoded(cancel, call("echo", 2)))
        seen = [(await child.read())["id"]]
        if seen == [1]:
            seen.append((await child.read())["id"])
        assert seen[-1] == 2


async def test_a_client_that_closed_its_end_ends_the_server_quietly() -> None:
    reader, writer = os.pipe()
    async with started(stdout=writer) as child:
        os.close(writer)
        os.close(reader)
        await child.write(encoded(INITIALIZE))
        assert await child.ends() == (0, "closed\n")


async def test_prints_and_children_never_reach_the_wire() -> None:
    async with started() as child:
        assert text(await child.ask(call("print_to_stdout"))) == "''"
        assert text(await child.ask(call("spawn_child"))) == "spawned"
        assert child.process.stdin
        await child.process.stdin.aclose()
        code, said = await child.ends()
        assert code == 0
        assert {"written to fd 1", "a child found ''", "printed, not flushed"} <= set(said.splitlines())
        with pytest.raises(anyio.IncompleteRead):
            await child.read()


async def test_a_plain_file_is_answered() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(encoded(INITIALIZE))
        file.seek(0)
        async with started(stdin=file.fileno()) as child:
            assert (await child.read())["id"] == "hello"
            assert await child.ends() == (0, "closed\n")


async def test_the_null_device_ends_the_session_at_once() -> None:
    async with started(stdin=DEVNULL) as child:
        assert await child.ends() == (0, "closed\n")


async def test_answers_can_go_to_a_plain_file() -> None:
    with tempfile.TemporaryFile() as file:
        async with started(stdout=file.fileno()) as child:
            await child.write(encoded(INITIALIZE, call("hang")))
            await child.hears("hanging")
            child.process.terminate()
            assert (await child.ends())[0] == 0
        file.seek(0)
        assert [json.loads(line)["id"] for line in file] == ["hello", 1]


async def test_streams_put_in_place_of_stdin_and_stdout_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encoded(INITIALIZE))))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    with anyio.fail_after(PATIENCE_SECONDS):
        async with stdio() as (read, write):
            item = await read.receive()
            assert isinstance(item, SessionMessage)
            assert item.message.model_dump(exclude_unset=True) == INITIALIZE
            await read.aclose()
            await write.aclose()


async def test_a_terminal_is_given_back_as_it_was() -> None:
    master, terminal = os.openpty()
    try:
        tty.setraw(terminal)
        async with started(stdin=terminal, stdout=terminal) as child:
            assert not os.get_blocking(terminal)
            os.write(master, encoded(INITIALIZE))
            await anyio.wait_readable(master)
            assert os.read(master, 100).startswith(b'{"jsonrpc":"2.0","id":"hello"')
            child.process.terminate()
            assert await child.ends() == (0, "closed\n")
        assert os.get_blocking(terminal)
    finally:
        os.close(master)
        os.close(terminal)


async def test_a_pipe_is_given_back_as_it_was_even_if_it_was_not_blocking() -> None:
    reader, writer = os.pipe()
    try:
        os.set_blocking(reader, False)
        async with started(stdin=reader) as child:
            child.process.terminate()
            assert (await child.ends())[0] == 0
        assert not os.get_blocking(reader)
    finally:
        os.close(reader)
        os.close(writer)


async def test_a_terminal_that_hangs_up_ends_the_session() -> None:
    master, terminal = os.openpty()
    tty.setraw(terminal)
    async with started(stdin=terminal, stdout=terminal) as child:
        os.close(terminal)
        os.close(master)
        assert await child.ends() == (0, "closed\n")
