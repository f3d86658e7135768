"""Deductions that are computed from what was spent: serious illness and donations."""

from __future__ import annotations

from ecny_tax.money import NOTHING, Fen, times
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.rulebook.income_tax import Donations
from ecny_tax.taxes.checks import check_amount, rules_of


def medical_deduction(self_pay: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """What is deducted for serious illness (大病医疗): own cost above the threshold, up to the cap; in fen.

    Source: 国发〔2018〕41号.  Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("medical_self_pay", self_pay)
    rule = rules_of(book, tax_year).medical
    return Fen(min(max(0, self_pay - rule.threshold), rule.cap))


def donation_deduction(
    donations: Fen,
    *,
    taxable_before: Fen,
    tax_year: int,
    in_full: Fen = NOTHING,
    book: Rulebook = PACKAGE,
) -> Fen:
    """What is deducted for donations (公益捐赠), in fen.

    ``donations`` count up to 30 % of the taxable income before any donation, those that the law deducts
    ``in_full`` (全额扣除) beside them; together they take off at most all of that income, and the rest is
    lost.  So the order of deducting, which the law leaves to the taxpayer, does not matter.
    Source: 个人所得税法, art. 6.  Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("donations", donations)
    check_amount("donations_in_full", in_full)
    check_amount("taxable_before", taxable_before)
    return deductible(donations, in_full, taxable_before, rules_of(book, tax_year).donations)


def deductible(donations: Fen, in_full: Fen, taxable_before: Fen, rule: Donations) -> Fen:
    """The arithmetic of :func:`donation_deduction`, of amounts that were judged before."""
    capped = min(donations, times(taxable_before, rule.share))
    return Fen(min(taxable_before, capped + in_full))
