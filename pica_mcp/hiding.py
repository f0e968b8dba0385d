"""The room that takes out of answers what nobody may read there, however an API writes it when it echoes it. Pure.

A word is found as it is, in any letter case, as JSON, Markdown or a shell escapes it, URL-encoded, as hex, and as
base64 of either alphabet, alone or inside something longer, as in Basic credentials; in UTF-16 and UTF-32 as in UTF-8.
Base64 that is broken into lines is not found.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

HIDDEN = "[hidden]"

MAX_SPELLING_BYTES = 64 * 1024
"""No spelling is longer, for words up to 8 kB. Who cuts an answer reads so much more, and cuts after hiding."""

_MIN_ENCODED_BYTES = 6
_WIDE = ("utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_PLAIN = re.compile("[A-Za-z0-9]+")
_BASE64_CHAR = "[A-Za-z0-9+/_-]"


@dataclass(frozen=True, slots=True)
class Spelt:
    """Words in all their spellings, each with the plain string that is looked for first."""

    spellings: tuple[tuple[bytes, _Spelling], ...]

    @classmethod
    def of(cls, words: Iterable[str]) -> Spelt:
        """Spell the words; that takes longer than to look for them."""
        spellings = (spelling for word in _longest_first(words) for spelling in _spellings(word))
        return cls(tuple((spelling.core, spelling) for spelling in spellings))


def hide(data: bytes, words: Spelt) -> bytes:
    """Return the data with `HIDDEN` for the words in all their spellings; the same object if there are none.

    Text of two or four bytes a character is looked through as well. What is in no such charset as a whole and yet says
    a word so, loses its zero bytes: a broken file is better than a told secret.
    """
    hidden = _hidden(data, words)
    if b"\0" not in hidden:
        return hidden
    narrow = hidden.replace(b"\0", b"")
    bare = _hidden(narrow, words)
    return hidden if bare is narrow else _hidden_wide(hidden, words) or bare


def _hidden_wide(data: bytes, words: Spelt) -> bytes | None:
    """Return the text in its own charset with the words hidden, None if none of those charsets is its own."""
    for charset in _WIDE:
        with suppress(UnicodeError):
            again = _hidden(data.decode(charset).encode(), words).decode().encode(charset)
            narrow = again.replace(b"\0", b"")
            if _hidden(narrow, words) is narrow:
                return again
    return None


def _hidden(data: bytes, words: Spelt) -> bytes:
    seen = data.lower()
    # As nearly always nothing is found, that is what is quick: one plain string of each spelling is looked for.
    found = [spelling for core, spelling in words.spellings if core in seen]
    if not found:
        return data
    pattern = "|".join(spelling.pattern for spelling in found).encode()
    return re.sub(pattern, HIDDEN.encode(), data, flags=re.IGNORECASE)


def _longest_first(words: Iterable[str]) -> list[str]:
    # Of a word that begins with another one, nothing may be left over.
    return sorted({word for word in words if word}, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """One way to write a word. What is written may be escaped once more; `rest` is a pattern of what ends it."""

    written: str
    escaped: Callable[[str], str]
    rest: str = ""

    @property
    def core(self) -> bytes:
        """The longest run of letters and digits, in lower case: every encoder leaves them alone."""
        return max(_PLAIN.findall(self.written), key=len, default="").lower().encode()

    @property
    def pattern(self) -> str:
        """What matches it."""
        return "".join(map(self.escaped, self.written)) + self.rest


def _spellings(word: str) -> Iterator[_Spelling]:
    raw = word.encode("utf-8", "surrogatepass")
    yield _Spelling(word, _escaped)
    if len(raw) < _MIN_ENCODED_BYTES:
        return
    yield _Spelling(raw.hex(), str)
    for before in range(3):  # how many bytes stand before the word in its first group of three
        encoded = base64.b64encode(bytes(before) + raw).decode()
        bits = (before + len(raw)) * 8
        # The word's last bits may share a letter with what follows.
        rest = f"{_BASE64_CHAR}?={{0,2}}" if bits % 6 else ""
        yield _Spelling(encoded[-(-before * 8 // 6) : bits // 6], _base64_escaped, rest)


def _escaped(char: str) -> str:
    """Return a pattern of how a character may be written, escapes within escapes included, but not without end."""
    if _PLAIN.fullmatch(char):
        return char
    raw = char.encode("utf-8", "surrogatepass")
    units = char.encode("utf-16-be", "surrogatepass")
    json = "".join(rf"\\{{1,8}}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    percent = "".join(f"%(?:25){{0,4}}{byte:02x}" for byte in raw)
    plain = "".join(rf"\x{byte:02x}" for byte in raw)
    return rf"(?:\\{{0,8}}{plain}|{json}|{percent})"


def _base64_escaped(char: str) -> str:
    other = {"+": "-", "/": "_"}.get(char)
    return f"(?:{_escaped(char)}|{other})" if other else char
