"""Every tool of the whole sandbox catalogue, as a client lists it, against the rules of those who read such lists.

The rules are those that the providers' APIs refuse a request by, written from what they document and answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from mcp import Client
from mcp_types import Tool

from pica_mcp import arguments
from pica_mcp.app import App
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.platforms import imitated
from pica_mcp.schemas import derive
from pica_mcp.server import build
from pica_mcp.toolbox.definitions import action_tool
from pica_mcp.tools import ActionTool, Place, Profile

Rules = Callable[[Tool], Iterator[str]]
Make = Callable[..., Any]

TYPES = ("string", "integer", "number", "boolean", "object", "array")
OURS = re.compile(r"[a-z0-9_]{1,40}")


def parts(schema: Mapping[str, Any], where: str = "#", level: int = 1) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every schema in a schema, where it is, and how many objects and lists it is inside of, itself included."""
    yield where, schema, level
    for key, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{where}/{key}", level + 1)
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"], f"{where}[]", level + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        for number, inner in enumerate(schema.get(word, ())):
            yield from parts(inner, f"{where}/{word}{number}", level)


def specification(tool: Tool) -> Iterator[str]:
    """What the protocol asks for."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", tool.name):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    try:
        Draft202012Validator.check_schema(tool.input_schema)
    except SchemaError as error:
        yield f"no JSON Schema: {error.message[:100]}"


def ours(tool: Tool) -> Iterator[str]:
    """What holds of every name, with room for the prefixes of all clients."""
    if not OURS.fullmatch(tool.name):
        yield "name"
    if len((tool.description or "").encode()) > 2_048:
        yield "the description is cut by Claude Code"


def anthropic(tool: Tool) -> Iterator[str]:
    """Anthropic refuses the whole request for one name of one property."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", f"mcp__pica__{tool.name}"):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    if {"oneOf", "allOf", "anyOf"} & tool.input_schema.keys():
        yield "the root is a choice"
    for where, schema, _ in parts(tool.input_schema):
        yield from (
            f"{where}: {key!r}"
            for key in schema.get("properties", {})
            if not re.fullmatch(r"[\w.-]{1,64}", key, re.ASCII)
        )
        if "$ref" in schema:
            yield f"{where}: $ref"


def gemini(tool: Tool) -> Iterator[str]:
    """Gemini takes a few keywords of OpenAPI, and one type each."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}", f"mcp_pica_{tool.name}"):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    for where, schema, _ in parts(tool.input_schema):
        yield from (f"{where}: {what}" for what in gemini_part(schema))


def gemini_part(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if "anyOf" in schema:
        if len(schema) > 1:
            yield "anyOf is not alone"
        return
    if kind not in TYPES:
        yield f"type {kind!r}"
    if unknown := schema.keys() - {"type", "description", "enum", "properties", "required", "items"}:
        yield f"keywords {sorted(unknown)}"
    if (kind == "array") != isinstance(schema.get("items"), dict):
        yield "items"
    if kind != "object" and {"properties", "required"} & schema.keys():
        yield "properties of what is no object"
    if not set(schema.get("required", ())) <= set(schema.get("properties", {})):
        yield "required, but no property"
    values = schema.get("enum", ["-"])
    if (
        not values
        or not all(isinstance(value, str) and value for value in values)
        or ("enum" in schema and kind != "string")
    ):
        yield f"enum {values!r}"


def openai(tool: Tool) -> Iterator[str]:
    """OpenAI's functions without strict mode."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name):
        yield "name"
    if tool.input_schema.get("type") != "object" or not isinstance(tool.input_schema.get("properties"), dict):
        yield "the root is no object with properties"
    if {"oneOf", "allOf", "anyOf", "enum", "not"} & tool.input_schema.keys():
        yield "the root is a choice"
    for where, schema, _ in parts(tool.input_schema):
        if schema.get("type") == "array" and "items" not in schema:
            yield f"{where}: array schema missing items"


def openai_strict(tool: Tool) -> Iterator[str]:
    """OpenAI's strict mode knows every name and every type, and asks for all of them."""
    yield from openai(tool)
    every = list(parts(tool.input_schema))
    for where, schema, level in every:
        yield from (f"{where}: {what}" for what in openai_strict_part(schema))
        if level > 10 or ("properties" in schema and level > 5):
            yield f"{where}: too deep"
    names = [key for _, schema, _ in every for key in schema.get("properties", {})]
    values = [value for _, schema, _ in every for value in schema.get("enum", ()) if value is not None]
    if len(names) > 5_000 or len(values) > 1_000 or sum(map(len, names + values)) > 120_000:
        yield "too much"


def openai_strict_part(schema: Mapping[str, Any]) -> Iterator[str]:
    if "anyOf" in schema:
        if schema.keys() - {"anyOf", "description"} or not schema["anyOf"]:
            yield "words beside anyOf"
        return
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    if not all(kind in (*TYPES, "null") for kind in kinds) or (len(set(kinds) - {"null"}) != 1 and kinds != ["null"]):
        yield f"type {kinds!r}"
    if unknown := schema.keys() - {
        "type", "description", "enum", "properties", "required", "items", "additionalProperties"
    }:  # fmt: skip
        yield f"keywords {sorted(unknown)}"
    if "object" in kinds:
        if schema.get("additionalProperties") is not False:
            yield "open"
        if sorted(schema.get("required", ())) != sorted(schema.get("properties", {})) or "properties" not in schema:
            yield "required is not every property"
    if ("array" in kinds) != isinstance(schema.get("items"), dict):
        yield "items"
    if "enum" in schema and (None in schema["enum"]) != ("null" in kinds):
        yield "null is a type but no value, or a value but no type"


PROFILES: dict[str, tuple[Rules, ...]] = {
    "portable": (specification, ours, anthropic, gemini, openai),
    "openai-strict": (specification, ours, openai_strict),
    "raw": (specification, ours),
}


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
    faults = [
        f"{rules.__name__}: {tool.name}: {fault}"
        for rules in PROFILES[profile]
        for tool in tools
        for fault in rules(tool)
    ]
    assert faults == []


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
    for rules in PROFILES["portable"]:
        assert list(rules(plain)) == []
    assert list(openai_strict(strict)) == []


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
    assert [fault for rules in PROFILES[profile] for fault in rules(made.definition)] == []
    places = made.parameters.places
    drawn = data.draw(sent(made.definition.input_schema))
    given = {name: value for name, value in drawn.items() if name in places}
    checked = arguments.check(made.parameters.schema, given)
    assert checked.keys() == {name for name, value in given.items() if value is not None}
    call = made.parameters.call(checked)
    assert {name: value_at(call, places[name]) for name in checked} == checked
