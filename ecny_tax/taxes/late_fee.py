"""The late fee (滞纳金): simple, by the day, from the day after the deadline to the day of payment.

Source: 税收征收管理法, art. 32; the rate of a day is ``book.on(day).taxes.late_fee.rate``.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, times
from ecny_tax.rulebook.taxes import TaxRules
from ecny_tax.taxes.checks import check_amount, check_number

#: Days of delay or of interest that are computed at most: a hundred years.
MAX_DAYS = 36_525


def late_fee(tax: Fen, *, days: int, rate: Fraction) -> Fen:
    """``tax`` × ``rate`` × ``days``, in fen, half up.

    Raises ``InvalidInputError`` (``input_value_malformed``) where the tax is not a whole number of fen from
    0 to ``MAX_AMOUNT`` or the days are not from 0 to ``MAX_DAYS``.
    """
    check_amount("tax", tax)
    check_number("days", days, 0, MAX_DAYS)
    return _by_the_day(tax, days, rate)


def late_fee_by(rules: TaxRules, tax: Fen, days: int) -> Fen:
    """The late fee of a bill by the rules of a day; none where they know of none."""
    try:
        rate = rules.late_fee.rate
    except InvalidInputError:
        return NOTHING
    return _by_the_day(tax, days, rate)


def _by_the_day(tax: Fen, days: int, rate: Fraction) -> Fen:
    return times(tax, rate * days)


def days_late(deadline: date, paid_on: date) -> int:
    """The days of delay: none up to the deadline, one on the day after it."""
    return max(0, (paid_on - deadline).days)
