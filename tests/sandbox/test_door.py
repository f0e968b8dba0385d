from typing import TYPE_CHECKING

import httpx2
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

if TYPE_CHECKING:
    from .conftest import Pica

WHOAMI = "/v1/users/whoami"


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
