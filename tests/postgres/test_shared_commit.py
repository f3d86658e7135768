"""I16 where callers share a transaction: who fails takes nothing from its neighbours, or all hear of it."""

from __future__ import annotations

import select
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from ecny_tax import RejectedError, Sandbox, UnavailableError, yuan
from ecny_tax.store import postgres, postgres_wire
from ecny_tax.store.group import _Caller
from ecny_tax.store.transaction import Transaction
from tests.cli.process import eventually
from tests.postgres_server import Server
from tests.support import corporate, judged

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


def test_I16_what_is_taken_back_inside_of_what_is_taken_back_keeps_nothing_of_it(
    postgres_url: str, tmp_path: Path
) -> None:
    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:

        def refused(tx: Transaction) -> None:
            tx.run(KEEP, name="inner")
            raise RejectedError("insufficient_funds")

        def refused_twice(tx: Transaction) -> None:
            with tx.savepoint():
                tx.run(KEEP, name="outer")
                with suppress(RejectedError), tx.savepoint():
                    refused(tx)
                refused(tx)

        with sandbox._store.transaction() as tx:
            tx.run(KEEP, name="first")
            with pytest.raises(RejectedError):
                refused_twice(tx)
            tx.run(KEEP, name="last")
        assert names(sandbox) == {"first", "last"}


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_who_waited_for_a_writer_sees_what_it_did_whatever_the_default_of_the_database(
    postgres: Server, postgres_url: str, tmp_path: Path, level: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        name = connection.info.dbname
    with postgres.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        pay = partial(
            sandbox.payments.pay_stamp_duty,
            wallet_id=wallet.wallet_id, item="sale_contract", base=yuan(10_000),
        )  # fmt: skip
        pay()
        with ThreadPoolExecutor(1) as other:
            with sandbox._store.transaction() as tx:
                waiting = other.submit(pay)
                with postgres.connect() as connection:
                    asked = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = %s"
                    eventually(lambda: connection.execute(asked, (name,)).fetchone() is not None, 10)
                tx.run("UPDATE wallet SET frozen = 1")
            with pytest.raises(RejectedError) as refusal:
                waiting.result(30)
        judged(refusal.value, "wallet_frozen")


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


def test_programs_whose_callers_share_commits_never_wait_for_each_other_in_a_circle(
    postgres_url: str, tmp_path: Path
) -> None:
    """Each credits the same two accounts, in orders of their own: as payments into treasuries do."""
    keyring, accounts = tmp_path / "keyring", ("issuance", "vault:ICBC")
    with (
        Sandbox.open(postgres_url, keyring=keyring) as one,
        Sandbox.open(postgres_url, keyring=keyring) as other,
        ThreadPoolExecutor(2) as programs,
    ):
        both_have_credited = Barrier(2)

        def crediting(account: str) -> _Caller[None]:
            def act(tx: Transaction) -> None:
                assert tx.row("UPDATE account SET credits = credits WHERE name = :n RETURNING 1", n=account)
                with suppress(BrokenBarrierError):
                    both_have_credited.wait(0.5)

            return _Caller(act, ())

        def run(sandbox: Sandbox, accounts: Sequence[str]) -> Any:
            group = sandbox._store._group  # type: ignore[attr-defined]
            return group._run_together([crediting(account) for account in accounts])

        repeated = programs.map(run, (one, other), (accounts, accounts[::-1]))
        assert list(repeated) == [[], []]


def test_I16_ctrl_c_in_a_commit_is_ctrl_c_and_no_word_that_nothing_was_done(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_sockets: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:

        def write(name: str, *, to_be_interrupted: bool) -> None:
            with sandbox._store.transaction() as tx:
                tx.run(KEEP, name=name)
                if to_be_interrupted:
                    monkeypatch.setattr(postgres_wire, "select", SimpleNamespace(select=interrupted))

        write("before it", to_be_interrupted=False)  # prepares the statements, which are waited for apart
        with pytest.raises(KeyboardInterrupt):
            write("asked for", to_be_interrupted=True)
        assert postgres_wire.select is select
        write("after it", to_be_interrupted=False)
        assert names(sandbox) - {"asked for"} == {"before it", "after it"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, psycopg.errors.QueryCanceled])
def test_who_is_interrupted_when_it_begins_keeps_neither_connection_nor_lock(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    begin = postgres._last_row

    def interrupted(connection: postgres.Connection, statements: str) -> Any:
        begin(connection, statements)
        if error is psycopg.errors.QueryCanceled:
            with suppress(psycopg.Error):
                connection.execute("SELECT 1 / 0")  # what follows in the transaction fails, too
        raise error

    with Sandbox.open(postgres_url, keyring=tmp_path / "keyring") as sandbox:
        monkeypatch.setattr(postgres, "_last_row", interrupted)
        for _ in range(postgres.MAX_CONNECTIONS):
            with pytest.raises((error, UnavailableError)):
                sandbox.ledger.verify()
        monkeypatch.undo()
        monkeypatch.setattr(postgres, "BUSY_SECONDS", 5)
        assert sandbox.ledger.verify().ok
        with psycopg.connect(postgres_url) as connection:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            own = "(SELECT oid FROM pg_database WHERE datname = current_database())"
            assert connection.execute(f"{locks} {own}").fetchone() == (0,)
