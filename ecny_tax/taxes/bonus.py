"""A yearly bonus (全年一次性奖金): taxed apart, compared with merging it, and the traps of taxing it apart.

Taxed apart, the rate is found by a twelfth of the bonus on the monthly table, while one quick deduction is
taken off the whole; so the tax jumps where a twelfth crosses a bound, and a larger bonus can leave less.
Source: 财税〔2018〕164号, extended to 2027-12-31 by 财政部 税务总局公告2023年第30号.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan_text
from ecny_tax.rulebook import PACKAGE, BracketTable, IncomeTaxRules, Rulebook
from ecny_tax.taxes.brackets import by_brackets
from ecny_tax.taxes.checks import check_amount, rules_of

#: A bonus taxed apart finds its rate by one of as many parts.
MONTHS = 12


@dataclass(frozen=True, slots=True)
class BonusComparison:
    """Taxing a bonus apart against merging it, in fen.

    ``tax_separate`` is the tax on the bonus alone, ``tax_without_bonus`` that on the other income, and
    ``tax_merged_total`` that on both as one; ``saving`` is what the better way costs less than the other.
    """

    tax_separate: Fen
    tax_without_bonus: Fen
    tax_merged_total: Fen
    better: Literal["separate", "merge", "equal"]
    saving: Fen
    citation: str
    evidence: str


def bonus_tax(bonus: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on a yearly bonus taxed apart (单独计税).

    Raises ``InvalidInputError`` (``input_value_malformed``) and ``RejectedError``
    (``bonus_mode_not_in_force``) after 2027.
    """
    check_amount("bonus", bonus)
    return by_brackets(bonus, _table(rules_of(book, tax_year)), months=MONTHS)


def may_be_taxed_apart(rules: IncomeTaxRules) -> bool:
    """Whether the choice of taxing a bonus apart is in force."""
    try:
        return bool(rules.separate_bonus.citation)
    except InvalidInputError:
        return False


def compare_bonus(
    bonus: Fen, *, other_taxable_income: Fen, tax_year: int, book: Rulebook = PACKAGE
) -> BonusComparison:
    """Compare taxing a bonus apart with adding it to the other taxable income of the year.

    Raises ``InvalidInputError`` (``input_value_malformed``) and ``RejectedError``
    (``bonus_mode_not_in_force``).
    """
    check_amount("other_taxable_income", other_taxable_income)
    rules = rules_of(book, tax_year)
    separate = bonus_tax(bonus, tax_year=tax_year, book=book)
    without = by_brackets(other_taxable_income, rules.annual_brackets)
    merged = by_brackets(Fen(other_taxable_income + bonus), rules.annual_brackets)
    merging_costs = merged - (separate + without)
    citation, evidence = rulebook.sources(rules.annual_brackets, rules.monthly_brackets, rules.separate_bonus)
    return BonusComparison(
        tax_separate=separate,
        tax_without_bonus=without,
        tax_merged_total=merged,
        better="separate" if merging_costs > 0 else "merge" if merging_costs < 0 else "equal",
        saving=Fen(abs(merging_costs)),
        citation=citation,
        evidence=evidence,
    )


def bonus_trap_upper(lower: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """Where the trap ends that starts at ``lower``: the first bonus above it that leaves as much again.

    ``lower`` is twelve times a bound of the monthly table (36,000 …).  To the fen: the tax is rounded as it
    would be, so the end can lie a fen below the exact one.  Raises ``InvalidInputError``
    (``bonus_trap_unknown``, ``input_value_malformed``) and ``RejectedError`` (``bonus_mode_not_in_force``).
    """
    check_amount("lower", lower)
    table = _table(rules_of(book, tax_year))
    bounds = [Fen(MONTHS * line.up_to) for line in table.brackets if line.up_to is not None]
    if lower not in bounds:
        known = " ".join(yuan_text(bound) for bound in bounds)
        raise InvalidInputError("bonus_trap_unknown", value=yuan_text(lower), known=known)

    def left(bonus: int) -> int:
        return bonus - by_brackets(Fen(bonus), table, months=MONTHS)

    # Inside a bracket more gross never leaves less, so the first that leaves enough can be bisected for.
    start, target = lower + 1, left(lower)
    for end in [bound for bound in bounds if bound > lower] + [MAX_AMOUNT]:
        if left(end) >= target:
            return Fen(start + bisect_left(range(start, end + 1), target, key=left))
        start = end + 1
    raise InvalidInputError("amount_too_large")


def _table(rules: IncomeTaxRules) -> BracketTable:
    """The table for a bonus taxed apart, while the law lets it be."""
    try:
        _ = rules.separate_bonus
    except InvalidInputError as error:  # a lapsed choice is the law's answer, not a malformed request
        periods = error.values["periods"]
        raise RejectedError("bonus_mode_not_in_force", year=rules.day.year, periods=periods) from None
    return rules.monthly_brackets
