"""The base of stamp duty (计税依据): from the figures of a document to the amount that the duty is on.

Each function follows one rule of the law, as the rulebook has it for the day of the document, and answers
with a :class:`TaxBase`, which ``stamp_duty.quote`` takes.  Amounts are in fen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, positive, round_half_up, yuan_text
from ecny_tax.rulebook import Rules
from ecny_tax.rulebook.stamp_duty import BaseRule
from ecny_tax.taxes.steps import Step

_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,12})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class TaxBase:
    """A base (计税依据) of ``amount`` fen, the ``steps`` that led to it, and the ``rules`` they follow.

    Zero where the law leaves nothing to tax: no increase of capital, nothing but unpaid subscriptions.
    """

    amount: Fen
    steps: tuple[Step, ...] = ()
    rules: tuple[BaseRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignAmount:
    """What a document states in another currency (外币): decimal strings, not fen.

    ``central_parity`` (人民币汇率中间价) is that of the day of signing, in yuan for **one** unit of
    ``currency``, an ISO 4217 code; where it is published for 100 units, divide it first.
    """

    amount_fx: str
    currency: str
    central_parity: str


def of_document(
    rules: Rules,
    *,
    amount: Fen | ForeignAmount,
    vat: Fen = NOTHING,
    vat_listed_separately: bool = True,
    amount_includes_vat: bool = False,
) -> TaxBase:
    """The base of a contract or deed: what it states, without VAT only where VAT is listed (art. 5).

    ``amount`` is without ``vat`` (in fen, also beside a foreign amount) unless ``amount_includes_vat``
    says so.  VAT that is not listed separately is part of the price: it stays in an amount that includes
    it, and is added to one that does not.

    Raises ``InvalidInputError``: ``amount_not_positive``, ``amount_malformed``, ``amount_too_large``,
    ``vat_above_amount`` and what :func:`in_yuan` raises.
    """
    stated = in_yuan(rules, amount) if isinstance(amount, ForeignAmount) else _stated_amount(amount)
    if not not_negative(vat):
        return stated
    if vat > stated.amount:
        raise InvalidInputError("vat_above_amount", value=yuan_text(vat), amount=yuan_text(stated.amount))
    rule = rules.stamp_duty.base_rule("vat_listed" if vat_listed_separately else "vat_not_listed")
    if vat_listed_separately and amount_includes_vat:
        base = Fen(stated.amount - vat)
        step = _step(rule, vat)
    elif not vat_listed_separately and not amount_includes_vat:
        base = Fen(stated.amount + vat)
        step = _step(rule, vat)
    else:  # nothing is taken off or added: the amount is as the base must be
        base = stated.amount
        step = Step("VAT, beside the amount", "另列增值税", vat, rule.citation)
        if amount_includes_vat:
            step = Step("VAT, part of the amount", "价款所含增值税", vat, rule.citation)
    return TaxBase(positive(base), (*stated.steps, step), (*stated.rules, rule))


def in_yuan(rules: Rules, amount: ForeignAmount) -> TaxBase:
    """A foreign amount at the central parity of the day of signing, exact, then half up to the fen.

    Raises ``InvalidInputError``: ``foreign_amount_malformed``, ``currency_malformed``,
    ``central_parity_malformed`` (each also for what is not above zero), ``amount_not_positive`` for less
    than half a fen, ``amount_too_large``.
    """
    foreign, parity = _decimal(amount.amount_fx), _decimal(amount.central_parity)
    if foreign is None:
        raise InvalidInputError("foreign_amount_malformed", value=amount.amount_fx)
    if parity is None:
        raise InvalidInputError("central_parity_malformed", value=amount.central_parity)
    if type(amount.currency) is not str or not _CURRENCY.fullmatch(amount.currency):
        raise InvalidInputError("currency_malformed", value=amount.currency)
    rule = rules.stamp_duty.base_rule("foreign_currency")
    converted = positive(round_half_up(foreign * parity * 100))
    product = f"{amount.currency} {amount.amount_fx} × {amount.central_parity}"
    return TaxBase(converted, (_step(rule, converted, product),), (rule,))


def of_account_book(
    rules: Rules, *, paid_in_capital: Fen, capital_reserve: Fen, already_taxed: Fen = NOTHING
) -> TaxBase:
    """The base of a capital account book (art. 5 and 11): capital and reserve over what was taxed before.

    ``already_taxed`` is a base, not a tax.  Zero where the sum did not grow.  Raises ``InvalidInputError``
    for an amount below zero, malformed or too large, and ``amount_not_positive`` for a book without capital.
    """
    total = positive(Fen(not_negative(paid_in_capital) + not_negative(capital_reserve)))
    rule = rules.stamp_duty.base_rule("capital_increase")
    increase = Fen(max(0, total - not_negative(already_taxed)))
    steps = (
        Step("Paid-in capital", "实收资本（股本）", paid_in_capital),
        Step("Capital reserve", "资本公积", capital_reserve),
        Step("Taxed before", "已计税金额", already_taxed),
    )
    return TaxBase(increase, steps, (rule,))


def of_equity_transfer(
    rules: Rules, *, consideration: Fen, portion_for_unpaid_subscribed_capital: Fen = NOTHING
) -> TaxBase:
    """The base of a deed transferring equity: its price less the listed part for capital not yet paid in.

    Zero where all of it is.  Raises ``InvalidInputError``: ``unpaid_portion_above_consideration``,
    ``no_rule_on_date`` for such a part before 2022-07-01, and what a malformed amount raises.
    """
    stated, portion = _stated_amount(consideration), portion_for_unpaid_subscribed_capital
    if not not_negative(portion):
        return stated
    if portion > consideration:
        raise InvalidInputError(
            "unpaid_portion_above_consideration", value=yuan_text(portion), amount=yuan_text(consideration)
        )
    rule = rules.stamp_duty.base_rule("unpaid_subscription")
    return TaxBase(Fen(consideration - portion), (*stated.steps, _step(rule, portion)), (rule,))


def not_negative(amount: Fen) -> Fen:
    """The amount (fen), which may be zero; anything else that cannot be moved is refused as it is there."""
    return amount if type(amount) is int and amount == 0 else positive(amount)


def _stated_amount(amount: Fen) -> TaxBase:
    return TaxBase(positive(amount), (Step("Amount of the document", "凭证所列金额", amount),))


def _step(rule: BaseRule, amount: Fen, product: str = "") -> Step:
    label, label_zh = rule.text_en, rule.text_zh
    if product:
        label, label_zh = f"{label}: {product}", f"{label_zh}：{product}"
    return Step(label, label_zh, amount, rule.citation)


def _decimal(text: str) -> Fraction | None:
    """A decimal string above zero, exactly."""
    if type(text) is not str or not _DECIMAL.fullmatch(text):
        return None
    return Fraction(text) or None
