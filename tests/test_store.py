from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.access import Identity, IdentityType
from pica_mcp.errors import UnknownResult
from pica_mcp.store import Store, Stored

ADA, BOB = Identity("ada"), Identity("bob")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(body: bytes = b"body") -> Stored:
    return Stored("gmail", "text/plain", body)


def put(store: Store, body: bytes = b"body", identity: Identity = ADA) -> str:
    result_id = store.put(identity, answer(body))
    assert result_id is not None
    return result_id


def gone(store: Store, result_id: str, identity: Identity = ADA) -> str:
    with pytest.raises(UnknownResult) as caught:
        store.get(identity, result_id)
    return str(caught.value)


def test_what_is_kept_is_found_again_as_often_as_it_is_asked_for() -> None:
    store = Store()
    result_id = put(store)
    assert [store.get(ADA, result_id) for _ in range(2)] == [answer()] * 2


def test_ids_are_of_one_form_and_cannot_be_guessed() -> None:
    store = Store()
    ids = {put(store) for _ in range(200)}
    assert len(ids) == 200
    assert all(result_id.startswith("r_") and len(result_id) == 18 for result_id in ids)


@pytest.mark.parametrize(
    "other", [BOB, Identity(), Identity("ada", IdentityType.USER), Identity(None, IdentityType.USER)], ids=str
)
def test_anothers_answer_is_as_if_it_were_not_there(other: Identity) -> None:
    clock = Clock()
    store = Store(clock)
    theirs, expired = put(store, identity=ADA), put(store, identity=other)
    foreign = gone(store, theirs, other)
    clock.now = 3600
    assert foreign == gone(store, expired, other) == gone(store, "r_none", other) == gone(store, "", other)
    assert foreign == "There is no result of this id; it may have expired. Make the call again."


def test_an_answer_expires_however_often_it_is_asked_for() -> None:
    clock = Clock()
    store = Store(clock, ttl_seconds=10)
    result_id = put(store)
    clock.now = 9.9
    store.get(ADA, result_id)
    clock.now = 10
    gone(store, result_id)


def test_what_was_not_asked_for_the_longest_goes_first_when_there_are_too_many() -> None:
    store = Store(max_count=2)
    first, second = put(store), put(store)
    store.get(ADA, first)
    third = put(store)
    gone(store, second)
    assert store.get(ADA, first) == store.get(ADA, third)


def test_what_was_not_asked_for_the_longest_goes_first_when_it_is_too_much() -> None:
    store = Store(max_bytes=10)
    first, second, third = put(store, b"x" * 4), put(store, b"x" * 4), put(store, b"x" * 6)
    gone(store, first)
    assert [len(store.get(ADA, each).body) for each in (second, third)] == [4, 6]


@pytest.mark.parametrize("store", [Store(max_bytes=3), Store(max_count=0)], ids=["bytes", "count"])
def test_what_is_too_big_for_all_of_it_is_not_kept_and_drives_nothing_out(store: Store) -> None:
    small = store.put(ADA, answer(b""))
    assert store.put(ADA, answer()) is None
    assert small is None or store.get(ADA, small) == answer(b"")


@pytest.mark.parametrize(
    ("store", "size"), [(Store(max_count=4), 1), (Store(max_bytes=40), 10)], ids=["count", "bytes"]
)
def test_who_asks_for_the_most_drives_out_nobody_else(store: Store, size: int) -> None:
    theirs = [put(store, b"x" * size, BOB) for _ in range(2)]
    mine = [put(store, b"x" * size) for _ in range(9)]
    assert all(store.get(BOB, each) for each in theirs)
    assert all(store.get(ADA, each) for each in mine[-2:])
    gone(store, mine[-3])


def test_who_has_little_gets_room_from_who_has_much() -> None:
    store = Store(max_count=4)
    theirs = [put(store, identity=BOB) for _ in range(4)]
    mine = [put(store) for _ in range(2)]
    assert all(store.get(ADA, each) for each in mine)
    assert [len(gone(store, each, BOB)) > 0 for each in theirs[:2]] == [True, True]
    assert all(store.get(BOB, each) for each in theirs[2:])


def test_what_has_expired_takes_no_room() -> None:
    clock = Clock()
    store = Store(clock, max_bytes=10, ttl_seconds=10)
    put(store, b"x" * 10)
    clock.now = 5
    result_id = put(store, b"x")
    clock.now = 10
    for _ in range(9):
        put(store, b"x")
    assert store.get(ADA, result_id)


@given(st.lists(st.tuples(st.sampled_from([ADA, BOB]), st.binary(max_size=12))))
def test_it_never_holds_more_than_it_may(puts: list[tuple[Identity, bytes]]) -> None:
    store = Store(Clock(), max_bytes=20, max_count=3)
    ids: list[tuple[Identity, str]] = []
    for identity, body in puts:
        ids.append((identity, put(store, body, identity)))
        held: list[bytes] = []
        for owner, result_id in reversed(ids):
            try:
                held.append(store.get(owner, result_id).body)
            except UnknownResult:
                break
        assert held
        assert len(held) <= 3
        assert sum(map(len, held)) <= 20


def test_what_it_holds_is_not_in_what_it_looks_like() -> None:
    assert "canary" not in repr(answer(b"canary"))
