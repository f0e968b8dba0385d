"""The room of the line that every call travels: toolbox, access, schemas, passthrough, consent, limits, api, results.

There is no second door: a named tool and `execute_pica_action` meet in `_act`. Whatever becomes of a call, `audit`
writes one line of it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import consent, effects, passthrough, results, schemas
from pica_mcp.access import Caller, admit_effect, effect
from pica_mcp.accounts import choose, label_of
from pica_mcp.api import DEADLINE_SECONDS, PicaAPI
from pica_mcp.audit import Audit, Entry, Outcome
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.consent import Nobody, Person, Policy
from pica_mcp.discovery import Names, find_action, fixed_tools, where
from pica_mcp.errors import InvalidArguments, PicaError, Reason, Refused, TimedOut, UnknownTool
from pica_mcp.limits import Limits
from pica_mcp.models import ActionDetails, Connection, Effect
from pica_mcp.passthrough import Request, Response
from pica_mcp.toolbox import Budget, Toolbox
from pica_mcp.tools import CONNECTION, ActionTool, Call, FixedTool, Parameters

_LATER = "Nothing was sent; try again in a minute."
_SENDING_SECONDS = 15.0
_CHECK = "If this was a change, check it before you try again."
_FINAL = frozenset({
    Reason.AMBIGUOUS, Reason.PLATFORM, Reason.PERMISSION, Reason.ACTION_NOT_ALLOWED, Reason.KNOWLEDGE_ONLY,
    Reason.PLATFORM_NOT_ALLOWED, Reason.EFFECT,
})  # fmt: skip
"""Refusals that newer connections would not change."""


class _Time:
    """The seconds that a call has, of which those of a person are none."""

    def __init__(self) -> None:
        self._left_seconds = DEADLINE_SECONDS

    @contextmanager
    def bound(self, remedy: str, keep_seconds: float = 0) -> Generator[None]:
        """Bound a part of the call by what is left. Sending ends a little earlier by itself, and tells more."""
        started = anyio.current_time()
        with anyio.move_on_after(self._left_seconds - keep_seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise TimedOut("Pica took too long.", remedy)
        self._left_seconds -= anyio.current_time() - started


@dataclass(frozen=True, slots=True)
class Turn:
    """One call under way: who makes it, who may be asked about it, and what is noted of it."""

    caller: Caller
    person: Person
    entry: Entry
    time: _Time


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a call is to do. `flat` is checked, `rest` is not. `listed`: the client has the tool, with annotations."""

    action: ActionDetails
    parameters: Parameters
    flat: Mapping[str, Any]
    rest: Call
    listed: bool


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call that may be made: through which connection, with what request, and to what effect."""

    connection: Connection
    among: Connections
    call: Call
    request: Request
    effect: Effect


class Pipeline:
    """Answers tool calls."""

    def __init__(
        self, catalog: Catalog, names: Names, api: PicaAPI, budget: Budget, policy: Policy, limits: Limits, audit: Audit
    ) -> None:
        self._catalog = catalog
        self._api = api
        self._names = names
        self._policy = policy
        self._limits = limits
        self._audit = audit
        self.toolbox = Toolbox(catalog, names, fixed_tools(catalog, names), budget)

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Mapping[str, Any],
        person: Person = Nobody(),
        request_id: str | int | None = None,
    ) -> mcp.CallToolResult:
        """Return the tool's answer; whatever a model or a person can act on is a result.

        Raises only `UnknownTool`, and `Asked` if the person's answer comes with another call.
        """
        try:
            with self._audit.call(request_id, caller.identity) as entry:
                return await self._answer(Turn(caller, person, entry, _Time()), name, arguments)
        except UnknownTool:
            raise
        except PicaError as error:
            return results.failed(error)

    def turned_away(self, caller: Caller, request_id: str | int | None) -> None:
        """Note a call that came no further than the protocol's own checks."""
        with self._audit.call(request_id, caller.identity) as entry:
            entry.outcome, entry.reason = Outcome.INVALID, "turned_away"

    async def _answer(self, turn: Turn, name: str, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        with turn.time.bound(_LATER):
            tool = await self.toolbox.find(turn.caller, name)
            turn.entry.tool = name
            if isinstance(tool, FixedTool):
                async with self._limits.slot(turn.caller.identity, ""):
                    result = await tool.run(turn.caller, arguments)
                turn.entry.decision = "allowed"
                return result
        if isinstance(tool, ActionTool):
            return await self._act(turn, _wish(tool, arguments))
        platform, id_or_name, call = tool.read(arguments)
        with turn.time.bound(_LATER):
            action = await find_action(self._catalog, self._names, platform, id_or_name)
        return await self._execute(turn, action, call)

    async def _execute(self, turn: Turn, action: ActionDetails, call: Call) -> mcp.CallToolResult:
        """Run any action. What its schema does not document is sent as given: documents have gaps.

        Null is sent too, where a named tool takes it for "not given": some APIs clear a field by it.
        """
        parameters = schemas.derive(action)
        # A body that is left open may be a list or text here; only what is documented by name is checked.
        flat = {name: value for name, value in parameters.flat(call).items() if parameters.places[name].key is not None}
        try:
            return await self._act(turn, _Wish(action, parameters, flat, call, listed=False))
        except InvalidArguments as error:
            raise InvalidArguments(str(error), f"The action takes {where(parameters)}.") from None

    async def _act(self, turn: Turn, wish: _Wish) -> mcp.CallToolResult:
        """Make the call, after all that can refuse it. While a person is asked, no time runs and no slot is held."""
        turn.entry.action, turn.entry.platform = wish.action.id, wish.action.platform
        turn.entry.effect = effect(turn.caller, wish.action)
        with turn.time.bound(_LATER):
            ready = await self._ready(turn, wish)
        if consent.needed(self._policy, ready.effect, reachable=turn.person.reachable):
            ready = await self._agreed(turn, wish, ready)
        turn.entry.decision = turn.entry.decision or "allowed"
        async with AsyncExitStack() as held:
            # What waits for long in the queue would be cut short while it is sent, and nobody knew whether it was.
            with turn.time.bound(_LATER, keep_seconds=_SENDING_SECONDS):
                await held.enter_async_context(self._limits.slot(turn.caller.identity, wish.action.platform))
            # Noted before, so that a call which is cancelled now does not look as if nothing had been sent.
            turn.entry.attempts, turn.entry.bytes_sent = 1, ready.request.size_bytes
            with turn.time.bound(_CHECK):
                response = await self._sent(turn, wish, ready)
        result = results.answered(wish.action, response, ready.effect, turn.caller.identity)
        turn.entry.status, turn.entry.bytes_received = response.status, len(response.body)
        turn.entry.attempts += response.attempts - 1
        turn.entry.outcome = Outcome.ERROR if result.is_error else Outcome.OK
        return result

    async def _ready(self, turn: Turn, wish: _Wish) -> _Ready:
        connection, among = await self._connection(turn.caller, wish.action, wish.rest.connection)
        turn.entry.connection = connection.key
        call = wish.parameters.call(schemas.check(wish.parameters.schema, wish.flat), wish.rest)
        does = effects.of_call(wish.action, call, turn.caller.grant.effects)
        turn.entry.effect = does
        if refusal := admit_effect(turn.caller, does, what="this call"):
            raise refusal
        if wish.listed and does.exceeds(effect(turn.caller, wish.action)):
            # Clients let people approve tools by their annotations; a tool that reads must not be made to write.
            raise Refused(
                f"The effect of this call is '{does}', which is more than its tool is listed with; nothing was sent.",
                "Use the tool that is made for it, or execute_pica_action, which is listed as one that may destroy.",
                reason=Reason.EFFECT,
            )
        request = passthrough.build(wish.action, connection, call, wish.parameters.headers)
        return _Ready(connection, among, call, request, does)

    async def _agreed(self, turn: Turn, wish: _Wish, asked: _Ready) -> _Ready:
        """Return the call when the person has agreed to it and it may still be made: it may have taken them a while."""
        label = label_of(turn.caller, asked.connection, asked.among)
        question = consent.question(turn.caller, wish.action, label, asked.call, asked.request)
        try:
            consent.require(agrees=await turn.person.agrees(question))
        except consent.Asked:
            turn.entry.outcome = Outcome.ASKED
            raise
        turn.entry.decision = "confirmed"
        with turn.time.bound(_LATER):
            ready = await self._ready(turn, wish)
        if ready.request != asked.request:
            raise Refused(
                "The connection changed while the person was asked; nothing was sent.",
                "Make the call again.",
                reason=Reason.UNKNOWN_CONNECTION,
            )
        return ready

    async def _sent(self, turn: Turn, wish: _Wish, ready: _Ready) -> Response:
        try:
            return await self._api.send(ready.request)
        except Refused as refusal:
            # Pica's own word that it did nothing: the account may have been connected again, under a new key.
            if refusal.reason is not Reason.UNKNOWN_CONNECTION:
                raise
            fresh = await self._fresh(turn.caller)
            # A person has agreed to the connection that was; and under its label there may be somebody else's by now.
            if turn.entry.decision == "confirmed":
                raise
            renewed = choose(turn.caller, wish.action, fresh, label_of(turn.caller, ready.connection, ready.among))
            if renewed.key == ready.connection.key or not renewed.succeeds(ready.connection):
                raise
            turn.entry.connection, turn.entry.attempts = renewed.key, refusal.attempts + 1
            return await self._api.send(passthrough.build(wish.action, renewed, ready.call, wish.parameters.headers))

    async def _connection(
        self, caller: Caller, action: ActionDetails, wanted: str | None
    ) -> tuple[Connection, Connections]:
        """Return the connection to go through; on a miss look once more, since accounts are connected meanwhile."""
        connections = await self._catalog.connections(caller.identity)
        try:
            return choose(caller, action, connections, wanted), connections
        except Refused as refusal:
            if refusal.reason in _FINAL:
                raise
        connections = await self._fresh(caller)
        return choose(caller, action, connections, wanted), connections

    async def _fresh(self, caller: Caller) -> Connections:
        return await self._catalog.connections(caller.identity, fresh=True)


def _wish(tool: ActionTool, arguments: Mapping[str, Any]) -> _Wish:
    wanted = arguments.get(CONNECTION)
    if not isinstance(wanted, str | None):
        raise InvalidArguments(f"The argument '{CONNECTION}' must be a label.", "Pass one as text.")
    flat = {key: value for key, value in arguments.items() if key != CONNECTION}
    return _Wish(tool.action, tool.parameters, flat, Call(connection=wanted), listed=True)
