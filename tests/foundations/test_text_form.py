"""The text form: base45 as RFC 9285 has it, one text for each object, and nothing else is read."""

import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.errors import VerificationError
from ecny_tax.text_form import MAX_CHARACTERS, PREFIX, from_text, to_text
from tests.offline import hand
from tests.offline.hand import code_of

#: RFC 9285, 4.3 and 4.4.
PUBLISHED = [
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
]


@pytest.mark.parametrize(("data", "text"), PUBLISHED, ids=ascii)
def test_published_vectors_of_base45_hold_both_ways(data: bytes, text: str) -> None:
    assert to_text(data) == PREFIX + text
    assert from_text(PREFIX + text) == data


@given(st.binary(max_size=300))
@example(b"")
@example(b"\xff\xff")
@example(b"\xff")
def test_text_gives_its_bytes_back(data: bytes) -> None:
    text = to_text(data)
    assert from_text(text) == data
    assert from_text(f"\r\n\t{text}\r\n") == data


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=60))
def test_text_that_is_read_is_the_only_one_of_its_bytes(body: str) -> None:
    with suppress(VerificationError):
        assert to_text(from_text(PREFIX + body)) == PREFIX + body


TEXT = hand.bundle().to_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX[:-1],
        "ECNY2:BB8",
        "BB8",
        TEXT.lower(),
        TEXT.replace(PREFIX, PREFIX.lower()),
        f" {TEXT}",
        f"\ufeff{TEXT}",
        PREFIX + "B",
        PREFIX + "BB8B",
        PREFIX + ":::",  # 91124, more than two bytes hold
        PREFIX + "GGW",  # 65536
        PREFIX + "::",  # 2024, more than one byte holds
        PREFIX + "V5",  # 256
        PREFIX + "bb8",
        PREFIX + "BB\n8",
        PREFIX + "BB８",
        PREFIX + "BB²",
        PREFIX + "BB\x00",
        PREFIX + "BB\ud800",
        PREFIX + "B_8",
        PREFIX + PREFIX,
    ],
    ids=lambda text: ascii(text)[-24:],
)
def test_other_text_is_refused(text: str) -> None:
    assert code_of(lambda: from_text(text)) == "object_text_malformed"


def test_a_blank_at_the_end_is_a_digit_and_makes_another_text() -> None:
    for tail in (" ", "  ", "   "):
        codes = ("object_text_malformed", "object_malformed")
        assert code_of(lambda tail=tail: hand.verify(from_text(TEXT + tail))) in codes


@pytest.mark.parametrize("unit", ["0", ":", "ECNY1:", "\n", "税", "\ud800", "\x00"], ids=ascii)
def test_a_megabyte_of_text_is_refused_at_once(unit: str) -> None:
    for text in (unit * (1_000_000 // len(unit)), PREFIX + unit * (1_000_000 // len(unit))):
        begun = time.monotonic()
        assert code_of(lambda text=text: from_text(text)) == "object_text_malformed"
        assert time.monotonic() - begun < 0.5


def test_the_longest_text_is_read_in_time() -> None:
    body = "000" * ((MAX_CHARACTERS - len(PREFIX)) // 3)
    begun = time.monotonic()
    assert code_of(lambda: hand.verify(from_text(PREFIX + body))) == "object_malformed"
    assert time.monotonic() - begun < 1
    assert code_of(lambda: from_text(PREFIX + body + "000")) == "object_text_malformed"
