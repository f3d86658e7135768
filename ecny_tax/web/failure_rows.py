"""The SQL of ordered failures, as this edge sees them: its own, and those of the rooms below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ecny_tax.clock import from_micros, micros
from ecny_tax.payments.debit_model import FailureStatus, Struck
from ecny_tax.store.transaction import Row, Transaction

_STRIKE = "SELECT failure_no, kind, wallet_id, seconds, code FROM ordered_failure"
_FAILURE = (
    "SELECT failure_no, strikes, kind, operation, party, operator, wallet_id, code, seconds, times,"
    " remaining, ordered_at, cancelled_at FROM ordered_failure"
)


class RequestFailureKind(StrEnum):
    """What may go wrong between a caller and this edge."""

    ANSWER_LATE = "answer_late"  # 应答迟到：已执行，迟到应答
    ANSWER_LOST = "answer_lost"  # 应答丢失：已执行，连接断开
    REFUSAL = "refusal"  # 拒绝：不执行，按指定代码应答


@dataclass(frozen=True, slots=True)
class Strike:
    """A failure that waits for requests."""

    failure_no: str
    kind: RequestFailureKind
    wallet_id: str | None
    seconds: int | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that was ordered: it strikes the next ``times`` debits, refunds or requests that match.

    ``operation`` and ``party`` are those of requests, a taxpayer by pseudonym; None matches any.  ``code`` is
    what a ``refusal`` answers, ``seconds`` by how much an ``answer_late`` is late.
    """

    failure_no: str
    strikes: Struck
    kind: str
    operation: str | None
    party: str | None
    operator: str | None
    wallet_id: str | None
    code: str | None
    seconds: int | None
    times: int
    left: int
    status: FailureStatus
    ordered_at: datetime


def insert(
    tx: Transaction,
    failure_no: str,
    *,
    kind: RequestFailureKind,
    operation: str | None,
    party: str | None,
    wallet_id: str | None,
    seconds: int | None,
    code: str | None,
    times: int,
) -> None:
    tx.run(
        "INSERT INTO ordered_failure (failure_no, strikes, kind, operation, party, wallet_id, seconds, code,"
        " times, remaining, ordered_at) VALUES (:failure_no, :strikes, :kind, :operation, :party, :wallet_id,"
        " :seconds, :code, :times, :times, :now)",
        failure_no=failure_no,
        strikes=Struck.REQUEST,
        kind=kind,
        operation=operation,
        party=party,
        wallet_id=wallet_id,
        seconds=seconds,
        code=code,
        times=times,
        now=micros(tx.now),
    )


def waiting(tx: Transaction, operation: str, party: str) -> list[Strike]:
    """What waits for a request of that party for that operation, oldest first."""
    rows = tx.rows(
        f"{_STRIKE} WHERE strikes = '{Struck.REQUEST}' AND remaining > 0 AND cancelled_at IS NULL"
        " AND coalesce(operation, :operation) = :operation AND coalesce(party, :party) = :party"
        " ORDER BY place",
        operation=operation,
        party=party,
    )
    return [Strike(no, RequestFailureKind(kind), *rest) for no, kind, *rest in rows]


def count_strike(tx: Transaction, failure_no: str) -> bool:
    """Whether it was still there to strike."""
    row = tx.row(
        "UPDATE ordered_failure SET remaining = remaining - 1 WHERE failure_no = :failure_no"
        " AND remaining > 0 AND cancelled_at IS NULL RETURNING failure_no",
        failure_no=failure_no,
    )
    return row is not None


def cancel(tx: Transaction, failure_no: str) -> bool:
    """Whether it still waited."""
    row = tx.row(
        "UPDATE ordered_failure SET cancelled_at = :now WHERE failure_no = :failure_no"
        " AND remaining > 0 AND cancelled_at IS NULL RETURNING failure_no",
        failure_no=failure_no,
        now=micros(tx.now),
    )
    return row is not None


def count_waiting(tx: Transaction) -> int:
    row = tx.row("SELECT count(*) FROM ordered_failure WHERE remaining > 0 AND cancelled_at IS NULL")
    return int(row[0]) if row else 0


def failure(tx: Transaction, failure_no: str) -> Failure | None:
    row = tx.row(f"{_FAILURE} WHERE failure_no = :failure_no", failure_no=failure_no)
    return _failure(row) if row else None


def _failure(row: Row) -> Failure:
    number, strikes, kind, operation, party, operator, wallet_id, code, seconds, *counted = row
    times, left, at, cancelled_at = counted
    status = FailureStatus.WAITING if left else FailureStatus.STRUCK
    if cancelled_at is not None:
        status = FailureStatus.CANCELLED
    return Failure(
        number,
        Struck(strikes),
        kind,
        operation,
        party,
        operator,
        wallet_id,
        code,
        seconds,
        times,
        left,
        status,
        from_micros(at),
    )
