"""Part of a transaction that may be refused without the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecny_tax.errors import EcnyTaxError
from ecny_tax.store.transaction import Transaction


@contextmanager
def undone_if_refused(tx: Transaction) -> Iterator[None]:
    """What runs inside leaves nothing where it raises an ``EcnyTaxError``, which goes on to whoever asked."""
    tx.run("SAVEPOINT attempt")
    try:
        yield
    except EcnyTaxError:
        tx.run("ROLLBACK TO SAVEPOINT attempt")
        tx.run("RELEASE SAVEPOINT attempt")
        raise
    tx.run("RELEASE SAVEPOINT attempt")
