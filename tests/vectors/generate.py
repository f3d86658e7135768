"""Writes tests/vectors/offline.json: `python -m tests.vectors.generate`.

The vectors let somebody else's implementation check itself against this one.  Every key in them is published
with its private half: they are keys for tests, and prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cbor2

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import encode
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import Bundle, EvidenceBundle, ReceiptBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.objects import (
    ProvisionalReceipt,
    Seconds,
    SignedObject,
    UnloadStatement,
    Voucher,
    digest,
)
from ecny_tax.text_form import PREFIX, to_text
from tests.offline import hand
from tests.offline.hostile import REFUSED, second

PLACE = Path(__file__).with_name("offline.json")
KEYS = ("root", "operator", "authority", "device", "terminal", "stranger")

ABOUT = (
    "Test vectors of the offline objects of ecny-tax.  Bytes are in hex.  A message is COSE_Sign1 (RFC 9052)"
    " with Ed25519 over `to_be_signed`, its domain as external data; a text is ECNY1: and base45 (RFC 9285)."
    "  Times are seconds since 1970, amounts fen.  Every private key is published here: for tests alone."
)
#: RFC 9285, 4.3 and 4.4.
BASE45 = {"AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0"}


def vectors() -> dict[str, Any]:
    """Everything that the file holds."""
    return {
        "about": ABOUT,
        "keys": [
            {
                "name": name,
                "private_key": hand.seed(name).hex(),
                "public_key": hand.key(name).public_bytes.hex(),
            }
            for name in KEYS
        ],
        "base45": [{"bytes": data.encode().hex(), "text": PREFIX + text} for data, text in BASE45.items()],
        "objects": [_object(*one) for one in _objects()],
        "bundles": [_bundle(one) for one in _bundles()],
        "trusts": {
            "current": hand.trust_bundle().to_text(),
            "revoking": hand.trust_bundle(hand.revocations(("D1", hand.NOW))).to_text(),
            "revoking later": hand.trust_bundle(hand.revocations(("D1", hand.NOW + 1))).to_text(),
            "stale": hand.trust_bundle(hand.revocations(renew_by=hand.NOW - hand.SKEW - 1)).to_text(),
        },
        "checked_at": hand.NOW,
        "clock_skew": hand.SKEW,
        "vouchers": [
            {"name": name, "trust": trust, "text": text, "check": check, "refused_by": code}
            for name, trust, text, check, code in _vouchers()
        ],
        "evidence": [
            {"name": name, "text": bundle.to_text(), "proves": proves} for name, bundle, proves in _evidence()
        ],
    }


def written() -> str:
    """The text of the file."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def _objects() -> Iterator[tuple[SignedObject, str]]:
    """One of each kind, and who signs it."""
    paid = hand.voucher()
    paid_digest = digest(paid.signed(hand.DEVICE))
    yield hand.root(), "root"
    yield hand.operator(), "root"
    yield hand.authority(), "root"
    yield hand.device(), "operator"
    yield hand.terminal(), "authority"
    yield hand.load(), "operator"
    yield hand.revocations(), "root"
    yield hand.revocations(("D9", hand.NOW), ("L7", hand.NOW + 1)), "root"
    yield hand.request(), "terminal"
    yield paid, "device"
    yield ProvisionalReceipt("T1", paid_digest, "B1", paid.amount, Seconds(hand.NOW + 10)), "terminal"
    yield UnloadStatement("L1", "D1", paid.spent, 2, paid_digest, Seconds(hand.NOW + 60)), "device"


def _object(found: SignedObject, signer: str) -> dict[str, Any]:
    message = found.signed(hand.key(signer))
    protected, _, payload, signature = cbor2.loads(message).value
    return {
        "name": found.name,
        "kind": found.kind,
        "fields": {field.name: _shown(getattr(found, field.name)) for field in fields(found)},
        "payload": payload.hex(),
        "domain": found.domain(),
        "signer": signer,
        "to_be_signed": encode(["Signature1", protected, found.domain().encode(), payload]).hex(),
        "signature": signature.hex(),
        "message": message.hex(),
        "digest": digest(message).hex(),
    }


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [[one.serial, one.since] for one in value]
    return value


def _bundles() -> Iterator[Bundle]:
    """One of each kind."""
    signed = {found.name: found.signed(hand.key(signer)) for found, signer in _objects()}
    paid, asked = hand.bundle(), hand.request_bundle()
    other = hand.bundle(hand.voucher(hand.request(nonce=bytes(16), bill_no="B2").signed(hand.TERMINAL)))
    yield hand.trust_bundle()
    yield asked
    yield paid
    yield EvidenceBundle(paid.to_bytes(), other.to_bytes())
    yield ReceiptBundle(asked.authority, asked.terminal, signed["provisional receipt"])
    yield UnloadBundle(paid.operator, paid.device, paid.load, signed["unload statement"])


def _bundle(found: Bundle) -> dict[str, Any]:
    return {
        "name": found.name,
        "kind": found.kind,
        "holds": {field.name: getattr(found, field.name).hex() for field in fields(found)},
        "bytes": found.to_bytes().hex(),
        "text": found.to_text(),
    }


def _vouchers() -> Iterator[tuple[str, str, str, str | None, str | None]]:
    """Name, the trust to judge it by, text, and by which check and code it is refused."""
    good = hand.bundle().to_text()
    yield "the first of a load", "current", good, None, None
    yield "a later one", "current", second().to_text(), None, None
    yield "asked for before a revocation", "revoking later", good, None, None
    yield "asked for when the device was revoked", "revoking", good, "revocation", "certificate_revoked"
    yield "judged by a stale list", "stale", good, "revocation", "revocation_list_stale"
    for name, (check, code, made) in REFUSED.items():
        yield name, "current", made().to_text(), check, code
    for name, (text, code) in _misshapen().items():
        yield name, "current", text, "form", code
    for name, bundle in _forged().items():
        yield name, "current", bundle.to_text(), "chain", "signature_invalid"


def _evidence() -> Iterator[tuple[str, EvidenceBundle, str | None]]:
    """Name, two signed objects of one load, and what they prove; ``None`` where they prove nothing."""
    first = hand.bundle()
    asked = hand.request(nonce=bytes(16), bill_no="B2").signed(hand.TERMINAL)
    spent = Fen(2 * hand.AMOUNT)

    def voucher(counter: int, after: Fen, previous: bytes) -> VoucherBundle:
        return hand.bundle(hand.voucher(asked, counter=counter, spent=after, previous=previous))

    def unload(next_counter: int, after: Fen, last: bytes) -> UnloadBundle:
        said = UnloadStatement("L1", "D1", after, next_counter, last, Seconds(hand.NOW + 60))
        return UnloadBundle(first.operator, first.device, first.load, said.signed(hand.DEVICE))

    follows, beside = voucher(2, spent, first.digest), voucher(1, hand.AMOUNT, digest(hand.LOAD))
    forked = "voucher_chain_forked"
    pairs: list[tuple[str, Bundle, Bundle, str | None]] = [
        ("two vouchers with one counter", first, beside, "voucher_counter_reused"),
        ("a voucher that names another before it", first, voucher(2, spent, bytes(32)), forked),
        ("a voucher whose sum leaves money out", first, voucher(2, Fen(spent + 1), first.digest), forked),
        ("a later voucher that spends the same again", first, voucher(9, hand.AMOUNT, bytes(32)), forked),
        ("a voucher after the load was given back", unload(1, Fen(0), digest(hand.LOAD)), first,
         "voucher_after_unload"),
        ("a statement that says too little was spent", first, unload(2, Fen(0), first.digest), forked),
        ("vouchers that follow each other", first, follows, None),
        ("vouchers with a gap between them", first, voucher(9, spent, bytes(32)), None),
        ("a voucher and the statement after it", first, unload(2, hand.AMOUNT, first.digest), None),
        ("a voucher twice", first, first, None),
    ]  # fmt: skip
    for name, one, other, proves in pairs:
        yield name, EvidenceBundle(one.to_bytes(), other.to_bytes()), proves


def _misshapen() -> dict[str, tuple[str, str]]:
    good, paid = hand.bundle(), hand.voucher()
    data, payload = good.to_bytes(), paid.payload()

    def holding(message: bytes) -> str:
        return replace(good, voucher=message).to_text()

    def paying(**changes: Any) -> str:
        return holding(replace(paid, **changes).signed(hand.DEVICE))

    def cose(protected: dict[int, int], unprotected: dict[int, bytes]) -> bytes:
        signature = bytes(64)
        return cbor2.dumps(cbor2.CBORTag(18, [encode(protected), unprotected, payload, signature]))

    def saying(place: int, item: bytes) -> str:
        items = [cbor2.dumps(value) for value in cbor2.loads(payload)]
        items[place] = item
        changed = bytes((0x80 + len(items),)) + b"".join(items)
        return holding(sign1.sign(changed, hand.DEVICE, Voucher.domain()))

    return {
        "in small letters": (good.to_text().lower(), "object_text_malformed"),
        "of another prefix": (good.to_text().replace("ECNY1", "ECNY2"), "object_text_malformed"),
        "no base45": (good.to_text() + "_", "object_text_malformed"),
        "cut short": (to_text(data[:-1]), "object_malformed"),
        "with a byte behind": (to_text(data + b"\x00"), "object_malformed"),
        "a request instead": (hand.request_bundle().to_text(), "object_kind_wrong"),
        "of another version of the bundle": (
            to_text(encode([23, 2, *cbor2.loads(data)[2:]])), "object_version_unknown"),
        "of another version of the voucher": (saying(1, b"\x02"), "object_version_unknown"),
        "by another algorithm": (holding(cose({1: -7}, {})), "algorithm_unknown"),
        "with an unprotected header": (holding(cose({1: -8}, {4: b"D1"})), "algorithm_unknown"),
        "with a number longer than need be": (saying(3, b"\x18\x01"), "object_malformed"),
        "with a float": (saying(3, b"\xf9\x3c\x00"), "object_malformed"),
        "with a tag": (saying(3, b"\xc1\x01"), "object_malformed"),
        "with a bignum": (saying(4, b"\xc2\x49\x01" + bytes(8)), "object_value_out_of_range"),
        "with a list of no end": (saying(3, b"\x9f\x01\xff"), "object_malformed"),
        "of nothing": (paying(amount=Fen(0)), "object_value_out_of_range"),
        "of too much": (paying(amount=Fen(10**17 + 1)), "object_value_out_of_range"),
        "before 1980": (paying(paid_at=Seconds(315_532_799)), "object_value_out_of_range"),
    }  # fmt: skip


def _forged() -> dict[str, VoucherBundle]:
    good, stranger = hand.bundle(), hand.STRANGER
    flipped = bytearray(good.voucher)
    flipped[-1] ^= 1
    as_request = hand.signed_as(hand.voucher(), hand.DEVICE, "ecny-tax/request/1")
    bare = hand.signed_as(hand.voucher(), hand.DEVICE, "")
    return {
        "a flipped bit of the signature": replace(good, voucher=bytes(flipped)),
        "a signature for another kind of object": replace(good, voucher=as_request),
        "a signature without a domain": replace(good, voucher=bare),
        "an operator that the root did not certify": replace(good, operator=hand.operator().signed(stranger)),
        "a device that the operator did not certify": replace(good, device=hand.device().signed(stranger)),
        "a load that the operator did not sign": replace(good, load=hand.load().signed(stranger)),
    }


if __name__ == "__main__":
    PLACE.write_text(written(), encoding="utf-8")
    print(PLACE)
