"""The room of what a failed answer means: what happened, who can put it right, and what the other side says. Pure.

Who answered is told by the way it came and the structure of the body, never by its words: anybody may write those. They
stand in a fence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from math import ceil
from typing import Any

from pica_mcp import text
from pica_mcp.access import Identity, how_to_connect
from pica_mcp.models import Action, Effect, as_list, as_object
from pica_mcp.passthrough import Response
from pica_mcp.results import cutting
from pica_mcp.results.cutting import Room
from pica_mcp.results.media import Body
from pica_mcp.results.selection import Spot

_MAX_MESSAGE_CHARS = 2_000
_MAX_OUTLINE_CHARS = 1_000
_MAX_SEVERAL = 5
_MAX_HTML_CHARS = 20_000
_MAX_READ_CHARS = 20_000
_READ = Room(_MAX_READ_CHARS, parts=2, path_chars=100)
_GRAPHQL = {"data", "errors", "extensions"}
_ARGUMENTS_AT_FAULT = frozenset({400, 404, 409, 422})
_MAY_BE_APPLIED = "check with a read whether the change was applied before you repeat it."
_CORRECT = "Correct the arguments and call again."
_NOISE = frozenset({"documentation_url"})
_HTML = re.compile(r"\s*(<\?xml[^<>]*>\s*)?<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]*>([^<>]*)</title", re.IGNORECASE)
_UNREAD = re.compile(r"<(script|style)\b[^<>]*>|</(script|style)\b[^<>]*>?", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


class Origin(Enum):
    """Who wrote the body of a failure."""

    PICA = "Pica"
    PICA_CODE = "Pica's own code for this action"
    PROVIDER = "provider"


def refuses(answer: Any) -> bool:
    """Tell if an answer with HTTP 200 is a refusal, in Slack's way or in that of GraphQL."""
    answer = as_object(answer)
    if answer.get("ok") is False:
        return True
    # Errors beside anything else may be those of a part, as in a batch; the rest has been done.
    return bool(as_list(answer.get("errors"))) and answer.get("data") is None and answer.keys() <= _GRAPHQL


def origin(body: Any, *, by_provider: bool, custom: bool) -> Origin:
    """Return who wrote this body of a failure, of a custom action or not.

    The structure alone proves nothing: providers may use Pica's, and its framework is anybody's.
    """
    error = as_object(body)
    key = error.get("key")
    if not by_provider and {"type", "code"} <= error.keys() and isinstance(key, str) and key.startswith("err::"):
        return Origin.PICA
    status = error.get("statusCode")
    named = isinstance(error.get("error"), str) or "message" in error
    return Origin.PICA_CODE if custom and isinstance(status, int) and named else Origin.PROVIDER


def told(
    action: Action, response: Response, body: Body, effect: Effect, identity: Identity, arguments: str = ""
) -> str:
    """Return what went wrong and what to do next, and in a fence what the other side says about it.

    `arguments` is the outline of what the action takes; it is given where the arguments are at fault.
    """
    by = origin(body.value, by_provider=response.by_provider, custom=action.custom)
    platform = text.line(action.platform, 60)
    who = platform if by is Origin.PROVIDER else by.value
    how = f"HTTP {response.status}" if response.status >= 300 else "with a failure"
    words = f"{who} answered {how}. {_remedy(by, action, response, effect, identity)}"
    # A failure that HTTP calls a success does not say what is at fault; mostly it is what was asked for.
    if arguments and (response.status in _ARGUMENTS_AT_FAULT or response.status < 300):
        words += f"\nIt takes: {text.line(arguments, _MAX_OUTLINE_CHARS)}"
    said = text.clean(_message(body)[:_MAX_READ_CHARS]).strip()
    if not said:
        return words
    source = f"error message from {platform if by is Origin.PROVIDER else 'Pica'}"
    return f"{words}\n{text.fence(text.cap(said, _MAX_MESSAGE_CHARS), source)}"


# What to do next


def _remedy(by: Origin, action: Action, response: Response, effect: Effect, identity: Identity) -> str:
    writes = effect is not Effect.READ
    whose = "The provider" if by is Origin.PROVIDER else "Pica"
    match response.status:
        case 401 | 403 if by is Origin.PICA:
            return "Pica does not let this server do it; tell the operator."
        case 401:
            how = how_to_connect(identity, action.platform)
            return f"The connection is no longer accepted; ask the person to connect it again: {how}"
        case 404 if response.attempts > 1 and effect is Effect.DESTRUCTIVE:
            return "It is gone; an earlier attempt of this call may have removed it."
        case 429:
            wait = f"{ceil(response.retry_after_seconds)} s" if response.retry_after_seconds else "a while"
            return f"{whose}'s rate limit is reached; wait {wait} before you try again."
        case 408 if writes:
            return f"{whose} took too long; {_MAY_BE_APPLIED}"
        case status if status >= 500 and status != 501 and writes:
            return f"{whose} is out of order; {_MAY_BE_APPLIED}"
        case status if status >= 500 and status != 501:
            return f"{whose} is out of order; try again later."
        case status if status in _REMEDIES:
            return _REMEDIES[status]
        case status if 300 <= status < 400:
            return "It redirects elsewhere, and redirects are not followed."
        case _:
            return _CORRECT


_REMEDIES: Mapping[int, str] = {
    304: "Nothing has changed since the version that the headers name.",
    402: "The connected account has to pay for this first; tell the person.",
    403: "The provider refused; its message says why. "
    "If it is about rights, ask the person for more, or choose another action.",
    404: "Check the names and ids in the arguments.",
    405: "The provider does not offer this any more, at least not so; choose another action.",
    408: "The provider took too long; try again later.",
    409: "It does not go with what is there already; read that, then correct the arguments and call again.",
    410: "It is gone for good; choose another one, or another action.",
    412: "It was changed meanwhile; read it again, then repeat the call for the new version.",
    413: "It is too much at once; send less.",
    423: "It is locked; try again later, or ask the person to unlock it.",
    501: "The provider does not offer this; choose another action.",
}


# What the other side says


def _message(body: Body) -> str:
    if body.kind == "json":
        return _json_message(body.value)
    return _html_message(body.text) if _HTML.match(body.text[:_MAX_HTML_CHARS]) else body.text


def _json_message(body: Any) -> str:
    """Return the message of an error body, wherever its API puts it, and what stands beside it; else the whole body."""
    if body is None:
        return ""
    error = as_object(body)
    for holder, key in _places(error):
        if words := _words(holder.get(key)):
            rest = {name: _few(value) for name, value in holder.items() if value and name not in _NOISE | {key}}
            rest = {name: value for name, value in rest.items() if value != words}
            return f"{words}\n{_compact(rest)}" if rest else words
    return _compact({key: _few(value) for key, value in error.items()} if error else _few(body))


def _compact(value: Any) -> str:
    return text.compact(cutting.cut(value, _READ, Spot()).value)


def _places(error: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the objects and keys where APIs put their message, the best first."""
    several = as_list(error.get("errors"))
    only = as_object(several[0] if len(several) == 1 else None)
    yield as_object(error.get("error")), "message"
    for key in ("message", "error_description", "error", "detail", "title"):
        yield error, key
    for key in ("message", "detail", "title"):
        yield only, key


def _words(value: Any) -> str:
    """Return the message: text, or the first of a list of texts."""
    if isinstance(value, str):
        return value
    words = [word for word in as_list(value)[:_MAX_SEVERAL] if isinstance(word, str) and word]
    more = len(as_list(value)) - len(words)
    return "\n".join([*words, *([f"(and {more} more)"] if more else [])]) if words else ""


def _few(value: Any) -> Any:
    """Return the value, of a list only the first few and how many more there are."""
    several = as_list(value)
    if len(several) <= _MAX_SEVERAL:
        return value
    return [*several[:_MAX_SEVERAL], f"(and {len(several) - _MAX_SEVERAL} more)"]


def _html_message(page: str) -> str:
    """Return the title of a page, or the text of one that has none."""
    page = page[:_MAX_HTML_CHARS]
    if (title := _TITLE.search(page)) and title[1].strip():
        return " ".join(html.unescape(title[1]).split())
    # Every other piece is between a tag that begins what is not for reading and the one that ends it.
    shown: list[str] = []
    at, hidden = 0, False
    for tag in _UNREAD.finditer(page):
        if not hidden:
            shown.append(page[at : tag.start()])
        hidden, at = tag[1] is not None, tag.end()
    if not hidden:
        shown.append(page[at:])
    return " ".join(html.unescape(_TAG.sub(" ", " ".join(shown))).split())
