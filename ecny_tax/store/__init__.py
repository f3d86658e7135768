"""Where everything is kept: the schema, its migrations, transactions, and the ledger's storage."""

from ecny_tax.store.sqlite import SqliteStore
from ecny_tax.store.transaction import Store, Transaction

__all__ = ["SqliteStore", "Store", "Transaction", "open_store"]

open_store = SqliteStore.open
