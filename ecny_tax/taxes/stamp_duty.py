"""Stamp duty (印花税): base × rate of the item, less relief, rounded once at the end.

The law in force from 2022-07-01 names neither a smallest duty nor a rounding to the jiao, so the duty is
exact to the fen, half up.  The regulation of 1988, in force before, exempts a duty under one jiao, rounds
any other to the jiao, five fen up, and taxes some documents by the piece.

How a base is found stands in ``stamp_duty_base``; account books, transfers of equity, several items,
documents or parties, and amendments in ``stamp_duty_documents``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import Fen, positive, round_half_up, yuan_text
from ecny_tax.rulebook import Exemption, Rounding, Rules, Side, StampDutyRate, StampDutyRelief
from ecny_tax.taxes.stamp_duty_base import TaxBase, not_negative
from ecny_tax.taxes.steps import Step

#: The most pieces that one quote is about.
MAX_PIECES = 10**9


@dataclass(frozen=True, slots=True)
class StampDutyItem:
    """An item (税目) that can be declared on a day; ``side`` is set for securities only.

    ``each`` is what a piece costs, in fen, where the item goes by the piece instead of a ``rate``.
    """

    item: str
    name_zh: str
    name_en: str
    rate: str
    side: Side | None
    base_zh: str
    base_en: str
    citation: str
    evidence: str
    each: Fen | None


@dataclass(frozen=True, slots=True)
class StampDutyQuote:
    """The duty that one party owes on one document, in fen.

    ``rate`` is the law's, before the relief.  An item taxed by the piece has ``pieces`` instead of a
    ``base``.  ``relief`` and ``exemption`` are the codes of what was granted.  ``steps`` show how the tax
    came about; ``exact`` is the duty in fen before it was rounded.
    """

    item: str
    name_zh: str
    name_en: str
    base: Fen | None
    pieces: int | None
    rate: str
    relief: str | None
    exemption: str | None
    tax: Fen
    on: date
    citation: str
    evidence: str
    steps: tuple[Step, ...]
    exact: Fraction = field(metadata={"internal": True})

    @property
    def tax_per_party(self) -> Fen:
        """The tax again: each party to a contract or deed owes it on its own copy (art. 10)."""
        return self.tax


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
            each=rate.each,
        )
        for rate in rules.stamp_duty.rates()
    )


def quote(
    rules: Rules,
    *,
    item: str,
    base: Fen | TaxBase | None = None,
    pieces: int | None = None,
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
    exemption: str | None = None,
    side: Side | None = None,
) -> StampDutyQuote:
    """The duty on a document of the day of the ``rules``.

    ``base`` is in fen, or comes from ``stamp_duty_base``; an item taxed by the piece takes ``pieces``
    instead.  ``half_relief`` says that the taxpayer qualifies for the halving of six taxes and two fees
    (六税两费), ``taxpayer_kind`` as what, and is refused without it; ``exemption`` declares a
    reason for which nothing is owed, beside which no relief is looked at.  ``side`` says whose
    duty on securities is asked for; the buyer's is 0 from 2008-09-19 on.

    Raises ``InvalidInputError``: ``stamp_duty_item_unknown``, ``no_rule_on_date`` (with the periods that
    have one), ``side_required``, ``side_not_applicable``, ``base_required``, ``amount_not_positive``,
    ``amount_malformed``, ``amount_too_large``, ``pieces_required``, ``pieces_not_applicable``,
    ``pieces_malformed``, ``taxpayer_kind_unknown``, ``option_needs`` (a kind of taxpayer without the
    relief), ``exemption_unknown``; ``RejectedError``: ``relief_not_applicable``, ``relief_not_in_force``,
    ``exemption_not_applicable``, ``exemption_not_in_force``.
    """
    rule = rules.stamp_duty.rate(item, side=side)
    found = _found(rule, base, pieces)
    _check_kind(rules, taxpayer_kind, half_relief=half_relief)
    reason = _exemption(rules, rule, exemption) if exemption is not None else None
    relief = _relief(rules, item, taxpayer_kind) if half_relief and reason is None else None
    rounding = _rounding(rules, item)
    whole = _whole_duty(rule, found, pieces, rounding)
    exact = Fraction(0) if reason else whole * relief.factor if relief else whole
    tax = rounded(exact, rounding)
    steps = [*_base_steps(rule, found), _duty_step(rule, found, pieces, whole)]
    if reason:
        steps.append(Step(f"Exempt: {reason.name_en}", f"免税：{reason.name_zh}", tax, reason.citation))
    else:
        steps += [_relief_step(relief, whole, exact)] if relief else []
        steps.append(_rounding_step(rules, rounding, exact, tax))
    used = (rule, *(found.rules if found else ()), reason, relief, rounding)
    citation, evidence = rulebook.sources(*(cited for cited in used if cited is not None))
    return StampDutyQuote(
        item=item,
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        base=found.amount if found else None,
        pieces=pieces,
        rate=rule.rate,
        relief=relief.code if relief else None,
        exemption=reason.code if reason else None,
        tax=tax,
        on=rules.day,
        citation=citation,
        evidence=evidence,
        steps=tuple(steps),
        exact=exact,
    )


def rounded(exact: Fraction, rounding: Rounding | None) -> Fen:
    """A duty in fen by a rule of rounding: exempt where it is too small, else half up to the rule's unit."""
    if rounding is None:
        return round_half_up(exact)
    if exact < rounding.exempt_below:
        return Fen(0)
    return Fen(round_half_up(exact / rounding.unit) * rounding.unit)


# --- the rules that apply -----------------------------------------------------------------------------------


def _found(rule: StampDutyRate, base: Fen | TaxBase | None, pieces: int | None) -> TaxBase | None:
    """The base, or ``None`` for an item taxed by the piece: exactly one of the two must be given."""
    if rule.each is not None:
        if pieces is None or base is not None:
            raise InvalidInputError("pieces_required", item=rule.code)
        if type(pieces) is not int or not 0 < pieces <= MAX_PIECES:
            raise InvalidInputError("pieces_malformed", value=pieces, limit=MAX_PIECES)
        return None
    if pieces is not None:
        raise InvalidInputError("pieces_not_applicable", item=rule.code, value=pieces)
    if base is None:
        raise InvalidInputError("base_required", item=rule.code)
    if isinstance(base, TaxBase):
        not_negative(base.amount)
        return base
    return TaxBase(positive(base))


def _check_kind(rules: Rules, taxpayer_kind: str | None, *, half_relief: bool) -> None:
    """A kind of taxpayer is one of those that a relief has ever spoken of, and goes with the relief."""
    if taxpayer_kind is None:
        return
    reliefs = rules.stamp_duty.figures.reliefs
    known = sorted({kind for relief in reliefs for kind in relief.value.taxpayers})
    if taxpayer_kind not in known:
        raise InvalidInputError("taxpayer_kind_unknown", value=taxpayer_kind, known=" ".join(known))
    if not half_relief:
        raise InvalidInputError("option_needs", option="taxpayer_kind", needed="half_relief")


def _relief(rules: Rules, item: str, taxpayer_kind: str | None) -> StampDutyRelief:
    relief = relief_of(rules)
    if item in relief.not_for:
        raise RejectedError("relief_not_applicable", what=item)
    if taxpayer_kind is not None and taxpayer_kind not in relief.taxpayers:
        raise RejectedError("relief_not_applicable", what=taxpayer_kind)
    return relief


def relief_of(rules: Rules) -> StampDutyRelief:
    """The relief of six taxes and two fees; ``RejectedError`` (``relief_not_in_force``) where it lapsed."""
    try:
        return rules.stamp_duty.relief
    except InvalidInputError as error:  # a lapsed relief is the law's answer, not a malformed request
        raise RejectedError("relief_not_in_force", date=rules.day, periods=error.values["periods"]) from None


def _exemption(rules: Rules, rule: StampDutyRate, code: str) -> Exemption:
    try:
        exemption = rules.stamp_duty.exemption(code)
    except InvalidInputError as error:
        if error.code != "no_rule_on_date":
            raise
        periods = error.values["periods"]
        raise RejectedError("exemption_not_in_force", value=code, date=rules.day, periods=periods) from None
    # Every reason is about documents (应税凭证); a trade in securities is none.
    if rule.side is not None or (exemption.items and rule.code not in exemption.items):
        raise RejectedError("exemption_not_applicable", value=code, item=rule.code)
    return exemption


def _rounding(rules: Rules, item: str) -> Rounding | None:
    """The rule of rounding to more than a fen, where there is one."""
    rounding = rules.stamp_duty.rounding
    plain = rounding.unit == 1 and rounding.exempt_below == 0
    return None if plain or item in rounding.not_for else rounding


def _whole_duty(
    rule: StampDutyRate, found: TaxBase | None, pieces: int | None, rounding: Rounding | None
) -> Fraction:
    """The exact duty in fen, before any relief."""
    if found is None:
        return Fraction((rule.each or 0) * (pieces or 0))
    duty = found.amount * Fraction(rule.rate)
    if rule.minimum is None or (rounding is not None and duty < rounding.exempt_below):
        return duty  # the minimum does not take back the exemption of the smallest duties
    return max(duty, Fraction(rule.minimum))


# --- the steps that are shown -------------------------------------------------------------------------------


def _base_steps(rule: StampDutyRate, found: TaxBase | None) -> tuple[Step, ...]:
    if found is None:
        return ()
    citation = "; ".join(dict.fromkeys(used.citation for used in found.rules))
    base = Step(f"Base: {rule.base_en}", f"计税依据：{rule.base_zh}", found.amount, citation)
    return (*found.steps, base)


def _duty_step(rule: StampDutyRate, found: TaxBase | None, pieces: int | None, whole: Fraction) -> Step:
    if found is None:
        product = f"{pieces} × {yuan_text(rule.each or 0)}"
    else:
        product = f"{yuan_text(found.amount)} × {rule.rate}"
    least = least_zh = ""
    if whole == rule.minimum:
        least, least_zh = (
            f", at least {yuan_text(rule.minimum or 0)}",
            f"，最低 {yuan_text(rule.minimum or 0)}",
        )
    result = _exactly(whole)
    label, label_zh = f"Duty: {product}{least} = {result}", f"应纳税额：{product}{least_zh} = {result}"
    return Step(label, label_zh, round_half_up(whole), rule.citation)


def _relief_step(relief: StampDutyRelief, whole: Fraction, exact: Fraction) -> Step:
    product = f"{_exactly(whole)} × {_decimal(*relief.factor.as_integer_ratio())} = {_exactly(exact)}"
    label, label_zh = f"{relief.name_en}: {product}", f"{relief.name_zh}：{product}"
    return Step(label, label_zh, round_half_up(exact), relief.citation)


def _rounding_step(rules: Rules, rounding: Rounding | None, exact: Fraction, tax: Fen) -> Step:
    if rounding is None:
        citation = rules.stamp_duty.rounding.citation
        return Step("Rounded to the fen, half up", "四舍五入到分", tax, citation)
    if exact < rounding.exempt_below:
        limit = yuan_text(rounding.exempt_below)
        return Step(f"Under {limit} yuan: exempt", f"不足 {limit} 元，免税", tax, rounding.citation)
    unit = yuan_text(rounding.unit)
    return Step(f"Rounded to {unit} yuan, half up", f"四舍五入到 {unit} 元", tax, rounding.citation)


def _exactly(fen: Fraction) -> str:
    """Fen as yuan with all their decimals, at least two."""
    return _decimal(fen.numerator, fen.denominator * 100, places=2)


def _decimal(numerator: int, denominator: int, *, places: int = 0) -> str:
    """A quotient in decimal notation: it ends, as all rates, amounts and their products do."""
    digits = 0  # whole numbers: a Fraction is slow
    while numerator % denominator or digits < places:
        numerator, digits = numerator * 10, digits + 1
    whole, part = divmod(numerator // denominator, 10**digits)
    return f"{whole}.{part:0{digits}}" if digits else str(whole)
