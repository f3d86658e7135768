"""The rule files are well formed, and the rulebook answers with what is in force on a day."""

import copy
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen
from ecny_tax.rulebook import book, figures, schema

SPRING_2023 = date(2023, 4, 20)


def figures_of(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for table, rows in book.package_document(name).items():
        for row in rows if isinstance(rows, list) else [rows]:
            yield table, row


# --- the files ----------------------------------------------------------------------------------------


def test_every_rule_file_of_the_package_has_a_form() -> None:
    in_package = {path.stem for path in Path(rulebook.__file__).parent.glob("*.toml")}
    assert in_package == set(schema.FILES) == set(book.NAMES)


@pytest.mark.parametrize("name", book.NAMES)
def test_every_rule_file_has_the_strict_form(name: str) -> None:
    schema.FILES[name].model_validate(book.package_document(name))


@pytest.mark.parametrize("name", book.NAMES)
def test_every_figure_is_dated_cited_and_marked(name: str) -> None:
    for table, row in figures_of(name):
        assert isinstance(row["effective_from"], date), table
        assert row["citation"].strip(), table
        assert row["evidence"] in rulebook.EVIDENCE, table


@pytest.mark.parametrize("name", [name for name in book.NAMES if name != "calendar"])
def test_no_two_figures_of_one_thing_are_in_force_on_one_day(name: str) -> None:
    document = copy.deepcopy(book.package_document(name))
    table, rows = next((table, rows) for table, rows in document.items() if isinstance(rows, list))
    rows.append(rows[-1])
    with pytest.raises(ValidationError, match=f"{table} / .*: two rules from"):
        schema.FILES[name].model_validate(document)


@pytest.mark.parametrize(
    ("name", "table", "change"),
    [
        ("stamp_duty", "items", {"rate": 0.0003}),
        ("stamp_duty", "items", {"rate": "0,0003"}),
        ("stamp_duty", "items", {"rate": "1.5"}),
        ("stamp_duty", "items", {"citation": ""}),
        ("stamp_duty", "items", {"evidence": "hearsay"}),
        ("stamp_duty", "items", {"colour": "red"}),
        ("stamp_duty", "items", {"effective_from": "2022-07-01"}),
        ("stamp_duty", "items", {"effective_to": date(2000, 1, 1)}),
        ("income_tax", "basic_deduction", {"amount": 60000}),
        ("income_tax", "basic_deduction", {"amount": "-60000"}),
        ("income_tax", "basic_deduction", {"amount": "1" * 20}),
        ("income_tax", "settlement_window", {"closes": "02-01"}),
        ("income_tax", "settlement_window", {"closes": "06-31"}),
        ("income_tax", "annual_brackets", {"brackets": []}),
        ("income_tax", "annual_brackets", {"brackets": [{"rate": "0.1", "quick_deduction": "5"}]}),
        (
            "income_tax",
            "annual_brackets",
            {
                "brackets": [
                    {"up_to": "100", "rate": "0.1", "quick_deduction": "0"},
                    {"rate": "0.2", "quick_deduction": "11"},
                ]
            },
        ),
        (
            "income_tax",
            "annual_brackets",
            {"brackets": [{"rate": "0.1", "quick_deduction": "0"}, {"rate": "0.2", "quick_deduction": "0"}]},
        ),
        ("taxes", "shares", {"central": 60}),
        ("taxes", "collection_items", {"code": "1010"}),
        ("wallets", "classes", {"cap": "none"}),
        ("taxes", "local_split", {"county": 51}),
        ("scheme", "operators", {"digits": "22"}),
    ],
)
def test_a_rule_file_that_is_not_in_form_is_refused(name: str, table: str, change: dict[str, object]) -> None:
    document = copy.deepcopy(book.package_document(name))
    document[table][0].update(change)
    with pytest.raises(ValidationError):
        schema.FILES[name].model_validate(document)


def test_the_monthly_brackets_are_a_twelfth_of_the_annual_ones() -> None:
    rules = rulebook.on(SPRING_2023)
    for month, year in zip(
        rules.income_tax.monthly_brackets.brackets, rules.income_tax.annual_brackets.brackets, strict=True
    ):
        assert month.rate == year.rate
        assert month.quick_deduction * 12 == year.quick_deduction
        assert (month.up_to or 0) * 12 == (year.up_to or 0)


# --- wallets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("I", (None, None, None, None)),
        ("II", (500_000, 50_000, 100_000, None)),
        ("III", (20_000, 5_000, 10_000, None)),
        ("IV", (10_000, 2_000, 5_000, 50_000)),
        ("corporate", (None, None, None, None)),
    ],
)
def test_wallet_classes_have_their_limits_in_fen(name: str, limits: tuple[int | None, ...]) -> None:
    found = rulebook.on(SPRING_2023).wallets.wallet_class(name)
    in_fen = tuple(None if limit is None else limit * 100 for limit in limits)
    assert (found.cap, found.single, found.day, found.year) == in_fen
    assert found.wallet_class == name


def test_limits_without_a_published_source_are_named() -> None:
    rules = rulebook.on(SPRING_2023)
    assumed = {name: rules.wallets.wallet_class(name).assumed for name in ("I", "II", "III", "IV")}
    assert assumed == {"I": (), "II": ("year",), "III": ("day", "year"), "IV": ("year",)}
    assert rules.wallets.wallet_class("corporate").evidence == "assumption"


def test_the_holder_is_sixteen_or_older_from_class_three_up() -> None:
    rules = rulebook.on(SPRING_2023)
    ages = [rules.wallets.wallet_class(name).minimum_age for name in ("I", "II", "III", "IV")]
    assert ages == [16, 16, 16, None]


def test_a_wallet_class_is_looked_up_once() -> None:
    rules = rulebook.on(SPRING_2023)
    assert rules.wallets.wallet_class("II") is rulebook.on(SPRING_2023).wallets.wallet_class("II")


def test_an_unknown_wallet_class_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        rulebook.on(SPRING_2023).wallets.wallet_class("V")
    assert refusal.value.code == "wallet_class_unknown"


def test_before_the_pilots_there_is_no_wallet_class() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        rulebook.on(date(2019, 12, 31)).wallets.wallet_class("II")
    assert refusal.value.code == "no_rule_on_date"
    assert "2020-01-01" in refusal.value.hint
    assert "2019-12-31" in refusal.value.message("zh")


def test_wallet_type_codes() -> None:
    assert {kind.code: kind.kind for kind in rulebook.PACKAGE.wallets.types} == {
        "WT01": "personal",
        "WT02": "personal_sub",
        "WT03": "hardware",
        "WT09": "corporate",
        "WT10": "corporate_sub",
    }


# --- the scheme ---------------------------------------------------------------------------------------


def test_ten_operators_with_digits_of_their_own() -> None:
    found = [(operator.code, operator.digits) for operator in rulebook.PACKAGE.scheme.operators]
    codes = ["ICBC", "ABC", "BOC", "CCB", "BOCOM", "PSBC", "CMB", "CIB", "WEBANK", "MYBANK"]
    assert found == [(code, str(21 + place)) for place, code in enumerate(codes)]


def test_a_new_simulation_starts_at_heshan() -> None:
    scheme = rulebook.PACKAGE.scheme
    assert (scheme.authority.code, scheme.authority.name_zh) == ("14407840000", "国家税务总局鹤山市税务局")
    assert (len(scheme.treasury.code), scheme.treasury.name_zh) == (10, "国家金库鹤山市支库")
    assert scheme.operator_reserve == 10_000_000_000_00
    assert scheme.revenue_opening == 100_000_000_000_00
    reasons = rulebook.on(SPRING_2023).scheme.refund_reasons
    assert list(reasons) == [
        "paid_in_error",
        "overpaid",
        "relief_granted",
        "other",
    ]


@given(st.dates(date(2020, 1, 1), date(2100, 12, 31)))
def test_i6_the_fee_is_zero_on_every_day(day: date) -> None:
    assert rulebook.on(day).wallets.fee_rate == Fraction(0)


def test_the_local_share_divides_30_20_50() -> None:
    assert rulebook.on(SPRING_2023).taxes.local_split() == (30, 20, 50)
    assert rulebook.on(SPRING_2023).taxes.local_split("1907840000") == (30, 20, 50)


# --- collection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "weights"),
    [("10101", (50, 50)), ("10102", (100, 0)), ("10106", (60, 40)), ("10111", (0, 100)), ("30216", (0, 100))],
)
def test_collection_items_have_their_shares(code: str, weights: tuple[int, int]) -> None:
    item = rulebook.on(SPRING_2023).taxes.collection_item(code)
    assert (item.central_weight, item.local_weight) == weights


def test_stamp_duty_on_securities_is_central_revenue() -> None:
    item = rulebook.on(SPRING_2023).taxes.collection_item("10111", case="securities")
    assert (item.central_weight, item.local_weight) == (100, 0)


def test_a_collection_item_is_as_well_known_as_the_weaker_of_its_two_figures() -> None:
    rules = rulebook.on(SPRING_2023)
    assert rules.taxes.collection_item("10111").evidence == "secondary"  # code secondary, share law
    assert rules.taxes.collection_item("10106").evidence == "unverified"  # code secondary, share unverified


def test_every_collection_item_in_force_can_be_looked_up() -> None:
    items = rulebook.on(SPRING_2023).taxes.collection_items()
    assert len(items) == 17
    assert all(item.name_zh in item.budget_subject_zh for item in items)
    assert "10121" not in [item.code for item in rulebook.on(date(2017, 12, 31)).taxes.collection_items()]


@pytest.mark.parametrize(("code", "case"), [("10100", None), ("10111", "imports"), ("", None)])
def test_an_unknown_collection_code_is_refused(code: str, case: str | None) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        rulebook.on(SPRING_2023).taxes.collection_item(code, case=case)
    assert refusal.value.code == "tax_code_unknown"


# --- dates --------------------------------------------------------------------------------------------


def test_a_lapse_is_told_with_the_days_in_force() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        _ = rulebook.on(date(2028, 1, 1)).income_tax.separate_bonus
    assert refusal.value.values["periods"] == "2019-01-01 – 2027-12-31"


def test_periods_that_touch_are_told_as_one() -> None:
    found = (
        figures.Dated(date(2022, 1, 1), date(2022, 12, 31), Fen(1)),
        figures.Dated(date(2023, 1, 1), None, Fen(2)),
        figures.Dated(date(2019, 1, 1), date(2020, 12, 31), Fen(3)),
    )
    assert figures.periods(found) == "2019-01-01 – 2020-12-31, 2022-01-01 – …"


@given(st.dates(date(2008, 4, 24), date(2100, 12, 31)))
def test_from_2008_on_each_side_of_securities_has_exactly_one_rate(day: date) -> None:
    rates = [rate.side for rate in rulebook.on(day).stamp_duty.rates() if rate.code == "securities"]
    assert sorted(map(str, rates)) == ["buy", "sell"]


@pytest.mark.parametrize(
    "edge", [date(2008, 4, 24), date(2008, 9, 19), date(2022, 7, 1), date(2023, 8, 28), date(2028, 1, 1)]
)
def test_no_day_around_a_change_has_two_rates_of_one_item(edge: date) -> None:
    for day in (edge - timedelta(1), edge):
        keys = [(rate.code, rate.side) for rate in rulebook.on(day).stamp_duty.rates()]
        assert len(keys) == len(set(keys))


# --- cost ---------------------------------------------------------------------------------------------


def test_importing_the_rulebook_reads_nothing_and_using_it_needs_no_pydantic() -> None:
    program = """
import sys
from datetime import date
from ecny_tax import rulebook
assert "tomllib" not in sys.modules
rulebook.on(date(2023, 4, 20)).wallets.wallet_class("II"), rulebook.PACKAGE.scheme
assert "pydantic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
