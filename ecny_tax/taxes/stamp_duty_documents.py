"""Stamp duty on more than one amount: account books, transfers of equity, several items in a document,
several documents, several parties, and amendments.

Everything here follows the rules of one day, that of the document; amounts are in fen.  What a function
raises comes beside what ``stamp_duty.quote`` raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, positive, round_half_up
from ecny_tax.rulebook import Rules
from ecny_tax.taxes import stamp_duty, stamp_duty_base
from ecny_tax.taxes.stamp_duty import StampDutyQuote
from ecny_tax.taxes.stamp_duty_base import TaxBase
from ecny_tax.taxes.steps import Step


@dataclass(frozen=True, slots=True)
class ItemAmount:
    """A document, or a part of one: its item (税目) and base in fen."""

    item: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Party:
    """A party to a document (当事人): the amount in fen that concerns it, and whether it qualifies for the
    halving of six taxes and two fees."""

    amount: Fen
    half_relief: bool = False


@dataclass(frozen=True, slots=True)
class StampDutyTotal:
    """Duties in the order asked for, in fen, and what they come to; ``quotes`` are what they come from, and
    ``steps`` theirs one after the other."""

    taxes: tuple[Fen, ...]
    total: Fen
    on: date
    citation: str
    evidence: str
    steps: tuple[Step, ...]
    quotes: tuple[StampDutyQuote, ...] = field(metadata={"internal": True})


@dataclass(frozen=True, slots=True)
class StampDutyAmendment:
    """What changes when a document is amended (变更): ``additional_tax`` to pay, or ``refundable`` on
    application; at most one of them is above zero.  ``base`` is what the amount changed by."""

    item: str
    base: Fen
    additional_tax: Fen
    refundable: Fen
    on: date
    citation: str
    evidence: str
    steps: tuple[Step, ...]


def account_book(
    rules: Rules,
    *,
    paid_in_capital: Fen,
    capital_reserve: Fen,
    already_taxed: Fen = NOTHING,
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
) -> StampDutyQuote:
    """The duty on a business account book (营业账簿): on its capital over what was taxed before (art. 11).

    To 2022-06-30 that is the capital account book of the regulation of 1988.
    """
    base = stamp_duty_base.of_account_book(
        rules,
        paid_in_capital=paid_in_capital,
        capital_reserve=capital_reserve,
        already_taxed=already_taxed,
    )
    item = _in_force(rules, "account_book", "capital_account_book")
    return stamp_duty.quote(rules, item=item, base=base, half_relief=half_relief, taxpayer_kind=taxpayer_kind)


def equity_transfer(
    rules: Rules,
    *,
    consideration: Fen,
    portion_for_unpaid_subscribed_capital: Fen = NOTHING,
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
) -> StampDutyQuote:
    """The duty of each party to a deed transferring equity (股权转让书据), on the price less the listed part
    for subscribed capital not yet paid in (2022 No. 22, art. 3).

    To 2022-06-30 that is a deed transferring property of the regulation of 1988.
    """
    base = stamp_duty_base.of_equity_transfer(
        rules,
        consideration=consideration,
        portion_for_unpaid_subscribed_capital=portion_for_unpaid_subscribed_capital,
    )
    item = _in_force(rules, "equity_transfer", "property_transfer")
    return stamp_duty.quote(rules, item=item, base=base, half_relief=half_relief, taxpayer_kind=taxpayer_kind)


def mixed(
    rules: Rules,
    *,
    parts: Sequence[ItemAmount],
    separately_listed: bool,
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
) -> StampDutyTotal:
    """The duty on one document with several items (art. 9): each at its own rate where their amounts are
    listed separately, else the highest rate among them on their sum, which is then the one tax.

    Under the regulation of 1988 duties listed separately are added exactly and rounded to the jiao once;
    ``taxes`` are then to the fen and need not add up to the ``total``.  Raises ``parts_missing``.
    """
    if not parts:
        raise InvalidInputError("parts_missing")
    if separately_listed:
        rule = rules.stamp_duty.base_rule("listed_separately")
        bases = [(part.item, TaxBase(positive(part.amount), rules=(rule,))) for part in parts]
    else:
        bases = [_at_the_highest_rate(rules, parts)]
    quotes = [
        stamp_duty.quote(rules, item=item, base=base, half_relief=half_relief, taxpayer_kind=taxpayer_kind)
        for item, base in bases
    ]
    rounding = rules.stamp_duty.rounding
    if not separately_listed or rounding.unit == 1:
        return _total(rules, quotes, [quote.tax for quote in quotes])
    total = stamp_duty.rounded(sum((quote.exact for quote in quotes), Fraction(0)), rounding)
    return _total(rules, quotes, [round_half_up(quote.exact) for quote in quotes], total)


def multi(
    rules: Rules,
    *,
    documents: Sequence[ItemAmount],
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
) -> StampDutyTotal:
    """The duties on several documents of one taxpayer, each by itself; the relief is for all of them.

    Raises ``parts_missing``.
    """
    if not documents:
        raise InvalidInputError("parts_missing")
    quotes = [
        stamp_duty.quote(
            rules,
            item=document.item,
            base=document.amount,
            half_relief=half_relief,
            taxpayer_kind=taxpayer_kind,
        )
        for document in documents
    ]
    return _total(rules, quotes, [quote.tax for quote in quotes])


def several_parties(rules: Rules, *, item: str, parties: Sequence[Party]) -> StampDutyTotal:
    """The duty of each party to one document, on its own amount (art. 10) and with its own relief.

    In a contract of two sides the whole price concerns both.  Where several stand on one side and the
    document does not say what concerns each, ``money.split`` in equal shares gives their amounts (2022
    No. 22, art. 3).  Raises ``parts_missing``.
    """
    if not parties:
        raise InvalidInputError("parts_missing")
    rule = rules.stamp_duty.base_rule("several_parties")
    quotes = [
        stamp_duty.quote(
            rules,
            item=item,
            base=TaxBase(positive(party.amount), rules=(rule,)),
            half_relief=party.half_relief,
        )
        for party in parties
    ]
    return _total(rules, quotes, [quote.tax for quote in quotes])


def amendment(
    rules: Rules,
    *,
    item: str,
    old_amount: Fen,
    new_amount: Fen | None = None,
    not_performed: bool = False,
    half_relief: bool = False,
    taxpayer_kind: str | None = None,
    signed: Rules | None = None,
) -> StampDutyAmendment:
    """What a taxed document owes, or gets back, when its amount changes (2022 No. 22, art. 3).

    An increase is taxed as a new document of the day of the amendment, whose ``rules`` these are, since
    the duty arises on the day of signing (art. 15).  A decrease gives back what it was taxed with, so at
    the rate of the day when the document was first signed: ``signed`` are the rules of that day, where they
    differ.  Whether anything is given back is for the day of the amendment to say: to 2022-06-30 nothing
    was.  A document that is ``not_performed`` gives nothing back.  A relief holds for the change as for the
    document.

    Raises ``InvalidInputError``: ``amendment_unclear`` unless exactly one of ``new_amount`` and
    ``not_performed`` is given, ``amendment_before_signing``.
    """
    if (new_amount is None) is not not_performed:
        raise InvalidInputError("amendment_unclear")
    if signed is not None and signed.day > rules.day:
        raise InvalidInputError("amendment_before_signing", signed=signed.day, amended=rules.day)
    law = rules.stamp_duty
    old, new = positive(old_amount), positive(old_amount if new_amount is None else new_amount)
    change, down = Fen(abs(new - old)), new < old
    if not_performed:
        rule = law.base_rule("not_performed")
    elif not down:
        rule = law.base_rule("amended_up")
    elif law.has_base_rule("decrease_refunded"):
        rule = law.base_rule("decrease_refunded")
    else:
        rule = law.base_rule("decrease_not_refunded")
    quote = stamp_duty.quote(
        (signed or rules) if down else rules,
        item=item,
        base=TaxBase(change, () if not_performed else _before_and_after(old, new), (rule,)),
        half_relief=half_relief,
        taxpayer_kind=taxpayer_kind,
    )
    tax = NOTHING if rule.code == "decrease_not_refunded" else quote.tax
    outcome = Step(rule.text_en, rule.text_zh, tax, rule.citation)
    return StampDutyAmendment(
        item=item,
        base=change,
        additional_tax=NOTHING if down else tax,
        refundable=tax if down else NOTHING,
        on=rules.day,
        citation=quote.citation,
        evidence=quote.evidence,
        steps=(*quote.steps, outcome),
    )


def _in_force(rules: Rules, *items: str) -> str:
    """The first of the items that is in force; the first of all where none is, to be refused by its name."""
    found = {rate.code for rate in rules.stamp_duty.rates()}
    return next((item for item in items if item in found), items[0])


def _at_the_highest_rate(rules: Rules, parts: Sequence[ItemAmount]) -> tuple[str, TaxBase]:
    """The item with the highest rate (of equals the first named), and the sum of all parts as its base."""

    def rate(part: ItemAmount) -> Fraction:
        found = rules.stamp_duty.rate(part.item)
        if found.each is not None:
            raise InvalidInputError("pieces_required", item=part.item)
        return Fraction(found.rate)

    steps = tuple(Step("Amount of a part", "部分金额", positive(part.amount)) for part in parts)
    total = positive(Fen(sum(part.amount for part in parts)))
    rule = rules.stamp_duty.base_rule("not_listed_separately")
    return max(parts, key=rate).item, TaxBase(total, steps, (rule,))


def _before_and_after(old: Fen, new: Fen) -> tuple[Step, ...]:
    return (
        Step("Amount before", "变更前所列金额", old),
        Step("Amount after", "变更后所列金额", new),
    )


def _total(
    rules: Rules, quotes: Sequence[StampDutyQuote], taxes: Sequence[Fen], total: Fen | None = None
) -> StampDutyTotal:
    total = Fen(sum(taxes)) if total is None else total
    citation, evidence = rulebook.sources(*quotes)
    steps = [step for quote in quotes for step in quote.steps]
    return StampDutyTotal(
        taxes=tuple(taxes),
        total=total,
        on=rules.day,
        citation=citation,
        evidence=evidence,
        steps=(*steps, Step("Total", "合计", total)),
        quotes=tuple(quotes),
    )
