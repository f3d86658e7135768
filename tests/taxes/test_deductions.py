"""Serious illness, donations, and what one special additional deduction comes to."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan
from ecny_tax.taxes.deductions import donation_deduction, medical_deduction
from ecny_tax.taxes.exemption import settlement_exemption
from ecny_tax.taxes.special_additional import special_additional
from tests.taxes.worked_cases import cases

amounts = st.one_of(st.integers(0, 200_000_000), st.integers(0, MAX_AMOUNT)).map(Fen)


def refused(compute: Any) -> EcnyTaxError:
    with pytest.raises(EcnyTaxError) as refusal:
        compute()
    for language in ("en", "zh"):
        assert refusal.value.message(language)
        assert refusal.value.hint_in(language)
    return refusal.value


# --- serious illness and donations --------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.medical_deduction"))
def test_worked_case_of_serious_illness(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    deduction = medical_deduction(yuan(inputs["self_pay"]), tax_year=inputs["tax_year"])
    assert deduction == yuan(expected["deduction"])


@pytest.mark.parametrize(
    ("self_pay", "deduction"), [("15000.01", "0.01"), ("95000", "80000"), ("95000.01", "80000")]
)
def test_serious_illness_at_its_bounds(self_pay: str, deduction: str) -> None:
    assert medical_deduction(yuan(self_pay), tax_year=2019) == yuan(deduction)


@given(self_pay=amounts, tax_year=st.integers(2019, 2100))
def test_the_medical_deduction_stays_within_its_cap(self_pay: Fen, tax_year: int) -> None:
    deduction = medical_deduction(self_pay, tax_year=tax_year)
    assert 0 <= deduction <= min(self_pay, yuan(80_000))


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.donation_cap"))
def test_worked_case_of_donations(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    before = yuan(inputs["taxable_before_donation"])
    found = donation_deduction(yuan(inputs["donation"]), taxable_before=before, tax_year=2025)
    assert found == yuan(expected["deductible"])


@given(donations=amounts, in_full=amounts, before=amounts)
def test_donations_never_take_off_more_than_there_is(donations: Fen, in_full: Fen, before: Fen) -> None:
    found = donation_deduction(donations, taxable_before=before, tax_year=2025, in_full=in_full)
    assert found <= min(before, donations + in_full)
    alone = donation_deduction(donations, taxable_before=before, tax_year=2025)
    assert 10 * alone <= 3 * before + 5  # the cap, half up to the fen
    assert found == min(before, alone + in_full)


def test_amounts_are_checked() -> None:
    for compute in (
        lambda: medical_deduction(Fen(-1), tax_year=2022),
        lambda: medical_deduction(Fen(1), tax_year=2018),
        lambda: donation_deduction(Fen(-1), taxable_before=Fen(1), tax_year=2022),
        lambda: donation_deduction(Fen(1), taxable_before=Fen(-1), tax_year=2022),
        lambda: donation_deduction(Fen(1), taxable_before=Fen(1), in_full=Fen(-1), tax_year=2022),
        lambda: donation_deduction(Fen(1), taxable_before=Fen(1), tax_year=2018),
    ):
        assert refused(compute).code == "input_value_malformed"


# --- the exemption from settling ----------------------------------------------------------------------


def exemption_inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    amounts_of = ("gross_comprehensive_income", "balance_due")
    return {key: yuan(value) if key in amounts_of else value for key, value in inputs.items()}


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.settlement_exemption"))
def test_worked_case_of_the_exemption(inputs: dict[str, Any], expected: dict[str, bool]) -> None:
    found = settlement_exemption(**exemption_inputs(inputs))
    assert found.must_settle is expected["must_settle"]
    assert "第94号" in found.citation


@pytest.mark.parametrize(
    ("year", "gross", "balance", "properly", "must", "reason"),
    [
        (2025, "200000", "400", True, False, "balance_within_limit"),
        (2025, "200000", "400.01", True, True, "tax_due"),
        (2025, "120000.01", "400.01", True, True, "tax_due"),
        (2025, "50000", "1", False, True, "not_withheld_properly"),
        (2025, "50000", "0", False, False, "nothing_due"),
        (2019, "120000", "5000", True, False, "gross_within_limit"),
        (2027, "120000", "5000", True, False, "gross_within_limit"),
        (2028, "120000", "1", True, True, "tax_due"),
        (2028, "120000", "0", True, False, "nothing_due"),
    ],
)
def test_who_is_exempt(year: int, gross: str, balance: str, properly: bool, must: bool, reason: str) -> None:
    found = settlement_exemption(
        tax_year=year,
        gross_comprehensive_income=yuan(gross),
        balance_due=yuan(balance),
        withheld_properly=properly,
    )
    assert (found.must_settle, found.reason) == (must, reason)
    assert found.evidence in rulebook.EVIDENCE
    assert bool(found.citation) == (year <= 2027)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gross_comprehensive_income": -1},
        {"balance_due": -1},
        {"balance_due": 1.0},
        {"withheld_properly": 0},
        {"tax_year": 2018},
    ],
)
def test_what_is_refused_about_the_exemption(wrong: dict[str, Any]) -> None:
    inputs = {"tax_year": 2025, "gross_comprehensive_income": 1, "balance_due": 1} | wrong
    assert refused(lambda: settlement_exemption(**inputs)).code == "input_value_malformed"


# --- special additional deductions --------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.sad"))
def test_worked_case_of_a_special_additional_deduction(
    inputs: dict[str, Any], expected: dict[str, str]
) -> None:
    found = special_additional(
        on=date.fromisoformat(inputs["date"]),
        **{key: value for key, value in inputs.items() if key not in ("date", "actual_interest")},
    )
    assert found == yuan(expected["amount"])


@pytest.mark.parametrize(
    ("on", "item", "more", "amount"),
    [
        ("2022-12-31", "child_education", {"children": 2, "months": 12}, 24_000),
        ("2023-01-01", "child_education", {"children": 2, "months": 12}, 48_000),
        ("2023-01-01", "child_education", {"children": 1, "months": 12, "share": "0.5"}, 12_000),
        ("2019-01-01", "child_education", {"children": 3, "months": 1, "share": "0.50"}, 1_500),
        ("2022-12-31", "infant_care", {"children": 1, "months": 8}, 8_000),
        ("2023-01-01", "infant_care", {"children": 1, "months": 8, "share": "1.0"}, 16_000),
        ("2022-12-31", "elderly_only_child", {"months": 12}, 24_000),
        ("2023-01-01", "elderly_only_child", {"months": 12}, 36_000),
        # without a share, or with all of it, the most that one of several children deducts
        ("2022-12-31", "elderly_shared_max", {"months": 12}, 12_000),
        ("2023-01-01", "elderly_shared_max", {"months": 12}, 18_000),
        ("2023-01-01", "elderly_shared_max", {"months": 1, "share": "1"}, 1_500),
        # a share is one of the whole 3,000, cut to 1,500
        ("2023-01-01", "elderly_shared_max", {"months": 1, "share": "0.5"}, 1_500),
        ("2023-01-01", "elderly_shared_max", {"months": 1, "share": "0.4"}, 1_200),
        ("2023-01-01", "elderly_shared_max", {"months": 12, "share": "0.3333"}, "11998.80"),
        ("2022-06-01", "elderly_shared_max", {"months": 1, "share": "0.25"}, 500),
        ("2025-01-01", "housing_loan_interest", {"months": 12}, 12_000),
        ("2019-01-01", "housing_loan_interest", {"months": 12, "share": "0.5"}, 6_000),
        ("2025-01-01", "rent_large_city", {"months": 10}, 15_000),
        ("2025-01-01", "rent_medium_city", {"months": 10}, 11_000),
        ("2025-01-01", "rent_small_city", {"months": 10}, 8_000),
        ("2025-01-01", "continuing_education", {"months": 12}, 4_800),
        ("2025-01-01", "professional_certificate", {"months": 1}, 3_600),
        ("2025-01-01", "professional_certificate", {"months": 12}, 3_600),
    ],
)
def test_a_special_additional_deduction_by_hand(
    on: str, item: str, more: dict[str, Any], amount: int | str
) -> None:
    assert special_additional(on=date.fromisoformat(on), item=item, **more) == yuan(amount)


@pytest.mark.parametrize(
    ("wrong", "kind", "code"),
    [
        ({"item": "pets"}, InvalidInputError, "deduction_unknown"),
        ({"on": date(2018, 12, 31)}, InvalidInputError, "no_rule_on_date"),
        ({"item": "infant_care", "on": date(2021, 12, 31)}, InvalidInputError, "no_rule_on_date"),
        ({"months": 0}, InvalidInputError, "input_value_malformed"),
        ({"months": 13}, InvalidInputError, "input_value_malformed"),
        ({"months": 1.0}, InvalidInputError, "input_value_malformed"),
        ({"months": True}, InvalidInputError, "input_value_malformed"),
        ({"children": 0}, InvalidInputError, "input_value_malformed"),
        ({"children": 21}, InvalidInputError, "input_value_malformed"),
        ({"item": "elderly_only_child", "children": 2}, InvalidInputError, "input_value_malformed"),
        ({"share": "0"}, InvalidInputError, "input_value_malformed"),
        ({"share": "0.0"}, InvalidInputError, "input_value_malformed"),
        ({"share": "1.5"}, InvalidInputError, "input_value_malformed"),
        ({"share": "1.0001"}, InvalidInputError, "input_value_malformed"),
        ({"share": "-0.5"}, InvalidInputError, "input_value_malformed"),
        ({"share": "1/2"}, InvalidInputError, "input_value_malformed"),
        ({"share": "0.５"}, InvalidInputError, "input_value_malformed"),
        ({"share": ""}, InvalidInputError, "input_value_malformed"),
        ({"share": 0.5}, InvalidInputError, "input_value_malformed"),
        ({"share": "0.3"}, RejectedError, "deduction_share_not_allowed"),
        ({"item": "rent_large_city", "share": "0.5"}, RejectedError, "deduction_share_not_allowed"),
        ({"item": "elderly_only_child", "share": "0.5"}, RejectedError, "deduction_share_not_allowed"),
    ],
)
def test_what_is_refused_of_a_deduction(wrong: dict[str, Any], kind: type[EcnyTaxError], code: str) -> None:
    inputs: dict[str, Any] = {"on": date(2025, 1, 1), "item": "child_education", "months": 1} | wrong
    refusal = refused(lambda: special_additional(**inputs))
    assert (type(refusal), refusal.code) == (kind, code)


def test_the_shares_that_may_be_claimed_are_told() -> None:
    refusal = refused(
        lambda: special_additional(on=date(2025, 1, 1), item="child_education", months=1, share="0.3")
    )
    assert refusal.hint == "claim one of these parts: 1 0.5"


def test_every_deduction_that_a_rule_names_is_known() -> None:
    figures = rulebook.PACKAGE.income_tax.special_additional
    for periods in figures.values():
        for period in periods:
            named = {*period.value.not_with, period.value.share_of} - {None}
            assert named <= set(figures)
            for other in period.value.not_with:
                rule = rulebook.on(period.since).income_tax.special_additional(other)
                assert period.value.code in rule.not_with
                assert rule.not_with_for == period.value.not_with_for
