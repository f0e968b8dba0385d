"""The room that writes a passthrough request as curl, Python or TypeScript. Pure.

What is written sends what our own line would, for any values: each is quoted for its language, and what a reader could
not see is escaped. Secrets are the names of environment variables. A request for this is built with the connection of
`placeholder`, and files in it are read from where the code runs, by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, quote_plus

from pica_mcp import text
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import CONNECTION_KEY, Connection, as_list, as_object
from pica_mcp.passthrough import Part, Request

Language: TypeAlias = Literal["python", "typescript", "curl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_SAFE_INTEGER = 2**53 - 1
_LINE_CHARS = 80
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Target:
    """Where the code sends to: Pica's address, the family of its headers, the platform; `file`: the body is one."""

    base_url: str
    family: str
    platform: str
    file: str = ""

    @property
    def secret_variable(self) -> str:
        """The environment variable of the account's key."""
        return f"{self.family.upper()}_SECRET"

    @property
    def connection_variable(self) -> str:
        """The environment variable of the connection's key."""
        middle = re.sub(r"[^A-Z0-9]+", "_", self.platform.upper()).strip("_") or "PLATFORM"
        return f"{self.family.upper()}_{middle}_CONNECTION_KEY"


@dataclass(frozen=True, slots=True)
class _Variable:
    """A value that is read from the environment."""

    name: str


_Value: TypeAlias = str | _Variable


def placeholder(target: Target) -> Connection:
    """Return a connection whose key is the name of a variable, to build a request with that nobody can send."""
    return Connection.model_validate({"key": target.connection_variable, "platform": target.platform})


def written(request: Request, language: Language, target: Target) -> str:
    """Return the request as code. Raises `InvalidArguments` for the little that curl has no way to write."""
    write = {"curl": _curl, "python": _python, "typescript": _typescript}[language]
    return write(request, target)


def preview(request: Request, target: Target) -> dict[str, Any]:
    """Return the request as data: what would be sent, with secrets by the names of their variables."""
    headers = {name: _named(v) for name, v in _headers(request, target)}
    shown: dict[str, Any] = {"method": request.method, "url": _address(request, target), "headers": headers}
    query = [(name, _named(v)) for name, v in _query(request, target)]
    names = [name for name, _ in query]
    if query:
        shown["query"] = dict(query) if len(set(names)) == len(names) else [list(pair) for pair in query]
    if (body := _shown_body(request, target)) is not None:
        shown["body"] = body
    return shown


def _shown_body(request: Request, target: Target) -> Any:
    if request.parts is not None:
        return [_shown_part(part) for part in request.parts]
    if request.content is None:
        return None
    if target.file:
        return {"file": target.file}
    if _kind(request) == _JSON:
        return _plain(_parsed(request, target)) or _text(request.content)
    return _text(request.content)


def _shown_part(part: Part) -> dict[str, str]:
    what = {"file": part.filename} if part.filename is not None else {"value": _text(part.content)}
    return {"name": part.name, **what, **({"type": part.media_type} if part.media_type else {})}


def _plain(value: Any) -> Any:
    """Return the body with its variable, which is only ever on the first level, as text."""
    if not isinstance(value, Mapping):
        return value
    return {key: _named(v) for key, v in as_object(value).items()}


# What all languages share


def _address(request: Request, target: Target) -> str:
    return f"{target.base_url.rstrip('/')}/v1/passthrough{request.path}"


def _kind(request: Request) -> str:
    kinds = (value for name, value in request.headers if name == "content-type")
    return next(kinds, "").partition(";")[0].strip()


def _headers(request: Request, target: Target) -> Iterator[tuple[str, _Value]]:
    yield f"x-{target.family}-secret", _Variable(target.secret_variable)
    yield f"x-{target.family}-connection-key", _Variable(target.connection_variable)
    yield f"x-{target.family}-action-id", request.action_id
    yield from request.headers


def _query(request: Request, target: Target) -> Iterator[tuple[str, _Value]]:
    for name, value in request.query:
        yield name, _value(name, value, target)


def _value(name: str, value: Any, target: Target) -> Any:
    """Return the value, the connection's key as its variable: custom actions want it among their arguments too."""
    is_key = name.lower() == CONNECTION_KEY.lower() and value == target.connection_variable
    return _Variable(value) if is_key else value


def _named(value: Any) -> Any:
    """Return the value, a variable by its name."""
    return f"${value.name}" if isinstance(value, _Variable) else value


def _with_variable(body: Any, target: Target) -> Any:
    if not isinstance(body, Mapping):
        return body
    items = as_object(body).items()
    return {name: _value(name, value, target) for name, value in items}


def _fields(request: Request, target: Target) -> list[tuple[str, _Value]]:
    """Return the fields of a URL-encoded form."""
    pairs = parse_qsl((request.content or b"").decode(), keep_blank_values=True)
    return [(name, _value(name, value, target)) for name, value in pairs]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _parsed(request: Request, target: Target) -> Any:
    """Return a JSON body with its variable, or None if there is none that can be written as a value."""
    if _kind(request) != _JSON or request.content is None:
        return None
    try:
        body = json.loads(request.content)
    except RecursionError:
        return None
    return None if _is_deep(body) else _with_variable(body, target)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [item for outer in level for item in (*as_object(outer).values(), *as_list(outer))]
        if not level:
            return False
    return True


def _content(request: Request, target: Target) -> list[_Value]:
    """Return the body as it is sent, in pieces with the variable between them."""
    content = _text(request.content or b"")
    if _kind(request) != _JSON:
        return [content]
    try:
        body = _with_variable(json.loads(content), target)
        if not any(isinstance(value, _Variable) for value in as_object(body).values()):
            return [_json(body)]
        return list(_joined(as_object(body)))
    except RecursionError:
        return [content]


def _joined(body: Mapping[str, Any]) -> Iterator[_Value]:
    start = "{"
    for name, value in body.items():
        yield f"{start}{_json(name)}:"
        if isinstance(value, _Variable):
            yield '"'
            yield value
            yield '"'
        else:
            yield _json(value)
        start = ","
    yield "}"


def _seen(literal: str) -> bool:
    """Tell if a reader sees the whole literal, so that it arrives as it is written."""
    return text.clean(literal) == literal


def _json(value: Any) -> str:
    """Return the value as JSON, with escapes for whatever a reader would not see."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written if _seen(written) else json.dumps(value, separators=(",", ":"))


# curl


def _curl(request: Request, target: Target) -> str:
    method = "--head" if request.method == "HEAD" else f"-X {request.method}"
    address: list[_Value] = [_address(request, target)]
    for number, (name, value) in enumerate(_query(request, target)):
        start = f"{'&' if number else '?'}{quote_plus(name)}="
        address += [start, value] if isinstance(value, _Variable) else [start + quote_plus(value)]
    headers = (f"-H {_curl_header(name, value)}" for name, value in _headers(request, target))
    return " \\\n  ".join(
        [f"curl -sS --fail-with-body {method} {_word(address)}", *headers, *_curl_body(request, target)]
    )


def _curl_header(name: str, value: _Value) -> str:
    return f'"{name}: ${value.name}"' if isinstance(value, _Variable) else _word([f"{name}: {value}"])


def _word(pieces: Sequence[_Value]) -> str:
    """Return the pieces as one word of a POSIX shell, which fills in the variables."""
    word, plain = "", ""
    for piece in pieces:
        if isinstance(piece, _Variable):
            word, plain = f'{word}{quote(plain) if plain else ""}"${piece.name}"', ""
        elif _seen(piece):
            plain += piece
        else:
            raise InvalidArguments("curl cannot show some of these characters.", _OTHER)
    return word + (quote(plain) if plain or not word else "")


_OTHER = "Ask for python or typescript."


def _curl_body(request: Request, target: Target) -> Iterator[str]:
    if request.parts is not None:
        yield from (_curl_part(part) for part in request.parts)
    elif target.file:
        yield f"--data-binary {_word(['@' + target.file])}"
    elif request.content is None:
        return
    elif _kind(request) == _FORM:
        for name, value in _fields(request, target):
            start = f"{quote_plus(name)}="
            if isinstance(value, _Variable):
                yield f"--data-urlencode {_word([start, value])}"
            else:
                yield f"--data-raw {_word([start + quote_plus(value)])}"
    else:
        yield f"--data-raw {_word(_content(request, target))}"


def _curl_part(part: Part) -> str:
    if "=" in part.name:  # where curl ends a name
        raise InvalidArguments("curl cannot send a field with '=' in its name.", _OTHER)
    kind = f";type={part.media_type}" if part.media_type else ""
    if part.filename is not None:
        file = _inner(part.filename)
        return f"-F {_word([f'{part.name}=@{file};filename={file}{kind}'])}"
    value = _text(part.content)
    return (
        f"-F {_word([f'{part.name}={_inner(value)}{kind}'])}"
        if kind
        else f"--form-string {_word([f'{part.name}={value}'])}"
    )


def _inner(value: str) -> str:
    """Return the value in the quotes that curl itself reads."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Python


def _python(request: Request, target: Target) -> str:
    query = [(_python_value(name), _python_value(value)) for name, value in _query(request, target)]
    body = list(_python_body(request, target))
    own = bool(body) and not body[0].startswith("content=")  # httpx says the type itself
    headers = [(n, v) for n, v in _headers(request, target) if not (own and n == "content-type")]
    arguments = [
        _python_value(request.method),
        _python_value(_address(request, target)),
        *([f"params=[{', '.join(f'({name}, {value})' for name, value in query)}]"] if query else []),
        f"headers={_python_literal(dict(headers), 1)}",
        *body,
        "timeout=60",
    ]
    reads = target.file or any(part.filename is not None for part in request.parts or ())
    imports = "import os\nimport sys\n" + ("from pathlib import Path\n" if reads else "") + "\nimport httpx\n\n"
    call = "response = httpx.request(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")\n"
    # The provider's own words say what is wrong; `raise_for_status` leaves them out.
    checked = 'if response.is_error:\n    raise RuntimeError(f"HTTP {response.status_code}: {response.text}")\n'
    # As bytes: an answer may be a file, which text would spoil.
    return f"{imports}{call}{checked}sys.stdout.buffer.write(response.content)"


def _python_body(request: Request, target: Target) -> Iterator[str]:
    if request.parts is not None:
        yield "files=[\n" + "".join(f"        {_python_part(part)},\n" for part in request.parts) + "    ]"
    elif target.file:
        yield f"content=Path({_python_value(target.file)}).read_bytes()"
    elif request.content is None:
        return
    elif (body := _parsed(request, target)) is not None:
        yield f"json={_python_literal(body, 1)}"
    elif fields := _distinct(request, target):
        yield f"data={_python_literal(fields, 1)}"
    else:
        yield f"content=({' + '.join(map(_python_value, _content(request, target)))}).encode()"


def _distinct(request: Request, target: Target) -> Mapping[str, _Value]:
    """Return the fields of a form by name; empty if there are none, or one is there twice."""
    fields = _fields(request, target) if _kind(request) == _FORM else []
    named = dict(fields)
    return named if len(named) == len(fields) else {}


def _python_part(part: Part) -> str:
    kind = f", {_python_value(part.media_type)}" if part.media_type else ""
    if part.filename is not None:
        name = _python_value(part.filename)
        return f"({_python_value(part.name)}, ({name}, Path({name}).read_bytes(){kind}))"
    return f"({_python_value(part.name)}, (None, {_python_value(_text(part.content))}{kind}))"


def _python_value(value: _Value) -> str:
    if isinstance(value, _Variable):
        return f'os.environ["{value.name}"]'
    shown = json.dumps(value, ensure_ascii=False)
    # JSON's escapes are Python's too, but for pairs of surrogates; these only come where all is escaped.
    return shown if _seen(shown) else ascii(value)


def _python_literal(value: Any, depth: int) -> str:
    """Return the JSON value as Python writes it, over several lines where it is long."""
    if isinstance(value, str | _Variable):
        return _python_value(value)
    if isinstance(value, Mapping):
        pieces = [f"{_python_value(k)}: {_python_literal(v, depth + 1)}" for k, v in as_object(value).items()]
        return _spread("{", pieces, "}", depth)
    if isinstance(value, list):
        return _spread("[", [_python_literal(item, depth + 1) for item in as_list(value)], "]", depth)
    return repr(value)


def _spread(start: str, pieces: list[str], end: str, depth: int) -> str:
    """Return the pieces on one line if it is short, else one a line."""
    if sum(map(len, pieces)) + 4 * depth <= _LINE_CHARS and not any("\n" in piece for piece in pieces):
        return start + ", ".join(pieces) + end
    indent = "    " * min(depth, _MAX_DEPTH)
    return f"{start}\n" + "".join(f"{indent}    {piece},\n" for piece in pieces) + indent + end


# TypeScript


def _typescript(request: Request, target: Target) -> str:
    lead: list[str] = []
    reads = target.file or any(part.filename is not None for part in request.parts or ())
    if reads:
        lead += ['import { readFile } from "node:fs/promises";', ""]
    address = _script_value(_address(request, target))
    if request.query:
        pairs = ", ".join(f"[{_script_value(n)}, {_script_value(v)}]" for n, v in _query(request, target))
        lead.append(f"const query = new URLSearchParams([{pairs}]);")
        address = f'{address[:-1]}?" + query'
    if request.parts is not None:
        lead += ["const form = new FormData();", *map(_script_part, request.parts)]
    lines = [
        *lead,
        f"const response = await fetch({address}, {{",
        f"  method: {_script_value(request.method)},",
        "  headers: {",
        *(f"    {_script_value(name)}: {_script_value(value)}," for name, value in _headers(request, target)),
        "  },",
        *_script_body(request, target),
        "});",
        "if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);",
        "process.stdout.write(Buffer.from(await response.arrayBuffer()));",
    ]
    return "\n".join(lines)


def _script_body(request: Request, target: Target) -> Iterator[str]:
    if request.parts is not None:
        yield "  body: form,"
    elif target.file:
        yield f"  body: await readFile({_script_value(target.file)}),"
    elif request.content is None:
        return
    elif (body := _parsed(request, target)) is not None and _is_script(body):
        yield f"  body: JSON.stringify({_script_literal(body)}),"
    elif _kind(request) == _FORM:
        pairs = ", ".join(
            f"[{_script_value(name)}, {_script_value(value)}]" for name, value in _fields(request, target)
        )
        yield f"  body: new URLSearchParams([{pairs}]).toString(),"
    else:
        pieces = (f"({_script_value(piece)})" for piece in _content(request, target))
        yield f"  body: {' + '.join(pieces)},"


def _script_part(part: Part) -> str:
    name = _script_value(part.name)
    kind = f", {{ type: {_script_value(part.media_type)} }}" if part.media_type else ""
    if part.filename is not None:
        file = _script_value(part.filename)
        return f"form.append({name}, new Blob([await readFile({file})]{kind}), {file});"
    value = _script_value(_text(part.content))
    # To FormData, what has a type of its own is a blob, and has a file name.
    return f"form.append({name}, new Blob([{value}]{kind}));" if kind else f"form.append({name}, {value});"


def _script_value(value: _Value) -> str:
    return f'process.env.{value.name} ?? ""' if isinstance(value, _Variable) else _json(value)


def _script_literal(body: Any) -> str:
    if not isinstance(body, Mapping):
        return _json(body)
    pairs = (
        f"    {_json(name)}: {_script_value(value) if isinstance(value, _Variable) else _json(value)},"
        for name, value in as_object(body).items()
    )
    return "\n".join(["{", *pairs, "  }"])


def _is_script(value: Any) -> bool:
    """Tell if the language reads the value as JSON does: no numbers beyond 2**53, no key that sets a prototype."""
    if isinstance(value, Mapping):
        return all(key != "__proto__" and _is_script(item) for key, item in as_object(value).items())
    if isinstance(value, list):
        return all(map(_is_script, as_list(value)))
    return not isinstance(value, int) or abs(value) <= _SAFE_INTEGER
