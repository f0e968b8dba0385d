from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp import text
from pica_mcp.results.cutting import Cut, Missing, Room, cut, size
from pica_mcp.results.selection import MAX_CHARS, Spot, compiled

WORDS = st.text(st.characters(exclude_categories=()), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(WORDS, inner, max_size=12),
    max_leaves=40,
)
TOP = Spot()
ROOM = Room(200, 2, 100)


def written(value: Any) -> str:
    return text.clean(text.compact(value))


@given(VALUES)
def test_the_size_is_that_of_what_is_written(value: Any) -> None:
    taken = size(value, 100_000)
    assert taken == len(written(value))
    assert taken is not None
    assert size(value, taken - 1) is None


def test_nothing_is_looked_at_beyond_what_could_fit() -> None:
    class Watched(list[Any]):
        seen = 0

        def __iter__(self) -> Iterator[Any]:
            for item in super().__iter__():
                Watched.seen += 1
                yield item

    assert cut(Watched([["x" * 50]] * 100_000), ROOM, TOP).missing
    assert Watched.seen < 10


def test_no_more_of_a_long_key_is_cleaned_than_could_be_shown(cleaned: list[int]) -> None:
    deep: Any = {"é" * 100_000: {"b": "y" * 300}, "é" * 90_000: 1}
    for _ in range(20):
        deep = {"a": deep}
    assert cut(deep, ROOM, TOP).missing
    assert sum(cleaned) < 50_000


def test_no_nesting_has_the_same_part_measured_without_end(cleaned: list[int]) -> None:
    deep: Any = ["é" * 100] * 1_000
    for _ in range(90):
        deep = {"a": deep}
    (part,) = cut(deep, Room(60_000, 4, 1_000), TOP).missing
    assert sum(cleaned) < 3_000_000
    assert part.fields
    assert part.fields.startswith("a.a.a.a.a.a")


@settings(max_examples=200)
@given(VALUES, st.integers(100, 2_000), st.integers(2, 4), st.integers(0, 5))
def test_what_is_cut_fits_stays_json_and_tells_no_more_parts_than_it_may(
    value: Any, chars: int, parts: int, offset: int
) -> None:
    found = cut(value, Room(chars, parts, 100), TOP, offset=offset)
    assert len(written(found.value)) <= chars
    json.loads(written(found.value))
    assert len(found.missing) <= parts
    for part in found.missing:
        assert part.start <= part.end <= part.total
        assert part.fields is None or len(part.fields) <= MAX_CHARS
        if part.fields:
            compiled(part.fields)


@given(VALUES)
def test_what_fits_is_not_cut(value: Any) -> None:
    assert cut(value, Room(100_000, 2, 100), TOP) == Cut(value)


def items(start: int, end: int, total: int, where: str = "", fields: str | None = "") -> Missing:
    return Missing("items", start, end, total, where, fields)


def characters(end: int, total: int, where: str) -> Missing:
    return Missing("characters", 0, end, total, where, where, end)


LONG = "x" * 1_000


@pytest.mark.parametrize(
    ("value", "shown", "missing"),
    [
        # The first items of a list, and scalars at the top stay.
        (
            {"messages": [["x" * 60]] * 9, "next": "abc", "more": True},
            {"messages": [["x" * 60]] * 2, "next": "abc", "more": True},
            [items(0, 2, 9, "messages", "messages[2:]")],
        ),
        ([["x" * 90]] * 9, [["x" * 90]] * 2, [items(0, 2, 9, "", "[2:]")]),
        # The beginning of a string, inside the first item if that does not fit.
        ({"a": LONG}, {"a": "x" * 190 + "…"}, [characters(190, 1_000, "a")]),
        ([LONG], ["x" * 195 + "…"], [characters(195, 1_000, "[0]")]),
        (
            {"a": [{"b": LONG}, 2]},
            {"a": [{"b": "x" * 181 + "…"}]},
            [characters(181, 1_000, "a[0].b"), items(0, 1, 2, "a", "a[1:]")],
        ),
        # Of two big ones each gets its half, and what the smaller does not need goes to the other.
        (
            {"a": LONG, "b": "y" * 1_000},
            {"a": "x" * 91 + "…", "b": "y" * 91 + "…"},
            [characters(91, 1_000, "a"), characters(91, 1_000, "b")],
        ),
        # With more big ones than may be told, they come one after the other.
        (
            {"a": LONG, "b": LONG, "c": LONG, "d": 1},
            {"a": "x" * 184 + "…", "d": 1},
            [characters(184, 1_000, "a"), Missing("keys", 0, 1, 4, "", "", 1)],
        ),
        # What is hard to write is found by its number.
        ({"an odd one": LONG}, {"an odd one": "x" * 181 + "…"}, [characters(181, 1_000, "values(@)[0]")]),
        ({"a-b": LONG}, {"a-b": "x" * 188 + "…"}, [characters(188, 1_000, '"a-b"')]),
        # A number that is longer than all the room is shown as far as it goes.
        (10**300, "1" + "0" * 196 + "…", [characters(197, 301, "")]),
    ],
)
def test_what_is_cut_says_where_the_rest_is(value: Any, shown: Any, missing: list[Missing]) -> None:
    found = cut(value, ROOM, TOP)
    assert (found.value, list(found.missing)) == (shown, missing)


@pytest.mark.parametrize(
    ("value", "offset", "shown"),
    [
        ("abcdef", 2, "cdef"),
        ([1, 2, 3], 2, [3]),
        ({"a": 1, "b": 2}, 1, {"b": 2}),
        ("abc", 9, ""),
        ({}, 9, {}),
        (7, 0, 7),
    ],
)
def test_an_offset_counts_characters_items_or_keys(value: Any, offset: int, shown: Any) -> None:
    assert cut(value, ROOM, TOP, offset=offset) == Cut(shown)


def test_a_slice_keeps_the_numbers_of_its_list() -> None:
    found = cut([["x" * 90]] * 5, ROOM, Spot("a", start=25, stop=30), total=312)
    assert found.missing == (items(25, 27, 30, "a", "a[27:30]"),)


def test_where_the_way_is_too_long_to_write_nothing_is_promised() -> None:
    deep: Any = LONG
    for _ in range(300):
        deep = [deep]
    (part,) = cut(deep, ROOM, TOP).missing
    assert part.fields
    assert len(part.fields) <= 100


def test_a_key_that_is_longer_than_all_the_room_is_passed_over() -> None:
    (part,) = cut({"k" * 1_000: LONG, "b": 2}, ROOM, TOP).missing
    assert (part.end, part.offset) == (0, 1)


def test_of_two_big_members_none_takes_the_others_half() -> None:
    found = cut({"a": "x" * 600, "b": LONG}, Room(900, 2, 100), TOP)
    assert [part.where for part in found.missing] == ["a", "b"]
    assert abs(len(found.value["a"]) - len(found.value["b"])) < 5


def test_small_members_leave_half_of_the_room_to_a_big_one() -> None:
    found = cut({"items": LONG} | {f"k{number}": "v" * 20 for number in range(9)}, ROOM, TOP)
    assert len(found.value["items"]) > 80
    assert list(found.value) == ["items", "k0", "k1", "k2"]
    assert found.missing[-1] == Missing("keys", 0, 4, 10, "", "", 4)
