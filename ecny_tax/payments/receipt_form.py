"""The content of a payment's signed receipt: its fields as CBOR values, and the receipt that they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecny_tax.clock import micros
from ecny_tax.errors import VerificationError
from ecny_tax.ledger.checkpoint import Checkpoint
from ecny_tax.ledger.model import TransferCode
from ecny_tax.ledger.records import TransferRecord
from ecny_tax.money import Fen, capital_numerals
from ecny_tax.payments.model import PaymentMode, PaymentStatus, Receipt, ReceiptLine
from ecny_tax.payments.receipts import REMARKS
from ecny_tax.payments.signed_values import (
    array,
    day_number,
    day_of,
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

#: The numbers of the modes; what is in use keeps its number.
MODES = {
    1: PaymentMode.REAL_TIME_DEBIT,
    2: PaymentMode.SCAN_TO_PAY,
    3: PaymentMode.SET_OFF,
    4: PaymentMode.OFFLINE,
    5: PaymentMode.BATCH_DEBIT,
}
_NUMBERS = {mode: place for place, mode in MODES.items()}


#: The fields in their order.
FIELDS = (
    "receipt_no", "payment_no", "mode", "taxpayer", "authority", "treasury", "operator", "wallet_id",
    "payer_name", "amount", "paid_at", "reversed_at", "print_count", "item", "budget_subject", "period",
    "lines",
)  # fmt: skip


def content_of(receipt: Receipt) -> list[object]:
    """The fields of a receipt in their order."""
    first = receipt.lines[0]
    return [
        receipt.receipt_no,
        receipt.payment_no,
        _NUMBERS[receipt.mode],
        [receipt.taxpayer_id, receipt.taxpayer_name],
        institution(receipt.authority, receipt.authority_name, receipt.authority_name_en),
        institution(receipt.treasury, receipt.treasury_name, receipt.treasury_name_en),
        institution(receipt.operator, receipt.operator_name, receipt.operator_name_en),
        receipt.wallet_id,
        None if receipt.payer_name == receipt.taxpayer_name else receipt.payer_name,
        receipt.amount,
        micros(receipt.paid_at),
        None if receipt.reversed_at is None else micros(receipt.reversed_at),
        receipt.print_count,
        [first.item, *names(first.item_name, first.item_name_en)],
        names(first.budget_subject, first.budget_subject_en),
        [day_number(first.period_start), day_number(first.period_end)],
        written_lines(
            SignedLine(line.tax, line.tax_en, line.budget_level, line.amount) for line in receipt.lines
        ),
    ]


def receipt_of(opened: Opened) -> Receipt:
    """The receipt that a content says; raises ``VerificationError`` (``receipt_malformed``)."""
    (
        receipt_no, payment_no, mode, taxpayer, authority, treasury, operator, wallet_id, payer, amount,
        paid_at, reversed_at, print_count, item, subject, period, lines,
    ) = array(opened.content, "content", len(FIELDS))  # fmt: skip
    taxpayer_id, taxpayer_name = (text(one, "taxpayer") for one in array(taxpayer, "taxpayer", 2))
    paid = Fen(number(amount, "amount", 1))
    known_mode = MODES[number(mode, "mode", 1, len(MODES))]
    office, office_name, office_name_en = institution_of(authority, "authority")
    receiving, receiving_name, receiving_name_en = institution_of(treasury, "treasury")
    paying, paying_name, paying_name_en = institution_of(operator, "operator")
    remark = REMARKS[known_mode]
    receipt = Receipt(
        receipt_no=text(receipt_no, "receipt_no"),
        payment_no=text(payment_no, "payment_no"),
        mode=known_mode,
        status=PaymentStatus.SETTLED if reversed_at is None else PaymentStatus.REVERSED,
        taxpayer_id=taxpayer_id,
        taxpayer_name=taxpayer_name,
        authority=office,
        authority_name=office_name,
        authority_name_en=office_name_en,
        treasury=receiving,
        treasury_name=receiving_name,
        treasury_name_en=receiving_name_en,
        operator=paying,
        operator_name=paying_name,
        operator_name_en=paying_name_en,
        wallet_id=text(wallet_id, "wallet_id"),
        payer_name=taxpayer_name if payer is None else text(payer, "payer_name"),
        amount=paid,
        amount_in_capitals=capital_numerals(paid),
        lines=_lines(item, subject, period, lines),
        paid_at=moment_of(paid_at, "paid_at"),
        reversed_at=None if reversed_at is None else moment_of(reversed_at, "reversed_at"),
        print_count=number(print_count, "print_count"),
        remark=remark.zh,
        remark_en=remark.en,
        steps=opened.steps,
    )
    if content_of(receipt) != opened.content:  # each receipt has one form alone
        raise malformed("content")
    return receipt


def _lines(item: object, subject: object, period: object, lines: object) -> tuple[ReceiptLine, ...]:
    code, *named = array(item, "item", 3)
    item_name, item_name_en = names_of(named, "item")
    budget_subject, budget_subject_en = names_of(subject, "budget_subject")
    start, end = (day_of(one, "period") for one in array(period, "period", 2))
    return tuple(
        ReceiptLine(
            tax=line.tax,
            tax_en=line.tax_en,
            item=None if code is None else text(code, "item"),
            item_name=item_name,
            item_name_en=item_name_en,
            budget_level=line.budget_level,
            budget_subject=budget_subject,
            budget_subject_en=budget_subject_en,
            period_start=start,
            period_end=end,
            amount=line.amount,
        )
        for line in read_lines(lines)
    )


def check(opened: Opened, receipt: Receipt, published: Mapping[str, str]) -> Checkpoint:
    """Check all that a receipt says against itself and against the ledger.

    Raises ``VerificationError``: ``receipt_signer_differs``, ``receipt_amounts_differ``, what
    ``Opened.check_proofs`` raises, and ``receipt_record_differs``.
    """
    check_signer(opened, receipt.treasury)
    check_total(receipt.amount, (line.amount for line in receipt.lines), "lines")
    checkpoint = opened.check_proofs(published)
    _check_records(receipt, opened.records)
    return checkpoint


def _check_records(receipt: Receipt, records: Sequence[TransferRecord]) -> None:
    """The payment's transfer, and after it that of its reversal, if it was reversed."""
    expected = 1 if receipt.reversed_at is None else 2
    if len(records) != expected:
        raise VerificationError("receipt_transfers_differ", count=len(records), expected=expected)
    set_off = receipt.mode is PaymentMode.SET_OFF
    paid = records[0]
    check_record(
        paid,
        codes=[TransferCode.SET_OFF if set_off else TransferCode.TAX_PAYMENT],
        at=receipt.paid_at,
        reference=None if set_off else receipt.payment_no,  # a set-off names the refund that it was part of
        amount=receipt.amount,
    )
    if receipt.reversed_at is None:
        return
    back = records[1]
    check_record(
        back,
        codes=[TransferCode.REVERSAL],
        at=receipt.reversed_at,
        reference=receipt.payment_no,
        amount=receipt.amount,
    )
    accounts = (back.credit_account_id, back.debit_account_id)
    if accounts != (paid.debit_account_id, paid.credit_account_id) or back.seq <= paid.seq:
        raise VerificationError("receipt_record_differs", field="accounts", seq=back.seq)
