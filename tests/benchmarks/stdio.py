"""How fast our stdio transport is beside the SDK's: `python tests/benchmarks/stdio.py [rounds]`.

The same echo server on either transport, in turns, on one machine: only the ratios mean something.
"""

import json
import sys
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE
from time import perf_counter
from typing import Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

PROGRAM = Path(__file__).parents[1] / "programs" / "echo_server.py"
TRANSPORTS = ("ours", "sdk")
SEQUENTIAL, CONCURRENT = 500, 1_000
INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


def line(id_: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode() + b"\n"


def echo(id_: int) -> bytes:
    return line(id_, "tools/call", {"name": "echo", "arguments": {"word": "hello"}})


async def measured(transport: str) -> tuple[float, float]:
    """Seconds of the median call of many in a row, and of a thousand at once."""
    command = [sys.executable, str(PROGRAM), transport]
    async with await anyio.open_process(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdin
        assert process.stdout
        answers = BufferedByteReceiveStream(process.stdout)
        await process.stdin.send(line(0, "initialize", INITIALIZE))
        await answers.receive_until(b"\n", 65536)
        times: list[float] = []
        for number in range(SEQUENTIAL):
            start = perf_counter()
            await process.stdin.send(echo(number))
            await answers.receive_until(b"\n", 65536)
            times.append(perf_counter() - start)
        start = perf_counter()
        await process.stdin.send(b"".join(echo(number) for number in range(CONCURRENT)))
        for _ in range(CONCURRENT):
            await answers.receive_until(b"\n", 65536)
        together = perf_counter() - start
        await process.stdin.aclose()
        await process.wait()
    return median(times), together


async def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs: dict[str, list[tuple[float, float]]] = {transport: [] for transport in TRANSPORTS}
    for _ in range(rounds):
        for transport in TRANSPORTS:
            runs[transport].append(await measured(transport))
    for column, name in enumerate(("one call after another", f"{CONCURRENT} calls at once")):
        ours, sdk = (median(run[column] for run in runs[transport]) * 1000 for transport in TRANSPORTS)
        print(f"{name}: ours {ours:.2f} ms, SDK {sdk:.2f} ms, SDK / ours = {sdk / ours:.2f}")  # noqa: T201


if __name__ == "__main__":
    anyio.run(main)
