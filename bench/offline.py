"""Offline payment: verifying a voucher, redeeming many, and how large its objects are."""

from __future__ import annotations

from datetime import datetime

from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_wallets
from ecny_tax import BEIJING, FixedClock, Sandbox, yuan
from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import public_key_of
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import Bundle, EvidenceBundle, VoucherBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import verify
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import DeviceCertificate, Voucher, seconds
from ecny_tax.offline.terminal import Terminal
from ecny_tax.qr import qr_code

START = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
_SKEW = 300
_PER_LOAD = 100


@benchmark("voucher_verification", engine="none", at_least=0.8)
def voucher_verification(setting: Setting) -> tuple[float, str]:
    """From decoded bytes, chain cached, every check but the terminal's own; against one raw verification."""
    with Sandbox.open(clock=FixedClock(START), seed="bench") as s:
        (wallet,) = open_wallets(s, 1)
        device, terminal = _device(s, wallet.wallet_id), s.offline.terminal()
        vouchers = _vouchers(s, wallet.wallet_id, device, terminal, setting.size(_PER_LOAD, 10))
        trust, now = Trust.read(s.offline.trust()), seconds(START)
    presented = [bundle.to_bytes() for bundle in vouchers]
    signed = [_signed(bundle.voucher) for bundle in vouchers]
    key = public_key_of(DeviceCertificate.read(vouchers[0].device).public_key)

    def ours() -> float:
        with stopwatch() as taken:
            for data in presented:
                verify(data, trust, at=now, skew=_SKEW)
        return taken[0]

    def plain() -> float:
        with stopwatch() as taken:
            for signature, message in signed:
                key.verify(signature, message)
        return taken[0]

    rounds = setting.size(41, 2)
    ours()
    mine, theirs = compare(rounds, ours, plain)
    count = len(vouchers)
    return theirs / mine, (
        f"{count / mine:,.0f} vouchers/s verified; cryptography verifies their Ed25519 signatures at"
        f" {count / theirs:,.0f}/s (median of {rounds} rounds of {count})"
    )


@benchmark("voucher_redemption", engine="sqlite", at_least=0.0)
def voucher_redemption(setting: Setting) -> tuple[float, str]:
    """One call redeems them all, durably; against the two raw verifications that each of them needs."""
    loads = setting.size(100, 1)
    with Sandbox.open(setting.folder / "redeem.db", clock=FixedClock(START), seed="bench") as s:
        terminal, vouchers = s.offline.terminal(), []
        for wallet in open_wallets(s, loads):
            device = _device(s, wallet.wallet_id)
            vouchers += _vouchers(s, wallet.wallet_id, device, terminal, _PER_LOAD)
        with stopwatch() as taken:
            results = s.offline.redeem(vouchers=vouchers)
        if any(result.status != "settled" for result in results) or not s.ledger.verify().ok:
            raise RuntimeError("the benchmark's vouchers do not settle")
    signature, message = _signed(vouchers[0].voucher)
    key = public_key_of(DeviceCertificate.read(vouchers[0].device).public_key)
    with stopwatch() as raw:
        for _ in range(1000):
            key.verify(signature, message)
    count = len(vouchers)
    return 2 * raw[0] / 1000 * count / taken[0], (
        f"{count:,} vouchers of {loads} devices in one batch at {count / taken[0]:,.0f}/s; no floor: the"
        " ratio is against verifying two signatures a voucher"
    )


@benchmark("voucher_size", engine="none", at_least=1.0)
def voucher_size(setting: Setting) -> tuple[float, str]:
    """QR version 25 against the version that a voucher with its chain needs at level M."""
    del setting
    with Sandbox.open(clock=FixedClock(START), seed="bench") as s:
        (wallet,) = open_wallets(s, 1)
        device, terminal = _device(s, wallet.wallet_id), s.offline.terminal()
        voucher = _vouchers(s, wallet.wallet_id, device, terminal, 1)[0]
        bill = s.taxes.declare_other(wallet_id=wallet.wallet_id, code="10110", amount=yuan(1))
        request = terminal.request(bill_no=bill.bill_no, amount=bill.total, at=START)
        receipt = terminal.accept(voucher.to_text(), at=START).receipt
        evidence = EvidenceBundle(voucher.to_bytes(), voucher.to_bytes())
        objects: tuple[Bundle, ...] = (
            request, voucher, receipt, device.unload(at=START), s.offline.trust(), evidence
        )  # fmt: skip
    sizes = [f"{one.name} {_size(one)}" for one in objects]
    parts = [
        f"{name} {len(message)} bytes"
        for name, message in (
            ("voucher alone", voucher.voucher),
            ("request alone", Voucher.read(voucher.voucher).request),
            ("load certificate", voucher.load),
            ("device certificate", voucher.device),
            ("operator certificate", voucher.operator),
        )
    ]
    return 25 / int(qr_code(voucher.to_text()).version), "; ".join(sizes + parts)


def _size(bundle: Bundle) -> str:
    text = bundle.to_text()
    return f"{len(bundle.to_bytes())} bytes, QR {qr_code(text).version}"


def _device(s: Sandbox, wallet_id: str) -> Device:
    device = Device.create()
    s.offline.enroll(device=device, wallet_id=wallet_id)
    s.offline.load(device=device, amount=yuan(5000))
    return device


def _vouchers(
    s: Sandbox, wallet_id: str, device: Device, terminal: Terminal, count: int
) -> list[VoucherBundle]:
    """Vouchers for as many bills, a few yuan each."""
    found = []
    for place in range(count):
        bill = s.taxes.declare_other(wallet_id=wallet_id, code="10110", amount=Fen(1_000 + place))
        request = terminal.request(bill_no=bill.bill_no, amount=bill.total, at=START)
        found.append(device.pay(request, at=START))
    return found


def _signed(message: bytes) -> tuple[bytes, bytes]:
    """(signature, what is signed) of a voucher, as one hands them to ``cryptography``."""
    return message[-64:], sign1.to_be_signed(sign1.payload_of(message), Voucher.domain())
