"""Special additional deductions (专项附加扣除): what a claim comes to, and which claims fit together.

They are fixed amounts whatever was spent: interest of a housing loan counts 1,000 a month, however much was
paid.  Source: 国发〔2018〕41号, 国发〔2022〕8号, 国发〔2023〕13号.  Serious illness is in ``deductions``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, round_half_up, times, yuan_text
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook, SpecialAdditional
from ecny_tax.taxes.checks import check_number, malformed, rules_of

MAX_CHILDREN = 20

_SHARE = re.compile(r"0\.[0-9]{1,4}|1(\.0{1,4})?")
_WHOLE_YEAR = range(1, 13)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one ``person`` of a household claims for ``months`` on end of a year, from ``first_month`` on.

    ``share`` is a decimal such as ``"0.5"``.  ``concerning`` tells apart what the deduction is for (which
    child, which home, whose parents): claims of one item that concern the same share one deduction.
    """

    person: str
    item: str
    months: int = 12
    first_month: int = 1
    children: int = 1
    share: str = "1"
    concerning: str = ""


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
    ``no_rule_on_date``, ``input_value_malformed``) and ``RejectedError`` (``deduction_share_not_allowed``).
    """
    rules = book.on(on).income_tax
    rule = rules.special_additional(item)
    check_number("months", months, 1, 12)
    check_number("children", children, 1, MAX_CHILDREN if rule.for_each == "child" else 1)
    shared = times(children * _whole(rule, rules), _part(rule, share))
    at_a_time = min(shared, children * rule.amount)
    return Fen(at_a_time * (months if rule.paid == "month" else 1))


def claimed_in_year(claims: Sequence[Claim], *, tax_year: int, book: Rulebook = PACKAGE) -> dict[str, Fen]:
    """What each person may deduct in a year, in fen, once the claims of a household fit together.

    Refused is what is claimed for more than the months of the year (``input_value_malformed``), what does
    not go together in one year, such as rent and the interest of a housing loan
    (``deductions_exclude_each_other``), and shares of one deduction that exceed the whole in a month
    (``deduction_shares_above_one``); besides what :func:`special_additional` refuses.
    """
    rules = rules_of(book, tax_year)
    totals: dict[str, Fen] = {}
    for claim in claims:
        check_number("first_month", claim.first_month, 1, 12)
        check_number("months", claim.months, 1, 13 - claim.first_month)
        amount = special_additional(
            on=rules.day,
            item=claim.item,
            months=claim.months,
            children=claim.children,
            share=claim.share,
            book=book,
        )
        totals[claim.person] = Fen(totals.get(claim.person, 0) + amount)
    _check_exclusions(claims, rules)
    _check_shares(claims, rules)
    return totals


def _check_exclusions(claims: Sequence[Claim], rules: IncomeTaxRules) -> None:
    for claim in claims:
        rule = rules.special_additional(claim.item)
        for other in claims:
            concerned = rule.not_with_for == "household" or claim.person == other.person
            if concerned and other.item in rule.not_with:
                raise RejectedError("deductions_exclude_each_other", item=claim.item, other=other.item)


def _check_shares(claims: Sequence[Claim], rules: IncomeTaxRules) -> None:
    claimed: dict[tuple[str, str, int], Fraction] = {}
    for claim in claims:
        rule = rules.special_additional(claim.item)
        whole = _whole(rule, rules)
        own = min(whole * _part(rule, claim.share), Fraction(rule.amount))
        months = range(claim.first_month, claim.first_month + claim.months)
        for month in months if rule.paid == "month" else _WHOLE_YEAR:
            key = (claim.item, claim.concerning, month)
            claimed[key] = total = claimed.get(key, Fraction(0)) + own
            if total > whole:
                raise RejectedError(
                    "deduction_shares_above_one",
                    item=claim.item,
                    month=month,
                    total=yuan_text(round_half_up(total)),
                    whole=yuan_text(whole),
                )


def _part(rule: SpecialAdditional, share: object) -> Fraction:
    """The share as a number, which the rule must allow."""
    if not isinstance(share, str) or not _SHARE.fullmatch(share) or Fraction(share) == 0:
        raise malformed("share", share, '"1" | "0.5"')
    part = Fraction(share)
    if rule.shares and part not in rule.shares:
        allowed = " ".join(str(Decimal(one.numerator) / one.denominator) for one in rule.shares)
        raise RejectedError("deduction_share_not_allowed", item=rule.code, share=share, allowed=allowed)
    return part


def _whole(rule: SpecialAdditional, rules: IncomeTaxRules) -> Fen:
    """What is shared: the amount itself, or that of the deduction of which this is the most of a share."""
    return rules.special_additional(rule.share_of).amount if rule.share_of else rule.amount
