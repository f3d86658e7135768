"""The two-tier supply of e-CNY: the central bank issues to operators' vaults, operators fill wallets.

A vault that lacks e-CNY is filled on demand, in the same linked batch, against the operator's reserves; what
comes back stays in the vault, and is redeemed on demand when the reserves run short.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecny_tax.ledger import chart
from ecny_tax.ledger.model import Account, AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move, known_account

_BOUND = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS


def found(tx: Transaction) -> None:
    """Open the accounts of the central bank and the operators, with the assumed reserves and own funds."""
    issued = AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
    _open(tx, chart.ISSUANCE, Ledger.ECNY, AccountCode.ISSUANCE, issued)
    _open(tx, chart.BACKING, Ledger.DEPOSITS, AccountCode.RESERVE_BACKING, _BOUND)
    opening = _open(tx, chart.OPENING, Ledger.DEPOSITS, AccountCode.OPENING, AccountFlags.NONE)
    scheme, moves = tx.rulebook.scheme, []
    for operator in scheme.operators:
        _open(tx, chart.vault(operator.code), Ledger.ECNY, AccountCode.OPERATOR_VAULT, _BOUND)
        public = chart.public(operator.code)
        _open(tx, public, Ledger.DEPOSITS, AccountCode.PUBLIC_DEPOSITS, AccountFlags.NONE)
        reserve = chart.reserve(operator.code)
        account = _open(tx, reserve, Ledger.DEPOSITS, AccountCode.OPERATOR_RESERVE, _BOUND)
        moves.append(_opening(opening, account, scheme.operator_reserve))
        own = _open(
            tx, chart.own_funds(operator.code), Ledger.DEPOSITS, AccountCode.OPERATOR_OWN_FUNDS, _BOUND
        )
        moves.append(_opening(opening, own, scheme.own_funds))
    journal.move(tx, moves, user_data="opening balances")


def _opening(source: int, account: int, amount: Fen) -> Move:
    return Move(source, account, amount, Ledger.DEPOSITS, TransferCode.OPENING_BALANCE)


def _open(tx: Transaction, name: str, ledger: Ledger, code: AccountCode, flags: AccountFlags) -> int:
    return journal.open_account(tx, name=name, ledger=ledger, code=code, flags=flags)


def top_up_moves(tx: Transaction, operator: str, credits: Sequence[tuple[int, Fen]]) -> list[Move]:
    """Deposits of the public become e-CNY in wallets; the last legs are the credits."""
    public = known_account(tx, chart.public(operator))
    return _filling_moves(tx, operator, public, credits, TransferCode.TOP_UP)


def interest_moves(tx: Transaction, operator: str, credits: Sequence[tuple[int, Fen]]) -> list[Move]:
    """Own funds of the operator become e-CNY in wallets, as a top-up does; the last legs are the credits."""
    own = known_account(tx, chart.own_funds(operator))
    return _filling_moves(tx, operator, own, credits, TransferCode.WALLET_INTEREST)


def _filling_moves(
    tx: Transaction, operator: str, payer: Account, credits: Sequence[tuple[int, Fen]], code: TransferCode
) -> list[Move]:
    """What a payer of deposits gives reaches the reserve, and as much e-CNY leaves the vault."""
    amount = sum(part for _account, part in credits)
    reserve, vault = known_account(tx, chart.reserve(operator)), known_account(tx, chart.vault(operator))
    moves = [Move(payer.id, reserve.id, amount, Ledger.DEPOSITS, code)]
    if vault.credit_balance < amount:
        missing = amount - vault.credit_balance
        backing = known_account(tx, chart.BACKING)
        moves += [
            Move(reserve.id, backing.id, missing, Ledger.DEPOSITS, TransferCode.RESERVE_TO_BACKING),
            _issue(tx, vault, missing),
        ]
    return [*moves, *(Move(vault.id, account, part, Ledger.ECNY, code) for account, part in credits)]


def cash_out_moves(tx: Transaction, operator: str, wallet_account: int, amount: Fen) -> list[Move]:
    """e-CNY in a wallet becomes deposits of the public."""
    public, reserve = known_account(tx, chart.public(operator)), known_account(tx, chart.reserve(operator))
    vault = known_account(tx, chart.vault(operator))
    moves = [Move(wallet_account, vault.id, amount, Ledger.ECNY, TransferCode.CASH_OUT)]
    if reserve.credit_balance < amount:
        missing = amount - reserve.credit_balance
        backing, issuance = known_account(tx, chart.BACKING), known_account(tx, chart.ISSUANCE)
        moves += [
            Move(vault.id, issuance.id, missing, Ledger.ECNY, TransferCode.REDEEM),
            Move(backing.id, reserve.id, missing, Ledger.DEPOSITS, TransferCode.BACKING_TO_RESERVE),
        ]
    return [*moves, Move(reserve.id, public.id, amount, Ledger.DEPOSITS, TransferCode.CASH_OUT)]


def issue_moves(
    tx: Transaction, operator: str, amount: Fen, credits: list[tuple[int, Fen, TransferCode]]
) -> list[Move]:
    """New e-CNY, against money that has just reached the backing, through a vault to the given accounts."""
    vault = known_account(tx, chart.vault(operator))
    passed_on = [Move(vault.id, account, part, Ledger.ECNY, code) for account, part, code in credits]
    return [_issue(tx, vault, amount), *passed_on]


def refund_moves(tx: Transaction, operator: str, credits: Sequence[tuple[int, Fen, str]]) -> list[Move]:
    """The same of many refunds at one operator, each (account, amount, refund number)."""
    vault = known_account(tx, chart.vault(operator))
    passed_on = [
        Move(vault.id, account, amount, Ledger.ECNY, TransferCode.REFUND, refund_no)
        for account, amount, refund_no in credits
    ]
    return [_issue(tx, vault, sum(leg.amount for leg in passed_on)), *passed_on]


def _issue(tx: Transaction, vault: Account, amount: int) -> Move:
    return Move(known_account(tx, chart.ISSUANCE).id, vault.id, amount, Ledger.ECNY, TransferCode.ISSUE)
