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
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook, SpecialAdditional
from ecny_tax.taxes.case_inputs import rows, share, whole, word
from ecny_tax.taxes.checks import check_number, check_year, malformed, placed, rules_of
from ecny_tax.taxes.json_files import read_object
from ecny_tax.taxes.special_additional import part_of, special_additional, whole_of
from ecny_tax.taxes.steps import Step

MAX_BYTES = 64 * 1024

#: Who claims where nobody is named: the taxpayer.
TAXPAYER = "taxpayer"

_WHOLE_YEAR = range(1, 13)
_EACH_ZH = {"month": "每月", "year": "全年"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What one ``person`` of a household claims for ``months`` on end of a year, from ``first_month`` on.

    ``share`` is a decimal such as ``"0.5"``.  ``concerning`` tells apart what the deduction is for (which
    child, which home, whose parents): claims of one thing that concern the same share one deduction.  Of rent
    only those do that name the same, and what is each one's own, such as one's studies, is never shared.
    """

    item: str
    person: str = TAXPAYER
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
    (``deductions_exclude_each_other``), what one person claims above the amount for one, whatever it concerns
    (``deduction_above_one_person``), and shares of one deduction that exceed the whole in a month
    (``deduction_shares_above_one``); besides what ``special_additional`` refuses, with the claim's place.
    """
    rules = rules_of(book, tax_year)
    if not claims:
        raise malformed("claims", "[]", '[{"item": "child_education"}, …]')
    totals: dict[str, Fen] = {}
    steps: list[Step] = []
    for place, claim in enumerate(claims):
        with placed(f"claims[{place}]"):
            amount = _amount(claim, rules, book)
        totals[claim.person] = Fen(totals.get(claim.person, 0) + amount)
        steps.append(_step(claim, amount, rules))
    _check_exclusions(claims, rules)
    _check_persons(claims, rules)
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
        "person": word, "months": whole, "first_month": whole, "children": whole, "share": share,
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
    person_zh = "本人" if claim.person == TAXPAYER else claim.person
    how, how_zh = _reckoning(claim, rule, rules)
    return Step(
        f"{claim.person}: {rule.name_en}{concerning}, {how}",
        f"{person_zh}：{rule.name_zh}{concerning}，{how_zh}",
        amount,
        rule.citation,
    )


def _reckoning(claim: Claim, rule: SpecialAdditional, rules: IncomeTaxRules) -> tuple[str, str]:
    """How a claim comes to its amount: ``2,000.00 a month × 1 child × 0.5 × 12 months``."""
    whole = whole_of(rule, rules)
    text = yuan_text(whole, grouped=True)
    how, how_zh = f"{text} a {rule.paid}", f"{_EACH_ZH[rule.paid]} {text}"
    if rule.for_each == "child":
        how += f" × {claim.children} {'child' if claim.children == 1 else 'children'}"
        how_zh += f" × {claim.children} 个子女"
    part = part_of(rule, claim.share)
    if part != 1:
        how, how_zh = f"{how} × {claim.share}", f"{how_zh} × {claim.share}"
    cut = whole * part > rule.amount
    if cut:
        most = yuan_text(claim.children * rule.amount, grouped=True)
        how, how_zh = f"{how}, at most {most}", f"{how_zh}，最多 {most}"
    if rule.paid == "month":
        comma, comma_zh = (",", "，") if cut else ("", " ")
        how += f"{comma} × {claim.months} {'month' if claim.months == 1 else 'months'}"
        how_zh += f"{comma_zh}× {claim.months} 个月"
    return how, how_zh


def _check_exclusions(claims: Sequence[Claim], rules: IncomeTaxRules) -> None:
    for place, claim in enumerate(claims):
        rule = rules.special_additional(claim.item)
        for second, other in enumerate(claims):
            concerned = rule.not_with_for == "household" or claim.person == other.person
            if concerned and other.item in rule.not_with:
                raise RejectedError(
                    "deductions_exclude_each_other",
                    key=f"claims[{max(place, second)}]",
                    item=claim.item,
                    other=other.item,
                )


def _check_persons(claims: Sequence[Claim], rules: IncomeTaxRules) -> None:
    """What is for each person counts once a month, or a year, for one, whatever it concerns.

    Parts are added, not amounts: one month's rents in two cities differ in amount and are both one too many.
    """
    claimed: dict[tuple[str, str, int], Fraction] = {}
    for place, claim in enumerate(claims):
        rule = rules.special_additional(claim.item)
        if rule.for_each != "person":
            continue
        part = _part(_own(claim, rule, rules), rule.amount)
        for month in _months(claim, rule):
            key = (claim.person, rule.thing, month)
            claimed[key] = claimed.get(key, Fraction(0)) + part
            if claimed[key] > 1:
                year = rules.day.year
                raise RejectedError(
                    "deduction_above_one_person",
                    key=f"claims[{place}]",
                    item=claim.item,
                    when=f"{year}-{month:02d}" if rule.paid == "month" else f"{year}",
                    amount=yuan_text(rule.amount),
                )


def _check_shares(claims: Sequence[Claim], rules: IncomeTaxRules) -> None:
    """Claims of one thing that concern the same are at most the whole of it in a month."""
    claimed: dict[tuple[str, str, int], tuple[Fraction, Fraction]] = {}
    for place, claim in enumerate(claims):
        rule = rules.special_additional(claim.item)
        if rule.shared_among == "nobody" or (rule.shared_among == "named" and not claim.concerning):
            continue
        whole, own = whole_of(rule, rules), _own(claim, rule, rules)
        for month in _months(claim, rule):
            key = (rule.thing, claim.concerning, month)
            parts, total = claimed.get(key, (Fraction(0), Fraction(0)))
            claimed[key] = parts, total = parts + _part(own, whole), total + own
            if parts > 1:
                raise RejectedError(
                    "deduction_shares_above_one",
                    key=f"claims[{place}]",
                    item=claim.item,
                    month=month,
                    total=yuan_text(round_half_up(total)),
                    whole=yuan_text(whole),
                )


def _own(claim: Claim, rule: SpecialAdditional, rules: IncomeTaxRules) -> Fraction:
    """What a claim takes at a time, of one child or person, before it is rounded."""
    return min(whole_of(rule, rules) * part_of(rule, claim.share), Fraction(rule.amount))


def _part(own: Fraction, whole: Fen) -> Fraction:
    return own / whole if whole else Fraction(0)  # a user's rule may say that nothing is deducted


def _months(claim: Claim, rule: SpecialAdditional) -> range:
    """The months that a claim is for; what counts once a year is for them all."""
    if rule.paid == "year":
        return _WHOLE_YEAR
    return range(claim.first_month, claim.first_month + claim.months)
