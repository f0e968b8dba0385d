"""The room of settings, its secret: where the account's key comes from, only told here and read when it is needed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Command, File, Fixed, Keyring, Source, is_well_formed
from pica_mcp.settings.options import KEYS_PAGE, SECRETS, key_of
from pica_mcp.settings.sources import DEFAULT, Origin, Written
from pica_mcp.settings.values import Raw


def find_secret(environ: Mapping[str, str], file: Written, *, keyless: bool) -> tuple[Source, Origin]:
    """Return where the secret comes from, and where that is said: a variable goes before whatever the file says.

    Only a secret that is told outright is looked at: starting waits for nothing. Raises `InvalidSettings` if nothing
    says where it is, unless it is `keyless`: it is empty then.
    """
    given = [variable for variable in SECRETS if variable in environ]
    written = [variable for variable in SECRETS if key_of(variable) in file.values]
    if given and (written or given != ["PICA_SECRET"] or environ["PICA_SECRET"].strip()):
        variable = _only(given, {each: environ[each].strip() for each in given}, "Unset")
        return _source(variable, environ[variable].strip(), variable, environ), Origin("environment", variable)
    if written:
        keys = [key_of(variable) for variable in written]
        key = _only(keys, file.values, "Remove", f" in {file.path}")
        return _source(written[0], file.values[key], f"{key} in {file.path}", environ), file.origin
    if keyless:
        return Fixed(""), DEFAULT
    raise InvalidSettings(
        "PICA_SECRET is not set.", f"Set it to a key from {KEYS_PAGE}, or try --sandbox, which needs none."
    )


def _only(names: list[str], values: Mapping[str, Raw], undo: str, where: str = "") -> str:
    """Return the one name that is given."""
    for name in names:
        if not values[name]:
            raise InvalidSettings(f"{name}{where} is set but empty.", f"{undo} it, or give it a value.")
    if len(names) > 1:
        raise InvalidSettings(f"{' and '.join(names)}{where} are set.", f"{undo} all but one.")
    return names[0]


def _source(variable: str, value: Raw, name: str, environ: Mapping[str, str]) -> Source:
    """Return what the variable, or the file's key of that meaning, makes of its value; `name` is for errors.

    A command is run with these variables.
    """
    match variable:
        case "PICA_SECRET_FILE":
            return _file(str(value), name)
        case "PICA_SECRET_COMMAND":
            return replace(_command(value, name), environment=environ)
        case "PICA_SECRET_KEYRING":
            return _keyring(str(value), name)
        case _:
            return _fixed(str(value), name)


def _fixed(value: str, name: str) -> Fixed:
    if value.startswith("$"):
        problem = f"{name} is a reference, such as ${{PICA_SECRET}}, that the client did not fill in."
        raise InvalidSettings(problem, "Set that variable where the client is started, or install with --secret file.")
    if not is_well_formed(value):
        raise InvalidSettings(f"{name} is malformed.", f"Copy the key again from {KEYS_PAGE}.")
    return Fixed(value, name)


def _file(value: str, name: str) -> File:
    try:
        return File(Path(value).expanduser(), name)
    except RuntimeError:
        raise InvalidSettings(f"{name} is {value!r}, but there is no such home.", "Give a full path.") from None


def _command(value: Raw, name: str, *, windows: bool = os.name == "nt") -> Command:
    """Return the command. It may hold secrets itself, so it is not shown."""
    words = list(value)
    if isinstance(value, str):
        lexer = shlex.shlex(value, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters = True, ""
        if windows:  # where backslashes are in paths, and apostrophes in names
            lexer.escape, lexer.quotes = "", '"'
        words = []
        with suppress(ValueError):  # a quote is left open
            words = list(lexer)
    if not words or not words[0]:
        raise InvalidSettings(f"{name} is malformed.", "Write it as for a shell, each quote closed.")
    return Command(tuple(words), name)


def _keyring(value: str, name: str) -> Keyring:
    service, _, username = value.rpartition("/")
    if not (service and username):
        raise InvalidSettings(f"{name} is {value!r}, but must be a service/username.", "Correct it.")
    return Keyring(service, username, name)
