"""Everything that decides a payment, read in one statement: on a server each one is a round trip.

Every room gives the columns of its own rows and the function that reads them; here they are joined.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import NamedTuple

from ecny_tax.agreements import rows as agreement_rows
from ecny_tax.agreements import service as agreements
from ecny_tax.agreements.model import Mandate
from ecny_tax.clock import micros
from ecny_tax.errors import RejectedError
from ecny_tax.ledger.model import Account
from ecny_tax.parties import rows as party_rows
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import debit_rows
from ecny_tax.store import Transaction, idempotency, journal
from ecny_tax.store.transaction import Row
from ecny_tax.taxes import bills
from ecny_tax.taxes import rows as bill_rows
from ecny_tax.taxes.model import Bill, DueBill, check_open
from ecny_tax.treasury import rows as treasury_rows
from ecny_tax.treasury import service as treasury
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import Told
from ecny_tax.wallets.model import Spent, Wallet

#: What an idempotency key of a payment belongs to.
PAY = "pay"


class Case(NamedTuple):
    """A bill that a wallet is to pay, and what decides whether and how.

    A tuple, since making one takes a fifth of the time of a frozen dataclass.
    ``agreement`` is the one that was named, or else the newest verified one of the taxpayer and this wallet
    with the bill's authority.  ``account`` and ``collection`` are those that the money moves between.
    """

    bill: DueBill
    agreement: Mandate | None
    wallet: Wallet
    office: Institution
    account: Account
    collection: Account
    spent: Spent
    told: Told
    wallet_key: bytes
    closed_until: str | None
    next_failure: str | None
    answered: Row


_PARTS = (
    bill_rows.DUE_COLUMNS,
    agreement_rows.MANDATE_COLUMNS,
    wallet_rows.COLUMNS,
    party_rows.COLUMNS,
    journal.account_columns("a"),
    journal.account_columns("c"),
    wallet_rows.SPENT,
    wallet_rows.TOLD,
    ("w.public_key", treasury_rows.CLOSED_UNTIL, debit_rows.NEXT_FAILURE),
    idempotency.COLUMNS,
)
_SLICES = tuple(slice(*ends) for ends in pairwise(accumulate(map(len, _PARTS), initial=0)))
_SELECT = f"SELECT {', '.join(column for part in _PARTS for column in part)} FROM bill b"
_JOINED = (
    f"{wallet_rows.JOINED} JOIN institution o ON o.kind = 'tax_authority' AND o.code = b.authority"
    f" JOIN account c ON c.name = {treasury_rows.COLLECTION}"
    " LEFT JOIN answered_request q"
    f" ON q.operation = '{PAY}' AND q.actor = {wallet_rows.PARTY} AND q.key = :key"
    " WHERE b.bill_no = :bill_no"
)
_UNDER_AGREEMENT = (
    f"{_SELECT} JOIN agreement g ON g.agreement_no = :agreement_no"
    f" JOIN wallet w ON w.wallet_id = g.wallet_id{_JOINED}"
)
_FROM_WALLET = (
    f"{_SELECT} JOIN wallet w ON w.wallet_id = :wallet_id"
    f" LEFT JOIN agreement g ON g.place = {agreement_rows.NEWEST_VERIFIED}{_JOINED}"
)


def under_agreement(tx: Transaction, bill_no: str, agreement_no: str, key: str | None = None) -> Case:
    """A payment by the wallet of an agreement, with what was answered to ``key``.

    Raises ``NotFoundError``: ``bill_not_found``, ``agreement_not_found``.
    """
    days = wallet_rows.spending_days(tx.now.date())
    row = tx.row(_UNDER_AGREEMENT, bill_no=bill_no, agreement_no=agreement_no, key=key, **days)
    if row is None:
        bill, agreement = bills.load(tx, bill_no), agreements.load(tx, agreement_no)
        _open_collection_account(tx, bill, wallets.load(tx, agreement.wallet_id))
        row = tx.row(_UNDER_AGREEMENT, bill_no=bill_no, agreement_no=agreement_no, key=key, **days)
    return _case(tx, row)


def from_wallet(tx: Transaction, bill_no: str, wallet_id: str, key: str | None = None) -> Case:
    """A payment by a wallet, with what was answered to ``key``.

    Raises ``NotFoundError``: ``bill_not_found``, ``wallet_not_found``.
    """
    days = wallet_rows.spending_days(tx.now.date())
    number = wallets.as_stored(wallet_id)
    row = tx.row(_FROM_WALLET, bill_no=bill_no, wallet_id=number, key=key, **days)
    if row is None:
        bill = bills.load(tx, bill_no)
        _open_collection_account(tx, bill, wallets.load(tx, wallet_id))
        row = tx.row(_FROM_WALLET, bill_no=bill_no, wallet_id=number, key=key, **days)
    return _case(tx, row)


def of_taxpayer(tx: Transaction, bill_no: str) -> Case:
    """A payment by whichever wallet of the taxpayer has a verified agreement with the bill's authority.

    Raises ``bill_not_found``, and ``RejectedError``: what keeps the bill from being paid, and
    ``agreement_required``.
    """
    bill = bills.load(tx, bill_no)
    check_open(bill)
    agreement = agreement_rows.verified_with(tx, authority=bill.authority, subject_id=bill.subject_id)
    if agreement is None:
        raise RejectedError("agreement_required", bill_no=bill.bill_no, authority=bill.authority)
    return under_agreement(tx, bill.bill_no, agreement.agreement_no)


def _open_collection_account(tx: Transaction, bill: Bill, wallet: Wallet) -> None:
    """What a payment lacks where nothing else is missing, if it is the first of its operator and treasury."""
    office = parties.tax_authority(tx, bill.authority)
    treasury.open_collection_account(tx, wallet.operator, office.treasury or "", wallet.account_id)


def _case(tx: Transaction, row: Row | None) -> Case:
    assert row is not None  # noqa: S101 - each record was found by itself
    bill, agreement, wallet, office, account, collection, spent, told, others, answered = (
        row[part] for part in _SLICES
    )
    wallet_key, closed_until, next_failure = others
    return Case(
        bill_rows.due_bill_of(tx, bill, tx.now.date()),
        None if agreement[0] is None else agreement_rows.mandate_of(agreement),
        wallet_rows.wallet_of(wallet, micros(tx.now)),
        party_rows.institution_of(office),
        Account(*account),
        Account(*collection),
        Spent(*spent),
        told,
        wallet_key,
        closed_until,
        next_failure,
        answered,
    )
