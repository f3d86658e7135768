"""What an offline object holds, for people to read: nothing is verified here."""

from __future__ import annotations

from dataclasses import fields

from ecny_tax.clock import rfc3339
from ecny_tax.crypto import sign1
from ecny_tax.errors import VerificationError
from ecny_tax.money import yuan_text
from ecny_tax.offline.bundles import (
    BUNDLES,
    Bundle,
    EvidenceBundle,
    UnloadBundle,
    VoucherBundle,
    kind_of,
    voucher_id,
)
from ecny_tax.offline.objects import (
    KINDS,
    PaymentRequest,
    Revocation,
    Seconds,
    SignedObject,
    Voucher,
    array,
    digest,
    moment,
)

Description = dict[str, object]


def describe(data: bytes) -> Description:
    """Every object of a bundle, by name, field by field: amounts in yuan, times in RFC 3339, bytes in hex.

    Raises ``VerificationError`` (``object_malformed``, ``object_kind_unknown``) and what reading raises.
    """
    return _bundle(_read(data))


def _read(data: bytes) -> Bundle:
    kind = array(data, "bundle")[0]
    for known in BUNDLES:
        if type(kind) is int and kind == known.kind:
            return known.from_bytes(data)
    raise VerificationError("object_kind_unknown")


def _bundle(bundle: Bundle) -> Description:
    found: Description = {"kind": bundle.name, "bytes": len(bundle.to_bytes())}
    if isinstance(bundle, VoucherBundle):
        found["voucher_id"] = bundle.voucher_id
    for field in fields(bundle):
        content: bytes = getattr(bundle, field.name)
        if isinstance(bundle, EvidenceBundle):  # not of any kind: one in another would have no end
            unload = kind_of(content) == UnloadBundle.kind
            found[field.name] = _bundle((UnloadBundle if unload else VoucherBundle).from_bytes(content))
        else:
            found[field.name] = _signed(content)
    return found


def _signed(message: bytes) -> Description:
    kind = array(sign1.payload_of(message), "object")[0]
    for known in KINDS:
        if type(kind) is int and kind == known.kind:
            return _object(known.read(message), message)
    raise VerificationError("object_kind_unknown")


def _object(found: SignedObject, message: bytes) -> Description:
    shown: Description = {"kind": found.name, "bytes": len(message), "digest": digest(message).hex()}
    for field in fields(found):
        shown[field.name] = _value(str(field.type), getattr(found, field.name))
    if isinstance(found, Voucher):
        shown["voucher_id"] = voucher_id(digest(message))
        shown["request"] = _object(PaymentRequest.read(found.request), found.request)
    return shown


def _value(kind: str, value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [{"serial": one.serial, "since": _time(one.since)} for one in value if _is_entry(one)]
    if isinstance(value, int) and kind == "Seconds":
        return _time(Seconds(value))
    return yuan_text(value) if isinstance(value, int) and kind == "Fen" else value


def _is_entry(value: object) -> bool:
    return isinstance(value, Revocation)


def _time(at: Seconds) -> str:
    return rfc3339(moment(at))
