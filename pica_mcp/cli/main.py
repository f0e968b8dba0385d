"""`pica-mcp`: which command, with which settings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pica_mcp import __version__
from pica_mcp.errors import InvalidSettings
from pica_mcp.settings import OPTIONS, Settings, load


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 for done, 1 for failed, 2 for a setting or an argument that is wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--version" in words:
        words = ["--version"]
    elif not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "serve")  # clients start the bare program, with flags
    arguments = _parser().parse_args(words)
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
        case _:
            settings = _settings(arguments)
            from pica_mcp.cli.serve import serve

            return serve(settings)


def _settings(arguments: argparse.Namespace) -> Settings:
    flags = {option.name: getattr(arguments, option.name) for option in OPTIONS}
    return load(flags, sandbox=arguments.sandbox)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pica-mcp",
        description="The actions of a Pica account as MCP tools.",
        epilog="Without a command it serves; `pica-mcp serve --help` lists the settings. Try it: pica-mcp demo",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pica-mcp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _serve_parser(commands)
    commands.add_parser("demo", help="see it work on the embedded sandbox, without an account")
    sandbox = commands.add_parser("sandbox", help="serve the pretend Pica on a loopback port")
    sandbox.add_argument("--port", type=_port, default=8765, help="default 8765; 0 for any free one")
    return parser


def _port(written: str) -> int:
    if not written.isdecimal() or int(written) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(written)


def _serve_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    serve = commands.add_parser(
        "serve",
        help="serve MCP over stdio (the default)",
        description="Serve MCP over stdio. The secret comes from PICA_SECRET; every other setting has a variable too.",
        allow_abbrev=False,
    )
    serve.add_argument("--sandbox", action="store_true", help="serve the embedded sandbox, without an account")
    for option in OPTIONS:
        default = f" (default {option.default})" if option.default else ""
        text = f"{option.help}{default} [{option.variable}]"
        serve.add_argument(option.flag, dest=option.name, metavar=option.metavar, help=text.replace("%", "%%"))
