"""The ledger's storage against the model: batch after batch, reopened at any time, nothing lost."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ecny_tax.clock import BEIJING, FixedClock
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.ledger.model import MAX_BATCH, MAX_COUNTER, Account, Ledger, Transfer, TransferCode
from ecny_tax.ledger.promises import check_journal
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move
from ecny_tax.store.sqlite import SqliteStore
from tests.ledger.events import as_transfer, batches
from tests.ledger.model import Event, Model

NOW = datetime(2023, 4, 20, 10, tzinfo=BEIJING)


class Refused(Exception):
    """Thrown to roll a transaction back."""


class StoreAgainstModel(RuleBasedStateMachine):
    """Post, repeat, roll back, reopen and move the clock; stored rows always equal the model's."""

    @initialize(
        kinds=st.lists(
            st.tuples(st.sampled_from([1, 1, 1, 2]), st.sampled_from([0, 0, 1, 2, 4])), min_size=2, max_size=6
        )
    )
    def found(self, kinds: list[tuple[int, int]]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FixedClock(NOW)
        self.model = Model()
        self.sent: list[Event] = []
        self.open()
        with self.store.transaction() as tx:
            for place, (ledger, flags) in enumerate(kinds):
                id_ = journal.open_account(tx, name=f"a{place}", ledger=ledger, code=3, flags=flags)
                self.model.open(id_, ledger=ledger, flags=flags)

    def open(self) -> None:
        self.store = SqliteStore.open(str(self.folder / "a.db"), clock=self.clock)

    @rule(data=st.data())
    def post(self, data: st.DataObject) -> None:
        batch = data.draw(batches(self.model, self.sent))
        with self.store.transaction() as tx:
            results = journal.post(tx, [as_transfer(event) for event in batch])
        assert results == self.model.post(batch)
        self.sent += batch

    @rule()
    @precondition(lambda self: self.sent)
    def repeat_everything_created(self) -> None:
        created = [
            dict(event) | {"flags": 0} for event in self.model.transfers.values() if not event["flags"]
        ]
        with self.store.transaction() as tx:
            results = journal.post(tx, [as_transfer(event) for event in created])
        assert set(results) <= {"exists"}

    @rule(data=st.data())
    def post_and_roll_back(self, data: st.DataObject) -> None:
        batch = data.draw(batches(self.model, self.sent))
        before = self.rows()
        with pytest.raises(Refused), self.store.transaction() as tx:  # noqa: PT012
            journal.post(tx, [as_transfer(event) for event in batch])
            raise Refused
        assert self.rows() == before

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open()

    @rule(seconds=st.integers(0, 10**6))
    def wait(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule(micros=st.integers(1, 10**9), data=st.data())
    @precondition(lambda self: self.model.transfers)
    def go_back(self, micros: int, data: st.DataObject) -> None:
        with self.store.reading() as tx:
            newest = tx.row("SELECT max(posted_at) FROM transfer")
        before, at = self.rows(), self.clock.at
        self.clock.at = datetime.fromtimestamp(0, BEIJING) + timedelta(microseconds=newest[0] - micros)  # type: ignore[index]
        with pytest.raises(RejectedError, match="clock_went_back"), self.store.transaction() as tx:
            journal.post(tx, [])
        self.clock.at = at
        assert self.rows() == before

    def rows(self) -> list[Any]:
        with self.store.reading() as tx:
            return [tx.rows("SELECT * FROM account ORDER BY id"), list(journal.transfers(tx))]

    @invariant()
    def stored_rows_are_those_of_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as tx:
            accounts = {account.id: account for account in journal.accounts(tx)}
            stored = list(journal.transfers(tx))
        assert {id_: (a.debits, a.credits) for id_, a in accounts.items()} == self.model.counters()
        assert [int.from_bytes(row[1], "big") for row in stored] == list(self.model.transfers)
        for row, event in zip(stored, self.model.transfers.values(), strict=True):
            assert row[2:9] == tuple(
                event[field]
                for field in (
                    "debit_account_id",
                    "credit_account_id",
                    "amount",
                    "ledger",
                    "code",
                    "flags",
                    "user_data",
                )
            )
        lines = [(*row[:1], *row[2:8], row[9], row[1], row[8].encode()) for row in stored]
        count, checks = check_journal(accounts, lines)
        assert count == len(stored)
        assert [check for check in checks if not check.ok and check.promise != "I2"] == []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(stateful_step_count=25)


# --- posting ----------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    store = SqliteStore.open(str(tmp_path / "a.db"), clock=FixedClock(NOW))
    with store.transaction() as tx:
        for name in ("one", "two"):
            journal.open_account(tx, name=name, ledger=1, code=3, flags=0)
    yield store
    store.close()


GOOD = Transfer(1, 1, 2, 10, 1, 8)


def post(store: SqliteStore, *batch: Transfer) -> list[str]:
    with store.transaction() as tx:
        return [result.value for result in journal.post(tx, batch)]


def dump(store: SqliteStore) -> list[Any]:
    """Every row of every table."""
    with store.reading() as tx:
        tables = [
            row[0] for row in tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        ]
        return [(table, tx.rows(f"SELECT * FROM {table} ORDER BY 1, 2")) for table in tables]


@pytest.mark.parametrize("id_", [1, 2**64, 2**127, 2**128 - 1])
def test_id_of_any_128_bits_is_kept(store: SqliteStore, id_: int) -> None:
    transfer = Transfer(id_, 1, 2, 10, 1, 8, 0, "P1")
    assert post(store, transfer) == ["created"]
    assert post(store, transfer) == ["exists"]
    with store.reading() as tx:
        (row,) = journal.transfers(tx)
    assert row[1] == id_.to_bytes(16, "big")


def test_older_id_posted_later_is_still_known(store: SqliteStore) -> None:
    for id_ in (500, 3, 400, 1):
        assert post(store, Transfer(id_, 1, 2, 1, 1, 8)) == ["created"]
    for id_ in (1, 3, 400, 500):
        assert post(store, Transfer(id_, 1, 2, 1, 1, 8)) == ["exists"]
        assert post(store, Transfer(id_, 1, 2, 2, 1, 8)) == ["exists_with_different_amount"]


def test_counters_of_63_bits_are_kept(store: SqliteStore) -> None:
    assert post(store, Transfer(1, 1, 2, MAX_COUNTER, 1, 8)) == ["created"]
    assert post(store, Transfer(2, 1, 2, 1, 1, 8)) == ["overflows_debits"]
    with store.reading() as tx:
        assert journal.account(tx, 1).debits == MAX_COUNTER


def test_largest_batch_is_posted_and_one_more_refused(store: SqliteStore) -> None:
    batch = [Transfer(id_, 1, 2, 1, 1, 8) for id_ in range(1, MAX_BATCH + 2)]
    before = dump(store)
    with pytest.raises(InvalidInputError, match="batch_too_large"):
        post(store, *batch)
    assert dump(store) == before
    assert set(post(store, *batch[:-1])) == {"created"}


@pytest.mark.parametrize(
    "changed",
    [
        {"id": -1},
        {"id": 2**128},
        {"amount": -1},
        {"amount": MAX_COUNTER + 1},
        {"debit_account_id": -1},
        {"debit_account_id": 2**63},
        {"credit_account_id": -1},
        {"credit_account_id": 2**63},
        {"ledger": -1},
        {"ledger": 2**31},
        {"code": -1},
        {"code": 2**31},
        {"flags": -1},
        {"flags": 2},
        {"user_data": "x" * 129},
    ],
    ids=str,
)
def test_transfer_that_no_column_could_hold_is_refused_with_its_whole_batch(
    store: SqliteStore, changed: dict[str, Any]
) -> None:
    fields = {
        name: getattr(GOOD, name)
        for name in ("id", "debit_account_id", "credit_account_id", "amount", "ledger", "code", "flags")
    }
    before = dump(store)
    with pytest.raises(InvalidInputError, match="transfer_malformed"):
        post(store, Transfer(99, 1, 2, 1, 1, 8), Transfer(**(fields | changed)))
    assert dump(store) == before


def test_chain_across_a_batch_is_stored_whole_or_not_at_all(store: SqliteStore) -> None:
    before = dump(store)
    broken = [Transfer(1, 1, 2, 5, 1, 8, 1), Transfer(2, 1, 77, 5, 1, 8)]
    assert post(store, *broken) == ["linked_event_failed", "credit_account_not_found"]
    assert dump(store) == before
    assert post(store, Transfer(1, 1, 2, 5, 1, 8, 1), Transfer(2, 2, 1, 5, 1, 8)) == ["created", "created"]


def test_move_that_the_ledger_refuses_raises_and_leaves_every_row(store: SqliteStore) -> None:
    def move(tx: Transaction) -> None:
        legs = [
            Move(1, 2, 5, Ledger.ECNY, TransferCode.WALLET_TRANSFER),
            Move(1, 77, 5, Ledger.ECNY, TransferCode.WALLET_TRANSFER),
        ]
        journal.move(tx, legs, user_data="")

    before = dump(store)
    with pytest.raises(RejectedError) as refusal, store.transaction() as tx:
        move(tx)
    assert refusal.value.code == "ledger_refused"
    assert refusal.value.values == {"result": "credit_account_not_found"}
    assert dump(store) == before


def test_moves_become_one_chain(store: SqliteStore) -> None:
    legs = [Move(1, 2, amount, Ledger.ECNY, TransferCode.WALLET_TRANSFER) for amount in (1, 2, 3)]
    with store.transaction() as tx:
        ids = journal.move(tx, legs, user_data="P1")
        rows = list(journal.transfers(tx))
    assert [int.from_bytes(row[1], "big") for row in rows] == ids == sorted(set(ids))
    assert [row[7] for row in rows] == [1, 1, 0]
    assert {row[8] for row in rows} == {"P1"}
    assert {row[0] for row in rows} == {1, 2, 3}


@pytest.mark.parametrize("name", ["", "x" * 129])
def test_account_name_that_is_none_is_refused(store: SqliteStore, name: str) -> None:
    with pytest.raises(InvalidInputError, match="account_name_malformed"), store.transaction() as tx:
        journal.open_account(tx, name=name, ledger=1, code=3, flags=0)


def test_closed_account_takes_and_gives_nothing(store: SqliteStore) -> None:
    with store.transaction() as tx:
        journal.set_flags(tx, 2, 4)
        assert journal.account(tx, 2) == Account(2, "two", 1, 3, 4)
    assert post(store, GOOD) == ["credit_account_already_closed"]
    assert post(store, Transfer(2, 2, 1, 10, 1, 8)) == ["debit_account_already_closed"]
