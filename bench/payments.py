"""Payments of bills, one a call."""

from __future__ import annotations

from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import SET_COUNTERS, Twin, open_companies, open_wallets, owe_many, plain_payments
from ecny_tax import Sandbox, yuan
from ecny_tax.payments.batch_model import PART_LINES


@benchmark("single_payment", engine="sqlite", at_least=0.4)
def single_payment(setting: Setting) -> tuple[float, str]:
    """Real-time debits under an agreement, each signed and committed by itself."""
    path = setting.folder / "payments.db"
    rounds, size = setting.size(15, 2), setting.size(100, 5)
    with Sandbox.open(path) as sandbox:
        (wallet,) = open_wallets(sandbox, 1)
        agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
        bills = [
            sandbox.taxes.declare_stamp_duty(
                wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
            ).bill_no
            for _ in range(rounds * size + 1)
        ]
        sandbox.payments.pay(bill_no=bills.pop())  # the first one opens the collection account
        twin = Twin(path)

        def ours() -> float:
            block = [bills.pop() for _ in range(size)]
            with stopwatch() as taken:
                for bill_no in block:
                    sandbox.payments.pay(bill_no=bill_no, agreement_no=agreement.agreement_no)
            return taken[0]

        mine, theirs = compare(rounds, ours, lambda: plain_payments(twin))
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} payments/s, authorisation signed; one plain sqlite3 transaction for each writes "
        f"the same rows at {size / theirs:,.0f}/s (median of {rounds} blocks of {size})"
    )


@benchmark("batch_debit", engine="sqlite", at_least=0.4)
def batch_debit(setting: Setting) -> tuple[float, str]:
    """Batches of debits in a signed file: read, checked, decided line by line and committed part by part."""
    path, file = setting.folder / "batches.db", setting.folder / "batch.txt"
    size, rounds, companies = setting.size(100_000, 40), setting.size(3, 2), setting.size(1_000, 4)
    with Sandbox.open(path) as sandbox:
        open_companies(sandbox, companies)
        sandbox._store.watcher = None  # what sealing costs is a row of its own
        twin = Twin(path)

        def ours() -> float:
            owe_many(path, size)
            with file.open("w") as out:
                sandbox.payments.write_batch(deliver=out.writelines)
            twin.take_over("bill")
            with stopwatch() as taken:
                done = sandbox.payments.pay_batch(file=file)
            if done.lines_paid != size:
                raise RuntimeError(f"the benchmark's own batch was not paid: {done}")
            return taken[0]

        def plain() -> float:
            insert_batch, batches = twin.news("batch", "place")
            insert_part, parts = twin.news("batch_part", "rowid")
            insert_transfer, transfers = twin.news("transfer", "seq")
            insert_payment, payments = twin.news("payment", "place")
            starts = range(0, size, PART_LINES)
            counters = twin.counters_after([transfers[start : start + PART_LINES] for start in starts])
            with stopwatch() as taken:
                for place, start in enumerate(starts):
                    paid = payments[start : start + PART_LINES]
                    twin.copy.execute("BEGIN IMMEDIATE")
                    if place == 0:
                        twin.copy.executemany(insert_batch, batches)
                    twin.copy.executemany(insert_transfer, transfers[start : start + PART_LINES])
                    twin.copy.executemany(SET_COUNTERS, counters[place])
                    twin.copy.executemany(insert_payment, paid)
                    closed = [(payment[1],) for payment in paid]
                    twin.copy.executemany("UPDATE bill SET status = 'paid' WHERE bill_no = ?", closed)
                    twin.copy.execute(insert_part, parts[place])
                    twin.copy.execute("COMMIT")
            return taken[0]

        mine, theirs = compare(rounds, ours, plain)
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} debits/s from a signed file; sqlite3.executemany writes the same rows at "
        f"{size / theirs:,.0f}/s (median of {rounds} batches of {size:,} bills of {companies:,} taxpayers, "
        f"{PART_LINES:,} a transaction)"
    )
