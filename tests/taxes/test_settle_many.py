"""Settling many people at once: bit for bit what the one-person function gives each, or refuses first."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.money import MAX_AMOUNT, times
from ecny_tax.rulebook import PACKAGE, Rulebook, rulebook_with
from ecny_tax.taxes import columns, income_tax
from ecny_tax.taxes.income_tax import BONUS_MODES, AnnualReturn, settle, settle_many
from ecny_tax.taxes.settle_many import AMOUNT_COLUMNS, COLUMNS, ManySettled

YEARS = range(2019, 2029)
BOUNDS = [36_000, 144_000, 300_000, 420_000, 660_000, 960_000]
#: Amounts in fen around which something changes, once what is deducted from everybody is added.
EDGES = [100 * (base + bound) for base in (0, 60_000) for bound in (0, *BOUNDS, 15_000, 95_000, 120_000)]
RESULTS = list(ManySettled.__dataclass_fields__)
Row = dict[str, Any]


def one_by_one(rows: Sequence[Row], book: Rulebook = PACKAGE) -> list[tuple[int, ...]]:
    """What the one-person function gives, up to the first return that it refuses."""
    found = [settle(AnnualReturn(**row), book=book) for row in rows]
    return [tuple(getattr(one, name) for name in RESULTS) for one in found]


def as_columns(rows: Sequence[Row], **for_all: Any) -> dict[str, Any]:
    given_ = {key: np.array([row[key] for row in rows], np.int64) for key in rows[0] if key in AMOUNT_COLUMNS}
    given_["tax_year"] = np.array([row["tax_year"] for row in rows], np.int16)
    given_["bonus_mode"] = np.array([BONUS_MODES.index(row["bonus_mode"]) for row in rows], np.int8)
    given_["withheld_properly"] = np.array([row["withheld_properly"] for row in rows])
    return given_ | for_all


def at_once(given_: dict[str, Any], **how: Any) -> list[tuple[int, ...]]:
    found = settle_many(given_, **how)
    columns_ = [getattr(found, name) for name in RESULTS]
    assert {column.dtype for column in columns_[:-1]} == {np.dtype(np.int64)}
    assert columns_[-1].dtype == np.bool_
    return list(zip(*(column.tolist() for column in columns_), strict=True))


def row(**values: Any) -> Row:
    return {"tax_year": 2022, "bonus_mode": "merge", "withheld_properly": True} | values


# --- the same as one by one ---------------------------------------------------------------------------

amounts = st.one_of(
    st.just(0),
    st.integers(0, 200_000_000),
    st.sampled_from(EDGES).flatmap(lambda edge: st.integers(max(0, edge - 1), edge + 1)),
    st.integers(MAX_AMOUNT - 10, MAX_AMOUNT),
    st.integers(0, MAX_AMOUNT),
)
bonuses = st.one_of(
    amounts, st.sampled_from([100 * bound for bound in BOUNDS]).flatmap(lambda b: st.integers(b - 1, b + 1))
)
_OTHERS = [key for key in AMOUNT_COLUMNS if key not in ("personal_pension", "bonus")]


@st.composite
def rows_of_people(draw: st.DrawFn, years: st.SearchStrategy[int]) -> Row:
    year = draw(years)
    modes = BONUS_MODES if year <= 2027 else ("merge", "better")
    return {
        "tax_year": year,
        **{key: draw(amounts) for key in _OTHERS},
        "personal_pension": draw(st.integers(0, 1_300_000)) if year >= 2022 else 0,
        "bonus": draw(bonuses),
        "bonus_mode": draw(st.sampled_from(modes)),
        "withheld_properly": draw(st.booleans()),
    }


any_year = st.sampled_from(YEARS)
people = st.lists(rows_of_people(any_year), min_size=1, max_size=12)


@given(people, st.integers(1, 13))
def test_many_are_settled_as_each_would_be(rows: list[Row], chunk: int) -> None:
    assert at_once(as_columns(rows), chunk=chunk) == one_by_one(rows)


@given(
    any_year.flatmap(lambda year: st.lists(rows_of_people(st.just(year)), min_size=1, max_size=8)), st.data()
)
def test_what_holds_for_all_may_be_given_once_and_what_is_zero_not_at_all(
    rows: list[Row], data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.sampled_from(AMOUNT_COLUMNS), min_size=1))
    mode = data.draw(st.sampled_from(sorted({row["bonus_mode"] for row in rows})))
    properly = data.draw(st.booleans())
    for_all = {"tax_year": rows[0]["tax_year"], "bonus_mode": mode, "withheld_properly": properly}
    rows = [{key: value for key, value in row.items() if key in kept} | for_all for row in rows]
    assert at_once(as_columns(rows, **for_all)) == one_by_one(rows)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("mode", BONUS_MODES)
def test_every_year_and_mode_around_every_edge(year: int, mode: str) -> None:
    around = [max(0, edge + step) for edge in EDGES for step in (-1, 0, 1)]
    bonus = [100 * bound + step for bound in (1, *BOUNDS) for step in (-1, 0, 1)]
    if mode == "separate" and year == 2028:
        bonus = [0]
    pension = 1_200_000 if year >= 2022 else 0
    rows = [row(wages=wages, bonus=paid) for wages, paid in product(around, bonus)]
    rows += [row(wages=wages, labour=7, author=3, donations=wages // 4, sad=1) for wages in around]
    rows += [row(medical_self_pay=cost, wages=20_000_000, donations_in_full=cost // 3) for cost in around]
    rows += [row(wages=18_000_000 + due, withheld=948_000 - 40_000) for due in range(-20, 20)]
    rows += [row(wages=wages, personal_pension=pension) for wages in around]
    for_all = {"tax_year": year, "bonus_mode": mode}
    rows = [dict.fromkeys(AMOUNT_COLUMNS, 0) | row_ | for_all for row_ in rows]
    assert at_once(as_columns(rows, **for_all)) == one_by_one(rows)


def test_at_the_limit_of_every_amount_nothing_overflows() -> None:
    near = (0, 1, 10**15, MAX_AMOUNT - 1, MAX_AMOUNT)
    rows = [
        row(wages=w, labour=x, author=x, royalty=y, bonus=z, withheld=y, donations=w, bonus_mode=mode)
        for w, x, y, z in product(near, repeat=4)
        for mode in BONUS_MODES
    ]
    assert at_once(as_columns(rows)) == one_by_one(rows)


@given(
    st.lists(st.integers(0, 5 * MAX_AMOUNT), min_size=1, max_size=20),
    st.integers(0, 10**8).flatmap(lambda numerator: st.just(Fraction(numerator, 10**8))),
)
def test_a_product_of_any_rate_is_exact(values: list[int], exact: Fraction) -> None:
    found = columns.times(np.array(values, np.int64), columns.rate(exact))
    assert found.tolist() == [times(value, exact) for value in values]


@pytest.mark.parametrize("over", [100, 10**8])
def test_a_product_is_exact_where_the_quick_way_ends(over: int) -> None:
    end = (2**63 - 1) // over
    for value, numerator in product(range(end - 3, end + 3), (1, over - 1, over)):
        for numerators in (numerator, np.array([numerator])):
            found = columns.times(np.array([value]), columns.Rate(numerators, over))
            assert found.tolist() == [times(value, Fraction(numerator, over))]


def test_a_rulebook_of_ones_own_counts(tmp_path: Path) -> None:
    (tmp_path / "income_tax.toml").write_text(
        """
        [[income_ratios]]
        wages = "0.99999999"
        labour = "0.33333333"
        royalty = "0"
        author = "1"
        effective_from = 2019-01-01
        citation = "made up"
        evidence = "assumption"
        [[basic_deduction]]
        amount = "0"
        effective_from = 2019-01-01
        citation = "made up"
        evidence = "assumption"
        """,
        encoding="utf-8",
    )
    book = rulebook_with(tmp_path)
    rows = [
        row(wages=wages, labour=wages // 7, royalty=5, author=wages // 3, bonus=123)
        for wages in (0, 1, 99_999_999, 10**10 + 1, MAX_AMOUNT)
    ]
    assert at_once(as_columns(rows), book=book) == one_by_one(rows, book)
    assert at_once(as_columns(rows), book=book) != one_by_one(rows)


def test_it_is_a_function_of_income_tax_and_its_result_stays_as_it_is() -> None:
    assert income_tax.settle_many is settle_many
    with pytest.raises(AttributeError):
        _ = income_tax.settle_few  # type: ignore[attr-defined]
    found = settle_many({"tax_year": 2022, "wages": [18_000_000]})
    assert (len(found), found.tax.tolist(), found.due.tolist()) == (1, [948_000], [948_000])
    with pytest.raises(ValueError, match="read-only"):
        found.tax[0] = 0


def test_any_array_of_whole_numbers_is_read_and_none_is_changed() -> None:
    wages = np.arange(20_000_000, 20_000_100, dtype=">i4")[::2]
    before = wages.copy()
    found = at_once({"tax_year": np.int16(2022), "wages": wages, "withheld": tuple(range(50))})
    assert found == one_by_one([row(wages=int(paid), withheld=i) for i, paid in enumerate(wages)])
    assert (wages == before).all()
    assert at_once({"tax_year": 2022}) == at_once({"tax_year": 2022, "wages": []}) == []


def test_memory_beside_the_result_does_not_grow_with_the_number_of_people() -> None:
    def temporary(count: int) -> int:
        given_ = {key: np.full(count, 100_000, np.int64) for key in AMOUNT_COLUMNS}
        given_ |= {"tax_year": 2023, "bonus_mode": "better"}
        tracemalloc.start()
        result = settle_many(given_, chunk=1_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - sum(getattr(result, name).nbytes for name in RESULTS)

    temporary(1)
    assert temporary(200_000) < 1.2 * temporary(20_000)


# --- what is refused ----------------------------------------------------------------------------------


def first_refusal(rows: Sequence[Row]) -> tuple[int, str]:
    for place, one in enumerate(rows):
        try:
            one_by_one([one])
        except EcnyTaxError as error:
            return place, error.code
    raise AssertionError("none of them is refused")


@given(
    st.lists(rows_of_people(any_year), min_size=1, max_size=6),
    st.integers(0, 5),
    st.one_of(
        st.tuples(
            st.sampled_from(AMOUNT_COLUMNS), st.sampled_from([-1, -(2**63), MAX_AMOUNT + 1, 2**63 - 1])
        ),
        st.tuples(st.just("tax_year"), st.sampled_from([2018, 2101, -1])),
    ),
    st.integers(1, 7),
)
def test_the_first_row_that_settle_refuses_is_named_with_its_reason(
    rows: list[Row], place: int, wrong: tuple[str, int], chunk: int
) -> None:
    key, value = wrong
    rows[place % len(rows)][key] = value
    with pytest.raises(InvalidInputError) as refusal:
        settle_many(as_columns(rows), chunk=chunk)
    found = refusal.value
    assert (found.code, (found.values["row"], found.values["cause"])) == ("row_refused", first_refusal(rows))
    assert found.values["column"] == key
    assert isinstance(found.__cause__, EcnyTaxError)


@pytest.mark.parametrize(
    ("given_", "row_", "column", "value", "cause"),
    [
        ({"wages": [0, -5]}, 1, "wages", "-0.05", "input_value_malformed"),
        ({"withheld": [MAX_AMOUNT + 1]}, 0, "withheld", "1000000000000000.01", "input_value_malformed"),
        ({"tax_year": 2021, "personal_pension": [0, 1]}, 1, "personal_pension", "0.01", "no_rule_on_date"),
        (
            {"tax_year": 2028, "bonus": [0, 1], "bonus_mode": "separate"},
            1, "bonus_mode", "separate", "bonus_mode_not_in_force",
        ),
        ({"bonus": [0, 1], "bonus_mode": [0, 3]}, 1, "bonus_mode", 3, "input_value_malformed"),
        ({"bonus": [0, 1], "bonus_mode": [0, -1]}, 1, "bonus_mode", -1, "input_value_malformed"),
        ({"tax_year": [2022, 2018], "wages": [1, 1]}, 1, "tax_year", 2018, "input_value_malformed"),
    ],
)  # fmt: skip
def test_a_refused_row_is_named_with_its_value(
    given_: dict[str, Any], row_: int, column: str, value: object, cause: str
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        settle_many({"tax_year": 2022} | given_)
    assert refusal.value.code == "row_refused"
    assert refusal.value.values == {"row": row_, "column": column, "value": value, "cause": cause}
    for language in ("en", "zh"):
        assert str(value) in refusal.value.message(language)
        assert cause in refusal.value.hint_in(language)


def test_a_rule_that_is_missing_refuses_whom_it_concerns(tmp_path: Path) -> None:
    document = dict(PACKAGE.document("income_tax"))
    for table in ("donations", "medical"):
        book = Rulebook({"income_tax": document | {table: []}})
        given_ = {"tax_year": 2022, "wages": [1, 1], "donations": [0, 1]}
        with pytest.raises(InvalidInputError) as refusal:
            settle_many(given_, book=book)
        found = refusal.value.values
        expected = (1, "donations") if table == "donations" else (0, "tax_year")
        assert (found["row"], found["column"], found["cause"]) == (*expected, "no_rule_on_date")
    book = Rulebook({"income_tax": document | {"donations": []}})
    rows = [row(wages=20_000_000, donations=0)]
    assert at_once(as_columns(rows), book=book) == one_by_one(rows, book)


@pytest.mark.parametrize(
    ("given_", "code", "named"),
    [
        ({"wages": [1]}, "input_key_missing", "tax_year"),
        ({"tax_year": 2022, "wage": [1]}, "input_key_unknown", "wage"),
        ({"tax_year": 2022, "base_taxable": [1]}, "input_key_unknown", "base_taxable"),
        ({"tax_year": 2018, "wages": [1]}, "input_value_malformed", "2018"),
        ({"tax_year": True, "wages": [1]}, "input_value_malformed", "True"),
        ({"tax_year": "2022", "wages": [1]}, "input_value_malformed", "2022"),
        ({"tax_year": 2022, "bonus_mode": "apart"}, "input_value_malformed", "apart"),
        ({"tax_year": 2022, "bonus_mode": 1}, "input_value_malformed", "1"),
        ({"tax_year": 2022, "withheld_properly": 1}, "input_value_malformed", "1"),
        ({"tax_year": 2022, "wages": 1}, "column_malformed", "int64[]"),
        ({"tax_year": 2022, "wages": [1.0]}, "column_malformed", "float64[1]"),
        ({"tax_year": 2022, "wages": [True]}, "column_malformed", "bool[1]"),
        ({"tax_year": 2022, "wages": ["1"]}, "column_malformed", "<U1[1]"),
        ({"tax_year": 2022, "wages": [2**63]}, "column_malformed", "uint64[1]"),
        ({"tax_year": 2022, "wages": [2**64]}, "column_malformed", "object[1]"),
        ({"tax_year": 2022, "wages": [None]}, "column_malformed", "object[1]"),
        ({"tax_year": 2022, "wages": [[1]]}, "column_malformed", "int64[1, 1]"),
        ({"tax_year": 2022, "wages": [[1], [1, 2]]}, "column_malformed", "object[]"),
        ({"tax_year": 2022, "wages": np.ma.masked_equal([1], 1)}, "column_malformed", "masked"),
        ({"tax_year": 2022, "wages": [1], "sad": [1, 2]}, "column_malformed", "int64[2]"),
        ({"tax_year": [2022], "wages": [1, 2]}, "column_malformed", "int64[2]"),
        ({"tax_year": 2022, "withheld_properly": [1]}, "column_malformed", "bool[]"),
        ({"tax_year": 2022, "bonus_mode": ["merge"]}, "column_malformed", "<U5[1]"),
    ],
)
def test_columns_that_are_none_are_refused(given_: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        settle_many(given_)
    assert refusal.value.code == code
    assert named in refusal.value.message()


def test_a_chunk_has_somebody_in_it() -> None:
    with pytest.raises(InvalidInputError, match="chunk"):
        settle_many({"tax_year": 2022, "wages": [1]}, chunk=0)


def test_every_key_of_a_whole_year_is_a_column() -> None:
    fields = set(AnnualReturn.__dataclass_fields__)
    assert fields - {"base_taxable"} == set(COLUMNS)


def test_without_numpy_it_says_what_to_install() -> None:
    code = """
import sys
sys.modules["numpy"] = None
from ecny_tax.errors import UnavailableError
from ecny_tax.taxes.income_tax import settle_many
try:
    settle_many({"tax_year": 2022})
except UnavailableError as error:
    print(error.code, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert (
        done.stdout.strip()
        == "numpy_missing install the extra [batch]: pip install '.[batch]' in the folder of ecny-tax"
    )


def test_the_one_person_function_does_without_numpy() -> None:
    code = "import sys, ecny_tax.taxes.income_tax; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
