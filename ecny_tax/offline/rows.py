"""The SQL of certificates, devices, loads and revocations; that of vouchers is in ``voucher_rows``."""

from __future__ import annotations

from ecny_tax.clock import from_micros, micros
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import EvidenceBundle
from ecny_tax.offline.model import (
    LoadStatus,
    RegisteredDevice,
    RegisteredLoad,
)
from ecny_tax.offline.objects import DeviceCertificate, Revocation, Seconds, moment
from ecny_tax.store.transaction import Row, Transaction

# --- certificates -------------------------------------------------------------------------------------------


def insert_certificate(
    tx: Transaction,
    *,
    serial: str,
    kind: str,
    subject: str,
    message: bytes,
    issuer: str | None,
    not_after: Seconds,
) -> None:
    tx.run(
        "INSERT INTO certificate (serial, kind, subject, message, issuer, not_after, issued_at)"
        " VALUES (:serial, :kind, :subject, :message, :issuer, :not_after, :now)",
        serial=serial,
        kind=kind,
        subject=subject,
        message=message,
        issuer=issuer,
        not_after=not_after,
        now=micros(tx.now),
    )


def newest_certificate(tx: Transaction, kind: str, subject: str) -> bytes | None:
    """The one that was issued last, whatever the clock said."""
    row = tx.row(
        "SELECT message FROM certificate WHERE kind = :kind AND subject = :subject"
        " ORDER BY place DESC LIMIT 1",
        kind=kind,
        subject=subject,
    )
    return row[0] if row else None


def count_certificates(tx: Transaction, kind: str, subject: str) -> int:
    row = tx.row(
        "SELECT count(*) FROM certificate WHERE kind = :kind AND subject = :subject",
        kind=kind,
        subject=subject,
    )
    return int(row[0]) if row else 0


def issuer_of(tx: Transaction, serial: str) -> bytes | None:
    """The certificate whose key signed this one."""
    row = tx.row(
        "SELECT i.message FROM certificate c JOIN certificate i ON i.serial = c.issuer"
        " WHERE c.serial = :serial",
        serial=serial,
    )
    return row[0] if row else None


# --- devices ------------------------------------------------------------------------------------------------


def put_device(tx: Transaction, *, device_id: str, wallet_id: str, certificate: str) -> None:
    tx.run(
        "INSERT INTO device (device_id, wallet_id, certificate, enrolled_at)"
        " VALUES (:device_id, :wallet_id, :certificate, :now)"
        " ON CONFLICT (device_id) DO UPDATE SET certificate = excluded.certificate",
        device_id=device_id,
        wallet_id=wallet_id,
        certificate=certificate,
        now=micros(tx.now),
    )


_DEVICE = (
    "SELECT c.message, w.operator, r.since, d.enrolled_at FROM device d"
    " JOIN certificate c ON c.serial = d.certificate JOIN wallet w ON w.wallet_id = d.wallet_id"
    " LEFT JOIN revocation r ON r.serial = d.device_id"
)


def device(tx: Transaction, device_id: str) -> RegisteredDevice | None:
    row = tx.row(f"{_DEVICE} WHERE d.device_id = :device_id", device_id=device_id)
    return _device(row) if row else None


def devices(tx: Transaction) -> list[RegisteredDevice]:
    return [_device(row) for row in tx.rows(f"{_DEVICE} ORDER BY d.place")]


def device_certificate(tx: Transaction, device_id: str) -> bytes:
    row = tx.row(
        "SELECT c.message FROM device d JOIN certificate c ON c.serial = d.certificate"
        " WHERE d.device_id = :device_id",
        device_id=device_id,
    )
    return row[0] if row else b""


def _device(row: Row) -> RegisteredDevice:
    message, operator, since, enrolled_at = row
    found = DeviceCertificate.read(message)
    return RegisteredDevice(
        device_id=found.device_id,
        wallet_id=found.wallet_id,
        operator=operator,
        cap_single=found.cap_single,
        cap_total=found.cap_total,
        cap_count=found.cap_count,
        valid_until=moment(found.not_after),
        revoked_since=None if since is None else moment(since),
        enrolled_at=from_micros(enrolled_at),
    )


# --- loads --------------------------------------------------------------------------------------------------


def insert_load(
    tx: Transaction,
    *,
    load_id: str,
    device_id: str,
    account_id: int,
    certificate: str,
    message: bytes,
    amount: int,
    counters: tuple[int, int],
    spend_by: int,
    redeem_by: int,
) -> None:
    tx.run(
        "INSERT INTO device_load (load_id, device_id, account_id, certificate, message, amount,"
        " first_counter, last_counter, spend_by, redeem_by, loaded_at) VALUES (:load_id, :device_id,"
        " :account_id, :certificate, :message, :amount, :first, :last, :spend_by, :redeem_by, :now)",
        load_id=load_id,
        device_id=device_id,
        account_id=account_id,
        certificate=certificate,
        message=message,
        amount=amount,
        first=counters[0],
        last=counters[1],
        spend_by=spend_by,
        redeem_by=redeem_by,
        now=micros(tx.now),
    )


_LOAD = (
    "SELECT l.load_id, l.device_id, d.wallet_id, l.amount, a.credits - a.debits,"
    " (SELECT coalesce(sum(v.amount), 0) FROM voucher v WHERE v.load_id = l.load_id"
    " AND v.status = 'settled'),"
    " l.first_counter, l.last_counter, l.spend_by, l.redeem_by, l.unload IS NOT NULL, l.released_at,"
    " l.loaded_at, l.account_id, l.message, c.message, i.message FROM device_load l"
    " JOIN device d ON d.device_id = l.device_id JOIN account a ON a.id = l.account_id"
    " JOIN certificate c ON c.serial = l.certificate JOIN certificate i ON i.serial = c.issuer"
)


def load(tx: Transaction, load_id: str) -> RegisteredLoad | None:
    row = tx.row(f"{_LOAD} WHERE l.load_id = :load_id", load_id=load_id)
    return _load(row) if row else None


def loads_of(tx: Transaction, device_id: str) -> list[RegisteredLoad]:
    """The loads of a device, oldest first."""
    return [
        _load(row)
        for row in tx.rows(f"{_LOAD} WHERE l.device_id = :id ORDER BY l.last_counter", id=device_id)
    ]


def loads(tx: Transaction) -> list[RegisteredLoad]:
    """Every load, oldest first."""
    return [_load(row) for row in tx.rows(f"{_LOAD} ORDER BY l.account_id")]


def load_ids(tx: Transaction) -> set[str]:
    """The number of every load, whatever else is known of it."""
    return {row[0] for row in tx.rows("SELECT load_id FROM device_load")}


def last_counter(tx: Transaction, device_id: str) -> int:
    row = tx.row("SELECT coalesce(max(last_counter), 0) FROM device_load WHERE device_id = :id", id=device_id)
    return int(row[0]) if row else 0


def set_unloaded(tx: Transaction, load_id: str, statement: bytes) -> None:
    tx.run("UPDATE device_load SET unload = :statement WHERE load_id = :id", id=load_id, statement=statement)


def set_contradicted(tx: Transaction, load_id: str, evidence: EvidenceBundle) -> None:
    """Keep the proof that a device's unload statement contradicts a voucher of the load."""
    tx.run(
        "UPDATE device_load SET evidence = :evidence WHERE load_id = :id",
        id=load_id,
        evidence=evidence.to_bytes(),
    )


def unload_statement(tx: Transaction, load_id: str) -> bytes | None:
    """The unload statement of a load, with its chain."""
    row = tx.row("SELECT unload FROM device_load WHERE load_id = :id", id=load_id)
    return row[0] if row else None


def load_evidence(tx: Transaction, load_id: str) -> bytes | None:
    """The proof that a load's unload statement contradicts a voucher."""
    row = tx.row("SELECT evidence FROM device_load WHERE load_id = :id", id=load_id)
    return row[0] if row else None


def set_released(tx: Transaction, load_id: str) -> None:
    tx.run("UPDATE device_load SET released_at = :now WHERE load_id = :id", id=load_id, now=micros(tx.now))


def _load(row: Row) -> RegisteredLoad:
    load_id, device_id, wallet_id, amount, lien, settled, first, last, *rest = row
    spend_by, redeem_by, unloaded, released_at, loaded_at, account_id, message, device_, operator = rest
    status = LoadStatus.UNLOADED if unloaded else LoadStatus.OPEN
    return RegisteredLoad(
        load_id=load_id,
        device_id=device_id,
        wallet_id=wallet_id,
        amount=amount,
        lien=Fen(lien),
        settled=Fen(settled),
        released=Fen(amount - lien - settled),
        first_counter=first,
        last_counter=last,
        spend_by=moment(spend_by),
        redeem_by=moment(redeem_by),
        status=LoadStatus.RELEASED if released_at is not None else status,
        loaded_at=from_micros(loaded_at),
        account_id=account_id,
        message=message,
        device_certificate=device_,
        operator_certificate=operator,
    )


# --- revocations --------------------------------------------------------------------------------------------


def revoke(tx: Transaction, serial: str, reason: str, since: Seconds) -> None:
    """Revoke for good; what was revoked before stays revoked since then."""
    tx.run(
        "INSERT INTO revocation (serial, since, reason) VALUES (:serial, :since, :reason)"
        " ON CONFLICT (serial) DO NOTHING",
        serial=serial,
        since=since,
        reason=reason,
    )


def revocations(tx: Transaction) -> tuple[Revocation, ...]:
    """Everything that was revoked, oldest first."""
    return _revocations(tx, "")


def revocations_in_force(tx: Transaction, now: Seconds) -> tuple[Revocation, ...]:
    """What was revoked and could else still be taken: not what has expired anyway."""
    expired = (
        "SELECT load_id FROM device_load WHERE redeem_by < :now"
        " UNION ALL SELECT serial FROM certificate WHERE not_after < :now"
        " UNION ALL SELECT subject FROM certificate WHERE kind IN ('device', 'terminal')"
        " GROUP BY subject HAVING max(not_after) < :now"
    )
    return _revocations(tx, f"WHERE serial NOT IN ({expired})", now=now)


def _revocations(tx: Transaction, where: str, **values: int) -> tuple[Revocation, ...]:
    found = tx.rows(f"SELECT serial, since FROM revocation {where} ORDER BY number", **values)
    return tuple(Revocation(serial, Seconds(since)) for serial, since in found)


def device_of_certificate(tx: Transaction, serial: str) -> str | None:
    """The device that a certificate is about."""
    row = tx.row("SELECT subject FROM certificate WHERE serial = :serial AND kind = 'device'", serial=serial)
    return row[0] if row else None


def can_be_revoked(tx: Transaction, serial: str) -> bool:
    """Whether it names a certificate, a device, a terminal or a load."""
    row = tx.row(
        "SELECT 1 FROM certificate WHERE (serial = :serial OR (subject = :serial AND kind IN ('device',"
        " 'terminal'))) AND kind <> 'root' UNION ALL SELECT 1 FROM device_load WHERE load_id = :serial",
        serial=serial,
    )
    return row is not None


def is_revoked(tx: Transaction, serial: str) -> bool:
    return tx.row("SELECT 1 FROM revocation WHERE serial = :serial", serial=serial) is not None
