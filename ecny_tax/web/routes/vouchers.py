"""``/v1/vouchers``: redemption of offline vouchers (离线凭证), and evidence of double spends."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.errors import RejectedError, VerificationError
from ecny_tax.offline.bundles import TrustBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import examine, present
from ecny_tax.offline.describe import describe as described
from ecny_tax.offline.objects import seconds
from ecny_tax.text_form import from_text
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.offline_forms import (
    EvidenceCheck,
    EvidenceText,
    Examined,
    ObjectText,
    Redeemed,
    evidence_check,
    examined,
    redeemed,
)
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, list_model, page_model

router = APIRouter(prefix="/vouchers", tags=["vouchers"])

_READERS = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
MAX_VOUCHERS = 500
_TRUST = Field(None, description="What `GET /v1/trust` answered once (default: what it answers now).")


class Vouchers(Body):
    """Vouchers that are handed in."""

    vouchers: list[ObjectText] = Field(min_length=1, max_length=MAX_VOUCHERS)


class VoucherToVerify(Body):
    """A voucher, and whom to trust."""

    voucher: ObjectText
    trust: ObjectText | None = _TRUST


class EvidenceToVerify(Body):
    """Evidence, and whom to trust."""

    evidence: ObjectText
    trust: ObjectText | None = _TRUST


class AnyObject(Body):
    """An offline object of any kind."""

    object: ObjectText


class Described(BaseModel):
    """What an offline object holds, whatever it is: its parts come beside ``kind``, under their names."""

    model_config = ConfigDict(extra="allow")

    kind: str


@operation(
    router,
    "POST",
    "/redemptions",
    Role.TAX_AUTHORITY,
    answer=list_model("results", Redeemed),
    status=201,
)
def redeem(call: MoneyCall, asked: Vouchers) -> dict[str, object]:
    """Redeem vouchers (兑付).

    Each is decided by itself, in the order given: its bill is paid, or it is refused by a code.  Of two
    different vouchers with one counter the first that comes here stands.  What is not ``decided`` may be
    tried again, with another key.
    """
    if call.party.role is Role.TAX_AUTHORITY:
        for text in asked.vouchers:
            _check_is_of(call, text)
    offline = call.sandbox.offline
    results = call.once(lambda key: offline.redeem(vouchers=asked.vouchers, idempotency_key=key))
    return {"results": [redeemed(result) for result in results]}


@operation(router, "GET", "/redemptions", *_READERS, answer=page_model("redemptions", Redeemed))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List what was decided about vouchers, in the order of decision."""
    offline = call.sandbox.offline
    return page(
        call, "voucher", "redemptions", limit, cursor, lambda no: redeemed(offline.decision(voucher_id=no))
    )


@operation(router, "GET", "/redemptions/{voucher_id}", *_READERS, answer=Redeemed)
def show(call: AnyCall, voucher_id: Number) -> Redeemed:
    """Show what was decided about a voucher."""
    call.check_sees("voucher", voucher_id)
    return redeemed(call.sandbox.offline.decision(voucher_id=voucher_id))


@operation(router, "GET", "/redemptions/{voucher_id}/evidence", *_READERS, answer=EvidenceText)
def evidence(call: AnyCall, voucher_id: Number) -> EvidenceText:
    """Show the evidence against a disputed voucher (双花证据)."""
    call.check_sees("voucher", voucher_id)
    return EvidenceText(call.sandbox.offline.evidence(voucher_id=voucher_id).to_text())


@operation(router, "POST", "/verifications", *_READERS, answer=Examined)
def verify(call: AnyCall, asked: VoucherToVerify) -> Examined:
    """Make all checks of a voucher that need no terminal, and keep nothing."""
    anchor, now = Trust.read(_trust(call, asked.trust)), call.sandbox.clock.now()
    limits = call.sandbox.store.rulebook.on(now.date()).offline.limits
    found = examine(lambda: from_text(asked.voucher), anchor, at=seconds(now), skew=limits.skew_minutes * 60)
    return examined(found)


@operation(router, "POST", "/evidence/verifications", *_READERS, answer=EvidenceCheck)
def verify_evidence(call: AnyCall, asked: EvidenceToVerify) -> EvidenceCheck:
    """Verify a double spend by the root certificate alone."""
    return evidence_check(asked.evidence, _trust(call, asked.trust))


@operation(router, "POST", "/descriptions", *_READERS, answer=Described)
def describe(call: AnyCall, asked: AnyObject) -> dict[str, object]:  # noqa: ARG001 - who asks is checked
    """Show what an offline object holds; nothing is verified."""
    return described(from_text(asked.object))


def _trust(call: Call, text: str | None) -> TrustBundle:
    return call.sandbox.offline.trust() if text is None else TrustBundle.from_text(text)


def _check_is_of(call: Call, text: str) -> None:
    """A tax authority redeems what answers its own requests; what cannot be read is refused as such later."""
    try:
        presented = present(from_text(text))
    except VerificationError:
        return
    if presented.request.authority != call.party.code:
        raise RejectedError(
            "voucher_of_other_authority",
            voucher_id=presented.bundle.voucher_id,
            authority=presented.request.authority,
        )
