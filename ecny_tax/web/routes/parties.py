"""``/v1/parties``: institutions, and the keys they publish."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Body as InBody
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.parties.model import Institution
from ecny_tax.web import visibility
from ecny_tax.web.calls import AnyCall, operation
from ecny_tax.web.rights import ANYBODY
from ecny_tax.web.schemas import Body, list_model

router = APIRouter(prefix="/parties", tags=["parties"])

_WALLET = "wallet:"


class _NewParty(Body):
    code: str = Field(max_length=40)
    name: str = Field(max_length=200)
    name_en: str = Field("", max_length=200)


class NewTaxAuthority(_NewParty):
    """A tax authority (税务机关) to be added; its code has eleven digits."""

    kind: Literal["tax_authority"]
    code: str = Field(max_length=40, examples=["14401040000"])
    name: str = Field(max_length=200, examples=["虚构市税务局"])
    treasury: str | None = Field(
        None, max_length=40, description="Where its taxes go; default: the scheme's treasury."
    )


class NewTreasury(_NewParty):
    """A treasury (国库) to be added, with its accounts; its code has ten digits."""

    kind: Literal["treasury"]
    code: str = Field(max_length=40, examples=["1901040000"])
    name: str = Field(max_length=200, examples=["国家金库虚构市支库"])


class NewEnforcer(_NewParty):
    """A court, public security organ or anti-fraud centre to be added; its code: capital letters, digits."""

    kind: Literal["court", "public_security", "anti_fraud_centre"]
    code: str = Field(max_length=40, examples=["CT440104"])
    name: str = Field(max_length=200, examples=["虚构市人民法院"])


class PublishedKeys(BaseModel):
    """Ed25519 keys: the name of whoever signs with one, such as `operator:ICBC`, and 64 hex digits."""

    model_config = ConfigDict(extra="forbid")

    keys: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]


@operation(router, "GET", "", *ANYBODY, answer=list_model("parties", Institution))
def list_(call: AnyCall) -> dict[str, object]:
    """List every institution: central bank, operators, tax authorities, treasuries, courts."""
    return {"parties": call.sandbox.parties.list()}


@operation(router, "POST", "", answer=Institution, status=201)
def add(
    call: AnyCall,
    asked: Annotated[NewTaxAuthority | NewTreasury | NewEnforcer, InBody(discriminator="kind")],
) -> Institution:
    """Add a tax authority, a treasury, or somebody who enforces the law."""
    code, name, name_en = asked.code, asked.name, asked.name_en
    if isinstance(asked, NewTreasury):
        return call.sandbox.treasury.add(code=code, name=name, name_en=name_en)
    parties = call.sandbox.parties
    if isinstance(asked, NewTaxAuthority):
        return parties.add_tax_authority(code=code, name=name, name_en=name_en, treasury=asked.treasury)
    return parties.add_enforcer(kind=asked.kind, code=code, name=name, name_en=name_en)


@operation(router, "GET", "/keys", *ANYBODY, answer=PublishedKeys)
def keys(call: AnyCall) -> dict[str, object]:
    """Every published key, for verifying agreements, receipts and proofs without this sandbox.

    Of wallets those come that the caller sees, or that signed an agreement which it sees.
    """
    published = call.sandbox.published_keys()
    if call.is_everybodys:
        return {"keys": published}
    with call.sandbox.store.reading() as tx:
        known = visibility.known_wallets(tx, call.party)
    shown = {
        name: key
        for name, key in published.items()
        if not name.startswith(_WALLET) or name.removeprefix(_WALLET) in known
    }
    return {"keys": shown}
