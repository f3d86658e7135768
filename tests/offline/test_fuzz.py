"""Arbitrary bytes and text, and mutated objects: whoever reads them refuses by a documented code or reads."""

from collections.abc import Callable
from typing import Any

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import encode
from ecny_tax.errors import InvalidInputError, VerificationError
from ecny_tax.offline.bundles import BUNDLES, EvidenceBundle, RequestBundle, TrustBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.describe import describe
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import KINDS
from ecny_tax.qr import qr_code
from ecny_tax.text_form import PREFIX, from_text, to_text
from tests.offline import hand
from tests.offline.strategies import bundles, objects
from tests.support import START, judged

VOUCHER, TRUST, REQUEST = (
    hand.bundle().to_bytes(),
    hand.trust_bundle().to_bytes(),
    hand.request_bundle().to_bytes(),
)
EVIDENCE = EvidenceBundle(VOUCHER, VOUCHER).to_bytes()
TERMINAL, DEVICE, ROOT = hand.tax_hall(), hand.enrolled(loads=(hand.load(),)), hand.root()


def read_or_refused(read: Callable[[], object]) -> bool:
    """Whether it was read; where not, it was refused by a documented code and nothing else."""
    try:
        read()
    except (VerificationError, InvalidInputError) as refusal:
        judged(refusal, refusal.code)
        return False
    return True


def read_by_everybody(data: bytes) -> None:
    """Whatever takes bytes or text from elsewhere gets them; no terminal, device or anchor takes them."""
    for kind in KINDS:
        read_or_refused(lambda kind=kind: kind.read(data))
        read_or_refused(lambda kind=kind: kind.parse(data))
    read = [bundle for bundle in BUNDLES if read_or_refused(lambda b=bundle: b.from_bytes(data))]
    assert len(read) <= 1
    for bundle in read:
        assert bundle.from_bytes(data).to_bytes() == data
    read_or_refused(lambda: describe(data))
    read_or_refused(lambda: Trust.read(TrustBundle.from_bytes(data)))
    read_or_refused(lambda: verify_evidence(EvidenceBundle.from_bytes(data), ROOT))
    text = to_text(data)
    if read:  # drawing is slow, and the same for any text
        read_or_refused(lambda: qr_code(text))
    if data not in (VOUCHER, TRUST, REQUEST, EVIDENCE):
        assert not read_or_refused(lambda: TERMINAL.accept(text, at=START))
        assert not read_or_refused(lambda: DEVICE.pay(RequestBundle.from_text(text), at=START))
        assert not read_or_refused(lambda: hand.verify(data))


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xd2\x84\x43\xa1\x01\x27\xa0")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_by_everybody(data)


@given(st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    for given_text in (text, PREFIX + text):
        read_or_refused(lambda given_text=given_text: describe(from_text(given_text)))
        assert not read_or_refused(lambda given_text=given_text: TERMINAL.accept(given_text, at=START))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.binary(max_size=40) | st.sampled_from([VOUCHER, TRUST, REQUEST, hand.LOAD, hand.REQUEST]),
    lambda inner: st.lists(inner, max_size=6)
    | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
    | st.builds(cbor2.CBORTag, st.integers(0, 300), inner),
    max_leaves=10,
)  # fmt: skip
kinds = st.integers(0, 30) | st.sampled_from([kind.kind for kind in (*KINDS, *BUNDLES)])


@given(kinds, st.integers(0, 2) | st.just(1), st.lists(values, max_size=10))
def test_any_array_of_a_kind_is_read_or_refused(kind: int, version: int, inside: list[Any]) -> None:
    data = cbor2.dumps([kind, version, *inside], canonical=True)
    read_by_everybody(data)
    read_by_everybody(sign1.sign(data, hand.DEVICE, "ecny-tax/voucher/1"))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good bundle with some bytes cut out, put in or exchanged."""
    data = bytearray(draw(st.sampled_from([VOUCHER, TRUST, REQUEST, EVIDENCE]) | bundles.map(_bytes)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 4))
        data[start:end] = draw(st.binary(max_size=4))
    return bytes(data)


def _bytes(bundle: Any) -> bytes:
    return bytes(bundle.to_bytes())


@given(mutated())
def test_mutated_bundle_is_read_or_refused_and_never_accepted(data: bytes) -> None:
    read_by_everybody(data)


@given(st.lists(objects, min_size=2, max_size=4), st.sampled_from(BUNDLES))
def test_any_objects_in_any_bundle_are_described_or_refused(found: list[Any], bundle: Any) -> None:
    messages = [one.signed(hand.STRANGER) for one in found]
    data = encode([bundle.kind, 1, *messages])
    read_by_everybody(data)
    for message in messages:
        read_by_everybody(message)


def test_after_all_that_terminal_and_device_are_as_they_were() -> None:
    assert TERMINAL.queue() == ()
    assert TERMINAL.evidence() == ()
    (load,) = DEVICE.state.loads
    assert load.spent == 0
