"""The room that writes what the model reads: a response or an error as a tool result, bounded and free of surprises.

Text only, and no `outputSchema` or `structuredContent`: clients disagree about which of the two the model sees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import Identity, how_to_connect
from pica_mcp.errors import PicaError
from pica_mcp.models import Action, Effect, as_list, as_object
from pica_mcp.passthrough import Response

MAX_CHARS = 24_000
"""About 6,000 tokens."""

_MAX_ERROR_CHARS = 2_000
_MAX_BLANK = 1_000
_FENCE_CHARS = 200
_GRAPHQL = {"data", "errors", "extensions"}
_TEXT_TYPE = re.compile(
    r"text/|.*[/+](json|xml|javascript|csv|yaml|html)\b|application/(octet-stream|x-www-form-urlencoded)"
)


def said(words: str, *, is_error: bool = False) -> mcp.CallToolResult:
    """Return a result that says these words."""
    return mcp.CallToolResult(content=[mcp.TextContent(text=text.clean(words, MAX_CHARS))], is_error=is_error)


def failed(error: PicaError) -> mcp.CallToolResult:
    """Return the error as a result that the model can act on."""
    return said(str(error), is_error=True)


def answered(action: Action, response: Response, effect: Effect, identity: Identity = Identity()) -> mcp.CallToolResult:
    """Return what the provider answered: its data for success, else what happened and what to do next.

    JSON stays JSON; other text is fenced, since it could be taken for our own words.
    """
    body = _read(response.body)
    if response.status >= 300 or _refuses(as_object(body.value)):
        return said(_failure(action, response, body, effect, identity), is_error=True)
    return said(_success(action, response, body))


def _refuses(answer: Mapping[str, Any]) -> bool:
    """Tell if an answer with HTTP 200 is a refusal, in Slack's way or in that of GraphQL."""
    if answer.get("ok") is False:
        return True
    # Errors beside anything else may be those of a part, as in a batch; the rest has been done.
    return bool(as_list(answer.get("errors"))) and answer.get("data") is None and answer.keys() <= _GRAPHQL


@dataclass(frozen=True, slots=True)
class _Body:
    """A body, read once: as JSON where it is that, as text where it can be, else neither."""

    text: str | None
    is_json: bool = False
    value: Any = None


def _read(body: bytes) -> _Body:
    try:
        return _Body(None, is_json=True, value=json.loads(body))
    except (ValueError, RecursionError):
        pass
    try:
        decoded = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _Body(None)
    return _Body(None if "\x00" in decoded else decoded)


def _success(action: Action, response: Response, body: _Body) -> str:
    kind = response.headers.get("content-type", "").lower()
    if body.is_json:
        return _bounded(text.compact(body.value), response)
    if body.text is None or not (not kind or _TEXT_TYPE.match(kind)):
        kind = text.line(kind or "unknown", 80)
        return f"Binary content of type {kind}, {len(response.body):,} bytes; it is not shown."
    if len(body.text) <= _MAX_BLANK and not text.clean(body.text).strip():
        return f"Done (HTTP {response.status}, no content)."
    return _bounded(body.text, response, f"answer of {action.platform}")


def _bounded(content: str, response: Response, source: str = "") -> str:
    """Cut what is too long and say so, with what to do about it. With a `source`, the content is fenced."""
    room = MAX_CHARS - (_FENCE_CHARS if source else 0)
    size = f"more than {len(response.body):,} bytes" if response.truncated else f"{len(content):,} characters"
    note = f"\n[Cut: the answer has {size}. Ask for less, where the action has filter or page arguments.]"
    if len(content) <= room and not response.truncated:
        note = ""
    if source:
        return text.fence(content[:MAX_CHARS], source, room - len(note)) + note
    return text.clean(content[:MAX_CHARS])[: room - len(note)] + note


def _failure(action: Action, response: Response, body: _Body, effect: Effect, identity: Identity) -> str:
    message = (_message(body.value) if body.is_json else body.text or "").strip()
    source = f"error message from {action.platform}"
    fenced = f"\n{text.fence(text.cap(message, _MAX_ERROR_CHARS), source)}" if message else ""
    failed = f"HTTP {response.status}" if response.status >= 300 else "with a failure"
    return f"{text.line(action.platform, 60)} answered {failed}. {_remedy(action, response, effect, identity)}{fenced}"


def _remedy(action: Action, response: Response, effect: Effect, identity: Identity) -> str:
    match response.status:
        case 401:
            how = how_to_connect(identity, action.platform)
            return f"The connection is no longer accepted; ask the person to connect it again: {how}"
        case 403:
            return "The connected account may not do this; ask the person for more rights, or choose another action."
        case 404 if response.attempts > 1 and effect is Effect.DESTRUCTIVE:
            return "It is gone; an earlier attempt of this call may have removed it."
        case 404:
            return "Check the names and ids in the arguments."
        case 429:
            wait = f"{ceil(response.retry_after_seconds)} s" if response.retry_after_seconds else "a while"
            return f"The provider's rate limit is reached; wait {wait} before you try again."
        case 304:
            return "Nothing has changed since the version that the headers name."
        case status if status >= 500 and effect is not Effect.READ:
            return (
                "The provider is out of order; check with a read whether the change was applied before you repeat it."
            )
        case status if status >= 500:
            return "The provider is out of order; try again later."
        case status if 300 <= status < 400:
            return "It redirects elsewhere, and redirects are not followed."
        case _:
            return "Correct the arguments and call again."


def _message(body: Any) -> str:
    """Return the message of an error body, wherever its API puts it; the whole body where it has none."""
    if body is None:
        return ""
    error = as_object(body)
    nested, several = as_object(error.get("error")), as_list(error.get("errors"))
    only = as_object(several[0] if len(several) == 1 else None)
    for told, key in (
        (nested, "message"),
        (error, "message"),
        (error, "error_description"),
        (error, "error"),
        (only, "message"),
    ):
        words = told.get(key)
        if isinstance(words, str) and words:
            details = {k: v for k, v in told.items() if v and v != words and k != "documentation_url"}
            return f"{words}\n{text.compact(details)}" if details else words
    return text.compact(body)
