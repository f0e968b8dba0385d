"""Which commands there are, and the parser of the one that is named."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from pica_mcp import __version__, text
from pica_mcp.cli.options import Help
from pica_mcp.cli.streams import complain
from pica_mcp.settings import OPTIONS

COMMANDS: Mapping[str, str] = {
    "serve": "serve MCP over stdio (the default)",
    "install": "put the server into a client's configuration, or take it out again",
    "doctor": "what is wrong with a set-up, and what to do",
    "whoami": "whose account it is, and who is served",
    "connections": "what is connected, and whether it may be used",
    "platforms": "what could be connected",
    "tools": "the tools that a client is shown",
    "actions": "search for actions by what they do",
    "knowledge": "how an action works",
    "call": "call a tool",
    "audit": "who used what, and what failed, by the record of calls",
    "explain": "what these settings allow on each connection, and why not the rest",
    "tokens": "what each tool costs a model, and what is left to search",
    "cache": "what is kept of the catalogue on disk: show, refresh or clear it",
    "completion": "completion of these commands for your shell",
    "demo": "see it work on the embedded sandbox, without an account",
    "sandbox": "serve the pretend Pica on a loopback port",
}
"""Each is the module of its name beside this one, with `add` and `run`."""

_DEEDS = {"cache": "show"}
"""What a command that has commands of its own does without one."""


_NO_CHOICE = re.compile(r"argument (?:\w+/)?(.+?): invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)
_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)


class Command(Protocol):
    """The module of a command."""

    @staticmethod
    def add(parser: argparse.ArgumentParser) -> None:
        """Add what it is about, and its arguments."""
        ...

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Do it, and return the exit code: 0 for done, 1 for failed, 2 for a setting or an argument that is wrong."""
        ...


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say it, with what is like what was meant, and exit with 2."""
        complain(f"{_plain(message)} See: {self.prog} --help")
        self.exit(2)


def _plain(message: str) -> str:
    from difflib import get_close_matches  # most make no slip

    if found := _NO_CHOICE.fullmatch(message):
        where, given, choices = found[1], found[2], re.findall(r"[\w-]+", found[3])
        near = get_close_matches(given, choices, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(choices)}."
        return f"{text.line(repr(given), 60)} is no {where.lower()}. {hint}"
    if found := _UNKNOWN.fullmatch(message):
        if named := next((word for word in found[1].split() if word in COMMANDS), None):
            return f"The command comes first: pica-mcp {named} ..."
        if not found[1].startswith("-"):
            return f"{text.line(repr(found[1]), 100)} is more than this command takes."
        near = get_close_matches(found[1].split()[0].partition("=")[0], [option.flag for option in OPTIONS], 1, 0.8)
        return f"There is no {text.line(found[1], 100)}.{f' Did you mean {near[0]}?' if near else ''}"
    return f"{text.line(message[:1].upper() + message[1:], 300)}."


def command(name: str) -> Command:
    """Return the command. Each imports what it needs, so that a server's start does not pay for the others."""
    return cast(Command, import_module(f"pica_mcp.cli.{name}"))


def spelt_out(words: Sequence[str]) -> list[str]:
    """Return the words with the commands that are left out: clients start the bare program, with flags."""
    if "--version" in words:
        return ["--version"]
    words = list(words)
    if _is_bare(words):
        words.insert(0, "serve")
    elif words[0] in _DEEDS and _is_bare(words[1:]):
        words.insert(1, _DEEDS[words[0]])
    return words


def _is_bare(words: Sequence[str]) -> bool:
    return not words or (words[0].startswith("-") and words[0] not in ("-h", "--help"))


def parser(named: str) -> argparse.ArgumentParser:
    """Return the parser, which knows the arguments of the named command only."""
    parser = Parser(
        "pica-mcp",
        description="The actions of a Pica account as MCP tools.",
        epilog="Without a command it serves; `pica-mcp serve --help` lists the settings. Try it: pica-mcp demo",
        allow_abbrev=False,
        formatter_class=Help,
    )
    parser.add_argument("--version", action="version", version=f"pica-mcp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, about in COMMANDS.items():
        added = commands.add_parser(name, help=about, allow_abbrev=False)
        if name == named:
            command(name).add(added)
    return parser
