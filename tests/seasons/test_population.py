"""The made-up people: valid, all different, the same wherever one begins, withheld as the law says."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen
from ecny_tax.identifiers import check_resident_id
from ecny_tax.rulebook import PACKAGE
from ecny_tax.seasons.draws import Draws
from ecny_tax.seasons.model import CHUNK, MOST_PEOPLE, Setting, chunks
from ecny_tax.seasons.population import People, id_number_of, name_of, people
from ecny_tax.taxes.income_tax import settle
from ecny_tax.taxes.settle_many import settle_many
from ecny_tax.taxes.withholding import PAY_KINDS, PayKind, WageMonth, withhold_payment, withhold_wages
from ecny_tax.taxes.withholding_columns import withheld_on_payments, withheld_on_wages

FEN = st.integers(0, 200_000_00)
#: Drawn once, of four people of seed 7.
WAGE_BITS = [9132910419637447066, 999099114767226597, 12954469086276552711, 18102258544589205907]
WAGES = [6748, 2512, 9450, 24723]


def some(start: int, stop: int, *, seed: int = 7, year: int = 2025) -> People:
    rules = PACKAGE.on(date(year, 12, 31)).income_tax
    return people(rules, tax_year=year, seed=seed, start=start, stop=stop)


@given(FEN, FEN, FEN, st.integers(1, 12), st.integers(0, 12), st.sampled_from([2019, 2024, 2025]))
def test_wages_are_withheld_as_for_one_person(
    wage: int, social: int, sad: int, first: int, last: int, year: int
) -> None:
    rules = PACKAGE.on(date(year, 12, 31)).income_tax
    columns = {"wage": wage, "social": social, "sad": sad, "first": first, "last": last}
    (found,) = withheld_on_wages(rules, **{key: np.array([value]) for key, value in columns.items()})
    months = [WageMonth(month, Fen(wage), Fen(social), Fen(sad)) for month in range(first, last + 1)]
    assert found == (withhold_wages(months, tax_year=year).total if months else 0)


@given(st.sampled_from(PAY_KINDS), st.lists(st.integers(0, 10**10), min_size=1, max_size=5))
def test_other_pay_is_withheld_as_for_one_person(kind: PayKind, amounts: list[int]) -> None:
    rules = PACKAGE.on(date(2025, 12, 31)).income_tax
    found = withheld_on_payments(rules, kind, np.array(amounts)).tolist()
    assert found == [withhold_payment(kind, Fen(amount), tax_year=2025).tax for amount in amounts]


def test_id_numbers_are_valid_and_all_different_up_to_the_last() -> None:
    numbers = [*range(40_000), *range(MOST_PEOPLE - 100, MOST_PEOPLE)]
    found = [id_number_of(number) for number in numbers]
    assert len(set(found)) == len(numbers)
    for number in found[::97] + found[-100:]:
        assert check_resident_id(number, on=date(2020, 3, 1)) == number
    assert name_of(0) == "虚构人00000001"


def test_somebody_is_the_same_wherever_a_run_begins() -> None:
    whole, part = some(0, 300), some(120, 180)
    for name, column in part.returns.items():
        assert column.tolist() == whole.returns[name][120:180].tolist(), name
    for name in ("applies", "declares", "pays", "wallet_class", "operator"):
        assert getattr(part, name).tolist() == getattr(whole, name)[120:180].tolist(), name
    assert some(0, 300, seed=8).returns["wages"].tolist() != whole.returns["wages"].tolist()


def test_what_is_drawn_is_what_it_was() -> None:
    """The numbers are the same on every machine and with every numpy: a season can be cited."""
    drawn = Draws(7, 0, 4)
    assert drawn.bits("wage").tolist() == WAGE_BITS
    assert drawn.log_normal("wage", 6_800, 62).tolist() == WAGES


def test_refunds_and_dues_come_out_as_one_hears_of_them() -> None:
    """Most have little to settle, most refunds are small, and few have to pay."""
    settled = settle_many(some(0, 20_000).columns())
    refunds = settled.refund[settled.refund > 0]
    owes = settled.must_settle & (settled.due > 0)
    assert 0.35 < len(refunds) / 20_000 < 0.55
    assert np.median(refunds) < 500_00
    assert 0.005 < owes.mean() < 0.04
    assert (settled.tax_total > 0).mean() < 0.5


@pytest.mark.parametrize("year", [2019, 2022, 2027, 2028, 2100])
def test_every_year_with_rules_has_people_whose_settlement_is_that_of_one_by_one(year: int) -> None:
    found = some(0, 60, year=year)
    settled = settle_many(found.columns())
    for place, annual_return in enumerate(found.annual_returns(np.arange(60))):
        one = settle(annual_return)
        assert (one.refund, one.due) == (settled.refund[place], settled.due[place])


@pytest.mark.parametrize("count", [1, 86, 87, 500, 999_999, 10_000_000])
def test_everybody_files_once_on_a_working_day_of_the_window(count: int) -> None:
    plan = list(chunks(Setting(count, 7, 2025), PACKAGE))
    assert [plan[0].start, plan[-1].stop] == [0, count]
    assert all(one.stop == other.start for one, other in pairwise(plan))
    assert [chunk.place for chunk in plan] == list(range(len(plan)))
    assert all(0 < chunk.stop - chunk.start <= CHUNK for chunk in plan)
    assert all(date(2026, 3, 1) <= chunk.day <= date(2026, 6, 30) for chunk in plan)
    assert all(PACKAGE.calendar.is_working_day(chunk.day) for chunk in plan)
