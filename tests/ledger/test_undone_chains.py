"""A chain that breaks leaves every counter as it was, also where the account had moved before."""

from __future__ import annotations

from ecny_tax.ledger.model import Account, AccountFlags, Result, Transfer, TransferFlags
from ecny_tax.ledger.state_machine import decide

BOUND = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
ACCOUNTS = {
    1: Account(1, "a", 1, 3, BOUND, debits=300, credits=1_000),
    2: Account(2, "b", 1, 3, BOUND, debits=70, credits=90),
}


def test_counters_after_a_broken_chain_are_those_before_it() -> None:
    batch = [
        Transfer(1, 1, 2, 50, 1, 8, TransferFlags.LINKED),
        Transfer(2, 2, 1, 5_000, 1, 8),  # exceeds what b has
        Transfer(3, 1, 2, 7, 1, 8),
        Transfer(4, 2, 1, 3, 1, 8),
    ]
    decision = decide(ACCOUNTS, {}, batch)
    assert decision.results == [
        Result.LINKED_EVENT_FAILED,
        Result.EXCEEDS_CREDITS,
        Result.CREATED,
        Result.CREATED,
    ]
    assert decision.counters == {1: (307, 1_003), 2: (73, 97)}


def test_all_that_was_left_can_still_be_spent_after_a_broken_chain() -> None:
    batch = [
        Transfer(1, 1, 2, 600, 1, 8, TransferFlags.LINKED),
        Transfer(2, 2, 1, 5_000, 1, 8),
        Transfer(3, 1, 2, 700, 1, 8),
        Transfer(4, 1, 2, 1, 1, 8),
    ]
    results = decide(ACCOUNTS, {}, batch).results
    assert results[2:] == [Result.CREATED, Result.EXCEEDS_CREDITS]


def test_an_id_of_a_broken_chain_is_free_again() -> None:
    batch = [
        Transfer(1, 1, 2, 50, 1, 8, TransferFlags.LINKED),
        Transfer(2, 2, 1, 5_000, 1, 8),
        Transfer(1, 1, 2, 60, 1, 8),
    ]
    assert decide(ACCOUNTS, {}, batch).results[2] is Result.CREATED


def test_an_open_chain_at_the_end_takes_back_its_first_members() -> None:
    batch = [
        Transfer(1, 1, 2, 50, 1, 8),
        Transfer(2, 1, 2, 60, 1, 8, TransferFlags.LINKED),
        Transfer(3, 1, 2, 70, 1, 8, TransferFlags.LINKED),
    ]
    decision = decide(ACCOUNTS, {}, batch)
    assert decision.results == [
        Result.CREATED,
        Result.LINKED_EVENT_FAILED,
        Result.LINKED_EVENT_CHAIN_OPEN,
    ]
    assert decision.counters == {1: (350, 1_000), 2: (70, 140)}
