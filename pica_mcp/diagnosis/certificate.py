"""A certificate as a server shows it: who issued it for whom, and until when it holds, also of one that nobody trusts.

Python tells what is in a certificate only once it is trusted, and who issued one is of interest just where it is not.
This reads the few fields of RFC 5280 that people are told; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pica_mcp import text

_VERSION = 0xA0
_COMMON_NAME, _ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_UTC_TIME = 0x17
_WIDE = {0x1E: "utf-16-be", 0x1C: "utf-32-be"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is told of it."""

    subject: str
    issuer: str
    expires: datetime


def read(der: bytes) -> Certificate | None:
    """Return what the certificate says, None for what cannot be read."""
    try:
        (_, whole), *_ = _items(der)
        (_, signed), *_ = _items(whole)
        fields = [item for item in _items(signed) if item[0] != _VERSION]
        _, _, (_, issuer), (_, validity), (_, subject) = fields[:5]
        _, (kind, until) = _items(validity)
        return Certificate(_name(subject), _name(issuer), _moment(kind, until))
    except (ValueError, IndexError):
        return None


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of what stands one after the other. Raises `ValueError`, `IndexError`."""
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if start + length > len(data):
            raise ValueError("it is cut")
        yield tag, data[start : start + length]
        data = data[start + length :]


def _name(data: bytes) -> str:
    """Return the common name and the organisation, by which people know who it is."""
    found: dict[bytes, str] = {}
    for _, part in _items(data):
        for _, pair in _items(part):
            (_, key), (kind, value) = list(_items(pair))[:2]
            found.setdefault(key, text.line(value.decode(_WIDE.get(kind, "utf-8"), "replace"), 80))
    named = [found[key] for key in (_COMMON_NAME, _ORGANISATION) if found.get(key)]
    return " of ".join(dict.fromkeys(named)) or "nobody who says so"


def _moment(kind: int, written: bytes) -> datetime:
    digits = written.decode("ascii").removesuffix("Z")
    if kind == _UTC_TIME:
        digits = ("20" if digits < "50" else "19") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
