"""Statements of a wallet: an opening balance, the movements with the balance after each, a closing one.

Of whoever paid into the wallet it shows the pseudonym that is made for this payee.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ecny_tax.clock import from_micros
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.ledger.model import TransferCode
from ecny_tax.money import Fen
from ecny_tax.store import Transaction
from ecny_tax.store.transaction import Row
from ecny_tax.wallets import model, rows
from ecny_tax.wallets.model import Statement, StatementLine, Wallet
from ecny_tax.wallets.pseudonyms import pseudonym


def statement(
    tx: Transaction, keyring: Keyring, wallet: Wallet, from_date: date | None, to_date: date | None
) -> Statement:
    """The movements on the days of Beijing from one date to another, both included, oldest first."""
    first, last = model.period(from_date, to_date)
    opening = rows.balance_after(tx, wallet.account_id, first - 1)
    lines = _lines(rows.statement(tx, wallet.account_id, first, last), opening, wallet, keyring)
    return Statement(
        wallet_id=wallet.wallet_id,
        balance=wallet.balance,
        from_date=from_date,
        to_date=to_date,
        opening=Fen(opening),
        lines=lines,
        closing=lines[-1].balance if lines else Fen(opening),
    )


def _lines(found: Sequence[Row], balance: int, wallet: Wallet, keyring: Keyring) -> tuple[StatementLine, ...]:
    """The lines of a statement that begins with ``balance``."""
    lines = []
    for at, id_, code, account, reference, amount, _seq, payer, operator in found:
        counterparty = account
        if payer is not None:
            counterparty = pseudonym(keyring, payer=payer, operator=operator, payee=wallet.wallet_id)
        balance += amount
        kind = TransferCode(code).name.lower()
        moved = Fen(amount)
        lines.append(
            StatementLine(from_micros(at), id_.hex(), kind, counterparty, reference, moved, Fen(balance))
        )
    return tuple(lines)
