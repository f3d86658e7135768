"""Income tax on business income (经营所得): of sole traders and partners, by the year."""

from __future__ import annotations

from ecny_tax.money import Fen
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.brackets import by_brackets
from ecny_tax.taxes.checks import check_amount, rules_of


def business_tax(taxable_income: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on a year's taxable business income, in fen; reliefs for sole traders are not taken off.

    Source: 个人所得税法, rate table 2.  Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("taxable_income", taxable_income)
    return by_brackets(taxable_income, rules_of(book, tax_year).business_brackets)
