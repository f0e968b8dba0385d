"""The room of the line that every call travels: toolbox, access, arguments, passthrough, consent, limits, api, results.

There is no second door: a named tool and those that run any action meet in `_act`. Whatever becomes of a call, `audit`
writes one line of it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import arguments, consent, effects, passthrough, schemas
from pica_mcp.access import Caller, admit_effect
from pica_mcp.accounts import choose, label_of
from pica_mcp.api import DEADLINE_SECONDS, PicaAPI
from pica_mcp.audit import Audit, Entry, Outcome
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.consent import Nobody, Person, Policy, Question
from pica_mcp.discovery import EXECUTE, READ, Names, find_action
from pica_mcp.discovery.tool import parts
from pica_mcp.errors import InvalidArguments, PicaError, Reason, Refused, TimedOut, UnknownTool
from pica_mcp.files import Files
from pica_mcp.limits import Limits
from pica_mcp.models import CONNECTION_KEY, ActionDetails, Connection, Effect, as_object
from pica_mcp.passthrough import Request, Response
from pica_mcp.results import Results, failed
from pica_mcp.results.selection import compiled
from pica_mcp.toolbox import Toolbox
from pica_mcp.tools import RESERVED, AnyActionTool, Call, FixedTool, Parameters, Runnable, View

_OURS = RESERVED | {CONNECTION_KEY}
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
    """What a call is to do. `flat` is checked, `rest` is not. `told`: the action's effect by all but rules.

    `at_most`: the effect that its tool is listed with. `is_any`: its tool runs any action.
    """

    action: ActionDetails
    parameters: Parameters
    told: Effect
    flat: Mapping[str, Any]
    rest: Call
    view: View
    at_most: Effect | None = None
    keeps_null: bool = False
    is_any: bool = False


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call that may be made: through which connection, with what request, and to what effect."""

    connection: Connection
    among: Connections
    call: Call
    request: Request
    effect: Effect


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers tool calls."""

    toolbox: Toolbox
    catalog: Catalog
    names: Names
    api: PicaAPI
    policy: Policy
    limits: Limits
    audit: Audit
    results: Results
    files: Files

    async def call(
        self,
        caller: Caller,
        name: str,
        given: Mapping[str, Any],
        person: Person = Nobody(),
        request_id: str | int | None = None,
    ) -> mcp.CallToolResult:
        """Return the tool's answer; whatever a model or a person can act on is a result.

        Raises only `UnknownTool`, and `Asked` if the person's answer comes with another call.
        """
        try:
            with self.audit.call(request_id, caller.identity) as entry:
                return await self._answer(Turn(caller, person, entry, _Time()), name, given)
        except UnknownTool:
            raise
        except PicaError as error:
            return failed(error)

    def turned_away(self, caller: Caller, request_id: str | int | None) -> None:
        """Note a call that came no further than the protocol's own checks."""
        with self.audit.call(request_id, caller.identity) as entry:
            entry.outcome, entry.reason = Outcome.INVALID, "turned_away"

    async def _answer(self, turn: Turn, name: str, given: Mapping[str, Any]) -> mcp.CallToolResult:
        with turn.time.bound(_LATER):
            tool = await self.toolbox.find(turn.caller, name)
            turn.entry.tool = name
            if isinstance(tool, FixedTool):
                async with self.limits.slot(turn.caller.identity, ""):
                    result = await tool.run(turn.caller, given)
                turn.entry.decision = "allowed"
                return result
        if isinstance(tool, Runnable):
            return await self._act(turn, _named(turn.caller, tool, given))
        return await self._any(turn, tool, given)

    async def _any(self, turn: Turn, tool: AnyActionTool, given: Mapping[str, Any]) -> mcp.CallToolResult:
        """Run any action. What is given by group and not documented is sent as given: documents have gaps.

        Null is sent too there, where a flat argument takes it for "not given": some APIs clear a field by it.
        """
        wanted = tool.read(given)
        compiled(wanted.view.fields)
        with turn.time.bound(_LATER):
            action = await find_action(self.catalog, self.names, wanted.platform, wanted.action, turn.caller)
        runnable = self.toolbox.derived.runnable(action)
        parameters = runnable.parameters.beside(wanted.call)
        given, rest = _apart(parameters, wanted.arguments, wanted.call)
        # A whole body may be a list or text here; what is documented by name, or asked for, is checked.
        checked = parameters.files.union(parameters.schema.get("required", ()))
        grouped = parameters.flat(rest).items()
        named = {name: one for name, one in grouped if parameters.places[name].key is not None or name in checked}
        flat, at_most = {**named, **given}, Effect.READ if tool.reads else None
        try:
            keeps_null, told = bool(named), runnable.told
            wish = _Wish(action, parameters, told, flat, rest, wanted.view, at_most, keeps_null, is_any=True)
            return await self._act(turn, wish)
        except InvalidArguments as error:
            raise InvalidArguments(str(error), f"The action takes {schemas.outline(parameters)}.") from None

    async def _act(self, turn: Turn, wish: _Wish) -> mcp.CallToolResult:
        """Make the call, after all that can refuse it. While a person is asked, no time runs and no slot is held."""
        turn.entry.action, turn.entry.platform = wish.action.id, wish.action.platform
        turn.entry.effect = effects.of_action(wish.action, turn.caller.grant.effects, wish.told)
        async with AsyncExitStack() as held:
            with turn.time.bound(_LATER):
                ready: _Ready | None = await self._ready(turn, wish, held)
            if consent.needed(self.policy, ready.effect, reachable=turn.person.reachable):
                question = self._question(turn, wish, ready)
                # People may take an hour, and many be asked at once: files are let go, and read again after.
                ready = None
                await held.aclose()
                ready = await self._agreed(turn, wish, question, held)
            turn.entry.decision = turn.entry.decision or "allowed"
            # What waits for long in the queue would be cut short while it is sent, and nobody knew whether it was.
            with turn.time.bound(_LATER, keep_seconds=_SENDING_SECONDS):
                await held.enter_async_context(self.limits.slot(turn.caller.identity, wish.action.platform))
            # Noted before, so that a call which is cancelled now does not look as if nothing had been sent.
            turn.entry.attempts, turn.entry.bytes_sent = 1, ready.request.size_bytes
            with turn.time.bound(_CHECK):
                response = await self._sent(turn, wish, ready)
        takes = schemas.outline(wish.parameters) if response.status >= 400 else ""
        result = await self.results.answered(turn.caller, wish.action, response, ready.effect, wish.view, takes)
        turn.entry.status, turn.entry.bytes_received = response.status, len(response.body)
        turn.entry.attempts += response.attempts - 1
        turn.entry.outcome = Outcome.ERROR if result.is_error else Outcome.OK
        return result

    async def _ready(self, turn: Turn, wish: _Wish, held: AsyncExitStack) -> _Ready:
        """Return the call if it may be made; its files are held by `held`."""
        try:
            connection, among = await self._connection(turn.caller, wish)
        except Refused as refusal:
            raise _with_wrong_arguments(refusal, wish) from None
        turn.entry.connection = connection.key
        checked = _checked(wish)
        files = self.files.resolved(turn.caller.identity, wish.parameters.files, checked)
        whole = await held.enter_async_context(files)
        call = wish.parameters.call(whole, wish.rest)
        does = effects.of_call(wish.action, call, turn.caller.grant.effects, wish.told)
        turn.entry.effect = does
        if refusal := admit_effect(turn.caller, does, what="this call"):
            raise refusal
        if wish.at_most and does.exceeds(wish.at_most):
            # Clients let people approve tools by their annotations; a tool that reads must not be made to write.
            raise _exceeding(does, by_name=not wish.is_any)
        request = passthrough.build(wish.action, connection, call, wish.parameters.headers)
        return _Ready(connection, among, call, request, does)

    def _question(self, turn: Turn, wish: _Wish, ready: _Ready) -> Question:
        label = label_of(turn.caller, ready.connection, ready.among)
        return consent.question(turn.caller, wish.action, label, ready.call, ready.request)

    async def _agreed(self, turn: Turn, wish: _Wish, question: Question, held: AsyncExitStack) -> _Ready:
        """Return the call when the person has agreed to it and it may still be made: it may have taken them a while."""
        try:
            consent.require(agrees=await turn.person.agrees(question))
        except consent.Asked:
            turn.entry.outcome = Outcome.ASKED
            raise
        turn.entry.decision = "confirmed"
        with turn.time.bound(_LATER):
            ready = await self._ready(turn, wish, held)
        if consent.subject(turn.caller, ready.request) != question.subject:
            raise Refused(
                "The connection or a file changed while the person was asked; nothing was sent.",
                "Make the call again.",
                reason=Reason.UNKNOWN_CONNECTION,
            )
        return ready

    async def _sent(self, turn: Turn, wish: _Wish, ready: _Ready) -> Response:
        try:
            return await self.api.send(ready.request)
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
            return await self.api.send(passthrough.build(wish.action, renewed, ready.call, wish.parameters.headers))

    async def _connection(self, caller: Caller, wish: _Wish) -> tuple[Connection, Connections]:
        """Return the connection to go through; on a miss look once more, since accounts are connected meanwhile."""
        connections, wanted = await self.catalog.connections(caller.identity), wish.rest.connection
        try:
            return choose(caller, wish.action, connections, wanted, wish.told), connections
        except Refused as refusal:
            if refusal.reason in _FINAL:
                raise
        connections = await self._fresh(caller)
        return choose(caller, wish.action, connections, wanted, wish.told), connections

    async def _fresh(self, caller: Caller) -> Connections:
        return await self.catalog.connections(caller.identity, fresh=True)


def _checked(wish: _Wish) -> dict[str, Any]:
    """Return the arguments as the schema wants them. Raises `InvalidArguments`."""
    parameters = wish.parameters
    return arguments.check(parameters.schema, wish.flat, keep_null=wish.keeps_null, constants=parameters.constants)


def _with_wrong_arguments(refusal: Refused, wish: _Wish) -> Refused:
    """Return the refusal of an account that has to be named, with what else is wrong, to be put right at once."""
    if refusal.reason in (Reason.AMBIGUOUS, Reason.UNKNOWN_CONNECTION):
        try:
            _checked(wish)
        except InvalidArguments as error:
            return Refused(str(refusal), str(error), reason=refusal.reason)
    return refusal


def _named(caller: Caller, tool: Runnable, given: Mapping[str, Any]) -> _Wish:
    """Return what a call of a named tool is to do. Of its arguments, some are ours."""
    flat, rest, view = parts({"arguments": _unwrapped(tool.parameters, given)})
    compiled(view.fields)
    flat, rest = _apart(tool.parameters, flat, rest)
    listed = effects.of_action(tool.action, caller.grant.effects, tool.told)
    return _Wish(tool.action, tool.parameters, tool.told, flat, rest, view, at_most=listed)


def _unwrapped(parameters: Parameters, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments, taken out of `arguments` if they are written as for a tool that runs any action."""
    inner = arguments.coerce(given.get("arguments"), {"type": "object"}, keep_null=True)
    others = {name: value for name, value in given.items() if name != "arguments" and value is not None}
    if (
        "arguments" in parameters.places
        or not isinstance(inner, Mapping)
        or others.keys() - _OURS
        or others.keys() & inner
    ):
        return given
    return {**as_object(inner), **others}


def _apart(parameters: Parameters, flat: Mapping[str, Any], rest: Call) -> tuple[Mapping[str, Any], Call]:
    """Return the arguments without `connectionKey`, as Pica's documents call the connection, and the rest with it.

    Raises `InvalidArguments` where the call names another connection too.
    """
    if CONNECTION_KEY not in flat or CONNECTION_KEY in parameters.places:
        return flat, rest
    checked = arguments.check(
        {"properties": {CONNECTION_KEY: {"type": "string"}}}, {CONNECTION_KEY: flat[CONNECTION_KEY]}
    )
    wanted = checked.get(CONNECTION_KEY) or rest.connection
    if rest.connection not in (None, "", wanted):
        raise InvalidArguments("The call names two connections.", "Nothing was sent; give one of them.")
    others = {name: value for name, value in flat.items() if name != CONNECTION_KEY}
    return others, replace(rest, connection=wanted)


def _exceeding(does: Effect, *, by_name: bool) -> Refused:
    """Return the refusal of a call that does more than its tool is listed with."""
    if by_name:
        problem = f"The effect of this call is '{does}', which is more than its tool is listed with; nothing was sent."
        remedy = f"Use the tool that is made for it, or {EXECUTE}, which is listed as one that may destroy."
    else:
        problem = f"{READ} only reads, and this call's effect is '{does}'; nothing was sent."
        remedy = f"Call {EXECUTE}, or its own tool."
    return Refused(problem, remedy, reason=Reason.EFFECT)
