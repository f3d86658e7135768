"""The plain side of the benchmark writes the very rows that ours wrote, on either engine."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="the servers of the benchmark need POSIX")

from bench.databases import database
from bench.plain import Twin, one_by_one, side_by_side
from bench.scheme import open_companies, open_wallets, owe_many, pay_bills
from ecny_tax import Fen
from tests.postgres_server import missing

ENGINES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.skipif(missing() is not None, reason=str(missing()))),
]
TABLES = ("account", "transfer", "payment", "bill")


def assert_same(twin: Twin) -> None:
    for table in TABLES:
        rows = [one.read(f"SELECT * FROM {table} ORDER BY 1") for one in (twin.original, twin.copy)]
        assert rows[0] == rows[1], table
        assert rows[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_plain_transactions_write_the_rows_of_payments_and_transfers(engine: str, tmp_path: Path) -> None:
    with database(engine, tmp_path) as db:
        with db.open() as sandbox:
            pay_bills(sandbox, 1)  # the first one opens the collection account
            source, target = open_wallets(sandbox, 2)
            agreement = sandbox.agreements.sign(wallet_id=source.wallet_id).agreement_no
            bills = [
                sandbox.taxes.declare_stamp_duty(
                    wallet_id=source.wallet_id, item="sale_contract", base=Fen(10_000_000)
                ).bill_no
                for _ in range(3)
            ]
            sandbox.payments.pay(bill_no=bills.pop(), agreement_no=agreement)
        twin = Twin(db.name)
        try:
            with db.open() as sandbox:
                for bill_no in bills:
                    sandbox.payments.pay(bill_no=bill_no, agreement_no=agreement)
                one_by_one(twin, twin.payments_alone())
                assert_same(twin)
                for _ in range(4):
                    sandbox.wallets.transfer(
                        from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=Fen(7)
                    )
                if engine == "sqlite":
                    one_by_one(twin, twin.transfers_alone())
                    assert_same(twin)
                else:  # in any order, so that numbers may differ
                    side_by_side(twin, twin.transfers_alone(), 2)
                    counters = "SELECT id, debits, credits FROM account ORDER BY id"
                    assert twin.copy.read(counters) == twin.original.read(counters)
                    assert twin.news("transfer", "seq")[1] == []
        finally:
            twin.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_copies_of_bills_can_be_paid_in_a_batch(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "batch.txt"
    with database(engine, tmp_path) as db, db.open() as sandbox:
        open_companies(sandbox, 2)
        owe_many(db.name, 60)  # so many are copied, where psycopg can
        with file.open("w") as out:
            sandbox.payments.write_batch(deliver=out.writelines)
        assert sandbox.payments.pay_batch(file=file).lines_paid == 60
