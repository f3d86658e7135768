"""A wallet and its sub-wallets (子钱包) as one family: what holds for them together, and between them."""

from __future__ import annotations

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen
from ecny_tax.store.transaction import Transaction
from ecny_tax.wallets import model, rows, sub_model, sub_rows
from ecny_tax.wallets.model import SubWalletPurpose, Wallet


def parent_of(tx: Transaction, wallet: Wallet) -> Wallet:
    """The parent of a sub-wallet; any other wallet is its own."""
    found = None if wallet.parent is None else rows.wallet(tx, wallet.parent)
    return wallet if found is None else found


def are_parent_and_sub(one: Wallet, other: Wallet) -> bool:
    """Whether one of the two is the parent of the other."""
    return one.parent == other.wallet_id or other.parent == one.wallet_id


def check_move(source: Wallet, target: Wallet, amount: Fen) -> None:
    """Whether money may move between parent and sub-wallet (子钱包划转): neither spending nor income."""
    model.check_may_spend(source)
    model.check_not_closed(target)
    model.check_funds(source, amount)


def reference(source: Wallet, target: Wallet) -> str:
    """What a move is booked under: of a pushed sub-wallet its id, which its account does not tell."""
    pushed = (one.wallet_id for one in (source, target) if one.purpose is SubWalletPurpose.PUSHED)
    return next(pushed, "")


def bearer(tx: Transaction, wallet: Wallet, amount: Fen, payee: str, *, by_token: bool) -> Wallet:
    """Whose limits of the class a payment bears on: the parent's, where a sub-wallet may pay so.

    Raises ``RejectedError`` where the terms of a sub-wallet, or a stop of its parent, forbid the payment.
    """
    if wallet.parent is None:
        return wallet
    parent, today = parent_of(tx, wallet), tx.now.date()
    model.check_not_closed(wallet)
    model.check_may_spend(parent)
    terms = sub_rows.terms(tx, wallet.wallet_id)
    sub_model.check_pays(wallet, payee, terms, by_token=by_token, today=today)
    spent = sub_rows.spent_itself(tx, wallet.wallet_id, today)
    sub_model.check_own_limits(wallet, amount, terms, spent_today=spent)
    return parent


def check_may_receive(wallet: Wallet) -> None:
    """Of sub-wallets only a collection one is credited by others than its parent
    (``sub_wallet_filled_by_parent_only``)."""
    if wallet.parent is not None and wallet.purpose is not SubWalletPurpose.COLLECTION:
        raise RejectedError("sub_wallet_filled_by_parent_only", wallet_id=wallet.wallet_id)


def held_beside(tx: Transaction, wallet: Wallet) -> int:
    """What the sub-wallets of a wallet hold: the cap of the class is theirs together.

    Of sub-wallets themselves only those of companies are credited by others, and these have no cap.
    """
    return sub_rows.held_by_family(tx, wallet.wallet_id) - wallet.balance


def check_has_no_sub_wallets(tx: Transaction, wallet: Wallet) -> None:
    """A parent is closed after its sub-wallets (``wallet_has_sub_wallets``)."""
    if count := sub_rows.open_sub_wallets(tx, wallet.wallet_id):
        raise RejectedError("wallet_has_sub_wallets", wallet_id=wallet.wallet_id, count=count)
