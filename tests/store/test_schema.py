"""The database itself: what the migrations make, what its tables forbid, and how a connection is set."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from ecny_tax.sandbox import Sandbox
from ecny_tax.store import migrations
from ecny_tax.store.migrations import APPLICATION_ID, migrate, newest_version, statements
from ecny_tax.store.sqlite import SqliteStore

SCHEMA = files("ecny_tax.store").joinpath("schema.sql").read_text("utf-8")


def described(connection: sqlite3.Connection) -> set[tuple[str, str, str, str]]:
    """Every table, index and trigger with its words, whatever the spaces and comments between them."""
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
    return {(kind, name, table, _words(sql)) for kind, name, table, sql in rows}


def _words(sql: str) -> str:
    return " ".join(re.sub(r"--[^\n]*", "", sql).split())


@pytest.fixture
def fresh() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        yield connection


@pytest.fixture
def used(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A second connection to a database in which money has moved."""
    path = tmp_path / "a.db"
    with Sandbox.open(path) as sandbox:
        sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=100)  # type: ignore[arg-type]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


# --- migrations -------------------------------------------------------------------------------------


def test_migrations_from_nothing_give_exactly_the_schema(fresh: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(":memory:")) as written:
        written.executescript(SCHEMA)
        assert described(fresh) == described(written)
        for name in (name for kind, name, _, _ in described(written) if kind == "table"):
            for pragma in ("table_xinfo", "foreign_key_list", "index_list"):
                query = f"SELECT * FROM pragma_{pragma}('{name}')"
                assert fresh.execute(query).fetchall() == written.execute(query).fetchall()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    folder = files("ecny_tax.store.migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"[0-9]{4}_[a-z0-9_]+\.sql", name) for name in names)
    assert migrations.migrations() == dict(enumerate(names, start=1))
    assert newest_version() == len(names)


def test_every_statement_of_a_script_is_seen_triggers_and_comments_included() -> None:
    script = SCHEMA + "\n-- the end\n"
    found = statements(script)
    kinds = [re.match(r"\s*CREATE( UNIQUE)? (TABLE|INDEX|TRIGGER)", _words(text)) for text in found]
    assert all(kinds)
    assert len(found) == len(re.findall(r"^CREATE ", SCHEMA, re.MULTILINE))


def test_migrated_database_bears_our_mark_and_version(fresh: sqlite3.Connection) -> None:
    assert fresh.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert fresh.execute("PRAGMA user_version").fetchone() == (newest_version(),)


def test_migrating_again_changes_nothing(fresh: sqlite3.Connection) -> None:
    before = list(fresh.iterdump())
    migrate(fresh)
    assert list(fresh.iterdump()) == before
    assert not fresh.in_transaction


def test_migration_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    good = migrations.statements
    monkeypatch.setattr(migrations, "statements", lambda script: [*good(script), "CREATE TABLE ("])
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection)
        assert described(connection) == set()
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert connection.execute("PRAGMA application_id").fetchone() == (0,)


# --- tables -----------------------------------------------------------------------------------------


def test_every_table_is_strict(fresh: sqlite3.Connection) -> None:
    tables = fresh.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()
    strict = {name: bool(flag) for name, flag in tables if not name.startswith("sqlite_")}
    assert len(strict) >= 10
    assert all(strict.values()), strict


def test_every_record_that_refers_to_an_account_or_wallet_does_so_by_foreign_key(
    fresh: sqlite3.Connection,
) -> None:
    tables = [name for kind, name, _, _ in described(fresh) if kind == "table"]
    homes = {"account_id": "account", "wallet_id": "wallet", "identity_id": "identity", "bill_no": "bill"}
    homes |= {"debit_account_id": "account", "credit_account_id": "account", "payment_no": "payment"}
    for table in tables:
        keys = {row[3]: row[2] for row in fresh.execute("SELECT * FROM pragma_foreign_key_list(?)", (table,))}
        for (column,) in fresh.execute("SELECT name FROM pragma_table_info(?) WHERE pk = 0", (table,)):
            if column in homes and homes[column] != table:
                assert keys.get(column) == homes[column], f"{table}.{column}"


FORBIDDEN = {
    "amount": "UPDATE transfer SET amount = amount + 1",
    "nothing": "UPDATE transfer SET amount = amount",
    "one row": "UPDATE transfer SET user_data = 'x' WHERE seq = 1",
    "to null": "UPDATE transfer SET user_data = NULL",
    "every column to null": "UPDATE transfer SET id = NULL, debit_account_id = NULL, amount = NULL",
    "by a null": "UPDATE transfer SET amount = 1 WHERE user_data IS NOT NULL",
    "number": "UPDATE transfer SET seq = seq + 1000",
    "or ignore": "UPDATE OR IGNORE transfer SET amount = 1",
    "or replace": "UPDATE OR REPLACE transfer SET amount = 1",
    "delete all": "DELETE FROM transfer",
    "delete one": "DELETE FROM transfer WHERE seq = 1",
    "delete the newest": "DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)",
    "delete accounts": "DELETE FROM account",
    "delete an unused account": "DELETE FROM account WHERE debits = 0 AND credits = 0",
    "insert again by number": "INSERT OR REPLACE INTO transfer SELECT seq, id, debit_account_id,"
    " credit_account_id, amount + 1, ledger, code, flags, user_data, posted_at FROM transfer WHERE seq = 1",
    "insert again by id": "REPLACE INTO transfer SELECT NULL, id, debit_account_id, credit_account_id,"
    " amount + 1, ledger, code, flags, user_data, posted_at FROM transfer WHERE seq = 1",
    "upsert": "INSERT INTO transfer SELECT * FROM transfer WHERE true ON CONFLICT DO UPDATE SET amount = 1",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
@pytest.mark.parametrize("foreign_keys", ["ON", "OFF"])
def test_database_forbids_to_alter_history(
    used: sqlite3.Connection, statement: str, foreign_keys: str
) -> None:
    used.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    before = list(used.iterdump())
    with pytest.raises(sqlite3.IntegrityError):
        used.execute(statement)
    assert list(used.iterdump()) == before


@pytest.mark.parametrize(
    "values",
    [
        "zeroblob(15), 1, 2, 1",
        "zeroblob(17), 1, 2, 1",
        "NULL, 1, 2, 1",
        "'0123456789abcdef', 1, 2, 1",
        "zeroblob(16), 1, 2, -1",
        "zeroblob(16), 1, 2, 1.5",
        "zeroblob(16), 1, 2, 'x'",
        "zeroblob(16), 1, 2, NULL",
        "zeroblob(16), 1, 99999, 1",
        "zeroblob(16), 99999, 2, 1",
        "zeroblob(16), NULL, 2, 1",
    ],
)
def test_database_forbids_transfers_that_cannot_be(used: sqlite3.Connection, values: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        used.execute(
            "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, ledger, code, flags,"
            f" user_data, posted_at) VALUES ({values}, 1, 1, 0, '', 1)"
        )


def test_database_forbids_negative_counters(used: sqlite3.Connection) -> None:
    for column in ("debits", "credits"):
        with pytest.raises(sqlite3.IntegrityError):
            used.execute(f"UPDATE account SET {column} = -1")


# --- connections ------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["first", "second"])
def test_connection_is_durable_and_checks_foreign_keys(tmp_path: Path, opening: str) -> None:
    path = str(tmp_path / "a.db")
    if opening == "second":
        SqliteStore.open(path).close()
    store = SqliteStore.open(path)
    try:
        with store.reading() as tx:
            assert tx.row("PRAGMA journal_mode") == ("wal",)
            assert tx.row("PRAGMA synchronous") == (2,)  # FULL
            assert tx.row("PRAGMA foreign_keys") == (1,)
    finally:
        store.close()


def test_memory_store_checks_foreign_keys_too() -> None:
    store = SqliteStore.open(":memory:")
    try:
        with store.reading() as tx:
            assert tx.row("PRAGMA foreign_keys") == (1,)
    finally:
        store.close()


def test_closing_leaves_one_file_and_its_keyring(tmp_path: Path) -> None:
    with Sandbox.open(tmp_path / "a.db"):
        pass
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.db", "a.db.keys"]
