"""The benchmark's model: it calls what it has read of, with arguments that it has read of, and knows nothing else.

What it brings along is what words mean: that `to` is where a recipient goes, and `maxResults` how many are wanted. The
same words make it choose the same every time, and it gives up aloud where what it was shown is not enough to call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

MEANINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "account": ("userid",),
        "calendar": ("calendarid",),
        "channel": ("channel", "channelid", "channelname"),
        "count": ("limit", "maxresults", "numberofemails", "perpage", "pagesize", "first"),
        "email": ("email", "emailaddress"),
        "end": ("end", "endtime", "enddatetime"),
        "file": ("fileid", "file"),
        "id": ("id", "messageid"),
        "name": ("name", "fullname"),
        "number": ("issuenumber", "number"),
        "owner": ("owner",),
        "payment": ("paymentintent", "payment", "charge"),
        "recipient": ("to", "recipient", "recipients"),
        "repository": ("repo", "repository"),
        "rows": ("rows", "values"),
        "sheet": ("sheetname", "sheet"),
        "spreadsheet": ("spreadsheetid",),
        "start": ("start", "starttime", "startdatetime"),
        "subject": ("subject",),
        "team": ("teamid", "team", "teamkey"),
        "terms": ("q", "query", "search", "term"),
        "text": ("body", "text", "message", "content", "description"),
        "title": ("title", "summary", "subject"),
    }
)
"""What a value means → the names that arguments for it go by."""

_ENTRY = re.compile(r"([\w.$-]+)(\*?)(?:: (.+))?")
_KINDS = ("string", "integer", "number", "boolean", "object", "array")


class LostError(Exception):
    """What was shown is not enough to go on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One step of a task, in the words of the person who wants it.

    Every group of `words` has to be met by one of its own; the first of each make the search. `values` have to find
    an argument, by what they mean; `besides` are given where there is one.
    """

    brand: str
    words: tuple[tuple[str, ...], ...]
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    besides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def query(self) -> str:
        return self.queries[0]

    @property
    def queries(self) -> tuple[str, ...]:
        """What to search for: with the first words, and where that finds nothing, with the next ones."""
        most = max(map(len, self.words))
        return tuple(" ".join(group[min(at, len(group) - 1)] for group in self.words) for at in range(most))

    @property
    def platform(self) -> str:
        """The brand as one would spell it for a machine."""
        return self.brand.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Input:
    """An argument as it was shown; dots in a name open objects."""

    name: str
    kind: str = ""
    required: bool = False
    group: str = ""
    only: Any = None
    """The value it has to have, where that was shown too."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be called, as it was shown."""

    name: str
    title: str
    about: str = ""
    platform: str = ""
    inputs: tuple[Input, ...] = ()
    reads: bool = False


def squeezed(name: str) -> str:
    """The name as one lower-case word, so that all ways to write it are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def best(wish: Wish, offers: Iterable[Offer]) -> list[Offer]:
    """The offers that are what is wished for, by their words, best first."""
    scored = [(score, offer) for offer in offers if (score := _score(wish, offer)) is not None]
    return [offer for _, offer in sorted(scored, key=lambda one: -one[0])]


def _score(wish: Wish, offer: Offer) -> float | None:
    if offer.platform and squeezed(offer.platform) != squeezed(wish.brand):
        return None
    title, about = _words(offer.title), _words(offer.about)
    score = 0.0
    for group in wish.words:
        wanted = {_singular(word) for word in group}
        if not wanted & (title | about):
            return None
        score += 2 if wanted & title else 0.5
    return score - 0.1 * len(title)


def _words(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {_singular(word) for word in re.findall(r"[a-z0-9]+", spaced.lower())}


def _singular(word: str) -> str:
    return word if word.endswith("ss") else word.removesuffix("s")


def filled(wish: Wish, inputs: tuple[Input, ...]) -> dict[Input, Any] | None:
    """The wish's values by the argument each belongs into; None if one finds none, or something else is required."""
    given = {one: one.only for one in inputs if one.only is not None and _is_required(one, inputs)}
    for values, needed in ((wish.values, True), (wish.besides, False)):
        for meaning, value in values.items():
            place = _place(meaning, value, (one for one in inputs if one not in given))
            if place is None and needed:
                return None
            if place is not None:
                given[place] = [value] if _is_list(place) and not isinstance(value, list) else value
    written = [one.name for one in given]
    missing = [one for one in inputs if _is_required(one, inputs) and not _is_given(one.name, written)]
    return None if missing else given


def outlined(outline: str) -> tuple[Input, ...] | None:
    """The arguments of an outline such as `to*: string[], start: {date}, cc`; None if it is none."""
    if outline == "no arguments":
        return ()
    words = re.sub(r" \([\d,]+ more optional\)$", "", outline)
    found = [_ENTRY.fullmatch(word) for word in re.split(r", (?![^{]*\})", words)]
    read = [Input(one[1], re.sub(r"\{.*\}", "object", one[3] or ""), bool(one[2])) for one in found if one]
    return tuple(read) if len(read) == len(found) else None


def _place(meaning: str, value: Any, inputs: Iterable[Input]) -> Input | None:
    fitting = [one for one in inputs if _takes(one, value)]
    for name in MEANINGS[meaning]:
        for spelt in (str.lower, _last):
            if found := [one for one in fitting if squeezed(spelt(one.name)) == name]:
                return min(found, key=lambda one: one.name.count("."))
    return None


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_list(one: Input) -> bool:
    return one.kind.startswith("array") or one.kind.endswith("[]")


def _takes(one: Input, value: Any) -> bool:
    kind = one.kind.removeprefix("array of ")
    if not any(known in kind for known in _KINDS) or (isinstance(value, list) and _is_list(one)):
        return True  # nothing was said of it, or only what its values are
    return any(fitting in kind for fitting in _fitting(value))


def _fitting(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return ("array",)
    return ("integer", "number") if isinstance(value, int) else ("string",)


def _is_required(one: Input, inputs: Iterable[Input]) -> bool:
    """Whether it has to be there: what is inside of something optional does not."""
    above = [other for other in inputs if other.group == one.group and _within(one.name, other.name)]
    return one.required and all(other.required for other in above)


def _is_given(name: str, written: Iterable[str]) -> bool:
    return any(other == name or _within(other, name) or _within(name, other) for other in written)


def _within(name: str, outer: str) -> bool:
    return name.replace("[]", "").startswith(f"{outer.replace('[]', '')}.")


def nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values under their dotted names as the object that these mean."""
    whole: dict[str, Any] = {}
    for name, value in given.items():
        *above, last = name.split(".")
        inner = whole
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return whole


def of_schema(schema: Mapping[str, Any], within: str = "") -> Iterator[Input]:
    """The arguments that a JSON Schema shows, those in objects as well."""
    required = cast("list[str]", schema.get("required", []))
    for name, one in cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {})).items():
        values = cast("list[Any]", one.get("enum", []))
        only = values[0] if len(values) == 1 else one.get("const")
        yield Input(within + name, str(one.get("type", "")), name in required, only=only)
        yield from of_schema(one, f"{within}{name}.")


def member(answer: Any, *keys: str) -> Any:
    """The first value under one of the keys, however deep; None if there is none."""
    waiting = [answer]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            row = cast("dict[str, Any]", one)
            if found := next((row[key] for key in keys if key in row), None):
                return found
            waiting += row.values()
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
    return None
