"""What tax authorities and treasuries are told of who holds a wallet, and when.

An authority learns name and id number from the holder's signing, declaring, paying or being refunded there;
a treasury learns the name that the vouchers bear which it signs.  Neither ever gets a phone.  What each was
told is a record of its own, which it alone can open; of a wallet that told it nothing it knows nothing.
"""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity, Institution, InstitutionKind, Taxpayer
from ecny_tax.store import Transaction
from ecny_tax.wallets import rows
from ecny_tax.wallets.model import Wallet, WalletKind, check_not_closed
from ecny_tax.wallets.service import load

#: The records by which an authority and its treasury know who holds a wallet; None where one was not told.
Told = tuple[str | None, str | None]


def taxpayer_of(tx: Transaction, keyring: Keyring, wallet_id: str, authority: str | None) -> Taxpayer:
    """Whose wallet it is, for a declaration to an authority (default: the scheme's), which so learns it.

    Raises ``wallet_not_found``, ``wallet_closed``, ``wallet_without_name`` (a nameless wallet declares
    nothing) and ``tax_authority_not_found``.
    """
    wallet = load(tx, wallet_id)
    check_not_closed(wallet)
    if not wallet.is_named:
        raise RejectedError("wallet_without_name", wallet_id=wallet.wallet_id)
    office = parties.tax_authority(tx, authority)
    identity_id = disclose(tx, keyring, wallet, office)
    return Taxpayer(identity_id, wallet.subject_id, wallet.kind is WalletKind.PERSONAL)


def disclose(tx: Transaction, keyring: Keyring, wallet: Wallet, office: Institution) -> str:
    """Tell an authority or treasury who holds a named wallet, once; the number of its own record of that.

    Raises ``RejectedError`` (``holder_erased``) where nobody knows it any more.
    """
    told = rows.told(tx, wallet.wallet_id, office.party)
    return told or _tell(tx, keyring, wallet, office.party)


def disclose_payment(
    tx: Transaction, keyring: Keyring, wallet: Wallet, office: Institution, told: Told | None = None
) -> str | None:
    """The same for a payment or refund: authority and treasury print the name of whoever has the wallet.

    Answers the number of the authority's record, or None of a nameless wallet, which tells nobody anything.
    ``told`` are the records of authority and treasury, where these were read already.
    """
    if not wallet.is_named:
        return None
    by_authority, by_treasury = rows.told_both(tx, wallet.wallet_id, office.code) if told is None else told
    if by_authority is None:
        by_authority = _tell(tx, keyring, wallet, office.party)
    if by_treasury is None:
        _tell(tx, keyring, wallet, f"{InstitutionKind.TREASURY}:{office.treasury}")
    return by_authority


def note_entered(tx: Transaction, wallet: Wallet, entered: Identity, office: Institution) -> None:
    """A verified agreement tells the authority as whom the holder signed it: a sole trader's code, say."""
    rows.insert_disclosure(tx, wallet.wallet_id, office.party, entered.identity_id, is_holder=False)


def told_of(holder: Identity, custodian: str) -> tuple[str | None, str | None]:
    """What a custodian is told: name and id number an authority, the name alone a treasury."""
    is_treasury = custodian.startswith(f"{InstitutionKind.TREASURY}:")
    return holder.name, None if is_treasury else holder.id_number


def _tell(tx: Transaction, keyring: Keyring, wallet: Wallet, custodian: str) -> str:
    """Seal the custodian's own record of what it is told."""
    tx.be_alone()  # another wallet of the same holder may tell it, too
    holder = parties.open_identity(tx, keyring, wallet.identity_id)
    if holder.erased:
        raise RejectedError("holder_erased", wallet_id=wallet.wallet_id)
    name, id_number = told_of(holder, custodian)
    record = parties.record_identity(
        tx,
        keyring,
        custodian=custodian,
        kind=holder.kind,
        name=name,
        id_number=id_number,
        phone=None,
        subject_id=wallet.subject_id,
    )
    rows.insert_disclosure(tx, wallet.wallet_id, custodian, record.identity_id, is_holder=True)
    return record.identity_id
