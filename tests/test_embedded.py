from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp.results.embedded import found, replaced, within

Write = Callable[[bytes], bytes]

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(76)
SOUND = b"ID3\x04" + bytes(range(200))
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 4
NOISE = random.Random(7).randbytes(900)  # noqa: S311 - only bytes that are always the same
README = "# Engine\n\nIt computes: Bernoulli's numbers, ünique.\n"


def written(content: bytes, write: Write = base64.b64encode) -> str:
    return write(content).decode()


def wrapped(content: bytes) -> str:
    """As GitHub and mail write it: in lines."""
    plain = written(content)
    return "".join(f"{plain[start : start + 60]}\n" for start in range(0, len(plain), 60))


@pytest.mark.parametrize(
    ("answer", "kind", "content"),
    [
        ({"data": [{"b64_json": written(PNG)}]}, "image/png", PNG),
        ({"images": [written(PNG)]}, "image/png", PNG),
        ({"x": written(PNG, base64.urlsafe_b64encode).rstrip("=")}, "image/png", PNG),
        ({"token": written(SOUND)}, "audio/mpeg", SOUND),
        ({"x": wrapped(PNG)}, "image/png", PNG),
        ({"content": written(PNG[:40]), "encoding": "base64"}, "image/png", PNG[:40]),
        ({"url": f"data:image/png;base64,{written(PNG[:40])}"}, "image/png", PNG[:40]),
        (f"DATA:text/html;charset=x;Base64,{written(PNG)}", "image/png", PNG),
        ({"data": written(PDF)}, "application/pdf", PDF),
        ({"data": written(NOISE, base64.urlsafe_b64encode)}, "application/octet-stream", NOISE),
        ({"raw": written(README.encode() * 30)}, "text/plain", README.encode() * 30),
        ({"x": f"data:,;base64,{written(PDF)}", "y": 1}, "", b""),
        ({"x": f"data:application/pdf;base64,{written(PDF)}"}, "application/pdf", PDF),
    ],
)
def test_a_file_is_what_its_bytes_say(answer: Any, kind: str, content: bytes) -> None:
    assert [(part.media_type, part.content, part.text) for part in found(answer).values()] == (
        [(kind, content, "")] if kind else []
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"content": written(README.encode()), "encoding": "base64"},
        {"content": wrapped(README.encode() * 9), "encoding": "BASE64", "size": 1},
        {"Body": written(README.encode(), base64.urlsafe_b64encode).rstrip("="), "content_encoding": "base64url"},
        {"data": written(README.encode()), "size": len(README.encode())},
        {"content": "SGVsbG8=", "Content-Transfer-Encoding": "base64"},
    ],
)
def test_text_that_something_beside_it_says_is_base64_is_decoded(answer: dict[str, Any]) -> None:
    (part,) = found(answer).values()
    assert part.text == part.content.decode()
    assert part.text in ("Hello", README, README * 9)


TOKEN = written(NOISE[:600])


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "iVBORw0KGgo", "sha": "0a1b" * 400, "SHA": "0A1B" * 400},
        {"nextPageToken": TOKEN, "cursor": TOKEN},
        {"nextPageToken": written(NOISE), "signature": written(NOISE), "X_Request_ID": written(NOISE)},
        {"jwt": f"eyJhbGciOiJIUzI1NiJ9.{written(NOISE, base64.urlsafe_b64encode)}.{written(NOISE[:32])}"},
        {"cursor": written(json.dumps({"after": "x" * 300}).encode())},
        {"value": "x" * 9_000, "body": "ACGT" * 900, "text": "word" * 900, "content": "1" * 4_000},
        {"words": "\n".join(["Alpha1", "Beta22", "Gamma3"] * 200)},
        {"words": "One line of Words and 7 numbers " * 90},
        {"name": "README00", "path": "docs", "encoding": "base64", "content": ""},
        {"content": "not base64!", "encoding": "base64"},
        {"content": "SGVsbG8=", "encoding": "utf-8"},
        {"data": "Hello123", "size": 6},
        {"data": written(README.encode()), "size": 7},
        {"data": written(b"\xff" + bytes(40)), "size": 41},
        {"x": "data:image/png;base64,", "y": "data:;base64,?", "z": "data:image/png,iVBO"},
        {"mixed": written(b"\xfb\xff" * 900) + "-_", "alien": "é" * 2_000},
        {"x": "//s" + "aB1" * 60},
        # One letter more than any bytes make.
        {"x": TOKEN * 2 + "a"},
    ],
)
def test_what_could_be_anything_else_is_left_alone(answer: Any) -> None:
    assert not found(answer)


def test_the_parts_are_told_in_their_order_with_the_name_beside_them() -> None:
    answer = {"name": "b.png", "x": [written(SOUND)], "inner": {"filename": "a.pdf", "data": written(PDF)}}
    answer |= {"data": written(PNG), "again": written(PNG)}
    assert [(part.media_type, part.name) for part in found(answer).values()] == [
        ("audio/mpeg", ""),
        ("application/pdf", "a.pdf"),
        ("image/png", "b.png"),
    ]


def test_what_is_replaced_is_that_string_wherever_it_is_and_the_answer_stays() -> None:
    text, picture = written(README.encode()), written(PNG)
    answer = {"content": text, "encoding": "base64", "more": [picture, {"x": picture, "encoding": "base64"}]}
    before = json.dumps(answer)
    assert replaced(answer, {picture: "(a picture)"}, {text: README}) == {
        "content": README,
        "encoding": "utf-8",
        "more": ["(a picture)", {"x": "(a picture)", "encoding": "base64"}],
    }
    assert json.dumps(answer) == before


def test_only_what_is_selected_counts() -> None:
    parts = found({"a": written(PNG), "b": written(SOUND)})
    assert list(within([{"n": written(SOUND)}], parts)) == [written(SOUND)]


WORDS = st.text(max_size=20) | st.sampled_from(["base64", "content", "encoding", "data", "size"])
LEAVES = st.none() | st.booleans() | st.integers() | WORDS | st.text("abc-_/+= \n", min_size=115, max_size=130)


TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=12)


@settings(max_examples=100)
@given(TREES)
def test_json_without_base64_stays_as_it_is(answer: Any) -> None:
    assert found(answer) == {}
    assert replaced(answer, {}, {}) == answer


@settings(max_examples=100)
@given(
    st.binary(min_size=90, max_size=2_000).map(PNG.__add__),
    st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
    st.sampled_from(["", "="]),
    st.recursive(
        st.just("*"), lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1)
    ),
)
def test_of_a_file_no_byte_is_lost_wherever_it_is(content: bytes, write: Write, stripped: str, tree: Any) -> None:
    string = written(content, write).rstrip(stripped or " ")
    answer = replaced(tree, {"*": string}, {})
    assert {value: part.content for value, part in found(answer).items()} == {string: content}
    assert replaced(answer, {string: "*"}, {}) == tree


def nested(times: int, around: Callable[[Any], Any]) -> Any:
    value: Any = [written(PNG)]
    for _ in range(times):
        value = around(value)
    return value


HOSTILE: list[Any] = [
    nested(5_000, lambda value: [value]),
    nested(500, lambda value: [value, value]),
    "A" * 5_000_000,
    "\n" * 5_000_000 + "!",
    "A\n" * 2_500_000,
    "aB1=" * 1_000_000,
    "data:;base64," + "%" * 5_000_000,
    {"size": 10**400, "data": "aB12" * 1_000_000},
    {f"encoding{'_' * 100_000}": "base64", "content": "=" * 1_000_000},
    [written(NOISE[:90] + bytes([n % 256])) for n in range(30_000)],
    [[]] * 2_000_000,
    {"content": "SGVsbG8=", **{f"e{n}": "base64" for n in range(300_000)}},
]


@pytest.mark.parametrize(
    "answer",
    HOSTILE,
    ids=["deep", "shared", "long", "blank", "lines", "marks", "uri", "size", "key", "many", "wide", "keys"],
)
def test_whatever_comes_takes_little_time(answer: Any) -> None:
    started = time.monotonic()
    parts = found(answer)
    within(answer, parts)
    replaced(answer, dict.fromkeys(parts, "x"), {})
    assert time.monotonic() - started < 5
