"""Whatever arrives is refused by a documented code, in time, and changes nothing."""

import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import MAX_DOCUMENT_BYTES, encode
from ecny_tax.money import MAX_AMOUNT, Fen
from ecny_tax.offline.bundles import BUNDLES, EvidenceBundle, RequestBundle, TrustBundle, VoucherBundle
from ecny_tax.offline.chains import Trust, payee_chain, payer_chain, read_root
from ecny_tax.offline.describe import describe
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import (
    KINDS,
    MAX_COUNTER,
    MAX_REVOCATIONS,
    DeviceCertificate,
    LoadCertificate,
    PaymentRequest,
    ProvisionalReceipt,
    Revocation,
    RevocationList,
    RootCertificate,
    Seconds,
    SignedObject,
    UnloadStatement,
    Voucher,
)
from ecny_tax.text_form import to_text
from tests.offline import hand
from tests.offline.hand import NOW, code_of, refused
from tests.support import START

VOUCHER = hand.bundle().to_bytes()
REQUEST = hand.request_bundle().to_bytes()
TRUST = hand.trust_bundle(hand.revocations(("D9", NOW))).to_bytes()
EVIDENCE = EvidenceBundle(VOUCHER, VOUCHER).to_bytes()

RECEIPT = ProvisionalReceipt("T1", bytes(32), "B1", Fen(1), NOW)
UNLOAD = UnloadStatement("L1", "D1", Fen(1), 2, bytes(32), NOW)
#: One of each kind.
OBJECTS: dict[type[SignedObject], SignedObject] = {
    type(found): found
    for found in (
        hand.root(), hand.operator(), hand.authority(), hand.device(), hand.terminal(), hand.load(),
        hand.revocations(("D9", NOW)), hand.request(), hand.voucher(), RECEIPT, UNLOAD,
    )
}  # fmt: skip


def read_voucher(data: bytes) -> object:
    return hand.verify(data)


def read_request(data: bytes) -> object:
    return hand.enrolled(loads=(hand.load(),)).pay(RequestBundle.from_bytes(data), at=START)


def read_trust(data: bytes) -> object:
    return Trust.read(TrustBundle.from_bytes(data))


def read_evidence(data: bytes) -> object:
    return verify_evidence(EvidenceBundle.from_bytes(data), hand.root())


READERS: list[tuple[Callable[[bytes], object], bytes]] = [
    (read_voucher, VOUCHER),
    (read_request, REQUEST),
    (read_trust, TRUST),
    (read_evidence, EVIDENCE),
]
each_reader = pytest.mark.parametrize(
    ("read", "good"), READERS, ids=lambda found: getattr(found, "__name__", "")
)


def test_one_of_each_kind_is_looked_at_here() -> None:
    assert set(OBJECTS) == set(KINDS)


# --- length -------------------------------------------------------------------------------------------------


@each_reader
def test_cut_short_at_any_length_is_refused(read: Callable[[bytes], object], good: bytes) -> None:
    assert {code_of(lambda end=end: read(good[:end])) for end in range(len(good))} == {"object_malformed"}


@each_reader
@pytest.mark.parametrize("tail", [b"\x00", b"\xf6", b" ", b"\n", VOUCHER], ids=len)
def test_anything_behind_the_end_is_refused(
    read: Callable[[bytes], object], good: bytes, tail: bytes
) -> None:
    assert code_of(lambda: read(good + tail)) == "object_malformed"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_signed_object_cut_short_or_longer_is_refused(kind: type[SignedObject]) -> None:
    message = OBJECTS[kind].signed(hand.ROOT)
    assert kind.read(message) == OBJECTS[kind]
    for end in range(len(message)):
        code = code_of(lambda end=end: kind.read(message[:end]))
        assert code in ("object_malformed", "algorithm_unknown")
    for tail in (b"\x00", b"\x40", message):
        assert code_of(lambda tail=tail: kind.read(message + tail)) == "object_malformed"


# --- the form of a message ----------------------------------------------------------------------------------

PROTECTED, PAYLOAD, SIGNATURE = b"\xa1\x01\x27", hand.voucher().payload(), bytes(64)


def cose(*parts: object, tag: int = 18) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, list(parts)))


def test_message_is_the_form_that_the_changed_ones_differ_from() -> None:
    assert Voucher.read(cose(PROTECTED, {}, PAYLOAD, SIGNATURE)) == hand.voucher()


@pytest.mark.parametrize(
    "message",
    [
        cose(encode({1: -7}), {}, PAYLOAD, SIGNATURE),  # ES256
        cose(encode({1: -19}), {}, PAYLOAD, SIGNATURE),  # Ed25519, fully specified
        cose(encode({1: "EdDSA"}), {}, PAYLOAD, SIGNATURE),
        cose(encode({1: -8, 4: b"key"}), {}, PAYLOAD, SIGNATURE),
        cose(encode({}), {}, PAYLOAD, SIGNATURE),
        cose(b"", {}, PAYLOAD, SIGNATURE),
        cose(b"", {1: -8}, PAYLOAD, SIGNATURE),
        cose(PROTECTED, {4: b"key"}, PAYLOAD, SIGNATURE),
        cose(PROTECTED, {1: -8}, PAYLOAD, SIGNATURE),
        cose(PROTECTED, [], PAYLOAD, SIGNATURE),
    ],
    ids=lambda message: message[:12].hex(),
)
def test_another_algorithm_or_header_is_refused(message: bytes) -> None:
    assert code_of(lambda: Voucher.read(message)) == "algorithm_unknown"
    assert code_of(lambda: hand.verify(with_voucher(message))) == "algorithm_unknown"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xd2",
        b"\xd2\x84",
        b"\xf6",
        cose(PROTECTED, {}, PAYLOAD, SIGNATURE, tag=98),
        cose(PROTECTED, {}, PAYLOAD, SIGNATURE, tag=17),
        cose(PROTECTED, {}, PAYLOAD, SIGNATURE)[1:],  # without its tag
        b"\xd8\x12" + cose(PROTECTED, {}, PAYLOAD, SIGNATURE)[1:],  # with a tag longer than need be
        cose(PROTECTED, {}, PAYLOAD),
        cose(PROTECTED, {}, None, SIGNATURE),
        cose(PROTECTED, {}, PAYLOAD, SIGNATURE[:-1]),
        cose(PROTECTED, {}, PAYLOAD, SIGNATURE + b"\x00"),
        cose(PROTECTED, {}, PAYLOAD, "text"),
        cose(PROTECTED, {}, "text", SIGNATURE),
        cose(PROTECTED, {}, [PAYLOAD], SIGNATURE),
        # lengths that are longer than need be, or no length at all
        *(
            b"\xd2\x84\x43" + PROTECTED + b"\xa0" + head + b"\x58\x40" + SIGNATURE
            for head in (
                b"\x58\x02\x83\x00",
                b"\x59\x00\x02\x83\x00",
                b"\x5a" + struct.pack(">I", len(PAYLOAD)) + PAYLOAD,
                b"\x5b" + struct.pack(">Q", len(PAYLOAD)) + PAYLOAD,
                b"\x5f\x42\x83\x00\xff",
                b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
                *(bytes((first,)) + PAYLOAD for first in (0x00, 0x24, 0x3F, 0x5C, 0x60, 0x80, 0xFF)),
            )
        ),
        # a length below nothing: 46 bytes whose 26th begins what looks like a signature
        b"\xd2\x84\x43" + PROTECTED + b"\xa0" + b"\x24" + bytes(18) + b"\x58\x40" + bytes(18),
    ],
    ids=lambda message: message[:12].hex(),
)
def test_message_of_another_form_is_refused(message: bytes) -> None:
    assert code_of(lambda: Voucher.read(message)) in ("object_malformed", "algorithm_unknown")
    assert code_of(lambda: hand.verify(with_voucher(message))) in ("object_malformed", "algorithm_unknown")


def with_voucher(message: bytes) -> bytes:
    return replace(hand.bundle(), voucher=message).to_bytes()


# --- the form of what is signed -----------------------------------------------------------------------------

_FIELDS = cbor2.loads(hand.voucher().payload())
_HEAD = bytes((0x80 + len(_FIELDS),))
_ITEMS = [cbor2.dumps(value) for value in _FIELDS]


def payload(place: int, item: bytes) -> bytes:
    """The voucher's payload with other bytes for one of its values; place 3 is the counter."""
    return _HEAD + b"".join([*_ITEMS[:place], item, *_ITEMS[place + 1 :]])


NOT_CANONICAL = {
    "a number in two bytes": "1801",
    "a number in three bytes": "190001",
    "a number in nine bytes": "1b0000000000000001",
    "a small bignum": "c24101",
    "a bignum of nothing": "c240",
    "an indefinite byte string": "5f4101ff",
    "an indefinite text": "7f6161ff",
    "an indefinite list": "9f01ff",
    "an indefinite map": "bf616101ff",
    "keys out of order": "a2616201616101",
    "a key twice": "a2616101616102",
    "half a float": "f93c00",
    "a float": "fb3ff0000000000000",
    "not a number": "f97e00",
    "endless": "f97c00",
    "a date": "c074323032332d30342d32305431303a30303a30305a",
    "a time": "c11a64411f20",
    "a fraction": "c4820101",
    "a fraction as long as the universe": "c4821b7fffffffffffffff01",
    "a rational": "d81e820101",
    "a regular expression": "d82361612a",
    "a regular expression that warns": "d823655b5b615d5d",
    "a set": "d9010281 01".replace(" ", ""),
    "a thing that holds itself": "d81c81d81d00",
    "a tag of cbor": "d9d9f701",
    "a tag nobody knows": "d9ffff01",
    "undefined": "f7",
    "a simple value": "e0",
    "a break": "ff",
    "a reserved head": "1c",
    "no utf-8": "62ffff",
    "a surrogate": "63eda080",
    "a list as long as memory": "9bffffffffffffffff",
    "a map as long as memory": "bbffffffffffffffff",
    "a byte string as long as memory": "5b7fffffffffffffff",
    "a text as long as memory": "7bffffffffffffffff",
}


@pytest.mark.parametrize("item", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_signed_value_in_no_canonical_form_is_refused(item: str) -> None:
    for place in range(len(_FIELDS)):
        data = payload(place, bytes.fromhex(item))
        codes = {"object_malformed", ("object_kind_wrong", "object_version_unknown", "")[min(place, 2)]}
        assert code_of(lambda data=data: Voucher.parse(data)) in codes
        message = sign1.sign(data, hand.DEVICE, Voucher.domain())
        assert code_of(lambda message=message: hand.verify(with_voucher(message))) in codes


@pytest.mark.parametrize(
    "value",
    [None, True, False, 1.0, "1", b"1", [1], {}, {1: 1}, -1, 2**63, 2**64, 2**600, -(2**600)],
    ids=lambda value: ascii(value)[:12],
)
def test_signed_value_of_another_type_or_size_is_refused(value: Any) -> None:
    for place in range(2, len(_FIELDS)):
        if type(value) is type(_FIELDS[place]) and place in (7, 2, 6):
            continue  # a text or byte string that may stand there
        data = payload(place, cbor2.dumps(value, canonical=True))
        codes = ("object_malformed", "object_value_out_of_range")
        assert code_of(lambda data=data: Voucher.parse(data)) in codes


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xc1", b"\xd2\x84", b"\x9f"], ids=bytes.hex)
@pytest.mark.parametrize("depth", [10, 63, 64, 65, 200, 399, 400, 401, 1000, 10_000, 60_000])
def test_deep_nesting_is_refused_in_time(opening: bytes, depth: int) -> None:
    nested = (opening * depth)[:64_000]
    begun = time.monotonic()
    for data in (
        nested,
        nested + b"\x00",
        b"\x86\x17\x01" + nested + b"\x00\x40\x40\x40",
        b"\x86\x17\x01" + nested,
    ):
        assert code_of(lambda data=data: hand.verify(data)) in ("object_malformed", "object_kind_wrong")
        assert code_of(lambda data=data: describe(data)) in (
            "object_malformed",
            "object_kind_unknown",
        )
    small = nested[:60_000]
    message = sign1.sign(_HEAD + _ITEMS[0] + _ITEMS[1] + small + b"\x00", hand.DEVICE, Voucher.domain())
    assert code_of(lambda: Voucher.read(message)) == "object_malformed"
    assert time.monotonic() - begun < 1


def shared(levels: int, level: int = 0) -> bytes:
    """Lists in lists, each with the one inside it ten times over, by reference (tags 28 and 29)."""
    if level == levels:
        return b"\xd8\x1c\x80"
    inner = shared(levels, level + 1)
    return b"\xd8\x1c\x8a" + inner + (b"\xd8\x1d" + cbor2.dumps(level + 1)) * 9


def test_few_bytes_that_stand_for_more_than_memory_holds_are_refused_at_once() -> None:
    begun = time.monotonic()
    repeated = b"\xd9\x01\x00\x82" + cbor2.dumps("x" * 30_000) + b"\x99\x27\x10" + b"\xd8\x19\x00" * 10_000
    for bomb in (shared(40), repeated):
        assert code_of(lambda bomb=bomb: Voucher.parse(payload(3, bomb))) == "object_malformed"
        assert code_of(lambda bomb=bomb: hand.verify(bomb)) == "object_malformed"
        assert code_of(lambda bomb=bomb: describe(bomb)) == "object_malformed"
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("byte", [b"\x00", b"\x81", b"\xd2", b"\x17", b"\xff"], ids=bytes.hex)
def test_a_megabyte_of_bytes_is_refused_in_time(byte: bytes) -> None:
    data = byte * 1_000_000
    begun = time.monotonic()
    for bundle in BUNDLES:
        assert code_of(lambda bundle=bundle: bundle.from_bytes(data)) == "object_malformed"
    for kind in KINDS:
        assert code_of(lambda kind=kind: kind.read(data)) == "object_malformed"
        assert code_of(lambda kind=kind: kind.parse(data)) == "object_malformed"
    assert code_of(lambda: describe(data)) == "object_malformed"
    for size in (1_000_000, MAX_DOCUMENT_BYTES):
        inside = encode([23, 1, *[byte * (size // 4)] * 4])
        assert code_of(lambda inside=inside: hand.verify(inside)) == "object_malformed"
    assert time.monotonic() - begun < 2


def test_terminal_and_device_refuse_a_megabyte_in_time_and_keep_nothing() -> None:
    terminal, device = hand.tax_hall(), hand.enrolled(loads=(hand.load(),))
    for unit in ("0", ":", "ECNY1:", "税"):
        text = "ECNY1:" + unit * (1_000_000 // len(unit))
        begun = time.monotonic()
        with refused("object_text_malformed", terminal, device):
            terminal.accept(text, at=START)
        with refused("object_text_malformed", terminal, device):
            device.pay(RequestBundle.from_text(text), at=START)
        assert time.monotonic() - begun < 2


# --- kinds and versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_object_is_never_read_as_one_of_another_kind(kind: type[SignedObject]) -> None:
    message = OBJECTS[kind].signed(hand.ROOT)
    for other in KINDS:
        if other is not kind:
            assert code_of(lambda other=other: other.read(message)) == "object_kind_wrong"
    for bundle in BUNDLES:
        assert code_of(lambda bundle=bundle: bundle.from_bytes(OBJECTS[kind].payload())) in (
            "object_kind_wrong",
            "object_malformed",
        )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("version", [0, 2, -1, 2**40, True])
def test_another_version_is_refused(kind: type[SignedObject], version: object) -> None:
    values = cbor2.loads(OBJECTS[kind].payload())
    values[1] = version
    assert code_of(lambda: kind.parse(encode(values))) == "object_version_unknown"


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_bundle_of_another_kind_version_or_content_is_refused(bundle: Any) -> None:
    names = bundle.__match_args__
    good = [bundle.kind, 1, *[b""] * len(names)]
    assert bundle.from_bytes(encode(good)) == bundle(*[b""] * len(names))
    for other in BUNDLES:
        if other is not bundle:
            assert code_of(lambda other=other: other.from_bytes(encode(good))) == "object_kind_wrong"
    for kind in (0, 1, -1, True, "23", None, 2**70):
        wrong = encode([kind, *good[1:]])
        assert code_of(lambda wrong=wrong: bundle.from_bytes(wrong)) == "object_kind_wrong"
    for version in (0, 2, True, "1", None):
        wrong = encode([bundle.kind, version, *good[2:]])
        assert code_of(lambda wrong=wrong: bundle.from_bytes(wrong)) == "object_version_unknown"
    for values in (good[:-1], [*good, b""], [*good[:-1], "text"], [*good[:-1], None], [*good[:-1], [b""]]):
        assert code_of(lambda values=values: bundle.from_bytes(encode(values))) == "object_malformed"
    for value in ([], [23], {}, {0: 23, 1: 1}, "text", b"", 23, None):
        assert code_of(lambda value=value: bundle.from_bytes(encode(value))) == "object_malformed"


# --- whose signature on what --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_signature_for_another_kind_never_passes_even_by_the_same_key(kind: type[SignedObject]) -> None:
    found = OBJECTS[kind]
    sign1.verify(found.signed(hand.STRANGER), hand.STRANGER.public_bytes, kind.domain(), signer="x")
    domains = [other.domain() for other in KINDS if other is not kind]
    domains += ["", kind.domain()[:-1], kind.domain() + "1", kind.domain().replace("/1", "/2")]
    assert len({other.domain() for other in KINDS}) == len(KINDS)
    for domain in domains:
        message = hand.signed_as(found, hand.STRANGER, domain)
        code = code_of(
            lambda message=message: sign1.verify(
                message, hand.STRANGER.public_bytes, kind.domain(), signer="x"
            )
        )
        assert code == "signature_invalid"


def test_signature_under_another_domain_is_refused_in_every_place_of_a_voucher() -> None:
    good = hand.bundle()
    places = {
        "operator": (hand.operator(), hand.ROOT),
        "device": (hand.device(), hand.OPERATOR),
        "load": (hand.load(), hand.OPERATOR),
        "voucher": (hand.voucher(), hand.DEVICE),
    }
    for name, (found, by) in places.items():
        for other in KINDS:
            if other is type(found):
                continue
            forged = replace(good, **{name: hand.signed_as(found, by, other.domain())})
            assert code_of(lambda forged=forged: hand.verify(forged.to_bytes())) == "signature_invalid"


CERTIFICATES = {
    "root": hand.root().signed(hand.ROOT),
    "operator": hand.operator().signed(hand.ROOT),
    "authority": hand.authority().signed(hand.ROOT),
    "device": hand.device().signed(hand.OPERATOR),
    "terminal": hand.terminal().signed(hand.AUTHORITY_KEY),
    "load": hand.LOAD,
}


@pytest.mark.parametrize("slot", ["operator", "device", "load", "voucher"])
def test_certificate_for_another_role_is_refused_in_every_place_of_a_voucher(slot: str) -> None:
    good = hand.bundle()
    for name, certificate in {**CERTIFICATES, "request": hand.REQUEST}.items():
        if name != slot:
            wrong = replace(good, **{slot: certificate})
            assert code_of(lambda wrong=wrong: hand.verify(wrong.to_bytes())) == "object_kind_wrong"


@pytest.mark.parametrize("slot", ["authority", "terminal", "request"])
def test_certificate_for_another_role_is_refused_in_every_place_of_a_request(slot: str) -> None:
    device = hand.enrolled(loads=(hand.load(),))
    good = hand.request_bundle()
    for name, certificate in {**CERTIFICATES, "voucher": hand.bundle().voucher}.items():
        if name != slot:
            with refused("object_kind_wrong", device):
                device.pay(replace(good, **{slot: certificate}), at=START)


@pytest.mark.parametrize("slot", ["root", "revocations"])
def test_certificate_for_another_role_is_refused_in_every_place_of_a_trust(slot: str) -> None:
    good = hand.trust_bundle()
    for name, certificate in {**CERTIFICATES, "voucher": hand.bundle().voucher}.items():
        if name != slot:
            wrong = replace(good, **{slot: certificate})
            assert code_of(lambda wrong=wrong: Trust.read(wrong)) == "object_kind_wrong"


def test_every_signature_of_a_voucher_by_a_stranger_is_refused() -> None:
    for name, found in {
        "operator": hand.operator(),
        "device": hand.device(),
        "load": hand.load(),
        "voucher": hand.voucher(),
    }.items():
        for stranger in (hand.STRANGER, hand.TERMINAL, hand.AUTHORITY_KEY):
            forged = replace(hand.bundle(), **{name: found.signed(stranger)}).to_bytes()
            assert code_of(lambda forged=forged: hand.verify(forged)) == "signature_invalid"


def test_authority_cannot_certify_devices_nor_an_operator_terminals() -> None:
    root_key = hand.ROOT.public_bytes
    by_authority = hand.device().signed(hand.AUTHORITY_KEY)
    of_operator = hand.operator().signed(hand.ROOT)
    assert code_of(lambda: payer_chain(root_key, of_operator, by_authority, hand.LOAD)) == "signature_invalid"
    by_operator = hand.terminal().signed(hand.OPERATOR)
    of_authority = hand.authority().signed(hand.ROOT)
    assert code_of(lambda: payee_chain(root_key, of_authority, by_operator)) == "signature_invalid"


def test_chain_from_another_root_is_refused() -> None:
    other = hand.trust_bundle(of_root=hand.root(public_key=hand.STRANGER.public_bytes).signed(hand.STRANGER))
    assert code_of(lambda: Trust.read(other)) == "signature_invalid"  # the list is still the old root's
    other = TrustBundle(other.root, hand.revocations().signed(hand.STRANGER))
    assert code_of(lambda: hand.verify(VOUCHER, anchor=Trust.read(other))) == "signature_invalid"
    device = hand.enrolled(loads=(hand.load(),))
    strange = replace(hand.request_bundle(), authority=hand.authority().signed(hand.STRANGER))
    with refused("signature_invalid", device):
        device.pay(strange, at=START)


def test_root_that_did_not_sign_itself_is_refused() -> None:
    assert code_of(lambda: read_root(hand.root().signed(hand.STRANGER))) == "signature_invalid"
    for public_key in (b"\xff" * 32, bytes(32)):
        forged = hand.root(public_key=public_key).signed(hand.ROOT)
        assert code_of(lambda forged=forged: read_root(forged)) == "signature_invalid"


# --- ranges -------------------------------------------------------------------------------------------------

_EARLIEST, _LATEST = 315_532_800, 7_258_118_400


def parsed(found: SignedObject) -> SignedObject:
    return type(found).parse(found.payload())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_number_is_read_to_its_edges_and_not_beyond(kind: type[SignedObject]) -> None:
    for name in kind.__match_args__:
        declared = kind.__dataclass_fields__[name].type
        if declared == "Fen":
            least, most = (1 if name == "amount" else 0), MAX_AMOUNT
        elif declared == "int":
            least, most = 0, MAX_COUNTER
        elif declared == "Seconds":
            least, most = _EARLIEST, _LATEST
        else:
            continue
        for value in (least, most):
            edge = replace(OBJECTS[kind], **{name: value})
            assert parsed(edge) == edge
        for value in (least - 1, most + 1, -1, 2**64, 2**200):
            wrong = replace(OBJECTS[kind], **{name: value})
            assert code_of(lambda wrong=wrong: parsed(wrong)) == "object_value_out_of_range", name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_text_and_byte_string_has_its_length_and_alphabet(kind: type[SignedObject]) -> None:
    for name in kind.__match_args__:
        declared = kind.__dataclass_fields__[name].type
        wrong: list[Any] = []
        if declared == "str":
            longest = replace(OBJECTS[kind], **{name: "A" * 64})
            assert parsed(longest) == longest
            wrong = ["", "A" * 65, "A B", "A\n", "税", "é", "A-1", "１", "\x00"]
        elif declared == "bytes" and name != "request":
            size = len(getattr(OBJECTS[kind], name))
            wrong = [b"", bytes(size - 1), bytes(size + 1), bytes(1000)]
        for value in wrong:
            changed = replace(OBJECTS[kind], **{name: value})
            assert code_of(lambda changed=changed: parsed(changed)) == "object_value_out_of_range", name


def test_revocation_list_of_another_form_is_refused() -> None:
    values = cbor2.loads(hand.revocations().payload())
    for entries in (None, {}, "", [1], [[]], [["D1"]], [["D1", NOW, 1]], [[1, NOW]], [["D1", "x"]], [{}]):
        assert (
            code_of(lambda e=entries: RevocationList.parse(encode([*values[:-1], e]))) == "object_malformed"
        )
    for entry in (["", NOW], ["D 1", NOW], ["D1", 0], ["D1", 2**70]):
        code = code_of(lambda e=entry: RevocationList.parse(encode([*values[:-1], [e]])))
        assert code == "object_value_out_of_range"
    full = tuple(Revocation(f"D2023042000000{n:04d}", NOW) for n in range(MAX_REVOCATIONS))
    long = hand.revocations(number=MAX_REVOCATIONS, revocations=full)
    assert parsed(long) == long
    over = replace(long, revocations=(*full, full[0]))
    assert code_of(lambda: parsed(over)) == "object_malformed"


@pytest.mark.parametrize(
    "paid",
    [
        {"amount": 0, "spent": 0},
        {"amount": MAX_AMOUNT + 1},
        {"spent": MAX_AMOUNT + 1},
        {"spent": 2**64},
        {"amount": -1},
        {"counter": -1},
        {"counter": MAX_COUNTER + 1},
        {"paid_at": 0},
        {"paid_at": _EARLIEST - 1},
        {"paid_at": _LATEST + 1},
    ],
    ids=ascii,
)
def test_terminal_refuses_a_signed_voucher_out_of_range_and_keeps_nothing(paid: dict[str, int]) -> None:
    terminal = hand.tax_hall()
    asked = terminal.request(bill_no="B1", amount=Fen(100), at=START)
    hostile = hand.bundle(hand.voucher(asked.request, **paid))
    with refused("object_value_out_of_range", terminal):
        terminal.accept(hostile.to_text(), at=START)


@pytest.mark.parametrize("paid_at", [_EARLIEST, _LATEST])
def test_voucher_of_the_first_or_last_time_that_can_be_written_is_judged(paid_at: int) -> None:
    code = code_of(lambda: hand.verify(hand.chained(paid={"paid_at": paid_at}).to_bytes()))
    assert code == ("voucher_from_the_future" if paid_at == _LATEST else "voucher_request_expired")


def test_request_inside_a_voucher_is_read_as_strictly() -> None:
    for wrong, code in (
        (b"", "object_malformed"),
        (hand.LOAD, "object_kind_wrong"),
        (hand.REQUEST[:-1], "object_malformed"),
        (hand.REQUEST + b"\x00", "object_malformed"),
        (cose(encode({1: -7}), {}, hand.request().payload(), SIGNATURE), "algorithm_unknown"),
        (hand.request(amount=0).signed(hand.TERMINAL), "object_value_out_of_range"),
    ):
        paid = replace(hand.voucher(), request=wrong)
        assert code_of(lambda paid=paid: hand.verify(hand.bundle(paid).to_bytes())) == code


# --- what a description does with hostile objects -----------------------------------------------------------


def test_evidence_within_evidence_is_refused_at_any_depth() -> None:
    data = VOUCHER
    for depth in range(3000):
        data = EvidenceBundle(data, b"").to_bytes()
        if depth in (0, 1, 50, 500, 2999):
            begun = time.monotonic()
            code = code_of(lambda data=data: describe(data))
            assert code in ("object_kind_wrong", "object_malformed")
            assert time.monotonic() - begun < 1


def test_voucher_within_a_voucher_is_refused_at_any_depth() -> None:
    message = hand.REQUEST
    for depth in range(300):
        message = replace(hand.voucher(), request=message).signed(hand.DEVICE)
        if depth in (1, 2, 50, 299):
            begun = time.monotonic()
            code = code_of(lambda message=message: describe(with_voucher(message)))
            assert code == "object_kind_wrong"
            assert time.monotonic() - begun < 1


def test_text_of_nothing_and_of_bare_objects_is_no_bundle() -> None:
    for data in (b"", b"\x80", b"\x00", hand.LOAD, hand.load().payload(), encode([99, 1])):
        assert code_of(lambda data=data: describe(data)) in ("object_malformed", "object_kind_unknown")
        assert to_text(data)


def test_voucher_read_with_wrong_certificate_objects_stays_typed() -> None:
    for kind in (RootCertificate, DeviceCertificate, LoadCertificate, PaymentRequest):
        assert kind.read(OBJECTS[kind].signed(hand.ROOT)) == OBJECTS[kind]
    assert VoucherBundle.from_bytes(VOUCHER) == hand.bundle()
    assert Seconds(NOW) == hand.NOW
