"""A yearly bonus taxed apart: the worked cases, comparing, and the traps at the bounds."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, round_half_up, yuan
from ecny_tax.rulebook.book import Rulebook
from ecny_tax.taxes.bonus import bonus_tax, bonus_trap_upper, compare_bonus
from ecny_tax.taxes.income_tax import annual_tax
from tests.taxes.worked_cases import cases

amounts = st.one_of(st.integers(0, 200_000_000), st.integers(0, MAX_AMOUNT)).map(Fen)

# Where each trap starts and ends, by hand: net(start) = rate' × end − quick', solved for the end.
TRAPS = [
    ("36000", "38566.67"),
    ("144000", "160500"),
    ("300000", "318333.33"),  # 318,333.33⅓, where the rounded tax leaves as much a fen earlier
    ("420000", "447500"),
    ("660000", "706538.46"),
    ("960000", "1120000"),
]


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.bonus_separate"))
def test_worked_case_of_a_bonus_taxed_apart(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    assert bonus_tax(yuan(inputs["bonus"]), tax_year=inputs["tax_year"]) == yuan(expected["tax"])


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.bonus_compare"))
def test_worked_case_of_comparing(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    found = compare_bonus(
        yuan(inputs["bonus"]),
        other_taxable_income=yuan(inputs["other_taxable_income"]),
        tax_year=inputs["tax_year"],
    )
    for key, value in expected.items():
        assert getattr(found, key) == (value if key == "better" else yuan(value)), key


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.bonus_trap_upper"))
def test_worked_case_of_a_trap(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    assert bonus_trap_upper(yuan(inputs["lower"]), tax_year=2025) == yuan(expected["upper"])


@given(bonus=amounts)
def test_a_bonus_is_taxed_whole_at_the_rate_of_its_twelfth(bonus: Fen) -> None:
    lines = rulebook.on(date(2022, 12, 31)).income_tax.monthly_brackets.brackets
    line = next(line for line in lines if line.up_to is None or Fraction(bonus, 12) <= line.up_to)
    assert bonus_tax(bonus, tax_year=2022) == round_half_up(bonus * line.rate - line.quick_deduction)


@given(bonus=amounts, other=amounts)
def test_comparing_is_arithmetic_on_the_three_taxes(bonus: Fen, other: Fen) -> None:
    found = compare_bonus(bonus, other_taxable_income=other, tax_year=2025)
    assert found.tax_separate == bonus_tax(bonus, tax_year=2025)
    assert found.tax_without_bonus == annual_tax(other, tax_year=2025)
    apart = found.tax_separate + found.tax_without_bonus
    assert found.saving == abs(apart - found.tax_merged_total)
    assert {
        "separate": apart < found.tax_merged_total,
        "merge": apart > found.tax_merged_total,
        "equal": apart == found.tax_merged_total,
    }[found.better]
    assert "第30号" in found.citation


@pytest.mark.parametrize(("lower", "upper"), TRAPS)
def test_every_trap_by_hand(lower: str, upper: str) -> None:
    def net(bonus: int) -> int:
        return bonus - bonus_tax(Fen(bonus), tax_year=2025)

    start, end = yuan(lower), bonus_trap_upper(yuan(lower), tax_year=2025)
    assert end == yuan(upper)
    assert net(end) >= net(start) > net(end - 1)
    assert net(start + 1) < net(start)


@pytest.mark.parametrize(("lower", "_upper"), TRAPS)
@given(data=st.data())
def test_inside_a_trap_every_bonus_leaves_less(lower: str, _upper: str, data: st.DataObject) -> None:
    start, end = yuan(lower), bonus_trap_upper(yuan(lower), tax_year=2025)
    inside = data.draw(st.integers(start + 1, end - 1))
    net = inside - bonus_tax(Fen(inside), tax_year=2025)
    assert net < start - bonus_tax(start, tax_year=2025)


def test_a_trap_can_reach_over_a_bracket_or_without_end() -> None:
    def brackets(rate: str) -> list[dict[str, str]]:
        # 12 × 1 yuan and 12 × 2 yuan are the bounds
        return [
            {"up_to": "1", "rate": "0", "quick_deduction": "0"},
            {"up_to": "2", "rate": "0.9", "quick_deduction": "0.90"},
            {"rate": rate, "quick_deduction": {"0.95": "1.00", "1": "1.10"}[rate]},
        ]

    def book(rate: str) -> Rulebook:
        document = dict(rulebook.PACKAGE.document("income_tax"))
        table = dict(document["monthly_brackets"][0], brackets=brackets(rate))
        return Rulebook({"income_tax": document | {"monthly_brackets": [table]}})

    # 12 yuan untaxed leave 12; so do 5 % and 1 yuan of 220, or 9 fen earlier as the tax is rounded
    assert bonus_trap_upper(yuan(12), tax_year=2025, book=book("0.95")) == yuan("219.91")
    with pytest.raises(InvalidInputError) as refusal:
        bonus_trap_upper(yuan(12), tax_year=2025, book=book("1"))
    assert refusal.value.code == "amount_too_large"


@pytest.mark.parametrize(
    ("compute", "kind", "code"),
    [
        (lambda: bonus_tax(Fen(-1), tax_year=2025), InvalidInputError, "input_value_malformed"),
        (lambda: bonus_tax(Fen(1), tax_year=2018), InvalidInputError, "input_value_malformed"),
        (lambda: bonus_tax(Fen(1), tax_year=2028), RejectedError, "bonus_mode_not_in_force"),
        (
            lambda: compare_bonus(Fen(1), other_taxable_income=Fen(-1), tax_year=2025),
            InvalidInputError,
            "input_value_malformed",
        ),
        (
            lambda: compare_bonus(Fen(1), other_taxable_income=Fen(1), tax_year=2028),
            RejectedError,
            "bonus_mode_not_in_force",
        ),
        (lambda: bonus_trap_upper(yuan(36_001), tax_year=2025), InvalidInputError, "bonus_trap_unknown"),
        (lambda: bonus_trap_upper(Fen(-1), tax_year=2025), InvalidInputError, "input_value_malformed"),
        (lambda: bonus_trap_upper(yuan(36_000), tax_year=2028), RejectedError, "bonus_mode_not_in_force"),
    ],
)
def test_what_is_refused_about_a_bonus(compute: Any, kind: type[EcnyTaxError], code: str) -> None:
    with pytest.raises(EcnyTaxError) as refusal:
        compute()
    assert (type(refusal.value), refusal.value.code) == (kind, code)
    assert refusal.value.message("zh")
    assert refusal.value.hint


def test_the_traps_that_there_are_are_told() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        bonus_trap_upper(Fen(0), tax_year=2025)
    assert all(f"{lower}.00" in refusal.value.hint for lower, _ in TRAPS)
