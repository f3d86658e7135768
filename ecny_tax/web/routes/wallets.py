"""``/v1/wallets``: open, look at, fund, pay between, upgrade and close wallets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.clock import parse_end
from ecny_tax.documents import document
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import yuan
from ecny_tax.wallets.erasure import Erasure
from ecny_tax.wallets.model import (
    ClosedWallet,
    Exchange,
    Statement,
    SubWalletPurpose,
    Wallet,
    WalletKind,
    WalletStatus,
    WalletTransfer,
)
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.rights import ANYBODY, Role, subject_named
from ecny_tax.web.schemas import Body, Day, Yuan, page_model

router = APIRouter(prefix="/wallets", tags=["wallets"])

_Class = Literal["I", "II", "III", "IV"]
_Name = Annotated[str | None, Field(max_length=200, examples=["广东弘明智能照明科技有限公司"])]
_IdNumber = Annotated[str | None, Field(max_length=40, examples=["91440784MA00DEM06F"])]
_Phone = Annotated[str | None, Field(max_length=40)]


class OpenWallet(Body):
    """A wallet to be opened: corporate, or personal of class I to IV."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "corporate",
                "operator": "ICBC",
                "name": "广东弘明智能照明科技有限公司",
                "id_number": "91440784MA00DEM06F",
                "fund": "20000.00",
            }
        }
    )

    kind: Literal["personal", "corporate"]
    operator: str = Field(max_length=20, examples=["ICBC"])
    wallet_class: _Class | None = None
    name: _Name = None
    id_number: _IdNumber = None
    phone: _Phone = None
    fund: Yuan | None = Field(None, description="To be topped up from the holder's bank account at once.")


class Upgrade(Body):
    """To which class; of a class IV wallet also whose it is from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"wallet_class": "II", "name": "梁先生", "id_number": "440784198501010017"}
        }
    )

    wallet_class: _Class = "II"
    name: _Name = None
    id_number: _IdNumber = None
    phone: _Phone = None


class Amount(Body):
    """An amount to be moved."""

    amount: Yuan


class Transfer(Body):
    """How much goes to which wallet."""

    to_wallet: str = Field(max_length=32, examples=["0031234567890122"])
    amount: Yuan


class Stop(Body):
    """A protective stop: by whom, why, and for how long."""

    by: str | None = Field(
        None,
        max_length=60,
        description="The anti-fraud centre; default: the scheme's.",
        examples=["anti_fraud_centre:AF440784"],
    )
    reason: str | None = Field(None, max_length=40, examples=["fraud_victim"])
    hours: int | None = Field(None, ge=1, le=48, description="Default 24; how long a stop lasts is assumed.")


class Resume(Body):
    """Who lifts a stop."""

    by: str | None = Field(
        None,
        max_length=60,
        description="The anti-fraud centre; default: the scheme's.",
        examples=["anti_fraud_centre:AF440784"],
    )


class WalletSeen(BaseModel):
    """A wallet as the caller sees it: what it may not see is not there.

    Admin sees the wallet; its holder and its operator also what the operator's KYC took; another operator
    where to route a transfer; the auditor what the central bank has; a tax authority or treasury what it was
    told of the holder.
    """

    model_config = ConfigDict(extra="forbid")

    wallet_id: str | None = None
    kind: WalletKind | None = None
    wallet_class: str | None = None
    operator: str | None = None
    balance: str | None = Field(None, description="Yuan.", examples=["17000.00"])
    status: WalletStatus | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    parent: str | None = Field(None, description="Of a sub-wallet.")
    purpose: SubWalletPurpose | None = Field(None, description="Of a sub-wallet.")
    stop_reason: str | None = None
    stopped_until: datetime | None = None
    at: datetime | None = Field(None, description="The time that was asked for, of which the balance is.")
    status_at: datetime | None = Field(None, description="The time of which everything else is.")
    name: str | None = None
    id_number: str | None = None
    taxpayer_id: str | None = None
    phone: str | None = None


_ACTING = (Role.OPERATOR, Role.TAXPAYER)
_READING = (Role.AUDITOR, *_ACTING)


@operation(router, "POST", "", *_ACTING, answer=Wallet, status=201)
def open_(call: MoneyCall, asked: OpenWallet) -> Wallet:
    """Open a wallet (钱包).

    Class II with name and id, IV with a phone.  A taxpayer opens wallets in its own name only, an operator
    only at itself.
    """
    if call.party.role is Role.OPERATOR:
        check_own_operator(call, asked.operator)
    _check_own_identity(call, asked.phone if asked.id_number is None else asked.id_number)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.open(
            kind=asked.kind,
            operator=asked.operator,
            wallet_class=asked.wallet_class,
            name=asked.name,
            id_number=asked.id_number,
            phone=asked.phone,
            fund=None if asked.fund is None else yuan(asked.fund),
            idempotency_key=key,
        )
    )


@operation(router, "GET", "", *_READING, answer=page_model("wallets", Wallet))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List wallets, oldest first."""
    wallets = call.sandbox.wallets
    return page(call, "wallet", "wallets", limit, cursor, lambda no: wallets.show(wallet_id=no))


@operation(router, "GET", "/{wallet_id}", *ANYBODY, answer=WalletSeen)
def show(
    call: AnyCall,
    wallet_id: Number,
    at: Annotated[
        str | None,
        Query(
            max_length=40,
            description="For admin: the balance at this time, RFC 3339, or a day, which means its end.",
            examples=["2023-04-20"],
        ),
    ] = None,
) -> dict[str, object]:
    """Show a wallet, as far as the caller sees it.

    Of whom a tax authority or treasury was told nothing, it learns nothing, not that the wallet is there.
    """
    if call.party.role is not Role.ADMIN:
        if at is not None:
            raise InvalidInputError("view_is_of_now")
        return _view(call, wallet_id)
    moment = None if at is None else parse_end(at)
    call.check_exists("wallet", wallet_id)
    found = document(call.sandbox.wallets.show(wallet_id=wallet_id, at=moment))
    return found if moment is None else {**found, "at": moment, "status_at": call.sandbox.clock.now()}


def _view(call: Call, wallet_id: str) -> dict[str, object]:
    """What the library lets the party see of the wallet; 404 for whoever may see nothing of it."""
    party = f"{call.party.role}:{call.party.code}"
    if call.party.role is Role.TAXPAYER:
        call.check_sees("wallet", wallet_id)
        party = "holder"
    elif call.party.role is Role.AUDITOR:
        party = "central-bank"
    call.check_exists("wallet", wallet_id)
    view = call.sandbox.wallets.view(wallet_id=wallet_id, party=party)
    if not view.known:
        raise call.not_found("wallet", wallet_id)
    whole = document(view)
    return {name: whole[name] for name in view.fields}


@operation(router, "GET", "/{wallet_id}/statement", *_READING, answer=Statement)
def statement(
    call: AnyCall,
    wallet_id: Number,
    from_: Annotated[
        Day | None, Query(alias="from", description="First day; default: from the beginning.")
    ] = None,
    to: Annotated[Day | None, Query(description="Last day; default: until now.")] = None,
) -> Statement:
    """List the movements of a wallet with opening, running and closing balance.

    Whoever paid into it stands there by a pseudonym that is this wallet's alone.
    """
    call.check_sees("wallet", wallet_id)
    return call.sandbox.wallets.statement(wallet_id=wallet_id, from_date=from_, to_date=to)


@operation(router, "POST", "/{wallet_id}/top-ups", *_ACTING, answer=Exchange, status=201)
def top_up(call: MoneyCall, wallet_id: Number, asked: Amount) -> Exchange:
    """Turn bank deposits into e-CNY (兑出)."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.top_up(wallet_id=wallet_id, amount=yuan(asked.amount), idempotency_key=key)
    )


@operation(router, "POST", "/{wallet_id}/cash-outs", *_ACTING, answer=Exchange, status=201)
def cash_out(call: MoneyCall, wallet_id: Number, asked: Amount) -> Exchange:
    """Turn e-CNY into bank deposits (兑回)."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.cash_out(wallet_id=wallet_id, amount=yuan(asked.amount), idempotency_key=key)
    )


@operation(router, "POST", "/{wallet_id}/transfers", *_ACTING, answer=WalletTransfer, status=201)
def transfer(call: MoneyCall, wallet_id: Number, asked: Transfer) -> WalletTransfer:
    """Transfer to another wallet, at once and without fee; also between a wallet and its sub-wallet."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.transfer(
            from_wallet=wallet_id,
            to_wallet=asked.to_wallet,
            amount=yuan(asked.amount),
            idempotency_key=key,
        )
    )


@operation(router, "POST", "/{wallet_id}/upgrade", *_ACTING, answer=Wallet)
def upgrade(call: AnyCall, wallet_id: Number, asked: Upgrade) -> Wallet:
    """Raise a personal wallet to a higher class.

    A class IV wallet gets a name and id number; a key that was made for its phone stands for nobody of that
    name, so the operator does this, who takes the identity.
    """
    call.check_sees("wallet", wallet_id)
    _check_own_identity(call, asked.id_number)
    return call.sandbox.wallets.upgrade(
        wallet_id=wallet_id,
        wallet_class=asked.wallet_class,
        name=asked.name,
        id_number=asked.id_number,
        phone=asked.phone,
    )


@operation(router, "POST", "/{wallet_id}/closing", *_ACTING, answer=ClosedWallet)
def close(call: MoneyCall, wallet_id: Number) -> ClosedWallet:
    """Close an empty wallet for good; interest earned so far goes to the holder's bank account."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(lambda key: wallets.close(wallet_id=wallet_id, idempotency_key=key))


@operation(router, "POST", "/{wallet_id}/erasure", Role.TAXPAYER, answer=Erasure)
def erase(call: AnyCall, wallet_id: Number) -> Erasure:
    """Erase who held a closed wallet, for good, at every party that was told.

    It is the holder's to ask: an operator would learn what the holder has elsewhere.
    """
    call.check_sees("wallet", wallet_id)
    return call.sandbox.wallets.erase(wallet_id=wallet_id)


@operation(router, "POST", "/{wallet_id}/stop", answer=Wallet)
def stop(call: AnyCall, wallet_id: Number, asked: Stop) -> Wallet:
    """Put a protective stop on what goes out, for some hours (保护性停付), as an anti-fraud centre.

    What was refused stands in the access log, too.
    """
    return call.sandbox.oversight.stop(
        wallet_id=wallet_id, by=asked.by, reason=asked.reason, hours=asked.hours
    )


@operation(router, "POST", "/{wallet_id}/resume", answer=Wallet)
def resume(call: AnyCall, wallet_id: Number, asked: Resume) -> Wallet:
    """Lift a protective stop, as an anti-fraud centre."""
    return call.sandbox.oversight.resume(wallet_id=wallet_id, by=asked.by)


def check_own_operator(call: Call, operator: str) -> None:
    """An operator's key acts at that operator only; raises ``RejectedError`` (``operator_not_of_key``)."""
    if operator.strip().upper() != call.party.code:
        raise RejectedError("operator_not_of_key", party=call.party, operator=operator)


def _check_own_identity(call: Call, number: str | None) -> None:
    """A taxpayer's key names nobody else as a holder: it would learn whether that one has a wallet, and
    under what name.  Raises ``RejectedError`` (``holder_not_of_key``), or what is wrong with the number."""
    if call.party.role is not Role.TAXPAYER or number is None:
        return
    with call.sandbox.store.reading() as tx:
        if subject_named(tx, call.sandbox.keyring, number.strip()) != call.party.code:
            raise RejectedError("holder_not_of_key")
