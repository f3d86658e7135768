"""The SQL of bills."""

from __future__ import annotations

from datetime import date

from ecny_tax.clock import from_micros, micros
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.taxes.model import Bill, BillStatus, Tax

_BILL = (
    "SELECT bill_no, tax, code, item, base, rate, amount, authority, period_start, period_end, due_date,"
    " citation, evidence, status, declared_at, identity_id, subject_id FROM bill"
)


def insert(tx: Transaction, bill: Bill) -> None:
    tx.run(
        "INSERT INTO bill (bill_no, identity_id, subject_id, authority, tax, code, item, base, rate, amount,"
        " period_start, period_end, due_date, citation, evidence, status, declared_at)"
        " VALUES (:bill_no, :identity_id, :subject_id, :authority, :tax, :code, :item, :base,"
        " :rate, :amount, :period_start, :period_end, :due_date, :citation, :evidence, :status,"
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
        status=bill.status,
        declared_at=micros(bill.declared_at),
    )


def bill(tx: Transaction, bill_no: str) -> Bill | None:
    row = tx.row(f"{_BILL} WHERE bill_no = :bill_no", bill_no=bill_no)
    return _bill(row) if row else None


def bills(tx: Transaction) -> list[Bill]:
    return [_bill(row) for row in tx.rows(f"{_BILL} ORDER BY place")]


def open_bills_of(tx: Transaction, subject_id: str) -> list[Bill]:
    """What a person or body still owes, oldest first."""
    found = tx.rows(
        f"{_BILL} WHERE subject_id = :subject_id AND status = 'open' ORDER BY due_date, place",
        subject_id=subject_id,
    )
    return [_bill(row) for row in found]


def settled_by(tx: Transaction, subject_id: str, tax_year: int) -> str | None:
    """The number of the bill or refund by which a person settled that year."""
    row = tx.row(
        "SELECT record FROM annual_settlement WHERE subject_id = :subject_id AND tax_year = :tax_year",
        subject_id=subject_id,
        tax_year=tax_year,
    )
    return row[0] if row else None


def insert_annual_settlement(tx: Transaction, subject_id: str, tax_year: int, record: str) -> None:
    tx.run(
        "INSERT INTO annual_settlement VALUES (:subject_id, :tax_year, :record)",
        subject_id=subject_id,
        tax_year=tax_year,
        record=record,
    )


def delete_annual_settlement(tx: Transaction, record: str) -> None:
    tx.run("DELETE FROM annual_settlement WHERE record = :record", record=record)


def set_status(tx: Transaction, bill_no: str, status: BillStatus) -> None:
    tx.run("UPDATE bill SET status = :status WHERE bill_no = :bill_no", bill_no=bill_no, status=status)


def _bill(row: Row) -> Bill:
    number, tax, code, item, base, rate, amount, authority, start, end, due, *rest = row
    citation, evidence, status, at, identity_id, subject_id = rest
    return Bill(
        number,
        Tax(tax),
        code,
        item,
        base,
        rate,
        amount,
        authority,
        date.fromisoformat(start),
        date.fromisoformat(end),
        date.fromisoformat(due),
        citation,
        evidence,
        BillStatus(status),
        from_micros(at),
        identity_id,
        subject_id,
    )
