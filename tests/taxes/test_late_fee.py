"""The late fee and the interest on an overpayment."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import MAX_AMOUNT, NOTHING, Fen, yuan
from ecny_tax.taxes.interest import overpayment_interest
from ecny_tax.taxes.late_fee import MAX_DAYS, days_late, late_fee, late_fee_by
from tests.taxes.worked_cases import cases

RULES = rulebook.on(date(2025, 1, 1)).taxes
amounts = st.integers(0, MAX_AMOUNT).map(Fen)


@pytest.mark.parametrize(("inputs", "expected"), cases("late_fee"))
def test_worked_case_of_the_late_fee(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    fee = late_fee(yuan(inputs["tax"]), days=inputs["days"], rate=RULES.late_fee.rate)
    assert fee == yuan(expected["fee"])


@pytest.mark.parametrize(
    ("tax", "days", "fee"),
    [
        ("17000", 0, "0"),
        ("17000", 1, "8.50"),
        ("10", 1, "0.01"),  # half a fen goes up
        ("9.99", 1, "0"),
        ("17000", 2_000, "17000"),  # simple: it may reach the tax, and bears no fee itself
        ("17000", 4_000, "34000"),
    ],
)
def test_the_late_fee_by_hand(tax: str, days: int, fee: str) -> None:
    assert late_fee(yuan(tax), days=days, rate=RULES.late_fee.rate) == yuan(fee)


@given(tax=amounts, days=st.integers(0, MAX_DAYS))
def test_a_bill_bears_the_late_fee_of_the_day(tax: Fen, days: int) -> None:
    assert late_fee_by(RULES, tax, days) == late_fee(tax, days=days, rate=RULES.late_fee.rate)


def test_a_bill_bears_no_late_fee_where_no_rule_knows_of_one() -> None:
    assert late_fee_by(rulebook.on(date(1980, 1, 1)).taxes, yuan("17000"), 10) == NOTHING


def test_days_count_from_the_day_after_the_deadline() -> None:
    deadline = date(2023, 4, 17)
    assert [days_late(deadline, date(2023, 4, day)) for day in (1, 17, 18, 30)] == [0, 0, 1, 13]
    assert days_late(date(2024, 2, 28), date(2024, 3, 1)) == 2


@pytest.mark.parametrize(
    ("amount", "days", "interest"),
    # 0.35 % a year of 360 days
    [("17000", 360, "59.50"), ("17000", 30, "4.96"), ("100", 1, "0"), ("1000000", 1, "9.72"), ("1", 0, "0")],
)
def test_interest_by_hand(amount: str, days: int, interest: str) -> None:
    found = overpayment_interest(yuan(amount), days=days, rate=RULES.deposit_interest.rate)
    assert found == yuan(interest)


@given(amount=amounts, days=st.integers(0, MAX_DAYS))
def test_both_are_exact_to_half_a_fen(amount: Fen, days: int) -> None:
    fee = late_fee(amount, days=days, rate=RULES.late_fee.rate)
    assert abs(fee - Fraction(amount * 5 * days, 10_000)) <= Fraction(1, 2)
    interest = overpayment_interest(amount, days=days, rate=RULES.deposit_interest.rate)
    assert abs(interest - Fraction(amount * 35 * days, 10_000 * 360)) <= Fraction(1, 2)


@pytest.mark.parametrize("compute", [late_fee, overpayment_interest])
@pytest.mark.parametrize(
    ("amount", "days"),
    [(-1, 1), (1.0, 1), (MAX_AMOUNT + 1, 1), (1, -1), (1, 1.0), (1, True), (1, MAX_DAYS + 1)],
)
def test_what_is_refused(compute: Any, amount: Any, days: Any) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        compute(amount, days=days, rate=Fraction("0.0005"))
    assert refusal.value.code == "input_value_malformed"
    assert refusal.value.message("zh")
