"""Bills (应征凭证): what is owed, for which period, until when."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen

_SATURDAY = 5


class Tax(StrEnum):
    """The taxes that are declared by name; every other goes by its collection code."""

    STAMP_DUTY = "stamp-duty"  # 印花税
    INCOME_TAX = "income-tax"  # 个人所得税（综合所得汇算清缴）
    OTHER = "other"


#: Collection codes (征收项目) of the taxes that are declared by name.
STAMP_DUTY_CODE = "10111"
INCOME_TAX_CODE = "10106"


class BillStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill: ``amount`` fen owed to ``authority`` for the period, until ``due_date``.

    ``code`` is the collection item (征收项目); ``item``, ``base`` (fen) and ``rate`` stand where the tax
    has them; ``evidence`` is the mark of the weakest rule that the amount rests on.
    """

    bill_no: str
    tax: Tax
    code: str
    item: str | None
    base: Fen | None
    rate: str | None
    amount: Fen
    authority: str
    period_start: date
    period_end: date
    due_date: date
    citation: str
    evidence: str
    status: BillStatus
    declared_at: datetime
    identity_id: str = field(metadata={"internal": True})
    subject_id: str = field(metadata={"internal": True})


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


def due_after(period_end: date, days: int = 15) -> date:
    """``days`` after the end of the period; a deadline on a weekend moves on to Monday.

    Fifteen days: 印花税法 art. 16; moving on: 税收征收管理法实施细则 art. 109.  Public holidays other than
    weekends are not known here (an assumption).
    """
    due = period_end + timedelta(days=days)
    return due + timedelta(days=max(0, 7 - due.weekday()) if due.weekday() >= _SATURDAY else 0)


def check_open(bill: Bill) -> None:
    """Only an open bill can be paid or cancelled."""
    if bill.status is BillStatus.PAID:
        raise RejectedError("bill_already_paid", bill_no=bill.bill_no)
    if bill.status is BillStatus.CANCELLED:
        raise RejectedError("bill_cancelled", bill_no=bill.bill_no)
