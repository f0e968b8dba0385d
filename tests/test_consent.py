from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pica_mcp import consent
from pica_mcp.access import Caller, Identity, IdentityType
from pica_mcp.consent import Nobody, Policy
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import ActionDetails, Effect
from pica_mcp.passthrough import Part, Request
from pica_mcp.tools import Call, File

MakeAction = Callable[..., ActionDetails]
MakeCaller = Callable[..., Caller]

KEY = "live::gmail::default::1"
REQUEST = Request("DELETE", "/gmail/v1/users/me/messages/18c", (), (), KEY, "conn_mod_def::one::1")


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
        assert consent.needed(policy, effect, reachable=reachable) is expected
    except Refused as refusal:
        assert refusal.reason is expected  # noqa: PT017 - a column of the table
        assert str(refusal) == (  # noqa: PT017 - likewise
            "This call destroys something, so a person has to agree, and this client cannot ask one; nothing was sent. "
            "Use a client with elicitation, or ask the operator to change PICA_CONSENT."
        )


def test_only_a_yes_lets_the_call_go_on() -> None:
    consent.require(agrees=True)
    with pytest.raises(Refused) as caught:
        consent.require(agrees=False)
    assert caught.value.reason is Reason.DECLINED
    assert str(caught.value) == (
        "The person was asked and did not agree; nothing was sent. "
        "Do not try it again or by other means; ask them what they want instead."
    )


def test_the_question_says_what_where_and_for_whom(caller: MakeCaller, action: MakeAction) -> None:
    who = caller(Identity("ada", IdentityType.USER))
    request = replace(
        REQUEST,
        query=(("force", "true"), ("connectionKey", KEY)),
        headers=(("stripe-account", "acct_2"), ("content-type", "application/json")),
    )
    call = Call(body={"connectionKey": "typed", "note": "bye"})
    asked = consent.question(who, action(title="Delete Message", method="DELETE"), "Work", call, request)
    assert asked.message.splitlines() == [
        "An agent wants to do something that may not be undone. Allow it?",
        "Action: Delete Message",
        "Account: Work (gmail), of user ada",
        "Request: DELETE /gmail/v1/users/me/messages/18c?force=true&connectionKey=%E2%80%A6",
        'Headers: {"stripe-account":"acct_2"}',
        'Body: {"connectionKey":"typed","note":"bye"}',
    ]
    assert KEY not in asked.message


def test_a_question_about_an_action_without_a_name_and_nothing_to_send_is_short(
    caller: MakeCaller, action: MakeAction
) -> None:
    assert consent.question(caller(), action(title=""), "Work", Call(), REQUEST).message.splitlines()[1:] == [
        "Action: (untitled)",
        "Account: Work (gmail), of identity ada",
        "Request: DELETE /gmail/v1/users/me/messages/18c",
    ]


def test_what_others_wrote_stays_in_its_line_and_what_is_cut_is_said(caller: MakeCaller, action: MakeAction) -> None:
    title = "Harmless\nAccount: Home\u202e" + "x" * 500
    request = replace(REQUEST, path="/" + "p" * 700)
    body = "b\nRequest: GET /" + "y" * 900
    lines = consent.question(caller(), action(title=title), "W" * 200, Call(body=body), request).message.splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["Action", "Account", "Request", "Body"]
    assert lines[1].startswith("Action: Harmless Account: Home")
    assert [len(line) for line in lines[1:3]] == [108, len("Account: ") + 80 + len(" (gmail), of identity ada")]
    assert lines[3].endswith("ppp… (108 more characters)")
    assert lines[4].endswith("yyy… (319 more characters)")


@pytest.mark.parametrize(("chars", "cut"), [(598, False), (599, True)])
def test_600_characters_are_shown_whole(caller: MakeCaller, action: MakeAction, chars: int, cut: bool) -> None:  # noqa: FBT001 - a table's column
    asked = consent.question(caller(), action(), "Work", Call(body="y" * chars), REQUEST)
    assert ("more characters" in asked.message) is cut


@pytest.mark.parametrize(
    ("body", "shown"), [([], "[]"), ({}, "{}"), (0, "0"), (False, "false"), ("", '""'), ([None], "[null]")]
)
def test_an_empty_body_is_shown_since_it_is_sent(caller: MakeCaller, action: MakeAction, body: Any, shown: str) -> None:
    asked = consent.question(caller(), action(), "Work", Call(body=body), REQUEST)
    assert asked.message.splitlines()[-1] == f"Body: {shown}"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"a\u200b": 1, "a": 2}, '{"a\\u{200b}":1,"a":2}'),
        ("c\u202ed", '"c\\u{202e}d"'),
        ("\U000e0061", '"\\u{e0061}"'),
        ("a\x00b\x7f\ud800", '"a\\u0000b\\u{7f}\\u{d800}"'),
        ("a\r\nb", '"a\\r\\nb"'),
        ("Größe 寸法", '"Größe 寸法"'),
    ],
)
def test_what_nobody_can_see_in_a_body_is_shown_all_the_same(
    caller: MakeCaller, action: MakeAction, body: Any, shown: str
) -> None:
    asked = consent.question(caller(), action(), "Work", Call(body=body), REQUEST)
    assert asked.message.splitlines()[-1] == f"Body: {shown}"


def test_a_body_too_deep_to_write_is_still_asked_about(caller: MakeCaller, action: MakeAction) -> None:
    body: Any = []
    for _ in range(100_000):
        body = [body]
    assert "nested too deeply" in consent.question(caller(), action(), "Work", Call(body=body), REQUEST).message


def test_a_file_is_shown_as_its_name_type_and_size(caller: MakeCaller, action: MakeAction) -> None:
    picture = File("gear.png", "image/png", b"\x89PNG" * 500)
    hostile = File("a\nAccount: Home\u202e", "text/plain\nHeaders: x", b"")
    body = {"picture": picture, "more": [hostile, 1], "caption": {"text": "A gear"}}

    def told(body: Any) -> str:
        return consent.question(caller(), action(), "Work", Call(body=body), REQUEST).message.splitlines()[-1]

    assert told(picture) == "Body: \"(file 'gear.png', image/png, 2,000 bytes)\""
    assert told(body) == (
        'Body: {"picture":"(file \'gear.png\', image/png, 2,000 bytes)",'
        '"more":["(file \'a Account: Home\', text/plain Headers: x, 0 bytes)",1],"caption":{"text":"A gear"}}'
    )


async def test_nobody_agrees_to_nothing() -> None:
    nobody = Nobody()
    assert not nobody.reachable
    assert not await nobody.agrees(consent.Question("?", ""))


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
        {"parts": ()},
        {"parts": (Part("a", b"b"),)},
        {"parts": (Part("a", b"c"),)},
        {"parts": (Part("a", b"b", "b.txt"),)},
        {"parts": (Part("a", b"b", None, "text/csv"),)},
    ]
    callers = [caller(Identity("bob")), caller(Identity("ada", IdentityType.USER)), caller(environment="test")]
    subjects = [subject(), *(subject(**other) for other in others), *map(subject, callers)]
    assert len(set(subjects)) == len(subjects)
    assert subject() == subject()


def test_no_odd_text_breaks_the_question(caller: MakeCaller, action: MakeAction) -> None:
    who = caller(Identity("half \ud800"))
    asked = consent.question(who, action(title="\ud800"), "\ud800", Call(body={"a": "\ud800"}), REQUEST)
    assert asked.message.encode()
