"""``ecny-tax reconcile`` and ``failure``: what went wrong, on order, and finding and mending it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from ecny_tax.cli.command import Key, Run, check_options, command

if TYPE_CHECKING:
    from ecny_tax.reconciliation.model import Reconciliation

_DEFAULT = "day"


class _DayByDefault(TyperGroup):
    """``reconcile --date D`` is short for ``reconcile day --date D``."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0].startswith("--") and args[0] != "--help":
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_DayByDefault,
    help="Compare treasury, operator and ledger (对账); `reconcile --date D` for short.",
    no_args_is_help=True,
)
failures = typer.Typer(help="Failures that strike the next debits (故障).", no_args_is_help=True)

_Date = Annotated[str, typer.Option("--date", metavar="DATE", help="The entrust date, such as 2023-04-20.")]
_Treasury = Annotated[
    str | None, typer.Option("--treasury", metavar="CODE", help="Of one treasury, ten digits.")
]
_Operator = Annotated[
    str | None, typer.Option("--operator", metavar="CODE", help="Of one operator, such as ICBC.")
]


def register(root: typer.Typer) -> None:
    """Add ``reconcile`` and ``failure`` with their sub-commands."""
    root.add_typer(app, name="reconcile")
    root.add_typer(failures, name="failure")


@command(app, _DEFAULT)
def day(
    run: Run,
    date: _Date,
    treasury: _Treasury = None,
    operator: _Operator = None,
    mend: Annotated[bool, typer.Option("--mend", help="Do the proposed mends, then compare again.")] = False,
    treasury_file: Annotated[
        Path | None,
        typer.Option("--treasury-file", metavar="CSV", help="Compare this file instead of the own books."),
    ] = None,
    operator_file: Annotated[
        Path | None,
        typer.Option(
            "--operator-file",
            metavar="CSV",
            help="The same of an operator; one alone is compared with the ledger.",
        ),
    ] = None,
    key: Key = None,
) -> int:
    """Compare what treasury, operator and ledger have of a day; exit code 6 where they differ.

    Files have a line of names (entrust_date authority trace_no bill_no operator wallet_id amount status, in
    any order, or in Chinese) and a line a debit, in UTF-8 or GB 18030, at most 1 GiB, 512 characters a line.

    Examples:
        reconcile day --date 2023-04-20  # ok yes
        reconcile --date 2023-04-20 --treasury 1907840000 --operator ICBC
        reconcile --date 2023-04-20 --mend
    Exit codes: 3 4 5 6.
    See also: reconcile export, failure order.
    """
    from ecny_tax.clock import parse_date
    from ecny_tax.errors import VerificationError

    on = parse_date(date)
    if treasury_file is None and operator_file is None:
        check_options("key_without_mend", {}, {"--idempotency-key": None if mend else key})
        with run.sandbox() as s:
            asked = {"treasury": treasury, "operator": operator}
            if mend:
                found = s.reconciliation.mend(entrust_date=on, idempotency_key=key, **asked)
            else:
                found = s.reconciliation.reconcile(entrust_date=on, **asked)
    else:
        check_options("mend_of_files", {}, {"--mend": mend or None, "--idempotency-key": key})
        found = _files_compared(run, date, treasury_file, operator_file, treasury, operator)
    run.answer(found)
    if found.ok:
        return run.verdict(None)
    count = len(found.differences) + found.left_out
    if treasury_file is not None or operator_file is not None:
        return run.verdict(VerificationError("reconciliation_files_differ", day=date, count=count))
    return run.verdict(VerificationError("reconciliation_differs", day=date, count=count))


def _files_compared(
    run: Run,
    date: str,
    treasury_file: Path | None,
    operator_file: Path | None,
    treasury: str | None,
    operator: str | None,
) -> Reconciliation:
    from ecny_tax.cli.progress import progress_bar
    from ecny_tax.clock import parse_date

    given = [path for path in (treasury_file, operator_file) if path is not None]
    size = sum(os.path.getsize(path) for path in given if os.path.isfile(path))
    with progress_bar(size) as progress, run.sandbox() as s:
        return s.reconciliation.reconcile_files(
            entrust_date=parse_date(date),
            treasury_file=treasury_file,
            operator_file=operator_file,
            treasury=treasury,
            operator=operator,
            progress=progress,
        )


@command(app, "export")
def export(
    run: Run,
    date: _Date,
    side: Annotated[str, typer.Option("--side", metavar="treasury|operator|ledger", help="Whose records.")],
    out: Annotated[Path, typer.Option("--out", metavar="CSV", help="Write to this file.")],
    treasury: _Treasury = None,
    operator: _Operator = None,
) -> None:
    """Write what one side has of a day, for `reconcile --treasury-file` or `--operator-file`.

    Examples:
        reconcile export --date 2023-04-20 --side operator --out icbc.csv
        then reconcile day --date 2023-04-20 --operator-file icbc.csv
    Exit codes: 3 4.
    See also: reconcile day.
    """
    from ecny_tax.clock import parse_date

    with run.sandbox() as s:
        lines = s.reconciliation.export(
            entrust_date=parse_date(date), side=side, treasury=treasury, operator=operator
        )
        run.write(out, lines)
    run.answer({"entrust_date": date, "side": side, "file": str(out)})


@command(failures, "order")
def order(
    run: Run,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="answer_lost, answer_late, delivered_twice, operator_outage, operator_rollback,"
            " both_failed; wallet_closes (of refunds).",
        ),
    ],
    operator: _Operator = None,
    wallet: Annotated[str | None, typer.Option("--wallet", help="Debits of one wallet.")] = None,
    times: Annotated[int, typer.Option("--times", metavar="N", help="How many debits it strikes.")] = 1,
) -> None:
    """Let the next debits by `pay`, or refunds, go wrong, of an operator, a wallet, or any.

    Examples:
        failure order answer_lost
        failure order delivered_twice --operator ICBC --wallet {company} --times 3
    Exit codes: 3 4.
    See also: failure list, failure cancel, reconcile day.
    """
    with run.sandbox() as s:
        found = s.reconciliation.order_failure(kind=kind, operator=operator, wallet_id=wallet, count=times)
    run.answer(found)


@command(failures, "list")
def list_(run: Run) -> None:
    """List every failure that was ordered.

    Examples:
        failure list
    See also: failure order.
    """
    with run.sandbox() as s:
        found = s.reconciliation.failures()
    run.answer_list("failures", found)


@command(failures, "cancel")
def cancel(
    run: Run, failure: Annotated[str, typer.Argument(metavar="FAILURE", help="The number of the failure.")]
) -> None:
    """Take back a failure that still waits.

    Examples:
        failure order answer_late
        then failure cancel {failure}
    Exit codes: 3 4 5.
    See also: failure list.
    """
    with run.sandbox() as s:
        found = s.reconciliation.cancel_failure(failure_no=failure)
    run.answer(found)
