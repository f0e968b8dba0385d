from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pica_mcp import consent
from pica_mcp.access import Caller, Identity, IdentityType
from pica_mcp.consent import Policy, Question
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import ActionDetails, Effect
from pica_mcp.passthrough import Request
from pica_mcp.tools import Call

MakeAction = Callable[..., ActionDetails]
MakeCaller = Callable[..., Caller]

KEY = "live::gmail::default::1"
REQUEST = Request("DELETE", "/gmail/v1/users/me/messages/18c", (), (), KEY, "conn_mod_def::one::1")


@dataclass
class Someone:
    reachable: bool

    async def agrees(self, question: Question) -> bool:
        raise AssertionError


@pytest.mark.parametrize(
    ("policy", "effect", "reachable", "expected"),
    [
        (Policy.AUTO, Effect.DESTRUCTIVE, True, True),
        (Policy.AUTO, Effect.DESTRUCTIVE, False, False),
        (Policy.AUTO, Effect.WRITE, True, False),
        (Policy.AUTO, Effect.READ, True, False),
        (Policy.ALWAYS, Effect.DESTRUCTIVE, True, True),
        (Policy.ALWAYS, Effect.DESTRUCTIVE, False, Reason.CANNOT_ASK),
        (Policy.ALWAYS, Effect.WRITE, False, False),
        (Policy.OFF, Effect.DESTRUCTIVE, True, False),
        (Policy.OFF, Effect.DESTRUCTIVE, False, False),
    ],
)
def test_who_is_asked_before_what(policy: Policy, effect: Effect, reachable: bool, expected: bool | Reason) -> None:  # noqa: FBT001 - a table's column
    try:
        assert consent.needed(policy, effect, Someone(reachable)) is expected
    except Refused as refusal:
        assert refusal.reason is expected  # noqa: PT017 - a column of the table


def test_only_a_yes_lets_the_call_go_on() -> None:
    consent.require(agrees=True)
    with pytest.raises(Refused, match="Do not try it again") as caught:
        consent.require(agrees=False)
    assert caught.value.reason is Reason.DECLINED


def test_the_question_says_what_where_and_for_whom(caller: MakeCaller, action: MakeAction) -> None:
    who = caller(Identity("ada", IdentityType.USER))
    call = Call(query={"force": True}, body={"connectionKey": "typed", "note": "bye"})
    asked = consent.question(who, action(title="Delete Message", method="DELETE"), "Work", call, REQUEST)
    assert asked.message.splitlines() == [
        "An agent wants to do something that may not be undone. Allow it?",
        "Action: Delete Message",
        "Account: Work (gmail), of user ada",
        "Request: DELETE /gmail/v1/users/me/messages/18c",
        'Arguments: {"query":{"force":true},"body":{"connectionKey":"typed","note":"bye"}}',
    ]
    assert KEY not in asked.message


def test_what_others_wrote_stays_in_its_line_and_what_is_cut_is_said(caller: MakeCaller, action: MakeAction) -> None:
    title = "Harmless\nAccount: Home\u202e" + "x" * 500
    asked = consent.question(
        caller(), action(title=title), "Work", Call(body={"a": "b\nRequest: GET /" + "y" * 900}), REQUEST
    )
    lines = asked.message.splitlines()
    assert [line.split(":")[0] for line in lines[1:5]] == ["Action", "Account", "Request", "Arguments"]
    assert lines[1].startswith("Action: Harmless Account: Home")
    assert lines[5].endswith("more characters of arguments are not shown.)")
    assert len(asked.message) < 2_000


def test_an_answer_is_for_one_caller_one_account_and_one_request(caller: MakeCaller, action: MakeAction) -> None:
    def subject(who: Caller = caller(), **changed: Any) -> str:  # noqa: B008 - the plain caller
        return consent.question(who, action(), "Work", Call(), replace(REQUEST, **changed)).subject

    others: list[dict[str, Any]] = [
        {"method": "POST"},
        {"path": "/gmail/v1/users/me/messages/18d"},
        {"query": (("force", "true"),)},
        {"headers": (("if-match", "1"),)},
        {"connection_key": "live::gmail::default::2"},
        {"action_id": "conn_mod_def::other::1"},
        {"content": b"{}"},
        {"fields": (("a", "b"),)},
    ]
    callers = [caller(Identity("bob")), caller(Identity("ada", IdentityType.USER)), caller(environment="test")]
    subjects = [subject(), *(subject(**other) for other in others), *map(subject, callers)]
    assert len(set(subjects)) == len(subjects)
    assert subject() == subject()


def test_no_odd_text_breaks_the_question(caller: MakeCaller, action: MakeAction) -> None:
    who = caller(Identity("half \ud800"))
    asked = consent.question(who, action(title="\ud800"), "\ud800", Call(body={"a": "\ud800"}), REQUEST)
    assert asked.message.encode()
