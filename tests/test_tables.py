from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pica_mcp.documents import passages
from pica_mcp.sandbox import documents as written
from pica_mcp.sandbox import platforms
from pica_mcp.sandbox.catalog import Action, Catalog
from pica_mcp.sandbox.ioschema import io_schema
from pica_mcp.schemas import tables

Json = dict[str, Any]

ACTIONS = tuple(Catalog(platforms.imitated(), platforms.listed_only()).actions())
DOCUMENTS = tuple((action, document) for action in ACTIONS if (document := written.knowledge(action, "https://p.test")))
HEAD = "| Parameter | Type | Description |\n|-----------|------|-------------|\n"
BODY = f"## Required Request Body Fields\n\n{HEAD}"


def groups(markdown: str) -> Json:
    return dict(tables.groups(passages(f"# Make a Thing\n\n{markdown}\n")))


def row(kind: str, description: str = "", heading: str = "Optional Request Body Fields", name: str = "`a`") -> Json:
    """What a row with this type and description becomes, without its description."""
    (group,) = groups(f"## {heading}\n\n{HEAD}| {name} | {kind} | {description} |").values()
    (schema,) = group["properties"].values()
    return {key: value for key, value in schema.items() if key != "description"}


@pytest.mark.parametrize(
    ("heading", "group", "is_required"),
    [
        ("## Required Path Parameters", "path", True),
        ("## Path Parameters", "path", True),
        ("## Path Parameter", "path", True),
        ("## Required Query Parameters", "query", True),
        ("## Optional Query Parameters", "query", False),
        ("## Query Parameters", "query", False),
        ("## Required Headers", "headers", True),
        ("## Optional Headers", "headers", False),
        ("## Headers", "headers", False),
        ("## Required Request Body Fields", "body", True),
        ("## Optional Request Body Fields (application/x-www-form-urlencoded)", "body", False),
        ("## Required Request Body Fields (multipart/form-data)", "body", True),
        ("## Required Request Body Fields (at least one)", "body", False),
        ("## Required and Optional Body Parameters", "body", False),
        ("## Request Body", "body", False),
        ("## Body\n\n### Required", "body", True),
        ("## Request Body\n\n### Required Fields", "body", True),
        ("## Request Body\n\n### Option A", "body", False),
        ("## **Required Request `Body` Fields**", "body", True),
        ("## Request Variables", "variables", False),
        ("## Required Variables", "variables", True),
        ("## Query Variables", "variables", False),
        ("## GraphQL Arguments", "variables", False),
        ("## GraphQL Operation\n\n## Arguments", "variables", False),
        ("## Parameters", "body", False),
        ("## Method\n\n`GET`\n\n## Required Parameters", "query", True),
        ("## Endpoint\n\n`DELETE /a/{{name}}`\n\n## Parameters", "path", False),
    ],
)
def test_the_heading_says_group_and_requiredness(heading: str, group: str, *, is_required: bool) -> None:
    found = groups(f"{heading}\n\n{HEAD}| `name` | string | The name. |")
    assert list(found) == [group]
    assert found[group]["type"] == "object"
    assert found[group]["properties"] == {"name": {"type": "string", "description": "The name."}}
    assert found[group].get("required", []) == (["name"] if is_required else [])


@pytest.mark.parametrize(
    "heading",
    [
        "## Response Fields",
        "## Response\n\n### Body",
        "## Error Response\n\n### Headers",
        "## Example Usage\n\n### Required Query Parameters",
        "## Enforcement Rules\n\n### Valid Examples\n\n#### Parameters",
        "## Error Handling\n\n### Parameters",
        "# Response Models\n\n## Required Request Body Fields",
        "## Limits",
        "```\n## Required Request Body Fields",
        "",
    ],
)
def test_tables_of_answers_examples_and_anything_else_do_not_count(heading: str) -> None:
    assert groups(f"{heading}\n\n{HEAD}| `name` | string | The name. |") == {}


def test_a_title_that_speaks_of_errors_is_no_reason_to_read_nothing() -> None:
    markdown = f"# Get Error Responses\n\n## Required Path Parameters\n\n{HEAD}| `id` | string | It. |"
    assert list(tables.groups(passages(markdown))) == ["path"]


@pytest.mark.parametrize(
    "table",
    [
        "| Parameter | Type | Description |\n|---|---|---|\n| `a` | integer | An a. |",
        "|Parameter|Type|Description|\n|:-|:-:|-:|\n|`a`|integer|An a.|",
        "Parameter | Type | Description\n--- | --- | ---\n`a` | integer | An a.",
        "| Type | Field | Description |\n|---|---|---|\n| integer | a | An a. |",
        "| **Name** | **Type** | **Description** |\n|---|---|---|\n| **a** | `integer` | An a. |",
        "| Property name | Data Type | Details |\n|---|---|---|\n| [a](https://x.test) | `integer` | An a. |",
        "| Parameter | Type | Required | Description |\n|---|---|---|---|\n| a | integer | No | An a. |",
        "| Parameter | Type | Description |\r\n|---|---|---|\r\n| `a` | integer | An a. |\r\n",
        "| Parameter | Type | Description | More |\n|---|---|---|\n| `a` | integer | An a. |",
        "words\n\n| Limit | Value |\n|---|---|\n| x | 1 |\n\n| Field | Type | Description |\n|-|-|-|\n|`a`|int|An a.|",
    ],
)
def test_the_head_of_the_table_decides_what_is_in_which_column(table: str) -> None:
    found = groups(f"## Optional Request Body Fields\n\n{table}")
    assert found == {"body": {"type": "object", "properties": {"a": {"type": "integer", "description": "An a."}}}}


@pytest.mark.parametrize(
    ("cells", "is_required"),
    [
        ("`a` | string | Yes | x", True),
        ("`a` | string | required | x", True),
        ("`a` | string | **Yes**, always | x", True),
        ("`a` | string | no | x", False),
        ("`a` | string | Conditional | x", False),
        ("`a` | string | - | x", False),
        ("`a` | string | | **Required** x", True),
        ("`a` | string | | Required. x", True),
        ("`a` | string | | (required) x", True),
        ("`a` | string | | Required if b is there.", False),
        ("`a` | string | | **Required** if b is there.", False),
        ("`a` | string | | **Required** When it is.", True),
        ("`a` | string | | Required field of x", False),
        ("`a` (required) | string | | x", True),
        ("a* | string | | x", True),
        ("`a` | string, required | | x", True),
        ("`a` | string (optional) | | x", False),
        ("`a` | string | \t | x", False),
    ],
)
def test_a_row_says_itself_whether_it_is_required(cells: str, *, is_required: bool) -> None:
    head = "| Parameter | Type | Required | Description |\n|---|---|---|---|\n"
    found = groups(f"## Request Body\n\n{head}| {cells} |")["body"]
    assert list(found["properties"]) == ["a"]
    assert ("a" in found.get("required", [])) == is_required


def test_columns_may_say_what_is_optional_where_it_goes_and_what_counts_without_it() -> None:
    head = "| Name | In | Type | Optional | Default |\n|---|---|---|---|---|\n"
    found = groups(f"## Parameters\n\n{head}| `a` | query | integer | yes | `5` |\n| `b` | Header | string | no | - |")
    assert found == {
        "query": {"type": "object", "properties": {"a": {"type": "integer", "default": 5}}},
        "headers": {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
    }


def test_what_is_text_or_an_object_with_names_is_both() -> None:
    inner = groups(f"{BODY}| `a` | string \\| object | It. |\n| `a.b` | string | It. |")["body"]["properties"]["a"]
    assert inner["type"] == ["string", "object"]
    assert list(inner["properties"]) == ["b"]


def test_what_is_marked_required_is_not_marked_in_the_description_as_well() -> None:
    found = groups(f"## Request Variables\n\n{HEAD}| `id` | string | **Required** The issue. |")
    assert found["variables"]["properties"]["id"]["description"] == "The issue."
    assert found["variables"]["required"] == ["id"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("string", {"type": "string"}),
        ("`String`", {"type": "string"}),
        ("integer", {"type": "integer"}),
        ("int64", {"type": "integer"}),
        ("number (float)", {"type": "number"}),
        ("boolean", {"type": "boolean"}),
        ("object", {"type": "object"}),
        ("map<string, string>", {"type": "object"}),
        ("array", {"type": "array"}),
        ("string[]", {"type": "array", "items": {"type": "string"}}),
        ("array of strings", {"type": "array", "items": {"type": "string"}}),
        ("array of objects", {"type": "array", "items": {"type": "object"}}),
        ("Array<integer>", {"type": "array", "items": {"type": "integer"}}),
        ("array (string)", {"type": "array"}),
        ("list of dates", {"type": "array", "items": {"type": "string"}}),
        ("array of array of numbers", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        ("object[][]", {"type": "array", "items": {"type": "array", "items": {"type": "object"}}}),
        ("array of files", {"type": "array", "items": {"type": "string", "format": "binary"}}),
        ("array of Things", {"type": "array"}),
        ("string \\| integer", {"type": ["string", "integer"]}),
        ("string or integer", {"type": ["string", "integer"]}),
        ("`string \\| null`", {"type": "string"}),
        ("`string | null`", {"type": "string"}),
        ('object \\| ""', {"type": "object"}),
        ("string \\| string[]", {"type": ["string", "array"], "items": {"type": "string"}}),
        ("string \\| Thing", {}),
        ('"asc" \\| "Desc"', {"type": "string", "enum": ["asc", "Desc"]}),
        ("file", {"type": "string", "format": "binary"}),
        ("binary", {"type": "string", "format": "binary"}),
        ("bytes", {"type": "string", "format": "binary"}),
        ("enum", {"type": "string"}),
        ("enum (string)", {"type": "string"}),
        ("date-time", {"type": "string"}),
        ("ISO 8601 string", {"type": "string"}),
        ("String!", {"type": "string"}),
        ("[String!]!", {"type": "array", "items": {"type": "string"}}),
        ("IssueFilter", {}),
        ("", {}),
        ("array of " * 30, {"type": "array"}),
    ],
)
def test_types_are_those_of_json_schema(kind: str, schema: Json) -> None:
    found = row(kind)
    if "array of array of array" in kind:
        found = {"type": found.get("type")}
    assert found == schema


@pytest.mark.parametrize(
    ("kind", "description", "values"),
    [
        ("string", "The order. One of: `asc`, `desc`.", ["asc", "desc"]),
        ("string", "One of `asc` or `desc`", ["asc", "desc"]),
        ("string", "Must be one of: `a`, `b`, or `c` (the best).", ["a", "b", "c"]),
        ("string", "Allowed values: `a` (first), `b` (second).", ["a", "b"]),
        ("string", 'Possible values are "a", "b".', ["a", "b"]),
        ("string", "Possible values: a, b and c-d. More words, of course.", ["a", "b", "c-d"]),
        ("string", "Valid values: `a` \\| `b`", ["a", "b"]),
        ("enum", "(One of: a, b)", ["a", "b"]),
        ("", "One of: `a`, `b`", ["a", "b"]),
        ("integer", "One of: `1`, `2`.", [1, 2]),
        ("integer", "One of: `1`, `two`.", None),
        ("string", "One of: `a`, `b`, etc.", None),
        ("string", "Possible values: a, b, ...", None),
        ("string", "Possible values include `a`, `b`.", None),
        ("string", "At least one of `a`, `b` is needed.", None),
        ("string", "One of the things that there are.", None),
        ("string", "Allowed values: letters and digits of any kind, at most 5", None),
        ("string", "Max length 100", None),
        ("boolean", "One of: `true`, `false`.", None),
        ("string", "One of: " + ", ".join(f"`v{n}`" for n in range(200)), None),
    ],
)
def test_enumerations_are_read_out_of_prose_if_they_are_complete(
    kind: str, description: str, values: list[Any] | None
) -> None:
    assert row(kind, description).get("enum") == values


def test_an_enumeration_of_an_array_is_one_of_its_items() -> None:
    assert row("string[]", "One of: `a`, `b`.") == {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}


@pytest.mark.parametrize(
    ("kind", "description", "default"),
    [
        ("string", "The order (default: `asc`).", "asc"),
        ("integer", "How many. Defaults to `50`.", 50),
        ("integer", "How many (default 50, max 100).", None),
        ("integer", "How many (default: 50, max 100).", 50),
        ("integer", "Default is `50`", 50),
        ("number", "Default: 0.5.", 0.5),
        ("boolean", "Default: `False`", False),
        ("string \\| integer", "Default: `5`", 5),
        ("string", "Default: `5`", "5"),
        ("string", 'Defaults to "a b".', "a b"),
        ("string", "Defaults to the first one.", None),
        ("string", "By default nothing happens.", None),
        ("integer", "Default: `many`", None),
        ("integer", "Default: `\u0661`", None),
        ("object", "Default: `{}`", None),
        ("string", "Default: `null`", None),
        ("string", "One of: `a`, `b` (default: `c`).", None),
        ("string", "One of: `a`, `b` (default: `b`).", "b"),
    ],
)
def test_defaults_are_of_the_type(kind: str, description: str, default: Any) -> None:
    found = row(kind, description).get("default")
    assert (found, type(found)) == (default, type(default))


@pytest.mark.parametrize(
    ("heading", "description", "default"),
    [
        ("Path Parameters", "The special value `me` is the signed-in user.", "me"),
        ("Path Parameters", 'To name the signed-in user\'s own calendar, use the "primary" keyword.', "primary"),
        ("Path Parameters", "The calendar's id, or `primary`.", "primary"),
        ("Path Parameters", "The id of the user, not of me.", None),
        ("Optional Query Parameters", "The special value `me` is the signed-in user.", None),
    ],
)
def test_a_variable_of_the_path_may_mean_oneself(heading: str, description: str, default: str | None) -> None:
    assert row("string", description, heading).get("default") == default


def test_nested_names_become_nested_schemas() -> None:
    rows = """| `address.city` | string | **Required** The city. |
| `items` | array of objects | The items. |
| `items[].price` | number | **Required** Its price. |
| `items[].tags[]` | string | A tag. |
| `matrix[][]` | integer | A cell. |
| `tags[]` | array of strings | Tags. |
| `lines.name` | string | In a list. |
| `lines` | array | A list. |
| `meta.*` | string | Anything. |
| `meta` | object | About it. |
| `card[number]` | string | A number. |
| `files[0].id` | string | First. |
| `@odata.type` | string | Kind. |
| `user@odata.bind` | string | Link. |"""
    body = groups(f"{BODY}{rows}")["body"]
    assert body["properties"] == {
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city."}},
            "required": ["city"],
        },
        "items": {
            "type": "array",
            "description": "The items.",
            "items": {
                "type": "object",
                "properties": {
                    "price": {"type": "number", "description": "Its price."},
                    "tags": {"type": "array", "items": {"type": "string", "description": "A tag."}},
                },
                "required": ["price"],
            },
        },
        "matrix": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer", "description": "A cell."}},
        },
        "tags": {"type": "array", "items": {"type": "string"}, "description": "Tags."},
        "lines": {
            "type": "array",
            "description": "A list.",
            "items": {"type": "object", "properties": {"name": {"type": "string", "description": "In a list."}}},
        },
        "meta": {"type": "object", "description": "About it."},
        "card": {"type": "object", "properties": {"number": {"type": "string", "description": "A number."}}},
        "files": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "string", "description": "First."}}},
        },
        "@odata.type": {"type": "string", "description": "Kind."},
        "user@odata.bind": {"type": "string", "description": "Link."},
    }
    assert body["required"] == list(body["properties"])


def test_a_parent_is_required_as_its_own_row_says_wherever_that_is() -> None:
    markdown = (
        f"{BODY}| `a.b` | string | **Required** It. |\n\n## Optional Request Body Fields\n\n{HEAD}| `a` | object | |"
    )
    body = groups(markdown)["body"]
    assert "required" not in body
    assert body["properties"]["a"]["required"] == ["b"]


@pytest.mark.parametrize("name", ["a..b", ".a", "a.", "[", "a]b", "a[", "$filter", "x-y", "a:b"])
def test_a_name_that_is_not_nested_is_kept_as_it_is(name: str) -> None:
    assert list(groups(f"{BODY}| `{name}` | string | It. |")["body"]["properties"]) == [name]


@pytest.mark.parametrize("name", ["expand[]", "created.gt", "$filter", "a[b]"])
def test_names_of_a_query_are_not_nested(name: str) -> None:
    markdown = f"## Required Query Parameters\n\n{HEAD}| `{name}` | string[] | It. |"
    assert groups(markdown)["query"]["properties"][name]["type"] == "array"


@pytest.mark.parametrize("name", ["-", "None", "", "No parameters", "`a b`", "...", "`" + "a" * 201 + "`", "`[].a`"])
def test_what_is_no_name_is_left_out(name: str) -> None:
    assert groups(f"{BODY}| {name} | string | It. |") == {}


def test_one_cell_may_have_several_names_and_the_first_of_equal_ones_counts() -> None:
    body = groups(f"{BODY}| `a`, `b` | integer | Both. |\n| a | string | Again. |")["body"]
    assert {name: schema["type"] for name, schema in body["properties"].items()} == {"a": "integer", "b": "integer"}


OPTIONS = f"""## Request Body

### Option A

#### Required Request Body Fields (Replace)

{HEAD}| `id` | string | It. |
| `text` | string | All. |
| `at.line` | integer | **Required** Where. |

### Option B

#### Required Request Body Fields (Append)

{HEAD}| `id` | string | It. |
| `more` | string | The end. |
| `at.line` | integer | Where. |
"""


def test_of_options_all_names_count_and_what_every_one_requires() -> None:
    body = groups(OPTIONS)["body"]
    assert list(body["properties"]) == ["id", "text", "at", "more"]
    assert body["required"] == ["id", "at"]
    assert "required" not in body["properties"]["at"]


def test_what_stands_beside_options_is_required_as_it_says() -> None:
    assert groups(f"{BODY}| `key` | string | It. |\n\n{OPTIONS}")["body"]["required"] == ["key", "id", "at"]


def test_an_option_without_fields_requires_none() -> None:
    assert "required" not in groups(f"{OPTIONS}\n### Option C\n\nNothing.")["body"]


def test_headings_that_differ_only_in_brackets_are_options_too() -> None:
    markdown = f"{BODY.replace('Fields', 'Fields (one way)')}| `a` | string | |\n| `b` | string | |\n\n"
    markdown += f"{BODY.replace('Fields', 'Fields (the other way)')}| `a` | string | |\n"
    assert groups(markdown.replace("(one", "(this"))["body"]["required"] == ["a"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('{"Notion-Version": "2022-06-28", "Authorization": "Bearer {{token}}"}', {"Notion-Version": "2022-06-28"}),
        ('{\n  "Accept": "application/json, text/plain",\n  "X": "1"\n}', {"Accept": "application/json, text/plain"}),
        ("anthropic-version: 2023-06-01\naccept: */*", {"anthropic-version": "2023-06-01", "accept": "*/*"}),
        ('{"Api-Version": "{{version}}", "X-Version": "YOUR_VERSION", "Accept": "..."}', {}),
        ('{"Authorization": "Bearer abc", "Idempotency-Key": "1", "X-Api-Key": "k", "Content-Type": "a/b"}', {}),
        ('{"A-Version": 5, "B-Version": ["x"], "C-Version": "a\u00e9"}', {"A-Version": "5"}),
        ("[" * 10_000, {}),
    ],
)
def test_fixed_headers_are_literal_versions_and_what_is_accepted(block: str, expected: Json) -> None:
    assert tables.fixed_headers(passages(f"# A\n\n## Headers\n\n```json\n{block}\n```\n")) == expected


def test_headers_of_answers_and_in_prose_are_not_fixed() -> None:
    markdown = "# A\n\n## Headers\n\nAccept: a/b\n\n## Response\n\n### Headers\n\n```\nAccept: a/b\n```\n"
    assert tables.fixed_headers(passages(markdown.replace("### Headers", "### Response Headers"))) == {}


LEAVES: dict[str, Json] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "array of strings": {"type": "array", "items": {"type": "string"}},
    "string \\| integer": {"type": ["string", "integer"]},
    "file": {"type": "string", "format": "binary"},
}
NAMES = st.from_regex(r"[a-z_$][A-Za-z0-9_-]{0,12}", fullmatch=True).filter(
    lambda name: name not in ("n", "no", "none")
)


def nested(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    objects = st.dictionaries(NAMES, st.tuples(inner, st.booleans()), min_size=1, max_size=4).map(
        lambda drawn: {
            "type": "object",
            "properties": {name: schema for name, (schema, _) in drawn.items()},
            "required": [name for name, (_, needed) in drawn.items() if needed],
        }
    )
    return objects | objects.map(lambda items: {"type": "array", "items": items})


SCHEMAS = st.recursive(st.sampled_from(list(LEAVES)).map(lambda kind: {"leaf": kind}), nested, max_leaves=8).flatmap(
    lambda schema: nested(st.just(schema)).filter(lambda drawn: drawn["type"] == "object")
)


def told(schema: Json, prefix: str = "") -> list[str]:
    """The rows that describe what is inside a schema."""
    lines: list[str] = []
    for name, inner in schema["properties"].items():
        kind = inner.get("leaf") or {"object": "object", "array": "array of objects"}[inner["type"]]
        mark = "**Required** " if name in schema["required"] else ""
        lines.append(f"| `{prefix}{name}` | {kind} | {mark}It. |")
        if "leaf" not in inner:
            is_array = inner["type"] == "array"
            lines += told(inner["items"] if is_array else inner, f"{prefix}{name}{'[]' if is_array else ''}.")
    return lines


def meant(schema: Json) -> Json:
    """The schema as it must come back."""
    if "leaf" in schema:
        return LEAVES[schema["leaf"]]
    if schema["type"] == "array":
        return {"type": "array", "items": meant(schema["items"])}
    required = [name for name in schema["properties"] if name in schema["required"]]
    properties = {name: meant(inner) for name, inner in schema["properties"].items()}
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def bare(schema: Mapping[str, Any]) -> Json:
    """The schema without descriptions."""
    kept = {key: value for key, value in schema.items() if key not in ("description", "properties", "items")}
    if "items" in schema:
        kept["items"] = bare(schema["items"])
    if "properties" in schema:
        kept["properties"] = {name: bare(inner) for name, inner in schema["properties"].items()}
    return kept


def depth(schema: Json) -> int:
    if "leaf" in schema:
        return 0
    if schema["type"] == "array":
        return 1 + depth(schema["items"])
    return 1 + max(map(depth, schema["properties"].values()))


@given(SCHEMAS)
@settings(max_examples=80)
def test_a_schema_written_as_a_table_is_read_back(schema: Json) -> None:
    if depth(schema) <= 12:
        found = groups(f"## Request Variables\n\n{HEAD}" + "\n".join(told(schema)))
        assert bare(found["variables"]) == meant(schema)
        assert list(names(found["variables"])) == list(names(meant(schema)))


PIECES = st.sampled_from([
    "# A", "## Required Request Body Fields", "## Option A", "### Path Parameters", "## Request Variables (x)",
    "| Parameter | Type | Required | Description |", "|---|---|---|---|", "| `a.b[].c` | string | yes | One of: `a`, |",
    "| `a[` | array of | no | **Required** (default: `", "a | b", "| \\| | `|` | | |", "```", "| **a** | [x]! | \t | x",
    "| `a` | integer | | Defaults to `1` |", "| [x](y) | string \\| | Optional | use `me` |", "## Headers", "Accept: x",
])  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=40), max_size=60).map("\n".join))
@settings(max_examples=200)
def test_whatever_is_read_is_a_valid_schema_of_an_object(markdown: str) -> None:
    found = tables.groups(passages(markdown))
    assert set(found) <= {"path", "query", "headers", "body", "variables"}
    for schema in found.values():
        Draft202012Validator.check_schema(schema)
        assert schema["properties"]
        assert set(schema.get("required", [])) <= set(schema["properties"])
    json.dumps(dict(tables.fixed_headers(passages(markdown))))


def size(schema: Mapping[str, Any]) -> int:
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return len(inner) + sum(map(size, inner))


def test_number_and_depth_of_names_are_bounded() -> None:
    wide = "\n".join(f"| `a{n}.b[].c` | string | It. |" for n in range(5_000))
    assert 900 < size(groups(f"{BODY}{wide}")["body"]) <= 1_000
    deep = ".".join("abcdefghijkl")
    assert size(groups(f"{BODY}| `{deep}` | string | It. |")["body"]) == 12
    assert groups(f"{BODY}| `{deep}.m` | string | It. |") == {}


def names(schema: Mapping[str, Any], at: str = "") -> dict[str, bool]:
    """Every name of a schema with whether it is required."""
    found: dict[str, bool] = {}
    for name, inner in schema.get("properties", {}).items():
        found |= {f"{at}{name}": name in schema.get("required", []), **names(inner, f"{at}{name}.")}
        found |= names(inner.get("items", {}), f"{at}{name}[].")
    return found


BOTH = tuple((action, document) for action, document in DOCUMENTS if action.shape == "both" and not action.schemas)


@pytest.mark.parametrize(("action", "document"), BOTH, ids=[action.id for action, _ in BOTH])
def test_tables_and_schema_of_the_sandbox_say_the_same(action: Action, document: str) -> None:
    found, schema = tables.groups(passages(document)), io_schema(action)
    assert schema is not None
    groups = {**schema["inputSchema"]["properties"]}
    if action.encoding == "graphql":
        groups["variables"] = groups.pop("body")["properties"].get("variables", {})
    if action.platform != "bazaar":  # its notes are a trap: they have tables of their own
        assert {group for group in groups if groups[group].get("properties")} == set(found)
    for group in set(groups) - {"body"} if action.platform == "bazaar" else groups:
        assert names(found.get(group, {})) == names(groups[group])


@pytest.mark.parametrize(
    "unit",
    [
        "| `a.b[].c` | string \\| integer | **Required** One of: `a`, `b` (default: `a`). |\n",
        "| " + "[" * 900 + "](" * 90 + " | string | x |\n",
        "| a | " + "array<" * 40 + " | " + "default " * 1_000 + " |\n",
        "| a | string | " + "one of: " * 1_000 + " |\n",
        "| a | string | one of: " + "`a`, " * 3_000 + " |\n",
        "| a | string | One of: " + "a.b" * 5_000 + " |\n",
        "| a | " + " " * 10_000 + "x | **" + "*" * 1_000 + " |\n",
        "`|`||`||||" * 500 + "\n",
        "## Option a1\n### Required Body\n| Name | Type |\n|-|-|\n| a | string |\n",
        "## Headers\n```\na-version: b\n```\n",
        "## Headers\n```\n" + "a-" * 5_000 + "\n```\n",
    ],
)
def test_hostile_tables_take_no_longer_than_long_ones(unit: str) -> None:
    markdown = BODY + unit * (400_000 // len(unit))
    began = time.process_time()
    tables.groups(passages(markdown))
    tables.fixed_headers(passages(markdown))
    assert time.process_time() - began < 60  # of processor; a tenth is usual
