"""``ecny-tax receipt``: the vouchers of payments (电子缴款凭证) and of refunds (税收收入退还书)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

if TYPE_CHECKING:
    from ecny_tax.payments.model import Receipt
    from ecny_tax.payments.paper import Paper
    from ecny_tax.refunds.vouchers import RefundVoucher

_KINDS = (".txt", ".json", ".html", ".pdf")
_REFUND = "R"

app = typer.Typer(help="Receipts (电子缴款凭证、收入退还书).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``receipt`` and its sub-commands."""
    root.add_typer(app, name="receipt")


@app.callback()
def group() -> None:
    """A group even with a single sub-command."""


@command(app, "show")
def show(
    run: Run,
    receipt: Annotated[
        str,
        typer.Argument(metavar="RECEIPT", help="The e-tax voucher number, or a completed refund's number."),
    ],
    out: Out = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="With the steps by which the tax was computed.")
    ] = False,
) -> None:
    """Show a receipt; --out prints it to a .txt, .json or .html file (prints of payments are counted)."""
    from ecny_tax.errors import InvalidInputError

    if out is not None and out.suffix.lower() not in _KINDS:
        raise InvalidInputError("receipt_kind_unknown", value=out.name)
    if receipt.startswith(_REFUND):
        _show_refund(run, receipt, out, explain)
    else:
        _show_payment(run, receipt, out, explain)


def _show_payment(run: Run, receipt_no: str, out: Path | None, explain: bool) -> None:
    from ecny_tax.payments.receipts import paper as plain

    def paper(receipt: Receipt) -> Paper:
        return _explained(plain(receipt), receipt) if explain else plain(receipt)

    def deliver(receipt: Receipt) -> None:
        _print(run, out, receipt, paper(receipt))

    with run.sandbox() as s:
        if out is None:
            found = s.payments.receipt(receipt_no=receipt_no)
        else:
            found = s.payments.print_receipt(receipt_no=receipt_no, deliver=deliver)
    _answer(run, found, paper(found))


def _show_refund(run: Run, refund_no: str, out: Path | None, explain: bool) -> None:
    from ecny_tax.refunds.vouchers import paper

    with run.sandbox() as s:
        found = s.refunds.voucher(refund_no=refund_no)
    shown = _explained(paper(found), found) if explain else paper(found)
    _print(run, out, found, shown)
    _answer(run, found, shown)


def _explained(paper: Paper, record: Receipt | RefundVoucher) -> Paper:
    from ecny_tax.payments.paper import explained

    return explained(paper, record.steps)


def _print(run: Run, out: Path | None, record: Receipt | RefundVoucher, paper: Paper) -> None:
    """Write the file that was asked for, in the form that its ending names."""
    from ecny_tax.cli.output import document
    from ecny_tax.payments.printing import as_html, as_text

    if out is None:
        return
    kind = out.suffix.lower()
    if kind == ".json":
        text = json.dumps(document(record), ensure_ascii=False, indent=2)
    else:
        text = as_html(paper, run.language) if kind == ".html" else as_text(paper, run.language)
    run.write(out, text + "\n")


def _answer(run: Run, record: Receipt | RefundVoucher, paper: Paper) -> None:
    from ecny_tax.cli.output import document
    from ecny_tax.payments.printing import as_text

    run.answer_text(as_text(paper, run.language), document(record))
