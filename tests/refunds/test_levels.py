"""Which budget level pays a refund: the one that got the money, however small the parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, Sandbox
from ecny_tax.treasury.model import part_of
from tests.support import corporate, owe

LEVELS = ("central", "province", "city", "county")


def revenue(sandbox: Sandbox) -> dict[str, int]:
    found = {account.account: account.balance for account in sandbox.ledger.accounts()}
    return {level: found[f"revenue:1907840000:{level}"] for level in LEVELS}


@pytest.mark.parametrize("parts", [[100], [1] * 100, [33, 33, 34], [99, 1], [7] * 14 + [2]])
def test_a_payment_refunded_in_parts_takes_from_each_level_what_it_got(
    sandbox: Sandbox, parts: list[int]
) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    bill = owe(sandbox, wallet, 100)
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    receipt = sandbox.payments.receipt(receipt_no=payment.receipt_no)
    before = revenue(sandbox)
    for part in parts:
        sandbox.refunds.apply_for_payment(payment_no=payment.payment_no, amount=Fen(part))
    taken = {level: before[level] - left for level, left in revenue(sandbox).items()}
    assert taken == dict.fromkeys(LEVELS, 0) | {line.budget_level: line.amount for line in receipt.lines}


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=5).filter(any), st.data())
def test_no_level_gives_back_more_than_it_has(left: list[int], data: st.DataObject) -> None:
    by_level = {str(place): Fen(amount) for place, amount in enumerate(left)}
    amount = Fen(data.draw(st.integers(1, sum(left))))
    shares = part_of(by_level, amount)
    assert sum(shares.values()) == amount
    assert all(0 <= shares[level] <= by_level[level] for level in by_level)


def test_what_is_asked_back_is_pending_until_it_is_credited(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    bill = owe(sandbox, wallet, 1_000)
    number = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).payment_no
    sandbox.refunds.apply_for_payment(payment_no=number, amount=Fen(300))
    asked = sandbox.refunds.apply_for_payment(payment_no=number, amount=Fen(100), manual_review=True)

    def figures() -> tuple[int, int, int]:
        payment = sandbox.payments.show(payment_no=number)
        return payment.refunded, payment.refund_pending, payment.refundable

    assert figures() == (300, 100, 600)
    sandbox.refunds.approve(refund_no=asked.refund_no)
    assert figures() == (400, 0, 600)
    rejected = sandbox.refunds.apply_for_payment(payment_no=number, manual_review=True)
    assert figures() == (400, 600, 0)
    sandbox.refunds.reject(refund_no=rejected.refund_no)
    assert figures() == (400, 0, 600)
    assert sandbox.ledger.verify().ok
