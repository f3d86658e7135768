"""The Merkle tree against RFC 9162's own definition, and against pymerkle, which others wrote."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import VerificationError
from ecny_tax.ledger import merkle
from ecny_tax.ledger.merkle import HASH, RightEdge, leaf_hash, node_hash, open_tile_places

#: Sizes at which trees change their shape: around powers of two, and around full tiles.
SIZES = (
    st.integers(0, 40)
    | st.sampled_from([63, 64, 65, 127, 128, 129])
    | st.sampled_from([255, 256, 257, 511, 512, 513, 700])
)


#: Up to here every tree is tried: several shapes of their right edges.
SMALL = 33


def entries(count: int) -> list[bytes]:
    return [b"record %d" % number for number in range(count)]


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH, word for word as RFC 9162, 2.1.1 has it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return node_hash(defined_root(leaves[:split]), defined_root(leaves[split:]))


class Log:
    """A tree that grew in several steps, with its tiles where a store would keep them."""

    def __init__(self, *steps: int) -> None:
        self.leaves = [leaf_hash(entry) for entry in entries(sum(steps))]
        self.tiles: dict[tuple[int, int], bytes] = {}
        edge = RightEdge()
        for step in steps:
            fresh = b"".join(self.leaves[edge.size : edge.size + step])
            for tile in [*edge.grow(fresh), *edge.open_tiles()]:
                assert tile.hashes.startswith(self.tiles.get((tile.level, tile.place), b""))
                self.tiles[tile.level, tile.place] = tile.hashes
        self.edge = edge

    def read(self, level: int, place: int) -> bytes:
        return self.tiles[level, place]

    def root(self, size: int) -> bytes:
        return defined_root(self.leaves[:size])


def other(count: int) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries(count):
        tree.append_entry(entry)
    return tree


def refusal_of(check: Callable[[], None]) -> str | None:
    """The code by which the check refuses; None where it does not."""
    try:
        check()
    except VerificationError as refusal:
        return refusal.code
    return None


# --- roots --------------------------------------------------------------------------------------------


def test_I14_a_leaf_and_a_node_are_hashed_apart() -> None:
    assert leaf_hash(b"x") == sha256(b"\0x").digest()
    assert node_hash(b"l", b"r") == sha256(b"\1lr").digest()


def test_I14_the_known_roots_of_rfc_6962_come_out() -> None:
    """The test vectors that Certificate Transparency's reference code has for its eight entries."""
    vectors = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = b"".join(leaf_hash(bytes.fromhex(vector)) for vector in vectors)
    assert merkle.root_of(b"") == sha256(b"").digest()
    assert merkle.root_of(leaves[:HASH]).hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert merkle.root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(SIZES)
def test_I14_the_root_is_the_one_that_the_rfc_defines_and_others_compute(size: int) -> None:
    log = Log(size)
    root = merkle.root_of(b"".join(log.leaves))
    assert root == log.edge.root() == defined_root(log.leaves)
    if size:
        assert root == other(size).get_root()


@given(st.lists(SIZES, max_size=5))
def test_I14_a_tree_that_grows_in_steps_is_the_one_that_grew_at_once(steps: list[int]) -> None:
    stepwise, once = Log(*steps), Log(sum(steps))
    assert stepwise.tiles == once.tiles
    assert stepwise.edge.root() == once.edge.root()


@given(SIZES)
def test_I14_the_edge_of_a_stored_tree_is_told_by_its_open_tiles(size: int) -> None:
    log = Log(size)
    stored = [log.tiles.get((level, place), b"")[: n * HASH] for level, place, n in open_tile_places(size)]
    edge = RightEdge(size, stored)
    assert edge.root() == log.edge.root()
    assert edge.open_tiles() == log.edge.open_tiles()


def test_I14_open_tiles_stand_where_the_store_looks_for_them() -> None:
    full = 1 << 16
    assert {size: open_tile_places(size) for size in (0, 1, 255, 256, 513, full - 1, full, full + 1)} == {
        0: [(0, 0, 0)],
        1: [(0, 0, 1)],
        255: [(0, 0, 255)],
        256: [(0, 1, 0), (1, 0, 1)],
        513: [(0, 2, 1), (1, 0, 2)],
        full - 1: [(0, 255, 255), (1, 0, 255)],
        full: [(0, 256, 0), (1, 1, 0), (2, 0, 1)],
        full + 1: [(0, 256, 1), (1, 1, 0), (2, 0, 1)],
    }


# --- inclusion ----------------------------------------------------------------------------------------


@given(st.data())
def test_I14_every_leaf_is_proven_and_others_accept_the_proof(data: st.DataObject) -> None:
    size = data.draw(SIZES.filter(bool))
    log, index = Log(size), data.draw(st.integers(0, size - 1))
    smaller = data.draw(st.integers(index + 1, size))
    path = merkle.inclusion_path(index, smaller, log.read)
    merkle.verify_inclusion(
        leaf=log.leaves[index], index=index, size=smaller, path=path, root=log.root(smaller)
    )
    theirs = other(size).prove_inclusion(index + 1, smaller)
    assert theirs.path == [log.leaves[index], *path]
    ours = pymerkle.InclusionProof(
        "sha256", True, smaller, index + 1, theirs.rule, [log.leaves[index], *path]
    )
    pymerkle.verify_inclusion(log.leaves[index], log.root(smaller), ours, index=index + 1, size=smaller)


@given(st.data())
def test_I14_nothing_else_is_proven_by_that_path(data: st.DataObject) -> None:
    size = data.draw(SIZES.filter(lambda n: n > 1))
    log, index = Log(size), data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion_path(index, size, log.read), log.root(size)
    right = {"leaf": log.leaves[index], "index": index, "size": size, "path": path, "root": root}
    wrong = {
        "leaf": node_hash(b"", b""),
        "index": data.draw(st.integers(-1, size + 1).filter(lambda n: n != index)),
        "path": data.draw(
            st.sampled_from(
                [path[:-1], [*path, root], path[1:], [*path[:-1], path[-1][:-1] + b"?"], [b"short"]]
            )
        ),
        "root": leaf_hash(b"another"),
    }
    for name, value in wrong.items():
        with pytest.raises(VerificationError) as caught:
            merkle.verify_inclusion(**{**right, name: value})  # type: ignore[arg-type]
        assert caught.value.code == "inclusion_unproven", name


def test_I14_in_every_small_tree_each_leaf_is_proven_at_its_place_and_no_other() -> None:
    log = Log(SMALL)
    for size in range(1, SMALL + 1):
        for index in range(size):
            path = merkle.inclusion_path(index, size, log.read)
            proof = partial(
                merkle.verify_inclusion, leaf=log.leaves[index], size=size, path=path, root=log.root(size)
            )
            for claimed in range(-1, size + 2):
                code = None if claimed == index else "inclusion_unproven"
                assert refusal_of(partial(proof, index=claimed)) == code, (size, index, claimed)


@pytest.mark.parametrize("strange", [b"short", bytes(HASH)], ids=["too short a hash", "too long a path"])
def test_I14_a_root_made_for_a_path_of_the_wrong_form_proves_nothing(strange: bytes) -> None:
    """Whoever chooses the root can hash anything into it; what is claimed of the tree must fit, too."""
    leaf = leaf_hash(b"record")
    size = 1 if len(strange) == HASH else 2
    with pytest.raises(VerificationError) as caught:
        merkle.verify_inclusion(
            leaf=leaf, index=size - 1, size=size, path=[strange], root=node_hash(strange, leaf)
        )
    assert caught.value.values == {"index": size - 1, "size": size}


# --- consistency --------------------------------------------------------------------------------------


@given(st.data())
def test_I14_every_earlier_tree_is_continued_by_every_later_one(data: st.DataObject) -> None:
    later = data.draw(SIZES)
    earlier = data.draw(st.integers(0, later))
    log = Log(later)
    path = merkle.consistency_path(earlier, later, log.read)
    tree = other(later)
    merkle.verify_consistency(
        earlier=earlier,
        later=later,
        path=path,
        earlier_root=tree.get_root(earlier) if earlier else log.root(0),
        later_root=tree.get_root() if later else log.root(0),
    )


def test_I14_every_small_tree_continues_each_earlier_one_and_none_of_another_size() -> None:
    log = Log(SMALL)
    for later in range(SMALL + 1):
        for earlier in range(later + 1):
            proof = partial(
                merkle.verify_consistency,
                later=later,
                path=merkle.consistency_path(earlier, later, log.read),
                earlier_root=log.root(earlier),
                later_root=log.root(later),
            )
            for claimed in range(later + 1):
                code = None if claimed == earlier else "history_forked"
                assert refusal_of(partial(proof, earlier=claimed)) == code, (earlier, later, claimed)


def test_I14_roots_made_for_a_path_of_the_wrong_form_continue_nothing() -> None:
    """As with leaves: the second root is one that the strange hash was hashed into."""
    root, strange = leaf_hash(b"record"), b"short"
    with pytest.raises(VerificationError) as caught:
        merkle.verify_consistency(
            earlier=1, later=2, path=[strange], earlier_root=root, later_root=node_hash(root, strange)
        )
    assert caught.value.values == {"size": 1, "later": 2}


@given(st.data())
def test_I14_a_history_that_was_rewritten_is_no_continuation(data: st.DataObject) -> None:
    """One entry of the past is another one: no path that the rewriter can draw proves it."""
    later = data.draw(SIZES.filter(lambda n: n > 1))
    earlier = data.draw(st.integers(1, later))
    log, changed = Log(later), data.draw(st.integers(0, earlier - 1))
    forged = Log(later)
    forged.leaves[changed] = leaf_hash(b"rewritten")
    tiles = RightEdge()
    forged.tiles = {
        (t.level, t.place): t.hashes for t in [*tiles.grow(b"".join(forged.leaves)), *tiles.open_tiles()]
    }
    for path in (
        merkle.consistency_path(earlier, later, forged.read),
        merkle.consistency_path(earlier, later, log.read),
    ):
        with pytest.raises(VerificationError) as caught:
            merkle.verify_consistency(
                earlier=earlier,
                later=later,
                path=path,
                earlier_root=log.root(earlier),
                later_root=forged.root(later),
            )
        assert caught.value.code == "history_forked"


@pytest.mark.parametrize(
    ("earlier", "later", "path"),
    [(5, 3, []), (-1, 3, []), (3, 3, [bytes(HASH)]), (0, 3, [bytes(HASH)]), (3, 7, []), (4, 8, [b"short"])],
)
def test_I14_a_consistency_proof_of_the_wrong_form_is_refused(
    earlier: int, later: int, path: list[bytes]
) -> None:
    log = Log(8)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(
            earlier=earlier,
            later=later,
            path=path,
            earlier_root=log.root(max(0, earlier)),
            later_root=log.root(later),
        )


def test_I14_a_tile_that_is_not_there_is_a_broken_log() -> None:
    with pytest.raises(VerificationError) as caught:
        merkle.inclusion_path(0, 300, lambda level, place: b"")
    assert caught.value.code == "log_broken"
    assert caught.value.values == {"what": "tile 0/1"}
