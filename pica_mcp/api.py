"""The room with the only door to the network: Pica's API on httpx2.

The secret is an `httpx.Auth`, so it is applied after everything else, and taken out of whatever comes back; redirects
and cookies are off, since both carry one tenant's credentials to somebody else; every call has a deadline; bodies are
streamed and capped. Foreign errors are translated here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import random
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from io import BytesIO
from typing import Any, Literal
from urllib.parse import quote, urlencode

import anyio
import httpx2 as httpx

from pica_mcp import __version__, hiding, retries, text
from pica_mcp.access import Identity
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
from pica_mcp.models import Action, ActionDetails, Connection, Platform, RecordT, Whoami, as_list, as_object, read_rows
from pica_mcp.passthrough import Pairs, Part, Request, Response
from pica_mcp.secret import Secret

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 55.0
"""For one call with its retries. MCP clients give up after 60, Pica after 30."""

MAX_RESPONSE_BYTES = 5 * 1024 * 1024
_MAX_CATALOGUE_BYTES = 16 * 1024 * 1024
_PAGE_ROWS = 100
_FOUND_ROWS = 20
_MAX_PAGES = 100
_MAX_SOCKETS = 128
_SPARE_SECONDS = 3.0
_PIECE_BYTES = 64 * 1024
_TIMEOUT = httpx.Timeout(connect=5, read=35, write=10, pool=15)
_USER_AGENT = f"pica-mcp/{__version__}"
_KEY = re.compile(r"\b(live|test)::[\w-]+::[^\s'\"]+")
_PLATFORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ACCEPT = (("accept", "application/json, text/*;q=0.9, */*;q=0.8"),)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PASSTHROUGH = "/v1/passthrough"

HeaderFamily = Literal["pica", "one"]
"""`x-pica-*`, or `x-one-*` for Pica's renamed successor."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Pica is and how to get there. `proxy` and `ca_file` are explicit: the client reads no environment."""

    base_url: str
    secret: Secret = field(repr=False)
    family: HeaderFamily = "pica"
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None


class _Signed(httpx.Auth):
    """Puts the secret on a request when everything else is on it, so that nothing can replace it."""

    def __init__(self, header: str, secret: str) -> None:
        self._header, self._secret = header, secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._header] = self._secret
        yield request


class _Pieces:
    """A body as pieces, as often as it is sent: each has the time to be written that a whole would have."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        for start in range(0, len(self._content), _PIECE_BYTES):
            yield self._content[start : start + _PIECE_BYTES]


def _multipart(part: Part) -> tuple[str, tuple[str | None, BytesIO, str | None]]:
    return part.name, (part.filename, BytesIO(part.content), part.media_type)


@asynccontextmanager
async def open_api(
    endpoint: Endpoint,
    asgi: Any = None,
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    chance: Callable[[], float] = random.random,
) -> AsyncGenerator[PicaAPI]:
    """Open a client of Pica's API and close its sockets at the end. No request is made by opening.

    With an `asgi` application, requests go to it instead of the network. `sleep` and `chance` (in [0, 1)) decide how
    retries wait.
    """
    async with httpx.AsyncClient(
        base_url=endpoint.base_url,
        headers={"user-agent": _USER_AGENT, "accept-encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=_MAX_SOCKETS, max_keepalive_connections=_MAX_SOCKETS),
        transport=httpx.ASGITransport(asgi) if asgi else None,
        proxy=endpoint.proxy,
        verify=_trust(endpoint),
    ) as client:
        yield PicaAPI(client, endpoint, sleep, chance)


def _trust(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Return whom to trust: the named certificates, else the system's. Plain HTTP needs nobody, and no time for it."""
    if not endpoint.base_url.lower().startswith("https:"):
        return False
    return ssl.create_default_context(cafile=endpoint.ca_file) if endpoint.ca_file else True


class PicaAPI:
    """Pica's API, one method per endpoint.

    Every method raises `SecretRefused`, `UpstreamRefused`, `RateLimited` or `Unreachable`, and `InvalidArguments` for
    what cannot be written as HTTP. A listing goes through all pages, up to a cap that is logged, and a failed page is
    never taken for the end.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: Endpoint,
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._sleep = sleep
        self._chance = chance

    # Pica's own endpoints

    async def connections(self, identity: Identity) -> tuple[Connection, ...]:
        """Return the connections of the identity, newest first (`GET /v1/vault/connections`)."""
        query = {"identity": identity.id, "identityType": identity.type and identity.type.value}
        return await self._list(Connection, "/v1/vault/connections", query, unique="key")

    async def platforms(self) -> tuple[Platform, ...]:
        """Return what can be connected (`GET /v1/available-connectors`)."""
        return await self._list(Platform, "/v1/available-connectors", unique="platform")

    async def actions(self, platform: str) -> tuple[Action, ...]:
        """Return the platform's actions (`GET /v1/available-actions/{platform}`); many rows tell no id."""
        rows = await self._list(Action, f"/v1/available-actions/{_slug(platform)}")
        return tuple(row if row.platform else row.model_copy(update={"platform": platform}) for row in rows)

    async def search(self, platform: str, query: str, *, execute: bool) -> tuple[Action, ...]:
        """Return the actions that Pica finds, best first. `execute` leaves out what agents should only read about."""
        flavour = "executeAgent" if execute else "knowledgeAgent"
        found = await self._json(
            f"/v1/available-actions/search/{_slug(platform)}",
            (("query", query), ("limit", str(_FOUND_ROWS)), (flavour, "true")),
        )
        rows = read_rows(Action, _rows(found))
        return tuple(row.model_copy(update={"platform": platform}) for row in rows if row.id)

    async def knowledge(self, action_id: str) -> ActionDetails | None:
        """Return what Pica knows of the action (`GET /v1/knowledge?_id=`), None if it has no such document."""
        found = await self._json("/v1/knowledge", (("_id", action_id),))
        rows = read_rows(ActionDetails, _rows(found))
        return next((row for row in rows if row.id == action_id), None)

    async def knowledge_of(self, platform: str) -> tuple[ActionDetails, ...]:
        """Return what Pica knows of all the platform's actions."""
        query = {"connectionPlatform": _slug(platform), "supported": "true"}
        rows = await self._list(ActionDetails, "/v1/knowledge", query, unique="_id")
        return tuple(row if row.platform else row.model_copy(update={"platform": platform}) for row in rows)

    async def whoami(self) -> Whoami:
        """Return whom the secret belongs to."""
        found = read_rows(Whoami, [await self._json("/v1/users/whoami")])
        if not found:
            raise Unreachable("Pica's answer could not be read.", _LATER)
        return found[0]

    # Passthrough

    async def send(self, request: Request) -> Response:
        """Send an action's request and return what the provider answered, whatever its status.

        Raises `OutcomeUnknown` for a write whose answer was lost, and `Refused` if Pica does not know the connection.
        """
        own_accept = any(name == "accept" for name, _ in request.headers)
        headers = (
            *(() if own_accept else _ACCEPT),
            *request.headers,
            (f"x-{self._endpoint.family}-connection-key", request.connection_key),
            (f"x-{self._endpoint.family}-action-id", request.action_id),
        )
        response = await self._attempts(
            request.method, f"{_PASSTHROUGH}{request.path}", request.query, headers, request.content, request.parts
        )
        secret = self._endpoint.secret
        response = _without(response, (*secret.values, request.connection_key), MAX_RESPONSE_BYTES)
        if not response.by_provider and response.status >= 300:
            error = _passthrough_error(request.method, response, secret.variable)
            raise error.after(response.attempts, response.status)
        return response

    # Shared

    async def _list(
        self, kind: type[RecordT], path: str, query: Mapping[str, str | None] | None = None, unique: str | None = None
    ) -> tuple[RecordT, ...]:
        """Return all pages' rows. Ends by `pages`, else by `total`, on a page that brings nothing new, or at a cap."""
        filters = tuple((key, value) for key, value in (query or {}).items() if value is not None)
        found: dict[str, Any] = {}
        for page in range(1, _MAX_PAGES + 1):
            body = await self._json(path, (*filters, ("limit", str(_PAGE_ROWS)), ("page", str(page))))
            rows = _rows(body)
            before = len(found)
            for row in rows:
                with suppress(RecursionError):  # nested beyond reason: that row is left out
                    found.setdefault(_row_key(row, unique), row)
            if len(found) == before or _is_last(body, page, len(found), len(rows)):
                break
        else:
            logger.warning("%s has more than %d pages; the rest is left out", path, _MAX_PAGES)
        return read_rows(kind, found.values())

    async def _json(self, path: str, query: Pairs = ()) -> Any:
        response = await self._attempts("GET", path, query, (("accept", "application/json"),), cap=_MAX_CATALOGUE_BYTES)
        # Before anything is read from it: what is in a listing goes into titles, documents and resources.
        response = _without(response, self._endpoint.secret.values, _MAX_CATALOGUE_BYTES)
        if response.status >= 300:
            raise _own_error(response, self._endpoint.secret.variable).after(response.attempts, response.status)
        if response.truncated:
            raise Unreachable("Pica's answer was too large.", "Ask for less, or tell the operator.")
        with suppress(ValueError, RecursionError):  # not chained, since it would hold the answer
            return json.loads(response.body)
        raise Unreachable("Pica's answer could not be read.", _LATER)

    async def _attempts(
        self,
        method: str,
        path: str,
        query: Pairs,
        headers: Pairs,
        content: bytes | None = None,
        parts: tuple[Part, ...] | None = None,
        cap: int = MAX_RESPONSE_BYTES,
    ) -> Response:
        """Try until there is an answer worth returning, by the table of `retries`, within the deadline."""
        request = self._request(method, path, query, headers, content, parts)
        # Within the deadline of the whole call, and a little before it, so that the right error is told.
        latest = min(anyio.current_time() + DEADLINE_SECONDS, anyio.current_effective_deadline() - _SPARE_SECONDS)
        if anyio.current_time() >= latest:
            raise _lost(method, retries.Failure.UNSENT)
        lost, renewed = retries.Failure.UNSENT, False
        attempt = 1
        with anyio.CancelScope(deadline=latest):
            while True:
                secret = await self._endpoint.secret.get()
                before, lost = lost, retries.Failure.BROKEN
                try:
                    response = replace(await self._once(request, secret, cap), attempts=attempt)
                    outcome = retries.status_outcome(
                        response.status,
                        by_provider=not _is_own_limit(response),
                        delay_seconds=response.retry_after_seconds,
                    )
                except httpx.RequestError as error:
                    response, outcome = None, retries.Outcome(_failure(error))
                if response and not renewed and _is_picas(response, path) and _refuses_secret(response):
                    lost = before  # who is not let in has done nothing
                    if renewed := await self._endpoint.secret.renew(secret):
                        attempt += 1
                        continue
                wait = retries.wait_seconds(attempt, method, outcome, self._chance())
                if wait is None or anyio.current_time() + wait >= latest:
                    if response is None:
                        raise _lost(method, outcome.failure).after(attempt)
                    return response
                await self._sleep(wait)
                attempt += 1
        raise _lost(method, lost).after(attempt)

    def _request(
        self,
        method: str,
        path: str,
        query: Pairs,
        headers: Pairs,
        content: bytes | None,
        parts: tuple[Part, ...] | None,
    ) -> httpx.Request:
        request = None
        length = ((b"content-length", b"%d" % len(content)),) if content else ()
        with suppress(httpx.InvalidURL, UnicodeEncodeError, ValueError):  # not chained, since it may hold a key
            request = self._client.build_request(
                method,
                f"{path}?{urlencode(query)}" if query else path,
                headers=[*((name.encode(), value.encode()) for name, value in headers), *length],
                content=_Pieces(content) if content else content,
                files=[_multipart(part) for part in parts] if parts is not None else None,
            )
        if request is None:
            raise InvalidArguments("The request cannot be written as HTTP.", "Use plain values.")
        # The HTTP library normalises dot segments; what goes out must be what was built.
        sent = request.url.raw_path.decode("ascii").partition("?")[0]
        if sent != self._client.base_url.raw_path.decode("ascii").rstrip("/") + path:
            raise InvalidArguments("The request's path would not arrive as written.", "Use plain values in the path.")
        return request

    async def _once(self, request: httpx.Request, secret: str, cap: int) -> Response:
        """Send it once. A body beyond the cap comes with a little more, which `_without` cuts."""
        signed = _Signed(f"x-{self._endpoint.family}-secret", secret)
        response = await self._client.send(request, auth=signed, stream=True)
        most = cap + hiding.MAX_SPELLING_BYTES
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > most:
                    break
        finally:
            await response.aclose()
        return _response(response, bytes(body[:most]), truncated=len(body) > cap)


_LATER = "Try again in a minute."


def _slug(platform: str) -> str:
    """Return the platform's name for a path; a name that could leave its segment is refused."""
    if not _PLATFORM.fullmatch(platform):
        raise InvalidArguments(
            f"{text.line(repr(platform), 60)} is not the name of a platform.", "Use a name from list_pica_integrations."
        )
    return quote(platform, safe="")


# Listings


def _rows(body: Any) -> list[Any]:
    """Return the rows of an envelope or of a bare array, which some endpoints answer with."""
    rows: Any = as_object(body).get("rows", body)
    if not isinstance(rows, list):
        raise Unreachable("Pica's answer has no rows.", _LATER)
    return as_list(rows)


def _row_key(row: Any, unique: str | None) -> str:
    named = as_object(row).get(unique) if unique else None
    return str(named) if named is not None else json.dumps(row, sort_keys=True)


def _is_last(body: Any, page: int, found: int, rows: int) -> bool:
    pages, total = as_object(body).get("pages"), as_object(body).get("total")
    if isinstance(pages, int):
        return page >= pages
    return found >= total if isinstance(total, int) else rows < _PAGE_ROWS


# Responses


def _response(response: httpx.Response, body: bytes, *, truncated: bool) -> Response:
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


def _is_own_limit(response: Response) -> bool:
    """Tell if Pica's own limiter answered, which does so before anything is done; only its own words prove that."""
    return not response.by_provider and _is_own_key(_object(response.body).get("key"))


def _without(response: Response, hidden: Iterable[str], max_bytes: int) -> Response:
    """Return the response without what no model may read, should it be echoed, nor what is beyond the cap."""
    hidden = tuple(hidden)
    body = hiding.hide(response.body, hidden)
    # What the end of the stream may have cut in two is beyond the cap, wherever that is once the rest is hidden.
    body = body[: len(body) - max(0, len(response.body) - max_bytes)]
    headers = response.headers
    seen = "\n".join((*headers, *headers.values())).encode()
    if hiding.hide(seen, hidden) is not seen:
        headers = {_hidden(name, hidden): _hidden(value, hidden) for name, value in headers.items()}
    return replace(response, body=body, headers=headers)


def _hidden(value: str, hidden: tuple[str, ...]) -> str:
    return hiding.hide(value.encode(), hidden).decode()


def _object(body: bytes) -> Mapping[str, Any]:
    """Return the body if it is a JSON object, else an empty one."""
    try:
        return as_object(json.loads(body))
    except (ValueError, RecursionError):
        return {}


# Failures


def _failure(error: httpx.RequestError) -> retries.Failure:
    """Tell what the exception proves about the server having seen the request."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return retries.Failure.UNSENT
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return retries.Failure.FINAL
    return retries.Failure.BROKEN


def _lost(method: str, failure: retries.Failure) -> PicaError:
    """Return the error for a request that got no answer."""
    match failure:
        case retries.Failure.UNSENT:
            return Unreachable("Pica cannot be reached; nothing was sent.", "Try again later, or check the network.")
        case retries.Failure.FINAL:
            return InvalidArguments("The request cannot be written as HTTP; nothing was sent.", "Use plain values.")
        case _ if method in _READS:
            return Unreachable("Pica did not answer in time, or broke off.", _LATER)
        case _:
            return OutcomeUnknown(
                "The request was sent, but no usable answer came: it may have been applied.",
                "Check with a read before you repeat it.",
            )


def _is_picas(response: Response, path: str) -> bool:
    """Tell if Pica itself answers there; on its own endpoints, whatever the answer looks like."""
    return not (response.by_provider and path.startswith(_PASSTHROUGH))


def _refuses_secret(response: Response) -> bool:
    """Tell if Pica's answer says that the secret is wrong: nothing was done then."""
    # A refused secret is told by 401 or in two bare words; any other 403 is about what was asked for, or from whatever
    # stands in front of Pica.
    bare = response.status == 403 and re.fullmatch(rb"\s*(403 )?forbidden\s*", response.body, re.IGNORECASE)
    return response.status == 401 or bool(bare)


def _is_blocked(response: Response) -> bool:
    """Tell if what stands in front of Pica refused the request."""
    return response.status == 403 and bool(re.search(rb"error code: 10\d\d|cloudflare", response.body, re.IGNORECASE))


def _own_error(response: Response, secret_variable: str) -> PicaError:
    """Return the error for an answer of Pica's own with this status."""
    status = response.status
    if _is_blocked(response):
        return UpstreamRefused(f"A network filter refused the request (HTTP {status}).", _TELL)
    if _refuses_secret(response):
        return SecretRefused("Pica refuses the secret of this server.", f"Ask the operator to check {secret_variable}.")
    if status == 429:
        return RateLimited("Pica's rate limit is reached.", "Wait a few seconds.")
    if status >= 500:
        return Unreachable(f"Pica is out of order (HTTP {status}).", _LATER)
    if status < 400:
        remedy = "Ask the operator to check PICA_BASE_URL."
        return UpstreamRefused(f"Pica's address redirects elsewhere (HTTP {status}).", remedy)
    said = f"Pica refused the request (HTTP {status}): {_message(response.body)}"
    return UpstreamRefused(said, _TELL)


_TELL = "Tell the operator."


def _passthrough_error(method: str, response: Response, secret_variable: str) -> PicaError:
    """Return the error for Pica's own answer to a passthrough request."""
    # "Supported Connection Model Definition not found" is about the action.
    if response.status == 404 and re.search(rb"[Cc]onnection(?! Model)", response.body):
        return Refused(
            "Pica does not know this connection any more.",
            "It may have been connected again or removed; list the connections and try again.",
            reason=Reason.UNKNOWN_CONNECTION,
        )
    if response.status >= 500 and method not in _READS:
        return _lost(method, retries.Failure.BROKEN)
    return _own_error(response, secret_variable)


def _message(body: bytes) -> str:
    """Return Pica's own words, as one short line of data without anybody's key."""
    error = _object(body)
    words = error.get("message") or error.get("error") or body.decode("utf-8", "replace")
    shown = words if isinstance(words, str) else text.compact(words)
    return text.line(repr(_KEY.sub("…", shown)), 200)
