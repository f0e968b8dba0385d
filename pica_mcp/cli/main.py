"""`pica-mcp`: which command, with which settings."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from pica_mcp import __version__
from pica_mcp.errors import InvalidSettings

if TYPE_CHECKING:
    from pica_mcp.settings import Settings

    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 for done, 1 for failed, 2 for a setting or an argument that is wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--version" in words:
        words = ["--version"]
    elif not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "serve")  # clients start the bare program, with flags
    elif words[0] == "cache" and (len(words) == 1 or (words[1].startswith("-") and words[1] not in ("-h", "--help"))):
        words.insert(1, "show")
    if words[0] == "serve":
        gc.disable()  # until it serves: to look for garbage among all that is imported takes a seventh of a start
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.command == "explain" and arguments.only and not arguments.platform:
        parser.error("--allowed and --refused need a PLATFORM, as in: pica-mcp explain gmail --refused")
    try:
        code = _run(arguments)
    except InvalidSettings as error:
        print(f"pica-mcp: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read our output has seen enough; Python would complain once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)


def _run(arguments: argparse.Namespace) -> int:
    # Each command imports what it needs, so that a server's start does not pay for the others.
    match arguments.command:
        case "demo":
            from pica_mcp.cli.demo import demo

            return demo()
        case "sandbox":
            from pica_mcp.cli.sandbox import sandbox

            return sandbox(arguments.port)
        case "explain":
            settings = _settings(arguments)
            from pica_mcp.cli.explain import explain

            return explain(settings, arguments.platform, arguments.only, as_json=arguments.json)
        case "tokens":
            settings = _settings(arguments)
            from pica_mcp.cli.tokens import tokens

            return tokens(settings, as_json=arguments.json)
        case "cache":
            settings = _settings(arguments, keyless=arguments.deed != "refresh")
            return _run_cache(arguments, settings)
        case _:
            settings = _settings(arguments)
            from pica_mcp.cli.serve import serve

            return serve(settings)


def _run_cache(arguments: argparse.Namespace, settings: Settings) -> int:
    match arguments.deed:
        case "refresh":
            from pica_mcp.cli.refresh import refresh

            return refresh(settings, arguments.platform, everything=arguments.all, as_json=arguments.json)
        case "clear":
            from pica_mcp.cli.cache import clear

            return clear(settings, everything=arguments.all)
        case _:
            from pica_mcp.cli.cache import show

            return show(settings, as_json=arguments.json)


def _settings(arguments: argparse.Namespace, *, keyless: bool = False) -> Settings:
    from pica_mcp.settings import OPTIONS, load

    flags = {option.name: getattr(arguments, option.name) for option in OPTIONS}
    return load(flags, sandbox=arguments.sandbox, keyless=keyless)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pica-mcp",
        description="The actions of a Pica account as MCP tools.",
        epilog="Without a command it serves; `pica-mcp serve --help` lists the settings. Try it: pica-mcp demo",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pica-mcp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_serve(commands)
    _add_explain(commands)
    _add_tokens(commands)
    _add_cache(commands)
    commands.add_parser("demo", help="see it work on the embedded sandbox, without an account")
    sandbox = commands.add_parser("sandbox", help="serve the pretend Pica on a loopback port")
    sandbox.add_argument("--port", type=_port, default=8765, help="default 8765; 0 for any free one")
    return parser


def _port(written: str) -> int:
    if not written.isdecimal() or int(written) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(written)


def _add_serve(commands: _Commands) -> None:
    _add_command(
        commands,
        "serve",
        "serve MCP over stdio (the default)",
        "Serve MCP over stdio. The secret comes from PICA_SECRET, or from what PICA_SECRET_FILE, PICA_SECRET_COMMAND "
        "or PICA_SECRET_KEYRING names; every other setting has a variable too.",
    )


def _add_explain(commands: _Commands) -> None:
    explain = _add_command(
        commands,
        "explain",
        "what these settings allow on each connection, and why not the rest",
        "Tell what a server with these settings may do on each connection, why not the rest, and which settings do "
        "nothing. It asks Pica for the account and its catalogue, and changes nothing.",
    )
    explain.add_argument("platform", nargs="?", metavar="PLATFORM", help="list each action of this platform")
    only = explain.add_mutually_exclusive_group()
    only.add_argument("--allowed", dest="only", action="store_const", const="allowed", help="only those that may run")
    only.add_argument("--refused", dest="only", action="store_const", const="refused", help="only those that may not")
    explain.add_argument("--json", action="store_true", help="print JSON")


def _add_tokens(commands: _Commands) -> None:
    tokens = _add_command(
        commands,
        "tokens",
        "which tools a client is shown, what each costs, and what is left to search",
        "Tell which tools a server with these settings lists, what the definition of each costs a model, why it is "
        "listed, and what is left to search. It asks Pica for the account and its catalogue, and changes nothing.",
    )
    tokens.add_argument("--json", action="store_true", help="print JSON")


def _add_cache(commands: _Commands) -> None:
    about = "what is kept of the catalogue on disk: show, refresh or clear it"
    deeds = commands.add_parser("cache", help=about, description=f"Tell {about}.", allow_abbrev=False).add_subparsers(
        dest="deed", required=True
    )
    show = _add_command(
        deeds,
        "show",
        "what is kept, where, and how old it is (the default)",
        "Tell what is kept of this account's catalogue, where, and how old it is. It asks nobody and changes nothing.",
    )
    show.add_argument("--json", action="store_true", help="print JSON")
    refresh = _add_command(
        deeds,
        "refresh",
        "load it anew, so that a server's start needs no network",
        "Load the platforms that are connected anew, and the list of tools, so that a server's start needs no network.",
    )
    which = refresh.add_mutually_exclusive_group()
    which.add_argument("platform", nargs="*", default=[], metavar="PLATFORM", help="load these platforms instead")
    which.add_argument("--all", action="store_true", help="load every platform of Pica's, with all documents")
    refresh.add_argument("--json", action="store_true", help="print JSON")
    clear = _add_command(
        deeds, "clear", "remove it", "Remove what is kept of this account's catalogue. Servers that use it go on."
    )
    clear.add_argument("--all", action="store_true", help="remove what is kept of every account")


def _add_command(commands: _Commands, name: str, about: str, description: str) -> argparse.ArgumentParser:
    """Add a command that takes all settings."""
    from pica_mcp.settings import OPTIONS

    parser = commands.add_parser(name, help=about, description=description, allow_abbrev=False)
    parser.add_argument("--sandbox", action="store_true", help="use the embedded sandbox, without an account")
    for option in OPTIONS:
        default = f" (default {option.default})" if option.default else ""
        text = f"{option.help}{default} [{option.variable}]"
        parser.add_argument(option.flag, dest=option.name, metavar=option.metavar, help=text.replace("%", "%%"))
    return parser
