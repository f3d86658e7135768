"""Withholding on wages and other pay, non-residents and business income."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, round_half_up, times, yuan
from ecny_tax.taxes.business import business_tax
from ecny_tax.taxes.income_tax import AnnualReturn, annual_tax, settle
from ecny_tax.taxes.nonresident import nonresident_bonus_tax, nonresident_month_tax
from ecny_tax.taxes.withholding import WageMonth, WageWithholding, withhold_payment, withhold_wages
from tests.taxes.worked_cases import cases

amounts = st.one_of(st.integers(0, 200_000_000), st.integers(0, MAX_AMOUNT)).map(Fen)
wages = st.integers(0, 20_000_000).map(Fen)


def refused(compute: Any) -> EcnyTaxError:
    with pytest.raises(EcnyTaxError) as refusal:
        compute()
    for language in ("en", "zh"):
        assert refusal.value.message(language)
        assert refusal.value.hint_in(language)
    return refusal.value


# --- wages --------------------------------------------------------------------------------------------


def withheld(*paid: tuple[int, str | int], **flags: Any) -> WageWithholding:
    """By hand: (month, wage) and what else differs from nothing deducted."""
    months = [WageMonth(month, yuan(wage)) for month, wage in paid]
    return withhold_wages(months, **({"tax_year": 2025} | flags))


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.withhold_wage"))
def test_worked_case_of_withholding_on_wages(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    months = [
        WageMonth(row["month"], yuan(row["wage"]), yuan(row["social"]), yuan(row["sad"]))
        for row in inputs["months"]
    ]
    flags = {key: value for key, value in inputs.items() if key != "months"}
    found = withhold_wages(months, tax_year=2025, **flags)
    if "tax" in expected:
        assert found.tax == tuple(yuan(tax) for tax in expected["tax"])
    if "total" in expected:
        assert found.total == yuan(expected["total"])
    assert found.total == sum(found.tax)


def test_months_count_from_the_first_one_listed() -> None:
    # 25,000 × 3 %; then 50,000 × 10 % − 2,520 − 750
    assert withheld((7, 30_000), (8, 30_000)).tax == (yuan(750), yuan(1_730))


def test_the_first_wage_of_the_year_takes_off_every_month_since_january() -> None:
    found = withheld((7, 30_000), (8, 30_000), (9, 30_000), first_wage_of_year=True)
    # 30,000 − 35,000; 60,000 − 40,000 = 20,000; 90,000 − 45,000 = 45,000 × 10 % − 2,520 − 600
    assert found.tax == (0, yuan(600), yuan(1_380))
    assert "第13号" in found.citation
    from_january = withheld((1, 30_000), first_wage_of_year=True)
    assert from_january.tax == withheld((1, 30_000)).tax == (yuan(750),)


def test_a_month_without_pay_in_between_counts() -> None:
    # 10,000 − 5,000 = 5,000; by March 25,000 − 15,000 = 10,000
    assert withheld((1, 10_000), (3, 15_000)).tax == (yuan(150), yuan(150))


def test_the_year_s_60000_are_taken_off_from_january() -> None:
    found = withheld((1, 70_000), (2, 10_000), annual_60000_from_january=True)
    assert found.tax == (yuan(300), yuan(300))
    assert "第19号" in found.citation


def test_what_was_withheld_too_much_is_not_paid_back_in_the_year() -> None:
    # 45,000: 1,980; then nothing is earned: 40,000, 35,000 … would be 1,480, 1,050; later 65,000 − 30,000 …
    found = withheld((1, 50_000), (2, 0), (3, 0), (4, 15_000), (5, 30_000))
    assert [month.taxable for month in found.months] == [
        yuan(amount) for amount in (45_000, 40_000, 35_000, 45_000, 70_000)
    ]
    assert [month.tax_so_far for month in found.months] == [
        yuan(amount) for amount in (1_980, 1_480, 1_050, 1_980, 4_480)
    ]
    assert found.tax == (yuan(1_980), 0, 0, 0, yuan(2_500))
    assert found.total == yuan(4_480)


def test_a_month_below_the_deductions_has_no_taxable_amount() -> None:
    assert withheld((1, 4_000), (2, 4_000), (3, 10_000)).tax == (0, 0, yuan(90))


def test_each_month_is_rounded_by_itself() -> None:
    # 3 % of 16.66 and 33.32 yuan: 0.4998 and 0.9996
    assert withheld((1, "5016.66"), (2, "5016.66")).tax == (50, 50)
    # 3 % of 0.50 and 0.67 yuan: 1.5 fen, half up, then 2.01
    assert withheld((1, "5000.50"), (2, "5000.17")).tax == (2, 0)


def test_a_rise_through_every_bracket() -> None:
    months = [(month, 100_000) for month in range(1, 13)]
    found = withheld(*months)
    assert found.total == annual_tax(yuan(1_140_000), tax_year=2025)
    assert found.tax[0] == yuan(95_000) * 10 // 100 - yuan(2_520)
    assert found.tax[-1] == yuan(95_000) * 45 // 100


@given(paid=st.lists(st.tuples(wages, wages, wages), min_size=12, max_size=12))
def test_twelve_months_and_the_settlement_are_the_annual_tax(paid: list[tuple[Fen, Fen, Fen]]) -> None:
    months = [WageMonth(month, *row) for month, row in enumerate(paid, start=1)]
    found = withhold_wages(months, tax_year=2025)
    of_year = [Fen(sum(column)) for column in zip(*paid, strict=True)]
    settlement = settle(
        AnnualReturn(tax_year=2025, wages=of_year[0], social=of_year[1], sad=of_year[2], withheld=found.total)
    )
    assert settlement.due == 0  # never too little is withheld on one employer's wages
    assert found.total - settlement.refund == settlement.tax_total


@given(wage=wages, social=wages, sad=wages)
def test_twelve_equal_months_withhold_the_annual_tax(wage: Fen, social: Fen, sad: Fen) -> None:
    months = [WageMonth(month, wage, social, sad) for month in range(1, 13)]
    of_year = Fen(max(0, 12 * (wage - social - sad) - yuan(60_000)))
    for flags in ({}, {"first_wage_of_year": True}, {"annual_60000_from_january": True}):
        found = withhold_wages(months, tax_year=2025, **flags)
        assert found.total == annual_tax(of_year, tax_year=2025)


@given(paid=st.lists(wages, min_size=1, max_size=12))
def test_more_deducted_sooner_never_withholds_more_in_all(paid: list[Fen]) -> None:
    months = [WageMonth(month, wage) for month, wage in enumerate(paid, start=13 - len(paid))]
    plain = withhold_wages(months, tax_year=2025)
    assert withhold_wages(months, tax_year=2025, first_wage_of_year=True).total <= plain.total
    assert withhold_wages(months, tax_year=2025, annual_60000_from_january=True).total <= plain.total


@pytest.mark.parametrize(
    ("compute", "kind", "code"),
    [
        (withheld, InvalidInputError, "input_value_malformed"),
        (lambda: withheld((0, 1)), InvalidInputError, "input_value_malformed"),
        (lambda: withheld((13, 1)), InvalidInputError, "input_value_malformed"),
        (lambda: WageMonth("1", Fen(1)), InvalidInputError, "input_value_malformed"),  # type: ignore[arg-type]
        (lambda: WageMonth(1, Fen(-1)), InvalidInputError, "input_value_malformed"),
        (lambda: WageMonth(1, Fen(1), Fen(-1)), InvalidInputError, "input_value_malformed"),
        (lambda: WageMonth(1, Fen(1), sad=Fen(MAX_AMOUNT + 1)), InvalidInputError, "input_value_malformed"),
        (lambda: withheld((1, 1), (1, 1)), InvalidInputError, "withholding_months_disordered"),
        (lambda: withheld((2, 1), (1, 1)), InvalidInputError, "withholding_months_disordered"),
        (lambda: withheld((1, 1), tax_year=2018), InvalidInputError, "input_value_malformed"),
        (lambda: withheld((1, 1), first_wage_of_year=1), InvalidInputError, "input_value_malformed"),
        (
            lambda: withheld((1, 1), first_wage_of_year=True, annual_60000_from_january=True),
            InvalidInputError,
            "withholding_ways_conflict",
        ),
        (
            lambda: withheld((1, 1), first_wage_of_year=True, tax_year=2019),
            RejectedError,
            "withholding_way_not_in_force",
        ),
        (
            lambda: withheld((1, 1), annual_60000_from_january=True, tax_year=2020),
            RejectedError,
            "withholding_way_not_in_force",
        ),
    ],
)
def test_what_is_refused_about_wages(compute: Any, kind: type[EcnyTaxError], code: str) -> None:
    refusal = refused(compute)
    assert (type(refusal), refusal.code) == (kind, code)


# --- labour service, authors, royalties ---------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.withhold_other"))
def test_worked_case_of_withholding_on_other_pay(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    found = withhold_payment(inputs["type"], yuan(inputs["amount"]), tax_year=inputs["tax_year"])
    assert {key: getattr(found, key) for key in expected} == {
        key: yuan(value) for key, value in expected.items()
    }


@pytest.mark.parametrize(
    ("kind", "amount", "taxable", "tax"),
    [
        ("labour", "0", "0", "0"),
        ("labour", "800", "0", "0"),
        ("labour", "800.01", "0.01", "0"),
        ("labour", "4000", "3200", "640"),
        ("labour", "4000.01", "3200.01", "640"),
        ("labour", "25000", "20000", "4000"),
        ("labour", "25000.01", "20000.01", "4000"),
        ("labour", "25001", "20000.80", "4000.24"),
        ("labour", "62500", "50000", "13000"),
        ("labour", "62501", "50000.80", "13000.32"),
        ("labour", "100000", "80000", "25000"),
        ("author", "800", "0", "0"),
        ("author", "4000", "2240", "448"),
        ("author", "10000", "5600", "1120"),
        ("royalty", "4000", "3200", "640"),
        ("royalty", "100000", "80000", "16000"),
    ],
)
def test_withholding_on_other_pay_by_hand(kind: Any, amount: str, taxable: str, tax: str) -> None:
    found = withhold_payment(kind, yuan(amount), tax_year=2025)
    assert (found.taxable, found.tax) == (yuan(taxable), yuan(tax))
    assert "第61号" in found.citation


@given(kind=st.sampled_from(["labour", "author", "royalty"]), one=amounts, other=amounts)
def test_withholding_on_other_pay_is_monotone(kind: Any, one: Fen, other: Fen) -> None:
    less, more = (withhold_payment(kind, amount, tax_year=2025) for amount in sorted((one, other)))
    assert 0 <= less.tax <= more.tax
    assert less.taxable <= more.taxable


@given(amount=st.integers(400_001, MAX_AMOUNT).map(Fen))
def test_an_author_s_taxable_pay_is_the_income_amount_of_the_settlement(amount: Fen) -> None:
    assert withhold_payment("author", amount, tax_year=2025).taxable == times(amount, Fraction("0.56"))


@pytest.mark.parametrize(
    ("kind", "amount", "year"), [("wages", 1, 2025), ("labour", -1, 2025), ("labour", 1, 2018)]
)
def test_what_is_refused_about_other_pay(kind: Any, amount: int, year: int) -> None:
    refusal = refused(lambda: withhold_payment(kind, Fen(amount), tax_year=year))
    assert refusal.code == "input_value_malformed"


# --- non-residents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.nonresident_month"))
def test_worked_case_of_a_non_resident_s_month(inputs: dict[str, str], expected: dict[str, str]) -> None:
    assert nonresident_month_tax(yuan(inputs["wage"]), tax_year=2025).tax == yuan(expected["tax"])


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.nonresident_bonus"))
def test_worked_case_of_a_non_resident_s_bonus(inputs: dict[str, str], expected: dict[str, str]) -> None:
    assert nonresident_bonus_tax(yuan(inputs["bonus"]), tax_year=2025).tax == yuan(expected["tax"])


@pytest.mark.parametrize(
    ("wage", "tax"), [("5000", "0"), ("8000", "90"), ("8000.10", "90.01"), ("100000", "27590")]
)
def test_a_non_resident_s_month_by_hand(wage: str, tax: str) -> None:
    assert nonresident_month_tax(yuan(wage), tax_year=2025).tax == yuan(tax)


@pytest.mark.parametrize(
    ("bonus", "tax"),
    # a sixth of 3,000 and just above; without the deduction of 5,000; 6 × (100,000 × 45 % − 15,160)
    [("18000", "540"), ("18000.06", "540.01"), ("600000", "179040"), ("0", "0")],
)
def test_a_non_resident_s_bonus_by_hand(bonus: str, tax: str) -> None:
    assert nonresident_bonus_tax(yuan(bonus), tax_year=2025).tax == yuan(tax)


@given(bonus=amounts)
def test_a_non_resident_s_bonus_is_six_times_the_tax_on_a_sixth(bonus: Fen) -> None:
    lines = rulebook.on(date(2025, 12, 31)).income_tax.monthly_brackets.brackets
    sixth = Fraction(bonus, 6)
    exact = 6 * max(sixth * line.rate - line.quick_deduction for line in lines)
    assert nonresident_bonus_tax(bonus, tax_year=2025).tax == round_half_up(exact)


def test_amounts_of_non_residents_are_checked() -> None:
    for compute in (nonresident_month_tax, nonresident_bonus_tax):
        assert (
            refused(lambda compute=compute: compute(Fen(-1), tax_year=2025)).code == "input_value_malformed"
        )
        assert refused(lambda compute=compute: compute(Fen(1), tax_year=2018)).code == "input_value_malformed"


def test_a_non_resident_s_bonus_tells_its_steps() -> None:
    found = nonresident_bonus_tax(yuan(600_000), tax_year=2025)
    assert [(step.label, step.amount) for step in found.steps] == [
        ("Bonus for several months", yuan(600_000)),
        ("Bonus, by the rate of 1/6 of it × 45 %", yuan(270_000)),
        ("Less the quick deduction, 6 times", yuan(90_960)),
        ("Tax on the bonus", yuan(179_040)),
    ]
    assert all(step.citation for step in found.steps[1:])
    assert found.taxable == yuan(600_000)


def test_a_non_resident_s_month_tells_its_steps() -> None:
    found = nonresident_month_tax(yuan(8_000), tax_year=2025)
    assert [step.amount for step in found.steps] == [
        yuan(8_000), yuan(5_000), yuan(3_000), yuan(90), Fen(0), yuan(90)
    ]  # fmt: skip
    assert found.taxable == yuan(3_000)


# --- business income ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), cases("iit.business_tax"))
def test_worked_case_of_business_income(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    found = business_tax(yuan(inputs["taxable_income"]), tax_year=inputs["tax_year"])
    assert found.tax == yuan(expected["tax"])


@pytest.mark.parametrize(
    ("taxable", "tax"),
    [
        ("0", "0"),
        ("30000", "1500"),
        ("30000.10", "1500.01"),
        ("90000", "7500"),
        ("300000", "49500"),
        ("500000", "109500"),
        ("1000000", "284500"),
    ],
)
def test_business_income_by_hand(taxable: str, tax: str) -> None:
    assert business_tax(yuan(taxable), tax_year=2019).tax == yuan(tax)


@given(taxable=amounts)
def test_the_table_of_business_income_has_no_jump(taxable: Fen) -> None:
    lines = rulebook.on(date(2025, 12, 31)).income_tax.business_brackets.brackets
    exact = max(taxable * line.rate - line.quick_deduction for line in lines)
    assert business_tax(taxable, tax_year=2025).tax == round_half_up(exact)


def test_business_income_tells_its_steps() -> None:
    found = business_tax(yuan(90_000), tax_year=2025)
    assert [(step.label_zh, step.amount) for step in found.steps] == [
        ("全年经营所得应纳税所得额", yuan(90_000)),
        ("应纳税所得额 × 10 %", yuan(9_000)),
        ("速算扣除数", yuan(1_500)),
        ("经营所得应纳税额", yuan(7_500)),
    ]


def test_business_income_is_checked() -> None:
    assert refused(lambda: business_tax(Fen(-1), tax_year=2025)).code == "input_value_malformed"
    assert refused(lambda: business_tax(Fen(1), tax_year=2018)).code == "input_value_malformed"


def test_withholding_tells_its_steps_month_by_month() -> None:
    months = [WageMonth(month, yuan(20_000), yuan(3_500)) for month in (1, 2)]
    found = withhold_wages(months, tax_year=2025)
    assert [step.amount for step in found.steps] == [
        11_500_00, 345_00, 345_00, 23_000_00, 690_00, 345_00,
    ]  # fmt: skip
    last = found.steps[-1]
    assert (last.label, last.label_zh) == ("Month 2: tax to withhold this month", "2 月：本月应预扣预缴税额")


@pytest.mark.parametrize(
    ("kind", "paid", "steps"),
    [
        (
            "author",
            3_000,
            [
                ("What was paid", 3_000),
                ("Less the flat cost of pay up to 4,000.00", 800),
                ("Taxable, 70 % of the rest, at least zero", 1_540),
                ("Taxable × 20 %", 308),
                ("Tax to withhold", 308),
            ],
        ),
        (
            "labour",
            30_000,
            [
                ("What was paid", 30_000),
                ("Less the flat cost of pay above 4,000.00: 20 %", 6_000),
                ("Taxable, at least zero", 24_000),
                ("Taxable × 30 %", 7_200),
                ("Less the quick deduction", 2_000),
                ("Tax to withhold", 5_200),
            ],
        ),
        (
            "royalty",
            500,
            [
                ("What was paid", 500),
                ("Less the flat cost of pay up to 4,000.00", 800),
                ("Taxable, at least zero", 0),
                ("Taxable × 20 %", 0),
                ("Tax to withhold", 0),
            ],
        ),
    ],
)
def test_withholding_on_other_pay_tells_cost_rate_and_quick_deduction(
    kind: Any, paid: int, steps: list[tuple[str, int]]
) -> None:
    found = withhold_payment(kind, yuan(paid), tax_year=2025)
    assert [(step.label, step.amount) for step in found.steps] == [
        (label, yuan(amount)) for label, amount in steps
    ]
    assert all(step.label_zh for step in found.steps)
    assert all(step.citation in found.citation for step in found.steps)


@given(paid=st.integers(400_001, MAX_AMOUNT).map(Fen))
def test_what_was_paid_less_the_flat_cost_is_what_is_taxable(paid: Fen) -> None:
    stated, cost, taxable, *_ = withhold_payment("labour", paid, tax_year=2025).steps
    assert stated.amount - cost.amount == taxable.amount
