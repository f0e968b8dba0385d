"""The room where every string from outside is made safe to show: the sanitiser, the cap, the fence.

Titles, names, documents and API answers are data. What a person cannot see (invisible, joining, bidirectional, control
and tag characters) is removed, since it is how instructions are hidden from people and shown to models; lone surrogates
are replaced, since they cannot be written as UTF-8 at all; what looks the same is spelt the same (NFC).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import dropwhile
from typing import Any, TypeVar

ItemT = TypeVar("ItemT")

MIN_HASH_CHARS = 6
_MAX_HASH_CHARS = 24

# Categories: Cc control, Cf format (bidi, zero width, tags), Cs surrogate, Co private use, Cn unassigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT = frozenset("\n\t")
_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")
# Of other categories, but just as unseen: variation selectors, which carry hidden bytes, and blank letters and marks.
_BLANK = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]")
_ESCAPE = re.compile(r"\\(?:u00[0-9a-f]{2}|r\\n|.)")
_ESCAPE_BEFORE_MARK = re.compile(r"\\\\|(\\[a-z])([^\x00-\x7f]+)")
_ESCAPED = {"u": "", "b": "", "f": "", "r": r"\n"}
_MARKUP = re.compile(r"[<>\"]")
_FENCE = re.compile(r"<(\s*/?\s*)data\b", re.IGNORECASE)

# A letter before it makes it another word, `task_live_x`, unless it belongs to an escape, `\nsk_live_1_x`.
_START = r"(?:(?<![a-z0-9])|(?<=\\[a-z])|(?<=\\x..)|(?<=\\u....)|(?<=%..))"
# What begins with id_ may be a name that people gave, such as id_test_group: a key is longer, and has a digit.
_API_KEY = re.compile(
    rf"(?ia)({_START}sk_(?:live|test)_|{_START}(?<!_)id_(?:live|test)_(?=\D{{0,100}}\d)(?=[\w~+/=%-]{{16}}))"
    r"[\w~+/=%-]+(?:\.[\w~+/=%-]+)*"
)
_CONNECTION_KEY = re.compile(rf"(?ia)({_START}(?:live|test)::[\w.-]*::)[^\s'\",…]*[^\s'\",….]")
# As the path of a file, a URL has but one stroke left.
_PASSWORD = re.compile(r"(//|:/)(?:[^\s/\"?#]*|[^\s/\"@:]{0,100}:(?!\d+/)[^\s\"]{0,200})@")


def clean(text: str, max_chars: int | None = None) -> str:
    """Return the text without what a person cannot see, at most `max_chars` characters.

    Idempotent, and always encodes as UTF-8.
    """
    if not _PLAIN.fullmatch(text):
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
        text = _BLANK.sub("", text)
        text = "".join(_seen(char) for char in text)
        text = unicodedata.normalize("NFC", _ESCAPE_BEFORE_MARK.sub(_without_mark, text))
    return text if max_chars is None else cap(text, max_chars)


def _seen(char: str) -> str:
    if char in _KEPT:
        return char
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category in _UNSEEN else char


def _without_mark(escape: re.Match[str]) -> str:
    """Return the escape without marks on its letter: as one letter with them, it would escape nothing."""
    if escape[1] is None:
        return escape[0]
    return escape[1] + "".join(dropwhile(lambda char: unicodedata.category(char)[0] == "M", escape[2]))


def line(text: str, max_chars: int = 200) -> str:
    """Return the text as one clean line, which cannot close a fence that it stands in or before."""
    return cap(_FENCE.sub(r"<\1data_", " ".join(clean(text).split())), max_chars)


def cap(text: str, max_chars: int) -> str:
    """Return at most `max_chars` characters, the last of them an ellipsis if anything was cut."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def masked(words: str) -> str:
    """Return the words without the API keys, keys of connections and passwords of URLs that a slip has put there.

    What is left of a key tells its kind: `sk_live_…`, `live::gmail::…`. Idempotent.
    """
    return _CONNECTION_KEY.sub(r"\1…", _API_KEY.sub(r"\1…", _PASSWORD.sub(r"\1…@", words)))


def has_api_key(words: str) -> bool:
    """Tell if one of Pica's API keys stands in the words."""
    return bool(_API_KEY.search(words))


def fence(text: str, source: str, max_chars: int | None = None) -> str:
    """Return the text, at most `max_chars` of it, marked as data from `source`; no mark inside can close the fence."""
    inner = _FENCE.sub(r"<\1data_", clean(text))[:max_chars]
    return f'<data source="{_MARKUP.sub("", line(source, 80))}">\n{inner}\n</data>'


def compact(value: Any) -> str:
    """Return JSON text without spaces, keeping letters of every script; never raises for a JSON value.

    It holds no control characters in the disguise of escapes either, and stays JSON when it is cleaned.
    """
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:  # readable is not the same depth as writable
        return '"(nested too deeply to show)"'
    seen = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[0][1], escape[0]), written)
    return seen.replace("\u2028", "\\n").replace("\u2029", "\\n")


def tell_apart(
    items: Iterable[ItemT], spell: Callable[[ItemT, int], str], taken: Iterable[str] = ()
) -> dict[str, ItemT]:
    """Give every item a name of its own, letter case aside. `spell(item, n)` is its name with `n` characters of hash.

    All who would share a name, or have one that is `taken`, get a hash, and a longer one as long as that is not
    enough; so the names do not depend on the order, and a name that imitates another's hash hides nobody.
    """
    items = tuple(items)
    sizes = [0] * len(items)
    while True:
        names = [spell(item, size) for item, size in zip(items, sizes, strict=True)]
        counts = Counter(name.casefold() for name in (*names, *taken))
        crowded = [i for i, name in enumerate(names) if counts[name.casefold()] > 1 and sizes[i] < _MAX_HASH_CHARS]
        if not crowded:
            return dict(zip(names, items, strict=True))
        for i in crowded:
            sizes[i] = sizes[i] + 2 if sizes[i] else MIN_HASH_CHARS


def some(count: int, noun: str) -> str:
    """Return so many of them, in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short_hash(text: str, chars: int) -> str:
    """Return so many characters of a hash of the text, which cannot be found from it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:chars]
