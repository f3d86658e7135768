"""Income tax on the wages of non-residents (非居民个人), by the month on the monthly table.

Source: 国家税务总局公告2018年第61号, art. 9; 财政部 税务总局公告2019年第35号.
"""

from __future__ import annotations

from ecny_tax.money import Fen, times
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.brackets import by_brackets, line_of
from ecny_tax.taxes.checks import check_amount, rules_of


def nonresident_month_tax(wage: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on a month's wage: what is above the deduction of 5,000, on the monthly table; in fen.

    Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("wage", wage)
    rules = rules_of(book, tax_year)
    taxable = Fen(max(0, wage - rules.non_resident.deduction))
    return by_brackets(taxable, rules.monthly_brackets)


def nonresident_bonus_tax(bonus: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> Fen:
    """The tax on a bonus for several months: six times that on a sixth of it, rounded once; in fen.

    Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("bonus", bonus)
    rules = rules_of(book, tax_year)
    parts = rules.non_resident.parts
    line = line_of(bonus, rules.monthly_brackets, parts=parts)
    return Fen(times(bonus, line.rate) - parts * line.quick_deduction)
