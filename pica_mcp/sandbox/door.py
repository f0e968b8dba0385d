"""The sandbox's front door: writes every request down, counts the rate limit, plays the faults that were asked for."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, quote, urlencode

import anyio
from anyio.lowlevel import checkpoint
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pica_mcp.sandbox import errors
from pica_mcp.sandbox.faults import Cut, Fault, Head, Pause, Query, Question, Step, Steps
from pica_mcp.sandbox.journal import Journal, Limit, Plan, Recorded, Visit

RATE_RESET_SECONDS = 60

Body = dict[str, Any] | str | bytes | None


class Wire(Protocol):
    """The connection under a request; the loopback server puts it into the scope's extensions as `pica.wire`."""

    def write(self, data: bytes) -> None:
        """Send bytes around HTTP."""
        ...

    def close(self) -> None:
        """Send what is left, then end the connection."""
        ...

    def reset(self) -> None:
        """Drop the connection with a TCP reset, and what is left with it."""
        ...


class NeedsSocketError(RuntimeError):
    """A fault that breaks the connection was asked for where there is none, over ASGI in the same process."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault} breaks the connection, and ASGI has none. Use the URL of Sandbox.listening().")


class Door:
    """ASGI middleware around the whole sandbox."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then answer with a refusal, a fault or the sandbox itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _recorded(scope)
        with self._journal.visit(request) as visit:
            if not await _upload(request, receive):
                return
            send = _noting(send, visit)
            blocked = _edge(request)
            if blocked:
                await blocked(scope, receive, send)
            else:
                await self._answer(request, visit, scope, receive, send)

    async def _answer(self, request: Recorded, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._journal.limit(request)
        refusal = None if limit.allows() else errors.application(429, "Rate limit exceeded")
        plan = None if refusal else self._journal.plan(request)
        answer = refusal or (plan.instead if plan else None) or self._app
        send = _limited(send, limit)
        if plan and plan.faults:
            show = _Show(self._journal, visit, receive, send, scope.get("extensions", {}).get("pica.wire"))
            await show.play(plan, _question(answer, scope, request))
        else:
            await answer(scope, _replay(request.body, receive), send)


@dataclass(slots=True)
class _Show:
    """One answer that goes wrong, for as long as there is somebody to see it."""

    journal: Journal
    visit: Visit
    receive: Receive
    send: Send
    wire: Wire | None
    gone: anyio.Event = field(default_factory=anyio.Event)

    async def play(self, plan: Plan, question: Question) -> None:
        """Send what the faults make of the answer; NeedsSocketError if there is no connection to break."""
        heals = self.journal.heals
        for fault in plan.faults:
            if fault.needs_socket and self.wire is None:
                raise NeedsSocketError(fault)
            question = _through(fault, question)
        steps = await question.answer()
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, group.cancel_scope)
            await self._send_all(steps, heals)
            group.cancel_scope.cancel()

    async def _watch(self, show: anyio.CancelScope) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone.set()
        if not self.visit.answered:
            show.cancel()

    async def _send_all(self, steps: Steps, heals: int) -> None:
        for step in steps:
            match step:
                case Pause():
                    await self.journal.pause(step.seconds, heals)
                case Cut():
                    await self._cut(step)
                    return
                case _:
                    await self.send(_message(step))
            await checkpoint()  # sending may never wait, and who has left must be noticed
        await self.send({"type": "http.response.body"})

    async def _cut(self, step: Cut) -> None:
        wire = cast("Wire", self.wire)
        self.visit.answered = True
        wire.write(step.noise)
        (wire.reset if step.reset else wire.close)()
        await self.gone.wait()  # until then, the server would complain about an answer that is not complete


def raw_path(scope: Scope) -> str:
    """The path exactly as the client encoded it."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def query_pairs(scope: Scope) -> Query:
    """The query decoded, in order, blank values and repetitions included."""
    query: bytes = scope["query_string"]
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def reply(status: int, body: Body, headers: Mapping[str, str]) -> Response:
    """The answer that a test asked for; without a body an error status says what Pica's own errors say."""
    if body is None and status >= 400:
        response: Response = errors.application(status, "An unknown error occurred")
    else:
        content, media = _content(body)
        response = Response(content, status, media_type=media)
    response.headers.update(headers)
    return response


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


def _recorded(scope: Scope) -> Recorded:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return Recorded(
        method=scope["method"],
        path=raw_path(scope),
        query=query_pairs(scope),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers),
    )


def _edge(request: Recorded) -> Response | None:
    """The refusal of what stands in front of Pica, which nothing of Pica's counts, limits or bends."""
    agent = request.header("user-agent") or ""
    return errors.blocked() if not agent or agent.lower().startswith("python-urllib") else None


async def _upload(request: Recorded, receive: Receive) -> bool:
    """Read the request's body; False if the client left before its end."""
    parts: list[bytes] = []
    try:
        while (message := await receive())["type"] != "http.disconnect":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return True
        return False
    finally:
        request.body = b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    def once() -> Iterator[Message]:
        yield {"type": "http.request", "body": body, "more_body": False}

    messages = once()

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay


def _limited(send: Send, limit: Limit) -> Send:
    # Read now, because others come in while this one is answered.
    shown, remaining = str(limit.requests), str(limit.remaining)

    async def limited(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("x-pica-rate-limit-limit", shown)
            headers.setdefault("x-pica-rate-limit-remainings", remaining)
            headers.setdefault("x-pica-rate-limit-reset", str(RATE_RESET_SECONDS))
        await send(message)

    return limited


def _noting(send: Send, visit: Visit) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            visit.answered = True  # first, because a server may report the client's leave during the last message
        await send(message)

    return noting


def _question(answer: ASGIApp, scope: Scope, request: Recorded) -> Question:
    async def ask(query: Query) -> Steps:
        other = scope if query == request.query else {**scope, "query_string": urlencode(query).encode()}
        return await _collected(answer, other, request.body)

    return Question(request.method, request.query, ask)


def _through(fault: Fault, question: Question) -> Question:
    """The question whose answers the fault bends."""

    async def ask(query: Query) -> Steps:
        return await fault.steps(replace(question, query=query))

    return replace(question, ask=ask)


async def _collected(answer: ASGIApp, scope: Scope, body: bytes) -> Steps:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def left() -> Message:
        return {"type": "http.disconnect"}

    await answer(scope, _replay(body, left), send)
    raw: Iterable[tuple[bytes, bytes]] = messages[0]["headers"]
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    return Head(messages[0]["status"], headers), b"".join(message.get("body", b"") for message in messages)


def _message(step: Step) -> Message:
    match step:
        case Head():
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in step.headers]
            return {"type": "http.response.start", "status": step.status, "headers": headers}
        case _:
            return {"type": "http.response.body", "body": step, "more_body": True}
