"""Whoever alters the tables on the server is found; times side by side lie at most a minute apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from ecny_tax import FixedClock, Sandbox, yuan
from ecny_tax.ledger.model import MAX_DISORDER, TransferCode
from ecny_tax.store.books import LedgerVerification
from ecny_tax.store.transaction import Transaction
from tests.cli.process import Cli
from tests.postgres_server import Server
from tests.support import START, corporate, nameless, owe


class Books(NamedTuple):
    """A database in which money has moved, with its keyring."""

    url: str
    keyring: Path

    def alter(self, table: str, *statements: str) -> None:
        """Go around the triggers, as the owner of the tables can."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in (
                f"ALTER TABLE {table} DISABLE TRIGGER USER",
                *statements,
                f"ALTER TABLE {table} ENABLE TRIGGER USER",
            ):
                connection.execute(statement.encode())

    def opened(self) -> Sandbox:
        return Sandbox.open(self.url, keyring=self.keyring)

    def verified(self) -> LedgerVerification:
        with self.opened() as s:
            return s.ledger.verify()

    def broken(self) -> dict[str, str]:
        """The promises that do not hold, each with its detail."""
        return {check.promise: check.detail for check in self.verified().checks if not check.ok}


@pytest.fixture
def books(postgres_url: str, tmp_path: Path) -> Books:
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys", clock=FixedClock(START)) as s:
        company = corporate(s, fund=yuan(100))
        for _ in range(3):
            s.payments.pay(bill_no=owe(s, company, 10_00).bill_no, wallet_id=company.wallet_id)
        s.ledger.checkpoint()
    found = Books(postgres_url, tmp_path / "keys")
    assert found.verified().ok
    return found


ALTERED = {
    "an amount": "UPDATE transfer SET amount = amount + 1 WHERE seq = {seq}",
    "a payee": "UPDATE transfer SET credit_account_id = debit_account_id WHERE seq = {seq}",
    "a time": "UPDATE transfer SET posted_at = posted_at + 1 WHERE seq = {seq}",
    "what it is about": "UPDATE transfer SET user_data = user_data || '0' WHERE seq = {seq}",
    "an id": "UPDATE transfer SET id = id || '' || '\\x'::bytea WHERE seq = {seq};"
    " UPDATE transfer SET id = substr(id, 1, 15) || '\\x00'::bytea WHERE seq = {seq}",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_I14_a_transfer_that_was_altered_on_the_server_is_named(books: Books, statement: str) -> None:
    with psycopg.connect(books.url) as connection:
        (seq,) = connection.execute("SELECT max(seq) - 2 FROM transfer").fetchone() or (0,)
    books.alter("transfer", statement.format(seq=seq))
    assert f"transfer {seq}" in books.broken()["I14"]


def test_I14_the_command_line_names_the_transfer_and_ends_with_6(books: Books, tmp_path: Path) -> None:
    books.alter("transfer", "UPDATE transfer SET amount = amount + 1 WHERE seq = 20")
    cli = Cli(tmp_path, ECNY_TAX_DB=books.url, ECNY_TAX_KEYRING=str(books.keyring))
    answer = cli.run("ledger", "verify", "--json")
    assert answer.exit_code == 6
    assert answer.complaint["code"] == "ledger_broken"
    assert '"ok": false' in answer.stdout
    assert "transfer 20" in answer.stdout
    said = cli.run("ledger", "verify")
    assert said.exit_code == 6
    assert "transfer 20" in said.stdout + said.stderr


@pytest.mark.parametrize("sealed", [True, False])
def test_I5_a_transfer_that_was_deleted_on_the_server_is_missed(books: Books, sealed: bool) -> None:
    """Also where nobody sealed it: an empty one takes its number, and its money is missing."""
    with books.opened() as s:
        wallet = nameless(s, fund=yuan(50))
        other = nameless(s, 2)
        s.wallets.transfer(from_wallet=wallet.wallet_id, to_wallet=other.wallet_id, amount=yuan(1))
        if sealed:
            s.ledger.checkpoint()
        books.alter("transfer", "DELETE FROM transfer WHERE seq = (SELECT max(seq) - 1 FROM transfer)")
        found = s.ledger.verify()
    assert {check.promise for check in found.checks if not check.ok} >= {"I4"}


def test_I5_an_empty_transfer_that_fills_a_gap_may_not_be_altered_into_money(books: Books) -> None:
    with books.opened() as s:
        leave_gap(s)
        assert s.ledger.verify().ok
        voids = f"code = {int(TransferCode.VOID)}"
        books.alter("transfer", f"UPDATE transfer SET amount = 100 WHERE {voids}")
        assert not s.ledger.verify().ok


def leave_gap(s: Sandbox) -> None:
    """Take a number beside others and give it up; then another transfer takes the next."""
    company, payee = corporate(s, 7, fund=yuan(10)), nameless(s, 7)

    class GivenUp(Exception):
        pass

    def give_up(tx: Transaction) -> None:
        row = tx.row("SELECT nextval(pg_get_serial_sequence('transfer', 'seq'))")
        assert row is not None
        raise GivenUp

    with pytest.raises(GivenUp):
        s._store.concurrently(give_up, "wallet:gap")
    s.wallets.transfer(from_wallet=company.wallet_id, to_wallet=payee.wallet_id, amount=yuan(1))


def test_I5_numbers_that_were_given_up_are_filled_once_and_stay(books: Books) -> None:
    with books.opened() as s:
        for _ in range(2):
            assert s.ledger.verify().ok
        leave_gap(s)
        found = [s.ledger.verify() for _ in range(2)]
        assert all(one.ok for one in found)
        assert found[0].transfers == found[1].transfers
        with s._store.reading() as tx:
            assert tx.row("SELECT count(*), max(seq) FROM transfer") == (found[0].transfers,) * 2
            voids = "SELECT count(*), sum(amount) FROM transfer WHERE code = :void"
            assert tx.row(voids, void=int(TransferCode.VOID)) == (1, 0)


@pytest.fixture
def unsealed(books: Books) -> Iterator[tuple[Books, Sandbox]]:
    """Transfers that nobody has sealed: what is told of them is what the table says."""
    with books.opened() as s:
        payer = nameless(s, fund=yuan(50))
        payee = nameless(s, 2)
        for _ in range(3):
            s.wallets.transfer(from_wallet=payer.wallet_id, to_wallet=payee.wallet_id, amount=yuan(1))
        yield books, s


def shifted(books: Books, by: int) -> None:
    """Let the last transfer be so much older (µs) than the one before it."""
    before = "(SELECT posted_at FROM transfer WHERE seq = (SELECT max(seq) - 1 FROM transfer))"
    books.alter(
        "transfer",
        f"UPDATE transfer SET posted_at = {before} - {by} WHERE seq = (SELECT max(seq) FROM transfer)",
    )


@pytest.mark.parametrize("by", [1, MAX_DISORDER - 1, MAX_DISORDER])
def test_transfers_side_by_side_may_be_out_of_order_by_a_minute(
    unsealed: tuple[Books, Sandbox], by: int
) -> None:
    books, s = unsealed
    shifted(books, by)
    found = s.ledger.verify()
    assert found.ok, [check for check in found.checks if not check.ok]


@pytest.mark.parametrize("by", [MAX_DISORDER + 1, 10 * MAX_DISORDER])
def test_I5_a_transfer_that_is_older_by_more_than_a_minute_is_found(
    unsealed: tuple[Books, Sandbox], by: int
) -> None:
    books, s = unsealed
    shifted(books, by)
    with s._store.reading() as tx:
        (seq,) = tx.row("SELECT max(seq) FROM transfer") or (0,)
    details = [check.detail for check in s.ledger.verify().checks if not check.ok]
    assert any(f"transfer {seq} is older" in detail for detail in details), details


def test_a_reader_without_rights_on_the_tables_is_told_so(
    postgres: Server, books: Books, tmp_path: Path
) -> None:
    name = books.url.partition("@/")[2].partition("?")[0]
    with postgres.connect(name) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    cli = Cli(tmp_path, ECNY_TAX_KEYRING=str(books.keyring))
    answer: Any = cli.run("wallet", "list", "--json", "--db", postgres.url(name, user="stranger"))
    assert answer.exit_code == 7
    assert answer.problem["code"] == "database_unwritable"
