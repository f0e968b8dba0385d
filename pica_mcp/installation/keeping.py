"""The room of installing, the account's secret: where it is left, so that no client's file holds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio

from pica_mcp import text
from pica_mcp.clients import USUAL_NAME, Client, Machine
from pica_mcp.clients.entries import Entry, input_id
from pica_mcp.errors import InvalidSettings, SecretUnavailable
from pica_mcp.installation.target import Target
from pica_mcp.secret import File, Keyring, has_keyring, is_well_formed
from pica_mcp.settings import KEYS_PAGE, SECRETS

Way = Literal["keyring", "file", "env", "prompt"]

Ask = Callable[[str], str]
"""Asks a person for the key, without showing it; `EOFError` is for no answer."""

WAYS: tuple[Way, ...] = ("keyring", "file", "env", "prompt")
_BUS = "DBUS_SESSION_BUS_ADDRESS"
"""Without it, the keyring of a Linux desktop cannot be reached; clients do not pass it on."""

PLUMBING = frozenset({*SECRETS, _BUS})
"""What an entry's environment may have for the secret's sake."""


@dataclass(frozen=True, slots=True)
class Place:
    """How an entry comes by the secret."""

    told: str
    """Where the secret is, for a person."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    passed: tuple[str, ...] = ()
    source: File | Keyring | None = None
    """Where the key has to be put, None where it is the person's to have it there."""

    def is_of(self, entry: Entry) -> bool:
        """Tell if the entry comes by the secret in this way."""
        ours = {name: value for name, value in entry.env.items() if name in SECRETS}
        wanted = {name: value for name, value in self.env.items() if name in SECRETS}
        return ours == wanted and set(self.passed) == set(entry.passed) & set(SECRETS)


# Which ways there are


def ways_of(client: Client) -> tuple[Way, ...]:
    """Return the ways that the client has."""
    lacking = {"env": not client.can_refer, "prompt": not client.asks}
    return tuple(way for way in WAYS if not lacking.get(way))


def place(way: Way, target: Target, machine: Machine) -> Place:
    """Return how the entry comes by the secret in this way. Raises `InvalidSettings` where the client has it not."""
    client, name = target.client, target.name
    if way not in ways_of(client):
        raise _lacking(way, client)
    match way:
        case "keyring":
            return _in_keyring(name, machine)
        case "file":
            path = secret_file(name, machine)
            return Place(f"the file {text.line(str(path), 400)}", {"PICA_SECRET_FILE": str(path)}, source=File(path))
        case "env":
            missing = "" if machine.environ.get("PICA_SECRET") else "; it is not set here"
            told = f"PICA_SECRET in the environment that {client.title} is started in{missing}"
            return Place(told, passed=("PICA_SECRET",))
        case "prompt":
            told = f"{client.title}, which asks for it once and keeps it encrypted"
            return Place(told, {"PICA_SECRET": client.asks.format(input_id(name))})


def chosen(way: Way, target: Target, machine: Machine) -> Place:
    """Return how the entry comes by the secret in the way that a person chose. Raises `InvalidSettings`."""
    if way == "keyring" and not has_keyring():
        problem = (
            "There is no keyring to put the key into: the package is not installed, or finds none of the system's."
        )
        raise InvalidSettings(problem, "Use --secret file.")
    return place(way, target, machine)


def _lacking(way: Way, client: Client) -> InvalidSettings:
    problem = f"{client.title} asks nobody for a key."
    if way == "env":
        problem = f"{client.title} cannot refer to variables of the environment, and a dock gives it none of a shell's."
    return InvalidSettings(problem, f"Use --secret {' or '.join(ways_of(client))}.")


def _in_keyring(name: str, machine: Machine) -> Place:
    bus = {_BUS: machine.environ[_BUS]} if machine.system == "linux" and _BUS in machine.environ else {}
    written = f"pica-mcp/{name}"
    env = {"PICA_SECRET_KEYRING": written, **bus}
    return Place(f"the system's keyring, as {written}", env, source=Keyring("pica-mcp", name))


def secret_file(name: str, machine: Machine) -> Path:
    """Return the private file for the entry of that name; the usual name's is plainly called secret."""
    return machine.data() / "pica-mcp" / ("secret" if name == USUAL_NAME else f"secret-{name}")


def best_way(target: Target, machine: Machine, *, has_key: bool, must_hold: bool = False) -> Way:
    """Return the way that suits the client and this machine best; `has_key` where there is a key to put somewhere.

    What is shared with a team refers to each one's environment rather than to something of this machine. One that has
    to hold the key does not leave that to the client or its environment.
    """
    ways = ways_of(target.client)
    if "prompt" in ways and not must_hold:
        return "prompt"
    if target.is_shared and "env" in ways:
        return "env"
    if has_key and _keyring_works(machine):
        return "keyring"
    return "file" if target.client.is_desktop or must_hold else "env"


def _keyring_works(machine: Machine) -> bool:
    """Tell if a client's children will find the keyring, also after the next login: some buses have a new name then."""
    is_reached = machine.system != "linux" or machine.environ.get(_BUS, "").startswith("unix:path=/run/user/")
    return is_reached and has_keyring()


# Putting it there


def keep(
    where: Place, key: str | None, found: str | None, ask: Ask | None, *, may_replace: bool, is_dry: bool = False
) -> str:
    """Put the key there, or the one found in the entry, asking for it if there is neither, and return what was done.

    A key that is there already stays, unless another one is given, or a person asked for, and it may be replaced; one
    that was merely found never replaces it. Raises `InvalidSettings`, or `SecretUnavailable` if it cannot be put
    there. Dry, it only tells and raises what is known.
    """
    if where.source is None:
        return f"The key comes from {where.told}."
    kept = "" if is_dry and isinstance(where.source, Keyring) else _kept(where.source)  # which might ask a person
    is_key, wanted = is_well_formed(kept), key or found
    if is_key and (wanted == kept or (wanted is None and not (may_replace and ask))):
        return f"The key is in {where.told}, as before{'' if may_replace else '; another one: --replace'}."
    if kept and not may_replace:
        problem = f"There is another key in {where.told}, or something else."
        raise InvalidSettings(problem, "Replace it with --replace, or give this entry another --name.")
    if is_key and not (key or ask):
        problem = f"The entry that is there has another key than {where.told}."
        raise InvalidSettings(problem, "Set PICA_SECRET to the one to use, or give this entry another --name.")
    if is_dry:
        return f"The key is to be in {where.told}{', in place of what is there now' if kept else ''}."
    new = (key if is_key else wanted) or _asked(where, ask, kept if is_key else "")
    if new == kept:
        return f"The key is in {where.told}, as before."
    _put(where.source, new)
    also = " It replaces another one, which other entries may use." if kept else ""
    return f"The key was put into {where.told}.{also}"


def _kept(source: File | Keyring) -> str:
    """Return what is there already: empty for nothing, and no key for what cannot be one."""
    try:
        return anyio.run(source.read)
    except SecretUnavailable:
        return "?" if isinstance(source, File) and _holds_something(source.path) else ""


def _holds_something(path: Path) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size > 0
    return False


def _put(source: File | Keyring, key: str) -> None:
    if isinstance(source, Keyring):
        source.keep(key)
        return
    try:
        _write_privately(source.path, key)
    except OSError as error:
        problem = f"The key cannot be written to {str(source.path)!r}: {error.strerror}."
        raise SecretUnavailable(problem, "Make room for it there, or choose another --secret.") from None


def _write_privately(path: Path, key: str) -> None:
    """Write the file, which nobody else may read at any time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{key}\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _asked(where: Place, ask: Ask | None, kept: str) -> str:
    """Return the key that a person types; nothing at all stands for the one that is there."""
    if ask is None:
        remedy = (
            "Set PICA_SECRET (or PICA_SECRET_FILE, PICA_SECRET_COMMAND or PICA_SECRET_KEYRING) and run this again, run "
            "it in a terminal to be asked, or look around first with --sandbox."
        )
        raise InvalidSettings(f"There is no key to put into {where.told}.", remedy)
    try:
        also = f"; Enter takes the one in {where.told}" if kept else ""
        key = ask(f"Pica API key (from {KEYS_PAGE}; it is not shown{also}): ").strip() or kept
    except EOFError:
        key = ""
    if not key:
        raise InvalidSettings("Nothing was typed.", f"Copy a key from {KEYS_PAGE}, and paste it.")
    if not is_well_formed(key):
        raise InvalidSettings("That is no API key.", f"Copy it again from {KEYS_PAGE}.")
    return key
