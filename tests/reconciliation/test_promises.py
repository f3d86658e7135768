"""In any order of payments, failures and mends: what was ordered is found by class, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from tests.reconciliation.struck import DAY, LEAVES, compared, counts
from tests.support import START, balance, corporate, owe

FUND = 10_000
#: Pay with a failure of that kind (or none), reverse, mend, or pay a bill again that may be in doubt.
steps = st.lists(
    st.tuples(
        st.sampled_from([None, None, *LEAVES, "again", "mend", "reverse", "cash_out"]),
        st.integers(0, 1),
        st.sampled_from([1, 99, 100, 3_000]),
    ),
    max_size=14,
)


def _verified(s: Sandbox) -> None:
    found = s.ledger.verify()
    assert found.ok, [check for check in found.checks if not check.ok]


@settings(max_examples=max(10, settings.default.max_examples // 3))
@given(steps=steps, keyed=st.booleans())
def test_I1_I2_I3_I4_I6_I7_what_was_ordered_is_found_and_mended(
    steps: list[tuple[Any, int, int]], keyed: bool
) -> None:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="reconciliation") as s:
        wallets = [corporate(s, fund=Fen(FUND)), corporate(s, 2, operator="BOC", fund=Fen(FUND))]
        for wallet in wallets:
            s.agreements.sign(wallet_id=wallet.wallet_id)
        out = [0, 0]  # cashed out of each wallet
        found: Counter[int] = Counter()
        bills: list[tuple[str, int]] = []
        for number, (what, which, amount) in enumerate(steps):
            wallet = wallets[which]
            held = balance(s, wallet)
            if what == "mend":
                result = s.reconciliation.mend(entrust_date=DAY)
                assert result.ok
                found = Counter(counts(result))
            elif what == "reverse":
                _reverse_one(s, found)
            elif what == "cash_out":
                if held >= amount:
                    s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(amount))
                    out[which] += amount
            elif what == "again":
                _pay_again(s, bills, found)
            elif held >= 2 * amount:
                bill = owe(s, wallet, amount).bill_no
                bills.append((bill, which))
                _pay(s, bill, what, f"k{number}" if keyed else None)
                found[LEAVES[what][0] if what else 1] += 1
            assert counts(compared(s)) == dict(+found)
            _verified(s)
        result = s.reconciliation.mend(entrust_date=DAY)
        assert result.ok
        assert set(counts(result)) <= {1, 7}
        _verified(s)
        for wallet, gone in zip(wallets, out, strict=True):
            paid = [p for p in s.payments.list() if p.wallet_id == wallet.wallet_id and p.status == "settled"]
            assert balance(s, wallet) + gone + sum(p.amount for p in paid) == FUND, "I6"
        for bill, _ in bills:
            settled = [p for p in s.payments.list() if p.bill_no == bill and p.status == "settled"]
            assert len(settled) == (s.taxes.bill(bill_no=bill).status == "paid"), "I7"
            assert s.taxes.bill(bill_no=bill).in_doubt is None
        assert s.payments.check_authorisations().ok


def _pay(s: Sandbox, bill: str, failure: str | None, key: str | None) -> None:
    if failure is not None:
        s.reconciliation.order_failure(kind=failure)
    if failure in (None, "delivered_twice"):
        assert s.payments.pay(bill_no=bill, idempotency_key=key).status == "settled"
        return
    with pytest.raises(EcnyTaxError, match="payment_outcome_unknown"):
        s.payments.pay(bill_no=bill, idempotency_key=key)
    if key is not None and failure != "both_failed":
        with pytest.raises(EcnyTaxError, match="payment_outcome_unknown"):
            s.payments.pay(bill_no=bill, idempotency_key=key)


def _pay_again(s: Sandbox, bills: list[tuple[str, int]], found: Counter[int]) -> None:
    """The newest bill once more: paid where nobody paid it, refused where that is so or not known."""
    if not bills:
        return
    bill = s.taxes.bill(bill_no=bills[-1][0])
    try:
        s.payments.pay(bill_no=bill.bill_no)
        code = "paid"
        found[1] += 1
    except EcnyTaxError as refusal:
        code = refusal.code
    if (bill.status, bill.in_doubt) == ("open", None):
        assert code in ("paid", "insufficient_funds")
    else:
        assert code == ("bill_in_doubt" if bill.in_doubt else "bill_already_paid")


def _reverse_one(s: Sandbox, found: Counter[int]) -> None:
    for payment in s.payments.list():
        if payment.status == "settled":
            code = "reversed"
            try:
                s.payments.reverse(payment_no=payment.payment_no)
                found[1] -= 1
            except EcnyTaxError as refusal:
                code = refusal.code
            assert code in ("reversed", "payment_in_doubt")
            return
