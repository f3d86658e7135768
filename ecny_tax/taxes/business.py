"""Income tax on business income (经营所得): of sole traders and partners, by the year."""

from __future__ import annotations

from ecny_tax.money import Fen
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.brackets import bracket_steps, by_brackets
from ecny_tax.taxes.checks import check_amount, rules_of
from ecny_tax.taxes.steps import ExplainedTax, Step


def business_tax(taxable_income: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> ExplainedTax:
    """The tax on a year's taxable business income, in fen; reliefs for sole traders are not taken off.

    Source: 个人所得税法, rate table 2.  Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("taxable_income", taxable_income)
    table = rules_of(book, tax_year).business_brackets
    tax = by_brackets(taxable_income, table)
    steps = (
        Step("Taxable business income of the year", "全年经营所得应纳税所得额", taxable_income),
        *bracket_steps(taxable_income, table, "Taxable income", "应纳税所得额"),
        Step("Tax on business income", "经营所得应纳税额", tax, table.citation),
    )
    return ExplainedTax(taxable_income, tax, table.citation, table.evidence, steps)
