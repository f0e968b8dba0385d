import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise, product
from math import nan
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.door import NeedsSocketError
from pica_mcp.sandbox.faults import (
    Busy,
    Delay,
    Drip,
    Fault,
    GzipBomb,
    Gzipped,
    Hang,
    Head,
    Huge,
    NotHttp,
    Question,
    Reset,
    Step,
    Truncated,
)
from pica_mcp.sandbox.lists import Altered, Drifting, Repeating

if TYPE_CHECKING:
    from .conftest import Pica

WHOAMI = "/v1/users/whoami"
CONNECTIONS = "/v1/vault/connections"
LISTS = [CONNECTIONS, "/v1/available-connectors", "/v1/available-actions/gmail", "/v1/knowledge"]
AN_HOUR = 3600

soon = partial(anyio.fail_after, 20)


@asynccontextmanager
async def asking(pica: "Pica", url: str = WHOAMI) -> AsyncGenerator[list[httpx2.Response]]:
    """A request that is being answered on entering, and has been answered on leaving."""
    answers: list[httpx2.Response] = []

    async def ask() -> None:
        answers.append(await pica.http.get(url))

    with soon():
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await pica.box.until_pending(1)
            yield answers


async def wire_bytes(pica: "Pica", url: str = WHOAMI) -> tuple[bytes, BaseException | None]:
    """Everything that comes back over a connection of its own, and what ended it other than its end."""
    address = urlsplit(str(pica.http.base_url))
    received = b""
    with soon():
        async with await anyio.connect_tcp(address.hostname or "", address.port or 0) as stream:
            secret = pica.http.headers["x-pica-secret"]
            await stream.send(
                f"GET {url} HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\nx-pica-secret: {secret}\r\n\r\n".encode()
            )
            try:
                while True:
                    received += await stream.receive()
            except anyio.EndOfStream:
                return received, None
            except anyio.BrokenResourceError as error:
                return received, error.__cause__


# Waiting


@pytest.mark.parametrize("fault", [Delay(AN_HOUR), Hang(), Drip(bytes=1, seconds=AN_HOUR)])
async def test_healing_gives_those_who_wait_the_truth(either: "Pica", fault: Fault) -> None:
    truth = await either.http.get(WHOAMI)
    either.box.fail(WHOAMI, fault)
    async with asking(either) as answers:
        assert answers == []
        either.box.heal()
    assert (answers[0].status_code, answers[0].content) == (200, truth.content)
    assert either.box.pending == 0
    assert either.box.abandoned == []


@pytest.mark.parametrize("fault", [Delay(AN_HOUR), Hang(), Drip(bytes=1, seconds=AN_HOUR)])
async def test_a_client_that_leaves_is_noticed(either: "Pica", fault: Fault) -> None:
    either.box.fail(WHOAMI, fault)
    with soon():
        async with anyio.create_task_group() as group:
            group.start_soon(either.http.get, WHOAMI)
            await either.box.until_pending(1)
            assert [request.path for request in either.box.requests] == [WHOAMI]
            assert either.box.abandoned == []
            group.cancel_scope.cancel()
        await either.box.until_pending(0)
    assert either.box.abandoned == either.box.requests


async def test_a_delay_that_is_over_is_no_more(either: "Pica") -> None:
    either.box.fail(WHOAMI, Delay(0.001), status=503)
    assert [(await either.http.get(WHOAMI)).status_code for _ in range(2)] == [503, 200]


async def test_a_client_without_patience_gets_nothing(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Hang())
    with pytest.raises(httpx2.ReadTimeout):
        await afar.http.get(WHOAMI, timeout=httpx2.Timeout(20, read=0.05))
    with soon():
        await afar.box.until_pending(0)
    assert (await afar.http.get(WHOAMI)).status_code == 200


async def test_several_may_hang_at_once_and_are_counted(either: "Pica") -> None:
    either.box.fail(WHOAMI, Hang(), times=None)
    with soon():
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(either.http.get, WHOAMI)
            await either.box.until_pending(5)
            either.box.heal()
            await either.box.until_pending(0)
    assert len(either.box.requests) == 5


async def test_a_dripping_body_comes_in_pieces(afar: "Pica") -> None:
    truth = (await afar.http.get(WHOAMI)).content
    afar.box.fail(WHOAMI, Drip(bytes=10, seconds=AN_HOUR))
    with soon():
        async with afar.http.stream("GET", WHOAMI) as answer:
            assert answer.headers["content-length"] == str(len(truth))
            assert await anext(answer.aiter_raw()) == truth[:10]
        await afar.box.until_pending(0)
    assert len(afar.box.abandoned) == 1


# Connections that break


async def test_a_reset_before_the_headers(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Reset(), times=2)
    received, end = await wire_bytes(afar)
    assert (received, type(end)) == (b"", ConnectionResetError)
    with pytest.raises(httpx2.ReadError):
        await afar.http.get(WHOAMI)
    assert (await afar.http.get(WHOAMI)).status_code == 200
    assert afar.box.abandoned == []


@pytest.mark.parametrize("count", [0, 1, 20])
async def test_a_reset_in_the_middle_of_the_body(afar: "Pica", count: int) -> None:
    truth = (await afar.http.get(WHOAMI)).content
    afar.box.fail(WHOAMI, Reset(after_bytes=count), times=2)
    received, end = await wire_bytes(afar)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert f"content-length: {len(truth)}".encode() in head
    assert (body, type(end)) == (truth[:count], ConnectionResetError)
    with pytest.raises(httpx2.ReadError):
        await afar.http.get(WHOAMI)


@pytest.mark.parametrize("count", [0, 1, 20])
async def test_a_truncated_body_ends_early(afar: "Pica", count: int) -> None:
    truth = (await afar.http.get(WHOAMI)).content
    afar.box.fail(WHOAMI, Truncated(count), times=2)
    received, end = await wire_bytes(afar)
    assert (received.partition(b"\r\n\r\n")[2], end) == (truth[:count], None)
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        await afar.http.get(WHOAMI)


async def test_what_is_no_http_is_sent_as_it_is(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, NotHttp(b"220 mail.example ESMTP\r\n"), times=2)
    assert await wire_bytes(afar) == (b"220 mail.example ESMTP\r\n", None)
    with pytest.raises(httpx2.RemoteProtocolError):
        await afar.http.get(WHOAMI)


@pytest.mark.parametrize("fault", [Reset(), Reset(after_bytes=3), Truncated(3), NotHttp()])
async def test_what_breaks_connections_says_so_where_there_is_none(pica: "Pica", fault: Fault) -> None:
    pica.box.fail(WHOAMI, fault)
    with pytest.raises(NeedsSocketError, match=r"^\w+\(.+\) breaks the connection, and ASGI has none\. Use the URL of"):
        await pica.http.get(WHOAMI)
    assert pica.box.pending == 0


@pytest.mark.parametrize("fault", [Reset(), Reset(after_bytes=3), Truncated(3), NotHttp(), Hang(), Huge(10_000_000)])
async def test_what_breaks_off_is_no_fault_of_the_server(
    afar: "Pica", fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    afar.box.fail(WHOAMI, fault)
    with suppress(httpx2.TransportError):
        async with afar.http.stream("GET", WHOAMI, timeout=httpx2.Timeout(20, read=0.1)) as answer:
            await anext(answer.aiter_raw())
    with soon():
        await afar.box.until_pending(0)
    assert [record.message for record in caplog.records if record.name.startswith("uvicorn")] == []


# What has been done when an answer is lost


@pytest.mark.parametrize(
    ("fault", "told", "found"),
    [
        (Reset(), {}, ["done"]),
        (Reset(after_bytes=0), {}, ["done"]),
        (Reset(), {"status": 200}, []),
        (NotHttp(), {}, []),
    ],
)
async def test_a_lost_answer_is_to_work_that_was_done(
    afar: "Pica", fault: Fault, told: dict[str, Any], found: list[str]
) -> None:
    connection = (await afar.rows(CONNECTIONS))[0]["id"]
    afar.box.fail(CONNECTIONS, fault, method="PATCH", **told)
    with pytest.raises(httpx2.TransportError):
        await afar.http.patch(f"{CONNECTIONS}/{connection}", json={"tags": ["done"]})
    assert (await afar.rows(CONNECTIONS))[0]["tags"] == found


# Bodies


async def test_garbage_instead_of_json_is_an_answer_like_any_other(either: "Pica") -> None:
    either.box.fail(WHOAMI, status=200, body="<p>", headers={"content-type": "application/json"})
    answer = await either.http.get(WHOAMI)
    assert (answer.status_code, answer.content) == (200, b"<p>")
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("size", [2, 3, 1 << 20, (1 << 20) + 2, 3_000_000])
async def test_a_huge_body_is_json_of_that_size(either: "Pica", size: int) -> None:
    either.box.fail(WHOAMI, Huge(size))
    answer = await either.http.get(WHOAMI)
    assert (len(answer.content), answer.json()) == (size, [])
    assert "content-length" not in answer.headers


async def test_fifty_megabytes_are_streamed(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Huge(50_000_000))
    async with afar.http.stream("GET", WHOAMI) as answer:
        assert sum([len(chunk) async for chunk in answer.aiter_raw()]) == 50_000_000


async def test_who_has_enough_of_a_huge_body_may_leave(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Huge(10_000_000_000))
    with soon():
        async with afar.http.stream("GET", WHOAMI) as answer:
            assert (await anext(answer.aiter_raw())).startswith(b"[")
        await afar.box.until_pending(0)


async def test_a_compressed_body_is_the_truth_once_decoded(either: "Pica") -> None:
    truth = await either.http.get("/v1/knowledge")
    either.box.fail("/v1/knowledge", Gzipped())
    async with either.http.stream("GET", "/v1/knowledge") as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert (answer.headers["content-length"], gzip.decompress(raw)) == (str(len(raw)), truth.content)


@pytest.mark.parametrize("size", [2, 1 << 20, 200_000_000])
async def test_a_gzip_bomb_is_small_on_the_wire(either: "Pica", size: int) -> None:
    either.box.fail(WHOAMI, GzipBomb(size))
    async with either.http.stream("GET", WHOAMI) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert len(raw) <= 2_000 + size // 500
    decoded = gzip.decompress(raw)  # checks length and checksum too
    assert (len(decoded), decoded[:1], decoded[-1:], decoded.count(b" ")) == (size, b"[", b"]", size - 2)


async def test_faults_bend_the_answer_in_turn(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Gzipped(), Delay(0.001), Truncated(3), status=201, body={"a": 1})
    head, _, body = (await wire_bytes(afar))[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201")
    assert body == b"\x1f\x8b\x08"


STARTING = [Huge(2), GzipBomb(2), Busy(0), NotHttp()]
SAYING = [Gzipped(), Altered({}), Repeating(), Drifting()]
SENDING = [Delay(0), Hang(), Drip(1, 0), Reset(), Reset(after_bytes=0), Truncated(0)]


@pytest.mark.parametrize(
    "faults",
    [
        *product(SENDING, [*SAYING, *STARTING]),
        *product(SAYING, STARTING),
        *product(STARTING, STARTING),
        (Gzipped(), Hang(), Altered({})),
    ],
    ids=str,
)
def test_an_order_in_which_one_would_undo_another_is_refused(box: Sandbox, faults: tuple[Fault, ...]) -> None:
    with pytest.raises(ValueError, match="then bent in what it says, then in how it is sent"):
        box.fail(WHOAMI, *faults)


@pytest.mark.parametrize("fault", STARTING, ids=str)
def test_what_makes_an_answer_takes_none_that_was_told(box: Sandbox, fault: Fault) -> None:
    with pytest.raises(ValueError, match=r"made once.*the answer as told, "):
        box.fail(WHOAMI, fault, status=503)


@pytest.mark.parametrize("fault", [Gzipped(), Altered({"x": 1}), Busy(1), NotHttp()], ids=str)
@pytest.mark.parametrize("wait", [Delay(AN_HOUR), Hang()], ids=str)
async def test_what_is_bent_comes_late_all_the_same(afar: "Pica", fault: Fault, wait: Fault) -> None:
    afar.box.fail(CONNECTIONS, fault, wait)
    with pytest.raises(httpx2.ReadTimeout):
        await afar.http.get(CONNECTIONS, timeout=httpx2.Timeout(20, read=0.05))


async def test_what_is_bent_is_cut_all_the_same(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Gzipped(), Truncated(10))
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        await afar.http.get(WHOAMI)
    afar.box.fail(WHOAMI, Altered({"x": 1}), Reset())
    with pytest.raises(httpx2.ReadError):
        await afar.http.get(WHOAMI)


async def test_a_reset_comes_late_all_the_same(afar: "Pica") -> None:
    afar.box.fail(WHOAMI, Delay(AN_HOUR), Reset())
    with pytest.raises(httpx2.ReadTimeout):
        await afar.http.get(WHOAMI, timeout=httpx2.Timeout(20, read=0.05))


@pytest.mark.parametrize("fault", [Gzipped(), Altered({"x": 1}), Drifting(), Repeating()], ids=str)
async def test_bytes_that_are_no_http_have_nothing_to_bend(afar: "Pica", fault: Fault) -> None:
    afar.box.fail(WHOAMI, NotHttp(b"220\r\n"), fault)
    assert await wire_bytes(afar) == (b"220\r\n", None)


@pytest.mark.parametrize("faults", [(Truncated(2), Reset(after_bytes=5)), (Truncated(2), Truncated(5))], ids=str)
async def test_a_connection_ends_once(afar: "Pica", faults: tuple[Fault, ...]) -> None:
    afar.box.fail(WHOAMI, *faults)
    received, end = await wire_bytes(afar)
    assert (len(received.partition(b"\r\n\r\n")[2]), end) == (2, None)
    assert afar.box.pending == 0


@pytest.mark.parametrize("fault", [Gzipped(), Altered({"x": 1}), Drifting(), Repeating()], ids=str)
@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_stays_as_it_is(afar: "Pica", fault: Fault, status: int) -> None:
    afar.box.fail(WHOAMI, fault, status=status, body=b"", headers={"etag": "x"})
    answer = await afar.http.get(WHOAMI)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (status, b"", "x")
    assert "content-encoding" not in answer.headers
    assert (await afar.http.get(WHOAMI)).status_code == 200


async def test_who_has_the_list_already_is_told_so_uncompressed(afar: "Pica") -> None:
    known = (await afar.http.get("/v1/knowledge")).headers["etag"]
    afar.box.fail("/v1/knowledge", Gzipped())
    answer = await afar.http.get("/v1/knowledge", headers={"if-none-match": known})
    assert (answer.status_code, answer.content, "content-encoding" in answer.headers) == (304, b"", False)


async def test_what_is_compressed_twice_says_so(either: "Pica") -> None:
    either.box.fail(WHOAMI, GzipBomb(1_000), Gzipped())
    answer = await either.http.get(WHOAMI)
    assert (answer.headers["content-encoding"], len(answer.content), answer.json()) == ("gzip, gzip", 1_000, [])


async def test_a_body_that_is_not_so_long_is_whole_before_the_end(afar: "Pica") -> None:
    truth = (await afar.http.get(WHOAMI)).content
    afar.box.fail(WHOAMI, Truncated(len(truth)), times=3)
    assert (await afar.http.get(WHOAMI)).content == truth
    received, end = await wire_bytes(afar)
    assert (received.partition(b"\r\n\r\n")[2], end) == (truth, None)


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        (Delay, (-1,)),
        (Delay, (nan,)),
        (Drip, (0, 1)),
        (Drip, (1, -1)),
        (Reset, (-1,)),
        (Truncated, (-1,)),
        (Huge, (1,)),
        (GzipBomb, (1,)),
        (Busy, (-1,)),
        (Repeating, (-1,)),
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(fault: type[Fault], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"^\w+ must be [012] or more: "):
        fault(*values)


# Lists


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("changes", [{"total": 0}, {"total": 9_999, "pages": 99}, {"rows": None}, {"new": [1]}])
async def test_an_altered_list_is_the_truth_but_for_the_changes(
    either: "Pica", url: str, changes: dict[str, object]
) -> None:
    truth = (await either.http.get(url, params={"limit": 3})).json()
    either.box.fail(url, Altered(changes))
    answer = await either.http.get(url, params={"limit": 3})
    assert answer.json() == truth | changes
    assert (answer.status_code, "etag" in answer.headers) == (200, False)


@pytest.mark.parametrize("url", ["/v1/available-actions/search/gmail?query=send", "/v1/vault/connections/none"])
async def test_lists_that_are_none_stay_as_they_are(either: "Pica", url: str) -> None:
    truth = await either.http.get(url)
    either.box.fail(url.partition("?")[0], Drifting(), Repeating())
    answer = await either.http.get(url)
    assert (answer.status_code, answer.content) == (truth.status_code, truth.content)


async def third(pica: "Pica", url: str) -> int:
    """The limit with which a list has three pages or four."""
    return (await pica.http.get(url, params={"limit": 1})).json()["total"] // 3


async def pages(pica: "Pica", url: str, limit: int) -> list[dict[str, Any]]:
    """The pages of a list, read on as long as the page read last says that there are more."""
    read: list[dict[str, Any]] = []
    while not read or len(read) < read[-1]["pages"]:
        read.append((await pica.http.get(url, params={"limit": limit, "page": len(read) + 1})).json())
    return read


@pytest.mark.parametrize("url", LISTS)
async def test_repeating_pages_begin_with_the_end_of_the_page_before(either: "Pica", url: str) -> None:
    limit = await third(either, url)
    truth = await pages(either, url, limit)
    assert len(truth) > 2
    either.box.fail(url, Repeating(rows=2), times=None)
    repeated = await pages(either, url, limit)
    assert [(page["total"], page["pages"], page["page"]) for page in repeated] == [
        (page["total"], page["pages"], page["page"]) for page in truth
    ]
    assert repeated[0] == truth[0]
    for before, page, real in zip(truth, repeated[1:], truth[1:], strict=False):
        assert page["rows"] == before["rows"][-2:] + real["rows"]


@pytest.mark.parametrize("url", LISTS)
async def test_a_growing_list_shows_rows_twice_and_loses_none(either: "Pica", url: str) -> None:
    limit = await third(either, url)
    truth = [row for page in await pages(either, url, limit) for row in page["rows"]]
    either.box.fail(url, Drifting(rows=1), times=None)
    drifted = await pages(either, url, limit)
    assert [page["total"] for page in drifted] == [len(truth) + shift for shift in range(len(drifted))]
    for before, page in pairwise(drifted):
        assert page["rows"][0] == before["rows"][-1]
    shown = [row for page in drifted for row in page["rows"]]
    assert all(row in shown for row in truth)
    assert len(shown) == len(truth) + len(drifted) - 1


@pytest.mark.parametrize("url", LISTS)
async def test_a_shrinking_list_loses_rows_between_pages(either: "Pica", url: str) -> None:
    limit = await third(either, url)
    truth = [row for page in await pages(either, url, limit) for row in page["rows"]]
    either.box.fail(url, Drifting(rows=-1), times=None)
    first, second = (await pages(either, url, limit))[:2]
    assert first["rows"] == truth[:limit]
    assert second["rows"] == truth[limit + 1 : 2 * limit + 1]
    assert (first["total"], second["total"]) == (len(truth), len(truth) - 1)


async def test_windows_keep_the_filters_of_the_request(either: "Pica") -> None:
    either.box.fail(CONNECTIONS, Repeating(), times=None)
    query = {"identity": "ada", "platform": "gmail", "limit": 1, "page": 2}
    rows = (await either.http.get(CONNECTIONS, params=query)).json()["rows"]
    assert [row["name"] for row in rows] == ["Personal", "Work"]


async def test_windows_keep_a_filter_that_is_said_twice() -> None:
    asked: list[tuple[tuple[str, str], ...]] = []

    async def ask(query: tuple[tuple[str, str], ...]) -> list[Step]:
        asked.append(query)
        return [Head(200), b'{"rows": [1, 2, 3], "page": 1}']

    await Repeating().steps(Question("GET", (("tag", "a"), ("limit", "2"), ("tag", "b")), ask))
    assert asked[1] == (("tag", "a"), ("tag", "b"), ("page", "1"), ("limit", "999999999"))


async def test_nothing_but_a_reading_is_asked_for_twice(either: "Pica") -> None:
    url, body = "/v1/authkit?limit=2&page=2", {"identity": "ada", "identityType": "user"}
    truth = (await either.http.post(url, json=body)).json()
    either.box.fail("/v1/authkit", Repeating(), times=None)
    bent = (await either.http.post(url, json=body)).json()
    assert bent["rows"] == truth["rows"]


@pytest.mark.parametrize("fault", [Repeating(), Drifting()], ids=str)
async def test_rows_that_are_none_make_no_window(either: "Pica", fault: Fault) -> None:
    either.box.fail(CONNECTIONS, Altered({"rows": None}), fault)
    assert (await either.http.get(CONNECTIONS)).json()["rows"] is None


# Limits


def left(answer: httpx2.Response) -> tuple[int, str, str]:
    headers = answer.headers
    return answer.status_code, headers["x-pica-rate-limit-limit"], headers["x-pica-rate-limit-remainings"]


async def test_a_limit_refuses_as_pica_does_until_healed(either: "Pica") -> None:
    either.box.limit(2)
    answers = [await either.http.get(WHOAMI) for _ in range(4)]
    assert [left(answer) for answer in answers] == [(200, "2", "1"), (200, "2", "0"), (429, "2", "0"), (429, "2", "0")]
    assert answers[3].json() == {
        "type": "TooManyRequests",
        "code": 2009,
        "status": 429,
        "key": "err::application::too_many_requests",
        "message": "Rate limit exceeded",
        "meta": None,
    }
    assert "retry-after" not in answers[3].headers
    assert answers[3].headers["x-pica-rate-limit-reset"] == "60"
    either.box.heal()
    assert left(await either.http.get(WHOAMI)) == (200, "500", "499")


async def test_a_limit_begins_anew_after_its_refusals(either: "Pica") -> None:
    either.box.limit(2, refusals=1)
    statuses = [(await either.http.get(WHOAMI)).status_code for _ in range(7)]
    assert statuses == [200, 200, 429, 200, 200, 429, 200]


async def test_a_limit_counts_what_is_under_its_prefix(either: "Pica") -> None:
    either.box.limit(0, path_prefix=CONNECTIONS)
    assert left(await either.http.get(WHOAMI)) == (200, "500", "499")
    assert left(await either.http.get(CONNECTIONS)) == (429, "0", "0")


async def test_what_a_limit_refuses_uses_up_no_fault(either: "Pica") -> None:
    either.box.fail(WHOAMI, status=503)
    either.box.limit(0)
    assert (await either.http.get(WHOAMI)).status_code == 429
    either.box.limit(9)
    assert (await either.http.get(WHOAMI)).status_code == 503


async def test_a_busy_provider_says_when_under_picas_name(either: "Pica") -> None:
    either.box.fail("/v1/passthrough", Busy(retry_after_seconds=7))
    answer = await either.http.get("/v1/passthrough/anything")
    assert (answer.status_code, answer.headers["x-pica-passthrough-retry-after"]) == (429, "7")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "retry-after" not in answer.headers
    assert answer.json()["error"]["code"] == 429


@pytest.mark.parametrize("told", [{"requests": -1}, {"requests": 1, "refusals": -1}])
def test_a_limit_below_zero_is_refused(box: Sandbox, told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more, not -1"):
        box.limit(**told)


# Which requests


@pytest.mark.parametrize("told", [{"times": -1}, {"skip": -1}])
def test_fewer_than_no_requests_are_refused(box: Sandbox, told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more, not -1"):
        box.fail(WHOAMI, **told)


async def test_a_fault_may_be_for_a_later_request_only(either: "Pica") -> None:
    either.box.fail(WHOAMI, status=503, skip=2)
    statuses = [(await either.http.get(url)).status_code for url in (WHOAMI, CONNECTIONS, WHOAMI, WHOAMI, WHOAMI)]
    assert statuses == [200, 200, 200, 503, 200]


async def test_what_an_earlier_fault_takes_is_not_skipped(either: "Pica") -> None:
    either.box.fail(WHOAMI, status=500)
    either.box.fail(WHOAMI, status=503, skip=1, times=None)
    assert [(await either.http.get(WHOAMI)).status_code for _ in range(4)] == [500, 200, 503, 503]
