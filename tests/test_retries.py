from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.retries import (
    MAX_ATTEMPTS,
    MAX_WAIT_SECONDS,
    Failure,
    Outcome,
    delay_seconds,
    status_outcome,
    wait_seconds,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
# Method → column of the table.
METHODS = {"GET": 0, "HEAD": 0, "OPTIONS": 0, "PUT": 1, "DELETE": 1, "POST": 2, "PATCH": 2}

KNOWN = Outcome(Failure.PROVIDER_LIMIT, 2.0)
# The table of the room's docstring: outcome → attempts in all for GET/HEAD, PUT/DELETE, POST/PATCH.
TABLE = [
    ("never sent", Outcome(Failure.UNSENT), (3, 3, 3)),
    ("429 from Pica itself", Outcome(Failure.OWN_LIMIT), (3, 3, 3)),
    ("429 from the provider, delay known", KNOWN, (3, 3, 2)),
    ("429 from the provider, delay unknown", Outcome(Failure.PROVIDER_LIMIT), (3, 2, 1)),
    ("502, 503, 504", Outcome(Failure.UNAVAILABLE), (3, 2, 1)),
    ("502, 503, 504 with a delay", Outcome(Failure.UNAVAILABLE, 2.0), (3, 2, 1)),
    ("500", Outcome(Failure.SERVER_ERROR), (2, 1, 1)),
    ("broken after sending", Outcome(Failure.BROKEN), (3, 1, 1)),
    ("anything else", Outcome(Failure.FINAL), (1, 1, 1)),
]
CASES = [
    pytest.param(outcome, method, attempts[column], id=f"{what}: {method}")
    for what, outcome, attempts in TABLE
    for method, column in METHODS.items()
]
OUTCOMES = st.builds(Outcome, st.sampled_from(Failure), st.none() | st.floats(0, 1e9))


@pytest.mark.parametrize(("outcome", "method", "attempts"), CASES)
def test_each_failure_is_tried_as_often_as_the_table_says(outcome: Outcome, method: str, attempts: int) -> None:
    tried = 1
    while wait_seconds(tried, method, outcome, 0.5) is not None:
        tried += 1
        assert tried <= MAX_ATTEMPTS
    assert tried == attempts


def test_the_table_speaks_of_every_failure() -> None:
    assert {outcome.failure for _, outcome, _ in TABLE} == set(Failure)


@given(
    st.integers(1, 10), st.sampled_from(("POST", "PATCH")), st.floats(0, 1, exclude_max=True), st.none() | st.just(1.0)
)
def test_a_write_that_may_have_been_applied_is_never_repeated(
    attempt: int, method: str, chance: float, delay: float | None
) -> None:
    for failure in (Failure.BROKEN, Failure.UNAVAILABLE, Failure.SERVER_ERROR, Failure.FINAL):
        assert wait_seconds(attempt, method, Outcome(failure, delay), chance) is None


@pytest.mark.parametrize("method", ["", "PURGE", "CONNECT"])
def test_an_unknown_method_is_repeated_as_little_as_a_post(method: str) -> None:
    assert wait_seconds(1, method, Outcome(Failure.BROKEN), 0.5) is None


@given(st.integers(1, 10), st.sampled_from([*METHODS]), OUTCOMES, st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_negative_and_never_too_long(
    attempt: int, method: str, outcome: Outcome, chance: float
) -> None:
    wait = wait_seconds(attempt, method, outcome, chance)
    assert wait is None or 0 <= wait <= MAX_WAIT_SECONDS


@given(st.integers(MAX_ATTEMPTS, 100), st.sampled_from([*METHODS]), OUTCOMES, st.floats(0, 1, exclude_max=True))
def test_nothing_is_tried_more_than_three_times(attempt: int, method: str, outcome: Outcome, chance: float) -> None:
    assert wait_seconds(attempt, method, outcome, chance) is None


@pytest.mark.parametrize(
    ("attempt", "failure", "chance", "wait"),
    [
        (1, Failure.UNSENT, 0.0, 0.0),
        (1, Failure.UNSENT, 0.5, 0.25),
        (2, Failure.UNSENT, 0.5, 0.5),
        (1, Failure.OWN_LIMIT, 0.5, 0.5),
        (2, Failure.OWN_LIMIT, 0.5, 1.0),
        (1, Failure.PROVIDER_LIMIT, 0.5, 0.5),
        (2, Failure.UNAVAILABLE, 0.5, 0.5),
    ],
)
def test_waits_double_and_are_spread_by_chance(attempt: int, failure: Failure, chance: float, wait: float) -> None:
    assert wait_seconds(attempt, "GET", Outcome(failure), chance) == wait


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 0.0), (7.5, 7.5), (10.0, 10.0), (10.1, None), (3600.0, None)])
def test_a_delay_that_is_asked_for_is_obeyed_or_left_to_the_caller(asked: float, wait: float | None) -> None:
    assert wait_seconds(1, "GET", Outcome(Failure.PROVIDER_LIMIT, asked), 0.9) == wait
    assert wait_seconds(1, "POST", Outcome(Failure.PROVIDER_LIMIT, asked), 0.9) == wait


@pytest.mark.parametrize(
    ("status", "by_provider", "delay", "outcome"),
    [
        (429, True, 3.0, Outcome(Failure.PROVIDER_LIMIT, 3.0)),
        (429, True, None, Outcome(Failure.PROVIDER_LIMIT)),
        (429, False, 60.0, Outcome(Failure.OWN_LIMIT)),  # Pica's own says 60 whatever is true
        (502, True, None, Outcome(Failure.UNAVAILABLE)),
        (503, True, 4.0, Outcome(Failure.UNAVAILABLE, 4.0)),
        (504, False, None, Outcome(Failure.UNAVAILABLE)),
        (500, True, None, Outcome(Failure.SERVER_ERROR)),
        *[(status, True, 1.0, Outcome(Failure.FINAL)) for status in (200, 304, 400, 401, 403, 404, 409, 422, 501)],
    ],
)
def test_a_status_means(status: int, by_provider: bool, delay: float | None, outcome: Outcome) -> None:  # noqa: FBT001 - a table's column
    assert status_outcome(status, by_provider=by_provider, delay_seconds=delay) == outcome


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "60"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:09 GMT"}, 9.0),
        ({"retry-after": "Sun, 01 Mar 2026 13:00:09 +0100"}, 9.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:09 -0000"}, 9.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "1", "x-ratelimit-reset": "50"}, 1.0),
        ({"x-ratelimit-reset": "60"}, 60.0),
        ({"ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 5)}, 5.0),  # GitHub: epoch seconds
        ({"x-ratelimit-reset": str((int(NOW.timestamp()) + 5) * 1000)}, 5.0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 5)}, 0.0),
        ({"x-ratelimit-reset": "1000000000"}, None),  # not above, so a delay, of thirty years
        ({"x-ratelimit-reset": "1000000001"}, 0.0),
        ({"x-ratelimit-reset": "1000000000000"}, None),  # not above, so seconds
        ({"retry-after": "2678400"}, 2_678_400.0),
        ({"retry-after": "2678401"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"x-ratelimit-reset": "1000000000001"}, 0.0),
        ({"x-ratelimit-reset": "6m0s"}, None),
        ({"x-ratelimit-reset": "6m0s", "ratelimit-reset": "5"}, 5.0),
        *[
            ({name: value}, None)
            for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset", "ratelimit-reset")
            for value in ("", "nan", "inf", "-inf", "1e999", "-1", "soon", "three", "1, 2")
        ],
        ({"retry-after": "Mon, 20 Nov 1995 19:12:08 +99999999999999999999"}, None),
        ({"retry-after": "Mon, 32 Nov 1995 19:12:08 GMT"}, None),
        ({"retry-after": "nan", "x-ratelimit-reset": "4"}, 4.0),
    ],
)
def test_a_delay_is_read_from_headers(headers: dict[str, str], delay: float | None) -> None:
    assert delay_seconds(headers, NOW) == delay


@given(
    st.dictionaries(
        st.sampled_from(("retry-after", "retry-after-ms", "x-ratelimit-reset", "ratelimit-reset")),
        st.text()
        | st.floats().map(str)
        | st.integers().map(str)
        | st.datetimes().map(lambda d: d.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    )
)
def test_no_header_gives_a_delay_that_is_no_length_of_time(headers: dict[str, str]) -> None:
    delay = delay_seconds(headers, NOW)
    assert delay is None or 0 <= delay < float("inf")
