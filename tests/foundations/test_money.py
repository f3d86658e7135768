"""Money: what is read as an amount, how amounts are written, and that no fen is ever lost."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.money import (
    MAX_AMOUNT,
    Fen,
    capital_numerals,
    positive,
    positive_yuan,
    round_half_up,
    split,
    times,
    yuan,
    yuan_text,
)

amounts = st.one_of(
    st.integers(0, 200), st.integers(0, MAX_AMOUNT), st.integers(MAX_AMOUNT - 3, MAX_AMOUNT)
).map(Fen)


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("17000.00", 1_700_000),
        ("17000", 1_700_000),
        ("17000.5", 1_700_050),
        ("0", 0),
        ("0.00", 0),
        ("0.01", 1),
        ("000017.00", 1_700),
        ("17000元", 1_700_000),
        ("1.7万", 1_700_000),
        ("1.7万元", 1_700_000),
        ("0.000001万元", 1),
        ("0.1亿元", 1_000_000_000),
        ("5666.666667万元", 5_666_666_667),
        ("1000000000000000.00", MAX_AMOUNT),
        ("10000000亿元", MAX_AMOUNT),
        (17000, 1_700_000),
        (0, 0),
        (Decimal("17000.00"), 1_700_000),
        (Decimal("0.01"), 1),
    ],
)
def test_amount_is_read_exactly(written: Any, fen: int) -> None:
    assert yuan(written) == fen
    assert type(yuan(written)) is int


MALFORMED = [
    "",
    " ",
    "元",
    "万元",
    "abc",
    "-1",
    "+1",
    "-0",
    "1.",
    ".5",
    "1..2",
    "1.2.3",
    " 1",
    "1 ",
    "1\n",
    "1\x00",
    "1 000",
    "1,000.00",
    "1_000",
    "1e3",
    "1E+3",
    "0x10",
    "NaN",
    "nan",
    "sNaN",
    "Infinity",
    "inf",
    "¥1",
    "1¥",
    "1 元",
    "1元元",
    "1万万",
    "1万亿",
    "1元万",
    "１７０００",
    "1７",
    "1．5",
    "٣",
    "壹",
    "一",
    "²",
    "1/2",
    "1" * 25,
    "0." + "0" * 13,
    True,
    False,
    1.0,
    17000.0,
    float("nan"),
    float("inf"),
    None,
    b"1",
    [1],
    Fraction(1, 2),
    -1,
    Decimal("-1"),
    Decimal("-0"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("1E+3"),
]


@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        yuan(value)
    assert refusal.value.code == "amount_malformed"
    assert refusal.value.message()
    assert refusal.value.hint


@pytest.mark.parametrize("value", ["0.001", "1.005", "17000.123", "0.0000001万元", Decimal("0.005")], ids=str)
def test_fraction_of_a_fen_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        yuan(value)
    assert refusal.value.code == "amount_too_precise"


@pytest.mark.parametrize(
    "value", ["1000000000000000.01", "10000000.00000001亿", "9" * 24, 10**15 + 1, 10**23], ids=str
)
def test_amount_above_the_limit_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        yuan(value)
    assert refusal.value.code == "amount_too_large"


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["huge", "hugely negative"])
@pytest.mark.parametrize("read", [yuan, positive, positive_yuan], ids=lambda read: read.__name__)
def test_number_too_long_to_be_written_is_refused_as_any_other(read: Any, value: int) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read(value)
    assert refusal.value.message()


@given(st.text() | st.text("0123456789.eE+-_, 万亿元０１"))
def test_any_text_is_an_amount_or_refused_by_name(text: str) -> None:
    code, fen = "", 0
    try:
        fen = yuan(text)
    except EcnyTaxError as refusal:
        code = refusal.code
    assert code.startswith("amount_") or 0 <= fen <= MAX_AMOUNT


@given(amounts)
def test_an_amount_written_is_read_back(fen: Fen) -> None:
    assert yuan(yuan_text(fen)) == fen
    assert yuan(Decimal(fen).scaleb(-2)) == fen
    assert yuan_text(fen, grouped=True).replace(",", "") == yuan_text(fen)


@pytest.mark.parametrize(
    ("fen", "text", "grouped"),
    [
        (0, "0.00", "0.00"),
        (1, "0.01", "0.01"),
        (10, "0.10", "0.10"),
        (-1, "-0.01", "-0.01"),
        (-1_700_050, "-17000.50", "-17,000.50"),
        (123_456_789, "1234567.89", "1,234,567.89"),
    ],
)
def test_amount_is_written_with_two_decimals(fen: int, text: str, grouped: str) -> None:
    assert yuan_text(fen) == text
    assert yuan_text(fen, grouped=True) == grouped


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "amount_not_positive"),
        (-1, "amount_not_positive"),
        (MAX_AMOUNT + 1, "amount_too_large"),
        (1.0, "amount_malformed"),
        (True, "amount_malformed"),
        ("1", "amount_malformed"),
        (None, "amount_malformed"),
    ],
)
def test_what_cannot_be_moved_is_refused(amount: Any, code: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        positive(amount)
    assert refusal.value.code == code


def test_what_can_be_moved_is_returned() -> None:
    assert [positive(Fen(1)), positive(MAX_AMOUNT), positive_yuan("0.01")] == [1, MAX_AMOUNT, 1]
    with pytest.raises(InvalidInputError, match="amount_not_positive"):
        positive_yuan("0.00")


# --- rounding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "fen"),
    [
        (Fraction(0), 0),
        (Fraction(1, 2), 1),
        (Fraction(49, 100), 0),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(249, 100), 2),
        (Fraction(10**30) + Fraction(1, 2), 10**30 + 1),
    ],
)
def test_half_goes_up(value: Fraction, fen: int) -> None:
    assert round_half_up(value) == fen


@given(st.fractions(min_value=0, max_value=10**20))
def test_rounding_is_off_by_half_a_fen_at_most_and_never_down_from_a_half(value: Fraction) -> None:
    rounded = round_half_up(value)
    assert -Fraction(1, 2) < rounded - value <= Fraction(1, 2)


@given(amounts, st.fractions(min_value=0, max_value=10))
def test_times_is_exact_before_it_rounds(fen: Fen, rate: Fraction) -> None:
    assert times(fen, rate) == round_half_up(Fraction(fen) * rate)


# --- splitting --------------------------------------------------------------------------------------

weights = st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any)


@given(amounts, weights)
def test_split_loses_nothing_is_fair_to_a_fen_and_the_same_every_time(fen: Fen, parts: list[int]) -> None:
    shares = split(fen, parts)
    assert sum(shares) == fen
    assert len(shares) == len(parts)
    for share, weight in zip(shares, parts, strict=True):
        assert abs(share - Fraction(fen * weight, sum(parts))) < 1
        assert share >= 0
        if weight == 0:
            assert share == 0
    assert split(fen, parts) == split(fen, tuple(parts)) == shares


@given(amounts, weights)
def test_larger_weight_never_gets_less(fen: Fen, parts: list[int]) -> None:
    by_weight = sorted(zip(parts, split(fen, parts), strict=True))
    for (lighter, less), (heavier, more) in pairwise(by_weight):
        assert lighter == heavier or less <= more


def test_where_remainders_tie_the_earlier_share_gets_the_fen() -> None:
    assert split(Fen(100), (1, 1, 1)) == (34, 33, 33)
    assert split(Fen(101), (1, 1, 1)) == (34, 34, 33)
    assert split(Fen(1), (0, 1, 1)) == (0, 1, 0)
    assert split(Fen(1), (1, 2)) == (0, 1)


@pytest.mark.parametrize("parts", [(), (0,), (0, 0), (-1,), (2, -1), (-1, 2)])
def test_weights_that_cannot_divide_are_refused(parts: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        split(Fen(100), parts)
    assert refusal.value.code == "weights_malformed"


# --- capital numerals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        # The examples of 支付结算办法, annex 1 (正确填写票据和结算凭证的基本规定), with every form it allows.
        ("1409.50", {"壹仟肆佰零玖元伍角", "壹仟肆佰零玖元伍角整"}),
        ("6007.14", {"陆仟零柒元壹角肆分"}),
        ("1680.32", {"壹仟陆佰捌拾元零叁角贰分", "壹仟陆佰捌拾元叁角贰分"}),
        ("107000.53", {"壹拾万柒仟元零伍角叁分", "壹拾万零柒仟元伍角叁分", "壹拾万柒仟元伍角叁分"}),
        ("16409.02", {"壹万陆仟肆佰零玖元零贰分"}),
        ("325.04", {"叁佰贰拾伍元零肆分"}),
        # The story of this project, and the corners.
        ("17000", {"壹万柒仟元整"}),
        ("0", {"零元整"}),
        ("0.01", {"壹分"}),
        ("0.10", {"壹角整", "壹角"}),
        ("0.11", {"壹角壹分"}),
        ("1", {"壹元整"}),
        ("1.01", {"壹元零壹分"}),
        ("10", {"壹拾元整"}),
        ("15", {"壹拾伍元整"}),
        ("101", {"壹佰零壹元整"}),
        ("110", {"壹佰壹拾元整"}),
        ("1001", {"壹仟零壹元整"}),
        ("1010", {"壹仟零壹拾元整"}),
        ("10001", {"壹万零壹元整"}),
        ("10010", {"壹万零壹拾元整"}),
        ("10100", {"壹万零壹佰元整"}),
        ("100000", {"壹拾万元整"}),
        ("100010", {"壹拾万零壹拾元整"}),
        ("1000100", {"壹佰万零壹佰元整"}),
        ("10001000", {"壹仟万零壹仟元整", "壹仟万壹仟元整"}),
        ("20304050.60", {"贰仟零叁拾万零肆仟零伍拾元陆角整", "贰仟零叁拾万肆仟零伍拾元陆角整"}),
        ("56666666.67", {"伍仟陆佰陆拾陆万陆仟陆佰陆拾陆元陆角柒分"}),
        ("100000000", {"壹亿元整"}),
        ("100000001", {"壹亿零壹元整"}),
        ("100010000", {"壹亿零壹万元整"}),
        ("1010000000", {"壹拾亿零壹仟万元整", "壹拾亿壹仟万元整"}),
        ("1000000000000000", {"壹仟万亿元整"}),
    ],
)
def test_capital_numerals_follow_the_official_rules(written: str, allowed: set[str]) -> None:
    assert capital_numerals(yuan(written)) in allowed


@given(amounts)
@example(MAX_AMOUNT)
def test_capital_numerals_say_the_amount_and_nothing_else(fen: Fen) -> None:
    text = capital_numerals(fen)
    assert _read_capitals(text) == fen
    assert "零零" not in text
    assert "零元" not in text or fen == 0
    assert text.endswith(("整", "分"))


def _read_capitals(text: str) -> int:
    """What a clerk reads: written apart from the code under test."""
    text = text.removesuffix("整")
    whole, _, part = text.rpartition("元") if "元" in text else ("", "", text)
    fen = 0
    for digit, unit in zip(*[iter(part.replace("零", ""))] * 2, strict=True):
        fen += "零壹贰叁肆伍陆柒捌玖".index(digit) * {"角": 10, "分": 1}[unit]
    return _read_integer(whole) * 100 + fen


def _read_integer(text: str) -> int:
    for name, unit in (("亿", 10**8), ("万", 10**4)):
        if name in text:
            high, _, low = text.rpartition(name)
            return _read_integer(high) * unit + _read_integer(low)
    total = digit = 0
    for char in text:
        if char in "仟佰拾":
            total += digit * {"仟": 1000, "佰": 100, "拾": 10}[char]
            digit = 0
        else:
            digit = "零壹贰叁肆伍陆柒捌玖".index(char)
    return total + digit
