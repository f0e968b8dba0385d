"""The older generation's dress: the same lists by `skip` and `limit`, rows with `_id` and times in milliseconds."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from pica_mcp.sandbox.pages import USUAL_LIMIT, Item, Pages, number
from pica_mcp.sandbox.upstream import Json

_BORN = 1_767_342_600_125
"""When whatever has no time of its own was made, in milliseconds."""


class OlderPages(Pages):
    """Lists as `{type, rows, total, skip, limit}`.

    `page` is an unknown parameter, which is taken for a filter that nothing meets; of other ones the real lists think
    the same, and these nothing.
    """

    def cut(
        self,
        request: Request,
        kind: str,
        items: Sequence[Item],
        show: Callable[[Item], Json],
        usual: int = USUAL_LIMIT,
        *,
        skipping: bool = False,
    ) -> Json:
        """The rows after the first `skip`."""
        del skipping
        items = () if "page" in request.query_params else items
        limit, skip = number(request, "limit", usual), number(request, "skip", 0, least=0)
        rows = [older(show(item)) for item in items[skip : skip + limit]]
        return {"type": kind, "rows": rows, "total": len(items), "skip": skip, "limit": limit}


def older(row: Json) -> Json:
    """The row as it was before: its id, where it has one, under `_id`, no state, and the record's own data beside."""
    created = _milliseconds(row.get("createdAt"))
    dressed = {name: value for name, value in row.items() if name not in {"_id", "id", "systemId", "state", "tags"}}
    ids = [row[name] for name in ("_id", "systemId", "id") if name in row]
    return {
        **({"_id": ids[0]} if ids else {}),
        **dressed,
        "createdAt": created,
        "updatedAt": _milliseconds(row.get("updatedAt")) if "updatedAt" in row else created,
        "updated": "updatedAt" in row and row["updatedAt"] != row["createdAt"],
        "version": "1.0.0",
        "lastModifiedBy": "system",
        "deleted": False,
        **({"tags": row["tags"]} if row.get("tags") else {}),
        "active": row.get("active", True),
        "deprecated": False,
    }


def connection_id(modern: str, created: str) -> str:
    """The id of a connection as it was before, from its UUID and when it was made."""
    moment = _milliseconds(created) * 1_000_000
    parts = (moment.to_bytes(8, "big"), UUID(modern).bytes)
    return "::".join(("conn", *(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)))


def _milliseconds(moment: str | None) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else _BORN
