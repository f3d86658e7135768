"""The chart of accounts: how the accounts of the scheme are named.

e-CNY: issuance, operator vaults, wallets, liens of loads, collection accounts.  Deposits: the public (the
outside world), operators' reserves and own funds, what backs the issued e-CNY at the central bank, the
treasuries' revenue by level.
"""

from __future__ import annotations

ISSUANCE = "issuance"
BACKING = "backing"
OPENING = "opening"

#: Budget levels (预算级次), from the top.
LEVELS = ("central", "province", "city", "county")
#: Collection accounts of one operator for one treasury; at most ten, so that their names end alike.
STRIPES = 8


def vault(operator: str) -> str:
    return f"vault:{operator}"


def wallet(wallet_id: str) -> str:
    return f"wallet:{wallet_id}"


def pushed(reference: str) -> str:
    """A sub-wallet that was pushed to a platform: payees see this name, which tells no wallet id."""
    return f"pushed:{reference}"


def collection(operator: str, treasury: str, payer_account: int) -> str:
    """One of ``STRIPES``: taxpayers who pay one treasury at a time must not wait for one row.

    Which one, the account of the paying wallet decides, so that what comes back leaves the same.
    """
    return f"collection:{operator}:{treasury}:{payer_account % STRIPES}"


def lien(load_id: str) -> str:
    return f"lien:{load_id}"


def reserve(operator: str) -> str:
    return f"reserve:{operator}"


def own_funds(operator: str) -> str:
    return f"own:{operator}"


def public(operator: str) -> str:
    return f"public:{operator}"


def revenue(treasury: str, level: str) -> str:
    return f"revenue:{treasury}:{level}"
