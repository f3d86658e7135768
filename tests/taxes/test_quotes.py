"""The quotes of ``s.taxes``: what the functions behind them give, by the simulation's rules, and strict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import ecny_tax
from ecny_tax import Claim, EcnyTaxError, Fen, FixedClock, Sandbox, TaxBase, WageMonth, WithholdingStatement
from ecny_tax.money import MAX_AMOUNT, yuan
from ecny_tax.taxes.business import business_tax
from ecny_tax.taxes.household import household_deductions
from ecny_tax.taxes.nonresident import nonresident_bonus_tax, nonresident_month_tax
from ecny_tax.taxes.stamp_duty_base import ForeignAmount, of_document
from ecny_tax.taxes.withholding import withhold_payment, withhold_wages
from tests.support import START, corporate, judged, refused

DAY = date(2023, 4, 20)
Ask = Callable[[Sandbox, Any], object]

BY_DAY: dict[str, Ask] = {
    "rules": lambda s, on: s.taxes.rules(on=on),
    "items": lambda s, on: s.taxes.stamp_duty_items(on=on),
    "stamp duty": lambda s, on: s.taxes.quote_stamp_duty(item="sale_contract", base=yuan(1000), on=on),
    "surcharges": lambda s, on: s.taxes.quote_surcharges(paid=yuan(1000), on=on),
}
BY_AMOUNT: dict[str, Ask] = {
    "stamp duty": lambda s, fen: s.taxes.quote_stamp_duty(item="sale_contract", base=fen),
    "stamp duty by a base": lambda s, fen: s.taxes.quote_stamp_duty(item="sale_contract", base=TaxBase(fen)),
    "surcharges": lambda s, fen: s.taxes.quote_surcharges(paid=fen),
    "wages": lambda s, fen: s.taxes.quote_wage_withholding(months=[WageMonth(1, fen)], tax_year=2023),
    "pay": lambda s, fen: s.taxes.quote_payment_withholding(kind="labour", amount=fen, tax_year=2023),
    "business": lambda s, fen: s.taxes.quote_business_income(taxable=fen, tax_year=2023),
    "non-resident": lambda s, fen: s.taxes.quote_non_resident_wage(wage=fen, tax_year=2023),
    "bonus": lambda s, fen: s.taxes.quote_non_resident_bonus(bonus=fen, tax_year=2023),
}


@pytest.mark.parametrize("name", BY_DAY)
@pytest.mark.parametrize(
    "day",
    ["2023-04-20", START, START.replace(tzinfo=None), 20230420, 0, "", date(1979, 12, 31), date(2201, 1, 1)],
    ids=repr,
)
def test_what_is_no_date_is_refused(sandbox: Sandbox, name: str, day: object) -> None:
    with refused(sandbox, "date_malformed"):
        BY_DAY[name](sandbox, day)


@pytest.mark.parametrize("name", BY_DAY)
def test_without_a_date_today_is_meant(sandbox: Sandbox, name: str) -> None:
    assert BY_DAY[name](sandbox, None) == BY_DAY[name](sandbox, START.date())


@pytest.mark.parametrize("day", ["2023-04-20", START])
def test_a_document_is_declared_and_paid_by_a_date_alone(sandbox: Sandbox, day: Any) -> None:
    wallet = corporate(sandbox, fund=yuan(1000)).wallet_id
    asked: dict[str, Any] = {"wallet_id": wallet, "item": "sale_contract", "base": yuan(10_000), "on": day}
    with refused(sandbox, "date_malformed"):
        sandbox.taxes.declare_stamp_duty(**asked)
    with refused(sandbox, "date_malformed"):
        sandbox.payments.pay_stamp_duty(**asked)


@pytest.mark.parametrize("name", BY_AMOUNT)
@pytest.mark.parametrize("amount", [-1, -100_000, True, 1.5, 1000.0, "1000", None, MAX_AMOUNT + 1], ids=repr)
def test_what_is_no_amount_is_refused(sandbox: Sandbox, name: str, amount: object) -> None:
    with pytest.raises(EcnyTaxError) as refusal:
        BY_AMOUNT[name](sandbox, amount)
    judged(refusal.value, refusal.value.code)
    assert refusal.value.code in (
        "amount_not_positive",
        "amount_malformed",
        "amount_too_large",
        "input_value_malformed",
        "base_required",
    )


@pytest.mark.parametrize("paid", [0, -1000])
def test_a_surcharge_is_on_what_was_paid(sandbox: Sandbox, paid: int) -> None:
    with refused(sandbox, "amount_not_positive"):
        sandbox.taxes.quote_surcharges(paid=Fen(paid))


@pytest.mark.parametrize(
    ("kind", "code"), [("astronaut", "taxpayer_kind_unknown"), ("sole_trader", "option_needs")]
)
def test_a_kind_of_taxpayer_goes_with_the_relief(sandbox: Sandbox, kind: str, code: str) -> None:
    asked: dict[str, Any] = {"item": "sale_contract", "base": yuan(10_000), "taxpayer_kind": kind}
    wallet = corporate(sandbox, fund=yuan(1000)).wallet_id
    with refused(sandbox, code):
        sandbox.taxes.quote_stamp_duty(**asked)
    with refused(sandbox, code):
        sandbox.taxes.declare_stamp_duty(wallet_id=wallet, **asked)


# --- the same as the functions behind them ------------------------------------------------------------------


def test_a_quote_is_what_its_function_gives(sandbox: Sandbox) -> None:
    taxes, months = sandbox.taxes, [WageMonth(month, yuan(30_000)) for month in range(1, 13)]
    assert taxes.quote_wage_withholding(months=months, tax_year=2023) == withhold_wages(months, tax_year=2023)
    assert taxes.quote_wage_withholding(
        months=months[6:], tax_year=2023, first_wage_of_year=True
    ) == withhold_wages(months[6:], tax_year=2023, first_wage_of_year=True)
    assert taxes.quote_wage_withholding(
        months=months, tax_year=2023, annual_60000_from_january=True
    ) == withhold_wages(months, tax_year=2023, annual_60000_from_january=True)
    amount = yuan(40_000)
    assert taxes.quote_payment_withholding(kind="author", amount=amount, tax_year=2023) == withhold_payment(
        "author", amount, tax_year=2023
    )
    claims = [Claim("child_education", months=6), Claim("continuing_education", person="spouse")]
    assert taxes.quote_deductions(claims=claims, tax_year=2023) == household_deductions(claims, tax_year=2023)
    assert taxes.quote_business_income(taxable=amount, tax_year=2023) == business_tax(amount, tax_year=2023)
    assert taxes.quote_non_resident_wage(wage=amount, tax_year=2023) == nonresident_month_tax(
        amount, tax_year=2023
    )
    assert taxes.quote_non_resident_bonus(bonus=amount, tax_year=2023) == nonresident_bonus_tax(
        amount, tax_year=2023
    )


def test_a_base_comes_with_vat_or_in_another_currency(sandbox: Sandbox) -> None:
    rules = sandbox.taxes.rules(on=DAY)
    with_vat = of_document(rules, amount=yuan(113_000), vat=yuan(13_000), amount_includes_vat=True)
    quote = sandbox.taxes.quote_stamp_duty(item="sale_contract", base=with_vat, on=DAY)
    assert (quote.base, quote.tax) == (yuan(100_000), yuan(30))
    dollars = of_document(rules, amount=ForeignAmount("10000", "USD", "6.8731"))
    assert sandbox.taxes.quote_stamp_duty(item="sale_contract", base=dollars, on=DAY).base == yuan(68_731)


def test_quotes_follow_the_rules_of_the_simulation(tmp_path: Path) -> None:
    (tmp_path / "income_tax.toml").write_text(
        '[[non_resident]]\ndeduction = "9000"\nparts = 6\neffective_from = 2023-01-01\n'
        'citation = "made up"\nevidence = "assumption"\n'
        '[[monthly_deduction]]\namount = "9000"\neffective_from = 2023-01-01\n'
        'citation = "made up"\nevidence = "assumption"\n'
    )
    with Sandbox.open(clock=FixedClock(START), rulebook=tmp_path) as s:
        assert s.taxes.quote_non_resident_wage(wage=yuan(9_000), tax_year=2023).tax == 0
        assert s.taxes.quote_wage_withholding(months=[WageMonth(1, yuan(9_000))], tax_year=2023).total == 0
        assert s.taxes.rules().book.own == {"income_tax"}


def test_what_a_caller_must_make_is_at_the_top_of_the_package() -> None:
    for made in (Claim, TaxBase, WageMonth, WithholdingStatement):
        assert made.__name__ in ecny_tax.__all__
