"""The SQL of lawful access: transfers of e-CNY by account, what an account belongs to, and freezes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from ecny_tax.clock import micros
from ecny_tax.ledger.model import Ledger
from ecny_tax.oversight.walk import Flow
from ecny_tax.store import journal
from ecny_tax.store.transaction import Row, Transaction

_FLOW = (
    "SELECT seq, id, debit_account_id, credit_account_id, amount, code, user_data, posted_at FROM transfer"
    " WHERE ledger = :ledger AND posted_at BETWEEN :since AND :until"
)


class Window(NamedTuple):
    """A time in microseconds, both ends included, and the numbers between which its transfers lie: an index
    leads to those of an account, so that few outside are read."""

    since: int
    until: int
    first: int
    last: int


def window_of(tx: Transaction, since: datetime, until: datetime) -> Window:
    return Window(micros(since), micros(until), *journal.range_of(tx, micros(since), micros(until)))


def going_out(tx: Transaction, account: int, after: int, until: int, window: Window, most: int) -> list[Flow]:
    """The first transfers out of an account with ``after`` < seq <= ``until``, within a window of seq."""
    found = tx.rows(
        f"{_FLOW} AND debit_account_id = :account AND seq >= :first AND seq <= :last"
        " ORDER BY seq LIMIT :most",
        ledger=Ledger.ECNY, account=account, since=window.since, until=window.until, most=most,
        first=max(after + 1, window.first), last=min(until, window.last),
    )  # fmt: skip
    return [Flow(*row) for row in found]


def coming_in(
    tx: Transaction, account: int, before: int, since: int, window: Window, most: int
) -> list[Flow]:
    """The last transfers into an account with ``since`` <= seq < ``before``, within a window of seq, the last
    one first."""
    found = tx.rows(
        f"{_FLOW} AND credit_account_id = :account AND seq >= :first AND seq <= :last"
        " ORDER BY seq DESC LIMIT :most",
        ledger=Ledger.ECNY, account=account, since=window.since, until=window.until, most=most,
        first=max(since, window.first), last=min(before - 1, window.last),
    )  # fmt: skip
    return [Flow(*row) for row in found]


def owner(tx: Transaction, account: int) -> Row:
    """(account name, account code, wallet id, class, operator, identity) of an account; the last four none
    where it is no wallet's."""
    row = tx.row(
        "SELECT a.name, a.code, w.wallet_id, w.wallet_class, w.operator, w.identity_id"
        " FROM account a LEFT JOIN wallet w ON w.account_id = a.id WHERE a.id = :account",
        account=account,
    )
    assert row is not None  # noqa: S101 - a transfer refers to it
    return row


def named_wallets(tx: Transaction) -> Iterable[Row]:
    """(wallet id, operator, identity) of every wallet whose holder is known by name, oldest first."""
    return tx.stream(
        "SELECT wallet_id, operator, identity_id FROM wallet"
        " WHERE (wallet_class IS NULL OR wallet_class <> 'IV') AND parent IS NULL ORDER BY account_id"
    )


def lay_freeze(tx: Transaction, wallet_id: str, issuer: str, instrument_no: str, case_no: str) -> None:
    tx.run(
        "INSERT INTO wallet_freeze (wallet_id, issuer, instrument_no, case_no, laid_at)"
        " VALUES (:wallet_id, :issuer, :instrument_no, :case_no, :now)",
        wallet_id=wallet_id, issuer=issuer, instrument_no=instrument_no, case_no=case_no, now=micros(tx.now),
    )  # fmt: skip


def lift_freeze(tx: Transaction, wallet_id: str, issuer: str, instrument_no: str, lifted_by: str) -> bool:
    """Lift a freeze that an issuer laid on a wallet; False where none under that number is in force."""
    found = tx.rows(
        "UPDATE wallet_freeze SET lifted_by = :lifted_by, lifted_at = :now WHERE wallet_id = :wallet_id"
        " AND issuer = :issuer AND instrument_no = :instrument_no AND lifted_at IS NULL RETURNING wallet_id",
        wallet_id=wallet_id, issuer=issuer, instrument_no=instrument_no, lifted_by=lifted_by,
        now=micros(tx.now),
    )  # fmt: skip
    return bool(found)
