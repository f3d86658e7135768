"""Payments of bills, one a call."""

from __future__ import annotations

from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import SET_COUNTERS, Twin, open_wallets
from ecny_tax import Sandbox, yuan


@benchmark("single_payment", engine="sqlite", at_least=0.4)
def single_payment(setting: Setting) -> tuple[float, str]:
    """Real-time debits under an agreement, each signed and committed by itself.

    The plain transaction follows each payment, so that both find the processor's caches as a program does
    that has other things to do than to commit.
    """
    path = setting.folder / "payments.db"
    rounds = setting.size(1500, 10)
    with Sandbox.open(path) as sandbox:
        (wallet,) = open_wallets(sandbox, 1)
        agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
        bills = [
            sandbox.taxes.declare_stamp_duty(
                wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
            ).bill_no
            for _ in range(rounds + 1)
        ]
        sandbox.payments.pay(bill_no=bills.pop())  # the first one opens the collection account
        twin = Twin(path)

        def ours() -> float:
            bill_no = bills.pop()
            with stopwatch() as taken:
                sandbox.payments.pay(bill_no=bill_no, agreement_no=agreement.agreement_no)
            return taken[0]

        def plain() -> float:
            insert_transfer, (transfer,) = twin.news("transfer", "seq")
            insert_payment, (payment,) = twin.news("payment", "place")
            counters = twin.counters([transfer])
            with stopwatch() as taken:
                twin.copy.execute("BEGIN IMMEDIATE")
                twin.copy.execute(insert_transfer, transfer)
                twin.copy.executemany(SET_COUNTERS, counters)
                twin.copy.execute(insert_payment, payment)
                twin.copy.execute("UPDATE bill SET status = 'paid' WHERE bill_no = ?", (payment[1],))
                twin.copy.execute("COMMIT")
            return taken[0]

        mine, theirs = compare(rounds, ours, plain)
        twin.close()
    return theirs / mine, (
        f"{1 / mine:,.0f} payments/s, authorisation signed; one plain sqlite3 transaction "
        f"for each writes the same rows at {1 / theirs:,.0f}/s (median of {rounds:,} of each)"
    )
