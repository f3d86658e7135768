"""What withholding agents (扣缴义务人) declared and paid of a person and a year: the authority's own record.

Where it holds one, an annual return must agree with it; where it holds none, the return stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from ecny_tax.clock import from_micros, micros
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.money import NOTHING, Fen, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import IdentityKind, Taxpayer
from ecny_tax.store import Transaction
from ecny_tax.store.transaction import Row
from ecny_tax.taxes import bills, model, rows
from ecny_tax.taxes.bonus import bonus_tax
from ecny_tax.taxes.checks import check_amount, check_year, malformed
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.json_files import read_object
from ecny_tax.taxes.model import Basis, BillStatus, Tax
from ecny_tax.taxes.returns import MAX_BYTES, amount_of
from ecny_tax.taxes.steps import Step

#: The figures that agents state, and that an annual return is compared by.
AMOUNTS = ("wages", "labour", "author", "royalty", "bonus", "withheld")


@dataclass(frozen=True, slots=True)
class WithholdingStatement:
    """What an agent paid a person in a year and withheld of it, in fen.

    ``bonus`` is a yearly bonus, ``bonus_mode`` whether it was taxed apart.  Raises ``InvalidInputError``
    (``input_value_malformed``).
    """

    tax_year: int
    name: str
    id_number: str
    wages: Fen = NOTHING
    labour: Fen = NOTHING
    author: Fen = NOTHING
    royalty: Fen = NOTHING
    bonus: Fen = NOTHING
    bonus_mode: Literal["merge", "separate"] = "merge"
    withheld: Fen = NOTHING

    def __post_init__(self) -> None:
        check_year(self.tax_year)
        for key in ("name", "id_number"):
            if not isinstance(getattr(self, key), str):
                raise malformed(key, getattr(self, key), "text")
        if self.bonus_mode not in ("merge", "separate"):
            raise malformed("bonus_mode", self.bonus_mode, '"merge" | "separate"')
        for key in AMOUNTS:
            check_amount(key, getattr(self, key))


@dataclass(frozen=True, slots=True)
class Withholding:
    """A statement as the authority keeps it; ``amount`` is what was withheld, ``status`` that of its bill.

    ``agent`` declared it of ``person``: ids of parties, each the same on all statements; their names and
    numbers are sealed away.  ``paid`` is what counts: paid, and not given back.  ``status`` is ``recorded``
    where nothing was withheld, and ``cancelled`` where it was taken back.
    """

    withholding_no: str
    agent: str
    person: str
    bill_no: str | None
    amount: Fen
    paid: Fen
    status: str
    tax_year: int
    wages: Fen
    labour: Fen
    author: Fen
    royalty: Fen
    bonus: Fen
    bonus_mode: str
    declared_at: datetime


def read_statement(source: bytes | str | Path) -> WithholdingStatement:
    """Read a statement from a JSON file: ``tax_year``, ``name``, ``id_number`` and the amounts in yuan.

    Raises the codes of ``returns.read_annual_return``.
    """
    needed = ("tax_year", "name", "id_number")
    document = read_object(source, (*needed, *AMOUNTS, "bonus_mode"), needed, limit=MAX_BYTES)
    amounts = {key: amount_of(key, document[key]) for key in AMOUNTS if key in document}
    return WithholdingStatement(**{**document, **amounts})


def declare(
    tx: Transaction,
    keyring: Keyring,
    agent: Taxpayer,
    statement: WithholdingStatement,
    authority: str | None,
) -> Withholding:
    """Record a statement, with a bill for what was withheld."""
    given = statement
    if given.tax_year > tx.now.year:
        raise RejectedError("withholding_too_early", year=given.tax_year)
    income = given.wages + given.labour + given.author + given.royalty + given.bonus
    if income == 0 or given.withheld > income:
        raise RejectedError(
            "withholding_implausible", withheld=yuan_text(given.withheld), income=yuan_text(income)
        )
    person = parties.record_identity(
        tx,
        keyring,
        custodian=parties.tax_authority(tx, authority).party,
        kind=IdentityKind.PERSON,
        name=given.name,
        id_number=given.id_number,
        phone=None,
    )
    parties.check_same_name(tx, keyring, person)
    earlier = _of(tx, person.subject_id, given.tax_year)
    if any(row.agent == agent.subject_id for row in earlier):
        raise RejectedError("withholding_exists", year=given.tax_year)
    if given.bonus and given.bonus_mode == "separate":
        bonus_tax(given.bonus, tax_year=given.tax_year, book=tx.rulebook)  # refused where the choice lapsed
        if any(row.bonus and row.bonus_mode == "separate" for row in earlier):
            raise RejectedError("separate_bonus_used", year=given.tax_year)
    bill = None
    if given.withheld:
        end = date(given.tax_year, 12, 31)
        rule = tx.rulebook.on(end).income_tax.withholding_term
        bill = bills.insert(
            tx,
            agent,
            tax=Tax.INCOME_TAX,
            code=model.INCOME_TAX_CODE,
            amount=given.withheld,
            authority=authority,
            period=(date(given.tax_year, 1, 1), end),
            due=model.due_after(tx.rulebook.calendar, end, rule.days),
            citation=rule.citation,
            evidence=rule.evidence,
            steps=(
                Step("Income paid", "支付的收入", Fen(income)),
                Step("Tax withheld, as declared", "申报的已扣缴税额", given.withheld, rule.citation),
            ),
        )
    number = tx.ids.number("W", tx.now)
    tx.run(
        "INSERT INTO withholding (withholding_no, agent_id, agent_subject, identity_id, subject_id, tax_year,"
        " wages, labour, author, royalty, bonus, bonus_mode, withheld, bill_no, declared_at) VALUES (:number,"
        " :agent_id, :agent_subject, :identity_id, :subject_id, :tax_year, :wages, :labour, :author,"
        " :royalty, :bonus, :bonus_mode, :withheld, :bill_no, :now)",
        number=number,
        agent_id=agent.identity_id,
        agent_subject=agent.subject_id,
        identity_id=person.identity_id,
        subject_id=person.subject_id,
        tax_year=given.tax_year,
        bonus_mode=given.bonus_mode,
        bill_no=bill.bill_no if bill else None,
        now=micros(tx.now),
        **{key: getattr(given, key) for key in AMOUNTS},
    )
    return load(tx, number)


def every(tx: Transaction) -> Iterator[Withholding]:
    """Every statement, oldest first."""
    return map(_withholding, tx.rows(f"{_WITHHOLDING} ORDER BY h.place"))


def cancel(tx: Transaction, withholding_no: str) -> Withholding:
    """Take a statement back, with its open bill; what was paid must have been given back before.

    Raises ``withholding_not_found``, ``withholding_cancelled``, ``bill_already_paid``, ``bill_in_doubt`` and
    ``withholding_relied_on``.
    """
    found = load(tx, withholding_no)
    if found.status == "cancelled":
        raise RejectedError("withholding_cancelled", withholding_no=withholding_no)
    if found.paid:
        raise RejectedError("bill_already_paid", bill_no=found.bill_no or "")
    if rows.year_resting_on(tx, withholding_no) is not None:
        raise RejectedError("withholding_relied_on", year=found.tax_year)
    if found.bill_no is not None and found.status == BillStatus.OPEN:
        model.check_open(bills.load(tx, found.bill_no))
        rows.set_status(tx, found.bill_no, BillStatus.CANCELLED)
    tx.run(
        "UPDATE withholding SET cancelled_at = :now WHERE withholding_no = :number",
        number=withholding_no,
        now=micros(tx.now),
    )
    return load(tx, withholding_no)


def compare(tx: Transaction, taxpayer: Taxpayer, given: AnnualReturn, bonus_mode: str) -> Basis:
    """What a return rests on: it must agree with what agents declared, where they declared anything.

    Income counts as it was declared, tax as it was paid and not given back.  A bonus may be merged with
    the wages whatever the agent did; one taxed apart must be one that was paid.  Raises ``RejectedError``
    (``withholding_differs``).
    """
    found = _of(tx, taxpayer.subject_id, given.tax_year)
    if not found:
        return Basis.STATED
    compared = {
        "wages": (given.wages + given.bonus, sum(row.wages + row.bonus for row in found)),
        "labour": (given.labour, sum(row.labour for row in found)),
        "author": (given.author, sum(row.author for row in found)),
        "royalty": (given.royalty, sum(row.royalty for row in found)),
        "withheld": (given.withheld, sum(row.paid for row in found)),
    }
    bonuses = [row.bonus for row in found]
    if bonus_mode == "separate" and given.bonus and given.bonus not in bonuses:
        compared["bonus"] = (given.bonus, max(bonuses))
    for key, (stated, recorded) in compared.items():
        if stated != recorded:
            raise RejectedError(
                "withholding_differs",
                year=given.tax_year,
                key=key,
                stated=yuan_text(stated),
                recorded=yuan_text(recorded),
                difference=yuan_text(stated - recorded),
            )
    return Basis.RECORDED


_WITHHOLDING = (
    "SELECT h.withholding_no, h.agent_subject, h.subject_id, h.bill_no, h.withheld,"
    " coalesce((SELECT p.amount - p.late_fee - p.refunded - p.refund_pending FROM payment p"
    " WHERE p.bill_no = h.bill_no AND p.status = 'settled'"
    " AND p.amount - p.late_fee > p.refunded + p.refund_pending), 0),"
    " CASE WHEN h.cancelled_at IS NOT NULL THEN 'cancelled' ELSE coalesce(b.status, 'recorded') END,"
    " h.tax_year, h.wages, h.labour, h.author, h.royalty, h.bonus, h.bonus_mode,"
    " h.declared_at FROM withholding h LEFT JOIN bill b ON b.bill_no = h.bill_no"
)


def load(tx: Transaction, withholding_no: str) -> Withholding:
    """One statement; raises ``NotFoundError`` (``withholding_not_found``)."""
    row = tx.row(f"{_WITHHOLDING} WHERE h.withholding_no = :number", number=withholding_no)
    if row is None:
        raise NotFoundError("withholding_not_found", withholding_no=withholding_no)
    return _withholding(row)


def _of(tx: Transaction, subject_id: str, tax_year: int) -> list[Withholding]:
    """The statements of a person and year that were not taken back."""
    found = tx.rows(
        f"{_WITHHOLDING} WHERE h.subject_id = :subject_id AND h.tax_year = :tax_year"
        " AND h.cancelled_at IS NULL AND coalesce(b.status, '') <> 'cancelled' ORDER BY h.place",
        subject_id=subject_id,
        tax_year=tax_year,
    )
    return [_withholding(row) for row in found]


def _withholding(row: Row) -> Withholding:
    *values, mode, at = row
    number, agent, person, bill_no, withheld, paid, status, year, *incomes = values
    wages, labour, author, royalty, bonus = incomes
    return Withholding(
        number, agent, person, bill_no, withheld, paid, status, year, wages, labour, author, royalty, bonus,
        mode, from_micros(at),
    )  # fmt: skip
