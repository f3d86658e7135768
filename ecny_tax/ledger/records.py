"""The canonical records of the ledger, which are the leaves of its transparency log.

Every column stands in them with a length of its own, so that no two rows have one record.  Numbers are big
endian.  What a journal holds, in the order of the log: the events of accounts (openings, closings, changes of
flags) that happened after transfer *n* stand between it and transfer *n* + 1.

    transfer   1, seq, debit account, credit account, amount (fen): 8 bytes each; ledger, code, flags: 4 each;
               posted at (µs since 1970, UTC): 8; length of the id: 1; id; user data in UTF-8
    event      2, place, account, newest transfer before it: 8 each; ledger, code, flags: 4 each;
               time (µs): 8; name of the account in UTF-8
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct, error

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.merkle import LEAF_PREFIX

_TRANSFER, _EVENT = 1, 2
_transfer = Struct(">BqqqqiiiqB")
_event = Struct(">Bqqqiiiq")
# The prefix of a leaf is packed with its record, which saves joining them.
_transfer_leaf = Struct(">B" + "BqqqqiiiqB")
_event_leaf = Struct(">B" + "Bqqqiiiq")
_PREFIX = LEAF_PREFIX[0]
_ID_BYTES = 16

#: (seq, debit account, credit account, amount, ledger, code, flags, posted at, id, user data in UTF-8)
TransferColumns = tuple[int, int, int, int, int, int, int, int, bytes, bytes]
#: (place, account, newest transfer before it, ledger, code, flags, time, name in UTF-8)
EventColumns = tuple[int, int, int, int, int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """A transfer as its record tells it: ``amount`` in fen, ``posted_at`` in microseconds since 1970, UTC."""

    seq: int
    debit_account_id: int
    credit_account_id: int
    amount: int
    ledger: int
    code: int
    flags: int
    posted_at: int
    id: bytes
    user_data: str


def transfer_record(columns: TransferColumns) -> bytes:
    """The canonical record of a stored transfer."""
    *numbers, id_, user_data = columns
    return _transfer.pack(_TRANSFER, *numbers, len(id_)) + id_ + user_data


def event_record(columns: EventColumns) -> bytes:
    """The canonical record of an opening, closing or change of flags."""
    *numbers, name = columns
    return _event.pack(_EVENT, *numbers) + name


def read_transfer_record(record: bytes) -> TransferRecord:
    """Read a record back, in its one form; raises ``VerificationError`` (``record_malformed``)."""
    try:
        kind, seq, debit, credit, amount, ledger, code, flags, at, length = _transfer.unpack_from(record)
        id_, text = record[_transfer.size : _transfer.size + length], record[_transfer.size + length :]
        if kind == _TRANSFER and length == len(id_) == _ID_BYTES:
            return TransferRecord(seq, debit, credit, amount, ledger, code, flags, at, id_, text.decode())
    except (error, UnicodeDecodeError):
        pass
    raise VerificationError("record_malformed")


def transfer_leaves(rows: Iterable[TransferColumns]) -> list[bytes]:
    """The leaf hash of each of many stored transfers."""
    pack = _transfer_leaf.pack
    return [
        sha256(
            pack(_PREFIX, _TRANSFER, seq, debit, credit, amount, ledger, code, flags, at, len(id_))
            + id_
            + user_data
        ).digest()
        for seq, debit, credit, amount, ledger, code, flags, at, id_, user_data in rows
    ]


def event_leaves(rows: Iterable[EventColumns]) -> list[bytes]:
    """The leaf hash of each of several stored events."""
    return [sha256(_event_leaf.pack(_PREFIX, _EVENT, *numbers) + name).digest() for *numbers, name in rows]
