"""``ecny-tax receipt``: the vouchers of payments (电子缴款凭证) and of refunds (税收收入退还书)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, command
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.payments.model import Receipt
    from ecny_tax.payments.paper import Paper
    from ecny_tax.refunds.vouchers import RefundVoucher

_KINDS = (".txt", ".json", ".html", ".pdf", ".cose")
_REFUND = "R"

app = typer.Typer(help="Receipts (电子缴款凭证、收入退还书).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``receipt`` and its sub-commands."""
    root.add_typer(app, name="receipt")


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
    """Show a receipt; --out prints it, signed by the treasury (prints of payments are counted).

    The file ends in .txt (which bears no signature), .json, .html, .pdf or .cose (the signed receipt alone).

    Examples:
        receipt show {receipt}
        receipt show {receipt} --out receipt.txt
        receipt show {receipt} --out receipt.cose --explain
    Exit codes: 3 4 6.
    See also: receipt verify, payments show.
    """
    from ecny_tax.errors import InvalidInputError

    if out is not None and out.suffix.lower() not in _KINDS:
        raise InvalidInputError("receipt_kind_unknown", value=out.name)
    if out is not None and out.suffix.lower() == ".pdf":
        from ecny_tax.payments.pdf import require_reportlab

        require_reportlab()
    if receipt.startswith(_REFUND):
        _show_refund(run, receipt, out, explain)
    else:
        _show_payment(run, receipt, out, explain)


def _show_payment(run: Run, receipt_no: str, out: Path | None, explain: bool) -> None:
    from ecny_tax.payments.receipts import paper as plain

    def paper(receipt: Receipt) -> Paper:
        return _explained(plain(receipt), receipt) if explain else plain(receipt)

    def deliver(receipt: Receipt, signed: bytes) -> None:
        if out is not None:
            _print(run, out, receipt, paper(receipt), signed)

    with run.sandbox() as s:
        if out is None:
            found = s.payments.receipt(receipt_no=receipt_no)
        else:
            with_steps = explain or _shows_steps(out)
            found = s.payments.print_receipt(receipt_no=receipt_no, explain=with_steps, deliver=deliver)
    _answer(run, found, paper(found))


def _show_refund(run: Run, refund_no: str, out: Path | None, explain: bool) -> None:
    from ecny_tax.refunds.vouchers import paper

    with run.sandbox() as s:
        found = s.refunds.voucher(refund_no=refund_no)
        if out is not None:
            with_steps = explain or _shows_steps(out)
            signed = s.refunds.signed_refund_voucher(refund_no=refund_no, explain=with_steps)
    shown = _explained(paper(found), found) if explain else paper(found)
    if out is not None:
        _print(run, out, found, shown, signed)
    _answer(run, found, shown)


def _shows_steps(out: Path) -> bool:
    """JSON tells the steps in any case, and what it tells is signed."""
    return out.suffix.lower() == ".json"


def _explained(paper: Paper, record: Receipt | RefundVoucher) -> Paper:
    from ecny_tax.payments.paper import explained

    return explained(paper, record.steps)


def _print(run: Run, out: Path, record: Receipt | RefundVoucher, paper: Paper, signed: bytes) -> None:
    """Write the file in the form that its ending names."""
    from dataclasses import replace

    from ecny_tax.documents import document
    from ecny_tax.payments.printing import as_html, as_text
    from ecny_tax.text_form import to_text

    kind = out.suffix.lower()
    if kind == ".cose":
        run.write(out, signed)
    elif kind == ".txt":
        run.write(out, as_text(paper, run.language) + "\n")
    elif kind == ".json":
        shown = document(record) | {"cose": base64.b64encode(signed).decode()}
        run.write(out, json.dumps(shown, ensure_ascii=False, indent=2) + "\n")
    else:
        paper = replace(paper, signed=to_text(signed))
        if kind == ".html":
            run.write(out, as_html(paper, run.language) + "\n")
        else:
            from ecny_tax.payments.pdf import as_pdf

            run.write(out, as_pdf(paper, run.language))


def _answer(run: Run, record: Receipt | RefundVoucher, paper: Paper) -> None:
    from ecny_tax.documents import document
    from ecny_tax.payments.printing import as_text

    run.answer_text(as_text(paper, run.language), document(record))


# --- verifying ------------------------------------------------------------------------------------------


@command(app, "verify")
def verify(
    run: Run,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A .cose, .json or .html file, or the text of a QR code."),
    ],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Published keys (`parties keys`); default: this database's."),
    ] = None,
) -> int:
    """Verify a signed receipt: the treasury's signature, its proof from the ledger, and what is printed.

    With --keys no database is needed. A valid receipt does not say that the payment was not reversed or
    refunded after it was issued.

    Examples:
        receipt verify receipt.cose  # valid yes
        receipt verify receipt.cose --keys keys.json  # valid yes
    Exit codes: 3 4 6.
    See also: receipt show, parties keys.
    """
    from ecny_tax.cli import files, output
    from ecny_tax.errors import in_language
    from ecny_tax.refunds.verification import SILENT, signed_paper, verify_file

    data = files.read_bytes(file)
    published = files.read_keys(keys) if keys is not None else run.published_keys()
    check = verify_file(data, published)
    found = document(check)
    if check.receipt is None:
        run.answer(found, receipt=None)
        return run.verdict(check.problem)
    found["note"] = in_language(SILENT, run.language)
    if run.as_json:
        output.print_json(found | {"receipt": document(check.receipt)})
        return run.verdict(None)
    from ecny_tax.payments.printing import as_text

    run.answer(found)
    output.print_text("\n" + as_text(signed_paper(check.receipt, b""), run.language))
    return run.verdict(None)
