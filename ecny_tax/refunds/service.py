"""Applying for refunds, reviewing them, and paying them out of the treasury."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import Fen, positive
from ecny_tax.parties import service as parties
from ecny_tax.payments import rows as payment_rows
from ecny_tax.payments import service as payments
from ecny_tax.refunds import filing, model, rows, vouchers
from ecny_tax.refunds.model import Application, Refund, RefundKind, RefundStatus
from ecny_tax.refunds.payout import load, pay_out
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.store import Store, Transaction, log
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.taxes import bills, settlements
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import disclose_payment
from ecny_tax.wallets.families import parent_of
from ecny_tax.wallets.model import check_is_parent

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
            asked = Application(wallet.wallet_id, annual_return, correction, authority)
            filed = filing.file_settlement(tx, self._keyring, asked)
            return remember(tx, request, self._review(tx, filed, manual_review))

    def apply_for_income_tax_many(
        self, *, applications: Sequence[Application], manual_review: bool = False
    ) -> tuple[Refund | EcnyTaxError, ...]:
        """Apply for many in one transaction, each as :meth:`apply_for_income_tax` would: the refund, or what
        it raises.

        Whoever is refused leaves nothing, and the others are paid all the same.  What a treasury pays is one
        posting for thousands, netted by budget level and operator.
        """
        from ecny_tax.refunds import many  # imported late: most apply for one

        with self._store.transaction() as tx:
            return tuple(many.apply_many(tx, self._keyring, applications, manual_review=manual_review))

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
            application = filing.new_refund(
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
            filing.write_down(tx, application)
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
            return remember(tx, request, pay_out(tx, self._keyring, refund))

    def approve_many(self, *, refund_nos: Sequence[str]) -> tuple[Refund | EcnyTaxError, ...]:
        """Say yes to many in one transaction, each as :meth:`approve`: the refund, or what that raises."""
        from ecny_tax.refunds import many  # imported late: most approve one

        with self._store.transaction() as tx:
            return tuple(many.approve_many(tx, self._keyring, refund_nos))

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
            return remember(tx, request, pay_out(tx, self._keyring, load(tx, refund_no)))

    def _review(self, tx: Transaction, refund: Refund, manual_review: bool) -> Refund:
        return load(tx, refund.refund_no) if manual_review else pay_out(tx, self._keyring, refund)

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
