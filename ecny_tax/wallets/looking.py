"""Looking at a wallet as somebody: who that is, and what there is for it to see."""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity
from ecny_tax.store import Transaction
from ecny_tax.wallets import rows, views
from ecny_tax.wallets.model import Wallet
from ecny_tax.wallets.pseudonyms import pseudonym
from ecny_tax.wallets.service import load
from ecny_tax.wallets.views import Role, WalletView


def look(tx: Transaction, keyring: Keyring, wallet: Wallet, party: str) -> WalletView:
    """The wallet as a party sees it; whoever looks through the wallet itself is its holder."""
    role, code = views.parse_party(party)
    if role is Role.OPERATOR:
        operator = parties.operator(tx, code)
        if operator.code != wallet.operator:
            return views.routing(operator.party, wallet)
        return views.full(operator.party, wallet, _taken(tx, keyring, wallet))
    if role is Role.CENTRAL_BANK:
        return views.registered(f"{role}:{code}", wallet)
    if role is Role.TAX_AUTHORITY:
        office = parties.tax_authority(tx, code).party
        return views.told(office, _known_to(tx, keyring, wallet, office), with_id=True)
    if role is Role.TREASURY:
        treasury = parties.treasury(tx, code).party
        return views.told(treasury, _known_to(tx, keyring, wallet, treasury), with_id=False)
    if role is Role.WALLET and (payee := load(tx, code)).wallet_id != wallet.wallet_id:
        return views.payer(f"{role}:{payee.wallet_id}", _pseudonym(tx, keyring, wallet, payee))
    return views.full(Role.HOLDER, wallet, _taken(tx, keyring, wallet))


def _taken(tx: Transaction, keyring: Keyring, wallet: Wallet) -> Identity:
    """What the operator's KYC took."""
    return parties.open_identity(tx, keyring, wallet.identity_id)


def _known_to(tx: Transaction, keyring: Keyring, wallet: Wallet, custodian: str) -> Identity | None:
    """The custodian's own record of the holder."""
    identity_id = rows.known_to(tx, wallet.wallet_id, custodian)
    return None if identity_id is None else parties.open_identity(tx, keyring, identity_id)


def _pseudonym(tx: Transaction, keyring: Keyring, payer: Wallet, payee: Wallet) -> str | None:
    """By which the payee knows the payer, if that ever paid it."""
    if not rows.has_paid(tx, payer.account_id, payee.account_id):
        return None
    return pseudonym(keyring, payer=payer.wallet_id, operator=payer.operator, payee=payee.wallet_id)
