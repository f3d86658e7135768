"""``/v1/wallets``: open, look at, fund and pay between wallets."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.money import yuan
from ecny_tax.wallets.model import Exchange, Wallet
from ecny_tax.web.calls import AnyCall, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Yuan, page_model

router = APIRouter(prefix="/wallets", tags=["wallets"])


class OpenWallet(Body):
    """A wallet to be opened: corporate, or personal of class I to IV."""

    kind: Literal["personal", "corporate"]
    operator: str = Field(max_length=20, examples=["ICBC"])
    wallet_class: Literal["I", "II", "III", "IV"] | None = None
    name: str | None = Field(None, max_length=100, examples=["广东弘明智能照明科技有限公司"])
    id_number: str | None = Field(None, max_length=32, examples=["91440784MA00DEM06F"])
    phone: str | None = Field(None, max_length=20)
    fund: Yuan | None = Field(None, description="To be topped up from the holder's bank account at once.")


class Amount(Body):
    """An amount to be moved."""

    amount: Yuan


@operation(router, "POST", "", Role.OPERATOR, Role.TAXPAYER, answer=Wallet, status=201)
def open_(call: MoneyCall, asked: OpenWallet) -> Wallet:
    """Open a wallet (钱包).

    Class II with name and id, IV with a phone.
    """
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


@operation(
    router, "GET", "", Role.AUDITOR, Role.OPERATOR, Role.TAXPAYER, answer=page_model("wallets", Wallet)
)
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List wallets, oldest first."""
    wallets = call.sandbox.wallets
    return page(call, "wallet", "wallets", limit, cursor, lambda no: wallets.show(wallet_id=no))


@operation(router, "POST", "/{wallet_id}/top-ups", Role.OPERATOR, Role.TAXPAYER, answer=Exchange, status=201)
def top_up(call: MoneyCall, wallet_id: Number, asked: Amount) -> Exchange:
    """Turn bank deposits into e-CNY (兑出)."""
    call.check_sees("wallet", wallet_id)
    wallets = call.sandbox.wallets
    return call.once(
        lambda key: wallets.top_up(wallet_id=wallet_id, amount=yuan(asked.amount), idempotency_key=key)
    )
