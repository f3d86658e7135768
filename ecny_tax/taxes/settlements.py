"""Settling a person's year: once, by a bill or a refund, and by corrections after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import Fen
from ecny_tax.parties.model import Taxpayer
from ecny_tax.rulebook import Rulebook
from ecny_tax.store import Transaction
from ecny_tax.taxes import bills, income_tax, model, rows, withholding_records
from ecny_tax.taxes.explanation import explain
from ecny_tax.taxes.income_tax import AnnualReturn, AnnualSettlement
from ecny_tax.taxes.model import Basis, Bill, Tax
from ecny_tax.taxes.steps import Step


@dataclass(frozen=True, slots=True)
class YearSettlement:
    """What an annual return comes to, what its figures rest on, and what is left after earlier settlements.

    ``outcome`` is what this return settles, in fen: a refund is positive, what is due negative.
    """

    found: AnnualSettlement
    basis: Basis
    is_correction: bool
    outcome: int


def settle_return(
    tx: Transaction, taxpayer: Taxpayer, annual_return: AnnualReturn, *, correction: bool
) -> YearSettlement:
    """The settlement of a whole year's return, agreeing with what the authority holds.

    Of a ``correction`` the outcome is the difference to what the year has come to so far.  Raises
    ``return_is_partial`` (a what-if, ``base_taxable``, cannot be declared) and ``withholding_differs``.
    """
    found = settlement_of(annual_return, tx.rulebook)
    basis = withholding_records.compare(tx, taxpayer, annual_return, found.bonus_mode)
    outcome = found.refund - found.due
    if correction:
        so_far = sum(row[1] for row in rows.settled_by(tx, taxpayer.subject_id, annual_return.tax_year))
        outcome -= so_far
        found = replace(found, steps=(*found.steps, *_difference(so_far, outcome)))
    return YearSettlement(found, basis, correction, outcome)


def settlement_of(annual_return: AnnualReturn, book: Rulebook) -> AnnualSettlement:
    """What the return of a whole year comes to, with its steps; ``return_is_partial`` of a what-if."""
    if annual_return.base_taxable is not None:
        raise InvalidInputError("return_is_partial")
    return explain(annual_return, book=book)


def _difference(so_far: int, outcome: int) -> tuple[Step, Step]:
    """What a correction adds to the steps: what the year came to before, and what is left."""
    before, before_zh = ("Refunded before", "此前已退") if so_far >= 0 else ("Paid before", "此前已补缴")
    left, left_zh = ("Still to refund", "本次应退") if outcome >= 0 else ("Still to pay", "本次应补")
    return Step(before, before_zh, Fen(abs(so_far))), Step(left, left_zh, Fen(abs(outcome)))


def settle_year(
    tx: Transaction, taxpayer: Taxpayer, tax_year: int, record: str, settled: YearSettlement
) -> None:
    """Note that the bill or refund ``record`` settles the year, and how its amount came about.

    A person does that once, from the first of March that follows the year, and corrects it when that is
    paid.  Raises ``taxpayer_is_not_a_person``, ``annual_settlement_not_open``, ``annual_settlement_exists``
    and of a correction ``annual_settlement_missing`` and ``annual_settlement_pending``.
    """
    if not taxpayer.is_person:
        raise RejectedError("taxpayer_is_not_a_person")
    check_open(tx, tax_year)
    earlier = rows.settled_by(tx, taxpayer.subject_id, tax_year)
    if earlier and not settled.is_correction:
        raise RejectedError("annual_settlement_exists", year=tax_year, record=earlier[-1][0])
    if settled.is_correction and not earlier:
        raise RejectedError("annual_settlement_missing", year=tax_year)
    for pending, _outcome, is_final in earlier:
        if not is_final:
            raise RejectedError("annual_settlement_pending", year=tax_year, record=pending)
    rows.insert_annual_settlement(tx, taxpayer.subject_id, tax_year, record, settled.outcome, settled.basis)
    rows.insert_steps(tx, record, settled.found.steps)


def check_open(tx: Transaction, tax_year: int) -> None:
    """A year is settled from the first of March that follows it (``annual_settlement_not_open``)."""
    opens, _closes = income_tax.settlement_window(tax_year, book=tx.rulebook)
    if tx.now.date() < opens:
        raise RejectedError("annual_settlement_not_open", year=tax_year, opens=opens)


def settle_years(tx: Transaction, first: Sequence[tuple[str, str, YearSettlement]]) -> None:
    """Note what settles the years of many who have settled nothing before: (subject, record, settlement).

    It is for returns that stand for the authority's record; whether they may is judged before.
    """
    rows.insert_first_settlements(
        tx,
        ((subject, one.found.tax_year, record, one.outcome) for subject, record, one in first),
    )
    rows.insert_many_steps(tx, ((record, one.found.steps) for _subject, record, one in first))


def close_years(tx: Transaction, records: Sequence[str]) -> None:
    """The refunds that settle these years have reached their wallets."""
    rows.set_all_final(tx, records)


def check_may_be_taken_back(tx: Transaction, bill: Bill) -> None:
    """Before a bill is cancelled or its payment reversed: nobody's settled year may rest on it.

    Raises ``annual_settlement_corrected`` and ``withholding_relied_on``.
    """
    later = rows.settlement_after(tx, bill.bill_no)
    if later is not None:
        raise RejectedError("annual_settlement_corrected", record=bill.bill_no, later=later)
    year = rows.year_resting_on(tx, bill.bill_no)
    if year is not None:
        raise RejectedError("withholding_relied_on", year=year)


def check_may_be_refunded(tx: Transaction, bill: Bill) -> None:
    """Before a payment is given back: what settled a year comes back by a corrected return alone.

    Raises ``refund_by_correction`` and ``withholding_relied_on``.
    """
    year = rows.year_settled_by(tx, bill.bill_no)
    if year is not None:
        raise RejectedError("refund_by_correction", year=year)
    check_may_be_taken_back(tx, bill)


def close_year(tx: Transaction, record: str) -> None:
    """The refund that settles a year has reached its wallet."""
    rows.set_final(tx, record, final=True)


def reopen_year(tx: Transaction, record: str) -> None:
    """The bill or refund that settled a year came to nothing: the person may settle it anew."""
    rows.delete_annual_settlement(tx, record)


def declare(
    tx: Transaction,
    taxpayer: Taxpayer,
    annual_return: AnnualReturn,
    authority: str | None,
    correction: bool,
) -> Bill:
    """The bill of what a return leaves to pay; ``nothing_to_pay`` where there is nothing."""
    year = annual_return.tax_year
    settled = settle_return(tx, taxpayer, annual_return, correction=correction)
    due = Fen(max(0, -settled.outcome))
    _opens, closes = income_tax.settlement_window(year, book=tx.rulebook)
    bill = bills.insert(
        tx,
        taxpayer,
        tax=Tax.INCOME_TAX,
        code=model.INCOME_TAX_CODE,
        base=settled.found.taxable,
        amount=due,
        authority=authority,
        period=(date(year, 1, 1), date(year, 12, 31)),
        due=model.due_after(tx.rulebook.calendar, closes, 0),
        citation=settled.found.citation,
        evidence=settled.found.evidence,
        basis=settled.basis,
    )
    settle_year(tx, taxpayer, year, bill.bill_no, settled)
    return bill
