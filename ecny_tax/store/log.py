"""The transparency log in its tables: sealing what was committed, and proving that a record is in it.

The leaves are the transfers in the order of the journal, with each event (of an account: opening, closing,
change of flags; or an entry of the access log) between the transfers that it happened between: event *p* that
came after *n* transfers is leaf *p* - 1 + *n*, counted from 0.  So nothing needs to be written when money
moves; sealing follows later.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from struct import error as StructError
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecny_tax.errors import InvalidInputError, NotFoundError, VerificationError
from ecny_tax.ledger import merkle
from ecny_tax.ledger.checkpoint import (
    ROLE,
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from ecny_tax.ledger.merkle import HASH, RightEdge, Tile
from ecny_tax.ledger.proofs import ConsistencyProof, InclusionProof
from ecny_tax.ledger.records import (
    TransferColumns,
    event_leaves,
    transfer_leaves,
    transfer_record,
)
from ecny_tax.store.transaction import Row, Store, Transaction

if TYPE_CHECKING:
    from ecny_tax.crypto.keyring import Keyring

_T = TypeVar("_T")
#: The most records that one checkpoint adds: what sealing keeps in memory, and how long it holds the lock.
CHUNK = 16_384
#: Records that are in memory at a time, at most, while the whole log is read.
RUN = 4_096

_AFTER_SEQ = 2
_TRANSFER_ID = re.compile("[0-9a-f]{32}")
_FIRST = -(2**63)
_STATES = _WHOLE, _GROWING = "whole", "growing"
#: What a record is called, by whether it is a transfer.
KIND = {True: "transfer", False: "event"}


class Head(NamedTuple):
    """How far the log is sealed: records, and how many of them are transfers; the rest are events."""

    size: int
    transfers: int

    @property
    def events(self) -> int:
        return self.size - self.transfers


class Mark(NamedTuple):
    """How many records are sealed, and whether these were all that there are."""

    size: int
    is_whole: bool


# Text as the bytes that are stored: nothing is decoded that only goes into a hash.


def transfer_columns(tx: Transaction) -> str:
    return (
        "seq, debit_account_id, credit_account_id, amount, ledger, code, flags, posted_at, id, "
        + tx.as_bytes("user_data")
    )


def _events(tx: Transaction) -> str:
    return (
        "SELECT e.place, e.account_id, e.after_seq, a.ledger, a.code, e.flags, e.at,"
        f" {tx.as_bytes('a.name')}, e.digest FROM event e LEFT JOIN account a ON a.id = e.account_id"
    )


# --- sealing ------------------------------------------------------------------------------------------


def found(tx: Transaction, keyring: Keyring) -> None:
    """Give a new ledger the id by which its checkpoints name it, and its first mark."""
    tx.run("INSERT INTO meta VALUES ('ledger', :id)", id=tx.ids.random_bytes(8).hex())
    tx.run("INSERT INTO meta VALUES ('mark', :mark)", mark=_mark(tx, keyring, Mark(0, is_whole=False)))


def ledger_id(tx: Transaction) -> str:
    row = tx.row("SELECT value FROM meta WHERE name = 'ledger'")
    return row[0] if row else ""


def head(tx: Transaction) -> Head:
    row = tx.row("SELECT size, transfers FROM checkpoint ORDER BY size DESC LIMIT 1")
    return Head(*row) if row else Head(0, 0)


def newest(tx: Transaction) -> Checkpoint:
    """The newest checkpoint; raises ``VerificationError`` (``log_broken``) where nothing was sealed yet."""
    row = tx.row("SELECT note FROM checkpoint ORDER BY place DESC LIMIT 1")
    if row is None:
        raise VerificationError("log_broken", what="there is no checkpoint")
    return read_checkpoint(row[0])


def committed(tx: Transaction) -> Head:
    """How many records there are, sealed or not."""
    row = tx.row(
        "SELECT coalesce((SELECT max(seq) FROM transfer), 0), coalesce((SELECT max(place) FROM event), 0)"
    )
    transfers, events = row or (0, 0)
    return Head(transfers + events, transfers)


def seal(store: Store, keyring: Keyring) -> None:
    """Seal everything that is committed by now, whoever wrote it, a chunk and a checkpoint at a time.

    The hashing holds no lock; where another process was faster, its checkpoints stand and the rest follows.
    Raises ``UnavailableError``, and ``VerificationError`` (``log_broken``) where rows were altered outside
    this library, or added to a log that was whole.
    """
    while True:
        with store.reading(at_rest=True) as tx:
            ledger, before, there = ledger_id(tx), head(tx), committed(tx)
            check_mark(tx, keyring)
            if there.size <= before.size:
                return
            drawn = _drawn(tx, keyring)
            if drawn.checkpoint.size == before.size:  # rows with numbers that none of ours has
                raise VerificationError("log_broken", what=f"a record after {before.size}")
        with store.untimed() as tx:
            # Another ledger stands here where the database was begun anew meanwhile.
            if ledger_id(tx) == ledger and head(tx) == before:
                _write(tx, before, *drawn)
                size = drawn.checkpoint.size
                _set_mark(tx, keyring, Mark(size, is_whole=size == committed(tx).size))


def sealed(store: Store, keyring: Keyring, act: Callable[[], _T]) -> _T:
    """Seal, then do what needs the newest transfers sealed; again where somebody moved money in between."""
    for is_last in (False, False, True):
        seal(store, keyring)
        try:
            return act()
        except VerificationError as refusal:
            if is_last or refusal.code != "transfer_not_sealed":
                raise
    raise AssertionError  # the last time ends it


class _Drawn(NamedTuple):
    """What the next checkpoint will be, with the tiles that it needs."""

    tiles: list[Tile]
    transfers: int
    checkpoint: Checkpoint


def _drawn(tx: Transaction, keyring: Keyring) -> _Drawn:
    before = head(tx)
    edge = _edge(tx, before.size)
    leaves, transfers = _unsealed_leaves(tx, before)
    tiles = list(edge.grow(leaves))
    key = keyring.signing_key(ROLE, ledger_id(tx))
    checkpoint = sign_checkpoint(key, size=edge.size, root=edge.root())
    return _Drawn(tiles + edge.open_tiles(), before.transfers + transfers, checkpoint)


def _write(tx: Transaction, before: Head, tiles: list[Tile], transfers: int, checkpoint: Checkpoint) -> None:
    there = {(level, place) for level, place, count in merkle.open_tile_places(before.size) if count}
    tx.run_many(
        "UPDATE log_tile SET hashes = ? WHERE level = ? AND place = ?",
        [(hashes, level, place) for level, place, hashes in tiles if (level, place) in there],
    )
    tx.run_many(
        "INSERT INTO log_tile (level, place, hashes) VALUES (?, ?, ?)",
        [tile for tile in tiles if (tile.level, tile.place) not in there],
    )
    tx.run(
        "INSERT INTO checkpoint (size, transfers, note) VALUES (:size, :transfers, :note)",
        size=checkpoint.size,
        transfers=transfers,
        note=checkpoint.note,
    )


def _unsealed_leaves(tx: Transaction, since: Head) -> tuple[bytes, int]:
    """The joined leaf hashes of the next records, about a chunk, and how many of them are transfers.

    Raises ``VerificationError`` (``log_broken``) at the first row that this library cannot have written.
    """
    leaves: list[bytes] = []
    newest = {True: since.transfers, False: since.events}
    for run, of_transfers in runs(tx, since):
        first, last = newest[of_transfers] + 1, newest[of_transfers] + len(run)
        if (run[0][0], run[-1][0]) != (first, last):  # they are in order, and none is there twice
            raise VerificationError("log_broken", what=f"{KIND[of_transfers]} {first} is missing")
        leaves += _leaves(run, of_transfers)
        newest[of_transfers] = last
        if len(leaves) >= CHUNK:
            break
    return b"".join(leaves), newest[True] - since.transfers


def _leaves(run: list[Row], of_transfers: bool) -> list[bytes]:
    hashes = transfer_leaves if of_transfers else event_leaves
    try:
        return hashes(run)
    except (StructError, TypeError):  # a value that no record can hold
        if len(run) == 1:
            raise VerificationError("log_broken", what=f"{KIND[of_transfers]} {run[0][0]}") from None
        return [leaf for row in run for leaf in _leaves([row], of_transfers)]


def runs(tx: Transaction, since: Head | None = None) -> Iterator[tuple[list[Row], bool]]:
    """The records after ``since`` in the order of the log, as runs of events and runs of transfers.

    The second member says which.  A run has at most ``RUN`` rows and is never empty.  Without ``since``
    every row is given, those that only an outsider can have written included.
    """
    seq = since.transfers if since else 0
    first = (since.events + 1, seq + 1) if since else (_FIRST, _FIRST)
    events = iter(tx.stream(f"{_events(tx)} WHERE e.place >= :place ORDER BY e.place", place=first[0]))
    transfers = iter(
        tx.stream(f"SELECT {transfer_columns(tx)} FROM transfer WHERE seq >= :seq ORDER BY seq", seq=first[1])
    )
    event = next(events, None)
    while True:
        happened: list[Row] = []
        while event is not None and event[_AFTER_SEQ] <= seq and len(happened) < RUN:
            happened.append(event)
            event = next(events, None)
        if happened:
            yield happened, False
            continue
        run = list(islice(transfers, RUN if event is None else min(event[_AFTER_SEQ] - seq, RUN)))
        if run:
            yield run, True
            seq += len(run)
        elif event is None:
            return
        else:
            seq = event[_AFTER_SEQ]  # that transfer is gone; the event is still there


def _edge(tx: Transaction, size: int) -> RightEdge:
    """The right edge of the sealed tree; of a tile that has grown since, what it held at that size."""
    return RightEdge(
        size, [_tile(tx, level, place, count) for level, place, count in merkle.open_tile_places(size)]
    )


def _tile(tx: Transaction, level: int, place: int, count: int) -> bytes:
    """The first ``count`` hashes of a tile."""
    hashes = tile_hashes(tx, level, place)[: count * HASH]
    if len(hashes) != count * HASH:
        raise VerificationError("log_broken", what=f"tile {level}/{place}")
    return hashes


def tile_hashes(tx: Transaction, level: int, place: int) -> bytes:
    """What is stored of a tile; nothing where there is none."""
    row = tx.row(
        "SELECT hashes FROM log_tile WHERE level = :level AND place = :place", level=level, place=place
    )
    return row[0] if row else b""


def leaf_tiles(tx: Transaction, first: int, end: int) -> dict[int, bytes]:
    """The same of those tiles of leaves from ``first`` to before ``end`` that are stored, read at once."""
    return dict(
        tx.rows(
            "SELECT place, hashes FROM log_tile WHERE level = 0 AND place >= :first AND place < :end",
            first=first,
            end=end,
        )
    )


# --- the mark -----------------------------------------------------------------------------------------


def mark(tx: Transaction, keyring: Keyring) -> Mark:
    """What this library last wrote of how far the log is sealed.

    Raises ``VerificationError`` (``log_broken``) where it is another one's, or is gone.
    """
    row = tx.row("SELECT value FROM meta WHERE name = 'mark'")
    state, _, size = (row[0] if row else "").rpartition(" ")[0].partition(" ")
    if row and state in _STATES and size.isascii() and size.isdigit():
        found_one = Mark(int(size), is_whole=state == _WHOLE)
        if hmac.compare_digest(_mark(tx, keyring, found_one), row[0]):
            return found_one
    raise VerificationError("log_broken", what="the mark of how far it is sealed")


def check_mark(tx: Transaction, keyring: Keyring) -> None:
    """Whether the log is sealed as far as it was, and holds what this library has written and nothing else.

    Without its key nobody can cut checkpoints off or begin the log anew, nor add records to one that was
    whole.  Raises ``VerificationError`` (``log_broken``).
    """
    said, sealed_up_to = mark(tx, keyring), head(tx)
    if said.size != sealed_up_to.size:
        raise VerificationError("log_broken", what=f"the checkpoint of {said.size} records")
    if said.is_whole and committed(tx).size != sealed_up_to.size:
        one = "transfer" if committed(tx).transfers > sealed_up_to.transfers else "event"
        number = 1 + (sealed_up_to.transfers if one == "transfer" else sealed_up_to.events)
        raise VerificationError("log_broken", what=f"{one} {number}")


def check_head(tx: Transaction, keyring: Keyring) -> None:
    """Whether the newest checkpoint bears the ledger's signature, and is about the log that is there.

    It reads the same few rows however long the log is.  Raises ``VerificationError`` (``log_broken``,
    ``checkpoint_malformed``, ``signature_invalid``).
    """
    check_mark(tx, keyring)
    sealed_up_to = head(tx)
    if not sealed_up_to.size:
        return
    key = keyring.signing_key(ROLE, ledger_id(tx))
    said = open_checkpoint(newest(tx).note, {key.name: key.public_bytes}.get)
    if said.size != sealed_up_to.size or said.root != _edge(tx, said.size).root():
        raise VerificationError("log_broken", what=f"the checkpoint of {said.size} records")


def note_growth(tx: Transaction, keyring: Keyring) -> None:
    """Say, in the transaction that is the first to add something, that the log is no longer whole."""
    said = mark(tx, keyring)
    if said.is_whole and committed(tx).size != head(tx).size:
        _set_mark(tx, keyring, Mark(said.size, is_whole=False))


def _set_mark(tx: Transaction, keyring: Keyring, new: Mark) -> None:
    tx.run("UPDATE meta SET value = :mark WHERE name = 'mark'", mark=_mark(tx, keyring, new))


def _mark(tx: Transaction, keyring: Keyring, said: Mark) -> str:
    """The text of a mark, with a code over it that only the keyring makes (HMAC-SHA256)."""
    text = f"{_WHOLE if said.is_whole else _GROWING} {said.size}"
    code = hmac.digest(keyring.secret("log mark"), f"{ledger_id(tx)} {text}".encode(), "sha256")
    return f"{text} {code.hex()}"


# --- proving ------------------------------------------------------------------------------------------


def transfer_id_of(text: str) -> bytes:
    """The id of a transfer from its 32 hex digits; raises ``InvalidInputError``."""
    if not _TRANSFER_ID.fullmatch(text.strip().lower()):
        raise InvalidInputError("transfer_id_malformed", value=text)
    return bytes.fromhex(text.strip())


def prove(tx: Transaction, transfer_id: bytes) -> InclusionProof:
    """Prove that a transfer is in the log, as of the newest checkpoint.

    Raises ``NotFoundError`` (``transfer_not_found``) and ``VerificationError``: ``transfer_not_sealed``, and
    ``log_broken`` where the row is not as it was sealed.
    """
    row = tx.row(f"SELECT {transfer_columns(tx)} FROM transfer WHERE id = :id", id=transfer_id)
    if row is None:
        raise NotFoundError("transfer_not_found", transfer_id=transfer_id.hex())
    columns: TransferColumns = row
    index, sealed = _index_of(tx, columns[0]), newest(tx)
    if index >= sealed.size:
        raise VerificationError("transfer_not_sealed", transfer_id=transfer_id.hex())
    proof = InclusionProof(
        transfer_record(columns),
        index,
        tuple(merkle.inclusion_path(index, sealed.size, partial(tile_hashes, tx))),
        sealed.note,
    )
    try:  # nobody shall be given a proof that proves nothing, or sign one
        leaf = merkle.leaf_hash(proof.record)
        merkle.verify_inclusion(leaf=leaf, index=index, size=sealed.size, path=proof.path, root=sealed.root)
    except VerificationError:
        raise VerificationError("log_broken", what=f"transfer {columns[0]}") from None
    return proof


def prove_consistency(tx: Transaction, earlier: Checkpoint) -> ConsistencyProof:
    """Prove that the log only grew since an earlier checkpoint of it.

    Raises ``VerificationError`` (``log_truncated``, ``history_forked``).
    """
    sealed = newest(tx)
    if earlier.size > sealed.size:
        raise VerificationError("log_truncated", size=sealed.size, earlier=earlier.size)
    path = merkle.consistency_path(earlier.size, sealed.size, partial(tile_hashes, tx))
    merkle.verify_consistency(
        earlier=earlier.size,
        later=sealed.size,
        path=path,
        earlier_root=earlier.root,
        later_root=sealed.root,
    )
    return ConsistencyProof(earlier.note, tuple(path), sealed.note)


def _index_of(tx: Transaction, seq: int) -> int:
    """The place of a transfer among the leaves: after the transfers and events before it."""
    row = tx.row(
        "SELECT place FROM event WHERE after_seq < :seq ORDER BY after_seq DESC, place DESC LIMIT 1",
        seq=seq,
    )
    return seq - 1 + (row[0] if row else 0)
