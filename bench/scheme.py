"""A simulated scheme to measure on, and its twin: the same database, written with plain ``sqlite3``."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.runner import stopwatch
from ecny_tax import Sandbox, yuan
from ecny_tax.wallets.model import Wallet

#: A made-up company.
_NAME, _ID = "虚构照明有限公司", "91440784MA0000001Y"


def open_wallets(sandbox: Sandbox, count: int) -> list[Wallet]:
    """Corporate wallets of one company, with a million yuan each."""
    return [
        sandbox.wallets.open(
            kind="corporate", operator="ICBC", name=_NAME, id_number=_ID, fund=yuan("1000000.00")
        )
        for _ in range(count)
    ]


def open_companies(sandbox: Sandbox, count: int) -> list[Wallet]:
    """A corporate wallet of each of so many companies, with a million yuan and an agreement on batch debits.

    Each has paid a bill, so that authority and treasury know it.
    """
    wallets = []
    for number in range(count):
        wallet = sandbox.wallets.open(
            kind="corporate",
            operator="ICBC",
            name=f"虚构照明{number}号有限公司",
            id_number=_company_id(number),
            fund=yuan("1000000.00"),
        )
        sandbox.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
        )
        wallets.append(wallet)
    return wallets


def _company_id(number: int) -> str:
    """A made-up unified social credit code with its check character (GB 32100-2015)."""
    body, alphabet = f"91440784{number:09d}", "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(char) * 3**place for place, char in enumerate(body))
    return body + alphabet[-total % 31]


def owe_many(path: Path, count: int) -> None:
    """Give ``count`` open bills to the companies in turn: copies of those that they have paid."""
    connection = _connect(path)
    columns = [name for name, *_ in connection.execute("SELECT * FROM bill LIMIT 0").description]
    kept = ", ".join(name for name in columns if name not in ("place", "bill_no", "status"))
    first = "SELECT min(place), bill_no FROM bill GROUP BY subject_id ORDER BY 1"
    paid = [bill_no for _place, bill_no in connection.execute(first)]
    (known,) = connection.execute("SELECT count(*) FROM bill").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        f"INSERT INTO bill (bill_no, status, {kept}) SELECT ?, 'open', {kept} FROM bill WHERE bill_no = ?",
        ((f"{paid[0][:7]}{known + place:014d}", paid[place % len(paid)]) for place in range(count)),
    )
    connection.execute("COMMIT")
    connection.close()


def pay_bills(sandbox: Sandbox, count: int) -> None:
    """Payments of as many bills, one a call."""
    (wallet,) = open_wallets(sandbox, 1)
    for _ in range(count):
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
        )


class Twin:
    """A copy of a database, into which rows that ours has written are written again, as plainly as can be.

    Same schema (the file is a copy), same journal mode, ``synchronous`` and foreign keys: same durability.
    """

    def __init__(self, path: Path) -> None:
        copy = path.with_name(f"twin-{path.name}")
        with sqlite3.connect(path) as original:
            original.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, copy)
        self.original = _connect(path)
        self.copy = _connect(copy)

    def news(self, table: str, place: str) -> tuple[str, list[tuple[Any, ...]]]:
        """The INSERT for a table, and the rows that the original has and the copy lacks.

        ``place`` is the column that counts them; both databases count by themselves.
        """
        (newest,) = self.copy.execute(f"SELECT coalesce(max({place}), 0) FROM {table}").fetchone()
        known = self.copy.execute(f"SELECT * FROM {table} LIMIT 0").description
        columns = ", ".join(name for name, *_ in known if name != place)
        places = ", ".join("?" for name, *_ in known if name != place)
        rows = self.original.execute(
            f"SELECT {columns} FROM {table} WHERE {place} > ? ORDER BY {place}", (newest,)
        )
        return f"INSERT INTO {table} ({columns}) VALUES ({places})", rows.fetchall()

    def take_over(self, table: str) -> None:
        """Write the rows of a table that the copy lacks, before anything is measured."""
        insert, rows = self.news(table, "place")
        self.copy.execute("BEGIN IMMEDIATE")
        self.copy.executemany(insert, rows)
        self.copy.execute("COMMIT")

    def counters(self, transfers: Sequence[Sequence[object]]) -> list[tuple[int, int, int]]:
        """Debits, credits and id of every account that the transfers touch, as they are in the original."""
        touched = {row[1] for row in transfers} | {row[2] for row in transfers}
        every = self.original.execute("SELECT debits, credits, id FROM account ORDER BY id")
        return [row for row in every if row[2] in touched]

    def counters_after_each(self, transfers: Sequence[tuple[Any, ...]]) -> list[list[tuple[int, int, int]]]:
        """The same for each transfer by itself, one after the other, from where the copy stands."""
        rows = self.copy.execute("SELECT id, debits, credits FROM account")
        counters = {id_: [debits, credits] for id_, debits, credits in rows}
        after = []
        for _id, debit, credit, amount, *_rest in transfers:
            counters[debit][0] += amount
            counters[credit][1] += amount
            after.append([(*counters[debit], debit), (*counters[credit], credit)])
        return after

    def counters_after(self, groups: Sequence[Sequence[tuple[Any, ...]]]) -> list[list[tuple[int, int, int]]]:
        """The same for several groups of transfers, one group after the other."""
        after = self.counters_after_each([transfer for group in groups for transfer in group])
        found, start = [], 0
        for group in groups:
            last = {row[2]: row for changed in after[start : start + len(group)] for row in changed}
            found.append(list(last.values()))
            start += len(group)
        return found

    def close(self) -> None:
        self.original.close()
        self.copy.close()


SET_COUNTERS = "UPDATE account SET debits = ?, credits = ? WHERE id = ?"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def plain_payments(twin: Twin) -> float:
    """Write what ours has paid since the last time, one plain transaction for each; the seconds it took."""
    insert_transfer, transfers = twin.news("transfer", "seq")
    insert_payment, payments = twin.news("payment", "place")
    counters = twin.counters_after_each(transfers)
    with stopwatch() as taken:
        for transfer, payment, changed in zip(transfers, payments, counters, strict=True):
            twin.copy.execute("BEGIN IMMEDIATE")
            twin.copy.execute(insert_transfer, transfer)
            twin.copy.executemany(SET_COUNTERS, changed)
            twin.copy.execute(insert_payment, payment)
            twin.copy.execute("UPDATE bill SET status = 'paid' WHERE bill_no = ?", (payment[1],))
            twin.copy.execute("COMMIT")
    return taken[0]
