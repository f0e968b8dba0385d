"""How long a start takes and what it leaves in memory: `python tests/benchmarks/start.py [--runs N]`.

Ours has 25,000 actions in its cache and no network; the floor is the least that an MCP server can be, the SDK's
low-level `Server` with one tool on the SDK's stdio transport. Both are spawned in turns.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import children
import figures

ACTIONS, PLATFORMS = 25_000, 60
_REST_SECONDS = 1.0


class Starts:
    """What was measured of one kind of server."""

    def __init__(self) -> None:
        self.hello_ms: list[float] = []
        self.hello_cpu_ms: list[float] = []
        self.tools_ms: list[float] = []
        self.tools_cpu_ms: list[float] = []
        self.resident_mb: list[float] = []
        self.private_mb: list[float] = []
        self.tools: list[Any] = []

    def add(self, server: children.Server) -> None:
        """Greet a server just spawned and ask for its tools; then look at it when it is at rest."""
        server.hello()
        self.hello_ms.append(server.age_seconds * 1000)
        self.hello_cpu_ms.append(server.cpu_ms)
        self.tools = server.tools()["tools"]
        self.tools_ms.append(server.age_seconds * 1000)
        self.tools_cpu_ms.append(server.cpu_ms)
        sleep(_REST_SECONDS)
        self.resident_mb.append(server.resident_mb)
        self.private_mb.append(server.private_mb)


def main() -> int:
    runs = figures.runs(__doc__)
    ours, floor = Starts(), Starts()
    with TemporaryDirectory() as folder:
        with children.pica(ACTIONS, PLATFORMS, imitated="all") as api:
            environment = children.settings(api.url, Path(folder))
            expected = children.warm(api, environment)
        # Nobody listens there any more.
        for run in range(runs + 1):  # the first one fills the caches of the system
            if run <= 1:
                ours, floor = Starts(), Starts()
            with children.server(children.OURS, environment) as server:
                ours.add(server)
            with children.server(children.floor("sdk")) as server:
                floor.add(server)
    whole = ours.tools == expected
    rows = [
        figures.ratio("spawn to initialize", ours.hello_ms, floor.hello_ms, "ms", 1.10),
        figures.ratio("  processor time", ours.hello_cpu_ms, floor.hello_cpu_ms, "ms"),
        figures.ratio("spawn to tools/list", ours.tools_ms, floor.tools_ms, "ms", 1.25),
        figures.ratio("  processor time", ours.tools_cpu_ms, floor.tools_cpu_ms, "ms"),
        figures.Figure("  tools in that list", f"{len(ours.tools)}", "1", "", f"{len(expected)}", whole),
        figures.above("memory at rest, resident", ours.resident_mb, floor.resident_mb, "MB", 15),
        figures.above("memory at rest, private", ours.private_mb, floor.private_mb, "MB", 15),
    ]
    title = f"Start with {ACTIONS:,} actions in the cache and no network, medians of {runs} runs"
    return figures.report(title, rows, "floor: the SDK's low-level Server on its own stdio transport, with one tool")


if __name__ == "__main__":
    sys.exit(main())
