"""What an answer means: whose it is, what nobody may read in it, and which error it is."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2 as httpx

from pica_mcp import hiding, retries, text
from pica_mcp.errors import (
    InvalidArguments,
    OutcomeUnknown,
    PicaError,
    RateLimited,
    Reason,
    Refused,
    SecretRefused,
    Unreachable,
    UpstreamRefused,
)
from pica_mcp.hiding import Spelt
from pica_mcp.models import as_object
from pica_mcp.passthrough import Response

PASSTHROUGH = "/v1/passthrough"
LATER = "Try again in a minute."
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def chunks(response: httpx.Response) -> AsyncIterable[bytes]:
    """Return the body piece by piece; what is not packed need not be unpacked."""
    if isinstance(response.stream, httpx.AsyncByteStream) and "content-encoding" not in response.headers:
        return response.stream
    return response.aiter_bytes()


def read_response(response: httpx.Response, body: bytes, attempt: int, *, truncated: bool) -> Response:
    """Tell the provider's headers from Pica's: the provider's come back as `x-pica-passthrough-<name>`."""
    provider: dict[str, str] = {}
    own: dict[str, str] = {}
    response.headers.encoding = "iso-8859-1"  # as bytes: one odd header would change how all are read
    for name, raw in response.headers.items():
        value = raw.encode("iso-8859-1").decode("utf-8", "replace")
        _, found, short = name.partition("-passthrough-")
        (provider if found and name.startswith(("x-pica-", "x-one-")) else own)[short if found else name] = value
    headers = own | provider
    return Response(
        status=response.status_code,
        headers=headers,
        body=body,
        by_provider=bool(provider) or not _is_own_body(body),
        truncated=truncated,
        attempts=attempt,
        retry_after_seconds=retries.delay_seconds(headers, datetime.now(UTC)),
    )


def _is_own_body(body: bytes) -> bool:
    """Tell if an answer without provider headers is Pica's: text that is no JSON, or the shapes of its own errors."""
    try:
        error = as_object(json.loads(body))
    except (ValueError, RecursionError):
        return True
    if not error:
        return True
    unknown_route = error.get("type") == "error" and isinstance(error.get("error"), str)
    return unknown_route or _is_own_key(error.get("key")) or "correlationId" in error


def _is_own_key(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("err::")


def is_own_limit(response: Response) -> bool:
    """Tell if Pica's own limiter answered, which does so before anything is done; only its own words prove that."""
    return not response.by_provider and _is_own_key(_object(response.body).get("key"))


def without(response: Response, hidden: Spelt, max_bytes: int) -> Response:
    """Return the response without what no model may read, should it be echoed, nor what is beyond the cap."""
    headers = response.headers
    seen = b"\n".join((response.body, "\n".join((*headers, *headers.values())).encode()))
    if hiding.hide(seen, hidden) is seen and len(response.body) <= max_bytes:
        return response
    body = hiding.hide(response.body, hidden)
    # What the end of the stream may have cut in two is beyond the cap, wherever that is once the rest is hidden.
    body = body[: len(body) - max(0, len(response.body) - max_bytes)]
    headers = {_hidden(name, hidden): _hidden(value, hidden) for name, value in headers.items()}
    return replace(response, body=body, headers=headers)


def _hidden(value: str, hidden: Spelt) -> str:
    return hiding.hide(value.encode(), hidden).decode()


def _object(body: bytes) -> Mapping[str, Any]:
    """Return the body if it is a JSON object, else an empty one."""
    try:
        return as_object(json.loads(body))
    except (ValueError, RecursionError):
        return {}


# Failures


def failure_of(error: httpx.RequestError) -> retries.Failure:
    """Tell what the exception proves about the server having seen the request."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return retries.Failure.UNSENT
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return retries.Failure.FINAL
    return retries.Failure.BROKEN


def unanswered(method: str, failure: retries.Failure) -> PicaError:
    """Return the error for a request that got no answer."""
    match failure:
        case retries.Failure.UNSENT:
            return Unreachable("Pica cannot be reached; nothing was sent.", "Try again later, or check the network.")
        case retries.Failure.FINAL:
            return InvalidArguments("The request cannot be written as HTTP; nothing was sent.", "Use plain values.")
        case _ if method in _READS:
            return Unreachable("Pica did not answer in time, or broke off.", LATER)
        case _:
            return OutcomeUnknown(
                "The request was sent, but no usable answer came: it may have been applied.",
                "Check with a read before you repeat it.",
            )


def is_picas(response: Response, path: str) -> bool:
    """Tell if Pica itself answers there; on its own endpoints, whatever the answer looks like."""
    return not (response.by_provider and path.startswith(PASSTHROUGH))


def refuses_secret(response: Response) -> bool:
    """Tell if Pica's answer says that the secret is wrong: nothing was done then."""
    # A refused secret is told by 401 or in two bare words; any other 403 is about what was asked for, or from whatever
    # stands in front of Pica.
    bare = response.status == 403 and re.fullmatch(rb"\s*(403 )?forbidden\s*", response.body, re.IGNORECASE)
    return response.status == 401 or bool(bare)


def _is_blocked(response: Response) -> bool:
    """Tell if what stands in front of Pica refused the request."""
    return response.status == 403 and bool(re.search(rb"error code: 10\d\d|cloudflare", response.body, re.IGNORECASE))


def own_error(response: Response, secret_variable: str) -> PicaError:
    """Return the error for an answer of Pica's own with this status."""
    status = response.status
    if _is_blocked(response):
        return UpstreamRefused(f"A network filter refused the request (HTTP {status}).", _TELL)
    if refuses_secret(response):
        return SecretRefused("Pica refuses the secret of this server.", f"Ask the operator to check {secret_variable}.")
    if status == 429:
        return RateLimited("Pica's rate limit is reached.", "Wait a few seconds.")
    if status >= 500:
        return Unreachable(f"Pica is out of order (HTTP {status}).", LATER)
    if status < 400:
        remedy = "Ask the operator to check PICA_BASE_URL."
        return UpstreamRefused(f"Pica's address redirects elsewhere (HTTP {status}).", remedy)
    said = f"Pica refused the request (HTTP {status}): {_message(response.body)}"
    return UpstreamRefused(said, _TELL)


_TELL = "Tell the operator."


def passthrough_error(method: str, response: Response, secret_variable: str) -> PicaError:
    """Return the error for Pica's own answer to a passthrough request."""
    # "Supported Connection Model Definition not found" is about the action.
    if response.status == 404 and re.search(rb"[Cc]onnection(?! Model)", response.body):
        return Refused(
            "Pica does not know this connection any more.",
            "It may have been connected again or removed; list the connections and try again.",
            reason=Reason.UNKNOWN_CONNECTION,
        )
    if response.status >= 500 and method not in _READS:
        return unanswered(method, retries.Failure.BROKEN)
    return own_error(response, secret_variable)


def _message(body: bytes) -> str:
    """Return Pica's own words, as one short line of data without anybody's key."""
    error = _object(body)
    words = error.get("message") or error.get("error") or body.decode("utf-8", "replace")
    shown = words if isinstance(words, str) else text.compact(words)
    return text.line(repr(text.masked(shown)), 200)
