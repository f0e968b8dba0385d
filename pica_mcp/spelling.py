"""The room of how words are written: taken out of titles, keys, paths and queries, and which are nearly the same. Pure.

Words are lower case and singular.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import takewhile
from operator import eq

from pica_mcp import text

MAX_CHARS = 400
_MAX_WORDS = 24
_LEAST_MISSPELT = 4
_SHORT = 5
_HISSING = ("sses", "shes", "tches", "nches", "rches", "xes")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")


def words(written: str) -> list[str]:
    """Return the words of a title, key, path or query, camel case taken apart; at most a few."""
    beginning = written[:MAX_CHARS]
    plain = beginning.isascii() and beginning.isprintable()  # as most are
    seen = beginning if plain else text.clean(beginning, MAX_CHARS)
    found = _WORD.findall(_HUMP.sub(" ", seen).lower())[:_MAX_WORDS]
    return [_singular(word) if word[-1] == "s" and len(word) > 3 else word for word in found]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(_HISSING):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) or word == "news" else word[:-1]


def near(word: str, among: Iterable[str], most: int = 1) -> list[str]:
    """Return those that the word may be with a slip, the likeliest first; they begin with the same letter."""
    if len(word) < _LEAST_MISSPELT:
        return []
    beside = (one for one in among if one[:1] == word[0] and abs(len(one) - len(word)) <= 1)
    # In a short word, one letter for another makes a word of its own.
    alike = {one for one in beside if len(word) > _SHORT or len(one) != len(word) or sorted(one) == sorted(word)}
    slips = sorted(one for one in alike if is_slip(word, one))
    return difflib.get_close_matches(word, slips, n=most, cutoff=0)


def is_slip(word: str, meant: str) -> bool:
    """Tell if only one letter is wrong, missing or too much, or two neighbours changed places."""
    before = _shared(word, meant)
    after = _shared(word[before:][::-1], meant[before:][::-1])
    one, other = word[before : len(word) - after], meant[before : len(meant) - after]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _shared(one: str, other: str) -> int:
    """Return how many letters both begin with."""
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))
