"""The sandbox's search: which actions of a platform a few words mean, best first."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

from pica_mcp.sandbox.catalog import Action, Catalog

_KEPT_INDEXES = 32


class Index:
    """The words of one platform's actions, read once."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self._entries: list[tuple[str, str, bool, bool]] = []
        self._weights: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, action in enumerate(actions):
            self._entries.append(
                (action.title, action.path, action.is_custom, action.is_hidden or not action.supported)
            )
            for weight, found in _texts(action):
                for word in found:
                    self._weights[word].append((place, weight))

    def rank(self, query: str, *, executing: bool) -> list[int]:
        """The places of the actions that share a word with the query, or of all for an empty one."""
        words = _words(query)
        scores = Counter[int]() if words else Counter[int](dict.fromkeys(range(len(self._entries)), 0))
        for word in words:
            for place, weight in self._weights.get(word, ()):
                scores[place] += weight
        exact = query.strip().lower()
        scores.update({at: 100 for at, entry in enumerate(self._entries) if words and entry[0].lower() == exact})
        found = [place for place in scores if not (executing and self._entries[place][3])]
        return sorted(found, key=lambda place: self._order(place, scores[place], executing=executing))

    def _order(self, place: int, score: int, *, executing: bool) -> tuple[int, bool, str, str, int]:
        title, path, custom, _ = self._entries[place]
        return -score, not (executing and custom), title, path, place


class Search:
    """Search over a catalogue; a platform's index is made when it is first searched, and the latest ones are kept."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._index = lru_cache(_KEPT_INDEXES)(self._make)

    def rank(self, platform: str, query: str, limit: int | None = None, *, executing: bool) -> list[Action]:
        """The first actions that share a word with the query, or of all for an empty one; equal ones keep title order.

        For executing, actions hidden from agents are left out and, among equals, Pica's custom ones come first.
        """
        actions = self._catalog.actions(platform)
        return [actions[place] for place in self._index(platform).rank(query, executing=executing)[:limit]]

    def _make(self, platform: str) -> Index:
        return Index(self._catalog.actions(platform))


def _texts(action: Action) -> tuple[tuple[int, set[str]], ...]:
    return (
        (4, _words(action.title)),
        (3, _words(action.key)),
        (2, _words(" ".join(action.tags))),
        (1, _words(action.path)),
    )


def _words(text: str) -> set[str]:
    # Camel case falls apart into words, and a plural finds its singular.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", spaced.lower())}
