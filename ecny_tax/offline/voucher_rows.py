"""The SQL of vouchers: what was decided about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ecny_tax.clock import from_micros, micros
from ecny_tax.offline.bundles import EvidenceBundle, ReceiptBundle, VoucherBundle
from ecny_tax.offline.model import Redemption, VoucherStatus
from ecny_tax.offline.objects import Seconds, seconds
from ecny_tax.store.transaction import Row, Transaction


def insert_voucher(
    tx: Transaction,
    bundle: VoucherBundle,
    redemption: Redemption,
    *,
    load_id: str,
    counter: int,
    accepted_at: datetime | None,
) -> None:
    tx.run(
        "INSERT INTO voucher (voucher_id, load_id, counter, digest, bundle, amount, named_bill, status, code,"
        " payment_no, released, evidence, accepted_at, decided_at) VALUES (:voucher_id, :load_id, :counter,"
        " :digest, :bundle, :amount, :bill_no, :status, :code, :payment_no, :released, :evidence,"
        " :accepted_at, :now)",
        voucher_id=redemption.voucher_id,
        load_id=load_id,
        counter=counter,
        digest=bundle.digest,
        bundle=bundle.to_bytes(),
        amount=redemption.amount,
        bill_no=redemption.bill_no,
        status=redemption.status,
        code=redemption.code,
        payment_no=redemption.payment_no,
        released=redemption.amount if redemption.released else 0,
        evidence=None if redemption.evidence is None else redemption.evidence.to_bytes(),
        accepted_at=None if accepted_at is None else micros(accepted_at),
        now=micros(tx.now),
    )


def decided(tx: Transaction, load_id: str, counter: int) -> list[tuple[VoucherBundle, Redemption]]:
    """Every voucher of that counter that was decided, in the order of decision."""
    found = tx.rows(
        "SELECT bundle, voucher_id, status, code, amount, named_bill, payment_no, released, evidence"
        " FROM voucher WHERE load_id = :load_id AND counter = :counter ORDER BY place",
        load_id=load_id,
        counter=counter,
    )
    return [(VoucherBundle.from_bytes(row[0]), _redemption(row[1:])) for row in found]


def beside(tx: Transaction, load_id: str, counter: int) -> list[VoucherBundle]:
    """The decided vouchers of a load that no dispute is about, nearest below and above a counter."""
    found = tx.rows(
        "SELECT bundle FROM voucher WHERE load_id = :load_id AND status <> 'disputed' AND counter IN ("
        " (SELECT max(counter) FROM voucher WHERE load_id = :load_id AND status <> 'disputed'"
        " AND counter < :counter),"
        " (SELECT min(counter) FROM voucher WHERE load_id = :load_id AND status <> 'disputed'"
        " AND counter > :counter)) ORDER BY counter",
        load_id=load_id,
        counter=counter,
    )
    return [VoucherBundle.from_bytes(row[0]) for row in found]


def note_waiting(
    tx: Transaction, bundle: VoucherBundle, receipt: ReceiptBundle | None, *, load_id: str
) -> None:
    """Note that a voucher was presented; again, only a receipt that was not there before."""
    tx.run(
        "INSERT INTO voucher_waiting (load_id, digest, bundle, receipt, presented_at)"
        " VALUES (:load_id, :digest, :bundle, :receipt, :now) ON CONFLICT (load_id, digest)"
        " DO UPDATE SET receipt = coalesce(voucher_waiting.receipt, excluded.receipt)",
        load_id=load_id,
        digest=bundle.digest,
        bundle=bundle.to_bytes(),
        receipt=None if receipt is None else receipt.to_bytes(),
        now=micros(tx.now),
    )


def first_presented(tx: Transaction, load_id: str, digest: bytes) -> datetime | None:
    """When a voucher was presented that could not be decided then."""
    row = tx.row(
        "SELECT presented_at FROM voucher_waiting WHERE load_id = :load_id AND digest = :digest",
        load_id=load_id,
        digest=digest,
    )
    return from_micros(row[0]) if row else None


def waiting(tx: Transaction, load_id: str) -> list[tuple[VoucherBundle, ReceiptBundle | None]]:
    """The vouchers of a load that were presented and are not decided yet, in that order."""
    found = tx.rows(
        "SELECT w.bundle, w.receipt FROM voucher_waiting w LEFT JOIN voucher v"
        " ON v.load_id = w.load_id AND v.digest = w.digest"
        " WHERE w.load_id = :load_id AND v.place IS NULL ORDER BY w.place",
        load_id=load_id,
    )
    return [
        (VoucherBundle.from_bytes(bundle), None if receipt is None else ReceiptBundle.from_bytes(receipt))
        for bundle, receipt in found
    ]


_REDEMPTION = (
    "SELECT voucher_id, status, code, amount, named_bill, payment_no, released, evidence FROM voucher"
)


def vouchers(tx: Transaction) -> list[Redemption]:
    """What was decided about every voucher, in the order of decision."""
    return [_redemption(row) for row in tx.rows(f"{_REDEMPTION} ORDER BY place")]


def voucher(tx: Transaction, voucher_id: str) -> Redemption | None:
    """What was decided about one voucher."""
    row = tx.row(f"{_REDEMPTION} WHERE voucher_id = :voucher_id", voucher_id=voucher_id)
    return _redemption(row) if row else None


@dataclass(frozen=True, slots=True)
class KeptVoucher:
    """What is kept of a decided voucher; ``payment`` is its (authorisation, amount, bill, wallet)."""

    voucher_id: str
    load_id: str
    counter: int
    digest: bytes
    bundle: bytes
    amount: int
    named_bill: str
    status: str
    code: str | None
    evidence: bytes | None
    decided_at: Seconds
    payment: tuple[bytes, int, str, str] | None


def kept_vouchers(tx: Transaction) -> Iterator[KeptVoucher]:
    """Every decided voucher as it is kept, in the order of decision, in flat memory."""
    for row in tx.stream(
        "SELECT v.voucher_id, v.load_id, v.counter, v.digest, v.bundle, v.amount, v.named_bill, v.status,"
        " v.code, v.evidence, v.decided_at, p.payment_no IS NOT NULL, p.authorisation, p.amount, p.bill_no,"
        " p.wallet_id FROM voucher v LEFT JOIN payment p ON p.payment_no = v.payment_no ORDER BY v.place"
    ):
        voucher_id, load_id, counter, digest, bundle, amount, bill_no, status, *rest = row
        code, evidence, decided_at, is_paid, authorisation, paid, paid_bill, wallet_id = rest
        yield KeptVoucher(
            voucher_id=voucher_id,
            load_id=load_id,
            counter=counter,
            digest=digest,
            bundle=bundle,
            amount=amount,
            named_bill=bill_no,
            status=status,
            code=code,
            evidence=evidence,
            decided_at=seconds(from_micros(decided_at)),
            payment=(authorisation, paid, paid_bill, wallet_id) if is_paid else None,
        )


def _redemption(row: Row) -> Redemption:
    voucher_id, status, code, amount, named_bill, payment_no, released, evidence = row
    return Redemption(
        voucher_id=voucher_id,
        status=VoucherStatus(status),
        code=code,
        amount=amount,
        bill_no=named_bill,
        payment_no=payment_no,
        released=bool(released),
        evidence=None if evidence is None else EvidenceBundle.from_bytes(evidence),
    )


def released_by_vouchers(tx: Transaction, load_id: str) -> int:
    """What went back because vouchers of the load were refused."""
    row = tx.row("SELECT coalesce(sum(released), 0) FROM voucher WHERE load_id = :id", id=load_id)
    return int(row[0]) if row else 0
