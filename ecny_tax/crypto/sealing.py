"""Sealed identity data: AES-256-GCM with one data key a subject and custodian, wrapped by the latter's key.

Whoever destroys the wrapped data key has erased what it sealed, while everything that refers to it stays.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecny_tax.errors import VerificationError

_NONCE_BYTES = 12


def seal(plain: bytes, *, key: bytes, label: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
    """Encrypt under a 32-byte key; ``label`` binds the box to the place where it is kept."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, label)


def unseal(box: bytes, *, key: bytes, label: bytes) -> bytes:
    """Open a box that :func:`seal` made; raises ``VerificationError`` (``identity_unreadable``)."""
    try:
        return AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], label)
    except (InvalidTag, ValueError):
        raise VerificationError("identity_unreadable", place=label.decode()) from None


def keyed_digest(text: str, *, key: bytes) -> bytes:
    """HMAC-SHA256, by which sealed data is looked up: equal texts meet, nobody else learns them."""
    return hmac.digest(key, text.encode(), hashlib.sha256)


def passphrase_key(passphrase: str, *, salt: bytes) -> bytes:
    """A 32-byte key from a passphrase by scrypt (RFC 7914), N = 2^15: about 80 ms and 32 MB a guess."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
