"""The ``ecny-tax`` command: arguments in, tables or JSON out; no rules of its own."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process and exit with the documented code."""
    if sys.argv[1:2] == ["--version"]:  # answered before anything is imported: scripts ask it often
        from ecny_tax import __version__

        print(f'{{"version": "{__version__}"}}' if "--json" in sys.argv else f"ecny-tax {__version__}")
        return
    from ecny_tax.cli.app import run_command_line

    sys.exit(run_command_line(sys.argv[1:]))
