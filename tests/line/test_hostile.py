"""Whatever a model or a catalogue says: what arrives has the template's shape and our three headers once, or nothing.

Some hundred calls are drawn every time, always the same; 5,000 others for each test and transport by

    python -m pytest tests/line/test_hostile.py --hypothesis-profile explore

What arrives is read from the bytes on a socket, and from the ASGI scope, by rules that are written down here once more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, cast
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_types import TextContent

from pica_mcp.app import App, open_app
from pica_mcp.errors import PicaError
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.catalog import GROWN, Action, Connector, Field, Platform, in_header, in_query
from pica_mcp.sandbox.platforms.lures import PATHS
from pica_mcp.sandbox.upstream import Reply
from pica_mcp.settings import load

MANY = settings(
    max_examples=settings().max_examples * 5 // 2,  # of the profile's
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

EXECUTE = "execute_pica_action"
DOCUMENTED = (
    in_query("q", "string", "Words."),
    in_query("n", "integer", "How many."),
    in_query("flag", "boolean", "Whether."),
    in_query("labels", "string[]", "Which; may be repeated."),
    in_header("Acme-Version", "Which version."),
    in_header("X-Trace", "What to call the request."),
)
BAD_HEADERS = (
    "x-pica-secret", "X-Pica-Connection-Key", "x-pica-action-id", "X-PICA-ANYTHING", "x-one-secret", "Host", "Cookie",
    "Authorization", "Proxy-Authorization", "Proxy-Connection", "Connection", "Keep-Alive", "TE", "Trailer",
    "Transfer-Encoding", "Content-Length", "Content-Type", "Content-Encoding", "Upgrade", "Expect", "Via", "Forwarded",
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL",
    "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "User-Agent", "Accept-Encoding", "X-Api-Key",
    "X_Pica_Secret", "x_pica_connection_key", "X_HTTP_METHOD_OVERRIDE", "Content_Length",
)  # fmt: skip
ODD_HEADERS = ("x-market\r\nx-b", "x-market:b", "x market", "x-market ", "x-m\u00e4rket", "x-market\x00", "(x)", " ")
BAD_PARAMETERS = (
    "passthroughForward", "PASSTHROUGHFORWARD", "_method", "_METHOD", " _method", "$httpMethod", "$httpHeaders",
    "x-http-method-override", "access_token", "oauth_token",
)  # fmt: skip
HONEST = (
    ("GET", "/v1/users/{{userId}}/messages", DOCUMENTED),
    ("GET", "/v4/sheets/{{id}}/values/{{range}}:append", ()),
    ("GET", "/{{a}}/{{b}}", DOCUMENTED),
    ("HEAD", "/v1/items/{{id}}.json?alt=json&of={{id}}&empty=&v={{v}}", ()),
    ("POST", "/compare/{{a}}..{{b}}/", DOCUMENTED),
    ("PUT", "/v1/{{a}}{{b}}/x", ()),
    ("DELETE", "/v1/x/{id}/:rest", DOCUMENTED),
    ("PATCH", "/v1/\u00e9 b,c=d/{{ a }}", ()),
    ("OPTIONS", "/v1/plain", ()),
)
TRAPS = (
    *PATHS,
    "/v1/..;/{{id}}",
    "/v1/{{id}}/..;x=y/z",
    "/..{{a}}/x",
    "/v1/{{a}}/..{{b}}/%2{{a}}",
    "/v1/x?{{id}}=1",
    "/v1/x?_method=DELETE",
    "/v1/x?q={{id}}&passthroughForward={{id}}",
    "/v1/%00/{{id}}",
    "/v1/{{id}}\x00",
    "/v1/\ud800/{{id}}".encode("utf-8", "replace").decode(),
    "http://127.0.0.1:9/{{id}}",
    "/\\127.0.0.1:9/{{id}}",
    "/{{a}}/127.0.0.1:9/",
    "{{a}}{{b}}",
)


def maze() -> Platform:
    """A platform of honest templates, of hostile ones, and of one that documents what nobody may set."""
    told = tuple(in_header(name, "Set this.") for name in (*BAD_HEADERS, *ODD_HEADERS))
    told += tuple(in_query(name, "string", "Set this.") for name in BAD_PARAMETERS)
    ways: list[tuple[str, str, tuple[Field, ...]]] = [
        *HONEST,
        *(("GET", path, DOCUMENTED if number % 2 else ()) for number, path in enumerate(TRAPS)),
        ("GET", "/v1/documented/{{a}}", told),
        ("POST", "/v1/documented/{{a}}", told),
    ]
    actions = [
        Action(
            "maze", method, path, f"Way {number}", "Way", lambda _world, _call: Reply(body={"done": True}), "A way.",
            inputs, shape="schema" if inputs else "none", number=GROWN + number,
        )
        for number, (method, path, inputs) in enumerate(ways)
    ]  # fmt: skip
    connector = Connector("maze", "Maze", "Testing", "Ways that lead nowhere", authkit=False)
    return Platform(connector, "https://maze.example", actions, lambda _key, _label: None, lambda s: Reply(s, {}))


# What arrives


@dataclass(frozen=True)
class Arrived:
    """One request as bytes; header names in lower case."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    def header(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self.headers if key == name.encode()]

    @property
    def acts(self) -> bool:
        """Whether it is more than a look at the catalogue, however it is spelt."""
        ours = (b"x-pica-connection-key", b"x-pica-action-id")
        return self.target.startswith(b"/v1/passthrough") or any(key in ours for key, _ in self.headers)


def read_requests(data: bytes) -> Iterator[Arrived]:
    """Read what was written to one connection, strictly: what is no plain request fails the test."""
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        first, *rest = head.split(b"\r\n")
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f-\xff]", b"".join((first, *rest))), head
        method, target, version = first.split(b" ")
        assert version == b"HTTP/1.1"
        headers = tuple((n.lower(), v.strip(b" \t")) for n, _, v in (one.partition(b":") for one in rest))
        assert all(re.fullmatch(rb"[!#$%&'*+.^_`|~0-9a-z-]+", name) for name, _ in headers), head
        assert not any(name == b"transfer-encoding" for name, _ in headers)
        lengths = [int(value) for name, value in headers if name == b"content-length"]
        assert len(lengths) <= 1
        data = data[sum(lengths) :]
        yield Arrived(method, target, headers)


class Tap:
    """Stands between us and the sandbox, and keeps what each connection brings."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._heard: list[bytearray] = []

    async def serve(self, client: SocketStream) -> None:
        self._heard.append(heard := bytearray())
        async with (
            client,
            await anyio.connect_tcp("127.0.0.1", self._port) as server,
            anyio.create_task_group() as both,
        ):

            async def pump(source: SocketStream, sink: SocketStream, kept: bytearray | None) -> None:
                try:
                    async for chunk in source:
                        if kept is not None:
                            kept += chunk
                        await sink.send(chunk)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    pass
                both.cancel_scope.cancel()

            both.start_soon(pump, client, server, heard)
            both.start_soon(pump, server, client, None)

    def take(self) -> list[Arrived]:
        taken = [bytes(heard) for heard in self._heard]
        for heard in self._heard:
            heard.clear()
        return [request for data in taken for request in read_requests(data)]


@dataclass
class Memory:
    """The sandbox in memory, and what its scopes said."""

    app: Any
    _seen: list[Arrived] = field(default_factory=list[Arrived])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        headers = tuple((name.lower(), value.strip(b" \t")) for name, value in scope["headers"])
        self._seen.append(Arrived(scope["method"].encode(), scope["raw_path"] + query, headers))
        await self.app(scope, receive, send)

    def take(self) -> list[Arrived]:
        taken, self._seen = self._seen, []
        return taken


@dataclass
class Line:
    """The whole line from arguments to what arrives."""

    app: App
    portal: BlockingPortal
    take: Callable[[], list[Arrived]]
    host: str
    key: str
    ways: Mapping[str, Action]
    names: Mapping[str, str]

    def call(self, name: str, arguments: dict[str, Any]) -> tuple[bool, list[Arrived]]:
        """Return whether the answer is a refusal or another error, and what arrived."""
        self.take()
        try:
            result = self.portal.call(self.app.pipeline.call, self.app.caller, name, arguments)
        except PicaError:
            return True, self.take()
        for block in result.content:
            assert isinstance(block, TextContent)
            assert LIVE_SECRET not in block.text
            assert self.key not in block.text
            block.text.encode()
        return bool(result.is_error), self.take()


@asynccontextmanager
async def opened(portal: BlockingPortal, kind: Literal["socket", "memory"]) -> AsyncGenerator[Line]:
    platform = maze()
    box = Sandbox(extra=[platform])
    key = box.connect("maze", identity="ada", identity_type="user", name="Maze")
    variables = {"PICA_SECRET": LIVE_SECRET, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user", "PICA_AUDIT": "off"}

    @asynccontextmanager
    async def line(url: str, take: Callable[[], list[Arrived]], pica: Any = None) -> AsyncGenerator[Line]:
        async with open_app(load({}, variables | {"PICA_BASE_URL": url}), pica) as app:
            named = await app.pipeline.names.of("maze")
            names = {action.id: name for name, action in named.items()}
            ways = {action.id: action for action in platform.actions}
            yield Line(app, portal, take, urlsplit(url).netloc, key, ways, names)

    if kind == "memory":
        memory = Memory(box.app)
        async with line("https://pica.test", memory.take, memory) as one:
            yield one
        return
    async with box.listening() as url, await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        tap = Tap(int(url.rpartition(":")[2]))
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's, not Django's
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, tap.serve)
            async with line(f"http://127.0.0.1:{port}", tap.take) as one:
                yield one
            tasks.cancel_scope.cancel()


@pytest.fixture(scope="module", params=["socket", "memory"])
def line(request: pytest.FixtureRequest) -> Generator[Line]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(portal, request.param)) as one,
    ):
        yield one


# What may arrive

SLOT = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]+)\}|(?<=/):([A-Za-z_]\w*)(?=/|$)")
NEVER_EXACT = frozenset({
    "host", "cookie", "cookie2", "set-cookie", "authorization", "connection", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade", "expect", "via", "content-length", "content-type", "content-encoding", "forwarded",
    "x-real-ip", "x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override",
    "user-agent", "accept-encoding", "x-api-key",
})  # fmt: skip
NEVER_BEGINNING = ("x-pica-", "x-one-", "proxy-", "x-forwarded-", "sec-")
OURS = frozenset({
    "host", "accept", "accept-encoding", "user-agent", "connection", "content-length", "content-type",
    "x-pica-secret", "x-pica-connection-key", "x-pica-action-id",
})  # fmt: skip
NEVER_ASKED = frozenset(name.strip().lower() for name in BAD_PARAMETERS)


def written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    assert isinstance(value, str | int | float), value  # what has parts cannot be in a place for one value
    return str(value)


def forbidden(name: str) -> bool:
    """Tell if a header must not be set, for a server that takes dashes and underscores alike, too."""
    plain = name.strip().lower().replace("_", "-")
    return plain in NEVER_EXACT or plain.startswith(NEVER_BEGINNING)


def leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the pairs that a query's value should arrive as."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from leaves(f"{key}[{name}]", inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from leaves(key, inner)
    elif value is not None:
        yield key, written(value)


def meant(key: str, value: Any) -> Any:
    """Return what a value means where it is documented: text may stand for a number, a choice or a list."""
    if isinstance(value, str):
        if key == "flag":
            return value.lower()
        if key == "labels" and value.lstrip().startswith("["):
            return json.loads(value)
    return value


def is_tame(path: str) -> bool:
    """Tell if nobody who decodes the path, be it several times, sees more in it than names: dots, braces, line ends."""
    for _ in range(5):
        parts = [part.partition(";")[0].strip() for part in re.split(r"[/\\]", path)]
        if "." in parts or ".." in parts or re.search(r"\{\{|\}\}|[\x00-\x1f\x7f]", path):
            return False
        path = unquote(path)
    return True


def slot_name(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()))


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return a value of a template's query, decoded, its slots filled."""
    parts: list[str] = []
    end = 0
    for found in SLOT.finditer(template):
        parts += [unquote(template[end : found.start()]), written(values[slot_name(found)])]
        end = found.end()
    return "".join((*parts, unquote(template[end:])))


def pairs_of(query: str) -> list[tuple[str, str]]:
    split = [one.partition("=") for one in query.split("&")] if query else []
    return [tuple(unquote_to_bytes(side.replace("+", " ")).decode() for side in (k, v)) for k, _, v in split]  # pyright: ignore[reportReturnType]


def by_key(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return what each key has, in order; the order of the keys means nothing."""
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


@dataclass(frozen=True)
class Ask:
    """What a model gives for one call."""

    way: int
    door: Literal["named", "execute"]
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    headers: Mapping[str, Any]


def assert_path(arrived: Arrived, template: str, values: Mapping[str, Any]) -> None:
    target = arrived.target.decode("ascii")
    assert not re.search(r"[\x00-\x20\x7f#\\]", target)
    path = target.partition("?")[0]
    prefix, _, rest = path.partition("/v1/passthrough/")
    assert prefix == ""
    assert not set("{}") & set(rest)
    assert not rest.startswith("/")  # joined to a provider's address, that would be another host
    # With the slash that it may lack, and with slots as numbers, since a name may hold a slash.
    template = "/" + template.partition("?")[0].removeprefix("/")
    texts = [written(values[slot_name(found)]) for found in SLOT.finditer(template)]
    numbers = count()
    segments = SLOT.sub(lambda _: f"\0{next(numbers)}\0", template).split("/")[1:]
    wanted = [re.sub("\0(.+?)\0", lambda found: texts[int(found[1])], unquote(segment)) for segment in segments]
    assert [unquote(part, errors="strict") for part in rest.split("/")] == wanted
    assert is_tame(path)


def assert_query(arrived: Arrived, template: str, ask: Ask, documented: frozenset[str]) -> None:
    fixed = [(k, filled(v, ask.path)) for k, v in pairs_of_template(template)]
    asked = {key: meant(key, value) if key in documented else value for key, value in ask.query.items()}
    wanted = [*fixed, *(pair for key, value in asked.items() for pair in leaves(key, value))]
    arrived_pairs = pairs_of(arrived.target.decode("ascii").partition("?")[2])
    assert by_key(arrived_pairs) == by_key(wanted)
    assert not {key.strip().lower() for key, _ in arrived_pairs} & NEVER_ASKED


def pairs_of_template(template: str) -> list[tuple[str, str]]:
    query = template.partition("?")[2]
    return [(key, value) for key, _, value in (one.partition("=") for one in query.split("&"))] if query else []


def assert_headers(arrived: Arrived, line: Line, action: Action, ask: Ask) -> None:
    assert arrived.header("host") == [line.host]
    assert arrived.header("x-pica-secret") == [LIVE_SECRET]
    assert arrived.header("x-pica-connection-key") == [line.key]
    assert arrived.header("x-pica-action-id") == [action.id]
    assert arrived.header("connection") in ([], ["keep-alive"])
    assert all(re.fullmatch(rb"[\t\x20-\x7e]*", value) for _, value in arrived.headers)
    (agent,) = arrived.header("user-agent")
    assert agent.startswith("pica-mcp/")
    wanted = {name.lower(): written(value) for name, value in ask.headers.items() if value is not None}
    assert not [name for name in wanted if forbidden(name)]
    assert {name.decode("latin-1") for name, _ in arrived.headers} <= OURS | wanted.keys()
    for name, value in wanted.items():
        assert arrived.header(name) == [value.strip(" \t")]


def assert_right(line: Line, action: Action, ask: Ask, failed: bool, arrived: list[Arrived]) -> bool:  # noqa: FBT001
    """Tell if something arrived, which then is what was asked for."""
    looks = [one for one in arrived if not one.acts]
    assert all(one.method == b"GET" and LOOKS.fullmatch(one.target.partition(b"?")[0]) for one in looks)
    acts = [one for one in arrived if one.acts]
    if not acts:
        assert failed
        return False
    (one,) = acts
    assert one.method == action.method.encode()
    documented = frozenset(one.name for one in action.inputs if one.place == "query")
    assert_path(one, action.path, ask.path)
    assert_query(one, action.path, ask, documented)
    assert_headers(one, line, action, ask)
    return True


LOOKS = re.compile(
    rb"/v1/(vault/connections|available-connectors|knowledge|available-actions/(search/)?[A-Za-z0-9][A-Za-z0-9_.-]*)"
)

# What is ask

ATTACKS = (
    "..", ".", "...", " .. ", "..\t", "%2e", "%2e%2e", "%2E.", "%252e%252e", "%25252e%25252e", "..;", "..;/", ".;x=y",
    "%2e%2e%3b", ".%00.", "..%00", "..%00/x", "%c0%ae%c0%ae", "%u002e%u002e", "\uff0e\uff0e", "\u2025", "\u3002\u3002",
    "../x", "x/..", "x/../../y", "..\\x", "x\\..\\..", "..%2f", "..%2F..%2Fvault", "..%5c", "..%255c", "/", "//", "\\",
    "%2F", "%5C", "%2f%2f", "\uff0f", "\u2215", "\uff3c", "/v1/vault/connections", "//127.0.0.1:9/",
    "\\\\127.0.0.1:9\\",
    "@127.0.0.1:9", "http://127.0.0.1:9/x", "https:127.0.0.1", "javascript:alert(1)", "x?y=1", "x#y", "?", "#", "&a=b",
    "%3F", "%23", "x;y=z", "=", "+", "%20", "%", "%zz", "{{secret}}", "{{accessToken}}", "{{", "}}", "{x}",
    "%7B%7Bx%7D%7D",
    "%257b%257bx", "${jndi:ldap://127.0.0.1:9}", "\r\n", "x\r\nx-pica-secret: y", "x\nHost: y", "\r", "%0d%0aHost:%20y",
    "\u560a\u560d", "\x00", "%00", "a\x00b", "\x7f", "\x85", "\u2028", "\u202e\u2066", "\ufeff", "\u200b", "\ud800",
    "\udfff\ud800", "\U0010ffff", "e\u0301", "\u0130", " ", "", "null", "true", "0", "-1", "NaN", "a" * 70_000,
    "%2e" * 3_000, "{" * 5_000,
)  # fmt: skip
PIECES = (
    "..", ".", "/", "\\", "%", "2", "e", "E", "f", "F", "5c", "%2e", "%25", "%2f", ";", "{{", "}}", "{", "}", "?",
    "#", "&", "=", "@", ":", "a", "b", " ", "\t", "\n", "\r", "\x00", "\u202e", "\uff0e", "\ud83d", "+", "http:",
)  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8),
    st.sampled_from(("me", "it-1", "A1:B2", "x y", "a/b", "\u0141\u00f3d\u017a")),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.sampled_from((10**30, 10**400, 1e300, float("nan"), -0.0))
)
PLAIN = st.one_of(TEXT, TEXT, TEXT, NUMBERS, st.none())
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PATH_VALUES = st.one_of(PLAIN, PLAIN, PLAIN, PLAIN, NESTED)
KEYS = st.one_of(
    st.sampled_from(("q", "n", "flag", "labels", "fields[]", "$filter", "a.b", "a&b=c#d%00")),
    st.sampled_from(BAD_PARAMETERS),
    TEXT,
)
HEADER_NAMES = st.one_of(
    st.sampled_from(("Accept", "accept", "Range", "If-Match", "Acme-Version", "acme-VERSION", "X-Trace", "Prefer")),
    st.sampled_from(BAD_HEADERS),
    st.tuples(st.sampled_from(BAD_HEADERS), st.sampled_from(("", " ", "\t", ":", "\r\n", "\x00", "\u212a"))).map(
        "".join
    ),
    st.sampled_from(BAD_HEADERS).map(str.swapcase),
    TEXT,
)
HEADER_VALUES = st.one_of(
    st.sampled_from(("1", "2022-06-28", "en, de;q=0.5", '"etag"', "bytes=0-9")),
    st.sampled_from(
        ("a\r\nx-pica-secret: b", "a\nb", "a\r\n\r\nGET / HTTP/1.1", "\x00", "caf\u00e9", " a", "a ", "\x7f")
    ),
    NESTED,
)


@st.composite
def calls(draw: st.DrawFn) -> Ask:
    number = draw(st.integers(0, len(HONEST) - 1) | st.integers(0, len(HONEST) + len(TRAPS) + 1))
    way = maze_actions()[number]
    names = [slot_name(found) for found in SLOT.finditer(way.path)]
    # Mostly one thing at a time, or nearly every call would be refused for another reason.
    mean = draw(st.sampled_from(("path", "query", "headers", "all")))
    tame = st.sampled_from(("me", "it-1", 7, "x y", "a/b", "\u0141"))
    path = {name: draw(PATH_VALUES if mean in ("path", "all") else tame) for name in names}
    query = draw(st.dictionaries(KEYS, NESTED, max_size=3)) if mean in ("query", "all") else {}
    headers = draw(st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=2)) if mean in ("headers", "all") else {}
    return Ask(number, draw(st.sampled_from(("named", "execute"))), path, query, headers)


_MAZE: list[Action] = []


def maze_actions() -> list[Action]:
    _MAZE[:] = _MAZE or maze().actions
    return _MAZE


def as_named(action: Action, ask: Ask) -> tuple[Ask, dict[str, Any]]:
    """Return what a named tool can be ask of it: what is documented, by its flat name; null is not ask."""
    if not action.inputs:
        return replace(ask, headers={}), {**ask.path, **({"query": ask.query} if ask.query else {})}
    known = {one.name for one in action.inputs if not forbidden(one.name) and one.name not in BAD_PARAMETERS}
    query = {key: value for key, value in ask.query.items() if key in known}
    headers = {key: value for key, value in ask.headers.items() if key in known}
    return replace(ask, query=query, headers=headers), {**ask.path, **query, **headers}


def make(line: Line, ask: Ask) -> bool:
    """Make the call, through the door that is ask if it has one; tell if something arrived, which was right."""
    action = maze_actions()[ask.way]
    name = line.names.get(action.id, "") if ask.door == "named" else ""
    if name:
        ask, arguments = as_named(action, ask)
    else:
        groups = {"pathVariables": ask.path, "queryParams": ask.query, "headers": ask.headers}
        arguments = {"platform": "maze", "actionId": action.id, **groups}
    failed, arrived = line.call(name or EXECUTE, arguments)
    return assert_right(line, action, ask, failed, arrived)


def test_what_arrives_is_what_the_template_says_or_nothing(line: Line) -> None:
    tally = Counter[str]()

    @MANY
    @given(calls())
    def check(ask: Ask) -> None:
        came = make(line, ask)
        tally[f"{ask.door} {'arrived' if came else 'refused'}"] += 1
        tally["values"] += len(ask.path) + len(ask.query) + len(ask.headers)

    check()
    # Neither is everything refused, nor is all of it harmless.
    assert min(tally[f"{door} {end}"] for door in ("named", "execute") for end in ("arrived", "refused")) > 20, tally
    assert tally["values"] > tally.total() // 3, tally


@pytest.mark.parametrize("door", ["named", "execute"])
def test_every_attack_in_every_place(line: Line, door: Literal["named", "execute"]) -> None:
    came = Counter[str]()
    for attack in ATTACKS:
        for place, ask in (
            ("path", Ask(0, door, {"userId": attack}, {}, {})),
            ("middle", Ask(4, door, {"a": attack, "b": "x"}, {}, {})),
            ("query", Ask(0, door, {"userId": "me"}, {"q": attack}, {})),
            ("name of a parameter", Ask(7, door, {"a": "x"}, {attack: ["x", 1]}, {})),
            ("header", Ask(0, door, {"userId": "me"}, {}, {"Acme-Version": attack})),
            ("name of a header", Ask(0, "execute", {"userId": "me"}, {}, {attack: "x"})),
        ):
            came[place] += make(line, ask)
    assert came["query"] > came["path"] > 20
    assert came["header"] > 20
    assert came["name of a header"] == 0


def test_every_trap_of_a_catalogue(line: Line) -> None:
    came = Counter[str]()
    for number in range(len(HONEST), len(HONEST) + len(TRAPS)):
        names = [slot_name(found) for found in SLOT.finditer(maze_actions()[number].path)]
        for value in ("x", ".", "..", "/", "f", "0a", "e", "2e", "%", "{", "}", "%2", ";", ":@", 7):
            ask = Ask(number, "execute", dict.fromkeys(names, value), {"q": value}, {})
            came[maze_actions()[number].path] += make(line, ask)
    assert {path for path in TRAPS if came[path]} == USABLE


USABLE = {
    "", "@evil.example/x", "/v1/items/{{../id}}", "/v1/items/{{id}}{{more}}/vault",
    "/..{{a}}/x", "/{{a}}/127.0.0.1:9/", "{{a}}{{b}}",
}  # fmt: skip
"""What is odd, but means nothing else than its own place under our passthrough."""


def test_a_header_is_given_once(line: Line) -> None:
    for twice in ({"Accept": "a/b", "accept": "c/d"}, {"X-Trace": "a", "x-trace": "a"}):
        ask = Ask(0, "execute", {"userId": "me"}, {}, twice)
        assert not make(line, ask)


@pytest.mark.parametrize(
    "value", ["me", "it-1", "A1:B2", "x y", "a/b?c#d&e=f", "50%", "urn:x@y", "\u0141\u00f3d\u017a", 7, True]
)
@pytest.mark.parametrize("number", range(len(HONEST)), ids=[path for _, path, _ in HONEST])
def test_what_is_harmless_is_not_refused(line: Line, number: int, value: Any) -> None:
    action = maze_actions()[number]
    names = [slot_name(found) for found in SLOT.finditer(action.path)]
    documented = {"q": value, "labels": ["a&b", "c"], "n": 5, "flag": False} if action.inputs else {"k[]": [value, 1]}
    headers = {"Acme-Version": "2", "X-Trace": "t"} if action.inputs else {"Accept": "text/csv"}
    ask = Ask(number, "execute", dict.fromkeys(names, value), documented, headers)
    assert make(line, ask)


@pytest.mark.parametrize("name", [*BAD_HEADERS, *ODD_HEADERS], ids=repr)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_header_of_identity_or_framing_is_refused_even_where_it_is_documented(
    line: Line, method: str, name: str
) -> None:
    (action,) = (one for one in maze_actions() if one.path == "/v1/documented/{{a}}" and one.method == method)
    for spelt in (name, name.lower(), name.upper()):
        arguments = {"platform": "maze", "actionId": action.id, "pathVariables": {"a": "x"}, "headers": {spelt: "x"}}
        for tool, ask in ((EXECUTE, arguments), (line.names[action.id], {"a": "x", spelt: "x"})):
            failed, arrived = line.call(tool, ask)
            assert failed
            assert not [one for one in arrived if one.acts]


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_a_parameter_that_means_more_is_refused_even_where_it_is_documented(line: Line, name: str) -> None:
    (action, *_) = (one for one in maze_actions() if one.path == "/v1/documented/{{a}}")
    for value in ("x-role", ["a", "b"], {"a": "b"}):
        arguments = {
            "platform": "maze",
            "actionId": action.id,
            "pathVariables": {"a": "x"},
            "queryParams": {name: value},
        }
        assert line.call(EXECUTE, arguments) == (True, [])


def looked_up(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a call that names things, and does nothing with them."""
    one, other, third = draw(st.lists(st.one_of(TEXT, NESTED), min_size=3, max_size=3))
    platform = draw(st.sampled_from(("maze", one)))
    known = {"platform": "maze", "actionId": maze_actions()[0].id, "pathVariables": {"userId": "me"}}
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("search_pica_platform_actions", {"platform": platform, "query": other}),
        ("get_pica_action_knowledge", {"platform": platform, "actionId": other}),
        (EXECUTE, known | {"connectionKey": other or "x"}),
        (EXECUTE, {"platform": one, "actionId": other, "connectionKey": third}),
        ("list_pica_integrations", {"query": one}),
        (str(one)[:500], {"x": other}),
    )
    return draw(st.sampled_from(calls))


def assert_only_looked(line: Line, arrived: list[Arrived], searched: Any = None) -> None:
    for request in arrived:
        path, _, query = request.target.partition(b"?")
        assert not request.acts
        assert request.method == b"GET"
        assert LOOKS.fullmatch(path), path
        assert is_tame(path.decode())
        assert request.header("host") == [line.host]
        assert request.header("x-pica-secret") == [LIVE_SECRET]
        pairs = by_key(pairs_of(query.decode("ascii")))
        assert pairs.keys() <= ASKED
        if b"/search/" in path:
            assert pairs["query"] == [written(searched)]


ASKED = frozenset({
    "_id", "connectionPlatform", "supported", "query", "executeAgent", "knowledgeAgent", "limit", "page", "identity",
    "identityType",
})  # fmt: skip


def test_no_platform_id_or_label_leads_anywhere_but_to_the_catalogue(line: Line) -> None:
    """What a model names things by goes into paths and queries of Pica's own endpoints."""
    tally = Counter[str]()

    @MANY
    @given(st.composite(looked_up)())
    def check(call: tuple[str, dict[str, Any]]) -> None:
        name, arguments = call
        failed, arrived = line.call(name, arguments)
        assert_only_looked(line, arrived, arguments.get("query"))
        tally["looked" if arrived else "refused"] += 1
        tally["failed"] += failed

    check()
    assert min(tally.values()) > 10, tally


def test_no_uri_leads_anywhere_but_to_the_catalogue(line: Line) -> None:
    tally = Counter[str]()

    @MANY
    @given(st.sampled_from(("platforms/", "actions/", "connections/maze/", "", "platforms/maze/")), TEXT)
    def check(kind: str, word: str) -> None:
        line.take()
        try:
            line.portal.call(line.app.resources.read, line.app.caller, f"pica://{kind}{word}")
        except PicaError:
            tally["unknown"] += 1
        arrived = line.take()
        assert_only_looked(line, arrived)
        tally["looked"] += bool(arrived)

    check()
    assert min(tally.values()) > 10, tally
