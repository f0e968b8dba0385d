"""How fast our stdio transport is beside the SDK's: `python tests/benchmarks/stdio.py [--runs N]`.

The same echo server on either transport, in turns, on one machine: only the ratios mean something.
"""

import sys

import children
import figures

SEQUENTIAL, CONCURRENT = 500, 1_000
_WORD = {"word": "hello"}


def measured(transport: str) -> tuple[list[float], float]:
    """Milliseconds of each of many calls in a row, and of a thousand at once."""
    with children.server([sys.executable, str(children.PROGRAMS / "echo_server.py"), transport]) as server:
        server.hello()
        in_a_row = [server.call("echo", _WORD) * 1000 for _ in range(SEQUENTIAL)]
        seconds, answered = server.calls("echo", CONCURRENT, _WORD)
    assert answered == CONCURRENT
    return in_a_row, seconds * 1000


def main() -> int:
    runs = figures.runs(__doc__)
    in_a_row: tuple[list[float], list[float]] = [], []
    at_once: tuple[list[float], list[float]] = [], []
    for _ in range(runs):
        for place, transport in enumerate(("ours", "sdk")):
            each, together = measured(transport)
            in_a_row[place].extend(each)
            at_once[place].append(together)
    rows = [
        figures.ratio("one call after another", *in_a_row, "ms"),
        figures.ratio(f"{CONCURRENT:,} calls at once", *at_once, "ms"),
    ]
    return figures.report(f"Our stdio transport, medians of {runs} runs", rows, "floor: the SDK's, same server")


if __name__ == "__main__":
    sys.exit(main())
