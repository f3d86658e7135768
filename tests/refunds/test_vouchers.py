"""The revenue refund voucher: every printed field, of both kinds of refund, once it is completed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import FixedClock, Sandbox, capital_numerals, rulebook
from ecny_tax.errors import Language
from ecny_tax.ledger.chart import LEVELS
from ecny_tax.money import Fen
from ecny_tax.payments.printing import as_html, as_text
from ecny_tax.refunds import vouchers
from ecny_tax.refunds.vouchers import RefundVoucher
from tests.support import (
    AUTHORITY,
    START,
    company_id,
    company_name,
    corporate,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    refund_of,
    refused,
)

LANGUAGES: tuple[Language, ...] = ("en", "zh")
REASONS = rulebook.on(START.date()).scheme.refund_reasons


def settled(s: Sandbox, amount: int = 720_00, **wishes: object) -> RefundVoucher:
    """The voucher of a settlement refund of the made-up person."""
    wallet = personal(s, operator="BOC", **wishes)
    refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(amount))
    return s.refunds.voucher(refund_no=refund.refund_no)


def test_a_settlement_refund_prints_everything(sandbox: Sandbox) -> None:
    voucher = settled(sandbox)
    (refund,) = sandbox.refunds.list()
    assert (voucher.refund_no, voucher.status, voucher.kind) == (refund.refund_no, "completed", refund.kind)
    assert (voucher.kind_name, voucher.kind_name_en) == ("汇算清缴退税", "Annual settlement refund")
    assert (voucher.reason, voucher.reason_name) == ("annual_settlement", "汇算清缴应退税款")
    assert (voucher.tax_year, voucher.payment_no) == (2022, None)
    assert (voucher.taxpayer_id, voucher.taxpayer_name) == (person_id(), person_name())
    assert (voucher.authority, voucher.treasury, voucher.operator) == (AUTHORITY, "1907840000", "BOC")
    assert (voucher.operator_name, voucher.operator_name_en) == ("中国银行", "Bank of China")
    assert (voucher.wallet_id, voucher.payee_name) == (refund.wallet_id, person_name())
    assert (voucher.amount, voucher.amount_in_capitals) == (720_00, "柒佰贰拾元整")
    assert (voucher.set_off, voucher.credited) == (0, 720_00)
    assert (voucher.applied_at, voucher.completed_at) == (START, START)
    assert [(line.budget_level, line.amount) for line in voucher.lines] == [
        ("central", 432_00), ("province", 86_40), ("city", 57_60), ("county", 144_00),
    ]  # fmt: skip
    for line in voucher.lines:
        assert (line.tax, line.tax_en) == ("个人所得税", "Individual income tax")
        assert line.budget_subject_en == "Tax revenue: individual income tax"


FIELDS = {
    "zh": {
        "申请日期": "2023-04-20 10:00:00（北京时间）",
        "退库日期": "2023-04-20 10:00:00（北京时间）",
        "退税类型": "误收多缴退税",
        "退税原因": "多缴（overpaid）",
        "纳税人识别号": company_id(),
        "纳税人名称": company_name(),
        "税务机关": "国家税务总局鹤山市税务局（14407840000）",
        "退款国库": "国家金库鹤山市支库（1907840000）",
        "收款运营机构": "中国工商银行（ICBC）",
        "收款人名称": company_name(),
        "金额（小写）": "¥400.00",
        "金额（大写）": "人民币肆佰元整",
    },
    "en": {
        "Application date": "2023-04-20 10:00:00 (Beijing time)",
        "Refund date": "2023-04-20 10:00:00 (Beijing time)",
        "Refund type": "Refund of a payment",
        "Reason": "Overpaid (overpaid)",
        "Taxpayer id": company_id(),
        "Taxpayer name": company_name(),
        "Tax authority": "Heshan Tax Service, State Taxation Administration (14407840000)",
        "Paying treasury": "State Treasury, Heshan sub-treasury (1907840000)",
        "Payee's operator": "Industrial and Commercial Bank of China (ICBC)",
        "Payee name": company_name(),
        "Amount": "¥400.00",
        "Amount in capitals": "人民币肆佰元整",
    },
}
LINES = {
    "zh": ("房产税", "省", "税收收入—房产税", "120.00"),
    "en": ("Real estate tax", "Province", "Tax revenue: real estate tax", "120.00"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_field_stands_in_text_and_html(sandbox: Sandbox, language: Language) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000_00))
    payment = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 1_000_00).bill_no, wallet_id=wallet.wallet_id)
    refund = sandbox.refunds.apply_for_payment(
        payment_no=payment.payment_no, amount=Fen(400_00), reason="overpaid"
    )
    paper = vouchers.paper(sandbox.refunds.voucher(refund_no=refund.refund_no))
    text, html = as_text(paper, language), as_html(paper, language).replace("&#x27;", "'")
    joined = re.sub(r"\n {4,}", " ", text)
    for label, value in FIELDS[language].items():
        assert re.search(rf"^{re.escape(label)} +{re.escape(value)}$", joined, re.MULTILINE), label
        assert f"<dt>{label}</dt><dd>{value}</dd>" in html
    for value in (refund.refund_no, wallet.wallet_id, payment.payment_no, *LINES[language]):
        assert value in text
        assert value in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_set_off_is_told_apart_from_what_reached_the_wallet(sandbox: Sandbox, language: Language) -> None:
    wallet = personal(sandbox)
    owe(sandbox, wallet, 200_00)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(720_00))
    voucher = sandbox.refunds.voucher(refund_no=refund.refund_no)
    assert (voucher.amount, voucher.set_off, voucher.credited) == (720_00, 200_00, 520_00)
    html = as_html(vouchers.paper(voucher), language)
    assert "<dd>¥200.00</dd>" in html
    assert "<dd>¥520.00</dd>" in html
    assert "¥0.00" not in as_text(vouchers.paper(settled_of_another(sandbox)), language)


def settled_of_another(s: Sandbox) -> RefundVoucher:
    wallet = personal(s, 2)
    refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(1_00))
    return s.refunds.voucher(refund_no=refund.refund_no)


def test_who_paid_for_another_is_the_payee_and_not_the_taxpayer(sandbox: Sandbox) -> None:
    bill = owe(sandbox, corporate(sandbox), 100)
    payer = nameless(sandbox, fund=Fen(100))
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=payer.wallet_id)
    refund = sandbox.refunds.apply_for_payment(payment_no=payment.payment_no)
    voucher = sandbox.refunds.voucher(refund_no=refund.refund_no)
    assert (voucher.taxpayer_id, voucher.taxpayer_name) == (company_id(), company_name())
    assert (voucher.wallet_id, voucher.payee_name) == (payer.wallet_id, "")
    assert "(nameless wallet)" in as_text(vouchers.paper(voucher), "en")


def test_a_refund_that_is_not_completed_has_no_voucher(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox)
    applied = {"wallet_id": wallet.wallet_id, "annual_return": refund_of(720_00), "manual_review": True}
    first = sandbox.refunds.apply_for_income_tax(**applied)  # type: ignore[arg-type]
    with refused(sandbox, "refund_not_completed", refund_no=first.refund_no, state="tax_review"):
        sandbox.refunds.voucher(refund_no=first.refund_no)
    sandbox.refunds.reject(refund_no=first.refund_no)
    with refused(sandbox, "refund_not_completed", state="tax_refused"):
        sandbox.refunds.voucher(refund_no=first.refund_no)
    second = sandbox.refunds.apply_for_income_tax(**applied)  # type: ignore[arg-type]
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    sandbox.refunds.approve(refund_no=second.refund_no)
    with refused(sandbox, "refund_not_completed", state="treasury_failed"):
        sandbox.refunds.voucher(refund_no=second.refund_no)
    with refused(sandbox, "refund_not_found"):
        sandbox.refunds.voucher(refund_no="R0")


def test_a_credit_that_worked_the_second_time_is_dated_by_the_second_time(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(5_00), manual_review=True
    )
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    sandbox.refunds.approve(refund_no=refund.refund_no)
    later = clock.advance(timedelta(days=1))
    other = personal(sandbox, operator="CCB")
    sandbox.refunds.resubmit(refund_no=refund.refund_no, wallet_id=other.wallet_id)
    voucher = sandbox.refunds.voucher(refund_no=refund.refund_no)
    assert (voucher.applied_at, voucher.completed_at) == (START, later)
    assert (voucher.operator, voucher.wallet_id) == ("CCB", other.wallet_id)


@given(st.integers(1, 10**9), st.sampled_from(sorted(REASONS)), st.data())
def test_lines_add_up_to_the_amount_of_any_part_of_any_payment(
    paid: int, reason: str, data: st.DataObject
) -> None:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="vouchers") as s:
        wallet = corporate(s, fund=Fen(paid))
        bill = owe(s, wallet, paid, code=data.draw(st.sampled_from(["10101", "10110", "30203", "10116"])))
        payment = s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
        amount = data.draw(st.integers(1, paid))
        refund = s.refunds.apply_for_payment(payment_no=payment.payment_no, amount=Fen(amount), reason=reason)
        voucher = s.refunds.voucher(refund_no=refund.refund_no)
        assert sum(line.amount for line in voucher.lines) == amount == voucher.credited
        assert 1 <= len(voucher.lines) <= 10
        levels = [line.budget_level for line in voucher.lines]
        assert levels == [level for level in LEVELS if level in levels]
        assert all(line.amount > 0 for line in voucher.lines)
        assert voucher.amount_in_capitals == capital_numerals(Fen(amount))
        assert voucher.reason_name == REASONS[reason].name_zh
