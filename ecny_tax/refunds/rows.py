"""The SQL of refunds and of their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ecny_tax.clock import from_micros, micros
from ecny_tax.ledger.model import MAX_COUNTER
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


_COLUMNS = (
    "refund_no, kind, identity_id, subject_id, authority, wallet_id, payment_no, tax_year, is_correction,"
    " code, reason, basis, amount, status, applied_at, failure_code, balance_after, completed_at"
)


def insert_many(tx: Transaction, refunds: Iterable[Refund], batches: Mapping[str, str]) -> None:
    """New refunds as they are by now, with the way that they have come; ``batches`` tells who paid which."""
    found = list(refunds)
    tx.run_many(
        f"INSERT INTO refund ({_COLUMNS}, batch_no)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                one.refund_no,
                one.kind.value,
                one.identity_id,
                one.subject_id,
                one.authority,
                one.wallet_id,
                one.payment_no,
                one.tax_year,
                int(one.is_correction),
                one.code,
                one.reason,
                None if one.basis is None else one.basis.value,
                one.amount,
                one.status.value,
                micros(one.applied_at),
                one.failure_code,
                one.balance_after,
                None if one.completed_at is None else micros(one.completed_at),
                batches.get(one.refund_no),
            )
            for one in found
        ),
    )
    _insert_events(tx, found, known=0)


def update_many(
    tx: Transaction, refunds: Sequence[Refund], batches: Mapping[str, str], *, known: int
) -> None:
    """What became of refunds that were written before, with all steps after the first ``known``."""
    tx.run_many(
        "UPDATE refund SET status = ?, failure_code = ?, balance_after = ?, completed_at = ?, batch_no = ?"
        " WHERE refund_no = ?",
        (
            (
                one.status.value,
                one.failure_code,
                one.balance_after,
                None if one.completed_at is None else micros(one.completed_at),
                batches.get(one.refund_no),
                one.refund_no,
            )
            for one in refunds
        ),
    )
    _insert_events(tx, refunds, known=known)


def _insert_events(tx: Transaction, refunds: Iterable[Refund], *, known: int) -> None:
    tx.run_many(
        "INSERT INTO refund_event (refund_no, step, status, note, at) VALUES (?, ?, ?, ?, ?)",
        (
            (one.refund_no, step, event.status.value, event.note, micros(event.at))
            for one in refunds
            for step, event in enumerate(one.history[known:], start=known + 1)
        ),
    )


def insert_batch(
    tx: Transaction, batch_no: str, *, treasury: str, code: str, refunds: int, amount: int
) -> None:
    """A posting by which a treasury paid many refunds of one collection item."""
    tx.run(
        "INSERT INTO refund_batch (batch_no, treasury, code, refunds, amount, paid_at)"
        " VALUES (:batch_no, :treasury, :code, :refunds, :amount, :now)",
        batch_no=batch_no,
        treasury=treasury,
        code=code,
        refunds=refunds,
        amount=amount,
        now=micros(tx.now),
    )


def insert_many_shares(tx: Transaction, shares: Iterable[tuple[str, Mapping[str, int]]]) -> None:
    """What each budget level paid of many refunds."""
    tx.run_many(
        "INSERT INTO refund_share VALUES (?, ?, ?)",
        ((refund_no, level, amount) for refund_no, by in shares for level, amount in by.items() if amount),
    )


def refund(tx: Transaction, refund_no: str) -> Refund | None:
    row = tx.row(f"{_REFUND} WHERE refund_no = :refund_no", refund_no=refund_no)
    return _refund(tx, row) if row else None


def refunds(tx: Transaction) -> list[Refund]:
    return [_refund(tx, row) for row in tx.rows(f"{_REFUND} ORDER BY place")]


def refunds_among(tx: Transaction, refund_nos: Sequence[str]) -> dict[str, Refund]:
    """The refunds of these numbers, all of them different, as far as there are any."""
    ways: dict[str, list[tuple[int, str, int, str]]] = {}
    select = "SELECT refund_no, step, status, at, note FROM refund_event"
    for refund_no, *step in tx.rows_among(select, "refund_no", refund_nos):
        ways.setdefault(refund_no, []).append((step[0], step[1], step[2], step[3]))
    found = tx.rows_among(_REFUND, "refund_no", refund_nos)
    return {row[0]: _built(row, [step[1:] for step in sorted(ways.get(row[0], []))]) for row in found}


def under_review(
    tx: Transaction, authority: str, *, after: str, limit: int, applied_by: datetime | None
) -> list[Row]:
    """(number, wallet, amount) of the next refunds that an authority has to decide, by number."""
    return tx.rows(
        "SELECT refund_no, wallet_id, amount FROM refund WHERE authority = :authority"
        " AND status = 'tax_review' AND refund_no > :after AND applied_at <= :last"
        " ORDER BY refund_no LIMIT :limit",
        authority=authority,
        after=after,
        last=MAX_COUNTER if applied_by is None else micros(applied_by),
        limit=limit,
    )


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
        "INSERT INTO refund_event (refund_no, step, status, note, at)"
        " SELECT :refund_no, count(*) + 1, :status, :note, :now"
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
        "SELECT status, at, note FROM refund_event WHERE refund_no = :refund_no ORDER BY step",
        refund_no=row[0],
    )
    return _built(row, events)


def _built(row: Row, events: Iterable[Row]) -> Refund:
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
