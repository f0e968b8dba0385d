"""Arguments that commands share, and what they mean."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pica_mcp.cli.streams import complain

if TYPE_CHECKING:
    from pica_mcp.clients import Machine
    from pica_mcp.settings import Settings


def describe(parser: argparse.ArgumentParser, about: str, *examples: str) -> None:
    """Say what the command does, with examples, which are shown as they are written."""
    parser.formatter_class = Help
    parser.description = about
    if examples:
        parser.epilog = "\n".join(["examples:", *(f"  {example}" for example in examples)])
    parser.add_argument("--debug", action="store_true", help="show where in the program something went wrong")


class Help(argparse.HelpFormatter):
    """Keeps the lines of examples, and leaves settings out of the usage, which they would fill."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 28, **options})
        self._action_max_length = 16  # which forgets that commands are indented

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Add the usage: what is particular to the command."""
        super().add_usage(usage, [one for one in actions if not hasattr(one, "completer")], groups, prefix)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:\n") else super()._fill_text(text, width, indent)


def take_options_anywhere(parser: argparse.ArgumentParser) -> None:
    """Let options stand between positional arguments too, where argparse by itself would take no more of these."""
    plain = parser.parse_known_args

    def mixed(args: list[str] | None = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:
        vars(parser).update(parse_known_args=plain)  # which the other one calls
        return parser.parse_known_intermixed_args(args, namespace)

    vars(parser).update(parse_known_args=mixed)


def add_settings(parser: argparse.ArgumentParser, *, in_help: bool = False, with_client: bool = True) -> None:
    """Add a flag for every setting. In the help of every command they would hide what is particular to it.

    `with_client` adds one that takes them from a client's entry; a server, which has them `in_help`, takes its own.
    """
    from pica_mcp.settings import CONFIG, OPTIONS

    about = "each has a variable too, and is a key of the settings file"
    settings = parser.add_argument_group("settings", about) if in_help else parser.add_argument_group()
    if not in_help:
        parser.epilog = "\n\n".join(filter(None, [parser.epilog, "Settings are given as to `pica-mcp serve --help`."]))
    parser.add_argument("--sandbox", action="store_true", help="use the embedded sandbox, without an account")
    if with_client and not in_help:
        from pica_mcp.clients import CLIENTS

        names = Entries(client.name for client in CLIENTS)
        about = "take the settings of this client's entry, as installed; CLIENT/NAME of one of several"
        parser.add_argument("--client", choices=names, metavar="CLIENT", help=about)
    parser.add_argument(
        CONFIG.flag, dest=CONFIG.name, metavar=CONFIG.metavar, help=f"{CONFIG.help} [{CONFIG.variable}]"
    )
    for option in OPTIONS:
        default = f" (default {option.default})" if option.default else ""
        text = f"{option.help}{default} [{option.variable}]"
        help_text = text.replace("%", "%%") if in_help else argparse.SUPPRESS
        added = settings.add_argument(option.flag, dest=option.name, metavar=option.metavar, help=help_text)
        choices = option.metavar.split("|") if "|" in option.metavar else ()
        cast(Any, added).completer = _Choices(choices)


class Entries(tuple[str, ...]):
    """The clients that an argument may name, each alone or with the name of one of its entries: CLIENT/NAME."""

    __slots__ = ()

    def __contains__(self, given: object, /) -> bool:
        """Tell if that names a client, and an entry if there is more."""
        client, has_more, name = str(given).partition("/")
        return super().__contains__(client) and bool(name or not has_more)


class _Choices(list[str]):
    """What a shell may complete a setting with; whether a value is right is for the settings to say."""

    def __call__(self, **_: object) -> list[str]:
        """Return them, as argcomplete asks for them."""
        return self


def flags_of(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Return what was given as flags, by the options' names."""
    from pica_mcp.settings import CONFIG, OPTIONS

    return {option.name: getattr(arguments, option.name) for option in (CONFIG, *OPTIONS)}


def settings_of(arguments: argparse.Namespace, *, keyless: bool = False, is_server: bool = False) -> Settings:
    """Return the settings. Raises `InvalidSettings`. With `keyless`, there need be no secret.

    A command by hand may take a client's. A server takes its own, and its start does not pay for a look at others.
    """
    from pica_mcp.settings import load

    flags, sandbox = flags_of(arguments), arguments.sandbox
    if is_server:
        settings = load(flags, sandbox=sandbox)
    elif arguments.client:
        from pica_mcp.diagnosis.subject import settings_of_entry

        settings = settings_of_entry(arguments.client, this_machine(), flags, sandbox=sandbox, keyless=keyless)
    else:
        settings = _set_here(flags, sandbox=sandbox, keyless=keyless)
    for warning in settings.warnings:
        complain(warning)
    return settings


def _set_here(flags: Mapping[str, str | None], *, sandbox: bool, keyless: bool) -> Settings:
    """Return the settings that are given here. Where only the key is missing, say which client has one."""
    from pica_mcp.errors import InvalidSettings
    from pica_mcp.settings import load

    try:
        return load(flags, sandbox=sandbox, keyless=keyless)
    except InvalidSettings as error:
        load(flags, sandbox=sandbox, keyless=True)  # raises the same if it is not the key
        from pica_mcp.diagnosis.subject import usable_client

        client = ""
        with suppress(InvalidSettings):  # the folder is gone, which is not what is wrong
            client = usable_client(this_machine())
        raise InvalidSettings(str(error), f"Or take a client's: --client {client}." if client else "") from None


def this_machine() -> Machine:
    """Return the machine that this runs on. Raises `InvalidSettings` where the folder that a person is in is gone."""
    from pica_mcp.clients import Machine
    from pica_mcp.errors import InvalidSettings
    from pica_mcp.settings import environment

    try:
        folder = Path.cwd()
    except OSError:
        raise InvalidSettings("The folder that you are in is gone.", "Go to another one, then try again.") from None
    return Machine.of(sys.platform, environment(), folder)


def this_program() -> str:
    """Return what runs this program in the shell that a person is in; its name, where the folder is gone."""
    from pica_mcp.clients.shell import NAME, spelt
    from pica_mcp.settings import environment

    try:
        return spelt(environment(), Path.cwd())
    except OSError:
        return NAME


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add how a listing is printed."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, as into a pipe or a file")
    form.add_argument("--table", action="store_true", help="print a table, as on a terminal")


def as_json(arguments: argparse.Namespace) -> bool:
    """Tell how a listing is printed: as it was asked for, else as whoever reads it wants it."""
    return arguments.json or not (arguments.table or sys.stdout.isatty())
