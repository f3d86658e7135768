"""Payments of bills, one a call."""

from __future__ import annotations

from bench.plain import Twin, one_by_one
from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_wallets, owe
from ecny_tax import Sandbox


@benchmark("single_payment", engine="sqlite", at_least=0.4)
def single_payment(setting: Setting) -> tuple[float, str]:
    """Real-time debits under an agreement, each signed and committed by itself."""
    path = setting.folder / "payments.db"
    rounds, size = setting.size(15, 2), setting.size(100, 5)
    with Sandbox.open(path) as sandbox:
        (wallet,) = open_wallets(sandbox, 1)
        agreement_no, bills = owe(sandbox, wallet.wallet_id, rounds * size + 1)
        sandbox.payments.pay(bill_no=bills.pop())  # the first one opens the collection account
        twin = Twin(path)

        def ours() -> float:
            block = [bills.pop() for _ in range(size)]
            with stopwatch() as taken:
                for bill_no in block:
                    sandbox.payments.pay(bill_no=bill_no, agreement_no=agreement_no)
            return taken[0]

        mine, theirs = compare(rounds, ours, lambda: one_by_one(twin, twin.payments_alone()))
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} payments/s, authorisation signed; one plain sqlite3 transaction for each writes "
        f"the same rows at {size / theirs:,.0f}/s (median of {rounds} blocks of {size})"
    )
