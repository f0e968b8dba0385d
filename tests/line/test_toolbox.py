"""Which tools a caller has, within which budget, and what a name means."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import toolbox as room
from pica_mcp.app import App
from pica_mcp.arguments import check
from pica_mcp.effects import of_action
from pica_mcp.errors import InvalidArguments, UnknownAction, UnknownTool
from pica_mcp.models import ActionDetails
from pica_mcp.patterns import parse_tools
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.toolbox import Toolbox
from pica_mcp.toolbox.budget import (
    MAX_DEFINITION_TOKENS,
    Budget,
    Candidate,
    Choice,
    Left,
    Why,
    ordered,
    pin_of,
    pinned_first,
    ranked,
    shared,
    tokens,
    within,
)
from pica_mcp.tools import Runnable


def names(listing: Any) -> list[str]:
    return [tool.definition.name for tool in listing.tools]


def fixed(app: App) -> int:
    return len(app.pipeline.toolbox.fixed(app.caller))


def direct(app: App, listing: Any) -> list[Any]:
    return list(listing.tools[fixed(app) :])


def toolbox(app: App, pins: str = "", exclusions: str = "", **budget: Any) -> Toolbox:
    """The application's toolbox with another budget."""
    was = app.pipeline.toolbox
    parsed = {
        "pins": tuple(parse_tools(one) for one in pins.split(",") if one),
        "exclusions": tuple(parse_tools(one) for one in exclusions.split(",") if one),
    }
    return Toolbox(was._catalog, was._names, was._fixed, Budget(**parsed, **budget))


# The budget


async def test_the_budget_counts_tools_fixed_ones_included(serve: Any) -> None:
    for extra in (1, 8, 25):
        async with serve() as app:
            box = toolbox(app, max_tools=fixed(app) + extra)
            assert len((await box.survey(app.caller)).tools) == fixed(app) + extra


async def test_the_settings_are_the_budget(serve: Any) -> None:
    async with serve(PICA_MAX_TOOLS="12", PICA_MAX_TOOL_TOKENS="100000") as app:
        assert len((await app.pipeline.toolbox.survey(app.caller)).tools) == 12


async def test_the_budget_counts_tokens(serve: Any) -> None:
    async with serve() as app:
        spent_anyway = sum(tokens(tool.definition) for tool in app.pipeline.toolbox.fixed(app.caller))
        box = toolbox(app, max_tokens=spent_anyway + 900, max_tools=100)
        tools = (await box.survey(app.caller)).tools
        spent = sum(tokens(tool.definition) for tool in tools)
        assert spent_anyway + 700 < spent <= spent_anyway + 900


async def test_platforms_share_the_budget_and_everyday_actions_come_first(serve: Any) -> None:
    async with serve() as app:
        listed = names(await toolbox(app, max_tools=fixed(app) + 4).survey(app.caller))
        assert listed[fixed(app) :] == [
            "github_search_issues_and_pull_requests",
            "gmail_send_email",
            "slack_send_message",
            "stripe_create_customer",
        ]


async def test_none_lists_the_fixed_tools_and_all_lists_every_action(serve: Any) -> None:
    async with serve(PICA_TOOLS="none") as app:
        assert (await app.pipeline.toolbox.survey(app.caller)).tools == app.pipeline.toolbox.fixed(app.caller)
    async with serve(PICA_TOOLS="all", PICA_MAX_TOOLS="5") as app:
        assert len((await app.pipeline.toolbox.survey(app.caller)).tools) > 30


async def test_where_nothing_is_executed_no_tool_is_listed_that_would(serve: Any) -> None:
    async with serve(PICA_KNOWLEDGE_AGENT="true") as app:
        listed = (await app.pipeline.toolbox.survey(app.caller)).tools
        assert listed == app.pipeline.toolbox.fixed(app.caller)
        assert {tool.definition.annotations.read_only_hint for tool in listed} == {True}
        for name in ("execute_pica_action", "gmail_send_email"):
            with pytest.raises(UnknownTool):
                await app.pipeline.toolbox.find(app.caller, name)


async def test_an_unlisted_action_is_callable_by_its_name(serve: Any, defined: Any) -> None:
    async with serve(PICA_TOOLS="none") as app:
        tool = await defined(app, "gmail_send_email")
        assert tool.definition.name == "gmail_send_email"
        assert tool.action.path == "/gmail/send-email"


async def test_a_call_never_changes_the_list(serve: Any) -> None:
    async with serve() as app:
        before = await app.pipeline.toolbox.survey(app.caller)
        await app.pipeline.call(app.caller, "search_pica_platform_actions", {"platform": "gmail", "query": "labels"})
        await app.pipeline.call(app.caller, "gmail_list_labels", {"connection": "Work", "userId": "me"})
        assert await app.pipeline.toolbox.survey(app.caller) == before


async def test_only_platforms_with_a_working_connection_are_listed(box: Sandbox, serve: Any) -> None:
    for key in box.keys("ada"):
        if "stripe" in key:
            box.set_state(key, "failed")
    async with serve() as app:
        listed = names(await app.pipeline.toolbox.survey(app.caller))
        assert not [name for name in listed if name.startswith("stripe_")]
        assert [name for name in listed if name.startswith("slack_")]  # one of two slack accounts still works
        assert (await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")).action.platform == "stripe"


async def test_permission_and_lists_decide_what_is_listed(serve: Any) -> None:
    async with serve(PICA_PERMISSIONS="read", PICA_TOOLS="all") as app:
        tools = direct(app, await app.pipeline.toolbox.survey(app.caller))
        assert tools
        assert {of_action(tool.action) for tool in tools} == {"read"}
        allowed = tools[0].action.id
    async with serve(PICA_ACTION_IDS=allowed, PICA_TOOLS="all") as app:
        listed = direct(app, await app.pipeline.toolbox.survey(app.caller))
        assert [tool.action.id for tool in listed] == [allowed]


# Pins and exclusions


async def test_pins_go_first_in_their_order_and_past_the_fair_share(serve: Any) -> None:
    async with serve() as app:
        box = toolbox(app, pins="stripe DELETE,gmail_list_l*,slack_post_message", max_tools=fixed(app) + 6)
        survey = await box.survey(app.caller)
        assert [choice.tool.definition.name for choice in survey.direct] == [
            "stripe_delete_customer",
            "gmail_list_labels",
            "slack_post_message",
            "github_search_issues_and_pull_requests",
            "gmail_send_email",
            "slack_send_message",
        ]
        assert [choice.why for choice in survey.direct] == [
            *[Why.PINNED] * 3,
            Why.EVERYDAY,
            *[Why.CUSTOM] * 2,
        ]


@pytest.mark.parametrize("mode", ["auto", "all"])
async def test_a_pin_is_subject_to_access_and_to_the_budget(serve: Any, mode: str) -> None:
    async with serve(PICA_PERMISSIONS="read") as app:
        listed = names(await toolbox(app, pins="gmail", mode=mode, max_tools=fixed(app) + 2).survey(app.caller))
        assert "gmail_send_email" not in listed
        assert {name.split("_")[0] for name in listed[fixed(app) : fixed(app) + 2]} == {"gmail"}
        assert mode == "all" or len(listed) == fixed(app) + 2
        for spent in ("notion", "linear_create_issue"):  # of platforms that are not connected
            assert names(await toolbox(app, pins=spent).survey(app.caller)) == names(
                await toolbox(app).survey(app.caller)
            )


async def test_what_is_excluded_is_never_listed_but_found_and_callable(serve: Any, told: Any) -> None:
    async with serve() as app:
        box = toolbox(app, pins="gmail_send_email", exclusions="gmail_send_*,slack,* * */repos/*", mode="all")
        listed = names(await box.survey(app.caller))
        platforms = Counter(name.split("_")[0] for name in listed[fixed(app) :])
        assert "slack" not in platforms
        assert platforms["gmail"] > 3
        assert "github_list_repos_authenticated_user" in listed
        assert not [name for name in listed if name.startswith(("gmail_send_", "github_create_issue"))]
        assert isinstance(await box.find(app.caller, "gmail_send_email"), Runnable)
        search = {"platform": "slack", "query": "send message"}
        found = told(await app.pipeline.call(app.caller, "search_pica_platform_actions", search))
        assert found["actions"]


async def test_on_a_big_platform_too_actions_are_pinned_and_excluded_by_id_and_by_request(serve: Any) -> None:
    async with big_platform(serve) as (app, platform):
        rows = dict(await app.pipeline.toolbox._names.of(platform))
        assert not any(row.id or row.path for row in rows.values())
        best = ranked(Candidate(name, row) for name, row in rows.items())

        async def listed(**patterns: str) -> list[str]:
            return names(await toolbox(app, max_tools=fixed(app) + 1, **patterns).survey(app.caller))[fixed(app) :]

        by_id = (await app.catalog.details(best[-1].action)).id
        assert await listed(pins=by_id) == [best[-1].name]
        told = [action async for action in identified(app, best[20:50])]
        wanted, action = told[0]
        by_request = f"{platform} {action.method} {action.path}"
        assert await listed(pins=by_request) == [wanted]
        assert await listed(pins=by_request, exclusions=f"* * {action.path}") == await listed()
        first = names(await toolbox(app, max_tools=fixed(app) + 6).survey(app.caller))
        gone = next(name for name in first[fixed(app) :] if name in rows)
        excluded = (await app.catalog.details(rows[gone])).id
        assert gone not in names(await toolbox(app, exclusions=excluded).survey(app.caller))


async def identified(app: App, candidates: list[Candidate]) -> AsyncGenerator[tuple[str, ActionDetails]]:
    """Those of the actions that a search tells from all others."""
    for candidate in candidates:
        with suppress(UnknownAction):
            yield candidate.name, await app.catalog.details(candidate.action)


@asynccontextmanager
async def big_platform(serve: Any, actions: int = 500) -> AsyncGenerator[tuple[App, str]]:
    """Connect a platform whose rows tell neither ids nor requests."""
    big = grow(actions, 1, document_chars=200)
    box = Sandbox(extra=big)
    platform = big[0].connector.platform
    box.connect(platform, identity="ada", identity_type="user")
    async with serve(box.app) as app:
        yield app, platform


async def test_allowed_ids_are_listed_however_big_their_platform_is_and_wherever_they_rank_there(
    serve: Any,
) -> None:
    big = grow(500, 1, document_chars=200)
    box = Sandbox(extra=big)
    platform = big[0].connector.platform
    box.connect(platform, identity="ada", identity_type="user")
    async with serve(box.app) as app:
        rows = (await app.catalog.actions(platform)).known
        assert not any(row.id for row in rows)
        named = (await app.pipeline.toolbox._names.of(platform)).items()
        last = ranked(Candidate(name, row) for name, row in named)[-1]
        allowed = (await app.catalog.details(last.action)).id
    gmail = "conn_mod_def::of::nobody"
    async with serve(box.app, PICA_ACTION_IDS=f"{allowed},{gmail}") as app:
        listing = await app.pipeline.toolbox.survey(app.caller)
        assert [tool.action.id for tool in direct(app, listing)] == [allowed]
        assert listing.complete


# The survey


async def test_the_survey_is_the_list_with_costs_reasons_and_what_is_left(serve: Any) -> None:
    async with serve(PICA_PERMISSIONS="write") as app:
        box = toolbox(app, pins="slack_post_message", exclusions="gmail_get_*", max_tools=fixed(app) + 10)
        survey, listing = await box.survey(app.caller), await box.list(app.caller)
        assert tuple(tool.definition for tool in survey.tools) == listing.tools
        assert [choice.tokens for choice in survey.direct] == [tokens(tool) for tool in listing.tools[fixed(app) :]]
        assert [choice.why for choice in survey.fixed] == [None] * fixed(app)
        for platform, left in survey.left.items():
            actions = await app.catalog.actions(platform)
            listed = sum(choice.tool.action.platform == platform for choice in survey.direct)  # type: ignore[union-attr]
            assert sum(left.values()) + listed == len(actions.known) + actions.listing.ambiguous
        assert survey.left["gmail"][Left.EXCLUDED] == 3
        assert survey.left["gmail"][Left.REFUSED] == 2
        assert survey.left["slack"][Left.HIDDEN] == 1
        assert survey.left["gmail"][Left.BUDGET] > 1


async def test_with_no_tools_but_fixed_ones_nothing_is_asked_of_pica(box: Sandbox, serve: Any) -> None:
    async with serve(PICA_TOOLS="none") as app:
        survey = await app.pipeline.toolbox.survey(app.caller)
        assert (len(survey.fixed), survey.direct, survey.left, survey.complete) == (fixed(app), (), {}, True)
    assert not box.requests


async def test_an_action_whose_definition_cannot_be_cut_is_no_tool_of_the_list(
    box: Sandbox, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_DEFINITION_TOKENS", 120)
    async with serve() as app:
        survey = await toolbox(app, mode="all").survey(app.caller)
        assert max(choice.tokens for choice in survey.direct) <= 120
        assert survey.left["github"][Left.TOO_BIG] > 3
        few = await toolbox(app, max_tools=fixed(app) + 4).survey(app.caller)
        assert len(few.direct) == 4  # others are in its place
        assert (await app.pipeline.toolbox.find(app.caller, "github_create_issue")).action.method == "POST"


async def test_a_name_of_a_platform_that_is_not_connected_is_unknown(box: Sandbox, serve: Any) -> None:
    async with serve(PICA_IDENTITY="growth", PICA_IDENTITY_TYPE="team") as app:
        await app.pipeline.toolbox.find(app.caller, "gmail_send_email")
        with pytest.raises(UnknownTool):
            await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")
        box.connect("stripe", identity="growth", identity_type="team")
        await app.pipeline.toolbox.find(app.caller, "stripe_list_customers")


async def test_a_slow_platform_does_not_hold_up_the_list(
    box: Sandbox, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = anyio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/available-actions/stripe":
            await released.wait()
        await box.app(scope, receive, send)

    monkeypatch.setattr(room, "LIST_WAIT_SECONDS", 2.3)  # the last two are for building the tools
    async with serve(pica=slow) as app:
        for platform in {one.platform for one in await app.catalog.connections(app.caller.identity)} - {"stripe"}:
            await app.catalog.actions(platform)
        partial = await app.pipeline.toolbox.survey(app.caller)
        assert not partial.complete
        assert [name for name in names(partial) if name.startswith("gmail_")]
        assert not [name for name in names(partial) if name.startswith("stripe_")]
        released.set()
        monkeypatch.setattr(room, "LIST_WAIT_SECONDS", 30.0)
        whole = await app.pipeline.toolbox.survey(app.caller)
        assert whole.complete
        assert [name for name in names(whole) if name.startswith("stripe_")]
    loads = [request for request in box.requests if request.path == "/v1/available-actions/stripe"]
    assert len(loads) == 1  # the load went on behind the first list


async def test_a_tool_that_cannot_be_loaded_now_is_left_out_and_the_list_is_not_complete(serve: Any) -> None:
    big = grow(500, 1, document_chars=200)
    box = Sandbox(extra=big)
    platform = big[0].connector.platform
    box.connect(platform, identity="ada", identity_type="user")
    box.fail("/v1/available-actions/search", status=400, times=None)
    async with serve(box.app) as app:
        survey = await app.pipeline.toolbox.survey(app.caller)
        assert not survey.complete
        assert survey.left[platform][Left.UNKNOWN] > 10
        assert {choice.tool.definition.name.split("_")[0] for choice in survey.direct} > {"gmail", "slack"}
        box.heal()
        assert (await app.pipeline.toolbox.survey(app.caller)).complete


# Definitions


async def test_the_choice_of_a_connection_is_among_working_ones(serve: Any, defined: Any) -> None:
    async with serve() as app:
        gmail = await defined(app, "gmail_send_email")
        properties = gmail.definition.input_schema["properties"]
        assert next(iter(properties)) == "connection"
        assert properties["connection"]["enum"] == ["Personal", "Work"]
        assert gmail.definition.input_schema["required"][0] == "connection"
        slack = await defined(app, "slack_send_message")
        assert "connection" not in slack.definition.input_schema["properties"]


async def test_a_default_connection_is_told_and_not_required(serve: Any, defined: Any) -> None:
    async with serve(PICA_DEFAULT_CONNECTIONS="gmail=Work") as app:
        schema = (await defined(app, "gmail_send_email")).definition.input_schema
        assert schema["properties"]["connection"] == {
            "type": "string",
            "enum": ["Personal", "Work"],
            "description": "Which account to use. Without it: Work.",
        }
        assert "connection" not in schema["required"]


async def test_a_hundred_accounts_do_not_fill_the_definition(box: Sandbox, serve: Any, defined: Any) -> None:
    for number in range(100):
        box.connect("stripe", identity="ada", identity_type="user", name=f"Shop number {number}")
    async with serve() as app:
        tool = await defined(app, "stripe_list_customers")
        assert "enum" not in tool.definition.input_schema["properties"]["connection"]
        assert tool.definition.input_schema["required"][0] == "connection"
        assert tokens(tool.definition) < 200


async def test_what_reads_may_be_asked_for_a_part_and_what_writes_may_not(serve: Any) -> None:
    async with serve(PICA_TOOLS="all") as app:
        for tool in direct(app, await app.pipeline.toolbox.survey(app.caller)):
            properties = list(tool.definition.input_schema["properties"])
            assert ("result_fields" in properties) is (of_action(tool.action) == "read")
            assert "result_fields" not in properties[:-1]
            assert "result_fields" not in tool.definition.input_schema.get("required", [])
            assert "max_result_tokens" not in properties


async def test_every_hint_is_explicit_and_the_description_begins_with_what_is_done_where(serve: Any) -> None:
    async with serve(PICA_TOOLS="all") as app:
        tools = direct(app, await app.pipeline.toolbox.survey(app.caller))
        told = {tool.definition.name: tool.definition for tool in tools}
    for definition in told.values():
        hints = definition.annotations
        flags = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert None not in flags
        assert definition.description.startswith(f"{definition.title} ({definition.name.split('_')[0]}).")
        assert len(definition.meta["anthropic/searchHint"]) <= 80
    assert told["gmail_send_email"].description == (
        "Send Email (gmail). Writes a message from plain fields and sends it."
    )
    deleting = told["stripe_delete_customer"].annotations
    assert (deleting.read_only_hint, deleting.destructive_hint, deleting.idempotent_hint) == (False, True, True)


async def test_in_openais_strict_mode_our_own_arguments_keep_its_rules(serve: Any) -> None:
    async with serve(PICA_DEFAULT_CONNECTIONS="gmail=Work") as app:
        box = toolbox(app, mode="all", profile="openai-strict")
        tools = {
            tool.definition.name: tool.definition.input_schema for tool in direct(app, await box.survey(app.caller))
        }
    for schema in tools.values():
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    emails = tools["gmail_get_emails"]["properties"]
    assert emails["connection"]["type"] == emails["result_fields"]["type"] == ["string", "null"]
    assert emails["connection"]["enum"] == ["Personal", "Work", None]


async def test_what_a_definition_leaves_out_is_still_accepted(serve: Any, box: Sandbox, defined: Any) -> None:
    box.connect("bazaar", identity="ada", identity_type="user")
    async with serve() as app:
        tool = await defined(app, "bazaar_order_with_strange_types")
    everything, shown = tool.parameters.schema, tool.definition.input_schema["properties"]
    assert tokens(tool.definition) <= MAX_DEFINITION_TOKENS
    left_out = everything["properties"].keys() - shown.keys()
    assert left_out
    given = dict.fromkeys([*everything["required"], *left_out], "x")
    assert check(everything, given) == given
    with pytest.raises(InvalidArguments, match="'unheard_of'"):
        check(everything, given | {"unheard_of": "x"})


# Order


def test_picas_own_actions_come_first_then_everyday_ones(action: Any) -> None:
    offers = [
        Candidate("gmail_aaa", action(title="Aaa", path="/a")),
        Candidate("gmail_send", action(title="Send Message", path="/a/b/c")),
        Candidate("gmail_zzz", action(title="Zzz", path="/a/b/c/d", tags=["custom"])),
        Candidate("gmail_deep", action(title="Aaa", path="/a/b")),
    ]
    told = [(candidate.name, candidate.why) for candidate in ranked(offers)]
    assert told == [
        ("gmail_zzz", Why.CUSTOM),
        ("gmail_send", Why.EVERYDAY),
        ("gmail_aaa", Why.PLAIN),
        ("gmail_deep", Why.PLAIN),
    ]


def test_everyday_verbs_take_turns_and_the_main_object_of_a_platform_goes_first(action: Any) -> None:
    rows = [
        ("list_teams", "List Teams", "Team"),
        ("list_users", "List Users", "User"),
        ("create_comment", "Create a Comment", "Comment"),
        ("create_issue", "Create an Issue", "Issue"),
        ("search_issues", "Search Issues", "Issue"),
        ("list_issues", "List Issues", "Issue"),
    ]
    offers = [Candidate(name, action(title=title, model=model)) for name, title, model in rows]
    first = [candidate.name for candidate in ranked(offers)]
    assert first == ["search_issues", "create_issue", "list_issues", "create_comment", "list_teams", "list_users"]
    assert [candidate.name for candidate in ranked(reversed(offers))] == first


def test_what_fell_away_costs_no_platform_its_turn(action: Any) -> None:
    names = ("gmail_a", "gmail_b", "gmail_c", "slack_c")  # Slack's better ones could not be identified
    offers = [Candidate(name, action(platform=name.split("_")[0])) for name in names]
    pinned = Candidate("slack_pinned", action(platform="slack"), pin=0)
    told = [candidate.name for candidate in shared([*offers, pinned])]
    assert told == ["slack_pinned", "gmail_a", "slack_c", "gmail_b", "gmail_c"]


PINS = ("gmail_*", "* POST /a*", "one::1")


@pytest.mark.parametrize(
    ("name", "facts", "told"),
    [
        ("gmail_send", {}, (0, False)),
        ("slack_send", {"platform": "slack", "method": "POST", "path": "/a/b"}, (1, False)),
        ("slack_send", {"platform": "slack", "method": "POST", "path": ""}, (2, True)),
        ("slack_send", {"platform": "slack", "method": "POST", "path": "", "id": ""}, (None, True)),
        ("slack_send", {"platform": "slack", "method": "GET", "path": "", "id": ""}, (None, False)),
    ],
)
def test_the_first_pin_that_means_an_action_is_its_place(
    action: Any, name: str, facts: dict[str, str], told: tuple[int | None, bool]
) -> None:
    budget = Budget(pins=tuple(map(parse_tools, PINS)))
    assert pin_of(budget, name, action(**facts)) == told


SHELVES = st.lists(st.lists(st.sampled_from([None, None, 0, 1, 2]), max_size=8), max_size=6)


@given(SHELVES, st.integers(1, 20))
def test_pins_come_first_and_the_rest_is_shared_fairly(action: Any, pins: list[list[int | None]], count: int) -> None:
    row = action()
    shelves = [[Candidate(f"p{i}_{j}", row, pin) for j, pin in enumerate(shelf)] for i, shelf in enumerate(pins)]
    looked_at = ordered(Budget(max_tools=count), shelves)
    assert pinned_first(looked_at) == looked_at
    assert [c for c in looked_at if c.pin is not None] == sorted(
        (c for c in looked_at if c.pin is not None), key=lambda c: c.pin or 0
    )
    assert {c.name for shelf in shelves for c in shelf if c.pin is not None} <= {c.name for c in looked_at}
    for shelf in shelves:  # of each platform the best
        plain = [c.name for c in shelf if c.pin is None]
        taken = [c.name for c in looked_at if c.pin is None and c in shelf]
        assert taken == plain[: len(taken)]


COSTS = st.lists(st.integers(1, 500), max_size=40)


@given(COSTS, st.integers(1, 40), st.integers(1, 5_000), st.integers(0, 7))
def test_what_is_listed_stays_within_the_budget_and_nothing_that_fits_is_passed_over(
    costs: list[int], max_tools: int, max_tokens: int, always: int
) -> None:
    tool: Any = object()
    always_there, choices = [Choice(tool, 100)] * always, [Choice(tool, cost, Why.PLAIN) for cost in costs]
    listed = within(Budget(max_tools=max_tools, max_tokens=max_tokens), always_there, choices)
    spent = 100 * always + sum(choice.tokens for choice in listed)
    assert not listed or (len(listed) + always <= max_tools and spent <= max_tokens)
    if len(listed) + always < max_tools:
        passed = Counter(costs) - Counter(choice.tokens for choice in listed)
        assert all(spent + cost > max_tokens for cost in passed)
    assert within(Budget("all", max_tools, max_tokens), always_there, choices) == tuple(choices)
