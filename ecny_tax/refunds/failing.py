"""A failure that was ordered for refunds: the wallet closes between review and credit."""

from __future__ import annotations

from ecny_tax.errors import RejectedError
from ecny_tax.payments import debit_rows
from ecny_tax.payments.debit_model import Struck
from ecny_tax.store import Transaction
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.model import Wallet


def before_credit(tx: Transaction, wallet: Wallet) -> Wallet:
    """The wallet as the treasury's credit finds it: closed by its holder, where that was ordered.

    One that cannot be closed stays, and the order waits for another refund.
    """
    failure = debit_rows.next_failure(tx, wallet.wallet_id, Struck.REFUND)
    if failure is None:
        return wallet
    try:
        with tx.savepoint():
            wallets.empty(tx, wallet)
            wallets.close(tx, wallets.load(tx, wallet.wallet_id))
    except RejectedError:
        return wallet
    debit_rows.count_strike(tx, failure.failure_no)
    return wallets.load(tx, wallet.wallet_id)


def any_waits(tx: Transaction) -> bool:
    """Whether a refund may be struck; then each is paid by itself."""
    return debit_rows.any_waits(tx, Struck.REFUND)
