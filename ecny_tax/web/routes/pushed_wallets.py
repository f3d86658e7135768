"""``/v1/pushed-wallets/…``: what a platform sees of a sub-wallet pushed to it (子钱包推送), and charging it.

A token is all that opens one: whoever holds it is the platform, whatever party its API key stands for.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.money import yuan
from ecny_tax.wallets.sub_model import Charge, PushedWallet
from ecny_tax.web.calls import AnyCall, MoneyCall, Number, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Yuan

router = APIRouter(prefix="/pushed-wallets", tags=["wallets"])

_PLATFORMS = (Role.OPERATOR, Role.TAXPAYER)


class ChargeIt(Body):
    """How much to charge, in favour of which wallet."""

    payee: str = Field(max_length=32, examples=["0021234567890124"])
    amount: Yuan


@operation(router, "GET", "/{token}", *_PLATFORMS, answer=PushedWallet)
def show(call: AnyCall, token: Number) -> PushedWallet:
    """Show what a platform sees of a sub-wallet pushed to it: nothing of its holder, nor its balance."""
    return call.sandbox.wallets.pushed(token=token)


@operation(router, "POST", "/{token}/charges", *_PLATFORMS, answer=Charge, status=201)
def charge(call: MoneyCall, token: Number, asked: ChargeIt) -> Charge:
    """As a platform, charge a sub-wallet that was pushed to it.

    Whatever the reason on the payer's side, the refusal is `charge_declined`.
    """
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.charge(
            token=token, payee=asked.payee, amount=yuan(asked.amount), idempotency_key=key
        )
    )
