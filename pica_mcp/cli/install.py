"""`pica-mcp install`: the server put into a client's configuration, or taken out again."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.text import Text

from pica_mcp import text
from pica_mcp.cli.difference import difference
from pica_mcp.cli.installed import KINDS, Target, list_clients, target_of
from pica_mcp.cli.launch import Launch, Surroundings, plan
from pica_mcp.cli.options import add_settings, describe
from pica_mcp.cli.safekeeping import WAYS, keep
from pica_mcp.cli.streams import print_anything
from pica_mcp.cli.terminal import notes, print_json, screen
from pica_mcp.clients import CLIENTS, Client, files
from pica_mcp.clients.edits import MISSING, Item, Uneditable, at
from pica_mcp.clients.entries import (
    Entry,
    asked,
    entries_of,
    form_of,
    input_id,
    input_of,
    kind_of,
    program_of,
    text_of,
    value_of,
)
from pica_mcp.errors import InvalidSettings, OperatorError
from pica_mcp.settings import CONFIG, OPTIONS, SECRETS, environment

_SECRET = re.compile(r"sk_(live|test)_|PICA_SECRET=")
_PUBLIC = {"PICA_SECRET_FILE", "PICA_SECRET_KEYRING", *(option.variable for option in (CONFIG, *OPTIONS))}
"""Variables whose values may be shown."""

_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_HEADLINES = {
    "written": "{client} has the entry {name} now, in {file}.",
    "would be written": "{client} would get the entry {name}, in {file}.",
    "unchanged": "{client} has the entry {name} already, in {file}; nothing was changed.",
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
        "here, go into the entry. Without a client, list the clients of this machine.",
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
    parser.add_argument("--name", default="pica", metavar="NAME", help="what to call the entry (default pica)")
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--print", action="store_true", help="print a file with the entry, and change nothing")
    deed.add_argument("--uninstall", action="store_true", help="take the entry out; the secret stays where it is")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--replace", action="store_true", help="replace another server's entry, or another key")
    where = "where the key is to be; by default whatever suits the client and this machine"
    parser.add_argument("--secret", choices=WAYS, help=where)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it: 0 for done (or nothing to do), 1 if it failed, 2 for an argument or setting that is wrong."""
    return install(arguments, Surroundings(sys.platform, environment(), sys.executable), Path.cwd())


def install(arguments: argparse.Namespace, around: Surroundings, folder: Path) -> int:
    """Do it as on that machine, in that folder."""
    if arguments.client is None:
        return list_clients(around, folder, as_json=arguments.json)
    target = target_of(arguments, around, folder)
    if arguments.print:
        return _print(target, arguments, around)
    try:
        report = _take_out(target, arguments) if arguments.uninstall else _put_in(target, arguments, around)
    except Uneditable as error:
        raise OperatorError(f"{text.line(str(target.file), 300)} stays as it is: {error}") from None
    return _tell(report, arguments)


# Putting in


State = Literal["written", "would be written", "unchanged", "removed", "would be removed", "absent"]


@dataclass(frozen=True, slots=True)
class _Report:
    """What was done."""

    client: str
    file: str
    name: str
    state: State
    difference: list[str]
    notes: list[str]
    next: str = ""


def _print(target: Target, arguments: argparse.Namespace, around: Surroundings) -> int:
    launch = plan(target.client, arguments, around, None)
    print_anything()
    print(text_of(target.client, launch.entry, target.name), end="")
    if launch.place:
        where = "is expected in" if launch.place.source else "comes from"
        notes().print(Text(f"The key {where} {launch.place.told}."), soft_wrap=True)
    return 0


def _put_in(target: Target, arguments: argparse.Namespace, around: Surroundings) -> _Report:
    written, document = target.read()
    before = entries_of(target.client, document).get(target.name)
    _refuse_strangers(target, at(document, target.path), before, arguments)
    launch = plan(target.client, arguments, around, before)
    copy = files.load(files.copy_of(target.file))
    change = files.plan_install(form_of(target.client), _parts(target, document, before, launch), written, copy)
    known = {*_speakable(before, target.client), *_speakable(launch.entry, target.client)}
    lines = difference(change.before or "", change.after or "", target.client.form, known)
    told = list(_notes(target, before, launch, around))
    if launch.place and not arguments.dry_run:
        told.append(keep(launch.place, launch.key, may_replace=arguments.replace))
    elif launch.place:
        told.append(f"The key is to be in {launch.place.told}.")
    if change.copy_after is not None and not (change.is_none or arguments.dry_run):
        told.append(f"The file as it was is kept in {files.copy_of(target.file)}.")
    if not arguments.dry_run:
        files.carry_out(target.file, change)
    state: State = "unchanged" if change.is_none else "would be written" if arguments.dry_run else "written"
    after = f"{target.client.hint}, then ask it: What is connected through Pica?"
    return _Report(target.client.title, str(target.file), target.name, state, lines, told, after)


def _refuse_strangers(target: Target, there: Any, before: Entry | None, arguments: argparse.Namespace) -> None:
    """Raise if the entry of that name is another server's, unless it is to be replaced."""
    if there is MISSING or arguments.replace or (before and kind_of(before) == "ours"):
        return
    what = KINDS[kind_of(before)] if before else "something that is no server"
    started = f", started by {text.line(program_of(before), 40)}" if before and before.command else ""
    raise InvalidSettings(
        f"{target.client.title} has an entry {target.name!r} already: {what}{started}.",
        "Replace it with --replace, or add another one with --name.",
    )


def _parts(target: Target, document: Mapping[str, Any], before: Entry | None, launch: Launch) -> files.Parts:
    """Return the entry, and the input that it needs, unless the file has one of that id."""
    there = at(document, target.path)
    value = value_of(target.client, launch.entry)
    if isinstance(there, dict) and before and kind_of(before) == "ours":
        value = _merged(there, value)  # pyright: ignore[reportUnknownArgumentType] - JSON
    inputs = {("inputs", Item(one)): input_of(one) for one in asked(target.client, launch.entry)}
    kept = {path: at(document, path) for path in inputs}  # a person may have worded it otherwise
    return {target.path: value, **{path: one if kept[path] is MISSING else kept[path] for path, one in inputs.items()}}


def _merged(there: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with what people have added to it: approvals, time-outs."""
    ours = ("type", "command", "args", "env", "env_vars")
    kept = {
        key: value.get(key) if key in ours else one for key, one in there.items() if key not in ours or key in value
    }
    return {**kept, **{key: one for key, one in value.items() if key not in kept}}


def _speakable(entry: Entry | None, client: Client) -> Iterator[str]:
    """Yield what may be shown of an entry: nothing that may be secret, and nothing of another server's."""
    if entry is None or kind_of(entry) == "other":
        return
    yield from (word for word in (entry.command, *entry.args) if not _SECRET.search(word))
    yield from (value for name, value in entry.env.items() if name in _PUBLIC or (name in SECRETS and "$" in value))
    yield from (word for name in entry.passed for word in (name, client.refer(name)))
    yield from ("stdio", *(str(word) for one in asked(client, entry) for word in input_of(one).values()))


def _notes(target: Target, before: Entry | None, launch: Launch, around: Surroundings) -> Iterator[str]:
    if before and kind_of(before) == "official":
        kept = sorted(name for name in launch.entry.env if name in before.env and name not in SECRETS)
        yield f"It replaces Pica's official server{', whose settings it keeps: ' + ', '.join(kept) if kept else ''}."
    if launch.had_key:
        yield "The file held the key in plain text; the entry does not any more, but the copy of the file does."
    if "PICA_SECRET" in launch.entry.passed and not around.environ.get("PICA_SECRET"):
        yield f"PICA_SECRET is not set here: set it where {target.client.title} is started."
    if target.is_shared:
        yield "This file may be shared with others: it holds paths of this machine."
        yield from filter(None, [target.client.project_hint])


# Taking out


def _take_out(target: Target, arguments: argparse.Namespace) -> _Report:
    written, document = target.read()
    before = entries_of(target.client, document).get(target.name)
    if at(document, target.path) is not MISSING and not (before and kind_of(before) == "ours"):
        raise InvalidSettings(
            f"The entry {target.name!r} of {target.client.title} is not this program's.", "Take it out by hand."
        )
    copy = files.load(files.copy_of(target.file))
    change = files.plan_removal(form_of(target.client), _paths(target, document), written, copy)
    lines = difference(change.before or "", change.after or "", target.client.form, _speakable(before, target.client))
    if not arguments.dry_run:
        files.carry_out(target.file, change)
    told = list(_left(before, change, target))
    state: State = "absent" if change.is_none else "would be removed" if arguments.dry_run else "removed"
    return _Report(target.client.title, str(target.file), target.name, state, lines, told)


def _paths(target: Target, document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return where the entry is, and the input that nothing else refers to."""
    mine = input_id(target.name)
    entries = entries_of(target.client, document)
    others = {one for name, entry in entries.items() if name != target.name for one in asked(target.client, entry)}
    is_ours = at(document, ("inputs", Item(mine))) == input_of(mine) and mine not in others
    return [target.path, *([("inputs", Item(mine))] if target.client.name == "vscode" and is_ours else [])]


def _left(before: Entry | None, change: files.Change, target: Target) -> Iterator[str]:
    env: Mapping[str, str] = before.env if before else {}
    if path := env.get("PICA_SECRET_FILE"):
        yield f"The key is still in the file {text.line(path)}."
    if item := env.get("PICA_SECRET_KEYRING"):
        yield f"The key is still in the system's keyring, as {text.line(item)}."
    if change.copy_after is not None:
        yield f"A copy of the file from before the entry is in {files.copy_of(target.file)}."


# Telling


def _tell(report: _Report, arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json(asdict(report))
        return 0
    out = screen()
    for line in report.difference:
        out.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
    out.print(Text(_HEADLINES[report.state].format(**asdict(report)), style="bold"), soft_wrap=True)
    for line in filter(None, [*report.notes, report.next]):
        out.print(Text(line), soft_wrap=True)
    return 0
