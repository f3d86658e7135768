"""Collection and revenue accounts of treasuries.

How this simulation does it, an assumption: a refund is paid in one linked batch out of the revenue accounts
of the budget levels that share the tax; the central bank turns that money into e-CNY.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen, split, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.rulebook.taxes import TaxRules
from ecny_tax.store import Store, Transaction, journal
from ecny_tax.store.journal import Move, known_account


class Treasury:
    """The treasuries (国库) of the scheme."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def add(self, *, code: str, name: str, name_en: str = "") -> Institution:
        """Add a treasury of ten digits, with revenue accounts that open with the assumed balance.

        Raises ``InvalidInputError`` (``treasury_code_malformed``, ``name_malformed``) and
        ``ConflictError`` (``party_exists``).
        """
        with self._store.transaction() as tx:
            party = parties.add_treasury(tx, self._keyring, code=code, name=name, name_en=name_en)
            open_revenue_accounts(tx, code)
            return party


def open_revenue_accounts(tx: Transaction, treasury: str) -> None:
    """One account a budget level, each with the opening balance that the rulebook states as assumed."""
    opening = known_account(tx, chart.OPENING)
    amount = tx.rulebook.scheme.revenue_opening
    moves = []
    for level in chart.LEVELS:
        account = journal.open_account(
            tx,
            name=chart.revenue(treasury, level),
            ledger=Ledger.DEPOSITS,
            code=AccountCode.TREASURY_REVENUE,
            flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
        )
        moves.append(Move(opening.id, account, amount, Ledger.DEPOSITS, TransferCode.OPENING_BALANCE))
    journal.move(tx, moves, user_data=f"opening {treasury}")


def collection_account(tx: Transaction, operator: str, treasury: str) -> int:
    """The account (待报解预算收入) on which an operator holds what it collected for a treasury."""
    name = chart.collection(operator, treasury)
    account = journal.account_named(tx, name)
    if account is not None:
        return account.id
    return journal.open_account(
        tx,
        name=name,
        ledger=Ledger.ECNY,
        code=AccountCode.COLLECTION,
        flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )


def shares(rules: TaxRules, code: str, item: str | None, amount: Fen) -> dict[str, Fen]:
    """``amount`` of a tax by budget level, to the fen, after the rules of a day.

    ``code`` is the collection item (征收项目), ``item`` the tax item, since stamp duty on securities is
    shared otherwise than on documents.
    """
    rule = rules.collection_item(code, case="securities" if item == "securities" else None)
    local = rules.local_split
    weights = (rule.central_weight * sum(local), *(rule.local_weight * part for part in local))
    return dict(zip(chart.LEVELS, split(amount, weights), strict=True))


def part_of(left: Mapping[str, Fen], amount: Fen) -> dict[str, Fen]:
    """``amount`` by budget level, in proportion to what each level has ``left`` to give back.

    So a payment that is refunded bit by bit takes from each level what that level got, to the fen.
    """
    return dict(zip(left, split(amount, list(left.values())), strict=True))


def payout_moves(tx: Transaction, treasury: str, by_level: Mapping[str, Fen]) -> list[Move]:
    """The moves that take a refund out of the revenue accounts, into what backs the issued e-CNY.

    Raises ``RejectedError`` (``treasury_funds_insufficient``).
    """
    backing = known_account(tx, chart.BACKING)
    moves = []
    for level, share in by_level.items():
        if share:
            account = known_account(tx, chart.revenue(treasury, level))
            if account.credit_balance < share:
                raise RejectedError("treasury_funds_insufficient", level=level, amount=yuan_text(share))
            moves.append(
                Move(account.id, backing.id, share, Ledger.DEPOSITS, TransferCode.REVENUE_TO_BACKING)
            )
    return moves
