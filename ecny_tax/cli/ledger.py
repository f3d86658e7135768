"""``ecny-tax ledger``: look at the books and verify them."""

from __future__ import annotations

import typer

from ecny_tax.cli.command import Run, command

app = typer.Typer(help="The ledger (账本).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``ledger`` and its sub-commands."""
    root.add_typer(app, name="ledger")


@command(app, "verify")
def verify(run: Run) -> int:
    """Derive every balance anew from the journal and check every promise."""
    from ecny_tax.errors import VerificationError

    with run.sandbox() as s:
        found = s.ledger.verify()
    run.answer(found)
    broken = next((check for check in found.checks if not check.ok), None)
    if broken is None:
        return run.verdict(None)
    detail = broken.detail or broken.what
    return run.verdict(VerificationError("ledger_broken", promise=broken.promise, detail=detail))


@command(app, "accounts")
def accounts(run: Run) -> None:
    """List every account with its counters."""
    with run.sandbox() as s:
        found = s.ledger.accounts()
    run.answer_list("accounts", found)
