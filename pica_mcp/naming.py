"""The room that names an action as a tool: platform first, readable, stable, never two alike.

The platform is one word (`googlecalendar_list_events`), so that the first underscore tells it from the title and no two
platforms can spell one name. The collision domain is the platform's whole catalogue, so neither order nor budget
changes a name. An action gets a short hash of its id only if its readable name is too long or shared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from pica_mcp import text
from pica_mcp.models import Action

MAX_CHARS = 40
"""What fits beside a server's name in every client; see the limits of Cursor, Codex and Gemini CLI."""

_MAX_PREFIX_CHARS = 20
_ARTICLES = frozenset({"a", "an", "the"})


def tool_names(actions: Iterable[Action], reserved: frozenset[str] = frozenset()) -> Mapping[str, Action]:
    """Return name → action for one platform's whole catalogue, each name `[a-z0-9_]`, at most 40 characters."""
    once = {_identity(action): action for action in actions}
    return text.tell_apart(once.values(), _spelled, reserved)


def prefix(platform: str) -> str:
    """Return what all names of the platform begin with, up to the first underscore."""
    return "".join(_words(platform))[:_MAX_PREFIX_CHARS] or "platform"


def _spelled(action: Action, hash_chars: int) -> str:
    name = _readable(action)
    if len(name) <= MAX_CHARS and not hash_chars:
        return name
    digest = text.short_hash(_identity(action), hash_chars or 6)
    room = MAX_CHARS - len(digest) - 1
    whole_words = name if len(name) <= room else name[: room + 1].rpartition("_")[0] or name[:room]
    return f"{whole_words}_{digest}"


def _identity(action: Action) -> str:
    return action.id or f"{action.platform} {action.key} {action.method} {action.path} {action.title} {action.model}"


def _readable(action: Action) -> str:
    platform = _words(action.platform)
    title = _words(action.title) or _words(action.key) or _words(f"{action.method} {action.path}") or ["action"]
    return "_".join([prefix(action.platform), *_without(platform, [w for w in title if w not in _ARTICLES] or title)])


def _without(platform: list[str], title: list[str]) -> list[str]:
    """Drop the platform's own name from the title: `gmail_send_email`, not `gmail_send_gmail_email`."""
    size = len(platform)
    for start in range(len(title) - size + 1):
        if title[start : start + size] == platform and len(title) > size:
            return title[:start] + title[start + size :]
    return title


def _words(words: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain.replace("'", ""))
    return re.findall(r"[a-z0-9]+", spaced.lower())
