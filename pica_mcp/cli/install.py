"""`pica-mcp install`: the server put into a client's configuration, or taken out again."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from getpass import getpass
from typing import Any

from rich.text import Text

from pica_mcp import text
from pica_mcp.cli.options import add_settings, describe, flags_of, this_machine, this_program
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import print_anything
from pica_mcp.cli.terminal import notes, print_json, screen
from pica_mcp.clients import CLIENTS, Machine, find
from pica_mcp.clients.entries import Entry, kind_of
from pica_mcp.errors import InvalidSettings
from pica_mcp.installation import (
    KINDS,
    USUAL_NAME,
    WAYS,
    Deed,
    Done,
    Place,
    Standing,
    Target,
    Wanted,
    about,
    meant,
    put_in,
    record,
    survey,
    take_out,
    target_of,
    written,
)

_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_HEADLINES = {
    "written": "{client} has the entry {name} now, in {file}.",
    "would be written": "{client} would get the entry {name}, in {file}.",
    "unchanged": "{client} has the entry {name} already, in {file}, which stays as it is.",
    "removed": "{client} has no entry {name} any more, in {file}.",
    "would be removed": "{client} would lose the entry {name}, in {file}.",
    "absent": "{client} has no entry {name} in {file}; nothing was changed.",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Put this server into a client's configuration, or take it out again. Everything else in the file stays as it "
        "is, a copy of it is kept, and no secret goes into it. Settings that are given as flags, or set as PICA_* "
        "here, go into the entry, and stay in it when it is installed again; to drop one, --uninstall first. Without a "
        "client, list the clients of this machine.",
        "pica-mcp install",
        "pica-mcp install cursor --sandbox",
        "PICA_SECRET=... pica-mcp install claude-desktop --identity user_123 --permissions write",
        "pica-mcp install vscode --scope project --dry-run",
        "pica-mcp install cursor --uninstall",
    )
    names = [client.name for client in CLIENTS]
    parser.add_argument("client", nargs="?", choices=names, metavar="CLIENT", help=f"one of {', '.join(names)}")
    scope = "for you in every folder (the default), or for the project in this folder"
    parser.add_argument("--scope", choices=("user", "project"), default="user", help=scope)
    name = "what to call the entry (default pica, unless the only entry of ours has another name)"
    parser.add_argument("--name", metavar="NAME", help=name)
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--print", action="store_true", help="print a file with the entry, and change nothing")
    deed.add_argument("--uninstall", action="store_true", help="take the entry out; the secret stays where it is")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--replace", action="store_true", help="replace another server's entry, or another key")
    where = "where the key is to be; by default whatever suits the client and this machine"
    parser.add_argument("--secret", choices=WAYS, help=where)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser, with_client=False)


def run(arguments: argparse.Namespace) -> int:
    """Do it: 0 for done (or nothing to do), 1 if it failed, 2 for an argument or setting that is wrong."""
    machine = this_machine()
    wanted = wanted_of(arguments, sys.executable, record(), is_manned=_is_manned())
    return install(arguments, machine, replace(wanted, program=this_program()))


def _is_manned() -> bool:
    """Tell if there is a person at a terminal."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def wanted_of(arguments: argparse.Namespace, python: str, record: str = "", *, is_manned: bool = False) -> Wanted:
    """Return what the arguments say of the entry."""
    return Wanted(
        python,
        record,
        flags=flags_of(arguments),
        sandbox=arguments.sandbox,
        way=arguments.secret,
        ask=getpass if is_manned else None,
        may_replace=arguments.replace,
        is_dry=arguments.dry_run or arguments.print,
    )


def install(arguments: argparse.Namespace, machine: Machine, wanted: Wanted) -> int:
    """Do it as on that machine."""
    client = find(arguments.client or "")
    if client is None and (arguments.uninstall or arguments.print):
        raise InvalidSettings("Which client is it about?", f"Name one: {', '.join(each.name for each in CLIENTS)}.")
    if client is None:
        return _list([*survey(machine)], wanted.program, as_json=arguments.json)
    name = USUAL_NAME if arguments.name is None else arguments.name
    target = target_of(client, arguments.scope, name, machine, is_there=arguments.uninstall)
    if arguments.print:
        return _print(*written(target, wanted, machine))
    if arguments.name is None and (arguments.uninstall or arguments.replace or not arguments.sandbox):
        deed: Deed = "--uninstall" if arguments.uninstall else "--replace" if arguments.replace else ""
        target = meant(target, wanted.program, deed)
    done = take_out(target, is_dry=wanted.is_dry) if arguments.uninstall else put_in(target, wanted, machine)
    return _tell(done, as_json=arguments.json)


def _print(file: str, place: Place | None) -> int:
    print_anything()
    print(file, end="")
    if place:
        where = "is expected in" if place.source else "comes from"
        notes().print(Text(_line(f"The key {where} {place.told}.")), soft_wrap=True)
    return 0


def _tell(done: Done, *, as_json: bool) -> int:
    if as_json:
        print_json(asdict(done))
        return 0
    out = screen()
    for line in done.difference:
        out.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
    if any("…" in line for line in done.difference):
        out.print("(… stands for what is not shown.)", soft_wrap=True)
    _say(_HEADLINES[done.state].format(**asdict(done)), "bold")
    for note in done.notes:
        _say(note)
    if done.next:
        out.print()
        _say(done.next, "bold")
        _say(done.check)
    return 0


def _say(words: str, style: str = "") -> None:
    """Print it: in lines that fit on a terminal, else as one, of which a program may take a path."""
    out, line = screen(), _line(words)
    if out.is_terminal:
        print_rows([Row("", line, style=style)])
    else:
        out.print(Text(line, style=style), soft_wrap=True)


def _line(words: str) -> str:
    """Return the words, with paths in them that anybody may have named, as one harmless line."""
    return text.clean(words).replace("\n", " ")


# The clients that are here


def _list(found: list[Standing], program: str, *, as_json: bool) -> int:
    if as_json:
        print_json([_document(one) for one in found])
        return 0
    for one in found:
        print_rows([Row("", one.target.client.title, style="bold")])
        print_rows([Row("  entry  ", _summary(one)), Row("  file   ", str(one.target.file), whole=True), Row("")])
    names = ", ".join(client.name for client in CLIENTS)
    nobody = "" if found else "No client was found on this machine. "
    print_rows([Row("", f"{nobody}{program} install CLIENT puts the server into one: {names}.")])
    return 0


def _document(one: Standing) -> dict[str, Any]:
    target = one.target
    return {
        "client": target.client.name,
        "title": target.client.title,
        "scope": target.scope,
        "file": str(target.file),
        "entries": [
            {"name": name, "is": kind_of(entry), "about": [*about(entry, target)]}
            for name, entry in one.entries.items()
        ],
        "problem": one.problem or None,
    }


def _summary(one: Standing) -> str:
    if one.problem:
        return f"cannot be read: {one.problem}"
    return "; ".join(f"{name}: {_told(entry, one.target)}" for name, entry in one.entries.items()) or "none"


def _told(entry: Entry, target: Target) -> str:
    return ", ".join([KINDS[kind_of(entry)], *about(entry, target)])
