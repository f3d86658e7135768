"""``python -m bench``: measure the rows, print a table, write bench.json; exit 1 when a row misses."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import batches, callers, ledger, offline, payments, postgres, runner, startup, taxes, web  # noqa: F401 - importing them registers their rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", choices=runner.names(), help=", ".join(runner.names()))
    parser.add_argument("--quick", action="store_true", help="small sizes: to try it out, not to judge by")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="default: ./bench.json")
    options = parser.parse_args()
    rows = runner.measure(only=options.only, quick=options.quick)
    runner.write(rows, options.out)
    runner.show(rows, judged=not options.quick)
    return 0 if options.quick or all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
