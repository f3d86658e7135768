"""The SQL of institutions and identities."""

from __future__ import annotations

from ecny_tax.parties.model import Institution, InstitutionKind
from ecny_tax.store.transaction import Row, Transaction

_INSTITUTION = "SELECT kind, code, name_zh, name_en, digits, treasury, public_key FROM institution"


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
    row = tx.row(f"{_INSTITUTION} WHERE kind = :kind AND code = :code", kind=kind, code=code)
    return _institution(row) if row else None


def institutions(tx: Transaction) -> list[Institution]:
    return [_institution(row) for row in tx.rows(f"{_INSTITUTION} ORDER BY kind, code")]


def _institution(row: Row) -> Institution:
    return Institution(InstitutionKind(row[0]), *row[1:])


def insert_identity(
    tx: Transaction, *, identity_id: str, subject_id: str, kind: str, digest: bytes, key: bytes, box: bytes
) -> None:
    tx.run(
        "INSERT INTO identity VALUES (:identity_id, :subject_id, :kind, :digest, :key, :box)",
        identity_id=identity_id,
        subject_id=subject_id,
        kind=kind,
        digest=digest,
        key=key,
        box=box,
    )


def identity(tx: Transaction, identity_id: str) -> Row:
    """(identity_id, subject_id, kind, wrapped_key, sealed) of an identity that a record refers to."""
    row = tx.row(
        "SELECT identity_id, subject_id, kind, wrapped_key, sealed FROM identity WHERE identity_id = :id",
        id=identity_id,
    )
    assert row is not None  # noqa: S101 - foreign keys keep it so
    return row


def identities_of(tx: Transaction, subject_id: str) -> list[str]:
    """Every identity under which a person or body is known."""
    found = tx.rows(
        "SELECT identity_id FROM identity WHERE subject_id = :id ORDER BY identity_id", id=subject_id
    )
    return [row[0] for row in found]


def identity_by_digest(tx: Transaction, digest: bytes) -> str | None:
    row = tx.row("SELECT identity_id FROM identity WHERE digest = :digest", digest=digest)
    return row[0] if row else None
