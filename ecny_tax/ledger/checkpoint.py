"""Checkpoints of the transparency log: signed notes after C2SP tlog-checkpoint and signed-note.

    ledger:3f0c9a1be2d44d57                        the origin: which ledger it is, and the name of its key
    25                                             how many records are sealed
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   the root of the Merkle tree over them (RFC 9162)

    — ledger:3f0c9a1be2d44d57 Az3grlgt…            four bytes that tell the key, then an Ed25519 signature

Any tool for signed notes can verify one.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NoReturn

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.merkle import HASH

if TYPE_CHECKING:
    from ecny_tax.crypto.signatures import PublishedKeys, SigningKey

ROLE = "ledger"
MAX_NOTE = 1024
_ED25519 = b"\x01"  # the kind of signature in a key's id
_NOTE = re.compile(
    r"(?P<text>(?P<origin>ledger:[0-9a-f]{16})\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n)"
    r"\n— (?P<name>[^ +\n]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the log of one ledger: ``size`` records with this root; ``note`` is the signed text."""

    origin: str
    size: int
    root: bytes
    note: str


def sign_checkpoint(key: SigningKey, *, size: int, root: bytes) -> Checkpoint:
    """Sign a state of the log with the ledger's key, whose name is the origin."""
    text = f"{key.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    signed = _key_id(key.name, key.public_bytes) + key.sign(text.encode())
    note = f"{text}\n— {key.name} {base64.b64encode(signed).decode()}\n"
    return Checkpoint(key.name, size, root, note)


def read_checkpoint(note: str) -> Checkpoint:
    """What a note says, its signature unchecked; raises ``VerificationError`` (``checkpoint_malformed``)."""
    found = _NOTE.fullmatch(note) if len(note) <= MAX_NOTE else None
    if found is None or found["name"] != found["origin"]:
        _malformed()
    return Checkpoint(found["origin"], int(found["size"]), _decoded(found["root"], HASH), note)


def open_checkpoint(note: str, published: PublishedKeys) -> Checkpoint:
    """Read a note and check that the ledger that it names has signed it.

    Raises ``VerificationError`` (``checkpoint_malformed``, ``ledger_key_unknown``, ``signature_invalid``).
    """
    from ecny_tax.crypto.signatures import check_signature

    checkpoint = read_checkpoint(note)
    key = published(checkpoint.origin)
    if key is None:
        raise VerificationError("ledger_key_unknown", origin=checkpoint.origin)
    text, _, signed = note.partition("\n\n")
    raw = _decoded(signed.rpartition(" ")[2].rstrip("\n"), 4 + 64)
    if raw[:4] != _key_id(checkpoint.origin, key):
        raise VerificationError("signature_invalid", signer=checkpoint.origin)
    check_signature(f"{text}\n".encode(), raw[4:], key, signer=checkpoint.origin)
    return checkpoint


def _key_id(name: str, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def _decoded(text: str, size: int) -> bytes:
    """Base64 in its one canonical form."""
    data = base64.b64decode(text)
    if len(data) != size or base64.b64encode(data).decode() != text:
        _malformed()
    return data


def _malformed() -> NoReturn:
    raise VerificationError("checkpoint_malformed")
