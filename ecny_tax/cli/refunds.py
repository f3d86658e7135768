"""``ecny-tax refund`` and ``ecny-tax refunds``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.batches import pay_batch
from ecny_tax.cli.command import Authority, Correction, Key, Run, check_options, command
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.refunds.model import Refund

_Refund = Annotated[str, typer.Argument(metavar="REFUND", help="The refund number.")]

app = typer.Typer(help="Refunds (退税).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``refund`` and ``refunds``."""
    command(root, "refund")(refund)
    root.add_typer(app, name="refunds")


def refund(
    run: Run,
    wallet: Annotated[str | None, typer.Option("--wallet", help="The applicant's own wallet.")] = None,
    tax: Annotated[str | None, typer.Option("--tax", metavar="income-tax", help="Annual settlement.")] = None,
    file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="The annual return, JSON.")
    ] = None,
    payment: Annotated[str | None, typer.Option("--payment", help="A payment to ask back.")] = None,
    amount: Annotated[
        str | None, typer.Option("--amount", metavar="YUAN", help="Default: all that is left.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="CODE", help="paid_in_error (default), overpaid, relief_granted, other."
        ),
    ] = None,
    manual_review: Annotated[
        bool, typer.Option("--manual-review", help="Leave it to `refunds approve` or `refunds reject`.")
    ] = False,
    correction: Correction = False,
    authority: Authority = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", metavar="FILE", help="A batch of approved refunds to pay.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RESULTS", help="The result of each of its lines, CSV.")
    ] = None,
    key: Key = None,
) -> None:
    """Apply for a refund: of an annual settlement (--wallet --tax income-tax --input), or of a payment
    (--payment); or pay a batch that the reviewer approved (--batch --out).

    A batch that was interrupted goes on where it stopped, and one that is done moves nothing again.

    Examples:
        refund --wallet {person} --tax income-tax --input return.json  # status completed
        refund --payment {payment} --amount 2000.00
        refund --payment {payment} --amount 2000.00 --reason paid_in_error --manual-review  # status
            tax_review
        refunds batch --out april.batch
        then refund --batch april.batch --out results.csv
    Exit codes: 3 4 5 6.
    See also: refunds show, refunds approve, refunds batch.
    """
    from ecny_tax.errors import InvalidInputError
    from ecny_tax.money import positive_yuan
    from ecny_tax.taxes.returns import read_annual_return

    if batch is not None or out is not None:
        others: dict[str, object] = {"--wallet": wallet, "--tax": tax, "--input": file, "--payment": payment}
        others |= {"--amount": amount, "--reason": reason, "--authority": authority}
        others |= {"--manual-review": manual_review or None, "--correction": correction or None}
        check_options("refund_what", {"--batch": batch, "--out": out}, others)
        assert batch is not None and out is not None  # noqa: S101, PT018 - checked above
        pay_batch(run, "refunds", batch, out, key)
        return
    if payment is not None:
        needless = {"--wallet": wallet, "--tax": tax, "--input": file, "--authority": authority}
        needless["--correction"] = "yes" if correction else None
        check_options("refund_what", {}, needless)
        with run.sandbox() as s:
            found = s.refunds.apply_for_payment(
                payment_no=payment,
                amount=positive_yuan(amount) if amount is not None else None,
                reason=reason or "paid_in_error",
                manual_review=manual_review,
                idempotency_key=key,
            )
        _answer(run, found)
        return
    needed = {"--wallet": wallet, "--tax": tax, "--input": file}
    check_options("refund_what", needed, {"--amount": amount, "--reason": reason})
    assert wallet is not None and file is not None  # noqa: S101, PT018 - checked above
    if tax != "income-tax":
        raise InvalidInputError("tax_unknown", value=tax)
    annual_return = read_annual_return(file)
    with run.sandbox() as s:
        found = s.refunds.apply_for_income_tax(
            wallet_id=wallet,
            annual_return=annual_return,
            correction=correction,
            manual_review=manual_review,
            authority=authority,
            idempotency_key=key,
        )
    _answer(run, found)


@command(app, "batch")
def batch_(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
    authority: Authority = None,
    applied_by: Annotated[
        str | None,
        typer.Option("--applied-by", metavar="DATE", help="Only what was applied for by this day."),
    ] = None,
) -> None:
    """Approve every application under review in one signed file, which `refund --batch` pays.

    Examples:
        refunds batch --out april.batch
        refunds batch --out april.batch --applied-by 2023-04-20
    Exit codes: 3 4 5.
    See also: refund, batch show.
    """
    from ecny_tax.clock import parse_date

    day = None if applied_by is None else parse_date(applied_by)
    with run.sandbox() as s:
        found = s.refunds.write_batch(
            deliver=lambda text: run.write(out, text), authority=authority, applied_by=day
        )
    run.answer(found, file=str(out))


@command(app, "list")
def list_(run: Run) -> None:
    """List every refund.

    Examples:
        refunds list
    See also: refunds show.
    """
    with run.sandbox() as s:
        found = s.refunds.list()
    run.answer_list(
        "refunds",
        [_document(run, refund) for refund in found],
        ("refund_no", "kind", "wallet_id", "amount", "set_off", "status", "applied_at"),
    )


@command(app, "show")
def show(run: Run, refund: _Refund) -> None:
    """Show a refund with its history.

    Examples:
        refunds show {refund}  # status completed
    Exit codes: 4.
    See also: refunds list.
    """
    with run.sandbox() as s:
        found, steps = s.refunds.show(refund_no=refund), s.taxes.steps(record=refund)
    run.answer(_document(run, found), steps=steps)


@command(app, "approve")
def approve(run: Run, refund: _Refund, key: Key = None) -> None:
    """Approve an application under review; the treasury pays at once.

    Examples:
        refunds approve {review}  # status completed
    Exit codes: 3 4 5.
    See also: refunds reject, refunds show.
    """
    with run.sandbox() as s:
        found = s.refunds.approve(refund_no=refund, idempotency_key=key)
    _answer(run, found)


@command(app, "reject")
def reject(run: Run, refund: _Refund, note: Annotated[str, typer.Option("--note", help="Why.")] = "") -> None:
    """Reject an application under review.

    Examples:
        refunds reject {review} --note 理由  # status tax_refused
    Exit codes: 3 4 5.
    See also: refunds approve.
    """
    with run.sandbox() as s:
        found = s.refunds.reject(refund_no=refund, note=note)
    _answer(run, found)


@command(app, "withdraw")
def withdraw(run: Run, refund: _Refund) -> None:
    """Take back an application that is not paid yet.

    Examples:
        refunds withdraw {review}  # status withdrawn
    Exit codes: 3 4 5.
    See also: refund.
    """
    with run.sandbox() as s:
        found = s.refunds.withdraw(refund_no=refund)
    _answer(run, found)


@command(app, "resubmit")
def resubmit(
    run: Run,
    refund: _Refund,
    wallet: Annotated[str | None, typer.Option("--wallet", help="Another wallet of the same person.")] = None,
    key: Key = None,
) -> None:
    """Try a failed credit again.

    Examples:
        failure order wallet_closes
        then refund --wallet {person} --tax income-tax --input return.json  # status treasury_failed
        then wallet open --kind personal --name {name} --id {id_number} --operator CCB
        then refunds resubmit {new_refund} --wallet {sub}  # status completed
    Exit codes: 3 4 5.
    See also: failure order, refunds show.
    """
    with run.sandbox() as s:
        found = s.refunds.resubmit(refund_no=refund, wallet_id=wallet, idempotency_key=key)
    _answer(run, found)


def _answer(run: Run, refund: Refund) -> None:
    run.answer(_document(run, refund))
    if refund.failure_code is not None and not run.as_json:
        what = {
            "en": "the wallet could not be credited; try again, or name another one, with `refunds resubmit`",
            "zh": "未能记入钱包；请用 `refunds resubmit` 重试或指定另一个钱包",
        }[run.language]
        print(f"{what} ({refund.failure_code})", file=sys.stderr)


def _document(run: Run, refund: Refund) -> dict[str, object]:
    return document(refund) | run.assumption(refund.basis)
