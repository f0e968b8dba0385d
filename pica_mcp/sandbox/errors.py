"""The sandbox's refusals: every shape in which Pica itself says no, as opposed to a provider behind it."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse, PlainTextResponse, Response

_KINDS: Mapping[int, tuple[str, int]] = MappingProxyType(
    {
        400: ("BadRequest", 2000),
        401: ("Unauthorized", 2010),
        403: ("Forbidden", 2002),
        404: ("NotFound", 2005),
        405: ("MethodNotAllowed", 2004),
        409: ("Conflict", 2001),
        422: ("UnprocessableEntity", 2011),
        424: ("FailedDependency", 2007),
        429: ("TooManyRequests", 2009),
        500: ("InternalServerError", 2003),
        501: ("NotImplemented", 2006),
        503: ("ServiceUnavailable", 2008),
    }
)

_PHRASES: Mapping[int, str] = MappingProxyType({400: "Bad Request", 404: "Not Found", 422: "Unprocessable Entity"})


class RejectionError(Exception):
    """An endpoint's way out: carries the response that is sent in its place."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"answered with {response.status_code}")
        self.response = response


def application(status: int, message: str) -> JSONResponse:
    """The six-key body; a status without a kind of its own is described as an internal server error."""
    kind, code = _KINDS.get(status, _KINDS[500])
    content = {
        "type": kind,
        "code": code,
        "status": status,
        "key": f"err::application::{_snake(kind)}",
        "message": message,
        "meta": None,
    }
    return JSONResponse(content, status)


def masked(status: int) -> JSONResponse:
    """An internal error: the body claims 500 whatever the HTTP status is."""
    content = {
        "type": "Unknown",
        "code": 1000,
        "status": 500,
        "key": "err::internal::unknown",
        "message": "An unknown error occurred",
        "meta": None,
    }
    return JSONResponse(content, status)


def nest_body(status: int, *messages: str) -> dict[str, object]:
    """The body that the newer endpoints and Pica's custom actions use for a bad request."""
    return {"statusCode": status, "message": list(messages), "error": _PHRASES[status]}


def nest(status: int, *messages: str) -> JSONResponse:
    """`nest_body` as a response."""
    return JSONResponse(nest_body(status, *messages), status)


def unknown_route() -> JSONResponse:
    """What a path that Pica does not serve answers, with or without a secret."""
    return JSONResponse({"type": "error", "error": "Not found"}, 404)


def unauthorized(*, bare: bool) -> Response:
    """An unknown or missing secret: six keys, or the bare text that production was seen to send."""
    if bare:
        return PlainTextResponse("401 Unauthorized", 401)
    return application(401, "You are not authorized to access this resource")


def blocked() -> PlainTextResponse:
    """The edge in front of Pica refusing a runtime's default user agent."""
    return PlainTextResponse("error code: 1010", 403)


def _snake(kind: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")
