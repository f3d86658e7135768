"""A season of 500 people: what its report says is what the records say, every time, wherever it stopped."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import BEIJING, EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.rulebook import PACKAGE
from ecny_tax.seasons.model import Setting
from ecny_tax.seasons.population import people
from ecny_tax.seasons.service import Season
from ecny_tax.taxes.settle_many import settle_many
from tests.support import dump, judged, nameless

PEOPLE, FEW = 500, 120
BEGIN = datetime(2026, 3, 1, 10, tzinfo=BEIJING)


def new_scheme(path: Path | str = ":memory:") -> Sandbox:
    return Sandbox.open(path, clock=FixedClock(BEGIN), seed="season")


def run(s: Sandbox, count: int, **wishes: Any) -> dict[str, Any]:
    """The report but for what differs from run to run."""
    report = Season(s, Setting(count, wishes.pop("seed", 7), wishes.pop("year", 2025)), **wishes).run()
    found = dataclasses.asdict(report)
    found.pop("work")
    return found


def journal(s: Sandbox) -> list[Any]:
    return dump(s)["transfer"]


@pytest.fixture(scope="module")
def season() -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    with new_scheme() as s:
        yield s, run(s, PEOPLE)


@pytest.fixture(scope="module")
def few() -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The journal and the report of a small season that nothing interrupted."""
    with new_scheme() as s:
        found = run(s, FEW)
        yield journal(s), found


def test_every_promise_holds_after_a_season(season: tuple[Sandbox, dict[str, Any]]) -> None:
    s, report = season
    verified = s.ledger.verify()
    assert verified.ok
    assert report["ok"]
    assert (verified.unsealed, verified.transfers, verified.accounts) == (
        0,
        report["transfers"],
        report["accounts"],
    )


def test_the_report_says_what_the_records_say(season: tuple[Sandbox, dict[str, Any]]) -> None:
    s, report = season
    refunds, bills, payments = s.refunds.list(), s.taxes.bills(), s.payments.list()
    done = [refund for refund in refunds if refund.status == "completed"]
    assert report["wallets"] == len(s.wallets.list()) == PEOPLE
    assert (report["refunds"], report["refunded"]) == (len(done), sum(one.amount for one in done))
    assert report["failed_refunds"] == sum(one.status == "treasury_failed" for one in refunds)
    assert (report["bills"], report["billed"]) == (len(bills), sum(bill.amount for bill in bills))
    assert (report["payments"], report["paid"]) == (len(payments), sum(one.amount for one in payments))
    assert sum(one["refunded"] for one in report["levels"]) == report["refunded"]
    assert sum(one["collected"] for one in report["levels"]) == report["paid"]
    for key in ("refunds", "refunded"):
        assert sum(one[key] for one in report["months"]) == sum(one[key] for one in report["amounts"])
    balances = sum(wallet.balance for wallet in s.wallets.list())
    assert balances == report["refunded"], "who paid brought what was owed, and no more"


def test_the_report_says_what_one_by_one_would_come_to(season: tuple[Sandbox, dict[str, Any]]) -> None:
    s, report = season
    rules = PACKAGE.on(date(2025, 12, 31)).income_tax
    found = people(rules, tax_year=2025, seed=7, start=0, stop=PEOPLE)
    settled = settle_many(found.columns())
    owes = settled.must_settle & (settled.due > 0)
    claimed = settled.refund[(settled.refund > 0) & found.applies]
    outcomes = {one["status"]: one["amount"] for one in report["refund_outcomes"]}
    assert sum(outcomes.values()) == claimed.sum()
    assert report["billed"] == settled.due[owes & found.declares].sum()
    assert report["with_refund"] == (settled.refund > 0).sum()
    assert report["with_due"] == owes.sum()
    assert sum(report[key] for key in ("with_refund", "with_due", "need_not_pay", "even")) == PEOPLE
    assert sum(one["people"] for one in report["incomes"]) == PEOPLE
    assert sum(one["tax"] for one in report["incomes"]) == settled.tax_total.sum()
    assert sum(one["to_refund"] for one in report["incomes"]) == settled.refund.sum()
    names = {s.wallets.holder(wallet_id=wallet.wallet_id).name for wallet in s.wallets.list()[:3]}
    assert names == {"虚构人00000001", "虚构人00000002", "虚构人00000003"}


def test_the_days_of_the_season_are_closed_and_the_clock_stands_after_it(
    season: tuple[Sandbox, dict[str, Any]],
) -> None:
    s, _report = season
    assert s.clock.now() == datetime(2026, 7, 1, 10, tzinfo=BEIJING)
    (heshan,) = s.treasury.list()
    assert (heshan.closed_until, heshan.waiting) == (date(2026, 6, 30), 0)


def test_the_same_seed_gives_the_same_report_and_the_same_journal(
    few: tuple[list[Any], dict[str, Any]],
) -> None:
    with new_scheme() as s:
        assert (run(s, FEW), journal(s)) == (few[1], few[0])
    with new_scheme() as s:
        assert run(s, FEW, seed=8) != few[1]


@pytest.mark.parametrize(
    ("phase", "times"),
    [("generate", 1), ("open", 5), ("refund", 40), ("commit", 40), ("pay", 1), ("verify", 1)],
)
def test_I16_an_interrupted_season_goes_on_and_comes_to_the_same_journal(
    few: tuple[list[Any], dict[str, Any]], phase: str, times: int
) -> None:
    left = [times]

    def interrupt(name: str, _done: int, _total: int) -> None:
        if name == phase:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

    with new_scheme() as s:
        with pytest.raises(KeyboardInterrupt):
            run(s, FEW, progress=interrupt)
        assert s.ledger.verify().ok
        assert (run(s, FEW), journal(s)) == (few[1], few[0])


def test_I15_a_season_is_the_same_on_both_engines(
    few: tuple[list[Any], dict[str, Any]], postgres_url: str, tmp_path: Path
) -> None:
    clock, keys = FixedClock(BEGIN), tmp_path / "season.keys"
    with Sandbox.open(postgres_url, clock=clock, seed="season", keyring=keys) as s:
        report = run(s, FEW)
        moved = [(*row[2:5], row[6], row[8], row[9]) for row in journal(s)]
    assert report == few[1]
    assert moved == [(*row[2:5], row[6], row[8], row[9]) for row in few[0]]


def test_a_season_that_is_over_is_only_reported_again(few: tuple[list[Any], dict[str, Any]]) -> None:
    with new_scheme() as s:
        run(s, FEW)
        before = dump(s)
        report = Season(s, Setting(FEW, 7, 2025)).run()
        assert (report.work.went_on, report.work.people) == (True, 0)
        assert dump(s) == before
        for other in (Setting(FEW + 1, 7, 2025), Setting(FEW, 8, 2025), Setting(FEW, 7, 2024)):
            with pytest.raises(EcnyTaxError) as caught:
                Season(s, other).run()
            judged(caught.value, "season_differs")
        assert dump(s) == before


def test_whoever_goes_on_after_a_season_keeps_the_time_when_it_is_reported_again() -> None:
    with new_scheme() as s:
        before = run(s, FEW)
        later = s.clock.advance(timedelta(days=30))
        s.wallets.top_up(wallet_id=s.wallets.list()[0].wallet_id, amount=Fen(1_00))
        again = run(s, FEW)
        assert s.clock.now() == later
        assert (again["refunded"], again["paid"], again["ok"]) == (before["refunded"], before["paid"], True)


@pytest.mark.parametrize(
    ("phase", "times"), [("generate", 1), ("settle", 3), ("commit", 20), ("pay", 1), ("verify", 1)]
)
def test_two_processes_run_one_season_once(
    few: tuple[list[Any], dict[str, Any]], tmp_path: Path, phase: str, times: int
) -> None:
    """While one is at work the other one runs all that is left, which then stands."""
    left = [times]

    def overtake(name: str, _done: int, _total: int) -> None:
        left[0] -= name == phase
        if left[0] == 0:
            left[0] = -1
            with Sandbox.open(tmp_path / "s.db") as other:
                assert run(other, FEW) == few[1]

    with new_scheme(tmp_path / "s.db") as s:
        assert run(s, FEW, progress=overtake) == few[1]
        assert left[0] < 0
        assert [row[2:5] for row in journal(s)] == [row[2:5] for row in few[0]]


def test_a_database_with_people_of_its_own_is_refused() -> None:
    with new_scheme() as s:
        nameless(s)
        before = dump(s)
        with pytest.raises(EcnyTaxError) as caught:
            Season(s, Setting(5, 7, 2025)).run()
        judged(caught.value, "season_needs_new_database")
        assert dump(s) == before


def test_a_database_younger_than_the_season_is_refused() -> None:
    clock = FixedClock(datetime(2026, 11, 1, tzinfo=BEIJING))
    with Sandbox.open(":memory:", clock=clock) as s:
        with pytest.raises(EcnyTaxError) as caught:
            Season(s, Setting(5, 7, 2025)).run()
        judged(caught.value, "season_needs_new_database")


@pytest.mark.parametrize("count", [0, -1, 10_000_001, 2.5, True, "5", None])
def test_a_size_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(EcnyTaxError) as caught:
        Setting(count, 7, 2025)
    judged(caught.value, "season_size_malformed")


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5, "7"])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(EcnyTaxError) as caught:
        Setting(5, seed, 2025)
    judged(caught.value, "season_seed_malformed")


@pytest.mark.parametrize("year", [2018, 2101, "2025"])
def test_a_year_without_rules_is_refused(year: Any) -> None:
    with pytest.raises(EcnyTaxError) as caught:
        Setting(5, 7, year)
    judged(caught.value, "input_value_malformed")


#: A season on a file; tells how many megabytes it held at most.  Chunks and the pages in memory are small, so
#: that what grows with the people shows.
_MEASURE = """
import sys
from tests.seasons.test_season import new_scheme
from ecny_tax.seasons import model
from ecny_tax.seasons.model import Setting
from ecny_tax.seasons.service import Season
from ecny_tax.store import sqlite
model.CHUNK, sqlite._MUCH_KIB = 50, 1024
with new_scheme(sys.argv[1]) as s:
    print(Season(s, Setting(int(sys.argv[2]), 7, 2025)).run().work.most_memory_mb)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_memory_stays_as_people_grow(tmp_path: Path) -> None:
    """Four times the people; it takes seconds, for it must be many."""
    held = []
    for count in (2_000, 8_000):
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(tmp_path / f"{count}.db"), str(count)],
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        held.append(int(done.stdout))
    assert held[1] < held[0] * 1.2, held
