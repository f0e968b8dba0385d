"""What a platform's listing comes to: its rows, each with the facts of the one document that is about it."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from pica_mcp import documents as markdown
from pica_mcp import text
from pica_mcp.catalog.tables import Row, dumped
from pica_mcp.errors import UnknownAction
from pica_mcp.models import Action, ActionDetails

logger = logging.getLogger(__name__)

_ABOUT_CHARS = 200

Naming = Callable[[Sequence[Action]], Mapping[str, Action]]
"""The names of a platform's actions as tools."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a platform's actions as a whole. Two of the same `revision` have the same rows."""

    revision: str = ""
    count: int = 0
    ambiguous: int = 0
    """Rows that are left out: no document or several fit, or it is listed twice, or row and document disagree."""
    whole: bool = False
    """The documents of all of them are at hand; else they are fetched one by one."""
    shared: frozenset[tuple[str, str]] = frozenset()
    """Titles and methods that several rows have."""
    disputed: frozenset[str] = frozenset()
    """Ids of rows whose documents say another method."""
    row_etags: tuple[str, ...] = ()
    document_etags: tuple[str, ...] = ()

    def fits(self, row: Action, other: Action) -> bool:
        """Tell if what is found elsewhere is this row."""
        return row.id == other.id if row.id else _same(row, other, alone=_name(row) not in self.shared)

    def with_etags(self, rows: Sequence[str], documents: Sequence[str]) -> Listing:
        """Return the same, with what its pages can be asked for again by."""
        return replace(self, row_etags=tuple(rows), document_etags=tuple(documents))

    def as_json(self) -> Any:
        """Return what `of_json` reads."""
        facts = (self.revision, self.count, self.ambiguous, self.whole)
        return [*facts, sorted(self.shared), sorted(self.disputed), self.row_etags, self.document_etags]

    @classmethod
    def of_json(cls, value: Any) -> Listing:
        """Return what `as_json` wrote. Raises `ValueError` or `TypeError` for anything else."""
        revision, count, ambiguous, whole, shared, disputed, rows, documents = value
        names = frozenset((title, method) for title, method in shared)
        return cls(revision, count, ambiguous, whole, names, frozenset(disputed), tuple(rows), tuple(documents))


def joined(
    platform: str, rows: Sequence[Action], documents: Sequence[ActionDetails] | None, naming: Naming
) -> tuple[Listing, tuple[Row, ...]]:
    """Give each row its document's facts: by its own id, else by what both tell. Without documents, rows stay.

    What cannot be told from another is counted and left out, and so is a row whose document says another method.
    """
    by_name: defaultdict[tuple[str, str], list[ActionDetails]] = defaultdict(list)
    for document in documents or ():
        by_name[_name(document)].append(document)
    by_id = None if documents is None else {document.id: document for document in documents}
    counts = Counter(_name(row) for row in rows)
    shared = frozenset(name for name, count in counts.items() if count > 1)
    disputed = frozenset(row.id for row in rows if row.id and not agree(row, (by_id or {}).get(row.id)))
    known: dict[str, Action] = {}
    claims = Counter[str]()
    for row in rows:
        if row.id or by_id is None:
            document = (by_id or {}).get(row.id)
            if agree(row, document):
                known[row.id or repr(row)] = _listed(row, document)
            continue
        fitting = [d for d in by_name[_name(row)] if _same(row, d, alone=_name(row) not in shared)]
        if len(fitting) == 1:
            known[fitting[0].id] = _listed(row, fitting[0])
            claims[fitting[0].id] += 1
    for contested in (action_id for action_id, rows_of_it in claims.items() if rows_of_it > 1):
        del known[contested]
    found = _named(tuple(known.values()), by_id or {}, naming)
    ambiguous = len(rows) - len(known)
    if ambiguous:
        logger.info(
            "%s: %d of %d actions are left out, since they cannot be told apart", platform, ambiguous, len(rows)
        )
    revision = _revision(found, documents)
    return Listing(revision, len(found), ambiguous, documents is not None, shared, disputed), found


def _named(actions: Sequence[Action], documents: Mapping[str, ActionDetails], naming: Naming) -> tuple[Row, ...]:
    names = {id(action): name for name, action in naming(actions).items()}
    return tuple(Row(one, names.get(id(one), ""), _about(documents.get(one.id))) for one in actions)


def _about(document: ActionDetails | None) -> str:
    return text.line(markdown.description(document.knowledge), _ABOUT_CHARS) if document else ""


def _revision(rows: Sequence[Row], documents: Sequence[ActionDetails] | None) -> str:
    """Return what is another one as soon as anything of it is."""
    told = sorted(map(_digest, documents or ()))  # those at hand are in no order
    digest = blake2b(b"".join(told), digest_size=12)
    for row in rows:
        digest.update(repr(row.action).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _digest(document: ActionDetails) -> bytes:
    facts = dumped(document)
    long = facts.pop("knowledge")
    return blake2b(f"{facts!r}\0{long}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _name(action: Action) -> tuple[str, str]:
    return action.title, action.method.upper()


def _same(row: Action, other: Action, *, alone: bool) -> bool:
    """Tell if what is found elsewhere is the listed action. Called by another's name, it would do the other's deed.

    Title and method must be equal, path and key where both tell them. Where several rows share title and method (not
    `alone`), one of path, key or model must say which is which.
    """
    told = [(mine, its) for mine, its in ((row.path, other.path), (row.key, other.key)) if mine and its]
    if not alone and row.model and other.model:
        told.append((row.model, other.model))
    return _name(row) == _name(other) and all(mine == its for mine, its in told) and (alone or bool(told))


def agree(row: Action, document: Action | None) -> bool:
    """Tell if row and document can be of one action: what deletes must not pass for what sends."""
    return document is None or not document.method or document.method.upper() == row.method.upper()


def usable(row: Action, document: ActionDetails | None) -> ActionDetails:
    """Return the action as row and document tell it. Raises `UnknownAction` if they tell two different ones."""
    if not agree(row, document):
        raise UnknownAction("Pica tells two different methods for this action.", "Choose another action.")
    told = {name: getattr(row, name) for name in type(row).model_fields}
    if document is None:
        return ActionDetails.model_construct(**told)
    return document.model_copy(update={k: v for k, v in told.items() if v} | {"tags": _tags(row, document)})


def merged(row: Action, other: Action) -> Action:
    """Return what the listing says; what it leaves empty is the other's to say. Tags count wherever they stand."""
    lacking = (name for name in Action.model_fields if not getattr(row, name))
    return row.model_copy(update={name: getattr(other, name) for name in lacking} | {"tags": _tags(row, other)})


def _listed(row: Action, document: ActionDetails | None) -> Action:
    return merged(row, document) if document else row


def _tags(row: Action, other: Action) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*row.tags, *other.tags)))
