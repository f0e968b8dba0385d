"""How a command of the program ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    """The exit code, what it printed and what it said beside that; a terminal does not tell the two apart."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """What a program reads, which nothing is said beside."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)


Command = Callable[..., Done]
"""Runs the command of these words with these variables."""
