"""Verification: a sound journal keeps every promise, and each kind of damage is found by its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.ledger.model import Account, AccountCode, AccountFlags, Ledger, Transfer
from ecny_tax.ledger.promises import check_journal, in_circulation, in_vaults
from ecny_tax.ledger.state_machine import decide

BOUND = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
FRESH = [
    Account(1, "issuance", Ledger.ECNY, AccountCode.ISSUANCE, AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS),
    Account(2, "vault", Ledger.ECNY, AccountCode.OPERATOR_VAULT, BOUND),
    Account(3, "wallet", Ledger.ECNY, AccountCode.WALLET, BOUND),
    Account(4, "collection", Ledger.ECNY, AccountCode.COLLECTION, BOUND),
    Account(5, "backing", Ledger.DEPOSITS, AccountCode.RESERVE_BACKING, BOUND),
    Account(6, "reserve", Ledger.DEPOSITS, AccountCode.OPERATOR_RESERVE, BOUND),
    Account(7, "public", Ledger.DEPOSITS, AccountCode.PUBLIC_DEPOSITS),
]
ECNY, DEPOSITS = int(Ledger.ECNY), int(Ledger.DEPOSITS)
STORY = [
    (7, 6, 500, DEPOSITS),
    (6, 5, 500, DEPOSITS),
    (1, 2, 500, ECNY),
    (2, 3, 400, ECNY),
    (3, 4, 300, ECNY),
    (3, 2, 50, ECNY),
]


class Line(NamedTuple):
    """A stored transfer, with its columns in the order in which the fold reads them."""

    seq: int
    debit_account_id: int
    credit_account_id: int
    amount: int
    ledger: int
    posted_at: int
    id: bytes = bytes(16)


Books = tuple[dict[int, Account], list[Line]]


def columns(line: Line) -> tuple[int, int, int, int, int, int, int, int, bytes, bytes]:
    seq, debit, credit, amount, ledger, at, id_ = line
    return seq, debit, credit, amount, ledger, 8, 0, at, id_, b""


def post(moves: list[tuple[int, int, int, int]]) -> Books:
    accounts = {account.id: account for account in FRESH}
    batch = [Transfer(n, *move, code=8) for n, move in enumerate(moves, start=1)]
    decision = decide(accounts, {}, batch)
    for id_, (debits, credits_) in decision.counters.items():
        accounts[id_] = replace(accounts[id_], debits=debits, credits=credits_)
    journal = [
        Line(seq, t.debit_account_id, t.credit_account_id, t.amount, t.ledger, 1_000 + seq)
        for seq, t in enumerate(decision.created, start=1)
    ]
    return accounts, journal


def broken(books: Books) -> dict[str, str]:
    count, checks = check_journal(books[0], [columns(line) for line in books[1]])
    assert count == len(books[1])
    assert [check.promise for check in checks] == ["I1", "I2", "I3", "I4", "I5"]
    for check in checks:
        assert check.ok or check.detail
    return {check.promise: check.detail for check in checks if not check.ok}


def test_I1_to_I5_hold_for_a_sound_story() -> None:
    accounts, journal = post(STORY)
    assert len(journal) == len(STORY)
    assert broken((accounts, journal)) == {}
    assert in_circulation(accounts.values()) == 350
    assert in_vaults(accounts.values()) == 150


def test_I1_to_I5_hold_for_empty_books() -> None:
    assert broken(post([])) == {}
    assert broken(({}, [])) == {}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 7), st.integers(1, 7), st.integers(0, 600), st.sampled_from([ECNY, DEPOSITS])
        )
    )
)
def test_I1_I3_I4_I5_hold_for_whatever_the_state_machine_created(
    moves: list[tuple[int, int, int, int]],
) -> None:
    # I2 is about pairs of transfers, which the services make.
    assert set(broken(post(STORY + moves))) <= {"I2"}


def test_I1_transfer_that_crosses_assets_is_found() -> None:
    accounts, journal = post(STORY)
    for line in (journal[4]._replace(credit_account_id=6), journal[4]._replace(ledger=DEPOSITS)):
        found = broken((accounts, [*journal[:4], line, *journal[5:]]))
        assert found["I1"] == "transfer 5 crosses assets"


@pytest.mark.parametrize(("id_", "asset"), [(3, "ECNY"), (7, "DEPOSITS")])
def test_I1_counter_that_makes_an_asset_unequal_is_found(id_: int, asset: str) -> None:
    accounts, journal = post(STORY)
    for changed in (
        replace(accounts[id_], debits=accounts[id_].debits + 1),
        replace(accounts[id_], credits=accounts[id_].credits + 1),
    ):
        found = broken((accounts | {id_: changed}, journal))
        assert found["I1"] == asset
        assert accounts[id_].name in found["I4"]


def test_I2_issue_that_nothing_backs_is_found() -> None:
    assert set(broken(post([*STORY, (1, 2, 10, ECNY)]))) == {"I2"}


def test_I2_backing_without_issue_is_found() -> None:
    assert set(broken(post([(7, 5, 10, DEPOSITS), *STORY]))) == {"I2"}


def test_I3_overdraft_is_found_even_where_it_was_filled_later() -> None:
    accounts, journal = post(STORY)
    # The payment of 300 stands before the top-up of 400: the balances in the end are the same.
    early, late = journal[3], journal[4]
    swapped = [
        *journal[:3],
        late._replace(seq=4, posted_at=early.posted_at),
        early._replace(seq=5, posted_at=late.posted_at),
        *journal[5:],
    ]
    assert broken((accounts, swapped)) == {"I3": "transfer 4 overdraws wallet"}


def test_I3_account_bound_by_debits_that_takes_too_much_is_found() -> None:
    accounts, journal = post(STORY)
    line = Line(7, 2, 1, 501, ECNY, 2_000)
    assert broken((accounts, [*journal, line]))["I3"].endswith(("overdraws issuance", "overdraws vault"))


DAMAGE: dict[str, Callable[[list[Line]], list[Line]]] = {
    "amount changed": lambda journal: [*journal[:-1], journal[-1]._replace(amount=49)],
    "accounts exchanged": lambda journal: [
        *journal[:-1],
        journal[-1]._replace(debit_account_id=2, credit_account_id=3),
    ],
    "debit account changed": lambda journal: [*journal[:-1], journal[-1]._replace(debit_account_id=4)],
    "credit account changed": lambda journal: [*journal[:-1], journal[-1]._replace(credit_account_id=4)],
    "last one removed": lambda journal: journal[:-1],
    "all removed": lambda _journal: [],
    "one added": lambda journal: [*journal, journal[-1]._replace(seq=7, amount=1)],
    "last one twice": lambda journal: [*journal, journal[-1]._replace(seq=7)],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_I4_journal_that_differs_from_the_balances_is_found(kind: str) -> None:
    accounts, journal = post(STORY)
    found = broken((accounts, DAMAGE[kind](journal)))
    assert found["I4"] in {account.name for account in accounts.values()}


@pytest.mark.parametrize("place", range(len(STORY)))
def test_I5_gap_in_the_journal_is_found(place: int) -> None:
    accounts, journal = post(STORY)
    found = broken((accounts, journal[:place] + journal[place + 1 :]))
    if place < len(STORY) - 1:
        assert found["I5"] == f"transfer {place + 2} stands where {place + 1} is expected"
    assert "I4" in found


def test_I5_number_twice_and_wrong_start_are_found() -> None:
    accounts, journal = post(STORY)
    assert broken((accounts, [*journal[:3], journal[3]._replace(seq=3), *journal[4:]]))["I5"]
    assert broken((accounts, [line._replace(seq=line.seq + 1) for line in journal])) == {
        "I5": "transfer 2 stands where 1 is expected"
    }


@pytest.mark.parametrize("place", range(1, len(STORY)))
def test_I5_time_that_goes_back_is_found(place: int) -> None:
    accounts, journal = post(STORY)
    journal[place] = journal[place]._replace(posted_at=journal[place - 1].posted_at - 1)
    found = broken((accounts, journal))
    assert found == {"I5": f"transfer {place + 1} is older than the one before it"}


def test_I5_equal_times_are_sound() -> None:
    accounts, journal = post(STORY)
    assert broken((accounts, [line._replace(posted_at=1_000) for line in journal])) == {}


@pytest.mark.parametrize("field", ["debit_account_id", "credit_account_id"])
def test_I5_account_that_does_not_exist_is_found(field: str) -> None:
    accounts, journal = post(STORY)
    journal[2] = journal[2]._replace(**{field: 77})
    assert broken((accounts, journal))["I5"] == "transfer 3 names an account that does not exist"


def test_the_first_damage_is_named() -> None:
    accounts, journal = post(STORY)
    del journal[4], journal[1]
    assert broken((accounts, journal))["I5"] == "transfer 3 stands where 2 is expected"
