"""``ecny-tax tax settle-many``: the annual settlement of every line of a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ecny_tax.cli.command import Run, command


def register(tax: typer.Typer) -> None:
    """Add the command to ``tax``."""
    command(tax, "settle-many")(settle_many)


def settle_many(
    run: Run,
    table: Annotated[Path, typer.Argument(metavar="IN", help="CSV: a line of names, then a line a person.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The same lines with the settlements, CSV.")],
    tax_year: Annotated[
        int | None, typer.Option("--tax-year", metavar="YEAR", help="Of all, where IN has no such column.")
    ] = None,
) -> None:
    """Settle a year (汇算清缴) for every line of a table, a million in seconds; needs the extra [batch].

    Columns of IN are those of an annual return: tax_year, wages, labour, author, royalty, social, sad,
    medical_self_pay, personal_pension, other_deductions, donations, donations_in_full, bonus, bonus_mode
    (merge, separate or better), withheld, withheld_properly (true or false, also in capitals). Amounts are in
    yuan, what is missing or empty is zero, merge and true; other columns are passed through. Blank lines at
    the end are ignored. One bad line refuses all, and OUT is not written; OUT may not be IN.

    Examples:
        tax settle-many people.csv settled.csv  # people 2
    Exit codes: 3 5 6.
    See also: tax quote income-tax, season.
    """
    from ecny_tax.cli.files import check_differ
    from ecny_tax.cli.progress import progress_bar
    from ecny_tax.money import yuan_text
    from ecny_tax.taxes.return_table import SettledTable

    check_differ(table, out)
    with progress_bar(os.path.getsize(table) if os.path.isfile(table) else 0) as advance:
        settled = SettledTable(table, tax_year=tax_year, book=run.rulebook(), advance=advance)
        run.write(out, settled)
    answer = {
        "people": settled.people,
        "tax_total": yuan_text(settled.tax_total),
        "refund": yuan_text(settled.refund),
        "due": yuan_text(settled.due),
        "passed_through": list(settled.passed_through),
        "file": str(out),
    }
    run.answer(answer, **run.assumption("stated"))
