"""The room of settings, its sources: which of flag, environment, file and default says it, and what errors call it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pica_mcp import text
from pica_mcp.errors import InvalidSettings
from pica_mcp.settings.options import CONFIG, OPTIONS, SECRETS, Option
from pica_mcp.settings.values import BadItem, Raw

_RESTRICTING = re.compile(
    r"IDENTIT|USER|PERMISSION|READ_?ONLY|ALLOW|DENY|BLOCK|ACTION|PLATFORM|CONNECTION|KNOWLEDGE|CONSENT|APPROV|AUDIT"
)
_CODES_OWN = re.compile(r"PICA_.+_CONNECTION_KEY")
"""What Pica's documents have people call a key in code of their own."""

_MAX_SHOWN_CHARS = 200

ValueT = TypeVar("ValueT")


def environment() -> Mapping[str, str]:
    """Return the process's environment, for those who have to look into it."""
    return os.environ


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from; `told` is the flag, the variable or the file's full path, empty for a default."""

    kind: Literal["flag", "environment", "file", "default"]
    told: str = ""


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Written:
    """What a settings file says, by key, and what its owner should know of it."""

    path: Path | None = None
    values: Mapping[str, Raw] = field(default_factory=dict[str, Raw], repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """Where its values come from."""
        return Origin("file", str(self.path))


@dataclass(frozen=True, slots=True)
class Given:
    """What is given for one setting, where, and what errors call that place."""

    raw: Raw = field(repr=False)
    origin: Origin
    name: str

    def read(self, parse: Callable[[str], ValueT]) -> ValueT:
        """Return what the value means. What `parse` cannot take is an `InvalidSettings` that says what it must be."""
        return self._parsed(lambda: parse(str(self.raw)))

    def read_list(self, parse: Callable[[Raw], ValueT]) -> ValueT:
        """Return what the list means, likewise."""
        return self._parsed(lambda: parse(self.raw))

    def _parsed(self, parse: Callable[[], ValueT]) -> ValueT:
        whole = self.raw if isinstance(self.raw, str) else ", ".join(self.raw)
        try:
            return parse()
        except BadItem as error:
            problem = f"a list with {_shown(error.item)} in it, but {error.must} be {error}"
            if error.item.lower() == whole.lower():
                problem = f"{_shown(whole)}, but must be {error}"
        except ValueError as error:
            problem = f"{_shown(whole)}, but must be {error}"
        raise InvalidSettings(f"{self.name} is {problem}.")  # unchained, since a value may be a key that slipped there


def find(option: Option, flags: Mapping[str, str | None], environ: Mapping[str, str], file: Written) -> Given:
    """Return what is given for the option: by flag, else by variable, else by the file, else its default.

    Raises `InvalidSettings` for what is given but empty, and for an API key, which as an identity or a platform would
    be shown and recorded. What something else goes before is not looked at.
    """
    flag = flags.get(option.name)
    if flag is not None:
        return _sound(Given(flag.strip(), Origin("flag", option.flag), option.flag), option)
    if option.variable in environ:
        origin = Origin("environment", option.variable)
        return _sound(Given(environ[option.variable].strip(), origin, option.variable), option)
    if option.name in file.values:
        return _sound(Given(file.values[option.name], file.origin, f"{option.name} in {file.path}"), option)
    return Given(option.default, DEFAULT, option.variable)


def _sound(given: Given, option: Option) -> Given:
    if not given.raw:
        undo = "Remove it" if given.origin.kind == "file" else "Unset it"
        raise InvalidSettings(f"{given.name} is set but empty.", f"{undo}, or give it a value.")
    if option.form != "path" and text.has_api_key(str(given.raw)):
        raise InvalidSettings(f"{given.name} holds an API key.", "Set PICA_SECRET to it instead.")
    return given


def refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Raise if a variable is nearly one of ours, or sounds like a restriction: misspelt, it would restrict nothing."""
    known = (*SECRETS, CONFIG.variable, *(option.variable for option in OPTIONS))
    for name in environ:
        if not name.startswith("PICA_") or name in known or _CODES_OWN.fullmatch(name):
            continue
        if (near := nearest(name, known, 0.9)) or _RESTRICTING.search(name):
            hint = f"Did you mean {near}?" if near else "Unset it, or use one of those that pica-mcp --help lists."
            raise InvalidSettings(f"{text.line(name, 60)} is no setting.", hint)


def nearest(name: str, known: Collection[str], likeness: float) -> str:
    """Return the known name that is most like this one, empty if none is as like as that (from 0 to 1)."""
    from difflib import get_close_matches  # noqa: PLC0415 - few misspell a name

    return next(iter(get_close_matches(name, known, 1, likeness)), "")


def _shown(value: str) -> str:
    return repr(text.cap(value, _MAX_SHOWN_CHARS))
