"""The SQL of API keys, and of what was answered over HTTP."""

from __future__ import annotations

from datetime import datetime

from ecny_tax.clock import from_micros, micros
from ecny_tax.store.transaction import Transaction

_KEY = "SELECT key_id, party, created_at, revoked_at FROM api_key"
KeyRow = tuple[str, str, datetime, datetime | None]


def insert_key(tx: Transaction, key_id: str, digest: bytes, party: str) -> None:
    tx.run(
        "INSERT INTO api_key (key_id, digest, party, created_at) VALUES (:key_id, :digest, :party, :now)",
        key_id=key_id,
        digest=digest,
        party=party,
        now=micros(tx.now),
    )


def key_of(tx: Transaction, digest: bytes) -> tuple[str, str] | None:
    """The id of a key that is not revoked, and whom it stands for."""
    row = tx.row(
        "SELECT key_id, party FROM api_key WHERE digest = :digest AND revoked_at IS NULL", digest=digest
    )
    return (row[0], row[1]) if row else None


def keys(tx: Transaction) -> list[KeyRow]:
    return [
        (key_id, party, from_micros(created), None if revoked is None else from_micros(revoked))
        for key_id, party, created, revoked in tx.rows(f"{_KEY} ORDER BY created_at, key_id")
    ]


def revoke_key(tx: Transaction, key_id: str) -> bool:
    """Whether there is such a key; one that is revoked stays so since then."""
    row = tx.row(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, :now) WHERE key_id = :key_id RETURNING key_id",
        key_id=key_id,
        now=micros(tx.now),
    )
    return row is not None


def taken_key(tx: Transaction, prefix: str) -> tuple[str, bool] | None:
    """The whole key of a request that was taken, whose key begins so, and whether it was answered.

    One whose outcome is not known yet, or a batch that was cut off, was not; see the index
    ``answered_over_http``.
    """
    row = tx.row(
        "SELECT key, answer IS NOT NULL FROM answered_request WHERE key >= 'http:' AND key < 'http;'"
        " AND key >= :low AND key < :high LIMIT 1",
        low=prefix,
        high=f"{prefix}~",
    )
    return (row[0], bool(row[1])) if row else None
