"""The special additional deductions (专项附加扣除) of a household in a year: which claims fit together.

A file of claims is one JSON object, ``{"tax_year": 2025, "claims": [{"item": "child_education", …}, …]}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ecny_tax import rulebook
from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, round_half_up, yuan_text
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook
from ecny_tax.taxes.case_inputs import decimal_text, rows, whole, word
from ecny_tax.taxes.checks import check_number, check_year, malformed, rules_of
from ecny_tax.taxes.json_files import read_object
from ecny_tax.taxes.special_additional import part_of, special_additional, whole_of
from ecny_tax.taxes.steps import Step

MAX_BYTES = 64 * 1024

_WHOLE_YEAR = range(1, 13)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one ``person`` of a household claims for ``months`` on end of a year, from ``first_month`` on.

    ``share`` is a decimal such as ``"0.5"``.  ``concerning`` tells apart what the deduction is for (which
    child, which home, whose parents): claims of one item that concern the same share one deduction.
    """

    item: str
    person: str = "taxpayer"
    months: int = 12
    first_month: int = 1
    children: int = 1
    share: str = "1"
    concerning: str = ""


@dataclass(frozen=True, slots=True)
class PersonDeductions:
    """What one person may deduct in a year, in fen: the ``sad`` of an annual return."""

    person: str
    special_additional_deductions: Fen


@dataclass(frozen=True, slots=True)
class HouseholdDeductions:
    """What the people of a household may deduct in a year, in the order in which they are first named."""

    tax_year: int
    people: tuple[PersonDeductions, ...]
    citation: str
    evidence: str
    steps: tuple[Step, ...]


def household_deductions(
    claims: Sequence[Claim], *, tax_year: int, book: Rulebook = PACKAGE
) -> HouseholdDeductions:
    """What each person may deduct in a year, in fen, once the claims of a household fit together.

    Refused is what is claimed for more than the months of the year (``input_value_malformed``), what does
    not go together in one year, such as rent and the interest of a housing loan
    (``deductions_exclude_each_other``), and shares of one deduction that exceed the whole in a month
    (``deduction_shares_above_one``); besides what ``special_additional`` refuses.
    """
    rules = rules_of(book, tax_year)
    if not claims:
        raise malformed("claims", "[]", '[{"item": "child_education"}, …]')
    totals: dict[str, Fen] = {}
    steps: list[Step] = []
    for claim in claims:
        amount = _amount(claim, rules, book)
        totals[claim.person] = Fen(totals.get(claim.person, 0) + amount)
        steps.append(_step(claim, amount, rules))
    _check_exclusions(claims, rules)
    _check_shares(claims, rules)
    citation, evidence = rulebook.sources(*(rules.special_additional(claim.item) for claim in claims))
    people = tuple(PersonDeductions(person, total) for person, total in totals.items())
    return HouseholdDeductions(tax_year, people, citation, evidence, tuple(steps))


def read_claims(source: bytes | str | Path) -> tuple[int, list[Claim]]:
    """The tax year and the claims in a file (a path), or in the bytes of one.

    Raises ``InvalidInputError``: ``input_file_unreadable``, ``input_too_large``, ``input_not_json``,
    ``input_key_repeated``, ``input_key_unknown``, ``input_key_missing`` and ``input_value_malformed``.
    """
    keys = ("tax_year", "claims")
    document = read_object(source, keys, needed=keys, limit=MAX_BYTES)
    check_year(document["tax_year"])
    may = {
        "person": word, "months": whole, "first_month": whole, "children": whole, "share": decimal_text,
        "concerning": word,
    }  # fmt: skip
    claims = rows("claims", document["claims"], {"item": word}, may)
    return document["tax_year"], [Claim(**claim) for claim in claims]


def _amount(claim: Claim, rules: IncomeTaxRules, book: Rulebook) -> Fen:
    check_number("first_month", claim.first_month, 1, 12)
    check_number("months", claim.months, 1, 13 - claim.first_month)
    return special_additional(
        on=rules.day,
        item=claim.item,
        months=claim.months,
        children=claim.children,
        share=claim.share,
        book=book,
    )


def _step(claim: Claim, amount: Fen, rules: IncomeTaxRules) -> Step:
    rule = rules.special_additional(claim.item)
    concerning = f" ({claim.concerning})" if claim.concerning else ""
    time, time_zh = f"{claim.months} months", f"{claim.months} 个月"
    if rule.paid != "month":
        time, time_zh = "once", "一次"
    return Step(
        f"{claim.person}: {rule.name_en}{concerning}, {time}",
        f"{claim.person}：{rule.name_zh}{concerning}，{time_zh}",
        amount,
        rule.citation,
    )


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
        whole = whole_of(rule, rules)
        own = min(whole * part_of(rule, claim.share), Fraction(rule.amount))
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
