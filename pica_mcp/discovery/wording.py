"""The room of what the words of a search mean: which are the same thing, which say what is to be done. Pure.

Words are lower case and singular. A word may stand in several lines; those beside it mean the same to who asks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from operator import eq

from pica_mcp import text

MAX_QUERY_CHARS = 400
_MAX_TERMS = 16
_MAX_WORDS = 24
_LEAST_MISSPELT = 4
_SHORT = 5
_MAX_APART = 2
_ALIKE = 0.74
_MAX_COMPARED = 1_000

READ, MAKE, CHANGE, REMOVE = "read", "make", "change", "remove"
_DEEDS = {
    READ: (
        "get read fetch retrieve show view see check download export tell",
        "list find search query lookup look browse all which what",
    ),
    MAKE: (
        "create add new make insert open start book schedule plan generate draw build",
        "send post write publish notify tell reply compose respond",
        "append add",
        "upload put attach import",
        "run execute trigger invoke call",
        "copy duplicate clone",
        "create take accept collect",
        "add react",
    ),
    CHANGE: (
        "update edit change modify patch set rename adjust correct replace move mark assign close finish reschedule",
    ),
    REMOVE: (
        "delete remove erase trash destroy drop discard throw archive cancel",
        "clear empty purge wipe reset",
        "revoke void unshare",
    ),
}
_THINGS = (
    "email mail message inbox",
    "message chat dm",
    "message reply",
    "channel conversation",
    "event meeting appointment agenda",
    "event today tomorrow yesterday tonight monday tuesday wednesday thursday friday saturday sunday week upcoming",
    "free busy available availability slot",
    "issue ticket bug task todo",
    "comment reply",
    "contact person people lead client",
    "customer client buyer",
    "record person people entry",
    "company organization account business",
    "deal opportunity sale",
    "payment charge transaction",
    "invoice bill",
    "refund reimburse reimbursement money",
    "file document doc attachment",
    "file folder directory",
    "export pdf",
    "permission share sharing access grant invite",
    "metadata name rename",
    "page note doc wiki",
    "block text paragraph content",
    "database table",
    "spreadsheet sheet workbook excel",
    "row record line",
    "value cell range",
    "sql query database",
    "user member people person who",
    "profile viewer authenticated me who account user",
    "repository repo",
    "pr pull merge",
    "branch commit",
    "compare diff difference",
    "web internet online google",
    "link website site url",
    "image picture photo",
    "speech voice audio",
    "chat completion prompt ask gpt chatgpt",
    "model gpt",
    "embedding embed vector",
    "emoji reaction thumb react",
    "secret env environment credential",
    "label tag",
    "answer ask question",
    "trash bin",
)
_TOGETHER = ("channel history message",)
"""What is looked for together, and is not the same."""

# What is a thing by itself and is done to the word behind it: "charge a customer", "comment on a page".
_DONE_TO = frozenset({"a", "an", "the", "my", "our", "this", "that", "on", "someone", "somebody"})
_DETERMINED = frozenset({"open", "close"})
"""What is something to do only before one of these: not in "open issues"."""
_IDLE_WORDS = """
    a an the and or of for from in into on to with via using by at my i we i our us your is am are be it its this that s
    please can could would want need how do does some any through over about there have has had if so them they their
    someone somebody something anything everything recent latest last next now just back another
"""
_IDLE = frozenset(_IDLE_WORDS.split())
_LINES = tuple(line.split() for line in (*(line for lines in _DEEDS.values() for line in lines), *_THINGS))
_RELATED = tuple(line.split() for line in _TOGETHER)
_DEED_OF = {word: deed for deed, lines in reversed(_DEEDS.items()) for line in lines for word in line.split()}
_KNOWN = frozenset(word for line in (*_LINES, *_RELATED) for word in line) | _IDLE


def words(written: str) -> list[str]:
    """Return the words of a title, key, path or query: lower case, singular, camel case taken apart; at most a few."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text.line(written[:MAX_QUERY_CHARS], MAX_QUERY_CHARS))
    return [_singular(word) for word in re.findall(r"[^\W_]+", spaced.lower())[:_MAX_WORDS]]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def substantial(given: Sequence[str]) -> list[str]:
    """Return the words that say something; all of them if that were none."""
    return [word for word in given if word not in _IDLE] or list(given)


def terms(query: str) -> list[str]:
    """Return what of the query says what is wanted; all its words if that were nothing."""
    asked = words(query)
    behind = [*asked[1:], ""]
    kept = [word for word, after in zip(asked, behind, strict=False) if word not in _DETERMINED or after in _DONE_TO]
    return substantial(list(dict.fromkeys(kept or asked)))[:_MAX_TERMS]


def deed(query: str) -> str:
    """Return what the query wants done, as `READ`, `MAKE`, `CHANGE` or `REMOVE`; empty if it does not say."""
    asked = [word for word in words(query) if word not in ("i", "please", "to", "want", "can", "you")]
    if len(asked) > 1 and asked[0] not in _DEED_OF and asked[1] in _DONE_TO and _is_thing(asked[0]):
        return MAKE
    known = [_DEED_OF[term] for term in terms(query) if term in _DEED_OF]
    return REMOVE if REMOVE in known else next(iter(known), "")


def _is_thing(word: str) -> bool:
    return any(word in line.split() for line in _THINGS) or word not in _KNOWN


def deed_of(title: Iterable[str], method: str) -> str:
    """Return what an action does by the words of its title, else by its method."""
    named = next((_DEED_OF[word] for word in title if word in _DEED_OF), "")
    return named or {"GET": READ, "HEAD": READ, "DELETE": REMOVE, "PUT": CHANGE, "PATCH": CHANGE}.get(method, MAKE)


def is_deed(word: str) -> bool:
    """Tell if the word says what is to be done."""
    return word in _DEED_OF


def meanings(term: str, *, strictly: bool = False) -> frozenset[str]:
    """Return the term and the words that mean the same, or unless `strictly` that go with it."""
    lines = _LINES if strictly else (*_LINES, *_RELATED)
    return frozenset({term}.union(*(line for line in lines if term in line)))


def corrected(asked: Iterable[str], vocabulary: Collection[str], *, slips: bool = False) -> list[str]:
    """Return the terms, each that is unknown as the one of the vocabulary that it is most like, if there is one.

    With `slips`, only where a letter is wrong, missing or too much, or letters changed places.
    """
    known = frozenset(vocabulary)
    nearest = {w: w if w in known or w in _KNOWN else _nearest(w, (known, _KNOWN)) for w in asked}
    return list(dict.fromkeys(w if slips and not _is_slip(w, near) else near for w, near in nearest.items()))


def _is_slip(word: str, meant: str) -> bool:
    before = _shared(word, meant)
    after = _shared(word[before:][::-1], meant[before:][::-1])
    return max(len(word), len(meant)) - before - after <= 1 or sorted(word) == sorted(meant)


def _shared(one: str, other: str) -> int:
    """Return how many letters both begin with."""
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))


def _nearest(word: str, among: Iterable[Iterable[str]]) -> str:
    if len(word) < _LEAST_MISSPELT:
        return word
    beside = (one for some in among for one in some if one[0] == word[0] and abs(len(one) - len(word)) <= _MAX_APART)
    # In a short word, one letter for another makes a word of its own.
    alike = {one for one in beside if len(word) > _SHORT or len(one) != len(word) or sorted(one) == sorted(word)}
    return next(iter(difflib.get_close_matches(word, sorted(alike)[:_MAX_COMPARED], n=1, cutoff=_ALIKE)), word)


def named(query: str, called: Iterable[str]) -> tuple[bool, frozenset[str]]:
    """Tell if the query names the platform, however it is spaced, and which of the query's words do that."""
    asked = words(query)
    names = {joined for name in called if len(joined := "".join(words(name))) > 1}
    for size in (1, 2, 3):
        for at in range(len(asked) - size + 1):
            if "".join(asked[at : at + size]) in names:
                return True, frozenset(asked[at : at + size])
    parts = frozenset(word for name in called for word in words(name) if len(word) > 3)
    return False, parts.intersection(asked)


def names(query: str, *called: str) -> bool:
    """Tell if the query names the platform that is called so, however it is spaced."""
    return named(query, called)[0]


def squeezed(name: str) -> str:
    """Return the name without what people leave out or write otherwise: letter case, blanks, dashes."""
    return "".join(char for char in name[:MAX_QUERY_CHARS].casefold() if char.isalnum())
