"""Income tax of a year: the worked cases, the arithmetic, and what is refused."""

from dataclasses import asdict, fields, replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, round_half_up, yuan, yuan_text
from ecny_tax.taxes import income_tax
from ecny_tax.taxes.explanation import explain
from ecny_tax.taxes.income_tax import AnnualReturn, AnnualSettlement, settle
from tests.taxes.worked_cases import cases

amounts = st.one_of(st.integers(0, 200_000_000), st.integers(0, MAX_AMOUNT)).map(Fen)
years = st.integers(income_tax.FIRST_YEAR, income_tax.LAST_YEAR)


def annual_return(inputs: dict[str, Any]) -> AnnualReturn:
    return AnnualReturn(
        **{key: yuan(value) if key in income_tax.AMOUNTS else value for key, value in inputs.items()}
    )


# --- worked cases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.annual_tax"))
def test_worked_case_of_the_annual_tax(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    tax = income_tax.annual_tax(yuan(inputs["taxable_income"]), tax_year=inputs["tax_year"])
    assert tax == yuan(expected["tax"])


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


returns = st.builds(
    AnnualReturn,
    tax_year=st.integers(2022, 2027),
    **dict.fromkeys(("wages", "labour", "author", "royalty", "social", "sad", "medical_self_pay"), amounts),
    personal_pension=st.integers(0, 1_300_000).map(Fen),
    bonus=amounts,
    bonus_mode=st.sampled_from(income_tax.BONUS_MODES),
    withheld=amounts,
    **dict.fromkeys(("other_deductions", "donations", "donations_in_full"), amounts),
    withheld_properly=st.booleans(),
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


@given(returns, st.sampled_from([key for key in income_tax.DEDUCTIONS if key != "personal_pension"]), amounts)
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


# --- the yearly bonus ---------------------------------------------------------------------------------


@given(returns)
def test_the_better_way_is_the_cheaper_of_the_two(given_: AnnualReturn) -> None:
    better, merged, apart = (
        settle(replace(given_, bonus_mode=mode)) for mode in ("better", "merge", "separate")
    )
    assert better.tax_total == min(merged.tax_total, apart.tax_total)
    assert better == (apart if better.bonus_mode == "separate" else merged)
    if merged.tax_total == apart.tax_total:
        assert better.bonus_mode == "merge"


def test_the_better_way_by_hand() -> None:
    # taxable 140,000 without the bonus: 11,480; the bonus apart 1,080; merged, 176,000 cost 18,280
    found = settle(AnnualReturn(tax_year=2025, wages=yuan(200_000), bonus=yuan(36_000), bonus_mode="better"))
    assert (found.bonus_mode, found.tax, found.bonus_tax) == ("separate", yuan(11_480), yuan(1_080))
    # 50,000 of wages leave 10,000 of the basic deduction to the bonus
    found = settle(AnnualReturn(tax_year=2025, wages=yuan(50_000), bonus=yuan(30_000), bonus_mode="better"))
    assert (found.bonus_mode, found.tax_total) == ("merge", yuan(600))


def test_after_2027_the_better_way_is_to_merge() -> None:
    given_ = AnnualReturn(tax_year=2028, wages=yuan(200_000), bonus=yuan(36_000), bonus_mode="better")
    found = explain(given_)
    assert (found.bonus_mode, found.tax_total) == ("merge", yuan(18_280))
    assert not any("taxed apart" in step.label for step in found.steps)


def test_the_better_way_of_a_bonus_beside_known_income() -> None:
    found = settle(
        AnnualReturn(tax_year=2025, base_taxable=yuan(200_000), bonus=yuan(100_000), bonus_mode="better")
    )
    assert (found.bonus_mode, found.increment, found.tax) == ("separate", yuan(9_790), yuan(23_080))


# --- donations and other deductions -------------------------------------------------------------------


def test_donations_count_up_to_their_share_and_those_in_full_beside_them() -> None:
    given_ = AnnualReturn(tax_year=2025, wages=yuan(160_000), donations=yuan(50_000))
    found = settle(given_)  # 100,000 before them: 30,000 count
    assert (found.donation_deduction, found.taxable) == (yuan(30_000), yuan(70_000))
    assert "up to 30 %" in found.citation
    found = settle(replace(given_, donations_in_full=yuan(40_000)))
    assert (found.donation_deduction, found.taxable) == (yuan(70_000), yuan(30_000))
    found = settle(replace(given_, donations_in_full=yuan(90_000)))
    assert (found.donation_deduction, found.taxable, found.tax) == (yuan(100_000), 0, 0)


def test_donations_without_taxable_income_do_nothing() -> None:
    found = settle(
        AnnualReturn(tax_year=2025, wages=yuan(60_000), donations=Fen(1), donations_in_full=Fen(1))
    )
    assert (found.donation_deduction, found.taxable) == (0, 0)


def test_other_deductions_by_law_lower_the_taxable_income() -> None:
    found = settle(AnnualReturn(tax_year=2025, wages=yuan(160_000), other_deductions=yuan(2_400)))
    assert found.taxable == yuan(97_600)


# --- who must settle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "must", "reason"),
    [
        ({"wages": 180_000}, True, "tax_due"),
        ({"wages": 120_000}, False, "gross_within_limit"),
        ({"wages": 120_000, "withheld_properly": False}, True, "not_withheld_properly"),
        ({"wages": 180_000, "withheld": 9_080}, False, "balance_within_limit"),  # of 9,480
        ({"wages": 180_000, "withheld": "9079.99"}, True, "tax_due"),
        ({"wages": 180_000, "withheld": 9_480}, False, "nothing_due"),
        ({"wages": 180_000, "withheld": 9_481}, False, "refund"),
        ({"wages": 180_000, "withheld": 9_481, "withheld_properly": False}, False, "refund"),
        # gross is before the costs of labour service: 80,000 of income amount, 125,000 received
        ({"wages": 25_000, "labour": 100_000}, True, "tax_due"),
        ({"wages": 20_000, "labour": 100_000}, False, "gross_within_limit"),
        # a bonus taxed apart is no comprehensive income
        ({"wages": 120_000, "bonus": 50_000, "bonus_mode": "separate"}, False, "gross_within_limit"),
        ({"wages": 120_000, "bonus": 50_000, "bonus_mode": "merge"}, True, "tax_due"),
        ({"tax_year": 2028, "wages": 120_000}, True, "tax_due"),
    ],
)
def test_who_must_settle(inputs: dict[str, Any], must: bool, reason: str) -> None:
    found = settle(annual_return({"tax_year": 2025} | inputs))
    assert (found.must_settle, found.must_settle_reason) == (must, reason)


def test_a_partial_return_does_not_say_who_must_settle() -> None:
    found = settle(AnnualReturn(tax_year=2025, base_taxable=yuan(1), wages=yuan(1)))
    assert found.must_settle is None
    assert found.must_settle_reason is None


# --- the steps ----------------------------------------------------------------------------------------


def step(found: AnnualSettlement, label: str) -> Fen:
    (amount,) = [step.amount for step in found.steps if step.label.startswith(label)]
    return amount


@given(returns)
def test_an_explanation_is_the_same_settlement_with_its_steps(given_: AnnualReturn) -> None:
    found, plain = explain(given_), settle(given_)
    assert plain.steps == ()
    assert replace(found, steps=()) == plain
    assert all(step.label and step.label_zh and step.amount >= 0 for step in found.steps)
    counted = [step.amount for step in found.steps if " that counts: " in step.label]
    merged = given_.bonus if found.bonus_mode == "merge" else 0
    assert step(found, "Income amount") == given_.wages + merged + sum(counted)


def test_the_steps_of_a_settlement_by_hand() -> None:
    given_ = annual_return(
        {
            "tax_year": 2025,
            "wages": "180000",
            "labour": "20000",
            "social": "18000",
            "sad": "12000",
            "medical_self_pay": "20000",
            "personal_pension": "12000",
            "other_deductions": "2400",
            "donations": "50000",
            "donations_in_full": "1000",
            "bonus": "36000",
            "bonus_mode": "better",
            "withheld": "5000",
        }
    )
    steps = [(step.label, yuan_text(step.amount)) for step in explain(given_).steps]
    assert steps == [
        ("Wages", "180000.00"),
        ("Labour service pay", "20000.00"),
        ("Labour service pay that counts: 80 %", "16000.00"),
        ("Income amount", "196000.00"),
        ("Less the basic deduction", "60000.00"),
        ("Less special deductions", "18000.00"),
        ("Less special additional deductions", "12000.00"),
        ("Less serious illness: own cost above 15,000.00, at most 80,000.00", "5000.00"),
        ("Less the personal pension, at most 12,000.00", "12000.00"),
        ("Less other deductions by law", "2400.00"),
        ("Taxable income before donations", "86600.00"),
        ("Donations, up to 30 % of that", "50000.00"),
        ("Donations that count in full", "1000.00"),
        ("Less what counts of donations", "26980.00"),
        ("Taxable income, at least zero", "59620.00"),
        ("Taxable income × 10 %", "5962.00"),
        ("Less the quick deduction", "2520.00"),
        ("Tax on comprehensive income", "3442.00"),
        ("Yearly bonus, taxed apart", "36000.00"),
        ("Bonus, by the rate of its twelfth × 3 %", "1080.00"),
        ("Less the quick deduction", "0.00"),
        ("Tax on the bonus", "1080.00"),
        # 122,600 before donations, 37,780 of them count: 84,820 × 10 % − 2,520
        ("Tax of the year were the bonus merged", "5962.00"),
        ("Tax of the year", "4522.00"),
        ("Withheld", "5000.00"),
        ("Refund", "478.00"),
        ("Need not settle: a refund may be claimed; that is a right, no duty", "478.00"),
    ]


def test_the_steps_of_a_partial_return() -> None:
    found = explain(AnnualReturn(tax_year=2025, base_taxable=yuan(290_000), labour=yuan(30_000)))
    assert step(found, "Taxable income already known") == yuan(290_000)
    assert step(found, "What this income adds to the tax") == yuan(5_500)


def test_every_step_that_follows_a_rule_cites_it() -> None:
    found = explain(AnnualReturn(tax_year=2025, wages=yuan(180_000)))
    assert "rate table 1" in next(step.citation for step in found.steps if "× 10 %" in step.label)
    assert "第94号" in found.steps[-1].citation
    assert found.steps[0].citation == ""


def test_a_result_has_every_key_of_the_contract() -> None:
    keys = {"taxable", "tax", "tax_total", "withheld", "refund", "due", "income_amount"}
    keys |= {"medical_deduction", "increment", "donation_deduction", "bonus_mode", "must_settle"}
    assert keys <= {field.name for field in fields(AnnualSettlement)}
    assert asdict(settle(AnnualReturn(tax_year=2025)))["steps"] == ()


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
        ({"base_taxable": 1, "wages": 1, "donations": 1}, InvalidInputError, "input_keys_conflict"),
        ({"base_taxable": 1, "wages": 1, "donations_in_full": 1}, InvalidInputError, "input_keys_conflict"),
        ({"base_taxable": 1, "wages": 1, "other_deductions": 1}, InvalidInputError, "input_keys_conflict"),
        ({"donations": -1}, InvalidInputError, "input_value_malformed"),
        ({"wages": 10**5000}, InvalidInputError, "input_value_malformed"),
        ({"wages": -(10**5000)}, InvalidInputError, "input_value_malformed"),
        ({"tax_year": 10**5000}, InvalidInputError, "input_value_malformed"),
        ({"bonus_mode": 10**5000}, InvalidInputError, "input_value_malformed"),
        ({"bonus_mode": ["merge"]}, InvalidInputError, "input_value_malformed"),
        ({"withheld_properly": 1}, InvalidInputError, "input_value_malformed"),
        ({"withheld_properly": "yes"}, InvalidInputError, "input_value_malformed"),
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


def test_the_taxable_income_of_the_single_function_is_checked_too() -> None:
    for taxable, year in ((-1, 2022), (1, 2018), (1.5, 2022), (MAX_AMOUNT + 1, 2022)):
        with pytest.raises(InvalidInputError):
            income_tax.annual_tax(Fen(taxable), tax_year=year)  # type: ignore[arg-type]


def test_a_personal_pension_is_deducted_up_to_the_cap_of_the_year() -> None:
    for paid, deducted in ((11_999_99, 11_999_99), (12_000_00, 12_000_00), (20_000_00, 12_000_00)):
        given_ = AnnualReturn(tax_year=2022, wages=yuan(100_000), personal_pension=Fen(paid))
        assert income_tax.settle(given_).taxable == 40_000_00 - deducted


def test_an_exemption_from_topping_up_is_cited_with_its_mark() -> None:
    exempt = income_tax.settle(AnnualReturn(tax_year=2024, wages=yuan(110_000)))
    assert (exempt.must_settle, exempt.evidence) == (False, "secondary")
    assert "2019年第94号" in exempt.citation
    assert income_tax.settle(AnnualReturn(tax_year=2024, wages=yuan(300_000))).evidence == "law"
