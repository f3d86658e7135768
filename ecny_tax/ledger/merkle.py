"""The Merkle tree of RFC 9162, section 2.1, over SHA-256: roots, inclusion proofs, consistency proofs.

Hashes that stand side by side are kept joined in one ``bytes``, 32 for each.  A tree is kept in tiles of 256
hashes (C2SP tlog-tiles): those of level 0 hold the hashes of the leaves, those of each higher level the roots
of full tiles below.  So any proof reads a tile or two a level, and a tree grows by its right edge alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from ecny_tax.errors import VerificationError

HASH = 32  # bytes
#: Two to the power of 8 hashes make a full tile.
TILE_HEIGHT = 8
_TILE_BYTES = HASH << TILE_HEIGHT
_PAIR = 2 * HASH
#: What is hashed begins with one of these, so that no leaf passes for a node (RFC 9162, 2.1.1).
LEAF_PREFIX, NODE_PREFIX = b"\x00", b"\x01"

#: Answers the joined hashes of the tile at (level, place).
ReadTile = Callable[[int, int], bytes]


def leaf_hash(record: bytes) -> bytes:
    """The hash of a leaf that holds ``record``."""
    return sha256(LEAF_PREFIX + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE_PREFIX + left + right).digest()


def root_of(hashes: bytes) -> bytes:
    """The root over joined hashes of leaves, or of full trees of one height; of none, the empty tree's."""
    if not hashes:
        return sha256(b"").digest()
    while len(hashes) > HASH:
        paired = len(hashes) - len(hashes) % _PAIR  # an odd one goes up as it is
        hashes = (
            b"".join(
                [sha256(NODE_PREFIX + hashes[at : at + _PAIR]).digest() for at in range(0, paired, _PAIR)]
            )
            + hashes[paired:]
        )
    return hashes


class Tile(NamedTuple):
    """The joined hashes at ``level``, from the one at ``place`` × 256 on; fewer at the right edge."""

    level: int
    place: int
    hashes: bytes


class RightEdge:
    """The tiles of a tree that are not full yet: all that it takes to let it grow, and to tell its root."""

    def __init__(self, size: int = 0, open_tiles: Iterable[bytes] = ()) -> None:
        """A tree of ``size`` leaves with these tiles that are not full, from level 0 on."""
        self.size = size
        self._open = [bytearray(hashes) for hashes in open_tiles] or [bytearray()]

    @property
    def missing(self) -> int:
        """How many leaves the open tile of level 0 still takes."""
        return (1 << TILE_HEIGHT) - len(self._open[0]) // HASH

    def grow(self, hashes: bytes) -> Iterator[Tile]:
        """Add the joined hashes of new leaves; gives every tile that becomes full."""
        start = 0
        while start < len(hashes):
            part = hashes[start : start + self.missing * HASH]
            start += len(part)
            self.size += len(part) // HASH
            self._open[0] += part
            yield from self._close_full_tiles()

    def _close_full_tiles(self) -> Iterator[Tile]:
        level = 0
        while len(self._open[level]) == _TILE_BYTES:
            full = bytes(self._open[level])
            yield Tile(level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, full)
            if level + 1 == len(self._open):
                self._open.append(bytearray())
            self._open[level + 1] += root_of(full)
            self._open[level].clear()
            level += 1

    def open_tiles(self) -> list[Tile]:
        """The tiles that hold something and are not full, from level 0 on."""
        return [
            Tile(level, self.size >> TILE_HEIGHT * (level + 1), bytes(hashes))
            for level, hashes in enumerate(self._open)
            if hashes
        ]

    def root(self) -> bytes:
        """The root over all leaves so far."""
        below = b""
        for hashes in self._open:
            together = bytes(hashes) + below
            below = root_of(together) if together else b""
        return below or root_of(b"")


def open_tile_places(size: int) -> list[tuple[int, int, int]]:
    """(level, place, hashes in it) of each tile that is not full in a tree of ``size`` leaves, empty ones
    below the highest included."""
    places, level = [], 0
    while level == 0 or size >> TILE_HEIGHT * level:
        hashes = size >> TILE_HEIGHT * level
        places.append((level, hashes >> TILE_HEIGHT, hashes % (1 << TILE_HEIGHT)))
        level += 1
    return places


# --- proofs ---------------------------------------------------------------------------------------------


def inclusion_path(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """The path from leaf ``index`` to the root of the first ``size`` leaves (RFC 9162, 2.1.3.1)."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_root_between(middle, end, read_tile))
            end = middle
        else:
            path.append(_root_between(start, middle, read_tile))
            start = middle
    return path[::-1]


def consistency_path(earlier: int, later: int, read_tile: ReadTile) -> list[bytes]:
    """What shows that the tree of ``earlier`` leaves became that of ``later`` ones (RFC 9162, 2.1.4.1)."""
    if earlier in (0, later):
        return []
    path: list[bytes] = []
    start, end, is_known = 0, later, True
    while earlier != end:
        middle = start + _split(end - start)
        if earlier <= middle:
            path.append(_root_between(middle, end, read_tile))
            end = middle
        else:
            path.append(_root_between(start, middle, read_tile))
            start, is_known = middle, False
    if not is_known:
        path.append(_root_between(start, end, read_tile))
    return path[::-1]


def verify_inclusion(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf (by its hash) stands at ``index`` of the tree of ``size`` leaves with that root.

    RFC 9162, 2.1.3.2.  Raises ``VerificationError`` (``inclusion_unproven``).
    """
    refusal = VerificationError("inclusion_unproven", index=index, size=size)
    if not 0 <= index < size:
        raise refusal
    place, last, found = index, size - 1, leaf
    for other in path:
        if last == 0 or len(other) != HASH:
            raise refusal
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    if last != 0 or found != root:
        raise refusal


def verify_consistency(
    *, earlier: int, later: int, path: Sequence[bytes], earlier_root: bytes, later_root: bytes
) -> None:
    """Check that the tree of ``later`` leaves only added to the one of ``earlier`` leaves.

    RFC 9162, 2.1.4.2.  Raises ``VerificationError`` (``history_forked``).
    """
    refusal = VerificationError("history_forked", size=earlier, later=later)
    if not 0 <= earlier <= later or any(len(one) != HASH for one in path):
        raise refusal
    if earlier in (0, later):
        if path or earlier_root != (later_root if earlier == later else root_of(b"")):
            raise refusal
        return
    hashes = list(path)
    if earlier & (earlier - 1) == 0:  # a full tree is a node of the later one, and need not be told
        hashes.insert(0, earlier_root)
    if not hashes:
        raise refusal
    place, last = earlier - 1, later - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            raise refusal
        if place & 1 or place == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, other)
        place, last = place >> 1, last >> 1
    if last != 0 or first != earlier_root or second != later_root:
        raise refusal


def _split(size: int) -> int:
    """The largest power of two below ``size``: where a tree of that many leaves is divided."""
    return 1 << (size - 1).bit_length() - 1


def _root_between(start: int, end: int, read_tile: ReadTile) -> bytes:
    """The root over the leaves from ``start`` to ``end``, as they stand together in a tree."""
    size = end - start
    if size & (size - 1):
        middle = start + _split(size)
        return node_hash(_root_between(start, middle, read_tile), _root_between(middle, end, read_tile))
    level, height = divmod(size.bit_length() - 1, TILE_HEIGHT)
    first, count = start >> TILE_HEIGHT * level, 1 << height
    place, offset = divmod(first, 1 << TILE_HEIGHT)
    hashes = read_tile(level, place)[offset * HASH : (offset + count) * HASH]
    if len(hashes) != count * HASH:
        raise VerificationError("log_broken", what=f"tile {level}/{place}")
    return root_of(hashes)
