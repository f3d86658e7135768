"""What a payment is, what authorises it, and when it may be reversed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from ecny_tax.agreements.model import Agreement, Mandate, check_usable
from ecny_tax.clock import rfc3339
from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen
from ecny_tax.taxes.model import Bill, DueBill
from ecny_tax.taxes.steps import Step

#: What the tax authority signs to debit a wallet under an agreement, and what a wallet signs to pay.
INSTRUCTION_TYPE = "application/vnd.ecny-tax.debit-instruction+cbor"
ORDER_TYPE = "application/vnd.ecny-tax.payment-order+cbor"
Document = dict[str, str | int | bytes]


class PaymentMode(StrEnum):
    REAL_TIME_DEBIT = "real_time_debit"  # 实时扣税
    BATCH_DEBIT = "batch_debit"  # 批量扣税
    SCAN_TO_PAY = "scan_to_pay"  # 扫码缴税
    SET_OFF = "set_off"  # 以退抵欠
    OFFLINE = "offline"  # 离线凭证兑付


class PaymentStatus(StrEnum):
    SETTLED = "settled"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment (缴款): final when made (支付即结算).  Amounts in fen; ``refunded`` is what went back.

    ``late_fee`` is the part of the amount that was due for paying late.
    ``refund_pending`` is asked back and not decided or not credited yet.
    """

    payment_no: str
    bill_no: str
    wallet_id: str
    agreement_no: str | None
    amount: Fen
    late_fee: Fen
    fee: Fen
    mode: PaymentMode
    status: PaymentStatus
    settled_at: datetime
    balance_after: Fen
    receipt_no: str
    refunded: Fen
    refund_pending: Fen
    reversed_at: datetime | None

    @property
    def refundable(self) -> Fen:
        """What is left of the amount paid and not asked back yet."""
        if self.status is not PaymentStatus.SETTLED:
            return Fen(0)
        return Fen(self.amount - self.refunded - self.refund_pending)


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line of a receipt: tax, item, budget level and subject, period, amount.

    ``item`` is the code of the tax item (税目) and ``item_name`` what it means; empty where there is none.
    """

    tax: str
    tax_en: str
    item: str | None
    item_name: str
    item_name_en: str
    budget_level: str
    budget_subject: str
    budget_subject_en: str
    period_start: date
    period_end: date
    amount: Fen


@dataclass(frozen=True, slots=True)
class Receipt:
    """An electronic payment voucher (电子缴款凭证); ``receipt_no`` is its number (电子税票号).

    Names are in Chinese, those of ``…_en`` in English; ``receipts.paper`` prints it in either language.
    """

    receipt_no: str
    payment_no: str
    mode: PaymentMode = field(metadata={"internal": True})
    status: PaymentStatus
    taxpayer_id: str
    taxpayer_name: str
    authority: str
    authority_name: str
    authority_name_en: str
    treasury: str
    treasury_name: str
    treasury_name_en: str
    operator: str
    operator_name: str
    operator_name_en: str
    wallet_id: str
    payer_name: str
    amount: Fen
    amount_in_capitals: str
    lines: tuple[ReceiptLine, ...]
    paid_at: datetime
    reversed_at: datetime | None
    print_count: int
    remark: str
    remark_en: str
    steps: tuple[Step, ...]


def without_steps(receipt: Receipt) -> Receipt:
    """The receipt without how the tax was computed."""
    return replace(receipt, steps=())


def authorisation_document(
    *,
    mode: PaymentMode,
    payment_no: str,
    bill: Bill | DueBill,
    amount: Fen,
    wallet_id: str,
    agreement_no: str | None,
    at: datetime,
) -> Document:
    """What is signed to move the money.  Of a debit, (authority, entrust date, trace number) is its key.

    In the order in which ``signatures.encode_sorted`` takes it: short names first.
    """
    time = rfc3339(at)
    return {
        "at": time,
        "mode": mode.value,
        "amount": amount,
        "bill_no": bill.bill_no,
        "trace_no": payment_no,
        "authority": bill.authority,
        "wallet_id": wallet_id,
        "agreement_no": agreement_no or "",
        "entrust_date": time[: len("2023-04-20")],
    }


def receipt_prefix(authority: str) -> str:
    """How the e-tax voucher numbers (电子税票号) of an authority begin: 3, and its province."""
    return f"3{authority[1:3]}"


def check_covers(agreement: Agreement | Mandate, bill: Bill | DueBill) -> None:
    """A debit under an agreement pays its own taxpayer's bill with its own authority."""
    check_usable(agreement)
    if agreement.subject_id != bill.subject_id or agreement.authority != bill.authority:
        raise RejectedError(
            "agreement_does_not_cover", agreement_no=agreement.agreement_no, bill_no=bill.bill_no
        )


def check_reversible(payment: Payment, *, today: date) -> None:
    """The authority may reverse its own debit on the day it was made, while nothing of it was refunded."""
    if payment.status is PaymentStatus.REVERSED:
        raise RejectedError("payment_already_reversed", payment_no=payment.payment_no)
    if payment.mode is not PaymentMode.REAL_TIME_DEBIT:
        raise RejectedError("payment_not_reversible", payment_no=payment.payment_no, mode=payment.mode)
    if payment.settled_at.date() != today:
        raise RejectedError("reversal_too_late", payment_no=payment.payment_no, day=payment.settled_at.date())
    if payment.refunded or payment.refund_pending:
        raise RejectedError("payment_already_refunded", payment_no=payment.payment_no)
