"""The SQL of refunds and of their events."""

from __future__ import annotations

from collections.abc import Mapping

from ecny_tax.clock import from_micros, micros
from ecny_tax.refunds.model import Refund, RefundEvent, RefundKind, RefundStatus
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.taxes.model import Basis

_REFUND = (
    "SELECT refund_no, kind, wallet_id, payment_no, tax_year, is_correction, amount, set_off, interest,"
    " status, failure_code, balance_after, authority, code, reason, basis, applied_at, completed_at,"
    " identity_id, subject_id FROM refund"
)


def insert(tx: Transaction, refund: Refund) -> None:
    tx.run(
        "INSERT INTO refund (refund_no, kind, identity_id, subject_id, authority, wallet_id, payment_no,"
        " tax_year, is_correction, code, reason, basis, amount, status, applied_at) VALUES (:refund_no,"
        " :kind, :identity_id, :subject_id, :authority, :wallet_id, :payment_no, :tax_year, :is_correction,"
        " :code, :reason, :basis, :amount, :status, :applied_at)",
        refund_no=refund.refund_no,
        kind=refund.kind,
        identity_id=refund.identity_id,
        subject_id=refund.subject_id,
        authority=refund.authority,
        wallet_id=refund.wallet_id,
        payment_no=refund.payment_no,
        tax_year=refund.tax_year,
        is_correction=int(refund.is_correction),
        code=refund.code,
        reason=refund.reason,
        basis=refund.basis,
        amount=refund.amount,
        status=refund.status,
        applied_at=micros(refund.applied_at),
    )


def refund(tx: Transaction, refund_no: str) -> Refund | None:
    row = tx.row(f"{_REFUND} WHERE refund_no = :refund_no", refund_no=refund_no)
    return _refund(tx, row) if row else None


def refunds(tx: Transaction) -> list[Refund]:
    return [_refund(tx, row) for row in tx.rows(f"{_REFUND} ORDER BY place")]


def unfinished(tx: Transaction, subject_id: str) -> str | None:
    """The oldest refund of a person or body that is neither paid nor refused nor taken back."""
    row = tx.row(
        "SELECT refund_no FROM refund WHERE subject_id = :subject_id"
        " AND status IN ('tax_review', 'treasury_processing', 'treasury_failed') ORDER BY place",
        subject_id=subject_id,
    )
    return row[0] if row else None


def set_status(tx: Transaction, refund_no: str, status: RefundStatus, *, note: str = "") -> None:
    """Move to a new status and write down the step."""
    tx.run(
        "UPDATE refund SET status = :status, failure_code = NULL WHERE refund_no = :refund_no",
        refund_no=refund_no,
        status=status,
    )
    add_event(tx, refund_no, status, note=note)


def add_event(tx: Transaction, refund_no: str, status: RefundStatus, *, note: str = "") -> None:
    tx.run(
        "INSERT INTO refund_event SELECT :refund_no, count(*) + 1, :status, :note, :now"
        " FROM refund_event WHERE refund_no = :refund_no",
        refund_no=refund_no,
        status=status,
        note=note,
        now=micros(tx.now),
    )


def set_failed(tx: Transaction, refund_no: str, code: str) -> None:
    set_status(tx, refund_no, RefundStatus.TREASURY_FAILED, note=code)
    tx.run(
        "UPDATE refund SET failure_code = :code WHERE refund_no = :refund_no", refund_no=refund_no, code=code
    )


def set_completed(
    tx: Transaction, refund_no: str, *, set_off: int, interest: int, balance_after: int
) -> None:
    set_status(tx, refund_no, RefundStatus.COMPLETED)
    tx.run(
        "UPDATE refund SET set_off = :set_off, interest = :interest, balance_after = :balance_after,"
        " completed_at = :now WHERE refund_no = :refund_no",
        refund_no=refund_no,
        set_off=set_off,
        interest=interest,
        balance_after=balance_after,
        now=micros(tx.now),
    )


def insert_shares(tx: Transaction, refund_no: str, by_level: Mapping[str, int]) -> None:
    """What each budget level paid of a refund."""
    tx.run_many(
        "INSERT INTO refund_share VALUES (?, ?, ?)",
        [(refund_no, level, amount) for level, amount in by_level.items() if amount],
    )


def shares(tx: Transaction, refund_no: str) -> dict[str, int]:
    """What each budget level paid of a completed refund."""
    sql = "SELECT level, amount FROM refund_share WHERE refund_no = :refund_no"
    return dict(tx.rows(sql, refund_no=refund_no))


def shares_of_payment(tx: Transaction, payment_no: str) -> dict[str, int]:
    """What each budget level has given back of a payment."""
    found = tx.rows(
        "SELECT s.level, sum(s.amount) FROM refund_share s JOIN refund r ON r.refund_no = s.refund_no"
        " WHERE r.payment_no = :payment_no GROUP BY s.level",
        payment_no=payment_no,
    )
    return dict(found)


def transfers_of(tx: Transaction, refund_no: str, wallet_id: str) -> list[bytes]:
    """The ids of the transfers by which a refund reached its payee: into the wallet, or for open bills."""
    found = tx.rows(
        "SELECT t.seq, t.id FROM wallet w JOIN transfer t ON t.credit_account_id = w.account_id"
        " WHERE w.wallet_id = :wallet_id AND t.user_data = :refund_no"
        " UNION SELECT t.seq, t.id FROM payment p JOIN transfer t ON t.id = p.transfer_id"
        " WHERE p.wallet_id = :wallet_id AND p.mode = 'set_off' AND t.user_data = :refund_no ORDER BY 1",
        wallet_id=wallet_id,
        refund_no=refund_no,
    )
    return [transfer_id for _seq, transfer_id in found]


def set_wallet(tx: Transaction, refund_no: str, wallet_id: str) -> None:
    tx.run(
        "UPDATE refund SET wallet_id = :wallet_id WHERE refund_no = :refund_no",
        refund_no=refund_no,
        wallet_id=wallet_id,
    )


def _refund(tx: Transaction, row: Row) -> Refund:
    events = tx.rows(
        "SELECT status, at, note FROM refund_event WHERE refund_no = :refund_no ORDER BY place",
        refund_no=row[0],
    )
    history = tuple(RefundEvent(RefundStatus(status), from_micros(at), note) for status, at, note in events)
    number, kind, wallet, payment, year, correction, amount, set_off, interest, status, *rest = row
    failure, balance, office, code, reason, basis, applied, completed, identity_id, subject_id = rest
    return Refund(
        number,
        RefundKind(kind),
        wallet,
        payment,
        year,
        bool(correction),
        amount,
        set_off,
        interest,
        RefundStatus(status),
        failure,
        balance,
        office,
        code,
        reason,
        None if basis is None else Basis(basis),
        from_micros(applied),
        None if completed is None else from_micros(completed),
        history,
        identity_id,
        subject_id,
    )
