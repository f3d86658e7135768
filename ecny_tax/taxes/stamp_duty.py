"""Stamp duty (印花税): base × rate of the item, half up to the fen, halved where the relief applies.

The law in force from 2022-07-01 names neither a smallest duty nor a rounding to the jiao, so the duty is
exact to the fen and rounded once, after the relief.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import Fen, positive, times
from ecny_tax.rulebook import Rules, Side, StampDutyRelief


@dataclass(frozen=True, slots=True)
class StampDutyItem:
    """An item (税目) that can be declared on a day; ``side`` is set for securities only."""

    item: str
    name_zh: str
    name_en: str
    rate: str
    side: Side | None
    base_zh: str
    base_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class StampDutyQuote:
    """The duty that one party owes on one document; ``rate`` is the law's, before the relief."""

    item: str
    name_zh: str
    name_en: str
    base: Fen
    rate: str
    relief: str | None
    tax: Fen
    on: date
    citation: str
    evidence: str


def items(rules: Rules) -> tuple[StampDutyItem, ...]:
    """Every item in force on the day of the rules, in the order of the law's table."""
    return tuple(
        StampDutyItem(
            item=rate.code,
            name_zh=rate.name_zh,
            name_en=rate.name_en,
            rate=rate.rate,
            side=rate.side,
            base_zh=rate.base_zh,
            base_en=rate.base_en,
            citation=rate.citation,
            evidence=rate.evidence,
        )
        for rate in rules.stamp_duty.rates()
    )


def quote(
    rules: Rules, *, item: str, base: Fen, half_relief: bool = False, side: Side | None = None
) -> StampDutyQuote:
    """The duty on ``base`` for a document of the day of the ``rules``.

    ``half_relief`` says that the taxpayer qualifies for the halving of six taxes and two fees; ``side``
    says whose duty on securities is asked for.  Raises ``InvalidInputError`` (``stamp_duty_item_unknown``,
    ``side_required``, ``side_not_applicable``, ``no_rule_on_date``, ``amount_not_positive``) and
    ``RejectedError`` (``relief_not_applicable``, ``relief_not_in_force``).
    """
    rule = rules.stamp_duty.rate(item, side=side)
    relief = _relief(rules, item) if half_relief else None
    rate = Fraction(rule.rate)
    citation, evidence = rulebook.sources(rule, relief) if relief else rulebook.sources(rule)
    return StampDutyQuote(
        item=item,
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        base=base,
        rate=rule.rate,
        relief=relief.code if relief else None,
        tax=times(positive(base), rate * relief.factor if relief else rate),
        on=rules.day,
        citation=citation,
        evidence=evidence,
    )


def _relief(rules: Rules, item: str) -> StampDutyRelief:
    try:
        relief = rules.stamp_duty.relief
    except InvalidInputError as error:  # a lapsed relief is the law's answer, not a malformed request
        raise RejectedError("relief_not_in_force", date=rules.day, periods=error.values["periods"]) from None
    if item in relief.not_for:
        raise RejectedError("relief_not_applicable", item=item)
    return relief
