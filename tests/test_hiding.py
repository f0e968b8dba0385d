from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from math import ceil
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import hiding
from pica_mcp.hiding import HIDDEN, MAX_SPELLING_BYTES, Spelt

SECRET = "sk_live_1_AbC-dEf_0123456789+/=~zZ"
KEY = "live::gmail::default::0123456789abcdef|zoé 世界 🎉"
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=5, max_size=60).map("sk_".__add__)


def hide(data: bytes, words: Iterable[str]) -> bytes:
    return hiding.hide(data, Spelt.of(words))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": lambda word: word.encode().upper().decode(),
    "json": lambda word: json.dumps(word)[1:-1],
    "json in upper case": lambda word: "".join(
        c if c.isalnum() or ord(c) > 65_535 else rf"\u{ord(c):04X}" for c in word
    ),
    "json with escaped slashes": lambda word: json.dumps(word)[1:-1].replace("/", "\\/"),
    "json in json": lambda word: json.dumps(json.dumps(word))[3:-3],
    "url": lambda word: quote(word, safe=""),
    "url in lower case": lambda word: quote(word, safe="").lower(),
    "url with slashes": quote,
    "url as scripts write it": lambda word: quote(word, safe="-_.!~*'()"),
    "url in a url": lambda word: quote(quote(word, safe=""), safe=""),
    "hex": lambda word: word.encode().hex(),
    "hex in upper case": lambda word: word.encode().hex().upper(),
    "base64": lambda word: base64.b64encode(word.encode()).decode(),
    "base64 for urls": lambda word: base64.urlsafe_b64encode(word.encode()).decode().rstrip("="),
    "base64 in json": lambda word: base64.b64encode(word.encode()).decode().replace("/", "\\/"),
    "base64 in a url": lambda word: quote(base64.b64encode(word.encode()).decode(), safe=""),
}


@pytest.mark.parametrize("word", [SECRET, KEY], ids=["secret", "key"])
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_word_is_hidden_however_it_is_spelled(spell: Callable[[str], str], word: str) -> None:
    hidden = hide(f"before {spell(word)} after, {spell(word)}".encode(), (word,)).decode()
    # What is left of base64's filling, where a URL spells it, tells nothing.
    assert hidden.replace("%3D", "") == f"before {HIDDEN} after, {HIDDEN}"


@given(secret=SECRETS, spell=st.sampled_from(list(SPELLINGS.values())))
def test_every_secret_is_hidden_in_every_spelling(secret: str, spell: Callable[[str], str]) -> None:
    hidden = hide(f"<{spell(secret)}>".encode(), (secret,)).decode()
    assert hidden.replace("%3D", "") == f"<{HIDDEN}>"


@given(before=st.binary(max_size=12), secret=SECRETS, after=st.binary(max_size=12), for_urls=st.booleans())
def test_base64_is_hidden_wherever_in_it_the_secret_stands(
    before: bytes,
    secret: str,
    after: bytes,
    for_urls: bool,  # noqa: FBT001 - hypothesis passes by name
) -> None:
    encode = base64.urlsafe_b64encode if for_urls else base64.b64encode
    left, found, right = hide(encode(before + secret.encode() + after), (secret,)).decode().partition(HIDDEN)
    assert found
    # No more is left than the neighbours' own bits, and those that they share a letter with.
    assert len(left) <= ceil(len(before) * 8 / 6)
    assert len(right.rstrip("=")) <= ceil(len(after) * 8 / 6)


@pytest.mark.parametrize("name", ["", "k", "ke", "key", "someone@example.com"])
def test_basic_credentials_are_hidden_on_either_side(name: str) -> None:
    for credentials in (f"{name}:{SECRET}", f"{SECRET}:{name}"):
        header = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        (shown,) = hide(header.encode(), (SECRET,)).decode().removeprefix("Basic ").split(HIDDEN, 1)[:1]
        assert HIDDEN in hide(header.encode(), (SECRET,)).decode()
        assert len(shown) <= ceil((len(name) + 1) * 8 / 6)


@given(
    before=st.text(max_size=20),
    secret=SECRETS,
    after=st.text(max_size=20),
    ascii_only=st.booleans(),
)
def test_json_stays_json_and_tells_nothing(before: str, secret: str, after: str, ascii_only: bool) -> None:  # noqa: FBT001 - likewise
    written = json.dumps({"echo": before + secret + after, "n": 1}, ensure_ascii=ascii_only).encode("utf-8", "replace")
    shown = json.loads(hide(written, (secret,)))
    assert secret not in shown["echo"]
    assert HIDDEN in shown["echo"]
    assert shown["n"] == 1


def test_what_is_binary_stays_as_it_is_around_the_secret() -> None:
    noise = bytes(range(256))
    assert hide(noise + SECRET.encode() + noise, (SECRET,)) == noise + HIDDEN.encode() + noise


@given(data=st.binary(max_size=500))
def test_what_holds_nothing_is_returned_itself(data: bytes) -> None:
    assert hide(data, (SECRET, KEY)) is data


def test_a_part_of_a_secret_alone_is_no_secret() -> None:
    said = SECRET[:-1].encode()
    assert hide(said, (SECRET,)) is said


def test_of_a_secret_that_begins_with_another_nothing_is_left() -> None:
    longer = SECRET + "-and-more"
    for words in ((SECRET, longer), (longer, SECRET)):
        assert hide(f"<{longer}> <{SECRET}>".encode(), words) == f"<{HIDDEN}> <{HIDDEN}>".encode()


def test_no_word_and_an_empty_one_hide_nothing() -> None:
    assert hide(b"anything", ()) == hide(b"anything", ("",)) == b"anything"


def test_a_short_word_is_hidden_as_it_is_only() -> None:
    assert hide(b"<a::1> YTo6MQ==", ("a::1",)) == b"<[hidden]> YTo6MQ=="


def test_a_word_of_signs_only_is_hidden() -> None:
    assert hide(b"<%21%21--::..==> x", ("!!--::..==",)) == b"<[hidden]> x"


def test_a_word_that_no_encoding_can_write_is_looked_for_all_the_same() -> None:
    assert hide(b"anything", ("live::gmail::\ud800",)) == b"anything"


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_the_longest_secret_is_longer_than_is_said(spell: Callable[[str], str]) -> None:
    assert len(spell("+" * 8_192)) <= MAX_SPELLING_BYTES


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("spell", [str, json.dumps, SPELLINGS["url"], SPELLINGS["base64"]])
def test_text_of_wide_characters_is_looked_through(spell: Callable[[str], str], charset: str) -> None:
    told = f"Grüße 世界 {spell(SECRET)} after".encode(charset)
    assert HIDDEN in hide(told, (SECRET,)).decode(charset)
    assert SECRET.encode() not in hide(told, (SECRET,)).replace(b"\0", b"")


@pytest.mark.parametrize("around", [b"\xff", b"\0", b"\x89PNG\r\n\x1a\n\0\0\0"])
@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_word_of_wide_characters_in_the_midst_of_bytes_is_not_told(charset: str, around: bytes) -> None:
    hidden = hide(around + SECRET.encode(charset) + around, (SECRET,))
    assert SECRET.encode() not in hidden.replace(b"\0", b"")


@given(data=st.binary(max_size=200))
def test_bytes_without_a_word_are_left_as_they_are(data: bytes) -> None:
    assert hide(data, (SECRET,)) is data
