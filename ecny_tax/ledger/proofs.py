"""Proofs that stand alone: a file, and the published keys, are all that it takes to check one.

{"format": "ecny-tax proof 1", "kind": "inclusion", "record": HEX, "index": 57, "path": [HEX, …],
 "checkpoint": NOTE}
{"format": "ecny-tax proof 1", "kind": "consistency", "earlier": NOTE, "path": [HEX, …], "checkpoint": NOTE}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ecny_tax import strict_json
from ecny_tax.errors import VerificationError
from ecny_tax.ledger import merkle
from ecny_tax.ledger.checkpoint import Checkpoint, open_checkpoint
from ecny_tax.ledger.records import TransferRecord, read_transfer_record

if TYPE_CHECKING:
    from ecny_tax.crypto.signatures import PublishedKeys

FORMAT = "ecny-tax proof 1"
_MAX_PATH = 2 * 64  # hashes: the longest path of a tree of 2^64 leaves, twice for consistency
_MAX_RECORD = 1024  # bytes


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That ``record`` is leaf ``index`` (from 0) of the checkpoint ``note``, by the hashes of ``path``."""

    record: bytes
    index: int
    path: tuple[bytes, ...]
    note: str

    def verify(self, published: PublishedKeys) -> tuple[TransferRecord, Checkpoint]:
        """The transfer that is proven, and the checkpoint that proves it.

        Raises ``VerificationError``: ``checkpoint_malformed``, ``ledger_key_unknown``, ``signature_invalid``,
        ``inclusion_unproven``, ``record_malformed``.
        """
        checkpoint = open_checkpoint(self.note, published)
        merkle.verify_inclusion(
            leaf=merkle.leaf_hash(self.record),
            index=self.index,
            size=checkpoint.size,
            path=self.path,
            root=checkpoint.root,
        )
        return read_transfer_record(self.record), checkpoint

    def to_json(self) -> str:
        """The proof as a file."""
        return _text(
            "inclusion", record=self.record.hex(), index=self.index, path=self.path, checkpoint=self.note
        )


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the log of ``note`` only added to the one of the ``earlier`` note, by the hashes of ``path``."""

    earlier: str
    path: tuple[bytes, ...]
    note: str

    def verify(self, published: PublishedKeys) -> tuple[Checkpoint, Checkpoint]:
        """The earlier and the later checkpoint, of which the later one continues the earlier one.

        Raises ``VerificationError``: what :func:`open_checkpoint` raises, ``checkpoint_of_another_ledger``,
        ``history_forked``.
        """
        earlier, later = open_checkpoint(self.earlier, published), open_checkpoint(self.note, published)
        if earlier.origin != later.origin:
            raise VerificationError("checkpoint_of_another_ledger", origin=earlier.origin)
        merkle.verify_consistency(
            earlier=earlier.size,
            later=later.size,
            path=self.path,
            earlier_root=earlier.root,
            later_root=later.root,
        )
        return earlier, later

    def to_json(self) -> str:
        """The proof as a file."""
        return _text("consistency", earlier=self.earlier, path=self.path, checkpoint=self.note)


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """What became of checking a proof; ``reason`` is the code of what is wrong.

    An inclusion proof proves ``record``; a consistency proof that the checkpoint of ``earlier_size`` records
    became that of ``size``.
    """

    valid: bool
    kind: Literal["inclusion", "consistency"] | None
    origin: str | None
    size: int | None
    earlier_size: int | None
    record: TransferRecord | None
    reason: str | None


def read_proof(text: str) -> InclusionProof | ConsistencyProof:
    """Read a proof file; raises ``VerificationError`` (``proof_malformed``)."""
    try:
        said = strict_json.loads(text)
        if isinstance(said, dict) and said.pop("format", None) == FORMAT:
            kind, path = said.pop("kind", None), _path(said.pop("path", None))
            if kind == "inclusion" and said.keys() == {"record", "index", "checkpoint"}:
                record, index = said["record"], said["index"]
                if type(index) is int and len(record) <= 2 * _MAX_RECORD:
                    return InclusionProof(_from_hex(record), index, path, _note(said["checkpoint"]))
            if kind == "consistency" and said.keys() == {"earlier", "checkpoint"}:
                return ConsistencyProof(_note(said["earlier"]), path, _note(said["checkpoint"]))
    except (ValueError, TypeError, RecursionError):
        pass
    raise VerificationError("proof_malformed")


def check_proof(text: str, published: PublishedKeys) -> ProofCheck:
    """Check a proof file with the published keys alone; refuses nothing, the answer says what is wrong."""
    kind: Literal["inclusion", "consistency"] | None = None
    try:
        proof = read_proof(text)
        if isinstance(proof, InclusionProof):
            kind = "inclusion"
            record, state = proof.verify(published)
            return ProofCheck(True, kind, state.origin, state.size, None, record, None)
        kind = "consistency"
        earlier, state = proof.verify(published)
        return ProofCheck(True, kind, state.origin, state.size, earlier.size, None, None)
    except VerificationError as error:
        return ProofCheck(False, kind, None, None, None, None, error.code)


def _text(kind: str, *, path: Sequence[bytes], **members: object) -> str:
    document = {"format": FORMAT, "kind": kind, **members, "path": [one.hex() for one in path]}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _from_hex(text: str) -> bytes:
    """Bytes from hex digits in their one form: lower case, no blanks."""
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise ValueError
    return data


def _path(hashes: object) -> tuple[bytes, ...]:
    if not isinstance(hashes, list) or len(hashes) > _MAX_PATH:
        raise TypeError
    path = tuple(_from_hex(one) for one in hashes)
    if any(len(one) != merkle.HASH for one in path):
        raise ValueError
    return path


def _note(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
