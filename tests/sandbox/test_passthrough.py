from dataclasses import replace
from typing import Any

import httpx2
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.catalog import GROWN, Action, Connector, Platform
from pica_mcp.sandbox.growth import grow
from pica_mcp.sandbox.passthrough import placeholders
from pica_mcp.sandbox.upstream import Reply

from .conftest import Pica, open_client

PROFILE = "/users/{{userId}}/profile"
NOWHERE = "conn_mod_def::AAAAAAAAAAA::AAAAAAAAAAAAAAAAAAAAAA"


async def raw(pica: "Pica", path: str, key: str | None, action: str | None, **request: Any) -> httpx2.Response:
    given = {"x-pica-connection-key": key, "x-pica-action-id": action}
    headers = {name: value for name, value in given.items() if value}
    return await pica.http.request(request.pop("method", "GET"), f"/v1/passthrough{path}", headers=headers, **request)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/a/b", "/a/b", {}),
        ("/a/{{x}}", "/a/1", {"x": "1"}),
        ("/a/{{x}}/c/{{y_z}}", "/a/1/c/2", {"x": "1", "y_z": "2"}),
        ("/a/{{x}}", "/a/b%2Fc%20d", {"x": "b/c d"}),
        ("/v/{{range}}:append", "/v/A1%3AB2:append", {"range": "A1:B2"}),
        ("/v/{{range}}:append", "/v/A1:B2:append", {"range": "A1:B2"}),
        ("/c/{{base}}...{{head}}", "/c/main...next", {"base": "main", "head": "next"}),
        ("/{{target}}/attributes", "/people/attributes", {"target": "people"}),
        ("/a/", "/a/", {}),
        ("/a/{{x}}", "/a/", None),
        ("/a/{{x}}", "/a/1/", None),
        ("/a/{{x}}", "/a/1/2", None),
        ("/a/{{x}}", "/b/1", None),
        ("/a/", "/a", None),
        ("/chat.post", "/chatXpost", None),
        ("/a/{{x}}", "/a/{{x}}", None),
        ("/a/{{x}}", "/a/%7B%7Bx%7D%7D", None),
        ("/a/{{x}}", "/a/%7b%7bx%7d%7d", None),
        ("/v/{{range}}:append", "/v/A1:clear", None),
        ("/a/{{x}}/{{x}}.{{x}}", "/a/1/1.1", {"x": "1"}),
        ("/a/{{../x}}", "/a/1", None),
    ],
)
def test_a_path_fits_its_template_or_it_does_not(template: str, path: str, values: dict[str, str] | None) -> None:
    assert placeholders(template, path) == values


async def test_without_a_connection_header_the_request_is_bad(pica: "Pica") -> None:
    answer = await raw(pica, "/users/me/profile", None, NOWHERE)
    assert answer.status_code == 400
    assert answer.json() == {
        "type": "BadRequest",
        "code": 2000,
        "status": 400,
        "key": "err::application::bad_request",
        "message": "Connection header not found",
        "meta": None,
    }


async def test_a_key_of_the_other_environment_is_not_found(pica: "Pica", rehearsal: "Pica") -> None:
    key = await rehearsal.key("gmail", "Test mailbox")
    answer = await raw(pica, "/users/me/profile", key, await pica.action("gmail", "GET", PROFILE))
    assert answer.status_code == 404
    assert answer.json()["message"] == "Invalid connection header"
    assert (await rehearsal.send(key, "GET", PROFILE, {"userId": "me"})).status_code == 200


async def test_an_unknown_key_is_not_found(pica: "Pica") -> None:
    answer = await raw(pica, "/users/me/profile", "live::gmail::default::0000", NOWHERE)
    assert (answer.status_code, answer.json()["code"]) == (404, 2005)


async def test_a_disconnected_key_is_not_found(pica: "Pica") -> None:
    key = await pica.key("gmail", "Work")
    pica.box.disconnect(key)
    answer = await raw(pica, "/users/me/profile", key, await pica.action("gmail", "GET", PROFILE))
    assert answer.status_code == 404


async def test_an_unknown_action_is_a_bad_gateway_that_claims_to_be_500(pica: "Pica") -> None:
    answer = await raw(pica, "/users/me/profile", await pica.key("gmail", "Work"), NOWHERE)
    assert answer.status_code == 502
    assert answer.json()["status"] == 500
    assert answer.json()["message"] == "An unknown error occurred"


async def test_a_missing_action_header_is_not_supported(pica: "Pica") -> None:
    answer = await raw(pica, "/users/me/profile", await pica.key("gmail", "Work"), None)
    assert answer.status_code == 404
    assert "Supported Connection Model Definition" in answer.json()["message"]


async def test_identity_is_not_checked(pica: "Pica") -> None:
    key = await pica.key("gmail", "Growth inbox")
    assert (await pica.send(key, "GET", PROFILE, {"userId": "me"})).status_code == 200


async def test_active_is_not_checked(pica: "Pica") -> None:
    key = pica.box.connect("gmail", name="Sleeping", active=False)
    assert (await pica.send(key, "GET", PROFILE, {"userId": "me"})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_method_upstream_is_that_of_the_action(pica: "Pica", method: str) -> None:
    action = await pica.action("gmail", "GET", PROFILE)
    answer = await raw(pica, "/users/me/profile", await pica.key("gmail", "Work"), action, method=method)
    assert answer.json()["emailAddress"] == "work@mail.example"


async def test_provider_headers_are_renamed_and_the_content_is_octets(pica: "Pica") -> None:
    key = await pica.key("stripe", "Engines billing")
    answer = await pica.send(key, "GET", "/v1/customers")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-pica-passthrough-content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-pica-passthrough-request-id"] == "req_sandbox"
    assert "request-id" not in answer.headers
    assert answer.headers["x-pica-rate-limit-limit"] == "500"


async def test_the_other_family_of_headers_is_answered_in_kind(pica: "Pica") -> None:
    headers = {
        "x-one-secret": LIVE_SECRET,
        "x-one-connection-key": await pica.key("stripe", "Engines billing"),
        "x-one-action-id": await pica.action("stripe", "GET", "/v1/customers"),
    }
    transport = httpx2.ASGITransport(app=pica.box.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://one.test", headers=headers) as http:
        answer = await http.get("/v1/passthrough/v1/customers")
    assert answer.headers["x-one-passthrough-request-id"] == "req_sandbox"
    assert "x-pica-passthrough-request-id" not in answer.headers


@pytest.mark.parametrize(
    ("platform", "name", "method", "path", "status", "body"),
    [
        (
            "gmail",
            "Work",
            "GET",
            PROFILE,
            404,
            {"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}},
        ),
        ("slack", "Engines", "GET", "/users.list", 200, {"ok": False, "error": "unknown_method"}),
        (
            "stripe",
            "Engines billing",
            "GET",
            "/v1/customers",
            404,
            {"error": {"type": "invalid_request_error", "message": "Unrecognized request URL."}},
        ),
        (
            "github",
            "acme-bot",
            "GET",
            "/user",
            404,
            {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"},
        ),
    ],
)
async def test_a_path_that_does_not_fit_is_refused_by_the_provider(
    pica: "Pica", platform: str, name: str, method: str, path: str, status: int, body: dict[str, Any]
) -> None:
    key, action = await pica.key(platform, name), await pica.action(platform, method, path)
    for wrong in ("/somewhere/else", "/{{x}}", "/%7B%7Bx%7D%7D"):
        answer = await raw(pica, wrong, key, action)
        assert (answer.status_code, answer.json()) == (status, body)
        assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("platform", "method", "path", "field"),
    [
        ("gmail", "GET", PROFILE, "error"),
        ("slack", "GET", "/users.list", "error"),
        ("stripe", "GET", "/v1/customers", "error"),
        ("github", "GET", "/user", "message"),
    ],
)
async def test_a_failed_connection_is_refused_by_the_provider(
    pica: "Pica", platform: str, method: str, path: str, field: str
) -> None:
    key = pica.box.connect(platform, state="failed")
    answer = await pica.send(key, method, path, {"userId": "me"})
    assert answer.status_code == 401
    assert answer.json()[field]


async def test_an_action_of_another_platform_is_refused_by_the_provider(pica: "Pica") -> None:
    key, action = await pica.key("slack", "Engines"), await pica.action("gmail", "GET", PROFILE)
    answer = await raw(pica, "/users/me/profile", key, action)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_a_connection_without_actions_is_refused_by_the_action_s_provider(pica: "Pica") -> None:
    key, action = pica.box.connect("notion"), await pica.action("gmail", "GET", PROFILE)
    assert (await raw(pica, "/users/me/profile", key, action)).status_code == 401


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (
            {},
            [f"{name} should not be empty" for name in ("connectionKey", "to", "subject", "body")],
        ),
        ({"to": "a@b.example", "subject": "S", "body": "B"}, ["connectionKey should not be empty"]),
        (
            {"connectionKey": "live::gmail::default::other", "to": "a@b.example", "subject": "S", "body": "B"},
            ["connectionKey must be the key of the connection header"],
        ),
    ],
)
async def test_a_custom_action_wants_the_key_and_its_fields_in_the_body(
    pica: "Pica", body: dict[str, str], messages: list[str]
) -> None:
    key = await pica.key("gmail", "Work")
    answer = await pica.send(key, "POST", "/gmail/send-email", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "message": messages, "error": "Bad Request"}


@pytest.mark.parametrize("content", [b"not json", b"[]", b"\xff"])
async def test_a_custom_action_refuses_what_it_cannot_read(pica: "Pica", content: bytes) -> None:
    answer = await pica.send(await pica.key("gmail", "Work"), "POST", "/gmail/get-emails", content=content)
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("platform", "name", "path", "values"),
    [
        ("gmail", "Work", "/users/{{userId}}/messages/send", {"userId": "me"}),
        ("github", "acme-bot", "/repos/{{owner}}/{{repo}}/issues", {"owner": "acme-bot", "repo": "engine"}),
        ("slack", "Engines", "/chat.postMessage", {}),
        ("stripe", "Engines billing", "/v1/customers", {}),
    ],
)
@pytest.mark.parametrize("content", [b"not json", b"[]", b"[" * 100_000, b'{"a": "\\ud800"}'])
async def test_a_provider_refuses_what_it_cannot_read(
    pica: "Pica", platform: str, name: str, path: str, values: dict[str, str], content: bytes
) -> None:
    answer = await pica.send(await pica.key(platform, name), "POST", path, values, content=content)
    if platform == "slack":
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "invalid_json"})
    else:
        assert answer.status_code == 400


async def test_a_head_of_any_action_is_its_answer_without_the_body(pica: "Pica") -> None:
    key, action = await pica.key("gmail", "Work"), await pica.action("gmail", "GET", PROFILE)
    full = await raw(pica, "/users/me/profile", key, action)
    bare = await raw(pica, "/users/me/profile", key, action, method="HEAD")
    assert (bare.status_code, bare.content) == (200, b"")
    assert bare.headers["content-length"] == str(len(full.content))
    assert bare.headers["x-pica-passthrough-content-type"] == full.headers["x-pica-passthrough-content-type"]


async def test_an_action_that_asks_for_the_head_gets_no_body_however_it_is_called() -> None:
    box = Sandbox(extra=grow(13, 1))
    async with open_client(box) as http:
        pica = Pica(box, http)
        key = box.connect("amber-anvil")
        rows = await pica.rows("/v1/knowledge", connectionPlatform="amber-anvil", limit="100")
        action = next(row for row in rows if row["method"] == "HEAD")
        answer = await raw(pica, action["path"].replace("{{id}}", "1"), key, action["_id"])
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


async def test_headers_that_a_provider_repeats_arrive_as_often() -> None:
    replies = Reply(200, {}, (("set-cookie", "a=1"), ("set-cookie", "b=2")))
    connector = Connector("p", "P", "C", "D")
    action = Action("p", "GET", "/x", "Repeat", "M", lambda _state, _call: replies, "About.")
    box = Sandbox(
        extra=[
            Platform(connector, "https://p.example", (replace(action, number=GROWN),), lambda _key, _label: None, Reply)
        ]
    )
    async with open_client(box) as http:
        (row,) = (await http.get("/v1/knowledge", params={"connectionPlatform": "p"})).json()["rows"]
        told = {"x-pica-connection-key": box.connect("p"), "x-pica-action-id": row["_id"]}
        answer = await http.get("/v1/passthrough/x", headers=told)
    assert answer.headers.get_list("x-pica-passthrough-set-cookie") == ["a=1", "b=2"]


async def test_an_unsupported_action_is_not_run(pica: "Pica") -> None:
    rows = await pica.rows("/v1/knowledge", connectionPlatform="quickbooks", limit="100")
    action = next(row["_id"] for row in rows if row["title"] == "Get a Balance Sheet")
    answer = await raw(pica, "/reports/BalanceSheet", await pica.key("quickbooks", "Acme books"), action)
    assert answer.status_code == 404
    assert "Supported Connection Model Definition" in answer.json()["message"]


async def test_a_custom_action_with_options_wants_one_of_them(pica: "Pica") -> None:
    key = await pica.key("quickbooks", "Acme books")
    path, invoice = "/quickbooks/note-invoice", {"connectionKey": key, "invoiceId": "101"}
    for body, note in (({"note": "new"}, "new"), ({"appendix": "newer", "separator": "/"}, "new/newer")):
        assert (await pica.send(key, "POST", path, json={**invoice, **body})).json() == {"success": True, "note": note}
