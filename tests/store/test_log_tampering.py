"""Any single change to any row of any table of the ledger is found, and the first altered record named.

An outside client takes the triggers away, changes one thing, and puts them back; every column of every table
is tried, so a column that nothing seals fails here on the day it is added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.ledger.model import Ledger, Transfer, TransferCode
from ecny_tax.store import access, journal
from ecny_tax.store.access import Entry
from ecny_tax.store.books import LedgerVerification
from tests.support import START, corporate, nameless, owe, personal

#: Every table of the ledger with the columns by which a row of it is known.
LEDGER = {
    "account": "id",
    "transfer": "seq",
    "event": "place",
    "access": "place",
    "log_tile": "rowid",
    "checkpoint": "place",
}
#: The tables of what is not the ledger: records, which are checked against it, and its facts.
OTHERS = {
    "meta", "institution", "identity", "wallet", "wallet_freeze", "wallet_spending", "agreement", "bill",
    "withholding", "annual_settlement", "explanation", "payment", "refund", "refund_share", "refund_event",
    "certificate", "device", "device_load", "voucher", "voucher_waiting", "revocation", "answered_request",
    "disclosure",
    "subject_key", "sub_wallet", "sub_wallet_payee", "interest", "ordered_failure", "debit_record",
    "treasury_day", "allocation", "refund_batch", "batch", "batch_part", "api_key", "webhook",
    "webhook_cursor", "webhook_delivery", "webhook_attempt",
}  # fmt: skip


class Story(NamedTuple):
    """A database and its keyring, as the bytes of their files."""

    database: bytes
    keyring: bytes


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A ledger of several processes and more than two full tiles: openings, a closing, all of it sealed."""
    path = tmp_path_factory.mktemp("story") / "a.db"
    with Sandbox.open(path, clock=FixedClock(START), seed="log") as s:
        company = corporate(s, fund=Fen(1_000_00))
        leaving = nameless(s)
        s.payments.pay(bill_no=owe(s, company, 30_00).bill_no, wallet_id=company.wallet_id)
    with Sandbox.open(path, clock=FixedClock(START), seed="log") as s:
        s.wallets.close(wallet_id=leaving.wallet_id)
        person = personal(s, fund=Fen(1_000_00))
        with s._store.transaction() as tx:
            batch = [
                Transfer(
                    tx.ids.transfer_id(tx.now), company.account_id, person.account_id, 1, Ledger.ECNY,
                    TransferCode.OPENING_BALANCE, user_data=f"第{n}笔",
                )
                for n in range(600)
            ]  # fmt: skip
            access.record(tx, Entry("trace", outcome="instrument_required", wallet_id=person.wallet_id))
            journal.post(tx, batch)
            for number in ("J1", "J2"):
                entry = Entry(
                    "trace", "both, 3 hops", wallet_id=person.wallet_id, party="court:440784",
                    instrument_no=number, instrument_digest=bytes(31) + b"1", case_no="（2023）粤0784刑初1号",
                )  # fmt: skip
                access.record(tx, entry)
    with Sandbox.open(path, clock=FixedClock(START), seed="log") as s:
        s.payments.pay(bill_no=owe(s, company, 31_00).bill_no, wallet_id=company.wallet_id)
        found = s.ledger.verify()
    with Sandbox.open(path, clock=FixedClock(START)) as s:
        found = s.ledger.verify()
        assert [check.promise for check in found.checks if not check.ok] == []
        assert (found.unsealed, found.checkpoints) == (0, 3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # so that the one file is everything
    return Story(path.read_bytes(), path.with_name("a.db.keys").read_bytes())


class Outsider:
    """Somebody with another SQLite client and write access to a copy of the file."""

    def __init__(self, folder: Path, story: Story) -> None:
        self.path, self.story = folder / "a.db", story
        folder.joinpath("a.db.keys").write_bytes(story.keyring)
        self.restore()

    def restore(self) -> None:
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.path.write_bytes(self.story.database)

    @contextmanager
    def outside(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall()
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("BEGIN")
            for name, _sql in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
            for _name, sql in triggers:
                connection.execute(sql)
            connection.execute("COMMIT")

    def verified(self) -> LedgerVerification:
        with Sandbox.open(self.path, clock=FixedClock(START)) as s:
            return s.ledger.verify()

    def after(self, sql: str, *values: object) -> LedgerVerification | None:
        """What verification finds after one statement; None where the database itself refuses it."""
        self.restore()
        try:
            with self.outside() as connection:
                done = connection.execute(sql, values).rowcount
        except sqlite3.IntegrityError:  # a unique key or a column's type, which no trigger keeps
            return None
        assert done == 1, sql
        return self.verified()


@pytest.fixture
def outsider(tmp_path: Path, story: Story) -> Outsider:
    return Outsider(tmp_path, story)


class Row(NamedTuple):
    key: int
    values: dict[str, Any]


def rows_of(story: Story, table: str) -> list[Row]:
    """The rows to change: the first and last ones, and some in between."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(story.database)
        cursor = connection.execute(f"SELECT {LEDGER[table]}, * FROM {table} ORDER BY 1")
        names = [column[0] for column in cursor.description[1:]]
        every = [Row(key, dict(zip(names, values, strict=True))) for key, *values in cursor]
    last = len(every) - 1
    chosen = sorted({0, 1, last // 3, last // 2, (2 * last) // 3, last - 1, last} & set(range(len(every))))
    return [every[place] for place in chosen]


def variants(value: Any) -> list[Any]:
    """Other values of the same type, near to and far from the one that stands there; of none, any."""
    if value is None:
        return [1, -7, "", "x", b"", b"x" * 32]
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 7, 2**63 - 1]
    if isinstance(value, str):
        return [value + " ", value[:-1], value[1:] + value[:1], "", value.swapcase()]
    return [
        value + b"\0",
        value[:-1],
        bytes([value[0] ^ 1]) + value[1:],
        value[:-1] + bytes([value[-1] ^ 128]),
        b"",
    ]


def found_record(found: LedgerVerification) -> str:
    """What a reader is told: the first altered record, or else what broke the first promise."""
    return found.altered or next((check.detail for check in found.checks if not check.ok), "")


def is_named(told: str, table: str, row: Row, names: dict[int, str]) -> bool:
    """Whether a changed row is named; for an account, it may be by the event that opened it."""
    if table == "account":
        return row.values["name"] in told or told in (names[row.key], "account " + names[row.key])
    if table == "log_tile":
        return f"tile {row.values['level']}/{row.values['place']}" in told
    kind = {"transfer": "transfer", "event": "event", "access": "access entry", "checkpoint": "checkpoint"}[
        table
    ]
    return told.startswith(f"{kind} ") and str(row.key) in told.split()


def test_every_table_is_the_ledgers_or_known_not_to_be(story: Story) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(story.database)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == LEDGER.keys() | OTHERS


def _columns() -> list[tuple[str, str]]:
    with Sandbox.open(":memory:") as s, s._store.reading() as tx:
        return [(t, row[0]) for t in LEDGER for row in tx.rows(f"SELECT name FROM pragma_table_info('{t}')")]


@pytest.mark.parametrize(("table", "column"), _columns())
def test_I14_a_change_to_any_column_is_found_and_the_record_named(
    outsider: Outsider, story: Story, table: str, column: str
) -> None:
    openings = {row.values["account_id"]: f"event {row.key}" for row in rows_of_all(story)}
    tried = 0
    for row in rows_of(story, table):
        for value in variants(row.values[column]):
            if value == row.values[column]:
                continue
            found = outsider.after(
                f"UPDATE {table} SET {column} = ? WHERE {LEDGER[table]} = ?", value, row.key
            )
            if found is None:
                continue
            tried += 1
            told = found_record(found)
            assert not found.ok, (table, column, row.key, value)
            if column not in (LEDGER[table], "level", "place", "size"):  # where it is no other row by then
                assert is_named(told, table, row, openings), (table, column, row.key, value, told)
    assert tried


def rows_of_all(story: Story) -> list[Row]:
    """The events that opened accounts."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(story.database)
        rows = connection.execute(
            "SELECT min(place), account_id FROM event WHERE digest IS NULL GROUP BY account_id"
        )
        return [Row(place, {"account_id": account}) for place, account in rows]


@pytest.mark.parametrize("table", LEDGER)
def test_I14_a_deleted_row_is_found(outsider: Outsider, story: Story, table: str) -> None:
    for row in rows_of(story, table):
        found = outsider.after(f"DELETE FROM {table} WHERE {LEDGER[table]} = ?", row.key)
        assert found is not None
        assert not found.ok, (table, row.key)
        assert found_record(found)


@pytest.mark.parametrize("table", LEDGER)
def test_I14_an_inserted_row_is_found(outsider: Outsider, story: Story, table: str) -> None:
    """A copy of a row under another key, before, between (where there is room) and behind the others."""
    for row in rows_of(story, table):
        for key in (0, -1, max(r.key for r in rows_of(story, table)) + 1):
            changed = {name: _another(value) for name, value in row.values.items()}
            changed = changed | ({} if LEDGER[table] == "rowid" else {LEDGER[table]: key})
            places = ", ".join("?" * len(changed))
            found = outsider.after(f"INSERT INTO {table} VALUES ({places})", *changed.values())
            assert found is None or not found.ok, (table, row.key, key)


def _another(value: Any) -> Any:
    """A value that no unique key holds yet, near to the one given."""
    if value is None:
        return None
    return value + 1_000_000 if isinstance(value, int) else value + type(value)()


@pytest.mark.parametrize("table", ["transfer", "event", "access", "checkpoint"])
def test_I14_two_rows_that_change_places_are_found(outsider: Outsider, story: Story, table: str) -> None:
    first, *_, last = rows_of(story, table)
    key = LEDGER[table]
    outsider.restore()
    with outsider.outside() as connection:
        for old, new in ((first.key, -1), (last.key, first.key), (-1, last.key)):
            connection.execute(f"UPDATE {table} SET {key} = ? WHERE {key} = ?", (new, old))
    found = outsider.verified()
    assert not found.ok
    assert found_record(found)


def test_I14_the_id_of_the_ledger_is_sealed_too(outsider: Outsider) -> None:
    found = outsider.after("UPDATE meta SET value = '0123456789abcdef' WHERE name = 'ledger'")
    assert found is not None
    assert found.altered == "checkpoint 1"


def test_I14_a_record_and_its_hash_changed_together_are_found(outsider: Outsider) -> None:
    """Whoever knows how records are hashed mends the tile, too; what was signed still says otherwise."""
    from ecny_tax.ledger.records import transfer_leaves

    columns = (
        "seq, debit_account_id, credit_account_id, amount, ledger, code, flags, posted_at, id,"
        " CAST(user_data AS BLOB)"
    )
    outsider.restore()
    with outsider.outside() as connection:
        connection.execute("UPDATE transfer SET user_data = 'mine' WHERE seq = 300")
        row = connection.execute(f"SELECT {columns} FROM transfer WHERE seq = 300").fetchone()
        events = connection.execute("SELECT count(*) FROM event WHERE after_seq < 300").fetchone()[0]
        place, offset = divmod(299 + events, 256)
        hashes = bytearray(
            connection.execute(
                "SELECT hashes FROM log_tile WHERE level = 0 AND place = ?", (place,)
            ).fetchone()[0]
        )
        hashes[offset * 32 : offset * 32 + 32] = transfer_leaves([row])[0]
        connection.execute(
            "UPDATE log_tile SET hashes = ? WHERE level = 0 AND place = ?", (bytes(hashes), place)
        )
    assert outsider.verified().altered == "a record before checkpoint 2 and its hash"
