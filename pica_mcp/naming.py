"""The room that names an action as a tool: platform first, readable, stable, never two alike.

The collision domain is the platform's whole catalogue, so neither order nor budget changes a name. An action gets a
short hash of its id only if its readable name is too long or shared.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from pica_mcp.models import Action

MAX_CHARS = 40
"""What fits beside a server's name in every client; see the limits of Cursor, Codex and Gemini CLI."""

_HASH_CHARS = 6
_ARTICLES = frozenset({"a", "an", "the"})


def tool_names(actions: Iterable[Action], reserved: frozenset[str] = frozenset()) -> Mapping[str, Action]:
    """Return name → action for one platform's whole catalogue, each name `[a-z0-9_]`, at most 40 characters."""
    actions = tuple(actions)
    shared = Counter(map(_readable, actions))
    names: dict[str, Action] = {}
    for action in actions:
        name = _readable(action)
        plain = len(name) <= MAX_CHARS and shared[name] == 1 and name not in reserved
        names[name if plain else _hashed(name, action, names)] = action
    return names


def may_name(platform: str, name: str) -> bool:
    """Tell if the name can be one of the platform's, so that others need not be looked through."""
    prefix = "_".join(_words(platform))[: MAX_CHARS - _HASH_CHARS - 1].rstrip("_")
    return name.startswith(prefix)


def _readable(action: Action) -> str:
    platform = _words(action.platform)
    title = _words(action.title) or _words(action.key) or _words(f"{action.method} {action.path}") or ["action"]
    return "_".join([*platform, *_without(platform, [w for w in title if w not in _ARTICLES] or title)])


def _without(platform: list[str], title: list[str]) -> list[str]:
    """Drop the platform's own name from the title: `gmail_send_email`, not `gmail_send_gmail_email`."""
    size = len(platform)
    for start in range(len(title) - size + 1):
        if title[start : start + size] == platform and len(title) > size:
            return title[:start] + title[start + size :]
    return title


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain.replace("'", ""))
    return re.findall(r"[a-z0-9]+", spaced.lower())


def _hashed(name: str, action: Action, taken: Mapping[str, Action]) -> str:
    """Return the name with as much of the id's hash as tells it from all that are taken."""
    identity = action.id or f"{action.platform} {action.key} {action.method} {action.path} {action.title}"
    digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
    size = _HASH_CHARS
    while (hashed := _joined(name, digest[:size])) in taken and size < MAX_CHARS - 2:
        size += 2
    return hashed


def _joined(name: str, digest: str) -> str:
    room = MAX_CHARS - len(digest) - 1
    whole_words = name if len(name) <= room else name[: room + 1].rpartition("_")[0] or name[:room]
    return f"{whole_words}_{digest}"
