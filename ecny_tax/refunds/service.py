"""Applying for refunds, reviewing them, and paying them out of the treasury."""

from __future__ import annotations

from dataclasses import replace

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import TransferCode
from ecny_tax.money import Fen, positive
from ecny_tax.parties import service as parties
from ecny_tax.payments import authorising
from ecny_tax.payments import rows as payment_rows
from ecny_tax.payments import service as payments
from ecny_tax.payments.model import PaymentMode, authorisation_document
from ecny_tax.refunds import model, rows, vouchers
from ecny_tax.refunds.model import Refund, RefundKind, RefundStatus
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.store import Store, Transaction, journal, log
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.taxes import bills, income_tax, settlements
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.interest import overpayment_interest
from ecny_tax.taxes.late_fee import MAX_DAYS
from ecny_tax.taxes.model import INCOME_TAX_CODE, Bill
from ecny_tax.taxes.settlements import YearSettlement
from ecny_tax.treasury import service as treasury
from ecny_tax.treasury.model import allocated, part_of, shares, weights
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets import supply
from ecny_tax.wallets.disclosure import disclose_payment, taxpayer_of
from ecny_tax.wallets.families import parent_of
from ecny_tax.wallets.model import Wallet, check_is_parent

_ANNUAL_REASON = "annual_settlement"
_MAX_NOTE = 200


class Refunds:
    """Refunds (退税).  Amounts are in fen.

    The automatic reviewer approves what passes the rules and raises what does not, leaving no application;
    with ``manual_review`` the application waits as ``tax_review`` for :meth:`approve` or :meth:`reject`.
    """

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def apply_for_income_tax(
        self,
        *,
        wallet_id: str,
        annual_return: AnnualReturn,
        correction: bool = False,
        manual_review: bool = False,
        authority: str | None = None,
        idempotency_key: str | None = None,
    ) -> Refund:
        """Apply for the refund of an annual settlement (汇算退税) into the applicant's own named wallet.

        The return must agree with what withholding agents declared and paid, and stands for the authority's
        record where there is nothing of the kind.  A ``correction`` asks back the difference to what the
        year has come to so far.  Open bills of the applicant are set off first.  Raises
        ``nothing_to_refund``, ``withholding_differs``, ``annual_settlement_not_open``,
        ``annual_settlement_exists``, ``annual_settlement_missing``, ``annual_settlement_pending``,
        ``claim_window_closed``, ``wallet_without_name``, ``unpaid_bills``.  A credit that fails (wallet
        closed, balance cap) ends as ``treasury_failed`` and can be resubmitted.
        """
        with self._store.transaction() as tx:
            wallet = wallets.load(tx, wallet_id)
            content = ("income-tax", wallet.wallet_id, annual_return, correction, manual_review, authority)
            request = Request("refund", wallet.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Refund)) is not None:
                return earlier
            check_is_parent(wallet)
            taxpayer = taxpayer_of(tx, self._keyring, wallet.wallet_id, authority)
            year = annual_return.tax_year
            settled = settlements.settle_return(tx, taxpayer, annual_return, correction=correction)
            _first, last = income_tax.claim_window(year, book=tx.rulebook)
            model.check_claim_window(last, today=tx.now.date())
            if settled.outcome <= 0:
                raise RejectedError("nothing_to_refund")
            office = parties.tax_authority(
                tx, tx.rulebook.scheme.authority.code if authority is None else authority
            )
            application = self._apply(
                tx,
                RefundKind.ANNUAL_SETTLEMENT,
                taxpayer.identity_id,
                wallet,
                amount=Fen(settled.outcome),
                authority=office.code,
                code=INCOME_TAX_CODE,
                reason=_ANNUAL_REASON,
                tax_year=year,
                settled=settled,
            )
            settlements.settle_year(tx, taxpayer, year, application.refund_no, settled)
            return remember(tx, request, self._review(tx, application, manual_review))

    def apply_for_payment(
        self,
        *,
        payment_no: str,
        amount: Fen | None = None,
        reason: str = "paid_in_error",
        manual_review: bool = False,
        idempotency_key: str | None = None,
    ) -> Refund:
        """Ask back what was paid by mistake or too much, in part or (by default) all that is left of it.

        It returns to the wallet that paid, or the parent of a sub-wallet.  Raises
        ``refund_exceeds_payment``, ``nothing_to_refund``, ``payment_already_reversed``,
        ``claim_window_closed``, ``refund_reason_unknown``.
        """
        if amount is not None:
            positive(amount)
        with self._store.transaction() as tx:
            payment = payments.load(tx, payment_no)
            wallet = parent_of(tx, wallets.load(tx, payment.wallet_id))
            content = ("payment", payment_no, amount, reason, manual_review)
            request = Request("refund", wallet.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Refund)) is not None:
                return earlier
            model.check_reason(reason, tx.rulebook.on(tx.now.date()))
            asked = model.amount_of_payment(payment, amount)
            window = tx.rulebook.on(tx.now.date()).income_tax.claim_window
            last = model.last_day_to_claim(payment.settled_at.date(), window)
            model.check_claim_window(last, today=tx.now.date())
            bill = bills.load(tx, payment.bill_no)
            settlements.check_may_be_refunded(tx, bill)
            payment_rows.add_refund(tx, payment_no, pending=asked)
            application = self._apply(
                tx,
                RefundKind.PAYMENT,
                disclose_payment(tx, self._keyring, wallet, parties.tax_authority(tx, bill.authority)),
                wallet,
                amount=asked,
                authority=bill.authority,
                code=bill.code,
                reason=reason,
                payment_no=payment_no,
            )
            return remember(tx, request, self._review(tx, application, manual_review))

    def show(self, *, refund_no: str) -> Refund:
        """One refund with its history; raises ``NotFoundError`` (``refund_not_found``)."""
        with self._store.reading() as tx:
            return load(tx, refund_no)

    def list(self) -> tuple[Refund, ...]:
        """Every refund, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.refunds(tx))

    def voucher(self, *, refund_no: str) -> RefundVoucher:
        """The revenue refund voucher (收入退还书) of a completed refund.

        Raises ``refund_not_found`` and ``refund_not_completed``.
        """
        with self._store.reading() as tx:
            return vouchers.voucher(tx, self._keyring, load(tx, refund_no))

    def signed_refund_voucher(self, *, refund_no: str, explain: bool = False) -> bytes:
        """The revenue refund voucher, signed by its treasury (COSE_Sign1), with its proof from the ledger.

        ``explain`` signs also how the amount came about.  ``verify_receipt`` checks it with the published
        keys alone.  Raises ``refund_not_found`` and ``refund_not_completed``.
        """
        self.voucher(refund_no=refund_no)  # there is one: a refusal seals nothing

        def signed() -> bytes:
            with self._store.reading() as tx:
                found = vouchers.voucher(tx, self._keyring, load(tx, refund_no))
                return vouchers.signed(tx, self._keyring, found if explain else replace(found, steps=()))

        return log.sealed(self._store, self._keyring, signed)

    def approve(self, *, refund_no: str, idempotency_key: str | None = None) -> Refund:
        """The reviewer says yes; the treasury pays at once."""
        with self._store.transaction() as tx:
            refund = load(tx, refund_no)
            request = Request("refund.approve", refund.authority, idempotency_key, (refund_no,))
            if (earlier := earlier_answer(tx, request, Refund)) is not None:
                return earlier
            model.check_status(refund, RefundStatus.TAX_REVIEW)
            return remember(tx, request, self._pay_out(tx, refund))

    def reject(self, *, refund_no: str, note: str = "") -> Refund:
        """The reviewer says no, with a note of up to 200 characters; the applicant may apply anew."""
        if len(note) > _MAX_NOTE:
            raise InvalidInputError("note_too_long", limit=_MAX_NOTE)
        return self._end(refund_no, RefundStatus.TAX_REFUSED, note, RefundStatus.TAX_REVIEW)

    def withdraw(self, *, refund_no: str) -> Refund:
        """The applicant takes the application back before it is paid."""
        return self._end(
            refund_no, RefundStatus.WITHDRAWN, "", RefundStatus.TAX_REVIEW, RefundStatus.TREASURY_FAILED
        )

    def resubmit(
        self, *, refund_no: str, wallet_id: str | None = None, idempotency_key: str | None = None
    ) -> Refund:
        """Try a failed credit again, to the same wallet or another one of the same person."""
        with self._store.transaction() as tx:
            refund = load(tx, refund_no)
            content = (refund_no, wallet_id)
            request = Request("refund.resubmit", refund.subject_id, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Refund)) is not None:
                return earlier
            model.check_status(refund, RefundStatus.TREASURY_FAILED)
            if wallet_id is not None:
                wallet = wallets.load(tx, wallet_id)
                check_is_parent(wallet)
                own = wallet.subject_id == refund.subject_id or wallet.wallet_id == refund.wallet_id
                if not own:
                    raise RejectedError("refund_wallet_of_another", wallet_id=wallet_id)
                rows.set_wallet(tx, refund_no, wallet.wallet_id)
            return remember(tx, request, self._pay_out(tx, load(tx, refund_no)))

    def _apply(
        self,
        tx: Transaction,
        kind: RefundKind,
        payee: str | None,
        wallet: Wallet,
        *,
        amount: Fen,
        authority: str,
        code: str,
        reason: str,
        payment_no: str | None = None,
        tax_year: int | None = None,
        settled: YearSettlement | None = None,
    ) -> Refund:
        refund = Refund(
            refund_no=tx.ids.number("R", tx.now),
            kind=kind,
            wallet_id=wallet.wallet_id,
            payment_no=payment_no,
            tax_year=tax_year,
            is_correction=settled is not None and settled.is_correction,
            amount=amount,
            set_off=Fen(0),
            interest=Fen(0),
            status=RefundStatus.TAX_REVIEW,
            failure_code=None,
            balance_after=None,
            authority=authority,
            code=code,
            reason=reason,
            basis=settled.basis if settled else None,
            applied_at=tx.now,
            completed_at=None,
            history=(),
            identity_id=payee,
            subject_id=wallet.subject_id,
        )
        rows.insert(tx, refund)
        rows.add_event(tx, refund.refund_no, RefundStatus.TAX_REVIEW)
        return refund

    def _review(self, tx: Transaction, refund: Refund, manual_review: bool) -> Refund:
        return load(tx, refund.refund_no) if manual_review else self._pay_out(tx, refund)

    def _pay_out(self, tx: Transaction, refund: Refund) -> Refund:
        """Treasury to wallet in one linked batch, open bills first; a credit that fails moves nothing."""
        office = parties.tax_authority(tx, refund.authority)
        treasury.check_open_day(tx, office.treasury or "")
        wallet = wallets.load(tx, refund.wallet_id)
        owed = model.bills_to_set_off(refund, tax_rows.open_bills_of(tx, refund.subject_id))
        set_off = sum(bill.total for bill in owed)
        credit, interest = Fen(refund.amount - set_off), _interest(tx, refund)
        rows.set_status(tx, refund.refund_no, RefundStatus.TREASURY_PROCESSING)
        try:
            if credit:
                wallets.check_may_receive(tx, wallet, credit)
            by_level = _shares(tx, refund, office.treasury or "")
            bearing = part_of(by_level, interest)
            due = {level: Fen(share + bearing[level]) for level, share in by_level.items()}
            paid_out = treasury.payout_moves(tx, office.treasury or "", due)
        except RejectedError as refusal:
            rows.set_failed(tx, refund.refund_no, refusal.code)
            return load(tx, refund.refund_no)
        disclose_payment(tx, self._keyring, wallet, office)  # the voucher names the payee
        collections = [payments.collection_account(tx, wallet, bill) for bill in owed]
        credits = [
            (account, bill.total, TransferCode.SET_OFF)
            for account, bill in zip(collections, owed, strict=True)
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
            self._record_set_off(tx, bill, wallet, transfer_id=ids[place], balance_after=balance_after)
        if refund.payment_no is not None:
            payment_rows.add_refund(tx, refund.payment_no, pending=-refund.amount, refunded=refund.amount)
        rows.insert_shares(tx, refund.refund_no, by_level)
        rows.set_completed(
            tx, refund.refund_no, set_off=set_off, interest=interest, balance_after=balance_after
        )
        if refund.payment_no is None:
            settlements.close_year(tx, refund.refund_no)
        return load(tx, refund.refund_no)

    def _record_set_off(
        self, tx: Transaction, bill: Bill, wallet: Wallet, *, transfer_id: int, balance_after: Fen
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
            self._keyring,
            bill,
            wallet,
            office=office,
            mode=PaymentMode.SET_OFF,
            payment_no=number,
            agreement_no=None,
            authorisation=authorising.sign_instruction(self._keyring, office, content),
            transfer_id=transfer_id,
            balance_after=balance_after,
        )

    def _end(self, refund_no: str, status: RefundStatus, note: str, *allowed: RefundStatus) -> Refund:
        with self._store.transaction() as tx:
            refund = load(tx, refund_no)
            model.check_status(refund, *allowed)
            rows.set_status(tx, refund_no, status, note=note)
            if refund.payment_no is not None:
                payment_rows.add_refund(tx, refund.payment_no, pending=-refund.amount)
            else:
                settlements.reopen_year(tx, refund_no)
            return load(tx, refund_no)


def load(tx: Transaction, refund_no: str) -> Refund:
    """The refund of that number; raises ``NotFoundError`` (``refund_not_found``)."""
    refund = rows.refund(tx, refund_no)
    if refund is None:
        raise NotFoundError("refund_not_found", refund_no=refund_no)
    return refund


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
        return shares(tx.rulebook.on(tx.now.date()).taxes, receiving, refund.code, None, refund.amount)
    payment = payments.load(tx, refund.payment_no)
    bill = bills.load(tx, payment.bill_no)
    rules = tx.rulebook.on(payment.settled_at.date()).taxes
    by = weights(rules, receiving, bill.code, bill.item)
    got = dict(zip(chart.LEVELS, allocated(payment.amount, payment.late_fee, by), strict=True))
    given_back = rows.shares_of_payment(tx, payment.payment_no)
    left = {level: Fen(share - given_back.get(level, 0)) for level, share in got.items()}
    return part_of(left, refund.amount)
