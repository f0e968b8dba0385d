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
