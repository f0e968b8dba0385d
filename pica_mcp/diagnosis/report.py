"""What the checks found, told in the order of the groups while the checks run side by side."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pica_mcp import text
from pica_mcp.errors import PicaError, for_operators

_MAX_FOUND_CHARS = 400
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")


class Status(StrEnum):
    """How it is. Only a failure keeps something from working."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


class Group(StrEnum):
    """What a check is about, in the order in which people are told."""

    PROGRAM = "program"
    SETTINGS = "settings"
    NETWORK = "network"
    SECRET = "secret"  # noqa: S105 - a word
    IDENTITY = "identity"
    CONNECTIONS = "connections"
    CACHE = "cache"
    TOOLS = "tools"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, and in one sentence what to do about it. Both are one clean line each."""

    group: Group
    name: str
    status: Status
    found: str
    cure: str = ""

    def __post_init__(self) -> None:
        """Make harmless what may come from anywhere."""
        for name, most in (("name", 100), ("found", _MAX_FOUND_CHARS), ("cure", _MAX_FOUND_CHARS)):
            object.__setattr__(self, name, text.line(text.masked(text.clean(getattr(self, name))), most))


class Report:
    """The results. `show` is told of each when all groups before it have ended.

    `program` is what a shell is to be told to run this program, instead of the `pica-mcp` of the rooms' own words.
    """

    def __init__(self, show: Callable[[Result], None], program: str = "pica-mcp") -> None:
        self._show = show
        self._program = program
        self._results: defaultdict[Group, list[Result]] = defaultdict(list)
        self._ended: set[Group] = set()
        self._shown = 0

    @property
    def results(self) -> tuple[Result, ...]:
        """All of them, in order."""
        return tuple(result for group in Group for result in self._results[group])

    def add(self, *results: Result) -> None:
        """Add what was found; nothing is added to a group that has ended."""
        for result in results:
            if result.group not in self._ended:
                self._results[result.group].append(self._runnable(result))
        self._tell()

    def end(self, *groups: Group) -> None:
        """Note that nothing more is to come of these groups."""
        self._ended.update(groups)
        self._tell()

    def skip(self, why: str, *groups: Group) -> None:
        """End groups that cannot be checked."""
        for group in groups:
            self.add(Result(group, group.value, Status.SKIPPED, why))
        self.end(*groups)

    def give_up(self, seconds: float) -> None:
        """End the groups whose time is over."""
        for group in Group:
            if group not in self._ended:
                late = f"not all of it could be told within {seconds:g} s"
                self.add(Result(group, "time", Status.FAILURE, late, "Run doctor again; see what came before this."))
        self.end(*Group)

    def _runnable(self, result: Result) -> Result:
        found, cure = (words.replace("`pica-mcp ", f"`{self._program} ") for words in (result.found, result.cure))
        return result if (found, cure) == (result.found, result.cure) else replace(result, found=found, cure=cure)

    def _tell(self) -> None:
        ready: list[Result] = []
        for group in Group:
            ready += self._results[group]
            if group not in self._ended:
                break
        for result in ready[self._shown :]:
            self._show(result)
        self._shown = max(self._shown, len(ready))


def counts(results: tuple[Result, ...]) -> Mapping[Status, int]:
    """Return how many there are of each status."""
    counted = Counter(result.status for result in results)
    return {status: counted[status] for status in Status}


def exit_code(results: tuple[Result, ...]) -> int:
    """Return 0 if nothing fails, 2 if a setting is malformed, 1 for all other failures."""
    failing = {result.group for result in results if result.status is Status.FAILURE}
    return 2 if Group.SETTINGS in failing else 1 if failing else 0


def parted(error: PicaError | str, cure: str = "") -> tuple[str, str]:
    """Return what is wrong and what to do next; `cure` where the error does not say."""
    *wrong, last = _SENTENCE.split(str(error))
    if not wrong:
        return last, cure
    return " ".join(wrong), for_operators(last) or cure
