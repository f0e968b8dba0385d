from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accounts_drawn import ACTIONS, CALLERS, KEYS, ROWS
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.access import Caller, Identity, IdentityType, Permission, admit, how_to_connect
from pica_mcp.accounts import by_platform, choices, choose, label_connections, label_of, with_others
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, ActionDetails, Connection

MakeAction = Callable[..., ActionDetails]
MakeConnection = Callable[..., Connection]
MakeCaller = Callable[..., Caller]

USER, TEAM = IdentityType.USER, IdentityType.TEAM


def refused(caller: Caller, action: Action, rows: list[Connection], wanted: str | None) -> Refused:
    with pytest.raises(Refused) as caught:
        choose(caller, action, rows, wanted)
    return caught.value


# Labels


NAMED = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(["", "work", "WORK", "a\u200bb", "ab"]) | st.text(max_size=70),
        st.sampled_from([[], ["x"]]),
    ),
    unique_by=lambda row: row[0],
    max_size=8,
)


@given(NAMED, st.randoms(use_true_random=False))
def test_labels_are_unique_clean_and_do_not_depend_on_order(
    caller: MakeCaller, connection: MakeConnection, rows: list[tuple[int, str, list[str]]], random: Any
) -> None:
    found = [connection(key=f"live::gmail::{n}", name=name, tags=tags) for n, name, tags in rows]
    labels = label_connections(caller(), found)
    assert sorted(c.key for c in labels.values()) == sorted(c.key for c in found)
    assert len({label.casefold() for label in labels}) == len(labels)
    for label in labels:
        assert label == " ".join(label.split())
        assert label.encode().decode() == label
        assert 0 < len(label) <= 67
    random.shuffle(found)
    assert label_connections(caller(), found) == labels


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"name": "work", "tags": ["x"]}, "work"),
        ({"name": "", "tags": ["x", "y"]}, "x"),
        ({"name": "  ada@example.org\n"}, "ada@example.org"),
        ({"name": "pay\u202e\U000e0041\x00pal"}, "paypal"),
        ({"name": "half \ud800"}, "half \ufffd"),
        ({"name": "x" * 99}, "x" * 59 + "…"),
    ],
)
def test_a_label_is_the_name_else_the_tag_made_safe_to_show(
    caller: MakeCaller, connection: MakeConnection, row: dict[str, Any], label: str
) -> None:
    assert list(label_connections(caller(), [connection(**row)])) == [label]


def test_a_connection_without_a_name_is_called_by_its_platform_and_never_by_its_key(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    key = "live::gmail::default::0123456789abcdef"
    assert list(label_connections(caller(), [connection(key=key)])) == ["gmail"]
    several = label_connections(
        caller(), [connection(key=key), connection(key=f"{key}0"), connection(key=f"{key}1", name="Home")]
    )
    assert [label[:6] for label in several] == ["gmail-", "gmail-", "Home"]
    assert not [label for label in several if label[6:] and label[6:] in key]


def test_a_connection_that_is_authorised_anew_keeps_its_label(caller: MakeCaller, connection: MakeConnection) -> None:
    for name in ("", "Work"):
        (before,) = label_connections(caller(), [connection(key="live::gmail::1", name=name)])
        (after,) = label_connections(caller(), [connection(key="live::gmail::2", name=name)])
        assert before == after


def test_accounts_of_several_people_are_told_apart_by_whose_they_are(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    rows = [
        connection(key="live::gmail::1", name="Work", identity="ada"),
        connection(key="live::gmail::2", name="Work", identity="bob"),
        connection(key="live::gmail::default::secret", name="Work", identity="secret"),
        connection(key="live::gmail::4", identity="ada"),
        connection(key="live::gmail::5", identity="bob"),
    ]
    labels = list(label_connections(caller(), rows))
    assert [*labels[:2], *labels[3:]] == ["Work (ada)", "Work (bob)", "gmail (ada)", "gmail (bob)"]
    assert labels[2].startswith("Work-")
    assert "secret" not in labels[2]


def test_whose_an_account_is_is_cut_where_it_gets_long(caller: MakeCaller, connection: MakeConnection) -> None:
    rows = [connection(key=f"live::gmail::{who}1", name="Work", identity=who * 61) for who in "ab"]
    assert list(label_connections(caller(), rows)) == [f"Work ({'a' * 59}…)", f"Work ({'b' * 59}…)"]


def test_a_name_that_imitates_anothers_label_takes_it_neither_now_nor_later(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    ada = connection(key="live::gmail::1", name="Work", identity="ada")
    before = label_connections(caller(), [ada, connection(key="live::gmail::2", name="Work", identity="mallory")])
    assert before["Work (ada)"] is ada
    after = label_connections(caller(), [ada, connection(key="live::gmail::2", name="Work (ada)", identity="mallory")])
    assert list(after) == ["Work", "Work [ada]"]


def test_names_that_several_share_all_get_a_suffix(caller: MakeCaller, connection: MakeConnection) -> None:
    labels = label_connections(
        caller(), [connection(key="1", name="Work"), connection(key="2", name="work"), connection(key="3", name="home")]
    )
    assert [label[:5] for label in labels] == ["Work-", "work-", "home"]
    assert labels["home"].key == "3"


def test_a_name_that_imitates_a_suffix_hides_no_other_connection(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    plain = connection(key="1")
    (label,) = label_connections(caller(), [plain])
    imitator = connection(key="2", name=label)
    assert sorted(c.key for c in label_connections(caller(), [plain, imitator]).values()) == ["1", "2"]


# The choice of a connection


def test_the_only_connection_needs_no_name(caller: MakeCaller, action: MakeAction, connection: MakeConnection) -> None:
    mine = connection()
    others = [connection(key="live::slack::1", platform="slack"), connection(key="live::gmail::9", identity="bob")]
    assert choose(caller(), action(), [*others, mine], None) is mine


def test_the_only_working_connection_needs_no_name(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    mine = connection(key="live::gmail::2")
    assert choose(caller(), action(), [connection(state="failed"), mine], None) is mine


def test_several_connections_are_ambiguous_and_their_labels_are_told(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    rows = [
        connection(key="live::gmail::1", name="work"),
        connection(key="live::gmail::2", name="home"),
        connection(key="live::gmail::3", name="dead", state="failed"),
        connection(key="live::gmail::4", name="hers", identity="bob"),
    ]
    refusal = refused(caller(), action(), rows, None)
    assert refusal.reason is Reason.AMBIGUOUS
    assert str(refusal) == (
        "Several gmail accounts are connected. Pass one of these as the connection: 'home', 'work'."
    )


@pytest.mark.parametrize("wanted", ["Work", "work", "WORK", "live::gmail::1"])
def test_a_connection_is_named_by_label_in_any_case_or_by_key(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, wanted: str
) -> None:
    work = connection(key="live::gmail::1", name="Work")
    assert choose(caller(), action(), [connection(key="live::gmail::2", name="Home"), work], wanted) is work


def test_nothing_connected_says_where_to_connect(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    refusal = refused(caller(), action(), [connection(platform="slack"), connection(identity="bob")], None)
    assert refusal.reason is Reason.NOT_CONNECTED
    assert (
        str(refusal)
        == f"gmail is not connected. Ask the person to connect it: {how_to_connect(Identity('ada'), 'gmail')}"
    )


@pytest.mark.parametrize("mine", [[], [{"key": "live::gmail::5", "name": "work"}]])
@pytest.mark.parametrize(
    "foreign",
    [
        {"identity": "bob"},
        {"environment": "test"},
        {"identity": "bob", "state": "failed"},
        {"identity": "bob", "platform": "slack"},
    ],
)
def test_a_foreign_key_is_refused_in_the_same_words_as_one_that_does_not_exist(  # entry_02
    caller: MakeCaller,
    action: MakeAction,
    connection: MakeConnection,
    mine: list[dict[str, Any]],
    foreign: dict[str, Any],
) -> None:
    own = [connection(**row) for row in mine]
    theirs = connection(key="live::gmail::9", name="hers", **foreign)
    for wanted in ("live::gmail::9", "hers"):
        told = refused(caller(), action(), [*own, theirs], wanted)
        untold = refused(caller(), action(), own, wanted)
        assert (str(told), told.reason) == (str(untold), untold.reason)
        assert told.reason is Reason.UNKNOWN_CONNECTION


def test_a_key_off_the_list_is_refused_like_one_that_does_not_exist(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    who = caller(connection_keys=frozenset({"live::gmail::1"}))
    rows = [connection(key="live::gmail::1", name="work"), connection(key="live::gmail::2", name="home")]
    refusal = refused(who, action(), rows, "live::gmail::2")
    assert (refusal.reason, str(refusal)) == (
        Reason.UNKNOWN_CONNECTION,
        "There is no gmail connection 'live::gmail::…'. Pass one of these as the connection: 'work'.",
    )


@pytest.mark.parametrize(
    ("row", "reason"), [({"state": "failed"}, Reason.FAILED), ({"active": False}, Reason.INACTIVE)]
)
@pytest.mark.parametrize("wanted", ["work", "live::gmail::1", None])
def test_a_broken_connection_is_refused_with_the_link_to_mend_it(  # entry_09
    caller: MakeCaller,
    action: MakeAction,
    connection: MakeConnection,
    row: dict[str, Any],
    reason: Reason,
    wanted: str | None,
) -> None:
    refusal = refused(caller(), action(), [connection(key="live::gmail::1", name="work", **row)], wanted)
    assert refusal.reason is reason
    assert str(refusal).endswith(how_to_connect(Identity("ada"), "gmail"))


def test_a_connection_of_another_platform_is_refused_by_its_key(  # entry_05
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    refusal = refused(caller(), action(), [connection(key="live::slack::1", platform="slack")], "live::slack::1")
    assert refusal.reason is Reason.PLATFORM
    assert str(refusal) == "That connection is of slack, but the action is of gmail. Use a connection of gmail."


def test_a_label_of_another_platform_is_unknown(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    refusal = refused(caller(), action(), [connection(platform="slack", name="work")], "work")
    assert refusal.reason is Reason.UNKNOWN_CONNECTION


def test_the_actions_own_refusal_goes_before_that_of_any_connection(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    for rows in ([connection()], []):
        refusal = refused(caller(permission=Permission.READ), action(method="POST"), rows, None)
        assert refusal.reason is Reason.PERMISSION


CONNECT = "Ask the person to connect {}: https://app.picaos.com/connections#open=gmail"
OFFER = "Pass one of these as the connection: 'gmail'."
# default, state of the account, what the call names, message
ACCOUNTLESS: list[tuple[str | None, str | None, str | None, str]] = [
    (None, None, None, f"gmail is not connected. {CONNECT.format('it')}"),
    (None, None, "x", f"There is no gmail connection 'x'. {CONNECT.format('gmail')}"),
    ("x", "failed", None, f"The default account of gmail, 'x', is not connected. {CONNECT.format('gmail')}"),
    (None, "operational", "x" * 80, f"There is no gmail connection '{'x' * 78}…. {OFFER}"),
    ("x" * 80, "operational", None, f"The default account of gmail, '{'x' * 78}…, is not connected. {OFFER}"),
]


@pytest.mark.parametrize(("default", "state", "wanted", "message"), ACCOUNTLESS)
def test_a_call_without_its_account_is_told_what_to_do_next(
    caller: MakeCaller,
    action: MakeAction,
    connection: MakeConnection,
    default: str | None,
    state: str | None,
    wanted: str | None,
    message: str,
) -> None:
    who = caller(Identity(), defaults={"gmail": default} if default else {})
    rows = [connection(state=state)] if state else []
    assert str(refused(who, action(), rows, wanted)) == message


@given(CALLERS, ACTIONS, st.lists(ROWS, max_size=5), st.none() | st.sampled_from([*KEYS, "work", "home", "gmail"]))
def test_whatever_is_chosen_satisfies_every_rule_and_no_refusal_tells_a_key(
    action: MakeAction,
    connection: MakeConnection,
    who: Caller,
    act: dict[str, Any],
    rows: list[dict[str, Any]],
    wanted: str | None,
) -> None:
    found = [connection(**row) for row in rows]
    try:
        chosen = choose(who, action(**act), found, wanted)
    except Refused as refusal:
        assert not [key for key in KEYS if key in str(refusal) and key != wanted]  # noqa: PT017 - one of two outcomes
    else:
        assert chosen in found
        assert admit(who, action(**act), chosen) is None


def test_an_exact_key_goes_before_a_label_that_imitates_it(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    meant = connection(key="live::gmail::1", name="work")
    imitator = connection(key="live::gmail::2", name="live::gmail::1")
    assert choose(caller(), action(), [imitator, meant], "live::gmail::1") is meant
    assert choose(caller(), action(), [meant, imitator], "live::gmail::1") is meant


def test_only_working_connections_are_offered_in_place_of_an_unknown_one(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    rows = [
        connection(key="live::gmail::1", name="works"),
        connection(key="live::gmail::2", name="failed", state="failed"),
        connection(key="live::gmail::3", name="off", active=False),
    ]
    assert str(refused(caller(), action(), rows, "nobody")) == (
        "There is no gmail connection 'nobody'. Pass one of these as the connection: 'works'."
    )
    assert str(refused(caller(), action(), rows[1:], "nobody")) == (
        "There is no gmail connection 'nobody'. "
        f"Ask the person to connect gmail: {how_to_connect(Identity('ada'), 'gmail')}"
    )


# All of them


def test_accounts_are_listed_by_platform_in_the_order_of_their_names(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    slack = connection(key="live::slack::1", platform="slack")
    work, home = connection(key="live::gmail::1", name="Work"), connection(key="live::gmail::2", name="Home")
    listed = by_platform(caller(names={"live::gmail::1": "Office"}), [slack, work, home])
    assert [(platform, list(labels.items())) for platform, labels in listed.items()] == [
        ("gmail", [("Home", home), ("Office", work)]),
        ("slack", [("slack", slack)]),
    ]


def test_accounts_that_may_not_be_used_take_no_label_of_those_that_may(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    seen, twin, other = (connection(key=f"live::gmail::{n}", name=name) for n, name in enumerate(("Work", "work", "B")))
    slack = connection(key="live::slack::1", platform="slack")
    listed = with_others(by_platform(caller(), [seen]), [slack, other, twin, seen])
    assert [(platform, list(labels.values())) for platform, labels in listed.items()] == [
        ("gmail", [seen, other, twin]),
        ("slack", [slack]),
    ]
    assert [*listed["gmail"]] == ["Work", "B", "work (ada)"]


def test_an_account_has_the_label_that_it_has_among_the_callers_own(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    mine = connection(key="live::gmail::1", name="Work")
    theirs = connection(key="live::gmail::2", name="Work", identity="bob")
    elsewhere = connection(key="live::slack::1", name="Work", platform="slack")
    home = connection(key="live::gmail::3", name="Home", state="failed")
    among = [theirs, elsewhere, home, mine]
    assert [label_of(caller(), row, among) for row in (mine, home)] == ["Work", "Home"]
    assert label_of(caller(names={"live::gmail::1": "Office"}), mine, among) == "Office"


# What the settings call them, and the default


def three(connection: MakeConnection) -> list[Connection]:
    return [
        connection(key="live::gmail::1", name="ada@work.example"),
        connection(key="live::gmail::2", name="ada@home.example"),
        connection(key="live::gmail::3"),
    ]


@pytest.mark.parametrize("meant", ["live::gmail::1", "gmail/ada@work.example"])
def test_a_connection_is_called_as_the_settings_say(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, meant: str
) -> None:
    rows, who = three(connection), caller(names={meant: "Work"})
    assert set(label_connections(who, rows)) == {"Work", "ada@home.example", "gmail"}
    assert choose(who, action(), rows, "work") is rows[0]
    assert refused(who, action(), rows, "ada@work.example").reason is Reason.UNKNOWN_CONNECTION


def test_a_name_by_label_holds_when_the_account_is_authorised_anew(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    who = caller(names={"gmail/ada@work.example": "Work"})
    renewed = connection(key="live::gmail::9", name="ada@work.example")
    assert label_connections(who, [*three(connection)[1:], renewed])["Work"] is renewed


def test_nobody_takes_the_name_that_the_settings_gave(caller: MakeCaller, connection: MakeConnection) -> None:
    who = caller(names={"live::gmail::1": "Work"})
    imitator = connection(key="live::gmail::8", name="WORK", identity="mallory")
    labels = label_connections(who, [imitator, *three(connection)])
    assert labels["Work"].key == "live::gmail::1"
    assert next(label for label, c in labels.items() if c is imitator) == "WORK (mallory)"


def test_a_name_by_label_is_nobodys_where_the_label_is_no_longer_one_accounts(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    who = caller(names={"gmail/ada@work.example": "Work"})
    imitator = connection(key="live::gmail::8", name="ada@work.example", identity="mallory")
    assert set(label_connections(who, [imitator, *three(connection)])) == {
        "ada@work.example (mallory)",
        "ada@work.example (ada)",
        "ada@home.example",
        "gmail",
    }


def test_a_name_for_another_platforms_connection_changes_nothing(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    who = caller(names={"slack/ada@work.example": "Work", "live::gmail::77": "Gone"})
    assert label_connections(who, three(connection)) == label_connections(caller(), three(connection))


@pytest.mark.parametrize("default", ["Work", "live::gmail::1"])
def test_a_call_that_names_no_account_means_the_default(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, default: str
) -> None:
    rows = three(connection)
    who = caller(names={"live::gmail::1": "Work"}, defaults={"gmail": default})
    assert choose(who, action(), rows, None) is rows[0]
    assert choose(who, action(), rows, "ada@home.example") is rows[1]
    assert choices(who, rows, "gmail") == (["Work", "ada@home.example", "gmail"], "Work")


@pytest.mark.parametrize("kept", [1, 2])
def test_a_default_that_is_gone_is_never_replaced_by_another_account(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, kept: int
) -> None:
    rows, who = three(connection)[:kept], caller(defaults={"gmail": "Work"})
    refusal = refused(who, action(), rows, None)
    assert refusal.reason is Reason.UNKNOWN_CONNECTION
    assert str(refusal).startswith("The default account of gmail, 'Work', is not connected. Pass one of these")
    assert choices(who, rows, "gmail")[1] is None


def test_a_default_that_failed_says_so(caller: MakeCaller, action: MakeAction, connection: MakeConnection) -> None:
    rows = [
        connection(key="live::gmail::1", name="Work", state="failed"),
        connection(key="live::gmail::2", name="Home"),
    ]
    who = caller(defaults={"gmail": "Work"})
    assert refused(who, action(), rows, None).reason is Reason.FAILED
    assert choices(who, rows, "gmail") == (["Home"], None)


def test_a_default_that_is_somebody_elses_is_not_connected(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    rows = [
        connection(key="live::gmail::1", name="Work", identity="bob"),
        connection(key="live::gmail::2", name="Home"),
    ]
    for default in ("Work", "live::gmail::1"):
        refusal = refused(caller(defaults={"gmail": default}), action(), rows, None)
        assert refusal.reason is Reason.UNKNOWN_CONNECTION


def test_there_is_no_choice_with_one_working_account(caller: MakeCaller, connection: MakeConnection) -> None:
    rows = [
        connection(key="live::gmail::1", name="Work"),
        connection(key="live::gmail::2", name="Home", state="failed"),
    ]
    assert choices(caller(), rows, "gmail") == (["Work"], "Work")
    assert choices(caller(), rows, "slack") == ([], None)
    assert choices(caller(), three(connection), "gmail")[1] is None
