"""COSE signatures (RFC 9052) with Ed25519 over deterministic CBOR (RFC 8949, 4.2).

The protected header names the algorithm, the key and the kind of document (its content type), so a
signature for one kind of document never passes as one for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NoReturn

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ecny_tax.errors import VerificationError

MAX_DOCUMENT_BYTES = 64 * 1024

_ALGORITHM, _CONTENT_TYPE, _KEY_ID = 1, 3, 4
_EDDSA = -8
_SIGN1_TAG, _SIGN_TAG = 18, 98
_MAX_SIGNERS = 8
_KEYS, _SCALARS = (str, int), (str, int, bytes, type(None))
_MAX_HEADER_BYTES = 1024
_MAX_DEPTH = 64

#: Answers the 32 bytes of a published key by its name, or None where no such key is published.
PublishedKeys = Callable[[str], bytes | None]


class SigningKey:
    """An Ed25519 private key with its name, such as ``tax_authority:14407840000``."""

    __slots__ = ("_key", "name", "public_bytes")

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def encode(value: object) -> bytes:
    """Deterministic CBOR (RFC 8949, 4.2.1) of whole numbers, text, bytes, lists and maps.

    The encoder sorts shorter map keys first, which is the order of 4.2.1 as long as the keys of a map are
    all text, or all numbers, as they are here.
    """
    return cbor2.dumps(value, canonical=True)


def encode_sorted(value: Mapping[str, str | int | bytes]) -> bytes:
    """:func:`encode` of a map whose keys are in the order of 4.2.1 already, at a third of the cost."""
    return cbor2.dumps(value)


def decode(data: bytes) -> object:
    """Read CBOR in its one deterministic form, of the values that :func:`encode` takes.

    Anything else raises ``VerificationError`` (``document_malformed``).
    """
    value = decode_any(data)
    try:
        plain = _is_plain(value)
    except RecursionError:
        plain = False
    if not plain:
        raise VerificationError("document_malformed", reason="it is not deterministic CBOR")
    return value


def decode_any(data: bytes) -> object:
    """Read CBOR in its one deterministic form, where the caller judges the type of every value itself."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise VerificationError("document_malformed", reason=f"it is longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        value = cbor2.loads(data, semantic_decoders=_NO_TAGS, tag_hook=_refuse_tag, max_depth=_MAX_DEPTH)
        if cbor2.dumps(value, canonical=True) == data:
            return value
    # A decoder of untrusted bytes may fail in many ways (nesting, huge numbers); each means the same.
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError, EOFError):
        pass
    raise VerificationError("document_malformed", reason="it is not deterministic CBOR")


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError("a tag")


#: The decoder knows these tags besides those of long numbers.  None stands in our documents, and two of them
#: (values that are shared, text that is repeated) let few bytes stand for more than any memory holds.
_NO_TAGS = dict.fromkeys(
    (0, 1, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
    _refuse_tag,
)


def sign_one(payload: bytes, key: SigningKey, content_type: str) -> bytes:
    """A COSE_Sign1 message around ``payload``."""
    context, head = _around(key.name, content_type)
    body = byte_string(payload)
    return head + body + byte_string(key.sign(context + body))


def key_reader(published: Mapping[str, str]) -> PublishedKeys:
    """Published keys (name → 64 hex digits), to check signatures with."""

    def key_of(name: str) -> bytes | None:
        try:
            return bytes.fromhex(published[name])
        except (KeyError, ValueError, TypeError):  # not published, or not as a key
            return None

    return key_of


def verify_one(message: bytes, content_type: str, published: PublishedKeys) -> tuple[str, bytes]:
    """Check a COSE_Sign1 message; return the signer's name and the payload."""
    protected, _unprotected, payload, signature = _parts(message, _SIGN1_TAG)
    if not isinstance(payload, bytes):
        raise VerificationError("document_malformed", reason="it has no payload")
    signed = _to_be_signed("Signature1", [_bytes(protected)], payload)
    return _check(_bytes(protected), signed, _bytes(signature), content_type, published), payload


def payload_of_one(message: bytes) -> bytes:
    """What a COSE_Sign1 message holds, whoever signed it; raises ``VerificationError``
    (``document_malformed``)."""
    return _bytes(_parts(message, _SIGN1_TAG)[2])


def sign_many(payload: bytes, keys: Sequence[SigningKey], content_type: str) -> bytes:
    """A COSE_Sign message over a detached ``payload`` (RFC 9052, 4.1), one signature a key, in order."""
    body = encode({_CONTENT_TYPE: content_type})
    signatures = []
    for key in keys:
        protected = _protected(key.name, content_type)
        signed = _to_be_signed("Signature", [body, protected], payload)
        signatures.append([protected, {}, key.sign(signed)])
    return encode(cbor2.CBORTag(_SIGN_TAG, [body, {}, None, signatures]))


def verify_many(message: bytes, payload: bytes, content_type: str, published: PublishedKeys) -> list[str]:
    """Check every signature of a COSE_Sign message over ``payload``; return the signers' names in order."""
    body, _unprotected, attached, signatures = _parts(message, _SIGN_TAG)
    if attached is not None or not isinstance(signatures, list) or not 0 < len(signatures) <= _MAX_SIGNERS:
        raise VerificationError("document_malformed", reason="it is not the expected COSE message")
    if body != encode({_CONTENT_TYPE: content_type}):
        raise VerificationError("document_malformed", reason="it is a document of another kind")
    names = []
    for item in signatures:
        if not isinstance(item, list) or len(item) != len(("protected", "unprotected", "signature")):
            raise VerificationError("document_malformed", reason="a signature has the wrong form")
        if item[1] != {}:
            raise VerificationError("document_malformed", reason="a signature has an unprotected header")
        protected, signature = _bytes(item[0]), _bytes(item[2])
        signed = _to_be_signed("Signature", [_bytes(body), protected], payload)
        names.append(_check(protected, signed, signature, content_type, published))
    return names


@lru_cache(maxsize=4096)
def _protected(name: str, content_type: str) -> bytes:
    return encode({_ALGORITHM: _EDDSA, _CONTENT_TYPE: content_type, _KEY_ID: name.encode()})


@lru_cache(maxsize=4096)
def _around(name: str, content_type: str) -> tuple[bytes, bytes]:
    """What stands before the payload: in the Sig_structure of RFC 9052, 4.4, and in the message itself.

    Both are the same for every payload that a key signs; encoding them anew would cost as much as the rest.
    """
    protected = byte_string(_protected(name, content_type))
    four_items, no_external_data, no_unprotected_header = b"\x84", b"\x40", b"\xa0"
    context = four_items + encode("Signature1") + protected + no_external_data
    return context, _head(_SIGN1_TAG) + four_items + protected + no_unprotected_header


def byte_string(data: bytes) -> bytes:
    """A byte string in deterministic CBOR, with the shortest head that tells its length (RFC 8949, 3)."""
    size = len(data)
    if size < 24:  # up to there the first byte holds the length
        return bytes((0x40 + size,)) + data
    if size < 2**8:
        return bytes((0x58, size)) + data
    return encode(data) if size >= 2**16 else b"\x59" + size.to_bytes(2, "big") + data


def _to_be_signed(context: str, protected: list[bytes], payload: bytes) -> bytes:
    """The Sig_structure of RFC 9052, 4.4, with no external data."""
    return encode([context, *protected, b"", payload])


def _parts(message: bytes, tag: int) -> list[object]:
    if len(message) > MAX_DOCUMENT_BYTES:
        raise VerificationError("document_malformed", reason=f"it is longer than {MAX_DOCUMENT_BYTES} bytes")
    head = _head(tag)
    if not message.startswith(head):
        raise VerificationError("document_malformed", reason="it is not the expected COSE message")
    parts = decode(message[len(head) :])
    if not isinstance(parts, list) or len(parts) != 4 or parts[1] != {}:
        raise VerificationError("document_malformed", reason="it is not the expected COSE message")
    return parts


def _check(
    protected: bytes, signed: bytes, signature: bytes, content_type: str, published: PublishedKeys
) -> str:
    """Check one signature against the key its protected header names; return that name."""
    if len(protected) > _MAX_HEADER_BYTES:
        raise VerificationError("document_malformed", reason="a protected header is too long")
    name = _signer(protected, content_type)
    public = published(name)
    if public is None:
        raise VerificationError("signer_unknown", signer=name)
    check_signature(signed, signature, public, signer=name)
    return name


def check_signature(signed: bytes, signature: bytes, public: bytes, *, signer: str) -> None:
    """Check a bare Ed25519 signature (RFC 8032); raises ``VerificationError`` (``signature_invalid``)."""
    try:
        public_key_of(public).verify(signature, signed)
    except InvalidSignature:
        raise VerificationError("signature_invalid", signer=signer) from None


@lru_cache(maxsize=4096)
def _signer(protected: bytes, content_type: str) -> str:
    """Whose key a protected header names; the header has one form alone for a key and a content type."""
    header = decode(protected)
    key_id = header.get(_KEY_ID) if isinstance(header, dict) else None
    if isinstance(key_id, bytes) and key_id.isascii():
        name = key_id.decode("ascii")
        if protected == _protected(name, content_type):
            return name
    raise VerificationError("document_malformed", reason="a protected header has the wrong form")


@lru_cache
def _head(tag: int) -> bytes:
    """The bytes with which a tagged value starts."""
    return encode(cbor2.CBORTag(tag, None))[:-1]


@lru_cache(maxsize=4096)
def public_key_of(raw: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise VerificationError("document_malformed", reason="a published key is not 32 bytes") from None


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise VerificationError("document_malformed", reason="it is not the expected COSE message")
    return value


def _is_plain(value: object) -> bool:
    if isinstance(value, _SCALARS):
        return True
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, _KEYS) and _is_plain(item) for key, item in value.items())
    return False
