from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pica_mcp.errors import InvalidArguments
from pica_mcp.tools import Call, File, Parameters, Place

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


def test_what_is_fixed_is_constant_except_where_an_argument_has_its_name() -> None:
    fixed = ((Place("query", "alt"), "media"), (Place("body", "name"), "x"), (Place("body", None), "y"))
    assert Parameters({"type": "object"}, PLACES, fixed=fixed).constants == {"alt": "media"}


@pytest.mark.parametrize("name", ["uploadType", "UploadType", "uploadType[]", "[uploadType]", " uploadType"])
def test_what_is_fixed_has_nothing_beside_it_that_is_read_alike(name: str) -> None:
    places = (Place("query", "uploadType"), Place("body", "uploadType"), Place("body", "uploadType", ("a",)))
    fixed = Parameters({"type": "object"}, PLACES, fixed=tuple((place, "multipart") for place in places))
    own = {name: "media", "uploadTypes": 1}
    call = fixed.call({}, Call(query=own, body={**own, "a": own}))
    alone = {"uploadTypes": 1, "uploadType": "multipart"}
    assert (call.query, call.body) == (alone, {**alone, "a": alone})


def test_a_fixed_field_of_a_body_is_no_less_fixed_for_being_called_like_a_document() -> None:
    fixed = Parameters(
        {"type": "object"}, {}, fixed=((Place("body", "query"), "open"), (Place("body", "kind"), "note"))
    )
    own = Call(body={"query": "{ mine }", "kind": "admin"})
    assert fixed.beside(own) is fixed
    assert fixed.call({}, own).body == {"query": "open", "kind": "note"}


@pytest.mark.parametrize("body", [[], [{"name": "x"}], "", "raw words", 0, False, File("a", "text/plain", b"")])
def test_fields_are_not_put_in_the_place_of_a_body_that_has_none(body: Any) -> None:
    message = (
        "This action has fields of its own in an object of the body, where a list or text was given. "
        "Nothing was sent; give an object, or each field by its name."
    )
    kind = Parameters({"type": "object"}, {}, fixed=((Place("body", "kind"), "note"),))
    for parameters, call in ((PARAMETERS, Call(body=body)), (kind, Call(body=body)), (GRAPHQL, Call(body=body))):
        with pytest.raises(InvalidArguments) as caught:
            parameters.call({"name": "z", "title": "z"}, call)
        assert str(caught.value) == message
    with pytest.raises(InvalidArguments):
        GRAPHQL.call({"title": "z"}, Call(body={"variables": body}))
    assert PARAMETERS.call({}, Call(body=body)).body == body


@pytest.mark.parametrize("group", ["path", "query", "headers"])
def test_null_for_a_whole_group_is_as_good_as_nothing(group: Any) -> None:
    parameters = Parameters({"type": "object"}, {"all": Place(group, None)})
    assert parameters.call({"all": None}) == Call(encoding="json")
    assert getattr(parameters.call({"all": None}, replace(Call(), **{group: {"a": 1}})), group) == {"a": 1}


def test_a_whole_group_is_laid_over_what_the_rest_has_in_it() -> None:
    rest = Call(query={"a": 1, "b": 1}, body={"a": 1, "b": 1})
    call = OPEN.call({"query": {"b": 2}, "body": {"b": 2}}, rest)
    assert call.query == call.body == {"a": 1, "b": 2}
    assert OPEN.call({"body": [2]}, rest).body == [2]
    assert OPEN.call({"body": None}, rest).body is None


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
    nothing: list[dict[str, Any]] = [{"variables": {}}, {"query": None}]
    for none in nothing:
        assert GRAPHQL.beside(Call(body=none)) is GRAPHQL
        assert GRAPHQL.call({}, Call(body=none)).body == {**none, "query": "mutation { add }"}
    assert GRAPHQL.beside(Call(body="query { x }")) is GRAPHQL


@pytest.mark.parametrize(("body", "flat"), [({}, {"body": {}}), ([], {"body": []}), ("", {"body": ""}), (None, {})])
def test_a_whole_body_is_found_even_if_it_is_empty(body: Any, flat: dict[str, Any]) -> None:
    assert OPEN.flat(Call(body=body)) == flat
