"""Statements and balances at a time, against a brute-force scan of the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import BEIJING, FixedClock, InvalidInputError, NotFoundError, RejectedError, Sandbox
from ecny_tax.clock import from_micros, micros
from ecny_tax.identifiers import luhn_digit
from ecny_tax.money import Fen
from ecny_tax.store import journal
from ecny_tax.wallets.model import Wallet
from tests.support import START, balance, corporate, personal, refused

FIRST_DAY = START.date()
#: Steps of the clock: within a microsecond, within a day, over midnight, over months.
STEPS = st.one_of(
    st.just(timedelta(0)),
    st.timedeltas(timedelta(0), timedelta(microseconds=2)),
    st.timedeltas(timedelta(0), timedelta(hours=30)),
    st.just(timedelta(hours=14)),  # from ten in the morning to midnight
    st.timedeltas(timedelta(0), timedelta(days=60)),
)
MOVEMENTS = st.lists(
    st.tuples(
        STEPS,
        st.sampled_from(["top_up", "cash_out", "transfer"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(1, 2_000_00),
    ),
    max_size=12,
)
DAYS = st.one_of(st.none(), st.dates(FIRST_DAY - timedelta(days=2), FIRST_DAY + timedelta(days=400)))


@contextmanager
def lived(movements: list[tuple[timedelta, str, int, int, int]]) -> Iterator[tuple[Sandbox, list[Wallet]]]:
    """Three wallets after these movements; what a rule forbids is left out."""
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed="statements") as s:
        wallets = [corporate(s), personal(s, 2), personal(s, 3)]
        for step, what, one, other, amount in movements:
            clock.advance(step)
            wallet_id = wallets[one].wallet_id
            with suppress(RejectedError, InvalidInputError):
                if what == "top_up":
                    s.wallets.top_up(wallet_id=wallet_id, amount=Fen(amount))
                elif what == "cash_out":
                    s.wallets.cash_out(wallet_id=wallet_id, amount=Fen(amount))
                else:
                    to = wallets[other].wallet_id
                    s.wallets.transfer(from_wallet=wallet_id, to_wallet=to, amount=Fen(amount))
        yield s, wallets


def scanned(s: Sandbox, wallet: Wallet) -> list[tuple[datetime, str, int]]:
    """(time, transfer id, signed amount) of every movement of a wallet, by reading the whole journal."""
    found = []
    with s._store.reading() as tx:
        for _seq, id_, debit, credit, amount, _ledger, _code, _flags, _data, at in journal.transfers(tx):
            if wallet.account_id in (debit, credit):
                signed = amount if credit == wallet.account_id else -amount
                found.append((from_micros(at), id_.hex(), signed))
    return found


@given(MOVEMENTS, DAYS, DAYS)
def test_a_statement_is_what_a_scan_of_the_journal_finds(
    movements: list[tuple[timedelta, str, int, int, int]], first: date | None, last: date | None
) -> None:
    with lived(movements) as (s, wallets):
        if first and last and first > last:
            first, last = last, first
        for wallet in wallets:
            statement = s.wallets.statement(wallet_id=wallet.wallet_id, from_date=first, to_date=last)
            every = scanned(s, wallet)
            before = [row for row in every if first and row[0].date() < first]
            within = [row for row in every[len(before) :] if not last or row[0].date() <= last]
            assert statement.opening == sum(amount for _, _, amount in before)
            assert [(x.at, x.transfer_id, x.amount) for x in statement.lines] == within
            running = statement.opening
            for line in statement.lines:
                running += line.amount
                assert line.balance == running
            assert statement.closing == running
            assert statement.balance == balance(s, wallet) == sum(amount for _, _, amount in every)
            assert (statement.from_date, statement.to_date) == (first, last)


@given(MOVEMENTS, st.data())
def test_the_balance_at_a_time_is_what_a_scan_of_the_journal_finds(
    movements: list[tuple[timedelta, str, int, int, int]], data: st.DataObject
) -> None:
    with lived(movements) as (s, wallets):
        for wallet in wallets:
            every = scanned(s, wallet)
            near = [at + timedelta(microseconds=shift) for at, _, _ in every for shift in (-1, 0, 1)]
            free = st.timedeltas(timedelta(days=-2), timedelta(days=900)).map(lambda step: START + step)
            at = data.draw(st.one_of(st.sampled_from([START, *near]), free.map(lambda t: t.astimezone(UTC))))
            found = s.wallets.show(wallet_id=wallet.wallet_id, at=at)
            assert found.balance == sum(amount for moved, _, amount in every if micros(moved) <= micros(at))
            assert found.status == "active"


@given(MOVEMENTS, st.lists(DAYS.filter(bool), max_size=4))
def test_statements_of_periods_that_follow_each_other_fit_together(
    movements: list[tuple[timedelta, str, int, int, int]], cuts: list[date]
) -> None:
    with lived(movements) as (s, (wallet, *_)):
        whole = s.wallets.statement(wallet_id=wallet.wallet_id)
        starts = [None, *sorted(set(cuts))]
        ends = [day - timedelta(days=1) for day in starts[1:] if day] + [None]
        parts = [
            s.wallets.statement(wallet_id=wallet.wallet_id, from_date=first, to_date=last)
            for first, last in zip(starts, ends, strict=True)
        ]
        assert [line for part in parts for line in part.lines] == list(whole.lines)
        for earlier, later in pairwise(parts):
            assert earlier.closing == later.opening
        assert (parts[0].opening, parts[-1].closing) == (0, whole.closing)


def test_a_day_is_a_day_of_beijing(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox)
    for at in ("2023-04-30T23:59:59.999999", "2023-05-01T00:00:00", "2023-05-01T23:59:59.999999"):
        clock.at = datetime.fromisoformat(at).replace(tzinfo=BEIJING)
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    day = date(2023, 5, 1)
    statement = sandbox.wallets.statement(wallet_id=wallet.wallet_id, from_date=day, to_date=day)
    assert (statement.opening, len(statement.lines), statement.closing) == (1, 2, 3)


def test_the_farthest_days_are_days_too(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(5))
    statement = sandbox.wallets.statement(wallet_id=wallet.wallet_id, from_date=date.min, to_date=date.max)
    assert (statement.opening, statement.closing) == (0, 5)


def test_a_period_that_ends_before_it_begins_is_refused(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    first, last = date(2023, 5, 2), date(2023, 5, 1)
    with refused(sandbox, "period_reversed", first=first, last=last):
        sandbox.wallets.statement(wallet_id=wallet.wallet_id, from_date=first, to_date=last)


def test_a_time_without_zone_is_refused(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    with refused(sandbox, "time_malformed"):
        sandbox.wallets.show(wallet_id=wallet.wallet_id, at=datetime(2023, 4, 20))  # noqa: DTZ001


def test_a_wallet_that_is_not_there_has_no_balance_at_any_time(sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError):
        sandbox.wallets.show(wallet_id=f"002100000000000{luhn_digit('002100000000000')}", at=START)


def test_the_status_beside_an_earlier_balance_is_todays(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(7))
    clock.advance(timedelta(days=1))
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(7))
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    earlier = sandbox.wallets.show(wallet_id=wallet.wallet_id, at=START)
    assert (earlier.balance, earlier.status) == (7, "closed")
