"""The signed objects of offline payment (离线支付): what each holds, and its one form in bytes.

Every object is a COSE_Sign1 message (see ``crypto.sign1``) around a CBOR array: its kind, the version of its
form, then its fields in the order in which the class lists them.  Amounts are whole fen, times whole seconds
since 1970, digests SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, NewType, Self

from ecny_tax.clock import from_micros, micros
from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import SigningKey, decode_any, encode
from ecny_tax.errors import VerificationError
from ecny_tax.money import MAX_AMOUNT, Fen

VERSION = 1

#: The largest counter; a device that paid once a second would need sixty years.
MAX_COUNTER = 2**31 - 1
MAX_NUMBER = 64
MAX_REVOCATIONS = 1_800
DIGEST_BYTES = KEY_BYTES = 32
NONCE_BYTES = 16

#: A time: whole seconds since 1970, UTC.
Seconds = NewType("Seconds", int)
_EARLIEST, _LATEST = 315_532_800, 7_258_118_400  # 1980 to 2200


@dataclass(frozen=True, slots=True)
class SignedObject:
    """What all of them share: a ``kind``, a name for people, and the way to and from bytes."""

    kind: ClassVar[int]
    name: ClassVar[str]

    @classmethod
    def domain(cls) -> str:
        """What is signed beside the object, so that a signature for another kind does not fit."""
        return f"ecny-tax/{cls.name}/{VERSION}"

    def signed(self, key: SigningKey) -> bytes:
        """The object in bytes, signed."""
        return sign1.sign(self.payload(), key, self.domain())

    def payload(self) -> bytes:
        """What is signed: deterministic CBOR."""
        values = [_written(getattr(self, field.name)) for field in fields(self)]
        return encode([self.kind, VERSION, *values])

    @classmethod
    def read(cls, message: bytes) -> Self:
        """The object in a message, its signature unchecked.

        Raises ``VerificationError``: ``object_malformed``, ``algorithm_unknown``, ``object_kind_wrong``,
        ``object_version_unknown``, ``object_value_out_of_range``.
        """
        return cls.parse(sign1.payload_of(message))

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """The object that a payload says; raises what :meth:`read` raises."""
        readers = _READERS.get(cls) or _readers(cls)
        values = parts(payload, cls.kind, cls.name, len(readers))
        return cls(*[read(value) for read, value in zip(readers, values)])  # noqa: B905 - parts counts them


@dataclass(frozen=True, slots=True)
class RootCertificate(SignedObject):
    """The root of all trust (根证书): the central bank's key, signed by itself."""

    kind, name = 1, "root certificate"

    serial: str
    public_key: bytes
    not_before: Seconds
    not_after: Seconds


@dataclass(frozen=True, slots=True)
class OperatorCertificate(SignedObject):
    """The key by which an operator (运营机构) certifies devices and loads; signed by the root."""

    kind, name = 2, "operator certificate"

    serial: str
    operator: str
    public_key: bytes
    not_before: Seconds
    not_after: Seconds


@dataclass(frozen=True, slots=True)
class AuthorityCertificate(SignedObject):
    """The key by which a tax authority (税务机关) certifies its terminals; signed by the root."""

    kind, name = 3, "authority certificate"

    serial: str
    authority: str
    public_key: bytes
    not_before: Seconds
    not_after: Seconds


@dataclass(frozen=True, slots=True)
class DeviceCertificate(SignedObject):
    """A device (硬钱包, WT03), bound to a wallet, with its caps; signed by the wallet's operator.

    ``cap_single`` is the most of one voucher, ``cap_total`` the most that it may hold, in fen; ``cap_count``
    the most vouchers of one load.
    """

    kind, name = 4, "device certificate"

    serial: str
    device_id: str
    wallet_id: str
    public_key: bytes
    cap_single: Fen
    cap_total: Fen
    cap_count: int
    not_before: Seconds
    not_after: Seconds


@dataclass(frozen=True, slots=True)
class TerminalCertificate(SignedObject):
    """A payee's terminal (收款终端) in a tax hall; signed by its tax authority."""

    kind, name = 5, "terminal certificate"

    serial: str
    terminal_id: str
    authority: str
    public_key: bytes
    not_before: Seconds
    not_after: Seconds


@dataclass(frozen=True, slots=True)
class LoadCertificate(SignedObject):
    """A load (装载): what the operator has set aside (圈存) for a device; signed by the operator.

    Vouchers of it bear a counter from ``first_counter`` to ``last_counter``, are signed until ``spend_by``
    and redeemed until ``redeem_by``.
    """

    kind, name = 6, "load certificate"

    load_id: str
    device_id: str
    amount: Fen
    first_counter: int
    last_counter: int
    spend_by: Seconds
    redeem_by: Seconds


@dataclass(frozen=True, slots=True)
class Revocation:
    """A certificate, device, terminal or load that no longer counts, and since when."""

    serial: str
    since: Seconds


@dataclass(frozen=True, slots=True)
class RevocationList(SignedObject):
    """The numbered list of what was revoked (吊销列表), to be renewed by ``renew_by``; signed by the root."""

    kind, name = 7, "revocation list"

    number: int
    issued_at: Seconds
    renew_by: Seconds
    revocations: tuple[Revocation, ...]


@dataclass(frozen=True, slots=True)
class PaymentRequest(SignedObject):
    """What a terminal asks for (收款请求): the amount of a bill, until it expires; signed by the terminal."""

    kind, name = 8, "request"

    terminal_id: str
    authority: str
    bill_no: str
    bill_digest: bytes
    amount: Fen
    nonce: bytes
    issued_at: Seconds
    expires_at: Seconds


@dataclass(frozen=True, slots=True)
class Voucher(SignedObject):
    """A voucher (离线凭证): the payment of a request out of a load; signed by the device.

    ``spent`` is what the load has paid, this voucher included.  ``previous`` is the digest of the voucher
    before it, or of the load certificate.  ``request`` is the signed request in bytes.
    """

    kind, name = 9, "voucher"

    load_id: str
    counter: int
    amount: Fen
    spent: Fen
    payee: str
    request: bytes
    previous: bytes
    paid_at: Seconds


@dataclass(frozen=True, slots=True)
class ProvisionalReceipt(SignedObject):
    """What a terminal gives for a voucher: accepted, to be redeemed, not paid yet; signed by the terminal."""

    kind, name = 10, "provisional receipt"

    terminal_id: str
    voucher_digest: bytes
    bill_no: str
    amount: Fen
    accepted_at: Seconds


@dataclass(frozen=True, slots=True)
class UnloadStatement(SignedObject):
    """What a device says when it gives a load back: what it spent, and that it spends no more of it."""

    kind, name = 11, "unload statement"

    load_id: str
    device_id: str
    spent: Fen
    next_counter: int
    last: bytes
    at: Seconds


KINDS: tuple[type[SignedObject], ...] = (
    RootCertificate, OperatorCertificate, AuthorityCertificate, DeviceCertificate, TerminalCertificate,
    LoadCertificate, RevocationList, PaymentRequest, Voucher, ProvisionalReceipt, UnloadStatement,
)  # fmt: skip


def digest(message: bytes) -> bytes:
    """SHA-256 of what a signed object says, by which others refer to it, whatever its signature."""
    return hashlib.sha256(sign1.payload_of(message)).digest()


def bill_digest(authority: str, bill_no: str, amount: Fen) -> bytes:
    """What a request says of its bill, in one value: the digest of authority, number and amount."""
    return hashlib.sha256(encode([authority, bill_no, amount])).digest()


def seconds(moment: datetime) -> Seconds:
    """A time as objects say it."""
    return Seconds(micros(moment) // 1_000_000)


def moment(at: Seconds) -> datetime:
    """A time that an object says, in Beijing."""
    return from_micros(at * 1_000_000)


def parts(data: bytes, kind: int, name: str, count: int) -> list[Any]:
    """What follows kind and version in an array of ``count`` values more; what :meth:`read` raises."""
    values = array(data, name)
    if type(values[0]) is not int or values[0] != kind:
        raise VerificationError("object_kind_wrong", expected=name)
    if type(values[1]) is not int or values[1] != VERSION:
        raise VerificationError("object_version_unknown", known=VERSION)
    if len(values) != count + 2:
        raise malformed(name, f"it has not {count} fields")
    return values[2:]


def array(data: bytes, name: str) -> list[Any]:
    """An array that may begin with kind and version; raises ``VerificationError`` (``object_malformed``)."""
    try:
        values = decode_any(data)  # the readers of the fields judge every value
    except VerificationError as error:
        raise malformed(name, str(error.values.get("reason", ""))) from None
    if not isinstance(values, list) or len(values) < 2:
        raise malformed(name, "it is no array")
    return values


def malformed(name: str, reason: str) -> VerificationError:
    return VerificationError("object_malformed", reason=f"{name}: {reason}")


# --- the values of fields -----------------------------------------------------------------------------------


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return [[one.serial, one.since] for one in value]
    return value


def _number(field: str, least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is int and least <= value <= most:
            return value
        raise _wrong(field, value, int)

    return read


def _text(field: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if type(value) is str and value.isalnum() and value.isascii() and len(value) <= MAX_NUMBER:
            return value
        raise _wrong(field, value, str)

    return read


def _bytes(field: str, size: int | None) -> Callable[[object], bytes]:
    def read(value: object) -> bytes:
        if type(value) is bytes and (size is None or len(value) == size):
            return value
        raise _wrong(field, value, bytes)

    return read


def _wrong(field: str, value: object, wanted: type) -> VerificationError:
    """A value of another type is no object of this form; one of the type is out of its range."""
    if type(value) is wanted:
        return VerificationError("object_value_out_of_range", field=field)
    return malformed(field, f"it is no {_TYPES[wanted]}")


def _revocations(value: object) -> tuple[Revocation, ...]:
    if not isinstance(value, list) or len(value) > MAX_REVOCATIONS:
        raise malformed("revocations", f"it is no list of at most {MAX_REVOCATIONS}")
    serial, since = _text("serial"), _number("since", _EARLIEST, _LATEST)
    found = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise malformed("revocations", "an entry is no pair")
        found.append(Revocation(serial(pair[0]), Seconds(since(pair[1]))))
    return tuple(found)


_TYPES = {int: "whole number", str: "text", bytes: "byte string"}
_SIZES = {"nonce": NONCE_BYTES, "public_key": KEY_BYTES, "request": None}


_READERS: dict[type[SignedObject], tuple[Callable[[object], object], ...]] = {}


def _readers(cls: type[SignedObject]) -> tuple[Callable[[object], object], ...]:
    """For each field what reads its value, by the type that it is declared with."""
    found: list[Callable[[object], object]] = []
    for field in fields(cls):
        if field.type == "str":
            found.append(_text(field.name))
        elif field.type == "Fen":
            found.append(_number(field.name, 1 if field.name == "amount" else 0, MAX_AMOUNT))
        elif field.type == "int":
            found.append(_number(field.name, 0, MAX_COUNTER))
        elif field.type == "bytes":
            found.append(_bytes(field.name, _SIZES.get(field.name, DIGEST_BYTES)))
        elif field.type == "Seconds":
            found.append(_number(field.name, _EARLIEST, _LATEST))
        else:
            found.append(_revocations)
    _READERS[cls] = tuple(found)
    return _READERS[cls]
