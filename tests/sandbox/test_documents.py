import re
from dataclasses import replace
from typing import Any

import pytest

from pica_mcp.sandbox.catalog import Action, Encoding, Field, in_body, in_header, in_path, in_query
from pica_mcp.sandbox.documents import knowledge
from pica_mcp.sandbox.ioschema import io_schema
from pica_mcp.sandbox.upstream import Reply

URL = "https://p.example"


def action(*inputs: Field, **details: Any) -> Action:
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/things",
        "title": "Make a Thing",
        "about": "Makes it.",
        **details,
    }
    return Action(platform="p", model="Thing", run=lambda _state, _call: Reply(), inputs=inputs, **given)


def text(described: Action) -> str:
    found = knowledge(described, URL)
    assert found is not None
    return found


def schema(described: Action) -> dict[str, Any]:
    found = io_schema(described)
    assert found is not None
    return found


def unfenced(document: str) -> list[str]:
    return re.findall(r"^#+ .*", re.sub(r"```.*?```", "", document, flags=re.DOTALL), flags=re.MULTILINE)


def test_headers_have_tables_an_example_and_a_group() -> None:
    described = action(
        in_header("X-Version", "Which revision.", "2026-01-01", required=True), in_header("X-Trace", "An id.")
    )
    document = text(described)
    assert "## Required Headers\n\n| Parameter | Type | Description |" in document
    assert "| `X-Trace` | string | An id. |" in document.split("## Optional Headers")[1]
    assert '"X-Version": "2026-01-01"' in document.split("## Headers")[1].split("##")[0]
    assert "-H 'X-Version: 2026-01-01'" in document
    found = schema(described)
    assert found["inputSchema"]["required"] == ["headers"]
    assert found["inputSchema"]["properties"]["headers"]["required"] == ["X-Version"]
    headers = found["ioExample"]["input"]["headers"]
    assert headers["X-Version"] == "2026-01-01"
    assert {"Authorization", "x-pica-secret", "x-pica-connection-key", "x-pica-action-id"} < set(headers)


@pytest.mark.parametrize(
    ("encoding", "heading", "media", "flag"),
    [
        ("json", "## Required Request Body Fields", "application/json", '-d \'{"file": "@a.png"}\''),
        (
            "form",
            "## Required Request Body Fields (application/x-www-form-urlencoded)",
            "application/x-www-form-urlencoded",
            "-d 'file=@a.png'",
        ),
        (
            "multipart",
            "## Required Request Body Fields (multipart/form-data)",
            "multipart/form-data",
            "-F 'file=@a.png'",
        ),
    ],
)
def test_the_encoding_is_said_by_heading_header_and_sample(
    encoding: Encoding, heading: str, media: str, flag: str
) -> None:
    document = text(action(in_body("file", "string", "The file.", "@a.png", required=True), encoding=encoding))
    assert heading in document.splitlines()
    assert f'"Content-Type": "{media}"' in document
    assert flag in document


def test_a_graphql_document_shows_the_operation_and_its_variables() -> None:
    described = action(
        in_body("query", "string", "The document.", "query Q($id: ID!) { a }", required=True),
        in_body("variables", "object", "What it needs."),
        in_body("variables.id", "string", "Which one.", "7", required=True),
        encoding="graphql",
        operation="query Q($id: ID!) { a }",
    )
    document = text(described)
    assert "## GraphQL Operation\n\n```graphql\nquery Q($id: ID!) { a }\n```" in document
    assert "| `id` | string | **Required** Which one. |" in document.split("## Request Variables")[1]
    assert "Request Body Fields" not in document
    body = schema(described)["ioExample"]["input"]["body"]
    assert body == {"query": "query Q($id: ID!) { a }", "variables": {"id": "7"}}
    groups = schema(described)["inputSchema"]["properties"]
    assert groups["body"]["properties"]["variables"]["required"] == ["id"]


def test_schemas_of_its_own_stand_as_they_are() -> None:
    own: dict[str, Any] = {
        "type": "array",
        "items": {"oneOf": [{"$ref": "#/$defs/x"}]},
        "$defs": {"x": {}},
        "examples": [["a"]],
    }
    found = schema(action(in_path("id", "Which."), path="/things/{{id}}", schemas={"body": own}))
    assert found["inputSchema"]["properties"]["body"] is own
    assert found["inputSchema"]["required"] == ["path", "body"]
    assert found["ioExample"]["input"]["body"] == ["a"]


def test_dots_and_brackets_open_things_in_a_body_and_belong_to_the_name_in_a_query() -> None:
    described = action(
        in_query("expand[]", "string[]", "What.", ["a"]),
        in_query("filter.name", "string", "Which.", "n", required=True),
        in_body("lines", "array of objects", "Lines."),
        in_body("lines[].price.amount", "number", "How much.", 3, required=True),
    )
    groups = schema(described)["inputSchema"]["properties"]
    assert set(groups["query"]["properties"]) == {"expand[]", "filter.name"}
    assert groups["query"]["required"] == ["filter.name"]
    line = groups["body"]["properties"]["lines"]["items"]
    assert line["properties"]["price"]["required"] == ["amount"]
    example = schema(described)["ioExample"]["input"]
    assert example["query"] == {"expand[]": ["a"], "filter.name": "n"}
    assert example["body"] == {"lines": [{"price": {"amount": 3}}]}


def test_a_custom_body_with_options_has_a_table_for_each() -> None:
    described = action(
        in_body("connectionKey", "string", "Key.", required=True),
        in_body("text", "string", "Instead.", required=True, option="Replace"),
        in_body("more", "string", "Added.", required=True, option="Append"),
        tags=("custom",),
    )
    document = text(described)
    assert [line for line in unfenced(document) if "Option" in line or "Fields" in line] == [
        "### Option A",
        "#### Required Request Body Fields (Replace)",
        "### Option B",
        "#### Required Request Body Fields (Append)",
    ]
    replacing = document.split("### Option A")[1].split("### Option B")[0]
    assert "`connectionKey`" in replacing
    assert "`more`" not in replacing
    assert schema(described)["inputSchema"]["properties"]["body"]["required"] == ["connectionKey"]


def test_notes_come_after_the_sample() -> None:
    assert text(action(notes="## Notes\n\nMind the gap.\n")).endswith("```\n\n## Notes\n\nMind the gap.\n")


@pytest.mark.parametrize("least", [0, 1_000, 10_000, 30_000, 100_000, 370_000])
def test_a_document_grows_to_its_length_without_losing_its_beginning(least: int) -> None:
    short, grown = text(action()), text(action(min_chars=least))
    assert grown.startswith(short)
    assert max(least, len(short)) <= len(grown) < max(least, len(short)) + 4_000
    assert grown == text(action(min_chars=least))


def test_a_long_document_has_chunks_tables_and_many_headings() -> None:
    grown = text(action(min_chars=100_000))
    headings = unfenced(grown)
    assert len([line for line in headings if line.startswith("# Data Models, Chunk ")]) > 5
    assert len(headings) == len(set(headings)) > 60
    assert "## Response Fields" in headings
    assert grown.count("| Field | Type | Description |") > 20
    assert len(re.findall(r"^# ", grown, flags=re.MULTILINE)) > len([line for line in headings if line[:2] == "# "])
    assert grown.count("```") % 2 == 0


def test_the_line_ends_of_windows_are_all_or_none() -> None:
    plain = action(min_chars=10_000)
    assert "\r" not in text(plain)
    assert text(replace(plain, crlf=True)) == text(plain).replace("\n", "\r\n")


@pytest.mark.parametrize("title", ["", "\u200b", "\n", "Line\nBreak", "# Heading ```"])
def test_any_title_has_a_document_of_any_length(title: str) -> None:
    assert len(text(action(title=title, min_chars=50_000))) >= 50_000
