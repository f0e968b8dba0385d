"""Secrets, keys, arguments and bodies are planted in all that can go wrong, and found nowhere that they may not be.

secret             nowhere, in no spelling, whoever sends it back
connection key     nowhere either; who sends one that is not theirs may be told in their own words that it is none
arguments, bodies  in results, since they are what was asked for; never in a log, on stderr or in the audit
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import PIPE
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes

import anyio
import pytest
from anyio.abc import ByteReceiveStream, Process
from mcp import Client
from mcp.shared.exceptions import MCPError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pica_mcp import api
from pica_mcp.app import App, open_app
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.catalog import GROWN, Action, Connector, Platform, in_body, in_header, in_path, in_query
from pica_mcp.sandbox.faults import Busy, Delay, Drip, Fault, GzipBomb, Gzipped, Hang, Huge, NotHttp, Reset, Truncated
from pica_mcp.sandbox.lists import Altered, Drifting, Repeating
from pica_mcp.sandbox.upstream import Call, Reply
from pica_mcp.server import build
from pica_mcp.settings import load

LIST, SEARCH = "list_pica_integrations", "search_pica_platform_actions"
KNOWLEDGE, EXECUTE = "get_pica_action_knowledge", "execute_pica_action"
POST, GET = "canary_post_note", "canary_list_notes"
PASSTHROUGH, CONNECTIONS = "/v1/passthrough", "/v1/vault/connections"

# As awkward as a secret can be; each half is a word that nothing else has.
SECRET = 'sk_live_1_HeadOfCanary7Q/+="&{TailOfCanary9Z'
NEXT_SECRET = "sk_live_2_HeadOfHeron4W\\%'+/=TailOfHeron5K"
SECRETS = {"HeadOfCanary7Q", "TailOfCanary9Z", "HeadOfHeron4W", "TailOfHeron5K", SECRET, NEXT_SECRET}

ARGUMENTS = {
    "path": "PathOfFinch1", "query": "QueryOfFinch2", "header": "HeaderOfFinch3", "body": "BodyOfFinch4",
    "name": "NameOfFinch5", "id": "IdOfFinch6", "label": "LabelOfFinch7", "uri": "UriOfFinch8", "rpc": "RpcOfFinch9",
}  # fmt: skip
ANSWER = "AnswerOfWren1"
QUIET = {*ARGUMENTS.values(), ANSWER}


# How a word can be written


def spellings(word: str) -> set[bytes]:
    """Return the ways in which a word is written by whoever sends it back; lower case is left to the search."""
    plain = json.dumps(word)[1:-1]
    raw = word.encode()
    found = {word, plain, json.dumps(plain)[1:-1], plain.replace("/", "\\/")}
    found |= {quote(word, safe=""), quote_plus(word), quote(quote(word, safe=""), safe="")}
    found |= {"".join(f"\\u{ord(char):04x}" if not char.isalnum() else char for char in word), raw.hex()}
    return {one.encode() for one in found} | {one for before in range(3) for one in in_base64(raw, before)}


def in_base64(raw: bytes, before: int) -> Iterator[bytes]:
    """Yield the letters that are the word's alone, with so many bytes before it, in both alphabets and in URLs."""
    encoded = base64.b64encode(bytes(before) + raw)
    core = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
    yield core
    yield core.translate(bytes.maketrans(b"+/", b"-_"))
    yield quote(core, safe="").encode()


def hits(data: bytes, words: Iterable[str]) -> list[str]:
    """Return where the words are in the data, as it is and with its escapes undone."""
    undone = re.sub(rb"\\+u00([0-9a-fA-F]{2})", rb"%\1", data)
    for _ in range(3):
        undone = unquote_to_bytes(undone.replace(b"\\", b""))
    places = (data.lower(), undone.lower())
    return sorted({
        f"{word} as {spelt!r} in …{place[max(0, at - 80) : at + 80]!r}…"
        for word in words
        for spelt in spellings(word) | spellings(word.replace("\\", ""))
        for place in places
        if (at := place.find(spelt.lower())) >= 0
    })  # fmt: skip


def everything_said(*words: str) -> str:
    """Return text with the words in every spelling, as a careless provider could write it."""
    lines = [f"{word} and " + " and ".join(one.decode() for one in sorted(spellings(word))) for word in words]
    for word in words:
        for user in ("", "u", "us", "use"):
            lines.append("Basic " + base64.b64encode(f"{user}:{word}".encode()).decode())
            lines.append("Basic " + base64.urlsafe_b64encode(f"{user}{word}:x".encode()).decode())
    return "\n".join(lines)


@pytest.mark.parametrize("word", [SECRET, NEXT_SECRET, "HeadOfCanary7Q", ANSWER])
def test_what_is_looked_for_is_found_in_every_spelling(word: str) -> None:
    for spelt in spellings(word):
        assert hits(b"x" + spelt + b"y", [word])
        assert hits(json.dumps(spelt.decode()).encode(), [word])
    assert hits(base64.b64encode(f"user:{word}".encode()), [word])
    assert hits(json.dumps({"text": json.dumps({"a": word})}).encode(), [word])
    assert not hits(b'{"secret":"[hidden]","HeadOf":"Canary"}', [word])


# The account


def answer(_world: None, call: Call) -> Reply:
    return Reply(body={"answer": ANSWER, "path": dict(call.path), "body": call.body.decode()})


def aviary() -> Platform:
    inputs = (
        in_path("note", "Which."), in_query("words", "string", "Words."), in_header("X-Trace", "A name for it."),
    )  # fmt: skip
    body = (in_body("text", "string", "What it says."),)
    actions = [
        Action("canary", "POST", "/v1/{{note}}/post", "Post a Note", "Note", answer, "Posts.", (*inputs, *body)),
        Action("canary", "GET", "/v1/{{note}}/list", "List Notes", "Note", answer, "Lists.", inputs),
    ]
    numbered = [replace(action, number=GROWN + number) for number, action in enumerate(actions)]
    connector = Connector("canary", "Canary", "Birds", "A bird", authkit=False)
    return Platform(connector, "https://canary.example", numbered, lambda _key, _label: None, lambda s: Reply(s, {}))


@dataclass
class Account:
    """A sandbox with one account of the canary's, and what a careless provider knows of it."""

    box: Sandbox
    key: str

    @property
    def token(self) -> str:
        return self.key.split("::")[-1].split("|")[0]

    @property
    def hidden(self) -> set[str]:
        """What nobody may read: both secrets and the key, and their halves."""
        return SECRETS | {self.key, self.token, self.token[:16], self.token[16:]}

    @property
    def echo(self) -> str:
        """All that came with a request, in every spelling, and more."""
        return " ".join((everything_said(SECRET, NEXT_SECRET, self.key), *sorted(QUIET)))

    @property
    def looking(self) -> str:
        """The same for a look at the catalogue, with which no key comes; and still Pica may tell one."""
        return " ".join((self.key, everything_said(SECRET), *sorted(QUIET)))


@pytest.fixture
def account() -> Account:
    box = Sandbox(extra=[aviary()])
    box.rotate(SECRET)
    key = box.connect("canary", identity="ada", identity_type="user", name="Cage")
    return Account(box, key)


def arguments(tool: str) -> dict[str, Any]:
    group = {"note": ARGUMENTS["path"], "words": ARGUMENTS["query"], "X-Trace": ARGUMENTS["header"]}
    return group | ({"text": ARGUMENTS["body"]} if tool == POST else {})


def passthrough_faults(echo: str) -> list[tuple[tuple[Fault, ...], dict[str, Any]]]:
    """Return every fault, each with an answer that tells what it should not where it can tell anything."""
    by_provider = {"x-pica-passthrough-x": echo.splitlines()[0]}
    line = " ".join(echo.split())
    told: dict[str, Any] = {"status": 400, "body": {"error": {"message": echo}, "more": [echo]}, "headers": by_provider}
    raw = {"status": 400, "body": echo, "headers": by_provider}
    half = len(json.dumps(told["body"])) // 2
    statuses = (200, 301, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 418, 422, 501)
    own = {"type": "x", "key": "err::x", "message": line, "meta": {"echo": line}}
    kind = "x-pica-passthrough-content-type"
    return [
        ((Delay(0.01),), told), ((Drip(1_000, 0.001),), told), ((Gzipped(),), told), ((Gzipped(), Delay(0.01)), raw),
        ((Reset(),), told), ((Reset(after_bytes=half),), told), ((Truncated(half),), told), ((Truncated(0),), told),
        ((NotHttp(line.encode() + b"\r\n\r\n"),), {}),
        ((NotHttp(b"HTTP/1.1 200 " + line.encode() + b"\r\n\r\n"),), {}),
        ((NotHttp(b"HTTP/1.1 200 OK\r\n" + line.encode()[:900] + b": x\r\n\r\n"),), {}),
        ((NotHttp(b"HTTP/1.1 200 OK\r\ncontent-length: " + line.encode()[:900] + b"\r\n\r\n"),), {}),
        ((NotHttp(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + line.encode() + b"\r\n"),), {}),
        ((Huge(6_000_000),), {}), ((GzipBomb(200_000_000),), {}), ((Busy(0),), {}), ((Busy(3_600),), {}),
        *(((), {**told, "status": status}) for status in statuses),
        *(((), {**raw, "status": status}) for status in (200, 403, 404, 500, 502, 503, 504)),
        *(((), {"status": status, "body": own}) for status in (400, 401, 403, 404, 422, 500, 503)),
        ((), {"status": 429, "body": own, "headers": by_provider}), ((), {"status": 403, "body": echo}),
        ((), {"status": 200, "body": {"ok": False, "error": echo}, "headers": by_provider}),
        ((), {"status": 200, "body": {"errors": [{"message": echo}]}, "headers": by_provider}),
        ((), {"status": 200, "body": echo.encode("utf-16"), "headers": by_provider}),
        ((), {"status": 200, "body": echo, "headers": {kind: "text/plain; " + line[:900]}}),
        ((), {"status": 200, "body": b"\xff" + echo.encode(), "headers": {kind: line[:900]}}),
        ((), {"status": 302, "body": echo, "headers": {"location": line[:900], **by_provider}}),
        ((), {"status": 200, "body": echo, "headers": {"content-encoding": "gzip"}}),
        ((), {"status": 200, "body": gzip.compress(echo.encode())[:-20], "headers": {"content-encoding": "gzip"}}),
        ((), {"status": 429, "body": echo, "headers": {"x-pica-passthrough-retry-after": line[:900]}}),
        ((), {"status": 202, "body": "x" * (api.MAX_RESPONSE_BYTES - 20) + line, "headers": by_provider}),
    ]  # fmt: skip


# The program as a child

UNPAUSED = """
from pica_mcp import retries
retries._BASE_SECONDS = retries._THROTTLED_BASE_SECONDS = 0
from pica_mcp.__main__ import main
main()
"""
"""The program, which tries again without a pause."""


@dataclass
class Child:
    """The program and its pipes. Every byte that it writes is kept; `meta` is what the newer era sends along."""

    process: Process
    meta: dict[str, Any]
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    called: list[str] = field(default_factory=list[str])
    _sent: int = 0
    _read: int = 0
    _answers: dict[Any, dict[str, Any]] = field(default_factory=dict[Any, dict[str, Any]])
    _heard: anyio.Event = field(default_factory=anyio.Event)

    async def keep(self, source: ByteReceiveStream, kept: bytearray) -> None:
        async for chunk in source:
            kept += chunk
            while (end := self.stdout.find(b"\n", self._read)) >= 0:
                message = json.loads(self.stdout[self._read : end])  # whatever is on stdout is the protocol's
                self._read = end + 1
                self._answers[message.get("id")] = message
            self._heard.set()
            self._heard = anyio.Event()

    async def write(self, line: bytes) -> None:
        assert self.process.stdin
        await self.process.stdin.send(line + b"\n")

    async def ask(self, method: str, /, **params: Any) -> int:
        self._sent += 1
        given = params | ({"_meta": self.meta} if self.meta else {})
        message = {"jsonrpc": "2.0", "id": self._sent, "method": method, "params": given}
        await self.write(json.dumps(message).encode())
        return self._sent

    async def answer(self, number: Any) -> dict[str, Any]:
        while number not in self._answers:
            await self._heard.wait()
        return self._answers.pop(number)

    async def request(self, method: str, /, **params: Any) -> dict[str, Any]:
        return await self.answer(await self.ask(method, **params))

    async def start(self, tool: str, given: Any = None) -> int:
        number = await self.ask("tools/call", name=tool, arguments=arguments(tool) if given is None else given)
        self.called.append(str(number))
        return number

    async def call(self, tool: str, given: Any = None) -> dict[str, Any]:
        return await self.answer(await self.start(tool, given))

    async def cancel(self, number: int) -> None:
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}
        await self.write(json.dumps(note).encode())


@asynccontextmanager
async def child(newer: bool, **variables: str) -> AsyncGenerator[Child]:  # noqa: FBT001
    info = {"name": "t", "version": "1"}
    newest = "io.modelcontextprotocol/"
    meta = {f"{newest}protocolVersion": "2026-07-28", f"{newest}clientInfo": info, f"{newest}clientCapabilities": {}}
    env = {"PATH": "/usr/bin:/bin", "PICA_IDENTITY": "ada", "PICA_LOG_LEVEL": "debug", **variables}
    command = [sys.executable, "-c", UNPAUSED]
    async with await anyio.open_process(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        program = Child(process, meta if newer else {})
        with anyio.fail_after(60):
            async with anyio.create_task_group() as pipes:
                pipes.start_soon(program.keep, process.stdout, program.stdout)
                pipes.start_soon(program.keep, process.stderr, program.stderr)
                if not newer:
                    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
                    await program.request("initialize", **hello)
                    await program.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
                yield program
                await process.stdin.aclose()
            assert await process.wait() == 0


async def meet_every_fault(program: Child, account: Account) -> None:
    """Call through the passthrough as everything goes wrong with it, one after another."""
    for faults, told in passthrough_faults(account.echo):
        # Reads are repeated, which takes a while; what differs by that is told in milliseconds, or once.
        reads = faults[:1] in ((Reset(),), (Busy(0),)) or told.get("status") in (200, 400, 401, 404)
        for tool in (POST, GET) if reads else (POST,):
            account.box.fail(PASSTHROUGH, *faults, **told, times=None)
            answer = await program.call(tool)
            assert "result" in answer, (faults, told, answer)
            account.box.heal()
    account.box.fail(PASSTHROUGH, Hang())
    hanging = await program.start(POST)
    await account.box.until_pending(1)
    await program.cancel(hanging)
    await account.box.until_pending(0)
    assert ANSWER in json.dumps(await program.call(GET))


CATALOGUE: dict[str, tuple[str, dict[str, Any]]] = {
    CONNECTIONS: (LIST, {}),
    "/v1/available-connectors": (LIST, {"query": "birds"}),
    "/v1/available-actions/search": (SEARCH, {"platform": "canary", "query": ARGUMENTS["query"]}),
    "/v1/available-actions/exa": (EXECUTE, {"platform": "exa", "actionId": ARGUMENTS["id"]}),
    "/v1/knowledge": (KNOWLEDGE, {"platform": "canary", "actionId": "conn_mod_def::" + ARGUMENTS["id"]}),
}
"""Where Pica tells what exists, and a call that has it asked."""


async def meet_a_broken_catalogue(program: Child, account: Account) -> None:
    line = " ".join((everything_said(NEXT_SECRET), account.looking)).replace("\n", " ")
    own = {"type": "x", "key": "err::x", "message": line}
    bodies: tuple[tuple[int, Any], ...] = (
        (400, own), (403, line), (200, line), (200, {"rows": line, "total": line}), (302, line),
    )  # fmt: skip
    for prefix, (tool, given) in CATALOGUE.items():
        for status, body in bodies:
            cut = [Truncated(500)] if tool == SEARCH and status == 302 else []
            account.box.fail(prefix, *cut, status=status, body=body, times=None)
            assert "result" in await program.call(tool, given)
            account.box.heal()


MALFORMED = ("a", "b", "c", "d")
"""Ids of requests that are none."""


async def say_what_is_no_request(program: Child) -> None:
    """Send what the protocol does not know, with words in it that must not reach the log."""
    rpc, meta = ARGUMENTS["rpc"], {"_meta": program.meta} if program.meta else {}
    odd: list[dict[str, Any]] = [
        {"id": "a", "method": "tools/call", "params": rpc},
        {"id": "b", "method": rpc, "params": {"x": rpc, **meta}},
        {"id": "c", "method": "tools/call", "params": {"name": [rpc], "arguments": rpc, **meta}},
        {"id": "d", "method": "tools/call", "params": {"name": LIST, "arguments": [rpc], **meta}},
        {"id": rpc, "result": {"x": rpc}},
        {"id": 999_999, "error": {"code": 1, "message": rpc}},
        {"method": f"notifications/{rpc}", "params": {"x": rpc}},
        {"method": "notifications/cancelled", "params": {"requestId": rpc, "reason": rpc}},
        {"method": "notifications/cancelled", "params": rpc},
        {"method": "notifications/progress", "params": {"progressToken": rpc, "progress": rpc}},
    ]
    lines = [json.dumps({"jsonrpc": "2.0", **message}) for message in odd]
    for line in (*lines, rpc, f'"{rpc}"', "[" * 50_000 + f'"{rpc}"', f'{{"jsonrpc":"2.0","id":1e999,"method":"{rpc}"'):
        await program.write(line.encode())
    for number in MALFORMED:
        assert "error" in await program.answer(number)
    label, uri = ARGUMENTS["label"], f"pica://connections/canary/{ARGUMENTS['uri']}"
    assert "error" in await program.call(ARGUMENTS["name"], {"x": ARGUMENTS["body"]})
    for given in (
        {"words": label},
        {"note": "x", label: label},
        {"note": [label]},
        {"note": "..", "words": {label: label}},
    ):
        assert (await program.call(POST, given))["result"]["isError"]
    for key in (label, f"live::canary::default::{label}"):
        assert (await program.call(POST, {"note": "x", "connection": key}))["result"]["isError"]
        ask = {"platform": "canary", "actionId": ARGUMENTS["id"], "connectionKey": key, "headers": {label: label}}
        assert (await program.call(EXECUTE, ask))["result"]["isError"]
    assert "error" in await program.request("resources/read", uri=uri)
    await program.request("resources/subscribe", uri=uri)
    ref = {"type": "ref/resource", "uri": "pica://connections/{platform}/{label}"}
    for argument in ({"name": "platform", "value": label}, {"name": label, "value": label}):
        await program.request("completion/complete", ref=ref, argument=argument, context={"arguments": {"x": label}})
    await program.request("prompts/get", name=ARGUMENTS["name"], arguments={"x": label})


async def look_at_everything(program: Child) -> list[dict[str, Any]]:
    listed = await program.request("resources/list")
    found = [listed, await program.request("tools/list"), await program.request("resources/templates/list")]
    uris = [resource["uri"] for resource in listed["result"]["resources"]]
    return [*found, *[await program.request("resources/read", uri=uri) for uri in uris]]


@pytest.mark.parametrize(("newer", "to_file"), [(False, True), (True, False)], ids=["file", "stderr"])
async def test_no_byte_that_the_program_writes_tells_what_it_should_not(
    account: Account,
    tmp_path: Path,
    newer: bool,  # noqa: FBT001
    to_file: bool,  # noqa: FBT001
) -> None:
    audit, secret = tmp_path / "audit.jsonl", tmp_path / "secret"
    secret.write_text(SECRET)
    where = str(audit) if to_file else "stderr"
    async with (
        account.box.listening() as url,
        child(newer, PICA_BASE_URL=url, PICA_SECRET_FILE=str(secret), PICA_AUDIT=where) as program,
    ):
        await look_at_everything(program)
        assert ANSWER in json.dumps(await program.call(GET))
        # From here on there are two secrets.
        account.box.rotate(NEXT_SECRET)
        secret.write_text(NEXT_SECRET)
        assert ANSWER in json.dumps(await program.call(GET))
        for told in (everything_said(SECRET), everything_said(NEXT_SECRET), everything_said(account.key)):
            account.box.fail(PASSTHROUGH, status=400, body={"error": told}, headers={"x-pica-passthrough-x": "1"})
            assert "[hidden]" in json.dumps(await program.call(POST))
        await meet_every_fault(program, account)
        await meet_a_broken_catalogue(program, account)
        await say_what_is_no_request(program)
        await look_at_everything(program)
    lines = program.stderr.splitlines()
    records = audit.read_bytes().splitlines() if to_file else [line for line in lines if line.startswith(b"{")]
    assert b"there is another one now" in program.stderr  # so it is the log that is looked at
    assert b"Traceback" not in program.stderr
    written = Counter(json.loads(record)["request"] for record in records)
    assert written - Counter(MALFORMED) == Counter(program.called)  # what is no call may have a line, but only one
    assert {"ok", "error", "invalid", "denied", "cancelled", "unknown"} <= {
        json.loads(one)["outcome"] for one in records
    }
    files = audit.read_bytes() if to_file else b""
    assert hits(bytes(program.stdout + program.stderr + files), account.hidden) == []
    assert hits(bytes(program.stderr + files), QUIET) == []
    assert hits(bytes(program.stdout), {ANSWER, ARGUMENTS["body"]})  # so it is the answers that are looked at


# In this process, where more can be broken


@dataclass
class Witness:
    """All that one application says, in whatever way."""

    app: App
    client: Client
    audit: Path
    log: pytest.LogCaptureFixture
    heard: list[str] = field(default_factory=list[str])
    calls: int = 0

    async def call(self, tool: str, given: dict[str, Any]) -> str:
        self.calls += 1
        return await self._hear(self.client.call_tool(tool, given))

    async def look(self) -> None:
        await self._hear(self.client.list_tools(cache_mode="refresh"))
        listed = await self._hear(self.client.list_resources(cache_mode="refresh"))
        uris = re.findall(r'"uri":"(.+?)"', listed)
        for uri in [*uris[:20], "pica://platforms/canary", "pica://connections/canary/Cage"]:
            await self._hear(self.client.read_resource(uri, cache_mode="refresh"))

    async def _hear(self, asked: Any) -> str:
        try:
            said = (await asked).model_dump_json(by_alias=True)
        except MCPError as error:
            said = f"{error} {error.error.model_dump_json()}"
        self.heard.append(said)
        return said

    def assert_quiet(self, hidden: Iterable[str], quiet: Iterable[str], *, lines: int | None = None) -> None:
        """Nothing of what is hidden was said, and of what is quiet nothing where a person or a program reads later."""
        log = "\n".join(map(logging.Formatter("%(levelname)s %(name)s %(message)s").format, self.log.records))
        record = self.audit.read_bytes()
        assert len([json.loads(line) for line in record.splitlines()]) == (self.calls if lines is None else lines)
        assert hits("\n".join(self.heard).encode() + log.encode() + record, hidden) == []
        assert hits(log.encode() + record, quiet) == []


@pytest.fixture
def witness(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("WARNING")
    caplog.set_level("DEBUG", "pica_mcp")

    @asynccontextmanager
    async def witness(
        url: str = "https://pica.test", pica: Any = None, mode: str = "auto", secret: str = SECRET
    ) -> AsyncGenerator[Witness]:
        audit = tmp_path / "audit.jsonl"
        audit.unlink(missing_ok=True)
        variables = {"PICA_SECRET": secret, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada", "PICA_AUDIT": str(audit)}
        with anyio.fail_after(30):
            async with open_app(load({}, variables), pica) as app, Client(build(app), mode=mode) as client:  # pyright: ignore[reportArgumentType]
                yield Witness(app, client, audit, caplog)

    return witness


def catalogue_faults(echo: str) -> list[tuple[tuple[Fault, ...], dict[str, Any]]]:
    line = " ".join(echo.split())
    own = {"type": "x", "key": "err::x", "message": line}
    return [
        ((Delay(0.01),), {}), ((Drip(2_000, 0),), {}), ((Gzipped(),), {}), ((Hang(),), {}), ((Reset(),), {}),
        ((Reset(after_bytes=50),), {}), ((Truncated(50),), {"status": 400, "body": own}),
        ((NotHttp(line.encode() + b"\r\n\r\n"),), {}),
        ((NotHttp(b"HTTP/1.1 200 OK\r\n" + line.encode()[:900] + b": x\r\n\r\n"),), {}),
        ((Huge(17_000_000),), {}), ((GzipBomb(100_000_000),), {}), ((Busy(3_600),), {}),
        ((Altered({"rows": None}),), {}), ((Altered({"rows": line, "total": line}),), {}),
        ((Altered({"rows": [line, {"key": line, "platform": line, "title": line}], "pages": 1}),), {}),
        ((Repeating(1),), {}), ((Drifting(1),), {}),
        *(((), {"status": status, "body": own}) for status in (400, 401, 403, 404, 422, 429, 500, 503)),
        ((), {"status": 403, "body": line}), ((), {"status": 200, "body": line}), ((), {"status": 200, "body": own}),
        ((), {"status": 302, "body": line, "headers": {"location": line[:900]}}),
        ((), {"status": 200, "body": line, "headers": {"content-encoding": "gzip"}}),
    ]  # fmt: skip


@pytest.mark.parametrize("prefix", CATALOGUE)
async def test_a_catalogue_that_breaks_in_every_way_tells_nothing(account: Account, witness: Any, prefix: str) -> None:
    tool, given = CATALOGUE[prefix]
    async with account.box.listening() as url:
        for faults, told in catalogue_faults(account.looking):
            if isinstance(next(iter(faults), None), Huge) and prefix != CONNECTIONS:  # one and the same way in all
                continue
            account.box.fail(prefix, *faults, **told, times=None)
            async with witness(url) as one:
                if faults == (Hang(),):
                    async with anyio.create_task_group() as calls:
                        calls.start_soon(one.call, tool, given)
                        await account.box.until_pending(1)
                        calls.cancel_scope.cancel()
                else:
                    await one.call(tool, given)
                    await one.look()
                    await one.call(GET, arguments(GET))
            account.box.heal()
            one.assert_quiet(account.hidden, QUIET)


@dataclass
class Poisoned:
    """A Pica whose every text holds a word, and which knows nothing else."""

    word: str
    key: str = "live::canary::default::0123456789abcdef0123456789abcdef|ada"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(Request(scope, receive))(scope, receive, send)

    def _response(self, request: Request) -> Response:
        texts = sorted(one.decode() for one in spellings(self.word))
        match request.url.path.strip("/").split("/")[1:]:
            case ["vault", "connections"]:
                rows = [self._connection(number, told) for number, told in enumerate(["Cage", *texts])]
                rows += [{**self._connection(99, "x"), "platform": self.word}]
            case ["available-connectors"]:
                rows = [
                    {"platform": platform, "name": told, "category": told, "description": told}
                    for platform, told in (
                        ("canary", texts[0]),
                        (self.word, "x"),
                        *((f"bird-{n}", t) for n, t in enumerate(texts)),
                    )
                ]
            case ["available-actions", "search", _]:
                return JSONResponse(self._actions(texts))
            case ["available-actions", _]:
                rows = self._actions(texts)
            case ["knowledge"]:
                rows = self._documents(texts)
                wanted = request.query_params.get("_id")
                rows = [row for row in rows if wanted in (None, row["_id"])]
            case _:
                return JSONResponse({"answer": texts * 20}, headers={"x-pica-passthrough-x": "1"})
        return JSONResponse({"rows": rows, "total": len(rows), "pages": 1})

    def _connection(self, number: int, told: str) -> dict[str, Any]:
        facts = {
            "key": self.key.replace("::0", f"::{number:x}"),
            "environment": "live",
            "identity": "ada",
            "tags": [told],
        }
        return {**facts, "platform": "canary", "name": told, "state": told, "createdAt": told, "identityType": told}

    def _actions(self, texts: list[str]) -> list[dict[str, Any]]:
        return [
            {"systemId": f"conn_mod_def::{n}::x", "title": f"Read {t}", "key": t, "method": "GET", "platform": "canary",
             "path": f"/{t}/{n}", "tags": [t], "modelName": t}
            for n, t in enumerate(["plain", *texts])
        ]  # fmt: skip

    def _documents(self, texts: list[str]) -> list[dict[str, Any]]:
        told = " ".join(texts)
        schema = {"type": "string", "description": told, "enum": texts}
        groups = {
            place: {"properties": {"a": schema, self.word: schema}} for place in ("path", "query", "headers", "body")
        }
        return [
            {
                **row,
                "_id": row["systemId"],
                "knowledge": f"# {told}",
                "ioSchema": {"inputSchema": {"properties": groups}},
            }
            for row in self._actions(texts)
        ]


@pytest.mark.parametrize("word", [SECRET, NEXT_SECRET, "sk_live_3_SlugOfRobin7"])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_catalogue_that_holds_the_secret_everywhere_shows_it_nowhere(
    witness: Any, word: str, mode: str
) -> None:
    pica = Poisoned(word)
    async with witness(pica=pica, mode=mode, secret=word) as one:
        await one.look()
        for query in ({}, {"query": "canary"}, {"query": "bird"}):
            await one.call(LIST, query)
        assert "[hidden]" in await one.call(SEARCH, {"platform": "canary", "query": "x"})
        for number in range(4):
            known = {"platform": "canary", "actionId": f"conn_mod_def::{number}::x"}
            assert "[hidden]" in await one.call(KNOWLEDGE, known)
            await one.call(EXECUTE, known | {"connectionKey": "Cage"})
            for written in ("code", "preview", "mock"):
                await one.call("build_pica_request", known | {"mode": written, "arguments": {"a": word}})
            cut = await one.call("read_pica_action", known | {"connectionKey": "Cage", "max_result_tokens": 200})
            assert number or "get_pica_result" in cut
            for result_id in re.findall(r"\br_[\w-]{16}", cut):
                await one.call("get_pica_result", {"id": result_id, "max_result_tokens": 50_000})
                await one._hear(one.client.read_resource(f"pica://results/{result_id}"))
        await one._hear(one.client.list_prompts())
        for name, taken in (("do_task", {"task": "x"}), ("explore_platform", {"platform": "canary"})):
            assert "Connected now" in await one._hear(one.client.get_prompt(name, taken))
        assert "[hidden]" in "".join(one.heard[:1])
        for uri in ("pica://platforms", "pica://actions/conn_mod_def::0::x"):
            await one._hear(one.client.read_resource(uri))
    one.assert_quiet({word, pica.key.split("::")[-1].split("|")[0]}, [])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("where", [PASSTHROUGH, *CATALOGUE])
async def test_a_crash_inside_is_told_without_a_word_of_what_was_in_hand(
    account: Account, witness: Any, mode: str, where: str
) -> None:
    """What breaks has the arguments in hand, and many an exception shows them."""

    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(where):
            await account.box.app(scope, receive, send)
            return
        raise ExceptionGroup(account.echo, [RuntimeError(account.echo)]) from KeyError(account.echo)

    async with witness(pica=breaking, mode=mode) as one:
        tool, given = CATALOGUE.get(where, (POST, arguments(POST)))
        said = await one.call(tool, given)
        await one.look()
        await one.call(POST, arguments(POST))
        one.app.watch.begin()  # looks by itself
        await anyio.wait_all_tasks_blocked()
    assert ("following the account failed" in one.log.text) is (where in (CONNECTIONS, "/v1/knowledge"))
    assert "failed inside" in said or where == "/v1/available-connectors"
    assert "RuntimeError" in one.log.text  # the operator finds what it was, and where
    assert "test_canary.py" in one.log.text
    outcomes = [json.loads(line)["outcome"] for line in one.audit.read_bytes().splitlines()]
    assert "crashed" in outcomes or where == "/v1/available-connectors"
    one.assert_quiet(account.hidden, QUIET)
