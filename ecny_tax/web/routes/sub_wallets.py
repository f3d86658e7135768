"""``/v1/wallets/…/sub-wallets``: sub-wallets (子钱包), collecting and distributing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.wallets.model import SubWalletPurpose, Wallet
from ecny_tax.wallets.sub_model import FamilyBatch, SubWallet, Terms
from ecny_tax.web.calls import AnyCall, MoneyCall, Number, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Day, Yuan, list_model

router = APIRouter(prefix="/wallets", tags=["wallets"])

_ACTING = (Role.OPERATOR, Role.TAXPAYER)
_READING = (Role.AUDITOR, *_ACTING)
_Payee = Annotated[str, Field(max_length=32)]


class OpenSubWallet(Body):
    """A sub-wallet to be opened, and its terms; which terms go with a purpose, the purpose says."""

    purpose: SubWalletPurpose = Field(
        strict=False,
        description="Of a person limited, conditional or pushed; of a company collection or distribution.",
        examples=["limited"],
    )
    single: Yuan | None = Field(None, description="Its own limit on one payment.", examples=["500.00"])
    day: Yuan | None = Field(None, description="Its own limit on a day.")
    payees: list[_Payee] = Field(
        [], max_length=1000, description="Whom a conditional one pays: wallets or tax authorities."
    )
    until: Day | None = Field(None, description="The last day on which a conditional one pays them.")
    platform: str | None = Field(None, max_length=200, description="To whom a pushed one is pushed.")
    fund: Yuan | None = Field(None, description="To be moved into it from the parent at once.")


class Share(Body):
    """How much one sub-wallet gets."""

    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    amount: Yuan


class Distribute(Body):
    """How much which distribution sub-wallet gets, each named once."""

    to: list[Share] = Field(min_length=1, max_length=1000)


@operation(router, "POST", "/{wallet_id}/sub-wallets", *_ACTING, answer=SubWallet, status=201)
def open_sub(call: MoneyCall, wallet_id: Number, asked: OpenSubWallet) -> SubWallet:
    """Open a sub-wallet (子钱包) under a wallet.

    Of a pushed one the answer tells the token that its platform charges it with; it is told nowhere else.
    """
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.open_sub(
            parent=wallet_id,
            purpose=asked.purpose,
            single=_fen(asked.single),
            day=_fen(asked.day),
            payees=asked.payees,
            until=asked.until,
            platform=asked.platform,
            fund=_fen(asked.fund),
            idempotency_key=key,
        )
    )


@operation(router, "GET", "/{wallet_id}/sub-wallets", *_READING, answer=list_model("wallets", Wallet))
def sub_wallets(call: AnyCall, wallet_id: Number) -> dict[str, object]:
    """List the sub-wallets of a wallet, oldest first."""
    call.check_sees("wallet", wallet_id)
    return {"wallets": call.sandbox.wallets.list(parent=wallet_id)}


@operation(router, "GET", "/{wallet_id}/terms", *_READING, answer=Terms)
def terms(call: AnyCall, wallet_id: Number) -> Terms:
    """Show on what terms a sub-wallet pays; any other wallet has none."""
    call.check_sees("wallet", wallet_id)
    return call.sandbox.wallets.terms(wallet_id=wallet_id)


@operation(router, "POST", "/{wallet_id}/collections", *_ACTING, answer=FamilyBatch, status=201)
def collect(call: MoneyCall, wallet_id: Number) -> FamilyBatch:
    """Sweep all collection sub-wallets into the parent (归集)."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(lambda key: wallets.collect(parent=wallet_id, idempotency_key=key))


@operation(router, "POST", "/{wallet_id}/distributions", *_ACTING, answer=FamilyBatch, status=201)
def distribute(call: MoneyCall, wallet_id: Number, asked: Distribute) -> FamilyBatch:
    """Move money to distribution sub-wallets, all or none (分发)."""
    call.check_sees("wallet", wallet_id)
    shares: dict[str, Fen] = {}
    for share in asked.to:
        number = share.wallet_id.strip()
        if number in shares:
            raise InvalidInputError("distribution_malformed", value=number)
        shares[number] = yuan(share.amount)
    wallets = call.sandbox.wallets
    return call.once(lambda key: wallets.distribute(parent=wallet_id, to=shares, idempotency_key=key))


def _fen(amount: str | None) -> Fen | None:
    return None if amount is None else yuan(amount)
