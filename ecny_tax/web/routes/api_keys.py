"""``/v1/api-keys``: who may ask."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.errors import RejectedError
from ecny_tax.web.calls import AnyCall, Number, operation
from ecny_tax.web.keys import ApiKey, NewApiKey, create_key, list_keys, revoke_key
from ecny_tax.web.schemas import Body, list_model

router = APIRouter(prefix="/api-keys", tags=["parties"])


class NewKey(Body):
    """Whom a key is to stand for."""

    party: str = Field(
        max_length=60,
        description="`admin`, `auditor`, `operator:CODE`, `tax-authority:CODE`, `treasury:CODE`, or"
        " `taxpayer:ID` with a USCC, a resident id or, of an anonymous holder, a phone.",
        examples=["operator:ICBC"],
    )


@operation(router, "POST", "", answer=NewApiKey, status=201)
def create(call: AnyCall, asked: NewKey) -> NewApiKey:
    """Make a key for a party; it is shown this once."""
    return create_key(call.sandbox, party=asked.party)


@operation(router, "GET", "", answer=list_model("api_keys", ApiKey))
def list_(call: AnyCall) -> dict[str, object]:
    """List the keys, without what opens."""
    return {"api_keys": list_keys(call.sandbox)}


@operation(router, "POST", "/{key_id}/revocation", answer=ApiKey)
def revoke(call: AnyCall, key_id: Number) -> ApiKey:
    """Let a key open nothing any more; of one that is revoked already nothing changes.

    The key of this very request is not revoked, so that nobody locks the door from inside.
    """
    if key_id == call.key_id:
        raise RejectedError("api_key_in_use", key_id=key_id)
    return revoke_key(call.sandbox, key_id=key_id)
