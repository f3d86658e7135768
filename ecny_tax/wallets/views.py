"""Who sees what of a wallet: the rules of managed anonymity (可控匿名), decided from values alone.

| party | sees |
| --- | --- |
| the holder | everything |
| the wallet's operator | everything: what its KYC took, the phone alone of class IV |
| another operator | that the wallet is there, and at which operator |
| the central bank | wallet, kind, class, operator, status and balance; nobody's name |
| a tax authority | name and taxpayer id, once it was signed with, declared to, paid, or paid a refund |
| a treasury | the name that the vouchers bear which it signs |
| another wallet | a pseudonym of its own, once it was paid |

Whoever may see nothing of a wallet learns that it knows nothing, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen
from ecny_tax.parties.model import ERASED, Identity
from ecny_tax.wallets.model import Wallet, WalletKind, WalletStatus


class Role(StrEnum):
    """As what somebody looks at a wallet; but for the holder, the kind of a party with a code."""

    HOLDER = "holder"
    OPERATOR = "operator"
    TAX_AUTHORITY = "tax_authority"
    TREASURY = "treasury"
    CENTRAL_BANK = "central_bank"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class WalletView:
    """What one party sees of a wallet.

    ``fields`` names what it may see; everything else here is None, and no document shows it.  ``known`` is
    False where it knows nothing of the wallet.
    """

    party: str
    known: bool
    wallet_id: str | None = None
    pseudonym: str | None = None
    kind: WalletKind | None = None
    wallet_class: str | None = None
    operator: str | None = None
    balance: Fen | None = None
    status: WalletStatus | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    stop_reason: str | None = None
    stopped_until: datetime | None = None
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    taxpayer_id: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    fields: tuple[str, ...] = field(default=(), metadata={"internal": True})


_ROUTING = ("wallet_id", "operator")
_REGISTERED = ("wallet_id", "kind", "wallet_class", "operator", "balance", "status")
_EVERYTHING = (*_REGISTERED, "opened_at", "closed_at", "stop_reason", "stopped_until")
_BARE = (
    (re.compile("[0-9]{16}"), Role.WALLET),
    (re.compile("[0-9]{11}"), Role.TAX_AUTHORITY),
    (re.compile("[0-9]{10}"), Role.TREASURY),
    (re.compile("PBC", re.IGNORECASE), Role.CENTRAL_BANK),
    (re.compile("[A-Z]{2,12}", re.IGNORECASE), Role.OPERATOR),
)
_CENTRAL_BANK = "PBC"
_MAX_PARTY = 40


def parse_party(text: str) -> tuple[Role, str]:
    """Role and code of a party, as ``operator:ICBC`` or by a code alone; of the holder the code is empty.

    Raises ``InvalidInputError`` (``party_malformed``).
    """
    said, colon, code = text.strip().partition(":")
    kind, code = said.strip().lower().replace("-", "_"), code.strip()
    if len(text) > _MAX_PARTY or not text.isascii() or not text.isprintable():
        raise InvalidInputError("party_malformed", value=text)
    if not colon:
        if kind == Role.HOLDER:
            return Role.HOLDER, ""
        if kind == Role.CENTRAL_BANK:
            return Role.CENTRAL_BANK, _CENTRAL_BANK
        code = said.strip()
        for form, role in _BARE:
            if form.fullmatch(code):
                return role, code.upper()
    elif kind in tuple(Role) and kind != Role.HOLDER and code:
        role = Role(kind)
        if role is not Role.CENTRAL_BANK or code.upper() == _CENTRAL_BANK:
            return role, code.upper()
    raise InvalidInputError("party_malformed", value=text)


def full(party: str, wallet: Wallet, taken: Identity) -> WalletView:
    """What the holder sees, and the wallet's operator: the wallet, and what the operator's KYC took."""
    seen = _seen(party, wallet, _EVERYTHING)
    if taken.erased:
        gone = ("name", "id_number") if wallet.is_named else ("phone",)
        return _with(seen, dict.fromkeys(gone, ERASED))
    said = {"name": taken.name, "id_number": taken.id_number, "phone": taken.phone}
    return _with(seen, {key: value for key, value in said.items() if value is not None})


def routing(party: str, wallet: Wallet) -> WalletView:
    """What another operator sees, to route a transfer."""
    return _seen(party, wallet, _ROUTING)


def registered(party: str, wallet: Wallet) -> WalletView:
    """What the central bank's registration centre (登记中心) sees: no identity, not even a pseudonym."""
    return _seen(party, wallet, _REGISTERED)


def told(party: str, known: Identity | None, *, with_id: bool) -> WalletView:
    """What a tax authority sees (``with_id``), or a treasury: what it was told, nothing where it was not."""
    if known is None:
        return nothing(party)
    said = {"name": known.shown_name} | ({"taxpayer_id": known.shown_id_number} if with_id else {})
    return _with(WalletView(party, known=True), said)


def payer(party: str, pseudonym: str | None) -> WalletView:
    """What a payee sees: a pseudonym, and nothing where it was never paid."""
    if pseudonym is None:
        return nothing(party)
    return _with(WalletView(party, known=True), {"pseudonym": pseudonym})


def nothing(party: str) -> WalletView:
    """Of the wallet this party knows nothing, not that it is there."""
    return WalletView(party, known=False)


def _seen(party: str, wallet: Wallet, fields: Iterable[str]) -> WalletView:
    return _with(WalletView(party, known=True), {name: getattr(wallet, name) for name in fields})


def _with(view: WalletView, said: Mapping[str, object]) -> WalletView:
    return replace(view, fields=(*view.fields, *said), **said)  # type: ignore[arg-type]
