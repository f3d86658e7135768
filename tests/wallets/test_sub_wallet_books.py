"""`ledger verify` finds what somebody falsified about sub-wallets who went around the library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from tests.support import AUTHORITY, START, corporate, owe, personal

Tamper = tuple[str, ...]
_SUB = "(SELECT min(wallet_id) FROM wallet WHERE purpose = '{}')"
_LAST = "(SELECT max(seq) FROM transfer)"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sub-wallets of every purpose that have all paid as they may."""
    path = tmp_path_factory.mktemp("family") / "family.db"
    with Sandbox.open(path, clock=FixedClock(START), seed="family") as s:
        person, company = personal(s, fund=Fen(100_00)), corporate(s, fund=Fen(100_00))
        shop, w = corporate(s, 2, fund=Fen(100_00)), s.wallets
        limited = w.open_sub(parent=person.wallet_id, purpose="limited", single=Fen(20_00), fund=Fen(20_00))
        conditional = w.open_sub(
            parent=person.wallet_id, purpose="conditional", payees=(AUTHORITY, shop.wallet_id),
            until=date(2023, 4, 20), fund=Fen(20_00),
        )  # fmt: skip
        pushed = w.open_sub(parent=person.wallet_id, purpose="pushed", platform="P", fund=Fen(20_00))
        till = w.open_sub(parent=company.wallet_id, purpose="collection")
        wages = w.open_sub(parent=company.wallet_id, purpose="distribution", fund=Fen(20_00))
        for source in (limited, conditional, wages):
            w.transfer(from_wallet=source.wallet_id, to_wallet=shop.wallet_id, amount=Fen(1_00))
        w.charge(token=pushed.token or "", payee=shop.wallet_id, amount=Fen(2_00))
        s.payments.pay(bill_no=owe(s, person, 3_00).bill_no, wallet_id=conditional.wallet_id)
        w.transfer(from_wallet=shop.wallet_id, to_wallet=till.wallet_id, amount=Fen(4_00))
        w.transfer(from_wallet=limited.wallet_id, to_wallet=person.wallet_id, amount=Fen(5_00))
        w.collect(parent=company.wallet_id)
        assert s.ledger.verify().ok
    return path


def sent(source: str, target: str, code: int) -> Tamper:
    """A transfer of one fen with both balances in step; ``source`` and ``target`` are account ids."""
    return (
        f"INSERT INTO transfer SELECT max(seq) + 1, randomblob(16), {source}, {target}, 1, 1, {code}, 0, '',"
        " max(posted_at) FROM transfer",
        f"UPDATE account SET debits = debits + 1 WHERE id = {source}",
        f"UPDATE account SET credits = credits + 1 WHERE id = {target}",
    )


def account(purpose: str) -> str:
    return f"(SELECT account_id FROM wallet WHERE purpose = '{purpose}')"


_PERSON = "(SELECT account_id FROM wallet WHERE kind = 'personal' AND parent IS NULL)"
_COMPANY = "(SELECT min(account_id) FROM wallet WHERE kind = 'corporate' AND parent IS NULL)"
_SHOP = "(SELECT max(account_id) FROM wallet WHERE kind = 'corporate' AND parent IS NULL)"

SPENT = "what counts towards the limits of personal wallets equals what went out"
KIN = "sub-wallets are of their parent's holder, class and operator, one level deep"
APART = "money between a parent and its sub-wallet is told apart from payments"
WAYS = "a collection sub-wallet pays its parent alone, and the others are credited by it alone"
TERMS = "every sub-wallet has terms, and a conditional one has paid only the payees it names, in time"
#: What was done → the check that finds it.
TAMPERING: dict[str, tuple[str, Tamper]] = {
    "an allowance of a sub-wallet given back": (
        SPENT,
        (f"UPDATE wallet_spending SET amount = amount - 1 WHERE wallet_id = {_SUB.format('limited')}",),
    ),
    "an allowance of a sub-wallet forgotten": (
        SPENT,
        (f"DELETE FROM wallet_spending WHERE wallet_id = {_SUB.format('pushed')}",),
    ),
    "an allowance moved from the sub-wallet to its parent": (
        SPENT,
        (
            "UPDATE wallet_spending SET wallet_id = (SELECT parent FROM wallet WHERE purpose = 'limited')"
            f" WHERE wallet_id = {_SUB.format('limited')}",
        ),
    ),
    "a payment said to be a move within the family": (
        APART,
        (f"UPDATE transfer SET code = 17 WHERE debit_account_id = {account('limited')} AND code = 8",),
    ),
    "a move within the family said to be a payment": (
        APART,
        (f"UPDATE transfer SET code = 8 WHERE debit_account_id = {account('limited')} AND code = 17",),
    ),
    "a move between strangers said to be one of a family": (APART, sent(_PERSON, _SHOP, 17)),
    "a move between two sub-wallets of one parent": (
        APART,
        sent(account("distribution"), account("collection"), 17),
    ),
    "a collection sub-wallet that pays a stranger": (
        WAYS,
        (*sent(_COMPANY, account("collection"), 17), *sent(account("collection"), _SHOP, 8)),
    ),
    "a distribution sub-wallet credited by a stranger": (WAYS, sent(_SHOP, account("distribution"), 8)),
    "a limited sub-wallet credited by a stranger": (WAYS, sent(_SHOP, account("limited"), 8)),
    "a sub-wallet of another holder": (
        KIN,
        ("UPDATE wallet SET subject_id = 'S0' WHERE purpose = 'collection'",),
    ),
    "a sub-wallet of another class": (
        KIN,
        ("UPDATE wallet SET wallet_class = 'I' WHERE purpose = 'pushed'",),
    ),
    "a sub-wallet at another operator": (
        KIN,
        ("UPDATE wallet SET operator = 'BOC' WHERE purpose = 'pushed'",),
    ),
    "a sub-wallet below a sub-wallet": (
        KIN,
        (
            "UPDATE wallet SET parent = (SELECT wallet_id FROM wallet WHERE purpose = 'limited')"
            " WHERE purpose = 'pushed'",
        ),
    ),
    "a sub-wallet without terms": (TERMS, ("DELETE FROM sub_wallet WHERE platform IS NOT NULL",)),
    "terms of a wallet that is no sub-wallet": (
        TERMS,
        ("INSERT INTO sub_wallet (wallet_id) SELECT wallet_id FROM wallet WHERE parent IS NULL LIMIT 1",),
    ),
    "a token taken away": (TERMS, ("UPDATE sub_wallet SET token_digest = NULL WHERE platform IS NOT NULL",)),
    "a payee struck off": (TERMS, (f"DELETE FROM sub_wallet_payee WHERE payee = '{AUTHORITY}'",)),
    "another payee struck off": (TERMS, (f"DELETE FROM sub_wallet_payee WHERE payee <> '{AUTHORITY}'",)),
    "a last day put before the payment": (
        TERMS,
        ("UPDATE sub_wallet SET until = '2023-04-19' WHERE until IS NOT NULL",),
    ),
}


def tampered(path: Path, statements: Tamper) -> None:
    """Run the statements with triggers and checks off, and put the triggers back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for name, _sql in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        for _name, sql in triggers:
            connection.execute(sql)


@pytest.fixture
def copied(story: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        for file in story.parent.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        return tmp_path / story.name

    return copy


@pytest.mark.parametrize("what", TAMPERING)
def test_i11_verification_finds(copied: Callable[[], Path], what: str) -> None:
    expected, statements = TAMPERING[what]
    path = copied()
    tampered(path, statements)
    with Sandbox.open(path, clock=FixedClock(START)) as s:
        verification = s.ledger.verify()
    failed = {check.what for check in verification.checks if not check.ok}
    assert not verification.ok
    assert expected in failed, failed
    assert all(check.detail for check in verification.checks if not check.ok)


def test_an_imported_ledger_with_sub_wallets_verifies_without_their_records(story: Path) -> None:
    with Sandbox.open(story, clock=FixedClock(START)) as s:
        lines = "".join(s.ledger.export(format="jsonl")).splitlines(keepends=True)
        transfers = s.ledger.verify().transfers
    with Sandbox.import_ledger(lines, clock=FixedClock(START)) as s:
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
        assert verification.imported == transfers
