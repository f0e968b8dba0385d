"""What config/pica-mcp.toml is made of: a settings file with every setting in it, which as it is changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pica_mcp.settings import OPTIONS, SECRETS
from pica_mcp.settings.file import line_of
from pica_mcp.settings.options import key_of

_HEAD = """\
# The settings of pica-mcp. The server reads this file if it is named by --config or PICA_CONFIG, and never otherwise.
#
# Remove the # before a line to set it; lines without "example" say what holds anyway. Flags and variables of the
# environment go before what stands here. Relative paths are meant from the folder of this file. Lists may be written
# as one text with commas too, and tables as lists of texts like "Work=gmail/ada@work.example".
"""
_SECRETS_HEAD = """\
# The secret: one of these four, unless a variable of the environment says it. With the key itself in it, this file
# is for your eyes only (chmod 600)."""
_HEADINGS = {
    "base_url": "Where Pica is",
    "identity": "Whom it serves, and what they may do",
    "connection_names": "Which account is which",
    "audit": "The record of calls",
    "tools": "The list of tools",
    "max_result_tokens": "Answers and files",
    "cache": "What is kept, and how new it is",
    "log_level": "The log",
}
"""The first option of each group → the group's heading."""


def example() -> str:
    """Return the file's text: each setting below its sentence, with its default or an example, behind a #."""
    return "\n".join([_HEAD, _SECRETS_HEAD, *_secrets(), *_options()]) + "\n"


def _secrets() -> Iterator[str]:
    for variable, sentence in SECRETS.items():
        yield f"\n# {sentence}\n#{line_of(key_of(variable))}  # example"


def _options() -> Iterator[str]:
    for option in OPTIONS:
        if option.name in _HEADINGS:
            yield f"\n\n# {_HEADINGS[option.name]}"
        yield f"\n# {option.help}\n#{line_of(option.name)}{'' if option.default else '  # example'}"
