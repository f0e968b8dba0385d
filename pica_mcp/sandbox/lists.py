"""The sandbox's lists that lie: faults that bend what a page says, on top of whatever list endpoint they are put."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

from pica_mcp.sandbox.faults import Fault, Question, Stage, Steps, content, saying
from pica_mcp.sandbox.upstream import Json

_EVERYTHING = "999999999"
_DEFAULT_LIMIT = "20"


@dataclass(frozen=True, slots=True)
class Altered(Fault):
    """A JSON object with other values at some keys; an answer that is no JSON object stays as it is."""

    changes: Mapping[str, Any]
    stage = Stage.SAYING

    async def steps(self, question: Question) -> Steps:
        answer = tuple(await question.answer())
        said = _object(answer)
        return answer if said is None else _saying(answer, {**said, **self.changes})


class _Window(Fault):
    """A list cut into pages in another way than the endpoint does, which is asked twice for that.

    What is no page of rows, and what answers anything but GET, stays as it is.
    """

    __slots__ = ()
    stage = Stage.SAYING

    @abstractmethod
    def page(self, rows: list[Json], number: int, limit: int) -> Json:
        """What the page with that number, from 1, says about the list with these rows."""

    async def steps(self, question: Question) -> Steps:
        answer = tuple(await question.answer())
        if question.method != "GET" or not _is_page(_object(answer)):
            return answer
        query = dict(question.query)
        number, limit = int(query.get("page", "1")), int(query.get("limit", _DEFAULT_LIMIT))
        said = _object(await question.answer(page="1", limit=_EVERYTHING)) or {}
        return _saying(answer, {**said, "page": number, **self.page(said["rows"], number, limit)})


@dataclass(frozen=True, slots=True)
class Repeating(_Window):
    """Pages that begin with the last rows of the page before; total and pages stay true."""

    rows: int = 1
    least = (("rows", 0),)

    def page(self, rows: list[Json], number: int, limit: int) -> Json:
        start = max(0, (number - 1) * limit - self.rows)
        return {"rows": rows[start : number * limit], "pages": ceil(len(rows) / limit)}


@dataclass(frozen=True, slots=True)
class Drifting(_Window):
    """A list that gets so many rows at its top before each page but the first, and says so; below zero, loses them.

    Growing, a page repeats the end of the page before. Shrinking, rows between two pages are never shown.
    """

    rows: int = 1

    def page(self, rows: list[Json], number: int, limit: int) -> Json:
        start, total = (number - 1) * (limit - self.rows), max(0, len(rows) + (number - 1) * self.rows)
        return {"rows": rows[max(0, start) : max(0, start + limit)], "total": total, "pages": ceil(total / limit)}


def _object(answer: Steps) -> Json | None:
    try:
        said = json.loads(content(answer))
    except ValueError:
        return None
    return cast("Json", said) if isinstance(said, dict) else None


def _is_page(said: Json | None) -> bool:
    return said is not None and isinstance(said.get("rows"), list) and "page" in said


def _saying(answer: Steps, said: Json) -> Steps:
    # Without the tag of the truth, which a client would have confirmed for the lie.
    return saying(answer, json.dumps(said).encode(), etag=None)
