"""Documents that a treasury signed, as they leave over HTTP."""

from __future__ import annotations

import base64

from pydantic import BaseModel

from ecny_tax.documents import Document, document
from ecny_tax.payments.model import Receipt
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.web.schemas import with_members

#: RFC 9052, 12.1: what a COSE message is called.
COSE = "application/cose"
NOT_YET = "There is no such document yet, or it cannot be signed."


def signed_model(record: type) -> type[BaseModel]:
    """The JSON form of a document with its signed one, as `receipt show --out` writes it."""
    return with_members(f"Signed{record.__name__}", record, cose=str)


def signed_document(signed: bytes, record: Receipt | RefundVoucher) -> Document:
    """What is printed, and what was signed of it."""
    return document(record) | {"cose": base64.b64encode(signed).decode()}
