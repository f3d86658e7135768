"""Bad input: Hypothesis strategies for values that must be refused, each with the codes they end in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st

from ecny_tax.money import MAX_AMOUNT
from ecny_tax.parties.model import MAX_NAME
from ecny_tax.testing import strategies

#: What people take for digits: o for 0, l for 1, full-width and Arabic-Indic digits.
_LOOKS_LIKE_DIGITS = "oO０٠lI１١"
#: The last year that a clock may show is 2200.
_TOO_LATE = datetime.fromisoformat("2201-01-01T00:00:00")


def amounts() -> st.SearchStrategy[object]:
    """What ``yuan`` refuses (``amount_malformed``, ``amount_too_precise``, ``amount_too_large``): signs,
    separators, exponents, a third decimal, letters for digits, floats, below zero, too much; shrinks to
    ``None``."""
    plain = strategies.yuan_texts()
    return st.one_of(
        st.sampled_from(
            ["", " ", ".", "-1", "+1", "1,000", "1e3", "0x10", "1_000", "NaN", "Infinity", "1.", ".5"]
        ),
        plain.map(lambda text: f" {text}"),
        plain.map(lambda text: f"{text}\n"),
        st.integers(0, 10**9).map(lambda thousandths: f"{thousandths}.001"),
        st.sampled_from(_LOOKS_LIKE_DIGITS).map(lambda char: f"2{char}0.00"),
        st.floats(),
        st.booleans(),
        st.integers(max_value=-1),
        st.integers(min_value=MAX_AMOUNT // 100 + 1),
        st.integers(1, 10**9).map(lambda number: Decimal(number).scaleb(-3) + Decimal("0.0001")),
        st.none(),
    )


def fens() -> st.SearchStrategy[object]:
    """What no operation moves (``amount_malformed``, ``amount_not_positive``, ``amount_too_large``): nothing,
    less, more than 10^17 fen, floats, flags and text; shrinks to 0."""
    return st.one_of(
        st.integers(max_value=0),
        st.integers(min_value=MAX_AMOUNT + 1),
        st.floats(),
        st.booleans(),
        strategies.yuan_texts(),
    )


def names() -> st.SearchStrategy[str]:
    """What is no name (``name_malformed``): blank, too long, with NUL or half a character; shrinks to
    ``""``."""
    return st.one_of(
        st.text(" \t\u3000", max_size=5),
        st.integers(MAX_NAME + 1, 1000).map(lambda length: "名" * length),
        st.sampled_from(["\0", "\ud800"]).map(lambda char: f"虚构{char}人"),
    )


def company_ids() -> st.SearchStrategy[str]:
    """What is no social credit code (``uscc_malformed``, ``uscc_check_failed``): cut, too long, of letters
    that none has, of a wrong check character; shrinks to the code of number 1 with a character too many."""
    right = strategies.company_ids()
    return st.one_of(
        st.integers(0, 17).flatmap(lambda length: right.map(lambda code: code[:length])),
        right.map(lambda code: f"{code}0"),
        right.map(lambda code: f"{code[:8]}I{code[9:]}"),
        right.map(lambda code: code[:-1] + ("0" if code[-1] != "0" else "1")),
    )


def person_ids() -> st.SearchStrategy[str]:
    """What is no resident identity number (``resident_id_malformed``, ``resident_id_check_failed``): cut, too
    long, of a wrong check digit, of a day that no calendar has; shrinks to number 1 with a digit too many."""
    right = strategies.person_ids()
    return st.one_of(
        st.integers(0, 17).flatmap(lambda length: right.map(lambda code: code[:length])),
        right.map(lambda code: f"{code}0"),
        right.map(lambda code: code[:-1] + ("0" if code[-1] != "0" else "1")),
        right.map(lambda code: f"{code[:10]}0231{code[14:]}"),
        right.map(lambda code: f"{code[:10]}1301{code[14:]}"),
    )


def phones() -> st.SearchStrategy[str]:
    """What is no mobile number (``phone_malformed``): of ten or twelve digits, of another beginning, with
    separators or full-width digits; shrinks to one with a digit too
    many."""
    right = strategies.phones()
    return st.one_of(
        st.integers(0, 10).flatmap(lambda length: right.map(lambda number: number[:length])),
        right.map(lambda number: f"{number}0"),
        right.map(lambda number: f"12{number[2:]}"),
        right.map(lambda number: f"{number[:3]}-{number[3:]}"),
        right.map(lambda number: f"１{number[1:]}"),
    )


def wallet_ids() -> st.SearchStrategy[str]:
    """What is no wallet id (``wallet_id_malformed``, ``wallet_id_check_failed``); shrinks to one with a
    digit too many."""
    right = strategies.wallet_ids()
    return st.one_of(
        st.integers(0, 15).flatmap(lambda length: right.map(lambda number: number[:length])),
        right.map(lambda number: f"{number}0"),
        right.map(lambda number: number[:-1] + str((int(number[-1]) + 1) % 10)),
    )


def operators() -> st.SearchStrategy[str]:
    """What is no operator of a new scheme (``operator_unknown``); shrinks to ``""``."""
    return st.sampled_from(["", "I C B C", "HSBC", "102100099996", "工商银行", "ICBC;DROP TABLE wallet"])


def times() -> st.SearchStrategy[object]:
    """What no clock is set to (``time_malformed``): no such day, no zone, a year that is not accepted, other
    ways to write a time; shrinks to ``""``."""
    return st.one_of(
        st.sampled_from(
            ["", "2023", "2023-02-29", "2023-13-01", "20.4.2023", "2023-04-20T25:00", "now", "1979-12-31"]
        ),
        st.datetimes(_TOO_LATE).map(str),
        st.datetimes(),
    )
