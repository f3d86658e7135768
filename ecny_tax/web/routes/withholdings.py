"""``/v1/withholdings``: what withholding agents (扣缴义务人) declared of persons and years."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from ecny_tax.errors import RejectedError
from ecny_tax.money import NOTHING
from ecny_tax.taxes.withholding_records import Withholding, WithholdingStatement
from ecny_tax.web.calls import AnyCall, Cursor, Limit, Number, operation, page
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, YuanOrZero, page_model

router = APIRouter(prefix="/withholdings", tags=["withholdings"])

_READERS = (Role.AUDITOR, Role.TAX_AUTHORITY, Role.TAXPAYER)


class AgentStatement(Body):
    """What an agent paid a person in a year, and withheld of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tax_year": 2022,
                "name": "梁先生",
                "id_number": "440784198501010017",
                "wages": "150000.00",
                "withheld": "3000.00",
            }
        }
    )

    tax_year: int = Field(ge=2019, le=2100, examples=[2022])
    name: str = Field(max_length=100, examples=["梁先生"])
    id_number: str = Field(max_length=32, examples=["440784198501010017"])
    wages: YuanOrZero = NOTHING
    labour: YuanOrZero = NOTHING
    author: YuanOrZero = NOTHING
    royalty: YuanOrZero = NOTHING
    bonus: YuanOrZero = NOTHING
    bonus_mode: Literal["merge", "separate"] = "merge"
    withheld: YuanOrZero = NOTHING


class DeclareWithholding(Body):
    """A statement, and a wallet of the agent who makes it."""

    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    statement: AgentStatement
    authority: str | None = Field(
        None, max_length=11, description="Tax authority, eleven digits (default: Heshan, 14407840000)."
    )


@operation(router, "POST", "", Role.TAXPAYER, answer=Withholding, status=201)
def declare(call: AnyCall, asked: DeclareWithholding) -> Withholding:
    """Declare what was withheld of a person in a year (扣缴申报).

    A bill comes with it where tax was withheld; the statement counts for the person's annual settlement
    once that is paid.
    """
    call.check_sees("wallet", asked.wallet_id)
    return call.sandbox.taxes.declare_withholding(
        wallet_id=asked.wallet_id,
        statement=WithholdingStatement(**asked.statement.model_dump()),
        authority=asked.authority,
    )


@operation(router, "GET", "", *_READERS, answer=page_model("withholdings", Withholding))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List statements, oldest first: a taxpayer's own, and those of what it was paid.

    Agents and persons are told apart by ids that say nothing about them.
    """
    taxes = call.sandbox.taxes
    return page(
        call, "withholding", "withholdings", limit, cursor, lambda no: taxes.withholding(withholding_no=no)
    )


@operation(router, "GET", "/{withholding_no}", *_READERS, answer=Withholding)
def show(call: AnyCall, withholding_no: Number) -> Withholding:
    """Show a statement."""
    call.check_sees("withholding", withholding_no)
    return call.sandbox.taxes.withholding(withholding_no=withholding_no)


@operation(
    router,
    "POST",
    "/{withholding_no}/cancellation",
    Role.TAX_AUTHORITY,
    Role.TAXPAYER,
    answer=Withholding,
)
def cancel(call: AnyCall, withholding_no: Number) -> Withholding:
    """Take a statement back, with its open bill; the agent who made it may declare anew."""
    call.check_sees("withholding", withholding_no)
    taxes = call.sandbox.taxes
    agent = taxes.withholding(withholding_no=withholding_no).agent
    if call.party.role is Role.TAXPAYER and call.party.code != agent:  # it sees what it was paid
        raise RejectedError("not_permitted", party=call.party.role)
    return taxes.cancel_withholding(withholding_no=withholding_no)
