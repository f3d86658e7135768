"""Whether a year must be settled and topped up, or is exempt (免予汇算清缴补税).

Source: 财政部 税务总局公告2019年第94号, extended to 2027-12-31 by 2023年第32号.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook
from ecny_tax.rulebook.income_tax import TopUpExemption
from ecny_tax.taxes.checks import check_amount, check_flag, rules_of

SettleReason = Literal[
    "refund", "nothing_due", "not_withheld_properly", "gross_within_limit", "balance_within_limit", "tax_due"
]

#: Each reason in words, English and Chinese.
REASONS: dict[SettleReason, tuple[str, str]] = {
    "refund": ("a refund may be claimed; that is a right, no duty", "可申请退税，属于权利而非义务"),
    "nothing_due": ("nothing is left to pay", "无需补税"),
    "not_withheld_properly": (
        "tax was not withheld as the law asks, so there is no exemption",
        "扣缴义务人未依法预扣预缴，不适用免予补税",
    ),
    "gross_within_limit": (
        "gross comprehensive income is within the limit of the exemption",
        "综合所得年收入未超过免予补税限额",
    ),
    "balance_within_limit": (
        "the balance due is within the limit of the exemption",
        "补税金额未超过免予补税限额",
    ),
    "tax_due": ("tax is due and no exemption applies", "应补税，且不符合免予补税条件"),
}


@dataclass(frozen=True, slots=True)
class SettlementDuty:
    """Whether a person must settle the year, why, and the rule of the exemption where it was asked."""

    must_settle: bool
    reason: SettleReason
    citation: str
    evidence: str


def settlement_exemption(
    *,
    gross_comprehensive_income: Fen,
    balance_due: Fen,
    tax_year: int,
    withheld_properly: bool = True,
    book: Rulebook = PACKAGE,
) -> SettlementDuty:
    """Whether the year must be settled, amounts in fen.

    Exempt is whose gross income is at most 120,000 yuan or who owes at most 400, from 2019 to 2027, unless
    tax was not withheld properly.  Gross is what was received, before any cost is taken off.  Raises
    ``InvalidInputError`` (``input_value_malformed``).
    """
    check_amount("gross_comprehensive_income", gross_comprehensive_income)
    check_amount("balance_due", balance_due)
    check_flag("withheld_properly", withheld_properly)
    rules = rules_of(book, tax_year)
    reason = reason_to_settle(gross_comprehensive_income, balance_due, withheld_properly, rules)
    rule = exemption_in_force(rules)
    return SettlementDuty(
        must_settle=must_settle(reason),
        reason=reason,
        citation=rule.citation if rule else "",
        evidence=rule.evidence if rule else "law",
    )


def reason_to_settle(gross: Fen, due: Fen, withheld_properly: bool, rules: IncomeTaxRules) -> SettleReason:
    """Why a year with ``due`` left to pay must be settled, or need not."""
    if due == 0:
        return "nothing_due"
    rule = exemption_in_force(rules)
    if rule is None:
        return "tax_due"
    if not withheld_properly:
        return "not_withheld_properly"
    if gross <= rule.gross:
        return "gross_within_limit"
    return "balance_within_limit" if due <= rule.balance else "tax_due"


def must_settle(reason: SettleReason) -> bool:
    """Whether it is a reason to settle; the others are reasons why one need not."""
    return reason in ("tax_due", "not_withheld_properly")


def exemption_in_force(rules: IncomeTaxRules) -> TopUpExemption | None:
    """The exemption, or none after it lapsed."""
    try:
        return rules.top_up_exemption
    except InvalidInputError:
        return None
