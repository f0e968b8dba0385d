"""The room that writes what the model reads: a response or an error as a tool result, bounded and free of surprises.

No `outputSchema` and no `structuredContent`: clients disagree about which of the two the model sees. What is too long
is shown in part and kept; the last lines say what is missing and the exact call that shows it.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import Caller, Identity
from pica_mcp.errors import PicaError
from pica_mcp.files import RESULTS, Files
from pica_mcp.models import Action, Effect, as_list, as_object
from pica_mcp.passthrough import Response
from pica_mcp.results import apart, cutting, failures, media, selection
from pica_mcp.results.apart import CHOOSE, CUT, KEPT, REST, SAVED, Answer
from pica_mcp.results.cutting import Missing, Room
from pica_mcp.results.media import Body
from pica_mcp.results.selection import Inapplicable, Selected
from pica_mcp.store import Store, Stored
from pica_mcp.tools import View

MAX_CHARS = 24_000
"""About 6,000 tokens."""

_ALL = View()

CHARS_PER_TOKEN = 4
MIN_TOKENS, MAX_TOKENS = 200, 100_000

_MAX_MEDIA_BYTES = 1024 * 1024
_MAX_EMBEDDED_BYTES = 64 * 1024
_MAX_PARTS = 4
_MAX_KEY_CHARS = 200
_MANY_PARTS_CHARS = 4_000
_NOTE_CHARS = 130
_TOO_SMALL = "[Not all is shown; pass a shorter result_fields, or a larger max_result_tokens.]"
_MIN_ROOM_CHARS = 160
_LESS = "Ask for less, where the action has filter or page arguments."


def said(words: str, *, is_error: bool = False) -> mcp.CallToolResult:
    """Return a result that says these words."""
    return mcp.CallToolResult(content=[mcp.TextContent(text=text.clean(words, MAX_CHARS))], is_error=is_error)


def failed(error: PicaError) -> mcp.CallToolResult:
    """Return the error as a result that the model can act on."""
    return said(str(error), is_error=True)


class Results:
    """Writes answers, at most `max_tokens` each (four characters are one), and keeps those that are longer."""

    def __init__(self, store: Store, files: Files, max_tokens: int) -> None:
        self._store = store
        self._files = files
        self._max_tokens = max_tokens

    async def answered(
        self,
        caller: Caller,
        action: Action,
        response: Response,
        effect: Effect,
        view: View = _ALL,
        arguments: str = "",
    ) -> mcp.CallToolResult:
        """Return what the provider answered: the part of it that is wanted, else what happened and what to do next.

        `arguments` is an outline of what the action takes, told where the arguments may be at fault.
        """
        body = media.read(response.headers.get("content-type", ""), response.body)
        if response.status >= 300 or failures.refuses(body.value):
            words = failures.told(action, response, body, effect, caller.identity, arguments)
            return said(words, is_error=True)
        if body.kind == "nothing":
            return said(f"Done (HTTP {response.status}, no content).")
        name = media.name_of(response.headers, action.title, body.media_type) if body.kind == "file" else ""
        answer = Stored(action.platform, body.label, response.body, name)
        if body.kind == "file":
            return await self._file(caller.identity, answer, truncated=response.truncated)
        page = _Page(self._store, caller.identity, answer, body, self._chars(view), truncated=response.truncated)
        return page.shown(view, _upstream_notes(response, body))

    async def more(self, caller: Caller, result_id: str, view: View) -> mcp.CallToolResult:
        """Return the part of a kept answer that is wanted.

        Raises `UnknownResult` alike for an id that is not known, not any more, or somebody else's, and
        `InvalidArguments` for an expression that is none.
        """
        answer = self._store.get(caller.identity, result_id)
        body = media.read(answer.media_type, answer.body)
        if body.kind == "file" or answer.name:
            return _as_content(answer, result_id)
        return _Page(self._store, caller.identity, answer, body, self._chars(view), kept_as=result_id).shown(view)

    def completed(self, caller: Caller, answer: Answer, fields: str, *, everything: bool) -> Answer:
        """Return a file with its bytes; with `everything`, all of an answer, or all that the JMESPath selects.

        What is cut is kept here as it came, so nobody is asked again. Raises `UnknownResult` where it is kept no more.
        """
        if not answer.kept or answer.content or not (answer.kind == "file" or (everything and answer.is_cut)):
            return answer
        return apart.whole(answer, self._store.get(caller.identity, answer.kept), fields)

    def _chars(self, view: View) -> int:
        tokens = self._max_tokens if view.max_tokens is None else view.max_tokens
        return CHARS_PER_TOKEN * max(MIN_TOKENS, min(MAX_TOKENS, tokens))

    async def _file(self, identity: Identity, answer: Stored, *, truncated: bool) -> mcp.CallToolResult:
        if truncated:
            return said(f"{_described(answer)}: the answer is longer than that, and only a part of it came. {_LESS}")
        result_id = self._store.put(identity, answer)
        saved = await self._files.save(answer.name, answer.media_type, answer.body)
        return _as_content(answer, result_id, text.line(str(saved), 500) if saved else "")


# Files


def _as_content(answer: Stored, result_id: str | None, path: str = "") -> mcp.CallToolResult:
    """Return a file as what a client can take of it, and in words what and where it is."""
    places = " and ".join([f"{SAVED}{path}"] * bool(path) + [f"{KEPT}{result_id}"] * bool(result_id))
    where = f", {places}." if places else f". It is too large to be kept. {_LESS}"
    content: list[mcp.ContentBlock] = [mcp.TextContent(text=text.clean(f"{_described(answer)}{where}"))]
    if _is_media(answer):
        data, kind = b64encode(answer.body).decode(), answer.media_type
        is_image = kind in media.IMAGES
        content.append((mcp.ImageContent if is_image else mcp.AudioContent)(data=data, mime_type=kind))
    elif result_id and not path and len(answer.body) <= _MAX_EMBEDDED_BYTES:
        blob = b64encode(answer.body).decode()
        inner = mcp.BlobResourceContents(uri=f"{RESULTS}{result_id}", mime_type=answer.media_type, blob=blob)
        content.append(mcp.EmbeddedResource(resource=inner))
    elif result_id and not path:
        uri, size = f"{RESULTS}{result_id}", len(answer.body)
        link = mcp.ResourceLink(name=answer.name, uri=uri, mime_type=answer.media_type, size=size)
        content.append(link)
    return mcp.CallToolResult(content=content)


def _is_media(answer: Stored) -> bool:
    """Tell if the answer is shown as an image or played."""
    fits = len(answer.body) <= _MAX_MEDIA_BYTES
    return fits and (answer.media_type in media.IMAGES or answer.media_type in media.AUDIO)


def _described(answer: Stored) -> str:
    return f"File {text.compact(answer.name)} ({answer.media_type}, {len(answer.body):,} bytes)"


# JSON and text


@dataclass(slots=True)
class _Page:
    """An answer of which a part is shown, at most so many characters with what is said about it."""

    store: Store
    identity: Identity
    answer: Stored
    body: Body
    chars: int
    truncated: bool = False
    kept_as: str | None = None

    def shown(self, view: View, notes: Iterable[str] = ()) -> mcp.CallToolResult:
        """Return the part that is wanted, with these notes below it and those that it needs itself."""
        notes = [*notes]
        if self.truncated:
            notes.append(f"[The answer is longer than {len(self.answer.body):,} bytes; its end is lost. {_LESS}]")
        offset = max(0, view.offset)
        words = self._json(view.fields, offset, notes) if self.body.kind == "json" else self._text(view, offset, notes)
        return mcp.CallToolResult(content=[mcp.TextContent(text=words)])

    def _id(self) -> str | None:
        if not self.kept_as:
            self.kept_as = self.store.put(self.identity, self.answer)
        return self.kept_as

    # JSON

    def _json(self, fields: str, offset: int, notes: list[str]) -> str:
        answer = self.body.value
        try:
            selected = selection.compiled(fields).of(answer)
        except Inapplicable as problem:
            return self._outlined(f"[result_fields could not be applied. {problem}", notes)
        if selected.value is None and answer is not None:
            return self._outlined("null\n[result_fields selects nothing.", notes)
        room = self._left(notes)
        short = not fields and cutting.is_short(self.answer.body, room)
        if not offset and (short or cutting.size(selected.value, room) is not None):
            return _joined(text.clean(text.compact(selected.value)), notes)
        return self._cut(selected, offset, notes)

    def _cut(self, selected: Selected, offset: int, notes: list[str]) -> str:
        left = self._left(notes)
        path_chars = len(json.dumps(selected.spot.expression or selected.spot.before)) + min(200, self.chars // 8)
        parts = _MAX_PARTS if left >= _MANY_PARTS_CHARS else 2
        kept_free = _NOTE_CHARS
        # How long it is to say what is missing shows when it is known what that is.
        while left - kept_free >= _MIN_ROOM_CHARS:
            room = Room(left - kept_free, parts, path_chars)
            cut = cutting.cut(selected.value, room, selected.spot, offset=offset, total=selected.total)
            missing = [self._missing(part) for part in cut.missing]
            taken = sum(len(note) + 1 for note in missing)
            if taken <= kept_free:
                return _joined(text.clean(text.compact(cut.value)), [*notes, *missing])
            kept_free = taken + _NOTE_CHARS // 4
        room = Room(max(_MIN_ROOM_CHARS, left - _NOTE_CHARS), 2, path_chars)
        cut = cutting.cut(selected.value, room, selected.spot, offset=offset, total=selected.total)
        return _joined(text.clean(text.compact(cut.value)), [*notes, _TOO_SMALL])

    def _missing(self, part: Missing) -> str:
        several = part.start and part.end > part.start + 1
        shown = f"{part.start + 1:,} to {part.end:,}" if several else f"{part.end:,}"
        unit = "" if part.unit == "items" else f" {part.unit}"
        where = f" of {text.cap(part.where, 60)}" if part.where else ""
        told = f"{CUT}{shown} of {part.total:,}{unit}{where}."
        if part.fields is None:
            return f"{told} The rest cannot be shown in so little room; pass a larger max_result_tokens.]"
        return f"{told} {self._rest(part.fields, part.offset)}]"

    def _rest(self, fields: str, offset: int) -> str:
        result_id = self._id()
        if result_id is None:
            return f"The rest is too large to be kept. {_LESS}"
        wanted = f", result_fields={json.dumps(fields)}" if fields else ""
        start = f", offset={offset}" if offset else ""
        return f'{REST}{result_id}"{wanted}{start})'

    def _outlined(self, words: str, notes: list[str]) -> str:
        """Return these words with what the answer has, since the call need not be made again to look at that."""
        again = f'{CHOOSE}{result_id}").' if (result_id := self._id()) else ""
        return _joined(f"{words} {_outline(self.body.value)}{again}]", notes)

    def _left(self, notes: list[str]) -> int:
        return self.chars - sum(len(note) + 1 for note in notes)

    # Text

    def _text(self, view: View, offset: int, notes: list[str]) -> str:
        if view.fields:
            notes.append("[The answer is text; result_fields is for JSON.]")
        words, source = self.body.text, f"answer of {self.answer.source}"
        room = self._left(notes)
        whole = words[offset:]
        if len(whole) <= room and len(fenced := text.fence(whole, source)) <= room:
            return _joined(fenced, notes)
        room -= _NOTE_CHARS + 20
        piece = whole[:room]
        while len(fenced := text.fence(piece, source)) > room and piece:
            piece = piece[: min(len(piece) - 1, len(piece) * room // len(fenced))]
        end = offset + len(piece)
        missing = self._missing(Missing("characters", offset, end, len(words), "", "", end))
        return _joined(fenced, [*notes, missing])


def _joined(words: str, notes: Iterable[str]) -> str:
    return "\n".join([words, *notes])


def _outline(value: Any) -> str:
    """Return what the answer is, and which keys it has."""
    items = as_list(value)
    inside = as_object(items[0] if items else value)
    keys = text.clean(text.compact([text.line(key[:_MAX_KEY_CHARS], 40) for key in [*inside][:30]]))
    more = f" and {len(inside) - 30:,} more" if len(inside) > 30 else ""
    if isinstance(value, list):
        first = f", the first with the keys {keys}{more}" if inside else ""
        return f"The answer is a list of {len(items):,}{first}."
    return f"The answer has the keys {keys}{more}." if inside else "The answer is a single value."


# Pages of the provider

_OWN_PAGING = re.compile(
    r"next|(next|has|page|prev|start|end|total|@odata\.)[_.-]?(page|more|cursor|link|token|url|info|count|after).*"
    r"|cursor|paging|pagination|continu.*|response_metadata|@odata\..*",
    re.IGNORECASE,
)
_LINK = re.compile(r"<([^<>]{1,2000})>([^<>,]{0,500})")
_NEXT = re.compile(r"\brel\s*=\s*\"?[\w ]*\bnext\b", re.IGNORECASE)
_PAGING = re.compile(
    r"\$?(\w{1,20}[_-])?(page|per_?page|cursor|token|after|before|offset|limit|start|count|size)"
    r"|page(_?(size|token|number|info|id)|\[\w{1,10}\])|(max|start|since|\$?skip|\$?top)(_?(results|at|id|index|token))?"
)
_CREDENTIAL = re.compile(r"(access|auth|refresh|id|session)[_-]?token|.*(secret|signature|password|api_?key).*|sig|key")


def _upstream_notes(response: Response, body: Body) -> list[str]:
    """Return how the provider says that its next page is asked for, where the answer itself does not say it."""
    answer = as_object(body.value)
    places = (answer, *(as_object(answer.get(name)) for name in ("meta", "links", "_links", "metadata")))
    if any(_OWN_PAGING.fullmatch(key) for place in places for key in [*place][:1_000]):
        return []
    wanted = ", ".join(_next_page(response.headers)[:6])
    total = response.headers.get("x-total-count", "")
    parts = [f"Next page: {wanted}"] if wanted else []
    parts += [f"Total: {int(total):,}"] if re.fullmatch(r"[0-9]{1,15}", total) else []
    return [text.cap(f"[{'. '.join(parts)}]", 400)] if parts else []


def _next_page(headers: Mapping[str, str]) -> list[str]:
    """Return the query parameters that say which the next page is, as they are written in a URL.

    No others: the words of an answer are not to read like ours.
    """
    for found in _LINK.finditer(headers.get("link", "")[:8_000]):
        if _NEXT.search(found[2]):
            try:
                pairs = parse_qsl(urlsplit(found[1]).query, max_num_fields=50)
            except ValueError:
                return []
            return [f"{_spelt(key)}={_spelt(value)}" for key, value in pairs if _is_paging(key.lower())]
    page = headers.get("x-next-page", "").strip()
    return [f"page={_spelt(page)}"] if page else []


def _is_paging(name: str) -> bool:
    return bool(_PAGING.fullmatch(name)) and not _CREDENTIAL.fullmatch(name)


def _spelt(value: str) -> str:
    return text.cap(quote(value[:200], safe=":,@"), 100)
