"""What is written is read back, in one form alone: every object, every bundle, every text."""

import hashlib

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import BUNDLES, Bundle
from ecny_tax.offline.objects import (
    KINDS,
    VERSION,
    Seconds,
    SignedObject,
    bill_digest,
    digest,
    moment,
    seconds,
)
from ecny_tax.text_form import from_text, to_text
from tests.offline import hand
from tests.offline.strategies import bundles, bundles_of, objects, objects_of, times

seeds = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(data=st.data())
def test_every_object_is_read_back_as_it_was_written(kind: type[SignedObject], data: st.DataObject) -> None:
    found = data.draw(objects_of(kind))
    assert kind.parse(found.payload()) == found
    message = found.signed(hand.ROOT)
    assert kind.read(message) == found
    assert kind.read(message).signed(hand.ROOT) == message


@pytest.mark.parametrize("kind", BUNDLES, ids=lambda kind: kind.name)
@given(data=st.data())
def test_every_bundle_is_read_back_as_it_was_written(kind: type[Bundle], data: st.DataObject) -> None:
    found = data.draw(bundles_of(kind))
    assert kind.from_bytes(found.to_bytes()) == found
    assert kind.from_text(found.to_text()) == found
    assert from_text(found.to_text()) == found.to_bytes()
    assert kind.from_bytes(found.to_bytes()).to_bytes() == found.to_bytes()


@given(objects)
def test_payload_is_an_array_of_kind_version_and_fields_in_deterministic_cbor(found: SignedObject) -> None:
    values = cbor2.loads(found.payload())
    assert values[:2] == [found.kind, VERSION]
    assert len(values) == 2 + len(type(found).__match_args__)
    assert cbor2.dumps(values, canonical=True) == found.payload()


@given(objects, seeds)
def test_message_is_the_cose_sign1_of_the_standard(found: SignedObject, seed: bytes) -> None:
    key = SigningKey("anybody", seed)
    message = found.signed(key)
    tag = cbor2.loads(message)
    protected, unprotected, payload, signature = tag.value
    assert (tag.tag, cbor2.loads(protected), unprotected) == (18, {1: -8}, {})
    assert payload == found.payload()
    assert cbor2.dumps(tag, canonical=True) == message
    structure = cbor2.dumps(["Signature1", protected, found.domain().encode(), payload], canonical=True)
    Ed25519PublicKey.from_public_bytes(key.public_bytes).verify(signature, structure)
    sign1.verify(message, key.public_bytes, found.domain(), signer="anybody")


@given(objects, seeds)
def test_digest_is_of_what_an_object_says_whoever_signed_it(found: SignedObject, seed: bytes) -> None:
    expected = hashlib.sha256(found.payload()).digest()
    assert digest(found.signed(SigningKey("a", seed))) == digest(found.signed(hand.ROOT)) == expected


@given(st.binary(max_size=70_000 // 32))
def test_payload_of_any_length_is_signed_and_read(payload: bytes) -> None:
    message = sign1.sign(payload, hand.ROOT, "d")
    assert sign1.payload_of(message) == payload
    sign1.verify(message, hand.ROOT.public_bytes, "d", signer="root")


@pytest.mark.parametrize("size", [0, 1, 23, 24, 25, 255, 256, 257, 65_535])
def test_payload_is_signed_and_read_at_every_step_of_its_length(size: int) -> None:
    payload = bytes(size)
    message = sign1.sign(payload, hand.ROOT, "d")
    assert sign1.payload_of(message) == payload
    assert cbor2.loads(message).value[2] == payload
    sign1.verify(message, hand.ROOT.public_bytes, "d", signer="root")


@given(bundles)
def test_text_of_a_bundle_holds_only_what_a_qr_code_holds_densely(found: Bundle) -> None:
    text = found.to_text()
    assert text == to_text(found.to_bytes())
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_kinds_and_names_are_of_one_object_each() -> None:
    everything = [*KINDS, *BUNDLES]
    assert len({one.kind for one in everything}) == len(everything)
    assert len({one.name for one in everything}) == len(everything)


@given(times)
def test_time_is_written_to_the_second_and_read_back(at: int) -> None:
    assert seconds(moment(Seconds(at))) == at


@given(st.integers(1, 10**17), st.integers(1, 10**17))
def test_digest_of_a_bill_tells_amounts_apart(first: int, second: int) -> None:
    digests = {bill_digest("A", "B", Fen(amount)) for amount in (first, second)}
    assert len(digests) == len({first, second})
    assert bill_digest("A", "B1", Fen(1)) != bill_digest("AB", "1", Fen(1))
