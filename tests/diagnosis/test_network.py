"""The way to Pica: what stands in it is told by its cause, with the cure, and without who may pass a proxy."""

from __future__ import annotations

import errno
import os
import re
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from anyio.abc import ByteStream
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from setups import Authority, Machine, authority_in, says, serving

from pica_mcp.diagnosis import Group, Result, Status, account, certificate
from pica_mcp.diagnosis.network import Way, probe
from pica_mcp.sandbox import Sandbox
from pica_mcp.sandbox.faults import NotHttp, Reset

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"


async def probed(way: Way) -> Result:
    """Return what the last step found."""
    with anyio.fail_after(60):
        return (await probe(way))[-1]


def free_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


# Names and connections


async def test_a_name_that_is_not_found_is_told_and_all_that_follows_is_skipped(machine: Machine) -> None:
    machine.environ["PICA_BASE_URL"] = "https://api.pica-mcp.invalid"
    found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "name")]
    result = found.one(Group.NETWORK, "name")
    assert result.found.startswith("the name api.pica-mcp.invalid is not found")
    assert "PICA_BASE_URL" in result.cure
    skipped = {one.group for one in found.results if one.status is Status.SKIPPED}
    assert skipped == {Group.SECRET, Group.IDENTITY, Group.CONNECTIONS, Group.TOOLS}
    assert found.code == 1


async def test_a_name_server_that_does_not_answer_keeps_nobody_from_being_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    def getaddrinfo(*where: object, **how: object) -> list[tuple[object, ...]]:
        told.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        found = await machine.doctor(starts=False, seconds=0.2)
        assert (found.one(Group.NETWORK, "time").status, told.is_set()) == (Status.FAILURE, False)
    finally:
        told.set()


async def test_a_refused_connection_is_told_with_host_and_port(machine: Machine) -> None:
    port = free_port()
    machine.environ["PICA_BASE_URL"] = f"http://127.0.0.1:{port}"
    found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "connection")]
    assert found.one(Group.NETWORK, "connection").found == f"127.0.0.1 refuses connections on port {port}"


async def test_what_answers_is_told_where_nothing_is_in_the_way(machine: Machine) -> None:
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert {one.name: one.status for one in found.of(Group.NETWORK)} == dict.fromkeys(
        ("proxy", "name", "connection", "Pica"), Status.OK
    )


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENETUNREACH, "there is no way to pica.example from this network"),
        (errno.EHOSTUNREACH, "there is no way to pica.example from this network"),
        (errno.ECONNREFUSED, "pica.example refuses connections on port 443"),
        (errno.EACCES, "pica.example cannot be connected to on port 443 (Permission denied)"),
    ],
)
async def test_why_a_connection_fails_is_told_apart(monkeypatch: pytest.MonkeyPatch, number: int, told: str) -> None:
    async def connect_tcp(*where: object) -> None:
        raise OSError(number, os.strerror(number)) from ExceptionGroup("all", [OSError(number, "")])

    async def getaddrinfo(*where: object, **how: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("203.0.113.1", 443))]

    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)
    monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)
    result = await probed(Way("https://pica.example"))
    assert (result.name, result.found) == ("connection", told)


async def test_what_a_step_met_does_not_matter_where_requests_get_through(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(way: Way) -> list[Result]:
        return [Result(Group.NETWORK, "certificate", Status.FAILURE, "is odd", "Worry.")]

    monkeypatch.setattr(account, "probe", failing)
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    result = found.one(Group.NETWORK, "certificate")
    assert (found.failures, result.status, result.cure) == ([], Status.NOTE, "")


# What answers there


async def test_a_page_instead_of_an_answer_is_told_as_what_may_stand_in_between(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/v1/users/whoami", status=200, body="<html>Please sign in</html>", times=None)
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "Pica")]
    result = found.one(Group.NETWORK, "Pica")
    assert (result.found, "in a browser" in result.cure) == ("Pica's answer could not be read.", True)
    assert found.one(Group.SECRET, "accepted").status is Status.SKIPPED


async def test_a_redirection_is_told_as_a_wrong_address(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/", status=302, headers={"location": "http://portal.example/"}, times=None)
    async with machine.over_http(box):
        result = (await machine.doctor(starts=False)).one(Group.NETWORK, "Pica")
    assert (result.status, result.cure) == (Status.FAILURE, "Check PICA_BASE_URL.")
    assert "redirects elsewhere (HTTP 302)" in result.found


async def test_pica_out_of_order_is_told_apart_from_an_unreachable_one(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/", status=500, times=None)
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "Pica")]
    result = found.one(Group.NETWORK, "Pica")
    assert (result.found, result.cure) == ("Pica is out of order (HTTP 500).", "Try again in a minute.")
    assert found.one(Group.NETWORK, "connection").status is Status.OK


async def test_what_does_not_speak_http_is_told(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/", NotHttp(b"220 mail.example ESMTP\r\n"), times=None)
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "Pica")]
    assert "did not answer in time, or broke off" in found.one(Group.NETWORK, "Pica").found


async def test_what_breaks_off_after_the_greeting_leaves_the_rest_told(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/v1/vault/connections", Reset(), times=None)
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.IDENTITY, "identity")]
    assert found.one(Group.SECRET, "accepted").status is Status.OK
    assert found.one(Group.TOOLS, "tools").status is Status.SKIPPED


# Proxies


async def proxied(machine: Machine, answer: bytes, login: str = "") -> tuple[Result, str]:
    machine.environ["PICA_BASE_URL"] = "https://api.pica-mcp.invalid"
    async with serving(says(answer)) as port:
        machine.environ["HTTPS_PROXY"] = f"http://{login}127.0.0.1:{port}"
        found = await machine.doctor(starts=False)
    (failure,) = found.failures
    return found.one(*failure), found.text


async def test_a_proxy_that_wants_a_password_is_told_without_the_one_it_got(machine: Machine) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    result, everything = await proxied(machine, answer, "ada:hunter2secret@")
    assert "does not take the name and password that it is given (HTTP 407)" in result.found
    assert "in the proxy variable (HTTPS_PROXY): NAME:PASSWORD@HOST:PORT" in result.cure
    assert ("hunter2secret" in everything, "ada:" in everything, "http://…@127.0.0.1" in everything) == (
        False,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refuses to connect to api.pica-mcp.invalid (HTTP 403)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer as one"),
    ],
)
async def test_a_proxy_that_does_not_connect_is_told(machine: Machine, answer: bytes, told: str) -> None:
    result, _ = await proxied(machine, answer)
    assert (result.name, told in result.found) == ("way through the proxy", True)


async def test_a_proxy_that_is_not_there_is_told_as_the_proxys_fault(machine: Machine) -> None:
    port = free_port()
    machine.environ["HTTPS_PROXY"] = f"http://127.0.0.1:{port}"
    machine.environ["PICA_BASE_URL"] = "https://api.pica-mcp.invalid"
    found = await machine.doctor(starts=False)
    result = found.one(Group.NETWORK, "connection")
    assert (result.found, "HTTPS_PROXY" in result.cure) == (f"127.0.0.1 refuses connections on port {port}", True)


async def relay(stream: ByteStream) -> None:
    """Be a proxy that connects to the port on this machine, whatever the host."""

    async def pump(source: ByteStream, sink: ByteStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            while True:
                await sink.send(await source.receive())
        await sink.aclose()

    head = (await stream.receive()).decode()
    port = int(head.split()[1].rpartition(":")[2])
    async with await anyio.connect_tcp("127.0.0.1", port) as behind, stream, anyio.create_task_group() as tasks:
        await stream.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tasks.start_soon(pump, stream, behind)
        tasks.start_soon(pump, behind, stream)


async def test_a_proxy_is_greeted_with_the_password_it_was_given(authority: Authority) -> None:
    heard: list[bytes] = []

    async def answer(stream: ByteStream) -> None:
        async with stream:
            heard.append(await stream.receive())
            await stream.send(b"HTTP/1.1 403 No\r\n\r\n")

    async with serving(answer) as port:
        await probed(Way("https://api.pica.example", f"http://ada:p%40ss@127.0.0.1:{port}"))
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "CONNECT api.pica.example:443 HTTP/1.1"
    assert f"Proxy-Authorization: Basic {b64encode(b'ada:p@ss').decode()}" in lines


async def test_a_proxy_that_lets_pass_is_told_and_the_certificate_behind_it(authority: Authority) -> None:
    async with serving(says(UNAUTHORIZED), authority.server()) as port, serving(relay) as door:
        with anyio.fail_after(60):
            found = await probe(Way(f"https://localhost:{port}", f"http://127.0.0.1:{door}", authority.file))
    assert [(one.name, one.status) for one in found] == [
        (name, Status.OK) for name in ("proxy", "name", "connection", "way through the proxy", "certificate")
    ]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_a_proxy_that_does_not_speak_tls_is_told(answer: bytes) -> None:
    async with serving(says(answer)) as port:
        result = await probed(Way("https://api.pica.example", f"https://ada:hunter2@127.0.0.1:{port}"))
    assert (result.name, "does not speak TLS that is trusted" in result.found) == ("connection", True)
    assert "hunter2" not in result.found


async def test_a_name_that_no_certificate_could_have_is_told(authority: Authority) -> None:
    async with serving(says(UNAUTHORIZED), authority.server()) as port, serving(relay) as door:
        long = f"https://{'x' * 70}.example:{port}"
        result = await probed(Way(long, f"http://127.0.0.1:{door}", authority.file))
    assert (result.name, result.status) == ("certificate", Status.FAILURE)


# Certificates


async def test_a_certificate_that_is_trusted_is_told_with_its_issuer_and_its_end(
    machine: Machine, authority: Authority
) -> None:
    async with serving(says(UNAUTHORIZED), authority.server(days=100)) as port:
        machine.environ |= {"PICA_BASE_URL": f"https://localhost:{port}", "SSL_CERT_FILE": authority.file}
        found = await machine.doctor(starts=False)
    until = f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%d}"
    result = found.one(Group.NETWORK, "certificate")
    told = f"that of localhost is trusted, issued by Inspection Root of Acme Security, until {until}"
    assert (result.status, result.found) == (Status.OK, told)
    assert found.failures == [(Group.SECRET, "accepted")]


async def test_a_certificate_of_an_unknown_authority_is_told_with_who_issued_it(
    machine: Machine, authority: Authority
) -> None:
    async with serving(says(UNAUTHORIZED), authority.server()) as port:
        machine.environ["PICA_BASE_URL"] = f"https://localhost:{port}"
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.NETWORK, "certificate")]
    result = found.one(Group.NETWORK, "certificate")
    assert "issued by Inspection Root of Acme Security, is not trusted" in result.found
    assert "SSL_CERT_FILE" in result.cure


@pytest.mark.parametrize(
    ("host", "days", "told", "cure"),
    [
        ("localhost", -3, "has expired on", "Check this computer's date"),
        ("portal.example", 100, "is not for it, but for portal.example", "sign in with a browser"),
        ("localhost", 3, "is trusted", "Whoever runs it has to renew it"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_told_apart(
    authority: Authority, host: str, days: int, told: str, cure: str
) -> None:
    async with serving(says(b""), authority.server(host, days)) as port:
        result = await probed(Way(f"https://localhost:{port}", ca_file=authority.file))
    assert (result.name, told in result.found, cure in result.cure) == ("certificate", True, True), result
    assert result.status is (Status.NOTE if days == 3 else Status.FAILURE)


async def test_a_port_without_tls_is_told() -> None:
    async with serving(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        result = await probed(Way(f"https://localhost:{port}"))
    assert (result.status, "does not speak TLS" in result.found) == (Status.FAILURE, True)


def test_a_certificate_is_read_as_it_was_made(authority: Authority) -> None:
    read = certificate.read(authority.certificate.public_bytes(Encoding.DER))
    assert read is not None
    assert read.subject == read.issuer == "Inspection Root of Acme Security"
    assert read.expires == authority.certificate.not_valid_after_utc.replace(microsecond=0)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),  # a version that there is not
        (b"\x0c\x0fInspection Root", b"\x03\x0f\x00nspection Root"),  # a name that is no text
        (b"\x0c\x0fInspection Root", b"\x0c\x0f\xff\xfe\xfdpection Root"),
        (b"000000Z", b"999999Z"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_none(der: bytes, written: bytes, instead: bytes) -> None:
    der = re.sub(rb"\d{6}Z", b"000000Z", der)
    assert certificate.read(der) is not None
    assert written in der
    assert certificate.read(der.replace(written, instead)) is None


def test_what_is_odd_in_a_certificate_is_read_without_a_warning(der: bytes) -> None:
    """pytest makes an error of any."""
    common_name, country = b"\x55\x04\x03", b"\x55\x04\x06"  # which has two letters
    read = certificate.read(der.replace(common_name, country))
    assert read is not None
    assert read.issuer == "Acme Security"


@given(st.binary(max_size=200))
def test_whatever_is_no_certificate_is_none(garbage: bytes) -> None:
    assert certificate.read(garbage) is None


@pytest.fixture(scope="module")
def der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = authority_in(tmp_path_factory.mktemp("authority"))
    return made.certificate.public_bytes(Encoding.DER)


@given(st.data())
def test_a_certificate_that_was_tampered_with_is_read_harmlessly_or_not_at_all(der: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(der) - 1))
    read = certificate.read(der[:at] + data.draw(st.binary(min_size=1, max_size=2)) + der[at + 1 :])
    assert read is None or re.fullmatch(r"[^\x00-\x1f\x7f]*", read.issuer + read.subject)
