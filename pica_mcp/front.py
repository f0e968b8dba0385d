"""The room of the front: what is settled before a client is greeted, and all that a greeting needs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

from pica_mcp.access import Caller, Identity, IdentityType
from pica_mcp.audit import Audit, open_sink
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Fixed, Secret
from pica_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Front:
    """Whom is served, in whose name, and where it is recorded."""

    settings: Settings
    secret: Secret
    caller: Caller
    audit: Audit


@contextmanager
def open_front(settings: Settings) -> Generator[Front]:
    """Open the record of calls, and close it at the end. Nothing else is opened, read or asked for.

    Raises `InvalidSettings` if there is no writing where it should be kept.
    """
    if settings.sandbox:
        from pica_mcp.sandbox import LIVE_SECRET  # noqa: PLC0415 - only where it is served

        settings = replace(settings, secret=Fixed(LIVE_SECRET), identity=_sandbox_identity(settings.identity))
    secret = Secret(settings.secret)
    caller = Caller(settings.identity, settings.grant, lambda: secret.environment, settings.preferences)
    with closing(_audit(settings, secret)) as audit:
        yield Front(settings, secret, caller, audit)


def _audit(settings: Settings, secret: Secret) -> Audit:
    """Return the record of calls. Its hashes are keyed by the secret, which it never shows, so they end with it."""
    try:
        sink = open_sink(settings.audit)
    except ValueError as error:
        raise InvalidSettings(f"{settings.named('audit')} is {settings.audit!r}, but must be {error}.") from None

    def key() -> bytes:
        return b"".join(sha256(f"pica-mcp audit {value}".encode()).digest() for value in secret.values[:1])

    return Audit(sink, key=key, hash_callers=settings.audit_hash_callers)


def _sandbox_identity(configured: Identity) -> Identity:
    """Return whom the sandbox serves: the user Ada, unless another identity is asked for."""
    return configured if configured.id or configured.type else Identity("ada", IdentityType.USER)
