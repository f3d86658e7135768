"""The ledger: posting large batches, and verifying everything."""

from __future__ import annotations

import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.databases import Database, database
from bench.plain import ADD_TO_COUNTERS, Twin, added, connect
from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_wallets, pay_bills, post, random_batch, verified_apart
from ecny_tax.ledger.model import MAX_BATCH
from ecny_tax.store import open_store

_WALLETS = 1_000
_pick = random.Random(1)  # noqa: S311 - the same transfers in every run


@benchmark("postgres_ledger_batches", engine="postgresql", at_least=0.8)
@benchmark("ledger_batches", engine="sqlite", at_least=0.8)
def ledger_batches(setting: Setting) -> tuple[float, str]:
    size, rounds = setting.size(MAX_BATCH, 200), setting.size(15, 2)
    with database(setting.engine, setting.folder) as db:
        accounts = _accounts(db, setting)
        twin = Twin(db.name)
        store = open_store(db.name)

        def ours() -> float:
            batch = random_batch(store, accounts, size, _pick)
            with stopwatch() as taken:
                post(store, batch)
            return taken[0]

        def plain() -> float:
            insert, rows = twin.news("transfer", "seq")
            counters = added(rows)
            with stopwatch() as taken:
                twin.copy.write((insert, rows), (ADD_TO_COUNTERS, counters))
            return taken[0]

        mine, theirs = compare(rounds, ours, plain)
        store.close()
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} transfers/s; {twin.copy.many} writes the same rows at {size / theirs:,.0f}/s "
        f"(median of {rounds} durable batches of {size:,} among {len(accounts):,} wallets)"
    )


@benchmark("postgres_verification", engine="postgresql", at_least=0.25)
@benchmark("verification", engine="sqlite", at_least=0.25)
def verification(setting: Setting) -> tuple[float, str]:
    """Of SQLite both sides are processor time; a server's is seen in the time on the wall alone."""
    paid, rounds = setting.size(4_000, 10), setting.size(5, 2)
    is_file = setting.engine == "sqlite"
    kind, clock = ("processor", time.process_time) if is_file else ("wall", time.perf_counter)
    with database(setting.engine, setting.folder) as db:
        count = _fill(db, setting, batches=setting.size(123, 1))
        with db.open() as sandbox:
            pay_bills(sandbox, paid)
        peak = verified_apart(db)[0]
        reader = connect(db.name)
        with db.open() as sandbox:

            def ours() -> float:
                with stopwatch(clock) as taken:
                    found = sandbox.ledger.verify()
                if not found.ok:
                    raise RuntimeError(f"the benchmark's own ledger does not verify: {found.checks}")
                return taken[0]

            def plain() -> float:
                with stopwatch(clock) as taken:
                    for table in ("account", "transfer", "wallet", "bill", "payment"):
                        reader.read_through(table)
                return taken[0]

            mine, theirs = compare(rounds, ours, plain)
        reader.close()
    return theirs / mine, (
        f"{count / mine:,.0f} transfers/s verified, balances and sealed log; {reader.module} reads the same "
        f"rows at {count / theirs:,.0f}/s ({kind} time, median of {rounds} runs over {count:,} transfers "
        f"and {paid:,} payments; peak of a process that verifies them: {peak:.1f} MB)"
    )


@benchmark("sealing", engine="sqlite", at_least=0.85)
def sealing(setting: Setting) -> tuple[float, str]:
    """What sealing costs a process that posts batches: all of it, to the end of the process."""
    batches = setting.size(24, 3)

    def posting(*, sealed: bool) -> float:
        with TemporaryDirectory(dir=setting.folder) as folder, database("sqlite", Path(folder)) as db:
            accounts = _accounts(db, setting)
            store, sandbox = db.opened()
            with sandbox:
                if not sealed:
                    store.watcher = None
                taken = 0.0
                for _ in range(batches):
                    batch = random_batch(store, accounts, setting.size(MAX_BATCH, 200), _pick)
                    with stopwatch() as posted:
                        post(store, batch)
                    taken += posted[0]
                with stopwatch() as closed:
                    sandbox.close()
            with db.open() as sandbox:
                if (sandbox.ledger.records() == sandbox.ledger.verify().sealed) is not sealed:
                    raise RuntimeError("the log is not as this side of the benchmark needs it")
        return taken + closed[0]

    rounds, count = setting.size(3, 2), batches * setting.size(MAX_BATCH, 200)
    mine, theirs = compare(rounds, lambda: posting(sealed=True), lambda: posting(sealed=False))
    return theirs / mine, (
        f"{count / mine:,.0f} transfers/s posted and sealed, the end of the process included; "
        f"{count / theirs:,.0f}/s without sealing (median of {rounds} runs of {batches} durable batches)"
    )


@benchmark("postgres_verification_memory", engine="postgresql", at_least=0.9)
@benchmark("verification_memory", engine="sqlite", at_least=0.9)
def verification_memory(setting: Setting) -> tuple[float, str]:
    """Flat memory: four times the ledger must not take more of it."""
    peaks, counts = [], []
    with database(setting.engine, setting.folder) as db:
        for batches in (setting.size(10, 1), setting.size(30, 3)):
            counts.append(_fill(db, setting, batches))
            peaks.append(verified_apart(db)[0])
    return peaks[0] / peaks[1], (
        f"peak of a process that verifies {counts[0]:,} transfers: {peaks[0]:.1f} MB; "
        f"{counts[1]:,} transfers: {peaks[1]:.1f} MB"
    )


def _accounts(db: Database, setting: Setting) -> list[int]:
    with db.open() as sandbox:
        known = sandbox.wallets.list() or open_wallets(sandbox, setting.size(_WALLETS, 10))
    return [wallet.account_id for wallet in known]


def _fill(db: Database, setting: Setting, batches: int) -> int:
    """Post batches among the wallets of a scheme; return how many transfers it then has."""
    accounts = _accounts(db, setting)
    store, sandbox = db.opened()
    with sandbox:
        for _ in range(batches):
            post(store, random_batch(store, accounts, setting.size(MAX_BATCH, 200), _pick))
        sandbox.ledger.checkpoint()
        return sandbox.status().transfers
