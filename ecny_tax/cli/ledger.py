"""``ecny-tax ledger``: look at the books, verify them, take them away and bring them back."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

if TYPE_CHECKING:
    from ecny_tax.store.export import Export

app = typer.Typer(help="The ledger (账本).", no_args_is_help=True)

_NOTE = {
    "en": "only the ledger was imported, without the wallets, bills and payments behind its transfers",
    "zh": "只导入了账本（账户与转账），不含其背后的钱包、应征凭证与缴款等记录",
}


def register(root: typer.Typer) -> None:
    """Add ``ledger`` and its sub-commands."""
    root.add_typer(app, name="ledger")


@command(app, "verify")
def verify(
    run: Run,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Verify what authorised each payment, too.")
    ] = False,
) -> int:
    """Derive every balance anew from the journal and check every promise."""
    from dataclasses import replace

    from ecny_tax.cli.output import document
    from ecny_tax.errors import VerificationError

    with run.sandbox() as s:
        found = s.ledger.verify()
        if signatures:
            checks = (s.payments.check_authorisations(), s.offline.check_vouchers())
            ok = found.ok and all(check.ok for check in checks)
            found = replace(found, ok=ok, checks=found.checks + checks)
    shown = document(found)
    if not run.as_json and not found.imported:
        del shown["imported"]
    run.answer(shown)
    broken = next((check for check in found.checks if not check.ok), None)
    if broken is None:
        return run.verdict(None)
    detail = broken.detail or broken.what
    return run.verdict(VerificationError("ledger_broken", promise=broken.promise, detail=detail))


@command(app, "accounts")
def accounts(
    run: Run,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="ISO8601", help="The accounts open at this time, as they stood then."),
    ] = None,
) -> None:
    """List every account with its counters."""
    from ecny_tax.clock import parse_end

    moment = None if at is None else parse_end(at)
    with run.sandbox() as s:
        found = s.ledger.accounts(at=moment)
    run.answer_list("accounts", found)


@command(app, "export")
def export(
    run: Run,
    format_: Annotated[str, typer.Option("--format", metavar="beancount|csv|jsonl", help="The format.")],
    out: Out = None,
) -> None:
    """Write the whole ledger to stdout or to a file, for other programs or for `ledger import`.

    With --json, the lines are an array of the document, unless --out takes them.
    """
    with run.sandbox() as s:
        found = s.ledger.export(format=format_)
        about = {"format": found.format, "accounts": found.accounts, "transfers": found.transfers}
        if out is not None:
            run.write(out, found)
            run.answer({**about, "file": str(out)})
        elif run.as_json:
            _print_document(about, found)
        else:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(newline="")  # the lines bring their own ends
            sys.stdout.writelines(map(_harmless, found) if sys.stdout.isatty() else found)


@command(app, "import")
def import_(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `ledger export --format jsonl` wrote.")],
) -> None:
    """Make a new database of an exported ledger: accounts and transfers, no other records.

    The database (--db) must not exist yet. A line has at most 4,096 bytes, a ledger at most 10,000,000
    accounts and 1,000,000,000 transfers.
    """
    from ecny_tax.clock import FixedClock, parse_time
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.store.importing import read_lines

    clock = FixedClock(parse_time(run.now)) if run.now is not None else None
    keyring = os.environ.get("ECNY_TAX_KEYRING") or None
    with Sandbox.import_ledger(read_lines(file), run.database, clock=clock, keyring=keyring) as s:
        found = s.ledger.export(format="jsonl")
    about = {"accounts": found.accounts, "transfers": found.transfers}
    run.answer({**about, "file": run.database, "note": _NOTE[run.language]})


def _harmless(line: str) -> str:
    """A line for a terminal: control characters of references are shown, never obeyed."""
    return "".join(char if char.isprintable() or char in "\r\n" else repr(char)[1:-1] for char in line)


def _print_document(about: dict[str, object], lines: Export) -> None:
    """One JSON document that is never whole in memory: what is exported, and its lines."""
    sys.stdout.write(json.dumps(about, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "lines": [')
    for place, line in enumerate(lines):
        text = json.dumps(line.removesuffix("\n").removesuffix("\r"), ensure_ascii=False)
        sys.stdout.write(f"{',' if place else ''}\n    {text}")
    sys.stdout.write("\n  ]\n}\n")
