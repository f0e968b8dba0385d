"""The room of what the words of a search mean: which are the same thing, which say what is to be done. Pure.

Words are lower case and singular. `thesaurus` has the lines that they stand in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, groupby

from pica_mcp.discovery.thesaurus import (
    CHANGE,
    DEEDS,
    HINTS,
    IDLE,
    IRREGULAR,
    MAKE,
    PARTED,
    READ,
    REMOVE,
    THINGS,
    TOGETHER,
)
from pica_mcp.spelling import MAX_CHARS, is_slip, near, words

_MAX_TERMS = 16
_LEAST_STEM = 3
_MAX_BETWEEN = 4


def _joined(lines: Iterable[Sequence[str]]) -> Mapping[str, frozenset[str]]:
    """Return word → all words of the lines that it stands in."""
    joined: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        for word in line:
            joined[word].update(line)
    return {word: frozenset(same) for word, same in joined.items()}


def _hinted(lines: str) -> Mapping[str, frozenset[str]]:
    """Return what people say → what may be meant."""
    hinted: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines.strip().splitlines():
        meant, _, said = line.partition(":")
        for word in said.split():
            hinted[word].add(meant.strip())
    return {word: frozenset(meant) for word, meant in hinted.items()}


# What is a thing by itself and is done to the word behind it: "charge a customer", "comment on a page".
_DONE_TO = frozenset(
    {"a", "an", "the", "my", "our", "this", "that", "on", "someone", "somebody", "what", "it", "them", "him", "her"}
)
_QUESTIONS = frozenset({"what", "which", "who", "whose", "where", "when", "any", "is", "are", "did", "doe", "am"})
_DETERMINED = frozenset({"open", "close"})
"""What is something to do only before one of these: not in "open issues"."""
_IDLE = frozenset(IDLE.split())
_TWO = {two.strip(): one.strip() for two, _, one in (line.partition(":") for line in PARTED.strip().splitlines())}
_IRREGULAR = {form: verb for form, _, verb in (two.strip().partition(" ") for two in IRREGULAR.split(","))}
_VERBS = frozenset(two.split()[0] for two in _TWO)
_LINES = tuple(line.split() for line in (*(line for lines in DEEDS.values() for line in lines), *THINGS))
_RELATED = tuple(line.split() for line in TOGETHER)
_SAME, _TOO = _joined(_LINES), _joined((*_LINES, *_RELATED))
_HINTED = _hinted(HINTS)
_DEED_OF = {word: deed for deed, lines in reversed(DEEDS.items()) for line in lines for word in line.split()}
_KNOWN = frozenset(_TOO).union(_HINTED, _IDLE)
_BEGINNING = {letter: tuple(begun) for letter, begun in groupby(sorted(_KNOWN), key=lambda word: word[0])}


def substantial(given: Sequence[str]) -> list[str]:
    """Return the words that say something; all of them if that were none."""
    return [word for word in given if word not in _IDLE] or list(given)


def _asked(query: str) -> list[str]:
    """Return the words of the query, verbs in two parts as the one word that means the same."""
    asked = words(query)
    for at, verb in enumerate(asked):
        if verb in _VERBS:
            for behind in range(at + 1, min(at + 2 + _MAX_BETWEEN, len(asked))):
                if meant := _TWO.get(f"{verb} {asked[behind]}"):
                    return [*asked[:at], meant, *asked[at + 1 : behind], *asked[behind + 1 :]]
    return asked


def terms(query: str) -> list[str]:
    """Return what of the query says what is wanted; all its words if that were nothing."""
    asked = _asked(query)
    behind = [*asked[1:], ""]
    kept = [word for word, after in zip(asked, behind, strict=False) if word not in _DETERMINED or after in _DONE_TO]
    kept = [*kept[:1], *(word for word in kept[1:] if word != "new")]  # "any new mail" asks for none to be made
    return substantial(list(dict.fromkeys(kept or asked)))[:_MAX_TERMS]


def deed(query: str) -> str:
    """Return what the query wants done, as `READ`, `MAKE`, `CHANGE` or `REMOVE`; empty if it does not say."""
    asked = [word for word in _asked(query) if word not in ("i", "please", "to", "want", "can", "you")]
    if len(asked) > 1 and asked[0] not in _DEED_OF and asked[1] in _DONE_TO and _is_thing(asked[0]):
        return MAKE
    known = [_DEED_OF[term] for term in terms(query) if term in _DEED_OF]
    if asked and asked[0] in _QUESTIONS and REMOVE not in known:
        return READ
    return REMOVE if REMOVE in known else next(iter(known), "")


def _is_thing(word: str) -> bool:
    return word not in _IDLE


def deed_of(title: Iterable[str], method: str) -> str:
    """Return what an action does by the words of its title, else by its method."""
    named = next((_DEED_OF[word] for word in title if word in _DEED_OF), "")
    return named or {"GET": READ, "HEAD": READ, "DELETE": REMOVE, "PUT": CHANGE, "PATCH": CHANGE}.get(method, MAKE)


def is_deed(word: str) -> bool:
    """Tell if the word says what is to be done."""
    return word in _DEED_OF


def meanings(term: str, *, strictly: bool = False) -> frozenset[str]:
    """Return the term and the words that mean the same, or unless `strictly` that go with it."""
    return (_SAME if strictly else _TOO).get(term, frozenset()) | {term}


def hints(term: str) -> frozenset[str]:
    """Return the words that people may mean who use this one."""
    return _HINTED.get(term, frozenset())


def wanted(term: str) -> tuple[str, ...]:
    """Return all words that may do for the term, itself first."""
    return (term, *sorted((meanings(term) | hints(term)) - {term}))


def unknown(query: str, own: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return the words that mean nothing by themselves, nor are a platform's `own`, and what each may be a form of."""
    return {word: _forms(word) for word in words(query) if word not in _KNOWN and word not in own}


def spelt(query: str, odd: Collection[str], known: Collection[str]) -> str:
    """Return the query, each of its odd words as the known one that it is most like, if there is one."""
    asked = words(query)
    meant = _corrected((word for word in asked if word in odd), known)
    return " ".join(meant.get(word, word) for word in asked)


def corrected(asked: Iterable[str], vocabulary: Collection[str], *, slips: bool = False) -> list[str]:
    """Return the terms, each that is unknown as the one of the vocabulary that it is most like, if there is one.

    With `slips`, only where a letter is wrong, missing or too much, or letters changed places, or it is another form.
    """
    meant = _corrected(asked, vocabulary)
    return list(dict.fromkeys(w if slips and not _is_slip(w, meant[w]) else meant[w] for w in meant))


def _corrected(asked: Iterable[str], vocabulary: Collection[str]) -> Mapping[str, str]:
    known = frozenset(vocabulary)
    return {word: word if word in known or word in _KNOWN else _nearest(word, known) for word in asked}


def _nearest(word: str, known: Collection[str]) -> str:
    forms = (form for form in _forms(word) if form in known or form in _KNOWN)
    return next(chain(forms, near(word, chain(known, _BEGINNING.get(word[:1], ())))), word)


def _is_slip(word: str, meant: str) -> bool:
    return meant in _forms(word) or is_slip(word, meant)


def _forms(word: str) -> list[str]:
    """Return what the word may be a form of: "plan" and "plane" of "planning", "apply" of "applied"."""
    if word in _IRREGULAR:
        return [_IRREGULAR[word]]
    for ending in ("ing", "ied", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _LEAST_STEM:
            return (
                [f"{stem}y"] if ending == "ied" else [stem, f"{stem}e", *([stem[:-1]] if stem[-1] == stem[-2] else [])]
            )
    return []


def spans(query: str) -> Mapping[str, frozenset[str]]:
    """Return what one, two or three of the query's words spell together, and which words they are."""
    asked = words(query)
    places = ((at, at + size) for size in (3, 2, 1) for at in range(len(asked) - size + 1))
    return {"".join(asked[start:end]): frozenset(asked[start:end]) for start, end in places}


def named(spans: Mapping[str, frozenset[str]], called: Iterable[str]) -> tuple[bool, frozenset[str]]:
    """Tell if the query of these `spans` names the platform, however it is spaced, and which of its words do that."""
    parts: set[str] = set()
    for name in map(words, called):
        if len(joined := "".join(name)) > 1 and joined in spans:
            return True, spans[joined]
        parts.update(word for word in name if len(word) > 3 and word in spans)
    return False, frozenset(parts)


def names(query: str, *called: str) -> bool:
    """Tell if the query names the platform that is called so, however it is spaced."""
    return named(spans(query), called)[0]


def squeezed(name: str) -> str:
    """Return the name without what people leave out or write otherwise: letter case, blanks, dashes."""
    return "".join(char for char in name[:MAX_CHARS].casefold() if char.isalnum())
