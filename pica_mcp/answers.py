"""The room of the answers: the MCP handlers, thin, and the notices of what changed.

It is opened with the application; until then, `server` greets clients alone.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import mcp_types as mcp
from anyio.abc import TaskGroup
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import (
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
    event_to_notification,
)

from pica_mcp.access import invites
from pica_mcp.app import App
from pica_mcp.consent import Asked
from pica_mcp.discovery import EXECUTING, FIXED_NAMES
from pica_mcp.errors import trace
from pica_mcp.person import People, input_required
from pica_mcp.resources import canonical
from pica_mcp.watch import Changes

logger = logging.getLogger(__name__)

_FIXED_MS = 3_600_000
"""How long what only the settings decide may be kept."""

_BEAT_SECONDS = 5.0
_NOTICE_SECONDS = 5.0
_MAX_WATCHED = 1_000
_TOO_MANY = f"No more than {_MAX_WATCHED} resources can be watched."

Context = ServerRequestContext[Any, Any]


class Answers:
    """The handlers, one for each method, and what sees messages before those do."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._notices = Notices()
        app.watch.tell(self._notices.send)
        self._people = People()
        self._heartbeat = _Heartbeat(app.tasks)
        self._reached = ContextVar[list[str]]("reached")
        """What a request has reached of us, so that what has not is known too."""

    async def meet(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Remember a client that has shaken hands until it leaves: only then may it be told things unasked."""
        self._notices.met(ctx)
        return await call_next(ctx)

    async def record(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Note a call that is turned away before the line: malformed, or with a state that is not ours."""
        reached: list[str] = []
        token = self._reached.set(reached)
        try:
            return await call_next(ctx)
        except Exception:
            if not reached:
                self._app.pipeline.turned_away(self._app.caller, ctx.request_id)
            raise
        finally:
            self._reached.reset(token)

    def _ttl_ms(self, *, complete: bool = True) -> int:
        """Return how long an answer may be kept: until the next look, and not at all if it is known to be lacking."""
        lacking = self._app.catalog.outdated(self._app.caller.identity) or not complete
        return 0 if lacking else int(self._app.watch.pause_seconds() * 1000)

    async def list_tools(self, _: Context, _params: mcp.PaginatedRequestParams | None) -> mcp.ListToolsResult:
        listing = await self._app.pipeline.toolbox.list(self._app.caller)
        self._app.watch.shown(listing)
        tools = list(listing.tools)
        return mcp.ListToolsResult(tools=tools, ttl_ms=self._ttl_ms(complete=listing.complete), cache_scope="private")

    async def call_tool(
        self, ctx: Context, params: mcp.CallToolRequestParams
    ) -> mcp.CallToolResult | mcp.InputRequiredResult:
        self._reached.get().append(params.name)
        person = self._people.before(ctx, params)
        try:
            with self._heartbeat.over(ctx):
                result = await self._app.pipeline.call(
                    self._app.caller, params.name, params.arguments or {}, person, ctx.request_id
                )
        except Asked as asked:
            return input_required(asked)
        told = params.name in FIXED_NAMES and params.name not in EXECUTING
        ours = result.is_error or told  # what a provider says sends nobody
        if ours and any(isinstance(block, mcp.TextContent) and invites(block.text) for block in result.content):
            self._app.watch.hurry()
        return result

    async def list_resources(self, _: Context, _params: mcp.PaginatedRequestParams | None) -> mcp.ListResourcesResult:
        listed = await self._app.resources.list(self._app.caller)
        return mcp.ListResourcesResult(resources=list(listed), ttl_ms=self._ttl_ms(), cache_scope="private")

    async def list_templates(
        self, _: Context, _params: mcp.PaginatedRequestParams | None
    ) -> mcp.ListResourceTemplatesResult:
        templates = list(self._app.resources.templates())
        return mcp.ListResourceTemplatesResult(
            resource_templates=templates, ttl_ms=self._ttl_ms(), cache_scope="private"
        )

    async def read_resource(self, _: Context, params: mcp.ReadResourceRequestParams) -> mcp.ReadResourceResult:
        content = await self._app.resources.read(self._app.caller, str(params.uri))
        return mcp.ReadResourceResult(contents=[content], ttl_ms=self._ttl_ms(), cache_scope="private")

    async def subscribe(self, ctx: Context, params: mcp.SubscribeRequestParams) -> mcp.EmptyResult:
        await self._app.resources.read(self._app.caller, str(params.uri))  # what cannot be read is not watched
        self._notices.watched(ctx, str(params.uri))
        return mcp.EmptyResult()

    async def unsubscribe(self, ctx: Context, params: mcp.UnsubscribeRequestParams) -> mcp.EmptyResult:
        self._notices.unwatched(ctx, str(params.uri))
        return mcp.EmptyResult()

    async def listen(self, ctx: Context, params: mcp.SubscriptionsListenRequestParams) -> mcp.SubscriptionsListenResult:
        self._app.watch.begin()
        wanted = params.notifications
        uris = [canonical(uri) for uri in wanted.resource_subscriptions or ()]
        if len(uris) > _MAX_WATCHED:
            raise MCPError(mcp.INVALID_REQUEST, _TOO_MANY)
        wanted = wanted.model_copy(update={"resource_subscriptions": uris or None})
        return await self._notices.listen(ctx, params.model_copy(update={"notifications": wanted}))

    async def complete(self, _: Context, params: mcp.CompleteRequestParams) -> mcp.CompleteResult:
        variable, typed = params.argument.name, params.argument.value
        if isinstance(params.ref, mcp.PromptReference):
            name = params.ref.name
            completion = await self._app.completions.complete_prompt(self._app.caller, name, variable, typed)
        else:
            given = (params.context and params.context.arguments) or {}
            completion = await self._app.completions.complete(self._app.caller, params.ref.uri, variable, typed, given)
        return mcp.CompleteResult(completion=completion)

    async def list_prompts(self, _: Context, _params: mcp.PaginatedRequestParams | None) -> mcp.ListPromptsResult:
        prompts = self._app.prompts.list(self._app.caller)
        return mcp.ListPromptsResult(prompts=prompts, ttl_ms=_FIXED_MS, cache_scope="private")

    async def get_prompt(self, _: Context, params: mcp.GetPromptRequestParams) -> mcp.GetPromptResult:
        return await self._app.prompts.get(self._app.caller, params.name, params.arguments or {})


class Notices:
    """Tells clients what changed: on the streams on which they listen, and in the older era on their connections."""

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()
        self._sessions: dict[object, ServerSession] = {}
        self._watched: dict[object, dict[str, str]] = {}
        """Connection → resource that it watches → as it spells its URI."""
        self.listen = ListenHandler(self._bus)

    def met(self, ctx: Context) -> None:
        """Tell this client what changes until it leaves."""
        self._sessions[self._known(ctx)] = ctx.session

    def watched(self, ctx: Context, uri: str) -> None:
        """Tell this client from now on when the resource changes."""
        watched = self._watched[self._known(ctx)]
        if len(watched) >= _MAX_WATCHED and canonical(uri) not in watched:
            raise MCPError(mcp.INVALID_REQUEST, _TOO_MANY)
        watched[canonical(uri)] = uri

    def unwatched(self, ctx: Context, uri: str) -> None:
        """Stop telling it."""
        self._watched[self._known(ctx)].pop(canonical(uri), None)

    def _known(self, ctx: Context) -> object:
        """Return what is one and the same for all that one client sends, and is forgotten when it leaves."""
        connection = ctx.session._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - told in no other way
        if connection not in self._watched:
            self._watched[connection] = {}
            connection.exit_stack.callback(self._leave, connection)
        return connection

    def _leave(self, connection: object) -> None:
        self._sessions.pop(connection, None)
        self._watched.pop(connection, None)

    async def send(self, changes: Changes) -> None:
        """Tell every client what it wanted to know of; none waits for one that does not read."""
        for event in _events(changes):
            await self._bus.publish(event)
        async with anyio.create_task_group() as tasks:
            for connection, session in self._sessions.items():
                watched = self._watched.get(connection, {})
                tasks.start_soon(_notify, session, [*_events(changes, watched)])


async def _notify(session: ServerSession, events: Iterable[ServerEvent]) -> None:
    with anyio.move_on_after(_NOTICE_SECONDS), _alone():
        for event in events:
            await session.send_notification(event_to_notification(event, {}))


@contextmanager
def _alone() -> Generator[None]:
    """Keep what goes wrong with telling one client from the task group it shares with others."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a boundary: what is told unasked must not end what others asked for
        logger.info("a client could not be told\n%s", trace(error))


def _events(changes: Changes, watched: Mapping[str, str] | None = None) -> Iterator[ServerEvent]:
    """Yield the changes as events, of resources only those that are watched, if that is told."""
    if changes.tools:
        yield ToolsListChanged()
    if changes.resources:
        yield ResourcesListChanged()
    for uri in sorted(changes.updated):
        if watched is None or uri in watched:
            yield ResourceUpdated(uri if watched is None else watched[uri])


class _Heartbeat:
    """Tells clients that gave a progress token now and then that their calls are still being worked on.

    One task does it for all calls and rests while there are none; one for each would cost more than most calls do.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        self._calls: dict[object, tuple[Context, float]] = {}
        self._called = anyio.Event()
        tasks.start_soon(self._beat)

    @contextmanager
    def over(self, ctx: Context) -> Generator[None]:
        """Tell this call's client as long as it is under way."""
        call = object()
        self._calls[call] = ctx, anyio.current_time()
        self._called.set()
        try:
            yield
        finally:
            del self._calls[call]

    async def _beat(self) -> None:
        while True:
            await self._called.wait()
            await anyio.sleep(_BEAT_SECONDS)
            async with anyio.create_task_group() as tasks:
                for ctx, since in self._calls.values():
                    tasks.start_soon(_reassure, ctx, anyio.current_time() - since)
            if not self._calls:
                self._called = anyio.Event()


async def _reassure(ctx: Context, seconds: float) -> None:
    with anyio.move_on_after(_NOTICE_SECONDS), _alone():  # without a token, the SDK keeps it to itself
        await ctx.session.report_progress(seconds, message=f"Waiting for the answer for {seconds:.0f} s.")
