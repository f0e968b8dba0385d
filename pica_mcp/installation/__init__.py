"""The room of installing: this server put into a client's file or taken out of it, and what was done, as a value.

Whatever others have in the file stays as it is, and no secret goes into it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from pica_mcp import text
from pica_mcp.clients import USUAL_NAME, Client, Machine, files
from pica_mcp.clients.edits import MISSING, Item, Uneditable, at
from pica_mcp.clients.entries import (
    Entry,
    asked,
    entries_of,
    form_of,
    input_id,
    input_of,
    is_official,
    is_reference,
    kind_of,
    program_of,
    text_of,
    value_of,
)
from pica_mcp.errors import InvalidSettings
from pica_mcp.installation.difference import difference
from pica_mcp.installation.keeping import WAYS, Place, keep
from pica_mcp.installation.planning import Launch, Wanted, plan
from pica_mcp.installation.program import record
from pica_mcp.installation.target import KINDS, Deed, Standing, Target, about, meant, survey, target_of
from pica_mcp.installation.telling import (
    WRITTEN_ANEW,
    changes,
    check,
    kept_copy,
    left,
    lost,
    next_step,
    officials,
    ours_besides,
    reach,
)
from pica_mcp.settings import CONFIG, OPTIONS, flags_in

__all__ = [
    "KINDS",
    "USUAL_NAME",
    "WAYS",
    "Deed",
    "Done",
    "Place",
    "Standing",
    "Target",
    "Wanted",
    "about",
    "meant",
    "put_in",
    "record",
    "survey",
    "take_out",
    "target_of",
    "written",
]

_PUBLIC = {"PICA_SECRET_FILE", "PICA_SECRET_KEYRING", *(option.variable for option in (CONFIG, *OPTIONS))}
"""Variables whose values may be shown."""

_FLAGS = {option.variable: option.flag for option in (CONFIG, *OPTIONS)}
_WORDS = frozenset({"-m", "-P", "pica_mcp", "pica-mcp", "run", "tool", "--from", "serve", "--sandbox", "--debug"})
"""What else may be shown of a command line of ours."""

State = Literal["written", "would be written", "unchanged", "removed", "would be removed", "absent"]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done."""

    client: str
    file: str
    name: str
    state: State
    difference: Sequence[str]
    notes: Sequence[str]
    next: str = ""
    """What is left to a person."""
    check: str = ""
    """What tells them whether it will work."""


def written(target: Target, wanted: Wanted, machine: Machine) -> tuple[str, Place | None]:
    """Return a whole file with the entry and nothing else, and where its key is to be. Raises `InvalidSettings`."""
    launch = plan(target, wanted, machine)
    return text_of(target.client, launch.entry, target.name), launch.place


# Putting in


def put_in(target: Target, wanted: Wanted, machine: Machine) -> Done:
    """Put the entry into the file, and the key where it is to be.

    Raises `InvalidSettings`, or another `OperatorError` that names the file; it is then as it was.
    """
    text_before, document = target.read()
    found = entries_of(target.client, document)
    before = found.get(target.name)
    if not wanted.may_replace:
        _refuse_strangers(target, at(document, target.path), before)
    launch = plan(target, wanted, machine, before)
    is_ours = before is not None and kind_of(before) == "ours"
    with _naming(target):
        parts = _parts(target, document, before, launch)
        copy = files.load_copy(target.file)
        change = files.plan_install(form_of(target.client), parts, text_before, copy, is_strange=not is_ours)
    known = {*_speakable(before, target.client), *_speakable(launch.entry, target.client), *launch.entry.args}
    told = [*changes(target, launch, machine), *lost(target, document, launch)]
    told += [*officials(target, found, wanted.program), *ours_besides(target, found)]
    told += [] if wanted.is_dry else kept_copy(target, change)  # before a key is put anywhere: it may be refused
    if launch.place:
        may, is_dry = wanted.may_replace, wanted.is_dry
        told.append(keep(launch.place, launch.key, launch.found, wanted.ask, may_replace=may, is_dry=is_dry))
    told += reach(target, launch, wanted.program)
    if wanted.is_dry:
        state: State = "unchanged" if change.is_none else "would be written"
        return _done(target, change, state, known, told)
    files.carry_out(target.file, change)
    done = _done(target, change, "unchanged" if change.is_none else "written", known, told)
    return replace(done, next=next_step(target, before), check=check(target, launch, found, wanted.program))


def _refuse_strangers(target: Target, there: Any, before: Entry | None) -> None:
    """Raise if the entry of that name is another server's."""
    if there is MISSING or (before and kind_of(before) == "ours"):
        return
    what = KINDS[kind_of(before)] if before else "something that is no server"
    started = f", started by {text.line(program_of(before), 40)}" if before and before.command else ""
    raise InvalidSettings(
        f"{target.client.title} has an entry {target.name!r} already: {what}{started}.",
        "Replace it with --replace, or add another one with --name.",
    )


def _parts(target: Target, document: Mapping[str, Any], before: Entry | None, launch: Launch) -> files.Parts:
    """Return the entry, and the input that it needs, unless the user's file has one of that id."""
    there = at(document, target.path)
    value = value_of(target.client, launch.entry)
    if isinstance(there, dict) and before and kind_of(before) == "ours" and not target.is_shared:
        value = _merged(there, value)  # pyright: ignore[reportUnknownArgumentType] - JSON
    inputs = {("inputs", Item(one)): input_of(one) for one in asked(target.client, launch.entry)}
    # A person may have worded it otherwise; whoever wrote a project may have it show the key.
    kept = {path: at({} if target.is_shared else document, path) for path in inputs}
    return {target.path: value, **{path: one if kept[path] is MISSING else kept[path] for path, one in inputs.items()}}


def _merged(there: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with what people have added to it: approvals, time-outs."""
    kept = {
        key: value.get(key) if key in WRITTEN_ANEW else one
        for key, one in there.items()
        if key not in WRITTEN_ANEW or key in value
    }
    return {**kept, **{key: one for key, one in value.items() if key not in kept}}


# Taking out


def take_out(target: Target, *, is_dry: bool) -> Done:
    """Take the entry out of the file, or only tell what that would change; the key stays where it is.

    Raises `InvalidSettings` if it is another server's, or another `OperatorError` that names the file.
    """
    text_before, document = target.read()
    found = entries_of(target.client, document)
    before = found.get(target.name)
    if at(document, target.path) is not MISSING and not (before and kind_of(before) == "ours"):
        raise InvalidSettings(
            f"The entry {target.name!r} of {target.client.title} is not this program's.", "Take it out by hand."
        )
    with _naming(target):
        paths = _paths(target, document)
        change = files.plan_removal(form_of(target.client), paths, text_before, files.load_copy(target.file))
    if not is_dry:
        files.carry_out(target.file, change)
    state: State = "absent" if change.is_none else "would be removed" if is_dry else "removed"
    told = [*left(before, change, target), *ours_besides(target, found)]
    return _done(target, change, state, {*_speakable(before, target.client)}, told)


def _paths(target: Target, document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return where the entry is, and the input that nothing else refers to."""
    mine = input_id(target.name)
    entries = entries_of(target.client, document)
    others = {one for name, entry in entries.items() if name != target.name for one in asked(target.client, entry)}
    is_ours = at(document, ("inputs", Item(mine))) == input_of(mine) and mine not in others
    return [target.path, *([("inputs", Item(mine))] if target.client.asks and is_ours else [])]


# Both


@contextmanager
def _naming(target: Target) -> Generator[None]:
    """Have what cannot be edited tell which file that is."""
    try:
        yield
    except Uneditable as error:
        raise files.Unusable(f"{str(target.file)!r} stays as it is: {error}") from None


def _done(target: Target, change: files.Change, state: State, known: set[str], notes: Sequence[str]) -> Done:
    lines = difference(change.before or "", change.after or "", target.client.form, known)
    return Done(target.client.title, str(target.file), target.name, state, lines, notes)


def _speakable(entry: Entry | None, client: Client) -> Iterator[str]:
    """Yield what may be shown of an entry: nothing that may be secret, and of others' no more than whose it is."""
    kind = kind_of(entry) if entry else "other"
    if entry is None or kind == "other":
        return
    yield from (word for word in (entry.command, *entry.args) if is_official(word) and not re.search(r"[\s=]", word))
    if kind == "ours":
        yield from (word for word in _plain_words(entry) if not _may_be_secret(word))
        yield from (value for name, value in entry.env.items() if name in _PUBLIC and not _may_be_secret(value))
        yield from (word for name in entry.passed for word in (name, client.refer(name)))
    yield from (value for name, value in entry.env.items() if name == "PICA_SECRET" and is_reference(value))
    yield from ("stdio", *(str(word) for one in asked(client, entry) for word in input_of(one).values()))


def _plain_words(entry: Entry) -> Iterator[str]:
    """Yield what is ours of a command line: others before us may be given anything."""
    yield entry.command
    yield from _WORDS.intersection(entry.args)
    for variable, value in flags_in(entry.args).items():
        yield from (_FLAGS[variable], value, f"{_FLAGS[variable]}={value}")


def _may_be_secret(word: str) -> bool:
    return bool(re.search("://.*@", word)) or text.masked(word) != word
