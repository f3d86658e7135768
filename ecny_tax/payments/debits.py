"""Letting an ordered failure strike a debit: what the operator does, and what either side writes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecny_tax.errors import RejectedError
from ecny_tax.ledger.model import Account, Ledger, TransferCode
from ecny_tax.payments import debit_rows
from ecny_tax.payments.debit_model import (
    DebitOutcome,
    DebitRecord,
    DebitStatus,
    FailureKind,
    OrderedFailure,
    written,
)
from ecny_tax.payments.model import PaymentMode
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move
from ecny_tax.taxes import bills
from ecny_tax.taxes.model import Bill, DueBill
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.model import Wallet


class Debit(NamedTuple):
    """A debit that passed every check and is counted as spending: its bill's total goes to ``collection``."""

    payment_no: str
    bill: Bill | DueBill
    wallet: Wallet
    collection: int
    mode: PaymentMode
    agreement_no: str | None
    authorisation: bytes


def collect(tx: Transaction, debit: Debit, accounts: Sequence[Account] | None = None) -> int:
    """Move the money from the wallet to the collection account; return the id of the transfer.

    ``accounts`` are these two, where they were read before, and nothing was moved since.
    """
    leg = Move(
        debit.wallet.account_id,
        debit.collection,
        debit.bill.total,
        Ledger.ECNY,
        TransferCode.TAX_PAYMENT,
    )
    return journal.move(tx, [leg], user_data=debit.payment_no, accounts=accounts)[0]


def leave_in_doubt(tx: Transaction, debit: Debit, failure: OrderedFailure) -> DebitRecord:
    """Let the failure strike: the operator debits or does not, and nobody learns the outcome."""
    debit_rows.count_strike(tx, failure.failure_no)
    _, by_operator = written(failure.kind, debit.bill.total)
    moved = None
    if by_operator is not None and by_operator.status is DebitStatus.SUCCEEDED:
        moved = collect(tx, debit)
    else:
        today, amount = tx.now.date(), debit.bill.total
        wallet_rows.return_spending(tx, debit.wallet.wallet_id, today, amount)
    record = _write(tx, debit, failure.kind, moved)
    if record.leaves_bill_in_doubt:
        bills.set_in_doubt(tx, debit.bill.bill_no, debit.payment_no)
    return record


def deliver_again(tx: Transaction, debit: Debit, failure: OrderedFailure) -> None:
    """The message of a settled payment reaches the operator once more, which debits the wallet again.

    A wallet that cannot pay twice is not debited twice: the order then waits for another debit.
    """
    try:
        wallet = wallets.load(tx, debit.wallet.wallet_id)
        wallets.spend(tx, wallet, debit.bill.total, payee=debit.bill.authority)
    except RejectedError:
        return
    debit_rows.count_strike(tx, failure.failure_no)
    _write(tx, debit, failure.kind, collect(tx, debit))


def _write(tx: Transaction, debit: Debit, kind: FailureKind, moved: int | None) -> DebitRecord:
    by_treasury, by_operator = written(kind, debit.bill.total)
    record = DebitRecord(
        trace_no=debit.payment_no,
        kind=kind,
        bill_no=debit.bill.bill_no,
        wallet_id=debit.wallet.wallet_id,
        agreement_no=debit.agreement_no,
        mode=debit.mode,
        amount=debit.bill.total,
        entrusted_at=tx.now,
        treasury=by_treasury,
        operator=by_operator,
        outcome=DebitOutcome.FAILED if kind is FailureKind.BOTH_FAILED else None,
        transfer_id=None if moved is None else moved.to_bytes(16, "big"),
        authorisation=debit.authorisation,
    )
    debit_rows.insert(tx, record)
    return record
