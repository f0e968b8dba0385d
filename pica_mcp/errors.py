"""The room of what can go wrong, split by who can act on it.

    PicaError
    ├── CallError              the model: change the call and try again
    │   ├── UnknownTool          no tool has this name
    │   ├── UnknownAction        no action has this id, or several match
    │   ├── UnknownResource      no resource of this caller has this URI
    │   ├── UnknownPrompt        there is no prompt of this name
    │   ├── UnknownResult        no answer that was kept for this caller has this id, or not any more
    │   ├── InvalidArguments     an argument is missing, misspelt or of the wrong kind
    │   └── Refused              policy or ownership says no; `reason` says which rule
    ├── OperatorError          whoever runs the server: change its settings or its network
    │   ├── InvalidSettings      a setting is missing or malformed
    │   ├── SecretUnavailable    the secret cannot be read: file missing, command failed, keyring locked
    │   ├── SecretRefused        Pica does not accept the secret
    │   └── UpstreamRefused      Pica, or something in front of it, refused the request
    └── TransientError         only time: wait, then try again
        ├── Unreachable          Pica cannot be reached or answers nonsense
        │   └── TimedOut           the time of a whole call is over
        ├── RateLimited          too many requests for Pica itself
        ├── Busy                 too many calls at once for this server
        └── OutcomeUnknown       a write was sent and no answer came: it may have been applied

Every message is two short sentences: what is wrong, and what to do next. None holds a key or a password, whatever words
it repeats: they are masked here, once. Facts that code acts on are attributes.
"""

from __future__ import annotations

import re
import traceback
from enum import StrEnum
from typing import Self

from pica_mcp import text


class PicaError(Exception):
    """What is wrong and what to do next, readable by a model and by a person.

    `attempts` is how many requests were made, and `status` what the last was answered with, if it was.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(text.masked(f"{problem} {remedy}".strip()))
        self.attempts = 0
        self.status: int | None = None

    def after(self, attempts: int, status: int | None = None) -> Self:
        """Return the error with what came before it."""
        self.attempts, self.status = attempts, status
        return self


class CallError(PicaError):
    """The model can put this right by calling differently."""


class UnknownTool(CallError):
    """No tool of this caller has the name."""


class UnknownAction(CallError):
    """No action can be told by this id or name."""


class UnknownResource(CallError):
    """No resource of this caller has the URI."""


class UnknownPrompt(CallError):
    """No prompt has the name."""


class UnknownResult(CallError):
    """No answer of this caller is kept under the id."""


class InvalidArguments(CallError):
    """The arguments do not fit the tool; nothing was sent."""


class Reason(StrEnum):
    """The rule that said no, for code that acts on it and for the record."""

    KNOWLEDGE_ONLY = "knowledge_only"
    ACTION_NOT_ALLOWED = "action_not_allowed"
    PERMISSION = "permission"
    PLATFORM = "platform"
    ENVIRONMENT = "environment"
    IDENTITY = "identity"
    CONNECTION_NOT_ALLOWED = "connection_not_allowed"
    INACTIVE = "inactive"
    FAILED = "failed"
    NOT_CONNECTED = "not_connected"
    UNKNOWN_CONNECTION = "unknown_connection"
    AMBIGUOUS = "ambiguous"
    PLATFORM_NOT_ALLOWED = "platform_not_allowed"
    EFFECT = "effect"
    DECLINED = "declined"
    CANNOT_ASK = "cannot_ask"


class Refused(CallError):
    """Policy or ownership says no; nothing was sent."""

    def __init__(self, problem: str, remedy: str = "", *, reason: Reason) -> None:
        super().__init__(problem, remedy)
        self.reason = reason


class OperatorError(PicaError):
    """Whoever runs the server can put this right; the model can only pass it on."""


class InvalidSettings(OperatorError):
    """A setting is missing or malformed; the server does not start."""


class SecretUnavailable(OperatorError):
    """The secret cannot be read from where it should be; nothing was sent."""


class SecretRefused(OperatorError):
    """Pica does not accept the secret."""


class UpstreamRefused(OperatorError):
    """Pica, or something in front of it, refused a request that should have been fine."""


class TransientError(PicaError):
    """Only time helps."""


class Unreachable(TransientError):
    """Pica cannot be reached, answers too late, or answers nonsense."""


class TimedOut(Unreachable):
    """The time that a call has is over."""


class RateLimited(TransientError):
    """Too many requests for Pica, whose own limit does not tell how long to wait."""


class Busy(TransientError):
    """Too many calls wait in this server; nothing was sent."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "This server is busy; nothing was sent.", f"Try again in {retry_after_seconds} s, with fewer calls at once."
        )
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(TransientError):
    """A write was sent and its answer was lost: it may have been applied, so repeating it may apply it twice."""


def for_operators(words: str) -> str:
    """Return what is said to a model as it is said to whoever runs the server."""
    words = re.sub(r"\s*\bTell the operator\.|(?:;|, or) tell the operator\b", "", words)
    words = re.sub(r"\bask the operator to ", "", words)
    return re.sub(r"\bAsk the operator to (\w)", lambda found: found[1].upper(), words)


def trace(error: BaseException) -> str:
    """Return what broke and where, for a log: not in whose words, since these may hold what a caller sent."""
    inner = [*getattr(error, "exceptions", ()), error.__cause__ or error.__context__]
    places = [*traceback.format_tb(error.__traceback__), type(error).__qualname__]
    return "\nwith ".join(["".join(places), *(trace(one) for one in inner if one)])
