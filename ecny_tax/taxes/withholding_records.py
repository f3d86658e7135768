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
from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import IdentityKind, Taxpayer
from ecny_tax.store import Transaction
from ecny_tax.store.transaction import Row
from ecny_tax.taxes import bills, model
from ecny_tax.taxes.bonus import bonus_tax
from ecny_tax.taxes.checks import check_amount, check_year, malformed
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.json_files import read_object
from ecny_tax.taxes.model import Basis, Tax
from ecny_tax.taxes.returns import MAX_BYTES, amount_of

_NOTHING = Fen(0)

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
    wages: Fen = _NOTHING
    labour: Fen = _NOTHING
    author: Fen = _NOTHING
    royalty: Fen = _NOTHING
    bonus: Fen = _NOTHING
    bonus_mode: Literal["merge", "separate"] = "merge"
    withheld: Fen = _NOTHING

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

    The person's name and number are sealed away; ``status`` is ``recorded`` where nothing was withheld.
    """

    withholding_no: str
    bill_no: str | None
    amount: Fen
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
    person = parties.record_identity(
        tx, keyring, kind=IdentityKind.PERSON, name=given.name, id_number=given.id_number, phone=None
    )
    if given.bonus and given.bonus_mode == "separate":
        bonus_tax(given.bonus, tax_year=given.tax_year, book=tx.rulebook)  # refused where the choice lapsed
        earlier = _of(tx, person.subject_id, given.tax_year)
        if any(row.bonus and row.bonus_mode == "separate" for row in earlier):
            raise RejectedError("separate_bonus_used", year=given.tax_year)
    bill = None
    if given.withheld:
        rules = tx.rulebook.on(date(given.tax_year, 12, 31)).income_tax
        _start, end = model.month_of(tx.now.date())
        bill = bills.insert(
            tx,
            agent,
            tax=Tax.INCOME_TAX,
            code=model.INCOME_TAX_CODE,
            amount=given.withheld,
            authority=authority,
            period=(date(given.tax_year, 1, 1), date(given.tax_year, 12, 31)),
            due=model.due_after(tx.rulebook.calendar, end),
            citation=rules.monthly_deduction.citation,
            evidence=rules.monthly_deduction.evidence,
        )
    number = tx.ids.number("W", tx.now)
    tx.run(
        "INSERT INTO withholding (withholding_no, agent_id, identity_id, subject_id, tax_year, wages, labour,"
        " author, royalty, bonus, bonus_mode, withheld, bill_no, declared_at) VALUES (:number, :agent_id,"
        " :identity_id, :subject_id, :tax_year, :wages, :labour, :author, :royalty, :bonus, :bonus_mode,"
        " :withheld, :bill_no, :now)",
        number=number,
        agent_id=agent.identity_id,
        identity_id=person.identity_id,
        subject_id=person.subject_id,
        tax_year=given.tax_year,
        bonus_mode=given.bonus_mode,
        bill_no=bill.bill_no if bill else None,
        now=micros(tx.now),
        **{key: getattr(given, key) for key in AMOUNTS},
    )
    return next(row for row in every(tx) if row.withholding_no == number)


def every(tx: Transaction) -> Iterator[Withholding]:
    """Every statement, oldest first."""
    return map(_withholding, tx.rows(f"{_WITHHOLDING} ORDER BY h.place"))


def compare(tx: Transaction, taxpayer: Taxpayer, given: AnnualReturn) -> Basis:
    """What a return rests on: it must agree with what agents declared and paid, where there is anything.

    Raises ``RejectedError`` (``withholding_differs``).
    """
    found = [
        row for row in _of(tx, taxpayer.subject_id, given.tax_year) if row.status in ("paid", "recorded")
    ]
    if not found:
        return Basis.STATED
    for key in AMOUNTS:
        recorded = sum(row.amount if key == "withheld" else getattr(row, key) for row in found)
        stated = getattr(given, key)
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
    "SELECT h.withholding_no, h.bill_no, h.withheld, coalesce(b.status, 'recorded'), h.tax_year, h.wages,"
    " h.labour, h.author, h.royalty, h.bonus, h.bonus_mode, h.declared_at"
    " FROM withholding h LEFT JOIN bill b ON b.bill_no = h.bill_no"
)


def _of(tx: Transaction, subject_id: str, tax_year: int) -> list[Withholding]:
    found = tx.rows(
        f"{_WITHHOLDING} WHERE h.subject_id = :subject_id AND h.tax_year = :tax_year"
        " AND coalesce(b.status, '') <> 'cancelled' ORDER BY h.place",
        subject_id=subject_id,
        tax_year=tax_year,
    )
    return [_withholding(row) for row in found]


def _withholding(row: Row) -> Withholding:
    number, bill_no, withheld, status, year, wages, labour, author, royalty, bonus, mode, at = row
    return Withholding(
        number, bill_no, withheld, status, year, wages, labour, author, royalty, bonus, mode, from_micros(at)
    )
