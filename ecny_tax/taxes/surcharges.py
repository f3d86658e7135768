"""Surcharges (附加税费) on the VAT and consumption tax that were paid: an example of taxes on taxes.

The rates are unverified, as the rulebook marks them; half up to the fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ecny_tax.money import Fen, positive, times
from ecny_tax.rulebook.figures import sources
from ecny_tax.rulebook.rules import Rules
from ecny_tax.taxes.stamp_duty import relief_of
from ecny_tax.taxes.steps import Step

#: The one whose rate goes by the place, and all of them, in the order of a return.
BY_PLACE = "10109"
CODES = (BY_PLACE, "30203", "30216")


@dataclass(frozen=True, slots=True)
class SurchargeQuote:
    """What a surcharge comes to: ``tax`` is ``rate`` of the ``base`` that was paid, both in fen."""

    code: str
    name_zh: str
    name_en: str
    base: Fen
    rate: str
    tax: Fen
    citation: str
    evidence: str
    steps: tuple[Step, ...]


def quote(rules: Rules, *, code: str, paid: Fen, place: str, half_relief: bool = False) -> SurchargeQuote:
    """One surcharge on ``paid`` fen; ``place`` is city, town or other.

    ``half_relief`` says that the taxpayer qualifies for the halving of six taxes and two fees, of which the
    surcharges are three; ``relief_not_in_force`` on a day without it.

    Raises ``InvalidInputError`` (``surcharge_unknown``, ``surcharge_place_unknown``, ``no_rule_on_date``,
    ``amount_not_positive``, ``amount_malformed``, ``amount_too_large``).
    """
    positive(paid)
    rule = rules.taxes.surcharge(code, place=place if code == BY_PLACE else None)
    item, relief = rules.taxes.collection_item(code), relief_of(rules) if half_relief else None
    tax = times(paid, rule.rate * relief.factor if relief else rule.rate)
    full, rate = times(paid, rule.rate), str(Decimal(rule.rate.numerator) / Decimal(rule.rate.denominator))
    citation, evidence = sources(rule, relief) if relief else sources(rule)
    steps = (
        Step("VAT and consumption tax paid", "实际缴纳的增值税、消费税", paid),
        Step(f"{item.name_en} at {rate}", f"{item.name_zh}，税率 {rate}", full, rule.citation),
        *([Step(relief.name_en, relief.name_zh, tax, relief.citation)] if relief else []),
    )
    return SurchargeQuote(code, item.name_zh, item.name_en, paid, rate, tax, citation, evidence, steps)


def quotes(rules: Rules, *, paid: Fen, place: str, half_relief: bool = False) -> tuple[SurchargeQuote, ...]:
    """Every surcharge on ``paid`` fen."""
    return tuple(quote(rules, code=code, paid=paid, place=place, half_relief=half_relief) for code in CODES)
