"""Following money from account to account, within a depth: a pure walk over what a reader hands out.

Money cannot have moved on before it came: down from a wallet, an account's transfers count from the first one
that reached it on; up, until the last one that left it for the wallet.  What money did on a way of more than
``depth`` transfers is not looked at but for one question: whether it went on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_ALWAYS, _NEVER = -(2**62), 2**62


class Flow(NamedTuple):
    """A transfer of e-CNY, as the journal has it; ``at`` in microseconds."""

    seq: int
    transfer_id: bytes
    debit: int
    credit: int
    amount: int
    code: int
    reference: str
    at: int


class Limits(NamedTuple):
    """How far a walk goes: in transfers one after the other, and how many accounts and transfers at most."""

    depth: int
    nodes: int
    edges: int


class Walk(NamedTuple):
    """Accounts by the hop at which they were reached, transfers, those accounts from which money moved on
    (up: to which it came) beyond the depth, and whether there were more than the limits allow."""

    reached: dict[int, int]
    flows: dict[int, Flow]
    going_on: frozenset[int]
    truncated: bool


#: The transfers out of an account (down) or into it (up) whose seq lies after the first number and not after
#: the second one (down) or before the first and not before the second (up), nearest first, at most so many.
Reader = Callable[[int, int, int, int], list[Flow]]


def walk(start: int, limits: Limits, *, down: bool, read: Reader, is_followed: Callable[[int], bool]) -> Walk:
    """Walk from an account; ``is_followed`` says of which accounts the money is followed on."""
    sign = 1 if down else -1
    since = {start: _ALWAYS}  # an account → from which transfer on its money may be the one followed
    shown: dict[int, int] = {}  # an account → from which transfer on its transfers were read
    reached, flows = {start: 0}, dict[int, Flow]()
    frontier, truncated = [start], False

    def unread(account: int, most: int) -> list[Flow]:
        return read(account, sign * since[account], sign * shown.get(account, _NEVER), most)

    for hop in range(1, limits.depth + 1):
        nearer: dict[int, int] = {}
        for account in frontier:
            found = unread(account, limits.edges - len(flows) + 1)
            for flow in found:
                other = flow.credit if down else flow.debit
                if len(flows) == limits.edges or (other not in reached and len(reached) == limits.nodes):
                    truncated = True
                    break
                flows[flow.seq] = flow
                reached.setdefault(other, hop)
                if sign * flow.seq < min(since.get(other, _NEVER), nearer.get(other, _NEVER)):
                    nearer[other] = sign * flow.seq
            if truncated:
                break
            shown[account] = since[account]
        since.update(nearer)
        if truncated:
            break
        frontier = [account for account in nearer if is_followed(account)]
    going_on = frozenset(a for a in reached if is_followed(a) and unread(a, 1))
    return Walk(reached, flows, going_on, truncated)
