"""The SQL of three-party agreements."""

from __future__ import annotations

from collections.abc import Sequence

from ecny_tax.agreements.model import Agreement, AgreementStatus, Mandate
from ecny_tax.clock import from_micros, micros
from ecny_tax.store.transaction import Row, Transaction

#: The columns of an agreement ``g`` of a wallet ``w``, which :func:`agreement_of` reads.
COLUMNS = (
    "g.agreement_no", "g.wallet_id", "w.operator", "g.authority", "g.status", "g.code", "g.batch_debit",
    "g.signed_at", "g.verified_at", "g.ended_at", "g.identity_id", "g.subject_id", "g.signatures", "g.answer",
)  # fmt: skip
#: Those that a debit looks at, which :func:`mandate_of` reads.
MANDATE_COLUMNS = (
    "g.agreement_no", "g.wallet_id", "g.authority", "g.subject_id", "g.status", "g.batch_debit",
)  # fmt: skip
_MANDATE = f"SELECT {', '.join(MANDATE_COLUMNS)} FROM agreement g"
_STATUSES = {status.value: status for status in AgreementStatus}
_AGREEMENT = f"SELECT {', '.join(COLUMNS)} FROM agreement g JOIN wallet w ON w.wallet_id = g.wallet_id"
#: The place of the newest verified agreement of an open wallet ``w`` that covers a bill ``b``.
NEWEST_VERIFIED = (
    "(SELECT max(v.place) FROM agreement v WHERE v.subject_id = b.subject_id AND v.authority = b.authority"
    " AND v.wallet_id = w.wallet_id AND v.status = 'verified' AND w.closed_at IS NULL)"
)


def insert(tx: Transaction, agreement: Agreement) -> None:
    tx.run(
        "INSERT INTO agreement (agreement_no, wallet_id, authority, identity_id, subject_id, batch_debit,"
        " status, signed_at, signatures) VALUES (:agreement_no, :wallet_id, :authority, :identity_id,"
        " :subject_id, :batch_debit, :status, :signed_at, :signatures)",
        agreement_no=agreement.agreement_no,
        wallet_id=agreement.wallet_id,
        authority=agreement.authority,
        identity_id=agreement.identity_id,
        subject_id=agreement.subject_id,
        batch_debit=agreement.batch_debit,
        status=agreement.status,
        signed_at=micros(agreement.signed_at),
        signatures=agreement.signatures,
    )


def agreement(tx: Transaction, agreement_no: str) -> Agreement | None:
    row = tx.row(f"{_AGREEMENT} WHERE g.agreement_no = :number", number=agreement_no)
    return agreement_of(row) if row else None


def mandates_among(tx: Transaction, numbers: Sequence[str]) -> dict[str, Mandate]:
    """What those of these agreements that there are allow, by their numbers."""
    return {row[0]: mandate_of(row) for row in tx.rows_among(_MANDATE, "g.agreement_no", numbers)}


def agreements(tx: Transaction) -> list[Agreement]:
    return [agreement_of(row) for row in tx.rows(f"{_AGREEMENT} ORDER BY g.place")]


def verified_with(tx: Transaction, *, authority: str, subject_id: str) -> Agreement | None:
    """The newest verified agreement of a taxpayer with an authority."""
    row = tx.row(
        f"{_AGREEMENT} WHERE g.subject_id = :subject_id AND g.authority = :authority"
        " AND g.status = 'verified' AND w.closed_at IS NULL ORDER BY g.place DESC LIMIT 1",
        subject_id=subject_id,
        authority=authority,
    )
    return agreement_of(row) if row else None


def standing(tx: Transaction, *, authority: str, wallet_id: str) -> Agreement | None:
    """The agreement of a wallet with an authority that is verified, or was and is locked."""
    row = tx.row(
        f"{_AGREEMENT} WHERE g.wallet_id = :wallet_id AND g.authority = :authority"
        " AND g.status IN ('verified', 'locked')",
        wallet_id=wallet_id,
        authority=authority,
    )
    return agreement_of(row) if row else None


def set_answer(
    tx: Transaction, agreement_no: str, status: AgreementStatus, *, code: str | None, answer: bytes
) -> None:
    """What the operator answered to the verification."""
    tx.run(
        "UPDATE agreement SET status = :status, code = :code, answer = :answer, verified_at = :now"
        " WHERE agreement_no = :number",
        number=agreement_no,
        status=status,
        code=code,
        answer=answer,
        now=micros(tx.now),
    )


def set_status(tx: Transaction, agreement_no: str, status: AgreementStatus) -> None:
    tx.run(
        "UPDATE agreement SET status = :status,"
        " ended_at = CASE WHEN :status = 'terminated' THEN :now ELSE ended_at END"
        " WHERE agreement_no = :number",
        number=agreement_no,
        status=status,
        now=micros(tx.now),
    )


def forget_signatures(tx: Transaction, subject_id: str) -> None:
    """Take out what was signed over a subject's name: by it whoever guesses the name could check it."""
    tx.run(
        "UPDATE agreement SET signatures = :nothing, answer = NULL WHERE subject_id = :subject_id",
        nothing=b"",
        subject_id=subject_id,
    )


def mandate_of(row: Row) -> Mandate:
    number, wallet_id, authority, subject_id, status, batch_debit = row
    return Mandate(number, wallet_id, authority, subject_id, _STATUSES[status], bool(batch_debit))


def agreement_of(row: Row) -> Agreement:
    number, wallet_id, operator, authority, status, code, batch_debit, signed, verified, ended, *rest = row
    return Agreement(
        number,
        wallet_id,
        operator,
        authority,
        AgreementStatus(status),
        code,
        bool(batch_debit),
        from_micros(signed),
        None if verified is None else from_micros(verified),
        None if ended is None else from_micros(ended),
        *rest,
    )
