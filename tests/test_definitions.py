"""An action as a tool: what a client is shown of it, whatever its document says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp import text
from pica_mcp.access import Caller
from pica_mcp.arguments import check
from pica_mcp.models import ActionDetails, Connection, Effect
from pica_mcp.schemas import derive
from pica_mcp.toolbox.budget import MAX_DEFINITION_TOKENS, tokens
from pica_mcp.toolbox.definitions import SEARCH_HINT, Derived, action_tool
from pica_mcp.tools import ActionTool, Profile

Make = Callable[..., Any]

HUGE = {f"field_{n:03}": {"type": "string", "description": "What is long and optional. " * 5} for n in range(90)}
NEEDED = {f"needed_{n:02}_{'x' * 40}": {"type": "integer"} for n in range(60)}


def documented(properties: dict[str, Any], required: list[str] | None = None, note: str = "") -> dict[str, Any]:
    body = {"type": "object", "properties": properties, "required": required or []}
    return {"inputSchema": {"type": "object", "description": note, "properties": {"body": body}}}


@pytest.fixture(scope="module")
def build(action: Make, caller: Make, connection: Make) -> Callable[..., ActionTool]:
    """Make a tool of an action that is connected once, by field names; `own` are other connections."""

    def build(
        own: list[Connection] | None = None,
        profile: Profile = "portable",
        who: Caller | None = None,
        name: str = "gmail_do",
        **facts: Any,
    ) -> ActionTool:
        details: ActionDetails = action(**facts)
        own = [connection(platform=details.platform)] if own is None else own
        return action_tool(who or caller(), own, name, details, derive(details), profile)

    return build


def properties(tool: ActionTool) -> dict[str, Any]:
    return tool.definition.input_schema["properties"]


# Size


@pytest.mark.parametrize("profile", ["portable", "openai-strict", "raw"])
def test_a_definition_that_is_too_big_is_cut_and_says_where_the_rest_is(build: Make, profile: Profile) -> None:
    schema = documented({"to": {"type": "string"}, **HUGE}, ["to"], "Sends a thing. " * 20)
    tool = build(profile=profile, method="POST", path="/send", title="Send", io_schema=schema)
    assert MAX_DEFINITION_TOKENS * 0.8 < tokens(tool.definition) <= MAX_DEFINITION_TOKENS
    assert "to" in properties(tool)
    assert len(properties(tool)) < len(tool.parameters.schema["properties"]) == 91
    assert tool.definition.description == "Send (gmail). More arguments: see get_pica_action_knowledge."


def test_what_is_only_less_deep_lacks_no_argument(build: Make) -> None:
    inner = {"type": "object", "properties": {"inner": {"type": "object", "properties": HUGE}}}
    tool = build(method="POST", path="/send", title="Send", io_schema=documented({"outer": inner}, ["outer"]))
    assert tool.definition.description == "Send (gmail)."
    assert list(properties(tool)) == ["outer"]
    assert tokens(tool.definition) <= MAX_DEFINITION_TOKENS


def test_a_shorter_description_goes_before_any_argument(build: Make) -> None:
    few = {name: {**HUGE[name], "description": "x" * 100} for name in list(HUGE)[:10]}
    tool = build(method="POST", path="/send", title="Send", io_schema=documented(few, [], "Sends " + "a thing " * 14))
    assert tool.definition.description == "Send (gmail)."
    assert list(properties(tool)) == list(few)
    assert tokens(tool.definition) <= MAX_DEFINITION_TOKENS


def test_what_cannot_be_cut_is_shown_whole_and_costs_too_much_to_be_listed(build: Make) -> None:
    tool = build(method="POST", path="/send", io_schema=documented(NEEDED, list(NEEDED)))
    assert set(NEEDED) <= set(properties(tool))
    assert tokens(tool.definition) > MAX_DEFINITION_TOKENS


def test_our_own_arguments_are_never_cut(build: Make, connection: Make) -> None:
    own = [connection(key=f"live::gmail::default::{n}", name=f"Account {n}") for n in range(20)]
    schema = {"inputSchema": {"type": "object", "properties": {"query": {"type": "object", "properties": HUGE}}}}
    tool = build(own=own, path="/things", io_schema=schema)
    assert next(iter(properties(tool))) == "connection"
    assert list(properties(tool))[-1] == "result_fields"
    assert len(properties(tool)["connection"]["enum"]) == 20
    assert tool.definition.input_schema["required"] == ["connection"]
    assert tokens(tool.definition) <= MAX_DEFINITION_TOKENS


# What clients of a profile send


def test_a_strict_client_may_send_null_and_json_text_wherever_it_is_asked_to(build: Make) -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "object"}}, "required": ["c"]}
    fields = {"any": {}, "inner": inner, "list": {"type": "array", "items": inner}, "cc": {"type": "string"}}
    schema = documented(fields, ["any"])
    given = {
        "any": '{"x": null}',
        "inner": {"b": None, "c": '{"y": 1}'},
        "list": [{"b": None, "c": "{}"}],
        "cc": None,
    }
    meant: dict[str, Any] = {"any": {"x": None}, "inner": {"c": {"y": 1}}, "list": [{"c": {}}]}
    strict = build(profile="openai-strict", method="POST", path="/x", io_schema=schema)
    assert check(strict.parameters.schema, given) == meant
    portable = build(method="POST", path="/x", io_schema=schema)
    assert check(portable.parameters.schema, given) == {**meant, "any": '{"x": null}'}


# Derived once


def test_arguments_are_derived_once_and_anew_for_a_newer_document(action: Make) -> None:
    derived = Derived()
    old = action(io_schema=documented({"to": {"type": "string"}}), method="POST", path="/x")
    runnable = derived.runnable(old)
    assert derived.runnable(old.model_copy(deep=True)) is runnable
    parameters = derived.parameters(old)
    newer = action(io_schema=documented({"to": {"type": "integer"}}), method="POST", path="/x")
    assert derived.parameters(newer).schema["properties"] == {"to": {"type": "integer"}}
    assert derived.parameters(old) == parameters
    moved = old.model_copy(update={"path": "/x/{{id}}"})
    assert "id" in derived.parameters(moved).schema["properties"]


def test_only_what_was_asked_for_last_is_kept(action: Make) -> None:
    derived = Derived(max_count=2)
    one, two, three = (action(id=f"conn_mod_def::{n}::1") for n in "abc")
    kept = derived.runnable(one)
    derived.runnable(two)
    assert derived.runnable(one) is kept
    derived.runnable(three)
    assert derived.runnable(one) is kept
    derived.runnable(two)
    derived.runnable(three)
    assert derived.runnable(one) is not kept


def test_what_is_listed_is_not_held_for_a_call_that_may_never_come(action: Make) -> None:
    derived, listed = Derived(), action()
    assert derived.parameters(listed) is not derived.parameters(listed)
    derived.runnable(listed)
    assert derived.parameters(listed) is derived.parameters(listed)


def test_an_action_is_made_ready_once_and_anew_when_it_does_something_else(action: Make) -> None:
    derived = Derived()
    reads = action(title="List Messages", method="GET", path="/messages")
    ready = derived.runnable(reads)
    assert (ready.told, ready.action) == (Effect.READ, reads)
    assert derived.runnable(reads.model_copy(deep=True)) is ready
    assert derived.runnable(reads.model_copy(update={"method": "DELETE"})).told is Effect.DESTRUCTIVE


@pytest.mark.parametrize("profile", ["portable", "openai-strict", "raw"])
def test_what_is_called_by_name_takes_what_its_tool_takes(build: Make, profile: Profile) -> None:
    tool = build(profile=profile, method="POST", io_schema=documented({"any": {}, "to": {"type": "string"}}))
    ready = Derived(profile).runnable(tool.action)
    assert (ready.parameters, ready.told) == (tool.parameters, tool.told)


def test_schemas_too_deep_to_compare_are_derived_again(action: Make) -> None:
    derived = Derived()
    for _ in range(2):
        deep: dict[str, Any] = {"type": "string"}
        for _ in range(5_000):
            deep = {"type": "array", "items": deep}
        plain = action(method="POST", path="/x")
        found = derived.parameters(plain.model_copy(update={"io_schema": documented({"to": deep})}))
        assert found.schema["properties"]["to"]["type"] == "array"


# Words


@pytest.mark.parametrize(
    ("facts", "description"),
    [
        ({"io_schema": documented({"to": {}}, note="Sends it. At once. ")}, "List Messages (gmail). Sends it."),
        ({"io_schema": documented({"to": {}}, note="Sends v1.2 of it")}, "List Messages (gmail). Sends v1.2 of it"),
        ({"knowledge": "# A\n\n## Description\n\nSends it. More.\n\n## URL\n"}, "List Messages (gmail). Sends it."),
        ({"knowledge": "# A\n\n## Description\n\n| a | b |\n"}, "List Messages (gmail)."),
        ({}, "List Messages (gmail)."),
        ({"title": "", "path": "/x"}, "gmail_do (gmail)."),
        ({"title": "Send <data>\u202e \n\nit"}, "Send <data_> it (gmail)."),
    ],
)
def test_a_description_is_title_platform_and_one_sentence(build: Make, facts: dict[str, Any], description: str) -> None:
    told = build(**facts).definition.description
    assert told.removesuffix(" Its fields are not listed here: see get_pica_action_knowledge.") == description


def test_what_only_the_document_lists_is_said(build: Make) -> None:
    said = "Its fields are not listed here"
    assert said in build(method="POST", path="/x", knowledge="# Post\n\nAnything goes.").definition.description
    assert said not in build(method="POST", path="/x").definition.description  # where there is nothing to read


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        ({"platform": "google-sheets", "model": "ValueRange", "path": "/v4/a/{{b}}"}, "google sheets valuerange"),
        ({"model": "Messages", "path": "/gmail/v1/users/{{userId}}/messages"}, "gmail users"),
        ({"model": "\u202eX" * 100, "path": "/" + "seg" * 50}, None),
    ],
)
def test_the_hint_has_what_the_description_does_not_say(build: Make, facts: dict[str, str], hint: str | None) -> None:
    told = build(**facts).definition.meta[SEARCH_HINT]
    assert hint is None or told == hint
    assert len(told) <= 80
    assert text.clean(told) == told


# Anything from outside

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["object", "array", "string"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "required", "enum", "description", "anyOf", "$ref", "body"])
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


ANY = st.characters()


@settings(max_examples=150)
@given(
    title=st.text(ANY, max_size=60),
    model=st.text(ANY, max_size=30),
    path=st.text(ANY, max_size=40),
    platform=st.text(ANY, max_size=20),
    knowledge=st.text(ANY, max_size=80) | st.text(ANY, max_size=40).map("# T\n\n## Description\n\n{}".format),
    properties=JSON,
    method=st.sampled_from(["GET", "POST", "get", "", "DELETE", "\ud800"]),
    profile=st.sampled_from(["portable", "openai-strict", "raw"]),
)
def test_whatever_it_is_made_of_the_definition_is_clean_and_tells_its_size(
    build: Make, properties: Any, profile: Profile, **facts: str
) -> None:
    schema = {"inputSchema": {"type": "object", "properties": {"body": properties, "query": properties}}}
    tool = build(own=[], io_schema=schema, profile=profile, **facts)
    definition = tool.definition
    assert definition.model_dump_json(by_alias=True).encode("utf-8")
    for words in (definition.description, definition.title, definition.meta[SEARCH_HINT]):
        assert text.line(words, 2_000) == words
    assert set(definition.input_schema.get("required", ())) <= set(definition.input_schema["properties"])
    assert tokens(definition) <= MAX_DEFINITION_TOKENS
