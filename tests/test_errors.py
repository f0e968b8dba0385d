from __future__ import annotations

import pytest

from pica_mcp import errors
from pica_mcp.errors import CallError, OperatorError, PicaError, Reason, Refused, TransientError, for_operators

BRANCHES = {
    CallError: (
        "UnknownTool",
        "UnknownAction",
        "UnknownResource",
        "UnknownPrompt",
        "UnknownResult",
        "InvalidArguments",
        "Refused",
    ),
    OperatorError: ("InvalidSettings", "SecretUnavailable", "SecretRefused", "UpstreamRefused"),
    TransientError: ("Unreachable", "TimedOut", "RateLimited", "Busy", "OutcomeUnknown"),
}


@pytest.mark.parametrize(("branch", "leaf"), [(b, leaf) for b, leaves in BRANCHES.items() for leaf in leaves])
def test_every_error_is_for_exactly_one_who_can_act(branch: type[PicaError], leaf: str) -> None:
    kind = getattr(errors, leaf)
    assert [b for b in BRANCHES if issubclass(kind, b)] == [branch]


def test_no_error_is_outside_the_tree() -> None:
    defined = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    drawn = {leaf for leaves in BRANCHES.values() for leaf in leaves}
    assert defined == drawn | {kind.__name__ for kind in BRANCHES} | {"PicaError"}


@pytest.mark.parametrize(
    ("problem", "remedy", "said"),
    [("It is broken.", "Mend it.", "It is broken. Mend it."), ("It is broken.", "", "It is broken.")],
)
def test_an_error_says_what_is_wrong_and_then_what_to_do(problem: str, remedy: str, said: str) -> None:
    assert str(PicaError(problem, remedy)) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("It may not. Ask the operator to change PICA_X.", "It may not. Change PICA_X."),
        ("It may not. Choose another, or ask the operator to add it.", "It may not. Choose another, or add it."),
        ("It is broken. Tell the operator.", "It is broken."),
        ("It is too large. Ask for less, or tell the operator.", "It is too large. Ask for less."),
        ("Pica does not let this server do it; tell the operator.", "Pica does not let this server do it."),
        ("It is the operator's. Ask the person.", "It is the operator's. Ask the person."),
    ],
)
def test_what_is_for_the_operator_is_said_to_the_operator(told: str, said: str) -> None:
    assert for_operators(told) == said


def test_a_refusal_carries_its_rule_and_does_not_say_its_name() -> None:
    refusal = Refused("No.", "Stop.", reason=Reason.IDENTITY)
    assert (refusal.reason, str(refusal)) == (Reason.IDENTITY, "No. Stop.")


def test_errors_carry_their_facts() -> None:
    assert errors.UpstreamRefused("No.").after(2, 418).status == 418


def test_a_trace_tells_what_broke_and_where_and_in_nobodys_words() -> None:
    def fail(words: str) -> None:
        raise ExceptionGroup(words, [OSError(words), ValueError(words)]) from KeyError(words)

    with pytest.raises(ExceptionGroup) as caught:
        fail("theirs: " + "canary".upper())
    trace = errors.trace(caught.value)
    for told in ("ExceptionGroup", "OSError", "ValueError", "KeyError", "test_errors.py", "in fail"):
        assert told in trace
    assert "CANARY" not in trace
