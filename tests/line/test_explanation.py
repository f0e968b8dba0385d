"""What an identity may do, why not the rest, and what is set in vain: over small accounts, and against `admit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from accounts_drawn import ACTIONS, IDENTITIES, ROWS, RULES, grants
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.access import Caller, Grant, Identity, IdentityType, Permission, admit, how_to_connect, promising, usable
from pica_mcp.audit import Audit
from pica_mcp.cli import told
from pica_mcp.cli.rows import lines as wrapped_lines
from pica_mcp.consent import Policy
from pica_mcp.effects import parse_rule
from pica_mcp.errors import InvalidArguments, Reason, Unreachable
from pica_mcp.explanation import Account, Link, Offer, View, explain, explain_platform, look, look_at, verdict, why
from pica_mcp.findings import Finding, Seen, find
from pica_mcp.models import Action, ActionDetails, Connection, Effect
from pica_mcp.patterns import parse, parse_tools
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.settings import load

MakeAction = Callable[..., ActionDetails]
MakeConnection = Callable[..., Connection]
MakeCaller = Callable[..., Caller]

READ, WRITE, DESTRUCTIVE = Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE
ADA = Identity("ada", IdentityType.USER)


@pytest.fixture
def rows(connection: MakeConnection) -> list[Connection]:
    """Ada's three of gmail, of which one has failed, her slack, and what is others'."""
    return [
        connection(key="live::gmail::1", name="Work"),
        connection(key="live::gmail::2", name="Old", state="failed"),
        connection(key="live::gmail::3", name="Home"),
        connection(key="live::slack::4", platform="slack", name="Team"),
        connection(key="live::slack::5", platform="slack", identity="red", identity_type="team"),
        connection(key="live::slack::6", platform="slack", identity="red", identity_type="team"),
        connection(key="live::exa::7", platform="exa", identity=None, identity_type=None),
    ]


@pytest.fixture
def offer(action: MakeAction) -> Offer:
    """A read, a write, a deletion, and one without a tool."""
    return Offer(
        (
            ("gmail_list_messages", action(id="m::1")),
            ("gmail_send_message", action(id="m::2", title="Send", method="POST", path="/messages")),
            ("gmail_delete_message", action(id="m::3", title="Delete", method="DELETE", path="/messages/{{id}}")),
            ("", action(id="m::4", title="Hidden", path="/secret")),
        )
    )


def accounts_of(rows: Sequence[Connection], **offers: Offer) -> Account:
    return Account(tuple(rows), tuple(rows), offers)


def link(
    label: str, reason: Reason | None, platform: str = "gmail", state: str = "operational", *, default: bool = False
) -> Link:
    return Link(label, "", state, reason, default, reconnect=how_to_connect(ADA, platform))


def counted(view: View) -> tuple[Mapping[Effect, int], Mapping[Reason, Mapping[Effect, int]], Mapping[Effect, int]]:
    return view.allowed, view.refused, view.undecided


# What it may do, and why not the rest


def test_each_connection_is_told_with_why_it_is_not_used(caller: MakeCaller, rows: list[Connection]) -> None:
    who = caller(ADA, connection_keys=frozenset({"live::gmail::1", "live::gmail::2"}))
    explained = explain(who, accounts_of(rows, gmail=Offer(), slack=Offer()), Policy.AUTO)
    assert {view.platform: view.links for view in explained.views} == {
        "gmail": (
            link("Home", Reason.CONNECTION_NOT_ALLOWED),
            link("Old", Reason.FAILED, state="failed"),
            link("Work", None, default=True),
        ),
        "slack": (link("Team", Reason.CONNECTION_NOT_ALLOWED, "slack"),),
    }


def test_the_default_is_told_where_calls_go_that_name_none(caller: MakeCaller, rows: list[Connection]) -> None:
    def defaults(**preferences: Mapping[str, str]) -> list[str]:
        views = explain(caller(ADA, **preferences), accounts_of(rows), Policy.AUTO).views
        return [link.label for view in views for link in view.links if link.default]

    assert defaults() == ["Team"]
    assert defaults(defaults={"gmail": "Work"}) == ["Work", "Team"]
    assert defaults(defaults={"gmail": "live::gmail::1"}, names={"gmail/Work": "Office"}) == ["Office", "Team"]
    assert defaults(defaults={"gmail": "work", "slack": "Nope"}) == []
    assert defaults(defaults={"gmail": "Old"}) == ["Team"]


def test_each_connection_is_told_as_the_audit_tells_it(caller: MakeCaller, rows: list[Connection]) -> None:
    audit = Audit(None, key=lambda: b"key")
    views = explain(caller(ADA), accounts_of(rows), Policy.AUTO, audit.shown_connection).views
    view = explain_platform(caller(ADA), accounts_of(rows), Policy.AUTO, "gmail", audit.shown_connection)
    assert view.links == views[0].links
    assert {link.label: link.audit for view in views for link in view.links} == {
        name: audit.shown_connection(f"live::{key}")
        for name, key in {"Work": "gmail::1", "Old": "gmail::2", "Home": "gmail::3", "Team": "slack::4"}.items()
    }
    assert "live::" not in repr(views)


def test_of_others_only_counts_are_told(caller: MakeCaller, rows: list[Connection]) -> None:
    explained = explain(caller(ADA), accounts_of(rows), Policy.AUTO)
    assert explained.others == {"": {"exa": 1}, "team red": {"slack": 2}}
    assert "live::" not in repr(explained)


def test_for_the_whole_account_the_owner_is_told_and_nobody_is_another(
    caller: MakeCaller, rows: list[Connection]
) -> None:
    explained = explain(caller(Identity()), accounts_of(rows), Policy.AUTO)
    assert explained.others == {}
    assert {link.owner for view in explained.views for link in view.links} == {"user ada", "team red", ""}


def test_what_pica_does_not_list_for_the_identity_is_not_used(caller: MakeCaller, connection: MakeConnection) -> None:
    explained = explain(caller(ADA), Account((), (connection(name="Work"),), {}), Policy.AUTO)
    assert explained.views[0].links == (link("Work", Reason.UNKNOWN_CONNECTION),)


@pytest.mark.parametrize(
    ("grant", "allowed", "refused"),
    [
        ({}, {READ: 2, WRITE: 1, DESTRUCTIVE: 1}, {}),
        ({"permission": Permission.WRITE}, {READ: 2, WRITE: 1}, {Reason.PERMISSION: {DESTRUCTIVE: 1}}),
        ({"permission": Permission.READ}, {READ: 2}, {Reason.PERMISSION: {WRITE: 1, DESTRUCTIVE: 1}}),
        (
            {"actions": (parse("m::2"),), "permission": Permission.READ},
            {},
            {Reason.ACTION_NOT_ALLOWED: {READ: 2, DESTRUCTIVE: 1}, Reason.PERMISSION: {WRITE: 1}},
        ),
        ({"knowledge_only": True}, {}, {Reason.KNOWLEDGE_ONLY: {READ: 2, WRITE: 1, DESTRUCTIVE: 1}}),
        ({"effects": (parse_rule("gmail POST=destructive"),)}, {READ: 2, DESTRUCTIVE: 2}, {}),
    ],
)
def test_actions_are_counted_by_effect_and_by_reason(
    caller: MakeCaller,
    rows: list[Connection],
    offer: Offer,
    grant: dict[str, Any],
    allowed: Mapping[Effect, int],
    refused: Mapping[Reason, Mapping[Effect, int]],
) -> None:
    view = explain(caller(ADA, **grant), accounts_of(rows, gmail=offer), Policy.AUTO).views[0]
    assert counted(view) == (allowed, refused, {})


@pytest.mark.parametrize(("policy", "asks"), [(Policy.AUTO, 1), (Policy.ALWAYS, 1), (Policy.OFF, 0)])
def test_of_what_destroys_it_is_told_if_a_person_is_asked(
    caller: MakeCaller, rows: list[Connection], offer: Offer, policy: Policy, asks: int
) -> None:
    assert explain(caller(ADA), accounts_of(rows, gmail=offer), policy).views[0].asks == asks


def test_an_operators_rule_is_told_where_it_says_what_the_effect_is(caller: MakeCaller, action: MakeAction) -> None:
    who = caller(ADA, effects=(parse_rule("gmail GET /labels=write"), parse_rule("gmail GET=destructive")))
    told = [
        verdict(who, Policy.AUTO, "", action(path=path, method=method), None)
        for path, method in (("/labels", "GET"), ("/x", "GET"), ("/x", "POST"))
    ]
    assert [(one.effect, one.rule) for one in told] == [
        (WRITE, "gmail GET /labels=write"),
        (DESTRUCTIVE, "gmail GET=destructive"),
        (WRITE, ""),
    ]


def test_nothing_may_run_where_no_connection_is_used(
    caller: MakeCaller, connection: MakeConnection, offer: Offer
) -> None:
    account = accounts_of([connection(state="failed")], gmail=offer)
    for who in (caller(ADA), caller(ADA, actions=(parse("gmail"),))):
        view = explain_platform(who, account, Policy.AUTO, "gmail")
        assert (view.usable, *counted(view)) == (
            False,
            {},
            {Reason.NOT_CONNECTED: {READ: 2, WRITE: 1, DESTRUCTIVE: 1}},
            {},
        )


def test_a_row_that_tells_too_little_is_decided_when_it_is_called(caller: MakeCaller, rows: list[Connection]) -> None:
    listed = [
        Action.model_validate({"platform": "gmail", "title": title, "method": method, "tags": tags})
        for title, method, tags in (("Get", "GET", []), ("Send", "POST", ["hidden:agents"]), ("Cut", "DELETE", []))
    ]
    account = accounts_of(rows, gmail=Offer(tuple(("", row) for row in listed)))
    for written in ("m::9", "gmail * /v1/*"):
        who = caller(ADA, actions=(parse(written),), permission=Permission.WRITE)
        view = explain(who, account, Policy.AUTO).views[0]
        # What destroys is refused whether it is on the list or not.
        assert counted(view) == ({}, {Reason.PERMISSION: {DESTRUCTIVE: 1}}, {READ: 1, WRITE: 1})
        assert not view.certain
    who = caller(ADA, actions=(parse("slack"),), permission=Permission.WRITE)
    assert counted(explain(who, account, Policy.AUTO).views[0])[2] == {}


def test_what_comes_in_another_order_is_explained_alike(
    caller: MakeCaller, rows: list[Connection], offer: Offer
) -> None:
    who = caller(ADA, connection_keys=frozenset({"live::gmail::1", "live::nope::1", "live::nope::2"}))
    backwards = accounts_of(rows[::-1], gmail=Offer(offer.actions[::-1]))
    assert explain(who, accounts_of(rows, gmail=offer), Policy.AUTO) == explain(who, backwards, Policy.AUTO)


def test_every_reason_of_a_connection_or_an_action_names_what_to_change(caller: MakeCaller) -> None:
    who = caller(ADA, permission=Permission.READ)
    assert {
        reason: why(who, reason, how_to_connect(ADA, "gmail"))
        for reason in (Reason.PERMISSION, Reason.ENVIRONMENT, Reason.INACTIVE)
    } == {
        Reason.PERMISSION: "PICA_PERMISSIONS is read",
        Reason.ENVIRONMENT: "of another environment than the secret's, which is live",
        Reason.INACTIVE: "switched off; connect it again: in the application that connects accounts for user ada "
        "(AuthKit), not on Pica's dashboard",
    }
    assert "_" not in why(who, Reason.FAILED, "gmail")


# The same as a call


@given(grants(RULES), IDENTITIES, st.lists(ROWS, unique_by=lambda row: row["key"]), st.lists(ACTIONS), st.booleans())
def test_what_is_explained_is_what_a_call_is_told(
    caller: MakeCaller,
    connection: MakeConnection,
    grant: Grant,
    identity: Identity,
    rows: list[dict[str, Any]],
    acts: list[dict[str, Any]],
    detailed: bool,  # noqa: FBT001 - drawn
) -> None:
    kind = ActionDetails if detailed else Action
    who = replace(caller(identity), grant=grant)
    connections = [connection(**row) for row in rows]
    for platform in ("gmail", "slack"):
        actions = [kind.model_validate(act) for act in acts if act["platform"] == platform]
        for working in (c for c in usable(who, connections) if c.platform == platform):
            for action in actions:
                one, refusal = verdict(who, Policy.AUTO, "", action, working), admit(who, action, working)
                assert (one.reason is None) == (refusal is None)
                if detailed:
                    assert one.reason == (refusal and refusal.reason)
                    assert not one.undecided
                assert not one.undecided or promising(who, action)
        view = explain_platform(
            who, accounts_of(connections, **{platform: Offer(tuple(("", a) for a in actions))}), Policy.AUTO, platform
        )
        assert view.usable == any(c.platform == platform for c in usable(who, connections))
        assert sum(view.allowed.values()) == sum(
            admit(who, action, c) is None
            for action in actions
            for c in [c for c in usable(who, connections) if c.platform == platform][:1]
        )


# What is set in vain


def findings_of(who: Caller, rows: Sequence[Connection], actions: Sequence[Action] = (), **seen: Any) -> list[Finding]:
    return list(find(who, replace(Seen(rows, rows, actions), **seen)))


def test_what_lists_tools_and_means_none_is_told_with_what_is_like_it(
    caller: MakeCaller, rows: list[Connection], action: MakeAction
) -> None:
    send = action(title="Send Email")
    seen = Seen(rows, rows, [send], names={"gmail_send_email": send})
    written = ("gmail_snd_email", "gmail_send_*", "gmail", "linear", "gmail DELETE", "conn_mod_def::a::b")
    lists = {"PICA_PIN": [parse_tools(one) for one in written], "PICA_EXCLUDE": [parse_tools("gmail_list_*")]}
    told = {(one.setting, one.part): one.problem for one in find(caller(), seen, lists)}
    hint = "no tool of a connected platform is named so; did you mean gmail_send_email?"
    assert told["PICA_PIN", "gmail_snd_email"] == hint
    assert told["PICA_PIN", "linear"] == "fits nothing: linear is not connected"
    assert ("PICA_PIN", "gmail DELETE") in told
    assert ("PICA_PIN", "conn_mod_def::a::b") in told
    assert told["PICA_EXCLUDE", "gmail_list_*"].startswith("no tool of a connected platform is named so")
    assert len(told) == 5


def test_where_pica_does_not_tell_a_platforms_actions_no_name_is_called_wrong(
    caller: MakeCaller, rows: list[Connection]
) -> None:
    seen = Seen(rows, rows, [Action.model_validate({"platform": "gmail"})])
    assert not list(find(caller(), seen, {"PICA_PIN": [parse_tools("gmail_snd_email")]}))


def test_a_misspelt_identity_is_told_whom_it_resembles(caller: MakeCaller, rows: list[Connection]) -> None:
    assert findings_of(caller(Identity("adda")), rows) == [
        Finding("PICA_IDENTITY", "adda", "has no connection; did you mean user ada?")
    ]
    assert findings_of(caller(Identity("ada", IdentityType.TEAM)), rows) == [
        Finding("PICA_IDENTITY", "ada", "has no connection; did you mean user ada?")
    ]
    assert findings_of(caller(ADA), rows) == []


def test_keys_that_are_no_connections_or_anothers_are_told_without_showing_them(
    caller: MakeCaller, rows: list[Connection]
) -> None:
    keys = {"live::gmail::1", "live::gmail::gone", "test::gmail::1", "live::slack::5", "live::exa::7", "x::secret"}
    found = findings_of(caller(ADA, connection_keys=frozenset(keys)), rows)
    assert [(one.part, one.problem) for one in found] == [
        ("live::exa::… (its SHA-256 begins with 7ac3cbe1)", "is a connection of no identity, not of user ada"),
        (
            "live::gmail::… (its SHA-256 begins with db557f31)",
            "no connection has this key; connecting an account anew makes a new one",
        ),
        ("live::slack::… (its SHA-256 begins with 374f73e6)", "is a connection of team red, not of user ada"),
        ("test::gmail::… (its SHA-256 begins with 46480443)", "is of test, but the secret is of live"),
        (
            "…::… (its SHA-256 begins with de00e120)",
            "no connection has this key; connecting an account anew makes a new one",
        ),
    ]


def test_where_others_cannot_be_told_no_more_is_said_of_a_key_than_is_known(
    caller: MakeCaller, rows: list[Connection]
) -> None:
    who = caller(ADA, connection_keys=frozenset({"live::slack::9"}))
    (found,) = findings_of(who, rows, everyone=None)
    assert found.problem.startswith("no connection of user ada has this key;")


def test_platforms_that_are_allowed_and_not_connected_are_told(caller: MakeCaller, rows: list[Connection]) -> None:
    who = caller(
        ADA, platforms=frozenset({"gmail", "slack", "notion", "gmial"}), connection_keys=frozenset({"live::gmail::1"})
    )
    existing = frozenset({"gmail", "slack", "notion"})
    assert [(one.part, one.problem) for one in findings_of(who, rows, existing=existing)] == [
        ("gmial", "Pica has no such platform; did you mean gmail?"),
        ("notion", "allowed, but notion is not connected"),
        ("slack", "allowed, but no slack connection is on PICA_CONNECTION_KEYS"),
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("gmail", None),
        ("one::1", None),
        ("* GET", None),
        ("one::2", "fits no action of a connected platform"),
        ("gmail GET /nope", "fits no action of a connected platform"),
        ("notion GET", "fits nothing: notion is not connected"),
        ("exa", "fits nothing: exa is not on PICA_PLATFORMS"),
        ("* DELETE", "allows nothing: PICA_PERMISSIONS refuses all 1 actions that it fits"),
        ("slack", "applied when actions are called: of 1 that it may fit, Pica's lists tell too little"),
    ],
)
def test_a_pattern_that_allows_nothing_is_told(
    caller: MakeCaller, action: MakeAction, rows: list[Connection], written: str, problem: str | None
) -> None:
    platforms = frozenset({"gmail", "slack", "notion"})
    who = caller(ADA, actions=(parse(written),), permission=Permission.WRITE, platforms=platforms)
    actions = [action(), action(id="m::2", method="DELETE", path="/x")]
    if written == "slack":
        # The row tells its platform, so a pattern of that alone fits; one of a path does not.
        who = replace(who, grant=replace(who.grant, actions=(parse("slack GET /x"),)))
        actions.append(action(platform="slack", id="", path=""))
    found = [one for one in findings_of(who, rows, actions) if one.setting == "PICA_ACTION_IDS"]
    assert [one.problem for one in found] == ([problem] if problem else [])


def test_a_rule_that_never_says_what_an_effect_is_is_told(
    caller: MakeCaller, action: MakeAction, rows: list[Connection]
) -> None:
    written = ("gmail GET=read", "gmail GET /gmail*=write", "notion=read", "gmail PUT=read")
    who = caller(ADA, effects=tuple(map(parse_rule, written)))
    assert [(one.part, one.problem) for one in findings_of(who, rows, [action()])] == [
        ("gmail GET /gmail*=write", "never applies: rules before it fit the same actions"),
        ("notion=read", "fits nothing: notion is not connected"),
        ("gmail PUT=read", "fits no action of a connected platform"),
    ]


def test_names_and_defaults_that_point_to_nothing_are_told(caller: MakeCaller, rows: list[Connection]) -> None:
    names = {"gmail/Work": "Büro", "live::gmail::1": "Twice", "gmail/Nope": "X", "live::gmail::99": "Y"}
    defaults = {"gmail": "Büro", "slack": "Nope", "notion": "Z", "exa": "live::exa::7"}
    found = findings_of(caller(ADA, names=names, defaults=defaults), rows)
    nothing = "names nothing: there is no such connection"
    slack = "means nothing: no slack connection that works is called so; there are Team"
    assert [(one.setting, one.part, one.problem) for one in found] == [
        ("PICA_CONNECTION_NAMES", "Twice=live::gmail::… (its SHA-256 begins with 98a35685)",
         "names nothing: the connection has another name already"),
        ("PICA_CONNECTION_NAMES", "X=gmail/Nope", f"{nothing}; gmail has Home, Old, Work"),
        ("PICA_CONNECTION_NAMES", "Y=live::gmail::… (its SHA-256 begins with 5cb334a1)", nothing),
        ("PICA_DEFAULT_CONNECTIONS", "exa=live::exa::… (its SHA-256 begins with 7ac3cbe1)",
         "means nothing: exa is not connected"),
        ("PICA_DEFAULT_CONNECTIONS", "notion=Z", "means nothing: notion is not connected"),
        ("PICA_DEFAULT_CONNECTIONS", "slack=Nope", slack),
    ]  # fmt: skip


def test_a_label_that_is_like_one_names_nothing_and_those_that_there_are_are_told(
    caller: MakeCaller, connection: MakeConnection
) -> None:
    rows = [connection(key=f"live::gmail::{n}", name=f"Box {n:02}") for n in range(23)]
    some = f"{', '.join(f'Box {n:02}' for n in range(20))} and 3 more"
    who = caller(ADA, names={"gmail/box 01": "X", "Gmail/Box 01": "Y", "notion/Z": "Z"}, defaults={"gmail": "box 01"})
    nothing = f"names nothing: there is no such connection; gmail has {some}"
    assert [(one.part, one.problem) for one in findings_of(who, rows)] == [
        ("X=gmail/box 01", nothing),
        ("Y=Gmail/Box 01", nothing),
        ("Z=notion/Z", "names nothing: notion is not connected"),
        ("gmail=box 01", f"means nothing: no gmail connection that works is called so; there are {some}"),
    ]


def test_what_cannot_be_loaded_is_not_called_unknown(caller: MakeCaller, rows: list[Connection]) -> None:
    account = accounts_of(rows, gmail=Offer(problem="Pica is out of order."))
    explained = explain(caller(ADA, actions=(parse("gmail GET /x"), parse("slack"))), account, Policy.AUTO)
    assert [one.problem for one in explained.findings] == [
        "applied when actions are called: of 1 that it may fit, Pica's lists tell too little",
        "fits no action of a connected platform",
    ]
    assert explained.views[0].problem == "Pica is out of order."


# What is looked at


async def test_the_account_is_asked_for_once_and_documents_of_big_platforms_not_at_all(
    box: Sandbox, serve: Any
) -> None:
    big = grow(500, 1)
    platform = big[0].connector.platform
    large = Sandbox(extra=big)
    large.connect(platform, identity="ada", identity_type="user")
    async with serve(large.app) as app:
        account = await look(app.caller, app.catalog, app.pipeline.names)
        view = explain_platform(app.caller, account, Policy.AUTO, platform)
    assert (len(view.verdicts), view.certain) == (450, False)  # rows that are alike count as one
    asked = [request for request in large.requests if platform in str(request.query) and "knowledge" in request.path]
    assert asked == []
    assert len([request for request in large.requests if "vault" in request.path]) == 2


async def test_an_action_that_is_only_documented_is_told_as_one_that_runs_by_id(serve: Any) -> None:
    async with serve(PICA_IDENTITY=None, PICA_IDENTITY_TYPE=None) as app:
        account = await look_at(app.caller, app.catalog, app.pipeline.names, "exa")
        view = explain_platform(app.caller, account, Policy.AUTO, "exa")
    by_id = [one for one in view.verdicts if not one.tool]
    assert view.left_out == 3
    assert len(by_id) == 6
    assert all(one.id and one.certain for one in by_id)


async def test_a_platform_that_there_is_not_is_told_with_what_it_resembles(serve: Any) -> None:
    async with serve() as app:
        with pytest.raises(InvalidArguments, match=r"There is no platform 'notoin'\. Did you mean notion\?"):
            await look_at(app.caller, app.catalog, app.pipeline.names, "notoin")


async def test_what_of_it_pica_does_not_tell_is_said_and_the_rest_stands(box: Sandbox, serve: Any) -> None:
    box.fail("/v1/available-actions/gmail", status=503, times=None)
    async with serve() as app:
        explained = explain(app.caller, await look(app.caller, app.catalog, app.pipeline.names), Policy.AUTO)
    assert {view.platform for view in explained.views if view.problem} == {"gmail"}


async def test_an_account_that_cannot_be_told_is_an_error(box: Sandbox, serve: Any) -> None:
    box.fail("/v1/vault/connections", status=503, times=None)
    async with serve() as app:
        with pytest.raises(Unreachable):
            await look(app.caller, app.catalog, app.pipeline.names)


# The text


def test_text_from_outside_is_cleaned_and_no_line_is_wider_than_the_window(
    caller: MakeCaller, connection: MakeConnection, action: MakeAction
) -> None:
    hostile = "Ev\x1b[31mil\u202e \u200bname that is rather long, so that it has to be wrapped somewhere"
    rows = [
        connection(name=hostile, state="fai\x07led"),
        connection(key="live::gmail::2", identity=hostile, identity_type="te\x1bam", platform="gmail"),
    ]
    offer = Offer((("gmail_x", action(title=hostile, path="/x\x1b[2J")), ("", action(id="i\x1b", title=hostile))))
    who = caller(ADA)
    account = accounts_of(rows, gmail=offer)
    settings = load({}, {"PICA_SECRET": "sk_live_secret"})
    explained, view = explain(who, account, Policy.AUTO), explain_platform(who, account, Policy.AUTO, "gmail")
    for columns in (1, 40, 60, 80, 300):
        lines = [
            *wrapped_lines(told.all_rows(settings, who, None, explained), columns),
            *wrapped_lines(told.one_rows(settings, who, None, view, None), columns),
        ]
        wrapped = [line for line in lines if "GET /" not in line]  # a request stays as it can be copied
        assert max(map(len, wrapped)) <= min(max(columns, 40), 100)
        assert all(line.isprintable() for line in lines)
        assert not any(line.endswith(" ") for line in lines)


def test_the_text_tells_the_default_and_what_the_audit_calls_whom(
    caller: MakeCaller, rows: list[Connection], offer: Offer
) -> None:
    who = caller(ADA, defaults={"gmail": "Work"})
    explained = explain(who, accounts_of(rows, gmail=offer), Policy.AUTO, lambda key: f"h{key[-1]}")
    view = explain_platform(who, accounts_of(rows, gmail=offer), Policy.AUTO, "gmail", lambda key: f"h{key[-1]}")
    settings = load({}, {"PICA_SECRET": "sk_live_secret", "PICA_AUDIT_HASH_CALLERS": "true"})
    for rows_of in (told.all_rows(settings, who, "h0", explained), told.one_rows(settings, who, "h0", view, None)):
        lines = [line.strip() for line in wrapped_lines(rows_of, 100)]
        assert "Audit        stderr, with identities hashed; user ada is h0" in lines
        assert "through    Home (operational; in the audit h3), Work (default, operational; in the audit h1)" in lines
        assert any(line.startswith("not used   Old (failed; in the audit h2): connect it again") for line in lines)


def test_the_text_of_a_small_account(caller: MakeCaller, rows: list[Connection], offer: Offer) -> None:
    who = caller(ADA, permission=Permission.WRITE, connection_keys=frozenset({"live::gmail::1", "live::gmail::2"}))
    explained = explain(who, accounts_of(rows, gmail=offer), Policy.AUTO)
    settings = load({}, {"PICA_SECRET": "sk_live_secret", "PICA_AUDIT": "off"})
    text = "\n".join(wrapped_lines(told.all_rows(settings, who, None, explained), 80))
    assert text == EXPECTED


EXPECTED = """\
What user ada may do through pica-mcp

  Pica         https://api.picaos.com
  Environment  live
  Execution    yes
  Permission   write: what reads, writes
  Consent      auto: a person is asked before anything is destroyed, where the
               client can ask
  Platforms    any
  Connections  only the 2 of PICA_CONNECTION_KEYS
  Actions      any
  Effects      no rules of yours
  Audit        off

gmail: 3 of 4 actions may run
  through    Work (operational)
  not used   Home (operational): not on PICA_CONNECTION_KEYS
  not used   Old (failed): connect it again: in the application that connects
             accounts for user ada (AuthKit), not on Pica's dashboard
  may run    2 read, 1 write
  may not    1 destructive: PICA_PERMISSIONS is write

slack
  not used   Team (operational): not on PICA_CONNECTION_KEYS
  may run    nothing

Connections of others, which are not used
  no identity  1: exa
  team red     2: slack (2)

Each call is judged once more when it is made, by what it sends. An action that
Pica does not list is no tool; it runs by its id, under the same rules."""
