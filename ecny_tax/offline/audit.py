"""Whether what is kept of offline payment is what was signed: every load, voucher, payment and dispute."""

from __future__ import annotations

from collections.abc import Iterator

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.promises import Check
from ecny_tax.offline import certification, rows, voucher_rows
from ecny_tax.offline.bundles import EvidenceBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.chains import payer_chain, read_root
from ecny_tax.offline.checks import check_chain, present
from ecny_tax.offline.evidence import unloaded, verify_evidence
from ecny_tax.offline.model import LoadStatus, RegisteredLoad, VoucherStatus
from ecny_tax.offline.objects import RootCertificate, Seconds, moment
from ecny_tax.offline.voucher_rows import KeptVoucher
from ecny_tax.store import Transaction


def check_vouchers(tx: Transaction) -> Check:
    """Verify every signature from the root on, and that the records say what was signed; it only reads."""
    root = certification.known_root(tx)
    broken = next(_unproven(tx) if root is None else _broken(tx, read_root(root)), None)
    what, what_zh = (
        "every load and offline payment is what was signed, from the root on",
        "每笔装载与离线缴款均与签名一致，且可追溯至根证书",
    )
    return Check("I9", what, what_zh, broken is None, broken or "")


def _unproven(tx: Transaction) -> Iterator[str]:
    """Everything that would have been signed under the root, which there is not."""
    yield from rows.load_ids(tx)
    yield from (kept.voucher_id for kept in voucher_rows.kept_vouchers(tx))


def _broken(tx: Transaction, root: RootCertificate) -> Iterator[str]:
    revoked = {one.serial: one.since for one in rows.revocations(tx)}
    loads = rows.loads(tx)
    # A load of no device, or of no certificate, is none that can be read.
    yield from rows.load_ids(tx) - {load.load_id for load in loads}
    for load in loads:
        try:
            if not _load_is_signed(tx, load, root, revoked):
                yield load.load_id
        except VerificationError:
            yield load.load_id
    for kept in voucher_rows.kept_vouchers(tx):
        try:
            if not _voucher_is_signed(tx, kept, root, revoked):
                yield kept.voucher_id
        except VerificationError:
            yield kept.voucher_id


def _load_is_signed(
    tx: Transaction, load: RegisteredLoad, root: RootCertificate, revoked: dict[str, Seconds]
) -> bool:
    chain = payer_chain(root.public_key, load.operator_certificate, load.device_certificate, load.message)
    said = chain.load
    kept = (load.load_id, load.device_id, load.wallet_id, load.amount)
    signed = (said.load_id, said.device_id, chain.device.wallet_id, said.amount)
    counters = (load.first_counter, load.last_counter) == (said.first_counter, said.last_counter)
    times = (load.spend_by, load.redeem_by) == (moment(said.spend_by), moment(said.redeem_by))
    evidence = rows.load_evidence(tx, load.load_id)
    if evidence is not None:
        times &= verify_evidence(EvidenceBundle.from_bytes(evidence), root).load_id == load.load_id
        times &= {load.device_id, load.load_id} <= revoked.keys()
    return kept == signed and counters and times and _is_released_as_said(tx, load, root)


def _is_released_as_said(tx: Transaction, load: RegisteredLoad, root: RootCertificate) -> bool:
    """Whether what went back is what the device's statement and the refused vouchers come to."""
    unspent = 0
    statement = rows.unload_statement(tx, load.load_id)
    if statement is not None:
        chain, said = unloaded(UnloadBundle.from_bytes(statement), root.public_key)
        if chain.load.load_id != load.load_id:
            return False
        unspent = load.amount - said.spent
    if load.status is LoadStatus.RELEASED:
        return load.lien == 0
    return load.released == unspent + voucher_rows.released_by_vouchers(tx, load.load_id)


def _voucher_is_signed(
    tx: Transaction, kept: KeptVoucher, root: RootCertificate, revoked: dict[str, Seconds]
) -> bool:
    bundle = VoucherBundle.from_bytes(kept.bundle)
    presented = present(kept.bundle)
    chain = check_chain(presented, root.public_key)
    voucher, request = presented.voucher, presented.request
    said = (
        voucher.load_id,
        voucher.counter,
        bundle.digest,
        bundle.voucher_id,
        voucher.amount,
        request.bill_no,
    )
    if said != (kept.load_id, kept.counter, kept.digest, kept.voucher_id, kept.amount, kept.named_bill):
        return False
    load = rows.load(tx, kept.load_id)
    if load is None or load.message != bundle.load:
        return False
    if kept.status == VoucherStatus.SETTLED:
        paid = (bundle.voucher, voucher.amount, request.bill_no, load.wallet_id)
        return kept.payment == paid and kept.code is None
    if kept.status != VoucherStatus.DISPUTED:
        return kept.status == VoucherStatus.REJECTED and kept.code is not None and kept.evidence is None
    evidence = EvidenceBundle.from_bytes(kept.evidence or b"")
    proven = verify_evidence(evidence, root)
    since = [revoked.get(serial) for serial in (chain.device.device_id, chain.load.load_id)]
    in_time = all(one is not None and one <= kept.decided_at + 1 for one in since)
    return (evidence.second, proven.proves) == (kept.bundle, kept.code) and in_time
