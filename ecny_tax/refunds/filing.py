"""Filing one application for a refund: the record that review and treasury go by."""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.refunds import model, rows
from ecny_tax.refunds.model import Application, Refund, RefundEvent, RefundKind, RefundStatus
from ecny_tax.store import Transaction
from ecny_tax.taxes import income_tax, settlements
from ecny_tax.taxes.model import INCOME_TAX_CODE
from ecny_tax.taxes.settlements import YearSettlement
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import taxpayer_of
from ecny_tax.wallets.model import Wallet, check_is_parent

ANNUAL_REASON = "annual_settlement"


def file_settlement(tx: Transaction, keyring: Keyring, application: Application) -> Refund:
    """Apply for the refund of an annual settlement; it waits for review."""
    asked, year = application, application.annual_return.tax_year
    wallet = wallets.load(tx, asked.wallet_id)
    check_is_parent(wallet)
    taxpayer = taxpayer_of(tx, keyring, wallet.wallet_id, asked.authority)
    settled = settlements.settle_return(tx, taxpayer, asked.annual_return, correction=asked.correction)
    check_may_apply(tx, year, settled.outcome)
    office = parties.tax_authority(
        tx, tx.rulebook.scheme.authority.code if asked.authority is None else asked.authority
    )
    filed = write_down(tx, new_settlement(tx, taxpayer.identity_id, wallet, office.code, settled))
    settlements.settle_year(tx, taxpayer, year, filed.refund_no, settled)
    return filed


def check_may_apply(tx: Transaction, tax_year: int, outcome: int) -> None:
    """Something must come back, and the claim still be in time."""
    _first, last = income_tax.claim_window(tax_year, book=tx.rulebook)
    model.check_claim_window(last, today=tx.now.date())
    if outcome <= 0:
        raise RejectedError("nothing_to_refund")


def write_down(tx: Transaction, refund: Refund) -> Refund:
    """Write an application, and that it is under review."""
    rows.insert(tx, refund)
    rows.add_event(tx, refund.refund_no, RefundStatus.TAX_REVIEW)
    return refund


def new_settlement(
    tx: Transaction,
    payee: str,
    wallet: Wallet,
    authority: str,
    settled: YearSettlement,
    *,
    history: tuple[RefundEvent, ...] = (),
) -> Refund:
    """The application that a settlement leads to, before anything was written of it."""
    return new_refund(
        tx,
        RefundKind.ANNUAL_SETTLEMENT,
        payee,
        wallet,
        amount=Fen(settled.outcome),
        authority=authority,
        code=INCOME_TAX_CODE,
        reason=ANNUAL_REASON,
        tax_year=settled.found.tax_year,
        settled=settled,
        history=history,
    )


def new_refund(
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
    history: tuple[RefundEvent, ...] = (),
) -> Refund:
    """An application as it is before anything was written of it."""
    return Refund(
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
        history=history,
        identity_id=payee,
        subject_id=wallet.subject_id,
    )
