"""``ecny-tax status``."""

from __future__ import annotations

import typer

from ecny_tax.cli.command import Run, command


def register(root: typer.Typer) -> None:
    """Add ``status``."""
    command(root, "status")(status)


def status(run: Run) -> None:
    """Show the time in force, how much e-CNY there is, and how many records.

    Examples:
        status
        status --now 2026-01-01
    See also: ledger verify, clock show.
    """
    with run.sandbox() as s:
        found = s.status()
    run.answer(found)
