"""Nothing outside a walk's depth is told, against a reference that tries every way money can have gone."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax.oversight.walk import Flow, Limits, Walk, walk

POOLS = {7, 8}  # accounts where everybody's money is together
accounts = st.integers(1, 8)
flows = st.lists(st.tuples(accounts, accounts).filter(lambda pair: pair[0] != pair[1]), max_size=25)


class Told(NamedTuple):
    reached: dict[int, int]
    flows: set[int]
    going_on: set[int]


def journal(pairs: list[tuple[int, int]]) -> list[Flow]:
    return [Flow(seq, bytes(16), a, b, seq, 8, "", 0) for seq, (a, b) in enumerate(pairs, 1)]


def reference(found: list[Flow], start: int, depth: int, *, down: bool) -> Told:
    """Every chain of transfers, each later (or, up, earlier) than the one before, none out of a pool."""
    if not down:
        found = [Flow(-f.seq, f.transfer_id, f.credit, f.debit, *f[4:]) for f in found]
    chains: list[list[Flow]] = [[f] for f in found if f.debit == start]
    reached, told = {start: 0}, set[int]()
    going_on = {start} if chains and depth == 0 else set()
    for hop in range(1, depth + 1):
        for chain in chains:
            told.add(chain[-1].seq)
            reached.setdefault(chain[-1].credit, hop)
        chains = [
            [*chain, f]
            for chain in chains
            for f in found
            if f.debit == chain[-1].credit and f.seq > chain[-1].seq and f.debit not in POOLS
        ]
    for chain in chains:  # one transfer further than the depth
        if chain[-1].seq not in told:
            going_on.add(chain[-1].debit)
    return Told(reached, {abs(seq) for seq in told}, going_on)


def walked(found: list[Flow], start: int, limits: Limits, *, down: bool) -> Walk:
    def read(account: int, one: int, other: int, most: int) -> list[Flow]:
        if down:
            mine = [f for f in found if f.debit == account and one < f.seq <= other]
        else:
            mine = [f for f in reversed(found) if f.credit == account and other <= f.seq < one]
        return mine[:most]

    return walk(start, limits, down=down, read=read, is_followed=lambda account: account not in POOLS)


def told(found: Walk) -> Told:
    return Told(dict(found.reached), set(found.flows), set(found.going_on))


@settings(max_examples=200)
@given(flows, st.integers(1, 6), st.integers(1, 5), st.booleans())
def test_a_walk_tells_what_the_reference_tells_and_nothing_else(
    pairs: list[tuple[int, int]], start: int, depth: int, down: bool
) -> None:
    found = journal(pairs)
    assert told(walked(found, start, Limits(depth, 500, 2_000), down=down)) == reference(
        found, start, depth, down=down
    )


@given(flows, st.integers(1, 6), st.integers(1, 5), st.booleans(), st.integers(1, 6), st.integers(1, 8))
def test_a_walk_that_is_cut_says_so_and_tells_no_more_than_it_may(
    pairs: list[tuple[int, int]], start: int, depth: int, down: bool, nodes: int, edges: int
) -> None:
    found = journal(pairs)
    whole = reference(found, start, depth, down=down)
    cut = walked(found, start, Limits(depth, nodes, edges), down=down)
    assert set(cut.flows) <= whole.flows
    assert cut.reached.keys() <= whole.reached.keys()
    assert len(cut.flows) <= edges
    assert len(cut.reached) <= nodes
    assert cut.truncated == (set(cut.flows) != whole.flows)


def test_what_was_spent_before_the_money_came_is_not_followed() -> None:
    before, came, after = journal([(2, 3), (1, 2), (2, 4)])
    assert set(walked([before, came, after], 1, Limits(5, 9, 9), down=True).flows) == {2, 3}
    assert set(walked([before, came, after], 3, Limits(5, 9, 9), down=False).flows) == {1}


def test_money_in_a_pool_is_followed_no_further() -> None:
    found = walked(journal([(1, 7), (7, 2)]), 1, Limits(5, 9, 9), down=True)
    assert told(found) == Told({1: 0, 7: 1}, {1}, set())
