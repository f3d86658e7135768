"""The tables on a PostgreSQL server: the same as on SQLite, as well protected, made once, and ours alone."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg

from ecny_tax import Sandbox, UnavailableError, yuan
from ecny_tax.store.migrations import newest_version
from ecny_tax.store.postgres import PostgresStore
from ecny_tax.store.postgres_schema import WITHOUT_GAPS, in_postgres
from tests.support import corporate, judged

SCHEMA = files("ecny_tax.store").joinpath("schema.sql").read_text("utf-8")
Rows = set[tuple[Any, ...]]


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        yield connection


@pytest.fixture(scope="module")
def server(postgres: Any) -> Iterator[psycopg.Connection[Any]]:
    """A database of a server in which the tables were just made."""
    with postgres.database() as url:
        PostgresStore.open(url).close()
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def asked(connection: Any, sql: str) -> Rows:
    return set(connection.execute(sql).fetchall())


def sqlite_tables(sqlite: sqlite3.Connection) -> list[str]:
    return [name for (name,) in sqlite.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]


# --- the same as on SQLite ------------------------------------------------------------------------

_TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}


def test_tables_have_the_same_columns_in_the_same_order_with_the_same_types_and_nullability(
    sqlite: sqlite3.Connection, server: Any
) -> None:
    expected = {
        (table, place + 1, name, _TYPES[kind], bool(not_null or key))
        for table in sqlite_tables(sqlite)
        for place, name, kind, not_null, _default, key in sqlite.execute(
            'SELECT cid, name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (table,)
        )
    }
    found = asked(
        server,
        "SELECT table_name::text, ordinal_position::int, column_name::text, data_type::text,"
        " is_nullable = 'NO' FROM information_schema.columns WHERE table_schema = 'public'",
    )
    assert found == expected


def test_texts_are_sorted_by_their_bytes(server: Any) -> None:
    collations = asked(
        server,
        "SELECT DISTINCT collation_name::text FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'text'",
    )
    assert collations == {("C",)}


def test_columns_that_are_not_given_become_the_same(sqlite: sqlite3.Connection, server: Any) -> None:
    def plain(value: str) -> str:
        return re.sub(r"::\w+|\(|\)", "", value)

    expected = {
        (table, name, plain(default))
        for table in sqlite_tables(sqlite)
        for name, default in sqlite.execute("SELECT name, dflt_value FROM pragma_table_info(?)", (table,))
        if default is not None
    }
    found = {
        (table, name, plain(default))
        for table, name, default in asked(
            server,
            "SELECT table_name::text, column_name::text, column_default FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_default IS NOT NULL",
        )
        if not default.startswith("next_")
    }
    assert found == expected


def test_primary_keys_are_the_same(sqlite: sqlite3.Connection, server: Any) -> None:
    expected = {
        (table, _joined(sqlite, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table))
        for table in sqlite_tables(sqlite)
    }
    assert asked(server, _CONSTRAINTS.format(kind="p")) == {
        (*each, None, None) for each in expected if each[1]
    }


def test_foreign_keys_are_the_same(sqlite: sqlite3.Connection, server: Any) -> None:
    expected: Rows = set()
    for table in sqlite_tables(sqlite):
        keys: dict[int, list[tuple[str, str, str | None]]] = {}
        for number, _place, home, column, there, *_ in sqlite.execute(
            "SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq", (table,)
        ):
            keys.setdefault(number, []).append((home, column, there))
        for parts in keys.values():
            home = parts[0][0]
            there = ",".join(name for _, _, name in parts if name) or _joined(
                sqlite, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", home
            )
            expected.add((table, ",".join(column for _, column, _ in parts), home, there))
    assert asked(server, _CONSTRAINTS.format(kind="f")) == expected


def test_columns_that_are_unique_are_the_same(sqlite: sqlite3.Connection, server: Any) -> None:
    expected = {
        (table, _joined(sqlite, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", index), None, None)
        for table in sqlite_tables(sqlite)
        for index, origin in sqlite.execute("SELECT name, origin FROM pragma_index_list(?)", (table,))
        if origin == "u"
    }
    assert asked(server, _CONSTRAINTS.format(kind="u")) == expected


def test_checks_are_as_many_and_refuse_the_same_columns(sqlite: sqlite3.Connection, server: Any) -> None:
    expected = {
        table: sql.count("CHECK (")
        for table, sql in sqlite.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%CHECK (%'"
        )
    }
    found = server.execute(
        "SELECT conrelid::regclass::text, count(*) FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = 'public'::regnamespace GROUP BY 1"
    ).fetchall()
    assert dict(found) == expected


def test_indexes_are_the_same(sqlite: sqlite3.Connection, server: Any) -> None:
    expected = {
        (name, table, bool(unique), _joined(sqlite, "SELECT name FROM pragma_index_info(?)", name), condition)
        for table in sqlite_tables(sqlite)
        for name, unique, origin, condition in sqlite.execute(
            'SELECT i.name, i."unique", i.origin, s.sql FROM pragma_index_list(?) i'
            " LEFT JOIN sqlite_schema s ON s.name = i.name",
            (table,),
        )
        if origin == "c"
    }
    found = asked(
        server,
        "SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, i.indisunique,"
        f" {_NAMES.format(keys='i.indkey::int2[]', table='i.indrelid')}, pg_get_expr(i.indpred, i.indrelid)"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)",
    )
    assert {each[:-1] for each in found} == {each[:-1] for each in expected}
    conditions = {each[0]: _plain_condition(each[-1]) for each in found}
    assert conditions == {each[0]: _plain_condition(each[-1].partition(" WHERE ")[2]) for each in expected}


def _plain_condition(sql: str | None) -> str:
    return re.sub(r"::\w+|[()\s]", "", sql or "").replace("<>", "!=")


def test_triggers_refuse_the_same_and_to_truncate_besides(sqlite: sqlite3.Connection, server: Any) -> None:
    expected: Rows = set()
    for name, table, sql in sqlite.execute(
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'"
    ):
        event = re.search(r"BEFORE (\w+) ON", sql)
        assert event is not None
        if event[1] != "INSERT":  # against REPLACE, which no server knows
            expected.add((name, table, event[1]))
        if event[1] == "DELETE":
            expected.add((f"{table}_is_never_truncated", table, "TRUNCATE"))
    found = asked(
        server,
        "SELECT trigger_name::text, event_object_table::text, event_manipulation::text"
        " FROM information_schema.triggers WHERE trigger_schema = 'public' UNION"
        " SELECT tgname::text, tgrelid::regclass::text, 'TRUNCATE' FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgtype & 32 <> 0",
    )
    assert found == expected
    assert len(found) > 20
    enabled = asked(server, "SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE NOT tgisinternal")
    assert enabled == {("O",)}


def test_numbers_that_mean_something_have_no_gaps_and_all_others_come_from_a_sequence(
    sqlite: sqlite3.Connection, server: Any
) -> None:
    numbered = {
        table
        for table in sqlite_tables(sqlite)
        for (kind,) in sqlite.execute("SELECT type FROM pragma_table_info(?) WHERE pk = 1", (table,))
        if kind == "INTEGER" and "WITHOUT ROWID" not in _declared(sqlite, table)
        and len(_joined(sqlite, "SELECT name FROM pragma_table_info(?) WHERE pk > 0", table).split(",")) == 1
    }  # fmt: skip
    by_sequence = asked(
        server,
        "SELECT table_name::text FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_identity = 'YES'",
    )
    by_function = asked(
        server,
        "SELECT table_name::text FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_default LIKE 'next\\_%'",
    )
    assert {table for (table,) in by_sequence | by_function} <= numbered
    assert {table for (table,) in by_function} == set(WITHOUT_GAPS)
    assert {"transfer", "bill", "payment"} <= {table for (table,) in by_sequence}


def _declared(sqlite: sqlite3.Connection, table: str) -> str:
    (sql,) = sqlite.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return str(sql)


def _joined(sqlite: sqlite3.Connection, sql: str, name: str) -> str:
    return ",".join(str(column) for (column,) in sqlite.execute(sql, (name,)))


_NAMES = (
    "(SELECT string_agg(a.attname::text, ',' ORDER BY k.place)"
    " FROM unnest({keys}) WITH ORDINALITY k (number, place)"
    " JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number)"
)
_CONSTRAINTS = (
    "SELECT conrelid::regclass::text, "
    + _NAMES.format(keys="conkey", table="conrelid")
    + ", nullif(confrelid, 0)::regclass::text, "
    + _NAMES.format(keys="confkey", table="confrelid")
    + " FROM pg_constraint WHERE contype = '{kind}' AND connamespace = 'public'::regnamespace"
)


# --- protected ------------------------------------------------------------------------------------

FORBIDDEN = {
    "amount": "UPDATE transfer SET amount = amount + 1",
    "nothing": "UPDATE transfer SET amount = amount",
    "one row": "UPDATE transfer SET user_data = 'x' WHERE seq = 1",
    "to null": "UPDATE transfer SET user_data = NULL",
    "number": "UPDATE transfer SET seq = seq + 1000",
    "delete all": "DELETE FROM transfer",
    "delete one": "DELETE FROM transfer WHERE seq = 1",
    "delete the newest": "DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)",
    "delete accounts": "DELETE FROM account",
    "truncate": "TRUNCATE transfer",
    "truncate with all that refers to it": "TRUNCATE account CASCADE",
    "truncate several": "TRUNCATE payment, transfer CASCADE",
    "upsert": "INSERT INTO transfer SELECT * FROM transfer WHERE seq = 1"
    " ON CONFLICT (seq) DO UPDATE SET amount = 1",
    "upsert by id": "INSERT INTO transfer SELECT * FROM transfer WHERE seq = 1"
    " ON CONFLICT (id) DO UPDATE SET amount = 1",
    "merge": "MERGE INTO transfer t USING transfer s ON t.seq = s.seq WHEN MATCHED THEN DELETE",
    "event": "UPDATE event SET after_seq = 0",
    "events": "DELETE FROM event",
    "checkpoint": "DELETE FROM checkpoint",
    "checkpoints": "TRUNCATE checkpoint",
    "tile": "DELETE FROM log_tile",
    "tile shorter": "UPDATE log_tile SET hashes = ''",
}


@pytest.fixture(scope="module")
def used(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the tables' owner to a database in which money has moved, and was sealed."""
    with postgres.database() as url:
        with Sandbox.open(url, keyring=tmp_path_factory.mktemp("used") / "keys") as s:
            corporate(s, fund=yuan(100))
            s.ledger.checkpoint()
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_server_forbids_to_alter_history(used: psycopg.Connection[Any], statement: str) -> None:
    def rows() -> list[Any]:
        return [
            used.execute(f"SELECT * FROM {table} ORDER BY 1, 2".encode()).fetchall()
            for table in ("transfer", "account", "event", "checkpoint", "log_tile")
        ]

    before = rows()
    assert all(before)
    with pytest.raises(pg.IntegrityError):
        used.execute(statement.encode())
    assert rows() == before


@pytest.mark.parametrize(
    "values",
    [
        "'\\x00', 1, 2, 1",
        "NULL, 1, 2, 1",
        "decode(repeat('ab', 17), 'hex'), 1, 2, 1",
        "decode(repeat('ab', 16), 'hex'), 1, 2, -1",
        "decode(repeat('ab', 16), 'hex'), 1, 2, NULL",
        "decode(repeat('ab', 16), 'hex'), 1, 99999, 1",
        "decode(repeat('ab', 16), 'hex'), 99999, 2, 1",
        "decode(repeat('ab', 16), 'hex'), NULL, 2, 1",
    ],
)
def test_server_forbids_transfers_that_cannot_be(used: psycopg.Connection[Any], values: str) -> None:
    with pytest.raises(pg.IntegrityError):
        used.execute(
            "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, ledger, code, flags,"
            f" user_data, posted_at) VALUES ({values}, 1, 1, 0, '', 1)".encode()
        )


# --- whose database it is -------------------------------------------------------------------------

STRANGE = {
    "a table of somebody else": "CREATE TABLE customer (name text)",
    "a table that we have, too": "CREATE TABLE wallet (wallet_id text)",
    "tables named as ours, without a version": "CREATE TABLE meta (name text, value text);"
    " CREATE TABLE transfer (seq int); CREATE TABLE account (id int)",
    "a version that is none": "CREATE TABLE meta (name text, value text);"
    " CREATE TABLE transfer (seq int); CREATE TABLE account (id int);"
    " INSERT INTO meta VALUES ('schema_version', 'one')",
}


def state(connection: psycopg.Connection[Any]) -> Rows:
    return asked(
        connection,
        "SELECT relname::text, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT proname::text, 'function' FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )


@pytest.mark.parametrize("statements", STRANGE.values(), ids=STRANGE)
def test_database_of_something_else_is_refused_and_left_alone(
    postgres_url: str, tmp_path: Path, statements: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(statements.encode())
        before = state(connection)
        for _ in range(2):
            with pytest.raises(UnavailableError) as refusal:
                Sandbox.open(postgres_url, keyring=tmp_path / "keys")
            judged(refusal.value, "database_foreign")
        assert state(connection) == before
    assert list(tmp_path.iterdir()) == []


def test_newer_database_is_refused_and_left_alone(postgres_url: str, tmp_path: Path) -> None:
    Sandbox.open(postgres_url, keyring=tmp_path / "keys").close()
    newer = newest_version() + 1
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE meta SET value = %s WHERE name = 'schema_version'", (str(newer),))
        before = state(connection)
        with pytest.raises(UnavailableError) as refusal:
            Sandbox.open(postgres_url, keyring=tmp_path / "keys")
        judged(refusal.value, "database_newer")
        assert (refusal.value.values["version"], refusal.value.values["known"]) == (newer, newest_version())
        assert state(connection) == before


def test_other_schemas_of_the_database_are_nobodys_business(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA theirs; CREATE TABLE theirs.customer (name text)")
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        assert s.ledger.verify().ok


def test_migrating_again_changes_nothing(postgres_url: str) -> None:
    PostgresStore.open(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        before = state(connection)
    PostgresStore.open(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        assert state(connection) == before


def test_migration_that_fails_leaves_nothing(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecny_tax.store import postgres_schema

    plain = postgres_schema.statements
    monkeypatch.setattr(postgres_schema, "statements", lambda script: [*plain(script), "CREATE TABLE ("])
    with pytest.raises(pg.SyntaxError):
        PostgresStore.open(postgres_url)
    monkeypatch.undo()
    with psycopg.connect(postgres_url) as connection:
        assert state(connection) == set()
    PostgresStore.open(postgres_url).close()


def test_a_statement_without_words_of_sqlite_stays_as_it_is() -> None:
    index = "CREATE INDEX a_by_b ON a (b) WHERE b IS NOT NULL"
    assert in_postgres(index) == [index]


START_AT_ONCE = """
import sys
from ecny_tax.store.postgres import PostgresStore
print("ready", flush=True)
sys.stdin.readline()
store = PostgresStore.open(sys.argv[1])
with store.reading() as tx:
    print(tx.row("SELECT value FROM meta WHERE name = 'schema_version'")[0])
store.close()
"""


def test_ten_processes_that_start_on_an_empty_database_at_once_agree(postgres_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START_AT_ONCE, postgres_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in processes]
    assert answers == [f"{newest_version()}\n"] * 10
