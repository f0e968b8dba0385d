"""The words of the listed actions, and which rows have those that are looked for.

Jobs on the catalogue's database, inside the caller's transaction. What is written here are words as `spelling` tells
them, so that a query's are compared with the same. Where this SQLite has no FTS5, the same columns are a plain table
that is read from end to end: slower, with the same result.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from math import log

from pica_mcp import spelling
from pica_mcp.models import Action

# What a row counts for a word that is in its title or key, one that means the same, and either of them elsewhere.
_ITSELF, _MEANT, _ELSEWHERE = 1.0, 0.8, 0.4
_SAID, _BESIDE = "title key", "place about"
_MAX_TERMS, _MAX_ALIKE = 16, 64
_NOWHERE = '"0"'
_FEW, _ENOUGH, _MANY = 40, 1_000, 1_000_000
_MAX_EQUALS = 1_000
_MAX_NEAR = 6
_MAX_TAGS = 20
_MAX_PATH_CHARS, _MAX_MODEL_CHARS = 200, 60

_COLUMNS = "platform, title, key, place, about"
_INDEXED = f"CREATE VIRTUAL TABLE found USING fts5({_COLUMNS}, tokenize='unicode61 remove_diacritics 0')"
_PLAIN = f"CREATE TABLE found (rowid INTEGER PRIMARY KEY, {_COLUMNS})"

Having = Callable[[Collection[str], str], set[int]]
"""The rows that have any of some words in any of some columns."""


def create(db: sqlite3.Connection, *, plain: bool = False) -> bool:
    """Make the tables. False where they are `plain` ones, as they are without FTS5."""
    if not plain:
        try:
            db.execute(_INDEXED)
            db.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(found, row)")
        except sqlite3.OperationalError as error:
            if "no such module" not in str(error):
                raise
        else:
            return True
    db.execute(_PLAIN)
    return False


def is_available() -> bool:
    """Tell if this SQLite has FTS5."""
    with closing(sqlite3.connect(":memory:")) as db:
        return create(db)


def add(db: sqlite3.Connection, rows: Iterable[tuple[int, Action, str]]) -> None:
    """Note the words of rows: their number, the action, and what is said about it."""
    db.executemany(f"INSERT INTO found (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", map(_words, rows))  # noqa: S608


def _words(row: tuple[int, Action, str]) -> tuple[int | str, ...]:
    number, action, about = row
    place = " ".join((action.path[:_MAX_PATH_CHARS], action.model[:_MAX_MODEL_CHARS], *action.tags[:_MAX_TAGS]))
    told = (action.title, action.key, f"{action.platform} {place}", about)
    return (number, _token(action.platform), *(" ".join(spelling.words(one)) for one in told))


def _token(platform: str) -> str:
    """Return the platform as one word that is nobody else's, nor a word of any query."""
    return f"0{platform.encode('utf-8', 'replace').hex()}"


def remove(db: sqlite3.Connection, platform: str) -> None:
    """Forget the words of a platform's rows, which are still there."""
    db.execute("DELETE FROM found WHERE rowid IN (SELECT row FROM actions WHERE platform = ?)", (platform,))


def find(db: sqlite3.Connection, platforms: Collection[str], terms: Sequence[Sequence[str]]) -> Iterator[int]:
    """Yield the numbers of the rows of these platforms that have any of the words, best first.

    `terms`: for each word of the query the words that mean it, itself first. A word that few rows have counts more.
    """
    having = _having(db, platforms)
    groups: list[tuple[set[int], set[int], set[int]]] = []
    for alike in terms[:_MAX_TERMS]:
        wanted = [word for word in alike if word.isalnum()][:_MAX_ALIKE]
        if not wanted:
            continue
        meant = having(wanted, _SAID)
        itself = having(wanted[:1], _SAID) if wanted[1:] else meant
        # What many rows are called says little where it stands elsewhere.
        groups.append((itself, meant, having(wanted, _BESIDE) if len(meant) <= _ENOUGH else set()))
    return _best_first(db, _scores(groups))


def _scores(groups: Iterable[tuple[set[int], set[int], set[int]]]) -> Mapping[int, float]:
    """Return row → how well it fits, by what has each word itself, what means it, and what has it elsewhere."""
    scores: defaultdict[int, float] = defaultdict(float)
    for itself, meant, beside in sorted(groups, key=lambda group: len(group[1] | group[2])):
        worth = log(_MANY / (1 + len(meant or beside)))
        for rows, share in ((itself, _ITSELF), (meant - itself, _MEANT), (beside - meant, _ELSEWHERE)):
            # What only has the commonest of the words is not among the best of so many.
            for row in rows.intersection(scores) if len(scores) > _ENOUGH else rows:
                scores[row] += worth * share
    return scores


def _having(db: sqlite3.Connection, platforms: Collection[str]) -> Having:
    """Return what tells the rows of these platforms that have any of some words in any of some columns."""
    if not _is_indexed(db):
        return _read(db, platforms)
    if len(platforms) <= _FEW:
        return partial(_matching, db, f"platform : ({_any(map(_token, platforms)) or _NOWHERE}) AND ")
    if _platforms(db).issubset(platforms):
        return partial(_matching, db, "")
    within = _rows(db, platforms)
    return lambda words, columns: _matching(db, "", words, columns) & within


def _platforms(db: sqlite3.Connection) -> frozenset[str]:
    """Return the platforms that have rows, without a look at every row."""
    found = db.execute(
        "WITH RECURSIVE known(platform) AS (SELECT min(platform) FROM actions UNION ALL"
        " SELECT (SELECT min(platform) FROM actions WHERE platform > known.platform) FROM known"
        " WHERE known.platform IS NOT NULL) SELECT platform FROM known WHERE platform IS NOT NULL"
    )
    return frozenset(platform for (platform,) in found)


def _rows(db: sqlite3.Connection, platforms: Collection[str]) -> set[int]:
    marks = ",".join("?" * len(platforms))
    found = db.execute(f"SELECT row FROM actions WHERE platform IN ({marks})", tuple(platforms))  # noqa: S608
    return {row for (row,) in found}


def _matching(db: sqlite3.Connection, before: str, words: Iterable[str], columns: str) -> set[int]:
    found = db.execute("SELECT rowid FROM found WHERE found MATCH ?", (f"{before}{{{columns}}} : ({_any(words)})",))
    return set(chain.from_iterable(found))


def _read(db: sqlite3.Connection, platforms: Collection[str]) -> Having:
    """Return the same as `_having` where there is no index: all words of these platforms are read, once."""
    within = f"SELECT row FROM actions WHERE platform IN ({','.join('?' * len(platforms))})"  # noqa: S608
    said = f"SELECT rowid, title || ' ' || key, place || ' ' || about FROM found WHERE rowid IN ({within})"  # noqa: S608
    told = db.execute(said, tuple(platforms))
    rows = [(row, {_SAID: frozenset(said.split()), _BESIDE: frozenset(beside.split())}) for row, said, beside in told]
    return lambda words, columns: {row for row, told in rows if not told[columns].isdisjoint(words)}


def _any(words: Iterable[str]) -> str:
    """Return the expression for any of these words, none of which has quotes."""
    return " OR ".join(f'"{word}"' for word in words)


def _best_first(db: sqlite3.Connection, scores: Mapping[int, float]) -> Iterator[int]:
    """Yield the rows of the highest scores; of equals, those with the shortest titles, which say nothing else."""
    equals: defaultdict[float, list[int]] = defaultdict(list)
    for row, score in scores.items():
        equals[score].append(row)
    for score in sorted(equals, reverse=True):
        rows = sorted(equals[score])
        for at in range(0, len(rows), _MAX_EQUALS):
            yield from _shortest_first(db, rows[at : at + _MAX_EQUALS])


def _shortest_first(db: sqlite3.Connection, rows: Sequence[int]) -> Sequence[int]:
    if len(rows) == 1:
        return rows
    marks = ",".join("?" * len(rows))
    found = db.execute(f"SELECT row FROM actions WHERE row IN ({marks}) ORDER BY length(title), row", rows)  # noqa: S608
    return [row for (row,) in found]


def spellings(db: sqlite3.Connection, words: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return, for those words that no row has, the ones that are most like them."""
    near = dict[str, tuple[str, ...]]()
    for word in filter(str.isalnum, words):
        beside = _beginning(db, word[0])
        if word not in beside:
            near[word] = tuple(spelling.near(word, beside, _MAX_NEAR))
    return near


def _beginning(db: sqlite3.Connection, letter: str) -> set[str]:
    """Return the words of rows that begin with this letter."""
    if _is_indexed(db):
        found = db.execute("SELECT term FROM vocabulary WHERE term >= ? AND term < ?", (letter, chr(ord(letter) + 1)))
        return {word for (word,) in found}
    said = db.execute("SELECT title || ' ' || key || ' ' || place || ' ' || about FROM found")
    return {word for (words,) in said for word in words.split() if word[0] == letter}


def _is_indexed(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'vocabulary'").fetchone())
