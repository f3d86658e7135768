"""Offline payment as the operators keep it: devices, loads, and what was decided about vouchers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, yuan_text
from ecny_tax.offline.bundles import EvidenceBundle
from ecny_tax.offline.objects import DeviceCertificate
from ecny_tax.rulebook.offline import OfflineLimits

_INTERNAL = {"internal": True}


class LoadStatus(StrEnum):
    OPEN = "open"
    UNLOADED = "unloaded"  # 设备已声明卸载，未兑付的凭证仍圈存
    RELEASED = "released"  # 余额已解圈


class VoucherStatus(StrEnum):
    SETTLED = "settled"
    REJECTED = "rejected"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A device (硬钱包) as its operator knows it; caps in fen."""

    device_id: str
    wallet_id: str
    operator: str
    cap_single: Fen
    cap_total: Fen
    cap_count: int
    valid_until: datetime
    revoked_since: datetime | None
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class RegisteredLoad:
    """A load (装载) as its operator knows it: amount = lien + settled + released, in fen."""

    load_id: str
    device_id: str
    wallet_id: str
    amount: Fen
    lien: Fen
    settled: Fen
    released: Fen
    first_counter: int
    last_counter: int
    spend_by: datetime
    redeem_by: datetime
    status: LoadStatus
    loaded_at: datetime
    account_id: int = field(metadata=_INTERNAL)
    message: bytes = field(metadata=_INTERNAL)
    device_certificate: bytes = field(metadata=_INTERNAL)
    operator_certificate: bytes = field(metadata=_INTERNAL)


@dataclass(frozen=True, slots=True)
class RegisteredTerminal:
    """A terminal (收款终端) as its tax authority certified it."""

    terminal_id: str
    authority: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Redemption:
    """What redeeming (兑付) one voucher came to; ``amount`` in fen.

    ``settled``: its bill is paid, by ``payment_no``.  ``rejected``: not paid, ``code`` says why, and
    ``released`` whether the value went back to the payer's wallet.  ``disputed``: another voucher with this
    counter came before, and ``evidence`` proves it.
    """

    voucher_id: str
    status: VoucherStatus
    code: str | None
    amount: Fen | None
    bill_no: str | None
    payment_no: str | None
    released: bool
    evidence: EvidenceBundle | None = field(metadata=_INTERNAL)


@dataclass(frozen=True, slots=True)
class Released:
    """What went back from a lien to the wallet, in fen; ``lien`` is what stays for vouchers to come."""

    load_id: str
    wallet_id: str
    amount: Fen
    lien: Fen
    status: LoadStatus
    balance_after: Fen


def caps(
    rules: OfflineLimits, single: Fen | None, total: Fen | None, count: int | None
) -> tuple[Fen, Fen, int]:
    """The caps of a new device: those of the rules, or lower ones that were asked for."""
    asked = (
        ("cap_single", single, rules.cap_single),
        ("cap_total", total, rules.cap_total),
        ("cap_count", count, rules.cap_count),
    )
    for name, value, most in asked:
        if value is not None and not 0 < value <= most:
            shown = str(most) if name == "cap_count" else yuan_text(most)
            raise RejectedError("device_cap_not_allowed", cap=name, most=shown)
    return single or rules.cap_single, total or rules.cap_total, count or rules.cap_count


def as_loaded(load: RegisteredLoad) -> RegisteredLoad:
    """The load as it was when it had just been set aside: the answer to the request for it, ever after."""
    return replace(load, lien=load.amount, settled=Fen(0), released=Fen(0), status=LoadStatus.OPEN)


def check_load(certificate: DeviceCertificate, amount: Fen, held: Fen) -> None:
    """A device holds at most its total cap, over all loads that are not given back."""
    if held + amount > certificate.cap_total:
        raise RejectedError(
            "device_cap_exceeded", amount=yuan_text(held + amount), cap=yuan_text(certificate.cap_total)
        )
