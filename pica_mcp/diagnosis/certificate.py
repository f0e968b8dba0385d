"""A certificate as a server shows it: who issued it for whom, and until when it holds, also of one that nobody trusts.

Python tells what is in a certificate only once it is trusted, and who issued one is of interest just where it is not.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from pica_mcp import text


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is told of it."""

    subject: str
    issuer: str
    expires: datetime


def read(der: bytes) -> Certificate | None:
    """Return what the certificate says, None for what cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the standard forbids and can be read all the same
        try:
            shown = x509.load_der_x509_certificate(der)
            return Certificate(_name(shown.subject), _name(shown.issuer), shown.not_valid_after_utc)
        except (ValueError, TypeError, x509.InvalidVersion):  # the second, for a name that is no text
            return None


def _name(name: x509.Name) -> str:
    """Return the common name and the organisation, by which people know who it is."""
    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    named = [text.line(_words(found[0].value), 80) for kind in kinds if (found := name.get_attributes_for_oid(kind))]
    return " of ".join(dict.fromkeys(filter(None, named))) or "nobody who says so"


def _words(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")
