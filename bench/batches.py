"""Batches of debits from a signed file."""

from __future__ import annotations

from bench.databases import database
from bench.plain import ADD_TO_COUNTERS, SET_PAID, Twin, added
from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_companies, owe_many
from ecny_tax.payments.batch_model import PART_LINES


@benchmark("postgres_batch_debit", engine="postgresql", at_least=0.4)
@benchmark("batch_debit", engine="sqlite", at_least=0.4)
def batch_debit(setting: Setting) -> tuple[float, str]:
    """Read, checked, decided line by line and committed part by part."""
    file = setting.folder / "batch.txt"
    size, rounds, companies = setting.size(100_000, 40), setting.size(3, 2), setting.size(1_000, 4)
    with database(setting.engine, setting.folder) as db:
        with db.open() as sandbox:
            open_companies(sandbox, companies)
        twin = Twin(db.name)
        store, sandbox = db.opened()
        with sandbox:
            store.watcher = None  # what sealing costs is a row of its own

            def ours() -> float:
                owe_many(db.name, size)
                with file.open("w") as out:
                    sandbox.payments.write_batch(deliver=out.writelines)
                twin.take_over("bill")
                with stopwatch() as taken:
                    done = sandbox.payments.pay_batch(file=file)
                if done.lines_paid != size:
                    raise RuntimeError(f"the benchmark's own batch was not paid: {done}")
                return taken[0]

            def plain() -> float:
                batch = twin.news("batch", "place")
                insert_part, parts = twin.those("batch_part", "batch_no", batch[1][0][0])
                insert_transfer, transfers = twin.news("transfer", "seq")
                insert_payment, payments = twin.news("payment", "place")
                written = []
                for place, start in enumerate(range(0, size, PART_LINES)):
                    moved, paid = (rows[start : start + PART_LINES] for rows in (transfers, payments))
                    written.append(
                        [
                            *([batch] if place == 0 else []),
                            (insert_transfer, moved),
                            (ADD_TO_COUNTERS, added(moved)),
                            (insert_payment, paid),
                            (SET_PAID, [(payment[1],) for payment in paid]),
                            (insert_part, [parts[place]]),
                        ]
                    )
                with stopwatch() as taken:
                    for part in written:
                        twin.copy.write(*part)
                return taken[0]

            mine, theirs = compare(rounds, ours, plain)
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} debits/s from a signed file; {twin.copy.many} writes the same rows at "
        f"{size / theirs:,.0f}/s (median of {rounds} batches of {size:,} bills of {companies:,} taxpayers, "
        f"{PART_LINES:,} a transaction)"
    )
