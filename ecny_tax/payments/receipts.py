"""The electronic payment voucher (电子缴款凭证) of a payment, with everything that is printed on it."""

from __future__ import annotations

from datetime import date

from ecny_tax import rulebook
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError
from ecny_tax.money import capital_numerals
from ecny_tax.parties import service as parties
from ecny_tax.payments import rows
from ecny_tax.payments.model import Payment, PaymentMode, Receipt, ReceiptLine
from ecny_tax.store import Transaction
from ecny_tax.taxes import service as taxes
from ecny_tax.taxes.model import Bill
from ecny_tax.treasury import service as treasury
from ecny_tax.wallets import service as wallets

_REMARKS = {
    PaymentMode.REAL_TIME_DEBIT: "数字人民币实时扣税",
    PaymentMode.SCAN_TO_PAY: "数字人民币扫码缴税",
    PaymentMode.SET_OFF: "以应退税款抵缴",
}


def payment_of(tx: Transaction, receipt_no: str) -> Payment:
    """The payment of a receipt; raises ``NotFoundError`` (``receipt_not_found``)."""
    payment = rows.payment_of_receipt(tx, receipt_no)
    if payment is None:
        raise NotFoundError("receipt_not_found", receipt_no=receipt_no)
    return payment


def receipt(tx: Transaction, keyring: Keyring, receipt_no: str) -> Receipt:
    """Put the receipt together from the records it is about."""
    payment = payment_of(tx, receipt_no)
    bill = taxes.load(tx, payment.bill_no)
    wallet = wallets.load(tx, payment.wallet_id)
    taxpayer = parties.open_identity(tx, keyring, bill.identity_id)
    payer = parties.open_identity(tx, keyring, wallet.identity_id)
    office = parties.tax_authority(tx, bill.authority)
    receiving = parties.treasury(tx, office.treasury or "")
    operator = parties.operator(tx, wallet.operator)
    return Receipt(
        receipt_no=payment.receipt_no,
        payment_no=payment.payment_no,
        status=payment.status,
        taxpayer_id=taxpayer.id_number or "",
        taxpayer_name=taxpayer.name or "",
        authority=office.code,
        authority_name=office.name_zh,
        treasury=receiving.code,
        treasury_name=receiving.name_zh,
        operator=operator.code,
        operator_name=operator.name_zh,
        wallet_id=wallet.wallet_id,
        payer_name=payer.name or "",
        amount=payment.amount,
        amount_in_capitals=capital_numerals(payment.amount),
        lines=_lines(bill, on=payment.settled_at.date()),
        paid_at=payment.settled_at,
        print_count=rows.print_count(tx, payment.payment_no),
        remark=_REMARKS[payment.mode],
    )


def _lines(bill: Bill, *, on: date) -> tuple[ReceiptLine, ...]:
    """One line for each budget level that shares the tax."""
    item = rulebook.on(on).collection_item(bill.code)
    return tuple(
        ReceiptLine(
            tax=item.name_zh,
            tax_en=item.name_en,
            item=bill.item,
            budget_level=level,
            budget_subject=item.budget_subject_zh,
            period_start=bill.period_start,
            period_end=bill.period_end,
            amount=share,
        )
        for level, share in treasury.shares(bill.code, bill.item, bill.amount, on).items()
        if share
    )
