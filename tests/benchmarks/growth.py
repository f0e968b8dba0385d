"""What a larger catalogue costs: `python tests/benchmarks/growth.py [--runs N]`.

The same account with 100 to 100,000 actions, all on connected platforms of 400 in the mean. Servers with a warm cache
are started in turns; then all stay up, and their calls take turns. The floor of each row is the smallest account.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import children
import figures

SIZES = (100, 1_000, 10_000, 25_000, 100_000)
TOOL = "amberanvil_list_accounts"
CALLS = 20
"""After one another in each run."""

MOST_GROWTH = 1.10
"""How many times the smallest's latency is still called flat."""

_ACTIONS_EACH = 400
_REST_SECONDS = 0.5


@dataclass
class Account:
    """One size: its Pica, its cache and what was measured."""

    actions: int
    api: children.Pica
    folder: Path
    warm_seconds: float = 0.0
    disk_mb: float = 0.0
    call_ms: list[float] = field(default_factory=list[float])
    tools_ms: list[float] = field(default_factory=list[float])
    resident_mb: list[float] = field(default_factory=list[float])
    private_mb: list[float] = field(default_factory=list[float])

    @property
    def environment(self) -> dict[str, str]:
        """The variables to serve it with."""
        return children.settings(self.api.url, self.folder)

    def warm(self) -> None:
        """Fill the cache."""
        begun = perf_counter()
        children.warm(self.api, self.environment)
        self.warm_seconds = perf_counter() - begun
        self.disk_mb = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) / 1e6

    def start(self) -> None:
        """Measure a start and what it leaves in memory."""
        with children.server(children.OURS, self.environment) as server:
            server.hello()
            server.tools()
            self.tools_ms.append(server.age_seconds * 1000)
            sleep(_REST_SECONDS)
            self.resident_mb.append(server.resident_mb)
            self.private_mb.append(server.private_mb)


def opened(stack: ExitStack, actions: int) -> Account:
    """Return an account of that size, its cache warm."""
    folder = Path(stack.enter_context(TemporaryDirectory()))
    api = stack.enter_context(children.pica(actions, max(1, actions // _ACTIONS_EACH)))
    account = Account(actions, api, folder)
    account.warm()
    return account


def call_in_turns(accounts: Sequence[Account], runs: int) -> None:
    """Measure calls, one of each account after another."""
    for _ in range(runs):
        with ExitStack() as stack:
            servers = [stack.enter_context(children.server(children.OURS, one.environment)) for one in accounts]
            for server in servers:
                server.hello()
                server.call(TOOL)
            for _ in range(CALLS):
                for account, server in zip(accounts, servers, strict=True):
                    account.call_ms.append(server.call(TOOL) * 1000)


def row(account: Account, least: Account) -> tuple[str, ...]:
    """Return the account's row: medians, and how many times the smallest's they are."""

    def beside(values: Sequence[float], smallest: Sequence[float], unit: str) -> tuple[str, str]:
        mine = median(values)
        return figures.shown(mine, unit), f"{mine / median(smallest):.2f} x"

    return (
        f"{account.actions:,}",
        *beside(account.call_ms, least.call_ms, "ms"),
        *beside(account.tools_ms, least.tools_ms, "ms"),
        *beside(account.resident_mb, least.resident_mb, "MB"),
        figures.shown(median(account.private_mb), "MB"),
        figures.shown(account.disk_mb, "MB"),
        figures.shown(account.warm_seconds, "s"),
    )


def main() -> int:
    runs = figures.runs(__doc__)
    with ExitStack() as stack:
        accounts = [opened(stack, size) for size in SIZES]
        for _ in range(runs):
            for account in accounts:
                account.start()
        call_in_turns(accounts, runs)
    heads = ("actions", "a call", "", "to tools/list", "", "at rest", "", "private", "on disk", "first fill")
    title = f"Cost as the catalogue grows, medians of {runs} runs; the smallest is the floor"
    figures.table([heads, *(row(account, accounts[0]) for account in accounts)], title)
    least = median(accounts[0].call_ms)
    flat = [
        figures.ratio(f"a call, {one.actions:,} actions", one.call_ms, accounts[0].call_ms, "ms", MOST_GROWTH)
        for one in accounts[1:]
    ]
    return figures.report(f"Whether a call stays as fast as with {SIZES[0]} actions, {least:.2f} ms", flat)


if __name__ == "__main__":
    sys.exit(main())
