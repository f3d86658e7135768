"""What offline payment shows over HTTP: signed objects as text, beside what they say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from ecny_tax.errors import VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import EvidenceBundle, RequestBundle, TrustBundle, VoucherBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import Examination, Passed
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import Evidence, verify_evidence
from ecny_tax.offline.model import Redemption, VoucherStatus
from ecny_tax.offline.objects import PaymentRequest, Voucher, moment
from ecny_tax.offline.terminal import ProvisionalAcceptance, Queued, Terminal
from ecny_tax.text_form import MAX_CHARACTERS

#: An offline object as it travels, ``ECNY1:…``; unreadable ones are for the library to refuse.
ObjectText = Annotated[str, Field(max_length=MAX_CHARACTERS, examples=["ECNY1:6BF+70"])]


@dataclass(frozen=True, slots=True)
class HeldLoad:
    """A load as the device itself has it; ``remaining`` can still be paid out of it."""

    load_id: str
    amount: Fen
    spent: Fen
    remaining: Fen
    next_counter: int
    last_counter: int
    spend_by: datetime
    redeem_by: datetime
    status: str


@dataclass(frozen=True, slots=True)
class HeldDevice:
    """What a device shows of itself, without asking anybody; its secret key is not shown."""

    handle: str
    device_id: str
    wallet_id: str
    cap_single: Fen
    cap_total: Fen
    cap_count: int
    valid_until: datetime
    loads: tuple[HeldLoad, ...]


@dataclass(frozen=True, slots=True)
class Paid:
    """A voucher that a device signed: ``voucher`` is what the payee's terminal accepts."""

    voucher_id: str
    load_id: str
    counter: int
    amount: Fen
    bill_no: str
    remaining: Fen
    voucher: str


@dataclass(frozen=True, slots=True)
class TerminalState:
    """A terminal: how many vouchers wait in it, and how old its revocation list is."""

    terminal_id: str
    authority: str
    valid_until: datetime
    queued: int
    evidence: int
    list_number: int
    renew_by: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for the payment of a bill, signed by a terminal: a device pays ``request``."""

    terminal_id: str
    authority: str
    bill_no: str
    amount: Fen
    expires_at: datetime
    request: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A voucher that a terminal accepted: provisional, the tax counts as paid when it has been redeemed.

    ``receipt`` is the terminal's signed word for the payer.
    """

    voucher_id: str
    load_id: str
    counter: int
    amount: Fen
    bill_no: str
    accepted_at: datetime
    status: str
    receipt: str


@dataclass(frozen=True, slots=True)
class InQueue:
    """An accepted voucher that was not redeemed yet."""

    voucher_id: str
    load_id: str
    counter: int
    amount: Fen
    voucher: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for redemption, in the order of acceptance; ``queued`` counts all of it."""

    queued: int
    vouchers: tuple[InQueue, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """Every check of a voucher up to the first that failed; ``reason`` is its code."""

    valid: bool
    reason: str | None
    voucher_id: str | None
    load_id: str | None
    counter: int | None
    amount: Fen | None
    bill_no: str | None
    checks: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What redeeming a voucher came to.

    ``settled``: its bill is paid, by ``payment_no``.  ``rejected``: not paid, ``code`` says why, and
    ``released`` whether the value went back to the payer's wallet.  ``disputed``: another voucher with this
    counter came before, and ``evidence`` proves it.  What is not ``decided`` may be tried again.
    """

    voucher_id: str
    status: VoucherStatus
    decided: bool
    code: str | None
    amount: Fen | None
    bill_no: str | None
    payment_no: str | None
    released: bool
    evidence: str | None


@dataclass(frozen=True, slots=True)
class EvidenceText:
    """Evidence of a double spend (双花证据), which anybody can verify by the root certificate."""

    evidence: str


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """Whether evidence proves a double spend, and of which device; ``reason`` is the code why not."""

    valid: bool
    reason: str | None
    proven: Evidence | None


@dataclass(frozen=True, slots=True)
class TrustState:
    """The root certificate and the revocation list of this moment: ``trust`` is what every check needs."""

    trust: str
    root_serial: str
    public_key: str
    list_number: int
    revoked: int
    issued_at: datetime
    renew_by: datetime


def held(handle: str, device: Device) -> HeldDevice:
    """The state of an enrolled device."""
    state = device.state
    found = state.certificate
    assert found is not None  # noqa: S101 - a hosted one is enrolled before it has a handle
    return HeldDevice(
        handle=handle,
        device_id=found.device_id,
        wallet_id=found.wallet_id,
        cap_single=found.cap_single,
        cap_total=found.cap_total,
        cap_count=found.cap_count,
        valid_until=moment(found.not_after),
        loads=tuple(
            HeldLoad(
                load_id=load.certificate.load_id,
                amount=load.certificate.amount,
                spent=load.spent,
                remaining=load.remaining,
                next_counter=load.next_counter,
                last_counter=load.certificate.last_counter,
                spend_by=moment(load.certificate.spend_by),
                redeem_by=moment(load.certificate.redeem_by),
                status="unloaded" if load.closed else "open",
            )
            for load in state.loads
        ),
    )


def paid(bundle: VoucherBundle, device: Device) -> Paid:
    """A voucher, and what its load holds now."""
    voucher = Voucher.read(bundle.voucher)
    load = next(one for one in device.state.loads if one.certificate.load_id == voucher.load_id)
    return Paid(
        voucher_id=bundle.voucher_id,
        load_id=voucher.load_id,
        counter=voucher.counter,
        amount=voucher.amount,
        bill_no=PaymentRequest.read(voucher.request).bill_no,
        remaining=load.remaining,
        voucher=bundle.to_text(),
    )


def terminal_state(terminal: Terminal) -> TerminalState:
    """A terminal."""
    found, listed = terminal.chain.terminal, terminal.trust.revocations
    return TerminalState(
        terminal_id=found.terminal_id,
        authority=found.authority,
        valid_until=moment(found.not_after),
        queued=len(terminal.queue()),
        evidence=len(terminal.evidence()),
        list_number=listed.number,
        renew_by=moment(listed.renew_by),
    )


def asked(bundle: RequestBundle) -> Asked:
    """A request."""
    found = PaymentRequest.read(bundle.request)
    return Asked(
        terminal_id=found.terminal_id,
        authority=found.authority,
        bill_no=found.bill_no,
        amount=found.amount,
        expires_at=moment(found.expires_at),
        request=bundle.to_text(),
    )


def accepted(found: ProvisionalAcceptance) -> Accepted:
    """A provisional acceptance."""
    return Accepted(
        voucher_id=found.voucher_id,
        load_id=found.load_id,
        counter=found.counter,
        amount=found.amount,
        bill_no=found.bill_no,
        accepted_at=found.accepted_at,
        status="provisional",
        receipt=found.receipt.to_text(),
    )


def in_queue(queued: Queued) -> InQueue:
    """A voucher in a terminal's queue."""
    voucher = Voucher.read(queued.voucher.voucher)
    return InQueue(
        voucher_id=queued.voucher.voucher_id,
        load_id=voucher.load_id,
        counter=voucher.counter,
        amount=voucher.amount,
        voucher=queued.voucher.to_text(),
        receipt=queued.receipt.to_text(),
    )


def examined(found: Examination) -> Examined:
    """The checks of a voucher."""
    presented = found.presented
    return Examined(
        valid=found.valid,
        reason=None if found.problem is None else found.problem.code,
        voucher_id=None if presented is None else presented.bundle.voucher_id,
        load_id=None if presented is None else presented.voucher.load_id,
        counter=None if presented is None else presented.voucher.counter,
        amount=None if presented is None else presented.voucher.amount,
        bill_no=None if presented is None else presented.request.bill_no,
        checks=found.checks,
    )


def redeemed(found: Redemption) -> Redeemed:
    """What redeeming a voucher came to."""
    return Redeemed(
        voucher_id=found.voucher_id,
        status=found.status,
        decided=found.amount is not None,
        code=found.code,
        amount=found.amount,
        bill_no=found.bill_no,
        payment_no=found.payment_no,
        released=found.released,
        evidence=None if found.evidence is None else found.evidence.to_text(),
    )


def evidence_check(text: str, trust: TrustBundle) -> EvidenceCheck:
    """Verify evidence; raises ``VerificationError`` where what is trusted does not verify itself."""
    root = Trust.read(trust).root
    try:
        found = verify_evidence(EvidenceBundle.from_text(text), root)
    except VerificationError as problem:
        return EvidenceCheck(valid=False, reason=problem.code, proven=None)
    return EvidenceCheck(valid=True, reason=None, proven=found)


def trust_state(bundle: TrustBundle) -> TrustState:
    """A root of trust."""
    found = Trust.read(bundle)
    return TrustState(
        trust=bundle.to_text(),
        root_serial=found.root.serial,
        public_key=found.root.public_key.hex(),
        list_number=found.revocations.number,
        revoked=len(found.revocations.revocations),
        issued_at=moment(found.revocations.issued_at),
        renew_by=moment(found.revocations.renew_by),
    )
