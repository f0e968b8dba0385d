"""Broken set-ups on loopback ports and in folders of their own, and what doctor says of them."""

from __future__ import annotations

import ssl
import sysconfig
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pica_mcp import clients
from pica_mcp.diagnosis import Case, Group, Result, Status, diagnose, exit_code
from pica_mcp.sandbox import Sandbox


@dataclass(frozen=True)
class Findings:
    """What doctor said, in order."""

    results: tuple[Result, ...]
    shown: Sequence[Result]

    @property
    def code(self) -> int:
        return exit_code(self.results)

    @property
    def failures(self) -> list[tuple[Group, str]]:
        return [(one.group, one.name) for one in self.results if one.status is Status.FAILURE]

    def of(self, group: Group, name: str | None = None) -> list[Result]:
        return [one for one in self.results if one.group is group and name in (None, one.name)]

    def one(self, group: Group, name: str) -> Result:
        (result,) = self.of(group, name)
        return result

    @property
    def text(self) -> str:
        return "\n".join(f"{one.name} {one.found} {one.cure}" for one in self.results)


@dataclass
class Machine:
    """A machine with a home and a project, and nothing else."""

    home: Path
    project: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])

    async def doctor(self, *, seconds: float = 60, flags: dict[str, str] | None = None, **case: Any) -> Findings:
        """Return what doctor says of this machine."""
        environ = {"HOME": str(self.home), "PATH": sysconfig.get_path("scripts"), **self.environ}
        place = clients.Machine("linux", environ, self.project)
        shown: list[Result] = []
        with anyio.fail_after(90):
            results = await diagnose(Case(place, flags or {}, **case), shown.append, seconds)
        assert tuple(shown) == results
        return Findings(results, shown)

    @asynccontextmanager
    async def over_http(self, box: Sandbox) -> AsyncGenerator[None]:
        async with box.listening() as url:
            self.environ |= {"PICA_BASE_URL": url}
            yield


# Servers that are none


Answer = Callable[[ByteStream], Awaitable[None]]


def says(*words: bytes) -> Answer:
    """Answer whatever is asked with these words."""

    async def answer(stream: ByteStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
                await stream.receive()
                await stream.send(b"".join(words))

    return answer


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """Serve an answer on a loopback port, over TLS with a context."""
    plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = plain.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's, not Django's
    listener = TLSListener(plain, context, standard_compatible=False) if context else plain
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield port
        tasks.cancel_scope.cancel()


# Certificates


@dataclass
class Authority:
    """A certificate authority of a company."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> str:
        return str(self.folder / "authority.pem")

    def server(self, host: str = "localhost", days: int = 100) -> ssl.SSLContext:
        """Return what serves as that host, with a certificate for so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(host, self.certificate.subject, key, self.key, days, is_authority=False)
        path = self.folder / "server.pem"
        path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + _pem(key))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def authority_in(folder: Path) -> Authority:
    """Found an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = {NameOID.COMMON_NAME: "Inspection Root", NameOID.ORGANIZATION_NAME: "Acme Security"}
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])
    made = _certificate("", name, key, key, 1000, is_authority=True)
    (folder / "authority.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, key, made)


def _certificate(
    host: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signing: ec.EllipticCurvePrivateKey,
    days: int,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]) if host else issuer
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1000))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .add_extension(_usage(is_authority=is_authority), critical=True)
    )
    if host:
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return built.sign(signing, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    names = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, **dict.fromkeys(names, False)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
