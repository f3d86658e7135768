"""Where everything is kept: the schema, its migrations, transactions, and the ledger's storage."""

from ecny_tax.store.copying import copy_rows
from ecny_tax.store.opening import MEMORY, exists, fixed_time_of, is_url, name_in, open_store
from ecny_tax.store.transaction import Store, Transaction

__all__ = [
    "MEMORY",
    "Store",
    "Transaction",
    "copy_rows",
    "exists",
    "fixed_time_of",
    "is_url",
    "name_in",
    "open_store",
]
