"""Where Claude Desktop starts the bundle: a field that may be left blank in its form is then no setting.

It passes a blank one on as an empty variable, or as the manifest's own words. The server refuses the first, since
what is empty may have been meant to close something, and would take the second for an identity.
"""
# ruff: noqa: INP001 - a program by itself

import os

from pica_mcp.cli.main import main

for field in ("identity", "identity_type"):
    name = f"PICA_{field.upper()}"
    if os.environ.get(name, "").strip() in ("", f"${{user_config.{field}}}"):
        os.environ.pop(name, None)

main()
