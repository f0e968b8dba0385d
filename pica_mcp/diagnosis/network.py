"""The way to Pica, step by step: name, connection, proxy, certificate; what fails is told by its cause.

The HTTP client tells only that it could not get through. Here the same steps are taken one by one, without it, and
nothing is sent that Pica would have to answer.
"""

from __future__ import annotations

import base64
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import unquote, urlsplit

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSAttribute, TLSStream

from pica_mcp.api import trust
from pica_mcp.diagnosis import certificate
from pica_mcp.diagnosis.certificate import Certificate
from pica_mcp.diagnosis.report import Group, Result, Status

_STEP_SECONDS = 6.0
_SOON = timedelta(days=14)
_MAX_ANSWER_BYTES = 16 * 1024
_BROKEN = (ssl.SSLError, OSError, anyio.BrokenResourceError, anyio.EndOfStream, ValueError)
"""What a handshake raises; the last for a name that no certificate could have."""

_PORTS = {"http": 80, "https": 443}
_EXPIRED = 10
_WRONG_NAME = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH, and above its X509_V_ERR_CERT_HAS_EXPIRED."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where Pica is, and how to get there."""

    base_url: str
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    where: str = ""
    """Where its variables are set, like ` in the env of Cursor's entry`; empty for here."""

    @property
    def target(self) -> tuple[str, int]:
        """Host and port of Pica."""
        return _place(self.base_url)

    @property
    def door(self) -> tuple[str, int]:
        """Host and port to connect to first."""
        return _place(self.proxy or self.base_url)

    @property
    def shown_proxy(self) -> str:
        """The proxy without who may use it."""
        parts = urlsplit(self.proxy or "")
        host, port = self.door
        return f"{parts.scheme}://{'…@' if '@' in parts.netloc else ''}{host}:{port}"


class _Blocked(Exception):
    """The way ends here, for the reason that the result tells."""

    def __init__(self, name: str, found: str, cure: str) -> None:
        super().__init__(found)
        self.result = Result(Group.NETWORK, name, Status.FAILURE, found, cure)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)


async def probe(way: Way) -> list[Result]:
    """Return what each step found, up to the first that fails."""
    found = [_proxy(way)]
    try:
        found.append(await _name(way))
        async with _connected(way) as stream:
            found.append(_well("connection", f"{way.door[0]} answers on port {way.door[1]}"))
            if way.proxy:
                await _through_proxy(way, stream)
                found.append(_well("way through the proxy", f"it connects to {way.target[0]}"))
            if way.base_url.startswith("https:"):
                found.append(await _certificate(way, stream))
    except _Blocked as blocked:
        found.append(blocked.result)
    return found


def _well(name: str, found: str) -> Result:
    return Result(Group.NETWORK, name, Status.OK, found)


def _proxy(way: Way) -> Result:
    if not way.proxy:
        return _well("proxy", "none is used")
    return _well("proxy", f"{way.shown_proxy} is used")


def _whose(way: Way) -> str:
    """Return the setting that names the place to connect to."""
    return "the proxy variable (HTTPS_PROXY, ALL_PROXY) or the system's proxy" if way.proxy else "PICA_BASE_URL"


async def _name(way: Way) -> Result:
    """Look the name up. Raises `_Blocked`."""
    host, port = way.door
    addresses: list[str] = []
    cure = f"Check {_whose(way)} for a slip, then the network, the VPN and the name server."
    with anyio.move_on_after(_STEP_SECONDS):
        try:
            rows = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # the latter, for a label that no name may have
            raise _Blocked("name", f"the name {host} is not found ({_words(error)})", cure) from None
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    if not addresses:
        raise _Blocked("name", f"the name server does not tell within {_STEP_SECONDS:.0f} s where {host} is", cure)
    if addresses == [host]:
        return _well("name", f"{host} is an address, which needs no name server")
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return _well("name", f"{host} is {addresses[0]}{more}")


@asynccontextmanager
async def _connected(way: Way) -> AsyncGenerator[ByteStream]:
    """Connect to the proxy or to Pica, and hang up at the end. Raises `_Blocked`."""
    stream = await _opened(way)
    try:
        yield stream
    finally:
        await anyio.aclose_forcefully(stream)


async def _opened(way: Way) -> ByteStream:
    host, port = way.door
    with anyio.move_on_after(_STEP_SECONDS):
        try:
            stream = await anyio.connect_tcp(host, port)
        except OSError as error:
            raise _unconnected(way, error) from None
        if way.proxy and way.proxy.startswith("https:"):
            return await _secured_proxy(way, stream)
        return stream
    raise _Blocked("connection", f"{host} does not answer on port {port} within {_STEP_SECONDS:.0f} s", _open(way))


async def _secured_proxy(way: Way, stream: ByteStream) -> ByteStream:
    """Greet the proxy encrypted. Raises `_Blocked`."""
    try:
        return await _secured(stream, way.door[0], trust(way.ca_file))
    except BaseException as error:
        await anyio.aclose_forcefully(stream)
        if not isinstance(error, _BROKEN):
            raise
        found = f"the proxy {way.shown_proxy} does not speak TLS that is trusted ({_words(error)})"
        cure = "Write http:// before the proxy if it takes plain connections, or name its authority with SSL_CERT_FILE."
        raise _Blocked("connection", found, cure) from None


def _unconnected(way: Way, error: OSError) -> _Blocked:
    host, port = way.door
    numbers = {one.errno for one in _causes(error) if isinstance(one, OSError)}
    if errno.ECONNREFUSED in numbers or any(isinstance(one, ConnectionRefusedError) for one in _causes(error)):
        cure = f"Check host and port in {_whose(way)}; if they are right, nothing runs there now."
        return _Blocked("connection", f"{host} refuses connections on port {port}", cure)
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        found = f"there is no way to {host} from this network"
        return _Blocked("connection", found, "Check that the network is up, and the VPN if one is needed.")
    return _Blocked("connection", f"{host} cannot be connected to on port {port} ({_words(error)})", _open(way))


def _open(way: Way) -> str:
    if way.proxy:
        return f"Check {_whose(way)}, and that the proxy may be reached from here."
    return f"Let the firewall pass it, or name the proxy that this network needs with HTTPS_PROXY{way.where}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in cast(BaseExceptionGroup[Exception], error).exceptions:
            yield from _causes(one)
    if error.__cause__:
        yield from _causes(error.__cause__)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "the handshake failed").replace("_", " ").lower()
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


# Through the proxy


async def _through_proxy(way: Way, stream: ByteStream) -> None:
    """Have the proxy connect to Pica. Raises `_Blocked`."""
    host, port = way.target
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *_permit(way.proxy or "")]
    head = b""
    with anyio.move_on_after(_STEP_SECONDS), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        await stream.send("\r\n".join([*lines, "", ""]).encode())
        with suppress(anyio.DelimiterNotFound, anyio.IncompleteRead):
            head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", _MAX_ANSWER_BYTES)
    words = head.decode("ascii", "replace").partition("\r\n")[0].split()
    status = words[1] if len(words) > 1 else ""
    name = "way through the proxy"
    if status == "407":
        told = "does not take the name and password that it is given" if _permit(way.proxy or "") else "wants a name"
        cure = "Put name and password before its host in the proxy variable (HTTPS_PROXY): NAME:PASSWORD@HOST:PORT."
        raise _Blocked(name, f"the proxy {way.shown_proxy} {told} (HTTP 407)", cure)
    if not status:
        cure = f"Check {_whose(way)}: it has to be an HTTP proxy."
        raise _Blocked(name, f"the proxy {way.shown_proxy} does not answer as one", cure)
    if not status.startswith("2"):
        cure = f"Ask whoever runs the proxy to let {place} pass, or except it with NO_PROXY."
        raise _Blocked(name, f"the proxy {way.shown_proxy} refuses to connect to {host} (HTTP {status})", cure)


def _permit(proxy: str) -> list[str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return []
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}"]


# The certificate


def _trust_anybody() -> ssl.SSLContext:
    """Only to see whose certificate it is; nothing is sent there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _secured(stream: ByteStream, host: str, context: ssl.SSLContext) -> TLSStream:
    return await TLSStream.wrap(stream, hostname=host, ssl_context=context, standard_compatible=False)


async def _certificate(way: Way, stream: ByteStream) -> Result:
    """Greet Pica encrypted. Raises `_Blocked`."""
    host = way.target[0]
    with anyio.move_on_after(_STEP_SECONDS):
        try:
            shown = _shown(await _secured(stream, host, trust(way.ca_file)))
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(way, error, await _look(way)) from None
        except _BROKEN as error:
            cure = "Check that PICA_BASE_URL has the right port and needs https; something in between may cut it off."
            raise _Blocked("certificate", f"{host} does not speak TLS here ({_words(error)})", cure) from None
        return _trusted(host, shown)
    cure = "Check the proxy, the VPN and the firewall: something in between holds encrypted traffic up."
    raise _Blocked("certificate", f"{host} does not finish a TLS handshake within {_STEP_SECONDS:.0f} s", cure)


def _shown(stream: TLSStream) -> Certificate | None:
    binary = stream.extra(TLSAttribute.peer_certificate_binary, None)  # noqa: S610 - anyio's, not Django's
    return certificate.read(binary or b"")


def _trusted(host: str, shown: Certificate | None) -> Result:
    if shown is None:
        return _well("certificate", f"that of {host} is trusted")
    found = f"that of {host} is trusted, issued by {shown.issuer}, until {shown.expires:%Y-%m-%d}"
    if shown.expires - datetime.now(UTC) < _SOON:
        cure = "Whoever runs it has to renew it; nothing has to be done here."
        return Result(Group.NETWORK, "certificate", Status.NOTE, found, cure)
    return _well("certificate", found)


async def _look(way: Way) -> Certificate | None:
    """Return the certificate that is not trusted, None if it cannot be seen again."""
    with suppress(_Blocked, *_BROKEN):
        async with _connected(way) as stream:
            if way.proxy:
                await _through_proxy(way, stream)
            return _shown(await _secured(stream, way.target[0], _trust_anybody()))
    return None


def _untrusted(way: Way, error: ssl.SSLCertVerificationError, shown: Certificate | None) -> _Blocked:
    host, why = way.target[0], _words(error)
    code = getattr(error, "verify_code", 0)
    whose = f"that of {host}, issued by {shown.issuer}," if shown else f"that of {host}"
    if code == _EXPIRED or "expired" in why.lower():
        until = f" on {shown.expires:%Y-%m-%d}" if shown else ""
        cure = "Check this computer's date; if it is right, whoever runs the host has to renew the certificate."
        return _Blocked("certificate", f"{whose} has expired{until}", cure)
    if code in _WRONG_NAME or "match" in why.lower():
        named = f", but for {shown.subject}" if shown else ""
        cure = "Check PICA_BASE_URL; on a guest network, sign in with a browser first."
        return _Blocked("certificate", f"what answers as {host} has a certificate that is not for it{named}", cure)
    cure = (
        f"If your company inspects traffic, set SSL_CERT_FILE{way.where} to a file of its certificate authority; "
        "otherwise do not trust this network."
    )
    if way.ca_file:
        cure = "Add the authority that issued it to the file that SSL_CERT_FILE names, or unset SSL_CERT_FILE."
    return _Blocked("certificate", f"{whose} is not trusted ({why})", cure)
