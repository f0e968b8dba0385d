"""What a conversation takes of a model's context, in characters and in calls, task by task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call: what the model wrote, and what it read beside the provider's own answer."""

    task: str
    tool: str
    asked_chars: int
    told_chars: int


@dataclass(slots=True)
class Meter:
    """Counts one conversation. What is read `before` any task is told by what it is."""

    before: dict[str, int] = field(default_factory=dict[str, int])
    definitions: dict[str, int] = field(default_factory=dict[str, int])
    """Tool → the characters of its name, description and input schema: what the tool list is made of."""
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    task: str = ""

    def note(self, tool: str, arguments: Any, told_chars: int) -> None:
        """Count a call of the present task."""
        asked = len(compact({"name": tool, "arguments": arguments}))
        self.exchanges.append(Exchange(self.task, tool, asked, told_chars))

    def of(self, task: str) -> tuple[Exchange, ...]:
        return tuple(one for one in self.exchanges if one.task == task)

    @property
    def calls(self) -> int:
        return len(self.exchanges)

    @property
    def tokens(self) -> int:
        """All of it; rounded once, so that it is not the sum of what parts of it are."""
        return tokens(sum(self.before.values()) + sum(self._chars()))

    def _chars(self) -> Iterator[int]:
        return (one.asked_chars + one.told_chars for one in self.exchanges)


def tokens(chars: int) -> int:
    return round(chars / CHARS_PER_TOKEN)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
