"""What a refund is, its way through review and treasury, and the windows in which it can be claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import Fen, yuan_text
from ecny_tax.payments.model import Payment, PaymentStatus
from ecny_tax.rulebook import Rules, Years
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.model import Basis, Bill


class RefundKind(StrEnum):
    ANNUAL_SETTLEMENT = "annual_settlement"  # 汇算清缴退税
    PAYMENT = "payment"  # 误收、多缴退税


class RefundStatus(StrEnum):
    TAX_REVIEW = "tax_review"  # 税务审核中
    TAX_REFUSED = "tax_refused"  # 税务审核不通过
    TREASURY_PROCESSING = "treasury_processing"  # 国库处理中
    COMPLETED = "completed"  # 国库处理完成
    TREASURY_FAILED = "treasury_failed"  # 国库退库失败
    WITHDRAWN = "withdrawn"  # 已撤销


@dataclass(frozen=True, slots=True)
class Application:
    """What is asked for: the refund that an annual return comes to, into the applicant's own wallet.

    ``authority`` is the code of a tax authority (None: the scheme's).
    """

    wallet_id: str
    annual_return: AnnualReturn
    correction: bool = False
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class RefundEvent:
    """One step of a refund's way."""

    status: RefundStatus
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of ``amount`` fen, of which ``set_off`` paid the taxpayer's open bills.

    ``interest`` came on top, on an overpayment that the taxpayer found; a settlement refund bears none.
    ``basis`` is what an annual return rests on.  ``balance_after`` is the wallet's balance after the
    credit, None until it is completed.
    """

    refund_no: str
    kind: RefundKind
    wallet_id: str
    payment_no: str | None
    tax_year: int | None
    is_correction: bool
    amount: Fen
    set_off: Fen
    interest: Fen
    status: RefundStatus
    failure_code: str | None
    balance_after: Fen | None
    authority: str
    code: str
    reason: str
    basis: Basis | None
    applied_at: datetime
    completed_at: datetime | None
    history: tuple[RefundEvent, ...]
    identity_id: str | None = field(metadata={"internal": True})
    subject_id: str = field(metadata={"internal": True})


def last_day_to_claim(first: date, window: Years) -> date:
    """The last day on which something of the day ``first`` can be claimed (税收征收管理法 art. 51)."""
    try:
        return first.replace(year=first.year + window.years)
    except ValueError:  # from 29 February
        return first.replace(year=first.year + window.years, day=28)


def check_claim_window(last: date, *, today: date) -> None:
    if today > last:
        raise RejectedError("claim_window_closed", last=last)


def check_reason(reason: str, rules: Rules) -> None:
    """A reason (退税原因) is from the closed list; raises ``refund_reason_unknown``."""
    known = rules.scheme.refund_reasons
    if reason not in known:
        raise InvalidInputError("refund_reason_unknown", value=reason, known=" ".join(known))


def amount_of_payment(payment: Payment, amount: Fen | None) -> Fen:
    """How much of a payment is asked back: by default all that is left, never more."""
    if payment.status is PaymentStatus.REVERSED:
        raise RejectedError("payment_already_reversed", payment_no=payment.payment_no)
    if payment.refundable == 0:
        raise RejectedError("nothing_to_refund")
    if amount is not None and amount > payment.refundable:
        raise RejectedError(
            "refund_exceeds_payment",
            payment_no=payment.payment_no,
            amount=yuan_text(amount),
            left=yuan_text(payment.refundable),
        )
    return payment.refundable if amount is None else amount


def check_status(refund: Refund, *allowed: RefundStatus) -> None:
    if refund.status not in allowed:
        raise RejectedError(
            "refund_state_not_normal",
            refund_no=refund.refund_no,
            state=refund.status,
            allowed=" / ".join(allowed),
        )


def bills_to_set_off(refund: Refund, open_bills: Sequence[Bill]) -> Sequence[Bill]:
    """A settlement refund first pays what its taxpayer owes (税收征收管理法实施细则 art. 79).

    That every open bill counts, unless a debit of it is in doubt, and that a refund which does not cover them
    all waits until the taxpayer has paid, are assumptions of this simulation.
    """
    if refund.kind is not RefundKind.ANNUAL_SETTLEMENT:
        return ()
    open_bills = [bill for bill in open_bills if bill.in_doubt is None]
    owed = sum(bill.total for bill in open_bills)
    if owed > refund.amount:
        raise RejectedError(
            "unpaid_bills", count=len(open_bills), owed=yuan_text(owed), amount=yuan_text(refund.amount)
        )
    return open_bills
