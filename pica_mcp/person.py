"""The room of the person before the client, who is asked by elicitation in the way of the client's protocol era."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mcp_types as mcp
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import is_version_at_least

from pica_mcp.consent import Asked, Person, Question
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import as_object

_MODERN = "2026-07-28"
"""From this revision on, a question is the result of the call, and the answer comes with the same call made again."""

_ANSWER = "consent"
_MAX_SPENT = 10_000
_MAX_WAITING = 100
_NOTHING_TO_FILL_IN: Mapping[str, Any] = {"type": "object", "properties": {}}

Context = ServerRequestContext[Any, Any]


class People:
    """The person of every call. An answer is good for one call, so it is remembered which ones are spent."""

    def __init__(self) -> None:
        self._spent: dict[str, None] = {}
        self._waiting = 0

    def before(self, ctx: Context, params: mcp.CallToolRequestParams) -> Person:
        """Return who sits before the client that makes this call."""
        capabilities = ctx.session.client_capabilities
        elicitation = capabilities and capabilities.elicitation
        # A bare `{}` is how forms were declared before there were other ways to ask.
        reachable = bool(elicitation and (elicitation.form or not elicitation.url))
        if is_version_at_least(ctx.protocol_version, _MODERN):
            return _Modern(reachable, params, self)
        return _Legacy(reachable, ctx, self)

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Count a question that waits for its answer. Raises `Refused` if there are too many for any person."""
        if self._waiting >= _MAX_WAITING:
            raise Refused(
                "Too many questions wait for the person already; nothing was sent.",
                "Wait for their answers before you try again.",
                reason=Reason.CANNOT_ASK,
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def spend(self, answer: str) -> bool:
        """Tell if the answer was still good; from now on it is not."""
        if answer in self._spent:
            return False
        while len(self._spent) >= _MAX_SPENT:
            self._spent.pop(next(iter(self._spent)))
        self._spent[answer] = None
        return True


@dataclass(frozen=True, slots=True)
class _Legacy:
    """Asked while the call waits."""

    reachable: bool
    ctx: Context
    people: People

    async def agrees(self, question: Question) -> bool:
        try:
            with self.people.waiting():
                answer = await self.ctx.session.elicit_form(
                    question.message, dict(_NOTHING_TO_FILL_IN), related_request_id=self.ctx.request_id
                )
        except MCPError:  # what it declared it cannot do after all
            raise Refused(
                "This call destroys something, and the client failed to ask the person; nothing was sent.",
                "Ask the person yourself what to do.",
                reason=Reason.CANNOT_ASK,
            ) from None
        return answer.action == "accept"


@dataclass(frozen=True, slots=True)
class _Modern:
    """Asked between two calls. What `state` says is ours: it is sealed for caller, tool and arguments on its way."""

    reachable: bool
    params: mcp.CallToolRequestParams
    people: People

    async def agrees(self, question: Question) -> bool:
        answer = (self.params.input_responses or {}).get(_ANSWER)
        state = _read(self.params.request_state)
        asked = state.get("subject") == question.subject and isinstance(answer, mcp.ElicitResult)
        if not asked or not self.people.spend(str(state.get("once"))):
            raise Asked(question)
        return isinstance(answer, mcp.ElicitResult) and answer.action == "accept"


def _read(state: str | None) -> Mapping[str, Any]:
    try:
        return as_object(json.loads(state or "{}"))
    except ValueError:
        return {}


def input_required(asked: Asked) -> mcp.InputRequiredResult:
    """Return what a client of the newer era is answered, so that it puts the question to the person."""
    form = mcp.ElicitRequestFormParams(message=asked.question.message, requested_schema=dict(_NOTHING_TO_FILL_IN))
    state = {"subject": asked.question.subject, "once": secrets.token_hex(16)}
    return mcp.InputRequiredResult(
        input_requests={_ANSWER: mcp.ElicitRequest(params=form)}, request_state=json.dumps(state)
    )
