"""The annual settlement on columns: the arithmetic of ``income_tax`` for many people at once, to the fen.

A column is an array of int64, an amount in fen for each person; one that nobody has is the number 0.  Rates
are whole numbers over an even denominator, so that half up is one integer division, as in ``money.times``.
Only ``settle_many`` imports this module, once it knows that numpy is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import MAX_AMOUNT
from ecny_tax.rulebook import BracketTable, IncomeTaxRules
from ecny_tax.rulebook.income_tax import Donations
from ecny_tax.taxes.bonus import MONTHS, may_be_taxed_apart
from ecny_tax.taxes.exemption import exemption_in_force

Column = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Amounts = Column | int

#: Codes of the bonus modes, in the order of ``income_tax.BONUS_MODES``.
MERGE, SEPARATE, BETTER = range(3)

_INT64_MAX = 2**63 - 1


class Rate(NamedTuple):
    """A rate, or a column of rates, as ``numerator / over``; ``over`` is even and not below a numerator."""

    numerator: Amounts
    over: int


def rate(exact: Fraction) -> Rate:
    over = math.lcm(exact.denominator, 2)
    return Rate(int(exact * over), over)


def times(amounts: Column, rate: Rate) -> Column:
    """Amounts of at least 0 multiplied by rates of at most 1, half up to the fen; maybe the same array.

    Where a product might not fit 63 bits, each amount is taken apart into a multiple of the denominator,
    which a rate multiplies exactly, and a rest below it.
    """
    numerator, over = rate
    if isinstance(numerator, int) and numerator == over:
        return amounts
    if int(amounts.max(initial=0)) <= _INT64_MAX // over - 1:
        product = amounts * numerator
        product += over // 2
        product //= over
        return product
    multiples = amounts // over
    rests = amounts - multiples * over
    return multiples * numerator + (rests * numerator + over // 2) // over


@dataclass(frozen=True, slots=True)
class Table:
    """A progressive rate table: upper bounds of all lines but the last, then one entry for each line."""

    bounds: tuple[int, ...]
    numerators: Column
    over: int
    quick_deductions: Column

    def tax(self, amounts: Column) -> Column:
        """The tax on each amount, as ``brackets.by_brackets``: an amount at a bound is on the line below."""
        line = np.zeros(len(amounts), np.uint8)
        for bound in self.bounds:
            line += amounts > bound
        lines = line.astype(np.intp)  # what `take` would make of it twice
        tax = times(amounts, Rate(self.numerators.take(lines), self.over))  # a new array: these are no ints
        tax -= self.quick_deductions.take(lines)
        return tax


def table(brackets: BracketTable, *, months: int = 1) -> Table:
    """A rate table in whole numbers; with ``months`` the line is found at an amount divided by them."""
    lines = brackets.brackets
    over = math.lcm(2, *(line.rate.denominator for line in lines))
    return Table(
        bounds=tuple(months * line.up_to for line in lines if line.up_to is not None),
        numerators=np.array([int(line.rate * over) for line in lines], np.int64),
        over=over,
        quick_deductions=np.array([line.quick_deduction for line in lines], np.int64),
    )


@dataclass(frozen=True, slots=True)
class YearRules:
    """What the law says of one tax year, in whole numbers; ``None`` where it has no such rule."""

    ratios: Mapping[str, Rate]
    basic_deduction: int
    medical_threshold: int
    medical_cap: int
    annual: Table
    bonus: Table | None
    pension_cap: int | None
    donation_share: Rate | None
    exempt_gross_and_balance: tuple[int, int] | None


def year_rules(rules: IncomeTaxRules) -> YearRules:
    """The rules of a year; raises ``InvalidInputError`` (``no_rule_on_date``) where nobody could settle."""
    ratios, medical, exemption = rules.income_ratios, rules.medical, exemption_in_force(rules)
    donations = _donations(rules)
    return YearRules(
        ratios={kind: rate(getattr(ratios, kind)) for kind in ("wages", "labour", "author", "royalty")},
        basic_deduction=rules.basic_deduction.amount,
        medical_threshold=medical.threshold,
        medical_cap=medical.cap,
        annual=table(rules.annual_brackets),
        bonus=table(rules.monthly_brackets, months=MONTHS) if may_be_taxed_apart(rules) else None,
        pension_cap=_pension_cap(rules),
        donation_share=rate(donations.share) if donations else None,
        exempt_gross_and_balance=(exemption.gross, exemption.balance) if exemption else None,
    )


def _donations(rules: IncomeTaxRules) -> Donations | None:
    try:
        return rules.donations
    except InvalidInputError:
        return None


def _pension_cap(rules: IncomeTaxRules) -> int | None:
    try:
        return rules.personal_pension_cap.amount
    except InvalidInputError:
        return None


class Returns(NamedTuple):
    """Annual returns of one tax year, as columns; ``amounts`` has those that were given, by their names."""

    people: int
    amounts: Mapping[str, Column]
    bonus_mode: int | Column
    withheld_properly: bool | Flags

    def amount(self, name: str) -> Amounts:
        return self.amounts.get(name, 0)


def may_be_refused(returns: Returns, rules: YearRules) -> bool:
    """Whether the one-person function might refuse one of the returns; found without looking at each."""
    for column in returns.amounts.values():
        if column.view(np.uint64).max(initial=0) > MAX_AMOUNT:  # below zero is far above it
            return True
    mode = returns.bonus_mode
    if not isinstance(mode, int) and not np.all((mode >= MERGE) & (mode <= BETTER)):
        return True
    if rules.pension_cap is None and np.any(returns.amount("personal_pension")):
        return True
    if rules.donation_share is None and (
        np.any(returns.amount("donations")) or np.any(returns.amount("donations_in_full"))
    ):
        return True
    return rules.bonus is None and bool(np.any((mode == SEPARATE) & (returns.amount("bonus") != 0)))


class Settled(NamedTuple):
    """The figures of ``AnnualSettlement`` as columns; 0 stands for one that is zero throughout."""

    income_amount: Amounts
    taxable: Amounts
    tax: Amounts
    bonus_tax: Amounts
    tax_total: Amounts
    refund: Amounts
    due: Amounts
    medical_deduction: Amounts
    donation_deduction: Amounts
    must_settle: Flags


def settle_columns(returns: Returns, rules: YearRules) -> Settled:
    """Settle returns of one year that were judged before."""
    wages = returns.amounts.get("wages", np.zeros(returns.people, np.int64))
    bonus = returns.amounts.get("bonus")
    mode = returns.bonus_mode
    if bonus is None:
        return _settle(returns, rules, wages, 0)
    if rules.bonus is None or np.all(mode == MERGE):
        return _settle(returns, rules, wages + bonus, 0)
    apart = _settle(returns, rules, wages, rules.bonus.tax(bonus))
    if np.all(mode == SEPARATE):
        return apart
    merged = _settle(returns, rules, wages + bonus, 0)
    take_apart = (mode == SEPARATE) | ((mode == BETTER) & (apart.tax_total < merged.tax_total))
    return Settled(*(np.where(take_apart, one, other) for one, other in zip(apart, merged, strict=True)))


def _settle(returns: Returns, rules: YearRules, wages: Column, bonus_tax: Amounts) -> Settled:
    """As ``income_tax._settle``, for wages with what of the bonus is merged into them."""
    given = returns.amount
    gross, income = wages, times(wages, rules.ratios["wages"])
    for kind in ("labour", "author", "royalty"):
        paid = given(kind)
        if not isinstance(paid, int):
            gross = gross + paid
            income = income + times(paid, rules.ratios[kind])

    medical = given("medical_self_pay")
    if not isinstance(medical, int):
        medical = np.minimum(np.maximum(medical - rules.medical_threshold, 0), rules.medical_cap)
    pension = given("personal_pension")
    if not isinstance(pension, int):
        pension = np.minimum(pension, rules.pension_cap or 0)
    taxable: Column = income - rules.basic_deduction
    for deducted in (given("social"), given("sad"), medical, pension, given("other_deductions")):
        if not isinstance(deducted, int):
            taxable -= deducted
    np.maximum(taxable, 0, out=taxable)
    donated: Amounts = 0
    if rules.donation_share and not returns.amounts.keys().isdisjoint(("donations", "donations_in_full")):
        capped = np.minimum(given("donations"), times(taxable, rules.donation_share))
        donated = np.minimum(taxable, capped + given("donations_in_full"))
        taxable = taxable - donated

    tax = rules.annual.tax(taxable)
    total: Column = tax + bonus_tax
    balance: Column = total - given("withheld")
    due = np.maximum(balance, 0)
    must_settle = due > 0
    if rules.exempt_gross_and_balance is not None:
        most_gross, most_due = rules.exempt_gross_and_balance
        exempt = (gross <= most_gross) | (due <= most_due)
        must_settle &= ~(exempt & returns.withheld_properly)
    return Settled(
        income_amount=income,
        taxable=taxable,
        tax=tax,
        bonus_tax=bonus_tax,
        tax_total=total,
        refund=due - balance,
        due=due,
        medical_deduction=medical,
        donation_deduction=donated,
        must_settle=must_settle,
    )
