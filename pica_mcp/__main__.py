"""`pica-mcp`, and `python -m pica_mcp`: the program, which may be interrupted before it is all there."""

from __future__ import annotations

import sys


def main() -> None:
    """Run it, and exit."""
    try:
        from pica_mcp.cli.main import main as run  # noqa: PLC0415 - to import takes a while, too

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
