"""Verifying signed receipts of payments and refunds with the published keys alone.

It stands in this room because it knows both kinds; a database is not needed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ecny_tax import strict_json
from ecny_tax.documents import document
from ecny_tax.errors import InvalidInputError, Language, Said, VerificationError
from ecny_tax.payments.model import Receipt
from ecny_tax.payments.signing import Kind, open_signed
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.text_form import from_text, to_text

if TYPE_CHECKING:
    from ecny_tax.payments.paper import Paper

_SIGNED = re.compile(r'<pre id="signed">([^<]*)</pre>')
#: How PDF, PNG, JPEG and GIF files begin, and those of most telephones.
_PICTURES = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\0\0\0\x18ftyp", b"\0\0\0\x24ftyp")

#: What no receipt can tell, which is said beside the verdict on a valid one.
SILENT = Said(
    "it says what was so when it was issued; whether the payment was reversed or refunded since,"
    " it cannot say",
    "凭证说明的是开具时的情况；此后是否冲正或退税，凭证本身无法说明",
)


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """What became of checking a signed receipt (签名凭证) with the published keys alone.

    ``reason`` is the code of what is wrong; ``problem`` says it in words.  Of a valid one, ``receipt`` holds
    what is printed, ``signer`` is the treasury's key, ``origin`` and ``sealed`` tell the checkpoint: which
    ledger it is, and how many records it sealed.  What happened after ``issued_at`` no receipt can tell: the
    payment may have been reversed or refunded since.
    """

    valid: bool
    reason: str | None
    signer: str | None
    issued_at: datetime | None
    origin: str | None
    sealed: int | None
    receipt: Receipt | RefundVoucher | None = field(metadata={"internal": True})
    problem: VerificationError | None = field(default=None, metadata={"internal": True})


def verify_file(data: bytes, published_keys: Mapping[str, str]) -> ReceiptCheck:
    """Check a file by what it holds: a ``.cose``, ``.json`` or ``.html`` file, or the text of a QR code.

    Besides the reasons of :func:`verify_page` there is ``receipt_fields_differ``.  Raises
    ``InvalidInputError`` (``receipt_pdf``) for a PDF or a picture, in which nothing can be compared.
    """
    if data.startswith(_PICTURES):
        raise InvalidInputError("receipt_pdf")
    try:
        text = data.decode()
    except UnicodeDecodeError:  # no text
        return verify_receipt(data, published_keys)
    begin = text.removeprefix("\ufeff").lstrip()
    if begin.startswith("<"):
        return verify_page(text, published_keys)
    if begin.startswith("{"):
        try:
            return _checked_json(begin, published_keys)
        except VerificationError as problem:
            return refused(problem)
    if begin.startswith("ECNY1:"):
        return verify_receipt(begin, published_keys)
    return refused(VerificationError("receipt_text_missing"))


def verify_receipt(data: bytes | str, published_keys: Mapping[str, str]) -> ReceiptCheck:
    """Check a signed receipt: the bytes of a ``.cose`` file, or its text as in a QR code (``ECNY1:…``).

    ``published_keys`` is name → 64 hex digits, as ``Sandbox.published_keys`` gives them.  Answers, and does
    not raise, for any bytes or text whatever.
    """
    try:
        return _checked(from_text(data) if isinstance(data, str) else data, published_keys)
    except VerificationError as problem:
        return refused(problem)


def verify_page(page: str, published_keys: Mapping[str, str]) -> ReceiptCheck:
    """Check a receipt's HTML page: its signed text verifies, and prints exactly this page again.

    So nobody alters what is seen and leaves what is signed.  Besides the reasons of :func:`verify_receipt`
    there are ``receipt_text_missing`` and ``receipt_page_differs``.
    """
    from ecny_tax.payments.printing import as_html

    found = _SIGNED.search(page)
    if found is None:
        return refused(VerificationError("receipt_text_missing"))
    check = verify_receipt(found[1], published_keys)
    if check.receipt is None:
        return check
    language: Language = "zh" if '<html lang="zh' in page[: found.start()] else "en"
    if page.removesuffix("\n") != as_html(signed_paper(check.receipt, found[1]), language):
        return refused(VerificationError("receipt_page_differs"))
    return check


def signed_paper(receipt: Receipt | RefundVoucher, signed: bytes | str) -> Paper:
    """What is printed of a signed receipt, with its steps where they were signed, and its code."""
    from ecny_tax.payments import receipts
    from ecny_tax.payments.paper import explained
    from ecny_tax.refunds import vouchers

    paper = receipts.paper(receipt) if isinstance(receipt, Receipt) else vouchers.paper(receipt)
    text = to_text(signed) if isinstance(signed, bytes) else signed
    return replace(explained(paper, receipt.steps), signed=text)


def _checked_json(text: str, published: Mapping[str, str]) -> ReceiptCheck:
    """Check the signed receipt inside a JSON file, and that every field is as it was signed."""
    try:
        shown = strict_json.loads(text)
        if not isinstance(shown, dict):
            raise TypeError
        data = base64.b64decode(shown.pop("cose"), validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise VerificationError("receipt_text_missing") from None
    check = verify_receipt(data, published)
    if check.receipt is not None:
        expected = document(check.receipt)
        for field_name in dict.fromkeys((*expected, *shown)):
            both = field_name in expected and field_name in shown
            if not both or _as_text(shown[field_name]) != _as_text(expected[field_name]):
                raise VerificationError("receipt_fields_differ", field=field_name)
    return check


def _as_text(value: object) -> str:
    """A JSON value to compare by: true is not 1 here, and 1.0 is not 1."""
    return json.dumps(value, sort_keys=True)


def _checked(data: bytes, published: Mapping[str, str]) -> ReceiptCheck:
    from ecny_tax.payments import receipt_form
    from ecny_tax.refunds import refund_voucher_form

    opened = open_signed(data, published)
    receipt: Receipt | RefundVoucher
    if opened.kind is Kind.PAYMENT:
        receipt = receipt_form.receipt_of(opened)
        checkpoint = receipt_form.check(opened, receipt, published)
    else:
        receipt = refund_voucher_form.voucher_of(opened)
        checkpoint = refund_voucher_form.check(opened, receipt, published)
    return ReceiptCheck(
        valid=True,
        reason=None,
        signer=opened.signer,
        issued_at=opened.issued_at,
        origin=checkpoint.origin,
        sealed=checkpoint.size,
        receipt=receipt,
    )


def refused(problem: VerificationError) -> ReceiptCheck:
    """The verdict that something is wrong: what does not verify says nothing else."""
    return ReceiptCheck(False, problem.code, None, None, None, None, None, problem)
