"""What travels in one file or QR code: a signed object with the certificates that lead to the root.

A bundle is a CBOR array: its kind, the version of its form, then each signed object as a byte string.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, Self

from ecny_tax.crypto.signatures import encode
from ecny_tax.offline.objects import VERSION, array, digest, malformed, parts
from ecny_tax.text_form import from_text, to_text


@dataclass(frozen=True)
class Bundle:
    """What all of them share: fields of bytes, and the way to and from one text."""

    kind: ClassVar[int]
    name: ClassVar[str]

    def to_bytes(self) -> bytes:
        """The bundle in deterministic CBOR."""
        return encode([self.kind, VERSION, *(getattr(self, field.name) for field in fields(self))])

    def to_text(self) -> str:
        """The bundle as text, ``ECNY1:…``."""
        return to_text(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A bundle in its one form, what it holds unread.

        Raises ``VerificationError``: ``object_malformed``, ``object_kind_wrong``, ``object_version_unknown``.
        """
        values = parts(data, cls.kind, cls.name, len(cls.__match_args__))
        for value in values:
            if not isinstance(value, bytes):
                raise malformed(cls.name, "what it holds is no byte string")
        return cls(*values)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What :meth:`from_bytes` reads, from text; raises ``object_text_malformed`` besides."""
        return cls.from_bytes(from_text(text))


@dataclass(frozen=True)
class TrustBundle(Bundle):
    """What one needs to check offline objects: the root certificate and the current revocation list."""

    kind, name = 21, "trust"

    root: bytes
    revocations: bytes


@dataclass(frozen=True)
class RequestBundle(Bundle):
    """A request with the certificates of its terminal and tax authority."""

    kind, name = 22, "request with its chain"

    authority: bytes
    terminal: bytes
    request: bytes


@dataclass(frozen=True)
class VoucherBundle(Bundle):
    """A voucher with the certificates of its operator, device and load."""

    kind, name = 23, "voucher with its chain"

    operator: bytes
    device: bytes
    load: bytes
    voucher: bytes

    @cached_property
    def digest(self) -> bytes:
        """The digest of the voucher, by which it is known."""
        return digest(self.voucher)

    @cached_property
    def voucher_id(self) -> str:
        """A number for people: ``V`` and the beginning of the digest."""
        return voucher_id(self.digest)


@dataclass(frozen=True)
class EvidenceBundle(Bundle):
    """Evidence of a double spend (双花证据): two vouchers of one load that contradict each other, with their
    chains; or one, and the unload statement that it contradicts."""

    kind, name = 24, "evidence"

    first: bytes
    second: bytes


@dataclass(frozen=True)
class ReceiptBundle(Bundle):
    """A provisional receipt with the certificates of its terminal and tax authority."""

    kind, name = 25, "provisional receipt with its chain"

    authority: bytes
    terminal: bytes
    receipt: bytes


@dataclass(frozen=True)
class UnloadBundle(Bundle):
    """A device's unload statement with the certificates of its operator, device and load."""

    kind, name = 26, "unload statement with its chain"

    operator: bytes
    device: bytes
    load: bytes
    statement: bytes


BUNDLES: tuple[type[Bundle], ...] = (
    TrustBundle, RequestBundle, VoucherBundle, EvidenceBundle, ReceiptBundle, UnloadBundle,
)  # fmt: skip


def kind_of(data: bytes) -> object:
    """The kind of a bundle; raises ``VerificationError`` (``object_malformed``) for what is none."""
    return array(data, "bundle")[0]


def voucher_id(voucher_digest: bytes) -> str:
    """How a voucher with this digest is called."""
    return f"V{voucher_digest.hex()[:20].upper()}"
