"""COSE signatures: what was signed verifies; whatever else arrives is refused, and never crashes."""

import time
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.crypto.signatures import (
    MAX_DOCUMENT_BYTES,
    decode,
    decode_any,
    encode,
    sign_many,
    sign_one,
    verify_many,
    verify_one,
)
from ecny_tax.errors import VerificationError

RING = Keyring(bytes(32))
KEYS = [
    RING.signing_key("wallet", "1"),
    RING.signing_key("tax_authority", "2"),
    RING.signing_key("operator", "3"),
]
KIND, OTHER_KIND = "application/vnd.ecny-tax.one+cbor", "application/vnd.ecny-tax.two+cbor"
PAYLOAD = encode({"amount": 1_700_000, "name": "广东"})


def published(name: str) -> bytes | None:
    return {key.name: key.public_bytes for key in KEYS}.get(name)


def refused(check: Callable[[], object], *codes: str) -> None:
    with pytest.raises(VerificationError) as refusal:
        check()
    assert not codes or refusal.value.code in codes
    assert refusal.value.message()


def decoded_or_refused(data: bytes) -> bool:
    """Whether the bytes are the one form of what they are decoded to, or refused as such."""
    try:
        value = decode(data)
    except VerificationError as refusal:
        return refusal.code == "document_malformed"
    return encode(value) == data


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


# --- signing ----------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.sampled_from(KEYS), st.sampled_from([KIND, OTHER_KIND]))
def test_message_of_one_signer_verifies_and_gives_its_payload(payload: bytes, key: Any, kind: str) -> None:
    message = sign_one(payload, key, kind)
    assert verify_one(message, kind, published) == (key.name, payload)
    assert sign_one(payload, key, kind) == message


@given(st.binary(max_size=200), st.lists(st.sampled_from(KEYS), min_size=1, max_size=8))
def test_message_of_many_signers_verifies_in_order(payload: bytes, keys: list[Any]) -> None:
    message = sign_many(payload, keys, KIND)
    assert verify_many(message, payload, KIND, published) == [key.name for key in keys]


def test_message_is_cose_as_the_standard_writes_it() -> None:
    tag = cbor2.loads(sign_one(PAYLOAD, KEYS[0], KIND))
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    assert cbor2.loads(protected) == {1: -8, 3: KIND, 4: b"wallet:1"}
    assert (unprotected, payload, len(signature)) == ({}, PAYLOAD, 64)
    many = cbor2.loads(sign_many(PAYLOAD, KEYS, KIND))
    assert many.tag == 98
    assert cbor2.loads(many.value[0]) == {3: KIND}
    assert many.value[2] is None
    assert len(many.value[3]) == 3


def test_signature_is_over_the_sig_structure_of_the_standard() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    protected, _, payload, signature = cbor2.loads(sign_one(PAYLOAD, KEYS[0], KIND)).value
    structure = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    Ed25519PublicKey.from_public_bytes(KEYS[0].public_bytes).verify(signature, structure)


# --- tampering --------------------------------------------------------------------------------------


def test_every_flipped_bit_of_a_message_of_one_signer_is_refused() -> None:
    message = sign_one(PAYLOAD, KEYS[0], KIND)
    for place in range(len(message) * 8):
        flipped = bytearray(message)
        flipped[place // 8] ^= 1 << place % 8
        refused(lambda flipped=flipped: verify_one(bytes(flipped), KIND, published))


def test_every_flipped_bit_of_a_message_of_many_signers_or_its_payload_is_refused() -> None:
    message = sign_many(PAYLOAD, KEYS, KIND)
    for place in range(len(message) * 8):
        flipped = bytearray(message)
        flipped[place // 8] ^= 1 << place % 8
        refused(lambda flipped=flipped: verify_many(bytes(flipped), PAYLOAD, KIND, published))
    for place in range(len(PAYLOAD) * 8):
        flipped = bytearray(PAYLOAD)
        flipped[place // 8] ^= 1 << place % 8
        refused(lambda flipped=flipped: verify_many(message, bytes(flipped), KIND, published))


def test_every_cut_and_every_longer_message_is_refused() -> None:
    one, many = sign_one(PAYLOAD, KEYS[0], KIND), sign_many(PAYLOAD, KEYS, KIND)
    for end in range(len(one)):
        refused(lambda end=end: verify_one(one[:end], KIND, published), "document_malformed")
    for end in range(len(many)):
        refused(lambda end=end: verify_many(many[:end], PAYLOAD, KIND, published), "document_malformed")
    for tail in (b"\x00", b"\xf6", b" ", one):
        refused(lambda tail=tail: verify_one(one + tail, KIND, published), "document_malformed")
        refused(lambda tail=tail: verify_many(many + tail, PAYLOAD, KIND, published), "document_malformed")


def test_signature_for_one_kind_of_document_never_passes_as_another() -> None:
    one, many = sign_one(PAYLOAD, KEYS[0], KIND), sign_many(PAYLOAD, KEYS, KIND)
    refused(lambda: verify_one(one, OTHER_KIND, published), "document_malformed")
    refused(lambda: verify_many(many, PAYLOAD, OTHER_KIND, published), "document_malformed")
    # Nor with its header exchanged for the one that the other kind has.
    header = cbor2.loads(sign_one(PAYLOAD, KEYS[0], OTHER_KIND)).value[0]
    forged = encode(cbor2.CBORTag(18, [header, *cbor2.loads(one).value[1:]]))
    refused(lambda: verify_one(forged, OTHER_KIND, published), "signature_invalid")
    body = encode({3: OTHER_KIND})
    signatures = cbor2.loads(many).value[3]
    forged = encode(cbor2.CBORTag(98, [body, {}, None, signatures]))
    refused(lambda: verify_many(forged, PAYLOAD, OTHER_KIND, published), "document_malformed")
    with_header = [[header, {}, signature] for _, _, signature in signatures]
    forged = encode(cbor2.CBORTag(98, [body, {}, None, with_header]))
    refused(lambda: verify_many(forged, PAYLOAD, OTHER_KIND, published), "signature_invalid")


def test_message_of_one_signer_never_passes_as_one_of_many_nor_the_other_way() -> None:
    one, many = sign_one(PAYLOAD, KEYS[0], KIND), sign_many(PAYLOAD, KEYS[:1], KIND)
    refused(lambda: verify_many(one, PAYLOAD, KIND, published), "document_malformed")
    refused(lambda: verify_one(many, KIND, published), "document_malformed")
    protected, _, _, signature = cbor2.loads(one).value
    forged = encode(cbor2.CBORTag(98, [encode({3: KIND}), {}, None, [[protected, {}, signature]]]))
    refused(lambda: verify_many(forged, PAYLOAD, KIND, published), "signature_invalid")


def test_signature_of_one_signer_never_passes_as_that_of_another() -> None:
    header = cbor2.loads(sign_one(PAYLOAD, KEYS[1], KIND)).value[0]
    forged = encode(cbor2.CBORTag(18, [header, {}, PAYLOAD, SIGNATURE]))
    refused(lambda: verify_one(forged, KIND, published), "signature_invalid")


def test_signer_without_published_key_is_refused_by_name() -> None:
    stranger = RING.signing_key("operator", "stranger")
    with pytest.raises(VerificationError) as refusal:
        verify_one(sign_one(PAYLOAD, stranger, KIND), KIND, published)
    assert refusal.value.code == "signer_unknown"
    assert "operator:stranger" in refusal.value.message()


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33, b"\xff" * 32], ids=len)
def test_published_key_that_is_none_is_refused(key: bytes) -> None:
    message = sign_one(PAYLOAD, KEYS[0], KIND)
    refused(lambda: verify_one(message, KIND, lambda _name: key), "document_malformed", "signature_invalid")


# --- wrong forms ------------------------------------------------------------------------------------

PROTECTED, _, _, SIGNATURE = cbor2.loads(sign_one(PAYLOAD, KEYS[0], KIND)).value


@pytest.mark.parametrize(
    "parts",
    [
        None,
        [],
        {},
        [PROTECTED, {}, PAYLOAD],
        [PROTECTED, {}, PAYLOAD, SIGNATURE, None],
        [PROTECTED, {1: 1}, PAYLOAD, SIGNATURE],
        [PROTECTED, [], PAYLOAD, SIGNATURE],
        [PROTECTED, None, PAYLOAD, SIGNATURE],
        [PROTECTED, {}, None, SIGNATURE],
        [PROTECTED, {}, "text", SIGNATURE],
        [PROTECTED, {}, PAYLOAD, None],
        [PROTECTED, {}, PAYLOAD, "text"],
        [PROTECTED, {}, PAYLOAD, b""],
        [PROTECTED, {}, PAYLOAD, SIGNATURE[:63]],
        [PROTECTED, {}, PAYLOAD, SIGNATURE + b"\x00"],
        [None, {}, PAYLOAD, SIGNATURE],
        [b"", {}, PAYLOAD, SIGNATURE],
        [b"\xff", {}, PAYLOAD, SIGNATURE],
        [encode([]), {}, PAYLOAD, SIGNATURE],
        [encode({}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -8, 3: KIND}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -8, 3: KIND, 4: "wallet:1"}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -8, 3: KIND, 4: b"\xff"}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -8, 3: KIND, 4: "钱包".encode()}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -7, 3: KIND, 4: b"wallet:1"}), {}, PAYLOAD, SIGNATURE],
        [encode({1: -8, 3: KIND, 4: b"wallet:1", 5: 1}), {}, PAYLOAD, SIGNATURE],
        [{1: -8, 3: KIND, 4: b"wallet:1"}, {}, PAYLOAD, SIGNATURE],
    ],
    ids=lambda parts: ascii(parts)[:50],
)
def test_message_of_another_form_is_refused(parts: Any) -> None:
    refused(lambda: verify_one(encode(cbor2.CBORTag(18, parts)), KIND, published))


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        {},
        b"",
        [None],
        [[]],
        [[PROTECTED, {}]],
        [[PROTECTED, {1: 1}, SIGNATURE]],
        [[PROTECTED, None, SIGNATURE]],
        [[None, {}, SIGNATURE]],
        [[PROTECTED, {}, None]],
        [[PROTECTED, {}, SIGNATURE]] * 9,
    ],
    ids=lambda signatures: ascii(signatures)[:50],
)
def test_signatures_of_another_form_are_refused(signatures: Any) -> None:
    message = encode(cbor2.CBORTag(98, [encode({3: KIND}), {}, None, signatures]))
    refused(lambda: verify_many(message, PAYLOAD, KIND, published))


def test_payload_inside_a_message_of_many_is_refused() -> None:
    body, _, _, signatures = cbor2.loads(sign_many(PAYLOAD, KEYS, KIND)).value
    message = encode(cbor2.CBORTag(98, [body, {}, PAYLOAD, signatures]))
    refused(lambda: verify_many(message, PAYLOAD, KIND, published), "document_malformed")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_message(data: bytes) -> None:
    for head in (b"", b"\xd2", b"\xd2\x84", b"\xd8\x62", b"\xd8\x62\x84"):
        refused(lambda head=head: verify_one(head + data, KIND, published))
        refused(lambda head=head: verify_many(head + data, PAYLOAD, KIND, published))


# --- decoding ---------------------------------------------------------------------------------------


@given(plain)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    assert decode(encode(value)) == value


@given(plain, st.binary(min_size=1, max_size=4))
def test_trailing_bytes_are_refused(value: Any, tail: bytes) -> None:
    refused(lambda: decode(encode(value) + tail), "document_malformed")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "1817",  # 23 in two bytes
        "190017",
        "1b0000000000000017",
        "3800",
        "780161",  # a short text with a long head
        "7f6161ff",  # indefinite text
        "5f4161ff",
        "9f01ff",
        "bf616101ff",
        "a2616201616101",  # keys out of order
        "a2616101616102",  # a key twice
        "a1f600",  # a key that is neither text nor number
        "a1800000",
        "a1410000",
        "c24101",  # a small number as a big one
        "f93c00",  # a float
        "fb3ff0000000000000",
        "f97e00",
        "f97c00",
        "f7",  # undefined
        "e0",
        "f8ff",
        "ff",
        "1c",
        "62ff",
        "61ff",
        "63eda080",  # a lone surrogate in UTF-8
        "c074323032332d30342d32305431303a30303a30305a",  # a date
        "c11a64411f20",
        "d81e820100",  # a fraction with nothing below
        "d81c81d81d00",  # a list that holds itself
        "d81d00",
        "d9010281d90102811861",
        "d823612a",
        "d82550000102030405060708090a0b0c0d0e0f",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "7bffffffffffffffff",
        "5b7fffffffffffffff",
        "c48201c24101",
        "c4821b7fffffffffffffff01",
        "c5821b7fffffffffffffff01",
    ],
)
def test_other_forms_of_cbor_are_refused(data: str) -> None:
    refused(lambda: decode(bytes.fromhex(data)), "document_malformed")


def shared(levels: int, width: int = 9, level: int = 0) -> bytes:
    """Lists in lists, each with the one inside it ``width`` times over, by reference (tags 28 and 29)."""
    if level == levels:
        return b"\xd8\x1c\x80"
    inner = shared(levels, width, level + 1)
    return b"\xd8\x1c" + bytes((0x81 + width,)) + inner + (b"\xd8\x1d" + cbor2.dumps(level + 1)) * width


REPEATED = b"\xd9\x01\x00\x82" + cbor2.dumps("x" * 30_000) + b"\x99\x2a\xf8" + b"\xd8\x19\x00" * 11_000


@pytest.mark.parametrize("data", [shared(40), REPEATED], ids=["shared lists", "repeated text"])
def test_few_bytes_that_stand_for_more_than_memory_holds_are_refused_at_once(data: bytes) -> None:
    begun = time.monotonic()
    refused(lambda: decode(data), "document_malformed")
    refused(lambda: decode_any(data), "document_malformed")
    assert time.monotonic() - begun < 0.2


def test_document_above_the_size_limit_is_refused_before_it_is_read() -> None:
    fits = encode(b"x" * (MAX_DOCUMENT_BYTES - 3 - 2))
    assert decode(fits)
    for size in (MAX_DOCUMENT_BYTES + 1, 50_000_000):
        refused(lambda size=size: decode(b"\x00" * size), "document_malformed")
        refused(lambda size=size: verify_one(b"\xd2" * size, KIND, published), "document_malformed")
        refused(lambda size=size: verify_many(b"\xd8" * size, b"", KIND, published), "document_malformed")


DEPTHS = [*range(0, 1100, 10), 5_000, MAX_DOCUMENT_BYTES - 1]


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xc1", b"\xd8\x1c\x81"], ids=bytes.hex)
def test_nested_document_is_decoded_or_refused_at_every_depth(opening: bytes) -> None:
    for depth in DEPTHS:
        assert decoded_or_refused(opening * depth + b"\x00")


def test_nested_message_is_refused_at_every_depth() -> None:
    for depth in DEPTHS[1:]:
        nested = b"\xd2\x84" + b"\x81" * depth + b"\x00\xa0\x40\x40"
        refused(lambda nested=nested: verify_one(nested, KIND, published))


@given(st.binary(max_size=64))
@example(b"\x81" * 350 + b"\x00")
def test_any_bytes_are_decoded_in_one_form_or_refused(data: bytes) -> None:
    assert decoded_or_refused(data)


tagged = st.recursive(
    plain | st.floats() | st.fractions().map(str),
    lambda inner: (
        st.builds(cbor2.CBORTag, st.integers(0, 300) | st.sampled_from([55799, 43000]), inner)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


@given(tagged)
def test_any_tagged_value_is_decoded_or_refused(value: Any) -> None:
    assert decoded_or_refused(cbor2.dumps(value))
