"""``/v1/receipts``: electronic payment vouchers (电子缴款凭证): fields, signed, printed, verified."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from ecny_tax.documents import Document, document
from ecny_tax.payments import receipts
from ecny_tax.payments.model import Receipt
from ecny_tax.payments.printing import as_html, as_text
from ecny_tax.refunds.verification import SILENT, ReceiptCheck, verify_file
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.text_form import to_text
from ecny_tax.web.calls import AnyCall, Number, operation
from ecny_tax.web.problems import language_of
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, answer_model
from ecny_tax.web.signed import COSE, NOT_YET, SignedDocument, signed_document

router = APIRouter(prefix="/receipts", tags=["receipts"])

#: Receipts bear names.
_READERS = (Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_EVERYBODY = (Role.AUDITOR, *_READERS)
_MAX_DOCUMENT = 1024 * 1024


def _base64(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except ValueError:
        raise ValueError("it is not base64") from None
    if size > _MAX_DOCUMENT:
        raise ValueError(f"it is longer than {_MAX_DOCUMENT} bytes")
    return text


class Verification(Body):
    """A document to be verified."""

    document: Annotated[
        str,
        Field(
            max_length=_MAX_DOCUMENT * 4 // 3 + 4,
            description="In base64: a `.cose`, `.json` or `.html` file, or the text of a QR code.",
            examples=["RUNOWTE6"],
        ),
        AfterValidator(_base64),
    ]


class Print(Body):
    """In which form to print."""

    form: Literal["html", "pdf"]


class Printed(BaseModel):
    """A receipt on paper: its file in base64, and how often it was printed by now."""

    model_config = ConfigDict(extra="forbid")

    receipt_no: str
    print_count: int
    media_type: str
    content: str


_said: dict[str, Any] = {
    "detail": (str | None, Field(description="What is wrong with it, in words.")),
    "detail_zh": (str | None, ...),
    "note": (str | None, Field(description="What a valid one cannot tell.")),
    "note_zh": (str | None, ...),
    "receipt": (
        answer_model(Receipt) | answer_model(RefundVoucher) | None,
        Field(description="What is printed on a valid one; not for the auditor, who sees no names."),
    ),
}
_Verdict = create_model("ReceiptVerdict", __base__=answer_model(ReceiptCheck), **_said)


@operation(router, "POST", "/verifications", *_EVERYBODY, answer=_Verdict)
def verify(call: AnyCall, asked: Verification) -> Document:
    """Verify a signed receipt or refund voucher, with the keys that this scheme publishes.

    The treasury's signature, the proof from the ledger, and that what is printed is what was signed.  The
    verdict is the answer: `valid`, and the code of what is wrong.
    """
    sandbox = call.sandbox
    keys = sandbox.parties.published_keys() | sandbox.ledger.published_keys()
    found = verify_file(base64.b64decode(asked.document), keys)
    receipt = None if call.party.role is Role.AUDITOR else found.receipt
    return document(found) | {
        "detail": found.problem.message() if found.problem else None,
        "detail_zh": found.problem.message("zh") if found.problem else None,
        "note": str(SILENT) if found.valid else None,
        "note_zh": SILENT.zh if found.valid else None,
        "receipt": receipt,
    }


@operation(router, "GET", "/{receipt_no}", *_READERS, answer=Receipt)
def show(call: AnyCall, receipt_no: Number) -> Receipt:
    """Show what is printed on a receipt, and how the tax was computed.

    It bears the taxpayer's name and number: a taxpayer sees its own.
    """
    call.check_sees("receipt", receipt_no)
    return call.sandbox.payments.receipt(receipt_no=receipt_no)


@operation(router, "GET", "/{receipt_no}/text", *_READERS, answer=str, media_type="text/plain")
def text(call: AnyCall, receipt_no: Number, request: Request) -> Response:
    """Read a receipt as text of 78 columns, in the language of Accept-Language; it bears no signature."""
    call.check_sees("receipt", receipt_no)
    paper = receipts.paper(call.sandbox.payments.receipt(receipt_no=receipt_no))
    return Response(as_text(paper, language_of(request)) + "\n", media_type="text/plain")


@operation(router, "GET", "/{receipt_no}/signed", *_READERS, answer=SignedDocument, also={422: NOT_YET})
def signed(call: AnyCall, receipt_no: Number) -> dict[str, object]:
    """Show a receipt as its treasury signed it, with how the tax was computed and its proof."""
    call.check_sees("receipt", receipt_no)
    return signed_document(call.sandbox.payments.signed_receipt(receipt_no=receipt_no, explain=True))


@operation(router, "GET", "/{receipt_no}/cose", *_READERS, answer=bytes, media_type=COSE, also={422: NOT_YET})
def cose(call: AnyCall, receipt_no: Number) -> Response:
    """Fetch the signed receipt alone (COSE_Sign1), with its proof from the ledger."""
    call.check_sees("receipt", receipt_no)
    return Response(call.sandbox.payments.signed_receipt(receipt_no=receipt_no), media_type=COSE)


@operation(router, "POST", "/{receipt_no}/prints", *_READERS, answer=Printed, status=201)
def print_(call: AnyCall, receipt_no: Number, asked: Print, request: Request) -> dict[str, object]:
    """Print a receipt with its signed QR code, in the language of Accept-Language; prints are counted."""
    call.check_sees("receipt", receipt_no)
    language, content = language_of(request), b""

    def deliver(receipt: Receipt, signed: bytes) -> None:
        nonlocal content
        paper = replace(receipts.paper(receipt), signed=to_text(signed))
        if asked.form == "html":
            content = f"{as_html(paper, language)}\n".encode()
        else:
            from ecny_tax.payments.pdf import as_pdf

            content = as_pdf(paper, language)

    receipt = call.sandbox.payments.print_receipt(receipt_no=receipt_no, deliver=deliver)
    return {
        "receipt_no": receipt.receipt_no,
        "print_count": receipt.print_count,
        "media_type": "text/html" if asked.form == "html" else "application/pdf",
        "content": base64.b64encode(content).decode(),
    }
