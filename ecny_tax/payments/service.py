"""Paying bills and reversing debits: one transaction each, settled when it is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from ecny_tax.agreements import rows as agreement_rows
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, NotFoundError, RejectedError
from ecny_tax.ledger.model import Ledger, TransferCode
from ecny_tax.ledger.promises import Check
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import authorising, debit_rows, debits, loading, model, receipts, rows
from ecny_tax.payments.debit_model import DebitRecord, outcome_unknown
from ecny_tax.payments.debits import Debit
from ecny_tax.payments.loading import PAY, Case
from ecny_tax.payments.model import Payment, PaymentMode, PaymentStatus, Receipt, without_steps
from ecny_tax.rulebook import Side
from ecny_tax.store import Store, Transaction, journal, log
from ecny_tax.store.idempotency import (
    Request,
    Unanswered,
    check_key,
    earlier_answer,
    earlier_outcome,
    outcome_of,
    remember,
    remember_unanswered,
)
from ecny_tax.store.journal import Move
from ecny_tax.taxes import bills, settlements
from ecny_tax.taxes import service as taxes
from ecny_tax.taxes.model import Bill, DueBill, check_open
from ecny_tax.treasury import service as treasury
from ecny_tax.treasury.model import check_open_day
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import Told, disclose_payment, taxpayer_of
from ecny_tax.wallets.model import Wallet, check_not_closed


class Payments:
    """Payments (缴款) of bills.  Amounts are in fen; a refusal moves nothing."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._wallet_under = lru_cache(10_000)(self._look_up_wallet)

    def pay(
        self,
        *,
        bill_no: str,
        wallet_id: str | None = None,
        agreement_no: str | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Pay a bill at once and without fee; after its deadline the late fee goes with it.

        A verified agreement of the taxpayer with the bill's authority makes it a real-time debit; without
        one, ``wallet_id`` pays by scan, which may pay anybody's bill.  Raises ``bill_already_paid``,
        ``agreement_required``, ``insufficient_funds``, ``wallet_limit_exceeded`` and the other refusals of
        bill, agreement and wallet; ``idempotency_conflict`` for a key that was used for something else.
        Where a failure was ordered, ``UnavailableError`` (``payment_outcome_unknown``): records are kept,
        and the bill is ``bill_in_doubt`` until the day is reconciled.
        """
        if wallet_id is not None and agreement_no is not None:
            raise InvalidInputError("wallet_or_agreement")
        check_key(idempotency_key)
        payer = wallet_id if agreement_no is None else self._wallet_under(agreement_no)

        def pay(tx: Transaction) -> Payment | DebitRecord:
            if payer is None:  # the taxpayer's other agreements decide which wallet it is
                tx.be_alone()
            case = None
            if agreement_no is not None:
                case = loading.under_agreement(tx, bill_no, agreement_no, idempotency_key)
            elif wallet_id is not None:
                case = loading.from_wallet(tx, bill_no, wallet_id, idempotency_key)
            actor = case.wallet.party if case else bills.load(tx, bill_no).subject_id
            named = case.wallet.wallet_id if case and wallet_id is not None else None
            request = Request(PAY, actor, idempotency_key, ("bill", bill_no, named, agreement_no))
            earlier = _earlier(
                tx,
                outcome_of(case.answered, request, Payment)
                if case
                else earlier_outcome(tx, request, Payment),
            )
            if isinstance(earlier, Payment):
                return earlier
            return _remember(tx, request, self._settle(tx, case or loading.of_taxpayer(tx, bill_no)))

        owned = [f"bill:{bill_no}", *([] if payer is None else wallets.owned(payer))]
        return _known(self._store.concurrently(pay, *owned))

    def pay_stamp_duty(
        self,
        *,
        wallet_id: str,
        item: str,
        base: Fen | None = None,
        on: date | None = None,
        half_relief: bool = False,
        side: Side | None = None,
        authority: str | None = None,
        pieces: int | None = None,
        taxpayer_kind: str | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Declare a document for the wallet's holder and pay the bill, in one transaction.

        It always declares anew: only the key makes a repeat one payment.  A refusal leaves no bill; where the
        outcome is not known the bill stays, and a repeat with the key is about that one.
        Raises what ``taxes.declare_stamp_duty`` and :meth:`pay` raise.
        """

        def pay(tx: Transaction) -> Payment | DebitRecord:
            wallet = wallets.load(tx, wallet_id)
            document = (item, base, on, half_relief, side, authority, pieces, taxpayer_kind)
            content = ("stamp-duty", wallet.wallet_id, *document)
            request = Request(PAY, wallet.party, idempotency_key, content)
            earlier = _earlier(tx, earlier_outcome(tx, request, Payment))
            if isinstance(earlier, Payment):
                return earlier
            bill_no = (
                earlier
                if earlier is not None
                else taxes.declare_stamp_duty(
                    tx,
                    taxpayer_of(tx, self._keyring, wallet.wallet_id, authority),
                    item=item,
                    base=base,
                    on=on,
                    half_relief=half_relief,
                    side=side,
                    authority=authority,
                    pieces=pieces,
                    taxpayer_kind=taxpayer_kind,
                ).bill_no
            )
            case = loading.from_wallet(tx, bill_no, wallet.wallet_id)
            return _remember(tx, request, self._settle(tx, case))

        return _known(self._store.concurrently(pay, *wallets.owned(wallet_id)))

    def show(self, *, payment_no: str) -> Payment:
        """One payment; raises ``NotFoundError`` (``payment_not_found``)."""
        with self._store.reading() as tx:
            return load(tx, payment_no)

    def transfer_id(self, *, payment_no: str) -> str:
        """The id (32 hex digits) of the transfer that moved a payment; raises ``payment_not_found``."""
        with self._store.reading() as tx:
            return rows.transfer_id(tx, load(tx, payment_no).payment_no).hex()

    def list(self) -> tuple[Payment, ...]:
        """Every payment, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.payments(tx))

    def reverse(self, *, payment_no: str, idempotency_key: str | None = None) -> Payment:
        """Reverse a debit (冲正) by the authority, on the day it was made; the bill is open again.

        A new linked transfer, never an edit.  The money is the holder's own, so it may exceed the balance
        cap, and the day's allowance comes back.  Raises ``reversal_too_late``, ``payment_already_reversed``,
        ``payment_already_refunded``, ``payment_not_reversible``, ``payment_in_doubt`` and ``wallet_closed``.
        """
        with self._store.transaction() as tx:
            payment = load(tx, payment_no)
            bill = bills.load(tx, payment.bill_no)
            request = Request("reverse", bill.authority, idempotency_key, (payment_no,))
            if (earlier := earlier_answer(tx, request, Payment)) is not None:
                return earlier
            model.check_reversible(payment, today=tx.now.date())
            if debit_rows.is_in_doubt(tx, payment_no):
                raise RejectedError("payment_in_doubt", payment_no=payment_no)
            settlements.check_may_be_taken_back(tx, bill)
            wallet = wallets.load(tx, payment.wallet_id)
            check_not_closed(wallet)
            journal.move(
                tx,
                [
                    Move(
                        collection_account(tx, wallet, bill),
                        wallet.account_id,
                        payment.amount,
                        Ledger.ECNY,
                        TransferCode.REVERSAL,
                    )
                ],
                user_data=payment.payment_no,
            )
            wallet_rows.return_spending(tx, wallet.wallet_id, payment.settled_at.date(), payment.amount)
            rows.set_reversed(tx, payment_no)
            bills.set_open(tx, bill)
            return remember(tx, request, load(tx, payment_no))

    def check_authorisations(self) -> Check:
        """Verify what authorised each payment against the published keys, and that it says that payment.

        About 10,000 payments a second; ``ledger verify`` takes it with ``--signatures``.
        """
        with self._store.reading() as tx:
            numbers = rows.numbers(tx)
            broken = next((no for no in numbers if not authorising.is_authorised(tx, load(tx, no))), "")
        what, what_zh = (
            "every payment was authorised with a published key",
            "每笔缴款均有已公布密钥的签名授权",
        )
        return Check("I6", what, what_zh, not broken, broken)

    def receipt(self, *, receipt_no: str) -> Receipt:
        """The electronic payment voucher (电子缴款凭证); raises ``receipt_not_found``."""
        with self._store.reading() as tx:
            return receipts.receipt(tx, self._keyring, receipt_no)

    def signed_receipt(self, *, receipt_no: str, explain: bool = False) -> bytes:
        """The receipt as it stands, signed by its treasury (COSE_Sign1), with its proof from the ledger.

        ``explain`` signs also how the tax was computed.  It is not printed, so no print is counted.
        ``verify_receipt`` checks it with the published keys alone.  Raises ``receipt_not_found``.
        """
        self.receipt(receipt_no=receipt_no)  # there is one: a refusal seals nothing

        def signed() -> bytes:
            with self._store.reading() as tx:
                receipt = receipts.receipt(tx, self._keyring, receipt_no)
                return receipts.signed(tx, self._keyring, receipt if explain else without_steps(receipt))

        return log.sealed(self._store, self._keyring, signed)

    def print_receipt(
        self,
        *,
        receipt_no: str,
        explain: bool = False,
        deliver: Callable[[Receipt, bytes], None] | None = None,
    ) -> Receipt:
        """Print the same once more, and count it.

        ``deliver`` is given the receipt and the signed one, with that count in both, and puts it on paper;
        only if that succeeds the print counts.
        """
        self.receipt(receipt_no=receipt_no)  # there is one: a refusal seals nothing

        def printed() -> Receipt:
            with self._store.transaction() as tx:
                rows.count_print(tx, receipts.payment_of(tx, receipt_no).payment_no)
                receipt = receipts.receipt(tx, self._keyring, receipt_no)
                if deliver is not None:
                    content = receipt if explain else without_steps(receipt)
                    deliver(receipt, receipts.signed(tx, self._keyring, content))
                return receipt

        return printed() if deliver is None else log.sealed(self._store, self._keyring, printed)

    def _look_up_wallet(self, agreement_no: str) -> str | None:
        """The wallet of an agreement, which it keeps; None where there is no such agreement."""
        with self._store.reading() as tx:
            agreement = agreement_rows.agreement(tx, agreement_no)
        return None if agreement is None else agreement.wallet_id

    def _settle(self, tx: Transaction, case: Case) -> Payment | DebitRecord:
        """Decide the mode, check, and move the money from the wallet to the collection account.

        A failure that was ordered strikes what passes every check, and may leave its outcome in doubt.
        """
        bill, wallet, agreement = case.bill, case.wallet, case.agreement
        wallets.own_families(tx, wallet)
        check_open(bill)
        if agreement is not None:
            model.check_covers(agreement, bill)
        mode = PaymentMode.SCAN_TO_PAY if agreement is None else PaymentMode.REAL_TIME_DEBIT
        agreement_no = agreement.agreement_no if agreement else None
        number = tx.ids.number("P", tx.now)
        signed = authorising.authorise(self._keyring, mode, number, case, tx.now)
        wallets.spend(tx, wallet, bill.total, payee=bill.authority, spent=case.spent)
        check_open_day(case.office.treasury or "", case.closed_until, today=tx.now.date())
        debit = Debit(number, bill, wallet, case.collection.id, mode, agreement_no, signed)
        failure = None
        if case.next_failure is not None:
            tx.be_alone()  # it is one order for several debits
            failure = debit_rows.failure(tx, case.next_failure)
        if failure is not None and failure.leaves_in_doubt:
            return debits.leave_in_doubt(tx, debit, failure)
        moved = debits.collect(tx, debit, (case.account, case.collection))
        payment = _record_debit(tx, self._keyring, debit, moved, case.office, case.told)
        if failure is not None:
            debits.deliver_again(tx, debit, failure)
        return payment


def load(tx: Transaction, payment_no: str) -> Payment:
    """The payment of that number; raises ``NotFoundError`` (``payment_not_found``)."""
    payment = rows.payment(tx, payment_no)
    if payment is None:
        raise NotFoundError("payment_not_found", payment_no=payment_no)
    return payment


def collection_account(tx: Transaction, wallet: Wallet, bill: Bill) -> int:
    """Where a payment of the bill from this wallet is collected."""
    office = parties.tax_authority(tx, bill.authority)
    return treasury.collection_account(tx, wallet.operator, office.treasury or "", wallet.account_id)


def settle(tx: Transaction, keyring: Keyring, debit: Debit, office: Institution) -> Payment:
    """Move the money of a debit, and write its payment."""
    return _record_debit(tx, keyring, debit, debits.collect(tx, debit), office, None)


def _record_debit(
    tx: Transaction, keyring: Keyring, debit: Debit, moved: int, office: Institution, told: Told | None
) -> Payment:
    """Write the payment of a debit that the transfer ``moved``."""
    return record(
        tx,
        keyring,
        debit.bill,
        debit.wallet,
        office=office,
        mode=debit.mode,
        payment_no=debit.payment_no,
        agreement_no=debit.agreement_no,
        authorisation=debit.authorisation,
        transfer_id=moved,
        balance_after=Fen(debit.wallet.balance - debit.bill.total),
        told=told,
    )


def record(
    tx: Transaction,
    keyring: Keyring,
    bill: Bill | DueBill,
    wallet: Wallet,
    *,
    office: Institution,
    mode: PaymentMode,
    payment_no: str,
    agreement_no: str | None,
    authorisation: bytes,
    transfer_id: int,
    balance_after: Fen,
    told: Told | None = None,
) -> Payment:
    """Write the payment whose money has moved, tell authority and treasury who paid, and close its bill.

    ``told`` is what these two know already, where that was read before.
    """
    payment = Payment(
        payment_no=payment_no,
        bill_no=bill.bill_no,
        wallet_id=wallet.wallet_id,
        agreement_no=agreement_no,
        amount=bill.total,
        late_fee=bill.late_fee,
        fee=wallets.fee(tx, bill.total),
        mode=mode,
        status=PaymentStatus.SETTLED,
        settled_at=tx.now,
        balance_after=balance_after,
        receipt_no=tx.ids.number(model.receipt_prefix(bill.authority), tx.now),
        refunded=Fen(0),
        refund_pending=Fen(0),
        reversed_at=None,
    )
    payer_id = disclose_payment(tx, keyring, wallet, office, told)
    rows.insert(tx, payment, payer_id=payer_id, transfer_id=transfer_id, authorisation=authorisation)
    bills.set_paid(tx, bill)
    return payment


def _earlier(tx: Transaction, found: Payment | Unanswered | None) -> Payment | str | None:
    """The payment that answers an earlier request, or the bill that one left without paying it.

    One whose outcome is still not known is refused as it was before.
    """
    if not isinstance(found, Unanswered):
        return found
    debit = debit_rows.record(tx, found.record)
    assert debit is not None  # noqa: S101 - kept in the transaction that wrote it
    if debit.outcome is None:
        raise outcome_unknown(debit)
    return rows.payment(tx, debit.trace_no) or debit.bill_no


def _remember(tx: Transaction, request: Request, outcome: Payment | DebitRecord) -> Payment | DebitRecord:
    if isinstance(outcome, Payment):
        return remember(tx, request, outcome)
    remember_unanswered(tx, request, outcome.trace_no)
    return outcome


def _known(outcome: Payment | DebitRecord) -> Payment:
    """The payment, or after the commit the refusal to say what came of it."""
    if isinstance(outcome, Payment):
        return outcome
    raise outcome_unknown(outcome)
