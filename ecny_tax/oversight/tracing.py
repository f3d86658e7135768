"""A trace as it is told: the walk over the journal, with what the instrument opens of the holders reached."""

from __future__ import annotations

from functools import partial

from ecny_tax.clock import from_micros
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.ledger.model import AccountCode, TransferCode, account_kind
from ecny_tax.money import Fen
from ecny_tax.oversight import rows
from ecny_tax.oversight.model import (
    MOST_EDGES,
    MOST_NODES,
    Action,
    Direction,
    Edge,
    Identification,
    Instrument,
    Node,
    Opens,
    Person,
    Trace,
)
from ecny_tax.oversight.walk import Flow, Limits, Walk, walk
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.wallets.model import Wallet

#: What was opened of which wallet, for the log.
Opened = list[tuple[Action, str]]
#: Where money is one's own; in any other account it is together with everybody's.
_FOLLOWED = (AccountCode.WALLET, AccountCode.LIEN)


def trace(
    tx: Transaction, keyring: Keyring, wallet: Wallet, order: Instrument, direction: Direction
) -> tuple[Trace, Opened]:
    """Walk down, up or both ways from a wallet, and tell what was found."""
    owners: dict[int, Row] = {}
    walks = [
        (sign, _walked(tx, owners, wallet, order, down=sign > 0))
        for sign, way in ((1, Direction.DOWN), (-1, Direction.UP))
        if direction in (way, Direction.BOTH)
    ]
    hops: dict[int, int] = {}
    for sign, found in walks:
        for account, hop in found.reached.items():
            hops.setdefault(account, sign * hop)
    beyond = {sign: found.going_on for sign, found in walks}
    flows: dict[int, Flow] = {}
    for _, found in walks:
        flows |= found.flows
    names = {account: f"n{number}" for number, account in enumerate(hops)}
    opened: Opened = []
    nodes = [
        _node(
            tx, keyring, names[account], owners[account], hop, order.may_open, opened,
            goes_on=account in beyond.get(1, ()), comes_from_beyond=account in beyond.get(-1, ()),
        )
        for account, hop in hops.items()
    ]  # fmt: skip
    edges = [_edge(flow, names) for _seq, flow in sorted(flows.items())]
    told = Trace(
        wallet.wallet_id, direction, order, tuple(nodes), tuple(edges), any(w.truncated for _, w in walks)
    )
    return told, opened


def identify(
    tx: Transaction, keyring: Keyring, wallet: Wallet, order: Instrument
) -> tuple[Identification, Opened, int]:
    """What an instrument opens of a wallet's holder; of a class IV wallet, as its second one, of whoever gave
    the same phone to open a wallet by name.  And how many records were opened to look for it.

    Nothing links a phone to a name until somebody is ordered to: every operator opens its own records and
    looks, which takes as long as there are wallets.
    """
    holder = parties.open_identity(tx, keyring, wallet.identity_id)
    opened: Opened = []
    if wallet.is_named or order.follows is None or order.may_open is not Opens.IDENTITY:
        said = _said(holder, wallet.wallet_id, is_named=wallet.is_named, opens=order.may_open, opened=opened)
        return (
            Identification(
                wallet.wallet_id, order.instrument_no, said["phone"], said["name"], said["id_number"], ()
            ),
            opened,
            1,
        )
    people, looked_at = [], 1
    for wallet_id, operator, identity_id in rows.named_wallets(tx) if holder.phone is not None else ():
        other = parties.open_identity(tx, keyring, identity_id)
        looked_at += 1
        if other.phone == holder.phone:
            said = _said(other, wallet_id, is_named=True, opens=Opens.IDENTITY, opened=opened)
            people.append(Person(wallet_id, operator, said["name"], said["id_number"], other.phone))
    found = Identification(wallet.wallet_id, order.instrument_no, None, None, None, tuple(people))
    return found, opened, looked_at


def _walked(
    tx: Transaction, owners: dict[int, Row], wallet: Wallet, order: Instrument, *, down: bool
) -> Walk:
    if order.window_from is None or order.window_to is None or order.depth is None:
        raise AssertionError  # the form of a trace was checked when it was read
    window = rows.window_of(tx, order.window_from, order.window_to)
    read = rows.going_out if down else rows.coming_in

    def is_followed(account: int) -> bool:
        if account not in owners:
            owners[account] = rows.owner(tx, account)
        return owners[account][1] in _FOLLOWED

    found = walk(
        wallet.account_id,
        Limits(order.depth, MOST_NODES, MOST_EDGES),
        down=down,
        read=lambda account, one, other, most: read(tx, account, one, other, window, most),
        is_followed=is_followed,
    )
    for account in found.reached:
        is_followed(account)  # so that its owner is known
    return found


def _node(
    tx: Transaction,
    keyring: Keyring,
    name: str,
    owner: Row,
    hop: int,
    opens: Opens | None,
    opened: Opened,
    *,
    goes_on: bool,
    comes_from_beyond: bool,
) -> Node:
    account, code, wallet_id, wallet_class, operator, identity_id = owner
    node = partial(
        Node, name, account_kind(code), account, wallet_id, wallet_class, operator, hop, goes_on,
        comes_from_beyond,
    )  # fmt: skip
    if wallet_id is None or opens is None:
        return node()
    holder = parties.open_identity(tx, keyring, identity_id)
    return node(**_said(holder, wallet_id, is_named=wallet_class != "IV", opens=opens, opened=opened))


def _said(
    holder: Identity, wallet_id: str, *, is_named: bool, opens: Opens | None, opened: Opened
) -> dict[str, str | None]:
    """What is opened of a holder, noted for the log: a name or a phone, never both."""
    by_name = is_named and opens is Opens.IDENTITY
    opened.append((Action.OPEN_IDENTITY if by_name else Action.OPEN_PHONE, wallet_id))
    return {
        "name": holder.shown_name if by_name else None,
        "id_number": holder.shown_id_number if by_name else None,
        "phone": None if by_name else holder.phone,
    }


def _edge(flow: Flow, names: dict[int, str]) -> Edge:
    return Edge(
        names[flow.debit],
        names[flow.credit],
        TransferCode(flow.code).name.lower(),
        Fen(flow.amount),
        from_micros(flow.at),
        flow.transfer_id.hex(),
        flow.reference,
    )
