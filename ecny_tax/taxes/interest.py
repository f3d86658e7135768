"""Interest on an overpayment (多缴税款) that the taxpayer found, at the demand deposit rate.

Source: 税收征收管理法, art. 51, and its 实施细则, art. 78; the rate of the day of the refund is
``book.on(day).taxes.deposit_interest.rate``, by the year of 360 days.
"""

from __future__ import annotations

from fractions import Fraction

from ecny_tax.money import Fen, times
from ecny_tax.taxes.checks import check_amount, check_number
from ecny_tax.taxes.late_fee import MAX_DAYS

_DAYS_OF_A_YEAR = 360


def overpayment_interest(amount: Fen, *, days: int, rate: Fraction) -> Fen:
    """``amount`` × yearly ``rate`` × ``days`` / 360, in fen, half up.

    Raises ``InvalidInputError`` (``input_value_malformed``) where the amount is not a whole number of fen
    from 0 to ``MAX_AMOUNT`` or the days are not from 0 to ``MAX_DAYS``.
    """
    check_amount("amount", amount)
    check_number("days", days, 0, MAX_DAYS)
    return times(amount, rate * days / _DAYS_OF_A_YEAR)
