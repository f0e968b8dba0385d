"""The secret on its way: rotated while the server runs, refused, hanging, echoed; and never seen."""

from __future__ import annotations

import base64
import json
import logging
import shlex
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import anyio.lowlevel
import pytest

from pica_mcp import api as room
from pica_mcp import secret as secret_room
from pica_mcp import toolbox
from pica_mcp.access import Identity
from pica_mcp.api import MAX_RESPONSE_BYTES, Endpoint, PicaAPI, open_api
from pica_mcp.errors import PicaError, SecretRefused, SecretUnavailable, Unreachable, UpstreamRefused
from pica_mcp.passthrough import Request
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.secret import Command, Fixed, Secret

CANARY = "sk_live_1_canary-in_the-coal_mine"
NEW = "sk_live_2_rotated"
KEY = "live::gmail::default::0123456789abcdef|ada"
PASSTHROUGH = "/v1/passthrough"
REFUSED = "Pica refuses the secret of this server."
MAIL = {"connection": "Work", "to": "grace@example.com", "subject": "Only once", "body": "B"}
SEND = Request("POST", "/things", (), (), KEY, "conn_mod_def::one::1", b"{}")


@asynccontextmanager
async def opened(where: Any, secret: Secret) -> AsyncGenerator[PicaAPI]:
    async def at_once(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    with anyio.fail_after(20):
        async with open_api(Endpoint("https://pica.test", secret), where, sleep=at_once, chance=lambda: 0.5) as api:
            yield api


def told_by(keyholder: Any, clock: Callable[[], float] | None = None) -> Secret:
    command = Command(tuple(shlex.split(keyholder.command)))
    return Secret(command, clock) if clock else Secret(command)


async def rotated(keyholder: Any) -> Secret:
    """A secret that was read before it was rotated: the old one is known, the new one is told when asked again."""
    keyholder.tells(CANARY)
    secret = told_by(keyholder)
    await secret.get()
    keyholder.tells(LIVE_SECRET)
    return secret


def secrets_of(box: Sandbox, prefix: str = PASSTHROUGH) -> list[str | None]:
    """The secrets with which the sandbox was asked for something, in order."""
    return [one.header("x-pica-secret") for one in box.requests if one.path.startswith(prefix)]


# Rotated while the server runs


async def mailed(app: Any, box: Sandbox, said: Any) -> list[str]:
    """Send a mail through the account, and return the subjects of those that arrived."""
    sent = await app.pipeline.call(app.caller, "gmail_send_email", MAIL)
    assert not sent.is_error, said(sent)
    read = await app.pipeline.call(app.caller, "gmail_get_emails", {"connection": "Work"})
    return [mail["subject"] for mail in json.loads(said(read))["emails"] if mail["subject"] == MAIL["subject"]]


@pytest.mark.parametrize("kind", ["file", "command"])
async def test_a_secret_that_is_rotated_while_the_server_runs_needs_no_restart(
    box: Sandbox, serve: Any, said: Any, keyholder: Any, tmp_path: Path, kind: str
) -> None:
    keyholder.tells(LIVE_SECRET)
    source = (
        {"PICA_SECRET_FILE": str(tmp_path / "told")} if kind == "file" else {"PICA_SECRET_COMMAND": keyholder.command}
    )
    async with serve(PICA_SECRET=None, **source) as app:
        assert await mailed(app, box, said) == ["Only once"]
        box.rotate(NEW)
        keyholder.tells(NEW)
        before = len(box.requests)
        assert await mailed(app, box, said) == ["Only once"] * 2  # the refused one did nothing
        asked = [(one.method, one.header("x-pica-secret")) for one in box.requests[before:]]
    assert asked == [("POST", LIVE_SECRET), ("POST", NEW), ("POST", NEW)]
    assert keyholder.runs == (0 if kind == "file" else 2)


async def test_what_is_looked_at_survives_a_rotation_as_well(
    box: Sandbox, serve: Any, keyholder: Any, tmp_path: Path
) -> None:
    keyholder.tells(LIVE_SECRET)
    async with serve(PICA_SECRET=None, PICA_SECRET_FILE=str(tmp_path / "told")) as app:
        before = await app.catalog.connections(app.caller.identity, fresh=True)
        box.rotate(NEW)
        keyholder.tells(NEW)
        assert await app.catalog.connections(app.caller.identity, fresh=True) == before
    assert secrets_of(box, "/v1/vault") == [LIVE_SECRET, LIVE_SECRET, NEW]


async def test_many_calls_with_the_old_secret_read_the_new_one_once(box: Sandbox, keyholder: Any) -> None:
    box.fail(f"{PASSTHROUGH}/things", status=200, body={}, headers={"x-pica-passthrough-x": "1"}, times=None, skip=50)
    keyholder.tells(LIVE_SECRET)
    async with opened(box.app, told_by(keyholder)) as api:
        await api.platforms()
        box.rotate(NEW)
        keyholder.tells(NEW)
        statuses: list[tuple[int, int]] = []

        async def send() -> None:
            response = await api.send(SEND)
            statuses.append((response.status, response.attempts))

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(send)
    assert statuses == [(200, 2)] * 50
    assert sorted(map(str, secrets_of(box))) == [LIVE_SECRET] * 50 + [NEW] * 50
    assert keyholder.runs == 2


async def test_a_secret_of_the_other_environment_opens_its_connections_only(
    box: Sandbox, serve: Any, said: Any, keyholder: Any, tmp_path: Path
) -> None:
    keyholder.tells(LIVE_SECRET)
    async with serve(PICA_SECRET=None, PICA_SECRET_FILE=str(tmp_path / "told")) as app:
        assert app.caller.environment() == ""
        assert await mailed(app, box, said)
        assert app.caller.environment() == "live"
        box.rotate("sk_live_nobody_has_this_one")
        box.rotate("sk_test_2_rotated", "test")
        keyholder.tells("sk_test_2_rotated")
        await app.catalog.connections(app.caller.identity, fresh=True)
        assert app.caller.environment() == "test"
        refused = await app.pipeline.call(app.caller, "gmail_send_email", MAIL)
        assert refused.is_error
        assert {key.split("::")[0] for key in map(str, sent_keys(box))} == {"live"}  # those from before


def sent_keys(box: Sandbox) -> list[str | None]:
    return [one.header("x-pica-connection-key") for one in box.requests if one.path.startswith(PASSTHROUGH)]


# Refused for good


async def test_a_wrong_secret_is_told_and_the_command_is_not_run_with_each_call(
    box: Sandbox, serve: Any, said: Any, keyholder: Any
) -> None:
    keyholder.tells(CANARY)
    words: list[str] = []
    async with serve(PICA_SECRET=None, PICA_SECRET_COMMAND=keyholder.command) as app:

        async def ask() -> None:
            result = await app.pipeline.call(app.caller, "list_pica_integrations", {})
            assert result.is_error
            words.append(said(result))

        for _ in range(2):
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(ask)
    assert words == [f"{REFUSED} Ask the operator to check PICA_SECRET_COMMAND."] * 100
    assert keyholder.runs == 2


async def test_a_call_is_sent_once_more_and_not_again(tmp_path: Path) -> None:
    box = Sandbox()
    code = "import os, sys; open(sys.argv[1], 'a').write('x'); print('sk_live_' + str(os.path.getsize(sys.argv[1])))"
    new_each_time = Command((sys.executable, "-I", "-S", "-c", code, str(tmp_path / "runs")))
    async with opened(box.app, Secret(new_each_time)) as api:
        with pytest.raises(SecretRefused):
            await api.send(SEND)
    assert secrets_of(box) == ["sk_live_1", "sk_live_2"]


async def test_a_read_that_was_refused_may_still_be_tried_again(keyholder: Any) -> None:
    box = Sandbox()
    box.fail("/v1/available-connectors", status=503, skip=1)
    async with opened(box.app, await rotated(keyholder)) as api:
        assert await api.platforms()
    assert secrets_of(box, "/v1") == [CANARY, LIVE_SECRET, LIVE_SECRET]


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (401, {"error": "invalid_token"}, {"x-pica-passthrough-content-type": "application/json"}),
        (401, b"", {"x-pica-passthrough-www-authenticate": "Bearer"}),
        (401, {"error": {"code": 401}}, {}),
        (403, {"message": "This grant does not cover it.", "correlationId": "c-1"}, {}),
        (403, "error code: 1010", {}),
        (404, "nothing here", {}),
    ],
    ids=["provider", "provider's header", "provider's shape", "grant", "filter", "other"],
)
async def test_what_is_not_picas_refusal_of_the_secret_reads_nothing_anew(
    keyholder: Any, status: int, body: Any, headers: dict[str, str]
) -> None:
    box = Sandbox()
    box.fail(PASSTHROUGH, status=status, body=body, headers=headers, times=None)
    keyholder.tells(LIVE_SECRET)
    async with opened(box.app, told_by(keyholder)) as api:
        try:
            response = await api.send(SEND)
        except UpstreamRefused:
            pass
        else:
            assert response.by_provider
    assert (len(box.requests), keyholder.runs) == (1, 1)


@pytest.mark.parametrize(("status", "body"), [(401, None), (401, "401 Unauthorized"), (403, "403 Forbidden")])
async def test_every_shape_of_picas_refusal_reads_the_secret_anew(keyholder: Any, status: int, body: Any) -> None:
    box = Sandbox()
    box.fail(PASSTHROUGH, status=status, body=body)
    box.fail(PASSTHROUGH, status=200, body={}, headers={"x-pica-passthrough-x": "1"})
    async with opened(box.app, await rotated(keyholder)) as api:
        response = await api.send(SEND)
    assert (response.status, response.attempts) == (200, 2)


async def test_the_shape_of_a_body_does_not_save_a_secret_that_picas_own_endpoint_refuses(keyholder: Any) -> None:
    box = Sandbox()
    box.fail("/v1/available-connectors", status=401, body={"message": "Unauthorized"})
    async with opened(box.app, await rotated(keyholder)) as api:
        assert await api.platforms()


# Not to be had

CALLS: list[Callable[[PicaAPI], Awaitable[object]]] = [
    lambda api: api.connections(Identity()),
    lambda api: api.platforms(),
    lambda api: api.actions("gmail"),
    lambda api: api.search("gmail", "x", execute=True),
    lambda api: api.knowledge("conn_mod_def::one::1"),
    lambda api: api.knowledge_of("gmail"),
    lambda api: api.whoami(),
    lambda api: api.send(SEND),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_secret_that_cannot_be_read_is_told_as_it_is_and_nothing_is_sent(
    keyholder: Any, call: Callable[[PicaAPI], Awaitable[object]]
) -> None:
    box = Sandbox()
    async with opened(box.app, told_by(keyholder)) as api:
        with pytest.raises(SecretUnavailable, match=r"^PICA_SECRET_COMMAND failed with exit code 1\."):
            await call(api)
    assert box.requests == []


async def test_a_server_without_its_secret_stays_up_says_why_and_recovers(
    box: Sandbox, serve: Any, said: Any, keyholder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_room, "_PAUSE_SECONDS", 0.0)
    async with serve(PICA_SECRET=None, PICA_SECRET_FILE=str(tmp_path / "told")) as app:
        listing = await app.pipeline.toolbox.list(app.caller)
        assert len(listing.tools) == len(app.pipeline.toolbox.fixed(app.caller))
        result = await app.pipeline.call(app.caller, "list_pica_integrations", {})
        assert said(result).startswith(f"PICA_SECRET_FILE is {str(tmp_path / 'told')!r}, which cannot be read: No such")
        with pytest.raises(SecretUnavailable):
            await app.resources.read(app.caller, "pica://connections")
        keyholder.tells(LIVE_SECRET)
        assert await mailed(app, box, said) == ["Only once"]


@pytest.mark.parametrize("refused_first", [False, True])
async def test_a_write_that_waited_for_the_secret_in_vain_was_never_applied(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gated: Any,
    refused_first: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    """Were it told as one that may have been, a model would look for what it never did."""
    monkeypatch.setattr(room, "DEADLINE_SECONDS", 1.0)
    box = Sandbox()
    async with gated() as gate:
        code = (
            "import os, sys; f = sys.argv[1]; began = os.path.exists(f); open(f, 'w').close();"
            f"(began or not int(sys.argv[3])) and exec(sys.argv[2]); print('{CANARY}')"
        )
        words = ("-I", "-S", "-c", code, str(tmp_path / "began"), gate.code, str(int(refused_first)))
        secret = Secret(Command((sys.executable, *words)))
        if refused_first:
            await secret.get()
        async with opened(box.app, secret) as api:
            with pytest.raises(Unreachable, match="nothing was sent"):
                await api.send(SEND)
        await gate.until(living=0)
    assert secrets_of(box) == [CANARY] * refused_first


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("tools", ["none", "auto"])
async def test_the_handshake_waits_for_no_command_and_closing_ends_it(
    converse: Any, monkeypatch: pytest.MonkeyPatch, mode: str, tools: str, gated: Any
) -> None:
    monkeypatch.setattr(toolbox, "LIST_WAIT_SECONDS", 0.2)
    async with gated() as gate:
        variables = {"PICA_SECRET": None, "PICA_SECRET_COMMAND": gate.command, "PICA_TOOLS": tools}
        async with converse(mode=mode, **variables) as client, anyio.create_task_group() as calls:
            assert len((await client.list_tools()).tools) == 7
            calls.start_soon(client.call_tool, "list_pica_integrations")
            await gate.until(living=1, dead=0)
            assert len((await client.list_tools()).tools) == 7  # though the command hangs
            calls.cancel_scope.cancel()
        await gate.until(living=0, dead=1)


# Never seen

SPELLED: dict[str, Callable[[str], str]] = {
    "plain": str,
    "url": lambda word: quote(word, safe=""),
    "base64": lambda word: base64.b64encode(word.encode()).decode(),
    "basic": lambda word: "Basic " + base64.b64encode(f"key:{word}".encode()).decode(),
    "hex": lambda word: word.encode().hex(),
}


def rows_with(echo: str) -> dict[str, Any]:
    """A page that is of every kind at once, with the echo in whatever is shown of it."""
    row = {
        "platform": "gmail", "connectionPlatform": "gmail", "name": f"N {echo}", "description": echo,
        "title": f"T {echo}",
        "key": "live::gmail::default::1|ada", "environment": "live", "identity": "ada", "identityType": "user",
        "state": "operational", "active": True, "tags": [echo], "_id": "conn_mod_def::one::1", "method": "GET",
        "systemId": "conn_mod_def::one::1", "path": f"/{echo}", "knowledge": f"# Doc\n{echo}", "user": {"name": echo},
    }  # fmt: skip
    return {"rows": [row], "pages": 1, "total": 1, "user": {"name": echo}}


@pytest.mark.parametrize("spell", SPELLED.values(), ids=SPELLED)
async def test_no_listing_tells_the_secret_that_it_echoes(spell: Callable[[str], str]) -> None:
    echo = spell(CANARY)
    box = Sandbox()
    box.fail("/v1", status=200, body=rows_with(echo), times=None)
    async with opened(box.app, Secret(Fixed(CANARY))) as api:
        for call in CALLS[:-1]:
            told = str(await call(api))
            assert "[hidden]" in told
            assert CANARY not in told
            assert echo not in told


async def test_a_listing_of_connections_tells_their_keys_to_us() -> None:
    """That is where they come from."""
    box = Sandbox()
    async with opened(box.app, Secret(Fixed(LIVE_SECRET))) as api:
        assert {one.key for one in await api.connections(Identity("ada"))} == set(box.keys("ada"))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_nothing_that_a_client_sees_tells_the_secret(
    box: Sandbox, converse: Any, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    caplog.set_level(logging.DEBUG)
    box.connect("gmail", identity="ada", identity_type="user", name=f"Named {LIVE_SECRET}")
    echo = {"x-pica-passthrough-content-type": f"text/plain; {LIVE_SECRET}"}
    box.fail(f"{PASSTHROUGH}/slack", status=400, body={"error": f"bad {LIVE_SECRET}"}, headers=echo, times=None)
    box.fail(f"{PASSTHROUGH}/gmail", status=200, body=f"you are {LIVE_SECRET}", headers=echo, times=None)
    seen: list[str] = []
    async with converse(mode=mode) as client:
        seen += [str(await client.list_tools()), str(await client.list_resources())]
        seen += [str(await client.read_resource(one.uri)) for one in (await client.list_resources()).resources]
        for name, arguments in (
            ("list_pica_integrations", {}),
            ("gmail_get_emails", {"connection": "Work"}),
            ("slack_post_message", {"channel": "general", "text": "x"}),
        ):
            seen.append(str(await client.call_tool(name, arguments)))
    assert [one for one in seen if LIVE_SECRET in one] == []
    assert sum("[hidden]" in one for one in seen) >= 5
    assert LIVE_SECRET not in caplog.text
    assert len(secrets_of(box)) == 2


FAILURES: dict[str, dict[str, Any]] = {
    "400": {"status": 400}, "401": {"status": 401}, "403": {"status": 403}, "404": {"status": 404},
    "429": {"status": 429}, "500": {"status": 500}, "503": {"status": 503}, "301": {"status": 301},
    "200": {"status": 200},
}  # fmt: skip


@pytest.mark.parametrize("facts", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize(
    "body",
    [
        {"key": "err::x", "message": f"{CANARY} and {KEY}"},
        f"no JSON: {CANARY}",
        b"\xff\xfe" + CANARY.encode(),
        {"rows": None, "message": f"{base64.b64encode(f'k:{CANARY}'.encode()).decode()} {KEY}"},
        f'{{"rows": [{{"platform": "{CANARY}"',
        {},
    ],
    ids=["json", "text", "bytes", "base64", "cut", "nothing"],
)
@pytest.mark.parametrize("call", [CALLS[1], CALLS[-1]], ids=["list", "send"])
async def test_no_error_and_no_log_tells_the_secret(
    facts: dict[str, Any],
    body: Any,
    call: Callable[[PicaAPI], Awaitable[object]],
    everything_of: Callable[[BaseException], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    box = Sandbox()
    headers = {"location": f"https://elsewhere.test/{CANARY}", "x-echo": CANARY}
    box.fail("/v1", body=body, headers=headers, times=None, **facts)
    shown = ""
    async with opened(box.app, Secret(Fixed(CANARY))) as api:
        try:
            shown = repr(await call(api))
        except PicaError as error:
            shown = everything_of(error)
    for hidden in ("canary", base64.b64encode(CANARY.encode()).decode()[:20], KEY):
        assert hidden not in shown
        assert hidden not in caplog.text


async def test_no_error_of_what_cannot_be_written_tells_a_key(everything_of: Callable[[BaseException], str]) -> None:
    """A UnicodeEncodeError would hold what it could not encode."""
    box = Sandbox()
    async with opened(box.app, Secret(Fixed(LIVE_SECRET))) as api:
        for odd in (
            Request("GET", "/things", (), (), f"{KEY}\ud800", "conn_mod_def::one::1"),
            Request("GET", "/things", (), (("prefer", f"{KEY}\ud800"),), KEY, "conn_mod_def::one::1"),
        ):
            with pytest.raises(PicaError) as caught:
                await api.send(odd)
            assert KEY not in everything_of(caught.value)


# The end of what is too long


@pytest.mark.parametrize("inside", [0, 1, 10, 20, len(CANARY) - 1, len(CANARY)])
async def test_a_secret_is_not_told_by_halves_where_a_body_is_cut(inside: int) -> None:
    box = Sandbox()
    body = b"x" * (MAX_RESPONSE_BYTES - inside) + CANARY.encode() + b"y" * 100_000
    box.fail(PASSTHROUGH, status=200, body=body, headers={"x-pica-passthrough-x": "1"})
    async with opened(box.app, Secret(Fixed(CANARY))) as api:
        response = await api.send(SEND)
    assert response.truncated
    rest = response.body.lstrip(b"x")
    assert rest.startswith(b"[hidden]"[: len(rest)])
    assert MAX_RESPONSE_BYTES - 100 < len(response.body) <= MAX_RESPONSE_BYTES


@pytest.mark.parametrize("extra", [1, 7, 65_536, 65_537, 200_000])
async def test_a_body_of_nothing_but_secrets_is_hidden_to_its_end(extra: int) -> None:
    box = Sandbox()
    whole, rest = divmod(MAX_RESPONSE_BYTES + extra, len(CANARY))
    body = CANARY.encode() * whole + b"x" * rest
    box.fail(PASSTHROUGH, status=200, body=body, headers={"x-pica-passthrough-x": "1"})
    async with opened(box.app, Secret(Fixed(CANARY))) as api:
        response = await api.send(SEND)
    assert response.truncated
    assert response.body
    assert b"sk_" not in response.body


@pytest.mark.parametrize("odd", [b"caf\xe9", b"plain", "世界".encode()], ids=["latin-1", "ascii", "utf-8"])
async def test_a_key_is_found_in_a_header_whatever_is_in_the_others(odd: bytes) -> None:
    """One that is no UTF-8 would have all of them taken for Latin-1, and a key with an accent would not be found."""
    key = "live::gmail::default::1|zoé 世界"

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"x-pica-passthrough-odd", odd), (b"x-pica-passthrough-echo", f"<{key}>".encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async with opened(answer, Secret(Fixed(LIVE_SECRET))) as api:
        response = await api.send(Request("GET", "/things", (), (), key, "conn_mod_def::one::1"))
    assert response.headers["echo"] == "<[hidden]>"
    assert response.headers["odd"] == odd.decode("utf-8", "replace")


async def test_a_header_that_is_named_like_the_secret_is_hidden() -> None:
    box = Sandbox()
    box.fail(PASSTHROUGH, status=200, body={}, headers={f"x-pica-passthrough-{CANARY}": "1"})
    async with opened(box.app, Secret(Fixed(CANARY))) as api:
        assert (await api.send(SEND)).headers["[hidden]"] == "1"
