"""One pass over the whole journal: every balance derived anew, every record compared with the sealed log.

Memory grows with the accounts, not with the transfers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from struct import error as StructError
from typing import TYPE_CHECKING, NamedTuple

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.checkpoint import ROLE, open_checkpoint
from ecny_tax.ledger.merkle import HASH, TILE_HEIGHT, RightEdge, open_tile_places
from ecny_tax.ledger.model import MAX_COUNTER
from ecny_tax.ledger.promises import Check, JournalFold
from ecny_tax.ledger.records import event_leaves, transfer_leaves
from ecny_tax.store import access, journal, log
from ecny_tax.store.log import KIND
from ecny_tax.store.transaction import Row, Transaction

if TYPE_CHECKING:
    from ecny_tax.crypto.keyring import Keyring

#: Called with how many records are done.
Progress = Callable[[int], None]
_NO_LEAF = bytes(HASH)  # of a row that no record can hold: no record hashes to this
_TILE = 1 << TILE_HEIGHT


@dataclass(frozen=True, slots=True)
class JournalVerification:
    """What one pass found: ``altered`` names the first record that is not as it was written."""

    transfers: int
    sealed: int
    unsealed: int
    checkpoints: int
    altered: str
    checks: tuple[Check, ...]


def verify_journal(
    tx: Transaction, keyring: Keyring, progress: Progress | None = None
) -> JournalVerification:
    """Fold the journal and draw the Merkle tree over it again, from checkpoint to checkpoint."""
    fold = JournalFold(partial(journal.each_account, tx), side_by_side=_side_by_side(tx))
    events, sealed = _Events(), _SealedLog(tx, keyring)
    done = 0
    for run, of_transfers in log.runs(tx):
        if of_transfers:
            fold.add(run)
        else:
            events.add(run)
        sealed.compare(run, of_transfers)
        done += len(run)
        if progress is not None:
            progress(done)
    sealed.finish()
    sealed.check_mark()
    accounts = events.differing(tx, fold.count)
    unsealed = done - sealed.size
    counted = _first_miscounted(tx, fold.differing(), sealed)
    entry = access.first_altered(tx)
    return JournalVerification(
        transfers=fold.count,
        sealed=sealed.size,
        unsealed=unsealed,
        checkpoints=sealed.checkpoints,
        altered=_first_altered(events, sealed) or accounts or counted or entry,
        checks=(
            *fold.checks(),
            _check(
                "accounts are as their openings, closings and other events say",
                "账户与其开立、销户等记录一致",
                accounts,
            ),
            _check(
                "no sealed record was altered, and each checkpoint continues the one before",
                "已封存的记录未被改动，各检查点前后连续",
                sealed.broken,
            ),
            _check(
                "the access log is as its events say",
                "查阅日志与其封存的摘要一致",
                entry,
            ),
        ),
    )


def _side_by_side(tx: Transaction) -> int:
    """The last transfer up to which several may have written at a time: here, or before an import."""
    row = tx.row("SELECT value FROM meta WHERE name = 'imported_transfers'")
    imported = int(row[0]) if row and row[0].isdigit() else 0
    return MAX_COUNTER if tx.disorder else imported


def _first_altered(events: _Events, sealed: _SealedLog) -> str:
    """The log tells which record; but of an event that was moved on it sees the transfer in its place."""
    return events.moved if events.moved and sealed.broken.startswith("transfer ") else sealed.broken


def _first_miscounted(tx: Transaction, account: str, sealed: _SealedLog) -> str:
    """Where the sealed records are as they were, a counter differs by a later one, or was altered itself."""
    if not account or sealed.broken:
        return ""
    row = tx.row(
        "SELECT t.seq FROM transfer t JOIN account a ON a.id IN (t.debit_account_id, t.credit_account_id)"
        " WHERE a.name = :name AND t.seq > :seq ORDER BY t.seq",
        name=account,
        seq=sealed.transfers,
    )
    return f"transfer {row[0]} or account {account}" if row else f"account {account}"


def _check(what: str, what_zh: str, detail: str) -> Check:
    return Check("I14", what, what_zh, not detail, detail)


class _Events:
    """The events, held against each other, and in the end those of accounts against the accounts."""

    def __init__(self) -> None:
        self.broken = ""
        self.moved = ""  # the first event that stands between other transfers than those it came between
        self._count = self._newest = self._newest_but_one = 0
        self._place: dict[int, int] = {}  # of an account's id in the lists that follow
        self._opened: list[int] = []
        self._flags: list[int] = []
        self._at = 0

    def add(self, run: list[Row]) -> None:
        for place, account, after, _ledger, _code, flags, at, _name, digest in run:
            self._count += 1
            if place != self._count:
                self._find(f"event {place} stands where {self._count} is expected")
            elif after < self._newest:
                self._find_moved(place if after < self._newest_but_one else place - 1)
            elif digest is None and self._known(account) == flags:
                self._find(f"event {place} changes nothing")
            self._newest_but_one, self._newest = self._newest, after
            if digest is None:
                self._note(account, flags, at)

    def _known(self, account: int) -> int | None:
        """The flags of an account by its last event."""
        place = self._place.get(account)
        return None if place is None else self._flags[place]

    def _note(self, account: int, flags: int, at: int) -> None:
        place = self._place.get(account)
        if place is not None:
            self._flags[place] = flags
            return
        if at != self._at:  # one object for all accounts that were opened together
            self._at = at
        self._place[account] = len(self._opened)
        self._opened.append(self._at)
        self._flags.append(flags)

    def _find(self, what: str) -> None:
        self.broken = self.broken or what

    def _find_moved(self, place: int) -> None:
        self.moved = self.moved or f"event {place}"
        self._find(f"event {place} is out of order")

    def differing(self, tx: Transaction, transfers: int) -> str:
        """The first event that contradicts another one, or account that is not as its events say."""
        if self._newest > transfers:
            self._find_moved(self._count)
        for id_, name, flags, opened_at in tx.stream(
            "SELECT id, name, flags, opened_at FROM account ORDER BY id"
        ):
            place = self._place.pop(id_, None)
            if place is None or (self._flags[place], self._opened[place]) != (flags, opened_at):
                self._find(f"account {name}")
        for id_ in self._place:
            self._find(f"an event of account {id_}, which does not exist")
        return self.broken


class _Doubt(NamedTuple):
    """The first record that does not hash to what is stored: either of the two was altered."""

    record: str
    tile: str


class _SealedLog:
    """The stored tree and its checkpoints, against what the records hash to now.

    Where a record and its stored hash differ, the next checkpoint tells which of them was altered: the one
    that does not lead to the root that was signed.
    """

    def __init__(self, tx: Transaction, keyring: Keyring) -> None:
        self.broken = ""
        self.checkpoints = 0
        self._tx = tx
        self._keyring = keyring
        self._key = keyring.signing_key(ROLE, log.ledger_id(tx))
        self._edge = RightEdge()
        self.transfers = self._events = 0
        self._doubt: _Doubt | None = None
        self._signed = iter(tx.stream("SELECT place, size, transfers, note FROM checkpoint ORDER BY place"))
        self._next = next(self._signed, None)

    @property
    def size(self) -> int:
        """How many records were compared."""
        return self._edge.size

    def compare(self, run: list[Row], of_transfers: bool) -> None:
        """Go on with the next records, as far as they are sealed."""
        while run and self._next is not None:
            part = run[: max(0, self._next[1] - self.size)]
            self._add(part, of_transfers)
            run = run[len(part) :]
            while self._next is not None and self._next[1] <= self.size:
                self._judge(*self._next)
                self._next = next(self._signed, None)

    def finish(self) -> None:
        """What the log has beyond the records that are there."""
        if self._next is not None:
            place, size, _transfers, note = self._next
            is_sound = self._opened(note)[0] == size
            lost = f"transfer {self.transfers + 1} or event {self._events + 1} is missing"
            self._find(self._doubt.record if self._doubt else lost if is_sound else f"checkpoint {place}")
        self._compare_tiles()

    def check_mark(self) -> None:
        """Whether the log is as long as it was, and nothing was added to it by others."""
        try:
            log.check_mark(self._tx, self._keyring)
        except VerificationError as refusal:
            self._find(str(refusal.values["what"]))

    def _find(self, what: str) -> None:
        self.broken = self.broken or what

    def _add(self, part: list[Row], of_transfers: bool) -> None:
        leaves = _leaves(part, of_transfers)
        stored = self._stored(len(part))
        if leaves != stored and self._doubt is None:
            at = next(at for at in range(len(part)) if _hash(leaves, at) != _hash(stored, at))
            tile_name = f"tile 0/{(self.size + at) // _TILE} of the log"
            self._doubt = _Doubt(self._name(part[at], of_transfers, at, _hash(leaves, at)), tile_name)
        for tile in self._edge.grow(leaves):
            if (
                tile.level
                and self._doubt is None
                and log.tile_hashes(self._tx, tile.level, tile.place) != tile.hashes
            ):
                first, last = (place * _TILE ** (tile.level + 1) for place in (tile.place, tile.place + 1))
                name = f"tile {tile.level}/{tile.place} of the log"
                self._doubt = _Doubt(f"a record between {first + 1} and {last} and its hash", name)
        if of_transfers:
            self.transfers += len(part)
        else:
            self._events += len(part)

    def _name(self, row: Row, of_transfers: bool, at: int, leaf: bytes) -> str:
        """Which record is not as sealed: the one that is found ``at`` so many after the last that was, or the
        one that should stand before it."""
        transfers, events = self.transfers, self._events
        expected = 1 + at + (transfers if of_transfers else events)
        if row[0] > expected:
            return f"{KIND[of_transfers]} {expected} is missing"
        if row[0] == expected and self._stored(1, after=at + 1) == leaf:  # it stood one further
            other = 1 + (events if of_transfers else transfers)
            return f"{KIND[not of_transfers]} {other} is missing"
        return f"{KIND[of_transfers]} {row[0]}"

    def _judge(self, place: int, size: int, transfers: int, note: str) -> None:
        """What a checkpoint says of the records up to it, and they of it."""
        self.checkpoints += 1
        if self.broken:
            return
        signed_size, root = self._opened(note)
        is_sound = (place, size, transfers) == (self.checkpoints, signed_size, self.transfers)
        leads_to_root = self._edge.root() == root
        if is_sound and size == self.size and leads_to_root:
            if self._doubt is not None:
                self._find(self._doubt.tile)
        elif self._doubt is not None:
            self._find(self._doubt.record)
        elif is_sound and size == self.size:
            self._find(f"a record before checkpoint {place} and its hash")
        else:
            self._find(f"checkpoint {place}")

    def _opened(self, note: str) -> tuple[int, bytes]:
        """Size and root of a checkpoint, when this ledger's key has signed it."""
        try:
            checkpoint = open_checkpoint(note, {self._key.name: self._key.public_bytes}.get)
        except VerificationError:
            return -1, b""
        return checkpoint.size, checkpoint.root

    def _stored(self, count: int, *, after: int = 0) -> bytes:
        """The stored hashes of ``count`` leaves, from here or ``after`` so many on; fewer at the end."""
        start = self.size + after
        place, offset = divmod(start, _TILE)
        end = (start + count + _TILE - 1) // _TILE
        tiles = log.leaf_tiles(self._tx, place, end)
        hashes = b"".join(tiles.get(tile, b"")[: _TILE * HASH] for tile in range(place, end))
        return hashes[offset * HASH : (offset + count) * HASH]

    def _compare_tiles(self) -> None:
        """Whether there are the tiles of a log of this size, each as long as it must be, and no other."""
        rows = self._tx.stream("SELECT level, place, length(hashes) FROM log_tile ORDER BY level, place")
        for found, expected in zip_longest(rows, _tiles_of(self.size)):
            if found != expected:
                level, place, _length = min(filter(None, (found, expected)))
                self._find(f"tile {level}/{place} of the log, or a checkpoint after {self.size}")
                return
        for tile in self._edge.open_tiles():
            if log.tile_hashes(self._tx, tile.level, tile.place) != tile.hashes:
                self._find(f"tile {tile.level}/{tile.place} of the log")


def _leaves(rows: list[Row], of_transfers: bool) -> bytes:
    """The joined leaf hashes of rows; of one that no record can hold, a hash that no record has."""
    hashes = transfer_leaves if of_transfers else event_leaves
    try:
        return b"".join(hashes(rows))
    except (StructError, TypeError):
        return _NO_LEAF if len(rows) == 1 else b"".join(_leaves([row], of_transfers) for row in rows)


def _hash(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH : (at + 1) * HASH]


def _tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, place, bytes) of each tile of a log of that size, in order."""
    for level, full, count in open_tile_places(size):
        yield from ((level, place, _TILE * HASH) for place in range(full))
        if count:
            yield level, full, count * HASH
