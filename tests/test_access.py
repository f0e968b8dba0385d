from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.access import (
    Caller,
    Grant,
    Identity,
    IdentityType,
    Permission,
    admit,
    choose,
    how_to_connect,
    invites,
    label_connections,
    usable,
    visible,
)
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Connection, Effect

MakeAction = Callable[..., Action]
MakeConnection = Callable[..., Connection]
MakeCaller = Callable[..., Caller]
Change = Mapping[str, Mapping[str, Any]]

USER = IdentityType.USER
TEAM = IdentityType.TEAM

# The checks in the order of the room's docstring, each with the least change that makes it fail.
CHECKS: list[tuple[Reason, Change]] = [
    (Reason.KNOWLEDGE_ONLY, {"caller": {"knowledge_only": True}}),
    (Reason.ACTION_NOT_ALLOWED, {"action": {"id": "conn_mod_def::other"}}),
    (Reason.PERMISSION, {"action": {"method": "DELETE"}}),
    (Reason.PLATFORM, {"connection": {"platform": "slack"}}),
    (Reason.ENVIRONMENT, {"connection": {"environment": "test"}}),
    (Reason.IDENTITY, {"connection": {"identity": "bob"}}),
    (Reason.CONNECTION_NOT_ALLOWED, {"connection": {"key": "live::gmail::default::9"}}),
    (Reason.INACTIVE, {"connection": {"active": False}}),
    (Reason.FAILED, {"connection": {"state": "failed"}}),
]
STRICT = {
    "permission": Permission.WRITE,
    "connection_keys": frozenset({"live::gmail::default::1"}),
    "action_ids": frozenset({"conn_mod_def::one::1"}),
}


def reason_of(refusal: Refused | None) -> Reason | None:
    return refusal and refusal.reason


def refused(caller: Caller, action: Action, rows: list[Connection], wanted: str | None) -> Refused:
    with pytest.raises(Refused) as caught:
        choose(caller, action, rows, wanted)
    return caught.value


# The order of the checks


def test_what_passes_every_check_is_admitted(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    assert admit(caller(Identity("ada", USER), **STRICT), action(), connection()) is None


@pytest.mark.parametrize(("reason", "change"), CHECKS)
def test_each_check_alone_refuses_with_its_reason(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, reason: Reason, change: Change
) -> None:
    who = caller(Identity("ada", USER), **{**STRICT, **change.get("caller", {})})
    row = connection(**change.get("connection", {}))
    assert reason_of(admit(who, action(**change.get("action", {})), row)) is reason


@pytest.mark.parametrize(("first", "second"), [*combinations(CHECKS, 2)])
def test_of_two_failing_checks_the_earlier_one_is_the_reason(
    caller: MakeCaller,
    action: MakeAction,
    connection: MakeConnection,
    first: tuple[Reason, Change],
    second: tuple[Reason, Change],
) -> None:
    changed: dict[str, dict[str, Any]] = {
        part: {**second[1].get(part, {}), **first[1].get(part, {})} for part in ("caller", "action", "connection")
    }
    who = caller(Identity("ada", USER), **{**STRICT, **changed["caller"]})
    assert reason_of(admit(who, action(**changed["action"]), connection(**changed["connection"]))) is first[0]


def test_knowledge_only_lets_actions_be_known_and_connections_be_seen(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    who = caller(knowledge_only=True)
    assert admit(who, action()) is None
    assert admit(who, connection=connection()) is None
    assert admit(who) is None


def test_an_action_is_judged_without_a_connection(caller: MakeCaller, action: MakeAction) -> None:
    assert reason_of(admit(caller(permission=Permission.READ), action(method="POST"))) is Reason.PERMISSION
    assert reason_of(admit(caller(action_ids=frozenset()), action())) is Reason.ACTION_NOT_ALLOWED


# Whose a connection is


@pytest.mark.parametrize(
    ("identity", "row", "admitted"),
    [
        # No identity: the whole account.
        (Identity(), {"identity": "ada", "identity_type": "user"}, True),
        (Identity(), {"identity": None, "identity_type": None}, True),
        # An id without a type: any type.
        (Identity("ada"), {"identity": "ada", "identity_type": "user"}, True),
        (Identity("ada"), {"identity": "ada", "identity_type": "team"}, True),
        (Identity("ada"), {"identity": "ada", "identity_type": None}, True),
        (Identity("ada"), {"identity": "bob", "identity_type": "user"}, False),
        (Identity("ada"), {"identity": None, "identity_type": None}, False),
        (Identity("ada"), {"identity": "", "identity_type": "user"}, False),
        (Identity("ada"), {"identity": "Ada", "identity_type": "user"}, False),
        # Both.
        (Identity("ada", USER), {"identity": "ada", "identity_type": "user"}, True),
        (Identity("ada", USER), {"identity": "ada", "identity_type": "team"}, False),
        (Identity("ada", USER), {"identity": "bob", "identity_type": "user"}, False),
        # A row without a type passes only where no type is configured.
        (Identity("ada", USER), {"identity": "ada", "identity_type": None}, False),
        # A type alone: everybody of that type.
        (Identity(None, TEAM), {"identity": "red", "identity_type": "team"}, True),
        (Identity(None, TEAM), {"identity": "blue", "identity_type": "team"}, True),
        (Identity(None, TEAM), {"identity": "ada", "identity_type": "user"}, False),
        (Identity(None, TEAM), {"identity": "red", "identity_type": None}, False),
    ],
)
def test_a_row_is_the_identitys_by_its_id_and_its_type(  # entry_02
    caller: MakeCaller,
    connection: MakeConnection,
    identity: Identity,
    row: dict[str, Any],
    admitted: bool,  # noqa: FBT001 - a table's column
) -> None:
    expected = None if admitted else Reason.IDENTITY
    assert reason_of(admit(caller(identity), connection=connection(**row))) is expected


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (Identity(), "the whole account"),
        (Identity("ada"), "identity ada"),
        (Identity("ada", USER), "user ada"),
        (Identity(None, TEAM), "team (any)"),
    ],
)
def test_an_identity_is_said_as_people_say_it(identity: Identity, said: str) -> None:
    assert str(identity) == said


# Grants, environment, state


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (Permission.READ, {Effect.READ}),
        (Permission.WRITE, {Effect.READ, Effect.WRITE}),
        (Permission.ADMIN, {Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE}),
    ],
)
def test_a_permission_covers_its_effects_and_all_lesser_ones(permission: Permission, allowed: set[Effect]) -> None:
    assert {effect for effect in Effect if permission.covers(effect)} == allowed


@pytest.mark.parametrize(
    ("keys", "admitted"),
    [
        (None, True),
        (frozenset({"live::gmail::default::1"}), True),
        (frozenset({"other"}), False),
        (frozenset[str](), False),
    ],
)
def test_an_empty_list_of_connections_allows_none(  # entry_06
    caller: MakeCaller,
    connection: MakeConnection,
    keys: frozenset[str] | None,
    admitted: bool,  # noqa: FBT001 - a table's column
) -> None:
    expected = None if admitted else Reason.CONNECTION_NOT_ALLOWED
    assert reason_of(admit(caller(connection_keys=keys), connection=connection())) is expected


def test_an_empty_list_of_actions_allows_none(caller: MakeCaller, action: MakeAction) -> None:  # entry_06
    assert reason_of(admit(caller(action_ids=frozenset()), action())) is Reason.ACTION_NOT_ALLOWED
    assert admit(caller(action_ids=None), action()) is None


@pytest.mark.parametrize(
    ("environment", "row", "admitted"),
    [
        ("live", {"environment": "live"}, True),
        ("test", {"environment": "live"}, False),
        ("test", {"environment": "test"}, True),
        ("live", {"environment": "", "key": "live::gmail::1"}, True),
        ("live", {"environment": "", "key": "test::gmail::1"}, False),
        ("live", {"environment": "", "key": "nothing"}, False),
    ],
)
def test_the_environment_is_the_secrets_and_without_one_the_keys(
    caller: MakeCaller,
    connection: MakeConnection,
    environment: str,
    row: dict[str, Any],
    admitted: bool,  # noqa: FBT001 - a table's column
) -> None:
    expected = None if admitted else Reason.ENVIRONMENT
    assert reason_of(admit(caller(environment=environment), connection=connection(**row))) is expected


@pytest.mark.parametrize("state", ["operational", "degraded", "unknown", ""])
def test_only_a_failed_state_stops_a_connection(  # entry_09
    caller: MakeCaller, connection: MakeConnection, state: str
) -> None:
    assert admit(caller(), connection=connection(state=state)) is None


@pytest.mark.parametrize(
    ("row", "words"), [({"state": "failed"}, "has failed"), ({"active": False}, "is switched off")]
)
def test_a_broken_connection_says_how_to_mend_it(  # entry_09
    caller: MakeCaller, connection: MakeConnection, row: dict[str, Any], words: str
) -> None:
    assert str(admit(caller(), connection=connection(**row))) == (
        f"This gmail connection {words}. Ask the person to connect it again: {how_to_connect(Identity('ada'), 'gmail')}"
    )


def test_whose_a_connection_is_is_nobodys_business(caller: MakeCaller, connection: MakeConnection) -> None:
    rows = [connection(environment="test"), connection(identity="bob"), connection(key="live::gmail::default::9")]
    who = caller(connection_keys=frozenset({"live::gmail::default::1"}))
    assert {str(admit(who, connection=row)) for row in rows} == {"There is no such connection. Use one that is listed."}


KEYS = [f"{env}::{platform}::{n}" for env in ("live", "test") for platform in ("gmail", "slack") for n in (1, 2)]
ROWS = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "platform": st.sampled_from(["gmail", "slack"]),
        "environment": st.sampled_from(["live", "test", ""]),
        "identity": st.sampled_from(["ada", "bob", None]),
        "identity_type": st.sampled_from(["user", "team", None]),
        "state": st.sampled_from(["operational", "failed", "unknown"]),
        "active": st.booleans(),
        "name": st.sampled_from(["", "work", "home", KEYS[0]]),
    }
)
ACTIONS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b"]),
        "platform": st.sampled_from(["gmail", "slack"]),
        "method": st.sampled_from(["GET", "POST", "DELETE"]),
    }
)
CALLERS = st.builds(
    Caller,
    st.builds(Identity, st.sampled_from([None, "ada", "bob"]), st.sampled_from([None, USER, TEAM])),
    st.builds(
        Grant,
        st.sampled_from(Permission),
        st.none() | st.frozensets(st.sampled_from(KEYS)),
        st.none() | st.frozensets(st.sampled_from(["a", "b"])),
        st.booleans(),
    ),
    st.sampled_from(["live", "test"]),
)


def rules(who: Caller, act: Action, row: Connection) -> list[bool]:
    """State every rule of the design by itself."""
    allowed = {"read": {"GET"}, "write": {"GET", "POST"}, "admin": {"GET", "POST", "DELETE"}}[who.grant.permission]
    return [
        not who.grant.knowledge_only,
        who.grant.action_ids is None or act.id in who.grant.action_ids,
        act.method in allowed,
        act.platform == row.platform,
        who.environment == (row.environment or row.key[:4]),
        who.identity.id is None or who.identity.id == row.identity,
        who.identity.type is None or who.identity.type.value == row.identity_type,
        who.grant.connection_keys is None or row.key in who.grant.connection_keys,
        row.active,
        row.state != "failed",
    ]


@given(CALLERS, ACTIONS, ROWS)
def test_admitted_means_that_every_rule_says_yes(
    action: MakeAction, connection: MakeConnection, who: Caller, act: dict[str, Any], row: dict[str, Any]
) -> None:
    wanted, found = action(**act), connection(**row)
    assert (admit(who, wanted, found) is None) == all(rules(who, wanted, found))


# What is visible, what is usable


def test_a_broken_connection_is_visible_and_not_usable(caller: MakeCaller, connection: MakeConnection) -> None:
    good, failed, off = (
        connection(key="live::g::1"),
        connection(key="live::g::2", state="failed"),
        connection(active=False),
    )
    foreign = [connection(identity="bob"), connection(environment="test"), connection(identity="bob", state="failed")]
    assert visible(caller(), [good, *foreign, failed, off]) == (good, failed, off)
    assert usable(caller(), [good, *foreign, failed, off]) == (good,)


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
    connection: MakeConnection, rows: list[tuple[int, str, list[str]]], random: Any
) -> None:
    found = [connection(key=f"live::gmail::{n}", name=name, tags=tags) for n, name, tags in rows]
    labels = label_connections(found)
    assert sorted(c.key for c in labels.values()) == sorted(c.key for c in found)
    assert len({label.casefold() for label in labels}) == len(labels)
    for label in labels:
        assert label == " ".join(label.split())
        assert label.encode().decode() == label
        assert 0 < len(label) <= 67
    random.shuffle(found)
    assert label_connections(found) == labels


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
    connection: MakeConnection, row: dict[str, Any], label: str
) -> None:
    assert list(label_connections([connection(**row)])) == [label]


def test_a_connection_without_a_name_is_called_by_its_platform_and_never_by_its_key(connection: MakeConnection) -> None:
    key = "live::gmail::default::0123456789abcdef"
    assert list(label_connections([connection(key=key)])) == ["gmail"]
    several = label_connections(
        [connection(key=key), connection(key=f"{key}0"), connection(key=f"{key}1", name="Home")]
    )
    assert [label[:6] for label in several] == ["gmail-", "gmail-", "Home"]
    assert not [label for label in several if label[6:] and label[6:] in key]


def test_a_connection_that_is_authorised_anew_keeps_its_label(connection: MakeConnection) -> None:
    for name in ("", "Work"):
        (before,) = label_connections([connection(key="live::gmail::1", name=name)])
        (after,) = label_connections([connection(key="live::gmail::2", name=name)])
        assert before == after


def test_accounts_of_several_people_are_told_apart_by_whose_they_are(connection: MakeConnection) -> None:
    rows = [
        connection(key="live::gmail::1", name="Work", identity="ada"),
        connection(key="live::gmail::2", name="Work", identity="bob"),
        connection(key="live::gmail::default::secret", name="Work", identity="secret"),
        connection(key="live::gmail::4", identity="ada"),
        connection(key="live::gmail::5", identity="bob"),
    ]
    labels = list(label_connections(rows))
    assert [*labels[:2], *labels[3:]] == ["Work (ada)", "Work (bob)", "gmail (ada)", "gmail (bob)"]
    assert labels[2].startswith("Work-")
    assert "secret" not in labels[2]


def test_a_name_that_imitates_anothers_label_takes_it_neither_now_nor_later(connection: MakeConnection) -> None:
    ada = connection(key="live::gmail::1", name="Work", identity="ada")
    before = label_connections([ada, connection(key="live::gmail::2", name="Work", identity="mallory")])
    assert before["Work (ada)"] is ada
    after = label_connections([ada, connection(key="live::gmail::2", name="Work (ada)", identity="mallory")])
    assert list(after) == ["Work", "Work [ada]"]


def test_names_that_several_share_all_get_a_suffix(connection: MakeConnection) -> None:
    labels = label_connections(
        [connection(key="1", name="Work"), connection(key="2", name="work"), connection(key="3", name="home")]
    )
    assert [label[:5] for label in labels] == ["Work-", "work-", "home"]
    assert labels["home"].key == "3"


def test_a_name_that_imitates_a_suffix_hides_no_other_connection(connection: MakeConnection) -> None:
    plain = connection(key="1")
    (label,) = label_connections([plain])
    imitator = connection(key="2", name=label)
    assert sorted(c.key for c in label_connections([plain, imitator]).values()) == ["1", "2"]


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


def test_only_the_whole_account_is_sent_to_the_dashboard() -> None:
    assert how_to_connect(Identity(), "hub/spot") == "https://app.picaos.com/connections#open=hub%2Fspot"
    assert how_to_connect(Identity()) == "https://app.picaos.com/connections"
    assert how_to_connect(Identity("ada", IdentityType.USER), "gmail") == (
        "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    )
    for identity in (Identity(), Identity("ada")):
        assert invites(f"Ask the person to connect it: {how_to_connect(identity, 'gmail')}")
    assert not invites("Nothing to connect.")


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
        "There is no gmail connection 'live::gmail::2'. Pass one of these as the connection: 'work'.",
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


def test_the_actions_own_refusal_comes_through_the_choice(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    refusal = refused(caller(permission=Permission.READ), action(method="POST"), [connection()], None)
    assert refusal.reason is Reason.PERMISSION


@given(CALLERS, ACTIONS, st.lists(ROWS, max_size=5), st.none() | st.sampled_from([*KEYS, "work", "home", "gmail"]))
def test_whatever_is_chosen_satisfies_every_rule_and_no_refusal_tells_a_key(
    action: MakeAction,
    connection: MakeConnection,
    who: Caller,
    act: dict[str, Any],
    rows: list[dict[str, Any]],
    wanted: str | None,
) -> None:
    found = [connection(**row | {"name": row["name"] if row["name"] not in KEYS else ""}) for row in rows]
    try:
        chosen = choose(who, action(**act), found, wanted)
    except Refused as refusal:
        assert not [key for key in KEYS if key in str(refusal) and key != wanted]  # noqa: PT017 - one of two outcomes
    else:
        assert chosen in found
        assert all(rules(who, action(**act), chosen))


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
