"""Mending a difference: what was debited too much goes back, what is missing is debited now.

Each is a new transfer, written in one transaction with the records that it changes.
"""

from __future__ import annotations

from ecny_tax.agreements import service as agreements
from ecny_tax.agreements.model import check_usable
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.ledger.model import Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.payments import debit_rows
from ecny_tax.payments import service as payments
from ecny_tax.payments.debit_model import DebitOutcome, DebitRecord, DebitStatus, FailureKind, Written
from ecny_tax.payments.debits import Debit
from ecny_tax.reconciliation.model import Mend, Mended
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move
from ecny_tax.taxes import bills
from ecny_tax.taxes.model import BillStatus
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets

LEFT = "left"
#: The refusal of a day and not of the debit: it is mended on another one.
_ANOTHER_DAY = "treasury_day_closed"


def mend(tx: Transaction, keyring: Keyring, debit: DebitRecord, how: Mend) -> Mended:
    """Do what was proposed; what cannot be done is said and left as it is.

    Each way refuses before it writes, so that nothing of it stays beside what is done instead.
    """
    try:
        return _give_back(tx, debit) if how is Mend.GIVE_BACK else _debit_now(tx, keyring, debit)
    except RejectedError as refusal:
        if how is Mend.GIVE_BACK or refusal.code == _ANOTHER_DAY:
            return _mended(debit, LEFT, Fen(0), refusal.code)
        return _strike_out(tx, debit, refusal.code)


def _give_back(tx: Transaction, debit: DebitRecord) -> Mended:
    """From the collection account to the wallet, with the allowance of the day; it is the holder's own money,
    so it may exceed the balance cap.  The wallet is there: none is closed while a debit of it is in doubt.
    Raises ``treasury_day_closed``."""
    wallet, bill = wallets.load(tx, debit.wallet_id), bills.load(tx, debit.bill_no)
    account = payments.collection_account(tx, wallet, bill)
    leg = Move(account, wallet.account_id, debit.amount, Ledger.ECNY, TransferCode.ADJUSTMENT)
    adjustment = journal.move(tx, [leg], user_data=debit.trace_no)[0]
    wallet_rows.return_spending(tx, wallet.wallet_id, debit.entrusted_at.date(), debit.amount)
    is_paid = debit.kind is FailureKind.DELIVERED_TWICE
    debit_rows.set_outcome(
        tx,
        debit.trace_no,
        DebitOutcome.GIVEN_BACK,
        both=Written(DebitStatus.SUCCEEDED if is_paid else DebitStatus.FAILED, debit.amount),
        adjustment_id=adjustment.to_bytes(16, "big"),
    )
    if not is_paid:
        bills.set_in_doubt(tx, bill.bill_no, None)
    return _mended(debit, DebitOutcome.GIVEN_BACK, debit.amount)


def _debit_now(tx: Transaction, keyring: Keyring, debit: DebitRecord) -> Mended:
    """Send the same instruction again: wallet to collection account, payment and receipt, through all rules.

    The day of payment is the day of the instruction, so no late fee came up since (an assumption).
    """
    wallet = wallets.load(tx, debit.wallet_id)
    bill = bills.load(tx, debit.bill_no, paid_on=debit.entrusted_at.date())
    if bill.status is not BillStatus.OPEN or bill.total != debit.amount:
        raise RejectedError("bill_amount_differs", bill_no=bill.bill_no)
    if debit.agreement_no is not None:
        check_usable(agreements.load(tx, debit.agreement_no))
    account = payments.collection_account(tx, wallet, bill)
    wallets.spend(tx, wallet, debit.amount, payee=bill.authority)
    again = Debit(debit.trace_no, bill, wallet, account, debit.mode, debit.agreement_no, debit.authorisation)
    payments.settle(tx, keyring, again, parties.tax_authority(tx, bill.authority))
    bills.set_in_doubt(tx, bill.bill_no, None)
    paid = Written(DebitStatus.SUCCEEDED, debit.amount)
    debit_rows.set_outcome(tx, debit.trace_no, DebitOutcome.DEBITED, both=paid)
    return _mended(debit, DebitOutcome.DEBITED, debit.amount)


def _strike_out(tx: Transaction, debit: DebitRecord, code: str) -> Mended:
    """The wallet cannot pay: the treasury's entry is struck out, and the bill can be paid otherwise."""
    bills.set_in_doubt(tx, debit.bill_no, None)
    failed = Written(DebitStatus.FAILED, debit.amount)
    debit_rows.set_outcome(tx, debit.trace_no, DebitOutcome.STRUCK_OUT, both=failed)
    return _mended(debit, DebitOutcome.STRUCK_OUT, Fen(0), code)


def _mended(debit: DebitRecord, outcome: str, amount: Fen, code: str | None = None) -> Mended:
    return Mended(debit.trace_no, debit.bill_no, debit.wallet_id, outcome, amount, code)
