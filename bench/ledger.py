"""The ledger: posting large batches, and verifying everything."""

from __future__ import annotations

import random
import secrets
import subprocess
import sys
import time
from pathlib import Path

from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import SET_COUNTERS, Twin, open_wallets, pay_bills
from ecny_tax import Sandbox
from ecny_tax.crypto.keyring import read_keyring
from ecny_tax.ledger.model import MAX_BATCH, Ledger, Transfer, TransferCode
from ecny_tax.store import Store, journal, open_store

_WALLETS = 1_000
_pick = random.Random(1)  # noqa: S311 - the same transfers in every run


@benchmark("ledger_batches", engine="sqlite", at_least=0.8)
def ledger_batches(setting: Setting) -> tuple[float, str]:
    path = setting.folder / "ledger.db"
    accounts = _accounts(path, setting)
    size, rounds = setting.size(MAX_BATCH, 200), setting.size(15, 2)
    store, twin = open_store(str(path)), Twin(path)

    def ours() -> float:
        batch = _batch(store, accounts, size)
        with stopwatch() as taken, store.transaction() as tx:
            journal.post(tx, batch)
        return taken[0]

    def plain() -> float:
        insert, rows = twin.news("transfer", "seq")
        counters = twin.counters(rows)
        with stopwatch() as taken:
            twin.copy.execute("BEGIN IMMEDIATE")
            twin.copy.executemany(insert, rows)
            twin.copy.executemany(SET_COUNTERS, counters)
            twin.copy.execute("COMMIT")
        return taken[0]

    mine, theirs = compare(rounds, ours, plain)
    store.close()
    twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} transfers/s; sqlite3.executemany writes the same rows at {size / theirs:,.0f}/s "
        f"(median of {rounds} durable batches of {size:,} among {len(accounts):,} wallets)"
    )


@benchmark("verification", engine="sqlite", at_least=0.25)
def verification(setting: Setting) -> tuple[float, str]:
    path = setting.folder / "verified.db"
    count, paid = _fill(path, setting, batches=setting.size(123, 1)), setting.size(4_000, 10)
    with Sandbox.open(path) as sandbox:
        pay_bills(sandbox, paid)
    peak = _peak_of_verifying(path)
    twin = Twin(path)
    with Sandbox.open(path) as sandbox:

        def ours() -> float:
            with stopwatch(time.process_time) as taken:
                found = sandbox.ledger.verify()
            if not found.ok:
                raise RuntimeError(f"the benchmark's own ledger does not verify: {found.checks}")
            return taken[0]

        def plain() -> float:
            with stopwatch(time.process_time) as taken:
                for table in ("account", "transfer", "wallet", "bill", "payment"):
                    for _ in twin.copy.execute(f"SELECT * FROM {table}"):
                        pass
            return taken[0]

        rounds = setting.size(5, 2)
        mine, theirs = compare(rounds, ours, plain)
    twin.close()
    return theirs / mine, (
        f"{count / mine:,.0f} transfers/s verified, balances and sealed log; sqlite3 reads the same rows "
        f"at {count / theirs:,.0f}/s (processor time, median of {rounds} runs over {count:,} transfers "
        f"and {paid:,} payments; peak of a process that verifies them: {peak:.1f} MB)"
    )


@benchmark("sealing", engine="sqlite", at_least=0.85)
def sealing(setting: Setting) -> tuple[float, str]:
    """What sealing costs a process that posts batches: all of it, to the end of the process."""
    batches = setting.size(24, 3)

    def posting(*, sealed: bool) -> float:
        path = setting.folder / f"{secrets.token_hex(4)}.db"
        accounts = _accounts(path, setting)
        store, sandbox = _opened(path)
        with sandbox:
            if not sealed:
                store.watcher = None
            taken = 0.0
            for _ in range(batches):
                batch = _batch(store, accounts, setting.size(MAX_BATCH, 200))
                with stopwatch() as posted, store.transaction() as tx:
                    journal.post(tx, batch)
                taken += posted[0]
            with stopwatch() as closed:
                sandbox.close()
        with Sandbox.open(path) as sandbox:
            if (sandbox.ledger.records() == _sealed_size(sandbox)) is not sealed:
                raise RuntimeError("the log is not as this side of the benchmark needs it")
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        return taken + closed[0]

    rounds, count = setting.size(3, 2), batches * setting.size(MAX_BATCH, 200)
    mine, theirs = compare(rounds, lambda: posting(sealed=True), lambda: posting(sealed=False))
    return theirs / mine, (
        f"{count / mine:,.0f} transfers/s posted and sealed, the end of the process included; "
        f"{count / theirs:,.0f}/s without sealing (median of {rounds} runs of {batches} durable batches)"
    )


@benchmark("verification_memory", engine="sqlite", at_least=0.9)
def verification_memory(setting: Setting) -> tuple[float, str]:
    """Flat memory: four times the ledger must not take more of it."""
    path = setting.folder / "memory.db"
    peaks, counts = [], []
    for batches in (setting.size(10, 1), setting.size(30, 3)):
        counts.append(_fill(path, setting, batches))
        peaks.append(_peak_of_verifying(path))
    return peaks[0] / peaks[1], (
        f"peak of a process that verifies {counts[0]:,} transfers: {peaks[0]:.1f} MB; "
        f"{counts[1]:,} transfers: {peaks[1]:.1f} MB"
    )


def _accounts(path: Path, setting: Setting) -> list[int]:
    with Sandbox.open(path) as sandbox:
        known = sandbox.wallets.list() or open_wallets(sandbox, setting.size(_WALLETS, 10))
    return [wallet.account_id for wallet in known]


def _opened(path: Path) -> tuple[Store, Sandbox]:
    """A scheme, and the store below it, into which transfers can be posted as they come."""
    store, keys = open_store(str(path)), path.with_name(f"{path.name}.keys")
    return store, Sandbox(store, read_keyring(keys), names=(str(path), str(keys)))


def _fill(path: Path, setting: Setting, batches: int) -> int:
    """Post batches among the wallets of a scheme; return how many transfers it then has."""
    accounts = _accounts(path, setting)
    store, sandbox = _opened(path)
    with sandbox:
        for _ in range(batches):
            batch = _batch(store, accounts, setting.size(MAX_BATCH, 200))
            with store.transaction() as tx:
                journal.post(tx, batch)
        sandbox.ledger.checkpoint()
        return sandbox.status().transfers


def _batch(store: Store, accounts: list[int], size: int) -> list[Transfer]:
    """Transfers between random wallets, small enough that none is refused."""
    batch = []
    with store.reading() as tx:
        for _ in range(size):
            debit, credit = _pick.sample(accounts, 2)
            id_, amount = tx.ids.transfer_id(tx.now), _pick.randrange(1, 100)
            code = TransferCode.WALLET_TRANSFER
            batch.append(Transfer(id_, debit, credit, amount, Ledger.ECNY, code, user_data="bench"))
    return batch


def _sealed_size(sandbox: Sandbox) -> int:
    found = sandbox.ledger.verify()
    return found.sealed


_VERIFY = """
import resource, sys
from ecny_tax import Sandbox
with Sandbox.open(sys.argv[1]) as sandbox:
    assert sandbox.ledger.verify().ok
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peak_of_verifying(path: Path) -> float:
    """Megabytes that a fresh process needs to verify the ledger."""
    command = [sys.executable, "-c", _VERIFY, str(path)]
    peak = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
