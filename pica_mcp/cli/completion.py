"""`pica-mcp completion`: what a shell needs to complete commands, flags and their values."""

from __future__ import annotations

import argparse

import argcomplete
from argcomplete.shell_integration import shellcode

from pica_mcp.cli.commands import COMMANDS, parser
from pica_mcp.cli.options import describe

_SHELLS = ("bash", "zsh", "fish", "powershell")


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Print what your shell has to run so that it completes pica-mcp's commands, flags and their values.",
        'eval "$(pica-mcp completion bash)"                    in ~/.bashrc, likewise zsh in ~/.zshrc',
        "pica-mcp completion fish | source                     in ~/.config/fish/config.fish",
        "pica-mcp completion powershell | Out-String | iex     in $PROFILE",
    )
    parser.add_argument("shell", choices=_SHELLS, help="which shell it is")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    print(shellcode(["pica-mcp"], shell=arguments.shell))
    return 0


def complete(line: str) -> None:
    """Answer a shell that asks what could come next in the line, and exit."""
    words = line.split()
    named = words[1] if len(words) > 1 and words[1] in COMMANDS else "serve"
    # Options only once a dash is typed: before it, they would hide what a command is about.
    argcomplete.autocomplete(parser(named), always_complete_options=False, print_suppressed=True)
