"""What authorises a payment: the authority's signed instruction, or the wallet's signed order."""

from __future__ import annotations

from datetime import datetime

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import VerificationError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import batch_lines, model, rows
from ecny_tax.payments.loading import Case
from ecny_tax.payments.model import Document, Payment, PaymentMode
from ecny_tax.store import Transaction
from ecny_tax.taxes import bills
from ecny_tax.wallets import rows as wallet_rows


def authorise(keyring: Keyring, mode: PaymentMode, payment_no: str, case: Case, at: datetime) -> bytes:
    """The instruction, signed by the authority, or the order, signed by the wallet."""
    from ecny_tax.crypto.signatures import encode_sorted

    wallet_id = case.wallet.wallet_id
    content = model.authorisation_document(
        mode=mode,
        payment_no=payment_no,
        bill=case.bill,
        amount=case.bill.total,
        wallet_id=wallet_id,
        agreement_no=None if case.agreement is None else case.agreement.agreement_no,
        at=at,
    )
    if mode is PaymentMode.SCAN_TO_PAY:
        return _signed(
            keyring, "wallet", wallet_id, case.wallet_key, model.ORDER_TYPE, encode_sorted(content)
        )
    return sign_instruction(keyring, case.office, content)


def sign_instruction(keyring: Keyring, office: Institution, content: Document) -> bytes:
    """A debit instruction, signed by the tax authority with the key that it publishes."""
    from ecny_tax.crypto.signatures import encode_sorted

    return sign_as_authority(keyring, office, model.INSTRUCTION_TYPE, encode_sorted(content))


def sign_as_authority(keyring: Keyring, office: Institution, content_type: str, payload: bytes) -> bytes:
    """A document of that type, signed by the tax authority with the key that it publishes."""
    return _signed(keyring, "tax_authority", office.code, office.public_key, content_type, payload)


def _signed(keyring: Keyring, role: str, party: str, public_key: bytes, kind: str, payload: bytes) -> bytes:
    from ecny_tax.crypto.signatures import sign_one

    key = keyring.signing_key(role, party)
    # The operator accepts what the published key verifies.  Of a signature that is made right here, that
    # says no more than that this key is the published one, at a hundredth of the cost.
    if key.public_bytes != public_key:
        raise VerificationError("signature_invalid", signer=key.name)
    return sign_one(payload, key, kind)


def is_authorised(tx: Transaction, payment: Payment) -> bool:
    """Whether the stored authorisation of a payment verifies and says that very payment.

    One that was debited late, when its day was reconciled, has the authorisation of that day.
    """
    from ecny_tax.crypto.signatures import encode, verify_one

    if payment.mode is PaymentMode.OFFLINE:
        return True  # a voucher, which ``offline`` verifies from the root on
    if payment.mode is PaymentMode.BATCH_DEBIT:
        return batch_lines.is_signed(tx, payment)
    message, entrusted_at = rows.authorisation(tx, payment.payment_no)
    bill = bills.load(tx, payment.bill_no)
    by_wallet = payment.mode is PaymentMode.SCAN_TO_PAY
    name = f"wallet:{payment.wallet_id}" if by_wallet else f"tax_authority:{bill.authority}"
    if by_wallet:
        key = wallet_rows.public_key(tx, payment.wallet_id)
    else:
        key = parties.tax_authority(tx, bill.authority).public_key
    kind = model.ORDER_TYPE if by_wallet else model.INSTRUCTION_TYPE
    expected = model.authorisation_document(
        mode=payment.mode,
        payment_no=payment.payment_no,
        bill=bill,
        amount=payment.amount,
        wallet_id=payment.wallet_id,
        agreement_no=payment.agreement_no,
        at=entrusted_at or payment.settled_at,
    )
    try:
        _signer, content = verify_one(message, kind, lambda signer: key if signer == name else None)
    except VerificationError:
        return False
    return content == encode(expected)
