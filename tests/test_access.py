from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import pytest
from accounts_drawn import ACTIONS, CALLERS, ROWS
from hypothesis import given, settings

from pica_mcp.access import (
    Caller,
    Identity,
    IdentityType,
    Permission,
    admit,
    admit_platform,
    effect,
    how_to_connect,
    invites,
    offered,
    promising,
    usable,
    visible,
)
from pica_mcp.effects import parse_rule
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Connection, Effect
from pica_mcp.patterns import parse

MakeAction = Callable[..., Action]
MakeConnection = Callable[..., Connection]
MakeCaller = Callable[..., Caller]
Change = Mapping[str, Mapping[str, Any]]

USER = IdentityType.USER
TEAM = IdentityType.TEAM

# The checks in the order of the room's docstring, each with the least change that makes it fail.
CHECKS: list[tuple[Reason, Change]] = [
    (Reason.KNOWLEDGE_ONLY, {"caller": {"knowledge_only": True}}),
    (Reason.PLATFORM_NOT_ALLOWED, {"caller": {"platforms": frozenset({"notion"})}}),
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
    "actions": (parse("conn_mod_def::one::1"),),
    "platforms": frozenset({"gmail", "slack"}),
}
NO_SUCH = "There is no such connection. Use one that is listed."
MEND = (
    "Ask the person to connect it again: in the application that connects accounts for user ada (AuthKit), "
    "not on Pica's dashboard"
)
# What the model reads: what is wrong, and what to do next.
MESSAGES = {
    Reason.KNOWLEDGE_ONLY: "This server only answers questions about actions and executes none. "
    "Write the request instead, from get_pica_action_knowledge.",
    Reason.PLATFORM_NOT_ALLOWED: "This server may not use gmail. "
    "Use another platform, or ask the operator to add it to PICA_PLATFORMS.",
    Reason.ACTION_NOT_ALLOWED: "This action is not among the ones that this server may use. "
    "Choose another, or ask the operator to add it to PICA_ACTION_IDS.",
    Reason.PERMISSION: "The effect of this action is 'destructive', and this server's permission is 'write'. "
    "Choose an action with less effect, or ask the operator to change PICA_PERMISSIONS.",
    Reason.PLATFORM: "That connection is of slack, but the action is of gmail. Use a connection of gmail.",
    Reason.ENVIRONMENT: NO_SUCH,
    Reason.IDENTITY: NO_SUCH,
    Reason.CONNECTION_NOT_ALLOWED: NO_SUCH,
    Reason.INACTIVE: f"This gmail connection is switched off. {MEND}",
    Reason.FAILED: f"This gmail connection has failed. {MEND}",
}


def reason_of(refusal: Refused | None) -> Reason | None:
    return refusal and refusal.reason


# The order of the checks


def test_what_passes_every_check_is_admitted(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection
) -> None:
    assert admit(caller(Identity("ada", USER), **STRICT), action(), connection()) is None


@pytest.mark.parametrize(("reason", "change"), CHECKS)
def test_each_check_alone_refuses_with_its_reason_and_in_its_words(
    caller: MakeCaller, action: MakeAction, connection: MakeConnection, reason: Reason, change: Change
) -> None:
    who = caller(Identity("ada", USER), **{**STRICT, **change.get("caller", {})})
    row = connection(**change.get("connection", {}))
    refusal = admit(who, action(**change.get("action", {})), row)
    assert (reason_of(refusal), str(refusal)) == (reason, MESSAGES[reason])


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
    assert reason_of(admit(caller(actions=()), action())) is Reason.ACTION_NOT_ALLOWED


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


def test_the_permission_is_asked_about_the_effect_in_the_operators_words(
    caller: MakeCaller, action: MakeAction
) -> None:
    post, rules = action(method="POST"), (parse_rule("gmail POST=read"),)
    assert [effect(caller(), post), effect(caller(effects=rules), post)] == [Effect.WRITE, Effect.READ]
    assert admit(caller(permission=Permission.READ, effects=rules), post) is None


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
    assert reason_of(admit(caller(actions=()), action())) is Reason.ACTION_NOT_ALLOWED
    assert admit(caller(actions=None), action()) is None


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
@pytest.mark.parametrize(
    ("served", "owner", "whose"),
    [
        (Identity("ada"), "ada", Identity("ada")),
        (Identity(), "ada", Identity("ada", IdentityType.USER)),
        (Identity(type=IdentityType.USER), "ada", Identity("ada", IdentityType.USER)),
        (Identity(), None, Identity()),
    ],
)
def test_a_broken_connection_is_mended_where_its_owners_are_made(  # entry_09
    caller: MakeCaller,
    connection: MakeConnection,
    row: dict[str, Any],
    words: str,
    served: Identity,
    owner: str | None,
    whose: Identity,
) -> None:
    broken = connection(**row, identity=owner, identity_type="user")
    assert str(admit(caller(served), connection=broken)) == (
        f"This gmail connection {words}. Ask the person to connect it again: {how_to_connect(whose, 'gmail')}"
    )


def test_whose_a_connection_is_is_nobodys_business(caller: MakeCaller, connection: MakeConnection) -> None:
    rows = [connection(environment="test"), connection(identity="bob"), connection(key="live::gmail::default::9")]
    who = caller(connection_keys=frozenset({"live::gmail::default::1"}))
    assert {str(admit(who, connection=row)) for row in rows} == {"There is no such connection. Use one that is listed."}


def rules(who: Caller, act: Action, row: Connection) -> list[bool]:
    """State every rule of the design by itself."""
    allowed = {"read": {"GET"}, "write": {"GET", "POST"}, "admin": {"GET", "POST", "DELETE"}}[who.grant.permission]
    return [
        not who.grant.knowledge_only,
        who.grant.platforms is None or {act.platform, row.platform} <= who.grant.platforms,
        who.grant.actions is None or any(pattern.matches(act) for pattern in who.grant.actions),
        act.method in allowed,
        act.platform == row.platform,
        who.environment() == (row.environment or row.key[:4]),
        who.identity.id is None or who.identity.id == row.identity,
        who.identity.type is None or who.identity.type.value == row.identity_type,
        who.grant.connection_keys is None or row.key in who.grant.connection_keys,
        row.active,
        row.state != "failed",
    ]


@settings(max_examples=200)
@given(CALLERS, ACTIONS, ROWS)
def test_admitted_means_that_every_rule_says_yes(
    action: MakeAction, connection: MakeConnection, who: Caller, act: dict[str, Any], row: dict[str, Any]
) -> None:
    wanted, found = action(**act), connection(**row)
    assert (admit(who, wanted, found) is None) == all(rules(who, wanted, found))


# What is offered, what may turn out to be


@pytest.mark.parametrize(
    ("grant", "row", "is_offered", "is_promising"),
    [
        ({}, {}, True, True),
        ({}, {"tags": ("hidden:agents",)}, False, False),
        ({"knowledge_only": True}, {}, True, True),
        ({"platforms": frozenset({"slack"})}, {"id": "", "path": ""}, False, False),
        # Without its id, an action may be the one on the list; one that cannot be any of them is not.
        ({"actions": (parse("conn_mod_def::one::1"),)}, {"id": ""}, False, True),
        ({"actions": (parse("conn_mod_def::other::1"),)}, {}, False, False),
        ({"actions": (parse("gmail DELETE"),)}, {"id": ""}, False, False),
        ({"actions": (parse("conn_mod_def::other::1"), parse("gmail GET"))}, {"id": ""}, True, True),
        # Without its path, a POST may be a search.
        ({"permission": Permission.READ}, {"method": "POST", "path": ""}, False, True),
        ({"permission": Permission.READ}, {"method": "POST", "path": "/messages"}, False, False),
        ({"permission": Permission.READ}, {"method": "POST", "path": "/messages/search"}, True, True),
    ],
)
def test_what_a_row_leaves_open_is_promising_and_not_offered(
    caller: MakeCaller,
    action: MakeAction,
    grant: dict[str, Any],
    row: dict[str, Any],
    is_offered: bool,  # noqa: FBT001 - a table's column
    is_promising: bool,  # noqa: FBT001 - likewise
) -> None:
    who, told = caller(**grant), action(**row)
    assert (offered(who, told), promising(who, told)) == (is_offered, is_promising)


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


# Where people connect


def test_only_the_whole_account_is_sent_to_the_dashboard() -> None:
    assert how_to_connect(Identity(), "hub/spot") == "https://app.picaos.com/connections#open=hub%2Fspot"
    assert how_to_connect(Identity()) == "https://app.picaos.com/connections"
    assert how_to_connect(Identity("ada", IdentityType.USER), "gmail") == (
        "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard"
    )
    for identity in (Identity(), Identity("ada")):
        assert invites(f"Ask the person to connect it: {how_to_connect(identity, 'gmail')}")
    assert not invites("Nothing to connect.")


def test_a_name_in_a_refusal_is_cut_where_it_gets_long(caller: MakeCaller) -> None:
    refusal = admit_platform(caller(platforms=frozenset[str]()), "p" * 61)
    assert str(refusal).startswith(f"This server may not use {'p' * 59}….")
    assert how_to_connect(Identity("a" * 92)).startswith(
        f"in the application that connects accounts for identity {'a' * 90}… (AuthKit)"
    )
