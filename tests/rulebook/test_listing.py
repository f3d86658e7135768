"""The listing of a rulebook: every figure in force on a day, and nothing else."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.rulebook import EVIDENCE, PACKAGE, forms, listing, rulebook_with, schema
from ecny_tax.rulebook.book import NAMES, package_document
from ecny_tax.rulebook.forms import NAMING, Limit, Yuan
from ecny_tax.rulebook.listing import FigureInForce, figures

SPRING_2023 = date(2023, 4, 20)


def found(file: str, table: str, code: str = "", *, on: date = SPRING_2023) -> FigureInForce:
    """The one figure of that place."""
    (only,) = [
        figure
        for figure in figures(PACKAGE, on)
        if (figure.file, figure.table, figure.code) == (file, table, code)
    ]
    return only


def rows() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (f"{name}.toml", table, row)
        for name in NAMES
        for table, listed in package_document(name).items()
        for row in (listed if isinstance(listed, list) else [listed])
    ]


@given(st.dates(date(1985, 1, 1), date(2035, 12, 31)))
def test_what_is_listed_is_what_the_files_have_in_force(day: date) -> None:
    expected = Counter(
        (file, table)
        for file, table, row in rows()
        if row["effective_from"] <= day <= row.get("effective_to", date.max)
    )
    listed = figures(PACKAGE, day)
    assert Counter((figure.file, figure.table) for figure in listed) == expected
    for figure in listed:
        assert figure.citation
        assert figure.evidence in EVIDENCE
        assert all(isinstance(value, str) for value in figure.values.values())


@given(st.dates(date(1985, 1, 1), date(2035, 12, 31)))
def test_no_two_listed_figures_speak_of_one_thing(day: date) -> None:
    listed = [(figure.file, figure.table, figure.code) for figure in figures(PACKAGE, day)]
    assert max(Counter(listed).values(), default=1) == 1


def test_every_figure_is_listed_on_its_first_and_its_last_day_and_not_beyond() -> None:
    def listed(day: date, file: str, table: str, citation: str) -> bool:
        return any(
            (figure.file, figure.table, figure.citation) == (file, table, citation)
            and (figure.effective_from, figure.effective_to)
            == (row["effective_from"], row.get("effective_to"))
            for figure in figures(PACKAGE, day)
        )

    for file, table, row in rows():
        place = (file, table, row["citation"])
        assert listed(row["effective_from"], *place)
        assert not listed(row["effective_from"] - timedelta(days=1), *place)
        if last := row.get("effective_to"):
            assert listed(last, *place)
            assert not listed(last + timedelta(days=1), *place)


def test_a_figure_is_shown_with_its_values_as_they_are_written() -> None:
    sale = found("stamp_duty.toml", "items", "sale_contract")
    assert (sale.name_zh, sale.values["rate"], sale.values["base_zh"]) == ("买卖合同", "0.0003", "价款")
    assert (sale.effective_from, sale.effective_to) == (date(2022, 7, 1), None)
    assert found("stamp_duty.toml", "items", "securities sell").effective_to == date(2023, 8, 27)
    assert found("income_tax.toml", "basic_deduction").values == {"amount": "60000.00"}
    assert found("wallets.toml", "classes", "II").assumed == ("year",)
    assert found("taxes.toml", "surcharges", "10109 city").note == "from memory"
    assert found("scheme.toml", "opening").values["revenue"] == "100000000000.00"
    assert found("scheme.toml", "refund_reasons", "other").values == {"bears_interest": "false"}
    brackets = found("income_tax.toml", "labour_brackets").values["brackets"]
    assert brackets == (
        "up_to 20000.00 rate 0.20 quick_deduction 0.00; up_to 50000.00 rate 0.30 quick_deduction 2000.00; "
        "rate 0.40 quick_deduction 7000.00"
    )
    assert found("stamp_duty.toml", "relief", "six_taxes_two_fees").values["not_for"] == "securities"


def test_a_figure_is_named_by_what_the_rule_files_name_it_by() -> None:
    assert listing._NAMING == NAMING  # written anew there: importing forms would load pydantic


def test_the_amounts_are_those_that_the_forms_of_the_files_declare_as_such() -> None:
    declared = set()
    for kind in vars(schema).values():
        if isinstance(kind, type) and issubclass(kind, forms.Form):
            hints = get_type_hints(kind, include_extras=True)
            declared |= {key for key, hint in hints.items() if {Yuan, Limit} & {hint, *get_args(hint)}}
    assert declared == listing.AMOUNTS


def test_what_a_user_puts_in_the_place_of_a_figure_is_listed(tmp_path: Path) -> None:
    (tmp_path / "stamp_duty.toml").write_text(
        '[[items]]\ncode = "sale_contract"\nname_zh = "买卖合同"\nname_en = "Sale"\nrate = "0.5"\n'
        'base_zh = "价款"\nbase_en = "price"\neffective_from = 2022-07-01\ncitation = "mine"\n'
        'evidence = "assumption"\n'
    )
    (tmp_path / "calendar.toml").write_text(
        '[[holidays]]\nname_zh = "元旦"\nname_en = "New Year"\ndays = [2023-01-01, 2023-01-02]\n'
        'citation = "order of the State Council"\nevidence = "published"\n'
    )
    book = rulebook_with(tmp_path)
    own = [figure for figure in figures(book, SPRING_2023) if figure.citation == "mine"]
    assert [figure.values["rate"] for figure in own] == ["0.5"]
    assert len(figures(book, SPRING_2023)) == len(figures(PACKAGE, SPRING_2023)) + 1
    assert figures(book, SPRING_2023)[-1].values == {"days": "2023-01-01, 2023-01-02"}
    assert figures(book, SPRING_2023)[-1].effective_from is None


@pytest.mark.parametrize("day", [date(1980, 1, 1), date(1900, 1, 1)])
def test_before_there_was_any_rule_nothing_is_listed(day: date) -> None:
    assert figures(PACKAGE, day) == ()


def test_without_a_day_every_figure_of_the_files_is_listed() -> None:
    listed = Counter((figure.file, figure.table, figure.citation) for figure in figures(PACKAGE, None))
    assert listed == Counter((file, table, row["citation"]) for file, table, row in rows())
