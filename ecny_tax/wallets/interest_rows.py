"""The SQL of interest on wallets: who earns, how their balances moved, and what was paid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ecny_tax.clock import day_begins, from_micros, micros
from ecny_tax.money import Fen
from ecny_tax.store import journal
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.wallets.interest_model import Period
from ecny_tax.wallets.model import WalletKind

_EPOCH = date(1970, 1, 1)
#: The number of a day of Beijing since 1970, of a time in microseconds.
_DAY_NUMBER = "(t.posted_at + 28800000000) / 86400000000"

_EARNER = (
    "SELECT w.wallet_id, w.account_id, w.kind, a.credits - a.debits, w.named_at,"
    " (SELECT max(i.period_end) FROM interest i WHERE i.wallet_id = w.wallet_id),"
    " coalesce(p.account_id, w.account_id)"
    " FROM wallet w JOIN account a ON a.id = w.account_id LEFT JOIN wallet p ON p.wallet_id = w.parent"
)
_MOVED = (
    "SELECT w.account_id, " + _DAY_NUMBER + ", {sign}t.amount FROM wallet w CROSS JOIN transfer t"
    " WHERE t.{side}_account_id = w.account_id AND t.seq >= :seq AND t.posted_at >= :since"
    " AND w.account_id BETWEEN :first AND :last AND w.operator = :operator"
)
_CHANGES = f"{_MOVED.format(sign='', side='credit')} UNION ALL {_MOVED.format(sign='-', side='debit')}"


@dataclass(frozen=True, slots=True)
class Earner:
    """A wallet that earns: its balance now, since when it has a name, until when it was paid.

    ``credited_account`` is its own, or its parent's of a sub-wallet.
    """

    wallet_id: str
    account_id: int
    kind: WalletKind
    balance: int
    named_on: date
    paid_until: date | None
    credited_account: int


def earners(
    tx: Transaction, operator: str, period: Period, *, after: int, limit: int, kinds: Iterable[WalletKind]
) -> list[Earner]:
    """The open wallets of an operator that earn in a period and were not credited for it, in the order of
    their accounts, from the one after ``after`` on."""
    personal, corporate = (kind if kind in kinds else None for kind in WalletKind)
    found = tx.rows(
        f"{_EARNER} WHERE w.operator = :operator AND w.account_id > :after AND w.closed_at IS NULL"
        " AND w.named_at < :end AND w.kind IN (:personal, :corporate)"
        " AND NOT EXISTS (SELECT 1 FROM interest i WHERE i.wallet_id = w.wallet_id"
        " AND i.period_end >= :period_end) ORDER BY w.account_id LIMIT :limit",
        operator=operator,
        after=after,
        end=_start_of(period.credit_day),
        personal=personal,
        corporate=corporate,
        period_end=period.last.isoformat(),
        limit=limit,
    )
    return [_earner(row) for row in found]


def earner(tx: Transaction, wallet_id: str) -> Earner:
    """A named wallet by its id."""
    (row,) = tx.rows(f"{_EARNER} WHERE w.wallet_id = :id", id=wallet_id)
    return _earner(row)


def _earner(row: Row) -> Earner:
    wallet_id, account_id, kind, balance, named_at, paid_until, credited_account = row
    return Earner(
        wallet_id,
        account_id,
        WalletKind(kind),
        balance,
        from_micros(named_at).date(),
        None if paid_until is None else date.fromisoformat(paid_until),
        credited_account,
    )


def changes(
    tx: Transaction, operator: str, first_account: int, last_account: int, since: date
) -> Iterable[tuple[int, int, int]]:
    """(account, day counted from ``since``, signed amount) of what moved in wallets of an operator from that
    day on, in any order and flat memory."""
    base = (since - _EPOCH).days
    found = tx.stream(
        _CHANGES,
        seq=journal.range_of(tx, _start_of(since), micros(tx.now))[0],
        since=_start_of(since),
        first=first_account,
        last=last_account,
        operator=operator,
    )
    return ((account, day - base, amount) for account, day, amount in found)


def _start_of(day: date) -> int:
    return micros(day_begins(day))


def insert(tx: Transaction, period_end: date, found: Iterable[tuple[str, int, Fen, int | None]]) -> None:
    """Note what wallets earned in a period: (wallet, product sum, amount, transfer)."""
    end, at = period_end.isoformat(), micros(tx.now)
    tx.run_many(
        "INSERT INTO interest VALUES (?, ?, ?, ?, ?, ?)",
        (
            (wallet_id, end, str(product_sum), amount, at, None if id_ is None else id_.to_bytes(16, "big"))
            for wallet_id, product_sum, amount, id_ in found
        ),
    )


def credited(tx: Transaction, wallet_id: str) -> Fen:
    """All interest that was ever paid for a wallet."""
    row = tx.row("SELECT coalesce(sum(amount), 0) FROM interest WHERE wallet_id = :id", id=wallet_id)
    return Fen(row[0] if row else 0)
