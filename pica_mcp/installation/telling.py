"""The room of installing, what people are told: what became of what was there, what to know, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pica_mcp import text
from pica_mcp.clients import Machine, files, is_here
from pica_mcp.clients.edits import at
from pica_mcp.clients.entries import Entry, Kind, entries_of, kind_of
from pica_mcp.errors import OperatorError
from pica_mcp.installation.before import checkable, listed
from pica_mcp.installation.planning import Launch
from pica_mcp.installation.target import KINDS, Target

WRITTEN_ANEW = ("type", "command", "args", "env", "env_vars")
"""The keys of an entry that installing sets anew; people may have added others."""

_REACH = frozenset(
    f"PICA_{name}"
    for name in (
        *("CONFIG", "IDENTITY", "IDENTITY_TYPE", "PERMISSIONS", "KNOWLEDGE_AGENT", "CONSENT"),
        *("CONNECTION_KEYS", "PLATFORMS", "ACTION_IDS"),
    )
)
"""Variables that decide how far an entry reaches, and who is asked."""
_MAX_COMMANDS = 10


# Putting in


def changes(target: Target, launch: Launch, machine: Machine) -> Iterator[str]:
    """Yield what is otherwise than a person may take for granted."""
    before = launch.before
    if before.kind == "official":
        after = {*launch.entry.env, *launch.entry.passed}
        kept = sorted(after.intersection((*before.env, *before.passed)))
        yield f"It replaces Pica's official server{', whose settings it keeps: ' + ', '.join(kept) if kept else ''}."
    if before.found_key:
        yield "The file held the key in plain text; the entry does not any more, but the copy of the file does."
    if not target.is_shared and not is_here(target.client, machine):
        yield f"{target.client.title} was not found on this machine; the entry waits for it."
    if target.is_shared:
        yield "This file may be shared with others: it holds paths of this machine."
        yield from filter(None, [target.client.project_hint])


def lost(target: Target, document: Mapping[str, Any], launch: Launch) -> Iterator[str]:
    """Yield what there was and is no more, so that nobody takes for narrow what is wide."""
    there, before = at(document, target.path), launch.before
    is_anew = before.kind == "official" or (before.kind == "ours" and target.is_shared)
    keys = cast(dict[str, Any], there) if isinstance(there, dict) and is_anew else {}
    foreign = sorted(keys.keys() - {*WRITTEN_ANEW, *target.client.waits})
    if names := listed([*before.left_out(launch.entry), *foreign]):
        why = ", since anybody may have written this project's file" if target.is_shared else ""
        yield f"Left out of the entry{why}: {names}."


def officials(target: Target, found: Mapping[str, Entry], program: str) -> Iterator[str]:
    """Yield that Pica's official server stays in the file, and what to run in a shell to replace it."""
    names = _besides(target, found, "official")
    if names:
        yield f"Pica's official server is in this file too, as {listed(names)}: take out what you do not need."
    for name in filter(target.client.takes, names[:_MAX_COMMANDS]):
        yield f"To replace {name}: `{replace(target, name=name).command(program, '--replace')}`."


def kept_copy(target: Target, change: files.Change) -> Iterator[str]:
    """Yield where the file as it was is kept, if it is."""
    if change.is_none or change.before is None:
        return
    if change.is_kept_apart:
        kept = files.further_copy_of(target.file, change.before)
        yield f"The file as it was is kept in {kept}; {files.copy_of(target.file)} is older."
    elif change.copy_after == change.before:
        yield f"The file as it was is kept in {files.copy_of(target.file)}."


def reach(target: Target, launch: Launch, program: str) -> Iterator[str]:
    """Yield how far the entry reaches, where nothing narrows it as far as is known, and what would.

    `program` is what a shell is to be told to run.
    """
    settings, client = launch.settings, target.client
    if settings.sandbox:
        yield f"What it shows is pretend, and so are the accounts. For your own: `{target.command(program)}`."
        return
    unknown = {*launch.entry.passed, *launch.entry.env} - checkable(client, launch.entry.env).keys()
    grant, identity = settings.grant, settings.identity
    if unknown & _REACH or grant.knowledge_only or grant.permission != "admin":
        return
    narrowing = (identity.id, identity.type, grant.connection_keys, grant.platforms, grant.actions)
    if all(one is None for one in narrowing):
        narrower = target.command(program, "--identity", "ID", "--identity-type", "user", "--permissions", "write")
        yield f"It acts through the accounts of everybody, and may destroy what is there. To narrow it: `{narrower}`."
    if client.elicits is False and settings.consent == "auto":
        always = target.command(program, "--consent", "always")
        yield (
            f"{client.title} cannot ask you before something is destroyed: such a call is made once {client.title} "
            f"itself approves it. PICA_CONSENT=always has it refused instead: `{always}`."
        )


def next_step(target: Target, before: Entry | None) -> str:
    """Return what is left to a person. What somebody has switched off in their own file stays so."""
    is_off = before and not before.is_enabled and kind_of(before) == "ours" and not target.is_shared
    hint = f"Switch the entry on in {target.client.title}, where it is off" if is_off else target.client.hint
    return f"{hint}, then ask it: What is connected through Pica?"


def check(target: Target, launch: Launch, found: Mapping[str, Entry], program: str) -> str:
    """Return what tells whether it will work: nothing was asked of Pica. `found` is what was in the file before."""
    which = f"{target.client.name}/{target.name}" if _besides(target, found, "ours") else target.client.name
    words = (program, "doctor", which, *(("--project",) if target.is_shared else ()))
    return f"To check the entry{' and its key' if launch.place else ''}: `{' '.join(words)}`."


# Both


def ours_besides(target: Target, found: Mapping[str, Entry]) -> Iterator[str]:
    """Yield that other entries of this program stay in the file: somebody may have meant one of them."""
    if names := _besides(target, found, "ours"):
        yield f"This program has other entries in this file, which stay as they are: {listed(names)}."


def _besides(target: Target, found: Mapping[str, Entry], kind: Kind) -> list[str]:
    return [name for name, entry in found.items() if name != target.name and kind_of(entry) == kind]


# Taking out


def left(before: Entry | None, change: files.Change, target: Target) -> Iterator[str]:
    """Yield what of it is still there, and where what it replaced is."""
    env: Mapping[str, str] = before.env if before else {}
    if path := env.get("PICA_SECRET_FILE"):
        yield f"The key is still in the file {text.line(path)}."
    if item := env.get("PICA_SECRET_KEYRING"):
        yield f"The key is still in the system's keyring, as {text.line(item)}."
    is_given_back = change.copy_before is not None and change.copy_after is None
    first = files.copy_of(target.file)
    copies = [copy for copy in files.copies_of(target.file) if copy != first or not is_given_back]
    newest = next((copy for copy in reversed(copies) if _server_in(copy, target)), None)
    if newest:
        copies.remove(newest)
        server = _server_in(newest, target)
        yield f"{server}, which had that name before, does not come back by itself: its entry is in {newest}."
    if copies:
        yield f"Earlier states of the file are in {', '.join(map(str, copies))}."


def _server_in(copy: Path, target: Target) -> str:
    """Return whose server had the entry's name when the copy was made, empty for nobody's, ours, or what is unclear."""
    with suppress(OperatorError):
        if not copy.is_symlink():
            _, document = replace(target, file=copy).read()
            there = entries_of(target.client, document).get(target.name)
            kind = kind_of(there) if there else "ours"
            return "" if kind == "ours" else f"{KINDS[kind][:1].upper()}{KINDS[kind][1:]}"
    return ""
