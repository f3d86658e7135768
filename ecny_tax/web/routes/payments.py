"""``/v1/payments``: pay a bill, or declare stamp duty and pay it; reverse."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Discriminator, Field, Tag

from ecny_tax.documents import Document, document
from ecny_tax.money import yuan
from ecny_tax.payments.model import Payment
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, Only, operation, page
from ecny_tax.web.rights import Role
from ecny_tax.web.routes.bills import DeclareStampDuty
from ecny_tax.web.schemas import Body, YuanOut, page_model, with_members

router = APIRouter(prefix="/payments", tags=["payments"])


class PayBill(Body):
    """Pay a bill: by debit under an agreement, or by scan from a wallet."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"bill_no": "B20230420100000000001", "wallet_id": "0021234567890124"}}
    )

    bill_no: str = Field(max_length=64, examples=["B20230420100000000001"])
    wallet_id: str | None = Field(None, max_length=32, description="The wallet that pays.")
    agreement_no: str | None = Field(None, max_length=64, description="The agreement to debit under.")


class DeclareAndPay(DeclareStampDuty):
    """Declare stamp duty and pay the bill at once."""


_Pay = Annotated[
    Annotated[PayBill, Tag("bill")] | Annotated[DeclareAndPay, Tag("declare")],
    Discriminator(lambda given: "declare" if isinstance(given, dict) and "tax" in given else "bill"),
]
_Payment = with_members("PaymentSeen", Payment, balance_after=YuanOut | None)
_READERS = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)


@operation(router, "POST", "", Role.TAXPAYER, answer=_Payment, status=201)
def pay(call: MoneyCall, asked: _Pay) -> Document:
    """Pay a tax.

    A verified agreement with the bill's authority makes it a real-time debit; without one the wallet scans
    to pay, which may pay anybody's bill.  It is settled when it is answered (支付即结算), without fee.
    """
    payments = call.sandbox.payments
    if asked.wallet_id is not None:
        call.check_sees("wallet", asked.wallet_id)
    if isinstance(asked, PayBill):
        if asked.agreement_no is not None:
            call.check_sees("agreement", asked.agreement_no)
        if asked.wallet_id is None and asked.agreement_no is None:
            call.check_sees("bill", asked.bill_no)
        bill = asked
        paid = call.once(
            lambda key: payments.pay(
                bill_no=bill.bill_no,
                wallet_id=bill.wallet_id,
                agreement_no=bill.agreement_no,
                idempotency_key=key,
            )
        )
        return _shown(call, paid)
    duty = asked
    paid = call.once(
        lambda key: payments.pay_stamp_duty(
            wallet_id=duty.wallet_id,
            item=duty.item,
            base=None if duty.base is None else yuan(duty.base),
            on=duty.on,
            half_relief=duty.half_relief,
            side=duty.side,
            authority=duty.authority,
            pieces=duty.pieces,
            taxpayer_kind=duty.taxpayer_kind,
            idempotency_key=key,
        )
    )
    return _shown(call, paid)


@operation(router, "GET", "", *_READERS, answer=page_model("payments", _Payment))
def list_(
    call: AnyCall,
    limit: Limit = 50,
    cursor: Cursor = None,
    wallet_id: Only = None,
    bill_no: Only = None,
    status: Only = None,
) -> dict[str, object]:
    """List payments, oldest first."""
    payments = call.sandbox.payments
    return page(
        call,
        "payment",
        "payments",
        limit,
        cursor,
        lambda no: _shown(call, payments.show(payment_no=no)),
        wallet_id=wallet_id,
        bill_no=bill_no,
        status=status,
    )


@operation(router, "GET", "/{payment_no}", *_READERS, answer=_Payment)
def show(call: AnyCall, payment_no: Number) -> Document:
    """Show a payment."""
    call.check_sees("payment", payment_no)
    return _shown(call, call.sandbox.payments.show(payment_no=payment_no))


@operation(router, "POST", "/{payment_no}/reversal", Role.TAX_AUTHORITY, answer=_Payment)
def reverse(call: MoneyCall, payment_no: Number) -> Document:
    """Reverse a debit on the day it was made (冲正)."""
    call.check_sees("payment", payment_no)
    payments = call.sandbox.payments
    return _shown(call, call.once(lambda key: payments.reverse(payment_no=payment_no, idempotency_key=key)))


def _shown(call: Call, payment: Payment) -> Document:
    """The payment; what the wallet holds is told to whoever sees the wallet."""
    shown = document(payment)
    if not (call.is_everybodys or call.sees("wallet", payment.wallet_id)):
        shown["balance_after"] = None
    return shown
