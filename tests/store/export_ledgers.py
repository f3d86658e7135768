"""Ledgers to take away: the story of the demo, and arbitrary ones that Hypothesis writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from hypothesis import strategies as st

from ecny_tax import FixedClock, Sandbox
from ecny_tax.clock import from_micros
from ecny_tax.ledger.model import (
    AccountCode,
    AccountFlags,
    Ledger,
    Result,
    Transfer,
    TransferCode,
    TransferFlags,
)
from ecny_tax.scenarios.heshan import heshan
from ecny_tax.store import Transaction, journal
from ecny_tax.wallets import supply
from tests.support import START

_WALLET = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
#: What could be stored as text: no lone surrogates, no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=128)
_names = texts.filter(bool)
_amounts = st.one_of(st.integers(0, 10**6), st.integers(0, 10**17))
_picks = st.integers(0, 7)

_steps = st.one_of(
    st.tuples(st.just("wait"), st.timedeltas(timedelta(0), timedelta(days=40))),
    st.tuples(st.just("back")),
    st.tuples(st.just("deposits"), _names),
    st.tuples(st.just("wallet"), _names),
    st.tuples(st.just("top-up"), _picks, st.integers(1, 10**6)),
    st.tuples(
        st.just("batch"),
        st.lists(st.tuples(_picks, _picks, _amounts, st.booleans(), texts), min_size=1, max_size=6),
    ),
    st.tuples(st.just("close"), _picks),
)
histories = st.lists(_steps, max_size=25)


@contextmanager
def told() -> Iterator[Sandbox]:
    """The ledger of the demo."""
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="demo") as s:
        assert all(heshan(s))
        yield s


@contextmanager
def written(history: list[tuple]) -> Iterator[Sandbox]:  # type: ignore[type-arg]
    """A ledger with accounts, single transfers, chains, closed wallets, and a clock that goes both ways."""
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed="written") as s:
        for step in history:
            if step[0] == "wait":
                clock.advance(step[1])
            elif step[0] == "back":
                newest = s.status().newest_transfer_at
                assert newest is not None
                clock.at = newest
            else:
                with s._store.transaction() as tx:
                    _apply(tx, *step)
        yield s


def _apply(tx: Transaction, kind: str, *values) -> None:  # type: ignore[no-untyped-def]
    mine = [a for a in journal.accounts(tx) if a.id > 47]
    if kind == "deposits" and not journal.account_named(tx, values[0]):
        code = AccountCode.PUBLIC_DEPOSITS
        journal.open_account(tx, name=values[0], ledger=Ledger.DEPOSITS, code=code, flags=0)
    elif kind == "wallet" and not journal.account_named(tx, values[0]):
        code = AccountCode.WALLET
        journal.open_account(tx, name=values[0], ledger=Ledger.ECNY, code=code, flags=_WALLET)
    elif not mine:
        return
    elif kind == "top-up":
        wallet = mine[values[0] % len(mine)]
        if wallet.ledger == Ledger.ECNY and not wallet.flags & AccountFlags.CLOSED:
            journal.move(tx, supply.top_up_moves(tx, "ICBC", [(wallet.id, values[1])]), user_data="")
    elif kind == "close":
        account = mine[values[0] % len(mine)]
        if account.code == AccountCode.WALLET:
            journal.set_flags(tx, account.id, account.flags | AccountFlags.CLOSED)
    elif kind == "batch":
        results = journal.post(tx, [_wish(tx, mine, *wish) for wish in values[0]])
        assert set(results) <= set(Result)


def _wish(
    tx: Transaction, mine: list, debit: int, credit: int, amount: int, linked: bool, text: str
) -> Transfer:  # type: ignore[type-arg]
    one, other = mine[debit % len(mine)], mine[credit % len(mine)]
    flags = TransferFlags.LINKED if linked else TransferFlags.NONE
    code = TransferCode.WALLET_TRANSFER
    return Transfer(tx.ids.transfer_id(tx.now), one.id, other.id, amount, one.ledger, code, flags, text)


def lines(s: Sandbox, format: str = "jsonl") -> list[str]:
    return list(s.ledger.export(format=format))


def times(s: Sandbox) -> list[int]:
    """Every time in the ledger, in microseconds."""
    with s._store.reading() as tx:
        found = tx.rows("SELECT posted_at FROM transfer UNION SELECT opened_at FROM account")
    assert all(from_micros(row[0]) for row in found)
    return [row[0] for row in found]
