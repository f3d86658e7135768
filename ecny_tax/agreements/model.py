"""What a three-party agreement is, and the operator's verification, decided from values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ecny_tax.clock import rfc3339
from ecny_tax.errors import RejectedError
from ecny_tax.parties.model import Identity, fold_name
from ecny_tax.wallets.model import Wallet, WalletKind

#: What is signed; part of every protected header.
CONTENT_TYPE = "application/vnd.ecny-tax.agreement+cbor"
#: What the operator signs when it has verified an agreement, or refused to (message 9115).
ANSWER_TYPE = "application/vnd.ecny-tax.agreement-answer+cbor"


class AgreementStatus(StrEnum):
    PAPER_UNVERIFIED = "paper_unverified"  # 00 纸质签订未验证
    ONLINE_UNVERIFIED = "online_unverified"  # 01 网上签订未验证
    VERIFIED = "verified"  # 02 验证通过
    VERIFICATION_FAILED = "verification_failed"  # 03 验证失败
    TERMINATED = "terminated"  # 终止
    LOCKED = "locked"  # 锁定


@dataclass(frozen=True, slots=True)
class Agreement:
    """A three-party agreement; ``code`` says why the operator refused it, where it did."""

    agreement_no: str
    wallet_id: str
    operator: str
    authority: str
    status: AgreementStatus
    code: str | None
    batch_debit: bool
    signed_at: datetime
    verified_at: datetime | None
    ended_at: datetime | None
    identity_id: str = field(metadata={"internal": True})
    subject_id: str = field(metadata={"internal": True})
    signatures: bytes = field(repr=False, metadata={"internal": True})
    answer: bytes | None = field(repr=False, metadata={"internal": True})


class Mandate(NamedTuple):
    """Of an agreement what decides whether a debit may go by it."""

    agreement_no: str
    wallet_id: str
    authority: str
    subject_id: str
    status: AgreementStatus
    batch_debit: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """What the tax side sends to the operator for verification (message 9114)."""

    agreement_no: str
    authority: str
    operator: str
    wallet_id: str
    taxpayer_name: str = field(repr=False)
    taxpayer_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """What became of checking an exported agreement with the published keys alone.

    ``status`` is what the operator answered when it verified the agreement; what happened to the agreement
    later (a termination, say) no exported file can tell.
    """

    valid: bool
    agreement_no: str | None
    status: str | None
    signers: tuple[str, ...]
    reason: str | None


def document(
    *, agreement_no: str, wallet: Wallet, authority: str, taxpayer: Identity, batch_debit: bool, at: datetime
) -> dict[str, object]:
    """The one document that all three parties sign.  The taxpayer's wallet id fills in the operator."""
    return {
        "agreement_no": agreement_no,
        "authority": authority,
        "batch_debit": batch_debit,
        "operator": wallet.operator,
        "signed_at": rfc3339(at),
        "taxpayer_id": taxpayer.id_number,
        "taxpayer_name": taxpayer.name,
        "wallet_id": wallet.wallet_id,
    }


def refusal_code(
    agreement: Agreement | None, wallet: Wallet, holder: Identity, asked: Verification
) -> str | None:
    """The operator's checks, in the order seen in public code of banks; the first that fails has its code.

    Names are compared after full-width characters are folded to half-width.  A sole trader's personal
    wallet carries the person's name and id, so there only the name is compared (an assumption).
    """
    if agreement is None:
        return "agreement_not_found"
    if agreement.status is AgreementStatus.TERMINATED:
        return "agreement_terminated"
    if agreement.status is AgreementStatus.LOCKED:
        return "agreement_locked"
    if agreement.status is AgreementStatus.VERIFICATION_FAILED:
        return "agreement_state_not_normal"
    if agreement.authority != asked.authority:
        return "agreement_authority_mismatch"
    if wallet.operator != asked.operator:
        return "agreement_operator_mismatch"
    if agreement.wallet_id != asked.wallet_id:
        return "agreement_wallet_mismatch"
    if agreement.agreement_no != asked.agreement_no:
        return "agreement_number_mismatch"
    if fold_name(holder.name or "") != fold_name(asked.taxpayer_name):
        return "agreement_name_mismatch"
    sole_trader = wallet.kind is WalletKind.PERSONAL and asked.taxpayer_id.startswith("92")
    if holder.id_number != asked.taxpayer_id and not sole_trader:
        return "agreement_taxpayer_id_mismatch"
    return None


def check_usable(agreement: Agreement | Mandate) -> None:
    """A debit needs a verified agreement; each other state has its own refusal."""
    if agreement.status is AgreementStatus.VERIFIED:
        return
    code = {
        AgreementStatus.TERMINATED: "agreement_terminated",
        AgreementStatus.LOCKED: "agreement_locked",
    }.get(agreement.status, "agreement_not_verified")
    raise RejectedError(code, agreement_no=agreement.agreement_no)
