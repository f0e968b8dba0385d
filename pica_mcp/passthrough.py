"""The room that turns an action, a connection and arguments into the request to send. Pure.

What leaves here has the shape of the catalogue's template: each value is confined to its own path segment, the query
is built from pairs, and no argument can set a header that carries identity or credentials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pica_mcp import text
from pica_mcp.errors import InvalidArguments, UnknownAction
from pica_mcp.models import Action, Connection, as_list, as_object
from pica_mcp.tools import Call

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]+)\}|(?<=/):([A-Za-z_]\w*)(?=/|$)")
"""`{{x}}` and `{x}` anywhere; `:x` only as a whole segment, since `{{range}}:append` exists."""

CUSTOM = "custom"
"""Tag of actions that Pica's own code serves; they want the connection key in their body too."""

BODILESS = frozenset({"GET", "HEAD"})
"""Methods whose requests carry no body."""

Pairs = tuple[tuple[str, str], ...]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MAX_CONTENT_BYTES = 2 * 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")

# Headers an argument may set: content negotiation and preconditions, and the provider's own version and idempotency.
_HEADERS = frozenset({
    "accept", "accept-language", "idempotency-key", "if-match", "if-modified-since", "if-none-match",
    "if-unmodified-since", "prefer", "range",
})  # fmt: skip
_PROVIDER_HEADER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-(version|idempotency-key)")
# Never, whatever an action documents: identity, credentials, routing, framing.
_NEVER = re.compile(
    r"x-pica-.*|x-one-.*|host|cookie2?|set-cookie|.*authorization|.*authenticate|x-api-key|.*-token|.*secret.*"
    r"|proxy-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|expect|via"
    r"|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-http-method.*|x-method-override|accept-encoding|user-agent"
)
_SENSITIVE_QUERY = frozenset({"passthroughforward"})


@dataclass(frozen=True, slots=True)
class Request:
    """One passthrough request. `path` is percent-encoded and starts with a slash; keys stay out of its repr."""

    method: str
    path: str
    query: Pairs
    headers: Pairs
    connection_key: str = field(repr=False)
    action_id: str
    content: bytes | None = field(default=None, repr=False)
    fields: Pairs | None = field(default=None, repr=False)
    """The fields of a multipart body; `content` is None then."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the provider's status, headers (lower case, without Pica's prefix) and bytes.

    `by_provider` is False if Pica answered itself. `truncated` says that the body was longer than the cap.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    by_provider: bool
    truncated: bool = False
    attempts: int = 1


def placeholders(action: Action) -> tuple[str, ...]:
    """Return the names that the action's path asks for, in order, each once."""
    return tuple(dict.fromkeys(_name(found) for found in PLACEHOLDER.finditer(action.path)))


def _name(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()))


def build(action: Action, connection: Connection, call: Call, documented: frozenset[str] = frozenset()) -> Request:
    """Return the request for this call, or raise `InvalidArguments`. `documented`: headers the action itself names."""
    method = action.method.upper()
    if method not in _METHODS or not action.id:
        raise UnknownAction("The catalogue does not say how to call this action.", "Choose another one.")
    template, _, fixed_query = action.path.partition("?")
    content, fields, content_type = _body(action, connection, call)
    return Request(
        method=method,
        path=_path(template, call.path),
        query=(*parse_qsl(fixed_query, keep_blank_values=True), *_query(call.query)),
        headers=(*_headers(call.headers, documented), *((("content-type", content_type),) if content_type else ())),
        connection_key=connection.key,
        action_id=action.id,
        content=content,
        fields=fields,
    )


# Path


def _path(template: str, values: Mapping[str, Any]) -> str:
    """Fill the template. Every value stays inside its segment; every placeholder is filled."""
    pieces: list[str] = []
    end = 0
    for found in PLACEHOLDER.finditer(template):
        pieces += [_static(template[end : found.start()]), _segment(_name(found), values)]
        end = found.end()
    path = "/" + "".join([*pieces, _static(template[end:])]).removeprefix("/")
    # A template is data from outside too: it may neither climb nor leave the host.
    if any(unquote(part) in (".", "..") for part in path.split("/")) or path.startswith("//"):
        raise UnknownAction("The catalogue's path of this action is not usable.", "Choose another action.")
    return path


def _static(piece: str) -> str:
    if "{{" in piece or "}}" in piece or "\\" in piece or "#" in piece or _CONTROL.search(piece):
        raise UnknownAction("The catalogue's path of this action is not usable.", "Choose another action.")
    return quote(piece, safe="/:@!$&'()*+,;=~%")


def _segment(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    if value is None or value == "":
        raise InvalidArguments(f"The path variable '{name}' is missing.", "Nothing was sent; give it a value.")
    plain = _scalar(value)
    if plain is None:
        raise InvalidArguments(f"The path variable '{name}' must be text or a number.", "Nothing was sent.")
    # Twice decoded, since Pica's server and the provider's each decode once.
    decoded = unquote(unquote(plain))
    climbs = any(part.strip() in (".", "..") for part in re.split(r"[/\\]", decoded))
    if climbs or not decoded.strip() or "{{" in decoded or "}}" in decoded or _CONTROL.search(decoded):
        raise InvalidArguments(
            f"The path variable '{name}' has a value that could leave its place in the path.", _PLAIN
        )
    return quote(_encodable(plain), safe=":@")


_PLAIN = "Nothing was sent; give a plain value without dots alone, braces or control characters."


def _scalar(value: Any) -> str | None:
    """Return the value as the text that APIs expect, None for what is not a scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _encodable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArguments(
            "An argument has half a character in it.", "Nothing was sent; send whole text."
        ) from error
    return value


# Query


def _query(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield pairs: a list repeats its key, as providers want it; an object becomes `key[name]`; null is left out."""
    for key, value in values.items():
        if key.lower() in _SENSITIVE_QUERY or _CONTROL.search(key):
            raise InvalidArguments(f"The query parameter {text.line(repr(key), 60)} may not be set.", "Leave it out.")
        for name, item in _spread(key, value):
            yield _encodable(name), _encodable(item)


def _spread(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in as_object(value).items():
            yield from _spread(f"{key}[{name}]", item)
    elif isinstance(value, list):
        for item in as_list(value):
            yield from _spread(key, item)
    elif value is not None:
        yield key, _scalar(value) or ""


# Headers


def may_set_header(name: str, *, documented: bool) -> bool:
    """Tell if an argument may set this header; `documented`: the action itself names it."""
    lower = name.lower()
    if not _HEADER_NAME.fullmatch(lower) or _NEVER.fullmatch(lower):
        return False
    return documented or lower in _HEADERS or bool(_PROVIDER_HEADER.fullmatch(lower))


def _headers(values: Mapping[str, Any], documented: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        lower = name.lower()
        if not may_set_header(name, documented=lower in documented):
            raise InvalidArguments(
                f"The header {text.line(repr(name), 60)} may not be set.", "Leave it out; Pica adds its own."
            )
        plain = _scalar(value)
        if plain is None or not _HEADER_VALUE.fullmatch(plain):
            raise InvalidArguments(f"The header '{name}' must be one line of plain text.", "Nothing was sent.")
        yield lower, plain


# Body


def _body(action: Action, connection: Connection, call: Call) -> tuple[bytes | None, Pairs | None, str]:
    """Return content, multipart fields and content type; at most one of the first two is not None."""
    body = _with_connection_key(action, connection, call.body)
    if body is None:
        return None, None, ""
    if action.method.upper() in BODILESS:
        raise InvalidArguments(f"A {action.method.upper()} request has no body.", "Pass these as query parameters.")
    if isinstance(body, str):
        return _sized(_encodable(body).encode()), None, "text/plain; charset=utf-8"
    if call.encoding in (None, "json"):
        return _sized(_json(body)), None, "application/json"
    if not isinstance(body, Mapping):
        raise InvalidArguments("A form body must be an object.", "Nothing was sent; give named fields.")
    pairs = tuple(_form(as_object(body)))
    if call.encoding == "multipart":
        return None, pairs, ""
    return _sized(urlencode(pairs).encode()), None, "application/x-www-form-urlencoded"


def _with_connection_key(action: Action, connection: Connection, body: Any) -> Any:
    """Put the key into a custom action's body, over anything that an argument says."""
    if CUSTOM not in action.tags or action.method.upper() in BODILESS:
        return body
    if not isinstance(body, Mapping | None):
        raise InvalidArguments("The body of this action must be an object.", "Nothing was sent; give named fields.")
    return {**as_object(body), "connectionKey": connection.key}


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidArguments(
            "The body cannot be written as JSON.", "Nothing was sent; send plain JSON values."
        ) from error


def _form(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield form pairs in bracket notation, as Stripe reads it: `address[city]`, `items[0][price]`; null is empty."""
    for key, value in body.items():
        yield from _brackets(f"{prefix}[{key}]" if prefix else key, value)


def _brackets(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from _form(as_object(value), name)
    elif isinstance(value, list):
        for index, item in enumerate(as_list(value)):
            yield from _brackets(f"{name}[{index}]", item)
    else:
        yield _encodable(name), _encodable(_scalar(value) or "")


def _sized(content: bytes) -> bytes:
    if len(content) > _MAX_CONTENT_BYTES:
        raise InvalidArguments(
            f"The body has {len(content):,} bytes, and at most {_MAX_CONTENT_BYTES:,} can be sent.",
            "Nothing was sent; send less at a time.",
        )
    return content
