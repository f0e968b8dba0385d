"""The tool that writes an action's request instead of sending it."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import mcp_types as mcp

from pica_mcp import arguments, documents, passthrough, results, schemas, text
from pica_mcp.access import Caller, admit
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import snippets
from pica_mcp.discovery.names import Names, find_action
from pica_mcp.discovery.snippets import LANGUAGES, Language, Target
from pica_mcp.discovery.tool import (
    ACTION_ID,
    ARGUMENTS,
    BUILD,
    KNOWLEDGE,
    OFFICIAL,
    Definition,
    parts,
    platform_of,
    tool,
)
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import ActionDetails, as_list, as_object
from pica_mcp.tools import File, FixedTool, Parameters, Profile

_NOTE_CHARS = 1_000
_MAX_DEPTH = 4
_MAX_INSIDE = 20
_ANY_FILE = "file.bin"
_NAME = re.compile(r"[^\w.\[\]$-]+", re.ASCII)

_BUILD = Definition(
    BUILD,
    "Write a request",
    "Write the exact request of an action as code, with environment variables for secrets; nothing is sent.",
    {
        "actionId": ACTION_ID,
        "arguments": ARGUMENTS,
        "language": {"type": "string", "enum": list(LANGUAGES)},
        "mode": {
            "type": "string",
            "enum": ["code", "preview", "mock"],
            "description": "preview: the request as data. mock: the documented example answer.",
        },
    },
    ("actionId",),
    OFFICIAL,
    has_loose=True,
)


def build_tool(catalog: Catalog, names: Names, profile: Profile, base_url: str, family: str) -> FixedTool:
    """Return the tool that writes requests to Pica at `base_url`, whose headers are of that family."""

    async def run(caller: Caller, given: Mapping[str, Any]) -> mcp.CallToolResult:
        action = await find_action(catalog, names, platform_of(given), str(given["actionId"]), caller)
        if refusal := admit(caller, action):
            raise refusal
        if given.get("mode") == "mock":
            return results.said(_mocked(action))
        target = Target(base_url, family, action.platform)
        if given.get("mode") == "preview":
            return results.said(_previewed(action, given, target))
        return results.said(_coded(action, given, target))

    return tool(_BUILD, profile, run)


# The documented answer


def _mocked(action: ActionDetails) -> str:
    """Return the documented example of an answer, marked as that."""
    example = as_object(action.io_schema.get("ioExample")).get("output")
    written = documents.sample_answer(action.knowledge) if example in (None, "", {}, []) else text.compact(example)
    if not written.strip():
        return f"Pica documents no example answer of this action; read about it with {KNOWLEDGE}."
    room = results.MAX_CHARS - _NOTE_CHARS
    cut = " It is cut." if len(written) > room else ""
    fenced = text.fence(text.cap(written, room), f"Pica's example of an answer of {action.platform}", room)
    return f"An example answer; nothing was sent, and the data is made up.{cut}\n{fenced}"


# The request


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request with the connection's variable in the place of its key; what is still to be filled in."""

    request: passthrough.Request
    target: Target
    missing: tuple[str, ...]


def _previewed(action: ActionDetails, given: Mapping[str, Any], target: Target) -> str:
    """Return the request as data. Raises `InvalidArguments` for what a call would be refused for."""
    draft = _drafted(action, given, target, complete=True)
    shown = text.compact(snippets.preview(draft.request, draft.target))
    return f"The request; it was not sent.\n{_whole(shown)}"


def _coded(action: ActionDetails, given: Mapping[str, Any], target: Target) -> str:
    """Return the request as code, with placeholders for what is required and was not given."""
    language: Language = given.get("language") or "curl"
    draft = _drafted(action, given, target, complete=False)
    code = _whole(snippets.written(draft.request, language, draft.target))
    marks = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", code))])
    variables = f"It reads {target.secret_variable} and {target.connection_variable} from the environment."
    if files := _files_of(draft):
        variables += f" It reads {text.line(', '.join(files), _NOTE_CHARS)} where it runs: put the file there."
    label = "sh" if language == "curl" else language
    fill = f" Still to fill in: {text.line(', '.join(draft.missing), _NOTE_CHARS)}." if draft.missing else ""
    title = text.line(f"{action.title} ({action.platform})")
    return f"{title}, as {language}; nothing was sent. {variables}{fill}\n{marks}{label}\n{code}\n{marks}"


def _files_of(draft: _Draft) -> list[str]:
    """Return the files that the code reads, each once: whatever content was given, it is not in the code."""
    parts = (part.filename for part in draft.request.parts or ())
    return list(dict.fromkeys(name for name in (draft.target.file, *parts) if name))


def _whole(written: str) -> str:
    """Return what is written, or raise `InvalidArguments` where it would be cut: half a request is worse than none."""
    if len(written) > results.MAX_CHARS - 2 * _NOTE_CHARS:
        raise InvalidArguments(
            "The request is too long to show.", "Give shorter values, and put in the long ones later."
        )
    return written


def _drafted(action: ActionDetails, given: Mapping[str, Any], target: Target, *, complete: bool) -> _Draft:
    parameters = schemas.derive(action)
    flat, rest, _ = parts(given)
    flat = {**parameters.flat(rest), **flat}
    optional: dict[str, Any] = {key: value for key, value in parameters.schema.items() if key != "required"}
    checked = arguments.check(parameters.schema if complete else optional, flat, constants=parameters.constants)
    filled, missing = (checked, ()) if complete else _filled(parameters, checked)
    named, file = _with_files(parameters, filled)
    call = parameters.call(named, rest)
    request = passthrough.build(action, snippets.placeholder(target), call, parameters.headers)
    return _Draft(request, replace(target, file=file), missing)


def _filled(parameters: Parameters, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arguments with a visible placeholder for each that is required and absent, and those placeholders."""
    properties = as_object(parameters.schema.get("properties"))
    absent = [name for name in as_list(parameters.schema.get("required")) if name not in given]
    added = {name: _stand_in(name, as_object(properties.get(name))) for name in absent}
    return {**given, **added}, tuple(_marked(name) for name in absent if name not in parameters.files)


def _stand_in(name: str, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Return what shows where the value goes: text in angle brackets, in the structure that the schema requires."""
    if schema.get("type") == "array" and depth < _MAX_DEPTH:
        return [_stand_in(name, as_object(schema.get("items")), depth + 1)]
    if schema.get("type") == "object" and depth < _MAX_DEPTH:
        properties = as_object(schema.get("properties"))
        required = [key for key in as_list(schema.get("required")) if key in properties][:_MAX_INSIDE]
        return {key: _stand_in(key, as_object(properties[key]), depth + 1) for key in required}
    return _marked(name)


def _marked(name: str) -> str:
    return f"<{_NAME.sub('_', name)}>"


def _with_files(parameters: Parameters, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the arguments with files by their names only, and the name of the one that is the whole body."""
    named = dict(given)
    for name in parameters.files & given.keys():
        named[name] = _files(given[name])
    bodies = (v for n, v in named.items() if parameters.places[n].key is None and isinstance(v, File))
    return named, next((file.name for file in bodies), "")


def _files(reference: Any) -> Any:
    if isinstance(reference, list):
        return [_files(one) for one in as_list(reference)]
    words = reference if isinstance(reference, str) else ""
    plain = "" if words.startswith(("data:", "<")) else PurePosixPath(words).name
    name = text.line(plain, 100) or _ANY_FILE
    return File(name, mimetypes.guess_type(name)[0] or "application/octet-stream", b"")
