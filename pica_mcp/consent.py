"""The room of asking a person before something is destroyed.

Only a person can consent: there is no argument for it, since a model would set that as well. Over which way the person
is asked, `person` knows; what an answer holds for, the question says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from pica_mcp import text
from pica_mcp.access import Caller
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Effect, as_list, as_object
from pica_mcp.tools import Call, File

if TYPE_CHECKING:
    from pica_mcp.passthrough import Request  # its room is not needed to know when a person is asked

_MAX_LINE_CHARS = 600


class Policy(StrEnum):
    """When a person is asked before a destructive call."""

    AUTO = "auto"
    """Where the client can ask; where it cannot, its own approval of tool calls is relied on."""

    ALWAYS = "always"
    """Always; where nobody can be asked, the call is refused."""

    OFF = "off"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, and a digest of all that the answer holds for: caller, account and the very request."""

    message: str
    subject: str


class Person(Protocol):
    """Whoever sits before the client, if anybody can be asked there."""

    @property
    def reachable(self) -> bool:
        """Tell if the client can put questions to somebody."""
        ...

    async def agrees(self, question: Question) -> bool:
        """Return the person's answer, however long that takes. Raises `Asked` if it comes with another call."""
        ...


class Nobody:
    """No person: the client is a program."""

    reachable = False

    async def agrees(self, question: Question) -> bool:  # noqa: ARG002 - there is nobody to hear it
        """Return no: nobody agrees."""
        return False


class Asked(Exception):
    """The question goes to the client instead of a result; its answer comes with the same call made again."""

    def __init__(self, question: Question) -> None:
        super().__init__("a person is asked first")
        self.question = question


def needed(policy: Policy, effect: Effect, *, reachable: bool) -> bool:
    """Tell if the person has to be asked. Raises `Refused` if so and nobody is reachable."""
    if policy is Policy.OFF or effect is not Effect.DESTRUCTIVE:
        return False
    if not reachable and policy is Policy.ALWAYS:
        raise Refused(
            "This call destroys something, so a person has to agree, and this client cannot ask one; nothing was sent.",
            "Use a client with elicitation, or ask the operator to change PICA_CONSENT.",
            reason=Reason.CANNOT_ASK,
        )
    return reachable


def require(*, agrees: bool) -> None:
    """Raise `Refused` unless the person agreed."""
    if not agrees:
        raise Refused(
            "The person was asked and did not agree; nothing was sent.",
            "Do not try it again or by other means; ask them what they want instead.",
            reason=Reason.DECLINED,
        )


def question(caller: Caller, action: Action, label: str, call: Call, request: Request) -> Question:
    """Return the question whether this very request may be made, with all that it sends but its key.

    Titles and arguments are others' words, so each stands in a line of its own, and what is cut is said.
    """
    query = urlencode([(name, "…" if value == request.connection_key else value) for name, value in request.query])
    headers = {name: value for name, value in request.headers if name != "content-type"}
    lines = (
        "An agent wants to do something that may not be undone. Allow it?",
        f"Action: {text.line(action.title, 100) or '(untitled)'}",
        f"Account: {text.line(label, 80)} ({action.platform}), of {text.line(str(caller.identity), 80)}",
        _line("Request", f"{request.method} {request.path}{f'?{query}' if query else ''}"),
        _line("Headers", text.compact(headers)) if headers else "",
        _line("Body", _written(_shown(call.body))) if call.body is not None else "",
    )
    return Question("\n".join(filter(None, lines)), subject(caller, request))


def _written(body: Any) -> str:
    """Return the body as JSON, with escapes for what a person could not see in it: it is sent all the same."""
    try:
        whole = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return text.compact(body)
    return "".join(map(_visible, whole[:_MAX_LINE_CHARS])) + whole[_MAX_LINE_CHARS:]


def _visible(char: str) -> str:
    return char if text.clean(char) == char else f"\\u{{{ord(char):x}}}"


def _shown(body: Any) -> Any:
    """Return the body with what each file is in its place; files are whole bodies or fields of one, or in its lists."""
    if isinstance(body, File):
        kind, size = text.line(body.media_type, 80), len(body.content)
        return f"(file '{text.line(body.name, 80)}', {kind}, {size:,} bytes)"
    if isinstance(body, Mapping):
        return {name: _shown_field(value) for name, value in as_object(body).items()}
    return body


def _shown_field(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) if isinstance(item, File) else item for item in as_list(value)]
    return _shown(value) if isinstance(value, File) else value


def _line(name: str, told: str) -> str:
    plain = text.line(told, len(told))
    more = len(plain) - _MAX_LINE_CHARS
    return f"{name}: {plain[:_MAX_LINE_CHARS]}" + (f"… ({more:,} more characters)" if more > 0 else "")


def subject(caller: Caller, request: Request) -> str:
    """Return a digest of all that an answer holds for."""
    identity = (caller.identity.id, caller.identity.type, caller.environment())
    parts = tuple((part.name, part.filename, part.media_type, _hash(part.content)) for part in request.parts or ())
    content = request.content if request.content is None else _hash(request.content)
    shape = (request.method, request.path, request.query, request.headers, content, request.parts is None, parts)
    all_of_it = repr((identity, request.connection_key, request.action_id, shape))
    return _hash(all_of_it.encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
