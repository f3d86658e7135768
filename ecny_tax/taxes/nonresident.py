"""Income tax on the wages of non-residents (非居民个人), by the month on the monthly table.

Source: 国家税务总局公告2018年第61号, art. 9; 财政部 税务总局公告2019年第35号.
"""

from __future__ import annotations

from ecny_tax import rulebook
from ecny_tax.money import Fen, times
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.brackets import bracket_steps, by_brackets, line_of
from ecny_tax.taxes.checks import check_amount, rules_of
from ecny_tax.taxes.steps import ExplainedTax, Step


def nonresident_month_tax(wage: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> ExplainedTax:
    """The tax on a month's wage: what is above the deduction of 5,000, on the monthly table; in fen.

    Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("wage", wage)
    rules = rules_of(book, tax_year)
    rule, table = rules.non_resident, rules.monthly_brackets
    taxable = Fen(max(0, wage - rule.deduction))
    tax = by_brackets(taxable, table)
    steps = (
        Step("Wage of the month", "当月工资薪金", wage),
        Step("Less the deduction of a month", "减除费用", rule.deduction, rule.citation),
        Step("Taxable income, at least zero", "应纳税所得额（不低于零）", taxable, rule.citation),
        *bracket_steps(taxable, table, "Taxable income", "应纳税所得额"),
        Step("Tax of the month", "当月应纳税额", tax, table.citation),
    )
    return ExplainedTax(taxable, tax, *rulebook.sources(rule, table), steps)


def nonresident_bonus_tax(bonus: Fen, *, tax_year: int, book: Rulebook = PACKAGE) -> ExplainedTax:
    """The tax on a bonus for several months: six times that on a sixth of it, rounded once; in fen.

    Raises ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("bonus", bonus)
    rules = rules_of(book, tax_year)
    rule, table = rules.non_resident, rules.monthly_brackets
    line = line_of(bonus, table, parts=rule.parts)
    tax = Fen(times(bonus, line.rate) - rule.parts * line.quick_deduction)
    label, label_zh = f"Bonus, by the rate of 1/{rule.parts} of it", f"数月奖金（按 1/{rule.parts} 确定税率）"
    steps = (
        Step("Bonus for several months", "数月奖金", bonus),
        *bracket_steps(bonus, table, label, label_zh, parts=rule.parts, quick=rule.parts),
        Step("Tax on the bonus", "数月奖金应纳税额", tax, rule.citation),
    )
    return ExplainedTax(bonus, tax, *rulebook.sources(rule, table), steps)
