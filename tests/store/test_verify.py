"""`ledger verify` finds what somebody altered who went around the library, with the triggers taken off."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.store.books import LedgerVerification
from tests.support import START, corporate, nameless, owe, personal, refund_of


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which everything has happened once; copied for every test."""
    path = tmp_path_factory.mktemp("story") / "story.db"
    with Sandbox.open(path, clock=FixedClock(START), seed="verify") as s:
        company, person = corporate(s, fund=Fen(1_000_00)), personal(s, fund=Fen(1_000_00))
        nameless(s, fund=Fen(100_00))
        s.wallets.transfer(from_wallet=company.wallet_id, to_wallet=person.wallet_id, amount=Fen(50_00))
        s.wallets.cash_out(wallet_id=person.wallet_id, amount=Fen(20_00))
        s.agreements.sign(wallet_id=company.wallet_id)
        kept = s.payments.pay(bill_no=owe(s, company, 30_00).bill_no)
        back = s.payments.pay(bill_no=owe(s, company, 31_00).bill_no)
        s.payments.reverse(payment_no=back.payment_no)
        s.payments.pay(bill_no=owe(s, person, 32_00).bill_no, wallet_id=person.wallet_id)
        s.refunds.apply_for_payment(payment_no=kept.payment_no, amount=Fen(10_00))
        owe(s, person, 33_00)
        s.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(100_00))
        s.treasury.close(day=START.date())
        assert s.ledger.verify().ok
    return path


class Tampered:
    """A copy of the story, and what an outsider does to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def outside(self) -> Iterator[sqlite3.Connection]:
        """A connection without triggers, foreign keys and checks; the triggers are put back afterwards."""
        connection = sqlite3.connect(self.path)
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        with connection:
            for name, _sql in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
            for _name, sql in triggers:
                connection.execute(sql)
        connection.close()

    def run(self, *statements: str) -> int:
        with self.outside() as connection:
            changed = [connection.execute(statement).rowcount for statement in statements]
            assert all(changed), changed
            return sum(changed)

    def verified(self) -> LedgerVerification:
        with Sandbox.open(self.path, clock=FixedClock(START)) as s:
            return s.ledger.verify()

    def broken(self) -> set[str]:
        verification = self.verified()
        failed = [check for check in verification.checks if not check.ok]
        assert verification.ok is not bool(failed)
        assert all(check.detail for check in failed)
        return {check.promise for check in failed}


@pytest.fixture
def copy(story: Path, tmp_path: Path) -> Tampered:
    for file in story.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return Tampered(tmp_path / story.name)


def test_an_untouched_ledger_verifies_and_says_what_was_checked(copy: Tampered) -> None:
    verification = copy.verified()
    assert verification.ok
    assert {check.promise for check in verification.checks} >= {
        *(f"I{number}" for number in range(1, 9)),
        "I11",
        "I12",
        "I13",
    }
    with sqlite3.connect(copy.path) as connection:
        assert verification.transfers == connection.execute("SELECT count(*) FROM transfer").fetchone()[0]
        assert verification.accounts == connection.execute("SELECT count(*) FROM account").fetchone()[0]
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET amount = amount + 1",
        "UPDATE transfer SET user_data = NULL WHERE seq = 1",
        "DELETE FROM transfer",
        "DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)",
        "DELETE FROM account WHERE id = 1",
        "INSERT OR REPLACE INTO transfer SELECT * FROM transfer WHERE seq = 1",
    ],
)
def test_i5_with_its_triggers_on_the_database_itself_forbids_it(copy: Tampered, statement: str) -> None:
    connection = sqlite3.connect(copy.path)
    connection.execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
    assert copy.verified().ok


@dataclass(frozen=True)
class Clone:
    """One row of a table once more, with some of its columns changed."""

    table: str
    where: str
    changes: dict[str, object]

    def run(self, connection: sqlite3.Connection) -> None:
        cursor = connection.execute(f"SELECT * FROM {self.table} WHERE {self.where}")
        columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
        assert len(rows) == 1
        row = dict(zip(columns, rows[0], strict=True)) | self.changes
        if "place" in row:  # a row of its own, behind the others
            row["place"] = None
        assert len(row) == len(columns)
        places = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {self.table} VALUES ({places})", tuple(row.values()))


_EXTRA = {"payment_no": "P-extra", "receipt_no": "extra"}
_MIDDLE = "(SELECT max(seq) / 2 FROM transfer)"
_LAST = "(SELECT max(seq) FROM transfer)"
_WALLET = "(SELECT min(account_id) FROM wallet)"
_SETTLED = "(SELECT min(payment_no) FROM payment WHERE status = 'settled' AND mode = 'real_time_debit')"
_DEBIT_TRANSFER = f"(SELECT transfer_id FROM payment WHERE payment_no = {_SETTLED})"

#: What was done, and one promise that must be found broken.
TAMPERING: dict[str, tuple[str, tuple[str | Clone, ...]]] = {
    "an amount edited": ("I4", (f"UPDATE transfer SET amount = amount + 1 WHERE seq = {_MIDDLE}",)),
    "a debit account edited": (
        "I4",
        (f"UPDATE transfer SET debit_account_id = 1 WHERE seq = {_LAST}",),
    ),
    "a credit account edited": (
        "I4",
        (f"UPDATE transfer SET credit_account_id = {_WALLET} WHERE seq = {_MIDDLE}",),
    ),
    "an asset edited": ("I1", (f"UPDATE transfer SET ledger = 3 - ledger WHERE seq = {_LAST}",)),
    "a transfer deleted in the middle": ("I5", (f"DELETE FROM transfer WHERE seq = {_MIDDLE}",)),
    "the first transfer deleted": ("I5", ("DELETE FROM transfer WHERE seq = 1",)),
    "the last transfer deleted": ("I4", (f"DELETE FROM transfer WHERE seq = {_LAST}",)),
    "a transfer of nothing deleted with the gap closed": (
        "I4",
        (
            f"DELETE FROM transfer WHERE seq = {_MIDDLE}",
            f"UPDATE transfer SET seq = -seq + 1 WHERE seq > {_MIDDLE}",
            "UPDATE transfer SET seq = -seq WHERE seq < 0",
        ),
    ),
    "two transfers swapped in time": (
        "I5",
        (f"UPDATE transfer SET posted_at = posted_at + 1 WHERE seq = {_MIDDLE}",),
    ),
    "a transfer added": (
        "I4",
        (
            "INSERT INTO transfer SELECT seq + 1, randomblob(16), debit_account_id,"
            " credit_account_id, amount,"
            f" ledger, code, flags, user_data, posted_at FROM transfer WHERE seq = {_LAST}",
        ),
    ),
    "an account that does not exist": (
        "I5",
        (f"UPDATE transfer SET credit_account_id = 9999 WHERE seq = {_LAST}",),
    ),
    "a balance raised": ("I4", (f"UPDATE account SET credits = credits + 1 WHERE id = {_WALLET}",)),
    "a balance lowered": ("I4", (f"UPDATE account SET debits = debits + 1 WHERE id = {_WALLET}",)),
    "both counters raised": (
        "I4",
        (f"UPDATE account SET debits = debits + 1, credits = credits + 1 WHERE id = {_WALLET}",),
    ),
    "e-CNY issued out of nothing, journal and balances in step": (
        "I2",
        (
            "INSERT INTO transfer SELECT max(seq) + 1, randomblob(16), (SELECT id FROM account WHERE name ="
            f" 'issuance'), {_WALLET}, 7, 1, 2, 0, '', max(posted_at) FROM transfer",
            "UPDATE account SET debits = debits + 7 WHERE name = 'issuance'",
            f"UPDATE account SET credits = credits + 7 WHERE id = {_WALLET}",
        ),
    ),
    "a wallet overdrawn, journal and balances in step": (
        "I3",
        (
            "INSERT INTO transfer SELECT max(seq) + 1, randomblob(16), (SELECT max(account_id) FROM wallet),"
            f" {_WALLET}, 1000000, 1, 8, 0, '', max(posted_at) FROM transfer",
            "UPDATE account SET debits = debits + 1000000 WHERE id = (SELECT max(account_id) FROM wallet)",
            f"UPDATE account SET credits = credits + 1000000 WHERE id = {_WALLET}",
        ),
    ),
    "a payment's amount": ("I6", (f"UPDATE payment SET amount = amount + 1 WHERE payment_no = {_SETTLED}",)),
    "a fee charged": ("I6", (f"UPDATE payment SET fee = 1 WHERE payment_no = {_SETTLED}",)),
    "a payment of another wallet": (
        "I6",
        (
            f"UPDATE payment SET wallet_id = (SELECT max(wallet_id) FROM wallet WHERE wallet_id <>"
            f" (SELECT wallet_id FROM payment WHERE payment_no = {_SETTLED}))"
            f" WHERE payment_no = {_SETTLED}",
        ),
    ),
    "a payment without its transfer": (
        "I6",
        (f"UPDATE payment SET transfer_id = zeroblob(16) WHERE payment_no = {_SETTLED}",),
    ),
    "an extra payment row for an open bill": (
        "I7",
        (
            Clone("payment", "status = 'reversed'", {**_EXTRA, "status": "settled", "reversed_at": None}),
        ),
    ),
    "a second settlement of a paid bill": (
        "I7",
        (
            "DROP INDEX one_settlement_per_bill",
            Clone("payment", f"payment_no = {_SETTLED}", _EXTRA | {"refunded": 0}),
            "CREATE INDEX one_settlement_per_bill ON payment (bill_no) WHERE status = 'settled'",
        ),
    ),
    "a payment row deleted": ("I7", (f"DELETE FROM payment WHERE payment_no = {_SETTLED}",)),
    "a bill said to be paid": ("I7", ("UPDATE bill SET status = 'paid' WHERE status = 'open'",)),
    "a paid bill said to be open": ("I7", ("UPDATE bill SET status = 'open' WHERE status = 'paid'",)),
    "a paid bill's amount": ("I7", ("UPDATE bill SET amount = amount + 1 WHERE status = 'paid'",)),
    "a payment said to be reversed": (
        "I7",
        (f"UPDATE payment SET status = 'reversed', reversed_at = settled_at WHERE payment_no = {_SETTLED}",),
    ),
    "a refunded sum": ("I8", ("UPDATE payment SET refunded = refunded + 1 WHERE refunded > 0",)),
    "a refund forgotten by its payment": ("I8", ("UPDATE payment SET refunded = 0 WHERE refunded > 0",)),
    "a refund's amount": ("I8", ("UPDATE refund SET amount = amount + 1 WHERE tax_year IS NOT NULL",)),
    "a refund said to be refused": (
        "I8",
        ("UPDATE refund SET status = 'tax_refused' WHERE tax_year IS NOT NULL",),
    ),
    "a refund of another payment": (
        "I8",
        ("UPDATE refund SET payment_no = (SELECT max(payment_no) FROM payment WHERE refunded = 0)"
         " WHERE kind = 'payment'",),
    ),
    "a year refunded twice": (
        "I8",
        (
            Clone("refund", "tax_year IS NOT NULL", {"refund_no": "R-extra", "status": "treasury_failed"}),
        ),
    ),
    "a settled year compared with what was not there": (
        "I8",
        ("UPDATE annual_settlement SET compared_up_to = 1", "UPDATE refund SET basis = 'recorded'"),
    ),
    "a settled year that forgot what it was compared with": (
        "I8",
        ("UPDATE refund SET basis = 'recorded' WHERE tax_year IS NOT NULL",),
    ),
    "an allowance given back": ("I11", ("UPDATE wallet_spending SET amount = amount - 1 WHERE amount > 0",)),
    "an allowance forgotten": ("I11", ("DELETE FROM wallet_spending",)),
    "an allowance of another day": ("I11", ("UPDATE wallet_spending SET day = '2023-04-19'",)),
    "an allocation's amount": ("I13", ("UPDATE allocation SET amount = amount + 1 WHERE level = 'city'",)),
    "an allocation moved from one level to another": (
        "I13",
        (
            "UPDATE allocation SET amount = amount + 1 WHERE level = 'city'",
            "UPDATE allocation SET amount = amount - 1 WHERE level = 'county'",
        ),
    ),
    "an allocation of another operator": ("I13", ("UPDATE allocation SET operator = 'CMB'",)),
    "an allocation of another tax": ("I13", ("UPDATE allocation SET code = '10101'",)),
    "an allocation of another day": ("I13", ("UPDATE allocation SET day = '2023-04-19'",)),
    "an allocation deleted": ("I13", ("DELETE FROM allocation WHERE level = 'province'",)),
    "a closed day said to be open": ("I13", ("DELETE FROM treasury_day",)),
    "a day said to be closed before its time": ("I13", ("UPDATE treasury_day SET closed_at = 0",)),
    "a day between two closed ones said to be open": (
        "I13",
        (
            "INSERT INTO treasury_day SELECT treasury, '2023-04-18', closed_with, closed_at"
            " FROM treasury_day",
        ),
    ),
    "a payment moved into a closed day": (
        "I13",
        (
            "INSERT INTO treasury_day SELECT treasury, '2023-04-21', '2023-04-21', closed_at + 86400000000"
            " FROM treasury_day",
            f"UPDATE payment SET settled_at = settled_at + 86400000000 WHERE payment_no = {_SETTLED}",
        ),
    ),
    "a closing's transfer edited": (
        "I13",
        ("UPDATE transfer SET user_data = 'x' WHERE code = 20",),
    ),
    "a signatory made nameless": (
        "I12",
        ("UPDATE wallet SET wallet_class = 'IV' WHERE wallet_id IN (SELECT wallet_id FROM agreement)",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERING)
def test_verification_finds(copy: Tampered, what: str) -> None:
    promise, statements = TAMPERING[what]
    with copy.outside() as connection:
        for statement in statements:
            if isinstance(statement, Clone):
                statement.run(connection)
            else:
                done = connection.execute(statement)
                assert statement.startswith(("DROP", "CREATE")) or done.rowcount
    assert promise in copy.broken()


def test_a_reversal_that_never_moved_money_is_found(copy: Tampered) -> None:
    """Payment and bill say so in step, and only the journal does not."""
    copy.run(
        "UPDATE bill SET status = 'open' WHERE bill_no ="
        " (SELECT bill_no FROM payment WHERE mode = 'scan_to_pay' AND refunded = 0)",
        "UPDATE payment SET status = 'reversed', reversed_at = settled_at"
        " WHERE mode = 'scan_to_pay' AND refunded = 0",
    )
    assert copy.broken()


def test_a_payment_taken_out_of_the_records_is_found_in_the_journal(copy: Tampered) -> None:
    """The wallet has paid; payment and bill say that nobody did."""
    copy.run(
        "UPDATE bill SET status = 'open' WHERE bill_no ="
        " (SELECT bill_no FROM payment WHERE mode = 'scan_to_pay' AND refunded = 0)",
        "DELETE FROM payment WHERE mode = 'scan_to_pay' AND refunded = 0",
    )
    assert copy.broken()


def test_one_transfer_settles_one_payment(copy: Tampered) -> None:
    """An open bill is said to be paid by a transfer that paid another one of the same amount."""
    paid = "mode = 'scan_to_pay'"
    with copy.outside() as connection:
        Clone("bill", f"bill_no = (SELECT bill_no FROM payment WHERE {paid})", {"bill_no": "B-extra"}).run(
            connection
        )
        Clone("payment", paid, _EXTRA | {"bill_no": "B-extra"}).run(connection)
    assert copy.broken()


def test_a_balance_that_no_counter_could_reach_is_no_crash(copy: Tampered) -> None:
    copy.run(f"UPDATE account SET credits = 9223372036854775807 WHERE id = {_WALLET}")
    assert "I4" in copy.broken()


def test_an_empty_scheme_verifies() -> None:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed=1) as s:
        assert s.ledger.verify().ok


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "note.db"
    path.write_bytes(b"this is no database, whatever it is called" * 100)
    with pytest.raises(EcnyTaxError) as caught:
        Sandbox.open(path)
    assert caught.value.code == "database_foreign"


def test_verification_reads_one_state_while_others_write(copy: Tampered) -> None:
    with (
        Sandbox.open(copy.path, clock=FixedClock(START)) as s,
        Sandbox.open(copy.path, clock=FixedClock(START)) as other,
    ):
        wallet: Any = s.wallets.list()[0]
        for _ in range(5):
            other.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
            assert s.ledger.verify().ok
