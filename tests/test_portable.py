"""Schemas from outside in the dialect inside, and as each kind of client takes them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp_types import Tool
from providers import TYPES, faults, parts

from pica_mcp.arguments import check
from pica_mcp.schemas.dialect import accepted, accepted_each
from pica_mcp.schemas.portable import fitted, shown
from pica_mcp.tools import Profile

PROFILES: tuple[Profile, ...] = ("portable", "openai-strict", "raw")
NAME = re.compile(r"^[a-zA-Z0-9_.-]{1,64}$")
STRING = {"type": "string"}
LIST: dict[str, Any] = {"type": "array", "items": {}}


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def assert_dialect(schema: Mapping[str, Any]) -> None:
    """What `accepted` promises."""
    every = list(parts(schema))
    assert len(every) <= 2_000
    for _, one, level in every:
        assert level <= 10
        kind = one.get("type")
        words = {"type", "description", "enum", "items", "properties", "required", "format", "default", "anyOf"}
        assert one.keys() <= words
        assert kind is None or kind in TYPES
        if "anyOf" in one:
            assert one.keys() <= {"anyOf", "description", "default"}
            assert len({branch["type"] for branch in one["anyOf"]}) == len(one["anyOf"]) > 1
            assert all(branch.keys() <= {"type", "items"} for branch in one["anyOf"])
        assert isinstance(one.get("items"), dict) == (kind == "array")
        assert kind == "object" or not {"properties", "required"} & one.keys()
        assert kind == "string" or not {"enum", "format"} & one.keys()
        assert one.get("format", "binary") == "binary"
        note = one.get("description", "-")
        assert isinstance(note, str)
        assert 0 < len(note) <= 160
        assert note.isprintable()
        assert isinstance(one.get("default", ""), str | int | float)
        values = one.get("enum", ["-"])
        assert 0 < len(values) == len(set(values)) <= 50
        assert all(isinstance(value, str) for value in values)
        properties = one.get("properties", {"-": {}})
        assert 0 < len(properties) <= 100
        assert all(NAME.match(key) for key in properties)
        required = one.get("required", ["-"])
        assert 0 < len(required) == len(set(required))
        assert set(required) <= set(properties) or required == ["-"]
    compact(schema).encode()


def assert_shown(schema: Mapping[str, Any], profile: Profile) -> None:
    """What `shown` promises."""
    assert faults(profile, Tool(name="t", input_schema=dict(schema))) == []
    if profile == "openai-strict":  # an object that can hold nothing is text instead
        assert all(one["properties"] for _, one, level in parts(schema) if level > 1 and "properties" in one)
    if profile == "raw":
        assert_dialect({key: value for key, value in schema.items() if key != "properties" or value})


# accepted

ACCEPTED: list[tuple[Any, Any]] = [
    # types
    ({"type": "integer", "minimum": 3, "title": "N"}, {"type": "integer"}),
    ({"type": ["null", "string"]}, STRING),
    ({"type": ["integer", "string"]}, STRING),
    ({"type": ["string", "number", "boolean", "null"]}, STRING),
    ({"type": ["integer", "number"]}, {"type": "number"}),
    ({"type": ["integer", "boolean"]}, {}),
    ({"type": ["string", "array"], "items": STRING, "description": "To."},
     {"type": "array", "description": "To.", "items": STRING}),
    ({"type": ["array", "null", "integer"]}, {"type": "array", "items": {"type": "integer"}}),
    ({"type": ["string", "array"], "items": {"type": "object"}},
     {"anyOf": [STRING, LIST | {"items": {"type": "object"}}]}),
    ({"type": ["string", "array", "object"], "description": "It."},
     {"description": "It.", "anyOf": [STRING, LIST | {"items": STRING}, {"type": "object"}]}),
    ({"type": ["string", "object"], "properties": {"a": {}}}, {"anyOf": [STRING, {"type": "object"}]}),
    ({"type": [["string"], {}, "integer"]}, {"type": "integer"}),
    ({"type": "null"}, {}),
    ({"type": "STRING"}, STRING),
    ({"type": "date"}, {}),
    ({"type": {"x": 1}}, {}),
    ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    ({"items": {"type": "string"}}, {"type": "array", "items": STRING}),
    # enumerations
    ({"enum": ["a", "b", "a"]}, {"type": "string", "enum": ["a", "b"]}),
    ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "string", "enum": ["a"]}),
    ({"type": "string", "enum": ["a", 1, True]}, {"type": "string", "enum": ["a", "1", "true"]}),
    ({"enum": ["auto", 1]}, {"description": "One of: auto, 1."}),
    ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "description": "One of: 1, 2."}),
    ({"type": "integer", "const": 5, "description": "How."}, {"type": "integer", "description": "How. One of: 5."}),
    ({"type": "boolean", "enum": [True, False]}, {"type": "boolean"}),
    ({"const": True}, {"type": "boolean"}),
    ({"enum": [1, 2, None]}, {"type": "integer", "description": "One of: 1, 2."}),
    ({"enum": [1, 2.5]}, {"type": "number", "description": "One of: 1, 2.5."}),
    ({"enum": [1, True]}, {"description": "One of: 1, true."}),
    ({"enum": [{"a": 1}]}, {}),
    ({"enum": [10**400, float("nan")]}, {"type": "number"}),
    ({"enum": ["a", 10**400]}, {}),
    ({"enum": ["a", "b\u200b"]}, STRING),
    ({"enum": ["a", "b" * 101]}, STRING),
    ({"enum": ["v"] * 51}, {"type": "string", "description": "One of: v."}),
    ({"type": ["string", "array"], "enum": ["a"]},
     {"type": "array", "description": "One of: a.", "items": STRING}),
    ({"enum": []}, {}),
    ({"type": "string", "enum": {"a": 1}}, STRING),
    ({"type": "object", "enum": ["a"]}, {"type": "object"}),
    # words
    ({"description": " two\nlines\u200b "}, {"description": "two lines"}),
    ({"description": "x" * 200}, {"description": "x" * 159 + "…"}),
    ({"type": "integer", "enum": [7], "description": "x" * 200},
     {"type": "integer", "description": "x" * 148 + "… One of: 7."}),
    ({"description": ["x"]}, {}),
    ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
    ({"type": "boolean", "default": False}, {"type": "boolean", "default": False}),
    ({"type": "array", "default": []}, {"type": "array", "items": {}}),
    ({"default": "\u202ea"}, {}), ({"default": ""}, {}), ({"default": float("inf")}, {}), ({"default": 10**400}, {}),
    # files
    ({"type": "string", "format": "binary", "description": "It."},
     {"type": "string", "description": "It.", "format": "binary"}),
    ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "binary"}),
    ({"type": "file"}, {"type": "string", "format": "binary"}),
    ({"type": "string", "format": "date-time"}, STRING),
    ({"type": "array", "items": {"format": "binary"}},
     {"type": "array", "items": {"type": "string", "format": "binary"}}),
    # arrays
    ({"type": "array"}, {"type": "array", "items": {}}),
    ({"type": "array", "items": [STRING, {"type": "string", "enum": ["a"]}]}, {"type": "array", "items": STRING}),
    ({"type": "array", "prefixItems": [STRING, {"type": "integer"}]},
     {"type": "array", "items": {"anyOf": [STRING, {"type": "integer"}]}}),
    ({"type": "array", "items": True}, {"type": "array", "items": {}}),
    # objects
    (obj("a", "ghost", a={}), obj("a", a={})),
    ({"type": "object", "properties": {"a": {}, "b[]": {}, "": {}, "c" * 65: {}}, "required": ["a", "b[]", 3]},
     obj("a", a={})),
    ({"type": "object", "properties": {"a": {}}, "required": ["a", "a"]}, obj("a", a={})),
    ({"type": "object", "additionalProperties": False, "properties": {}}, {"type": "object"}),
    ({"type": "object", "properties": ["a"], "required": "a"}, {"type": "object"}),
    # all of
    ({"allOf": [obj("a", a=STRING), obj("b", b=STRING)]}, obj("a", "b", a=STRING, b=STRING)),
    ({"description": "Ours.", "allOf": [{"type": "string", "description": "Theirs."}]},
     {"type": "string", "description": "Ours."}),
    ({"properties": {"a": {"description": "It."}}, "allOf": [obj("a", a=STRING)]},
     obj("a", a={"type": "string", "description": "It."})),
    ({"allOf": [{"type": "string"}, {"type": "integer"}]}, STRING),
    ({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, {"type": "string", "enum": ["b"]}),
    ({"allOf": [{"enum": ["a"]}, {"format": "binary"}]}, {"type": "string", "format": "binary"}),
    ({"format": "binary", "allOf": [{"default": "a"}]}, {"type": "string", "format": "binary"}),
    ({"allOf": {"type": "string"}}, {}),
    # one of, any of
    ({"anyOf": [STRING, {"type": "null"}]}, STRING),
    ({"oneOf": [{"const": None}, {"enum": [None]}, {"type": "integer"}], "description": "N."},
     {"type": "integer", "description": "N."}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"type": "string", "enum": ["a", "b"]}),
    ({"anyOf": [{"type": "string", "enum": ["a"]}, STRING]}, STRING),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, {"type": "number"}),
    ({"anyOf": [STRING, {"type": "integer"}], "description": "It."},
     {"description": "It.", "anyOf": [STRING, {"type": "integer"}]}),
    ({"anyOf": [STRING, {"anyOf": [{"type": "integer"}, obj(a={})]}]},
     {"anyOf": [STRING, {"type": "integer"}, {"type": "object"}]}),
    ({"type": "string", "anyOf": [{"type": "integer"}, {"type": "object"}]}, STRING),
    ({"anyOf": [STRING, {"type": "array", "items": STRING}]}, {"type": "array", "items": STRING}),
    ({"anyOf": [{"enum": ["a"]}, {"type": "array", "items": {"enum": ["b"]}}]},
     {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
    ({"anyOf": [STRING, {"type": "array", "items": {"type": "object"}}]},
     {"anyOf": [STRING, LIST | {"items": {"type": "object"}}]}),
    ({"anyOf": [STRING, {"type": "array"}]}, {"anyOf": [STRING, LIST]}),
    ({"anyOf": [STRING, {"type": "object"}, {}]}, {}),
    ({"anyOf": [{"type": "array", "items": STRING}, {"type": "array", "items": {"enum": ["a"]}}]},
     {"type": "array", "items": STRING}),
    ({"oneOf": [obj("t", "a", t={"const": "x"}, a=STRING), obj("t", t={"const": "y"}, b={"type": "integer"})]},
     obj("t", t={"type": "string", "enum": ["x", "y"]}, a=STRING, b={"type": "integer"})),
    (obj("c", a=STRING, b=STRING, c=STRING) | {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
     obj("c", a=STRING, b=STRING, c=STRING)),
    ({"anyOf": [{"type": "null"}]}, {}),
    # references
    ({"$ref": "#/$defs/a", "$defs": {"a": STRING}}, STRING),
    ({"$ref": "#/definitions/a~1b%20c", "definitions": {"a/b c": STRING}}, STRING),
    ({"$ref": "#/$defs/a", "description": "Here.", "$defs": {"a": {"type": "string", "description": "There."}}},
     {"type": "string", "description": "Here."}),
    ({"items": {"$ref": "#/components/0"}, "components": [STRING]}, {"type": "array", "items": STRING}),
    ({"$ref": "https://example.com/schema.json", "description": "Far."}, {"description": "Far."}),
    ({"$ref": "#/nowhere/9/-1"}, {}), ({"$ref": "other.json#/a"}, {}), ({"$ref": ["#"]}, {}), ({"$ref": "#"}, {}),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, {}),
    (obj(next={"$ref": "#"}), obj(next=obj(next={}))),
    # no schemas
    (None, {}), (True, {}), (False, {}), ([], {}), ("string", {}), (3, {}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "kept"), ACCEPTED)
def test_a_schema_from_outside_is_read_as_it_was_meant(schema: Any, kept: dict[str, Any]) -> None:
    assert accepted(schema) == kept
    assert_dialect(accepted(schema))


def test_references_are_relative_to_the_document_that_a_schema_stands_in() -> None:
    root = {"components": {"schemas": {"a": obj(b={"$ref": "#/components/schemas/c"}), "c": STRING}}}
    assert accepted({"$ref": "#/components/schemas/a"}, root) == obj(b=STRING)


def test_arguments_that_are_read_together_keep_their_names() -> None:
    named = {"a[]": STRING, "b": {"$ref": "#/$defs/c"}, "d": None}
    assert accepted_each(named, {"$defs": {"c": {"type": "integer"}}}) == {
        "a[]": STRING,
        "b": {"type": "integer"},
        "d": {},
    }
    assert len(accepted_each({f"{n}": STRING for n in range(500)})) == 100


def test_of_too_many_properties_those_required_are_kept_first() -> None:
    wide = {f"p{n}": STRING for n in range(5_000)}
    kept = accepted(obj("p4999", "p3000", **wide))
    assert list(kept["properties"])[:3] == ["p3000", "p4999", "p0"]
    assert kept["required"] == ["p3000", "p4999"]
    assert len(kept["properties"]) == 100


def test_a_schema_that_is_too_big_is_less_deep_everywhere_instead_of_ending_somewhere() -> None:
    tree: dict[str, Any] = {"$defs": {"node": obj(**{f"n{n}": {"$ref": "#/$defs/node"} for n in range(3)})}}
    for level in range(12):
        tree["$defs"][f"l{level}"] = obj(**{f"c{n}": {"$ref": f"#/$defs/l{level + 1}"} for n in range(6)})
    kept = accepted(obj(first={"$ref": "#/$defs/l0"}, last=obj(name=STRING)) | tree)
    assert kept["properties"]["last"] == obj(name=STRING)
    assert kept["properties"]["first"]["properties"].keys() == {f"c{n}" for n in range(6)}
    assert_dialect(kept)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["a", "b", "c", "d[]", "", "é", "type"])
REFS = st.sampled_from(
    ["#", "#/$defs/a", "#/$defs/b", "#/properties/a", "#/$defs/a/items", "#/anyOf/0", "x.json", "#/~9%zz"]
)
KINDS = st.sampled_from([*sorted(TYPES), "null", "file", "any"])
NOTES = st.text(max_size=20) | st.sampled_from(
    ["<data x>", "</data>", "x" * 159 + "<data source", "a\u0301\u202e\ud800", "e" * 158 + "<data"]
)
VALUES = st.sampled_from(["a", "b", "", 1, 2.5, True, None, "x" * 150, "\u200b", []])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    inner = inner | JUNK
    words: dict[str, st.SearchStrategy[Any]] = {
        "type": KINDS | st.lists(KINDS, max_size=3) | JUNK,
        "description": NOTES | JUNK,
        "enum": st.lists(VALUES, max_size=4) | JUNK,
        "const": VALUES,
        "default": VALUES | JUNK,
        "format": st.sampled_from(["binary", "date"]) | JUNK,
        "properties": st.dictionaries(KEYS, inner, max_size=4) | JUNK,
        "required": st.lists(KEYS | JUNK, max_size=3) | JUNK,
        "items": inner | st.lists(inner, max_size=2),
        "allOf": st.lists(inner, max_size=3) | JUNK,
        "anyOf": st.lists(inner, max_size=3) | JUNK,
        "oneOf": st.lists(inner, max_size=3) | JUNK,
        "$ref": REFS | JUNK,
        "$defs": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2) | JUNK,
    }
    return st.fixed_dictionaries({}, optional=words)


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({}, optional={"type": KINDS}), schemas, max_leaves=12
)


@given(SCHEMAS | JUNK, SCHEMAS | st.none())
@settings(max_examples=200)
def test_whatever_comes_in_what_is_accepted_is_our_dialect_and_accepted_again_as_it_is(schema: Any, root: Any) -> None:
    kept = accepted(schema, root)
    assert_dialect(kept)
    assert accepted(kept) == kept


ARGUMENTS = st.dictionaries(st.sampled_from([f"arg_{n}" for n in range(9)]), SCHEMAS, max_size=6)


@st.composite
def roots(draw: st.DrawFn) -> dict[str, Any]:
    properties = accepted_each(draw(ARGUMENTS))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    return obj(*required, **properties)


@given(roots(), st.sampled_from(PROFILES))
@settings(max_examples=120)
def test_every_client_takes_what_is_shown(schema: dict[str, Any], profile: Profile) -> None:
    assert_shown(shown(schema, profile), profile)
    assert_shown(shown({}, profile), profile)


def kept_of(smaller: Any, larger: Any) -> bool:
    """Whether all that the smaller schema shows is in the larger one, descriptions shortened at most."""
    if isinstance(smaller, dict) and isinstance(larger, dict):
        ours, theirs = cast(dict[str, Any], smaller), cast(dict[str, Any], larger)
        return all(key in theirs and kept_of(value, theirs[key]) for key, value in ours.items() if key != "description")
    return isinstance(smaller, list) or smaller == larger


@given(roots(), st.integers(0, 1_500), st.integers(0, 1_500), st.sampled_from(PROFILES))
@settings(max_examples=120)
def test_what_is_fitted_fits_keeps_what_is_required_and_has_no_less_with_more_room(
    schema: dict[str, Any], room: int, more: int, profile: Profile
) -> None:
    cut, wider = fitted(schema, room, profile), fitted(schema, room + more, profile)
    if cut is None:
        return
    assert len(compact(cut)) <= room
    assert_shown(cut, profile)
    assert list(cut["properties"]) == [
        name for name in shown(schema, profile)["properties"] if name in cut["properties"]
    ]
    assert set(schema.get("required", ())) <= set(cut["properties"])
    assert wider is not None
    assert wider["properties"].keys() >= cut["properties"].keys()
    assert len(compact(wider)) >= len(compact(cut))
    if profile != "openai-strict":  # where what is opened becomes text
        assert kept_of(cut, wider)


# What is accepted is no narrower than what came in

CLEAN_KEYS = st.sampled_from(["a", "b"])
PLAIN: list[Any] = [
    STRING, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {}, {"type": ["string", "integer"]},
    {"enum": ["a", "b"]}, {"enum": ["a", 1]}, {"const": 1}, {"type": "integer", "enum": [1, 2]}, {"type": "array"},
]  # fmt: skip


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    closed = st.fixed_dictionaries({
        "type": st.just("object"), "properties": st.dictionaries(CLEAN_KEYS, inner),
        "required": st.lists(CLEAN_KEYS, unique=True), "additionalProperties": st.just(value=False),
    })  # fmt: skip
    return closed | st.fixed_dictionaries({"type": st.just("array"), "items": inner})


PLAINER: st.SearchStrategy[Any] = st.recursive(st.sampled_from(PLAIN), larger, max_leaves=4)
SOME = st.lists(PLAINER, min_size=1, max_size=3)
CHOSEN = st.one_of(*(st.fixed_dictionaries({word: SOME}) for word in ("anyOf", "allOf", "oneOf")))
CLEAN: st.SearchStrategy[Any] = PLAINER | CHOSEN | larger(CHOSEN)
JSON = st.recursive(
    st.sampled_from(["a", "b", "z", 1, 2, 2.5, True, False]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(CLEAN_KEYS, inner, max_size=2),
    max_leaves=5,
)


@given(CLEAN, st.lists(JSON, min_size=1, max_size=8))
@settings(max_examples=200)
def test_no_value_is_refused_that_the_schema_from_outside_takes(schema: Any, values: list[Any]) -> None:
    valid = [value for value in values if Draft202012Validator(schema).is_valid(value)]  # pyright: ignore[reportUnknownMemberType]
    assume(valid)
    for value in valid:
        check(obj(v=accepted(schema)), {"v": value})


# What costs


def hostile() -> list[Any]:
    deep_any: Any = {}
    deep_object: Any = {}
    for _ in range(5_000):
        deep_any, deep_object = {"allOf": [deep_any]}, obj(a=deep_object)
    values, note = [f"{'é' * 97}{n:03}" for n in range(50)], "é" * 100_000
    leaf = {"type": "object", "properties": {f"q{n}": {"enum": values, "description": note} for n in range(100)}}
    fan = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 20, "anyOf": [{"$ref": "#"}] * 20} for n in range(50)}
    wide = obj(**{f"p{n}": {"$ref": "#/$defs/leaf"} for n in range(100_000)})
    return [
        deep_any,
        deep_object,
        {"$ref": "#/$defs/d0", "$defs": fan},
        {"$defs": {"leaf": leaf, "wide": wide}} | obj(**{f"w{n}": {"$ref": "#/$defs/wide"} for n in range(100)}),
        {"$defs": {"leaf": leaf}} | obj(**{f"w{n}": {"$ref": "#/$defs/leaf"} for n in range(100)}),
        {"$defs": {"m": {"enum": ["é" * 90] * 100_000}}} | obj(**{f"w{n}": {"$ref": "#/$defs/m"} for n in range(99)}),
        {"$defs": {"e": obj(**{f"é{n}": {} for n in range(100_000)})}}
        | obj(**{f"w{n}": {"$ref": "#/$defs/e"} for n in range(99)}),
        {"enum": list(range(300_000)), "required": list(map(str, range(300_000)))},
        {"anyOf": [{"$ref": "#"}] * 100_000, "description": "<data" * 100_000, "default": "x" * 400_000},
        {"$ref": "#" + "/a" * 200_000},
    ]  # fmt: skip


def test_no_schema_costs_more_than_a_moment() -> None:
    for schema in hostile():
        before = time.process_time()
        kept = accepted(schema)
        accepted_each({f"a[{n}]": {"$ref": "#"} for n in range(300)}, schema)
        assert time.process_time() - before < 60  # of processor; a tenth is usual
        assert_dialect(kept)
        assert accepted(kept) == kept


@pytest.mark.parametrize("profile", PROFILES)
def test_thousands_of_arguments_are_fitted_in_a_moment(profile: Profile) -> None:
    some = {f"p{n}": {"type": "string", "description": "x" * 100} for n in range(1_000)}
    others = {f"o{n}": obj(a=STRING, b=obj(c=STRING)) for n in range(1_000)}
    rooms = (300_000, 100_000, 30_000, 1_600)
    before = time.process_time()
    cuts = [fitted(obj("p7", "o7", **some, **others), room, profile) for room in rooms]
    assert time.process_time() - before < 60  # of processor; one or two seconds are usual
    for room, cut in zip(rooms, cuts, strict=True):
        assert cut is not None
        assert room // 2 < len(compact(cut)) <= room
        assert_shown(cut, profile) if profile != "raw" and room < 50_000 else None  # the judges take their time


# shown

CLOSED: dict[str, Any] = {"required": [], "additionalProperties": False}
TEXT = {"type": ["string", "null"], "description": "An object as JSON text."}
SCALARS: list[Any] = [STRING, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]
ANY_ITEM: list[Any] = [*SCALARS[:3], {"type": "object"}]
ANY_LIST = {"type": "array", "items": {"anyOf": [STRING, {"type": "number"}, {"type": "object"}]}}
# An optional argument as it is accepted, as it is portable, as it is strict.
SHOWN: list[tuple[Any, Any, Any]] = [
    (STRING, STRING, {"type": ["string", "null"]}),
    (
        {"type": "string", "enum": ["a", ""], "default": "a", "description": "It."},
        {"type": "string", "description": "It. Default: a.", "enum": ["a"]},
        {"type": ["string", "null"], "description": "It. Default: a.", "enum": ["a", None]},
    ),
    ({"type": "integer", "default": 30, "description": "At most (default: `30`)."},
     {"type": "integer", "description": "At most (default: `30`)."},
     {"type": ["integer", "null"], "description": "At most (default: `30`)."}),
    ({"type": "integer", "default": 30, "description": "At most 30."},
     {"type": "integer", "description": "At most 30. Default: 30."},
     {"type": ["integer", "null"], "description": "At most 30. Default: 30."}),
    ({"type": "boolean", "default": False}, {"type": "boolean", "description": "Default: false."},
     {"type": ["boolean", "null"], "description": "Default: false."}),
    ({"type": "string", "default": "x" * 41}, STRING, {"type": ["string", "null"]}),
    (
        {"type": "string", "format": "binary", "description": "It."},
        {"type": "string",
         "description": "It. A data: URI, pica://results/… or, if the server allows a folder, a path in it."},
        {"type": ["string", "null"],
         "description": "It. A data: URI, pica://results/… or, if the server allows a folder, a path in it."},
    ),
    ({}, {"anyOf": [*ANY_ITEM, ANY_LIST]}, {"anyOf": SCALARS, "description": "Objects and lists as JSON text."}),
    (
        {"description": "It.", "default": 1},
        {"anyOf": [STRING | {"description": "It. Default: 1."}, *ANY_ITEM[1:], ANY_LIST]},
        {"anyOf": SCALARS, "description": "It. Objects and lists as JSON text. Default: 1."},
    ),
    (
        {"description": "It.", "anyOf": [STRING, {"type": "array", "items": {"type": "object"}}]},
        {"anyOf": [STRING | {"description": "It."}, {"type": "array", "items": {"type": "object"}}]},
        {"type": ["string", "null"], "description": "It. Objects and lists as JSON text."},
    ),
    ({"anyOf": [{"type": "integer"}, STRING]}, {"anyOf": [{"type": "integer"}, STRING]},
     {"anyOf": [{"type": "integer"}, STRING, {"type": "null"}]}),
    ({"description": "It.", "anyOf": [STRING]}, STRING | {"description": "It."},
     {"type": ["string", "null"], "description": "It."}),
    ({"type": "object"}, {"type": "object"}, TEXT),
    ({"type": "array", "items": {"description": "One."}},
     {"type": "array", "items": {"anyOf": [STRING | {"description": "One."}, *ANY_ITEM[1:]]}},
     {"type": ["array", "null"],
      "items": {"anyOf": SCALARS[:3], "description": "One. Objects and lists as JSON text."}}),
    (LIST, {"type": "array", "items": {"anyOf": ANY_ITEM}},
     {"type": ["array", "null"], "items": {"anyOf": SCALARS[:3], "description": "Objects and lists as JSON text."}}),
    ({"type": "array", "items": LIST}, {"type": "array", "items": {"type": "array", "items": {"anyOf": SCALARS[:3]}}},
     {"type": ["array", "null"], "items": {"type": "array", "items": {
         "anyOf": SCALARS[:3], "description": "Objects and lists as JSON text."}}}),
    (
        {"type": "array", "items": {"type": "object"}},
        {"type": "array", "items": {"type": "object"}},
        {"type": ["array", "null"], "items": {"type": "string", "description": "An object as JSON text."}},
    ),
    (
        obj("a", a=STRING, b=obj(c=STRING)),
        obj("a", a=STRING, b=obj(c=STRING)),
        {"type": ["object", "null"], "properties": {"a": STRING, "b": {
            "type": ["object", "null"], "properties": {"c": {"type": ["string", "null"]}}, "required": ["c"],
            "additionalProperties": False,
        }}, "required": ["a", "b"], "additionalProperties": False},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "portable", "strict"), SHOWN)
def test_each_client_is_shown_what_it_takes(inside: Any, portable: Any, strict: Any) -> None:
    assert shown(obj(v=inside)) == obj(v=portable)
    closed = {"type": "object", "properties": {"v": strict}, "required": ["v"], "additionalProperties": False}
    assert shown(obj(v=inside), "openai-strict") == closed
    assert shown(obj("v", v=inside), "raw") == obj("v", v=inside)


def test_no_arguments_are_written_as_every_client_takes_them() -> None:
    assert shown({"type": "object"}) == {"type": "object", "properties": {}}
    assert shown({}, "openai-strict") == {"type": "object", "properties": {}} | CLOSED
    assert shown({}, "raw") == {"type": "object", "properties": {}}


def test_what_is_deeper_than_strict_mode_goes_is_text() -> None:
    deep = STRING
    for _ in range(7):
        deep = obj("a", a=deep)
    strict = shown(deep, "openai-strict")
    for _ in range(4):
        strict = strict["properties"]["a"]
    assert strict["properties"] == {"a": {"type": "string", "description": "An object as JSON text."}}


def test_strict_mode_shows_no_more_names_and_values_than_it_takes() -> None:
    values = {"type": "string", "enum": [f"v{n}" for n in range(50)]}
    shown_values = shown(obj(**{f"p{n}": values for n in range(30)}), "openai-strict")["properties"].values()
    assert [("enum" in one) for one in shown_values] == [True] * 19 + [False] * 11
    inner = obj(**{f"{'n' * 60}{n}": STRING for n in range(100)})
    assert_shown(shown(obj(**{f"p{n}": inner for n in range(30)}), "openai-strict"), "openai-strict")
    many = shown(obj("p5999", **{f"p{n}": STRING for n in range(6_000)}), "openai-strict")["properties"]
    assert len(many) <= 5_001
    assert "p5999" in many


# fitted

BIG = obj(
    "to",
    to={"type": "string", "description": "t" * 100},
    cc={"type": "string", "description": "c" * 50, "default": "d"},
    body=obj(text=STRING, style=obj(bold={"type": "boolean"}), font=obj(size={"type": "integer"})),
    tags={"type": "array", "items": obj(key=STRING)},
    bcc={"type": "string", "description": "b" * 50},
)


def test_what_is_left_out_goes_in_a_fixed_order() -> None:
    seen: list[dict[str, Any]] = []
    for room in range(len(compact(shown(BIG))), 0, -1):
        cut = fitted(BIG, room)
        if cut is not None and (not seen or cut["properties"] != seen[-1]):
            seen.append(cut["properties"])
    whole = shown(BIG)["properties"]
    changes = [whole]
    for change in (
        {"bcc": STRING},
        {"cc": STRING},
        {"tags": {"type": "array", "items": {"type": "object"}}},
        {"body": obj(text=STRING, style=obj(bold={"type": "boolean"}), font={"type": "object"})},
        {"body": obj(text=STRING, style={"type": "object"}, font={"type": "object"})},
        {"body": {"type": "object"}},
    ):
        changes.append(changes[-1] | change)
    for gone in ("bcc", "tags", "body", "cc"):
        changes.append({name: value for name, value in changes[-1].items() if name != gone})
    changes += [
        {"to": {"type": "string", "description": "t" * 79 + "…"}},
        {"to": {"type": "string", "description": "t" * 39 + "…"}},
        {"to": STRING},
    ]
    assert seen == changes
    assert fitted(BIG, len(compact(obj("to", to=STRING))) - 1) is None


def test_inner_properties_of_what_is_required_go_after_those_of_what_is_not() -> None:
    two = obj("a", a=obj(x=STRING), b=obj(x=STRING))
    assert fitted(two, len(compact(two)) - 1) == obj("a", a=obj(x=STRING), b={"type": "object"})
    assert fitted(two | {"required": ["b"]}, len(compact(two)) - 1) == obj("b", a={"type": "object"}, b=obj(x=STRING))


def test_what_fits_is_shown_whole() -> None:
    for profile in PROFILES:
        whole = shown(BIG, profile)
        assert fitted(BIG, len(compact(whole)), profile) == whole
        assert fitted(BIG, len(compact(whole)) - 1, profile) != whole
