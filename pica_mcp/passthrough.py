"""The room that turns an action, a connection and arguments into the request to send. Pure.

What leaves here has the shape of the catalogue's template: each value is confined to its own path segment, the query
is built from pairs, and no argument can set a header that carries identity or credentials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pica_mcp import brackets, text
from pica_mcp.errors import InvalidArguments, UnknownAction
from pica_mcp.models import CONNECTION_KEY, Action, ActionDetails, Connection, as_list, as_object
from pica_mcp.tools import Call, File

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]+)\}|(?<=/):([A-Za-z_]\w*)(?=/|$)")
"""`{{x}}` and `{x}` anywhere; `:x` only as a whole segment, since `{{range}}:append` exists."""

BODILESS = frozenset({"GET", "HEAD"})
"""Methods whose requests carry no body."""

Pairs = tuple[tuple[str, str], ...]

MAX_FILE_BYTES = 25 * 1024 * 1024
"""How much a request may carry in files, all of them together."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MAX_DEPTH = 32
_MAX_CONTENT_BYTES = 2 * 1024 * 1024
_NOT_STATIC = re.compile(r"[{}\\#\ud800-\udfff]")
# Braces are a template to Pica's server, which would fill them with the connection's credentials.
_BRACES = re.compile(r"\{\{|\}\}")
_KEY = re.compile(r"\s*(live|test)::", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")  # a value beside it would be its other half
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}(?: ?; ?[\w-]{1,40}=[\w.+-]{1,80}){0,4}", re.ASCII)
_DOCUMENTED_TYPE = re.compile(
    r"content-type[\"'`]?[ ]{0,4}:[ ]{0,4}[\"'`]?([\w.+-]{1,80}/[\w.+-]{1,80})", re.IGNORECASE | re.ASCII
)
# Types with an encoding of their own: as the type of a raw body they would get around what is refused in forms.
_STRUCTURED_TYPE = re.compile(r"application/(json|x-www-form-urlencoded)\b.*|multipart/.*", re.IGNORECASE)
_ANY_BYTES = "application/octet-stream"
_MULTIPART = "multipart/form-data"
_MAX_NAME_CHARS = 150
_MAX_PARTS = 1_000
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
    r"x-pica-.*|x-one-.*|host|cookie2?|set-cookie|.*authorization|.*authenticat.*|.*api-?key.*|.*-token|.*secret.*"
    r"|x-auth.*|.*client-ip|cf-.*"
    r"|proxy-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|expect|via"
    r"|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-.*|x-host|http2-settings"
    r"|x-http-method.*|x-method-override|accept-encoding|user-agent"
)
# Names that mean more than a parameter: Pica injects headers by the first, providers take the others for another method
# (Rack, Google's $httpMethod and $httpHeaders) or for somebody else's credentials (RFC 6750 2.3).
_NEVER_PARAMETER = re.compile(r"passthroughforward|_method|x-http-method.*|\$http.*|access_token|oauth_token")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body. Without a file name it is a plain field; without a media type it is text."""

    name: str
    content: bytes = field(repr=False)
    filename: str | None = None
    media_type: str | None = None

    @property
    def size_bytes(self) -> int:
        """How much of it is the caller's."""
        return len(f"{self.name}{self.filename or ''}".encode()) + len(self.content)


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
    parts: tuple[Part, ...] | None = field(default=None, repr=False)
    """The parts of a multipart body; `content` is None then."""

    @property
    def size_bytes(self) -> int:
        """How much is sent, without the frame of a multipart body."""
        return len(self.content or b"") + sum(part.size_bytes for part in self.parts or ())


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
    retry_after_seconds: float | None = None


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
    content, parts, content_type = _body(action, connection, call)
    given = _without_type(call.headers, _MULTIPART if parts is not None else content_type)
    return Request(
        method=method,
        path=_path(template, call.path),
        query=(*_fixed_query(fixed_query, call.path), *_query(_with_key_in_query(action, connection, call.query))),
        headers=(*_headers(given, documented), *((("content-type", content_type),) if content_type else ())),
        connection_key=connection.key,
        action_id=action.id,
        content=content,
        parts=parts,
    )


# Path


def _path(template: str, values: Mapping[str, Any]) -> str:
    """Fill the template. Every value stays inside its segment; every placeholder is filled."""
    # A template is from outside too: it may neither climb nor leave the host.
    if template.startswith("//") or "://" in template or _climbs(PLACEHOLDER.sub("x", template)):
        raise UnknownAction(*_UNUSABLE)
    pieces: list[str] = []
    end = 0
    for found in PLACEHOLDER.finditer(template):
        pieces += [_static(template[end : found.start()]), quote(_value(_name(found), values), safe=":@")]
        end = found.end()
    path = "/" + "".join([*pieces, _static(template[end:])]).removeprefix("/")
    # Checked as a whole, since pieces that are harmless alone can climb together.
    if _climbs(path) or _BRACES.search(_decoded(path)):
        raise InvalidArguments("These path variables would leave their place in the path.", _PLAIN)
    return path


def _static(piece: str) -> str:
    """Return a fixed piece of a template as it goes into a URL."""
    if _NOT_STATIC.search(piece) or _CONTROL.search(_decoded(piece)) or _HALF_ESCAPE.search(piece):
        raise UnknownAction(*_UNUSABLE)
    return quote(piece, safe="/:@!$&'()*+,;=~%")


def _climbs(part: str) -> bool:
    """Tell if a part of a path is, or holds, a dot segment for anyone who decodes it; both Pica and providers do."""
    decoded = _decoded(part)
    if "." not in decoded:
        return False
    # Tomcat drops what follows a semicolon before it resolves dots: `..;` climbs as well.
    pieces = re.split(r"[/\\]", decoded)
    return any(piece.partition(";")[0].strip() in (".", "..") for piece in pieces)


def _decoded(part: str) -> str:
    for _ in range(3):
        part = unquote(part)
    return part


def _value(name: str, values: Mapping[str, Any]) -> str:
    """Return the value of a placeholder, as text that is safe in its place."""
    value = values.get(name)
    what = f"The path variable '{text.line(name, 60)}'"
    if value is None or value == "":
        raise InvalidArguments(f"{what} is missing.", "Nothing was sent; give it a value.")
    plain = _scalar(value, what)
    decoded = _decoded(plain)
    if _climbs(plain) or not decoded.strip() or _BRACES.search(decoded) or _CONTROL.search(decoded):
        raise InvalidArguments(f"{what} has a value that could leave its place in the path.", _PLAIN)
    return plain


_UNUSABLE = ("The catalogue's path of this action is not usable.", "Choose another action.")
_WHERE_FILES_GO = "Nothing was sent; a file is a field of a multipart body, or a whole body."
_PLAIN = "Nothing was sent; give plain values, without dots alone, braces or control characters."


def _scalar(value: Any, what: str) -> str:
    """Return the value as the text that APIs expect."""
    if isinstance(value, File):
        raise InvalidArguments(f"{what} cannot be a file.", _WHERE_FILES_GO)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not isfinite(value)):
        raise InvalidArguments(f"{what} must be text or a number.", "Nothing was sent.")
    try:
        plain = str(value)
        plain.encode()
    except ValueError as error:  # half a character, or a number of thousands of digits
        raise InvalidArguments(f"{what} cannot be written as text.", "Nothing was sent; send whole text.") from error
    return plain


# Query


def _fixed_query(written: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pairs that the template itself has, their placeholders filled."""
    for key, value in parse_qsl(written, keep_blank_values=True):
        if _means_more(key) or _NOT_STATIC.search(key + PLACEHOLDER.sub("", value)):
            raise UnknownAction(*_UNUSABLE)
        yield key, PLACEHOLDER.sub(lambda found: _value(_name(found), values), value)


def _query(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield pairs: a list repeats its key, as providers want it; an object becomes `key[name]`; null is left out."""
    for key, value in values.items():
        for name, item in _flat(key, value, indexed=False):
            if not brackets.first(name) or _means_more(name) or _CONTROL.search(name):
                problem = f"The query parameter {text.line(repr(name), 60)} may not be set."
                raise InvalidArguments(problem, "Leave it out.")
            if item is not None:
                yield name, _scalar(item, "A query parameter")


def _means_more(key: str) -> bool:
    return bool(_NEVER_PARAMETER.fullmatch(brackets.first(key)))


def _flat(name: str, value: Any, *, indexed: bool, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a value with their names in bracket notation; lists repeat their name unless `indexed`."""
    if depth > _MAX_DEPTH:
        raise InvalidArguments("The arguments are nested too deeply.", "Nothing was sent; nest less.")
    if isinstance(value, Mapping):
        for key, item in as_object(value).items():
            yield from _flat(f"{name}[{key}]", item, indexed=indexed, depth=depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(as_list(value)):
            yield from _flat(f"{name}[{index}]" if indexed else name, item, indexed=indexed, depth=depth + 1)
    else:
        yield _scalar(name, "An argument's name"), value


# Headers


def may_set_header(name: str, *, documented: bool) -> bool:
    """Tell if an argument may set this header; `documented`: the action itself names it."""
    lower = name.lower()
    # To whoever hands headers on as variables (CGI, WSGI, PHP), an underscore is a dash.
    if not _HEADER_NAME.fullmatch(lower) or _NEVER.fullmatch(lower.replace("_", "-")):
        return False
    return documented or lower in _HEADERS or bool(_PROVIDER_HEADER.fullmatch(lower))


def _without_type(values: Mapping[str, Any], sent: str) -> Mapping[str, Any]:
    """Return the headers without a content type that says what is `sent` anyway; without a body any says nothing."""
    return {k: v for k, v in values.items() if k.lower() != "content-type" or not _says(v, sent)}


def _says(written: Any, sent: str) -> bool:
    """Tell if a media type is the one that is sent, or none is; parameters do not count."""
    named = written[:_MAX_NAME_CHARS].partition(";")[0].strip().lower() if isinstance(written, str) else ""
    return bool(_MEDIA_TYPE.fullmatch(named)) and named == (sent.partition(";")[0].lower() or named)


def _headers(values: Mapping[str, Any], documented: frozenset[str]) -> Iterator[tuple[str, str]]:
    if len({name.lower() for name in values}) < len(values):
        raise InvalidArguments("A header is given twice.", "Nothing was sent; give it once.")
    for name, value in values.items():
        lower = name.lower()
        if not may_set_header(name, documented=lower in documented):
            raise InvalidArguments(
                f"The header {text.line(repr(name), 60)} may not be set.", "Leave it out; Pica adds its own."
            )
        plain = _scalar(value, f"The header '{name}'")
        if not _HEADER_VALUE.fullmatch(plain):
            raise InvalidArguments(f"The header '{name}' must be one line of plain text.", "Nothing was sent.")
        yield lower, plain


# Body


def _body(action: Action, connection: Connection, call: Call) -> tuple[bytes | None, tuple[Part, ...] | None, str]:
    """Return content, parts and content type; at most one of the first two is not None."""
    body = _with_connection_key(action, connection, call.body)
    if body is None or (action.method.upper() in BODILESS and body in ({}, [], "")):
        return None, None, ""
    if action.method.upper() in BODILESS:
        raise InvalidArguments(f"A {action.method.upper()} request has no body.", "Pass these as query parameters.")
    if call.encoding == "binary" and not action.custom:
        return _file(body), None, _raw_type(body.media_type)
    if isinstance(body, str):
        return _sized(_scalar(body, "The body").encode()), None, _text_type(action)
    if call.encoding == "multipart":
        return None, _parts(_named(body)), ""
    if call.encoding == "form":
        return _sized(urlencode(_pairs(_named(body))).encode()), None, "application/x-www-form-urlencoded"
    return _sized(_json(body)), None, "application/json"


def _named(body: Any) -> Mapping[str, Any]:
    """Return the body of a form as its fields."""
    if not isinstance(body, Mapping):
        raise InvalidArguments("A form body must be an object.", "Nothing was sent; give named fields.")
    return as_object(body)


def _field(name: Any) -> str:
    """Return the name of a form's field as it is sent, brackets and all, or raise `InvalidArguments`."""
    plain = _scalar(name, "An argument's name")
    if brackets.first(plain) == "_method":  # Rack reads another method there
        raise InvalidArguments("The field '_method' may not be set.", "Use the action that is made for it.")
    if not brackets.first(plain) or _CONTROL.search(plain):  # PHP reads a name up to its first NUL
        raise InvalidArguments(f"The field {text.line(repr(plain), 60)} may not be set.", "Leave it out.")
    return plain


def _pairs(fields: Mapping[str, Any]) -> Pairs:
    """Return fields in bracket notation, as Stripe reads it: address[city], items[0][price]; null is an empty value."""
    leaves = (leaf for name, value in fields.items() for leaf in _flat(name, value, indexed=True))
    return tuple((_field(name), "" if item is None else _scalar(item, f"The field '{name}'")) for name, item in leaves)


def _parts(fields: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts of a multipart body: a list repeats its name, an object is JSON, null is empty.

    That is OpenAPI's default for such bodies, and what Google Drive and others document for what describes a file;
    brackets are for URL-encoded forms.
    """
    values = ((name, item) for name, value in fields.items() for item in _repeated(value))
    parts = tuple(_part(name, item) for name, item in islice(values, _MAX_PARTS + 1))
    if len(parts) > _MAX_PARTS:
        raise InvalidArguments(f"The body has more than {_MAX_PARTS:,} fields.", "Nothing was sent; send less.")
    _check_size(sum(part.size_bytes for part in parts if part.filename is None), _MAX_CONTENT_BYTES)
    _check_size(sum(part.size_bytes for part in parts if part.filename is not None), MAX_FILE_BYTES)
    return parts


def _repeated(value: Any) -> list[Any]:
    return as_list(value) if isinstance(value, list) else [value]


def _part(name: str, value: Any) -> Part:
    plain = _field(name)
    if isinstance(value, File):
        return Part(plain, value.content, _file_name(value.name), _media_type(value.media_type))
    if isinstance(value, Mapping | list):
        return Part(plain, _json(value), media_type="application/json")
    return Part(plain, b"" if value is None else _scalar(value, f"The field '{name}'").encode())


def _file(body: Any) -> bytes:
    if not isinstance(body, File):
        raise InvalidArguments(
            "The body of this action is a file.", "Nothing was sent; write its content as a data: URI."
        )
    _check_size(len(body.content), MAX_FILE_BYTES)
    return body.content


def _file_name(name: str) -> str:
    """Return the name as it can stand in a header: without folders, quotes or line ends; its end tells the type."""
    plain = text.line(re.split(r"[/\\]", name)[-1].replace('"', "'"), len(name) + 1)[-_MAX_NAME_CHARS:].strip()
    return "file" if plain in ("", ".", "..") else plain


def _media_type(written: str) -> str:
    return written if _MEDIA_TYPE.fullmatch(written) else _ANY_BYTES


def _raw_type(written: str) -> str:
    """Return the type of a body that is a file; what would be read as fields is sent as mere bytes."""
    return _ANY_BYTES if _STRUCTURED_TYPE.fullmatch(written) else _media_type(written)


def _text_type(action: Action) -> str:
    """Return the type of a body that is text: the first that the action documents, if that is one for text."""
    found = _DOCUMENTED_TYPE.search(action.knowledge) if isinstance(action, ActionDetails) else None
    documented = found[1].lower() if found else ""
    if not documented or _STRUCTURED_TYPE.fullmatch(documented) or documented == _ANY_BYTES:
        return "text/plain; charset=utf-8"
    return f"{documented}; charset=utf-8" if documented.startswith("text/") else documented


def _with_connection_key(action: Action, connection: Connection, body: Any) -> Any:
    """Put the key into a custom action's body, over anything that an argument says."""
    if not action.custom or action.method.upper() in BODILESS:
        return _own_key_only(connection, body)
    if not isinstance(body, Mapping | None):
        raise InvalidArguments("The body of this action must be an object.", "Nothing was sent; give named fields.")
    return {**as_object(_own_key_only(connection, body)), CONNECTION_KEY: connection.key}


def _with_key_in_query(action: Action, connection: Connection, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the key where a custom action documents it among its query parameters, over anything an argument says."""
    query = as_object(_own_key_only(connection, query))
    if isinstance(action, ActionDetails) and CONNECTION_KEY in action.documented("query"):
        return {**query, CONNECTION_KEY: connection.key}
    return query


def _own_key_only(connection: Connection, given: Any) -> Any:
    """Put the key over any other that is given under its name: not every custom action says that it is one."""
    if not isinstance(given, Mapping):
        return given
    named = CONNECTION_KEY.lower()
    return {
        name: connection.key if brackets.first(name) == named and _is_key(value) else value
        for name, value in as_object(given).items()
    }


def _is_key(value: Any) -> bool:
    """Tell if the value arrives as a connection's key, be it in a list, an object or a file."""
    left = [value]
    while left:
        one = left.pop()
        left += [*as_list(one), *as_object(one).values()]
        written = one.content[:_MAX_NAME_CHARS].decode("latin-1") if isinstance(one, File) else one
        if isinstance(written, str) and _KEY.match(written):
            return True
    return False


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_no_json).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidArguments(
            "The body cannot be written as JSON.", "Nothing was sent; send plain JSON values."
        ) from error


def _no_json(value: Any) -> Any:
    if isinstance(value, File):
        raise InvalidArguments("A file cannot be sent inside JSON.", _WHERE_FILES_GO)
    raise TypeError


def _sized(content: bytes) -> bytes:
    _check_size(len(content), _MAX_CONTENT_BYTES)
    return content


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise InvalidArguments(
            f"The body has {size_bytes:,} bytes, and at most {max_bytes:,} can be sent.",
            "Nothing was sent; send less at a time.",
        )
