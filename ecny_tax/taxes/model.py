"""Bills (应征凭证): what is owed, for which period, until when."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen
from ecny_tax.rulebook.calendar import Calendar


class Tax(StrEnum):
    """The taxes that are declared by name; every other goes by its collection code."""

    STAMP_DUTY = "stamp-duty"  # 印花税
    INCOME_TAX = "income-tax"  # 个人所得税（综合所得汇算清缴）
    OTHER = "other"


#: Collection codes (征收项目) of the taxes that are declared by name.
STAMP_DUTY_CODE = "10111"
INCOME_TAX_CODE = "10106"

#: What stands before the bill number in the text of a QR code for scan to pay.
QR_PREFIX = "ECNYTAX:BILL:"


class BillStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


class Basis(StrEnum):
    """What the figures of an annual return rest on."""

    STATED = "stated"  # the return stands for the authority's record, an assumption
    RECORDED = "recorded"  # they agree with what withholding agents declared and paid


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill: the tax, or the late fee (滞纳金) on it; amount in fen."""

    kind: Literal["tax", "late_fee"]
    amount: Fen
    citation: str


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill: ``amount`` fen owed to ``authority`` for the period, until ``due_date``.

    After that day a late fee comes on top: ``late_fee`` is what it comes to today, or came to when it was
    paid, and ``total`` is what there is to pay.  ``code`` is the collection item (征收项目); ``item``,
    ``base`` (fen) and ``rate`` stand where the tax has them; ``evidence`` is the mark of the weakest rule
    that the amount rests on, ``basis`` what an annual return rests on.  ``in_doubt`` is the number of a debit
    whose outcome is not known: until that is reconciled nobody pays or cancels the bill.
    """

    bill_no: str
    tax: Tax
    code: str
    item: str | None
    base: Fen | None
    rate: str | None
    amount: Fen
    late_fee: Fen
    total: Fen
    authority: str
    period_start: date
    period_end: date
    due_date: date
    citation: str
    evidence: str
    basis: Basis | None
    status: BillStatus
    in_doubt: str | None
    declared_at: datetime
    lines: tuple[BillLine, ...]
    identity_id: str = field(metadata={"internal": True})
    subject_id: str = field(metadata={"internal": True})


class DueBill(NamedTuple):
    """Of a bill what decides whether it may be debited, and what there is to pay today; amounts in fen."""

    bill_no: str
    authority: str
    subject_id: str
    tax: Tax
    late_fee: Fen
    total: Fen
    status: BillStatus
    in_doubt: str | None


def quarter_of(day: date) -> tuple[date, date]:
    """First and last day of the calendar quarter."""
    last_month = (day.month + 2) // 3 * 3
    last = date(day.year, last_month, monthrange(day.year, last_month)[1])
    return date(day.year, last_month - 2, 1), last


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def month_of(day: date) -> tuple[date, date]:
    """First and last day of the calendar month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def due_after(calendar: Calendar, period_end: date, days: int = 15) -> date:
    """``days`` after the end of the period; a deadline on a day that is no working day moves on.

    Source: 税收征收管理法实施细则 art. 109.
    """
    return calendar.working_day_from(period_end + timedelta(days=days))


def check_open(bill: Bill | DueBill) -> None:
    """Only an open bill can be paid or cancelled, and not while the outcome of a debit is not known."""
    if bill.status is BillStatus.PAID:
        raise RejectedError("bill_already_paid", bill_no=bill.bill_no)
    if bill.status is BillStatus.CANCELLED:
        raise RejectedError("bill_cancelled", bill_no=bill.bill_no)
    if bill.in_doubt is not None:
        raise RejectedError("bill_in_doubt", bill_no=bill.bill_no, payment_no=bill.in_doubt)
