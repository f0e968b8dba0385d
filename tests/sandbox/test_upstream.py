from typing import TYPE_CHECKING, Any

import pytest

from pica_mcp.sandbox.upstream import Call, MalformedError, Reply, json_object, string, whole

if TYPE_CHECKING:
    from .conftest import Pica

SEND, DRAFTS = "/users/{{userId}}/messages/send", "/users/{{userId}}/drafts"
MINE = {"userId": "me"}
ENGINE = {"owner": "acme-bot", "repo": "engine"}
NO_NUMBERS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"[[1e999]]")
NO_STRINGS: tuple[Any, ...] = (1.5, 5, True, False, [], [None], {}, {"x": 1})


@pytest.mark.parametrize(
    ("written", "number"),
    [(7, 7), (7.0, 7), ("7", 7), ("-7", -7), ("+07", 7), (10**29, 10**29), ("9" * 20, 10**20 - 1)],
)
def test_a_whole_number_may_be_written_as_a_number_or_in_digits(written: Any, number: int) -> None:
    assert whole(written) == number


@pytest.mark.parametrize(
    "written", [1.5, True, False, None, "", "1.5", "1e3", "1_000", " 1", "\u0663", "9" * 5_000, float("inf"), [], {}]
)
def test_anything_else_is_no_whole_number(written: Any) -> None:
    with pytest.raises(MalformedError):
        whole(written)


@pytest.mark.parametrize("written", NO_STRINGS)
def test_anything_but_none_is_no_string(written: Any) -> None:
    assert (string("a"), string(None)) == ("a", "")
    with pytest.raises(MalformedError):
        string(written)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_numbers_that_json_does_not_have_are_not_read(number: bytes) -> None:
    with pytest.raises(MalformedError):
        json_object(b'{"a": ' + number + b"}")


def test_numbers_that_json_does_not_have_are_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        _ = Reply(body={"a": float("nan")}).content


@pytest.mark.parametrize(
    ("kind", "readable"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.api+json", True),
        ("application/problem+json;x=1", True),
        ("", False),
        ("text/plain", False),
        ("text/json", False),
        ("application/jsonl", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=json", False),
    ],
)
def test_a_body_is_json_if_it_says_so(kind: str, readable: bool) -> None:  # noqa: FBT001 - a column of the table
    call = Call({}, (), {"content-type": kind} if kind else {}, b'{"a": 1}')
    assert call.json(typed=False) == {"a": 1}
    if readable:
        assert call.json() == {"a": 1}
    else:
        with pytest.raises(MalformedError):
            call.json()


def test_an_empty_body_needs_no_type() -> None:
    assert Call({}, (), {}, b"").json() == {}


# Over the wire


@pytest.mark.parametrize("number", NO_NUMBERS)
async def test_a_provider_stores_no_number_that_json_does_not_have(pica: "Pica", number: bytes) -> None:
    key = await pica.key("github", "acme-bot")
    path, content = "/repos/{{owner}}/{{repo}}/issues", b'{"title": "Odd", "body": ' + number + b"}"
    assert (await pica.send(key, "POST", path, ENGINE, content=content)).status_code == 400
    assert "Odd" not in [issue["title"] for issue in (await pica.send(key, "GET", path, ENGINE)).json()]


@pytest.mark.parametrize(
    ("platform", "path", "values", "body"),
    [
        ("gmail", SEND, MINE, b'{"raw": "VG86IGFAYi5leGFtcGxlCgpI"}'),
        ("gmail", "/gmail/get-emails", {}, b'{"connectionKey": "KEY"}'),
        ("slack", "/chat.postMessage", {}, b'{"channel": "general", "text": "Hi"}'),
        ("notion", "/v1/search", {}, b'{"query": "x"}'),
        ("hub-spot", "/crm/v3/objects/contacts/search", {}, b'{"limit": 1}'),
        ("linear", "/graphql", {}, b'{"query": "{ viewer { id } }"}'),
        ("exa", "/search", {}, b'{"query": "engine"}'),
    ],
)
async def test_a_provider_reads_json_only_where_it_is_declared(
    pica: "Pica", platform: str, path: str, values: dict[str, str], body: bytes
) -> None:
    key = pica.box.connect(platform, name="Typed")
    rows = await pica.rows("/v1/knowledge", connectionPlatform=platform, limit="100")
    action = next(row["_id"] for row in rows if (row["method"], row["path"]) == ("POST", path))
    told = {"x-pica-connection-key": key, "x-pica-action-id": action, "notion-version": "2022-06-28"}
    url = "/v1/passthrough" + path.replace("{{userId}}", values.get("userId", ""))

    async def works(**kind: str) -> bool:
        content = body.replace(b"KEY", key.encode())
        answer = await pica.http.post(url, content=content, headers={**told, **kind})
        said = answer.json()
        return answer.status_code < 300 and said.get("ok", True) and not said.get("errors")

    assert await works(**{"content-type": "application/json"})
    assert not await works()
    assert not await works(**{"content-type": "text/plain"})


async def test_github_reads_what_is_not_declared(pica: "Pica") -> None:
    path, content = "/repos/{{owner}}/{{repo}}/issues", b'{"title": "Untyped"}'
    headers = {"content-type": "text/plain"}
    key = await pica.key("github", "acme-bot")
    assert (await pica.send(key, "POST", path, ENGINE, content=content, headers=headers)).status_code == 201


@pytest.mark.parametrize("query", NO_STRINGS)
async def test_a_search_for_mail_wants_words(pica: "Pica", query: Any) -> None:
    key = await pica.key("gmail", "Work")
    answer = await pica.send(key, "POST", "/gmail/get-emails", json={"connectionKey": key, "query": query})
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")


@pytest.mark.parametrize("amount", ["1e300", "true", '"5"', "1" + "0" * 400])
async def test_an_invoice_has_amounts_that_can_be_summed(pica: "Pica", amount: str) -> None:
    key = await pica.key("quickbooks", "Acme books")
    lines = ", ".join([f'{{"Amount": {amount}}}'] * 2)
    content = f'{{"CustomerRef": {{"value": "7"}}, "Line": [{lines}]}}'.encode()
    answer = await pica.send(key, "POST", "/invoice", content=content)
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/passthrough/", "/v1/passthrough"])
async def test_a_passthrough_to_nowhere_is_no_route(pica: "Pica", method: str, path: str) -> None:
    key, action = await pica.key("gmail", "Work"), await pica.action("gmail", "POST", SEND)
    told = {"x-pica-connection-key": key, "x-pica-action-id": action}
    answer = await pica.http.request(method, path, headers=told)
    assert (answer.status_code, answer.json()) == (404, {"type": "error", "error": "Not found"})
