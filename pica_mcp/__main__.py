"""`python -m pica_mcp`."""

from pica_mcp.cli.main import main

main()
