"""Special additional deductions (专项附加扣除): what one comes to.

They are fixed amounts whatever was spent: interest of a housing loan counts 1,000 a month, however much was
paid.  Source: 国发〔2018〕41号, 国发〔2022〕8号, 国发〔2023〕13号.  Serious illness is in ``deductions``;
which claims of a household fit together in a year, in ``household``.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, times
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook, SpecialAdditional
from ecny_tax.taxes.checks import SHARES_ACCEPTED, check_number, malformed

MAX_CHILDREN = 20

_SHARE = re.compile(r"0\.[0-9]{1,4}|1(\.0{1,4})?")


def special_additional(
    *,
    on: date,
    item: str,
    months: int,
    children: int = 1,
    share: str = "1",
    book: Rulebook = PACKAGE,
) -> Fen:
    """What a deduction by the rule of the day ``on`` comes to for ``months`` months (1 to 12), in fen.

    One that is paid by the year counts once.  ``children`` counts where the deduction is for each child.
    ``share`` is the part of the whole that this person claims; of ``elderly_shared_max`` the whole is what
    an only child deducts, and the share of it is cut to the most that one of several children may deduct
    (so ``"1"``, the default, gives that most).  Raises ``InvalidInputError`` (``deduction_unknown``,
    ``deduction_by_cost``, ``no_rule_on_date``, ``input_value_malformed``) and ``RejectedError``
    (``deduction_share_not_allowed``).
    """
    rules = book.on(on).income_tax
    rule = rules.special_additional(item)
    check_number("months", months, 1, 12)
    check_number("children", children, 1, MAX_CHILDREN if rule.for_each == "child" else 1)
    shared = times(children * whole_of(rule, rules), part_of(rule, share))
    at_a_time = min(shared, children * rule.amount)
    return Fen(at_a_time * (months if rule.paid == "month" else 1))


def part_of(rule: SpecialAdditional, share: object) -> Fraction:
    """The share as a number, which the rule must allow."""
    if not isinstance(share, str) or not _SHARE.fullmatch(share) or Fraction(share) == 0:
        raise malformed("share", share, SHARES_ACCEPTED)
    part = Fraction(share)
    if rule.shares and part not in rule.shares:
        allowed = " ".join(str(Decimal(one.numerator) / one.denominator) for one in rule.shares)
        raise RejectedError(
            "deduction_share_not_allowed", key="share", item=rule.code, share=share, allowed=allowed
        )
    return part


def whole_of(rule: SpecialAdditional, rules: IncomeTaxRules) -> Fen:
    """What is shared: the amount itself, or that of the deduction of which this is the most of a share."""
    return rules.special_additional(rule.share_of).amount if rule.share_of else rule.amount
