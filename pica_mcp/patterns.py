"""The room of patterns: which actions an operator means, by id or by platform, method and path.

Two forms. An action id is matched exactly. `PLATFORM [METHOD [PATH]]`, parted by blanks, are globs in which `*` stands
for any characters, also `/`: `gmail`, `slack GET`, `gmail GET /gmail/v1/users/*/messages*`, `* DELETE`.

Titles, keys and tags are text from outside and decide nothing here: who renames an action must not get it allowed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pica_mcp.models import Action, action_id

ANY = "*"

_MAX_CHARS = 500
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PLATFORM = re.compile(r"[a-z0-9*][a-z0-9_.*-]*")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_TOOL = re.compile(r"[A-Za-z0-9*]+_[A-Za-z0-9_*]*")
_CONNECTION_KEY = re.compile(r"(live|test)::")
_FORMS = "an action id like conn_mod_def::…::…, or PLATFORM [METHOD [PATH]] like gmail, slack GET or * POST */search"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Actions that are meant: the one with this id, or with no id those whose platform, method and path fit."""

    id: str = ""
    platform: str = ANY
    method: str = ANY
    path: str = ANY

    def matches(self, action: Action) -> bool | None:
        """Tell if the action is meant; None if its row does not tell enough, False as soon as something does not fit.

        What the path has after a `?` is part of it: it may be what makes the action another one.
        """
        if self.id:
            return action_id(action.id) == self.id if action.id else None
        fits = (
            _fits(self.platform, action.platform.lower()),
            _fits(self.method, action.method.upper()),
            # As it is sent: with a slash, whether the catalogue writes one or not.
            _fits(self.path, f"/{action.path.removeprefix('/')}" if action.path else ""),
        )
        return False if False in fits else None if None in fits else True

    def __str__(self) -> str:
        """Return the pattern as it can be written again, as short as it can be."""
        if self.id:
            return self.id
        parts = [self.platform, self.method, self.path]
        while len(parts) > 1 and parts[-1] == ANY:
            parts.pop()
        return " ".join(parts)


def parse(written: str) -> Pattern:
    """Return the pattern, or raise `ValueError` that completes "PICA_X is '...', but must be ...".

    What can match nothing (a title, a label, a tool's name, a method that there is not) is told at once: in a list of
    what is allowed it would be noticed late, in one of what is not it would be noticed never.
    """
    written = written.strip()
    if not written or len(written) > _MAX_CHARS:
        raise ValueError(f"{_FORMS}, at most {_MAX_CHARS} characters")
    if "::" in written:
        return Pattern(id=_id(written))
    platform, method, path = (*written.split(None, 2), ANY, ANY)[:3]
    if method == path == ANY and "_" in platform:
        raise ValueError(f"{_FORMS}; the name of a tool is none, so take its id or its request")
    return Pattern(platform=_platform(platform), method=_method(method), path=_path(path))


def _id(written: str) -> str:
    if _CONNECTION_KEY.match(written):
        raise ValueError(f"{_FORMS}; this is the key of a connection")
    if ANY in written or len(written.split()) > 1:
        raise ValueError(f"{_FORMS}; an id stands alone and whole")
    return action_id(written)


def _platform(written: str) -> str:
    if not _PLATFORM.fullmatch(written.lower()):
        raise ValueError(f"{_FORMS}; a platform is written like google-calendar")
    return _glob(written.lower())


def _method(written: str) -> str:
    glob = _glob(written.upper())
    if not any(_fits(glob, method) for method in _METHODS):
        raise ValueError(f"{_FORMS}; the second word is a method: {', '.join(_METHODS)}, or * for any")
    return glob


def _path(written: str) -> str:
    # A placeholder may be spelt with blanks in it, `{{ user id }}`; nothing else of a path is.
    if not written.startswith(("/", ANY)) or len(_PLACEHOLDER.sub("", written).split()) > 1:
        raise ValueError(f"{_FORMS}; a path begins with / or * and has no blanks")
    return _glob(written)


def _glob(written: str) -> str:
    """Return the glob with one spelling only, so that equal ones are equal."""
    return re.sub(r"\*+", ANY, written)


def _fits(glob: str, told: str) -> bool | None:
    """Tell if the whole text fits; an empty text tells nothing. Linear: paths are from outside, so no regex runs here.

    Each piece between stars is looked for once, from where the one before it ended: if the first place where it
    stands does not lead to a match, no later one does.
    """
    if glob == ANY:
        return True
    if not told:
        return None
    first, *pieces = glob.split(ANY)
    if not pieces:
        return told == glob
    last = pieces.pop()
    start, end = len(first), len(told) - len(last)
    if start > end or not told.startswith(first) or not told.endswith(last):
        return False
    for piece in pieces:
        start = told.find(piece, start, end)
        if start < 0:
            return False
        start += len(piece)
    return True


@dataclass(frozen=True, slots=True)
class ToolPattern:
    """Tools that are meant: those of these actions, or those whose name fits a glob."""

    written: str
    actions: Pattern | None

    def matches(self, name: str, action: Action) -> bool | None:
        """Tell if the action, or its tool's name, is meant; None if its row does not tell enough."""
        if self.actions is None:
            return bool(_fits(self.written, name))
        return self.actions.matches(action)

    def __str__(self) -> str:
        """Return the pattern as it was written."""
        return self.written


def parse_tools(written: str) -> ToolPattern:
    """Return the pattern, which may be the name of a tool with `*` in it, or raise `ValueError` as `parse` does."""
    written = written.strip().lower() if _TOOL.fullmatch(written.strip()) else written.strip()
    return ToolPattern(written, None if _TOOL.fullmatch(written) else parse(written))
