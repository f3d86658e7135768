"""Income tax on the comprehensive income (综合所得) of residents, by the year.

No text of law states how to round; tested practice is half up to the fen, and so it is done here: each
kind of income's amount by itself, then the tax, each once and from exact fractions.  A tax year follows
the rules in force on its last day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Literal

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, times
from ecny_tax.rulebook import PACKAGE, Cited, IncomeTaxRules, Rulebook
from ecny_tax.taxes import checks
from ecny_tax.taxes.bonus import bonus_tax, may_be_taxed_apart
from ecny_tax.taxes.brackets import by_brackets
from ecny_tax.taxes.checks import FIRST_YEAR, LAST_YEAR, check_amount, check_flag, check_year, rules_of
from ecny_tax.taxes.deductions import deductible, medical_deduction
from ecny_tax.taxes.exemption import SettleReason, must_settle, reason_to_settle
from ecny_tax.taxes.steps import Step

if TYPE_CHECKING:
    from ecny_tax.taxes.settle_many import settle_many as settle_many  # noqa: PLC0414 - a name of this module

#: How a yearly bonus is taxed; ``better`` leaves the choice of the cheaper way to the computation.
BonusMode = Literal["merge", "separate", "better"]
BONUS_MODES = ("merge", "separate", "better")


#: What every answer about a settlement says of its figures.
ASSUMPTION = "the figures given stand for the tax authority's own record of this person and year"
ASSUMPTION_ZH = "所填数据视同税务机关对该纳税人该年度的记录"


@dataclass(frozen=True, slots=True)
class AnnualReturn:
    """An annual return (年度汇算申报): what one person received, may deduct, and had withheld in a year.

    Amounts are in fen.  Either the four kinds of income with their deductions, or ``base_taxable`` (taxable
    income already known) and exactly one more income, to see what that adds.

    ``bonus`` is a yearly bonus (全年一次性奖金): merged with the wages unless ``bonus_mode`` sets it apart,
    which is the taxpayer's choice to make, or leaves that to what is ``better``.  Only one bonus a year may
    be taxed apart; a return holds one, and the service refuses a second return of the year.

    ``sad`` are the special additional deductions but for serious illness, which follows from
    ``medical_self_pay``.  ``donations`` count up to 30 % of the taxable income, ``donations_in_full`` whole;
    ``other_deductions`` are the others by law (其他扣除) but for the personal pension.
    ``withheld_properly`` says that payers withheld as the law asks, without which nobody is exempt from
    settling.

    Raises ``InvalidInputError`` (``input_value_malformed``, ``input_keys_conflict``).
    """

    tax_year: int
    wages: Fen = NOTHING
    labour: Fen = NOTHING
    author: Fen = NOTHING
    royalty: Fen = NOTHING
    social: Fen = NOTHING
    sad: Fen = NOTHING
    medical_self_pay: Fen = NOTHING
    personal_pension: Fen = NOTHING
    bonus: Fen = NOTHING
    bonus_mode: BonusMode = "merge"
    withheld: Fen = NOTHING
    base_taxable: Fen | None = None
    other_deductions: Fen = NOTHING
    donations: Fen = NOTHING
    donations_in_full: Fen = NOTHING
    withheld_properly: bool = True

    def __post_init__(self) -> None:
        check_year(self.tax_year)
        if self.bonus_mode not in BONUS_MODES:
            raise malformed("bonus_mode", self.bonus_mode)
        check_flag("withheld_properly", self.withheld_properly)
        for key in AMOUNTS:
            if key != "base_taxable" or self.base_taxable is not None:
                check_amount(key, getattr(self, key))
        if self.base_taxable is not None:
            if deducted := [key for key in DEDUCTIONS if getattr(self, key)]:
                raise InvalidInputError("input_keys_conflict", keys=", ".join(deducted))
            given = [key for key in INCOMES if getattr(self, key)]
            if len(given) != 1:
                raise InvalidInputError("input_keys_conflict", keys=", ".join(given) or "–")


INCOMES = ("wages", "labour", "author", "royalty", "bonus")
DEDUCTIONS = (
    "social", "sad", "medical_self_pay", "personal_pension",
    "other_deductions", "donations", "donations_in_full",
)  # fmt: skip
_NOT_AMOUNTS = ("tax_year", "bonus_mode", "withheld_properly")
AMOUNTS = tuple(field.name for field in fields(AnnualReturn) if field.name not in _NOT_AMOUNTS)


@dataclass(frozen=True, slots=True)
class AnnualSettlement:
    """An annual settlement (汇算清缴): the year's tax against what was withheld, amounts in fen.

    ``tax`` is the tax on ``taxable``, ``bonus_tax`` that on a bonus taxed apart, ``tax_total`` both;
    ``bonus_mode`` is the way that was taken.  At most one of ``refund`` and ``due`` is above zero.
    ``must_settle`` says whether the person has to settle, ``must_settle_reason`` why (see ``exemption``).
    ``increment`` is what the one income given beside ``base_taxable`` adds to the tax, and ``None``
    otherwise; then there is no whole year, and ``must_settle`` is ``None``.  ``steps`` are there when asked
    for (``explanation.explain``).  ``assumption`` must be shown with the result.
    """

    tax_year: int
    income_amount: Fen
    taxable: Fen
    tax: Fen
    bonus_mode: Literal["merge", "separate"]
    bonus_tax: Fen
    tax_total: Fen
    withheld: Fen
    refund: Fen
    due: Fen
    medical_deduction: Fen
    donation_deduction: Fen
    increment: Fen | None
    must_settle: bool | None
    must_settle_reason: SettleReason | None
    citation: str
    evidence: str
    assumption: str = ASSUMPTION
    assumption_zh: str = ASSUMPTION_ZH
    steps: tuple[Step, ...] = ()


def settle(annual_return: AnnualReturn, *, book: Rulebook = PACKAGE) -> AnnualSettlement:
    """Compute the year's tax and the refund or the amount due.

    Deductions count up to the income of the year and are not carried on; they do not lower a bonus that is
    taxed apart.  With ``bonus_mode="better"`` the cheaper way is taken, merging where both cost the same or
    where taxing apart is no longer in force.

    Raises ``RejectedError`` (``bonus_mode_not_in_force``), and ``InvalidInputError`` (``no_rule_on_date``)
    for a personal pension before there was one.  Source: 个人所得税法, art. 6 and 11.
    """
    given = annual_return
    if given.bonus_mode != "better":
        return _settle(given, given.bonus_mode, book)
    merged = _settle(given, "merge", book)
    if given.bonus == 0 or not may_be_taxed_apart(rules_of(book, given.tax_year)):
        return merged
    apart = _settle(given, "separate", book)
    return apart if apart.tax_total < merged.tax_total else merged


def _settle(given: AnnualReturn, mode: Literal["merge", "separate"], book: Rulebook) -> AnnualSettlement:
    year, rules = given.tax_year, rules_of(book, given.tax_year)
    apart = mode == "separate" and given.bonus > 0
    wages = given.wages if apart else given.wages + given.bonus

    ratios = rules.income_ratios
    income = Fen(
        times(wages, ratios.wages)
        + times(given.labour, ratios.labour)
        + times(given.author, ratios.author)
        + times(given.royalty, ratios.royalty)
    )
    medical = medical_deduction(given.medical_self_pay, tax_year=year, book=book)
    donated = NOTHING
    if given.base_taxable is None:
        deducted = rules.basic_deduction.amount + given.social + given.sad + medical
        deducted += deductible_pension(given.personal_pension, rules) + given.other_deductions
        taxable = Fen(max(0, income - deducted))
        if given.donations or given.donations_in_full:
            donated = deductible(given.donations, given.donations_in_full, taxable, rules.donations)
            taxable = Fen(taxable - donated)
    else:
        taxable = Fen(given.base_taxable + income)

    tax = by_brackets(taxable, rules.annual_brackets)
    apart_tax = bonus_tax(given.bonus, tax_year=year, book=book) if apart else NOTHING
    total = Fen(tax + apart_tax)
    refund, due = Fen(max(0, given.withheld - total)), Fen(max(0, total - given.withheld))

    increment, reason = None, None
    if given.base_taxable is None:
        gross = Fen(wages + given.labour + given.author + given.royalty)
        reason = "refund" if refund else reason_to_settle(gross, due, given.withheld_properly, rules)
    else:
        increment = Fen(total - by_brackets(given.base_taxable, rules.annual_brackets))

    citation, evidence = rulebook.sources(*_rules_used(given, apart, reason, rules))
    return AnnualSettlement(
        tax_year=year,
        income_amount=income,
        taxable=taxable,
        tax=tax,
        bonus_mode=mode,
        bonus_tax=apart_tax,
        tax_total=total,
        withheld=given.withheld,
        refund=refund,
        due=due,
        medical_deduction=medical,
        donation_deduction=donated,
        increment=increment,
        must_settle=None if reason is None else must_settle(reason),
        must_settle_reason=reason,
        citation=citation,
        evidence=evidence,
    )


def annual_tax(taxable: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on the taxable income of a year (应纳税所得额), in fen.

    Source: 个人所得税法, rate table 1.  Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("taxable", taxable)
    return by_brackets(taxable, rules_of(book, tax_year).annual_brackets)


def settlement_window(tax_year: int, *, book: Rulebook = PACKAGE) -> tuple[date, date]:
    """The first and the last day on which a year is settled (汇算清缴期)."""
    return rules_of(book, tax_year).settlement_window.in_year(tax_year + 1)


def claim_window(tax_year: int, *, book: Rulebook = PACKAGE) -> tuple[date, date]:
    """The first and the last day on which the refund of a year can be claimed.

    It opens with the settlement window; the term counts from that window's end, which is unverified.
    """
    opens, closes = settlement_window(tax_year, book=book)
    return opens, closes.replace(year=closes.year + rules_of(book, tax_year).claim_window.years)


def malformed(key: str, value: object) -> InvalidInputError:
    """The refusal of a value of the annual return, saying what would be accepted."""
    if key == "tax_year":
        accepted = f"{FIRST_YEAR} … {LAST_YEAR}"
    elif key == "bonus_mode":
        accepted = " | ".join(f'"{mode}"' for mode in BONUS_MODES)
    else:
        accepted = checks.AMOUNTS_ACCEPTED
    return checks.malformed(key, value, accepted)


def deductible_pension(paid: Fen, rules: IncomeTaxRules) -> Fen:
    """What was paid into a personal pension, up to the cap of the year (限额标准据实扣除)."""
    return min(paid, rules.personal_pension_cap.amount) if paid else paid


def _rules_used(
    given: AnnualReturn, apart: bool, reason: SettleReason | None, rules: IncomeTaxRules
) -> list[Cited]:
    """The rules on which the tax of a return rests, and that nothing need be topped up."""
    used: list[Cited] = [rules.annual_brackets, rules.income_ratios]
    if given.base_taxable is None:
        used.append(rules.basic_deduction)
    if given.medical_self_pay:
        used.append(rules.medical)
    if given.personal_pension:
        used.append(rules.personal_pension_cap)
    if given.donations or given.donations_in_full:
        used.append(rules.donations)
    if apart:
        used += (rules.monthly_brackets, rules.separate_bonus)
    if reason in ("gross_within_limit", "balance_within_limit"):
        used.append(rules.top_up_exemption)
    return used


def __getattr__(name: str) -> object:
    """``settle_many``, which few need, is loaded when it is first asked for (PEP 562)."""
    if name == "settle_many":
        from ecny_tax.taxes.settle_many import settle_many

        return settle_many
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
