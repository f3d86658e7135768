"""COSE_Sign1 (RFC 9052, 4.2) in the one form of offline objects: small, and read in one way only.

The protected header names the algorithm (EdDSA) and nothing else: whose key it is follows from the chain of
certificates.  The domain of an object ("ecny-tax/voucher/1") is signed with it as external data (4.3), so a
signature for one kind of object never passes as one for another.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature

from ecny_tax.crypto.signatures import SigningKey, byte_string, public_key_of
from ecny_tax.errors import VerificationError

_PROTECTED = bytes.fromhex("a10127")  # {1: -8}, the algorithm is EdDSA
_HEAD = bytes.fromhex("d284") + b"\x43" + _PROTECTED + b"\xa0"  # tag 18, four items, no unprotected header
_ARRAY = _HEAD[:2]
_SIGNATURE_BYTES = 64
_TAIL = bytes((0x58, _SIGNATURE_BYTES))
_START = len(_HEAD)
_AFTER = len(_TAIL) + _SIGNATURE_BYTES


def sign(payload: bytes, key: SigningKey, domain: str) -> bytes:
    """A COSE_Sign1 message around ``payload`` for one kind of object."""
    return _HEAD + byte_string(payload) + _TAIL + key.sign(to_be_signed(payload, domain))


def to_be_signed(payload: bytes, domain: str) -> bytes:
    """The Sig_structure of RFC 9052, 4.4: what a signature is over."""
    return _context(domain) + byte_string(payload)


def payload_of(message: bytes) -> bytes:
    """What is signed, its signature unchecked.

    Raises ``VerificationError`` (``object_malformed``, ``algorithm_unknown``).
    """
    if not message.startswith(_HEAD):
        known = message.startswith(_ARRAY)
        raise VerificationError("algorithm_unknown" if known else "object_malformed", reason="no COSE_Sign1")
    start, size = _content(message)
    end = start + size
    if len(message) != end + _AFTER or message[end : end + len(_TAIL)] != _TAIL:
        raise VerificationError("object_malformed", reason="no COSE_Sign1")
    return message[start:end]


def verify(message: bytes, public_key: bytes, domain: str, *, signer: str) -> None:
    """Check the signature of a message that :func:`payload_of` has read.

    Raises ``VerificationError`` (``signature_invalid``, which names the ``signer``).
    """
    body = message[_START:-_AFTER]  # the payload with its head, as it is signed
    try:
        public_key_of(public_key).verify(message[-_SIGNATURE_BYTES:], _context(domain) + body)
    except InvalidSignature:
        raise VerificationError("signature_invalid", signer=signer) from None


def _content(message: bytes) -> tuple[int, int]:
    """Where the payload begins and how long it is, by the shortest head that says so (RFC 8949, 4.2.1)."""
    first = message[_START : _START + 1]
    if first == b"\x58":
        size = int.from_bytes(message[_START + 1 : _START + 2], "big")
        least, start = 24, _START + 2
    elif first == b"\x59":
        size = int.from_bytes(message[_START + 1 : _START + 3], "big")
        least, start = 2**8, _START + 3
    else:
        size = int.from_bytes(first, "big") - 0x40
        least, start = 0, _START + 1
    if size < least or (least == 0 and size >= 24):
        raise VerificationError("object_malformed", reason="no COSE_Sign1")
    return start, size


@lru_cache
def _context(domain: str) -> bytes:
    """The Sig_structure of RFC 9052, 4.4, up to the payload."""
    return b"\x84\x6aSignature1\x43" + _PROTECTED + byte_string(domain.encode())
