"""Documents that a treasury signed, as they leave over HTTP."""

from __future__ import annotations

import base64

from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.text_form import to_text

#: RFC 9052, 12.1: what a COSE message is called.
COSE = "application/cose"
NOT_YET = "There is no such document yet, or it cannot be signed."


class SignedDocument(BaseModel):
    """A signed document (COSE_Sign1): as POST /v1/receipts/verifications takes it, and as QR codes do."""

    model_config = ConfigDict(extra="forbid")

    cose: str = Field(description="In base64.")
    text: str = Field(description="`ECNY1:` and base45.")


def signed_document(signed: bytes) -> dict[str, object]:
    """A signed document in both forms."""
    return {"cose": base64.b64encode(signed).decode(), "text": to_text(signed)}
