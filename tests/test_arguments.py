from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pica_mcp import arguments as room
from pica_mcp.arguments import check, coerce
from pica_mcp.errors import InvalidArguments

KINDS = ["string", "integer", "number", "boolean", "object", "array"]
NAMES = st.sampled_from(["a", "b", "date_time", "dateTime", "x" * 90, "", "\ud800", "a\nb"])
WORDS = st.sampled_from(["7", "true", "red", "RED", "[1]", '{"a": null}', "[", "\ud800", "\u202e", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
Schema = dict[str, Any]


def an_object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": [name for name in required if name in properties]}


def an_array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


LEAVES: list[Schema] = [
    {},
    *({"type": kind} for kind in KINDS),
    {"type": "string", "enum": ["red", "Green", "green"]},
]
SCHEMAS: st.SearchStrategy[Schema] = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds(an_array, inner)
        | st.builds(an_object, st.dictionaries(NAMES, inner, max_size=3), st.lists(NAMES, max_size=2, unique=True))
    ),
    max_leaves=8,
)

SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "description": "Whom."},
        "count": {"type": "integer"},
        "size": {"type": "number"},
        "loud": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "extra": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        "color": {"type": "string", "enum": ["red", "green"]},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"price": {"type": "number"}, "dueDate": {"type": "string", "description": "A day."}},
                "required": ["price"],
            },
        },
        "file": {"type": "string", "format": "binary"},
        "map": {"type": "object"},
        "any": {},
        "spelt": {"contentMediaType": "application/json"},
    },
    "required": ["to"],
}
ALL = "to*, count, size, loud, tags, extra, color, items, file, map, any, spelt"


def fault(**arguments: Any) -> str:
    with pytest.raises(InvalidArguments) as caught:
        check(SCHEMA, arguments)
    remedy = " Nothing was sent; correct the arguments and call again."
    assert str(caught.value).endswith(remedy)
    return str(caught.value).removesuffix(remedy)


def valid(value: Any, schema: dict[str, Any]) -> bool:
    return Draft202012Validator(schema).is_valid(value)  # pyright: ignore[reportUnknownMemberType]


# Faults


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "The argument 'to' is required (Whom.)."),
        ({"to": None}, "The argument 'to' must be a string, not null (Whom.)."),
        ({"to": "a", "cuont": 3}, "There is no argument 'cuont'; did you mean 'count'?"),
        ({"to": "a", "zzz": 3}, f"There is no argument 'zzz'; it takes: {ALL}."),
        ({"to": ["a"]}, "The argument 'to' must be a string, not an array (Whom.)."),
        ({"to": "a", "count": 1.5}, "The argument 'count' must be an integer, not a number."),
        ({"to": "a", "count": "many"}, "The argument 'count' must be an integer, not a string."),
        ({"to": "a", "loud": 1}, "The argument 'loud' must be a boolean, not an integer."),
        ({"to": "a", "tags": {"x": 1}}, "The argument 'tags' must be an array, not an object."),
        ({"to": "a", "tags": ["x", None]}, "The argument 'tags[1]' must be a string, not null."),
        ({"to": "a", "extra": {}}, "The argument 'extra' lacks 'a'."),
        ({"to": "a", "extra": {"a": None}}, "The argument 'extra.a' must be an integer, not null."),
        ({"to": "a", "extra": {"a": "x"}}, "The argument 'extra.a' must be an integer, not a string."),
        ({"to": "a", "extra": {"A": 1}}, "The argument 'extra' lacks 'a'; it has 'A' instead."),
        ({"to": "a", "color": "gren"}, "The argument 'color' must be one of red, green; nearest: green."),
        ({"to": "a", "color": "42"}, "The argument 'color' must be one of red, green."),
        (
            {"to": "a", "items": [{"price": 1}, {"price": 2}, {"price": "low"}]},
            "The argument 'items[2].price' must be a number, not a string.",
        ),
        ({"to": "a", "items": [{"dueDate": 3}]}, "The argument 'items[0]' lacks 'price'."),
        (
            {"zzzz": 1, "count": "x"},
            (
                f"There is no argument 'zzzz'; it takes: {ALL}. "
                "The argument 'to' is required (Whom.). The argument 'count' must be an integer, not a string."
            ),
        ),
    ],
)
def test_a_fault_names_the_argument_and_what_is_nearest(arguments: dict[str, Any], words: str) -> None:
    assert fault(**arguments) == words


def test_what_an_object_lacks_is_told_with_its_description() -> None:
    due: dict[str, Any] = {"type": "object", "properties": {"on": {"description": "A day."}}, "required": ["on"]}
    with pytest.raises(InvalidArguments, match=r"The argument 'due' lacks 'on' \(A day\.\)\."):
        check({"properties": {"due": due}}, {"due": {}})


@pytest.mark.parametrize("written", ["max_results", "MaxResults", "max-results", "maxresults"])
def test_a_name_in_another_spelling_is_the_nearest(written: str) -> None:
    properties: dict[str, Any] = {"mixResults": {}, "maxResults": {}}
    with pytest.raises(InvalidArguments, match="did you mean 'maxResults'"):
        check({"properties": properties}, {written: 1})


@pytest.mark.parametrize(
    ("properties", "group"), [({"query": {"type": "object"}}, "query"), ({"body": {"type": "object"}}, "body")]
)
def test_where_a_group_is_open_an_unknown_argument_belongs_into_it(properties: dict[str, Any], group: str) -> None:
    with pytest.raises(InvalidArguments, match=f"There is no argument 'zz'; put it into '{group}'"):
        check({"properties": properties}, {"zz": 1})


@pytest.mark.parametrize(("number", "limit"), [(0, "1 or more"), (9, "5 or less"), (3, "")])
def test_a_number_keeps_its_limits(number: int, limit: str) -> None:
    schema = {"properties": {"n": {"type": "integer", "minimum": 1, "maximum": 5}}}
    if limit:
        with pytest.raises(InvalidArguments, match=f"The argument 'n' must be {limit}"):
            check(schema, {"n": number})
    else:
        assert check(schema, {"n": number}) == {"n": number}


def test_at_most_five_faults_are_told() -> None:
    assert fault(to="a", **{f"zz{n}": n for n in range(9)}).count("There is no argument") == 5


def test_a_tool_without_arguments_says_so() -> None:
    with pytest.raises(InvalidArguments, match="There is no argument 'a'; it takes: none"):
        check({"type": "object", "properties": {}}, {"a": 1})


def test_what_an_object_does_not_document_is_let_through() -> None:
    given = {"to": "a", "extra": {"a": 1, "b": None}, "map": {"x": None, "y": [None]}, "any": {"z": None}}
    assert check(SCHEMA, given) == given


# What is always the same

CONSTANTS = {"Notion-Version": "2022-06-28", "raw": True, "depth": 2, "!": "x", "to": "b"}


@pytest.mark.parametrize(
    "given",
    [
        {"Notion-Version": "2022-06-28"}, {"notion_version": "2022-06-28"}, {"raw": True}, {"raw": "true"},
        {"depth": 2}, {"depth": "2"}, {"Notion-Version": None},
    ],
)  # fmt: skip
def test_what_is_always_the_same_may_be_passed_as_it_is(given: dict[str, Any]) -> None:
    assert check(SCHEMA, {"to": "a", **given}, constants=CONSTANTS) == {"to": "a"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"notion-version": "1"}, "'Notion-Version' is always '2022-06-28' here; leave it out."),
        ({"raw": [True]}, "'raw' is always 'true' here; leave it out."),
        ({"depth": {}}, "'depth' is always '2' here; leave it out."),
        ({"?": "x"}, "There is no argument '?'"),
    ],
)
def test_another_value_of_what_is_always_the_same_is_refused_with_the_right_one(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        check(SCHEMA, {"to": "a", **given}, constants=CONSTANTS)
    assert str(caught.value).startswith(words)


def test_a_constant_is_shown_as_one_short_line() -> None:
    with pytest.raises(InvalidArguments) as caught:
        check(SCHEMA, {"to": "a", "query": 1}, constants={"query": "query {\n" + "x" * 400_000})
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


# Null


def test_an_argument_that_is_null_counts_as_not_given() -> None:
    assert check(SCHEMA, {"to": "a", "count": None, "any": None, "unknown": None}) == {"to": "a"}


def test_null_inside_counts_as_not_given_where_it_is_documented_and_may_be_left_out() -> None:
    given = {"to": "a", "items": [{"price": 1, "dueDate": None, "more": None}]}
    assert check(SCHEMA, given) == {"to": "a", "items": [{"price": 1, "more": None}]}


def test_null_can_be_kept_where_an_api_clears_a_field_by_it() -> None:
    given = {"to": "a", "count": None, "items": [{"price": 1, "dueDate": None}]}
    assert check(SCHEMA, given, keep_null=True) == given
    with pytest.raises(InvalidArguments, match=r"'items\[0\]\.price' must be a number, not null"):
        check(SCHEMA, {"to": "a", "items": [{"price": None}]}, keep_null=True)


def test_the_values_of_the_caller_are_not_touched() -> None:
    given: dict[str, Any] = {"to": 7, "items": [{"price": "1", "dueDate": None}], "tags": [1]}
    check(SCHEMA, given)
    assert given == {"to": 7, "items": [{"price": "1", "dueDate": None}], "tags": [1]}


# Coercion


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("to", 7, "7"),
        ("to", 1.5, "1.5"),
        ("to", True, "true"),
        ("to", "7", "7"),
        ("count", "7", 7),
        ("count", "-7", -7),
        ("count", 3.0, 3),
        ("size", "7", 7),
        ("size", "1.50", 1.5),
        ("loud", "True", True),
        ("loud", "false", False),
        ("tags", '["a"]', ["a"]),
        ("tags", '["a", 1]', ["a", "1"]),
        ("tags", "a", ["a"]),
        ("tags", 7, ["7"]),
        ("tags", "a,b", ["a,b"]),
        ("tags", [1, True], ["1", "true"]),
        ("extra", ' {"a": 1}', {"a": 1}),
        ("extra", {"a": "1"}, {"a": 1}),
        ("extra", '{"a": "1"}', {"a": 1}),
        ("color", "RED", "red"),
        ("items", '[{"price": "1.5"}]', [{"price": 1.5}]),
        ("items", ['{"price": "1"}'], [{"price": 1}]),
        ("file", "notes/a.txt", "notes/a.txt"),
        ("file", '{"a": 1}', '{"a": 1}'),
        ("map", '{"a": "1"}', {"a": "1"}),
        ("any", "7", "7"),
        ("any", [1], [1]),
        ("any", '{"a": 1}', '{"a": 1}'),
        ("spelt", ' {"a": "7"}', {"a": "7"}),
        ("spelt", "[[1, null]]", [[1, None]]),
        ("spelt", "[note] hello", "[note] hello"),
        ("spelt", "7", "7"),
        ("spelt", "true", "true"),
        ("spelt", 7, 7),
    ],
)
def test_a_value_is_taken_as_what_it_means(name: str, value: object, meant: object) -> None:
    checked = check(SCHEMA, {"to": "a", name: value})[name]
    assert (checked, repr(checked)) == (meant, repr(meant))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "1.0"), ("integer", "1e3"), ("integer", "9" * 19), ("integer", ""), ("integer", " 1"),
        ("integer", "nan"), ("integer", 1.5), ("integer", float("inf")), ("integer", float("nan")),
        ("number", "1e3"), ("number", "inf"), ("number", ".5"), ("boolean", "yes"), ("boolean", "1"), ("boolean", 1),
        ("array", "a,b"), ("array", "[broken"), ("array", "[" * 100_000), ("array", '{"a": 1}'),
        ("object", '["a"]'), ("object", "{"), ("object", None),
        ("string", None), ("string", ["a"]), ("string", 10**18), ("string", float("inf")),
        (None, "7"), (None, "true"), ("integer", "007"),
    ],
)  # fmt: skip
def test_a_value_that_would_lose_by_it_stays_as_it_is(kind: str | None, value: object) -> None:
    assert coerce(value, {"type": kind} if kind else {}) is value


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"ü": [None, 1]}, '{"ü": [null, 1]}'), ([], "[]"), ([{"a": 1}], '[{"a": 1}]'), ("{", "{"), (7, "7"),
        (True, "true"), (None, None),
    ],
)  # fmt: skip
def test_what_is_described_as_json_is_written_as_json(value: object, meant: object) -> None:
    assert coerce(value, {"type": "string", "description": "The filter, as a JSON string."}) == meant


@pytest.mark.parametrize(
    "facts",
    [
        {}, {"description": "Not as JSONL."}, {"description": "JSON", "format": "binary"},
        {"description": "JSON", "enum": ["a"]},
    ],
)  # fmt: skip
def test_no_other_text_is_written_as_json(facts: dict[str, Any]) -> None:
    assert coerce({"a": 1}, {"type": "string", **facts}) == {"a": 1}


def test_what_cannot_be_written_as_json_stays_as_it_is() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    for value in (deep, [float("nan")]):
        assert coerce(value, {"type": "string", "description": "JSON"}) is value


@pytest.mark.parametrize(
    ("items", "value"),
    [
        ({}, "a"), ({"type": "object"}, "a"), ({"type": "array", "items": {"type": "string"}}, "a"),
        ({"type": "integer"}, "a"), ({"type": "boolean"}, 1), ({"type": "string"}, "[a"), ({"type": "string"}, None),
        ({"type": "string"}, {"a": 1}),
    ],
)  # fmt: skip
def test_only_a_scalar_that_fits_becomes_a_list_of_one(items: dict[str, Any], value: object) -> None:
    assert coerce(value, {"type": "array", "items": items}) is value


def test_letter_case_that_tells_two_values_apart_is_kept() -> None:
    schema = {"type": "string", "enum": ["asc", "ASC", "desc"]}
    assert coerce("Asc", schema) == "Asc"
    assert coerce("ASC", schema) == "ASC"
    assert coerce("DESC", schema) == "desc"


@given(SCHEMAS, VALUES)
def test_what_is_coerced_is_of_no_other_type_than_wanted_and_stays(schema: dict[str, Any], value: Any) -> None:
    coerced = coerce(value, schema)
    if valid(value, schema):
        assert valid(coerced, schema)
    assert repr(coerce(coerced, schema)) == repr(coerced)


@given(SCHEMAS, VALUES)
def test_whatever_is_given_is_checked_as_the_standard_has_it_or_refused_in_words(
    schema: dict[str, Any], value: Any
) -> None:
    whole = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    if valid(coerce(value, schema), schema):
        checked = check(whole, {"x": value})
        assert valid(checked, whole)
        assert repr(check(whole, checked)) == repr(checked)
        return
    with pytest.raises(InvalidArguments, match="'x") as caught:
        check(whole, {"x": value})
    told = str(caught.value)
    assert len(told.encode()) < 5_000
    assert "\n" not in told


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "zzz", "\ud800"]), VALUES))
def test_what_is_unknown_or_missing_is_never_let_through(arguments: dict[str, Any]) -> None:
    try:
        checked = check(SCHEMA, arguments)
    except InvalidArguments:
        return
    assert "to" in checked
    assert checked.keys() <= SCHEMA["properties"].keys()
    assert {name for name, value in arguments.items() if value is not None} == checked.keys()


# However much is given


@pytest.fixture
def likened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words for which a likeness was looked for, which takes its time."""
    words: list[str] = []
    look = room.difflib.get_close_matches

    def noted(word: str, possibilities: Any, n: int = 3, cutoff: float = 0.6) -> list[str]:
        words.append(word)
        assert len(word) <= 60
        assert len(possibilities) <= 300
        return cast(list[str], look(word, possibilities, n, cutoff))

    monkeypatch.setattr(room.difflib, "get_close_matches", noted)
    return words


@pytest.mark.parametrize(
    "arguments",
    [{f"subject{number}" + "!" * 1_000: 1 for number in range(20_000)}, {"kinds": ["rde" * 1_000] * 20_000}],
    ids=["unknown arguments", "items that are none of the allowed"],
)
def test_at_most_five_faults_are_looked_for_and_told(likened: list[str], arguments: dict[str, Any]) -> None:
    many: Schema = {f"name{number}": {} for number in range(2_000)}
    kinds = {"type": "array", "items": {"type": "string", "enum": ["red", "green"]}}
    with pytest.raises(InvalidArguments) as caught:
        check({"properties": {"subject": {}, "kinds": kinds, **many}}, arguments)
    assert str(caught.value).count("The argument 'kinds[") + str(caught.value).count("There is no argument") == 5
    assert len(likened) == 5
    assert len(str(caught.value)) < 3_000


def test_no_value_is_shown_and_no_name_at_length() -> None:
    deep: Any = "secret"
    for _ in range(5_000):
        deep = {"a" * 500: deep}
    told = fault(to={"secret": 1}, count="secret", extra={"a": deep}, **{"b" * 5_000: deep})
    assert "secret" not in told
    assert len(told) < 1_000


def test_what_is_nested_too_deeply_to_follow_is_checked_as_far_as_the_schema_goes() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    assert check(SCHEMA, {"to": "a", "any": deep, "map": {"x": deep}})["any"] is deep
    assert fault(to="a", tags=deep) == "The argument 'tags[0]' must be a string, not an array."


@pytest.mark.parametrize("kind", [["string", "null"], {}, 3, None, "file"])
def test_a_type_that_is_none_takes_anything(kind: Any) -> None:
    assert check({"properties": {"x": {"type": kind}}}, {"x": [1]}) == {"x": [1]}
