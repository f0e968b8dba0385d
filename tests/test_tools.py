from __future__ import annotations

from typing import Any

import pytest

from pica_mcp.tools import Call, Parameters, Place

PLACES = {
    "userId": Place("path", "userId"),
    "expand": Place("query", "expand[]"),
    "Notion-Version": Place("headers", "Notion-Version"),
    "name": Place("body", "name"),
}
PARAMETERS = Parameters({"type": "object"}, PLACES)
OPEN = Parameters({"type": "object"}, {"query": Place("query", None), "body": Place("body", None)}, "form")


def test_flat_arguments_go_where_they_belong() -> None:
    call = PARAMETERS.call({"userId": "me", "expand": ["a"], "Notion-Version": "1", "name": None})
    assert call == Call(
        path={"userId": "me"},
        query={"expand[]": ["a"]},
        headers={"Notion-Version": "1"},
        body={"name": None},
        encoding="json",
    )


def test_no_arguments_make_no_body() -> None:
    assert PARAMETERS.call({}) == Call(encoding="json")


@pytest.mark.parametrize("body", [{"a": 1}, [1, 2], "plain", 0])
def test_an_argument_without_a_key_is_the_whole_group(body: object) -> None:
    assert OPEN.call({"query": {"q": 1}, "body": body}) == Call(query={"q": 1}, body=body, encoding="form")


def test_arguments_are_laid_over_the_rest_of_the_call() -> None:
    rest = Call(path={"x": 1}, query={"expand[]": "old", "q": 2}, body={"name": "old", "more": 3}, connection="work")
    call = PARAMETERS.call({"expand": "new", "name": "new"}, rest)
    assert call.query == {"expand[]": "new", "q": 2}
    assert call.body == {"name": "new", "more": 3}
    assert (call.path, call.connection) == ({"x": 1}, "work")
    assert rest.query == {"expand[]": "old", "q": 2}
    assert rest.body == {"name": "old", "more": 3}


def test_how_a_body_is_written_is_the_actions_unless_the_call_says() -> None:
    assert OPEN.call({}).encoding == "form"
    assert OPEN.call({}, Call(encoding="multipart")).encoding == "multipart"


def test_flat_finds_what_is_documented_and_leaves_out_the_rest() -> None:
    call = Call(
        path={"userId": "me", "x": 1}, query={"expand[]": []}, headers={"Other": "1"}, body={"name": None, "more": 1}
    )
    assert PARAMETERS.flat(call) == {"userId": "me", "expand": [], "name": None}


@pytest.mark.parametrize("body", [None, [1], "text", 3])
def test_flat_takes_nothing_out_of_a_body_that_is_no_object(body: Any) -> None:
    assert PARAMETERS.flat(Call(body=body)) == {}


def test_flat_finds_a_header_in_any_case() -> None:
    assert PARAMETERS.flat(Call(headers={"notion-version": "1"})) == {"Notion-Version": "1"}


def test_a_header_in_another_case_is_not_sent_twice() -> None:
    call = PARAMETERS.call({"Notion-Version": "1"}, Call(headers={"notion-version": "1"}))
    assert [(name.lower(), value) for name, value in call.headers.items()] == [("notion-version", "1")]


def test_documented_headers_are_told_in_lower_case() -> None:
    assert PARAMETERS.headers == frozenset({"notion-version"})
    assert OPEN.headers == frozenset()


def test_what_is_fixed_goes_over_arguments_and_the_rest_of_the_call() -> None:
    version, kind = Place("headers", "Notion-Version"), Place("query", "uploadType")
    fixed = Parameters({"type": "object"}, PLACES, fixed=((version, "2022-06-28"), (kind, "multipart")))
    call = fixed.call({"Notion-Version": "1"}, Call(query={"uploadType": "media"}, headers={"notion-version": "2"}))
    assert (call.headers, call.query) == ({"Notion-Version": "2022-06-28"}, {"uploadType": "multipart"})
    assert fixed.headers == frozenset({"notion-version"})


def test_a_default_is_put_in_where_the_argument_is_absent() -> None:
    parameters = Parameters({"type": "object"}, PLACES, defaults={"userId": "me"})
    assert parameters.call({}).path == {"userId": "me"}
    assert parameters.call({"userId": "ada"}).path == {"userId": "ada"}
    rest = Call(path={"userId": "ada"})
    assert parameters.call(parameters.flat(rest), rest).path == {"userId": "ada"}


DOCUMENT = Place("body", "query")
GRAPHQL = Parameters(
    {"type": "object", "properties": {"page": {}, "title": {}}, "required": ["page", "title"]},
    {"page": Place("query", "page"), "title": Place("body", "title", ("variables", "input"))},
    fixed=((DOCUMENT, "mutation { add }"),),
)


def test_a_value_goes_inside_objects_beside_what_is_there() -> None:
    rest = Call(body={"variables": {"input": {"title": "old", "more": 1}, "id": 2}})
    call = GRAPHQL.call({"title": "new"}, rest)
    assert call.body == {"variables": {"input": {"title": "new", "more": 1}, "id": 2}, "query": "mutation { add }"}
    assert GRAPHQL.flat(call) == {"title": "new"}


def test_a_body_with_a_document_of_its_own_keeps_it_and_its_variables() -> None:
    own = Call(body={"query": "query ($title: Int) { x }", "variables": {"title": 1}})
    beside = GRAPHQL.beside(own)
    assert beside.schema == {"type": "object", "properties": {"page": {}}, "required": ["page"]}
    assert beside.places.keys() == {"page"}
    assert beside.call({"page": 1}, own).body == own.body
    assert GRAPHQL.beside(Call(body={"variables": {}})) is GRAPHQL
    assert GRAPHQL.beside(Call(body="query { x }")) is GRAPHQL


@pytest.mark.parametrize(("body", "flat"), [({}, {"body": {}}), ([], {"body": []}), ("", {"body": ""}), (None, {})])
def test_a_whole_body_is_found_even_if_it_is_empty(body: Any, flat: dict[str, Any]) -> None:
    assert OPEN.flat(Call(body=body)) == flat
