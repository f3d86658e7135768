"""Reports of a treasury: the same amounts by tax, level, day and month, open days apart."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from tests.support import START, corporate, dump, owe, personal, refund_of, refused

TODAY = START.date()
DAY = timedelta(days=1)


@pytest.fixture
def told(sandbox: Sandbox, clock: FixedClock) -> Sandbox:
    """Two closed days, a refund of the second one, and a third day that is still open."""
    company, person = corporate(sandbox, fund=Fen(1_000_00)), personal(sandbox, operator="BOC")
    for amount, code in ((100_00, "10101"), (70_01, "10110")):
        bill = owe(sandbox, company, amount, code=code)
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=company.wallet_id)
        clock.advance(DAY)
    sandbox.treasury.close(day=TODAY + DAY)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(50_00))
    clock.advance(12 * DAY)  # into May
    bill = owe(sandbox, company, 7, code="10101")
    sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=company.wallet_id)
    return sandbox


def rows(s: Sandbox, by: str, **wishes: Any) -> list[tuple[str, int, int, int, int, str | None]]:
    report = s.treasury.report(by=by, **wishes)
    return [(i.key, i.collected, i.refunded, i.net, i.waiting, i.status) for i in report.lines]


def test_by_day_open_days_wait_and_refunds_count_on_their_day(told: Sandbox) -> None:
    assert rows(told, "day") == [
        ("2023-04-20", 100_00, 0, 100_00, 0, "closed"),
        ("2023-04-21", 70_01, 0, 70_01, 0, "closed"),
        ("2023-04-22", 0, 50_00, -50_00, 0, "not_yet_closed"),
        ("2023-05-04", 0, 0, 0, 7, "not_yet_closed"),
    ]


def test_by_month_a_month_is_closed_when_all_of_it_that_is_asked_for_is(told: Sandbox) -> None:
    assert rows(told, "month") == [
        ("2023-04", 170_01, 50_00, 120_01, 0, "not_yet_closed"),
        ("2023-05", 0, 0, 0, 7, "not_yet_closed"),
    ]
    assert rows(told, "month", end=date(2023, 4, 21)) == [("2023-04", 170_01, 0, 170_01, 0, "closed")]
    told.treasury.close(day=date(2023, 5, 4))
    assert [row[5] for row in rows(told, "month")] == ["closed", "closed"]


def test_by_tax_names_are_those_of_the_rulebook(told: Sandbox) -> None:
    assert rows(told, "tax") == [
        ("10101", 100_00, 0, 100_00, 7, None),
        ("10106", 0, 50_00, -50_00, 0, None),
        ("10110", 70_01, 0, 70_01, 0, None),
    ]
    names = [(line.name_en, line.name_zh) for line in told.treasury.report(by="tax").lines]
    assert names[0] == ("Value-added tax", "增值税")


def test_by_level_stands_from_the_top_and_agrees_with_the_revenue_accounts(told: Sandbox) -> None:
    found = {row[0]: row[3] for row in rows(told, "level")}
    assert list(found) == ["central", "province", "city", "county"]
    accounts = {account.account: account.balance for account in told.ledger.accounts()}
    assert found == {level: accounts[f"revenue:1907840000:{level}"] - 10**13 for level in found}


@pytest.mark.parametrize("by", ["tax", "level", "day", "month"])
def test_every_way_of_looking_adds_up_to_the_same(told: Sandbox, by: str) -> None:
    before = dump(told)
    report = told.treasury.report(by=by)
    totals = (report.collected, report.refunded, report.net, report.waiting)
    assert totals == (170_01, 50_00, 120_01, 7)
    assert totals == tuple(sum(row[place] for row in rows(told, by)) for place in (1, 2, 3, 4))
    assert (report.period_start, report.period_end) == (TODAY, date(2023, 5, 4))
    assert (report.closed_until, report.open_days) == (TODAY + DAY, 13)
    assert dump(told) == before, "a report only looks"


def test_interest_on_a_refund_is_paid_by_the_levels_and_reported(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(10**8))
    bill = owe(sandbox, wallet, 10**8)
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    clock.advance(timedelta(days=100))
    refund = sandbox.refunds.apply_for_payment(payment_no=payment.payment_no)
    assert refund.interest > 0
    assert sandbox.treasury.report(by="tax").refunded == 10**8 + refund.interest


def test_a_period_holds_its_first_and_its_last_day(told: Sandbox) -> None:
    assert [row[0] for row in rows(told, "day", start=TODAY + DAY, end=TODAY + 2 * DAY)] == [
        "2023-04-21", "2023-04-22",
    ]  # fmt: skip
    assert rows(told, "day", start=TODAY, end=TODAY) == rows(told, "day")[:1]


@pytest.mark.parametrize(
    ("start", "end", "open_days"),
    [
        (None, None, 13),
        (TODAY, TODAY + DAY, 0),
        (TODAY, TODAY + 2 * DAY, 1),
        (date(2023, 5, 1), date(2099, 1, 1), 4),
        (date(1999, 1, 1), date(1999, 12, 31), 0),
        (date(2050, 1, 1), date(2050, 12, 31), 0),
    ],
)
def test_open_days_are_those_that_have_come_and_are_not_closed(
    told: Sandbox, start: date | None, end: date | None, open_days: int
) -> None:
    assert told.treasury.report(start=start, end=end).open_days == open_days


def test_a_treasury_to_which_nothing_happened_reports_nothing(sandbox: Sandbox) -> None:
    report = sandbox.treasury.report()
    assert (report.lines, report.collected, report.open_days, report.closed_until) == ((), 0, 1, None)


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("period_reversed", {"start": TODAY + DAY, "end": TODAY}),
        ("period_reversed", {"start": TODAY + DAY}),
        ("report_by_unknown", {"by": "year"}),
        ("report_by_unknown", {"by": ""}),
        ("treasury_not_found", {"treasury": "1900000009"}),
        ("date_malformed", {"end": START}),
    ],
)
def test_what_cannot_be_reported_is_refused(sandbox: Sandbox, code: str, wishes: dict[str, Any]) -> None:
    with refused(sandbox, code):
        sandbox.treasury.report(**wishes)
