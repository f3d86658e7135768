"""``/v1/agreements``: three-party agreements (三方协议)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.agreements.model import Agreement, AgreementCheck
from ecny_tax.agreements.service import check_export
from ecny_tax.documents import document
from ecny_tax.errors import VerificationError
from ecny_tax.web.calls import AnyCall, Cursor, Limit, Number, Only, operation, page
from ecny_tax.web.problems import Problem, problem_document
from ecny_tax.web.rights import ANYBODY, Role
from ecny_tax.web.schemas import Body, page_model, with_members

router = APIRouter(prefix="/agreements", tags=["agreements"])

_Key = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(max_length=60)]


class Sign(Body):
    """Which wallet is to be debited, for which authority; name and id default to the holder's."""

    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    authority: str | None = Field(
        None, max_length=20, description="Default: the scheme's.", examples=["14407840000"]
    )
    taxpayer_name: str | None = Field(None, max_length=200)
    taxpayer_id: str | None = Field(None, max_length=40)
    batch_debit: bool = Field(False, description="Allow batch debits too (批扣).")


class SignedAgreement(BaseModel):
    """An agreement with its signatures, to be verified anywhere; what was signed is under `document`."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(examples=["ecny-tax agreement 1"])
    agreement_no: str
    status: str = Field(description="What the operator answered when it verified the agreement.")
    document: dict[str, str | bool]
    signatures: str = Field(description="COSE_Sign without its payload, in hex.")
    operator_answer: str = Field(description="COSE_Sign1, in hex.")


class VerifyAgreement(Body):
    """An exported agreement, as it came."""

    agreement: dict[str, Any] = Field(
        description="What `GET /v1/agreements/{agreement_no}/export` answers.",
        examples=[
            {
                "format": "ecny-tax agreement 1",
                "agreement_no": "A20230420100000000001",
                "status": "verified",
                "document": {"wallet_id": "0021234567890124", "batch_debit": False},
                "signatures": "d862",
                "operator_answer": "d284",
            }
        ],
    )
    keys: dict[_Name, _Key] | None = Field(
        None, max_length=1000, description="Published keys to verify with; default: this sandbox's."
    )


_PARTIES = (Role.OPERATOR, Role.TAX_AUTHORITY, Role.TAXPAYER)
_READING = (Role.AUDITOR, *_PARTIES)
_LOCKING = (Role.OPERATOR, Role.TAX_AUTHORITY)


@operation(router, "POST", "", Role.TAXPAYER, answer=Agreement, status=201)
def sign(call: AnyCall, asked: Sign) -> Agreement:
    """Sign with all three keys, then have the operator verify.

    A taxpayer signs for its own wallets.  Where the operator refuses, the refusal bears its code and the
    `agreement_no`: the agreement stays as `verification_failed`, and the wallet may sign anew.
    """
    call.check_sees("wallet", asked.wallet_id)
    return call.sandbox.agreements.sign(
        wallet_id=asked.wallet_id,
        authority=asked.authority,
        taxpayer_name=asked.taxpayer_name,
        taxpayer_id=asked.taxpayer_id,
        batch_debit=asked.batch_debit,
    )


@operation(router, "GET", "", *_READING, answer=page_model("agreements", Agreement))
def list_(
    call: AnyCall, limit: Limit = 50, cursor: Cursor = None, wallet_id: Only = None, status: Only = None
) -> dict[str, object]:
    """List agreements, oldest first."""
    agreements = call.sandbox.agreements
    return page(
        call,
        "agreement",
        "agreements",
        limit,
        cursor,
        lambda no: agreements.show(agreement_no=no),
        wallet_id=wallet_id,
        status=status,
    )


@operation(router, "GET", "/{agreement_no}", *_READING, answer=Agreement)
def show(call: AnyCall, agreement_no: Number) -> Agreement:
    """Show an agreement."""
    call.check_sees("agreement", agreement_no)
    return call.sandbox.agreements.show(agreement_no=agreement_no)


@operation(router, "POST", "/{agreement_no}/termination", *_PARTIES, answer=Agreement)
def terminate(call: AnyCall, agreement_no: Number) -> Agreement:
    """End an agreement for good; that each of the three parties may is assumed."""
    call.check_sees("agreement", agreement_no)
    return call.sandbox.agreements.terminate(agreement_no=agreement_no)


@operation(router, "POST", "/{agreement_no}/lock", *_LOCKING, answer=Agreement)
def lock(call: AnyCall, agreement_no: Number) -> Agreement:
    """Lock a verified agreement; debits are refused until it is unlocked.

    That operator and authority lock and unlock, and the taxpayer does not, is assumed.
    """
    call.check_sees("agreement", agreement_no)
    return call.sandbox.agreements.lock(agreement_no=agreement_no)


@operation(router, "POST", "/{agreement_no}/unlock", *_LOCKING, answer=Agreement)
def unlock(call: AnyCall, agreement_no: Number) -> Agreement:
    """Make a locked agreement usable again."""
    call.check_sees("agreement", agreement_no)
    return call.sandbox.agreements.unlock(agreement_no=agreement_no)


@operation(
    router,
    "GET",
    "/{agreement_no}/export",
    *_PARTIES,
    answer=SignedAgreement,
    also={422: "The names that were signed are erased, and without them no copy would verify."},
)
def export(call: AnyCall, agreement_no: Number) -> dict[str, object]:
    """Export the agreement with its signatures, to be verified anywhere.

    It bears the taxpayer's name and id, so it goes to its three parties alone.
    """
    call.check_sees("agreement", agreement_no)
    parsed: dict[str, object] = json.loads(call.sandbox.agreements.export(agreement_no=agreement_no))
    return parsed


@operation(
    router,
    "POST",
    "/verifications",
    *ANYBODY,
    answer=with_members("AgreementVerdict", AgreementCheck, problem=Problem | None),
)
def verify(call: AnyCall, asked: VerifyAgreement) -> dict[str, object]:
    """Verify an exported agreement; nothing is kept of it.

    The verdict is the answer, also when it is no: `problem` then says why.
    """
    published = call.sandbox.published_keys() if asked.keys is None else asked.keys
    check = check_export(_text(asked.agreement), published)
    refusal = None if check.valid else VerificationError("agreement_invalid", reason=check.reason)
    problem = None if refusal is None else problem_document(refusal, call.language)
    return {**document(check), "problem": problem}


def _text(exported: dict[str, Any]) -> str:
    """The file that it would be."""
    try:
        return json.dumps(exported, ensure_ascii=False)
    except RecursionError:  # no agreement is nested so deep
        return ""
