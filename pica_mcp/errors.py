"""The room of what can go wrong, split by who can act on it.

    PicaError
    ├── CallError              the model: change the call and try again
    │   ├── UnknownTool          no tool has this name
    │   ├── UnknownAction        no action has this id, or several match
    │   ├── UnknownResource      no resource of this caller has this URI
    │   ├── InvalidArguments     an argument is missing, misspelt or of the wrong kind
    │   └── Refused              policy or ownership says no; `reason` says which rule
    ├── OperatorError          whoever runs the server: change its settings or its network
    │   ├── InvalidSettings      a setting is missing or malformed
    │   ├── SecretRefused        Pica does not accept the secret
    │   └── UpstreamRefused      Pica, or something in front of it, refused the request
    └── TransientError         only time: wait, then try again
        ├── Unreachable          Pica cannot be reached or answers nonsense
        ├── RateLimited          too many requests for Pica itself
        └── OutcomeUnknown       a write was sent and no answer came: it may have been applied

Every message is two short sentences: what is wrong, and what to do next. Facts that code acts on are attributes.
"""

from __future__ import annotations

from enum import StrEnum


class PicaError(Exception):
    """What is wrong and what to do next, readable by a model and by a person."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())


class CallError(PicaError):
    """The model can put this right by calling differently."""


class UnknownTool(CallError):
    """No tool of this caller has the name."""


class UnknownAction(CallError):
    """No action can be told by this id or name."""


class UnknownResource(CallError):
    """No resource of this caller has the URI."""


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


class Refused(CallError):
    """Policy or ownership says no; nothing was sent."""

    def __init__(self, problem: str, remedy: str = "", *, reason: Reason) -> None:
        super().__init__(problem, remedy)
        self.reason = reason


class OperatorError(PicaError):
    """Whoever runs the server can put this right; the model can only pass it on."""


class InvalidSettings(OperatorError):
    """A setting is missing or malformed; the server does not start."""


class SecretRefused(OperatorError):
    """Pica does not accept the secret."""


class UpstreamRefused(OperatorError):
    """Pica, or something in front of it, refused a request that should have been fine."""

    def __init__(self, problem: str, remedy: str = "", *, status: int) -> None:
        super().__init__(problem, remedy)
        self.status = status


class TransientError(PicaError):
    """Only time helps."""


class Unreachable(TransientError):
    """Pica cannot be reached, answers too late, or answers nonsense."""


class RateLimited(TransientError):
    """Too many requests for Pica, whose own limit does not tell how long to wait."""


class OutcomeUnknown(TransientError):
    """A write was sent and its answer was lost: it may have been applied, so repeating it may apply it twice."""
