"""The SQL of sub-wallets: their terms, and what they and their parents hold and spent."""

from __future__ import annotations

from datetime import date

from ecny_tax.money import Fen
from ecny_tax.store.transaction import Transaction
from ecny_tax.wallets.sub_model import Terms


def insert_terms(tx: Transaction, wallet_id: str, terms: Terms, *, token_digest: bytes | None) -> None:
    tx.run(
        "INSERT INTO sub_wallet VALUES (:wallet_id, :single, :day, :until, :platform, :token_digest)",
        wallet_id=wallet_id,
        single=terms.single,
        day=terms.day,
        until=None if terms.until is None else terms.until.isoformat(),
        platform=terms.platform,
        token_digest=token_digest,
    )
    for payee in terms.payees:
        tx.run("INSERT INTO sub_wallet_payee VALUES (:id, :payee)", id=wallet_id, payee=payee)


def terms(tx: Transaction, wallet_id: str) -> Terms:
    """The terms of a sub-wallet; those of another wallet bind nothing."""
    row = tx.row("SELECT single, day, until, platform FROM sub_wallet WHERE wallet_id = :id", id=wallet_id)
    if row is None:
        return Terms()
    single, day, until, platform = row
    payees = tx.rows("SELECT payee FROM sub_wallet_payee WHERE wallet_id = :id ORDER BY payee", id=wallet_id)
    return Terms(
        single,
        day,
        tuple(payee for (payee,) in payees),
        None if until is None else date.fromisoformat(until),
        platform,
    )


def wallet_of_token(tx: Transaction, token_digest: bytes) -> str | None:
    """The id of the sub-wallet that a platform's token stands for."""
    row = tx.row("SELECT wallet_id FROM sub_wallet WHERE token_digest = :digest", digest=token_digest)
    return row[0] if row else None


def held_by_family(tx: Transaction, parent: str) -> Fen:
    """What a wallet and its sub-wallets hold together."""
    row = tx.row(
        "SELECT sum(a.credits - a.debits) FROM wallet w JOIN account a ON a.id = w.account_id"
        " WHERE w.wallet_id = :id OR w.parent = :id",
        id=parent,
    )
    return Fen(row[0] if row else 0)


def spent_itself(tx: Transaction, wallet_id: str, day: date | None = None) -> Fen:
    """What a personal sub-wallet spent itself, on a day or ever."""
    row = tx.row(
        "SELECT coalesce(sum(amount), 0) FROM wallet_spending"
        " WHERE wallet_id = :id AND (day = :day OR :day IS NULL)",
        id=wallet_id,
        day=None if day is None else day.isoformat(),
    )
    return Fen(row[0] if row else 0)


def open_sub_wallets(tx: Transaction, parent: str) -> int:
    """How many sub-wallets of a wallet are not closed."""
    row = tx.row(
        "SELECT count(*) FROM wallet WHERE parent = :parent AND closed_at IS NULL",
        parent=parent,
    )
    return int(row[0]) if row else 0
