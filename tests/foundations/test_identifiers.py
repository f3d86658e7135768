"""Identifiers: check digits catch what their scheme promises; new ids are in order and repeatable."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecny_tax.clock import BEIJING
from ecny_tax.errors import InvalidInputError
from ecny_tax.identifiers import (
    IdSource,
    age,
    birth_date,
    check_authority_code,
    check_phone,
    check_resident_id,
    check_uscc,
    check_wallet_id,
    luhn_digit,
)

TODAY = date(2023, 4, 20)
NOW = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def refused(check: Callable[[], object], *codes: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        check()
    assert refusal.value.code in codes
    assert refusal.value.message()


# --- unified social credit codes --------------------------------------------------------------------


def uscc(body: str) -> str:
    """The code of these 17 characters: GB 32100-2015, written apart from the code under test."""
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(weight * USCC_ALPHABET.index(char) for weight, char in zip(weights, body, strict=True))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


usccs = st.builds(
    lambda head, region, tail: uscc(head + region + tail),
    st.text(USCC_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(USCC_ALPHABET, min_size=9, max_size=9),
)


@given(usccs)
def test_valid_uscc_is_accepted_in_either_case(code: str) -> None:
    assert check_uscc(code) == check_uscc(code.lower()) == check_uscc(f" {code}\n") == code


def test_printed_example_of_the_standard_is_accepted() -> None:
    assert check_uscc("91350100M000100Y43") == "91350100M000100Y43"


@given(usccs, st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_every_wrong_character_of_a_uscc_is_caught(code: str, place: int, char: str) -> None:
    assume(code[place] != char)
    wrong = code[:place] + char + code[place + 1 :]
    refused(lambda: check_uscc(wrong), "uscc_check_failed", "uscc_malformed")


@given(usccs, st.integers(0, 16))
def test_every_swap_of_neighbours_in_a_uscc_is_caught(code: str, place: int) -> None:
    assume(code[place] != code[place + 1])
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    refused(lambda: check_uscc(wrong), "uscc_check_failed", "uscc_malformed")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "9135O100M000100Y43",
        "91350100I000100Y43",
        "９1350100M000100Y43",
        "91350100M000100Y4\x00",
        "91 350100M000100Y43",
        "A" * 100_000,
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_what_is_no_uscc_is_refused(text: str) -> None:
    refused(lambda: check_uscc(text), "uscc_malformed")


# --- resident identity numbers ----------------------------------------------------------------------


def resident_id(region: str, born: date, sequence: int) -> str:
    """GB 11643-1999, written apart from the code under test."""
    body = f"{region}{born:%Y%m%d}{sequence:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True))
    return body + "10X98765432"[total % 11]


resident_ids = st.builds(
    resident_id,
    st.integers(110_000, 839_999).map(str),
    st.dates(date(1880, 1, 1), TODAY),
    st.integers(0, 999),
)


@given(resident_ids)
def test_valid_resident_id_is_accepted(number: str) -> None:
    assert check_resident_id(number, on=TODAY) == number
    assert check_resident_id(f" {number.lower()} ", on=TODAY) == number
    assert birth_date(number) <= TODAY


@given(resident_ids, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_wrong_character_of_a_resident_id_is_caught(number: str, place: int, char: str) -> None:
    assume(number[place] != char)
    wrong = number[:place] + char + number[place + 1 :]
    refused(lambda: check_resident_id(wrong, on=TODAY), "resident_id_check_failed", "resident_id_malformed")


@given(resident_ids, st.integers(0, 16))
def test_every_swap_of_neighbours_in_a_resident_id_is_caught(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    refused(lambda: check_resident_id(wrong, on=TODAY), "resident_id_check_failed", "resident_id_malformed")


@pytest.mark.parametrize("region", ["810000", "820000", "830000"], ids=["Hong Kong", "Macau", "Taiwan"])
def test_residence_permit_is_accepted(region: str) -> None:
    number = resident_id(region, date(1990, 1, 1), 1)
    assert check_resident_id(number, on=TODAY) == number


def test_birth_on_the_day_itself_is_accepted_and_a_day_later_refused() -> None:
    number = resident_id("440784", TODAY, 1)
    assert check_resident_id(number, on=TODAY) == number
    refused(lambda: check_resident_id(number, on=TODAY - timedelta(days=1)), "resident_id_malformed")
    tomorrow = resident_id("440784", TODAY + timedelta(days=1), 1)
    refused(lambda: check_resident_id(tomorrow, on=TODAY), "resident_id_malformed")


@pytest.mark.parametrize("born", ["19900230", "19901301", "19900100", "00000101", "18791231", "20990101"])
def test_birth_date_that_cannot_be_is_refused_though_the_check_character_fits(born: str) -> None:
    body = f"440784{born}001"
    number = next(body + char for char in "0123456789X" if _iso7064(body + char))
    refused(lambda: check_resident_id(number, on=TODAY), "resident_id_malformed")


def _iso7064(number: str) -> bool:
    value = 0
    for char in number:
        value = (value * 2 + "0123456789X".index(char)) % 11
    return value == 1


@pytest.mark.parametrize(
    "text",
    ["", "44078419900101001", "0" * 18, "X40784199001010017", "４40784199001010017", "4407841990010100170"],
)
def test_what_is_no_resident_id_is_refused(text: str) -> None:
    refused(lambda: check_resident_id(text, on=TODAY), "resident_id_malformed")


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2000, 4, 20), TODAY, 23),
        (date(2000, 4, 21), TODAY, 22),
        (date(2004, 2, 29), date(2020, 2, 28), 15),
        (date(2004, 2, 29), date(2020, 3, 1), 16),
        (TODAY, TODAY, 0),
    ],
)
def test_age_counts_whole_years(born: date, on: date, years: int) -> None:
    assert age(resident_id("440784", born, 1), on=on) == years


# --- wallet ids, phones, authorities ----------------------------------------------------------------

wallet_ids = st.builds(
    lambda operator, serial: _with_luhn(f"00{operator:02d}{serial:011d}"),
    st.integers(0, 99),
    st.integers(0, 10**11 - 1),
)


def _with_luhn(body: str) -> str:
    return next(body + digit for digit in "0123456789" if _luhn_holds(body + digit))


def _luhn_holds(number: str) -> bool:
    doubled = "0246813579"  # what a doubled digit counts
    return sum(int(doubled[int(c)]) if i % 2 else int(c) for i, c in enumerate(reversed(number))) % 10 == 0


@given(wallet_ids)
def test_valid_wallet_id_is_accepted(number: str) -> None:
    assert check_wallet_id(number) == check_wallet_id(f" {number} ") == number
    assert luhn_digit(number[:15]) == number[15]


@given(wallet_ids, st.integers(0, 15), st.sampled_from("0123456789"))
def test_every_wrong_digit_of_a_wallet_id_is_caught(number: str, place: int, digit: str) -> None:
    assume(number[place] != digit)
    wrong = number[:place] + digit + number[place + 1 :]
    refused(lambda: check_wallet_id(wrong), "wallet_id_check_failed", "wallet_id_malformed")


@given(wallet_ids, st.integers(0, 14))
def test_every_swap_of_neighbours_in_a_wallet_id_but_09_is_caught(number: str, place: int) -> None:
    pair = number[place : place + 2]
    assume(pair[0] != pair[1] and set(pair) != {"0", "9"})  # the one swap that Luhn cannot see
    wrong = number[:place] + pair[::-1] + number[place + 2 :]
    refused(lambda: check_wallet_id(wrong), "wallet_id_check_failed", "wallet_id_malformed")


def test_published_luhn_example() -> None:
    assert luhn_digit("7992739871") == "3"


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 17, "0１" + "0" * 14, "1" + "0" * 15, "00x" + "0" * 13])
def test_what_is_no_wallet_id_is_refused(text: str) -> None:
    refused(lambda: check_wallet_id(text), "wallet_id_malformed")


def test_phone_has_eleven_digits_from_13_to_19() -> None:
    assert check_phone(" 13800000000 ") == "13800000000"
    for text in (
        "",
        "12800000000",
        "1380000000",
        "138000000000",
        "+8613800000000",
        "１3800000000",
        "1380000000a",
    ):
        refused(lambda text=text: check_phone(text), "phone_malformed")


def test_authority_code_has_eleven_digits() -> None:
    assert check_authority_code(" 14407840000 ") == "14407840000"
    for text in ("", "1440784000", "144078400000", "1440784000x", "１4407840000"):
        refused(lambda text=text: check_authority_code(text), "authority_code_malformed")


# --- new ids ----------------------------------------------------------------------------------------

steps = st.lists(st.integers(-5_000_000, 5_000_000), min_size=1, max_size=200)


@given(steps, st.text(max_size=8))
def test_transfer_ids_grow_strictly_while_the_clock_goes_anywhere(moves: list[int], seed: str) -> None:
    source, now, ids = IdSource(seed), NOW, []
    for move in moves:
        now += timedelta(microseconds=move)
        ids.append(source.transfer_id(now))
    assert all(earlier < later for earlier, later in pairwise(ids))
    assert all(0 < id_ < 2**128 for id_ in ids)


@given(st.lists(st.integers(0, 220 * 365 * 86_400 * 10**6), min_size=2, unique=True))
def test_transfer_ids_of_different_sources_are_in_the_order_of_their_milliseconds(
    micros: list[int],
) -> None:
    at = [NOW.replace(year=1980) + timedelta(microseconds=count) for count in sorted(micros)]
    ids = [(moment, IdSource(str(place)).transfer_id(moment)) for place, moment in enumerate(at)]
    for (earlier, one), (later, other) in pairwise(ids):
        if later - earlier >= timedelta(milliseconds=2):
            assert one < other


def test_seeded_source_repeats_itself_and_no_other() -> None:
    def run(seed: str | None) -> list[object]:
        source = IdSource(seed)
        return [
            *(source.transfer_id(NOW) for _ in range(50)),
            *(source.number("P", NOW) for _ in range(50)),
            *(source.wallet_id("01") for _ in range(50)),
            source.random_bytes(32),
        ]

    assert run("a") == run("a")
    assert not set(run("a")) & set(run("b"))
    assert not set(run(None)) & set(run(None))


def test_numbers_for_people_are_well_formed_and_different() -> None:
    source = IdSource("seed")
    numbers = [source.number("344", NOW) for _ in range(1000)]
    assert len(set(numbers)) == 1000
    for number in numbers:
        assert number.startswith("344230420")
        assert len(number) == 23
        assert set(number[9:]) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_numbers_for_people_grow_with_the_second() -> None:
    source = IdSource("seed")
    numbers = [source.number("P", NOW + timedelta(seconds=second)) for second in range(0, 50_000, 997)]
    assert numbers == sorted(numbers)


@given(st.integers(0, 99), st.integers())
def test_new_wallet_ids_are_valid(operator: int, seed: int) -> None:
    number = IdSource(str(seed)).wallet_id(f"{operator:02d}")
    assert check_wallet_id(number) == number
    assert number[2:4] == f"{operator:02d}"


def test_ids_go_on_after_a_stored_one_of_the_same_millisecond_only() -> None:
    now = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
    here = int(now.timestamp()) * 1000
    stored = (here << 80) | (2**80 - 2**33)
    ids = IdSource("go on")
    ids.go_on_after(stored.to_bytes(16, "big"), now)
    assert stored < ids.transfer_id(now) < stored + 2**33
    for other in (2**128 - 1, (here + 1) << 80, 7):
        ids = IdSource("go on")
        ids.go_on_after(other.to_bytes(16, "big"), now)
        assert ids.transfer_id(now) >> 80 == here


@given(st.integers(0, 2**42))
def test_an_id_begins_with_the_whole_milliseconds_of_its_time(micros: int) -> None:
    moment = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros * 1_000)
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert IdSource("ms").transfer_id(moment + timedelta(microseconds=999)) >> 80 == whole
