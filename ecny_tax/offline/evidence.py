"""What vouchers of one load show about each other, and evidence of a double spend (双花证据).

A device signs the vouchers of a load one after the other: each has the next counter, adds its amount to the
sum, and names the digest of the one before; an unload statement says where that ends.  Two signed objects
that cannot stand in one such row prove that the device signed twice, whoever made it do so.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecny_tax.crypto import sign1
from ecny_tax.errors import VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import EvidenceBundle, UnloadBundle, VoucherBundle, kind_of, voucher_id
from ecny_tax.offline.chains import PayerChain, payer_chain
from ecny_tax.offline.checks import check_chain, present
from ecny_tax.offline.objects import RootCertificate, UnloadStatement, Voucher, digest


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a signed object puts a load: the counter, the sum before and after, what came before it.

    An unload statement stands at the next counter, adds nothing, and nothing may follow it.
    """

    counter: int
    before: Fen
    after: Fen
    previous: bytes
    digest: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proven evidence says: this device signed both, and ``proves`` is the code of why it may not.

    ``counter`` is that of the second; ``first`` and ``second`` are the numbers of the two vouchers, or of
    an unload statement (U…).
    """

    proves: str
    device_id: str
    wallet_id: str
    load_id: str
    counter: int
    first: str
    second: str


def stand_of_voucher(voucher: Voucher, voucher_digest: bytes) -> Stand:
    """Where a voucher puts its load."""
    before = Fen(voucher.spent - voucher.amount)
    return Stand(voucher.counter, before, voucher.spent, voucher.previous, voucher_digest, is_last=False)


def stand_of_unload(statement: UnloadStatement, statement_digest: bytes) -> Stand:
    """Where an unload statement leaves its load."""
    spent = statement.spent
    return Stand(statement.next_counter, spent, spent, statement.last, statement_digest, is_last=True)


def stand_of(data: bytes) -> Stand:
    """Where the voucher or the unload statement in a bundle puts its load, its signature unchecked."""
    if kind_of(data) == UnloadBundle.kind:
        statement = UnloadBundle.from_bytes(data).statement
        return stand_of_unload(UnloadStatement.read(statement), digest(statement))
    voucher = VoucherBundle.from_bytes(data).voucher
    return stand_of_voucher(Voucher.read(voucher), digest(voucher))


def contradiction(one: Stand, other: Stand) -> str | None:
    """Why both cannot be of one row, as a code; ``None`` where they can, or are the same object."""
    if one.digest == other.digest:
        return None
    low, high = sorted((one, other), key=lambda stand: (stand.counter, stand.is_last))
    if low.counter == high.counter:
        return "voucher_after_unload" if low.is_last != high.is_last else "voucher_counter_reused"
    if low.is_last:
        return "voucher_after_unload"
    follows = high.counter == low.counter + 1
    if high.before < low.after or (follows and (high.before, high.previous) != (low.after, low.digest)):
        return "voucher_chain_forked"
    return None


def verify_evidence(bundle: EvidenceBundle, root: RootCertificate) -> Evidence:
    """Check evidence with the root certificate alone.

    Raises ``VerificationError``: ``evidence_proves_nothing`` where the two are of different loads or
    devices, or can both be of one row; and what reading and checking a chain raise.
    """
    chain, first, first_load, first_name = _signed(bundle.first, root.public_key)
    other, second, second_load, second_name = _signed(bundle.second, root.public_key)
    proves = contradiction(first, second)
    same_device = chain.device.public_key == other.device.public_key
    if proves is None or first_load != second_load or not same_device:
        raise VerificationError("evidence_proves_nothing")
    return Evidence(
        proves=proves,
        device_id=chain.device.device_id,
        wallet_id=chain.device.wallet_id,
        load_id=chain.load.load_id,
        counter=second.counter,
        first=first_name,
        second=second_name,
    )


def unloaded(bundle: UnloadBundle, root_key: bytes) -> tuple[PayerChain, UnloadStatement]:
    """An unload statement whose device signed it for its own load, by a chain from the root.

    Raises ``VerificationError``: ``signature_invalid``, ``load_of_other_device``, and what reading raises.
    """
    chain = payer_chain(root_key, bundle.operator, bundle.device, bundle.load)
    said = UnloadStatement.read(bundle.statement)
    signer = f"device:{chain.device.device_id}"
    sign1.verify(bundle.statement, chain.device.public_key, UnloadStatement.domain(), signer=signer)
    if (said.load_id, said.device_id) != (chain.load.load_id, chain.device.device_id):
        raise VerificationError("load_of_other_device", load_id=said.load_id)
    return chain, said


def _signed(data: bytes, root_key: bytes) -> tuple[PayerChain, Stand, bytes, str]:
    """The chain, the stand, the load certificate and the number of one of the two."""
    if kind_of(data) == UnloadBundle.kind:
        bundle = UnloadBundle.from_bytes(data)
        chain, said = unloaded(bundle, root_key)
        stand = stand_of_unload(said, digest(bundle.statement))
        return chain, stand, bundle.load, f"U{stand.digest.hex()[:20].upper()}"
    presented = present(data)
    chain = check_chain(presented, root_key)
    stand = stand_of_voucher(presented.voucher, presented.bundle.digest)
    return chain, stand, presented.bundle.load, voucher_id(stand.digest)
