"""Runs the examples for agent frameworks: `python tests/examples/run.py [NAME...]`.

Each runs in a virtual environment of its own, made by pip in a temporary folder, or kept in `--environments DIR`. It
starts our server over stdio, on a sandbox in this process, and is led by a scripted model: only pip needs a network.
Ends with 1 if an example failed, or if the sandbox was not sent exactly the mail that was to be sent.
"""

# ruff: noqa: T201 - a program for people

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import anyio
from frameworks import EXAMPLES, OURS, Failed, environment, perform


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an example, and how many seconds its environment took and its run."""

    verdict: str
    told: str
    installing: float
    running: float


async def tried(name: str, folder: Path) -> Outcome:
    """Make the example's environment in the folder, unless it is there, and run it."""
    example = EXAMPLES[name]
    installed = started = perf_counter()
    try:
        python = await environment(example, folder / name) if example.requirements else OURS
        installed = perf_counter()
        verdict, told = "passed", await perform(example, python)
    except Failed as failure:
        verdict, told = failure.verdict, failure.told
    return Outcome(verdict, told, installed - started, perf_counter() - installed)


def told_of(outcomes: Mapping[str, Outcome]) -> Iterable[str]:
    """Yield what each example told, then the table."""
    for name, outcome in outcomes.items():
        yield f"\n{name}"
        yield from (f"  {line}" for line in outcome.told.splitlines())
    yield f"\n{'example':<16}{'environment':>12}{'run':>10}"
    for name, outcome in outcomes.items():
        yield f"{name:<16}{outcome.installing:>10.1f} s{outcome.running:>8.1f} s  {outcome.verdict}"


async def main() -> int:
    parser = ArgumentParser(description="Run the examples for agent frameworks, with pica-mcp on its sandbox.")
    parser.add_argument("--environments", type=Path, metavar="DIR", help="keep the virtual environments there")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(EXAMPLES)}; by default all")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(EXAMPLES)):
        parser.error(f"there is no example {', '.join(unknown)}; choose from {', '.join(EXAMPLES)}")
    outcomes: dict[str, Outcome] = {}

    async def note(name: str, folder: Path) -> None:
        outcomes[name] = await tried(name, folder)

    with TemporaryDirectory() as temporary:
        async with anyio.create_task_group() as group:
            for name in options.names or EXAMPLES:
                group.start_soon(note, name, options.environments or Path(temporary))
    ordered = {name: outcomes[name] for name in EXAMPLES if name in outcomes}
    print("\n".join(told_of(ordered)))
    return 0 if all(outcome.verdict == "passed" for outcome in ordered.values()) else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))
