"""`pica-mcp`: which command, and how it ends."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence

from pica_mcp.cli.commands import command, parser, spelt_out
from pica_mcp.cli.streams import complain, fail
from pica_mcp.errors import PicaError, trace
from pica_mcp.settings import environment

_OUTPUT_FAILS = (errno.ENOSPC, errno.EIO, errno.EBADF)
"""What rooms read and write is theirs to tell; this is of our own output."""

_UNEXPECTED = (
    "Something went wrong that should not have ({}). Run it again with --debug to see where, and please report it."
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 for done, 1 for failed, 2 for a setting or an argument that is wrong."""
    asked = environment()
    if "_ARGCOMPLETE" in asked and "COMP_LINE" in asked and "COMP_POINT" in asked:
        from pica_mcp.cli.completion import complete

        complete(asked["COMP_LINE"])
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - closed by whoever started it
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
    words = spelt_out(sys.argv[1:] if argv is None else argv)
    if words[0] == "serve":
        gc.disable()  # until it serves: to look for garbage among all that is imported takes a seventh of a start
    try:
        code = _run(words)
        sys.stdout.flush()
    except PicaError as error:
        code = fail(error)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read our output has seen enough; Python would complain once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except Exception as error:  # noqa: BLE001 - the boundary: a traceback tells a person nothing
        if isinstance(error, OSError) and error.errno in _OUTPUT_FAILS:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            complain(f"The output cannot be written: {error.strerror}.")
            sys.exit(1)
        complain(trace(error) if "--debug" in words else _UNEXPECTED.format(type(error).__name__))
        code = 1
    sys.exit(code)


def _run(words: Sequence[str]) -> int:
    arguments = parser(words[0]).parse_args(words)
    return command(arguments.command).run(arguments)
