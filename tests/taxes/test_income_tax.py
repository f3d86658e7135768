"""Income tax of a year: the worked cases, the arithmetic, and what is refused."""

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, round_half_up, yuan
from ecny_tax.taxes import income_tax
from ecny_tax.taxes.income_tax import AnnualReturn, settle

CASES = json.loads((Path(__file__).parents[1] / "cases/tax-cases.json").read_text("utf-8"))

amounts = st.one_of(st.integers(0, 200_000_000), st.integers(0, MAX_AMOUNT)).map(Fen)
years = st.integers(income_tax.FIRST_YEAR, income_tax.LAST_YEAR)


def cases(kind: str) -> list[Any]:
    found = [
        pytest.param(case["inputs"], case["expected"], id=case["id"])
        for case in CASES
        if case["kind"] == kind
    ]
    assert found, f"no worked case of the kind {kind}"
    return found


def annual_return(inputs: dict[str, Any]) -> AnnualReturn:
    return AnnualReturn(
        **{key: yuan(value) if key in income_tax.AMOUNTS else value for key, value in inputs.items()}
    )


# --- worked cases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.annual_tax"))
def test_worked_case_of_the_annual_tax(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    tax = income_tax.annual_tax(yuan(inputs["taxable_income"]), tax_year=inputs["tax_year"])
    assert tax == yuan(expected["tax"])


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.bonus_separate"))
def test_worked_case_of_a_bonus_taxed_apart(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    tax = income_tax.bonus_tax(yuan(inputs["bonus"]), tax_year=inputs["tax_year"])
    assert tax == yuan(expected["tax"])


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.medical_deduction"))
def test_worked_case_of_serious_illness(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    deduction = income_tax.medical_deduction(yuan(inputs["self_pay"]), tax_year=inputs["tax_year"])
    assert deduction == yuan(expected["deduction"])


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.settlement"))
def test_worked_case_of_a_settlement(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    settlement = settle(annual_return(inputs))
    found = {key: getattr(settlement, key) for key in expected}
    assert found == {key: yuan(value) for key, value in expected.items()}


# --- the arithmetic -----------------------------------------------------------------------------------


@given(taxable=amounts, tax_year=years)
def test_the_bracket_search_equals_the_highest_of_all_lines(taxable: Fen, tax_year: int) -> None:
    lines = rulebook.on(date(tax_year, 12, 31)).income_tax.annual_brackets.brackets
    highest = max(taxable * line.rate - line.quick_deduction for line in lines)
    assert income_tax.annual_tax(taxable, tax_year=tax_year) == round_half_up(Fraction(highest))


@given(one=amounts, other=amounts)
def test_the_annual_tax_is_monotone_and_never_takes_more_than_45_percent(one: Fen, other: Fen) -> None:
    low, high = sorted((one, other))
    tax_low, tax_high = (income_tax.annual_tax(Fen(amount), tax_year=2022) for amount in (low, high))
    assert 0 <= tax_low <= tax_high
    assert tax_high - tax_low <= round_half_up(Fraction(45, 100) * (high - low)) + 1


@pytest.mark.parametrize("bound", [36_000, 144_000, 300_000, 420_000, 660_000, 960_000])
def test_the_annual_tax_has_no_jump_at_a_bracket(bound: int) -> None:
    at, after = (income_tax.annual_tax(Fen(bound * 100 + step), tax_year=2022) for step in (0, 1))
    assert 0 <= after - at <= 1


@given(bonus=amounts)
def test_a_bonus_is_taxed_whole_at_the_rate_of_its_twelfth(bonus: Fen) -> None:
    lines = rulebook.on(date(2022, 12, 31)).income_tax.monthly_brackets.brackets
    line = next(line for line in lines if line.up_to is None or Fraction(bonus, 12) <= line.up_to)
    exact = bonus * line.rate - line.quick_deduction
    assert income_tax.bonus_tax(bonus, tax_year=2022) == round_half_up(exact)


@given(self_pay=amounts, tax_year=years)
def test_the_medical_deduction_stays_within_its_cap(self_pay: Fen, tax_year: int) -> None:
    deduction = income_tax.medical_deduction(self_pay, tax_year=tax_year)
    assert 0 <= deduction <= min(self_pay, yuan(80_000))


returns = st.builds(
    AnnualReturn,
    tax_year=st.integers(2022, 2027),
    **dict.fromkeys(("wages", "labour", "author", "royalty", "social", "sad", "medical_self_pay"), amounts),
    personal_pension=st.integers(0, 1_200_000).map(Fen),
    bonus=amounts,
    bonus_mode=st.sampled_from(["merge", "separate"]),
    withheld=amounts,
)


@given(returns)
def test_a_settlement_balances(given_: AnnualReturn) -> None:
    found = settle(given_)
    assert found.tax_total == found.tax + found.bonus_tax
    assert found.withheld == found.tax_total + found.refund - found.due
    assert min(found.refund, found.due) == 0 <= found.taxable <= found.income_amount
    assert found.increment is None
    assert found.citation
    assert found.evidence in rulebook.EVIDENCE


@given(returns, st.sampled_from(income_tax.DEDUCTIONS[:3]), amounts)
def test_a_deduction_never_raises_the_tax(given_: AnnualReturn, key: str, amount: Fen) -> None:
    more = replace(given_, **{key: Fen(min(MAX_AMOUNT, getattr(given_, key) + amount))})
    assert settle(more).tax_total <= settle(given_).tax_total


@given(base=amounts, labour=st.integers(1, MAX_AMOUNT).map(Fen))
def test_the_increment_is_what_one_more_income_adds(base: Fen, labour: Fen) -> None:
    found = settle(AnnualReturn(tax_year=2022, base_taxable=base, labour=labour))
    assert found.taxable == base + found.income_amount
    assert found.increment == found.tax - income_tax.annual_tax(base, tax_year=2022)


def test_each_kind_of_income_is_rounded_by_itself() -> None:
    found = settle(AnnualReturn(tax_year=2022, labour=Fen(2), author=Fen(1), royalty=Fen(2)))
    assert found.income_amount == 2 + 1 + 2  # 1.6, 0.56 and 1.6 fen


def test_what_deductions_leave_over_does_not_lower_a_bonus_taxed_apart() -> None:
    found = settle(AnnualReturn(tax_year=2022, sad=yuan(24_000), bonus=yuan(30_000), bonus_mode="separate"))
    assert (found.taxable, found.bonus_tax, found.tax_total) == (0, yuan(900), yuan(900))


def test_a_bonus_is_merged_unless_said_otherwise() -> None:
    found = settle(AnnualReturn(tax_year=2030, wages=yuan(100_000), bonus=yuan(50_000)))
    assert (found.income_amount, found.bonus_tax) == (yuan(150_000), 0)


def test_a_settlement_says_that_the_file_stands_for_the_record() -> None:
    found = settle(AnnualReturn(tax_year=2022, wages=yuan(180_000)))
    assert "stand for the tax authority's own record" in found.assumption
    assert "视同" in found.assumption_zh


def test_a_settlement_cites_what_it_used_and_takes_the_weakest_mark() -> None:
    plain = settle(AnnualReturn(tax_year=2022, wages=yuan(180_000)))
    assert (plain.evidence, plain.citation.count("art. 6")) == ("law", 1)
    ill = settle(AnnualReturn(tax_year=2022, wages=yuan(180_000), medical_self_pay=yuan(20_000)))
    assert ill.evidence == "secondary"
    assert "serious illness" in ill.citation


def test_the_windows_of_a_tax_year() -> None:
    assert income_tax.settlement_window(2022) == (date(2023, 3, 1), date(2023, 6, 30))
    assert income_tax.claim_window(2022) == (date(2023, 3, 1), date(2026, 6, 30))


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "kind", "code"),
    [
        ({"tax_year": 2018}, InvalidInputError, "input_value_malformed"),
        ({"tax_year": 2101}, InvalidInputError, "input_value_malformed"),
        ({"tax_year": True}, InvalidInputError, "input_value_malformed"),
        ({"wages": -1}, InvalidInputError, "input_value_malformed"),
        ({"wages": 1.0}, InvalidInputError, "input_value_malformed"),
        ({"wages": None}, InvalidInputError, "input_value_malformed"),
        ({"wages": MAX_AMOUNT + 1}, InvalidInputError, "input_value_malformed"),
        ({"bonus_mode": "apart"}, InvalidInputError, "input_value_malformed"),
        ({"base_taxable": 1}, InvalidInputError, "input_keys_conflict"),
        ({"base_taxable": 1, "wages": 1, "labour": 1}, InvalidInputError, "input_keys_conflict"),
        ({"base_taxable": 1, "wages": 1, "social": 1}, InvalidInputError, "input_keys_conflict"),
        ({"personal_pension": 1_200_001}, RejectedError, "pension_above_cap"),
        ({"tax_year": 2021, "personal_pension": 1}, InvalidInputError, "no_rule_on_date"),
        ({"tax_year": 2028, "bonus": 1, "bonus_mode": "separate"}, RejectedError, "bonus_mode_not_in_force"),
    ],
)
def test_what_cannot_be_settled_is_refused_by_name(
    inputs: dict[str, Any], kind: type[EcnyTaxError], code: str
) -> None:
    with pytest.raises(EcnyTaxError) as refusal:
        settle(AnnualReturn(**({"tax_year": 2022} | inputs)))
    assert (type(refusal.value), refusal.value.code) == (kind, code)
    for language in ("en", "zh"):
        assert refusal.value.message(language)
        assert refusal.value.hint_in(language)


def test_amounts_of_the_single_functions_are_checked_too() -> None:
    for computed in (
        lambda: income_tax.annual_tax(Fen(-1), tax_year=2022),
        lambda: income_tax.bonus_tax(Fen(-1), tax_year=2022),
        lambda: income_tax.medical_deduction(Fen(-1), tax_year=2022),
        lambda: income_tax.annual_tax(Fen(1), tax_year=2018),
    ):
        with pytest.raises(InvalidInputError):
            computed()
