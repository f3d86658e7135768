"""The SQL of a season: how far it is, and what the records of refunds, bills and payments add up to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ecny_tax.store.transaction import Row, Transaction

_NAME = "season"


def is_used(tx: Transaction) -> bool:
    """Whether the database has people already."""
    return tx.row("SELECT 1 FROM wallet LIMIT 1") is not None


def state(tx: Transaction) -> dict[str, Any] | None:
    """The season of this database, as :func:`save` wrote it."""
    row = tx.row("SELECT value FROM meta WHERE name = :name", name=_NAME)
    return json.loads(row[0]) if row else None


def save(tx: Transaction, state: dict[str, Any]) -> None:
    tx.run(
        "INSERT INTO meta VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=_NAME,
        value=json.dumps(state),
    )


def waiting_bills(tx: Transaction, after: int, limit: int) -> list[Row]:
    """(place, bill, wallet) of the next open bills whose payer has the money for it in the wallet."""
    return tx.rows(
        "SELECT b.place, b.bill_no, w.wallet_id FROM bill b JOIN wallet w ON w.subject_id = b.subject_id"
        " JOIN account a ON a.id = w.account_id WHERE b.place > :after AND b.status = 'open'"
        " AND a.credits - a.debits >= b.amount ORDER BY b.place LIMIT :limit",
        after=after,
        limit=limit,
    )


def refund_outcomes(tx: Transaction) -> list[Row]:
    """(status, failure code, count, sum) of the refunds."""
    return tx.rows(
        "SELECT status, failure_code, count(*), sum(amount) FROM refund GROUP BY status, failure_code"
        " ORDER BY status, failure_code"
    )


def bill_outcomes(tx: Transaction) -> list[Row]:
    """(status, count, sum) of the bills."""
    return tx.rows("SELECT status, count(*), sum(amount) FROM bill GROUP BY status ORDER BY status")


def refunds_by_amount(tx: Transaction, bounds: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Place of the band → (count, sum) of the refunds that were paid."""
    return _by_band(tx, "refund WHERE status = 'completed'", "amount", "amount", bounds)


def bills_by_amount(tx: Transaction, bounds: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The same of all bills."""
    return _by_band(tx, "bill", "amount", "amount", bounds)


def refunds_by_time(tx: Transaction, bounds: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Place of the time → (count, sum) of the refunds that were paid then."""
    return _by_band(tx, "refund WHERE status = 'completed'", "completed_at", "amount", bounds)


def payments_by_time(tx: Transaction, bounds: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The same of payments."""
    return _by_band(tx, "payment WHERE status = 'settled'", "settled_at", "amount", bounds)


def _by_band(
    tx: Transaction, records: str, by: str, summed: str, bounds: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """Bounds are numbers of this package, where bands begin; the first one is below all."""
    cases = " ".join(
        f"WHEN {by} >= {bound:d} THEN {place:d}" for place, bound in reversed(list(enumerate(bounds)))
    )
    found = tx.rows(
        f"SELECT band, count(*), sum(amount) FROM (SELECT CASE {cases} ELSE 0 END AS band,"
        f" {summed} AS amount FROM {records}) x GROUP BY band"
    )
    return {band: (count, int(amount)) for band, count, amount in found}
