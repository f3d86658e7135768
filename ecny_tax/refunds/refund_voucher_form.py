"""The content of a refund's signed voucher: its fields as CBOR values, and the voucher that they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ecny_tax.clock import micros
from ecny_tax.errors import VerificationError
from ecny_tax.ledger.checkpoint import Checkpoint
from ecny_tax.ledger.model import TransferCode
from ecny_tax.ledger.records import TransferRecord
from ecny_tax.money import Fen, capital_numerals
from ecny_tax.payments.signed_values import (
    array,
    institution,
    institution_of,
    malformed,
    moment_of,
    names,
    names_of,
    number,
    text,
)
from ecny_tax.payments.signing import (
    Opened,
    SignedLine,
    check_record,
    check_signer,
    check_total,
    read_lines,
    written_lines,
)
from ecny_tax.refunds.model import RefundKind, RefundStatus
from ecny_tax.refunds.vouchers import TYPES, RefundVoucher, VoucherLine

#: The numbers of the kinds; what is in use keeps its number.
KINDS = {1: RefundKind.ANNUAL_SETTLEMENT, 2: RefundKind.PAYMENT}
_NUMBERS = {kind: place for place, kind in KINDS.items()}
_FIRST_YEAR, _LAST_YEAR = 1980, 2200


#: The fields in their order.
FIELDS = (
    "refund_no", "kind", "reason", "occasion", "taxpayer", "authority", "treasury", "operator", "wallet_id",
    "payee_name", "amount", "set_off", "interest", "applied_at", "completed_at", "budget_subject", "lines",
)  # fmt: skip


def content_of(voucher: RefundVoucher) -> list[object]:
    """The fields of a voucher in their order."""
    first = voucher.lines[0]
    return [
        voucher.refund_no,
        _NUMBERS[voucher.kind],
        institution(voucher.reason, voucher.reason_name, voucher.reason_name_en),
        voucher.tax_year if voucher.payment_no is None else voucher.payment_no,
        [voucher.taxpayer_id, voucher.taxpayer_name],
        institution(voucher.authority, voucher.authority_name, voucher.authority_name_en),
        institution(voucher.treasury, voucher.treasury_name, voucher.treasury_name_en),
        institution(voucher.operator, voucher.operator_name, voucher.operator_name_en),
        voucher.wallet_id,
        None if voucher.payee_name == voucher.taxpayer_name else voucher.payee_name,
        voucher.amount,
        voucher.set_off,
        voucher.interest,
        micros(voucher.applied_at),
        micros(voucher.completed_at),
        names(first.budget_subject, first.budget_subject_en),
        written_lines(
            SignedLine(line.tax, line.tax_en, line.budget_level, line.amount) for line in voucher.lines
        ),
    ]


def voucher_of(opened: Opened) -> RefundVoucher:
    """The voucher that a content says; raises ``VerificationError`` (``receipt_malformed``)."""
    (
        refund_no, kind, reason, occasion, taxpayer, authority, treasury, operator, wallet_id, payee, amount,
        set_off, interest, applied_at, completed_at, subject, lines,
    ) = array(opened.content, "content", len(FIELDS))  # fmt: skip
    taxpayer_id, taxpayer_name = (text(one, "taxpayer") for one in array(taxpayer, "taxpayer", 2))
    due = Fen(number(amount, "amount", 1))
    used, extra = Fen(number(set_off, "set_off", 0, due)), Fen(number(interest, "interest"))
    known_kind = KINDS[number(kind, "kind", 1, len(KINDS))]
    is_year = known_kind is RefundKind.ANNUAL_SETTLEMENT
    why, why_name, why_name_en = institution_of(reason, "reason")
    office, office_name, office_name_en = institution_of(authority, "authority")
    paying, paying_name, paying_name_en = institution_of(treasury, "treasury")
    receiving, receiving_name, receiving_name_en = institution_of(operator, "operator")
    subject_name, subject_name_en = names_of(subject, "budget_subject")
    voucher = RefundVoucher(
        refund_no=text(refund_no, "refund_no"),
        kind=known_kind,
        kind_name=TYPES[known_kind].zh,
        kind_name_en=TYPES[known_kind].en,
        status=RefundStatus.COMPLETED,
        reason=why,
        reason_name=why_name,
        reason_name_en=why_name_en,
        payment_no=None if is_year else text(occasion, "payment_no"),
        tax_year=number(occasion, "tax_year", _FIRST_YEAR, _LAST_YEAR) if is_year else None,
        taxpayer_id=taxpayer_id,
        taxpayer_name=taxpayer_name,
        authority=office,
        authority_name=office_name,
        authority_name_en=office_name_en,
        treasury=paying,
        treasury_name=paying_name,
        treasury_name_en=paying_name_en,
        operator=receiving,
        operator_name=receiving_name,
        operator_name_en=receiving_name_en,
        wallet_id=text(wallet_id, "wallet_id"),
        payee_name=taxpayer_name if payee is None else text(payee, "payee_name"),
        amount=due,
        amount_in_capitals=capital_numerals(due),
        set_off=used,
        interest=extra,
        credited=Fen(due - used + extra),
        lines=tuple(
            VoucherLine(line.tax, line.tax_en, line.budget_level, subject_name, subject_name_en, line.amount)
            for line in read_lines(lines)
        ),
        applied_at=moment_of(applied_at, "applied_at"),
        completed_at=moment_of(completed_at, "completed_at"),
        steps=opened.steps,
    )
    if content_of(voucher) != opened.content:  # each voucher has one form alone
        raise malformed("content")
    return voucher


def check(opened: Opened, voucher: RefundVoucher, published: Mapping[str, str]) -> Checkpoint:
    """Check all that a voucher says against itself and against the ledger.

    Raises ``VerificationError``: ``receipt_signer_differs``, ``receipt_amounts_differ``, what
    ``Opened.check_proofs`` raises, and ``receipt_record_differs``.
    """
    check_signer(opened, voucher.treasury)
    check_total(voucher.amount, (line.amount for line in voucher.lines), "lines")
    checkpoint = opened.check_proofs(published)
    _check_records(voucher, opened.records)
    return checkpoint


def _check_records(voucher: RefundVoucher, records: Sequence[TransferRecord]) -> None:
    """What set off bills and what reached the wallet, all in one batch, comes to what is printed."""
    codes = (TransferCode.SET_OFF, TransferCode.REFUND, TransferCode.INTEREST)
    for record in records:
        check_record(record, codes=codes, at=voucher.completed_at, reference=voucher.refund_no)
    for before, after in pairwise(records):
        if after.seq <= before.seq:
            raise VerificationError("receipt_record_differs", field="seq", seq=after.seq)
    printed = (voucher.set_off, voucher.amount - voucher.set_off, voucher.interest)
    for code, amount in zip(codes, printed, strict=True):
        check_total(amount, (record.amount for record in records if record.code == code), code.name.lower())
    to_wallet = {record.credit_account_id for record in records if record.code != TransferCode.SET_OFF}
    if len(to_wallet) > 1:
        raise VerificationError("receipt_record_differs", field="accounts", seq=records[-1].seq)
