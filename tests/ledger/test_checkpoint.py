"""Checkpoints: signed notes as others write and read them, in one form only."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import VerificationError
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.ledger.checkpoint import open_checkpoint, read_checkpoint, sign_checkpoint

KEYRING = Keyring(bytes(range(32)))
KEY = KEYRING.signing_key("ledger", "0123456789abcdef")
ROOT = bytes(range(100, 132))
CHECKPOINT = sign_checkpoint(KEY, size=25, root=ROOT)
PUBLISHED = {KEY.name: KEY.public_bytes}.get


def test_a_note_has_the_form_of_the_specification() -> None:
    """c2sp.org/tlog-checkpoint and c2sp.org/signed-note, taken apart by hand."""
    text, signatures = CHECKPOINT.note.split("\n\n")
    assert text.split("\n") == ["ledger:0123456789abcdef", "25", base64.b64encode(ROOT).decode()]
    dash, name, signed = signatures.split(" ")
    assert (dash, name, signed[-1]) == ("—", "ledger:0123456789abcdef", "\n")
    raw = base64.b64decode(signed)
    assert raw[:4] == sha256(name.encode() + b"\n\x01" + KEY.public_bytes).digest()[:4]
    Ed25519PublicKey.from_public_bytes(KEY.public_bytes).verify(raw[4:], f"{text}\n".encode())


def test_a_signed_checkpoint_is_opened_with_the_published_key() -> None:
    assert open_checkpoint(CHECKPOINT.note, PUBLISHED) == CHECKPOINT
    assert read_checkpoint(CHECKPOINT.note) == CHECKPOINT


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_any_state_is_signed_and_read_back(size: int, root: bytes) -> None:
    opened = open_checkpoint(sign_checkpoint(KEY, size=size, root=root).note, PUBLISHED)
    assert (opened.size, opened.root, opened.origin) == (size, root, KEY.name)


def test_a_ledger_whose_key_is_not_published_is_unknown() -> None:
    with pytest.raises(VerificationError) as caught:
        open_checkpoint(CHECKPOINT.note, {}.get)
    assert caught.value.code == "ledger_key_unknown"


def test_another_ledgers_key_under_that_name_does_not_open_it() -> None:
    other = KEYRING.signing_key("ledger", "fedcba9876543210").public_bytes
    with pytest.raises(VerificationError) as caught:
        open_checkpoint(CHECKPOINT.note, {KEY.name: other}.get)
    assert caught.value.code == "signature_invalid"


@given(st.integers(0, len(CHECKPOINT.note) - 1), st.characters())
def test_a_note_with_any_other_character_does_not_open(place: int, character: str) -> None:
    note = CHECKPOINT.note[:place] + character + CHECKPOINT.note[place + 1 :]
    if note == CHECKPOINT.note:
        return
    with pytest.raises(VerificationError):
        open_checkpoint(note, PUBLISHED)


@pytest.mark.parametrize(
    "note",
    [
        "",
        CHECKPOINT.note[:-1],
        CHECKPOINT.note + "\n",
        CHECKPOINT.note + CHECKPOINT.note.splitlines()[-1] + "\n",
        CHECKPOINT.note.replace("\n25\n", "\n025\n"),
        CHECKPOINT.note.replace("\n25\n", "\n-25\n"),
        CHECKPOINT.note.replace("\n", "\r\n"),
        CHECKPOINT.note.replace("— ledger", "— \u2003ledger"),
        "x" * 5000,
    ],
)  # fmt: skip
def test_a_note_of_another_form_is_malformed(note: str) -> None:
    with pytest.raises(VerificationError) as caught:
        open_checkpoint(note, PUBLISHED)
    assert caught.value.code == "checkpoint_malformed"
