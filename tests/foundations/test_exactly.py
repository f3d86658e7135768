"""Values pinned to the digit: seeded ids, remainders of a split, and what a refusal says was refused."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import identifiers
from ecny_tax.clock import parse_time
from ecny_tax.errors import InvalidInputError
from ecny_tax.identifiers import IdSource
from ecny_tax.money import Fen, positive, split

NOW = parse_time("2023-04-20T10:11:12+08:00")
MILLISECONDS = 1681956672000

TRANSFER_IDS = [
    "01879c6e12006e0ee65ca84c7d3112e7",
    "01879c6e12006e0ee65ca84ce21b3a9b",
    "01879c6e12006e0ee65ca84db31b00c9",
]
NUMBER = "P2304208YG1Z9A88SV9S5"
WALLET_ID = "0021101316107664"


def test_seeded_ids_are_the_same_on_every_machine() -> None:
    source = IdSource("pinned")
    assert [f"{source.transfer_id(NOW):032x}" for _ in range(3)] == TRANSFER_IDS
    assert source.number("P", NOW) == NUMBER
    assert source.wallet_id("21") == WALLET_ID


def test_an_id_without_a_seed_comes_from_the_systems_secrets() -> None:
    assert IdSource().transfer_id(NOW) != IdSource().transfer_id(NOW)
    assert IdSource().random_bytes is secrets.token_bytes


@pytest.mark.parametrize(("year", "fine"), [(1879, False), (1880, True)])
def test_nobody_was_born_before_1880(year: int, fine: bool) -> None:
    body = f"440784{year}0101001"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    number = body + "10X98765432"[total % 11]
    if fine:
        assert identifiers.check_resident_id(number, on=NOW.date()) == number
        return
    with pytest.raises(InvalidInputError) as caught:
        identifiers.check_resident_id(number, on=NOW.date())
    assert caught.value.code == "resident_id_malformed"


def test_a_transfer_id_starts_with_the_milliseconds() -> None:
    assert IdSource("x").transfer_id(NOW) >> 80 == MILLISECONDS


def test_ids_of_one_millisecond_grow_by_small_steps_and_the_next_starts_anew() -> None:
    source = IdSource("x")
    first, second = source.transfer_id(NOW), source.transfer_id(NOW)
    assert 0 < second - first <= 2**32
    later = source.transfer_id(parse_time("2023-04-20T10:11:13+08:00"))
    assert later >> 80 == MILLISECONDS + 1000


def test_an_id_follows_the_last_one_when_the_clock_is_behind_it() -> None:
    source = IdSource("x")
    first = source.transfer_id(NOW)
    assert 0 < source.transfer_id(parse_time("2023-04-20T10:11:11+08:00")) - first <= 2**32


@given(st.integers(0, 10**17), st.lists(st.integers(0, 10**6), min_size=1, max_size=6).filter(any))
def test_a_split_gives_the_odd_fen_to_the_largest_remainders(amount: int, weights: list[int]) -> None:
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    floors = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda place: (floors[place] - exact[place], place))
    lucky = set(order[: amount - sum(floors)])
    assert split(Fen(amount), weights) == tuple(
        floor + (place in lucky) for place, floor in enumerate(floors)
    )


def test_the_whole_goes_to_a_single_weight_of_one() -> None:
    assert split(Fen(7), [1]) == (7,)


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2]])
def test_weights_that_divide_nothing_are_named(weights: list[int]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        split(Fen(7), weights)
    assert (caught.value.code, caught.value.values) == ("weights_malformed", {"value": weights})


@pytest.mark.parametrize(
    ("check", "value", "code"),
    [
        (identifiers.check_uscc, "x", "uscc_malformed"),
        (identifiers.check_uscc, "91440784MA00DEM06G", "uscc_check_failed"),
        (lambda text: identifiers.check_resident_id(text, on=NOW.date()), "x", "resident_id_malformed"),
        (
            lambda text: identifiers.check_resident_id(text, on=NOW.date()),
            "440784198501010018",
            "resident_id_check_failed",
        ),
        (
            lambda text: identifiers.check_resident_id(text, on=date(1984, 12, 31)),
            "440784198501010017",
            "resident_id_malformed",
        ),
        (
            lambda text: identifiers.check_resident_id(text, on=NOW.date()),
            "440784198513010014",
            "resident_id_malformed",
        ),
        (identifiers.check_phone, "x", "phone_malformed"),
        (identifiers.check_wallet_id, "x", "wallet_id_malformed"),
        (identifiers.check_wallet_id, "0021382293212757", "wallet_id_check_failed"),
        (identifiers.check_authority_code, "x", "authority_code_malformed"),
    ],
)
def test_a_refusal_names_the_value_it_refuses(check: Callable[[str], str], value: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check(value)
    assert (caught.value.code, caught.value.values) == (code, {"value": value})


@pytest.mark.parametrize(
    ("amount", "code", "shown"),
    [
        (0, "amount_not_positive", "0.00"),
        (-1, "amount_not_positive", "below zero"),
        (1.0, "amount_malformed", "1.0"),
        (True, "amount_malformed", "True"),
    ],
)
def test_an_amount_that_cannot_move_is_named(amount: Fen, code: str, shown: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        positive(amount)
    assert (caught.value.code, caught.value.values) == (code, {"value": shown})


@pytest.mark.parametrize(("text", "fine"), [("梁先生", True), ("", True), ("\0", False), ("\udcff", False)])
def test_text_is_what_can_be_stored(text: str, fine: bool) -> None:
    assert identifiers.is_text(text) is fine


@pytest.mark.parametrize(("edge", "fine"), [(0xD7FF, True), (0xD800, False), (0xDFFF, False), (0xE000, True)])
def test_surrogates_are_no_text_and_their_neighbours_are(edge: int, fine: bool) -> None:
    assert identifiers.is_text(f"a{chr(edge)}") is fine
