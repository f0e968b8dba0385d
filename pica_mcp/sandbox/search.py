"""The sandbox's search: which actions of a platform a few words mean, best first."""

import re
from collections.abc import Iterable

from pica_mcp.sandbox.catalog import HIDDEN, Action


def rank(actions: Iterable[Action], query: str, *, executing: bool) -> list[Action]:
    """The actions that share a word with the query, or all for an empty one; equal scores keep title order.

    For executing, actions hidden from agents are left out and, among equals, Pica's custom ones come first.
    """
    words = _words(query)
    candidates = [action for action in actions if not (executing and HIDDEN in action.tags)]
    scored = [(_score(action, words, query), action) for action in candidates]
    found = [(score, action) for score, action in scored if score or not words]
    found.sort(key=lambda pair: (-pair[0], not (executing and pair[1].is_custom), pair[1].title, pair[1].path))
    return [action for _, action in found]


def _score(action: Action, words: set[str], query: str) -> int:
    exact = 100 if action.title.lower() == query.strip().lower() else 0
    return exact + sum(weight * len(words & found) for weight, found in _texts(action))


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
    return {word.removesuffix("s") for word in re.findall(r"[a-z0-9]+", spaced.lower())}
