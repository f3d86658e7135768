"""Balances at a time, against a scan of the whole journal by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.clock import from_micros, micros
from tests.store.export_ledgers import histories, times, written
from tests.support import START, judged, nameless


def scanned(s: Sandbox, at: int) -> dict[str, tuple[int, int]]:
    """(debits, credits) of every account that was open or used at the time, by reading everything."""
    with s._store.reading() as tx:
        accounts = tx.rows("SELECT id, name, opened_at FROM account")
        transfers = tx.rows("SELECT debit_account_id, credit_account_id, amount, posted_at FROM transfer")
    found: dict[int, list[int]] = {id_: [0, 0] for id_, _name, opened_at in accounts if opened_at <= at}
    for debit, credit, amount, posted_at in transfers:
        if posted_at <= at:
            found.setdefault(debit, [0, 0])[0] += amount
            found.setdefault(credit, [0, 0])[1] += amount
    names = {id_: name for id_, name, _opened_at in accounts}
    return {names[id_]: (debits, credits_) for id_, (debits, credits_) in found.items()}


@given(histories, st.data())
def test_accounts_at_a_time_are_what_a_scan_of_the_journal_finds(history: list[Any], data: Any) -> None:
    with written(history) as s:
        known = times(s)
        for _ in range(3):
            at = data.draw(
                st.sampled_from(known).flatmap(lambda time: st.integers(time - 1, time + 1))
                | st.integers(min(known) - 10**9, max(known) + 10**9)
            )
            found = s.ledger.accounts(at=from_micros(at))
            assert {a.account: (a.debits, a.credits) for a in found} == scanned(s, at)
            assert all(a.balance == a.credits - a.debits for a in found)
        assert s.ledger.accounts(at=from_micros(max(known))) == s.ledger.accounts()
        assert s.ledger.accounts(at=from_micros(min(known) - 1)) == ()


def test_a_transfer_counts_from_its_very_time_on() -> None:
    clock = FixedClock(START)
    with Sandbox.open(clock=clock, seed="at") as s:
        wallet = nameless(s)
        moment = from_micros(micros(START) + 1)
        clock.at = moment
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(7))
        name = f"wallet:{wallet.wallet_id}"
        for at, balance in ((START, 0), (moment, 7)):
            assert {a.account: a.balance for a in s.ledger.accounts(at=at)}[name] == balance


def test_a_time_without_zone_is_refused() -> None:
    with Sandbox.open(clock=FixedClock(START), seed="at") as s, pytest.raises(EcnyTaxError) as caught:
        s.ledger.accounts(at=START.replace(tzinfo=None))
    judged(caught.value, "time_malformed")
