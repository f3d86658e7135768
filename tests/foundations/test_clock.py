"""Time: what is read as a time, the range the simulation accepts, and how times are stored."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.clock import (
    BEIJING,
    FixedClock,
    SystemClock,
    from_micros,
    micros,
    parse_date,
    parse_time,
    rfc3339,
    within_range,
)
from ecny_tax.errors import InvalidInputError

moments = st.integers(0, 220 * 365 * 86_400 * 10**6).map(
    lambda count: datetime(1980, 1, 2, tzinfo=BEIJING) + timedelta(microseconds=count)
)
TEN = datetime(2023, 4, 20, 10, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-04-20", TEN),
        ("2023-04-20T10:00:00+08:00", TEN),
        ("2023-04-20T02:00:00Z", TEN),
        ("2023-04-20T02:00:00+00:00", TEN),
        ("2023-04-19T21:00:00-05:00", TEN),
        ("2023-04-20T10:00:00", TEN),
        ("2023-04-20T10:00", TEN),
        ("2023-04-20 10:00:00+08:00", TEN),
        ("2023-04-20T10:00:00.000001+08:00", TEN + timedelta(microseconds=1)),
        ("1980-01-01", datetime(1980, 1, 1, 10, tzinfo=BEIJING)),
        ("2200-12-31", datetime(2200, 12, 31, 10, tzinfo=BEIJING)),
        ("1979-12-31T16:00:00Z", datetime(1980, 1, 1, tzinfo=BEIJING)),
    ],
)
def test_time_is_read_into_beijing_time(text: str, moment: datetime) -> None:
    read = parse_time(text)
    assert read == moment
    assert read.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2023",
        "2023-4-20",
        "2023-02-29",
        "2023-13-01",
        "20.04.2023",
        "20/04/2023",
        "2023年4月20日",
        "２０２３-04-20",
        "2023-04-20T25:00:00+08:00",
        "2023-04-20T10:00:60+08:00",
        "2023-04-20T10:00:00+08:00 ",
        "2023-04-20T10:00:00+08:00\n",
        "2023-04-20\x00",
        "1979-12-31",
        "2201-01-01",
        "2200-12-31T16:00:00Z",
        "1980-01-01T00:00:00+09:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9" * 10000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        parse_time(text)
    assert refusal.value.code == "time_malformed"
    assert refusal.value.message()


@pytest.mark.parametrize(
    "text",
    ["", "2023-02-29", "2023-4-20", "2023-04-20T10:00:00", "1979-12-31", "2201-01-01", "２０２３-04-20"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        parse_date(text)
    assert refusal.value.code == "date_malformed"


def test_date_is_read() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)


@given(st.text())
def test_any_text_is_a_time_or_refused_by_name(text: str) -> None:
    for read in (parse_time, parse_date):
        code = ""
        try:
            read(text)
        except InvalidInputError as refusal:
            code = refusal.code
        assert code in {"", "time_malformed", "date_malformed"}


@given(moments)
def test_time_survives_storing_and_writing(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment
    assert from_micros(micros(moment)).utcoffset() == timedelta(hours=8)
    assert parse_time(rfc3339(moment)) == moment
    assert rfc3339(moment).endswith("+08:00")


@given(moments, st.integers(-24 * 60 + 1, 24 * 60 - 1))
def test_the_same_instant_is_stored_alike_from_every_zone(moment: datetime, minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert micros(elsewhere) == micros(moment)
    assert rfc3339(elsewhere) == rfc3339(moment)
    assert within_range(elsewhere) == moment


@given(moments, moments)
def test_stored_times_keep_their_order(one: datetime, other: datetime) -> None:
    assert (one < other) == (micros(one) < micros(other))


def test_stored_time_counts_from_1970() -> None:
    assert micros(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert micros(datetime(1970, 1, 1, 8, 0, 1, tzinfo=BEIJING)) == 1_000_000


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=str)
def test_moment_out_of_range_is_refused(moment: datetime) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        within_range(moment)
    assert refusal.value.code == "time_malformed"


def test_system_clock_tells_beijing_time() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(hours=8)


def test_fixed_clock_stands_still_until_it_is_moved() -> None:
    clock = FixedClock(TEN)
    assert clock.now() == clock.now() == TEN
    assert clock.advance(timedelta(days=1)) == clock.now() == TEN + timedelta(days=1)


@pytest.mark.parametrize(
    "step", [timedelta(days=200 * 366), timedelta(days=-50 * 366), timedelta.max, timedelta.min], ids=str
)
def test_fixed_clock_refuses_to_leave_the_range_and_stays(step: Any) -> None:
    clock = FixedClock(TEN)
    with pytest.raises(InvalidInputError) as refusal:
        clock.advance(step)
    assert refusal.value.code == "time_malformed"
    assert clock.now() == TEN
