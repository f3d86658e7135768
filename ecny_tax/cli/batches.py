"""``ecny-tax batch``: the files by which a tax authority debits and refunds many at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from ecny_tax.cli.command import Authority, Out, Run, command

_Batch = Annotated[str, typer.Argument(metavar="BATCH", help="The batch number.")]

app = typer.Typer(help="Batches of debits and refunds (批量扣税、批量退税).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``batch`` and its sub-commands."""
    root.add_typer(app, name="batch")


@command(app, "write")
def write(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
    authority: Authority = None,
    due_by: Annotated[
        str | None, typer.Option("--due-by", metavar="DATE", help="Only bills that are due by this day.")
    ] = None,
    tax: Annotated[
        str | None, typer.Option("--tax", metavar="TAX", help="Only stamp-duty, income-tax or other.")
    ] = None,
) -> None:
    """Write the open bills that agreements with batch debit cover, signed; `pay --batch` debits them.

    Examples:
        agreement terminate {agreement}
        then agreement sign --wallet {company} --authority {authority} --batch-debit
        then batch write --out april.batch --due-by 2024-01-01 --tax other
    Exit codes: 3 4 5.
    See also: pay, batch show, agreement sign.
    """
    from ecny_tax.clock import parse_date

    day = None if due_by is None else parse_date(due_by)
    with run.sandbox() as s:
        batch = s.payments.write_batch(
            deliver=lambda text: run.write(out, text), authority=authority, due_by=day, tax=tax
        )
    run.answer(batch, file=str(out))


def pay_batch(
    run: Run, service: Literal["payments", "refunds"], file: Path, out: Path, key: str | None
) -> None:
    """Carry out a batch of debits or refunds, write its results, and answer how far it is."""
    from ecny_tax.cli.files import check_output
    from ecny_tax.cli.progress import progress_bar

    check_output(out, run.database, file)
    with run.sandbox() as s:
        pays = s.payments if service == "payments" else s.refunds
        with progress_bar(os.path.getsize(file) if os.path.isfile(file) else 0) as progress:
            done = pays.pay_batch(file=file, progress=progress, idempotency_key=key)
        run.write(out, s.payments.batch_results(batch_no=done.batch_no))
    run.answer(done, file=str(out))


@command(app, "list")
def list_(run: Run) -> None:
    """List every batch that was taken in.

    Examples:
        batch list
    See also: batch show.
    """
    with run.sandbox() as s:
        found = s.payments.batches()
    columns = ("batch_no", "kind", "authority", "status", "lines", "lines_paid", "lines_refused", "amount")
    run.answer_list("batches", found, columns)


@command(app, "show")
def show(run: Run, batch: _Batch, out: Out = None) -> None:
    """Show how far a batch is carried out; --out writes the result of each line so far.

    Examples:
        refunds batch --out april.batch
        then refund --batch april.batch --out results.csv
        then batch show {batch} --out again.csv  # status done
    Exit codes: 4.
    See also: batch list.
    """
    with run.sandbox() as s:
        found = s.payments.batch(batch_no=batch)
        if out is not None:
            run.write(out, s.payments.batch_results(batch_no=batch))
    run.answer(found, **({} if out is None else {"file": str(out)}))
