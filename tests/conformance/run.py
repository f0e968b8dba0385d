"""Runs the official conformance suite against our server: `python tests/conformance/run.py`.

Ends with 1 if a check fails that the baseline does not expect, or one passes that it does. The suite is looked for in
the folder given, else in the one that `MCP_CONFORMANCE` names, else in a cache; npm installs it if it is missing.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from serving import open_endpoint
from suite import REVISIONS, VERSION, Check, Comparison, Suite, baseline, compare, installed

CACHE = Path.home() / ".cache" / "pica-mcp" / f"conformance-{VERSION}"


async def judged(suite: Suite, revision: str, *, verbose: bool) -> bool:
    """Print what came out; True if it is what the baseline says."""
    with TemporaryDirectory() as results:
        async with open_endpoint() as url:
            checks = await suite.run(url, revision, Path(results))
    expected = baseline(revision)
    difference = compare(checks, expected)
    for line in (*table(revision, checks, expected, verbose=verbose), *complaints(difference)):
        print(line)  # noqa: T201 - a program for people
    return difference == Comparison((), ())


def table(revision: str, checks: Iterable[Check], expected: Mapping[str, str], *, verbose: bool) -> Iterable[str]:
    """Yield how many scenarios are clean, then a line for each that is not, with the reasons; for all if verbose."""
    scenarios = {name: tuple(group) for name, group in groupby(checks, lambda check: check.scenario)}
    for scores, word in ((True, "score"), (False, "do not score")):
        part = {name: group for name, group in scenarios.items() if group[0].scores is scores}
        clean = sum(not any(check.failing for check in group) for group in part.values())
        yield f"\n{revision}: {clean} of {len(part)} scenarios that {word} have neither failure nor warning"
        for name, group in part.items():
            failing = [check for check in group if check.failing]
            passed = sum(check.status == "SUCCESS" for check in group)
            reasons = dict.fromkeys(expected.get(check.name, expected.get(name, "")) for check in failing)
            if failing or verbose:
                counts = f"{passed:2} pass, {len(failing)} not" if failing else f"{passed:2} pass"
                yield f"  {'✗' if failing else '✓'} {name:46} {counts:15} {'; '.join(reasons)}".rstrip()


def complaints(difference: Comparison) -> Iterable[str]:
    for check in difference.regressions:
        yield f"  REGRESSION {check.scenario}:{check.id}: {check.message}"
    for entry in difference.stale:
        yield f"  STALE {entry}: it does not fail any more; take it out of the baseline"


async def main() -> int:
    parser = ArgumentParser(description="Run the official MCP conformance suite against pica-mcp.")
    parser.add_argument("--suite", type=Path, default=Path(os.environ.get("MCP_CONFORMANCE") or CACHE))
    parser.add_argument("--verbose", action="store_true", help="list what passes too")
    parser.add_argument("revisions", nargs="*", default=REVISIONS, help=f"of {', '.join(REVISIONS)}")
    options = parser.parse_args()
    suite = await installed(options.suite)
    right = [await judged(suite, revision, verbose=options.verbose) for revision in options.revisions]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))
