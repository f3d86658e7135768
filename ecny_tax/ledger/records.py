"""The canonical records of the ledger, which are the leaves of its transparency log.

Every column stands in them with a length of its own, so that no two rows have one record.  Numbers are big
endian.  What a journal holds, in the order of the log: the events that happened after transfer *n* stand
between it and transfer *n* + 1.  An event is the opening, closing or change of flags of an account, or an
entry of the access log, of which it bears the digest.

    transfer   1, seq, debit account, credit account, amount (fen): 8 bytes each; ledger, code, flags: 4 each;
               posted at (µs since 1970, UTC): 8; length of the id: 1; id; user data in UTF-8
    account    2, place, account, newest transfer before it: 8 each; ledger, code, flags: 4 each;
               time (µs): 8; name of the account in UTF-8
    access     3, place, newest transfer before it, time (µs): 8 each; digest of the entry

The digest of an entry of the access log is the SHA-256 of its own record:

    entry      4, place, time (µs): 8 each; then with a length of 4 before each, which is -1 for none:
               action, wallet, party, instrument, digest of the instrument, case, asked, outcome
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct, error

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.merkle import LEAF_PREFIX

_TRANSFER, _EVENT, _ACCESS, _ENTRY = 1, 2, 3, 4
_transfer = Struct(">BqqqqiiiqB")
_event = Struct(">Bqqqiiiq")
_access = Struct(">Bqqq")
_entry = Struct(">Bqq")
_length = Struct(">i")
# The prefix of a leaf is packed with its record, which saves joining them.
_transfer_leaf = Struct(">B" + "BqqqqiiiqB")
_PREFIX = LEAF_PREFIX[0]
_ID_BYTES = 16

#: (seq, debit account, credit account, amount, ledger, code, flags, posted at, id, user data in UTF-8)
TransferColumns = tuple[int, int, int, int, int, int, int, int, bytes, bytes]
#: (place, account, newest transfer before it, ledger, code, flags, time, name in UTF-8, digest): of an
#: account without a digest, of the access log without account, ledger, code, flags and name
EventColumns = tuple[
    int, int | None, int, int | None, int | None, int | None, int, bytes | None, bytes | None
]
#: (place, time, action, wallet, party, instrument, its digest, case, asked, outcome), texts in UTF-8
EntryColumns = tuple[
    int, int, bytes, bytes | None, bytes | None, bytes | None, bytes | None, bytes | None, bytes, bytes
]


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
    """The canonical record of an event; ``TypeError`` or ``struct.error`` for what is none."""
    place, account, after_seq, ledger, code, flags, at, name, digest = columns
    if digest is None and name is not None:
        return _event.pack(_EVENT, place, account, after_seq, ledger, code, flags, at) + name
    if digest is None or (account, flags) != (None, None):
        raise TypeError("it is an event neither of an account nor of the access log")
    return _access.pack(_ACCESS, place, after_seq, at) + digest


def entry_digest(columns: EntryColumns) -> bytes:
    """What an event seals of an entry of the access log: the hash of every column."""
    place, at, *texts = columns
    record = _entry.pack(_ENTRY, place, at)
    for text in texts:
        record += _length.pack(-1) if text is None else _length.pack(len(text)) + text
    return sha256(record).digest()


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
    return [sha256(LEAF_PREFIX + event_record(row)).digest() for row in rows]
