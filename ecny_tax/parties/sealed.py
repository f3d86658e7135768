"""How an identity is kept: its pseudonym, the digest it is found by, the boxes it is sealed in."""

from __future__ import annotations

import json
from collections.abc import Callable

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.parties.model import Identity, IdentityKind

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_RandomBytes = Callable[[int], bytes]


def subject_of(keyring: Keyring, kind: IdentityKind, number: str | None) -> str:
    """The pseudonym of whoever bears this id number (or, for class IV, this phone)."""
    from ecny_tax.crypto.sealing import keyed_digest

    digest = keyed_digest(json.dumps([kind, number]), key=keyring.secret("subject pseudonym"))
    return f"S{digest.hex()[:20].upper()}"


def plain_text(kind: IdentityKind, name: str | None, id_number: str | None, phone: str | None) -> str:
    """What is sealed of an identity, in its one form."""
    return _ENCODE([kind, name, id_number, phone])


def look_up_digest(keyring: Keyring, custodian: str, subject_id: str, plain: str) -> bytes:
    """What a custodian finds the same identity by, and nobody else learns it from."""
    from ecny_tax.crypto.sealing import keyed_digest

    return keyed_digest(f"{subject_id} {plain}", key=keyring.secret(f"identity look-up/{custodian}"))


def sealed(plain: str, *, key: bytes, identity_id: str, custodian: str, random_bytes: _RandomBytes) -> bytes:
    """The box of an identity under the data key of its subject and custodian."""
    from ecny_tax.crypto.sealing import seal

    label = f"{identity_id}/{custodian}".encode()
    return seal(plain.encode(), key=key, label=label, random_bytes=random_bytes)


def wrapped(
    data_key: bytes, keyring: Keyring, *, subject_id: str, custodian: str, random_bytes: _RandomBytes
) -> bytes:
    """A data key in the box that its custodian alone opens."""
    from ecny_tax.crypto.sealing import seal

    key, label = _wrapping(keyring, subject_id, custodian)
    return seal(data_key, key=key, label=label, random_bytes=random_bytes)


def unwrapped(keyring: Keyring, subject_id: str, custodian: str, box: bytes) -> bytes:
    from ecny_tax.crypto.sealing import unseal

    key, label = _wrapping(keyring, subject_id, custodian)
    return unseal(box, key=key, label=label)


def opened(
    keyring: Keyring,
    identity_id: str,
    subject_id: str,
    custodian: str,
    kind: str,
    box: bytes | None,
    key_box: bytes | None,
) -> Identity:
    """Unseal an identity; once its subject was erased it comes without name, id number and phone."""
    from ecny_tax.crypto.sealing import unseal

    if box is None or key_box is None:
        return Identity(identity_id, subject_id, IdentityKind(kind), erased=True)
    data_key = unwrapped(keyring, subject_id, custodian, key_box)
    plain = unseal(box, key=data_key, label=f"{identity_id}/{custodian}".encode())
    _kind, name, id_number, phone = json.loads(plain)
    return Identity(identity_id, subject_id, IdentityKind(kind), name, id_number, phone)


def _wrapping(keyring: Keyring, subject_id: str, custodian: str) -> tuple[bytes, bytes]:
    return keyring.secret(f"identity keys/{custodian}"), f"{subject_id}/{custodian}".encode()
