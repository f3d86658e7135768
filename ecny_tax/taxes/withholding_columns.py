"""What payers withhold, on columns: the arithmetic of ``withholding`` for many people at once, to the fen.

Columns are arrays of int64, an entry a person; see ``columns``.  Whoever imports this has seen to it that
numpy is there.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ecny_tax.rulebook import IncomeTaxRules
from ecny_tax.taxes.columns import Column, Flags, rate, table, times
from ecny_tax.taxes.withholding import PayKind


def withheld_on_wages(
    rules: IncomeTaxRules, *, wage: Column, social: Column, sad: Column, first: Column, last: Column
) -> Column:
    """What ``withholding.withhold_wages`` comes to where one employer pays the same from month ``first`` to
    month ``last``; whoever has none of it has a ``last`` before the ``first``.

    ``wage``, ``social`` and ``sad`` are those of a month, in fen.
    """
    brackets, monthly = table(rules.annual_brackets), rules.monthly_deduction.amount
    deducted = monthly + social + sad
    withheld = np.zeros(len(wage), np.int64)
    for month in range(1, 13):
        months = month - first + 1
        taxable = np.maximum(months * (wage - deducted), 0)
        tax = np.maximum(brackets.tax(taxable) - withheld, 0)
        paid: Flags = (first <= month) & (month <= last)
        withheld += np.where(paid, tax, 0)
    return withheld


def withheld_on_payments(rules: IncomeTaxRules, kind: PayKind, amounts: Column) -> Column:
    """What ``withholding.withhold_payment`` comes to, of one payment each."""
    rule = rules.pay_withholding
    counted = rule.author_factor if kind == "author" else Fraction(1)
    small = times(np.maximum(amounts - rule.flat, 0), rate(counted))
    taxable = np.where(amounts <= rule.small, small, times(amounts, rate((1 - rule.share) * counted)))
    if kind == "labour":
        return table(rules.labour_brackets).tax(taxable)
    return times(taxable, rate(rule.rate))
