"""Sealed boxes: they open with their key at their place, and nowhere else."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.crypto.sealing import keyed_digest, seal, unseal
from ecny_tax.errors import VerificationError

KEY, OTHER_KEY = bytes(32), bytes(range(32))
LABEL = b"I230420AAAA"


def box_of(plain: bytes, key: bytes = KEY, label: bytes = LABEL) -> bytes:
    return seal(plain, key=key, label=label, random_bytes=os.urandom)


def refused(check: Callable[[], object]) -> None:
    with pytest.raises(VerificationError) as refusal:
        check()
    assert refusal.value.code == "identity_unreadable"
    assert refusal.value.message()


@given(st.binary(max_size=500), st.binary(min_size=32, max_size=32), st.text(max_size=30))
def test_box_opens_with_its_key_and_label(plain: bytes, key: bytes, label: str) -> None:
    box = box_of(plain, key, label.encode())
    assert unseal(box, key=key, label=label.encode()) == plain
    assert len(box) == 12 + len(plain) + 16


def test_box_does_not_show_what_it_holds_and_no_two_are_alike() -> None:
    plain = "梁先生".encode() * 10
    boxes = [box_of(plain) for _ in range(50)]
    assert all(plain[:9] not in box for box in boxes)
    assert len({box[:12] for box in boxes}) == len({box[12:] for box in boxes}) == 50


def test_wrong_key_and_wrong_label_are_refused() -> None:
    box = box_of(b"plain")
    refused(lambda: unseal(box, key=OTHER_KEY, label=LABEL))
    refused(lambda: unseal(box, key=KEY, label=LABEL + b"x"))
    refused(lambda: unseal(box, key=KEY, label=b""))


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33, b"x" * 16, b"x" * 24], ids=len)
def test_key_of_another_length_is_refused(key: bytes) -> None:
    box = box_of(b"plain")
    refused(lambda: unseal(box, key=key, label=LABEL))


def test_every_flipped_bit_and_every_cut_is_refused() -> None:
    box = box_of(b"a name and an id")
    for place in range(len(box) * 8):
        flipped = bytearray(box)
        flipped[place // 8] ^= 1 << place % 8
        refused(lambda flipped=flipped: unseal(bytes(flipped), key=KEY, label=LABEL))
    for end in range(len(box)):
        refused(lambda end=end: unseal(box[:end], key=KEY, label=LABEL))
    refused(lambda: unseal(box + b"\x00", key=KEY, label=LABEL))


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(lambda: unseal(data, key=KEY, label=LABEL))


@given(st.text(), st.text())
def test_digests_meet_exactly_where_texts_are_equal(one: str, other: str) -> None:
    assert (keyed_digest(one, key=KEY) == keyed_digest(other, key=KEY)) == (one == other)
    assert keyed_digest(one, key=KEY) != keyed_digest(one, key=OTHER_KEY)
    assert len(keyed_digest(one, key=KEY)) == 32
