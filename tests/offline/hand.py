"""A scheme signed by hand: every key is at hand, so a test can sign what no honest party would.

Each function makes one object as it should be; what a test changes it names.  Keys are made of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import EcnyTaxError, VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline import checks
from ecny_tax.offline.bundles import RequestBundle, TrustBundle, VoucherBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import Presented
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import (
    AuthorityCertificate,
    DeviceCertificate,
    LoadCertificate,
    OperatorCertificate,
    PaymentRequest,
    Revocation,
    RevocationList,
    RootCertificate,
    Seconds,
    SignedObject,
    TerminalCertificate,
    Voucher,
    bill_digest,
    digest,
    moment,
    seconds,
)
from ecny_tax.offline.terminal import Terminal, TerminalSettings
from tests.support import START, judged

NOW = seconds(START)
DAY = 24 * 3600
SKEW = 300
OPEN = 1800
AUTHORITY = "14407840000"
AMOUNT = Fen(120_00)


def seed(name: str) -> bytes:
    """A private key for tests alone: anybody can compute it."""
    return hashlib.sha256(f"test key: {name}".encode()).digest()


def key(name: str) -> SigningKey:
    return SigningKey(name, seed(name))


ROOT, OPERATOR, AUTHORITY_KEY = key("root"), key("operator"), key("authority")
DEVICE, TERMINAL, STRANGER = key("device"), key("terminal"), key("stranger")

_FROM, _UNTIL = Seconds(NOW - DAY), Seconds(NOW + 1000 * DAY)


def root(**changes: Any) -> RootCertificate:
    return replace(RootCertificate("C1", ROOT.public_bytes, _FROM, _UNTIL), **changes)


def operator(**changes: Any) -> OperatorCertificate:
    return replace(OperatorCertificate("C2", "ICBC", OPERATOR.public_bytes, _FROM, _UNTIL), **changes)


def authority(**changes: Any) -> AuthorityCertificate:
    found = AuthorityCertificate("C3", AUTHORITY, AUTHORITY_KEY.public_bytes, _FROM, _UNTIL)
    return replace(found, **changes)


def device(**changes: Any) -> DeviceCertificate:
    caps = (Fen(1000_00), Fen(5000_00), 100)
    found = DeviceCertificate("C4", "D1", "W1", DEVICE.public_bytes, *caps, _FROM, _UNTIL)
    return replace(found, **changes)


def terminal(**changes: Any) -> TerminalCertificate:
    found = TerminalCertificate("C5", "T1", AUTHORITY, TERMINAL.public_bytes, _FROM, _UNTIL)
    return replace(found, **changes)


def load(**changes: Any) -> LoadCertificate:
    spend_by = Seconds(NOW + DAY)
    found = LoadCertificate("L1", "D1", Fen(500_00), 1, 100, spend_by, Seconds(spend_by + 7 * DAY))
    return replace(found, **changes)


def revocations(*revoked: tuple[str, int], **changes: Any) -> RevocationList:
    entries = tuple(Revocation(serial, Seconds(since)) for serial, since in revoked)
    return replace(RevocationList(len(entries), NOW, Seconds(NOW + 7 * DAY), entries), **changes)


def request(**changes: Any) -> PaymentRequest:
    """A request of the terminal; the digest of its bill follows from what is asked."""
    found = PaymentRequest(
        terminal_id="T1",
        authority=AUTHORITY,
        bill_no="B1",
        bill_digest=bytes(32),
        amount=AMOUNT,
        nonce=bytes(range(16)),
        issued_at=NOW,
        expires_at=Seconds(NOW + OPEN),
    )
    found = replace(found, **changes)
    if "bill_digest" in changes:
        return found
    return replace(found, bill_digest=bill_digest(found.authority, found.bill_no, found.amount))


REQUEST = request().signed(TERMINAL)
LOAD = load().signed(OPERATOR)


def voucher(asked: bytes = REQUEST, **changes: Any) -> Voucher:
    """The first voucher of the load, as the device makes it for a request."""
    wanted = PaymentRequest.read(asked)
    found = Voucher(
        load_id="L1",
        counter=1,
        amount=wanted.amount,
        spent=wanted.amount,
        payee=wanted.terminal_id,
        request=asked,
        previous=digest(LOAD),
        paid_at=wanted.issued_at,
    )
    return replace(found, **changes)


def bundle(
    paid: Voucher | None = None,
    *,
    by: SigningKey = DEVICE,
    of_operator: bytes | None = None,
    of_device: bytes | None = None,
    of_load: bytes = LOAD,
) -> VoucherBundle:
    """A voucher with its chain."""
    return VoucherBundle(
        of_operator or operator().signed(ROOT),
        of_device or device().signed(OPERATOR),
        of_load,
        (paid or voucher()).signed(by),
    )


def chained(*, paid: dict[str, Any] | None = None, **certificates: dict[str, Any]) -> VoucherBundle:
    """A voucher whose chain has other contents, each signed by whom it should be."""
    of_load = load(**certificates.get("load", {})).signed(OPERATOR)
    asked = request(**certificates.get("request", {})).signed(TERMINAL)
    return bundle(
        voucher(asked, **{"previous": digest(of_load), **(paid or {})}),
        of_operator=operator(**certificates.get("operator", {})).signed(ROOT),
        of_device=device(**certificates.get("device", {})).signed(OPERATOR),
        of_load=of_load,
    )


def request_bundle(asked: PaymentRequest | None = None, *, by: SigningKey = TERMINAL) -> RequestBundle:
    of_authority, of_terminal = authority().signed(ROOT), terminal().signed(AUTHORITY_KEY)
    return RequestBundle(of_authority, of_terminal, (asked or request()).signed(by))


def trust_bundle(revoked: RevocationList | None = None, *, of_root: bytes | None = None) -> TrustBundle:
    return TrustBundle(of_root or root().signed(ROOT), (revoked or revocations()).signed(ROOT))


def trust(revoked: RevocationList | None = None, *, of_root: bytes | None = None) -> Trust:
    return Trust.read(trust_bundle(revoked, of_root=of_root))


def tax_hall(revoked: RevocationList | None = None, *, nonces: Callable[[int], bytes] = bytes) -> Terminal:
    """A terminal in memory, with the hand-made chain."""
    return Terminal.create(
        None,
        seed=seed("terminal"),
        authority=authority().signed(ROOT),
        terminal=terminal().signed(AUTHORITY_KEY),
        trust=trust_bundle(revoked),
        settings=TerminalSettings(SKEW, OPEN),
        random_bytes=nonces,
    )


def enrolled(*, loads: tuple[LoadCertificate, ...] = (), **caps: Any) -> Device:
    """A device in memory with a key of its own, certified by hand, with these loads."""
    made = Device.create(None)
    certificate = device(public_key=made.public_key, **caps)
    made.install(
        root=root().signed(ROOT), operator=operator().signed(ROOT), device=certificate.signed(OPERATOR)
    )
    for one in loads:
        made.put_load(one.signed(OPERATOR))
    return made


def verify(data: bytes, *, at: int = NOW, anchor: Trust | None = None) -> Presented:
    """All checks that need no terminal."""
    return checks.verify(data, anchor or trust(), at=Seconds(at), skew=SKEW)


def later(by: int) -> datetime:
    return START + timedelta(seconds=by)


def when(at: int) -> datetime:
    return moment(Seconds(at))


def kept(state: Terminal | Device) -> list[str]:
    """Everything that a terminal or device keeps."""
    return list(state._file._connection.iterdump())


@contextmanager
def refused(code: str, *states: Terminal | Device) -> Iterator[None]:
    """What runs inside is refused with ``code``, and leaves these as they were."""
    before = [kept(state) for state in states]
    with pytest.raises(EcnyTaxError) as caught:
        yield
    judged(caught.value, code)
    assert [kept(state) for state in states] == before


def code_of(check: Callable[[], object]) -> str:
    """The documented code with which it is refused; anything else that is raised fails the test."""
    try:
        check()
    except VerificationError as refusal:
        judged(refusal, refusal.code)
        return refusal.code
    raise AssertionError("it was not refused")


def signed_as(found: SignedObject, by: SigningKey, domain: str) -> bytes:
    """An object whose signature is one for another kind."""
    from ecny_tax.crypto import sign1

    return sign1.sign(found.payload(), by, domain)
