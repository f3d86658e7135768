"""Whether a payment is one that a line of a signed batch authorised, from what is kept of the batch."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from ecny_tax.errors import EcnyTaxError
from ecny_tax.parties import service as parties
from ecny_tax.payments import batch_rows, rows
from ecny_tax.payments.batch_model import DEBITS, Batch, Line, authorising_line
from ecny_tax.payments.model import Payment
from ecny_tax.store import Transaction
from ecny_tax.taxes import bills


def is_signed(tx: Transaction, payment: Payment) -> bool:
    """Whether the line that the payment names was signed by its authority, and says that very payment."""
    reference, _entrusted_at = rows.authorisation(tx, payment.payment_no)
    try:
        batch_no, number = authorising_line(reference)
        message = batch_rows.message(tx, batch_no) or b""
        authority = bills.load(tx, payment.bill_no).authority
        batch = _batch(message, authority, parties.tax_authority(tx, authority).public_key)
        part, place = batch.part_of(number)
        text = batch_rows.lines(tx, batch_no, part) or ""
        line = _lines(text, batch.parts[part])[place]
    except (ValueError, IndexError, EcnyTaxError):
        return False
    expected = Line(payment.bill_no, payment.agreement_no or "", payment.wallet_id, payment.amount)
    return batch.batch_no == batch_no and line == expected.text


@lru_cache(maxsize=16)
def _batch(message: bytes, authority: str, key: bytes) -> Batch:
    """The batch that a message says, when that authority signed it; checked once for all of its lines."""
    from ecny_tax.payments.batch_file import open_message

    name = f"tax_authority:{authority}"
    return open_message(message, DEBITS.content_type, lambda signer: key if signer == name else None)


@lru_cache(maxsize=4)
def _lines(text: str, digest: bytes) -> list[str]:
    """The lines of a part, when they are those that were signed; none where they are not."""
    same = hashlib.sha256(text.encode()).digest() == digest
    return text.splitlines(keepends=True) if same else []
