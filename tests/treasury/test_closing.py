"""Closing a treasury's days: what was collected becomes revenue once, to the fen; nothing enters after."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import BEIJING, Fen, FixedClock, Sandbox
from ecny_tax.errors import EcnyTaxError, InvalidInputError
from tests.support import (
    START,
    balance,
    by_collection,
    corporate,
    due_of,
    dump,
    owe,
    personal,
    refund_of,
    refused,
)

HESHAN = "1907840000"
OTHER = "1900000001"
OTHER_AUTHORITY = "14400000001"
LEVELS = ("central", "province", "city", "county")
OPENING = 10**13
TODAY = START.date()
DAY = timedelta(days=1)


def held(s: Sandbox) -> dict[str, int]:
    return {account.account: account.balance for account in s.ledger.accounts()}


def revenue(s: Sandbox, treasury: str = HESHAN) -> dict[str, int]:
    """What each level holds above what it opened with."""
    accounts = held(s)
    return {level: accounts[f"revenue:{treasury}:{level}"] - OPENING for level in LEVELS}


def collections(s: Sandbox) -> dict[str, int]:
    return by_collection(held(s))


def printed(s: Sandbox, *receipts: str) -> dict[str, int]:
    """What receipts print, by budget level."""
    found = Counter(dict.fromkeys(LEVELS, 0))
    for receipt_no in receipts:
        for line in s.payments.receipt(receipt_no=receipt_no).lines:
            found[line.budget_level] += line.amount
    return dict(found)


def with_other_treasury(s: Sandbox) -> None:
    s.treasury.add(code=OTHER, name="虚构国库")
    s.parties.add_tax_authority(code=OTHER_AUTHORITY, name="虚构税务局", treasury=OTHER)


def paid(s: Sandbox, amount: int, *, number: int = 1, operator: str = "ICBC", **wishes: Any) -> Any:
    """A payment of a company that has just enough, without an agreement."""
    known = [w for w in s.wallets.list() if w.operator == operator and w.kind == "corporate"]
    wallet = known[0] if known else corporate(s, number, operator=operator)
    s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(amount))
    bill = owe(s, wallet, amount, **wishes)
    return s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


# --- what a closing does ----------------------------------------------------------------------------


def test_i13_a_closed_day_gives_each_level_what_the_receipts_print(sandbox: Sandbox) -> None:
    one = paid(sandbox, 17_000_01, code="10101")
    two = paid(sandbox, 33, operator="BOC", number=2, code="10104")
    circulating = sandbox.status().in_circulation
    closing = sandbox.treasury.close(day=TODAY)
    expected = printed(sandbox, one.receipt_no, two.receipt_no)
    assert revenue(sandbox) == expected == {line.budget_level: line.amount for line in closing.levels}
    assert collections(sandbox) == {f"ICBC:{HESHAN}": 0, f"BOC:{HESHAN}": 0}
    assert (closing.collected, closing.days, closing.first_day) == (17_000_34, 1, TODAY)
    assert sandbox.status().in_circulation == circulating - 17_000_34, "I2: it went back to issuance"


def test_i13_a_late_fee_is_shared_by_the_weights_of_its_tax(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(100_000_00))
    bill = owe(sandbox, wallet, 1_234_57, code="10104")
    clock.advance(timedelta(days=200))
    late = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert late.late_fee > 0
    sandbox.treasury.close(day=clock.now().date())
    assert revenue(sandbox) == printed(sandbox, late.receipt_no)
    assert sum(revenue(sandbox).values()) == late.amount


def test_closing_again_answers_the_same_and_moves_nothing(sandbox: Sandbox, clock: FixedClock) -> None:
    paid(sandbox, 100)
    clock.advance(DAY)
    paid(sandbox, 200)
    first = sandbox.treasury.close(day=clock.now().date())
    assert (first.days, first.collected) == (2, 300)
    clock.advance(DAY)
    before = dump(sandbox)
    assert sandbox.treasury.close(day=first.day) == first
    earlier = sandbox.treasury.close(day=TODAY)
    assert (earlier.days, earlier.collected, earlier.closed_at) == (1, 100, first.closed_at)
    assert dump(sandbox) == before


def test_a_key_makes_a_repeat_one_closing_and_is_refused_for_another_day(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    paid(sandbox, 100)
    first = sandbox.treasury.close(day=TODAY, idempotency_key="k")
    assert sandbox.treasury.close(day=TODAY, idempotency_key="k") == first
    clock.advance(DAY)
    with refused(sandbox, "idempotency_conflict"):
        sandbox.treasury.close(day=TODAY + DAY, idempotency_key="k")


def test_every_earlier_open_day_is_closed_with_it_each_with_its_own_records(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    for amount in (100, 0, 300):
        if amount:
            paid(sandbox, amount)
        clock.advance(DAY)
    sandbox.treasury.close(day=TODAY + 2 * DAY)
    assert [(day.day, day.collected) for day in sandbox.treasury.days()] == [
        (TODAY, 100), (TODAY + DAY, 0), (TODAY + 2 * DAY, 300),
    ]  # fmt: skip
    with sandbox._store.reading() as tx:
        moved = tx.rows("SELECT user_data, sum(amount) FROM transfer WHERE code = 20 GROUP BY user_data")
    assert moved == [(f"{HESHAN} {TODAY}", 100), (f"{HESHAN} {TODAY + 2 * DAY}", 300)]


def test_i13_a_day_ends_with_its_last_microsecond_in_beijing(sandbox: Sandbox, clock: FixedClock) -> None:
    for amount, at in (
        (1, datetime(2023, 4, 20, 23, 59, 59, 999_999, tzinfo=BEIJING)),
        (20, datetime(2023, 4, 21, tzinfo=BEIJING)),
        (300, datetime(2023, 4, 21, 23, 59, 59, 999_999, tzinfo=BEIJING)),
        (4000, datetime(2023, 4, 22, tzinfo=BEIJING)),
    ):
        clock.at = at
        paid(sandbox, amount)
    for day, collected in ((TODAY, 1), (TODAY + DAY, 320), (TODAY + 2 * DAY, 4000)):
        assert sandbox.treasury.close(day=day).collected == collected
    assert sum(revenue(sandbox).values()) == 4321


def test_a_day_without_payments_closes_without_moving_anything(sandbox: Sandbox) -> None:
    transfers = sandbox.status().transfers
    closing = sandbox.treasury.close(day=TODAY)
    assert (closing.collected, [line.amount for line in closing.levels]) == (0, [0, 0, 0, 0])
    assert sandbox.status().transfers == transfers


def test_a_reversal_of_the_day_is_netted(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    back = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 300).bill_no)
    kept = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 41).bill_no)
    sandbox.payments.reverse(payment_no=back.payment_no)
    assert sandbox.treasury.close(day=TODAY).collected == 41
    assert revenue(sandbox) == printed(sandbox, kept.receipt_no)


def test_a_refund_before_and_after_closing_leaves_each_level_what_it_kept(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    payment = paid(sandbox, 1_001, code="10101")
    sandbox.refunds.apply_for_payment(payment_no=payment.payment_no, amount=Fen(400))
    sandbox.treasury.close(day=TODAY)
    clock.advance(timedelta(hours=15))
    last = sandbox.refunds.apply_for_payment(payment_no=payment.payment_no)
    assert last.interest == 0
    assert revenue(sandbox) == dict.fromkeys(LEVELS, 0)


def test_a_set_off_is_allocated_like_any_payment(sandbox: Sandbox) -> None:
    person = personal(sandbox)
    owe(sandbox, person, 30_00)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(100_00))
    assert sandbox.treasury.close(day=TODAY).collected == 30_00
    assert sum(revenue(sandbox).values()) == 30_00 - 100_00


def test_securities_duty_is_central_and_documents_are_local(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(10_000_00))
    for item, side in (("sale_contract", None), ("securities", "sell")):
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item=item, base=Fen(1_000_000_00), side=side
        )
    closing = sandbox.treasury.close(day=TODAY)
    by_level = {line.budget_level: line.amount for line in closing.levels}
    assert by_level == {"central": 1_000_00, "province": 90_00, "city": 60_00, "county": 150_00}


def test_treasuries_close_apart(sandbox: Sandbox) -> None:
    with_other_treasury(sandbox)
    paid(sandbox, 100)
    paid(sandbox, 70, authority=OTHER_AUTHORITY)
    assert sandbox.treasury.close(day=TODAY, treasury=OTHER).collected == 70
    assert collections(sandbox) == {f"ICBC:{HESHAN}": 100, f"ICBC:{OTHER}": 0}
    states = {state.treasury: state for state in sandbox.treasury.list()}
    assert (states[OTHER].closed_until, states[HESHAN].closed_until) == (TODAY, None)
    assert (states[OTHER].waiting, states[HESHAN].waiting) == (0, 100)
    paid(sandbox, 1)
    assert sandbox.treasury.days(treasury=HESHAN) == ()


def test_a_treasury_of_its_own_rules_splits_the_local_share_its_way(
    tmp_path: Path, clock: FixedClock
) -> None:
    rules = tmp_path / "taxes.toml"
    rules.write_text(
        f'[[local_split]]\ntreasury = "{OTHER}"\nprovince = 0\ncity = 90\ncounty = 10\n'
        'effective_from = 2023-04-21\neffective_to = 2023-04-21\ncitation = "made up"\n'
        'evidence = "assumption"\n',
        encoding="utf-8",
    )
    with Sandbox.open(":memory:", clock=clock, seed=1, rulebook=rules) as s:
        with_other_treasury(s)
        receipts = []
        for _ in range(3):  # before, on and after the day on which it has a split of its own
            receipts.append(paid(s, 100, authority=OTHER_AUTHORITY).receipt_no)
            paid(s, 100)
            clock.advance(DAY)
        for treasury in (HESHAN, OTHER):
            s.treasury.close(day=TODAY + 2 * DAY, treasury=treasury)
        assert [printed(s, receipt) for receipt in receipts[:2]] == [
            {"central": 0, "province": 30, "city": 20, "county": 50},
            {"central": 0, "province": 0, "city": 90, "county": 10},
        ]
        assert revenue(s, OTHER) == printed(s, *receipts)
        assert revenue(s, OTHER) == {"central": 0, "province": 60, "city": 130, "county": 110}
        assert revenue(s) == {"central": 0, "province": 90, "city": 60, "county": 150}
        own = s.payments.list()[2]
        s.refunds.apply_for_payment(payment_no=own.payment_no, amount=Fen(10))
        assert revenue(s, OTHER) == {"central": 0, "province": 60, "city": 121, "county": 109}
        assert s.ledger.verify().ok


# --- a closed day takes nothing ---------------------------------------------------------------------


@pytest.fixture
def ready(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that could enter a day, ready to."""
    company, person = corporate(sandbox, fund=Fen(10_000)), personal(sandbox, fund=Fen(10_000))
    sandbox.agreements.sign(wallet_id=company.wallet_id)
    debit = sandbox.payments.pay(bill_no=owe(sandbox, company, 100).bill_no)
    scan = sandbox.payments.pay(bill_no=owe(sandbox, person, 100).bill_no, wallet_id=person.wallet_id)
    waiting = sandbox.refunds.apply_for_payment(payment_no=scan.payment_no, manual_review=True)
    return {
        "company": company.wallet_id,
        "person": person.wallet_id,
        "bill": owe(sandbox, company, 100).bill_no,
        "debit": debit.payment_no,
        "waiting": waiting.refund_no,
    }


ENTRIES: dict[str, Callable[[Sandbox, dict[str, Any]], object]] = {
    "a debit": lambda s, w: s.payments.pay(bill_no=w["bill"]),
    "a scan": lambda s, w: s.payments.pay(bill_no=w["bill"], wallet_id=w["person"]),
    "a stamp duty": lambda s, w: s.payments.pay_stamp_duty(
        wallet_id=w["company"], item="sale_contract", base=Fen(100_000)
    ),
    "a reversal": lambda s, w: s.payments.reverse(payment_no=w["debit"]),
    "a refund of a payment": lambda s, w: s.refunds.apply_for_payment(payment_no=w["debit"]),
    "an approved refund": lambda s, w: s.refunds.approve(refund_no=w["waiting"]),
    "a settlement refund": lambda s, w: s.refunds.apply_for_income_tax(
        wallet_id=w["person"], annual_return=refund_of(100)
    ),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_nothing_enters_a_closed_day_and_the_next_day_takes_it(
    sandbox: Sandbox, clock: FixedClock, ready: dict[str, Any], what: str
) -> None:
    sandbox.treasury.close(day=TODAY)
    with refused(sandbox, "treasury_day_closed", day=TODAY, closed_until=TODAY.isoformat()):
        ENTRIES[what](sandbox, ready)
    clock.at = datetime(2023, 4, 20, 23, 59, 59, 999_999, tzinfo=BEIJING)
    with refused(sandbox, "treasury_day_closed"):
        ENTRIES[what](sandbox, ready)
    clock.at = datetime(2023, 4, 21, tzinfo=BEIJING)
    if what == "a reversal":
        with refused(sandbox, "reversal_too_late"):
            ENTRIES[what](sandbox, ready)
    else:
        ENTRIES[what](sandbox, ready)


def test_the_first_payment_of_an_operator_enters_no_closed_day_either(sandbox: Sandbox) -> None:
    sandbox.treasury.close(day=TODAY)
    wallet = corporate(sandbox, operator="CMB", fund=Fen(100))
    bill = owe(sandbox, wallet, 100)
    with refused(sandbox, "treasury_day_closed"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_a_clock_that_goes_back_into_a_closed_day_takes_nothing_in(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    bill = owe(sandbox, wallet, 100)
    clock.advance(3 * DAY)
    sandbox.treasury.close(day=TODAY + 2 * DAY)  # nothing was collected, so no transfer holds the clock
    for back in (2 * DAY, DAY):
        clock.at = START + back
        with refused(sandbox, "treasury_day_closed", closed_until=str(TODAY + 2 * DAY)):
            sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    clock.at = START + 3 * DAY
    sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_what_another_treasury_closed_is_nobody_elses_affair(sandbox: Sandbox) -> None:
    with_other_treasury(sandbox)
    sandbox.treasury.close(day=TODAY, treasury=OTHER)
    paid(sandbox, 100)
    wallet = sandbox.wallets.list()[0]
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(100))
    bill = owe(sandbox, wallet, 100, authority=OTHER_AUTHORITY)
    with refused(sandbox, "treasury_day_closed", treasury=OTHER):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_a_refund_whose_set_off_would_enter_a_closed_day_is_refused_whole(sandbox: Sandbox) -> None:
    with_other_treasury(sandbox)
    person = personal(sandbox)
    owe(sandbox, person, 10, authority=OTHER_AUTHORITY)
    sandbox.treasury.close(day=TODAY, treasury=OTHER)
    with refused(sandbox, "treasury_day_closed", treasury=OTHER):
        sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(100))


# --- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("treasury_day_in_future", {"day": TODAY + DAY}),
        ("treasury_day_before_first", {"day": TODAY - DAY}),
        ("treasury_not_found", {"day": TODAY, "treasury": "1900000009"}),
        ("treasury_not_found", {"day": TODAY, "treasury": ""}),
        ("treasury_not_found", {"day": TODAY, "treasury": "14407840000"}),
        ("date_malformed", {"day": START}),
        ("date_malformed", {"day": "2023-04-20"}),
        ("date_malformed", {"day": date(1979, 1, 1)}),
        ("idempotency_key_malformed", {"day": TODAY, "idempotency_key": ""}),
    ],
)
def test_what_cannot_be_closed_is_refused(sandbox: Sandbox, code: str, wishes: dict[str, Any]) -> None:
    paid(sandbox, 100)
    with refused(sandbox, code):
        sandbox.treasury.close(**wishes)


def test_a_full_revenue_account_refuses_the_whole_closing(sandbox: Sandbox) -> None:
    """A counter cannot grow beyond its column: nothing of the closing is done."""
    paid(sandbox, 100)
    with sandbox._store.transaction() as tx:
        tx.run("UPDATE account SET credits = 9223372036854775807 - 10, debits = 9223372036854775807 - 10"
               " - credits WHERE name = :name", name=f"revenue:{HESHAN}:county")  # fmt: skip
    with refused(sandbox, "ledger_refused"):
        sandbox.treasury.close(day=TODAY)
    with sandbox._store.transaction() as tx:
        tx.run("UPDATE account SET credits = :opening, debits = 0 WHERE name = :name",
               name=f"revenue:{HESHAN}:county", opening=OPENING)  # fmt: skip
    assert sandbox.treasury.close(day=TODAY).collected == 100


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE treasury_day SET closed_at = 0",
        "DELETE FROM treasury_day",
        "REPLACE INTO treasury_day SELECT treasury, day, closed_with, 0 FROM treasury_day",
        "UPDATE allocation SET amount = amount + 1",
        "DELETE FROM allocation",
        "REPLACE INTO allocation SELECT treasury, day, operator, code, level, 7 FROM allocation",
        "INSERT INTO allocation SELECT treasury, '2099-01-01', operator, code, level, 7 FROM allocation",
    ],
)
def test_the_database_forbids_to_alter_what_was_closed(sandbox: Sandbox, statement: str) -> None:
    paid(sandbox, 100)
    sandbox.treasury.close(day=TODAY)
    before = dump(sandbox)
    with pytest.raises(sqlite3.IntegrityError), sandbox._store.transaction() as tx:
        tx.run(statement)
    assert dump(sandbox) == before


# --- many days --------------------------------------------------------------------------------------


def test_a_year_of_days_is_closed_in_one_run(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(10**9))
    amounts = {}
    for place in range(366):
        if place % 6 == 0:
            bill = owe(sandbox, wallet, 100_01 + place, code=("10101", "10110")[place % 4 // 2])
            sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
            amounts[TODAY + place * DAY] = 100_01 + place
        clock.advance(DAY)
    closing = sandbox.treasury.close(day=TODAY + 365 * DAY)
    assert (closing.days, closing.collected) == (366, sum(amounts.values()))
    days = {day.day: day.collected for day in sandbox.treasury.days()}
    assert len(days) == 366
    assert {day: amount for day, amount in days.items() if amount} == amounts


# --- any story --------------------------------------------------------------------------------------

_OPERATORS = ("ICBC", "BOC", "CMB")
_CODES = ("10101", "10104", "10110", "10109")
amounts = st.integers(1, 30) | st.integers(1, 10**7)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(0, 2), st.sampled_from(_CODES), amounts, st.booleans()),
        st.tuples(st.just("year"), st.sampled_from([3, 6, 30_03]), st.booleans()),
        st.tuples(st.just("reverse"), st.integers(0, 9)),
        st.tuples(st.just("refund"), st.integers(0, 9), amounts),
        st.tuples(st.just("days"), st.integers(1, 40)),
    ),
    max_size=12,
)


@given(steps=steps, order=st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_i13_whatever_was_paid_and_in_whatever_order_days_are_closed_allocations_add_up(
    steps: list[Any], order: list[tuple[int, bool]]
) -> None:
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed="I13") as s:
        with_other_treasury(s)
        wallets = [
            corporate(s, place + 1, operator=operator, fund=Fen(10**10))
            for place, operator in enumerate(_OPERATORS)
        ]
        for place, wallet in enumerate(wallets[:2]):  # the third pays by scan
            s.agreements.sign(wallet_id=wallet.wallet_id)
            if place:
                s.agreements.sign(wallet_id=wallet.wallet_id, authority=OTHER_AUTHORITY)
        person = personal(s, 9, operator="CCB", wallet_class="I", fund=Fen(10**8))
        for step in steps:
            _do(s, clock, wallets, person, step)
        clock.advance(DAY)
        _compare_with_receipts(s, order, clock.now().date())
        assert set(collections(s).values()) <= {0}
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]


def _do(s: Sandbox, clock: FixedClock, wallets: list[Any], person: Any, step: tuple[Any, ...]) -> None:
    what, *how = step
    try:
        if what == "pay":
            who, code, amount, elsewhere = how
            authority = {"authority": OTHER_AUTHORITY} if elsewhere else {}
            bill = owe(s, wallets[who], amount, code=code, **authority)
            s.payments.pay(bill_no=bill.bill_no, wallet_id=wallets[who].wallet_id)
        elif what == "year":
            asked, is_due = how
            if is_due:
                bill = s.taxes.declare_income_tax(
                    wallet_id=person.wallet_id, annual_return=due_of(asked, year=2021)
                )
                s.payments.pay(bill_no=bill.bill_no, wallet_id=person.wallet_id)
            else:
                s.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(asked))
        elif what == "days":
            clock.advance(timedelta(days=how[0]))
        elif payments := s.payments.list():
            number = payments[how[0] % len(payments)].payment_no
            if what == "reverse":
                s.payments.reverse(payment_no=number)
            else:
                s.refunds.apply_for_payment(payment_no=number, amount=Fen(how[1]))
    except EcnyTaxError:
        return  # what is refused moves nothing: proved elsewhere


def _compare_with_receipts(s: Sandbox, order: list[tuple[int, bool]], today: date) -> None:
    """Close days in that order, and in the end all; each time the levels hold what receipts print."""
    opening = {treasury: revenue(s, treasury) for treasury in (HESHAN, OTHER)}
    until: dict[str, date] = {}
    for back, elsewhere in [*order, (0, False), (0, True)]:
        treasury = OTHER if elsewhere else HESHAN
        day = max(TODAY, today - back * DAY)
        s.treasury.close(day=day, treasury=treasury)
        until[treasury] = max(until.get(treasury, day), day)
        for code in (HESHAN, OTHER):
            expected = Counter(opening[code])
            for payment in s.payments.list():
                receipt = s.payments.receipt(receipt_no=payment.receipt_no)
                is_in = payment.settled_at.date() <= until.get(code, date.min)
                if payment.status == "settled" and receipt.treasury == code and is_in:
                    expected.update({line.budget_level: 0 for line in receipt.lines})
                    for line in receipt.lines:
                        expected[line.budget_level] += line.amount
            assert revenue(s, code) == dict(expected)


def test_a_person_can_still_move_money_while_the_treasury_is_closed(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    sandbox.treasury.close(day=TODAY)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(5))
    assert balance(sandbox, wallet) == 105


def test_a_report_of_what_is_no_date_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidInputError) as caught:
        sandbox.treasury.report(start=START)
    assert caught.value.code == "date_malformed"
