from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.results.media import name_of, read

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(20)
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(6) + b","
WEBP = b"RIFF\x0c\x00\x00\x00WEBPVP8 "
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(9)
ZIP = b"PK\x03\x04" + bytes(9)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (PNG, "image/png", "image/png"),
        (PNG, "", "image/png"),
        (PNG, "application/octet-stream", "image/png"),
        (PNG, "text/html; charset=latin-1", "image/png"),
        (PNG, "image/jpeg", "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "", "image/jpeg"),
        (GIF, "", "image/gif"),
        (b"GIF87a\x01\x00\x01\x00\x00\x00\x00!\x00", "", "image/gif"),
        (WEBP.replace(b"\x0c", b"\x10") + bytes(8), "", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/x-wav", "audio/wav"),
        (b"%PDF-1.7", "", "application/pdf"),
        (ZIP, "", "application/zip"),
        (ZIP, DOCX, DOCX),
        (ZIP, "image/png", "application/zip"),
        (b"\x1f\x8b\x08" + bytes(9), "", "application/gzip"),
        (b"ID3\x04" + bytes(9), "", "audio/mpeg"),
        (b"\xff\xfb\x90" + bytes(9), "", "audio/mpeg"),
        (b"OggS" + bytes(9), "video/ogg", "video/ogg"),
        (b"fLaC" + bytes(9), "", "audio/flac"),
        (MP4, "", "video/mp4"),
        (MP4, "audio/mp4", "audio/mp4"),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(9), "", "audio/mp4"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(9), "image/heic", "image/heic"),
        # A type that it would say itself, and does not.
        (bytes(range(256)), "image/png", "application/octet-stream"),
        (bytes(range(256)), "audio/mpeg", "application/octet-stream"),
        # An image that nobody could show.
        (PNG[:30], "image/png", "application/octet-stream"),
        (PNG.replace(b"IHDR", b"IDAT"), "", "application/octet-stream"),
        (PNG.replace(b"\x01", b"\x00"), "image/png", "application/octet-stream"),
        (GIF.replace(b"\x01", b"\x00"), "image/gif", "application/octet-stream"),
        (GIF[:-1] + b"\x00", "", "application/octet-stream"),
        (WEBP, "image/webp", "application/octet-stream"),
        (WEBP.replace(b"\x0c", b"\x10").replace(b"VP8 ", b"EVIL") + bytes(8), "", "application/octet-stream"),
        (b"\xff\xd8\xff\x00" + bytes(9), "image/jpeg", "application/octet-stream"),
        (bytes(range(256)), "text/plain", "application/octet-stream"),
        (b"\xff\xfe\xfd", "text/plain", "application/octet-stream"),
        (bytes(range(256)), "", "application/octet-stream"),
        (bytes(range(256)), "image/TIFF", "image/tiff"),
        (bytes(range(256)), "x/\u202e\n", "application/octet-stream"),
        (b"plain", "font/woff2", "font/woff2"),
    ],
)
def test_a_file_has_the_type_that_its_bytes_tell(content: bytes, declared: str, kind: str) -> None:
    body = read(declared, content)
    assert (body.kind, body.media_type) == ("file", kind)


@pytest.mark.parametrize(
    ("content", "declared", "words", "kind"),
    [
        ("grün".encode(), "text/plain", "grün", "text/plain"),
        ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün", "text/plain"),
        ("grün".encode("latin-1"), "text/csv", "grün", "text/csv"),
        ("grün".encode("latin-1"), "text/plain; charset=utf-8", "grün", "text/plain"),
        ("grün".encode("utf-16"), "text/plain; charset=UTF-16", "grün", "text/plain"),
        ("grün".encode("utf-16"), "text/plain", "grün", "text/plain"),
        ("grün".encode("utf-16"), "", "grün", "text/plain"),
        ("€".encode("cp1252"), 'text/html; charset="windows-1252"', "€", "text/html"),
        ("日本".encode("shift-jis"), "text/plain; charset=Shift_JIS", "日本", "text/plain"),
        (b"+ADw-", "text/plain; charset=utf-7", "+ADw-", "text/plain"),
        (b"plain", "text/plain; charset=nope", "plain", "text/plain"),
        (b"plain", "text/plain; charset=punycode", "plain", "text/plain"),
        (b"\xef\xbb\xbfplain", "text/plain", "plain", "text/plain"),
        (b"<a/>", "application/atom+xml", "<a/>", "application/atom+xml"),
        (b"<svg/>", "image/svg+xml", "<svg/>", "image/svg+xml"),
        (b"plain", "application/octet-stream", "plain", "text/plain"),
        (b"plain", "image/png", "plain", "text/plain"),
        (b"a=1&b=2", "application/x-www-form-urlencoded", "a=1&b=2", "application/x-www-form-urlencoded"),
        (b"GIF89a is a format", "image/gif", "GIF89a is a format", "text/plain"),
        (b"GIF89a is a format", "text/plain", "GIF89a is a format", "text/plain"),
        (b'{"half', "application/json", '{"half', "application/json"),
        (b"\xfd\xfe", "text/plain", "ýþ", "text/plain"),
    ],
)
def test_text_is_read_by_its_charset_or_by_the_one_that_fits(
    content: bytes, declared: str, words: str, kind: str
) -> None:
    body = read(declared, content)
    assert (body.kind, body.text, body.media_type) == ("text", words, kind)


@pytest.mark.parametrize(
    ("content", "declared", "value"),
    [
        (b'{"a": 1}', "application/octet-stream", {"a": 1}),
        (b"[1]", "image/png", [1]),
        (b'\xef\xbb\xbf{"a": 1}', "", {"a": 1}),
        ('{"a": "é"}'.encode("utf-16"), "", {"a": "é"}),
        ('{"a": "é"}'.encode("latin-1"), "application/json; charset=latin-1", {"a": "é"}),
        (b"null", "", None),
    ],
)
def test_json_is_json_whatever_it_is_called(content: bytes, declared: str, value: Any) -> None:
    body = read(declared, content)
    assert (body.kind, body.value, body.media_type) == ("json", value, "application/json")


@pytest.mark.parametrize("content", [b"", b" \n", "\u200b".encode()])
def test_where_nothing_can_be_seen_there_is_nothing(content: bytes) -> None:
    assert read("text/plain", content).kind == "nothing"


@given(
    st.binary() | st.text().map(str.encode) | st.binary().map(PNG.__add__),
    st.sampled_from(["", "text/plain", "text/csv; charset=utf-16", "image/png", "application/pdf", "application/json"])
    | st.text(),
)
def test_any_bytes_are_something_and_the_same_when_they_are_read_again(content: bytes, declared: str) -> None:
    body = read(declared, content)
    again = read(body.label, content)
    assert (again.kind, again.text, again.media_type) == (body.kind, body.text, body.media_type)


@pytest.mark.parametrize(
    "declared",
    ["text/plain;" + " " * 100_000, "a" * 100_000 + "/b", "application/" + "+" * 100_000, "charset=" * 9_999],
)
def test_a_long_type_takes_no_time(declared: str) -> None:
    started = time.process_time()
    read(declared, b"\xff")
    name_of({"content-disposition": declared.replace("charset", ";filename")}, "x", "")
    assert time.process_time() - started < 60  # of processor; a hundredth is usual


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="report 2026.pdf"', "report 2026.pdf"),
        ("attachment; filename=report.pdf; size=3", "report.pdf"),
        ("attachment; FileName*=UTF-8''na%C3%AFve%20plan.pdf; filename=\"x.pdf\"", "naïve plan.pdf"),
        ("attachment; filename*=iso-8859-1'en'%A3.pdf", "_.pdf"),
        ("attachment; filename*=punycode''x.pdf; filename=y.pdf", "y.pdf"),
        ("attachment; filename*=windows-1259''x.pdf; filename=y.pdf", "y.pdf"),
        ('inline; filename="a \\"b\\".pdf"', "a _b_.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
        ("attachment; filename*=UTF-8''..%2F..%2Fa.pdf", "a.pdf"),
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename="a\u202efdp.exe"', "afdp.exe"),
        ('attachment; filename="<b>.pdf"', "_b_.pdf"),
        (f'attachment; filename="{"x" * 200}.pdf"', "x" * 76 + ".pdf"),
        ('attachment; filename=".."', "List Messages.pdf"),
        ('attachment; filename=""', "List Messages.pdf"),
        ("attachment", "List Messages.pdf"),
        ("", "List Messages.pdf"),
    ],
)
def test_the_name_is_the_providers_but_never_a_path(header: str, name: str) -> None:
    assert name_of({"content-disposition": header}, "List Messages", "application/pdf") == name


@pytest.mark.parametrize(
    ("title", "kind", "name"),
    [("", "image/png", "file.png"), ("Get a/b", "x/y", "Get a b.bin"), ("../x", "audio/mpeg", "x.mp3")],
)
def test_a_file_without_a_name_is_called_after_its_action(title: str, kind: str, name: str) -> None:
    assert name_of({}, title, kind) == name


CHARSETS = st.from_regex(
    r"(utf[-_]?(8([-_]sig)?|(16|32)([-_]?[lb]e)?)|iso[-_]8859[-_]\d{1,2}|(windows|cp)-?125\d|koi8-[ru]|euc-(jp|kr)"
    r"|iso-2022-jp|gb18030|shift[-_]jis|macintosh|hex|idna|[\w-]{1,20})",
    fullmatch=True,
)


@given(CHARSETS, st.text(st.sampled_from("%0123456789abcdefx$()B~{\x1b")), st.binary())
def test_no_charset_raises(charset: str, name: str, content: bytes) -> None:
    assert name_of({"content-disposition": f"x; filename*={charset}''{name}"}, "x", "text/csv").strip(" .")
    read(f"text/plain; charset={charset}", content)


@given(st.text() | st.text().map('attachment; filename="{}"'.format) | st.text().map("x; filename*=utf-8''{}".format))
def test_a_name_is_always_one_plain_part(header: str) -> None:
    name = name_of({"content-disposition": header}, "x", "text/csv")
    assert name.strip(" .")
    assert len(name) <= 100
    assert not set(name) & set("/\\\0\n\"'<>:|?*")
    assert not name.startswith(".")
    name.encode()
