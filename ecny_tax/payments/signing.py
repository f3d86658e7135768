"""Signed receipts: one COSE_Sign1 by the treasury that holds what is printed and its proof from the ledger.

The payload is a CBOR array; docs/receipts.md describes it to the byte.  Which fields a payment's receipt has
is told by ``receipt_form``, of a refund's by ``refunds.refund_voucher_form``; here is what both share: the
envelope, the transfers that moved the money with their paths to the root of a checkpoint, and the checks that
need neither a database nor to know what is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from ecny_tax.clock import micros
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import RejectedError, VerificationError
from ecny_tax.ledger.chart import LEVELS
from ecny_tax.ledger.checkpoint import Checkpoint
from ecny_tax.ledger.merkle import HASH
from ecny_tax.ledger.model import Ledger, TransferCode
from ecny_tax.ledger.proofs import InclusionProof
from ecny_tax.ledger.records import TransferRecord, read_transfer_record
from ecny_tax.money import Fen
from ecny_tax.payments.signed_values import array, malformed, moment_of, number, text
from ecny_tax.taxes.steps import Step

#: What is signed; part of the protected header.
CONTENT_TYPE = "application/vnd.ecny-tax.receipt+cbor"
VERSION = 1
#: What the payload holds, in its order.
PARTS = ("version", "kind", "issued_at", "content", "steps", "checkpoint", "hashes", "transfers")
#: The most transfers that a receipt proves: a refund sets off bills one by one.
MAX_TRANSFERS = 1_000
_MAX_STEPS = 1_000
ROLE = "treasury"


class Kind(IntEnum):
    """What a signed receipt is of."""

    PAYMENT = 1  # 电子缴款凭证
    REFUND = 2  # 税收收入退还书


@dataclass(frozen=True, slots=True)
class Opened:
    """A signed receipt whose signature holds: its content is still to be read, its proofs to be checked."""

    kind: Kind
    signer: str
    issued_at: datetime
    content: list[object]
    steps: tuple[Step, ...]
    records: tuple[TransferRecord, ...]
    _proofs: tuple[InclusionProof, ...]

    def check_proofs(self, published: Mapping[str, str]) -> Checkpoint:
        """Check that a published ledger has every record, as of the checkpoint; return that.

        Raises ``VerificationError``: ``checkpoint_malformed``, ``ledger_key_unknown``,
        ``signature_invalid``, ``inclusion_unproven``.
        """
        from ecny_tax.crypto.signatures import key_reader

        for proof in self._proofs:
            _record, checkpoint = proof.verify(key_reader(published))
        return checkpoint


def sign(
    keyring: Keyring,
    treasury: str,
    kind: Kind,
    *,
    issued_at: datetime,
    content: list[object],
    steps: Iterable[Step],
    proofs: Sequence[InclusionProof],
) -> bytes:
    """The signed receipt in bytes; the proofs are of one checkpoint.

    Raises ``RejectedError`` (``receipt_too_large``), as where a refund has set off hundreds of bills.
    """
    from ecny_tax.crypto.signatures import MAX_DOCUMENT_BYTES, encode, sign_one

    explained = [[step.label, step.label_zh, step.amount, step.citation] for step in steps]
    hashes, transfers = _shared(proofs)
    payload = [VERSION, kind, micros(issued_at), content, explained, proofs[0].note, hashes, transfers]
    message = sign_one(encode(payload), keyring.signing_key(ROLE, treasury), CONTENT_TYPE)
    if len(message) > MAX_DOCUMENT_BYTES:  # nobody would read it
        raise RejectedError("receipt_too_large", limit=MAX_DOCUMENT_BYTES)
    return message


def open_signed(data: bytes, published: Mapping[str, str]) -> Opened:
    """Check the signature, and read what every kind has.

    Raises ``VerificationError``: ``document_malformed``, ``signer_unknown``, ``signature_invalid``,
    ``receipt_malformed``, ``receipt_version_unknown``, ``record_malformed``.
    """
    from ecny_tax.crypto.signatures import decode, key_reader, verify_one

    signer, payload = verify_one(data, CONTENT_TYPE, key_reader(published))
    values = decode(payload)
    if not isinstance(values, list) or not values or type(values[0]) is not int:
        raise malformed("version")
    if values[0] != VERSION:
        raise VerificationError("receipt_version_unknown", known=VERSION)
    _version, kind, issued_at, content, steps, note, hashes, transfers = array(values, "receipt", len(PARTS))
    proofs = tuple(_proofs(hashes, transfers, text(note, "checkpoint")))
    return Opened(
        kind=Kind(number(kind, "kind", 1, len(Kind))),
        signer=signer,
        issued_at=moment_of(issued_at, "issued_at"),
        content=array(content, "content"),
        steps=tuple(_step(step) for step in array(steps, "steps", most=_MAX_STEPS)),
        records=tuple(read_transfer_record(proof.record) for proof in proofs),
        _proofs=proofs,
    )


def check_signer(opened: Opened, treasury: str) -> None:
    """The receipt is signed by the treasury that it names (``receipt_signer_differs``)."""
    if opened.signer != f"{ROLE}:{treasury}":
        raise VerificationError("receipt_signer_differs", signer=opened.signer, treasury=treasury)


def check_record(
    record: TransferRecord,
    *,
    codes: Sequence[TransferCode],
    at: datetime,
    reference: str | None = None,
    amount: Fen | None = None,
) -> None:
    """Check that a record of the ledger says what is printed; raises ``receipt_record_differs``."""
    said = {
        "ledger": (record.ledger, (Ledger.ECNY,)),
        "code": (record.code, codes),
        "time": (record.posted_at, (micros(at),)),
        "reference": (record.user_data, (record.user_data if reference is None else reference,)),
        "amount": (record.amount, (record.amount if amount is None else amount,)),
    }
    for field, (value, expected) in said.items():
        if value not in expected:
            raise VerificationError("receipt_record_differs", field=field, seq=record.seq)


def check_total(amount: int, parts: Iterable[int], what: str) -> None:
    """Parts add up to the amount that they are of; raises ``receipt_amounts_differ``."""
    if sum(parts) != amount:
        raise VerificationError("receipt_amounts_differ", what=what)


# --- the parts of the payload that every kind has -------------------------------------------------------


def _shared(proofs: Sequence[InclusionProof]) -> tuple[bytes, list[list[object]]]:
    """The paths with each hash once: transfers of one batch stand side by side and share most of theirs."""
    places: dict[bytes, int] = {}
    transfers: list[list[object]] = []
    for proof in proofs:
        path = [places.setdefault(one, len(places)) for one in proof.path]
        transfers.append([proof.record, proof.index, path])
    return b"".join(places), transfers


def _proofs(hashes: object, transfers: object, note: str) -> Iterable[InclusionProof]:
    """The proof of each transfer, of which there is at least one."""
    if not isinstance(hashes, bytes) or len(hashes) % HASH:
        raise malformed("hashes")
    known = [hashes[start : start + HASH] for start in range(0, len(hashes), HASH)]
    used = 0
    for transfer in array(transfers, "transfers", least=1, most=MAX_TRANSFERS):
        record, index, path = array(transfer, "transfer", 3)
        if not isinstance(record, bytes):
            raise malformed("record")
        places = []
        for one in array(path, "path", most=64):
            places.append(number(one, "path", 0, min(used, len(known) - 1)))
            used = max(used, places[-1] + 1)
        found = tuple(known[place] for place in places)
        yield InclusionProof(record, number(index, "index", 0, 2**63 - 1), found, note)
    if used != len(known) or len(set(known)) != len(known):
        raise malformed("hashes")


def _step(value: object) -> Step:
    label, label_zh, amount, citation = array(value, "step", 4)
    return Step(
        text(label, "step"),
        text(label_zh, "step"),
        Fen(number(amount, "step", -(2**63), 2**63 - 1)),
        text(citation, "step"),
    )


# --- the lines of both kinds ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedLine:
    """What one budget level got or gave of one tax."""

    tax: str
    tax_en: str
    budget_level: str
    amount: Fen


def written_lines(lines: Iterable[SignedLine]) -> list[object]:
    """Lines with the name of each tax once: [[tax, tax in English, [[level, amount], …]], …]."""
    found: list[tuple[tuple[str, str], list[object]]] = []
    for line in lines:
        names = (line.tax, line.tax_en)
        if not found or found[-1][0] != names:
            found.append((names, []))
        found[-1][1].append([LEVELS.index(line.budget_level) + 1, line.amount])
    return [[tax, tax_en, shares] for (tax, tax_en), shares in found]


def read_lines(value: object) -> tuple[SignedLine, ...]:
    """What :func:`written_lines` has written."""
    lines = []
    for part in array(value, "lines", least=1, most=100):
        tax, tax_en, shares = array(part, "lines", 3)
        for share in array(shares, "lines", least=1, most=100):
            level, amount = array(share, "lines", 2)
            lines.append(
                SignedLine(
                    text(tax, "tax"),
                    text(tax_en, "tax"),
                    LEVELS[number(level, "budget_level", 1, len(LEVELS)) - 1],
                    Fen(number(amount, "amount", 1)),
                )
            )
    return tuple(lines)
