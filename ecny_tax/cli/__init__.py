"""The ``ecny-tax`` command: arguments in, tables or JSON out; no rules of its own."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line of this process and exit with the documented code."""
    for name in ("stdout", "stderr"):  # a stream that the caller has closed
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    try:
        if "--version" in sys.argv and set(sys.argv[1:]) <= {
            "--version",
            "--json",
        }:  # answered before anything is imported: scripts ask it often
            from ecny_tax import __version__

            as_json = "--json" in sys.argv
            sys.stdout.write(f'{{"version": "{__version__}"}}\n' if as_json else f"ecny-tax {__version__}\n")
            sys.stdout.flush()
            return
        from ecny_tax.cli.app import run_command_line

        code = run_command_line(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = forget_output()
    except OSError as error:
        from ecny_tax.cli.refusals import report_unwritable_output

        code = report_unwritable_output(error)
    sys.exit(code)


def forget_output() -> int:
    """Whoever read the output has seen enough: nothing is left to say, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
