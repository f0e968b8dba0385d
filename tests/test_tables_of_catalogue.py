"""The catalogue's tables: what is read from them is what was written, whatever Pica sent and whoever spoiled it."""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.catalog import tables
from pica_mcp.catalog.listings import Listing, joined
from pica_mcp.catalog.tables import Entry, Row, writable
from pica_mcp.discovery import naming
from pica_mcp.models import Action, ActionDetails

ODD = ["", "\0", "a\0b", "\ud800", "x\udfff", "a" * 5000, "'; DROP TABLE kept", '"', "%", "Ł 日本 🎉", "İ"]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(ODD)
NUMBERS = st.integers(-(10**400), 10**400) | st.floats() | st.booleans() | st.none()
JSON = st.recursive(
    NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
IDS = st.sampled_from(["", "conn_mod_def::1::x", "conn_mod_def::2::x", "conn_mod_def::3::x"]) | TEXTS
TITLES = st.sampled_from(["Get Mail", "Send Mail"]) | TEXTS
FACTS = {
    "platform": st.just("crm"),
    "title": TITLES,
    "method": st.sampled_from(["GET", "POST", "get", ""]) | TEXTS,
    "key": TEXTS,
    "path": TEXTS,
    "model": TEXTS,
    "tags": st.lists(TEXTS, max_size=5) | st.just([f"tag {number}" for number in range(3_000)]),
}
ROWS = st.fixed_dictionaries({"systemId": IDS, **FACTS}).map(Action.model_validate)
SCHEMAS = st.dictionaries(TEXTS, JSON, max_size=4)
DOCUMENTS = st.fixed_dictionaries({"_id": IDS, "knowledge": TEXTS, "ioSchema": SCHEMAS, **FACTS}).map(
    ActionDetails.model_validate
)


@contextmanager
def database() -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        tables.prepare(db)
        yield db


@pytest.fixture
def db() -> Generator[sqlite3.Connection]:
    with database() as db:
        yield db


def rows(count: int, platform: str = "crm") -> list[Row]:
    numbers = range(count)
    facts = [
        {"platform": platform, "systemId": f"{platform}-{n}", "title": f"Get {n}", "method": "GET"} for n in numbers
    ]
    return [Row(Action.model_validate(one), f"{platform}_get_{n}", f"Gets {n}.") for n, one in enumerate(facts)]


def documents(count: int, platform: str = "crm", knowledge: str = "# It") -> list[ActionDetails]:
    facts = [{"platform": platform, "_id": f"{platform}-{n}", "knowledge": f"{n} {knowledge}"} for n in range(count)]
    return [ActionDetails.model_validate(one) for one in facts]


def filled(db: sqlite3.Connection, platform: str = "crm", as_of: float = 1000.0, count: int = 3, **facts: Any) -> None:
    tables.replace(db, platform, rows(count, platform), documents(count, platform, **facts), as_of)
    tables.keep(db, f"listing:{platform}", Entry(Listing(count=count).as_json(), as_of), platform)


# What Pica sends


def as_text(row: Row) -> Row:
    """The row as text can be kept: without half characters."""
    action = row.action
    facts = {name: writable(value) for name, value in action if isinstance(value, str)}
    return Row(action.model_copy(update=facts), writable(row.name), writable(row.about))


@given(st.lists(ROWS, max_size=6), st.lists(DOCUMENTS, max_size=6), st.booleans())
def test_what_is_read_is_what_the_listing_came_to(
    sent: list[Action],
    told: list[ActionDetails],
    whole: bool,  # noqa: FBT001 - drawn
) -> None:
    with database() as db:
        listing, found = joined("crm", sent, told if whole else None, naming())
        tables.replace(db, "crm", found, told, 1.0)
        assert tables.listed(db, "crm") == tuple(map(as_text, found))
        assert Listing.of_json(json.loads(json.dumps(listing.as_json()))) == listing
        for row in found:
            if row.name:
                assert tables.named(db, "crm", row.name) == as_text(row).action
                assert tables.platform_of(db, row.name) == "crm"
            assert as_text(row) in tables.like(db, "crm", row.action)
            assert tables.titled(db, row.action) >= 1


@given(st.lists(DOCUMENTS, max_size=6, unique_by=lambda document: writable(document.id)))
def test_a_document_is_read_as_it_was_written(told: list[ActionDetails]) -> None:
    with database() as db:
        listed = (Row(Action.model_validate({"platform": "crm", "id": one.id}, by_name=True), "") for one in told)
        tables.replace(db, "crm", listed, told, 1.0)
        assert {repr(one) for one in tables.documents(db, "crm")} == {repr(one) for one in told}
        for one in told:  # NaN is not equal to itself
            assert repr(tables.document(db, "crm", one.id)) == repr(one)
            assert tables.document(db, "mail", one.id) is None


@given(TEXTS, JSON, st.lists(TEXTS, max_size=3))
def test_whatever_is_kept_by_any_name_is_read_again(what: str, value: Any, etags: list[str]) -> None:
    with database() as db:
        tables.keep(db, what, Entry(value, 5.0, tuple(etags)))
        assert repr(tables.entry(what)(db)) == repr(Entry(value, 5.0, tuple(etags)))
        assert tables.revision(db, what) is not None
        tables.confirm(db, what, 6.0)
        assert (tables.entry(what)(db) or Entry(None, 0)).as_of == 6.0
        tables.forget(db, what)
        assert tables.revision(db, what) is None


@given(TEXTS, st.lists(ROWS, max_size=3))
def test_a_platform_may_have_any_name(platform: str, sent: list[Action]) -> None:
    with database() as db:
        _, found = joined(platform, sent, None, naming())
        tables.replace(db, platform, found, (), 1.0)
        assert len(tables.listed(db, platform)) == len(found)
        tables.replace(db, platform, (), (), 1.0)
        assert tables.listed(db, platform) == ()
        assert db.execute("SELECT count(*) FROM found").fetchone() == (0,)


@pytest.mark.parametrize("depth", [10, 150, 250, 900])
def test_a_schema_that_is_too_deep_costs_itself_and_not_its_document(db: sqlite3.Connection, depth: int) -> None:
    schema = {"x": json.loads("[" * depth + "]" * depth)}
    sent = ActionDetails.model_validate({"_id": "1", "title": "Get", "knowledge": "# Get", "ioSchema": schema})
    listing, _ = joined("crm", [sent], [sent], naming())
    tables.replace(db, "crm", [Row(sent, "")], [sent], 1.0)
    read = tables.document(db, "crm", "1")
    assert read == (sent if depth < 200 else sent.model_copy(update={"io_schema": {}}))
    assert listing.revision


def test_a_listing_is_another_one_as_soon_as_anything_of_it_is() -> None:
    row = Action.model_validate({"platform": "crm", "systemId": "1", "title": "Get", "method": "GET"})
    document = ActionDetails.model_validate({"_id": "1", "knowledge": "# Get", "ioSchema": {"a": 1}})
    variants: list[tuple[list[Action], list[ActionDetails] | None]] = [
        ([row], [document]),
        ([row], None),
        ([row.model_copy(update={"tags": ("t",)})], [document]),
        ([row], [document.model_copy(update={"knowledge": "# Get it"})]),
        ([row], [document.model_copy(update={"io_schema": {"a": 2}})]),
        ([row, row.model_copy(update={"id": "2"})], [document]),
    ]
    revisions = [joined("crm", sent, told, naming())[0].revision for sent, told in variants]
    assert len(set(revisions)) == len(variants)
    other = document.model_copy(update={"id": "2"})
    in_any_order = {joined("crm", [row], told, naming())[0].revision for told in ([document, other], [other, document])}
    assert len(in_any_order) == 1
    assert revisions == [joined("crm", sent, told, naming())[0].revision for sent, told in variants]


# What somebody spoiled


def put(**columns: Any) -> Callable[[sqlite3.Connection], None]:
    def job(db: sqlite3.Connection) -> None:
        table = "actions" if {"title", "tags", "name", "place"} & columns.keys() else "kept"
        for column, value in columns.items():
            db.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608

    return job


def as_body(value: Any) -> bytes:
    return zlib.compress(json.dumps(value).encode())


BODIES = [b"rubbish", b"", "text", 5, zlib.compress(b"{"), zlib.compress(b"\xff\xfe"), as_body(1)[:-6]]
SPOILT = [
    *(put(body=body) for body in BODIES),
    put(body=zlib.compress(b"[" * 100_000)),
    put(body=zlib.compress(bytes(70 * 1024 * 1024))),
    *(put(as_of=moment) for moment in ("soon", b"x", -1, 1e300, math.inf)),
    *(put(etags=etags) for etags in ("", "{", "5", '"abc"', "[1]", b"\xff")),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_was_never_kept_so_is_told_as_damage(
    db: sqlite3.Connection, spoil: Callable[[sqlite3.Connection], None]
) -> None:
    filled(db)
    spoil(db)
    with pytest.raises(sqlite3.DatabaseError):
        tables.entry("listing:crm")(db)


@pytest.mark.parametrize(
    "body", [*BODIES, as_body([]), as_body(5), as_body({"title": []}), as_body("text"), as_body(None)]
)
def test_what_is_no_document_is_told_as_damage(db: sqlite3.Connection, body: Any) -> None:
    filled(db)
    put(body=body)(db)
    for job in (lambda: tables.document(db, "crm", "crm-1"), lambda: tables.documents(db, "crm")):
        with pytest.raises(sqlite3.DatabaseError):
            job()


@pytest.mark.parametrize(
    "spoil",
    [put(title=b"\xff\xfe"), put(tags="["), put(tags="5"), put(tags="{}"), put(tags="[1]"), put(about=5, name=b"")],
)
def test_a_row_that_was_never_written_so_is_told_as_damage(
    db: sqlite3.Connection, spoil: Callable[[sqlite3.Connection], None]
) -> None:
    filled(db)
    spoil(db)
    with pytest.raises(sqlite3.DatabaseError):
        tables.listed(db, "crm")


def test_tables_of_another_format_are_refused(db: sqlite3.Connection) -> None:
    tables.prepare(db)
    db.execute(f"PRAGMA user_version={tables.FORMAT + 1}")
    with pytest.raises(sqlite3.DatabaseError, match="format"):
        tables.prepare(db)


def test_tables_of_others_are_refused() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE others (x)")
        with pytest.raises(sqlite3.DatabaseError, match="format"):
            tables.prepare(db)


def test_the_name_of_a_file_tells_its_account_apart_and_nothing_else() -> None:
    names = [
        tables.catalogue_file(url, secret, name_max)
        for url in ("https://a.test", "https://b.test")
        for secret in ("sk_live_1_abc", "sk_test_1_abc", "sk_live_1_ab\ud800")
        for name_max in (40, 64)
    ]
    assert len(set(names)) == len(names)
    assert not any("abc" in name or "sk_" in name or "test" in name for name in names)


# Replacing and making room


def test_a_platform_is_replaced_whole_and_its_neighbours_stay(db: sqlite3.Connection) -> None:
    filled(db, "crm")
    filled(db, "mail")
    tables.replace(db, "crm", rows(1), documents(1), 2000.0)
    assert len(tables.listed(db, "crm")) == len(tables.documents(db, "crm")) == 1
    assert len(tables.listed(db, "mail")) == len(tables.documents(db, "mail")) == 3
    assert tables.revision(db, "listing:crm") is None
    assert tables.revision(db, "listing:mail") is not None


NOISE = [f"{number * 7919 % 104729:x}" for number in range(50_000)]


def many(db: sqlite3.Connection, platforms: Sequence[str], count: int = 40) -> None:
    db.execute("BEGIN IMMEDIATE")
    for number, platform in enumerate(platforms):
        filled(db, platform, 1000.0 + number, count, knowledge=" ".join(NOISE[number * 300 :][:300]))
    db.execute("COMMIT")


def listings(db: sqlite3.Connection) -> list[str]:
    found = db.execute("SELECT grouped FROM kept WHERE what LIKE 'listing:%' ORDER BY as_of")
    return [group for (group,) in found]


def test_nothing_is_forgotten_as_long_as_there_is_room(db: sqlite3.Connection) -> None:
    many(db, "abcdefgh")
    tables.make_room(db, tables.used_bytes(db))
    assert listings(db) == [*"abcdefgh"]


def test_what_was_not_confirmed_for_longest_is_forgotten_first_and_whole(db: sqlite3.Connection) -> None:
    many(db, "abcdefgh")
    tables.confirm(db, "listing:a", 9000.0)
    bound = tables.used_bytes(db) * 3 // 4
    tables.make_room(db, bound)
    left = listings(db)
    assert tables.used_bytes(db) <= bound
    assert left == [*"cdefgha"][-len(left) :]
    assert len(left) >= 3
    for platform in {*"abcdefgh"} - {*left}:
        assert not tables.listed(db, platform)
        assert not tables.documents(db, platform)
    assert len(tables.listed(db, "a")) == 40


def test_what_was_just_written_stays_though_it_is_of_an_older_load_and_too_big(db: sqlite3.Connection) -> None:
    many(db, "abcdefgh")
    tables.make_room(db, 1_000, "b")
    assert listings(db) == ["b"]
    assert len(tables.listed(db, "b")) == len(tables.documents(db, "b")) == 40


def test_a_file_that_makes_room_shrinks(tmp_path: Any) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        tables.prepare(db)
        many(db, "abcdefgh")
        before, bound = file.stat().st_size, tables.used_bytes(db) // 2
        db.execute("BEGIN IMMEDIATE")
        tables.make_room(db, bound)
        db.execute("COMMIT")
        assert file.stat().st_size <= bound < before
        sizes = [file.stat().st_size for number in range(20) if not grow(db, number, bound)]
    assert max(sizes) <= bound * 1.3


def grow(db: sqlite3.Connection, number: int, bound: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    filled(db, f"new-{number}", 5000.0 + number, 40, knowledge=" ".join(NOISE[number * 300 :][:300]))
    tables.make_room(db, bound, f"new-{number}")
    db.execute("COMMIT")


def test_rows_are_found_by_their_words(db: sqlite3.Connection) -> None:
    filled(db)
    assert [row.action.title for row in tables.found(db, ["crm"], [["2"]], 5)] == ["Get 2"]
    assert tables.found(db, ["crm"], [["nothing"]], 5) == ()
    assert tables.found(db, ["mail"], [["2"]], 5) == ()


def test_rows_that_lack_an_id_are_like_those_of_their_title_and_none_else(db: sqlite3.Connection) -> None:
    known = rows(3)
    nameless = [replace(row, action=row.action.model_copy(update={"id": ""})) for row in known[:2]]
    tables.add(db, "crm", [*nameless, known[2]])
    assert tables.like(db, "crm", known[0].action) == (nameless[0],)
    assert tables.like(db, "crm", known[2].action) == (known[2],)
    assert tables.like(db, "crm", known[2].action.model_copy(update={"id": ""})) == ()
