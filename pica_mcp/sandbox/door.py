"""The sandbox's front door: writes every request down, plays the faults that were asked for, counts the rate limit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pica_mcp.sandbox import errors

RATE_LIMIT = 500
RATE_RESET_SECONDS = 60

Body = dict[str, Any] | str | bytes | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it arrived: `path` still percent-encoded, `query` decoded, header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass(slots=True)
class Fault:
    """An answer to give instead of the real one, `times` times or, with None, for ever."""

    prefix: str
    status: int
    body: Body
    headers: Mapping[str, str]
    times: int | None
    method: str | None

    def meets(self, request: Recorded) -> bool:
        """Whether this fault is the answer to the request."""
        return self.times != 0 and request.path.startswith(self.prefix) and self.method in {None, request.method}

    def spend(self) -> Response:
        """Use the fault up once and give its response."""
        if self.times is not None:
            self.times -= 1
        return self._response()

    def _response(self) -> Response:
        if self.body is None and self.status >= 400:
            response: Response = errors.application(self.status, "An unknown error occurred")
        else:
            content, media = _content(self.body)
            response = Response(content, self.status, media_type=media)
        response.headers.update(self.headers)
        return response


@dataclass(slots=True)
class Journal:
    """What came in, oldest first, and the faults still to be played."""

    requests: list[Recorded] = field(default_factory=list[Recorded])
    faults: list[Fault] = field(default_factory=list[Fault])

    def instead(self, request: Recorded) -> Response | None:
        """The response of the first fault that meets the request, now used up once."""
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        return fault.spend() if fault else None


class Door:
    """ASGI middleware around the whole sandbox; the limit is shown in headers and never enforced."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then answer with a fault, the edge's refusal or the sandbox itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _drain(receive)
        request = _recorded(scope, body)
        self._journal.requests.append(request)
        answer = self._journal.instead(request) or _edge(request) or self._app
        await answer(scope, _replay(body, receive), _limited(send, len(self._journal.requests)))


def raw_path(scope: Scope) -> str:
    """The path exactly as the client encoded it."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def query_pairs(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The query decoded, in order, blank values and repetitions included."""
    query: bytes = scope["query_string"]
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _content(body: Body) -> tuple[str | bytes, str | None]:
    match body:
        case None:
            return b"", None
        case bytes():
            return body, "application/octet-stream"
        case str():
            return body, "text/plain"
        case _:
            return json.dumps(body), "application/json"


def _recorded(scope: Scope, body: bytes) -> Recorded:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return Recorded(
        method=scope["method"],
        path=raw_path(scope),
        query=query_pairs(scope),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers),
        body=body,
    )


def _edge(request: Recorded) -> Response | None:
    agent = request.header("user-agent") or ""
    return errors.blocked() if not agent or agent.lower().startswith("python-urllib") else None


async def _drain(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    def once() -> Iterator[Message]:
        yield {"type": "http.request", "body": body, "more_body": False}

    messages = once()

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay


def _limited(send: Send, served: int) -> Send:
    # The window is counted in requests, not in seconds, so that two runs show the same numbers.
    remaining = RATE_LIMIT - 1 - (served - 1) % RATE_LIMIT

    async def limited(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("x-pica-rate-limit-limit", str(RATE_LIMIT))
            headers.setdefault("x-pica-rate-limit-remainings", str(remaining))
            headers.setdefault("x-pica-rate-limit-reset", str(RATE_RESET_SECONDS))
        await send(message)

    return limited
