"""``ecny-tax pay`` and ``ecny-tax payments``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecny_tax.cli.batches import pay_batch
from ecny_tax.cli.command import Authority, Key, Run, check_options, command
from ecny_tax.cli.tax_options import (
    Base,
    HalfRelief,
    On,
    Pieces,
    Side,
    TaxpayerKind,
    check_needs,
    checked_side,
)

_Payment = Annotated[str, typer.Argument(metavar="PAYMENT", help="The payment number.")]

app = typer.Typer(help="Payments (缴款).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``pay`` and ``payments``."""
    command(root, "pay")(pay)
    root.add_typer(app, name="payments")


def pay(
    run: Run,
    bill: Annotated[str | None, typer.Option("--bill", help="The bill to pay.")] = None,
    wallet: Annotated[str | None, typer.Option("--wallet", help="The wallet that pays.")] = None,
    agreement: Annotated[
        str | None, typer.Option("--agreement", help="The agreement to debit under.")
    ] = None,
    tax: Annotated[str | None, typer.Option("--tax", metavar="stamp-duty", help="Declare and pay.")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="CODE", help="See `tax items`.")] = None,
    base: Base = None,
    on: On = None,
    half_relief: HalfRelief = False,
    side: Side = None,
    pieces: Pieces = None,
    taxpayer_kind: TaxpayerKind = None,
    authority: Authority = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", metavar="FILE", help="A batch of debits to carry out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RESULTS", help="The result of each of its lines, CSV.")
    ] = None,
    key: Key = None,
) -> None:
    """Pay a bill (--bill), or declare stamp duty and pay it (--wallet --tax --item, --base or --pieces), or
    carry out a batch (--batch --out).

    A verified agreement with the bill's authority makes it a debit; without one the wallet scans to pay.
    A batch that was interrupted goes on where it stopped, and one that is done moves nothing again.

    Examples:
        pay --bill {open}
        pay --bill {open} --wallet {person}
        pay --bill {open} --agreement {agreement}
        pay --wallet {company} --tax stamp-duty --item sale_contract --base 1000000  # amount 300.00
        agreement terminate {agreement}
        then agreement sign --wallet {company} --authority {authority} --batch-debit
        then batch write --out april.batch
        then pay --batch april.batch --out results.csv
    Exit codes: 3 4 5 6.
    See also: bill list, payments show, receipt show, batch write.
    """
    from ecny_tax.clock import parse_date
    from ecny_tax.errors import InvalidInputError
    from ecny_tax.money import positive_yuan

    declared: dict[str, object] = {
        "--item": item,
        "--base": base,
        "--on": on,
        "--side": side,
        "--authority": authority,
    }
    declared |= {"--half-relief": "yes" if half_relief else None, "--taxpayer-kind": taxpayer_kind}
    declared |= {"--pieces": pieces}
    if batch is not None or out is not None:
        declared |= {"--bill": bill, "--wallet": wallet, "--agreement": agreement, "--tax": tax}
        check_options("pay_what", {"--batch": batch, "--out": out}, declared)
        assert batch is not None and out is not None  # noqa: S101, PT018 - checked above
        pay_batch(run, "payments", batch, out, key)
        return
    if tax is None:
        check_options("pay_what", {"--bill": bill}, declared)
        assert bill is not None  # noqa: S101 - checked above
        from ecny_tax.taxes.model import QR_PREFIX

        bill = bill.removeprefix(QR_PREFIX)
        with run.sandbox() as s:
            payment = s.payments.pay(
                bill_no=bill, wallet_id=wallet, agreement_no=agreement, idempotency_key=key
            )
    else:
        if tax != "stamp-duty":
            raise InvalidInputError("tax_unknown", value=tax)
        needed = {"--wallet": wallet, "--item": item, "--base | --pieces": pieces if base is None else base}
        check_options("pay_what", needed, {"--bill": bill, "--agreement": agreement})
        check_needs("--taxpayer-kind", taxpayer_kind, "--half-relief", half_relief or None)
        assert wallet is not None and item is not None  # noqa: S101, PT018 - checked above
        with run.sandbox() as s:
            payment = s.payments.pay_stamp_duty(
                wallet_id=wallet,
                item=item,
                base=positive_yuan(base) if base is not None else None,
                on=parse_date(on) if on is not None else None,
                half_relief=half_relief,
                side=checked_side(side),
                authority=authority,
                pieces=pieces,
                taxpayer_kind=taxpayer_kind,
                idempotency_key=key,
            )
    run.answer(payment)


@command(app, "list")
def list_(run: Run) -> None:
    """List every payment.

    Examples:
        payments list
    See also: payments show.
    """
    with run.sandbox() as s:
        found = s.payments.list()
    run.answer_list(
        "payments",
        found,
        ("payment_no", "bill_no", "wallet_id", "amount", "mode", "status", "receipt_no"),
    )


@command(app, "show")
def show(run: Run, payment: _Payment) -> None:
    """Show a payment.

    Examples:
        payments show {payment}  # status settled
    Exit codes: 4.
    See also: receipt show, payments reverse.
    """
    with run.sandbox() as s:
        found = s.payments.show(payment_no=payment)
    run.answer(found)


@command(app, "reverse")
def reverse(run: Run, payment: _Payment, key: Key = None) -> None:
    """Reverse a debit on the day it was made (冲正).

    Examples:
        pay --bill {open}
        then payments reverse {new_payment}  # status reversed
    Exit codes: 3 4 5.
    See also: refund.
    """
    with run.sandbox() as s:
        found = s.payments.reverse(payment_no=payment, idempotency_key=key)
    run.answer(found)
