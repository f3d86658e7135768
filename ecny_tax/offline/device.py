"""A device (硬钱包): a file, sealed with a passphrase, that stands for secure hardware; or memory.

It pays without network.  A counter is burnt on disk before a voucher is signed with it, and the voucher's
content with it: after a crash the same request gets the same voucher, byte for byte, and no counter is ever
signed twice.  Real hardware keeps its owner from copying it; a file does not, and what then happens is what
``redemption`` catches.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ecny_tax.clock import rfc3339
from ecny_tax.crypto import sign1
from ecny_tax.crypto.sealing import passphrase_key, seal, unseal
from ecny_tax.crypto.signatures import SigningKey, decode, encode
from ecny_tax.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RejectedError,
    UnavailableError,
    VerificationError,
)
from ecny_tax.identifiers import is_text
from ecny_tax.money import Fen, yuan_text
from ecny_tax.offline.bundles import RequestBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.chains import payee_chain, payer_chain, read_root
from ecny_tax.offline.checks import check_in_force
from ecny_tax.offline.objects import (
    DeviceCertificate,
    LoadCertificate,
    PaymentRequest,
    Seconds,
    UnloadStatement,
    Voucher,
    bill_digest,
    digest,
    moment,
    seconds,
)
from ecny_tax.offline.state_file import StateFile

#: What a device is sealed with where no passphrase is given: good for a demonstration, and for nothing else.
DEMO_PASSPHRASE = "demo"  # noqa: S105 - everybody may know it
MAX_PASSPHRASE = 1024

#: By how many seconds the clocks of a terminal and a device may differ, as by the package's rules.
CLOCK_SKEW = 300

APPLICATION_ID = 0x65434431  # "eCD1"
_SCHEMA = """
    CREATE TABLE sealed (name TEXT PRIMARY KEY, box BLOB NOT NULL) STRICT;
    CREATE TABLE salt (salt BLOB NOT NULL) STRICT
"""
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Load:
    """A load (装载) as the device keeps it, amounts in fen.

    ``last`` is the digest of its newest voucher.  ``closed`` says that it was given back.
    """

    certificate: LoadCertificate
    next_counter: int
    spent: Fen
    last: bytes
    closed: bool
    operator: bytes
    device: bytes
    load: bytes

    @property
    def remaining(self) -> Fen:
        """What can still be paid out of it."""
        return Fen(0 if self.closed else self.certificate.amount - self.spent)


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What a device shows of itself; ``certificate`` is ``None`` until it is enrolled."""

    certificate: DeviceCertificate | None
    loads: tuple[Load, ...]


class Device:
    """A device.  Amounts are in fen; every method is one durable step, done or not done."""

    def __init__(self, file: StateFile, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._file = file
        self._key = key
        self._random_bytes = random_bytes

    @classmethod
    def create(
        cls,
        path: str | Path | None = None,
        *,
        passphrase: str = DEMO_PASSPHRASE,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Device:
        """A new device with a key of its own, to be enrolled; in memory where ``path`` is ``None``.

        Raises ``ConflictError`` (``state_file_exists``) and ``UnavailableError``.
        """
        salt = random_bytes(_SALT_BYTES)
        key = random_bytes(32) if path is None else passphrase_key(_checked(passphrase), salt=salt)

        def fill(tx: sqlite3.Connection) -> None:
            tx.execute("INSERT INTO salt VALUES (?)", (salt,))
            _Boxes(tx, key, random_bytes).put("seed", random_bytes(32))

        file = StateFile.create(path, application_id=APPLICATION_ID, schema=_SCHEMA, fill=fill)
        return cls(file, key, random_bytes)

    @classmethod
    def open(cls, path: str | Path, *, passphrase: str = DEMO_PASSPHRASE) -> Device:
        """Open a device; raises ``VerificationError`` (``passphrase_wrong``), ``NotFoundError``
        (``state_file_not_found``), ``InvalidInputError`` (``state_file_foreign``), ``UnavailableError``."""
        file = StateFile.open(path, application_id=APPLICATION_ID)
        with file.transaction() as tx:
            row = tx.execute("SELECT salt FROM salt").fetchone()
        if row is None:
            raise UnavailableError("state_file_damaged", path=path)
        device = cls(file, passphrase_key(_checked(passphrase), salt=row[0]), secrets.token_bytes)
        with device._transaction() as boxes:
            boxes.get("seed")
        return device

    def copied(self, path: str | Path | None = None) -> Device:
        """What whoever broke the hardware would have: a second device that is this one, in memory or as a
        file with the same passphrase.

        Raises ``ConflictError`` (``state_file_exists``) and ``UnavailableError``.
        """
        copy = self._file.copied(None if path is None else Path(path))
        return Device(copy, self._key, self._random_bytes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key that the operator certifies."""
        with self._transaction() as boxes:
            return boxes.signing_key().public_bytes

    @property
    def state(self) -> DeviceState:
        """What it holds; the secret key is not shown."""
        with self._transaction() as boxes:
            certificate = boxes.find("device")
            found = None if certificate is None else DeviceCertificate.read(certificate)
            return DeviceState(found, tuple(boxes.loads()))

    def install(self, *, root: bytes, operator: bytes, device: bytes) -> DeviceCertificate:
        """Take the certificate that enrolls this device; a renewed one takes the place of the first.

        Raises ``ConflictError`` (``device_certified_otherwise``) for another key's or another device's.
        """
        found = DeviceCertificate.read(device)
        with self._transaction() as boxes:
            known = boxes.find("device")
            if found.public_key != boxes.signing_key().public_bytes or (
                known is not None and DeviceCertificate.read(known).device_id != found.device_id
            ):
                raise ConflictError("device_certified_otherwise", device_id=found.device_id)
            for name, certificate in (("root", root), ("operator", operator), ("device", device)):
                boxes.put(name, certificate)
        return found

    def put_load(self, load: bytes) -> Load:
        """Take a load certificate; the same one again changes nothing.

        Raises ``VerificationError`` where it is not the operator's for this device.
        """
        with self._transaction() as boxes:
            root, operator, device = (boxes.get(name) for name in ("root", "operator", "device"))
            chain = payer_chain(read_root(root).public_key, operator, device, load)
            known = boxes.load(chain.load.load_id)
            if known is None:
                known = Load(
                    certificate=chain.load,
                    next_counter=chain.load.first_counter,
                    spent=Fen(0),
                    last=digest(load),
                    closed=False,
                    operator=operator,
                    device=device,
                    load=load,
                )
                boxes.put_load(known)
            return known

    def pay(self, request: RequestBundle, *, at: datetime) -> VoucherBundle:
        """Pay a request out of the first load that covers it; the same request gets the same voucher.

        ``at`` is the device's time.  Raises ``VerificationError`` for a request that does not verify from
        the root, or where its own certificate is not in force by then (``certificate_not_in_force``), and
        ``RejectedError``: ``device_not_enrolled``, ``device_not_loaded``, ``request_expired``,
        ``request_from_the_future``, ``device_cap_exceeded``, ``load_exhausted``, ``load_expired``.  A refusal
        burns no counter.
        """
        now = seconds(at)
        with self._transaction() as boxes:
            wanted = _verified(boxes, request)
            paid = boxes.find(f"request {digest(request.request).hex()}")
            if paid is None:
                _check_request(wanted, now)
                load = _load_for(boxes, wanted.amount, now)
                _check_certificate(load, wanted, now)
                voucher = Voucher(
                    load_id=load.certificate.load_id,
                    counter=load.next_counter,
                    amount=wanted.amount,
                    spent=Fen(load.spent + wanted.amount),
                    payee=wanted.terminal_id,
                    request=request.request,
                    previous=load.last,
                    paid_at=now,
                )
                paid = voucher.payload()
                last = hashlib.sha256(paid).digest()
                boxes.put_load(
                    replace(load, next_counter=load.next_counter + 1, spent=voucher.spent, last=last)
                )
                boxes.put(_name_of(request), paid)
            load, key = boxes.load_of(Voucher.parse(paid).load_id), boxes.signing_key()
        # The counter is burnt and on disk; only now is it signed.
        signed = sign1.sign(paid, key, Voucher.domain())
        return VoucherBundle(load.operator, load.device, load.load, signed)

    def unload(self, load_id: str | None = None, *, at: datetime) -> UnloadBundle:
        """Give a load back: nothing more is paid out of it, and the statement says what was.

        Without ``load_id`` it is the only load still open.  The same load again gives the same statement.
        Raises ``NotFoundError`` (``load_not_on_device``) and ``RejectedError`` (``device_not_loaded``,
        ``load_must_be_named``).
        """
        with self._transaction() as boxes:
            load = boxes.load_of(load_id) if load_id is not None else _only(boxes.loads())
            name = f"unload {load.certificate.load_id}"
            said = boxes.find(name)
            if said is None:
                statement = UnloadStatement(
                    load_id=load.certificate.load_id,
                    device_id=load.certificate.device_id,
                    spent=load.spent,
                    next_counter=load.next_counter,
                    last=load.last,
                    at=seconds(at),
                )
                said = statement.payload()
                boxes.put_load(replace(load, closed=True))
                boxes.put(name, said)
            key = boxes.signing_key()
        signed = sign1.sign(said, key, UnloadStatement.domain())
        return UnloadBundle(load.operator, load.device, load.load, signed)

    @contextmanager
    def _transaction(self) -> Iterator[_Boxes]:
        with self._file.transaction() as tx:
            yield _Boxes(tx, self._key, self._random_bytes)


class _Boxes:
    """What a device keeps, each thing sealed under its name."""

    def __init__(self, tx: sqlite3.Connection, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._tx, self._key, self._random_bytes = tx, key, random_bytes

    def put(self, name: str, content: bytes) -> None:
        box = seal(content, key=self._key, label=name.encode(), random_bytes=self._random_bytes)
        self._tx.execute(  # in its place: the order of the loads is that in which they came
            "INSERT INTO sealed VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET box = excluded.box",
            (name, box),
        )

    def find(self, name: str) -> bytes | None:
        row = self._tx.execute("SELECT box FROM sealed WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        try:
            return unseal(row[0], key=self._key, label=name.encode())
        except VerificationError:
            raise VerificationError("passphrase_wrong") from None

    def get(self, name: str) -> bytes:
        """What an enrolled device has."""
        found = self.find(name)
        if found is None:
            raise RejectedError("device_not_enrolled")
        return found

    def signing_key(self) -> SigningKey:
        return SigningKey("device", self.get("seed"))

    def loads(self) -> list[Load]:
        names = self._tx.execute("SELECT name FROM sealed WHERE name LIKE 'load %' ORDER BY rowid").fetchall()
        return [_load(self.get(name)) for (name,) in names]

    def load(self, load_id: str) -> Load | None:
        found = self.find(f"load {load_id}")
        return None if found is None else _load(found)

    def load_of(self, load_id: str) -> Load:
        found = self.load(load_id) if is_text(load_id) else None
        if found is None:
            raise NotFoundError("load_not_on_device", load_id=load_id)
        return found

    def put_load(self, load: Load) -> None:
        kept = [load.next_counter, load.spent, load.last, int(load.closed)]
        certificates = [load.operator, load.device, load.load]
        self.put(f"load {load.certificate.load_id}", encode([*kept, *certificates]))


def _load(content: bytes) -> Load:
    kept: Any = decode(content)  # as put_load wrote it: nobody else has the key of the box
    next_counter, spent, last, closed, operator, device, load = kept
    certificate = LoadCertificate.read(load)
    return Load(certificate, next_counter, Fen(spent), last, bool(closed), operator, device, load)


def _name_of(request: RequestBundle) -> str:
    return f"request {digest(request.request).hex()}"


def _verified(boxes: _Boxes, bundle: RequestBundle) -> PaymentRequest:
    """A request that a terminal signed whose chain leads to the root."""
    root = read_root(boxes.get("root"))
    chain = payee_chain(root.public_key, bundle.authority, bundle.terminal)
    wanted = PaymentRequest.read(bundle.request)
    terminal = chain.terminal
    signer = f"terminal:{terminal.terminal_id}"
    sign1.verify(bundle.request, terminal.public_key, PaymentRequest.domain(), signer=signer)
    if (wanted.terminal_id, wanted.authority) != (
        terminal.terminal_id,
        terminal.authority,
    ) or wanted.bill_digest != bill_digest(wanted.authority, wanted.bill_no, wanted.amount):
        raise VerificationError("request_of_other_terminal", terminal=wanted.terminal_id)
    for certificate in (chain.authority, chain.terminal):
        check_in_force(certificate, at=wanted.issued_at, skew=0)
    return wanted


def _check_request(wanted: PaymentRequest, at: Seconds) -> None:
    if wanted.issued_at > at + CLOCK_SKEW:  # by this clock it could not be redeemed
        raise RejectedError("request_from_the_future", at=rfc3339(moment(wanted.issued_at)))
    if at > wanted.expires_at:
        raise RejectedError("request_expired", until=rfc3339(moment(wanted.expires_at)))


def _check_certificate(load: Load, wanted: PaymentRequest, at: Seconds) -> None:
    """As a terminal checks it: what a clock that is far behind signs, nobody could redeem."""
    certificate = DeviceCertificate.read(load.device)
    paid = max(wanted.issued_at, min(at, certificate.not_before))
    check_in_force(certificate, at=Seconds(paid), skew=CLOCK_SKEW)


def _load_for(boxes: _Boxes, amount: Fen, at: Seconds) -> Load:
    """The first load that can pay it, or why there is none."""
    caps = DeviceCertificate.read(boxes.get("device"))
    if amount > caps.cap_single:
        raise RejectedError("device_cap_exceeded", amount=yuan_text(amount), cap=yuan_text(caps.cap_single))
    loads = [load for load in boxes.loads() if not load.closed]
    if not loads:
        raise RejectedError("device_not_loaded")
    spendable = [load for load in loads if at <= load.certificate.spend_by]
    if not spendable:
        raise RejectedError("load_expired", until=rfc3339(moment(loads[-1].certificate.spend_by)))
    for load in spendable:
        if load.remaining >= amount and load.next_counter <= load.certificate.last_counter:
            return load
    most = max(load.remaining for load in spendable)
    raise RejectedError("load_exhausted", amount=yuan_text(amount), remaining=yuan_text(most))


def _only(loads: list[Load]) -> Load:
    """The only open load; where none is, the only one at all, whose statement may not have arrived."""
    found = [load for load in loads if not load.closed] or loads
    if not found:
        raise RejectedError("device_not_loaded")
    if len(found) > 1:
        known = " ".join(load.certificate.load_id for load in found)
        raise RejectedError("load_must_be_named", known=known)
    return found[0]


def _checked(passphrase: str) -> str:
    if not 0 < len(passphrase) <= MAX_PASSPHRASE or not is_text(passphrase):
        raise InvalidInputError("passphrase_malformed", limit=MAX_PASSPHRASE)
    return passphrase
