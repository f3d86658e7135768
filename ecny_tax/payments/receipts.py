"""The electronic payment voucher (电子缴款凭证) of a payment, with everything that is printed on it."""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError
from ecny_tax.money import Fen, capital_numerals, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.payments import rows
from ecny_tax.payments.model import Payment, PaymentMode, PaymentStatus, Receipt, ReceiptLine
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
from ecny_tax.store import Transaction
from ecny_tax.taxes import bills
from ecny_tax.taxes.model import STAMP_DUTY_CODE, Bill
from ecny_tax.taxes.steps import Step
from ecny_tax.treasury.model import shares
from ecny_tax.wallets import service as wallets

REMARKS = {
    PaymentMode.REAL_TIME_DEBIT: Both("数字人民币实时扣税", "Real-time debit in e-CNY"),
    PaymentMode.BATCH_DEBIT: Both("数字人民币批量扣税", "Batch debit in e-CNY"),
    PaymentMode.SCAN_TO_PAY: Both("数字人民币扫码缴税", "Scan to pay in e-CNY"),
    PaymentMode.OFFLINE: Both("数字人民币离线凭证兑付", "Redeemed from an offline voucher in e-CNY"),
    PaymentMode.SET_OFF: Both("以应退税款抵缴", "Set off against a tax refund"),
}
_STATUS = {
    PaymentStatus.SETTLED: Both("已缴款", "Settled"),
    PaymentStatus.REVERSED: Both("已冲正", "Reversed"),
}
_COLUMNS = (
    Both("税种", "Tax"),
    Both("税目", "Item"),
    Both("预算级次", "Budget level"),
    Both("预算科目", "Budget subject"),
    Both("所属期", "Period"),
    Both("金额", "Amount"),
)


def payment_of(tx: Transaction, receipt_no: str) -> Payment:
    """The payment of a receipt; raises ``NotFoundError`` (``receipt_not_found``)."""
    payment = rows.payment_of_receipt(tx, receipt_no)
    if payment is None:
        raise NotFoundError("receipt_not_found", receipt_no=receipt_no)
    return payment


def receipt(tx: Transaction, keyring: Keyring, receipt_no: str) -> Receipt:
    """Put the receipt together from the records it is about."""
    payment = payment_of(tx, receipt_no)
    bill = bills.load(tx, payment.bill_no)
    wallet = wallets.load(tx, payment.wallet_id)
    taxpayer = parties.open_identity(tx, keyring, bill.identity_id)
    payer_id = rows.payer_id(tx, payment.payment_no)
    payer = parties.open_identity(tx, keyring, payer_id) if payer_id else None
    office = parties.tax_authority(tx, bill.authority)
    receiving = parties.treasury(tx, office.treasury or "")
    operator = parties.operator(tx, wallet.operator)
    remark = REMARKS[payment.mode]
    return Receipt(
        receipt_no=payment.receipt_no,
        payment_no=payment.payment_no,
        mode=payment.mode,
        status=payment.status,
        taxpayer_id=taxpayer.shown_id_number,
        taxpayer_name=taxpayer.shown_name,
        authority=office.code,
        authority_name=office.name_zh,
        authority_name_en=office.name_en,
        treasury=receiving.code,
        treasury_name=receiving.name_zh,
        treasury_name_en=receiving.name_en,
        operator=operator.code,
        operator_name=operator.name_zh,
        operator_name_en=operator.name_en,
        wallet_id=wallet.wallet_id,
        payer_name=payer.shown_name if payer else "",
        amount=payment.amount,
        amount_in_capitals=capital_numerals(payment.amount),
        lines=_lines(tx, bill, payment),
        paid_at=payment.settled_at,
        reversed_at=payment.reversed_at,
        print_count=rows.print_count(tx, payment.payment_no),
        remark=remark.zh,
        remark_en=remark.en,
        steps=_steps(tx, bill, payment),
    )


def _steps(tx: Transaction, bill: Bill, payment: Payment) -> tuple[Step, ...]:
    """How the tax was computed, and the late fee on it."""
    steps = bills.steps(tx, bill.bill_no)
    if not payment.late_fee:
        return steps
    days = (payment.settled_at.date() - bill.due_date).days
    citation = tx.rulebook.on(payment.settled_at.date()).taxes.late_fee_citation
    late = Step(f"Late fee of {days} days", f"滞纳 {days} 天", payment.late_fee, citation)
    return (*steps, late)


def _lines(tx: Transaction, bill: Bill, payment: Payment) -> tuple[ReceiptLine, ...]:
    """One line for each budget level that shares the tax, and again for the late fee."""
    rules = tx.rulebook.on(payment.settled_at.date()).taxes
    tax = rules.collection_item(bill.code)
    item, receiving = item_name(tx, bill), parties.tax_authority(tx, bill.authority).treasury or ""
    parts = (
        (Both(tax.name_zh, tax.name_en), Fen(payment.amount - payment.late_fee)),
        (Both(f"{tax.name_zh}滞纳金", f"{tax.name_en}: late fee"), payment.late_fee),
    )
    return tuple(
        ReceiptLine(
            tax=name.zh,
            tax_en=name.en,
            item=bill.item,
            item_name=item.zh,
            item_name_en=item.en,
            budget_level=level,
            budget_subject=tax.budget_subject_zh,
            budget_subject_en=tax.budget_subject_en,
            period_start=bill.period_start,
            period_end=bill.period_end,
            amount=share,
        )
        for name, amount in parts
        for level, share in shares(rules, receiving, bill.code, bill.item, amount).items()
        if share
    )


def signed(tx: Transaction, keyring: Keyring, receipt: Receipt) -> bytes:
    """The receipt signed by its treasury, with proofs that the ledger has what moved the money.

    Raises ``VerificationError`` (``transfer_not_sealed``) and ``RejectedError`` (``receipt_too_large``).
    """
    from ecny_tax.payments import signing
    from ecny_tax.payments.receipt_form import content_of
    from ecny_tax.store import log

    return signing.sign(
        keyring,
        receipt.treasury,
        signing.Kind.PAYMENT,
        issued_at=tx.now,
        content=content_of(receipt),
        steps=receipt.steps,
        proofs=[log.prove(tx, transfer_id) for transfer_id in rows.transfers_of(tx, receipt.payment_no)],
    )


def item_name(tx: Transaction, bill: Bill) -> Both:
    """The tax item (税目) of a bill in words, empty where the tax has none."""
    if bill.item is None or bill.code != STAMP_DUTY_CODE:
        return Both(bill.item or "", bill.item or "")
    for day in (bill.period_start, bill.period_end):  # a rule may begin or lapse within the period
        for rate in tx.rulebook.on(day).stamp_duty.rates():
            if rate.code == bill.item:
                return Both(rate.name_zh, rate.name_en)
    return Both(bill.item, bill.item)


def paper(receipt: Receipt) -> Paper:
    """What is printed of a receipt."""
    authority = Both(receipt.authority_name, receipt.authority_name_en)
    treasury = Both(receipt.treasury_name, receipt.treasury_name_en)
    operator = Both(receipt.operator_name, receipt.operator_name_en)
    return Paper(
        title=Both("电子缴款凭证", "Electronic payment voucher (电子缴款凭证)"),
        notice=_notice(receipt),
        fields=(
            (Both("电子税票号", "E-tax voucher number"), (receipt.receipt_no,)),
            (Both("缴款日期", "Payment date"), moment(receipt.paid_at)),
            (Both("纳税人识别号", "Taxpayer id"), identified(receipt.taxpayer_id)),
            (Both("纳税人名称", "Taxpayer name"), identified(receipt.taxpayer_name)),
            (Both("税务机关", "Tax authority"), coded(authority, receipt.authority)),
            (Both("收款国库", "Receiving treasury"), coded(treasury, receipt.treasury)),
            (Both("付款运营机构", "Paying operator"), coded(operator, receipt.operator)),
            (Both("付款钱包", "Paying wallet"), (receipt.wallet_id,)),
            (Both("付款人名称", "Payer name"), holder(receipt.payer_name)),
            *amount_fields(receipt.amount),
            (Both("状态", "Status"), (_STATUS[receipt.status],)),
            (Both("打印次数", "Print count"), (str(receipt.print_count),)),
            (Both("备注", "Remark"), (Both(receipt.remark, receipt.remark_en),)),
        ),
        columns=_COLUMNS,
        lines=tuple(_printed(line) for line in receipt.lines),
    )


def _notice(receipt: Receipt) -> Text:
    if receipt.status is not PaymentStatus.REVERSED or receipt.reversed_at is None:
        return ""
    at = f"{receipt.reversed_at:%Y-%m-%d %H:%M:%S}"
    return Both(f"本笔缴款已于 {at} 冲正，本凭证作废", f"REVERSED on {at}: this payment counts no more")


def _printed(line: ReceiptLine) -> tuple[Text, ...]:
    return (
        Both(line.tax, line.tax_en),
        Both(line.item_name, line.item_name_en),
        LEVELS[line.budget_level],
        Both(line.budget_subject, line.budget_subject_en),
        Both(f"{line.period_start} 至 {line.period_end}", f"{line.period_start} to {line.period_end}"),
        yuan_text(line.amount, grouped=True),
    )
