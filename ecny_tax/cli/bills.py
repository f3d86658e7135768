"""``ecny-tax bill``: declare taxes, look at bills, cancel them, show them as QR codes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Authority, Correction, Out, Run, command
from ecny_tax.cli.tax_options import (
    Base,
    HalfRelief,
    Item,
    On,
    Pieces,
    Place,
    Side,
    TaxpayerKind,
    check_needs,
    checked_side,
)
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.taxes.model import Bill

_Bill = Annotated[str, typer.Argument(metavar="BILL", help="The bill number.")]
_Wallet = Annotated[str, typer.Option("--wallet", help="A wallet of the taxpayer.")]

_STATEMENT = "JSON: tax_year, name, id_number, wages, labour, author, royalty, bonus, bonus_mode, withheld."

app = typer.Typer(help="Bills (应征凭证).", no_args_is_help=True)
declare = typer.Typer(help="Declare a tax (申报).", no_args_is_help=True)
app.add_typer(declare, name="declare")


def register(root: typer.Typer) -> None:
    """Add ``bill`` and its sub-commands."""
    root.add_typer(app, name="bill")


@command(declare, "stamp-duty")
def stamp_duty(
    run: Run,
    wallet: _Wallet,
    item: Item,
    base: Base = None,
    on: On = None,
    half_relief: HalfRelief = False,
    side: Side = None,
    pieces: Pieces = None,
    taxpayer_kind: TaxpayerKind = None,
    authority: Authority = None,
) -> None:
    """Declare a document for stamp duty (印花税).

    Examples:
        bill declare stamp-duty --wallet {company} --item sale_contract --base 1000000  # amount 300.00
    Exit codes: 3 4 5.
    See also: tax quote stamp-duty, pay.
    """
    from ecny_tax.clock import parse_date
    from ecny_tax.money import positive_yuan

    check_needs("--taxpayer-kind", taxpayer_kind, "--half-relief", half_relief or None)
    with run.sandbox() as s:
        bill = s.taxes.declare_stamp_duty(
            wallet_id=wallet,
            item=item,
            base=positive_yuan(base) if base is not None else None,
            on=parse_date(on) if on is not None else None,
            half_relief=half_relief,
            side=checked_side(side),
            authority=authority,
            pieces=pieces,
            taxpayer_kind=taxpayer_kind,
        )
    run.answer(bill)


@command(declare, "income-tax")
def income_tax(
    run: Run,
    wallet: _Wallet,
    file: Annotated[Path, typer.Option("--input", metavar="FILE", help="The annual return, JSON.")],
    correction: Correction = False,
    authority: Authority = None,
) -> None:
    """Declare a year's comprehensive income (汇算清缴), to pay what is due.

    Examples:
        bill declare income-tax --wallet {person} --input due.json  # amount 1080.00
    Exit codes: 3 4 5.
    See also: tax quote income-tax, pay, refund.
    """
    from ecny_tax.taxes.returns import read_annual_return

    annual_return = read_annual_return(file)
    with run.sandbox() as s:
        bill = s.taxes.declare_income_tax(
            wallet_id=wallet, annual_return=annual_return, correction=correction, authority=authority
        )
    _answer(run, bill)


@command(declare, "withholding")
def withholding(
    run: Run,
    wallet: Annotated[str, typer.Option("--wallet", help="A wallet of the withholding agent.")],
    file: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="FILE",
            help=_STATEMENT,
        ),
    ],
    authority: Authority = None,
) -> None:
    """Declare what was withheld of a person in a year (扣缴申报); it counts once its bill is paid.

    Examples:
        bill declare withholding --wallet {company} --input withheld.json  # amount 0.10
    Exit codes: 3 4 5.
    See also: bill withholdings, bill cancel.
    """
    from ecny_tax.taxes.withholding_records import read_statement

    statement = read_statement(file)
    with run.sandbox() as s:
        found = s.taxes.declare_withholding(wallet_id=wallet, statement=statement, authority=authority)
    run.answer(found)


@command(declare, "surcharge")
def surcharge(
    run: Run,
    wallet: _Wallet,
    code: Annotated[str, typer.Option("--code", help="10109, 30203 or 30216.")],
    paid: Annotated[
        str, typer.Option("--paid", metavar="YUAN", help="VAT and consumption tax that were paid.")
    ],
    place: Place = "city",
    half_relief: HalfRelief = False,
    authority: Authority = None,
) -> None:
    """Declare a surcharge on VAT and consumption tax (附加税费), an example of unverified rates.

    Examples:
        bill declare surcharge --wallet {company} --code 10109 --paid 100 --place town  # amount 5.00
    Exit codes: 3 4 5.
    See also: tax quote surcharge.
    """
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        bill = s.taxes.declare_surcharge(
            wallet_id=wallet,
            code=code,
            paid=positive_yuan(paid),
            place=place,
            half_relief=half_relief,
            authority=authority,
        )
    _answer(run, bill)


@command(declare, "other")
def other(
    run: Run,
    wallet: _Wallet,
    code: Annotated[str, typer.Option("--code", help="Collection code (征收项目), such as 10109.")],
    amount: Annotated[str, typer.Option("--amount", metavar="YUAN")],
    authority: Authority = None,
) -> None:
    """Declare any other tax by its collection code.

    Examples:
        bill declare other --wallet {company} --code 10110 --amount 12.34  # amount 12.34
    Exit codes: 3 4 5.
    See also: bill show, pay.
    """
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        bill = s.taxes.declare_other(
            wallet_id=wallet, code=code, amount=positive_yuan(amount), authority=authority
        )
    run.answer(bill)


@command(app, "show")
def show(run: Run, bill: _Bill) -> None:
    """Show a bill.

    Examples:
        bill show {open}  # status open
    Exit codes: 4.
    See also: bill list, pay.
    """
    with run.sandbox() as s:
        found, steps = s.taxes.bill(bill_no=bill), s.taxes.steps(record=bill)
    run.answer(_document(run, found), steps=steps)


@command(app, "withholdings")
def withholdings(run: Run) -> None:
    """List what withholding agents declared, and of whom: both by the ids of parties, not by name.

    Examples:
        bill withholdings
    See also: bill declare withholding.
    """
    with run.sandbox() as s:
        found = s.taxes.withholdings()
    run.answer_list(
        "withholdings",
        found,
        ("withholding_no", "agent", "person", "tax_year", "wages", "amount", "paid", "bill_no", "status"),
    )


@command(app, "list")
def list_(run: Run) -> None:
    """List every bill.

    Examples:
        bill list
    See also: bill show.
    """
    with run.sandbox() as s:
        found = s.taxes.bills()
    run.answer_list(
        "bills",
        [_document(run, bill) for bill in found],
        ("bill_no", "tax", "item", "total", "due_date", "status"),
    )


@command(app, "cancel")
def cancel(run: Run, bill: _Bill) -> None:
    """Cancel an open bill (作废), or take back a withholding statement (W…).

    Examples:
        bill cancel {open}  # status cancelled
    Exit codes: 3 4 5.
    See also: bill list.
    """
    with run.sandbox() as s:
        if bill.startswith("W"):
            run.answer(s.taxes.cancel_withholding(withholding_no=bill))
            return
        found = s.taxes.cancel(bill_no=bill)
    _answer(run, found)


@command(app, "qr")
def qr(run: Run, bill: _Bill, out: Out = None) -> None:
    """Show the bill as a QR code for scan to pay; --out writes a .png or .svg.

    Examples:
        bill qr {open}
        bill qr {open} --out bill.svg
    Exit codes: 4.
    See also: pay.
    """
    import segno

    from ecny_tax.money import yuan_text
    from ecny_tax.taxes.model import QR_PREFIX

    with run.sandbox() as s:
        found = s.taxes.bill(bill_no=bill)
    text = f"{QR_PREFIX}{found.bill_no}"
    code = segno.make(text, error="m", micro=False)
    answer = {
        "bill_no": found.bill_no,
        "amount": yuan_text(found.total),
        "status": found.status.value,
        "text": text,
    }
    if out is not None:
        picture = io.BytesIO()
        code.save(picture, kind=picture_kind(out), scale=8)
        run.write(out, picture.getvalue())
        run.answer(answer | {"file": str(out)})
        return
    drawing = io.StringIO()
    code.terminal(drawing, compact=True)
    run.answer_text(f"{drawing.getvalue()}{text}", answer)


def picture_kind(path: Path) -> str:
    """``png`` or ``svg`` by the ending; raises ``InvalidInputError`` (``picture_kind_unknown``)."""
    from ecny_tax.errors import InvalidInputError

    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise InvalidInputError("picture_kind_unknown", value=path.name)
    return kind


def _answer(run: Run, bill: Bill) -> None:
    run.answer(_document(run, bill))


def _document(run: Run, bill: Bill) -> dict[str, object]:
    return document(bill) | run.assumption(bill.basis)
