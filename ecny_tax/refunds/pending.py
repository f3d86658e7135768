"""What still needs the name of a taxpayer: asked before the holder of a wallet is erased."""

from __future__ import annotations

from ecny_tax.refunds import rows
from ecny_tax.store import Transaction
from ecny_tax.taxes import rows as tax_rows


def needed_for(tx: Transaction, subject_id: str) -> str | None:
    """The number of an open bill, which somebody owes, or of a refund on its way to somebody; None without.

    That the law makes operators and authorities keep what they know for years is not modelled.
    """
    owed = tax_rows.open_bills_of(tx, subject_id)
    return owed[0].bill_no if owed else rows.unfinished(tx, subject_id)
