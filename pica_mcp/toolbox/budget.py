"""The room of the budget: which actions are listed as tools, in which order, and why the others are not.

Models choose worse among more than thirty to fifty tools, and clients cut the list. So a few actions are listed, and
the rest is left to search; every one of them is callable by its name all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, zip_longest
from typing import Any, Literal

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.models import Action
from pica_mcp.patterns import ToolPattern
from pica_mcp.tools import Profile, Tool

CHARS_PER_TOKEN = 4
MAX_DEFINITION_TOKENS = 400
"""What costs more than this, cut as far as it can be, is not listed."""

_FIRST = ("send", "search", "create", "list", "get")
"""Verbs of the everyday actions, most wanted first."""

_MAX_UNSURE = 64
_MIN_REACH = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a model's context the list may take, fixed tools counted in, and what goes first or is left out.

    What `pins` mean goes before everything else, in their order; what `exclusions` mean is never listed.
    """

    mode: Literal["auto", "all", "none"] = "auto"
    max_tools: int = 32
    max_tokens: int = 7_000
    pins: tuple[ToolPattern, ...] = ()
    exclusions: tuple[ToolPattern, ...] = ()
    profile: Profile = "portable"

    @property
    def reach(self) -> int | None:
        """How many actions to look at: some are skipped for their size or because they cannot be identified."""
        return None if self.mode == "all" else max(2 * self.max_tools, _MIN_REACH)


class Why(StrEnum):
    """Why an action is listed, the strongest reason first."""

    PINNED = "pinned"
    CUSTOM = "made for agents"
    EVERYDAY = "everyday verb"
    PLAIN = "short path"


class Left(StrEnum):
    """Why an action is left to search, or not even that."""

    BUDGET = "over the budget"
    TOO_BIG = "too big for a tool"
    EXCLUDED = "excluded"
    REFUSED = "not allowed"
    HIDDEN = "not offered to agents"
    UNCLEAR = "cannot be told apart"
    UNKNOWN = "not loaded"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that may be listed. `pin` is the place of the pattern that means it among the pins."""

    name: str
    action: Action
    pin: int | None = None
    unsure: bool = False
    """A pin may mean it, but its row does not tell enough."""

    @property
    def why(self) -> Why:
        """The reason to list it."""
        if self.pin is not None:
            return Why.PINNED
        if self.action.custom:
            return Why.CUSTOM
        return Why.EVERYDAY if _verb(self.action) in _FIRST else Why.PLAIN


@dataclass(frozen=True, slots=True)
class Choice:
    """A tool that is listed. `why` is None for a fixed one."""

    tool: Tool
    tokens: int
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one platform has: what may be listed, best first, and what may not be, counted by reason."""

    candidates: tuple[Candidate, ...]
    """Only those that may be looked at."""
    count: int
    """How many there are in all."""
    left: Mapping[Left, int]
    revision: str = ""
    """Of the listing that it was made of."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A caller's tools, and platform → what is left of it. Not `complete` if something could not be loaded."""

    fixed: tuple[Choice, ...]
    direct: tuple[Choice, ...] = ()
    left: Mapping[str, Mapping[Left, int]] = field(default_factory=dict[str, Mapping[Left, int]])
    complete: bool = True
    stamp: str = ""
    """Of all that it was made of: with another one, another survey is due."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The list, fixed tools first."""
        return tuple(choice.tool for choice in (*self.fixed, *self.direct))


def tokens(definition: mcp.Tool) -> int:
    """Return about how many tokens the definition takes of a model's context."""
    written = definition.model_dump(by_alias=True, exclude_none=True, include={"name", "description", "input_schema"})
    return len(text.compact(written)) // CHARS_PER_TOKEN


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Order a platform's actions: Pica's own agent-made ones, then the everyday verbs in turn, then the rest.

    In turn, since three ways to list are of less use than one to search, one to create and one to list. Of one verb,
    what is about the object that most of the platform is about goes first, then short paths, then names.
    """
    candidates = list(candidates)
    about, turns = Counter(candidate.action.model for candidate in candidates), Counter[tuple[bool, int]]()

    def within(candidate: Candidate) -> tuple[Any, ...]:
        action = candidate.action
        return not action.custom, _place(action), -about[action.model], action.path.count("/"), candidate.name

    def turn(candidate: Candidate) -> tuple[Any, ...]:
        custom, place = candidate.action.custom, _place(candidate.action)
        turns[custom, place] += 1
        return not custom, place == len(_FIRST), turns[custom, place] if place < len(_FIRST) else 0

    return sorted(sorted(candidates, key=within), key=turn)


def within_reach(budget: Budget, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return of a platform's candidates, best first, those that may be looked at: the best, and what may be pinned."""
    unsure = islice((one for one in candidates[budget.reach :] if one.unsure), _MAX_UNSURE) if budget.reach else ()
    pinned = [one for one in candidates[budget.reach :] if one.pin is not None] if budget.reach else []
    return (*candidates[: budget.reach], *pinned, *unsure)


def _place(action: Action) -> int:
    """Return the place of its verb among the everyday ones, behind them for any other."""
    verb = _verb(action)
    return _FIRST.index(verb) if verb in _FIRST else len(_FIRST)


def _verb(action: Action) -> str:
    return next(iter(action.title[:100].lower().split()), "")


def ordered(budget: Budget, shelves: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """Return what to look at, best first: what is pinned, then the best of every platform, the second best, and so on.

    What may be pinned is among it as well, wherever it stands, up to a bound.
    """
    turns = list(_in_turn(shelves))
    wanted = [candidate for candidate in turns if candidate.pin is not None]
    wanted += islice((candidate for candidate in turns if candidate.unsure), _MAX_UNSURE)
    wanted += islice(turns, budget.reach)
    chosen = {candidate.name for candidate in wanted}
    return pinned_first(candidate for candidate in turns if candidate.name in chosen)


def pinned_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return them in the order of the pins, and what is not pinned behind, as it was."""
    candidates = list(candidates)
    last = 1 + max((candidate.pin or 0 for candidate in candidates), default=0)
    return sorted(candidates, key=lambda candidate: last if candidate.pin is None else candidate.pin)


def shared(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return what is pinned, then the best of every platform, and so on: what fell away costs no platform its turn."""
    best = pinned_first(candidates)
    pinned = [candidate for candidate in best if candidate.pin is not None]
    shelves: dict[str, list[Candidate]] = {}
    for candidate in best[len(pinned) :]:
        shelves.setdefault(candidate.action.platform, []).append(candidate)
    return [*pinned, *_in_turn(shelves.values())]


def _in_turn(shelves: Iterable[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Yield the best of every platform, then the second best of every platform, and so on."""
    for turn in zip_longest(*shelves):
        yield from (candidate for candidate in turn if candidate is not None)


def within(budget: Budget, fixed: Iterable[Choice], choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Return the choices that the budget holds beside the fixed tools; what is too much alone is passed over."""
    costs = [choice.tokens for choice in fixed]
    count, left = budget.max_tools - len(costs), budget.max_tokens - sum(costs)
    listed: list[Choice] = []
    for choice in choices:
        if budget.mode == "all" or (len(listed) < count and choice.tokens <= left):
            left -= choice.tokens
            listed.append(choice)
    return tuple(listed)


def pin_of(budget: Budget, name: str, action: Action) -> tuple[int | None, bool]:
    """Return the place of the first pin that means the action, and if one may whose request the row does not tell.

    A row without an id is not what a pin by id means: those that are pinned have theirs.
    """
    unsure = False
    for place, pattern in enumerate(budget.pins):
        matches = pattern.matches(name, action)
        if matches:
            return place, unsure
        unsure = unsure or (matches is None and not ids([pattern]))
    return None, unsure


def ids(patterns: Iterable[ToolPattern]) -> list[str]:
    """Return the ids of the actions that are meant by id."""
    return [pattern.actions.id for pattern in patterns if pattern.actions and pattern.actions.id]


def is_excluded(budget: Budget, name: str, action: Action) -> bool:
    """Tell if the action is never listed, as far as is known of it."""
    return any(pattern.matches(name, action) for pattern in budget.exclusions)
