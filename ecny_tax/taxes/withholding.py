"""What a payer withholds (预扣预缴) from residents: on wages by the cumulative method, on other pay at once.

Source: 国家税务总局公告2018年第61号, art. 6 and 8; 2020年第13号 and 第19号 for the two other ways on wages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import NOTHING, Fen, times, yuan_text
from ecny_tax.rulebook import PACKAGE, Cited, IncomeTaxRules, Rulebook
from ecny_tax.rulebook.income_tax import PayWithholding
from ecny_tax.taxes.brackets import bracket_steps, by_brackets
from ecny_tax.taxes.checks import check_amount, check_flag, check_number, malformed, rules_of
from ecny_tax.taxes.steps import ExplainedTax, Step, percent

PayKind = Literal["labour", "author", "royalty"]
PAY_KINDS = ("labour", "author", "royalty")


@dataclass(frozen=True, slots=True)
class WageMonth:
    """What one employer pays for a ``month`` (1 to 12) and takes into account, in fen.

    ``social`` are the special deductions (专项扣除) of the month, ``sad`` the special additional ones.
    Raises ``InvalidInputError`` (``input_value_malformed``).
    """

    month: int
    wage: Fen
    social: Fen = NOTHING
    sad: Fen = NOTHING

    def __post_init__(self) -> None:
        check_number("month", self.month, 1, 12)
        for key in ("wage", "social", "sad"):
            check_amount(key, getattr(self, key))


@dataclass(frozen=True, slots=True)
class WithheldMonth:
    """A month of withholding, in fen: ``taxable`` and ``tax_so_far`` are those of the year so far."""

    month: int
    taxable: Fen
    tax_so_far: Fen
    tax: Fen


@dataclass(frozen=True, slots=True)
class WageWithholding:
    """What is withheld on the wages of a year, in fen: ``tax`` by month as listed, and ``total``."""

    tax: tuple[Fen, ...]
    total: Fen
    months: tuple[WithheldMonth, ...]
    citation: str
    evidence: str
    steps: tuple[Step, ...]


def withhold_wages(
    months: Sequence[WageMonth],
    *,
    tax_year: int,
    first_wage_of_year: bool = False,
    annual_60000_from_january: bool = False,
    book: Rulebook = PACKAGE,
) -> WageWithholding:
    """The tax to withhold on each month's wage by the cumulative method (累计预扣法).

    Up to a month, the tax on all wages less all deductions of the year so far, less what was withheld
    before.  A month in which that is negative withholds nothing; what was withheld too much returns only at
    the annual settlement.  The basic deduction is 5,000 for each month since the first one listed (months
    without pay in between count), for each month since January where it is the ``first_wage_of_year``, or
    60,000 at once with ``annual_60000_from_january``.

    Raises ``InvalidInputError`` (``input_value_malformed`` also where no month is listed,
    ``withholding_months_disordered``, ``withholding_ways_conflict``) and ``RejectedError``
    (``withholding_way_not_in_force``).
    """
    rules = rules_of(book, tax_year)
    _check_months(months)
    used: list[Cited] = [rules.monthly_deduction, rules.annual_brackets]
    used += _way(rules, first_wage_of_year, annual_60000_from_january)
    months_before = 0 if first_wage_of_year else months[0].month - 1

    done: list[WithheldMonth] = []
    wages = deducted = withheld = 0
    for given in months:
        wages += given.wage
        deducted += given.social + given.sad
        basic = rules.monthly_deduction.amount * (given.month - months_before)
        if annual_60000_from_january:
            basic = rules.basic_deduction.amount
        taxable = Fen(max(0, wages - basic - deducted))
        tax_so_far = by_brackets(taxable, rules.annual_brackets)
        tax = Fen(max(0, tax_so_far - withheld))
        withheld += tax
        done.append(WithheldMonth(given.month, taxable, tax_so_far, tax))

    citation, evidence = rulebook.sources(*used)
    return WageWithholding(
        tax=tuple(month.tax for month in done),
        total=Fen(withheld),
        months=tuple(done),
        citation=citation,
        evidence=evidence,
        steps=tuple(step for month in done for step in _steps_of(month, rules)),
    )


def withhold_payment(kind: PayKind, amount: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> ExplainedTax:
    """The tax to withhold on one payment for labour service, to an author, or for royalties.

    Up to 4,000 less 800, above less 20 %; of an author's pay 70 % of that.  Labour service is taxed by a
    table of its own, the others flat.  What is left after the flat cost is rounded to the fen, then the tax.
    Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    if kind not in PAY_KINDS:
        raise malformed("type", kind, " | ".join(f'"{known}"' for known in PAY_KINDS))
    check_amount("amount", amount)
    rules = rules_of(book, tax_year)
    rule = rules.pay_withholding
    used: list[Cited] = [rule]
    counted = rule.author_factor if kind == "author" else Fraction(1)
    if amount <= rule.small:
        taxable = times(max(0, amount - rule.flat), counted)
    else:
        taxable = times(amount, (1 - rule.share) * counted)
    label, label_zh = "Taxable", "预扣预缴应纳税所得额"
    if kind == "labour":
        tax = by_brackets(taxable, rules.labour_brackets)
        used.append(rules.labour_brackets)
        taxing = [*bracket_steps(taxable, rules.labour_brackets, label, label_zh)]
    else:
        tax, rate = times(taxable, rule.rate), percent(rule.rate)
        taxing = [Step(f"{label} × {rate}", f"{label_zh} × {rate}", tax, rule.citation)]
    citation, evidence = rulebook.sources(*used)
    steps = (
        Step("What was paid", "支付额", amount),
        _cost(amount, rule),
        _taxable(taxable, counted, rule),
        *taxing,
        Step("Tax to withhold", "应预扣预缴税额", tax, used[-1].citation),
    )
    return ExplainedTax(taxable=taxable, tax=tax, citation=citation, evidence=evidence, steps=steps)


def _cost(amount: Fen, rule: PayWithholding) -> Step:
    """The flat cost: up to the small amount a sum, above it a share."""
    small = yuan_text(rule.small, grouped=True)
    if amount <= rule.small:
        label, label_zh = f"Less the flat cost of pay up to {small}", f"减除费用（收入不超过 {small}）"
        return Step(label, label_zh, rule.flat, rule.citation)
    share = percent(rule.share)
    label = f"Less the flat cost of pay above {small}: {share}"
    label_zh = f"减除费用（收入超过 {small}）：{share}"
    return Step(label, label_zh, Fen(amount - times(amount, 1 - rule.share)), rule.citation)


def _taxable(taxable: Fen, counted: Fraction, rule: PayWithholding) -> Step:
    part, part_zh = "", ""
    if counted != 1:
        part, part_zh = f", {percent(counted)} of the rest", f"，余额减按 {percent(counted)}"
    label, label_zh = f"Taxable{part}, at least zero", f"预扣预缴应纳税所得额{part_zh}（不低于零）"
    return Step(label, label_zh, taxable, rule.citation)


def _steps_of(month: WithheldMonth, rules: IncomeTaxRules) -> tuple[Step, Step, Step]:
    number, deduction = month.month, rules.monthly_deduction.citation
    return (
        Step(f"Month {number}: taxable so far", f"{number} 月：累计应纳税所得额", month.taxable, deduction),
        Step(
            f"Month {number}: tax on that",
            f"{number} 月：累计应纳税额",
            month.tax_so_far,
            rules.annual_brackets.citation,
        ),
        Step(f"Month {number}: tax to withhold this month", f"{number} 月：本月应预扣预缴税额", month.tax),
    )


def _check_months(months: Sequence[WageMonth]) -> None:
    if not months:
        raise malformed("months", "[]", "1 … 12")
    for before, month in pairwise(months):
        if month.month <= before.month:
            raise InvalidInputError("withholding_months_disordered", month=month.month, before=before.month)


def _way(rules: IncomeTaxRules, first_wage: bool, sixty_thousand: bool) -> list[Cited]:
    """The rules of the way that was chosen, which must be in force and one only."""
    check_flag("first_wage_of_year", first_wage)
    check_flag("annual_60000_from_january", sixty_thousand)
    if first_wage and sixty_thousand:
        raise InvalidInputError("withholding_ways_conflict")
    try:
        if first_wage:
            return [rules.first_wage_of_year]
        return [rules.annual_60000_from_january, rules.basic_deduction] if sixty_thousand else []
    except InvalidInputError as error:  # what was not yet law is the law's answer, not a malformed request
        way = "first_wage_of_year" if first_wage else "annual_60000_from_january"
        periods = error.values["periods"]
        raise RejectedError(
            "withholding_way_not_in_force", year=rules.day.year, way=way, periods=periods
        ) from None
