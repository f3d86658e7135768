"""Bills as records: written, found, paid, opened again, and explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ecny_tax.errors import NotFoundError, RejectedError, Said
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Taxpayer
from ecny_tax.store import Transaction
from ecny_tax.taxes import rows
from ecny_tax.taxes.model import Basis, Bill, BillStatus, DueBill, Tax
from ecny_tax.taxes.steps import Step

#: What to do where nothing is due.
_ADVICE = {
    Tax.STAMP_DUTY: Said(
        "check the base and the side: the buyer of securities has owed no stamp duty since 2008-09-19",
        "请核对计税依据和买卖方向：自 2008-09-19 起证券买方不缴印花税",
    ),
    Tax.INCOME_TAX: Said(
        "see the settlement with `tax quote income-tax`; a return that comes to a refund is handed in with"
        " `refund`, and a year that is settled already is corrected with `--correction`",
        "请用 `tax quote income-tax` 查看汇算结果；应退税的请用 `refund` 申请，已办理汇算的年度请加"
        " `--correction` 更正",
    ),
}
_CHECK_AMOUNT = Said("check the amount that it is computed on", "请核对计税金额")


def load(tx: Transaction, bill_no: str, *, paid_on: date | None = None) -> Bill:
    """The bill of that number, with the late fee of the day on which it is paid (default: today).

    Raises ``NotFoundError`` (``bill_not_found``).
    """
    bill = rows.bill(tx, bill_no, paid_on=paid_on)
    if bill is None:
        raise NotFoundError("bill_not_found", bill_no=bill_no)
    return bill


def insert(
    tx: Transaction,
    taxpayer: Taxpayer,
    *,
    tax: Tax,
    code: str,
    amount: Fen,
    authority: str | None,
    period: tuple[date, date],
    due: date,
    citation: str,
    evidence: str,
    item: str | None = None,
    base: Fen | None = None,
    rate: str | None = None,
    basis: Basis | None = None,
    steps: Sequence[Step] = (),
) -> Bill:
    """A new open bill, with how its amount came about; ``nothing_to_pay`` where that is zero."""
    if amount == 0:
        raise RejectedError("nothing_to_pay", tax=tax, advice=_ADVICE.get(tax, _CHECK_AMOUNT))
    office = parties.tax_authority(tx, authority)
    number = tx.ids.number("B", tx.now)
    rows.insert(
        tx,
        Bill(
            bill_no=number,
            tax=tax,
            code=code,
            item=item,
            base=base,
            rate=rate,
            amount=amount,
            late_fee=Fen(0),
            total=amount,
            authority=office.code,
            period_start=period[0],
            period_end=period[1],
            due_date=due,
            citation=citation,
            evidence=evidence,
            basis=basis,
            status=BillStatus.OPEN,
            in_doubt=None,
            declared_at=tx.now,
            lines=(),
            identity_id=taxpayer.identity_id,
            subject_id=taxpayer.subject_id,
        ),
    )
    if steps:
        rows.insert_steps(tx, number, steps)
    return load(tx, number)


def set_paid(tx: Transaction, bill: Bill | DueBill) -> None:
    """The bill has its settlement, late fee included."""
    rows.set_status(tx, bill.bill_no, BillStatus.PAID, late_fee=bill.late_fee)
    if bill.tax is Tax.INCOME_TAX:
        rows.set_final(tx, bill.bill_no, final=True)


def set_open(tx: Transaction, bill: Bill) -> None:
    """The bill's settlement was reversed."""
    rows.set_status(tx, bill.bill_no, BillStatus.OPEN)
    if bill.tax is Tax.INCOME_TAX:
        rows.set_final(tx, bill.bill_no, final=False)


def set_in_doubt(tx: Transaction, bill_no: str, payment_no: str | None) -> None:
    """Whether the outcome of a debit of this bill is not known, and which debit it is."""
    rows.set_in_doubt(tx, bill_no, payment_no)


def steps(tx: Transaction, record: str) -> tuple[Step, ...]:
    """How the amount of a bill or refund came about; nothing where it was given."""
    return rows.steps(tx, record)
