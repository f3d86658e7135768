"""I16 where callers share a transaction: who fails takes nothing from its neighbours, or all hear of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from ecny_tax import RejectedError, Sandbox
from ecny_tax.store.transaction import Transaction

KEEP = "INSERT INTO meta VALUES (:name, 'kept')"


def names(sandbox: Sandbox) -> set[str]:
    with sandbox._store.reading() as tx:
        return {row[0] for row in tx.rows("SELECT name FROM meta WHERE value = 'kept'")}


def test_I16_a_refusal_drops_what_waited_to_be_written_even_where_that_could_not_be(
    postgres_url: str, tmp_path: Path
) -> None:
    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:
        store = sandbox._store

        def refused_after_a_write_that_contradicts(tx: Transaction) -> None:
            with tx.savepoint():
                tx.run(KEEP, name="first")  # is there already
                raise RejectedError("insufficient_funds")

        with store.shared(()) as tx:  # type: ignore[attr-defined]
            with tx.savepoint():
                tx.run(KEEP, name="first")
            with pytest.raises(RejectedError):
                refused_after_a_write_that_contradicts(tx)
            with tx.savepoint():
                tx.run(KEEP, name="second")
        assert names(sandbox) == {"first", "second"}


def test_I16_a_commit_that_the_server_turns_into_a_rollback_is_not_called_done(
    postgres_url: str, tmp_path: Path
) -> None:
    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:

        def write_then_hide_an_error() -> None:
            with sandbox._store.transaction() as tx:
                tx.run(KEEP, name="lost")
                with suppress(psycopg.Error):
                    tx.rows("SELECT 1 / 0")

        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            write_then_hide_an_error()
        assert names(sandbox) == set()


def test_what_the_wire_has_prepared_outlives_the_first_rollback(postgres_url: str, tmp_path: Path) -> None:
    asked = "SELECT value FROM meta WHERE name = :name"
    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox, sandbox._store.reading():
        for _ in range(2):  # on a connection that is new the first time
            with sandbox._store.reading() as tx:
                assert {tx.row(asked, name="keyring"), *tx.rows(asked, name="keyring")}
                for _ in range(10):  # psycopg prepares what it is asked for the sixth time
                    assert tx.rows(asked, name="keyring") == [tx.row(asked, name="keyring")]
