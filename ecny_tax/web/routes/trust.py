"""``/v1/trust``: the root of trust of offline payment, what was revoked, and operators' keys."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.errors import RejectedError
from ecny_tax.web.calls import AnyCall, operation
from ecny_tax.web.offline_forms import TrustState, trust_state
from ecny_tax.web.rights import Role
from ecny_tax.web.routes.devices import Why
from ecny_tax.web.schemas import Body

router = APIRouter(prefix="/trust", tags=["trust"])

_READERS = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)


class ToRevoke(Why):
    """What is revoked, and why."""

    serial: str = Field(
        min_length=1,
        max_length=64,
        pattern="^[0-9A-Za-z]+$",
        description="Of a certificate, or the number of a terminal or load.",
        examples=["T20230420ABCDEFGHJKMNPQ"],
    )


class WhoseKey(Body):
    """Whose key is renewed."""

    operator: str = Field(max_length=20, examples=["ICBC"])


@dataclass(frozen=True, slots=True)
class Revoked:
    """What counts no more from now on."""

    serial: str
    reason: str


@dataclass(frozen=True, slots=True)
class RolledOver:
    """The certificate of an operator's new key for offline payment."""

    operator: str
    serial: str


@operation(router, "GET", "", *_READERS, answer=TrustState)
def show(call: AnyCall) -> TrustState:
    """Show the root certificate and the current revocation list, by which anybody can verify."""
    return trust_state(call.sandbox.offline.trust())


@operation(router, "POST", "/revocations", answer=Revoked, status=201)
def revoke(call: AnyCall, asked: ToRevoke) -> Revoked:
    """Revoke a certificate, terminal or load from now on; it goes onto the next revocation list."""
    call.sandbox.offline.revoke(serial=asked.serial, reason=asked.reason)
    return Revoked(asked.serial, asked.reason)


@operation(router, "POST", "/operator-keys", Role.OPERATOR, answer=RolledOver, status=201)
def roll_over(call: AnyCall, asked: WhoseKey) -> RolledOver:
    """Give an operator a new key for offline payment; what the old one signed stays good."""
    operator = asked.operator.strip().upper()
    if call.party.role is Role.OPERATOR and operator != call.party.code:
        raise RejectedError("not_permitted", party=call.party.role)
    return RolledOver(operator, call.sandbox.offline.roll_over(operator=operator))
