"""What moves the money of a payment: an instruction of the authority, or an order of the wallet, signed."""

from __future__ import annotations

import pytest

from ecny_tax import Fen, Sandbox, VerificationError
from ecny_tax.crypto.signatures import decode, verify_one
from ecny_tax.payments.model import INSTRUCTION_TYPE, ORDER_TYPE
from tests.support import AUTHORITY, corporate, owe, refused


def authorisation(sandbox: Sandbox, payment_no: str) -> bytes:
    with sandbox._store.reading() as tx:
        row = tx.row("SELECT authorisation FROM payment WHERE payment_no = :number", number=payment_no)
    assert row is not None
    return bytes(row[0])


def published(sandbox: Sandbox, name: str) -> bytes | None:
    key = sandbox.published_keys().get(name)
    return None if key is None else bytes.fromhex(key)


@pytest.mark.parametrize("debit", [True, False])
def test_the_published_key_verifies_what_moved_the_money_and_it_says_which(
    sandbox: Sandbox, debit: bool
) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no if debit else ""
    bill = owe(sandbox, wallet, 400)
    paid = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    kind, other = (INSTRUCTION_TYPE, ORDER_TYPE) if debit else (ORDER_TYPE, INSTRUCTION_TYPE)
    message = authorisation(sandbox, paid.payment_no)
    signer, content = verify_one(message, kind, lambda name: published(sandbox, name))
    assert signer == (f"tax_authority:{AUTHORITY}" if debit else f"wallet:{wallet.wallet_id}")
    assert decode(content) == {
        "agreement_no": agreement,
        "amount": 400,
        "at": paid.settled_at.isoformat(),
        "authority": AUTHORITY,
        "bill_no": bill.bill_no,
        "entrust_date": paid.settled_at.date().isoformat(),
        "mode": paid.mode,
        "trace_no": paid.payment_no,
        "wallet_id": wallet.wallet_id,
    }
    with pytest.raises(VerificationError):
        verify_one(message, other, lambda name: published(sandbox, name))


@pytest.mark.parametrize("debit", [True, False])
def test_a_key_that_is_not_the_published_one_moves_nothing(sandbox: Sandbox, debit: bool) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    if debit:
        sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    bill = owe(sandbox, wallet, 400)
    table, number = ("institution", "code = :number") if debit else ("wallet", "wallet_id = :number")
    named = AUTHORITY if debit else wallet.wallet_id
    with sandbox._store.transaction() as tx:
        row = tx.row(f"SELECT public_key FROM {table} WHERE {number}", number=named)
        assert row is not None
        tx.run(f"UPDATE {table} SET public_key = :key WHERE {number}", key=b"\1" * 32, number=named)
    with refused(sandbox, "signature_invalid"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    with sandbox._store.transaction() as tx:
        tx.run(f"UPDATE {table} SET public_key = :key WHERE {number}", key=row[0], number=named)
    assert sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).status == "settled"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payment SET authorisation = :other WHERE payment_no = :number",
        "UPDATE payment SET authorisation = substr(authorisation, 1, 90) WHERE payment_no = :number",
        "UPDATE payment SET balance_after = 1, mode = 'set_off' WHERE payment_no = :number",
        "UPDATE payment SET settled_at = settled_at + 1 WHERE payment_no = :number",
    ],
)
def test_i6_an_authorisation_that_is_not_that_of_its_payment_is_found(change: str) -> None:
    with Sandbox.open() as sandbox:
        wallet = corporate(sandbox, fund=Fen(1_000))
        paid = [
            sandbox.payments.pay(
                bill_no=owe(sandbox, wallet, 400).bill_no, wallet_id=wallet.wallet_id
            ).payment_no
            for _ in range(2)
        ]
        assert sandbox.payments.check_authorisations().ok
        other = authorisation(sandbox, paid[0])
        with sandbox._store.transaction() as tx:
            tx.run(change, number=paid[1], **({"other": other} if ":other" in change else {}))
        check = sandbox.payments.check_authorisations()
        assert (check.ok, check.detail) == (False, paid[1])
