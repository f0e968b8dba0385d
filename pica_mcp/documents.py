"""The room of Pica's documents: an action's Markdown as sections, as a digest, and what it says of a request.

Some are written to one of two templates, others are scraped pages; headings and fences are those of GitHub's Markdown.
The text is from outside, up to 400 kB and with hundreds of headings, so everything here takes time linear in that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, TypeAlias

from pica_mcp import text
from pica_mcp.models import as_object
from pica_mcp.tools import Encoding

Test: TypeAlias = Callable[[str], object]
"""Whether a heading is of a kind; it gets the heading in lower case."""

_HEADING_CHARS = 200
_MAX_HEADINGS = 5_000
_SLUG_CHARS = 60
_LISTED_CHARS = 80
_MAX_LISTED = 60
_LIST_ROOM_CHARS = 3_000
_LEAST_CAP_CHARS = 200
_LIST_TITLE = "Sections left out or cut (ask for one by the word before the colon):"

_MARK = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<label>[^\n]*)|(?P<level>#{1,6})(?:[ \t]+(?P<title>[^\n]*))?)$", re.MULTILINE
)
_ASIDE = re.compile(r"\([^()]*\)")
_ASIDE_MEDIA = re.compile(r"\(\s*`?([a-z]+/[^\s()`;,]+)", re.IGNORECASE)

_ESSENTIAL = re.compile(
    r"(prerequisites?|methods?|url|endpoint|headers|description|enforcement rules|(in)?valid examples?|request body"
    r"|sample request|gotchas?|error handling|graphql (operation|arguments)|request variables|(path |query )?variables"
    r"|(path |query )?parameters|arguments)$|required\b"
)
_DEFERRED = tuple(
    re.compile(kind)
    for kind in (
        r"optional\b",
        r".*\bbehaviou?rs?\b",
        r".*\bnotes?\b",
        r".*\bexamples?\b(?!.*\bresponse)",
        r"(?!)",  # whatever else there is
        r"response( body)? fields",
        r".*\bresponses?\b",
    )
)
_OTHER = 5
_EXAMPLE = re.compile(r"\b(examples?|samples?)\b")
_SHELLS = frozenset({"bash", "sh", "shell", "curl", "console"})

_ALIASES: Mapping[str, Test] = {
    "response": re.compile(r"responses?( (body|format|structure))?$|(success|error) responses?\b").match,
    "fields": re.compile(r"response\b.*\bfields").match,
    "optional": re.compile("optional").match,
    "required": re.compile("required").match,
    "examples": re.compile(r"\b(examples?|samples?)\b").search,
    "errors": re.compile(r"\berrors?\b").search,
    "success": re.compile("success").match,
    "body": re.compile(r"\bbody\b(?<!response body)|\bvariables$(?<!path variables)|^graphql arguments").search,
    "query": re.compile(r"\bquery (param|string|field|argument)|^query$").search,
    "path": re.compile(r"\b(path|url) (param|variable|field)|^path$").search,
    "notes": re.compile(r"\bnotes?\b").search,
    "behavior": re.compile(r"\bbehaviou?rs?\b").search,
    "gotchas": re.compile(r"\b(gotchas?|caveats?|pitfalls?)\b").search,
}

_DESCRIBED_CHARS = 4_000
_DESCRIPTION = re.compile(
    r"^#{1,6} Description[ \t]*\r?\n\s*(?![\s|`#<*{\[-])([\s\S]{1,1000})", re.MULTILINE | re.IGNORECASE
)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\r?\n|\n#")

_ANSWER = re.compile(r"\b(responses?|errors?|success|returns?|outputs?|results?)\b")
_MEDIA = r"((?:application|multipart|text|image|audio|video)/[\w.+*-]{1,100})"
_CONTENT_TYPE = re.compile(rf"content-type\b[^\n/]{{0,60}}?{_MEDIA}", re.IGNORECASE)
_TEXTUAL = re.compile(r"text/|application/(.*\+)?(xml|csv|html|xhtml|x-ndjson|ndjson)\b")
_BYTES = re.compile(r"(image|audio|video)/|application/(octet-stream|pdf|zip|gzip)\b")
_FLAGS: tuple[tuple[re.Pattern[str], Encoding], ...] = (
    (re.compile(r"\s(-F|--form|--form-string)\b"), "multipart"),
    (re.compile(r"\s--data-binary\b"), "binary"),
)


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its label in lower case, its text, where it begins and ends, and what would close an open one."""

    label: str
    text: str
    begin: int
    end: int
    closing: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading and its own text, up to the next heading of any level.

    No two of a document have one slug; what comes before the first heading has none, and the slug `start`. `headings`
    are those it is under and last its own; all of a document is under its title, so that is none of them. `end` is
    where in the document the whole section ends, with all headings under it.
    """

    slug: str
    headings: tuple[str, ...]
    level: int
    text: str
    begin: int
    end: int
    is_title: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The headings from its own outwards, in lower case without what is in brackets."""
        return () if self.is_title else tuple(kind(heading) for heading in reversed(self.headings))


def section(markdown: str, wanted: str) -> str | None:
    """Return the section with this slug, this alias or this heading; what several share is joined. None if none is."""
    whole = _clean(markdown)
    passages = _passages(whole)
    name = " ".join(text.clean(wanted).lstrip("# ").lower().split())
    alias = _ALIASES.get(name)
    chosen = (
        [passage for passage in passages if passage.slug == name][:1]
        or [passage for passage in passages if alias and not passage.is_title and alias(kind(passage.headings[-1]))]
        or [passage for passage in passages if name and passage.headings[-1].lower() == name]
        or [passage for passage in passages if name and passage.slug == _slug(name)]
    )
    return "\n\n".join(whole[passage.begin : passage.end].strip("\n") for passage in _outermost(chosen)) or None


def passages(markdown: str) -> tuple[Passage, ...]:
    """Return the document's passages in order, cleaned: every character belongs to one."""
    return tuple(_passages(_clean(markdown)))


def fences(markdown: str) -> tuple[Fence, ...]:
    """Return the fenced blocks, an open one up to the end."""
    return tuple(block for block in _blocks(markdown) if isinstance(block, Fence))


def unfenced(markdown: str) -> str:
    """Return the text without its fenced blocks."""
    blocks = fences(markdown)
    begins, ends = [block.begin for block in blocks], [block.end for block in blocks]
    return "".join(markdown[end:begin] for end, begin in zip([0, *ends], [*begins, len(markdown)], strict=True))


def kind(heading: str) -> str:
    """Return the heading as what it says of its section: lower case, no marks, nothing in brackets."""
    return " ".join(_ASIDE.sub(" ", heading).lower().replace("`", "").replace("*", "").strip(" :").split())


def aside(heading: str) -> str:
    """Return what the heading has in brackets, as `application/json`; "" for nothing."""
    found = _ASIDE.search(heading)
    return found[0].strip("()` ").lower() if found else ""


def is_no_input(passage: Passage) -> bool:
    """Tell if it is about what comes back, or shows an example, rather than about what to send."""
    return any(_ANSWER.search(kind) or _EXAMPLE.search(kind) for kind in passage.kinds)


def _clean(markdown: str) -> str:
    # Before the sanitiser does it, which takes longer for a text that is not plain.
    return text.clean(markdown.replace("\r\n", "\n"))


def _blocks(whole: str) -> Iterator[re.Match[str] | Fence]:
    """Yield the headings, and the fences, in which nothing is a heading."""
    opener: re.Match[str] | None = None
    for mark in _MARK.finditer(whole):
        if opener is None:
            if mark["level"]:
                yield mark
            elif mark["fence"][0] == "~" or "`" not in mark["label"]:
                opener = mark
        elif mark["fence"] and mark["fence"].startswith(opener["fence"]) and not mark["label"].strip():
            inner = whole[opener.end() + 1 : mark.start()].rstrip("\n")
            yield Fence(_label(opener), inner, opener.start(), mark.end())
            opener = None
    if opener:
        inner = whole[opener.end() + 1 :].rstrip("\n")
        yield Fence(_label(opener), inner, opener.start(), len(whole), opener["fence"])


def _label(opener: re.Match[str]) -> str:
    return opener["label"].strip().lower()[:_SLUG_CHARS]


def _passages(whole: str) -> list[Passage]:
    marks = islice(_marks(whole), _MAX_HEADINGS)
    headings = [(mark.start(), len(mark["level"]), _title(mark["title"])) for mark in marks]
    if whole[: headings[0][0] if headings else None].strip():
        headings.insert(0, (0, 0, ""))
    if not headings:
        return []
    begins = [begin for begin, _, _ in headings]
    slugs = _slugs([title if level else "start" for _, level, title in headings])
    ends = _ends([(begin, level) for begin, level, _ in headings], len(whole))
    return [
        Passage(slug, inside, level, whole[begin:stop], begin, end, begin == begins[0] and level < 2)
        for slug, inside, (begin, level, _), stop, end in zip(
            slugs, _nested(headings), headings, [*begins[1:], len(whole)], ends, strict=True
        )
    ]


def _marks(whole: str) -> Iterator[re.Match[str]]:
    return (block for block in _blocks(whole) if isinstance(block, re.Match))


def _title(written: str | None) -> str:
    """Return the heading as one line, without the marks that may close it."""
    title = (written or "").strip()
    bare = title.rstrip("#")
    return text.line(bare if bare[-1:] in ("", " ", "\t") else title, _HEADING_CHARS)


def _slug(heading: str) -> str:
    return re.sub(r"[\W_]+", "-", heading.lower()).strip("-")[:_SLUG_CHARS].strip("-") or "section"


def _slugs(titles: Iterable[str]) -> list[str]:
    taken: set[str] = set()
    counts: dict[str, int] = {}  # where the search for a free number goes on, so that it stays linear
    found: list[str] = []
    for title in titles:
        slug = plain = _slug(title)
        while slug in taken:
            counts[plain] = counts.get(plain, 1) + 1
            slug = f"{plain}-{counts[plain]}"
        taken.add(slug)
        found.append(slug)
    return found


def _ends(headings: list[tuple[int, int]], total: int) -> list[int]:
    """Return where each section ends: before the next heading that is not below it."""
    after: dict[int, int] = {}  # level: the next heading of it
    ends: list[int] = []
    for begin, level in reversed(headings):
        limits = [place for other, place in after.items() if other <= level or not level]
        ends.append(min(limits, default=total))
        after[level] = begin
    return ends[::-1]


def _nested(headings: list[tuple[int, int, str]]) -> Iterator[tuple[str, ...]]:
    """Yield each heading after those it is under."""
    outer: list[tuple[int, str]] = []
    for place, (_, level, title) in enumerate(headings):
        while outer and outer[-1][0] >= level:
            outer.pop()
        yield (*(name for _, name in outer), title)
        if place or level > 1:
            outer.append((level, title))


def _outermost(chosen: Iterable[Passage]) -> Iterator[Passage]:
    """Yield the passages whose section is not within another's."""
    end = -1
    for passage in chosen:
        if passage.begin >= end:
            yield passage
            end = passage.end


def digest(markdown: str, max_chars: int) -> str:
    """Return at most `max_chars` characters of the document: whole if it fits, else what a request needs first.

    Of the essential sections each gets its share, then others come whole as far as they fit; what is left out or cut
    is listed at the end, so that it can be asked for.
    """
    whole = _clean(markdown)
    if len(whole) <= max_chars:
        return whole
    found = _passages(whole)
    room = max_chars - min(max_chars // 4, _LIST_ROOM_CHARS)
    shown = _chosen(found, room)
    body = "\n\n".join(shown[place] for place in sorted(shown))
    cut = [place for place, passage in enumerate(found) if shown.get(place) != passage.text.strip("\n")]
    listed = _contents(found, cut, shown, max_chars - len(body) - 2)
    return text.cap(f"{body}\n\n{listed}".strip("\n"), max_chars)


def _chosen(found: list[Passage], room: int) -> dict[int, str]:
    """Return what is shown of which passages, all together with the blank lines after them within the room."""
    ranks = [_rank(passage) for passage in found]
    texts = [passage.text.strip("\n") for passage in found]
    above = _bare_above(found, texts)
    wanted = [place for place, passage in enumerate(found) if passage.is_title or "\n" in texts[place]]
    cap = max(_LEAST_CAP_CHARS, _share([len(texts[place]) + 2 for place in wanted if not ranks[place]], room) - 2)
    shown: dict[int, str] = {}
    for place in sorted(wanted, key=lambda place: ranks[place]):
        new = {bare: texts[bare] for bare in above[place] if bare not in shown}
        left = room - sum(len(one) + 2 for one in new.values()) - 2
        part = texts[place] if ranks[place] else _cut(texts[place], min(cap, left), found[place].slug)
        if part and len(part) <= left:
            shown |= {**new, place: part}
            room = left - len(part)
    return shown


def _rank(passage: Passage) -> int:
    """Return 0 for what a request cannot be written without, else when its turn comes; the nearest heading decides."""
    if passage.is_title:
        return 0
    for kind in passage.kinds:
        if _ESSENTIAL.match(kind):
            return 0
        if rank := next((rank for rank, test in enumerate(_DEFERRED, start=1) if test.match(kind)), 0):
            return rank
    return _OTHER


def _bare_above(found: list[Passage], texts: list[str]) -> list[tuple[int, ...]]:
    """Return for each passage those it is under that have no text of their own, shown only with something below."""
    above: list[tuple[int, ...]] = []
    outer: list[int] = []
    for place, passage in enumerate(found):
        while outer and found[outer[-1]].end <= passage.begin:
            outer.pop()
        above.append(tuple(other for other in outer if "\n" not in texts[other] and not found[other].is_title))
        outer.append(place)
    return above


def _share(sizes: list[int], room: int) -> int:
    """Return the most that each may take so that all together fit: the small ones whole, the rest alike."""
    for count, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size > room // count:
            return room // count
        room -= size
    return room + max(sizes, default=0)


def _cut(part: str, size: int, slug: str) -> str:
    """Return so much of the passage, at the end of a line and with its fence closed; "" for next to nothing."""
    if len(part) <= size:
        return part
    note = f"… (cut, whole in section {slug})"
    head = part[: max(0, size - len(note) - _SLUG_CHARS)]
    head = head[: head.rfind("\n") + 1] or head
    blocks = fences(head)
    closing = blocks[-1].closing[: _SLUG_CHARS - 2] if blocks else ""
    return f"{head.rstrip()}\n{closing and closing + chr(10)}{note}" if head.strip() else ""


def _contents(found: list[Passage], left: list[int], shown: Mapping[int, str], room: int) -> str:
    """Return the list of what is left out or cut, at most 60 lines: as deep as there is room for all of a depth."""
    if not left:
        return ""
    depths = _depths(found, left, shown)
    for depth in range(max(depths.values(), default=0), -1, -1):
        places = [place for place in left if depths[place] <= depth]
        if len(places) <= _MAX_LISTED:
            lines = [_entry(found[place]) for place in places]
            if len(_LIST_TITLE) + sum(len(line) + 1 for line in lines) <= room:
                return "\n".join((_LIST_TITLE, *lines))
    # Not even those that nothing left out is above: the uppermost headings lead to most.
    places = sorted((place for place in left if not depths[place]), key=lambda place: found[place].level)
    spare = room - len(_LIST_TITLE) - len(f"\n… and {len(places)} more.")
    sizes = accumulate(len(_entry(found[place])) + 1 for place in places[: _MAX_LISTED - 1])
    count = sum(total <= spare for total in sizes)
    lines = [_entry(found[place]) for place in sorted(places[:count])]
    return "\n".join((_LIST_TITLE, *lines, f"… and {len(places) - count} more.")) if spare >= 0 else ""


def _depths(found: list[Passage], left: list[int], shown: Mapping[int, str]) -> dict[int, int]:
    """Return how deep each of these is below what is left out, too: what has its parent shown is at 0."""
    depths: dict[int, int] = {}
    outer: list[int] = []
    for place in left:
        while outer and found[outer[-1]].end <= found[place].begin:
            outer.pop()
        depths[place] = depths[outer[-1]] + 1 if outer else 0
        if place not in shown:
            outer.append(place)
    return depths


def _entry(passage: Passage) -> str:
    heading = text.cap(passage.headings[-1], _LISTED_CHARS)
    return f"{passage.slug}: {heading} ({passage.end - passage.begin} characters)"


def description(markdown: str) -> str:
    """Return the prose that its own description begins with, which is near its beginning; "" if there is none.

    At most 1,000 characters, not cleaned. It is asked of all documents of a platform, so it reads no more than these.
    """
    found = _DESCRIPTION.search(markdown, 0, _DESCRIBED_CHARS)
    return _PARAGRAPH_END.split(found[1], maxsplit=1)[0].strip() if found else ""


def operation(found: Sequence[Passage]) -> str:
    """Return the GraphQL document that the action runs, "" if there is none."""
    named = [block for passage in found if "graphql operation" in passage.kinds for block in fences(passage.text)]
    labelled = [
        block
        for passage in found
        if not is_no_input(passage)
        for block in fences(passage.text)
        if block.label in ("graphql", "gql")
    ]
    return next((_unwrapped(block.text) for block in (*named, *labelled) if block.text.strip()), "")


def _unwrapped(document: str) -> str:
    """Return the GraphQL document, out of the JSON that a body may show it in."""
    query = as_object(_json(document)).get("query")
    return query.strip() if isinstance(query, str) else document.strip()


def _json(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def encoding(found: Sequence[Passage]) -> Encoding | None:
    """Return how the document says that the body is written: by its fields' heading, its headers or a sample request.

    None if it does not say, or something that we do not write.
    """
    found = [passage for passage in found if not _is_answer(passage)]
    media = (_aside_media(passage) for passage in found if "body" in passage.headings[-1].lower())
    for one in media:
        if written := _encoding(one):
            return written
    headers = [passage.text for passage in found if any("headers" in kind for kind in passage.kinds)]
    samples = [block.text for passage in found for block in fences(passage.text) if "curl" in block.text]
    for one in (*headers, *samples):
        if (said := _CONTENT_TYPE.search(one)) and (written := _encoding(said[1])):
            return written
    for sample in samples:
        for flag, written in _FLAGS:
            if flag.search(sample):
                return written
    return None


def _is_answer(passage: Passage) -> bool:
    return any(_ANSWER.search(kind) for kind in passage.kinds)


def _aside_media(passage: Passage) -> str:
    found = _ASIDE_MEDIA.search(passage.headings[-1])
    return found[1] if found else ""


def _encoding(media: str) -> Encoding | None:
    media = media.lower()
    if media.startswith(("application/json", "application/graphql")) or media.endswith("+json"):
        return "json"
    if media == "application/x-www-form-urlencoded":
        return "form"
    if media.startswith("multipart/"):
        return "multipart"
    return "binary" if _BYTES.match(media) else "text" if _TEXTUAL.match(media) else None


def sample_answer(markdown: str) -> str:
    """Return the body that the document shows for success, "" if it shows none."""
    found = [passage for passage in passages(markdown) if not _is_failure(passage)]
    named = [passage for passage in found if any(kind.startswith("success") for kind in passage.kinds)]
    others = [passage for passage in found if any(re.search(r"\bresponses?\b", kind) for kind in passage.kinds)]
    blocks = (block for passage in (*named, *others) for block in fences(passage.text))
    return next((block.text for block in blocks if block.text.strip() and block.label not in _SHELLS), "")


def _is_failure(passage: Passage) -> bool:
    return any(re.search(r"\berrors?\b|\([45]\d\d\b|^[45]\d\d\b", one.lower()) for one in passage.headings)
