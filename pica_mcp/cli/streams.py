"""What commands do to their streams before they write, and how they end."""

from __future__ import annotations

import logging
import re
import sys
from shutil import get_terminal_size

from pica_mcp import text
from pica_mcp.errors import CallError, InvalidSettings, PicaError, SecretRefused, Unreachable, UpstreamRefused

_COMMAND = re.compile(r"(?<![\w/@-])pica-mcp(?= [a-z])")


def log_to_stderr(level: str) -> None:
    """Write what is logged to stderr: ours from this level on, of others warnings only.

    At lower levels the HTTP library writes down URLs and headers, which hold other people's data.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="pica-mcp %(levelname)s %(name)s: %(message)s")
    logging.getLogger("pica_mcp").setLevel(level.upper())


def print_anything() -> None:
    """Print another character, rather than fail, where a terminal cannot show one."""
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="replace")


def complain(message: object) -> None:
    """Tell the person what is wrong, without the key that they may have put in the wrong place."""
    if sys.stderr:  # else print would take stdout
        words = f"pica-mcp: {text.masked(str(message))}"
        print(_wrapped(words) if sys.stderr.isatty() else words, file=sys.stderr)


def _wrapped(words: str) -> str:
    """Return the words in lines that the window holds, as all that is printed in rows."""
    from pica_mcp.cli.rows import Row, lines  # a server's start does not pay for it

    parted = ((line.lstrip(), line) for line in words.splitlines())
    rows = [Row(line[: len(line) - len(bare)], bare) for bare, line in parted]
    return "\n".join(lines(rows, get_terminal_size().columns))


def fail(error: PicaError) -> int:
    """Tell the person what is wrong, and return the exit code: 2 where other words or settings would help, else 1."""
    from pica_mcp.cli.answer import by_hand  # which complains, too
    from pica_mcp.cli.options import this_program

    why = " `pica-mcp doctor` tells why." if isinstance(error, Unreachable | SecretRefused | UpstreamRefused) else ""
    program = this_program()
    complain(_COMMAND.sub(lambda _: program, f"{by_hand(str(error))}{why}"))
    return 2 if isinstance(error, CallError | InvalidSettings) else 1
