"""The checks of a voucher, in their order, each with a code of its own; no clock, no file, no database.

``CHECKS`` names them.  A terminal makes all of them, whoever has no terminal those before ``store``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ecny_tax.clock import rfc3339
from ecny_tax.crypto import sign1
from ecny_tax.errors import VerificationError
from ecny_tax.offline.bundles import VoucherBundle
from ecny_tax.offline.chains import PayeeChain, PayerChain, Trust, payer_chain
from ecny_tax.offline.objects import (
    AuthorityCertificate,
    DeviceCertificate,
    OperatorCertificate,
    PaymentRequest,
    RootCertificate,
    Seconds,
    TerminalCertificate,
    Voucher,
    digest,
    moment,
)

_VOUCHERS = Voucher.domain()

#: The checks in their order, English and Chinese.
CHECKS = {
    "form": ("canonical form, version and ranges of every object", "各对象的规范编码、版本与取值范围"),
    "chain": ("signatures from the root to the voucher", "自根证书至凭证的签名链"),
    "validity": ("in force at this time", "有效期"),
    "limits": ("counter, caps and sum of the load", "装载的计数、限额与累计金额"),
    "request": ("what the payee asked for", "与收款请求一致"),
    "revocation": ("not revoked, by a list that is recent enough", "未被吊销，且吊销列表未过期"),
    "store": ("not seen before with other content", "未见同一计数的其他凭证"),
}


@dataclass(frozen=True, slots=True)
class Presented:
    """A voucher as it was presented: its form is right, nothing else is known."""

    bundle: VoucherBundle
    voucher: Voucher
    request: PaymentRequest


@dataclass(frozen=True, slots=True)
class Passed:
    """One check: its name, and whether it passed; ``code`` says why not."""

    check: str
    what: str
    what_zh: str
    ok: bool
    code: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What examining a voucher found: every check up to the first that failed.

    ``valid`` says that all passed; what a terminal accepts is provisional all the same, since a copy of the
    device may have paid somebody else.  ``problem`` is the refusal.
    """

    valid: bool
    checks: tuple[Passed, ...]
    presented: Presented | None
    problem: VerificationError | None


def present(data: bytes) -> Presented:
    """A voucher from the bytes of its bundle.

    Raises ``VerificationError``: ``object_malformed``, ``algorithm_unknown``, ``object_kind_wrong``,
    ``object_version_unknown``, ``object_value_out_of_range``.
    """
    bundle = VoucherBundle.from_bytes(data)
    voucher = Voucher.read(bundle.voucher)
    return Presented(bundle, voucher, PaymentRequest.read(voucher.request))


class Payee(Protocol):
    """What the payee's terminal adds to the checks: that it asked for this, and has not seen another."""

    def check_request(self, presented: Presented, at: Seconds) -> None: ...

    def check_store(self, presented: Presented) -> None: ...


def examine(
    read: Callable[[], bytes], trust: Trust, *, at: Seconds, skew: int, payee: Payee | None = None
) -> Examination:
    """Make every check up to the first that fails; those of the ``payee`` where there is one.

    ``read`` gives the bytes of the voucher's bundle, since that is where the checks begin.
    """
    examiner = _Examiner(read, trust, at, skew, payee)
    passed: list[Passed] = []
    for name, check in examiner.checks():
        try:
            check()
        except VerificationError as problem:
            passed.append(Passed(name, *CHECKS[name], ok=False, code=problem.code))
            return Examination(False, tuple(passed), examiner.presented, problem)
        passed.append(Passed(name, *CHECKS[name], ok=True, code=None))
    return Examination(True, tuple(passed), examiner.presented, None)


class _Examiner:
    """A voucher on its way through the checks."""

    def __init__(
        self,
        read: Callable[[], bytes],
        trust: Trust,
        at: Seconds,
        skew: int,
        payee: Payee | None,
    ) -> None:
        self._read, self._trust, self._at, self._skew, self._payee = read, trust, at, skew, payee
        self.presented: Presented | None = None
        self._presented: Presented
        self._payer: PayerChain

    def checks(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "form", self._form
        yield "chain", self._chain
        yield "validity", self._validity
        yield "limits", lambda: check_limits(self._presented, self._payer)
        yield "request", self._request
        yield "revocation", self._revocation
        if self._payee is not None:
            payee = self._payee
            yield "store", lambda: payee.check_store(self._presented)

    def _form(self) -> None:
        self.presented = self._presented = present(self._read())

    def _chain(self) -> None:
        self._payer = check_chain(self._presented, self._trust.root.public_key)

    def _validity(self) -> None:
        check_validity(self._presented, self._payer, self._trust, at=self._at, skew=self._skew)

    def _request(self) -> None:
        check_request(self._presented, skew=self._skew)
        if self._payee is not None:
            self._payee.check_request(self._presented, self._at)

    def _revocation(self) -> None:
        request = self._presented.request
        check_revocation(request, self._payer, self._trust, at=self._at, skew=self._skew)


def verify(data: bytes, trust: Trust, *, at: Seconds, skew: int) -> Presented:
    """The same checks without a list of them: the voucher, or the first refusal."""
    presented = present(data)
    chain = check_chain(presented, trust.root.public_key)
    check_validity(presented, chain, trust, at=at, skew=skew)
    check_limits(presented, chain)
    check_request(presented, skew=skew)
    check_revocation(presented.request, chain, trust, at=at, skew=skew)
    return presented


def check_chain(presented: Presented, root_key: bytes) -> PayerChain:
    """Every signature from the root to the voucher; that the load belongs to the device."""
    bundle = presented.bundle
    chain = payer_chain(root_key, bundle.operator, bundle.device, bundle.load)
    if chain.load.load_id != presented.voucher.load_id:
        raise VerificationError("voucher_of_other_load", load_id=presented.voucher.load_id)
    sign1.verify(bundle.voucher, chain.device.public_key, _VOUCHERS, signer=chain.signer)
    return chain


def check_validity(presented: Presented, chain: PayerChain, trust: Trust, *, at: Seconds, skew: int) -> None:
    """Certificates in force, the load not expired, the device's time believable; all with a clock skew.

    What expired is judged by the time of the request, which the payee signed, not by the device's.  A payer
    may still enroll or load a device while the request is open: what began after it counts when it was paid.
    """
    asked, paid = presented.request.issued_at, presented.voucher.paid_at
    for certificate in (trust.root, chain.operator, chain.device):
        check_in_force(certificate, at=max(asked, min(paid, certificate.not_before)), skew=skew)
    if presented.request.issued_at > chain.load.spend_by + skew:
        raise VerificationError(
            "voucher_load_expired", load_id=chain.load.load_id, until=_text(chain.load.spend_by)
        )
    if presented.voucher.paid_at > at + skew:
        raise VerificationError("voucher_from_the_future", at=_text(presented.voucher.paid_at))


def check_in_force(
    certificate: RootCertificate
    | OperatorCertificate
    | DeviceCertificate
    | AuthorityCertificate
    | TerminalCertificate,
    *,
    at: Seconds,
    skew: int,
) -> None:
    """A certificate counts from ``not_before`` to ``not_after``."""
    if not certificate.not_before - skew <= at <= certificate.not_after + skew:
        raise VerificationError("certificate_not_in_force", serial=certificate.serial, at=_text(at))


def check_limits(presented: Presented, chain: PayerChain) -> None:
    """The counter is one of the load's, nothing is above a cap, and the sum is one that the load can pay."""
    voucher, load, device = presented.voucher, chain.load, chain.device
    if not load.first_counter <= voucher.counter <= load.last_counter:
        raise VerificationError("voucher_counter_out_of_range", counter=voucher.counter, load_id=load.load_id)
    if (
        voucher.amount > device.cap_single
        or load.amount > device.cap_total
        or load.last_counter - load.first_counter >= device.cap_count
    ):
        raise VerificationError("voucher_over_cap", device_id=device.device_id)
    fits = voucher.amount <= voucher.spent <= load.amount
    if voucher.counter == load.first_counter:
        fits &= voucher.spent == voucher.amount and voucher.previous == digest(presented.bundle.load)
    if not fits:
        raise VerificationError("voucher_sum_wrong", load_id=load.load_id, counter=voucher.counter)


def check_request(presented: Presented, *, skew: int) -> None:
    """The voucher pays what the request inside it asks for, to whom, and in its time."""
    voucher, request = presented.voucher, presented.request
    if voucher.payee != request.terminal_id or voucher.amount != request.amount:
        raise VerificationError("voucher_not_for_request", bill_no=request.bill_no)
    if not request.issued_at - skew <= voucher.paid_at <= request.expires_at + skew:
        raise VerificationError("voucher_request_expired", until=_text(request.expires_at))


def check_revocation(
    request: PaymentRequest, chain: PayerChain | PayeeChain, trust: Trust, *, at: Seconds, skew: int
) -> None:
    """The list is recent, and nothing of the chain had been revoked when the payee asked."""
    if at > trust.revocations.renew_by + skew:
        raise VerificationError("revocation_list_stale", until=_text(trust.revocations.renew_by))
    check_not_revoked(request, chain, trust.since)


def check_not_revoked(
    request: PaymentRequest, chain: PayerChain | PayeeChain, since: dict[str, Seconds]
) -> None:
    """What was revoked counts no more for a request that was signed at that time or later."""
    for serial in chain.serials:
        revoked = since.get(serial)
        if revoked is not None and request.issued_at >= revoked:
            raise VerificationError("certificate_revoked", serial=serial, since=_text(revoked))


def _text(at: Seconds) -> str:
    return rfc3339(moment(at))
