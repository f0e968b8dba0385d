"""What a provider takes a name with brackets, dots or blanks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import brackets


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Action", "action", "action"),
        ("action[]", "action", "action"),
        ("action[0]", "action", "action"),
        ("[action]", "action", "action"),
        (" action", "action", "action"),
        ("[ _method ]", "_method", "_method"),
        (".method", "_method", "method"),
        ("mail[trashed]", "mail", "trashed"),
        ("mail.trashed", "mail_trashed", "trashed"),
        ("requests[0][method]", "requests", "method"),
        ("0", "0", ""),
        ("[]", "", ""),
        ("", "", ""),
    ],
)
def test_a_name_belongs_to_its_first_piece_and_ends_at_its_last(name: str, first: str, last: str) -> None:
    assert (brackets.first(name), brackets.last(name)) == (first, last)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("uploadType", "UploadType", True),
        ("uploadType", "uploadType[]", True),
        ("expand[]", "expand[0]", True),
        ("upload_type", " upload.type", True),
        ("a[b]", "[a][b]", True),
        ("a[b]", "ab", False),
        ("kind", "kinds", False),
        ("1", "1", True),
        ("1", "2", False),
        ("", "[]", False),
    ],
)
def test_names_that_are_read_alike(one: str, other: str, *, expected: bool) -> None:
    assert brackets.alike(one, other) is brackets.alike(other, one) is expected


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"a": 1, "b": {"c": "x"}}, {("a", 1), ("c", "x")}),
        ({"": {"action": "delete"}}, {("action", "delete")}),
        ({"action": {"": {"0": "delete"}}}, {("action", "delete")}),
        ({"action": [["delete"], {"0": "x"}]}, {("action", "delete"), ("action", "x")}),
        ({"a": None, "b": {}}, set[Any]()),
        ("text", {("", "text")}),
    ],
)
def test_the_leaves_of_a_group_have_the_names_that_they_end_at(group: Any, expected: set[tuple[str, Any]]) -> None:
    assert set(brackets.leaves(group)) == expected


@given(st.text(alphabet="aB_. []0\t", max_size=12))
def test_a_name_in_another_case_or_in_brackets_is_read_alike(name: str) -> None:
    assert brackets.first(name) == brackets.first(name.upper()) == brackets.first(f"[{name}")
    assert brackets.last(f"x[{name}]") == (brackets.last(name) or "x")
    assert brackets.alike(name, name)
