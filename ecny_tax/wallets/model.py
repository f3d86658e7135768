"""What a wallet is, and what it may do, decided from values alone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from ecny_tax.clock import day_begins, day_ends, micros
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.identifiers import age
from ecny_tax.ledger.model import MAX_COUNTER
from ecny_tax.money import Fen, yuan_text
from ecny_tax.parties.model import IdentityKind, fold_name

if TYPE_CHECKING:
    from ecny_tax.rulebook import WalletClass

_INTERNAL = {"internal": True}
_SOLE_TRADER = "92"

Limit = Literal["balance", "single", "day", "year"]
ExchangeKind = Literal["top_up", "cash_out"]


class Stop(NamedTuple):
    """A protective stop (保护性停付): why, and until when in microseconds; ``None`` is until it is lifted."""

    reason: str
    until: int | None

    def is_in_force(self, now: int) -> bool:
        return self.until is None or now < self.until


class Spent(NamedTuple):
    """What counts towards the limits of a wallet's class, in fen."""

    today: int
    this_year: int


def longest(*stops: Stop | None, now: int) -> Stop | None:
    """Of the stops that are in force, the one that ends last."""
    found = [stop for stop in stops if stop is not None and stop.is_in_force(now)]
    return max(found, key=lambda stop: MAX_COUNTER if stop.until is None else stop.until, default=None)


class WalletKind(StrEnum):
    PERSONAL = "personal"  # 个人钱包
    CORPORATE = "corporate"  # 对公钱包


class WalletStatus(StrEnum):
    ACTIVE = "active"
    STOPPED = "stopped"  # 保护性停付：只收不付
    FROZEN = "frozen"  # 冻结：只收不付
    CLOSED = "closed"


class SubWalletPurpose(StrEnum):
    """What a sub-wallet (子钱包) is for."""

    LIMITED = "limited"  # 限额支付
    CONDITIONAL = "conditional"  # 条件支付
    PUSHED = "pushed"  # 子钱包推送：平台不知持有人
    COLLECTION = "collection"  # 资金归集
    DISTRIBUTION = "distribution"  # 资金分发


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet (钱包) with its balance in fen.  ``wallet_class`` is I to IV, or None of a corporate one.

    ``parent`` and ``purpose`` are those of a sub-wallet (子钱包), which a stop or freeze of the parent holds.
    ``stop_reason`` and ``stopped_until`` are those of a protective stop in force; one without an end lasts
    until it is lifted.
    """

    wallet_id: str
    kind: WalletKind
    wallet_class: str | None
    operator: str
    balance: Fen
    status: WalletStatus
    opened_at: datetime
    closed_at: datetime | None
    identity_id: str = field(metadata=_INTERNAL)
    subject_id: str = field(metadata=_INTERNAL)
    account_id: int = field(metadata=_INTERNAL)
    parent: str | None = None
    purpose: SubWalletPurpose | None = None
    stop_reason: str | None = None
    stopped_until: datetime | None = None

    @property
    def is_named(self) -> bool:
        """Class IV wallets are nameless (匿名钱包)."""
        return self.wallet_class != "IV"

    @property
    def party(self) -> str:
        """Who acts through it: the holder; a nameless wallet is a party of its own."""
        return self.subject_id if self.is_named else self.wallet_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedWallet(Wallet):
    """A wallet that was closed just now; ``interest_paid`` (fen) went to its holder's bank account."""

    interest_paid: Fen


def closed(wallet: Wallet, interest_paid: Fen) -> ClosedWallet:
    values = {each.name: getattr(wallet, each.name) for each in fields(wallet)}
    return ClosedWallet(**values, interest_paid=interest_paid)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A top-up (兑出) or cash-out (兑回) of a wallet against bank deposits; ``balance`` is the one after."""

    transfer_id: str
    wallet_id: str
    kind: ExchangeKind
    amount: Fen
    fee: Fen
    balance: Fen
    status: WalletStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class WalletTransfer:
    """A transfer (转账) from one wallet to another; ``balance_after`` is the sender's."""

    transfer_id: str
    from_wallet: str
    to_wallet: str
    amount: Fen
    fee: Fen
    balance_after: Fen
    at: datetime


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of a wallet: ``amount`` is negative when it went out; ``balance`` is the one after it."""

    at: datetime
    transfer_id: str
    kind: str
    counterparty: str
    reference: str
    amount: Fen
    balance: Fen


@dataclass(frozen=True, slots=True)
class Statement:
    """The movements of a wallet, oldest first, from ``from_date`` to ``to_date`` (None: without bound).

    ``opening`` is the balance before the first day and ``closing`` the one after the last; the lines lead
    from one to the other.  ``balance`` is today's.
    """

    wallet_id: str
    balance: Fen
    from_date: date | None
    to_date: date | None
    opening: Fen
    lines: tuple[StatementLine, ...]
    closing: Fen


def period(first: date | None, last: date | None) -> tuple[int, int]:
    """The days from ``first`` to ``last`` in Beijing, as the first and the last microsecond of them."""
    if first is not None and last is not None and first > last:
        raise InvalidInputError("period_reversed", first=first, last=last)
    return (
        -MAX_COUNTER if first is None else micros(day_begins(first)),
        MAX_COUNTER if last is None else micros(day_ends(last)),
    )


def checked_opening(kind: str, wallet_class: str | None, *, named: bool) -> tuple[WalletKind, str | None]:
    """The kind and class of a new wallet.

    Raises ``InvalidInputError`` (``wallet_kind_unknown``, and what :func:`checked_class` raises).
    """
    if kind not in tuple(WalletKind):
        raise InvalidInputError("wallet_kind_unknown", value=kind)
    which = WalletKind(kind)
    return which, checked_class(which, wallet_class, named=named)


def checked_class(kind: WalletKind, wallet_class: str | None, *, named: bool) -> str | None:
    """The class a new wallet gets: by default II with name and id, IV with a phone only.

    Raises ``InvalidInputError`` (``wallet_class_unknown``, ``wallet_class_not_applicable``).
    """
    if kind is WalletKind.CORPORATE:
        if wallet_class is not None:
            raise InvalidInputError("wallet_class_not_applicable", value=wallet_class)
        return None
    if wallet_class is None:
        return "II" if named else "IV"
    chosen = wallet_class.strip().upper()
    if chosen not in ("I", "II", "III", "IV"):
        raise InvalidInputError("wallet_class_unknown", value=wallet_class)
    return chosen


def identity_needed(
    kind: WalletKind, wallet_class: str | None, name: str | None, id_number: str | None, phone: str | None
) -> IdentityKind:
    """What the operator's KYC takes for this wallet; raises ``InvalidInputError`` for what is missing.

    Classes I to III need name and id number; a phone is recorded where it is given (an assumption: the
    scheme asks for it).  Class IV needs a phone and takes nothing else.  Published rules, see rulebook.
    """
    if wallet_class == "IV":
        if phone is None:
            raise InvalidInputError("phone_required", wallet_class="IV")
        if name is not None or id_number is not None:
            raise InvalidInputError("wallet_class_is_nameless")
        return IdentityKind.PHONE
    if name is None or id_number is None:
        raise InvalidInputError("name_and_id_required", kind=f"{kind} {wallet_class or ''}".strip())
    return IdentityKind.COMPANY if kind is WalletKind.CORPORATE else IdentityKind.PERSON


def check_holder(kind: WalletKind, id_number: str | None, *, minimum_age: int | None, on: date) -> None:
    """Who may hold which kind: people from an age on personal ones, bodies other than sole traders corporate
    ones.  Raises ``RejectedError`` (``holder_too_young``, ``sole_trader_needs_personal_wallet``)."""
    if id_number is None:
        return
    if kind is WalletKind.CORPORATE:
        if id_number.startswith(_SOLE_TRADER):
            raise RejectedError("sole_trader_needs_personal_wallet", value=id_number)
    elif minimum_age is not None and age(id_number, on=on) < minimum_age:
        raise RejectedError("holder_too_young", age=minimum_age)


def check_beside(
    kind: WalletKind,
    operator: str,
    name: str | None,
    *,
    other_operator: str,
    other_name: str | None,
) -> None:
    """Whether a new wallet may stand beside another open one of the same person or body.

    Raises ``RejectedError``: ``holder_name_differs``, ``real_name_wallet_exists`` (one per person and
    operator).
    """
    if fold_name(other_name or "") != fold_name(name or ""):
        raise RejectedError("holder_name_differs")
    if kind is WalletKind.PERSONAL and other_operator == operator:
        raise RejectedError("real_name_wallet_exists", operator=operator)


def check_not_closed(wallet: Wallet) -> None:
    if wallet.status is WalletStatus.CLOSED:
        raise RejectedError("wallet_closed", wallet_id=wallet.wallet_id)


def check_is_parent(wallet: Wallet) -> None:
    """What only a wallet of its own does: exchange, agreements, refunds, devices, an upgrade, sub-wallets."""
    if wallet.parent is not None:
        raise RejectedError("sub_wallet_cannot_do_this", wallet_id=wallet.wallet_id)


def check_may_spend(wallet: Wallet) -> None:
    """Outgoing payments need an active wallet."""
    check_not_closed(wallet)
    if wallet.status is WalletStatus.FROZEN:
        raise RejectedError("wallet_frozen", wallet_id=wallet.wallet_id)
    if wallet.status is WalletStatus.STOPPED:
        raise RejectedError("wallet_stopped", wallet_id=wallet.wallet_id)


def check_limits(wallet: Wallet, amount: Fen, limits: WalletClass | None, spent: Spent) -> None:
    """The class's limits on one payment, a day and a year; corporate wallets have none (an assumption)."""
    if limits is None:
        return
    totals: tuple[tuple[Limit, int, Fen | None], ...] = (
        ("single", amount, limits.single),
        ("day", spent.today + amount, limits.day),
        ("year", spent.this_year + amount, limits.year),
    )
    for name, total, allowed in totals:
        if allowed is not None and total > allowed:
            raise limit_exceeded(wallet, name, total, allowed)


def check_funds(wallet: Wallet, amount: Fen) -> None:
    if wallet.balance < amount:
        raise RejectedError(
            "insufficient_funds" if wallet.parent is None else "sub_wallet_underfunded",
            wallet_id=wallet.wallet_id,
            balance=yuan_text(wallet.balance),
            amount=yuan_text(amount),
        )


def check_incoming(wallet: Wallet, amount: Fen, limits: WalletClass | None, *, beside: int = 0) -> None:
    """Credits from others and top-ups must fit under the class's balance cap; a stop does not hinder them.

    ``beside`` is what the wallet's sub-wallets hold: the cap is theirs together.
    """
    check_not_closed(wallet)
    if (cap := _cap_exceeded(wallet, amount, limits, beside)) is not None:
        raise limit_exceeded(wallet, "balance", wallet.balance + beside + amount, cap)


def check_payee(wallet: Wallet, amount: Fen, limits: WalletClass | None, *, beside: int = 0) -> None:
    """The same of somebody else's wallet, of which the payer is told neither class nor balance."""
    check_not_closed(wallet)
    if _cap_exceeded(wallet, amount, limits, beside) is not None:
        raise RejectedError("payee_limit_exceeded", wallet_id=wallet.wallet_id, amount=yuan_text(amount))


def _cap_exceeded(wallet: Wallet, amount: Fen, limits: WalletClass | None, beside: int) -> Fen | None:
    """The balance cap of the class, if this would go above it."""
    cap = limits.cap if limits is not None else None
    return cap if cap is not None and wallet.balance + beside + amount > cap else None


def limit_exceeded(wallet: Wallet, limit: Limit, total: int, allowed: Fen) -> RejectedError:
    return RejectedError(
        "wallet_limit_exceeded",
        wallet_id=wallet.wallet_id,
        limit=limit,
        total=yuan_text(total),
        allowed=yuan_text(allowed),
        wallet_class=wallet.wallet_class,
    )
