"""Late fees as a line of the bill, deadlines that move on, interest on what was paid too much."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, Sandbox, yuan
from ecny_tax.clock import BEIJING
from tests.support import START, balance, corporate, owe, refused

DUE = date(2023, 5, 15)  # fifteen days after April 2023


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=BEIJING)


@given(amount=st.integers(1, 10**12), days=st.integers(-20, 1_000))
def test_from_the_day_after_the_deadline_the_late_fee_is_five_in_ten_thousand_a_day(
    amount: int, days: int
) -> None:
    with Sandbox.open(clock=FixedClock(START)) as s:
        wallet = corporate(s, fund=Fen(10**13))
        bill = owe(s, wallet, amount)
        assert (bill.due_date, bill.late_fee, bill.total) == (DUE, 0, amount)
        assert [(line.kind, line.amount) for line in bill.lines] == [("tax", amount)]
        s.clock.set(at(DUE + timedelta(days=days)))
        late = (amount * 5 * max(0, days) * 2 + 10_000) // 20_000
        bill = s.taxes.bill(bill_no=bill.bill_no)
        assert (bill.amount, bill.late_fee, bill.total) == (amount, late, amount + late)
        assert sum(line.amount for line in bill.lines) == bill.total
        paid = s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
        assert (paid.amount, paid.late_fee, paid.fee) == (amount + late, late, 0)
        assert balance(s, wallet) == 10**13 - amount - late
        receipt = s.payments.receipt(receipt_no=paid.receipt_no)
        assert sum(line.amount for line in receipt.lines) == amount + late
        assert sum(line.amount for line in receipt.lines if "滞纳金" in line.tax) == late
        s.clock.advance(timedelta(days=30))
        assert s.taxes.bill(bill_no=bill.bill_no).late_fee == late  # as it was paid
        assert s.ledger.verify().ok
        assert s.payments.check_authorisations().ok


def test_a_reversed_bill_goes_on_ageing(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=yuan(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    bill = owe(sandbox, wallet, 100_00)
    sandbox.clock.set(at(DUE + timedelta(days=10)))
    paid = sandbox.payments.pay(bill_no=bill.bill_no)
    assert paid.late_fee == 50
    back = sandbox.payments.reverse(payment_no=paid.payment_no)
    assert (back.status, balance(sandbox, wallet)) == ("reversed", yuan(1_000))
    sandbox.clock.advance(timedelta(days=10))
    again = sandbox.payments.pay(bill_no=bill.bill_no)
    assert (again.late_fee, again.amount) == (1_00, 101_00)


def test_the_funds_must_cover_the_late_fee_too(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(100_00))
    bill = owe(sandbox, wallet, 100_00)
    sandbox.clock.set(at(DUE + timedelta(days=10)))
    with refused(sandbox, "insufficient_funds"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_a_deadline_moves_on_from_the_holidays_of_a_calendar_that_is_given(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.toml"
    calendar.write_text(
        '[[holidays]]\nname_zh = "虚构假日"\nname_en = "Made-up holiday"\n'
        'days = [2023-05-15, 2023-05-16]\ncitation = "made up"\nevidence = "assumption"\n'
        '[[working_days]]\nname_zh = "调休"\nname_en = "Worked"\n'
        'days = [2023-07-15]\ncitation = "made up"\nevidence = "assumption"\n',
        "utf-8",
    )
    for rulebook, month, quarter in (
        (None, date(2023, 5, 15), date(2023, 7, 17)),  # 15 July 2023 is a Saturday
        (calendar, date(2023, 5, 17), date(2023, 7, 15)),
    ):
        with Sandbox.open(clock=FixedClock(START), rulebook=rulebook) as s:
            wallet = corporate(s)
            assert owe(s, wallet, 1).due_date == month
            duty = s.taxes.declare_stamp_duty(
                wallet_id=wallet.wallet_id, item="sale_contract", base=yuan(10_000)
            )
            assert duty.due_date == quarter


@pytest.mark.parametrize(
    ("reason", "days", "interest"),
    [
        ("overpaid", 360, 35_00),
        ("paid_in_error", 360, 35_00),
        ("paid_in_error", 0, 0),
        ("overpaid", 1, 10),
        ("relief_granted", 360, 0),
        ("other", 360, 0),
    ],
)
def test_i8_an_overpayment_that_the_taxpayer_found_bears_interest_on_top(
    sandbox: Sandbox, reason: str, days: int, interest: int
) -> None:
    wallet = corporate(sandbox, fund=yuan(10_000))
    paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 10_000_00).bill_no, wallet_id=wallet.wallet_id)
    sandbox.clock.advance(timedelta(days=days))
    refund = sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, reason=reason)
    assert (refund.amount, refund.interest, refund.status) == (10_000_00, interest, "completed")
    assert refund.balance_after == balance(sandbox, wallet) == 10_000_00 + interest
    voucher = sandbox.refunds.voucher(refund_no=refund.refund_no)
    assert (voucher.interest, voucher.credited) == (interest, 10_000_00 + interest)
    assert sum(line.amount for line in voucher.lines) == 10_000_00


@pytest.mark.parametrize(
    ("code", "place", "amount"),
    [
        ("10109", "city", 7_00),
        ("10109", "town", 5_00),
        ("10109", "other", 1_00),
        ("30203", "city", 3_00),
        ("30216", "other", 2_00),
    ],
)
def test_a_surcharge_is_computed_from_the_tax_that_was_paid(
    sandbox: Sandbox, code: str, place: str, amount: int
) -> None:
    wallet = corporate(sandbox)
    bill = sandbox.taxes.declare_surcharge(wallet_id=wallet.wallet_id, code=code, paid=yuan(100), place=place)
    assert (bill.amount, bill.base, bill.code, bill.evidence) == (amount, yuan(100), code, "unverified")
    quotes = {quote.code: quote.tax for quote in sandbox.taxes.quote_surcharges(paid=yuan(100), place=place)}
    assert quotes[code] == amount


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"code": "10101"}, "surcharge_unknown"),
        ({"code": "10109", "place": "moon"}, "surcharge_place_unknown"),
    ],
)
def test_an_unknown_surcharge_or_place_is_refused(
    sandbox: Sandbox, asked: dict[str, str], refusal: str
) -> None:
    wallet = corporate(sandbox)
    with refused(sandbox, refusal):
        sandbox.taxes.declare_surcharge(wallet_id=wallet.wallet_id, paid=yuan(100), **asked)
