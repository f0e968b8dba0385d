"""Code that sends a request: it sends what our own line would, whatever the values are."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp import passthrough, text
from pica_mcp.api import Endpoint, open_api
from pica_mcp.discovery.snippets import Language, Target, placeholder, preview, written
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import Action
from pica_mcp.passthrough import Request
from pica_mcp.secret import Fixed, Secret
from pica_mcp.tools import Call, File

TARGET = Target("https://api.picaos.com", "pica", "ship-station")
KEY = "PICA_SHIP_STATION_CONNECTION_KEY"
HOSTILE = """a'b "c" \\ $(id) `id` ${HOME} %0a é 🙂 #!* ;|&<> {{x}} \t"""


def request(call: Call, method: str = "POST", path: str = "/orders/{{id}}", tags: tuple[str, ...] = ()) -> Request:
    row = {"platform": "ship-station", "id": "conn_mod_def::a::b", "method": method, "path": path, "tags": list(tags)}
    return passthrough.build(Action.model_validate(row, by_name=True), placeholder(TARGET), call, frozenset({"x-kind"}))


CASES: Mapping[str, Request] = {
    "json": request(
        Call(path={"id": "a/b c"}, query={"q": ["1", HOSTILE], "z": "é&="}, body={"to": [HOSTILE], "n": 1.5})
    ),
    "list": request(Call(path={"id": 1}, body=[1, None, True, {"a": HOSTILE}])),
    "custom": request(Call(body={"to": HOSTILE, "connectionKey": "live::x::y::z"}), path="/send", tags=("custom",)),
    "form": request(Call(path={"id": 1}, body={"a": {"b": [HOSTILE, None]}, "c d": "1&2"}, encoding="form")),
    "repeated": request(Call(path={"id": 1}, body={"a": ["1"], "a[0]": "2"}, encoding="form")),
    "multipart": request(Call(path={"id": 1}, body={"a": HOSTILE, "b": {"c": HOSTILE}}, encoding="multipart")),
    "text": request(Call(path={"id": 1}, body=f"@not a file\n{HOSTILE}\n", headers={"x-kind": "a'b $HOME"})),
    "bare": request(Call(path={"id": 1}, headers={"accept": "text/plain"}), method="GET"),
    "deep": request(Call(path={"id": 1}, body={"a": json.loads("[" * 200 + '"x"' + "]" * 200)})),
    "no object": request(Call(path={"id": 1}, body={"__proto__": {"x": HOSTILE}, "big": 2**60, "unseen": "a\u200b❤️"})),
}


# A server that says nothing and remembers everything


@dataclass
class Ear:
    """What arrived."""

    url: str = ""
    answer: bytes = b"{}"
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@pytest.fixture(scope="module")
def ear() -> Generator[Ear]:
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            ear.heard.append(_read(self.command, self.path, dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("content-length", str(len(ear.answer)))
            self.end_headers()
            self.wfile.write(ear.answer if self.command != "HEAD" else b"")

        do_GET = do_POST = do_HEAD = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    ear.url = f"http://127.0.0.1:{server.server_port}"
    yield ear
    server.shutdown()
    thread.join()
    server.server_close()


def _read(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What the request means; how a client writes the same in other bytes does not count."""
    named = {name.lower(): value for name, value in headers.items()}
    kind = named.get("content-type", "")
    parts = urlsplit(path)
    own = {name: value for name, value in named.items() if name.startswith("x-")}
    meant: Any = body
    if kind.startswith("multipart/"):
        message = message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + body)
        meant = [
            (one.get_param("name", header="content-disposition"), one.get_filename(), one.get_payload(decode=True))
            for one in cast(list[Any], message.get_payload())
        ]
        kind = "multipart"
    elif kind == "application/json":
        meant = json.loads(body)
    elif kind == "application/x-www-form-urlencoded":
        meant = parse_qsl(body.decode(), keep_blank_values=True)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return {"method": method, "path": parts.path, "query": query, "own": own, "kind": kind, "body": meant}


async def _ours(case: Request, ear: Ear) -> dict[str, Any]:
    endpoint = Endpoint(ear.url, Secret(Fixed("PICA_SECRET")))
    async with open_api(endpoint) as api:
        await api.send(case)
    return ear.heard.pop()


def _variables() -> dict[str, str]:
    """Each variable holds its own name, which is what a request for code is built with."""
    return {**os.environ, "PICA_SECRET": "PICA_SECRET", KEY: KEY, "HOME": "/nowhere"}


@pytest.mark.parametrize("name", CASES)
async def test_python_sends_what_our_own_line_sends(name: str, ear: Ear) -> None:
    code = written(CASES[name], "python", Target(ear.url, "pica", "ship-station"))
    subprocess.run([sys.executable, "-c", code], check=True, env=_variables(), timeout=30, capture_output=True)  # noqa: ASYNC221
    assert ear.heard.pop() == await _ours(CASES[name], ear)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.parametrize("name", CASES)
async def test_curl_sends_what_our_own_line_sends(name: str, ear: Ear) -> None:
    code = written(CASES[name], "curl", Target(ear.url, "pica", "ship-station"))
    shell = shutil.which("sh") or "sh"
    subprocess.run([shell, "-c", code], check=True, env=_variables(), timeout=30, capture_output=True)  # noqa: ASYNC221
    assert ear.heard.pop() == await _ours(CASES[name], ear)


@pytest.mark.skipif(not shutil.which("node"), reason="no node here")
async def test_typescript_sends_what_our_own_line_sends(ear: Ear, tmp_path: Path) -> None:
    target = Target(ear.url, "pica", "ship-station")
    for name, case in CASES.items():
        (tmp_path / f"{name.replace(' ', '-')}.mjs").write_text(written(case, "typescript", target))
    imports = "".join(f"await import('./{name.replace(' ', '-')}.mjs');\n" for name in CASES)
    (tmp_path / "all.mjs").write_text(imports)
    node = shutil.which("node") or "node"
    subprocess.run([node, str(tmp_path / "all.mjs")], check=True, env=_variables(), timeout=60, capture_output=True)  # noqa: ASYNC221
    heard, ear.heard = ear.heard, []
    for theirs, case in zip(heard, CASES.values(), strict=True):
        ours = await _ours(case, ear)
        if theirs["kind"] == "multipart":  # to FormData, whatever has a type is a file
            theirs["body"] = [(name, None if file == "blob" else file, value) for name, file, value in theirs["body"]]
        assert theirs == ours


async def test_files_are_read_where_the_code_runs(ear: Ear, tmp_path: Path) -> None:
    (tmp_path / "my 'file' é.txt").write_bytes(b"\x00\xff")
    body = {"a": "x", "file": File("my 'file' é.txt", "text/plain", b"")}
    case = request(Call(path={"id": 1}, body=body, encoding="multipart"))
    target = Target(ear.url, "pica", "ship-station")
    commands = [[sys.executable, "-c", written(case, "python", target)]]
    if shutil.which("curl"):
        commands.append(["sh", "-c", written(case, "curl", target)])
    for command in commands:
        subprocess.run(command, check=True, env=_variables(), timeout=30, capture_output=True, cwd=tmp_path)  # noqa: ASYNC221
        fields = ear.heard.pop()["body"]
        assert [(name, content) for name, _, content in fields] == [("a", b"x"), ("file", b"\x00\xff")]


@pytest.mark.parametrize(
    ("language", "reads"),
    [
        ("curl", "--data-binary @photo.png"),
        ("python", 'content=Path("photo.png").read_bytes()'),
        ("typescript", 'body: await readFile("photo.png")'),
    ],
)
def test_a_body_that_is_a_file_is_read_from_it(language: Language, reads: str) -> None:
    case = request(Call(path={"id": 1}, body=File("photo.png", "image/png", b""), encoding="binary"))
    assert reads in written(case, language, Target("https://api.picaos.com", "pica", "x", file="photo.png"))


@pytest.mark.parametrize("language", ["python", "typescript", "curl"])
def test_an_answer_that_is_a_file_comes_out_as_it_is(language: Language, ear: Ear, tmp_path: Path) -> None:
    code = written(CASES["bare"], language, Target(ear.url, "pica", "ship-station"))
    (tmp_path / "code.mjs").write_text(code)
    commands = {
        "python": [sys.executable, "-c", code],
        "typescript": [shutil.which("node") or "", str(tmp_path / "code.mjs")],
        "curl": [shutil.which("sh") if shutil.which("curl") else "", "-c", code],
    }
    if not (command := [str(word) for word in commands[language]])[0]:
        pytest.skip("not here")
    ear.answer = bytes(range(256)) * 8
    try:
        done = subprocess.run(command, check=True, env=_variables(), timeout=60, capture_output=True)
    finally:
        ear.answer = b"{}"
        ear.heard.clear()
    assert done.stdout == bytes(range(256)) * 8


# Without running it


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(st.text(max_size=8), JSON, max_size=4)


class _Plain(ast.NodeTransformer):
    """Variables by their names, and text that is encoded as text: what is left are literals."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        assert ast.unparse(node.value) == "os.environ"
        return node.slice

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Attribute)
        assert node.func.attr == "encode"
        return self.visit(node.func.value)


def evaluated(code: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of the one call that sends; anything but literals in them is an error."""
    tree = ast.parse(code)
    assert [type(node) for node in tree.body] == [*[ast.Import] * 3, ast.Assign, ast.If, ast.Expr]
    call = cast(ast.Assign, tree.body[3]).value
    assert isinstance(call, ast.Call)
    assert ast.unparse(call.func) == "httpx.request"
    named = {str(one.arg): ast.literal_eval(_Plain().visit(one.value)) for one in call.keywords}
    return [ast.literal_eval(one) for one in call.args], named


def _sendable(body: Any, encoding: str) -> Request | None:
    try:
        return request(Call(path={"id": 1}, query={"q": "x"}, body=body, encoding=cast(Any, encoding)))
    except InvalidArguments:
        return None  # half a character, or nothing that is sent at all


@settings(max_examples=150)
@given(BODIES)
def test_python_says_what_is_sent_in_literals_and_shows_all_of_it(body: dict[str, Any]) -> None:
    if not (case := _sendable(body, "json")):
        return
    code = written(case, "python", TARGET)
    assert text.clean(code) == code
    positional, named = evaluated(code)
    assert positional == ["POST", "https://api.picaos.com/v1/passthrough/orders/1"]
    assert named["json"] == json.loads(case.content or b"")
    assert named["params"] == [("q", "x")]


@settings(max_examples=150)
@given(BODIES)
def test_curl_is_the_same_words_to_a_shell(body: dict[str, Any]) -> None:
    if not (case := _sendable(body, "json")):
        return
    code = written(case, "curl", TARGET)
    assert text.clean(code) == code
    spoken = shlex.split(code.replace(" \\\n", ""))
    assert spoken[:3] == ["curl", "-sS", "--fail-with-body"]
    assert spoken[3:6] == ["-X", "POST", "https://api.picaos.com/v1/passthrough/orders/1?q=x"]
    assert json.loads(spoken[-1]) == json.loads(case.content or b"")
    assert len(spoken) == 16


@settings(max_examples=150)
@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=12), min_size=1, max_size=4),
    st.sampled_from(["form", "multipart"]),
)
def test_fields_are_what_they_are_in_every_language(fields: dict[str, str], encoding: str) -> None:
    if not (case := _sendable(fields, encoding)):
        return
    _, named = evaluated(written(case, "python", TARGET))
    assert (named.get("data") or {name: value for name, (_, value) in named["files"]}) == fields
    typescript = written(case, "typescript", TARGET)
    assert text.clean(typescript) == typescript
    if encoding == "form":
        spoken = shlex.split(written(case, "curl", TARGET))
        sent = "&".join(spoken[at + 1] for at, word in enumerate(spoken) if word == "--data-raw")
        assert parse_qsl(sent, keep_blank_values=True) == list(fields.items())
    elif all("=" not in name and text.clean(name + value) == name + value for name, value in fields.items()):
        spoken = shlex.split(written(case, "curl", TARGET))
        sent = [spoken[at + 1] for at, word in enumerate(spoken) if word == "--form-string"]
        assert sent == [f"{name}={value}" for name, value in fields.items()]


@pytest.mark.parametrize("language", ["curl", "python", "typescript"])
def test_keys_are_read_from_variables_with_names_that_exist(language: Language) -> None:
    code = written(CASES["custom"], language, TARGET)
    assert code.count(KEY) == 2
    assert "PICA_SECRET" in code
    assert "live::" not in code
    one = written(CASES["custom"], language, Target("https://api.withone.ai", "one", "ship-station"))
    assert "x-one-secret" in one
    assert "ONE_SECRET" in one


@pytest.mark.parametrize(
    ("platform", "variable"),
    [("gmail", "PICA_GMAIL_CONNECTION_KEY"), ("ship-station", KEY), ("a.b", "PICA_A_B_CONNECTION_KEY"), ("", None)],
)
def test_a_variable_is_one_that_a_shell_takes(platform: str, variable: str | None) -> None:
    name = Target("", "pica", platform).connection_variable
    assert name == (variable or "PICA_PLATFORM_CONNECTION_KEY")
    assert name.isidentifier()


def test_a_preview_is_the_request_as_data() -> None:
    assert preview(CASES["custom"], TARGET) == {
        "method": "POST",
        "url": "https://api.picaos.com/v1/passthrough/send",
        "headers": {
            "x-pica-secret": "$PICA_SECRET",
            "x-pica-connection-key": f"${KEY}",
            "x-pica-action-id": "conn_mod_def::a::b",
            "content-type": "application/json",
        },
        "body": {"to": HOSTILE, "connectionKey": f"${KEY}"},
    }
    shown = preview(CASES["json"], TARGET)
    assert shown["url"].endswith("/orders/a%2Fb%20c")
    assert shown["query"] == [["q", "1"], ["q", HOSTILE], ["z", "é&="]]
    assert preview(CASES["list"], TARGET)["body"] == [1, None, True, {"a": HOSTILE}]
    assert "body" not in preview(CASES["bare"], TARGET)


def test_what_curl_cannot_say_it_does_not_say_wrongly() -> None:
    for body in ({"a=b": "c"}, {"a": "\u200bunseen"}):
        case = request(Call(path={"id": 1}, body=body, encoding="multipart"))
        with pytest.raises(InvalidArguments, match="Ask for python or typescript"):
            written(case, "curl", TARGET)
        assert written(case, "python", TARGET)
