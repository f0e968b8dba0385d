from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import brackets
from pica_mcp.errors import InvalidArguments, UnknownAction
from pica_mcp.models import Action, Connection
from pica_mcp.passthrough import MAX_FILE_BYTES, Part, Request, build, may_set_header, placeholders
from pica_mcp.tools import Call, File

MakeAction = Callable[..., Action]
Build = Callable[..., Request]

NASTY = st.lists(
    st.sampled_from(
        [
            ".",
            "..",
            "/",
            "\\",
            "%2e",
            "%2E",
            "%2f",
            "%252e",
            "%",
            "2e",
            "%5c",
            "{",
            "}",
            "{{",
            " ",
            "?",
            "#",
            ":",
            "a",
            "\t",
        ]
    ),
    max_size=5,
).map("".join)
VALUES = NASTY | st.text(st.characters(exclude_categories=()), max_size=8) | st.integers() | st.booleans()
HONEST = st.lists(
    st.sampled_from(
        ["v1", "users", "{{x}}", "{{ y }}", "{z}", ":x", "{{y}}:append", "{z}.json", "a-{x}", "@me", "é b"]
    ),
    min_size=1,
    max_size=5,
).map(lambda parts: "/" + "/".join(parts))
HOSTILE = st.lists(
    st.sampled_from(
        ["/", "/", "v1", ".", "..", "%2e", "%2", "%252e", "e", "{x}", "{{y}}", "/:z", "{", "}", "//", "?", "\\", "#"]
    ),
    max_size=8,
).map("".join)


@pytest.fixture(scope="session")
def request_of(action: MakeAction, connection: Callable[..., Connection]) -> Build:
    """Build the request of an action, given by its facts, for a call, given by its groups."""

    def build_one(call: Call | None = None, documented: frozenset[str] = frozenset(), **facts: Any) -> Request:
        return build(action(**facts), connection(), call or Call(), documented)

    return build_one


def assert_confined(path: str, template: str) -> None:
    """No value may add or remove a segment, climb, or leave a placeholder, however often servers decode."""
    assert path.isascii()
    assert path.startswith("/")
    assert not path.startswith("//")
    assert path.count("/") == ("/" + template.partition("?")[0].removeprefix("/")).count("/")
    assert set("{}?#\\").isdisjoint(path)
    for decoded in (path, unquote(path), unquote(unquote(path))):
        assert {".", ".."}.isdisjoint(re.split(r"[/\\]", decoded))
        assert "{{" not in decoded
        assert "}}" not in decoded


# Path


@pytest.mark.parametrize(
    ("template", "values", "path"),
    [
        ("/gmail/v1/users/{{userId}}/messages", {"userId": "me"}, "/gmail/v1/users/me/messages"),
        ("/users/{userId}", {"userId": "me"}, "/users/me"),
        ("/users/:userId/posts", {"userId": "me"}, "/users/me/posts"),
        ("/users/:userId", {"userId": "me"}, "/users/me"),
        ("/users/{{ userId }}", {"userId": "me"}, "/users/me"),
        ("/v4/{{range}}:append", {"range": "A1:B2"}, "/v4/A1:B2:append"),
        ("/v1/documents:batch", {}, "/v1/documents:batch"),
        ("/x/{{id}}.json", {"id": 7}, "/x/7.json"),
        ("{{base}}/x", {"base": "b"}, "/b/x"),
        ("/{{base}}/", {"base": "b"}, "/b/"),
        ("users", {}, "/users"),
        ("", {}, "/"),
        ("/a/{{b}}/{{b}}", {"b": "x"}, "/a/x/x"),
        ("/a/{{n}}/{{t}}/{{f}}", {"n": 0, "t": True, "f": False}, "/a/0/true/false"),
        ("/a b/é", {}, "/a%20b/%C3%A9"),
        ("/a/{{b}}", {"b": "x", "other": "y"}, "/a/x"),
        ("/files/{{id}}.{{type}}", {"id": "a", "type": "json"}, "/files/a.json"),
        ("/compare/{{base}}..{{head}}", {"base": "v1", "head": "v2"}, "/compare/v1..v2"),
        ("/compare/{{base}}...{{head}}", {"base": "v1", "head": "v2"}, "/compare/v1...v2"),
        # entry_14: a colon stays, a slash cannot part segments
        ("/a/{{b}}", {"b": "x:y@z"}, "/a/x:y@z"),
        ("/a/{{b}}", {"b": "x/y"}, "/a/x%2Fy"),
        ("/a/{{b}}", {"b": "q?r#s&t=u"}, "/a/q%3Fr%23s%26t%3Du"),
        ("/a/{{b}}", {"b": "50%"}, "/a/50%25"),
        ("/a/{{b}}", {"b": "..."}, "/a/..."),
        ("/a/{{b}}", {"b": "世 界"}, "/a/%E4%B8%96%20%E7%95%8C"),
        ("/a/{{b}}", {"b": "http://evil"}, "/a/http:%2F%2Fevil"),
    ],
)
def test_a_template_is_filled(request_of: Build, template: str, values: dict[str, Any], path: str) -> None:
    assert request_of(Call(path=values), path=template).path == path


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("/a/{{b}}/{c}/:d", ("b", "c", "d")),
        ("{{b}}/x", ("b",)),
        ("/v4/{{range}}:append", ("range",)),
        ("/a/{{b}}/{{ b }}", ("b",)),
        ("/v1/documents:batch/x:y", ()),
        ("/a/:b_2/c", ("b_2",)),
        ("/a/:b-c", ()),
        ("", ()),
    ],
)
def test_placeholders_are_told_in_order_and_once(action: MakeAction, template: str, names: tuple[str, ...]) -> None:
    assert placeholders(action(path=template)) == names


@pytest.mark.parametrize("values", [{}, {"userId": None}, {"userId": ""}, {"userid": "me"}])
def test_an_unfilled_placeholder_is_never_sent(request_of: Build, values: dict[str, Any]) -> None:  # entry_14
    with pytest.raises(InvalidArguments, match="'userId' is missing"):
        request_of(Call(path=values))


@pytest.mark.parametrize(
    "value",
    [
        "..", ".", " .. ", "%2e%2e", "%2E.", "%252e%252e", "../x", "x/../y", "x/..", "..\\x", "..%2fx", "..%5Cx",
        "..%252fx",
        "..;", "..;a=b/x", ".;x", "%2e.%3b",
        "./", " ", "%20", "a\nb", "a\r\nb", "a\x00b", "%00", "%0d%0a", "\x7f", "{{x}}", "%7B%7Bx", "x}}", "%257d%257d",
    ],
)  # fmt: skip
def test_a_value_cannot_leave_its_segment(request_of: Build, value: str) -> None:  # entry_04
    with pytest.raises(InvalidArguments, match="'userId' has a value that could leave its place"):
        request_of(Call(path={"userId": value}))


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
def test_a_value_of_a_path_is_a_scalar(request_of: Build, value: object) -> None:
    with pytest.raises(InvalidArguments, match="must be text or a number"):
        request_of(Call(path={"userId": value}))


@pytest.mark.parametrize(
    "template",
    [
        "/a/../b", "/a/./b", "/..", "/a/%2e%2e/b", "/a/%2E/b", "//evil.example/x", "/a\\b", "/a#b", "/a\nb",
        "https://evil.example/x", "/https://evil.example/x", "/a/{{b", "/a/b}}",
        "/a/%252e%252e/b", "/a/%2e%252e/b", "/a/..;/b",
        "/a/%00/b", "/a/%0a", "/a/%2{{b}}", "/a/%{{b}}", "/a/%zz",
    ],
)  # fmt: skip
def test_a_hostile_template_is_not_used(request_of: Build, template: str) -> None:
    with pytest.raises(UnknownAction):
        request_of(path=template)


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("/v1/{a}{b}/x", {"a": "%2", "b": "e%2e"}),  # together %252e%252e on the wire
        ("/v1/{a}{b}/x", {"a": "x/.", "b": "./y"}),
        ("/compare/{a}..{b}", {"a": "x/", "b": "/y"}),
        ("/v1/..{a}", {"a": "/y"}),
        ("/v1/{a}{b}", {"a": "{", "b": "{secret"}),  # together a template of Pica's server
    ],
)
def test_values_cannot_climb_together(request_of: Build, template: str, values: dict[str, str]) -> None:
    try:
        path = request_of(Call(path=values), path=template).path
    except (InvalidArguments, UnknownAction):
        return
    assert_confined(path, template)


@pytest.mark.parametrize("template", ["/a/{b/c}", "/a/{", "/a/}", "/a/{}", "/a/{{}}", "/a/{{{b}}}"])
def test_a_brace_that_is_no_placeholder_is_not_sent(request_of: Build, template: str) -> None:  # entry_14
    with pytest.raises(UnknownAction):
        request_of(Call(path={"b": "x"}), path=template)


def test_half_a_character_in_a_template_makes_it_unusable(request_of: Build) -> None:
    with pytest.raises(UnknownAction):
        request_of(path="/a\ud800")


@given(HONEST, st.sampled_from(["", "/"]), VALUES, VALUES, VALUES)
def test_no_value_leaves_its_place_in_an_honest_template(
    request_of: Build,
    template: str,
    slash: str,
    x: Any,
    y: Any,
    z: Any,
) -> None:
    template += slash
    try:
        path = request_of(Call(path={"x": x, "y": y, "z": z}), path=template).path
    except InvalidArguments:
        return
    assert_confined(path, template)


@given(HOSTILE, VALUES, VALUES, VALUES)
def test_no_template_and_value_together_leave_the_place(
    request_of: Build, template: str, x: Any, y: Any, z: Any
) -> None:
    try:
        path = request_of(Call(path={"x": x, "y": y, "z": z}), path=template).path
    except (InvalidArguments, UnknownAction):
        return
    assert_confined(path, template)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_value_that_is_sent_arrives_as_it_was(request_of: Build, value: str) -> None:
    try:
        path = request_of(Call(path={"userId": value})).path
    except InvalidArguments:
        return
    assert unquote(path.split("/")[4]) == value


# Query


@pytest.mark.parametrize(
    ("values", "pairs"),
    [
        ({"q": "a b&c=d#e"}, [("q", "a b&c=d#e")]),
        ({"n": 1, "f": 1.5, "t": True, "u": False}, [("n", "1"), ("f", "1.5"), ("t", "true"), ("u", "false")]),
        ({"k": ["A", "B"]}, [("k", "A"), ("k", "B")]),  # entry_15: a list repeats its key
        ({"k[]": ["A"]}, [("k[]", "A")]),
        ({"o": {"a": 1, "b": {"c": [2, 3]}}}, [("o[a]", "1"), ("o[b][c]", "2"), ("o[b][c]", "3")]),
        ({"n": None, "l": [None, 1]}, [("l", "1")]),
        ({"e": "", "none": [], "nothing": {}}, [("e", "")]),
        ({"$filter": "x eq 1"}, [("$filter", "x eq 1")]),
    ],
)
def test_a_query_is_built_from_pairs(request_of: Build, values: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    assert list(request_of(Call(query=values), path="/x").query) == pairs


def test_a_query_of_the_template_comes_first(request_of: Build) -> None:
    request = request_of(Call(query={"q": "x"}), path="/search?alt=json&empty=&a=b%20c")
    assert request.path == "/search"
    assert request.query == (("alt", "json"), ("empty", ""), ("a", "b c"), ("q", "x"))


def test_a_placeholder_in_the_templates_query_is_filled(request_of: Build, action: MakeAction) -> None:  # entry_14
    path = "/search/{{a}}?id={{b}}&c={d}"
    assert placeholders(action(path=path)) == ("a", "b", "d")
    request = request_of(Call(path={"a": "x", "b": "y&z=1", "d": 2}), path=path)
    assert (request.path, request.query) == ("/search/x", (("id", "y&z=1"), ("c", "2")))


NEVER = [
    "passthroughforward",
    "_method",
    "$httpmethod",
    "$httpheaders",
    "access_token",
    "oauth_token",
    "x-http-method-override",
]


@pytest.mark.parametrize(
    "name",
    [
        *NEVER, *map(str.upper, NEVER), *(f"[{name}]" for name in NEVER), "passthroughForward", "passthroughForward[x]",
        " _method", "_method[]", ".method", "a\nb", "a\x00", "\x7f", "", "[]", " ",
    ],
)  # fmt: skip
def test_a_parameter_that_would_set_headers_method_or_credentials_is_refused(request_of: Build, name: str) -> None:
    with pytest.raises(InvalidArguments, match="may not be set"):
        request_of(Call(query={name: "authorization=x"}), path="/x")


@pytest.mark.parametrize(
    "values", [{"": {name: "x"}} for name in NEVER] + [{"[": {"": {"_method": ["x"]}}}, {"a": {"b\n": "x"}}]
)
def test_such_a_parameter_is_not_put_together_from_pieces(request_of: Build, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments, match="may not be set"):
        request_of(Call(query=values), path="/x")


def test_inside_another_parameter_such_a_name_is_only_a_name(request_of: Build) -> None:
    values = {"filter": {"_method": "x", "access_token": "y"}}
    assert request_of(Call(query=values), path="/x").query == (("filter[_method]", "x"), ("filter[access_token]", "y"))


@pytest.mark.parametrize("name", NEVER)
def test_the_templates_query_cannot_either(request_of: Build, name: str) -> None:
    with pytest.raises(UnknownAction):
        request_of(path=f"/search?{name}=authorization=x")


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@given(
    st.dictionaries(WORDS.filter(lambda w: brackets.first(w) not in ("", *NEVER)), WORDS | st.lists(WORDS, max_size=3))
)
def test_query_pairs_arrive_as_they_were(request_of: Build, values: dict[str, str | list[str]]) -> None:
    pairs = [(k, item) for k, v in values.items() for item in (v if isinstance(v, list) else [v])]
    sent = urlencode(request_of(Call(query=values), path="/x").query)
    assert parse_qsl(sent, keep_blank_values=True) == pairs


@pytest.mark.parametrize(
    "call",
    [
        Call(path={"userId": "a\ud800"}),
        Call(path={"userId": "me"}, query={"q": "a\udfff"}),
        Call(path={"userId": "me"}, query={"q\ud800": "a"}),
        Call(path={"userId": "me"}, headers={"accept": "a\ud800"}),
        Call(path={"userId": "me"}, headers={"x-\ud800-version": "a"}),
        Call(path={"userId": "me"}, body={"a": ["\ud800"]}),
        Call(path={"userId": "me"}, body={"\ud800": 1}),
        Call(path={"userId": "me"}, body="\ud800"),
        Call(path={"userId": "me"}, body={"a": "\ud800"}, encoding="form"),
        Call(path={"userId": "me"}, body={"\ud800": "a"}, encoding="multipart"),
    ],
)
def test_half_a_character_is_refused_everywhere(request_of: Build, call: Call) -> None:
    with pytest.raises(InvalidArguments):
        request_of(call, method="POST")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "place",
    [
        {"path": {"userId": ...}},
        {"query": {"q": ...}},
        {"body": {"a": [...]}},
        {"body": {"a": ...}, "encoding": "form"},
    ],
    ids=["path", "query", "json", "form"],
)
def test_what_is_not_a_number_is_refused_everywhere(request_of: Build, place: dict[str, Any], number: float) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(inner) for key, inner in cast("dict[str, Any]", value).items()}
        return [number] if value == [...] else number if value is ... else value

    facts: dict[str, Any] = {"path": {"userId": "me"}, **put(place)}
    with pytest.raises(InvalidArguments):
        request_of(Call(**facts), method="POST")


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value, "b": 1}
    return value


def in_lists(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("nest", [nested, in_lists])
def test_arguments_may_be_nested_32_deep(request_of: Build, nest: Callable[[int], Any]) -> None:
    assert request_of(Call(query={"q": nest(32)}), path="/x").query
    with pytest.raises(InvalidArguments, match="nested too deeply"):
        request_of(Call(query={"q": nest(33)}), path="/x")


@pytest.mark.parametrize(
    "call",
    [
        Call(path={"userId": "me"}, body=nested(20_000)),
        Call(path={"userId": "me"}, body=nested(20_000), encoding="form"),
        Call(path={"userId": "me"}, body=nested(20_000), encoding="multipart"),
        Call(path={"userId": "me"}, query={"q": nested(20_000)}),
    ],
    ids=["json", "form", "multipart", "query"],
)
def test_values_nested_beyond_reason_are_refused(request_of: Build, call: Call) -> None:
    with pytest.raises(InvalidArguments):
        request_of(call, method="POST")


# Headers


@pytest.mark.parametrize(
    "name",
    [
        "accept", "Accept-Language", "IF-MATCH", "if-none-match", "if-modified-since", "if-unmodified-since",
        "prefer", "range",
        "idempotency-key", "Notion-Version", "anthropic-version", "stripe-version", "x-goog-api-version",
        "x-acme-idempotency-key",
    ],
)  # fmt: skip
def test_harmless_headers_may_be_set(name: str) -> None:
    assert may_set_header(name, documented=False)


@pytest.mark.parametrize(
    "name",
    [
        # entry_01: what carried another connection, another action and another account
        "x-pica-secret", "X-Pica-Connection-Key", "x-pica-action-id", "X-PICA-VERSION", "x-one-secret", "x-one-version",
        "x-pica-passthrough-forward", "content-type", "Content-Length", "content-version",
        "host", "cookie", "cookie2", "set-cookie", "authorization", "Proxy-Authorization", "x-authorization",
        "www-authenticate",
        "x-api-key", "apikey", "x-goog-api-key", "x-auth", "x-auth-key", "x-authentication", "true-client-ip",
        "cf-connecting-ip",
        "x-auth-token", "x-csrf-token", "x-amz-security-token", "x-client-secret", "x-secret-version",
        "proxy-connection", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect",
        "via",
        "forwarded", "x-forwarded-for", "X-Forwarded-Host", "x-real-ip", "x-original-url", "x-http-method-override",
        "x-method-override", "accept-encoding", "user-agent",
        "x-rewrite-url", "x-host", "http2-settings",
        # what reads an underscore as a dash
        "X_Pica_Action_Id", "content_type", "x_forwarded_for", "proxy_connection",
        "", " ", "a b", "a\r\nb", "accept\n", "accept:", "x-é-version", "coo\u212aie", "x\x00-version",
    ],
)  # fmt: skip
def test_some_headers_may_never_be_set_not_even_if_documented(request_of: Build, name: str) -> None:
    assert not may_set_header(name, documented=False)
    assert not may_set_header(name, documented=True)
    call = Call(path={"userId": "me"}, headers={name: "x"})
    with pytest.raises(InvalidArguments, match="may not be set"):
        request_of(call, documented=frozenset({name.lower()}))


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("method", "call", "written"),
    [
        ("POST", Call(body={"a": 1}), "application/json"),
        ("POST", Call(body={"a": 1}), " Application/JSON; charset=utf-8"),
        ("POST", Call(body={"a": 1}, encoding="form"), FORM),
        ("POST", Call(body={"a": 1}, encoding="multipart"), 'multipart/form-data; boundary="x"'),
        ("POST", Call(body="words"), "text/plain"),
        ("GET", Call(), "application/json"),
    ],
)
@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_a_content_type_that_is_sent_anyway_is_no_header_to_set(
    request_of: Build, method: str, call: Call, written: str, name: str
) -> None:
    plain = request_of(call, method=method, path="/x")
    assert request_of(replace(call, headers={name: written}), method=method, path="/x") == plain


@pytest.mark.parametrize(
    ("method", "written"),
    [("POST", FORM), ("POST", "application/jsonx"), ("POST", ""), ("POST", 5), ("GET", "x"), ("GET", ["a/b"])],
)
def test_any_other_content_type_may_not_be_set(request_of: Build, method: str, written: Any) -> None:
    body = {"a": 1} if method == "POST" else None
    with pytest.raises(InvalidArguments, match="The header 'Content-Type' may not be set"):
        request_of(Call(headers={"Content-Type": written}, body=body), method=method, path="/x")


def test_another_header_may_be_set_only_if_the_action_documents_it(request_of: Build) -> None:
    call = Call(path={"userId": "me"}, headers={"X-Custom": "1"})
    assert request_of(call, documented=frozenset({"x-custom"})).headers == (("x-custom", "1"),)
    with pytest.raises(InvalidArguments, match="'X-Custom' may not be set"):
        request_of(call)


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}])
def test_a_header_is_a_scalar(request_of: Build, value: object) -> None:
    with pytest.raises(InvalidArguments, match="'accept' must be text or a number"):
        request_of(Call(path={"userId": "me"}, headers={"accept": value}))


@pytest.mark.parametrize("value", ["a\r\nX-Pica-Secret: x", "a\nb", "a\rb", "a\x00b", "é", "\x7f"])
def test_a_header_is_one_line_of_plain_text(request_of: Build, value: object) -> None:
    with pytest.raises(InvalidArguments, match="'accept' must be one line of plain text"):
        request_of(Call(path={"userId": "me"}, headers={"accept": value}))


@pytest.mark.parametrize(("value", "sent"), [("a b\t~", "a b\t~"), (3, "3"), (True, "true"), ("", "")])
def test_a_header_is_sent_under_its_lower_case_name(request_of: Build, value: object, sent: str) -> None:
    assert request_of(Call(path={"userId": "me"}, headers={"Accept": value})).headers == (("accept", sent),)


def test_a_header_given_twice_in_different_case_is_refused(request_of: Build) -> None:
    with pytest.raises(InvalidArguments):
        request_of(Call(path={"userId": "me"}, headers={"Accept": "a", "accept": "b"}))


@given(st.text(max_size=30) | st.from_regex(r"\A[xX]-[pP]ica-[a-zA-Z-]*\Z"), st.text(max_size=10), st.booleans())
def test_no_header_reaches_the_request_that_carries_identity(
    request_of: Build,
    name: str,
    value: str,
    documented: bool,  # noqa: FBT001 - drawn
) -> None:
    try:
        request = request_of(
            Call(path={"userId": "me"}, headers={name: value}), frozenset({name.lower()} if documented else ())
        )
    except InvalidArguments:
        return
    ((sent, plain),) = request.headers
    assert sent == name.lower()
    assert not sent.startswith(("x-pica-", "x-one-", "content-"))
    assert re.fullmatch(r"[\t -~]*", plain)


# Body


def body_of(request: Request) -> tuple[bytes | None, Mapping[str, str]]:
    return request.content, dict(request.headers)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"a": [1, None, True], "b": "世"}, '{"a":[1,null,true],"b":"世"}'),
        ([1, 2], "[1,2]"),
        ({}, "{}"),
        (3, "3"),
        (False, "false"),
    ],
)
def test_a_body_is_compact_json(request_of: Build, body: object, content: str) -> None:
    assert body_of(request_of(Call(body=body), method="POST", path="/x")) == (
        content.encode(),
        {"content-type": "application/json"},
    )


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | WORDS, lambda x: st.lists(x) | st.dictionaries(WORDS, x))
)
def test_a_json_body_arrives_as_it_was(request_of: Build, body: Any) -> None:
    request = request_of(Call(body={"a": body}), method="POST", path="/x")
    assert json.loads(request.content or b"") == {"a": body}


@pytest.mark.parametrize("body", ["plain text", '{"a": 1}', "<a/>", ""])
def test_text_is_sent_as_it_is(request_of: Build, body: str) -> None:  # entry_18
    assert body_of(request_of(Call(body=body), method="POST", path="/x")) == (
        body.encode(),
        {"content-type": "text/plain; charset=utf-8"},
    )


def test_no_body_has_no_content_type(request_of: Build) -> None:
    assert body_of(request_of(Call(), method="DELETE", path="/x")) == (None, {})


@pytest.mark.parametrize("method", ["GET", "get", "HEAD"])
def test_a_body_that_would_be_dropped_is_refused(request_of: Build, method: str) -> None:  # entry_20
    with pytest.raises(InvalidArguments, match=f"A {method.upper()} request has no body"):
        request_of(Call(body={"a": 1}), method=method, path="/x")


@pytest.mark.parametrize("method", ["GET", "get", "HEAD"])
@pytest.mark.parametrize("body", [{}, [], ""])
def test_an_empty_body_is_none_where_there_is_no_place_for_one(request_of: Build, method: str, body: object) -> None:
    assert body_of(request_of(Call(body=body), method=method, path="/x")) == (None, {})


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        ({"a": [1], "d": {"k": 1}}, [("a[0]", "1"), ("d[k]", "1")]),  # entry_16
        (
            {"items": [{"price": "p", "n": 2}, {"price": "q"}]},
            [("items[0][price]", "p"), ("items[0][n]", "2"), ("items[1][price]", "q")],
        ),
        ({"n": None, "t": True, "e": ""}, [("n", ""), ("t", "true"), ("e", "")]),
        ({"a": {"b": {"c": [[1]]}}}, [("a[b][c][0][0]", "1")]),
        ({"x&y": "1=2 3"}, [("x&y", "1=2 3")]),
    ],
)
def test_a_form_is_written_in_brackets(request_of: Build, body: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    content, headers = body_of(request_of(Call(body=body, encoding="form"), method="POST", path="/x"))
    assert parse_qsl((content or b"").decode(), keep_blank_values=True) == pairs
    assert headers == {"content-type": "application/x-www-form-urlencoded"}


def one_part(request: Request) -> Part:
    parts = request.parts or ()
    assert len(parts) == 1
    return parts[0]


JSON = "application/json"
PICTURE = File("gear.png", "image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ({"n": 1, "t": True, "e": "", "none": None}, [("n", "1"), ("t", "true"), ("e", ""), ("none", "")]),
        ({"word[]": ["a", "b"], "nothing": []}, [("word[]", "a"), ("word[]", "b")]),
        ({"metadata": {"name": "é", "tags": [1]}}, [("metadata", '{"name":"é","tags":[1]}', JSON)]),
        ({"rows": [{"a": 1}, [2]]}, [("rows", '{"a":1}', JSON), ("rows", "[2]", JSON)]),
        ({"a[b]": "x=1&y"}, [("a[b]", "x=1&y")]),
        ({}, []),
    ],
)
def test_a_multipart_body_repeats_lists_and_writes_objects_as_json(
    request_of: Build, body: dict[str, Any], parts: list[tuple[str, ...]]
) -> None:
    request = request_of(Call(body=body, encoding="multipart"), method="POST", path="/x")
    sent = [
        (part.name, part.content.decode(), *((part.media_type,) if part.media_type else ()))
        for part in request.parts or ()
    ]
    assert (sent, request.content, request.headers) == (parts, None, ())
    assert all(part.filename is None for part in request.parts or ())


def test_a_file_is_a_part_with_its_name_and_type(request_of: Build) -> None:
    body = {"metadata": {"name": "x"}, "file": PICTURE, "more": [PICTURE, "text"]}
    request = request_of(Call(body=body, encoding="multipart"), method="POST", path="/x")
    assert request.parts == (
        Part("metadata", b'{"name":"x"}', None, JSON),
        Part("file", b"\x89PNG", "gear.png", "image/png"),
        Part("more", b"\x89PNG", "gear.png", "image/png"),
        Part("more", b"text"),
    )
    assert request.size_bytes == len("metadata") + 12 + 2 * (4 + 8 + 4) + 4 + 4
    assert "PNG" not in repr(request) + repr(request.parts)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("gear.png", "gear.png"),
        ("Größen 寸法.txt", "Größen 寸法.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\x.txt", "x.txt"),
        ('a"; filename="b.exe', "a'; filename='b.exe"),
        ("a\r\nx-evil: 1\r\n\r\nboo.txt", "a x-evil: 1 boo.txt"),
        ("\u202egnp.exe\x00", "gnp.exe"),
        ("a\ud800.txt", "a\ufffd.txt"),
        ("x" * 200 + ".png", "x" * 146 + ".png"),
        (".gitignore", ".gitignore"),
        ("", "file"),
        ("a/..", "file"),
    ],
)
def test_a_file_name_is_one_name_that_stays_in_its_header(request_of: Build, name: str, sent: str) -> None:
    call = Call(body={"file": File(name, "text/plain", b"")}, encoding="multipart")
    part = one_part(request_of(call, method="POST", path="/x"))
    assert part.filename == sent


TYPES = [
    ("image/png", "image/png"),
    ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    ("application/vnd.ms-excel", "application/vnd.ms-excel"),
    ("", "application/octet-stream"),
    ("png", "application/octet-stream"),
    ("text/plain\r\nx-evil: 1", "application/octet-stream"),
    ("text/plain; a=" + "x" * 500, "application/octet-stream"),
    ("te\u212at/plain", "application/octet-stream"),
]


@pytest.mark.parametrize(("written", "sent"), TYPES)
def test_the_type_of_a_file_cannot_be_another_header(request_of: Build, written: str, sent: str) -> None:
    file = File("x", written, b"x")
    part = one_part(request_of(Call(body={"f": file}, encoding="multipart"), method="POST", path="/x"))
    assert part.media_type == sent
    raw = request_of(Call(body=file, encoding="binary"), method="PUT", path="/x")
    assert (raw.content, raw.parts, dict(raw.headers), raw.size_bytes) == (b"x", None, {"content-type": sent}, 1)


@pytest.mark.parametrize(
    "written", ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x", "application/json"]
)
def test_a_whole_file_is_never_read_as_fields(request_of: Build, written: str) -> None:
    """Or `_method` and a GraphQL mutation would get past what looks at fields."""
    call = Call(body=File("x", written, b"_method=DELETE"), encoding="binary")
    request = request_of(call, method="POST", path="/x")
    assert dict(request.headers) == {"content-type": "application/octet-stream"}


@pytest.mark.parametrize(
    "call",
    [
        Call(path={"userId": PICTURE}),
        Call(path={"userId": "me"}, query={"q": [PICTURE]}),
        Call(path={"userId": "me"}, headers={"accept": PICTURE}),
        Call(path={"userId": "me"}, body=PICTURE),
        Call(path={"userId": "me"}, body=PICTURE, encoding="text"),
        Call(path={"userId": "me"}, body={"a": [PICTURE]}, encoding="json"),
        Call(path={"userId": "me"}, body={"a": {"b": PICTURE}}, encoding="form"),
        Call(path={"userId": "me"}, body={"a": {"b": PICTURE}}, encoding="multipart"),
        Call(path={"userId": "me"}, body={"a": [[PICTURE]]}, encoding="multipart"),
    ],
)
def test_a_file_has_its_place_in_the_body_only(request_of: Build, call: Call) -> None:
    with pytest.raises(InvalidArguments, match=r"file cannot be sent inside JSON|cannot be a file"):
        request_of(call, method="POST")


@pytest.mark.parametrize("body", [PICTURE, [PICTURE]])
@pytest.mark.parametrize("encoding", ["form", "multipart"])
def test_a_file_alone_is_no_form(request_of: Build, body: object, encoding: Any) -> None:
    with pytest.raises(InvalidArguments, match="form body must be an object"):
        request_of(Call(body=body, encoding=encoding), method="POST", path="/x")


@pytest.mark.parametrize("body", ["notes.txt", {"a": 1}, [1], 5])
def test_a_body_that_has_to_be_a_file_is_nothing_else(request_of: Build, body: object) -> None:
    with pytest.raises(InvalidArguments, match="The body of this action is a file"):
        request_of(Call(body=body, encoding="binary"), method="PUT", path="/x")


@pytest.mark.parametrize(
    ("knowledge", "sent"),
    [
        ("", "text/plain; charset=utf-8"),
        ('## Headers\n```json\n{"Content-Type": "text/csv"}\n```', "text/csv; charset=utf-8"),
        ("curl -H 'content-type: application/xml' -d ...", "application/xml"),
        ("Content-Type: `Text/X-Markdown`", "text/x-markdown; charset=utf-8"),
        ('"Content-Type": "application/json"\n\n"Content-Type": "text/csv"', "text/plain; charset=utf-8"),
        ("Content-Type: application/x-www-form-urlencoded", "text/plain; charset=utf-8"),
        ("Content-Type: multipart/form-data", "text/plain; charset=utf-8"),
        ("Content-Type: application/octet-stream", "text/plain; charset=utf-8"),
        ("Content-Type: {{type}}", "text/plain; charset=utf-8"),
        ("Content-Type: " * 50_000, "text/plain; charset=utf-8"),
    ],
)
def test_text_has_the_type_that_its_action_documents(request_of: Build, knowledge: str, sent: str) -> None:
    for encoding in (None, "text"):
        call = Call(body="a,b", encoding=encoding)
        request = request_of(call, method="POST", path="/x", knowledge=knowledge)
        assert body_of(request) == (b"a,b", {"content-type": sent})


@pytest.mark.parametrize("encoding", ["text", "binary", None])
def test_a_custom_action_takes_json_however_it_is_documented(request_of: Build, encoding: Any) -> None:
    request = request_of(Call(body={"a": 1}, encoding=encoding), method="POST", path="/x", tags=("custom",))
    assert json.loads(request.content or b"") == {"a": 1, "connectionKey": "live::gmail::default::1"}
    assert dict(request.headers) == {"content-type": JSON}


def test_a_custom_action_that_takes_parts_gets_its_own_key_among_them(request_of: Build) -> None:
    foreign = File("key", "text/plain", b"live::gmail::default::stolen")
    for extra in ({}, {"connectionKey": "live::gmail::default::stolen"}, {"connectionKey": foreign}):
        call = Call(body={"file": PICTURE, **extra}, encoding="multipart")
        parts = request_of(call, method="POST", path="/x", tags=("custom",)).parts
        assert parts == (
            Part("file", b"\x89PNG", "gear.png", "image/png"),
            Part("connectionKey", b"live::gmail::default::1"),
        )


@pytest.mark.parametrize(
    "disguise",
    [["{}"], [["{}"]], ["a", "{}"], {"": "{}"}, File("k", "text/plain", b"{}"), [File("k", "text/plain", b" {}")]],
)
@pytest.mark.parametrize("encoding", ["query", "form", "multipart", "json"])
@pytest.mark.parametrize("name", ["connectionKey", "connectionkey[]", "[connectionKey]"])
def test_nobody_elses_key_is_sent_in_a_disguise(request_of: Build, name: str, encoding: Any, disguise: Any) -> None:
    def dressed(value: Any) -> Any:
        if isinstance(value, File):
            return File("k", "text/plain", value.content.replace(b"{}", b"live::gmail::default::2"))
        if isinstance(value, list):
            return [dressed(item) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {name: dressed(item) for name, item in cast("dict[str, Any]", value).items()}
        return str(value).replace("{}", "live::gmail::default::2")

    given = {name: dressed(disguise)}
    call = Call(query=given) if encoding == "query" else Call(body=given, encoding=encoding)
    request = request_of(call, method="POST", path="/x")
    everything = repr((request.query, request.content, [part.content for part in request.parts or ()]))
    assert "live::gmail::default::2" not in unquote(everything)
    assert "live::gmail::default::1" in unquote(everything)


@pytest.mark.parametrize("encoding", ["form", "multipart"])
@pytest.mark.parametrize("name", ["_method", "_METHOD", " _method", "[_method]", "_method]", ".method", " [_method"])
def test_a_form_cannot_ask_for_another_method(request_of: Build, name: str, encoding: Any) -> None:
    with pytest.raises(InvalidArguments, match="_method"):
        request_of(method="POST", call=Call(body={name: "DELETE"}, encoding=encoding))


@pytest.mark.parametrize("body", [{"": {"_method": "DELETE"}}, {"_method": {"": "DELETE"}}, {"_method[]": ["DELETE"]}])
def test_another_method_is_not_put_together_from_pieces(request_of: Build, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments, match="_method"):
        request_of(method="POST", call=Call(body=body, encoding="form"))


@pytest.mark.parametrize("value", [File("x", "text/plain", b"DELETE"), ["DELETE"], {"a": 1}])
def test_a_part_cannot_ask_for_another_method_either(request_of: Build, value: object) -> None:
    with pytest.raises(InvalidArguments, match="_method"):
        request_of(method="POST", call=Call(body={"_method": value}, encoding="multipart"))


@pytest.mark.parametrize("encoding", ["form", "multipart"])
@pytest.mark.parametrize("name", ["a\r\nb", "a\x00", "_method\x00", "\x7f", "", "[]"])
def test_the_name_of_a_field_is_one_line_that_names_something(request_of: Build, name: str, encoding: Any) -> None:
    with pytest.raises(InvalidArguments, match="may not be set"):
        request_of(method="POST", path="/x", call=Call(body={name: "x"}, encoding=encoding))


@pytest.mark.parametrize("encoding", ["form", "multipart"])
def test_a_form_is_an_object(request_of: Build, encoding: Any) -> None:
    with pytest.raises(InvalidArguments, match="form body must be an object"):
        request_of(Call(body=[1], encoding=encoding), method="POST", path="/x")


@pytest.mark.parametrize("body", [{"a": 1, "connectionKey": "live::gmail::default::stolen"}, {"a": 1}])
def test_a_custom_action_gets_its_own_connection_key_over_any_other(request_of: Build, body: dict[str, Any]) -> None:
    request = request_of(Call(body=body), method="POST", path="/x", tags=("custom",))
    assert json.loads(request.content or b"") == {"a": 1, "connectionKey": "live::gmail::default::1"}


def test_a_custom_action_without_a_body_gets_one(request_of: Build) -> None:
    request = request_of(Call(), method="POST", path="/x", tags=("custom",))
    assert request.content == b'{"connectionKey":"live::gmail::default::1"}'


@pytest.mark.parametrize("body", [[1, 2], "text", 3])
def test_a_custom_action_refuses_a_body_that_has_no_place_for_the_key(request_of: Build, body: object) -> None:
    with pytest.raises(InvalidArguments, match="must be an object"):  # entry_19
        request_of(Call(body=body), method="POST", path="/x", tags=("custom",))


@pytest.mark.parametrize("query", [{"connectionKey": "live::gmail::default::stolen", "a": "1"}, {"a": "1"}])
def test_an_action_that_documents_the_key_among_its_query_parameters_gets_its_own_there(
    request_of: Build, query: dict[str, Any]
) -> None:
    documented: dict[str, Any] = {"inputSchema": {"properties": {"query": {"properties": {"connectionKey": {}}}}}}
    request = request_of(Call(query=query), method="GET", path="/x", io_schema=documented)
    assert sorted(request.query) == [("a", "1"), ("connectionKey", "live::gmail::default::1")]


def test_a_custom_get_keeps_its_key_in_the_header_alone(request_of: Build) -> None:  # entry_19
    request = request_of(Call(), method="GET", path="/x", tags=("custom",))
    assert (request.content, request.connection_key) == (None, "live::gmail::default::1")


def test_another_action_does_not_get_the_key_into_its_body(request_of: Build) -> None:
    assert request_of(Call(body={"a": 1}), method="POST", path="/x").content == b'{"a":1}'


SIZES = [("json", '"a"', 2 * 1024 * 1024 - len('{"a":""}')), ("form", "a", 2 * 1024 * 1024 - len("a="))]


@pytest.mark.parametrize(("encoding", "_", "fits"), SIZES)
def test_a_body_has_a_cap(request_of: Build, encoding: Any, _: str, fits: int) -> None:
    request = request_of(Call(body={"a": "x" * fits}, encoding=encoding), method="POST", path="/x")
    assert len(request.content or b"") == 2 * 1024 * 1024
    with pytest.raises(InvalidArguments, match="2,097,153 bytes"):
        request_of(Call(body={"a": "x" * (fits + 1)}, encoding=encoding), method="POST", path="/x")


@pytest.mark.parametrize(
    "call",
    [Call(body="x" * 2_097_153), Call(body={"a": "x" * 2_097_153}, encoding="multipart")],
    ids=["text", "multipart"],
)
def test_no_way_to_write_a_body_gets_around_the_cap(request_of: Build, call: Call) -> None:
    with pytest.raises(InvalidArguments, match="at most 2,097,152 can be sent"):
        request_of(call, method="POST", path="/x")


@pytest.mark.parametrize("encoding", ["multipart", "binary"])
def test_files_have_a_cap_of_their_own(request_of: Build, encoding: Any) -> None:
    def size(content: bytes) -> int:
        file = File("f", "text/plain", content)
        call = Call(body=file if encoding == "binary" else {"a": file, "b": "x" * 1_000_000}, encoding=encoding)
        return request_of(call, method="POST", path="/x").size_bytes

    frame, fields = (0, 0) if encoding == "binary" else (len("af"), 1_000_001)
    assert size(bytes(MAX_FILE_BYTES - frame)) == MAX_FILE_BYTES + fields
    with pytest.raises(InvalidArguments, match=r"has 26,214,401 bytes, and at most 26,214,400 can be sent"):
        size(bytes(MAX_FILE_BYTES - frame + 1))


def test_files_share_their_cap(request_of: Build) -> None:
    half = File("f", "text/plain", bytes(MAX_FILE_BYTES // 2))
    with pytest.raises(InvalidArguments, match="at most 26,214,400"):
        request_of(Call(body={"a": [half, half]}, encoding="multipart"), method="POST", path="/x")


def test_a_body_has_at_most_1000_parts(request_of: Build) -> None:
    def count(*values: str) -> int:
        call = Call(body={"a": list(values)}, encoding="multipart")
        return len(request_of(call, method="POST", path="/x").parts or ())

    assert count(*[""] * 1_000) == 1_000
    with pytest.raises(InvalidArguments, match="more than 1,000 fields"):
        count(*[""] * 1_001)


# The request


def test_the_connection_and_the_action_are_fixed_by_us(request_of: Build) -> None:  # entry_01
    request = request_of(Call(path={"userId": "me"}), method="get")
    assert (request.method, request.connection_key, request.action_id) == (
        "GET",
        "live::gmail::default::1",
        "conn_mod_def::one::1",
    )
    assert "live::gmail" not in repr(request)


@pytest.mark.parametrize("facts", [{"method": ""}, {"method": "TRACE"}, {"method": "CONNECT"}, {"id": ""}])
def test_an_action_that_cannot_be_called_is_unknown(request_of: Build, facts: dict[str, str]) -> None:
    with pytest.raises(UnknownAction):
        request_of(path="/x", **facts)


NOT_SENT = "Nothing was sent."
PLAIN = "Nothing was sent; give plain values, without dots alone, braces or control characters."
WHOLE = "cannot be written as text. Nothing was sent; send whole text."
UNUSABLE = "The catalogue's path of this action is not usable. Choose another action."


@pytest.mark.parametrize(
    ("facts", "call", "message"),
    [
        # the catalogue's fault
        ({"method": "TRACE"}, Call(), "The catalogue does not say how to call this action. Choose another one."),
        ({"path": "/a/.."}, Call(), UNUSABLE),
        ({"path": "/a#b"}, Call(), UNUSABLE),
        ({"path": "/a?_method=PUT"}, Call(), UNUSABLE),
        # path
        ({"path": "/{a}"}, Call(), "The path variable 'a' is missing. Nothing was sent; give it a value."),
        (
            {"path": "/{a}"},
            Call(path={"a": ".."}),
            f"The path variable 'a' has a value that could leave its place in the path. {PLAIN}",
        ),
        (
            {"path": "/{a}{b}"},
            Call(path={"a": "%2", "b": "e%2e"}),
            f"These path variables would leave their place in the path. {PLAIN}",
        ),
        ({"path": "/{a}"}, Call(path={"a": [1]}), f"The path variable 'a' must be text or a number. {NOT_SENT}"),
        ({"path": "/{a}"}, Call(path={"a": "\ud800"}), f"The path variable 'a' {WHOLE}"),
        (
            {"path": f"/{{{'a' * 61}}}"},
            Call(),
            f"The path variable '{'a' * 59}…' is missing. Nothing was sent; give it a value.",
        ),
        # query
        ({}, Call(query={"_method": "PUT"}), "The query parameter '_method' may not be set. Leave it out."),
        (
            {},
            Call(query={f"a\n{'b' * 60}": "x"}),
            f"The query parameter 'a\\n{'b' * 55}… may not be set. Leave it out.",
        ),
        ({}, Call(query={"a": float("nan")}), f"A query parameter must be text or a number. {NOT_SENT}"),
        ({}, Call(query={"\ud800": 1}), f"An argument's name {WHOLE}"),
        ({}, Call(query={"a": nested(33)}), "The arguments are nested too deeply. Nothing was sent; nest less."),
        # headers
        ({}, Call(headers={"host": "x"}), "The header 'host' may not be set. Leave it out; Pica adds its own."),
        (
            {},
            Call(headers={"h" * 60: "x"}),
            f"The header '{'h' * 58}… may not be set. Leave it out; Pica adds its own.",
        ),
        ({}, Call(headers={"Accept": "a", "accept": "b"}), "A header is given twice. Nothing was sent; give it once."),
        ({}, Call(headers={"accept": None}), f"The header 'accept' must be text or a number. {NOT_SENT}"),
        ({}, Call(headers={"accept": "a\nb"}), f"The header 'accept' must be one line of plain text. {NOT_SENT}"),
        # body
        ({"method": "get"}, Call(body=1), "A GET request has no body. Pass these as query parameters."),
        ({}, Call(body="\ud800"), f"The body {WHOLE}"),
        (
            {},
            Call(body={"a": "\ud800"}),
            "The body cannot be written as JSON. Nothing was sent; send plain JSON values.",
        ),
        (
            {},
            Call(body="x" * 2_097_153),
            "The body has 2,097,153 bytes, and at most 2,097,152 can be sent. Nothing was sent; send less at a time.",
        ),
        (
            {},
            Call(body=[1], encoding="form"),
            "A form body must be an object. Nothing was sent; give named fields.",
        ),
        ({}, Call(body={"a": "\ud800"}, encoding="form"), f"The field 'a' {WHOLE}"),
        (
            {},
            Call(body={"_method": "PUT"}, encoding="form"),
            "The field '_method' may not be set. Use the action that is made for it.",
        ),
        (
            {"tags": ("custom",)},
            Call(body=[1]),
            "The body of this action must be an object. Nothing was sent; give named fields.",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do_next(
    request_of: Build, facts: dict[str, Any], call: Call, message: str
) -> None:
    with pytest.raises((InvalidArguments, UnknownAction)) as caught:
        request_of(call, **{"method": "POST", "path": "/x", **facts})
    assert str(caught.value) == message


def test_quoting_is_what_the_tests_think_it_is() -> None:
    assert unquote(unquote(quote(quote("../")))) == "../"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("place", ["query", "body"])
@pytest.mark.parametrize("name", ["connectionKey", "CONNECTIONKEY", "connectionkey"])
@pytest.mark.parametrize("tags", [["custom"], []])
def test_nobody_elses_key_is_sent_under_the_name_of_ours(
    request_of: Build, method: str, place: str, name: str, tags: list[str]
) -> None:
    """Not every custom action says that it is one, and what Pica's code does with a key is Pica's to say."""
    foreign = "live::gmail::default::2|mallory"
    if (method, place) == ("GET", "body"):
        return
    given = {name: foreign, "note": foreign}
    call = Call(query=given) if place == "query" else Call(body=given)
    request = request_of(call, method=method, tags=tags, path="/x")
    sent = dict(request.query) | json.loads(request.content or b"{}")
    assert sent[name] == "live::gmail::default::1"
    assert sent["note"] == foreign


def test_a_parameter_of_a_providers_own_that_is_called_like_it_stays(request_of: Build) -> None:
    assert dict(request_of(Call(query={"connectionKey": "k-7"}), path="/x").query) == {"connectionKey": "k-7"}
