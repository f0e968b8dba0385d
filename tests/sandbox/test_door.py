from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox, journal

if TYPE_CHECKING:
    from .conftest import Pica

WHOAMI = "/v1/users/whoami"
CONNECTIONS = "/v1/vault/connections"


def client(box: Sandbox, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=box.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://pica.test", headers=headers)


@pytest.mark.parametrize("headers", [{}, {"x-pica-secret": "sk_live_1_other"}, {"authorization": LIVE_SECRET}])
async def test_an_unknown_or_missing_secret_is_refused_in_six_keys(box: Sandbox, headers: dict[str, str]) -> None:
    async with client(box, **headers) as http:
        answer = await http.get(WHOAMI)
    assert answer.status_code == 401
    assert answer.json() == {
        "type": "Unauthorized",
        "code": 2010,
        "status": 401,
        "key": "err::application::unauthorized",
        "message": "You are not authorized to access this resource",
        "meta": None,
    }


async def test_bare_errors_refuse_in_plain_text() -> None:
    async with client(Sandbox(bare_errors=True)) as http:
        answer = await http.get(WHOAMI)
    assert (answer.status_code, answer.text) == (401, "401 Unauthorized")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("name", ["x-pica-secret", "x-one-secret", "X-Pica-Secret"])
async def test_both_families_of_headers_open_the_door(box: Sandbox, name: str) -> None:
    async with client(box, **{name: LIVE_SECRET}) as http:
        assert (await http.get(WHOAMI)).status_code == 200


@pytest.mark.parametrize("agent", ["", "Python-urllib/3.11", "python-urllib/3.12"])
async def test_the_edge_blocks_default_agents(pica: "Pica", agent: str) -> None:
    answer = await pica.http.get(WHOAMI, headers={"user-agent": agent})
    assert (answer.status_code, answer.text) == (403, "error code: 1010")


async def test_what_the_edge_blocks_never_reaches_pica(pica: "Pica") -> None:
    pica.box.fail(WHOAMI, status=503)
    pica.box.limit(1)
    for _ in range(3):
        answer = await pica.http.get(WHOAMI, headers={"user-agent": ""})
        assert (answer.status_code, [name for name in answer.headers if name.startswith("x-pica")]) == (403, [])
    assert len(pica.box.requests) == 3
    assert pica.box.abandoned == []
    answer = await pica.http.get(WHOAMI)
    assert (answer.status_code, answer.headers["x-pica-rate-limit-remainings"]) == (503, "0")


@pytest.mark.parametrize("secret", [LIVE_SECRET, ""])
async def test_an_unknown_route_is_not_found_with_or_without_a_secret(box: Sandbox, secret: str) -> None:
    async with client(box, **{"x-pica-secret": secret}) as http:
        for path in ("/v2/knowledge", "/v1/knowledge/", "/v1/passthrough"):
            answer = await http.get(path)
            assert answer.status_code == 404
            assert answer.json() == {"type": "error", "error": "Not found"}


async def test_a_wrong_method_is_not_allowed(pica: "Pica") -> None:
    answer = await pica.http.post("/v1/knowledge")
    assert answer.status_code == 405
    assert answer.json()["type"] == "MethodNotAllowed"


async def test_the_root_greets_without_a_secret(box: Sandbox) -> None:
    async with client(box) as http:
        assert (await http.get("/")).json() == {"type": "success", "success": True}


@pytest.mark.parametrize("path", [WHOAMI, "/nowhere", "/v1/vault/connections/none"])
async def test_every_response_counts_the_rate_limit(pica: "Pica", path: str) -> None:
    remaining: list[int] = []
    for _ in range(3):
        headers = (await pica.http.get(path)).headers
        assert headers["x-pica-rate-limit-limit"] == "500"
        assert headers["x-pica-rate-limit-reset"] == "60"
        remaining.append(int(headers["x-pica-rate-limit-remainings"]))
    assert remaining == [499, 498, 497]


async def test_requests_are_written_down_as_they_came(pica: "Pica") -> None:
    await pica.http.post(
        "/v1/authkit%2Ftoken/a%20b?b=2&a=%C3%A9&b=1&c=",
        content=b"\x00raw",
        headers=[("X-Trace", "one"), ("x-trace", "two")],
    )
    (request,) = pica.box.requests
    assert request.method == "POST"
    assert request.path == "/v1/authkit%2Ftoken/a%20b"
    assert request.query == (("b", "2"), ("a", "é"), ("b", "1"), ("c", ""))
    assert request.body == b"\x00raw"
    assert [value for name, value in request.headers if name == "x-trace"] == ["one", "two"]
    assert request.header("X-TRACE") == "one"
    assert request.header("x-missing") is None


async def test_refused_requests_are_written_down_too(box: Sandbox) -> None:
    async with client(box, **{"user-agent": ""}) as http:
        await http.get(WHOAMI)
    assert [request.path for request in box.requests] == [WHOAMI]


async def test_an_upload_is_pending_and_one_that_breaks_off_does_nothing(afar: "Pica") -> None:
    address = urlsplit(str(afar.http.base_url))
    (row,) = await afar.rows(CONNECTIONS, limit="1")
    body = b'{"tags": ["half"]}'
    head = (
        f"PATCH {CONNECTIONS}/{row['id']} HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\nx-pica-secret: {LIVE_SECRET}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body) + 1}\r\n\r\n"
    )
    with anyio.fail_after(20):
        async with await anyio.connect_tcp(address.hostname or "", address.port or 0) as stream:
            await stream.send(head.encode() + body)
            await afar.box.until_pending(1)
            assert [request.method for request in afar.box.requests] == ["GET", "PATCH"]
        await afar.box.until_pending(0)
    assert afar.box.abandoned == afar.box.requests[1:]
    assert afar.box.abandoned[0].body == body
    assert (await afar.rows(CONNECTIONS, limit="1"))[0]["tags"] == row["tags"]


async def test_an_upload_that_breaks_off_uses_up_no_fault_and_no_limit(box: Sandbox) -> None:
    box.fail("/")
    box.limit(1)
    said: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"user-agent", b"x")]
    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": headers}
    await box.app(scope, receive, send)
    assert (said, box.pending, len(box.abandoned)) == ([], 0, 1)
    async with client(box) as http:
        assert (await http.get("/")).status_code == 500


async def test_of_very_many_requests_the_newest_are_kept(pica: "Pica", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "KEPT_REQUESTS", 3)
    kept = pica.box.requests
    for number in range(5):
        await pica.http.get(f"/{number}")
    assert [request.path for request in pica.box.requests] == ["/2", "/3", "/4"]
    assert kept is pica.box.requests


async def test_a_request_that_came_and_went_is_not_missed(pica: "Pica") -> None:
    async def ask() -> None:
        await pica.http.get(WHOAMI)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(pica.box.until_pending, 1)
            group.start_soon(ask)


async def test_a_fault_is_played_once_and_then_the_truth(pica: "Pica") -> None:
    pica.box.fail("/v1/users")
    first, second = await pica.http.get(WHOAMI), await pica.http.get(WHOAMI)
    assert (first.status_code, second.status_code) == (500, 200)
    assert first.json()["type"] == "InternalServerError"
    assert len(pica.box.requests) == 2


async def test_a_fault_meets_its_prefix_and_method_only(pica: "Pica") -> None:
    pica.box.fail("/v1/authkit", method="POST", status=503)
    assert (await pica.http.get(WHOAMI)).status_code == 200
    assert (await pica.http.get("/v1/authkit")).status_code == 405
    assert (await pica.http.post("/v1/authkit", json={})).status_code == 503


async def test_faults_are_used_up_in_the_order_they_were_asked_for(pica: "Pica") -> None:
    pica.box.fail(WHOAMI, status=429, times=2)
    pica.box.fail(WHOAMI, status=503)
    assert [(await pica.http.get(WHOAMI)).status_code for _ in range(4)] == [429, 429, 503, 200]


async def test_a_fault_for_ever_lasts_until_healed(pica: "Pica") -> None:
    pica.box.fail("/", times=None)
    assert {(await pica.http.get(WHOAMI)).status_code for _ in range(5)} == {500}
    pica.box.heal()
    assert (await pica.http.get(WHOAMI)).status_code == 200


@pytest.mark.parametrize(
    ("body", "content", "media"),
    [
        ({"a": 1}, b'{"a": 1}', "application/json"),
        ("text", b"text", "text/plain; charset=utf-8"),
        (b"\xff", b"\xff", "application/octet-stream"),
        ({}, b"{}", "application/json"),
        (b"", b"", "application/octet-stream"),
    ],
)
async def test_a_fault_says_what_it_was_given(
    pica: "Pica", body: dict[str, int] | str | bytes, content: bytes, media: str
) -> None:
    pica.box.fail(WHOAMI, status=502, body=body)
    answer = await pica.http.get(WHOAMI)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (502, content, media)


async def test_a_fault_brings_its_own_headers(pica: "Pica") -> None:
    given = {"x-pica-rate-limit-remainings": "0", "x-pica-passthrough-retry-after": "7", "content-type": "text/html"}
    pica.box.fail(WHOAMI, status=429, body="<p>", headers=given)
    answer = await pica.http.get(WHOAMI)
    assert {name: answer.headers[name] for name in given} == given


async def test_a_fault_that_succeeds_has_no_body_of_its_own(pica: "Pica") -> None:
    pica.box.fail(WHOAMI, status=202)
    answer = await pica.http.get(WHOAMI)
    assert (answer.status_code, answer.content) == (202, b"")
