"""The sandbox's pages: how a list is cut, tagged and narrowed, and what its query may ask for."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from math import ceil
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pica_mcp.sandbox import errors
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.upstream import Json, MalformedError, json_object

USUAL_LIMIT = 20

_MAX_DIGITS = 9

Item = TypeVar("Item")


class Pages:
    """Lists as the newer generation answers them: pages counted from 1, in `{rows, total, pages, page}`."""

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
        """The page that was asked for; only what is on it is read and shown. `kind` is for the older generation.

        A list that allows for `skipping` also begins where `skip` says, and then has no number but the page it is in.
        """
        del kind
        limit, page = number(request, "limit", usual), number(request, "page", 1)
        start = (page - 1) * limit
        if skipping and "skip" in request.query_params:
            start = number(request, "skip", 0, least=0)
            page = start // limit + 1
        rows = [show(item) for item in items[start : start + limit]]
        return {"rows": rows, "total": len(items), "pages": ceil(len(items) / limit), "page": page}


def number(request: Request, name: str, default: int, least: int = 1) -> int:
    """A whole number of the query; anything else is a bad request."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_DIGITS or int(text) < least:
        raise RejectionError(errors.nest(400, f"{name} must be a whole number not less than {least}"))
    return int(text)


def equal(row: Mapping[str, Any], query: Mapping[str, str], *names: str) -> bool:
    """Whether the row has what the query names, as far as it names any of these."""
    return all(query[name] == row[name] for name in names if name in query)


def tagged(request: Request, content: Any) -> Response:
    """The content with an ETag, or 304 for a client that has it already."""
    response = JSONResponse(content)
    tag = f'"{sha256(response.body).hexdigest()[:32]}"'
    known = request.headers.get("if-none-match", "").replace("W/", "")
    if tag in (one.strip() for one in known.split(",")):
        response = Response(status_code=304)
    response.headers["etag"] = tag
    return response


async def read_object(request: Request) -> Json:
    """The request's JSON object; anything else is a bad request."""
    try:
        return json_object(await request.body())
    except MalformedError as error:
        raise RejectionError(errors.nest(400, "the body must be a JSON object")) from error
