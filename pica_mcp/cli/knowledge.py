"""`pica-mcp knowledge`: how an action works, for a person who reads or a program."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.markdown import Markdown
from rich.segment import Segment

from pica_mcp import documents, schemas, text
from pica_mcp.access import admit, effect
from pica_mcp.accounts import to_choose_from
from pica_mcp.app import App
from pica_mcp.catalog import Connections
from pica_mcp.cli.asking import ask, name_of
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of, this_program
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import fail, print_anything
from pica_mcp.cli.terminal import print_json, screen
from pica_mcp.discovery import find_action
from pica_mcp.discovery.reading import digest_without_request
from pica_mcp.errors import InvalidArguments, PicaError
from pica_mcp.models import ActionDetails, Effect
from pica_mcp.schemas import strings

_USUAL_CHARS = 8_000
_RENDERED_CHARS = 200_000
_OUTLINE_CHARS = 2_500
_MAX_SECTIONS = 200
_MAX_NEEDED = 12
_THEME = "ansi_dark"
"""Of the colours of code, in those of the terminal."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell how an action works: its arguments, how to call it, and a digest of Pica's document of it.",
        "pica-mcp knowledge gmail_send_email",
        "pica-mcp knowledge gmail_send_email --section response",
        "pica-mcp knowledge gmail_send_email --full --markdown",
    )
    parser.add_argument("action", metavar="TOOL", help="the name of its tool, or its id")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--section", metavar="NAME", help="only this section, such as: response")
    part.add_argument("--full", action="store_true", help="the whole document")
    parser.add_argument("--platform", metavar="PLATFORM", help="of which platform it is, where two have the name")
    parser.add_argument("--markdown", action="store_true", help="print the document as it is written")
    add_format(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print how the action works: 1 if Pica does not tell, 2 if there is no such action or section."""
    settings = settings_of(arguments)
    found = ask(settings, lambda app: _found(app, arguments.action, arguments.platform))
    if isinstance(found, PicaError):
        return fail(found)
    document = _document(found.action, arguments.section, full=arguments.full)
    if arguments.markdown and not arguments.json:
        print_anything()
        print(document)
    elif as_json(arguments):
        print_json(_told(found, document))
    else:
        print_rows(_head(found))
        _print_document(document)
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """An action, the name of its tool if it has one, what it does, and what it takes."""

    action: ActionDetails
    tool: str
    effect: Effect
    arguments: str
    needed: tuple[str, ...]
    connections: tuple[str, ...]
    """The accounts of which a call has to name one."""


async def _found(app: App, wanted: str, platform: str | None) -> _Found:
    """Return the action, or raise why it is not told."""
    action = await find_action(app.catalog, app.pipeline.names, platform, wanted, app.caller)
    if refusal := admit(app.caller, action):
        raise refusal
    parameters = schemas.derive(action)
    needed = tuple(islice(strings(parameters.schema.get("required")), _MAX_NEEDED))
    outline = schemas.outline(parameters, _OUTLINE_CHARS)
    connections = to_choose_from(app.caller, await _connections(app), action.platform)
    return _Found(action, await name_of(app, action), effect(app.caller, action), outline, needed, connections)


async def _connections(app: App) -> Connections:
    with suppress(PicaError):  # its document can be read all the same
        return (await app.catalog.known_connections(app.caller.identity)).value
    return ()


def _document(action: ActionDetails, section: str | None, *, full: bool) -> str:
    """Return the wanted part of the document. Raises `InvalidArguments` with the sections that there are."""
    if section is None:
        return text.clean(action.knowledge) if full else digest_without_request(action.knowledge, _USUAL_CHARS)
    if (found := documents.section(action.knowledge, section)) is not None:
        return found
    there = text.line(", ".join(_sections(action)), 1_500)
    problem = f"The document has no section '{text.line(section, 60)}'."
    raise InvalidArguments(problem, f"There are: {there}." if there else "It has none.")


def _sections(action: ActionDetails) -> list[str]:
    return list(islice((passage.slug for passage in documents.passages(action.knowledge)), _MAX_SECTIONS))


def _told(found: _Found, document: str) -> dict[str, Any]:
    action = found.action
    return {
        "tool": found.tool or None,
        "id": action.id,
        "platform": action.platform,
        "title": action.title,
        "effect": found.effect,
        "request": f"{action.method} {action.path}",
        "arguments": found.arguments,
        **({"connections": list(found.connections)} if found.connections else {}),
        "sections": _sections(action),
        "document": document,
    }


def _head(found: _Found) -> Iterator[Row]:
    action = found.action
    yield Row("", text.line(action.title) or "(untitled)", style="bold")
    yield Row("  Platform   ", text.line(action.platform))
    yield Row("  Request    ", text.line(f"{action.method} {action.path}", 2_000), whole=True)
    yield Row("  Effect     ", found.effect)
    required = " (* required)" if found.needed else ""
    yield Row("  Arguments  ", f"{text.line(found.arguments, _OUTLINE_CHARS)}{required}")
    if found.connections:
        yield Row("  Accounts   ", f"{', '.join(found.connections)}; a call has to name one")
    through = ["--connection", "..."] if found.connections else []
    words = [found.tool or action.id, *through, *(f"{name}=..." for name in found.needed)]
    call = f"{this_program()} call {text.line(shlex.join(words), 1_000)}"
    yield Row("  Call       ", call, whole=True)
    yield Row("")


class _Harmless:
    """A document laid out. What its entities and links turn into is cleaned once more, when it is laid out."""

    def __init__(self, document: str) -> None:
        self._document = document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield it piece by piece."""
        for piece in console.render(Markdown(self._document, _THEME, hyperlinks=False), options):
            style = piece.style and piece.style.update_link(None)
            yield Segment(text.clean(piece.text), style)


def _print_document(document: str) -> None:
    if not document.strip():
        print_rows([Row("", "Pica has no document of this action.")])
    elif len(document) > _RENDERED_CHARS:
        print_anything()
        print(document)
    else:
        screen().print(_Harmless(document))
