"""``/v1/refunds``: apply for refunds, review and pay them (退税)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from ecny_tax.documents import Document
from ecny_tax.money import yuan
from ecny_tax.refunds.model import Refund
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.taxes.steps import Step
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, Only, operation, page
from ecny_tax.web.returns import AnnualReturnBody, assumed, with_assumption
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Yuan, answer_model, page_model, with_members
from ecny_tax.web.signed import COSE, NOT_YET, SignedDocument, signed_document

router = APIRouter(prefix="/refunds", tags=["refunds"])

_READERS = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
#: Vouchers bear names.
_NAMED_READERS = (Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_Refund = assumed(Refund, "RefundWithAssumption")
_Step = answer_model(Step)
_Explained = with_members("ExplainedRefund", _Refund, steps=list[_Step])  # type: ignore[valid-type]


class ApplyForSettlement(Body):
    """The refund that a year's annual settlement (汇算清缴) comes to, into the applicant's own wallet."""

    kind: Literal["annual_settlement"]
    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    annual_return: AnnualReturnBody
    correction: bool = Field(False, description="A corrected return: only the difference counts.")
    manual_review: bool = Field(False, description="Leave it to a reviewer to approve or to reject.")
    authority: str | None = Field(
        None, max_length=11, description="Tax authority, eleven digits (default: Heshan, 14407840000)."
    )


class ApplyForPayment(Body):
    """What was paid by mistake or too much (误收多缴), back to the wallet that paid."""

    kind: Literal["payment"]
    payment_no: str = Field(max_length=64, examples=["P23042000000000000001"])
    amount: Yuan | None = Field(None, description="Default: all that is left.")
    reason: str = Field(
        "paid_in_error",
        max_length=64,
        examples=["paid_in_error", "overpaid", "relief_granted", "other"],
    )
    manual_review: bool = Field(False, description="Leave it to a reviewer to approve or to reject.")


class Rejection(Body):
    """Why an application is rejected."""

    note: str = Field("", max_length=200, examples=["already refunded"])


class Resubmission(Body):
    """Where a failed credit goes now."""

    wallet_id: str | None = Field(
        None,
        max_length=32,
        description="Another wallet of the same person; the taxpayer's to name.",
        examples=["0021234567890124"],
    )


_Asked = Annotated[ApplyForSettlement | ApplyForPayment, Field(discriminator="kind")]


@operation(router, "POST", "", Role.TAXPAYER, answer=_Refund, status=201)
def apply(call: MoneyCall, asked: _Asked) -> Document:
    """Apply for a refund (退税): of an annual settlement, or of a payment that your wallet made.

    The automatic reviewer approves what passes the rules, and the treasury pays at once; what it does not
    approve is refused and leaves no application.  A credit that fails ends as `treasury_failed`.  Where the
    refund's `basis` is `stated`, the annual return stands for the authority's own record, as `assumption`
    says.
    """
    refunds = call.sandbox.refunds
    if isinstance(asked, ApplyForSettlement):
        settlement = asked
        call.check_sees("wallet", settlement.wallet_id)
        annual_return = settlement.annual_return.read()
        found = call.once(
            lambda key: refunds.apply_for_income_tax(
                wallet_id=settlement.wallet_id,
                annual_return=annual_return,
                correction=settlement.correction,
                manual_review=settlement.manual_review,
                authority=settlement.authority,
                idempotency_key=key,
            )
        )
        return _shown(call, found)
    given_back = asked
    call.check_sees("payment", given_back.payment_no)
    payment = call.sandbox.payments.show(payment_no=given_back.payment_no)
    call.check_sees("wallet", payment.wallet_id)  # it is the payer who asks, and who gets it
    found = call.once(
        lambda key: refunds.apply_for_payment(
            payment_no=given_back.payment_no,
            amount=None if given_back.amount is None else yuan(given_back.amount),
            reason=given_back.reason,
            manual_review=given_back.manual_review,
            idempotency_key=key,
        )
    )
    return _shown(call, found)


@operation(router, "GET", "", *_READERS, answer=page_model("refunds", _Refund))
def list_(
    call: AnyCall, limit: Limit = 50, cursor: Cursor = None, wallet_id: Only = None, status: Only = None
) -> dict[str, object]:
    """List refunds, oldest first."""
    refunds = call.sandbox.refunds
    return page(
        call,
        "refund",
        "refunds",
        limit,
        cursor,
        lambda no: _shown(call, refunds.show(refund_no=no)),
        wallet_id=wallet_id,
        status=status,
    )


@operation(router, "GET", "/{refund_no}", *_READERS, answer=_Explained)
def show(call: AnyCall, refund_no: Number) -> Document:
    """Show a refund with its history, and how its amount was computed."""
    call.check_sees("refund", refund_no)
    found = call.sandbox.refunds.show(refund_no=refund_no)
    return _shown(call, found, steps=call.sandbox.taxes.steps(record=refund_no))


@operation(router, "POST", "/{refund_no}/approval", Role.TAX_AUTHORITY, answer=_Refund)
def approve(call: MoneyCall, refund_no: Number) -> Document:
    """Approve an application under review; the treasury pays at once."""
    call.check_sees("refund", refund_no)
    refunds = call.sandbox.refunds
    return _shown(call, call.once(lambda key: refunds.approve(refund_no=refund_no, idempotency_key=key)))


@operation(router, "POST", "/{refund_no}/rejection", Role.TAX_AUTHORITY, answer=_Refund)
def reject(call: AnyCall, refund_no: Number, asked: Rejection) -> Document:
    """Reject an application under review; the taxpayer may apply anew."""
    call.check_sees("refund", refund_no)
    return _shown(call, call.sandbox.refunds.reject(refund_no=refund_no, note=asked.note))


@operation(router, "POST", "/{refund_no}/withdrawal", Role.TAXPAYER, answer=_Refund)
def withdraw(call: AnyCall, refund_no: Number) -> Document:
    """Take back an application that is not paid yet."""
    call.check_sees("refund", refund_no)
    return _shown(call, call.sandbox.refunds.withdraw(refund_no=refund_no))


@operation(router, "POST", "/{refund_no}/resubmission", Role.TAX_AUTHORITY, Role.TAXPAYER, answer=_Refund)
def resubmit(call: MoneyCall, refund_no: Number, asked: Resubmission) -> Document:
    """Try a failed credit again."""
    call.check_sees("refund", refund_no)
    if asked.wallet_id is not None:
        call.check_sees("wallet", asked.wallet_id)
    refunds = call.sandbox.refunds
    return _shown(
        call,
        call.once(
            lambda key: refunds.resubmit(refund_no=refund_no, wallet_id=asked.wallet_id, idempotency_key=key)
        ),
    )


@operation(router, "GET", "/{refund_no}/voucher", *_NAMED_READERS, answer=RefundVoucher, also={422: NOT_YET})
def voucher(call: AnyCall, refund_no: Number) -> RefundVoucher:
    """Show the revenue refund voucher (收入退还书) of a completed refund.

    It bears the taxpayer's name: a taxpayer sees its own.
    """
    call.check_sees("refund_voucher", refund_no)
    return call.sandbox.refunds.voucher(refund_no=refund_no)


@operation(
    router,
    "GET",
    "/{refund_no}/voucher/signed",
    *_NAMED_READERS,
    answer=SignedDocument,
    also={422: NOT_YET},
)
def signed_voucher(call: AnyCall, refund_no: Number) -> dict[str, object]:
    """Show the voucher as its treasury signed it, with how the amount was computed and its proof."""
    call.check_sees("refund_voucher", refund_no)
    return signed_document(call.sandbox.refunds.signed_refund_voucher(refund_no=refund_no, explain=True))


@operation(
    router,
    "GET",
    "/{refund_no}/voucher.cose",
    *_NAMED_READERS,
    answer=bytes,
    media_type=COSE,
    also={422: NOT_YET},
)
def cose_voucher(call: AnyCall, refund_no: Number) -> Response:
    """Fetch the signed voucher alone (COSE_Sign1), with its proof from the ledger."""
    call.check_sees("refund_voucher", refund_no)
    return Response(call.sandbox.refunds.signed_refund_voucher(refund_no=refund_no), media_type=COSE)


def _shown(call: Call, refund: Refund, **more: object) -> Document:
    """The refund; what the wallet holds is told to whoever sees the wallet."""
    if not (call.is_everybodys or call.sees("wallet", refund.wallet_id)):
        refund = replace(refund, balance_after=None)
    return with_assumption(refund, **more)
