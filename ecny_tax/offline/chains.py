"""From the root to whoever signed: chains of certificates, verified once and then remembered.

The central bank certifies operators and tax authorities, an operator its devices and their loads, a tax
authority its terminals.  Whether a chain is in force at a time, or was revoked, is asked of it each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ecny_tax.crypto import sign1
from ecny_tax.errors import VerificationError
from ecny_tax.offline.bundles import TrustBundle
from ecny_tax.offline.objects import (
    AuthorityCertificate,
    DeviceCertificate,
    LoadCertificate,
    OperatorCertificate,
    RevocationList,
    RootCertificate,
    Seconds,
    TerminalCertificate,
)


@dataclass(frozen=True, slots=True)
class Trust:
    """The anchor of every check: the root certificate, and what was revoked."""

    root: RootCertificate
    revocations: RevocationList
    since: dict[str, Seconds]

    @classmethod
    def read(cls, bundle: TrustBundle) -> Trust:
        """The trust in a bundle, whose revocation list the root has signed.

        A root certificate vouches for itself alone: take it from whom you trust.
        """
        root = read_root(bundle.root)
        revocations = RevocationList.read(bundle.revocations)
        sign1.verify(bundle.revocations, root.public_key, RevocationList.domain(), signer="root")
        return cls(root, revocations, {one.serial: one.since for one in revocations.revocations})


@dataclass(frozen=True, slots=True)
class PayerChain:
    """Root → operator → device and load, each signed by the one before it."""

    operator: OperatorCertificate
    device: DeviceCertificate
    load: LoadCertificate
    signer: str
    #: What may have been revoked of it.
    serials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PayeeChain:
    """Root → tax authority → terminal."""

    authority: AuthorityCertificate
    terminal: TerminalCertificate

    @property
    def serials(self) -> tuple[str, ...]:
        """What may have been revoked of it."""
        return self.authority.serial, self.terminal.serial, self.terminal.terminal_id


@lru_cache(maxsize=64)
def read_root(message: bytes) -> RootCertificate:
    """A root certificate, which must be signed by itself."""
    root = RootCertificate.read(message)
    sign1.verify(message, root.public_key, RootCertificate.domain(), signer="root")
    return root


@lru_cache(maxsize=4096)
def payer_chain(root_key: bytes, operator: bytes, device: bytes, load: bytes) -> PayerChain:
    """The chain of a voucher, its signatures and names checked.

    Raises ``VerificationError``: ``signature_invalid`` (also of a chain from another root),
    ``load_of_other_device``, and what reading the objects raises.
    """
    of_operator = OperatorCertificate.read(operator)
    of_device = DeviceCertificate.read(device)
    of_load = LoadCertificate.read(load)
    sign1.verify(operator, root_key, OperatorCertificate.domain(), signer="root")
    by = f"operator:{of_operator.operator}"
    sign1.verify(device, of_operator.public_key, DeviceCertificate.domain(), signer=by)
    sign1.verify(load, of_operator.public_key, LoadCertificate.domain(), signer=by)
    if of_load.device_id != of_device.device_id:
        raise VerificationError("load_of_other_device", load_id=of_load.load_id)
    signer = f"device:{of_device.device_id}"
    serials = (of_operator.serial, of_device.serial, of_device.device_id, of_load.load_id)
    return PayerChain(of_operator, of_device, of_load, signer, serials)


@lru_cache(maxsize=1024)
def payee_chain(root_key: bytes, authority: bytes, terminal: bytes) -> PayeeChain:
    """The chain of a request, its signatures and names checked; raises as :func:`payer_chain` does,
    and ``terminal_of_other_authority``."""
    of_authority = AuthorityCertificate.read(authority)
    of_terminal = TerminalCertificate.read(terminal)
    sign1.verify(authority, root_key, AuthorityCertificate.domain(), signer="root")
    by = f"tax_authority:{of_authority.authority}"
    sign1.verify(terminal, of_authority.public_key, TerminalCertificate.domain(), signer=by)
    if of_terminal.authority != of_authority.authority:
        raise VerificationError("terminal_of_other_authority", terminal=of_terminal.terminal_id)
    return PayeeChain(of_authority, of_terminal)
