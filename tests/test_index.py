"""The words of listed actions: which rows have those that are looked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.catalog import index
from pica_mcp.models import Action

_ACTIONS = "CREATE TABLE actions (row INTEGER PRIMARY KEY, platform TEXT, title TEXT)"


def action(platform: str, title: str, **facts: object) -> Action:
    return Action.model_validate({"platform": platform, "title": title, **facts}, by_name=True)


def made(rows: Iterable[tuple[int, Action, str]], *, plain: bool) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute(_ACTIONS)
    assert index.create(db, plain=plain) is not plain
    write(db, rows)
    return db


def write(db: sqlite3.Connection, rows: Iterable[tuple[int, Action, str]]) -> None:
    known = list(rows)
    db.executemany("INSERT INTO actions VALUES (?, ?, ?)", [(row, one.platform, one.title) for row, one, _ in known])
    index.add(db, known)


def found(
    db: sqlite3.Connection, platforms: Sequence[str], terms: Sequence[Sequence[str]], limit: int = 10
) -> list[int]:
    return list(islice(index.find(db, platforms, terms), limit))


ROWS = (
    (1, action("gmail", "Send Email", key="sendEmail"), "Sends it at once."),
    (2, action("gmail", "Delete Message", path="/messages/{{id}}"), "Not for the trash."),
    (3, action("slack", "Post a Message", tags=["chat"]), ""),
    (4, action("hub-spot", "List Contacts", model="Person"), ""),
    (5, action("hub", "List Spots"), ""),
)


@pytest.fixture(params=[False, True], ids=["indexed", "plain"])
def db(request: pytest.FixtureRequest) -> Generator[sqlite3.Connection]:
    with closing(made(ROWS, plain=request.param)) as db:
        yield db


EVERYWHERE = ("gmail", "slack", "hub-spot", "hub")


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("email",), [1]),
        (("message",), [3, 2]),
        (("chat",), [3]),
        (("person",), [4]),
        (("trash",), [2]),
        (("spot",), [5, 4]),
        (("zebra",), []),
    ],
)
def test_rows_are_found_by_title_key_path_model_tags_platform_and_description(
    db: sqlite3.Connection, words: tuple[str, ...], rows: list[int]
) -> None:
    assert sorted(found(db, EVERYWHERE, [words], 10)) == sorted(rows)


def test_the_word_itself_comes_before_what_means_it_and_that_before_what_only_mentions_it(
    db: sqlite3.Connection,
) -> None:
    assert found(db, EVERYWHERE, [("email", "message")], 10) == [1, 2, 3]
    assert found(db, EVERYWHERE, [("contact", "spot")], 10) == [4, 5]


def test_what_has_more_of_the_words_comes_first(db: sqlite3.Connection) -> None:
    assert found(db, EVERYWHERE, [("delete",), ("message",)], 10)[0] == 2
    assert found(db, EVERYWHERE, [("post",), ("message",)], 10)[0] == 3


def test_only_the_platforms_that_are_given_are_looked_at(db: sqlite3.Connection) -> None:
    assert found(db, ["hub"], [("list",)], 10) == [5]
    assert found(db, ["hub-spot"], [("list",)], 10) == [4]
    assert found(db, ["HUB", "hu", ""], [("list",)], 10) == []
    assert found(db, [], [("list",)], 10) == []


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("wanted", [5, 60, 100])
def test_of_any_number_of_platforms_only_those_are_looked_at(wanted: int, *, plain: bool) -> None:
    rows = [(at, action(f"p-{at}", "List Contacts"), "") for at in range(1, 101)]
    with closing(made(rows, plain=plain)) as db:
        rows_found = found(db, [f"p-{at}" for at in range(1, wanted + 1)], [("contact",)], 200)
    assert rows_found == list(range(1, wanted + 1))


@pytest.mark.parametrize("plain", [False, True])
def test_of_too_many_the_best_and_then_the_shortest_titles_are_taken(*, plain: bool) -> None:
    longer = [(at, action("crm", f"List Contacts of {'a' * at}"), "") for at in range(1, 50)]
    rows = [*longer, (50, action("crm", "List Contacts"), ""), (51, action("crm", "List Contacts by Age"), "")]
    with closing(made(rows, plain=plain)) as db:
        assert found(db, ["crm"], [("contact",)], 2) == [50, 1]
        assert found(db, ["crm"], [("contact",), ("age",)], 2) == [51, 50]


def test_what_is_removed_is_not_found(db: sqlite3.Connection) -> None:
    index.remove(db, "gmail")
    db.execute("DELETE FROM actions WHERE platform = 'gmail'")
    assert found(db, EVERYWHERE, [("message",)], 10) == [3]
    assert "email" in index.spellings(db, ["email"])
    write(db, [(6, action("gmail", "Send Email"), "")])
    assert found(db, EVERYWHERE, [("email",)], 10) == [6]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("emial", ("email",)),
        ("mesage", ("message",)),
        ("contcat", ("contact",)),
        ("zebra", ()),
        ("", None),
        ("email", None),
        ("e'\"", None),
    ],
)
def test_words_that_no_row_has_are_told_those_that_are_most_like_them(
    db: sqlite3.Connection, word: str, near: tuple[str, ...] | None
) -> None:
    assert index.spellings(db, [word]).get(word) == near


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["Send Email", 'a" OR "b', "{title} : x", "\u0131\u0130\u017f\u212a", "e\u0301", "\u0661"]
)


@given(st.lists(TEXTS, max_size=4), st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=3), TEXTS)
def test_with_and_without_an_index_the_same_is_found_whatever_is_written(
    titles: list[str], terms: list[list[str]], platform: str
) -> None:
    rows = [(at, action("gmail", "x").model_copy(update={"title": title}), "") for at, title in enumerate(titles, 1)]
    asked = [[word for one in term for word in index.spelling.words(one)] for term in (*terms, titles[:1])]
    with closing(made([], plain=False)) as indexed, closing(made([], plain=True)) as plain:
        for db in (indexed, plain):
            index.add(db, rows)
            db.executemany("INSERT INTO actions VALUES (?, 'gmail', '')", [(row,) for row, _, _ in rows])
        assert {*found(indexed, ["gmail", platform], terms, 10)} <= {row for row, _, _ in rows}
        assert found(indexed, ["gmail"], asked, 10) == found(plain, ["gmail"], asked, 10)
        index.spellings(indexed, titles)  # never raises
