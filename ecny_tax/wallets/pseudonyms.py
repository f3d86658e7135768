"""What a payee sees of who paid it: a pseudonym that differs by payee."""

from __future__ import annotations

import hmac

from ecny_tax.crypto.keyring import Keyring


def pseudonym(keyring: Keyring, *, payer: str, operator: str, payee: str) -> str:
    """The name ``payer:…`` of a payer's wallet for one payee's wallet.

    It is an HMAC-SHA256 under a key of the payer's operator: the same whenever this payer pays this payee, so
    that the payee can keep its books, and without anything in common with what other payees see, so that two
    of them cannot join theirs.  Only the operator can tell whose it is.
    """
    key = keyring.secret(f"payee pseudonyms/operator:{operator}")
    return f"payer:{hmac.digest(key, f'{payer} {payee}'.encode(), 'sha256').hex()[:20].upper()}"
