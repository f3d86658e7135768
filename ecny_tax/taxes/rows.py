"""The SQL of bills, of settled years, and of how amounts came about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

from ecny_tax.clock import from_micros, micros
from ecny_tax.money import Fen
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.taxes.late_fee import days_late
from ecny_tax.taxes.late_fee import late_fee_by as compute_late_fee
from ecny_tax.taxes.model import Basis, Bill, BillLine, BillStatus, DueBill, Tax
from ecny_tax.taxes.steps import Step

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode

#: The columns of a bill ``b``, which :func:`bill_of` reads.
COLUMNS = (
    "b.bill_no", "b.tax", "b.code", "b.item", "b.base", "b.rate", "b.amount", "b.late_fee", "b.authority",
    "b.period_start", "b.period_end", "b.due_date", "b.citation", "b.evidence", "b.basis", "b.status",
    "b.in_doubt", "b.declared_at", "b.identity_id", "b.subject_id",
)  # fmt: skip
#: Those that a payment looks at, which :func:`due_bill_of` reads.
DUE_COLUMNS = (
    "b.bill_no", "b.authority", "b.subject_id", "b.tax", "b.amount", "b.late_fee", "b.due_date", "b.status",
    "b.in_doubt",
)  # fmt: skip
_DUE_BILL = f"SELECT {', '.join(DUE_COLUMNS)} FROM bill b"
_TAXES = {tax.value: tax for tax in Tax}
_STATUSES = {status.value: status for status in BillStatus}
_BILL = f"SELECT {', '.join(COLUMNS)} FROM bill b"


def insert(tx: Transaction, bill: Bill) -> None:
    tx.run(
        "INSERT INTO bill (bill_no, identity_id, subject_id, authority, tax, code, item, base, rate, amount,"
        " period_start, period_end, due_date, citation, evidence, basis, status, declared_at)"
        " VALUES (:bill_no, :identity_id, :subject_id, :authority, :tax, :code, :item, :base,"
        " :rate, :amount, :period_start, :period_end, :due_date, :citation, :evidence, :basis, :status,"
        " :declared_at)",
        bill_no=bill.bill_no,
        identity_id=bill.identity_id,
        subject_id=bill.subject_id,
        authority=bill.authority,
        tax=bill.tax,
        code=bill.code,
        item=bill.item,
        base=bill.base,
        rate=bill.rate,
        amount=bill.amount,
        period_start=bill.period_start.isoformat(),
        period_end=bill.period_end.isoformat(),
        due_date=bill.due_date.isoformat(),
        citation=bill.citation,
        evidence=bill.evidence,
        basis=bill.basis,
        status=bill.status,
        declared_at=micros(bill.declared_at),
    )


def bill(tx: Transaction, bill_no: str, *, paid_on: date | None = None) -> Bill | None:
    """The bill with the late fee of the day on which it is paid (default: today)."""
    row = tx.row(f"{_BILL} WHERE b.bill_no = :bill_no", bill_no=bill_no)
    return bill_of(tx, row, paid_on) if row else None


def due_bills_among(tx: Transaction, numbers: Sequence[str]) -> dict[str, DueBill]:
    """Those of these bills that there are, by their numbers, with the late fee of today."""
    today = tx.now.date()
    return {row[0]: due_bill_of(tx, row, today) for row in tx.rows_among(_DUE_BILL, "b.bill_no", numbers)}


def bills(tx: Transaction) -> list[Bill]:
    return [bill_of(tx, row) for row in tx.rows(f"{_BILL} ORDER BY b.place")]


def open_bills_of(tx: Transaction, subject_id: str) -> list[Bill]:
    """What a person or body still owes, oldest first."""
    found = tx.rows(
        f"{_BILL} WHERE b.subject_id = :subject_id AND b.status = 'open' ORDER BY b.due_date, b.place",
        subject_id=subject_id,
    )
    return [bill_of(tx, row) for row in found]


def have_open_bills(tx: Transaction, subjects: Sequence[str]) -> set[str]:
    """Which of these people owe something."""
    found = tx.rows_among("SELECT subject_id, status FROM bill", "subject_id", subjects)
    return {subject for subject, status in found if status == BillStatus.OPEN}


def have_settled(tx: Transaction, subjects: Sequence[str]) -> set[str]:
    """Of which of these people a year was settled, or a withholding statement declared."""
    return {
        subject
        for table in ("annual_settlement", "withholding")
        for (subject,) in tx.rows_among(f"SELECT subject_id FROM {table}", "subject_id", subjects)
    }


def settled_by(tx: Transaction, subject_id: str, tax_year: int) -> list[Row]:
    """(record, outcome, is_final) of every bill and refund that settled a person's year, oldest first."""
    return tx.rows(
        "SELECT record, outcome, is_final FROM annual_settlement"
        " WHERE subject_id = :subject_id AND tax_year = :tax_year ORDER BY place",
        subject_id=subject_id,
        tax_year=tax_year,
    )


def insert_annual_settlement(
    tx: Transaction, subject_id: str, tax_year: int, record: str, outcome: int, basis: Basis
) -> None:
    """Note what settles a person's year, and up to which withholding statement it was compared."""
    tx.run(
        "INSERT INTO annual_settlement (subject_id, tax_year, place, record, outcome, compared_up_to)"
        " SELECT :subject_id, :tax_year, coalesce(max(place), 0) + 1, :record, :outcome,"
        " CASE WHEN :basis = 'recorded' THEN (SELECT max(h.place) FROM withholding h"
        " WHERE h.subject_id = :subject_id AND h.tax_year = :tax_year) END"
        " FROM annual_settlement WHERE subject_id = :subject_id AND tax_year = :tax_year",
        subject_id=subject_id,
        tax_year=tax_year,
        record=record,
        outcome=outcome,
        basis=basis,
    )


def delete_annual_settlement(tx: Transaction, record: str) -> None:
    tx.run("DELETE FROM annual_settlement WHERE record = :record", record=record)


def set_final(tx: Transaction, record: str, *, final: bool) -> None:
    """Whether a bill or refund that settled a year has moved its money."""
    tx.run(
        "UPDATE annual_settlement SET is_final = :final WHERE record = :record",
        record=record,
        final=int(final),
    )


def settlement_after(tx: Transaction, record: str) -> str | None:
    """The record that corrected a settled year after this one, if this one settled a year."""
    row = tx.row(
        "SELECT l.record FROM annual_settlement s JOIN annual_settlement l ON l.subject_id = s.subject_id"
        " AND l.tax_year = s.tax_year AND l.place > s.place WHERE s.record = :record ORDER BY l.place",
        record=record,
    )
    return row[0] if row else None


def year_settled_by(tx: Transaction, record: str) -> int | None:
    """The tax year that a bill or refund settled."""
    row = tx.row("SELECT tax_year FROM annual_settlement WHERE record = :record", record=record)
    return row[0] if row else None


def year_resting_on(tx: Transaction, record: str) -> int | None:
    """The tax year of a person's settlement that rests on a withholding statement, given it or its bill.

    It rests on those that stood when it was compared with them: none taken back before, none made after.
    What was made after goes by the order of writing, for a clock may stand still or be set back.
    """
    row = tx.row(
        "SELECT h.tax_year FROM withholding h JOIN annual_settlement s ON s.subject_id = h.subject_id"
        " AND s.tax_year = h.tax_year AND s.compared_up_to >= h.place"
        " WHERE (h.withholding_no = :record OR h.bill_no = :record) AND h.cancelled_at IS NULL",
        record=record,
    )
    return row[0] if row else None


def insert_first_settlements(tx: Transaction, settled: Iterable[tuple[str, int, str, int]]) -> None:
    """Rows of (subject_id, tax_year, record, outcome): the first of a year, compared with no statement."""
    tx.run_many(
        "INSERT INTO annual_settlement (subject_id, tax_year, place, record, outcome) VALUES (?, ?, 1, ?, ?)",
        settled,
    )


def set_all_final(tx: Transaction, records: Iterable[str]) -> None:
    """These bills or refunds, each of which settled a year, have moved their money."""
    tx.run_many(
        "UPDATE annual_settlement SET is_final = 1 WHERE record = ?", ((record,) for record in records)
    )


def insert_steps(tx: Transaction, record: str, steps: Sequence[Step]) -> None:
    tx.run("INSERT INTO explanation VALUES (:record, :steps)", record=record, steps=_steps_text(steps))


def insert_many_steps(tx: Transaction, explained: Iterable[tuple[str, Sequence[Step]]]) -> None:
    """The steps of many records."""
    tx.run_many(
        "INSERT INTO explanation VALUES (?, ?)", ((record, _steps_text(steps)) for record, steps in explained)
    )


def _steps_text(steps: Sequence[Step]) -> str:
    return _ENCODE([[s.label, s.label_zh, s.amount, s.citation] for s in steps])


def steps(tx: Transaction, record: str) -> tuple[Step, ...]:
    """How the amount of a bill or refund came about; nothing where the amount was given."""
    row = tx.row("SELECT steps FROM explanation WHERE record = :record", record=record)
    return tuple(Step(*step) for step in json.loads(row[0])) if row else ()


def set_status(tx: Transaction, bill_no: str, status: BillStatus, *, late_fee: int = 0) -> None:
    """Close or open a bill; a paid one keeps the late fee that was paid with it."""
    tx.run(
        "UPDATE bill SET status = :status, late_fee = :late_fee WHERE bill_no = :bill_no",
        bill_no=bill_no,
        status=status.value,
        late_fee=late_fee,
    )


def set_paid(tx: Transaction, bills: Sequence[DueBill]) -> None:
    """Close bills with the late fees that were paid with them; what they settle is final."""
    tx.run_many(
        "UPDATE bill SET status = 'paid', late_fee = ? WHERE bill_no = ?",
        [(bill.late_fee, bill.bill_no) for bill in bills],
    )
    tx.run_many(
        "UPDATE annual_settlement SET is_final = 1 WHERE record = ?",
        [(bill.bill_no,) for bill in bills if bill.tax is Tax.INCOME_TAX],
    )


def set_in_doubt(tx: Transaction, bill_no: str, payment_no: str | None) -> None:
    """Note the debit whose outcome is not known, or that none is left."""
    tx.run("UPDATE bill SET in_doubt = :debit WHERE bill_no = :bill_no", bill_no=bill_no, debit=payment_no)


def _late_fee(tx: Transaction, amount: Fen, paid: Fen, status: str, due: str, today: date) -> Fen:
    """What the late fee of an open bill comes to on a day, or came to when the bill was paid."""
    if status == "open" and today.isoformat() > due:
        days = days_late(date.fromisoformat(due), today)
        return compute_late_fee(tx.rulebook.on(today).taxes, amount, days)
    return paid


def due_bill_of(tx: Transaction, row: Row, today: date) -> DueBill:
    """What is to be paid of a bill today."""
    number, authority, subject_id, tax, amount, kept, due, status, in_doubt = row
    late_fee = _late_fee(tx, amount, kept, status, due, today)
    total = Fen(amount + late_fee)
    return DueBill(number, authority, subject_id, _TAXES[tax], late_fee, total, _STATUSES[status], in_doubt)


def bill_of(tx: Transaction, row: Row, paid_on: date | None = None) -> Bill:
    number, tax, code, item, base, rate, amount, late_fee, authority, start, end, due, *rest = row
    citation, evidence, basis, status, in_doubt, at, identity_id, subject_id = rest
    today = paid_on or tx.now.date()
    lines = [BillLine("tax", amount, citation)]
    late_fee = _late_fee(tx, amount, late_fee, status, due, today)
    if late_fee:
        lines.append(BillLine("late_fee", late_fee, tx.rulebook.on(today).taxes.late_fee_citation))
    return Bill(
        number,
        Tax(tax),
        code,
        item,
        base,
        rate,
        amount,
        late_fee,
        Fen(amount + late_fee),
        authority,
        date.fromisoformat(start),
        date.fromisoformat(end),
        date.fromisoformat(due),
        citation,
        evidence,
        None if basis is None else Basis(basis),
        BillStatus(status),
        in_doubt,
        from_micros(at),
        tuple(lines),
        identity_id,
        subject_id,
    )
