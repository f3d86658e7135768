"""The state machine against a model in plain dictionaries, and its order of precedence row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.ledger.model import MAX_COUNTER, Account, AccountFlags, Result, Transfer, TransferFlags
from ecny_tax.ledger.state_machine import Decision, decide
from tests.ledger.events import as_account, as_transfer, batches, books
from tests.ledger.model import Event, Model

LINKED = TransferFlags.LINKED
BOUND = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
BOUND_BY_DEBITS = AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS


# --- against the model ------------------------------------------------------------------------------


class Ledger:
    """What an engine does around :func:`decide`: keeps accounts and transfers between batches."""

    def __init__(self, accounts: Iterable[Account], known: Iterable[Transfer] = ()) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.known = {transfer.id: transfer for transfer in known}

    def post(self, batch: list[Transfer]) -> Decision:
        decision = decide(self.accounts, self.known, batch)
        for id_, (debits, credits_) in decision.counters.items():
            self.accounts[id_] = replace(self.accounts[id_], debits=debits, credits=credits_)
        self.known |= {transfer.id: transfer for transfer in decision.created}
        return decision

    def counters(self) -> dict[int, tuple[int, int]]:
        return {account.id: (account.debits, account.credits) for account in self.accounts.values()}


@given(books(), st.data())
def test_decisions_are_those_of_the_model_batch_after_batch(model: Model, data: st.DataObject) -> None:
    ledger = Ledger(as_account(id_, account) for id_, account in model.accounts.items())
    past: list[Event] = []
    for _ in range(3):
        batch = data.draw(batches(model, past))
        before = ledger.counters()
        decision = ledger.post([as_transfer(event) for event in batch])
        assert decision.results == model.post(batch)
        assert ledger.counters() == model.counters()
        assert list(ledger.known) == list(model.transfers)
        assert_promises(before, decision, ledger)
        past += batch


def assert_promises(before: dict[int, tuple[int, int]], decision: Decision, ledger: Ledger) -> None:
    """What holds for every decision, whatever a model says."""
    moved = sum(transfer.amount for transfer in decision.created)
    after = ledger.counters()
    assert sum(debits for debits, _ in after.values()) - sum(d for d, _ in before.values()) == moved
    assert sum(credits_ for _, credits_ in after.values()) - sum(c for _, c in before.values()) == moved
    assert decision.results.count(Result.CREATED) == len(decision.created)
    assert decision.counters == {id_: after[id_] for id_ in after if after[id_] != before[id_]}
    for id_, account in ledger.accounts.items():
        assert 0 <= before[id_][0] <= after[id_][0] <= MAX_COUNTER
        assert 0 <= before[id_][1] <= after[id_][1] <= MAX_COUNTER
        if account.flags & AccountFlags.CLOSED:
            assert after[id_] == before[id_]
        # Zero may move on an account that began beyond its bound; nothing else leads or leaves it there.
        if account.flags & BOUND and after[id_][0] != before[id_][0]:
            assert after[id_][0] <= after[id_][1]


books_and_batch = books().flatmap(lambda model: st.tuples(st.just(model), batches(model)))


@given(books_and_batch)
def test_accounts_and_known_transfers_given_are_left_as_they_were(given_: tuple[Model, list[Event]]) -> None:
    model, batch = given_
    accounts = {id_: as_account(id_, account) for id_, account in model.accounts.items()}
    known: dict[int, Transfer] = {}
    decide(accounts, known, [as_transfer(event) for event in batch])
    assert known == {}
    assert accounts == {id_: as_account(id_, account) for id_, account in model.accounts.items()}


@given(books_and_batch)
def test_what_was_created_answers_exists_when_it_comes_again_and_moves_nothing(
    given_: tuple[Model, list[Event]],
) -> None:
    model, batch = given_
    ledger = Ledger(as_account(id_, account) for id_, account in model.accounts.items())
    created = ledger.post([as_transfer(event) for event in batch]).created
    after = ledger.counters()
    again = ledger.post(created)
    assert set(again.results) <= {Result.EXISTS}
    assert again.created == []
    assert ledger.counters() == after


@given(books_and_batch, st.data())
def test_cutting_a_batch_between_chains_changes_nothing(
    given_: tuple[Model, list[Event]], data: st.DataObject
) -> None:
    model, batch = given_
    whole = Ledger(as_account(id_, account) for id_, account in model.accounts.items())
    parts = Ledger(whole.accounts.values())
    transfers = [as_transfer(event) for event in batch]
    places = [place for place, t in enumerate(transfers, start=1) if not t.flags & LINKED]
    cut = data.draw(st.sampled_from(places or [0]))
    expected = whole.post(transfers).results
    assert parts.post(transfers[:cut]).results + parts.post(transfers[cut:]).results == expected
    assert parts.counters() == whole.counters()


def test_empty_batch_decides_nothing() -> None:
    assert decide({}, {}, []) == Decision([], [], {})


# --- precedence -------------------------------------------------------------------------------------

FULL = MAX_COUNTER
ACCOUNTS = [
    Account(1, "rich", 1, 3, 0, 0, 1_000),
    Account(2, "plain", 1, 3),
    Account(3, "bound", 1, 3, BOUND, 0, 100),
    Account(4, "bound by debits", 1, 1, BOUND_BY_DEBITS, 100, 0),
    Account(5, "deposits", 2, 12),
    Account(6, "closed", 1, 3, AccountFlags.CLOSED),
    Account(7, "closed too", 1, 3, AccountFlags.CLOSED),
    Account(8, "full of debits", 1, 3, BOUND, FULL, 0),
    Account(9, "full of credits", 1, 1, BOUND_BY_DEBITS, 0, FULL),
]
GOOD = Transfer(100, 1, 2, 10, 1, 8, 0, "")
#: Posted before its debit account was closed.
EARLIER = Transfer(99, 6, 2, 10, 1, 8, 0, "P1")

#: One row a result in the order of precedence: a transfer that breaks the rule of its row and a later one.
LADDER: list[tuple[str, Transfer]] = [
    ("id_must_not_be_zero", replace(GOOD, id=0, debit_account_id=0)),
    ("exists_with_different_flags", replace(EARLIER, flags=2, debit_account_id=0)),
    ("exists_with_different_debit_account_id", replace(EARLIER, debit_account_id=3, credit_account_id=4)),
    ("exists_with_different_credit_account_id", replace(EARLIER, credit_account_id=3, amount=11)),
    ("exists_with_different_amount", replace(EARLIER, amount=11, user_data="P2")),
    ("exists_with_different_user_data", replace(EARLIER, user_data="P2", ledger=2)),
    ("exists_with_different_ledger", replace(EARLIER, ledger=2, code=9)),
    ("exists_with_different_code", replace(EARLIER, code=0)),
    ("exists", EARLIER),
    ("debit_account_id_must_not_be_zero", replace(GOOD, debit_account_id=0, credit_account_id=0)),
    ("credit_account_id_must_not_be_zero", replace(GOOD, credit_account_id=0, ledger=0)),
    ("accounts_must_be_different", replace(GOOD, credit_account_id=1, ledger=0)),
    ("ledger_must_not_be_zero", replace(GOOD, ledger=0, code=0)),
    ("code_must_not_be_zero", replace(GOOD, code=0, debit_account_id=77)),
    ("debit_account_not_found", replace(GOOD, debit_account_id=77, credit_account_id=78)),
    ("credit_account_not_found", replace(GOOD, credit_account_id=78, ledger=2)),
    ("accounts_must_have_the_same_ledger", replace(GOOD, credit_account_id=5, ledger=3)),
    ("transfer_must_have_the_same_ledger_as_accounts", replace(GOOD, ledger=2, debit_account_id=6)),
    ("debit_account_already_closed", replace(GOOD, debit_account_id=6, credit_account_id=7)),
    ("credit_account_already_closed", replace(GOOD, debit_account_id=8, credit_account_id=6)),
    ("overflows_debits", replace(GOOD, debit_account_id=8, credit_account_id=9)),
    ("overflows_credits", replace(GOOD, debit_account_id=3, credit_account_id=9, amount=101)),
    ("exceeds_credits", replace(GOOD, debit_account_id=3, credit_account_id=4, amount=101)),
    ("exceeds_debits", replace(GOOD, credit_account_id=4, amount=101)),
    ("created", GOOD),
]
#: After these nothing comes that could be broken too.
LAST = {"exceeds_debits", "created"}
#: These two belong to chains; how they meet the others stands in the tests of chains below.
OF_CHAINS = ["linked_event_failed", "linked_event_chain_open"]


def judge(*batch: Transfer) -> list[Result]:
    return decide({a.id: a for a in ACCOUNTS}, {EARLIER.id: EARLIER}, batch).results


@pytest.mark.parametrize(("expected", "transfer"), LADDER, ids=[row[0] for row in LADDER])
def test_of_two_broken_rules_the_earlier_is_answered(expected: str, transfer: Transfer) -> None:
    model = Model()
    for account in ACCOUNTS:
        model.open(
            account.id,
            ledger=account.ledger,
            flags=account.flags,
            debits=account.debits,
            credits=account.credits,
        )
    model.transfers[EARLIER.id] = asdict(EARLIER)
    wrong = model.everything_wrong(asdict(transfer))
    assert len(wrong) >= 2 or expected in LAST
    assert judge(transfer) == [expected] == (wrong or ["created"])[:1]


def test_every_result_has_its_row_in_the_order_of_precedence() -> None:
    rows = ["created", *OF_CHAINS, *(row[0] for row in LADDER if row[0] != "created")]
    assert rows == [result.value for result in Result]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flags", 2),
        ("debit_account_id", 1),
        ("credit_account_id", 3),
        ("amount", 11),
        ("user_data", "P2"),
        ("ledger", 2),
        ("code", 9),
    ],
)
def test_the_same_id_with_one_field_changed_says_which(field: str, value: Any) -> None:
    changed = replace(EARLIER, **{field: value})
    assert judge(changed) == [f"exists_with_different_{field}"]
    assert judge(EARLIER, changed, EARLIER) == ["exists", f"exists_with_different_{field}", "exists"]
    fresh = replace(GOOD, id=200)
    differing = replace(fresh, **{field: 3 if field == "debit_account_id" else value})
    assert judge(fresh, differing)[1] == f"exists_with_different_{field}"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, "created"),
        (1, "created"),
        (99, "created"),
        (100, "created"),
        (101, "exceeds_credits"),
        (FULL - 1, "exceeds_credits"),
        (FULL, "exceeds_credits"),
    ],
)
def test_bound_account_gives_exactly_what_it_holds(amount: int, expected: str) -> None:
    assert judge(replace(GOOD, debit_account_id=3, amount=amount)) == [expected]


@pytest.mark.parametrize(("amount", "expected"), [(99, "created"), (100, "created"), (101, "exceeds_debits")])
def test_account_bound_by_debits_takes_exactly_what_it_gave(amount: int, expected: str) -> None:
    assert judge(replace(GOOD, credit_account_id=4, amount=amount)) == [expected]


def test_counters_reach_their_end_and_go_no_further() -> None:
    one, other = Account(1, "one", 1, 3), Account(2, "other", 1, 3)
    full = Transfer(1, 1, 2, FULL, 1, 8)
    decision = decide(
        {1: one, 2: other}, {}, [full, replace(full, id=2, amount=1), replace(full, id=3, amount=0)]
    )
    assert decision.results == ["created", "overflows_debits", "created"]
    assert decision.counters == {1: (FULL, 0), 2: (0, FULL)}
    third = Account(3, "third", 1, 3)
    decision = decide({1: one, 2: other, 3: third}, {}, [full, Transfer(2, 3, 2, 1, 1, 8)])
    assert decision.results == ["created", "overflows_credits"]


def test_what_comes_in_earlier_in_a_batch_may_go_out_later_in_it() -> None:
    there = Transfer(201, 1, 3, 50, 1, 8)
    back = Transfer(202, 3, 2, 150, 1, 8)
    assert judge(there, back) == ["created", "created"]
    assert judge(back, there) == ["exceeds_credits", "created"]


# --- chains -----------------------------------------------------------------------------------------


def chain(length: int, first_id: int = 300) -> list[Transfer]:
    """Linked transfers that all succeed: 1 → 2, ten each."""
    return [
        replace(GOOD, id=first_id + place, flags=LINKED if place < length - 1 else 0)
        for place in range(length)
    ]


@pytest.mark.parametrize("length", range(1, 6))
def test_repeated_chain_answers_exists_as_a_unit(length: int) -> None:
    ledger = Ledger(ACCOUNTS)
    assert ledger.post(chain(length)).results == ["created"] * length
    after = ledger.counters()
    again = ledger.post(chain(length))
    assert again.results == ["exists"] * length
    assert (again.created, again.counters) == ([], {})
    assert ledger.post(chain(length) + chain(length)).results == ["exists"] * length * 2
    assert ledger.counters() == after


def test_chain_repeated_inside_one_batch_answers_exists_as_a_unit() -> None:
    assert judge(*chain(3), *chain(3)) == ["created"] * 3 + ["exists"] * 3


@pytest.mark.parametrize("place", range(4))
def test_chain_repeated_with_one_member_changed_fails_at_the_first_that_exists(place: int) -> None:
    ledger = Ledger(ACCOUNTS)
    ledger.post(chain(4))
    changed = chain(4)
    changed[place] = replace(changed[place], amount=11)
    first = "exists_with_different_amount" if place == 0 else "exists"
    assert ledger.post(changed).results == [first, *["linked_event_failed"] * 3]


def test_part_of_a_chain_is_not_its_repeat() -> None:
    ledger = Ledger(ACCOUNTS)
    ledger.post(chain(3))
    longer = chain(3)
    longer[2] = replace(longer[2], flags=LINKED)
    longer.append(replace(GOOD, id=310))
    assert ledger.post(longer).results == ["exists", *["linked_event_failed"] * 3]
    new_then_old = [replace(GOOD, id=320, flags=LINKED), chain(3)[2]]
    assert ledger.post(new_then_old).results == ["linked_event_failed", "exists"]
    assert 310 not in ledger.known
    assert 320 not in ledger.known


BREAKERS = {
    "exceeds_credits": {"debit_account_id": 3, "amount": 101},
    "debit_account_not_found": {"debit_account_id": 77},
    "id_must_not_be_zero": {"id": 0},
    "exists": {"id": EARLIER.id, "debit_account_id": EARLIER.debit_account_id, "user_data": "P1"},
    "exists_with_different_user_data": {"id": EARLIER.id, "debit_account_id": EARLIER.debit_account_id},
}


@pytest.mark.parametrize("expected", BREAKERS)
@pytest.mark.parametrize("place", range(4))
def test_chain_broken_at_any_place_leaves_no_trace(place: int, expected: str) -> None:
    broken = chain(4)
    broken[place] = replace(broken[place], **BREAKERS[expected])
    if expected.startswith("exists") and place < 3:
        expected = "exists_with_different_flags"
    batch = [replace(GOOD, id=250), *broken, replace(GOOD, id=251)]
    decision = decide({a.id: a for a in ACCOUNTS}, {EARLIER.id: EARLIER}, batch)
    answers = ["linked_event_failed"] * 4
    answers[place] = expected
    assert decision.results == ["created", *answers, "created"]
    assert [transfer.id for transfer in decision.created] == [250, 251]
    assert decision.counters == {1: (20, 1_000), 2: (0, 20)}


def test_ids_of_a_broken_chain_are_free_again_in_the_same_batch() -> None:
    broken = chain(2)
    broken[1] = replace(broken[1], debit_account_id=77)
    assert judge(*broken, *chain(2)) == [
        "linked_event_failed",
        "debit_account_not_found",
        "created",
        "created",
    ]


def test_id_twice_in_one_chain_breaks_it() -> None:
    twice = chain(2)
    twice[1] = replace(twice[1], id=twice[0].id)
    assert judge(*twice) == ["linked_event_failed", "exists_with_different_flags"]


def test_second_member_that_exceeds_its_credits_answers_as_tigerbeetle_does() -> None:
    broken = chain(3)
    broken[1] = replace(broken[1], debit_account_id=3, amount=101)
    assert judge(*broken) == ["linked_event_failed", "exceeds_credits", "linked_event_failed"]


@pytest.mark.parametrize("length", range(1, 5))
def test_open_chain_fails_and_its_last_event_says_why(length: int) -> None:
    opened = [replace(transfer, flags=LINKED) for transfer in chain(length)]
    decision = decide({a.id: a for a in ACCOUNTS}, {}, [replace(GOOD, id=250), *opened])
    assert decision.results[1:] == ["linked_event_failed"] * (length - 1) + ["linked_event_chain_open"]
    assert [transfer.id for transfer in decision.created] == [250]


@pytest.mark.parametrize("place", range(3))
def test_open_chain_broken_before_its_end_says_both(place: int) -> None:
    opened = [replace(transfer, flags=LINKED) for transfer in chain(4)]
    opened[place] = replace(opened[place], code=0)
    answers = ["linked_event_failed"] * 3 + ["linked_event_chain_open"]
    answers[place] = "code_must_not_be_zero"
    assert judge(*opened) == answers


def test_open_chain_says_so_even_where_its_last_event_is_broken_or_all_was_there() -> None:
    ledger = Ledger(ACCOUNTS)
    ledger.post(chain(2))
    opened = [chain(2)[0], replace(chain(2)[1], flags=LINKED)]
    assert ledger.post(opened).results == ["exists", "linked_event_chain_open"]
    assert judge(replace(GOOD, id=0, flags=LINKED)) == ["linked_event_chain_open"]
