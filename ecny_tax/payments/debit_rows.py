"""The SQL of ordered failures, and of what treasury and operator wrote of debits that one struck."""

from __future__ import annotations

from ecny_tax.clock import from_micros, micros
from ecny_tax.money import Fen
from ecny_tax.payments.debit_model import (
    DebitOutcome,
    DebitRecord,
    DebitStatus,
    FailureKind,
    FailureStatus,
    OrderedFailure,
    Struck,
    Written,
)
from ecny_tax.payments.model import PaymentMode
from ecny_tax.store.transaction import Row, Transaction

_FAILURE = (
    "SELECT failure_no, kind, operator, wallet_id, times, remaining, ordered_at, cancelled_at"
    f" FROM ordered_failure WHERE strikes <> '{Struck.REQUEST}'"
)
_RECORD = (
    "SELECT trace_no, kind, bill_no, wallet_id, agreement_no, mode, amount, entrusted_at, treasury_status,"
    " treasury_amount, operator_status, operator_amount, outcome, transfer_id, authorisation"
    " FROM debit_record"
)


def insert_failure(tx: Transaction, failure: OrderedFailure) -> None:
    tx.run(
        "INSERT INTO ordered_failure (failure_no, strikes, kind, operator, wallet_id, times, remaining,"
        " ordered_at) VALUES (:failure_no, :strikes, :kind, :operator, :wallet_id, :times, :times,"
        " :ordered_at)",
        failure_no=failure.failure_no,
        strikes=failure.kind.strikes,
        kind=failure.kind,
        operator=failure.operator,
        wallet_id=failure.wallet_id,
        times=failure.times,
        ordered_at=micros(failure.ordered_at),
    )


_WAITS = "n.strikes = '{}' AND n.remaining > 0 AND n.cancelled_at IS NULL"
_NEXT = (
    f"(SELECT n.failure_no FROM ordered_failure n WHERE {_WAITS}"
    " AND coalesce(n.operator, w.operator) = w.operator"
    " AND coalesce(n.wallet_id, w.wallet_id) = w.wallet_id ORDER BY n.place LIMIT 1)"
)
#: The number of the oldest failure that waits for a debit of a wallet ``w``.
NEXT_FAILURE = _NEXT.format(Struck.DEBIT)


def next_failure(tx: Transaction, wallet_id: str, strikes: Struck = Struck.DEBIT) -> OrderedFailure | None:
    """The oldest failure that waits for a debit, or a refund, of this wallet."""
    row = tx.row(
        f"{_FAILURE} AND failure_no ="
        f" (SELECT {_NEXT.format(strikes)} FROM wallet w WHERE w.wallet_id = :wallet_id)",
        wallet_id=wallet_id,
    )
    return _failure(row) if row else None


def any_waits(tx: Transaction, strikes: Struck = Struck.DEBIT) -> bool:
    """Whether any failure waits for a debit, or a refund."""
    return tx.row(f"SELECT 1 FROM ordered_failure n WHERE {_WAITS.format(strikes)}") is not None


def failure(tx: Transaction, failure_no: str) -> OrderedFailure | None:
    row = tx.row(f"{_FAILURE} AND failure_no = :failure_no", failure_no=failure_no)
    return _failure(row) if row else None


def failures(tx: Transaction) -> list[OrderedFailure]:
    return [_failure(row) for row in tx.rows(f"{_FAILURE} ORDER BY place")]


def count_strike(tx: Transaction, failure_no: str) -> None:
    tx.run("UPDATE ordered_failure SET remaining = remaining - 1 WHERE failure_no = :no", no=failure_no)


def set_cancelled(tx: Transaction, failure_no: str) -> None:
    tx.run(
        "UPDATE ordered_failure SET cancelled_at = :now WHERE failure_no = :no",
        no=failure_no,
        now=micros(tx.now),
    )


def insert(tx: Transaction, debit: DebitRecord) -> None:
    tx.run(
        "INSERT INTO debit_record (trace_no, kind, bill_no, wallet_id, agreement_no, mode, amount,"
        " authorisation, entrusted_at, treasury_status, treasury_amount, operator_status, operator_amount,"
        " transfer_id, outcome, decided_at) VALUES (:trace_no, :kind, :bill_no, :wallet_id, :agreement_no,"
        " :mode, :amount, :authorisation, :entrusted_at, :treasury_status, :treasury_amount,"
        " :operator_status, :operator_amount, :transfer_id, :outcome, :decided_at)",
        trace_no=debit.trace_no,
        kind=debit.kind,
        bill_no=debit.bill_no,
        wallet_id=debit.wallet_id,
        agreement_no=debit.agreement_no,
        mode=debit.mode,
        amount=debit.amount,
        authorisation=debit.authorisation,
        entrusted_at=micros(debit.entrusted_at),
        treasury_status=debit.treasury.status if debit.treasury else None,
        treasury_amount=debit.treasury.amount if debit.treasury else None,
        operator_status=debit.operator.status if debit.operator else None,
        operator_amount=debit.operator.amount if debit.operator else None,
        transfer_id=debit.transfer_id,
        outcome=debit.outcome,
        decided_at=None if debit.outcome is None else micros(tx.now),
    )


def record(tx: Transaction, trace_no: str) -> DebitRecord | None:
    row = tx.row(f"{_RECORD} WHERE trace_no = :trace_no", trace_no=trace_no)
    return _record(row) if row else None


def is_in_doubt(tx: Transaction, trace_no: str) -> bool:
    """Whether treasury and operator still differ over this debit."""
    found = tx.row(
        "SELECT 1 FROM debit_record WHERE trace_no = :trace_no AND outcome IS NULL", trace_no=trace_no
    )
    return found is not None


def set_outcome(
    tx: Transaction,
    trace_no: str,
    outcome: DebitOutcome,
    *,
    both: Written,
    adjustment_id: bytes | None = None,
) -> None:
    """Note what came of a debit, and what both sides have on record from now on."""
    tx.run(
        "UPDATE debit_record SET outcome = :outcome, decided_at = :now, adjustment_id = :adjustment_id,"
        " treasury_status = :status, treasury_amount = :amount,"
        " operator_status = :status, operator_amount = :amount WHERE trace_no = :trace_no",
        trace_no=trace_no,
        outcome=outcome,
        now=micros(tx.now),
        adjustment_id=adjustment_id,
        status=both.status,
        amount=both.amount,
    )


def _failure(row: Row) -> OrderedFailure:
    number, kind, operator, wallet_id, times, remaining, at, cancelled_at = row
    status = FailureStatus.WAITING if remaining else FailureStatus.STRUCK
    if cancelled_at is not None:
        status = FailureStatus.CANCELLED
    return OrderedFailure(
        number, FailureKind(kind), operator, wallet_id, times, remaining, status, from_micros(at)
    )


def _record(row: Row) -> DebitRecord:
    number, kind, bill_no, wallet_id, agreement_no, mode, amount, at, *rest = row
    by_treasury, treasury_amount, by_operator, operator_amount, outcome, transfer_id, authorisation = rest
    return DebitRecord(
        number,
        FailureKind(kind),
        bill_no,
        wallet_id,
        agreement_no,
        PaymentMode(mode),
        amount,
        from_micros(at),
        _written(by_treasury, treasury_amount),
        _written(by_operator, operator_amount),
        None if outcome is None else DebitOutcome(outcome),
        transfer_id,
        authorisation,
    )


def _written(status: str | None, amount: int) -> Written | None:
    return None if status is None else Written(DebitStatus(status), Fen(amount))
