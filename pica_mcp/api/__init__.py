"""The room with the only door to the network: Pica's API on httpx2.

The secret is put on a request after everything else, and taken out of whatever comes back. Requests go straight to the
transport, which knows neither redirects nor cookies: both carry one tenant's credentials to somebody else. Every call
has a deadline; bodies are streamed and capped. Foreign errors are translated here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import random
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import Any, Literal
from urllib.parse import quote, urlencode

import anyio
import httpx2 as httpx

from pica_mcp import __version__, hiding, retries, text
from pica_mcp.access import Identity
from pica_mcp.api.responses import (
    LATER,
    PASSTHROUGH,
    chunks,
    failure_of,
    is_own_limit,
    is_picas,
    own_error,
    passthrough_error,
    read_response,
    refuses_secret,
    unanswered,
    without,
)
from pica_mcp.errors import InvalidArguments, Unreachable
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
_MAX_SPELT = 512
_MAX_URLS = 256
_SPARE_SECONDS = 3.0
_PIECE_BYTES = 64 * 1024
_TIMEOUT = {"connect": 5, "read": 35, "write": 10, "pool": 15}
_USER_AGENT = f"pica-mcp/{__version__}"
_ALWAYS = ((b"user-agent", _USER_AGENT.encode()), (b"accept-encoding", b"gzip"))
_PLATFORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ACCEPT = (("accept", "application/json, text/*;q=0.9, */*;q=0.8"),)
_ETAG = re.compile(r'(W/)?"[!#-~]{1,200}"')

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


class NotModified(Exception):
    """What is known is what Pica has."""


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
    async with _transport(endpoint, asgi) as transport:
        yield PicaAPI(transport, endpoint, sleep, chance)


def _transport(endpoint: Endpoint, asgi: Any) -> httpx.AsyncBaseTransport:
    if asgi:
        return httpx.ASGITransport(asgi)
    return httpx.AsyncHTTPTransport(
        verify=_trusted(endpoint),
        trust_env=False,
        limits=httpx.Limits(max_connections=_MAX_SOCKETS, max_keepalive_connections=_MAX_SOCKETS),
        proxy=endpoint.proxy,
    )


def _trusted(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Return whom to trust. Plain HTTP needs nobody, and no time for it."""
    return trust(endpoint.ca_file) if endpoint.base_url.lower().startswith("https:") else False


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return whom requests trust: the named certificates, else the system's."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)


class PicaAPI:
    """Pica's API, one method per endpoint.

    Every method raises `SecretRefused`, `UpstreamRefused`, `RateLimited` or `Unreachable`, and `InvalidArguments` for
    what cannot be written as HTTP. A listing goes through all pages, up to a cap that is logged, and a failed page is
    never taken for the end.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        endpoint: Endpoint,
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._base = httpx.URL(endpoint.base_url)
        self._sleep = sleep
        self._chance = chance
        self._url = lru_cache(_MAX_URLS)(self._read_url)
        self._spelt = lru_cache(_MAX_SPELT)(hiding.Spelt.of)  # which takes long enough to do it once

    # Pica's own endpoints

    async def connections(self, identity: Identity) -> tuple[Connection, ...]:
        """Return the connections of the identity, newest first (`GET /v1/vault/connections`)."""
        query = {"identity": identity.id, "identityType": identity.type and identity.type.value}
        return await self._list(Connection, "/v1/vault/connections", query, unique="key")

    async def platforms(self) -> tuple[Platform, ...]:
        """Return what can be connected (`GET /v1/available-connectors`)."""
        return await self._list(Platform, "/v1/available-connectors", unique="platform")

    async def actions(self, platform: str, etags: list[str] | None = None) -> tuple[Action, ...]:
        """Return the platform's actions (`GET /v1/available-actions/{platform}`); many rows tell no id.

        `etags` are those of the pages as they are known, and then of the new ones. Raises `NotModified` if they still
        are what Pica has.
        """
        rows = await self._list(Action, f"/v1/available-actions/{_slug(platform)}", etags=etags)
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

    async def knowledge(self, action_id: str, etags: list[str] | None = None) -> ActionDetails | None:
        """Return what Pica knows of the action (`GET /v1/knowledge?_id=`), None if it has no such document.

        `etags` as for `actions`.
        """
        found, etag = await self._answer("/v1/knowledge", (("_id", action_id),), (etags or [""])[0])
        if found is None:
            raise NotModified
        _note(etags, [etag])
        rows = read_rows(ActionDetails, _rows(found))
        return next((row for row in rows if row.id == action_id), None)

    async def knowledge_of(self, platform: str, etags: list[str] | None = None) -> tuple[ActionDetails, ...]:
        """Return what Pica knows of all the platform's actions; `etags` as for `actions`."""
        query = {"connectionPlatform": _slug(platform), "supported": "true"}
        rows = await self._list(ActionDetails, "/v1/knowledge", query, unique="_id", etags=etags)
        return tuple(row if row.platform else row.model_copy(update={"platform": platform}) for row in rows)

    async def whoami(self) -> Whoami:
        """Return whom the secret belongs to."""
        found = read_rows(Whoami, [await self._json("/v1/users/whoami")])
        if not found:
            raise Unreachable("Pica's answer could not be read.", LATER)
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
            request.method,
            f"{PASSTHROUGH}{request.path}",
            request.query,
            headers,
            request.content,
            request.parts,
        )
        secret = self._endpoint.secret
        response = without(response, self._spelt((*secret.values, request.connection_key)), MAX_RESPONSE_BYTES)
        if not response.by_provider and response.status >= 300:
            error = passthrough_error(request.method, response, secret.variable)
            raise error.after(response.attempts, response.status)
        return response

    # Shared

    async def _list(
        self,
        kind: type[RecordT],
        path: str,
        query: Mapping[str, str | None] | None = None,
        unique: str | None = None,
        etags: list[str] | None = None,
    ) -> tuple[RecordT, ...]:
        """Return all pages' rows. Ends by `pages`, else by `total`, on a page that brings nothing new, or at a cap."""
        filters = tuple((key, value) for key, value in (query or {}).items() if value is not None)
        found, told = dict[str, Any](), list[str]()
        if etags and await self._is_unmodified(path, filters, etags):
            raise NotModified
        for page in range(1, _MAX_PAGES + 1):
            body, etag = await self._answer(path, (*filters, *_window(page)))
            told.append(etag)
            rows = _rows(body)
            before = len(found)
            for row in rows:
                with suppress(RecursionError):  # nested beyond reason: that row is left out
                    found.setdefault(_row_key(row, unique), row)
            if len(found) == before or _is_last(body, page, len(found), len(rows)):
                break
        else:
            logger.warning("%s has more than %d pages; the rest is left out", path, _MAX_PAGES)
        _note(etags, told)
        return read_rows(kind, found.values())

    async def _is_unmodified(self, path: str, filters: Pairs, etags: list[str]) -> bool:
        """Tell if every page is as it is known; the ETags are forgotten otherwise, since all is asked for again."""
        for page, etag in enumerate(etags, 1):
            if (await self._answer(path, (*filters, *_window(page)), etag))[0] is not None:
                return False
        return True

    async def _json(self, path: str, query: Pairs = ()) -> Any:
        return (await self._answer(path, query))[0]

    async def _answer(self, path: str, query: Pairs, etag: str = "") -> tuple[Any, str]:
        """Return the JSON and its ETag, if it has one; None for what still is what had that ETag."""
        headers = (("accept", "application/json"), *((("if-none-match", etag),) if etag else ()))
        response = await self._attempts("GET", path, query, headers, cap=_MAX_CATALOGUE_BYTES)
        if etag and response.status == 304:
            return None, etag
        # Before anything is read from it: what is in a listing goes into titles, documents and resources.
        response = without(response, self._spelt(tuple(self._endpoint.secret.values)), _MAX_CATALOGUE_BYTES)
        if response.status >= 300:
            raise own_error(response, self._endpoint.secret.variable).after(response.attempts, response.status)
        if response.truncated:
            raise Unreachable("Pica's answer was too large.", "Ask for less, or tell the operator.")
        with suppress(ValueError, RecursionError):  # not chained, since it would hold the answer
            return json.loads(response.body), _etag(response)
        raise Unreachable("Pica's answer could not be read.", LATER)

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
            raise unanswered(method, retries.Failure.UNSENT)
        lost, renewed = retries.Failure.UNSENT, False
        attempt = 1
        with anyio.CancelScope(deadline=latest):
            while True:
                secret = await self._endpoint.secret.get()
                before, lost = lost, retries.Failure.BROKEN
                try:
                    response = await self._once(request, secret, cap, attempt)
                    outcome = retries.status_outcome(
                        response.status,
                        by_provider=not is_own_limit(response),
                        delay_seconds=response.retry_after_seconds,
                    )
                except httpx.RequestError as error:
                    response, outcome = None, retries.Outcome(failure_of(error))
                if response and not renewed and is_picas(response, path) and refuses_secret(response):
                    lost = before  # who is not let in has done nothing
                    if renewed := await self._endpoint.secret.renew(secret):
                        attempt += 1
                        continue
                wait = retries.wait_seconds(attempt, method, outcome, self._chance())
                if wait is None or anyio.current_time() + wait >= latest:
                    if response is None:
                        raise unanswered(method, outcome.failure).after(attempt)
                    return response
                await self._sleep(wait)
                attempt += 1
        raise unanswered(method, lost).after(attempt)

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
        target = f"{self._base.raw_path.decode().rstrip('/')}{path}"
        with suppress(httpx.InvalidURL, UnicodeEncodeError, ValueError):  # not chained, since it may hold a key
            request = httpx.Request(
                method,
                self._url(f"{target}?{urlencode(query)}" if query else target),
                headers=[*_ALWAYS, *((name.encode("ascii"), value.encode()) for name, value in headers), *length],
                content=_Pieces(content) if content else content,
                files=[_multipart(part) for part in parts] if parts is not None else None,
                extensions={"timeout": _TIMEOUT},
            )
        if request is None:
            raise InvalidArguments("The request cannot be written as HTTP.", "Use plain values.")
        # The HTTP library normalises dot segments; what goes out must be what was built.
        if request.url.raw_path.decode("ascii").partition("?")[0] != target:
            raise InvalidArguments("The request's path would not arrive as written.", "Use plain values in the path.")
        return request

    def _read_url(self, target: str) -> httpx.URL:
        return self._base.copy_with(raw_path=target.encode("ascii"))

    async def _once(self, request: httpx.Request, secret: str, cap: int, attempt: int) -> Response:
        """Send it once. A body beyond the cap comes with a little more, which `without` cuts."""
        request.headers[f"x-{self._endpoint.family}-secret"] = secret  # last, so that nothing can replace it
        response = await self._transport.handle_async_request(request)
        response.request = request
        most = cap + hiding.MAX_SPELLING_BYTES
        try:
            body = bytearray()
            async for chunk in chunks(response):
                body += chunk
                if len(body) > most:
                    break
        finally:
            await response.aclose()
        return read_response(response, bytes(body[:most]), attempt, truncated=len(body) > cap)


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
        raise Unreachable("Pica's answer has no rows.", LATER)
    return as_list(rows)


def _window(page: int) -> Pairs:
    return ("limit", str(_PAGE_ROWS)), ("page", str(page))


def _etag(response: Response) -> str:
    """Return the answer's ETag, empty for none that could be sent back."""
    etag = response.headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else ""


def _note(etags: list[str] | None, told: list[str]) -> None:
    """Replace the ETags by those of the pages; without one of them, the whole cannot be asked for again."""
    if etags is not None:
        etags[:] = told if all(told) else []


def _row_key(row: Any, unique: str | None) -> str:
    named = as_object(row).get(unique) if unique else None
    return str(named) if named is not None else json.dumps(row, sort_keys=True)


def _is_last(body: Any, page: int, found: int, rows: int) -> bool:
    pages, total = as_object(body).get("pages"), as_object(body).get("total")
    if isinstance(pages, int):
        return page >= pages
    return found >= total if isinstance(total, int) else rows < _PAGE_ROWS
