"""``/v1/bills``: declare, look at and cancel what is owed (应征凭证)."""

from __future__ import annotations

import io
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.documents import Document
from ecny_tax.money import yuan, yuan_text
from ecny_tax.taxes.model import QR_PREFIX, Bill
from ecny_tax.taxes.steps import Step
from ecny_tax.web.calls import AnyCall, Cursor, Limit, Number, Only, operation, page
from ecny_tax.web.returns import AnnualReturnBody, assumed, with_assumption
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Day, Yuan, answer_model, page_model, with_members

router = APIRouter(prefix="/bills", tags=["bills"])

_READERS = (Role.AUDITOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_Bill = assumed(Bill, "BillWithAssumption")
_Step = answer_model(Step)
_Explained = with_members("ExplainedBill", _Bill, steps=list[_Step])  # type: ignore[valid-type]


class _Declared(Body):
    wallet_id: str = Field(
        max_length=32, examples=["0021234567890124"], description="A wallet of the taxpayer."
    )
    authority: str | None = Field(
        None, max_length=11, description="Tax authority, eleven digits (default: Heshan, 14407840000)."
    )


class DeclareStampDuty(_Declared):
    """A document for stamp duty (印花税)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tax": "stamp-duty",
                "wallet_id": "0021234567890124",
                "item": "sale_contract",
                "base": "56666666.67",
            }
        }
    )

    tax: Literal["stamp-duty"]
    item: str = Field(max_length=64, examples=["sale_contract"])
    base: Yuan | None = Field(None, description="What the duty is computed on.", examples=["56666666.67"])
    pieces: int | None = Field(None, ge=1, le=10**9, description="For items taxed by the piece.")
    on: Day | None = Field(None, description="The date of the document (default: today).")
    half_relief: bool = False
    taxpayer_kind: str | None = Field(None, max_length=64)
    side: Literal["buy", "sell"] | None = None


class DeclareIncomeTax(_Declared):
    """A year's comprehensive income (汇算清缴), to pay what is due."""

    tax: Literal["income-tax"]
    annual_return: AnnualReturnBody
    correction: bool = Field(False, description="A corrected return: only the difference counts.")


class DeclareSurcharge(_Declared):
    """A surcharge (附加税费) on VAT and consumption tax; its rate is unverified."""

    tax: Literal["surcharge"]
    code: str = Field(max_length=64, examples=["10109", "30203", "30216"])
    paid: Yuan = Field(description="VAT and consumption tax that were paid.")
    place: str = Field("city", max_length=64, examples=["city", "town", "other"])
    half_relief: bool = False


class DeclareOther(_Declared):
    """Any other tax, by its collection code (征收项目)."""

    tax: Literal["other"]
    code: str = Field(max_length=64, examples=["10110"])
    amount: Yuan


class BillCode(BaseModel):
    """A bill as the text of a QR code, for scan to pay."""

    model_config = ConfigDict(extra="forbid")

    bill_no: str
    amount: str = Field(description="What there is to pay today, in yuan.")
    status: str
    text: str = Field(examples=[f"{QR_PREFIX}B23042000000000000001"])


_Asked = Annotated[
    DeclareStampDuty | DeclareIncomeTax | DeclareSurcharge | DeclareOther, Field(discriminator="tax")
]


@operation(router, "POST", "", Role.TAXPAYER, answer=_Bill, status=201)
def declare(call: AnyCall, asked: _Asked) -> Document:
    """Declare a tax (申报) for the holder of a wallet.

    Every request declares anew.  Where a bill's `basis` is `stated`, the annual return stands for the
    authority's own record, as `assumption` says.
    """
    call.check_sees("wallet", asked.wallet_id)
    taxes = call.sandbox.taxes
    match asked:
        case DeclareStampDuty():
            bill = taxes.declare_stamp_duty(
                wallet_id=asked.wallet_id,
                item=asked.item,
                base=None if asked.base is None else yuan(asked.base),
                on=asked.on,
                half_relief=asked.half_relief,
                side=asked.side,
                authority=asked.authority,
                pieces=asked.pieces,
                taxpayer_kind=asked.taxpayer_kind,
            )
        case DeclareIncomeTax():
            bill = taxes.declare_income_tax(
                wallet_id=asked.wallet_id,
                annual_return=asked.annual_return.read(),
                correction=asked.correction,
                authority=asked.authority,
            )
        case DeclareSurcharge():
            bill = taxes.declare_surcharge(
                wallet_id=asked.wallet_id,
                code=asked.code,
                paid=yuan(asked.paid),
                place=asked.place,
                half_relief=asked.half_relief,
                authority=asked.authority,
            )
        case DeclareOther():
            bill = taxes.declare_other(
                wallet_id=asked.wallet_id,
                code=asked.code,
                amount=yuan(asked.amount),
                authority=asked.authority,
            )
    return with_assumption(bill)


@operation(router, "GET", "", *_READERS, answer=page_model("bills", _Bill))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None, status: Only = None) -> dict[str, object]:
    """List bills, oldest first."""
    taxes = call.sandbox.taxes
    return page(
        call,
        "bill",
        "bills",
        limit,
        cursor,
        lambda no: with_assumption(taxes.bill(bill_no=no)),
        status=status,
    )


@operation(router, "GET", "/{bill_no}", *_READERS, answer=_Explained)
def show(call: AnyCall, bill_no: Number) -> Document:
    """Show a bill, and how its amount was computed."""
    call.check_sees("bill", bill_no)
    taxes = call.sandbox.taxes
    return with_assumption(taxes.bill(bill_no=bill_no), steps=taxes.steps(record=bill_no))


@operation(router, "POST", "/{bill_no}/cancellation", Role.TAX_AUTHORITY, Role.TAXPAYER, answer=_Bill)
def cancel(call: AnyCall, bill_no: Number) -> Document:
    """Cancel an open bill (作废)."""
    call.check_sees("bill", bill_no)
    return with_assumption(call.sandbox.taxes.cancel(bill_no=bill_no))


@operation(router, "GET", "/{bill_no}/qr", *_READERS, answer=BillCode)
def qr(call: AnyCall, bill_no: Number) -> dict[str, object]:
    """Show the text of the bill's QR code.

    Whoever scans it may pay the bill: POST /v1/payments takes the number that comes after the prefix.
    """
    call.check_sees("bill", bill_no)
    bill = call.sandbox.taxes.bill(bill_no=bill_no)
    return {
        "bill_no": bill.bill_no,
        "amount": yuan_text(bill.total),
        "status": bill.status,
        "text": f"{QR_PREFIX}{bill.bill_no}",
    }


@operation(router, "GET", "/{bill_no}/qr.svg", *_READERS, answer=str, media_type="image/svg+xml")
def qr_svg(call: AnyCall, bill_no: Number) -> Response:
    """Draw the bill's QR code."""
    import segno

    call.check_sees("bill", bill_no)
    picture = io.BytesIO()
    segno.make(f"{QR_PREFIX}{bill_no}", error="m", micro=False).save(picture, kind="svg", scale=8)
    return Response(picture.getvalue(), media_type="image/svg+xml")
