"""The room of which actions fit the words of a search best, over any number of platforms. Pure.

Pica searches one platform at a time, by words that may be others than the query's, and does not say how well a hit
fits. So its hits and whatever else is known of the platforms are compared by their words: title, key, model, tags and
path. Words that mean the same count nearly as much as the word itself, what is to be done counts besides, a word that
nobody has is read as the one that it is most like, and Pica's own order counts where words do not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from pica_mcp.discovery import wording
from pica_mcp.models import Action
from pica_mcp.spelling import words

# By how much a word counts where it stands, and how much a word of the same meaning.
_TITLE, _KEY, _ELSEWHERE, _MEANT, _HINTED, _OWN = 1.0, 0.7, 0.4, 0.8, 0.65, 0.5
_VERB = 0.6  # of what a thing's name counts
_FIRST = 1.25  # people begin with what is to be done
_CLOSENESS, _ORDER, _EXACT, _MADE = 0.7, 0.3, 0.5, 0.1
_DEED, _OTHER_DEED, _PROBABLY = 0.6, -0.3, 0.4
_MANY = 0.15
_DEED_ALONE = 0.5  # that both list something is little
_DESTROYS = 0.8
_WORTHWHILE = 0.4
_RARE = 0.8
_MAX_TAGS = 20
_SEVERAL = frozenset({"list", "find", "search"})
_FAR = 1_000_000
_LOOKED_AT = 30

Test = Callable[[Action], bool]


def best(
    query: str,
    found: Mapping[str, Sequence[Action]],
    known: Iterable[tuple[Action, str]],
    *,
    offered: Test,
    destroys: Test,
) -> list[Action]:
    """Return what is `offered`, best first.

    `found`: platform → its actions in Pica's order; `known`: others, each with what is said about it.

    If the query names a platform, its actions come before all others'. Those that fit far less well than the best
    are left out, and others than Pica found where no word fits. What `destroys` comes first only if the query asks
    for such a deed. The order does not depend on that of the platforms.
    """
    entries: dict[str, list[_Entry]] = {
        platform: [_Entry.of(row, place, "") for place, row in enumerate(rows)] for platform, rows in found.items()
    }
    for row, about in known:
        entries.setdefault(row.platform, []).append(_Entry.of(row, _FAR, about))
    asked = _Asked.of(query, entries)
    scored = sorted(
        (one for platform in sorted(entries) for one in asked.of_platform(platform, entries[platform])),
        key=_Scored.order,
    )
    fitting = list(islice((one for one in scored if one.score and offered(one.entry.action)), _LOOKED_AT))
    if not fitting:
        hits = (one.entry for one in scored if one.entry.place < _FAR)
        return [entry.action for entry in hits if offered(entry.action)]
    return _first_harmless(_worthwhile([asked.careful(one, destroys) for one in fitting], asked.sure(fitting)))


def everyday(actions: Iterable[Action], destroys: Test) -> list[Action]:
    """Return the actions that most people want first: those made for agents, those that need no id; none `destroys`."""
    harmless = [action for action in actions if not destroys(action) and words(action.title)]
    return sorted(harmless, key=lambda row: (not row.custom, row.path.count("{{"), len(row.title), row.title, row.id))


def fits(query: str, *actions: Action) -> bool:
    """Tell if one of them does what the query says, to something that it says, rather than only shares a word with it.

    Of what it is about, its description does not count: that names whatever is near it. A word is read as another one
    only if it is a slip away from it.
    """
    entries: dict[str, list[_Entry]] = {}
    for action in actions:
        entries.setdefault(action.platform, []).append(_Entry.of(action, 0, ""))
    asked = _Asked.of(query, entries, strictly=True)
    return any(asked.is_met_by(platform, entry) for platform, rows in entries.items() for entry in rows)


def is_asked_for(query: str, action: Action) -> bool:
    """Tell if the query says in the title's own word what the action does."""
    done = {word for word in words(action.title) if wording.is_deed(word)}
    return not done.isdisjoint(wording.terms(query))


@dataclass(frozen=True, slots=True)
class _Entry:
    """An action with its words."""

    action: Action
    place: int
    title: tuple[str, ...]
    key: frozenset[str]
    elsewhere: frozenset[str]
    all: frozenset[str]

    @classmethod
    def of(cls, action: Action, place: int, about: str) -> _Entry:
        elsewhere = " ".join((action.path[:200], action.model[:60], *action.tags[:_MAX_TAGS]))
        key, others = frozenset(words(action.key)), frozenset(words(elsewhere) + words(about))
        title = tuple(wording.substantial(words(action.title)))
        return cls(action, place, title, key, others, key | others | frozenset(title))


@dataclass(frozen=True, slots=True)
class _Scored:
    """How well an action fits: by its words, and where Pica had it."""

    named: bool
    score: float
    platform: str
    entry: _Entry
    destroys: bool = False

    def order(self) -> tuple[bool, float, str, int]:
        place = self.entry.place
        return not self.named, -self.score - _ORDER / (1 + place), self.platform, place


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as its words are meant."""

    spans: Mapping[str, frozenset[str]]
    terms: tuple[str, ...]
    same: Mapping[str, frozenset[str]]
    hints: Mapping[str, frozenset[str]]
    weights: Mapping[str, float]
    deed: str

    @classmethod
    def of(cls, query: str, entries: Mapping[str, Iterable[_Entry]], *, strictly: bool = False) -> _Asked:
        vocabulary = {word for rows in entries.values() for entry in rows for word in entry.all}
        vocabulary.update(word for platform in entries for word in words(platform))
        terms = tuple(wording.corrected(wording.terms(query), vocabulary, slips=strictly))
        spelt = " ".join(wording.corrected(words(query), vocabulary, slips=strictly))
        same = {term: wording.meanings(term, strictly=strictly) for term in terms}
        hints = {term: frozenset[str]() if strictly else wording.hints(term) for term in terms}
        titles = [frozenset(entry.title) for rows in entries.values() for entry in rows]
        weights = {term: _weight(term) * _rarity(same[term] | hints[term], titles) for term in terms}
        return cls(wording.spans(query), terms, same, hints, weights, wording.deed(spelt))

    def of_platform(self, platform: str, rows: Iterable[_Entry]) -> Iterable[_Scored]:
        named, own = wording.named(self.spans, [platform])
        wanted = tuple(term for term in self.terms if term not in own) or self.terms
        meant = frozenset[str]().union(*(self.same[term] | self.hints[term] for term in wanted))
        for entry in rows:
            score = 0.0 if meant.isdisjoint(entry.all) else self._score(wanted, own, entry)
            yield _Scored(named, score, platform, entry)

    def is_met_by(self, platform: str, entry: _Entry) -> bool:
        """Tell if the action does what is wanted, to something that is wanted, as far as the query says either."""
        own = wording.named(self.spans, [platform])[1]
        deeds = [term for term in self.terms if wording.is_deed(term) and term not in own]
        things = [term for term in self.terms if not wording.is_deed(term) and term not in own]
        said = entry.key.union(entry.title)
        reads = self.deed == wording.READ == wording.deed_of(entry.title, entry.action.method)
        does = reads or not deeds or any(self.same[term].intersection(said) for term in deeds)
        return does and (not things or any(self._found(term, entry) for term in things))

    def sure(self, scored: Iterable[_Scored]) -> float:
        """Return how much of what is wanted any of these has."""
        total = sum(self.weights.values()) or 1.0
        return (
            max(sum(self.weights[term] * self._found(term, one.entry) for term in self.terms) for one in scored) / total
        )

    def careful(self, scored: _Scored, destroys: Test) -> _Scored:
        """Return the same, worth less if it destroys and nobody asked for that."""
        if not destroys(scored.entry.action) or self._asks_for(scored.entry):
            return scored
        return replace(scored, score=max(scored.score - _DESTROYS, 0.1), destroys=True)

    def _asks_for(self, entry: _Entry) -> bool:
        """Tell if the query asks for such a deed as this one."""
        done = {word for word in entry.title if wording.is_deed(word)}
        return self.deed == wording.REMOVE or any(term in done for term in self.terms)

    def _score(self, terms: Sequence[str], own: frozenset[str], entry: _Entry) -> float:
        """Return how well the action fits: what of the terms it has, and how much of its title they are."""
        weights = (self.weights[term] * (_FIRST if self.deed and term == self.terms[0] else 1.0) for term in terms)
        found = sum(weight * self._found(term, entry) for weight, term in zip(weights, terms, strict=True))
        if not found:
            return 0.0
        rest = [word for word in entry.title if word not in own] or list(entry.title)
        things = [word for word in rest if not wording.is_deed(word)]
        unsaid = [term for term in terms if term not in entry.title]
        covered = sum(
            any(word in self.same[term] for term in terms) or any(word in self.hints[term] for term in unsaid)
            for word in things
        )
        close = covered / len(things) if things else 0.0
        exact = _EXACT if rest and rest == list(terms) else 0.0
        in_order = 0.1 if any(pair in set(pairwise(rest)) for pair in pairwise(terms)) else 0.0
        besides = _OWN * len(own) + self._deed(entry) + (_MADE if entry.action.custom else 0.0)
        # Every word of the query that is found weighs more than what follows.
        score = max(2 * found + _CLOSENESS * close + exact + in_order + besides, 0.1)
        about = [term for term in terms if not wording.is_deed(term)]
        return score if not about or any(self._found(term, entry) for term in about) else _DEED_ALONE * score

    def _found(self, term: str, entry: _Entry) -> float:
        if term in entry.title:
            return _TITLE
        if not self.same[term].isdisjoint(entry.title):
            return _MEANT
        if term in entry.key:
            return _KEY
        if not self.hints[term].isdisjoint(entry.title):
            return _HINTED
        return _ELSEWHERE if term in entry.elsewhere else 0.0

    def _deed(self, entry: _Entry) -> float:
        """Return what it counts that the action does what is wanted; who does not say what wants to see something."""
        does = wording.deed_of(entry.title, entry.action.method)
        several = _MANY if does == wording.READ and _SEVERAL.intersection(entry.title) else 0.0
        if not self.deed:
            return _PROBABLY + several if does == wording.READ else 0.0
        return (_DEED + several) if does == self.deed else _OTHER_DEED


def _weight(term: str) -> float:
    return _VERB if wording.is_deed(term) else 1.0


def _rarity(meant: frozenset[str], titles: Sequence[frozenset[str]]) -> float:
    """Return how much more a word counts than others, since fewer of the titles have what it means."""
    share = sum(not meant.isdisjoint(title) for title in titles) / len(titles) if titles else 0.5
    return 1 + _RARE * (0.5 - share)


def _worthwhile(scored: Iterable[_Scored], sure: float) -> list[_Scored]:
    """Return what fits nearly as well as the best, best first; with something harmless, if there is any.

    The less of the query is found at all, the less the best is to be preferred.
    """
    known = sorted(scored, key=_Scored.order)
    least = {
        named: sure * _WORTHWHILE * max((one.score for one in known if one.named >= named), default=0.0)
        for named in (False, True)
    }
    kept = [one for one in known if one.score >= least[one.named]]
    if all(one.destroys for one in kept):
        kept += [one for one in known if not one.destroys][:1]
    return kept


def _first_harmless(ranked: Sequence[_Scored]) -> list[Action]:
    """Return the actions, the first that does no harm before those that nobody asked to do any."""
    first = next((one for one in ranked if not one.destroys), None)
    if first is None or not ranked[0].destroys:
        return [one.entry.action for one in ranked]
    return [first.entry.action, *(one.entry.action for one in ranked if one is not first)]
