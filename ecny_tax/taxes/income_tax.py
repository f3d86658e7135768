"""Income tax on the comprehensive income (综合所得) of residents, by the year.

No text of law states how to round; tested practice is half up to the fen, and so it is done here: each
kind of income's amount by itself, then the tax, each once and from exact fractions.  A tax year follows
the rules in force on its last day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Literal

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, round_half_up, times, yuan_text
from ecny_tax.rulebook import PACKAGE, BracketTable, Cited, IncomeTaxRules, Rulebook
from ecny_tax.rulebook.income_tax import IncomeRatios

BonusMode = Literal["merge", "separate"]

_NOTHING = Fen(0)

FIRST_YEAR, LAST_YEAR = 2019, 2100

#: What every answer about a settlement says of its figures.
ASSUMPTION = "the figures given stand for the tax authority's own record of this person and year"
ASSUMPTION_ZH = "所填数据视同税务机关对该纳税人该年度的记录"


@dataclass(frozen=True, slots=True)
class AnnualReturn:
    """An annual return (年度汇算申报): what one person received, may deduct, and had withheld in a year.

    Either the four kinds of income with their deductions, or ``base_taxable`` (taxable income already
    known) and exactly one more income, to see what that adds.  ``bonus`` is a yearly bonus (全年一次性奖金):
    merged with the wages unless ``bonus_mode`` sets it apart, which is the taxpayer's choice to make.

    Raises ``InvalidInputError`` (``input_value_malformed``, ``input_keys_conflict``).
    """

    tax_year: int
    wages: Fen = _NOTHING
    labour: Fen = _NOTHING
    author: Fen = _NOTHING
    royalty: Fen = _NOTHING
    social: Fen = _NOTHING
    sad: Fen = _NOTHING
    medical_self_pay: Fen = _NOTHING
    personal_pension: Fen = _NOTHING
    bonus: Fen = _NOTHING
    bonus_mode: BonusMode = "merge"
    withheld: Fen = _NOTHING
    base_taxable: Fen | None = None

    def __post_init__(self) -> None:
        _check_year(self.tax_year)
        if self.bonus_mode not in ("merge", "separate"):
            raise malformed("bonus_mode", self.bonus_mode)
        for key in AMOUNTS:
            _check_amount(key, getattr(self, key))
        if self.base_taxable is not None:
            if deducted := [key for key in DEDUCTIONS if getattr(self, key)]:
                raise InvalidInputError("input_keys_conflict", keys=", ".join(deducted))
            given = [key for key in INCOMES if getattr(self, key)]
            if len(given) != 1:
                raise InvalidInputError("input_keys_conflict", keys=", ".join(given) or "–")


INCOMES = ("wages", "labour", "author", "royalty", "bonus")
DEDUCTIONS = ("social", "sad", "medical_self_pay", "personal_pension")
AMOUNTS = tuple(field.name for field in fields(AnnualReturn) if field.name not in ("tax_year", "bonus_mode"))


@dataclass(frozen=True, slots=True)
class AnnualSettlement:
    """An annual settlement (汇算清缴): the year's tax against what was withheld.

    ``tax`` is the tax on ``taxable``, ``bonus_tax`` that on a bonus taxed apart, ``tax_total`` both.  At
    most one of ``refund`` and ``due`` is above zero.  ``increment`` is what the one income given beside
    ``base_taxable`` adds to the tax, and ``None`` otherwise.  ``assumption`` must be shown with the result.
    """

    tax_year: int
    income_amount: Fen
    taxable: Fen
    tax: Fen
    bonus_tax: Fen
    tax_total: Fen
    withheld: Fen
    refund: Fen
    due: Fen
    medical_deduction: Fen
    increment: Fen | None
    citation: str
    evidence: str
    assumption: str = ASSUMPTION
    assumption_zh: str = ASSUMPTION_ZH


def settle(annual_return: AnnualReturn, *, book: Rulebook = PACKAGE) -> AnnualSettlement:
    """Compute the year's tax and the refund or the amount due.

    Deductions count up to the income of the year and are not carried on.  Raises ``RejectedError``:
    ``pension_above_cap`` (a contribution that may not be deducted is not silently cut) and
    ``bonus_mode_not_in_force``; ``InvalidInputError`` (``no_rule_on_date``) for a personal pension before
    there was one.
    """
    given, rules = annual_return, _rules(book, annual_return.tax_year)
    apart = given.bonus_mode == "separate" and given.bonus > 0
    income = _income_amount(given, rules.income_ratios, with_bonus=not apart)
    medical = medical_deduction(given.medical_self_pay, tax_year=given.tax_year, book=book)
    used: list[Cited] = [rules.annual_brackets, rules.income_ratios]
    if given.base_taxable is None:
        deductions = rules.basic_deduction.amount + given.social + given.sad + medical
        deductions += _deductible_pension(given.personal_pension, rules)
        taxable = Fen(max(0, income - deductions))
        used.append(rules.basic_deduction)
    else:
        taxable = Fen(given.base_taxable + income)
    if given.medical_self_pay:
        used.append(rules.medical)
    if given.personal_pension:
        used.append(rules.personal_pension_cap)

    tax, apart_tax, increment = by_brackets(taxable, rules.annual_brackets), Fen(0), None
    if apart:
        apart_tax = bonus_tax(given.bonus, tax_year=given.tax_year, book=book)
        used += (rules.monthly_brackets, rules.separate_bonus)
    total = Fen(tax + apart_tax)
    if given.base_taxable is not None:
        increment = Fen(total - by_brackets(given.base_taxable, rules.annual_brackets))

    citation, evidence = rulebook.sources(*used)
    return AnnualSettlement(
        tax_year=given.tax_year,
        income_amount=income,
        taxable=taxable,
        tax=tax,
        bonus_tax=apart_tax,
        tax_total=total,
        withheld=given.withheld,
        refund=Fen(max(0, given.withheld - total)),
        due=Fen(max(0, total - given.withheld)),
        medical_deduction=medical,
        increment=increment,
        citation=citation,
        evidence=evidence,
    )


def by_brackets(amount: Fen, table: BracketTable, *, months: int = 1) -> Fen:
    """The tax on ``amount`` by a progressive table, half up to the fen.

    With ``months`` the rate is found at ``amount / months``, while the rate is applied to the whole and the
    quick deduction taken off once: how a yearly bonus is taxed on the monthly table.
    """
    line = next(line for line in table.brackets if line.up_to is None or amount <= months * line.up_to)
    return round_half_up(amount * line.rate - line.quick_deduction)


def annual_tax(taxable: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on the taxable income of a year (应纳税所得额)."""
    _check_amount("taxable", taxable)
    return by_brackets(taxable, _rules(book, tax_year).annual_brackets)


def bonus_tax(bonus: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on a yearly bonus taxed apart; ``RejectedError`` (``bonus_mode_not_in_force``) after 2027."""
    _check_amount("bonus", bonus)
    rules = _rules(book, tax_year)
    try:
        _ = rules.separate_bonus
    except InvalidInputError as error:  # a lapsed choice is the law's answer, not a malformed request
        periods = error.values["periods"]
        raise RejectedError("bonus_mode_not_in_force", year=tax_year, periods=periods) from None
    return by_brackets(bonus, rules.monthly_brackets, months=12)


def medical_deduction(self_pay: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """What is deducted for serious illness (大病医疗): own cost above the threshold, up to the cap."""
    _check_amount("medical_self_pay", self_pay)
    rule = _rules(book, tax_year).medical
    return Fen(min(max(0, self_pay - rule.threshold), rule.cap))


def settlement_window(tax_year: int, *, book: Rulebook = PACKAGE) -> tuple[date, date]:
    """The first and the last day on which a year is settled (汇算清缴期)."""
    return _rules(book, tax_year).settlement_window.in_year(tax_year + 1)


def claim_window(tax_year: int, *, book: Rulebook = PACKAGE) -> tuple[date, date]:
    """The first and the last day on which the refund of a year can be claimed.

    It opens with the settlement window; the term counts from that window's end, which is unverified.
    """
    opens, closes = settlement_window(tax_year, book=book)
    return opens, closes.replace(year=closes.year + _rules(book, tax_year).claim_window.years)


def malformed(key: str, value: object) -> InvalidInputError:
    """The refusal of a value of the annual return, saying what would be accepted."""
    if key == "tax_year":
        accepted = f"{FIRST_YEAR} … {LAST_YEAR}"
    elif key == "bonus_mode":
        accepted = '"merge" | "separate"'
    else:
        accepted = '"17000.00" | 17000'
    return InvalidInputError("input_value_malformed", key=key, value=value, accepted=accepted)


def _income_amount(given: AnnualReturn, ratios: IncomeRatios, *, with_bonus: bool) -> Fen:
    return Fen(
        times(given.wages + (given.bonus if with_bonus else 0), ratios.wages)
        + times(given.labour, ratios.labour)
        + times(given.author, ratios.author)
        + times(given.royalty, ratios.royalty)
    )


def _deductible_pension(paid: Fen, rules: IncomeTaxRules) -> Fen:
    if paid == 0:
        return paid
    cap = rules.personal_pension_cap.amount
    if paid > cap:
        raise RejectedError("pension_above_cap", value=yuan_text(paid), cap=yuan_text(cap))
    return paid


def _rules(book: Rulebook, tax_year: int) -> IncomeTaxRules:
    _check_year(tax_year)
    return book.on(date(tax_year, 12, 31)).income_tax


def _check_year(tax_year: int) -> None:
    if type(tax_year) is not int or not FIRST_YEAR <= tax_year <= LAST_YEAR:
        raise malformed("tax_year", tax_year)


def _check_amount(key: str, amount: object) -> None:
    if amount is None and key == "base_taxable":
        return
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise malformed(key, repr(amount))
    if not 0 <= amount <= MAX_AMOUNT:
        raise malformed(key, yuan_text(amount))
