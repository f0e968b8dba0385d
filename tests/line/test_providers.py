"""Every tool of the whole sandbox catalogue, as a client lists it, against the rules in `tests/shared/providers.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_types import Tool
from providers import PROFILES, TYPES, Rules, anthropic, faults, gemini, openai, openai_strict, ours, specification

from pica_mcp import arguments
from pica_mcp.app import App
from pica_mcp.errors import InvalidArguments
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.platforms import imitated
from pica_mcp.schemas import derive
from pica_mcp.server import build
from pica_mcp.toolbox.definitions import action_tool
from pica_mcp.tools import ActionTool, Place, Profile

Make = Callable[..., Any]


async def whole_list(app: App) -> list[Tool]:
    """What a client lists once all documents are there."""
    for _ in range(20):
        if (await app.pipeline.toolbox.survey(app.caller)).complete:
            break
    async with Client(build(app)) as client:
        return (await client.list_tools()).tools


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_provider_takes_every_tool_of_its_profile(box: Sandbox, serve: Any, profile: str) -> None:
    for platform in imitated():
        box.connect(platform.name, identity="everyone", identity_type="user")
    all_of_them = {"PICA_IDENTITY": "everyone", "PICA_TOOLS": "all", "PICA_SCHEMA_PROFILE": profile}
    async with serve(**all_of_them) as app:
        tools = await whole_list(app)
    assert len(tools) > 230
    assert len({tool.name for tool in tools}) == len(tools)
    assert [fault for tool in tools for fault in faults(profile, tool)] == []


async def test_what_strict_mode_makes_a_model_send_is_taken(box: Sandbox, converse: Any) -> None:
    address = {"line1": "1 Mill Lane", "city": None, "postal_code": None, "country": None}
    nothing = dict.fromkeys(("name", "description", "phone", "preferred_locales"))
    new = {"email": "a@b.example", **nothing, "address": address, "metadata": '{"kind": "gear"}'}
    sought = {"query": "create a customer", "platform": None, "agentType": None, "detail": None, "limit": None}
    executed = {"actionId": "stripe_create_customer", "arguments": '{"email": "c@d.example"}'}
    async with converse(PICA_SCHEMA_PROFILE="openai-strict") as client:
        for name, arguments in (
            ("stripe_create_customer", new),
            ("search_pica_platform_actions", sought),
            ("execute_pica_action", {**executed, "connectionKey": None, "max_result_tokens": None}),
        ):
            assert not (await client.call_tool(name, arguments)).is_error
    bodies = [request.body for request in box.requests if request.path.endswith("/customers")]
    assert bodies == [
        b"email=a%40b.example&address%5Bline1%5D=1+Mill+Lane&metadata%5Bkind%5D=gear",
        b"email=c%40d.example",
    ]


def tool(name: str = "t", **schema: Any) -> Tool:
    plain: dict[str, Any] = {"type": "object", "properties": {}}
    return Tool(name=name, input_schema=plain | schema)


def with_argument(**schema: Any) -> Tool:
    return tool(properties={"a": schema})


REFUSED: list[tuple[Rules, Tool]] = [
    (specification, tool("a b")),
    (specification, tool(type="array")),
    (specification, with_argument(type="text")),
    (ours, tool("a" * 41)),
    (ours, tool("A")),
    (anthropic, tool("a.b")),
    (anthropic, tool("a" * 54)),
    (anthropic, tool(anyOf=[{}])),
    (anthropic, with_argument(type="array", items={"type": "object", "properties": {"uids[]": {}}})),
    (anthropic, with_argument(type="object", properties={"é": {}})),
    (anthropic, with_argument(**{"$ref": "#"})),
    (gemini, tool("a/b")),
    (gemini, tool("a" * 56)),
    (gemini, with_argument()),
    (gemini, with_argument(type=["string", "null"])),
    (gemini, with_argument(type="string", format="uri")),
    (gemini, with_argument(type="string", default="x")),
    (gemini, with_argument(type="array")),
    (gemini, with_argument(type="string", properties={})),
    (gemini, with_argument(type="integer", enum=["1"])),
    (gemini, with_argument(type="string", enum=["a", ""])),
    (gemini, with_argument(anyOf=[{"type": "string"}], description="x")),
    (gemini, tool(required=["a"])),
    (gemini, tool(additionalProperties=False)),
    (openai, tool("a.b")),
    (openai, Tool(name="t", input_schema={"type": "object"})),
    (openai, with_argument(type="array")),
    (openai_strict, tool()),
    (openai_strict, tool(additionalProperties=False, properties={"a": {"type": "string"}}, required=[])),
    (openai_strict, tool(additionalProperties=False, properties={"a": {"type": "object"}}, required=["a"])),
    (openai_strict, tool(additionalProperties=False, properties={"a": {}}, required=["a"])),
    (openai_strict, tool(additionalProperties=False, required=[], default={})),
    (openai_strict, tool(additionalProperties=False, properties={"a": {"anyOf": [{}]}}, required=["a"])),
    (
        openai_strict,
        tool(
            additionalProperties=False,
            properties={"a": {"type": ["string", "null"], "enum": ["x"]}},
            required=["a"],
        ),
    ),
]


@pytest.mark.parametrize(("rules", "refused"), REFUSED)
def test_the_rules_refuse_what_the_providers_refuse(rules: Rules, refused: Tool) -> None:
    assert list(rules(refused))


def test_the_rules_take_what_the_providers_take() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string", "enum": ["x"]}}, "required": ["b"]}
    either = {"anyOf": [{"type": "string", "description": "It."}, {"type": "array", "items": {"type": "string"}}]}
    listed = {"type": "array", "items": inner}
    plain = tool(properties={"a": listed, "c": {"type": "object"}, "d": either}, required=["a"])
    strict = tool(
        properties={
            "a": {"type": ["array", "null"], "items": inner | {"additionalProperties": False}},
            "c": {"type": ["string", "null"], "enum": ["x", None]},
            "d": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "It."},
        },
        required=["a", "c", "d"],
        additionalProperties=False,
    )
    assert faults("portable", plain) == []
    assert faults("openai-strict", strict) == []


# Whatever an action documents

KEYS = st.sampled_from(["a", "b", "c[]", "$d", "é", "connection", "userId", "x" * 90, ""])
KINDS = st.sampled_from([*TYPES, "null", "file", "any", "String"])
HOSTILE: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


def documented(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas as documents have them, right and wrong."""
    words: dict[str, st.SearchStrategy[Any]] = {
        "type": KINDS | st.lists(KINDS, max_size=3) | HOSTILE,
        "description": st.text(max_size=20) | HOSTILE,
        "enum": st.lists(st.sampled_from(["a", "", 1, None]), max_size=3) | HOSTILE,
        "default": st.sampled_from(["me", 1, True, []]),
        "format": st.sampled_from(["binary", "uri"]),
        "properties": st.dictionaries(KEYS, inner, max_size=4) | HOSTILE,
        "required": st.lists(KEYS, max_size=3) | HOSTILE,
        "items": inner | st.lists(inner, max_size=2) | HOSTILE,
        "anyOf": st.lists(inner, max_size=3) | HOSTILE,
        "oneOf": st.lists(inner, max_size=3),
        "allOf": st.lists(inner, max_size=3),
        "$ref": st.sampled_from(["#", "#/properties/a", "x.json"]),
    }
    return st.fixed_dictionaries({}, optional=words)


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({}, optional={"type": KINDS}) | HOSTILE, documented, max_leaves=15
)
GROUPS: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["path", "query", "headers", "body"]),
    SCHEMAS
    | st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(KEYS, SCHEMAS, max_size=6),
            "required": st.lists(KEYS, max_size=3),
        }
    ),
)
EXAMPLES = st.dictionaries(
    st.sampled_from(["path", "query", "headers", "body"]),
    st.dictionaries(KEYS, HOSTILE | st.just([["x", 1]]) | st.just({"a": "x"}), max_size=4) | HOSTILE,
    max_size=3,
)
JSON_TEXTS = {"An object": "{}", "A list": "[]", "Objects and lists": "{}"}


def sent(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What a model sends that does as it is shown, null for what it leaves out."""
    if "anyOf" in schema:
        return st.one_of([sent(branch) for branch in schema["anyOf"]])
    said: Any = schema["type"]
    kinds: list[str] = [said] if isinstance(said, str) else said
    return st.one_of([_of_kind(kind, schema) for kind in kinds])


def _of_kind(kind: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "null":
        return st.none()
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None])
    if kind == "array":
        return st.lists(sent(schema["items"]), max_size=2)
    if kind == "object":
        needed = schema.get("required", ())
        inner = {key: sent(value) for key, value in schema.get("properties", {}).items()}
        optional = {key: value for key, value in inner.items() if key not in needed}
        return st.fixed_dictionaries({key: inner[key] for key in needed}, optional=optional)
    text = next(
        (text for words, text in JSON_TEXTS.items() if f"{words} as JSON" in schema.get("description", "")), "x"
    )
    values: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(-5, 5), "number": st.sampled_from([1, 2.5]), "boolean": st.booleans(),
    }  # fmt: skip
    return values.get(kind, st.just(text))


def value_at(call: Any, place: Place) -> Any:
    """What the call has at the place."""
    found = getattr(call, place.group)
    for key in (*place.inside, place.key):
        found = found if key is None else found[key]
    return found


@pytest.fixture(scope="module")
def tool_of(action: Make, caller: Make, connection: Make) -> Callable[..., ActionTool]:
    """Make a tool of an action with these facts, for one who is connected."""

    def tool_of(profile: Profile, **facts: Any) -> ActionTool:
        details = action(**facts)
        own = [connection(platform="gmail")]
        return action_tool(caller(), own, "gmail_do", details, derive(details), profile)

    return tool_of


@settings(max_examples=200)
@given(
    groups=GROUPS,
    example=EXAMPLES,
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.sampled_from(["/users/{{userId}}/x", "/{a}", "/graphql", "{{"]),
    profile=st.sampled_from(["portable", "openai-strict"]),
    data=st.data(),
)
def test_whatever_is_documented_providers_take_the_tool_and_what_it_is_sent_finds_its_way_back(
    tool_of: Make, groups: Any, example: Any, profile: Profile, data: st.DataObject, **address: str
) -> None:
    io_schema = {"inputSchema": {"properties": groups}, "ioExample": {"input": example}}
    made: ActionTool = tool_of(profile, io_schema=io_schema, **address)
    assert faults(profile, made.definition) == []
    places = made.parameters.places
    drawn = data.draw(sent(made.definition.input_schema))
    given = {name: value for name, value in drawn.items() if name in places}
    try:
        checked = arguments.check(made.parameters.schema, given)
    except InvalidArguments as error:
        # A schema that holds itself is shown up to some depth, or as text: below, it does not show what is needed.
        assert set(re.findall(r"The argument '.+?' (\w+)", str(error))) == {"lacks"}  # noqa: PT017
        assert "$ref" in json.dumps(groups)
        return
    assert checked.keys() == {name for name, value in given.items() if value is not None}
    call = made.parameters.call(checked)
    assert {name: value_at(call, places[name]) for name in checked} == checked
