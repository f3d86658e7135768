"""Paying one refund: treasury to wallet, open bills first."""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import TransferCode
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.payments import authorising
from ecny_tax.payments import rows as payment_rows
from ecny_tax.payments import service as payments
from ecny_tax.payments.model import PaymentMode, authorisation_document
from ecny_tax.refunds import failing, model, rows
from ecny_tax.refunds.model import Refund, RefundStatus
from ecny_tax.store import Transaction, journal
from ecny_tax.taxes import bills, settlements
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.interest import overpayment_interest
from ecny_tax.taxes.late_fee import MAX_DAYS
from ecny_tax.taxes.model import Bill
from ecny_tax.treasury import service as treasury
from ecny_tax.treasury.model import allocated, by_level, part_of, weights
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets import supply
from ecny_tax.wallets.disclosure import disclose_payment
from ecny_tax.wallets.model import Wallet


def load(tx: Transaction, refund_no: str) -> Refund:
    """The refund of that number; raises ``NotFoundError`` (``refund_not_found``)."""
    refund = rows.refund(tx, refund_no)
    if refund is None:
        raise NotFoundError("refund_not_found", refund_no=refund_no)
    return refund


def pay_out(tx: Transaction, keyring: Keyring, refund: Refund) -> Refund:
    """Treasury to wallet in one linked batch, open bills first; a credit that fails moves nothing."""
    office = parties.tax_authority(tx, refund.authority)
    treasury.check_open_day(tx, office.treasury or "")
    wallet = wallets.load(tx, refund.wallet_id)
    owed = model.bills_to_set_off(refund, tax_rows.open_bills_of(tx, refund.subject_id))
    set_off = sum(bill.total for bill in owed)
    credit, interest = Fen(refund.amount - set_off), _interest(tx, refund)
    rows.set_status(tx, refund.refund_no, RefundStatus.TREASURY_PROCESSING)
    if credit:
        wallet = failing.before_credit(tx, wallet)
    try:
        if credit:
            wallets.check_may_receive(tx, wallet, credit)
        shares = _shares(tx, refund, office.treasury or "")
        bearing = part_of(shares, interest)
        due = {level: Fen(share + bearing[level]) for level, share in shares.items()}
        paid_out = treasury.payout_moves(tx, office.treasury or "", due)
    except RejectedError as refusal:
        rows.set_failed(tx, refund.refund_no, refusal.code)
        return load(tx, refund.refund_no)
    disclose_payment(tx, keyring, wallet, office)  # the voucher names the payee
    collections = [payments.collection_account(tx, wallet, bill) for bill in owed]
    credits = [
        (account, bill.total, TransferCode.SET_OFF) for account, bill in zip(collections, owed, strict=True)
    ]
    if credit:
        credits.append((wallet.account_id, credit, TransferCode.REFUND))
    if interest:
        credits.append((wallet.account_id, interest, TransferCode.INTEREST))
    issued = supply.issue_moves(tx, wallet.operator, Fen(refund.amount + interest), credits)
    ids = journal.move(tx, [*paid_out, *issued], user_data=refund.refund_no)
    balance_after = Fen(wallet.balance + credit + interest)
    first = len(paid_out) + 1  # after the payout and the issue
    for place, bill in enumerate(owed, start=first):
        _record_set_off(tx, keyring, bill, wallet, transfer_id=ids[place], balance_after=balance_after)
    if refund.payment_no is not None:
        payment_rows.add_refund(tx, refund.payment_no, pending=-refund.amount, refunded=refund.amount)
    rows.insert_shares(tx, refund.refund_no, shares)
    rows.set_completed(tx, refund.refund_no, set_off=set_off, interest=interest, balance_after=balance_after)
    if refund.payment_no is None:
        settlements.close_year(tx, refund.refund_no)
    return load(tx, refund.refund_no)


def _record_set_off(
    tx: Transaction,
    keyring: Keyring,
    bill: Bill,
    wallet: Wallet,
    *,
    transfer_id: int,
    balance_after: Fen,
) -> None:
    """The set-off settles the bill by the authority's own instruction."""
    number = tx.ids.number("P", tx.now)
    content = authorisation_document(
        mode=PaymentMode.SET_OFF,
        payment_no=number,
        bill=bill,
        amount=bill.total,
        wallet_id=wallet.wallet_id,
        agreement_no=None,
        at=tx.now,
    )
    office = parties.tax_authority(tx, bill.authority)
    payments.record(
        tx,
        keyring,
        bill,
        wallet,
        office=office,
        mode=PaymentMode.SET_OFF,
        payment_no=number,
        agreement_no=None,
        authorisation=authorising.sign_instruction(keyring, office, content),
        transfer_id=transfer_id,
        balance_after=balance_after,
    )


def _interest(tx: Transaction, refund: Refund) -> Fen:
    """What an overpayment that the taxpayer found bears since it was paid (税收征收管理法 art. 51)."""
    reason = tx.rulebook.on(refund.applied_at.date()).scheme.refund_reasons.get(refund.reason)
    if refund.payment_no is None or reason is None or not reason.bears_interest:
        return Fen(0)
    days = (tx.now.date() - payments.load(tx, refund.payment_no).settled_at.date()).days
    rate = tx.rulebook.on(tx.now.date()).taxes.deposit_interest.rate
    return overpayment_interest(refund.amount, days=min(days, MAX_DAYS), rate=rate)


def _shares(tx: Transaction, refund: Refund, receiving: str) -> dict[str, Fen]:
    """What each budget level pays: of a payment, out of what that level got of it and has not given back."""
    if refund.payment_no is None:
        return by_level(refund.amount, weights_of_settlement(tx, refund.code, receiving))
    payment = payments.load(tx, refund.payment_no)
    bill = bills.load(tx, payment.bill_no)
    rules = tx.rulebook.on(payment.settled_at.date()).taxes
    by = weights(rules, receiving, bill.code, bill.item)
    got = dict(zip(chart.LEVELS, allocated(payment.amount, payment.late_fee, by), strict=True))
    given_back = rows.shares_of_payment(tx, payment.payment_no)
    left = {level: Fen(share - given_back.get(level, 0)) for level, share in got.items()}
    return part_of(left, refund.amount)


def weights_of_settlement(tx: Transaction, code: str, receiving: str) -> tuple[int, ...]:
    """By which weights the budget levels of a treasury pay an annual settlement: those of today."""
    return weights(tx.rulebook.on(tx.now.date()).taxes, receiving, code, None)
