"""The SQL of batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ecny_tax.clock import from_micros, micros
from ecny_tax.money import Fen
from ecny_tax.payments import batch_model
from ecny_tax.payments.batch_model import (
    AnyLine,
    Batch,
    BatchKind,
    BatchProgress,
    BatchStatus,
    LineStatus,
    Outcome,
)
from ecny_tax.store.transaction import Row, Transaction

#: A bill that an agreement on batch debits covers, with the newest such agreement of its taxpayer.
_COVERED = (
    "SELECT b.bill_no, g.agreement_no, g.wallet_id FROM bill b JOIN agreement g ON g.place ="
    " (SELECT max(n.place) FROM agreement n JOIN wallet w ON w.wallet_id = n.wallet_id"
    " WHERE n.subject_id = b.subject_id AND n.authority = b.authority AND n.status = 'verified'"
    " AND n.batch_debit = 1 AND w.closed_at IS NULL)"
    " WHERE b.authority = :authority AND b.status = 'open' AND b.in_doubt IS NULL AND b.bill_no > :after"
    " AND b.due_date <= :due_by AND (:tax = '' OR b.tax = :tax)"
    " ORDER BY b.bill_no LIMIT :limit"
)
_PROGRESS = (
    "SELECT b.batch_no, b.kind, b.authority, b.lines, b.taken_at, coalesce(sum(p.paid), 0),"
    " coalesce(sum(p.refused), 0), coalesce(sum(p.pending), 0), coalesce(sum(p.amount), 0), max(p.done_at)"
    " FROM batch b LEFT JOIN batch_part p ON p.batch_no = b.batch_no"
)
_GROUPED = "GROUP BY b.place, b.batch_no, b.kind, b.authority, b.lines, b.taken_at"


def covered(
    tx: Transaction, authority: str, *, after: str, limit: int, due_by: date | None, tax: str | None
) -> list[Row]:
    """(bill, agreement, wallet) of the next open bills that can be debited in a batch, by bill number."""
    return tx.rows(
        _COVERED,
        authority=authority,
        after=after,
        limit=limit,
        due_by=(due_by or date.max).isoformat(),
        tax=tax or "",
    )


def message(tx: Transaction, batch_no: str) -> bytes | None:
    """What the authority signed of a batch that was taken in."""
    row = tx.row("SELECT message FROM batch WHERE batch_no = :batch_no", batch_no=batch_no)
    return row[0] if row else None


def insert(tx: Transaction, kind: BatchKind, batch: Batch, message: bytes) -> None:
    tx.run(
        "INSERT INTO batch (batch_no, kind, authority, lines, message, taken_at)"
        " VALUES (:batch_no, :kind, :authority, :lines, :message, :now)",
        batch_no=batch.batch_no,
        kind=kind,
        authority=batch.authority,
        lines=batch.lines,
        message=message,
        now=micros(tx.now),
    )


def parts_done(tx: Transaction, batch_no: str) -> int:
    """How many parts of a batch are carried out."""
    row = tx.row("SELECT count(*) FROM batch_part WHERE batch_no = :batch_no", batch_no=batch_no)
    return int(row[0]) if row else 0


def insert_part(
    tx: Transaction,
    batch: Batch,
    part: int,
    text: str,
    lines: Sequence[AnyLine],
    outcomes: Sequence[Outcome],
) -> None:
    """Keep the lines of a part as they were signed, and what came of each."""
    first = batch.first_line(part)
    found = [outcome.status for outcome in outcomes]
    tx.run(
        "INSERT INTO batch_part VALUES (:batch_no, :part, :lines, :results, :paid, :refused, :pending,"
        " :amount, :now)",
        batch_no=batch.batch_no,
        part=part,
        lines=text,
        results="".join(
            outcome.text(number, line)
            for number, (line, outcome) in enumerate(zip(lines, outcomes, strict=True), first)
        ),
        paid=sum(status in batch_model.PAID for status in found),
        refused=found.count(LineStatus.REFUSED),
        pending=sum(status in batch_model.PENDING for status in found),
        amount=sum(
            line.amount for line, status in zip(lines, found, strict=True) if status in batch_model.PAID
        ),
        now=micros(tx.now),
    )


def lines(tx: Transaction, batch_no: str, part: int) -> str | None:
    """The lines of a part that is carried out."""
    sql = "SELECT lines FROM batch_part WHERE batch_no = :batch_no AND part = :part"
    row = tx.row(sql, batch_no=batch_no, part=part)
    return row[0] if row else None


def results(tx: Transaction, batch_no: str, part: int) -> str | None:
    """The results of a part that is carried out."""
    sql = "SELECT results FROM batch_part WHERE batch_no = :batch_no AND part = :part"
    row = tx.row(sql, batch_no=batch_no, part=part)
    return row[0] if row else None


def progress(tx: Transaction, batch_no: str) -> BatchProgress | None:
    row = tx.row(f"{_PROGRESS} WHERE b.batch_no = :batch_no {_GROUPED}", batch_no=batch_no)
    return _progress(row) if row else None


def batches(tx: Transaction) -> list[BatchProgress]:
    """Every batch that was taken in, oldest first."""
    return [_progress(row) for row in tx.rows(f"{_PROGRESS} {_GROUPED} ORDER BY b.place")]


def _progress(row: Row) -> BatchProgress:
    batch_no, kind, authority, count, taken_at, paid, refused, pending, amount, done_at = row
    done = paid + refused + pending
    return BatchProgress(
        batch_no=batch_no,
        kind=BatchKind(kind),
        authority=authority,
        status=BatchStatus.DONE if done == count else BatchStatus.IN_PROGRESS,
        lines=count,
        lines_done=done,
        lines_paid=paid,
        lines_refused=refused,
        lines_pending=pending,
        amount=Fen(amount),
        taken_at=from_micros(taken_at),
        done_at=None if done_at is None else from_micros(done_at),
    )
