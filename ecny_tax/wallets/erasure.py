"""Erasing the holder of closed wallets: every key of the subject is destroyed, the books stay whole.

What goes: the subject's data keys at every operator, tax authority and treasury; the sealed boxes, and the
digests by which they were found; the signatures of its agreements, by which a guessed name could be checked;
then the file is rewritten, so that no old byte of them stays in it.

What stays: the transfers and records, which never held a name, and the subject's pseudonym, which is keyed.
By it a yearly refund is still known to be paid when the person comes back, is recorded afresh and asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import IdentityKind
from ecny_tax.store import Store, Transaction
from ecny_tax.wallets import rows
from ecny_tax.wallets.model import Wallet, WalletStatus
from ecny_tax.wallets.service import load

if TYPE_CHECKING:
    from ecny_tax.wallets.service import Forget, NeededFor


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased: how many keys, and whether the file is free of them.

    ``file_cleaned`` is False while another connection still reads an older state of the database: the keys
    are gone from it, their bytes not yet from the file.  Erasing again, later, cleans it.
    """

    wallet_id: str
    status: WalletStatus
    keys_destroyed: int
    file_cleaned: bool


def erase(store: Store, keyring: Keyring, wallet_id: str, needed_for: NeededFor, forget: Forget) -> Erasure:
    """Erase whoever held the wallet; doing so again destroys nothing more, and cleans the file again."""
    with store.transaction() as tx:
        wallet = load(tx, wallet_id)
        subjects = [wallet.subject_id, *_phone_subject(tx, keyring, wallet)]
        open_wallets = [w for w in rows.wallets_of(tx, subjects[0]) if w.status is not WalletStatus.CLOSED]
        if open_wallets:
            raise RejectedError("holder_has_open_wallets", wallet_id=wallet_id, count=len(open_wallets))
        for subject in subjects:
            if (record := needed_for(tx, subject)) is not None:
                raise RejectedError("identity_still_needed", wallet_id=wallet_id, record=record)
            forget(tx, subject)
        destroyed = sum(parties.erase(tx, subject) for subject in subjects)
    return Erasure(wallet.wallet_id, wallet.status, destroyed, store.scrub())


def _phone_subject(tx: Transaction, keyring: Keyring, wallet: Wallet) -> list[str]:
    """Whom the holder was when nothing but the phone was known, unless somebody still is."""
    phone = parties.open_identity(tx, keyring, wallet.identity_id).phone if wallet.is_named else None
    if phone is None:
        return []
    subject = parties.subject_of(keyring, IdentityKind.PHONE, phone)
    others = rows.wallets_of(tx, subject)
    return [] if any(other.status is not WalletStatus.CLOSED for other in others) else [subject]
