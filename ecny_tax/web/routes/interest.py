"""``/v1/wallets/…/interest``: what wallets earned (钱包利息), and crediting it (结息)."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.wallets.interest_model import InterestCredit, InterestState
from ecny_tax.web.calls import AnyCall, MoneyCall, Number, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.routes.wallets import check_own_operator
from ecny_tax.web.schemas import Body

router = APIRouter(prefix="/wallets", tags=["wallets"])


class CreditInterest(Body):
    """At which operator."""

    operator: str | None = Field(
        None,
        max_length=20,
        description="Default: the operator that asks; for admin, all of them.",
        examples=["ICBC"],
    )


@operation(
    router, "GET", "/{wallet_id}/interest", Role.AUDITOR, Role.OPERATOR, Role.TAXPAYER, answer=InterestState
)
def interest(call: AnyCall, wallet_id: Number) -> InterestState:
    """Show what a wallet has earned until yesterday, and when it is credited.

    Assumed: balances at the end of a day, a year of 360 days, the same quarters at every operator, that
    corporate wallets earn too.
    """
    call.check_sees("wallet", wallet_id)
    return call.sandbox.wallets.interest(wallet_id=wallet_id)


@operation(router, "POST", "/interest-credits", Role.OPERATOR, answer=InterestCredit, status=201)
def credit_interest(call: MoneyCall, asked: CreditInterest) -> InterestCredit:
    """Credit the interest of every period that has ended (结息); what was credited is not credited again.

    An operator credits its own wallets only.  Of all operators at once, those whose own funds do not suffice
    credit nothing and stand under `refused`.
    """
    operator = asked.operator
    if call.party.role is Role.OPERATOR:
        operator = call.party.code if operator is None else operator
        check_own_operator(call, operator)
    wallets = call.sandbox.wallets
    return call.once(lambda key: wallets.credit_interest(operator=operator, idempotency_key=key))
