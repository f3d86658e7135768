"""The revenue refund voucher (税收收入退还书) of a completed refund, with all that is printed on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.ledger.chart import LEVELS as FROM_THE_TOP
from ecny_tax.money import Fen, capital_numerals, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity
from ecny_tax.payments import service as payments
from ecny_tax.payments.paper import (
    LEVELS,
    Both,
    Paper,
    Text,
    amount_fields,
    coded,
    holder,
    identified,
    moment,
)
from ecny_tax.refunds import rows
from ecny_tax.refunds.model import Refund, RefundKind, RefundStatus
from ecny_tax.store import Transaction
from ecny_tax.taxes import bills
from ecny_tax.taxes.steps import Step
from ecny_tax.wallets import service as wallets

TYPES = {
    RefundKind.ANNUAL_SETTLEMENT: Both("汇算清缴退税", "Annual settlement refund"),
    RefundKind.PAYMENT: Both("误收多缴退税", "Refund of a payment"),
}
#: Why an annual settlement is refunded; the reasons of other refunds are in the rulebook.
_ANNUAL_REASON = Both("汇算清缴应退税款", "Tax to be refunded after the annual settlement")
_COLUMNS = (
    Both("税种", "Tax"),
    Both("预算级次", "Budget level"),
    Both("预算科目", "Budget subject"),
    Both("金额", "Amount"),
)


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """What one budget level paid of a refund."""

    tax: str
    tax_en: str
    budget_level: str
    budget_subject: str
    budget_subject_en: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class RefundVoucher:
    """A revenue refund voucher (收入退还书) of ``amount`` fen; ``refund_no`` is its number.

    Of the amount, ``set_off`` paid the taxpayer's open bills; the rest, and ``interest`` on top, was
    ``credited`` to the payee's wallet.
    Names are in Chinese, those of ``…_en`` in English; :func:`paper` prints it in either language.
    """

    refund_no: str
    kind: RefundKind
    kind_name: str
    kind_name_en: str
    status: RefundStatus
    reason: str
    reason_name: str
    reason_name_en: str
    payment_no: str | None
    tax_year: int | None
    taxpayer_id: str
    taxpayer_name: str
    authority: str
    authority_name: str
    authority_name_en: str
    treasury: str
    treasury_name: str
    treasury_name_en: str
    operator: str
    operator_name: str
    operator_name_en: str
    wallet_id: str
    payee_name: str
    amount: Fen
    amount_in_capitals: str
    set_off: Fen
    interest: Fen
    credited: Fen
    lines: tuple[VoucherLine, ...]
    applied_at: datetime
    completed_at: datetime
    steps: tuple[Step, ...]


def voucher(tx: Transaction, keyring: Keyring, refund: Refund) -> RefundVoucher:
    """Put the voucher together from the records; raises ``RejectedError`` (``refund_not_completed``)."""
    if refund.completed_at is None:
        raise RejectedError("refund_not_completed", refund_no=refund.refund_no, state=refund.status)
    wallet = wallets.load(tx, refund.wallet_id)
    payee = parties.open_identity(tx, keyring, refund.identity_id) if refund.identity_id else None
    taxpayer = _taxpayer(tx, keyring, refund) or payee
    office = parties.tax_authority(tx, refund.authority)
    paying = parties.treasury(tx, office.treasury or "")
    operator = parties.operator(tx, wallet.operator)
    kind, reason = TYPES[refund.kind], _reason(tx, refund)
    return RefundVoucher(
        refund_no=refund.refund_no,
        kind=refund.kind,
        kind_name=kind.zh,
        kind_name_en=kind.en,
        status=refund.status,
        reason=refund.reason,
        reason_name=reason.zh,
        reason_name_en=reason.en,
        payment_no=refund.payment_no,
        tax_year=refund.tax_year,
        taxpayer_id=taxpayer.shown_id_number if taxpayer else "",
        taxpayer_name=taxpayer.shown_name if taxpayer else "",
        authority=office.code,
        authority_name=office.name_zh,
        authority_name_en=office.name_en,
        treasury=paying.code,
        treasury_name=paying.name_zh,
        treasury_name_en=paying.name_en,
        operator=operator.code,
        operator_name=operator.name_zh,
        operator_name_en=operator.name_en,
        wallet_id=wallet.wallet_id,
        payee_name=payee.shown_name if payee else "",
        amount=refund.amount,
        amount_in_capitals=capital_numerals(refund.amount),
        set_off=refund.set_off,
        interest=refund.interest,
        credited=Fen(refund.amount - refund.set_off + refund.interest),
        lines=_lines(tx, refund, refund.completed_at),
        applied_at=refund.applied_at,
        completed_at=refund.completed_at,
        steps=_steps(tx, refund),
    )


def signed(tx: Transaction, keyring: Keyring, voucher: RefundVoucher) -> bytes:
    """The voucher signed by its treasury, with proofs that the ledger has what moved the money.

    Raises ``VerificationError`` (``transfer_not_sealed``) and ``RejectedError`` (``receipt_too_large``).
    """
    from ecny_tax.payments import signing
    from ecny_tax.refunds.refund_voucher_form import content_of
    from ecny_tax.store import log

    return signing.sign(
        keyring,
        voucher.treasury,
        signing.Kind.REFUND,
        issued_at=tx.now,
        content=content_of(voucher),
        steps=voucher.steps,
        proofs=[
            log.prove(tx, transfer_id)
            for transfer_id in rows.transfers_of(tx, voucher.refund_no, voucher.wallet_id)
        ],
    )


def _steps(tx: Transaction, refund: Refund) -> tuple[Step, ...]:
    """How a settlement came out, or the interest on a payment that is given back."""
    steps = bills.steps(tx, refund.refund_no)
    if not refund.interest or refund.completed_at is None or refund.payment_no is None:
        return steps
    paid_on = payments.load(tx, refund.payment_no).settled_at.date()
    rule = tx.rulebook.on(refund.completed_at.date()).taxes.deposit_interest
    days = (refund.completed_at.date() - paid_on).days
    label, label_zh = f"Interest of {days} days, a year having 360", f"{days} 天利息，一年按 360 天"
    return (*steps, Step(label, label_zh, refund.interest, rule.citation))


def _taxpayer(tx: Transaction, keyring: Keyring, refund: Refund) -> Identity | None:
    """Whose tax was paid, perhaps by somebody else; None of a settlement, which is the payee's own."""
    if refund.payment_no is None:
        return None
    bill = bills.load(tx, payments.load(tx, refund.payment_no).bill_no)
    return parties.open_identity(tx, keyring, bill.identity_id)


def _reason(tx: Transaction, refund: Refund) -> Both:
    known = tx.rulebook.on(refund.applied_at.date()).scheme.refund_reasons.get(refund.reason)
    return Both(known.name_zh, known.name_en) if known else _ANNUAL_REASON


def _lines(tx: Transaction, refund: Refund, completed_at: datetime) -> tuple[VoucherLine, ...]:
    """One line for each budget level that paid, from the top."""
    tax = tx.rulebook.on(completed_at.date()).taxes.collection_item(refund.code)
    paid = rows.shares(tx, refund.refund_no)
    return tuple(
        VoucherLine(
            tax=tax.name_zh,
            tax_en=tax.name_en,
            budget_level=level,
            budget_subject=tax.budget_subject_zh,
            budget_subject_en=tax.budget_subject_en,
            amount=Fen(paid[level]),
        )
        for level in FROM_THE_TOP
        if level in paid
    )


def paper(voucher: RefundVoucher) -> Paper:
    """What is printed of a voucher."""
    reason = Both(voucher.reason_name, voucher.reason_name_en)
    authority = Both(voucher.authority_name, voucher.authority_name_en)
    treasury = Both(voucher.treasury_name, voucher.treasury_name_en)
    operator = Both(voucher.operator_name, voucher.operator_name_en)
    return Paper(
        title=Both("税收收入退还书", "Revenue refund voucher (税收收入退还书)"),
        notice="",
        fields=(
            (Both("退还书号码", "Voucher number"), (voucher.refund_no,)),
            (Both("申请日期", "Application date"), moment(voucher.applied_at)),
            (Both("退库日期", "Refund date"), moment(voucher.completed_at)),
            (Both("退税类型", "Refund type"), (Both(voucher.kind_name, voucher.kind_name_en),)),
            (Both("退税原因", "Reason"), coded(reason, voucher.reason)),
            _occasion(voucher),
            (Both("纳税人识别号", "Taxpayer id"), identified(voucher.taxpayer_id)),
            (Both("纳税人名称", "Taxpayer name"), identified(voucher.taxpayer_name)),
            (Both("税务机关", "Tax authority"), coded(authority, voucher.authority)),
            (Both("退款国库", "Paying treasury"), coded(treasury, voucher.treasury)),
            (Both("收款运营机构", "Payee's operator"), coded(operator, voucher.operator)),
            (Both("收款钱包", "Payee's wallet"), (voucher.wallet_id,)),
            (Both("收款人名称", "Payee name"), holder(voucher.payee_name)),
            *amount_fields(voucher.amount),
            *_use(voucher),
        ),
        columns=_COLUMNS,
        lines=tuple(_printed(line) for line in voucher.lines),
    )


def _occasion(voucher: RefundVoucher) -> tuple[Both, tuple[Text, ...]]:
    """The payment that is given back, or the year that was settled."""
    if voucher.payment_no is not None:
        return Both("原缴款编号", "Of the payment"), (voucher.payment_no,)
    return Both("所属年度", "Of the year"), (str(voucher.tax_year),)


def _use(voucher: RefundVoucher) -> tuple[tuple[Both, tuple[Text, ...]], ...]:
    """What became of the amount, where the wallet got less or more."""
    parts = []
    if voucher.set_off:
        parts.append((Both("其中抵缴欠税", "Set off"), voucher.set_off))
    if voucher.interest:
        parts.append((Both("另付利息", "Interest on top"), voucher.interest))
    if parts:
        parts.append((Both("退至钱包", "Credited"), voucher.credited))
    return tuple((label, (f"¥{yuan_text(amount, grouped=True)}",)) for label, amount in parts)


def _printed(line: VoucherLine) -> tuple[Text, ...]:
    return (
        Both(line.tax, line.tax_en),
        LEVELS[line.budget_level],
        Both(line.budget_subject, line.budget_subject_en),
        yuan_text(line.amount, grouped=True),
    )
