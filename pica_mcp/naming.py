"""The room that names an action as a tool: platform first, readable, stable, never two alike.

The platform is one word (`googlecalendar_list_events`), so that the first underscore tells it from the title and no two
platforms can spell one name. The collision domain is the platform's whole catalogue, so neither order nor budget
changes a name. What is too long loses its small words first, then long words that have a short form; only if that is
not enough, or the name is shared, does it get a short hash of the action's id.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pica_mcp import text
from pica_mcp.models import Action

MAX_CHARS = 40
"""What fits beside a server's name in every client; see the limits of Cursor, Codex and Gemini CLI."""

MIN_CHARS = 20
"""What is left of shorter names would be hashes."""

_MAX_PREFIX_CHARS = 20
_HASH_CHARS = 4
_MAX_READ_CHARS = 500
_ARTICLES = frozenset({"a", "an", "the"})
_SMALL = _ARTICLES | {"all", "and", "by", "for", "from", "in", "of", "on", "to", "with"}
_SHORT = {
    "administrator": "admin",
    "application": "app",
    "authentication": "auth",
    "configuration": "config",
    "database": "db",
    "description": "desc",
    "document": "doc",
    "environment": "env",
    "information": "info",
    "organization": "org",
    "parameter": "param",
    "repository": "repo",
    "repositories": "repos",
    "specification": "spec",
}


def tool_names(
    actions: Iterable[Action], reserved: frozenset[str] = frozenset(), max_chars: int = MAX_CHARS
) -> Mapping[str, Action]:
    """Return name → action for one platform's whole catalogue, each `[a-z0-9_]` and as long as `max_chars` at most.

    `max_chars` is `MIN_CHARS` or more.
    """
    once = {_identity(action): action for action in actions}
    return text.tell_apart(once.values(), lambda action, size: _spelled(action, size, max_chars), reserved)


def prefix(platform: str, max_chars: int = MAX_CHARS) -> str:
    """Return what all names of the platform begin with, up to the first underscore: half of a name at most.

    Where names are so short that it has to be cut, it ends in a hash: what is left may be another platform's too.
    """
    whole, room = "".join(_words(platform))[:_MAX_PREFIX_CHARS] or "platform", max_chars // 2
    return whole if len(whole) <= room else whole[: room - _HASH_CHARS] + text.short_hash(platform, _HASH_CHARS)


def _spelled(action: Action, hash_chars: int, max_chars: int) -> str:
    """Return the name that says the most and fits; with a hash if one is wanted, or if something had to be cut off."""
    beginning = prefix(action.platform, max_chars)
    room = max_chars - len(beginning) - 1
    digest = text.short_hash(_identity(action), min(hash_chars or text.MIN_HASH_CHARS, room))
    spellings = list(_spellings(action))
    for words in spellings:
        name = "_".join([beginning, *words, *([digest] if hash_chars else [])])
        if len(name) <= max_chars:
            return name
    return "_".join([beginning, *_first(spellings[-1], room - len(digest)), digest])


def _first(words: Iterable[str], room: int) -> Iterator[str]:
    """Yield the words that fit, each with the underscore after it."""
    for word in words:
        room -= len(word) + 1
        if room < 0:
            return
        yield word


def _identity(action: Action) -> str:
    return action.id or f"{action.platform} {action.key} {action.method} {action.path} {action.title} {action.model}"


def _spellings(action: Action) -> Iterator[Sequence[str]]:
    """Yield the title's words: all but articles, without small words, and then with short forms of the long ones."""
    title = _words(action.title) or _words(action.key) or _words(f"{action.method} {action.path}") or ["action"]
    platform = _words(action.platform)
    yield _without(platform, [word for word in title if word not in _ARTICLES] or title)
    brief = _without(platform, [word for word in title if word not in _SMALL] or title)
    yield brief
    yield [_shortened(word) for word in brief]


def _shortened(word: str) -> str:
    singular = word.removesuffix("s")
    return _SHORT.get(word) or (f"{_SHORT[singular]}s" if singular in _SHORT else word)


def _without(platform: list[str], title: list[str]) -> list[str]:
    """Drop the platform's own name from the title: `gmail_send_email`, not `gmail_send_gmail_email`."""
    size = len(platform)
    for start in range(len(title) - size + 1):
        if title[start : start + size] == platform and len(title) > size:
            return title[:start] + title[start + size :]
    return title


def _words(words: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", words[:_MAX_READ_CHARS]).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain.replace("'", ""))
    return re.findall(r"[a-z0-9]+", spaced.lower())
