"""What is told of an action that a search found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pica_mcp import documents, schemas, text
from pica_mcp.discovery import wording
from pica_mcp.discovery.tool import KNOWLEDGE
from pica_mcp.models import Action, ActionDetails, Effect
from pica_mcp.schemas import portable
from pica_mcp.spelling import words
from pica_mcp.tools import CONNECTION

_MAX_OUTLINES = 4_096
_TITLE_CHARS = 80
_OUTLINE_CHARS = 120
_DOES_CHARS = 80
_SCHEMAS_CHARS = 16_000
_UNREAD = f"see {KNOWLEDGE}"


@dataclass(frozen=True, slots=True)
class Hit:
    """An action that fits.

    `tool` is its name for the caller, None if it has none; `arguments` is an outline of what it takes; `connections`
    are those of which a call has to name one, none where it need not. `has_twins`: others have the same title.
    """

    action: Action
    tool: str | None
    effect: Effect
    arguments: str
    connections: tuple[str, ...]
    has_twins: bool


class Outlines:
    """The arguments of actions in short, as they were told before."""

    def __init__(self) -> None:
        self._told: dict[bytes, str] = {}

    def of(self, action: Action) -> str:
        """Return the action's arguments in short, if its document is there."""
        if not isinstance(action, ActionDetails):
            return _UNREAD
        said = f"{action.id}\n{action.method} {action.path}\n{action.io_schema}\n{action.knowledge}"
        digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        told = self._told.pop(digest, None) or schemas.outline(schemas.derive(action), max_chars=_OUTLINE_CHARS)
        while len(self._told) >= _MAX_OUTLINES:
            self._told.pop(next(iter(self._told)))
        self._told[digest] = told
        return told


def told(hits: Sequence[Hit], *, across: bool, detail: bool = False) -> list[dict[str, Any]]:
    """Return what is needed to call each. `across`: they are of several platforms. `detail`: with input schemas."""
    lines = [_line(hit, across=across) for hit in hits]
    if detail:
        _add_schemas(lines, hits)
    return lines


def _line(hit: Hit, *, across: bool) -> dict[str, Any]:
    action, name = hit.action, hit.tool or ""
    line: dict[str, Any] = {"tool": name} if name else {"actionId": text.line(action.id)}
    # A short name may begin with a part of the platform only.
    if across and name.partition("_")[0] != wording.squeezed(action.platform):
        line["platform"] = action.platform
    line |= _about(hit, name)
    line["arguments"] = hit.arguments
    if hit.connections:
        line[CONNECTION if name else "connectionKey"] = list(hit.connections)  # as that which runs it calls it
    return line | ({} if hit.effect is Effect.READ else {"effect": hit.effect})


def _about(hit: Hit, name: str) -> dict[str, str]:
    """Return what the action is, as far as its tool's name does not say it.

    Where another one has the same title, what tells them apart is in the description, or else in the path.
    """
    title = text.line(hit.action.title, _TITLE_CHARS)
    told = {} if title and _says(name, title) else {"title": title or "(untitled)"}
    return told | ({"does": _described(hit.action)} if not title or hit.has_twins else {})


def _says(name: str, title: str) -> bool:
    """Tell if the tool's name has all words of the title that say something."""
    return set(wording.substantial(words(title))) <= set(words(name.partition("_")[2]))


def _described(action: Action) -> str:
    """Return the request, and before it how its description begins, if there is one."""
    about = text.line(documents.description(action.knowledge), _DOES_CHARS) if isinstance(action, ActionDetails) else ""
    return f"{about} {text.line(f'{action.method} {action.path}', _DOES_CHARS)}".strip()


def _add_schemas(lines: Sequence[dict[str, Any]], hits: Sequence[Hit]) -> None:
    """Put the input schemas in the place of the outlines: whole if there is room for all, else each cut."""
    room = _SCHEMAS_CHARS // max(len(lines), 1)
    for line, hit in zip(lines, hits, strict=True):
        schema = schemas.derive(hit.action).schema if isinstance(hit.action, ActionDetails) else None
        if schema and (fitted := portable.fitted(schema, room)) is not None:
            line["inputSchema"] = fitted
            del line["arguments"]
