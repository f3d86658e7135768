"""What a sub-wallet (子钱包) may do, decided from values alone; its answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from ecny_tax.errors import InvalidInputError, RejectedError, Said
from ecny_tax.identifiers import is_text
from ecny_tax.money import Fen, positive, yuan_text
from ecny_tax.wallets.model import (
    SubWalletPurpose,
    Wallet,
    WalletKind,
    WalletStatus,
    check_is_parent,
    check_may_spend,
)

if TYPE_CHECKING:
    from ecny_tax.rulebook import WalletClass

#: Open sub-wallets of one parent; a batch over all of them fits the ledger's.
MAX_SUB_WALLETS = 1000
MAX_PAYEES = 100
MAX_PLATFORM = 100
_AUTHORITY_DIGITS = 11

_CORPORATE = {SubWalletPurpose.COLLECTION, SubWalletPurpose.DISTRIBUTION}
#: Which terms a purpose needs, and which it takes beside them.
_NEEDED = {SubWalletPurpose.CONDITIONAL: ("payee",), SubWalletPurpose.PUSHED: ("platform",)}
_TAKEN = {
    SubWalletPurpose.LIMITED: ("single", "day"),
    SubWalletPurpose.CONDITIONAL: ("payee", "until", "single", "day"),
    SubWalletPurpose.PUSHED: ("platform", "single", "day"),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a sub-wallet pays: its own limits in fen, whom it pays and how long, for which platform.

    Terms that are None, or empty, bind nothing.
    """

    single: Fen | None = None
    day: Fen | None = None
    payees: tuple[str, ...] = ()
    until: date | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class SubWallet:
    """A new sub-wallet (子钱包) with its terms; amounts in fen.

    ``token`` is what the platform of a pushed one charges it with; it is told here and kept nowhere.
    """

    wallet_id: str
    parent: str
    purpose: SubWalletPurpose
    kind: WalletKind
    wallet_class: str | None
    operator: str
    balance: Fen
    status: WalletStatus
    opened_at: datetime
    single: Fen | None
    day: Fen | None
    payees: tuple[str, ...]
    until: date | None
    platform: str | None
    token: str | None


@dataclass(frozen=True, slots=True)
class SubWalletMove:
    """One leg of a collection or distribution."""

    wallet_id: str
    amount: Fen
    transfer_id: str


@dataclass(frozen=True, slots=True)
class FamilyBatch:
    """A collection (归集) or distribution (分发): one linked batch; ``balance`` is the parent's after it.

    ``held_back`` are collection sub-wallets that a stop or freeze of their own keeps from paying.
    """

    wallet_id: str
    amount: Fen
    fee: Fen
    balance: Fen
    at: datetime
    moves: tuple[SubWalletMove, ...]
    held_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """What a platform is told of a charge: nothing of the wallet behind the token, nor of its holder."""

    transfer_id: str
    token: str
    platform: str
    payee: str
    amount: Fen
    fee: Fen
    at: datetime


@dataclass(frozen=True, slots=True)
class PushedWallet:
    """What a platform sees of a sub-wallet that was pushed to it (子钱包推送); amounts in fen.

    ``status`` is ``active`` until the sub-wallet is closed: a stop, which would show in all sub-wallets of
    one holder at once, is not told, and neither is the balance.
    """

    token: str
    platform: str
    status: Literal["active", "closed"]
    single: Fen | None
    day: Fen | None
    charged: Fen
    charged_today: Fen


def checked_purpose(purpose: str) -> SubWalletPurpose:
    """A purpose by its name (``sub_wallet_purpose_unknown``)."""
    if purpose not in tuple(SubWalletPurpose):
        raise InvalidInputError("sub_wallet_purpose_unknown", value=purpose)
    return SubWalletPurpose(purpose)


def checked_terms(purpose: SubWalletPurpose, terms: Terms) -> Terms:
    """Terms that go with the purpose, in canonical form.

    Raises ``InvalidInputError``: ``sub_wallet_term_missing``, ``sub_wallet_term_not_applicable``,
    ``too_many_payees``, ``platform_malformed``, and what an amount raises.
    """
    given = {
        "single": terms.single, "day": terms.day, "payee": terms.payees or None, "until": terms.until,
        "platform": terms.platform,
    }  # fmt: skip
    taken = _TAKEN.get(purpose, ())
    for term, value in given.items():
        if value is None and term in _NEEDED.get(purpose, ()):
            raise InvalidInputError("sub_wallet_term_missing", purpose=purpose, term=term)
        if value is not None and term not in taken:
            raise InvalidInputError("sub_wallet_term_not_applicable", purpose=purpose, term=term)
    if purpose is SubWalletPurpose.LIMITED and terms.single is None and terms.day is None:
        either = Said("single, or day", "single 或 day")
        raise InvalidInputError("sub_wallet_term_missing", purpose=purpose, term=either)
    for limit in (terms.single, terms.day):
        if limit is not None:
            positive(limit)
    payees = tuple(dict.fromkeys(payee.strip() for payee in terms.payees))
    if len(payees) > MAX_PAYEES:
        raise InvalidInputError("too_many_payees", most=MAX_PAYEES)
    platform = None if terms.platform is None else terms.platform.strip()
    if platform is not None and not (
        0 < len(platform) <= MAX_PLATFORM and is_text(platform) and platform.isprintable()
    ):
        raise InvalidInputError("platform_malformed", value=platform, most=MAX_PLATFORM)
    return Terms(terms.single, terms.day, payees, terms.until, platform)


def is_authority(payee: str) -> bool:
    """Whether a payee is named by a tax authority's code and not by a wallet id."""
    return len(payee) == _AUTHORITY_DIGITS


def check_may_have(
    parent: Wallet,
    purpose: SubWalletPurpose,
    terms: Terms,
    limits: WalletClass | None,
    *,
    siblings: int,
    today: date,
) -> None:
    """Whether a wallet may have such a sub-wallet beside the ``siblings`` that are open.

    Raises ``RejectedError``: ``sub_wallet_cannot_do_this``, ``wallet_without_name``,
    ``sub_wallet_purpose_not_for``, ``too_many_sub_wallets``, ``sub_wallet_until_past``,
    ``sub_wallet_limit_above_class``, and what keeps the parent from spending.
    """
    check_is_parent(parent)
    check_may_spend(parent)
    if not parent.is_named:
        raise RejectedError("wallet_without_name", wallet_id=parent.wallet_id)
    if (purpose in _CORPORATE) != (parent.kind is WalletKind.CORPORATE):
        raise RejectedError("sub_wallet_purpose_not_for", purpose=purpose, kind=parent.kind)
    if siblings >= MAX_SUB_WALLETS:
        raise RejectedError("too_many_sub_wallets", wallet_id=parent.wallet_id, most=MAX_SUB_WALLETS)
    if terms.until is not None and terms.until < today:
        raise RejectedError("sub_wallet_until_past", until=terms.until)
    if limits is None:
        return
    for name, own, of_class in (("single", terms.single, limits.single), ("day", terms.day, limits.day)):
        if own is not None and of_class is not None and own > of_class:
            raise RejectedError(
                "sub_wallet_limit_above_class",
                limit=name,
                value=yuan_text(own),
                allowed=yuan_text(of_class),
                wallet_class=parent.wallet_class,
            )


def check_pays(wallet: Wallet, payee: str, terms: Terms, *, by_token: bool, today: date) -> None:
    """Whom a sub-wallet pays beside its parent, and until when.

    Raises ``RejectedError``: ``collection_pays_parent_only``, ``pushed_pays_by_token_only``,
    ``sub_wallet_expired``, ``sub_wallet_payee_not_named``.
    """
    if wallet.purpose is SubWalletPurpose.COLLECTION:
        raise RejectedError("collection_pays_parent_only", wallet_id=wallet.wallet_id)
    if wallet.purpose is SubWalletPurpose.PUSHED and not by_token:
        raise RejectedError("pushed_pays_by_token_only", wallet_id=wallet.wallet_id)
    if wallet.purpose is SubWalletPurpose.CONDITIONAL:
        if terms.until is not None and today > terms.until:
            raise RejectedError("sub_wallet_expired", wallet_id=wallet.wallet_id, until=terms.until)
        if payee not in terms.payees:
            raise RejectedError("sub_wallet_payee_not_named", wallet_id=wallet.wallet_id, payee=payee)


def check_own_limits(wallet: Wallet, amount: Fen, terms: Terms, *, spent_today: int) -> None:
    """The sub-wallet's own limits on one payment and a day (``sub_wallet_limit_exceeded``)."""
    for name, total, allowed in (
        ("single", amount, terms.single),
        ("day", spent_today + amount, terms.day),
    ):
        if allowed is not None and total > allowed:
            raise RejectedError(
                "sub_wallet_limit_exceeded",
                wallet_id=wallet.wallet_id,
                limit=name,
                total=yuan_text(total),
                allowed=yuan_text(allowed),
            )
