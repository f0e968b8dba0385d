"""Specimens in the sandbox: a picture, a document and a binary, made from nothing and always the same."""

import struct
import zlib
from hashlib import sha256


def picture(width: int, height: int, seed: str) -> bytes:
    """A PNG of that size whose colours follow from the seed."""
    red, green, blue = sha256(seed.encode()).digest()[:3]
    lines = [
        b"\0" + bytes(part for x in range(width) for part in ((red + x) % 256, (green + y) % 256, (blue + x * y) % 256))
        for y in range(height)
    ]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # eight bits each of red, green and blue
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def document(text: str) -> bytes:
    """A PDF of one page with the text; what Latin-1 has no letter for becomes a question mark."""
    content = _page(text)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    )
    data, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", list[int]()
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(data))
    return data + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def noise(length: int, seed: str) -> bytes:
    """Bytes without a pattern that follow from the seed."""
    blocks = (sha256(f"{seed}/{number}".encode()).digest() for number in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _page(text: str) -> bytes:
    lines = [line.encode("latin-1", "replace") for line in text.splitlines()]
    for special in (b"\\", b"(", b")"):
        lines = [line.replace(special, b"\\" + special) for line in lines]
    return b"BT /F1 12 Tf 16 TL 72 770 Td\n" + b"".join(b"(%s) Tj T*\n" % line for line in lines) + b"ET"
