"""The file of an annual return is read strictly, and nothing but a refusal comes out of a bad one."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan, yuan_text
from ecny_tax.taxes import income_tax
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.returns import MAX_BYTES, read_annual_return

amounts = st.integers(0, MAX_AMOUNT).map(Fen)


def refused(content: bytes | str | Path) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        read_annual_return(content)
    for language in ("en", "zh"):
        assert caught.value.message(language)
        assert caught.value.hint_in(language)
    return caught.value


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    file = tmp_path / "income-2022.json"
    file.write_text(
        '{"tax_year": 2022, "wages": "180000.00", "social": 18000, "withheld": "6480.5"}', "utf-8"
    )
    expected = AnnualReturn(
        tax_year=2022, wages=yuan("180000"), social=yuan("18000"), withheld=yuan("6480.50")
    )
    assert read_annual_return(file) == read_annual_return(str(file)) == expected
    assert read_annual_return(file.read_bytes()) == expected
    assert read_annual_return(b"\xef\xbb\xbf" + file.read_bytes()) == expected


@given(
    tax_year=st.integers(income_tax.FIRST_YEAR, income_tax.LAST_YEAR),
    values=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(set(income_tax.AMOUNTS) - {"base_taxable"}, amounts)
    ),
    mode=st.sampled_from(["merge", "separate"]),
)
def test_what_was_written_is_what_is_read(tax_year: int, values: dict[str, Fen], mode: Any) -> None:
    document = {key: yuan_text(amount) for key, amount in values.items()}
    content = json.dumps({"tax_year": tax_year, "bonus_mode": mode, **document}).encode()
    assert read_annual_return(content) == AnnualReturn(tax_year=tax_year, bonus_mode=mode, **values)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input_not_json"),
        (b"{", "input_not_json"),
        (b"[]", "input_not_json"),
        (b"2022", "input_not_json"),
        (b'{"tax_year": 2022} {}', "input_not_json"),
        (b'{"tax_year": 2022, "wages": "\xff"}', "input_not_json"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"tax_year": 2022}', "input_not_json"),
        (b'{"tax_year": 2022, "wages": "1\x00"}', "input_not_json"),
        (b'{"tax_year": 2022}\x00', "input_not_json"),
        (b'{"tax_year": ' + b"9" * 5000 + b"}", "input_not_json"),
        (b"[" * MAX_BYTES, "input_not_json"),
        (b" " * (MAX_BYTES + 1), "input_too_large"),
        (b'{"tax_year": 2022, "tax_year": 2022}', "input_key_repeated"),
        (b'{"tax_year": 2022, "salary": "1"}', "input_key_unknown"),
        (b'{"tax_year": 2022, "wages\\u0000": "1"}', "input_key_unknown"),
        (b'{"tax_year": 2022, "\\ud800": "1"}', "input_key_unknown"),
        (b"{}", "input_key_missing"),
        (b'{"wages": "1"}', "input_key_missing"),
        (b'{"tax_year": "2022"}', "input_value_malformed"),
        (b'{"tax_year": 2022.0}', "input_value_malformed"),
        (b'{"tax_year": true}', "input_value_malformed"),
        (b'{"tax_year": 2018}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": 180000.5}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": 1e400}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": NaN}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": true}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": null}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": {}}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": -1}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": "-1"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": "1.005"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": "1e5"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": "1\\u0000"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": "\\uff11"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "wages": 10000000000000001}', "input_value_malformed"),
        (b'{"tax_year": 2022, "bonus_mode": "apart"}', "input_value_malformed"),
        (b'{"tax_year": 2022, "bonus_mode": ["merge"]}', "input_value_malformed"),
        (b'{"tax_year": 2022, "base_taxable": "1"}', "input_keys_conflict"),
    ],
)
def test_a_bad_return_is_refused_by_name(content: bytes, code: str) -> None:
    assert refused(content).code == code


def test_a_refused_value_is_told_with_its_key_and_what_is_accepted() -> None:
    refusal = refused(b'{"tax_year": 2022, "bonus_mode": "apart"}')
    assert refusal.message() == "bonus_mode cannot be apart"
    assert '"merge" | "separate"' in refusal.hint


def test_the_keys_that_are_known_are_told() -> None:
    hint = refused(b'{"tax_year": 2022, "salary": "1"}').hint
    assert all(key in hint for key in (*income_tax.AMOUNTS, "tax_year", "bonus_mode"))


@pytest.mark.parametrize("name", ["missing.json", "", "a\0b", "x" * 5000])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    refusal = refused(str(tmp_path / name))
    assert refusal.code == "input_file_unreadable"
    assert refusal.values["reason"]


def test_an_endless_file_is_refused_without_being_read_to_its_end() -> None:
    assert refused(Path("/dev/zero")).code == "input_too_large"


@given(st.binary(max_size=200))
@example(b'{"tax_year": 1e999}')
def test_no_bytes_bring_out_anything_but_a_return_or_a_refusal(content: bytes) -> None:
    try:
        read_annual_return(content)
    except InvalidInputError as refusal:
        refusal.message("zh")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*income_tax.AMOUNTS, "tax_year", "bonus_mode"]), json_values))
def test_no_json_brings_out_anything_but_a_return_or_a_refusal(document: dict[str, Any]) -> None:
    try:
        read_annual_return(json.dumps({"tax_year": 2022, **document}).encode())
    except InvalidInputError as refusal:
        refusal.message("en")
