"""Where `install` leaves the account's secret, so that no client's file holds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path
from typing import Literal

import anyio

from pica_mcp.clients import Client, data_folder
from pica_mcp.clients.entries import INPUT_REFERENCE, Entry, input_id
from pica_mcp.errors import InvalidSettings, SecretUnavailable
from pica_mcp.secret import File, Keyring, has_keyring, is_well_formed
from pica_mcp.settings import SECRETS

Way = Literal["keyring", "file", "env", "prompt"]

WAYS: tuple[Way, ...] = ("keyring", "file", "env", "prompt")
_KEYS_PAGE = "https://app.picaos.com/settings/api-keys"
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


def place(way: Way, client: Client, name: str, system: str, environ: Mapping[str, str]) -> Place:
    """Return how the entry of that name comes by the secret in this way.

    Raises `InvalidSettings` where the client or the machine does not have it.
    """
    match way:
        case "keyring":
            return _in_keyring(name, system, environ)
        case "file":
            path = secret_file(name, system, environ)
            return Place(f"the file {path}", {"PICA_SECRET_FILE": str(path)}, source=File(path))
        case "env":
            return _in_environment(client)
        case "prompt":
            if client.name != "vscode":
                raise InvalidSettings(f"{client.title} asks nobody for a key.", _other_ways(client, "prompt"))
            value = INPUT_REFERENCE.format(input_id(name))
            return Place("VS Code, which asks for it once and keeps it encrypted", {"PICA_SECRET": value})


def _in_keyring(name: str, system: str, environ: Mapping[str, str]) -> Place:
    bus = {_BUS: environ[_BUS]} if system == "linux" and _BUS in environ else {}
    written = f"pica-mcp/{name}"
    env = {"PICA_SECRET_KEYRING": written, **bus}
    return Place(f"the system's keyring, as {written}", env, source=Keyring("pica-mcp", name))


def _in_environment(client: Client) -> Place:
    told = f"PICA_SECRET in the environment that {client.title} is started in"
    if not client.reference and client.form == "json":
        problem = f"{client.title} cannot refer to variables of the environment, and a dock gives it none of a shell's."
        raise InvalidSettings(problem, _other_ways(client, "env"))
    return Place(told, passed=("PICA_SECRET",))


def _other_ways(client: Client, refused: Way) -> str:
    ways = [way for way in WAYS if way != refused and (way != "prompt" or client.name == "vscode")]
    if not client.reference and client.form == "json":
        ways = [way for way in ways if way != "env"]
    return f"Use --secret {' or '.join(ways)}."


def secret_file(name: str, system: str, environ: Mapping[str, str]) -> Path:
    """Return the private file for the entry of that name; the usual name's is plainly called secret."""
    return data_folder(system, environ) / "pica-mcp" / ("secret" if name == "pica" else f"secret-{name}")


def best_way(client: Client, *, has_key: bool, is_shared: bool, system: str, environ: Mapping[str, str]) -> Way:
    """Return the way that suits the client and this machine best.

    What is shared with a team refers to each one's environment rather than to something of this machine.
    """
    if client.name == "vscode":
        return "prompt"
    if is_shared and (client.reference or client.form == "toml"):
        return "env"
    if (has_key or can_ask()) and _keyring_works(system, environ):
        return "keyring"
    return "file" if client.is_desktop else "env"


def _keyring_works(system: str, environ: Mapping[str, str]) -> bool:
    """Tell if a client's children will find the keyring, also after the next login: some buses have a new name then."""
    is_reached = system != "linux" or environ.get(_BUS, "").startswith("unix:path=/run/user/")
    return is_reached and has_keyring()


def keep(where: Place, key: str | None, *, may_replace: bool) -> str:
    """Put the key there, asking for it if nobody gave one, and return what was done.

    A key that is there already stays, unless another one is given and it may be replaced. Raises `InvalidSettings`,
    or `SecretUnavailable` if it cannot be put there.
    """
    if where.source is None:
        return f"The key comes from {where.told}."
    kept = _kept(where.source)
    if kept and is_well_formed(kept) and key in (None, kept):
        return f"The key is in {where.told}, as before."
    if kept and not may_replace:
        problem = f"There is another key in {where.told}, or something else."
        raise InvalidSettings(problem, "Replace it with --replace, or give this entry another --name.")
    _put(where.source, key or _asked(where))
    return f"The key was put into {where.told}."


def _kept(source: File | Keyring) -> str:
    """Return what is there already: empty for nothing, and no key for what cannot be one."""
    try:
        return anyio.run(source.read)
    except SecretUnavailable:
        return "?" if isinstance(source, File) and source.path.is_file() and source.path.stat().st_size else ""


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
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{key}\n")
    draft.replace(path)


def can_ask() -> bool:
    """Tell if there is a person at a terminal."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def _asked(where: Place) -> str:
    if not can_ask():
        remedy = (
            "Set PICA_SECRET (or PICA_SECRET_FILE, PICA_SECRET_COMMAND or PICA_SECRET_KEYRING) and run this again, run "
            "it in a terminal to be asked, or look around first with --sandbox."
        )
        raise InvalidSettings(f"There is no key to put into {where.told}.", remedy)
    try:
        key = getpass(f"Pica API key (from {_KEYS_PAGE}; it is not shown): ").strip()
    except EOFError:
        key = ""
    if not is_well_formed(key):
        raise InvalidSettings("That is no API key.", f"Copy it again from {_KEYS_PAGE}.")
    return key
