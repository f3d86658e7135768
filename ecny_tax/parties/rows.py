"""The SQL of institutions and identities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecny_tax.parties.model import Institution, InstitutionKind
from ecny_tax.store.transaction import Row, Transaction

#: The columns of an institution ``o``, which :func:`institution_of` reads.
COLUMNS = ("o.kind", "o.code", "o.name_zh", "o.name_en", "o.digits", "o.treasury", "o.public_key")
_INSTITUTION = f"SELECT {', '.join(COLUMNS)} FROM institution o"


def insert_institution(tx: Transaction, party: Institution) -> None:
    tx.run(
        "INSERT INTO institution VALUES (:kind, :code, :name_zh, :name_en, :digits, :treasury, :public_key)",
        kind=party.kind,
        code=party.code,
        name_zh=party.name_zh,
        name_en=party.name_en,
        digits=party.digits,
        treasury=party.treasury,
        public_key=party.public_key,
    )


def institution(tx: Transaction, kind: InstitutionKind, code: str) -> Institution | None:
    row = tx.row(f"{_INSTITUTION} WHERE o.kind = :kind AND o.code = :code", kind=kind, code=code)
    return institution_of(row) if row else None


def institutions(tx: Transaction) -> list[Institution]:
    return [institution_of(row) for row in tx.rows(f"{_INSTITUTION} ORDER BY o.kind, o.code")]


def institution_of(row: Row) -> Institution:
    return Institution(InstitutionKind(row[0]), *row[1:])


def insert_identity(
    tx: Transaction,
    *,
    identity_id: str,
    subject_id: str,
    custodian: str,
    kind: str,
    digest: bytes,
    box: bytes,
) -> None:
    tx.run(
        "INSERT INTO identity VALUES (:identity_id, :subject_id, :custodian, :kind, :digest, :box)",
        identity_id=identity_id,
        subject_id=subject_id,
        custodian=custodian,
        kind=kind,
        digest=digest,
        box=box,
    )


def insert_identities(tx: Transaction, records: Iterable[tuple[str, str, str, str, bytes, bytes]]) -> None:
    """Rows of (identity_id, subject_id, custodian, kind, digest, box)."""
    tx.run_many("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?)", records)


_IDENTITY = (
    "SELECT i.identity_id, i.subject_id, i.custodian, i.kind, i.sealed, k.wrapped_key FROM identity i"
    " LEFT JOIN subject_key k ON k.subject_id = i.subject_id AND k.custodian = i.custodian"
)


def identity(tx: Transaction, identity_id: str) -> Row:
    """(subject_id, custodian, kind, sealed, wrapped_key) of an identity that a record refers to; the last two
    are none once it was erased."""
    row = tx.row(f"{_IDENTITY} WHERE i.identity_id = :id", id=identity_id)
    assert row is not None  # noqa: S101 - foreign keys keep it so
    return row[1:]


def identities(tx: Transaction, identity_ids: Sequence[str]) -> list[Row]:
    """The same of many, each with its number before it."""
    return tx.rows_among(_IDENTITY, "i.identity_id", identity_ids)


def digests_of(tx: Transaction, subjects: Sequence[str]) -> list[Row]:
    """(identity_id, subject_id, custodian, digest) of all that is known of these people and not erased."""
    select = "SELECT identity_id, subject_id, custodian, digest FROM identity"
    return [row for row in tx.rows_among(select, "subject_id", subjects) if row[3] is not None]


def identities_of(tx: Transaction, subject_id: str) -> list[str]:
    """Every identity under which a person or body is known."""
    found = tx.rows(
        "SELECT identity_id FROM identity WHERE subject_id = :id ORDER BY identity_id", id=subject_id
    )
    return [row[0] for row in found]


def identity_by_digest(tx: Transaction, custodian: str, digest: bytes) -> str | None:
    row = tx.row(
        "SELECT identity_id FROM identity WHERE custodian = :custodian AND digest = :digest",
        custodian=custodian,
        digest=digest,
    )
    return row[0] if row else None


def delete_identity(tx: Transaction, identity_id: str) -> None:
    """Take out a record that nothing refers to."""
    tx.run("DELETE FROM identity WHERE identity_id = :id", id=identity_id)


def wrapped_key(tx: Transaction, subject_id: str, custodian: str) -> bytes | None:
    row = tx.row(
        "SELECT wrapped_key FROM subject_key WHERE subject_id = :subject_id AND custodian = :custodian",
        subject_id=subject_id,
        custodian=custodian,
    )
    return row[0] if row else None


def insert_key(tx: Transaction, *, subject_id: str, custodian: str, key: bytes) -> None:
    tx.run(
        "INSERT INTO subject_key VALUES (:subject_id, :custodian, :key)",
        subject_id=subject_id,
        custodian=custodian,
        key=key,
    )


def erased_among(tx: Transaction, identity_ids: Sequence[str]) -> set[str]:
    """Which of these records hold nothing any more."""
    found = tx.rows_among("SELECT identity_id, digest FROM identity", "identity_id", identity_ids)
    return {identity_id for identity_id, digest in found if digest is None}


def wrapped_keys(tx: Transaction, subjects: Sequence[str]) -> list[Row]:
    """(subject_id, custodian, key) of all that custodians hold of these people."""
    select = "SELECT subject_id, custodian, wrapped_key FROM subject_key"
    return tx.rows_among(select, "subject_id", subjects)


def insert_keys(tx: Transaction, keys: Iterable[tuple[str, str, bytes]]) -> None:
    """Rows of (subject_id, custodian, key)."""
    tx.run_many("INSERT INTO subject_key VALUES (?, ?, ?)", keys)


def erase_subject(tx: Transaction, subject_id: str) -> int:
    """Delete every key of a subject, with what they open and what it is looked up by; how many keys."""
    row = tx.row("SELECT count(*) FROM subject_key WHERE subject_id = :id", id=subject_id)
    tx.run("DELETE FROM subject_key WHERE subject_id = :id", id=subject_id)
    tx.run("UPDATE identity SET digest = NULL, sealed = NULL WHERE subject_id = :id", id=subject_id)
    return int(row[0]) if row else 0
