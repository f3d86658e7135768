"""The kinds of worked cases (算例): what each takes, which answers it gives, and who computes them.

Their keys are those of ``docs/cases.md``.  Nothing is computed here: a kind reads its inputs and asks the
function of its tax.  Amounts are text in yuan, or whole numbers; a JSON number with a point is refused,
because reading it would go through a float.

A case of a kind that names no day or year is judged by the newest rules of the book, those of the last year
that has them, so that a file of cases comes to the same on every day it is run.  Where the kind is about a
year, ``tax_year`` may be given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen
from ecny_tax.rulebook import Rulebook, Rules
from ecny_tax.taxes import bonus, business, deductions, exemption, income_tax, nonresident, withholding
from ecny_tax.taxes import late_fee as delay
from ecny_tax.taxes import special_additional as additional
from ecny_tax.taxes import stamp_duty as duty
from ecny_tax.taxes import stamp_duty_base as duty_base
from ecny_tax.taxes import stamp_duty_documents as documents
from ecny_tax.taxes.case_inputs import (
    Given,
    Readers,
    amount,
    amount_or_less,
    day,
    decimal_text,
    flag,
    item_amounts,
    not_accepted,
    share,
    side,
    wage_months,
    whole,
    word,
)
from ecny_tax.taxes.checks import LAST_YEAR
from ecny_tax.taxes.income_tax import AMOUNTS, AnnualReturn
from ecny_tax.taxes.steps import ExplainedTax


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case: the inputs it ``needs`` and may take besides, each with what reads it, and its
    ``answers``, the names of what ``compute`` gives."""

    compute: Callable[[Rulebook, Given], object]
    needs: Readers
    answers: tuple[str, ...]
    may: Readers


def computed(kind: str, inputs: object, *, book: Rulebook) -> object:
    """What the inputs of a case come to: a record, or a mapping, with an entry for each answer of the kind.

    Raises ``InvalidInputError`` (``case_kind_unknown``, ``case_input_unknown``, ``input_key_missing``,
    ``case_inputs_conflict``, ``input_value_malformed``) and what the rules of the tax refuse.
    """
    rule = kind_of(kind)
    if not isinstance(inputs, Mapping):
        raise not_accepted("inputs", inputs, '{"tax_year": 2025, …}')
    known = {**rule.needs, **rule.may}
    for key in inputs:
        if key not in known:
            raise InvalidInputError("case_input_unknown", key=key, kind=kind, known=" ".join(known))
    for key in rule.needs:
        if key not in inputs:
            raise InvalidInputError("input_key_missing", key=key)
    return rule.compute(book, {key: known[key](key, value) for key, value in inputs.items()})


def kind_of(name: str) -> Kind:
    """A kind by its name (``case_kind_unknown``)."""
    found = KINDS.get(name)
    if found is None:
        raise InvalidInputError("case_kind_unknown", key="kind", value=name)
    return found


# --- stamp duty ---------------------------------------------------------------------------------------------


def _document(book: Rulebook, given: Given) -> duty.StampDutyQuote:
    rules = book.on(given["date"])
    base = duty_base.of_document(rules, amount=_stated(given), **_those(given, *_VAT))
    return duty.quote(rules, item=given["item"], base=base, half_relief=_is_relieved(rules, given))


def _is_relieved(rules: Rules, given: Given) -> bool:
    """A case says that the taxpayer qualifies for the relief; on a day without it, that gives nothing."""
    try:
        return bool(given.get("half_relief") and rules.stamp_duty.relief)
    except InvalidInputError:
        return False


def _stated(given: Given) -> Fen | duty_base.ForeignAmount:
    """The amount of a document, in yuan or in another currency, but not in both."""
    foreign = [key for key in _FOREIGN if key in given]
    if not foreign:
        if "amount" not in given:
            raise InvalidInputError("input_key_missing", key="amount")
        return Fen(given["amount"])
    if "amount" in given:
        raise InvalidInputError("case_inputs_conflict", key="amount", other=foreign[0])
    for key in _FOREIGN:
        if key not in given:
            raise InvalidInputError("input_key_missing", key=key)
    return duty_base.ForeignAmount(*(given[key] for key in _FOREIGN))


def _on_its_day(function: Callable[..., object]) -> Callable[[Rulebook, Given], object]:
    """A function of stamp duty whose parameters are the inputs, by the rules of the day."""

    def compute(book: Rulebook, given: Given) -> object:
        rules = book.on(given["date"])
        asked = _but(given, "date")
        if "half_relief" in asked:
            asked["half_relief"] = _is_relieved(rules, given)
        return function(rules, **asked)

    return compute


def _securities(book: Rulebook, given: Given) -> duty.StampDutyQuote:
    rules = book.on(given["date"])
    return duty.quote(rules, item="securities", base=given["amount"], side=given["side"])


# --- income tax ---------------------------------------------------------------------------------------------


def _of_a_year(
    answer: str, function: Callable[..., object], first: str, *tables: str
) -> Callable[[Rulebook, Given], object]:
    """What a function of one amount and a tax year gives, under the name ``answer`` if it is an amount;
    where the case has no year, that of the newest for which there are all the ``tables``."""

    def compute(book: Rulebook, given: Given) -> object:
        year = given["tax_year"] if "tax_year" in given else newest_year(book, *tables)
        found = function(given[first], tax_year=year, book=book)
        return {answer: found} if isinstance(found, int) else found

    return compute


def newest_year(book: Rulebook, *tables: str) -> int:
    """The last tax year on whose last day each of these tables of income tax is in force."""
    forever = date(LAST_YEAR, 12, 31)
    end = min(max(figure.until or forever for figure in getattr(book.income_tax, table)) for table in tables)
    return min(LAST_YEAR, end.year if (end.month, end.day) == (12, 31) else end.year - 1)


def _bonus_compare(book: Rulebook, given: Given) -> bonus.BonusComparison:
    return bonus.compare_bonus(given["bonus"], **_but(given, "bonus"), book=book)


def _withhold_wage(book: Rulebook, given: Given) -> withholding.WageWithholding:
    ways = [way for way in _WAYS if given.get(way)]
    year = given.get("tax_year", newest_year(book, "monthly_deduction", "annual_brackets", *ways))
    more = _but(given, "months", "tax_year")
    return withholding.withhold_wages(given["months"], tax_year=year, **more, book=book)


def _withhold_other(book: Rulebook, given: Given) -> ExplainedTax:
    year = given["tax_year"]
    return withholding.withhold_payment(given["type"], given["amount"], tax_year=year, book=book)


def _settlement(book: Rulebook, given: Given) -> income_tax.AnnualSettlement:
    return income_tax.settle(AnnualReturn(**given), book=book)


def _settlement_exemption(book: Rulebook, given: Given) -> exemption.SettlementDuty:
    return exemption.settlement_exemption(**given, book=book)


def _donation_cap(book: Rulebook, given: Given) -> object:
    deducted = deductions.donation_deduction(
        given["donation"],
        taxable_before=given["taxable_before_donation"],
        tax_year=given.get("tax_year", newest_year(book, "donations")),
        book=book,
    )
    return {"deductible": deducted}


def _special_additional(book: Rulebook, given: Given) -> object:
    asked = _but(given, "date", "actual_interest")
    try:
        found = additional.special_additional(on=given["date"], **asked, book=book)
    except InvalidInputError as refusal:
        known = book.income_tax.special_additional.get(given["item"], ())
        if refusal.code != "no_rule_on_date" or given["date"] >= min(figure.since for figure in known):
            raise
        found = NOTHING  # there was no such deduction on that day
    if given["item"] == "housing_loan_interest" and given.get("actual_interest") == 0:
        found = NOTHING  # a fixed amount, but for those only who do pay interest (国发〔2018〕41号, art. 14)
    return {"amount": found}


def _late_fee(book: Rulebook, given: Given) -> object:
    newest = max(book.taxes.late_fees, key=lambda figure: figure.since).value
    return {"fee": delay.late_fee(given["tax"], days=given["days"], rate=newest.rate)}


# --- the kinds ----------------------------------------------------------------------------------------------


def _those(given: Given, *keys: str) -> Given:
    return {key: given[key] for key in keys if key in given}


def _but(given: Given, *keys: str) -> Given:
    return {key: value for key, value in given.items() if key not in keys}


def _kind(
    compute: Callable[[Rulebook, Given], object],
    needs: Readers,
    answers: Sequence[str],
    may: Readers | None = None,
) -> Kind:
    return Kind(compute, needs, tuple(answers), may or {})


_VAT = ("vat", "vat_listed_separately", "amount_includes_vat")
_FOREIGN = ("amount_fx", "currency", "central_parity")
_WAYS = ("first_wage_of_year", "annual_60000_from_january")
_YEAR: Readers = {"tax_year": whole}
_ITEM: Readers = {"date": day, "item": word}
_RELIEF: Readers = {"half_relief": flag}
_TABLES_OF_BONUS = ("separate_bonus", "monthly_brackets")
_TABLES_OF_NONRESIDENTS = ("non_resident", "monthly_brackets")

KINDS: dict[str, Kind] = {
    "stamp.document": _kind(
        _document,
        _ITEM,
        ("base", "tax_per_party"),
        {
            "amount": amount, "amount_fx": decimal_text, "currency": word, "central_parity": decimal_text,
            "vat": amount, "vat_listed_separately": flag, "amount_includes_vat": flag, **_RELIEF,
        },
    ),
    "stamp.account_book": _kind(
        _on_its_day(documents.account_book),
        {"date": day, "paid_in_capital": amount, "capital_reserve": amount, "already_taxed": amount},
        ("base", "tax"),
        _RELIEF,
    ),
    "stamp.equity_transfer": _kind(
        _on_its_day(documents.equity_transfer),
        {"date": day, "consideration": amount, "portion_for_unpaid_subscribed_capital": amount},
        ("base", "tax_per_party"),
    ),
    "stamp.securities": _kind(_securities, {"date": day, "amount": amount, "side": side}, ("tax",)),
    "stamp.mixed": _kind(
        _on_its_day(documents.mixed),
        {"date": day, "separately_listed": flag, "parts": item_amounts},
        ("taxes", "total"),
    ),
    "stamp.multi": _kind(
        _on_its_day(documents.multi), {"date": day, "documents": item_amounts}, ("taxes", "total"), _RELIEF
    ),
    "stamp.amendment": _kind(
        _on_its_day(documents.amendment),
        {**_ITEM, "old_amount": amount},
        ("additional_tax", "refundable"),
        {"new_amount": amount, "not_performed": flag},
    ),
    "stamp.document_1988": _kind(_document, {**_ITEM, "amount": amount}, ("tax_per_party",)),
    "iit.annual_tax": _kind(
        _of_a_year("tax", income_tax.annual_tax, "taxable_income"),
        {**_YEAR, "taxable_income": amount_or_less},
        ("tax",),
    ),
    "iit.bonus_separate": _kind(
        _of_a_year("tax", bonus.bonus_tax, "bonus"), {**_YEAR, "bonus": amount}, ("tax",)
    ),
    "iit.bonus_compare": _kind(
        _bonus_compare,
        {**_YEAR, "bonus": amount, "other_taxable_income": amount},
        ("tax_separate", "tax_without_bonus", "tax_merged_total", "better", "saving"),
    ),
    "iit.bonus_trap_upper": _kind(
        _of_a_year("upper", bonus.bonus_trap_upper, "lower", *_TABLES_OF_BONUS),
        {"lower": amount},
        ("upper",),
        _YEAR,
    ),
    "iit.withhold_wage": _kind(
        _withhold_wage, {"months": wage_months}, ("tax", "total"), {**dict.fromkeys(_WAYS, flag), **_YEAR}
    ),
    "iit.withhold_other": _kind(
        _withhold_other, {**_YEAR, "type": word, "amount": amount}, ("taxable", "tax")
    ),
    "iit.settlement": _kind(
        _settlement,
        _YEAR,
        (
            "income_amount", "taxable", "tax", "tax_total", "refund", "due", "medical_deduction", "increment",
            "withheld", "bonus_tax", "donation_deduction", "must_settle",
        ),
        {**dict.fromkeys(AMOUNTS, amount), "bonus_mode": word, "withheld_properly": flag},
    ),
    "iit.settlement_exemption": _kind(
        _settlement_exemption,
        {
            **_YEAR, "gross_comprehensive_income": amount, "balance_due": amount_or_less,
            "withheld_properly": flag,
        },
        ("must_settle",),
    ),
    "iit.donation_cap": _kind(
        _donation_cap,
        {"donation": amount, "taxable_before_donation": amount_or_less},
        ("deductible",),
        _YEAR,
    ),
    "iit.medical_deduction": _kind(
        _of_a_year("deduction", deductions.medical_deduction, "self_pay"),
        {**_YEAR, "self_pay": amount},
        ("deduction",),
    ),
    "iit.sad": _kind(
        _special_additional,
        {**_ITEM, "months": whole},
        ("amount",),
        {"children": whole, "share": share, "actual_interest": amount},
    ),
    "iit.nonresident_month": _kind(
        _of_a_year("tax", nonresident.nonresident_month_tax, "wage", *_TABLES_OF_NONRESIDENTS),
        {"wage": amount},
        ("tax",),
        _YEAR,
    ),
    "iit.nonresident_bonus": _kind(
        _of_a_year("tax", nonresident.nonresident_bonus_tax, "bonus", *_TABLES_OF_NONRESIDENTS),
        {"bonus": amount},
        ("tax",),
        _YEAR,
    ),
    "iit.business_tax": _kind(
        _of_a_year("tax", business.business_tax, "taxable_income"),
        {**_YEAR, "taxable_income": amount_or_less},
        ("tax",),
    ),
    "late_fee": _kind(_late_fee, {"tax": amount, "days": whole}, ("fee",)),
}  # fmt: skip
