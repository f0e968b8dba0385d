"""What commands do to their streams before they write."""

from __future__ import annotations

import logging
import sys


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
